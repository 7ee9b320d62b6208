/** PID namespaces: number allocation and look-up. Linux struct pid_namespace. */
import { EAGAIN, EEXIST, EINVAL, ENOMEM, EPERM, type Errno } from '../abi/errno.ts';
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN } from '../abi/capability.ts';
import { Namespace } from '../auth/namespace.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { Pid } from './pid.ts';
import { TASK_BLOCKED, type Task } from './task.ts';

/** Numbers below this are not given out again after the first round (Linux RESERVED_PIDS). */
const RESERVED_PIDS = 300;
/** First number that is never given out: of the initial namespace at first, and the most there can be, which inner ones start with. */
const PID_MAX_DEFAULT = 32768;
export const PID_MAX_LIMIT = 4194304;
/** Depth of nesting (MAX_PID_NS_LEVEL). */
export const MAX_PID_NS_LEVEL = 32;

export class PidNamespace extends Namespace {
  readonly kind = 'pid';
  readonly parent: PidNamespace | null;
  readonly level: number;
  /** /proc/sys/kernel/pid_max: the first number that is not given out. */
  pidMax: number;
  private readonly pids: Map<number, Pid> = new Map();
  /** Numbers from 2 to this one are taken by what is made (`makeReserved`) when somebody looks at them; 0: none. */
  private reserved = 0;
  private makeReserved: (() => void) | null = null;
  /** The number given out last; the search goes on behind it. */
  last = 0;
  /** The init of this namespace; orphans go there. Its death ends the namespace. */
  childReaper: Task | null = null;
  /** Set when init has died: no new members (ENOMEM). */
  dying = false;
  /** Init while it waits in its exit for the others to be gone. */
  zapper: Task | null = null;
  /** Where records of processes that ended go (acct); null = nowhere. */
  accounting: FileDescription | null = null;
  /** Signal of the wait status that reboot(2) in here asked for; 0 = none. */
  rebootSignal = 0;

  constructor(parent: PidNamespace | null, userNs: UserNamespace, inum: number) {
    super(userNs, inum);
    this.parent = parent;
    this.level = parent ? parent.level + 1 : 0;
    this.pidMax = parent === null ? PID_MAX_DEFAULT : PID_MAX_LIMIT;
    parent?.get();
  }

  /** True if this namespace is `ns` or below it. */
  isWithin(ns: PidNamespace): boolean {
    let p: PidNamespace | null = this;
    while (p !== null && p.level > ns.level) p = p.parent;
    return p === ns;
  }

  /** The next `count` numbers are taken: `make` calls takeReserved for each, in any order, before anybody sees that none has a task. */
  reserve(count: number, make: () => void): void {
    this.last = this.reserved = this.last + count;
    this.makeReserved = make;
  }
  takeReserved(nr: number): Pid {
    const pid = new Pid(this, [nr]);
    this.get();
    this.pids.set(nr, pid);
    return pid;
  }
  private lookAtReserved(): void {
    const make = this.makeReserved;
    if (make === null) return;
    this.makeReserved = null;
    this.reserved = 0;
    make();
  }

  /** The pid with number `nr` in here. */
  find(nr: number): Pid | null {
    if (nr <= this.reserved) this.lookAtReserved();
    return this.pids.get(nr) ?? null;
  }

  /** Every pid seen from here, in no order. */
  all(): IterableIterator<Pid> {
    this.lookAtReserved();
    return this.pids.values();
  }

  get size(): number {
    this.lookAtReserved();
    return this.pids.size;
  }

  /** The pid with the smallest number >= `nr` (Linux find_ge_pid), for /proc. */
  findFrom(nr: number): Pid | null {
    this.lookAtReserved();
    let best: Pid | null = null;
    let bestNr = Infinity;
    for (const [n, p] of this.pids)
      if (n >= nr && n < bestNr) {
        best = p;
        bestNr = n;
      }
    return best;
  }

  /**
   * A new pid with a number in here and in every namespace above (Linux alloc_pid()). `setTid[0]` is the wanted number in the innermost,
   * `setTid[1]` in its parent … EEXIST if taken, EINVAL/EPERM by clone3's rules, EAGAIN when the numbers are used up, ENOMEM in a dead namespace.
   */
  alloc(setTid: readonly number[], credentials: Credentials): Pid | Errno {
    if (setTid.length > this.level + 1) return EINVAL;
    const numbers: number[] = new Array<number>(this.level + 1).fill(0);
    let error: Errno | 0 = 0;
    let done = 0;
    let ns: PidNamespace | null = this;
    for (let i = this.level; i >= 0 && ns !== null; i--, ns = ns.parent) {
      const wanted = setTid[this.level - i];
      if (wanted !== undefined) ns.lookAtReserved();
      let nr: number;
      if (wanted !== undefined) {
        if (wanted < 1 || wanted >= ns.pidMax) error = EINVAL;
        // Without an init only number 1 can be made.
        else if (wanted !== 1 && ns.childReaper === null) error = EINVAL;
        else if (!credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN) && !credentials.nsCapable(ns.userNs, CAP_CHECKPOINT_RESTORE)) error = EPERM;
        else if (ns.pids.has(wanted)) error = EEXIST;
        nr = wanted;
      } else {
        nr = ns.nextFree();
        if (nr < 0) error = EAGAIN;
      }
      if (error !== 0) break;
      numbers[i] = nr;
      done++;
      ns.pids.set(nr, PLACEHOLDER as Pid);
      if (wanted === undefined) ns.last = nr;
    }
    if (error === 0 && this.dying) error = ENOMEM;
    if (error !== 0) {
      let undo: PidNamespace | null = this;
      for (let i = this.level; done > 0 && undo !== null; i--, done--, undo = undo.parent) {
        undo.pids.delete(numbers[i]!); // filled
        // The first number of all is to be 1.
        if (undo.childReaper === null && undo.pids.size === 0 && !undo.dying) undo.last = 0;
      }
      return error;
    }
    const pid = new Pid(this, numbers);
    this.get();
    for (let at: PidNamespace | null = this; at !== null; at = at.parent) at.pids.set(numbers[at.level]!, pid); // filled
    return pid;
  }

  /** Gives all numbers of `pid` back. */
  free(pid: Pid): void {
    for (let at: PidNamespace | null = this; at !== null; at = at.parent) {
      at.pids.delete(pid.numbers[at.level]!); // filled
      // The first process could not be made: there will be none (Linux free_pid).
      if (at.pids.size === 0) at.dying = true;
      if (at.zapper !== null && at.pids.size <= 2 && at.zapper.runState === TASK_BLOCKED) at.zapper.makeRunnable();
    }
    this.put();
  }

  protected override end(): void {
    this.parent?.put();
  }

  private nextFree(): number {
    const start = this.last + 1;
    for (let nr = start; nr < this.pidMax; nr++) if (!this.pids.has(nr)) return nr;
    this.lookAtReserved();
    const from = this.last >= RESERVED_PIDS ? RESERVED_PIDS : 1;
    for (let nr = from; nr < start && nr < this.pidMax; nr++) if (!this.pids.has(nr)) return nr;
    return -1;
  }
}

/** Holds a number while the others of the same pid are being found. */
const PLACEHOLDER: object = {};
