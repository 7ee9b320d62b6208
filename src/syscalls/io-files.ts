/** inotify, memfd_create and pidfd calls. */
import { MFD_ALLOW_SEALING, MFD_CLOEXEC, MFD_EXEC, MFD_NAME_MAX, MFD_NOEXEC_SEAL, PIDFD_NONBLOCK, PIDFD_SELF_THREAD, PIDFD_THREAD } from '../abi/anon-fd.ts';
import { EBADF, EFAULT, EINVAL, ENOENT, EPERM, ESRCH, isErr, type Errno } from '../abi/errno.ts';
import { IN_CLOEXEC, IN_DONT_FOLLOW, IN_MASK_ADD, IN_MASK_CREATE, IN_NONBLOCK, IN_ONLYDIR } from '../abi/inotify.ts';
import { O_CLOEXEC, O_RDONLY } from '../abi/fcntl.ts';
import { SI_TKILL, SI_USER, SIGINFO_SIZE } from '../abi/signal.ts';
import { InotifyDescription, MAX_QUEUED_EVENTS } from '../fs/anon/inotify.ts';
import { openMemfd } from '../fs/anon/memfd.ts';
import { openSecret } from '../fs/anon/secretmem.ts';
import type { Pid } from '../kernel/pid.ts';
import { processOfDirectory } from '../fs/proc/task-entries.ts';
import { PidfdDescription, pidfdSelf } from '../kernel/pidfd.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { PTRACE_MODE_ATTACH, PTRACE_MODE_REALCREDS, ptraceMayAccess } from '../kernel/ptrace-access.ts';
import { SignalInfo } from '../kernel/signal-info.ts';
import { checkKillPermission, fromAncestorNs, sendSignalInfo, userSignal } from '../kernel/signal-send.ts';
import type { Task } from '../kernel/task.ts';
import { LOOKUP_DIRECTORY, LOOKUP_FOLLOW, walkPath } from '../vfs/path-walk.ts';
import { inodePermission, MAY_READ } from '../vfs/permission.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { readPath, readString } from './file-names.ts';
import { installFile, openFile } from './io-wait.ts';

// ---- inotify

/** Every bit that inotify_add_watch takes (ALL_INOTIFY_BITS). */
const ALL_INOTIFY_BITS = 0xfff | 0x2000 | 0x4000 | 0x8000 | 0x1000000 | 0x2000000 | 0x4000000 | 0x10000000 | 0x20000000 | 0x40000000 | 0x80000000;

function inotifyInit(t: Task, flags: number): number {
  if (flags & ~(IN_CLOEXEC | IN_NONBLOCK)) return EINVAL;
  const path = t.kernel.vfs.anonymous.anonymousPath('inotify');
  const { credentials: c } = t;
  const queued = t.kernel.sysctls.get('fs.inotify.max_queued_events') ?? MAX_QUEUED_EVENTS;
  const file = InotifyDescription.create(path, O_RDONLY | (flags & IN_NONBLOCK), c.userNs.countsOf(c.euid), queued);
  return isErr(file) ? file : installFile(t, file, (flags & IN_CLOEXEC) !== 0);
}

function inotifyAddWatch(t: Task, a: SyscallArgs): number {
  const mask = a.int(2);
  if ((mask & ALL_INOTIFY_BITS) === 0 || mask & ~ALL_INOTIFY_BITS) return EINVAL;
  const file = openFile(t, a.fd(0));
  if (file === null) return EBADF;
  if (mask & IN_MASK_ADD && mask & IN_MASK_CREATE) return EINVAL;
  if (!(file instanceof InotifyDescription)) return EINVAL;
  const name = readPath(t, a.addr(1));
  if (isErr(name)) return name;
  const path = walkPath(t, null, name, (mask & IN_DONT_FOLLOW ? 0 : LOOKUP_FOLLOW) | (mask & IN_ONLYDIR ? LOOKUP_DIRECTORY : 0));
  if (isErr(path)) return path;
  const inode = path.dentry.inode!; // walkPath gives existing files
  const may = inodePermission(t, inode, MAY_READ, path.mount.idmap);
  if (may < 0) return may;
  return file.addWatch(inode, mask);
}

function inotifyRmWatch(t: Task, a: SyscallArgs): number {
  const file = openFile(t, a.fd(0));
  if (file === null) return EBADF;
  return file instanceof InotifyDescription ? file.removeWatch(a.int(1)) : EINVAL;
}

// ---- memfd

function memfdCreate(t: Task, a: SyscallArgs): number {
  const flags = a.u32(1);
  if (flags & ~(MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL | MFD_EXEC)) return EINVAL;
  if (flags & MFD_EXEC && flags & MFD_NOEXEC_SEAL) return EINVAL;
  const name = readString(t.space, a.addr(0), MFD_NAME_MAX + 1);
  if (isErr(name)) return name === EFAULT ? EFAULT : EINVAL;
  const file = openMemfd(t, t.kernel.vfs, name, flags);
  return isErr(file) ? file : installFile(t, file, (flags & MFD_CLOEXEC) !== 0);
}

// ---- pidfd

