/** Peer groups, masters and slaves. Linux fs/pnode.c; Documentation/filesystems/sharedsubtree.rst. */
import { type Errno, isErr } from '../abi/errno.ts';
import { MS_PRIVATE, MS_SHARED, MS_SLAVE, MS_UNBINDABLE } from '../abi/mount.ts';
import type { Dentry } from './dentry.ts';
import { type Mount, mountedOn, PeerGroup } from './mount.ts';
import { COPY_MAKE_SHARED, COPY_SLAVE, copyTree, eachMount } from './mount-tree.ts';

/** Makes `m` shared, in a group of its own, if it is not. */
export function makeShared(m: Mount): void {
  m.unbindable = false;
  if (m.group !== null) return;
  m.group = new PeerGroup(m.sb.vfs.allocatePeerGroup());
  m.group.members.push(m);
}

/** Puts `m` into the peer group of `peer`, which is shared. */
export function joinPeers(m: Mount, peer: Mount): void {
  m.group = peer.group;
  peer.group?.addBehind(m, peer);
}

function leaveMaster(m: Mount): void {
  const slaves = m.master?.slaves;
  if (slaves !== undefined) slaves.splice(slaves.indexOf(m), 1);
  m.master = null;
}

/** Makes `m` receive from `master`, before all others. */
export function setMaster(m: Mount, master: Mount | null): void {
  leaveMaster(m);
  m.master = master;
  master?.slaves.unshift(m);
}

/** Makes `m` receive from the master of `like`, next to it: peers stand together in the list of a master. */
export function joinSlaves(m: Mount, like: Mount): void {
  leaveMaster(m);
  m.master = like.master;
  const slaves = like.master?.slaves;
  if (slaves !== undefined) slaves.splice(slaves.indexOf(like) + 1, 0, m);
}

/** Leaves the peer group; slaves go to the next peer, or to this mount's own master when it was the last one. The heir. Linux transfer_propagation(). */
function leaveGroup(m: Mount): Mount | null {
  const group = m.group;
  if (group === null) return m.master;
  const next = group.next(m);
  const heir = next === m ? m.master : next;
  group.remove(m);
  m.group = null;
  if (next === m) m.sb.vfs.freePeerGroup(group.id);
  for (const s of m.slaves) s.master = heir;
  heir?.slaves.unshift(...m.slaves);
  m.slaves.length = 0;
  return heir;
}

/** Changes the propagation type: one of MS_SHARED, MS_SLAVE, MS_PRIVATE, MS_UNBINDABLE. Linux change_mnt_propagation(). */
export function changePropagation(m: Mount, type: number): void {
  if (type === MS_SHARED) {
    makeShared(m);
    return;
  }
  const heir = leaveGroup(m);
  if (type === MS_SLAVE) {
    setMaster(m, heir);
    return;
  }
  leaveMaster(m);
  if (type === MS_UNBINDABLE) m.unbindable = true;
  else if (type === MS_PRIVATE) m.unbindable = false;
}

/** Leaves all groups: what unmounting does. */
export function leavePropagation(m: Mount): void {
  leaveGroup(m);
  // A slave that has slaves without a group of its own cannot be; but a private mount has none either way.
  leaveMaster(m);
}

const shows = (m: Mount, d: Dentry): boolean => m.root.sb === d.sb && m.root.isAncestorOf(d);

/** A copy that propagation made, and where it goes. */
export interface Propagated {
  readonly copy: Mount;
  readonly parent: Mount;
}

/** The members of the group of `m`, itself first; `m` alone if it is in none. */
function ring(m: Mount): Mount[] {
  const all = m.group?.members;
  if (all === undefined) return [m];
  const i = all.indexOf(m);
  return [...all.slice(i), ...all.slice(0, i)];
}

/**
 * Copies of the tree `source`, about to be mounted on (`dest`, `at`), for everything that receives from `dest`: peers get peers of it, slaves get
 * slaves of it. They are added to `made`, on an error too. Linux propagate_mnt().
 */
export function propagateMount(dest: Mount, at: Dentry, source: Mount, made: Propagated[]): 0 | Errno {
  /** `first` of a group; `tree`: what its copies are made of; `slave`: the first copy is a slave of it, or there is one for `first` already. */
  const visit = (first: Mount, tree: Mount, slave: boolean): 0 | Errno => {
    const members = ring(first);
    let last = tree;
    let flags = slave ? COPY_SLAVE | (first.group !== null ? COPY_MAKE_SHARED : 0) : COPY_MAKE_SHARED;
    for (const m of members) {
      if ((m === first && !slave) || m.ns === null || m.ns.anonymous || !shows(m, at)) continue;
      const copy = copyTree(last, last.root, flags);
      if (isErr(copy)) return copy;
      made.push({ copy, parent: m });
      last = copy;
      flags = COPY_MAKE_SHARED;
    }
    for (const m of members) {
      const seen = new Set<PeerGroup>();
      for (const s of [...m.slaves]) {
        if (s.group !== null) {
          if (seen.has(s.group)) continue;
          seen.add(s.group);
        }
        // What copying made is not mounted anywhere yet.
        if (s.ns === null) continue;
        const r = visit(s, last, true);
        if (r !== 0) return r;
      }
    }
    return 0;
  };
  return visit(dest, source, false);
}

/** Everything that receives what happens on `from`, itself not included: peers, slaves, their peers and slaves. */
export function receivers(from: Mount): Mount[] {
  const out: Mount[] = [];
  const seen = new Set<Mount>([from]);
  const visit = (m: Mount): void => {
    for (const next of m.group === null ? m.slaves : [...m.group.members, ...m.slaves]) {
      if (seen.has(next)) continue;
      seen.add(next);
      out.push(next);
      visit(next);
    }
  };
  visit(from);
  return out;
}

/** What unmounting `m` may take with it elsewhere: the mount at the same place under every receiver of its parent. */
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

const peers = (a: Mount, b: Mount): boolean => a.group !== null && a.group === b.group;

/** True if what is mounted on (`from`, `at`) would be propagated on top of `to`. Linux propagation_would_overmount(). */
export function wouldOvermount(from: Mount, to: Mount, at: Dentry): boolean {
  if (from.group === null || to.root !== at) return false;
  for (let m: Mount | null = to; m !== null; m = m.master) if (peers(from, m)) return true;
  return false;
}

/** Makes a whole tree shared (set_mnt_shared on each). */
export function shareTree(m: Mount): void {
  eachMount(m, makeShared);
}
