/** Mounts and paths: Linux's struct mount and struct path. How mounts copy, attach and propagate stands in mount-tree.ts and mount-propagation.ts. */
import { MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_NOSYMFOLLOW, MS_RDONLY, MS_RELATIME } from '../abi/mount.ts';
import type { Dentry } from './dentry.ts';
import type { MountIdMap } from './mount-id-map.ts';
import type { MountNamespace } from './mount-namespace.ts';
import type { SuperBlock } from './super-block.ts';

/** The MS_ flags that belong to a mount and not to the file system. */
export const MOUNT_FLAGS_MASK: number = MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_NOSYMFOLLOW;

/** Mounts among which mounting and unmounting is the same for all: "shared:ID" of mountinfo. */
export class PeerGroup {
  readonly id: number;
  /** A ring: a new peer comes behind the one it was copied from; who leaves is followed by the next. */
  readonly members: Mount[] = [];
  constructor(id: number) {
    this.id = id;
  }
  /** The peer behind `m`; `m` itself when it is alone. */
  next(m: Mount): Mount {
    return this.members[(this.members.indexOf(m) + 1) % this.members.length]!; // `m` is a member
  }
  addBehind(m: Mount, peer: Mount): void {
    this.members.splice(this.members.indexOf(peer) + 1, 0, m);
  }
  remove(m: Mount): void {
    this.members.splice(this.members.indexOf(m), 1);
  }
}

export class Mount {
  readonly sb: SuperBlock;
  /** What of the file system is visible: its root, or a directory or file of it (bind mount). */
  readonly root: Dentry;
  /** mnt_id of /proc/PID/mountinfo; and the never reused id of statmount(2). */
  readonly id: number;
  readonly uniqueId: number;
  /** MOUNT_FLAGS_MASK bits. */
  flags: number;
  /** First column of /proc/PID/mounts. */
  source: string;
  /** Where it is mounted; null for the root of a namespace, a detached or an internal mount. */
  parent: Mount | null = null;
  mountpoint: Dentry | null = null;
  readonly children: Set<Mount> = new Set();
  ns: MountNamespace | null = null;
  /** Holders: paths of tasks and open files. umount(2) without MNT_DETACH is EBUSY while there are any. */
  refs = 0;
  /** Open files that may be written: the mount cannot be made read-only (mnt_want_write). */
  writers = 0;
  /** Peers of a shared mount. */
  group: PeerGroup | null = null;
  /** The mount whose group this one receives from ("master:ID"), and those that receive from this one's group through it. */
  master: Mount | null = null;
  readonly slaves: Mount[] = [];
  unbindable = false;
  /** Came from a more privileged namespace: cannot be unmounted or moved on its own (MNT_LOCKED). */
  locked = false;
  /** MOUNT_FLAGS_MASK bits that cannot be cleared for the same reason (MNT_LOCK_READONLY …); atime settings as a whole. */
  lockedFlags = 0;
  atimeLocked = false;
  /** How owners of files show through this mount; null: as they are. */
  idmap: MountIdMap | null = null;
  /** Set by umount(2) with MNT_EXPIRE, cleared by use. */
  expiryMark = false;
  /** Taken out of its namespace; lives on for its holders. */
  unmounted = false;
  /** Taken out, but still on its parent, which somebody holds: what it covers stays covered. */
  connected = false;
  private released = false;

  constructor(sb: SuperBlock, root: Dentry, flags: number, source: string) {
    this.sb = sb;
    this.root = root;
    this.flags = flags;
    this.source = source;
    this.id = sb.vfs.allocateMountId();
    this.uniqueId = sb.vfs.allocateUniqueMountId();
    sb.mountCount++;
    root.inode?.pin();
    root.inode?.hold();
  }

  get readOnly(): boolean {
    return (this.flags & MS_RDONLY) !== 0 || (this.sb.flags & MS_RDONLY) !== 0;
  }
  /** Number of the peer group, 0 when private. */
  get peerGroup(): number {
    return this.group === null ? 0 : this.group.id;
  }
  /** What is mounted on this mount's root, or null. */
  get overmount(): Mount | null {
    return mountedOn(this, this.root);
  }

  /** Puts this mount on top of `at`. */
  attach(at: Path): void {
    this.attachTo(at.mount, at.dentry);
  }
  attachTo(parent: Mount, mountpoint: Dentry): void {
    this.parent = parent;
    this.mountpoint = mountpoint;
    parent.children.add(this);
    (mountpoint.mounts ??= []).push(this);
  }

  /** Takes this mount off its mount point. */
  detach(): void {
    const dentry = this.mountpoint;
    if (dentry !== null && dentry.mounts !== null) {
      const i = dentry.mounts.indexOf(this);
      if (i >= 0) dentry.mounts.splice(i, 1);
      if (dentry.mounts.length === 0) dentry.mounts = null;
    }
    this.parent?.children.delete(this);
    this.parent = null;
    this.mountpoint = null;
  }

  /** Once it is out of every tree and nobody holds it, its share of the file system ends, and what was left standing on it is let go. */
  releaseIfUnused(): void {
    if (!this.unmounted || this.refs > 0 || this.connected || this.released) return;
    this.released = true;
    for (const child of [...this.children]) {
      child.detach();
      child.connected = false;
      child.releaseIfUnused();
    }
    this.sb.vfs.freeMountId(this.id);
    this.sb.vfs.mountReleased(this);
    this.root.inode?.unhold();
    if (--this.sb.mountCount === 0) this.sb.kill();
    this.root.inode?.unpin();
  }
}

/** It has lost its name; those of files without a place never had one. */
export const isUnlinked = (d: Dentry): boolean => !d.hashed && d.sb.pseudoName(d) === null;

/** The mount that stands on (mount, dentry), or null. */
export function mountedOn(mount: Mount, dentry: Dentry): Mount | null {
  const list = dentry.mounts;
  if (list === null) return null;
  for (let i = list.length - 1; i >= 0; i--) {
    const m = list[i]!; // i is within the list
    if (m.parent === mount) return m;
  }
  return null;
}

/** A place in the tree of mounts. Immutable; get/put count holders that keep the mount busy. */
export class Path {
  readonly mount: Mount;
  readonly dentry: Dentry;
  constructor(mount: Mount, dentry: Dentry) {
    this.mount = mount;
    this.dentry = dentry;
  }
  get(): void {
    this.mount.refs++;
    this.mount.expiryMark = false;
  }
  put(): void {
    this.mount.expiryMark = false;
    if (--this.mount.refs === 0 && this.mount.unmounted) this.mount.releaseIfUnused();
  }
  equals(other: Path): boolean {
    return this.mount === other.mount && this.dentry === other.dentry;
  }
  /** True for the root of a mount: what mount(2) calls a mount point. */
  get isMountRoot(): boolean {
    return this.dentry === this.mount.root;
  }
}
