/** IPv4 addresses of devices and the routes that follow from them. Linux 6.18 net/ipv4/devinet.c, fib_frontend.c. */
import { EADDRNOTAVAIL, EEXIST, EINVAL } from '../../abi/errno.ts';
import { type DeviceAddress, DeviceAddress as DeviceAddressClass, IFA_F_NOPREFIXROUTE, IFA_F_PERMANENT, IFA_F_SECONDARY, type NetDevice } from '../device/net-device.ts';
import { joinGroup4, leaveGroup4 } from './igmp.ts';
import {
  NextHop,
  networkOf,
  Route,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_TABLE_LOCAL,
  RT_TABLE_MAIN,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_UNICAST,
  RTPROT_KERNEL,
  sameBytes,
  samePrefix,
} from '../ip/route-table.ts';
import { neighboursOfDevice } from '../ip/neighbour.ts';
import * as notify from '../netlink/route-notify.ts';
import { deviceOfAddress4 } from './route.ts';
import { isAny, isBroadcast } from '../inet/inet-address.ts';

const ALL_HOSTS = Uint8Array.of(224, 0, 0, 1);

/** Adds an address: 0, EEXIST, EINVAL. */
export function addAddress4(d: NetDevice, a: DeviceAddress): number {
  a.flags &= ~IFA_F_SECONDARY;
  let at = d.addresses4.length;
  let lastPrimary = 0;
  for (let i = 0; i < d.addresses4.length; i++) {
    const o = d.addresses4[i]!; // in range
    if ((o.flags & IFA_F_SECONDARY) === 0 && a.scope <= o.scope) lastPrimary = i + 1;
    if (o.prefix === a.prefix && samePrefix(o.address, a.address, a.prefix)) {
      if (sameBytes(o.local, a.local)) return EEXIST;
      if (o.scope !== a.scope) return EINVAL;
      a.flags |= IFA_F_SECONDARY;
    }
  }
  if ((a.flags & IFA_F_SECONDARY) === 0) at = lastPrimary;
  if (d.loopback && a.local[0] === 127 && a.scope === 0) a.scope = RT_SCOPE_HOST;
  d.addresses4.splice(at, 0, a);
  notify.address(a, notify.RTM_NEWADDR);
  addRoutes(a);
  return 0;
}

function magic(add: boolean, a: DeviceAddress, type: number, dst: Uint8Array, prefix: number, source: Uint8Array, priority: number): void {
  const d = a.device;
  const { ns } = d;
  const table = type === RTN_UNICAST ? RT_TABLE_MAIN : RT_TABLE_LOCAL;
  const routes = ns.routes4.table(table);
  const old = routes.find(
    (r) => r.prefix === prefix && r.type === type && r.protocol === RTPROT_KERNEL && r.device === d && sameBytes(r.dst, dst) && r.priority === priority &&
      (r.prefSource === null || sameBytes(r.prefSource, source)),
  );
  if (!add) {
    if (old !== undefined) deleteRoute(d, old);
    return;
  }
  if (old !== undefined) return;
  const r = new Route(dst, prefix, table);
  r.type = type;
  r.protocol = RTPROT_KERNEL;
  r.scope = type === RTN_LOCAL ? RT_SCOPE_HOST : RT_SCOPE_LINK;
  r.prefSource = source;
  r.priority = priority;
  r.hops = [new NextHop(d, null)];
  ns.routes4.insert(r, true);
  ns.routesChanged();
  notify.route(ns, r, notify.RTM_NEWROUTE);
}
function deleteRoute(d: NetDevice, r: Route): void {
  d.ns.routes4.remove(r);
  d.ns.routesChanged();
  notify.route(d.ns, r, notify.RTM_DELROUTE);
}

/** fib_add_ifaddr. */
function addRoutes(a: DeviceAddress): void {
  const d = a.device;
  let source = a.local;
  if (a.flags & IFA_F_SECONDARY) {
    const primary = d.addresses4.find((o) => (o.flags & IFA_F_SECONDARY) === 0 && o.prefix === a.prefix && samePrefix(o.address, a.address, a.prefix));
    if (primary === undefined) return;
    source = primary.local;
  }
  magic(true, a, RTN_LOCAL, a.local, 32, source, 0);
  if (!d.up) return;
  if (a.broadcast !== null && !isBroadcast(a.broadcast)) magic(true, a, RTN_BROADCAST, a.broadcast, 32, source, 0);
  const network = networkOf(a.address, a.prefix);
  if (isAny(network) || a.flags & IFA_F_SECONDARY || (sameBytes(network, a.address) && a.prefix === 32)) return;
  if ((a.flags & IFA_F_NOPREFIXROUTE) === 0) magic(true, a, d.loopback ? RTN_LOCAL : RTN_UNICAST, network, a.prefix, source, a.metric);
  if (a.prefix < 31) magic(true, a, RTN_BROADCAST, lastOf(network, a.prefix), 32, source, 0);
}
/** The address of a network with all host bits set. */
export function lastOf(network: Uint8Array, prefix: number): Uint8Array {
  return network.map((b, i) => b | (0xff >> Math.min(8, Math.max(0, prefix - 8 * i))));
}

