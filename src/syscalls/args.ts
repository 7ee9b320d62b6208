/** What a family file needs to declare rows: `import { type SyscallRow, type SyscallArgs } from './args.ts'`. */
import type { SyscallArgs } from '../kernel/syscall-args.ts';
import type { Task } from '../kernel/task.ts';

export { SyscallArgs } from '../kernel/syscall-args.ts';

/**
 * Answers one call: the value for RAX, a negative errno, or an internal result (BLOCKED: called again after a wake-up; ERESTART*:
 * a signal interrupted it; REGISTERS_SET: the handler wrote the registers itself).
 */
export type SyscallHandler = (t: Task, a: SyscallArgs) => number;

/** How much of the call is there: 'full' = all that Linux 6.18 does with it here; 'partial' = the docs page says what is missing. */
export type SupportLevel = 'full' | 'partial';

/**
 * One row: number, name, argument types, support, handler.
 *
 * Argument types are words separated by commas, as `--strace` prints them. Known words: int, uint, long, ulong, size, hex, addr,
 * fd, dirfd (AT_FDCWD), path, str, buf:N (bytes in, length in argument N), obuf (bytes out, length = result), struct names (stat,
 * timespec, …, `out:NAME` when filled by the call), flag sets and constants by their family (openflags, mode, prot, mapflags,
 * cloneflags, signal, sigset, whence, pid, uid, gid, clockid, …). A word the tracer does not know prints in hexadecimal.
 * `=word` behind the last one is the type of the result (default: int).
 */
export type SyscallRow = readonly [nr: number, name: string, args: string, support: SupportLevel, handler: SyscallHandler];
