/** Copying, attaching and taking down trees of mounts. Linux fs/namespace.c: clone_mnt(), copy_tree(), attach_recursive_mnt(), umount_tree(). */
import { ENOSPC, type Errno } from '../abi/errno.ts';
import { MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_RDONLY, MS_RELATIME } from '../abi/mount.ts';
import type { Dentry } from './dentry.ts';
import { Mount, mountedOn, type Path } from './mount.ts';
import { joinPeers, leavePropagation, makeShared, type Propagated, propagatedUmounts, propagateMount, setMaster, shareTree } from './mount-propagation.ts';

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

/** sysctl fs.mount-max. */
export const MOUNT_MAX = 100000;

/** Calls `f` for a mount and everything under it, parents first. */
export function eachMount(m: Mount, f: (m: Mount) => void): void {
  f(m);
  for (const c of m.children) eachMount(c, f);
}

/** A mount of `root` (a directory or file of the same file system) like `old`. */
export function cloneMount(old: Mount, root: Dentry, flags: CopyFlags): Mount {
  const m = new Mount(old.sb, root, old.flags, old.source);
  m.unbindable = old.unbindable;
  m.lockedFlags = old.lockedFlags;
  m.atimeLocked = old.atimeLocked;
  if (flags & COPY_SLAVE || (flags & COPY_SHARED_TO_SLAVE && old.group !== null)) setMaster(m, old);
  else if (!(flags & COPY_PRIVATE)) {
    if (flags & COPY_MAKE_SHARED) makeShared(old);
    if (old.group !== null) joinPeers(m, old);
    if (old.master !== null) setMaster(m, old.master);
  }
  if (flags & COPY_MAKE_SHARED) makeShared(m);
  return m;
}

/** A copy of the mount `m` seen from its directory `root`, with everything mounted below. Null: an unbindable mount at the top. */
export function copyTree(m: Mount, root: Dentry, flags: CopyFlags): Mount | null {
  if (!(flags & COPY_UNBINDABLE) && m.unbindable) return null;
  const copy = cloneMount(m, root, flags);
  copyChildren(m, root, copy, flags);
  return copy;
}

function copyChildren(from: Mount, root: Dentry, to: Mount, flags: CopyFlags): void {
  for (const child of from.children) {
    const at = child.mountpoint!; // mounted on `from`
    if (!root.isAncestorOf(at)) continue;
    if (!(flags & COPY_UNBINDABLE) && child.unbindable) continue;
    const c = cloneMount(child, child.root, flags);
    c.locked = child.locked;
    c.attachTo(to, at);
    copyChildren(child, child.root, c, flags);
  }
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
  const atime = MS_NOATIME | MS_NODIRATIME | MS_RELATIME;
  return m.atimeLocked && (m.flags & atime) !== (flags & atime);
}

function countTree(m: Mount): number {
  let n = 0;
  eachMount(m, () => n++);
  return n;
}

/**
 * Mounts the tree `source` on `at`, here and wherever `at.mount` propagates to. `moving`: it is mounted somewhere already. ENOSPC when the
 * namespace would have too many mounts. Linux attach_recursive_mnt().
 */
export function attachTree(source: Mount, at: Path, moving: boolean): 0 | Errno {
  const dest = at.mount;
  const ns = dest.ns!; // callers checked that `at` is in a namespace
  if (!moving && ns.mounts.size + countTree(source) > MOUNT_MAX) return ENOSPC;
  let elsewhere: Propagated[] = [];
  if (dest.group !== null) {
    shareTree(source);
    elsewhere = propagateMount(dest, at.dentry, source);
  }
  if (moving) source.detach();
  source.attachTo(dest, at.dentry);
  ns.adoptTree(source);
  for (const { copy, parent } of elsewhere) {
    const other = parent.ns!; // propagation skips what is in no namespace
    // Something mounted there already goes on top of the newcomer, where its owner expects it.
    const covered = mountedOn(parent, at.dentry);
    copy.attachTo(parent, at.dentry);
    if (covered !== null) {
      covered.detach();
      covered.attachTo(copy, copy.root);
    }
    if (other.userNs !== ns.userNs) {
      lockTree(copy);
      copy.locked = true;
    }
    other.adoptTree(copy);
  }
  return 0;
}

/** True while somebody stands in `m`: holders, or mounts below that stay. */
export function isBusy(m: Mount): boolean {
  return m.refs > 0 || m.children.size > 0;
}

/** EBUSY's question for umount(2) without MNT_DETACH (propagate_mount_busy). */
export function propagatedBusy(m: Mount): boolean {
  if (isBusy(m)) return true;
  return propagatedUmounts(m).some((c) => c.children.size === 0 && c.refs > 0 && c.root === m.root);
}

/** Takes `top` and everything below out of its namespace, and with `propagate` out of the places that receive from its parent. Linux umount_tree(). */
export function umountTree(top: Mount, propagate: boolean): void {
  const doomed: Mount[] = [];
  eachMount(top, (m) => doomed.push(m));
  const all = new Set(doomed);
  if (propagate) {
    for (const m of doomed)
      for (const other of propagatedUmounts(m)) {
        if (all.has(other) || other.locked) continue;
        // Elsewhere only what carries nothing else goes.
        if ([...other.children].every((c) => all.has(c))) all.add(other);
      }
  }
  // Children first, so that a mount that stays is never below one that goes.
  for (const m of [...all].reverse()) {
    const ns = m.ns;
    leavePropagation(m);
    m.detach();
    m.unmounted = true;
    m.ns = null;
    if (ns !== null) ns.forget(m);
    m.releaseIfUnused();
  }
}
