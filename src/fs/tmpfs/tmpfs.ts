/** The tmpfs instance: limits on pages and inodes, options. */
import { EINVAL, ENOSPC, type Errno } from '../../abi/errno.ts';
import { S_IFDIR, TMPFS_MAGIC } from '../../abi/stat.ts';
import type { KGid, KUid } from '../../abi/ids.ts';
import type { PageAccount } from '../../memory/page-cache.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { type FileSystemType, parseMountOptions } from '../../vfs/file-system.ts';
import { type StatFs, SuperBlock } from '../../vfs/super-block.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { TmpfsDirectory } from './directory.ts';

/** What distinguishes instances; mount options set it. */
export interface TmpfsOptions {
  /** Pages at most; 0: no limit. */
  maxPages?: number;
  /** Inodes at most; 0: no limit. */
  maxInodes?: number;
  mode?: number;
  uid?: KUid;
  gid?: KGid;
  /** Directories look like those of a disk: this st_size, oldest entry first. undefined: 20 bytes an entry, newest first. For the root's upper layer. */
  directorySize?: number;
}

/** Largest file tmpfs allows (MAX_LFS_FILESIZE). */
const MAX_BYTES: number = 2 ** 63;

export class Tmpfs extends SuperBlock implements PageAccount {
  override readonly keepsAtime = true;
  maxPages: number;
  maxInodes: number;
  pages = 0;
  inodes = 0;
  readonly directorySize: number | undefined;
  private nextIno = 1;
  private readonly rootMode: number;

  constructor(vfs: Vfs, options: TmpfsOptions, typeName: string = 'tmpfs', magic: number = TMPFS_MAGIC) {
    super(vfs, typeName, magic);
    this.maxBytes = MAX_BYTES;
    this.maxPages = options.maxPages ?? Math.floor(vfs.memory.total / 2);
    this.maxInodes = options.maxInodes ?? Math.max(1_000_000, this.maxPages);
    this.directorySize = options.directorySize;
    this.rootMode = options.mode ?? 0o1777;
    this.source = typeName;
    const root = new TmpfsDirectory(this, S_IFDIR | this.rootMode);
    root.uid = options.uid ?? (0 as KUid);
    root.gid = options.gid ?? (0 as KGid);
    this.inodes = 1;
    this.initRoot(root);
  }

  allocateIno(): number {
    return this.nextIno++;
  }
  /** Takes one inode from the budget: 0 or ENOSPC. */
  chargeInode(): number {
    if (this.maxInodes !== 0 && this.inodes >= this.maxInodes) return ENOSPC;
    this.inodes++;
    return 0;
  }
  releaseInode(): void {
    this.inodes--;
  }

  charge(pages: number): 0 | Errno {
    if (this.maxPages !== 0 && this.pages + pages > this.maxPages) return ENOSPC;
    this.pages += pages;
    return 0;
  }
  uncharge(pages: number): void {
    this.pages -= pages;
  }

  override statfs(ctx: VfsContext): StatFs | Errno {
    const s = super.statfs(ctx) as StatFs;
    s.blocks = this.maxPages !== 0 ? this.maxPages : this.vfs.memory.total;
    s.bfree = s.bavail = Math.max(0, s.blocks - this.pages);
    s.files = this.maxInodes;
    s.ffree = Math.max(0, this.maxInodes - this.inodes);
    return s;
  }

  override showOptions(): string {
    let o = '';
    if (this.maxPages !== Math.floor(this.vfs.memory.total / 2)) o += `,size=${this.maxPages * 4}k`;
    if (this.maxInodes !== Math.max(1_000_000, this.maxPages)) o += `,nr_inodes=${this.maxInodes}`;
    if (this.rootMode !== 0o1777) o += `,mode=${this.rootMode.toString(8).padStart(3, '0')}`;
    return o;
  }

  override remount(ctx: VfsContext, _flags: number, options: string): number {
    const parsed = parseTmpfsOptions(ctx, this.vfs, options);
    if (typeof parsed === 'number') return parsed;
    if (parsed.maxPages !== undefined) {
      if (parsed.maxPages !== 0 && parsed.maxPages < this.pages) return EINVAL;
      this.maxPages = parsed.maxPages;
    }
    if (parsed.maxInodes !== undefined) {
      if (parsed.maxInodes !== 0 && parsed.maxInodes < this.inodes) return EINVAL;
      this.maxInodes = parsed.maxInodes;
    }
    return 0;
  }
}

/** "64m", "50%", "4096": bytes, with memparse's suffixes; undefined if it is not a number. */
function parseSize(text: string, totalBytes: number): number | undefined {
  const m = /^(0x[0-9a-f]+|\d+)([kmgtpe%]?)$/i.exec(text);
  if (m === null) return undefined;
  const n = Number(m[1]);
  const suffix = m[2]!.toLowerCase(); // the group takes part, empty at least
  if (suffix === '%') return (totalBytes * n) / 100;
  return suffix === '' ? n : n * 1024 ** ('kmgtpe'.indexOf(suffix) + 1);
}

/** Mount options of tmpfs: size, nr_blocks, nr_inodes, mode, uid, gid; EINVAL for others. */
export function parseTmpfsOptions(ctx: VfsContext, vfs: Vfs, text: string): TmpfsOptions | Errno {
  const out: TmpfsOptions = {};
  const total = vfs.memory.total * 4096;
  for (const { key, value } of parseMountOptions(text)) {
    switch (key) {
      case 'size':
      case 'nr_blocks':
      case 'nr_inodes': {
        const n = parseSize(value ?? '', total);
        if (n === undefined) return EINVAL;
        if (key === 'size') out.maxPages = Math.ceil(n / 4096);
        else if (key === 'nr_blocks') out.maxPages = n;
        else out.maxInodes = n;
        break;
      }
      case 'mode': {
        if (!/^[0-7]+$/.test(value ?? '')) return EINVAL;
        out.mode = parseInt(value!, 8) & 0o7777; // matched just above
        break;
      }
      case 'uid':
      case 'gid': {
        if (!/^\d+$/.test(value ?? '')) return EINVAL;
        const ns = ctx.credentials.userNs;
        if (key === 'uid') {
          out.uid = ns.makeKuid(Number(value));
          if ((out.uid as number) === -1) return EINVAL;
        } else {
          out.gid = ns.makeKgid(Number(value));
          if ((out.gid as number) === -1) return EINVAL;
        }
        break;
      }
      case 'huge':
      case 'mpol':
      case 'inode32':
      case 'inode64':
      case 'noswap':
        break;
      default:
        return EINVAL;
    }
  }
  return out;
}

/** The type for vfs.fileSystems. */
export class TmpfsType implements FileSystemType {
  readonly name: string;
  readonly requiresDevice = false;
  readonly userNamespaceMount = true;
  private readonly vfs: Vfs;
  constructor(vfs: Vfs, name: string = 'tmpfs') {
    this.vfs = vfs;
    this.name = name;
  }
  mount(ctx: VfsContext, source: string, flags: number, options: string): SuperBlock | Errno {
    const parsed = parseTmpfsOptions(ctx, this.vfs, options);
    if (typeof parsed === 'number') return parsed;
    const sb = new Tmpfs(this.vfs, parsed);
    sb.source = source;
    sb.flags = flags;
    return sb;
  }
}
