/** Routes and rules as netlink shows them. Linux 6.18 net/ipv4/{fib_semantics,route}.c, net/ipv6/route.c, net/core/fib_rules.c. */
import { compareBytes, RTN_BLACKHOLE, type Route, type RouteTables, type Rule, RTN_UNICAST } from '../ip/route-table.ts';
import type { Dst } from '../ip/dst.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import type { NetlinkWriter } from './netlink-message.ts';

const RTA_DST = 1;
const RTA_SRC = 2;
const RTA_IIF = 3;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_MULTIPATH = 9;
const RTA_CACHEINFO = 12;
const RTA_TABLE = 15;
const RTA_MARK = 16;
const RTA_VIA = 18;
const RTA_PREF = 20;
const RTA_UID = 25;
const RTM_F_CLONED = 0x200;
const RTCF_LOCAL = 0x80000000;
const RTCF_BROADCAST = 0x10000000;
const RTCF_MULTICAST = 0x20000000;
const RTNH_F_LINKDOWN = 16;
const RTNH_F_DEAD = 1;

/** The order of a dump: IPv4 by address, then longest prefix (the trie); IPv6 longest first within a network (the tree). */
export function dumpOrder(tables: RouteTables, table: number): Route[] {
  const list = [...tables.table(table)];
  const four = tables.length === 4;
  return list
    .map((r, i) => [r, i] as const)
    .sort(([a, i], [b, j]) => {
      const c = compareBytes(a.dst, b.dst);
      if (four) return c !== 0 ? c : b.prefix - a.prefix || b.tos - a.tos || a.priority - b.priority || i - j;
      // One network inside another comes before it.
      if (a.prefix !== b.prefix) {
        const shorter = a.prefix < b.prefix ? a : b;
        const longer = shorter === a ? b : a;
        if (inside(longer.dst, shorter)) return shorter === a ? 1 : -1;
      }
      return c !== 0 ? c : a.priority - b.priority || i - j;
    })
    .map(([r]) => r);
}
function inside(ip: Uint8Array, r: Route): boolean {
  for (let i = 0; i < r.prefix; i++) if (((ip[i >> 3]! ^ r.dst[i >> 3]!) >> (7 - (i & 7))) & 1) return false; // 16 bytes
  return true;
}

function hopFlags(r: Route, i: number): number {
  const h = r.hops[i]!; // in range
  let f = h.flags;
  if (h.device !== null && !h.device.carrier) f |= RTNH_F_LINKDOWN;
  if (h.device !== null && !h.device.up && r.type === RTN_UNICAST) f |= RTNH_F_DEAD | RTNH_F_LINKDOWN;
  return f;
}

export function writeRoute(w: NetlinkWriter, ns: NetworkNamespace, r: Route, type: number, flags: number, seq: number, pid: number): void {
  const four = r.dst.length === 4;
  const single = r.hops.length === 1;
  w.begin(type, flags, seq, pid);
  w.u8(four ? 2 : 10);
  w.u8(r.prefix);
  w.u8(r.srcPrefix);
  w.u8(r.tos);
  w.u8(r.table < 256 ? r.table : 252);
  w.u8(r.protocol);
  w.u8(r.scope);
  w.u8(r.type);
  w.u32(((single ? hopFlags(r, 0) : 0) | r.flags) >>> 0);
  w.attribute32(RTA_TABLE, r.table);
  if (r.prefix > 0) w.attribute(RTA_DST, r.dst);
  if (r.src !== null && r.srcPrefix > 0) w.attribute(RTA_SRC, r.src);
  if (!four || r.priority !== 0) w.attribute32(RTA_PRIORITY, r.priority);
  if (r.metrics !== null && r.metrics.size > 0) {
    const m = w.nest(RTA_METRICS);
    for (const [k, v] of [...r.metrics].sort((a, b) => a[0] - b[0])) w.attribute32(k, v);
    w.endNest(m);
  }
  if (r.prefSource !== null) w.attribute(RTA_PREFSRC, r.prefSource);
  if (r.hops.length > 1) {
    const m = w.nest(RTA_MULTIPATH);
    for (let i = 0; i < r.hops.length; i++) {
      const h = r.hops[i]!; // in range
      const at = w.length;
      w.u16(0);
      w.u8(hopFlags(r, i));
      w.u8(h.weight - 1);
      w.u32(h.device?.index ?? 0);
      writeGateway(w, four, h.gateway);
      w.patch16(at, w.length - at);
    }
    w.endNest(m);
  } else if (single) {
    const h = r.hops[0]!; // there is one
    writeGateway(w, four, h.gateway);
    if (h.device !== null && !(four && r.type >= RTN_BLACKHOLE)) w.attribute32(RTA_OIF, h.device.index);
  }
  if (!four) {
    const c = w.nest(RTA_CACHEINFO);
    w.u32(0);
    w.u32(0);
    w.u32(r.expires === 0 ? 0 : Math.max(0, Math.floor((r.expires - ns.stack.now()) / 10_000_000)));
    w.u32(r.type >= RTN_BLACKHOLE ? (r.type === 6 ? -22 : r.type === 8 ? -13 : r.type === 9 ? -11 : -113) : 0);
    for (let i = 0; i < 4; i++) w.u32(0);
    w.endNest(c);
    w.attribute8(RTA_PREF, r.preference);
  }
  w.end();
}
function writeGateway(w: NetlinkWriter, four: boolean, gateway: Uint8Array | null): void {
  if (gateway === null) return;
  if (gateway.length === (four ? 4 : 16)) {
    w.attribute(RTA_GATEWAY, gateway);
    return;
  }
  const via = new Uint8Array(2 + gateway.length);
  via[0] = gateway.length === 4 ? 2 : 10;
  via.set(gateway, 2);
  w.attribute(RTA_VIA, via);
}

