/** stat and its relatives, statx, statfs, access, readlink. */
import { SECBIT_NO_SETUID_FIXUP } from '../abi/capability.ts';
import { EACCES, EFAULT, EINVAL, ENOENT, EROFS, isErr } from '../abi/errno.ts';
import {
  AT_EACCESS, AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_STATX_SYNC_TYPE, AT_SYMLINK_NOFOLLOW, R_OK, W_OK, X_OK,
} from '../abi/fcntl.ts';
import { MS_NOEXEC } from '../abi/mount.ts';
import { S_IFCHR, S_IFBLK, S_IFIFO, S_IFMT, S_IFSOCK, STATX__RESERVED } from '../abi/stat.ts';
import { CapSet } from '../auth/cap-set.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { Task } from '../kernel/task.ts';
import { touchAtime } from '../vfs/atime.ts';
import type { Inode } from '../vfs/inode.ts';
import type { Mount } from '../vfs/mount.ts';
import { LOOKUP_EMPTY, pathWalk } from '../vfs/path-walk.ts';
import { inodePermission } from '../vfs/permission.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { dirBase, getFileRaw, readPath, walkAt } from './file-names.ts';
import { writeStat, writeStatfs, writeStatx } from './stat-buffers.ts';

function statInode(t: Task, inode: Inode, mount: Mount, addr: number): number {
  const r = inode.refresh(t);
  return r < 0 ? r : writeStat(t, addr, inode, mount.idmap);
}
function statAt(t: Task, dirfd: number, nameAddr: number, buf: number, flags: number): number {
  const r = walkAt(t, dirfd, nameAddr, flags);
  return r < 0 ? r : statInode(t, pathWalk.inode, pathWalk.mount, buf);
}

function sysStat(t: Task, a: SyscallArgs): number {
  return statAt(t, AT_FDCWD, a.addr(0), a.addr(1), 0);
}
function sysLstat(t: Task, a: SyscallArgs): number {
  return statAt(t, AT_FDCWD, a.addr(0), a.addr(1), AT_SYMLINK_NOFOLLOW);
}
function sysFstat(t: Task, a: SyscallArgs): number {
  const file = getFileRaw(t, a.fd(0));
  return typeof file === 'number' ? file : statInode(t, file.inode, file.path.mount, a.addr(1));
}
function sysNewfstatat(t: Task, a: SyscallArgs): number {
  const flags = a.int(3);
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) return EINVAL;
  // glibc's fstat: an empty name with a descriptor.
  if (flags & AT_EMPTY_PATH && a.int(0) >= 0 && (a.addr(1) === 0 || t.space.readU8(a.addr(1)) === 0)) {
    const file = getFileRaw(t, a.int(0));
    return typeof file === 'number' ? file : statInode(t, file.inode, file.path.mount, a.addr(2));
  }
  return statAt(t, a.int(0), a.addr(1), a.addr(2), flags);
}

function sysStatx(t: Task, a: SyscallArgs): number {
  const flags = a.int(2);
  const mask = a.u32(3);
  if (mask >= STATX__RESERVED) return EINVAL;
  if ((flags & AT_STATX_SYNC_TYPE) === AT_STATX_SYNC_TYPE) return EINVAL;
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_EMPTY_PATH | AT_STATX_SYNC_TYPE)) return EINVAL;
  const r = walkAt(t, a.int(0), a.addr(1), flags);
  if (r < 0) return r;
  const { mount, dentry } = pathWalk;
  const inode = pathWalk.inode;
  const fresh = inode.refresh(t);
  if (fresh < 0) return fresh;
  return writeStatx(t, a.addr(4), inode, mount, dentry === mount.root, mask);
}

function sysStatfs(t: Task, a: SyscallArgs): number {
  const r = walkAt(t, AT_FDCWD, a.addr(0), 0);
  if (r < 0) return r;
  const mount = pathWalk.mount;
  const s = pathWalk.dentry.sb.statfs(t);
  return typeof s === 'number' ? s : writeStatfs(t, a.addr(1), s, mount);
}
function sysFstatfs(t: Task, a: SyscallArgs): number {
  const file = getFileRaw(t, a.fd(0));
  if (typeof file === 'number') return file;
  const s = file.inode.sb.statfs(t);
  return typeof s === 'number' ? s : writeStatfs(t, a.addr(1), s, file.path.mount);
}

