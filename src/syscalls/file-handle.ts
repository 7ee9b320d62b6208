/** name_to_handle_at, open_by_handle_at. No file system here can be exported, so no handle is ever given out (as with Linux's overlayfs). */
import { EBADF, EFAULT, EINVAL, EOPNOTSUPP, EPERM, ESTALE, isErr } from '../abi/errno.ts';
import { CAP_DAC_READ_SEARCH } from '../abi/capability.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_HANDLE_FID, AT_SYMLINK_FOLLOW, AT_SYMLINK_NOFOLLOW } from '../abi/fcntl.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { walkAt } from './file-names.ts';

/** Largest handle, bytes (MAX_HANDLE_SZ). */
const MAX_HANDLE = 128;
const AT_HANDLE_MNT_ID_UNIQUE = 1;
const AT_HANDLE_CONNECTABLE = 2;

function sysNameToHandleAt(t: Task, a: SyscallArgs): number {
  const flags = a.int(4);
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH | AT_HANDLE_FID | AT_HANDLE_MNT_ID_UNIQUE | AT_HANDLE_CONNECTABLE)) return EINVAL;
  if (flags & AT_HANDLE_FID && flags & AT_HANDLE_CONNECTABLE) return EINVAL;
  const r = walkAt(t, a.int(0), a.addr(1), (flags & AT_SYMLINK_FOLLOW ? 0 : AT_SYMLINK_NOFOLLOW) | (flags & AT_EMPTY_PATH));
  if (r < 0) return r;
  const bytes = t.space.readU32(a.addr(2));
  if (isErr(bytes)) return EFAULT;
  return bytes > MAX_HANDLE ? EINVAL : EOPNOTSUPP;
}

function sysOpenByHandleAt(t: Task, a: SyscallArgs): number {
  if (!t.credentials.capable(CAP_DAC_READ_SEARCH)) return EPERM;
  const mountFd = a.int(0);
  if (mountFd !== AT_FDCWD && t.fdTable.get(mountFd) === null) return EBADF;
  const bytes = t.space.readU32(a.addr(1));
  if (isErr(bytes)) return EFAULT;
  return bytes === 0 || bytes > MAX_HANDLE ? EINVAL : ESTALE;
}

export const rows: readonly SyscallRow[] = [
  [303, 'name_to_handle_at', 'dirfd,path,addr,addr,atflags', 'partial', sysNameToHandleAt],
  [304, 'open_by_handle_at', 'fd,addr,openflags', 'partial', sysOpenByHandleAt],
];
