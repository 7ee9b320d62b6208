/** A host directory as a file system. */
import { EINVAL, ENOENT, type Errno, EROFS } from '../../abi/errno.ts';
import { O_RDONLY, O_RDWR } from '../../abi/fcntl.ts';
import { MS_RDONLY } from '../../abi/mount.ts';
import { EXT4_SUPER_MAGIC, S_IFDIR, S_IFMT, S_IFREG, V9FS_MAGIC } from '../../abi/stat.ts';
import { type HostFiles, HostStat } from '../../host/host-files.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { type StatFs, SuperBlock } from '../../vfs/super-block.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { HostDirectory } from './directory.ts';
import { HostInode } from './inode.ts';
import { HostRegular } from './regular.ts';

export interface HostFsOptions {
  /** Absolute host path, symbolic links resolved: files.realpath(). */
  readonly root: string;
  readonly writable: boolean;
  /** What was read once stays: nobody changes the directory during the run. Never with `writable`. */
  readonly cached: boolean;
  /** Host directories that are shown empty: mount points of proc, sysfs, devtmpfs … */
  readonly hidden?: ReadonlySet<string>;
}

/** Host descriptors kept open for page reads. */
const MAX_OPEN_FDS = 400;
/** Bytes read from the host at once: page reads that follow are served from here. */
const READ_AHEAD = 128 * 1024;
/** How long attributes of a mount that is not `cached` are believed, ns. */
const ATTRIBUTE_LIFETIME_NS = 5_000_000;

export class HostFileSystem extends SuperBlock {
  override stable: boolean;
  override cachesNegative: boolean;
  readonly files: HostFiles;
  readonly rootPath: string;
  readonly writable: boolean;
  readonly cached: boolean;
  readonly hidden: ReadonlySet<string>;
  /** Grows with every rename made here: cached paths of directories are stale then. */
  renames = 0;
  /** For one lookup at a time. */
  readonly stat: HostStat = new HostStat();
  /** Inodes that can be reached by several names, or (not cached) may change under us: by "dev:ino". */
  private readonly byIdentity = new Map<string, HostInode>();
  private rootHostDev = 0;
  /** Guest st_dev of host devices other than the root's. */
  private readonly devices = new Map<number, number>();
  /** Files with an open host descriptor, least recently used first. */
  private readonly openFiles = new Set<HostRegular>();
  private readonly ahead: Uint8Array = new Uint8Array(READ_AHEAD);
  private aheadOwner: HostRegular | null = null;
  private aheadStart = 0;
  private aheadLength = 0;

  private constructor(vfs: Vfs, files: HostFiles, options: HostFsOptions) {
    super(vfs, 'host', EXT4_SUPER_MAGIC);
    this.files = files;
    this.rootPath = options.root === '/' ? '' : options.root;
    this.writable = options.writable;
    this.cached = options.cached;
    this.stable = options.cached;
    this.cachesNegative = options.cached;
    this.hidden = options.hidden ?? new Set();
    this.source = options.root;
    if (!options.writable) this.flags |= MS_RDONLY;
  }

  /** ENOENT and the like if the root cannot be looked at. A root that is a file makes a file system of one file. */
  static open(vfs: Vfs, files: HostFiles, options: HostFsOptions): HostFileSystem | Errno {
    const sb = new HostFileSystem(vfs, files, options);
    const r = files.lstat(options.root, sb.stat);
    if (r < 0) return r as Errno;
    sb.rootHostDev = sb.stat.dev;
    sb.initRoot(sb.inodeFromStat(null, ''));
    return sb;
  }

  /** A file system of the one regular file that host descriptor `fd` stands for; `name` is what /proc/PID/fd shows. The descriptor stays its owner's. */
  static ofDescriptor(vfs: Vfs, files: HostFiles, fd: number, name: string, writable: boolean): HostFileSystem | Errno {
    const sb = new HostFileSystem(vfs, files, { root: name, writable, cached: false });
    const r = files.fstat(fd, sb.stat);
    if (r < 0) return r as Errno;
    if ((sb.stat.mode & S_IFMT) !== S_IFREG) return EINVAL;
    sb.rootHostDev = sb.stat.dev;
    const inode = new HostRegular(sb, sb.stat, null, '');
    inode.borrowDescriptor(fd);
    sb.initRoot(inode);
    sb.shownName = name;
    return sb;
  }
  /** Set for a file that is in no tree. */
  private shownName: string | null = null;
  override pseudoName(): string | null {
    return this.shownName;
  }

