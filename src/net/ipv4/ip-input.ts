/** IPv4 packets that come in: checks, reassembly, delivery, forwarding. Linux 6.18 net/ipv4/{ip_input,ip_forward,ip_fragment}.c. */
import { EACCES, EINVAL, ENETUNREACH, isErr } from '../../abi/errno.ts';
import { checksum } from '../checksum.ts';
import { hexOf, type NetDevice } from '../device/net-device.ts';
import { FragmentKey } from '../ip/fragments.ts';
import { flowTo, RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST } from '../ip/route-table.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { PACKET_HOST, PACKET_OTHERHOST, type SkBuff } from '../skb.ts';
import { tcpReceive } from '../tcp/tcp-input.ts';
import { udpReceive } from '../inet/udp-demux.ts';
import { rawDeliver } from '../inet/raw-demux.ts';
import { ICMP_DEST_UNREACH, ICMP_EXC_TTL, ICMP_HOST_UNREACH, ICMP_NET_UNREACH, ICMP_FRAG_NEEDED, ICMP_PKT_FILTERED, ICMP_PROT_UNREACH, ICMP_TIME_EXCEEDED, icmpReceive, icmpSend } from './icmp.ts';
import { headerLength, IP_DF, IP_MF, IP_OFFSET, ipOutput } from './ip-output.ts';
import { routeInput4, routeOutput4 } from './route.ts';

export const IPPROTO_ICMP = 1;
export const IPPROTO_IGMP = 2;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_UDPLITE = 136;

/** A copy of a packet that is being sent comes back in (multicast, broadcast). */
export function ipDeliverCopy(skb: SkBuff, d: NetDevice): void {
  const c = skb.clone(true);
  c.dev = d;
  c.pktType = PACKET_HOST;
  c.mac = -1;
  c.looped = true;
  d.ns.stack.netifRx(c);
}

export function ipReceive(ns: NetworkNamespace, skb: SkBuff, d: NetDevice): void {
  if (skb.pktType === PACKET_OTHERHOST) return;
  const c = ns.snmp.ip;
  c.inReceives++;
  const { data, start } = skb;
  const length = (data[start]! & 15) << 2; // checked next
  if (skb.length < 20 || data[start]! >> 4 !== 4 || length < 20 || skb.length < length || checksum(data, start, start + length) !== 0) {
    c.inHdrErrors++;
    return;
  }
  let total = skb.u16(start + 2);
  if (total === 0 && skb.gsoSize > 0) total = skb.length;
  if (skb.length < total || total < length) {
    c.inTruncated++;
    return;
  }
  skb.end = start + total;
  c.inOctets += total;
  skb.network = start;
  skb.transport = start + length;
  skb.source = data.slice(start + 12, start + 16);
  skb.destination = data.slice(start + 16, start + 20);
  skb.tos = data[start + 1]!; // header was checked, as below
  skb.ttl = data[start + 8]!;
  skb.ipProtocol = data[start + 9]!;
  const type = skb.looped ? (skb.destination[0]! >= 0xe0 && skb.destination[0]! < 0xf0 ? RTN_MULTICAST : RTN_BROADCAST) : routeInput4(ns, skb.source, skb.destination, d, skb.mark, skb.tos);
  if (type < 0) {
    if (type === EINVAL) return;
    if (!d.conf4['forwarding']) {
      c.inAddrErrors++;
      return;
    }
    c.inNoRoutes++;
    icmpSend(ns, skb, ICMP_DEST_UNREACH, type === EACCES ? ICMP_PKT_FILTERED : type === ENETUNREACH ? ICMP_NET_UNREACH : ICMP_HOST_UNREACH, 0);
    return;
  }
  skb.routeType = type;
  if (type === RTN_UNICAST) {
    ipForward(ns, skb, d);
    return;
  }
  if (type === RTN_MULTICAST) {
    if (!d.groups4.has(hexOf(skb.destination))) return;
    c.inMcast++;
    c.inMcastOctets += total;
  } else if (type === RTN_BROADCAST) {
    c.inBcast++;
  }
  ipLocalDeliver(ns, skb, d);
}

function ipLocalDeliver(ns: NetworkNamespace, skb: SkBuff, d: NetDevice): void {
  const field = skb.u16(skb.network + 6);
  let whole: SkBuff | null = skb;
  if (field & (IP_MF | IP_OFFSET)) {
    whole = ns.fragments.add(
      new FragmentKey(skb.source, skb.destination, skb.u16(skb.network + 4), skb.ipProtocol, d.index),
      skb,
      (field & IP_OFFSET) * 8,
      (field & IP_MF) !== 0,
      ns.snmp.ip,
      ns.sysctls.number('ipv4/ipfrag_time'),
    );
    if (whole === null) return;
    const { data, network } = whole;
    whole.setU16(network + 2, whole.end - network);
    whole.setU16(network + 6, 0);
    whole.setU16(network + 10, 0);
    whole.setU16(network + 10, checksum(data, network, whole.transport));
  }
  deliver(ns, whole);
}

function deliver(ns: NetworkNamespace, skb: SkBuff): void {
  const protocol = skb.ipProtocol;
  const raw = rawDeliver(ns, skb, 4);
  skb.start = skb.transport;
  switch (protocol) {
    case IPPROTO_TCP:
      tcpReceive(ns, skb);
      break;
    case IPPROTO_UDP:
    case IPPROTO_UDPLITE:
      udpReceive(ns, skb);
      break;
    case IPPROTO_ICMP:
      icmpReceive(ns, skb);
      break;
    case IPPROTO_IGMP:
      break;
    default:
      if (!raw) {
        ns.snmp.ip.inUnknownProtos++;
        skb.start = skb.network;
        icmpSend(ns, skb, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH, 0);
        return;
      }
  }
  ns.snmp.ip.inDelivers++;
}

/** Linux ip_forward(). */
function ipForward(ns: NetworkNamespace, skb: SkBuff, d: NetDevice): void {
  if (skb.pktType !== PACKET_HOST) return;
  const at = skb.network;
  if (skb.ttl <= 1) {
    ns.snmp.ip.inHdrErrors++;
    icmpSend(ns, skb, ICMP_TIME_EXCEEDED, ICMP_EXC_TTL, 0);
    return;
  }
  const flow = flowTo(skb.destination);
  flow.source = skb.source;
  flow.mark = skb.mark;
  flow.tos = skb.tos;
  flow.iif = d.index;
  const dst = routeOutput4(ns, flow, true);
  if (isErr(dst) || dst.type === RTN_LOCAL) return;
  if (skb.length > dst.mtu && skb.u16(at + 6) & IP_DF && !(skb.gsoSize > 0 && skb.gsoSize + headerLength(skb) <= dst.mtu)) {
    ns.snmp.ip.fragFails++;
    icmpSend(ns, skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, dst.mtu);
    return;
  }
  ns.snmp.ip.forwDatagrams++;
  ns.snmp.ip.outTransmits++;
  // The bytes may be shared with a sender that keeps them (veth within one kernel).
  const own = skb.clone(true);
  own.data[at + 8]!--;
  own.setU16(at + 10, 0);
  own.setU16(at + 10, checksum(own.data, at, own.transport));
  own.tstamp = 0;
  ipOutput(ns, own, dst);
}
