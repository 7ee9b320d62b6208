/** IPv6 addresses of devices: link-local ones, duplicate address detection, routes that follow. Linux 6.18 net/ipv6/{addrconf,mcast}.c. */
import { EADDRNOTAVAIL, EEXIST } from '../../abi/errno.ts';
import { Timer } from '../../base/timers.ts';
import {
  DeviceAddress,
  hexOf,
  IFA_F_DADFAILED,
  IFA_F_NODAD,
  IFA_F_NOPREFIXROUTE,
  IFA_F_OPTIMISTIC,
  IFA_F_PERMANENT,
  IFA_F_TENTATIVE,
  IFF_LOOPBACK,
  IFF_NOARP,
  Membership,
  type NetDevice,
} from '../device/net-device.ts';
import { joinLinkGroup, leaveLinkGroup } from '../device/device-registry.ts';
import { isLinkLocal, LOOPBACK6 } from '../inet/inet-address.ts';
import { neighboursOfDevice } from '../ip/neighbour.ts';
import {
  NextHop,
  networkOf,
  Route,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTPROT_KERNEL,
  sameBytes,
  samePrefix,
} from '../ip/route-table.ts';
import * as notify from '../netlink/route-notify.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { sendNeighbourSolicit } from './ndisc.ts';
import { scope6 } from './route6.ts';

const MS = 1_000_000;
const PREFIX_METRIC = 256;

