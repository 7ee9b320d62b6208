/** UDP and UDP-Lite. Facts: Linux 6.18 net/ipv4/udp.c, net/ipv6/udp.c; man 7 udp, 7 udplite. */
import { EDESTADDRREQ, EFAULT, EINVAL, EMSGSIZE, ENOENT, ENOPROTOOPT, EOPNOTSUPP, EPIPE, type Errno, isErr } from '../../abi/errno.ts';
import * as S from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { fold, pseudoSum, sumWords } from '../checksum.ts';
import { partialChecksum } from '../ip/offload.ts';
import type { Dst } from '../ip/dst.ts';
import type { Message } from '../message.ts';
import { intOption, optionInt } from '../option-value.ts';
import { allocSkb, type SkBuff } from '../skb.ts';
import { SEND_SHUTDOWN } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { DatagramSocket, SendOptions, takeAll } from './datagram-socket.ts';
import { Endpoint, isLinkLocal } from './inet-address.ts';
import type { InetSocket } from './inet-socket.ts';
import type { PortTable } from './port-table.ts';

const UDP_HEADER = 8;
/** Largest datagram with its header. */
const MAX_LENGTH = 65535;

export class UdpSocket extends DatagramSocket {
  /** MSG_MORE and UDP_CORK: what was collected, and whereto it goes. */
  private corked: Uint8Array[] = [];
  private corkedLength = 0;
  private corkTo: Endpoint | null = null;
  private readonly udpOptions: Map<number, number> = new Map();
  private sendCoverage = 0;
  private receiveCoverage = 0;

  /** `protocol`: IPPROTO_UDP, or IPPROTO_UDPLITE, whose ports are its own. */
  constructor(ctx: SocketCaller, family: number, protocol: number = S.IPPROTO_UDP) {
    super(ctx.nsproxy.net, ctx.credentials.fsuid, family, S.SOCK_DGRAM, protocol);
  }
  get lite(): boolean {
    return this.protocol === S.IPPROTO_UDPLITE;
  }
  protected override get ports(): PortTable<InetSocket> {
    return (this.lite ? this.netNs.udpLitePorts : this.netNs.udpPorts) as PortTable<InetSocket>;
  }
  protected override get minFilterLength(): number {
    return UDP_HEADER;
  }
  protected override endpointsOf(skb: SkBuff): { from: Endpoint } {
    return { from: new Endpoint(skb.source, skb.u16(skb.transport), isLinkLocal(skb.source) ? skb.iif : 0) };
  }

