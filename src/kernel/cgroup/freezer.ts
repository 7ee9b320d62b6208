/** cgroup.freeze and cgroup.kill. Linux kernel/cgroup/freezer.c. */
import { SIGKILL } from '../../abi/signal.ts';
import { recalcSigpending, sendSignalToGroup, wakeForSignal } from '../signal-send.ts';
import { TASK_FROZEN, TASK_KILLABLE, TASK_STOPPED, TASK_TRACED, type Task } from '../task.ts';
import type { ThreadGroup } from '../thread-group.ts';
import type { Cgroup } from './cgroup.ts';

/** Stopped, traced, or waiting for a vfork child counts as frozen: it runs no code of its own. */
function isFrozen(t: Task): boolean {
  return t.frozen || t.runState === TASK_FROZEN || t.runState === TASK_STOPPED || t.runState === TASK_TRACED || (t.runState === TASK_KILLABLE && t.syscall.vfork);
}

/** The state of `c` may have changed: brings it and those above up to date. */
export function refreshFrozen(c: Cgroup): void {
  let frozen = c.freezing;
  if (frozen)
    for (const t of c.tasks)
      if (!isFrozen(t)) {
        frozen = false;
        break;
      }
  if (frozen) for (const child of c.children.values()) if (!child.frozen) frozen = false;
  if (frozen === c.frozen) return;
  c.frozen = frozen;
  const now = c.hierarchy.monotonicNs();
  if (frozen) c.frozenSince = now;
  else c.frozenTime += now - c.frozenSince;
  c.hierarchy.raise(c, c.events);
  if (c.parent !== null && !c.parent.isRoot) refreshFrozen(c.parent);
}

/** Asks a task to freeze on its way to user mode, or lets it go. */
export function setTaskFreeze(t: Task, on: boolean): void {
  // The kernel's threads do not stop (cgroup_freeze).
  if (t.freezeTrap === on || t.kernelThread !== 0) return;
  t.freezeTrap = on;
  if (on) wakeForSignal(t, false);
  else if (t.runState === TASK_FROZEN) t.makeRunnable();
  else recalcSigpending(t);
}

/** The task stops here until its group thaws; a signal that kills goes through (do_freezer_trap). */
export function enterFrozen(t: Task): void {
  t.frozen = true;
  t.runState = TASK_FROZEN;
  refreshFrozen(t.cgroup);
}
/** It runs again. */
export function leaveFrozen(t: Task): void {
  t.frozen = false;
  if (t.cgroup.freezing) refreshFrozen(t.cgroup);
}

/** Writing cgroup.freeze. */
export function freezeCgroup(c: Cgroup, on: boolean): void {
  if (c.freeze === on) return;
  c.freeze = on;
  let applied = false;
  for (const d of c.subtree()) {
    const before = d.freezing;
    d.freezeCount += on ? 1 : -1;
    if (d.freezing === before) continue;
    applied = true;
    for (const t of [...d.tasks]) setTaskFreeze(t, on);
  }
  // A group above decides already: whoever waits for a change is told that there is none to come.
  if (!applied) c.hierarchy.raise(c, c.events);
  // From the leaves up: a group is frozen when all below are.
  for (const d of [...c.subtree()].reverse()) refreshFrozen(d);
}

/** Writing 1 to cgroup.kill: every process in it and below. */
export function killCgroup(c: Cgroup): void {
  const groups = new Set<ThreadGroup>();
  for (const d of c.subtree()) for (const t of d.tasks) if (t.kernelThread === 0) groups.add(t.threadGroup);
  for (const g of groups) sendSignalToGroup(g, SIGKILL);
}
