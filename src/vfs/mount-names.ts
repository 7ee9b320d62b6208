/** What /proc/PID/mountinfo and statmount(2) say of mounts. */
import type { VfsContext } from './context.ts';
import type { Mount, Path } from './mount.ts';
import { isReachable } from './mounting.ts';

/** Path of a mount's root inside its file system. Names of files without a place are their own. */
export function rootName(m: Mount, reader: VfsContext): string {
  const shown = m.sb.pathFor(reader, m.root);
  if (shown !== null) return shown;
  const pseudo = m.sb.pseudoName(m.root);
  if (pseudo !== null) return pseudo;
  if (m.root.isRoot) return '/';
  let name = '';
  for (let d = m.root; !d.isRoot; d = d.parent) name = '/' + d.name + name;
  return name + (m.root.hashed ? '' : '//deleted');
}

/** Number of the nearest group that `m` receives from and that has a member below `root`; 0: none. Linux get_dominating_id(). */
export function dominatingGroup(m: Mount, root: Path): number {
  for (let master = m.master; master !== null; master = master.master)
    for (const peer of master.group?.members ?? [master]) if (peer.ns === m.ns && isReachable(peer, peer.root, root)) return peer.peerGroup;
  return 0;
}
