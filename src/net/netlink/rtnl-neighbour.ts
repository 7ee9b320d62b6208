/** Neighbours and forwarding entries through netlink. Linux 6.18 net/core/{neighbour,rtnetlink}.c, net/bridge/br_fdb.c. */
import { EAFNOSUPPORT, EEXIST, EINVAL, ENODEV, ENOENT, EOPNOTSUPP } from '../../abi/errno.ts';
import { type BridgeDevice, BridgeDevice as BridgeDeviceClass, FdbEntry } from '../device/bridge.ts';
import { hexOf, type NetDevice } from '../device/net-device.ts';
import { joinLinkGroup, leaveLinkGroup } from '../device/device-registry.ts';
import { type Neighbour, NUD_INCOMPLETE, NUD_NOARP, NUD_PERMANENT, NUD_REACHABLE, NUD_VALID, tableOf } from '../ip/neighbour.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { type Attributes, attributeInt, attributesOf, NLM_F_MULTI, NLMSG_HDRLEN, type NetlinkWriter } from './netlink-message.ts';
import type { NetlinkRequest } from './netlink-socket.ts';

const NDMSG = 12;
const NDA_DST = 1;
const NDA_LLADDR = 2;
const NDA_CACHEINFO = 3;
const NDA_PROBES = 4;
const NDA_IFINDEX = 8;
const NDA_MASTER = 9;
const NDA_PROTOCOL = 12;
const NTF_SELF = 0x02;
const NTF_MASTER = 0x04;
const NTF_PROXY = 0x08;
const NLM_F_REPLACE = 0x100;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const RTM_NEWNEIGH = 28;
const AF_BRIDGE = 7;

export function writeNeighbour(w: NetlinkWriter, n: Neighbour, type: number, flags: number, seq: number, pid: number): void {
  w.begin(type, flags, seq, pid);
  w.u8(n.ip.length === 4 ? 2 : 10);
  w.u8(0);
  w.u16(0);
  w.u32(n.device.index);
  w.u16(n.state);
  w.u8(n.flags);
  w.u8(1);
  w.attribute(NDA_DST, n.ip);
  if (n.state & NUD_VALID && n.mac !== null) w.attribute(NDA_LLADDR, n.mac);
  w.attribute32(NDA_PROBES, n.probes);
  const now = n.device.ns.stack.now();
  const ticks = (at: number): number => Math.max(0, Math.floor((now - at) / 10_000_000));
  const c = w.nest(NDA_CACHEINFO);
  w.u32(ticks(n.confirmed));
  w.u32(ticks(n.used));
  w.u32(ticks(n.updated));
  w.u32(0);
  w.endNest(c);
  if (n.protocol !== 0) w.attribute8(NDA_PROTOCOL, n.protocol);
  w.end();
}

/** RTM_GETNEIGH as a dump. */
export function dumpNeighbours(r: NetlinkRequest, ns: NetworkNamespace): number {
  const family = r.bytes.length > NLMSG_HDRLEN ? r.bytes[NLMSG_HDRLEN]! : 0; // checked
  const attrs = r.bytes.length >= NLMSG_HDRLEN + NDMSG ? attributesOf(r.bytes, NLMSG_HDRLEN + NDMSG) : new Map<number, Uint8Array>();
  const index = attrs.has(NDA_IFINDEX) ? attributeInt(attrs.get(NDA_IFINDEX)!) : 0; // it is there
  const master = attrs.has(NDA_MASTER) ? attributeInt(attrs.get(NDA_MASTER)!) : 0; // as above
  const proxy = r.bytes.length >= NLMSG_HDRLEN + NDMSG && (r.bytes[NLMSG_HDRLEN + 10]! & NTF_PROXY) !== 0; // checked length
  if (family === AF_BRIDGE) return dumpFdb(r, ns, attrs);
  for (const length of [4, 16]) {
    if (family !== 0 && family !== (length === 4 ? 2 : 10)) continue;
    const table = tableOf(ns, length);
    if (proxy) {
      for (const p of table.proxies.values()) {
        const { writer } = r;
        writer.begin(RTM_NEWNEIGH, NLM_F_MULTI, r.seq, r.socket.pid);
        writer.u8(length === 4 ? 2 : 10);
        writer.u8(0);
        writer.u16(0);
        writer.u32(p.device?.index ?? 0);
        writer.u16(0);
        writer.u8(p.flags | NTF_PROXY);
        writer.u8(1);
        writer.attribute(NDA_DST, p.ip);
        writer.end();
      }
      continue;
    }
    for (const n of table.all()) {
      if ((index !== 0 && n.device.index !== index) || (master !== 0 && n.device.master?.index !== master)) continue;
      writeNeighbour(r.writer, n, RTM_NEWNEIGH, NLM_F_MULTI, r.seq, r.socket.pid);
      r.socket.split();
    }
  }
  r.ext.dumped = true;
  return 0;
}

