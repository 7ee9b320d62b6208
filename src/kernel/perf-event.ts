/** Software counters of perf_event_open(2), counted from what is kept about tasks anyway. Linux 6.18 kernel/events/core.c. Linux differs: there is no sampling. */
import { EINVAL, ENOMEM, ENOSPC, ENOTTY, EBADF, EFAULT, ESPIPE, type Errno, isErr } from '../abi/errno.ts';
import { O_RDWR } from '../abi/fcntl.ts';
import { POLLHUP } from '../abi/poll.ts';
import type { IoVector } from '../base/io-vector.ts';
import type { MemoryObject } from '../memory/memory-object.ts';
import { AnonymousDescription } from '../vfs/anonymous-description.ts';
import type { VfsContext } from '../vfs/context.ts';
import type { Path } from '../vfs/mount.ts';
import type { Kernel } from './kernel.ts';
import { SharedRing } from './shared-ring.ts';
import type { Task } from './task.ts';

/** Software events. */
const CPU_CLOCK = 0, TASK_CLOCK = 1, PAGE_FAULTS = 2, CONTEXT_SWITCHES = 3, PAGE_FAULTS_MIN = 5, PAGE_FAULTS_MAJ = 6;
export const PERF_COUNT_SW_MAX = 12;
/** Parts of what read(2) gives. */
const FORMAT_TOTAL_TIME_ENABLED = 1, FORMAT_TOTAL_TIME_RUNNING = 2, FORMAT_ID = 4, FORMAT_GROUP = 8, FORMAT_LOST = 16;
// Requests of ioctl(2). Source: include/uapi/linux/perf_event.h.
const IOC_ENABLE = 0x2400, IOC_DISABLE = 0x2401, IOC_REFRESH = 0x2402, IOC_RESET = 0x2403, IOC_PERIOD = 0x40082404, IOC_SET_OUTPUT = 0x2405, IOC_SET_FILTER = 0x40082406;
const IOC_ID = 0x80082407 | 0, IOC_SET_BPF = 0x40042408, IOC_PAUSE_OUTPUT = 0x40042409;
const IOC_FLAG_GROUP = 1;

let nextId = 1;

/** A task that is counted, and what it had counted when counting began. */
class Counted {
  readonly task: Task;
  base: number;
  timeBase: number;
  constructor(task: Task, base: number, timeBase: number) {
    this.task = task;
    this.base = base;
    this.timeBase = timeBase;
  }
}

export class PerfEvent extends AnonymousDescription {
  readonly kernel: Kernel;
  readonly config: number;
  readonly readFormat: number;
  /** Children that counted tasks make are counted too. */
  readonly inherit: boolean;
  readonly enableOnExec: boolean;
  readonly id: number = nextId++;
  leader: PerfEvent;
  readonly members: PerfEvent[] = [];
  /** The task that made it, for prctl(PR_TASK_PERF_EVENTS_DISABLE). */
  readonly maker: Task;
  private enabled: boolean;
  private counting = false;
  private value = 0;
  private time = 0;
  private readonly counted: Map<Task, Counted> = new Map();
  /** Counts a CPU, not tasks: base of its clock and switches. */
  private readonly wholeCpu: boolean;
  private cpuBase = 0;
  private cpuTimeBase = 0;
  private page: SharedRing | null = null;
  private pageBytes = 0;

  constructor(path: Path, owner: Task, target: Task | null, leader: PerfEvent | null, config: number, readFormat: number, flags: { disabled: boolean; inherit: boolean; enableOnExec: boolean }) {
    super(path, O_RDWR);
    this.kernel = owner.kernel;
    this.maker = owner;
    this.config = config;
    this.readFormat = readFormat;
    this.inherit = flags.inherit;
    this.enableOnExec = flags.enableOnExec;
    this.enabled = !flags.disabled;
    this.leader = leader ?? this;
    this.wholeCpu = target === null;
    if (leader !== null) leader.members.push(this);
    if (target !== null) this.attach(target);
    (owner.ownedCounters ??= new Set()).add(this);
    this.changed();
  }

