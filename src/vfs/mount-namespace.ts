/** Mount namespaces: a tree of mounts of its own. Linux struct mnt_namespace. */
import { Namespace } from '../auth/namespace.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { FsContext } from './fs-context.ts';
import { type Mount, mountedOn, Path } from './mount.ts';
import { COPY_SHARED_TO_SLAVE, COPY_UNBINDABLE, copyTree, lockTree, umountTree } from './mount-tree.ts';
import type { Vfs } from './vfs.ts';

export class MountNamespace extends Namespace {
  readonly kind = 'mnt';
  readonly vfs: Vfs;
  /** The root of the tree. */
  root: Mount;
  /** Every mount of the namespace, in the order of /proc/PID/mountinfo. */
  readonly mounts: Set<Mount> = new Set();
  /** Changes whenever the tree does; /proc/PID/mounts polls on it. */
  generation = 1;
  readonly changed: WaitQueue = new WaitQueue();

  constructor(vfs: Vfs, root: Mount, userNs: UserNamespace, inum: number) {
    super(userNs, inum);
    this.vfs = vfs;
    this.root = root;
    this.adoptTree(root);
  }

  /** Where path resolution starts for a new task: the root, through whatever is mounted on it. */
  rootPath(): Path {
    let mount = this.root;
    for (let over = mountedOn(mount, mount.root); over !== null; over = mountedOn(mount, mount.root)) mount = over;
    return new Path(mount, mount.root);
  }

  /** Mounts `mount` at `at`, with all its children, without propagation: for building the first tree. */
  attach(mount: Mount, at: Path): void {
    mount.attach(at);
    this.adoptTree(mount);
  }

  adoptTree(mount: Mount): void {
    mount.ns = this;
    this.mounts.add(mount);
    for (const child of mount.children) this.adoptTree(child);
    this.touch();
  }
  /** A mount has left the tree. */
  forget(mount: Mount): void {
    this.mounts.delete(mount);
    this.touch();
  }
  touch(): void {
    this.generation++;
    this.changed.wake();
  }

  /**
   * A copy of this namespace, owned by `userNs`. `fs` (the new task's root and working directory, or null) is moved over to the copies.
   * Linux copy_mnt_ns().
   */
  copy(userNs: UserNamespace, inum: number, fs: FsContext | null): MountNamespace {
    const foreign = userNs !== this.userNs;
    const root = copyTree(this.root, this.root.root, COPY_UNBINDABLE | (foreign ? COPY_SHARED_TO_SLAVE : 0))!; // COPY_UNBINDABLE refuses nothing
    if (foreign) lockTree(root);
    const ns = new MountNamespace(this.vfs, root, userNs, inum);
    if (fs !== null) {
      const pair = (from: Mount, to: Mount): void => {
        if (fs.root.mount === from) fs.setRoot(new Path(to, fs.root.dentry));
        if (fs.pwd.mount === from) fs.setPwd(new Path(to, fs.pwd.dentry));
        const copies = to.children.values();
        for (const c of from.children) {
          const copy = copies.next();
          if (!copy.done) pair(c, copy.value);
        }
      };
      pair(this.root, root);
    }
    return ns;
  }

  /** Nobody is in it any more: everything is unmounted. */
  protected override end(): void {
    umountTree(this.root, false);
  }
}
