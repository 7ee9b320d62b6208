/** Neighbour discovery. Linux 6.18 net/ipv6/ndisc.c; RFC 4861. */
import { fold, pseudoSum, sumWords } from '../checksum.ts';
import { IFA_F_TENTATIVE, IFF_NOARP, type NetDevice } from '../device/net-device.ts';
import { isAny, isMulticast } from '../inet/inet-address.ts';
import { type Neighbour, type NeighbourProtocol, NTF_ROUTER, NUD_REACHABLE, NUD_STALE } from '../ip/neighbour.ts';
import { Dst } from '../ip/dst.ts';
import { RTN_MULTICAST, RTN_UNICAST, sameBytes } from '../ip/route-table.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { allocSkb, type SkBuff } from '../skb.ts';
import { dadFailed, solicitedNode } from './addrconf.ts';
import { icmp6Send, ICMPV6_ADDR_UNREACH, ICMPV6_DEST_UNREACH } from './icmp6.ts';
import { ip6LocalOut, pushIp6Header } from './ip6-output.ts';
import { ownAddress6, selectAddress6 } from './route6.ts';

export const NDISC_ROUTER_SOLICITATION = 133;
export const NDISC_NEIGHBOUR_SOLICITATION = 135;
export const NDISC_NEIGHBOUR_ADVERTISEMENT = 136;
const OPT_SOURCE = 1;
const OPT_TARGET = 2;
const NA_ROUTER = 0x80000000;
const NA_SOLICITED = 0x40000000;
const NA_OVERRIDE = 0x20000000;

function send(d: NetDevice, type: number, flags: number, target: Uint8Array, source: Uint8Array, destination: Uint8Array, option: number): void {
  const { ns } = d;
  const withOption = option !== 0;
  const length = 24 + (withOption ? 8 : 0);
  const skb = allocSkb(length);
  const { data, start } = skb;
  data[start] = type;
  skb.setU32(start + 4, flags);
  data.set(target, start + 8);
  if (withOption) {
    data[start + 24] = option;
    data[start + 25] = 1;
    data.set(d.mac, start + 26);
  }
  skb.setU16(start + 2, fold(pseudoSum(source, destination, 58, length) + sumWords(data, start, skb.end)));
  skb.transport = start;
  ns.snmp.icmp6Out[type]!++; // 256 of them
  pushIp6Header(skb, source, destination, 58, 255, 0, 0);
  const type6 = isMulticast(destination) ? RTN_MULTICAST : RTN_UNICAST;
  ip6LocalOut(ns, skb, new Dst(10, type6, d, null, source, destination, null, d.mtu, ns.routeGeneration), false);
}

export function sendNeighbourSolicit(d: NetDevice, target: Uint8Array, source: Uint8Array, destination: Uint8Array): void {
  send(d, NDISC_NEIGHBOUR_SOLICITATION, 0, target, source, destination, isAny(source) ? 0 : OPT_SOURCE);
}
function sendAdvertisement(d: NetDevice, target: Uint8Array, destination: Uint8Array, solicited: boolean, override: boolean): void {
  const router = d.conf6['forwarding'] ? NA_ROUTER : 0;
  send(d, NDISC_NEIGHBOUR_ADVERTISEMENT, (router | (solicited ? NA_SOLICITED : 0) | (override ? NA_OVERRIDE : 0)) >>> 0, target, target, destination, OPT_TARGET);
}

export const ndiscProtocol: NeighbourProtocol = {
  solicit(n: Neighbour, skb: SkBuff | null, unicast: Uint8Array | null): void {
    const d = n.device;
    let source: Uint8Array | null = null;
    if (skb !== null && skb.source.length === 16 && ownAddress6(d.ns, skb.source, d) !== null) source = skb.source;
    source ??= selectAddress6(d.ns, d, n.ip);
    if (source === null) return;
    sendNeighbourSolicit(d, n.ip, source, unicast !== null ? n.ip : solicitedNode(n.ip));
  },
  unreachable(skb: SkBuff, d: NetDevice): void {
    icmp6Send(d.ns, skb, ICMPV6_DEST_UNREACH, ICMPV6_ADDR_UNREACH, 0);
  },
};

/** The link address in an option of a message, or null. */
function option(skb: SkBuff, from: number, wanted: number): Uint8Array | null {
  for (let at = from; at + 8 <= skb.end; ) {
    const length = skb.data[at + 1]! * 8; // in range
    if (length === 0) return null;
    if (skb.data[at] === wanted) return skb.data.slice(at + 2, at + 8);
    at += length;
  }
  return null;
}

/** An ICMPv6 message of neighbour discovery, from `skb.start`; the hop limit was checked to be 255. */
export function ndiscReceive(ns: NetworkNamespace, skb: SkBuff, type: number): void {
  const d = skb.dev!; // it came in
  if (skb.length < 24 || d.flags & IFF_NOARP) return;
  const target = skb.data.slice(skb.start + 8, skb.start + 24);
  if (isMulticast(target)) return;
  if (type === NDISC_NEIGHBOUR_SOLICITATION) solicitation(ns, skb, d, target);
  else if (type === NDISC_NEIGHBOUR_ADVERTISEMENT) advertisement(ns, skb, d, target);
}
function solicitation(ns: NetworkNamespace, skb: SkBuff, d: NetDevice, target: Uint8Array): void {
  const own = ownAddress6(ns, target, d, true);
  const dad = isAny(skb.source);
  let proxy = false;
  if (own === null) {
    for (const p of ns.ndisc.proxies.values()) if ((p.device === null || p.device === d) && sameBytes(p.ip, target)) proxy = true;
    if (!proxy) return;
  } else if (own.flags & IFA_F_TENTATIVE) {
    // Somebody else is trying the same address.
    if (dad && !d.loopback) dadFailed(own);
    return;
  }
  const mac = option(skb, skb.start + 24, OPT_SOURCE);
  if (dad) {
    sendAdvertisement(d, target, Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1), false, true);
    return;
  }
  if (mac !== null) ns.ndisc.get(d, skb.source).update(mac, NUD_STALE, true);
  sendAdvertisement(d, target, skb.source, true, true);
}
function advertisement(ns: NetworkNamespace, skb: SkBuff, d: NetDevice, target: Uint8Array): void {
  const own = ownAddress6(ns, target, d, true);
  if (own !== null) {
    dadFailed(own);
    return;
  }
  const n = ns.ndisc.lookup(d, target);
  if (n === null) return;
  const flags = skb.u32(skb.start + 4);
  const mac = option(skb, skb.start + 24, OPT_TARGET);
  n.flags = flags & NA_ROUTER ? n.flags | NTF_ROUTER : n.flags & ~NTF_ROUTER;
  n.update(mac, flags & NA_SOLICITED ? NUD_REACHABLE : NUD_STALE, (flags & NA_OVERRIDE) !== 0);
}
