/** What mount(2), umount2(2) and pivot_root(2) do, in Linux's order of checks: fs/namespace.c path_mount(), path_umount(), path_pivot_root(). */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EAGAIN, EBUSY, EINVAL, ELOOP, ENODEV, ENOENT, ENOTDIR, EPERM, type Errno, isErr } from '../abi/errno.ts';
import {
  MNT_DETACH, MNT_EXPIRE, MNT_FORCE, MS_BIND, MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_MOVE, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID,
  MS_NOSYMFOLLOW, MS_POSIXACL, MS_PRIVATE, MS_RDONLY, MS_REC, MS_RELATIME, MS_REMOUNT, MS_SHARED, MS_SILENT, MS_SLAVE, MS_STRICTATIME, MS_SYNCHRONOUS, MS_UNBINDABLE,
} from '../abi/mount.ts';
import type { VfsContext } from './context.ts';
import type { Dentry } from './dentry.ts';
import type { MountNamespace } from './mount-namespace.ts';
import { Mount, MOUNT_FLAGS_MASK, Path } from './mount.ts';
import { changePropagation } from './mount-propagation.ts';
import { attachTree, breaksLockedFlags, cloneMount, copyTree, eachMount, propagatedBusy, umountTree } from './mount-tree.ts';
import type { SuperBlock } from './super-block.ts';

/** Flags of the file system instance. */
const SUPER_FLAGS = MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_SILENT | MS_POSIXACL | MS_LAZYTIME;
const PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

/** The caller may change mounts of `ns`. */
export function mayMount(ctx: VfsContext, ns: MountNamespace): boolean {
  return ctx.credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN);
}

/** MOUNT_FLAGS_MASK bits of mount(2)'s flags: relatime unless told otherwise. */
export function mountFlags(flags: number): number {
  let f = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_NOSYMFOLLOW);
  if (!(flags & (MS_NOATIME | MS_STRICTATIME))) f |= MS_RELATIME;
  if (flags & MS_NOATIME) f &= ~MS_RELATIME;
  return f;
}

const isPseudo = (d: Dentry): boolean => d.sb.pseudoName(d) !== null;
const isUnlinked = (d: Dentry): boolean => !d.hashed && !isPseudo(d);
const isNamespaceFile = (d: Dentry): boolean => d.sb.typeName === 'nsfs';
const isDirectory = (d: Dentry): boolean => d.inode?.isDirectory ?? false;

/** mount(2) at `at`. `source` and `type` are null when not given; `find` walks to the source of a bind or move. */
export function doMount(ctx: VfsContext, ns: MountNamespace, at: Path, flags: number, source: string | null, type: string | null, options: string, find: (name: string) => Path | Errno): number {
  if (!mayMount(ctx, ns)) return EPERM;
  if ((flags & (MS_REMOUNT | MS_BIND)) === (MS_REMOUNT | MS_BIND)) return reconfigure(ns, at, remountFlags(at, flags));
  if (flags & MS_REMOUNT) return remount(ctx, ns, at, flags, options);
  if (flags & MS_BIND) {
    if (source === null || source === '') return EINVAL;
    const from = find(source);
    return isErr(from) ? from : bind(ns, from, at, (flags & MS_REC) !== 0);
  }
  if (flags & PROPAGATION) return setPropagation(ctx, ns, at, flags);
  if (flags & MS_MOVE) {
    if (source === null || source === '') return EINVAL;
    const from = find(source);
    return isErr(from) ? from : moveMount(ns, from, at);
  }
  return newMount(ctx, ns, at, flags, source, type, options);
}

/** Flags for a remount: the atime setting stays unless one is named. */
function remountFlags(at: Path, flags: number): number {
  const f = mountFlags(flags);
  const atime = MS_NOATIME | MS_NODIRATIME | MS_RELATIME;
  return flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME) ? f : (f & ~atime) | (at.mount.flags & atime);
}

function reconfigure(ns: MountNamespace, at: Path, flags: number): number {
  const m = at.mount;
  if (m.ns !== ns) return EINVAL;
  if (!at.isMountRoot) return EINVAL;
  if (breaksLockedFlags(m, flags)) return EPERM;
  m.flags = (m.flags & ~MOUNT_FLAGS_MASK) | flags;
  ns.touch();
  return 0;
}

function remount(ctx: VfsContext, ns: MountNamespace, at: Path, flags: number, options: string): number {
  const m = at.mount;
  if (m.ns !== ns) return EINVAL;
  if (!at.isMountRoot) return EINVAL;
  const wanted = remountFlags(at, flags);
  if (breaksLockedFlags(m, wanted)) return EPERM;
  if (!ctx.credentials.nsCapable(m.sb.userNs ?? ns.userNs, CAP_SYS_ADMIN)) return EPERM;
  const r = m.sb.remount(ctx, flags & SUPER_FLAGS, options);
  if (r < 0) return r;
  m.sb.flags = (m.sb.flags & ~SUPER_FLAGS) | (flags & SUPER_FLAGS & ~MS_SILENT);
  m.flags = (m.flags & ~MOUNT_FLAGS_MASK) | wanted;
  ns.touch();
  return 0;
}