function writeFdb(w: NetlinkWriter, e: FdbEntry, bridge: BridgeDevice, type: number, flags: number, seq: number, pid: number): void {
  const d = e.port?.device ?? bridge;
  w.begin(type, flags, seq, pid);
  w.u8(AF_BRIDGE);
  w.u8(0);
  w.u16(0);
  w.u32(d.index);
  w.u16(e.local ? NUD_PERMANENT : e.fixed ? NUD_NOARP : NUD_REACHABLE);
  w.u8(0);
  w.u8(0);
  w.attribute(NDA_LLADDR, e.mac);
  w.attribute32(NDA_MASTER, bridge.index);
  const now = bridge.ns.stack.now();
  const c = w.nest(NDA_CACHEINFO);
  w.u32(0);
  w.u32(Math.floor((now - e.used) / 10_000_000));
  w.u32(Math.floor((now - e.updated) / 10_000_000));
  w.u32(0);
  w.endNest(c);
  w.end();
}
function dumpFdb(r: NetlinkRequest, ns: NetworkNamespace, attrs: Attributes): number {
  const v = new DataView(r.bytes.buffer, r.bytes.byteOffset);
  const wanted = r.bytes.length >= NLMSG_HDRLEN + NDMSG ? v.getInt32(NLMSG_HDRLEN + 4, true) : 0;
  const master = attrs.has(NDA_MASTER) ? attributeInt(attrs.get(NDA_MASTER)!) : 0; // it is there
  for (const d of ns.devices) {
    // A port shows what its bridge knows of it; a bridge what is its own.
    const bridge = d.port?.bridge ?? (d instanceof BridgeDeviceClass ? d : null);
    if (bridge !== null && (master === 0 || bridge.index === master) && (wanted === 0 || d.index === wanted))
      for (const e of bridge.entries().reverse()) {
        if (e.port !== d.port) continue;
        writeFdb(r.writer, e, bridge, RTM_NEWNEIGH, NLM_F_MULTI, r.seq, r.socket.pid);
        r.socket.split();
      }
    if (d.loopback || !d.ethernet || (wanted !== 0 && d.index !== wanted) || (master !== 0 && d.master?.index !== master && d.index !== master)) continue;
    for (const m of d.linkGroups.values()) {
      const { writer } = r;
      writer.begin(RTM_NEWNEIGH, NLM_F_MULTI, r.seq, r.socket.pid);
      writer.u8(AF_BRIDGE);
      writer.u8(0);
      writer.u16(0);
      writer.u32(d.index);
      writer.u16(NUD_PERMANENT);
      writer.u8(NTF_SELF);
      writer.u8(0);
      writer.attribute(NDA_LLADDR, m.address);
      writer.end();
      r.socket.split();
    }
  }
  r.ext.dumped = true;
  return 0;
}

