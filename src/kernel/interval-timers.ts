/** setitimer and alarm: ITIMER_REAL on the timer heap, ITIMER_VIRTUAL and ITIMER_PROF on the process's CPU time. */
import { ITIMER_PROF, ITIMER_VIRTUAL } from '../abi/time.ts';
import { SIGALRM, SIGPROF, SIGVTALRM } from '../abi/signal.ts';
import { sendSignalToGroup } from './signal-send.ts';
import type { ThreadGroup } from './thread-group.ts';
import { Timer, type TimerHeap } from '../base/timers.ts';

class RealTimer extends Timer {
  readonly owner: IntervalTimers;
  constructor(owner: IntervalTimers) {
    super();
    this.owner = owner;
  }
  override expire(now: number): void {
    const o = this.owner;
    if (o.realInterval > 0) {
      let next = this.deadline + o.realInterval;
      if (next <= now) next += Math.ceil((now - next + 1) / o.realInterval) * o.realInterval;
      o.heap.arm(this, next);
    }
    sendSignalToGroup(o.tg, SIGALRM);
  }
}

export class IntervalTimers {
  readonly tg: ThreadGroup;
  readonly heap: TimerHeap;
  readonly real: RealTimer = new RealTimer(this);
  /** ns, 0 = one shot. */
  realInterval = 0;
  /** CPU time (ns) at which ITIMER_VIRTUAL (index 1) and ITIMER_PROF (2) are due; 0 = off. */
  readonly cpuDeadline: number[] = [0, 0, 0];
  readonly cpuInterval: number[] = [0, 0, 0];

  constructor(tg: ThreadGroup, heap: TimerHeap) {
    this.tg = tg;
    this.heap = heap;
  }
  /** Time to the next SIGALRM in ns, 0 = off. */
  realLeft(now: number): number {
    return this.real.armed ? Math.max(1000, this.real.deadline - now) : 0;
  }
  /** Arms (value > 0) or stops (0) the real timer. ns. */
  setReal(now: number, value: number, interval: number): void {
    this.realInterval = value > 0 ? interval : 0;
    if (value > 0) this.heap.arm(this.real, now + value);
    else this.heap.cancel(this.real);
  }
  get usesCpuTime(): boolean {
    return this.cpuDeadline[ITIMER_VIRTUAL] !== 0 || this.cpuDeadline[ITIMER_PROF] !== 0;
  }
  /** Looks whether CPU-time timers are due, given the process's user time and total time in ns. */
  checkCpu(user: number, total: number): void {
    this.checkOne(ITIMER_VIRTUAL, user, SIGVTALRM);
    this.checkOne(ITIMER_PROF, total, SIGPROF);
  }
  private checkOne(which: number, now: number, sig: number): void {
    const due = this.cpuDeadline[which]!; // indices 1 and 2
    if (due === 0 || now < due) return;
    const interval = this.cpuInterval[which]!;
    this.cpuDeadline[which] = interval > 0 ? Math.max(due + interval, now + 1) : 0;
    sendSignalToGroup(this.tg, sig);
  }
  cancelAll(): void {
    this.heap.cancel(this.real);
    this.cpuDeadline.fill(0);
  }
}