  private counterOf(t: Task): number {
    const u = t.usage;
    switch (this.config) {
      case CPU_CLOCK:
      case TASK_CLOCK:
        return this.timeOf(t);
      case PAGE_FAULTS:
        return u.minflt + u.majflt;
      case PAGE_FAULTS_MIN:
        return u.minflt;
      case PAGE_FAULTS_MAJ:
        return u.majflt;
      case CONTEXT_SWITCHES:
        return u.nvcsw + u.nivcsw;
      default:
        return 0; // alignment faults, emulation, migrations between real processors: there are none
    }
  }
  /** CPU time so far, ns. */
  private timeOf(t: Task): number {
    const running = this.kernel.current === t ? Math.max(0, this.kernel.clock.monotonicNs() - this.kernel.now) : 0;
    return t.usage.utime + t.usage.stime + running;
  }
  private get cpuCounter(): number {
    return this.config === CPU_CLOCK || this.config === TASK_CLOCK ? this.kernel.clock.monotonicNs() : this.config === CONTEXT_SWITCHES ? this.kernel.switches : 0;
  }

  // ---- tasks ----
  private attach(t: Task): void {
    this.counted.set(t, new Counted(t, this.counterOf(t), this.timeOf(t)));
    (t.counters ??= new Set()).add(this);
  }
  /** A counted task made `child`. */
  forked(child: Task): void {
    if (this.inherit) this.attach(child);
  }
  /** A counted task ends: what it counted is kept. */
  taskGone(t: Task): void {
    const c = this.counted.get(t);
    if (c === undefined) return;
    if (this.counting) this.take(c);
    this.counted.delete(t);
  }
  execed(): void {
    if (this.enableOnExec) this.enable(true);
  }
  private take(c: Counted): void {
    const value = this.counterOf(c.task);
    const time = this.timeOf(c.task);
    this.value += value - c.base;
    this.time += time - c.timeBase;
    c.base = value;
    c.timeBase = time;
  }
  /** Adds what was counted since the last look. */
  private update(): void {
    if (!this.counting) return;
    if (this.wholeCpu) {
      const now = this.kernel.clock.monotonicNs();
      const value = this.cpuCounter;
      this.value += value - this.cpuBase;
      this.time += now - this.cpuTimeBase;
      this.cpuBase = value;
      this.cpuTimeBase = now;
    } else for (const c of this.counted.values()) this.take(c);
  }

  // ---- state ----
  enable(on: boolean): void {
    this.enabled = on;
    this.changed();
    for (const m of this.members) m.changed();
  }
  /** Counts from now on or no more: a member counts only with its leader. */
  private changed(): void {
    const on = this.enabled && this.leader.enabled;
    if (on === this.counting) return;
    if (!on) this.update();
    this.counting = on;
    if (!on) return;
    this.cpuBase = this.cpuCounter;
    this.cpuTimeBase = this.kernel.clock.monotonicNs();
    for (const c of this.counted.values()) {
      c.base = this.counterOf(c.task);
      c.timeBase = this.timeOf(c.task);
    }
  }

