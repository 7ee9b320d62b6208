/** Changing attributes: Linux fs/attr.c notify_change() and setattr_prepare(), and dropping setuid bits on writes. */
import { CAP_CHOWN, CAP_FSETID } from '../abi/capability.ts';
import { EOVERFLOW, EPERM } from '../abi/errno.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import { S_IFDIR, S_IFMT, S_IFREG, S_ISGID, S_ISUID, S_IXGRP } from '../abi/stat.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { VfsContext } from './context.ts';
import {
  ATTR_ATIME, ATTR_CTIME, ATTR_GID, ATTR_MODE, ATTR_MTIME, ATTR_SIZE, ATTR_UID, type Inode, S_APPEND, S_IMMUTABLE, SetAttributes,
} from './inode.ts';
import { type MountIdMap, shownGid, shownUid, storedGid, storedUid } from './mount-id-map.ts';
import { capableOver, ownerOrCapable } from './permission.ts';

/** Permission bits that must go when a file of this mode is written or given away by somebody unprivileged (setattr_should_drop_suidgid). */
export function privilegeBits(mode: number): number {
  if ((mode & S_IFMT) !== S_IFREG) return 0;
  let kill = mode & S_ISUID;
  if (mode & S_ISGID && mode & S_IXGRP) kill |= S_ISGID;
  return kill;
}

/** Checks and makes a change of mode, owner or group; `attrs.valid` says which. 0, EPERM, or the file system's errno. */
export function changeAttributes(ctx: VfsContext, inode: Inode, attrs: SetAttributes, idmap: MountIdMap | null = null): number {
  const cred = ctx.credentials;
  let valid = attrs.valid;
  if (valid & (ATTR_MODE | ATTR_UID | ATTR_GID) && inode.flags & (S_IMMUTABLE | S_APPEND)) return EPERM;
  const { sb } = inode;
  const owner = shownUid(idmap, sb, inode.uid);
  const group = shownGid(idmap, sb, inode.gid);
  const setsOwner = valid & (ATTR_UID | ATTR_GID);
  if (setsOwner && (idmap !== null || sb.userNs !== null)) {
    // What cannot be stored, and what has an owner that is nobody here and keeps it.
    if (valid & ATTR_UID && !storable(sb.userNs, storedUid(idmap, sb, attrs.uid), (ns, id) => ns.fromKuid(id as KUid))) return EOVERFLOW;
    if (valid & ATTR_GID && !storable(sb.userNs, storedGid(idmap, sb, attrs.gid), (ns, id) => ns.fromKgid(id as KGid))) return EOVERFLOW;
    if (!(valid & ATTR_UID) && (owner as number) === -1) return EOVERFLOW;
    if (!(valid & ATTR_GID) && (group as number) === -1) return EOVERFLOW;
  }
  if (valid & ATTR_UID && !(cred.fsuid === owner && attrs.uid === owner) && !mayChown(cred, inode, idmap)) return EPERM;
  if (valid & ATTR_GID && !(cred.fsuid === owner && (attrs.gid === group || cred.inGroup(attrs.gid))) && !mayChown(cred, inode, idmap)) return EPERM;
  if (valid & ATTR_MODE) {
    if (!ownerOrCapable(cred, inode, idmap)) return EPERM;
    const gid = valid & ATTR_GID ? attrs.gid : group;
    if (attrs.mode & S_ISGID && !cred.inGroup(gid) && !capableOver(cred, inode, CAP_FSETID, idmap)) attrs.mode &= ~S_ISGID;
  }
  const ns = inode.sb.userNs;
  if (ns !== null && ((valid & ATTR_UID && ns.fromKuid(attrs.uid as KUid) === -1) || (valid & ATTR_GID && ns.fromKgid(attrs.gid as KGid) === -1))) return EOVERFLOW;
  if (valid & (ATTR_UID | ATTR_GID) && (inode.mode & S_IFMT) !== S_IFDIR && (valid & ATTR_MODE) === 0) {
    // chown takes setuid and setgid away, from root's files too; setgid without group execute only for those without CAP_FSETID.
    let kill = inode.mode & S_ISUID;
    if (inode.mode & S_ISGID && (inode.mode & S_IXGRP || (!cred.inGroup(group) && !capableOver(cred, inode, CAP_FSETID, idmap)))) kill |= S_ISGID;
    if (kill !== 0) {
      valid |= ATTR_MODE;
      attrs.mode = inode.mode & 0o7777 & ~kill;
    }
  }
  attrs.valid = valid | ATTR_CTIME;
  if (idmap !== null) {
    attrs.uid = storedUid(idmap, sb, attrs.uid);
    attrs.gid = storedGid(idmap, sb, attrs.gid);
  }
  const r = inode.setattr(ctx, attrs);
  if (r === 0 && valid & (ATTR_UID | ATTR_GID) && !inode.isDirectory) inode.dropFileCapabilities(ctx);
  return r;
}

