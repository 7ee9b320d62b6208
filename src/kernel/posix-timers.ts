/** timer_create and its like: Linux struct k_itimer. */
import { SI_TIMER, SIGEV_NONE } from '../abi/signal.ts';
import { SignalInfo, type SignalTimer } from './signal-info.ts';
import { sendSignalInfo } from './signal-send.ts';
import type { Task } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';
import { Timer } from '../base/timers.ts';

const OVERRUN_MAX = 0x7fffffff;

export class PosixTimer extends Timer implements SignalTimer {
  readonly tg: ThreadGroup;
  readonly id: number;
  readonly clock: number;
  readonly notify: number;
  readonly signo: number;
  /** sigev_value. */
  readonly valueLo: number;
  readonly valueHi: number;
  /** SIGEV_THREAD_ID: the thread; null = the process. */
  readonly target: Task | null;
  /** ns; 0 = one shot. */
  interval = 0;
  /** Counts settings, so that a signal of an older one is dropped. */
  private generation = 0;
  private queuedGeneration = -1;
  /** Expirations since the queued signal; what timer_getoverrun says. */
  private pendingOverrun = 0;
  overrun = 0;
  /** The signal is queued and not yet taken. */
  private queued = false;
  /** CPU-time clocks: due at this CPU time instead of on the heap; 0 = off. */
  cpuDeadline = 0;
  /** On a CPU-time clock; of one thread, or (null) of the process. */
  onCpuTime = false;
  clockTask: Task | null = null;

  constructor(tg: ThreadGroup, id: number, clock: number, notify: number, signo: number, valueLo: number, valueHi: number, target: Task | null) {
    super();
    this.tg = tg;
    this.id = id;
    this.clock = clock;
    this.notify = notify;
    this.signo = signo;
    this.valueLo = valueLo;
    this.valueHi = valueHi;
    this.target = target;
  }

  /** CPU time of its clock, ns: the thread's or the process's. */
  cpuNow(): number {
    return this.clockTask === null ? this.tg.cpuTime : this.clockTask.usage.utime + this.clockTask.usage.stime;
  }

  override expire(now: number): void {
    let missed = 0;
    if (this.interval > 0) {
      let next = this.deadline + this.interval;
      if (next <= now) {
        missed = Math.ceil((now - next + 1) / this.interval);
        next += missed * this.interval;
      }
      this.tg.leader.kernel.timers.arm(this, next);
    }
    this.fire(missed);
  }

  /** One expiration, and `missed` more. */
  fire(missed: number): void {
    if (this.notify === SIGEV_NONE) return;
    if (this.queued) {
      this.pendingOverrun = Math.min(OVERRUN_MAX, this.pendingOverrun + 1 + missed);
      return;
    }
    this.queued = true;
    this.queuedGeneration = this.generation;
    this.pendingOverrun = missed;
    const info = new SignalInfo(this.signo, SI_TIMER);
    info.w0 = this.id;
    info.w2 = this.valueLo;
    info.w3 = this.valueHi;
    info.timer = this;
    const t = this.target ?? this.tg.leader;
    sendSignalInfo(t, info, this.target === null, true);
    // Ignored: nothing was queued.
    const pending = this.target === null ? this.tg.pending : t.signals.pending;
    if (!pending.set.has(this.signo)) this.queued = false;
  }

  signalTaken(info: SignalInfo): boolean {
    this.queued = false;
    if (this.queuedGeneration !== this.generation) return false;
    this.overrun = this.pendingOverrun;
    info.w1 = this.overrun;
    return true;
  }

  /** Set anew: what is still queued belongs to the old setting. */
  reset(): void {
    this.generation++;
    this.queued = false;
    this.overrun = this.pendingOverrun = 0;
    this.tg.pending.dropTimer(this);
    for (const m of this.tg.threads) m.signals.pending.dropTimer(this);
  }

  cancel(): void {
    this.tg.leader.kernel.timers.cancel(this);
    this.cpuDeadline = 0;
    this.reset();
  }
}
