/**
 * userfaultfd: faults in registered memory become messages, and the task waits until somebody resolves them. Linux 6.18 fs/userfaultfd.c, mm/userfaultfd.c.
 * A fault inside a system call ends the call with EFAULT; the dispatcher then waits here and makes the call again.
 */
import { EAGAIN, EBUSY, EEXIST, EFAULT, EINVAL, ENOENT, EPERM, type Errno, isErr } from '../abi/errno.ts';
import { POLLERR, POLLIN } from '../abi/poll.ts';
import type { IoVector } from '../base/io-vector.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { FAULT_USER } from '../memory/fault-code.ts';
import { setFlags } from '../memory/madvise.ts';
import { READ, WRITE } from '../memory/page-table.ts';
import { TASK_SIZE } from '../memory/user-memory.ts';
import { VM_MAYWRITE, VM_UFFD_MISSING, VM_UFFD_WP, VM_WRITE, type Vma } from '../memory/vma.ts';
import { AnonymousDescription } from '../vfs/anonymous-description.ts';
import type { VfsContext } from '../vfs/context.ts';
import type { Path } from '../vfs/mount.ts';
import type { PollTable } from '../vfs/poll.ts';
import { RESUME_SYSCALL_ENTRY, type Task } from './task.ts';

// Source: Linux 6.18 include/uapi/linux/userfaultfd.h.
const UFFD_API = 0xaa;
const UFFDIO_API = 0xc018aa3f | 0, UFFDIO_REGISTER = 0xc020aa00 | 0, UFFDIO_UNREGISTER = 0x8010aa01 | 0, UFFDIO_WAKE = 0x8010aa02 | 0, UFFDIO_COPY = 0xc028aa03 | 0;
const UFFDIO_ZEROPAGE = 0xc020aa04 | 0, UFFDIO_WRITEPROTECT = 0xc018aa06 | 0;
const FEATURE_SIGBUS = 0x80, FEATURE_THREAD_ID = 0x100, FEATURE_EXACT_ADDRESS = 0x800;
/** PAGEFAULT_FLAG_WP, MISSING_SHMEM, SIGBUS, THREAD_ID, EXACT_ADDRESS. Linux has more: events of fork, mremap and unmap, minor faults, poison, move. */
const FEATURES = 0x9a1;
const MODE_MISSING = 1, MODE_WP = 2;
const COPY_DONTWAKE = 1, COPY_WP = 2, WP_PROTECT = 1, WP_DONTWAKE = 2;
const EVENT_PAGEFAULT = 0x12, FLAG_WRITE = 1, FLAG_WP = 2;
/** struct uffd_msg, bytes. */
const SIZEOF_UFFD_MSG = 32;

/** A task that waits for a page. */
class PendingFault {
  readonly task: Task;
  readonly address: number;
  readonly flags: number;
  read = false;
  readonly queue: WaitQueue = new WaitQueue();
  constructor(task: Task, address: number, flags: number) {
    this.task = task;
    this.address = address;
    this.flags = flags;
  }
}

const message = new Uint8Array(SIZEOF_UFFD_MSG);
const view = new DataView(message.buffer);

export class Userfaultfd extends AnonymousDescription {
  private readonly space: AddressSpace;
  private initialised = false;
  private features = 0;
  private faults: PendingFault[] = [];
  /** Numbers of pages that are write-protected. */
  private readonly guarded: Set<number> = new Set();
  private readonly readers: WaitQueue = new WaitQueue();

  constructor(path: Path, flags: number, space: AddressSpace) {
    super(path, flags);
    this.space = space;
  }

