/** The tree of control groups as a whole. Linux kernel/cgroup/cgroup.c. */
import { EAGAIN, EBADF, EBUSY, EINVAL, ENODEV, ENOENT, EOPNOTSUPP, type Errno, isErr } from '../../abi/errno.ts';
import type { Credentials } from '../../auth/credentials.ts';
import type { TimerHeap } from '../../base/timers.ts';
import { FrameAccount } from '../../memory/frame-account.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { CgroupNamespace } from '../nsproxy.ts';
import { moves } from '../pressure-tracking.ts';
import type { Task } from '../task.ts';
import { Cgroup } from './cgroup.ts';
import { CPU, CPUSET, IO, MEMORY, PIDS } from './controllers.ts';
import { CpuFairness, CpuGroup } from './cpu.ts';
import { applyCpuset, CpusetState } from './cpuset.ts';
import { vetDestination, vetEnable } from './domain-rules.ts';
import type { EventFile } from './event-file.ts';
import { refreshFrozen, setTaskFreeze } from './freezer.ts';
import { endOverHigh } from './memory-throttle.ts';
import { MemoryState } from './memory.ts';
import { chargePids, PidsState, tryChargePids } from './pids.ts';

/** The file system that shows the tree, as the tree needs it. */
export interface CgroupFiles {
  /** May `c` write cgroup.procs of the group? 0 or EACCES. */
  mayWrite(c: Credentials, cgroup: Cgroup): number;
  /** The group whose directory is open as `file`; null if it is none. */
  cgroupOf(file: FileDescription): Cgroup | null;
  /** inotify: the content of a file of the group changed. */
  modified(cgroup: Cgroup, file: string): void;
}

/** The group whose processors tasks of `c` may use. */
function effectiveCpuset(c: Cgroup): Cgroup {
  let g = c;
  while (g.cpuset === null && g.parent !== null) g = g.parent;
  return g;
}

export class CgroupHierarchy {
  /** Some group has had a program that decides about devices: accesses are looked at. */
  deviceProgramsInUse = false;
  readonly root: Cgroup;
  readonly memory: PhysicalMemory;
  readonly timers: TimerHeap;
  readonly monotonicNs: () => number;
  files: CgroupFiles | null = null;
  /** The running task took `frames` beyond memory.high; set by the kernel. */
  beyondHigh: (frames: number) => void = () => {};
  /** Mount options. */
  nsDelegate = false;
  readonly fairness: CpuFairness = new CpuFairness();
  /** Groups that have the cpu controller: without any, nothing of it is looked at. */
  cpuGroups = 0;
  /** Who runs next depends on what the groups have run. */
  get competition(): boolean {
    return this.cpuGroups > 0 || this.fairness.autogroups.compete;
  }
  /** All groups, the root too. */
  count = 1;

  constructor(memory: PhysicalMemory, timers: TimerHeap, monotonicNs: () => number) {
    this.memory = memory;
    this.timers = timers;
    this.monotonicNs = monotonicNs;
    this.root = new Cgroup(this, null, '');
  }

  /** The content of an event file changed. */
  raise(c: Cgroup, f: EventFile): void {
    f.raise();
    this.changed(c, f);
  }
  changed(c: Cgroup, f: EventFile): void {
    this.files?.modified(c, f.name);
  }

  // ---- tasks ----

  /** Puts a task that is in none into `c`: fork, boot. */
  enter(t: Task, c: Cgroup): void {
    t.cgroup = c;
    this.addTask(t, c);
    // It is frozen before it runs: the group does not seem to thaw in between.
    if (c.freezing) setTaskFreeze(t, true);
    if (c.cpuset !== null) applyCpuset(t);
  }
  private addTask(t: Task, c: Cgroup): void {
    const was = c.populated;
    c.tasks.add(t);
    if (!was) this.populatedChanged(c, true);
  }
  private removeTask(t: Task, c: Cgroup): void {
    if (!c.tasks.delete(t)) return;
    if (!c.populated) this.populatedChanged(c, false);
    if (c.freezing) refreshFrozen(c);
  }
  /** `c` became populated or empty: the groups above may follow (cgroup_update_populated). */
  private populatedChanged(from: Cgroup, populated: boolean): void {
    let c: Cgroup = from;
    for (;;) {
      this.raise(c, c.events);
      const { parent } = c;
      if (parent === null) return;
      const was = parent.populated;
      const by = populated ? 1 : -1;
      if (c.threaded) parent.populatedThreadedChildren += by;
      else parent.populatedDomainChildren += by;
      if (parent.populated === was) return;
      c = parent;
    }
  }

