/** exit, exit_group, wait4, waitid. Linux kernel/exit.c. */
import {
  __WALL, __WCLONE, __WNOTHREAD, P_ALL, P_PGID, P_PID, P_PIDFD, WCONTINUED, WEXITED, WNOHANG, WNOWAIT, WSTOPPED, WUNTRACED,
} from '../abi/clone.ts';
import { EAGAIN, EBADF, ECHILD, EFAULT, EINVAL, ESRCH, isErr } from '../abi/errno.ts';
import { SIGCHLD } from '../abi/signal.ts';
import { exitGroup, exitTask } from '../kernel/exit.ts';
import { PidfdDescription } from '../kernel/pidfd.ts';
import type { Pid } from '../kernel/pid.ts';
import { TASK_EXITS } from '../kernel/syscall-state.ts';
import type { Task } from '../kernel/task.ts';
import { doWait, WaitRequest } from '../kernel/wait.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { writeRusage } from './rusage.ts';

function sysExit(t: Task, a: SyscallArgs): number {
  exitTask(t, (a.int(0) & 0xff) << 8);
  return TASK_EXITS;
}

function sysExitGroup(t: Task, a: SyscallArgs): number {
  exitGroup(t, (a.int(0) & 0xff) << 8);
  return TASK_EXITS;
}

/** wait4(pid, status *, options, rusage *). */
function sysWait4(t: Task, a: SyscallArgs): number {
  const upid = a.int(0);
  const options = a.int(2);
  if (options & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)) return EINVAL;
  if (upid === -0x80000000) return ESRCH;
  let type = P_ALL;
  let pid: Pid | null = null;
  if (upid < -1) {
    type = P_PGID;
    pid = t.pidNs.find(-upid);
  } else if (upid === 0) {
    type = P_PGID;
    pid = t.threadGroup.processGroup!.pid; // a living process is in a group
  } else if (upid > 0) {
    type = P_PID;
    pid = t.pidNs.find(upid);
  }
  if (type !== P_ALL && pid === null) return ECHILD;
  const r = new WaitRequest(type, pid, options | WEXITED);
  const found = doWait(t, r);
  if (found <= 0) return found;
  const statusAddr = a.addr(1);
  if (statusAddr !== 0 && isErr(t.space.writeU32(statusAddr, r.status))) return EFAULT;
  const usageAddr = a.addr(3);
  if (usageAddr !== 0 && !writeRusage(t, usageAddr, r.usage)) return EFAULT;
  return r.foundPid;
}

/** waitid(which, id, siginfo *, options, rusage *). */
function sysWaitid(t: Task, a: SyscallArgs): number {
  const which = a.int(0);
  const id = a.int(1);
  let options = a.int(3);
  if (options & ~(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)) return EINVAL;
  if (!(options & (WEXITED | WSTOPPED | WCONTINUED))) return EINVAL;
  let type = which;
  let pid: Pid | null = null;
  let nonBlocking = false;
  switch (which) {
    case P_ALL:
      break;
    case P_PID:
      if (id <= 0) return EINVAL;
      pid = t.pidNs.find(id);
      break;
    case P_PGID:
      if (id < 0) return EINVAL;
      pid = id === 0 ? t.threadGroup.processGroup!.pid : t.pidNs.find(id); // as above
      break;
    case P_PIDFD: {
      if (id < 0) return EINVAL;
      const file = t.fdTable.get(id);
      if (!(file instanceof PidfdDescription)) return EBADF;
      type = P_PID;
      pid = file.pid;
      if (file.nonBlocking && !(options & WNOHANG)) {
        options |= WNOHANG;
        nonBlocking = true;
      }
      break;
    }
    default:
      return EINVAL;
  }
  if (type !== P_ALL && pid === null) return ECHILD;
  const r = new WaitRequest(type, pid, options);
  const found = doWait(t, r);
  if (found < 0) return found;
  if (found === 0 && nonBlocking) return EAGAIN;
  if (found > 0) {
    const usageAddr = a.addr(4);
    if (usageAddr !== 0 && !writeRusage(t, usageAddr, r.usage)) return EFAULT;
  }
  const info = a.addr(2);
  if (info === 0) return 0;
  const space = t.space;
  // Only the fields of a SIGCHLD siginfo are written; nothing found leaves zeros.
  if (isErr(space.writeU32(info, found > 0 ? SIGCHLD : 0))) return EFAULT;
  const words = [0, found > 0 ? r.cause : 0, -1, r.foundPid, r.uid, r.causeStatus];
  for (let i = 0; i < words.length; i++) {
    if (i === 2) continue; // padding
    if (isErr(space.writeU32(info + 4 + i * 4, words[i]!))) return EFAULT; // in range
  }
  return 0;
}

export const processExitRows: readonly SyscallRow[] = [
  [60, 'exit', 'int=none', 'full', sysExit],
  [231, 'exit_group', 'int=none', 'full', sysExitGroup],
  [61, 'wait4', 'pid,out:wstatus,waitoptions,out:rusage=pid', 'full', sysWait4],
  [247, 'waitid', 'idtype,pid,out:siginfo,waitoptions,out:rusage', 'full', sysWaitid],
];
