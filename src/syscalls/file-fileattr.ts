/** file_getattr, file_setattr: the flags of a file by name. Linux 6.18 fs/file_attr.c. */
import { CAP_LINUX_IMMUTABLE } from '../abi/capability.ts';
import { E2BIG, EFAULT, EINVAL, EOPNOTSUPP, EPERM, EROFS, isErr } from '../abi/errno.ts';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW } from '../abi/fcntl.ts';
import type { Task } from '../kernel/task.ts';
import { ATTR_CTIME, S_APPEND, S_IMMUTABLE } from '../vfs/inode.ts';
import { pathWalk } from '../vfs/path-walk.ts';
import { ownerOrCapable } from '../vfs/permission.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { walkAt } from './file-names.ts';

/** struct file_attr of the first version: xflags (64 bits), extsize, nextents, projid, cowextsize. Bytes. */
const ATTR_SIZE = 24;
const PAGE_SIZE = 4096;
const FS_XFLAG_IMMUTABLE = 8, FS_XFLAG_APPEND = 0x10;
/** Every FS_XFLAG_ there is (FS_XFLAGS_MASK), and those that are known beside extent sizes and projects (FS_XFLAG_COMMON). */
const XFLAGS_KNOWN = 0x8001fffb, XFLAGS_COMMON = 0x8000027a;

/** What is wrong with flags and size: 0, EINVAL, E2BIG. */
function checkArguments(a: SyscallArgs): number {
  const flags = a.u32(4);
  const size = a.size(3);
  if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH)) return EINVAL;
  if (size > PAGE_SIZE) return E2BIG;
  if (size < ATTR_SIZE) return EINVAL;
  return 0;
}

function fileGetattr(t: Task, a: SyscallArgs): number {
  const bad = checkArguments(a) || walkAt(t, a.int(0), a.addr(1), a.u32(4));
  if (bad < 0) return bad;
  const { inode } = pathWalk;
  if (!inode.keepsFlags) return EOPNOTSUPP;
  const bytes = new Uint8Array(a.size(3));
  bytes[0] = (inode.flags & S_IMMUTABLE ? FS_XFLAG_IMMUTABLE : 0) | (inode.flags & S_APPEND ? FS_XFLAG_APPEND : 0);
  return isErr(t.space.writeBytes(a.addr(2), bytes)) ? EFAULT : 0;
}

function fileSetattr(t: Task, a: SyscallArgs): number {
  const bad = checkArguments(a);
  if (bad < 0) return bad;
  const bytes = new Uint8Array(a.size(3));
  if (isErr(t.space.readBytes(a.addr(2), bytes))) return EFAULT;
  if (bytes.subarray(ATTR_SIZE).some((b) => b !== 0)) return E2BIG;
  const view = new DataView(bytes.buffer);
  const xflags = view.getUint32(0, true);
  if (view.getUint32(4, true) !== 0 || xflags & ~XFLAGS_KNOWN) return EINVAL;
  const r = walkAt(t, a.int(0), a.addr(1), a.u32(4));
  if (r < 0) return r;
  const { inode, mount } = pathWalk;
  if (mount.readOnly) return EROFS;
  if (!inode.keepsFlags) return EOPNOTSUPP;
  if (!ownerOrCapable(t.credentials, inode, mount.idmap)) return EPERM;
  const flags = (xflags & FS_XFLAG_IMMUTABLE ? S_IMMUTABLE : 0) | (xflags & FS_XFLAG_APPEND ? S_APPEND : 0);
  if ((flags ^ inode.flags) & (S_IMMUTABLE | S_APPEND) && !t.credentials.capableInInit(CAP_LINUX_IMMUTABLE)) return EPERM;
  if (xflags & ~XFLAGS_COMMON || view.getUint32(8, true) !== 0 || view.getUint32(16, true) !== 0 || view.getUint32(20, true) !== 0) return EOPNOTSUPP;
  inode.flags = (inode.flags & ~(S_IMMUTABLE | S_APPEND)) | flags;
  inode.touch(ATTR_CTIME);
  return 0;
}

export const fileFileattrRows: readonly SyscallRow[] = [
  [468, 'file_getattr', 'dirfd,path,addr,size,atflags', 'full', fileGetattr],
  [469, 'file_setattr', 'dirfd,path,addr,size,atflags', 'full', fileSetattr],
];