  override send(ctx: SocketCaller, msg: Message, iov: IoVector, _nonBlocking: boolean): number {
    const length = iov.remaining;
    if (length > 0xffff) return EMSGSIZE;
    if (msg.flags & S.MSG_OOB) return EOPNOTSUPP;
    let to = this.remote;
    if (this.corkTo !== null) {
      to = this.corkTo;
    } else if (msg.name !== null) {
      const e = this.parse(msg.name);
      if (isErr(e)) return e;
      if (e !== null) {
        if (e.port === 0) return EINVAL;
        to = this.destination(e);
      } else if (this.family === S.AF_INET && msg.name.length >= S.SIZEOF_SOCKADDR_IN) {
        const any = new Endpoint(msg.name.slice(4, 8), (msg.name[2]! << 8) | msg.name[3]!); // length was checked
        if (any.port === 0) return EINVAL;
        to = this.destination(any);
      }
    }
    if (to === null) return EDESTADDRREQ;
    if (this.error !== 0) return this.takeError();
    if (this.shut & SEND_SHUTDOWN) return EPIPE;
    const options = new SendOptions();
    options.gsoSize = this.udpOptions.get(S.UDP_SEGMENT) ?? 0;
    if (msg.control.length > 0) {
      const r = options.read(this, msg);
      if (r < 0) return r;
    }
    const bound = this.autobind(ctx);
    if (bound < 0) return bound;
    const dst = this.prepare(msg, to, options);
    if (isErr(dst)) return dst;
    if (msg.flags & S.MSG_PROBE) return 0;
    const cork = (msg.flags & S.MSG_MORE) !== 0 || this.udpOptions.get(S.UDP_CORK) === 1;
    if (cork || this.corkTo !== null) return this.collect(iov, length, to, dst, options, cork);
    if (length + UDP_HEADER > MAX_LENGTH - (to.ip.length === 4 ? 20 : 0)) return EMSGSIZE;
    if (options.gsoSize > 0 && length > options.gsoSize) return this.sendSegments(iov, length, to, dst, options);
    const skb = allocSkb(length);
    if (takeAll(iov, skb.data, skb.start, length) < 0) return EFAULT;
    const r = this.sendOne(skb, to, dst, options);
    return r < 0 ? r : length;
  }
  private collect(iov: IoVector, length: number, to: Endpoint, dst: Dst, options: SendOptions, cork: boolean): number {
    if (this.corkedLength + length + UDP_HEADER > MAX_LENGTH - 20) return EMSGSIZE;
    const b = new Uint8Array(length);
    if (takeAll(iov, b, 0, length) < 0) return EFAULT;
    this.corked.push(b);
    this.corkedLength += length;
    this.corkTo = to;
    if (cork) return length;
    const r = this.flush(dst, options);
    return r < 0 ? r : length;
  }
  private flush(dst: Dst, options: SendOptions): number {
    const to = this.corkTo;
    if (to === null) return 0;
    const skb = allocSkb(this.corkedLength);
    let at = skb.start;
    for (const b of this.corked) {
      skb.data.set(b, at);
      at += b.length;
    }
    this.corked = [];
    this.corkedLength = 0;
    this.corkTo = null;
    return this.sendOne(skb, to, dst, options);
  }
  /** UDP_SEGMENT: one send becomes several datagrams. */
  private sendSegments(iov: IoVector, length: number, to: Endpoint, dst: Dst, options: SendOptions): number {
    if (Math.ceil(length / options.gsoSize) > 128) return EINVAL;
    if (options.gsoSize + UDP_HEADER + (to.ip.length === 4 ? 20 : 40) > dst.mtu) return EMSGSIZE;
    const all = new Uint8Array(length);
    if (takeAll(iov, all, 0, length) < 0) return EFAULT;
    for (let at = 0; at < length; at += options.gsoSize) {
      const n = Math.min(options.gsoSize, length - at);
      const skb = allocSkb(n);
      skb.data.set(all.subarray(at, at + n), skb.start);
      const r = this.sendOne(skb, to, dst, options);
      if (r < 0) return r;
    }
    return length;
  }
  private sendOne(skb: SkBuff, to: Endpoint, dst: Dst, options: SendOptions): number {
    const at = skb.push(UDP_HEADER);
    const length = skb.length;
    skb.setU16(at, this.local.port);
    skb.setU16(at + 2, to.port);
    skb.setU16(at + 6, 0);
    skb.transport = at;
    skb.source = dst.source;
    skb.destination = to.ip;
    const v4 = to.ip.length === 4;
    const counters = this.lite ? (v4 ? this.netNs.snmp.udpLite : this.netNs.snmp.udpLite6) : v4 ? this.netNs.snmp.udp : this.netNs.snmp.udp6;
    if (this.lite) {
      const coverage = this.sendCoverage === 0 || this.sendCoverage > length ? 0 : Math.max(UDP_HEADER, this.sendCoverage);
      skb.setU16(at + 4, coverage);
      const sum = fold(pseudoSum(dst.source, to.ip, this.protocol, length) + sumWords(skb.data, at, coverage === 0 ? skb.end : at + coverage));
      skb.setU16(at + 6, sum === 0 ? 0xffff : sum);
    } else {
      skb.setU16(at + 4, length);
      const noCheck = v4 ? this.remembered.get(S.SO_NO_CHECK) === 1 : this.udpOptions.get(S.UDP_NO_CHECK6_TX) === 1;
      if (!noCheck) partialChecksum(skb, at, 6, S.IPPROTO_UDP);
    }
    const r = this.emit(skb, to, dst, options, this.protocol);
    if (r === 0) counters.outDatagrams++;
    return r;
  }
  /** UDP-Lite: what came covers less than this socket wants. */
  acceptsCoverage(covered: number, length: number): boolean {
    if (this.receiveCoverage === 0 || this.receiveCoverage === 1) return this.receiveCoverage === 0 || covered === length || covered >= UDP_HEADER;
    return covered === length || covered >= this.receiveCoverage;
  }
  protected override received(): void {
    const v4 = this.family === S.AF_INET;
    (this.lite ? (v4 ? this.netNs.snmp.udpLite : this.netNs.snmp.udpLite6) : v4 ? this.netNs.snmp.udp : this.netNs.snmp.udp6).inDatagrams++;
  }

