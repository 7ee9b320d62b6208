/** From a string to a place: Linux fs/namei.c link_path_walk(), path_lookupat(), path_parentat(). */
import type { Errno } from '../abi/errno.ts';
import { EACCES, EISDIR, ELOOP, ENAMETOOLONG, ENOENT, ENOTDIR, EXDEV } from '../abi/errno.ts';
import { NAME_MAX, RESOLVE_BENEATH, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV } from '../abi/fcntl.ts';
import { MS_NOSYMFOLLOW } from '../abi/mount.ts';
import { S_IFDIR, S_IFLNK, S_IFMT } from '../abi/stat.ts';
import { touchAtime } from './atime.ts';
import type { VfsContext } from './context.ts';
import type { Dentry } from './dentry.ts';
import type { Inode } from './inode.ts';
import { shownUid } from './mount-id-map.ts';
import { type Mount, mountedOn, Path } from './mount.ts';
import { inodePermission, MAY_EXEC } from './permission.ts';

/** Follow a symbolic link in the last component. */
export const LOOKUP_FOLLOW = 1;
/** The result must be a directory. */
export const LOOKUP_DIRECTORY = 2;
/** An empty path means the start itself (AT_EMPTY_PATH). */
export const LOOKUP_EMPTY = 4;
/** Stop before the last component, which is left in `walk.last`. */
export const LOOKUP_PARENT = 8;
/** The last component may be missing: the walk ends at its negative entry (open with O_CREAT). */
export const LOOKUP_CREATE = 16;

/** Kinds of last component. */
export const LAST_NORM = 0;
export const LAST_ROOT = 1;
export const LAST_DOT = 2;
export const LAST_DOTDOT = 3;

const MAX_SYMLINKS = 40;
const SLASH = 47;
const DOT = 46;

/** Looks `name` up in `dir`: a dentry, negative if there is no such entry, or an errno. Permissions were checked. */
export function lookupChild(ctx: VfsContext, dir: Dentry, name: string): Dentry | Errno {
  const cached = dir.cachedChild(name);
  if (cached !== undefined) {
    const sb = dir.sb;
    if (sb.stable) return cached;
    if (cached.inode === null ? sb.cachesNegative : dir.inode!.revalidateEntry(ctx, name, cached.inode)) return cached;
    if (cached.mounts !== null) return cached;
    cached.unhash();
  }
  if (name.length > NAME_MAX) return ENAMETOOLONG;
  const inode = dir.inode!.lookup(ctx, name); // a directory that is walked is positive
  if (typeof inode !== 'number') return dir.addChild(name, inode);
  if (inode !== ENOENT) return inode;
  return keepNegative(dir.addChild(name, null));
}

/** Negative entries remembered for one file system: then the oldest is forgotten, so that a guest cannot fill memory with names that do not exist. */
const MAX_NEGATIVE = 32768;

function keepNegative(d: Dentry): Dentry {
  const { sb } = d;
  const at = sb.nextNegative;
  const old = sb.negatives[at];
  if (old !== undefined && old.inode === null && old.hashed) old.unhash();
  sb.negatives[at] = d;
  sb.nextNegative = (at + 1) % (sb.cachesNegative ? MAX_NEGATIVE : 64);
  return d;
}

/** A path string taken apart. */
interface ParsedPath {
  readonly names: readonly string[];
  readonly trailingSlash: boolean;
}

/** Paths seen lately: programs name the same few again and again. */
let parsedPaths = new Map<string, ParsedPath>();
const MAX_PARSED = 8192;

function parsePath(path: string): ParsedPath {
  // The target of /proc/self: a number that may never come again.
  const first = path.charCodeAt(0);
  if (first > 48 && first < 58 && path.length < 8 && !path.includes('/')) return { names: [path], trailingSlash: false };
  let parsed = parsedPaths.get(path);
  if (parsed === undefined) {
    parsed = { names: path.split('/').filter((n) => n !== ''), trailingSlash: path.charCodeAt(path.length - 1) === SLASH };
    if (parsedPaths.size >= MAX_PARSED) parsedPaths = new Map();
    parsedPaths.set(path, parsed);
  }
  return parsed;
}

/** False for a directory that was moved out of what a bind mount shows: there is no way up to it (Linux path_connected). */
function connected(mount: Mount, dentry: Dentry): boolean {
  return mount.root === mount.sb.root || dentry === mount.root || mount.root.isAncestorOf(dentry);
}

/**
 * One walk. The instance below is used over and over: system calls run to completion and read the result (mount, dentry, last …)
 * before the next walk starts.
 */