/** RTM_NEWNEIGH, RTM_DELNEIGH, RTM_GETNEIGH of one. */
export function changeNeighbour(r: NetlinkRequest, ns: NetworkNamespace, what: 'new' | 'del' | 'get'): number {
  if (r.bytes.length < NLMSG_HDRLEN + NDMSG) return EINVAL;
  const v = new DataView(r.bytes.buffer, r.bytes.byteOffset);
  const family = r.bytes[NLMSG_HDRLEN]!; // checked length, as below
  const index = v.getInt32(NLMSG_HDRLEN + 4, true);
  const state = v.getUint16(NLMSG_HDRLEN + 8, true);
  const flags = r.bytes[NLMSG_HDRLEN + 10]!;
  const attrs = attributesOf(r.bytes, NLMSG_HDRLEN + NDMSG);
  const d = index === 0 ? null : ns.deviceByIndex(index);
  if (index !== 0 && d === null) return ENODEV;
  if (family === AF_BRIDGE) return changeFdb(r, d, attrs, state, flags, what === 'del');
  const ip = attrs.get(NDA_DST);
  if (ip === undefined) return r.ext.fail(EINVAL, 'Network address not specified');
  const length = family === 2 ? 4 : family === 10 ? 16 : 0;
  if (length === 0) return EAFNOSUPPORT;
  if (ip.length !== length) return r.ext.fail(EINVAL, 'Invalid network address');
  const table = tableOf(ns, length);
  if (flags & NTF_PROXY) {
    const key = `${index}/${hexOf(ip)}`;
    if (what === 'del') return table.proxies.delete(key) ? 0 : ENOENT;
    table.proxies.set(key, { device: d, ip: ip.slice(), flags: flags & ~NTF_PROXY });
    return 0;
  }
  if (d === null) return r.ext.fail(EINVAL, 'No device specified');
  const n = table.lookup(d, ip);
  if (what === 'get') {
    if (n === null) return ENOENT;
    writeNeighbour(r.writer, n, RTM_NEWNEIGH, 0, r.seq, r.socket.pid);
    return 0;
  }
  if (what === 'del') {
    if (n === null) return ENOENT;
    n.update(null, 0x20, true, true);
    table.delete(n);
    return 0;
  }
  const mac = attrs.get(NDA_LLADDR);
  if (mac !== undefined && mac.length !== 6) return r.ext.fail(EINVAL, 'Invalid link address');
  if (n === null) {
    if ((r.flags & NLM_F_CREATE) === 0) return ENOENT;
    if (d.flags & 0x80 || d.loopback) return r.ext.fail(EINVAL, 'Device does not support ARP');
  } else if (r.flags & NLM_F_EXCL) {
    return EEXIST;
  }
  const entry = n ?? table.get(d, ip);
  if (mac === undefined && state & NUD_VALID && (entry.state & NUD_VALID) === 0) return r.ext.fail(EINVAL, 'No link layer address given');
  entry.flags = flags;
  const protocol = attrs.get(NDA_PROTOCOL);
  if (protocol !== undefined) entry.protocol = protocol[0]!; // one byte
  entry.update(mac?.slice() ?? null, state === 0 ? NUD_INCOMPLETE : state, (r.flags & NLM_F_REPLACE) !== 0 || n === null, true);
  return 0;
}
/** bridge fdb add and del. */
function changeFdb(r: NetlinkRequest, d: NetDevice | null, attrs: Attributes, state: number, flags: number, remove: boolean): number {
  const mac = attrs.get(NDA_LLADDR);
  if (d === null) return r.ext.fail(EINVAL, 'Invalid ifindex');
  if (mac === undefined || mac.length !== 6) return r.ext.fail(EINVAL, 'Invalid address');
  const bridge = flags & NTF_MASTER || flags === 0 ? (d.port?.bridge ?? null) : d instanceof BridgeDeviceClass ? d : null;
  if (flags & NTF_SELF && bridge === null) {
    if (!(mac[0]! & 1)) return EINVAL; // six bytes
    if (remove) return leaveLinkGroup(d, mac.slice());
    joinLinkGroup(d, mac.slice());
    return 0;
  }
  if (bridge === null) return EOPNOTSUPP;
  const key = hexOf(mac);
  const old = bridge.fdb.get(key);
  if (remove) {
    if (old === undefined || (old.port ?? null) !== d.port) return ENOENT;
    bridge.fdb.delete(key);
    return 0;
  }
  if (old !== undefined && r.flags & NLM_F_EXCL) return EEXIST;
  if (old === undefined && (r.flags & NLM_F_CREATE) === 0) return ENOENT;
  bridge.fdb.set(key, new FdbEntry(mac.slice(), d.port, (state & NUD_PERMANENT) !== 0, (state & (NUD_PERMANENT | NUD_NOARP)) !== 0, bridge.ns.stack.now()));
  return 0;
}
