/** UDP between sockets of this kernel. Facts: Linux 6.18 net/ipv4/udp.c; man 7 udp. */
import {
  EACCES,
  EAGAIN,
  ECONNREFUSED,
  EDESTADDRREQ,
  EFAULT,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  isErr,
} from '../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../../abi/poll.ts';
import {
  AF_INET6,
  IP_PKTINFO,
  IP_RECVTOS,
  IP_RECVTTL,
  IP_TOS,
  IP_TTL,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  IPV6_HOPLIMIT,
  IPV6_PKTINFO,
  IPV6_RECVHOPLIMIT,
  IPV6_RECVPKTINFO,
  IPV6_RECVTCLASS,
  IPV6_TCLASS,
  IPV6_UNICAST_HOPS,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  SO_BROADCAST,
  SOCK_DGRAM,
  SOL_IP,
  SOL_IPV6,
} from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { PollTable } from '../../vfs/poll.ts';
import type { ControlItem, Message } from '../message.ts';
import { allocPacket, datagramCharge, freePacket, type Packet, PacketQueue } from '../packet.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, Socket } from '../socket.ts';
import { intOption, optionInt } from '../socket-options.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { encodeEndpoint, Endpoint, isAny, isBroadcast, isMulticast, sameIp } from './inet-address.ts';
import { InetSocket } from './inet-socket.ts';
import type { PortTable } from './port-table.ts';

/** Largest datagram: 65535 less the headers. */
const MAX_PAYLOAD = 65507;

/** What the header of a datagram said, for IP_PKTINFO and its kin. */
class Arrival {
  readonly ip: Uint8Array;
  readonly device: number;
  hopLimit = 64;
  trafficClass = 0;
  constructor(ip: Uint8Array, device: number) {
    this.ip = ip;
    this.device = device;
  }

  /** Takes the sender's control messages: 0, or EINVAL for one that is malformed or unknown. */
  applyControl(items: readonly ControlItem[], v6: boolean): number {
    for (const { level, type, data } of items) {
      if (level === SOL_IPV6 && v6) {
        if (type === IPV6_PKTINFO) {
          if (data.length < 20) return EINVAL;
          continue;
        }
        if ((type !== IPV6_HOPLIMIT && type !== IPV6_TCLASS) || data.length !== 4) return EINVAL;
        const n = optionInt(data);
        if (n < -1 || n > 255) return EINVAL;
        if (type === IPV6_HOPLIMIT) this.hopLimit = n < 0 ? 64 : n;
        else this.trafficClass = n < 0 ? 0 : n;
      } else if (level === SOL_IP) {
        if (type === IP_PKTINFO) {
          if (data.length < 12) return EINVAL;
          continue;
        }
        if (type !== IP_TTL && type !== IP_TOS) return EINVAL;
        if (data.length !== 4 && !(type === IP_TOS && data.length === 1)) return EINVAL;
        const n = data.length === 1 ? data[0]! : optionInt(data); // one byte
        if (type === IP_TTL) {
          if (n < 1 || n > 255) return EINVAL;
          this.hopLimit = n;
        } else {
          this.trafficClass = n & 255;
        }
      }
    }
    return 0;
  }
}

export class UdpSocket extends InetSocket {
  readonly queue: PacketQueue = new PacketQueue();
  /** Sum of the charges of what is queued here. */
  private held = 0;
  private closed = false;

  /** `protocol`: IPPROTO_UDP, or IPPROTO_UDPLITE, whose ports are its own. */
  constructor(ctx: SocketCaller, family: number, protocol: number = IPPROTO_UDP) {
    super(ctx, family, SOCK_DGRAM, protocol);
  }
  protected override get ports(): PortTable {
    return this.protocol === IPPROTO_UDPLITE ? this.netNs.udpLitePorts : this.netNs.udpPorts;
  }
  override get stateNumber(): number {
    return this.remote === null ? 7 : 1;
  }
  override get queuedBytes(): number {
    return this.queue.head?.length ?? 0;
  }
  override get unreadBytes(): number {
    return 0;
  }
  uncharge(bytes: number): void {
    this.held -= bytes;
  }

