/**
 * The cpu controller: weights and bandwidth. Linux kernel/sched/fair.c. Where a group has the controller, its tasks together are one competitor
 * among its siblings; tasks beside groups are together one too. Who has run least for its weight goes first.
 */
import { Timer } from '../../base/timers.ts';
import { waitBegins, waitEnds } from '../pressure-tracking.ts';
import type { Task } from '../task.ts';
import { Autogroups } from '../autogroup.ts';
import type { Cgroup } from './cgroup.ts';
import { Competitor, DEFAULT_WEIGHT, SchedGroup } from './sched-group.ts';

/** ns. */
export const DEFAULT_PERIOD = 100_000_000;
/** A competitor that slept comes back at most this far behind the others, ns. */
const SLEEPER_CREDIT = 3_000_000;
/** Runnable tasks that are looked at for the next one. */
const LOOK_AHEAD = 64;

class PeriodTimer extends Timer {
  private readonly group: CpuGroup;
  constructor(group: CpuGroup) {
    super();
    this.group = group;
  }
  override expire(now: number): void {
    this.group.periodEnds(now);
  }
}

export class CpuGroup extends SchedGroup {
  readonly cgroup: Cgroup;
  /** The nearest group above that has the controller; null: the root. */
  declare readonly parent: CpuGroup | null;
  idle = 0;
  // cpu.max, ns.
  quota: number = Infinity;
  period: number = DEFAULT_PERIOD;
  burst = 0;
  /** Left of the quota in this period. */
  left = 0;
  private usedInPeriod = 0;
  throttled = false;
  private throttledSince = 0;
  periods = 0;
  throttledPeriods = 0;
  throttledTime = 0;
  bursts = 0;
  burstTime = 0;
  private readonly timer: PeriodTimer = new PeriodTimer(this);
  private armed = false;
  /** Runnable tasks that wait for the next period. */
  private parked: Task[] = [];

  constructor(cgroup: Cgroup, parent: CpuGroup | null) {
    super(parent);
    this.cgroup = cgroup;
  }

  setBandwidth(quota: number, period: number, now: number): void {
    this.quota = quota;
    this.period = period;
    this.left = quota;
    this.release(now);
    this.stopTimer();
  }
  private stopTimer(): void {
    if (!this.armed) return;
    this.armed = false;
    this.cgroup.hierarchy.timers.cancel(this.timer);
  }
  /** `spent` ns more. True: the quota is used up. */
  override use(spent: number, now: number): boolean {
    if (this.quota === Infinity) return false;
    if (!this.armed) {
      this.armed = true;
      this.left = this.quota;
      this.cgroup.hierarchy.timers.arm(this.timer, now - spent + this.period);
    }
    this.usedInPeriod += spent;
    this.left -= spent;
    if (this.left > 0) return false;
    if (!this.throttled) {
      this.throttled = true;
      this.throttledSince = now;
    }
    return true;
  }
  periodEnds(now: number): void {
    this.armed = false;
    if (this.usedInPeriod === 0 && !this.throttled) return;
    this.periods++;
    if (this.throttled) this.throttledPeriods++;
    if (this.burst > 0 && this.usedInPeriod > this.quota) {
      this.bursts++;
      this.burstTime += this.usedInPeriod - this.quota;
    }
    this.usedInPeriod = 0;
    this.left = Math.min(this.left + this.quota, this.quota + this.burst);
    this.armed = true;
    this.cgroup.hierarchy.timers.arm(this.timer, now + this.period);
    if (this.left > 0) this.release(now);
  }
  private release(now: number): void {
    if (this.throttled) {
      this.throttled = false;
      this.throttledTime += now - this.throttledSince;
    }
    const waiting = this.parked;
    this.parked = [];
    for (const t of waiting) {
      t.parkedIn = null;
      waitEnds(t, now, false);
      t.kernel.scheduler.enqueue(t);
    }
  }
  park(t: Task): void {
    waitBegins(t, t.kernel.now, null, t.kernel.clock);
    t.parkedIn = this;
    this.parked.push(t);
  }
  unpark(t: Task): void {
    t.parkedIn = null;
    waitEnds(t, t.kernel.now, false);
    this.parked.splice(this.parked.indexOf(t), 1);
    t.kernel.scheduler.enqueue(t);
  }
  /** The controller is taken away, or the group. */
  end(now: number): void {
    this.stopTimer();
    this.release(now);
  }
  throttledSoFar(now: number): number {
    return this.throttledTime + (this.throttled ? now - this.throttledSince : 0);
  }
}

