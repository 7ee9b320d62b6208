/** From a place to its name: Linux's d_path. */
import type { Mount, Path } from './mount.ts';

/**
 * Name of `path` from `root` (null: from the top of its mount tree), with " (deleted)" if the entry is gone. Places that cannot be reached from
 * the root start with "(unreachable)" for getcwd(2), and are named from the top of their own tree for /proc (`markUnreachable` false).
 */
export function pathName(path: Path, root: Path | null = null, deletedSuffix = true, markUnreachable = true): string {
  const dentry = path.dentry;
  // What has no name but what its file system calls it, unless it is mounted somewhere as a whole.
  const own = dentry.sb.pseudoName(dentry);
  if (own !== null && !(dentry === path.mount.root && path.mount.parent !== null)) return own;
  const names: string[] = [];
  let mount: Mount = path.mount;
  let d = dentry;
  let reached = false;
  for (;;) {
    if (root !== null && mount === root.mount && d === root.dentry) {
      reached = true;
      break;
    }
    if (d === mount.root) {
      if (mount.parent === null || mount.mountpoint === null) {
        reached = root === null || mount.ns !== null;
        if (root !== null) reached = false;
        break;
      }
      d = mount.mountpoint;
      mount = mount.parent;
      continue;
    }
    if (d.parent === d) {
      // It was moved out of what the mount shows ("escaped" in Linux's prepend_path): nothing of its name counts.
      names.length = 0;
      break;
    }
    names.push(d.name);
    d = d.parent;
  }
  // Joined at once: put together piece by piece, a long name costs its square when it is read.
  let name = names.length === 0 ? '/' : '/' + names.reverse().join('/');
  if (markUnreachable && root !== null && !reached) name = '(unreachable)' + name;
  if (deletedSuffix && own === null && !dentry.hashed) name += ' (deleted)';
  return name;
}
