/** The smaller families of route netlink: namespace ids, queueing disciplines, net configuration, neighbour tables, address labels, groups. Linux 6.18 net/core/net_namespace.c, net/sched/sch_api.c, net/ipv4/devinet.c. */
import { EEXIST, EINVAL, ENODEV, ENOENT } from '../../abi/errno.ts';
import type { NetDevice } from '../device/net-device.ts';
import { ADDRESS_LABELS } from '../ipv6/route6.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { attributeInt, attributesOf, NLM_F_MULTI, NLMSG_HDRLEN } from './netlink-message.ts';
import type { NetlinkRequest } from './netlink-socket.ts';
import type { NamespaceResolver } from './rtnl-link.ts';
import * as notify from './route-notify.ts';

const NETNSA_NSID = 1;
const NETNSA_PID = 2;
const NETNSA_FD = 3;
const NETNSA_TARGET_NSID = 4;
const NETNSA_CURRENT_NSID = 5;

function namespaceOf(r: NetlinkRequest, attrs: Map<number, Uint8Array>, resolver: NamespaceResolver): NetworkNamespace | number {
  const pid = attrs.get(NETNSA_PID);
  const fd = attrs.get(NETNSA_FD);
  if (pid !== undefined) return resolver.byPid(r.ctx, attributeInt(pid));
  if (fd !== undefined) return resolver.byFd(r.ctx, attributeInt(fd));
  return EINVAL;
}
/** RTM_NEWNSID. */
export function newNsid(r: NetlinkRequest, ns: NetworkNamespace, resolver: NamespaceResolver): number {
  const attrs = attributesOf(r.bytes, NLMSG_HDRLEN + 4);
  const id = attrs.get(NETNSA_NSID);
  if (id === undefined) return r.ext.fail(EINVAL, 'nsid is missing');
  const peer = namespaceOf(r, attrs, resolver);
  if (typeof peer === 'number') return peer === EINVAL ? r.ext.fail(EINVAL, 'Peer netns reference is missing') : r.ext.fail(peer, 'Peer netns reference is invalid');
  if (ns.nsids.has(peer)) return r.ext.fail(EEXIST, 'Peer netns already has a nsid assigned');
  const n = attributeInt(id);
  if (n < 0) {
    ns.idOf(peer, true);
    return 0;
  }
  if (ns.byId(n) !== null) return r.ext.fail(EEXIST, 'The specified nsid is already used');
  ns.nsids.set(peer, n);
  notify.nsid(ns, n, notify.RTM_NEWNSID);
  return 0;
}
function writeNsid(r: NetlinkRequest, id: number, flags: number, current: number): void {
  const { writer } = r;
  writer.begin(notify.RTM_NEWNSID, flags, r.seq, r.socket.pid);
  writer.u32(0);
  writer.attribute32(NETNSA_NSID, id);
  if (current !== -2) writer.attribute32(NETNSA_CURRENT_NSID, current);
  writer.end();
}
/** RTM_GETNSID of one namespace. */
export function getNsid(r: NetlinkRequest, ns: NetworkNamespace, resolver: NamespaceResolver): number {
  const attrs = attributesOf(r.bytes, NLMSG_HDRLEN + 4);
  const id = attrs.get(NETNSA_NSID);
  let peer: NetworkNamespace | number;
  if (id !== undefined && !attrs.has(NETNSA_PID) && !attrs.has(NETNSA_FD)) {
    peer = ns.byId(attributeInt(id)) ?? ENOENT;
    if (typeof peer === 'number') return r.ext.fail(ENOENT, 'Peer netns reference is invalid');
  } else {
    peer = namespaceOf(r, attrs, resolver);
  }
  if (typeof peer === 'number') return peer === EINVAL ? r.ext.fail(EINVAL, 'Peer netns reference is missing') : r.ext.fail(peer, 'Peer netns reference is invalid');
  const target = attrs.get(NETNSA_TARGET_NSID);
  if (target !== undefined) {
    const other = ns.byId(attributeInt(target));
    if (other === null) return r.ext.fail(EINVAL, 'Target netns reference is invalid');
    writeNsid(r, other.idOf(peer), 0, ns.idOf(peer));
    return 0;
  }
  writeNsid(r, ns.idOf(peer), 0, -2);
  return 0;
}
export function dumpNsids(r: NetlinkRequest, ns: NetworkNamespace): number {
  const attrs = r.bytes.length >= NLMSG_HDRLEN + 4 ? attributesOf(r.bytes, NLMSG_HDRLEN + 4) : new Map<number, Uint8Array>();
  const target = attrs.get(NETNSA_TARGET_NSID);
  const of = target === undefined ? ns : ns.byId(attributeInt(target));
  if (of === null) return r.ext.fail(EINVAL, 'Invalid target network namespace id');
  for (const [other, id] of of.nsids) writeNsid(r, id, NLM_F_MULTI, target === undefined ? -2 : ns.idOf(other));
  r.ext.dumped = true;
  return 0;
}

