/** RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE. Linux 6.18 net/ipv4/{fib_frontend,fib_semantics,fib_trie,route}.c, net/ipv6/route.c. */
import { EAFNOSUPPORT, EEXIST, EHOSTUNREACH, EINVAL, ENETDOWN, ENETUNREACH, ENODEV, ENOENT, ESRCH, isErr } from '../../abi/errno.ts';
import type { NetDevice } from '../device/net-device.ts';
import { isAny, isLinkLocal } from '../inet/inet-address.ts';
import {
  flowTo,
  NextHop,
  networkOf,
  RT_SCOPE_HOST,
  RT_SCOPE_LINK,
  RT_SCOPE_NOWHERE,
  RT_SCOPE_UNIVERSE,
  RT_TABLE_MAIN,
  RTN_BLACKHOLE,
  RTN_LOCAL,
  RTN_THROW,
  RTN_UNICAST,
  RTNH_F_ONLINK,
  RTPROT_BOOT,
  type Route,
  Route as RouteClass,
  type RouteTables,
  sameBytes,
} from '../ip/route-table.ts';
import { addressType4, routeInput4, routeOutput4 } from '../ipv4/route.ts';
import { lookup6, ownAddress6, routeOutput6 } from '../ipv6/route6.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { type Attributes, attributeInt, attributesOf, forEachAttribute, NLM_F_MULTI, NLMSG_HDRLEN } from './netlink-message.ts';
import type { NetlinkRequest } from './netlink-socket.ts';
import * as notify from './route-notify.ts';
import { dumpOrder, writeLookup4, writeLookup6, writeRoute } from './rtnl-route-dump.ts';

const RTMSG = 12;
const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_IIF = 3;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_MULTIPATH = 9;
const RTA_TABLE = 15;
const RTA_MARK = 16;
const RTA_VIA = 18;
const RTA_PREF = 20;
const RTA_EXPIRES = 23;
const RTA_UID = 25;
const NLM_F_REPLACE = 0x100;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLM_F_APPEND = 0x800;
const RTM_F_FIB_MATCH = 0x2000;
const RTM_F_LOOKUP_TABLE = 0x1000;
const METRIC6 = 1024;

/** The order in which Linux's hash of tables is dumped: the main table, the local one, then by number. */
function tableOrder(tables: RouteTables): number[] {
  const ids = [...tables.tables.keys()];
  return ids.sort((a, b) => (a & 255) - (b & 255) || a - b);
}

export function dumpRoutes(r: NetlinkRequest, ns: NetworkNamespace): number {
  const long = r.bytes.length >= NLMSG_HDRLEN + RTMSG;
  const family = r.bytes.length > NLMSG_HDRLEN ? r.bytes[NLMSG_HDRLEN]! : 0; // checked
  const attrs: Attributes = long ? attributesOf(r.bytes, NLMSG_HDRLEN + RTMSG) : new Map();
  const strict = r.socket.strict && long;
  const table = attrs.get(RTA_TABLE);
  const wanted = !strict ? 0 : table !== undefined ? attributeInt(table) : r.bytes[NLMSG_HDRLEN + 4]!; // checked length, as below
  const protocol = strict ? r.bytes[NLMSG_HDRLEN + 5]! : 0;
  const type = strict ? r.bytes[NLMSG_HDRLEN + 7]! : 0;
  const oif = strict && attrs.has(RTA_OIF) ? attributeInt(attrs.get(RTA_OIF)!) : 0; // it is there
  for (const tables of [ns.routes4, ns.routes6]) {
    if (family !== 0 && family !== tables.family) continue;
    if (long && !strict && (new DataView(r.bytes.buffer, r.bytes.byteOffset).getUint32(NLMSG_HDRLEN + 8, true) & 0x200) !== 0) continue;
    if (wanted !== 0 && !tables.tables.has(wanted)) {
      if (family === 0 || tables.family === 10) continue;
      return r.ext.fail(ENOENT, tables.family === 2 ? 'ipv4: FIB table does not exist' : 'FIB table does not exist');
    }
    for (const id of tableOrder(tables)) {
      if (wanted !== 0 && id !== wanted) continue;
      for (const route of dumpOrder(tables, id)) {
        if ((protocol !== 0 && route.protocol !== protocol) || (type !== 0 && route.type !== type) || (oif !== 0 && !route.hops.some((h) => h.device?.index === oif))) continue;
        writeRoute(r.writer, ns, route, notify.RTM_NEWROUTE, NLM_F_MULTI, r.seq, r.socket.pid);
        r.socket.split();
      }
    }
  }
  r.ext.dumped = true;
  return 0;
}

