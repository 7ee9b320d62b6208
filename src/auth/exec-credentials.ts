/** What execve does to credentials: Linux security/commoncap.c cap_bprm_creds_from_file() and fs/exec.c bprm_fill_uid(). */
import { CAP_SETUID, CAP_SYS_PTRACE, SECBIT_KEEP_CAPS, SECBIT_NOROOT } from '../abi/capability.ts';
import { EPERM, type Errno } from '../abi/errno.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import { CapSet } from './cap-set.ts';
import type { Credentials } from './credentials.ts';

/** Capabilities of a file (security.capability). */
export interface FileCapabilities {
  readonly permitted: CapSet;
  readonly inheritable: CapSet;
  readonly effective: boolean;
}

/** What the file and the caller's situation bring in. */
export interface ExecPrivileges {
  /** Set-id bits that count (mount, no_new_privs and namespaces were looked at); null = no change. */
  readonly setuid: KUid | null;
  readonly setgid: KGid | null;
  readonly caps: FileCapabilities | null;
  /** PR_SET_NO_NEW_PRIVS (LSM_UNSAFE_NO_NEW_PRIVS). */
  readonly noNewPrivs: boolean;
  /** Another process shares root and working directory and could move them under a privileged program (LSM_UNSAFE_SHARE). */
  readonly sharesFs: boolean;
  /** The tracer's credentials when it attached; null: not traced. */
  readonly tracer: Credentials | null;
}

export interface ExecCredentials {
  readonly credentials: Credentials;
  /** AT_SECURE. */
  readonly secure: boolean;
  /** The file gave ids or capabilities: dangerous personality flags go. */
  readonly gained: boolean;
}

/** Credentials after executing a file. EPERM when a file wants permitted capabilities that the bounding set withholds. */
export function execCredentials(old: Credentials, file: ExecPrivileges): ExecCredentials | Errno {
  const c = old.prepare();
  // A new program starts without them (Linux prepare_exec_creds).
  c.threadKeyring = c.processKeyring = null;
  if (file.setuid !== null) c.euid = file.setuid;
  if (file.setgid !== null) c.egid = file.setgid;
  let effective = false;
  const hasCaps = file.caps !== null;
  c.capPermitted = CapSet.EMPTY;
  if (file.caps !== null) {
    effective = file.caps.effective;
    // pP' = (X & fP) | (pI & fI)
    c.capPermitted = c.capBounding.and(file.caps.permitted).or(c.capInheritable.and(file.caps.inheritable));
    // A program that does not know of capabilities must get all it needs or not run.
    if (effective && !file.caps.permitted.isSubsetOf(c.capPermitted)) return EPERM;
  }
  const root = c.userNs.makeKuid(0);
  if (!(c.securebits & SECBIT_NOROOT)) {
    // A file with capabilities that is also setuid root for a non-root user keeps to its capabilities.
    if (!(hasCaps && c.uid !== root && c.euid === root)) {
      if (c.euid === root || c.uid === root) c.capPermitted = old.capBounding.or(old.capInheritable);
      if (c.euid === root) effective = true;
    }
  }
  const gained = !c.capPermitted.isSubsetOf(old.capPermitted);
  const idChanged = c.euid !== old.euid || !c.inGroup(c.egid);
  if ((idChanged || gained) && (file.noNewPrivs || file.sharesFs || (file.tracer !== null && !file.tracer.nsCapable(c.userNs, CAP_SYS_PTRACE)))) {
    // No more than before: somebody unprivileged has a hand on the process.
    if (file.noNewPrivs || !old.nsCapable(c.userNs, CAP_SETUID)) {
      c.euid = c.uid;
      c.egid = c.gid;
    }
    c.capPermitted = c.capPermitted.and(old.capPermitted);
  }
  c.suid = c.fsuid = c.euid;
  c.sgid = c.fsgid = c.egid;
  if (hasCaps || idChanged) c.capAmbient = CapSet.EMPTY;
  c.capPermitted = c.capPermitted.or(c.capAmbient);
  c.capEffective = effective ? c.capPermitted : c.capAmbient;
  c.securebits &= ~SECBIT_KEEP_CAPS;
  const secure =
    idChanged || c.euid !== old.uid || c.egid !== old.gid || (c.uid !== root && (effective || !c.capPermitted.isSubsetOf(c.capAmbient)));
  return { credentials: c, secure, gained: gained || file.setuid !== null || file.setgid !== null };
}
