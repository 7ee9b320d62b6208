/** ramfs: a tmpfs without limits, whose only option is the root's mode. Linux fs/ramfs/inode.c. */
import type { Errno } from '../../abi/errno.ts';
import { RAMFS_MAGIC } from '../../abi/stat.ts';
import type { KGid, KUid } from '../../abi/ids.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileSystemType } from '../../vfs/file-system.ts';
import type { MountConfig, ParameterTable } from '../../vfs/mount-config.ts';
import type { StatFs, SuperBlock } from '../../vfs/super-block.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { Tmpfs } from './tmpfs.ts';

const DEFAULT_MODE = 0o755;

class Ramfs extends Tmpfs {
  override readonly exports = 'none';
  override readonly idmappedMounts = false;
  private readonly shownMode: number;
  constructor(vfs: Vfs, mode: number, uid: KUid, gid: KGid) {
    super(vfs, { mode, uid, gid, maxPages: 0, maxInodes: 0 }, 'ramfs', RAMFS_MAGIC);
    this.shownMode = mode;
  }
  override showOptions(): string {
    return this.shownMode === DEFAULT_MODE ? '' : `,mode=${this.shownMode.toString(8)}`;
  }
  override statfs(ctx: VfsContext): StatFs | Errno {
    const s = super.statfs(ctx) as StatFs;
    s.blocks = s.bfree = s.bavail = s.files = s.ffree = 0;
    return s;
  }
  override remount(): number {
    return 0;
  }
}

export class RamfsType implements FileSystemType {
  readonly name = 'ramfs';
  readonly requiresDevice = false;
  readonly userNamespaceMount = true;
  readonly parameters: ParameterTable = { mode: 'octal' };
  private readonly vfs: Vfs;
  constructor(vfs: Vfs) {
    this.vfs = vfs;
  }
  /** Unknown options of mount(2) are ignored, as they were when ramfs ignored all. */
  readonly ignoresUnknown = true;
  mount(ctx: VfsContext, source: string, flags: number, _options: string, config: MountConfig | null): SuperBlock | Errno {
    const given = config?.value('mode');
    const mode = given === undefined ? DEFAULT_MODE : Number.parseInt(given, 8) & 0o7777;
    const sb = new Ramfs(this.vfs, mode, ctx.credentials.fsuid, ctx.credentials.fsgid);
    sb.source = source;
    sb.flags = flags;
    return sb;
  }
}
