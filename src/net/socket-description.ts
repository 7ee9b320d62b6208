/** The open file of a socket: read and write are receive and send without extras. */
import { EPIPE, ESPIPE } from '../abi/errno.ts';
import { O_NONBLOCK, O_RDWR } from '../abi/fcntl.ts';
import { SIGPIPE } from '../abi/signal.ts';
import { S_IFSOCK, SOCKFS_MAGIC } from '../abi/stat.ts';
import { SOCK_STREAM } from '../abi/socket.ts';
import type { IoVector } from '../base/io-vector.ts';
import { PseudoFileSystem, PseudoInode } from '../vfs/anonymous.ts';
import type { VfsContext } from '../vfs/context.ts';
import { FileDescription } from '../vfs/file-description.ts';
import type { Path } from '../vfs/mount.ts';
import type { PollTable } from '../vfs/poll.ts';
import type { Vfs } from '../vfs/vfs.ts';
import { Message } from './message.ts';
import type { Socket } from './socket.ts';
import type { SocketCaller } from './socket-caller.ts';

/** Read and write carry nothing else; a handler runs to completion, so one object serves all. */
const plain = new Message();

/** sockfs: where sockets' inodes live. */
export class SocketFileSystem {
  private readonly fs: PseudoFileSystem;
  constructor(vfs: Vfs) {
    this.fs = new PseudoFileSystem(vfs, 'sockfs', SOCKFS_MAGIC);
  }
  /** An open file for `socket`. */
  open(ctx: VfsContext, socket: Socket, nonBlocking: boolean): SocketDescription {
    const inode = new PseudoInode(this.fs, S_IFSOCK | 0o777);
    inode.uid = ctx.credentials.fsuid;
    inode.gid = ctx.credentials.fsgid;
    return new SocketDescription(this.fs.path(`socket:[${inode.ino}]`, inode), nonBlocking ? O_RDWR | O_NONBLOCK : O_RDWR, socket);
  }
}

export class SocketDescription extends FileDescription {
  readonly socket: Socket;
  constructor(path: Path, flags: number, socket: Socket) {
    super(path, flags);
    this.socket = socket;
    socket.file = this;
    socket.netNs.get();
    socket.netNs.sockets.add(socket);
  }
  override get seekable(): boolean {
    return false;
  }
  override read(ctx: VfsContext, iov: IoVector, offset: number): number {
    if (offset >= 0) return ESPIPE;
    if (iov.remaining === 0) return 0;
    return this.socket.receive(ctx as SocketCaller, plain.reset(0), iov, this.nonBlocking);
  }
  override write(ctx: VfsContext, iov: IoVector, offset: number): number {
    if (offset >= 0) return ESPIPE;
    const start = iov.remaining;
    const r = this.socket.send(ctx as SocketCaller, plain.reset(0), iov, this.nonBlocking);
    // A datagram that failed was not sent in part.
    if (r < 0 && this.socket.type !== SOCK_STREAM && iov.remaining < start) iov.unread(start - iov.remaining);
    if (r === EPIPE && this.socket.signalsBrokenPipe) ctx.sendSignal(SIGPIPE);
    return r;
  }
  override poll(table: PollTable | null): number {
    return this.socket.poll(table);
  }
  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    return this.socket.ioctl(ctx as SocketCaller, cmd, arg);
  }
  override release(): void {
    this.socket.file = null;
    this.socket.netNs.sockets.delete(this.socket);
    this.socket.close();
    this.socket.netNs.put();
  }
}
