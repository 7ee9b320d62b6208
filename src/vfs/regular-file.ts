/** Open regular files whose bytes are in a page cache: tmpfs, memfd, host files. */
import type { Errno } from '../abi/errno.ts';
import { EFBIG, EINVAL, ENODEV, EOPNOTSUPP, EPERM } from '../abi/errno.ts';
import {
  FALLOC_FL_COLLAPSE_RANGE, FALLOC_FL_INSERT_RANGE, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE, O_APPEND, SEEK_DATA, SEEK_HOLE,
  F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_WRITE,
} from '../abi/fcntl.ts';
import type { IoVector } from '../base/io-vector.ts';
import type { MemoryObject } from '../memory/memory-object.ts';
import type { PageCache } from '../memory/page-cache.ts';
import { touchAtime } from './atime.ts';
import { dropPrivileges } from './attributes.ts';
import type { VfsContext } from './context.ts';
import { FileDescription } from './file-description.ts';
import { ATTR_CTIME, ATTR_MTIME, Inode } from './inode.ts';
import type { Path } from './mount.ts';

const SIGXFSZ = 25;

/** What an open regular file needs of its inode. */
export interface PagedFile extends Inode {
  readonly cache: PageCache;
  /** F_ADD_SEALS bits; -1 where sealing is not possible at all. */
  readonly seals: number;
  /** Called before bytes are read or written through a description: brings a cache that could be stale up to date; 0 or errno. */
  beforeRead(ctx: VfsContext): number;
  /** The bytes or the size changed: size, blocks and times follow. */
  afterWrite(): void;
  /** Writes dirty pages to where they belong. */
  writeBack(ctx: VfsContext, dataOnly: boolean): number;
  /** Sets the size, with what the file system has to do for it; checks were made. */
  resize(ctx: VfsContext, size: number): number;
}

/** An inode in memory with its bytes in `cache`. */
export abstract class PagedInode extends Inode implements PagedFile {
  /** Set by the constructor of the subclass. */
  cache!: PageCache;
  seals = -1;

  override get mapping(): MemoryObject {
    return this.cache;
  }
  beforeRead(_ctx: VfsContext): number {
    return 0;
  }
  afterWrite(): void {
    this.size = this.cache.size;
    this.blocks = this.cache.pages * 8;
    this.touch(ATTR_MTIME | ATTR_CTIME);
  }
  writeBack(_ctx: VfsContext, _dataOnly: boolean): number {
    return 0;
  }
  resize(_ctx: VfsContext, size: number): number {
    if (this.seals > 0) {
      if (size < this.size && this.seals & F_SEAL_SHRINK) return EPERM;
      if (size > this.size && this.seals & F_SEAL_GROW) return EPERM;
    }
    this.cache.truncate(size);
    this.afterWrite();
    return 0;
  }
}

/** An open regular file. `file` has the bytes; `inode` is what the guest sees: not the same behind an overlay. */
export class RegularFile extends FileDescription {
  file: PagedFile;
  constructor(path: Path, flags: number, file: PagedFile, inode: Inode = file) {
    super(path, flags, inode);
    this.file = file;
  }

  override read(ctx: VfsContext, iov: IoVector, offset: number): number {
    const file = this.file;
    const r = file.beforeRead(ctx);
    if (r < 0) return r;
    const at = offset < 0 ? this.pos : offset;
    const n = file.cache.readInto(iov, at, iov.remaining);
    if (n < 0) return n;
    if (offset < 0) this.pos = at + n;
    touchAtime(this.path.mount, file, this.flags);
    return n;
  }

  override write(ctx: VfsContext, iov: IoVector, offset: number): number {
    const file = this.file;
    const r = file.beforeRead(ctx);
    if (r < 0) return r;
    const cache = file.cache;
    const at = this.flags & O_APPEND ? cache.size : offset < 0 ? this.pos : offset;
    let len = iov.remaining;
    if (len === 0) return 0;
    if (file.seals > 0) {
      if (file.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) return EPERM;
      if (file.seals & F_SEAL_GROW && at + len > cache.size) {
        if (at >= cache.size) return EPERM;
        len = cache.size - at;
      }
    }
    const limit = ctx.fileSizeLimit;
    if (at + len > limit) {
      if (at >= limit) {
        ctx.sendSignal(SIGXFSZ);
        return EFBIG;
      }
      len = limit - at;
    }
    const max = this.inode.sb.maxBytes;
    if (at + len > max) {
      if (at >= max) return EFBIG;
      len = max - at;
    }
    const dropped = dropPrivileges(ctx, this.inode, this.path.mount.idmap);
    if (dropped < 0) return dropped;
    const n = cache.writeFrom(iov, at, len);
    if (n > 0) {
      file.afterWrite();
      if (offset < 0) this.pos = at + n;
    }
    return n;
  }

  protected override seekDataOrHole(ctx: VfsContext, offset: number, whence: number): number {
    if (whence !== SEEK_DATA && whence !== SEEK_HOLE) return EINVAL;
    const r = this.file.beforeRead(ctx);
    if (r < 0) return r;
    const to = whence === SEEK_DATA ? this.file.cache.seekData(offset) : this.file.cache.seekHole(offset);
    if (to >= 0) this.pos = to;
    return to;
  }

  override mmap(_ctx: VfsContext, _shared: boolean): MemoryObject | null | Errno {
    return this.inode.isRegular ? this.file.cache : ENODEV;
  }

  override fsync(ctx: VfsContext, dataOnly: boolean): number {
    return this.file.writeBack(ctx, dataOnly);
  }

  override truncate(ctx: VfsContext, size: number): number {
    const r = dropPrivileges(ctx, this.inode, this.path.mount.idmap);
    return r < 0 ? r : this.file.resize(ctx, size);
  }

  override fallocate(ctx: VfsContext, mode: number, offset: number, length: number): number {
    const file = this.file;
    const cache = file.cache;
    if (mode & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE)) return EOPNOTSUPP;
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) return EOPNOTSUPP;
    const end = offset + length;
    if (mode & FALLOC_FL_PUNCH_HOLE) {
      if (file.seals > 0 && file.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) return EPERM;
      cache.punchHole(offset, end);
      file.afterWrite();
      return 0;
    }
    const grows = end > cache.size && (mode & FALLOC_FL_KEEP_SIZE) === 0;
    if (grows) {
      if (file.seals > 0 && file.seals & F_SEAL_GROW) return EPERM;
      if (end > ctx.fileSizeLimit) {
        ctx.sendSignal(SIGXFSZ);
        return EFBIG;
      }
    }
    if (mode & FALLOC_FL_ZERO_RANGE) cache.punchHole(offset, end);
    const old = cache.size;
    const r = cache.allocate(offset, end);
    if (r < 0) return r;
    if (grows && end > old) cache.truncate(end);
    file.afterWrite();
    return 0;
  }
}
