/** The end of tasks: Linux kernel/exit.c, from do_exit() to release_task(). */
import { CLD_DUMPED, CLD_EXITED, CLD_KILLED, SA_NOCLDWAIT, SI_USER, SIG_IGN, SIGCHLD, SIGCONT, SIGHUP, SIGKILL } from '../abi/signal.ts';
import { accountExit } from './accounting.ts';
import { USED_PROCESSES } from '../auth/user-counts.ts';
import { addChild, childDied, removeChild } from './children.ts';
import { exitRobustList, futexWakeAddress } from './futex-exit.ts';
import type { ProcessGroup } from './process-group.ts';
import { exitPtrace, ptraceDetachDead, ptraceEventExit } from './ptrace-stop.ts';
import { childSignal, participateInStop } from './signal-deliver.ts';
import { leaveNamespace } from './pid-namespace-exit.ts';
import { dropFilter } from './seccomp.ts';
import { fromAncestorNs, retargetShared, sendSignalInfo, userSignal, wakeForSignal } from './signal-send.ts';
import { exitSem } from './sysv-sem.ts';
import { EXIT_GONE, EXIT_NONE_YET, EXIT_ZOMBIE, TASK_DEAD, type Task } from './task.ts';
import type { ThreadGroup } from './thread-group.ts';

/** Ends the whole process with `code` (wait status), beginning with the calling thread (Linux do_group_exit). */
export function exitGroup(t: Task, code: number): void {
  const tg = t.threadGroup;
  let status = code;
  if (tg.exiting) status = tg.exitCode;
  else if (tg.execTask !== null && tg.execTask !== t) status = 0;
  else {
    tg.exiting = true;
    tg.exitCode = code;
    killOtherThreads(t);
  }
  exitTask(t, status);
}

/** Sends SIGKILL to the other threads of the process (Linux zap_other_threads); how many have not begun to exit. */
export function killOtherThreads(t: Task): number {
  const tg = t.threadGroup;
  tg.stopCount = 0;
  let count = 0;
  for (const m of tg.threads) {
    if (m === t) continue;
    m.signals.stopPending = false;
    if (m.exitState !== EXIT_NONE_YET) continue;
    count++;
    m.signals.pending.set.add(SIGKILL);
    wakeForSignal(m, true);
  }
  return count;
}

/** Ends this thread (Linux do_exit). A tracer that asked for it sees it first; then `finishExit` goes on. */
export function exitTask(t: Task, code: number): void {
  if (t.ptrace !== null && !t.exiting && ptraceEventExit(t, code)) return;
  finishExit(t, code);
}

export function finishExit(t: Task, code: number): void {
  const tg = t.threadGroup;
  const kernel = t.kernel;
  t.clearWaits();
  // exit_signals: what only this thread would have taken goes to the others.
  t.exiting = true;
  if (tg.threads.size > 1 && !tg.exiting) {
    retargetShared(t, ~t.signals.blocked.lo, ~t.signals.blocked.hi);
    if (t.signals.stopPending) participateInStop(t);
  }
  t.exitCode = code;
  t.ioContext = null;
  dropFilter(t.seccomp);
  t.seccomp = null;
  const groupDead = --tg.live === 0;
  if (groupDead) {
    tg.itimers?.cancelAll();
    for (const timer of tg.posixTimers.values()) timer.cancel();
    tg.posixTimers.clear();
  }
  if (t.mm !== null && t.mm.rss > 0) {
    const kib = Math.max(t.mm.rss, t.mm.peakRss) * 4;
    if (kib > t.usage.maxrss) t.usage.maxrss = kib;
  }
  if (groupDead) accountExit(t, tg.exiting ? tg.exitCode : code);
  kernel.trace?.exited(t, code);
  leaveRings(t);
  if (t.counters !== null) for (const c of t.counters) c.taskGone(t);
  releaseMemory(t);
  exitSem(t);
  const files = t.files;
  if (files !== null) {
    files.release(t);
    t.files = null;
  }
  t.fsContext?.release();
  t.fsContext = null;
  t.nsproxy.put();
  kernel.cgroups.exit(t);
  if (groupDead) leaveTerminal(tg);
  exitNotify(t);
}

/** Gives up what the task has under way in rings of io_uring (Linux io_uring_files_cancel). */
export function leaveRings(t: Task): void {
  if (t.rings === null) return;
  for (const ring of t.rings) ring.taskGone(t);
  t.rings = null;
}

