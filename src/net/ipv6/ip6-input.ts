/** IPv6 packets that come in. Linux 6.18 net/ipv6/{ip6_input,ip6_output,exthdrs,reassembly}.c. */
import { EACCES, EHOSTUNREACH, EINVAL, isErr } from '../../abi/errno.ts';
import { hexOf, type NetDevice } from '../device/net-device.ts';
import { isAny, isLinkLocal, isMulticast, LOOPBACK6 } from '../inet/inet-address.ts';
import { rawDeliver } from '../inet/raw-demux.ts';
import { udpReceive } from '../inet/udp-demux.ts';
import { FragmentKey } from '../ip/fragments.ts';
import { flowTo, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST, sameBytes } from '../ip/route-table.ts';
import { headerLength } from '../ipv4/ip-output.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { PACKET_HOST, PACKET_OTHERHOST, type SkBuff } from '../skb.ts';
import { tcpReceive } from '../tcp/tcp-input.ts';
import {
  icmp6Receive, icmp6Send, ICMPV6_ADDR_UNREACH, ICMPV6_ADM_PROHIBITED, ICMPV6_DEST_UNREACH, ICMPV6_EXC_HOPLIMIT, ICMPV6_HDR_FIELD, ICMPV6_NOROUTE, ICMPV6_PARAMPROB,
  ICMPV6_PKT_TOOBIG, ICMPV6_TIME_EXCEED, ICMPV6_UNK_NEXTHDR,
} from './icmp6.ts';
import { IP6_HEADER, ip6Output, NEXTHDR_FRAGMENT } from './ip6-output.ts';
import { deviceOfAddress6, routeInput6, routeOutput6 } from './route6.ts';

const NEXTHDR_HOP = 0;
const NEXTHDR_ROUTING = 43;
const NEXTHDR_NONE = 59;
const NEXTHDR_DEST = 60;

export function ip6Receive(ns: NetworkNamespace, skb: SkBuff, d: NetDevice): void {
  if (skb.pktType === PACKET_OTHERHOST) return;
  const c = ns.snmp.ip6;
  c.inReceives++;
  const { data, start } = skb;
  if (skb.length < IP6_HEADER || data[start]! >> 4 !== 6 || d.conf6['disable_ipv6']) { // checked length
    c.inHdrErrors++;
    return;
  }
  const payload = skb.u16(start + 4);
  if (payload > 0 || skb.gsoSize === 0) {
    if (skb.length < payload + IP6_HEADER) {
      c.inTruncated++;
      return;
    }
    skb.end = start + IP6_HEADER + payload;
  }
  c.inOctets += skb.length;
  skb.network = start;
  skb.transport = start + IP6_HEADER;
  skb.source = data.slice(start + 8, start + 24);
  skb.destination = data.slice(start + 24, start + 40);
  skb.tos = ((data[start]! << 4) | (data[start + 1]! >> 4)) & 255; // as above
  skb.ttl = data[start + 7]!; // as above
  skb.ipProtocol = data[start + 6]!; // as above
  if (isMulticast(skb.source)) return;
  if (!d.loopback && !skb.looped && (sameBytes(skb.source, LOOPBACK6) || sameBytes(skb.destination, LOOPBACK6))) return;
  // What we send to ourselves arrives at the device that has the address.
  if (d.loopback && !isMulticast(skb.destination)) skb.iif = deviceOfAddress6(ns, skb.destination)?.index ?? d.index;
  const type = routeInput6(ns, skb.source, skb.destination, d, skb.mark);
  if (type < 0) {
    if (type === EINVAL) {
      c.inAddrErrors++;
      return;
    }
    c.inNoRoutes++;
    const code = type === EACCES ? ICMPV6_ADM_PROHIBITED : type === EHOSTUNREACH ? ICMPV6_ADDR_UNREACH : ICMPV6_NOROUTE;
    icmp6Send(ns, skb, ICMPV6_DEST_UNREACH, code, 0);
    return;
  }
  skb.routeType = type;
  if (type === RTN_UNICAST) {
    forward6(ns, skb, d);
    return;
  }
  if (type === RTN_MULTICAST) {
    c.inMcast++;
    c.inMcastOctets += skb.length;
    if (!d.groups6.has(hexOf(skb.destination)) && !d.loopback) return;
  }
  deliver6(ns, skb, d);
}

