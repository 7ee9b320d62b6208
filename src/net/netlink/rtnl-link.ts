/** RTM_NEWLINK, RTM_SETLINK, RTM_DELLINK, RTM_GETLINK. Linux 6.18 net/core/rtnetlink.c, drivers/net/veth.c, net/bridge/br_netlink.c. */
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import { EADDRNOTAVAIL, EBUSY, EEXIST, EINVAL, ELOOP, ENODEV, EOPNOTSUPP, EPERM, ERANGE, type Errno, isErr } from '../../abi/errno.ts';
import { BridgeDevice, type BridgePort } from '../device/bridge.ts';
import { allocName, changeFlags, deleteDevice, moveDevice, randomMac, registerDevice, renameDevice, setMtu, validName } from '../device/device-registry.ts';
import { IFF_UP, type NetDevice } from '../device/net-device.ts';
import { DummyDevice, IfbDevice, VethDevice } from '../device/virtual-devices.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { type Attributes, attributeInt, attributesOf, attributeText, forEachAttribute, NLM_F_MULTI, NLMSG_HDRLEN } from './netlink-message.ts';
import type { NetlinkRequest } from './netlink-socket.ts';
import { writeBridgePort, writeLink } from './rtnl-link-dump.ts';
import * as notify from './route-notify.ts';

/** Finds the namespace that a descriptor or a process id names. */
export interface NamespaceResolver {
  byFd(ctx: SocketCaller, fd: number): NetworkNamespace | Errno;
  byPid(ctx: SocketCaller, pid: number): NetworkNamespace | Errno;
}
let resolver: NamespaceResolver | null = null;
/** The kernel says how namespaces are found. */
export function setNamespaceResolver(r: NamespaceResolver): void {
  resolver = r;
}

const IFINFOMSG = 16;
const IFLA_ADDRESS = 1;
const IFLA_BROADCAST = 2;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_MASTER = 10;
const IFLA_PROTINFO = 12;
const IFLA_TXQLEN = 13;
const IFLA_OPERSTATE = 16;
const IFLA_LINKMODE = 17;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_PID = 19;
const IFLA_IFALIAS = 20;
const IFLA_AF_SPEC = 26;
const IFLA_GROUP = 27;
const IFLA_NET_NS_FD = 28;
const IFLA_EXT_MASK = 29;
const IFLA_NUM_TX_QUEUES = 31;
const IFLA_CARRIER = 33;
const IFLA_LINK_NETNSID = 37;
const IFLA_PROTO_DOWN = 39;
const IFLA_GSO_MAX_SEGS = 40;
const IFLA_GSO_MAX_SIZE = 41;
const IFLA_TARGET_NETNSID = 46;
const IFLA_NEW_IFINDEX = 49;
const IFLA_PROP_LIST = 52;
const IFLA_ALT_IFNAME = 53;
const IFLA_GRO_MAX_SIZE = 58;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const VETH_INFO_PEER = 1;
const NLM_F_EXCL = 0x200;
const NLM_F_CREATE = 0x400;
const NLM_F_ECHO = 8;
const AF_BRIDGE = 7;
/** Kinds that can be made. */
const KINDS: ReadonlySet<string> = new Set(['veth', 'bridge', 'dummy', 'ifb', 'tun']);

