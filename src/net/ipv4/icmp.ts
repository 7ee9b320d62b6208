/** ICMP: echo, errors sent and errors heard. Linux 6.18 net/ipv4/icmp.c. */
import { isErr } from '../../abi/errno.ts';
import { checksum } from '../checksum.ts';
import { isAny, isMulticast } from '../inet/inet-address.ts';
import { pingDeliver, pingError } from '../inet/ping-demux.ts';
import { rawError } from '../inet/raw-demux.ts';
import { udpError } from '../inet/udp-demux.ts';
import { flowTo, RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST } from '../ip/route-table.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { allocSkb, CHECKSUM_NONE, PACKET_HOST, type SkBuff } from '../skb.ts';
import { tcpError } from '../tcp/tcp-error.ts';
import { IP_OFFSET, ipLocalOut, pushIpHeader } from './ip-output.ts';
import { addressType4, routeOutput4 } from './route.ts';

export const ICMP_ECHOREPLY = 0;
export const ICMP_DEST_UNREACH = 3;
export const ICMP_SOURCE_QUENCH = 4;
export const ICMP_REDIRECT = 5;
export const ICMP_ECHO = 8;
export const ICMP_TIME_EXCEEDED = 11;
export const ICMP_PARAMETERPROB = 12;
export const ICMP_TIMESTAMP = 13;
export const ICMP_NET_UNREACH = 0;
export const ICMP_HOST_UNREACH = 1;
export const ICMP_PROT_UNREACH = 2;
export const ICMP_PORT_UNREACH = 3;
export const ICMP_FRAG_NEEDED = 4;
export const ICMP_SR_FAILED = 5;
export const ICMP_PKT_FILTERED = 13;
export const ICMP_EXC_TTL = 0;

/** errno and whether it ends a connection, by the code of "destination unreachable" (icmp_err_convert). */
export const ICMP_ERRORS: readonly (readonly [errno: number, fatal: boolean])[] = [
  [101, false], [113, false], [92, true], [111, true], [90, false], [95, false], [101, true], [112, true],
  [64, true], [101, true], [113, true], [101, false], [113, false], [113, true], [113, true], [113, true],
];

/** The transport header of an ICMP error's quoted packet and what it was; for protocols' error handlers. */
export interface QuotedPacket {
  readonly skb: SkBuff;
  /** Offset of the quoted IP header, and of what follows it. */
  readonly ip: number;
  readonly transport: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly type: number;
  readonly code: number;
  /** Next-hop MTU. */
  readonly info: number;
  /** Who sent the error. */
  readonly offender: Uint8Array;
  readonly v6: boolean;
}

/** Sends an error about `about` (whose network header is known) back to its sender. */
export function icmpSend(ns: NetworkNamespace, about: SkBuff, type: number, code: number, info: number): void {
  const { data, network } = about;
  if (network < 0) return;
  const protocol = data[network + 9]!; // it was checked, or made here
  const source = data.slice(network + 12, network + 16);
  const destination = data.slice(network + 16, network + 20);
  // Never about what went to many, about a later fragment, about an error, to nobody.
  if (about.pktType !== PACKET_HOST || isMulticast(destination) || isAny(source) || isMulticast(source)) return;
  const kind = addressType4(ns, destination);
  if (kind === RTN_BROADCAST || kind === RTN_MULTICAST) return;
  if (about.u16(network + 6) & IP_OFFSET) return;
  if (protocol === 1) {
    const t = data[network + ((data[network]! & 15) << 2)]!; // as above
    if (t !== ICMP_ECHO && t !== ICMP_ECHOREPLY && t <= 18 && t !== 13 && t !== 14 && t !== 17 && t !== 18) return;
  }
  if (!ns.icmpAllowed(source, type)) return;
  const own = addressType4(ns, destination) === RTN_LOCAL ? destination : null;
  const flow = flowTo(source);
  flow.source = own;
  const dst = routeOutput4(ns, flow);
  if (isErr(dst)) return;
  const quoted = Math.min(576 - 28, about.end - network);
  const skb = allocSkb(8 + quoted);
  const at = skb.start;
  skb.data[at] = type;
  skb.data[at + 1] = code;
  skb.setU32(at + 4, info);
  skb.data.set(data.subarray(network, network + quoted), at + 8);
  skb.setU16(at + 2, checksum(skb.data, at, skb.end));
  skb.transport = at;
  ns.snmp.icmpOut[type]!++; // 256 of them
  pushIpHeader(skb, dst.source, source, { tos: (about.tos & 0x1e) | 0xc0, ttl: ns.sysctls.number('ipv4/ip_default_ttl'), protocol: 1, df: false, id: ns.nextIpId(), options: null });
  ipLocalOut(ns, skb, dst);
}

