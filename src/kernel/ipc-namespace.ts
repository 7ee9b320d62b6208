/** IPC namespaces: the System V objects and POSIX message queues of a set of processes, and their limits. Linux struct ipc_namespace. */
import { CAP_IPC_OWNER, CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EACCES, EEXIST, EIDRM, EINVAL, ENOENT, ENOSPC, EPERM, type Errno, isErr } from '../abi/errno.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import { IPC_CREAT, IPC_EXCL, IPC_PRIVATE, MSGMAX, MSGMNB, MSGMNI, SEMMNI, SEMMNS, SEMMSL, SEMOPM, SHMMAX, SHMMNI } from '../abi/ipc.ts';
import { DFLT_MSG, DFLT_MSGMAX, DFLT_MSGSIZE, DFLT_MSGSIZEMAX, DFLT_QUEUESMAX } from '../abi/mqueue.ts';
import type { Credentials } from '../auth/credentials.ts';
import { Namespace } from '../auth/namespace.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { MessageQueue } from './sysv-msg.ts';
import type { SemaphoreSet } from './sysv-sem.ts';
import type { SharedSegment } from './sysv-shm.ts';

/** An id is `seq * 2^15 + index` (IPCMNI_SHIFT). */
const INDEX_BITS = 15;
const INDEX_MASK = (1 << INDEX_BITS) - 1;
/** Indices are reused only after at least this many others (ipc_min_cycle). */
const MIN_CYCLE = 64;

/** What the three kinds have in common: Linux struct kern_ipc_perm. */
export abstract class IpcObject {
  id = -1;
  readonly key: number;
  uid: KUid;
  gid: KGid;
  readonly cuid: KUid;
  readonly cgid: KGid;
  /** Permission bits, and the kind's own above them. */
  mode: number;
  seq = 0;
  deleted = false;
  constructor(key: number, mode: number, c: Credentials) {
    this.key = key;
    this.mode = mode;
    this.uid = this.cuid = c.euid;
    this.gid = this.cgid = c.egid;
  }
}

/** True if `c` may do what `flags` (permission bits in any of the three places) asks of `o`. Linux ipc/util.c ipcperms(). */
export function ipcPermitted(ns: IpcNamespace, o: IpcObject, flags: number, c: Credentials): boolean {
  const requested = (flags >> 6) | (flags >> 3) | flags;
  let granted = o.mode;
  if (c.euid === o.cuid || c.euid === o.uid) granted >>= 6;
  else if (c.egid === o.cgid || c.egid === o.gid || c.groups.includes(o.cgid) || c.groups.includes(o.gid)) granted >>= 3;
  return (requested & ~granted & 7) === 0 || c.nsCapable(ns.userNs, CAP_IPC_OWNER);
}

