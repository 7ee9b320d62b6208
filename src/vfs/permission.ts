/** Access checks of the VFS: Linux fs/namei.c generic_permission(), inode_permission(), may_delete(), may_create(). */
import { EACCES, EISDIR, ENOENT, ENOTDIR, EOVERFLOW, EPERM, EROFS, EBUSY, EEXIST } from '../abi/errno.ts';
import { CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER } from '../abi/capability.ts';
import { MS_RDONLY } from '../abi/mount.ts';
import { S_IFDIR, S_IFLNK, S_IFMT, S_IFREG, S_ISVTX, S_IXUGO } from '../abi/stat.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { VfsContext } from './context.ts';
import type { Dentry } from './dentry.ts';
import { type Inode, S_APPEND, S_IMMUTABLE } from './inode.ts';
import type { SuperBlock } from './super-block.ts';

export const MAY_EXEC = 1;
export const MAY_WRITE = 2;
export const MAY_READ = 4;

/** True if `cap` is held over `inode`: its ids are mapped in the user namespace of the credentials (capable_wrt_inode_uidgid). */
export function capableOver(cred: Credentials, inode: Inode, cap: number): boolean {
  const ns = cred.userNs;
  return cred.capEffective.has(cap) && (ns.parent === null || ((ns.fromKuid(inode.uid) as number) !== -1 && (ns.fromKgid(inode.gid) as number) !== -1));
}

/** True for the owner of the file and for CAP_FOWNER over it (inode_owner_or_capable). */
export function ownerOrCapable(cred: Credentials, inode: Inode): boolean {
  return inode.uid === cred.fsuid || capableOver(cred, inode, CAP_FOWNER);
}

/** The mode bits against fsuid, fsgid and groups, then capabilities: 0 or EACCES. `mask`: MAY_ bits. */
export function genericPermission(cred: Credentials, inode: Inode, mask: number): number {
  const mode = inode.mode;
  // Exec for everybody: the usual directory; spares the id comparisons.
  if (mask === MAY_EXEC && (mode & S_IXUGO) === S_IXUGO && (mode & S_IFMT) === S_IFDIR) return 0;
  let bits = mode & 7;
  if (inode.uid === cred.fsuid) bits = (mode >> 6) & 7;
  else if (((mode >> 3) & 7) !== bits && cred.inGroup(inode.gid)) bits = (mode >> 3) & 7;
  if ((mask & ~bits) === 0) return 0;
  if ((mode & S_IFMT) === S_IFDIR) {
    if ((mask & MAY_WRITE) === 0 && capableOver(cred, inode, CAP_DAC_READ_SEARCH)) return 0;
    return capableOver(cred, inode, CAP_DAC_OVERRIDE) ? 0 : EACCES;
  }
  if (mask === MAY_READ && capableOver(cred, inode, CAP_DAC_READ_SEARCH)) return 0;
  // Execute needs at least one execute bit even for root.
  if (((mask & MAY_EXEC) === 0 || (mode & S_IXUGO) !== 0) && capableOver(cred, inode, CAP_DAC_OVERRIDE)) return 0;
  return EACCES;
}

/** May the caller access `inode` so? 0, EACCES, EROFS (super block), EPERM (immutable). */
export function inodePermission(ctx: VfsContext, inode: Inode, mask: number): number {
  if (mask & MAY_WRITE) {
    const type = inode.mode & S_IFMT;
    if (inode.sb.flags & MS_RDONLY && (type === S_IFREG || type === S_IFDIR || type === S_IFLNK)) return EROFS;
    if (inode.flags & S_IMMUTABLE) return EPERM;
  }
  if (inode.sb.customPermission) {
    const r = inode.permission(ctx, mask);
    if (r !== undefined) return r;
  }
  return genericPermission(ctx.credentials, inode, mask);
}

/** Sticky directories: only the owner of the file, of the directory, or CAP_FOWNER may remove (check_sticky). */
function stickyDenies(cred: Credentials, dir: Inode, victim: Inode): boolean {
  if ((dir.mode & S_ISVTX) === 0) return false;
  if (victim.uid === cred.fsuid || dir.uid === cred.fsuid) return false;
  return !capableOver(cred, victim, CAP_FOWNER);
}

/** May `victim` be removed from `dir` (by unlink: `isDir` false, rmdir: true)? */
export function mayDelete(ctx: VfsContext, dir: Inode, victim: Dentry, isDir: boolean): number {
  const inode = victim.inode;
  if (inode === null) return ENOENT;
  const r = inodePermission(ctx, dir, MAY_WRITE | MAY_EXEC);
  if (r < 0) return r;
  if (dir.flags & S_APPEND) return EPERM;
  if (stickyDenies(ctx.credentials, dir, inode) || inode.flags & (S_APPEND | S_IMMUTABLE)) return EPERM;
  if (isDir) {
    if (!inode.isDirectory) return ENOTDIR;
    if (victim.isRoot) return EBUSY;
  } else if (inode.isDirectory) return EISDIR;
  return 0;
}

/** True if the caller's ids can be kept in the file system: one that was mounted in a user namespace knows only the ids of that (fsuidgid_has_mapping). */
export function idsFit(ctx: VfsContext, sb: SuperBlock): boolean {
  const ns = sb.userNs;
  return ns === null || (ns.fromKuid(ctx.credentials.fsuid) !== -1 && ns.fromKgid(ctx.credentials.fsgid) !== -1);
}

/** May an entry be made in `dir`? `child` must be negative. */
export function mayCreate(ctx: VfsContext, dir: Dentry, child: Dentry): number {
  if (child.inode !== null) return EEXIST;
  if (!dir.hashed && !dir.isRoot) return ENOENT;
  if (!idsFit(ctx, dir.sb)) return EOVERFLOW;
  return inodePermission(ctx, dir.inode!, MAY_WRITE | MAY_EXEC); // a directory that was walked is positive
}
