/** Making, linking, renaming and removing names: Linux fs/namei.c vfs_mkdir() … vfs_rename(), with the walks before them. */
import type { Errno } from '../abi/errno.ts';
import {
  EBUSY, EEXIST, EINVAL, EISDIR, EMLINK, ENOENT, ENOTDIR, ENOTEMPTY, EPERM, EROFS, EXDEV,
} from '../abi/errno.ts';
import { CAP_DAC_READ_SEARCH, CAP_MKNOD } from '../abi/capability.ts';
import { AT_EMPTY_PATH, AT_SYMLINK_FOLLOW, RENAME_EXCHANGE, RENAME_NOREPLACE, RENAME_WHITEOUT } from '../abi/fcntl.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG, S_IFSOCK, S_ISGID, S_ISUID, S_IXGRP } from '../abi/stat.ts';
import { adoptThrough } from './attributes.ts';
import type { VfsContext } from './context.ts';
import type { Dentry } from './dentry.ts';
import { type Inode, S_APPEND, S_IMMUTABLE } from './inode.ts';
import { landlockMake, landlockRefer, landlockRemove } from './landlock.ts';
import type { Mount, Path } from './mount.ts';
import { detachMounts } from './mount-tree.ts';
import {
  IN_ATTRIB, IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MOVED_FROM, IN_MOVED_TO, IN_MOVE_SELF, nextRenameCookie, notifyEntry, notifyInode, notifyRename,
} from './notify.ts';
import { LAST_DOT, LAST_DOTDOT, LAST_NORM, LAST_ROOT, lookupChild, LOOKUP_EMPTY, LOOKUP_FOLLOW, LOOKUP_PARENT, pathWalk } from './path-walk.ts';
import { DEVICE_BLOCK, DEVICE_CHAR, DEVICE_MKNOD, inodePermission, MAY_READ, MAY_WRITE, mayCreate, mayDelete, ownerOrCapable } from './permission.ts';

/** Most names a file may have. */
const LINK_MAX = 0x7fffffff;

/** Where createTarget found the new name's parent. */
let parentMount: Mount;

/** Walks to the parent of a new name: its negative dentry, or EEXIST and the walk's errors (filename_create). */
function createTarget(ctx: VfsContext, base: Path | null, name: string, isDirectory: boolean, type = -1): Dentry | Errno {
  const r = pathWalk.walk(ctx, base, name, LOOKUP_PARENT, 0);
  if (r < 0) return r as Errno;
  if (pathWalk.lastType !== LAST_NORM) return EEXIST;
  parentMount = pathWalk.mount;
  const trailing = pathWalk.trailingSlash;
  const dentry = lookupChild(ctx, pathWalk.dentry, pathWalk.last);
  if (typeof dentry === 'number') return dentry;
  if (dentry.inode !== null) return EEXIST;
  // "name/" is only possible for a directory that is about to exist.
  if (trailing && !isDirectory) return ENOENT;
  if (parentMount.readOnly) return EROFS;
  const denied = type < 0 ? 0 : landlockMake(ctx, parentMount, dentry.parent, type);
  if (denied < 0) return denied as Errno;
  const may = mayCreate(ctx, dentry.parent, dentry, parentMount.idmap);
  return may < 0 ? (may as Errno) : dentry;
}

/** True if something is mounted on `d` in the caller's mount namespace; what others mounted there does not hold it (is_local_mountpoint). */
function isLocalMountPoint(ctx: VfsContext, d: Dentry): boolean {
  return d.mounts !== null && (ctx.mountNamespace === null || d.mounts.some((m) => m.ns === ctx.mountNamespace));
}

/** Makes the negative dentry positive and tells inotify. */
function created(ctx: VfsContext, dentry: Dentry, inode: Inode | Errno): number {
  if (typeof inode === 'number') return inode;
  dentry.inode = inode;
  adoptThrough(ctx, dentry.parent.inode!, inode, parentMount.idmap); // walked
  notifyEntry(dentry.parent, IN_CREATE, dentry);
  return 0;
}

export function makeDirectory(ctx: VfsContext, base: Path | null, name: string, mode: number): number {
  const d = createTarget(ctx, base, name, true, S_IFDIR);
  if (typeof d === 'number') return d;
  const dir = d.parent.inode!;
  if (dir.nlink >= LINK_MAX) return EMLINK;
  return created(ctx, d, dir.mkdir(ctx, d.name, S_IFDIR | (mode & 0o1777 & ~ctx.fs.umask)));
}

