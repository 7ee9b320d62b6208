/**
 * An instance of io_uring: its two rings in shared memory, its requests, and what was registered with it. What a request does is the business of
 * `syscalls/uring-operations.ts`. Linux 6.18 io_uring/io_uring.c, io_uring/rsrc.c, io_uring/kbuf.c.
 */
import { EFAULT, EINVAL, ENOMEM, ESPIPE, type Errno, isErr } from '../abi/errno.ts';
import {
  CQ_ENTRIES, CQ_FLAGS, CQ_HEAD, CQ_MASK, CQ_OVERFLOW, CQ_TAIL, CQES, IORING_CQ_EVENTFD_DISABLED, IORING_OFF_PBUF_RING, IORING_OFF_PBUF_SHIFT, IORING_OFF_SQES, IORING_SETUP_CQE32,
  IORING_SETUP_NO_SQARRAY, IORING_SETUP_SQE128, IORING_SQ_CQ_OVERFLOW, SQ_DROPPED, SQ_ENTRIES, SQ_FLAGS, SQ_HEAD, SQ_MASK, SQ_TAIL,
} from '../abi/io-uring.ts';
import { O_RDWR } from '../abi/fcntl.ts';
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../abi/poll.ts';
import type { Credentials } from '../auth/credentials.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import { MemoryObject } from '../memory/memory-object.ts';
import { AnonymousDescription } from '../vfs/anonymous-description.ts';
import type { VfsContext } from '../vfs/context.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { Path } from '../vfs/mount.ts';
import type { PollTable } from '../vfs/poll.ts';
import { IoWorker, type WorkerRequest } from './io-worker.ts';
import type { Kernel } from './kernel.ts';
import type { SharedRing } from './shared-ring.ts';
import type { Task } from './task.ts';

/** Workers that are kept for the next request. */
const SPARE_WORKERS = 16;

/** A request that is not yet complete, as the cancelling calls look for it. */
export interface RingRequest extends WorkerRequest {
  readonly opcode: number;
  readonly userDataLo: number;
  readonly userDataHi: number;
  readonly file: FileDescription | null;
  readonly submitter: Task;
  /** Ends it with ECANCELED. */
  cancel(): void;
}

/** What is told about completions: an eventfd. */
export interface RingNotifier {
  ref(): void;
  unref(): void;
  signal(count: number): void;
}

/** A place for a file without a descriptor; with a tag, which is reported when it is emptied. */
export interface FileSlot {
  file: FileDescription;
  tagLo: number;
  tagHi: number;
}

/** A registered buffer: user addresses. */
export interface BufferSlot {
  addr: number;
  length: number;
  tagLo: number;
  tagHi: number;
}

/** A group of buffers that requests take from: handed over one by one (`list`), or a ring in memory (`ring` in the kernel's or `addr` in the program's). */
export class BufferGroup {
  readonly list: { addr: number; length: number; id: number }[] = [];
  addr = 0;
  ring: SharedRing | null = null;
  entries = 0;
  head = 0;
  incremental = false;
  get isRing(): boolean {
    return this.entries !== 0;
  }
}

/** What mmap of the descriptor maps: the rings, the submission entries, rings of buffers, each at its offset. */
class RingMemory extends MemoryObject {
  override readonly isShmem: boolean = true;
  private readonly owner: IoRing;
  constructor(owner: IoRing) {
    super();
    this.owner = owner;
  }
  private part(page: number): { ring: SharedRing; page: number } | null {
    const at = page * 4096;
    const ring = this.owner.partAt(at);
    return ring === null ? null : { ring, page: at >= IORING_OFF_PBUF_RING ? (at % (1 << IORING_OFF_PBUF_SHIFT)) / 4096 : (at % 0x8000000) / 4096 };
  }
  override getFrame(page: number, write: boolean): number | Errno {
    const p = this.part(page);
    return p === null ? EFAULT : p.ring.getFrame(p.page, write);
  }
  override cachedFrame(page: number): number {
    const p = this.part(page);
    return p === null ? 0 : p.ring.cachedFrame(p.page);
  }
  override ref(): void {
    this.owner.memoryRefs++;
  }
  override unref(): void {
    if (--this.owner.memoryRefs === 0) this.owner.freeMemory();
  }
  override removePages(): 0 {
    return 0;
  }
}

