/** Pipes: Linux fs/pipe.c. */
import { EAGAIN, EBUSY, EFAULT, EINVAL, ENOTTY, EPERM, EPIPE, ERESTARTSYS, isErr } from '../../abi/errno.ts';
import { CAP_SYS_RESOURCE } from '../../abi/capability.ts';
import { O_DIRECT, O_NONBLOCK, O_RDONLY, O_WRONLY, PIPE_BUF } from '../../abi/fcntl.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { PIPEFS_MAGIC, S_IFIFO } from '../../abi/stat.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import { PseudoFileSystem, PseudoInode } from '../../vfs/anonymous.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import { ATTR_ATIME, ATTR_CTIME, ATTR_MTIME } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { Ring } from './ring.ts';

const SIGPIPE = 13;
const DEFAULT_CAPACITY = 65536;
/** /proc/sys/fs/pipe-max-size. */
const MAX_CAPACITY = 1 << 20;
const FIONREAD = 0x541b;

/** What the ends of one pipe share: struct pipe_inode_info. */
export class Pipe {
  readonly ring: Ring = new Ring();
  capacity: number = DEFAULT_CAPACITY;
  readers = 0;
  writers = 0;
  /** How many readers (writers) were ever opened: an open FIFO waits for the number to change. */
  readerOpens = 0;
  writerOpens = 0;
  /** Lengths of the packets in the ring, oldest first, when anything was written in packet mode. */
  packets: number[] | null = null;
  readonly readQueue: WaitQueue = new WaitQueue();
  readonly writeQueue: WaitQueue = new WaitQueue();

  /** Bytes that fit. Each packet takes a page of the capacity, as a slot of the kernel's ring. */
  get room(): number {
    const used = this.packets === null ? this.ring.length : Math.max(this.ring.length, this.packets.length * PIPE_BUF);
    return this.capacity - used;
  }
}

export class PipeFile extends FileDescription {
  readonly pipe: Pipe;

  constructor(path: Path, flags: number, pipe: Pipe) {
    super(path, flags);
    this.pipe = pipe;
    if (this.readable) {
      pipe.readers++;
      pipe.readerOpens++;
    }
    if (this.writable) {
      pipe.writers++;
      pipe.writerOpens++;
    }
  }

  override get seekable(): boolean {
    return false;
  }

  override read(ctx: VfsContext, iov: IoVector, _offset: number): number {
    const pipe = this.pipe;
    const want = iov.remaining;
    if (want === 0) return 0;
    const ring = pipe.ring;
    if (ring.length === 0) {
      if (pipe.writers === 0) return 0;
      if (this.flags & O_NONBLOCK) return EAGAIN;
      if (ctx.signalPending()) return ERESTARTSYS;
      return ctx.wait(pipe.readQueue);
    }
    const n = pipe.packets === null ? ring.drain(iov, want) : this.readPacket(pipe, iov, want);
    if (n > 0) {
      this.inode.touch(ATTR_ATIME);
      if (!pipe.writeQueue.empty) pipe.writeQueue.wake(POLLOUT | POLLWRNORM);
    }
    return n;
  }

  /** One packet, of which what does not fit is lost. */
  private readPacket(pipe: Pipe, iov: IoVector, want: number): number {
    const packets = pipe.packets!; // packet mode
    const length = packets[0]!; // the ring is not empty
    const n = pipe.ring.drain(iov, Math.min(want, length));
    if (n < 0) return n;
    pipe.ring.consume(length - n);
    packets.shift();
    if (packets.length === 0) pipe.packets = null;
    return n;
  }

  override write(ctx: VfsContext, iov: IoVector, _offset: number): number {
    const pipe = this.pipe;
    const want = iov.remaining;
    if (want === 0) return 0;
    if (pipe.readers === 0) {
      ctx.sendSignal(SIGPIPE);
      return EPIPE;
    }
    if (this.flags & O_DIRECT) return this.writePackets(ctx, pipe, iov);
    const room = pipe.room;
    // Up to PIPE_BUF bytes go in one piece or not at all.
    if (room <= 0 || (room < want && want <= PIPE_BUF)) return this.waitForRoom(ctx);
    const n = pipe.ring.fill(iov, Math.min(want, room));
    if (n < 0) return n;
    if (pipe.packets !== null) pipe.packets.push(n);
    this.wrote(pipe);
    if (n < want && (this.flags & O_NONBLOCK) === 0 && n === Math.min(want, room)) {
      // The rest waits; what was moved shows in iov.remaining.
      if (ctx.signalPending()) return n;
      return ctx.wait(pipe.writeQueue);
    }
    return n;
  }

