/** Words for /proc/sys: numbers and strings with a range, kept in the kernel's sysctl table or made from its state. */
import { EACCES, EINVAL } from '../../../abi/errno.ts';
import { ROOT_KGID, ROOT_KUID } from '../../../abi/ids.ts';
import type { Kernel } from '../../../kernel/kernel.ts';
import type { VfsContext } from '../../../vfs/context.ts';
import { MAY_EXEC } from '../../../vfs/permission.ts';
import { file, writable } from '../../pseudo/entries.ts';
import type { Acceptor, FileEntry, Generator } from '../../pseudo/entries.ts';
import type { SubjectPolicy } from '../../pseudo/pseudo-inode.ts';
import type { ProcSuperBlock } from '../proc-fs.ts';
import { parseInteger } from '../task-limits.ts';

/** Linux test_perm(): root's, the root group's or everybody's bits of `mode`; capabilities count for nothing. */
export function sysctlAccess(mode: number, ctx: VfsContext, mask: number): number {
  const c = ctx.credentials;
  const bits = c.euid === ROOT_KUID ? mode >> 6 : c.inEffectiveGroup(ROOT_KGID) ? mode >> 3 : mode;
  return (mask & ~bits & 7) === 0 ? 0 : EACCES;
}

/** /proc/sys: values are the real root's, whatever other privileges somebody has. Linux fs/proc/proc_sysctl.c. */
export const sysctlPolicy: SubjectPolicy<ProcSuperBlock> = {
  stamp() {},
  alive: () => true,
  permission: (inode, _fs, ctx, mask) => (inode.isRegular && mask & MAY_EXEC ? EACCES : sysctlAccess(inode.mode, ctx, mask)),
};

/** One or more numbers to read and write. */
export function numbers(read: Generator<ProcSuperBlock>, write: Acceptor<ProcSuperBlock>): FileEntry<ProcSuperBlock> {
  return { ...writable(read, write), fromStart: true };
}

/** A value that is only shown. */
export function shown(make: (kernel: Kernel, ctx: VfsContext) => string | number): FileEntry<ProcSuperBlock> {
  return file((fs, ctx) => `${make(fs.kernel, ctx)}\n`);
}

/**
 * Takes the integer with which `text` begins and calls `set`: the bytes taken, as more than one value is not looked at, or EINVAL (no number, something
 * other than white space behind it, out of range). Linux proc_get_long().
 */
export function setInteger(text: string, min: number, max: number, set: (value: number) => void): number {
  if (text === '') return 0;
  const m = /^\s*(-?\d\w*)(?:\s+|$)/.exec(text);
  const value = m === null ? Number.NaN : parseInteger(m[1]!); // not optional
  if (m === null || !(value >= min && value <= max)) return EINVAL;
  set(value);
  return m[0].length;
}

/** An integer from `min` to `max` that the guest may change; kept by name, and read by whoever honours it. EINVAL out of range. */
export function tunable(name: string, initial: number, min: number, max: number): FileEntry<ProcSuperBlock> {
  return numbers(
    (fs) => `${fs.sysctls.get(name) ?? initial}\n`,
    (fs, _ctx, text) => setInteger(text, min, max, (value) => void fs.sysctls.set(name, value)),
  );
}