/** ff02::1:ffXX:XXXX */
export function solicitedNode(ip: Uint8Array): Uint8Array {
  const g = new Uint8Array(16);
  g.set([0xff, 2]);
  g[11] = 1;
  g[12] = 0xff;
  g.set(ip.subarray(13), 13);
  return g;
}
const ALL_NODES_LINK = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);
const ALL_NODES_INTERFACE = Uint8Array.of(0xff, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

/** 33:33 and the low 32 bits. */
export function linkGroupOf6(ip: Uint8Array): Uint8Array {
  return Uint8Array.of(0x33, 0x33, ip[12]!, ip[13]!, ip[14]!, ip[15]!); // 16 bytes
}
/** The list of groups begins with the newest. */
export function joinGroup6(d: NetDevice, group: Uint8Array): void {
  const key = hexOf(group);
  const m = d.groups6.get(key);
  if (m !== undefined) {
    m.users++;
    return;
  }
  d.groups6.set(key, new Membership(group.slice()));
  if (d.ethernet && !d.loopback && scope6(group) > 1) joinLinkGroup(d, linkGroupOf6(group));
}
export function leaveGroup6(d: NetDevice, group: Uint8Array): void {
  const key = hexOf(group);
  const m = d.groups6.get(key);
  if (m === undefined || --m.users > 0) return;
  d.groups6.delete(key);
  if (d.ethernet && !d.loopback && scope6(group) > 1) leaveLinkGroup(d, linkGroupOf6(group));
}
/** A device came into the namespace (ipv6_add_dev). */
export function ip6Register(d: NetDevice): void {
  joinGroup6(d, ALL_NODES_INTERFACE);
  joinGroup6(d, ALL_NODES_LINK);
}

/** Waits before and between probes for a duplicate; then the address is ours. */
class DadTimer extends Timer {
  private readonly address: DeviceAddress;
  constructor(address: DeviceAddress) {
    super();
    this.address = address;
  }
  override expire(): void {
    const a = this.address;
    const d = a.device;
    if (!d.addresses6.includes(a)) return;
    if (a.dadProbes <= 0) {
      dadCompleted(a);
      return;
    }
    a.dadProbes--;
    d.ns.stack.timers.arm(this, d.ns.stack.now() + (d.neigh6['retrans_time_ms'] ?? 1000) * MS);
    sendNeighbourSolicit(d, a.local, new Uint8Array(16), solicitedNode(a.local));
  }
}

function addRoute6(d: NetDevice, dst: Uint8Array, prefix: number, table: number, type: number, metric: number): void {
  const { ns } = d;
  for (const r of ns.routes6.table(table))
    if (r.prefix === prefix && sameBytes(r.dst, dst) && r.device === d && r.priority === metric && r.hops[0]?.gateway === null) return;
  const r = new Route(dst, prefix, table);
  r.type = type;
  r.protocol = RTPROT_KERNEL;
  r.priority = metric;
  r.hops = [new NextHop(d, null)];
  ns.routes6.insert(r, true);
  ns.routesChanged();
  notify.route(ns, r, notify.RTM_NEWROUTE);
}
function deleteRoute6(ns: NetworkNamespace, r: Route): void {
  ns.routes6.remove(r);
  ns.routesChanged();
  notify.route(ns, r, notify.RTM_DELROUTE);
}

/** Adds an address: 0, EEXIST, EACCES (IPv6 is off). */
export function addAddress6(d: NetDevice, a: DeviceAddress): number {
  for (const o of d.addresses6) if (sameBytes(o.local, a.local)) return EEXIST;
  const s = scope6(a.local);
  let at = d.addresses6.length;
  for (let i = 0; i < d.addresses6.length; i++)
    if (s >= scope6(d.addresses6[i]!.local)) { // in range
      at = i;
      break;
    }
  a.scope = sameBytes(a.local, LOOPBACK6) ? RT_SCOPE_HOST : isLinkLocal(a.local) ? RT_SCOPE_LINK : s === 5 ? 200 : 0;
  const nodad = d.loopback || (d.flags & (IFF_NOARP | IFF_LOOPBACK)) !== 0 || (a.flags & IFA_F_NODAD) !== 0 || (d.conf6['accept_dad'] ?? 1) < 1 || (d.conf6['dad_transmits'] ?? 1) < 1;
  a.flags |= IFA_F_TENTATIVE;
  d.addresses6.splice(at, 0, a);
  if ((a.flags & IFA_F_NOPREFIXROUTE) === 0 && a.prefix < 128)
    addRoute6(d, networkOf(a.local, a.prefix), a.prefix, RT_TABLE_MAIN, 1, a.metric !== 0 ? a.metric : PREFIX_METRIC);
  joinGroup6(d, solicitedNode(a.local));
  startDad(a, nodad);
  return 0;
}
function startDad(a: DeviceAddress, nodad: boolean): void {
  const d = a.device;
  if (nodad) {
    a.flags &= ~(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED);
    dadCompleted(a);
    return;
  }
  // Not ready: it waits for the link.
  if (!d.up || !d.carrier) return;
  a.dadProbes = d.conf6['dad_transmits'] ?? 1;
  a.timer = new DadTimer(a);
  const delay = (d.conf6['router_solicitation_delay'] ?? 1) * 1000;
  const { stack } = d.ns;
  stack.timers.arm(a.timer, stack.now() + (delay > 0 ? stack.random() % delay : 0) * MS);
  if (a.flags & IFA_F_OPTIMISTIC) addLocalRoute(a);
}
function dadCompleted(a: DeviceAddress): void {
  a.flags &= ~(IFA_F_TENTATIVE | IFA_F_OPTIMISTIC | IFA_F_DADFAILED);
  addLocalRoute(a);
  notify.address(a, notify.RTM_NEWADDR);
}
function addLocalRoute(a: DeviceAddress): void {
  addRoute6(a.device, a.local, 128, RT_TABLE_LOCAL, RTN_LOCAL, 0);
}
/** Somebody else has the address (addrconf_dad_failure). */
export function dadFailed(a: DeviceAddress): void {
  if ((a.flags & IFA_F_TENTATIVE) === 0) return;
  if (a.timer !== null) a.device.ns.stack.timers.cancel(a.timer);
  a.flags |= IFA_F_DADFAILED | IFA_F_TENTATIVE;
  a.flags &= ~IFA_F_OPTIMISTIC;
  notify.address(a, notify.RTM_NEWADDR);
}

export function deleteAddress6(a: DeviceAddress): number {
  const d = a.device;
  const { ns } = d;
  const i = d.addresses6.indexOf(a);
  if (i < 0) return EADDRNOTAVAIL;
  d.addresses6.splice(i, 1);
  if (a.timer !== null) ns.stack.timers.cancel(a.timer);
  leaveGroup6(d, solicitedNode(a.local));
  notify.address(a, notify.RTM_DELADDR);
  for (const r of [...ns.routes6.table(RT_TABLE_LOCAL)]) if (r.type === RTN_LOCAL && r.prefix === 128 && r.device === d && sameBytes(r.dst, a.local)) deleteRoute6(ns, r);
  if ((a.flags & IFA_F_NOPREFIXROUTE) === 0 && !d.addresses6.some((o) => o.prefix === a.prefix && samePrefix(o.local, a.local, a.prefix))) {
    const network = networkOf(a.local, a.prefix);
    for (const r of [...ns.routes6.table(RT_TABLE_MAIN)])
      if (r.protocol === RTPROT_KERNEL && r.prefix === a.prefix && r.device === d && sameBytes(r.dst, network)) deleteRoute6(ns, r);
  }
  ns.routesChanged();
  return 0;
}

function make(d: NetDevice, local: Uint8Array, prefix: number): DeviceAddress {
  const a = new DeviceAddress(d, local, prefix);
  a.flags = IFA_F_PERMANENT;
  a.created = a.updated = d.ns.stack.now();
  return a;
}
/** fe80:: and the interface identifier of the hardware address. */
function linkLocalOf(d: NetDevice): Uint8Array {
  const m = d.mac;
  return Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, m[0]! ^ 2, m[1]!, m[2]!, 0xff, 0xfe, m[3]!, m[4]!, m[5]!); // six bytes
}