/** An ICMP message for us. */
export function icmpReceive(ns: NetworkNamespace, skb: SkBuff): void {
  const { data } = skb;
  const at = skb.start;
  if (skb.length < 8 || (skb.ipSummed === CHECKSUM_NONE && checksum(data, at, skb.end) !== 0)) {
    ns.snmp.icmpInErrors++;
    return;
  }
  const type = data[at]!; // 8 bytes at least
  ns.snmp.icmpIn[type]!++; // 256 of them
  if (skb.routeType === RTN_BROADCAST || skb.routeType === RTN_MULTICAST) {
    if ((type === ICMP_ECHO || type === ICMP_TIMESTAMP) && ns.sysctls.number('ipv4/icmp_echo_ignore_broadcasts')) return;
    if (type !== ICMP_ECHO && type !== ICMP_TIMESTAMP) return;
  }
  switch (type) {
    case ICMP_ECHO:
      if (!ns.sysctls.number('ipv4/icmp_echo_ignore_all')) icmpReply(ns, skb, ICMP_ECHOREPLY);
      break;
    case ICMP_ECHOREPLY:
      pingDeliver(ns, skb);
      break;
    case ICMP_TIMESTAMP: {
      if (skb.length < 20) return;
      const ms = ns.millisecondsOfDay();
      const copy = skb.clone(true);
      copy.setU32(at + 12, ms);
      copy.setU32(at + 16, ms);
      icmpReply(ns, copy, 14);
      break;
    }
    case ICMP_DEST_UNREACH:
    case ICMP_TIME_EXCEEDED:
    case ICMP_PARAMETERPROB:
    case ICMP_SOURCE_QUENCH:
      icmpUnreachable(ns, skb, type);
      break;
  }
}

function icmpReply(ns: NetworkNamespace, request: SkBuff, type: number): void {
  const flow = flowTo(request.source);
  const local = addressType4(ns, request.destination) === RTN_LOCAL;
  if (local) flow.source = request.destination;
  flow.mark = ns.sysctls.number('ipv4/fwmark_reflect') ? request.mark : 0;
  const dst = routeOutput4(ns, flow);
  if (isErr(dst)) return;
  const skb = allocSkb(request.end - request.start);
  const at = skb.start;
  skb.data.set(request.data.subarray(request.start, request.end), at);
  skb.data[at] = type;
  skb.setU16(at + 2, 0);
  skb.setU16(at + 2, checksum(skb.data, at, skb.end));
  skb.transport = at;
  ns.snmp.icmpOut[type]!++; // 256 of them
  pushIpHeader(skb, dst.source, request.source, { tos: request.tos, ttl: ns.sysctls.number('ipv4/ip_default_ttl'), protocol: 1, df: false, id: ns.nextIpId(), options: null });
  ipLocalOut(ns, skb, dst);
}

/** An error about a packet of ours: whoever sent it is told. */
function icmpUnreachable(ns: NetworkNamespace, skb: SkBuff, type: number): void {
  const { data } = skb;
  const at = skb.start;
  const ip = at + 8;
  if (skb.end - ip < 20) return;
  const length = (data[ip]! & 15) << 2; // 20 bytes at least
  if (length < 20 || skb.end - ip < length + 8) return;
  const code = data[at + 1]!; // as above
  let info = 0;
  if (type === ICMP_DEST_UNREACH) {
    if (code > 15) return;
    if (code === ICMP_FRAG_NEEDED) {
      info = skb.u16(at + 6);
      if (info === 0) info = 576;
    }
  } else if (type === ICMP_PARAMETERPROB) {
    info = data[at + 4]!; // as above
  }
  const q: QuotedPacket = {
    skb, ip, transport: ip + length, source: data.slice(ip + 12, ip + 16), destination: data.slice(ip + 16, ip + 20), type, code, info, offender: skb.source, v6: false,
  };
  if (type === ICMP_DEST_UNREACH && code === ICMP_FRAG_NEEDED) ns.learnPathMtu(q.destination, info);
  const protocol = data[ip + 9]!; // as above
  rawError(ns, q, protocol);
  if (protocol === 6) tcpError(ns, q);
  else if (protocol === 17 || protocol === 136) udpError(ns, q, protocol);
  else if (protocol === 1) pingError(ns, q);
}