  override listen(): number {
    return EOPNOTSUPP;
  }
  override attachReusePort(program: Int32Array | null): number {
    if (program === null && this.reusePortFilter === null) return ENOENT;
    this.reusePortFilter = program;
    for (const s of this.ports.at(this.local.port)) if (s.reusePort) s.reusePortFilter = program;
    return 0;
  }
  override setOption(ctx: SocketCaller, level: number, name: number, value: Uint8Array): number {
    if (level !== S.SOL_UDP && !(level === S.SOL_UDPLITE && this.lite)) return super.setOption(ctx, level, name, value);
    if (value.length < 4) return EINVAL;
    const n = optionInt(value);
    switch (name) {
      case S.UDP_CORK:
        this.udpOptions.set(name, n !== 0 ? 1 : 0);
        if (n === 0 && this.corkTo !== null) {
          const dst = this.routeTo(this.corkTo);
          if (!isErr(dst)) this.flush(dst, new SendOptions());
        }
        return 0;
      case S.UDP_NO_CHECK6_TX:
      case S.UDP_NO_CHECK6_RX:
      case S.UDP_GRO:
        this.udpOptions.set(name, n !== 0 ? 1 : 0);
        return 0;
      case S.UDP_SEGMENT:
        if (n < 0 || n > 0xffff) return EINVAL;
        this.udpOptions.set(name, n);
        return 0;
      case S.UDP_ENCAP:
        return n === 0 ? 0 : ENOPROTOOPT;
      case S.UDPLITE_SEND_CSCOV:
        if (!this.lite) return ENOPROTOOPT;
        this.sendCoverage = n !== 0 && n < 8 ? 8 : Math.min(n, 0xffff);
        return 0;
      case S.UDPLITE_RECV_CSCOV:
        if (!this.lite) return ENOPROTOOPT;
        this.receiveCoverage = n !== 0 && n < 8 ? 8 : Math.min(n, 0xffff);
        return 0;
    }
    return ENOPROTOOPT;
  }
  override getOption(ctx: SocketCaller, level: number, name: number, given: Uint8Array): Uint8Array | Errno {
    if (level !== S.SOL_UDP && !(level === S.SOL_UDPLITE && this.lite)) return super.getOption(ctx, level, name, given);
    switch (name) {
      case S.UDP_CORK:
      case S.UDP_NO_CHECK6_TX:
      case S.UDP_NO_CHECK6_RX:
      case S.UDP_GRO:
      case S.UDP_SEGMENT:
        return intOption(this.udpOptions.get(name) ?? 0);
      case S.UDP_ENCAP:
        return intOption(0);
      case S.UDPLITE_SEND_CSCOV:
        return intOption(this.sendCoverage);
      case S.UDPLITE_RECV_CSCOV:
        return intOption(this.receiveCoverage);
    }
    return ENOPROTOOPT;
  }
}
