/** Scheduling parameters of a task: Linux sched_entity and its policy fields. */
import { NICE_WEIGHTS, SCHED_IDLE, SCHED_NORMAL } from '../abi/sched.ts';

/** Slice of a task of nice 0, ns. */
export const BASE_SLICE_NS = 4_000_000;
const MAX_SLICE_NS = 40_000_000;

export class SchedEntity {
  policy: number = SCHED_NORMAL;
  /** -20 … 19 */
  nice = 0;
  /** 1 … 99 for SCHED_FIFO and SCHED_RR, else 0. */
  rtPriority = 0;
  resetOnFork = false;
  /** Bits of the CPUs it may run on. */
  affinity = 0xffffffff;
  /** The virtual CPU it is on. */
  cpu = 0;
  /** SCHED_DEADLINE parameters and utilisation clamps are kept for sched_getattr. ns. */
  slice = 0;
  /** Time left of the current turn, ns. */
  left: number = BASE_SLICE_NS;
  /** What a run of its code may count before the clock is looked at. */
  fuel = 131_072;
  get weight(): number {
    return this.policy === SCHED_IDLE ? 3 : NICE_WEIGHTS[this.nice + 20]!; // -20 … 19
  }
  /** Length of a turn by weight. */
  refill(): void {
    this.left = Math.min(MAX_SLICE_NS, Math.max(50_000, (BASE_SLICE_NS * this.weight) / 1024));
  }
  /** SCHED_RESET_ON_FORK: back to an ordinary task; negative nice goes to 0. */
  reset(): void {
    if (this.rtPriority > 0) {
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
    this.affinity = o.affinity;
    this.resetOnFork = o.resetOnFork;
    this.fuel = o.fuel;
    this.refill();
  }
}
