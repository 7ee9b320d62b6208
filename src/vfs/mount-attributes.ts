/** mount_setattr(2): changing flags, propagation and id mapping of mounts, one or a tree at once. Linux fs/namespace.c do_mount_setattr(). */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EBUSY, EINVAL, EPERM, type Errno } from '../abi/errno.ts';
import {
  MOUNT_ATTR__ATIME, MOUNT_ATTR_IDMAP, MOUNT_ATTR_NOATIME, MOUNT_ATTR_NODEV, MOUNT_ATTR_NODIRATIME, MOUNT_ATTR_NOEXEC, MOUNT_ATTR_NOSUID, MOUNT_ATTR_NOSYMFOLLOW,
  MOUNT_ATTR_RDONLY, MOUNT_ATTR_RELATIME, MOUNT_ATTR_STRICTATIME, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_NOSYMFOLLOW, MS_PRIVATE, MS_RDONLY,
  MS_RELATIME, MS_SHARED, MS_SLAVE, MS_UNBINDABLE,
} from '../abi/mount.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { VfsContext } from './context.ts';
import { MountIdMap } from './mount-id-map.ts';
import type { MountNamespace } from './mount-namespace.ts';
import type { Mount, Path } from './mount.ts';
import { changePropagation } from './mount-propagation.ts';
import { breaksLockedFlags, eachMount } from './mount-tree.ts';

const ATTRIBUTES: readonly (readonly [attribute: number, flag: number])[] = [
  [MOUNT_ATTR_RDONLY, MS_RDONLY], [MOUNT_ATTR_NOSUID, MS_NOSUID], [MOUNT_ATTR_NODEV, MS_NODEV], [MOUNT_ATTR_NOEXEC, MS_NOEXEC],
  [MOUNT_ATTR_NODIRATIME, MS_NODIRATIME], [MOUNT_ATTR_NOSYMFOLLOW, MS_NOSYMFOLLOW],
];
const KNOWN =
  MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | MOUNT_ATTR__ATIME | MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW | MOUNT_ATTR_IDMAP;
/** What fsmount(2) takes. */
export const FSMOUNT_ATTRIBUTES: number = KNOWN & ~MOUNT_ATTR_IDMAP;
const PROPAGATION = MS_SHARED | MS_PRIVATE | MS_SLAVE | MS_UNBINDABLE;

/** MS_ flags of MOUNT_ATTR_ ones, atime settings left out. */
function flagsOf(attributes: number): number {
  let flags = 0;
  for (const [attribute, flag] of ATTRIBUTES) if (attributes & attribute) flags |= flag;
  return flags;
}
/** MOUNT_ATTR_ flags of a mount, for statmount(2). */
export function attributesOf(m: Mount): number {
  let attributes = 0;
  for (const [attribute, flag] of ATTRIBUTES) if (m.flags & flag) attributes |= attribute;
  if (m.flags & MS_NOATIME) attributes |= MOUNT_ATTR_NOATIME;
  else if (!(m.flags & MS_RELATIME)) attributes |= MOUNT_ATTR_STRICTATIME;
  return m.idmap === null ? attributes : attributes | MOUNT_ATTR_IDMAP;
}

/** Flags of a fresh mount for fsmount(2)'s attributes; EINVAL. */
export function fsmountFlags(attributes: number): number {
  if (attributes & ~FSMOUNT_ATTRIBUTES) return EINVAL;
  const flags = flagsOf(attributes);
  switch (attributes & MOUNT_ATTR__ATIME) {
    case MOUNT_ATTR_STRICTATIME:
      return flags;
    case MOUNT_ATTR_NOATIME:
      return flags | MS_NOATIME;
    case MOUNT_ATTR_RELATIME:
      return flags | MS_RELATIME;
    default:
      return EINVAL;
  }
}

/** A change, checked. */
export interface AttributeChange {
  readonly set: number;
  readonly clear: number;
  /** MS_SHARED …, or 0. */
  readonly propagation: number;
  /** The user namespace whose maps the mounts get. */
  readonly userNs: UserNamespace | null;
  /** Mounts lose their id mapping. */
  readonly dropIdmap: boolean;
  /** Mounts that nobody has seen yet: an id mapping may be replaced (open_tree_attr(2)). */
  readonly replaceIdmap: boolean;
  readonly recursive: boolean;
}

