/** nsfs: namespaces as files. Linux fs/nsfs.c. */
import { CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS } from '../../abi/clone.ts';
import { EINVAL, ENOTTY, EPERM, ESRCH } from '../../abi/errno.ts';
import { O_RDONLY } from '../../abi/fcntl.ts';
import { S_IFREG } from '../../abi/stat.ts';
import type { Namespace as OwnedNamespace } from '../../auth/namespace.ts';
import { UserNamespace } from '../../auth/user-namespace.ts';
import { PidNamespace } from '../../kernel/pid-namespace.ts';
import { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { PseudoFileSystem, PseudoInode } from '../../vfs/anonymous.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { Vfs } from '../../vfs/vfs.ts';

export const NSFS_MAGIC = 0x6e736673;

/** Kinds of namespace by their name in /proc/PID/ns, with the clone flag that makes one. */
export const NAMESPACE_KINDS: Readonly<Record<NamespaceKind, number>> = {
  cgroup: CLONE_NEWCGROUP,
  ipc: CLONE_NEWIPC,
  mnt: CLONE_NEWNS,
  net: CLONE_NEWNET,
  pid: CLONE_NEWPID,
  time: CLONE_NEWTIME,
  user: CLONE_NEWUSER,
  uts: CLONE_NEWUTS,
};
export type NamespaceKind = 'cgroup' | 'ipc' | 'mnt' | 'net' | 'pid' | 'time' | 'user' | 'uts';

/** Any kind of namespace. */
export type Namespace = OwnedNamespace | UserNamespace;

const NS_GET_USERNS = 0xb701;
const NS_GET_PARENT = 0xb702;
const NS_GET_NSTYPE = 0xb703;
const NS_GET_OWNER_UID = 0xb704;
/** The read ioctls of PID namespaces, with their struct size of 4 encoded. */
const NS_GET_PID_FROM_PIDNS = 0x8004b706;
const NS_GET_TGID_FROM_PIDNS = 0x8004b707;
const NS_GET_PID_IN_PIDNS = 0x8004b708;
const NS_GET_TGID_IN_PIDNS = 0x8004b709;

class NamespaceInode extends PseudoInode {
  readonly kind: NamespaceKind;
  readonly namespace: Namespace;
  private readonly nsfs: NsFs;
  constructor(fs: NsFs, kind: NamespaceKind, namespace: Namespace) {
    super(fs, S_IFREG | 0o444);
    this.ino = namespace.inum;
    this.kind = kind;
    this.namespace = namespace;
    this.nsfs = fs;
  }
  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription {
    return new NamespaceFile(this.nsfs, path, flags, this.kind, this.namespace);
  }
}

/** An open namespace: holds it, and is what setns(2) enters. */
export class NamespaceFile extends FileDescription {
  readonly kind: NamespaceKind;
  readonly namespace: Namespace;
  private readonly fs: NsFs;
  constructor(fs: NsFs, path: Path, flags: number, kind: NamespaceKind, namespace: Namespace) {
    super(path, flags);
    this.fs = fs;
    this.kind = kind;
    this.namespace = namespace;
    namespace.get();
  }
  override release(): void {
    this.namespace.put();
  }

  /** man 2 ioctl_ns. `cmd` comes as a signed int. */
  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    if (!(ctx instanceof Task)) return ENOTTY;
    switch (cmd >>> 0) {
      case NS_GET_NSTYPE:
        return NAMESPACE_KINDS[this.kind];
      case NS_GET_USERNS:
        return this.openRelated(ctx, 'user', this.owningUserNs());
      case NS_GET_PARENT:
        return this.kind === 'pid' || this.kind === 'user' ? this.openParent(ctx) : EINVAL;
      case NS_GET_OWNER_UID:
        if (!(this.namespace instanceof UserNamespace)) return EINVAL;
        return ctx.space.writeU32(arg, ctx.credentials.userNs.fromKuidMunged(this.namespace.owner));
      case NS_GET_PID_FROM_PIDNS:
      case NS_GET_TGID_FROM_PIDNS:
      case NS_GET_PID_IN_PIDNS:
      case NS_GET_TGID_IN_PIDNS:
        return this.translate(ctx, cmd >>> 0, arg);
      default:
        return ENOTTY;
    }
  }

  /** The user namespace that owns this one; the parent of a user namespace. */
  private owningUserNs(): UserNamespace | null {
    return this.namespace instanceof UserNamespace ? this.namespace.parent : this.namespace.userNs;
  }

  private openParent(task: Task): number {
    if (this.namespace instanceof UserNamespace) return this.openRelated(task, 'user', this.namespace.parent);
    const { parent } = this.namespace as PidNamespace;
    // Only what the caller's own PID namespace contains may be seen (Linux pidns_get_parent).
    if (parent === null || !parent.isWithin(task.pid.ns)) return EPERM;
    return this.open(task, 'pid', parent);
  }

  /** A descriptor for a user namespace: EPERM if the caller's own does not contain it. */
  private openRelated(task: Task, kind: NamespaceKind, ns: UserNamespace | null): number {
    if (ns === null || !task.credentials.userNs.contains(ns)) return EPERM;
    return this.open(task, kind, ns);
  }

  private open(task: Task, kind: NamespaceKind, ns: Namespace): number {
    const file = new NamespaceFile(this.fs, this.fs.placeOf(kind, ns), O_RDONLY, kind, ns);
    const fd = task.fdTable.install(file, task.openFilesLimit, true);
    if (fd < 0) file.unref();
    return fd;
  }

  /** Numbers of a process between this PID namespace and the caller's: ESRCH if it is not seen. */
  private translate(task: Task, cmd: number, number: number): number {
    const ns = this.namespace;
    if (!(ns instanceof PidNamespace)) return EINVAL;
    const from = cmd === NS_GET_PID_FROM_PIDNS || cmd === NS_GET_TGID_FROM_PIDNS;
    const found = (from ? ns : task.pid.ns).find(number)?.task ?? null;
    if (found === null) return ESRCH;
    const whole = cmd === NS_GET_TGID_FROM_PIDNS || cmd === NS_GET_TGID_IN_PIDNS;
    const pid = whole ? found.threadGroup.pid : found.pid;
    const result = pid.nr(from ? task.pid.ns : ns);
    return result === 0 ? ESRCH : result;
  }
}

export class NsFs extends PseudoFileSystem {
  /** Places by namespace, so that the same namespace is the same inode for as long as anything refers to it. */
  private readonly places: WeakMap<Namespace, Path> = new WeakMap();
  constructor(vfs: Vfs) {
    super(vfs, 'nsfs', NSFS_MAGIC);
  }
  /** The file of a namespace. */
  placeOf(kind: NamespaceKind, namespace: Namespace): Path {
    let place = this.places.get(namespace);
    if (place === undefined) {
      place = this.path(`${kind}:[${namespace.inum}]`, new NamespaceInode(this, kind, namespace));
      this.places.set(namespace, place);
    }
    return place;
  }
}
