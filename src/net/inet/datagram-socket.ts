/** What UDP, raw and ping sockets share: a queue of packets, what is told beside them, how a packet leaves. Facts: Linux 6.18 net/ipv4/{datagram,ip_output,ip_sockglue}.c. */
import { EACCES, EADDRNOTAVAIL, EFAULT, EINVAL, EMSGSIZE, ENETUNREACH, ENODEV, ENOTCONN, EOPNOTSUPP, type Errno, isErr } from '../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../../abi/poll.ts';
import * as S from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { PollTable } from '../../vfs/poll.ts';
import type { Dst } from '../ip/dst.ts';
import { RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST } from '../ip/route-table.ts';
import { ipLocalOut, pushIpHeader } from '../ipv4/ip-output.ts';
import { addressType4, selectAddress4 } from '../ipv4/route.ts';
import { ip6LocalOut, pushIp6Header } from '../ipv6/ip6-output.ts';
import type { Message } from '../message.ts';
import { intOption, optionInt } from '../option-value.ts';
import { type SkBuff, SkbQueue } from '../skb.ts';
import { filterSkb } from '../socket-filter.ts';
import { RCV_SHUTDOWN, SHUTDOWN_MASK, Socket } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { QueuedError, receiveError, SO_EE_ORIGIN_LOCAL } from './error-queue.ts';
import { encodeEndpoint, Endpoint, isAny, isBroadcast, isMapped, isMulticast, mapped } from './inet-address.ts';
import { InetSocket } from './inet-socket.ts';

/** What a send's control messages ask for (struct ipcm_cookie, ipcm6_cookie). */
export class SendOptions {
  ttl = -1;
  tos = -1;
  oif = 0;
  source: Uint8Array | null = null;
  gsoSize = 0;
  dontFragment = -1;
  coverage = -1;
  mark = -1;

  /** Reads them: 0, EINVAL, ENODEV. */
  read(s: InetSocket, msg: Message): number {
    for (const { level, type, data } of msg.control) {
      const n = data.length >= 4 ? optionInt(data) : 0;
      if (level === S.SOL_IPV6 && s.family === S.AF_INET6) {
        switch (type) {
          case S.IPV6_PKTINFO:
          case S.IPV6_2292PKTINFO: {
            if (data.length < 20) return EINVAL;
            const ip = data.slice(0, 16);
            this.oif = optionInt(data.subarray(16));
            if (this.oif !== 0 && s.netNs.deviceByIndex(this.oif) === null) return ENODEV;
            if (!isAny(ip)) this.source = isMapped(ip) ? ip.slice(12) : ip;
            break;
          }
          case S.IPV6_HOPLIMIT:
          case S.IPV6_2292HOPLIMIT:
            if (data.length !== 4 || n < -1 || n > 255) return EINVAL;
            this.ttl = n;
            break;
          case S.IPV6_TCLASS:
            if (data.length !== 4 || n < -1 || n > 255) return EINVAL;
            this.tos = n;
            break;
          case S.IPV6_DONTFRAG:
            if (data.length !== 4 || n < 0 || n > 1) return EINVAL;
            this.dontFragment = n;
            break;
          default:
            return EINVAL;
        }
      } else if (level === S.SOL_IP) {
        switch (type) {
          case S.IP_PKTINFO: {
            if (data.length < 12) return EINVAL;
            if (n !== 0) this.oif = n;
            const ip = data.slice(4, 8);
            if (!isAny(ip)) this.source = ip;
            break;
          }
          case S.IP_TTL:
            if (data.length !== 4 || n < 1 || n > 255) return EINVAL;
            this.ttl = n;
            break;
          case S.IP_TOS: {
            if (data.length !== 4 && data.length !== 1) return EINVAL;
            const v = data.length === 1 ? data[0]! : n; // one byte
            if (v < 0 || v > 255) return EINVAL;
            this.tos = v;
            break;
          }
          case S.IP_RETOPTS:
          case S.IP_PROTOCOL:
            break;
          default:
            return EINVAL;
        }
      } else if (level === S.SOL_UDP && type === S.UDP_SEGMENT) {
        if (data.length !== 2) return EINVAL;
        this.gsoSize = data[0]! | (data[1]! << 8); // two bytes
      } else if (level === S.SOL_SOCKET) {
        if (type === S.SO_MARK) this.mark = n >>> 0;
        else if (type !== S.SO_TIMESTAMPING && type !== S.SO_TXTIME && type !== S.SO_PRIORITY) return EINVAL;
      }
    }
    return 0;
  }
}

