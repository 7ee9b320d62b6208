/** The overlay instance. */
import { EINVAL, ENOTDIR, EROFS, type Errno } from '../../abi/errno.ts';
import { MS_RDONLY } from '../../abi/mount.ts';
import { OVERLAYFS_SUPER_MAGIC, S_IFCHR, S_IFMT } from '../../abi/stat.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { type FileSystemType, parseMountOptions } from '../../vfs/file-system.ts';
import type { Inode } from '../../vfs/inode.ts';
import { LOOKUP_DIRECTORY, LOOKUP_FOLLOW, walkPath } from '../../vfs/path-walk.ts';
import { type StatFs, SuperBlock } from '../../vfs/super-block.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { OverlayDirectory } from './directory.ts';
import { OverlayInode, OverlayRegular } from './inode.ts';

export interface OverlayOptions {
  /** null: a read-only overlay of lower layers. */
  readonly upper: Inode | null;
  /** Topmost first; one at least. */
  readonly lowers: readonly Inode[];
  /** Directories with lower parts can be renamed; otherwise that is EXDEV. */
  readonly redirect: boolean;
  /** Link counts, sizes and statfs look like those of the lower file system, not like an overlay's: for the root. */
  readonly transparent: boolean;
  /** For /proc/PID/mounts. */
  readonly shownOptions: string;
}

/** Inode numbers of layers are told apart by their high bits, as xino does: lower layer 0 keeps its numbers. */
const LAYER_INO_STEP = 2 ** 36;
const UPPER_INO_BASE = 2 ** 33;

/** True for what stands in an upper layer for "not there". */
export function isWhiteout(inode: Inode): boolean {
  return (inode.mode & S_IFMT) === S_IFCHR && inode.rdev === 0;
}

export class OverlayFs extends SuperBlock {
  readonly upper: Inode | null;
  readonly lowers: readonly Inode[];
  readonly redirect: boolean;
  readonly transparent: boolean;
  private readonly shownOptions: string;
  /** The overlay inode of a real one that another overlay has taken first; the others know theirs (Inode.overlaidBy). */
  private readonly byReal = new WeakMap<Inode, OverlayInode>();
  private readonly inoBase = new Map<SuperBlock, number>();

  constructor(vfs: Vfs, options: OverlayOptions) {
    super(vfs, 'overlay', OVERLAYFS_SUPER_MAGIC);
    this.upper = options.upper;
    this.lowers = options.lowers;
    this.redirect = options.redirect;
    this.transparent = options.transparent;
    this.shownOptions = options.shownOptions;
    this.source = 'overlay';
    if (options.upper === null) this.flags |= MS_RDONLY;
    options.lowers.forEach((l, i) => {
      if (!this.inoBase.has(l.sb)) this.inoBase.set(l.sb, i * LAYER_INO_STEP);
    });
    if (options.upper !== null && !this.inoBase.has(options.upper.sb)) this.inoBase.set(options.upper.sb, UPPER_INO_BASE);
    this.initRoot(new OverlayDirectory(this, options.upper, [...options.lowers], null, ''));
  }

  /** A single file with its own root: what is written goes into `upper`. `empty`: a directory without entries for the layer below. */
  static ofFile(vfs: Vfs, upper: Inode, empty: Inode, lower: Inode): OverlayFs {
    const sb = new OverlayFs(vfs, { upper, lowers: [empty], redirect: true, transparent: true, shownOptions: '' });
    sb.initRoot(sb.fileInode(null, lower, sb.root.inode as OverlayDirectory, 'file'));
    return sb;
  }

  /** st_ino for a real inode: the first of its life decides. */
  inoOf(real: Inode): number {
    return real.ino + (this.inoBase.get(real.sb) ?? 0);
  }
  /** st_dev: the overlay's, but for files that lie on another device than their layer's root. */
  devOf(real: Inode): number {
    return real.dev === real.sb.dev ? this.dev : real.dev;
  }

  known(real: Inode): OverlayInode | undefined {
    const first = real.overlaidBy;
    if (first === null) return undefined;
    return first.sb === this ? (first as OverlayInode) : this.byReal.get(real);
  }
  remember(real: Inode, inode: OverlayInode): void {
    if (real.overlaidBy === null) real.overlaidBy = inode;
    else if (real.overlaidBy.sb !== this) this.byReal.set(real, inode);
  }

