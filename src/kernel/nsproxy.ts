/** The namespaces of a task other than the user namespace (which stands in its credentials): Linux struct nsproxy. Never changed; a new set is a new object. */
import { Namespace } from '../auth/namespace.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { NetworkNamespace } from '../net/network-namespace.ts';
import type { MountNamespace } from '../vfs/mount-namespace.ts';
import type { Cgroup } from './cgroup/cgroup.ts';
import type { IpcNamespace } from './ipc-namespace.ts';
import type { PidNamespace } from './pid-namespace.ts';
import type { TimeNamespace } from './time-namespace.ts';
import type { UtsNamespace } from './uts-namespace.ts';

/** Inode number of the first cgroup namespace. */
export const INITIAL_CGROUP_NS_INUM = 0xeffffffb;

/** A cgroup namespace: what its members see as the root of the hierarchy. */
export class CgroupNamespace extends Namespace {
  readonly kind = 'cgroup';
  /** Where its maker was. */
  readonly root: Cgroup;
  constructor(userNs: UserNamespace, inum: number, root: Cgroup) {
    super(userNs, inum);
    this.root = root;
  }
}

export interface NamespaceSet {
  readonly uts: UtsNamespace;
  readonly mnt: MountNamespace;
  readonly pidForChildren: PidNamespace;
  readonly ipc: IpcNamespace;
  readonly net: NetworkNamespace;
  readonly cgroup: CgroupNamespace;
  readonly time: TimeNamespace;
  readonly timeForChildren: TimeNamespace;
}

export class NsProxy implements NamespaceSet {
  readonly uts: UtsNamespace;
  readonly mnt: MountNamespace;
  /** The namespace children are made in; a task's own is that of its Pid. */
  readonly pidForChildren: PidNamespace;
  readonly ipc: IpcNamespace;
  readonly net: NetworkNamespace;
  readonly cgroup: CgroupNamespace;
  readonly time: TimeNamespace;
  readonly timeForChildren: TimeNamespace;
  /** Tasks that use it. */
  private users = 1;
  /** Holds each of `set` (the maker's own references are not taken over). */
  constructor(set: NamespaceSet) {
    this.uts = set.uts;
    this.mnt = set.mnt;
    this.pidForChildren = set.pidForChildren;
    this.ipc = set.ipc;
    this.net = set.net;
    this.cgroup = set.cgroup;
    this.time = set.time;
    this.timeForChildren = set.timeForChildren;
    for (const ns of this.all()) ns.get();
  }
  /** The members, to make a variation of: `new NsProxy({ ...p.set, uts })`. */
  get set(): NamespaceSet {
    const { uts, mnt, pidForChildren, ipc, net, cgroup, time, timeForChildren } = this;
    return { uts, mnt, pidForChildren, ipc, net, cgroup, time, timeForChildren };
  }
  private all(): Namespace[] {
    const all: (Namespace | null)[] = [this.uts, this.mnt, this.pidForChildren, this.ipc, this.net, this.cgroup, this.time, this.timeForChildren];
    // The sandbox's own init has no mounts until the first program brings them.
    return all.filter((ns) => ns !== null);
  }
  get(): this {
    this.users++;
    return this;
  }
  put(): void {
    if (--this.users === 0) for (const ns of this.all()) ns.put();
  }
}
