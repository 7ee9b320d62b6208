/** Id-mapped mounts: how the owners of files show through a mount. Linux fs/mnt_idmapping.c. */
import type { KGid, KUid } from '../abi/ids.ts';
import type { IdMap } from '../auth/id-map.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { SuperBlock } from './super-block.ts';

/** An id that is mapped to nothing: nobody's, and not to be stored. */
const INVALID = -1;

/** The maps of a user namespace as they were when the mount got them. */
export class MountIdMap {
  readonly userNs: UserNamespace;
  readonly uids: IdMap;
  readonly gids: IdMap;
  constructor(userNs: UserNamespace) {
    this.userNs = userNs;
    this.uids = userNs.uidMap;
    this.gids = userNs.gidMap;
  }
}

/** Who owns a file of `sb` with owner `kuid`, seen through a mount; -1: nobody (make_vfsuid). */
export function shownUid(idmap: MountIdMap | null, sb: SuperBlock, kuid: KUid): KUid {
  if (idmap === null) return kuid;
  const uid = sb.userNs === null ? kuid : sb.userNs.fromKuid(kuid);
  return ((uid as number) === INVALID ? INVALID : idmap.uids.down(uid)) as KUid;
}
export function shownGid(idmap: MountIdMap | null, sb: SuperBlock, kgid: KGid): KGid {
  if (idmap === null) return kgid;
  const gid = sb.userNs === null ? kgid : sb.userNs.fromKgid(kgid);
  return ((gid as number) === INVALID ? INVALID : idmap.gids.down(gid)) as KGid;
}

/** What is to be stored for an owner given through a mount; -1: cannot be (from_vfsuid). */
export function storedUid(idmap: MountIdMap | null, sb: SuperBlock, uid: KUid): KUid {
  if (idmap === null) return uid;
  const up = idmap.uids.up(uid);
  if (up === INVALID) return INVALID as KUid;
  return sb.userNs === null ? (up as KUid) : sb.userNs.makeKuid(up);
}
export function storedGid(idmap: MountIdMap | null, sb: SuperBlock, gid: KGid): KGid {
  if (idmap === null) return gid;
  const up = idmap.gids.up(gid);
  if (up === INVALID) return INVALID as KGid;
  return sb.userNs === null ? (up as KGid) : sb.userNs.makeKgid(up);
}
