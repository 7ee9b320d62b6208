/** ICMP echo without privilege: SOCK_DGRAM with IPPROTO_ICMP. Facts: Linux 6.18 net/ipv4/ping.c. */
import { EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EDESTADDRREQ, EFAULT, EINVAL, EMSGSIZE, EOPNOTSUPP, EPIPE, isErr } from '../../abi/errno.ts';
import * as S from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { checksum, fold, pseudoSum, sumWords } from '../checksum.ts';
import type { Message } from '../message.ts';
import { allocSkb, type SkBuff } from '../skb.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { DatagramSocket, SendOptions, takeAll } from './datagram-socket.ts';
import { Endpoint, isAny, isLinkLocal } from './inet-address.ts';
import type { InetSocket } from './inet-socket.ts';
import type { PortTable } from './port-table.ts';
import { SEND_SHUTDOWN } from '../socket.ts';

const ECHO4 = 8;
const ECHO6 = 128;
const EXT_ECHO4 = 42;
const EXT_ECHO6 = 160;

/** net.ipv4.ping_group_range lets this caller have ping sockets. */
export function pingAllowed(ctx: SocketCaller): boolean {
  const [low, high] = ctx.nsproxy.net.sysctls.pingGroups;
  const { egid, groups } = ctx.credentials;
  const inside = (gid: typeof egid): boolean => gid >= low && gid <= high;
  return inside(egid) || groups.some(inside);
}

export class PingSocket extends DatagramSocket {
  constructor(ctx: SocketCaller, family: number, protocol: number) {
    super(ctx.nsproxy.net, ctx.credentials.fsuid, family, S.SOCK_DGRAM, protocol);
    this.remembered.set(S.SO_REUSEADDR, 1); // INET_PROTOSW_REUSE
  }
  protected override get ports(): PortTable<InetSocket> | null {
    return null;
  }
  protected override get minFilterLength(): number {
    return 8;
  }
  protected override endpointsOf(skb: SkBuff): { from: Endpoint } {
    return { from: new Endpoint(skb.source, 0, isLinkLocal(skb.source) ? skb.iif : 0) };
  }
  /** Takes an identifier (0: a free one): 0 or EADDRINUSE. */
  private takeId(id: number): number {
    const { pings } = this.netNs;
    if (id === 0) {
      do id = 1 + (this.netNs.stack.random() % 65535);
      while (pings.has(id));
    } else if (pings.get(id)?.some((o) => o.family === this.family && !(o.reuseAddress && this.reuseAddress))) {
      return EADDRINUSE;
    }
    const list = pings.get(id);
    if (list === undefined) pings.set(id, [this]);
    else list.push(this);
    this.local = new Endpoint(this.local.ip, id, this.local.scope);
    this.hasPort = true;
    return 0;
  }
  protected override autobind(): number {
    return this.hasPort ? 0 : this.takeId(0);
  }
  override releasePort(): void {
    if (!this.hasPort) return;
    this.hasPort = false;
    const list = this.netNs.pings.get(this.local.port) ?? [];
    const i = list.indexOf(this);
    if (i >= 0) list.splice(i, 1);
    if (list.length === 0) this.netNs.pings.delete(this.local.port);
  }
  override bind(_ctx: SocketCaller, address: Uint8Array): number {
    const e = this.parse(address);
    if (e === null) return this.family === S.AF_INET && address.length >= 16 && isAny(address.subarray(4, 8)) ? 0 : EAFNOSUPPORT;
    if (isErr(e)) return e;
    const bad = this.checkLocal(e);
    if (bad < 0) return bad === EINVAL ? EINVAL : EADDRNOTAVAIL;
    if (this.hasPort) return EINVAL;
    const before = this.local;
    this.local = new Endpoint(e.ip, 0, e.scope);
    const r = this.takeId(e.port);
    if (r < 0) {
      this.local = before;
      return r;
    }
    this.addressLocked = !isAny(e.ip);
    this.portLocked = e.port !== 0;
    return 0;
  }

  override send(_ctx: SocketCaller, msg: Message, iov: IoVector, _nonBlocking: boolean): number {
    const length = iov.remaining;
    if (length > 0xffff) return EMSGSIZE;
    if (length < 8) return EINVAL;
    if (msg.flags & S.MSG_OOB) return EOPNOTSUPP;
    if (this.error !== 0) return this.takeError();
    if (this.shut & SEND_SHUTDOWN) return EPIPE;
    let to = this.remote;
    if (msg.name !== null) {
      const e = this.parse(msg.name);
      if (e === null) return EAFNOSUPPORT;
      if (isErr(e)) return e;
      to = this.destination(e);
    }
    if (to === null) return EDESTADDRREQ;
    const v4 = this.family === S.AF_INET;
    const skb = allocSkb(length);
    const at = skb.start;
    if (takeAll(iov, skb.data, at, length) < 0) return EFAULT;
    const type = skb.data[at]!; // 8 bytes at least
    if ((v4 ? type !== ECHO4 && type !== EXT_ECHO4 : type !== ECHO6 && type !== EXT_ECHO6) || skb.data[at + 1] !== 0) return EINVAL;
    const options = new SendOptions();
    if (msg.control.length > 0) {
      const r = options.read(this, msg);
      if (r < 0) return r;
    }
    if (this.autobind() < 0) return EADDRINUSE;
    const dst = this.prepare(msg, to, options);
    if (isErr(dst)) return dst;
    skb.setU16(at + 2, 0);
    skb.setU16(at + 4, this.local.port);
    skb.setU16(at + 2, v4 ? checksum(skb.data, at, skb.end) : fold(pseudoSum(dst.source, to.ip, this.protocol, length) + sumWords(skb.data, at, skb.end)));
    skb.transport = at;
    const { snmp } = this.netNs;
    (v4 ? snmp.icmpOut : snmp.icmp6Out)[type]!++; // 256 of them
    const r = this.emit(skb, to, dst, options, this.protocol);
    return r < 0 ? r : length;
  }
}
