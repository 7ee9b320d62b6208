/**
 * Inodes: what a name leads to. One subclass a file type and file system. Operations are called by the VFS after path walk and
 * permission checks; they return their result or an errno. Names are byte strings (see dentry.ts).
 */
import type { Errno } from '../abi/errno.ts';
import { EACCES, EINVAL, ENOTDIR, ENXIO, EOPNOTSUPP, EPERM } from '../abi/errno.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../abi/stat.ts';
import type { MemoryObject } from '../memory/memory-object.ts';
import type { VfsContext } from './context.ts';
import type { DirectoryWatches } from './dnotify.ts';
import type { FileDescription } from './file-description.ts';
import type { FileLocks } from './locks.ts';
import type { MountNamespace } from './mount-namespace.ts';
import type { Path } from './mount.ts';
import { IN_DELETE_SELF, type InodeMarks, notifyInode } from './notify.ts';
import type { SuperBlock } from './super-block.ts';

/** Which members of SetAttributes are valid: Linux's ATTR_ flags. */
export const ATTR_MODE = 1;
export const ATTR_UID = 2;
export const ATTR_GID = 4;
export const ATTR_SIZE = 8;
export const ATTR_ATIME = 16;
export const ATTR_MTIME = 32;
export const ATTR_CTIME = 64;

/** Arguments of Inode.setattr; one object is reused by a caller, so implementations must not keep it. */
export class SetAttributes {
  valid = 0;
  /** Permission bits only (07777). */
  mode = 0;
  uid: KUid = 0 as KUid;
  gid: KGid = 0 as KGid;
  size = 0;
  atimeSec = 0;
  atimeNsec = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
}

/** Inode flags that the VFS looks at (i_flags): immutable and append-only files. */
export const S_IMMUTABLE = 8;
export const S_APPEND = 4;

export abstract class Inode {
  readonly sb: SuperBlock;
  ino: number;
  /** Type and permissions. The type never changes. */
  mode: number;
  uid: KUid = 0 as KUid;
  gid: KGid = 0 as KGid;
  nlink = 1;
  /** Device number of a device file: makedev(). */
  rdev = 0;
  /** Bytes. */
  size = 0;
  /** Units of 512 bytes. */
  blocks = 0;
  atimeSec = 0;
  atimeNsec = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
  ctimeSec = 0;
  ctimeNsec = 0;
  btimeSec = 0;
  btimeNsec = 0;
  /** S_IMMUTABLE, S_APPEND. */
  flags = 0;
  /** st_dev, where it is not the file system's (overlay). */
  dev: number;
  /** Open for writing (above 0) or denied writing by execve (below 0): ETXTBSY, as i_writecount. */
  writeCount = 0;
  /** POSIX, OFD, flock locks and leases; null for nearly all. */
  locks: FileLocks | null = null;
  /** inotify marks; null for nearly all. */
  marks: InodeMarks | null = null;
  /** F_NOTIFY watches on a directory; null for nearly all. */
  dnotify: DirectoryWatches | null = null;
  /** The inode of the (first) overlay that stands for this one. */
  overlaidBy: Inode | null = null;
  /** FS_IOC_GETFLAGS and SETFLAGS work on it. */
  get keepsFlags(): boolean {
    return false;
  }
  /** F_SET_RW_HINT: RWH_ value. */
  writeHint = 0;
  /** A directory that stays empty: a mount point of proc or sysfs, which hides nothing (S_DEAD of is_empty_dir_inode). */
  readonly alwaysEmpty: boolean = false;
  /** Made by O_TMPFILE without O_EXCL: may get a name although nlink is 0. */
  linkable = false;
  /** State of an open FIFO (fs/pipe), or of a bound socket (net/); null otherwise. */
  special: object | null = null;

  constructor(sb: SuperBlock, ino: number, mode: number) {
    this.sb = sb;
    this.ino = ino;
    this.mode = mode;
    this.dev = sb.dev;
  }

  get isDirectory(): boolean {
    return (this.mode & S_IFMT) === S_IFDIR;
  }
  get isRegular(): boolean {
    return (this.mode & S_IFMT) === S_IFREG;
  }
  get isSymlink(): boolean {
    return (this.mode & S_IFMT) === S_IFLNK;
  }

  /** Brings the attribute fields up to date before they are reported; 0 or errno. */
  refresh(_ctx: VfsContext): number {
    return 0;
  }
  /** For file systems that are not `stable`: false makes the VFS forget the dentry and look the name up again. */
  revalidate(_ctx: VfsContext): boolean {
    return true;
  }
  /** Directories of file systems that are not `stable`: is `name` still `inode`? */
  revalidateEntry(ctx: VfsContext, _name: string, inode: Inode): boolean {
    return inode.revalidate(ctx);
  }
  /** File-system-specific access check after (and instead of, for those that override it) the mode bits: 0 or errno. undefined: generic check. */
  permission(_ctx: VfsContext, _mask: number): number | undefined {
    return undefined;
  }

