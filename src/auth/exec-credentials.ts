/** What execve does to credentials: Linux security/commoncap.c cap_bprm_creds_from_file() and fs/exec.c bprm_fill_uid(). */
import { SECBIT_KEEP_CAPS, SECBIT_NOROOT } from '../abi/capability.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import { CapSet } from './cap-set.ts';
import type { Credentials } from './credentials.ts';

/** Capabilities of a file (security.capability). */
export interface FileCapabilities {
  readonly permitted: CapSet;
  readonly inheritable: CapSet;
  readonly effective: boolean;
}

/** Set-id bits that count (mount, no_new_privs and namespaces were looked at); null = no change. */
export interface FilePrivileges {
  readonly setuid: KUid | null;
  readonly setgid: KGid | null;
  readonly caps: FileCapabilities | null;
}

export interface ExecCredentials {
  readonly credentials: Credentials;
  /** AT_SECURE. */
  readonly secure: boolean;
  /** Ids or capabilities changed: the process is no longer dumpable, its death signal is cleared. */
  readonly changed: boolean;
}

/** Credentials after executing a file with `file`'s privileges. EPERM (null) when a file asks for permitted capabilities it cannot get. */
export function execCredentials(old: Credentials, file: FilePrivileges): ExecCredentials | null {
  const c = old.prepare();
  if (file.setuid !== null) c.euid = file.setuid;
  if (file.setgid !== null) c.egid = file.setgid;
  let effective = false;
  let hasCaps = false;
  c.capPermitted = CapSet.EMPTY;
  if (file.caps !== null) {
    hasCaps = true;
    effective = file.caps.effective;
    // pP' = (X & fP) | (pI & fI)
    c.capPermitted = c.capBounding.and(file.caps.permitted).or(c.capInheritable.and(file.caps.inheritable));
    if (effective && !file.caps.permitted.isSubsetOf(c.capPermitted)) return null;
  }
  const root = c.userNs.makeKuid(0);
  if (!(c.securebits & SECBIT_NOROOT)) {
    // A file with capabilities that is also setuid root for a non-root user keeps to its capabilities.
    if (!(hasCaps && c.uid !== root && c.euid === root)) {
      if (c.euid === root || c.uid === root) c.capPermitted = c.capBounding.or(old.capInheritable);
      if (c.euid === root) effective = true;
    }
  }
  const isSetId = c.euid !== old.euid || c.egid !== old.egid || c.euid !== old.uid || c.egid !== old.gid;
  c.suid = c.fsuid = c.euid;
  c.sgid = c.fsgid = c.egid;
  const setId = (file.setuid !== null && file.setuid !== old.uid) || (file.setgid !== null && file.setgid !== old.gid);
  if (hasCaps || setId) c.capAmbient = CapSet.EMPTY;
  c.capPermitted = c.capPermitted.or(c.capAmbient);
  c.capEffective = effective ? c.capPermitted : c.capAmbient;
  c.securebits &= ~SECBIT_KEEP_CAPS;
  const nonRoot = c.uid !== root;
  const secure = isSetId || (nonRoot && (effective || !c.capPermitted.isSubsetOf(c.capAmbient)));
  const changed = c.euid !== old.euid || c.egid !== old.egid || !c.capPermitted.isSubsetOf(old.capPermitted);
  return { credentials: c, secure, changed };
}

