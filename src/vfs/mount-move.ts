/** move_mount(2): moving mounts, mounting beneath others, putting mounts into peer groups. Linux fs/namespace.c do_move_mount(), do_set_group(). */
import { EINVAL, ELOOP, ENOENT, type Errno } from '../abi/errno.ts';
import type { VfsContext } from './context.ts';
import type { Dentry } from './dentry.ts';
import type { MountNamespace } from './mount-namespace.ts';
import { type Mount, mountedOn, type Path } from './mount.ts';
import { joinPeers, joinSlaves, wouldOvermount } from './mount-propagation.ts';
import { attachTree, eachMount } from './mount-tree.ts';
import { hasLockedChildren, isDirectory, isGone, mayChangePropagation, mayUseMount } from './mounting.ts';

/** True if `p` is `m` or stands somewhere above it. */
function isAncestor(p: Mount, m: Mount): boolean {
  for (let at: Mount | null = m; at !== null; at = at.parent) if (at === p) return true;
  return false;
}

/** mount --move, and move_mount(2) of anything. `beneath`: under the mount whose root `at` is. */
export function moveMount(ctx: VfsContext, ns: MountNamespace, from: Path, at: Path, beneath: boolean): number {
  const m = from.mount;
  if (!from.isMountRoot) return EINVAL;
  if (isDirectory(at.dentry) !== isDirectory(from.dentry)) return EINVAL;
  let dest = at.mount;
  let place = at.dentry;
  if (beneath) {
    if (!at.isMountRoot || dest.parent === null) return EINVAL;
    place = dest.mountpoint!; // has a parent
    dest = dest.parent;
  }
  if (isGone(dest, place)) return ENOENT;
  if (m.ns === ns) {
    if (m.parent === null || m.locked) return EINVAL;
    // A shared parent would have to show the move to its peers.
    if (m.parent.group !== null) return EINVAL;
    if (dest.ns !== ns) return EINVAL;
  } else {
    if (m.ns === null || !m.ns.anonymous || m.parent !== null) return EINVAL;
    if (m.ns === dest.ns) return EINVAL;
    if (!mayUseMount(ns, dest)) return EINVAL;
  }
  if (beneath) {
    const r = mayGoBeneath(ctx, ns, m, at.mount, place);
    if (r < 0) return r;
  }
  if (dest.group !== null && containsUnbindable(m)) return EINVAL;
  if (pinsOlder(ns, m)) return ELOOP;
  if (isAncestor(m, dest)) return ELOOP;
  return attachTree(m, dest, place, ns);
}

/** Linux can_move_mount_beneath(). */
function mayGoBeneath(ctx: VfsContext, ns: MountNamespace, m: Mount, over: Mount, at: Dentry): 0 | Errno {
  const parent = over.parent!; // the caller saw it
  if (over.locked) return EINVAL;
  if (m.overmount !== null) return EINVAL;
  if (over === ctx.fs.root.mount) return EINVAL;
  if (parent === ns.root) return EINVAL;
  if (isAncestor(over, m)) return EINVAL;
  if (wouldOvermount(parent, over, at)) return EINVAL;
  if (m.ns === ns && wouldOvermount(parent, m, at)) return EINVAL;
  return mountedOn(parent, at) === over ? 0 : EINVAL;
}

function containsUnbindable(m: Mount): boolean {
  let found = false;
  eachMount(m, (c) => {
    found ||= c.unbindable;
  });
  return found;
}

/** True if the tree holds the file of a mount namespace that is not younger than the caller's. */
function pinsOlder(ns: MountNamespace, m: Mount): boolean {
  let found = false;
  eachMount(m, (c) => {
    const pinned = c.root.inode?.mountNamespace ?? null;
    if (pinned !== null && ns.id >= pinned.id) found = true;
  });
  return found;
}

/** MOVE_MOUNT_SET_GROUP: the private mount `to` becomes a peer of `from`, or a slave of its master. */
export function setGroup(ctx: VfsContext, from: Path, to: Path): number {
  const [m, other] = [from.mount, to.mount];
  let r = mayChangePropagation(ctx, m);
  if (r < 0) return r;
  r = mayChangePropagation(ctx, other);
  if (r < 0) return r;
  if (!from.isMountRoot || !to.isMountRoot) return EINVAL;
  if (m.sb !== other.sb) return EINVAL;
  if (!m.root.isAncestorOf(other.root)) return EINVAL;
  if (hasLockedChildren(m, other.root)) return EINVAL;
  if (other.group !== null || other.master !== null) return EINVAL;
  if (m.group === null && m.master === null) return EINVAL;
  if (m.master !== null) joinSlaves(other, m);
  if (m.group !== null) {
    joinPeers(other, m);
    other.unbindable = false;
  }
  return 0;
}