/** ip route get. */
export function getRoute(r: NetlinkRequest, ns: NetworkNamespace): number {
  if (r.bytes.length < NLMSG_HDRLEN + RTMSG) return EINVAL;
  const family = r.bytes[NLMSG_HDRLEN]!; // checked length, as below
  const attrs = attributesOf(r.bytes, NLMSG_HDRLEN + RTMSG);
  const flags = new DataView(r.bytes.buffer, r.bytes.byteOffset).getUint32(NLMSG_HDRLEN + 8, true);
  const length = family === 2 ? 4 : family === 10 ? 16 : 0;
  if (length === 0) return EAFNOSUPPORT;
  const int = (n: number): number => (attrs.has(n) ? attributeInt(attrs.get(n)!) : 0); // it is there
  const destination = (attrs.get(RTA_DST) ?? new Uint8Array(length)).slice();
  const source = attrs.get(RTA_SRC)?.slice() ?? null;
  const iif = int(RTA_IIF);
  const flow = flowTo(destination);
  flow.source = source;
  flow.oif = int(RTA_OIF);
  flow.mark = int(RTA_MARK) >>> 0;
  flow.tos = r.bytes[NLMSG_HDRLEN + 3]!;
  const uid = attrs.has(RTA_UID) ? int(RTA_UID) : (r.ctx.credentials.userNs.fromKuid(r.ctx.credentials.uid) as number);
  flow.uid = uid;
  if (iif !== 0) {
    const d = ns.deviceByIndex(iif);
    if (d === null) return ENODEV;
    if (length === 4) {
      const type = routeInput4(ns, source ?? new Uint8Array(4), destination, d, flow.mark, flow.tos);
      if (type < 0) return type;
    }
    flow.iif = iif;
  }
  if (flags & RTM_F_FIB_MATCH) {
    const found = length === 4 ? ns.routes4.lookup(flow, ns.nameOf) : lookup6(ns, flow);
    if (isErr(found)) return length === 4 ? found : ENETUNREACH;
    writeRoute(r.writer, ns, found.route, notify.RTM_NEWROUTE, 0, r.seq, r.socket.pid);
    return 0;
  }
  const dst = length === 4 ? routeOutput4(ns, flow, iif !== 0) : routeOutput6(ns, flow);
  if (isErr(dst)) return dst;
  // Without rules of the user's own, the local table is part of the main one.
  const custom = (length === 4 ? ns.routes4 : ns.routes6).rules.length !== 3;
  const table = flags & RTM_F_LOOKUP_TABLE && custom ? (dst.route?.table ?? RT_TABLE_MAIN) : RT_TABLE_MAIN;
  if (length === 4) writeLookup4(r.writer, dst, { destination, source, tos: flow.tos, mark: flow.mark, iif, uid, table }, r.seq, r.socket.pid);
  else writeLookup6(r.writer, dst, { destination, source, iif }, r.seq, r.socket.pid);
  return 0;
}

