/** What mount(2), umount2(2) and pivot_root(2) do, in Linux's order of checks: fs/namespace.c path_mount(), path_umount(), path_pivot_root(). */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EAGAIN, EBUSY, EINVAL, ENODEV, ENOENT, ENOTDIR, EPERM, type Errno, isErr } from '../abi/errno.ts';
import {
  MNT_DETACH, MNT_EXPIRE, MNT_FORCE, MS_BIND, MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_MOVE, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID,
  MS_NOSYMFOLLOW, MS_NOUSER, MS_POSIXACL, MS_PRIVATE, MS_RDONLY, MS_REC, MS_RELATIME, MS_REMOUNT, MS_SHARED, MS_SILENT, MS_SLAVE, MS_STRICTATIME, MS_SYNCHRONOUS,
  MS_UNBINDABLE,
} from '../abi/mount.ts';
import type { VfsContext } from './context.ts';
import type { Dentry } from './dentry.ts';
import type { FileSystemType } from './file-system.ts';
import { landlockForbidsMounting } from './landlock.ts';
import { MountConfig } from './mount-config.ts';
import { moveMount } from './mount-move.ts';
import type { MountNamespace } from './mount-namespace.ts';
import { isUnlinked, Mount, MOUNT_FLAGS_MASK, Path } from './mount.ts';
import { changePropagation } from './mount-propagation.ts';
import { attachTree, breaksLockedFlags, cloneMount, COPY_NS_FILES, copyTree, eachMount, propagatedBusy, UMOUNT_PROPAGATE, UMOUNT_SYNC, umountTree } from './mount-tree.ts';
import type { SuperBlock } from './super-block.ts';

/** Flags of the file system instance, and those that a remount sets. */
const SUPER_FLAGS = MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_DIRSYNC | MS_SILENT | MS_POSIXACL | MS_LAZYTIME;
const REMOUNT_FLAGS = MS_RDONLY | MS_SYNCHRONOUS | MS_MANDLOCK | MS_LAZYTIME;
const PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;
const ATIME = MS_NOATIME | MS_NODIRATIME | MS_RELATIME;

/** The caller may change mounts of `ns`. */
export function mayMount(ctx: VfsContext, ns: MountNamespace): boolean {
  return ctx.credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN) && !landlockForbidsMounting(ctx);
}

/** MOUNT_FLAGS_MASK bits of mount(2)'s flags: relatime unless told otherwise. */
export function mountFlags(flags: number): number {
  let f = flags & (MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME | MS_NODIRATIME | MS_NOSYMFOLLOW);
  if (!(flags & (MS_NOATIME | MS_STRICTATIME))) f |= MS_RELATIME;
  if (flags & MS_STRICTATIME) f &= ~(MS_RELATIME | MS_NOATIME);
  return f;
}

/** Nothing can be mounted here any more: the directory was removed, or its mount taken away. */
export const isGone = (at: Mount, d: Dentry): boolean => at.ns === null || isUnlinked(d);
export const isDirectory = (d: Dentry): boolean => d.inode?.isDirectory ?? false;

/** mount(2) at `at`. `source` and `type` are null when not given; `find` walks to the source of a bind or move. */
export function doMount(ctx: VfsContext, ns: MountNamespace, at: Path, flags: number, source: string | null, type: string | null, options: string, find: (name: string) => Path | Errno): number {
  if (flags & MS_NOUSER) return EINVAL;
  if (!mayMount(ctx, ns)) return EPERM;
  if ((flags & (MS_REMOUNT | MS_BIND)) === (MS_REMOUNT | MS_BIND)) return reconfigure(ns, at, remountFlags(at, flags));
  if (flags & MS_REMOUNT) return remount(ctx, ns, at, flags, options);
  if (flags & MS_BIND) {
    if (source === null || source === '') return EINVAL;
    const from = find(source);
    return isErr(from) ? from : bind(ns, from, at, (flags & MS_REC) !== 0);
  }
  if (flags & PROPAGATION) return setPropagation(ctx, at, flags);
  if (flags & MS_MOVE) {
    if (source === null || source === '') return EINVAL;
    const from = find(source);
    return isErr(from) ? from : moveMount(ctx, ns, from, at, false);
  }
  return newMount(ctx, ns, at, flags, source, type, options);
}

