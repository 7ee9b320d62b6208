/** SOCK_STREAM of AF_UNIX. Facts: Linux 6.18 net/unix/af_unix.c unix_stream_connect(), _sendmsg(), _read_generic(), manage_oob(). */
import { BLOCKED, EAGAIN, ECONNREFUSED, EFAULT, EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE, isErr } from '../../abi/errno.ts';
import { INVALID_KGID, INVALID_KUID, type KGid, type KUid } from '../../abi/ids.ts';
import { MSG_OOB, MSG_PEEK, MSG_WAITALL, SO_OOBINLINE, SOCK_STREAM } from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { Message } from '../message.ts';
import { allocPacket, type Packet, streamCharge, streamChunk } from '../packet.ts';
import { PeerCredentials, RCV_SHUTDOWN, SEND_SHUTDOWN } from '../socket.ts';
import type { PeerPid, SocketCaller } from '../socket-caller.ts';
import { checkAddress, findSocket } from './unix-names.ts';
import { CONNECTED, LISTENING, UNCONNECTED, UnixSocket } from './unix-socket.ts';

/** connect() of stream and seqpacket sockets: 0, an errno or BLOCKED. */
export function connectStream(ctx: SocketCaller, self: UnixSocket, address: Uint8Array, nonBlocking: boolean): number {
  const check = checkAddress(address);
  if (check < 0) return check;
  const found = findSocket(ctx, self.netNs, address, self.type);
  if (isErr(found)) return found;
  if (found.state !== LISTENING || found.shut & RCV_SHUTDOWN) return ECONNREFUSED;
  if (found.queueFull) return self.waitOn(ctx, found.peerWait, self.sndtimeo, nonBlocking);
  if (self.state !== UNCONNECTED) return self.state === CONNECTED ? EISCONN : EINVAL;
  const accepted = self.sibling(ctx);
  accepted.state = CONNECTED;
  accepted.other = self;
  accepted.address = found.address;
  accepted.peer = new PeerCredentials(ctx);
  accepted.passcred = found.passcred;
  accepted.passpidfd = found.passpidfd;
  self.other = accepted;
  self.state = CONNECTED;
  self.peer = found.peer;
  found.pendingConnections.push(accepted);
  found.wakeReaders();
  return 0;
}

export class UnixStreamSocket extends UnixSocket {
  /** The urgent byte that was sent last and not yet received. */
  private oob: Packet | null = null;

  constructor(ctx: SocketCaller) {
    super(ctx, SOCK_STREAM, 0);
  }
  override sibling(ctx: SocketCaller): UnixSocket {
    return new UnixStreamSocket(ctx);
  }
  override connect(ctx: SocketCaller, address: Uint8Array, nonBlocking: boolean): number {
    this.autobind();
    return connectStream(ctx, this, address, nonBlocking);
  }

  override send(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    let plain = iov.remaining;
    if (msg.flags & MSG_OOB) {
      if (plain === 0) return EOPNOTSUPP;
      plain--;
    }
    if (msg.name !== null) return this.state === CONNECTED ? EISCONN : EOPNOTSUPP;
    const other = this.other;
    if (other === null) return ENOTCONN;
    if (this.shut & SEND_SHUTDOWN) return EPIPE;
    const chunk = streamChunk(this.sndbuf);
    let sent = 0;
    while (sent < plain) {
      const n = Math.min(plain - sent, chunk);
      const r = this.sendPiece(ctx, msg, iov, n, other, nonBlocking, sent === 0, false);
      if (r < 0) return sent > 0 && r !== BLOCKED ? sent : r;
      sent += r;
    }
    if (msg.flags & MSG_OOB) {
      const r = this.sendPiece(ctx, msg, iov, 1, other, nonBlocking, sent === 0, true);
      if (r < 0) return sent > 0 && r !== BLOCKED ? sent : r;
      sent++;
    }
    return sent;
  }

  /** Queues one packet of `n` bytes at the other end: n, or an errno. */
  private sendPiece(
    ctx: SocketCaller,
    msg: Message,
    iov: IoVector,
    n: number,
    other: UnixSocket,
    nonBlocking: boolean,
    first: boolean,
    oob: boolean,
  ): number {
    if (this.error !== 0) return this.takeError();
    if (this.shut & SEND_SHUTDOWN) return EPIPE;
    if (this.charged >= this.sndbuf) return this.waitOn(ctx, this.writeQueue, this.sndtimeo, nonBlocking);
    const p = allocPacket(n);
    const moved = iov.take(p.data, 0, n);
    if (moved < n) {
      this.discard(p);
      return moved < 0 ? moved : (iov.unread(moved), EFAULT);
    }
    if (other.dead || other.shut & RCV_SHUTDOWN) {
      iov.unread(n);
      this.discard(p);
      return EPIPE;
    }
    this.attach(ctx, p, msg, other, streamCharge(n), first);
    if (oob) (other as UnixStreamSocket).setUrgent(p);
    other.queue.push(p);
    other.wakeReaders();
    return n;
  }

