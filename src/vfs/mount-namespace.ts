/** Mount namespaces: a tree of mounts of its own. Linux struct mnt_namespace. */
import { type Errno, isErr } from '../abi/errno.ts';
import { Namespace } from '../auth/namespace.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { FsContext } from './fs-context.ts';
import { type Mount, Path } from './mount.ts';
import { COPY_SHARED_TO_SLAVE, COPY_UNBINDABLE, copyTree, eachMount, lockTree, topmost, UMOUNT_CONNECTED, umountTree } from './mount-tree.ts';
import type { Vfs } from './vfs.ts';

export class MountNamespace extends Namespace {
  readonly kind = 'mnt';
  readonly vfs: Vfs;
  /** The root of the tree. */
  root: Mount;
  /** Every mount of the namespace; ordered() sorts them. */
  readonly mounts: Set<Mount> = new Set();
  /** Changes whenever the tree does; /proc/PID/mounts polls on it. */
  generation = 1;
  readonly changed: WaitQueue = new WaitQueue();
  /** A detached tree, as open_tree(2) and fsmount(2) make them: no task is in it. */
  readonly anonymous: boolean;
  /** Of a detached tree: number of the namespace that it was copied from; 0: it is new. */
  origin = 0;

  constructor(vfs: Vfs, root: Mount, userNs: UserNamespace, inum: number) {
    super(userNs, inum);
    this.vfs = vfs;
    this.root = root;
    this.anonymous = inum === 0;
    this.adoptTree(root);
  }

  /** Where path resolution starts for a new task: the root, through whatever is mounted on it. */
  rootPath(): Path {
    const mount = topmost(this.root);
    return new Path(mount, mount.root);
  }

  /** The mounts in the order of /proc/PID/mountinfo: as they were made. */
  ordered(): Mount[] {
    return [...this.mounts].sort((a, b) => a.uniqueId - b.uniqueId);
  }
  /** The mount of that never reused number, or undefined. */
  find(uniqueId: number): Mount | undefined {
    for (const m of this.mounts) if (m.uniqueId === uniqueId) return m;
    return undefined;
  }

  /** Mounts `mount` at `at`, with all its children, without propagation: for building the first tree. */
  attach(mount: Mount, at: Path): void {
    mount.attach(at);
    this.adoptTree(mount);
  }

  adoptTree(mount: Mount): void {
    eachMount(mount, (m) => {
      const fresh = m.ns !== this;
      m.ns = this;
      this.mounts.add(m);
      if (fresh) this.vfs.listeners?.mountEvent(this, m, true);
    });
    this.touch();
  }
  /** A mount has left the tree. */
  forget(mount: Mount): void {
    this.mounts.delete(mount);
    this.vfs.listeners?.mountEvent(this, mount, false);
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
  copy(userNs: UserNamespace, inum: number, fs: FsContext | null): MountNamespace | Errno {
    const foreign = userNs !== this.userNs;
    const copies = new Map<Mount, Mount>();
    const root = copyTree(this.root, this.root.root, COPY_UNBINDABLE | (foreign ? COPY_SHARED_TO_SLAVE : 0), copies);
    if (isErr(root)) return root;
    if (foreign) lockTree(root);
    const ns = new MountNamespace(this.vfs, root, userNs, inum);
    if (fs !== null) {
      const [rootCopy, pwdCopy] = [copies.get(fs.root.mount), copies.get(fs.pwd.mount)];
      if (rootCopy !== undefined) fs.setRoot(new Path(rootCopy, fs.root.dentry));
      if (pwdCopy !== undefined) fs.setPwd(new Path(pwdCopy, fs.pwd.dentry));
    }
    return ns;
  }

  /** Nobody is in it any more: everything is unmounted. */
  protected override end(): void {
    if (this.mounts.has(this.root)) umountTree(this.root, this.anonymous ? UMOUNT_CONNECTED : 0);
  }
}
