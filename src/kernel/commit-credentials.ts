/** Installing changed credentials: Linux kernel/cred.c commit_creds(). */
import type { Credentials } from '../auth/credentials.ts';
import { USED_PROCESSES } from '../auth/user-counts.ts';
import type { Task } from './task.ts';

/** True if `c` can do no more than `old` (cred_cap_issubset): a child namespace that `old`'s user owns adds nothing. */
function capabilitiesWithin(c: Credentials, old: Credentials): boolean {
  if (c.userNs === old.userNs) return c.capPermitted.isSubsetOf(old.capPermitted);
  for (let ns = c.userNs; ns.parent !== null; ns = ns.parent) if (ns.parent === old.userNs && ns.owner === old.euid) return true;
  return false;
}

/** `c` (from `prepare()`) becomes the task's. Dumpability, the death signal and the per-user count follow. */
export function commitCredentials(t: Task, c: Credentials): void {
  const old = t.credentials;
  if (old.euid !== c.euid || old.egid !== c.egid || old.fsuid !== c.fsuid || old.fsgid !== c.fsgid || !capabilitiesWithin(c, old)) {
    if (t.mm !== null) t.mm.dumpable = t.kernel.suidDumpable;
    t.deathSignal = 0;
  }
  if (old.uid !== c.uid || old.userNs !== c.userNs) {
    c.counts.add(USED_PROCESSES, 1);
    old.counts.sub(USED_PROCESSES, 1);
  }
  if (old.userNs !== c.userNs) {
    c.userNs.get();
    old.userNs.put();
  }
  const { threadKeyring } = c;
  if (threadKeyring !== null) {
    if (old.fsuid !== c.fsuid) threadKeyring.uid = c.fsuid;
    if (old.fsgid !== c.fsgid) threadKeyring.gid = c.fsgid;
  }
  if (old.holdsKeys) t.kernel.keys.dirty = true;
  t.credentials = c;
}