/** mknod(2): regular files, FIFOs, sockets, devices (CAP_MKNOD; a 0:0 character device is an overlay whiteout and free). */
export function makeNode(ctx: VfsContext, base: Path | null, name: string, mode: number, rdev: number): number {
  const type = mode & S_IFMT;
  switch (type) {
    case 0:
    case S_IFREG:
    case S_IFCHR:
    case S_IFBLK:
    case S_IFIFO:
    case S_IFSOCK:
      break;
    case S_IFDIR:
      return EPERM;
    default:
      return EINVAL;
  }
  const d = createTarget(ctx, base, name, false, type);
  if (typeof d === 'number') return d;
  const dir = d.parent.inode!;
  const perm = mode & 0o7777 & ~ctx.fs.umask;
  if (type === 0 || type === S_IFREG) return created(ctx, d, dir.create(ctx, d.name, S_IFREG | perm));
  const whiteout = type === S_IFCHR && rdev === 0;
  if ((type === S_IFCHR || type === S_IFBLK) && !whiteout && !ctx.credentials.capableInInit(CAP_MKNOD)) return EPERM;
  if ((type === S_IFCHR || type === S_IFBLK) && !whiteout && ctx.deviceAllowed?.(type === S_IFBLK ? DEVICE_BLOCK : DEVICE_CHAR, rdev, DEVICE_MKNOD) === false) return EPERM;
  return created(ctx, d, dir.mknod(ctx, d.name, type | perm, rdev));
}

/** For bind(2) of AF_UNIX: the new socket inode's dentry. EADDRINUSE is the caller's translation of EEXIST. */
export function makeSocketNode(ctx: VfsContext, name: string, mode: number): { mount: Mount; dentry: Dentry } | Errno {
  const d = createTarget(ctx, null, name, false, S_IFSOCK);
  if (typeof d === 'number') return d;
  const r = created(ctx, d, d.parent.inode!.mknod(ctx, d.name, S_IFSOCK | (mode & 0o777 & ~ctx.fs.umask), 0));
  return r < 0 ? (r as Errno) : { mount: parentMount, dentry: d };
}

export function makeSymlink(ctx: VfsContext, target: string, base: Path | null, name: string): number {
  const d = createTarget(ctx, base, name, false, S_IFLNK);
  if (typeof d === 'number') return d;
  return created(ctx, d, d.parent.inode!.symlink(ctx, d.name, target));
}

/** linkat(2). */
export function makeLink(ctx: VfsContext, oldBase: Path | null, oldName: string, newBase: Path | null, newName: string, flags: number): number {
  let lookup = flags & AT_SYMLINK_FOLLOW ? LOOKUP_FOLLOW : 0;
  if (flags & AT_EMPTY_PATH) {
    if (oldName === '' && !ctx.credentials.capable(CAP_DAC_READ_SEARCH) && oldBase === null) return ENOENT;
    lookup |= LOOKUP_EMPTY;
  }
  const r = pathWalk.walk(ctx, oldBase, oldName, lookup, 0);
  if (r < 0) return r;
  const oldMount = pathWalk.mount;
  const oldDentry = pathWalk.dentry;
  const inode = pathWalk.inode;
  const d = createTarget(ctx, newBase, newName, false);
  if (typeof d === 'number') return d;
  if (oldMount !== parentMount) return EXDEV;
  const referred = landlockRefer(ctx, parentMount, oldDentry, oldDentry.parent, d.parent, null, false, false);
  if (referred < 0) return referred;
  const dir = d.parent.inode!;
  if (inode.sb !== dir.sb) return EXDEV;
  if (inode.sb.vfs.protectedHardlinks && !mayLinkProtected(ctx, inode, oldMount)) return EPERM;
  if (inode.flags & (S_APPEND | S_IMMUTABLE)) return EPERM;
  if (inode.isDirectory) return EPERM;
  if (inode.nlink === 0 && !inode.linkable) return ENOENT;
  if (inode.nlink >= LINK_MAX) return EMLINK;
  const linked = dir.link(ctx, inode, d.name);
  if (linked < 0) return linked;
  d.inode = inode;
  if (inode.linkable) {
    inode.linkable = false;
    if (!oldDentry.hashed) oldDentry.move(d.parent, d.name);
  }
  notifyInode(inode, IN_ATTRIB);
  notifyEntry(d.parent, IN_CREATE, d);
  return 0;
}

