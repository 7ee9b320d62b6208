/** Who takes memory beyond memory.high, and nothing can be given back, is slowed down. Linux mm/memcontrol.c __mem_cgroup_handle_over_high(). */
import { memoryStall } from '../pressure-tracking.ts';
import { type Task, WORK_OVER_HIGH } from '../task.ts';
import type { Cgroup } from './cgroup.ts';

/** Bounds of one wait, ns: less is not worth it. */
const SHORTEST_WAIT = 10_000_000, LONGEST_WAIT = 2_000_000_000;

/** How far the groups at and above are beyond their marks, the worst of them: 0.1 is a tenth. */
function overage(of: Cgroup): number {
  let worst = 0;
  for (let c: Cgroup | null = of; c !== null; c = c.parent) {
    const account = c.memory?.account;
    if (account !== undefined && account.usage > account.highMark) worst = Math.max(worst, (account.usage - account.highMark) / Math.max(1, account.highMark));
  }
  return worst;
}

/** `frames` more were taken beyond the mark by the running task. */
export function tookBeyondHigh(t: Task, frames: number): void {
  t.overHigh += frames;
  t.work |= WORK_OVER_HIGH;
  t.kernel.platform?.kick();
}

/** Ends the wait that `t` comes from, if any; true: it waits (again), until some time or a fatal signal. */
export function waitOverHigh(t: Task): boolean {
  t.work &= ~WORK_OVER_HIGH;
  const { now } = t.kernel;
  endOverHigh(t);
  const frames = t.overHigh;
  t.overHigh = 0;
  const delay = Math.min(LONGEST_WAIT, overage(t.cgroup) ** 2 * frames * 1e9);
  if (delay <= SHORTEST_WAIT) return false;
  t.inMemoryStall = true;
  memoryStall(t, now, 1);
  t.work |= WORK_OVER_HIGH;
  t.sleepKillable(now + delay);
  return true;
}
export function endOverHigh(t: Task): void {
  if (!t.inMemoryStall) return;
  t.inMemoryStall = false;
  memoryStall(t, t.kernel.now, -1);
}
