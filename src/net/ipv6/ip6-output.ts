/** Sending IPv6 packets. Linux 6.18 net/ipv6/ip6_output.c. */
import { EMSGSIZE } from '../../abi/errno.ts';
import { hexOf } from '../device/net-device.ts';
import { devQueueXmit, ETH_P_IPV6 } from '../device/receive.ts';
import type { Dst } from '../ip/dst.ts';
import { gsoSegments } from '../ip/gso.ts';
import { pushEthernet } from '../ip/neighbour.ts';
import { finishChecksum } from '../ip/offload.ts';
import { RTN_LOCAL, RTN_MULTICAST } from '../ip/route-table.ts';
import { headerLength } from '../ipv4/ip-output.ts';
import { ipDeliverCopy } from '../ipv4/ip-input.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { allocSkb, type SkBuff } from '../skb.ts';
import { linkGroupOf6 } from './addrconf.ts';
import { icmp6Send, ICMPV6_PKT_TOOBIG } from './icmp6.ts';
import { scope6 } from './route6.ts';

export const IP6_HEADER = 40;
export const NEXTHDR_FRAGMENT = 44;

/** Puts an IPv6 header before `skb`. `flow`: label, host order. */
export function pushIp6Header(skb: SkBuff, source: Uint8Array, destination: Uint8Array, next: number, hopLimit: number, trafficClass: number, flow: number): void {
  const payload = skb.length;
  const at = skb.push(IP6_HEADER);
  skb.setU32(at, ((6 << 28) | (trafficClass << 20) | (flow & 0xfffff)) >>> 0);
  skb.setU16(at + 4, payload > 65535 ? 0 : payload);
  skb.data[at + 6] = next;
  skb.data[at + 7] = hopLimit;
  skb.data.set(source, at + 8);
  skb.data.set(destination, at + 24);
  skb.network = at;
  skb.protocol = ETH_P_IPV6;
  skb.source = source;
  skb.destination = destination;
  skb.tos = trafficClass;
  skb.ipProtocol = next;
}

export function ip6LocalOut(ns: NetworkNamespace, skb: SkBuff, dst: Dst, loop = true): number {
  ns.snmp.ip6.outRequests++;
  ns.snmp.ip6.outTransmits++;
  return ip6Output(ns, skb, dst, loop);
}

export function ip6Output(ns: NetworkNamespace, skb: SkBuff, dst: Dst, loop = true): number {
  const d = dst.device;
  if (dst.type === RTN_MULTICAST) {
    ns.snmp.ip6.outMcast++;
    ns.snmp.ip6.outMcastOctets += skb.length;
    if (loop && !d.loopback && d.groups6.has(hexOf(skb.destination))) ipDeliverCopy(skb, d);
    if (skb.data[skb.network + 7] === 0) return 0;
    if (scope6(skb.destination) <= 1 && !d.loopback) return 0;
  }
  ns.snmp.ip6.outOctets += skb.length;
  if (skb.length > dst.mtu) {
    if (skb.gsoSize > 0) {
      const overhead = headerLength(skb);
      if (skb.gsoSize + overhead > dst.mtu || !d.segmentsTcp) {
        for (const s of gsoSegments(skb, Math.min(skb.gsoSize, dst.mtu - overhead))) finish(ns, s, dst);
        return 0;
      }
    } else {
      return fragment6(ns, skb, dst);
    }
  }
  finish(ns, skb, dst);
  return 0;
}

function finish(ns: NetworkNamespace, skb: SkBuff, dst: Dst): void {
  const d = dst.device;
  skb.protocol = ETH_P_IPV6;
  if (!d.segmentsTcp && skb.gsoSize > 0) {
    for (const s of gsoSegments(skb, skb.gsoSize)) finish(ns, s, dst);
    return;
  }
  if (dst.type === RTN_LOCAL || d.loopback || !d.ethernet) {
    if (d.ethernet) pushEthernet(skb, d, new Uint8Array(6));
    devQueueXmit(skb, d);
    return;
  }
  if (dst.type === RTN_MULTICAST) {
    pushEthernet(skb, d, linkGroupOf6(skb.destination));
    devQueueXmit(skb, d);
    return;
  }
  ns.ndisc.get(d, dst.gateway ?? skb.destination).output(skb);
}

/** Cuts a packet made here; EMSGSIZE if it is being forwarded or must not be cut. */
function fragment6(ns: NetworkNamespace, skb: SkBuff, dst: Dst): number {
  const { mtu } = dst;
  const head = skb.network;
  if (!skb.ignoreDf) {
    ns.snmp.ip6.fragFails++;
    icmp6Send(ns, skb, ICMPV6_PKT_TOOBIG, 0, mtu);
    return EMSGSIZE;
  }
  finishChecksum(skb);
  const next = skb.data[head + 6]!; // header
  const most = (mtu - IP6_HEADER - 8) & ~7;
  if (most < 8) return EMSGSIZE;
  const id = ns.stack.random();
  let offset = 0;
  for (let at = head + IP6_HEADER; at < skb.end; ) {
    const n = Math.min(most, skb.end - at);
    const f = allocSkb(IP6_HEADER + 8 + n);
    f.data.set(skb.data.subarray(head, head + IP6_HEADER), f.start);
    f.data[f.start + 6] = NEXTHDR_FRAGMENT;
    f.setU16(f.start + 4, 8 + n);
    f.data[f.start + IP6_HEADER] = next;
    f.setU16(f.start + IP6_HEADER + 2, offset | (at + n < skb.end ? 1 : 0));
    f.setU32(f.start + IP6_HEADER + 4, id);
    f.data.set(skb.data.subarray(at, at + n), f.start + IP6_HEADER + 8);
    f.network = f.start;
    f.source = skb.source;
    f.destination = skb.destination;
    f.mark = skb.mark;
    ns.snmp.ip6.fragCreates++;
    finish(ns, f, dst);
    at += n;
    offset += n;
  }
  ns.snmp.ip6.fragOks++;
  return 0;
}