/** Flags for a remount: the atime setting stays unless one is named. */
function remountFlags(at: Path, flags: number): number {
  const f = mountFlags(flags);
  return flags & (MS_NOATIME | MS_NODIRATIME | MS_RELATIME | MS_STRICTATIME) ? f : (f & ~ATIME) | (at.mount.flags & ATIME);
}

function reconfigure(ns: MountNamespace, at: Path, flags: number): number {
  const m = at.mount;
  if (m.ns !== ns) return EINVAL;
  if (!at.isMountRoot) return EINVAL;
  if (breaksLockedFlags(m, flags)) return EPERM;
  if (flags & MS_RDONLY && !(m.flags & MS_RDONLY) && m.writers > 0) return EBUSY;
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
  const type = m.sb.vfs.fileSystems.get(m.sb.typeName);
  // The first root's file system is of no type that can be mounted: it takes no options.
  const config = type === undefined ? null : new MountConfig(ctx, type, m.sb, null, true);
  if (config !== null) {
    config.superFlags = flags & SUPER_FLAGS;
    config.superMask = REMOUNT_FLAGS;
    const r = config.parseText(ctx, options);
    if (r < 0) return r;
  }
  if (!ctx.credentials.nsCapable(m.sb.userNs ?? ctx.credentials.userNs.registry.initialUserNs, CAP_SYS_ADMIN)) return EPERM;
  const r = reconfigureSuper(ctx, m.sb, config, config?.superFlags ?? flags & SUPER_FLAGS, config?.superMask ?? REMOUNT_FLAGS);
  if (r < 0) return r;
  m.flags = (m.flags & ~MOUNT_FLAGS_MASK) | wanted;
  ns.touch();
  return 0;
}

/** Changes an instance: `flags` where `mask` says so, and the parameters of `config`. EINVAL: a flag that stays; EBUSY: somebody writes. Linux reconfigure_super(). */
export function reconfigureSuper(ctx: VfsContext, sb: SuperBlock, config: MountConfig | null, flags: number, mask: number): number {
  if (mask & ~REMOUNT_FLAGS) return EINVAL;
  const wanted = (sb.flags & ~mask) | (flags & mask & ~MS_SILENT);
  if (wanted & MS_RDONLY && !(sb.flags & MS_RDONLY) && sb.writers > 0) return EBUSY;
  const r = sb.remount(ctx, wanted, config?.optionText() ?? '', config);
  if (r < 0) return r;
  sb.flags = wanted;
  return 0;
}

/** True if something locked lies below `d` in `m`: a plain bind would uncover what it hides. */
export function hasLockedChildren(m: Mount, d: Dentry): boolean {
  for (const c of m.children) if (c.locked && d.isAncestorOf(c.mountpoint!)) return true; // mounted on m
  return false;
}

/** The mount is the caller's to look at: in its namespace, or in a detached tree that came from it (check_anonymous_mnt). */
export function mayUseMount(ns: MountNamespace, m: Mount): boolean {
  if (m.ns === ns) return true;
  return m.ns !== null && m.ns.anonymous && (m.ns.origin === 0 || m.ns.origin === ns.id);
}

/** A copy of what `from` shows, in no namespace yet; EINVAL for what must not be copied. Linux __do_loopback(). */
export function bindCopy(ns: MountNamespace, from: Path, recursive: boolean): Mount | Errno {
  const old = from.mount;
  if (old.unbindable) return EINVAL;
  if (!mayUseMount(ns, old) && !from.dentry.sb.bindsAnywhere) return EINVAL;
  if (!recursive && hasLockedChildren(old, from.dentry)) return EINVAL;
  const copy = recursive ? copyTree(old, from.dentry, COPY_NS_FILES) : cloneMount(old, from.dentry, 0);
  if (isErr(copy)) return copy;
  copy.locked = false;
  return copy;
}