  /** The task has begun to exit. */
  exit(t: Task): void {
    this.removeTask(t, t.cgroup);
    endOverHigh(t);
    if (t.parkedIn !== null) t.parkedIn.unpark(t);
  }
  /** It has been reaped. */
  release(t: Task): void {
    chargePids(t.cgroup, -1);
  }

  /**
   * The group for a new task: the maker's own, or that of descriptor `fd` (CLONE_INTO_CGROUP; -1: none). One task is charged there. EBADF, EACCES, ENOENT, EOPNOTSUPP, EBUSY, EAGAIN (pids.max). Linux cgroup_can_fork().
   */
  prepareFork(t: Task, fd: number, thread: boolean): Cgroup | Errno {
    let c = t.cgroup;
    if (fd >= 0) {
      const file = t.fdTable.get(fd);
      const named = file === null ? null : (this.files?.cgroupOf(file) ?? null);
      if (named === null) return EBADF;
      if (named.dead) return ENOENT;
      const may = this.files!.mayWrite(t.credentials, named); // it found the group
      const bad = may < 0 ? may : this.attachPermissions(t.credentials, t.cgroup, named, !thread, t.nsproxy.cgroup);
      if (bad < 0) return bad as Errno;
      c = named;
    }
    return tryChargePids(c) ? c : EAGAIN;
  }
  undoFork(c: Cgroup): void {
    chargePids(c, -1);
  }

  /** May tasks be moved from `from` to `to`? 0, EACCES, ENOENT, EOPNOTSUPP, EBUSY. Linux cgroup_attach_permissions(). */
  attachPermissions(c: Credentials, from: Cgroup, to: Cgroup, wholeProcess: boolean, ns: CgroupNamespace): number {
    let common = from;
    while (!to.isWithin(common)) common = common.parent!; // the root contains everything
    const may = this.files?.mayWrite(c, common) ?? 0;
    if (may < 0) return may;
    if (this.nsDelegate && !(from.isWithin(ns.root) && to.isWithin(ns.root))) return ENOENT;
    const bad = vetDestination(to);
    if (bad < 0) return bad;
    return !wholeProcess && from.domain !== to.domain ? EOPNOTSUPP : 0;
  }

  /** Moves a thread, or its whole process. */
  attach(to: Cgroup, t: Task, wholeProcess: boolean): void {
    const moved = wholeProcess ? [...t.threadGroup.threads] : [t];
    for (const m of moved) {
      const from = m.cgroup;
      if (from === to) continue;
      const alive = from.tasks.has(m);
      if (!alive) {
        // A leader that is gone stands for its process.
        if (m !== t.threadGroup.leader || !wholeProcess) continue;
        chargePids(to, 1);
        chargePids(from, -1);
        m.cgroup = to;
        continue;
      }
      if (m.parkedIn !== null) m.parkedIn.unpark(m);
      chargePids(to, 1);
      const runs = m === m.kernel.current;
      moves(m, m.kernel.now, runs, -1);
      m.cgroup = to;
      moves(m, m.kernel.now, runs, 1);
      this.addTask(m, to);
      this.removeTask(m, from);
      chargePids(from, -1);
      if (m.freezeTrap !== to.freezing) {
        setTaskFreeze(m, to.freezing);
      }
      if (to.freezing) refreshFrozen(to);
      if (effectiveCpuset(from) !== effectiveCpuset(to)) applyCpuset(m);
      if (runs) this.memory.account = to.frameAccount;
    }
  }

  // ---- groups ----

  /** EAGAIN (limits), EINVAL (a line break), ENODEV (`parent` was removed). Linux cgroup_mkdir(). */
  create(parent: Cgroup, name: string): Cgroup | Errno {
    if (name.includes('\n')) return EINVAL;
    if (parent.dead) return ENODEV;
    let depth = 0;
    for (let c: Cgroup | null = parent; c !== null; c = c.parent) {
      if (c.descendants >= c.maxDescendants || depth >= c.maxDepth) return EAGAIN;
      depth++;
    }
    const c = new Cgroup(this, parent, name);
    c.freezeCount = parent.freezeCount;
    parent.children.set(name, c);
    for (let p: Cgroup | null = parent; p !== null; p = p.parent) p.descendants++;
    this.count++;
    this.applyControl(c);
    if (c.freezing) {
      c.frozen = true;
      c.frozenSince = this.monotonicNs();
    }
    return c;
  }

