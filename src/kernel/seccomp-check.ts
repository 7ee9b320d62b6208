/** Seccomp at the entry of a call: Linux __seccomp_filter(). */
import { ENOSYS } from '../abi/errno.ts';
import { PTRACE_EVENT_SECCOMP, PTRACE_O_SUSPEND_SECCOMP, PTRACE_O_TRACESECCOMP } from '../abi/ptrace.ts';
import { SIGKILL, SIGSYS, SYS_SECCOMP } from '../abi/signal.ts';
import { RAX } from '../x86/cpu-layout.ts';
import { runBpf } from '../net/bpf.ts';
import { exitGroup, exitTask } from './exit.ts';
import { notifySupervisor, type SeccompListener } from './seccomp-notify.ts';
import { ptraceEvent } from './ptrace-stop.ts';
import {
  SECCOMP_RET_ALLOW, SECCOMP_RET_ERRNO, SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_LOG, SECCOMP_RET_TRACE, SECCOMP_RET_TRAP,
  SECCOMP_RET_USER_NOTIF, type SeccompFilter,
} from './seccomp.ts';
import { SignalInfo } from './signal-info.ts';
import { forceSignal } from './signal-send.ts';
import type { SyscallArgs } from './syscall-args.ts';
import { RESUME_SYSCALL_ENTRY, type Task } from './task.ts';

/** Calls of strict mode: read, write, exit, rt_sigreturn. */
const STRICT: ReadonlySet<number> = new Set([0, 1, 60, 15]);
const AUDIT_ARCH_X86_64 = 0xc000003e | 0;
/** Status bit of a core dump. */
const CORE_FLAG = 0x80;

/** struct seccomp_data: nr, arch, instruction pointer, six arguments. */
const data: Int32Array = new Int32Array(16);

/** 0 = the call may go on; 1 = it does not happen (its result is set, the task dies, or its tracer decides). */
export function seccompCheck(t: Task, nr: number, args: SyscallArgs): 0 | 1 {
  // Suspended by a tracer that restores the process.
  if (t.ptrace !== null && t.ptrace.options & PTRACE_O_SUSPEND_SECCOMP) return 0;
  if (t.seccompMode === 1) {
    if (STRICT.has(nr)) return 0;
    exitTask(t, SIGKILL);
    return 1;
  }
  data[0] = nr;
  data[1] = AUDIT_ARCH_X86_64;
  const ip = t.regs.rip;
  data[2] = ip | 0;
  data[3] = Math.floor(ip / 4294967296);
  for (let i = 0; i < 6; i++) {
    data[4 + i * 2] = args.lo(i);
    data[5 + i * 2] = args.hi(i);
  }
  // The strictest action of all filters wins: the smallest as a signed number.
  let action = SECCOMP_RET_ALLOW;
  let value = SECCOMP_RET_ALLOW;
  let match: SeccompFilter | null = null;
  // A call that waits for its supervisor is not looked at again.
  if (t.seccompNotification !== null) return supervised(t, t.seccompNotification.listener);
  for (let f = t.seccomp; f !== null; f = f.previous) {
    const r = runBpf(f.program, data);
    if ((r & 0xffff0000) < action) {
      action = r & 0xffff0000;
      value = r;
      match = f;
    }
  }
  const low = value & 0xffff;
  switch (action) {
    case SECCOMP_RET_ALLOW:
    case SECCOMP_RET_LOG:
      return 0;
    case SECCOMP_RET_ERRNO:
      t.regs.setReg(RAX, -Math.min(low, 4095));
      return 1;
    case SECCOMP_RET_TRAP: {
      const info = new SignalInfo(SIGSYS, SYS_SECCOMP).setAddress(ip);
      info.errno = low;
      info.w2 = nr;
      info.w3 = AUDIT_ARCH_X86_64;
      forceSignal(t, info);
      return 1;
    }
    case SECCOMP_RET_TRACE: {
      // After the stop the call is checked again, since the tracer may have changed it.
      if (t.ptrace !== null && t.ptrace.seccompSeen) {
        t.ptrace.seccompSeen = false;
        return 0;
      }
      if (t.ptrace !== null && t.ptrace.options & PTRACE_O_TRACESECCOMP) {
        t.ptrace.seccompSeen = true;
        t.ptrace.syscallStop = 3;
        ptraceEvent(t, PTRACE_O_TRACESECCOMP, PTRACE_EVENT_SECCOMP, low, RESUME_SYSCALL_ENTRY);
        return 1;
      }
      t.regs.setReg(RAX, ENOSYS);
      return 1;
    }
    case SECCOMP_RET_USER_NOTIF:
      return supervised(t, match?.listener ?? null);
    case SECCOMP_RET_KILL_THREAD:
      if (t.threadGroup.live > 1) {
        exitTask(t, SIGSYS);
        return 1;
      }
      exitGroup(t, t.kernel.coreBit ? SIGSYS | CORE_FLAG : SIGSYS);
      return 1;
    case SECCOMP_RET_KILL_PROCESS:
    default:
      exitGroup(t, t.kernel.coreBit ? SIGSYS | CORE_FLAG : SIGSYS);
      return 1;
  }
}

/** SECCOMP_RET_USER_NOTIF, and again each time the waiting task wakes. */
function supervised(t: Task, listener: SeccompListener | null): 0 | 1 {
  const r = notifySupervisor(t, listener, data);
  if (r.k === 'go on') return 0;
  if (r.k === 'wait') return 1;
  t.regs.setReg(RAX, r.result);
  return 1;
}
