/** chmod, chown, utimensat, truncate and their relatives. */
import { EACCES, EBADF, EFAULT, EFBIG, EINVAL, EISDIR, ENODEV, EOPNOTSUPP, EPERM, EROFS, ESPIPE, ETXTBSY, isErr } from '../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE } from '../abi/fcntl.ts';
import { S_IFDIR, S_IFIFO, S_IFMT, S_IFREG, UTIME_NOW, UTIME_OMIT } from '../abi/stat.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import type { Task } from '../kernel/task.ts';
import { changeAttributes } from '../vfs/attributes.ts';
import { ATTR_ATIME, ATTR_CTIME, ATTR_GID, ATTR_MODE, ATTR_MTIME, ATTR_UID, type Inode, S_APPEND, S_IMMUTABLE, SetAttributes } from '../vfs/inode.ts';
import type { Mount } from '../vfs/mount.ts';
import { IN_ATTRIB, IN_MODIFY, notify, notifyFile } from '../vfs/notify.ts';
import type { Dentry } from '../vfs/dentry.ts';
import { landlockTruncate, truncateDenied } from '../vfs/landlock.ts';
import { truncateInode } from '../vfs/open.ts';
import { pathWalk } from '../vfs/path-walk.ts';
import { inodePermission, MAY_WRITE, ownerOrCapable } from '../vfs/permission.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { getFile, walkAt } from './file-names.ts';

const attrs = new SetAttributes();
const SIGXFSZ = 25;

/** Makes the change in `attrs` at a place and tells inotify. */
function change(t: Task, mount: Mount, dentry: Dentry): number {
  if (mount.readOnly) return EROFS;
  const inode = dentry.inode!; // walked or open
  const r = changeAttributes(t, inode, attrs, mount.idmap);
  if (r === 0) notify(dentry, IN_ATTRIB, null);
  return r;
}

function chmodPlace(t: Task, mount: Mount, dentry: Dentry, mode: number): number {
  // Links have no mode of their own.
  if (dentry.inode!.isSymlink) return EOPNOTSUPP;
  attrs.valid = ATTR_MODE;
  attrs.mode = mode & 0o7777;
  return change(t, mount, dentry);
}
function chmodAt(t: Task, dirfd: number, nameAddr: number, mode: number, flags: number): number {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return EINVAL;
  const r = walkAt(t, dirfd, nameAddr, flags);
  return r < 0 ? r : chmodPlace(t, pathWalk.mount, pathWalk.dentry, mode);
}
function sysChmod(t: Task, a: SyscallArgs): number {
  return chmodAt(t, AT_FDCWD, a.addr(0), a.u32(1), 0);
}
function sysFchmod(t: Task, a: SyscallArgs): number {
  const file = getFile(t, a.fd(0));
  return typeof file === 'number' ? file : chmodPlace(t, file.path.mount, file.path.dentry, a.u32(1));
}
function sysFchmodat(t: Task, a: SyscallArgs): number {
  return chmodAt(t, a.int(0), a.addr(1), a.u32(2), 0);
}
function sysFchmodat2(t: Task, a: SyscallArgs): number {
  return chmodAt(t, a.int(0), a.addr(1), a.u32(2), a.int(3));
}

function chownPlace(t: Task, mount: Mount, dentry: Dentry, uid: number, gid: number): number {
  const ns = t.credentials.userNs;
  attrs.valid = 0;
  if (uid !== 0xffffffff) {
    attrs.uid = ns.makeKuid(uid) as KUid;
    if ((attrs.uid as number) === -1) return EINVAL;
    attrs.valid |= ATTR_UID;
  }
  if (gid !== 0xffffffff) {
    attrs.gid = ns.makeKgid(gid) as KGid;
    if ((attrs.gid as number) === -1) return EINVAL;
    attrs.valid |= ATTR_GID;
  }
  return change(t, mount, dentry);
}
function chownAt(t: Task, dirfd: number, nameAddr: number, uid: number, gid: number, flags: number): number {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return EINVAL;
  const r = walkAt(t, dirfd, nameAddr, flags);
  return r < 0 ? r : chownPlace(t, pathWalk.mount, pathWalk.dentry, uid, gid);
}
function sysChown(t: Task, a: SyscallArgs): number {
  return chownAt(t, AT_FDCWD, a.addr(0), a.u32(1), a.u32(2), 0);
}
function sysLchown(t: Task, a: SyscallArgs): number {
  return chownAt(t, AT_FDCWD, a.addr(0), a.u32(1), a.u32(2), AT_SYMLINK_NOFOLLOW);
}
function sysFchown(t: Task, a: SyscallArgs): number {
  const file = getFile(t, a.fd(0));
  return typeof file === 'number' ? file : chownPlace(t, file.path.mount, file.path.dentry, a.u32(1), a.u32(2));
}
function sysFchownat(t: Task, a: SyscallArgs): number {
  return chownAt(t, a.int(0), a.addr(1), a.u32(2), a.u32(3), a.int(4));
}

