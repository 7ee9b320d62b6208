/** Output and input routes of IPv6, and which address to send from. Linux 6.18 net/ipv6/{route,addrconf}.c; RFC 6724. */
import { EACCES, EADDRNOTAVAIL, EHOSTUNREACH, EINVAL, ENETUNREACH, ENODEV, type Errno, isErr } from '../../abi/errno.ts';
import { AF_INET6 } from '../../abi/socket.ts';
import { type DeviceAddress, IFA_F_DADFAILED, IFA_F_DEPRECATED, IFA_F_OPTIMISTIC, IFA_F_TENTATIVE, type NetDevice } from '../device/net-device.ts';
import { ANY6, isAny, isLinkLocal, isLinkScopeMulticast, isMulticast, LOOPBACK6 } from '../inet/inet-address.ts';
import { Dst } from '../ip/dst.ts';
import { type Flow, flowTo, type Found, RT_TABLE_LOCAL, RTN_ANYCAST, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST, sameBytes, samePrefix } from '../ip/route-table.ts';
import type { NetworkNamespace } from '../network-namespace.ts';

const RTAX_MTU = 2;
export const IPV6_MIN_MTU = 1280;

/** Scope of an address as RFC 4007 numbers it: 1 interface, 2 link, 5 site, 14 global. */
export function scope6(ip: Uint8Array): number {
  if (ip[0] === 0xff) return ip[1]! & 15; // 16 bytes
  if (isLinkLocal(ip) || sameBytes(ip, LOOPBACK6)) return 2;
  if (ip[0] === 0xfe && (ip[1]! & 0xc0) === 0xc0) return 5; // as above
  return 14;
}

/** The policy table: prefix and label. */
const LABELS: readonly (readonly [prefix: string, length: number, label: number])[] = [
  ['00000000000000000000000000000001', 128, 0], ['00000000000000000000ffff00000000', 96, 4], ['00000000000000000000000000000000', 96, 3],
  ['20010000', 32, 6], ['20010010', 28, 7], ['3ffe', 16, 12], ['2002', 16, 2], ['fec0', 10, 11], ['fc00', 7, 5], ['', 0, 1],
];
export const ADDRESS_LABELS: readonly { readonly prefix: Uint8Array; readonly length: number; readonly label: number }[] = LABELS.map(([hex, length, label]) => {
  const prefix = new Uint8Array(16);
  for (let i = 0; i < hex.length; i += 2) prefix[i >> 1] = Number.parseInt(hex.slice(i, i + 2), 16);
  return { prefix, length, label };
});
function label6(ip: Uint8Array): number {
  for (const l of ADDRESS_LABELS) if (samePrefix(l.prefix, ip, l.length)) return l.label;
  return 1;
}
function commonBits(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < 16; i++) if (a[i] !== b[i]) return i * 8 + Math.clz32(a[i]! ^ b[i]!) - 24; // 16 bytes
  return 128;
}

/** An address may be used to send from. */
export function usable6(a: DeviceAddress): boolean {
  return (a.flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) === 0 || (a.flags & IFA_F_OPTIMISTIC) !== 0;
}

/** The best of our addresses to reach `to` from by `d`; null: none at all. */
export function selectAddress6(ns: NetworkNamespace, d: NetDevice | null, to: Uint8Array): Uint8Array | null {
  const scope = scope6(to);
  const label = label6(to);
  const onlyHere = d !== null && (isMulticast(to) || scope <= 2 || (d.conf6['use_oif_addrs_only'] ?? 0) !== 0);
  let best: DeviceAddress | null = null;
  let bestKey = '';
  const num = (n: number, width = 3): string => String(n).padStart(width, '0');
  for (const o of ns.devices) {
    if (!o.up || (onlyHere && o !== d)) continue;
    for (const a of o.addresses6) {
      if (!usable6(a) || isAny(a.local) || isMulticast(a.local)) continue;
      const s = scope6(a.local);
      // Rule 2: the smallest scope that is at least the destination's, else the largest.
      const fits = sameBytes(a.local, LOOPBACK6) && scope > 2 ? -20 : s >= scope ? 100 - s : s - 100;
      const key = [
        num(sameBytes(a.local, to) ? 1 : 0),
        num(fits + 200),
        num(a.flags & IFA_F_DEPRECATED ? 0 : 1),
        num(d === null || o === d ? 1 : 0),
        num(label6(a.local) === label ? 1 : 0),
        num(Math.min(commonBits(a.local, to), a.prefix)),
      ].join();
      if (best === null || key > bestKey) {
        best = a;
        bestKey = key;
      }
    }
  }
  return best === null ? null : best.local;
}

