/** Extended attributes: Linux fs/xattr.c. */
import { E2BIG, EFAULT, EINVAL, ENODATA, EOPNOTSUPP, EPERM, ERANGE, EROFS, type Errno, isErr } from '../abi/errno.ts';
import { CAP_SETFCAP, CAP_SYS_ADMIN } from '../abi/capability.ts';
import {
  AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, XATTR_CREATE, XATTR_LIST_MAX, XATTR_NAME_MAX, XATTR_REPLACE, XATTR_SIZE_MAX,
} from '../abi/fcntl.ts';
import { S_IFMT, S_ISVTX } from '../abi/stat.ts';
import { shownCapabilities, storedCapabilities, XATTR_SECURITY_CAPABILITY } from '../auth/file-capabilities.ts';
import type { Task } from '../kernel/task.ts';
import { type Inode, S_APPEND, S_IMMUTABLE } from '../vfs/inode.ts';
import type { Mount } from '../vfs/mount.ts';
import { IN_ATTRIB, notify } from '../vfs/notify.ts';
import type { Dentry } from '../vfs/dentry.ts';
import { pathWalk } from '../vfs/path-walk.ts';
import { inodePermission, MAY_READ, MAY_WRITE, ownerOrCapable } from '../vfs/permission.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { getFile, readString, walkAt } from './file-names.ts';

/** The name of an attribute: ERANGE for an empty or too long one. */
function readName(t: Task, addr: number): string | Errno {
  const name = readString(t.space, addr, XATTR_NAME_MAX + 1);
  if (isErr(name)) return name === EFAULT ? EFAULT : ERANGE;
  return name.length === 0 ? ERANGE : name;
}

/** Linux xattr_permission(). */
function checkAccess(t: Task, inode: Inode, mount: Mount, name: string, mask: number): number {
  if (mask & MAY_WRITE && inode.flags & (S_IMMUTABLE | S_APPEND)) return EPERM;
  if (name.startsWith('security.') || name.startsWith('system.')) return 0;
  if (name.startsWith('trusted.')) {
    if (t.credentials.capableInInit(CAP_SYS_ADMIN)) return 0;
    return mask & MAY_WRITE ? EPERM : ENODATA;
  }
  if (name.startsWith('user.')) {
    // What shows no type (pidfds) is a regular file underneath.
    if (!inode.isRegular && !inode.isDirectory && (inode.mode & S_IFMT) !== 0) return mask & MAY_WRITE ? EPERM : ENODATA;
    if (inode.isDirectory && inode.mode & S_ISVTX && mask & MAY_WRITE && !ownerOrCapable(t.credentials, inode, mount.idmap)) return EPERM;
  }
  return inodePermission(t, inode, mask, mount.idmap);
}

/** 0 for a name in one of the classes that files keep; EINVAL for a class without a name, EOPNOTSUPP for others. */
function checkClass(name: string): number {
  for (const prefix of ['user.', 'trusted.', 'security.']) if (name.startsWith(prefix)) return name.length === prefix.length ? EINVAL : 0;
  return EOPNOTSUPP;
}