interface Target {
  readonly ns: NetworkNamespace;
}
/** The namespace a request is about (IFLA_TARGET_NETNSID), or the socket's own. */
function namespaceOf(r: NetlinkRequest, ns: NetworkNamespace, attrs: Attributes): NetworkNamespace | Errno {
  const id = attrs.get(IFLA_TARGET_NETNSID);
  if (id === undefined) return ns;
  const target = ns.byId(attributeInt(id));
  if (target === null) return r.ext.fail(EINVAL, 'invalid target network namespace id') as Errno;
  return r.ctx.credentials.nsCapable(target.userNs, CAP_NET_ADMIN) ? target : (r.ext.fail(EPERM, 'invalid target network namespace id') as Errno);
}
/** Where a device shall be (IFLA_NET_NS_PID, IFLA_NET_NS_FD), or `ns`. */
function destinationOf(r: NetlinkRequest, ns: NetworkNamespace, attrs: Attributes): Target | Errno {
  const fd = attrs.get(IFLA_NET_NS_FD);
  const pid = attrs.get(IFLA_NET_NS_PID);
  if (fd !== undefined && pid !== undefined) return r.ext.fail(EINVAL, 'multiple netns identifying attributes specified') as Errno;
  if (resolver === null || (fd === undefined && pid === undefined)) return { ns };
  const target = fd !== undefined ? resolver.byFd(r.ctx, attributeInt(fd)) : resolver.byPid(r.ctx, attributeInt(pid!)); // one of them is there
  if (isErr(target)) return target;
  return r.ctx.credentials.nsCapable(target.userNs, CAP_NET_ADMIN) ? { ns: target } : EPERM;
}

function header(b: Uint8Array): { index: number; flags: number; change: number; family: number } {
  const v = new DataView(b.buffer, b.byteOffset);
  return { family: b[NLMSG_HDRLEN]!, index: v.getInt32(NLMSG_HDRLEN + 4, true), flags: v.getUint32(NLMSG_HDRLEN + 8, true), change: v.getUint32(NLMSG_HDRLEN + 12, true) }; // length was checked
}
/** The device named by index, name or alternative name. */
function find(ns: NetworkNamespace, index: number, attrs: Attributes): NetDevice | null {
  if (index > 0) return ns.deviceByIndex(index);
  const name = attributeText(attrs.get(IFLA_IFNAME)) || attributeText(attrs.get(IFLA_ALT_IFNAME));
  return name === '' ? null : ns.deviceByName(name);
}

// ---- questions

export function dumpLinks(r: NetlinkRequest, own: NetworkNamespace): number {
  const long = r.bytes.length >= NLMSG_HDRLEN + IFINFOMSG;
  const attrs = long ? attributesOf(r.bytes, NLMSG_HDRLEN + IFINFOMSG) : new Map<number, Uint8Array>();
  const family = r.bytes.length > NLMSG_HDRLEN ? r.bytes[NLMSG_HDRLEN]! : 0; // checked
  const ns = namespaceOf(r, own, attrs);
  if (isErr(ns)) return ns;
  const mask = attrs.has(IFLA_EXT_MASK) ? attributeInt(attrs.get(IFLA_EXT_MASK)!) : 0; // it is there
  if (family === AF_BRIDGE) {
    for (const d of ns.devices) {
      if (d.port === null) continue;
      writeBridgePort(r.writer, d.port, notify.RTM_NEWLINK, NLM_F_MULTI, r.seq, r.socket.pid);
      r.socket.split();
    }
    r.ext.dumped = true;
    return 0;
  }
  const master = attrs.has(IFLA_MASTER) ? attributeInt(attrs.get(IFLA_MASTER)!) : 0; // as above
  const info = attrs.get(IFLA_LINKINFO);
  const kind = info === undefined ? '' : attributeText(attributesOf(info, 0).get(IFLA_INFO_KIND));
  const targetNsid = attrs.has(IFLA_TARGET_NETNSID) ? attributeInt(attrs.get(IFLA_TARGET_NETNSID)!) : -1; // as above
  for (const d of ns.devices) {
    if ((master !== 0 && d.master?.index !== master) || (kind !== '' && d.kind !== kind)) continue;
    writeLink(r.writer, d, { type: notify.RTM_NEWLINK, flags: NLM_F_MULTI, seq: r.seq, pid: r.socket.pid, change: 0, mask, newNs: null, newIndex: 0, full: true, targetNsid });
    r.socket.split();
  }
  r.ext.dumped = true;
  return 0;
}

