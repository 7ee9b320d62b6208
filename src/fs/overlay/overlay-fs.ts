/** The overlay instance. */
import { EROFS, ESTALE, type Errno } from '../../abi/errno.ts';
import { FILEID_INO32_GEN } from '../../abi/fcntl.ts';
import { MS_RDONLY } from '../../abi/mount.ts';
import { OVERLAYFS_SUPER_MAGIC, S_IFCHR, S_IFMT } from '../../abi/stat.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Dentry } from '../../vfs/dentry.ts';
import type { FileHandle } from '../../vfs/file-handle.ts';
import type { Inode } from '../../vfs/inode.ts';
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
  /** Its own attributes are users' ones (userxattr). */
  readonly userXattrs?: boolean;
  /** For /proc/PID/mounts. */
  readonly shownOptions: string;
}

/** No device number that mknod(2) can give. */
const PRIVATE_WHITEOUT: number = 2 ** 40;
/** Type of an overlay's own handles. */
const OVL_FILEID_V1 = 0xf8;
/** Inode numbers of layers are told apart by their high bits, as xino does: lower layer 0 keeps its numbers. */
const LAYER_INO_STEP = 2 ** 36;
const UPPER_INO_BASE = 2 ** 33;

export class OverlayFs extends SuperBlock {
  readonly upper: Inode | null;
  readonly lowers: readonly Inode[];
  readonly redirect: boolean;
  readonly transparent: boolean;
  private readonly shownOptions: string;
  /** Device number of what stands in an upper layer for "not there". The root's are its own: what a guest makes there with 0 is a file. */
  readonly whiteoutRdev: number;
  /** Extended attributes that are the overlay's own begin so. */
  readonly xattrPrefix: string;
  /** Handles of an overlay's files say which one it is, but lead nowhere. The root passes for a disk's file system. */
  override readonly exports: 'fid' | 'full';
  override readonly idmappedMounts: boolean;
  override encodeHandle(dentry: Dentry): FileHandle {
    const { ino } = dentry.inode!; // handles are of existing files
    const words = [ino % 4294967296, Math.floor(ino / 4294967296)];
    if (!this.transparent) return { type: OVL_FILEID_V1, words };
    this.handles.remember(dentry);
    return { type: FILEID_INO32_GEN, words };
  }
  override decodeHandle(_ctx: VfsContext, { type, words }: FileHandle): Dentry | Errno {
    if (type !== FILEID_INO32_GEN || words.length < 2) return ESTALE;
    return this.handles.find(words[1]! * 4294967296 + words[0]!) ?? ESTALE; // two words at least
  }
  /** The overlay inode of a real one that another overlay has taken first; the others know theirs (Inode.overlaidBy). */
  private readonly byReal = new WeakMap<Inode, OverlayInode>();
  private readonly inoBase = new Map<SuperBlock, number>();

  constructor(vfs: Vfs, options: OverlayOptions) {
    super(vfs, 'overlay', OVERLAYFS_SUPER_MAGIC);
    this.upper = options.upper;
    this.lowers = options.lowers;
    this.redirect = options.redirect;
    this.transparent = options.transparent;
    this.whiteoutRdev = options.transparent ? PRIVATE_WHITEOUT : 0;
    this.xattrPrefix = options.transparent ? 'trusted.vivarium.' : options.userXattrs ? 'user.overlay.' : 'trusted.overlay.';
    this.exports = options.transparent ? 'full' : 'fid';
    this.idmappedMounts = options.transparent;
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

  /** Upper and work directories of the overlays there are. */
  static readonly inUse: WeakSet<Inode> = new WeakSet();
  /** Those that this one entered there. */
  private taken: readonly Inode[] = [];
  /** Its upper and work directory are in use, but where they were already. */
  take(directories: readonly Inode[]): void {
    this.taken = directories.filter((d) => !OverlayFs.inUse.has(d));
    for (const d of this.taken) OverlayFs.inUse.add(d);
  }
  override kill(): void {
    for (const d of this.taken) OverlayFs.inUse.delete(d);
  }

  /** st_ino for a real inode: the first of its life decides. */
  inoOf(real: Inode): number {
    return real.ino + (this.inoBase.get(real.sb) ?? 0);
  }
  /** st_dev: the overlay's, but for files that lie on another device than their layer's root. */
  devOf(real: Inode): number {
    return real.dev === real.sb.dev ? this.dev : real.dev;
  }

  isWhiteout(inode: Inode): boolean {
    return (inode.mode & S_IFMT) === S_IFCHR && inode.rdev === this.whiteoutRdev;
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
  override remount(_ctx: VfsContext, flags: number): number {
    return flags & MS_RDONLY ? 0 : this.checkWritable();
  }
  override showOptions(): string {
    return this.shownOptions;
  }
}
