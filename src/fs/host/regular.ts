/** Regular host files: pages are read into the guest's memory once and shared by read and mmap; writes go through to the host. */
import type { Errno } from '../../abi/errno.ts';
import { EACCES, EFBIG, EROFS } from '../../abi/errno.ts';
import { O_ACCMODE, O_APPEND, O_RDONLY } from '../../abi/fcntl.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { BytesIoVector } from '../../base/io-vector.ts';
import type { HostStat } from '../../host/host-files.ts';
import type { MemoryObject } from '../../memory/memory-object.ts';
import { PageCache, type PageBacking } from '../../memory/page-cache.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { dropPrivileges } from '../../vfs/attributes.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import { ATTR_ATIME, ATTR_GID, ATTR_MODE, ATTR_SIZE, ATTR_UID, type SetAttributes } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import { type PagedFile, RegularFile } from '../../vfs/regular-file.ts';
import type { HostDirectory } from './directory.ts';
import type { HostFileSystem } from './host-file-system.ts';
import { HostInode } from './inode.ts';

const SIGXFSZ = 25;
const CHUNK = 65536;
/** Between guest memory and the host's write. */
const chunk = new Uint8Array(CHUNK);

/** 32-bit FNV-1a over text: where mappings of the file are put by preference. */
function hashText(text: string): number {
  let h = 0x811c9dc5 | 0;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h | 0;
}

export class HostRegular extends HostInode implements PageBacking, PagedFile {
  readonly tracksDirty: boolean;
  private pages: PageCache | null = null;
  /** Host descriptor, or -1. */
  fd = -1;
  readonly seals: number = -1;
  private seenSize = -1;
  private seenMtimeSec = 0;
  private seenMtimeNsec = 0;

  constructor(host: HostFileSystem, s: HostStat, parent: HostDirectory | null, name: string) {
    super(host, s, parent, name);
    this.tracksDirty = host.writable;
  }

  /** The page cache, made when first needed. */
  get cache(): PageCache {
    if (this.pages === null) {
      const c = new PageCache(this.host.vfs.memory, this);
      c.size = this.size;
      c.placement = hashText(`${this.path()}:${this.size}:${this.mtimeSec}:${this.mtimeNsec}`);
      this.pages = c;
      this.seen();
    }
    return this.pages;
  }
  override get mapping(): MemoryObject {
    return this.cache;
  }
  private seen(): void {
    this.seenSize = this.size;
    this.seenMtimeSec = this.mtimeSec;
    this.seenMtimeNsec = this.mtimeNsec;
  }

  adoptDescriptor(fd: number): void {
    this.fd = fd;
    this.host.descriptor(this);
  }

  /** The descriptor is somebody else's: used for everything, never closed. */
  borrowed = false;
  borrowDescriptor(fd: number): void {
    this.fd = fd;
    this.borrowed = true;
  }

  readPage(page: number, bytes: Uint8Array): 0 | Errno {
    return this.host.readPage(this, page, bytes);
  }

  protected override statNow(s: HostStat): number {
    return this.fd >= 0 && (this.gone || this.borrowed) ? this.host.files.fstat(this.fd, s) : super.statNow(s);
  }

  /** Not cached: the host may have changed the file; then pages are dropped. */
  beforeRead(_ctx: VfsContext): number {
    const host = this.host;
    if (host.cached) return 0;
    const fd = host.descriptor(this);
    if (fd < 0) return fd;
    const r = host.files.fstat(fd, host.stat);
    if (r < 0) return r;
    this.noteHostState(host.stat);
    return 0;
  }
  private noteHostState(s: HostStat): void {
    this.fill(s);
    const pages = this.pages;
    if (pages === null) return;
    if (this.size !== this.seenSize || this.mtimeSec !== this.seenMtimeSec || this.mtimeNsec !== this.seenMtimeNsec) {
      this.host.dropReadAhead(this);
      pages.invalidate();
      if (pages.size > this.size) pages.truncate(this.size);
      else pages.size = this.size;
      this.seen();
    }
  }

  /** The host may refuse what the mode bits allow: ask it now, as open(2) would. */
  override probeOpen(ctx: VfsContext, flags: number): number {
    const acc = flags & O_ACCMODE;
    if (acc !== O_RDONLY && acc !== 3 && !this.host.writable) return EROFS;
    const fd = this.host.cached && this.pages !== null ? 0 : this.host.descriptor(this);
    return fd < 0 || this.host.cached ? Math.min(fd, 0) : this.beforeRead(ctx);
  }
  override openFile(ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    const r = this.probeOpen(ctx, flags);
    return r < 0 ? (r as Errno) : new HostFile(path, flags, this);
  }

  afterWrite(): void {
    this.size = this.cache.size;
  }

