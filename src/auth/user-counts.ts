/** What each user has made in a user namespace, against its limits: Linux struct ucounts, /proc/sys/user/max_*. */
import type { KUid } from '../abi/ids.ts';
import type { UserNamespace } from './user-namespace.ts';

/** Kinds that are counted, as indices. */
export const COUNT_USER_NS = 0, COUNT_PID_NS = 1, COUNT_UTS_NS = 2, COUNT_IPC_NS = 3, COUNT_NET_NS = 4, COUNT_MNT_NS = 5, COUNT_CGROUP_NS = 6, COUNT_TIME_NS = 7;
export const COUNT_INOTIFY_INSTANCES = 8, COUNT_INOTIFY_WATCHES = 9;
export const COUNT_KINDS = 10;
/** What is counted against RLIMIT_NPROC, MSGQUEUE, SIGPENDING and MEMLOCK, as indices (Linux enum rlimit_type). */
export const USED_PROCESSES = 0, USED_MSGQUEUE = 1, USED_SIGPENDING = 2, USED_MEMLOCK = 3;
export const USED_KINDS = 4;
/** Largest value of a limit. */
export const COUNT_MAX = 0x7fffffff;

/** The counts of one user in one namespace. */
export class UserCounts {
  readonly ns: UserNamespace;
  readonly uid: KUid;
  readonly counts: Int32Array = new Int32Array(COUNT_KINDS);
  /** By USED_* kind. Bytes where the limit is in bytes. */
  readonly used: number[] = new Array<number>(USED_KINDS).fill(0);
  constructor(ns: UserNamespace, uid: KUid) {
    this.ns = ns;
    this.uid = uid;
  }
  /** Counts one more of `kind` here and for the owners of all namespaces above. False, with nothing counted, when a limit is reached. */
  charge(kind: number): boolean {
    let at: UserCounts | null = this;
    for (; at !== null; at = at.ns.ucounts) {
      if (at.counts[kind]! >= at.ns.limits[kind]!) break; // kind is one of the above
      at.counts[kind]!++;
    }
    if (at === null) return true;
    for (let undo: UserCounts | null = this; undo !== null && undo !== at; undo = undo.ns.ucounts) undo.counts[kind]!--;
    return false;
  }
  uncharge(kind: number): void {
    for (let at: UserCounts | null = this; at !== null; at = at.ns.ucounts) at.counts[kind]!--;
  }

  /**
   * Adds `n` to what is used of `kind`, here and for the makers of all namespaces above. False if that is more than the maker of one of them may use; it
   * is counted all the same (Linux inc_rlimit_ucounts): `sub` takes it back.
   */
  add(kind: number, n: number): boolean {
    let fits = true;
    let max = Infinity;
    for (let at: UserCounts | null = this; at !== null; at = at.ns.ucounts) {
      const now = at.used[kind]! + n; // kind is one of the above
      at.used[kind] = now;
      if (now > max) fits = false;
      max = at.ns.usedMax[kind]!; // as above
    }
    return fits;
  }
  sub(kind: number, n: number): void {
    for (let at: UserCounts | null = this; at !== null; at = at.ns.ucounts) at.used[kind]! -= n;
  }
  /** True if more than `limit` is used here, or more above than the maker of a namespace may use (Linux is_rlimit_overlimit). */
  over(kind: number, limit: number): boolean {
    let max = limit;
    for (let at: UserCounts | null = this; at !== null; at = at.ns.ucounts) {
      if (at.used[kind]! > max) return true;
      max = at.ns.usedMax[kind]!; // as above
    }
    return false;
  }
}
