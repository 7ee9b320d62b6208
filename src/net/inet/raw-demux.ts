/** Raw sockets get a copy of every packet of their protocol. Linux 6.18 net/ipv4/raw.c raw_v4_input(), raw_err(); net/ipv6/raw.c. */
import { fold, pseudoSum, sumWords } from '../checksum.ts';
import { RTN_BROADCAST, RTN_MULTICAST } from '../ip/route-table.ts';
import type { QuotedPacket } from '../ipv4/icmp.ts';
import { icmp6Error } from '../ipv6/icmp6.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import type { SkBuff } from '../skb.ts';
import { QueuedError, SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6 } from './error-queue.ts';
import { Endpoint, isAny, isMulticast, sameIp } from './inet-address.ts';
import { hearsGroup } from './multicast.ts';
import type { RawSocket } from './raw-socket.ts';
import { errorOf } from './udp-demux.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const ICMP = 1;
const ICMPV6 = 58;

function matches(s: RawSocket, v4: boolean, protocol: number, from: Uint8Array, to: Uint8Array, iif: number): boolean {
  if (s.closed || s.family !== (v4 ? AF_INET : AF_INET6) || s.protocol !== protocol) return false;
  if (s.boundIndex !== 0 && s.boundIndex !== iif) return false;
  if (s.remote !== null && !sameIp(s.remote.ip, from)) return false;
  if (!isAny(s.local.ip) && !sameIp(s.local.ip, to)) return false;
  return true;
}

/** Copies to all that want it; true if somebody did. `version`: 4 or 6. */
export function rawDeliver(ns: NetworkNamespace, skb: SkBuff, version: number): boolean {
  if (ns.raw.size === 0) return false;
  const v4 = version === 4;
  const protocol = skb.ipProtocol;
  let any = false;
  for (const s of ns.raw) {
    if (!matches(s, v4, protocol, skb.source, skb.destination, skb.iif)) continue;
    if ((skb.routeType === RTN_MULTICAST || skb.routeType === RTN_BROADCAST) && isMulticast(skb.destination) && !hearsGroup(s, skb.destination, skb.source, skb.iif)) continue;
    any = true;
    const { transport } = skb;
    if ((v4 && protocol === ICMP) || (!v4 && protocol === ICMPV6)) {
      const type = skb.data[transport] ?? 0;
      if ((v4 ? type < 32 : true) && s.typeFilter[type >> 3]! & (1 << (type & 7))) continue; // 256 bits
    }
    const offset = v4 ? -1 : (s.options.get(41 * 256 + 7) ?? (protocol === ICMPV6 ? 2 : -1));
    if (offset >= 0 && fold(pseudoSum(skb.source, skb.destination, protocol, skb.end - transport) + sumWords(skb.data, transport, skb.end)) !== 0 && skb.ipSummed === 0) continue;
    const c = skb.clone();
    c.routeType = skb.routeType;
    c.transport = transport;
    c.start = v4 ? skb.network : transport;
    s.enqueue(c, c.start);
  }
  return any;
}

/** An ICMP error about a packet that a raw socket may have sent. */
export function rawError(ns: NetworkNamespace, q: QuotedPacket, protocol: number): void {
  for (const s of ns.raw) {
    if (!matches(s, !q.v6, protocol, q.destination, q.source, q.skb.iif)) continue;
    const [errno, fatal] = q.v6 ? icmp6Error(q.type, q.code) : errorOf(q);
    const recvErr = s.recvErr(!q.v6);
    if (!recvErr && s.remote === null) continue;
    const origin = q.v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP;
    // With its header, if that is how the socket writes packets.
    const whole = !q.v6 && s.option(0, 3) !== 0;
    const payload = q.skb.data.slice(whole ? q.ip : q.transport, q.skb.end);
    const e = new QueuedError(errno, origin, q.type, q.code, q.v6 || q.type !== 3 || q.code === 4 ? q.info : 0, 0, payload, new Endpoint(q.destination, 0), q.offender);
    if (recvErr) s.icmpError(errno, true, e);
    else if (fatal) s.icmpError(errno, true, e);
  }
}
