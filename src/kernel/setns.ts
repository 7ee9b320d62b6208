/** setns(2): Linux kernel/nsproxy.c, and the install operation of each kind of namespace. */
import { CAP_SYS_ADMIN, CAP_SYS_CHROOT } from '../abi/capability.ts';
import { CLONE_NEWCGROUP, CLONE_NEWIPC, CLONE_NEWNET, CLONE_NEWNS, CLONE_NEWPID, CLONE_NEWTIME, CLONE_NEWUSER, CLONE_NEWUTS } from '../abi/clone.ts';
import { EINVAL, ENOMEM, EPERM, ESRCH, EUSERS, type Errno, isErr } from '../abi/errno.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { Namespace } from '../auth/namespace.ts';
import { UserNamespace } from '../auth/user-namespace.ts';
import { NetworkNamespace } from '../net/network-namespace.ts';
import { MountNamespace } from '../vfs/mount-namespace.ts';
import type { Path } from '../vfs/mount.ts';
import { commitCredentials } from './commit-credentials.ts';
import { failNow } from './fault-injection.ts';
import { IpcNamespace } from './ipc-namespace.ts';
import { enterUserNamespace, NSPROXY_FLAGS } from './namespaces.ts';
import { CgroupNamespace, type NamespaceSet, NsProxy } from './nsproxy.ts';
import { PidNamespace } from './pid-namespace.ts';
import { PTRACE_MODE_READ, PTRACE_MODE_REALCREDS, ptraceMayAccess } from './ptrace-access.ts';
import { exitSem } from './sysv-sem.ts';
import type { Task } from './task.ts';
import { TimeNamespace } from './time-namespace.ts';
import { isSingleThreaded, switchNamespaces } from './unshare.ts';
import { UtsNamespace } from './uts-namespace.ts';

/** Any kind. */
export type AnyNamespace = Namespace | UserNamespace;

/** What a call has prepared; nothing of it shows until all of it is allowed. Linux struct nsset. */
interface Prepared {
  /** CLONE_NEW* of the whole call. */
  readonly flags: number;
  readonly set: { -readonly [K in keyof NamespaceSet]: NamespaceSet[K] };
  credentials: Credentials;
  /** Root of the mount namespace to enter. */
  root: Path | null;
}

/** CLONE_NEW* bit of a namespace. */
export function namespaceFlag(ns: AnyNamespace): number {
  if (ns instanceof UserNamespace) return CLONE_NEWUSER;
  if (ns instanceof MountNamespace) return CLONE_NEWNS;
  if (ns instanceof UtsNamespace) return CLONE_NEWUTS;
  if (ns instanceof IpcNamespace) return CLONE_NEWIPC;
  if (ns instanceof PidNamespace) return CLONE_NEWPID;
  if (ns instanceof CgroupNamespace) return CLONE_NEWCGROUP;
  if (ns instanceof NetworkNamespace) return CLONE_NEWNET;
  return CLONE_NEWTIME;
}

/** Checks that `t` may enter `ns` and notes it in `p`. */
function install(t: Task, p: Prepared, ns: AnyNamespace): 0 | Errno {
  const mine = t.credentials;
  if (ns instanceof UserNamespace) {
    if (ns === mine.userNs) return EINVAL;
    if (t.threadGroup.threads.size > 1) return EINVAL;
    if (t.fs.users !== 1) return EINVAL;
    if (!mine.nsCapable(ns, CAP_SYS_ADMIN)) return EPERM;
    p.credentials = p.credentials.prepare();
    enterUserNamespace(p.credentials, ns);
    return 0;
  }
  if (ns instanceof TimeNamespace && !isSingleThreaded(t)) return EUSERS;
  if (!mine.nsCapable(ns.userNs, CAP_SYS_ADMIN)) return EPERM;
  if (ns instanceof MountNamespace && !may(t, p, CAP_SYS_CHROOT)) return EPERM;
  if (!may(t, p, CAP_SYS_ADMIN)) return EPERM;
  if (ns instanceof MountNamespace) {
    // Together with other kinds Linux works on a copy of the fs_struct, which nobody shares yet.
    if (p.flags === CLONE_NEWNS && t.fs.users !== 1) return EINVAL;
    p.set.mnt = ns;
    p.root = ns.rootPath();
  } else if (ns instanceof UtsNamespace) p.set.uts = ns;
  else if (ns instanceof IpcNamespace) p.set.ipc = ns;
  else if (ns instanceof PidNamespace) {
    // Only down: a task never sees less of itself than its parent does.
    if (!ns.isWithin(t.pidNs)) return EINVAL;
    p.set.pidForChildren = ns;
  } else if (ns instanceof CgroupNamespace) p.set.cgroup = ns;
  else if (ns instanceof NetworkNamespace) p.set.net = ns;
  else if (ns instanceof TimeNamespace) {
    p.set.time = ns;
    p.set.timeForChildren = ns;
  }
  return 0;
}