function bind(ns: MountNamespace, from: Path, at: Path, recursive: boolean): number {
  // A mount namespace is never pinned from within one that is as old or younger: no two may hold each other (mnt_ns_loop).
  const pinned = from.dentry.inode?.mountNamespace ?? null;
  if (pinned !== null && ns.id >= pinned.id) return EINVAL;
  if (isGone(at.mount, at.dentry)) return ENOENT;
  if (at.mount.ns !== ns) return EINVAL;
  const copy = bindCopy(ns, from, recursive);
  if (isErr(copy)) return copy;
  const r = graft(ns, copy, at);
  if (r < 0) umountTree(copy, UMOUNT_SYNC);
  return r;
}

/** Mounts a tree that is not mounted yet: a directory on a directory, anything else on anything else. */
export function graft(ns: MountNamespace, m: Mount, at: Path): number {
  if (isDirectory(m.root) !== isDirectory(at.dentry)) return ENOTDIR;
  return attachTree(m, at.mount, at.dentry, ns);
}

function setPropagation(ctx: VfsContext, at: Path, flags: number): number {
  if (!at.isMountRoot) return EINVAL;
  const type = flags & ~(MS_REC | MS_SILENT);
  if (type !== MS_SHARED && type !== MS_PRIVATE && type !== MS_SLAVE && type !== MS_UNBINDABLE) return EINVAL;
  const r = mayChangePropagation(ctx, at.mount);
  if (r < 0) return r;
  if (flags & MS_REC) eachMount(at.mount, (m) => changePropagation(m, type));
  else changePropagation(at.mount, type);
  return 0;
}

/** EINVAL: mounted nowhere; EPERM: not in a namespace of the caller's. */
export function mayChangePropagation(ctx: VfsContext, m: Mount): 0 | Errno {
  if (m.ns === null) return EINVAL;
  return ctx.credentials.nsCapable(m.ns.userNs, CAP_SYS_ADMIN) ? 0 : EPERM;
}

/** True if `m` at `d` is at or below `root` (is_path_reachable). */
export function isReachable(m: Mount, d: Dentry, root: Path): boolean {
  let mount = m;
  let dentry = d;
  while (mount !== root.mount && mount.parent !== null) {
    dentry = mount.mountpoint!; // has a parent
    mount = mount.parent;
  }
  return mount === root.mount && root.dentry.isAncestorOf(dentry);
}

/**
 * True if a file system that shows more than its mounts (proc, sysfs) would reveal what the namespace hides. Otherwise `lock` is told which flags
 * the new mount must keep, as the one has that shows it already. Linux mount_too_revealing().
 */
export function tooRevealing(ns: MountNamespace, sb: SuperBlock, m: { flags: number; lockedFlags: number; atimeLocked: boolean }): boolean {
  if (ns.userNs.parent === null || !sb.mustBeVisible) return false;
  for (const old of ns.mounts) {
    if (old.sb.typeName !== sb.typeName || !old.root.isRoot) continue;
    const readOnly = (old.lockedFlags | old.sb.flags) & MS_RDONLY;
    if (readOnly && !(m.flags & MS_RDONLY)) continue;
    if (old.atimeLocked && (old.flags & ATIME) !== (m.flags & ATIME)) continue;
    let hidden = false;
    for (const c of old.children) if (c.locked && !(c.mountpoint?.inode?.alwaysEmpty ?? false)) hidden = true;
    if (hidden) continue;
    m.lockedFlags |= readOnly;
    m.atimeLocked ||= old.atimeLocked;
    return false;
  }
  return true;
}

/** May the caller mount this: CAP_SYS_ADMIN over who is to own it, or over the machine for types that are not for everybody. Linux mount_capable(). */
export function mountCapable(ctx: VfsContext, config: MountConfig): boolean {
  const cred = ctx.credentials;
  return config.type.userNamespaceMount ? cred.nsCapable(config.userNs, CAP_SYS_ADMIN) : cred.capableInInit(CAP_SYS_ADMIN);
}