/** RTM_GETQDISC: every device that was up has one. */
export function dumpQdiscs(r: NetlinkRequest, ns: NetworkNamespace): number {
  const v = new DataView(r.bytes.buffer, r.bytes.byteOffset);
  const index = r.bytes.length >= NLMSG_HDRLEN + 8 ? v.getInt32(NLMSG_HDRLEN + 4, true) : 0;
  const { writer } = r;
  for (const d of ns.devices) {
    if (d.qdisc === 'noop' || (index !== 0 && d.index !== index)) continue;
    writer.begin(36, NLM_F_MULTI, r.seq, r.socket.pid);
    writer.u32(0);
    writer.u32(d.index);
    writer.u32(0);
    writer.u32(0xffffffff);
    writer.u32(2);
    writer.attributeString(1, d.qdisc);
    if (d.qdisc === 'pfifo_fast') writer.attribute(2, Uint8Array.of(3, 0, 0, 0, 1, 2, 2, 2, 1, 2, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1));
    writer.attribute8(12, 0);
    const stats = writer.nest(7);
    const basic = writer.nest(1);
    for (let i = 0; i < 4; i++) writer.u32(0);
    writer.endNest(basic);
    const queue = writer.nest(3);
    for (let i = 0; i < 5; i++) writer.u32(0);
    writer.endNest(queue);
    writer.endNest(stats);
    const old = writer.nest(3);
    for (let i = 0; i < 9; i++) writer.u32(0);
    writer.endNest(old);
    writer.end();
    r.socket.split();
  }
  r.ext.dumped = true;
  return 0;
}

const NETCONFA4: readonly (readonly [number, string])[] = [[2, 'forwarding'], [3, 'rp_filter'], [4, 'mc_forwarding'], [8, 'bc_forwarding'], [5, 'proxy_arp'], [6, 'ignore_routes_with_linkdown']];
const NETCONFA6: readonly (readonly [number, string])[] = [[2, 'forwarding'], [4, 'mc_forwarding'], [5, 'proxy_ndp'], [6, 'ignore_routes_with_linkdown']];
function writeNetconf(r: NetlinkRequest, family: number, index: number, values: Record<string, number>, flags: number): void {
  const { writer } = r;
  writer.begin(80, flags, r.seq, r.socket.pid);
  writer.u32(family);
  writer.attribute32(1, index);
  for (const [n, name] of family === 2 ? NETCONFA4 : NETCONFA6) writer.attribute32(n, values[name] ?? 0);
  writer.end();
}
export function getNetconf(r: NetlinkRequest, ns: NetworkNamespace): number {
  const family = r.bytes.length > NLMSG_HDRLEN ? r.bytes[NLMSG_HDRLEN]! : 0; // checked
  const s = ns.sysctls;
  if (r.dump) {
    for (const f of [2, 10]) {
      if (family !== 0 && family !== f) continue;
      for (const d of ns.devices) writeNetconf(r, f, d.index, f === 2 ? d.conf4 : d.conf6, NLM_F_MULTI);
      writeNetconf(r, f, -1, f === 2 ? s.all4 : s.all6, NLM_F_MULTI);
      writeNetconf(r, f, -2, f === 2 ? s.default4 : s.default6, NLM_F_MULTI);
    }
    r.ext.dumped = true;
    return 0;
  }
  const index = attributesOf(r.bytes, NLMSG_HDRLEN + 4).get(1);
  if (index === undefined) return EINVAL;
  const n = attributeInt(index);
  const d = ns.deviceByIndex(n);
  const values = n === -1 ? (family === 2 ? s.all4 : s.all6) : n === -2 ? (family === 2 ? s.default4 : s.default6) : d === null ? null : family === 2 ? d.conf4 : d.conf6;
  if (values === null) return ENODEV;
  writeNetconf(r, family, n, values, 0);
  return 0;
}