/** Credentials that access(2) checks with: the real ids, and capabilities as root or not by the real uid (access_override_creds). */
function realCredentials(t: Task): Credentials {
  const cred = t.credentials;
  const overrides = (cred.securebits & SECBIT_NO_SETUID_FIXUP) === 0;
  const isRoot = (cred.uid as number) === (cred.userNs.makeKuid(0) as number);
  if (cred.fsuid === cred.uid && cred.fsgid === cred.gid && (!overrides || (isRoot && cred.capEffective === cred.capPermitted))) return cred;
  const real = cred.prepare();
  real.fsuid = cred.uid;
  real.fsgid = cred.gid;
  if (overrides) real.capEffective = isRoot ? cred.capPermitted : CapSet.EMPTY;
  return real;
}

function access(t: Task, dirfd: number, nameAddr: number, mode: number, flags: number): number {
  if (mode & ~(R_OK | W_OK | X_OK)) return EINVAL;
  if (flags & ~(AT_EACCESS | AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return EINVAL;
  const saved = t.credentials;
  if ((flags & AT_EACCESS) === 0) t.credentials = realCredentials(t);
  const r = accessWith(t, dirfd, nameAddr, mode, flags);
  t.credentials = saved;
  return r;
}
function accessWith(t: Task, dirfd: number, nameAddr: number, mode: number, flags: number): number {
  const r = walkAt(t, dirfd, nameAddr, flags);
  if (r < 0) return r;
  const inode = pathWalk.inode;
  const mount = pathWalk.mount;
  if (mode & X_OK && inode.isRegular && mount.flags & MS_NOEXEC) return EACCES;
  const may = inodePermission(t, inode, mode, mount.idmap);
  if (may < 0 || (mode & W_OK) === 0) return may;
  const type = inode.mode & S_IFMT;
  if (type === S_IFCHR || type === S_IFBLK || type === S_IFIFO || type === S_IFSOCK) return 0;
  return mount.readOnly ? EROFS : 0;
}

function sysAccess(t: Task, a: SyscallArgs): number {
  return access(t, AT_FDCWD, a.addr(0), a.int(1), 0);
}
function sysFaccessat(t: Task, a: SyscallArgs): number {
  return access(t, a.int(0), a.addr(1), a.int(2), 0);
}
function sysFaccessat2(t: Task, a: SyscallArgs): number {
  return access(t, a.int(0), a.addr(1), a.int(2), a.int(3));
}

const linkBytes = new Uint8Array(4096);

function readlinkAt(t: Task, dirfd: number, nameAddr: number, buf: number, size: number): number {
  if (size <= 0) return EINVAL;
  const name = readPath(t, nameAddr);
  if (isErr(name)) return name;
  const base = dirBase(t, dirfd, name);
  if (isErr(base)) return base;
  const r = pathWalk.walk(t, base, name, LOOKUP_EMPTY, 0);
  if (r < 0) return r;
  const inode = pathWalk.inode;
  // An empty name asks for the link that an O_PATH descriptor stands for.
  if (!inode.isSymlink) return name === '' ? ENOENT : EINVAL;
  const target = inode.readlink(t);
  if (isErr(target)) return target;
  touchAtime(pathWalk.mount, inode, 0);
  const n = Math.min(size, target.length, 4096);
  for (let i = 0; i < n; i++) linkBytes[i] = target.charCodeAt(i);
  return isErr(t.space.writeBytes(buf, linkBytes, 0, n)) ? EFAULT : n;
}

function sysReadlink(t: Task, a: SyscallArgs): number {
  return readlinkAt(t, AT_FDCWD, a.addr(0), a.addr(1), a.int(2));
}
function sysReadlinkat(t: Task, a: SyscallArgs): number {
  return readlinkAt(t, a.int(0), a.addr(1), a.addr(2), a.int(3));
}

export const rows: readonly SyscallRow[] = [
  [4, 'stat', 'path,out:stat', 'full', sysStat],
  [5, 'fstat', 'fd,out:stat', 'full', sysFstat],
  [6, 'lstat', 'path,out:stat', 'full', sysLstat],
  [21, 'access', 'path,accessmode', 'full', sysAccess],
  [89, 'readlink', 'path,obuf,size', 'full', sysReadlink],
  [137, 'statfs', 'path,out:statfs', 'full', sysStatfs],
  [138, 'fstatfs', 'fd,out:statfs', 'full', sysFstatfs],
  [262, 'newfstatat', 'dirfd,path,out:stat,atflags', 'full', sysNewfstatat],
  [267, 'readlinkat', 'dirfd,path,obuf,size', 'full', sysReadlinkat],
  [269, 'faccessat', 'dirfd,path,accessmode', 'full', sysFaccessat],
  [332, 'statx', 'dirfd,path,atflags,statxmask,out:statx', 'full', sysStatx],
  [439, 'faccessat2', 'dirfd,path,accessmode,ateaccess', 'full', sysFaccessat2],
];
