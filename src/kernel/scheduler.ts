/** Who runs next. Real-time tasks by priority, the others in turns whose length follows their weight. Every operation is O(1). */
import { SCHED_FIFO, SCHED_RR } from '../abi/sched.ts';
import { waitBegins, waitEnds } from './pressure-tracking.ts';
import type { Task } from './task.ts';

/** A doubly linked list of runnable tasks. */
class RunQueue {
  head: Task | null = null;
  tail: Task | null = null;
  append(t: Task): void {
    t.runPrev = this.tail;
    t.runNext = null;
    if (this.tail) this.tail.runNext = t;
    else this.head = t;
    this.tail = t;
  }
  prepend(t: Task): void {
    t.runPrev = null;
    t.runNext = this.head;
    if (this.head) this.head.runPrev = t;
    else this.tail = t;
    this.head = t;
  }
  remove(t: Task): void {
    if (t.runPrev) t.runPrev.runNext = t.runNext;
    else this.head = t.runNext;
    if (t.runNext) t.runNext.runPrev = t.runPrev;
    else this.tail = t.runPrev;
    t.runPrev = t.runNext = null;
  }
}

/** Over how long the share of real-time tasks is taken, ns. */
const REALTIME_WINDOW_NS = 100_000_000;

export class Scheduler {
  private readonly normal: RunQueue = new RunQueue();
  /** By SchedEntity.rank: real-time priority, and deadline tasks above; made when the first such task appears. */
  private readonly realtime: (RunQueue | null)[] = new Array<RunQueue | null>(101).fill(null);
  private realtimeCount = 0;
  /** What real-time tasks have run in this window, ns, and when it ends. */
  private realtimeSpent = 0;
  private windowEnd = 0;
  /** Real-time tasks had their share of this window: the others run while there are any. */
  private throttled = false;
  /** Runnable tasks, not counting the running one. */
  runnable = 0;

  private readonly drop = (t: Task): void => this.dequeue(t);

  private queueOf(t: Task): RunQueue {
    const p = t.sched.rank;
    if (p === 0) return this.normal;
    return (this.realtime[p] ??= new RunQueue());
  }

  /**
   * A task of rank `rank` ran for `spent` ns until `now`. Real-time tasks leave to the others what they would have on a machine of `cpus` processors:
   * the processors without a real-time task, or else 5 % (Linux sched_rt_runtime_us). True if `rank` must make room.
   */
  ran(rank: number, spent: number, now: number, cpus: number): boolean {
    if (now >= this.windowEnd) {
      this.windowEnd = now + REALTIME_WINDOW_NS;
      this.realtimeSpent = 0;
      this.throttled = false;
    }
    if (rank === 0) return false;
    this.realtimeSpent += spent;
    const busy = this.realtimeCount + 1;
    const share = busy < cpus ? busy / cpus : 0.95;
    this.throttled = this.realtimeSpent > REALTIME_WINDOW_NS * share;
    return this.throttled && this.normal.head !== null;
  }

  /** Adds a task that became runnable; the running task and queued ones are left alone. */
  enqueue(t: Task): void {
    const { kernel } = t;
    if (t.queued || t === kernel.current) return;
    t.queued = true;
    waitBegins(t, kernel.recently(), kernel.current, kernel.clock);
    this.runnable++;
    if (t.sched.rank > 0) {
      this.realtimeCount++;
      kernel.preemptFor(t);
    }
    this.queueOf(t).append(t);
  }

  /** Puts back a task that was pre-empted: FIFO tasks keep their place at the front. */
  requeue(t: Task): void {
    if (t.queued) return;
    t.queued = true;
    waitBegins(t, t.kernel.now, null, t.kernel.clock);
    this.runnable++;
    if (t.sched.rank > 0) this.realtimeCount++;
    const q = this.queueOf(t);
    if (t.sched.policy === SCHED_FIFO || (t.sched.policy === SCHED_RR && t.sched.left > 0)) q.prepend(t);
    else q.append(t);
  }

  /** Puts back a task that only made room for the host: it goes on first. */
  requeueFront(t: Task): void {
    if (t.queued) return;
    t.queued = true;
    waitBegins(t, t.kernel.now, null, t.kernel.clock);
    this.runnable++;
    if (t.sched.rank > 0) this.realtimeCount++;
    this.queueOf(t).prepend(t);
  }

  /** Behind its equals: sched_yield. */
  yieldTask(t: Task): void {
    if (t.queued) return;
    t.queued = true;
    waitBegins(t, t.kernel.now, null, t.kernel.clock);
    this.runnable++;
    if (t.sched.rank > 0) this.realtimeCount++;
    this.queueOf(t).append(t);
  }

  dequeue(t: Task): void {
    if (!t.queued) return;
    waitEnds(t, t.kernel.now, false);
    this.queueOf(t).remove(t);
    t.queued = false;
    this.runnable--;
    if (t.sched.rank > 0) this.realtimeCount--;
  }

  /** Changes policy or priority fields through `change`'s caller: takes the task off its queue first and puts it back. */
  changing(t: Task): boolean {
    const was = t.queued;
    if (was) this.dequeue(t);
    return was;
  }
  changed(t: Task, was: boolean): void {
    t.sched.refill();
    if (was) this.enqueue(t);
  }

  /** Takes the next task off the queue, or null. */
  pick(): Task | null {
    if (this.runnable === 0) return null;
    if (this.realtimeCount > 0 && !(this.throttled && this.normal.head !== null)) {
      for (let p = 100; p > 0; p--) {
        const q = this.realtime[p];
        if (q && q.head) {
          const t = q.head;
          q.remove(t);
          t.queued = false;
          this.runnable--;
          this.realtimeCount--;
          return t;
        }
      }
    }
    const first = this.normal.head;
    const t = first !== null && (first.runNext !== null || first.kernel.cgroups.cpuGroups > 0) && first.kernel.cgroups.competition ? first.kernel.cgroups.fairness.choose(first, this.drop) : first;
    if (t === null) return null;
    this.normal.remove(t);
    t.queued = false;
    this.runnable--;
    return t;
  }

  /** True if a queued task should run before `t` goes on. */
  hasBetter(t: Task): boolean {
    if (this.realtimeCount === 0 || (this.throttled && t.sched.rank === 0)) return false;
    for (let p = 100; p > t.sched.rank; p--) if (this.realtime[p]?.head) return true;
    return false;
  }
}