export function getLink(r: NetlinkRequest, own: NetworkNamespace): number {
  if (r.bytes.length < NLMSG_HDRLEN + IFINFOMSG) return EINVAL;
  const attrs = attributesOf(r.bytes, NLMSG_HDRLEN + IFINFOMSG);
  const ns = namespaceOf(r, own, attrs);
  if (isErr(ns)) return ns;
  const { index } = header(r.bytes);
  if (index <= 0 && !attrs.has(IFLA_IFNAME) && !attrs.has(IFLA_ALT_IFNAME)) return EINVAL;
  const d = find(ns, index, attrs);
  if (d === null) return ENODEV;
  const mask = attrs.has(IFLA_EXT_MASK) ? attributeInt(attrs.get(IFLA_EXT_MASK)!) : 0; // it is there
  const targetNsid = attrs.has(IFLA_TARGET_NETNSID) ? attributeInt(attrs.get(IFLA_TARGET_NETNSID)!) : -1; // as above
  writeLink(r.writer, d, { type: notify.RTM_NEWLINK, flags: 0, seq: r.seq, pid: r.socket.pid, change: 0, mask, newNs: null, newIndex: 0, full: true, targetNsid });
  return 0;
}

// ---- changes

export function changeLink(r: NetlinkRequest, own: NetworkNamespace): number {
  if (r.bytes.length < NLMSG_HDRLEN + IFINFOMSG) return EINVAL;
  const attrs = attributesOf(r.bytes, NLMSG_HDRLEN + IFINFOMSG);
  const ns = namespaceOf(r, own, attrs);
  if (isErr(ns)) return ns;
  const h = header(r.bytes);
  if (h.family === AF_BRIDGE) return setBridgePort(ns, h.index, attrs);
  const name = attrs.get(IFLA_IFNAME);
  if (name !== undefined && name.length > 16) return r.ext.fail(ERANGE, 'Attribute failed policy validation');
  const d = find(ns, h.index, attrs);
  const create = (r.flags & NLM_F_CREATE) !== 0 && r.type === notify.RTM_NEWLINK;
  if (d !== null) {
    if (r.type === notify.RTM_NEWLINK && r.flags & NLM_F_EXCL) return EEXIST;
    return apply(r, d, attrs, h.flags, h.change, ns);
  }
  if (!create) {
    // By group: all devices of it.
    const group = attrs.get(IFLA_GROUP);
    if (h.index === 0 && group !== undefined && !attrs.has(IFLA_IFNAME)) {
      for (const o of ns.devices.filter((x) => x.group === attributeInt(group))) {
        const e = apply(r, o, attrs, h.flags, h.change, ns);
        if (e < 0) return e;
      }
      return 0;
    }
    return ENODEV;
  }
  return createLink(r, ns, attrs, h);
}

