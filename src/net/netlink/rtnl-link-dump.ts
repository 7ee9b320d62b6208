/** Devices as RTM_NEWLINK shows them. Linux 6.18 net/core/rtnetlink.c rtnl_fill_ifinfo(), net/bridge/br_netlink.c. */
import { type BridgeDevice, BridgeDevice as BridgeDeviceClass, type BridgePort } from '../device/bridge.ts';
import type { NetDevice } from '../device/net-device.ts';
import { TunDevice } from '../device/tun.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import type { NetlinkWriter } from './netlink-message.ts';

export const RTEXT_FILTER_SKIP_STATS = 8;
const AF_BRIDGE = 7;

export interface LinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly pid: number;
  readonly change: number;
  /** IFLA_EXT_MASK of the request. */
  readonly mask: number;
  /** The device leaves for there. */
  readonly newNs: NetworkNamespace | null;
  readonly newIndex: number;
  /** With the parts that are costly. */
  readonly full: boolean;
  /** IFLA_TARGET_NETNSID of the request, -1: none. */
  readonly targetNsid?: number;
}

export function writeLink(w: NetlinkWriter, d: NetDevice, m: LinkMessage): void {
  w.begin(m.type, m.flags, m.seq, m.pid);
  w.u8(0);
  w.u8(0);
  w.u16(d.type);
  w.u32(d.index);
  w.u32(d.allFlags);
  w.u32(m.change);
  if (m.targetNsid !== undefined && m.targetNsid >= 0) w.attribute32(46, m.targetNsid);
  w.attributeString(3, d.name);
  w.attribute32(13, d.txQueueLength);
  w.attribute8(16, d.up ? d.operState : 2);
  w.attribute8(17, d.linkMode);
  w.attribute32(4, d.mtu);
  w.attribute32(50, d.minMtu);
  w.attribute32(51, d.maxMtu);
  w.attribute32(27, d.group);
  w.attribute32(30, d.promiscuity);
  w.attribute32(61, d.allmulti);
  w.attribute32(31, d.numQueues);
  w.attribute32(40, d.gsoMaxSegs);
  w.attribute32(41, d.gsoMaxSize);
  w.attribute32(58, d.groMaxSize);
  w.attribute32(63, d.gsoMaxSize4);
  w.attribute32(64, d.groMaxSize4);
  w.attribute32(59, d.tsoMaxSize);
  w.attribute32(60, 65535);
  w.attribute32(32, d.numQueues);
  if (d.link !== d.index || d.linkNs !== d.ns) w.attribute32(5, d.link);
  if (d.master !== null) w.attribute32(10, d.master.index);
  w.attribute8(33, d.carrier ? 1 : 0);
  w.attributeString(6, d.qdisc);
  if (d.alias !== '') w.attributeString(20, d.alias);
  w.attribute32(35, d.carrierUp + d.carrierDown);
  w.attribute32(47, d.carrierUp);
  w.attribute32(48, d.carrierDown);
  w.attribute8(39, d.protoDown ? 1 : 0);
  w.attribute(14, new Uint8Array(32));
  if (d.ethernet) {
    w.attribute(1, d.mac);
    w.attribute(2, d.broadcast);
  }
  if ((m.mask & RTEXT_FILTER_SKIP_STATS) === 0) {
    writeStats(w, d, true);
    writeStats(w, d, false);
  }
  if (d.permanentMac !== null) w.attribute(54, d.permanentMac);
  const xdp = w.nest(43);
  w.attribute8(2, 0);
  w.endNest(xdp);
  if (d.kind !== '') writeKind(w, d);
  if (d.linkNs !== d.ns) w.attribute32(37, d.ns.idOf(d.linkNs, true));
  if (m.newNs !== null) w.attribute32(45, d.ns.idOf(m.newNs, true));
  if (m.newIndex !== 0) w.attribute32(49, m.newIndex);
  if (d.alternativeNames.length > 0) {
    const list = w.nest(52);
    for (const n of d.alternativeNames) w.attributeString(53, n);
    w.endNest(list);
  }
  writeFamilies(w, d);
  w.end();
}

