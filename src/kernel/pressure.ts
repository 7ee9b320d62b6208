/**
 * Pressure stall information: for how long tasks waited for a processor, for memory or for I/O, of the whole machine and of each control group.
 * Linux kernel/sched/psi.c. All virtual processors take turns on one thread of the host, so a group has one set of states and not one for each.
 */
import type { TimerHeap } from '../base/timers.ts';
import { TriggerTimer, type PressureTrigger } from './pressure-trigger.ts';

export const PRESSURE_IO = 0, PRESSURE_MEMORY = 1, PRESSURE_CPU = 2;
export type PressureResource = 0 | 1 | 2;
/** A state is a resource twice, one more for "full": no task makes progress meanwhile. */
const STATES = 6;
const CPU_SOME = 2 * PRESSURE_CPU, CPU_FULL = CPU_SOME + 1, MEMORY_SOME = 2 * PRESSURE_MEMORY, MEMORY_FULL = MEMORY_SOME + 1;

/** Between two updates of the averages, ns. */
const PERIOD_NS = 2_000_000_000;
/** Fixed point of the averages: 1, and e^(-period/window) for 10, 60 and 300 s (Linux loadavg.h, psi.c). */
const FIXED_1 = 2048;
const DECAY: readonly number[] = [1677, 1981, 2034];

/** Linux calc_load(). */
function decayed(average: number, decay: number, active: number): number {
  let sum = average * decay + active * (FIXED_1 - decay);
  if (active >= average) sum += FIXED_1 - 1;
  return Math.floor(sum / FIXED_1);
}

export class PressureGroup {
  /** cgroup.pressure. */
  enabled = true;
  /** Tasks that wait for a processor; whether one of the group's runs; tasks that sleep because too much memory is used. */
  waiting = 0;
  running = false;
  memoryStalls = 0;
  /** ns in each state so far. */
  readonly totals: number[] = new Array<number>(STATES).fill(0);
  readonly triggers: Set<PressureTrigger> = new Set();
  /** The whole machine's: nothing can say that none of its tasks had a processor. */
  private readonly whole: boolean;
  private readonly timers: TimerHeap;
  private timer: TriggerTimer | null = null;
  /** Up to when the states are accounted for; and that the wait began at some time after that, while somebody ran. */
  private since = 0;
  private rough = false;
  private lastUpdate = 0;
  private nextUpdate: number = PERIOD_NS;
  private readonly averages: number[] = new Array<number>(3 * STATES).fill(0);
  private readonly averaged: number[] = new Array<number>(STATES).fill(0);

  constructor(timers: TimerHeap, now: number, whole: boolean) {
    this.timers = timers;
    this.whole = whole;
    this.since = this.lastUpdate = now;
    this.nextUpdate = now + PERIOD_NS;
  }

  /** Accounts for the time until `now`: before any of the states changes. */
  accrue(now: number): void {
    if (this.rough && now > this.since) {
      this.since = (this.since + now) / 2;
      this.rough = false;
    }
    if (now >= this.nextUpdate) this.passPeriods(now);
    this.add(now);
  }
  /** One task more waits for a processor; `rough`: since somewhere between `now` and the next look at the clock. */
  waitBegins(now: number, rough: boolean): void {
    if (this.waiting === 0) {
      this.accrue(now);
      this.rough = rough;
    }
    this.waiting++;
  }
  /** One task fewer waits; `runs`: it has a processor. */
  waitEnds(now: number, runs: boolean): void {
    if (this.waiting === 1 || !this.whole || this.memoryStalls > 0 || this.triggers.size > 0) this.accrue(now);
    this.waiting--;
    if (runs) this.running = true;
  }
  /** None of its tasks has a processor. */
  runEnds(now: number): void {
    if (!this.whole || this.memoryStalls > 0) this.accrue(now);
    this.running = false;
  }
  private add(now: number): void {
    const spent = now - this.since;
    if (spent <= 0) return;
    this.since = now;
    if (this.waiting === 0 && this.memoryStalls === 0) return;
    if (!this.enabled) return;
    const { totals } = this;
    if (this.waiting > 0) {
      totals[CPU_SOME]! += spent; // one of the states
      if (!this.running && !this.whole) totals[CPU_FULL]! += spent; // as above
    }
    if (this.memoryStalls > 0) {
      totals[MEMORY_SOME]! += spent; // as above
      if (this.waiting === 0 && !this.running) totals[MEMORY_FULL]! += spent; // as above
    }
    if (this.triggers.size > 0) this.watch(now);
  }
  private passPeriods(now: number): void {
    if (this.waiting > 0 || this.memoryStalls > 0)
      while (now >= this.nextUpdate) {
        this.add(this.nextUpdate);
        this.updateAverages(this.nextUpdate);
      }
    else this.updateAverages(now);
  }
  /** Linux update_averages(). */
  private updateAverages(now: number): void {
    const missed = Math.floor(Math.max(0, now - this.nextUpdate) / PERIOD_NS);
    this.nextUpdate += (1 + missed) * PERIOD_NS;
    const period = now - (this.lastUpdate + missed * PERIOD_NS);
    this.lastUpdate = now;
    for (let s = 0; s < STATES; s++) {
      const sample = Math.min(this.totals[s]! - this.averaged[s]!, period); // of each state
      this.averaged[s]! += sample; // as above
      const active = Math.floor((sample * 100) / period) * FIXED_1;
      for (let w = 0; w < 3; w++) {
        let average = this.averages[3 * s + w]!; // three of each state
        if (missed > 0) average = Math.floor(average * (DECAY[w]! / FIXED_1) ** missed); // three
        this.averages[3 * s + w] = decayed(average, DECAY[w]!, active); // as above
      }
    }
  }

  /** The running task stalled for `ns`, which end now. */
  stalled(resource: PressureResource, ns: number, now: number): void {
    if (!this.enabled) return;
    this.totals[2 * resource]! += ns; // one of the states
    if (this.waiting === 0) this.totals[2 * resource + 1]! += ns; // as above
    if (this.triggers.size > 0) this.watch(now);
  }

  /** What the file shows. */
  show(resource: PressureResource, now: number): string {
    this.accrue(now);
    return ['some', 'full'].map((name, full) => {
      const s = 2 * resource + full;
      const averages = [10, 60, 300].map((window, w) => {
        const a = this.averages[3 * s + w]!; // three of each state
        return `avg${window}=${Math.floor(a / FIXED_1)}.${String(Math.floor(((a % FIXED_1) * 100) / FIXED_1)).padStart(2, '0')}`;
      });
      return `${name} ${averages.join(' ')} total=${Math.floor(this.totals[s]! / 1000)}\n`; // as above
    }).join('');
  }

  addTrigger(trigger: PressureTrigger, now: number): void {
    this.accrue(now);
    trigger.start(now, this.totals[trigger.state]!); // one of the states
    this.triggers.add(trigger);
  }
  removeTrigger(trigger: PressureTrigger): void {
    this.triggers.delete(trigger);
    if (this.triggers.size > 0 || this.timer === null) return;
    this.timers.cancel(this.timer);
    this.timer = null;
  }
  /** Some stall is going on: the triggers are looked at until there has been none for a while. */
  private watch(now: number): void {
    this.timer ??= new TriggerTimer(this, this.timers);
    this.timer.watch(now);
  }
}
