/** SOCK_DGRAM and SOCK_SEQPACKET of AF_UNIX. Facts: Linux 6.18 net/unix/af_unix.c unix_dgram_connect(), _sendmsg(), __unix_dgram_recvmsg(). */
import { BLOCKED, EAGAIN, ECONNREFUSED, ECONNRESET, EFAULT, EINVAL, EMSGSIZE, ENOTCONN, EOPNOTSUPP, EPERM, EPIPE, isErr } from '../../abi/errno.ts';
import { AF_UNSPEC, MSG_EOR, MSG_OOB, MSG_PEEK, MSG_TRUNC, SOCK_DGRAM, SOCK_SEQPACKET } from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { PollTable } from '../../vfs/poll.ts';
import type { Message } from '../message.ts';
import { allocPacket, datagramCharge, type Packet } from '../packet.ts';
import { RCV_SHUTDOWN, SEND_SHUTDOWN } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { checkAddress, familyOf, findSocket, SUN_PATH } from './unix-names.ts';
import { CONNECTED, UNCONNECTED, UnixSocket } from './unix-socket.ts';
import { connectStream } from './unix-stream.ts';

export class UnixDatagramSocket extends UnixSocket {
  constructor(ctx: SocketCaller, type: number = SOCK_DGRAM) {
    super(ctx, type, 0);
  }
  override sibling(ctx: SocketCaller): UnixSocket {
    return new UnixDatagramSocket(ctx, this.type);
  }
  private get sequenced(): boolean {
    return this.type === SOCK_SEQPACKET;
  }

  override connect(ctx: SocketCaller, address: Uint8Array, nonBlocking: boolean): number {
    if (this.sequenced) {
      this.autobind();
      return connectStream(ctx, this, address, nonBlocking);
    }
    if (address.length < SUN_PATH) return EINVAL;
    let other: UnixSocket | null = null;
    if (familyOf(address) !== AF_UNSPEC) {
      const check = checkAddress(address);
      if (check < 0) return check;
      this.autobind();
      const found = findSocket(ctx, this.netNs, address, this.type);
      if (isErr(found)) return found;
      if (found.other !== null && found.other !== this) return EPERM;
      other = found;
    }
    const old = this.other;
    this.other = other;
    this.state = other === null ? UNCONNECTED : CONNECTED;
    if (other !== null) other.state = CONNECTED;
    if (old !== null && old !== other) {
      this.dropQueue(old);
      if (old.other === null) old.state = UNCONNECTED;
    }
    return 0;
  }

  /** The connection to `old` ended: what was received over it is lost, and it is told if it still sends here. */
  private dropQueue(old: UnixSocket): void {
    if (this.queue.count === 0) return;
    this.purge();
    this.peerWait.wake(-1, 0x7fffffff);
    if (!old.dead && old.other === this) {
      old.error = ECONNRESET;
      old.wakeAll();
    }
  }

  override send(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (this.sequenced) {
      if (this.error !== 0) return this.takeError();
      if (this.state !== CONNECTED) return ENOTCONN;
    }
    if (msg.flags & MSG_OOB) return EOPNOTSUPP;
    const name = this.sequenced ? null : msg.name;
    if (name !== null) {
      const check = checkAddress(name);
      if (check < 0) return check;
    } else if (this.other === null) {
      return ENOTCONN;
    }
    this.autobind();
    const len = iov.remaining;
    if (len > this.sndbuf - 32) return EMSGSIZE;
    if (this.error !== 0) return this.takeError();
    if (this.shut & SEND_SHUTDOWN) return EPIPE;
    if (this.charged >= this.sndbuf) return this.waitOn(ctx, this.writeQueue, this.sndtimeo, nonBlocking);
    let to = this.other;
    if (name !== null) {
      const found = findSocket(ctx, this.netNs, name, this.type);
      if (isErr(found)) return found;
      to = found;
    }
    if (to === null) return ENOTCONN;
    if (to.dead) {
      if (this.sequenced) return EPIPE;
      this.disconnect();
      this.dropQueue(to);
      return ECONNREFUSED;
    }
    if (to.other !== null && to.other !== this) return EPERM;
    if (to.shut & RCV_SHUTDOWN) return EPIPE;
    if (to !== this && to.other !== this && to.queueFull) return this.waitOn(ctx, to.peerWait, this.sndtimeo, nonBlocking);
    const p = allocPacket(len);
    const moved = len === 0 ? 0 : iov.take(p.data, 0, len);
    if (moved < len) {
      this.discard(p);
      return EFAULT;
    }
    this.attach(ctx, p, msg, to, datagramCharge(len), true);
    to.queue.push(p);
    to.wakeReaders();
    return len;
  }

  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (this.sequenced && this.state !== CONNECTED) return ENOTCONN;
    if (msg.flags & MSG_OOB) return EOPNOTSUPP;
    // Unlike on streams, an error comes before data that is already there.
    if (this.error !== 0) return this.takeError();
    const peek = (msg.flags & MSG_PEEK) !== 0;
    let p: Packet | null = this.queue.head;
    let skip = 0;
    if (peek && this.peekOffset >= 0) {
      skip = this.peekOffset;
      while (p !== null && skip >= p.length && p.next !== null) {
        skip -= p.length;
        p = p.next;
      }
    }
    if (p === null) {
      const r = this.nothingQueued(ctx, nonBlocking);
      return r;
    }
    msg.name = p.from;
    msg.hasName = true;
    const length = p.length - skip;
    const n = Math.min(length, iov.remaining);
    if (n < length) msg.resultFlags |= MSG_TRUNC;
    if (this.sequenced) msg.resultFlags |= p.extra === null ? 0 : MSG_EOR;
    if (n > 0) {
      const moved = iov.put(p.data, p.start + skip, n);
      if (moved < n) return EFAULT;
    }
    this.detach(p, msg, peek);
    if (peek) {
      if (this.peekOffset >= 0) this.peekOffset += n;
    } else {
      if (this.peekOffset > 0) this.peekOffset = Math.max(0, this.peekOffset - p.length);
      this.queue.shift();
      this.discard(p);
      this.peerWait.wake(-1, 1);
    }
    return msg.flags & MSG_TRUNC ? length : n;
  }

  private nothingQueued(ctx: SocketCaller, nonBlocking: boolean): number {
    if (nonBlocking) return this.sequenced && this.shut & RCV_SHUTDOWN ? 0 : EAGAIN;
    if (this.shut & RCV_SHUTDOWN) return 0;
    const r = this.waitOn(ctx, this.readQueue, this.rcvtimeo, false);
    return r === BLOCKED ? BLOCKED : r;
  }

  protected override peerHasRoom(table: PollTable | null): boolean {
    const other = this.other;
    if (this.sequenced || other === null || other.other === this) return true;
    if (!other.queueFull) return true;
    if (table !== null) table.add(other.peerWait);
    return !other.queueFull;
  }
}
