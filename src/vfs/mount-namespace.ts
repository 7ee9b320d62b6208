/** Mount namespaces: a tree of mounts of its own. Cloning, propagation and pivot_root work on it. */
import type { WaitQueue } from '../base/wait-queue.ts';
import { WaitQueue as Queue } from '../base/wait-queue.ts';
import type { Mount } from './mount.ts';
import { mountedOn, Path } from './mount.ts';
import type { Vfs } from './vfs.ts';

export class MountNamespace {
  readonly vfs: Vfs;
  /** The root of the tree. */
  root: Mount;
  /** Every mount of the namespace, in the order of /proc/PID/mountinfo. */
  readonly mounts: Set<Mount> = new Set();
  /** Changes whenever the tree does; /proc/PID/mounts polls on it. */
  generation = 1;
  readonly changed: WaitQueue = new Queue();
  users = 1;

  constructor(vfs: Vfs, root: Mount) {
    this.vfs = vfs;
    this.root = root;
    this.adopt(root);
  }

  /** Where path resolution starts for a new task: the root, through whatever is mounted on it. */
  rootPath(): Path {
    let mount = this.root;
    for (let over = mountedOn(mount, mount.root); over !== null; over = mountedOn(mount, mount.root)) mount = over;
    return new Path(mount, mount.root);
  }

  /** Mounts `mount` at `at`, with all its children. */
  attach(mount: Mount, at: Path): void {
    mount.attach(at);
    this.adoptTree(mount);
  }

  /** Takes a mount and everything under it out of the tree. */
  detachTree(mount: Mount): void {
    for (const child of [...mount.children]) this.detachTree(child);
    mount.detach();
    this.mounts.delete(mount);
    mount.ns = null;
    this.touch();
    const sb = mount.sb;
    if (--sb.mountCount === 0 && mount.refs === 0) sb.kill();
  }

  adoptTree(mount: Mount): void {
    this.adopt(mount);
    for (const child of mount.children) this.adoptTree(child);
  }

  private adopt(mount: Mount): void {
    mount.ns = this;
    this.mounts.add(mount);
    this.touch();
  }

  touch(): void {
    this.generation++;
    this.changed.wake();
  }
}
