/** Numbers of tasks, groups and sessions, and user and group ids. Linux kernel/sys.c, kernel/groups.c. */
import { CAP_SETGID, CAP_SETUID, SECBIT_KEEP_CAPS, SECBIT_NO_SETUID_FIXUP } from '../abi/capability.ts';
import { EACCES, EFAULT, EINVAL, EPERM, ESRCH, isErr } from '../abi/errno.ts';
import { type KGid, type KUid, ROOT_KUID } from '../abi/ids.ts';
import { RLIMIT_NPROC } from '../abi/resource.ts';
import { CapSet } from '../auth/cap-set.ts';
import type { Credentials } from '../auth/credentials.ts';
import { USED_PROCESSES } from '../auth/user-counts.ts';
import { commitCredentials } from '../kernel/commit-credentials.ts';
import { ProcessGroup } from '../kernel/process-group.ts';
import { Session } from '../kernel/session.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const NGROUPS_MAX = 65536;

const sysGetpid = (t: Task): number => (t.pid.ns.level === 0 ? t.threadGroup.pid.numbers[0]! : t.threadGroup.pid.nr(t.pid.ns)); // level 0 is always there
const sysGettid = (t: Task): number => t.pid.nr(t.pid.ns);
const sysGetppid = (t: Task): number => t.realParent?.threadGroup.pid.nr(t.pid.ns) ?? 0;
const sysGetpgrp = (t: Task): number => t.threadGroup.processGroup!.pid.nr(t.pid.ns); // a living process is in a group

function findProcess(t: Task, pid: number): Task | null {
  return pid === 0 ? t : (t.pidNs.find(pid)?.task ?? null);
}

function sysGetpgid(t: Task, a: SyscallArgs): number {
  const p = findProcess(t, a.int(0));
  return p?.threadGroup.processGroup ? p.threadGroup.processGroup.pid.nr(t.pid.ns) : ESRCH;
}
function sysGetsid(t: Task, a: SyscallArgs): number {
  const p = findProcess(t, a.int(0));
  return p?.threadGroup.processGroup ? p.threadGroup.session.pid.nr(t.pid.ns) : ESRCH;
}

/** setpgid(pid, pgid): Linux's order of checks. */
function sysSetpgid(t: Task, a: SyscallArgs): number {
  const own = t.threadGroup.leader;
  const pid = a.int(0) || own.tidIn(t);
  const pgid = a.int(1) || pid;
  if (pgid < 0) return EINVAL;
  const p = t.pidNs.find(pid)?.task ?? null;
  if (p === null) return ESRCH;
  if (!p.isLeader) return EINVAL;
  const tg = p.threadGroup;
  if (p.realParent !== null && p.realParent.threadGroup === t.threadGroup) {
    if (tg.session !== t.threadGroup.session) return EPERM;
    if (tg.didExec) return EACCES;
  } else if (p !== own) return ESRCH;
  if (tg.session.leader === tg) return EPERM;
  let group: ProcessGroup | null;
  if (pgid !== pid) {
    group = t.pidNs.find(pgid)?.processGroup ?? null;
    if (group === null || group.session !== t.threadGroup.session) return EPERM;
  } else group = p.pid.processGroup;
  const old = tg.processGroup;
  if (group !== null && group === old) return 0;
  const session = tg.session;
  const to = group ?? new ProcessGroup(p.pid, session);
  // Into the new one first: leaving may dissolve the old group.
  old?.remove(tg);
  to.add(tg);
  return 0;
}

function sysSetsid(t: Task): number {
  const tg = t.threadGroup;
  if (tg.pid.session !== null || tg.pid.processGroup !== null) return EPERM;
  const old = tg.processGroup;
  const session = new Session(tg.pid, tg, t.kernel.cgroups.fairness.autogroups);
  const group = new ProcessGroup(tg.pid, session);
  old?.remove(tg);
  group.add(tg);
  tg.tty = null;
  tg.ttyOldGroup = null;
  return tg.pid.nr(t.pid.ns);
}

const uidOut = (t: Task, uid: KUid): number => t.credentials.userNs.fromKuidMunged(uid);
const gidOut = (t: Task, gid: KGid): number => t.credentials.userNs.fromKgidMunged(gid);

