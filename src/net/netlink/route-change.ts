/** Requests that change devices, addresses and routes. Facts: Linux 6.18 net/core/rtnetlink.c, drivers/net/veth.c, net/ipv4/devinet.c. */
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import { EADDRNOTAVAIL, EEXIST, EINVAL, ENETUNREACH, ENODEV, EOPNOTSUPP, EPERM, ESRCH, type Errno, isErr } from '../../abi/errno.ts';
import { IFF_BROADCAST, IFF_MULTICAST, IFF_UP, makeVethPair, NetDevice, newMac, RT_SCOPE_UNIVERSE, samePrefix } from '../net-device.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { forEachAttribute, NLMSG_HDRLEN } from './netlink-message.ts';
import * as R from './route-constants.ts';

/** Finds the namespace that IFLA_NET_NS_FD or IFLA_NET_NS_PID names. */
export interface NamespaceResolver {
  byFd(ctx: SocketCaller, fd: number): NetworkNamespace | Errno;
  byPid(ctx: SocketCaller, pid: number): NetworkNamespace | Errno;
}

/** sizeof(struct ifinfomsg), ifaddrmsg, rtmsg. */
const IFINFOMSG = 16;
const IFADDRMSG = 8;
const RTMSG = 12;
const IFNAMSIZ = 16;

type Attributes = Map<number, Uint8Array>;
function attributesOf(b: Uint8Array, off: number): Attributes {
  const m: Attributes = new Map();
  forEachAttribute(b, off, b.length, (type, data) => m.set(type, data));
  return m;
}
function text(data: Uint8Array | undefined): string {
  if (data === undefined) return '';
  const end = data.indexOf(0);
  return String.fromCharCode(...data.subarray(0, end < 0 ? data.length : end));
}
function int(data: Uint8Array): number {
  return data.length < 4 ? 0 : new DataView(data.buffer, data.byteOffset).getInt32(0, true);
}

/** The namespace a link request asks for, or `ns`. */
function targetOf(ctx: SocketCaller, ns: NetworkNamespace, attrs: Attributes, resolver: NamespaceResolver): NetworkNamespace | Errno {
  const fd = attrs.get(R.IFLA_NET_NS_FD);
  const pid = attrs.get(R.IFLA_NET_NS_PID);
  const target = fd !== undefined ? resolver.byFd(ctx, int(fd)) : pid !== undefined ? resolver.byPid(ctx, int(pid)) : ns;
  if (!isErr(target) && !ctx.credentials.nsCapable(target.userNs, CAP_NET_ADMIN)) return EPERM;
  return target;
}

/** The device that a link message is about: by index, else by name. */
export function deviceOf(ns: NetworkNamespace, b: Uint8Array): NetDevice | null {
  const index = new DataView(b.buffer, b.byteOffset).getInt32(NLMSG_HDRLEN + 4, true);
  if (index > 0) return ns.deviceByIndex(index);
  const name = text(attributesOf(b, NLMSG_HDRLEN + IFINFOMSG).get(R.IFLA_IFNAME));
  return name === '' ? null : ns.deviceByName(name);
}

/** RTM_NEWLINK, RTM_SETLINK: 0 or errno. */
export function changeLink(ctx: SocketCaller, ns: NetworkNamespace, b: Uint8Array, flags: number, resolver: NamespaceResolver): number {
  if (b.length < NLMSG_HDRLEN + IFINFOMSG) return EINVAL;
  const attrs = attributesOf(b, NLMSG_HDRLEN + IFINFOMSG);
  const d = deviceOf(ns, b);
  if (d === null) return flags & R.NLM_F_CREATE ? createLink(ctx, ns, attrs, resolver) : ENODEV;
  if (flags & R.NLM_F_CREATE && flags & R.NLM_F_EXCL) return EEXIST;
  const target = targetOf(ctx, ns, attrs, resolver);
  if (isErr(target)) return target;
  const name = text(attrs.get(R.IFLA_IFNAME));
  if (target !== ns) {
    if (d.kind === 'loopback') return EINVAL;
    if (target.deviceByName(name === '' ? d.name : name) !== null) return EEXIST;
    ns.removeDevice(d);
    if (name !== '') d.name = name;
    target.addDevice(d);
  } else if (name !== '' && name !== d.name) {
    if (ns.deviceByName(name) !== null) return EEXIST;
    if (name.length >= IFNAMSIZ) return EINVAL;
    d.name = name;
  }
  const mtu = attrs.get(R.IFLA_MTU);
  if (mtu !== undefined) {
    if (int(mtu) < 68 || int(mtu) > 65535) return EINVAL;
    d.mtu = int(mtu);
  }
  const mac = attrs.get(R.IFLA_ADDRESS);
  if (mac !== undefined && mac.length === 6) d.mac.set(mac);
  const v = new DataView(b.buffer, b.byteOffset);
  const wanted = v.getUint32(NLMSG_HDRLEN + 8, true);
  const change = v.getUint32(NLMSG_HDRLEN + 12, true);
  if (change & IFF_UP || (change === 0 && wanted & IFF_UP)) {
    if (wanted & IFF_UP) d.bringUp();
    else d.bringDown();
  }
  return 0;
}