  /** The overlay inode of a file that is no directory. */
  fileInode(upper: Inode | null, lower: Inode | null, parent: OverlayDirectory, name: string): OverlayInode {
    const real = (upper ?? lower)!; // one of them is there
    let inode = this.known(real);
    if (inode === undefined) {
      inode = real.isRegular ? new OverlayRegular(this, upper, lower) : new OverlayInode(this, upper, lower);
      this.remember(real, inode);
    }
    inode.addAlias(parent, name);
    return inode;
  }

  /** 0, or EROFS without an upper layer. */
  checkWritable(): number {
    return this.upper === null ? EROFS : 0;
  }

  override statfs(ctx: VfsContext): StatFs | Errno {
    const real = this.transparent ? this.lowers[0]! : (this.upper ?? this.lowers[0]!); // one lower at least
    const s = real.sb.statfs(ctx);
    if (typeof s === 'number' || this.transparent) return s;
    return { ...s, type: this.magic };
  }
  override showOptions(): string {
    return this.shownOptions;
  }
}

/** Takes the backslashes of an escaped colon or comma away. */
function unescapePath(path: string): string {
  return path.replace(/\\(.)/g, '$1');
}

/** mount -t overlay with lowerdir=, upperdir=, workdir=. */
export class OverlayType implements FileSystemType {
  readonly name = 'overlay';
  readonly requiresDevice = false;
  readonly userNamespaceMount = true;
  private readonly vfs: Vfs;
  constructor(vfs: Vfs) {
    this.vfs = vfs;
  }

  mount(ctx: VfsContext, source: string, flags: number, options: string): SuperBlock | Errno {
    let lowerdir: string | undefined;
    let upperdir: string | undefined;
    let workdir: string | undefined;
    let redirect = false;
    for (const { key, value } of parseMountOptions(options)) {
      switch (key) {
        case 'lowerdir':
          lowerdir = value;
          break;
        case 'upperdir':
          upperdir = value;
          break;
        case 'workdir':
          workdir = value;
          break;
        case 'redirect_dir':
          redirect = value === 'on';
          break;
        case 'index':
        case 'xino':
        case 'metacopy':
        case 'nfs_export':
        case 'userxattr':
        case 'volatile':
        case 'uuid':
          break;
        default:
          return EINVAL;
      }
    }
    if (lowerdir === undefined || lowerdir === '') return EINVAL;
    if (upperdir !== undefined && workdir === undefined) return EINVAL;
    const lowers: Inode[] = [];
    for (const part of lowerdir.split(/(?<!\\):/)) {
      const inode = this.directory(ctx, unescapePath(part));
      if (typeof inode === 'number') return inode;
      lowers.push(inode);
    }
    let upper: Inode | null = null;
    if (upperdir !== undefined) {
      const u = this.directory(ctx, unescape(upperdir));
      if (typeof u === 'number') return u;
      const w = this.directory(ctx, unescapePath(workdir!)); // checked above
      if (typeof w === 'number') return w;
      if (u.sb !== w.sb || u === w) return EINVAL;
      if (u.sb.flags & MS_RDONLY) return EROFS;
      upper = u;
      // Its names now also change through the overlay, which knows nothing of its dentries.
      u.sb.stable = u.sb.cachesNegative = false;
    }
    if (upper === null && lowers.length < 2) return EINVAL;
    const shown = `,lowerdir=${lowerdir}` + (upperdir === undefined ? '' : `,upperdir=${upperdir},workdir=${workdir}`);
    const sb = new OverlayFs(this.vfs, { upper, lowers, redirect, transparent: false, shownOptions: shown });
    sb.source = source;
    sb.flags |= flags;
    return sb;
  }

  private directory(ctx: VfsContext, name: string): Inode | Errno {
    const path = walkPath(ctx, null, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
    if (typeof path === 'number') return path;
    const inode = path.dentry.inode;
    return inode === null ? ENOTDIR : inode;
  }
}