/** Capabilities follow the uids (Linux cap_emulate_setxuid). */
function fixupCapabilities(c: Credentials, old: Credentials): void {
  if (c.securebits & SECBIT_NO_SETUID_FIXUP) return;
  const root = c.userNs.makeKuid(0);
  const wasRoot = old.uid === root || old.euid === root || old.suid === root;
  const isRoot = c.uid === root || c.euid === root || c.suid === root;
  if (wasRoot && !isRoot) {
    if (!(c.securebits & SECBIT_KEEP_CAPS)) {
      c.capPermitted = CapSet.EMPTY;
      c.capEffective = CapSet.EMPTY;
    }
    c.capAmbient = CapSet.EMPTY;
  }
  if (old.euid === root && c.euid !== root) c.capEffective = CapSet.EMPTY;
  if (old.euid !== root && c.euid === root) c.capEffective = c.capPermitted;
}

/** CAP_CHOWN, DAC_OVERRIDE, DAC_READ_SEARCH, FOWNER, FSETID, LINUX_IMMUTABLE, MKNOD, MAC_OVERRIDE: what setfsuid moves. */
const FS_CAPS: CapSet = CapSet.of((1 << 0) | (1 << 1) | (1 << 2) | (1 << 3) | (1 << 4) | (1 << 9) | (1 << 27), 1);

function commitUids(t: Task, c: Credentials): number {
  const old = t.credentials;
  // A process too many is refused at the next execve: programs do not look at what setuid returns (Linux flag_nproc_exceeded).
  if (c.uid !== old.uid) t.overProcessLimit = c.uid !== ROOT_KUID && c.counts.over(USED_PROCESSES, t.limit(RLIMIT_NPROC));
  fixupCapabilities(c, old);
  commitCredentials(t, c);
  return 0;
}

function sysSetuid(t: Task, a: SyscallArgs): number {
  const old = t.credentials;
  const uid = old.userNs.makeKuid(a.u32(0));
  if (uid === -1) return EINVAL;
  const c = old.prepare();
  if (old.nsCapable(old.userNs, CAP_SETUID)) c.uid = c.suid = uid;
  else if (uid !== old.uid && uid !== old.suid) return EPERM;
  c.fsuid = c.euid = uid;
  return commitUids(t, c);
}

function sysSetreuid(t: Task, a: SyscallArgs): number {
  const old = t.credentials;
  const ruid = a.u32(0);
  const euid = a.u32(1);
  const kr = old.userNs.makeKuid(ruid);
  const ke = old.userNs.makeKuid(euid);
  const none = 0xffffffff;
  if (ruid !== none && kr === -1) return EINVAL;
  if (euid !== none && ke === -1) return EINVAL;
  const able = old.nsCapable(old.userNs, CAP_SETUID);
  const c = old.prepare();
  if (ruid !== none) {
    c.uid = kr;
    if (old.uid !== kr && old.euid !== kr && !able) return EPERM;
  }
  if (euid !== none) {
    c.euid = ke;
    if (old.uid !== ke && old.euid !== ke && old.suid !== ke && !able) return EPERM;
  }
  if (ruid !== none || (euid !== none && ke !== old.uid)) c.suid = c.euid;
  c.fsuid = c.euid;
  return commitUids(t, c);
}

function sysSetresuid(t: Task, a: SyscallArgs): number {
  const old = t.credentials;
  const none = 0xffffffff;
  const want = [a.u32(0), a.u32(1), a.u32(2)];
  const k = want.map((u) => old.userNs.makeKuid(u));
  for (let i = 0; i < 3; i++) if (want[i] !== none && k[i] === -1) return EINVAL;
  const [kr, ke, ks] = k as [KUid, KUid, KUid];
  const [r, e, s] = want as [number, number, number];
  if ((r === none || kr === old.uid) && (e === none || (ke === old.euid && ke === old.fsuid)) && (s === none || ks === old.suid)) return 0;
  const known = (u: KUid): boolean => u === old.uid || u === old.euid || u === old.suid;
  if (!old.nsCapable(old.userNs, CAP_SETUID) && ((r !== none && !known(kr)) || (e !== none && !known(ke)) || (s !== none && !known(ks)))) return EPERM;
  const c = old.prepare();
  if (r !== none) c.uid = kr;
  if (e !== none) c.euid = ke;
  if (s !== none) c.suid = ks;
  c.fsuid = c.euid;
  return commitUids(t, c);
}