/** Deletes an address and, unless they are promoted, its secondaries. */
export function deleteAddress4(a: DeviceAddress): number {
  const d = a.device;
  if (!d.addresses4.includes(a)) return EADDRNOTAVAIL;
  const promote = Math.max(d.conf4['promote_secondaries'] ?? 0, d.ns.sysctls.all4['promote_secondaries'] ?? 0) !== 0;
  let promoted: DeviceAddress | null = null;
  if ((a.flags & IFA_F_SECONDARY) === 0)
    for (const o of [...d.addresses4]) {
      if (o === a || (o.flags & IFA_F_SECONDARY) === 0 || o.prefix !== a.prefix || !samePrefix(o.address, a.address, a.prefix)) continue;
      if (!promote) {
        removeOne(o);
      } else if (promoted === null) {
        promoted = o;
      }
    }
  removeOne(a);
  if (promoted !== null) {
    promoted.flags &= ~IFA_F_SECONDARY;
    notify.address(promoted, notify.RTM_NEWADDR);
    addRoutes(promoted);
  }
  return 0;
}
function removeOne(a: DeviceAddress): void {
  const d = a.device;
  const { ns } = d;
  d.addresses4.splice(d.addresses4.indexOf(a), 1);
  if (a.timer !== null) ns.stack.timers.cancel(a.timer);
  notify.address(a, notify.RTM_DELADDR);
  delRoutes(a);
}
/** fib_del_ifaddr: what another address still needs stays. */
function delRoutes(a: DeviceAddress): void {
  const d = a.device;
  const { ns } = d;
  const network = networkOf(a.address, a.prefix);
  const last = lastOf(network, a.prefix);
  const others = d.addresses4;
  const samePrefixLeft = others.some((o) => (o.flags & IFA_F_SECONDARY) === 0 && o.prefix === a.prefix && samePrefix(o.address, a.address, a.prefix));
  if ((a.flags & IFA_F_SECONDARY) === 0 && !samePrefixLeft) {
    magic(false, a, d.loopback ? RTN_LOCAL : RTN_UNICAST, network, a.prefix, a.local, a.metric);
  }
  if (!others.some((o) => o.broadcast !== null && a.broadcast !== null && sameBytes(o.broadcast, a.broadcast)) && a.broadcast !== null)
    magic(false, a, RTN_BROADCAST, a.broadcast, 32, a.local, 0);
  if (!samePrefixLeft) magic(false, a, RTN_BROADCAST, last, 32, a.local, 0);
  if (!others.some((o) => sameBytes(o.local, a.local))) {
    for (const r of [...ns.routes4.table(RT_TABLE_LOCAL)])
      if (r.prefix === 32 && r.type === RTN_LOCAL && r.protocol === RTPROT_KERNEL && r.device === d && sameBytes(r.dst, a.local)) deleteRoute(d, r);
    // Routes that prefer this source go too (fib_sync_down_addr), silently.
    if (deviceOfAddress4(ns, a.local) === null)
      for (const r of [...ns.routes4.all()]) if (r.prefSource !== null && sameBytes(r.prefSource, a.local)) ns.routes4.remove(r);
  }
  ns.routesChanged();
}

/** NETDEV_UP: the loopback gets its address, all get their routes. */
export function inetDeviceUp(d: NetDevice): void {
  joinGroup4(d, ALL_HOSTS);
  if (d.loopback && d.addresses4.length === 0) {
    const a = new DeviceAddressClass(d, Uint8Array.of(127, 0, 0, 1), 8);
    a.scope = RT_SCOPE_HOST;
    a.label = d.name;
    a.flags = IFA_F_PERMANENT;
    a.created = a.updated = d.ns.stack.now();
    addAddress4(d, a);
    return;
  }
  for (const a of [...d.addresses4]) addRoutes(a);
}
/** NETDEV_DOWN: routes through the device go, but for those to its own addresses. */
export function inetDeviceDown(d: NetDevice): void {
  leaveGroup4(d, ALL_HOSTS);
  flushRoutes(d, false);
}
function flushRoutes(d: NetDevice, force: boolean): void {
  const { ns } = d;
  for (const r of [...ns.routes4.all()]) {
    if (!r.hops.some((h) => h.device === d)) continue;
    if (r.type === RTN_LOCAL && !force) continue;
    if (r.hops.length > 1) {
      r.hops = r.hops.filter((h) => h.device !== d);
      if (r.hops.length > 0) continue;
    }
    ns.routes4.remove(r);
  }
  ns.routesChanged();
}
/** The device goes: so does everything of it. */
export function inetUnregister(d: NetDevice): void {
  for (const a of [...d.addresses4].reverse()) if (d.addresses4.includes(a)) deleteAddress4(a);
  flushRoutes(d, true);
  neighboursOfDevice(d, 4, true);
  d.groups4.clear();
}
