/** Output and input routes of IPv4. Linux 6.18 net/ipv4/route.c. */
import { EHOSTUNREACH, EINVAL, ENETUNREACH, ENODEV, type Errno, isErr } from '../../abi/errno.ts';
import { AF_INET } from '../../abi/socket.ts';
import { type DeviceAddress, IFA_F_SECONDARY, type NetDevice } from '../device/net-device.ts';
import { isAny, isBroadcast, isLoopback4, isMulticast } from '../inet/inet-address.ts';
import { Dst } from '../ip/dst.ts';
import {
  type Flow,
  flowTo,
  RT_SCOPE_LINK,
  RT_TABLE_LOCAL,
  RTN_BROADCAST,
  RTN_LOCAL,
  RTN_MULTICAST,
  RTN_UNICAST,
  type Route,
  sameBytes,
  samePrefix,
} from '../ip/route-table.ts';
import type { NetworkNamespace } from '../network-namespace.ts';

const RTAX_MTU = 2;
const MIN_PMTU = 552;

/** The device that has `ip` as its own address, or reaches it as local (127/8 on lo); null. Linux __ip_dev_find(). */
export function deviceOfAddress4(ns: NetworkNamespace, ip: Uint8Array): NetDevice | null {
  for (const d of ns.devices) for (const a of d.addresses4) if (sameBytes(a.local, ip)) return d;
  const flow = flowTo(ip);
  const found = ns.routes4.lookupIn(RT_TABLE_LOCAL, flow);
  return found !== null && !isErr(found) && found.route.type === RTN_LOCAL ? found.hop.device : null;
}

/** RTN_ type of an address: local, broadcast, multicast, unicast. Linux inet_addr_type(). */
export function addressType4(ns: NetworkNamespace, ip: Uint8Array, dev: NetDevice | null = null): number {
  if (isAny(ip) || isBroadcast(ip)) return RTN_BROADCAST;
  if (isMulticast(ip)) return RTN_MULTICAST;
  // Before the first route there is no table, and all counts as broadcast.
  if (!ns.routes4.used) return RTN_BROADCAST;
  const found = ns.routes4.lookupIn(RT_TABLE_LOCAL, flowTo(ip));
  if (found === null || isErr(found)) return RTN_UNICAST;
  return dev === null || found.hop.device === dev ? found.route.type : RTN_UNICAST;
}

/** An address of `d` to speak to `to` from, of at most `scope`; else one of any device. Linux inet_select_addr(). */
export function selectAddress4(ns: NetworkNamespace, d: NetDevice | null, to: Uint8Array | null, scope: number): Uint8Array {
  let best: DeviceAddress | null = null;
  if (d !== null)
    for (const a of d.addresses4) {
      if (a.flags & IFA_F_SECONDARY || a.scope > scope) continue;
      if (to === null || samePrefix(a.address, to, a.prefix)) return a.local;
      best ??= a;
    }
  if (best !== null) return best.local;
  for (const o of ns.devices) for (const a of o.addresses4) if ((a.flags & IFA_F_SECONDARY) === 0 && a.scope !== RT_SCOPE_LINK && a.scope <= scope) return a.local;
  return new Uint8Array(4);
}

function routeMtu(ns: NetworkNamespace, route: Route | null, device: NetDevice, destination: Uint8Array): number {
  const learnt = ns.pathMtu(destination);
  const locked = route?.metrics?.get(RTAX_MTU);
  const mtu = Math.min(locked ?? device.mtu, 65535);
  return learnt === 0 ? mtu : Math.min(mtu, Math.max(learnt, Math.min(mtu, MIN_PMTU)));
}