export abstract class DatagramSocket extends InetSocket {
  readonly queue: SkbQueue = new SkbQueue();
  /** Sum of truesizes of what is queued. */
  held = 0;
  closed = false;

  override get stateNumber(): number {
    return this.remote === null ? 7 : 1;
  }
  override get queuedBytes(): number {
    return this.held;
  }
  /** SIOCINQ: length of the first datagram. */
  get firstLength(): number {
    return this.queue.head?.length ?? 0;
  }
  /** Raw sockets see the IP header with IPv4. */
  protected abstract get minFilterLength(): number;

  /** Queues a packet whose `start` is where the data begins; false: no room, or the filter dropped it. */
  enqueue(skb: SkBuff, filterFrom: number): boolean {
    if (this.filter !== null) {
      const keep = filterSkb(this, skb, filterFrom, this.minFilterLength);
      if (keep < 0) return false;
      skb.end = filterFrom + keep;
      if (skb.end < skb.start) skb.end = skb.start;
    }
    const size = skb.truesize;
    if (this.held + size > this.rcvbuf && this.held > 0) {
      this.drops++;
      return false;
    }
    this.held += size;
    if ((this.timestamps !== 0 || this.timestamping !== 0 || this.lastStamp !== 0) && skb.tstamp === 0) skb.tstamp = this.netNs.stack.now();
    skb.txFlags = this.drops;
    this.queue.push(skb);
    this.wakeReaders();
    return true;
  }

