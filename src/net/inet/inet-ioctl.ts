/** Socket ioctls about queues, interfaces, routes and ARP. Facts: Linux 6.18 net/core/dev_ioctl.c, net/ipv4/devinet.c; man 7 netdevice. */
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import { EADDRNOTAVAIL, EEXIST, EFAULT, EINVAL, ENODEV, ENOENT, ENOTTY, ENXIO, EOPNOTSUPP, EPERM, ESRCH, isErr } from '../../abi/errno.ts';
import * as S from '../../abi/socket.ts';
import { changeFlags, renameDevice, setMtu } from '../device/device-registry.ts';
import { DeviceAddress, IFA_F_PERMANENT, IFA_F_SECONDARY, type NetDevice } from '../device/net-device.ts';
import { NUD_PERMANENT, NUD_REACHABLE, NUD_VALID } from '../ip/neighbour.ts';
import { NextHop, networkOf, Route, RT_SCOPE_HOST, RT_SCOPE_LINK, RT_TABLE_MAIN, sameBytes } from '../ip/route-table.ts';
import { addAddress4, deleteAddress4, lastOf } from '../ipv4/inet-address-list.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { flowTo } from '../ip/route-table.ts';
import type { Socket } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';

const IFNAMSIZ = 16;
/** struct ifreq. */
const IFREQ_SIZE = 40;
const request = new Uint8Array(IFREQ_SIZE);
const view = new DataView(request.buffer);

/** What a socket with queues tells of them. */
interface Queues {
  readonly queuedBytes: number;
  readonly unreadBytes: number;
  readonly listening: boolean;
  readonly firstLength?: number;
}

export function inetIoctl(ctx: SocketCaller, s: Socket & Queues, cmd: number, arg: number): number {
  switch (cmd) {
    case S.SIOCINQ:
      return s.listening ? EINVAL : ctx.space.writeU32(arg, s.firstLength ?? s.queuedBytes);
    case S.SIOCOUTQ:
      return s.listening ? EINVAL : ctx.space.writeU32(arg, s.unreadBytes);
    case S.SIOCGSTAMP_OLD:
    case S.SIOCGSTAMP_OLD + 1: {
      if (s.lastStamp === 0) {
        s.lastStamp = 1;
        return ENOENT;
      }
      if (s.lastStamp === 1) return ENOENT;
      const { clock } = s.netNs.stack;
      clock.wallAt(s.lastStamp);
      if (isErr(ctx.space.writeU64(arg, clock.sec))) return EFAULT;
      return ctx.space.writeU64(arg + 8, cmd === S.SIOCGSTAMP_OLD ? Math.floor(clock.nsec / 1000) : clock.nsec);
    }
    case S.SIOCADDRT:
    case S.SIOCDELRT:
      return routeIoctl(ctx, s.netNs, cmd === S.SIOCDELRT, arg);
    case S.SIOCGARP:
    case S.SIOCSARP:
    case S.SIOCDARP:
      return arpIoctl(ctx, s.netNs, cmd, arg);
  }
  return interfaceIoctl(ctx, s, cmd, arg);
}

/** The device and the label that a request names: "lo:x" is an address of lo. */
function named(ns: NetworkNamespace): { device: NetDevice | null; label: string } {
  const end = request.subarray(0, IFNAMSIZ).indexOf(0);
  const label = String.fromCharCode(...request.subarray(0, end < 0 ? IFNAMSIZ - 1 : end));
  const colon = label.indexOf(':');
  return { device: ns.deviceByName(colon < 0 ? label : label.slice(0, colon)), label };
}
const netmask = (prefix: number): number => (prefix === 0 ? 0 : (0xffffffff << (32 - prefix)) >>> 0);