export class IoRing extends AnonymousDescription {
  readonly kernel: Kernel;
  /** IORING_SETUP_ flags. */
  readonly setup: number;
  readonly rings: SharedRing;
  readonly sqes: SharedRing;
  readonly sqEntries: number;
  readonly cqEntries: number;
  /** Offset of the array of indices; 0: there is none. */
  readonly sqArray: number;
  readonly memory: RingMemory;
  memoryRefs = 1;
  /** Not yet enabled (IORING_SETUP_R_DISABLED). */
  disabled: boolean;
  /** The task that made it: alone allowed to submit with IORING_SETUP_SINGLE_ISSUER, and whose memory the poller of IORING_SETUP_SQPOLL uses. */
  maker: Task;
  /** The submission head that counts, and the completion tail. */
  private sqHead = 0;
  private cqTail = 0;
  private readonly overflow: { lo: number; hi: number; result: number; flags: number }[] = [];
  /** Requests that have begun and not ended. */
  readonly active: Set<RingRequest> = new Set();
  /** Woken by each completion. */
  readonly completions: WaitQueue = new WaitQueue();
  /** Completions so far, for timeouts that count them. */
  completed = 0;
  /** Timeouts that have run out: each ends a wait for completions, however few there are (Linux cq_timeouts). */
  timeouts = 0;
  private readonly spare: IoWorker[] = [];
  /** Called when nothing is under way any more: requests that wait for that (IOSQE_IO_DRAIN). */
  drained: () => void = () => {};
  closed = false;
  /** A request skipped its completion: what is under way can no longer be counted (IOSQE_IO_DRAIN is refused). */
  drainDisabled = false;

  eventfd: RingNotifier | null = null;
  eventfdAsyncOnly = false;
  /** Completions were posted while requests were being taken; one notification stands for them. */
  private batching = false;
  private batched = false;
  files: (FileSlot | null)[] | null = null;
  /** Where free slots are looked for. */
  fileAllocStart = 0;
  fileAllocEnd = 0;
  fileHint = 0;
  buffers: (BufferSlot | null)[] | null = null;
  readonly groups: Map<number, BufferGroup> = new Map();
  readonly personalities: Map<number, Credentials> = new Map();
  nextPersonality = 1;
  /** Cancelled requests whose completions follow that of the request that cancelled them. */
  private readonly doomed: RingRequest[] = [];
  private postponing = 0;
  clock = 1;
  workers: [number, number];
  restrictions: { registers: Set<number>; operations: Set<number>; allowed: number; required: number } | null = null;
  restrictionsSet = false;
  /** Tells the poller that there is something to do. */
  wakePoller: () => void = () => {};
  stopPoller: () => void = () => {};

  constructor(path: Path, maker: Task, setup: number, rings: SharedRing, sqes: SharedRing, sqEntries: number, cqEntries: number) {
    super(path, O_RDWR);
    this.kernel = maker.kernel;
    this.maker = maker;
    this.setup = setup;
    this.rings = rings;
    this.sqes = sqes;
    this.sqEntries = sqEntries;
    this.cqEntries = cqEntries;
    this.sqArray = setup & IORING_SETUP_NO_SQARRAY ? 0 : Math.ceil(((CQES + cqEntries * 16) * (this.cqeSize / 16)) / 64) * 64; // Linux rings_size() doubles the header too
    this.memory = new RingMemory(this);
    this.disabled = false;
    this.workers = [Math.min(sqEntries, 4 * this.kernel.cpus), 4096];
    rings.setU32(SQ_MASK, sqEntries - 1);
    rings.setU32(CQ_MASK, cqEntries - 1);
    rings.setU32(SQ_ENTRIES, sqEntries);
    rings.setU32(CQ_ENTRIES, cqEntries);
  }
  get cqeSize(): number {
    return this.setup & IORING_SETUP_CQE32 ? 32 : 16;
  }
  get sqeSize(): number {
    return this.setup & IORING_SETUP_SQE128 ? 128 : 64;
  }