  // ---- receiving

  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (msg.flags & S.MSG_OOB) return EOPNOTSUPP;
    if (msg.flags & S.MSG_ERRQUEUE) return receiveError(this, msg, iov);
    if (this.error !== 0) return this.takeError();
    const peek = (msg.flags & S.MSG_PEEK) !== 0;
    let offset = peek && this.peekOffset >= 0 ? this.peekOffset : 0;
    let skb = this.queue.head;
    if (peek && this.peekOffset >= 0) {
      while (skb !== null && skb.length > 0 && offset >= skb.length) {
        offset -= skb.length;
        skb = skb.next;
      }
    }
    if (skb === null) {
      if (this.shut & RCV_SHUTDOWN) return 0;
      return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking);
    }
    const length = skb.length - offset;
    const n = Math.min(length, iov.remaining);
    const moved = n > 0 ? iov.put(skb.data, skb.start + offset, n) : 0;
    const { from } = this.endpointsOf(skb);
    msg.name = encodeEndpoint(from, this.family, true);
    msg.hasName = true;
    if (n < length) msg.resultFlags |= S.MSG_TRUNC;
    if (!msg.noControl) this.describe(skb, msg);
    if (!peek) {
      this.queue.shift();
      this.held -= skb.truesize;
      if (this.peekOffset >= 0) this.peekOffset = Math.max(0, this.peekOffset - skb.length);
    } else if (this.peekOffset >= 0) {
      this.peekOffset += n;
    }
    if (skb.tstamp !== 0) this.lastStamp = skb.tstamp;
    this.received(skb);
    if (moved < n) return EFAULT;
    return msg.flags & S.MSG_TRUNC ? length : n;
  }
  /** A packet was taken off the queue. */
  protected received(_skb: SkBuff): void {}
  /** Who sent a packet. */
  protected abstract endpointsOf(skb: SkBuff): { from: Endpoint };

  /** What the options want to be told about a packet. */
  protected describe(skb: SkBuff, msg: Message): void {
    this.stampMessage(skb, msg);
    if (this.remembered.get(S.SO_RXQ_OVFL) && skb.txFlags > 0) msg.control.push({ level: S.SOL_SOCKET, type: S.SO_RXQ_OVFL, data: intOption(skb.txFlags) });
    if (this.remembered.get(S.SO_RCVMARK)) msg.control.push({ level: S.SOL_SOCKET, type: S.SO_MARK, data: intOption(skb.mark | 0) });
    if (this.remembered.get(S.SO_RCVPRIORITY)) msg.control.push({ level: S.SOL_SOCKET, type: S.SO_PRIORITY, data: intOption(skb.priority) });
    if (this.options.size === 0) return;
    if (this.family === S.AF_INET6) this.describe6(skb, msg);
    if (skb.source.length === 4) this.describe4(skb, msg);
  }
  private stampMessage(skb: SkBuff, msg: Message): void {
    if (this.timestamps !== 0) {
      const spec = this.stampSpec(skb.tstamp !== 0 ? skb.tstamp : this.netNs.stack.now());
      if (this.timestamps === 1) {
        const v = new DataView(spec.buffer);
        v.setUint32(8, Math.floor(v.getUint32(8, true) / 1000), true);
      }
      const type = this.timestamps === 1 ? (this.timestampsNew ? S.SO_TIMESTAMP_NEW : S.SCM_TIMESTAMP) : this.timestampsNew ? S.SO_TIMESTAMPNS_NEW : S.SCM_TIMESTAMPNS;
      msg.control.push({ level: S.SOL_SOCKET, type, data: spec });
    }
    // SOF_TIMESTAMPING_RX_SOFTWARE and SOF_TIMESTAMPING_SOFTWARE.
    if ((this.timestamping & 0x18) === 0x18) msg.control.push({ level: S.SOL_SOCKET, type: S.SCM_TIMESTAMPING, data: this.stampTriple(skb.tstamp !== 0 ? skb.tstamp : this.netNs.stack.now()) });
  }
  private describe4(skb: SkBuff, msg: Message): void {
    const o = (name: number): boolean => this.option(S.SOL_IP, name) !== 0;
    if (o(S.IP_PKTINFO)) {
      const data = new Uint8Array(12);
      new DataView(data.buffer).setInt32(0, skb.iif, true);
      const local = addressType4(this.netNs, skb.destination) === RTN_LOCAL;
      data.set(local ? skb.destination : selectAddress4(this.netNs, this.netNs.deviceByIndex(skb.iif), skb.source, 253), 4);
      data.set(skb.destination, 8);
      msg.control.push({ level: S.SOL_IP, type: S.IP_PKTINFO, data });
    }
    if (o(S.IP_RECVTTL)) msg.control.push({ level: S.SOL_IP, type: S.IP_TTL, data: intOption(skb.ttl) });
    if (o(S.IP_RECVTOS)) msg.control.push({ level: S.SOL_IP, type: S.IP_TOS, data: Uint8Array.of(skb.tos) });
    if (o(S.IP_RECVOPTS) || o(S.IP_RETOPTS)) {
      const header = (skb.data[skb.network]! & 15) << 2; // it came in
      if (header > 20 && o(S.IP_RECVOPTS)) msg.control.push({ level: S.SOL_IP, type: S.IP_RECVOPTS, data: skb.data.slice(skb.network + 20, skb.network + header) });
      if (header > 20 && o(S.IP_RETOPTS)) msg.control.push({ level: S.SOL_IP, type: S.IP_RETOPTS, data: skb.data.slice(skb.network + 20, skb.network + header) });
    }
    if (o(S.IP_ORIGDSTADDR)) {
      const e = new Endpoint(skb.destination, skb.transport >= 0 ? skb.u16(skb.transport + 2) : 0);
      msg.control.push({ level: S.SOL_IP, type: S.IP_ORIGDSTADDR, data: encodeEndpoint(e, S.AF_INET) });
    }
  }
  private describe6(skb: SkBuff, msg: Message): void {
    const o = (name: number): boolean => this.option(S.SOL_IPV6, name) !== 0;
    const info = (type: number): void => {
      const data = new Uint8Array(20);
      data.set(mapped(skb.destination));
      new DataView(data.buffer).setInt32(16, skb.iif, true);
      msg.control.push({ level: S.SOL_IPV6, type, data });
    };
    if (o(S.IPV6_RECVPKTINFO)) info(S.IPV6_PKTINFO);
    if (o(S.IPV6_2292PKTINFO)) info(S.IPV6_2292PKTINFO);
    if (skb.source.length === 4) return;
    if (o(S.IPV6_RECVHOPLIMIT)) msg.control.push({ level: S.SOL_IPV6, type: S.IPV6_HOPLIMIT, data: intOption(skb.ttl) });
    if (o(S.IPV6_RECVTCLASS)) msg.control.push({ level: S.SOL_IPV6, type: S.IPV6_TCLASS, data: intOption(skb.tos) });
    const flow = skb.u32(skb.network) & 0xfffffff;
    if (o(S.IPV6_FLOWINFO) && flow !== 0) {
      const data = new Uint8Array(4);
      new DataView(data.buffer).setUint32(0, flow, false);
      msg.control.push({ level: S.SOL_IPV6, type: S.IPV6_FLOWINFO, data });
    }
    if (o(S.IPV6_2292HOPLIMIT)) msg.control.push({ level: S.SOL_IPV6, type: S.IPV6_2292HOPLIMIT, data: intOption(skb.ttl) });
  }

  // ---- sending

  /** Whereto and how a send goes: checks name and control messages. The way, or an errno. */
  protected prepare(msg: Message, to: Endpoint, options: SendOptions): Dst | Errno {
    const v4 = to.ip.length === 4;
    const source = options.source !== null && options.source.length === to.ip.length ? options.source : null;
    if (msg.flags & S.MSG_CONFIRM) this.forgetRoute();
    const dst = this.routeTo(to, options.oif, source, options.tos);
    if (isErr(dst)) {
      if (dst === ENETUNREACH) (v4 ? this.netNs.snmp.ip : this.netNs.snmp.ip6).outNoRoutes++;
      return dst;
    }
    if (v4 && (dst.type === RTN_BROADCAST || isBroadcast(to.ip)) && this.remembered.get(S.SO_BROADCAST) !== 1) return EACCES;
    return dst;
  }
  /** Puts the IP header before `skb` and sends it: 0, EMSGSIZE. */
  protected emit(skb: SkBuff, to: Endpoint, dst: Dst, options: SendOptions, protocol: number): number {
    const ns = this.netNs;
    const v4 = to.ip.length === 4;
    skb.mark = options.mark >= 0 ? options.mark : this.mark;
    skb.priority = this.priority;
    const multicast = isMulticast(to.ip);
    if (v4) {
      const discover = this.option(S.SOL_IP, S.IP_MTU_DISCOVER);
      const ttl = options.ttl >= 0 ? options.ttl : multicast || dst.type === RTN_MULTICAST ? this.option(S.SOL_IP, S.IP_MULTICAST_TTL) : this.option(S.SOL_IP, S.IP_TTL);
      const total = skb.length + 20 + (this.ipOptions?.length ?? 0);
      const df = discover === 2 || discover === 3 || (total <= dst.mtu && discover === 1);
      if (total > dst.mtu && (discover === 2 || (discover === 3 && total > dst.device.mtu))) {
        this.localError(EMSGSIZE, dst.mtu, to);
        return EMSGSIZE;
      }
      skb.ignoreDf = discover < 2 || discover === 5;
      pushIpHeader(skb, dst.source, to.ip, {
        tos: options.tos >= 0 ? options.tos : this.option(S.SOL_IP, S.IP_TOS),
        ttl: ttl >= 0 ? ttl : ns.sysctls.number('ipv4/ip_default_ttl'),
        protocol,
        df,
        id: df ? 0 : ns.nextIpId(),
        options: this.ipOptions,
      });
      return ipLocalOut(ns, skb, dst, this.option(S.SOL_IP, S.IP_MULTICAST_LOOP) !== 0);
    }
    const discover = this.option(S.SOL_IPV6, S.IPV6_MTU_DISCOVER);
    const dontFragment = options.dontFragment >= 0 ? options.dontFragment !== 0 : this.option(S.SOL_IPV6, S.IPV6_DONTFRAG) !== 0;
    const mtu = this.option(S.SOL_IPV6, S.IPV6_MTU) !== 0 ? Math.min(dst.mtu, this.option(S.SOL_IPV6, S.IPV6_MTU)) : dst.mtu;
    if (skb.length + 40 > mtu && (dontFragment || discover >= 2)) {
      this.localError(EMSGSIZE, mtu, to);
      return EMSGSIZE;
    }
    const hops = options.ttl >= 0 ? options.ttl : this.option(S.SOL_IPV6, multicast ? S.IPV6_MULTICAST_HOPS : S.IPV6_UNICAST_HOPS);
    const flow = this.option(S.SOL_IPV6, S.IPV6_FLOWINFO_SEND) ? to.flow & 0xfffff : 0;
    skb.ignoreDf = true;
    pushIp6Header(skb, dst.source, to.ip, protocol, hops >= 0 ? hops : (dst.device.conf6['hop_limit'] ?? 64), options.tos >= 0 ? options.tos : this.option(S.SOL_IPV6, S.IPV6_TCLASS), flow);
    return ip6LocalOut(ns, skb, dst, this.option(S.SOL_IPV6, S.IPV6_MULTICAST_LOOP) !== 0);
  }
  /** An error of our own for the error queue (ip_local_error). */
  private localError(errno: number, info: number, to: Endpoint): void {
    if (!this.recvErr(to.ip.length === 4)) return;
    this.errorQueue.push(new QueuedError(-errno, SO_EE_ORIGIN_LOCAL, 0, 0, info, 0, new Uint8Array(0), to, null));
    this.wakeAll();
  }
  /** An ICMP error about a packet of this socket. `fatal`: it is reported even without IP_RECVERR to a connected socket. */
  icmpError(errno: number, fatal: boolean, e: QueuedError): void {
    const v4 = e.destination === null || e.destination.ip.length === 4;
    if (this.recvErr(v4)) this.errorQueue.push(e);
    else if (!fatal || this.remote === null) return;
    this.error = -errno;
    this.wakeAll();
  }

  // ---- the rest

  override connect(ctx: SocketCaller, address: Uint8Array, _nonBlocking: boolean): number {
    const e = this.parse(address);
    if (e === null) {
      this.disconnect();
      return 0;
    }
    if (isErr(e)) return e;
    const to = this.destination(e);
    if (to.ip.length === 16 && (to.ip[0] === 0xfe && (to.ip[1]! & 0xc0) === 0x80) && to.scope === 0 && this.boundIndex === 0) return EINVAL; // 16 bytes
    if (to.scope !== 0 && to.ip.length === 16 && to.ip[0] === 0xfe && this.boundIndex !== 0 && this.boundIndex !== to.scope) return EINVAL;
    this.forgetRoute();
    const dst = this.routeTo(to);
    if (isErr(dst)) return dst;
    if ((dst.type === RTN_BROADCAST || isBroadcast(to.ip)) && this.remembered.get(S.SO_BROADCAST) !== 1) return EACCES;
    const bound = this.autobind(ctx);
    if (bound < 0) return bound;
    if (isAny(this.local.ip) || isMulticast(this.local.ip)) {
      if (isAny(dst.source) && to.ip.length === 16) return EADDRNOTAVAIL;
      this.local = new Endpoint(dst.source, this.local.port, to.scope);
    }
    this.remote = to;
    this.error = 0;
    this.connected();
    return 0;
  }
  protected connected(): void {}
  protected disconnect(): void {
    this.remote = null;
    this.forgetRoute();
    if (!this.addressLocked) this.local = new Endpoint(this.family === S.AF_INET6 ? new Uint8Array(16) : new Uint8Array(4), this.local.port);
    if (!this.portLocked && this.hasPort) {
      this.releasePort();
      this.local = new Endpoint(this.local.ip, 0);
    }
  }
  override shutdown(_ctx: SocketCaller, how: number): number {
    const bits = Socket.shutdownBits(how);
    if (bits < 0) return bits;
    this.shut |= bits;
    if (this.remote === null) return ENOTCONN;
    this.wakeAll();
    return 0;
  }
  override poll(table: PollTable | null): number {
    if (table !== null) {
      table.add(this.readQueue);
      table.add(this.writeQueue);
    }
    let mask = POLLOUT | POLLWRNORM | POLLWRBAND;
    if (this.error !== 0 || this.errorQueue.length > 0) mask |= POLLERR | (this.remembered.get(S.SO_SELECT_ERR_QUEUE) ? POLLPRI : 0);
    if (this.shut & RCV_SHUTDOWN) mask |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (this.shut === SHUTDOWN_MASK) mask |= POLLHUP;
    if (this.queue.count > 0) mask |= POLLIN | POLLRDNORM;
    return mask;
  }
  override close(): void {
    this.closed = true;
    this.leaveGroups();
    this.releasePort();
    this.queue.clear();
    this.held = 0;
    this.errorQueue.length = 0;
  }
}
/** Bytes of a send into `b`; EFAULT. */
export function takeAll(iov: IoVector, b: Uint8Array, at: number, length: number): number {
  return length === 0 || iov.take(b, at, length) === length ? 0 : EFAULT;
}
