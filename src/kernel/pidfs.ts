/** pidfs: processes as files. Every process has one inode for as long as its number is known. Linux 6.18 fs/pidfs.c. */
import { PIDFD_NONBLOCK, PIDFD_THREAD } from '../abi/anon-fd.ts';
import { EOPNOTSUPP, ESTALE, type Errno } from '../abi/errno.ts';
import { FD_PIDFS_ROOT, FILEID_INVALID, FILEID_KERNFS } from '../abi/fcntl.ts';
import { PseudoFileSystem, PseudoInode } from '../vfs/anonymous.ts';
import type { VfsContext } from '../vfs/context.ts';
import type { Dentry } from '../vfs/dentry.ts';
import type { FileHandle } from '../vfs/file-handle.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { Path } from '../vfs/mount.ts';
import type { Vfs } from '../vfs/vfs.ts';
import { XattrStore } from '../vfs/xattr-store.ts';
import type { Pid, PidKeeper } from './pid.ts';
import { PidfdDescription } from './pidfd.ts';
import { Task } from './task.ts';

export const PID_FS_MAGIC = 0x50494446;

class PidInode extends PseudoInode {
  readonly pid: Pid;
  private xattrs: XattrStore | null = null;
  constructor(fs: PidFs, pid: Pid) {
    super(fs, 0o700);
    this.pid = pid;
  }
  override setattr(): number {
    return EOPNOTSUPP;
  }
  /** Opened again, by /proc/PID/fd or a handle. */
  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription {
    return new PidfdDescription(path, this.pid, flags & (PIDFD_NONBLOCK | PIDFD_THREAD));
  }
  /** "trusted." only (pidfs_trusted_xattr_handler). */
  override getxattr(_ctx: VfsContext, name: string): Uint8Array | Errno {
    return name.startsWith('trusted.') ? (this.xattrs ??= new XattrStore()).get(name) : EOPNOTSUPP;
  }
  override setxattr(_ctx: VfsContext, name: string, value: Uint8Array, flags: number): number {
    return name.startsWith('trusted.') ? (this.xattrs ??= new XattrStore()).set(name, value, flags) : EOPNOTSUPP;
  }
  override removexattr(_ctx: VfsContext, name: string): number {
    return name.startsWith('trusted.') ? (this.xattrs ??= new XattrStore()).remove(name) : EOPNOTSUPP;
  }
  override listxattr(): string[] {
    return this.xattrs === null ? [] : this.xattrs.names();
  }
}

export class PidFs extends PseudoFileSystem implements PidKeeper {
  override readonly exports = 'full';
  override readonly freeHandles = true;
  override readonly opensHandles = true;
  private readonly pids: Map<number, Pid> = new Map();
  constructor(vfs: Vfs) {
    super(vfs, 'pidfs', PID_FS_MAGIC);
    vfs.handleRoots.set(FD_PIDFS_ROOT, this);
  }
  /** The file of a process (or thread). */
  placeOf(pid: Pid): Path {
    if (pid.place === null) {
      const inode = new PidInode(this, pid);
      pid.place = this.path('anon_inode:[pidfd]', inode);
      if (pid.task !== null) {
        this.pids.set(inode.ino, pid);
        pid.keep(this);
      }
    }
    return pid.place;
  }
  taskReleased(pid: Pid): void {
    if (pid.place !== null) this.pids.delete((pid.place.dentry.inode as PidInode).ino);
  }

  override encodeHandle(dentry: Dentry): FileHandle {
    const inode = dentry.inode;
    return inode instanceof PidInode ? { type: FILEID_KERNFS, words: [inode.ino % 4294967296, Math.floor(inode.ino / 4294967296)] } : { type: FILEID_INVALID, words: [] };
  }
  /** A process that the caller's PID namespace sees. */
  override decodeHandle(ctx: VfsContext, handle: FileHandle): Dentry | Errno {
    const [low, high] = handle.words;
    if (handle.type !== FILEID_KERNFS || low === undefined || high === undefined || !(ctx instanceof Task)) return ESTALE;
    const pid = this.pids.get(high * 4294967296 + low);
    return pid === undefined || pid.nr(ctx.pid.ns) === 0 ? ESTALE : this.placeOf(pid).dentry;
  }
}