/** True if an id can be kept by a file system that `owner` (null: the initial namespace) owns. */
function storable(owner: UserNamespace | null, id: number, from: (ns: UserNamespace, id: number) => number): boolean {
  return id !== -1 && (owner === null || from(owner, id) !== -1);
}

/** CAP_CHOWN over the file; or over the file system, for a file whose owner is not mapped there (chown_ok). */
function mayChown(cred: Credentials, inode: Inode, idmap: MountIdMap | null): boolean {
  if (capableOver(cred, inode, CAP_CHOWN, idmap)) return true;
  const { userNs } = inode.sb;
  return userNs !== null && (inode.uid as number) === -1 && cred.nsCapable(userNs, CAP_CHOWN);
}

const ownerAttrs = new SetAttributes();
/** Gives what was just made in `dir` through a mount with an id mapping the owner that the mount stands for. 0 or errno. */
export function adoptThrough(ctx: VfsContext, dir: Inode, inode: Inode, idmap: MountIdMap | null): number {
  if (idmap === null) return 0;
  const { sb } = inode;
  ownerAttrs.valid = ATTR_UID;
  ownerAttrs.uid = storedUid(idmap, sb, ctx.credentials.fsuid);
  if (!(dir.mode & S_ISGID)) {
    ownerAttrs.valid |= ATTR_GID;
    ownerAttrs.gid = storedGid(idmap, sb, ctx.credentials.fsgid);
  }
  return inode.setattr(ctx, ownerAttrs);
}

const dropAttrs = new SetAttributes();
/** A write by someone without CAP_FSETID takes the setuid and setgid bits away, and any write file capabilities (file_remove_privs). */
export function dropPrivileges(ctx: VfsContext, inode: Inode, idmap: MountIdMap | null = null): number {
  if (inode.isRegular) inode.dropFileCapabilities(ctx);
  const kill = privilegeBits(inode.mode);
  if (kill === 0 || capableOver(ctx.credentials, inode, CAP_FSETID, idmap)) return 0;
  dropAttrs.valid = ATTR_MODE | ATTR_CTIME;
  dropAttrs.mode = inode.mode & 0o7777 & ~kill;
  return inode.setattr(ctx, dropAttrs);
}

/** Copies what `attrs` says into the inode's fields: the common part of setattr of file systems in memory. Not the size. */
export function copyAttributes(inode: Inode, attrs: SetAttributes): void {
  const valid = attrs.valid;
  if (valid & ATTR_MODE) inode.mode = (inode.mode & S_IFMT) | (attrs.mode & 0o7777);
  if (valid & ATTR_UID) inode.uid = attrs.uid;
  if (valid & ATTR_GID) inode.gid = attrs.gid;
  if (valid & ATTR_ATIME) {
    inode.atimeSec = attrs.atimeSec;
    inode.atimeNsec = attrs.atimeNsec;
  }
  if (valid & ATTR_MTIME) {
    inode.mtimeSec = attrs.mtimeSec;
    inode.mtimeNsec = attrs.mtimeNsec;
  }
  inode.touch(valid & ATTR_SIZE ? ATTR_CTIME | (valid & ATTR_MTIME ? 0 : ATTR_MTIME) : ATTR_CTIME);
}

/** Owner, group and mode of a new inode in `dir`: fsuid, fsgid, or the directory's group with setgid (inode_init_owner). */
export function initOwner(ctx: VfsContext, inode: Inode, dir: Inode): void {
  const cred = ctx.credentials;
  inode.uid = cred.fsuid;
  if (dir.mode & S_ISGID) {
    inode.gid = dir.gid;
    if ((inode.mode & S_IFMT) === S_IFDIR) inode.mode |= S_ISGID;
    else if ((inode.mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP) && !cred.inGroup(dir.gid) && !capableOver(cred, dir, CAP_FSETID))
      inode.mode &= ~S_ISGID;
  } else inode.gid = cred.fsgid;
}

