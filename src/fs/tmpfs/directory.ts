/** tmpfs directories: a map of names, listed newest first (or as a disk would) with positions that survive changes (Linux fs/libfs.c simple_offset). */
import type { Errno } from '../../abi/errno.ts';
import { EINVAL, ENOENT, ENOTEMPTY } from '../../abi/errno.ts';
import { RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from '../../abi/fcntl.ts';
import { S_IFCHR, S_IFDIR, S_IFLNK } from '../../abi/stat.ts';
import { copyAttributes, initOwner } from '../../vfs/attributes.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { DirectoryFile, type EntryLister } from '../../vfs/directory-file.ts';
import type { DirectoryEmitter, FileDescription } from '../../vfs/file-description.ts';
import { ATTR_CTIME, ATTR_MTIME, Inode, type SetAttributes } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { XattrStore } from '../../vfs/xattr-store.ts';
import { tmpfsGetxattr, tmpfsRemovexattr, TmpfsRegular, tmpfsSetxattr, TmpfsSpecial } from './inode.ts';
import type { Tmpfs } from './tmpfs.ts';

/** Bytes an entry counts in st_size (BOGO_DIRENT_SIZE). */
const ENTRY_SIZE = 20;
/** Positions: 0 ".", 1 "..", 2 the newest entry, 3 the end; an entry's cookie is 4 at least. */
const POS_FIRST = 2;
const FIRST_COOKIE = 4;

class TmpfsEntry {
  name: string;
  inode: Inode;
  cookie: number;
  constructor(name: string, inode: Inode, cookie: number) {
    this.name = name;
    this.inode = inode;
    this.cookie = cookie;
  }
}

export class TmpfsDirectory extends Inode implements EntryLister {
  xattrs: XattrStore | null = null;
  private readonly entries = new Map<string, TmpfsEntry>();
  /** Ascending cookies; null where an entry was removed. */
  private order: (TmpfsEntry | null)[] = [];
  private holes = 0;
  private nextCookie = FIRST_COOKIE;

  constructor(sb: Tmpfs, mode: number) {
    super(sb, sb.allocateIno(), mode);
    this.nlink = 2;
    this.touch(-1);
    this.btimeSec = this.ctimeSec;
    this.btimeNsec = this.ctimeNsec;
    this.sizeChanged();
  }

  private get tmpfs(): Tmpfs {
    return this.sb as Tmpfs;
  }

  private sizeChanged(): void {
    const fixed = this.tmpfs.directorySize;
    this.size = fixed ?? (this.entries.size + 2) * ENTRY_SIZE;
    if (fixed !== undefined) this.blocks = fixed / 512;
  }

  get empty(): boolean {
    return this.entries.size === 0;
  }

  override lookup(_ctx: VfsContext, name: string): Inode | Errno {
    const e = this.entries.get(name);
    return e === undefined ? ENOENT : e.inode;
  }

  /** Asked only while an overlay changes this file system from above. */
  override revalidateEntry(_ctx: VfsContext, name: string, inode: Inode): boolean {
    return this.entries.get(name)?.inode === inode;
  }

  private insert(name: string, inode: Inode): void {
    const e = new TmpfsEntry(name, inode, this.nextCookie++);
    this.entries.set(name, e);
    this.order.push(e);
    this.sizeChanged();
    this.touch(ATTR_MTIME | ATTR_CTIME);
  }

  private remove(name: string): void {
    const e = this.entries.get(name);
    if (e === undefined) return;
    this.entries.delete(name);
    this.order[this.indexAtOrBelow(e.cookie)] = null;
    if (++this.holes > 16 && this.holes * 2 > this.order.length) {
      this.order = this.order.filter((x) => x !== null);
      this.holes = 0;
    }
    this.sizeChanged();
    this.touch(ATTR_MTIME | ATTR_CTIME);
  }

  /** Index of the last entry whose cookie is at most `cookie`, or -1. Holes keep their place: they are skipped by probing downwards. */
  private indexAtOrBelow(cookie: number): number {
    const order = this.order;
    let low = 0;
    let high = order.length - 1;
    let best = -1;
    while (low <= high) {
      const mid = (low + high) >> 1;
      let probe = mid;
      while (probe >= low && order[probe] === null) probe--;
      if (probe < low) {
        low = mid + 1;
        continue;
      }
      const c = order[probe]!.cookie; // not a hole
      if (c <= cookie) {
        best = probe;
        if (c === cookie) return probe;
        low = mid + 1;
      } else high = probe - 1;
    }
    return best;
  }

  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    return new DirectoryFile(path, flags, this, this);
  }

  list(_ctx: VfsContext, position: number, parentIno: number, emitter: DirectoryEmitter): number {
    let pos = position;
    if (pos === 0) {
      if (!emitter.emit('.', this.ino, 4, 1)) return 0;
      pos = 1;
    }
    if (pos === 1) {
      if (!emitter.emit('..', parentIno, 4, POS_FIRST)) return 1;
      pos = POS_FIRST;
    }
    if (this.tmpfs.directorySize !== undefined) return this.listOldestFirst(pos, emitter);
    if (pos === POS_FIRST) pos = this.nextCookie - 1;
    for (let i = this.indexAtOrBelow(pos); i >= 0; i--) {
      const e = this.order[i]!;
      if (e === null) continue;
      if (!emitter.emit(e.name, e.inode.ino, (e.inode.mode >> 12) & 15, e.cookie - 1)) return e.cookie;
    }
    return 3;
  }

  private listOldestFirst(pos: number, emitter: DirectoryEmitter): number {
    for (let i = this.indexAtOrBelow(pos - 1) + 1; i < this.order.length; i++) {
      const e = this.order[i]!;
      if (e === null) continue;
      if (!emitter.emit(e.name, e.inode.ino, (e.inode.mode >> 12) & 15, e.cookie + 1)) return e.cookie;
      pos = e.cookie + 1;
    }
    return pos;
  }

  private adopt(ctx: VfsContext, name: string, inode: Inode): Inode {
    initOwner(ctx, inode, this);
    this.insert(name, inode);
    return inode;
  }

  override create(ctx: VfsContext, name: string, mode: number): Inode | Errno {
    const r = this.tmpfs.chargeInode();
    if (r < 0) return r as Errno;
    return this.adopt(ctx, name, new TmpfsRegular(this.tmpfs, mode & 0o7777));
  }
  override mkdir(ctx: VfsContext, name: string, mode: number): Inode | Errno {
    const r = this.tmpfs.chargeInode();
    if (r < 0) return r as Errno;
    this.nlink++;
    return this.adopt(ctx, name, new TmpfsDirectory(this.tmpfs, S_IFDIR | (mode & 0o7777)));
  }
  override mknod(ctx: VfsContext, name: string, mode: number, rdev: number): Inode | Errno {
    const r = this.tmpfs.chargeInode();
    if (r < 0) return r as Errno;
    return this.adopt(ctx, name, new TmpfsSpecial(this.tmpfs, mode, rdev, ''));
  }
  override symlink(ctx: VfsContext, name: string, target: string): Inode | Errno {
    const r = this.tmpfs.chargeInode();
    if (r < 0) return r as Errno;
    return this.adopt(ctx, name, new TmpfsSpecial(this.tmpfs, S_IFLNK | 0o777, 0, target));
  }
  override tmpfile(ctx: VfsContext, mode: number): Inode | Errno {
    const r = this.tmpfs.chargeInode();
    if (r < 0) return r as Errno;
    const inode = new TmpfsRegular(this.tmpfs, mode & 0o7777);
    inode.nlink = 0;
    initOwner(ctx, inode, this);
    return inode;
  }
  override link(_ctx: VfsContext, target: Inode, name: string): number {
    target.nlink++;
    target.touch(ATTR_CTIME);
    this.insert(name, target);
    return 0;
  }
  override unlink(_ctx: VfsContext, name: string, victim: Inode): number {
    this.remove(name);
    this.drop(victim);
    return 0;
  }
  private drop(victim: Inode): void {
    victim.nlink--;
    victim.touch(ATTR_CTIME);
    if (victim.nlink === 0 && victim.openCount === 0) victim.evict();
  }
  override rmdir(_ctx: VfsContext, name: string, victim: Inode): number {
    if (!(victim as TmpfsDirectory).empty) return ENOTEMPTY;
    this.remove(name);
    this.nlink--;
    victim.nlink = 0;
    victim.touch(ATTR_CTIME);
    if (victim.openCount === 0) victim.evict();
    return 0;
  }

  override rename(ctx: VfsContext, name: string, inode: Inode, newDir: Inode, newName: string, victim: Inode | null, flags: number): number {
    if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) return EINVAL;
    const to = newDir as TmpfsDirectory;
    if (flags & RENAME_EXCHANGE) return this.exchange(name, inode, to, newName, victim!); // the VFS looked it up
    if (victim !== null && victim.isDirectory && !(victim as TmpfsDirectory).empty) return ENOTEMPTY;
    if (flags & RENAME_WHITEOUT) {
      const r = this.tmpfs.chargeInode();
      if (r < 0) return r;
    }
    if (victim !== null) {
      to.remove(newName);
      if (victim.isDirectory) {
        to.nlink--;
        victim.nlink = 0;
        if (victim.openCount === 0) victim.evict();
      } else this.drop(victim);
    }
    this.remove(name);
    to.insert(newName, inode);
    if (inode.isDirectory && to !== this) {
      this.nlink--;
      to.nlink++;
    }
    inode.touch(ATTR_CTIME);
    if (flags & RENAME_WHITEOUT) this.adopt(ctx, name, new TmpfsSpecial(this.tmpfs, S_IFCHR, 0, ''));
    return 0;
  }

  private exchange(name: string, inode: Inode, to: TmpfsDirectory, newName: string, other: Inode): number {
    this.entries.get(name)!.inode = other; // both were looked up by the VFS
    to.entries.get(newName)!.inode = inode;
    if (to !== this && inode.isDirectory !== other.isDirectory) {
      const delta = inode.isDirectory ? 1 : -1;
      this.nlink -= delta;
      to.nlink += delta;
    }
    this.touch(ATTR_MTIME | ATTR_CTIME);
    to.touch(ATTR_MTIME | ATTR_CTIME);
    inode.touch(ATTR_CTIME);
    other.touch(ATTR_CTIME);
    return 0;
  }

  override get keepsFlags(): boolean {
    return true;
  }
  override setattr(_ctx: VfsContext, attrs: SetAttributes): number {
    copyAttributes(this, attrs);
    return 0;
  }
  override evict(): void {
    this.tmpfs.releaseInode();
  }
  override getxattr(_ctx: VfsContext, name: string): Uint8Array | Errno {
    return tmpfsGetxattr(this, name);
  }
  override setxattr(_ctx: VfsContext, name: string, value: Uint8Array, flags: number): number {
    return tmpfsSetxattr(this, name, value, flags);
  }
  override removexattr(_ctx: VfsContext, name: string): number {
    return tmpfsRemovexattr(this, name);
  }
  override listxattr(): string[] | Errno {
    return this.xattrs === null ? [] : this.xattrs.names();
  }
}