function writeStats(w: NetlinkWriter, d: NetDevice, wide: boolean): void {
  const s = d.stats;
  const values = [s.rxPackets, s.txPackets, s.rxBytes, s.txBytes, s.rxErrors, s.txErrors, s.rxDropped, s.txDropped, s.multicast, s.collisions];
  const at = w.nest(wide ? 23 : 7);
  const count = wide ? 25 : 24;
  for (let i = 0; i < count; i++) {
    const n = values[i] ?? 0;
    w.u32(n % 4294967296);
    if (wide) w.u32(Math.floor(n / 4294967296));
  }
  w.endNest(at);
}

/** IFLA_LINKINFO. */
function writeKind(w: NetlinkWriter, d: NetDevice): void {
  const info = w.nest(18);
  w.attributeString(1, d.kind);
  if (d instanceof BridgeDeviceClass) writeBridge(w, d);
  else if (d instanceof TunDevice) {
    const data = w.nest(2);
    if (d.owner >= 0) w.attribute32(1, d.owner);
    if (d.ownerGroup >= 0) w.attribute32(2, d.ownerGroup);
    w.attribute8(3, d.tap ? 2 : 1);
    w.attribute8(4, d.packetInfo ? 1 : 0);
    w.attribute8(5, d.vnetHeader ? 1 : 0);
    w.attribute8(6, d.persist ? 1 : 0);
    w.attribute8(7, 0);
    w.endNest(data);
  }
  if (d.port !== null) {
    w.attributeString(4, 'bridge');
    const data = w.nest(5);
    writePort(w, d.port);
    w.endNest(data);
  }
  w.endNest(info);
}

function bridgeId(w: NetlinkWriter, type: number, priority: number, mac: Uint8Array): void {
  const id = new Uint8Array(8);
  id[0] = priority >> 8;
  id[1] = priority;
  id.set(mac, 2);
  w.attribute(type, id);
}
function writeBridge(w: NetlinkWriter, d: BridgeDevice): void {
  const data = w.nest(2);
  const o = (n: number, unset: number): number => d.options.get(n) ?? unset;
  const mac = d.ports.length > 0 || d.addressAssign === 3 ? d.mac : new Uint8Array(6);
  for (const n of [16, 17, 18]) w.attribute64(n, 0);
  w.attribute64(19, 0);
  w.attribute32(1, d.forwardDelay);
  w.attribute32(2, d.helloTime);
  w.attribute32(3, d.maxAge);
  w.attribute32(4, d.ageingTime);
  w.attribute32(5, d.stpState);
  w.attribute16(6, d.bridgePriority);
  w.attribute8(7, o(7, 0));
  w.attribute16(9, o(9, 0));
  bridgeId(w, 11, d.bridgePriority, mac);
  bridgeId(w, 10, d.bridgePriority, mac);
  w.attribute16(12, 0);
  w.attribute32(13, 0);
  w.attribute8(14, 0);
  w.attribute8(15, 0);
  w.attribute(20, Uint8Array.of(1, 0x80, 0xc2, 0, 0, 0));
  w.attribute(46, new Uint8Array([d.options.get(46) ?? 0, 0, 0, 0, 0x9f, 0, 0, 0]));
  w.attribute8(22, o(22, 1));
  w.attribute8(23, o(23, 1));
  w.attribute8(24, o(24, 0));
  w.attribute8(25, o(25, 0));
  w.attribute8(42, o(42, 0));
  w.attribute32(26, o(26, 16));
  w.attribute32(27, o(27, 4096));
  w.attribute32(28, o(28, 2));
  w.attribute32(29, o(29, 2));
  w.attribute8(43, o(43, 2));
  w.attribute8(44, o(44, 1));
  w.attribute64(30, o(30, 100));
  w.attribute64(31, o(31, 26000));
  w.attribute64(32, o(32, 25500));
  w.attribute64(33, o(33, 12500));
  w.attribute64(34, o(34, 1000));
  w.attribute64(35, o(35, 3124));
  w.attribute8(36, o(36, 0));
  w.attribute8(37, o(37, 0));
  w.attribute8(38, o(38, 0));
  w.endNest(data);
}

