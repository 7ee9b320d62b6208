/** Echo replies and errors for ping sockets. Linux 6.18 net/ipv4/ping.c ping_rcv(), ping_err(). */
import type { QuotedPacket } from '../ipv4/icmp.ts';
import { icmp6Error } from '../ipv6/icmp6.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import type { SkBuff } from '../skb.ts';
import { QueuedError, SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6 } from './error-queue.ts';
import { Endpoint, isAny, sameIp } from './inet-address.ts';
import type { PingSocket } from './ping-socket.ts';
import { errorOf } from './udp-demux.ts';

const AF_INET = 2;

function find(ns: NetworkNamespace, id: number, local: Uint8Array, iif: number): PingSocket | null {
  for (const s of ns.pings.get(id) ?? []) {
    if ((s.family === AF_INET) !== (local.length === 4)) continue;
    if (!isAny(s.local.ip) && !sameIp(s.local.ip, local)) continue;
    if (s.boundIndex !== 0 && s.boundIndex !== iif) continue;
    return s;
  }
  return null;
}
/** An echo reply, from `skb.start`. */
export function pingDeliver(ns: NetworkNamespace, skb: SkBuff): void {
  const s = find(ns, skb.u16(skb.start + 4), skb.destination, skb.iif);
  if (s === null) return;
  const c = skb.clone();
  c.transport = skb.start;
  c.routeType = skb.routeType;
  s.enqueue(c, c.start);
}
export function pingError(ns: NetworkNamespace, q: QuotedPacket): void {
  const type = q.skb.data[q.transport];
  if (type !== (q.v6 ? 128 : 8)) return;
  const s = find(ns, q.skb.u16(q.transport + 4), q.source, q.skb.iif);
  if (s === null) return;
  let [errno, fatal] = q.v6 ? icmp6Error(q.type, q.code) : errorOf(q);
  if (!q.v6 && q.type === 3 && q.code === 4) {
    errno = 90;
    fatal = true;
  }
  const origin = q.v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP;
  const payload = q.skb.data.slice(q.transport, q.skb.end);
  s.icmpError(errno, fatal, new QueuedError(errno, origin, q.type, q.code, q.v6 || q.type !== 3 || q.code === 4 ? q.info : 0, 0, payload, new Endpoint(q.destination, 0), q.offender));
}
