/** ICMPv6: echo, errors sent and heard, and the way to neighbour discovery. Linux 6.18 net/ipv6/icmp.c; RFC 4443. */
import { isErr } from '../../abi/errno.ts';
import { fold, pseudoSum, sumWords } from '../checksum.ts';
import { isAny, isLinkLocal, isMulticast } from '../inet/inet-address.ts';
import { pingDeliver, pingError } from '../inet/ping-demux.ts';
import { rawError } from '../inet/raw-demux.ts';
import { udpError } from '../inet/udp-demux.ts';
import { checksumGood } from '../ip/offload.ts';
import { flowTo, RTN_MULTICAST } from '../ip/route-table.ts';
import type { QuotedPacket } from '../ipv4/icmp.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { allocSkb, PACKET_HOST, type SkBuff } from '../skb.ts';
import { tcpError } from '../tcp/tcp-error.ts';
import { ip6LocalOut, pushIp6Header } from './ip6-output.ts';
import { NDISC_NEIGHBOUR_ADVERTISEMENT, NDISC_NEIGHBOUR_SOLICITATION, ndiscReceive } from './ndisc.ts';
import { ownAddress6, routeOutput6 } from './route6.ts';

export const ICMPV6_DEST_UNREACH = 1;
export const ICMPV6_PKT_TOOBIG = 2;
export const ICMPV6_TIME_EXCEED = 3;
export const ICMPV6_PARAMPROB = 4;
export const ICMPV6_ECHO_REQUEST = 128;
export const ICMPV6_ECHO_REPLY = 129;
export const ICMPV6_NOROUTE = 0;
export const ICMPV6_ADM_PROHIBITED = 1;
export const ICMPV6_ADDR_UNREACH = 3;
export const ICMPV6_PORT_UNREACH = 4;
export const ICMPV6_EXC_HOPLIMIT = 0;
export const ICMPV6_HDR_FIELD = 0;
export const ICMPV6_UNK_NEXTHDR = 1;

/** errno and whether it ends a connection, by type and code (icmpv6_err_convert). */
export function icmp6Error(type: number, code: number): readonly [number, boolean] {
  switch (type) {
    case ICMPV6_DEST_UNREACH: {
      const table: readonly (readonly [number, boolean])[] = [[101, false], [13, true], [113, false], [113, false], [111, true], [13, true], [13, true]];
      return table[code] ?? [71, true];
    }
    case ICMPV6_PKT_TOOBIG:
      return [90, false];
    case ICMPV6_PARAMPROB:
      return [71, true];
    case ICMPV6_TIME_EXCEED:
      return [113, false];
  }
  return [71, false];
}

/** Where the transport header is, behind extension headers, and its protocol. */
function transportOf(data: Uint8Array, network: number, end: number): [at: number, protocol: number] {
  let at = network + 40;
  let next = data[network + 6] ?? 59;
  while ((next === 0 || next === 43 || next === 60 || next === 44) && at + 8 <= end) {
    const length = next === 44 ? 8 : ((data[at + 1] ?? 0) + 1) * 8;
    next = data[at] ?? 59;
    at += length;
  }
  return [at, next];
}

