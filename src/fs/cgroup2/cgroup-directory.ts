/** A control group as a directory, and its files as inodes. Linux fs/kernfs/dir.c, inode.c; cgroup_mkdir(), cgroup_rmdir(). */
import { EACCES, ENOENT, EOPNOTSUPP, EPERM, type Errno, isErr } from '../../abi/errno.ts';
import type { KGid, KUid } from '../../abi/ids.ts';
import { DT_DIR, DT_REG, S_IFDIR, S_IFREG } from '../../abi/stat.ts';
import type { Cgroup } from '../../kernel/cgroup/cgroup.ts';
import { Task } from '../../kernel/task.ts';
import { copyAttributes } from '../../vfs/attributes.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { DirectoryFile, type EntryLister } from '../../vfs/directory-file.ts';
import type { DirectoryEmitter, FileDescription } from '../../vfs/file-description.ts';
import { ATTR_ATIME, ATTR_CTIME, ATTR_MTIME, Inode, type SetAttributes } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import { XattrStore } from '../../vfs/xattr-store.ts';
import type { CgroupSuperBlock } from './cgroup-fs.ts';
import { CgroupFile } from './cgroup-file.ts';
import { CORE_FILES } from './core-files.ts';
import { CPUSET_FILES, IO_FILES, PIDS_FILES } from './controller-files.ts';
import { CPU_FILES } from './cpu-files.ts';
import type { CgroupFileType } from './file-type.ts';
import { MEMORY_FILES } from './memory-files.ts';

const FILES: readonly CgroupFileType[] = [...CORE_FILES, ...CPU_FILES, ...CPUSET_FILES, ...IO_FILES, ...MEMORY_FILES, ...PIDS_FILES];
const BY_NAME: ReadonlyMap<string, CgroupFileType> = new Map(FILES.map((f) => [f.name, f]));
const ALL_TIMES: number = ATTR_ATIME | ATTR_MTIME | ATTR_CTIME;

/** Is the file in the directory of `c`? */
function present(f: CgroupFileType, c: Cgroup): boolean {
  if (f.where === (c.isRoot ? 'child' : 'root')) return false;
  // cgroup.pressure hides what it switches off.
  if (!c.pressure.enabled && f.triggers) return false;
  return f.controller === 0 || (c.controllers & f.controller) !== 0;
}

abstract class CgroupNode extends Inode {
  private xattrs: XattrStore | null = null;
  constructor(sb: CgroupSuperBlock, mode: number, uid: KUid, gid: KGid) {
    super(sb, sb.allocateIno(), mode);
    this.uid = uid;
    this.gid = gid;
    this.touch(ALL_TIMES);
  }
  override setattr(_ctx: VfsContext, attrs: SetAttributes): number {
    copyAttributes(this, attrs);
    return 0;
  }
  override getxattr(_ctx: VfsContext, name: string): Uint8Array | Errno {
    return name.startsWith('system.') ? EOPNOTSUPP : (this.xattrs ??= new XattrStore()).get(name);
  }
  override setxattr(_ctx: VfsContext, name: string, value: Uint8Array, flags: number): number {
    return name.startsWith('system.') ? EOPNOTSUPP : (this.xattrs ??= new XattrStore()).set(name, value, flags);
  }
  override removexattr(_ctx: VfsContext, name: string): number {
    return name.startsWith('system.') ? EOPNOTSUPP : (this.xattrs ??= new XattrStore()).remove(name);
  }
  override listxattr(): string[] | Errno {
    return this.xattrs === null ? [] : this.xattrs.names();
  }
}

class CgroupFileNode extends CgroupNode {
  readonly type: CgroupFileType;
  private readonly directory: CgroupDirectory;
  constructor(sb: CgroupSuperBlock, directory: CgroupDirectory, type: CgroupFileType) {
    super(sb, S_IFREG | type.mode, directory.madeBy.uid, directory.madeBy.gid);
    this.directory = directory;
    this.type = type;
  }
  override revalidate(): boolean {
    return this.directory.has(this.type);
  }
  override openFile(ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    return ctx instanceof Task ? new CgroupFile(path, flags, this.directory.cgroup, this.type, ctx) : EACCES;
  }
}