/** RTM_GETNEIGHTBL. */
export function dumpNeighbourTables(r: NetlinkRequest, ns: NetworkNamespace): number {
  const family = r.bytes.length > NLMSG_HDRLEN ? r.bytes[NLMSG_HDRLEN]! : 0; // checked
  const { writer } = r;
  const parms = (conf: Record<string, number>, index: number, reachable: number, refs: number): void => {
    const at = writer.nest(6);
    if (index !== 0) writer.attribute32(1, index);
    writer.attribute32(2, refs);
    writer.attribute32(16, conf['unres_qlen_bytes'] ?? 0);
    writer.attribute32(8, conf['unres_qlen'] ?? 0);
    writer.attribute32(14, conf['proxy_qlen'] ?? 0);
    writer.attribute32(9, conf['app_solicit'] ?? 0);
    writer.attribute32(10, conf['ucast_solicit'] ?? 0);
    writer.attribute32(11, conf['mcast_solicit'] ?? 0);
    writer.attribute32(17, conf['mcast_resolicit'] ?? 0);
    writer.attribute64(3, reachable);
    writer.attribute64(4, conf['base_reachable_time_ms'] ?? 0);
    writer.attribute64(6, (conf['gc_stale_time'] ?? 0) * 1000);
    writer.attribute64(7, (conf['delay_first_probe_time'] ?? 0) * 1000);
    writer.attribute64(5, conf['retrans_time_ms'] ?? 0);
    writer.attribute64(12, (conf['anycast_delay'] ?? 0) * 10);
    writer.attribute64(13, (conf['proxy_delay'] ?? 0) * 10);
    writer.attribute64(15, (conf['locktime'] ?? 0) * 10);
    writer.attribute64(19, conf['interval_probe_time_ms'] ?? 0);
    writer.endNest(at);
  };
  for (const f of [2, 10]) {
    if (family !== 0 && family !== f) continue;
    const name = f === 2 ? 'arp_cache' : 'ndisc_cache';
    const begin = (): void => {
      writer.begin(64, NLM_F_MULTI, r.seq, r.socket.pid);
      writer.u32(f);
      writer.attributeString(1, name);
    };
    begin();
    writer.attribute64(8, 30000);
    writer.attribute32(2, 128);
    writer.attribute32(3, 512);
    writer.attribute32(4, 1024);
    parms(f === 2 ? ns.sysctls.neighDefault4 : ns.sysctls.neighDefault6, 0, 30000, 1);
    writer.end();
    for (const d of [...ns.devices].reverse()) {
      begin();
      parms(f === 2 ? d.neigh4 : d.neigh6, d.index, f === 2 ? d.reachableTime4 : d.reachableTime6, 1);
      writer.end();
      r.socket.split();
    }
  }
  r.ext.dumped = true;
  return 0;
}

/** RTM_GETADDRLABEL. */
export function dumpAddressLabels(r: NetlinkRequest): number {
  const { writer } = r;
  for (const l of ADDRESS_LABELS) {
    writer.begin(72, NLM_F_MULTI, r.seq, r.socket.pid);
    writer.u8(10);
    writer.u8(0);
    writer.u8(l.length);
    writer.u8(0);
    writer.u32(0);
    writer.u32(0);
    writer.attribute(1, l.prefix);
    writer.attribute32(2, l.label);
    writer.end();
  }
  r.ext.dumped = true;
  return 0;
}

/** RTM_GETMULTICAST and RTM_GETANYCAST. */
export function dumpMulticast(r: NetlinkRequest, ns: NetworkNamespace, type: number): number {
  const family = r.bytes.length > NLMSG_HDRLEN ? r.bytes[NLMSG_HDRLEN]! : 0; // checked
  const { writer } = r;
  const write = (d: NetDevice, f: number, address: Uint8Array): void => {
    writer.begin(type, NLM_F_MULTI, r.seq, r.socket.pid);
    writer.u8(f);
    writer.u8(f === 2 ? 32 : 128);
    writer.u8(0x80);
    writer.u8(253);
    writer.u32(d.index);
    writer.attribute(7, address);
    writer.end();
  };
  if (type === 56)
    for (const d of ns.devices) {
      if (family !== 10) for (const m of d.groups4.values()) write(d, 2, m.address);
      if (family !== 2) for (const m of [...d.groups6.values()].reverse()) write(d, 10, m.address);
      r.socket.split();
    }
  r.ext.dumped = true;
  return 0;
}
/** RTM_GETSTATS of one or all: IFLA_STATS_LINK_64. */
export function getStats(r: NetlinkRequest, ns: NetworkNamespace): number {
  if (r.bytes.length < NLMSG_HDRLEN + 12) return EINVAL;
  const v = new DataView(r.bytes.buffer, r.bytes.byteOffset);
  const index = v.getInt32(NLMSG_HDRLEN + 4, true);
  const mask = v.getUint32(NLMSG_HDRLEN + 8, true);
  if (mask === 0) return r.ext.fail(EINVAL, 'Filter mask must be set for stats get');
  const devices = r.dump ? ns.devices : ns.devices.filter((d) => d.index === index);
  if (!r.dump && devices.length === 0) return index > 0 ? ENODEV : EINVAL;
  const { writer } = r;
  for (const d of devices) {
    writer.begin(92, r.dump ? NLM_F_MULTI : 0, r.seq, r.socket.pid);
    writer.u32(0);
    writer.u32(d.index);
    writer.u32(mask);
    if (mask & 1) {
      const s = d.stats;
      const at = writer.nest(1);
      for (const n of [s.rxPackets, s.txPackets, s.rxBytes, s.txBytes, s.rxErrors, s.txErrors, s.rxDropped, s.txDropped, s.multicast, s.collisions]) {
        writer.u32(n % 4294967296);
        writer.u32(Math.floor(n / 4294967296));
      }
      for (let i = 0; i < 30; i++) writer.u32(0);
      writer.endNest(at);
    }
    writer.end();
    r.socket.split();
  }
  r.ext.dumped = r.dump;
  return 0;
}
