/** Copying, attaching and taking down trees of mounts. Linux fs/namespace.c: clone_mnt(), copy_tree(), attach_recursive_mnt(), umount_tree(). */
import { EINVAL, ENOENT, ENOSPC, EPERM, type Errno, isErr } from '../abi/errno.ts';
import { MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_RELATIME } from '../abi/mount.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { Dentry } from './dentry.ts';
import type { MountNamespace } from './mount-namespace.ts';
import { isUnlinked, Mount, mountedOn } from './mount.ts';
import {
  joinPeers, joinSlaves, leavePropagation, makeShared, type Propagated, propagatedUmounts, propagateMount, setMaster, shareTree,
} from './mount-propagation.ts';

/** How copies relate to what they are copies of. */
export type CopyFlags = number;
/** Copies are private. */
export const COPY_PRIVATE = 1;
/** Copies are slaves of the originals. */
export const COPY_SLAVE = 2;
/** Copies of shared mounts are slaves, others as they are. */
export const COPY_SHARED_TO_SLAVE = 4;
/** Unbindable mounts are copied too. */
export const COPY_UNBINDABLE = 8;
/** Copies are shared. */
export const COPY_MAKE_SHARED = 16;
/** Bind mounts of the files of mount namespaces are copied too. */
export const COPY_NS_FILES = 32;

/** How umountTree goes about it (UMOUNT_ of Linux). */
export const UMOUNT_SYNC = 1;
export const UMOUNT_PROPAGATE = 2;
export const UMOUNT_CONNECTED = 4;

const ATIME: number = MS_NOATIME | MS_NODIRATIME | MS_RELATIME;

/** Calls `f` for a mount and everything under it, parents first. */
export function eachMount(m: Mount, f: (m: Mount) => void): void {
  f(m);
  for (const c of m.children) eachMount(c, f);
}

/** A mount of `root` (a directory or file of the same file system) like `old`. */
export function cloneMount(old: Mount, root: Dentry, flags: CopyFlags): Mount {
  const m = new Mount(old.sb, root, old.flags, old.source);
  m.locked = old.locked;
  m.lockedFlags = old.lockedFlags;
  m.atimeLocked = old.atimeLocked;
  m.idmap = old.idmap;
  if (flags & COPY_PRIVATE) return m;
  if (!(flags & (COPY_SLAVE | COPY_SHARED_TO_SLAVE)) && old.group !== null) joinPeers(m, old);
  if (flags & COPY_SLAVE || (flags & COPY_SHARED_TO_SLAVE && old.group !== null)) setMaster(m, old);
  else if (old.master !== null) joinSlaves(m, old);
  if (flags & COPY_MAKE_SHARED) makeShared(m);
  return m;
}

/** True if the file that `root` is belongs to a mount namespace: such mounts are not carried into others. */
function isMountNsFile(m: Mount): boolean {
  return m.root.inode?.mountNamespace != null;
}

/**
 * A copy of the mount `m` seen from its directory `root`, with everything mounted below. EINVAL: the top must not be copied; EPERM: something
 * unbindable below is locked. `copies` takes each original with its copy.
 */
export function copyTree(m: Mount, root: Dentry, flags: CopyFlags, copies: Map<Mount, Mount> | null = null): Mount | Errno {
  if (!(flags & COPY_UNBINDABLE) && m.unbindable) return EINVAL;
  if (!(flags & COPY_NS_FILES) && isMountNsFile(m)) return EINVAL;
  const copy = cloneMount(m, root, flags);
  copies?.set(m, copy);
  const r = copyChildren(m, root, copy, flags, copies);
  if (r === 0) return copy;
  umountTree(copy, 0);
  return r;
}

