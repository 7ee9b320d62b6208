/** One control group: Linux struct cgroup. */
import type { FrameAccount } from '../../memory/frame-account.ts';
import { PressureGroup } from '../pressure.ts';
import type { Task } from '../task.ts';
import type { CpuGroup } from './cpu.ts';
import { ALL_CONTROLLERS, THREADED_CONTROLLERS } from './controllers.ts';
import type { CpusetState } from './cpuset.ts';
import type { DeviceProgram } from './device-program.ts';
import { EventFile } from './event-file.ts';
import type { CgroupHierarchy } from './hierarchy.ts';
import type { MemoryState } from './memory.ts';
import type { PidsState } from './pids.ts';

/** Attachments above and below count together. */
const BPF_F_ALLOW_MULTI = 2;

export class Cgroup {
  readonly hierarchy: CgroupHierarchy;
  readonly parent: Cgroup | null;
  /** Inode number of its directory (cgroup_id). */
  id = 1;
  readonly name: string;
  readonly level: number;
  readonly children: Map<string, Cgroup> = new Map();
  /** Tasks that have not begun to exit. */
  readonly tasks: Set<Task> = new Set();
  /** Removed. */
  dead = false;
  /** The group whose resource domain this is: itself, or for a threaded one the root of its threaded subtree. */
  domain: Cgroup = this;
  /** Children that are threaded while this is not. */
  threadedChildren = 0;
  /** Bits of the controllers that the children have. */
  subtreeControl = 0;
  /** Live groups below, and limits on them. */
  descendants = 0;
  maxDescendants: number = Infinity;
  maxDepth: number = Infinity;
  /** Children with tasks in or below them, by kind. */
  populatedDomainChildren = 0;
  populatedThreadedChildren = 0;
  /** cgroup.freeze; how many of this and the groups above ask for it; whether all tasks here and below are frozen. */
  freeze = false;
  freezeCount = 0;
  frozen = false;
  /** Monotonic ns since which it is frozen, and ns frozen before that. */
  frozenSince = 0;
  frozenTime = 0;
  readonly pressure: PressureGroup;
  /** ns that tasks ran while in this very group; and of groups removed below. */
  cpuTime = 0;
  niceTime = 0;
  readonly events: EventFile = new EventFile('cgroup.events');

  /** Programs that decide about devices for tasks here and below, in the order of attachment; and how they were attached (BPF_F_ALLOW_*). */
  devicePrograms: readonly DeviceProgram[] = [];
  deviceFlags = 0;

  // States of the controllers that this group has.
  pids: PidsState | null = null;
  memory: MemoryState | null = null;
  cpu: CpuGroup | null = null;
  cpuset: CpusetState | null = null;
  // What tasks in it are subject to: its own, or that of the nearest group above which has one.
  cpuGroup: CpuGroup | null = null;
  frameAccount: FrameAccount | null = null;
  io = false;
  private readonly eventFiles: Map<string, EventFile> = new Map();

  constructor(hierarchy: CgroupHierarchy, parent: Cgroup | null, name: string) {
    this.hierarchy = hierarchy;
    this.parent = parent;
    this.name = name;
    this.level = parent === null ? 0 : parent.level + 1;
    this.pressure = new PressureGroup(hierarchy.timers, hierarchy.monotonicNs(), parent === null);
    this.eventFiles.set(this.events.name, this.events);
  }

  /** Those that count here: its own and those above, where the ones above allow more than one; else the nearest. Linux compute_effective_progs(). */
  effectiveDevicePrograms(): readonly DeviceProgram[] {
    const all: DeviceProgram[] = [];
    for (let g: Cgroup | null = this; g !== null; g = g.parent) {
      if (g.devicePrograms.length === 0) continue;
      if (all.length === 0 || g.deviceFlags & BPF_F_ALLOW_MULTI) all.push(...g.devicePrograms);
    }
    return all;
  }

  /** The file of that name, whose waiters outlive the controller's state. */
  eventFile(name: string): EventFile {
    let f = this.eventFiles.get(name);
    if (f === undefined) this.eventFiles.set(name, (f = new EventFile(name)));
    return f;
  }
  knownEventFile(name: string): EventFile | null {
    return this.eventFiles.get(name) ?? null;
  }

  get isRoot(): boolean {
    return this.parent === null;
  }
  get threaded(): boolean {
    return this.domain !== this;
  }
  get populated(): boolean {
    return this.tasks.size > 0 || this.populatedDomainChildren + this.populatedThreadedChildren > 0;
  }
  /** Tasks in it are to be frozen. */
  get freezing(): boolean {
    return this.freezeCount > 0;
  }
  /** Controllers that this group has: what its parent gives (cgroup_control). */
  get controllers(): number {
    if (this.parent === null) return ALL_CONTROLLERS;
    return this.threaded ? this.parent.subtreeControl & THREADED_CONTROLLERS : this.parent.subtreeControl;
  }
  /** True if this is `ancestor` or below it. */
  isWithin(ancestor: Cgroup): boolean {
    let c: Cgroup | null = this;
    while (c !== null && c.level > ancestor.level) c = c.parent;
    return c === ancestor;
  }

  /** This and everything below, parents first. */
  *subtree(): Iterable<Cgroup> {
    yield this;
    for (const c of this.children.values()) yield* c.subtree();
  }

  /** Path seen from `from`, as /proc/PID/cgroup shows it: "/", "/a/b", "/../c". Linux kernfs_path_from_node(). */
  pathFrom(from: Cgroup): string {
    if (this === from) return '/';
    let common: Cgroup = from;
    let up = '';
    while (!this.isWithin(common)) {
      up += '/..';
      common = common.parent!; // the root contains everything
    }
    let down = '';
    for (let c: Cgroup = this; c !== common; c = c.parent!) down = `/${c.name}${down}`; // within `common`
    return up + down;
  }
}
