/** Futex queues: who waits on which word. The calls stand in syscalls/futex.ts. Linux kernel/futex/. */
import { EDEADLK, EFAULT, EINVAL, EPERM, ESRCH, type Errno, isErr } from '../abi/errno.ts';
import { FUTEX_OWNER_DIED, FUTEX_TID_MASK, FUTEX_WAITERS } from '../abi/futex.ts';
import { TASK_BLOCKED, type Task } from './task.ts';

/** A task that waits on one futex. A task has one of its own for the ordinary calls; futex_waitv uses more. */
export class FutexWaiter {
  readonly task: Task;
  bitset = -1;
  queue: FutexQueue | null = null;
  prev: FutexWaiter | null = null;
  next: FutexWaiter | null = null;
  /** Waits for a priority-inheriting lock. */
  pi = false;
  /** In FUTEX_WAIT_REQUEUE_PI: may only be moved by FUTEX_CMP_REQUEUE_PI. */
  requeuePi = false;
  /** Index in futex_waitv's array. */
  index = 0;
  constructor(task: Task) {
    this.task = task;
  }
}

/** The queues of one space or object, by byte address or offset. */
type FutexWords = Map<number, FutexQueue>;

/** The waiters of one word, oldest first. */
export class FutexQueue {
  words: FutexWords;
  offset: number;
  head: FutexWaiter | null = null;
  tail: FutexWaiter | null = null;
  /** The holder of a PI lock with waiters. */
  owner: Task | null = null;
  constructor(words: FutexWords, offset: number) {
    this.words = words;
    this.offset = offset;
  }
  append(w: FutexWaiter): void {
    w.queue = this;
    w.next = null;
    w.prev = this.tail;
    if (this.tail) this.tail.next = w;
    else {
      this.head = w;
      this.words.set(this.offset, this);
    }
    this.tail = w;
  }
  remove(w: FutexWaiter): void {
    if (w.prev) w.prev.next = w.next;
    else this.head = w.next;
    if (w.next) w.next.prev = w.prev;
    else this.tail = w.prev;
    w.queue = w.prev = w.next = null;
    if (this.head === null) {
      this.owner = null;
      this.words.delete(this.offset);
    }
  }
  get topPi(): FutexWaiter | null {
    for (let w = this.head; w !== null; w = w.next) if (w.pi) return w;
    return null;
  }
}

/** Takes `w` off its queue, if it is on one. */
export function unqueueFutex(w: FutexWaiter): void {
  if (w.queue !== null) w.queue.remove(w);
}

export class FutexTable {
  /** The queue that `find` made last: used again if nobody has waited on it. */
  private spare: FutexQueue = new FutexQueue(new Map(), 0);

  /** The queue of the word at `addr`; an unregistered one, good until the next call, if nobody waits. EINVAL: misaligned; EFAULT: no such memory. */
  queue(t: Task, addr: number, isShared: boolean): FutexQueue | Errno {
    if (addr % 4 !== 0) return EINVAL;
    const space = t.space;
    let words: FutexWords;
    let offset = addr;
    if (!isShared) {
      if (addr >= 0x7ffffffff000) return EFAULT;
      words = (space.privateFutexes ??= new Map()) as FutexWords;
    } else {
      const present = space.readU32(addr);
      if (isErr(present)) return present;
      const object = space.sharedObject(addr);
      if (object === null) words = (space.sharedFutexes ??= new Map()) as FutexWords;
      else {
        words = (object.futexes ??= new Map()) as FutexWords;
        offset = space.sharedOffset;
      }
    }
    return words.get(offset) ?? this.unused(words, offset);
  }

  /** An unregistered queue for a word that nobody waits on. */
  private unused(words: FutexWords, offset: number): FutexQueue {
    const q = this.spare;
    if (q.head !== null) return (this.spare = new FutexQueue(words, offset));
    q.words = words;
    q.offset = offset;
    q.owner = null;
    return q;
  }

  /** Wakes up to `count` waiters whose bitset meets `bitset`; how many. EINVAL if one of them waits for a PI lock. */
  wake(q: FutexQueue, count: number, bitset: number): number | Errno {
    let woken = 0;
    for (let w = q.head; w !== null && woken < count; ) {
      const next: FutexWaiter | null = w.next;
      if (w.pi || w.requeuePi) return EINVAL;
      if (w.bitset & bitset) {
        q.remove(w);
        wakeWaiter(w);
        woken++;
      }
      w = next;
    }
    return woken;
  }

