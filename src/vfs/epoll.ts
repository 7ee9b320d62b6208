/**
 * epoll: a set of files, and the list of those that may be ready. Facts: Linux 6.18 fs/eventpoll.c; man 7 epoll.
 * Cost: a wake-up is O(1), a wait is O(events returned).
 */
import { EEXIST, EINVAL, ELOOP, ENOENT } from '../abi/errno.ts';
import { O_RDWR } from '../abi/fcntl.ts';
import { EPOLLERR, EPOLLET, EPOLLEXCLUSIVE, EPOLLHUP, EPOLLIN, EPOLLONESHOT, EPOLLOUT, EPOLLRDNORM, EPOLLWAKEUP } from '../abi/poll.ts';
import { unqueue, Waiter, WaitQueue, type Wakeable } from '../base/wait-queue.ts';
import { AnonymousDescription } from './anonymous-description.ts';
import type { FileDescription } from './file-description.ts';
import type { Path } from './mount.ts';
import type { PollTable } from './poll.ts';

/** Bits that say how, not what. */
const PRIVATE_BITS: number = EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE;
const EXCLUSIVE_ALLOWED: number = EPOLLIN | EPOLLOUT | EPOLLERR | EPOLLHUP | EPOLLWAKEUP | EPOLLET | EPOLLEXCLUSIVE;
const INOUT: number = EPOLLIN | EPOLLOUT;
/** How many epolls may be nested inside one another (EP_MAX_NESTS). */
const MAX_NESTS = 4;

/** Receives the events of a wait; false if it could not take one (a fault): the event stays. */
export interface EpollEventSink {
  event(revents: number, dataLo: number, dataHi: number): boolean;
}

/** One registration: a file under a descriptor number. Woken by the file's queues. */
export class EpollItem implements Wakeable, PollTable {
  readonly epoll: EpollDescription;
  readonly file: FileDescription;
  readonly fd: number;
  /** Events asked for, with ERR and HUP, and PRIVATE_BITS. Without event bits: disabled (a one-shot that was delivered). */
  events: number;
  dataLo: number;
  dataHi: number;
  /** Where it is queued; most files have one queue. */
  private first: Waiter | null = null;
  private more: Waiter[] | null = null;
  /** Links of the ready list. */
  ready = false;
  readyPrev: EpollItem | null = null;
  readyNext: EpollItem | null = null;
  /** Other registrations of the same file, and under the same number. */
  nextOfFile: EpollItem | null = null;
  nextOfFd: EpollItem | null = null;

  constructor(epoll: EpollDescription, file: FileDescription, fd: number, events: number, dataLo: number, dataHi: number) {
    this.epoll = epoll;
    this.file = file;
    this.fd = fd;
    this.events = events;
    this.dataLo = dataLo;
    this.dataHi = dataHi;
  }

  /** PollTable: the file adds its queues once, when it is registered. */
  add(queue: WaitQueue): void {
    const w = new Waiter(this);
    w.exclusive = (this.events & EPOLLEXCLUSIVE) !== 0;
    queue.add(w);
    if (this.first === null) this.first = w;
    else (this.more ??= []).push(w);
  }

  leaveQueues(): void {
    if (this.first !== null) unqueue(this.first);
    if (this.more !== null) for (const w of this.more) unqueue(w);
    this.first = this.more = null;
  }

  onWake(_waiter: Waiter, events: number): boolean {
    const asked = this.events & ~PRIVATE_BITS;
    if (asked === 0 || (events & asked) === 0) return false;
    const ep = this.epoll;
    if (!this.ready) ep.addReady(this);
    let consumed = (this.events & EPOLLEXCLUSIVE) === 0;
    if (!ep.waiters.empty) {
      if (!consumed) {
        // An exclusive registration takes the wake-up only if the event is one that it waits for.
        const inOut = events & INOUT;
        consumed = inOut === 0 || inOut === INOUT || (inOut & this.events) !== 0;
      }
      ep.waiters.wake(EPOLLIN, 1);
    }
    if (!ep.pollers.empty) ep.pollers.wake(EPOLLIN | EPOLLRDNORM);
    return consumed;
  }

  /** The last descriptor of the file was closed: all its registrations end. Called through FileDescription.epollItems. */
  fileReleased(): void {
    for (let i: EpollItem | null = this; i !== null; ) {
      const next: EpollItem | null = i.nextOfFile;
      i.epoll.forget(i);
      i = next;
    }
  }