  // ---- faults ----
  /** SIGBUS instead of a message. */
  get signals(): boolean {
    return (this.features & FEATURE_SIGBUS) !== 0;
  }
  guards(address: number): boolean {
    return this.guarded.has(Math.floor(address / 4096));
  }
  /** `t` met a fault: the queue it waits on. A message goes to the reader, unless this very fault was reported before (a signal came between). */
  report(t: Task, address: number, write: boolean): WaitQueue {
    const exact = this.features & FEATURE_EXACT_ADDRESS ? address : address - (address % 4096);
    const old = this.faults.find((f) => f.task === t);
    if (old !== undefined) {
      if (old.address === exact) return old.queue;
      this.faults.splice(this.faults.indexOf(old), 1);
    }
    const wp = write && this.guards(address) && this.space.table.get(address) !== 0;
    const fault = new PendingFault(t, exact, (write ? FLAG_WRITE : 0) | (wp ? FLAG_WP : 0));
    this.faults.push(fault);
    this.readers.wake(POLLIN);
    return fault.queue;
  }
  private wakeRange(start: number, length: number): void {
    const woken = this.faults.filter((f) => f.address >= start && f.address < start + length);
    this.faults = this.faults.filter((f) => !woken.includes(f));
    for (const f of woken) f.queue.wake();
  }

