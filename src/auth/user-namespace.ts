/** User namespaces: an owner, a parent, and the id maps. Linux struct user_namespace. */
import { type Gid, type KGid, type KUid, OVERFLOW_GID, OVERFLOW_UID, ROOT_KGID, ROOT_KUID, type Uid } from '../abi/ids.ts';
import { EMPTY_MAP, IDENTITY_MAP, type IdMap } from './id-map.ts';
import type { Key } from './keys/key.ts';
import { NamespaceRegistry } from './namespace-registry.ts';
import { COUNT_INOTIFY_INSTANCES, COUNT_INOTIFY_WATCHES, COUNT_KINDS, COUNT_MAX, COUNT_USER_NS, USED_KINDS, UserCounts } from './user-counts.ts';

/** Depth below the initial namespace. */
export const MAX_USER_NS_LEVEL = 32;
/** Namespaces of each kind that a user may make in the initial namespace; Linux takes half of threads-max. */
const INITIAL_NAMESPACES = 96365;

export class UserNamespace {
  readonly parent: UserNamespace | null;
  /** Depth below the initial namespace (0). Linux allows 32 below it. */
  readonly level: number;
  /** Effective ids of the creator: has every capability in here from the parent. */
  readonly owner: KUid;
  readonly group: KGid;
  uidMap: IdMap = EMPTY_MAP;
  gidMap: IdMap = EMPTY_MAP;
  projidMap: IdMap = EMPTY_MAP;
  /** /proc/PID/setgroups says "allow". */
  setgroupsAllowed: boolean;
  /** The creator had CAP_SETFCAP: may map the parent's root. */
  parentCouldSetfcap = false;
  /** Inode number of /proc/PID/ns/user. */
  readonly inum: number;
  /** All namespaces of this kernel; and this one's number in it. */
  readonly registry: NamespaceRegistry;
  readonly id: number;
  /** The counts that this namespace is charged to, in its parent. */
  readonly ucounts: UserCounts | null;
  /** /proc/sys/user/max_*, by COUNT_* kind. */
  readonly limits: Int32Array = new Int32Array(COUNT_KINDS).fill(COUNT_MAX);
  /** What its members may use together of USED_* kinds, by the resource limits of its maker; no bound in the initial namespace. */
  readonly usedMax: number[] = new Array<number>(USED_KINDS).fill(Infinity);
  /** Keyrings that hold the users' keyrings, and the persistent ones: made when first asked for. */
  userKeyrings: Key | null = null;
  persistentKeyrings: Key | null = null;
  private readonly counts: Map<number, UserCounts> = new Map();
  /** Tasks whose credentials are of it, namespaces it owns, child namespaces, open files. */
  users = 1;
  constructor(parent: UserNamespace | null, owner: KUid, group: KGid, inum = 0xeffffffd, ucounts: UserCounts | null = null) {
    this.parent = parent;
    this.level = parent ? parent.level + 1 : 0;
    this.owner = owner;
    this.inum = inum;
    this.registry = parent?.registry ?? new NamespaceRegistry();
    this.id = this.registry.add(this);
    if (parent === null) this.registry.initialUserNs = this;
    this.ucounts = ucounts;
    this.group = group;
    this.setgroupsAllowed = parent ? parent.setgroupsAllowed : true;
  }
  /** The initial user namespace: owned by root, everything mapped to itself. */
  static initial(): UserNamespace {
    const ns = new UserNamespace(null, ROOT_KUID, ROOT_KGID);
    ns.uidMap = ns.gidMap = ns.projidMap = IDENTITY_MAP;
    ns.limits.fill(INITIAL_NAMESPACES);
    ns.limits[COUNT_INOTIFY_INSTANCES] = 128;
    ns.limits[COUNT_INOTIFY_WATCHES] = 65536;
    return ns;
  }
  /** The counts of user `uid` in this namespace. */
  countsOf(uid: KUid): UserCounts {
    let c = this.counts.get(uid);
    if (c === undefined) this.counts.set(uid, (c = new UserCounts(this, uid)));
    return c;
  }
  /** Everybody's counts. */
  allCounts(): IterableIterator<UserCounts> {
    return this.counts.values();
  }
  get(): void {
    this.users++;
  }
  /** The last holder gives the charge back and lets go of the parent. */
  put(): void {
    if (--this.users > 0) return;
    this.registry.remove(this.id);
    this.ucounts?.uncharge(COUNT_USER_NS);
    this.parent?.put();
  }
  /** Global id of `uid` in here; -1 if it is not mapped (callers give EINVAL). */
  makeKuid(uid: number): KUid {
    return (this.uidMap === IDENTITY_MAP ? (uid === 0xffffffff ? -1 : uid) : this.uidMap.down(uid)) as KUid;
  }
  makeKgid(gid: number): KGid {
    return (this.gidMap === IDENTITY_MAP ? (gid === 0xffffffff ? -1 : gid) : this.gidMap.down(gid)) as KGid;
  }
  /** Id in here of `kuid`; -1 if it is not mapped. */
  fromKuid(kuid: KUid): Uid {
    return (this.uidMap === IDENTITY_MAP ? kuid : this.uidMap.up(kuid)) as Uid;
  }
  fromKgid(kgid: KGid): Gid {
    return (this.gidMap === IDENTITY_MAP ? kgid : this.gidMap.up(kgid)) as Gid;
  }
  /** As `fromKuid`, with the overflow id (65534) for what is not mapped: for stat, getuid and the like. */
  fromKuidMunged(kuid: KUid): Uid {
    const uid = this.fromKuid(kuid);
    return uid === -1 ? OVERFLOW_UID : uid;
  }
  fromKgidMunged(kgid: KGid): Gid {
    const gid = this.fromKgid(kgid);
    return gid === -1 ? OVERFLOW_GID : gid;
  }
  /** True if `this` is `other` or one of its ancestors. */
  contains(other: UserNamespace): boolean {
    let ns: UserNamespace | null = other;
    while (ns !== null && ns.level > this.level) ns = ns.parent;
    return ns === this;
  }
}
