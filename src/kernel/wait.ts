/** Waiting for children: Linux kernel/exit.c do_wait(). */
import { __WALL, __WCLONE, __WNOTHREAD, P_ALL, P_PGID, P_PID, WCONTINUED, WEXITED, WNOHANG, WNOWAIT, WSTOPPED } from '../abi/clone.ts';
import { CLD_CONTINUED, CLD_DUMPED, CLD_EXITED, CLD_KILLED, CLD_STOPPED, CLD_TRAPPED, SIGCHLD, SIGCONT } from '../abi/signal.ts';
import { ECHILD, ERESTARTSYS, type Errno } from '../abi/errno.ts';
import { notifyParentExit, releaseTask } from './exit.ts';
import type { Pid } from './pid.ts';
import { ptraceUnlink } from './ptrace-stop.ts';
import { ResourceUsage } from './resource-usage.ts';
import { EXIT_GONE, EXIT_ZOMBIE, TASK_TRACED, type Task } from './task.ts';

/** What is waited for, and what was found. */
export class WaitRequest {
  idType: number;
  pid: Pid | null;
  options: number;
  /** Results: number in the caller's namespace, wait status (wait4), cause and status (waitid), uid, usage of the child. */
  foundPid = 0;
  status = 0;
  cause = 0;
  causeStatus = 0;
  uid = 0;
  readonly usage: ResourceUsage = new ResourceUsage();
  constructor(idType: number, pid: Pid | null, options: number) {
    this.idType = idType;
    this.pid = pid;
    this.options = options;
  }
}

/** One try: 1 = found (results in `r`), 0 = nothing yet, ECHILD = there is no child that could match. */
function tryWait(t: Task, r: WaitRequest): 0 | 1 | Errno {
  if (r.idType === P_PID) return tryWaitPid(t, r);
  if (!(r.options & (__WNOTHREAD | WSTOPPED | WCONTINUED))) {
    const found = tryWaitDead(t, r);
    if (found !== -1) return found;
  }
  let possible = false;
  for (const thread of t.threadGroup.threads) {
    if (r.options & __WNOTHREAD && thread !== t) continue;
    for (const child of thread.children) {
      const found = consider(t, child, r, false);
      if (found === 1) return 1;
      if (found === 0) possible = true;
    }
    if (thread.tracees !== null)
      for (const child of thread.tracees) {
        const found = consider(t, child, r, true);
        if (found === 1) return 1;
        if (found === 0) possible = true;
      }
  }
  return possible ? 0 : ECHILD;
}

/**
 * Waits for nothing but deaths of children: those that have died are known, so the living are not looked at. -1: it must be done the long way
 * (tracees; so many dead that the first of them all is sooner found in order of birth).
 */
function tryWaitDead(t: Task, r: WaitRequest): 0 | 1 | -1 | Errno {
  const { threads, zombies } = t.threadGroup;
  let children = 0;
  for (const thread of threads) {
    if (thread.tracees !== null && thread.tracees.size > 0) return -1;
    children += thread.children.size;
  }
  if (zombies.size * zombies.size > children + 16) return -1;
  // The threads' children in turn, each thread's in order of birth.
  let first: Task | null = null;
  for (const z of zombies) {
    if (!eligible(z, r, false) || z.ptrace !== null || z.threadGroup.threads.size > 1) continue;
    if (first !== null && first.realParent !== z.realParent) return -1;
    if (first === null || z.siblingOrder < first.siblingOrder) first = z;
  }
  if (first !== null) {
    const found = consider(t, first, r, false);
    if (found === 1) return 1;
  }
  for (const thread of threads) for (const child of thread.children) if (eligible(child, r, false)) return 0;
  return ECHILD;
}

/** One process by number: no look at all the other children (Linux do_wait_pid). */
function tryWaitPid(t: Task, r: WaitRequest): 0 | 1 | Errno {
  const p = r.pid?.task ?? null;
  if (p === null) return ECHILD;
  const mine = (parent: Task | null): boolean => parent !== null && (r.options & __WNOTHREAD ? parent === t : parent.threadGroup === t.threadGroup);
  let possible = false;
  if (p.isLeader && mine(p.realParent)) {
    const found = consider(t, p, r, false);
    if (found === 1) return 1;
    if (found === 0) possible = true;
  }
  if (p.ptrace !== null && mine(p.parent)) {
    const found = consider(t, p, r, true);
    if (found === 1) return 1;
    if (found === 0) possible = true;
  }
  return possible ? 0 : ECHILD;
}