/** Lets go of the address space: robust futexes, clear_child_tid, the vfork parent (Linux mm_release and exit_mm). */
export function releaseMemory(t: Task): void {
  const mm = t.mm;
  if (mm === null) return;
  if (t.robustList !== 0) exitRobustList(t);
  t.robustList = 0;
  exitPiState(t);
  if (t.clearChildTid !== 0) {
    // Someone else may be waiting only if the memory is shared.
    if (mm.users > 1) {
      mm.writeU32(t.clearChildTid, 0);
      futexWakeAddress(t, t.clearChildTid);
    }
    t.clearChildTid = 0;
  }
  completeVfork(t);
  t.mm = null;
  mm.put();
}

function exitPiState(t: Task): void {
  t.kernel.futexes.exitPi(t);
}

/** Tells the parent that waits in vfork that the memory is its own again. */
export function completeVfork(t: Task): void {
  if (t.vforkParent === null) return;
  t.vforkParent = null;
  t.vforkQueue.wake();
}

/** A session leader gives up the terminal; its foreground group gets SIGHUP and SIGCONT (Linux disassociate_ctty). */
function leaveTerminal(tg: ThreadGroup): void {
  const session = tg.processGroup?.session;
  if (session === undefined || session.leader !== tg) return;
  session.leader = null;
  if (tg.tty !== null) tg.tty.disassociate(session, true);
  else if (tg.ttyOldGroup !== null) {
    tg.ttyOldGroup.signal(SIGHUP);
    tg.ttyOldGroup.signal(SIGCONT);
  }
  tg.ttyOldGroup = null;
}

/**
 * Hands the children on, tells the parent, and decides whether a zombie stays (Linux exit_notify). The last thread of the init of a PID namespace comes
 * here again (RESUME_ZAP) until it is the last task there.
 */
export function exitNotify(t: Task): void {
  const tg = t.threadGroup;
  const groupDead = tg.live === 0;
  exitPtrace(t);
  if (!leaveNamespace(t)) return;
  reparentChildren(t);
  t.exitState = EXIT_ZOMBIE;
  childDied(t);
  t.runState = TASK_DEAD;
  if (groupDead) killOrphanedGroup(tg, null);
  let autoreap: boolean;
  if (t.ptrace !== null) {
    const sig = t.isLeader && tg.threads.size === 1 && !traceesParentIsOther(t) ? t.exitSignal : SIGCHLD;
    autoreap = notifyParentExit(t, sig);
  } else if (t.isLeader) autoreap = tg.threads.size === 1 && notifyParentExit(t, t.exitSignal);
  else autoreap = true;
  if (t.pid.wait !== null) t.pid.wait.wake();
  if (tg.execTask !== null) tg.execQueue.wake();
  if (autoreap) releaseTask(t);
}

/** True if the task is traced by another process than its real parent's. */
function traceesParentIsOther(t: Task): boolean {
  return t.parent !== null && t.realParent !== null && t.parent.threadGroup !== t.realParent.threadGroup;
}

/**
 * SIGCHLD (or what clone asked for) to the parent, and a wake-up for its waits. True: the parent does not want to wait for it (SIGCHLD ignored,
 * or SA_NOCLDWAIT), so that it is reaped at once. Linux do_notify_parent.
 */