export function icmp6Send(ns: NetworkNamespace, about: SkBuff, type: number, code: number, info: number): void {
  const { data, network } = about;
  if (network < 0 || about.pktType !== PACKET_HOST) return;
  const source = data.slice(network + 8, network + 24);
  const destination = data.slice(network + 24, network + 40);
  if (isAny(source) || isMulticast(source)) return;
  if (isMulticast(destination) && type !== ICMPV6_PKT_TOOBIG && !(type === ICMPV6_PARAMPROB && code === 2)) return;
  const [at, protocol] = transportOf(data, network, about.end);
  if (protocol === 58 && at < about.end && (data[at]! & 128) === 0) return; // never about an error
  if (!ns.icmpAllowed(source, type + 256)) return;
  const flow = flowTo(source);
  if (ownAddress6(ns, destination) !== null) flow.source = destination;
  if (isLinkLocal(source)) flow.oif = about.iif;
  const dst = routeOutput6(ns, flow);
  if (isErr(dst)) return;
  const quoted = Math.min(1280 - 48, about.end - network);
  const skb = allocSkb(8 + quoted);
  const to = skb.start;
  skb.data[to] = type;
  skb.data[to + 1] = code;
  skb.setU32(to + 4, info);
  skb.data.set(data.subarray(network, network + quoted), to + 8);
  finish(ns, skb, type, dst.source, source);
  ip6LocalOut(ns, skb, dst);
}
function finish(ns: NetworkNamespace, skb: SkBuff, type: number, source: Uint8Array, destination: Uint8Array, tos = 0): void {
  const at = skb.start;
  skb.setU16(at + 2, 0);
  skb.setU16(at + 2, fold(pseudoSum(source, destination, 58, skb.length) + sumWords(skb.data, at, skb.end)));
  skb.transport = at;
  ns.snmp.icmp6Out[type]!++; // 256 of them
  pushIp6Header(skb, source, destination, 58, 64, tos, 0);
  skb.ignoreDf = true;
}

export function icmp6Receive(ns: NetworkNamespace, skb: SkBuff): void {
  const { data } = skb;
  const at = skb.start;
  if (skb.length < 8 || !checksumGood(skb, at, 58)) {
    ns.snmp.icmp6InErrors++;
    return;
  }
  const type = data[at]!; // 8 bytes at least
  ns.snmp.icmp6In[type]!++; // 256 of them
  switch (type) {
    case ICMPV6_ECHO_REQUEST: {
      if (ns.sysctls.number('ipv6/icmp/echo_ignore_all') || (skb.routeType === RTN_MULTICAST && ns.sysctls.number('ipv6/icmp/echo_ignore_multicast'))) return;
      const flow = flowTo(skb.source);
      if (skb.routeType !== RTN_MULTICAST) flow.source = skb.destination;
      if (isLinkLocal(skb.source)) flow.oif = skb.iif;
      const dst = routeOutput6(ns, flow);
      if (isErr(dst)) return;
      const reply = allocSkb(skb.length);
      reply.data.set(data.subarray(at, skb.end), reply.start);
      reply.data[reply.start] = ICMPV6_ECHO_REPLY;
      finish(ns, reply, ICMPV6_ECHO_REPLY, dst.source, skb.source, skb.tos);
      ip6LocalOut(ns, reply, dst);
      return;
    }
    case ICMPV6_ECHO_REPLY:
      pingDeliver(ns, skb);
      return;
    case NDISC_NEIGHBOUR_SOLICITATION:
    case NDISC_NEIGHBOUR_ADVERTISEMENT:
      if (skb.ttl === 255) ndiscReceive(ns, skb, type);
      return;
    case ICMPV6_DEST_UNREACH:
    case ICMPV6_PKT_TOOBIG:
    case ICMPV6_TIME_EXCEED:
    case ICMPV6_PARAMPROB:
      notifyError(ns, skb, type);
  }
}

function notifyError(ns: NetworkNamespace, skb: SkBuff, type: number): void {
  const ip = skb.start + 8;
  if (skb.end - ip < 40) return;
  const { data } = skb;
  const [transport, protocol] = transportOf(data, ip, skb.end);
  if (transport + 8 > skb.end) return;
  const q: QuotedPacket = {
    skb, ip, transport, source: data.slice(ip + 8, ip + 24), destination: data.slice(ip + 24, ip + 40), type, code: data[skb.start + 1] ?? 0, info: skb.u32(skb.start + 4),
    offender: skb.source, v6: true,
  };
  if (type === ICMPV6_PKT_TOOBIG) ns.learnPathMtu(q.destination, Math.max(1280, q.info));
  rawError(ns, q, protocol);
  if (protocol === 6) tcpError(ns, q);
  else if (protocol === 17 || protocol === 136) udpError(ns, q, protocol);
  else if (protocol === 58) pingError(ns, q);
}