/** do_setlink: in Linux's order. */
function apply(r: NetlinkRequest, d: NetDevice, attrs: Attributes, flags: number, change: number, ns: NetworkNamespace): number {
  const target = destinationOf(r, ns, attrs);
  if (isErr(target)) return target;
  const name = d.ns.deviceByName(attributeText(attrs.get(IFLA_IFNAME))) === d ? '' : attributeText(attrs.get(IFLA_IFNAME));
  const wanted = attrs.get(IFLA_NEW_IFINDEX);
  if (target.ns !== d.ns) {
    const e = moveDevice(d, target.ns, name, wanted === undefined ? 0 : attributeInt(wanted));
    if (e < 0) return e === EINVAL ? r.ext.fail(EINVAL, 'The interface netns is immutable') : e;
  }
  const mac = attrs.get(IFLA_ADDRESS);
  if (mac !== undefined) {
    if (mac.length < d.mac.length) return EINVAL;
    const e = d.loopback ? EOPNOTSUPP : d.setMac(mac.slice(0, 6));
    if (e < 0) return e;
    notify.link(d, notify.RTM_NEWLINK, 0);
  }
  const mtu = attrs.get(IFLA_MTU);
  if (mtu !== undefined) {
    const n = attributeInt(mtu);
    if (n !== d.mtu && (n < 0 || n < d.minMtu)) return r.ext.fail(EINVAL, 'mtu less than device minimum');
    if (n !== d.mtu && d.maxMtu > 0 && n > d.maxMtu) return r.ext.fail(EINVAL, 'mtu greater than device maximum');
    const e = setMtu(d, n);
    if (e < 0) return e;
    notify.link(d, notify.RTM_NEWLINK, 0);
  }
  const group = attrs.get(IFLA_GROUP);
  if (group !== undefined) d.group = attributeInt(group);
  if (name !== '' && target.ns === ns) {
    const e = renameDevice(d, name);
    if (e < 0) return e;
    notify.link(d, notify.RTM_NEWLINK, 0);
  }
  const alias = attrs.get(IFLA_IFALIAS);
  if (alias !== undefined) d.alias = attributeText(alias);
  const broadcast = attrs.get(IFLA_BROADCAST);
  if (broadcast !== undefined) d.broadcast = broadcast.slice(0, 6);
  const master = attrs.get(IFLA_MASTER);
  if (master !== undefined) {
    const e = setMaster(r, d, attributeInt(master));
    if (e < 0) return e;
  }
  if (flags !== 0 || change !== 0) {
    const e = changeFlags(d, change !== 0 ? (d.allFlags & ~change) | (flags & change) : flags);
    if (e < 0) return e;
  }
  const carrier = attrs.get(IFLA_CARRIER);
  if (carrier !== undefined) return d.kind === 'dummy' ? 0 : EOPNOTSUPP;
  const queue = attrs.get(IFLA_TXQLEN);
  if (queue !== undefined) d.txQueueLength = attributeInt(queue) >>> 0;
  const gso = attrs.get(IFLA_GSO_MAX_SIZE);
  if (gso !== undefined) {
    if (attributeInt(gso) >>> 0 > d.tsoMaxSize) return r.ext.fail(EINVAL, 'too big gso_max_size');
    d.gsoMaxSize = attributeInt(gso) >>> 0;
  }
  const segs = attrs.get(IFLA_GSO_MAX_SEGS);
  if (segs !== undefined) d.gsoMaxSegs = attributeInt(segs) >>> 0;
  const gro = attrs.get(IFLA_GRO_MAX_SIZE);
  if (gro !== undefined) d.groMaxSize = attributeInt(gro) >>> 0;
  const mode = attrs.get(IFLA_LINKMODE);
  if (mode !== undefined) d.linkMode = mode[0] ?? 0;
  const down = attrs.get(IFLA_PROTO_DOWN);
  if (down !== undefined) return EOPNOTSUPP;
  const families = attrs.get(IFLA_AF_SPEC);
  if (families !== undefined) setFamilies(d, families);
  const info = attrs.get(IFLA_LINKINFO);
  if (info !== undefined) {
    const nested = attributesOf(info, 0);
    const kind = attributeText(nested.get(IFLA_INFO_KIND));
    const data = nested.get(IFLA_INFO_DATA);
    if (kind !== '' && data !== undefined) {
      if (kind !== d.kind) return EOPNOTSUPP;
      if (d instanceof BridgeDevice) {
        const e = setBridge(d, attributesOf(data, 0));
        if (e < 0) return e;
      }
    }
    const slave = nested.get(IFLA_INFO_SLAVE_DATA);
    if (attributeText(nested.get(IFLA_INFO_SLAVE_KIND)) !== '' && slave !== undefined) {
      if (d.port === null) return EINVAL;
      setPort(d.port, attributesOf(slave, 0));
    }
  }
  const operState = attrs.get(IFLA_OPERSTATE);
  if (operState !== undefined && d.up && (operState[0] === 6 || operState[0] === 5)) d.operState = operState[0];
  return 0;
}