function copyChildren(from: Mount, root: Dentry, to: Mount, flags: CopyFlags, copies: Map<Mount, Mount> | null): 0 | Errno {
  for (const child of [...from.children]) {
    const at = child.mountpoint!; // mounted on `from`
    if (!root.isAncestorOf(at)) continue;
    if (!(flags & COPY_UNBINDABLE) && child.unbindable) {
      if (child.locked) return EPERM;
      continue;
    }
    if (!(flags & COPY_NS_FILES) && isMountNsFile(child)) continue;
    const c = cloneMount(child, child.root, flags);
    copies?.set(child, c);
    c.attachTo(to, at);
    const r = copyChildren(child, child.root, c, flags, copies);
    if (r !== 0) return r;
  }
  return 0;
}

/** Locks a tree that comes into a less privileged namespace: its parts cannot be taken apart nor made less strict (lock_mnt_tree). */
export function lockTree(top: Mount): void {
  eachMount(top, (m) => {
    m.lockedFlags |= m.flags & (MS_RDONLY | MS_NODEV | MS_NOSUID | MS_NOEXEC);
    m.atimeLocked = true;
    if (m !== top) m.locked = true;
  });
}

/** True if new atime and other flags would make a mount less strict than what it came with (Linux can_change_locked_flags). */
export function breaksLockedFlags(m: Mount, flags: number): boolean {
  if (m.lockedFlags & ~flags) return true;
  return m.atimeLocked && (m.flags & ATIME) !== (flags & ATIME);
}

function countTree(m: Mount): number {
  let n = 0;
  eachMount(m, () => n++);
  return n;
}

/** The mount that stands on top of everything stacked on the root of `m`; `m` if nothing does. */
export function topmost(m: Mount): Mount {
  let top = m;
  for (let over = top.overmount; over !== null; over = top.overmount) top = over;
  return top;
}

/** Puts `copy` on (`parent`, `at`); what stands there already goes on top of it, where its owner expects it. */
function insertMount(copy: Mount, parent: Mount, at: Dentry, callerUserNs: UserNamespace): void {
  const ns = parent.ns!; // propagation skips what is in no namespace
  if (ns.userNs !== callerUserNs) lockTree(copy);
  copy.locked = false;
  const covered = mountedOn(parent, at);
  copy.attachTo(parent, at);
  ns.adoptTree(copy);
  if (covered === null) return;
  const top = topmost(copy);
  covered.detach();
  covered.attachTo(top, top.root);
}

/**
 * Mounts the tree `source` on (`dest`, `at`), here and wherever `dest` propagates to; beneath what stands there. It may be mounted somewhere
 * already, or make up a detached tree. ENOENT, ENOSPC when a namespace would have too many mounts. Linux attach_recursive_mnt().
 */
export function attachTree(source: Mount, dest: Mount, at: Dentry, caller: MountNamespace): 0 | Errno {
  const ns = dest.ns!; // callers checked that it is in a namespace
  const moving = source.parent !== null;
  // Its root could not be mounted on, should it have to go below another mount (get_mountpoint).
  if (isUnlinked(source.root) && mountedOn(source, source.root) === null) return ENOENT;
  if (!moving && ns.mounts.size + countTree(source) > ns.vfs.mountMax) return ENOSPC;
  const elsewhere: Propagated[] = [];
  if (dest.group !== null) {
    const fresh: Mount[] = [];
    eachMount(source, (m) => {
      if (m.group === null) fresh.push(m);
    });
    shareTree(source);
    let r = propagateMount(dest, at, source, elsewhere);
    if (r === 0 && elsewhere.some(({ copy, parent }) => parent.ns!.mounts.size + countTree(copy) > ns.vfs.mountMax)) r = ENOSPC; // in a namespace
    if (isErr(r)) {
      for (const { copy } of elsewhere) umountTree(copy, 0);
      for (const m of fresh) leavePropagation(m);
      return r;
    }
  }
  if (moving) source.detach();
  if (source.ns !== null && source.ns !== ns) {
    const old = source.ns;
    eachMount(source, (m) => old.forget(m));
  }
  insertMount(source, dest, at, caller.userNs);
  for (const { copy, parent } of elsewhere) insertMount(copy, parent, at, caller.userNs);
  return 0;
}