  // ---- urgent data

  private setUrgent(p: Packet): void {
    p.oob = true;
    // An older urgent byte becomes ordinary, unless it was read out of band already.
    if (this.oob !== null) this.oob.oob = false;
    this.oob = p;
  }
  protected override get urgent(): boolean {
    return this.oob !== null;
  }
  protected override get atMark(): boolean {
    const head = this.queue.head;
    return head !== null && (head === this.oob || (head.oob && head.length === 0));
  }
  private get oobInline(): boolean {
    return this.remembered.get(SO_OOBINLINE) === 1;
  }
  private receiveUrgent(msg: Message, iov: IoVector): number {
    const p = this.oob;
    if (this.oobInline || p === null) return EINVAL;
    const r = iov.put(p.data, p.start, 1);
    if (r < 0) return r;
    msg.resultFlags |= MSG_OOB;
    if ((msg.flags & MSG_PEEK) === 0) {
      // The place stays as a mark, its byte is gone.
      this.oob = null;
      this.queue.consumed(p, 1);
    }
    return 1;
  }

  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (this.state !== CONNECTED) return EINVAL;
    if (msg.flags & MSG_OOB) return this.receiveUrgent(msg, iov);
    const peek = (msg.flags & MSG_PEEK) !== 0;
    const wanted = iov.remaining;
    const target = msg.flags & MSG_WAITALL ? wanted : Math.min(this.rcvlowat, wanted) || 1;
    const glueCredentials = this.passcred || this.passpidfd;
    let copied = 0;
    // What came first: data of other senders is not glued to it when credentials are reported.
    let started = false;
    let pid: PeerPid | null = null;
    let uid: KUid = INVALID_KUID;
    let gid: KGid = INVALID_KGID;
    let skip = peek && this.peekOffset > 0 ? this.peekOffset : 0;
    let p = this.queue.head;
    while (iov.remaining > 0 || (wanted === 0 && !started)) {
      // Spent marks of urgent data end a read that has something, and vanish.
      if (p !== null && p.oob && p !== this.oob && p.length === 0) {
        if (copied > 0) break;
        this.queue.remove(p);
        this.discard(p);
        p = this.queue.head;
        continue;
      }
      if (p !== null && p === this.oob) {
        // A read stops before the urgent byte; one that starts there takes it only if it is inline.
        if (copied > 0) break;
        if (this.oobInline) {
          if (!peek) this.oob = null;
        } else if (!peek) {
          this.oob = null;
          this.queue.remove(p);
          this.discard(p);
          p = this.queue.head;
          continue;
        } else {
          p = p.next;
          continue;
        }
      }
      if (p === null) {
        if (copied >= target) break;
        const r = this.nothingQueued(ctx, nonBlocking);
        if (r < 0) return copied > 0 && r !== BLOCKED ? copied : r;
        break;
      }
      if (skip >= p.length && p.length > 0) {
        skip -= p.length;
        p = p.next;
        continue;
      }
      if (started && glueCredentials && (p.pid !== pid || p.uid !== uid || p.gid !== gid)) break;
      if (!started) {
        started = true;
        ({ pid, uid, gid } = p);
        msg.name = p.from;
        msg.hasName = true;
      }
      const want = Math.min(p.length - skip, iov.remaining);
      const moved = iov.put(p.data, p.start + skip, want);
      if (moved < 0) return copied > 0 ? copied : moved;
      copied += moved;
      const hadFiles = p.files !== null;
      if (hadFiles || copied === moved) this.detach(p, msg, peek);
      if (peek) {
        if (this.peekOffset >= 0) this.peekOffset += moved;
        skip = 0;
        if (hadFiles || moved < want) break;
        p = p.next;
        if (p === null) break;
        continue;
      }
      if (this.peekOffset > 0) this.peekOffset = Math.max(0, this.peekOffset - moved);
      this.queue.consumed(p, moved);
      if (p.length > 0) break;
      if (p === this.oob) this.oob = null;
      this.queue.shift();
      this.discard(p);
      if (hadFiles) break;
      p = this.queue.head;
    }
    return copied;
  }

  /** 0 at the end of the stream, else an errno or BLOCKED. */
  private nothingQueued(ctx: SocketCaller, nonBlocking: boolean): number {
    if (this.error !== 0) return this.takeError();
    if (this.shut & RCV_SHUTDOWN) return 0;
    if (nonBlocking) return EAGAIN;
    return this.waitOn(ctx, this.readQueue, this.rcvtimeo, false);
  }
}