  /** The inode of what `this.stat` describes, under `parent`/`name`. */
  inodeFromStat(parent: HostDirectory | null, name: string): HostInode {
    const s = this.stat;
    const type = s.mode & S_IFMT;
    const tracked = !this.cached || (s.nlink > 1 && type !== S_IFDIR);
    const key = tracked ? `${s.dev}:${s.ino}` : '';
    if (tracked) {
      const known = this.byIdentity.get(key);
      if (known !== undefined && (known.mode & S_IFMT) === type && !known.gone) {
        known.place(parent, name);
        known.fill(s);
        return known;
      }
    }
    let inode: HostInode;
    if (type === S_IFDIR) inode = new HostDirectory(this, s, parent, name);
    else if (type === S_IFREG) inode = new HostRegular(this, s, parent, name);
    else inode = new HostInode(this, s, parent, name);
    if (tracked) this.byIdentity.set(key, inode);
    return inode;
  }
  /** The file is gone from the host: its identity may be given to another. */
  forget(inode: HostInode): void {
    const key = `${inode.hostDev}:${inode.ino}`;
    if (this.byIdentity.get(key) === inode) this.byIdentity.delete(key);
  }

  /** st_dev inside for a host device. */
  deviceFor(hostDev: number): number {
    if (hostDev === this.rootHostDev) return this.dev;
    let dev = this.devices.get(hostDev);
    if (dev === undefined) this.devices.set(hostDev, (dev = this.vfs.allocateDev()));
    return dev;
  }

  /** Wall-clock now, in ns of arbitrary origin: for attribute lifetimes. */
  private nowNs(): number {
    const c = this.vfs.clock;
    c.update();
    return (c.sec % 1_000_000) * 1e9 + c.nsec;
  }
  /** True if attributes fetched at `since` are too old to be believed. */
  expired(since: number): boolean {
    const age = this.nowNs() - since;
    return age > ATTRIBUTE_LIFETIME_NS || age < 0;
  }
  now(): number {
    return this.cached ? 0 : this.nowNs();
  }

  /** Host descriptor of a regular file, opened when first needed; closed again when too many are open. */
  descriptor(file: HostRegular): number | Errno {
    if (file.fd >= 0) {
      if (this.openFiles.size > MAX_OPEN_FDS / 2) {
        this.openFiles.delete(file);
        this.openFiles.add(file);
      }
      return file.fd;
    }
    if (file.gone) return ENOENT;
    if (this.openFiles.size >= MAX_OPEN_FDS) this.closeOldest();
    let fd = this.writable ? this.files.open(file.path(), O_RDWR, 0) : this.files.open(file.path(), O_RDONLY, 0);
    if (fd < 0 && this.writable) fd = this.files.open(file.path(), O_RDONLY, 0);
    if (fd < 0) return fd;
    file.fd = fd;
    this.openFiles.add(file);
    return fd;
  }
  private closeOldest(): void {
    for (const f of this.openFiles) {
      // An unlinked file is only reachable through its descriptor.
      if (f.gone || f.borrowed) continue;
      this.closeDescriptor(f);
      return;
    }
  }
  closeDescriptor(file: HostRegular): void {
    if (file.fd < 0 || file.borrowed) return;
    this.files.close(file.fd);
    file.fd = -1;
    this.openFiles.delete(file);
    if (this.aheadOwner === file) this.aheadOwner = null;
  }

  /** Fills one page of `file`, reading ahead. */
  readPage(file: HostRegular, page: number, bytes: Uint8Array): 0 | Errno {
    const offset = page * 4096;
    if (this.aheadOwner !== file || offset < this.aheadStart || offset >= this.aheadStart + this.aheadLength) {
      const fd = this.descriptor(file);
      if (fd < 0) return fd as Errno;
      // Far jumps read little, a run of pages reads on.
      const sequential = this.aheadOwner === file && offset === this.aheadStart + this.aheadLength;
      const want = sequential || offset === 0 ? READ_AHEAD : READ_AHEAD / 4;
      const n = this.vfs.whileReading(() => this.files.pread(fd, this.ahead, 0, want, offset));
      if (n < 0) return n as Errno;
      this.aheadOwner = file;
      this.aheadStart = offset;
      this.aheadLength = n;
      if (n === 0) return 0;
    }
    const from = offset - this.aheadStart;
    const n = Math.min(4096, this.aheadLength - from);
    bytes.set(this.ahead.subarray(from, from + n));
    return 0;
  }
  /** What was read ahead of `file` is no longer true. */
  dropReadAhead(file: HostRegular): void {
    if (this.aheadOwner === file) this.aheadOwner = null;
  }

  /** 0, or EROFS where the owner did not allow writing. */
  checkWritable(): number {
    return this.writable ? 0 : EROFS;
  }

  override statfs(ctx: VfsContext): StatFs | Errno {
    const s = super.statfs(ctx) as StatFs;
    const h = this.files.statfs(this.rootPath === '' ? '/' : this.rootPath);
    if (typeof h === 'number') return h;
    // What changes underneath sends no inotify events: look like a network file system, so that programs poll.
    s.type = this.cached ? h.type : V9FS_MAGIC;
    s.bsize = s.frsize = h.bsize;
    s.blocks = h.blocks;
    s.bfree = h.bfree;
    s.bavail = h.bavail;
    s.files = h.files;
    s.ffree = h.ffree;
    return s;
  }

  override sync(ctx: VfsContext): number {
    for (const f of this.openFiles) f.writeBack(ctx, false);
    return 0;
  }
}

