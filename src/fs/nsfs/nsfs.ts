/** nsfs: namespaces as files. Linux fs/nsfs.c. */
import { CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS } from '../../abi/clone.ts';
import { EINVAL, ENOENT, ENOTTY, EPERM, ESRCH, ESTALE, type Errno } from '../../abi/errno.ts';
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { FD_NSFS_ROOT, FILEID_INVALID, O_RDONLY } from '../../abi/fcntl.ts';
import { S_IFREG } from '../../abi/stat.ts';
import type { Namespace as OwnedNamespace } from '../../auth/namespace.ts';
import { UserNamespace } from '../../auth/user-namespace.ts';
import { PidNamespace } from '../../kernel/pid-namespace.ts';
import { namespaceFlag } from '../../kernel/setns.ts';
import { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { PseudoFileSystem, PseudoInode } from '../../vfs/anonymous.ts';
import type { Dentry } from '../../vfs/dentry.ts';
import { S_IMMUTABLE } from '../../vfs/inode.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { FileHandle } from '../../vfs/file-handle.ts';
import { MountNamespace } from '../../vfs/mount-namespace.ts';
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
const NS_GET_MNTNS_ID = 0x8008b705;
/** The read ioctls of PID namespaces, with their struct size of 4 encoded. */
const NS_GET_PID_FROM_PIDNS = 0x8004b706;
const NS_GET_TGID_FROM_PIDNS = 0x8004b707;
const NS_GET_PID_IN_PIDNS = 0x8004b708;
const NS_GET_TGID_IN_PIDNS = 0x8004b709;
const NS_GET_ID = 0x8008b70d;
/** Numbers of the ioctls whose struct may grow: its size is in the command. NS_MNT_GET_INFO, NEXT, PREV. */
const NR_MNT_GET_INFO = 10;
const NR_MNT_GET_PREV = 12;
/** struct mnt_ns_info: u32 size, u32 nr_mounts, u64 mnt_ns_id. */
const MNT_NS_INFO_SIZE = 16;
/** Type of file handles, and their four words: u64 number, u32 kind, u32 inode number. */
const FILEID_NSFS = 0xf1;
const HANDLE_WORDS = 4;

export class NamespaceInode extends PseudoInode {
  readonly kind: NamespaceKind;
  readonly namespace: Namespace;
  private readonly nsfs: NsFs;
  constructor(fs: NsFs, kind: NamespaceKind, namespace: Namespace) {
    super(fs, S_IFREG | 0o444);
    this.ino = namespace.inum;
    this.flags = S_IMMUTABLE;
    this.kind = kind;
    this.namespace = namespace;
    this.nsfs = fs;
  }
  override get mountNamespace(): MountNamespace | null {
    return this.namespace instanceof MountNamespace ? this.namespace : null;
  }
  /** A bind mount holds the namespace. */
  override pin(): void {
    this.namespace.get();
  }
  override unpin(): void {
    this.namespace.put();
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
      case NS_GET_MNTNS_ID:
        if (this.kind !== 'mnt') return EINVAL;
        return ctx.space.writeU64(arg, this.namespace.id);
      case NS_GET_ID:
        return ctx.space.writeU64(arg, this.namespace.id);
    }
    return this.mountNamespaceIoctl(ctx, cmd >>> 0, arg);
  }

  /** What there is about a mount namespace, and those before and behind it. */
  private mountNamespaceIoctl(task: Task, cmd: number, arg: number): number {
    const nr = cmd & 0xff;
    const size = (cmd >>> 16) & 0x3fff;
    if (cmd >>> 30 !== 2 || ((cmd >>> 8) & 0xff) !== 0xb7 || nr < NR_MNT_GET_INFO || nr > NR_MNT_GET_PREV || size < MNT_NS_INFO_SIZE) return ENOTTY;
    // Who walks from one to the next sees all of them.
    if (nr !== NR_MNT_GET_INFO && (task.pid.ns !== task.kernel.pidNs || !task.credentials.capableInInit(CAP_SYS_ADMIN))) return EPERM;
    const { namespace } = this;
    if (!(namespace instanceof MountNamespace)) return EINVAL;
    if (nr === NR_MNT_GET_INFO) return arg === 0 ? EINVAL : writeInfo(task, namespace, arg);
    let next: MountNamespace | null = null;
    for (const ns of namespace.userNs.registry.all()) {
      if (!(ns instanceof MountNamespace) || !task.credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN)) continue;
      if (nr === NR_MNT_GET_PREV) {
        if (ns.id >= namespace.id) break;
        next = ns;
      } else if (ns.id > namespace.id) {
        next = ns;
        break;
      }
    }
    if (next === null) return ENOENT;
    if (arg !== 0) {
      const r = writeInfo(task, next, arg);
      if (r < 0) return r;
    }
    return this.open(task, 'mnt', next);
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
    return this.fs.open(task, kind, ns);
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

function writeInfo(task: Task, ns: MountNamespace, addr: number): number {
  const info = new Uint8Array(MNT_NS_INFO_SIZE);
  const v = new DataView(info.buffer);
  v.setUint32(0, MNT_NS_INFO_SIZE, true);
  // Without the one that everything stands on.
  v.setUint32(4, Math.max(0, ns.mounts.size - 1), true);
  v.setUint32(8, ns.id, true);
  v.setUint32(12, Math.floor(ns.id / 4294967296), true);
  return task.space.writeBytes(addr, info);
}

export class NsFs extends PseudoFileSystem {
  override readonly bindsAnywhere = true;
  override readonly exports = 'full';
  override readonly freeHandles = true;
  /** Places by namespace, so that the same namespace is the same inode for as long as anything refers to it. */
  private readonly places: WeakMap<Namespace, Path> = new WeakMap();
  constructor(vfs: Vfs) {
    super(vfs, 'nsfs', NSFS_MAGIC);
    vfs.handleRoots.set(FD_NSFS_ROOT, this);
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

  /** A descriptor of a namespace, close-on-exec. EMFILE. */
  open(task: Task, kind: NamespaceKind, ns: Namespace): number {
    const file = new NamespaceFile(this, this.placeOf(kind, ns), O_RDONLY, kind, ns);
    const fd = task.fdTable.install(file, task.openFilesLimit, true);
    if (fd < 0) file.unref();
    return fd;
  }

  override encodeHandle(dentry: Dentry): FileHandle {
    const inode = dentry.inode;
    if (!(inode instanceof NamespaceInode)) return { type: FILEID_INVALID, words: [] };
    const { id } = inode.namespace;
    return { type: FILEID_NSFS, words: [id % 4294967296, Math.floor(id / 4294967296), NAMESPACE_KINDS[inode.kind] >>> 0, inode.namespace.inum] };
  }

  /** A namespace that exists: the caller's own, or one that it administers (EPERM). */
  override decodeHandle(ctx: VfsContext, handle: FileHandle): Dentry | Errno {
    const { type, words } = handle;
    if (type !== FILEID_NSFS || words.length < HANDLE_WORDS) return ESTALE;
    const [low, high, kindFlag, inum] = words as [number, number, number, number];
    const ns = ctx.credentials.userNs.registry.find(high * 4294967296 + low);
    if (ns === undefined) return ESTALE;
    const kind = kindOf(ns);
    if (NAMESPACE_KINDS[kind] >>> 0 !== kindFlag || ns.inum !== inum) return ESTALE;
    if (!(ctx instanceof Task)) return ESTALE;
    const { nsproxy } = ctx;
    const own: readonly Namespace[] = [nsproxy.mnt, nsproxy.uts, nsproxy.ipc, nsproxy.net, nsproxy.cgroup, nsproxy.time, ctx.pid.ns, ctx.credentials.userNs];
    const owner = ns instanceof UserNamespace ? ns : ns.userNs;
    if (!own.includes(ns) && !ctx.credentials.nsCapable(owner, CAP_SYS_ADMIN)) return EPERM;
    return this.placeOf(kind, ns).dentry;
  }
}

/** The kind of a namespace. */
export function kindOf(ns: Namespace): NamespaceKind {
  const flag = namespaceFlag(ns);
  return (Object.keys(NAMESPACE_KINDS) as NamespaceKind[]).find((k) => NAMESPACE_KINDS[k] === flag)!; // every namespace is of one kind
}
