/** /proc/net: routes, neighbours, addresses and groups. */
import type { NetworkNamespace } from '../../net/network-namespace.ts';
import { RT_TABLE_LOCAL, RT_TABLE_MAIN, type Route, RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST, RTN_UNICAST } from '../../net/ip/route-table.ts';
import { dumpOrder } from '../../net/netlink/rtnl-route-dump.ts';
import { NUD_PERMANENT, NUD_VALID } from '../../net/ip/neighbour.ts';

const ROUTE_HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'.padEnd(127) + '\n';
const hex = (n: number, width: number): string => (n >>> 0).toString(16).toUpperCase().padStart(width, '0');
const digits = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join('');
const mac = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join(':');
const word = (ip: Uint8Array): string => hex((ip[3]! << 24) | (ip[2]! << 16) | (ip[1]! << 8) | ip[0]!, 8); // four bytes

/** The main table of IPv4. */
export function routes(net: NetworkNamespace): string {
  let text = ROUTE_HEAD;
  for (const r of dumpOrder(net.routes4, RT_TABLE_MAIN)) {
    if (r.type === RTN_BROADCAST || r.type === RTN_MULTICAST || r.type === RTN_LOCAL) continue;
    const hop = r.hops[0];
    const mask = new Uint8Array(4).map((_, i) => (0xff00 >> Math.min(8, Math.max(0, r.prefix - 8 * i))) & 0xff);
    let flags = r.type === RTN_UNICAST ? 1 : 0x201;
    if (hop?.gateway) flags |= 2;
    if (r.prefix === 32) flags |= 4;
    const gateway = hop?.gateway?.length === 4 ? hop.gateway : new Uint8Array(4);
    text += `${hop?.device?.name ?? '*'}\t${word(r.dst)}\t${word(gateway)}\t${hex(flags, 4)}\t0\t0\t${r.priority}\t${word(mask)}\t${r.metrics?.get(8) ?? 0}\t0\t0`.padEnd(127) + '\n';
  }
  return text;
}
function flags6(r: Route): number {
  let f = 1;
  if (r.hops[0]?.gateway) f |= 2;
  if (r.prefix === 128) f |= r.type === RTN_LOCAL ? 0 : 4;
  if (r.type === RTN_LOCAL) f |= 0x80200000;
  return f;
}
export function routes6(net: NetworkNamespace): string {
  let text = '';
  const none = '00000000000000000000000000000000';
  const line = (r: Route): string =>
    r.hops
      .map(
        (h) =>
          `${digits(r.dst)} ${r.prefix.toString(16).padStart(2, '0')} ${none} 00 ${h.gateway === null ? none : digits(h.gateway)} ${hex(r.priority, 8).toLowerCase()} ${hex(1, 8)} ${hex(0, 8)} ${hex(flags6(r), 8).toLowerCase()} ${(h.device?.name ?? '').padStart(8)}\n`,
      )
      .join('');
  const nothing = `${none} 00 ${none} 00 ${none} ffffffff 00000001 00000000 00200200       lo\n`;
  for (const r of dumpOrder(net.routes6, RT_TABLE_MAIN)) text += line(r);
  text += nothing;
  for (const r of dumpOrder(net.routes6, RT_TABLE_LOCAL)) text += line(r);
  return text + nothing;
}
/** Version-6 addresses of all devices. */
export function addresses6(net: NetworkNamespace): string {
  let text = '';
  for (const d of net.devices)
    for (const a of d.addresses6) {
      const scope = a.scope === 254 ? '10' : a.scope === 253 ? '20' : a.scope === 200 ? '40' : '00';
      text += `${digits(a.local)} ${d.index.toString(16).padStart(2, '0')} ${a.prefix.toString(16).padStart(2, '0')} ${scope} ${(a.flags & 0xff).toString(16).padStart(2, '0')} ${d.name.padStart(8)}\n`;
    }
  return text;
}
export function arpTable(net: NetworkNamespace): string {
  let text = 'IP address       HW type     Flags       HW address            Mask     Device\n';
  for (const n of net.arp.all()) {
    if (n.device.loopback) continue;
    const flags = n.state & NUD_PERMANENT ? 6 : n.state & NUD_VALID ? 2 : 0;
    text += `${n.ip.join('.').padEnd(16)} 0x${n.device.type.toString(16).padEnd(10)}0x${flags.toString(16).padEnd(10)}${mac(n.mac ?? new Uint8Array(6)).padEnd(21)} *        ${n.device.name}\n`;
  }
  return text;
}
export function linkGroups(net: NetworkNamespace): string {
  let text = '';
  for (const d of net.devices) for (const m of d.linkGroups.values()) text += `${String(d.index).padEnd(4)} ${d.name.padEnd(15)} ${String(m.users).padEnd(5)} ${'0'.padEnd(5)} ${digits(m.address)}\n`;
  return text;
}
export function groups4(net: NetworkNamespace): string {
  let text = 'Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n';
  for (const d of net.devices) {
    text += `${d.index}\t${d.name.padEnd(10)}: ${String(d.groups4.size).padStart(5)} ${'V3'.padStart(7)}\n`;
    for (const m of [...d.groups4.values()].reverse()) text += `\t\t\t\t${word(m.address)} ${String(m.users).padStart(5)} 0:00000000\t\t0\n`;
  }
  return text;
}
export function groups6(net: NetworkNamespace): string {
  let text = '';
  for (const d of net.devices)
    for (const m of [...d.groups6.values()].reverse()) {
      const flags = m.address[0] === 0xff && (m.address[1]! & 15) === 1 ? 8 : m.address[15] === 1 && m.address[13] === 0 && m.address[11] === 0 ? 0xc : 4; // 16 bytes
      text += `${String(d.index).padEnd(4)} ${d.name.padEnd(15)} ${digits(m.address)} ${String(m.users).padStart(5)} ${hex(flags, 8)} 0\n`;
    }
  return text;
}