/** What a message asks for. */
interface Config {
  readonly length: number;
  readonly dst: Uint8Array;
  readonly prefix: number;
  readonly tos: number;
  readonly table: number;
  readonly protocol: number;
  scope: number;
  readonly type: number;
  readonly flags: number;
  readonly oif: number;
  readonly gateway: Uint8Array | null;
  readonly priority: number;
  readonly hasPriority: boolean;
  readonly prefSource: Uint8Array | null;
  readonly metrics: Map<number, number> | null;
  readonly multipath: Uint8Array | null;
  readonly src: Uint8Array | null;
  readonly srcPrefix: number;
  readonly preference: number;
  readonly expires: number;
}
function gatewayOf(attrs: Attributes): Uint8Array | null {
  const via = attrs.get(RTA_VIA);
  const g = via !== undefined ? via.slice(2) : (attrs.get(RTA_GATEWAY)?.slice() ?? null);
  return g === null || isAny(g) ? null : g;
}
function parse(r: NetlinkRequest): Config | number {
  const b = r.bytes;
  if (b.length < NLMSG_HDRLEN + RTMSG) return EINVAL;
  const family = b[NLMSG_HDRLEN]!; // checked length, as below
  const length = family === 2 ? 4 : family === 10 ? 16 : 0;
  if (length === 0) return EAFNOSUPPORT;
  const prefix = b[NLMSG_HDRLEN + 1]!;
  if (prefix > length * 8) return r.ext.fail(EINVAL, length === 4 ? 'ipv4: Invalid prefix length' : 'Invalid prefix length');
  const attrs = attributesOf(b, NLMSG_HDRLEN + RTMSG);
  const dst = attrs.get(RTA_DST)?.slice() ?? new Uint8Array(length);
  if (dst.length !== length) return EINVAL;
  if (length === 4 && !sameBytes(networkOf(dst, prefix), dst)) return r.ext.fail(EINVAL, 'ipv4: Invalid prefix for given prefix length');
  const table = attrs.get(RTA_TABLE);
  const id = table !== undefined ? attributeInt(table) >>> 0 : b[NLMSG_HDRLEN + 4]!;
  let metrics: Map<number, number> | null = null;
  const m = attrs.get(RTA_METRICS);
  if (m !== undefined) {
    metrics = new Map();
    const values = metrics;
    forEachAttribute(m, 0, m.length, (type, data) => {
      if (type === 7 && data.length >= 4) values.set(type, attributeInt(data));
      else if (data.length >= 4) values.set(type, attributeInt(data) >>> 0);
    });
  }
  const priority = attrs.get(RTA_PRIORITY);
  const expires = attrs.get(RTA_EXPIRES);
  const src = attrs.get(RTA_SRC)?.slice() ?? null;
  return {
    length,
    dst: networkOf(dst, prefix),
    prefix,
    tos: b[NLMSG_HDRLEN + 3]!,
    table: id === 0 ? RT_TABLE_MAIN : id,
    protocol: b[NLMSG_HDRLEN + 5]!,
    scope: b[NLMSG_HDRLEN + 6]!,
    type: b[NLMSG_HDRLEN + 7]!,
    flags: new DataView(b.buffer, b.byteOffset).getUint32(NLMSG_HDRLEN + 8, true),
    oif: attrs.has(RTA_OIF) ? attributeInt(attrs.get(RTA_OIF)!) : 0, // it is there
    gateway: gatewayOf(attrs),
    priority: priority === undefined ? 0 : attributeInt(priority) >>> 0,
    hasPriority: priority !== undefined,
    prefSource: attrs.get(RTA_PREFSRC)?.slice() ?? null,
    metrics,
    multipath: attrs.get(RTA_MULTIPATH) ?? null,
    src: b[NLMSG_HDRLEN + 2]! > 0 ? src : null,
    srcPrefix: b[NLMSG_HDRLEN + 2]!,
    preference: attrs.get(RTA_PREF)?.[0] ?? 0,
    expires: expires === undefined ? 0 : attributeInt(expires) >>> 0,
  };
}