  // ---- as a file ----
  private readSize(): number {
    const f = this.readFormat;
    const entry = 8 + (f & FORMAT_ID ? 8 : 0) + (f & FORMAT_LOST ? 8 : 0);
    const head = (f & FORMAT_TOTAL_TIME_ENABLED ? 8 : 0) + (f & FORMAT_TOTAL_TIME_RUNNING ? 8 : 0);
    return f & FORMAT_GROUP ? head + 8 + entry * (1 + this.members.length) : head + entry;
  }
  override read(_ctx: VfsContext, iov: IoVector): number {
    const size = this.readSize();
    if (iov.remaining < size) return ENOSPC;
    const f = this.readFormat;
    const words: number[] = [];
    const group = f & FORMAT_GROUP ? [this, ...this.members] : [this];
    for (const e of group) e.update();
    const value = (e: PerfEvent): void => {
      words.push(Math.floor(e.value));
      if (f & FORMAT_ID) words.push(e.id);
      if (f & FORMAT_LOST) words.push(0);
    };
    if (f & FORMAT_GROUP) words.push(group.length);
    else words.push(Math.floor(this.value));
    if (f & FORMAT_TOTAL_TIME_ENABLED) words.push(Math.floor(this.time));
    if (f & FORMAT_TOTAL_TIME_RUNNING) words.push(Math.floor(this.time));
    if (f & FORMAT_GROUP) for (const e of group) value(e);
    else {
      if (f & FORMAT_ID) words.push(this.id);
      if (f & FORMAT_LOST) words.push(0);
    }
    const bytes = new Uint8Array(size);
    const view = new DataView(bytes.buffer);
    words.forEach((w, i) => {
      view.setUint32(i * 8, w % 4294967296, true);
      view.setUint32(i * 8 + 4, Math.floor(w / 4294967296), true);
    });
    return iov.put(bytes, 0, size);
  }
  override seek(): number {
    return ESPIPE;
  }
  /** Without a buffer for samples there is nothing to wait for; once the counted task is gone it says so. */
  override poll(): number {
    return this.wholeCpu || this.counted.size > 0 ? 0 : POLLHUP;
  }
  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    const group = (arg & IOC_FLAG_GROUP) !== 0;
    const all = group ? [this.leader, ...this.leader.members] : [this];
    switch (cmd) {
      case IOC_ENABLE:
      case IOC_DISABLE:
        for (const e of all) e.enable(cmd === IOC_ENABLE);
        return 0;
      case IOC_RESET:
        for (const e of all) {
          e.update();
          e.value = 0;
        }
        return 0;
      case IOC_ID:
        return isErr(ctx.space.writeU64(arg, this.id)) ? EFAULT : 0;
      case IOC_SET_OUTPUT:
        if (arg >= 2 ** 63) return this.page === null ? 0 : EBADF;
        return ctx.fdTable.get(arg | 0) instanceof PerfEvent ? EINVAL : EBADF;
      case IOC_SET_BPF:
        return ctx.fdTable.get(arg | 0) === null ? EBADF : EINVAL;
      case IOC_REFRESH:
      case IOC_PERIOD:
      case IOC_SET_FILTER:
      case IOC_PAUSE_OUTPUT:
        return EINVAL; // only for what samples
      default:
        return ENOTTY;
    }
  }
  /** A page that tells about the counter, and a power of two of pages behind it for samples, which stay empty. */
  override mmap(_ctx: VfsContext, shared: boolean, _offset: number, _addr: number, length: number): MemoryObject | Errno {
    const pages = Math.ceil(length / 4096) - 1;
    if (!shared || pages < 0 || (pages & (pages - 1)) !== 0) return EINVAL;
    if (this.page !== null) return this.pageBytes === pages * 4096 ? this.page : EINVAL;
    const page = SharedRing.make(this.kernel.memory, 'anon_inode:[perf_event]', (pages + 1) * 4096);
    if (isErr(page)) return ENOMEM;
    page.setU64(1040, pages === 0 ? 0 : 4096);
    page.setU64(1048, pages * 4096);
    this.page = page;
    this.pageBytes = pages * 4096;
    return page;
  }
  override release(): void {
    this.enable(false);
    for (const t of this.counted.keys()) t.counters?.delete(this);
    this.maker.ownedCounters?.delete(this);
    if (this.leader !== this) this.leader.members.splice(this.leader.members.indexOf(this), 1);
    for (const m of this.members) {
      m.leader = m;
      m.changed();
    }
    this.page?.unref();
  }
}