/** `ip link add`: veth pairs and dummies. */
function createLink(ctx: SocketCaller, ns: NetworkNamespace, attrs: Attributes, resolver: NamespaceResolver): number {
  const info = attrs.get(R.IFLA_LINKINFO);
  if (info === undefined) return EINVAL;
  const nested = attributesOf(info, 0);
  const kind = text(nested.get(R.IFLA_INFO_KIND));
  if (kind !== 'veth' && kind !== 'dummy') return EOPNOTSUPP;
  const target = targetOf(ctx, ns, attrs, resolver);
  if (isErr(target)) return target;
  const name = text(attrs.get(R.IFLA_IFNAME)) || freeName(target, kind);
  if (name.length >= IFNAMSIZ) return EINVAL;
  if (target.deviceByName(name) !== null) return EEXIST;
  if (kind === 'dummy') {
    target.addDevice(new NetDevice(0, name, 'dummy', 1500, IFF_BROADCAST | IFF_MULTICAST, newMac()));
    return 0;
  }
  const data = nested.get(R.IFLA_INFO_DATA);
  const peerInfo = data === undefined ? undefined : attributesOf(data, 0).get(R.VETH_INFO_PEER);
  const peerAttrs: Attributes = peerInfo === undefined ? new Map() : attributesOf(peerInfo, IFINFOMSG);
  const peerTarget = targetOf(ctx, ns, peerAttrs, resolver);
  if (isErr(peerTarget)) return peerTarget;
  const [a, p] = makeVethPair(name, text(peerAttrs.get(R.IFLA_IFNAME)));
  // The peer is made first, as its lower index shows.
  if (p.name === '') p.name = freeName(peerTarget, 'veth', name);
  if (p.name.length >= IFNAMSIZ) return EINVAL;
  if (peerTarget.deviceByName(p.name) !== null || (peerTarget === target && p.name === name)) return EEXIST;
  peerTarget.addDevice(p);
  target.addDevice(a);
  return 0;
}
function freeName(ns: NetworkNamespace, kind: string, taken = ''): string {
  for (let i = 0; ; i++) if (ns.deviceByName(kind + i) === null && kind + i !== taken) return kind + i;
}

/** RTM_DELLINK. */
export function deleteLink(ns: NetworkNamespace, b: Uint8Array): number {
  if (b.length < NLMSG_HDRLEN + IFINFOMSG) return EINVAL;
  const d = deviceOf(ns, b);
  if (d === null) return ENODEV;
  if (d.kind === 'loopback') return EOPNOTSUPP;
  ns.deleteDevice(d);
  return 0;
}

/** RTM_NEWADDR and RTM_DELADDR. */
export function changeAddress(ns: NetworkNamespace, b: Uint8Array, flags: number, remove: boolean): number {
  if (b.length < NLMSG_HDRLEN + IFADDRMSG) return EINVAL;
  const v = new DataView(b.buffer, b.byteOffset);
  const prefix = b[NLMSG_HDRLEN + 1]!; // checked length
  const scope = b[NLMSG_HDRLEN + 3]!; // as above
  const attrs = attributesOf(b, NLMSG_HDRLEN + IFADDRMSG);
  const bytes = attrs.get(R.IFA_LOCAL) ?? attrs.get(R.IFA_ADDRESS);
  if (bytes === undefined || (bytes.length !== 4 && bytes.length !== 16) || prefix > bytes.length * 8) return EINVAL;
  const d = ns.deviceByIndex(v.getInt32(NLMSG_HDRLEN + 4, true));
  if (d === null) return ENODEV;
  if (remove) {
    const i = d.addresses.findIndex((a) => a.prefix === prefix && samePrefix(a.bytes, bytes, bytes.length * 8));
    if (i < 0) return EADDRNOTAVAIL;
    d.addresses.splice(i, 1);
    return 0;
  }
  if (d.addAddress({ bytes: bytes.slice(), prefix, scope })) return 0;
  return flags & R.NLM_F_EXCL || (flags & R.NLM_F_REPLACE) === 0 ? EEXIST : 0;
}

/** RTM_NEWROUTE and RTM_DELROUTE. */
export function changeRoute(ns: NetworkNamespace, b: Uint8Array, flags: number, remove: boolean): number {
  if (b.length < NLMSG_HDRLEN + RTMSG) return EINVAL;
  const family = b[NLMSG_HDRLEN]!; // checked length, as below
  const prefix = b[NLMSG_HDRLEN + 1]!;
  const protocol = b[NLMSG_HDRLEN + 5]!;
  const scope = b[NLMSG_HDRLEN + 6]!;
  const attrs = attributesOf(b, NLMSG_HDRLEN + RTMSG);
  const dst = attrs.get(R.RTA_DST)?.slice() ?? new Uint8Array(family === 2 ? 4 : 16);
  const gateway = attrs.get(R.RTA_GATEWAY)?.slice() ?? null;
  const oif = attrs.get(R.RTA_OIF);
  const priority = attrs.get(R.RTA_PRIORITY);
  const metric = priority === undefined ? 0 : int(priority);
  let device = oif === undefined ? null : ns.deviceByIndex(int(oif));
  const i = ns.routes.findIndex((r) => r.prefix === prefix && samePrefix(r.dst, dst, prefix) && (device === null || r.device === device));
  if (remove) {
    if (i < 0) return ESRCH;
    ns.routes.splice(i, 1);
    return 0;
  }
  if (oif !== undefined && device === null) return ENODEV;
  if (device === null && gateway !== null) device = ns.route(gateway)?.device ?? null;
  if (device === null) return gateway === null ? ENODEV : ENETUNREACH;
  if (!device.up) return ENETUNREACH;
  if (i >= 0) {
    if ((flags & R.NLM_F_REPLACE) === 0) return EEXIST;
    ns.routes.splice(i, 1);
  }
  ns.routes.push({ dst, prefix, gateway, device, protocol, scope: gateway === null ? scope : RT_SCOPE_UNIVERSE, metric });
  return 0;
}
