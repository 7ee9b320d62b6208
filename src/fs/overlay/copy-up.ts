/** Copying the bytes and attributes of a lower file into the upper layer: Linux fs/overlayfs/copy_up.c. */
import type { Errno } from '../../abi/errno.ts';
import { BytesIoVector } from '../../base/io-vector.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { ATTR_ATIME, ATTR_GID, ATTR_MODE, ATTR_MTIME, ATTR_UID, type Inode, SetAttributes } from '../../vfs/inode.ts';
import type { PagedFile } from '../../vfs/regular-file.ts';

const CHUNK = 65536;
const chunk = new Uint8Array(CHUNK);
const attrs = new SetAttributes();

/** Copies up to `limit` bytes. 0, or what reading or writing gave (EIO, ENOSPC). */
export function copyData(ctx: VfsContext, from: PagedFile, to: PagedFile, limit: number): number {
  const r = from.beforeRead(ctx);
  if (r < 0) return r;
  const size = Math.min(from.cache.size, limit);
  for (let at = 0; at < size; ) {
    // Holes stay holes.
    const data = from.cache.seekData(at);
    if (data < 0 || data >= size) break;
    at = data;
    const want = Math.min(CHUNK, size - at);
    const n = from.cache.readInto(new BytesIoVector(chunk, 0, want), at, want);
    if (n < 0) return n;
    if (n === 0) break;
    const w = to.cache.writeFrom(new BytesIoVector(chunk, 0, n), at, n);
    if (w < 0) return w;
    if (w < n) return to.cache.writeFrom(new BytesIoVector(chunk, w, n - w), at + w, n - w);
    at += n;
  }
  if (to.cache.size < size) to.cache.truncate(size);
  to.afterWrite();
  return 0;
}

/** Gives `to` the mode, owner, times and extended attributes of `from`. */
export function copyMetadata(ctx: VfsContext, from: Inode, to: Inode, ownXattrs: string): number {
  attrs.valid = ATTR_MODE | ATTR_UID | ATTR_GID | ATTR_ATIME | ATTR_MTIME;
  attrs.mode = from.mode & 0o7777;
  attrs.uid = from.uid;
  attrs.gid = from.gid;
  attrs.atimeSec = from.atimeSec;
  attrs.atimeNsec = from.atimeNsec;
  attrs.mtimeSec = from.mtimeSec;
  attrs.mtimeNsec = from.mtimeNsec;
  const r = to.setattr(ctx, attrs);
  if (r < 0) return r;
  to.btimeSec = from.btimeSec;
  to.btimeNsec = from.btimeNsec;
  const names = from.listxattr(ctx);
  if (typeof names === 'number') return 0;
  for (const name of names) {
    if (name.startsWith(ownXattrs)) continue;
    const value: Uint8Array | Errno = from.getxattr(ctx, name);
    if (typeof value !== 'number') to.setxattr(ctx, name, value, 0);
  }
  return 0;
}
