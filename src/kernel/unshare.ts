/** unshare(2): Linux kernel/fork.c ksys_unshare(). */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import {
  CLONE_FILES, CLONE_FS, CLONE_NEWIPC, CLONE_NEWNS, CLONE_NEWUSER, CLONE_SIGHAND, CLONE_SYSVSEM, CLONE_THREAD, CLONE_VM,
} from '../abi/clone.ts';
import { EINVAL, ENOMEM, EPERM, type Errno, isErr } from '../abi/errno.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { FdTable } from '../vfs/fd-table.ts';
import type { FsContext } from '../vfs/fs-context.ts';
import { commitCredentials } from './commit-credentials.ts';
import { failNow } from './fault-injection.ts';
import { copyNamespaceSet, createUserNamespace, NSPROXY_FLAGS } from './namespaces.ts';
import type { NsProxy } from './nsproxy.ts';
import { exitSem } from './sysv-sem.ts';
import type { Task } from './task.ts';

/** Flags that unshare(2) takes. */
export const UNSHARE_FLAGS: number = NSPROXY_FLAGS | CLONE_NEWUSER | CLONE_THREAD | CLONE_FS | CLONE_SIGHAND | CLONE_VM | CLONE_FILES | CLONE_SYSVSEM;

/** True if no other task shares the task's memory (current_is_single_threaded). */
export function isSingleThreaded(t: Task): boolean {
  return t.threadGroup.live === 1 && t.space.users === 1;
}

/** What the flags ask for besides themselves. */
function implied(flags: number): number {
  let f = flags;
  if (f & CLONE_NEWUSER) f |= CLONE_THREAD | CLONE_FS;
  if (f & CLONE_VM) f |= CLONE_SIGHAND;
  if (f & CLONE_SIGHAND) f |= CLONE_THREAD;
  if (f & CLONE_NEWNS) f |= CLONE_FS;
  return f;
}

/** Detaches `t` (the caller) from what it shares. 0, EINVAL, EPERM, ENOSPC, ENOMEM; all or nothing. */
export function unshare(t: Task, asked: number): number {
  const flags = implied(asked);
  if (flags & ~UNSHARE_FLAGS) return EINVAL;
  if (flags & (CLONE_THREAD | CLONE_SIGHAND | CLONE_VM) && t.threadGroup.threads.size > 1) return EINVAL;
  if (flags & (CLONE_SIGHAND | CLONE_VM) && t.actions.users > 1) return EINVAL;
  if (flags & CLONE_VM && !isSingleThreaded(t)) return EINVAL;

  let newFs: FsContext | null = null;
  let newFiles: FdTable | null = null;
  let credentials: Credentials | null = null;
  const undo = (e: Errno): Errno => {
    credentials?.userNs.put();
    newFiles?.release(t);
    newFs?.release();
    return e;
  };
  if (flags & CLONE_FS && t.fs.users > 1) {
    if (failNow(t)) return ENOMEM;
    newFs = t.fs.clone();
  }
  if (flags & CLONE_FILES && t.fdTable.users > 1) {
    if (failNow(t)) return undo(ENOMEM);
    newFiles = t.fdTable.clone();
  }
  if (flags & CLONE_NEWUSER) {
    const prepared = t.credentials.prepare();
    const r = failNow(t) ? ENOMEM : createUserNamespace(t, prepared);
    if (isErr(r)) return undo(r);
    credentials = prepared;
  }
  let proxy: NsProxy | null = null;
  if (flags & NSPROXY_FLAGS) {
    const owner = credentials ?? t.credentials;
    const made: NsProxy | Errno = t.credentials.nsCapable(owner.userNs, CAP_SYS_ADMIN) ? copyNamespaceSet(t, flags, owner, newFs ?? t.fs) : EPERM;
    if (isErr(made)) return undo(made);
    proxy = made;
  }

  if (flags & (CLONE_NEWIPC | CLONE_SYSVSEM)) exitSem(t);
  if (proxy !== null) switchNamespaces(t, proxy);
  if (newFs !== null) {
    t.fs.release();
    t.fsContext = newFs;
  }
  if (newFiles !== null) {
    t.fdTable.release(t);
    t.files = newFiles;
  }
  if (credentials !== null) {
    commitCredentials(t, credentials);
    // The task holds it now, not its maker.
    credentials.userNs.put();
  }
  return 0;
}

/** `proxy` becomes the task's; it was made for it. */
export function switchNamespaces(t: Task, proxy: NsProxy): void {
  const old = t.nsproxy;
  t.nsproxy = proxy;
  old.put();
}