/** True if something locked lies below `d` in `m`: a plain bind would uncover what it hides. */
function hasLockedChildren(m: Mount, d: Dentry): boolean {
  for (const c of m.children) if (c.locked && d.isAncestorOf(c.mountpoint!)) return true; // mounted on m
  return false;
}

/** A copy of what `from` shows, in no namespace yet; EINVAL for what must not be copied. */
export function bindCopy(ns: MountNamespace, from: Path, recursive: boolean): Mount | Errno {
  const old = from.mount;
  if (old.unbindable) return EINVAL;
  if (old.ns !== ns && !isNamespaceFile(from.dentry)) return EINVAL;
  if (!recursive && hasLockedChildren(old, from.dentry)) return EINVAL;
  const copy = recursive ? copyTree(old, from.dentry, 0) : cloneMount(old, from.dentry, 0);
  if (copy === null) return EINVAL;
  copy.locked = false;
  return copy;
}

function bind(ns: MountNamespace, from: Path, at: Path, recursive: boolean): number {
  if (at.mount.ns !== ns) return EINVAL;
  const copy = bindCopy(ns, from, recursive);
  if (isErr(copy)) return copy;
  const r = graft(copy, at);
  if (r < 0) umountTree(copy, false);
  return r;
}

/** Mounts a tree that is not mounted yet: a directory on a directory, anything else on anything else. */
export function graft(m: Mount, at: Path): number {
  if (isUnlinked(at.dentry)) return ENOENT;
  if (isDirectory(m.root) !== isDirectory(at.dentry)) return ENOTDIR;
  return attachTree(m, at, false);
}

function setPropagation(ctx: VfsContext, ns: MountNamespace, at: Path, flags: number): number {
  const type = flags & ~(MS_REC | MS_SILENT);
  if (type !== MS_SHARED && type !== MS_PRIVATE && type !== MS_SLAVE && type !== MS_UNBINDABLE) return EINVAL;
  if (!at.isMountRoot) return EINVAL;
  if (at.mount.ns !== ns) return EINVAL;
  void ctx;
  if (flags & MS_REC) eachMount(at.mount, (m) => changePropagation(m, type));
  else changePropagation(at.mount, type);
  ns.touch();
  return 0;
}

/** True if `m` at `d` is at or below `root` (is_path_reachable). */
function isReachable(m: Mount, d: Dentry, root: Path): boolean {
  let mount = m;
  let dentry = d;
  while (mount !== root.mount && mount.parent !== null) {
    dentry = mount.mountpoint!; // has a parent
    mount = mount.parent;
  }
  return mount === root.mount && root.dentry.isAncestorOf(dentry);
}

/** mount --move, and move_mount(2) of an attached mount. Linux do_move_mount(). */
export function moveMount(ns: MountNamespace, from: Path, at: Path): number {
  const m = from.mount;
  const attached = m.parent !== null || m.ns === ns;
  if (attached && m.ns !== ns) return EINVAL;
  if (!attached && m.ns !== null) return EINVAL;
  if (at.mount.ns !== ns) return EINVAL;
  if (!from.isMountRoot) return EINVAL;
  if (attached && (m.parent === null || m.locked)) return EINVAL;
  if (isDirectory(from.dentry) !== isDirectory(at.dentry)) return EINVAL;
  // A shared parent would have to show the move to its peers.
  if (attached && m.parent?.group) return EINVAL;
  if (at.mount.group !== null) {
    let unbindable = false;
    eachMount(m, (c) => { unbindable ||= c.unbindable; });
    if (unbindable) return EINVAL;
  }
  for (let p: Mount | null = at.mount; p !== null; p = p.parent) if (p === m) return ELOOP;
  if (isUnlinked(at.dentry)) return ENOENT;
  return attachTree(m, at, attached);
}

/** True if a file system that shows more than its mounts (proc, sysfs) would reveal what the namespace hides. Linux mount_too_revealing(). */
export function tooRevealing(ns: MountNamespace, sb: SuperBlock, flags: number): boolean {
  if (ns.userNs.parent === null || !sb.mustBeVisible) return false;
  for (const m of ns.mounts) {
    if (m.sb.typeName !== sb.typeName || !m.root.isRoot) continue;
    if (m.lockedFlags & MS_RDONLY && !(flags & MS_RDONLY)) continue;
    if (m.atimeLocked && (m.flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME)) !== (flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME))) continue;
    let hidden = false;
    for (const c of m.children) if (c.locked && !(c.mountpoint?.inode?.alwaysEmpty ?? false)) hidden = true;
    if (!hidden) return false;
  }
  return true;
}