  /** Events of interest that hold now. */
  poll(depth: number): number {
    const file = this.file;
    const mask = file instanceof EpollDescription ? file.pollNested(depth + 1) : file.poll(null);
    return mask & this.events;
  }
}

export class EpollDescription extends AnonymousDescription {
  private readonly items: Map<number, EpollItem> = new Map();
  count = 0;
  /** Ready list, oldest first. */
  private head: EpollItem | null = null;
  private tail: EpollItem | null = null;
  /** Tasks in epoll_wait (exclusive waiters). */
  readonly waiters: WaitQueue = new WaitQueue();
  /** Pollers of this epoll itself: poll, outer epolls. */
  readonly pollers: WaitQueue = new WaitQueue();

  constructor(path: Path) {
    super(path, O_RDWR);
  }

  addReady(i: EpollItem): void {
    i.ready = true;
    i.readyPrev = this.tail;
    i.readyNext = null;
    if (this.tail !== null) this.tail.readyNext = i;
    else this.head = i;
    this.tail = i;
  }
  private removeReady(i: EpollItem): void {
    if (i.readyPrev !== null) i.readyPrev.readyNext = i.readyNext;
    else this.head = i.readyNext;
    if (i.readyNext !== null) i.readyNext.readyPrev = i.readyPrev;
    else this.tail = i.readyPrev;
    i.ready = false;
    i.readyPrev = i.readyNext = null;
  }

  private find(file: FileDescription, fd: number): EpollItem | null {
    let i = this.items.get(fd) ?? null;
    while (i !== null && i.file !== file) i = i.nextOfFd;
    return i;
  }

  /** EPOLL_CTL_ADD: 0, EEXIST, ELOOP, EINVAL. The caller checked that the file can be polled. */
  addFile(file: FileDescription, fd: number, events: number, dataLo: number, dataHi: number): number {
    if (events & EPOLLEXCLUSIVE && (file instanceof EpollDescription || events & ~EXCLUSIVE_ALLOWED)) return EINVAL;
    if (file instanceof EpollDescription) {
      const below = file.depthBelow(this, 0);
      if (below < 0 || below + 1 + this.depthAbove(0) > MAX_NESTS) return ELOOP;
    } else if (1 + this.depthAbove(0) > MAX_NESTS + 1) {
      return ELOOP;
    }
    if (this.find(file, fd) !== null) return EEXIST;
    const item = new EpollItem(this, file, fd, events | EPOLLERR | EPOLLHUP, dataLo, dataHi);
    item.nextOfFd = this.items.get(fd) ?? null;
    this.items.set(fd, item);
    this.count++;
    item.nextOfFile = file.epollItems as EpollItem | null;
    file.epollItems = item;
    const mask = file.poll(item) & item.events;
    if (mask !== 0) this.becameReady(item);
    return 0;
  }

  /** EPOLL_CTL_MOD: 0, ENOENT, EINVAL (exclusive registrations cannot change). */
  modify(file: FileDescription, fd: number, events: number, dataLo: number, dataHi: number): number {
    if (events & EPOLLEXCLUSIVE) return EINVAL;
    const item = this.find(file, fd);
    if (item === null) return ENOENT;
    if (item.events & EPOLLEXCLUSIVE) return EINVAL;
    item.events = events | EPOLLERR | EPOLLHUP;
    item.dataLo = dataLo;
    item.dataHi = dataHi;
    if (item.poll(0) !== 0) this.becameReady(item);
    return 0;
  }

  /** EPOLL_CTL_DEL: 0 or ENOENT. */
  remove(file: FileDescription, fd: number): number {
    const item = this.find(file, fd);
    if (item === null) return ENOENT;
    this.forget(item);
    // Unlink from the file's list.
    let p = file.epollItems as EpollItem | null;
    if (p === item) file.epollItems = item.nextOfFile;
    else {
      while (p !== null && p.nextOfFile !== item) p = p.nextOfFile;
      if (p !== null) p.nextOfFile = item.nextOfFile;
    }
    return 0;
  }

  private becameReady(item: EpollItem): void {
    if (item.ready) return;
    this.addReady(item);
    this.waiters.wake(EPOLLIN, 1);
    if (!this.pollers.empty) this.pollers.wake(EPOLLIN | EPOLLRDNORM);
  }

