/**
 * A standard stream that is a regular file of the host. Reads and writes at the position go through the inherited description, whose
 * position its other holders share; size, mmap, pread and pwrite are those of any host file.
 */
import { EAGAIN, EFBIG, type Errno } from '../../abi/errno.ts';
import { O_APPEND, O_RDONLY, O_RDWR, O_WRONLY, SEEK_END } from '../../abi/fcntl.ts';
import { MS_RELATIME } from '../../abi/mount.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { HostStream } from '../../host/host.ts';
import type { HostFiles } from '../../host/host-files.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import { Mount, Path } from '../../vfs/mount.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { HostFileSystem } from './host-file-system.ts';
import { HostFile, type HostRegular } from './regular.ts';

const SIGXFSZ = 25;
const CHUNK = 65536;
const chunk = new Uint8Array(CHUNK);

class StandardFile extends HostFile {
  private readonly stream: HostStream;
  constructor(path: Path, flags: number, host: HostRegular, stream: HostStream) {
    super(path, flags, host);
    this.stream = stream;
    this.pos = stream.position();
  }

  override read(ctx: VfsContext, iov: IoVector, offset: number): number {
    if (offset >= 0) return super.read(ctx, iov, offset);
    let done = 0;
    while (iov.remaining > 0) {
      const n = this.stream.read(chunk, 0, Math.min(CHUNK, iov.remaining));
      if (n <= 0) {
        if (done === 0) return n;
        break;
      }
      const moved = iov.put(chunk, 0, n);
      if (moved < n) this.stream.seek(Math.max(0, moved) - n, 1);
      if (moved < 0) {
        if (done === 0) return moved;
        break;
      }
      done += moved;
      if (moved < n) break;
    }
    this.pos += done;
    return done;
  }

  override write(ctx: VfsContext, iov: IoVector, offset: number): number {
    if (offset >= 0) return super.write(ctx, iov, offset);
    if (ctx.fileSizeLimit !== Infinity && this.stream.position() + iov.remaining > ctx.fileSizeLimit) {
      ctx.sendSignal(SIGXFSZ);
      return EFBIG;
    }
    let done = 0;
    while (iov.remaining > 0) {
      const n = iov.take(chunk, 0, Math.min(CHUNK, iov.remaining));
      if (n < 0) return done > 0 ? done : n;
      const written = this.stream.write(chunk, 0, n);
      if (written < n) iov.unread(n - Math.max(0, written));
      if (written < 0) return done > 0 ? done : written === EAGAIN ? EFBIG : written;
      done += written;
      if (written < n) break;
    }
    this.pos += done;
    return done;
  }

  override seek(ctx: VfsContext, offset: number, whence: number): number {
    const r = whence > SEEK_END ? super.seek(ctx, offset, whence) : this.stream.seek(offset, whence);
    if (r >= 0) {
      this.pos = r;
      if (whence > SEEK_END) this.stream.seek(r, 0);
    }
    return r;
  }
}

/** A description of a stream of kind 'file'; an errno if the host cannot tell what it is. */
export function openStandardFile(vfs: Vfs, files: HostFiles, stream: HostStream): FileDescription | Errno {
  const sb = HostFileSystem.ofDescriptor(vfs, files, stream.fd, stream.name, stream.writable);
  if (typeof sb === 'number') return sb;
  const path = new Path(new Mount(sb, sb.root, MS_RELATIME, stream.name), sb.root);
  const flags = (stream.readable ? (stream.writable ? O_RDWR : O_RDONLY) : O_WRONLY) | (stream.appends ? O_APPEND : 0);
  return new StandardFile(path, flags, sb.root.inode as HostRegular, stream);
}
