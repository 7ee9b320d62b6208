/** RTM_NEWADDR, RTM_DELADDR and the dump. Linux 6.18 net/ipv4/devinet.c, net/ipv6/addrconf.c. */
import { EACCES, EADDRNOTAVAIL, EAFNOSUPPORT, EEXIST, EINVAL, ENODEV } from '../../abi/errno.ts';
import { Timer } from '../../base/timers.ts';
import { DeviceAddress, IFA_F_DEPRECATED, IFA_F_MANAGETEMPADDR, IFA_F_MCAUTOJOIN, IFA_F_NODAD, IFA_F_NOPREFIXROUTE, IFA_F_OPTIMISTIC, IFA_F_PERMANENT, type NetDevice } from '../device/net-device.ts';
import { isAny, isMulticast } from '../inet/inet-address.ts';
import { sameBytes, samePrefix } from '../ip/route-table.ts';
import { addAddress4, deleteAddress4 } from '../ipv4/inet-address-list.ts';
import { addAddress6, deleteAddress6 } from '../ipv6/addrconf.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { type Attributes, attributeInt, attributesOf, attributeText, NLM_F_MULTI, NLMSG_HDRLEN } from './netlink-message.ts';
import type { NetlinkRequest } from './netlink-socket.ts';
import { INFINITE, writeAddress } from './rtnl-address-dump.ts';
import * as notify from './route-notify.ts';

const IFADDRMSG = 8;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_RT_PRIORITY = 9;
const IFA_TARGET_NETNSID = 10;
const IFA_PROTO = 11;
const NLM_F_REPLACE = 0x100;
const NLM_F_EXCL = 0x200;
const NSEC = 1_000_000_000;

/** An address with a lifetime becomes deprecated and then goes. */
class Lifetime extends Timer {
  private readonly a: DeviceAddress;
  constructor(a: DeviceAddress) {
    super();
    this.a = a;
  }
  arm(): void {
    const { a } = this;
    const { stack } = a.device.ns;
    const preferred = a.preferredLifetime === INFINITE ? Infinity : a.updated + a.preferredLifetime * NSEC;
    const valid = a.validLifetime === INFINITE ? Infinity : a.updated + a.validLifetime * NSEC;
    const next = (a.flags & IFA_F_DEPRECATED) === 0 ? Math.min(preferred, valid) : valid;
    if (next !== Infinity) stack.timers.arm(this, next);
  }
  override expire(now: number): void {
    const { a } = this;
    if (a.validLifetime !== INFINITE && now >= a.updated + a.validLifetime * NSEC) {
      if (a.local.length === 4) deleteAddress4(a);
      else deleteAddress6(a);
      return;
    }
    a.flags |= IFA_F_DEPRECATED;
    notify.address(a, notify.RTM_NEWADDR);
    this.arm();
  }
}

export function dumpAddresses(r: NetlinkRequest, ns: NetworkNamespace, targetNsid: number): number {
  const family = r.bytes.length > NLMSG_HDRLEN ? r.bytes[NLMSG_HDRLEN]! : 0; // checked
  const v = new DataView(r.bytes.buffer, r.bytes.byteOffset);
  const index = r.socket.strict && r.bytes.length >= NLMSG_HDRLEN + IFADDRMSG ? v.getInt32(NLMSG_HDRLEN + 4, true) : 0;
  if (index !== 0 && ns.deviceByIndex(index) === null) return ENODEV;
  for (const f of [2, 10]) {
    if (family !== 0 && family !== f) continue;
    for (const d of ns.devices) {
      if (index !== 0 && d.index !== index) continue;
      for (const a of f === 2 ? d.addresses4 : d.addresses6) {
        writeAddress(r.writer, a, notify.RTM_NEWADDR, NLM_F_MULTI, r.seq, r.socket.pid, targetNsid);
        r.socket.split();
      }
    }
  }
  r.ext.dumped = true;
  return 0;
}
export { IFA_TARGET_NETNSID };