/** Switches of a port (IFLA_BRPORT_) and what they are at first. */
const PORT_OPTIONS: readonly (readonly [number, number])[] = [
  [4, 0], [5, 0], [6, 0], [7, 0], [8, 1], [9, 1], [10, 0], [12, 0], [25, 1], [27, 1], [28, 0], [29, 0], [30, 1], [32, 0], [33, 0], [39, 0], [40, 0],
];
/** IFLA_BRPORT_ attributes. */
function writePort(w: NetlinkWriter, p: BridgePort): void {
  const id = 0x8000 | p.number;
  w.attribute8(1, p.state);
  w.attribute16(2, p.priority);
  w.attribute32(3, p.cost);
  for (const [n, unset] of PORT_OPTIONS) w.attribute8(n, p.option(n, unset));
  bridgeId(w, 13, p.bridge.bridgePriority, p.bridge.mac);
  bridgeId(w, 14, p.bridge.bridgePriority, p.bridge.mac);
  w.attribute16(15, id);
  w.attribute16(16, 0);
  w.attribute16(17, id);
  w.attribute16(18, p.number);
  w.attribute8(19, 0);
  w.attribute8(20, 0);
  w.attribute64(21, 0);
  const left = p.state === 3 ? Math.max(0, p.bridge.forwardDelay - Math.floor((p.bridge.ns.stack.now() - p.since) / 1e7)) : 0;
  w.attribute64(22, left);
  w.attribute64(23, 0);
  w.attribute16(31, p.option(31, 0));
}
/** A port as family AF_BRIDGE has it (br_fill_ifinfo). */
export function writeBridgePort(w: NetlinkWriter, p: BridgePort, type: number, flags: number, seq: number, pid: number): void {
  const d = p.device;
  w.begin(type, flags, seq, pid);
  w.u8(AF_BRIDGE);
  w.u8(0);
  w.u16(d.type);
  w.u32(d.index);
  w.u32(d.allFlags);
  w.u32(0);
  w.attributeString(3, d.name);
  w.attribute32(10, p.bridge.index);
  w.attribute32(4, d.mtu);
  w.attribute8(16, d.operState);
  w.attribute(1, d.mac);
  if (d.link !== d.index) w.attribute32(5, d.link);
  const info = w.nest(12 | 0x8000);
  writePort(w, p);
  w.endNest(info);
  w.end();
}

const DEVCONF4: readonly string[] = [
  '', 'forwarding', 'mc_forwarding', 'proxy_arp', 'accept_redirects', 'secure_redirects', 'send_redirects', 'shared_media', 'rp_filter', 'accept_source_route', 'bootp_relay',
  'log_martians', 'tag', 'arp_filter', 'medium_id', 'disable_xfrm', 'disable_policy', 'force_igmp_version', 'arp_announce', 'arp_ignore', 'promote_secondaries', 'arp_accept',
  'arp_notify', 'accept_local', 'src_valid_mark', 'proxy_arp_pvlan', 'route_localnet', 'igmpv2_unsolicited_report_interval', 'igmpv3_unsolicited_report_interval',
  'ignore_routes_with_linkdown', 'drop_unicast_in_l2_multicast', 'drop_gratuitous_arp', 'bc_forwarding', 'arp_evict_nocarrier',
];
/** IFLA_AF_SPEC. */
function writeFamilies(w: NetlinkWriter, d: NetDevice): void {
  const spec = w.nest(26);
  const inet = w.nest(2);
  const conf = w.nest(1);
  for (let i = 1; i < DEVCONF4.length; i++) w.u32((d.conf4[DEVCONF4[i]!] ?? 0) >>> 0); // in range
  w.endNest(conf);
  w.endNest(inet);
  const inet6 = w.nest(10);
  w.attribute32(1, d.ready6 ? 0x80000000 : 0);
  w.attribute8(8, d.conf6['addr_gen_mode'] ?? 0);
  w.attribute(7, new Uint8Array(16));
  w.endNest(inet6);
  w.endNest(spec);
}
