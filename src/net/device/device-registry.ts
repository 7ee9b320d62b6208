/** Devices come, go, change and move: Linux register_netdevice(), dev_change_flags(), __dev_change_net_namespace(). */
import { EEXIST, EINVAL, ENETDOWN, EOPNOTSUPP, ENOENT } from '../../abi/errno.ts';
import { ip6DeviceDown, ip6DeviceUp, ip6LinkChange, ip6Register, ip6Unregister } from '../ipv6/addrconf.ts';
import { inetDeviceDown, inetDeviceUp, inetUnregister } from '../ipv4/inet-address-list.ts';
import { neighboursCarrierOff, neighboursDown } from '../ip/neighbour.ts';
import * as notify from '../netlink/route-notify.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { deviceConf } from '../sysctl.ts';
import {
  IFF_ALLMULTI,
  IFF_CHANGEABLE,
  IFF_PROMISC,
  IFF_UP,
  Membership,
  type NetDevice,
  OPER_DOWN,
  OPER_LOWERLAYERDOWN,
  OPER_UP,
  hexOf,
} from './net-device.ts';

/** A name that a device may have (dev_valid_name). */
export function validName(name: string): boolean {
  return name.length > 0 && name.length < 16 && name !== '.' && name !== '..' && !/[\s/:]/.test(name);
}

/** `pattern` with %d replaced by the smallest free number, or as it is: a name, or EEXIST, EINVAL. */
export function allocName(ns: NetworkNamespace, pattern: string): string | number {
  if (!validName(pattern)) return EINVAL;
  const at = pattern.indexOf('%');
  if (at < 0) return ns.deviceByName(pattern) === null ? pattern : EEXIST;
  if (pattern[at + 1] !== 'd' || pattern.indexOf('%', at + 1) >= 0) return EINVAL;
  for (let i = 0; ; i++) {
    const name = pattern.slice(0, at) + i + pattern.slice(at + 2);
    if (ns.deviceByName(name) === null) return name;
  }
}

/** A locally administered random address (eth_random_addr). */
export function randomMac(ns: NetworkNamespace): Uint8Array {
  const mac = ns.stack.randomBytes(6);
  mac[0] = (mac[0]! & 0xfe) | 2; // six bytes
  return mac;
}

/** Puts a device into its namespace with a name that is free. */
export function registerDevice(d: NetDevice): void {
  const { ns } = d;
  if (d.index === 0) d.index = ns.newIndex();
  deviceConf(ns, d);
  ns.devices.push(d);
  ns.devices.sort((a, b) => a.index - b.index);
  d.registered = true;
  ip6Register(d);
  if (!d.carrier) {
    d.operState = defaultOperState(d);
    d.carrierDown = 1;
  }
  notify.link(d, notify.RTM_NEWLINK, 0xffffffff);
  notify.uevent(d, 'add');
}

/** Deletes a device and what hangs on it. */
export function unregisterDevice(d: NetDevice): void {
  if (!d.registered) return;
  setDown(d);
  d.registered = false;
  d.port?.bridge.release(d);
  inetUnregister(d);
  ip6Unregister(d);
  notify.link(d, notify.RTM_DELLINK, 0xffffffff);
  notify.uevent(d, 'remove');
  const { devices } = d.ns;
  const i = devices.indexOf(d);
  if (i >= 0) devices.splice(i, 1);
  d.ns.routesChanged();
  d.unregistered();
}

function defaultOperState(d: NetDevice): number {
  if (!d.carrier) {
    if (d.link === d.index || d.linkNs !== d.ns) return OPER_DOWN;
    const lower = d.ns.deviceByIndex(d.link);
    return lower === null || lower.carrier ? OPER_DOWN : OPER_LOWERLAYERDOWN;
  }
  return OPER_UP;
}

export function carrierOn(d: NetDevice): void {
  if (d.carrier) return;
  d.carrier = true;
  d.carrierUp++;
  if (d.registered) linkEvent(d);
}
export function carrierOff(d: NetDevice): void {
  if (!d.carrier) return;
  d.carrier = false;
  d.carrierDown++;
  if (d.registered) linkEvent(d);
}
/** The carrier came or went (linkwatch_do_dev). */
function linkEvent(d: NetDevice): void {
  d.operState = defaultOperState(d);
  if (!d.up) return;
  if (d.carrier) activate(d);
  else neighboursCarrierOff(d);
  d.ns.routesChanged();
  d.port?.bridge.portChanged(d.port);
  ip6LinkChange(d);
  notify.link(d, notify.RTM_NEWLINK, 0);
}
function activate(d: NetDevice): void {
  if (d.carrier && d.qdisc === 'noop') d.qdisc = d.txQueueLength === 0 ? 'noqueue' : d.defaultQdisc;
}

/** IFF_UP: 0 or errno. */
export function setUp(d: NetDevice): number {
  if (d.up) return 0;
  const r = openDevice(d);
  if (r < 0) return r;
  notify.link(d, notify.RTM_NEWLINK, IFF_UP);
  return 0;
}
function openDevice(d: NetDevice): number {
  d.flags |= IFF_UP;
  const r = d.open();
  if (r < 0) {
    d.flags &= ~IFF_UP;
    return r;
  }
  activate(d);
  d.ns.routesChanged();
  inetDeviceUp(d);
  ip6DeviceUp(d);
  d.port?.bridge.portChanged(d.port);
  return 0;
}
export function setDown(d: NetDevice): void {
  if (!d.up) return;
  closeDevice(d);
  if (d.registered) notify.link(d, notify.RTM_NEWLINK, IFF_UP);
}
function closeDevice(d: NetDevice): void {
  d.flags &= ~IFF_UP;
  d.stop();
  neighboursDown(d);
  inetDeviceDown(d);
  ip6DeviceDown(d);
  d.port?.bridge.portChanged(d.port);
  d.ns.routesChanged();
}

