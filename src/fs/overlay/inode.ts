/** Overlay inodes: attributes of the real one, copied up when they are to change. */
import type { Errno } from '../../abi/errno.ts';
import { ENODATA } from '../../abi/errno.ts';
import { O_ACCMODE, O_RDONLY } from '../../abi/fcntl.ts';
import { S_IFLNK, S_IFMT, S_IFREG } from '../../abi/stat.ts';
import type { MemoryObject } from '../../memory/memory-object.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import { ATTR_CTIME, ATTR_SIZE, Inode, type SetAttributes } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PagedFile } from '../../vfs/regular-file.ts';
import { copyData, copyMetadata } from './copy-up.ts';
import type { OverlayDirectory } from './directory.ts';
import { OverlayFile } from './file.ts';
import type { OverlayFs } from './overlay-fs.ts';

interface Alias {
  readonly dir: OverlayDirectory;
  readonly name: string;
}

export class OverlayInode extends Inode {
  readonly ovl: OverlayFs;
  upper: Inode | null;
  /** For a directory: the topmost of the lower ones. */
  lower: Inode | null;
  /** Names it was found by: a copy goes to one of them. */
  private aliases: Alias[] = [];

  constructor(ovl: OverlayFs, upper: Inode | null, lower: Inode | null) {
    const real = (lower ?? upper)!; // one of them is there
    super(ovl, ovl.inoOf(real), real.mode);
    this.ovl = ovl;
    this.upper = upper;
    this.lower = lower;
    this.dev = ovl.devOf(real);
    this.nlink = real.nlink;
    // As long as this inode may use it, the upper one is kept.
    if (upper !== null) upper.openCount++;
    this.copyAttributes();
  }

  get real(): Inode {
    return (this.upper ?? this.lower)!; // one of them is there
  }

  addAlias(dir: OverlayDirectory, name: string): void {
    for (const a of this.aliases) if (a.dir === dir && a.name === name) return;
    this.aliases.push({ dir, name });
  }
  removeAlias(dir: OverlayDirectory, name: string): void {
    this.aliases = this.aliases.filter((a) => a.dir !== dir || a.name !== name);
  }
  /** A name it is known by, for copying a directory up. */
  get place(): Alias | undefined {
    return this.aliases[0];
  }

  /** Takes over what the real inode says, but for its identity and link count. */
  copyAttributes(): void {
    const r = this.real;
    this.mode = r.mode;
    this.uid = r.uid;
    this.gid = r.gid;
    this.rdev = r.rdev;
    this.size = r.size;
    this.blocks = r.blocks;
    this.atimeSec = r.atimeSec;
    this.atimeNsec = r.atimeNsec;
    this.mtimeSec = r.mtimeSec;
    this.mtimeNsec = r.mtimeNsec;
    this.ctimeSec = r.ctimeSec;
    this.ctimeNsec = r.ctimeNsec;
    this.btimeSec = r.btimeSec;
    this.btimeNsec = r.btimeNsec;
    this.flags = r.flags;
  }

  override refresh(ctx: VfsContext): number {
    const r = this.real.refresh(ctx);
    if (r < 0) return r;
    this.copyAttributes();
    return 0;
  }

  /** Makes sure that there is an upper inode. `limit`: bytes of data worth copying. 0 or errno. */
  copyUp(ctx: VfsContext, limit: number = Infinity): number {
    if (this.upper !== null) return 0;
    const w = this.ovl.checkWritable();
    if (w < 0) return w;
    const lower = this.lower!; // no upper: then there is a lower one
    const place = this.aliases[0];
    let made: Inode | Errno;
    if (place === undefined) {
      // No name left: only open descriptions use it.
      made = this.ovl.upper!.tmpfile(ctx, S_IFREG | 0o600); // writable, so there is an upper layer
    } else {
      const dir = place.dir.copyUp(ctx);
      if (dir < 0) return dir;
      const upperDir = place.dir.upper!; // just copied up
      made = this.makeCopy(ctx, upperDir, place.name, lower);
    }
    if (typeof made === 'number') return made;
    if (lower.isRegular) {
      const r = copyData(ctx, pagedOf(lower), pagedOf(made), limit);
      if (r < 0) {
        if (place !== undefined) place.dir.upper!.unlink(ctx, place.name, made);
        return r;
      }
    }
    const r = copyMetadata(ctx, lower, made, this.ovl.xattrPrefix);
    if (r < 0) return r;
    this.upper = made;
    made.openCount++;
    this.ovl.remember(made, this);
    this.copyAttributes();
    return 0;
  }

