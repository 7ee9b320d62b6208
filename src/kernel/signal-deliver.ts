/** Taking signals on the way back to user mode: Linux get_signal(), group stops, and arch_do_signal_or_restart(). */
import { EINTR, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTNOINTR, ERESTARTSYS } from '../abi/errno.ts';
import { CLD_CONTINUED, CLD_STOPPED, SA_NOCLDSTOP, SA_NODEFER, SA_RESETHAND, SA_RESTART, SIG_DFL, SIG_IGN, SIGCHLD, SIGCONT, SIGKILL, SIGSEGV, SIGSTOP } from '../abi/signal.ts';
import { SYSCALL_NUMBERS } from '../abi/syscall-numbers.ts';
import { RAX } from '../x86/cpu-layout.ts';
import { exitGroup, exitTask } from './exit.ts';
import { enterFrozen, leaveFrozen, refreshFrozen } from './cgroup/freezer.ts';
import { ptraceInjected, ptraceSignalStop, ptraceTrap } from './ptrace-stop.ts';
import { rseqPrepareSignal } from './rseq.ts';
import { sigKernelCoredump, sigKernelIgnore, sigKernelOnly, sigKernelStop } from './signal-actions.ts';
import { setupSignalFrame } from './signal-frame.ts';
import { kernelSignal, SignalInfo } from './signal-info.ts';
import { forceFatal, forceSignal, recalcSigpending, sendSignalInfo, setBlocked, wakeForSignal } from './signal-send.ts';
import { TASK_RUNNABLE, TASK_STOPPED, type Task, WORK_RESTORE_MASK } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

const NR_RESTART_SYSCALL = SYSCALL_NUMBERS.get('restart_syscall')!; // in the table
/** Status bit: a core would have been written. */
const CORE_FLAG = 0x80;
/** Length of the SYSCALL instruction. */
const SYSCALL_LENGTH = 2;

/** Takes one signal that is not in (blockedLo, blockedHi): the thread's own first, then the process's. Null = none. */
export function dequeueSignal(t: Task, blockedLo: number, blockedHi: number): SignalInfo | null {
  for (;;) {
    let pending = t.signals.pending;
    let sig = pending.next(blockedLo, blockedHi);
    if (sig === 0) {
      pending = t.threadGroup.pending;
      sig = pending.next(blockedLo, blockedHi);
      if (sig === 0) {
        recalcSigpending(t);
        return null;
      }
    }
    const info = pending.take(sig);
    recalcSigpending(t);
    if (info.timer !== null && !info.timer.signalTaken(info)) continue;
    return info;
  }
}

/**
 * The next signal whose handler is to run, or null. Default actions happen here: the task may be stopped or dead afterwards (look at
 * `runState`). Linux get_signal().
 */
function getSignal(t: Task): SignalInfo | null {
  const tg = t.threadGroup;
  const s = t.signals;
  for (;;) {
    if (tg.childReport !== 0) {
      const why = tg.childReport;
      tg.childReport = 0;
      notifyParentStop(t, why);
    }
    if (tg.exiting || (tg.execTask !== null && tg.execTask !== t)) {
      s.pending.set.delete(SIGKILL);
      exitTask(t, tg.exiting ? tg.exitCode : 0);
      return null;
    }
    if (s.stopPending && joinGroupStop(t)) return null;
    if (t.ptrace !== null && t.ptrace.trapPending) {
      ptraceTrap(t);
      if (t.runState !== TASK_RUNNABLE) return null;
    }
    if (t.freezeTrap) {
      enterFrozen(t);
      return null;
    }
    if (t.frozen) leaveFrozen(t);
    let info = t.ptrace !== null ? ptraceInjected(t) : null;
    if (info === null) {
      info = dequeueSignal(t, s.blocked.lo, s.blocked.hi);
      if (info === null) return null;
      if (t.ptrace !== null && info.signo !== SIGKILL) {
        ptraceSignalStop(t, info);
        return null;
      }
    }
    const sig = info.signo;
    const action = t.actions.get(sig);
    if (action.handler === SIG_IGN) continue;
    if (action.handler !== SIG_DFL) return info;
    if (sigKernelIgnore(sig)) continue;
    if (tg.unkillable && !sigKernelOnly(sig)) continue;
    if (sigKernelStop(sig)) {
      if (sig !== SIGSTOP && tg.processGroup!.orphaned()) continue; // alive, so in a group
      startGroupStop(t, sig);
      if (joinGroupStop(t)) return null;
      continue;
    }
    t.kernel.trace?.signalDelivered(t, info);
    exitGroup(t, sigKernelCoredump(sig) && t.mm?.dumpable === 1 && mayDumpCore(t) ? sig | CORE_FLAG : sig);
    return null;
  }
}

/** Linux sets the core bit only if a core was written, which RLIMIT_CORE = 0 prevents. */
function mayDumpCore(t: Task): boolean {
  return t.kernel.coreBit && t.limit(4) > 0;
}

/** All threads of the process are to stop for `sig` (the first half of Linux do_signal_stop). */
export function startGroupStop(t: Task, sig: number): void {
  const tg = t.threadGroup;
  if (!tg.stopped) tg.stopCode = sig;
  tg.stopSignal = sig;
  tg.stopCount = 0;
  for (const m of tg.threads) {
    if (m.exiting || m.runState === TASK_STOPPED) continue;
    m.signals.stopPending = true;
    tg.stopCount++;
    if (m !== t) wakeForSignal(m, false);
  }
}

