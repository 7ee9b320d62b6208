/** IPv4 groups that devices listen to. Linux net/ipv4/igmp.c. Linux differs: it announces memberships to routers; here nobody asks. */
import { hexOf, type NetDevice, Membership } from '../device/net-device.ts';
import { joinLinkGroup, leaveLinkGroup } from '../device/device-registry.ts';

/** 01:00:5e and the low 23 bits. */
export function linkGroupOf4(ip: Uint8Array): Uint8Array {
  return Uint8Array.of(1, 0, 0x5e, ip[1]! & 0x7f, ip[2]!, ip[3]!); // four bytes
}
export function joinGroup4(d: NetDevice, group: Uint8Array): void {
  const key = hexOf(group);
  const m = d.groups4.get(key);
  if (m !== undefined) {
    m.users++;
    return;
  }
  d.groups4.set(key, new Membership(group.slice()));
  if (!d.loopback && d.ethernet) joinLinkGroup(d, linkGroupOf4(group));
}
export function leaveGroup4(d: NetDevice, group: Uint8Array): void {
  const key = hexOf(group);
  const m = d.groups4.get(key);
  if (m === undefined || --m.users > 0) return;
  d.groups4.delete(key);
  if (!d.loopback && d.ethernet) leaveLinkGroup(d, linkGroupOf4(group));
}