/** The objects of one kind in one namespace. */
export class IpcIds<T extends IpcObject> {
  readonly byIndex: Map<number, T> = new Map();
  private readonly byKey: Map<number, T> = new Map();
  private nextIndex = 0;
  private lastIndex = -1;
  private seq = 0;
  /** The id that the next object is to get (kernel.*_next_id, for restoring a checkpoint); -1 = any. */
  nextId = -1;
  /** Most objects (sysctl). */
  max: number;
  constructor(max: number) {
    this.max = max;
  }
  /** The largest index in use, or 0: what the INFO commands return. */
  get highestIndex(): number {
    let highest = 0;
    for (const i of this.byIndex.keys()) highest = Math.max(highest, i);
    return highest;
  }
  /** All objects by index. */
  inOrder(): T[] {
    return [...this.byIndex].sort((a, b) => a[0] - b[0]).map(([, o]) => o);
  }
  /** By id: EINVAL if there is no such index, EIDRM if the id is of an object that stood there before. */
  find(id: number): T | Errno {
    if (id < 0) return EINVAL;
    const o = this.byIndex.get(id & INDEX_MASK);
    if (o === undefined) return EINVAL;
    return o.id === id ? o : EIDRM;
  }
  /** By index, for the *_STAT commands. */
  at(index: number): T | Errno {
    return index < 0 ? EINVAL : (this.byIndex.get(index & INDEX_MASK) ?? EINVAL);
  }
  withKey(key: number): T | null {
    return this.byKey.get(key) ?? null;
  }
  /** Gives `o` an id, cyclically as ipc_idr_alloc(): the id, or ENOSPC. */
  add(o: T): number | Errno {
    if (this.byIndex.size >= this.max) return ENOSPC;
    if (this.nextId >= 0) return this.addAs(o);
    const limit = Math.min(Math.max((this.byIndex.size * 3) >> 1, MIN_CYCLE), INDEX_MASK + 1);
    let index = this.nextIndex >= limit ? 0 : this.nextIndex;
    while (this.byIndex.has(index)) index = index + 1 >= limit ? 0 : index + 1;
    if (index <= this.lastIndex && ++this.seq > 0xffff) this.seq = 0;
    this.lastIndex = index;
    this.nextIndex = index + 1;
    return this.place(o, this.seq, index);
  }
  /** As `add`, with the id that was asked for, or its index the first free one above. */
  private addAs(o: T): number | Errno {
    let index = this.nextId & INDEX_MASK;
    const seq = this.nextId >> INDEX_BITS;
    this.nextId = -1;
    while (this.byIndex.has(index)) index++;
    return index > INDEX_MASK ? ENOSPC : this.place(o, seq, index);
  }
  private place(o: T, seq: number, index: number): number {
    o.seq = seq;
    o.id = (seq << INDEX_BITS) | index;
    this.byIndex.set(index, o);
    if (o.key !== IPC_PRIVATE) this.byKey.set(o.key, o);
    return o.id;
  }
  remove(o: T): void {
    this.byIndex.delete(o.id & INDEX_MASK);
    this.forgetKey(o);
    o.deleted = true;
  }
  /** A segment that waits for its last detach can no longer be found by key. */
  forgetKey(o: T): void {
    if (this.byKey.get(o.key) === o) this.byKey.delete(o.key);
  }
  /**
   * semget, shmget and msgget: the id for `key`. `fits` checks an object that is there (0 or an errno), `make` builds a new one.
   * ENOENT, EEXIST, EACCES, ENOSPC, or what they return. Linux ipc/util.c ipcget().
   */
  get(ns: IpcNamespace, key: number, flags: number, c: Credentials, fits: (o: T) => 0 | Errno, make: () => T | Errno): number | Errno {
    const found = key === IPC_PRIVATE ? null : this.withKey(key);
    if (found === null) {
      if (key !== IPC_PRIVATE && !(flags & IPC_CREAT)) return ENOENT;
      const made = make();
      return isErr(made) ? made : this.add(made);
    }
    if (flags & IPC_CREAT && flags & IPC_EXCL) return EEXIST;
    const bad = fits(found);
    if (bad !== 0) return bad;
    return ipcPermitted(ns, found, flags, c) ? found.id : EACCES;
  }
}

/** Owner, creator or CAP_SYS_ADMIN: who may IPC_SET and IPC_RMID. 0 or EPERM. */
export function mayControl(ns: IpcNamespace, o: IpcObject, c: Credentials): 0 | Errno {
  return c.euid === o.cuid || c.euid === o.uid || c.nsCapable(ns.userNs, CAP_SYS_ADMIN) ? 0 : EPERM;
}

/** The mqueue file system of a namespace, as the namespace sees it. */
export interface MqueueInstance {
  endNamespace(): void;
}

/** POSIX message queues of one namespace: their file system, and /proc/sys/fs/mqueue. */
export class MqueueLimits {
  /** Made when it is first used. */
  instance: MqueueInstance | null = null;
  queues = 0;
  queuesMax: number = DFLT_QUEUESMAX;
  msgMax: number = DFLT_MSGMAX;
  msgDefault: number = DFLT_MSG;
  msgsizeMax: number = DFLT_MSGSIZEMAX;
  msgsizeDefault: number = DFLT_MSGSIZE;
}

export class IpcNamespace extends Namespace {
  readonly kind = 'ipc';
  readonly sem: IpcIds<SemaphoreSet> = new IpcIds(SEMMNI);
  readonly shm: IpcIds<SharedSegment> = new IpcIds(SHMMNI);
  readonly msg: IpcIds<MessageQueue> = new IpcIds(MSGMNI);
  // kernel.sem, kernel.shm*, kernel.msg*.
  semmsl: number = SEMMSL;
  semmns: number = SEMMNS;
  semopm: number = SEMOPM;
  usedSems = 0;
  shmmax: bigint = SHMMAX;
  shmall: bigint = SHMMAX;
  /** Pages of all segments. */
  shmTotal = 0;
  shmRmidForced = false;
  msgmax: number = MSGMAX;
  msgmnb: number = MSGMNB;
  readonly mqueue: MqueueLimits = new MqueueLimits();
  /** Who made it: the directory of its message queues is theirs. */
  readonly makerUid: KUid;
  readonly makerGid: KGid;
  constructor(userNs: UserNamespace, inum: number, makerUid: KUid, makerGid: KGid) {
    super(userNs, inum);
    this.makerUid = makerUid;
    this.makerGid = makerGid;
  }
  /** Everything in it goes with it. */
  protected override end(): void {
    for (const s of [...this.sem.byIndex.values()]) s.destroy();
    for (const q of [...this.msg.byIndex.values()]) q.destroy();
    for (const s of [...this.shm.byIndex.values()]) s.markForRemoval();
    this.mqueue.instance?.endNamespace();
  }
}
