/** A standard stream that the owner gave as a socket, as Node.js's child_process does for its pipes: inside it is a connected, unnamed AF_UNIX stream. */
import { EAGAIN, EINVAL, EISCONN, EPIPE, type Errno } from '../../abi/errno.ts';
import { POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../../abi/poll.ts';
import { AF_UNIX, MSG_PEEK, MSG_WAITALL, SOCK_STREAM } from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { HostStream, HostStreamListener } from '../../host/host.ts';
import type { Message } from '../../net/message.ts';
import type { NetworkNamespace } from '../../net/network-namespace.ts';
import { RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, Socket } from '../../net/socket.ts';
import type { SocketCaller } from '../../net/socket-caller.ts';
import { UNNAMED } from '../../net/unix/unix-names.ts';
import type { PollTable } from '../../vfs/poll.ts';

/** Bytes moved at a time. */
const CHUNK = 65536;
const chunk = new Uint8Array(CHUNK);

export class HostSocket extends Socket implements HostStreamListener {
  private readonly stream: HostStream;
  /** What MSG_PEEK took from the host and nobody has read yet. */
  private peeked: Uint8Array | null = null;
  private broken = false;

  constructor(netNs: NetworkNamespace, stream: HostStream) {
    super(netNs, AF_UNIX, SOCK_STREAM, 0);
    this.stream = stream;
    stream.listener = this;
  }

  inputReady(): void {
    this.wakeReaders();
  }
  outputReady(): void {
    this.wakeWriters();
  }

  override bind(): number {
    return EINVAL;
  }
  override connect(): number {
    return EISCONN;
  }
  override listen(): number {
    return EINVAL;
  }
  override getName(_peer: boolean): Uint8Array | Errno {
    return UNNAMED;
  }

  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    let done = 0;
    while (iov.remaining > 0 && !(this.shut & RCV_SHUTDOWN)) {
      if (this.peeked === null) {
        const n = this.stream.read(chunk, 0, msg.flags & MSG_PEEK ? CHUNK : Math.min(CHUNK, iov.remaining));
        if (n === EAGAIN) {
          if (done > 0) break;
          return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking);
        }
        if (n < 0) return done > 0 ? done : n;
        if (n === 0) break;
        this.peeked = chunk.slice(0, n);
      }
      const moved = iov.put(this.peeked, 0, Math.min(this.peeked.length, iov.remaining));
      if (moved < 0) return done > 0 ? done : moved;
      done += moved;
      if (msg.flags & MSG_PEEK) break;
      this.peeked = moved < this.peeked.length ? this.peeked.subarray(moved) : null;
      if (!(msg.flags & MSG_WAITALL)) break;
    }
    return done;
  }

  override send(ctx: SocketCaller, _msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (this.shut & SEND_SHUTDOWN) return EPIPE;
    let done = 0;
    while (iov.remaining > 0) {
      const n = iov.take(chunk, 0, CHUNK);
      if (n < 0) return done > 0 ? done : n;
      const written = this.stream.write(chunk, 0, n);
      if (written < n) iov.unread(n - Math.max(0, written));
      if (written === EAGAIN) {
        const r = this.waitOn(ctx, this.writeQueue, this.sndtimeo, nonBlocking);
        return r === EAGAIN && done > 0 ? done : r;
      }
      if (written < 0) {
        if (written === EPIPE) this.broken = true;
        return done > 0 ? done : written;
      }
      done += written;
    }
    return done;
  }

  override shutdown(_ctx: SocketCaller, how: number): number {
    const bits = Socket.shutdownBits(how);
    if (bits < 0) return bits;
    this.shut |= bits;
    this.wakeAll();
    return 0;
  }

  override poll(table: PollTable | null): number {
    if (table !== null) {
      table.add(this.readQueue);
      table.add(this.writeQueue);
    }
    let mask = 0;
    if (this.peeked !== null || this.shut & RCV_SHUTDOWN || this.stream.inputAvailable()) mask |= POLLIN | POLLRDNORM;
    if (this.shut & RCV_SHUTDOWN) mask |= POLLRDHUP;
    if (this.shut === SHUTDOWN_MASK || this.broken) mask |= POLLHUP;
    if (this.stream.outputAvailable()) mask |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return mask;
  }

  override close(): void {}
}