export function notifyParentExit(t: Task, signo: number): boolean {
  const parent = t.parent;
  if (parent === null) return true;
  const code = t.exitCode;
  const cause = code & 0x7f ? (code & 0x80 ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED;
  const status = code & 0x7f ? code & 0x7f : code >> 8;
  let autoreap = false;
  let sig = signo;
  // A parent that has become another program did not ask for that signal.
  if (sig !== SIGCHLD && t.parentExecId !== parent.execId) sig = SIGCHLD;
  if (t.ptrace === null && sig === SIGCHLD) {
    const action = parent.actions.get(SIGCHLD);
    if (action.handler === SIG_IGN || action.flags & SA_NOCLDWAIT) {
      autoreap = true;
      if (action.handler === SIG_IGN) sig = 0;
    }
  }
  if (parent.internal) {
    // The sandbox's own init collects whatever comes to it.
    t.kernel.childOfInitExited(t);
    autoreap = true;
  } else if (sig > 0 && sig <= 64) sendSignalInfo(parent, childSignal(t.threadGroup, parent, cause, status, sig), true, true);
  parent.threadGroup.childQueue.wake();
  return autoreap;
}

/** The children of a dying thread get a new parent: another thread, a subreaper, or init (Linux forget_original_parent). */
function reparentChildren(t: Task): void {
  if (t.children.size === 0) return;
  const reaper = findReaper(t);
  const dead: Task[] = [];
  for (const child of t.children) {
    for (const thread of child.threadGroup.threads) {
      thread.realParent = reaper;
      if (thread.ptrace === null) thread.parent = reaper;
      if (thread.deathSignal !== 0) sendSignalInfo(thread, userSignal(thread.deathSignal, SI_USER, t, thread), true, fromAncestorNs(t, thread));
    }
    t.threadGroup.zombies.delete(child);
    if (reaper !== null) addChild(reaper, child);
    if (reaper === null || reaper.threadGroup !== t.threadGroup) {
      // It is now the child of a stranger, which expects SIGCHLD.
      child.exitSignal = SIGCHLD;
      if (child.ptrace === null && child.exitState === EXIT_ZOMBIE && child.threadGroup.threads.size === 1) {
        if (notifyParentExit(child, child.exitSignal)) dead.push(child);
      }
      killOrphanedGroup(child.threadGroup, t.threadGroup);
    }
  }
  t.children.clear();
  for (const child of dead) releaseTask(child);
}

function findReaper(t: Task): Task | null {
  for (const m of t.threadGroup.threads) if (m !== t && !m.exiting) return m;
  const init = t.pid.ns.childReaper;
  if (t.threadGroup.hasChildSubreaper) {
    for (let p = t.realParent; p !== null && p !== init; p = p.realParent) {
      if (p.pid.ns !== t.pid.ns) break;
      if (!p.threadGroup.childSubreaper) continue;
      for (const m of p.threadGroup.threads) if (!m.exiting) return m;
    }
  }
  return init;
}

/** A stopped process group that loses its last link to job control gets SIGHUP and SIGCONT (Linux kill_orphaned_pgrp). */
function killOrphanedGroup(tg: ThreadGroup, exitingParent: ThreadGroup | null): void {
  const group: ProcessGroup | null = tg.processGroup;
  if (group === null) return;
  const parentGroup = exitingParent ?? tg.leader.realParent?.threadGroup ?? null;
  // Only the link between two groups of one session counts.
  const other = parentGroup?.processGroup ?? null;
  if (other === null || other === group || other.session !== group.session) return;
  if (group.orphaned(exitingParent === null ? tg : null) && group.hasStopped()) {
    group.signal(SIGHUP);
    group.signal(SIGCONT);
  }
}

/** Takes a dead task out of everything (Linux release_task). The last thread of a process whose leader is a zombie wakes the parent. */
export function releaseTask(t: Task): void {
  let task: Task | null = t;
  while (task !== null) {
    const tg: ThreadGroup = task.threadGroup;
    const kernel = task.kernel;
    ptraceDetachDead(task);
    task.exitState = EXIT_GONE;
    task.credentials.counts.sub(USED_PROCESSES, 1);
    task.credentials.userNs.put();
    if (task.credentials.holdsKeys) kernel.keys.dirty = true;
    kernel.cgroups.release(task);
    tg.threads.delete(task);
    task.signals.pending.flush(-1, -1);
    if (!task.isLeader) tg.usage.add(task.usage);
    if (task.pid.task === task) task.pid.task = null;
    task.actions.users--;
    kernel.taskGone(task);
    let next: Task | null = null;
    if (task.isLeader) {
      tg.pending.flush(-1, -1);
      if (task.realParent !== null) removeChild(task.realParent, task);
      tg.pid.threadGroup = null;
      tg.processGroup?.remove(tg);
    } else if (tg.threads.size === 1 && tg.leader.exitState === EXIT_ZOMBIE) {
      // The leader went before: now the process is dead.
      if (tg.leader.pid.wait !== null) tg.leader.pid.wait.wake();
      if (notifyParentExit(tg.leader, tg.leader.exitSignal)) next = tg.leader;
    }
    task.pid.exitCode = task.exitCode;
    task.pid.exitCgroup = task.cgroup.id;
    if (task.pid.wait !== null) task.pid.wait.wake();
    task.pid.taskReleased();
    task.pid.releaseIfUnused();
    if (tg.execTask !== null) tg.execQueue.wake();
    task = next;
  }
}
