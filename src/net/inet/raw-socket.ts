/** Raw IP sockets. Facts: Linux 6.18 net/ipv4/raw.c, net/ipv6/raw.c; man 7 raw. */
import { EAFNOSUPPORT, EDESTADDRREQ, EFAULT, EINVAL, EMSGSIZE, ENOPROTOOPT, EOPNOTSUPP, EPIPE, type Errno, isErr } from '../../abi/errno.ts';
import * as S from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { checksum, fold, pseudoSum, sumWords } from '../checksum.ts';
import type { Dst } from '../ip/dst.ts';
import { ipLocalOut } from '../ipv4/ip-output.ts';
import { ip6LocalOut } from '../ipv6/ip6-output.ts';
import type { Message } from '../message.ts';
import { intOption, optionInt } from '../option-value.ts';
import { allocSkb, type SkBuff } from '../skb.ts';
import { SEND_SHUTDOWN } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { DatagramSocket, SendOptions, takeAll } from './datagram-socket.ts';
import { Endpoint, isAny, isLinkLocal } from './inet-address.ts';
import type { InetSocket } from './inet-socket.ts';
import { setChecksum } from './inet-options.ts';
import type { PortTable } from './port-table.ts';

/** ICMP_FILTER and ICMPV6_FILTER. */
const FILTER = 1;

export class RawSocket extends DatagramSocket {
  /** One bit a type; set: not delivered. */
  readonly typeFilter: Uint8Array = new Uint8Array(32);

  constructor(ctx: SocketCaller, family: number, protocol: number) {
    super(ctx.nsproxy.net, ctx.credentials.fsuid, family, S.SOCK_RAW, protocol);
    this.remembered.set(S.SO_REUSEADDR, 1); // INET_PROTOSW_REUSE
    // The protocol stands where others have a port.
    this.local = new Endpoint(this.local.ip, protocol);
    if (protocol === S.IPPROTO_RAW && family === S.AF_INET) this.options.set(S.SOL_IP * 256 + S.IP_HDRINCL, 1);
    this.netNs.raw.add(this);
  }
  protected override get ports(): PortTable<InetSocket> | null {
    return null;
  }
  protected override get minFilterLength(): number {
    return 1;
  }
  private get checksumOffset(): number {
    return this.options.get(S.SOL_IPV6 * 256 + S.IPV6_CHECKSUM) ?? (this.family === S.AF_INET6 && this.protocol === S.IPPROTO_ICMPV6 ? 2 : -1);
  }
  protected override endpointsOf(skb: SkBuff): { from: Endpoint } {
    return { from: new Endpoint(skb.source, 0, isLinkLocal(skb.source) ? skb.iif : 0) };
  }
  override bind(_ctx: SocketCaller, address: Uint8Array): number {
    const e = this.parse(address);
    if (e === null) return this.family === S.AF_INET && isAny(address.subarray(4, 8)) ? 0 : EAFNOSUPPORT;
    if (isErr(e)) return e;
    const bad = this.checkLocal(e);
    if (bad < 0) return bad;
    if (this.stateNumber !== 7) return EINVAL;
    if (isLinkLocal(e.ip) && e.scope !== 0) this.boundIndex = e.scope;
    this.local = new Endpoint(e.ip, this.protocol, e.scope);
    this.addressLocked = !isAny(e.ip);
    return 0;
  }
  protected override disconnect(): void {
    this.remote = null;
    this.forgetRoute();
    if (!this.addressLocked) this.local = new Endpoint(new Uint8Array(this.local.ip.length), this.protocol);
  }

