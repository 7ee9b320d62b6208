/** Stopping a traced task and telling its tracer: Linux ptrace_stop(), ptrace_signal(), ptrace_event(), exit_ptrace(). */
import { PTRACE_EVENT_EXIT, PTRACE_EVENT_STOP, PTRACE_O_EXITKILL, PTRACE_O_TRACEEXIT, PTRACE_O_TRACESYSGOOD } from '../abi/ptrace.ts';
import { CLD_TRAPPED, SA_NOCLDSTOP, SI_USER, SIG_IGN, SIGCHLD, SIGKILL, SIGTRAP } from '../abi/signal.ts';
import type { Credentials } from '../auth/credentials.ts';
import { refreshFrozen } from './cgroup/freezer.ts';
import { notifyParentExit, releaseTask } from './exit.ts';
import { PtraceState } from './ptrace-state.ts';
import { childSignal } from './signal-deliver.ts';
import { SignalInfo } from './signal-info.ts';
import { recalcSigpending, sendSignalInfo, userSignal } from './signal-send.ts';
import { EXIT_ZOMBIE, RESUME_EXIT, RESUME_USER, type Resume, SYSCALL_EMU, SYSCALL_PTRACE, TASK_TRACED, type Task } from './task.ts';

/** Stops `t` for its tracer. `code`: signal | event << 8 as wait reports it. How it goes on stands in `resume`. */
export function ptraceStop(t: Task, code: number, info: SignalInfo | null, resume: Resume): void {
  const p = t.ptrace!; // only called for traced tasks
  p.stopCode = p.lastStop = code;
  p.info = info;
  p.listening = false;
  t.resume = resume;
  t.runState = TASK_TRACED;
  if (t.cgroup.freezing) refreshFrozen(t.cgroup);
  const tracer = t.parent;
  if (tracer === null) return;
  const action = tracer.actions.get(SIGCHLD);
  if (action.handler !== SIG_IGN && !(action.flags & SA_NOCLDSTOP)) {
    const sig = childSignal(t.threadGroup, tracer, CLD_TRAPPED, code & 0x7f);
    sig.w0 = t.pid.nr(tracer.pid.ns);
    sendSignalInfo(tracer, sig, true, true);
  }
  tracer.threadGroup.childQueue.wake();
}

/** A stop that looks like a SIGTRAP from the tracee itself: syscall stops, events (Linux ptrace_do_notify). */
export function ptraceNotify(t: Task, code: number, resume: Resume): void {
  const info = new SignalInfo(SIGTRAP, code).setSender(t.tidIn(t), t.credentials.userNs.fromKuidMunged(t.credentials.uid));
  ptraceStop(t, code, info, resume);
}

/** Reports event `event` if the tracer asked for it (PTRACE_O_TRACE…); true = stopped. */
export function ptraceEvent(t: Task, option: number, event: number, message: number, resume: Resume): boolean {
  const p = t.ptrace;
  if (p === null || !(p.options & option)) return false;
  p.eventMessage = message;
  ptraceNotify(t, (event << 8) | SIGTRAP, resume);
  return true;
}

/** Syscall entry or exit stop. */
export function ptraceSyscallStop(t: Task, which: 1 | 2, resume: Resume): void {
  const p = t.ptrace!; // traced
  p.syscallStop = which;
  p.eventMessage = which;
  ptraceNotify(t, SIGTRAP | (p.options & PTRACE_O_TRACESYSGOOD ? 0x80 : 0), resume);
}

/** Signal-delivery stop: the tracer may change or drop the signal. */
export function ptraceSignalStop(t: Task, info: SignalInfo): void {
  const p = t.ptrace!; // traced
  p.injectedSignal = info.signo;
  p.syscallStop = 0;
  ptraceStop(t, info.signo, info, RESUME_USER);
}

/** After a signal-delivery stop: the signal to act on, or null. */
export function ptraceInjected(t: Task): SignalInfo | null {
  const p = t.ptrace!; // traced
  const sig = p.injectedSignal;
  if (sig < 0) return null;
  p.injectedSignal = -1;
  if (sig === 0) return null;
  let info = p.info;
  if (info === null || info.signo !== sig) {
    const tracer = t.parent;
    info = tracer === null ? new SignalInfo(sig, SI_USER) : userSignal(sig, SI_USER, tracer, t);
  }
  p.info = null;
  if (t.signals.blocked.has(sig)) {
    sendSignalInfo(t, info, false, false);
    return null;
  }
  return info;
}

