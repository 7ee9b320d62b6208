/** name_to_handle_at, open_by_handle_at. Linux fs/fhandle.c. */
import { CAP_DAC_READ_SEARCH, CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EBADF, EFAULT, EINVAL, EOPNOTSUPP, EOVERFLOW, EPERM, ESTALE, type Errno, isErr } from '../abi/errno.ts';
import {
  AT_EMPTY_PATH, AT_FDCWD, AT_HANDLE_FID, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW, FILEID_INVALID, FILEID_IS_CONNECTABLE, FILEID_IS_DIR, O_CLOEXEC,
  O_DIRECTORY,
} from '../abi/fcntl.ts';
import type { Task } from '../kernel/task.ts';
import type { Dentry } from '../vfs/dentry.ts';
import type { FileHandle } from '../vfs/file-handle.ts';
import { Path } from '../vfs/mount.ts';
import { hasLockedChildren } from '../vfs/mounting.ts';
import { checkOpenFlags, openPlace } from '../vfs/open.ts';
import { pathWalk } from '../vfs/path-walk.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { walkAt } from './file-names.ts';
import { installFile } from './mount-config.ts';

/** Largest handle, bytes (MAX_HANDLE_SZ). */
const MAX_HANDLE = 128;
const AT_HANDLE_MNT_ID_UNIQUE = 1;
const AT_HANDLE_CONNECTABLE = 2;
/** struct file_handle: u32 handle_bytes, int handle_type, then the handle. */
const HEADER = 8;

function sysNameToHandleAt(t: Task, a: SyscallArgs): number {
  const flags = a.int(4);
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID | AT_HANDLE_MNT_ID_UNIQUE | AT_HANDLE_CONNECTABLE)) return EINVAL;
  const connectable = (flags & AT_HANDLE_CONNECTABLE) !== 0;
  const fidOnly = (flags & AT_HANDLE_FID) !== 0;
  if (connectable && (fidOnly || flags & AT_EMPTY_PATH)) return EINVAL;
  const r = walkAt(t, a.int(0), a.addr(1), (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH));
  if (r < 0) return r;
  const { mount, dentry } = pathWalk;
  const { sb } = dentry;
  if (!fidOnly && (sb.exports === 'none' || sb.exports === 'fid' || (connectable && sb.exports !== 'parents'))) return EOPNOTSUPP;
  const at = a.addr(2);
  const room = t.space.readU32(at);
  if (isErr(room) || isErr(t.space.readU32(at + 4))) return EFAULT;
  if (room > MAX_HANDLE) return EINVAL;
  const handle = sb.encodeHandle(dentry, connectable && !dentry.inode!.isDirectory); // walked
  const bytes = handle.words.length * 4;
  const fits = handle.type !== FILEID_INVALID && bytes <= room;
  let { type } = handle;
  if (!fits) type = FILEID_INVALID;
  else if (connectable) type |= FILEID_IS_CONNECTABLE | (dentry.inode!.isDirectory ? FILEID_IS_DIR : 0); // walked
  const idAt = a.addr(3);
  if (isErr(flags & AT_HANDLE_MNT_ID_UNIQUE ? t.space.writeU64(idAt, mount.uniqueId) : t.space.writeU32(idAt, mount.id))) return EFAULT;
  if (isErr(t.space.writeU32(at, bytes)) || isErr(t.space.writeU32(at + 4, type))) return EFAULT;
  if (!fits) return EOVERFLOW;
  for (let i = 0; i < handle.words.length; i++) if (isErr(t.space.writeU32(at + HEADER + i * 4, handle.words[i]!))) return EFAULT; // within the array
  return 0;
}

/** Where the handle's file system is mounted, as the caller names it. */
function anchor(t: Task, fd: number): Path | Errno {
  if (fd === AT_FDCWD) return t.fs.pwd;
  const internal = t.kernel.vfs.handleRoots.get(fd);
  if (internal !== undefined) return new Path(internal.mount, internal.root);
  return (fd < 0 ? null : t.fdTable.get(fd))?.path ?? EBADF;
}

/** How a caller may open by handle: 0 everything, or what is to be checked; EPERM. Linux may_decode_fh(). */
const CHECK_PERMISSIONS = 1;
const CHECK_SUBTREE = 2;
function mayDecode(t: Task, at: Path, flags: number): number {
  const { sb, ns } = at.mount;
  const cred = t.credentials;
  if (sb.freeHandles || cred.capableInInit(CAP_DAC_READ_SEARCH)) return 0;
  if (!(flags & O_DIRECTORY)) return EPERM;
  if (cred.nsCapable(sb.userNs ?? cred.userNs.registry.initialUserNs, CAP_SYS_ADMIN)) return CHECK_PERMISSIONS;
  const administers = ns !== null && cred.nsCapable(ns.userNs, CAP_SYS_ADMIN) && !hasLockedChildren(at.mount, at.dentry);
  return administers ? CHECK_PERMISSIONS | CHECK_SUBTREE : EPERM;
}

function sysOpenByHandleAt(t: Task, a: SyscallArgs): number {
  const from = a.addr(1);
  const bytes = t.space.readU32(from);
  const type = t.space.readU32(from + 4);
  if (isErr(bytes) || isErr(type)) return EFAULT;
  if (bytes === 0 || bytes > MAX_HANDLE) return EINVAL;
  if (type > 0x7fffffff || (type & 0xffff0000 & ~(FILEID_IS_CONNECTABLE | FILEID_IS_DIR)) !== 0) return EINVAL;
  const at = anchor(t, a.int(0));
  if (isErr(at)) return at;
  const rawFlags = a.int(2);
  const checks = mayDecode(t, at, rawFlags);
  if (checks < 0) return checks;
  const words: number[] = [];
  for (let i = 0; i + 4 <= bytes; i += 4) {
    const w = t.space.readU32(from + HEADER + i);
    if (isErr(w)) return EFAULT;
    words.push(w);
  }
  const handle: FileHandle = { type: type & 0xffff, words };
  const { sb } = at.mount;
  const dentry: Dentry | Errno = sb.exports === 'none' || sb.exports === 'fid' ? ESTALE : sb.decodeHandle(t, handle);
  if (isErr(dentry)) return dentry;
  if (checks !== 0 && !dentry.inode?.isDirectory) return ESTALE;
  if (checks & CHECK_SUBTREE && !at.dentry.isAncestorOf(dentry)) return ESTALE;
  const flags = checkOpenFlags(rawFlags, 0, false);
  if (flags < 0) return flags;
  const place = new Path(at.mount, dentry);
  const file = sb.opensHandles && dentry.inode !== null ? dentry.inode.openFile(t, place, flags) : openPlace(t, place, flags);
  return isErr(file) ? file : installFile(t, file, (flags & O_CLOEXEC) !== 0);
}

export const rows: readonly SyscallRow[] = [
  [303, 'name_to_handle_at', 'dirfd,path,addr,addr,atflags', 'full', sysNameToHandleAt],
  [304, 'open_by_handle_at', 'fd,addr,openflags', 'full', sysOpenByHandleAt],
];
