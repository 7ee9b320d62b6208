/** Landlock's say in what happens to files: each right has to be granted by a rule on the file or a directory above it. Linux 6.18 security/landlock/fs.c. */
import { EACCES, EXDEV } from '../abi/errno.ts';
import {
  ACCESS_FS_ALL, ACCESS_FS_EXECUTE, ACCESS_FS_FILE, ACCESS_FS_IOCTL_DEV, ACCESS_FS_MAKE_BLOCK, ACCESS_FS_MAKE_CHAR, ACCESS_FS_MAKE_DIR, ACCESS_FS_MAKE_FIFO, ACCESS_FS_MAKE_REG,
  ACCESS_FS_MAKE_SOCK, ACCESS_FS_MAKE_SYM, ACCESS_FS_READ_DIR, ACCESS_FS_READ_FILE, ACCESS_FS_REFER, ACCESS_FS_REMOVE_DIR, ACCESS_FS_REMOVE_FILE, ACCESS_FS_TRUNCATE, ACCESS_FS_WRITE_FILE,
} from '../abi/landlock.ts';
import { S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFSOCK } from '../abi/stat.ts';
import type { LandlockLayer } from '../auth/landlock-domain.ts';
import type { VfsContext } from './context.ts';
import type { Dentry } from './dentry.ts';
import type { FileDescription } from './file-description.ts';
import type { Inode } from './inode.ts';
import type { Mount, Path } from './mount.ts';

/** Rights of `wanted` that `layer` denies at the place: those that no rule on it or above it grants. */
function deniedAt(layer: LandlockLayer, mount: Mount, dentry: Dentry, wanted: number): number {
  let left = wanted;
  let m = mount;
  let d: Dentry = dentry;
  while (left !== 0) {
    if (d.inode !== null) left &= ~(layer.paths.get(d.inode) ?? 0);
    if (d === m.root) {
      // Out of the mount, at the place where it is; at the top (or nowhere) it ends.
      if (m.parent === null || m.mountpoint === null) break;
      d = m.mountpoint;
      m = m.parent;
      // The mount point itself is covered: its parent counts next.
      if (d === m.root) continue;
      d = d.parent;
      continue;
    }
    // A directory that was moved out of what a bind mount shows counts as standing at the mount all the same.
    d = d.parent === d ? m.root : d.parent;
  }
  return left;
}

/** 0 if every layer grants `wanted` at the place, else EACCES. Files of no tree (pipes, sockets) are always granted. */
function check(ctx: VfsContext, mount: Mount, dentry: Dentry, wanted: number): number {
  const { domain } = ctx.credentials;
  if (domain === null || dentry.sb.pseudoName(dentry) !== null) return 0;
  for (const layer of domain.layers) if (deniedAt(layer, mount, dentry, wanted & layer.handledFs) !== 0) return EACCES;
  return 0;
}

/** The right to make a file of that type. */
export function makeRight(mode: number): number {
  switch (mode & S_IFMT) {
    case S_IFLNK:
      return ACCESS_FS_MAKE_SYM;
    case S_IFDIR:
      return ACCESS_FS_MAKE_DIR;
    case S_IFCHR:
      return ACCESS_FS_MAKE_CHAR;
    case S_IFBLK:
      return ACCESS_FS_MAKE_BLOCK;
    case S_IFIFO:
      return ACCESS_FS_MAKE_FIFO;
    case S_IFSOCK:
      return ACCESS_FS_MAKE_SOCK;
    default:
      return ACCESS_FS_MAKE_REG;
  }
}

/** May a file of type `mode` be made in `dir`: 0 or EACCES. */
export function landlockMake(ctx: VfsContext, mount: Mount, dir: Dentry, mode: number): number {
  return ctx.credentials.domain === null ? 0 : check(ctx, mount, dir, makeRight(mode));
}
/** May an entry of `dir` be removed. */
export function landlockRemove(ctx: VfsContext, mount: Mount, dir: Dentry, isDirectory: boolean): number {
  return ctx.credentials.domain === null ? 0 : check(ctx, mount, dir, isDirectory ? ACCESS_FS_REMOVE_DIR : ACCESS_FS_REMOVE_FILE);
}
/** May a file be truncated by name, or as it is opened. */
export function landlockTruncate(ctx: VfsContext, mount: Mount, dentry: Dentry): number {
  return ctx.credentials.domain === null ? 0 : check(ctx, mount, dentry, ACCESS_FS_TRUNCATE);
}
/** May the tree of mounts be changed: not under a domain that handles files (Linux hook_sb_mount). */
export function landlockForbidsMounting(ctx: VfsContext): boolean {
  return ctx.credentials.domain?.layers.some((l) => l.handledFs !== 0) ?? false;
}