  /** Takes a registration out of everything but its file's list. */
  forget(item: EpollItem): void {
    item.leaveQueues();
    if (item.ready) this.removeReady(item);
    let p = this.items.get(item.fd) ?? null;
    if (p === item) {
      if (item.nextOfFd === null) this.items.delete(item.fd);
      else this.items.set(item.fd, item.nextOfFd);
    } else {
      while (p !== null && p.nextOfFd !== item) p = p.nextOfFd;
      if (p !== null) p.nextOfFd = item.nextOfFd;
    }
    this.count--;
  }

  /** Nesting depth of epolls inside this one, or -1 if `outer` is among them or they are too deep. */
  private depthBelow(outer: EpollDescription, depth: number): number {
    if (this === outer || depth > MAX_NESTS) return -1;
    let deepest = 0;
    for (const first of this.items.values())
      for (let i: EpollItem | null = first; i !== null; i = i.nextOfFd)
        if (i.file instanceof EpollDescription) {
          const d = i.file.depthBelow(outer, depth + 1);
          if (d < 0) return -1;
          if (d + 1 > deepest) deepest = d + 1;
        }
    return deepest;
  }
  /** Nesting depth of epolls that this one is registered in. */
  private depthAbove(depth: number): number {
    if (depth > MAX_NESTS) return depth;
    let deepest = 0;
    for (let i = this.epollItems as EpollItem | null; i !== null; i = i.nextOfFile) {
      const d = 1 + i.epoll.depthAbove(depth + 1);
      if (d > deepest) deepest = d;
    }
    return deepest;
  }

  /** Anything on the ready list (whose events may have passed since). */
  get maybeReady(): boolean {
    return this.head !== null;
  }

  /** Gives up to `max` events to `sink`; how many, or -1 if the sink failed on the first. */
  deliver(sink: EpollEventSink, max: number): number {
    const last = this.tail;
    let n = 0;
    for (let i = this.head; i !== null && n < max; ) {
      const next: EpollItem | null = i === last ? null : i.readyNext;
      this.removeReady(i);
      const revents = i.poll(0);
      if (revents !== 0) {
        if (!sink.event(revents, i.dataLo, i.dataHi)) {
          this.pushFront(i);
          return n === 0 ? -1 : n;
        }
        n++;
        if (i.events & EPOLLONESHOT) i.events &= PRIVATE_BITS;
        // Level-triggered: stays on the list, to be looked at by the next wait.
        else if ((i.events & EPOLLET) === 0) this.addReady(i);
      }
      i = next;
    }
    // Others that wait may have events left.
    if (this.head !== null && n === max) this.waiters.wake(EPOLLIN, 1);
    return n;
  }
  private pushFront(i: EpollItem): void {
    i.ready = true;
    i.readyPrev = null;
    i.readyNext = this.head;
    if (this.head !== null) this.head.readyPrev = i;
    else this.tail = i;
    this.head = i;
  }

  /** The file registered under number `fd`, the `skip`th of those; null if there are not so many (kcmp). */
  targetAt(fd: number, skip: number): FileDescription | null {
    let item = this.items.get(fd) ?? null;
    for (let n = skip; n > 0 && item !== null; n--) item = item.nextOfFd;
    return item?.file ?? null;
  }

  /** Readable if an item has events; items without any leave the ready list. */
  pollNested(depth: number): number {
    if (depth > MAX_NESTS + 1) return 0;
    for (let i = this.head; i !== null; ) {
      const next: EpollItem | null = i.readyNext;
      if (i.poll(depth) !== 0) return EPOLLIN | EPOLLRDNORM;
      this.removeReady(i);
      i = next;
    }
    return 0;
  }
  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.pollers);
    return this.pollNested(0);
  }

  override release(): void {
    for (const first of [...this.items.values()])
      for (let i: EpollItem | null = first; i !== null; ) {
        const next: EpollItem | null = i.nextOfFd;
        this.remove(i.file, i.fd);
        i = next;
      }
  }

  /** /proc/PID/fdinfo: one line a registration. */
  override fdInfo(): string {
    let s = '';
    for (const first of this.items.values())
      for (let i: EpollItem | null = first; i !== null; i = i.nextOfFd) {
        const data = ((BigInt(i.dataHi >>> 0) << 32n) | BigInt(i.dataLo >>> 0)).toString(16);
        const { inode } = i.file;
        s += `tfd: ${String(i.fd).padStart(8)} events: ${(i.events >>> 0).toString(16).padStart(8)} data: ${data.padStart(16)}  pos:${i.file.pos} ino:${inode.ino.toString(16)} sdev:${inode.sb.dev.toString(16)}\n`;
      }
    return s;
  }
}