  override send(_ctx: SocketCaller, msg: Message, iov: IoVector, _nonBlocking: boolean): number {
    const length = iov.remaining;
    if (length > 0xffff) return EMSGSIZE;
    if (msg.flags & S.MSG_OOB) return EOPNOTSUPP;
    if (this.error !== 0) return this.takeError();
    if (this.shut & SEND_SHUTDOWN) return EPIPE;
    let to = this.remote;
    if (msg.name !== null) {
      const e = this.parse(msg.name);
      if (isErr(e)) return e;
      if (e !== null) {
        if (this.family === S.AF_INET6 && e.port !== 0 && e.port !== this.protocol && this.protocol !== S.IPPROTO_RAW) return EINVAL;
        to = this.destination(e);
      } else if (this.family === S.AF_INET && msg.name.length >= S.SIZEOF_SOCKADDR_IN) {
        to = this.destination(new Endpoint(msg.name.slice(4, 8), 0));
      }
    }
    if (to === null) return EDESTADDRREQ;
    const options = new SendOptions();
    if (msg.control.length > 0) {
      const r = options.read(this, msg);
      if (r < 0) return r;
    }
    const dst = this.prepare(msg, to, options);
    if (isErr(dst)) return dst;
    const skb = allocSkb(length);
    if (takeAll(iov, skb.data, skb.start, length) < 0) return EFAULT;
    if (this.family === S.AF_INET ? this.option(S.SOL_IP, S.IP_HDRINCL) : this.option(S.SOL_IPV6, S.IPV6_HDRINCL) || this.protocol === S.IPPROTO_RAW) return this.sendWhole(skb, length, dst);
    skb.transport = skb.start;
    skb.source = dst.source;
    skb.destination = to.ip;
    const at = this.checksumOffset;
    if (this.family === S.AF_INET6 && at >= 0) {
      if (at + 2 > length) return EINVAL;
      skb.setU16(skb.start + at, 0);
      const sum = fold(pseudoSum(dst.source, to.ip, this.protocol, length) + sumWords(skb.data, skb.start, skb.end));
      skb.setU16(skb.start + at, sum);
    }
    if (this.protocol === S.IPPROTO_ICMP && length >= 1) this.netNs.snmp.icmpOut[skb.data[skb.start]!]!++; // 256 of them
    const r = this.emit(skb, to, dst, options, this.protocol);
    return r < 0 ? (r === EMSGSIZE && !this.recvErr(to.ip.length === 4) ? EMSGSIZE : r) : length;
  }
  /** The caller wrote the IP header (raw_send_hdrinc): the kernel fills in what it left out. */
  private sendWhole(skb: SkBuff, length: number, dst: Dst): number {
    const { data, start } = skb;
    const ns = this.netNs;
    if (length > dst.device.mtu) return EMSGSIZE;
    skb.network = start;
    skb.mark = this.mark;
    skb.priority = this.priority;
    if (this.family === S.AF_INET6) {
      if (length < 40) return EINVAL;
      skb.protocol = 0x86dd;
      skb.source = data.slice(start + 8, start + 24);
      skb.destination = data.slice(start + 24, start + 40);
      skb.transport = start + 40;
      skb.ipProtocol = data[start + 6]!; // 40 bytes
      const r = ip6LocalOut(ns, skb, dst);
      return r < 0 ? r : length;
    }
    if (length < 20) return EINVAL;
    const header = (data[start]! & 15) << 2; // 20 bytes
    if (header > length) return EINVAL;
    if (header >= 20) {
      if (isAny(data.subarray(start + 12, start + 16))) data.set(dst.source, start + 12);
      skb.setU16(start + 2, length);
      if (skb.u16(start + 4) === 0) skb.setU16(start + 4, ns.nextIpId());
      skb.setU16(start + 10, 0);
      skb.setU16(start + 10, checksum(data, start, start + header));
    }
    skb.protocol = 0x800;
    skb.source = data.slice(start + 12, start + 16);
    skb.destination = data.slice(start + 16, start + 20);
    skb.transport = start + header;
    skb.ipProtocol = data[start + 9]!; // as above
    const r = ipLocalOut(ns, skb, dst);
    return r < 0 ? r : length;
  }

  override setOption(ctx: SocketCaller, level: number, name: number, value: Uint8Array): number {
    if (level === S.SOL_RAW) {
      if (this.family === S.AF_INET6 && name === S.IPV6_CHECKSUM) return value.length < 4 ? EINVAL : setChecksum(this, optionInt(value));
      if (name !== FILTER) return ENOPROTOOPT;
      if (this.protocol !== S.IPPROTO_ICMP || this.family !== S.AF_INET) return EOPNOTSUPP;
      this.typeFilter.set(value.subarray(0, 4));
      return 0;
    }
    if (level === S.SOL_ICMPV6 && this.family === S.AF_INET6) {
      if (this.protocol !== S.IPPROTO_ICMPV6) return EOPNOTSUPP;
      if (name !== FILTER) return ENOPROTOOPT;
      this.typeFilter.set(value.subarray(0, 32));
      return 0;
    }
    return super.setOption(ctx, level, name, value);
  }
  override getOption(ctx: SocketCaller, level: number, name: number, given: Uint8Array): Uint8Array | Errno {
    if (level === S.SOL_RAW) {
      if (this.family === S.AF_INET6 && name === S.IPV6_CHECKSUM) return intOption(this.checksumOffset);
      if (name !== FILTER) return ENOPROTOOPT;
      return this.protocol === S.IPPROTO_ICMP && this.family === S.AF_INET ? this.typeFilter.slice(0, 4) : EOPNOTSUPP;
    }
    if (level === S.SOL_ICMPV6 && this.family === S.AF_INET6) {
      if (this.protocol !== S.IPPROTO_ICMPV6) return EOPNOTSUPP;
      return name === FILTER ? this.typeFilter.slice() : ENOPROTOOPT;
    }
    return super.getOption(ctx, level, name, given);
  }
  override close(): void {
    this.netNs.raw.delete(this);
    super.close();
  }
}
