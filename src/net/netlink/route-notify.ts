/** Changes of devices, addresses, routes and neighbours, told to whoever listens. Linux rtnl_notify(), rtmsg_ifinfo() and their kin; uevents of devices. */
import type { DeviceAddress, NetDevice } from '../device/net-device.ts';
import type { BridgePort } from '../device/bridge.ts';
import type { Neighbour } from '../ip/neighbour.ts';
import type { Route, Rule } from '../ip/route-table.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { NetlinkWriter } from './netlink-message.ts';
import { writeAddress } from './rtnl-address-dump.ts';
import { writeBridgePort, writeLink } from './rtnl-link-dump.ts';
import { writeNeighbour } from './rtnl-neighbour.ts';
import { writeRoute, writeRule } from './rtnl-route-dump.ts';

export const RTM_NEWLINK = 16;
export const RTM_DELLINK = 17;
export const RTM_NEWADDR = 20;
export const RTM_DELADDR = 21;
export const RTM_NEWROUTE = 24;
export const RTM_DELROUTE = 25;
export const RTM_NEWNEIGH = 28;
export const RTM_NEWRULE = 32;
export const RTM_NEWNSID = 88;
export const RTM_DELNSID = 89;

const RTNLGRP_LINK = 1;
const RTNLGRP_NEIGH = 3;
const RTNLGRP_IPV4_IFADDR = 5;
const RTNLGRP_IPV4_ROUTE = 7;
const RTNLGRP_IPV4_RULE = 8;
const RTNLGRP_IPV6_IFADDR = 9;
const RTNLGRP_IPV6_ROUTE = 11;
const RTNLGRP_IPV6_RULE = 19;
const RTNLGRP_NSID = 28;
const NETLINK_ROUTE = 0;
const NETLINK_KOBJECT_UEVENT = 15;

const w = new NetlinkWriter();

/** Somebody would hear a message of this group. */
function heard(ns: NetworkNamespace, protocol: number, group: number): boolean {
  for (const other of ns.stack.namespaces)
    for (const s of other.netlinkSockets) if (s.protocol === protocol && s.groups.has(group) && (other === ns || s.listensToAll)) return true;
  return false;
}
function multicast(ns: NetworkNamespace, protocol: number, group: number, bytes: Uint8Array): void {
  for (const other of ns.stack.namespaces) {
    const nsid = other === ns ? -1 : other.idOf(ns);
    for (const s of other.netlinkSockets) {
      if (s.protocol !== protocol || !s.groups.has(group)) continue;
      if (other === ns || (s.listensToAll && nsid >= 0)) s.deliver(bytes, group, 0, nsid);
    }
  }
}

/** `change`: flags that changed. `to`, `index`: where a device that leaves is going. */
export function link(d: NetDevice, type: number, change: number, to: NetworkNamespace | null = null, index = 0): void {
  if (!heard(d.ns, NETLINK_ROUTE, RTNLGRP_LINK)) return;
  writeLink(w, d, { type, flags: 0, seq: 0, pid: 0, change, mask: 0, newNs: to, newIndex: index, full: true });
  multicast(d.ns, NETLINK_ROUTE, RTNLGRP_LINK, w.take());
}
export function bridgePort(port: BridgePort): void {
  const { ns } = port.device;
  if (!heard(ns, NETLINK_ROUTE, RTNLGRP_LINK)) return;
  writeBridgePort(w, port, RTM_NEWLINK, 0, 0, 0);
  multicast(ns, NETLINK_ROUTE, RTNLGRP_LINK, w.take());
}
export function address(a: DeviceAddress, type: number): void {
  const { ns } = a.device;
  const group = a.local.length === 4 ? RTNLGRP_IPV4_IFADDR : RTNLGRP_IPV6_IFADDR;
  if (!heard(ns, NETLINK_ROUTE, group)) return;
  writeAddress(w, a, type, 0, 0, 0);
  multicast(ns, NETLINK_ROUTE, group, w.take());
}
export function route(ns: NetworkNamespace, r: Route, type: number, flags = 0): void {
  const group = r.dst.length === 4 ? RTNLGRP_IPV4_ROUTE : RTNLGRP_IPV6_ROUTE;
  if (!heard(ns, NETLINK_ROUTE, group)) return;
  writeRoute(w, ns, r, type, flags, 0, 0);
  multicast(ns, NETLINK_ROUTE, group, w.take());
}
export function rule(ns: NetworkNamespace, family: number, r: Rule, type: number): void {
  const group = family === 2 ? RTNLGRP_IPV4_RULE : RTNLGRP_IPV6_RULE;
  if (!heard(ns, NETLINK_ROUTE, group)) return;
  writeRule(w, family, r, type, 0, 0, 0);
  multicast(ns, NETLINK_ROUTE, group, w.take());
}
export function neighbour(n: Neighbour, type: number): void {
  const { ns } = n.device;
  if (!heard(ns, NETLINK_ROUTE, RTNLGRP_NEIGH)) return;
  writeNeighbour(w, n, type, 0, 0, 0);
  multicast(ns, NETLINK_ROUTE, RTNLGRP_NEIGH, w.take());
}
export function nsid(ns: NetworkNamespace, id: number, type: number): void {
  if (!heard(ns, NETLINK_ROUTE, RTNLGRP_NSID)) return;
  w.begin(type, 0, 0, 0);
  w.u32(0);
  w.attribute32(1, id);
  w.end();
  multicast(ns, NETLINK_ROUTE, RTNLGRP_NSID, w.take());
}

/** A uevent of a device, as the kernel broadcasts it in the device's namespace. */
export function uevent(d: NetDevice, action: string): void {
  const { stack } = d.ns;
  const number = ++stack.ueventSequence;
  if (!heard(d.ns, NETLINK_KOBJECT_UEVENT, 1)) return;
  const path = `/devices/virtual/net/${d.name}`;
  const lines = [`${action}@${path}`, `ACTION=${action}`, `DEVPATH=${path}`, 'SUBSYSTEM=net'];
  if (d.kind === 'bridge') lines.push('DEVTYPE=bridge');
  lines.push(`INTERFACE=${d.name}`, `IFINDEX=${d.index}`, `SEQNUM=${number}`);
  const text = `${lines.join('\0')}\0`;
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  multicast(d.ns, NETLINK_KOBJECT_UEVENT, 1, bytes);
}