  private wrote(pipe: Pipe): void {
    this.inode.touch(ATTR_MTIME | ATTR_CTIME);
    if (!pipe.readQueue.empty) pipe.readQueue.wake(POLLIN | POLLRDNORM);
  }

  private waitForRoom(ctx: VfsContext): number {
    if (this.flags & O_NONBLOCK) return EAGAIN;
    if (ctx.signalPending()) return ERESTARTSYS;
    return ctx.wait(this.pipe.writeQueue);
  }

  /** O_DIRECT: each piece of up to PIPE_BUF bytes is a packet of its own. */
  private writePackets(ctx: VfsContext, pipe: Pipe, iov: IoVector): number {
    let done = 0;
    while (iov.remaining > 0) {
      const len = Math.min(iov.remaining, PIPE_BUF);
      if (pipe.room < PIPE_BUF) {
        if (done > 0 && (this.flags & O_NONBLOCK || ctx.signalPending())) return done;
        return this.waitForRoom(ctx);
      }
      pipe.packets ??= pipe.ring.length > 0 ? [pipe.ring.length] : [];
      const n = pipe.ring.fill(iov, len);
      if (n < 0) return done > 0 ? done : n;
      pipe.packets.push(n);
      done += n;
      this.wrote(pipe);
      if (n < len) break;
    }
    return done;
  }

  override poll(table: PollTable | null): number {
    const pipe = this.pipe;
    let mask = 0;
    if (this.readable) {
      table?.add(pipe.readQueue);
      if (pipe.ring.length > 0) mask |= POLLIN | POLLRDNORM;
      if (pipe.writers === 0 && this.sawWriter !== pipe.writerOpens) mask |= POLLHUP;
    }
    if (this.writable) {
      table?.add(pipe.writeQueue);
      if (pipe.room >= PIPE_BUF) mask |= POLLOUT | POLLWRNORM;
      if (pipe.readers === 0) mask |= POLLERR;
    }
    return mask;
  }
  /** FIFOs: writers seen when this reader was opened without one; a hang-up is only reported once one came. -1: always. */
  sawWriter = -1;

  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    if (cmd !== FIONREAD) return ENOTTY;
    return isErr(ctx.space.writeU32(arg, this.pipe.ring.length)) ? EFAULT : 0;
  }

  override capacity(): number {
    return this.pipe.capacity;
  }
  override setCapacity(ctx: VfsContext, bytes: number): number {
    if (bytes > 0x80000000) return EINVAL;
    let size = PIPE_BUF;
    while (size < bytes) size *= 2;
    if (size > MAX_CAPACITY && size > this.pipe.capacity && !ctx.credentials.capable(CAP_SYS_RESOURCE)) return EPERM;
    const pipe = this.pipe;
    if (pipe.capacity - pipe.room > size) return EBUSY;
    pipe.capacity = size;
    pipe.writeQueue.wake(POLLOUT | POLLWRNORM);
    return size;
  }

  override fsync(): number {
    return EINVAL;
  }

  override release(): void {
    const pipe = this.pipe;
    if (this.readable) pipe.readers--;
    if (this.writable) pipe.writers--;
    if (pipe.readers === 0) pipe.writeQueue.wake(POLLOUT | POLLWRNORM | POLLERR | POLLHUP, Infinity);
    if (pipe.writers === 0) pipe.readQueue.wake(POLLIN | POLLRDNORM | POLLERR | POLLHUP, Infinity);
    if (pipe.readers === 0 && pipe.writers === 0 && this.inode.special === pipe) this.inode.special = null;
  }
}

/** Where unnamed pipes live. */
export class PipeFs extends PseudoFileSystem {
  constructor(vfs: Vfs) {
    super(vfs, 'pipefs', PIPEFS_MAGIC);
  }

  /** pipe2(2): the two ends. `flags`: O_NONBLOCK, O_DIRECT. */
  create(ctx: VfsContext, flags: number): [PipeFile, PipeFile] {
    const inode = new PseudoInode(this, S_IFIFO | 0o600);
    inode.uid = ctx.credentials.fsuid;
    inode.gid = ctx.credentials.fsgid;
    const pipe = new Pipe();
    inode.special = pipe;
    const path = this.path(`pipe:[${inode.ino}]`, inode);
    const kept = flags & (O_NONBLOCK | O_DIRECT);
    return [new PipeFile(path, O_RDONLY | (kept & O_NONBLOCK), pipe), new PipeFile(path, O_WRONLY | kept, pipe)];
  }
}