  private makeCopy(ctx: VfsContext, dir: Inode, name: string, lower: Inode): Inode | Errno {
    switch (lower.mode & S_IFMT) {
      case S_IFREG:
        return dir.create(ctx, name, S_IFREG | 0o600);
      case S_IFLNK: {
        const target = lower.readlink(ctx);
        return typeof target === 'number' ? target : dir.symlink(ctx, name, target);
      }
      default:
        return dir.mknod(ctx, name, lower.mode, lower.rdev);
    }
  }

  override readlink(ctx: VfsContext): string | Errno {
    return this.real.readlink(ctx);
  }

  override setattr(ctx: VfsContext, attrs: SetAttributes): number {
    const up = this.copyUp(ctx, attrs.valid & ATTR_SIZE ? attrs.size : Infinity);
    if (up < 0) return up;
    const r = this.upper!.setattr(ctx, attrs); // copied up
    this.copyAttributes();
    return r;
  }

  override get keepsFlags(): boolean {
    return this.upper !== null && this.upper.keepsFlags;
  }

  override getxattr(ctx: VfsContext, name: string): Uint8Array | Errno {
    return name.startsWith(this.ovl.xattrPrefix) ? ENODATA : this.real.getxattr(ctx, name);
  }
  override setxattr(ctx: VfsContext, name: string, value: Uint8Array, flags: number): number {
    const up = this.copyUp(ctx);
    if (up < 0) return up;
    const r = this.upper!.setxattr(ctx, name, value, flags); // copied up
    this.copyAttributes();
    return r;
  }
  override removexattr(ctx: VfsContext, name: string): number {
    const there = this.getxattr(ctx, name);
    if (typeof there === 'number') return there;
    const up = this.copyUp(ctx);
    if (up < 0) return up;
    const r = this.upper!.removexattr(ctx, name); // copied up
    this.copyAttributes();
    return r;
  }
  override dropFileCapabilities(ctx: VfsContext): void {
    this.upper?.dropFileCapabilities(ctx);
  }
  override listxattr(ctx: VfsContext): string[] | Errno {
    const names = this.real.listxattr(ctx);
    return typeof names === 'number' ? names : names.filter((n) => !n.startsWith(this.ovl.xattrPrefix));
  }

  /** One name less. */
  dropLink(): void {
    this.nlink--;
    this.touch(ATTR_CTIME);
    if (this.nlink === 0 && this.openCount === 0) this.evict();
  }

  override evict(): void {
    const upper = this.upper;
    if (upper !== null && --upper.openCount === 0 && upper.nlink === 0) upper.evict();
  }
}

/** The file with the bytes behind an inode of a layer. */
function pagedOf(inode: Inode): PagedFile {
  return inode instanceof OverlayRegular ? inode.paged : (inode as PagedFile);
}

export class OverlayRegular extends OverlayInode {
  /** Where the bytes are now. */
  get paged(): PagedFile {
    // A layer may be an overlay itself.
    return pagedOf(this.real);
  }
  override get mapping(): MemoryObject | null {
    return this.real.mapping;
  }
  override openFile(ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    const acc = flags & O_ACCMODE;
    if (acc !== O_RDONLY && acc !== 3) {
      const r = this.copyUp(ctx);
      if (r < 0) return r as Errno;
    }
    // The real file system may refuse or prepare what it likes; its own description is not needed.
    const probe = this.real.probeOpen(ctx, flags);
    if (probe < 0) return probe as Errno;
    return new OverlayFile(path, flags, this);
  }
}

