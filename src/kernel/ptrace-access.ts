/** Who may look into or control another task: Linux kernel/ptrace.c __ptrace_may_access(), security/commoncap.c cap_ptrace_access_check(). */
import { CAP_SYS_PTRACE } from '../abi/capability.ts';
import { EPERM } from '../abi/errno.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { Task } from './task.ts';

/** Reading (PTRACE_MODE_READ) asks less of the capabilities: effective ones count; attaching looks at the permitted ones. */
export const PTRACE_MODE_READ = 1;
export const PTRACE_MODE_ATTACH = 2;
/** Which of the caller's ids are compared: the file-system ids (accesses through /proc), or the real ones (system calls). */
export const PTRACE_MODE_FSCREDS = 8;
export const PTRACE_MODE_REALCREDS = 16;

/** The user namespace of a program's memory: execve made it there, or further up if it may not be read from there (Linux mm->user_ns). */
export function memoryOwner(t: Task, mm: AddressSpace): UserNamespace {
  return (mm.owner as UserNamespace | null) ?? t.kernel.userNs; // only execve and fork set it
}

/** May `parent` trace the caller, which asks for it (PTRACE_TRACEME)? 0 or EPERM. Linux cap_ptrace_traceme(), hook_ptrace_traceme(). */
export function mayBeTracedBy(caller: Task, parent: Task): number {
  const its = parent.credentials;
  const mine = caller.credentials;
  const covered = its.userNs === mine.userNs && mine.capPermitted.isSubsetOf(its.capPermitted);
  if (!covered && !its.nsCapable(mine.userNs, CAP_SYS_PTRACE)) return EPERM;
  return its.domain !== null && !its.domain.covers(mine.domain) ? EPERM : 0;
}

/** 0, or EPERM. `mode`: READ or ATTACH, with FSCREDS or REALCREDS. */
export function ptraceMayAccess(caller: Task, target: Task, mode: number): number {
  if (caller.threadGroup === target.threadGroup) return 0;
  const mine = caller.credentials;
  const its = target.credentials;
  const uid = mode & PTRACE_MODE_FSCREDS ? mine.fsuid : mine.uid;
  const gid = mode & PTRACE_MODE_FSCREDS ? mine.fsgid : mine.gid;
  if (mine.domain !== null && !mine.domain.covers(its.domain)) return EPERM;
  const same = uid === its.euid && uid === its.suid && uid === its.uid && gid === its.egid && gid === its.sgid && gid === its.gid;
  if (!same && !mine.nsCapable(its.userNs, CAP_SYS_PTRACE)) return EPERM;
  const mm = target.mm;
  if (mm !== null && mm.dumpable !== 1 && !mine.nsCapable(memoryOwner(target, mm), CAP_SYS_PTRACE)) return EPERM;
  const caps = mode & PTRACE_MODE_FSCREDS ? mine.capEffective : mine.capPermitted;
  if (mine.userNs === its.userNs && its.capPermitted.isSubsetOf(caps)) return 0;
  return mine.nsCapable(its.userNs, CAP_SYS_PTRACE) ? 0 : EPERM;
}