  // ---- as a file ----
  override read(ctx: VfsContext, iov: IoVector): number {
    if (!this.initialised || iov.remaining < SIZEOF_UFFD_MSG) return EINVAL;
    let done = 0;
    for (const f of this.faults) {
      if (f.read || iov.remaining < SIZEOF_UFFD_MSG) continue;
      message.fill(0);
      message[0] = EVENT_PAGEFAULT;
      view.setUint32(8, f.flags, true);
      view.setUint32(16, f.address % 4294967296, true);
      view.setUint32(20, Math.floor(f.address / 4294967296), true);
      if (this.features & FEATURE_THREAD_ID) view.setUint32(24, f.task.tidIn(f.task), true);
      const n = iov.put(message, 0, SIZEOF_UFFD_MSG);
      if (n < 0) return done > 0 ? done : n;
      f.read = true;
      done += SIZEOF_UFFD_MSG;
    }
    if (done > 0) return done;
    return this.nonBlocking ? EAGAIN : ctx.wait(this.readers);
  }
  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.readers);
    if (!this.initialised || !this.nonBlocking) return POLLERR;
    return this.faults.some((f) => !f.read) ? POLLIN : 0;
  }
  override fdInfo(): string {
    const pending = this.faults.filter((f) => !f.read).length;
    return `pending:\t${pending}\ntotal:\t${this.faults.length}\nAPI:\t${UFFD_API.toString(16)}:${this.features.toString(16)}:${FEATURES.toString(16)}\n`;
  }
  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    if (cmd === UFFDIO_API) return this.api(ctx, arg);
    if (!this.initialised) return EINVAL;
    switch (cmd) {
      case UFFDIO_REGISTER:
        return this.register(ctx, arg);
      case UFFDIO_UNREGISTER:
        return this.unregister(ctx, arg);
      case UFFDIO_WAKE: {
        const r = this.range(ctx, arg);
        if (typeof r === 'number') return r;
        this.wakeRange(r.start, r.length);
        return 0;
      }
      case UFFDIO_COPY:
        return this.copy(ctx, arg);
      case UFFDIO_ZEROPAGE:
        return this.zero(ctx, arg);
      case UFFDIO_WRITEPROTECT:
        return this.protect(ctx, arg);
      default:
        return EINVAL;
    }
  }
  override release(): void {
    for (let v = this.space.vmas.first; v !== null; v = v.next) if (v.userfault === this) this.leave(v);
    for (const f of this.faults.splice(0)) f.queue.wake();
  }

  // ---- requests ----
  private api(ctx: VfsContext, arg: number): number {
    const { space } = ctx;
    const api = space.readU64(arg);
    const features = space.readU64(arg + 8);
    if (isErr(api) || isErr(features)) return EFAULT;
    if (this.initialised || api !== UFFD_API || features > 0xffffffff || (features & ~FEATURES) !== 0) return isErr(space.clear(arg, 24)) ? EFAULT : EINVAL;
    // _UFFDIO_REGISTER, _UFFDIO_UNREGISTER and _UFFDIO_API can be used from now on.
    if (isErr(space.writeU64(arg + 8, FEATURES)) || isErr(space.writeU32(arg + 16, 3)) || isErr(space.writeU32(arg + 20, 0x80000000))) return EFAULT;
    this.features = features;
    this.initialised = true;
    return 0;
  }
  /** The range at `arg`: EFAULT, EINVAL if it is not made of pages of the program's. */
  private range(ctx: VfsContext, arg: number): { start: number; length: number } | Errno {
    const start = ctx.space.readU64(arg);
    const length = ctx.space.readU64(arg + 8);
    if (isErr(start) || isErr(length)) return EFAULT;
    return validRange(start, length) ? { start, length } : EINVAL;
  }
  private register(ctx: VfsContext, arg: number): number {
    const start = ctx.space.readU64(arg);
    const length = ctx.space.readU64(arg + 8);
    const mode = ctx.space.readU64(arg + 16);
    if (isErr(start) || isErr(length) || isErr(mode)) return EFAULT;
    // MODE_MINOR is for files of huge pages and shared memory with a feature that is not offered.
    if (mode === 0 || mode > 3 || !validRange(start, length)) return EINVAL;
    const end = start + length;
    let v = this.space.vmas.intersecting(start, end);
    if (v === null) return EINVAL;
    for (let w: Vma | null = v; w !== null && w.start < end; w = w.next) {
      if (w.object !== null && (!w.object.isShmem || mode & MODE_WP)) return EINVAL;
      if (!(w.flags & VM_MAYWRITE)) return EPERM;
      if (w.userfault !== null && w.userfault !== this) return EBUSY;
    }
    const bits = (mode & MODE_MISSING ? VM_UFFD_MISSING : 0) | (mode & MODE_WP ? VM_UFFD_WP : 0);
    for (let at = start; at < end; ) {
      v = this.space.vmas.intersecting(at, end);
      if (v === null) break;
      const stop = Math.min(end, v.end);
      const r = setFlags(this.space, v, Math.max(at, v.start), stop, (v.flags & ~(VM_UFFD_MISSING | VM_UFFD_WP)) | bits);
      if (isErr(r)) return r;
      const now = this.space.vmas.find(Math.max(at, start));
      if (now !== null) now.userfault = this;
      at = stop;
    }
    // _UFFDIO_WAKE, COPY, ZEROPAGE and WRITEPROTECT.
    return isErr(ctx.space.writeU64(arg + 24, 0x1c | (mode & MODE_WP ? 0x40 : 0))) ? EFAULT : 0;
  }
  private leave(v: Vma): void {
    v.flags &= ~(VM_UFFD_MISSING | VM_UFFD_WP);
    v.userfault = null;
  }
  private unregister(ctx: VfsContext, arg: number): number {
    const r = this.range(ctx, arg);
    if (typeof r === 'number') return r;
    const end = r.start + r.length;
    if (this.space.vmas.intersecting(r.start, end) === null) return EINVAL;
    for (let at = r.start; at < end; ) {
      const v = this.space.vmas.intersecting(at, end);
      if (v === null) break;
      const stop = Math.min(end, v.end);
      if (v.userfault !== null) {
        const context = v.userfault;
        v.userfault = null;
        const done = setFlags(this.space, v, Math.max(at, v.start), stop, v.flags & ~(VM_UFFD_MISSING | VM_UFFD_WP));
        if (isErr(done)) return done;
        // What was split off keeps its registration.
        for (let w = this.space.vmas.intersecting(v.start, v.end); w !== null && w.start < end; w = w.next) if (w.flags & (VM_UFFD_MISSING | VM_UFFD_WP)) w.userfault = context;
      }
      at = stop;
    }
    for (const page of [...this.guarded]) if (page * 4096 >= r.start && page * 4096 < end) this.guarded.delete(page);
    this.wakeRange(r.start, r.length);
    return 0;
  }

  /** The registered mapping that covers all of [start, start + length), or null. */
  private registered(start: number, length: number): Vma | null {
    const v = this.space.vmas.find(start);
    return v !== null && v.start <= start && v.end >= start + length && v.userfault === this ? v : null;
  }
  /** Makes a page, as if nobody watched: 0, EEXIST, EFAULT. */
  private fill(v: Vma, address: number, write: boolean): number {
    if (this.space.table.get(address) !== 0) return EEXIST;
    const { flags } = v;
    v.flags = (flags & ~VM_UFFD_MISSING) | (write ? VM_WRITE : 0);
    const code = this.space.fault(address, write ? WRITE : READ);
    v.flags = flags;
    return code === 0 ? 0 : EFAULT;
  }
  private copy(ctx: VfsContext, arg: number): number {
    const words = [0, 8, 16, 24].map((at) => ctx.space.readU64(arg + at));
    if (words.some(isErr)) return EFAULT;
    const [dst = 0, src = 0, length = 0, mode = 0] = words;
    if (src + length > TASK_SIZE || !validRange(dst, length) || mode & ~(COPY_DONTWAKE | COPY_WP)) return EINVAL;
    const v = this.registered(dst, length);
    let done = 0;
    let bad: number = v === null ? ENOENT : 0;
    const page = new Uint8Array(4096);
    while (v !== null && bad === 0 && done < length) {
      if (isErr(ctx.space.readBytes(src + done, page))) bad = EFAULT;
      else bad = this.fill(v, dst + done, true);
      if (bad !== 0) break;
      const at = this.space.writable(dst + done);
      if (at !== 0) this.space.pm.u8.set(page, at);
      if (mode & COPY_WP) this.guard(dst + done, 4096, true);
      done += 4096;
    }
    return this.filled(ctx, arg + 32, dst, length, done, bad, (mode & COPY_DONTWAKE) === 0);
  }
  private zero(ctx: VfsContext, arg: number): number {
    const words = [0, 8, 16].map((at) => ctx.space.readU64(arg + at));
    if (words.some(isErr)) return EFAULT;
    const [start = 0, length = 0, mode = 0] = words;
    if (!validRange(start, length) || mode & ~COPY_DONTWAKE) return EINVAL;
    const v = this.registered(start, length);
    let done = 0;
    let bad: number = v === null ? ENOENT : 0;
    while (v !== null && bad === 0 && done < length) {
      bad = this.fill(v, start + done, v.object !== null);
      if (bad === 0) done += 4096;
    }
    return this.filled(ctx, arg + 24, start, length, done, bad, (mode & COPY_DONTWAKE) === 0);
  }
  /** Tells how much was filled, and wakes who waited for it. */
  private filled(ctx: VfsContext, out: number, start: number, length: number, done: number, bad: number, wake: boolean): number {
    const result = done > 0 ? done : bad;
    if (isErr(ctx.space.writeU64(out, result))) return EFAULT;
    if (result < 0) return result;
    if (wake) this.wakeRange(start, done);
    return done === length ? 0 : EAGAIN;
  }
  private guard(start: number, length: number, on: boolean): void {
    for (let at = start; at < start + length; at += 4096) {
      if (!on) this.guarded.delete(at / 4096);
      else if (this.space.table.get(at) !== 0) this.guarded.add(at / 4096);
    }
    if (on) this.space.writeProtect(start, start + length);
  }
  private protect(ctx: VfsContext, arg: number): number {
    const r = this.range(ctx, arg);
    const mode = ctx.space.readU64(arg + 16);
    if (isErr(mode)) return EFAULT;
    if (typeof r === 'number') return r;
    if (mode & ~(WP_PROTECT | WP_DONTWAKE) || mode === (WP_PROTECT | WP_DONTWAKE)) return EINVAL;
    const v = this.registered(r.start, r.length);
    if (v === null || !(v.flags & VM_UFFD_WP)) return ENOENT;
    this.guard(r.start, r.length, (mode & WP_PROTECT) !== 0);
    if (mode === 0) this.wakeRange(r.start, r.length);
    return 0;
  }
}

/** The call of `t` ended with EFAULT at a page that a userfaultfd has to give: waits for it, to make the call again from the start. False: it is another fault. */
export function awaitPage(t: Task): boolean {
  const { space } = t;
  const address = space.userFault;
  const write = space.userFaultWrites;
  space.userFault = 0;
  const v = space.vmas.find(address);
  if (!(v?.userfault instanceof Userfaultfd) || space.fault(address, write ? WRITE : READ) !== FAULT_USER) return false;
  t.syscall.begin(t.syscall.nr);
  if (!t.signalPending()) t.waitForPage(v.userfault.report(t, address, write), RESUME_SYSCALL_ENTRY);
  return true;
}

function validRange(start: number, length: number): boolean {
  return start % 4096 === 0 && length % 4096 === 0 && length > 0 && start >= 65536 && start + length <= TASK_SIZE;
}