/** This thread takes part in the stop; true = it is stopped now (the second half of do_signal_stop). */
function joinGroupStop(t: Task): boolean {
  const tg = t.threadGroup;
  if (!t.signals.stopPending) return false;
  if (t.ptrace !== null) {
    participateInStop(t);
    ptraceTrap(t, tg.stopSignal);
    return t.runState !== TASK_RUNNABLE;
  }
  t.runState = TASK_STOPPED;
  participateInStop(t);
  if (t.cgroup.freezing) refreshFrozen(t.cgroup);
  t.kernel.trace?.stopped(t, tg.stopSignal);
  return true;
}

/** Counts the thread as stopped (or gone); the last one completes the stop, and the parent is told (task_participate_group_stop). */
export function participateInStop(t: Task): void {
  const tg = t.threadGroup;
  if (!t.signals.stopPending) return;
  t.signals.stopPending = false;
  if (tg.stopCount > 0) tg.stopCount--;
  if (tg.stopCount === 0 && !tg.stopped) {
    tg.stopped = true;
    tg.continued = false;
    notifyParentStop(t, CLD_STOPPED);
  }
  recalcSigpending(t);
}

/** SIGCHLD and a wake-up for the parent of a process that stopped or went on (Linux do_notify_parent_cldstop, not for a tracer). */
export function notifyParentStop(t: Task, why: number): void {
  const tg = t.threadGroup;
  const parent = tg.leader.realParent;
  if (parent === null) return;
  const action = parent.actions.get(SIGCHLD);
  if (action.handler !== SIG_IGN && !(action.flags & SA_NOCLDSTOP))
    sendSignalInfo(parent, childSignal(tg, parent, why, why === CLD_CONTINUED ? SIGCONT : tg.stopCode & 0x7f), true, true);
  parent.threadGroup.childQueue.wake();
  if (parent.internal && why === CLD_STOPPED) t.kernel.onProgramStopped(tg);
}

/** SIGCHLD's siginfo as the parent sees it. */
export function childSignal(tg: ThreadGroup, parent: Task, code: number, status: number, signo: number = SIGCHLD): SignalInfo {
  const leader = tg.leader;
  return new SignalInfo(signo, code).setChild(
    tg.pid.nr(parent.pid.ns),
    parent.credentials.userNs.fromKuidMunged(leader.credentials.uid),
    status,
    Math.floor((leader.usage.utime + tg.usage.utime) / 1e7),
    Math.floor((leader.usage.stime + tg.usage.stime) / 1e7),
  );
}

/**
 * Everything about signals before `t` goes on in user mode: frames for handlers, or the restart of the interrupted call. The task may be
 * stopped or dead afterwards.
 */
export function deliverSignal(t: Task): void {
  const regs = t.regs;
  const info = getSignal(t);
  if (t.runState !== TASK_RUNNABLE) return;
  const inSyscall = t.syscall.nr >= 0;
  const result = inSyscall ? regs.getReg(RAX) : 0;
  if (info !== null) {
    const action = t.actions.get(info.signo);
    t.kernel.trace?.signalDelivered(t, info);
    if (inSyscall && result <= -512 && result >= -516) {
      const restarts = result === ERESTARTNOINTR || (result === ERESTARTSYS && (action.flags & SA_RESTART) !== 0);
      if (restarts) {
        regs.setReg(RAX, t.syscall.nr);
        regs.rip -= SYSCALL_LENGTH;
      } else regs.setReg(RAX, EINTR);
    }
    t.syscall.nr = -1;
    handleSignal(t, info);
    return;
  }
  if (inSyscall && result <= -512 && result >= -516) {
    if (result === ERESTART_RESTARTBLOCK) regs.setReg(RAX, NR_RESTART_SYSCALL);
    else if (result === ERESTARTSYS || result === ERESTARTNOINTR || result === ERESTARTNOHAND) regs.setReg(RAX, t.syscall.nr);
    regs.rip -= SYSCALL_LENGTH;
    t.syscall.nr = -1;
  }
  if (t.work & WORK_RESTORE_MASK) {
    t.work &= ~WORK_RESTORE_MASK;
    setBlocked(t, t.signals.savedMask.lo, t.signals.savedMask.hi);
  }
}

function handleSignal(t: Task, info: SignalInfo): void {
  const action = t.actions.get(info.signo);
  const flags = action.flags;
  const maskLo = action.maskLo;
  const maskHi = action.maskHi;
  if (t.rseqAddr !== 0) rseqPrepareSignal(t);
  const stepping = t.ptrace !== null && t.ptrace.disableStep(t);
  if (!setupSignalFrame(t, info, action)) {
    if (info.signo === SIGSEGV) forceFatal(t, SIGSEGV);
    else forceSignal(t, kernelSignal(SIGSEGV));
    return;
  }
  if (flags & SA_RESETHAND) t.actions.setHandler(info.signo, SIG_DFL);
  t.regs.resetFpu();
  const s = t.signals;
  t.work &= ~WORK_RESTORE_MASK;
  let lo = s.blocked.lo | maskLo;
  let hi = s.blocked.hi | maskHi;
  if (!(flags & SA_NODEFER)) {
    if (info.signo <= 32) lo |= 1 << (info.signo - 1);
    else hi |= 1 << (info.signo - 33);
  }
  setBlocked(t, lo, hi);
  if (stepping) t.ptrace!.reportStep(t); // stepping only when traced
}