/** The times asked for: both null for "now". */
const times = { aSec: 0, aNsec: 0, mSec: 0, mNsec: 0, now: false };

/** Linux vfs_utimes(): what is needed depends on whether explicit times are set. */
function utimesPlace(t: Task, mount: Mount, dentry: Dentry): number {
  const inode = dentry.inode!;
  if (mount.readOnly) return EROFS;
  const setA = times.now || times.aNsec !== UTIME_OMIT;
  const setM = times.now || times.mNsec !== UTIME_OMIT;
  const explicit = !times.now && !(times.aNsec === UTIME_NOW && times.mNsec === UTIME_NOW);
  if (inode.flags & S_IMMUTABLE || (explicit && inode.flags & S_APPEND)) return EPERM;
  if (!setA && !setM) return 0;
  if (explicit) {
    if (!ownerOrCapable(t.credentials, inode, mount.idmap)) return EPERM;
  } else if (!ownerOrCapable(t.credentials, inode, mount.idmap)) {
    const r = inodePermission(t, inode, MAY_WRITE, mount.idmap);
    if (r < 0) return r;
  }
  const clock = inode.sb.vfs.clock;
  clock.update();
  attrs.valid = ATTR_CTIME | (setA ? ATTR_ATIME : 0) | (setM ? ATTR_MTIME : 0);
  const aNow = times.now || times.aNsec === UTIME_NOW;
  const mNow = times.now || times.mNsec === UTIME_NOW;
  attrs.atimeSec = aNow ? clock.sec : times.aSec;
  attrs.atimeNsec = aNow ? clock.nsec : times.aNsec;
  attrs.mtimeSec = mNow ? clock.sec : times.mSec;
  attrs.mtimeNsec = mNow ? clock.nsec : times.mNsec;
  const r = inode.setattr(t, attrs);
  if (r === 0) notify(dentry, IN_ATTRIB, null);
  return r;
}

const long = { value: 0 };

/** Reads two struct timespec (unit 1) or timeval (unit 1000); address 0 is "now". 0, EFAULT, EINVAL. */
function readTimes(t: Task, addr: number, unit: number): number {
  times.now = addr === 0;
  if (addr === 0) return 0;
  const v: number[] = [];
  for (let i = 0; i < 4; i++) {
    if (isErr(t.space.readI64(addr + i * 8, long))) return EFAULT;
    v.push(long.value);
  }
  for (const i of [1, 3]) {
    const n = v[i]!; // four were read
    if (unit === 1000 ? n < 0 || n >= 1_000_000 : n !== UTIME_NOW && n !== UTIME_OMIT && (n < 0 || n >= 1_000_000_000)) return EINVAL;
  }
  times.aSec = v[0]!;
  times.aNsec = v[1]! * unit;
  times.mSec = v[2]!;
  times.mNsec = v[3]! * unit;
  return 0;
}

function utimesAt(t: Task, dirfd: number, nameAddr: number, flags: number): number {
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return EINVAL;
  if (nameAddr === 0 && dirfd !== AT_FDCWD) {
    if (flags !== 0) return EINVAL;
    const file = getFile(t, dirfd);
    return typeof file === 'number' ? file : utimesPlace(t, file.path.mount, file.path.dentry);
  }
  const r = walkAt(t, dirfd, nameAddr, flags);
  return r < 0 ? r : utimesPlace(t, pathWalk.mount, pathWalk.dentry);
}

function sysUtimensat(t: Task, a: SyscallArgs): number {
  const r = readTimes(t, a.addr(2), 1);
  if (r < 0) return r;
  if (!times.now && times.aNsec === UTIME_OMIT && times.mNsec === UTIME_OMIT) return 0;
  return utimesAt(t, a.int(0), a.addr(1), a.int(3));
}
function sysFutimesat(t: Task, a: SyscallArgs): number {
  const r = readTimes(t, a.addr(2), 1000);
  return r < 0 ? r : utimesAt(t, a.int(0), a.addr(1), 0);
}
function sysUtimes(t: Task, a: SyscallArgs): number {
  const r = readTimes(t, a.addr(1), 1000);
  return r < 0 ? r : utimesAt(t, AT_FDCWD, a.addr(0), 0);
}
function sysUtime(t: Task, a: SyscallArgs): number {
  const addr = a.addr(1);
  times.now = addr === 0;
  if (addr !== 0) {
    if (isErr(t.space.readI64(addr, long))) return EFAULT;
    times.aSec = long.value;
    if (isErr(t.space.readI64(addr + 8, long))) return EFAULT;
    times.mSec = long.value;
    times.aNsec = times.mNsec = 0;
  }
  return utimesAt(t, AT_FDCWD, a.addr(0), 0);
}

