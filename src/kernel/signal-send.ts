/** Sending signals: Linux kernel/signal.c, from send_signal() down to complete_signal(). */
import { SCOPE_SIGNAL } from '../abi/landlock.ts';
import { CAP_KILL } from '../abi/capability.ts';
import { EAGAIN, EPERM, type Errno } from '../abi/errno.ts';
import { RLIMIT_SIGPENDING } from '../abi/resource.ts';
import { USED_SIGPENDING } from '../auth/user-counts.ts';
import {
  CLD_CONTINUED, CLD_STOPPED, SI_KERNEL, SI_USER, SIG_DFL, SIG_IGN, SIGCONT, SIGKILL, SIGRTMIN,
} from '../abi/signal.ts';
import { SIG_KERNEL_STOP, type SignalActions, sigKernelCoredump, sigKernelIgnore, sigKernelOnly, sigKernelStop } from './signal-actions.ts';
import { kernelSignal, SignalInfo } from './signal-info.ts';
import { sigbit } from './signal-set.ts';
import { TASK_BLOCKED, TASK_FROZEN, TASK_KILLABLE, TASK_STOPPED, TASK_TRACED, type Task, WORK_SIGNAL } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

/** Recomputes WORK_SIGNAL (Linux recalc_sigpending). */
export function recalcSigpending(t: Task): void {
  const s = t.signals;
  const shared = t.threadGroup.pending.set;
  const lo = (s.pending.set.lo | shared.lo) & ~s.blocked.lo;
  const hi = (s.pending.set.hi | shared.hi) & ~s.blocked.hi;
  if ((lo | hi) !== 0 || s.stopPending || t.threadGroup.childReport !== 0 || t.freezeTrap || (t.ptrace !== null && t.ptrace.trapPending)) t.work |= WORK_SIGNAL;
  else t.work &= ~WORK_SIGNAL;
}

/** Sets the blocked mask (SIGKILL and SIGSTOP stay out), wakes other threads for what is now theirs (Linux set_current_blocked). */
export function setBlocked(t: Task, lo: number, hi: number): void {
  const s = t.signals;
  lo &= ~(sigbit(SIGKILL) | sigbit(19));
  if (s.blocked.lo === lo && s.blocked.hi === hi) return;
  // Signals of the process that this thread no longer takes go to another one.
  const newLo = lo & ~s.blocked.lo & t.threadGroup.pending.set.lo;
  const newHi = hi & ~s.blocked.hi & t.threadGroup.pending.set.hi;
  s.blocked.set(lo, hi);
  if ((newLo | newHi) !== 0 && t.threadGroup.threads.size > 1) retargetShared(t, newLo, newHi);
  recalcSigpending(t);
}

/** Wakes other threads for the process's pending signals in (lo, hi) that `t` will not take (Linux retarget_shared_pending). */
export function retargetShared(t: Task, lo: number, hi: number): void {
  const shared = t.threadGroup.pending.set;
  lo &= shared.lo;
  hi &= shared.hi;
  if ((lo | hi) === 0) return;
  for (const other of t.threadGroup.threads) {
    if (other === t || other.exiting) continue;
    const b = other.signals.blocked;
    const takesLo = lo & ~b.lo;
    const takesHi = hi & ~b.hi;
    if ((takesLo | takesHi) === 0) continue;
    lo &= ~takesLo;
    hi &= ~takesHi;
    wakeForSignal(other, false);
    if ((lo | hi) === 0) return;
  }
}

/** Marks a signal as to be taken and ends the task's interruptible wait; `fatal` ends killable waits and stops too (Linux signal_wake_up). */
export function wakeForSignal(t: Task, fatal: boolean): void {
  t.work |= WORK_SIGNAL;
  const s = t.runState;
  if (s === TASK_BLOCKED || s === TASK_FROZEN || (fatal && (s === TASK_KILLABLE || s === TASK_STOPPED || s === TASK_TRACED))) t.makeRunnable();
}

/** True if the handler means "do nothing" for `sig`. */
const handlerIgnores = (handler: number, sig: number): boolean => handler === SIG_IGN || (handler === SIG_DFL && sigKernelIgnore(sig));

/** Linux sig_task_ignored: by disposition alone. */
export function taskIgnores(t: Task, sig: number, force: boolean): boolean {
  const handler = t.actions.get(sig).handler;
  if (t.threadGroup.unkillable && handler === SIG_DFL && !(force && sigKernelOnly(sig))) return true;
  return handlerIgnores(handler, sig);
}