/** A capability in the user namespace that the call has come to so far: entering a user namespace of one's own gives all of them. */
function may(t: Task, p: Prepared, cap: number): boolean {
  return t.credentials.nsCapable(p.credentials.userNs, cap);
}

function commit(t: Task, p: Prepared): void {
  const { flags } = p;
  if (flags & CLONE_NEWUSER) commitCredentials(t, p.credentials);
  if (p.root !== null) {
    t.fs.setRoot(p.root);
    t.fs.setPwd(p.root);
  }
  if (flags & CLONE_NEWIPC) exitSem(t);
  if (flags & NSPROXY_FLAGS) switchNamespaces(t, new NsProxy(p.set));
  if (flags & CLONE_NEWTIME) p.set.time.frozen = true;
  if (flags & CLONE_NEWTIME && t.nsproxy.time.shifted) t.kernel.vdso?.askKernel(t.space);
}

function prepare(t: Task, flags: number): Prepared | Errno {
  if (failNow(t) || (flags & CLONE_NEWUSER && failNow(t)) || (flags & CLONE_NEWNS && flags !== CLONE_NEWNS && failNow(t))) return ENOMEM;
  return { flags, set: { ...t.nsproxy.set }, credentials: t.credentials, root: null };
}

/** Enters one namespace. `flags`: 0, or the kind it must be of (EINVAL otherwise). */
export function enterNamespace(t: Task, ns: AnyNamespace, flags: number): number {
  const kind = namespaceFlag(ns);
  if (flags !== 0 && flags !== kind) return EINVAL;
  const p = prepare(t, kind);
  if (isErr(p)) return p;
  const r = install(t, p, ns);
  if (isErr(r)) return r;
  commit(t, p);
  return 0;
}

/** Enters the namespaces of `target` that `flags` names, all or none. EINVAL, EPERM, ESRCH, EUSERS. */
export function enterNamespacesOf(t: Task, target: Task | null, flags: number): number {
  if (flags === 0 || flags & ~(NSPROXY_FLAGS | CLONE_NEWUSER)) return EINVAL;
  if (target === null) return ESRCH;
  if (ptraceMayAccess(t, target, PTRACE_MODE_READ | PTRACE_MODE_REALCREDS) < 0) return EPERM;
  if (target.fsContext === null) return ESRCH;
  const its = target.nsproxy;
  const p = prepare(t, flags);
  if (isErr(p)) return p;
  const order: readonly (readonly [number, AnyNamespace])[] = [
    [CLONE_NEWUSER, target.credentials.userNs], [CLONE_NEWNS, its.mnt], [CLONE_NEWUTS, its.uts], [CLONE_NEWIPC, its.ipc], [CLONE_NEWPID, target.pidNs],
    [CLONE_NEWCGROUP, its.cgroup], [CLONE_NEWNET, its.net], [CLONE_NEWTIME, its.time],
  ];
  for (const [flag, ns] of order) {
    if (!(flags & flag)) continue;
    const r = install(t, p, ns);
    if (isErr(r)) return r;
  }
  commit(t, p);
  return 0;
}