export class CgroupDirectory extends CgroupNode implements EntryLister {
  readonly cgroup: Cgroup;
  /** Owner of the files: who made the group. */
  readonly madeBy: { readonly uid: KUid; readonly gid: KGid };
  private readonly files: Map<string, CgroupFileNode> = new Map();
  constructor(sb: CgroupSuperBlock, cgroup: Cgroup, mode: number, uid: KUid, gid: KGid) {
    super(sb, S_IFDIR | mode, uid, gid);
    this.cgroup = cgroup;
    this.madeBy = { uid, gid };
    this.nlink = 2;
  }
  private get fs(): CgroupSuperBlock {
    return this.sb as CgroupSuperBlock;
  }
  has(type: CgroupFileType): boolean {
    return !this.cgroup.dead && present(type, this.cgroup);
  }
  /** The inode of a file, made when it is first asked for; forgotten while the file is not there. */
  node(type: CgroupFileType): CgroupFileNode {
    let n = this.files.get(type.name);
    if (n === undefined) this.files.set(type.name, (n = new CgroupFileNode(this.fs, this, type)));
    return n;
  }
  nodeNamed(name: string): Inode | null {
    return this.files.get(name) ?? null;
  }

  override refresh(): number {
    this.nlink = this.cgroup.dead ? 0 : 2 + this.cgroup.children.size;
    return 0;
  }
  override revalidate(): boolean {
    return !this.cgroup.dead;
  }
  override lookup(_ctx: VfsContext, name: string): Inode | Errno {
    const child = this.cgroup.children.get(name);
    if (child !== undefined) return this.fs.directoryOf(child);
    const type = BY_NAME.get(name);
    if (type !== undefined) {
      if (this.has(type)) return this.node(type);
      this.files.delete(name);
    }
    return ENOENT;
  }
  override mkdir(ctx: VfsContext, name: string, mode: number): Inode | Errno {
    const made = this.cgroup.hierarchy.create(this.cgroup, name);
    if (isErr(made)) return made;
    this.touch(ATTR_MTIME | ATTR_CTIME);
    return this.fs.addDirectory(made, mode & 0o7777, ctx.credentials.fsuid, ctx.credentials.fsgid);
  }
  override rmdir(_ctx: VfsContext, _name: string, victim: Inode): number {
    if (!(victim instanceof CgroupDirectory)) return EPERM;
    const r = this.cgroup.hierarchy.destroy(victim.cgroup);
    if (r < 0) return r;
    this.fs.dropDirectory(victim.cgroup);
    this.touch(ATTR_MTIME | ATTR_CTIME);
    victim.nlink = 0;
    return 0;
  }
  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription {
    return new DirectoryFile(path, flags, this, this);
  }

  list(_ctx: VfsContext, position: number, parentIno: number, emitter: DirectoryEmitter): number {
    const entries: readonly (readonly [string, Inode, number])[] = this.cgroup.dead
      ? []
      : [
          ...FILES.filter((f) => this.has(f)).map((f) => [f.name, this.node(f), DT_REG] as const),
          ...[...this.cgroup.children].map(([name, c]) => [name, this.fs.directoryOf(c), DT_DIR] as const),
        ];
    // A position is a hash of the name, so that it stays valid when others come and go.
    const placed = entries.map(([name, inode, type]) => ({ name, inode, type, at: place(name) })).sort((a, b) => a.at - b.at);
    let pos = position;
    if (pos === 0) {
      if (!emitter.emit('.', this.ino, DT_DIR, 1)) return 0;
      pos = 1;
    }
    if (pos === 1) {
      if (!emitter.emit('..', parentIno, DT_DIR, 2)) return 1;
      pos = 2;
    }
    for (const e of placed) {
      if (e.at < pos) continue;
      if (!emitter.emit(e.name, e.inode.ino, e.type, e.at + 1)) return e.at;
      pos = e.at + 1;
    }
    return pos;
  }
}

/** Where a name stands in a listing: 48 bits of hash, so that two names share a place practically never. */
function place(name: string): number {
  let low = 5381;
  let high = 52711;
  for (let i = 0; i < name.length; i++) {
    low = (Math.imul(low, 33) + name.charCodeAt(i)) >>> 0;
    high = (Math.imul(high, 31) + name.charCodeAt(i)) >>> 0;
  }
  return 2 + (high % 0x10000) * 4294967296 + low;
}
