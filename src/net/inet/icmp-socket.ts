/** Raw ICMP sockets: echo requests are answered by whoever has the address. Facts: man 7 icmp, 7 raw; RFC 792, 4443. */
import { EDESTADDRREQ, EFAULT, EHOSTUNREACH, EINVAL, EMSGSIZE, ENETUNREACH, type Errno, isErr } from '../../abi/errno.ts';
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../../abi/poll.ts';
import { IPPROTO_ICMP, MSG_PEEK, MSG_TRUNC, SOCK_RAW, SOL_RAW } from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { PollTable } from '../../vfs/poll.ts';
import type { Message } from '../message.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { allocPacket, freePacket, PacketQueue } from '../packet.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { intOption } from '../socket-options.ts';
import { encodeEndpoint, Endpoint, isAny, sameIp } from './inet-address.ts';
import { InetSocket } from './inet-socket.ts';
import { PortTable } from './port-table.ts';

const ICMP_ECHOREPLY = 0;
const ICMP_ECHO = 8;
const ICMPV6_ECHO_REQUEST = 128;
const ICMPV6_ECHO_REPLY = 129;
const SOL_ICMPV6 = 58;
/** ICMP_FILTER and ICMP6_FILTER. */
const FILTER = 1;
/** Packets that wait to be read. */
const QUEUE_MAX = 256;
const IP_HEADER = 20;

/** The Internet checksum of `b`, started with `sum`. */
function checksum(b: Uint8Array, sum = 0): number {
  for (let i = 0; i < b.length; i += 2) sum += (b[i]! << 8) | (b[i + 1] ?? 0); // i is in range
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export class IcmpSocket extends InetSocket {
  private readonly queue: PacketQueue = new PacketQueue();
  /** One bit a type; set: not delivered. */
  private readonly filter: Uint8Array = new Uint8Array(32);
  private readonly noPorts: PortTable = new PortTable();

  constructor(ctx: SocketCaller, family: number, protocol: number) {
    super(ctx, family, SOCK_RAW, protocol);
    this.netNs.icmpSockets.add(this);
  }
  protected override get ports(): PortTable {
    return this.noPorts;
  }
  override get stateNumber(): number {
    return 7;
  }
  override get queuedBytes(): number {
    return this.queue.head?.length ?? 0;
  }
  override get unreadBytes(): number {
    return 0;
  }

  override connect(_ctx: SocketCaller, address: Uint8Array, _nonBlocking: boolean): number {
    const e = this.parse(address);
    if (e !== null && isErr(e)) return e;
    if (e !== null && this.netNs.route(this.destination(e).ip) === null) return ENETUNREACH;
    this.remote = e === null ? null : this.destination(e);
    return 0;
  }

  override send(_ctx: SocketCaller, msg: Message, iov: IoVector, _nonBlocking: boolean): number {
    let to = this.remote;
    if (msg.name !== null) {
      const e = this.parse(msg.name);
      if (isErr(e)) return e;
      if (e !== null) to = this.destination(e);
    }
    if (to === null) return EDESTADDRREQ;
    const len = iov.remaining;
    if (len > 65515) return EMSGSIZE;
    const b = new Uint8Array(len);
    if (len > 0 && iov.take(b, 0, len) !== len) return EFAULT;
    const route = this.netNs.route(to.ip);
    if (route === null) return ENETUNREACH;
    if (route.target === null) return EHOSTUNREACH;
    if (len < 8) return len;
    const v4 = to.ip.length === 4;
    const source = isAny(this.local.ip) ? route.source : this.local.ip;
    broadcast(route.target, v4, source, to.ip, b);
    if (b[0] === (v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST)) {
      const reply = b.slice();
      reply[0] = v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
      reply[2] = reply[3] = 0;
      if (v4) {
        const sum = checksum(reply);
        reply[2] = sum >> 8;
        reply[3] = sum;
      }
      broadcast(this.netNs, v4, to.ip, source, reply);
    }
    return len;
  }

  /** A packet of this socket's protocol reached the host. */
  deliver(v4: boolean, from: Uint8Array, to: Uint8Array, icmp: Uint8Array): void {
    if ((this.protocol === IPPROTO_ICMP) !== v4 || this.queue.count >= QUEUE_MAX) return;
    if (!isAny(this.local.ip) && !sameIp(this.local.ip, to)) return;
    if (this.remote !== null && !sameIp(this.remote.ip, from)) return;
    const type = icmp[0]!; // at least 8 bytes
    if (this.filter[type >> 3]! & (1 << (type & 7))) return; // 256 bits
    const head = v4 ? IP_HEADER : 0;
    const p = allocPacket(head + icmp.length);
    if (v4) {
      p.data.fill(0, 0, IP_HEADER);
      p.data[0] = 0x45;
      p.data[2] = (head + icmp.length) >> 8;
      p.data[3] = head + icmp.length;
      p.data[8] = 64;
      p.data[9] = IPPROTO_ICMP;
      p.data.set(from, 12);
      p.data.set(to, 16);
      const sum = checksum(p.data.subarray(0, IP_HEADER));
      p.data[10] = sum >> 8;
      p.data[11] = sum;
    }
    p.data.set(icmp, head);
    p.from = encodeEndpoint(new Endpoint(from, 0), this.family);
    this.queue.push(p);
    this.wakeReaders();
  }

  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (this.error !== 0) return this.takeError();
    const p = this.queue.head;
    if (p === null) return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking);
    const { length } = p;
    const n = Math.min(length, iov.remaining);
    if (n > 0 && iov.put(p.data, p.start, n) < n) return EFAULT;
    if (n < length) msg.resultFlags |= MSG_TRUNC;
    msg.name = p.from;
    msg.hasName = true;
    if ((msg.flags & MSG_PEEK) === 0) {
      this.queue.shift();
      freePacket(p);
    }
    return msg.flags & MSG_TRUNC ? length : n;
  }

  override setOption(ctx: SocketCaller, level: number, name: number, value: Uint8Array): number {
    if (level === SOL_RAW) {
      if (name !== FILTER) return 0; // IPV6_CHECKSUM: checksums are not looked at
      if (value.length < 4) return EINVAL;
      this.filter.set(value.subarray(0, 4));
      return 0;
    }
    if (level === SOL_ICMPV6) {
      if (name !== FILTER || value.length < 1) return EINVAL;
      this.filter.set(value.subarray(0, 32));
      return 0;
    }
    return super.setOption(ctx, level, name, value);
  }
  override getOption(ctx: SocketCaller, level: number, name: number): Uint8Array | Errno {
    if (level === SOL_RAW) return name === FILTER ? this.filter.slice(0, 4) : intOption(2);
    return super.getOption(ctx, level, name);
  }

  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.readQueue);
    let mask = POLLOUT | POLLWRNORM | POLLWRBAND;
    if (this.queue.count > 0) mask |= POLLIN | POLLRDNORM;
    if (this.error !== 0) mask |= POLLERR;
    return mask;
  }
  override close(): void {
    this.netNs.icmpSockets.delete(this);
    for (let p = this.queue.shift(); p !== null; p = this.queue.shift()) freePacket(p);
  }
}

/** Gives a packet to every ICMP socket of a namespace. */
function broadcast(ns: NetworkNamespace, v4: boolean, from: Uint8Array, to: Uint8Array, icmp: Uint8Array): void {
  for (const s of ns.icmpSockets) s.deliver(v4, from, to, icmp);
}