/** The way to a destination: Dst; ENETUNREACH, EINVAL, ENODEV, EACCES, EHOSTUNREACH. `anySource`: the source need not be ours. */
export function routeOutput4(ns: NetworkNamespace, flow: Flow, anySource = false): Dst | Errno {
  let { source, destination, oif } = flow;
  if (source !== null && isAny(source)) source = null;
  const make = (type: number, d: NetDevice, gateway: Uint8Array | null, from: Uint8Array, route: Route | null): Dst =>
    new Dst(AF_INET, type, d, gateway, from, destination, route, routeMtu(ns, route, d, destination), ns.routeGeneration);
  const special = (ip: Uint8Array): boolean => isMulticast(ip) || isBroadcast(ip);
  if (source !== null) {
    if (special(source)) return EINVAL;
    if (oif === 0 && special(destination)) {
      const d = deviceOfAddress4(ns, source);
      if (d === null) return EINVAL;
      oif = d.index;
    } else if (!anySource && deviceOfAddress4(ns, source) === null) {
      return EINVAL;
    }
  }
  let out: NetDevice | null = null;
  if (oif !== 0) {
    out = ns.deviceByIndex(oif);
    if (out === null) return ENODEV;
    if (!out.up) return ENETUNREACH;
    if (special(destination)) {
      source ??= selectAddress4(ns, out, null, RT_SCOPE_LINK);
      return make(isMulticast(destination) ? RTN_MULTICAST : RTN_BROADCAST, out, null, source, null);
    }
  }
  if (isAny(destination)) {
    destination = source ?? Uint8Array.of(127, 0, 0, 1);
    source = destination;
    return make(RTN_LOCAL, ns.loopback, null, source, null);
  }
  const found = ns.routes4.lookup({ ...flow, source, destination, oif }, ns.nameOf);
  if (isErr(found)) {
    // With a device given, the destination is taken to be on its link.
    if (out === null || found !== ENETUNREACH) return found;
    source ??= selectAddress4(ns, out, null, RT_SCOPE_LINK);
    return make(RTN_UNICAST, out, null, source, null);
  }
  const { route, hop } = found;
  const device = hop.device ?? ns.loopback;
  if (route.type === RTN_LOCAL) {
    source ??= route.prefSource ?? destination;
    if (!ns.loopback.up && !device.loopback && !device.up) return ENETUNREACH;
    return make(RTN_LOCAL, ns.loopback, null, source, route);
  }
  source ??= route.prefSource ?? selectAddress4(ns, device, hop.gateway, route.scope);
  if (isLoopback4(source) && !device.loopback && !isLoopback4(destination)) {
    if (!device.conf4['route_localnet']) return EINVAL;
  }
  if (isMulticast(destination)) return make(RTN_MULTICAST, device, hop.gateway, source, route);
  if (isBroadcast(destination)) return make(RTN_BROADCAST, device, null, source, route);
  if (destination[0] === 0) return EINVAL;
  return make(route.type, device, route.type === RTN_BROADCAST ? null : hop.gateway, source, route);
}

/** What to do with a packet that came in: RTN_ type; EINVAL: not acceptable (martian); EHOSTUNREACH: no way on. */
export function routeInput4(ns: NetworkNamespace, source: Uint8Array, destination: Uint8Array, d: NetDevice, mark: number, tos: number): number {
  if (isMulticast(source) || isBroadcast(source)) return EINVAL;
  if (isBroadcast(destination) || (isAny(source) && isAny(destination))) return RTN_BROADCAST;
  if (isAny(source) && !isMulticast(destination)) return EINVAL;
  if (isAny(destination)) return EINVAL;
  const foreign = !d.loopback && !d.conf4['route_localnet'] && !ns.sysctls.all4['route_localnet'];
  if (foreign && (isLoopback4(destination) || isLoopback4(source))) return EINVAL;
  if (isMulticast(destination)) return RTN_MULTICAST;
  const flow = flowTo(destination);
  flow.source = source;
  flow.iif = d.index;
  flow.mark = mark;
  flow.tos = tos;
  const found = ns.routes4.lookup(flow, ns.nameOf);
  if (isErr(found)) return ns.sysctls.forward4 || d.conf4['forwarding'] ? found : EHOSTUNREACH;
  const { type } = found.route;
  if (type === RTN_BROADCAST) return d.loopback || validSource(ns, source, d) ? RTN_BROADCAST : EINVAL;
  if (type === RTN_LOCAL) return validSource(ns, source, d) ? RTN_LOCAL : EINVAL;
  if (!d.conf4['forwarding']) return EHOSTUNREACH;
  if (type !== RTN_UNICAST) return EINVAL;
  return validSource(ns, source, d) ? RTN_UNICAST : EINVAL;
}

/** The source is not one of ours, and with rp_filter it is reached by where it came from. Linux fib_validate_source(). */
function validSource(ns: NetworkNamespace, source: Uint8Array, d: NetDevice): boolean {
  if (d.loopback || isAny(source)) return true;
  const filter = Math.max(d.conf4['rp_filter'] ?? 0, ns.sysctls.all4['rp_filter'] ?? 0);
  if (!d.conf4['accept_local'] && !ns.sysctls.all4['accept_local']) {
    for (const o of ns.devices) for (const a of o.addresses4) if (sameBytes(a.local, source)) return false;
  }
  if (filter === 0) return true;
  const flow = flowTo(source);
  const found = ns.routes4.lookup(flow, ns.nameOf);
  if (isErr(found)) return false;
  return filter === 2 || found.hop.device === d;
}
