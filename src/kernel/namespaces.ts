/** Making namespaces: Linux kernel/nsproxy.c create_new_namespaces(), kernel/user_namespace.c create_user_ns(). */
import { CAP_SETFCAP, CAP_SYS_ADMIN } from '../abi/capability.ts';
import {
  CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUTS, CLONE_SYSVSEM, CLONE_VM,
} from '../abi/clone.ts';
import { EINVAL, ENOMEM, ENOSPC, EPERM, type Errno, isErr } from '../abi/errno.ts';
import { ROOT_KUID } from '../abi/ids.ts';
import { RLIMIT_MEMLOCK, RLIMIT_MSGQUEUE, RLIMIT_NPROC, RLIMIT_SIGPENDING } from '../abi/resource.ts';
import { CapSet } from '../auth/cap-set.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { Namespace } from '../auth/namespace.ts';
import {
  COUNT_CGROUP_NS, COUNT_IPC_NS, COUNT_MNT_NS, COUNT_NET_NS, COUNT_PID_NS, COUNT_TIME_NS, COUNT_USER_NS, COUNT_UTS_NS, type UserCounts, USED_MEMLOCK,
  USED_MSGQUEUE, USED_PROCESSES, USED_SIGPENDING,
} from '../auth/user-counts.ts';
import { MAX_USER_NS_LEVEL, UserNamespace } from '../auth/user-namespace.ts';
import { NetworkNamespace } from '../net/network-namespace.ts';
import type { FsContext } from '../vfs/fs-context.ts';
import { failNow } from './fault-injection.ts';
import { IpcNamespace } from './ipc-namespace.ts';
import { CgroupNamespace, type NamespaceSet, NsProxy } from './nsproxy.ts';
import { MAX_PID_NS_LEVEL, PidNamespace } from './pid-namespace.ts';
import type { Task } from './task.ts';
import { TimeNamespace } from './time-namespace.ts';
import { UtsNamespace } from './uts-namespace.ts';

/** The flags that make a new NsProxy (CLONE_NEWUSER does not). */
export const NSPROXY_FLAGS: number = CLONE_NEWNS | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWCGROUP | CLONE_NEWTIME;

/** True if the root of `fs` is not that of the task's mount namespace (current_chrooted). */
function isChrooted(t: Task, fs: FsContext): boolean {
  return !fs.root.equals(t.nsproxy.mnt.rootPath());
}

/** Gives `c` all capabilities in `ns`, as its first member has them (set_cred_user_ns). */
export function enterUserNamespace(c: Credentials, ns: UserNamespace): void {
  c.securebits = 0;
  c.capInheritable = CapSet.EMPTY;
  c.capPermitted = CapSet.FULL;
  c.capEffective = CapSet.FULL;
  c.capBounding = CapSet.FULL;
  c.capAmbient = CapSet.EMPTY;
  c.requestKeyAuth = null;
  c.userNs = ns;
}

/**
 * Makes a user namespace below that of `c` (a prepared copy of the task's credentials) and puts `c` into it. ENOSPC: nesting or a limit; EPERM: in a
 * chroot, or the caller's ids have no mapping.
 */
export function createUserNamespace(t: Task, c: Credentials): 0 | Errno {
  const parent = c.userNs;
  if (parent.level > MAX_USER_NS_LEVEL) return ENOSPC;
  const counts = parent.countsOf(c.euid);
  if (!counts.charge(COUNT_USER_NS)) return ENOSPC;
  if (isChrooted(t, t.fs) || parent.fromKuid(c.euid) === -1 || parent.fromKgid(c.egid) === -1) {
    counts.uncharge(COUNT_USER_NS);
    return EPERM;
  }
  if (failNow(t)) {
    counts.uncharge(COUNT_USER_NS);
    return ENOMEM;
  }
  const ns = new UserNamespace(parent, c.euid, c.egid, t.kernel.allocateInum(), counts);
  parent.get();
  // RLIMIT_NPROC does not bind root outside (Linux enforced_nproc_rlimit).
  ns.usedMax[USED_PROCESSES] = t.credentials.uid !== ROOT_KUID || parent.parent !== null ? t.limit(RLIMIT_NPROC) : Infinity;
  ns.usedMax[USED_MSGQUEUE] = t.limit(RLIMIT_MSGQUEUE);
  ns.usedMax[USED_SIGPENDING] = t.limit(RLIMIT_SIGPENDING);
  ns.usedMax[USED_MEMLOCK] = t.limit(RLIMIT_MEMLOCK);
  ns.parentCouldSetfcap = c.capEffective.has(CAP_SETFCAP);
  enterUserNamespace(c, ns);
  return 0;
}

/** What a step of copyNamespaceSet makes: charged to the caller, or ENOSPC. */
function charged<T extends Namespace>(counts: UserCounts, kind: number, make: () => T | Errno): T | Errno {
  if (!counts.charge(kind)) return ENOSPC;
  const ns = make();
  if (isErr(ns)) {
    counts.uncharge(kind);
    return ns;
  }
  ns.chargeTo(counts, kind);
  return ns;
}