/** Linux sig_ignored: what is blocked is not ignored, nor what a tracer wants to see. */
function sigIgnored(t: Task, sig: number, force: boolean): boolean {
  if (t.signals.blocked.has(sig) || t.signals.realBlocked.has(sig)) return false;
  if (t.ptrace !== null && sig !== SIGKILL) return false;
  return taskIgnores(t, sig, force);
}

/** True if `sig` is ignored or blocked by `t` (Linux is_ignored), for the terminal's background rules. */
export function isIgnoredOrBlocked(t: Task, sig: number): boolean {
  return t.signals.blocked.has(sig) || t.actions.get(sig).handler === SIG_IGN;
}

/** Stop and continue cancel each other even when blocked or ignored. False: the signal goes nowhere (Linux prepare_signal). */
function prepareSignal(t: Task, sig: number, force: boolean): boolean {
  const tg = t.threadGroup;
  if (tg.exiting) return false;
  if (sigKernelStop(sig)) {
    const lo = sigbit(SIGCONT);
    tg.pending.flush(lo, 0);
    for (const m of tg.threads) m.signals.pending.flush(lo, 0);
  } else if (sig === SIGCONT) {
    tg.pending.flush(SIG_KERNEL_STOP, 0);
    for (const m of tg.threads) {
      m.signals.pending.flush(SIG_KERNEL_STOP, 0);
      m.signals.stopPending = false;
      if (m.ptrace !== null && m.ptrace.seized) m.ptrace.notifyContinue(m);
      else if (m.runState === TASK_STOPPED) m.makeRunnable();
    }
    const why = tg.stopped ? CLD_CONTINUED : tg.stopCount > 0 ? CLD_STOPPED : 0;
    if (why !== 0) {
      tg.childReport = why;
      tg.continued = true;
      tg.stopped = false;
      tg.stopCount = 0;
      tg.stopCode = 0;
      // One of the threads, back in the signal path, tells the parent.
      for (const m of tg.threads) m.work |= WORK_SIGNAL;
    }
  }
  return !sigIgnored(t, sig, force);
}

/** True if thread `t` is a good one to take `sig` of its process (Linux wants_signal). */
function wantsSignal(t: Task, sig: number): boolean {
  if (t.signals.blocked.has(sig) || t.exiting) return false;
  if (sig === SIGKILL) return true;
  if (t.runState === TASK_STOPPED || t.runState === TASK_TRACED) return false;
  // A waiting task that is only marked would not look on its own.
  return t === t.kernel.current || (t.work & WORK_SIGNAL) === 0 || t.runState === TASK_BLOCKED || t.freezeTrap;
}

function isFatal(t: Task, sig: number): boolean {
  return !(sigKernelIgnore(sig) || sigKernelStop(sig)) && t.actions.get(sig).handler === SIG_DFL;
}

/** Finds a thread to take the signal and wakes it; a signal that kills starts the end of the whole process at once (Linux complete_signal). */
function completeSignal(t: Task, sig: number, wholeProcess: boolean): void {
  const tg = t.threadGroup;
  let target: Task | null = null;
  if (wantsSignal(t, sig)) target = t;
  else if (!wholeProcess || tg.threads.size === 1) return;
  else {
    for (const m of tg.threads)
      if (wantsSignal(m, sig)) {
        target = m;
        break;
      }
    if (target === null) return;
  }
  if (isFatal(t, sig) && !tg.exiting && !target.signals.realBlocked.has(sig) && (sig === SIGKILL || t.ptrace === null) && !tg.unkillableBy(sig)) {
    if (!sigKernelCoredump(sig)) {
      tg.exiting = true;
      tg.exitCode = sig;
      tg.stopCount = 0;
      for (const m of tg.threads) {
        m.signals.stopPending = false;
        m.signals.pending.set.add(SIGKILL);
        wakeForSignal(m, true);
      }
      return;
    }
  }
  wakeForSignal(target, sig === SIGKILL);
}

/**
 * Queues `info` to the thread, or to its process as a whole. `force`: sent by the kernel or from an ancestor PID namespace, so that even an
 * init gets SIGKILL and SIGSTOP. EAGAIN when a real-time signal with a value finds no room (RLIMIT_SIGPENDING).
 */