function pidfdOpen(t: Task, a: SyscallArgs): number {
  const nr = a.int(0);
  const flags = a.u32(1);
  if (flags & ~(PIDFD_NONBLOCK | PIDFD_THREAD)) return EINVAL;
  if (nr <= 0) return EINVAL;
  const pid = t.pid.ns.find(nr);
  if (pid === null || pid.task === null) return ESRCH;
  // A thread that leads no process needs PIDFD_THREAD.
  if ((flags & PIDFD_THREAD) === 0 && pid.threadGroup === null) return ENOENT;
  return installFile(t, new PidfdDescription(t.kernel.pidFs.placeOf(pid), pid, flags), true);
}

function pidfdOf(t: Task, fd: number): Pid | Errno {
  const file = openFile(t, fd);
  return file instanceof PidfdDescription ? file.pid : EBADF;
}

const PIDFD_SIGNAL_THREAD = 1;
const PIDFD_SIGNAL_THREAD_GROUP = 2;
const PIDFD_SIGNAL_PROCESS_GROUP = 4;
const infoBytes = new Uint8Array(SIGINFO_SIZE);
const infoView = new DataView(infoBytes.buffer);

function pidfdSendSignal(t: Task, a: SyscallArgs): number {
  const flags = a.u32(3);
  const sig = a.int(1);
  if (flags & ~(PIDFD_SIGNAL_THREAD | PIDFD_SIGNAL_THREAD_GROUP | PIDFD_SIGNAL_PROCESS_GROUP) || flags & (flags - 1)) return EINVAL;
  const self = pidfdSelf(t, a.fd(0));
  const file = self === null ? openFile(t, a.fd(0)) : null;
  if (self === null && (file === null || isErr(file))) return EBADF;
  const pid = self ?? (file instanceof PidfdDescription ? file.pid : processOfDirectory((file as FileDescription).inode));
  if (pid === null) return EBADF;
  let info: SignalInfo | null = null;
  if (a.addr(2) !== 0) {
    if (isErr(t.space.readBytes(a.addr(2), infoBytes))) return EFAULT;
    info = SignalInfo.read(infoView, 0);
    if (info.signo !== sig) return EINVAL;
    if (pid !== t.pid && (info.code >= 0 || info.code === SI_TKILL)) return EPERM;
  }
  if (sig < 0 || sig > 64) return EINVAL;
  const target = pid.task;
  if (flags === PIDFD_SIGNAL_PROCESS_GROUP) {
    if (pid.processGroup === null) return ESRCH;
    let r: number = ESRCH;
    for (const tg of [...pid.processGroup.members]) {
      const may = checkKillPermission(t, tg.leader, sig);
      if (may < 0) {
        if (r !== 0) r = may;
        continue;
      }
      r = 0;
      if (sig !== 0) sendSignalInfo(tg.leader, info ?? userSignal(sig, SI_USER, t, tg.leader), true, fromAncestorNs(t, tg.leader));
    }
    return r;
  }
  if (target === null) return ESRCH;
  const may = checkKillPermission(t, target, sig);
  if (may < 0) return may;
  if (sig === 0) return 0;
  const thread = flags === PIDFD_SIGNAL_THREAD || (flags === 0 && (file instanceof PidfdDescription ? file.thread : a.fd(0) === PIDFD_SELF_THREAD));
  return sendSignalInfo(target, info ?? userSignal(sig, thread ? SI_TKILL : SI_USER, t, target), !thread, fromAncestorNs(t, target));
}

function pidfdGetfd(t: Task, a: SyscallArgs): number {
  if (a.u32(2) !== 0) return EINVAL;
  const pid = pidfdOf(t, a.fd(0));
  if (isErr(pid)) return pid;
  const target = pid.task;
  if (target === null) return ESRCH;
  const may = ptraceMayAccess(t, target, PTRACE_MODE_ATTACH | PTRACE_MODE_REALCREDS);
  if (may < 0) return EPERM;
  if (target.files === null) return ESRCH;
  const file = target.files.get(a.fd(1));
  if (file === null) return EBADF;
  file.ref();
  return installFile(t, file, true);
}

/** memfd_secret(flags): only O_CLOEXEC is known. */
function memfdSecret(t: Task, a: SyscallArgs): number {
  const flags = a.u32(0);
  if (flags & ~O_CLOEXEC) return EINVAL;
  return installFile(t, openSecret(t.kernel.vfs), (flags & O_CLOEXEC) !== 0);
}

export const rows: readonly SyscallRow[] = [
  [253, 'inotify_init', '', 'full', (t) => inotifyInit(t, 0)],
  [254, 'inotify_add_watch', 'fd,path,inotifymask', 'full', inotifyAddWatch],
  [255, 'inotify_rm_watch', 'fd,int', 'full', inotifyRmWatch],
  [294, 'inotify_init1', 'inotifyflags', 'full', (t, a) => inotifyInit(t, a.int(0))],
  [319, 'memfd_create', 'str,mfdflags', 'full', memfdCreate],
  [447, 'memfd_secret', 'openflags=fd', 'full', memfdSecret],
  [424, 'pidfd_send_signal', 'fd,signal,siginfo,hex', 'full', pidfdSendSignal],
  [434, 'pidfd_open', 'pid,hex', 'full', pidfdOpen],
  [438, 'pidfd_getfd', 'fd,fd,hex', 'full', pidfdGetfd],
];
