/** Capabilities of a program file: the extended attribute security.capability. Linux include/uapi/linux/capability.h, security/commoncap.c get_vfs_caps_from_disk(). */
import type { KUid } from '../abi/ids.ts';
import { CapSet } from './cap-set.ts';
import type { FileCapabilities } from './exec-credentials.ts';
import type { UserNamespace } from './user-namespace.ts';

export const XATTR_SECURITY_CAPABILITY = 'security.capability';
const REVISION_MASK = 0xff000000, REVISION_1 = 0x01000000, REVISION_2 = 0x02000000, REVISION_3 = 0x03000000, EFFECTIVE = 1;

/** The capabilities in `value` as they count in `ns`; null: none that count there, or not a valid value. Version 3 names the root that they are for. */
export function parseFileCapabilities(value: Uint8Array, ns: UserNamespace): FileCapabilities | null {
  if (value.length < 4) return null;
  const v = new DataView(value.buffer, value.byteOffset, value.byteLength);
  const magic = v.getUint32(0, true);
  const revision = (magic & REVISION_MASK) >>> 0;
  const size = revision === REVISION_1 ? 12 : revision === REVISION_2 ? 20 : revision === REVISION_3 ? 24 : 0;
  if (size === 0 || value.length !== size) return null;
  if (revision === REVISION_3 && !rootOwns(v.getUint32(20, true) as KUid, ns)) return null;
  const wide = revision !== REVISION_1;
  return {
    permitted: CapSet.of(v.getInt32(4, true), wide ? v.getInt32(12, true) : 0),
    inheritable: CapSet.of(v.getInt32(8, true), wide ? v.getInt32(16, true) : 0),
    effective: (magic & EFFECTIVE) !== 0,
  };
}

/** True if `root` is user 0 of `ns` or of a namespace above it (rootid_owns_currentns). */
function rootOwns(root: KUid, ns: UserNamespace): boolean {
  for (let at: UserNamespace | null = ns; at !== null; at = at.parent) if (at.fromKuid(root) === 0) return true;
  return false;
}
