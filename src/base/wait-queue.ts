/** Wait queues: intrusive lists of waiters, as Linux's wait_queue_head_t, without closures so that they can be saved. */

/** Something that can be woken: a task, an epoll item. */
export interface Wakeable {
  /** `events` is the poll mask of the wake-up (0xffffffff = anything). Returns true if an exclusive wake-up was consumed. */
  onWake(waiter: Waiter, events: number): boolean;
}

/** One registration on one queue. */
export class Waiter {
  readonly owner: Wakeable;
  /** Wakes that share no bit with this mask are ignored. */
  events = -1;
  exclusive = false;
  queue: WaitQueue | null = null;
  prev: Waiter | null = null;
  next: Waiter | null = null;
  constructor(owner: Wakeable) {
    this.owner = owner;
  }
}

/** A queue of waiters; exclusive waiters stand behind the others. */
export class WaitQueue {
  head: Waiter | null = null;
  tail: Waiter | null = null;

  get empty(): boolean {
    return this.head === null;
  }

  /** Puts `w` on this queue; a waiter is on one queue at most. */
  add(w: Waiter): void {
    w.queue = this;
    if (w.exclusive || this.head === null) {
      w.prev = this.tail;
      w.next = null;
      if (this.tail) this.tail.next = w;
      else this.head = w;
      this.tail = w;
    } else {
      w.prev = null;
      w.next = this.head;
      this.head.prev = w;
      this.head = w;
    }
  }

  /** Wakes every non-exclusive waiter and at most `maxExclusive` exclusive ones whose mask meets `events`. Returns how many were woken. */
  wake(events = -1, maxExclusive = 1): number {
    let woken = 0;
    let left = maxExclusive;
    for (let w = this.head; w !== null; ) {
      const next: Waiter | null = w.next;
      if (w.events & events) {
        const exclusive = w.exclusive;
        const consumed = w.owner.onWake(w, events);
        woken++;
        if (exclusive && consumed && --left === 0) break;
      }
      w = next;
    }
    return woken;
  }
}

/** Takes `w` off the queue it is on, if any. */
export function unqueue(w: Waiter): void {
  const q = w.queue;
  if (q === null) return;
  if (w.prev) w.prev.next = w.next;
  else q.head = w.next;
  if (w.next) w.next.prev = w.prev;
  else q.tail = w.prev;
  w.queue = w.prev = w.next = null;
}
