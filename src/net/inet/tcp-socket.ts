/** TCP between sockets of this kernel. Facts: Linux 6.18 net/ipv4/tcp.c, af_inet.c; man 7 tcp. */
import {
  BLOCKED,
  EADDRINUSE,
  EAGAIN,
  EADDRNOTAVAIL,
  EALREADY,
  ECONNABORTED,
  ECONNREFUSED,
  ECONNRESET,
  EFAULT,
  EHOSTUNREACH,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EPIPE,
  type Errno,
  isErr,
} from '../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, SO_OOBINLINE, SOCK_STREAM } from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { PollTable } from '../../vfs/poll.ts';
import type { Message } from '../message.ts';
import { allocPacket, freePacket, type Packet, PacketQueue } from '../packet.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, Socket } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { anyAddress, Endpoint, isAny, isMulticast, sameIp } from './inet-address.ts';
import { InetSocket } from './inet-socket.ts';
import { overlap, type PortTable } from './port-table.ts';

export const TCP_ESTABLISHED = 1;
export const TCP_SYN_SENT = 2;
export const TCP_FIN_WAIT2 = 5;
export const TCP_CLOSE = 7;
export const TCP_CLOSE_WAIT = 8;
export const TCP_LISTEN = 10;

/** SO_SNDBUF and SO_RCVBUF of a fresh socket, and the send buffer of a loopback connection (tcp_wmem, tcp_rmem, as grown). */
const INITIAL_SNDBUF = 16384;
const INITIAL_RCVBUF = 131072;
const CONNECTED_SNDBUF = 2626560;
/** Largest packet. */
const SEGMENT = 65483;
const TIME_WAIT_NS = 60_000_000_000;

export class TcpSocket extends InetSocket {
  private state: number = TCP_CLOSE;
  /** The other end. */
  private other: TcpSocket | null = null;
  readonly queue: PacketQueue = new PacketQueue();
  private sndbufSet = false;
  /** Listening: established connections to be accepted; connecting sockets that found no room. */
  private readonly ready: TcpSocket[] = [];
  private readonly waiting: TcpSocket[] = [];
  private backlog = 0;
  /** A connect() that succeeded has not been told yet (non-blocking). */
  private connectPending = false;
  private listener: TcpSocket | null = null;
  /** connect() took the port, not bind(). */
  private portChosen = false;
  /** This end sent its FIN first. */
  private activeClose = false;
  /** Urgent byte. */
  private urgent: Packet | null = null;
  private closed = false;

  constructor(ctx: SocketCaller, family: number, netNs: NetworkNamespace = ctx.nsproxy.net) {
    super(ctx, family, SOCK_STREAM, 6, netNs);
    this.sndbuf = INITIAL_SNDBUF;
    this.rcvbuf = INITIAL_RCVBUF;
  }
  protected override get ports(): PortTable {
    return this.netNs.tcpPorts;
  }
  override get stateNumber(): number {
    return this.state;
  }
  override get listening(): boolean {
    return this.state === TCP_LISTEN;
  }
  override get queuedBytes(): number {
    return this.queue.bytes;
  }
  override get unreadBytes(): number {
    return this.other === null ? 0 : this.other.queue.bytes;
  }
  override setSndbuf(bytes: number, limit: number): void {
    this.sndbufSet = true;
    super.setSndbuf(bytes, limit);
  }

  // ---- connecting

  override listen(ctx: SocketCaller, backlog: number): number {
    if (this.state !== TCP_CLOSE && this.state !== TCP_LISTEN) return EINVAL;
    this.backlog = backlog;
    if (this.state === TCP_LISTEN) return 0;
    if (!this.hasPort) {
      const r = this.autobind(ctx);
      if (r < 0) return EADDRINUSE;
    } else if (
      this.ports.at(this.local.port).some((o) => o !== this && o.listening && !(o.reusePort && this.reusePort) && overlap(this, this.local.ip, o))
    ) {
      return EADDRINUSE;
    }
    this.state = TCP_LISTEN;
    this.shut = 0;
    return 0;
  }

