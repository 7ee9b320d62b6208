/** ARP. Linux 6.18 net/ipv4/arp.c. */
import { IFF_NOARP, type NetDevice } from '../device/net-device.ts';
import { devQueueXmit, ETH_P_ARP } from '../device/receive.ts';
import { isAny, isLoopback4, isMulticast } from '../inet/inet-address.ts';
import { type Neighbour, type NeighbourProtocol, NUD_REACHABLE, NUD_STALE, pushEthernet } from '../ip/neighbour.ts';
import { RTN_LOCAL, sameBytes, samePrefix } from '../ip/route-table.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { allocSkb, PACKET_HOST, PACKET_OTHERHOST, type SkBuff } from '../skb.ts';
import { icmpSend, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH } from './icmp.ts';
import { addressType4, selectAddress4 } from './route.ts';

const ARPOP_REQUEST = 1;
const ARPOP_REPLY = 2;
/** Hardware type, protocol, lengths, operation, then both addresses of either side. */
const ARP_LENGTH = 28;

/** Sends one; `to`: link address, null: all. */
export function arpSend(d: NetDevice, op: number, target: Uint8Array, source: Uint8Array, to: Uint8Array | null, targetMac: Uint8Array): void {
  if (d.flags & IFF_NOARP) return;
  const skb = allocSkb(ARP_LENGTH);
  const { data, start } = skb;
  skb.setU16(start, 1);
  skb.setU16(start + 2, 0x800);
  data[start + 4] = 6;
  data[start + 5] = 4;
  skb.setU16(start + 6, op);
  data.set(d.mac, start + 8);
  data.set(source, start + 14);
  data.set(targetMac, start + 18);
  data.set(target, start + 24);
  skb.protocol = ETH_P_ARP;
  skb.network = start;
  pushEthernet(skb, d, to ?? d.broadcast);
  devQueueXmit(skb, d);
}

export const arpProtocol: NeighbourProtocol = {
  solicit(n: Neighbour, skb: SkBuff | null, unicast: Uint8Array | null): void {
    const { ns } = n.device;
    // The source of the packet that waits, if it is ours; else any address of the device (arp_announce 0).
    let source: Uint8Array | null = null;
    if (skb !== null && skb.source.length === 4 && addressType4(ns, skb.source) === RTN_LOCAL) source = skb.source;
    source ??= selectAddress4(ns, n.device, n.ip, 253);
    arpSend(n.device, ARPOP_REQUEST, n.ip, source, unicast, new Uint8Array(6));
  },
  unreachable(skb: SkBuff, d: NetDevice): void {
    icmpSend(d.ns, skb, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, 0);
  },
};

/** We answer for an address on this device: one of ours (arp_ignore decides which), or one of a proxy. */
function answersFor(ns: NetworkNamespace, target: Uint8Array, source: Uint8Array, d: NetDevice): boolean {
  if (addressType4(ns, target) === RTN_LOCAL) {
    const ignore = Math.max(d.conf4['arp_ignore'] ?? 0, ns.sysctls.all4['arp_ignore'] ?? 0);
    if (ignore === 0) return true;
    if (ignore === 8) return false;
    const own = d.addresses4.find((a) => sameBytes(a.local, target));
    return own !== undefined && (ignore === 1 || samePrefix(own.address, source, own.prefix));
  }
  for (const p of ns.arp.proxies.values()) if ((p.device === null || p.device === d) && sameBytes(p.ip, target)) return true;
  if (!d.conf4['proxy_arp'] && !ns.sysctls.all4['proxy_arp']) return false;
  return false;
}

export function arpReceive(ns: NetworkNamespace, skb: SkBuff, d: NetDevice): void {
  if (d.flags & IFF_NOARP || d.loopback || skb.pktType === PACKET_OTHERHOST || skb.length < ARP_LENGTH) return;
  const { data, start } = skb;
  if (skb.u16(start) !== 1 || skb.u16(start + 2) !== 0x800 || data[start + 4] !== 6 || data[start + 5] !== 4) return;
  const op = skb.u16(start + 6);
  if (op !== ARPOP_REQUEST && op !== ARPOP_REPLY) return;
  const senderMac = data.slice(start + 8, start + 14);
  const sender = data.slice(start + 14, start + 18);
  const target = data.slice(start + 24, start + 28);
  if (isMulticast(target) || (isLoopback4(target) && !d.conf4['route_localnet'])) return;
  // Somebody looks whether an address is free.
  if (isAny(sender)) {
    if (op === ARPOP_REQUEST && addressType4(ns, target) === RTN_LOCAL) arpSend(d, ARPOP_REPLY, sender, target, senderMac, senderMac);
    return;
  }
  if (op === ARPOP_REQUEST && answersFor(ns, target, sender, d)) {
    ns.arp.get(d, sender).update(senderMac, NUD_STALE, true);
    arpSend(d, ARPOP_REPLY, sender, target, senderMac, senderMac);
    return;
  }
  let n = ns.arp.lookup(d, sender);
  if (n === null && (d.conf4['arp_accept'] || ns.sysctls.all4['arp_accept'])) n = ns.arp.get(d, sender);
  if (n === null) return;
  const reachable = op === ARPOP_REPLY && skb.pktType === PACKET_HOST;
  n.update(senderMac, reachable ? NUD_REACHABLE : NUD_STALE, true);
}