/** fs.protected_hardlinks: only safe files of others, or own ones, may be linked. */
function mayLinkProtected(ctx: VfsContext, inode: Inode, mount: Mount): boolean {
  if (ownerOrCapable(ctx.credentials, inode, mount.idmap)) return true;
  if (!inode.isRegular || inode.mode & S_ISUID || (inode.mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) return false;
  return inodePermission(ctx, inode, MAY_READ | MAY_WRITE, mount.idmap) === 0;
}

export function unlinkName(ctx: VfsContext, base: Path | null, name: string): number {
  const r = pathWalk.walk(ctx, base, name, LOOKUP_PARENT, 0);
  if (r < 0) return r;
  if (pathWalk.lastType !== LAST_NORM) return EISDIR;
  const mount = pathWalk.mount;
  const trailing = pathWalk.trailingSlash;
  const d = lookupChild(ctx, pathWalk.dentry, pathWalk.last);
  if (typeof d === 'number') return d;
  const inode = d.inode;
  if (mount.readOnly) return EROFS;
  if (inode === null) return ENOENT;
  if (trailing) return inode.isDirectory ? EISDIR : ENOTDIR;
  const dir = d.parent.inode!;
  const denied = landlockRemove(ctx, mount, d.parent, false);
  if (denied < 0) return denied;
  const may = mayDelete(ctx, dir, d, false, mount.idmap);
  if (may < 0) return may;
  if (isLocalMountPoint(ctx, d)) return EBUSY;
  const done = dir.unlink(ctx, d.name, inode);
  if (done < 0) return done;
  removed(d, inode);
  return 0;
}

/** The name is gone: the cache forgets it, inotify is told. */
function removed(d: Dentry, inode: Inode): void {
  const parent = d.parent;
  d.unhash();
  detachMounts(d);
  // A file that is still open ends with its last close (FileDescription.unref).
  if (!inode.isDirectory) notifyInode(inode, IN_ATTRIB);
  if (inode.nlink === 0 && inode.openCount === 0) notifyInode(inode, IN_DELETE_SELF);
  notifyEntry(parent, IN_DELETE, d);
}

export function removeDirectory(ctx: VfsContext, base: Path | null, name: string): number {
  const r = pathWalk.walk(ctx, base, name, LOOKUP_PARENT, 0);
  if (r < 0) return r;
  switch (pathWalk.lastType) {
    case LAST_DOTDOT:
      return ENOTEMPTY;
    case LAST_DOT:
      return EINVAL;
    case LAST_ROOT:
      return EBUSY;
  }
  const mount = pathWalk.mount;
  const d = lookupChild(ctx, pathWalk.dentry, pathWalk.last);
  if (typeof d === 'number') return d;
  const inode = d.inode;
  if (mount.readOnly) return EROFS;
  if (inode === null) return ENOENT;
  const dir = d.parent.inode!;
  const denied = landlockRemove(ctx, mount, d.parent, true);
  if (denied < 0) return denied;
  const may = mayDelete(ctx, dir, d, true, mount.idmap);
  if (may < 0) return may;
  if (isLocalMountPoint(ctx, d)) return EBUSY;
  const done = dir.rmdir(ctx, d.name, inode);
  if (done < 0) return done;
  removed(d, inode);
  return 0;
}

/** renameat2(2). */
export function renameName(ctx: VfsContext, oldBase: Path | null, oldName: string, newBase: Path | null, newName: string, flags: number): number {
  if (flags & ~(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)) return EINVAL;
  if (flags & RENAME_EXCHANGE && flags & (RENAME_NOREPLACE | RENAME_WHITEOUT)) return EINVAL;
  let r = pathWalk.walk(ctx, oldBase, oldName, LOOKUP_PARENT, 0);
  if (r < 0) return r;
  const oldMount = pathWalk.mount;
  const oldParent = pathWalk.dentry;
  const oldLast = pathWalk.last;
  const oldType = pathWalk.lastType;
  const oldSlash = pathWalk.trailingSlash;
  r = pathWalk.walk(ctx, newBase, newName, LOOKUP_PARENT, 0);
  if (r < 0) return r;
  const newParent = pathWalk.dentry;
  const newSlash = pathWalk.trailingSlash;
  if (oldMount !== pathWalk.mount) return EXDEV;
  if (oldType !== LAST_NORM) return EBUSY;
  if (pathWalk.lastType !== LAST_NORM) return flags & RENAME_NOREPLACE ? EEXIST : EBUSY;
  const newLast = pathWalk.last;
  if (oldMount.readOnly) return EROFS;
  const from = lookupChild(ctx, oldParent, oldLast);
  if (typeof from === 'number') return from;
  const inode = from.inode;
  if (inode === null) return ENOENT;
  const to = lookupChild(ctx, newParent, newLast);
  if (typeof to === 'number') return to;
  if (flags & RENAME_NOREPLACE && to.inode !== null) return EEXIST;
  if (flags & RENAME_EXCHANGE) {
    if (to.inode === null) return ENOENT;
    if (!to.inode.isDirectory && newSlash) return ENOTDIR;
  }
  if (!inode.isDirectory) {
    if (oldSlash) return ENOTDIR;
    if ((flags & RENAME_EXCHANGE) === 0 && newSlash) return ENOTDIR;
  }
  // A directory cannot go below itself, nor replace one above it.
  if (from.isAncestorOf(newParent)) return EINVAL;
  if (to.isAncestorOf(oldParent)) return flags & RENAME_EXCHANGE ? EINVAL : ENOTEMPTY;
  const referred = landlockRefer(ctx, oldMount, from, oldParent, newParent, to.inode, true, (flags & RENAME_EXCHANGE) !== 0);
  if (referred < 0) return referred;
  return renameEntry(ctx, oldMount, oldParent, from, newParent, to, flags);
}

function renameEntry(ctx: VfsContext, mount: Mount, oldParent: Dentry, from: Dentry, newParent: Dentry, to: Dentry, flags: number): number {
  const inode = from.inode!;
  const target = to.inode;
  const oldDir = oldParent.inode!;
  const newDir = newParent.inode!;
  if (inode === target) return 0;
  const isDir = inode.isDirectory;
  let r = mayDelete(ctx, oldDir, from, isDir, mount.idmap);
  if (r < 0) return r;
  if (target === null) r = mayCreate(ctx, newParent, to, mount.idmap);
  else r = mayDelete(ctx, newDir, to, flags & RENAME_EXCHANGE ? target.isDirectory : isDir, mount.idmap);
  if (r < 0) return r;
  // A directory that changes its parent has its ".." written.
  if (newDir !== oldDir) {
    if (isDir) {
      r = inodePermission(ctx, inode, MAY_WRITE, mount.idmap);
      if (r < 0) return r;
    }
    if (flags & RENAME_EXCHANGE && target!.isDirectory) {
      r = inodePermission(ctx, target!, MAY_WRITE, mount.idmap);
      if (r < 0) return r;
    }
  }
  if (isLocalMountPoint(ctx, from) || isLocalMountPoint(ctx, to)) return EBUSY;
  r = oldDir.rename(ctx, from.name, inode, newDir, to.name, target, flags);
  if (r < 0) return r;
  const oldName = from.name;
  const newName = to.name;
  const cookie = nextRenameCookie();
  if (flags & RENAME_EXCHANGE) {
    from.unhash();
    to.unhash();
    from.move(newParent, newName);
    to.move(oldParent, oldName);
    notifyEntry(newParent, IN_MOVED_FROM, to, nextRenameCookie(), newName);
    notifyEntry(oldParent, IN_MOVED_TO, to, cookie, oldName);
    notifyInode(target!, IN_MOVE_SELF);
  } else {
    if (target !== null) {
      to.unhash();
      detachMounts(to);
    } else newParent.children?.delete(newName);
    from.move(newParent, newName);
  }
  notifyRename(oldParent, oldName, newParent, newName, from);
  notifyEntry(oldParent, IN_MOVED_FROM, from, cookie, oldName);
  notifyEntry(newParent, IN_MOVED_TO, from, cookie, newName);
  notifyInode(inode, IN_MOVE_SELF);
  if (target !== null && (flags & RENAME_EXCHANGE) === 0) {
    if (!target.isDirectory) notifyInode(target, IN_ATTRIB);
    if (target.nlink === 0 && target.openCount === 0) notifyInode(target, IN_DELETE_SELF);
  }
  return 0;
}
