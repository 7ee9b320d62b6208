/** Open directories. */
import { EINVAL, EISDIR } from '../abi/errno.ts';
import { SEEK_CUR, SEEK_SET } from '../abi/fcntl.ts';
import { touchAtime } from './atime.ts';
import type { VfsContext } from './context.ts';
import { type DirectoryEmitter, FileDescription } from './file-description.ts';
import type { Inode } from './inode.ts';
import type { Path } from './mount.ts';

/** A directory inode that can list itself. */
export interface EntryLister {
  /** Emits entries from `position` on, "." and ".." included; the position behind the last one taken, or an errno. */
  list(ctx: VfsContext, position: number, parentIno: number, emitter: DirectoryEmitter): number;
}

export class DirectoryFile extends FileDescription {
  private readonly lister: EntryLister;
  constructor(path: Path, flags: number, inode: Inode, lister: EntryLister) {
    super(path, flags, inode);
    this.lister = lister;
  }
  override read(): number {
    return EISDIR;
  }
  override iterate(ctx: VfsContext, emitter: DirectoryEmitter): number {
    const dentry = this.path.dentry;
    const r = this.lister.list(ctx, this.pos, dentry.parent.inode!.ino, emitter); // parents are positive
    if (r < 0) return r;
    this.pos = r;
    touchAtime(this.path.mount, this.inode, this.flags);
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
