/** Installing changed credentials: Linux kernel/cred.c commit_creds(). */
import type { Credentials } from '../auth/credentials.ts';
import type { Task } from './task.ts';

/** `c` (from `prepare()`) becomes the task's. Dumpability, the death signal and the per-user count follow. */
export function commitCredentials(t: Task, c: Credentials): void {
  const old = t.credentials;
  if (old.euid !== c.euid || old.egid !== c.egid || old.fsuid !== c.fsuid || old.fsgid !== c.fsgid || !c.capPermitted.isSubsetOf(old.capPermitted)) {
    t.threadGroup.dumpable = 0;
    t.deathSignal = 0;
  }
  if (old.uid !== c.uid) {
    const users = t.kernel.users;
    users.get(old.uid).processes--;
    users.get(c.uid).processes++;
  }
  t.credentials = c;
}