export function sendSignalInfo(t: Task, info: SignalInfo, wholeProcess: boolean, force: boolean): 0 | Errno {
  const sig = info.signo;
  if (t.exitState !== 0 && !wholeProcess) return 0;
  if (!prepareSignal(t, sig, force)) return 0;
  const tg = t.threadGroup;
  const pending = wholeProcess ? tg.pending : t.signals.pending;
  if (sig < SIGRTMIN && pending.set.has(sig)) return 0;
  if (sig === SIGKILL) pending.set.add(sig);
  else {
    const { counts } = t.credentials;
    const override = info.timer !== null || (sig < SIGRTMIN && info.code >= 0);
    const fits = counts.add(USED_SIGPENDING, 1);
    if (override || (fits && counts.used[USED_SIGPENDING]! <= t.limit(RLIMIT_SIGPENDING))) {
      // the index is in range
      info.counts = counts;
      pending.push(info);
    } else {
      counts.sub(USED_SIGPENDING, 1);
      if (sig >= SIGRTMIN && info.code !== SI_USER && info.code !== SI_KERNEL) return EAGAIN;
      pending.set.add(sig); // delivered, but without its details
    }
  }
  if (!tg.signalQueue.empty) tg.signalQueue.wake();
  completeSignal(t, sig, wholeProcess);
  return 0;
}

/** The kernel sends `sig` to this thread (SIGPIPE, SIGXFSZ …). */
export function sendKernelSignal(t: Task, sig: number): void {
  sendSignalInfo(t, kernelSignal(sig), false, true);
}

/** The kernel sends `sig` to a process, with `info` or SI_KERNEL. */
export function sendSignalToGroup(tg: ThreadGroup, sig: number, info: SignalInfo | null = null): 0 | Errno {
  return sendSignalInfo(tg.leader, info === null ? kernelSignal(sig) : info.clone(), true, info === null || !info.fromUser);
}

/**
 * A fault of the task itself: cannot be blocked or ignored; if it is, the default action happens (Linux force_sig_info_to_task).
 */
export function forceSignal(t: Task, info: SignalInfo): void {
  const sig = info.signo;
  const blocked = t.signals.blocked.has(sig);
  if (blocked || t.actions.get(sig).handler === SIG_IGN) {
    t.actions.setHandler(sig, SIG_DFL);
    if (blocked) {
      t.signals.blocked.delete(sig);
      recalcSigpending(t);
    }
  }
  // A traced init is still protected from what its tracer can catch.
  if (t.actions.get(sig).handler === SIG_DFL && t.ptrace === null) t.threadGroup.unkillable = false;
  sendSignalInfo(t, info, false, true);
  if (t.signals.pending.set.has(sig)) t.work |= WORK_SIGNAL;
}

/** `sig` with the default action, whatever the program asked for: bad stack frames, seccomp (Linux force_fatal_sig). */
export function forceFatal(t: Task, sig: number): void {
  t.actions.setHandler(sig, SIG_DFL);
  t.signals.blocked.delete(sig);
  recalcSigpending(t);
  forceSignal(t, kernelSignal(sig));
}

/** Linux kill_ok_by_cred and check_kill_permission: 0 or EPERM. */
export function checkKillPermission(sender: Task, target: Task, sig: number): 0 | Errno {
  if (sender.threadGroup === target.threadGroup) return 0;
  const c = sender.credentials;
  const tc = target.credentials;
  // The module is asked after the credentials in Linux; both say EPERM.
  if (c.domain !== null && c.domain.isScoped(tc.domain, SCOPE_SIGNAL)) return EPERM;
  if (c.euid === tc.suid || c.euid === tc.uid || c.uid === tc.suid || c.uid === tc.uid) return 0;
  if (c.nsCapable(tc.userNs, CAP_KILL)) return 0;
  if (sig === SIGCONT && sender.threadGroup.processGroup?.session === target.threadGroup.processGroup?.session) return 0;
  return EPERM;
}

/** siginfo of kill(2): the sender as the receiver sees it. */
export function userSignal(sig: number, code: number, sender: Task, receiver: Task): SignalInfo {
  return new SignalInfo(sig, code).setSender(
    sender.threadGroup.pid.nr(receiver.pid.ns),
    receiver.credentials.userNs.fromKuidMunged(sender.credentials.uid),
  );
}

/** True if the sender's PID namespace is an ancestor of the receiver's: its signals reach even an init. */
export function fromAncestorNs(sender: Task, receiver: Task): boolean {
  return sender.pid.nr(receiver.pid.ns) === 0;
}

/** A disposition became "ignore": what is pending of it goes (Linux do_sigaction). */
export function flushIgnored(tg: ThreadGroup, actions: SignalActions, sig: number): void {
  if (!handlerIgnores(actions.get(sig).handler, sig)) return;
  const lo = sig <= 32 ? 1 << (sig - 1) : 0;
  const hi = sig > 32 ? 1 << (sig - 33) : 0;
  tg.pending.flush(lo, hi);
  for (const m of tg.threads) {
    m.signals.pending.flush(lo, hi);
    recalcSigpending(m);
  }
}