export class PathWalk {
  mount: Mount = null as unknown as Mount; // set by start() before any use
  dentry: Dentry = null as unknown as Dentry;
  /** With LOOKUP_PARENT: the last component and its kind; whether a slash followed it. */
  last = '';
  lastType: number = LAST_NORM;
  trailingSlash = false;
  private rootMount: Mount = null as unknown as Mount;
  private rootDentry: Dentry = null as unknown as Dentry;
  private links = 0;
  /** Paths that go on behind symbolic links being followed, and where in them. */
  private readonly rests: ParsedPath[] = [];
  private readonly restIndices: number[] = [];

  path(): Path {
    return new Path(this.mount, this.dentry);
  }
  get inode(): Inode {
    return this.dentry.inode!; // walks end at positive entries
  }

  /** Walks `name` from `base` (null: the working directory). 0, with the place in mount and dentry; or errno. */
  walk(ctx: VfsContext, base: Path | null, name: string, flags: number, resolve: number): number {
    const fs = ctx.fs;
    this.links = 0;
    if (this.rests.length > 0) this.rests.length = this.restIndices.length = 0;
    this.last = '';
    this.lastType = LAST_ROOT;
    this.trailingSlash = false;
    let start = base ?? fs.pwd;
    let root = fs.root;
    if (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) root = start;
    this.rootMount = root.mount;
    this.rootDentry = root.dentry;
    if (name.length === 0) {
      if ((flags & LOOKUP_EMPTY) === 0) return ENOENT;
      this.mount = start.mount;
      this.dentry = start.dentry;
      return 0;
    }
    if (name.charCodeAt(0) === SLASH) {
      if (resolve & RESOLVE_BENEATH) return EXDEV;
      if (resolve & RESOLVE_NO_XDEV && start.mount !== root.mount) return EXDEV;
      start = root;
    }
    this.mount = start.mount;
    this.dentry = start.dentry;
    const startInode = this.dentry.inode;
    if (startInode === null) return ENOENT;
    if ((startInode.mode & S_IFMT) !== S_IFDIR) return ENOTDIR;
    const r = this.components(ctx, name, flags, resolve);
    if (r < 0) return r;
    if ((flags & LOOKUP_DIRECTORY || this.trailingSlash) && (flags & LOOKUP_PARENT) === 0) {
      const inode = this.dentry.inode;
      if (inode !== null && !inode.isDirectory) return ENOTDIR;
    }
    return 0;
  }

  private components(ctx: VfsContext, path: string, flags: number, resolve: number): number {
    let parsed = parsePath(path);
    let index = 0;
    for (;;) {
      if (index === parsed.names.length) {
        // Nothing but slashes: go on behind the symbolic link we came from.
        if (this.rests.length === 0) return 0;
        parsed = this.rests.pop()!;
        index = this.restIndices.pop()!;
      }
      const access = inodePermission(ctx, this.dentry.inode!, MAY_EXEC, this.mount.idmap);
      if (access < 0) return access;
      const component = parsed.names[index++]!;
      if (index === parsed.names.length && this.rests.length > 0) {
        // What waits behind the symbolic link has components left.
        parsed = this.rests.pop()!;
        index = this.restIndices.pop()!;
      }
      const isLast = index === parsed.names.length;
      if (isLast && parsed.trailingSlash) {
        this.trailingSlash = true;
        // "name/" cannot be created by open, whatever is there.
        if (flags & LOOKUP_CREATE) return EISDIR;
      }
      let type = LAST_NORM;
      if (component.charCodeAt(0) === DOT) {
        if (component.length === 1) type = LAST_DOT;
        else if (component.length === 2 && component.charCodeAt(1) === DOT) type = LAST_DOTDOT;
      }
      if (isLast && flags & LOOKUP_PARENT) {
        this.last = component;
        this.lastType = type;
        return 0;
      }
      if (type === LAST_DOT) {
        if (isLast) return 0;
        continue;
      }
      if (type === LAST_DOTDOT) {
        const r = this.dotdot(resolve);
        if (r < 0) return r;
        if (isLast) return 0;
        continue;
      }
      const child = lookupChild(ctx, this.dentry, component);
      if (typeof child === 'number') return child;
      const inode = child.inode;
      if (inode === null) {
        if (!isLast || (flags & LOOKUP_CREATE) === 0) return ENOENT;
        this.dentry = child;
        return 0;
      }
      const fileType = inode.mode & S_IFMT;
      if (fileType === S_IFLNK && child.mounts === null && (!isLast || flags & LOOKUP_FOLLOW || this.trailingSlash)) {
        const target = this.enterLink(ctx, inode, resolve);
        if (typeof target === 'number') return target;
        if (typeof target === 'string') {
          if (!isLast) {
            this.rests.push(parsed);
            this.restIndices.push(index);
          }
          parsed = parsePath(target);
          index = 0;
          continue;
        }
        this.mount = target.mount;
        this.dentry = target.dentry;
        if (isLast) return 0;
        if (!target.dentry.inode!.isDirectory) return ENOTDIR;
        continue;
      }
      this.dentry = child;
      if (child.mounts !== null) {
        const r = this.crossMounts(resolve);
        if (r < 0) return r;
      }
      if (isLast) return 0;
      if ((this.dentry.inode!.mode & S_IFMT) !== S_IFDIR) return ENOTDIR;
    }
  }