function setMaster(r: NetlinkRequest, d: NetDevice, index: number): number {
  if (d.master !== null) {
    if (d.master.index === index) return 0;
    const e = d.master.release(d);
    if (e < 0) return e;
    notify.link(d, notify.RTM_NEWLINK, 0);
  }
  if (index === 0) return 0;
  const master = d.ns.deviceByIndex(index);
  if (master === null) return EINVAL;
  if (master.kind === 'bridge' && d.loopback) return EINVAL;
  if (master.kind === 'bridge' && d.kind === 'bridge') return r.ext.fail(ELOOP, 'Can not enslave a bridge to a bridge');
  const e = master.enslave(d);
  if (e < 0) return e;
  notify.link(d, notify.RTM_NEWLINK, 0);
  return 0;
}
function setFamilies(d: NetDevice, spec: Uint8Array): void {
  const inet6 = attributesOf(spec, 0).get(10);
  if (inet6 === undefined) return;
  const mode = attributesOf(inet6, 0).get(8);
  if (mode !== undefined) d.conf6['addr_gen_mode'] = mode[0] ?? 0;
}
function numberOf(data: Uint8Array): number {
  let n = 0;
  for (let i = Math.min(data.length, 6) - 1; i >= 0; i--) n = n * 256 + data[i]!; // in range
  return n;
}
function setBridge(d: BridgeDevice, data: Attributes): number {
  for (const [type, value] of data) {
    const n = numberOf(value);
    switch (type) {
      case 1:
        if (n < 200 || n > 3000) return ERANGE;
        d.forwardDelay = n;
        break;
      case 2:
        if (n < 100 || n > 1000) return ERANGE;
        d.helloTime = n;
        break;
      case 3:
        if (n < 600 || n > 4000) return ERANGE;
        d.maxAge = n;
        break;
      case 4:
        d.ageingTime = n;
        break;
      case 5:
        d.stpState = n !== 0 ? 1 : 0;
        break;
      case 6:
        d.bridgePriority = n;
        break;
      case 21:
        for (const [key, e] of d.fdb) if (!e.local && !e.fixed) d.fdb.delete(key);
        break;
      default:
        d.options.set(type, n);
    }
  }
  return 0;
}
function setPort(p: BridgePort, data: Attributes): void {
  for (const [type, value] of data) {
    const n = numberOf(value);
    if (type === 1) p.state = n;
    else if (type === 2) p.priority = n;
    else if (type === 3) p.cost = n;
    else if (type === 24) {
      for (const [key, e] of p.bridge.fdb) if (e.port === p && !e.local && !e.fixed) p.bridge.fdb.delete(key);
    } else p.options.set(type, n);
  }
}
/** bridge link set (family AF_BRIDGE). */
function setBridgePort(ns: NetworkNamespace, index: number, attrs: Attributes): number {
  const d = ns.deviceByIndex(index);
  if (d === null) return ENODEV;
  if (d.port === null) return EOPNOTSUPP;
  const info = attrs.get(IFLA_PROTINFO);
  if (info === undefined) return 0;
  setPort(d.port, attributesOf(info, 0));
  notify.bridgePort(d.port);
  return 0;
}

