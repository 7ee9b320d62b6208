/** What each user has made in a user namespace, against its limits: Linux struct ucounts, /proc/sys/user/max_*. */
import type { KUid } from '../abi/ids.ts';
import type { UserNamespace } from './user-namespace.ts';

/** Kinds that are counted, as indices. */
export const COUNT_USER_NS = 0, COUNT_PID_NS = 1, COUNT_UTS_NS = 2, COUNT_IPC_NS = 3, COUNT_NET_NS = 4, COUNT_MNT_NS = 5, COUNT_CGROUP_NS = 6, COUNT_TIME_NS = 7;
export const COUNT_INOTIFY_INSTANCES = 8, COUNT_INOTIFY_WATCHES = 9;
export const COUNT_KINDS = 10;
/** Largest value of a limit. */
export const COUNT_MAX = 0x7fffffff;

/** The counts of one user in one namespace. */
export class UserCounts {
  readonly ns: UserNamespace;
  readonly uid: KUid;
  readonly counts: Int32Array = new Int32Array(COUNT_KINDS);
  /** Bytes of POSIX message queues (RLIMIT_MSGQUEUE), of this user's namespaces too. */
  private queueBytes = 0;
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
  /**
   * Counts `bytes` of a message queue here and for the owners of all namespaces above. False, with nothing counted, beyond `limit` (the caller's
   * RLIMIT_MSGQUEUE) or beyond what a namespace's maker was allowed. Linux inc_rlimit_ucounts().
   */
  chargeQueueBytes(bytes: number, limit: number): boolean {
    let most = limit;
    let fits = true;
    for (let at: UserCounts | null = this; at !== null; at = at.ns.ucounts) {
      at.queueBytes += bytes;
      if (at.queueBytes > most) fits = false;
      most = at.ns.queueBytesMax;
    }
    if (!fits) this.unchargeQueueBytes(bytes);
    return fits;
  }
  unchargeQueueBytes(bytes: number): void {
    for (let at: UserCounts | null = this; at !== null; at = at.ns.ucounts) at.queueBytes -= bytes;
  }
  uncharge(kind: number): void {
    for (let at: UserCounts | null = this; at !== null; at = at.ns.ucounts) at.counts[kind]!--;
  }
}
