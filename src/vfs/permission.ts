/** Access checks of the VFS: Linux fs/namei.c generic_permission(), inode_permission(), may_delete(), may_create(). */
import { EACCES, EISDIR, ENOENT, ENOTDIR, EOVERFLOW, EPERM, EROFS, EBUSY, EEXIST } from '../abi/errno.ts';
import { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER } from '../abi/capability.ts';
import { MS_RDONLY } from '../abi/mount.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISVTX, S_IXUGO } from '../abi/stat.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { VfsContext } from './context.ts';
import type { Dentry } from './dentry.ts';
import { type MountIdMap, shownGid, shownUid, storedGid, storedUid } from './mount-id-map.ts';
import { type Inode, S_APPEND, S_IMMUTABLE } from './inode.ts';

/** As VfsContext.deviceAllowed has them. */
export const DEVICE_BLOCK = 1, DEVICE_CHAR = 2, DEVICE_MKNOD = 1, DEVICE_READ = 2, DEVICE_WRITE = 4;
export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

/*
 * Where a check has an `idmap`, it is that of the mount through which the inode is reached: owners are compared as that mount shows them.
 */

/** True if `cap` is held over `inode`: its ids are mapped in the user namespace of the credentials (capable_wrt_inode_uidgid). */
export function capableOver(cred: Credentials, inode: Inode, cap: number, idmap: MountIdMap | null = null): boolean {
  if (!cred.capEffective.has(cap)) return false;
  const ns = cred.userNs;
  if (ns.parent === null && idmap === null) return true;
  const uid = shownUid(idmap, inode.sb, inode.uid);
  const gid = shownGid(idmap, inode.sb, inode.gid);
  return (uid as number) !== -1 && (gid as number) !== -1 && (ns.fromKuid(uid) as number) !== -1 && (ns.fromKgid(gid) as number) !== -1;
}

/** True if what the caller makes through such a mount has an owner that can be stored: otherwise EOVERFLOW (fsuidgid_has_mapping). */
export function canOwn(cred: Credentials, inode: Inode, idmap: MountIdMap | null): boolean {
  if (idmap === null && inode.sb.userNs === null) return true;
  const owner = inode.sb.userNs;
  const uid = storedUid(idmap, inode.sb, cred.fsuid);
  const gid = storedGid(idmap, inode.sb, cred.fsgid);
  if ((uid as number) === -1 || (gid as number) === -1) return false;
  return owner === null || ((owner.fromKuid(uid) as number) !== -1 && (owner.fromKgid(gid) as number) !== -1);
}

/** True for the owner of the file and for CAP_FOWNER over it (inode_owner_or_capable). */
export function ownerOrCapable(cred: Credentials, inode: Inode, idmap: MountIdMap | null = null): boolean {
  return shownUid(idmap, inode.sb, inode.uid) === cred.fsuid || capableOver(cred, inode, CAP_FOWNER, idmap);
}

/** The mode bits against fsuid, fsgid and groups, then capabilities: 0 or EACCES. `mask`: MAY_ bits. */
export function genericPermission(cred: Credentials, inode: Inode, mask: number, idmap: MountIdMap | null = null): number {
  const mode = inode.mode;
  // Exec for everybody: the usual directory; spares the id comparisons.
  if (mask === MAY_EXEC && (mode & S_IXUGO) === S_IXUGO && (mode & S_IFMT) === S_IFDIR) return 0;
  let bits = mode & 7;
  const uid = idmap === null ? inode.uid : shownUid(idmap, inode.sb, inode.uid);
  if (uid === cred.fsuid) bits = (mode >> 6) & 7;
  else if (((mode >> 3) & 7) !== bits && cred.inGroup(idmap === null ? inode.gid : shownGid(idmap, inode.sb, inode.gid))) bits = (mode >> 3) & 7;
  if ((mask & ~bits) === 0) return 0;
  if ((mode & S_IFMT) === S_IFDIR) {
    if ((mask & MAY_WRITE) === 0 && capableOver(cred, inode, CAP_DAC_READ_SEARCH, idmap)) return 0;
    return capableOver(cred, inode, CAP_DAC_OVERRIDE, idmap) ? 0 : EACCES;
  }
  if (mask === MAY_READ && capableOver(cred, inode, CAP_DAC_READ_SEARCH, idmap)) return 0;
  // Execute needs at least one execute bit even for root.
  if (((mask & MAY_EXEC) === 0 || (mode & S_IXUGO) !== 0) && capableOver(cred, inode, CAP_DAC_OVERRIDE, idmap)) return 0;
  return EACCES;
}