/** Checks of RLIMIT_FSIZE for an explicit size: EFBIG and SIGXFSZ. */
function sizeAllowed(t: Task, inode: Inode, size: number): number {
  if (size > t.fileSizeLimit && size > inode.size) {
    t.sendSignal(SIGXFSZ);
    return EFBIG;
  }
  return size > inode.sb.maxBytes ? EFBIG : 0;
}

function sysTruncate(t: Task, a: SyscallArgs): number {
  const size = a.long(1);
  if (size < 0) return EINVAL;
  const r = walkAt(t, AT_FDCWD, a.addr(0), 0);
  if (r < 0) return r;
  const dentry = pathWalk.dentry;
  const inode = pathWalk.inode;
  if (inode.isDirectory) return EISDIR;
  if (!inode.isRegular) return EINVAL;
  if (pathWalk.mount.readOnly) return EROFS;
  const { idmap } = pathWalk.mount;
  const may = inodePermission(t, inode, MAY_WRITE, idmap);
  if (may < 0) return may;
  if (inode.flags & S_APPEND) return EPERM;
  if (inode.writeCount < 0) return ETXTBSY;
  const ok = sizeAllowed(t, inode, size);
  if (ok < 0) return ok;
  const denied = landlockTruncate(t, pathWalk.mount, dentry);
  if (denied < 0) return denied;
  const done = truncateInode(t, inode, size, idmap);
  if (done === 0) notify(dentry, IN_MODIFY, null);
  return done;
}
function sysFtruncate(t: Task, a: SyscallArgs): number {
  const size = a.long(1);
  if (size < 0) return EINVAL;
  const file = getFile(t, a.fd(0));
  if (typeof file === 'number') return file;
  const inode = file.inode;
  if (!inode.isRegular || !file.writable) return EINVAL;
  if (inode.flags & S_APPEND) return EPERM;
  const ok = sizeAllowed(t, inode, size);
  if (ok < 0) return ok;
  if (truncateDenied(file)) return EACCES;
  const done = file.truncate(t, size);
  if (done === 0) notify(file.path.dentry, IN_MODIFY, null);
  return done;
}

function sysFallocate(t: Task, a: SyscallArgs): number {
  const mode = a.int(1);
  const offset = a.long(2);
  const length = a.long(3);
  const file = getFile(t, a.fd(0));
  if (typeof file === 'number') return file;
  if (offset < 0 || length <= 0) return EINVAL;
  if (mode & ~0xff) return EOPNOTSUPP;
  if (mode & FALLOC_FL_PUNCH_HOLE && (mode & FALLOC_FL_KEEP_SIZE) === 0) return EOPNOTSUPP;
  if (!file.writable) return EBADF;
  const inode = file.inode;
  if (inode.flags & S_IMMUTABLE || (mode & ~FALLOC_FL_KEEP_SIZE && inode.flags & S_APPEND)) return EPERM;
  switch (inode.mode & S_IFMT) {
    case S_IFIFO:
      return ESPIPE;
    case S_IFDIR:
      return EISDIR;
    case S_IFREG:
      break;
    default:
      return ENODEV;
  }
  if (offset + length > inode.sb.maxBytes) return EFBIG;
  const r = file.fallocate(t, mode, offset, length);
  if (r === 0) notifyFile(file, IN_MODIFY);
  return r;
}

export const rows: readonly SyscallRow[] = [
  [76, 'truncate', 'path,long', 'full', sysTruncate],
  [77, 'ftruncate', 'fd,long', 'full', sysFtruncate],
  [90, 'chmod', 'path,mode', 'full', sysChmod],
  [91, 'fchmod', 'fd,mode', 'full', sysFchmod],
  [92, 'chown', 'path,uid,gid', 'full', sysChown],
  [93, 'fchown', 'fd,uid,gid', 'full', sysFchown],
  [94, 'lchown', 'path,uid,gid', 'full', sysLchown],
  [132, 'utime', 'path,utimbuf', 'full', sysUtime],
  [235, 'utimes', 'path,timeval:2', 'full', sysUtimes],
  [260, 'fchownat', 'dirfd,path,uid,gid,atflags', 'full', sysFchownat],
  [261, 'futimesat', 'dirfd,path,timeval:2', 'full', sysFutimesat],
  [268, 'fchmodat', 'dirfd,path,mode', 'full', sysFchmodat],
  [280, 'utimensat', 'dirfd,path,timespec:2,atflags', 'full', sysUtimensat],
  [285, 'fallocate', 'fd,fallocmode,long,long', 'full', sysFallocate],
  [452, 'fchmodat2', 'dirfd,path,mode,atflags', 'full', sysFchmodat2],
];
