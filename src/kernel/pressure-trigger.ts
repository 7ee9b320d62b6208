/** Who waits for a stall of some length within a window of time. Linux psi_trigger_create(), update_triggers(). */
import { EINVAL, type Errno } from '../abi/errno.ts';
import { Timer, type TimerHeap } from '../base/timers.ts';
import type { PressureGroup, PressureResource } from './pressure.ts';

/** µs. Those without CAP_SYS_RESOURCE are looked at with the averages. */
const LONGEST_WINDOW = 10_000_000, ORDINARY_WINDOW = 2_000_000;
/** Looks in one window, and for how many of them after the last stall. */
const LOOKS = 10;

export class PressureTrigger {
  readonly state: number;
  /** ns. */
  readonly threshold: number;
  readonly window: number;
  readonly interval: number;
  /** A stall was reported and nobody has polled since. */
  event = false;
  private readonly tell: () => void;
  private pending = false;
  private lastEvent = 0;
  private windowStart = 0;
  private startTotal = 0;
  private previousGrowth = 0;
  private seenTotal = 0;

  /** `tell`: there is an event. */
  constructor(state: number, threshold: number, window: number, interval: number, tell: () => void) {
    this.state = state;
    this.threshold = threshold;
    this.window = window;
    this.interval = interval;
    this.tell = tell;
  }
  start(now: number, total: number): void {
    this.windowStart = now;
    this.startTotal = this.seenTotal = total;
  }
  /** The growth of the stall in a window that ends now. Linux window_update(). */
  private growth(now: number, total: number): number {
    const elapsed = now - this.windowStart;
    const growth = total - this.startTotal;
    if (elapsed <= this.window) return growth + (this.previousGrowth * (this.window - elapsed)) / this.window;
    this.windowStart = now;
    this.startTotal = total;
    this.previousGrowth = growth;
    return growth;
  }
  /** True if there was a stall since the last look. */
  look(now: number, total: number): boolean {
    const stalled = total !== this.seenTotal;
    this.seenTotal = total;
    if (stalled && this.growth(now, total) >= this.threshold) this.pending = true;
    // One event in a window.
    if (!this.pending || now < this.lastEvent + this.window) return stalled;
    if (!this.event) {
      this.event = true;
      this.tell();
    }
    this.lastEvent = now;
    this.pending = false;
    return stalled;
  }
}

/** Looks at a group's triggers while there are stalls. */
export class TriggerTimer extends Timer {
  private readonly group: PressureGroup;
  private readonly timers: TimerHeap;
  private until = 0;
  constructor(group: PressureGroup, timers: TimerHeap) {
    super();
    this.group = group;
    this.timers = timers;
  }
  private get interval(): number {
    let least = Infinity;
    for (const t of this.group.triggers) least = Math.min(least, t.interval);
    return least;
  }
  watch(now: number): void {
    if (this.armed) return;
    const { interval } = this;
    this.until = now + LOOKS * interval;
    this.timers.arm(this, now + interval);
  }
  override expire(now: number): void {
    const { group, interval } = this;
    group.accrue(now);
    for (const t of group.triggers) if (t.look(now, group.totals[t.state]!)) this.until = now + LOOKS * interval; // one of the states
    if (now < this.until && !this.armed) this.timers.arm(this, now + interval);
  }
}

/** "some|full STALL WINDOW" (µs), as someone with or without CAP_SYS_RESOURCE asks for it; EINVAL. */
export function parseTrigger(text: string, resource: PressureResource, privileged: boolean, tell: () => void): PressureTrigger | Errno {
  const m = /^(some|full)\s*(\d+)(?!\d)\s*(\d+)/.exec(text);
  if (m === null) return EINVAL;
  const [stall, window] = [Number(m[2]) % 2 ** 32, Number(m[3]) % 2 ** 32];
  if (window === 0 || window > LONGEST_WINDOW) return EINVAL;
  if (!privileged && window % ORDINARY_WINDOW !== 0) return EINVAL;
  if (stall === 0 || stall > window) return EINVAL;
  return new PressureTrigger(2 * resource + (m[1] === 'full' ? 1 : 0), stall * 1000, window * 1000, privileged ? (window * 1000) / LOOKS : ORDINARY_WINDOW * 1000, tell);
}
