/** The namespaces of a task other than the user namespace (which stands in its credentials): Linux struct nsproxy. Never changed; a new set is a new object. */
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { MountNamespace } from '../vfs/mount-namespace.ts';
import type { IpcNamespace } from './ipc-namespace.ts';
import type { NetworkNamespace } from '../net/network-namespace.ts';
import type { PidNamespace } from './pid-namespace.ts';
import type { UtsNamespace } from './uts-namespace.ts';

/** A namespace that so far only has an identity: cgroup and time namespaces get their own classes with their families. */
export class SimpleNamespace {
  readonly kind: 'cgroup' | 'time';
  readonly userNs: UserNamespace;
  /** Inode number of /proc/PID/ns/KIND. */
  readonly inum: number;
  constructor(kind: 'cgroup' | 'time', userNs: UserNamespace, inum: number) {
    this.kind = kind;
    this.userNs = userNs;
    this.inum = inum;
  }
}

export class NsProxy {
  readonly uts: UtsNamespace;
  readonly mnt: MountNamespace;
  /** The namespace children are made in; a task's own is that of its Pid. */
  readonly pidForChildren: PidNamespace;
  readonly ipc: IpcNamespace;
  readonly net: NetworkNamespace;
  readonly cgroup: SimpleNamespace;
  readonly time: SimpleNamespace;
  readonly timeForChildren: SimpleNamespace;
  constructor(
    uts: UtsNamespace,
    mnt: MountNamespace,
    pidForChildren: PidNamespace,
    ipc: IpcNamespace,
    net: NetworkNamespace,
    cgroup: SimpleNamespace,
    time: SimpleNamespace,
    timeForChildren: SimpleNamespace,
  ) {
    this.uts = uts;
    this.mnt = mnt;
    this.pidForChildren = pidForChildren;
    this.ipc = ipc;
    this.net = net;
    this.cgroup = cgroup;
    this.time = time;
    this.timeForChildren = timeForChildren;
  }
}