interface HopConfig {
  readonly oif: number;
  readonly gateway: Uint8Array | null;
  readonly weight: number;
  readonly flags: number;
}
function hopsOf(c: Config): HopConfig[] | number {
  if (c.multipath === null) return [{ oif: c.oif, gateway: c.gateway, weight: 1, flags: c.flags & 0xff }];
  const b = c.multipath;
  const v = new DataView(b.buffer, b.byteOffset);
  const out: HopConfig[] = [];
  for (let at = 0; at + 8 <= b.length; ) {
    const size = v.getUint16(at, true);
    if (size < 8 || at + size > b.length) return EINVAL;
    out.push({ oif: v.getInt32(at + 4, true), gateway: gatewayOf(attributesOf(b.subarray(at, at + size), 8)), weight: b[at + 3]! + 1, flags: b[at + 2]! }); // in range
    at += (size + 3) & ~3;
  }
  return out.length > 0 ? out : EINVAL;
}

/** Checks a next hop: the device that it leaves by, or errno (fib_check_nh). */
function checkHop(r: NetlinkRequest, ns: NetworkNamespace, c: Config, h: HopConfig): NetDevice | number {
  const onlink = (h.flags & RTNH_F_ONLINK) !== 0;
  let d = h.oif === 0 ? null : ns.deviceByIndex(h.oif);
  if (h.oif !== 0 && d === null) return ENODEV;
  if (h.gateway !== null) {
    if (c.length === 4 && c.scope >= RT_SCOPE_LINK) return r.ext.fail(EINVAL, 'Nexthop has invalid scope');
    if (onlink) {
      if (d === null) return r.ext.fail(ENODEV, 'Nexthop device required for onlink');
      if (!d.up) return r.ext.fail(ENETDOWN, 'Nexthop device is not up');
      return d;
    }
    if (h.gateway.length === 4) {
      if (addressType4(ns, h.gateway) !== RTN_UNICAST) return r.ext.fail(EINVAL, 'Nexthop has invalid gateway');
      const flow = flowTo(h.gateway);
      flow.oif = h.oif;
      flow.scope = Math.max(c.scope + 1, RT_SCOPE_LINK);
      const found = ns.routes4.lookup(flow, ns.nameOf);
      if (isErr(found)) return r.ext.fail(found, 'Nexthop has invalid gateway');
      if (found.route.type !== RTN_UNICAST && found.route.type !== RTN_LOCAL) return r.ext.fail(EINVAL, 'Nexthop has invalid gateway');
      d = found.hop.device;
      if (d === null) return r.ext.fail(ENODEV, 'No egress device for nexthop gateway');
      return d.up ? d : r.ext.fail(ENETDOWN, 'Nexthop device is not up');
    }
    return checkGateway6(r, ns, h.gateway, d);
  }
  if (c.scope === RT_SCOPE_HOST && c.length === 4) return d ?? ENODEV;
  if (d === null) return ENODEV;
  if (!d.up) return c.length === 4 ? r.ext.fail(ENETDOWN, 'Device for nexthop is not up') : r.ext.fail(ENETDOWN, 'Nexthop device is not up');
  return d;
}
function checkGateway6(r: NetlinkRequest, ns: NetworkNamespace, gateway: Uint8Array, d: NetDevice | null): NetDevice | number {
  if (ownAddress6(ns, gateway, d) !== null) return r.ext.fail(EINVAL, 'Gateway can not be a local address');
  if (isLinkLocal(gateway)) return d ?? EINVAL;
  const flow = flowTo(gateway);
  flow.oif = d?.index ?? 0;
  const found = ns.routes6.lookup(flow, ns.nameOf);
  if (isErr(found) || found.hop.gateway !== null || found.hop.device === null) return EHOSTUNREACH;
  if (d !== null && found.hop.device !== d) return EHOSTUNREACH;
  return found.hop.device.up ? found.hop.device : r.ext.fail(ENETDOWN, 'Nexthop device is not up');
}