/** Makes the instance that `config` describes (vfs_get_tree). */
export function makeSuper(ctx: VfsContext, config: MountConfig): SuperBlock | Errno {
  const { type } = config;
  if (type.requiresDevice && config.source === null) return config.refuseBare('No source specified');
  const sb = type.mount(ctx, config.source ?? 'none', config.superFlags & SUPER_FLAGS, config.optionText(), config);
  if (isErr(sb)) return sb;
  // An instance that others have mounted keeps its owner and flags.
  if (sb.mountCount > 0) {
    if (config.exclusive) return EBUSY;
    return sb;
  }
  sb.flags |= config.superFlags & SUPER_FLAGS & ~MS_SILENT;
  if (config.userNs.parent !== null) sb.userNs = config.userNs;
  return sb;
}

function findType(at: Path, name: string): FileSystemType | undefined {
  const types = at.mount.sb.vfs.fileSystems;
  // "fuse.sshfs": a type and a subtype that only fuse has.
  return types.get(name) ?? (name.startsWith('fuse.') ? types.get('fuse') : undefined);
}

function newMount(ctx: VfsContext, ns: MountNamespace, at: Path, flags: number, source: string | null, typeName: string | null, options: string): number {
  if (typeName === null) return EINVAL;
  const type = findType(at, typeName);
  if (type === undefined) return ENODEV;
  const config = new MountConfig(ctx, type, null, null, true);
  config.superFlags = flags & SUPER_FLAGS;
  config.source = source;
  const r = config.parseText(ctx, options);
  if (r < 0) return r;
  if (!mountCapable(ctx, config)) return EPERM;
  const sb = makeSuper(ctx, config);
  if (isErr(sb)) return sb;
  const m = new Mount(sb, sb.rootFor(ctx), mountFlags(flags), config.source ?? 'none');
  const added = addMount(ns, m, at);
  if (added < 0) umountTree(m, UMOUNT_SYNC);
  return added;
}

/** Mounts a new instance. EPERM, EINVAL, EBUSY (the same on top of itself), ENOTDIR. Linux do_add_mount(). */
function addMount(ns: MountNamespace, m: Mount, at: Path): number {
  if (tooRevealing(ns, m.sb, m)) return EPERM;
  if (isGone(at.mount, at.dentry)) return ENOENT;
  if (at.mount.ns !== ns) return EINVAL;
  if (at.mount.sb === m.sb && at.isMountRoot) return EBUSY;
  if (m.root.inode?.isSymlink) return EINVAL;
  return graft(ns, m, at);
}

/** umount2(2) of the mount whose root is `at`. */
export function doUmount(ctx: VfsContext, ns: MountNamespace, at: Path, flags: number): number {
  const m = at.mount;
  if (!ctx.credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN)) return EPERM;
  if (!at.isMountRoot) return EINVAL;
  if (m.ns !== ns) return EINVAL;
  if (m.locked) return EINVAL;
  if (landlockForbidsMounting(ctx)) return EPERM;
  const owner = m.sb.userNs ?? ctx.credentials.userNs.registry.initialUserNs;
  if (flags & MNT_FORCE && !ctx.credentials.nsCapable(owner, CAP_SYS_ADMIN)) return EPERM;
  if (flags & MNT_EXPIRE) {
    if (m === ctx.fs.root.mount || flags & (MNT_FORCE | MNT_DETACH)) return EINVAL;
    if (m.refs > 0 || m.children.size > 0) return EBUSY;
    if (!m.expiryMark) {
      m.expiryMark = true;
      return EAGAIN;
    }
  }
  if (m === ctx.fs.root.mount && !(flags & MNT_DETACH)) {
    // The root cannot go; it becomes read-only.
    if (!ctx.credentials.nsCapable(owner, CAP_SYS_ADMIN)) return EPERM;
    if (m.sb.flags & MS_RDONLY) return 0;
    return reconfigureSuper(ctx, m.sb, null, MS_RDONLY, MS_RDONLY);
  }
  if (m.parent === null) return EINVAL;
  if (flags & MNT_DETACH) {
    umountTree(m, UMOUNT_PROPAGATE);
    return 0;
  }
  if (propagatedBusy(m)) return EBUSY;
  m.sb.sync(ctx);
  umountTree(m, UMOUNT_PROPAGATE | UMOUNT_SYNC);
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
  if (isGone(oldMnt, putOld.dentry)) return ENOENT;
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
  newMnt.attachTo(rootParent, rootPlace);
  rootMnt.attach(putOld);
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
