/** Opening files: Linux fs/namei.c path_openat(), do_open(), may_open(); fs/open.c build_open_flags(). */
import type { Errno } from '../abi/errno.ts';
import { EACCES, EEXIST, EFBIG, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENXIO, EOVERFLOW, EPERM, EROFS, ETXTBSY } from '../abi/errno.ts';
import {
  __O_TMPFILE, O_ACCMODE, O_APPEND, O_CLOEXEC, O_CREAT, O_DIRECTORY, O_EXCL, O_LARGEFILE, O_NOATIME, O_NOCTTY, O_NOFOLLOW, O_PATH,
  O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, RESOLVE_CACHED, VALID_OPEN_FLAGS,
} from '../abi/fcntl.ts';
import { MS_NODEV, MS_NOEXEC } from '../abi/mount.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK } from '../abi/stat.ts';
import type { VfsContext } from './context.ts';
import { Dentry } from './dentry.ts';
import { type FileDescription, PathDescription } from './file-description.ts';
import { deniedLater, landlockMake, landlockOpen, landlockTruncate } from './landlock.ts';
import { ATTR_CTIME, ATTR_MTIME, ATTR_SIZE, type Inode, S_APPEND, SetAttributes } from './inode.ts';
import { type Mount, Path } from './mount.ts';
import { askPermission, createdBefore, FS_OPEN_EXEC, FS_OPEN_EXEC_PERM, FS_OPEN_PERM, IN_CREATE, IN_OPEN, notify, notifyEntry } from './notify.ts';
import { adoptThrough, dropPrivileges } from './attributes.ts';
import { type MountIdMap, shownUid } from './mount-id-map.ts';
import { LOOKUP_CREATE, LOOKUP_DIRECTORY, LOOKUP_FOLLOW, pathWalk } from './path-walk.ts';
import { canOwn, inodePermission, MAY_EXEC, MAY_READ, MAY_WRITE, mayCreate, ownerOrCapable } from './permission.ts';

/** Flags that stay in f_flags after open. */
const KEPT_FLAGS: number = ~(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC);
/** Internal open flag of execve: the file is to be executed. Above all guest flags. */
export const FMODE_EXEC = 0x20;

/**
 * Checks and normalises flags and mode of openat (`how` false: unknown bits are ignored) and openat2 (`how` true: they are EINVAL). The
 * flags, or EINVAL.
 */
export function checkOpenFlags(flags: number, mode: number, how: boolean): number {
  if (how) {
    if (flags & ~VALID_OPEN_FLAGS) return EINVAL;
    if (mode & ~0o7777) return EINVAL;
  } else flags &= VALID_OPEN_FLAGS;
  // Since 6.4, O_DIRECTORY | O_CREAT is refused.
  if ((flags & (O_DIRECTORY | O_CREAT)) === (O_DIRECTORY | O_CREAT)) return EINVAL;
  if (how && (flags & (O_CREAT | __O_TMPFILE)) === 0 && mode !== 0) return EINVAL;
  if (flags & __O_TMPFILE) {
    if ((flags & O_DIRECTORY) === 0) return EINVAL;
    if ((flags & O_ACCMODE) === O_RDONLY) return EINVAL;
  }
  if (flags & O_PATH) {
    if (how && flags & ~(O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC)) return EINVAL;
    flags &= O_DIRECTORY | O_NOFOLLOW | O_PATH | O_CLOEXEC;
  }
  return flags;
}

/** MAY_ bits of an access mode: 0 reads, 1 writes, 2 and 3 both. */
function accessMask(flags: number): number {
  const acc = flags & O_ACCMODE;
  let mask = acc === O_RDONLY ? MAY_READ : acc === O_WRONLY ? MAY_WRITE : MAY_READ | MAY_WRITE;
  if (flags & O_TRUNC) mask |= MAY_WRITE;
  return mask;
}