export function changeAddress(r: NetlinkRequest, ns: NetworkNamespace, remove: boolean): number {
  if (r.bytes.length < NLMSG_HDRLEN + IFADDRMSG) return EINVAL;
  const v = new DataView(r.bytes.buffer, r.bytes.byteOffset);
  const family = r.bytes[NLMSG_HDRLEN]!; // checked length, as below
  const prefix = r.bytes[NLMSG_HDRLEN + 1]!;
  const attrs = attributesOf(r.bytes, NLMSG_HDRLEN + IFADDRMSG);
  const d = ns.deviceByIndex(v.getInt32(NLMSG_HDRLEN + 4, true));
  if (family !== 2 && family !== 10) return EAFNOSUPPORT;
  const length = family === 2 ? 4 : 16;
  const local = attrs.get(IFA_LOCAL) ?? attrs.get(IFA_ADDRESS);
  if (remove) return removeAddress(r, d, attrs, prefix, length);
  if (prefix > length * 8) return r.ext.fail(EINVAL, length === 4 ? 'ipv4: Invalid prefix length' : 'Invalid prefix length');
  if (local === undefined || local.length !== length || (length === 4 && !attrs.has(IFA_LOCAL))) return length === 4 ? r.ext.fail(EINVAL, 'ipv4: Local address is not supplied') : EINVAL;
  if (d === null) return length === 4 ? r.ext.fail(ENODEV, 'ipv4: Device not found') : r.ext.fail(ENODEV, 'Unable to find the interface');
  const flagsAttr = attrs.get(IFA_FLAGS);
  let flags = flagsAttr !== undefined ? attributeInt(flagsAttr) : r.bytes[NLMSG_HDRLEN + 2]!;
  let preferred = INFINITE;
  let valid = INFINITE;
  const cache = attrs.get(IFA_CACHEINFO);
  if (cache !== undefined) {
    if (cache.length < 8) return EINVAL;
    const c = new DataView(cache.buffer, cache.byteOffset);
    preferred = c.getUint32(0, true);
    valid = c.getUint32(4, true);
    if (valid === 0 || preferred > valid) return r.ext.fail(EINVAL, valid === 0 ? 'ipv4: address lifetime invalid' : 'ipv4: preferred lifetime is greater than valid lifetime');
  }
  const existing = (length === 4 ? d.addresses4 : d.addresses6).find(
    (a) => sameBytes(a.local, local) && (length === 16 || (a.prefix === prefix && samePrefix(a.address, attrs.get(IFA_ADDRESS) ?? local, prefix))),
  );
  if (existing !== undefined) {
    if (r.flags & NLM_F_EXCL || (r.flags & NLM_F_REPLACE) === 0) return length === 4 ? r.ext.fail(EEXIST, 'ipv4: Address already assigned') : r.ext.fail(EEXIST, 'address already assigned');
    lifetimes(existing, preferred, valid);
    notify.address(existing, notify.RTM_NEWADDR);
    return 0;
  }
  const bad = length === 4 ? 0 : check6(r, d, local);
  if (bad < 0) return bad;
  const a = new DeviceAddress(d, local.slice(), prefix, (attrs.get(IFA_ADDRESS) ?? local).slice());
  if (sameBytes(a.local, a.address) === false && length === 16 && !attrs.has(IFA_LOCAL)) return EINVAL;
  flags &= length === 4 ? IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN : IFA_F_NODAD | 0x10 | IFA_F_MANAGETEMPADDR | IFA_F_NOPREFIXROUTE | IFA_F_MCAUTOJOIN | IFA_F_OPTIMISTIC;
  a.flags = flags;
  a.scope = r.bytes[NLMSG_HDRLEN + 3]!;
  a.created = ns.stack.now();
  lifetimes(a, preferred, valid);
  const metric = attrs.get(IFA_RT_PRIORITY);
  if (metric !== undefined) a.metric = attributeInt(metric) >>> 0;
  const protocol = attrs.get(IFA_PROTO);
  if (protocol !== undefined) a.protocol = protocol[0] ?? 0;
  if (length === 16) return addAddress6(d, a);
  const broadcast = attrs.get(IFA_BROADCAST);
  if (broadcast !== undefined) a.broadcast = broadcast.slice(0, 4);
  a.label = attributeText(attrs.get(IFA_LABEL)) || d.name;
  return addAddress4(d, a);
}
function check6(r: NetlinkRequest, d: NetDevice, ip: Uint8Array): number {
  if ((d.conf6['disable_ipv6'] ?? 0) !== 0) return r.ext.fail(EACCES, 'IPv6 is disabled on this device');
  if (isAny(ip)) return r.ext.fail(EADDRNOTAVAIL, 'Cannot assign requested address');
  if (d.mtu < 1280) return EINVAL;
  return isMulticast(ip) ? r.ext.fail(EADDRNOTAVAIL, 'Cannot assign requested address') : 0;
}
function lifetimes(a: DeviceAddress, preferred: number, valid: number): void {
  const { stack } = a.device.ns;
  a.updated = stack.now();
  a.preferredLifetime = preferred;
  a.validLifetime = valid;
  a.flags &= ~(IFA_F_PERMANENT | IFA_F_DEPRECATED);
  if (valid === INFINITE) a.flags |= IFA_F_PERMANENT;
  if (preferred === 0) a.flags |= IFA_F_DEPRECATED;
  if (preferred !== INFINITE || valid !== INFINITE) new Lifetime(a).arm();
}
function removeAddress(r: NetlinkRequest, d: NetDevice | null, attrs: Attributes, prefix: number, length: number): number {
  const wanted = attrs.get(IFA_LOCAL) ?? attrs.get(IFA_ADDRESS);
  if (d === null) return length === 4 ? r.ext.fail(ENODEV, 'ipv4: Device not found') : r.ext.fail(ENODEV, 'Unable to find the interface');
  if (length === 16) {
    if (wanted === undefined) return EINVAL;
    const a = d.addresses6.find((o) => o.prefix === prefix && sameBytes(o.local, wanted));
    return a === undefined ? r.ext.fail(EADDRNOTAVAIL, 'address not found') : deleteAddress6(a);
  }
  const local = attrs.get(IFA_LOCAL);
  const label = attrs.has(IFA_LABEL) ? attributeText(attrs.get(IFA_LABEL)) : null;
  const address = attrs.get(IFA_ADDRESS);
  const a = d.addresses4.find(
    (o) => (local === undefined || sameBytes(o.local, local)) && (label === null || o.label === label) && (address === undefined || (o.prefix === prefix && samePrefix(o.address, address, o.prefix))),
  );
  return a === undefined ? r.ext.fail(EADDRNOTAVAIL, 'ipv4: Address not found') : deleteAddress4(a);
}
