/**
 * Open file descriptions: Linux's struct file. Counted, because the guest sees the release: the last close tells the other end
 * of a pipe, drops locks and frees unlinked files.
 */
import type { Errno } from '../abi/errno.ts';
import { EBADF, EINVAL, ENODEV, ENOTDIR, ENOTTY, EOPNOTSUPP, ESPIPE } from '../abi/errno.ts';
import { O_ACCMODE, O_APPEND, O_NOCTTY, O_NONBLOCK, O_PATH, O_RDONLY, O_WRONLY, SEEK_CUR, SEEK_END, SEEK_SET } from '../abi/fcntl.ts';
import { DEFAULT_POLLMASK } from '../abi/poll.ts';
import type { KUid } from '../abi/ids.ts';
import type { IoVector } from '../base/io-vector.ts';
import type { MappedFile, MemoryObject } from '../memory/memory-object.ts';
import { AsyncNotifier } from './async-notify.ts';
import type { VfsContext } from './context.ts';
import { pathName } from './dentry-path.ts';
import type { Inode } from './inode.ts';
import type { Path } from './mount.ts';
import { IN_CLOSE_NOWRITE, IN_CLOSE_WRITE, notify } from './notify.ts';
import type { PollTable } from './poll.ts';

/** Receives directory entries; `next` is the position to go on from after this entry. Returns false when it is full (the entry was not taken). */
export interface DirectoryEmitter {
  emit(name: string, ino: number, dtype: number, next: number): boolean;
}

/** Who gets SIGIO and SIGURG (F_SETOWN); the kernel's object. */
export interface FileOwner {
  /** As F_GETOWN_EX: F_OWNER_TID, F_OWNER_PID, F_OWNER_PGRP, and the id. */
  readonly type: number;
  readonly id: number;
  /** The kernel's object behind the id; null if there is none. */
  readonly target: object | null;
  /** Who named it: decides whether the signal may be sent. */
  readonly uid: KUid;
  readonly euid: KUid;
}

/** Something that watches a description without holding it. */
export interface ReleaseObserver {
  fileReleased(): void;
}

export abstract class FileDescription implements MappedFile {
  readonly path: Path;
  readonly inode: Inode;
  /** Status flags as F_GETFL shows them: access mode, O_APPEND, O_NONBLOCK, O_PATH … (never O_CREAT, O_EXCL, O_NOCTTY, O_TRUNC, O_CLOEXEC). */
  flags: number;
  /** Position of read and write, bytes; for directories a cookie. */
  pos = 0;
  private refs = 1;
  /** Set once closed for good. */
  released = false;
  /** This open made the file (F_CREATED_QUERY). */
  wasCreated = false;
  /** Counted in the inode's writeCount. */
  countsAsWriter = false;
  /** Opened for execution: nobody may write to the file (ETXTBSY); counted negatively in the inode's writeCount. */
  deniesWriting = false;
  /** ACCESS_FS_ rights that Landlock denied when it was opened: of those that are asked for later. */
  landlockDenied = 0;
  owner: FileOwner | null = null;
  /** F_SETSIG; 0: SIGIO. */
  ownerSignal = 0;
  private asyncNotifier: AsyncNotifier | null = null;
  /** Registrations with epolls (the first of a list); told when the description goes. */
  epollItems: ReleaseObserver | null = null;

  constructor(path: Path, flags: number, inode: Inode = path.dentry.inode!) {
    // A description is made of a positive dentry, hence `!`.
    this.path = path;
    this.inode = inode;
    // O_NOCTTY is for the terminal driver alone.
    this.flags = flags & ~O_NOCTTY;
    path.get();
    inode.hold();
  }

  get readable(): boolean {
    return (this.flags & O_ACCMODE) !== O_WRONLY && (this.flags & O_PATH) === 0 && (this.flags & O_ACCMODE) !== 3;
  }
  get writable(): boolean {
    const m = this.flags & O_ACCMODE;
    return m !== O_RDONLY && m !== 3 && (this.flags & O_PATH) === 0;
  }
  get isPath(): boolean {
    return (this.flags & O_PATH) !== 0;
  }
  get nonBlocking(): boolean {
    return (this.flags & O_NONBLOCK) !== 0;
  }
  get append(): boolean {
    return (this.flags & O_APPEND) !== 0;
  }
  /** What is done with it tells nobody: a descriptor that fanotify gave (FMODE_NONOTIFY). */
  silent = false;
  /** What is done with it is an event: all but O_PATH. */
  get notifies(): boolean {
    return (this.flags & O_PATH) === 0 && !this.silent;
  }
  /** False for pipes, sockets, terminals: lseek, pread and pwrite are ESPIPE. */
  get seekable(): boolean {
    return true;
  }
  get refCount(): number {
    return this.refs;
  }

  /** It may write: counted at the inode, and at the mount, which then cannot be made read-only. */
  countWriter(): void {
    this.countsAsWriter = true;
    this.inode.writeCount++;
    this.path.mount.writers++;
    this.path.mount.sb.writers++;
  }
  /** Linux deny_write_access: false if somebody has the file open for writing. */
  denyWriting(): boolean {
    if (this.inode.writeCount > 0) return false;
    this.inode.writeCount--;
    this.deniesWriting = true;
    return true;
  }
  allowWriting(): void {
    if (!this.deniesWriting) return;
    this.deniesWriting = false;
    this.inode.writeCount++;
  }

