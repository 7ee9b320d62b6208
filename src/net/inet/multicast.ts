/** Groups that sockets have joined. Linux 6.18 net/ipv4/igmp.c, net/ipv6/mcast.c. */
import { EADDRINUSE, EADDRNOTAVAIL, EINVAL, ENOBUFS, ENODEV } from '../../abi/errno.ts';
import { AF_INET6, IP_MULTICAST_ALL, IPV6_MULTICAST_ALL, SOL_IP, SOL_IPV6 } from '../../abi/socket.ts';
import type { NetDevice } from '../device/net-device.ts';
import { flowTo } from '../ip/route-table.ts';
import { joinGroup4, leaveGroup4 } from '../ipv4/igmp.ts';
import { deviceOfAddress4, routeOutput4 } from '../ipv4/route.ts';
import { joinGroup6, leaveGroup6 } from '../ipv6/addrconf.ts';
import { lookup6 } from '../ipv6/route6.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { isAny, isMulticast, sameIp } from './inet-address.ts';
import type { InetSocket } from './inet-socket.ts';

export interface SocketMembership {
  readonly group: Uint8Array;
  /** Device index. */
  readonly index: number;
  /** Sources that are let through, or (exclude) kept out. */
  exclude: boolean;
  sources: Uint8Array[];
}

/** The device of a membership: by index, by an address on it, or that of the route to the group. */
export function groupDevice(ns: NetworkNamespace, group: Uint8Array, index: number, address: Uint8Array | null): NetDevice | null {
  if (index !== 0) return ns.deviceByIndex(index);
  if (address !== null && !isAny(address)) return deviceOfAddress4(ns, address);
  if (group.length === 4) {
    const dst = routeOutput4(ns, flowTo(group));
    return typeof dst === 'number' ? null : dst.device;
  }
  const found = lookup6(ns, flowTo(group));
  return typeof found === 'number' ? null : found.hop.device;
}

/** Joins a group, in exclude mode or (with a source) in include mode: 0, EINVAL, ENODEV, EADDRINUSE, EADDRNOTAVAIL, ENOBUFS. */
export function joinGroup(s: InetSocket, group: Uint8Array, index: number, address: Uint8Array | null, source: Uint8Array | null = null): number {
  if (!isMulticast(group)) return EINVAL;
  const d = groupDevice(s.netNs, group, index, address);
  if (d === null) return ENODEV;
  const m = s.memberships.find((o) => o.index === d.index && sameIp(o.group, group));
  if (source !== null) {
    if (m === undefined) {
      s.memberships.push({ group: group.slice(), index: d.index, exclude: false, sources: [source.slice()] });
      if (group.length === 4) joinGroup4(d, group);
      else joinGroup6(d, group);
      return 0;
    }
    if (m.exclude) return EINVAL;
    if (m.sources.some((o) => sameIp(o, source))) return EADDRNOTAVAIL;
    m.sources.push(source.slice());
    return 0;
  }
  if (m !== undefined) return EADDRINUSE;
  if (group.length === 4 && s.memberships.length >= s.netNs.sysctls.number('ipv4/igmp_max_memberships')) return ENOBUFS;
  s.memberships.push({ group: group.slice(), index: d.index, exclude: true, sources: [] });
  if (group.length === 4) joinGroup4(d, group);
  else joinGroup6(d, group);
  return 0;
}
export function leaveGroup(s: InetSocket, group: Uint8Array, index: number, address: Uint8Array | null, source: Uint8Array | null = null): number {
  if (!isMulticast(group)) return group.length === 4 ? EADDRNOTAVAIL : EINVAL;
  const d = groupDevice(s.netNs, group, index, address);
  if (d === null && (index !== 0 || group.length === 4)) return ENODEV;
  const i = s.memberships.findIndex((o) => (d === null || o.index === d.index) && sameIp(o.group, group));
  const m = s.memberships[i];
  if (m === undefined) return EADDRNOTAVAIL;
  if (source !== null) {
    if (m.exclude) return EINVAL;
    const j = m.sources.findIndex((o) => sameIp(o, source));
    if (j < 0) return EADDRNOTAVAIL;
    m.sources.splice(j, 1);
    if (m.sources.length > 0) return 0;
  }
  s.memberships.splice(i, 1);
  drop(s, m);
  return 0;
}
/** Keeps a source out of a group, or lets it in again. */
export function blockSource(s: InetSocket, group: Uint8Array, index: number, address: Uint8Array | null, source: Uint8Array, block: boolean): number {
  const d = groupDevice(s.netNs, group, index, address);
  if (d === null) return ENODEV;
  const m = s.memberships.find((o) => o.index === d.index && sameIp(o.group, group));
  if (m === undefined || !m.exclude) return EINVAL;
  const j = m.sources.findIndex((o) => sameIp(o, source));
  if (block) {
    if (j >= 0) return EADDRNOTAVAIL;
    m.sources.push(source.slice());
  } else {
    if (j < 0) return EADDRNOTAVAIL;
    m.sources.splice(j, 1);
  }
  return 0;
}
function drop(s: InetSocket, m: SocketMembership): void {
  const d = s.netNs.deviceByIndex(m.index);
  if (d === null) return;
  if (m.group.length === 4) leaveGroup4(d, m.group);
  else leaveGroup6(d, m.group);
}
export function dropMemberships(s: InetSocket): void {
  for (const m of s.memberships.splice(0)) drop(s, m);
}

/** A socket hears what `source` sent to `group` on device `index` (ip_mc_sf_allow, inet6_mc_check). */
export function hearsGroup(s: InetSocket, group: Uint8Array, source: Uint8Array, index: number): boolean {
  for (const m of s.memberships) {
    if (m.index !== index || !sameIp(m.group, group)) continue;
    const listed = m.sources.some((o) => sameIp(o, source));
    return m.exclude ? !listed : listed;
  }
  const v6 = s.family === AF_INET6 && group.length === 16;
  return s.option(v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_MULTICAST_ALL : IP_MULTICAST_ALL) !== 0;
}
