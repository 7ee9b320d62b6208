/** Which UDP sockets a packet is for. Linux 6.18 net/ipv4/udp.c __udp4_lib_rcv(), compute_score(). */
import { fold, pseudoSum, sumWords } from '../checksum.ts';
import { checksumGood } from '../ip/offload.ts';
import { RTN_BROADCAST, RTN_MULTICAST } from '../ip/route-table.ts';
import { ICMP_DEST_UNREACH, ICMP_ERRORS, ICMP_FRAG_NEEDED, ICMP_PORT_UNREACH, ICMP_SOURCE_QUENCH, icmpSend, type QuotedPacket } from '../ipv4/icmp.ts';
import { icmp6Error, icmp6Send, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH } from '../ipv6/icmp6.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import type { SkBuff } from '../skb.ts';
import { runOn } from '../socket-filter.ts';
import { QueuedError, SO_EE_ORIGIN_ICMP, SO_EE_ORIGIN_ICMP6 } from './error-queue.ts';
import { Endpoint, isAny, sameIp } from './inet-address.ts';
import { hearsGroup } from './multicast.ts';
import type { UdpSocket } from './udp-socket.ts';

const UDP = 17;
const UDPLITE = 136;
const AF_INET6 = 10;

/** How well a socket fits; -1: not at all. */
function score(s: UdpSocket, from: Uint8Array, sport: number, to: Uint8Array, iif: number, sdif: number): number {
  if (s.closed || (s.boundIndex !== 0 && s.boundIndex !== iif && s.boundIndex !== sdif)) return -1;
  let n = s.boundIndex !== 0 ? 4 : 0;
  if (to.length === 16 && s.family !== AF_INET6) return -1;
  if (to.length === 4 && s.family === AF_INET6 && s.v6only) return -1;
  if (to.length === 4 && s.family !== AF_INET6) n += 1;
  if (!isAny(s.local.ip)) {
    if (!sameIp(s.local.ip, to)) return -1;
    n += 4;
  }
  if (s.remote !== null) {
    if (!sameIp(s.remote.ip, from) || s.remote.port !== sport) return -1;
    n += 8;
  }
  return n;
}
function hash(from: Uint8Array, sport: number, to: Uint8Array, dport: number): number {
  let h = 2166136261;
  for (const b of from) h = Math.imul(h ^ b, 16777619);
  for (const b of to) h = Math.imul(h ^ b, 16777619);
  h = Math.imul(h ^ sport, 16777619);
  h = Math.imul(h ^ dport, 16777619);
  return (h ^ (h >>> 15)) >>> 0;
}

/** The socket for a datagram from (from, sport) to (to, dport), or null. */
export function findUdp(ns: NetworkNamespace, protocol: number, from: Uint8Array, sport: number, to: Uint8Array, dport: number, iif: number, skb: SkBuff | null): UdpSocket | null {
  let best: UdpSocket | null = null;
  let bestScore = -1;
  const list = (protocol === UDPLITE ? ns.udpLitePorts : ns.udpPorts).at(dport);
  for (const s of list) {
    const n = score(s, from, sport, to, iif, iif);
    if (n > bestScore || (n === bestScore && n >= 0 && !s.reusePort)) {
      best = s;
      bestScore = n;
    }
  }
  if (best === null || !best.reusePort || best.remote !== null) return best;
  // A group of sockets with SO_REUSEPORT shares what comes.
  const group = list.filter((s) => s.reusePort && s.remote === null && s.ownerUid === best.ownerUid && score(s, from, sport, to, iif, iif) === bestScore);
  if (group.length < 2) return best;
  if (best.reusePortFilter !== null && skb !== null) {
    const i = runOn(best.reusePortFilter, skb, skb.transport + 8, ns.stack.random());
    if (i < group.length) return group[i]!; // in range
  }
  const h = hash(from, sport, to, dport);
  return group[Math.floor((h * group.length) / 4294967296)]!; // less than the length
}