/** SIOCGIF… and SIOCSIF…, which any socket takes. */
export function interfaceIoctl(ctx: SocketCaller, s: Socket, cmd: number, arg: number): number {
  if (cmd === S.SIOCGIFCONF) return listInterfaces(ctx, s.netNs, arg);
  if (cmd < 0x8900 || cmd > 0x89ff) return ENOTTY;
  if (isErr(ctx.space.readBytes(arg, request))) return EFAULT;
  const ns = s.netNs;
  if (cmd === S.SIOCGIFNAME) {
    const d = ns.deviceByIndex(view.getInt32(16, true));
    if (d === null) return ENODEV;
    putName(d.name);
    return ctx.space.writeBytes(arg, request);
  }
  const { device: d, label } = named(ns);
  const admin = ctx.credentials.nsCapable(ns.userNs, CAP_NET_ADMIN);
  const changes = [S.SIOCSIFFLAGS, S.SIOCSIFMTU, S.SIOCSIFHWADDR, S.SIOCSIFNAME, S.SIOCSIFTXQLEN, S.SIOCSIFADDR, S.SIOCSIFNETMASK, S.SIOCSIFBRDADDR, S.SIOCSIFDSTADDR, S.SIOCDIFADDR].includes(cmd);
  if (changes && !admin) return EPERM;
  if (cmd === S.SIOCETHTOOL) return d === null ? ENODEV : EOPNOTSUPP;
  if (d === null) return cmd >= 0x8910 && cmd <= 0x8948 ? ENODEV : ENOTTY;
  const address = d.addresses4.find((a) => a.label === label) ?? (label.includes(':') ? undefined : d.addresses4[0]);
  switch (cmd) {
    case S.SIOCSIFFLAGS: {
      const wanted = view.getUint16(16, true);
      if (label.includes(':')) {
        if (address !== undefined && (wanted & 1) === 0) deleteAddress4(address);
        return address === undefined ? EADDRNOTAVAIL : 0;
      }
      return changeFlags(d, wanted);
    }
    case S.SIOCSIFMTU:
      return setMtu(d, view.getInt32(16, true));
    case S.SIOCSIFHWADDR:
      return view.getUint16(16, true) !== d.type ? EINVAL : d.setMac(request.slice(18, 24));
    case S.SIOCSIFNAME: {
      const end = request.subarray(16, 32).indexOf(0);
      return renameDevice(d, String.fromCharCode(...request.subarray(16, end < 0 ? 31 : 16 + end)));
    }
    case S.SIOCSIFTXQLEN:
      if (view.getInt32(16, true) < 0) return EINVAL;
      d.txQueueLength = view.getInt32(16, true);
      return 0;
    case S.SIOCSIFADDR:
      return setAddress(d, label, address, request.slice(20, 24));
    case S.SIOCSIFNETMASK: {
      if (address === undefined) return EADDRNOTAVAIL;
      const mask = view.getUint32(20, false);
      const prefix = Math.clz32(~mask);
      if (netmask(prefix) !== mask) return EINVAL;
      return replace(address, prefix, address.broadcast);
    }
    case S.SIOCSIFBRDADDR:
      return address === undefined ? EADDRNOTAVAIL : replace(address, address.prefix, request.slice(20, 24));
    case S.SIOCDIFADDR:
      return address === undefined ? EADDRNOTAVAIL : deleteAddress4(address);
  }
  request.fill(0, 16);
  switch (cmd) {
    case S.SIOCGIFFLAGS:
      view.setUint16(16, d.allFlags & 0xffff, true);
      break;
    case S.SIOCGIFADDR:
    case S.SIOCGIFBRDADDR:
    case S.SIOCGIFDSTADDR:
    case S.SIOCGIFNETMASK:
      if (address === undefined) return EADDRNOTAVAIL;
      view.setUint16(16, S.AF_INET, true);
      if (cmd === S.SIOCGIFADDR) request.set(address.local, 20);
      else if (cmd === S.SIOCGIFDSTADDR) request.set(address.address, 20);
      else if (cmd === S.SIOCGIFBRDADDR) request.set(address.broadcast ?? new Uint8Array(4), 20);
      else view.setUint32(20, netmask(address.prefix), false);
      break;
    case S.SIOCGIFMTU:
      view.setInt32(16, d.mtu, true);
      break;
    case S.SIOCGIFMETRIC:
    case S.SIOCGIFMAP:
      break;
    case S.SIOCGIFINDEX:
      view.setInt32(16, d.index, true);
      break;
    case S.SIOCGIFTXQLEN:
      view.setInt32(16, d.txQueueLength, true);
      break;
    case S.SIOCGIFHWADDR:
      view.setUint16(16, d.type, true);
      request.set(d.mac, 18);
      break;
    default:
      return ENOTTY;
  }
  return ctx.space.writeBytes(arg, request);
}