  /** Wakes up to `wakeCount`, moves up to `moveCount` of the others to `to`; how many in all. */
  requeue(from: FutexQueue, to: FutexQueue, wakeCount: number, moveCount: number): number | Errno {
    let done = 0;
    let left = moveCount;
    for (let w = from.head; w !== null; ) {
      const next: FutexWaiter | null = w.next;
      if (w.pi || w.requeuePi) return EINVAL;
      if (done < wakeCount) {
        from.remove(w);
        wakeWaiter(w);
      } else {
        if (left-- <= 0) break;
        if (from !== to) {
          from.remove(w);
          to.append(w);
        }
      }
      done++;
      w = next;
    }
    return done;
  }

  /**
   * Tries to take the PI lock at `addr` for `t` (Linux futex_lock_pi_atomic): 1 = taken, 0 = held by another, whose queue now has FUTEX_WAITERS
   * set; EDEADLK, EFAULT, EPERM, ESRCH, EINVAL.
   */
  lockPi(t: Task, q: FutexQueue, addr: number): 0 | 1 | Errno {
    const space = t.space;
    const word = space.readU32(addr);
    if (isErr(word)) return word;
    const tid = t.tidIn(t);
    const holder = word & FUTEX_TID_MASK;
    if (holder === tid) return EDEADLK;
    const top = q.topPi;
    if (q.head !== null && top === null) return EINVAL; // plain waiters on a PI word
    if (top !== null) {
      if (holder === 0 && q.owner === null) {
        // The owner died and nobody has taken over.
        const wrote = space.writeU32(addr, tid | FUTEX_WAITERS | (word & FUTEX_OWNER_DIED));
        if (isErr(wrote)) return wrote;
        q.owner = t;
        return 1;
      }
      if (holder !== 0 && q.owner !== null && q.owner.tidIn(t) !== holder) return EINVAL;
      return 0;
    }
    if (holder === 0) {
      const wrote = space.writeU32(addr, tid | (word & FUTEX_OWNER_DIED));
      return isErr(wrote) ? wrote : 1;
    }
    const owner = t.pidNs.find(holder)?.task ?? null;
    if (owner === null) return ESRCH;
    if (owner.internal) return EPERM;
    if (owner.exiting) return ESRCH;
    const wrote = space.writeU32(addr, word | FUTEX_WAITERS);
    if (isErr(wrote)) return wrote;
    q.owner = owner;
    return 0;
  }

  /** Gives the PI lock at `addr` to the first waiter, or frees it. EPERM: not the holder. */
  unlockPi(t: Task, q: FutexQueue, addr: number): 0 | Errno {
    const space = t.space;
    const word = space.readU32(addr);
    if (isErr(word)) return word;
    if ((word & FUTEX_TID_MASK) !== t.tidIn(t)) return EPERM;
    if (q.head !== null && q.topPi === null) return EINVAL;
    return this.handOver(t, q, addr, 0);
  }

  /** The next PI waiter becomes the owner; without one the word becomes `flags`. */
  private handOver(t: Task, q: FutexQueue, addr: number, flags: number): 0 | Errno {
    const next = q.topPi;
    if (next === null) return t.space.writeU32(addr, flags);
    const wrote = t.space.writeU32(addr, next.task.tidIn(t) | FUTEX_WAITERS | flags);
    if (isErr(wrote)) return wrote;
    q.owner = next.task;
    q.remove(next);
    wakeWaiter(next);
    return 0;
  }

  /** A dying holder's word: OWNER_DIED, and the lock goes to the next waiter. `addr` as the dying task sees it. */
  ownerDied(t: Task, q: FutexQueue, addr: number): void {
    if (q.topPi !== null) this.handOver(t, q, addr, FUTEX_OWNER_DIED);
  }

  /** PI locks that a task dies with and that are not in its robust list go to their waiters (Linux exit_pi_state_list). */
  exitPi(t: Task): void {
    for (const table of [t.space.privateFutexes, t.space.sharedFutexes]) {
      const words = table as FutexWords | null;
      if (words === null || words.size === 0) continue;
      for (const q of [...words.values()]) if (q.owner === t) this.handOver(t, q, q.offset, FUTEX_OWNER_DIED);
    }
  }
}

/** Lets the task of a removed waiter go on. */
export function wakeWaiter(w: FutexWaiter): void {
  if (w.task.runState === TASK_BLOCKED) w.task.makeRunnable();
}