  /** Sends pages written through shared mappings to the host. */
  writeBack(_ctx: VfsContext | null, dataOnly: boolean): number {
    if (!this.host.writable || this.fd < 0) return 0;
    const pages = this.pages;
    if (pages !== null && pages.dirtyPages > 0) {
      const r = this.flushPages();
      if (r < 0) return r;
    }
    return this.host.files.fsync(this.fd, dataOnly);
  }
  /** Dirty pages to the host, without fsync. */
  flushPages(): number {
    const pages = this.pages;
    if (pages === null || pages.dirtyPages === 0) return 0;
    const fd = this.host.descriptor(this);
    if (fd < 0) return fd;
    const r = pages.writeBack((page, bytes) => {
      const n = this.host.files.pwrite(fd, bytes, 0, bytes.length, page * 4096);
      return n < 0 ? (n as Errno) : 0;
    });
    this.fetch();
    this.seen();
    return r;
  }

  /** Writes bytes through to the host and keeps cached pages true. The count or errno. */
  writeThrough(iov: IoVector, offset: number, len: number): number {
    const host = this.host;
    const fd = host.descriptor(this);
    if (fd < 0) return fd;
    let done = 0;
    while (done < len) {
      const want = Math.min(CHUNK, len - done);
      const got = iov.take(chunk, 0, want);
      if (got < 0) return done > 0 ? done : got;
      if (got === 0) break;
      const n = host.files.pwrite(fd, chunk, 0, got, offset + done);
      if (n < 0) {
        iov.unread(got);
        if (done === 0) return n;
        break;
      }
      if (n < got) iov.unread(got - n);
      this.updatePages(offset + done, n);
      done += n;
      if (n < got || got < want) break;
    }
    host.dropReadAhead(this);
    host.files.fstat(fd, host.stat);
    this.fill(host.stat);
    const cache = this.cache;
    if (cache.size < this.size) cache.size = this.size;
    this.seen();
    return done;
  }
  /** Copies `n` bytes of `chunk` into those pages of the file that are in memory. */
  private updatePages(offset: number, n: number): void {
    const cache = this.cache;
    const oldSize = cache.size;
    if (cache.size < offset + n) cache.size = offset + n;
    if (cache.pages === 0) return;
    for (let at = 0; at < n; ) {
      const page = Math.floor((offset + at) / 4096);
      const len = Math.min(n - at, (page + 1) * 4096 - (offset + at));
      if (page * 4096 < oldSize && cache.cachedFrame(page) !== 0) cache.writeFrom(new BytesIoVector(chunk, at, len), offset + at, len);
      at += len;
    }
  }

  resize(_ctx: VfsContext, size: number): number {
    const w = this.host.checkWritable();
    if (w < 0) return w;
    const fd = this.host.descriptor(this);
    if (fd < 0) return fd;
    const r = this.host.files.ftruncate(fd, size);
    if (r < 0) return r;
    this.host.dropReadAhead(this);
    this.cache.truncate(size);
    this.host.files.fstat(fd, this.host.stat);
    this.fill(this.host.stat);
    this.seen();
    return 0;
  }

  override setattr(ctx: VfsContext, attrs: SetAttributes): number {
    if (attrs.valid & ATTR_SIZE) {
      const r = this.resize(ctx, attrs.size);
      if (r < 0 || (attrs.valid & (ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME)) === 0) return r;
    }
    if (this.gone) return 0;
    return super.setattr(ctx, attrs);
  }

  /** The last name and the last description are gone. */
  override evict(): void {
    this.flushPages();
    this.host.closeDescriptor(this);
    this.pages?.unref();
    this.pages = null;
  }
}

export class HostFile extends RegularFile {
  private readonly host: HostRegular;
  constructor(path: Path, flags: number, host: HostRegular) {
    super(path, flags, host);
    this.host = host;
  }

  override write(ctx: VfsContext, iov: IoVector, offset: number): number {
    const host = this.host;
    if (!host.host.writable) return EACCES;
    const r = host.beforeRead(ctx);
    if (r < 0) return r;
    const at = this.flags & O_APPEND ? host.size : offset < 0 ? this.pos : offset;
    let len = iov.remaining;
    if (len === 0) return 0;
    if (at + len > ctx.fileSizeLimit) {
      if (at >= ctx.fileSizeLimit) {
        ctx.sendSignal(SIGXFSZ);
        return EFBIG;
      }
      len = ctx.fileSizeLimit - at;
    }
    const dropped = dropPrivileges(ctx, host);
    if (dropped < 0) return dropped;
    const n = host.writeThrough(iov, at, len);
    if (n > 0 && offset < 0) this.pos = at + n;
    return n;
  }

  override fallocate(ctx: VfsContext, mode: number, offset: number, length: number): number {
    const host = this.host;
    if (!host.host.writable) return EROFS;
    const r = super.fallocate(ctx, mode, offset, length);
    if (r < 0) return r;
    if (host.cache.size > host.size) return host.resize(ctx, host.cache.size);
    return host.flushPages();
  }

  override release(): void {
    this.host.flushPages();
  }
}

