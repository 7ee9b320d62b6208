/** Sending IPv4 packets. Linux 6.18 net/ipv4/ip_output.c. */
import { EMSGSIZE } from '../../abi/errno.ts';
import { checksum } from '../checksum.ts';
import { devQueueXmit, ETH_P_IP } from '../device/receive.ts';
import { gsoSegments } from '../ip/gso.ts';
import type { Dst } from '../ip/dst.ts';
import { pushEthernet } from '../ip/neighbour.ts';
import { RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST } from '../ip/route-table.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { allocSkb, type SkBuff } from '../skb.ts';
import { finishChecksum } from '../ip/offload.ts';
import { icmpSend, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED } from './icmp.ts';
import { linkGroupOf4 } from './igmp.ts';
import { ipDeliverCopy } from './ip-input.ts';

export const IP_DF = 0x4000;
export const IP_MF = 0x2000;
export const IP_OFFSET = 0x1fff;
export const IP_HEADER = 20;

export interface IpHeader {
  tos: number;
  ttl: number;
  protocol: number;
  /** Don't fragment. */
  df: boolean;
  id: number;
  /** IP options, padded to 4 bytes. */
  options: Uint8Array | null;
}

/** Puts an IPv4 header before `skb`. */
export function pushIpHeader(skb: SkBuff, source: Uint8Array, destination: Uint8Array, h: IpHeader): void {
  const options = h.options?.length ?? 0;
  const length = IP_HEADER + options;
  const at = skb.push(length);
  const { data } = skb;
  data[at] = 0x40 | (length >> 2);
  data[at + 1] = h.tos;
  skb.setU16(at + 2, skb.length > 65535 ? 0 : skb.length);
  skb.setU16(at + 4, h.id);
  skb.setU16(at + 6, h.df ? IP_DF : 0);
  data[at + 8] = h.ttl;
  data[at + 9] = h.protocol;
  data[at + 10] = data[at + 11] = 0;
  data.set(source, at + 12);
  data.set(destination, at + 16);
  if (h.options !== null) data.set(h.options, at + IP_HEADER);
  skb.setU16(at + 10, checksum(data, at, at + length));
  skb.network = at;
  skb.protocol = ETH_P_IP;
  skb.source = source;
  skb.destination = destination;
  skb.tos = h.tos;
  skb.ipProtocol = h.protocol;
}

/** Sends a packet made here along `dst`. `loop`: copies of multicast come back. 0 or EMSGSIZE. */
export function ipLocalOut(ns: NetworkNamespace, skb: SkBuff, dst: Dst, loop = true): number {
  const { snmp } = ns;
  snmp.ip.outRequests++;
  snmp.ip.outTransmits++;
  return ipOutput(ns, skb, dst, loop);
}

/** Linux ip_output(), ip_mc_output(), ip_finish_output(). */
export function ipOutput(ns: NetworkNamespace, skb: SkBuff, dst: Dst, loop = true): number {
  const d = dst.device;
  if (dst.type === RTN_MULTICAST) {
    ns.snmp.ip.outMcast++;
    const joined = d.groups4.has(hex(skb.destination));
    if (loop && !d.loopback && joined) ipDeliverCopy(skb, d);
    if (skb.data[skb.network + 8] === 0) return 0;
  } else if (dst.type === RTN_BROADCAST) {
    ns.snmp.ip.outBcast++;
    if (!d.loopback) ipDeliverCopy(skb, d);
  }
  ns.snmp.ip.outOctets += skb.length;
  if (skb.length > dst.mtu) {
    if (skb.gsoSize > 0) {
      const overhead = skb.length > 0 ? headerLength(skb) : 0;
      if (skb.gsoSize + overhead > dst.mtu || !d.segmentsTcp) {
        for (const s of gsoSegments(skb, Math.min(skb.gsoSize, dst.mtu - overhead))) finish(ns, s, dst);
        return 0;
      }
    } else {
      return ipFragment(ns, skb, dst);
    }
  }
  finish(ns, skb, dst);
  return 0;
}
/** IP and TCP header of a packet to be segmented. */
export function headerLength(skb: SkBuff): number {
  return skb.transport - skb.network + ((skb.data[skb.transport + 12]! >> 4) << 2);
}
const hex = (ip: Uint8Array): string => Array.from(ip, (b) => b.toString(16).padStart(2, '0')).join('');

function finish(ns: NetworkNamespace, skb: SkBuff, dst: Dst): void {
  const d = dst.device;
  skb.protocol = ETH_P_IP;
  if (!d.segmentsTcp && skb.gsoSize > 0) {
    for (const s of gsoSegments(skb, skb.gsoSize)) finish(ns, s, dst);
    return;
  }
  if (dst.type === RTN_LOCAL || d.loopback || !d.ethernet) {
    if (d.ethernet) pushEthernet(skb, d, new Uint8Array(6));
    devQueueXmit(skb, d);
    return;
  }
  if (dst.type === RTN_BROADCAST || dst.type === RTN_MULTICAST) {
    pushEthernet(skb, d, dst.type === RTN_BROADCAST ? d.broadcast : linkGroupOf4(skb.destination));
    devQueueXmit(skb, d);
    return;
  }
  ns.arp.get(d, dst.gateway ?? skb.destination).output(skb);
}

/** Sends a packet that is larger than the MTU in pieces; EMSGSIZE if it must not be cut. */
function ipFragment(ns: NetworkNamespace, skb: SkBuff, dst: Dst): number {
  const { mtu } = dst;
  const head = skb.network;
  if (skb.u16(head + 6) & IP_DF && !skb.ignoreDf) {
    ns.snmp.ip.fragFails++;
    icmpSend(ns, skb, ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, mtu);
    return EMSGSIZE;
  }
  finishChecksum(skb);
  const length = (skb.data[head]! & 15) << 2; // within the packet
  const offsetField = skb.u16(head + 6);
  let offset = (offsetField & IP_OFFSET) * 8;
  const most = (mtu - length) & ~7;
  if (most < 8) return EMSGSIZE;
  let at = head + length;
  const before = ns.snmp.ip.fragCreates;
  while (at < skb.end) {
    const n = Math.min(most, skb.end - at);
    const f = allocSkb(length + n);
    f.data.set(skb.data.subarray(head, head + length), f.start);
    f.data.set(skb.data.subarray(at, at + n), f.start + length);
    f.network = f.start;
    f.transport = f.start + length;
    f.source = skb.source;
    f.destination = skb.destination;
    f.mark = skb.mark;
    f.priority = skb.priority;
    f.protocol = ETH_P_IP;
    const more = at + n < skb.end || (offsetField & IP_MF) !== 0;
    f.setU16(f.start + 2, length + n);
    f.setU16(f.start + 6, (offset >> 3) | (more ? IP_MF : 0));
    f.setU16(f.start + 10, 0);
    f.setU16(f.start + 10, checksum(f.data, f.start, f.start + length));
    ns.snmp.ip.fragCreates++;
    finish(ns, f, dst);
    at += n;
    offset += n;
  }
  if (ns.snmp.ip.fragCreates > before) ns.snmp.ip.fragOks++;
  return 0;
}
