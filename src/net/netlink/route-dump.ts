/** Writes devices, addresses and routes as route netlink messages. Facts: Linux 6.18 net/core/rtnetlink.c, net/ipv4/devinet.c, fib_semantics.c. */
import { AF_INET, AF_INET6 } from '../../abi/socket.ts';
import { type DeviceAddress, IFF_LOOPBACK, type NetDevice, RT_SCOPE_HOST, RT_SCOPE_LINK, RT_SCOPE_UNIVERSE } from '../net-device.ts';
import type { Route, RouteResult } from '../network-namespace.ts';
import { NLM_F_MULTI, type NetlinkWriter } from './netlink-message.ts';
import * as R from './route-constants.ts';

/** RTM_NEWLINK. */
export function writeLink(w: NetlinkWriter, d: NetDevice, flags: number, seq: number, pid: number): void {
  w.begin(R.RTM_NEWLINK, flags, seq, pid);
  w.u8(0);
  w.u8(0);
  w.u16(d.type);
  w.u32(d.index);
  w.u32(d.allFlags);
  w.u32(0);
  w.attributeString(R.IFLA_IFNAME, d.name);
  w.attribute32(R.IFLA_TXQLEN, d.txQueueLength);
  w.attribute8(R.IFLA_OPERSTATE, d.operState);
  w.attribute8(R.IFLA_LINKMODE, 0);
  w.attribute32(R.IFLA_MTU, d.mtu);
  w.attribute32(R.IFLA_GROUP, 0);
  w.attribute32(R.IFLA_PROMISCUITY, 0);
  w.attribute8(R.IFLA_CARRIER, d.carrier || d.kind === 'loopback' ? 1 : 0);
  w.attributeString(R.IFLA_QDISC, d.up ? 'noqueue' : 'noop');
  w.attribute(R.IFLA_ADDRESS, d.mac);
  w.attribute(R.IFLA_BROADCAST, d.flags & IFF_LOOPBACK ? new Uint8Array(6) : new Uint8Array(6).fill(255));
  if (d.kind !== 'loopback') {
    // IFLA_LINKINFO { IFLA_INFO_KIND }: the nested attribute as bytes.
    const kind = new Uint8Array((4 + d.kind.length + 1 + 3) & ~3);
    kind[0] = 4 + d.kind.length + 1;
    kind[2] = R.IFLA_INFO_KIND;
    for (let i = 0; i < d.kind.length; i++) kind[4 + i] = d.kind.charCodeAt(i);
    w.attribute(R.IFLA_LINKINFO, kind);
  }
  if (d.peer !== null) {
    w.attribute32(R.IFLA_LINK, d.peer.index);
    if (d.peer.ns !== d.ns) w.attribute32(R.IFLA_LINK_NETNSID, 0);
  }
  w.end();
}

/** RTM_NEWADDR. */
export function writeAddress(w: NetlinkWriter, d: NetDevice, a: DeviceAddress, seq: number, pid: number): void {
  const v4 = a.bytes.length === 4;
  w.begin(R.RTM_NEWADDR, NLM_F_MULTI, seq, pid);
  w.u8(v4 ? AF_INET : AF_INET6);
  w.u8(a.prefix);
  w.u8(R.IFA_F_PERMANENT);
  w.u8(a.scope);
  w.u32(d.index);
  w.attribute(R.IFA_ADDRESS, a.bytes);
  if (v4) {
    w.attribute(R.IFA_LOCAL, a.bytes);
    w.attributeString(R.IFA_LABEL, d.name);
  }
  w.attribute32(R.IFA_FLAGS, R.IFA_F_PERMANENT);
  const forEver = new Uint8Array(16);
  forEver.fill(255, 0, 8);
  w.attribute(R.IFA_CACHEINFO, forEver);
  w.end();
}

/** The fixed part of RTM_NEWROUTE. */
function beginRoute(w: NetlinkWriter, flags: number, seq: number, pid: number, family: number, prefix: number, table: number, protocol: number, scope: number, type: number, rtmFlags: number): void {
  w.begin(R.RTM_NEWROUTE, flags, seq, pid);
  for (const b of [family, prefix, 0, 0, table, protocol, scope, type]) w.u8(b);
  w.u32(rtmFlags);
  w.attribute32(R.RTA_TABLE, table);
}

/** The routes that an address brings: to itself (local table) and to its network (main table). */
export function writeAddressRoutes(w: NetlinkWriter, d: NetDevice, a: DeviceAddress, seq: number, pid: number): void {
  const family = a.bytes.length === 4 ? AF_INET : AF_INET6;
  const bits = a.bytes.length * 8;
  if (d.kind !== 'loopback' && a.prefix < bits) {
    const dst = a.bytes.slice();
    for (let i = a.prefix; i < bits; i++) dst[i >> 3] = dst[i >> 3]! & ~(0x80 >> (i & 7)); // i is below the length in bits
    beginRoute(w, NLM_F_MULTI, seq, pid, family, a.prefix, R.RT_TABLE_MAIN, R.RTPROT_KERNEL, family === AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE, R.RTN_UNICAST, d.carrier ? 0 : 16);
    w.attribute(R.RTA_DST, dst);
    if (family === AF_INET) w.attribute(R.RTA_PREFSRC, a.bytes);
    w.attribute32(R.RTA_OIF, d.index);
    if (family === AF_INET6) w.attribute32(R.RTA_PRIORITY, 256);
    w.end();
  }
  beginRoute(w, NLM_F_MULTI, seq, pid, family, bits, R.RT_TABLE_LOCAL, R.RTPROT_KERNEL, RT_SCOPE_HOST, R.RTN_LOCAL, 0);
  w.attribute(R.RTA_DST, a.bytes);
  if (family === AF_INET) w.attribute(R.RTA_PREFSRC, a.bytes);
  w.attribute32(R.RTA_OIF, d.index);
  w.end();
}

/** A route that was added by hand. */
export function writeRoute(w: NetlinkWriter, r: Route, seq: number, pid: number): void {
  beginRoute(w, NLM_F_MULTI, seq, pid, r.dst.length === 4 ? AF_INET : AF_INET6, r.prefix, R.RT_TABLE_MAIN, r.protocol, r.scope, R.RTN_UNICAST, 0);
  if (r.prefix > 0) w.attribute(R.RTA_DST, r.dst);
  if (r.metric !== 0) w.attribute32(R.RTA_PRIORITY, r.metric);
  if (r.gateway !== null) w.attribute(R.RTA_GATEWAY, r.gateway);
  w.attribute32(R.RTA_OIF, r.device.index);
  w.end();
}

/** What a packet to `dst` would use. */
export function writeLookup(w: NetlinkWriter, r: RouteResult, dst: Uint8Array, seq: number, pid: number): void {
  const family = dst.length === 4 ? AF_INET : AF_INET6;
  beginRoute(w, 0, seq, pid, family, dst.length * 8, R.RT_TABLE_MAIN, 0, 0, r.local ? R.RTN_LOCAL : R.RTN_UNICAST, r.local ? R.RTM_F_CLONED | R.RTCF_LOCAL : R.RTM_F_CLONED);
  w.attribute(R.RTA_DST, dst);
  w.attribute32(R.RTA_OIF, r.device.index);
  w.attribute(R.RTA_PREFSRC, r.source);
  w.attribute32(R.RTA_UID, 0);
  w.end();
}
