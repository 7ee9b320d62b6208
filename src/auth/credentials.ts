/** Credentials of a task: Linux struct cred. Shared and never changed once a task uses them; a change makes a copy (`prepare`). */
import { type KGid, type KUid, ROOT_KGID, ROOT_KUID } from '../abi/ids.ts';
import { CapSet } from './cap-set.ts';
import type { Key } from './keys/key.ts';
import type { LandlockDomain } from './landlock-domain.ts';
import type { UserCounts } from './user-counts.ts';
import type { UserNamespace } from './user-namespace.ts';

export class Credentials {
  uid: KUid = ROOT_KUID;
  gid: KGid = ROOT_KGID;
  suid: KUid = ROOT_KUID;
  sgid: KGid = ROOT_KGID;
  euid: KUid = ROOT_KUID;
  egid: KGid = ROOT_KGID;
  fsuid: KUid = ROOT_KUID;
  fsgid: KGid = ROOT_KGID;
  /** Supplementary groups, ascending. */
  groups: readonly KGid[] = [];
  securebits = 0;
  capInheritable: CapSet = CapSet.EMPTY;
  capPermitted: CapSet = CapSet.FULL;
  capEffective: CapSet = CapSet.FULL;
  capBounding: CapSet = CapSet.FULL;
  capAmbient: CapSet = CapSet.EMPTY;
  userNs: UserNamespace;
  threadKeyring: Key | null = null;
  processKeyring: Key | null = null;
  sessionKeyring: Key | null = null;
  /** The authority to make one key, assumed by the program that request_key(2) started. */
  requestKeyAuth: Key | null = null;
  /** KEY_REQKEY_DEFL_: where request_key(2) puts new keys. */
  requestKeyDefault = 0;
  /** What Landlock denies; null = nothing. */
  domain: LandlockDomain | null = null;
  constructor(userNs: UserNamespace) {
    this.userNs = userNs;
  }

  /** A copy to change and then install (Linux prepare_creds). */
  prepare(): Credentials {
    const c = new Credentials(this.userNs);
    c.uid = this.uid;
    c.gid = this.gid;
    c.suid = this.suid;
    c.sgid = this.sgid;
    c.euid = this.euid;
    c.egid = this.egid;
    c.fsuid = this.fsuid;
    c.fsgid = this.fsgid;
    c.groups = this.groups;
    c.securebits = this.securebits;
    c.capInheritable = this.capInheritable;
    c.capPermitted = this.capPermitted;
    c.capEffective = this.capEffective;
    c.capBounding = this.capBounding;
    c.capAmbient = this.capAmbient;
    c.threadKeyring = this.threadKeyring;
    c.processKeyring = this.processKeyring;
    c.sessionKeyring = this.sessionKeyring;
    c.requestKeyAuth = this.requestKeyAuth;
    c.requestKeyDefault = this.requestKeyDefault;
    c.domain = this.domain;
    return c;
  }
  /** Any keyring of its own: letting go of it may end keys. */
  get holdsKeys(): boolean {
    return this.sessionKeyring !== null || this.processKeyring !== null || this.threadKeyring !== null || this.requestKeyAuth !== null;
  }

  /** What the real user uses in the user namespace (Linux cred->ucounts). */
  get counts(): UserCounts {
    return this.userNs.countsOf(this.uid);
  }

  /** True if `gid` is the file-system gid or a supplementary group (Linux in_group_p). */
  inGroup(gid: number): boolean {
    return gid === this.fsgid || this.groups.includes(gid as KGid);
  }
  /** The same against the effective gid (in_egroup_p). */
  inEffectiveGroup(gid: KGid): boolean {
    return gid === this.egid || this.groups.includes(gid);
  }

  /** True if these credentials hold `cap` towards `ns` (Linux security/commoncap.c cap_capable()). */
  nsCapable(ns: UserNamespace, cap: number): boolean {
    let target = ns;
    for (;;) {
      if (target === this.userNs) return this.capEffective.has(cap);
      // Beyond the own level, or at the top: no way up.
      if (target.level <= this.userNs.level || target.parent === null) return false;
      // The owner of a namespace has all capabilities in it, seen from its parent.
      if (target.parent === this.userNs && target.owner === this.euid) return true;
      target = target.parent;
    }
  }
  /** True if these credentials hold `cap` towards the initial user namespace (Linux capable()). */
  capableInInit(cap: number): boolean {
    return this.userNs.parent === null && this.capEffective.has(cap);
  }
  /** True if the effective set holds `cap`, in the own user namespace (Linux ns_capable(current_user_ns(), cap)). */
  capable(cap: number): boolean {
    return this.capEffective.has(cap);
  }
  /** Linux capable_wrt_inode_uidgid: `cap`, and both ids are mapped in the own user namespace. */
  capableOverIds(cap: number, uid: number, gid: number): boolean {
    return this.capEffective.has(cap) && this.userNs.fromKuid(uid as KUid) !== -1 && this.userNs.fromKgid(gid as KGid) !== -1;
  }
}
