/** The trace points. The kernel calls them; a sink must not change anything. */
import type { UserMemory } from '../memory/user-memory.ts';

/** What a sink sees of a task. */
export interface TracedTask {
  /** Thread id in the first PID namespace. */
  readonly tid: number;
  /** Its memory now. */
  readonly space: UserMemory;
}

/** The six arguments of the call that is being made. */
export interface TracedArguments {
  /** Low and high word, signed. */
  lo(i: number): number;
  hi(i: number): number;
  /** Unsigned 64 bits as a number. */
  addr(i: number): number;
  /** Signed 64 bits as a number. */
  long(i: number): number;
}

/** siginfo of a delivered signal, as far as it is printed. The words are those of siginfo_t from offset 16. */
export interface TracedSignal {
  readonly signo: number;
  readonly code: number;
  readonly w0: number;
  readonly w1: number;
  readonly w2: number;
}

export interface TraceSink {
  /** A call is made for the first time (not when it is made again after a wait). */
  syscallEnter(task: TracedTask, nr: number, args: TracedArguments): void;
  /** `result`: what the guest gets in RAX, or an internal restart code. */
  syscallLeave(task: TracedTask, nr: number, args: TracedArguments, result: number): void;
  signalDelivered(task: TracedTask, signal: TracedSignal): void;
  /** The task stopped for `signo` (job control). */
  stopped(task: TracedTask, signo: number): void;
  /** `status` as wait4 reports it: exit code << 8, or the signal with 0x80 for a core dump. */
  exited(task: TracedTask, status: number): void;
}
