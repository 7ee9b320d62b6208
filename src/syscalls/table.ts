/**
 * The one table of system calls. Dispatch, `--strace`, the coverage page and the argument fuzzer derive from it.
 * A family file exports `rows`; it is listed here. A call without a row returns ENOSYS and is counted.
 */
import { ENOSYS } from '../abi/errno.ts';
import { SYSCALL_NAMES } from '../abi/syscall-numbers.ts';
import type { SyscallHandler, SyscallRow } from './args.ts';

const FAMILIES: readonly (readonly SyscallRow[])[] = [
];

export const NR_SYSCALLS: number = SYSCALL_NAMES.length;

/** Row by number; null = not there. */
export const SYSCALL_ROWS: readonly (SyscallRow | null)[] = buildRows();

/** Calls that returned ENOSYS for want of a row, by number. */
export const missingCalls: Map<number, number> = new Map();

const notImplemented: SyscallHandler = (t) => {
  const nr = t.syscall.nr;
  missingCalls.set(nr, (missingCalls.get(nr) ?? 0) + 1);
  return ENOSYS;
};

/** Handler by number, for dispatch: dense, no holes. */
export const SYSCALL_HANDLERS: readonly SyscallHandler[] = SYSCALL_ROWS.map((row) => (row ? row[4] : notImplemented));

function buildRows(): (SyscallRow | null)[] {
  const table: (SyscallRow | null)[] = SYSCALL_NAMES.map(() => null);
  for (const rows of FAMILIES)
    for (const row of rows) {
      if (SYSCALL_NAMES[row[0]] !== row[1]) throw new Error(`syscall ${row[0]} is ${SYSCALL_NAMES[row[0]]}, not ${row[1]}`);
      if (table[row[0]]) throw new Error(`syscall ${row[1]} has two rows`);
      table[row[0]] = row;
    }
  return table;
}