/** A packet with its transport header at `skb.start`. */
export function udpReceive(ns: NetworkNamespace, skb: SkBuff): void {
  const { data } = skb;
  const at = skb.start;
  const lite = skb.ipProtocol === UDPLITE;
  const v4 = skb.source.length === 4;
  const counters = lite ? (v4 ? ns.snmp.udpLite : ns.snmp.udpLite6) : v4 ? ns.snmp.udp : ns.snmp.udp6;
  if (skb.length < 8) {
    counters.inErrors++;
    return;
  }
  const length = skb.u16(at + 4);
  let covered = skb.length;
  if (lite) {
    if (length !== 0) covered = length;
    const sum = fold(pseudoSum(skb.source, skb.destination, UDPLITE, skb.length) + sumWords(data, at, at + covered));
    if (covered < 8 || covered > skb.length || sum !== 0) {
      counters.inErrors++;
      return;
    }
  } else {
    if (length < 8 || length > skb.length) {
      counters.inErrors++;
      return;
    }
    skb.end = at + length;
    const given = skb.u16(at + 6);
    if ((given !== 0 || !v4) && !checksumGood(skb, at, UDP)) {
      counters.inCsumErrors++;
      counters.inErrors++;
      return;
    }
  }
  const sport = skb.u16(at);
  const dport = skb.u16(at + 2);
  if (skb.routeType === RTN_MULTICAST || skb.routeType === RTN_BROADCAST) {
    deliverToMany(ns, skb, sport, dport, lite);
    return;
  }
  const s = findUdp(ns, skb.ipProtocol, skb.source, sport, skb.destination, dport, skb.iif, skb);
  if (s === null) {
    counters.noPorts++;
    if (v4) icmpSend(ns, skb, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, 0);
    else icmp6Send(ns, skb, ICMPV6_DEST_UNREACH, ICMPV6_PORT_UNREACH, 0);
    return;
  }
  if (lite && !s.acceptsCoverage(covered, skb.length)) {
    counters.inErrors++;
    return;
  }
  skb.start = at + 8;
  if (!s.enqueue(skb, at)) {
    counters.rcvbufErrors++;
    counters.inErrors++;
  }
}
function deliverToMany(ns: NetworkNamespace, skb: SkBuff, sport: number, dport: number, lite: boolean): void {
  const at = skb.start;
  for (const s of (lite ? ns.udpLitePorts : ns.udpPorts).at(dport)) {
    if (score(s, skb.source, sport, skb.destination, skb.iif, skb.iif) < 0) continue;
    if (skb.routeType === RTN_MULTICAST && !hearsGroup(s, skb.destination, skb.source, skb.iif)) continue;
    const c = skb.clone();
    c.routeType = skb.routeType;
    c.start = at + 8;
    s.enqueue(c, at);
  }
}

/** An ICMP error about a datagram of ours. */
export function udpError(ns: NetworkNamespace, q: QuotedPacket, protocol: number): void {
  const { skb, transport } = q;
  const sport = skb.u16(transport);
  const dport = skb.u16(transport + 2);
  const s = findUdp(ns, protocol, q.destination, dport, q.source, sport, skb.iif, null);
  if (s === null) return;
  let [errno, fatal] = q.v6 ? icmp6Error(q.type, q.code) : errorOf(q);
  if (!q.v6 && q.type === ICMP_DEST_UNREACH && q.code === ICMP_FRAG_NEEDED) {
    if (s.option(0, 10) === 0) return;
    errno = 90;
    fatal = true;
  }
  if (!q.v6 && q.type === ICMP_SOURCE_QUENCH) return;
  const payload = skb.data.slice(transport + 8, skb.end);
  const origin = q.v6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP;
  s.icmpError(errno, fatal, new QueuedError(errno, origin, q.type, q.code, q.type === ICMP_DEST_UNREACH && q.code !== ICMP_FRAG_NEEDED && !q.v6 ? 0 : q.info, 0, payload, new Endpoint(q.destination, dport), q.offender));
}
/** errno and fatality of an ICMP error. */
export function errorOf(q: QuotedPacket): readonly [number, boolean] {
  if (q.type === ICMP_DEST_UNREACH) return ICMP_ERRORS[q.code] ?? [113, true];
  if (q.type === 12) return [71, true]; // parameter problem: EPROTO
  return [113, false]; // time exceeded: EHOSTUNREACH
}
