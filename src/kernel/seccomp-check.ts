/** Seccomp at the entry of a call. */
import { SIGKILL } from '../abi/signal.ts';
import { exitGroup } from './exit.ts';
import type { SyscallArgs } from './syscall-args.ts';
import type { Task } from './task.ts';

/** Calls of strict mode: read, write, exit, rt_sigreturn. */
const STRICT: ReadonlySet<number> = new Set([0, 1, 60, 15]);

/** 0 = the call may go on; 1 = it does not happen (result set, or the task dies). */
export function seccompCheck(t: Task, nr: number, _args: SyscallArgs): 0 | 1 {
  if (t.seccompMode === 1 && !STRICT.has(nr)) {
    exitGroup(t, SIGKILL);
    return 1;
  }
  return 0;
}
