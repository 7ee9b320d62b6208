/** ioctl: what every file understands, then the file's own. */
import { EACCES, EBADF, EFAULT, ENOTTY, EOPNOTSUPP, EPERM, isErr } from '../abi/errno.ts';
import { CAP_LINUX_IMMUTABLE, CAP_SYS_ADMIN } from '../abi/capability.ts';
import { O_ASYNC, O_NONBLOCK } from '../abi/fcntl.ts';
import type { Task } from '../kernel/task.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { deviceIoctlDenied } from '../vfs/landlock.ts';
import { S_APPEND, S_IMMUTABLE } from '../vfs/inode.ts';
import { ownerOrCapable } from '../vfs/permission.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { getFile } from './file-names.ts';

// Source: Linux 6.18 include/uapi/asm-generic/ioctls.h, include/uapi/linux/fs.h.
const FIONREAD = 0x541b;
const FIONBIO = 0x5421;
const FIONCLEX = 0x5450;
const FIOCLEX = 0x5451;
const FIOASYNC = 0x5452;
const FIOQSIZE = 0x5460;
const FIFREEZE = 0xc0045877 | 0;
const FITHAW = 0xc0045878 | 0;
const FICLONE = 0x40049409;
const FICLONERANGE = 0x4020940d;
const FIDEDUPERANGE = 0xc0189436 | 0;
const FS_IOC_FIEMAP = 0xc020660b | 0;
const FS_IOC_GETFLAGS = 0x80086601 | 0;
const FS_IOC_SETFLAGS = 0x40086602;
const FIGETBSZ = 2;
const FS_IMMUTABLE_FL = 0x10;
const FS_APPEND_FL = 0x20;

/** Requests that every file answers, not its driver: Landlock leaves them (is_masked_device_ioctl). */
const KERNEL_IOCTLS: ReadonlySet<number> = new Set([FIOCLEX, FIONCLEX, FIONBIO, FIOASYNC, FIOQSIZE, FIFREEZE, FITHAW, FS_IOC_FIEMAP, FIGETBSZ, FICLONE, FICLONERANGE, FIDEDUPERANGE]);

function setFlag(file: FileDescription, fd: number, t: Task, addr: number, bit: number): number {
  const on = t.space.readU32(addr);
  if (isErr(on)) return EFAULT;
  if (bit === O_ASYNC && (on !== 0) !== ((file.flags & O_ASYNC) !== 0)) {
    const r = file.fasync(on !== 0, fd);
    if (r < 0) return r;
  }
  file.flags = on !== 0 ? file.flags | bit : file.flags & ~bit;
  return 0;
}

function sysIoctl(t: Task, a: SyscallArgs): number {
  const fd = a.fd(0);
  const file = getFile(t, fd);
  if (typeof file === 'number') return EBADF;
  const cmd = a.int(1);
  const arg = a.addr(2);
  const inode = file.inode;
  if (file.landlockDenied !== 0 && deviceIoctlDenied(file) && !KERNEL_IOCTLS.has(cmd)) return EACCES;
  switch (cmd) {
    case FIOCLEX:
      t.fdTable.setCloexec(fd, true);
      return 0;
    case FIONCLEX:
      t.fdTable.setCloexec(fd, false);
      return 0;
    case FIONBIO:
      return setFlag(file, fd, t, arg, O_NONBLOCK);
    case FIOASYNC:
      return setFlag(file, fd, t, arg, O_ASYNC);
    case FIOQSIZE:
      if (!inode.isRegular && !inode.isDirectory && !inode.isSymlink) return ENOTTY;
      return isErr(t.space.writeU64(arg, inode.blocks * 512)) ? EFAULT : 0;
    case FIGETBSZ:
      return isErr(t.space.writeU32(arg, inode.sb.blockSize)) ? EFAULT : 0;
    case FIONREAD:
      if (!inode.isRegular) break;
      inode.refresh(t);
      return isErr(t.space.writeU32(arg, (inode.size - file.pos) | 0)) ? EFAULT : 0;
    case FICLONE:
    case FICLONERANGE:
    case FIDEDUPERANGE:
    case FS_IOC_FIEMAP:
      return EOPNOTSUPP;
    case FIFREEZE:
    case FITHAW:
      return t.credentials.capable(CAP_SYS_ADMIN) ? EOPNOTSUPP : EPERM;
    case FS_IOC_GETFLAGS: {
      if (!inode.keepsFlags) break;
      const v = (inode.flags & S_IMMUTABLE ? FS_IMMUTABLE_FL : 0) | (inode.flags & S_APPEND ? FS_APPEND_FL : 0);
      return isErr(t.space.writeU32(arg, v)) ? EFAULT : 0;
    }
    case FS_IOC_SETFLAGS: {
      if (!inode.keepsFlags) break;
      const v = t.space.readU32(arg);
      if (isErr(v)) return EFAULT;
      if (!ownerOrCapable(t.credentials, inode, file.path.mount.idmap)) return EPERM;
      if (v & ~(FS_IMMUTABLE_FL | FS_APPEND_FL | 0x40 | 0x80)) return EOPNOTSUPP;
      const flags = (v & FS_IMMUTABLE_FL ? S_IMMUTABLE : 0) | (v & FS_APPEND_FL ? S_APPEND : 0);
      if (flags !== inode.flags && !t.credentials.capable(CAP_LINUX_IMMUTABLE)) return EPERM;
      inode.flags = flags;
      return 0;
    }
  }
  return file.ioctl(t, cmd, arg);
}

export const rows: readonly SyscallRow[] = [[16, 'ioctl', 'fd,ioctl,addr', 'full', sysIoctl]];