  ref(): void {
    this.refs++;
  }
  /** Drops one holder; the last one releases. */
  unref(): void {
    if (--this.refs > 0) return;
    this.released = true;
    if (this.epollItems !== null) this.epollItems.fileReleased();
    if (this.asyncNotifier !== null) this.asyncNotifier.stop();
    const inode = this.inode;
    if (this.countsAsWriter) {
      inode.writeCount--;
      this.path.mount.writers--;
      this.path.mount.sb.writers--;
    }
    this.allowWriting();
    if (inode.locks !== null) inode.locks.removeOwner(this);
    if (inode.dnotify !== null) inode.dnotify.remove(this);
    this.release();
    if (this.notifies) notify(this.path.dentry, this.writable ? IN_CLOSE_WRITE : IN_CLOSE_NOWRITE, this.path.mount);
    inode.unhold();
    this.path.put();
  }

  /**
   * Moves bytes from the file into `iov`. `offset` -1: at `pos`, which advances. Returns the count, 0 at the end of the file, an errno,
   * or BLOCKED after registering a wait (bytes already moved show in `iov.remaining`).
   */
  read(_ctx: VfsContext, _iov: IoVector, _offset: number): number {
    return EINVAL;
  }
  /** Moves bytes from `iov` into the file; as read. O_APPEND is looked at here. */
  write(_ctx: VfsContext, _iov: IoVector, _offset: number): number {
    return EINVAL;
  }
  /** lseek(2): the new position or errno. Directories and devices override it. */
  seek(ctx: VfsContext, offset: number, whence: number): number {
    if (!this.seekable) return ESPIPE;
    let base: number;
    switch (whence) {
      case SEEK_SET:
        base = 0;
        break;
      case SEEK_CUR:
        base = this.pos;
        break;
      case SEEK_END: {
        const r = this.inode.refresh(ctx);
        if (r < 0) return r;
        base = this.inode.size;
        break;
      }
      default:
        return this.seekDataOrHole(ctx, offset, whence);
    }
    const to = base + offset;
    if (to < 0 || to > this.inode.sb.maxBytes) return EINVAL;
    this.pos = to;
    return to;
  }
  /** SEEK_DATA and SEEK_HOLE. */
  protected seekDataOrHole(_ctx: VfsContext, _offset: number, _whence: number): number {
    return EINVAL;
  }
  /** The ready mask; with a table, also adds the queues that a change will wake. */
  poll(_table: PollTable | null): number {
    return DEFAULT_POLLMASK;
  }
  /** `arg` is the third argument as given: an address or a number. */
  ioctl(_ctx: VfsContext, _cmd: number, _arg: number): number {
    return ENOTTY;
  }
  /** Emits entries from `pos` on, leaving `pos` behind the last one taken. 0 or errno. */
  iterate(_ctx: VfsContext, _emitter: DirectoryEmitter): number {
    return ENOTDIR;
  }
  /** What mmap maps: `_length` bytes from `_offset` on, with `_addr` as the address asked for. Null for anonymous zeros (/dev/zero private); ENODEV if it cannot be mapped. */
  mmap(_ctx: VfsContext, _shared: boolean, _offset = 0, _addr = 0, _length = 0): MemoryObject | null | Errno {
    return ENODEV;
  }
  fsync(_ctx: VfsContext, _dataOnly: boolean): number {
    return EINVAL;
  }
  fallocate(_ctx: VfsContext, _mode: number, _offset: number, _length: number): number {
    return EOPNOTSUPP;
  }
  /** Changes the size of an open file; checks were made. */
  truncate(_ctx: VfsContext, _size: number): number {
    return EINVAL;
  }
  /** Called at each close of a descriptor; its result is close's. */
  flush(_ctx: VfsContext): number {
    return 0;
  }
  /** F_SETFL is about to change O_NONBLOCK, O_APPEND, O_DIRECT …; 0 or errno. */
  checkFlags(_flags: number): number {
    return 0;
  }
  /** F_GETPIPE_SZ: bytes; EBADF for all but pipes. */
  capacity(): number {
    return EBADF;
  }
  /** F_SETPIPE_SZ: the new capacity, bytes, or errno. */
  setCapacity(_ctx: VfsContext, _bytes: number): number {
    return EBADF;
  }
  /** O_ASYNC was switched on or off through descriptor `fd`. */
  fasync(on: boolean, fd: number): number {
    if (this.asyncNotifier !== null) this.asyncNotifier.stop();
    this.asyncNotifier = on ? new AsyncNotifier(this, fd) : null;
    return 0;
  }
  /** The last holder is gone. */
  release(): void {}
  /** Further lines of /proc/PID/fdinfo/N. */
  fdInfo(): string {
    return '';
  }

  /** Name in /proc/PID/fd/N and maps, as seen from the root of the mount tree. */
  mapsPath(): string {
    return pathName(this.path);
  }
  mapsDev(): number {
    return this.inode.dev;
  }
  mapsIno(): number {
    return this.inode.ino;
  }
}

/** A description that only names a place (O_PATH): nothing can be read or written through it. */
export class PathDescription extends FileDescription {}