/** Opens `name` from `base` (null: working directory) with flags that went through checkOpenFlags. A description with one reference. */
export function openPath(ctx: VfsContext, base: Path | null, name: string, flags: number, mode: number, resolve: number): FileDescription | Errno {
  if (flags & __O_TMPFILE) return openTmpfile(ctx, base, name, flags, mode, resolve);
  let lookup = flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW;
  if (flags & O_DIRECTORY) lookup |= LOOKUP_DIRECTORY;
  if (flags & O_CREAT) {
    lookup |= LOOKUP_CREATE;
    if (flags & O_EXCL) lookup &= ~LOOKUP_FOLLOW;
  }
  resolve &= ~RESOLVE_CACHED;
  const walked = pathWalk.walk(ctx, base, name, lookup, resolve);
  if (walked < 0) return walked as Errno;
  const mount = pathWalk.mount;
  const dentry = pathWalk.dentry;
  if (dentry.inode === null) {
    if (pathWalk.trailingSlash) return EISDIR;
    return createFile(ctx, mount, dentry, flags, mode);
  }
  if (flags & O_CREAT) {
    // The call was answered after it had made the file.
    const resumed = createdBefore(ctx, dentry.inode);
    if (resumed) {
      const file = openInode(ctx, new Path(mount, dentry), dentry.inode, flags & ~O_TRUNC, true);
      if (typeof file !== 'number') file.wasCreated = true;
      return file;
    }
    if (flags & O_EXCL) return EEXIST;
    if (dentry.inode.isDirectory) return EISDIR;
    const r = mayCreateInSticky(ctx, dentry.parent.inode!, dentry.inode, mount); // a parent is positive
    if (r < 0) return r as Errno;
  }
  return openPlace(ctx, new Path(mount, dentry), flags);
}

/** fs.protected_fifos and fs.protected_regular: O_CREAT of somebody else's file in a sticky directory. */
function mayCreateInSticky(ctx: VfsContext, dir: Inode, inode: Inode, mount: Mount): number {
  const vfs = inode.sb.vfs;
  const type = inode.mode & S_IFMT;
  const level = type === S_IFIFO ? vfs.protectedFifos : type === S_IFREG ? vfs.protectedRegular : 0;
  if (level === 0 || (dir.mode & 0o1000) === 0 || inode.uid === dir.uid || shownUid(mount.idmap, inode.sb, inode.uid) === ctx.credentials.fsuid) return 0;
  if (dir.mode & 0o002 || (dir.mode & 0o020 && level >= 2)) return EACCES;
  return 0;
}

function createFile(ctx: VfsContext, mount: Mount, dentry: Dentry, flags: number, mode: number): FileDescription | Errno {
  const parent = dentry.parent;
  const dir = parent.inode!; // walked
  if (mount.readOnly) return EROFS;
  const denied = landlockMake(ctx, mount, parent, S_IFREG);
  if (denied < 0) return denied as Errno;
  const may = mayCreate(ctx, parent, dentry, mount.idmap);
  if (may < 0) return may as Errno;
  const inode = dir.create(ctx, dentry.name, S_IFREG | (mode & 0o7777 & ~ctx.fs.umask));
  if (typeof inode === 'number') return inode;
  dentry.inode = inode;
  adoptThrough(ctx, dir, inode, mount.idmap);
  notifyEntry(parent, IN_CREATE, dentry);
  // The creator may open a file whose mode forbids it; nothing is left to truncate.
  const file = openInode(ctx, new Path(mount, dentry), inode, flags & ~O_TRUNC, true);
  if (typeof file !== 'number') file.wasCreated = true;
  return file;
}

function openTmpfile(ctx: VfsContext, base: Path | null, name: string, flags: number, mode: number, resolve: number): FileDescription | Errno {
  const walked = pathWalk.walk(ctx, base, name, LOOKUP_DIRECTORY | (flags & O_NOFOLLOW ? 0 : LOOKUP_FOLLOW), resolve);
  if (walked < 0) return walked as Errno;
  const dir = pathWalk.dentry;
  const mount = pathWalk.mount;
  if (mount.readOnly) return EROFS;
  const may = inodePermission(ctx, dir.inode!, MAY_WRITE | MAY_EXEC, mount.idmap);
  if (may < 0) return may as Errno;
  if (!canOwn(ctx.credentials, dir.inode!, mount.idmap)) return EOVERFLOW;
  const inode = dir.inode!.tmpfile(ctx, S_IFREG | (mode & 0o7777 & ~ctx.fs.umask));
  if (typeof inode === 'number') return inode;
  adoptThrough(ctx, dir.inode!, inode, mount.idmap);
  const dentry = new Dentry(dir.sb, dir, `#${inode.ino}`, inode);
  dentry.hashed = false;
  if ((flags & O_EXCL) === 0) inode.linkable = true;
  return openInode(ctx, new Path(mount, dentry), inode, flags & ~O_TRUNC);
}