/** May the caller access `inode` so? 0, EACCES, EROFS (super block), EPERM (immutable). */
export function inodePermission(ctx: VfsContext, inode: Inode, mask: number, idmap: MountIdMap | null = null): number {
  if (mask & MAY_WRITE) {
    const type = inode.mode & S_IFMT;
    if (inode.sb.flags & MS_RDONLY && (type === S_IFREG || type === S_IFDIR || type === S_IFLNK)) return EROFS;
    if (inode.flags & S_IMMUTABLE) return EPERM;
    // Nobody can write to what has no owner here: its times could not be kept (inode_permission).
    if (idmap !== null && hasUnmappedId(inode, idmap)) return EACCES;
  }
  if (inode.sb.customPermission) {
    const r = inode.permission(ctx, mask);
    if (r !== undefined) return r;
  }
  const r = genericPermission(ctx.credentials, inode, mask, idmap);
  const type = inode.mode & S_IFMT;
  if (r < 0 || (type !== S_IFCHR && type !== S_IFBLK)) return r;
  const access = (mask & MAY_READ ? DEVICE_READ : 0) | (mask & MAY_WRITE ? DEVICE_WRITE : 0);
  return ctx.deviceAllowed?.(type === S_IFBLK ? DEVICE_BLOCK : DEVICE_CHAR, inode.rdev, access) === false ? EPERM : 0;
}

/** Linux HAS_UNMAPPED_ID. */
function hasUnmappedId(inode: Inode, idmap: MountIdMap): boolean {
  return (shownUid(idmap, inode.sb, inode.uid) as number) === -1 || (shownGid(idmap, inode.sb, inode.gid) as number) === -1;
}

/** Sticky directories: only the owner of the file, of the directory, or CAP_FOWNER may remove (check_sticky). */
function stickyDenies(cred: Credentials, dir: Inode, victim: Inode, idmap: MountIdMap | null): boolean {
  if ((dir.mode & S_ISVTX) === 0) return false;
  if (shownUid(idmap, victim.sb, victim.uid) === cred.fsuid || shownUid(idmap, dir.sb, dir.uid) === cred.fsuid) return false;
  return !capableOver(cred, victim, CAP_FOWNER, idmap);
}

/** May `victim` be removed from `dir` (by unlink: `isDir` false, rmdir: true)? */
export function mayDelete(ctx: VfsContext, dir: Inode, victim: Dentry, isDir: boolean, idmap: MountIdMap | null = null): number {
  const inode = victim.inode;
  if (inode === null) return ENOENT;
  if (idmap !== null && hasUnmappedId(inode, idmap)) return EOVERFLOW;
  const r = inodePermission(ctx, dir, MAY_WRITE | MAY_EXEC, idmap);
  if (r < 0) return r;
  if (dir.flags & S_APPEND) return EPERM;
  if (stickyDenies(ctx.credentials, dir, inode, idmap) || inode.flags & (S_APPEND | S_IMMUTABLE)) return EPERM;
  if (isDir) {
    if (!inode.isDirectory) return ENOTDIR;
    if (victim.isRoot) return EBUSY;
  } else if (inode.isDirectory) return EISDIR;
  return 0;
}

/** May an entry be made in `dir`? `child` must be negative. */
export function mayCreate(ctx: VfsContext, dir: Dentry, child: Dentry, idmap: MountIdMap | null = null): number {
  if (child.inode !== null) return EEXIST;
  if (!dir.hashed && !dir.isRoot) return ENOENT;
  if (!canOwn(ctx.credentials, dir.inode!, idmap)) return EOVERFLOW; // a directory that was walked is positive
  return inodePermission(ctx, dir.inode!, MAY_WRITE | MAY_EXEC, idmap); // a directory that was walked is positive
}