  // ---- memory ----
  /** The shared memory that is mapped from byte `offset` on, or null. */
  partAt(offset: number): SharedRing | null {
    if (offset >= IORING_OFF_PBUF_RING) return this.groups.get(Math.floor((offset - IORING_OFF_PBUF_RING) / (1 << IORING_OFF_PBUF_SHIFT)))?.ring ?? null;
    if (offset >= IORING_OFF_SQES) return offset < IORING_OFF_SQES + 0x8000000 ? this.sqes : null;
    return this.rings;
  }
  /** The program may not choose the place (Linux io_uring_get_unmapped_area). */
  override mmap(_ctx: VfsContext, _shared: boolean, offset: number, addr: number): MemoryObject | Errno {
    if (addr !== 0) return EINVAL;
    return this.partAt(offset) === null ? ENOMEM : this.memory;
  }
  freeMemory(): void {
    this.rings.unref();
    this.sqes.unref();
    for (const g of this.groups.values()) g.ring?.unref();
  }

  // ---- the submission queue ----
  /** Entries that wait; what the program wrote as the tail is cut to the size. */
  get submissions(): number {
    return Math.min((this.rings.u32(SQ_TAIL) - this.sqHead) >>> 0, this.sqEntries);
  }
  /** Takes the next entry: its offset in `sqes`, or -1 if its index is not valid (it is counted as dropped). */
  takeSubmission(): number {
    const slot = this.sqHead & (this.sqEntries - 1);
    this.sqHead = (this.sqHead + 1) >>> 0;
    const index = this.sqArray === 0 ? slot : this.rings.u32(this.sqArray + slot * 4);
    if (index < this.sqEntries) return index * this.sqeSize;
    this.rings.setU32(SQ_DROPPED, this.rings.u32(SQ_DROPPED) + 1);
    return -1;
  }
  /** Tells the program how far entries were taken. */
  publishHead(): void {
    this.rings.setU32(SQ_HEAD, this.sqHead);
  }
  setSqFlag(flag: number, on: boolean): void {
    const flags = this.rings.u32(SQ_FLAGS);
    this.rings.setU32(SQ_FLAGS, on ? flags | flag : flags & ~flag);
  }

  // ---- the completion queue ----
  /** Completions that the program has not taken. */
  get ready(): number {
    return (this.cqTail - this.rings.u32(CQ_HEAD)) >>> 0;
  }
  get hasOverflow(): boolean {
    return this.overflow.length > 0;
  }
  /** Posts a completion; one that does not fit waits in the kernel. */
  post(lo: number, hi: number, result: number, flags: number): void {
    this.completed++;
    if (this.overflow.length > 0 || this.ready >= this.cqEntries) {
      this.overflow.push({ lo, hi, result, flags });
      this.setSqFlag(IORING_SQ_CQ_OVERFLOW, true);
    } else this.place(lo, hi, result, flags);
    if (this.batching) this.batched = true;
    else this.notify(true);
  }
  private place(lo: number, hi: number, result: number, flags: number): void {
    const { rings } = this;
    const at = CQES + (this.cqTail & (this.cqEntries - 1)) * this.cqeSize;
    rings.setWords(at, lo, hi);
    rings.setWords(at + 8, result, flags);
    if (this.cqeSize === 32) {
      rings.setWords(at + 16, 0, 0);
      rings.setWords(at + 24, 0, 0);
    }
    this.cqTail = (this.cqTail + 1) >>> 0;
    rings.setU32(CQ_TAIL, this.cqTail);
  }
  /** Moves what did not fit into the queue, as far as there is room now. */
  flushOverflow(): void {
    while (this.overflow.length > 0 && this.ready < this.cqEntries) {
      const c = this.overflow.shift()!; // not empty
      this.place(c.lo, c.hi, c.result, c.flags);
    }
    if (this.overflow.length === 0) this.setSqFlag(IORING_SQ_CQ_OVERFLOW, false);
  }
  /** A completion is lost for want of memory. Never here, but the counter is the program's to see. */
  get lost(): number {
    return this.rings.u32(CQ_OVERFLOW);
  }
  /** Completions of requests taken now are told once, by endBatch. */
  beginBatch(): void {
    this.batching = true;
  }
  endBatch(): void {
    this.batching = false;
    if (!this.batched) return;
    this.batched = false;
    this.notify(false);
  }
  private notify(async: boolean): void {
    if (this.eventfd !== null && (async || !this.eventfdAsyncOnly) && !(this.rings.u32(CQ_FLAGS) & IORING_CQ_EVENTFD_DISABLED)) this.eventfd.signal(1);
    this.completions.wake(POLLIN);
  }