  override connect(ctx: SocketCaller, address: Uint8Array, _nonBlocking: boolean): number {
    const e = this.parse(address);
    if (e === null) {
      this.remote = null;
      return 0;
    }
    if (isErr(e)) return e;
    const to = this.destination(e);
    if (isBroadcast(to.ip) && this.remembered.get(SO_BROADCAST) !== 1) return EACCES;
    const route = this.netNs.route(to.ip);
    if (route === null) return ENETUNREACH;
    if (!this.hasPort && !this.take(ctx, this.local.ip, 0)) return EAGAIN;
    if (isAny(this.local.ip)) this.local = new Endpoint(route.source, this.local.port);
    this.remote = to;
    this.error = 0;
    return 0;
  }

  override send(ctx: SocketCaller, msg: Message, iov: IoVector, _nonBlocking: boolean): number {
    const len = iov.remaining;
    if (len > 0xffff) return EMSGSIZE;
    if (msg.flags & MSG_OOB) return EOPNOTSUPP;
    let to = this.remote;
    if (msg.name !== null) {
      const e = this.parse(msg.name);
      if (isErr(e)) return e;
      if (e !== null) {
        if (e.port === 0) return EINVAL;
        to = this.destination(e);
      }
    }
    if (to === null) return EDESTADDRREQ;
    if (this.error !== 0) return this.takeError();
    if (this.shut & SEND_SHUTDOWN) return EPIPE;
    if (isBroadcast(to.ip) && this.remembered.get(SO_BROADCAST) !== 1) return EACCES;
    const bound = this.autobind(ctx);
    if (bound < 0) return bound;
    const arrival = new Arrival(to.ip, 1);
    arrival.hopLimit = this.options.get(to.ip.length === 4 ? SOL_IP * 256 + IP_TTL : SOL_IPV6 * 256 + IPV6_UNICAST_HOPS) ?? 64;
    arrival.trafficClass = this.options.get(to.ip.length === 4 ? SOL_IP * 256 + IP_TOS : SOL_IPV6 * 256 + IPV6_TCLASS) ?? 0;
    if (msg.control.length > 0) {
      const r = arrival.applyControl(msg.control, this.family === AF_INET6);
      if (r < 0) return r;
    }
    const route = this.netNs.route(to.ip);
    if (route === null || isMulticast(to.ip)) return ENETUNREACH;
    if (len > MAX_PAYLOAD) return EMSGSIZE;
    const p = allocPacket(len);
    const moved = len === 0 ? 0 : iov.take(p.data, 0, len);
    if (moved < len) {
      freePacket(p);
      return EFAULT;
    }
    const from = new Endpoint(isAny(this.local.ip) ? route.source : this.local.ip, this.local.port);
    const target = route.target === null ? null : this.find(route.target, from, to);
    if (target === null || target.closed) {
      freePacket(p);
      // The answer is "port unreachable", which only a connected socket hears.
      if (route.target !== null && this.remote !== null) {
        this.error = ECONNREFUSED;
        this.wakeAll();
      }
      return len;
    }
    p.charge = datagramCharge(len);
    if (target.held + p.charge > target.rcvbuf && target.held > 0) {
      freePacket(p);
      return len;
    }
    target.held += p.charge;
    p.owner = target;
    p.from = encodeEndpoint(from, target.family);
    p.extra = arrival;
    target.queue.push(p);
    target.wakeReaders();
    return len;
  }

