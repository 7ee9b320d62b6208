/** Trees of mounts that are in no task's namespace: what open_tree(2) with OPEN_TREE_CLONE and fsmount(2) give. Linux fs/namespace.c open_detached_copy(). */
import { type Errno, isErr } from '../abi/errno.ts';
import { O_PATH } from '../abi/fcntl.ts';
import { PathDescription } from './file-description.ts';
import { MountNamespace } from './mount-namespace.ts';
import { type Mount, Path } from './mount.ts';
import { UMOUNT_CONNECTED, umountTree } from './mount-tree.ts';
import { bindCopy } from './mounting.ts';

/** The descriptor of a detached tree: an O_PATH one. Unless the tree was mounted, it ends with the last close (dissolve_on_fput). */
export class DetachedTree extends PathDescription {
  private readonly top: Mount;
  private readonly ns: MountNamespace;
  constructor(ns: MountNamespace) {
    super(new Path(ns.root, ns.root.root), O_PATH);
    this.top = ns.root;
    this.ns = ns;
  }
  override release(): void {
    if (this.top.ns === this.ns) umountTree(this.top, UMOUNT_CONNECTED);
    this.ns.put();
  }
}

/** `top` and what is mounted on it as a tree of its own, owned by who owns `ns`. */
export function detachedTree(ns: MountNamespace, top: Mount, origin: number): DetachedTree {
  const anonymous = new MountNamespace(ns.vfs, top, ns.userNs, 0);
  anonymous.origin = origin;
  return new DetachedTree(anonymous);
}

/** A copy of what `from` shows, detached. EINVAL. */
export function openDetachedCopy(ns: MountNamespace, from: Path, recursive: boolean): DetachedTree | Errno {
  const source = from.mount.ns;
  const copy = bindCopy(ns, from, recursive);
  if (isErr(copy)) return copy;
  return detachedTree(ns, copy, source === null ? 0 : source.anonymous ? source.origin : source.id);
}
