/** The cgroup2 file system: one instance, whose mounts start at the root of their maker's cgroup namespace. Linux kernel/cgroup/cgroup.c. */
import { EINVAL, type Errno } from '../../abi/errno.ts';
import { type KGid, type KUid, ROOT_KGID, ROOT_KUID } from '../../abi/ids.ts';
import type { Credentials } from '../../auth/credentials.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import type { Cgroup } from '../../kernel/cgroup/cgroup.ts';
import type { CgroupFiles, CgroupHierarchy } from '../../kernel/cgroup/hierarchy.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { INITIAL_CGROUP_NS_INUM } from '../../kernel/nsproxy.ts';
import { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Dentry } from '../../vfs/dentry.ts';
import type { ParameterTable } from '../../vfs/mount-config.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import { type FileSystemType, parseMountOptions } from '../../vfs/file-system.ts';
import { IN_MODIFY, notifyInode, notifyNamed } from '../../vfs/notify.ts';
import { lookupChild } from '../../vfs/path-walk.ts';
import { genericPermission, MAY_WRITE } from '../../vfs/permission.ts';
import { SuperBlock } from '../../vfs/super-block.ts';
import { CgroupDirectory } from './cgroup-directory.ts';

const CGROUP2_SUPER_MAGIC = 0x63677270;
/** Mount options that are taken; in the order in which they are shown. */
const OPTIONS = ['nsdelegate', 'favordynmods', 'memory_localevents', 'memory_recursiveprot', 'memory_hugetlb_accounting', 'pids_localevents'] as const;

export class CgroupSuperBlock extends SuperBlock implements CgroupFiles {
  override readonly stable = false;
  override readonly cachesNegative = false;
  private readonly hierarchy: CgroupHierarchy;
  private readonly directories: Map<Cgroup, CgroupDirectory> = new Map();
  private nextIno = 1;
  options: ReadonlySet<string> = new Set();

  constructor(kernel: Kernel) {
    super(kernel.vfs, 'cgroup2', CGROUP2_SUPER_MAGIC);
    this.hierarchy = kernel.cgroups;
    this.hierarchy.files = this;
    this.userNs = kernel.userNs;
    this.initRoot(this.addDirectory(this.hierarchy.root, 0o555, ROOT_KUID, ROOT_KGID));
  }
  allocateIno(): number {
    return this.nextIno++;
  }
  addDirectory(c: Cgroup, mode: number, uid: KUid, gid: KGid): CgroupDirectory {
    const d = new CgroupDirectory(this, c, mode, uid, gid);
    this.directories.set(c, d);
    c.id = d.ino;
    return d;
  }
  directoryOf(c: Cgroup): CgroupDirectory {
    return this.directories.get(c)!; // made with the group
  }
  dropDirectory(c: Cgroup): void {
    this.directories.delete(c);
  }

  setOptions(names: ReadonlySet<string>): void {
    this.options = names;
    this.hierarchy.nsDelegate = names.has('nsdelegate');
  }
  override showOptions(): string {
    return OPTIONS.filter((o) => this.options.has(o)).map((o) => `,${o}`).join('');
  }
  override remount(ctx: VfsContext, _flags: number, options: string): number {
    const names = parseOptions(options);
    if (typeof names === 'number') return names;
    if (inInitialNamespace(ctx)) this.setOptions(names);
    return 0;
  }

  /** Where a new mount starts. */
  override rootFor(ctx: VfsContext): Dentry {
    if (!(ctx instanceof Task)) return this.root;
    let d = this.root;
    const path: string[] = [];
    for (let c = ctx.nsproxy.cgroup.root; c.parent !== null; c = c.parent) path.unshift(c.name);
    for (const name of path) {
      const child = lookupChild(ctx, d, name);
      if (typeof child === 'number' || child.inode === null) return this.root;
      d = child;
    }
    return d;
  }
  /** Mounts are named as the reader's cgroup namespace sees them. */
  override pathFor(ctx: VfsContext, dentry: Dentry): string | null {
    const { inode } = dentry;
    return inode instanceof CgroupDirectory && ctx instanceof Task ? inode.cgroup.pathFrom(ctx.nsproxy.cgroup.root) : null;
  }

  // What the hierarchy asks.
  mayWrite(c: Credentials, cgroup: Cgroup): number {
    const directory = this.directories.get(cgroup);
    const file = directory?.lookup({} as VfsContext, 'cgroup.procs');
    return file === undefined || typeof file === 'number' ? 0 : genericPermission(c, file, MAY_WRITE);
  }
  cgroupOf(file: FileDescription): Cgroup | null {
    return file.inode instanceof CgroupDirectory ? file.inode.cgroup : null;
  }
  modified(cgroup: Cgroup, name: string): void {
    const directory = this.directories.get(cgroup);
    const node = directory?.nodeNamed(name);
    if (directory === undefined) return;
    notifyNamed(directory, IN_MODIFY, name);
    if (node) notifyInode(node, IN_MODIFY);
  }
}

/** Elsewhere options are taken and do nothing. */
const inInitialNamespace = (ctx: VfsContext): boolean => !(ctx instanceof Task) || ctx.nsproxy.cgroup.inum === INITIAL_CGROUP_NS_INUM;

function parseOptions(text: string): Set<string> | Errno {
  const names = new Set<string>();
  for (const { key, value } of parseMountOptions(text)) {
    if (value !== undefined) return EINVAL;
    if (key === 'nofavordynmods') names.delete('favordynmods');
    else if ((OPTIONS as readonly string[]).includes(key)) names.add(key);
    else return EINVAL;
  }
  return names;
}

export class CgroupType implements FileSystemType {
  readonly name = 'cgroup2';
  readonly requiresDevice = false;
  readonly userNamespaceMount = true;
  readonly parameters: ParameterTable = { ...Object.fromEntries(OPTIONS.map((o) => [o, 'flag'] as const)), nofavordynmods: 'flag' };
  private readonly kernel: Kernel;
  private sb: CgroupSuperBlock | null = null;
  constructor(kernel: Kernel) {
    this.kernel = kernel;
  }
  owner(ctx: VfsContext): UserNamespace {
    return ctx instanceof Task ? ctx.nsproxy.cgroup.userNs : this.kernel.userNs;
  }
  mount(ctx: VfsContext, _source: string, _flags: number, options: string): SuperBlock | Errno {
    const names = parseOptions(options);
    if (typeof names === 'number') return names;
    const sb = (this.sb ??= new CgroupSuperBlock(this.kernel));
    // Each mount there sets them anew for all.
    if (inInitialNamespace(ctx)) sb.setOptions(names);
    return sb;
  }
}
