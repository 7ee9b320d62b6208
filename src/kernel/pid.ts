/** A process number in every PID namespace that sees it: Linux struct pid. Lives while a task, group or session uses it, or a pidfd. */
import type { Pid as PidNumber } from '../abi/ids.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { Path } from '../vfs/mount.ts';
import type { PidNamespace } from './pid-namespace.ts';
import type { ProcessGroup } from './process-group.ts';
import type { Session } from './session.ts';
import type { Task } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

/** Someone who keeps something by the number of a task: procfs. */
export interface PidKeeper {
  /** The task with this number was reaped. */
  taskReleased(pid: Pid): void;
}

export class Pid {
  /** The innermost namespace; `numbers[level]` is the number there, `numbers[0]` the one in the root. */
  readonly ns: PidNamespace;
  readonly numbers: readonly number[];
  /** What carries this number, each at most one. */
  task: Task | null = null;
  threadGroup: ThreadGroup | null = null;
  processGroup: ProcessGroup | null = null;
  session: Session | null = null;
  /** Pollers of pidfds: woken when the task exits. Made when the first pidfd is. */
  wait: WaitQueue | null = null;
  /** Those that have something to drop when the task is gone; null for nearly all. */
  private keepers: PidKeeper[] | null = null;
  /** Its file in pidfs, once someone asked for it. */
  place: Path | null = null;
  /** Exit status kept for pidfds after the task is gone (PIDFD_GET_INFO); -1 = none yet. */
  exitCode = -1;
  /** Number of the control group that it was in then. */
  exitCgroup = 0;

  constructor(ns: PidNamespace, numbers: readonly number[]) {
    this.ns = ns;
    this.numbers = numbers;
  }
  /** The number as `ns` sees it, 0 if it does not (Linux pid_nr_ns). */
  nr(ns: PidNamespace): PidNumber {
    return (ns.level <= this.ns.level && (ns === this.ns || this.ns.isWithin(ns)) ? this.numbers[ns.level]! : 0) as PidNumber;
  }
  /** The number in the root namespace. */
  get global(): number {
    return this.numbers[0]!; // always there
  }
  get waitQueue(): WaitQueue {
    return (this.wait ??= new WaitQueue());
  }
  /** `keeper` is told once when the task is reaped. */
  keep(keeper: PidKeeper): void {
    if (this.keepers === null) this.keepers = [keeper];
    else if (!this.keepers.includes(keeper)) this.keepers.push(keeper);
  }
  /** The task was reaped (Linux proc_flush_pid). */
  taskReleased(): void {
    const { keepers } = this;
    if (keepers === null) return;
    this.keepers = null;
    for (const k of keepers) k.taskReleased(this);
  }
  /** Gives the numbers back once nothing carries them. */
  releaseIfUnused(): void {
    if (this.task === null && this.threadGroup === null && this.processGroup === null && this.session === null) this.ns.free(this);
  }
}
