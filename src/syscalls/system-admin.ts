/** acct, swapon, swapoff, vhangup: what only the administrator does. Linux 6.18 kernel/acct.c, mm/swapfile.c, fs/open.c. */
import { CAP_SYS_ADMIN, CAP_SYS_PACCT, CAP_SYS_TTY_CONFIG } from '../abi/capability.ts';
import { EACCES, EINVAL, EPERM, isErr, type Errno } from '../abi/errno.ts';
import { O_APPEND, O_LARGEFILE, O_RDWR, O_WRONLY } from '../abi/fcntl.ts';
import { PROC_SUPER_MAGIC, SYSFS_MAGIC } from '../abi/stat.ts';
import { hangUp } from '../fs/tty/job-control.ts';
import { Tty } from '../fs/tty/tty.ts';
import { setAccounting } from '../kernel/accounting.ts';
import type { Task } from '../kernel/task.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { openPath } from '../vfs/open.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { readPath } from './file-names.ts';

function openNamed(t: Task, addr: number, flags: number): FileDescription | Errno {
  const name = readPath(t, addr);
  return isErr(name) ? name : openPath(t, null, name, flags | O_LARGEFILE, 0, 0);
}

/** acct(name): records of the caller's PID namespace go to the end of a regular file; NULL switches them off. */
function sysAcct(t: Task, a: SyscallArgs): number {
  if (!t.credentials.capableInInit(CAP_SYS_PACCT)) return EPERM;
  if (a.addr(0) === 0) {
    setAccounting(t.pidNs, null);
    return 0;
  }
  const file = openNamed(t, a.addr(0), O_WRONLY | O_APPEND);
  if (isErr(file)) return file;
  const { magic } = file.inode.sb;
  const refused = !file.inode.isRegular ? EACCES : magic === PROC_SUPER_MAGIC || magic === SYSFS_MAGIC ? EINVAL : 0;
  if (refused !== 0) {
    file.unref();
    return refused;
  }
  setAccounting(t.pidNs, file);
  return 0;
}

/** SWAP_FLAG_PREFER, PRIO, DISCARD, DISCARD_ONCE, DISCARD_PAGES. */
const SWAP_FLAGS_VALID = 0x7ffff;

/**
 * swapon(path, flags): no file system here can be swapped to (none maps its pages to a block device, Linux read_folio and bmap), and there are no
 * block devices, so what is opened is refused as Linux refuses a file of tmpfs or overlay.
 */
function sysSwapon(t: Task, a: SyscallArgs): number {
  if (a.u32(1) & ~SWAP_FLAGS_VALID) return EINVAL;
  if (!t.credentials.capableInInit(CAP_SYS_ADMIN)) return EPERM;
  const file = openNamed(t, a.addr(0), O_RDWR);
  if (isErr(file)) return file;
  file.unref();
  return EINVAL;
}

/** swapoff(path): nothing is swapped to. */
function sysSwapoff(t: Task, a: SyscallArgs): number {
  if (!t.credentials.capableInInit(CAP_SYS_ADMIN)) return EPERM;
  const file = openNamed(t, a.addr(0), O_RDWR);
  if (isErr(file)) return file;
  file.unref();
  return EINVAL;
}

/** vhangup(): hangs up the caller's controlling terminal, if any. */
function sysVhangup(t: Task): number {
  if (!t.credentials.capableInInit(CAP_SYS_TTY_CONFIG)) return EPERM;
  const { tty } = t.threadGroup;
  if (tty instanceof Tty) hangUp(tty);
  return 0;
}

export const systemAdminRows: readonly SyscallRow[] = [
  [153, 'vhangup', '', 'full', sysVhangup],
  [163, 'acct', 'path', 'full', sysAcct],
  [167, 'swapon', 'path,hex', 'full', sysSwapon],
  [168, 'swapoff', 'path', 'full', sysSwapoff],
];