/** SIOCSIFADDR: the address of a label, with the prefix of its class. */
function setAddress(d: NetDevice, label: string, old: DeviceAddress | undefined, ip: Uint8Array): number {
  if (old !== undefined) {
    if (sameBytes(old.local, ip)) return 0;
    deleteAddress4(old);
  }
  const first = ip[0]!; // four bytes
  const prefix = first === 0 ? 0 : first < 128 ? 8 : first < 192 ? 16 : 24;
  const a = new DeviceAddress(d, ip, prefix);
  a.label = label;
  a.flags = IFA_F_PERMANENT;
  a.created = a.updated = d.ns.stack.now();
  a.scope = first === 127 ? RT_SCOPE_HOST : 0;
  if (!d.loopback && prefix < 31) a.broadcast = lastOf(ip, prefix);
  const r = addAddress4(d, a);
  if (r === 0 && !d.up) changeFlags(d, d.allFlags | 1);
  return r;
}
function replace(old: DeviceAddress, prefix: number, broadcast: Uint8Array | null): number {
  const a = new DeviceAddress(old.device, old.local, prefix);
  a.label = old.label;
  a.flags = old.flags & ~IFA_F_SECONDARY;
  a.scope = old.scope;
  a.created = old.created;
  a.updated = old.device.ns.stack.now();
  const automatic = old.broadcast !== null && sameBytes(old.broadcast, lastOf(old.local, old.prefix));
  a.broadcast = automatic && prefix !== old.prefix && prefix < 31 ? lastOf(old.local, prefix) : broadcast;
  deleteAddress4(old);
  return addAddress4(old.device, a);
}

function putName(name: string): void {
  request.fill(0, 0, IFNAMSIZ);
  for (let i = 0; i < name.length; i++) request[i] = name.charCodeAt(i);
}

/** SIOCGIFCONF: struct ifconf {int len; ifreq *buf}, one entry an IPv4 address. */
function listInterfaces(ctx: SocketCaller, ns: NetworkNamespace, arg: number): number {
  const room = ctx.space.readU32(arg);
  const buf = ctx.space.readU64(arg + 8);
  if (isErr(room) || isErr(buf)) return EFAULT;
  let used = 0;
  for (const d of ns.devices)
    for (const a of d.addresses4) {
      if (buf !== 0) {
        if (used + IFREQ_SIZE > (room | 0)) break;
        request.fill(0);
        putName(a.label);
        view.setUint16(16, S.AF_INET, true);
        request.set(a.local, 20);
        if (isErr(ctx.space.writeBytes(buf + used, request))) return EFAULT;
      }
      used += IFREQ_SIZE;
    }
  return ctx.space.writeU32(arg, used);
}