/** The group at or above that has used up its quota, or null. */
export function throttledGroup(group: CpuGroup | null): CpuGroup | null {
  for (let g = group; g !== null; g = g.parent) if (g.throttled) return g;
  return null;
}

/** What the groups at the top compete in. */
export class CpuFairness {
  readonly autogroups: Autogroups = new Autogroups();
  private readonly direct: Competitor = new Competitor();
  private least = 0;

  /** `t` ran for `spent` ns until `now`. True: it must make room, a quota is used up. */
  charge(t: Task, spent: number, now: number): boolean {
    const group = this.groupOf(t);
    let over = false;
    this.run(group === null ? this.direct : group.direct, spent, group);
    for (let g: SchedGroup | null = group; g !== null; g = g.parent) {
      this.run(g, spent, g.parent);
      if (g.use(spent, now)) over = true;
    }
    return over;
  }
  /** That of its control group; for others, of its session. */
  private groupOf(t: Task): SchedGroup | null {
    return t.cgroup.cpuGroup ?? (this.autogroups.compete ? (t.threadGroup.processGroup?.session.autogroup ?? null) : null);
  }
  private run(c: Competitor, spent: number, among: SchedGroup | null): void {
    const least = among === null ? this.least : among.least;
    c.virtual = Math.max(c.virtual, least - SLEEPER_CREDIT) + (spent * DEFAULT_WEIGHT) / c.weight;
  }

  /** True if `a` should run before `b`, which came first. */
  private before(a: Task, b: Task): boolean {
    let ga = this.groupOf(a);
    let gb = this.groupOf(b);
    if (ga === gb) return false;
    let ca: Competitor | null = null;
    let cb: Competitor | null = null;
    while (ga !== gb) {
      const da = ga === null ? -1 : ga.depth;
      const db = gb === null ? -1 : gb.depth;
      if (da >= db) {
        ca = ga;
        ga = ga === null ? null : ga.parent;
      }
      if (db >= da) {
        cb = gb;
        gb = gb === null ? null : gb.parent;
      }
    }
    const own = ga === null ? this.direct : ga.direct;
    return (ca ?? own).virtual < (cb ?? own).virtual;
  }

  /** The runnable task that is to run, of those from `first` on; tasks of throttled groups are taken out (`drop`) and parked. Null: none is left. */
  choose(first: Task | null, drop: (t: Task) => void): Task | null {
    let best: Task | null = null;
    let looked = 0;
    for (let t = first; t !== null && (best === null || looked < LOOK_AHEAD); looked++) {
      const next: Task | null = t.runNext;
      const throttled = throttledGroup(t.cgroup.cpuGroup);
      if (throttled !== null) {
        drop(t);
        throttled.park(t);
      } else if (best === null || this.before(t, best)) best = t;
      t = next;
    }
    if (best !== null) this.chosen(best);
    return best;
  }
  private chosen(t: Task): void {
    const group = this.groupOf(t);
    let c: Competitor = group === null ? this.direct : group.direct;
    for (let g = group; ; g = g.parent) {
      if (g === null) {
        this.least = Math.max(this.least, c.virtual);
        return;
      }
      g.least = Math.max(g.least, c.virtual);
      c = g;
    }
  }
}
