/** The tmpfs instance: limits on pages and inodes, options. */
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { EINVAL, ENOSPC, ESTALE, type Errno } from '../../abi/errno.ts';
import { FILEID_INO32_GEN } from '../../abi/fcntl.ts';
import { S_IFDIR, TMPFS_MAGIC } from '../../abi/stat.ts';
import type { KGid, KUid } from '../../abi/ids.ts';
import type { PageAccount } from '../../memory/page-cache.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Dentry } from '../../vfs/dentry.ts';
import type { FileHandle } from '../../vfs/file-handle.ts';
import { type FileSystemType, parseMountOptions } from '../../vfs/file-system.ts';
import type { MountConfig, MountParameter, ParameterTable } from '../../vfs/mount-config.ts';
import { type StatFs, SuperBlock } from '../../vfs/super-block.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { TmpfsDirectory } from './directory.ts';

/** Options that change nothing here, as there is one node and no swap, but are kept and shown. */
interface ShownOptions {
  readonly huge: string;
  readonly mpol: string;
  readonly ino64: boolean;
  readonly noswap: boolean;
}
const NOTHING_SHOWN: ShownOptions = { huge: 'never', mpol: '', ino64: false, noswap: false };

/** What distinguishes instances; mount options set it. */
export interface TmpfsOptions {
  /** Pages at most; 0: no limit. */
  maxPages?: number;
  /** Inodes at most; 0: no limit. */
  maxInodes?: number;
  mode?: number;
  uid?: KUid;
  gid?: KGid;
  shown?: ShownOptions;
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
  private readonly rootUid: KUid;
  private readonly rootGid: KGid;
  private shown: ShownOptions;
  private nextIno = 1;
  private readonly rootMode: number;

  constructor(vfs: Vfs, options: TmpfsOptions, typeName: string = 'tmpfs', magic: number = TMPFS_MAGIC) {
    super(vfs, typeName, magic);
    this.maxBytes = MAX_BYTES;
    this.maxPages = options.maxPages ?? Math.floor(vfs.memory.total / 2);
    this.maxInodes = options.maxInodes ?? defaultInodes(vfs);
    this.directorySize = options.directorySize;
    this.rootMode = options.mode ?? 0o1777;
    this.source = typeName;
    this.rootUid = options.uid ?? (0 as KUid);
    this.rootGid = options.gid ?? (0 as KGid);
    this.shown = options.shown ?? NOTHING_SHOWN;
    const root = new TmpfsDirectory(this, S_IFDIR | this.rootMode);
    root.uid = this.rootUid;
    root.gid = this.rootGid;
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

  override readonly exports: 'none' | 'full' = 'full';
  override readonly idmappedMounts: boolean = true;
  override encodeHandle(dentry: Dentry): FileHandle {
    this.handles.remember(dentry);
    const { ino } = dentry.inode!; // handles are of existing files
    return { type: FILEID_INO32_GEN, words: [this.generation, ino % 4294967296, Math.floor(ino / 4294967296)] };
  }
  override decodeHandle(_ctx: VfsContext, { words }: FileHandle): Dentry | Errno {
    if (words.length < 3 || words[0] !== this.generation) return ESTALE;
    return this.handles.find(words[2]! * 4294967296 + words[1]!) ?? ESTALE; // three words at least
  }
  /** Of all its files: no inode number is used twice. */
  private readonly generation: number = 1;

  override showOptions(): string {
    const { shown } = this;
    let o = '';
    if (this.maxPages !== Math.floor(this.vfs.memory.total / 2)) o += `,size=${this.maxPages * 4}k`;
    if (this.maxInodes !== defaultInodes(this.vfs)) o += `,nr_inodes=${this.maxInodes}`;
    if (this.rootMode !== 0o1777) o += `,mode=${this.rootMode.toString(8).padStart(3, '0')}`;
    if ((this.rootUid as number) !== 0) o += `,uid=${this.rootUid}`;
    if ((this.rootGid as number) !== 0) o += `,gid=${this.rootGid}`;
    if (shown.ino64) o += ',inode64';
    if (shown.huge !== 'never') o += `,huge=${shown.huge}`;
    if (shown.mpol !== '' && shown.mpol !== 'default') o += `,mpol=${shown.mpol}`;
    if (shown.noswap) o += ',noswap';
    return o;
  }

  override remount(ctx: VfsContext, _flags: number, options: string, config: MountConfig | null): number {
    const parsed = parseTmpfsOptions(ctx, this.vfs, options);
    if (typeof parsed === 'number') return parsed;
    const refuse = (text: string): number => config?.refuse(text) ?? EINVAL;
    const { maxPages, maxInodes } = parsed;
    if (maxPages !== undefined && maxPages !== 0) {
      if (this.maxPages === 0) return refuse('Cannot retroactively limit size');
      if (maxPages < this.pages) return refuse('Too small a size for current use');
    }
    if (maxInodes !== undefined && maxInodes !== 0) {
      if (this.maxInodes === 0) return refuse('Cannot retroactively limit inodes');
      if (maxInodes < this.inodes) return refuse('Too few inodes for current use');
    }
    if (parsed.shown !== undefined) {
      if (parsed.shown.noswap && !this.shown.noswap) return refuse('Cannot disable swap on remount');
      const { huge, mpol } = parsed.shown;
      this.shown = { ...this.shown, ...(config?.has('huge') ? { huge } : {}), ...(config?.has('mpol') ? { mpol } : {}), ino64: parsed.shown.ino64 || this.shown.ino64 };
    }
    if (maxPages !== undefined) this.maxPages = maxPages;
    if (maxInodes !== undefined) this.maxInodes = maxInodes;
    return 0;
  }
}

/** Inodes that an instance may have when it is not told. */
function defaultInodes(vfs: Vfs): number {
  return Math.max(1_000_000, Math.floor(vfs.memory.total / 2));
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
  const shown = { ...NOTHING_SHOWN };
  const out: TmpfsOptions = { shown };
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
        shown.huge = value ?? '';
        break;
      case 'mpol':
        shown.mpol = value ?? '';
        break;
      case 'inode32':
      case 'inode64':
        shown.ino64 = key === 'inode64';
        break;
      case 'noswap':
        shown.noswap = true;
        break;
      default:
        return EINVAL;
    }
  }
  return out;
}