/** The words of a struct mount_attr as a change; `userNsOf` finds the namespace behind a descriptor. EINVAL, EBADF, EPERM. Linux build_mount_kattr(). */
export function parseAttributes(
  set: number, clear: number, propagation: number, userNsFd: number, recursive: boolean, replaceIdmap: boolean, userNsOf: (fd: number) => UserNamespace | Errno,
): AttributeChange | Errno {
  if (propagation !== 0 && propagation !== MS_SHARED && propagation !== MS_PRIVATE && propagation !== MS_SLAVE && propagation !== MS_UNBINDABLE) return EINVAL;
  if ((set | clear) & ~KNOWN || propagation & ~PROPAGATION) return EINVAL;
  let [on, off] = [flagsOf(set), flagsOf(clear)];
  if (clear & MOUNT_ATTR__ATIME) {
    if ((clear & MOUNT_ATTR__ATIME) !== MOUNT_ATTR__ATIME) return EINVAL;
    off |= MS_RELATIME | MS_NOATIME;
    switch (set & MOUNT_ATTR__ATIME) {
      case MOUNT_ATTR_RELATIME:
        on |= MS_RELATIME;
        break;
      case MOUNT_ATTR_NOATIME:
        on |= MS_NOATIME;
        break;
      case MOUNT_ATTR_STRICTATIME:
        break;
      default:
        return EINVAL;
    }
  } else if (set & MOUNT_ATTR__ATIME) return EINVAL;
  let userNs: UserNamespace | null = null;
  let dropIdmap = false;
  if ((set | clear) & MOUNT_ATTR_IDMAP) {
    if (clear & MOUNT_ATTR_IDMAP) {
      if (!replaceIdmap) return EINVAL;
      dropIdmap = !(set & MOUNT_ATTR_IDMAP);
    }
    if (!dropIdmap) {
      if (userNsFd > 0x7fffffff) return EINVAL;
      const ns = userNsOf(userNsFd);
      if (typeof ns === 'number') return ns;
      userNs = ns;
    }
  }
  return { set: on, clear: off, propagation, userNs, dropIdmap, replaceIdmap, recursive };
}

/** Linux can_idmap_mount(). */
function mayIdmap(ctx: VfsContext, m: Mount, change: AttributeChange): 0 | Errno {
  if (change.userNs === null && !change.dropIdmap) return 0;
  const owner = m.sb.userNs ?? ctx.credentials.userNs.registry.initialUserNs;
  if (change.userNs === owner) return EINVAL;
  if (!change.replaceIdmap && m.idmap !== null) return EPERM;
  if (!m.sb.idmappedMounts) return EINVAL;
  if (!ctx.credentials.nsCapable(owner, CAP_SYS_ADMIN)) return EPERM;
  return m.ns?.anonymous ? 0 : EINVAL;
}

/** Makes the change at `at`, everywhere or nowhere. EINVAL, EPERM, EBUSY. */
export function setMountAttributes(ctx: VfsContext, ns: MountNamespace, at: Path, change: AttributeChange): number {
  const top = at.mount;
  if (!at.isMountRoot) return EINVAL;
  let idmap: MountIdMap | null = null;
  if (change.userNs !== null) {
    if (change.userNs.uidMap.extents.length === 0 || change.userNs.gidMap.extents.length === 0) return EINVAL;
    idmap = new MountIdMap(change.userNs);
  }
  const isDetachedRoot = top.ns !== null && top.ns.anonymous && top.parent === null;
  if (!isDetachedRoot && top.ns !== ns) return EINVAL;
  const all: Mount[] = [];
  if (change.recursive) eachMount(top, (m) => all.push(m));
  else all.push(top);
  for (const m of all) {
    if (breaksLockedFlags(m, (m.flags & ~change.clear) | change.set)) return EPERM;
    const r = mayIdmap(ctx, m, change);
    if (r < 0) return r;
    const holdsWriters = (change.set & MS_RDONLY && !(m.flags & MS_RDONLY)) || idmap !== null || change.dropIdmap;
    if (holdsWriters && m.writers > 0) return EBUSY;
  }
  for (const m of all) {
    m.flags = (m.flags & ~change.clear) | change.set;
    if (idmap !== null) m.idmap = idmap;
    else if (change.dropIdmap) m.idmap = null;
    if (change.propagation !== 0) changePropagation(m, change.propagation);
  }
  top.ns?.touch();
  return 0;
}