function set(t: Task, mount: Mount, dentry: Dentry, nameAddr: number, valueAddr: number, size: number, flags: number): number {
  if (flags & ~(XATTR_CREATE | XATTR_REPLACE)) return EINVAL;
  const name = readName(t, nameAddr);
  if (isErr(name)) return name;
  if (size > XATTR_SIZE_MAX) return E2BIG;
  const value = new Uint8Array(size);
  if (size > 0 && isErr(t.space.readBytes(valueAddr, value))) return EFAULT;
  if (mount.readOnly) return EROFS;
  const inode = dentry.inode!; // walked or open
  const owner = mount.sb.userNs ?? t.kernel.userNs;
  const stored = name === XATTR_SECURITY_CAPABILITY && size > 0 ? storedCapabilities(value, t.credentials, inode.uid, inode.gid, owner) : value;
  if (isErr(stored)) return stored;
  const r = checkAccess(t, inode, mount, name, MAY_WRITE);
  if (r < 0) return r;
  // File capabilities were looked at above; other labels are for who administers the file system (Linux cap_inode_setxattr).
  if (name.startsWith('security.') && name !== XATTR_SECURITY_CAPABILITY && !t.credentials.nsCapable(owner, CAP_SYS_ADMIN)) return EPERM;
  const known = checkClass(name);
  if (known < 0) return known;
  const done = inode.setxattr(t, name, stored, flags);
  if (done === 0) notify(dentry, IN_ATTRIB, null);
  return done;
}
function get(t: Task, inode: Inode, mount: Mount, nameAddr: number, valueAddr: number, size: number): number {
  const name = readName(t, nameAddr);
  if (isErr(name)) return name;
  const r = checkAccess(t, inode, mount, name, MAY_READ);
  if (r < 0) return r;
  const known = checkClass(name);
  if (known < 0) return known;
  const kept = inode.getxattr(t, name);
  if (isErr(kept)) return kept;
  const value = name === XATTR_SECURITY_CAPABILITY ? shownCapabilities(kept, t.credentials.userNs, inode.sb.userNs ?? t.kernel.userNs) : kept;
  if (isErr(value)) return value;
  if (size === 0) return value.length;
  if (size < value.length) return ERANGE;
  return value.length > 0 && isErr(t.space.writeBytes(valueAddr, value)) ? EFAULT : value.length;
}
function list(t: Task, inode: Inode, addr: number, size: number): number {
  let names = inode.listxattr(t);
  if (isErr(names)) return names;
  if (!t.credentials.capableInInit(CAP_SYS_ADMIN)) names = names.filter((n) => !n.startsWith('trusted.'));
  const text = names.map((n) => `${n}\0`).join('');
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  if (size === 0) return bytes.length;
  if (bytes.length > Math.min(size, XATTR_LIST_MAX)) return ERANGE;
  return bytes.length > 0 && isErr(t.space.writeBytes(addr, bytes)) ? EFAULT : bytes.length;
}
function remove(t: Task, mount: Mount, dentry: Dentry, nameAddr: number): number {
  const name = readName(t, nameAddr);
  if (isErr(name)) return name;
  if (mount.readOnly) return EROFS;
  const inode = dentry.inode!; // walked or open
  const r = checkAccess(t, inode, mount, name, MAY_WRITE);
  if (r < 0) return r;
  if (name === XATTR_SECURITY_CAPABILITY) {
    if (!t.credentials.capableOverIds(CAP_SETFCAP, inode.uid, inode.gid)) return EPERM;
  } else if (name.startsWith('security.') && !t.credentials.nsCapable(mount.sb.userNs ?? t.kernel.userNs, CAP_SYS_ADMIN)) return EPERM;
  const known = checkClass(name);
  if (known < 0) return known;
  const done = inode.removexattr(t, name);
  if (done === 0) notify(dentry, IN_ATTRIB, null);
  return done;
}

function sysSetxattr(t: Task, a: SyscallArgs): number {
  const r = walkAt(t, AT_FDCWD, a.addr(0), 0);
  return r < 0 ? r : set(t, pathWalk.mount, pathWalk.dentry, a.addr(1), a.addr(2), a.size(3), a.int(4));
}
function sysLsetxattr(t: Task, a: SyscallArgs): number {
  const r = walkAt(t, AT_FDCWD, a.addr(0), AT_SYMLINK_NOFOLLOW);
  return r < 0 ? r : set(t, pathWalk.mount, pathWalk.dentry, a.addr(1), a.addr(2), a.size(3), a.int(4));
}
function sysFsetxattr(t: Task, a: SyscallArgs): number {
  const f = getFile(t, a.fd(0));
  return typeof f === 'number' ? f : set(t, f.path.mount, f.path.dentry, a.addr(1), a.addr(2), a.size(3), a.int(4));
}
function sysGetxattr(t: Task, a: SyscallArgs): number {
  const r = walkAt(t, AT_FDCWD, a.addr(0), 0);
  return r < 0 ? r : get(t, pathWalk.inode, pathWalk.mount, a.addr(1), a.addr(2), a.size(3));
}
function sysLgetxattr(t: Task, a: SyscallArgs): number {
  const r = walkAt(t, AT_FDCWD, a.addr(0), AT_SYMLINK_NOFOLLOW);
  return r < 0 ? r : get(t, pathWalk.inode, pathWalk.mount, a.addr(1), a.addr(2), a.size(3));
}
function sysFgetxattr(t: Task, a: SyscallArgs): number {
  const f = getFile(t, a.fd(0));
  return typeof f === 'number' ? f : get(t, f.inode, f.path.mount, a.addr(1), a.addr(2), a.size(3));
}
function sysListxattr(t: Task, a: SyscallArgs): number {
  const r = walkAt(t, AT_FDCWD, a.addr(0), 0);
  return r < 0 ? r : list(t, pathWalk.inode, a.addr(1), a.size(2));
}
function sysLlistxattr(t: Task, a: SyscallArgs): number {
  const r = walkAt(t, AT_FDCWD, a.addr(0), AT_SYMLINK_NOFOLLOW);
  return r < 0 ? r : list(t, pathWalk.inode, a.addr(1), a.size(2));
}
function sysFlistxattr(t: Task, a: SyscallArgs): number {
  const f = getFile(t, a.fd(0));
  return typeof f === 'number' ? f : list(t, f.inode, a.addr(1), a.size(2));
}
function sysRemovexattr(t: Task, a: SyscallArgs): number {
  const r = walkAt(t, AT_FDCWD, a.addr(0), 0);
  return r < 0 ? r : remove(t, pathWalk.mount, pathWalk.dentry, a.addr(1));
}
function sysLremovexattr(t: Task, a: SyscallArgs): number {
  const r = walkAt(t, AT_FDCWD, a.addr(0), AT_SYMLINK_NOFOLLOW);
  return r < 0 ? r : remove(t, pathWalk.mount, pathWalk.dentry, a.addr(1));
}
function sysFremovexattr(t: Task, a: SyscallArgs): number {
  const f = getFile(t, a.fd(0));
  return typeof f === 'number' ? f : remove(t, f.path.mount, f.path.dentry, a.addr(1));
}

