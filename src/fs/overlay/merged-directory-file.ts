/** An open directory of an overlay: what it lists is fixed when the listing starts, so that entries may be removed while it is read. */
import { EINVAL, EISDIR } from '../../abi/errno.ts';
import { SEEK_CUR, SEEK_SET } from '../../abi/fcntl.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { type DirectoryEmitter, FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { MergedEntry, OverlayDirectory } from './directory.ts';

export class MergedDirectoryFile extends FileDescription {
  private readonly directory: OverlayDirectory;
  private entries: MergedEntry[] | null = null;

  constructor(path: Path, flags: number, directory: OverlayDirectory) {
    super(path, flags, directory);
    this.directory = directory;
  }
  override read(): number {
    return EISDIR;
  }
  override iterate(ctx: VfsContext, emitter: DirectoryEmitter): number {
    if (this.entries === null || this.pos === 0) {
      const merged = this.directory.merge(ctx);
      if (typeof merged === 'number') return merged;
      this.entries = merged;
    }
    if (this.pos === 0) {
      if (!emitter.emit('.', this.inode.ino, 4, 1)) return 0;
      this.pos = 1;
    }
    if (this.pos === 1) {
      // Parents are positive.
      if (!emitter.emit('..', this.path.dentry.parent.inode!.ino, 4, 2)) return 0;
      this.pos = 2;
    }
    for (const entries = this.entries; this.pos - 2 < entries.length; this.pos++) {
      const e = entries[this.pos - 2]!;
      if (!emitter.emit(e.name, e.ino, e.dtype, this.pos + 1)) break;
    }
    return 0;
  }
  override seek(_ctx: VfsContext, offset: number, whence: number): number {
    if (whence === SEEK_CUR) offset += this.pos;
    else if (whence !== SEEK_SET) return EINVAL;
    if (offset < 0) return EINVAL;
    this.pos = offset;
    return offset;
  }
  override fsync(): number {
    return 0;
  }
}
