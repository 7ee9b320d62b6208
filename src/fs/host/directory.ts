/** Host directories. */
import type { Errno } from '../../abi/errno.ts';
import { EINVAL, ENOENT, EOPNOTSUPP } from '../../abi/errno.ts';
import { O_CREAT, O_EXCL, O_RDWR, RENAME_NOREPLACE } from '../../abi/fcntl.ts';
import type { HostStat } from '../../host/host-files.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { DirectoryFile, type EntryLister } from '../../vfs/directory-file.ts';
import type { DirectoryEmitter, FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { HostFileSystem } from './host-file-system.ts';
import { HostInode } from './inode.ts';
import { HostRegular } from './regular.ts';

/** Look-ups of missing names after which a cached directory is listed once. */
const MISSES_BEFORE_LISTING = 4;

export class HostDirectory extends HostInode implements EntryLister {
  /** Shown empty: another system's proc, sys or dev. */
  readonly hidden: boolean;
  private children: Map<string, HostInode> | null = null;
  /** Listing, in the host's order; kept for good when cached, per open otherwise. */
  private names: string[] | null = null;
  private types: number[] = [];
  /** Only when cached: the names of the listing, and how many look-ups found nothing before it was made. */
  private nameSet: Set<string> | null = null;
  private misses = 0;
  private pathCache: string | null = null;
  private pathRenames = 0;

  constructor(host: HostFileSystem, s: HostStat, parent: HostDirectory | null, name: string) {
    super(host, s, parent, name);
    this.hidden = host.hidden.size > 0 && host.hidden.has(this.path());
  }

  /** Host path with a slash behind it. */
  prefix(): string {
    if (this.pathCache === null || this.pathRenames !== this.host.renames) {
      const p = this.path();
      this.pathCache = p === '/' ? p : p + '/';
      this.pathRenames = this.host.renames;
    }
    return this.pathCache;
  }

  override place(parent: HostDirectory | null, name: string): void {
    super.place(parent, name);
    this.pathCache = null;
  }

  override lookup(_ctx: VfsContext, name: string): Inode | Errno {
    return this.child(name);
  }

  /** The inode of `name`, remembered when cached. */
  private child(name: string): HostInode | Errno {
    if (this.hidden) return ENOENT;
    const host = this.host;
    if (host.cached) {
      const known = this.children?.get(name);
      if (known !== undefined) return known;
      if (this.isMissing(name)) return ENOENT;
    }
    const r = host.files.lstat(this.prefix() + name, host.stat);
    if (r < 0) {
      this.misses++;
      return r as Errno;
    }
    const inode = host.inodeFromStat(this, name);
    if (host.cached) (this.children ??= new Map()).set(name, inode);
    return inode;
  }

  /** After a few names that were not there, the whole listing answers. */
  private isMissing(name: string): boolean {
    if (this.nameSet === null) {
      if (this.misses < MISSES_BEFORE_LISTING) return false;
      const names = this.listing();
      if (typeof names === 'number') return false;
      this.nameSet = new Set(names);
    }
    return !this.nameSet.has(name);
  }

  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    return new DirectoryFile(path, flags, this, this);
  }

  /** Names in the host's order, read when not at hand. */
  private listing(): string[] | Errno {
    if (this.names !== null) return this.names;
    if (this.hidden) return (this.names = []);
    this.types = [];
    const names = this.host.files.readdir(this.path(), this.types);
    if (typeof names !== 'number') this.names = names;
    return names;
  }

  list(ctx: VfsContext, position: number, parentIno: number, emitter: DirectoryEmitter): number {
    let pos = position;
    if (pos === 0) {
      if (!this.host.cached) this.names = null;
      if (!emitter.emit('.', this.ino, 4, 1)) return 0;
      pos = 1;
    }
    if (pos === 1) {
      if (!emitter.emit('..', parentIno, 4, 2)) return 1;
      pos = 2;
    }
    const names = this.listing();
    if (typeof names === 'number') return names;
    for (; pos - 2 < names.length; pos++) {
      const name = names[pos - 2]!;
      const inode = this.lookup(ctx, name);
      // Gone since the listing was read.
      if (typeof inode === 'number') continue;
      if (!emitter.emit(name, inode.ino, (inode.mode >> 12) & 15, pos + 1)) return pos;
    }
    return pos;
  }

  private changed(): void {
    this.names = null;
    this.fetch();
  }

  /** After something was made: owner as the guest wants it (where the host lets us), then its inode. */
  private made(ctx: VfsContext, name: string): Inode | Errno {
    const host = this.host;
    const path = this.prefix() + name;
    const r = host.files.lstat(path, host.stat);
    if (r < 0) return r as Errno;
    const uid = ctx.credentials.fsuid;
    const gid = this.mode & 0o2000 ? this.gid : ctx.credentials.fsgid;
    if (host.stat.uid !== uid || host.stat.gid !== gid) {
      host.files.lchown(path, uid, gid);
      host.files.lstat(path, host.stat);
    }
    const inode = host.inodeFromStat(this, name);
    this.changed();
    return inode;
  }

  override create(ctx: VfsContext, name: string, mode: number): Inode | Errno {
    const w = this.host.checkWritable();
    if (w < 0) return w as Errno;
    const fd = this.host.files.open(this.prefix() + name, O_RDWR | O_CREAT | O_EXCL, mode & 0o7777);
    if (fd < 0) return fd as Errno;
    const inode = this.made(ctx, name);
    if (inode instanceof HostRegular && inode.fd < 0) inode.adoptDescriptor(fd);
    else this.host.files.close(fd);
    return inode;
  }
  override mkdir(ctx: VfsContext, name: string, mode: number): Inode | Errno {
    const w = this.host.checkWritable();
    if (w < 0) return w as Errno;
    const r = this.host.files.mkdir(this.prefix() + name, mode & 0o7777);
    return r < 0 ? (r as Errno) : this.made(ctx, name);
  }
  override mknod(ctx: VfsContext, name: string, mode: number, rdev: number): Inode | Errno {
    const w = this.host.checkWritable();
    if (w < 0) return w as Errno;
    const r = this.host.files.mknod(this.prefix() + name, mode, rdev);
    return r < 0 ? (r as Errno) : this.made(ctx, name);
  }
  override symlink(ctx: VfsContext, name: string, target: string): Inode | Errno {
    const w = this.host.checkWritable();
    if (w < 0) return w as Errno;
    const r = this.host.files.symlink(target, this.prefix() + name);
    return r < 0 ? (r as Errno) : this.made(ctx, name);
  }
  override link(_ctx: VfsContext, target: Inode, name: string): number {
    let r = this.host.checkWritable();
    if (r < 0) return r;
    if ((target as HostInode).gone) return ENOENT;
    r = this.host.files.link((target as HostInode).path(), this.prefix() + name);
    if (r < 0) return r;
    target.nlink++;
    this.changed();
    return 0;
  }
  override unlink(_ctx: VfsContext, name: string, victim: Inode): number {
    let r = this.host.checkWritable();
    if (r < 0) return r;
    // What is open must stay reachable: take a descriptor before the name goes.
    if (victim instanceof HostRegular && victim.openCount > 0) this.host.descriptor(victim);
    r = this.host.files.unlink(this.prefix() + name);
    if (r < 0) return r;
    (victim as HostInode).unlinked();
    this.changed();
    return 0;
  }
  override rmdir(_ctx: VfsContext, name: string, victim: Inode): number {
    let r = this.host.checkWritable();
    if (r < 0) return r;
    r = this.host.files.rmdir(this.prefix() + name);
    if (r < 0) return r;
    const v = victim as HostInode;
    v.nlink = 0;
    v.gone = true;
    this.host.forget(v);
    this.changed();
    return 0;
  }
  override rename(_ctx: VfsContext, name: string, inode: Inode, newDir: Inode, newName: string, victim: Inode | null, flags: number): number {
    let r = this.host.checkWritable();
    if (r < 0) return r;
    // node:fs has plain rename only; NOREPLACE was checked against our view.
    if (flags & ~RENAME_NOREPLACE) return EINVAL;
    const to = newDir as HostDirectory;
    if (victim instanceof HostRegular && victim.openCount > 0) this.host.descriptor(victim);
    r = this.host.files.rename(this.prefix() + name, to.prefix() + newName);
    if (r < 0) return r;
    this.host.renames++;
    (inode as HostInode).place(to, newName);
    if (victim !== null) {
      if (victim.isDirectory) {
        (victim as HostInode).gone = true;
        victim.nlink = 0;
        this.host.forget(victim as HostInode);
      } else (victim as HostInode).unlinked();
    }
    this.changed();
    if (to !== this) to.changed();
    return 0;
  }
  override tmpfile(): Inode | Errno {
    return EOPNOTSUPP;
  }
}
