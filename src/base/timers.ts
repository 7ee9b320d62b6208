/** All deadlines of the kernel in one binary heap: waits, interval timers, POSIX timers, timerfd. */

/** Something due at a time. Embedded in its owner by subclassing; on the heap at most once. */
export abstract class Timer {
  /** Monotonic nanoseconds since boot. */
  deadline = 0;
  /** Index in the heap, -1 = not armed. */
  slot = -1;
  get armed(): boolean {
    return this.slot >= 0;
  }
  /** Called once when due, after the timer was taken off the heap (it may arm itself again). */
  abstract expire(now: number): void;
}

export class TimerHeap {
  private readonly heap: Timer[] = [];

  /** When the next timer is due, or Infinity. */
  get next(): number {
    const first = this.heap[0];
    return first === undefined ? Infinity : first.deadline;
  }

  /** Arms `t` for `deadline` (monotonic ns), moving it if it was armed. */
  arm(t: Timer, deadline: number): void {
    if (t.slot >= 0) this.cancel(t);
    t.deadline = deadline;
    t.slot = this.heap.length;
    this.heap.push(t);
    this.up(t.slot);
  }

  cancel(t: Timer): void {
    const i = t.slot;
    if (i < 0) return;
    t.slot = -1;
    const last = this.heap.pop()!; // not empty: t is in it
    if (last === t) return;
    this.heap[i] = last;
    last.slot = i;
    this.up(i);
    this.down(last.slot);
  }

  /** Fires what is due at `now`; how many. */
  run(now: number): number {
    let fired = 0;
    for (;;) {
      const first = this.heap[0];
      if (first === undefined || first.deadline > now) return fired;
      this.cancel(first);
      first.expire(now);
      fired++;
    }
  }

  private up(i: number): void {
    const heap = this.heap;
    const t = heap[i]!; // in range, as all indices below
    while (i > 0) {
      const parent = (i - 1) >> 1;
      const p = heap[parent]!;
      if (p.deadline <= t.deadline) break;
      heap[i] = p;
      p.slot = i;
      i = parent;
    }
    heap[i] = t;
    t.slot = i;
  }

  private down(i: number): void {
    const heap = this.heap;
    const n = heap.length;
    const t = heap[i]!; // in range
    for (;;) {
      let child = 2 * i + 1;
      if (child >= n) break;
      if (child + 1 < n && heap[child + 1]!.deadline < heap[child]!.deadline) child++;
      const c = heap[child]!;
      if (c.deadline >= t.deadline) break;
      heap[i] = c;
      c.slot = i;
      i = child;
    }
    heap[i] = t;
    t.slot = i;
  }
}
