/** Peer groups, masters and slaves. Linux fs/pnode.c; Documentation/filesystems/sharedsubtree.rst. */
import { MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from '../abi/mount.ts';
import type { Dentry } from './dentry.ts';
import { type Mount, mountedOn, PeerGroup } from './mount.ts';
import { type CopyFlags, COPY_MAKE_SHARED, COPY_SLAVE, COPY_UNBINDABLE, copyTree, eachMount } from './mount-tree.ts';

/** Makes `m` shared, in a group of its own, if it is not. */
export function makeShared(m: Mount): void {
  if (m.group !== null) return;
  m.group = new PeerGroup(m.sb.vfs.allocatePeerGroup());
  m.group.members.add(m);
}

/** Puts `m` into the peer group of `peer`, which is shared. */
export function joinPeers(m: Mount, peer: Mount): void {
  m.group = peer.group;
  peer.group?.members.add(m);
}

export function setMaster(m: Mount, master: Mount | null): void {
  m.master?.slaves.delete(m);
  m.master = master;
  master?.slaves.add(m);
}

/** Leaves the peer group; slaves go to another peer, or to this mount's own master when it was the last one. Linux transfer_propagation(). */
function leaveGroup(m: Mount): Mount | null {
  const group = m.group;
  let heir: Mount | null = null;
  if (group !== null) {
    group.members.delete(m);
    m.group = null;
    // Prefer a peer that shows the same directory.
    for (const p of group.members) if (p.root === m.root) heir ??= p;
    for (const p of group.members) heir ??= p;
    if (group.members.size === 0) m.sb.vfs.freePeerGroup(group.id);
  }
  heir ??= m.master;
  for (const s of [...m.slaves]) setMaster(s, heir);
  return heir;
}

/** Changes the propagation type: one of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE. */
export function changePropagation(m: Mount, type: number): void {
  if (type === MS_SHARED) {
    makeShared(m);
    m.unbindable = false;
    return;
  }
  const heir = leaveGroup(m);
  if (type === MS_SLAVE) {
    if (heir !== m.master) setMaster(m, heir);
  } else setMaster(m, null);
  if (type === MS_UNBINDABLE) m.unbindable = true;
  else if (type === MS_PRIVATE || type === MS_SLAVE) m.unbindable = false;
}

/** Leaves all groups: what unmounting does. */
export function leavePropagation(m: Mount): void {
  leaveGroup(m);
  setMaster(m, null);
}

const shows = (m: Mount, d: Dentry): boolean => m.root.sb === d.sb && m.root.isAncestorOf(d);

/** A copy that propagation made, and where it goes. */
export interface Propagated {
  readonly copy: Mount;
  readonly parent: Mount;
}

/**
 * Copies of the tree `source`, about to be mounted on (`dest`, `at`), for everything that receives from `dest`: peers get peers of it, slaves get
 * slaves of it. Null when a tree cannot be copied. Linux propagate_mnt().
 */
export function propagateMount(dest: Mount, at: Dentry, source: Mount): Propagated[] {
  const made: Propagated[] = [];
  const toGroup = (members: Iterable<Mount>, from: Mount, tree: Mount): void => {
    const reached: [Mount, Mount][] = [[from, tree]];
    for (const peer of members) {
      if (peer === from) continue;
      if (peer.ns === null || !shows(peer, at)) {
        reached.push([peer, tree]);
        continue;
      }
      const copy = copyFor(tree, COPY_UNBINDABLE | COPY_MAKE_SHARED);
      made.push({ copy, parent: peer });
      reached.push([peer, copy]);
    }
    for (const [peer, peerTree] of reached) {
      const groupsSeen = new Set<PeerGroup>();
      for (const slave of peer.slaves) {
        if (slave.group !== null) {
          if (groupsSeen.has(slave.group)) continue;
          groupsSeen.add(slave.group);
        }
        let copy = peerTree;
        if (slave.ns !== null && shows(slave, at)) {
          copy = copyFor(peerTree, COPY_UNBINDABLE | COPY_SLAVE | (slave.group !== null ? COPY_MAKE_SHARED : 0));
          made.push({ copy, parent: slave });
        }
        toGroup(slave.group === null ? [] : slave.group.members, slave, copy);
      }
    }
  };
  toGroup(dest.group === null ? [] : dest.group.members, dest, source);
  return made;
}

function copyFor(tree: Mount, flags: CopyFlags): Mount {
  return copyTree(tree, tree.root, flags)!; // unbindable mounts are copied too, so nothing is refused
}

/** Everything that receives what happens on `from`, itself not included: peers, slaves, their peers and slaves. */
export function receivers(from: Mount): Mount[] {
  const out: Mount[] = [];
  const seen = new Set<Mount>([from]);
  const visit = (m: Mount): void => {
    if (m.group !== null)
      for (const p of m.group.members)
        if (!seen.has(p)) {
          seen.add(p);
          out.push(p);
          visit(p);
        }
    for (const s of m.slaves)
      if (!seen.has(s)) {
        seen.add(s);
        out.push(s);
        visit(s);
      }
  };
  visit(from);
  return out;
}

/** What unmounting `m` takes with it elsewhere: the mount at the same place under every receiver of its parent. */
export function propagatedUmounts(m: Mount): Mount[] {
  const { parent, mountpoint } = m;
  if (parent === null || mountpoint === null) return [];
  const out: Mount[] = [];
  for (const r of receivers(parent)) {
    const child = mountedOn(r, mountpoint);
    if (child !== null) out.push(child);
  }
  return out;
}

/** Makes a whole tree shared (set_mnt_shared on each). */
export function shareTree(m: Mount): void {
  eachMount(m, makeShared);
}
