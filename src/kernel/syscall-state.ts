/** The system call a task is in: what survives between two calls of the same handler. */
import type { Errno } from '../abi/errno.ts';

/** Internal result: the handler wrote the registers itself (rt_sigreturn, execve); RAX is not touched. */
export const REGISTERS_SET: Errno = -601 as Errno;
/** Internal result: the task is dying; it does not return to user mode. */
export const TASK_EXITS: Errno = -602 as Errno;

export class SyscallState {
  /** Number of the current or last call; -1 = not in one (Linux orig_ax). */
  nr = -1;
  /** The handler's own, 0 on first entry: bytes already moved, a phase … */
  progress = 0;
  progress2 = 0;
  /** The handler's own object between calls (the child a vfork waits for, an epoll …). */
  object: unknown = null;
  /** Absolute monotonic ns of the deadline given to `wait`, Infinity if none; kept between calls: -1 on first entry. */
  deadline = -1;
  /** The last wait ended because its deadline passed. */
  timedOut = false;
  /** The handler is being called again. */
  again = false;
  /** clone: the caller waits for its child to exec or exit. */
  vfork = false;
  /** What restart_syscall does: set by handlers that return ERESTART_RESTARTBLOCK. */
  readonly restart: RestartBlock = new RestartBlock();

  /** Made ready for a new call. */
  begin(nr: number): void {
    this.nr = nr;
    this.progress = 0;
    this.progress2 = 0;
    this.object = null;
    this.deadline = -1;
    this.timedOut = false;
    this.again = false;
  }
}

/** Kinds of RestartBlock. */
export const RESTART_NONE = 0, RESTART_NANOSLEEP = 1, RESTART_FUTEX = 2, RESTART_POLL = 3;

/** Linux struct restart_block: how to go on with a call that a stop or an ignored signal interrupted. */
export class RestartBlock {
  kind: number = RESTART_NONE;
  /** Absolute monotonic deadline, ns. */
  deadline = 0;
  addr = 0;
  count = 0;
  value = 0;
  flags = 0;
  bitset = 0;
  clock = 0;
}
