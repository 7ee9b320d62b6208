/**
 * Contexts of Linux AIO: completed requests go to a ring in the program's memory, which libaio reads without a call. Linux 6.18 fs/aio.c.
 * A context belongs to an address space; its handle is the address of its ring. The program may scribble over the ring: the tail that counts is kept here.
 */
import { AIO_RING_HEADER, AIO_RING_MAGIC, SIZEOF_IO_EVENT } from '../abi/aio.ts';
import { EAGAIN, EINVAL, type Errno, isErr } from '../abi/errno.ts';
import { MAP_SHARED, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import { unqueue, WaitQueue, Waiter, type Wakeable } from '../base/wait-queue.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { mmap } from '../memory/mmap.ts';
import type { Vma } from '../memory/vma.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { PollTable } from '../vfs/poll.ts';
import type { Kernel } from './kernel.ts';
import { SharedRing } from './shared-ring.ts';
import type { Task } from './task.ts';

/** Default of fs.aio-max-nr. */
export const AIO_MAX_NR = 65536;

/** What is told about a completion (IOCB_FLAG_RESFD): an eventfd. */
export interface CompletionNotifier {
  ref(): void;
  unref(): void;
  signal(count: number): void;
}

/** The part of a request that its event shows. */
export interface AioRequest {
  /** Address of the struct iocb. */
  readonly iocb: number;
  readonly dataLo: number;
  readonly dataHi: number;
  readonly notifier: CompletionNotifier | null;
}

/** Offsets in the ring. */
const RING_HEAD = 8, RING_TAIL = 12;

export class AioContext {
  readonly kernel: Kernel;
  readonly space: AddressSpace;
  readonly ring: SharedRing;
  /** Events that fit (one place stays free). */
  readonly places: number;
  /** As many as io_setup asked for: counted in fs.aio-nr. */
  readonly requests: number;
  private tail = 0;
  /** Poll requests under way, by the address of their iocb. */
  readonly polls: Set<AioPoll> = new Set();
  readonly waiters: WaitQueue = new WaitQueue();
  dead = false;

  constructor(kernel: Kernel, space: AddressSpace, ring: SharedRing, requests: number) {
    this.kernel = kernel;
    this.space = space;
    this.ring = ring;
    this.requests = requests;
    this.places = Math.floor((ring.size - AIO_RING_HEADER) / SIZEOF_IO_EVENT);
    contexts.set(ring, this);
    const head = [nextRingId++, this.places, 0, 0, AIO_RING_MAGIC, 1, 0, AIO_RING_HEADER];
    head.forEach((v, i) => ring.setU32(i * 4, v));
  }

  /** The reader's place; what the program wrote there is cut to the ring. */
  private get head(): number {
    return this.ring.u32(RING_HEAD) % this.places;
  }
  /** Events that nobody has read. */
  get ready(): number {
    return (this.tail - this.head + this.places) % this.places;
  }
  /** A request more can be taken: its event would fit. */
  get hasRoom(): boolean {
    return this.polls.size + this.ready < this.places - 1;
  }

  /** A request is done: its event, the eventfd, the waiters. */
  complete(r: AioRequest, result: number): void {
    const { ring } = this;
    const at = AIO_RING_HEADER + this.tail * SIZEOF_IO_EVENT;
    ring.setWords(at, r.dataLo, r.dataHi);
    ring.setU64(at + 8, r.iocb);
    ring.setU64(at + 16, result);
    ring.setU64(at + 24, 0);
    this.tail = (this.tail + 1) % this.places;
    ring.setU32(RING_TAIL, this.tail);
    if (r.notifier !== null) {
      r.notifier.signal(1);
      r.notifier.unref();
    }
    this.waiters.wake();
  }

  /** Copies up to `max` events to `addr` and takes them off the ring: the count, or EFAULT if none could be written. */
  read(t: Task, addr: number, max: number): number {
    let n = 0;
    let head = this.head;
    while (n < max && head !== this.tail) {
      const at = this.ring.offset(AIO_RING_HEADER + head * SIZEOF_IO_EVENT);
      const r = t.space.writeBytes(addr + n * SIZEOF_IO_EVENT, this.ring.pm.u8, at, SIZEOF_IO_EVENT);
      if (isErr(r)) {
        if (n === 0) return r;
        break;
      }
      head = (head + 1) % this.places;
      n++;
    }
    if (n > 0) this.ring.setU32(RING_HEAD, head);
    return n;
  }

  /** Ends the context: requests under way are given up, waiters get EINVAL, the requests are no longer counted. */
  destroy(): void {
    if (this.dead) return;
    this.dead = true;
    for (const poll of [...this.polls]) poll.abandon();
    this.kernel.aioRequests -= this.requests;
    this.space.dependants?.delete(this);
    contexts.delete(this.ring);
    this.ring.unref();
    this.waiters.wake();
  }
  /** The address space is gone (exit_aio). */
  spaceGone(): void {
    this.destroy();
  }
}

/** The context of a ring. */
const contexts = new WeakMap<object, AioContext>();
let nextRingId = 0;

/** A new context for `requests` requests: its handle, EINVAL, EAGAIN (fs.aio-max-nr), ENOMEM. */
export function makeContext(t: Task, requests: number): number | Errno {
  // Linux doubles the number, for its per-processor batches.
  const events = Math.max(requests, t.kernel.cpus * 4) * 2;
  if (events > 0x10000000 / SIZEOF_IO_EVENT) return EINVAL;
  const max = t.kernel.sysctls.get('fs.aio-max-nr') ?? AIO_MAX_NR;
  if (requests > max || t.kernel.aioRequests + requests > max) return EAGAIN;
  const ring = SharedRing.make(t.kernel.memory, '/[aio] (deleted)', AIO_RING_HEADER + (events + 2) * SIZEOF_IO_EVENT);
  if (isErr(ring)) return ring;
  const source = { object: ring, file: ring, readable: true, writable: true, appendOnly: false, noExec: true, sealed: false, maxBytes: 2 ** 63 };
  const addr = mmap(t.space, 0, ring.size, PROT_READ | PROT_WRITE, MAP_SHARED, source, 0);
  if (isErr(addr)) {
    ring.unref();
    return addr;
  }
  const context = new AioContext(t.kernel, t.space, ring, requests);
  t.kernel.aioRequests += requests;
  (t.space.dependants ??= new Set()).add(context);
  return addr;
}

/** The caller's context with the ring that starts at `handle`; null if there is none. A ring that a fork inherited is no context of the child's. */
export function findContext(t: Task, handle: number): AioContext | null {
  const v: Vma | null = t.space.vmas.find(handle);
  if (v === null || v.start !== handle || v.object === null) return null;
  const context = contexts.get(v.object);
  return context === undefined || context.dead || context.space !== t.space ? null : context;
}

/** A request of IOCB_CMD_POLL that waits for its file. */
export class AioPoll implements Wakeable, PollTable {
  private readonly context: AioContext;
  private readonly request: AioRequest;
  private readonly file: FileDescription;
  /** What is asked for, with POLLERR and POLLHUP. */
  private readonly events: number;
  private readonly waiters: Waiter[] = [];

  constructor(context: AioContext, request: AioRequest, file: FileDescription, events: number) {
    this.context = context;
    this.request = request;
    this.file = file;
    this.events = events;
    file.ref();
  }
  get iocb(): number {
    return this.request.iocb;
  }

  /** Looks, and waits if there is nothing: 0, or EINVAL if the file cannot tell when there will be. */
  start(): number {
    const mask = this.file.poll(this) & this.events;
    if (mask === 0 && this.waiters.length === 0) {
      this.stop();
      return EINVAL;
    }
    this.context.polls.add(this);
    if (mask !== 0) this.finish(mask);
    return 0;
  }
  add(queue: WaitQueue): void {
    const w = new Waiter(this);
    w.events = this.events;
    queue.add(w);
    this.waiters.push(w);
  }
  /** The event shows what the wake-up said, if it said something. */
  onWake(_w: Waiter, events: number): boolean {
    const told = events & 0xffff;
    const mask = events === -1 || told === 0xffff ? this.file.poll(null) & this.events : told;
    if (mask === 0) return false;
    this.finish(mask);
    return true;
  }

  private stop(): void {
    for (const w of this.waiters) unqueue(w);
    this.file.unref();
  }
  private finish(mask: number): void {
    this.context.polls.delete(this);
    this.stop();
    this.context.complete(this.request, mask);
  }
  /** io_cancel: the event comes with an empty mask. */
  cancel(): void {
    this.finish(0);
  }
  /** The context ends: no event. */
  abandon(): void {
    this.context.polls.delete(this);
    this.request.notifier?.unref();
    this.stop();
  }
}