export function changeRoute(r: NetlinkRequest, ns: NetworkNamespace, remove: boolean): number {
  const c = parse(r);
  if (typeof c === 'number') return c;
  const tables = c.length === 4 ? ns.routes4 : ns.routes6;
  if (remove) return removeRoute(r, ns, tables, c);
  return addRoute(r, ns, tables, c);
}
function addRoute(r: NetlinkRequest, ns: NetworkNamespace, tables: RouteTables, c: Config): number {
  const four = c.length === 4;
  if (four && c.type > 11) return EINVAL;
  const route = new RouteClass(c.dst, c.prefix, c.table);
  route.type = c.type === 0 ? RTN_UNICAST : c.type;
  route.protocol = c.protocol === 0 ? RTPROT_BOOT : c.protocol;
  route.scope = four ? c.scope : RT_SCOPE_UNIVERSE;
  route.tos = c.tos;
  route.priority = four || c.priority !== 0 ? c.priority : METRIC6;
  route.prefSource = c.prefSource;
  route.src = c.src;
  route.srcPrefix = c.src === null ? 0 : c.srcPrefix;
  route.metrics = c.metrics;
  route.preference = c.preference;
  route.expires = c.expires === 0 ? 0 : ns.stack.now() + c.expires * 1e9;
  if (route.type >= RTN_BLACKHOLE && route.type <= RTN_THROW) {
    if (four && (c.gateway !== null || c.oif !== 0 || c.multipath !== null)) return r.ext.fail(EINVAL, 'Gateway, device and multipath can not be specified for this route type');
    route.hops = four ? [] : [new NextHop(ns.loopback, null)];
  } else {
    if (four && c.oif === 0 && c.gateway === null && c.multipath === null) return ENODEV;
    const hops = hopsOf(c);
    if (typeof hops === 'number') return hops;
    if (four && route.type !== RTN_LOCAL && c.scope === RT_SCOPE_HOST) return EINVAL;
    for (const h of hops) {
      const d = checkHop(r, ns, c, h);
      if (typeof d === 'number') return d;
      const hop = new NextHop(d, h.gateway);
      hop.weight = h.weight;
      hop.flags = h.flags & RTNH_F_ONLINK;
      route.hops.push(hop);
    }
  }
  if (four && c.prefSource !== null && c.type !== RTN_LOCAL && addressType4(ns, c.prefSource) !== RTN_LOCAL) return r.ext.fail(EINVAL, 'Invalid prefsrc address');
  if (!four && c.prefSource !== null && ownAddress6(ns, c.prefSource) === null) return r.ext.fail(EINVAL, 'Invalid source address');
  const list = tables.table(c.table);
  const equal = list.filter((o) => o.prefix === route.prefix && sameBytes(o.dst, route.dst) && o.tos === route.tos && o.priority === route.priority);
  if (four) {
    const first = equal[0];
    if (first !== undefined) {
      if (r.flags & NLM_F_EXCL) return EEXIST;
      if (r.flags & NLM_F_REPLACE) {
        list[list.indexOf(first)] = route;
        ns.routesChanged();
        notify.route(ns, route, notify.RTM_NEWROUTE, NLM_F_REPLACE);
        return 0;
      }
      if (equal.some((o) => sameRoute(o, route))) return EEXIST;
    } else if ((r.flags & NLM_F_CREATE) === 0) {
      return ENOENT;
    }
    tables.insert(route, (r.flags & NLM_F_APPEND) !== 0);
  } else {
    const e = insert6(r, ns, tables, list, equal, route);
    if (e !== 1) return e;
  }
  ns.routesChanged();
  notify.route(ns, route, notify.RTM_NEWROUTE, r.flags & (NLM_F_CREATE | NLM_F_EXCL | NLM_F_APPEND));
  return 0;
}
/** IPv6: equal metrics join to one route with several next hops. 1: inserted and to be told; 0 or errno otherwise. */
function insert6(r: NetlinkRequest, ns: NetworkNamespace, tables: RouteTables, list: Route[], equal: Route[], route: Route): number {
  const same = equal.find((o) => sameHops(o, route));
  if (r.flags & NLM_F_EXCL && equal.length > 0) return EEXIST;
  if (r.flags & NLM_F_REPLACE && equal.length > 0) {
    list[list.indexOf(equal[0]!)] = route; // not empty
    for (const o of equal.slice(1)) tables.remove(o);
    ns.routesChanged();
    notify.route(ns, route, notify.RTM_NEWROUTE, NLM_F_REPLACE);
    return 0;
  }
  if (same !== undefined) return EEXIST;
  if ((r.flags & NLM_F_CREATE) === 0 && equal.length === 0) return ENOENT;
  const sibling = equal.find((o) => o.hops[0]?.gateway != null && route.hops[0]?.gateway != null);
  if (sibling !== undefined) {
    sibling.hops.push(...route.hops);
    ns.routesChanged();
    notify.route(ns, sibling, notify.RTM_NEWROUTE, NLM_F_APPEND);
    return 0;
  }
  tables.insert(route, true);
  return 1;
}
function sameHops(a: Route, b: Route): boolean {
  return (
    a.hops.length === b.hops.length &&
    a.hops.every((h, i) => {
      const o = b.hops[i]!; // same length
      return h.device === o.device && (h.gateway === null ? o.gateway === null : o.gateway !== null && sameBytes(h.gateway, o.gateway));
    })
  );
}
function sameRoute(a: Route, b: Route): boolean {
  const source = a.prefSource === null ? b.prefSource === null : b.prefSource !== null && sameBytes(a.prefSource, b.prefSource);
  return a.type === b.type && a.scope === b.scope && a.protocol === b.protocol && source && sameHops(a, b);
}

