/** Addresses as RTM_NEWADDR shows them. Linux 6.18 net/ipv4/devinet.c inet_fill_ifaddr(), net/ipv6/addrconf.c inet6_fill_ifaddr(). */
import { type DeviceAddress, IFA_F_PERMANENT } from '../device/net-device.ts';
import { sameBytes } from '../ip/route-table.ts';
import type { NetlinkWriter } from './netlink-message.ts';

export const INFINITE = 0xffffffff;
const NSEC = 1_000_000_000;

export function writeAddress(w: NetlinkWriter, a: DeviceAddress, type: number, flags: number, seq: number, pid: number, targetNsid = -1): void {
  const v4 = a.local.length === 4;
  const { stack } = a.device.ns;
  w.begin(type, flags, seq, pid);
  w.u8(v4 ? 2 : 10);
  w.u8(a.prefix);
  w.u8(a.flags & 0xff);
  w.u8(a.scope);
  w.u32(a.device.index);
  if (targetNsid >= 0) w.attribute32(10, targetNsid);
  if (v4) {
    w.attribute(1, a.address);
    w.attribute(2, a.local);
    if (a.broadcast !== null) w.attribute(4, a.broadcast);
    if (a.label !== '') w.attributeString(3, a.label);
  } else if (!sameBytes(a.local, a.address)) {
    w.attribute(2, a.local);
    w.attribute(1, a.address);
  } else {
    w.attribute(1, a.local);
  }
  if (a.protocol !== 0) w.attribute8(11, a.protocol);
  w.attribute32(8, a.flags);
  if (a.metric !== 0) w.attribute32(9, a.metric);
  let preferred = INFINITE;
  let valid = INFINITE;
  if ((a.flags & IFA_F_PERMANENT) === 0) {
    const passed = Math.floor((stack.now() - a.updated) / NSEC);
    preferred = a.preferredLifetime === INFINITE ? INFINITE : Math.max(0, a.preferredLifetime - passed);
    valid = a.validLifetime === INFINITE ? INFINITE : Math.max(0, a.validLifetime - passed);
  }
  const info = w.nest(6);
  w.u32(preferred);
  w.u32(valid);
  w.u32(Math.floor(a.created / 10_000_000));
  w.u32(Math.floor(a.updated / 10_000_000));
  w.endNest(info);
  w.end();
}
