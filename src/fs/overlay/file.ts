/** Open regular files of an overlay: the page cache of the upper file as soon as there is one. */
import type { IoVector } from '../../base/io-vector.ts';
import type { MemoryObject } from '../../memory/memory-object.ts';
import type { Errno } from '../../abi/errno.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Path } from '../../vfs/mount.ts';
import { RegularFile } from '../../vfs/regular-file.ts';
import type { OverlayRegular } from './inode.ts';

export class OverlayFile extends RegularFile {
  private readonly overlay: OverlayRegular;
  constructor(path: Path, flags: number, inode: OverlayRegular) {
    super(path, flags, inode.paged, inode);
    this.overlay = inode;
  }
  override read(ctx: VfsContext, iov: IoVector, offset: number): number {
    this.file = this.overlay.paged;
    return super.read(ctx, iov, offset);
  }
  override write(ctx: VfsContext, iov: IoVector, offset: number): number {
    this.file = this.overlay.paged;
    return super.write(ctx, iov, offset);
  }
  override seek(ctx: VfsContext, offset: number, whence: number): number {
    this.file = this.overlay.paged;
    return super.seek(ctx, offset, whence);
  }
  override mmap(ctx: VfsContext, shared: boolean): MemoryObject | null | Errno {
    this.file = this.overlay.paged;
    return super.mmap(ctx, shared);
  }
  override truncate(ctx: VfsContext, size: number): number {
    this.file = this.overlay.paged;
    const r = super.truncate(ctx, size);
    this.overlay.copyAttributes();
    return r;
  }
}