/** Walks the extension headers, then hands the packet to its protocol. */
function deliver6(ns: NetworkNamespace, skb: SkBuff, d: NetDevice): void {
  const { data } = skb;
  let at = skb.transport;
  let next = skb.ipProtocol;
  let where = skb.network + 6;
  for (;;) {
    if (next === NEXTHDR_HOP || next === NEXTHDR_DEST || next === NEXTHDR_ROUTING) {
      if (at + 8 > skb.end) return;
      const length = (data[at + 1]! + 1) * 8; // in range
      if (at + length > skb.end) return;
      if (next === NEXTHDR_ROUTING && data[at + 3] !== 0) {
        icmp6Send(ns, skb, ICMPV6_PARAMPROB, ICMPV6_HDR_FIELD, at + 2 - skb.network);
        return;
      }
      where = at;
      next = data[at]!; // in range
      at += length;
      continue;
    }
    if (next !== NEXTHDR_FRAGMENT) break;
    if (at + 8 > skb.end) return;
    const field = skb.u16(at + 2);
    if ((field & 0xfff9) === 0) {
      where = at;
      next = data[at]!; // in range
      at += 8;
      continue;
    }
    const rest = skb.clone(true);
    rest.transport = at + 8;
    rest.ttl = skb.ttl;
    rest.routeType = skb.routeType;
    rest.ipProtocol = data[at]!; // in range
    const whole = ns.fragments.add(new FragmentKey(skb.source, skb.destination, skb.u32(at + 4), 44, d.index), rest, field & 0xfff8, (field & 1) !== 0, ns.snmp.ip6, ns.sysctls.number('ipv6/ip6frag_time'));
    if (whole === null) return;
    whole.iif = skb.iif;
    // The fragment header goes.
    const head = at - skb.network;
    whole.data[whole.network + (where - skb.network)] = whole.ipProtocol;
    whole.data.copyWithin(whole.network + 8, whole.network, whole.network + head);
    whole.network += 8;
    whole.start = whole.network;
    whole.setU16(whole.network + 4, whole.end - whole.network - IP6_HEADER);
    protocol6(ns, whole, whole.ipProtocol, whole.transport, whole.network + (where - skb.network));
    return;
  }
  protocol6(ns, skb, next, at, where);
}
function protocol6(ns: NetworkNamespace, skb: SkBuff, next: number, at: number, where: number): void {
  skb.transport = at;
  skb.ipProtocol = next;
  const raw = rawDeliver(ns, skb, 6);
  skb.start = at;
  switch (next) {
    case 6:
      tcpReceive(ns, skb);
      break;
    case 17:
    case 136:
      udpReceive(ns, skb);
      break;
    case 58:
      icmp6Receive(ns, skb);
      break;
    case NEXTHDR_NONE:
      break;
    default:
      if (!raw) {
        ns.snmp.ip6.inUnknownProtos++;
        icmp6Send(ns, skb, ICMPV6_PARAMPROB, ICMPV6_UNK_NEXTHDR, where - skb.network);
        return;
      }
  }
  ns.snmp.ip6.inDelivers++;
}

function forward6(ns: NetworkNamespace, skb: SkBuff, d: NetDevice): void {
  if (skb.pktType !== PACKET_HOST || isLinkLocal(skb.source) || isAny(skb.source)) return;
  if (skb.ttl <= 1) {
    ns.snmp.ip6.inHdrErrors++;
    icmp6Send(ns, skb, ICMPV6_TIME_EXCEED, ICMPV6_EXC_HOPLIMIT, 0);
    return;
  }
  const flow = flowTo(skb.destination);
  flow.source = skb.source;
  flow.iif = d.index;
  flow.mark = skb.mark;
  const dst = routeOutput6(ns, flow);
  if (isErr(dst) || dst.type === RTN_LOCAL) return;
  if (skb.length > dst.mtu && !(skb.gsoSize > 0 && skb.gsoSize + headerLength(skb) <= dst.mtu)) {
    ns.snmp.ip6.fragFails++;
    icmp6Send(ns, skb, ICMPV6_PKT_TOOBIG, 0, dst.mtu);
    return;
  }
  ns.snmp.ip6.forwDatagrams++;
  ns.snmp.ip6.outTransmits++;
  const own = skb.clone(true);
  own.data[own.network + 7]!--;
  ip6Output(ns, own, dst);
}
