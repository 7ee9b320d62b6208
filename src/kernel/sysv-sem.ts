/** System V semaphores with SEM_UNDO. Source: Linux 6.18 ipc/sem.c. */
import { EAGAIN, EIDRM, ERANGE, type Errno } from '../abi/errno.ts';
import { IPC_NOWAIT, SEMVMX, SEM_UNDO } from '../abi/ipc.ts';
import type { Credentials } from '../auth/credentials.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import { IpcObject, type IpcNamespace } from './ipc-namespace.ts';
import type { Pid } from './pid.ts';
import type { Task } from './task.ts';

export interface SemOperation {
  readonly num: number;
  /** Signed 16 bits. */
  readonly op: number;
  readonly flags: number;
}

/** A task that sleeps in semop. Others carry out its operations and leave the result here. */
export class SemWaiter {
  readonly queue: WaitQueue = new WaitQueue();
  readonly set: SemaphoreSet;
  readonly operations: readonly SemOperation[];
  readonly undo: Int16Array | null;
  /** Thread group of the sleeper, for sempid. */
  readonly pid: Pid;
  /** Null while it sleeps. */
  result: 0 | Errno | null = null;
  /** The operation that could not be done: what GETNCNT and GETZCNT count. */
  blocking: SemOperation;
  constructor(set: SemaphoreSet, operations: readonly SemOperation[], undo: Int16Array | null, pid: Pid, blocking: SemOperation) {
    this.set = set;
    this.operations = operations;
    this.undo = undo;
    this.pid = pid;
    this.blocking = blocking;
  }
}

export class SemaphoreSet extends IpcObject {
  readonly ns: IpcNamespace;
  readonly values: Uint16Array;
  /** Thread group that did the last operation on each. */
  readonly pids: (Pid | null)[];
  /** Seconds since the epoch. */
  otime = 0;
  ctime: number;
  readonly pending: SemWaiter[] = [];
  /** Adjustments by undo list. */
  readonly undos: Map<SemUndoList, Int16Array> = new Map();
  constructor(ns: IpcNamespace, key: number, mode: number, c: Credentials, count: number, now: number) {
    super(key, mode, c);
    this.ns = ns;
    this.values = new Uint16Array(count);
    this.pids = new Array<Pid | null>(count).fill(null);
    this.ctime = now;
  }

  /**
   * Does all operations or none. 0; EAGAIN with `blockedOn` set when one must wait; ERANGE for a value or an adjustment that does not fit.
   */
  attempt(operations: readonly SemOperation[], undo: Int16Array | null, pid: Pid): 0 | Errno {
    const values = this.values;
    const done: number[] = [];
    let result: 0 | Errno = 0;
    let i = 0;
    for (; i < operations.length; i++) {
      const { num, op, flags } = operations[i]!; // in range
      const value = values[num]!; // numbers were checked against the set
      if (op === 0 ? value !== 0 : value + op < 0) {
        this.blockedOn = operations[i]!; // in range
        result = EAGAIN;
        break;
      }
      if (value + op > SEMVMX) {
        result = ERANGE;
        break;
      }
      if (flags & SEM_UNDO && undo !== null) {
        const adjusted = undo[num]! - op;
        if (adjusted < -SEMVMX - 1 || adjusted > SEMVMX) {
          result = ERANGE;
          break;
        }
        undo[num] = adjusted;
      }
      done.push(value);
      values[num] = value + op;
    }
    if (result !== 0) {
      while (--i >= 0) {
        const { num, op, flags } = operations[i]!; // in range
        values[num] = done[i]!; // recorded above
        if (flags & SEM_UNDO && undo !== null) undo[num]! += op;
      }
      return result;
    }
    for (const o of operations) this.pids[o.num] = pid;
    return 0;
  }
  blockedOn: SemOperation | null = null;

  /** Lets sleepers go on after the values changed, in the order in which they came. `now`: seconds since the epoch. */
  update(now: number): void {
    for (let i = 0; i < this.pending.length; ) {
      const w = this.pending[i]!; // in range
      const r = this.attempt(w.operations, w.undo, w.pid);
      if (r === EAGAIN && !(this.blockedOn!.flags & IPC_NOWAIT)) {
        w.blocking = this.blockedOn!; // set with EAGAIN
        i++;
        continue;
      }
      this.pending.splice(i, 1);
      w.result = r;
      w.queue.wake();
      if (r === 0) {
        this.otime = now;
        if (w.operations.some((o) => o.op !== 0)) i = 0;
      }
    }
  }
  /** Sleepers that wait for `num` to grow (zero = false) or to be zero. */
  waiting(num: number, zero: boolean): number {
    return this.pending.filter((w) => w.blocking.num === num && (w.blocking.op === 0) === zero).length;
  }
  /** Removed: everybody who sleeps gets EIDRM, and undo lists forget it. */
  destroy(): void {
    for (const list of this.undos.keys()) list.sets.delete(this);
    this.undos.clear();
    for (const w of this.pending.splice(0)) {
      w.result = EIDRM;
      w.queue.wake();
    }
    this.ns.usedSems -= this.values.length;
    this.ns.sem.remove(this);
  }
  /** A sleeper gives up. */
  cancel(w: SemWaiter): void {
    const i = this.pending.indexOf(w);
    if (i >= 0) this.pending.splice(i, 1);
  }
  /** The adjustments that `list` keeps for this set. */
  undoFor(list: SemUndoList): Int16Array {
    let u = this.undos.get(list);
    if (u === undefined) {
      u = new Int16Array(this.values.length);
      this.undos.set(list, u);
      list.sets.add(this);
    }
    return u;
  }
  /** SETVAL and SETALL clear what others would undo. */
  clearUndo(num: number): void {
    for (const u of this.undos.values()) if (num < 0) u.fill(0);
      else u[num] = 0;
  }
}

/** The adjustments of a task, or of the tasks that CLONE_SYSVSEM joined. */
export class SemUndoList {
  users = 1;
  readonly sets: Set<SemaphoreSet> = new Set();
}

/** The task's undo list, made when first needed. */
export function undoListOf(t: Task): SemUndoList {
  return (t.semUndo ??= new SemUndoList());
}

/** The task exits or leaves its list (unshare CLONE_SYSVSEM): the last user's adjustments are applied, clamped to 0…SEMVMX. Linux exit_sem(). */
export function exitSem(t: Task): void {
  const list = t.semUndo;
  t.semUndo = null;
  if (list === null || --list.users > 0) return;
  t.kernel.clock.update();
  for (const set of list.sets) {
    const u = set.undos.get(list)!; // both sides are kept together
    set.undos.delete(list);
    for (let i = 0; i < u.length; i++) {
      if (u[i] === 0) continue;
      set.values[i] = Math.min(SEMVMX, Math.max(0, set.values[i]! + u[i]!));
      set.pids[i] = t.threadGroup.pid;
    }
    set.update(t.kernel.clock.sec);
  }
  list.sets.clear();
}