  /** The socket that a datagram between the two is for: a connected one before one with the address before one for any. */
  private find(ns: NetworkNamespace, from: Endpoint, to: Endpoint): UdpSocket | null {
    let best: UdpSocket | null = null;
    let bestScore = -1;
    const ports = this.protocol === IPPROTO_UDPLITE ? ns.udpLitePorts : ns.udpPorts;
    for (const s of ports.at(to.port)) {
      if (!(s instanceof UdpSocket)) continue;
      let score = 0;
      if (sameIp(s.local.ip, to.ip)) score += 2;
      else if (!isAny(s.local.ip) || (s.local.ip.length === 4 && to.ip.length === 16) || (s.v6only && to.ip.length === 4)) continue;
      if (s.remote !== null) {
        if (!sameIp(s.remote.ip, from.ip) || s.remote.port !== from.port) continue;
        score += 4;
      }
      // Of equals, the one bound last.
      if (score >= bestScore) {
        best = s;
        bestScore = score;
      }
    }
    return best;
  }

  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (this.error !== 0) return this.takeError();
    const peek = (msg.flags & MSG_PEEK) !== 0;
    const p: Packet | null = this.queue.head;
    if (p === null) {
      if (this.shut & RCV_SHUTDOWN) return nonBlocking ? EAGAIN : 0;
      return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking);
    }
    const length = p.length;
    const n = Math.min(length, iov.remaining);
    if (n > 0) {
      const moved = iov.put(p.data, p.start, n);
      if (moved < n) return EFAULT;
    }
    msg.name = p.from;
    msg.hasName = true;
    if (n < length) msg.resultFlags |= MSG_TRUNC;
    this.packetInfo(p.extra as Arrival, msg);
    if (!peek) {
      this.queue.shift();
      freePacket(p);
    }
    return msg.flags & MSG_TRUNC ? length : n;
  }

  /** IP_PKTINFO and IPV6_RECVPKTINFO. */
  private packetInfo(a: Arrival, msg: Message): void {
    if (this.options.get(SOL_IP * 256 + IP_PKTINFO) && a.ip.length === 4) {
      const data = new Uint8Array(12);
      new DataView(data.buffer).setInt32(0, a.device, true);
      data.set(a.ip, 4);
      data.set(a.ip, 8);
      msg.control.push({ level: SOL_IP, type: IP_PKTINFO, data });
    }
    if (this.options.get(SOL_IPV6 * 256 + IPV6_RECVPKTINFO)) {
      const data = new Uint8Array(20);
      data.set(encodeEndpoint(new Endpoint(a.ip, 0), 10).subarray(8, 24));
      new DataView(data.buffer).setInt32(16, a.device, true);
      msg.control.push({ level: SOL_IPV6, type: IPV6_PKTINFO, data });
    }
    if (a.ip.length === 4) {
      if (this.options.get(SOL_IP * 256 + IP_RECVTTL)) msg.control.push({ level: SOL_IP, type: IP_TTL, data: intOption(a.hopLimit) });
      if (this.options.get(SOL_IP * 256 + IP_RECVTOS)) msg.control.push({ level: SOL_IP, type: IP_TOS, data: Uint8Array.of(a.trafficClass) });
    } else {
      if (this.options.get(SOL_IPV6 * 256 + IPV6_RECVHOPLIMIT))
        msg.control.push({ level: SOL_IPV6, type: IPV6_HOPLIMIT, data: intOption(a.hopLimit) });
      if (this.options.get(SOL_IPV6 * 256 + IPV6_RECVTCLASS))
        msg.control.push({ level: SOL_IPV6, type: IPV6_TCLASS, data: intOption(a.trafficClass) });
    }
  }

  override shutdown(_ctx: SocketCaller, how: number): number {
    const bits = Socket.shutdownBits(how);
    if (bits < 0) return bits;
    if (this.remote === null) {
      this.shut |= bits;
      return ENOTCONN;
    }
    this.shut |= bits;
    this.wakeAll();
    return 0;
  }

  override poll(table: PollTable | null): number {
    if (table !== null) {
      table.add(this.readQueue);
      table.add(this.writeQueue);
    }
    let mask = POLLOUT | POLLWRNORM | POLLWRBAND;
    if (this.error !== 0) mask |= POLLERR;
    if (this.shut & RCV_SHUTDOWN) mask |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (this.shut === SHUTDOWN_MASK) mask |= POLLHUP;
    if (this.queue.count > 0) mask |= POLLIN | POLLRDNORM;
    return mask;
  }

  override close(): void {
    this.closed = true;
    this.releasePort();
    for (let p = this.queue.shift(); p !== null; p = this.queue.shift()) freePacket(p);
  }
}
