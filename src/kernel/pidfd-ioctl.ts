/** ioctl(2) of pidfds: what is known of the process, and its namespaces. Linux 6.18 fs/pidfs.c. */
import { EACCES, EFAULT, EINVAL, ENOTTY, EREMOTE, ESRCH, isErr } from '../abi/errno.ts';
import {
  FS_IOC_GETVERSION, IOC_READ_WRITE, NR_GET_INFO, PIDFD_COREDUMP_ROOT, PIDFD_COREDUMP_SKIP, PIDFD_COREDUMP_USER, PIDFD_INFO_CGROUPID, PIDFD_INFO_COREDUMP, PIDFD_INFO_CREDS, PIDFD_INFO_EXIT,
  PIDFD_INFO_OFFSETS as AT, PIDFD_INFO_PID, PIDFD_INFO_SIZE_VER0, PIDFD_NAMESPACES, PIDFS_IOCTL_MAGIC, SIZEOF_PIDFD_INFO,
} from '../abi/pidfd.ts';
import type { Namespace } from '../auth/namespace.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import { ptraceMayAccess, PTRACE_MODE_FSCREDS, PTRACE_MODE_READ } from './ptrace-access.ts';
import type { Pid } from './pid.ts';
import type { Task } from './task.ts';

const info = new Uint8Array(SIZEOF_PIDFD_INFO);
const view = new DataView(info.buffer);

/** How a core of it would be written, by its dumpability. */
function coredumpMask(dumpable: number): number {
  return dumpable === 1 ? PIDFD_COREDUMP_USER : dumpable === 2 ? PIDFD_COREDUMP_ROOT : PIDFD_COREDUMP_SKIP;
}

function fillTask(caller: Task, task: Task): void {
  const { credentials: c } = task;
  const { userNs } = caller.credentials;
  view.setUint32(AT.ruid, userNs.fromKuidMunged(c.uid), true);
  view.setUint32(AT.rgid, userNs.fromKgidMunged(c.gid), true);
  view.setUint32(AT.euid, userNs.fromKuidMunged(c.euid), true);
  view.setUint32(AT.egid, userNs.fromKgidMunged(c.egid), true);
  view.setUint32(AT.suid, userNs.fromKuidMunged(c.suid), true);
  view.setUint32(AT.sgid, userNs.fromKgidMunged(c.sgid), true);
  view.setUint32(AT.fsuid, userNs.fromKuidMunged(c.fsuid), true);
  view.setUint32(AT.fsgid, userNs.fromKgidMunged(c.fsgid), true);
  const parent = task.threadGroup.leader.realParent;
  view.setUint32(AT.pid, task.tidIn(caller), true);
  view.setUint32(AT.tgid, task.tgidIn(caller), true);
  view.setUint32(AT.ppid, parent === null ? 0 : parent.tgidIn(caller), true);
}

/** PIDFD_GET_INFO with a struct of `size` bytes. EINVAL, EFAULT, EREMOTE: not in the caller's PID namespace, ESRCH: gone and not asked for its exit. */
function getInfo(t: Task, pid: Pid, size: number, addr: number): number {
  if (addr === 0 || size < PIDFD_INFO_SIZE_VER0) return EINVAL;
  const asked = t.space.readU32(addr);
  if (isErr(asked) || isErr(t.space.readU32(addr + 4))) return EFAULT;
  if (pid.nr(t.pid.ns) === 0) return EREMOTE;
  const { task } = pid;
  info.fill(0);
  let known = 0;
  let cgroup = 0;
  if (asked & PIDFD_INFO_EXIT && task === null) {
    known |= PIDFD_INFO_EXIT | PIDFD_INFO_CGROUPID;
    cgroup = pid.exitCgroup;
    view.setInt32(AT.exitCode, pid.exitCode, true);
  }
  if (asked & PIDFD_INFO_COREDUMP) {
    known |= PIDFD_INFO_COREDUMP;
    if (task !== null && task.mm !== null) view.setUint32(AT.coredumpMask, coredumpMask(task.mm.dumpable), true);
  }
  if (task === null && !(asked & PIDFD_INFO_EXIT)) return ESRCH;
  if (task !== null) {
    fillTask(t, task);
    known |= PIDFD_INFO_PID | PIDFD_INFO_CREDS | PIDFD_INFO_CGROUPID;
    cgroup = task.cgroup.id;
  }
  view.setUint32(AT.mask, known, true);
  view.setUint32(AT.cgroupid, cgroup, true);
  const n = Math.min(size, SIZEOF_PIDFD_INFO);
  if (isErr(t.space.writeBytes(addr, info, 0, n))) return EFAULT;
  return size > n && isErr(t.space.clear(addr + n, size - n)) ? EFAULT : 0;
}

/** The namespace of `task` with that name in PIDFD_NAMESPACES. */
function namespaceOf(task: Task, which: (typeof PIDFD_NAMESPACES)[number]): Namespace | UserNamespace {
  if (which === 'user') return task.credentials.userNs;
  if (which === 'pid') return task.pid.ns;
  return task.nsproxy[which as Exclude<typeof which, ''>];
}

/** `cmd` comes as a signed int. */
export function pidfdIoctl(t: Task, pid: Pid, cmd: number, arg: number): number {
  const command = cmd >>> 0;
  if (command === FS_IOC_GETVERSION) return arg === 0 ? EINVAL : isErr(t.space.writeU32(arg, 0)) ? EFAULT : 0;
  if (((command >>> 8) & 0xff) !== PIDFS_IOCTL_MAGIC) return ENOTTY;
  const nr = command & 0xff;
  const size = (command >>> 16) & 0x3fff;
  if (nr === NR_GET_INFO && command >>> 30 === IOC_READ_WRITE) return size < PIDFD_INFO_SIZE_VER0 ? ENOTTY : getInfo(t, pid, size, arg);
  const which = PIDFD_NAMESPACES[nr];
  if (which === undefined || which === '' || command >>> 16 !== 0) return ENOTTY;
  const { task } = pid;
  if (task === null) return ESRCH;
  if (arg !== 0) return EINVAL;
  // A zombie has left its namespaces.
  if (task.exitState !== 0) return ESRCH;
  if (ptraceMayAccess(t, task, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS) < 0) return EACCES;
  return t.kernel.openNamespace(t, namespaceOf(task, which));
}