/** struct rtentry: destination 8, gateway 24, mask 40, flags 56, metric 74, device name 80. */
function routeIoctl(ctx: SocketCaller, ns: NetworkNamespace, remove: boolean, arg: number): number {
  if (!ctx.credentials.nsCapable(ns.userNs, CAP_NET_ADMIN)) return EPERM;
  const b = new Uint8Array(120);
  if (isErr(ctx.space.readBytes(arg, b))) return EFAULT;
  const v = new DataView(b.buffer);
  const flags = v.getUint16(56, true);
  const mask = flags & 4 ? 0xffffffff : v.getUint32(44, false);
  const prefix = Math.clz32(~mask);
  const dst = networkOf(b.slice(12, 16), prefix);
  if (!sameBytes(dst, b.subarray(12, 16)) && (flags & 4) === 0) return EINVAL;
  const gateway = flags & 2 ? b.slice(28, 32) : null;
  const metric = Math.max(0, v.getInt16(74, true) - 1);
  const nameAt = v.getUint32(80, true) + v.getUint32(84, true) * 4294967296;
  let device: NetDevice | null = null;
  if (nameAt !== 0) {
    const name = new Uint8Array(16);
    if (isErr(ctx.space.readBytes(nameAt, name))) return EFAULT;
    const end = name.indexOf(0);
    device = ns.deviceByName(String.fromCharCode(...name.subarray(0, end < 0 ? 15 : end)));
    if (device === null) return ENODEV;
  }
  const table = ns.routes4.table(RT_TABLE_MAIN);
  if (remove) {
    const old = table.find((r) => r.prefix === prefix && sameBytes(r.dst, dst) && (device === null || r.device === device) && (gateway === null || (r.hops[0]?.gateway != null && sameBytes(r.hops[0].gateway, gateway))));
    if (old === undefined) return ESRCH;
    ns.routes4.remove(old);
    ns.routesChanged();
    return 0;
  }
  if (device === null) {
    if (gateway === null) return ENODEV;
    const found = ns.routes4.lookup({ ...flowTo(gateway), scope: RT_SCOPE_LINK }, ns.nameOf);
    if (isErr(found)) return found;
    device = found.hop.device;
  }
  if (table.some((r) => r.prefix === prefix && sameBytes(r.dst, dst) && r.priority === metric)) return EEXIST;
  const r = new Route(dst, prefix, RT_TABLE_MAIN);
  r.scope = gateway === null ? RT_SCOPE_LINK : 0;
  r.priority = metric;
  r.hops = [new NextHop(device, gateway)];
  ns.routes4.insert(r, false);
  ns.routesChanged();
  return 0;
}

/** struct arpreq: protocol address 0, hardware address 16, flags 32, netmask 36, device 52. */
function arpIoctl(ctx: SocketCaller, ns: NetworkNamespace, cmd: number, arg: number): number {
  const b = new Uint8Array(68);
  if (cmd !== S.SIOCGARP && !ctx.credentials.nsCapable(ns.userNs, CAP_NET_ADMIN)) return EPERM;
  if (isErr(ctx.space.readBytes(arg, b))) return EFAULT;
  const v = new DataView(b.buffer);
  if (v.getUint16(0, true) !== S.AF_INET) return EINVAL;
  const ip = b.slice(4, 8);
  const end = b.subarray(52).indexOf(0);
  const name = String.fromCharCode(...b.subarray(52, 52 + (end < 0 ? 15 : end)));
  let d = name === '' ? null : ns.deviceByName(name);
  if (name !== '' && d === null) return ENODEV;
  if (d === null) {
    const found = ns.routes4.lookup(flowTo(ip), ns.nameOf);
    if (isErr(found)) return found;
    d = found.hop.device;
  }
  if (d === null) return EINVAL;
  const n = ns.arp.lookup(d, ip);
  if (cmd === S.SIOCSARP) {
    ns.arp.get(d, ip).update(b.slice(18, 24), v.getInt32(32, true) & 4 ? NUD_PERMANENT : NUD_REACHABLE, true, true);
    return 0;
  }
  if (n === null) return ENXIO;
  if (cmd === S.SIOCDARP) {
    ns.arp.delete(n);
    return 0;
  }
  b.fill(0, 16, 32);
  v.setUint16(16, d.type, true);
  if (n.mac !== null && n.state & NUD_VALID) b.set(n.mac, 18);
  v.setInt32(32, n.state & NUD_PERMANENT ? 6 : n.state & NUD_VALID ? 2 : 0, true);
  b.fill(0, 52);
  for (let i = 0; i < d.name.length; i++) b[52 + i] = d.name.charCodeAt(i);
  return ctx.space.writeBytes(arg, b);
}
