/** Scheduling parameters of a task: Linux sched_entity and its policy fields. */
import { NICE_WEIGHTS, SCHED_DEADLINE, SCHED_IDLE, SCHED_NORMAL } from '../abi/sched.ts';

/** Slice of a task of nice 0, ns. */
export const BASE_SLICE_NS = 4_000_000;
const MAX_SLICE_NS = 40_000_000;
/** SchedEntity.rank of SCHED_DEADLINE. */
export const DEADLINE_RANK = 100;

export class SchedEntity {
  policy: number = SCHED_NORMAL;
  /** -20 … 19 */
  nice = 0;
  /** 1 … 99 for SCHED_FIFO and SCHED_RR, else 0. */
  rtPriority = 0;
  resetOnFork = false;
  /** Bits of the CPUs it may run on. */
  affinity = 0xffffffff;
  /** What sched_setaffinity asked for: counts again when a cpuset allows it. */
  wishedAffinity = 0xffffffff;
  /** The virtual CPU it is on. */
  cpu = 0;
  /** A fair task's own slice (sched_setattr), ns; 0: the usual one. */
  slice = 0;
  /** SCHED_DEADLINE: ns, and SCHED_FLAG_RECLAIM and SCHED_FLAG_DL_OVERRUN. */
  runtime = 0;
  deadline = 0;
  period = 0;
  deadlineFlags = 0;
  /** Time left of the current turn, ns. */
  left: number = BASE_SLICE_NS;
  /** From the last look at the clock but one to the last, ns. */
  lastRun = 0;
  /** What a run of its code may count before the clock is looked at. */
  fuel = 131_072;
  /** Its queue: deadline tasks before all, real-time ones by priority, 0 for the others. */
  get rank(): number {
    return this.policy === SCHED_DEADLINE ? DEADLINE_RANK : this.rtPriority;
  }
  get weight(): number {
    return this.policy === SCHED_IDLE ? 3 : NICE_WEIGHTS[this.nice + 20]!; // -20 … 19
  }
  /** Length of a turn by weight. */
  refill(): void {
    this.left = Math.min(MAX_SLICE_NS, Math.max(50_000, (BASE_SLICE_NS * this.weight) / 1024));
  }
  /** SCHED_RESET_ON_FORK: back to an ordinary task; negative nice goes to 0. */
  reset(): void {
    if (this.rank > 0) {
      this.policy = SCHED_NORMAL;
      this.rtPriority = 0;
      this.nice = 0;
    } else if (this.nice < 0) this.nice = 0;
    this.resetOnFork = false;
    this.refill();
  }
  copyFrom(o: SchedEntity): void {
    this.policy = o.policy;
    this.nice = o.nice;
    this.rtPriority = o.rtPriority;
    this.slice = o.slice;
    this.runtime = o.runtime;
    this.deadline = o.deadline;
    this.period = o.period;
    this.deadlineFlags = o.deadlineFlags;
    this.affinity = o.affinity;
    this.wishedAffinity = o.wishedAffinity;
    this.resetOnFork = o.resetOnFork;
    this.fuel = o.fuel;
    this.refill();
  }
}
