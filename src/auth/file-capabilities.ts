/** Capabilities of a program file: the extended attribute security.capability. Linux include/uapi/linux/capability.h, security/commoncap.c. */
import { CAP_SETFCAP } from '../abi/capability.ts';
import { EINVAL, EOVERFLOW, EPERM, type Errno } from '../abi/errno.ts';
import type { KUid } from '../abi/ids.ts';
import { CapSet } from './cap-set.ts';
import type { Credentials } from './credentials.ts';
import type { FileCapabilities } from './exec-credentials.ts';
import type { UserNamespace } from './user-namespace.ts';

export const XATTR_SECURITY_CAPABILITY = 'security.capability';
const REVISION_MASK = 0xff000000, REVISION_1 = 0x01000000, REVISION_2 = 0x02000000, REVISION_3 = 0x03000000, EFFECTIVE = 1;
/** Bytes of the three versions. Version 3 ends with the user id of the root that the capabilities are for. */
const SIZE_1 = 12, SIZE_2 = 20, SIZE_3 = 24, ROOT_ID = 20;

const viewOf = (value: Uint8Array): DataView => new DataView(value.buffer, value.byteOffset, value.byteLength);
/** Without the flag of the effective set. */
const versionOf = (v: DataView): number => (v.getUint32(0, true) & ~EFFECTIVE) >>> 0;
const revisionOf = (v: DataView): number => (v.getUint32(0, true) & REVISION_MASK) >>> 0;
const isVersion2 = (value: Uint8Array): boolean => value.length === SIZE_2 && versionOf(viewOf(value)) === REVISION_2;
const isVersion3 = (value: Uint8Array): boolean => value.length === SIZE_3 && versionOf(viewOf(value)) === REVISION_3;

/**
 * The capabilities in `value` as they count for a program in `ns`; null: none that count there; EINVAL: not a valid value. `fsNs` is the user namespace
 * of the file system, whose ids the value is in. Linux get_vfs_caps_from_disk().
 */
export function parseFileCapabilities(value: Uint8Array, ns: UserNamespace, fsNs: UserNamespace): FileCapabilities | null | Errno {
  if (value.length < 4) return EINVAL;
  const v = viewOf(value);
  const revision = revisionOf(v);
  const size = revision === REVISION_1 ? SIZE_1 : revision === REVISION_2 ? SIZE_2 : revision === REVISION_3 ? SIZE_3 : 0;
  if (size === 0 || value.length !== size) return EINVAL;
  if (!rootOwns(fsNs.makeKuid(revision === REVISION_3 ? v.getUint32(ROOT_ID, true) : 0), ns)) return null;
  const wide = revision !== REVISION_1;
  return {
    permitted: CapSet.of(v.getInt32(4, true), wide ? v.getInt32(12, true) : 0),
    inheritable: CapSet.of(v.getInt32(8, true), wide ? v.getInt32(16, true) : 0),
    effective: (v.getUint32(0, true) & EFFECTIVE) !== 0,
  };
}

/** True if `root` is user 0 of `ns` or of a namespace above it (rootid_owns_currentns). */
function rootOwns(root: KUid, ns: UserNamespace): boolean {
  if (root === -1) return false;
  for (let at: UserNamespace | null = ns; at !== null; at = at.parent) if (at.fromKuid(root) === 0) return true;
  return false;
}

/** `value` as version 2 or 3 (with a root), with the same sets. */
function versioned(value: Uint8Array, root: number | null): Uint8Array {
  const out = new Uint8Array(root === null ? SIZE_2 : SIZE_3);
  out.set(value.subarray(0, SIZE_2));
  const v = viewOf(out);
  v.setUint32(0, ((root === null ? REVISION_2 : REVISION_3) | (v.getUint32(0, true) & EFFECTIVE)) >>> 0, true);
  if (root !== null) v.setUint32(ROOT_ID, root, true);
  return out;
}

/**
 * What is stored when `c` sets the attribute on a file with these ids: who is privileged in a user namespace only gives capabilities that count there.
 * EINVAL, EPERM. Linux cap_convert_nscap().
 */
export function storedCapabilities(value: Uint8Array, c: Credentials, uid: number, gid: number, fsNs: UserNamespace): Uint8Array | Errno {
  if (!isVersion2(value) && !isVersion3(value)) return EINVAL;
  if (!c.capableOverIds(CAP_SETFCAP, uid, gid)) return EPERM;
  if (value.length === SIZE_2 && c.nsCapable(fsNs, CAP_SETFCAP)) return value;
  const root = c.userNs.makeKuid(value.length === SIZE_3 ? viewOf(value).getUint32(ROOT_ID, true) : 0);
  if (root === -1) return EINVAL;
  const stored = fsNs.fromKuid(root);
  return stored === -1 ? EINVAL : versioned(value, stored);
}

/** What a reader in `ns` gets to see: version 3 with the root as it is called there, or version 2 if it is the reader's own root or one above. EINVAL, EOVERFLOW. Linux cap_inode_getsecurity(). */
export function shownCapabilities(value: Uint8Array, ns: UserNamespace, fsNs: UserNamespace): Uint8Array | Errno {
  const three = value.length >= 4 && isVersion3(value);
  if (!three && !(value.length >= 4 && isVersion2(value))) return EINVAL;
  const root = fsNs.makeKuid(three ? viewOf(value).getUint32(ROOT_ID, true) : 0);
  const mapped = root === -1 ? -1 : ns.fromKuid(root);
  if (mapped !== -1 && mapped !== 0) return versioned(value, mapped);
  return rootOwns(root, ns) ? versioned(value, null) : EOVERFLOW;
}
