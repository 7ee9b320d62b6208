/** The end of a PID namespace: Linux kernel/pid_namespace.c zap_pid_ns_processes(), kernel/exit.c find_child_reaper(). */
import { SIG_IGN, SIGCHLD, SIGKILL } from '../abi/signal.ts';
import { releaseTask } from './exit.ts';
import type { PidNamespace } from './pid-namespace.ts';
import { kernelSignal } from './signal-info.ts';
import { sendSignalInfo } from './signal-send.ts';
import { EXIT_ZOMBIE, RESUME_ZAP, TASK_BLOCKED, type Task } from './task.ts';

/**
 * Called by every thread that exits. The last one of an init kills everybody in the namespace and waits until they are gone: false = it waits, and is
 * called again. True: the exit goes on. Another thread of init takes over from one that exits alone.
 */
export function leaveNamespace(t: Task): boolean {
  const { ns } = t.pid;
  if (ns.childReaper !== t) return true;
  for (const heir of t.threadGroup.threads)
    if (!heir.exiting) {
      ns.childReaper = heir;
      return true;
    }
  if (!ns.dying) kill(ns, t);
  // Those that have ended but were not waited for; who ends from now on is reaped at once.
  for (const m of t.threadGroup.threads) for (const child of m.children) reap(child);
  if (isLast(ns, t)) {
    ns.zapper = null;
    // reboot(2) inside: the parent sees the signal that it stands for.
    if (ns.rebootSignal !== 0) {
      t.threadGroup.exiting = true;
      t.threadGroup.exitCode = ns.rebootSignal;
    }
    return true;
  }
  ns.zapper = t;
  t.runState = TASK_BLOCKED;
  t.resume = RESUME_ZAP;
  return false;
}

function kill(ns: PidNamespace, init: Task): void {
  ns.dying = true;
  // Nobody is left to wait for the children. Who shares the handlers shares this too.
  init.actions.setHandler(SIGCHLD, SIG_IGN);
  for (const pid of [...ns.all()]) {
    const m = pid.task;
    if (m !== null && m.threadGroup !== init.threadGroup && !m.fatalSignalPending()) sendSignalInfo(m, kernelSignal(SIGKILL), false, true);
  }
}

function reap(child: Task): void {
  if (child.exitState === EXIT_ZOMBIE && child.ptrace === null && child.threadGroup.threads.size === 1) releaseTask(child);
}

/** True if only `t` (and the leader of its process, which stays until it is waited for) has a number in `ns`. */
function isLast(ns: PidNamespace, t: Task): boolean {
  return ns.size <= (t.isLeader ? 1 : 2);
}