/** ip link add. */
function createLink(r: NetlinkRequest, ns: NetworkNamespace, attrs: Attributes, h: { index: number; flags: number; change: number }): number {
  const info = attrs.get(IFLA_LINKINFO);
  const nested: Attributes = info === undefined ? new Map() : attributesOf(info, 0);
  const kind = attributeText(nested.get(IFLA_INFO_KIND));
  if (!KINDS.has(kind)) return kind === '' ? EOPNOTSUPP : r.ext.fail(EOPNOTSUPP, 'Unknown device type');
  if (kind === 'tun') return r.ext.fail(EOPNOTSUPP, 'tun/tap creation via rtnetlink is not supported');
  const target = destinationOf(r, ns, attrs);
  if (isErr(target)) return target;
  const linkNsid = attrs.get(IFLA_LINK_NETNSID);
  if (linkNsid !== undefined && ns.byId(attributeInt(linkNsid)) === null) return r.ext.fail(EINVAL, 'Unknown network namespace id');
  const given = attributeText(attrs.get(IFLA_IFNAME));
  const name = allocName(target.ns, given === '' ? `${kind}%d` : given);
  if (typeof name === 'number') return name;
  if (h.index !== 0 && target.ns.deviceByIndex(h.index) !== null) return EBUSY;
  const data = nested.get(IFLA_INFO_DATA);
  const macs = checkMac(attrs);
  if (macs < 0) return macs;
  let peer: VethDevice | null = null;
  let d: NetDevice;
  switch (kind) {
    case 'veth': {
      const made = createPeer(r, ns, target.ns, name, data);
      if (typeof made === 'number') return made;
      peer = made;
      const v = new VethDevice(target.ns, name, randomMac(target.ns));
      v.peer = peer;
      peer.peer = v;
      d = v;
      break;
    }
    case 'bridge':
      d = new BridgeDevice(target.ns, name, randomMac(target.ns));
      break;
    case 'ifb':
      d = new IfbDevice(target.ns, name, randomMac(target.ns));
      break;
    default:
      d = new DummyDevice(target.ns, name, randomMac(target.ns));
  }
  const e = configure(r, d, attrs, h);
  if (e < 0) {
    if (peer !== null) deleteDevice(peer);
    return e;
  }
  if (d instanceof BridgeDevice && data !== undefined) {
    const b = setBridge(d, attributesOf(data, 0));
    if (b < 0) {
      deleteDevice(d);
      return b;
    }
  }
  if (r.flags & NLM_F_ECHO) writeLink(r.writer, d, { type: notify.RTM_NEWLINK, flags: 0, seq: r.seq, pid: r.socket.pid, change: 0xffffffff, mask: 0, newNs: null, newIndex: 0, full: true });
  const master = attrs.get(IFLA_MASTER);
  return master === undefined ? 0 : setMaster(r, d, attributeInt(master));
}
function checkMac(attrs: Attributes): number {
  const mac = attrs.get(IFLA_ADDRESS);
  if (mac === undefined) return 0;
  if (mac.length !== 6) return EINVAL;
  return (mac[0]! & 1) !== 0 || mac.every((b) => b === 0) ? EADDRNOTAVAIL : 0; // six bytes
}
/** Sets what a new device was given, registers it, brings it up. */
function configure(r: NetlinkRequest, d: NetDevice, attrs: Attributes, h: { index: number; flags: number; change: number }): number {
  const mac = attrs.get(IFLA_ADDRESS);
  if (mac !== undefined) {
    d.mac = mac.slice(0, 6);
    d.addressAssign = 3;
  }
  const mtu = attrs.get(IFLA_MTU);
  if (mtu !== undefined) {
    const n = attributeInt(mtu);
    if (n < d.minMtu) return r.ext.fail(EINVAL, 'mtu less than device minimum');
    if (d.maxMtu > 0 && n > d.maxMtu) return r.ext.fail(EINVAL, 'mtu greater than device maximum');
    d.changeMtu(n);
  }
  const queue = attrs.get(IFLA_TXQLEN);
  if (queue !== undefined) d.txQueueLength = attributeInt(queue) >>> 0;
  const group = attrs.get(IFLA_GROUP);
  if (group !== undefined) d.group = attributeInt(group);
  const queues = attrs.get(IFLA_NUM_TX_QUEUES);
  if (queues !== undefined) d.numQueues = Math.max(1, attributeInt(queues));
  if (h.index > 0) {
    d.index = h.index;
    d.ns.reserveIndex(h.index);
  }
  registerDevice(d);
  if (h.flags !== 0 || h.change !== 0) return changeFlags(d, h.change !== 0 ? (d.allFlags & ~h.change) | (h.flags & h.change) : h.flags | (d.allFlags & ~IFF_UP));
  return 0;
}
/** The other end of a veth pair: it is made first. */
function createPeer(r: NetlinkRequest, own: NetworkNamespace, near: NetworkNamespace, name: string, data: Uint8Array | undefined): VethDevice | number {
  const peerInfo = data === undefined ? undefined : attributesOf(data, 0).get(VETH_INFO_PEER);
  const attrs: Attributes = peerInfo === undefined ? new Map() : attributesOf(peerInfo, IFINFOMSG);
  const v = peerInfo === undefined ? null : new DataView(peerInfo.buffer, peerInfo.byteOffset);
  if (peerInfo !== undefined && peerInfo.length < IFINFOMSG) return EINVAL;
  const target = peerInfo === undefined ? { ns: own } : destinationOf(r, own, attrs);
  if (isErr(target)) return target;
  const ns = peerInfo === undefined || (!attrs.has(IFLA_NET_NS_FD) && !attrs.has(IFLA_NET_NS_PID)) ? near : target.ns;
  const given = attributeText(attrs.get(IFLA_IFNAME));
  if (given !== '' && !validName(given)) return EINVAL;
  let peerName = allocName(ns, given === '' ? 'veth%d' : given);
  // The near end will have its name.
  if (peerName === name && ns === near) {
    if (given !== '') return EEXIST;
    for (let i = 0; ; i++)
      if (`veth${i}` !== name && ns.deviceByName(`veth${i}`) === null) {
        peerName = `veth${i}`;
        break;
      }
  }
  if (typeof peerName === 'number') return peerName;
  const index = v === null ? 0 : v.getInt32(4, true);
  if (index > 0 && ns.deviceByIndex(index) !== null) return EBUSY;
  const mac = checkMac(attrs);
  if (mac < 0) return mac;
  const peer = new VethDevice(ns, peerName, randomMac(ns));
  const e = configure(r, peer, attrs, { index, flags: v === null ? 0 : v.getUint32(8, true), change: v === null ? 0 : v.getUint32(12, true) });
  return e < 0 ? e : peer;
}

