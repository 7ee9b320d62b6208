/** Merged directories: Linux fs/overlayfs/namei.c, dir.c, readdir.c. */
import type { Errno } from '../../abi/errno.ts';
import { EINVAL, ENOENT, ENOTEMPTY, EPERM, EXDEV } from '../../abi/errno.ts';
import { RENAME_EXCHANGE, RENAME_NOREPLACE } from '../../abi/fcntl.ts';
import { DT_CHR, S_IFCHR, S_IFDIR, S_IFMT } from '../../abi/stat.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { EntryLister } from '../../vfs/directory-file.ts';
import type { DirectoryEmitter, FileDescription } from '../../vfs/file-description.ts';
import { ATTR_CTIME, type Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import { copyMetadata } from './copy-up.ts';
import { OverlayInode } from './inode.ts';
import type { OverlayFs } from './overlay-fs.ts';
import { MergedDirectoryFile } from './merged-directory-file.ts';

const OPAQUE_VALUE: Uint8Array = Uint8Array.of(0x79);

export interface MergedEntry {
  readonly name: string;
  readonly ino: number;
  readonly dtype: number;
}

/** Collects the entries of one layer. */
class LayerListing implements DirectoryEmitter {
  readonly names: string[] = [];
  readonly inos: number[] = [];
  readonly types: number[] = [];
  emit(name: string, ino: number, dtype: number): boolean {
    if (name !== '.' && name !== '..') {
      this.names.push(name);
      this.inos.push(ino);
      this.types.push(dtype);
    }
    return true;
  }
}

function isLister(inode: Inode): inode is Inode & EntryLister {
  return 'list' in inode;
}

function isOpaque(ctx: VfsContext, ovl: OverlayFs, dir: Inode): boolean {
  const v = dir.getxattr(ctx, ovl.xattrPrefix + 'opaque');
  return typeof v !== 'number' && v.length === 1 && v[0] === 0x79;
}

export class OverlayDirectory extends OverlayInode {
  /** Lower directories that show through, topmost first. */
  private readonly lowers: Inode[];

  constructor(ovl: OverlayFs, upper: Inode | null, lowers: Inode[], parent: OverlayDirectory | null, name: string) {
    super(ovl, upper, lowers[0] ?? null);
    this.lowers = lowers;
    if (upper !== null) ovl.remember(upper, this);
    if (lowers.length > 0) ovl.remember(lowers[0]!, this);
    if (parent !== null) this.addAlias(parent, name);
    if (!ovl.transparent && upper !== null && lowers.length > 0) this.nlink = 1;
  }

  override copyAttributes(): void {
    super.copyAttributes();
    // The root's overlay looks like one file system: sizes of directories are the lower one's.
    if (this.ovl.transparent && this.lower !== null) {
      this.size = this.lower.size;
      this.blocks = this.lower.blocks;
    }
  }

  override lookup(ctx: VfsContext, name: string): Inode | Errno {
    const ovl = this.ovl;
    let upper: Inode | null = null;
    if (this.upper !== null) {
      const u = this.upper.lookup(ctx, name);
      if (typeof u !== 'number') {
        if (this.ovl.isWhiteout(u)) return ENOENT;
        if (!u.isDirectory) return ovl.fileInode(u, null, this, name);
        const known = ovl.known(u);
        if (known !== undefined) return known;
        upper = u;
      } else if (u !== ENOENT) return u;
    }
    const found: Inode[] = [];
    if (upper === null || !isOpaque(ctx, ovl, upper)) {
      for (const lower of this.lowers) {
        const l = lower.lookup(ctx, name);
        if (typeof l === 'number') {
          if (l === ENOENT) continue;
          return l;
        }
        if (this.ovl.isWhiteout(l)) break;
        if (!l.isDirectory) {
          if (upper === null && found.length === 0) return ovl.fileInode(null, l, this, name);
          break;
        }
        found.push(l);
        if (this.lowers.length > 1 && isOpaque(ctx, ovl, l)) break;
      }
    }
    if (upper === null && found.length === 0) return ENOENT;
    if (upper === null) {
      const known = ovl.known(found[0]!);
      if (known !== undefined) return known;
    }
    return new OverlayDirectory(ovl, upper, found, this, name);
  }

  /** True if a lower layer shows something under `name`: removing the upper entry needs a whiteout. */
  private lowerHas(ctx: VfsContext, name: string): boolean {
    for (const lower of this.lowers) {
      const l = lower.lookup(ctx, name);
      if (typeof l !== 'number') return !this.ovl.isWhiteout(l);
    }
    return false;
  }

  override copyUp(ctx: VfsContext): number {
    if (this.upper !== null) return 0;
    const w = this.ovl.checkWritable();
    if (w < 0) return w;
    const place = this.place;
    if (place === undefined) return ENOENT;
    const r = place.dir.copyUp(ctx);
    if (r < 0) return r;
    const made = place.dir.upper!.mkdir(ctx, place.name, S_IFDIR | 0o700); // just copied up
    if (typeof made === 'number') return made;
    const m = copyMetadata(ctx, this.lower!, made, this.ovl.xattrPrefix); // no upper: there is a lower one
    if (m < 0) return m;
    this.upper = made;
    made.openCount++;
    this.ovl.remember(made, this);
    this.copyAttributes();
    return 0;
  }

  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    return new MergedDirectoryFile(path, flags, this);
  }

  /** Everything that shows: upper entries first, then each lower layer's that are not covered. An errno if a layer cannot be read. */
  merge(ctx: VfsContext): MergedEntry[] | Errno {
    const out: MergedEntry[] = [];
    const covered = this.upper !== null || this.lowers.length > 1 ? new Set<string>() : null;
    const layers = this.upper !== null ? [this.upper, ...this.lowers] : this.lowers;
    for (const layer of layers) {
      if (!isLister(layer)) continue;
      const listing = new LayerListing();
      const r = layer.list(ctx, 0, layer.ino, listing);
      if (r < 0) return r as Errno;
      const { names, inos, types } = listing;
      const base = this.ovl.inoOf(layer) - layer.ino;
      for (let i = 0; i < names.length; i++) {
        const name = names[i]!;
        if (covered !== null) {
          if (covered.has(name)) continue;
          covered.add(name);
        }
        let ino = inos[i]! + base;
        if (types[i] === DT_CHR || layer === this.upper) {
          const real = layer.lookup(ctx, name);
          if (typeof real !== 'number') {
            if (this.ovl.isWhiteout(real)) continue;
            const known = this.ovl.known(real);
            if (known !== undefined) ino = known.ino;
            else if (real.isDirectory && layer === this.upper) {
              // Its number is that of the lower directory below it.
              const merged = this.lookup(ctx, name);
              if (typeof merged !== 'number') ino = merged.ino;
            }
          }
        }
        out.push({ name, ino, dtype: types[i]! });
      }
    }
    return out;
  }

  /** The upper directory, ready for an entry `name`: copied up, and without a whiteout of that name. `had`: there was one. */
  private prepare(ctx: VfsContext, name: string): { dir: Inode; had: boolean } | Errno {
    const r = this.copyUp(ctx);
    if (r < 0) return r as Errno;
    const dir = this.upper!; // copied up
    const there = dir.lookup(ctx, name);
    if (typeof there !== 'number' && this.ovl.isWhiteout(there)) {
      const u = dir.unlink(ctx, name, there);
      if (u < 0) return u as Errno;
      return { dir, had: true };
    }
    return { dir, had: false };
  }

  private whiteout(ctx: VfsContext, name: string): number {
    const r = this.upper!.mknod(ctx, name, S_IFCHR, this.ovl.whiteoutRdev); // callers copied up
    return typeof r === 'number' ? r : 0;
  }

  /** Ends the making of `name`: undoes the removal of a whiteout if nothing was made. */
  private made(ctx: VfsContext, name: string, inode: Inode | Errno, had: boolean): Inode | Errno {
    if (typeof inode === 'number') {
      if (had) this.whiteout(ctx, name);
      return inode;
    }
    this.copyAttributes();
    return this.ovl.fileInode(inode, null, this, name);
  }

  override create(ctx: VfsContext, name: string, mode: number): Inode | Errno {
    const p = this.prepare(ctx, name);
    return typeof p === 'number' ? p : this.made(ctx, name, p.dir.create(ctx, name, mode), p.had);
  }
  override mknod(ctx: VfsContext, name: string, mode: number, rdev: number): Inode | Errno {
    // A whiteout of somebody else's making is not for this layer.
    if ((mode & S_IFMT) === S_IFCHR && rdev === this.ovl.whiteoutRdev) return EPERM;
    const p = this.prepare(ctx, name);
    return typeof p === 'number' ? p : this.made(ctx, name, p.dir.mknod(ctx, name, mode, rdev), p.had);
  }
  override symlink(ctx: VfsContext, name: string, target: string): Inode | Errno {
    const p = this.prepare(ctx, name);
    return typeof p === 'number' ? p : this.made(ctx, name, p.dir.symlink(ctx, name, target), p.had);
  }
  override mkdir(ctx: VfsContext, name: string, mode: number): Inode | Errno {
    const p = this.prepare(ctx, name);
    if (typeof p === 'number') return p;
    const inode = p.dir.mkdir(ctx, name, mode);
    if (typeof inode === 'number') return this.made(ctx, name, inode, p.had);
    // What the whiteout hid must stay hidden.
    if (p.had) inode.setxattr(ctx, this.ovl.xattrPrefix + 'opaque', OPAQUE_VALUE, 0);
    if (this.ovl.transparent || this.lower === null) this.nlink++;
    this.copyAttributes();
    return new OverlayDirectory(this.ovl, inode, [], this, name);
  }
  override tmpfile(ctx: VfsContext, mode: number): Inode | Errno {
    const r = this.copyUp(ctx);
    if (r < 0) return r as Errno;
    const inode = this.upper!.tmpfile(ctx, mode); // copied up
    if (typeof inode === 'number') return inode;
    const o = this.ovl.fileInode(inode, null, this, '');
    o.removeAlias(this, '');
    return o;
  }
  override link(ctx: VfsContext, target: Inode, name: string): number {
    const file = target as OverlayInode;
    let r = file.copyUp(ctx);
    if (r < 0) return r;
    const p = this.prepare(ctx, name);
    if (typeof p === 'number') return p;
    r = p.dir.link(ctx, file.upper!, name); // copied up
    if (r < 0) {
      if (p.had) this.whiteout(ctx, name);
      return r;
    }
    file.nlink++;
    file.addAlias(this, name);
    file.touch(ATTR_CTIME);
    file.copyAttributes();
    this.copyAttributes();
    return 0;
  }

  /** Takes `name` out of the upper layer, if it is there, and hides the lower one, if there is one. */
  private hide(ctx: VfsContext, name: string): number {
    const lower = this.lowerHas(ctx, name);
    if (lower || this.upper !== null) {
      const r = this.copyUp(ctx);
      if (r < 0) return r;
    }
    const upper = this.upper;
    if (upper !== null) {
      const u = upper.lookup(ctx, name);
      if (typeof u !== 'number') {
        const r = u.isDirectory ? upper.rmdir(ctx, name, u) : upper.unlink(ctx, name, u);
        if (r < 0) return r;
      }
      if (lower) {
        const r = this.whiteout(ctx, name);
        if (r < 0) return r;
      }
    }
    this.copyAttributes();
    return 0;
  }

  override unlink(ctx: VfsContext, name: string, victim: Inode): number {
    const w = this.ovl.checkWritable();
    if (w < 0) return w;
    const r = this.hide(ctx, name);
    if (r < 0) return r;
    const file = victim as OverlayInode;
    file.removeAlias(this, name);
    file.dropLink();
    return 0;
  }

  /** True if nothing shows in it. */
  private empty(ctx: VfsContext): boolean {
    const entries = this.merge(ctx);
    return typeof entries === 'number' || entries.length === 0;
  }
  /** Removes the whiteouts from the upper part of a directory that shows nothing, so that it can go. */
  private clearWhiteouts(ctx: VfsContext): void {
    const upper = this.upper;
    if (upper === null || !isLister(upper)) return;
    const listing = new LayerListing();
    upper.list(ctx, 0, 0, listing);
    for (const name of listing.names) {
      const w = upper.lookup(ctx, name);
      if (typeof w !== 'number' && this.ovl.isWhiteout(w)) upper.unlink(ctx, name, w);
    }
  }

  override rmdir(ctx: VfsContext, name: string, victim: Inode): number {
    const w = this.ovl.checkWritable();
    if (w < 0) return w;
    const dir = victim as OverlayDirectory;
    if (!dir.empty(ctx)) return ENOTEMPTY;
    dir.clearWhiteouts(ctx);
    const r = this.hide(ctx, name);
    if (r < 0) return r;
    dir.goneFrom(this, name);
    return 0;
  }
  private goneFrom(parent: OverlayDirectory, name: string): void {
    this.removeAlias(parent, name);
    this.nlink = 0;
    if (parent.ovl.transparent || parent.lower === null) parent.nlink--;
    if (this.openCount === 0) this.evict();
  }

  override rename(ctx: VfsContext, name: string, inode: Inode, newDir: Inode, newName: string, victim: Inode | null, flags: number): number {
    const w = this.ovl.checkWritable();
    if (w < 0) return w;
    if (flags & ~(RENAME_EXCHANGE | RENAME_NOREPLACE)) return EINVAL;
    const from = inode as OverlayInode;
    const to = newDir as OverlayDirectory;
    const other = victim as OverlayInode | null;
    if (!this.ovl.redirect) {
      if (from instanceof OverlayDirectory && from.lowers.length > 0) return EXDEV;
      if (flags & RENAME_EXCHANGE && other instanceof OverlayDirectory && other.lowers.length > 0) return EXDEV;
    }
    let r = from.copyUp(ctx);
    if (r < 0) return r;
    r = to.copyUp(ctx);
    if (r < 0) return r;
    if (flags & RENAME_EXCHANGE) return this.exchange(ctx, name, from, to, newName, other!); // the VFS looked it up
    if (other instanceof OverlayDirectory) {
      if (!other.empty(ctx)) return ENOTEMPTY;
      other.clearWhiteouts(ctx);
    }
    const hidesLower = this.lowerHas(ctx, name);
    const covers = from.isDirectory && to.lowerHas(ctx, newName);
    const upperVictim = to.upper!.lookup(ctx, newName); // copied up
    let target: Inode | null = null;
    if (typeof upperVictim !== 'number') {
      // A whiteout or file cannot be replaced by a directory in one step.
      if (from.isDirectory && !upperVictim.isDirectory) to.upper!.unlink(ctx, newName, upperVictim);
      else target = upperVictim;
    }
    r = this.upper!.rename(ctx, name, from.upper!, to.upper!, newName, target, 0); // copied up
    if (r < 0) return r;
    if (hidesLower) this.whiteout(ctx, name);
    if (covers) from.upper!.setxattr(ctx, this.ovl.xattrPrefix + 'opaque', OPAQUE_VALUE, 0);
    if (other instanceof OverlayDirectory) other.goneFrom(to, newName);
    else if (other !== null) {
      other.removeAlias(to, newName);
      other.dropLink();
    }
    this.moved(from, name, to, newName);
    return 0;
  }

  private exchange(ctx: VfsContext, name: string, from: OverlayInode, to: OverlayDirectory, newName: string, other: OverlayInode): number {
    let r = other.copyUp(ctx);
    if (r < 0) return r;
    r = this.upper!.rename(ctx, name, from.upper!, to.upper!, newName, other.upper, RENAME_EXCHANGE); // all copied up
    if (r < 0) return r;
    this.moved(from, name, to, newName);
    to.moved(other, newName, this, name);
    return 0;
  }

  private moved(inode: OverlayInode, name: string, to: OverlayDirectory, newName: string): void {
    inode.removeAlias(this, name);
    inode.addAlias(to, newName);
    if (inode.isDirectory && to !== this && this.ovl.transparent) {
      this.nlink--;
      to.nlink++;
    }
    inode.copyAttributes();
    this.copyAttributes();
    to.copyAttributes();
  }
}