/** PTRACE_INTERRUPT and group stops of traced tasks: a trap (Linux do_jobctl_trap). */
export function ptraceTrap(t: Task, stopSignal: number = t.threadGroup.stopped ? t.threadGroup.stopSignal : 0): void {
  const p = t.ptrace!; // traced
  p.trapPending = false;
  recalcSigpending(t);
  p.syscallStop = 0;
  if (p.seized) {
    const sig = stopSignal !== 0 ? stopSignal : SIGTRAP;
    p.trapSignal = stopSignal;
    const info = new SignalInfo(sig, sig | (PTRACE_EVENT_STOP << 8)).setSender(t.tidIn(t), 0);
    ptraceStop(t, sig | (PTRACE_EVENT_STOP << 8), info, RESUME_USER);
  } else if (stopSignal !== 0) {
    p.trapSignal = stopSignal;
    ptraceStop(t, stopSignal, null, RESUME_USER);
  }
}

/** PTRACE_EVENT_EXIT; true = stopped, exit goes on when resumed. */
export function ptraceEventExit(t: Task, code: number): boolean {
  const p = t.ptrace;
  if (p === null || !(p.options & PTRACE_O_TRACEEXIT) || t.resume === RESUME_EXIT) return false;
  t.exitCode = code;
  p.eventMessage = code;
  ptraceNotify(t, (PTRACE_EVENT_EXIT << 8) | SIGTRAP, RESUME_EXIT);
  return true;
}

/** Makes `tracer` the tracer of `t` (Linux ptrace_link). `rights`: the caller's credentials, or for the child of a tracee those of its tracer. */
export function ptraceLink(t: Task, tracer: Task, options: number, seized: boolean, rights: Credentials): void {
  const p = new PtraceState(rights);
  p.options = options;
  p.seized = seized;
  t.ptrace = p;
  t.parent = tracer;
  (tracer.tracees ??= new Set()).add(t);
}

/** Ends tracing; the task goes on (or into the group stop that its process is in). Linux __ptrace_unlink. */
export function ptraceUnlink(t: Task): void {
  const p = t.ptrace;
  if (p === null) return;
  p.disableStep(t);
  t.parent?.tracees?.delete(t);
  t.parent = t.realParent;
  t.ptrace = null;
  t.syscallWork &= ~(SYSCALL_PTRACE | SYSCALL_EMU);
  const tg = t.threadGroup;
  if (!t.exiting && (tg.stopped || tg.stopCount > 0)) {
    t.signals.stopPending = true;
    if (!tg.stopped) tg.stopCount++;
  }
  recalcSigpending(t);
  if (t.runState === TASK_TRACED) t.makeRunnable();
}

/** The tracer `t` exits: its tracees go free, or die with PTRACE_O_EXITKILL (Linux exit_ptrace). */
export function exitPtrace(t: Task): void {
  if (t.tracees === null) return;
  for (const tracee of [...t.tracees]) {
    if (tracee.ptrace !== null && tracee.ptrace.options & PTRACE_O_EXITKILL) {
      sendSignalInfo(tracee, new SignalInfo(SIGKILL, 0x80), true, true);
    }
    detach(tracee);
  }
  t.tracees = null;
}

/** Unlinks, and lets the real parent see (or reaps) a tracee that is a zombie already (Linux __ptrace_detach). */
export function detach(tracee: Task): void {
  ptraceUnlink(tracee);
  if (tracee.exitState !== EXIT_ZOMBIE) return;
  if (!tracee.isLeader) releaseTask(tracee);
  else if (tracee.threadGroup.threads.size === 1 && notifyParentExit(tracee, tracee.exitSignal)) releaseTask(tracee);
}

/** A released task leaves its tracer's list. */
export function ptraceDetachDead(t: Task): void {
  if (t.ptrace !== null) ptraceUnlink(t);
}