/** The address is one of ours (not tentative unless `any`), on `d` if given. */
export function ownAddress6(ns: NetworkNamespace, ip: Uint8Array, d: NetDevice | null = null, any = false): DeviceAddress | null {
  for (const o of ns.devices) {
    if (d !== null && o !== d) continue;
    for (const a of o.addresses6) if (sameBytes(a.local, ip) && (any || usable6(a))) return a;
  }
  return null;
}
function localRoute6(ns: NetworkNamespace, ip: Uint8Array): NetDevice | null {
  const found = ns.routes6.lookupIn(RT_TABLE_LOCAL, flowTo(ip));
  return found !== null && !isErr(found) && found.route.type === RTN_LOCAL ? found.hop.device : null;
}
/** The device that an address of ours belongs to, or whose local route covers it. */
export function deviceOfAddress6(ns: NetworkNamespace, ip: Uint8Array): NetDevice | null {
  return ownAddress6(ns, ip)?.device ?? localRoute6(ns, ip);
}

/** The way to a destination: Dst; ENETUNREACH, EINVAL, ENODEV, EACCES, EHOSTUNREACH. */
export function routeOutput6(ns: NetworkNamespace, flow: Flow): Dst | Errno {
  let { source, destination } = flow;
  if (source !== null && isAny(source)) source = null;
  if (isAny(destination)) destination = LOOPBACK6;
  if (flow.oif !== 0 && ns.deviceByIndex(flow.oif) === null) return ENODEV;
  const found = lookup6(ns, { ...flow, source, destination });
  // The source is chosen first: without any address that is what fails.
  if (source === null && selectAddress6(ns, isErr(found) ? null : found.hop.device, destination) === null && (isErr(found) || found.route.prefSource === null)) return EADDRNOTAVAIL;
  if (isErr(found)) return found === EINVAL || found === EACCES || found === EHOSTUNREACH ? found : ENETUNREACH;
  const { route, hop } = found;
  const device = hop.device ?? ns.loopback;
  const local = route.type === RTN_LOCAL || route.type === RTN_ANYCAST;
  const out = local ? ns.loopback : device;
  if (!out.up) return ENETUNREACH;
  source ??= route.prefSource ?? selectAddress6(ns, device, destination) ?? ANY6;
  const learnt = ns.pathMtu(destination);
  let mtu = route.metrics?.get(RTAX_MTU) ?? Math.max(out.conf6['mtu'] ?? out.mtu, IPV6_MIN_MTU);
  if (learnt !== 0) mtu = Math.min(mtu, learnt);
  const type = local ? RTN_LOCAL : isMulticast(destination) ? RTN_MULTICAST : RTN_UNICAST;
  return new Dst(AF_INET6, type, out, hop.gateway, source, destination, route, mtu, ns.routeGeneration);
}
/** The route itself. Our own addresses are found whatever device is asked for. */
export function lookup6(ns: NetworkNamespace, flow: Flow): Found | Errno {
  const strict = isLinkLocal(flow.destination) || isLinkScopeMulticast(flow.destination) || isMulticast(flow.destination);
  let found = ns.routes6.lookup(flow, ns.nameOf);
  if (isErr(found) && flow.oif !== 0 && !strict) found = ns.routes6.lookup({ ...flow, oif: 0 }, ns.nameOf);
  else if (!isErr(found) && found.route.type !== RTN_LOCAL && flow.oif !== 0 && !strict) {
    const own = ns.routes6.lookupIn(RT_TABLE_LOCAL, { ...flow, oif: 0 });
    if (own !== null && !isErr(own) && own.route.type === RTN_LOCAL) return own;
  }
  if (!isErr(found) && flow.oif !== 0 && !strict && found.route.type !== RTN_LOCAL && found.hop.device?.index !== flow.oif) return ENETUNREACH;
  return found;
}

/** What to do with a packet that came in by `d`: RTN_ type or errno. */
export function routeInput6(ns: NetworkNamespace, source: Uint8Array, destination: Uint8Array, d: NetDevice, mark: number): number {
  if (isMulticast(destination)) return RTN_MULTICAST;
  if (isLinkLocal(destination)) {
    const own = d.loopback ? ownAddress6(ns, destination, null, true) : ownAddress6(ns, destination, d, true);
    return own === null ? ENETUNREACH : RTN_LOCAL;
  }
  const flow = flowTo(destination);
  flow.source = source;
  flow.iif = d.index;
  flow.mark = mark;
  const found = ns.routes6.lookup(flow, ns.nameOf);
  if (isErr(found)) return found;
  if (found.route.type === RTN_LOCAL || found.route.type === RTN_ANYCAST) return RTN_LOCAL;
  return ns.sysctls.forward6 ? RTN_UNICAST : EINVAL;
}