/** Opens an existing place: the checks of may_open(), then the file system. */
export function openPlace(ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
  const inode = path.dentry.inode;
  if (inode === null) return ENOENT;
  const type = inode.mode & S_IFMT;
  if (flags & O_DIRECTORY && type !== S_IFDIR) return ENOTDIR;
  if (flags & O_PATH) return new PathDescription(path, flags & ~O_CLOEXEC);
  // What may be executed need not be readable.
  const mask = flags & FMODE_EXEC ? MAY_EXEC : accessMask(flags);
  switch (type) {
    case S_IFLNK:
      return ELOOP;
    case S_IFDIR:
      if (mask & MAY_WRITE) return EISDIR;
      if (mask & MAY_EXEC) return EACCES;
      break;
    case S_IFCHR:
    case S_IFBLK:
      if (path.mount.flags & MS_NODEV || inode.sb.noDevices || mask & MAY_EXEC) return EACCES;
      flags &= ~O_TRUNC;
      break;
    case S_IFIFO:
    case S_IFSOCK:
      if (mask & MAY_EXEC) return EACCES;
      flags &= ~O_TRUNC;
      break;
    default:
      if (mask & MAY_EXEC && path.mount.flags & MS_NOEXEC) return EACCES;
      if (mask & MAY_WRITE && path.mount.readOnly) return EROFS;
  }
  const r = inodePermission(ctx, inode, mask, path.mount.idmap);
  if (r < 0) return r as Errno;
  if (inode.flags & S_APPEND) {
    if ((flags & O_ACCMODE) !== O_RDONLY && (flags & O_APPEND) === 0) return EPERM;
    if (flags & O_TRUNC) return EPERM;
  }
  if (flags & O_NOATIME && !ownerOrCapable(ctx.credentials, inode, path.mount.idmap)) return EPERM;
  if (type === S_IFSOCK) return ENXIO;
  return openInode(ctx, path, inode, flags);
}

const truncateAttrs = new SetAttributes();

function openInode(ctx: VfsContext, path: Path, inode: Inode, flags: number, created = false): FileDescription | Errno {
  const acc = flags & O_ACCMODE;
  const writes = acc !== O_RDONLY && acc !== 3;
  if ((writes || flags & O_TRUNC) && inode.writeCount < 0) return ETXTBSY;
  if (ctx.credentials.domain !== null) {
    const reads = (acc === O_RDONLY || acc === O_RDWR) && (flags & FMODE_EXEC) === 0;
    const denied = landlockOpen(ctx, path, inode, reads, writes, (flags & FMODE_EXEC) !== 0) || (flags & O_TRUNC && inode.isRegular ? landlockTruncate(ctx, path.mount, path.dentry) : 0);
    if (denied < 0) return denied as Errno;
  }
  const asked = askPermission(ctx, path, flags & FMODE_EXEC ? FS_OPEN_PERM | FS_OPEN_EXEC_PERM : FS_OPEN_PERM, created);
  if (asked < 0) return asked as Errno;
  // Cut before it is opened: an overlay need not copy what is thrown away.
  if (flags & O_TRUNC && inode.isRegular) {
    const r = truncateInode(ctx, inode, 0, path.mount.idmap);
    if (r < 0) return r as Errno;
  }
  const file = inode.open(ctx, path, (flags & (KEPT_FLAGS | O_NOCTTY) & ~FMODE_EXEC) | O_LARGEFILE);
  if (typeof file === 'number') return file;
  if (ctx.credentials.domain !== null) file.landlockDenied = deniedLater(ctx, path, inode);
  if (writes && inode.isRegular) {
    file.countWriter();
  }
  notify(path.dentry, IN_OPEN | (flags & FMODE_EXEC ? FS_OPEN_EXEC : 0), path.mount);
  return file;
}

/** Sets the size of a regular file by name or by O_TRUNC; permissions were checked. Clears setuid bits as a write does. */
export function truncateInode(ctx: VfsContext, inode: Inode, size: number, idmap: MountIdMap | null = null): number {
  if (size > inode.sb.maxBytes) return EFBIG;
  const r = dropPrivileges(ctx, inode, idmap);
  if (r < 0) return r;
  truncateAttrs.valid = ATTR_SIZE | ATTR_CTIME | (inode.size === size && size !== 0 ? 0 : ATTR_MTIME);
  const clock = inode.sb.vfs.clock;
  clock.update();
  truncateAttrs.mtimeSec = clock.sec;
  truncateAttrs.mtimeNsec = clock.nsec;
  truncateAttrs.size = size;
  return inode.setattr(ctx, truncateAttrs);
}