export const TMPFS_PARAMETERS: ParameterTable = {
  size: 'string', nr_blocks: 'string', nr_inodes: 'string', mode: 'octal', uid: 'uid', gid: 'gid', huge: ['never', 'always', 'within_size', 'advise'], mpol: 'string',
  inode32: 'flag', inode64: 'flag', noswap: 'flag',
};

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
  readonly parameters: ParameterTable = TMPFS_PARAMETERS;
  checkParameter(ctx: VfsContext, config: MountConfig, { key, text }: MountParameter): number {
    switch (key) {
      case 'size':
      case 'nr_blocks':
      case 'nr_inodes':
        return parseSize(text, 0) === undefined || (key !== 'size' && text.endsWith('%')) ? config.badValue(key) : 0;
      case 'huge':
        return 0;
      case 'mpol':
        return /^(default|prefer(:0(-0)?)?|bind:0(-0)?|interleave(:0(-0)?)?|local|weighted interleave)$/.test(text) ? 0 : config.badValue(key);
      case 'noswap':
        return config.userNs.parent === null && ctx.credentials.capableInInit(CAP_SYS_ADMIN) ? 0 : config.refuse('Turning off swap in unprivileged tmpfs mounts unsupported');
      case 'uid':
        return (config.userNs.fromKuid(ctx.credentials.userNs.makeKuid(Number(text))) as number) === -1 ? config.badValue(key) : 0;
      case 'gid':
        return (config.userNs.fromKgid(ctx.credentials.userNs.makeKgid(Number(text))) as number) === -1 ? config.badValue(key) : 0;
      default:
        return 0;
    }
  }

  mount(ctx: VfsContext, source: string, flags: number, options: string): SuperBlock | Errno {
    const parsed = parseTmpfsOptions(ctx, this.vfs, options);
    if (typeof parsed === 'number') return parsed;
    // Whoever mounts it owns its root.
    const { fsuid, fsgid } = ctx.credentials;
    const sb = new Tmpfs(this.vfs, { uid: fsuid, gid: fsgid, ...parsed });
    sb.source = source;
    sb.flags = flags;
    return sb;
  }
}