/** 1 = reported, 0 = could match later, -1 = never matches. */
function consider(t: Task, p: Task, r: WaitRequest, traced: boolean): -1 | 0 | 1 {
  if (p.exitState === EXIT_GONE) return -1;
  if (!eligible(p, r, traced)) return -1;
  // A natural child that someone in this process traces is reported through the tracer's list only.
  const tracedByUs = p.ptrace !== null && p.parent !== null && p.parent.threadGroup === t.threadGroup;
  if (!traced && p.ptrace !== null && tracedByUs) return 0;
  if (p.exitState === EXIT_ZOMBIE) {
    const delayed = p.isLeader && p.threadGroup.threads.size > 1;
    if (delayed) return r.options & WEXITED ? waitStopOrContinue(t, p, r, traced) : 0;
    // The tracer comes first.
    if (!traced && p.ptrace !== null) return 0;
    if (!(r.options & WEXITED)) return 0;
    return reportZombie(t, p, r, traced);
  }
  return waitStopOrContinue(t, p, r, traced);
}

function waitStopOrContinue(t: Task, p: Task, r: WaitRequest, traced: boolean): 0 | 1 {
  const tg = p.threadGroup;
  if (traced || r.options & WSTOPPED) {
    if (traced && p.ptrace !== null) {
      if (p.runState === TASK_TRACED && !p.ptrace.listening && p.ptrace.stopCode !== 0) {
        const code = p.ptrace.stopCode;
        if (!(r.options & WNOWAIT)) p.ptrace.stopCode = 0;
        return report(t, p, r, (code << 8) | 0x7f, CLD_TRAPPED, code, p.pid);
      }
    } else if (tg.stopped && tg.stopCode !== 0) {
      const code = tg.stopCode;
      if (!(r.options & WNOWAIT)) tg.stopCode = 0;
      return report(t, p, r, (code << 8) | 0x7f, CLD_STOPPED, code, p.pid);
    }
  }
  if (r.options & WCONTINUED && tg.continued) {
    if (!(r.options & WNOWAIT)) tg.continued = false;
    return report(t, p, r, 0xffff, CLD_CONTINUED, SIGCONT, p.pid);
  }
  return 0;
}

function eligible(p: Task, r: WaitRequest, traced: boolean): boolean {
  switch (r.idType) {
    case P_ALL:
      break;
    case P_PID:
      if (p.pid !== r.pid) return false;
      break;
    case P_PGID:
      if (p.threadGroup.processGroup === null || p.threadGroup.processGroup.pid !== r.pid) return false;
      break;
    default:
      return false;
  }
  // Tracees and __WALL: everything; else "clone children" (no SIGCHLD) exactly when __WCLONE says so.
  if (traced || r.options & __WALL) return true;
  return (p.exitSignal !== SIGCHLD) === ((r.options & __WCLONE) !== 0);
}

function fillUsage(p: Task, r: WaitRequest): void {
  const u = new ResourceUsage();
  const tg = p.threadGroup;
  for (const thread of tg.threads) u.add(thread.usage);
  u.add(tg.usage);
  u.add(tg.childUsage);
  Object.assign(r.usage, u);
}

function report(t: Task, p: Task, r: WaitRequest, status: number, cause: number, causeStatus: number, pid: Pid): 1 {
  r.foundPid = pid.nr(t.pid.ns);
  r.status = status;
  r.cause = cause;
  r.causeStatus = causeStatus;
  r.uid = t.credentials.userNs.fromKuidMunged(p.credentials.uid);
  fillUsage(p, r);
  return 1;
}

function reportZombie(t: Task, p: Task, r: WaitRequest, traced: boolean): 1 {
  const tg = p.threadGroup;
  const status = tg.exiting ? tg.exitCode : p.exitCode;
  const cause = status & 0x7f ? (status & 0x80 ? CLD_DUMPED : CLD_KILLED) : CLD_EXITED;
  report(t, p, r, status, cause, status & 0x7f ? status & 0x7f : status >> 8, p.pid);
  if (r.options & WNOWAIT) return 1;
  // The parent's children counters grow when its real child is reaped by it.
  const foreign = traced && p.realParent !== null && p.realParent.threadGroup !== t.threadGroup;
  if (p.isLeader && !foreign) {
    const c = t.threadGroup.childUsage;
    c.add(r.usage);
  }
  if (p.ptrace !== null) {
    const real = p.realParent;
    const other = p.parent !== real;
    ptraceUnlink(p);
    // A tracer that is not the parent collects first; then the parent may.
    if (other && p.isLeader && real !== null) {
      if (!notifyParentExit(p, p.exitSignal)) return 1;
    }
  }
  releaseTask(p);
  return 1;
}

/**
 * Waits for a child as `r` says; 1 = found, 0 = nothing (WNOHANG), ECHILD, ERESTARTSYS, or BLOCKED.
 */
export function doWait(t: Task, r: WaitRequest): number {
  const found = tryWait(t, r);
  if (found !== 0) return found;
  if (r.options & WNOHANG) return 0;
  if (t.signalPending()) return ERESTARTSYS;
  return t.wait(t.threadGroup.childQueue);
}