  override connect(ctx: SocketCaller, address: Uint8Array, nonBlocking: boolean): number {
    if (ctx.syscall.again && this.state !== TCP_CLOSE) return this.connectResult(ctx, nonBlocking);
    if (this.connectPending || (this.state === TCP_CLOSE && this.error !== 0)) return this.connectResult(ctx, nonBlocking);
    const e = this.parse(address);
    if (e === null) return this.state === TCP_CLOSE ? 0 : this.disconnect();
    if (isErr(e)) return e;
    if (this.state === TCP_SYN_SENT) return nonBlocking ? EALREADY : this.connectResult(ctx, false);
    if (this.state === TCP_LISTEN) return EISCONN;
    if (this.state !== TCP_CLOSE || this.remote !== null) return EISCONN;
    const to = this.destination(e);
    if (isMulticast(to.ip)) return ENETUNREACH;
    const route = this.netNs.route(to.ip);
    if (route === null) return ENETUNREACH;
    if (route.target === null) return EHOSTUNREACH;
    if (!this.hasPort) {
      if (!this.take(ctx, isAny(this.local.ip) ? route.source : this.local.ip, 0)) return EADDRNOTAVAIL;
      this.portChosen = true;
    } else if (isAny(this.local.ip)) {
      this.local = new Endpoint(route.source, this.local.port);
    }
    this.remote = to;
    this.state = TCP_SYN_SENT;
    const target = findListener(route.target, to);
    if (target === null) this.refused();
    else target.incoming(ctx, this);
    if (nonBlocking) {
      this.connectPending = true;
      return EINPROGRESS;
    }
    return this.connectResult(ctx, false);
  }

  /** What a connect() that is under way, or just ended, says. */
  private connectResult(ctx: SocketCaller, nonBlocking: boolean): number {
    if (this.state === TCP_SYN_SENT) {
      const r = nonBlocking ? EALREADY : this.waitOn(ctx, this.writeQueue, this.sndtimeo, false);
      return r === EAGAIN ? EINPROGRESS : r;
    }
    this.connectPending = false;
    if (this.error !== 0) {
      // A failure that connect itself reports leaves the socket as new; a port of its own choice is given back.
      if (this.portChosen) {
        this.portChosen = false;
        this.releasePort();
        this.local = new Endpoint(anyAddress(this.family), 0);
      }
      this.shut = 0;
      return this.takeError();
    }
    return this.state === TCP_CLOSE ? ECONNABORTED : 0;
  }
  private disconnect(): number {
    this.abort();
    this.releasePort();
    this.local = new Endpoint(this.local.ip.length === 4 ? new Uint8Array(4) : new Uint8Array(16), 0);
    this.remote = null;
    return 0;
  }
  private refused(): void {
    this.state = TCP_CLOSE;
    this.remote = null;
    this.error = ECONNREFUSED;
    this.shut = SHUTDOWN_MASK;
    this.wakeAll();
  }

  /** A connection request: established at once if the queue has room, else later. */
  private incoming(ctx: SocketCaller, client: TcpSocket): void {
    if (this.ready.length > this.backlog) {
      this.waiting.push(client);
      client.listener = this;
      return;
    }
    this.establish(ctx, client);
  }
  private establish(ctx: SocketCaller, client: TcpSocket): void {
    const s = new TcpSocket(ctx, this.family, this.netNs);
    s.local = client.remote as Endpoint; // set by connect
    s.remote = client.local;
    s.state = TCP_ESTABLISHED;
    s.other = client;
    for (const [k, v] of this.remembered) s.remembered.set(k, v);
    for (const [k, v] of this.options) s.options.set(k, v);
    s.rcvbuf = this.rcvbuf;
    s.sndbuf = this.sndbufSet ? this.sndbuf : CONNECTED_SNDBUF;
    s.sndbufSet = this.sndbufSet;
    s.lingerOn = this.lingerOn;
    s.lingerSeconds = this.lingerSeconds;
    s.rcvtimeo = this.rcvtimeo;
    s.sndtimeo = this.sndtimeo;
    s.hasPort = true;
    this.ports.add(s.local.port, s);
    client.other = s;
    client.state = TCP_ESTABLISHED;
    client.listener = null;
    if (!client.sndbufSet) client.sndbuf = CONNECTED_SNDBUF;
    this.ready.push(s);
    client.wakeWriters();
    this.wakeReaders();
  }

