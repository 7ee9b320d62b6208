/** What tasks do, told to their groups' pressure (pressure.ts): each call is O(depth of the control group). Linux psi_task_change(). */
import type { KernelClock } from './clock.ts';
import type { PressureResource } from './pressure.ts';
import type { Task } from './task.ts';

/** Who wakes another within such a run has not run for long: that run's middle is near enough, and the clock is not looked at. ns. */
const SHORT_RUN_NS = 20_000;

/** `t` waits for a processor from `now` (the last look at the clock) on, or since some time after that if `runs` has one and has made it runnable. */
export function waitBegins(t: Task, now: number, runs: Task | null, clock: KernelClock): void {
  let from = now;
  let rough = false;
  if (runs !== null && (t.cgroup.pressure.waiting === 0 || t.cgroup.parent !== null)) {
    if (runs.sched.lastRun < SHORT_RUN_NS) rough = true;
    else from = clock.monotonicNs();
  }
  for (let c = t.cgroup; ; c = c.parent) {
    c.pressure.waitBegins(from, rough);
    if (c.parent === null) return;
  }
}
/** It waits no more; `runs`: as it has a processor now. */
export function waitEnds(t: Task, now: number, runs: boolean): void {
  for (let c = t.cgroup; ; c = c.parent) {
    c.pressure.waitEnds(now, runs);
    if (c.parent === null) return;
  }
}
/** It leaves its processor. */
export function runEnds(t: Task, now: number): void {
  for (let c = t.cgroup; ; c = c.parent) {
    c.pressure.runEnds(now);
    if (c.parent === null) return;
  }
}
/** It sleeps because its groups use too much memory; or does so no more. */
export function memoryStall(t: Task, now: number, by: 1 | -1): void {
  for (let c = t.cgroup; ; c = c.parent) {
    c.pressure.accrue(now);
    c.pressure.memoryStalls += by;
    if (c.parent === null) return;
  }
}
/** The running task `t` stalled in a call for `ns`, until `now`. */
export function stalled(t: Task, resource: PressureResource, ns: number, now: number): void {
  for (let c = t.cgroup; ; c = c.parent) {
    c.pressure.stalled(resource, ns, now);
    if (c.parent === null) return;
  }
}
/** It comes into its group's count, or leaves it, as what it is: `runs`, waiting, asleep. */
export function moves(t: Task, now: number, runs: boolean, by: 1 | -1): void {
  const waits = t.queued || t.parkedIn !== null;
  if (t.inMemoryStall) memoryStall(t, now, by);
  if (!waits && !runs) return;
  for (let c = t.cgroup; ; c = c.parent) {
    const g = c.pressure;
    g.accrue(now);
    if (waits) g.waiting += by;
    else g.running = by > 0;
    if (c.parent === null) return;
  }
}