  /** Follows what is mounted on the current place. */
  crossMounts(resolve: number): number {
    for (let m = mountedOn(this.mount, this.dentry); m !== null; m = mountedOn(m, m.root)) {
      if (resolve & RESOLVE_NO_XDEV) return EXDEV;
      this.mount = m;
      this.dentry = m.root;
    }
    return 0;
  }

  private dotdot(resolve: number): number {
    if (this.dentry === this.rootDentry && this.mount === this.rootMount) return resolve & RESOLVE_BENEATH ? EXDEV : 0;
    if (this.dentry === this.mount.root) {
      let m = this.mount;
      while (m.parent !== null && m.mountpoint !== null) {
        const at = m.mountpoint;
        m = m.parent;
        if (at === this.rootDentry && m === this.rootMount) {
          // The root itself is a mount point that we stand on top of: stay.
          if (resolve & RESOLVE_BENEATH) return EXDEV;
          return 0;
        }
        if (at !== m.root) {
          if (resolve & RESOLVE_NO_XDEV) return EXDEV;
          if (!connected(m, at.parent)) return ENOENT;
          this.mount = m;
          this.dentry = at.parent;
          return this.crossMounts(resolve);
        }
      }
      return resolve & RESOLVE_BENEATH ? EXDEV : 0;
    }
    const { parent } = this.dentry;
    if (!connected(this.mount, parent)) return ENOENT;
    this.dentry = parent;
    return this.dentry.mounts !== null ? this.crossMounts(resolve) : 0;
  }

  /** Checks and reads a symbolic link found in the current directory. A string is to be walked from here (or from the root: done here). */
  private enterLink(ctx: VfsContext, inode: Inode, resolve: number): string | Path | Errno {
    if (++this.links > MAX_SYMLINKS) return ELOOP;
    if (resolve & RESOLVE_NO_SYMLINKS || this.mount.flags & MS_NOSYMFOLLOW) return ELOOP;
    if (followProtected(ctx, this.dentry.inode!, inode, this.mount)) return EACCES;
    const target = inode.followLink(ctx);
    if (typeof target === 'number') return target;
    touchAtime(this.mount, inode, 0);
    if (typeof target === 'string') {
      if (target.length === 0) return ENOENT;
      if (target.charCodeAt(0) === SLASH) {
        if (resolve & RESOLVE_BENEATH) return EXDEV;
        if (resolve & RESOLVE_NO_XDEV && this.mount !== this.rootMount) return EXDEV;
        this.mount = this.rootMount;
        this.dentry = this.rootDentry;
      }
      return target;
    }
    if (resolve & RESOLVE_NO_MAGICLINKS) return ELOOP;
    if (resolve & (RESOLVE_BENEATH | RESOLVE_IN_ROOT)) return EXDEV;
    if (resolve & RESOLVE_NO_XDEV && target.mount !== this.mount) return EXDEV;
    return target;
  }
}

/** fs.protected_symlinks: in sticky world-writable directories only links of the follower or of the directory's owner are followed. */
function followProtected(ctx: VfsContext, dir: Inode, link: Inode, mount: Mount): boolean {
  if (!link.sb.vfs.protectedSymlinks || (dir.mode & 0o1002) !== 0o1002) return false;
  const owner = shownUid(mount.idmap, link.sb, link.uid);
  return owner !== ctx.credentials.fsuid && link.uid !== dir.uid;
}

/** The walk everybody uses. */
export const pathWalk: PathWalk = new PathWalk();

/** Walks to an existing place. `base` null: the working directory. */
export function walkPath(ctx: VfsContext, base: Path | null, name: string, flags: number, resolve: number = 0): Path | Errno {
  const r = pathWalk.walk(ctx, base, name, flags, resolve);
  return r < 0 ? (r as Errno) : pathWalk.path();
}