/** The answer to `ip route get`: what a packet would do. */
export function writeLookup4(w: NetlinkWriter, dst: Dst, asked: { destination: Uint8Array; source: Uint8Array | null; tos: number; mark: number; iif: number; uid: number; table: number }, seq: number, pid: number): void {
  const local = dst.type === 2;
  w.begin(24, 0, seq, pid);
  w.u8(2);
  w.u8(32);
  w.u8(0);
  w.u8(asked.tos);
  w.u8(asked.table < 256 ? asked.table : 252);
  w.u8(0);
  w.u8(0);
  w.u8(dst.type);
  w.u32((RTM_F_CLONED | (local ? RTCF_LOCAL : dst.type === 3 ? RTCF_BROADCAST : dst.type === 5 ? RTCF_MULTICAST : 0)) >>> 0);
  w.attribute32(RTA_TABLE, asked.table);
  w.attribute(RTA_DST, asked.destination);
  if (asked.source !== null) w.attribute(RTA_SRC, asked.source);
  w.attribute32(RTA_OIF, dst.device.index);
  if (asked.source === null) w.attribute(RTA_PREFSRC, dst.source);
  if (dst.gateway !== null) writeGateway(w, true, dst.gateway);
  if (dst.route?.metrics != null) {
    const m = w.nest(RTA_METRICS);
    for (const [k, v] of dst.route.metrics) w.attribute32(k, v);
    w.endNest(m);
  }
  if (asked.mark !== 0) w.attribute32(RTA_MARK, asked.mark);
  if (asked.uid >= 0) w.attribute32(RTA_UID, asked.uid);
  if (asked.iif !== 0) w.attribute32(RTA_IIF, asked.iif);
  const c = w.nest(RTA_CACHEINFO);
  for (let i = 0; i < 8; i++) w.u32(0);
  w.endNest(c);
  w.end();
}
export function writeLookup6(w: NetlinkWriter, dst: Dst, asked: { destination: Uint8Array; source: Uint8Array | null; iif: number }, seq: number, pid: number): void {
  const r = dst.route;
  w.begin(24, 0, seq, pid);
  w.u8(10);
  w.u8(128);
  w.u8(128);
  w.u8(0);
  const table = r?.table ?? 254;
  w.u8(table < 256 ? table : 252);
  w.u8(r?.protocol ?? 0);
  w.u8(0);
  w.u8(r?.type ?? 1);
  w.u32(0);
  w.attribute(RTA_DST, asked.destination);
  if (asked.source !== null) w.attribute(RTA_SRC, asked.source);
  else w.attribute(RTA_SRC, new Uint8Array(16));
  w.attribute32(RTA_TABLE, table);
  if (asked.source === null) w.attribute(RTA_PREFSRC, dst.source);
  w.attribute32(RTA_PRIORITY, r?.priority ?? 0);
  if (dst.gateway !== null) writeGateway(w, false, dst.gateway);
  w.attribute32(RTA_OIF, dst.device.index);
  const c = w.nest(RTA_CACHEINFO);
  for (let i = 0; i < 8; i++) w.u32(0);
  w.endNest(c);
  w.attribute8(RTA_PREF, r?.preference ?? 0);
  w.end();
}

export function writeRule(w: NetlinkWriter, family: number, r: Rule, type: number, flags: number, seq: number, pid: number): void {
  w.begin(type, flags, seq, pid);
  w.u8(family);
  w.u8(r.dst === null ? 0 : r.dstPrefix);
  w.u8(r.src === null ? 0 : r.srcPrefix);
  w.u8(r.tos);
  w.u8(r.table < 256 ? r.table : 252);
  w.u8(0);
  w.u8(0);
  w.u8(r.action);
  w.u32(r.flags);
  w.attribute32(15, r.table);
  w.attribute32(14, r.suppressPrefix);
  w.attribute8(21, r.protocol);
  if (r.dst !== null) w.attribute(1, r.dst);
  if (r.src !== null) w.attribute(2, r.src);
  if (r.iifName !== '') w.attributeString(3, r.iifName);
  if (r.oifName !== '') w.attributeString(17, r.oifName);
  w.attribute32(6, r.priority);
  if (r.mark !== 0) w.attribute32(10, r.mark);
  if (r.mark !== 0 || r.markMask !== 0) w.attribute32(16, r.markMask);
  if (r.action === 2) w.attribute32(4, r.target);
  if (r.suppressGroup >= 0) w.attribute32(13, r.suppressGroup);
  if (r.uidFirst !== 0 || r.uidLast !== 0xffffffff) {
    const at = w.nest(20);
    w.u32(r.uidFirst);
    w.u32(r.uidLast);
    w.endNest(at);
  }
  if (r.ipProtocol !== 0) w.attribute8(22, r.ipProtocol);
  if (r.sport !== null) w.attribute(23, portRange(r.sport));
  if (r.dport !== null) w.attribute(24, portRange(r.dport));
  w.end();
}
function portRange(r: readonly [number, number]): Uint8Array {
  return Uint8Array.of(r[0] & 255, r[0] >> 8, r[1] & 255, r[1] >> 8);
}