  override accept(ctx: SocketCaller, nonBlocking: boolean): Socket | Errno {
    if (this.state !== TCP_LISTEN) return EINVAL;
    const s = this.ready.shift();
    if (s === undefined) return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking) as Errno;
    const next = this.waiting.shift();
    if (next !== undefined) this.establish(ctx, next);
    return s;
  }

  // ---- data

  /** Bytes that may be on the way to the other end. */
  private get window(): number {
    return this.sndbuf + (this.other === null ? 0 : this.other.rcvbuf);
  }

  override send(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (this.state === TCP_SYN_SENT) {
      if (nonBlocking) return EAGAIN;
      return this.waitOn(ctx, this.writeQueue, this.sndtimeo, false);
    }
    if (this.error !== 0) return this.takeError();
    if (this.shut & SEND_SHUTDOWN || (this.state !== TCP_ESTABLISHED && this.state !== TCP_CLOSE_WAIT)) return EPIPE;
    let sent = 0;
    const total = iov.remaining;
    while (sent < total) {
      if (this.error !== 0 || this.shut & SEND_SHUTDOWN) return sent > 0 ? sent : this.error !== 0 ? this.takeError() : EPIPE;
      const other = this.other;
      if (other === null || other.closed) {
        // The other end is gone: its answer to data is a reset.
        this.reset(this.state === TCP_CLOSE_WAIT ? EPIPE : ECONNRESET);
        const n = iov.remaining;
        return sent + n;
      }
      const room = this.window - other.queue.bytes;
      if (room <= 0) {
        const r = this.waitOn(ctx, this.writeQueue, this.sndtimeo, nonBlocking);
        return r === BLOCKED || sent === 0 ? r : sent;
      }
      const n = Math.min(total - sent, room, SEGMENT);
      const p = allocPacket(n);
      const moved = iov.take(p.data, 0, n);
      if (moved < n) {
        if (moved > 0) iov.unread(moved);
        freePacket(p);
        return sent > 0 ? sent : EFAULT;
      }
      p.owner = null;
      p.charge = 0;
      sent += n;
      if (other.shut & RCV_SHUTDOWN) freePacket(p);
      else other.deliver(p, (msg.flags & MSG_OOB) !== 0 && sent === total);
    }
    return sent;
  }

  private deliver(p: Packet, urgent: boolean): void {
    if (urgent) {
      const last = p.end - 1;
      if (last > p.start) {
        const first = allocPacket(last - p.start);
        first.data.set(p.data.subarray(p.start, last));
        this.queue.push(first);
        p.start = last;
      }
      p.oob = true;
      if (this.urgent !== null) this.urgent.oob = false;
      this.urgent = p;
      this.readQueue.wake(POLLPRI);
    }
    this.queue.push(p);
    this.wakeReaders();
  }

  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (this.state === TCP_LISTEN) return ENOTCONN;
    if (msg.flags & MSG_OOB) return this.receiveUrgent(msg, iov);
    const peek = (msg.flags & MSG_PEEK) !== 0;
    const wanted = iov.remaining;
    const target = msg.flags & MSG_WAITALL ? wanted : Math.min(this.rcvlowat, wanted) || 1;
    const inline = this.remembered.get(SO_OOBINLINE) === 1;
    let copied = 0;
    let p = this.queue.head;
    if (wanted === 0 && p === null) return this.nothingQueued(ctx, nonBlocking);
    const full = this.other !== null && this.queue.bytes >= this.other.window >> 1;
    while (iov.remaining > 0) {
      if (p !== null && p.oob && p === this.urgent && !inline) {
        if (copied > 0) break;
        if (!peek) {
          this.urgent = null;
          this.queue.remove(p);
          freePacket(p);
          p = this.queue.head;
        } else {
          p = p.next;
        }
        continue;
      }
      if (p === null) {
        if (copied >= target) break;
        const r = this.nothingQueued(ctx, nonBlocking);
        if (r < 0 && (copied === 0 || r === BLOCKED)) return r;
        break;
      }
      const want = Math.min(p.length, iov.remaining);
      let moved: number = want;
      if (msg.flags & MSG_TRUNC && !peek) {
        // The bytes are thrown away, only their number counts.
        copied += want;
        this.queue.consumed(p, want);
        if (p.length === 0) {
          this.queue.shift();
          freePacket(p);
        }
        if (copied >= wanted) break;
        p = this.queue.head;
        continue;
      }
      moved = iov.put(p.data, p.start, want);
      if (moved < 0) return copied > 0 ? copied : moved;
      copied += moved;
      if (peek) {
        if (moved < want) break;
        p = p.next;
        if (p === null) break;
        continue;
      }
      this.queue.consumed(p, moved);
      if (p.length > 0) break;
      if (p === this.urgent) this.urgent = null;
      this.queue.shift();
      freePacket(p);
      p = this.queue.head;
    }
    if (full && this.other !== null && this.other.canWrite) this.other.wakeWriters();
    return copied;
  }
  private nothingQueued(ctx: SocketCaller, nonBlocking: boolean): number {
    if (this.error !== 0) return this.takeError();
    if (this.shut & RCV_SHUTDOWN) return 0;
    if (this.state === TCP_CLOSE) return ENOTCONN;
    return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking);
  }
  private receiveUrgent(msg: Message, iov: IoVector): number {
    const p = this.urgent;
    if (this.remembered.get(SO_OOBINLINE) === 1 || p === null) return EINVAL;
    const r = iov.put(p.data, p.start, 1);
    if (r < 0) return r;
    msg.resultFlags |= MSG_OOB;
    if ((msg.flags & MSG_PEEK) === 0) {
      this.urgent = null;
      this.queue.remove(p);
      freePacket(p);
    }
    return 1;
  }

  private get canWrite(): boolean {
    if (this.other === null) return true;
    const used = this.other.queue.bytes;
    return this.window - used >= used >> 1;
  }

  override poll(table: PollTable | null): number {
    if (table !== null) {
      table.add(this.readQueue);
      table.add(this.writeQueue);
    }
    if (this.state === TCP_LISTEN) return this.ready.length > 0 ? POLLIN | POLLRDNORM : 0;
    let mask = 0;
    if (this.shut === SHUTDOWN_MASK || this.state === TCP_CLOSE) mask |= POLLHUP;
    if (this.shut & RCV_SHUTDOWN) mask |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (this.state !== TCP_SYN_SENT) {
      if (this.queue.bytes >= this.rcvlowat) mask |= POLLIN | POLLRDNORM;
      if (this.shut & SEND_SHUTDOWN || this.canWrite) mask |= POLLOUT | POLLWRNORM;
      if (this.urgent !== null) mask |= POLLPRI;
    }
    if (this.error !== 0) mask |= POLLERR;
    return mask;
  }

  // ---- ending

  override shutdown(_ctx: SocketCaller, how: number): number {
    const bits = Socket.shutdownBits(how);
    if (bits < 0) return bits;
    if (this.state === TCP_LISTEN) {
      if (bits & RCV_SHUTDOWN) this.stopListening();
      return 0;
    }
    if (this.state === TCP_CLOSE) return ENOTCONN;
    if (this.state === TCP_SYN_SENT) {
      this.state = TCP_CLOSE;
      return 0;
    }
    const before = this.shut;
    this.shut |= bits;
    if (bits & SEND_SHUTDOWN && (before & SEND_SHUTDOWN) === 0) this.sendFin();
    this.wakeAll();
    return 0;
  }

  /** Tells the other end that nothing more comes. */
  private sendFin(): void {
    const other = this.other;
    if (this.state === TCP_ESTABLISHED) {
      this.state = TCP_FIN_WAIT2;
      this.activeClose = true;
    } else if (this.state === TCP_CLOSE_WAIT) {
      this.state = TCP_CLOSE;
    }
    if (other === null) return;
    other.shut |= RCV_SHUTDOWN;
    if (other.state === TCP_ESTABLISHED) other.state = TCP_CLOSE_WAIT;
    else if (other.state === TCP_FIN_WAIT2) other.finished();
    other.wakeAll();
  }
  /** Both directions have ended, this side first: the port is kept for a while. */
  private finished(): void {
    this.state = TCP_CLOSE;
    this.shut = SHUTDOWN_MASK;
  }

  private stopListening(): void {
    this.state = TCP_CLOSE;
    for (const s of this.ready.splice(0)) s.abort();
    for (const c of this.waiting.splice(0)) c.refused();
    this.wakeAll();
  }

  /** A reset arrived. */
  private reset(error: Errno): void {
    if (this.state === TCP_CLOSE && this.other === null) return;
    this.error = error;
    this.state = TCP_CLOSE;
    this.shut = SHUTDOWN_MASK;
    this.other = null;
    for (let p = this.queue.shift(); p !== null; p = this.queue.shift()) freePacket(p);
    this.urgent = null;
    this.wakeAll();
  }
  /** Ends the connection with a reset. */
  private abort(): void {
    const other = this.other;
    this.other = null;
    this.state = TCP_CLOSE;
    this.shut = SHUTDOWN_MASK;
    this.closed = true;
    if (other !== null) other.reset(other.state === TCP_CLOSE_WAIT ? EPIPE : ECONNRESET);
    this.releasePort();
  }

  override close(): void {
    if (this.listener !== null) {
      const i = this.listener.waiting.indexOf(this);
      if (i >= 0) this.listener.waiting.splice(i, 1);
    }
    if (this.state === TCP_LISTEN) this.stopListening();
    const unread = this.queue.bytes > 0;
    if (this.other !== null && (unread || (this.lingerOn && this.lingerSeconds === 0))) {
      this.abort();
    } else if (this.other !== null) {
      if ((this.shut & SEND_SHUTDOWN) === 0) this.sendFin();
      this.shut = SHUTDOWN_MASK;
    }
    for (let p = this.queue.shift(); p !== null; p = this.queue.shift()) freePacket(p);
    const { clock } = this.netNs;
    if (this.activeClose && this.hasPort && clock !== null)
      this.ports.linger(this.local.port, this.local.ip, this.reuseAddress, clock.monotonicNs() + TIME_WAIT_NS);
    this.closed = true;
    this.releasePort();
  }
}

/** Who listens at `to` in `ns`: one with the very address before one for any. */
function findListener(ns: NetworkNamespace, to: Endpoint): TcpSocket | null {
  let best: TcpSocket | null = null;
  for (const s of ns.tcpPorts.at(to.port)) {
    if (!s.listening || !(s instanceof TcpSocket)) continue;
    if (sameIp(s.local.ip, to.ip)) return s;
    if (isAny(s.local.ip) && (s.local.ip.length === to.ip.length || (s.local.ip.length === 16 && !s.v6only))) best ??= s;
  }
  return best;
}