/**
 * New namespaces for `flags`, owned by `c`'s user namespace; the others stay. `fs` is moved into a new mount namespace. In Linux's order, and
 * undone on an error: ENOSPC, EINVAL (a PID namespace is pending, or not within the user namespace). Linux create_new_namespaces().
 */
export function copyNamespaceSet(t: Task, flags: number, c: Credentials, fs: FsContext): NsProxy | Errno {
  if (failNow(t)) return ENOMEM;
  const old = t.nsproxy.set;
  const { kernel } = t;
  const owner = c.userNs;
  const counts = owner.countsOf(c.euid);
  const made: Namespace[] = [];
  const set: { -readonly [K in keyof NamespaceSet]: NamespaceSet[K] } = { ...old };
  const step = <T extends Namespace>(kind: number, make: () => T | Errno): T | Errno => {
    if (failNow(t)) return ENOMEM;
    const ns = charged(counts, kind, make);
    if (!isErr(ns)) made.push(ns);
    return ns;
  };
  const undo = (e: Errno): Errno => {
    for (const ns of made.reverse()) ns.put();
    return e;
  };
  const inum = (): number => kernel.allocateInum();
  const [oldRoot, oldPwd] = [fs.root, fs.pwd];
  if (flags & CLONE_NEWNS) {
    const ns = step(COUNT_MNT_NS, () => old.mnt.copy(owner, inum(), fs));
    if (isErr(ns)) return undo(ns);
    set.mnt = ns;
  }
  const fail = (e: Errno): Errno => {
    fs.setRoot(oldRoot);
    fs.setPwd(oldPwd);
    return undo(e);
  };
  if (flags & CLONE_NEWUTS) {
    const ns = step(COUNT_UTS_NS, () => new UtsNamespace(old.uts.nodename, old.uts.domainname, owner, inum()));
    if (isErr(ns)) return fail(ns);
    set.uts = ns;
  }
  if (flags & CLONE_NEWIPC) {
    const ns = step(COUNT_IPC_NS, () => new IpcNamespace(owner, inum(), t.credentials.fsuid, t.credentials.fsgid));
    if (isErr(ns)) return fail(ns);
    set.ipc = ns;
  }
  if (flags & CLONE_NEWPID) {
    if (t.pidNs !== old.pidForChildren) return fail(EINVAL);
    if (!old.pidForChildren.userNs.contains(owner)) return fail(EINVAL);
    if (old.pidForChildren.level >= MAX_PID_NS_LEVEL) return fail(ENOSPC);
    const ns = step(COUNT_PID_NS, () => new PidNamespace(old.pidForChildren, owner, inum()));
    if (isErr(ns)) return fail(ns);
    set.pidForChildren = ns;
  }
  if (flags & CLONE_NEWCGROUP) {
    const ns = step(COUNT_CGROUP_NS, () => new CgroupNamespace(owner, inum(), t.cgroup));
    if (isErr(ns)) return fail(ns);
    set.cgroup = ns;
  }
  if (flags & CLONE_NEWNET) {
    const ns = step(COUNT_NET_NS, () => new NetworkNamespace(kernel.netStack, owner, inum()));
    if (isErr(ns)) return fail(ns);
    set.net = ns;
  }
  if (flags & CLONE_NEWTIME) {
    const ns = step(COUNT_TIME_NS, () => {
      const time = new TimeNamespace(owner, inum());
      time.monotonic = old.timeForChildren.monotonic;
      time.boottime = old.timeForChildren.boottime;
      return time;
    });
    if (isErr(ns)) return fail(ns);
    set.timeForChildren = ns;
  }
  const proxy = new NsProxy(set);
  // The set holds them now.
  for (const ns of made) ns.put();
  return proxy;
}

/**
 * The namespaces of a new task with credentials `c` and file-system context `fs` (its own unless CLONE_FS). The result is held for it. EPERM, EINVAL,
 * ENOSPC. Linux copy_namespaces().
 */
export function copyNamespaces(t: Task, flags: number, c: Credentials, fs: FsContext): NsProxy | Errno {
  const pendingTime = !(flags & CLONE_VM) && t.nsproxy.time !== t.nsproxy.timeForChildren;
  if (!(flags & NSPROXY_FLAGS) && !pendingTime) return t.nsproxy.get();
  if (flags & NSPROXY_FLAGS) {
    if (!c.nsCapable(c.userNs, CAP_SYS_ADMIN)) return EPERM;
    if (flags & CLONE_NEWIPC && flags & CLONE_SYSVSEM) return EINVAL;
  }
  const copy = copyNamespaceSet(t, flags, c, fs);
  if (isErr(copy) || flags & CLONE_VM) return copy;
  return withPendingTime(copy);
}

/** A task that does not share its parent's memory enters the pending time namespace (timens_on_fork). Takes `proxy` over. */
export function withPendingTime(proxy: NsProxy): NsProxy {
  if (proxy.time === proxy.timeForChildren) return proxy;
  const entered = new NsProxy({ ...proxy.set, time: proxy.timeForChildren });
  proxy.put();
  entered.time.frozen = true;
  return entered;
}
