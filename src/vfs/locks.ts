/** File locks: POSIX records (owner: an fd table), OFD records and flock (owner: a description), leases. */
import { F_UNLCK, F_WRLCK } from '../abi/fcntl.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { FileDescription } from './file-description.ts';

export const LOCK_POSIX = 0;
export const LOCK_OFD = 1;
export const LOCK_FLOCK = 2;

/** Who holds a lock: the FdTable of a process (POSIX), or a FileDescription (OFD, flock). Compared by identity. */
export type LockOwner = object;

export class FileLock {
  readonly kind: number;
  readonly owner: LockOwner;
  /** F_RDLCK or F_WRLCK. */
  type: number;
  /** Bytes; `end` is inclusive and Infinity for "to the end of the file". */
  start: number;
  end: number;
  /** tgid, or -1 for OFD locks: l_pid of F_GETLK. */
  readonly pid: number;
  constructor(kind: number, owner: LockOwner, type: number, start: number, end: number, pid: number) {
    this.kind = kind;
    this.owner = owner;
    this.type = type;
    this.start = start;
    this.end = end;
    this.pid = pid;
  }
  overlaps(start: number, end: number): boolean {
    return this.start <= end && start <= this.end;
  }
}

/** Owners that wait, and for whom: the edges of the deadlock check (POSIX locks only, as Linux). */
const waitingFor = new Map<LockOwner, LockOwner>();

export class FileLocks {
  /** POSIX and OFD records, ordered by owner of first appearance, then by start. */
  records: FileLock[] = [];
  flocks: FileLock[] = [];
  /** F_SETLEASE holders. */
  leases: { file: FileDescription; type: number }[] = [];
  readonly changed: WaitQueue = new WaitQueue();

  /** The first record that conflicts with the wanted one, or null. */
  conflict(owner: LockOwner, type: number, start: number, end: number): FileLock | null {
    for (const l of this.records) {
      if (l.owner === owner || !l.overlaps(start, end)) continue;
      if (type === F_WRLCK || l.type === F_WRLCK) return l;
    }
    return null;
  }

  /** Sets or (F_UNLCK) removes a range of `owner`: splits, joins and replaces what it holds there. Conflicts were checked. */
  setRange(kind: number, owner: LockOwner, type: number, start: number, end: number, pid: number): void {
    const kept: FileLock[] = [];
    let from = start;
    let to = end;
    for (const l of this.records) {
      if (l.owner !== owner) {
        kept.push(l);
        continue;
      }
      if (l.type === type && l.start <= to + 1 && from <= l.end + 1) {
        from = Math.min(from, l.start);
        to = Math.max(to, l.end);
        continue;
      }
      if (!l.overlaps(start, end)) {
        kept.push(l);
        continue;
      }
      if (l.start < start) kept.push(new FileLock(kind, owner, l.type, l.start, start - 1, pid));
      if (l.end > end) kept.push(new FileLock(kind, owner, l.type, end + 1, l.end, pid));
    }
    if (type !== F_UNLCK) kept.push(new FileLock(kind, owner, type, from, to, pid));
    kept.sort((a, b) => a.start - b.start);
    this.records = kept;
    this.changed.wake();
  }

  /** Drops all POSIX records of an fd table: what any close of the file by that process does. */
  removePosix(owner: LockOwner): void {
    this.removeOwner(owner);
  }

  /** Drops everything of `owner`, which is an fd table or a description that is released. */
  removeOwner(owner: LockOwner): void {
    const before = this.records.length + this.flocks.length + this.leases.length;
    this.records = this.records.filter((l) => l.owner !== owner);
    this.flocks = this.flocks.filter((l) => l.owner !== owner);
    this.leases = this.leases.filter((l) => l.file !== owner);
    if (before !== this.records.length + this.flocks.length + this.leases.length) this.changed.wake();
  }

  /** The first flock that conflicts, or null. */
  flockConflict(owner: LockOwner, type: number): FileLock | null {
    for (const l of this.flocks) if (l.owner !== owner && (type === F_WRLCK || l.type === F_WRLCK)) return l;
    return null;
  }
  /** Takes, converts or drops the flock of `owner`. */
  setFlock(owner: LockOwner, type: number, pid: number): void {
    this.flocks = this.flocks.filter((l) => l.owner !== owner);
    if (type !== F_UNLCK) this.flocks.push(new FileLock(LOCK_FLOCK, owner, type, 0, Infinity, pid));
    this.changed.wake();
  }
}

/** True if `owner` waiting for `holder` would close a circle of POSIX lock waits: EDEADLK. */
export function wouldDeadlock(owner: LockOwner, holder: LockOwner): boolean {
  let next: LockOwner | undefined = holder;
  for (let i = 0; next !== undefined && i < 10; i++) {
    if (next === owner) return true;
    next = waitingFor.get(next);
  }
  return false;
}
/** Notes that `owner` waits for `holder`. */
export function startWaiting(owner: LockOwner, holder: LockOwner): void {
  waitingFor.set(owner, holder);
}
export function stopWaiting(owner: LockOwner): void {
  waitingFor.delete(owner);
}