  override seek(): number {
    return ESPIPE;
  }
  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.completions);
    return (this.submissions < this.sqEntries ? POLLOUT | POLLWRNORM : 0) | (this.ready > 0 || this.overflow.length > 0 ? POLLIN | POLLRDNORM : 0);
  }

  // ---- requests ----
  worker(owner: Task): IoWorker {
    return this.spare.pop() ?? new IoWorker(owner);
  }
  /** A request has ended: its worker is free. */
  retire(request: RingRequest, worker: IoWorker | null): void {
    this.active.delete(request);
    if (worker !== null) {
      worker.mm = null;
      worker.files = null;
      if (this.spare.length < SPARE_WORKERS) this.spare.push(worker);
    }
    if (this.active.size === 0) this.drained();
  }
  /** Requests that are cancelled until `flushDoomed` end only then. */
  postpone(): void {
    this.postponing++;
  }
  doom(request: RingRequest): void {
    if (this.postponing === 0) request.cancel();
    else if (!this.doomed.includes(request)) this.doomed.push(request);
  }
  isDoomed(request: RingRequest): boolean {
    return this.doomed.includes(request);
  }
  flushDoomed(): void {
    if (--this.postponing > 0) return;
    for (const request of this.doomed.splice(0)) if (this.active.has(request)) request.cancel();
  }

  /** A task that submitted requests ends, or runs another program. */
  taskGone(t: Task): void {
    for (const request of [...this.active]) if (request.submitter === t) request.cancel();
    if (t === this.maker) this.stopPoller();
    const places = t.registeredRings;
    if (places === null) return;
    const at = places.indexOf(this);
    if (at < 0) return;
    places[at] = null;
    this.unref();
  }
  override release(): void {
    this.closed = true;
    this.stopPoller();
    for (const request of [...this.active]) request.cancel();
    this.eventfd?.unref();
    if (this.files !== null) for (const slot of this.files) slot?.file.unref();
    this.files = null;
    this.memory.unref();
  }

  // ---- files and buffers ----
  /** A free slot of the range that slots are taken from, the next behind the last that was filled or the last that was emptied; -1 if there is none. */
  freeSlot(): number {
    const { files, fileAllocStart: start } = this;
    if (files === null) return -1;
    const end = Math.min(this.fileAllocEnd, files.length);
    const hint = Math.max(start, this.fileHint);
    for (let i = hint; i < end; i++) if (files[i] === null) return i;
    for (let i = start; i < Math.min(hint, end); i++) if (files[i] === null) return i;
    return -1;
  }
  /** Puts a file (the caller's reference) into an empty slot. */
  fillSlot(index: number, file: FileDescription, tagLo: number, tagHi: number): void {
    if (this.files === null) return;
    this.files[index] = { file, tagLo, tagHi };
    this.fileHint = index + 1;
  }
  /** Empties a slot; its tag, if any, is reported. */
  dropSlot(index: number): void {
    const slot = this.files?.[index] ?? null;
    if (slot === null || this.files === null) return;
    this.files[index] = null;
    this.fileHint = index;
    slot.file.unref();
    this.reportTag(slot.tagLo, slot.tagHi);
  }
  reportTag(lo: number, hi: number): void {
    if ((lo | hi) !== 0) this.post(lo, hi, 0, 0);
  }

  /** The next buffer of a group, which stays in it until `consumeBuffer`: null = ENOBUFS. */
  peekBuffer(group: number, request: RingRequest): { addr: number; length: number; id: number } | null {
    const g = this.groups.get(group);
    if (g === undefined) return null;
    if (!g.isRing) return g.list[0] ?? null;
    const entry = (g.head & (g.entries - 1)) * 16;
    const space = request.submitter.mm;
    if (g.ring !== null) {
      const tail = g.ring.u32(12) >>> 16;
      if (tail === (g.head & 0xffff)) return null;
      const lo = g.ring.u32(entry);
      return { addr: lo + g.ring.u32(entry + 4) * 4294967296, length: g.ring.u32(entry + 8), id: g.ring.u32(entry + 12) & 0xffff };
    }
    if (space === null) return null;
    const tail = space.readU16(g.addr + 14);
    if (isErr(tail) || tail === (g.head & 0xffff)) return null;
    const addr = space.readU64(g.addr + entry);
    const length = space.readU32(g.addr + entry + 8);
    const id = space.readU16(g.addr + entry + 12);
    return isErr(addr) || isErr(length) || isErr(id) ? null : { addr, length, id };
  }
  /** Takes the buffer that peekBuffer gave out of its group, `used` bytes of it. True if an incremental buffer has room left. */
  consumeBuffer(group: number, used: number, request: RingRequest): boolean {
    const g = this.groups.get(group);
    if (g === undefined) return false;
    if (!g.isRing) {
      g.list.shift();
      return false;
    }
    if (g.incremental) {
      const b = this.peekBuffer(group, request);
      if (b !== null && used < b.length) {
        const at = (g.head & (g.entries - 1)) * 16;
        if (g.ring !== null) {
          g.ring.setU64(at, b.addr + used);
          g.ring.setU32(at + 8, b.length - used);
        } else {
          request.submitter.mm?.writeU64(g.addr + at, b.addr + used);
          request.submitter.mm?.writeU32(g.addr + at + 8, b.length - used);
        }
        return true;
      }
    }
    g.head = (g.head + 1) & 0xffff;
    return false;
  }

  override fdInfo(): string {
    const { rings } = this;
    const poller = this.setup & 2 ? this.maker.tid : -1;
    const line = (name: string, v: number | string): string => `${name}:\t${v}\n`;
    let text = line('SqMask', `0x${(this.sqEntries - 1).toString(16)}`) + line('SqHead', rings.u32(SQ_HEAD)) + line('SqTail', rings.u32(SQ_TAIL)) + line('CachedSqHead', this.sqHead);
    text += line('CqMask', `0x${(this.cqEntries - 1).toString(16)}`) + line('CqHead', rings.u32(CQ_HEAD)) + line('CqTail', rings.u32(CQ_TAIL)) + line('CachedCqTail', this.cqTail);
    text += line('SQEs', this.submissions) + line('CQEs', this.ready) + line('SqThread', poller) + line('SqThreadCpu', -1) + line('SqTotalTime', 0) + line('SqWorkTime', 0);
    text += line('UserFiles', this.files?.length ?? 0);
    this.files?.forEach((slot, i) => {
      if (slot !== null) text += `${String(i).padStart(5)}: ${slot.file.mapsPath()}\n`;
    });
    text += line('UserBufs', this.buffers?.length ?? 0);
    this.buffers?.forEach((b, i) => {
      if (b !== null) text += `${String(i).padStart(5)}: 0x${b.addr.toString(16)}/${b.length}\n`;
    });
    return `${text}PollList:\nCqOverflowList:\nNAPI:\tdisabled\n`;
  }
}