  /** EBUSY while there are tasks or groups in it. Linux cgroup_destroy_locked(). */
  destroy(c: Cgroup): 0 | Errno {
    if (c.dead) return ENODEV;
    if (c.populated || c.children.size > 0) return EBUSY;
    const parent = c.parent!; // the root cannot be removed
    c.dead = true;
    parent.children.delete(c.name);
    if (c.threaded) parent.threadedChildren--;
    for (let p: Cgroup | null = parent; p !== null; p = p.parent) p.descendants--;
    this.count--;
    parent.cpuTime += c.cpuTime;
    parent.niceTime += c.niceTime;
    this.dropStates(c, 0);
    c.cpuGroup = parent.cpuGroup;
    c.frameAccount = parent.frameAccount;
    if (parent.freezing) refreshFrozen(parent);
    return 0;
  }

  /** Writing cgroup.subtree_control. ENODEV, ENOENT, EBUSY, EOPNOTSUPP. */
  setSubtreeControl(c: Cgroup, enable: number, disable: number): 0 | Errno {
    if (c.dead) return ENODEV;
    const on = enable & ~c.subtreeControl;
    const off = disable & c.subtreeControl;
    // Controller by controller, in their order, as the errors come.
    for (let bit = 1; bit <= PIDS; bit <<= 1) {
      if (on & bit && !(c.controllers & bit)) return ENOENT;
      if (off & bit) for (const child of c.children.values()) if (child.subtreeControl & bit) return EBUSY;
    }
    if (on === 0 && off === 0) return 0;
    const bad = vetEnable(c, on);
    if (bad < 0) return bad;
    c.subtreeControl = (c.subtreeControl | on) & ~off;
    for (const child of c.children.values()) for (const d of child.subtree()) this.applyControl(d);
    return 0;
  }

  /** Brings the controllers' states of `c` in line with what it has now. Those above must be done before. */
  applyControl(c: Cgroup): void {
    const has = c.controllers;
    this.dropStates(c, has);
    if (has & PIDS && c.pids === null) {
      c.pids = new PidsState(c);
      let tasks = 0;
      for (const d of c.subtree()) tasks += d.tasks.size;
      c.pids.current = c.pids.peak = tasks;
    }
    if (has & MEMORY && c.memory === null) {
      const above = c.parent?.frameAccount ?? null;
      c.memory = new MemoryState(c, this.memory, (owner) => {
        const account = this.memory.openAccount(above, owner);
        return isErr(account) ? new FrameAccount(0, above, owner) : account;
      });
    }
    if (has & CPU && c.cpu === null) {
      c.cpu = new CpuGroup(c, c.parent?.cpuGroup ?? null);
      this.cpuGroups++;
    }
    if (has & CPUSET && c.cpuset === null) c.cpuset = new CpusetState();
    c.io = (has & IO) !== 0;
    c.cpuGroup = c.cpu ?? c.parent?.cpuGroup ?? null;
    c.frameAccount = c.memory?.account ?? c.parent?.frameAccount ?? null;
  }
  /** Takes away what is not in `has`. */
  private dropStates(c: Cgroup, has: number): void {
    if (!(has & PIDS)) c.pids = null;
    if (!(has & CPUSET)) c.cpuset = null;
    if (!(has & MEMORY) && c.memory !== null) {
      if (c.memory.account.id !== 0) this.memory.closeAccount(c.memory.account);
      c.memory = null;
    }
    if (!(has & CPU) && c.cpu !== null) {
      c.cpu.end(this.monotonicNs());
      c.cpu = null;
      this.cpuGroups--;
    }
  }

  /** The memory controller's state that tasks of `c` are charged to. */
  memoryOf(c: Cgroup): MemoryState | null {
    for (let g: Cgroup | null = c; g !== null; g = g.parent) if (g.memory !== null) return g.memory;
    return null;
  }

  /** ns that tasks of `c` and of all below ran. */
  cpuTime(c: Cgroup): number {
    let total = 0;
    for (const d of c.subtree()) total += d.cpuTime;
    return total;
  }
  niceTime(c: Cgroup): number {
    let total = 0;
    for (const d of c.subtree()) total += d.niceTime;
    return total;
  }
}