function newMount(ctx: VfsContext, ns: MountNamespace, at: Path, flags: number, source: string | null, typeName: string | null, options: string): number {
  if (typeName === null) return EINVAL;
  const type = at.mount.sb.vfs.fileSystems.get(typeName);
  if (type === undefined) return ENODEV;
  if (!(type.userNamespaceMount ? ctx.credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN) : ctx.credentials.capableInInit(CAP_SYS_ADMIN))) return EPERM;
  const sb = type.mount(ctx, source ?? 'none', flags & SUPER_FLAGS, options);
  if (isErr(sb)) return sb;
  sb.flags |= flags & SUPER_FLAGS & ~MS_SILENT;
  sb.userNs ??= ctx.credentials.userNs;
  const m = new Mount(sb, sb.root, mountFlags(flags), source ?? 'none');
  const r = addMount(ns, m, at);
  if (r < 0) umountTree(m, false);
  return r;
}

/** Mounts a new instance. EPERM, EINVAL, EBUSY (the same on top of itself), ENOTDIR. Linux do_add_mount(). */
function addMount(ns: MountNamespace, m: Mount, at: Path): number {
  if (tooRevealing(ns, m.sb, m.flags)) return EPERM;
  if (at.mount.ns !== ns) return EINVAL;
  if (at.mount.sb === m.sb && at.isMountRoot) return EBUSY;
  return graft(m, at);
}

/** umount2(2) of the mount whose root is `at`. */
export function doUmount(ctx: VfsContext, ns: MountNamespace, at: Path, flags: number): number {
  const m = at.mount;
  if (!mayMount(ctx, ns)) return EPERM;
  if (!at.isMountRoot) return EINVAL;
  if (m.ns !== ns) return EINVAL;
  if (m.locked) return EINVAL;
  if (flags & MNT_FORCE && !ctx.credentials.capableInInit(CAP_SYS_ADMIN)) return EPERM;
  if (flags & MNT_EXPIRE) {
    if (m === ctx.fs.root.mount || flags & (MNT_FORCE | MNT_DETACH)) return EINVAL;
    if (m.refs > 0) return EBUSY;
    if (!m.expiryMark) {
      m.expiryMark = true;
      return EAGAIN;
    }
  }
  if (m === ctx.fs.root.mount && !(flags & MNT_DETACH)) {
    // The root cannot go; it becomes read-only.
    if (!ctx.credentials.nsCapable(m.sb.userNs ?? ns.userNs, CAP_SYS_ADMIN)) return EPERM;
    if (m.sb.flags & MS_RDONLY) return 0;
    const r = m.sb.remount(ctx, m.sb.flags | MS_RDONLY, '');
    if (r >= 0) m.sb.flags |= MS_RDONLY;
    return r;
  }
  if (m.parent === null) return EINVAL;
  if (!(flags & MNT_DETACH) && propagatedBusy(m)) return EBUSY;
  m.sb.sync(ctx);
  umountTree(m, true);
  return 0;
}

/** Someone whose root and working directory may have to move. */
export interface RootHolder {
  readonly fsContext: { root: Path; pwd: Path; setRoot(p: Path): void; setPwd(p: Path): void } | null;
}

/** pivot_root(2): `newRoot` becomes the root, the old one is mounted on `putOld`; every task that had the old root follows. */
export function pivotRoot(ctx: VfsContext, ns: MountNamespace, newRoot: Path, putOld: Path, tasks: Iterable<RootHolder>): number {
  if (!mayMount(ctx, ns)) return EPERM;
  const root = ctx.fs.root;
  const newMnt = newRoot.mount;
  const rootMnt = root.mount;
  const oldMnt = putOld.mount;
  if (oldMnt.group !== null || newMnt.parent?.group || rootMnt.parent?.group) return EINVAL;
  if (rootMnt.ns !== ns || newMnt.ns !== ns) return EINVAL;
  if (newMnt.locked) return EINVAL;
  if (isUnlinked(newRoot.dentry)) return ENOENT;
  if (newMnt === rootMnt || oldMnt === rootMnt) return EBUSY;
  if (!root.isMountRoot || rootMnt.parent === null) return EINVAL;
  if (!newRoot.isMountRoot || newMnt.parent === null) return EINVAL;
  if (!isReachable(oldMnt, putOld.dentry, newRoot)) return EINVAL;
  if (!isReachable(newMnt, newRoot.dentry, root)) return EINVAL;
  const rootParent = rootMnt.parent;
  const rootPlace = rootMnt.mountpoint!; // has a parent
  newMnt.detach();
  rootMnt.detach();
  if (rootMnt.locked) {
    newMnt.locked = true;
    rootMnt.locked = false;
  }
  rootMnt.attach(putOld);
  newMnt.attachTo(rootParent, rootPlace);
  ns.touch();
  const from = new Path(rootMnt, root.dentry);
  const to = new Path(newMnt, newRoot.dentry);
  for (const t of tasks) {
    const fs = t.fsContext;
    if (fs === null) continue;
    if (fs.root.equals(from)) fs.setRoot(to);
    if (fs.pwd.equals(from)) fs.setPwd(to);
  }
  return 0;
}