/** Sets the changeable flags to `flags`: 0 or errno (__dev_change_flags). */
export function changeFlags(d: NetDevice, flags: number): number {
  const before = d.flags;
  d.flags = (d.flags & ~(IFF_CHANGEABLE & ~(IFF_UP | IFF_PROMISC | IFF_ALLMULTI))) | (flags & IFF_CHANGEABLE & ~(IFF_UP | IFF_PROMISC | IFF_ALLMULTI));
  if (((flags ^ d.flags) & IFF_UP) !== 0) {
    if (flags & IFF_UP) {
      const r = openDevice(d);
      if (r < 0) return r;
    } else {
      closeDevice(d);
    }
  }
  let changed = before ^ d.flags;
  for (const bit of [IFF_PROMISC, IFF_ALLMULTI]) {
    if (((flags ^ d.userFlags) & bit) === 0) continue;
    d.userFlags ^= bit;
    changed |= bit;
    if (bit === IFF_PROMISC) setPromiscuity(d, flags & bit ? 1 : -1);
    else setAllmulti(d, flags & bit ? 1 : -1);
  }
  if (changed !== 0) notify.link(d, notify.RTM_NEWLINK, changed >>> 0);
  return 0;
}
export function setPromiscuity(d: NetDevice, by: number): void {
  d.promiscuity += by;
  d.flags = d.promiscuity > 0 ? d.flags | IFF_PROMISC : d.flags & ~IFF_PROMISC;
}
export function setAllmulti(d: NetDevice, by: number): void {
  d.allmulti += by;
  d.flags = d.allmulti > 0 ? d.flags | IFF_ALLMULTI : d.flags & ~IFF_ALLMULTI;
}

/** dev_set_mtu. */
export function setMtu(d: NetDevice, mtu: number): number {
  if (mtu === d.mtu) return 0;
  if (mtu < 0 || mtu < d.minMtu || (d.maxMtu > 0 && mtu > d.maxMtu)) return EINVAL;
  const r = d.changeMtu(mtu);
  if (r < 0) return r;
  d.conf6['mtu'] = mtu;
  d.ns.routesChanged();
  d.master?.portMtuChanged();
  return 0;
}

export function renameDevice(d: NetDevice, name: string): number {
  if (name === d.name) return 0;
  const free = allocName(d.ns, name);
  if (typeof free === 'number') return free;
  const { sysctls } = d.ns;
  d.name = free;
  for (const a of d.addresses4) if (a.label === name || !a.label.includes(':')) a.label = free;
  sysctls.generation++;
  notify.uevent(d, 'move');
  return 0;
}

/** Moves a device: 0, EINVAL (it belongs where it is), EEXIST. `wanted`: an index it must get, or 0. */
export function moveDevice(d: NetDevice, to: NetworkNamespace, pattern: string, wanted = 0): number {
  if (d.immovable) return EINVAL;
  if (d.ns === to) return pattern === '' || pattern === d.name ? 0 : renameDevice(d, pattern);
  let name: string = d.name;
  if (pattern !== '') {
    const free = allocName(to, pattern);
    if (typeof free === 'number') return free;
    name = free;
  } else if (to.deviceByName(d.name) !== null) {
    return EEXIST;
  }
  if (wanted !== 0 && to.deviceByIndex(wanted) !== null) return EEXIST;
  const from = d.ns;
  if (d.up) closeDevice(d);
  d.port?.bridge.release(d);
  inetUnregister(d);
  ip6Unregister(d);
  const index = wanted !== 0 ? wanted : to.deviceByIndex(d.index) === null ? d.index : to.newIndex();
  notify.link(d, notify.RTM_DELLINK, 0xffffffff, to, index);
  notify.uevent(d, 'remove');
  const i = from.devices.indexOf(d);
  if (i >= 0) from.devices.splice(i, 1);
  from.routesChanged();
  d.promiscuity = d.allmulti = 0;
  d.flags &= ~(IFF_PROMISC | IFF_ALLMULTI);
  d.userFlags = 0;
  d.linkGroups.clear();
  d.groups4.clear();
  d.groups6.clear();
  d.ns = to;
  d.index = index;
  d.name = name;
  to.reserveIndex(index);
  deviceConf(to, d);
  to.devices.push(d);
  ip6Register(d);
  to.devices.sort((a, b) => a.index - b.index);
  to.routesChanged();
  notify.uevent(d, 'add');
  notify.link(d, notify.RTM_NEWLINK, 0xffffffff);
  return 0;
}

/** dev_mc_add and dev_mc_del. */
export function joinLinkGroup(d: NetDevice, mac: Uint8Array): void {
  const key = hexOf(mac);
  const m = d.linkGroups.get(key);
  if (m !== undefined) m.users++;
  else d.linkGroups.set(key, new Membership(mac));
}
export function leaveLinkGroup(d: NetDevice, mac: Uint8Array): number {
  const key = hexOf(mac);
  const m = d.linkGroups.get(key);
  if (m === undefined) return ENOENT;
  if (--m.users === 0) d.linkGroups.delete(key);
  return 0;
}
/** The device can be used for sending: 0 or ENETDOWN. */
export function checkUp(d: NetDevice): number {
  return d.up ? 0 : ENETDOWN;
}
/** ip link del: 0 or EOPNOTSUPP. */
export function deleteDevice(d: NetDevice): number {
  if (!d.deletable) return EOPNOTSUPP;
  unregisterDevice(d);
  return 0;
}