function removeRoute(r: NetlinkRequest, ns: NetworkNamespace, tables: RouteTables, c: Config): number {
  const four = c.length === 4;
  if (!tables.tables.has(c.table)) return r.ext.fail(ESRCH, four ? 'ipv4: FIB table does not exist' : 'FIB table does not exist');
  const hops = c.multipath === null ? null : hopsOf(c);
  const matches = (o: Route): boolean => {
    if (o.prefix !== c.prefix || !sameBytes(o.dst, c.dst)) return false;
    if (four && o.tos !== c.tos) return false;
    if ((c.hasPriority && c.priority !== 0 && o.priority !== c.priority) || (four && c.hasPriority && o.priority !== c.priority)) return false;
    if (c.type !== 0 && o.type !== c.type && (four || c.type !== RTN_UNICAST)) return false;
    if (four && c.scope !== RT_SCOPE_NOWHERE && o.scope !== c.scope) return false;
    if (four && c.prefSource !== null && (o.prefSource === null || !sameBytes(o.prefSource, c.prefSource))) return false;
    if (c.protocol !== 0 && o.protocol !== c.protocol) return false;
    if (c.oif !== 0 && !o.hops.some((h) => h.device?.index === c.oif)) return false;
    const { gateway } = c;
    if (gateway !== null && !o.hops.some((h) => h.gateway !== null && sameBytes(h.gateway, gateway))) return false;
    if (Array.isArray(hops) && hops.length !== o.hops.length) return false;
    return true;
  };
  const route = tables.table(c.table).find(matches);
  if (route === undefined) return ESRCH;
  if (!four && route.hops.length > 1 && c.gateway !== null && c.multipath === null) {
    const { gateway } = c;
    route.hops = route.hops.filter((h) => h.gateway === null || !sameBytes(h.gateway, gateway));
    ns.routesChanged();
    return 0;
  }
  tables.remove(route);
  ns.routesChanged();
  notify.route(ns, route, notify.RTM_DELROUTE);
  return 0;
}