/** True while somebody stands in `m`: holders, or mounts below that stay. */
export function isBusy(m: Mount): boolean {
  return m.refs > 0 || m.children.size > 0;
}

/** EBUSY's question for umount(2) without MNT_DETACH (propagate_mount_busy). */
export function propagatedBusy(m: Mount): boolean {
  if (isBusy(m)) return true;
  for (const c of propagatedUmounts(m)) {
    // What covers it wholly does not keep it from being pulled out; anything else does.
    if (c.children.size > 0 && (c.children.size > 1 || c.overmount === null)) continue;
    if (c.refs > 0) return true;
  }
  return false;
}

/**
 * What unmounting `doomed` takes with it elsewhere: of the mounts at the same places the largest set in which nothing loses a mount that stands
 * on it (but for one that covers it wholly) and nothing locked is taken off a parent that stays. Linux propagate_umount().
 */
function propagatedSet(doomed: readonly Mount[]): Set<Mount> {
  const going = new Set(doomed);
  const candidates = new Set<Mount>();
  const queue = [...doomed];
  for (const m of queue)
    for (const other of propagatedUmounts(m)) {
      if (going.has(other) || candidates.has(other)) continue;
      candidates.add(other);
    }
  const goes = (m: Mount | null): boolean => m !== null && (going.has(m) || candidates.has(m));
  for (let changed = true; changed; ) {
    changed = false;
    for (const m of candidates) {
      const over = m.overmount;
      let stays = m.locked && !goes(m.parent);
      for (const c of m.children) if (c !== over && !goes(c)) stays = true;
      if (!stays) continue;
      candidates.delete(m);
      changed = true;
    }
  }
  return candidates;
}

/** Takes `top` and everything below out of its namespace, and with UMOUNT_PROPAGATE out of the places that receive from its parent. Linux umount_tree(). */
export function umountTree(top: Mount, how: number): void {
  const doomed: Mount[] = [];
  eachMount(top, (m) => doomed.push(m));
  const all = new Set(doomed);
  if (how & UMOUNT_PROPAGATE) {
    // What its owner takes away need not be kept elsewhere to hide something (propagate_mount_unlock).
    for (const m of propagatedUmounts(top)) m.locked = false;
    const elsewhere = propagatedSet(doomed);
    for (const m of elsewhere) all.add(m);
    // What covers a stack of mounts that go slides down to where the lowest of them stands.
    for (const m of elsewhere) {
      const over = m.overmount;
      if (over === null || all.has(over)) continue;
      let low = m;
      while (low.parent !== null && all.has(low.parent) && low.mountpoint === low.parent.root) low = low.parent;
      const { parent, mountpoint } = low;
      over.detach();
      if (parent !== null && mountpoint !== null) over.attachTo(parent, mountpoint);
    }
  }
  for (const m of all) {
    m.ns?.forget(m);
    m.ns = null;
    m.unmounted = true;
    m.expiryMark = false;
    leavePropagation(m);
  }
  const loose: Mount[] = [];
  for (const m of all) {
    if (m.parent !== null && all.has(m.parent) && staysConnected(m, how)) {
      m.connected = true;
      continue;
    }
    m.detach();
    loose.push(m);
  }
  for (const m of loose) m.releaseIfUnused();
}

/** Lazily unmounted, a locked mount keeps covering what it covers (disconnect_mount). */
function staysConnected(m: Mount, how: number): boolean {
  if (how & UMOUNT_SYNC) return false;
  return (how & UMOUNT_CONNECTED) !== 0 || m.locked;
}

/** The directory that mounts stand on is gone: they go with it, unseen (detach_mounts). */
export function detachMounts(dentry: Dentry): void {
  while (dentry.mounts !== null) {
    const m = dentry.mounts[0]!; // not empty
    if (!m.unmounted) umountTree(m, UMOUNT_CONNECTED);
    else {
      m.detach();
      m.connected = false;
      m.releaseIfUnused();
    }
  }
}