  // Directories.
  /** The inode of `name`; ENOENT. */
  lookup(_ctx: VfsContext, _name: string): Inode | Errno {
    return ENOTDIR;
  }
  /** A new regular file; `mode` is S_IFREG with the umask applied. */
  create(_ctx: VfsContext, _name: string, _mode: number): Inode | Errno {
    return EACCES;
  }
  mkdir(_ctx: VfsContext, _name: string, _mode: number): Inode | Errno {
    return EPERM;
  }
  /** A FIFO, socket or device. */
  mknod(_ctx: VfsContext, _name: string, _mode: number, _rdev: number): Inode | Errno {
    return EPERM;
  }
  symlink(_ctx: VfsContext, _name: string, _target: string): Inode | Errno {
    return EPERM;
  }
  link(_ctx: VfsContext, _target: Inode, _name: string): number {
    return EPERM;
  }
  unlink(_ctx: VfsContext, _name: string, _victim: Inode): number {
    return EPERM;
  }
  rmdir(_ctx: VfsContext, _name: string, _victim: Inode): number {
    return EPERM;
  }
  /** Renames `name` (leading to `inode`) to `newName` in `newDir` of the same file system, replacing `victim` if not null. `flags`: RENAME_. */
  rename(_ctx: VfsContext, _name: string, _inode: Inode, _newDir: Inode, _newName: string, _victim: Inode | null, flags: number): number {
    return flags === 0 ? EPERM : EINVAL;
  }
  /** An unnamed regular file (O_TMPFILE), nlink 0. */
  tmpfile(_ctx: VfsContext, _mode: number): Inode | Errno {
    return EOPNOTSUPP;
  }

  // Symbolic links.
  /** The target, as byte string. */
  readlink(_ctx: VfsContext): string | Errno {
    return EINVAL;
  }
  /** What path walk follows: a target to be walked, or a place to jump to (magic links of /proc). */
  followLink(ctx: VfsContext): string | Path | Errno {
    return this.readlink(ctx);
  }

  // All types.
  /** Changes attributes that were checked by the VFS (attributes.ts). ctime is the file system's to update. */
  setattr(_ctx: VfsContext, _attributes: SetAttributes): number {
    return EPERM;
  }
  /** The value, or ENODATA. */
  getxattr(_ctx: VfsContext, _name: string): Uint8Array | Errno {
    return EOPNOTSUPP;
  }
  /** `flags`: XATTR_CREATE, XATTR_REPLACE. */
  setxattr(_ctx: VfsContext, _name: string, _value: Uint8Array, _flags: number): number {
    return EOPNOTSUPP;
  }
  removexattr(_ctx: VfsContext, _name: string): number {
    return EOPNOTSUPP;
  }
  /** The file is written or given away: capabilities that executing it would give go (Linux cap_inode_killpriv). */
  dropFileCapabilities(_ctx: VfsContext): void {}
  listxattr(_ctx: VfsContext): string[] | Errno {
    return [];
  }

  /** Opens the file; `flags` are the open flags after the VFS handled O_CREAT, O_TRUNC. Special files go to their drivers. */
  open(ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    switch (this.mode & S_IFMT) {
      case S_IFIFO:
        return this.sb.vfs.openFifo(ctx, this, path, flags);
      case S_IFCHR:
        return this.sb.vfs.openCharacterDevice(ctx, this, path, flags);
      case S_IFBLK:
        return ENXIO;
      default:
        return this.openFile(ctx, path, flags);
    }
  }
  /** Opens a regular file or directory of this file system. */
  openFile(_ctx: VfsContext, _path: Path, _flags: number): FileDescription | Errno {
    return ENXIO;
  }
  /** What openFile would find out, for an overlay that opens the file in its own name: 0 or errno. */
  probeOpen(_ctx: VfsContext, _flags: number): number {
    return 0;
  }
  /** The page cache, for files that have one: execve, sendfile and the overlay read through it. */
  get mapping(): MemoryObject | null {
    return null;
  }
  /** The last name is gone or a last description was closed: frees what nlink 0 and no opens leave. */
  evict(): void {}
  /** A mount has this inode as its root (bind mount of a namespace's file), and has it no more. */
  pin(): void {}
  unpin(): void {}
  /** The mount namespace that this file of nsfs stands for. */
  get mountNamespace(): MountNamespace | null {
    return null;
  }
  /** Open descriptions, and mounts whose root it is: a file without a name is freed with the last of them. */
  openCount = 0;
  hold(): void {
    this.openCount++;
  }
  unhold(): void {
    if (--this.openCount > 0 || this.nlink > 0) return;
    notifyInode(this, IN_DELETE_SELF);
    this.evict();
  }

  /** Sets the given times to now (`which`: ATTR_ATIME, ATTR_MTIME, ATTR_CTIME). */
  touch(which: number): void {
    const { vfs, multigrain } = this.sb;
    const { clock } = vfs;
    if (multigrain) clock.update();
    else clock.coarse();
    if (which & ATTR_ATIME) {
      this.atimeSec = clock.sec;
      this.atimeNsec = clock.nsec;
    }
    if (which & ATTR_MTIME) {
      this.mtimeSec = clock.sec;
      this.mtimeNsec = clock.nsec;
    }
    if (which & ATTR_CTIME) {
      this.ctimeSec = clock.sec;
      this.ctimeNsec = clock.nsec;
    }
  }
}
