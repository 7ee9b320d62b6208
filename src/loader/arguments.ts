/** Argument and environment strings: reading them from the caller, and their limits. Linux 6.18 fs/exec.c. */
import { E2BIG, EFAULT, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import type { UserMemory } from '../memory/user-memory.ts';
import { readUserString } from '../memory/user-string.ts';

/** Longest single string, its NUL included (MAX_ARG_STRLEN). */
const MAX_ARG_STRLEN = 32 * 4096;
const ARG_MAX = 131072;
/** Three quarters of the default stack limit: no more, however large the stack may be. */
const MOST = 6 * 1024 * 1024;

/** The strings of a NULL-terminated vector of pointers at `addr` (0 = none). EFAULT, E2BIG. */
export function readStringVector(space: UserMemory, addr: number): string[] | Errno {
  const list: string[] = [];
  if (addr === 0) return list;
  let bytes = 0;
  for (let at = addr; ; at += 8) {
    const p = space.readU64(at);
    if (isErr(p)) return EFAULT;
    if (p === 0) return list;
    const s = readUserString(space, p, MAX_ARG_STRLEN);
    if (typeof s === 'number') return s === EFAULT ? EFAULT : E2BIG;
    bytes += s.length + 9;
    // Anything above this fails the exact check in `checkArgumentSize` too; stop early.
    if (bytes > MOST) return E2BIG;
    list.push(s);
  }
}

/** Linux bprm_stack_limits and copy_strings: strings and pointers must fit in a quarter of the stack. 0 or E2BIG. */
export function checkArgumentSize(filename: string, argv: readonly string[], envp: readonly string[], stackLimit: number): 0 | Errno {
  let limit = Math.max(Math.min(MOST, stackLimit / 4), ARG_MAX);
  const pointers = (Math.max(argv.length, 1) + envp.length) * 8;
  if (limit <= pointers) return E2BIG;
  limit -= pointers;
  let bytes = filename.length + 1;
  for (const s of argv) bytes += s.length + 1;
  for (const s of envp) bytes += s.length + 1;
  return bytes > limit ? E2BIG : 0;
}