/** struct xattr_args of setxattrat and getxattrat: value, size, flags. */
const XATTR_ARGS_SIZE = 16;
const extra = { value: 0, size: 0, flags: 0 };
function readExtra(t: Task, addr: number, usize: number): number {
  if (usize < XATTR_ARGS_SIZE) return EINVAL;
  if (usize > 4096) return E2BIG;
  const value = t.space.readU64(addr);
  const size = t.space.readU32(addr + 8);
  const flags = t.space.readU32(addr + 12);
  if (isErr(value) || isErr(size) || isErr(flags)) return EFAULT;
  for (let i = XATTR_ARGS_SIZE; i < usize; i++) {
    const b = t.space.readU8(addr + i);
    if (isErr(b)) return b;
    if (b !== 0) return E2BIG;
  }
  extra.value = value;
  extra.size = size;
  extra.flags = flags;
  return 0;
}
function walkXattrAt(t: Task, a: SyscallArgs): number {
  const flags = a.int(2);
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return EINVAL;
  return walkAt(t, a.int(0), a.addr(1), flags);
}
function sysSetxattrat(t: Task, a: SyscallArgs): number {
  let r = readExtra(t, a.addr(4), a.size(5));
  if (r < 0) return r;
  r = walkXattrAt(t, a);
  return r < 0 ? r : set(t, pathWalk.mount, pathWalk.dentry, a.addr(3), extra.value, extra.size, extra.flags);
}
function sysGetxattrat(t: Task, a: SyscallArgs): number {
  let r = readExtra(t, a.addr(4), a.size(5));
  if (r < 0) return r;
  if (extra.flags !== 0) return EINVAL;
  r = walkXattrAt(t, a);
  return r < 0 ? r : get(t, pathWalk.inode, pathWalk.mount, a.addr(3), extra.value, extra.size);
}
function sysListxattrat(t: Task, a: SyscallArgs): number {
  const r = walkXattrAt(t, a);
  return r < 0 ? r : list(t, pathWalk.inode, a.addr(3), a.size(4));
}
function sysRemovexattrat(t: Task, a: SyscallArgs): number {
  const r = walkXattrAt(t, a);
  return r < 0 ? r : remove(t, pathWalk.mount, pathWalk.dentry, a.addr(3));
}

export const rows: readonly SyscallRow[] = [
  [188, 'setxattr', 'path,str,buf:3,size,xattrflags', 'full', sysSetxattr],
  [189, 'lsetxattr', 'path,str,buf:3,size,xattrflags', 'full', sysLsetxattr],
  [190, 'fsetxattr', 'fd,str,buf:3,size,xattrflags', 'full', sysFsetxattr],
  [191, 'getxattr', 'path,str,obuf,size=long', 'full', sysGetxattr],
  [192, 'lgetxattr', 'path,str,obuf,size=long', 'full', sysLgetxattr],
  [193, 'fgetxattr', 'fd,str,obuf,size=long', 'full', sysFgetxattr],
  [194, 'listxattr', 'path,obuf,size=long', 'full', sysListxattr],
  [195, 'llistxattr', 'path,obuf,size=long', 'full', sysLlistxattr],
  [196, 'flistxattr', 'fd,obuf,size=long', 'full', sysFlistxattr],
  [197, 'removexattr', 'path,str', 'full', sysRemovexattr],
  [198, 'lremovexattr', 'path,str', 'full', sysLremovexattr],
  [199, 'fremovexattr', 'fd,str', 'full', sysFremovexattr],
  [463, 'setxattrat', 'dirfd,path,atflags,str,addr,size', 'full', sysSetxattrat],
  [464, 'getxattrat', 'dirfd,path,atflags,str,addr,size', 'full', sysGetxattrat],
  [465, 'listxattrat', 'dirfd,path,atflags,obuf,size', 'full', sysListxattrat],
  [466, 'removexattrat', 'dirfd,path,atflags,str', 'full', sysRemovexattrat],
];