/** May the file be opened like that: 0 or EACCES. What the description may be used for later is `laterRights`. */
export function landlockOpen(ctx: VfsContext, path: Path, inode: Inode, reads: boolean, writes: boolean, executes: boolean): number {
  if (ctx.credentials.domain === null) return 0;
  let wanted = writes ? ACCESS_FS_WRITE_FILE : 0;
  if (reads) wanted |= inode.isDirectory ? ACCESS_FS_READ_DIR : ACCESS_FS_READ_FILE;
  if (executes) wanted |= ACCESS_FS_EXECUTE;
  return check(ctx, path.mount, path.dentry, wanted);
}
/** Rights that an open description keeps being denied, decided when it is opened (ACCESS_FS_TRUNCATE, ACCESS_FS_IOCTL_DEV). */
export function deniedLater(ctx: VfsContext, path: Path, inode: Inode): number {
  const { domain } = ctx.credentials;
  if (domain === null || path.dentry.sb.pseudoName(path.dentry) !== null) return 0;
  const type = inode.mode & S_IFMT;
  const wanted = ACCESS_FS_TRUNCATE | (type === S_IFCHR || type === S_IFBLK ? ACCESS_FS_IOCTL_DEV : 0);
  let denied = 0;
  for (const layer of domain.layers) denied |= deniedAt(layer, path.mount, path.dentry, wanted & layer.handledFs);
  return denied;
}
export function truncateDenied(file: FileDescription): boolean {
  return (file.landlockDenied & ACCESS_FS_TRUNCATE) !== 0;
}
export function deviceIoctlDenied(file: FileDescription): boolean {
  return (file.landlockDenied & ACCESS_FS_IOCTL_DEV) !== 0;
}

/**
 * May `from` get a (further) name `to` in `newDir`: link and rename. `removes`: its old name goes. EACCES for a right that is missing; EXDEV where
 * REFER is not granted, or the file would get rights in the new place that it did not have. Linux current_check_refer_path().
 */
export function landlockRefer(ctx: VfsContext, mount: Mount, from: Dentry, oldParent: Dentry, newDir: Dentry, to: Inode | null, removes: boolean, exchange: boolean): number {
  const { domain } = ctx.credentials;
  const inode = from.inode;
  if (domain === null || inode === null) return 0;
  const remove = (i: Inode | null): number => (i === null || !removes ? 0 : i.isDirectory ? ACCESS_FS_REMOVE_DIR : ACCESS_FS_REMOVE_FILE);
  const atOld = (exchange && to !== null ? makeRight(to.mode) : 0) | remove(inode);
  const atNew = makeRight(inode.mode) | remove(to);
  if (oldParent === newDir) return check(ctx, mount, newDir, atOld | atNew);
  let refused = 0;
  for (const layer of domain.layers) {
    if (layer.handledFs === 0) continue;
    // Layers that do not know REFER deny it all the same.
    const handled = layer.handledFs | ACCESS_FS_REFER;
    const oldDenied = deniedAt(layer, mount, oldParent, handled);
    const newDenied = deniedAt(layer, mount, newDir, handled);
    const missing = ((atOld | ACCESS_FS_REFER) & oldDenied) | ((atNew | ACCESS_FS_REFER) & newDenied);
    if (missing & ~ACCESS_FS_REFER) return EACCES;
    if (missing !== 0 || gains(layer, mount, from, inode, newDenied) || (exchange && to !== null && gainsBack(layer, to, newDenied, oldDenied))) refused = EXDEV;
  }
  return refused;
}
/** Something that the file is denied where it is would be granted where `denied` holds. */
function gains(layer: LandlockLayer, mount: Mount, from: Dentry, inode: Inode, denied: number): boolean {
  const rights = inode.isDirectory ? ACCESS_FS_ALL : ACCESS_FS_FILE;
  return (deniedAt(layer, mount, from, (layer.handledFs | ACCESS_FS_REFER) & rights) & ~denied) !== 0;
}
function gainsBack(layer: LandlockLayer, to: Inode, here: number, there: number): boolean {
  const rights = to.isDirectory ? ACCESS_FS_ALL : ACCESS_FS_FILE;
  return (here & ~(layer.paths.get(to) ?? 0) & rights & ~there) !== 0;
}
