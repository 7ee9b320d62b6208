/** One mounted instance of a file system, shared by all its mounts: Linux's super_block. */
import { ESTALE, type Errno } from '../abi/errno.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { VfsContext } from './context.ts';
import { Dentry } from './dentry.ts';
import { type FileHandle, HandleTable, inoHandle64 } from './file-handle.ts';
import type { Inode } from './inode.ts';
import type { MountConfig } from './mount-config.ts';
import type { Vfs } from './vfs.ts';

/** Result of statfs(2), in the units of struct statfs. */
export interface StatFs {
  type: number;
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
  namelen: number;
  frsize: number;
}

export abstract class SuperBlock {
  readonly vfs: Vfs;
  /** Name in /proc/filesystems and mounts: "tmpfs". */
  readonly typeName: string;
  /** st_dev: see makedev() in abi/stat.ts. Anonymous file systems take one from vfs.allocateDev(). */
  readonly dev: number;
  readonly magic: number;
  /** MS_RDONLY, MS_SYNCHRONOUS, MS_DIRSYNC, MS_LAZYTIME … of the instance. */
  flags = 0;
  blockSize = 4096;
  /** Largest file, bytes. */
  maxBytes: number = Number.MAX_SAFE_INTEGER;
  /** False: names change behind the dentry cache, so the directory is asked (Inode.revalidateEntry) at each use. */
  stable: boolean = true;
  /** False: names that do not exist are not remembered (they come and go by themselves, as in /proc). */
  cachesNegative: boolean = true;
  /** Inodes override Inode.permission. */
  readonly customPermission: boolean = false;
  /** Times are exact; elsewhere they are those of the last tick, as on Linux without FS_MGTIME (pipes, sockets, /proc). */
  readonly multigrain: boolean = true;
  /** Reading a file changes its access time here; host files and pseudo files keep theirs. */
  readonly keepsAtime: boolean = false;
  /** The user namespace it was mounted in; null: the initial one. Its holders have capabilities over it. */
  userNs: UserNamespace | null = null;
  /** Device files here are only names: the file system is that of a user namespace (SB_I_NODEV). */
  get noDevices(): boolean {
    return this.userNs !== null;
  }
  /** A less privileged user may mount it only where it is fully visible already: proc, sysfs (SB_I_USERNS_VISIBLE). */
  readonly mustBeVisible: boolean = false;
  /** Set by the constructor of the subclass through initRoot(). */
  root!: Dentry;
  /** The negative entries of its dentry cache, a ring, and where the next one goes. */
  readonly negatives: (Dentry | undefined)[] = [];
  nextNegative = 0;
  /** Mounts of this instance; the last one gone calls kill(). */
  mountCount = 0;
  /** Open files that may be written. */
  writers = 0;
  /** Its files may be bound from any mount: namespaces and processes as files. */
  readonly bindsAnywhere: boolean = false;
  /** Its mounts may show other owners (FS_ALLOW_IDMAP). */
  readonly idmappedMounts: boolean = false;

  constructor(vfs: Vfs, typeName: string, magic: number, dev: number = vfs.allocateDev()) {
    this.vfs = vfs;
    this.typeName = typeName;
    this.magic = magic;
    this.dev = dev;
  }

  /** Gives the instance its root directory. */
  protected initRoot(inode: Inode): void {
    this.root = new Dentry(this, null, '/', inode);
  }

  statfs(_ctx: VfsContext): StatFs | Errno {
    return { type: this.magic, bsize: this.blockSize, blocks: 0, bfree: 0, bavail: 0, files: 0, ffree: 0, namelen: 255, frsize: this.blockSize };
  }
  /** Options for /proc/PID/mounts, each with its leading comma: ",size=64k". */
  showOptions(): string {
    return '';
  }
  /** What of the instance a new mount shows: the root, or where the caller's namespace begins (cgroup2). */
  rootFor(_ctx: VfsContext): Dentry {
    return this.root;
  }
  /** Name of the root of a mount in mountinfo as the reader's namespace sees it; null: its path in the file system. */
  pathFor(_ctx: VfsContext, _dentry: Dentry): string | null {
    return null;
  }
  /** First column of /proc/PID/mounts. */
  source = 'none';
  /** Names of places that are in no tree: "pipe:[123]", "anon_inode:[eventfd]". null: a path. */
  pseudoName(_dentry: Dentry): string | null {
    return null;
  }
  /** File handles: 'none' (name_to_handle_at is EOPNOTSUPP but for AT_HANDLE_FID), 'fid' (they cannot be opened), 'full', 'parents' (they can name the directory too). */
  readonly exports: 'none' | 'fid' | 'full' | 'parents' = 'none';
  /** Opening by handle needs no capability: decodeHandle checks. */
  readonly freeHandles: boolean = false;
  /** What a handle names is opened whatever its mode says (export_operations.open). */
  readonly opensHandles: boolean = false;
  /** Files whose handles were given out. */
  readonly handles: HandleTable = new HandleTable();
  /** The handle of a file. `parent`: with its directory's. */
  encodeHandle(dentry: Dentry, _parent: boolean): FileHandle {
    return inoHandle64(dentry);
  }
  /** The file that a handle names; ESTALE. */
  decodeHandle(_ctx: VfsContext, _handle: FileHandle): Dentry | Errno {
    return ESTALE;
  }
  sync(_ctx: VfsContext): number {
    return 0;
  }
  /** Changes options on mount -o remount; EINVAL for what cannot change. `flags`: the MS_ flags to be; `options`, `config`: as FileSystemType.mount. */
  remount(_ctx: VfsContext, _flags: number, _options: string, _config: MountConfig | null): number {
    return 0;
  }
  /** The last mount is gone. */
  kill(): void {}
}