function sysSetfsuid(t: Task, a: SyscallArgs): number {
  const old = t.credentials;
  const before = uidOut(t, old.fsuid);
  const uid = old.userNs.makeKuid(a.u32(0));
  if (uid === -1) return before;
  if (uid !== old.uid && uid !== old.euid && uid !== old.suid && uid !== old.fsuid && !old.nsCapable(old.userNs, CAP_SETUID)) return before;
  if (uid === old.fsuid) return before;
  const c = old.prepare();
  c.fsuid = uid;
  if (!(c.securebits & SECBIT_NO_SETUID_FIXUP)) {
    const root = c.userNs.makeKuid(0);
    if (old.fsuid === root && uid !== root) c.capEffective = c.capEffective.minus(FS_CAPS);
    if (old.fsuid !== root && uid === root) c.capEffective = c.capEffective.or(FS_CAPS.and(c.capPermitted));
  }
  commitCredentials(t, c);
  return before;
}

function sysSetgid(t: Task, a: SyscallArgs): number {
  const old = t.credentials;
  const gid = old.userNs.makeKgid(a.u32(0));
  if (gid === -1) return EINVAL;
  const c = old.prepare();
  if (old.nsCapable(old.userNs, CAP_SETGID)) c.gid = c.egid = c.sgid = c.fsgid = gid;
  else if (gid === old.gid || gid === old.sgid) c.egid = c.fsgid = gid;
  else return EPERM;
  commitCredentials(t, c);
  return 0;
}

function sysSetregid(t: Task, a: SyscallArgs): number {
  const old = t.credentials;
  const none = 0xffffffff;
  const rgid = a.u32(0);
  const egid = a.u32(1);
  const kr = old.userNs.makeKgid(rgid);
  const ke = old.userNs.makeKgid(egid);
  if (rgid !== none && kr === -1) return EINVAL;
  if (egid !== none && ke === -1) return EINVAL;
  const able = old.nsCapable(old.userNs, CAP_SETGID);
  const c = old.prepare();
  if (rgid !== none) {
    if (old.gid !== kr && old.egid !== kr && !able) return EPERM;
    c.gid = kr;
  }
  if (egid !== none) {
    if (old.gid !== ke && old.egid !== ke && old.sgid !== ke && !able) return EPERM;
    c.egid = ke;
  }
  if (rgid !== none || (egid !== none && ke !== old.gid)) c.sgid = c.egid;
  c.fsgid = c.egid;
  commitCredentials(t, c);
  return 0;
}

function sysSetresgid(t: Task, a: SyscallArgs): number {
  const old = t.credentials;
  const none = 0xffffffff;
  const want = [a.u32(0), a.u32(1), a.u32(2)];
  const k = want.map((u) => old.userNs.makeKgid(u));
  for (let i = 0; i < 3; i++) if (want[i] !== none && k[i] === -1) return EINVAL;
  const [kr, ke, ks] = k as [KGid, KGid, KGid];
  const [r, e, s] = want as [number, number, number];
  const known = (g: KGid): boolean => g === old.gid || g === old.egid || g === old.sgid;
  if (!old.nsCapable(old.userNs, CAP_SETGID) && ((r !== none && !known(kr)) || (e !== none && !known(ke)) || (s !== none && !known(ks)))) return EPERM;
  const c = old.prepare();
  if (r !== none) c.gid = kr;
  if (e !== none) c.egid = ke;
  if (s !== none) c.sgid = ks;
  c.fsgid = c.egid;
  commitCredentials(t, c);
  return 0;
}

function sysSetfsgid(t: Task, a: SyscallArgs): number {
  const old = t.credentials;
  const before = gidOut(t, old.fsgid);
  const gid = old.userNs.makeKgid(a.u32(0));
  if (gid === -1) return before;
  if (gid !== old.gid && gid !== old.egid && gid !== old.sgid && gid !== old.fsgid && !old.nsCapable(old.userNs, CAP_SETGID)) return before;
  const c = old.prepare();
  c.fsgid = gid;
  commitCredentials(t, c);
  return before;
}

