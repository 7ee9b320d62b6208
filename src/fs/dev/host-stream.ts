/** The sandbox's stdin, stdout and stderr when the host gave pipes or files: read and written as the host has them. */
import { EAGAIN, EBADF, EPIPE, ESPIPE } from '../../abi/errno.ts';
import { O_RDONLY, O_RDWR, O_WRONLY } from '../../abi/fcntl.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { SIGPIPE } from '../../abi/signal.ts';
import { PIPEFS_MAGIC, S_IFCHR, S_IFIFO, S_IFREG } from '../../abi/stat.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { HostStream, HostStreamListener } from '../../host/host.ts';
import type { HostFiles } from '../../host/host-files.ts';
import { PseudoFileSystem, PseudoInode } from '../../vfs/anonymous.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { openStandardFile } from '../host/standard-file.ts';
import { DEV_NULL } from './memory-devices.ts';

/** Bytes moved at a time. */
const CHUNK = 65536;
const chunk = new Uint8Array(CHUNK);

export class HostStreamDescription extends FileDescription implements HostStreamListener {
  private readonly stream: HostStream;
  private readonly readQueue: WaitQueue = new WaitQueue();
  private readonly writeQueue: WaitQueue = new WaitQueue();
  private writeFailed = false;

  constructor(path: Path, stream: HostStream) {
    super(path, stream.readable ? (stream.writable ? O_RDWR : O_RDONLY) : O_WRONLY);
    this.stream = stream;
    stream.listener = this;
  }

  inputReady(): void {
    this.readQueue.wake(POLLIN | POLLRDNORM);
  }
  outputReady(): void {
    this.writeQueue.wake(POLLOUT | POLLWRNORM);
  }

  override get seekable(): boolean {
    return this.stream.seekable;
  }

  override read(ctx: VfsContext, iov: IoVector, offset: number): number {
    if (offset >= 0) return ESPIPE;
    let done = 0;
    while (iov.remaining > 0) {
      const n = this.stream.read(chunk, 0, Math.min(CHUNK, iov.remaining));
      if (n === EAGAIN) {
        if (done > 0) return done;
        if (this.nonBlocking) return EAGAIN;
        return ctx.wait(this.readQueue);
      }
      if (n <= 0) return done > 0 ? done : n;
      const moved = iov.put(chunk, 0, n);
      if (moved < 0) return done > 0 ? done : moved;
      done += moved;
      // A pipe gives what it has; a file is read to the end of the buffer.
      if (this.stream.kind !== 'file') break;
    }
    return done;
  }

  override write(ctx: VfsContext, iov: IoVector, offset: number): number {
    if (offset >= 0) return ESPIPE;
    let done = 0;
    while (iov.remaining > 0) {
      const n = iov.take(chunk, 0, CHUNK);
      if (n < 0) return done > 0 ? done : n;
      const written = this.stream.write(chunk, 0, n);
      if (written < n) iov.unread(n - Math.max(0, written));
      if (written === EAGAIN) {
        if (this.nonBlocking) return done > 0 ? done : EAGAIN;
        return ctx.wait(this.writeQueue);
      }
      if (written < 0) {
        if (written === EPIPE) {
          this.writeFailed = true;
          if (done === 0) ctx.sendSignal(SIGPIPE);
        }
        return done > 0 ? done : written;
      }
      done += written;
    }
    return done;
  }

  override seek(_ctx: VfsContext, offset: number, whence: number): number {
    return this.stream.seekable ? this.stream.seek(offset, whence) : ESPIPE;
  }

  override poll(table: PollTable | null): number {
    if (table !== null) {
      if (this.stream.readable) table.add(this.readQueue);
      if (this.stream.writable) table.add(this.writeQueue);
    }
    let mask = 0;
    if (this.stream.readable && this.stream.inputAvailable()) mask |= POLLIN | POLLRDNORM;
    if (this.writeFailed) mask |= POLLERR | POLLHUP;
    else if (this.stream.writable && this.stream.outputAvailable()) mask |= POLLOUT | POLLWRNORM;
    return mask;
  }

  override fsync(): number {
    return 0;
  }
}

const MODES: Record<string, number> = {
  pipe: S_IFIFO | 0o600,
  file: S_IFREG | 0o644,
  null: S_IFCHR | 0o666,
  tty: S_IFCHR | 0o620,
};

/** Makes descriptions for host streams; one object a sandbox. */
export class HostStreams {
  private readonly fs: PseudoFileSystem;
  private readonly vfs: Vfs;
  private readonly files: HostFiles | null;
  constructor(vfs: Vfs, files: HostFiles | null) {
    this.vfs = vfs;
    this.files = files;
    this.fs = new PseudoFileSystem(vfs, 'pipefs', PIPEFS_MAGIC);
  }
  /** A description of `stream`, or EBADF if the host closed it (the guest then has no such descriptor). */
  open(stream: HostStream): FileDescription | typeof EBADF {
    if (stream.kind === 'closed') return EBADF;
    if (stream.kind === 'file' && this.files !== null) {
      const file = openStandardFile(this.vfs, this.files, stream);
      if (typeof file !== 'number') return file;
    }
    const inode = new PseudoInode(this.fs, MODES[stream.kind] ?? S_IFIFO | 0o600);
    if (stream.kind === 'null') inode.rdev = DEV_NULL;
    return new HostStreamDescription(this.fs.path(`pipe:[${inode.ino}]`, inode), stream);
  }
}
