/** quotactl, quotactl_fd: no file system here keeps quotas, as with a Linux whose file systems are mounted without. Linux fs/quota/quota.c. */
import { EACCES, EBADF, EINVAL, ENODEV, ENOSYS, ENOTBLK, EROFS, isErr } from '../abi/errno.ts';
import { MS_NODEV } from '../abi/mount.ts';
import { S_IFBLK, S_IFMT } from '../abi/stat.ts';
import type { Task } from '../kernel/task.ts';
import { LOOKUP_FOLLOW, walkPath } from '../vfs/path-walk.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { readPath } from './file-names.ts';

/** User, group and project quotas. */
const TYPES = 3;
const Q_SYNC = 0x800001;
/** Commands that do not write: Q_SYNC, Q_GETFMT, Q_GETINFO, Q_XGETQUOTA, Q_XGETQSTAT, Q_XQUOTASYNC, Q_XGETQSTATV, Q_XGETNEXTQUOTA. */
const READS: ReadonlySet<number> = new Set([Q_SYNC, 0x800004, 0x800005, 0x5803, 0x5805, 0x5807, 0x5808, 0x5809]);

function sysQuotactl(t: Task, a: SyscallArgs): number {
  const command = a.u32(0) >>> 8;
  const type = a.u32(0) & 0xff;
  if (type >= TYPES) return EINVAL;
  if (a.addr(1) === 0) return command === Q_SYNC ? 0 : ENODEV;
  const name = readPath(t, a.addr(1));
  if (isErr(name)) return name;
  const at = walkPath(t, null, name, LOOKUP_FOLLOW);
  if (isErr(at)) return at;
  const inode = at.dentry.inode!; // walked
  if ((inode.mode & S_IFMT) !== S_IFBLK) return ENOTBLK;
  if (at.mount.flags & MS_NODEV || inode.sb.noDevices) return EACCES;
  // No file system is on a block device.
  return ENODEV;
}

function sysQuotactlFd(t: Task, a: SyscallArgs): number {
  const file = t.fdTable.get(a.int(0));
  if (file === null) return EBADF;
  const command = a.u32(1) >>> 8;
  if ((a.u32(1) & 0xff) >= TYPES) return EINVAL;
  if (!READS.has(command) && file.path.mount.readOnly) return EROFS;
  return ENOSYS;
}

export const rows: readonly SyscallRow[] = [
  [179, 'quotactl', 'hex,path,int,addr', 'full', sysQuotactl],
  [443, 'quotactl_fd', 'fd,hex,int,addr', 'full', sysQuotactlFd],
];