function writeThree(t: Task, a: SyscallArgs, r: number, e: number, s: number): number {
  const m = t.space;
  if (isErr(m.writeU32(a.addr(0), r)) || isErr(m.writeU32(a.addr(1), e)) || isErr(m.writeU32(a.addr(2), s))) return EFAULT;
  return 0;
}

function sysGetgroups(t: Task, a: SyscallArgs): number {
  const size = a.int(0);
  if (size < 0) return EINVAL;
  const groups = t.credentials.groups;
  if (size === 0) return groups.length;
  if (groups.length > size) return EINVAL;
  const addr = a.addr(1);
  for (let i = 0; i < groups.length; i++) if (isErr(t.space.writeU32(addr + i * 4, gidOut(t, groups[i]!)))) return EFAULT; // in range
  return groups.length;
}

function sysSetgroups(t: Task, a: SyscallArgs): number {
  const old = t.credentials;
  // Denied in a user namespace until its gid map is written, or for good (/proc/PID/setgroups).
  if (!old.nsCapable(old.userNs, CAP_SETGID) || !old.userNs.setgroupsAllowed || old.userNs.gidMap.extents.length === 0) return EPERM;
  const size = a.int(0) >>> 0;
  if (size > NGROUPS_MAX) return EINVAL;
  const addr = a.addr(1);
  const groups: KGid[] = [];
  for (let i = 0; i < size; i++) {
    const g = t.space.readU32(addr + i * 4);
    if (isErr(g)) return EFAULT;
    const k = old.userNs.makeKgid(g);
    if (k === -1) return EINVAL;
    groups.push(k);
  }
  groups.sort((x, y) => x - y);
  const c = old.prepare();
  c.groups = groups;
  commitCredentials(t, c);
  return 0;
}

export const identityRows: readonly SyscallRow[] = [
  [39, 'getpid', '=pid', 'full', sysGetpid],
  [186, 'gettid', '=pid', 'full', sysGettid],
  [110, 'getppid', '=pid', 'full', sysGetppid],
  [111, 'getpgrp', '=pid', 'full', sysGetpgrp],
  [121, 'getpgid', 'pid=pid', 'full', sysGetpgid],
  [124, 'getsid', 'pid=pid', 'full', sysGetsid],
  [109, 'setpgid', 'pid,pid', 'full', sysSetpgid],
  [112, 'setsid', '=pid', 'full', sysSetsid],
  [102, 'getuid', '=uid', 'full', (t) => uidOut(t, t.credentials.uid)],
  [104, 'getgid', '=gid', 'full', (t) => gidOut(t, t.credentials.gid)],
  [107, 'geteuid', '=uid', 'full', (t) => uidOut(t, t.credentials.euid)],
  [108, 'getegid', '=gid', 'full', (t) => gidOut(t, t.credentials.egid)],
  [105, 'setuid', 'uid', 'full', sysSetuid],
  [106, 'setgid', 'gid', 'full', sysSetgid],
  [113, 'setreuid', 'uid,uid', 'full', sysSetreuid],
  [114, 'setregid', 'gid,gid', 'full', sysSetregid],
  [117, 'setresuid', 'uid,uid,uid', 'full', sysSetresuid],
  [119, 'setresgid', 'gid,gid,gid', 'full', sysSetresgid],
  [118, 'getresuid', 'out:uid,out:uid,out:uid', 'full', (t, a) => writeThree(t, a, uidOut(t, t.credentials.uid), uidOut(t, t.credentials.euid), uidOut(t, t.credentials.suid))],
  [120, 'getresgid', 'out:gid,out:gid,out:gid', 'full', (t, a) => writeThree(t, a, gidOut(t, t.credentials.gid), gidOut(t, t.credentials.egid), gidOut(t, t.credentials.sgid))],
  [122, 'setfsuid', 'uid=uid', 'full', sysSetfsuid],
  [123, 'setfsgid', 'gid=gid', 'full', sysSetfsgid],
  [115, 'getgroups', 'int,out:gids', 'full', sysGetgroups],
  [116, 'setgroups', 'int,gids', 'full', sysSetgroups],
];