/** The link can be used: addresses that come by themselves (addrconf_notify NETDEV_UP, NETDEV_CHANGE). */
export function ip6DeviceUp(d: NetDevice): void {
  if ((d.conf6['disable_ipv6'] ?? 0) !== 0 || d.mtu < 1280) return;
  if (d.loopback) {
    d.ready6 = true;
    if (!d.addresses6.some((a) => sameBytes(a.local, LOOPBACK6))) {
      const a = make(d, LOOPBACK6, 128);
      a.flags |= IFA_F_NODAD;
      addAddress6(d, a);
      a.flags &= ~IFA_F_NODAD;
    }
    for (const a of d.addresses6) addLocalRoute(a);
    return;
  }
  // A port of a bridge has no addresses of its own unless it had them before.
  if (!d.carrier || d.ready6) return;
  d.ready6 = true;
  addRoute6(d, Uint8Array.of(0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 8, RT_TABLE_LOCAL, RTN_MULTICAST, PREFIX_METRIC);
  if (d.ethernet && (d.conf6['addr_gen_mode'] ?? 0) === 0 && !d.addresses6.some((a) => isLinkLocal(a.local))) addAddress6(d, make(d, linkLocalOf(d), 64));
  for (const a of [...d.addresses6]) {
    if (a.prefix < 128 && (a.flags & IFA_F_NOPREFIXROUTE) === 0) addRoute6(d, networkOf(a.local, a.prefix), a.prefix, RT_TABLE_MAIN, 1, a.metric !== 0 ? a.metric : PREFIX_METRIC);
    if (a.flags & IFA_F_TENTATIVE && (a.timer === null || !a.timer.armed) && (a.flags & IFA_F_DADFAILED) === 0) startDad(a, false);
  }
}
export function ip6LinkChange(d: NetDevice): void {
  if (d.up && d.carrier) ip6DeviceUp(d);
  else if (!d.carrier) d.ready6 = d.loopback;
}
/** NETDEV_DOWN: IPv6 addresses go with the device (unless keep_addr_on_down), and so do its routes. */
export function ip6DeviceDown(d: NetDevice): void {
  const keep = (d.conf6['keep_addr_on_down'] ?? 0) > 0 || ((d.conf6['keep_addr_on_down'] ?? 0) === 0 && (d.ns.sysctls.all6['keep_addr_on_down'] ?? 0) > 0);
  flushRoutes6(d);
  for (const a of [...d.addresses6]) {
    if (keep && a.flags & IFA_F_PERMANENT && !isLinkLocal(a.local)) {
      a.flags |= IFA_F_TENTATIVE;
      if (a.timer !== null) d.ns.stack.timers.cancel(a.timer);
      continue;
    }
    deleteAddress6(a);
  }
  d.ready6 = false;
}
function flushRoutes6(d: NetDevice): void {
  const { ns } = d;
  for (const r of [...ns.routes6.all()]) {
    if (!r.hops.some((h) => h.device === d)) continue;
    if (r.hops.length > 1) {
      r.hops = r.hops.filter((h) => h.device !== d);
      if (r.hops.length > 0) continue;
    }
    deleteRoute6(ns, r);
  }
  ns.routesChanged();
}
export function ip6Unregister(d: NetDevice): void {
  for (const a of [...d.addresses6]) deleteAddress6(a);
  flushRoutes6(d);
  neighboursOfDevice(d, 16, true);
  d.groups6.clear();
  d.ready6 = false;
}
/** net.ipv6.conf.X.disable_ipv6 was written. */
export function ipv6Disabled(ns: NetworkNamespace, values: Record<string, number>): void {
  for (const d of ns.devices) {
    if (values !== d.conf6 && values !== ns.sysctls.all6) continue;
    if (d.conf6['disable_ipv6']) ip6DeviceDown(d);
    else if (d.up) ip6DeviceUp(d);
  }
}