export function deleteLink(r: NetlinkRequest, own: NetworkNamespace): number {
  if (r.bytes.length < NLMSG_HDRLEN + IFINFOMSG) return EINVAL;
  const attrs = attributesOf(r.bytes, NLMSG_HDRLEN + IFINFOMSG);
  const ns = namespaceOf(r, own, attrs);
  if (isErr(ns)) return ns;
  const { index } = header(r.bytes);
  const group = attrs.get(IFLA_GROUP);
  if (index === 0 && group !== undefined && !attrs.has(IFLA_IFNAME)) {
    const all = ns.devices.filter((d) => d.group === attributeInt(group));
    if (all.length === 0 || attributeInt(group) === 0) return attributeInt(group) === 0 ? EPERM : ENODEV;
    if (all.some((d) => !d.deletable)) return EOPNOTSUPP;
    for (const d of all) if (d.registered) deleteDevice(d);
    return 0;
  }
  const d = find(ns, index, attrs);
  if (d === null) return index > 0 || attrs.has(IFLA_IFNAME) || attrs.has(IFLA_ALT_IFNAME) ? ENODEV : EINVAL;
  return deleteDevice(d);
}

/** RTM_NEWLINKPROP, RTM_DELLINKPROP: alternative names. */
export function changeLinkProperty(r: NetlinkRequest, ns: NetworkNamespace, remove: boolean): number {
  if (r.bytes.length < NLMSG_HDRLEN + IFINFOMSG) return EINVAL;
  const attrs = attributesOf(r.bytes, NLMSG_HDRLEN + IFINFOMSG);
  const d = find(ns, header(r.bytes).index, attrs);
  if (d === null) return ENODEV;
  const list = attrs.get(IFLA_PROP_LIST);
  if (list === undefined) return 0;
  let result = 0;
  forEachAttribute(list, 0, list.length, (type, data) => {
    if (type !== IFLA_ALT_IFNAME || result < 0) return;
    const name = attributeText(data);
    if (remove) {
      const i = d.alternativeNames.indexOf(name);
      if (i < 0) result = ns.deviceByName(name) === null ? ENODEV : EINVAL;
      else d.alternativeNames.splice(i, 1);
    } else if (name === '' || /[\s/:]/.test(name)) result = EINVAL;
    else if (ns.deviceByName(name) !== null) result = EEXIST;
    else d.alternativeNames.push(name);
  });
  if (result === 0) notify.link(d, notify.RTM_NEWLINK, 0);
  return result;
}
