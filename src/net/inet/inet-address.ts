/** Socket addresses of AF_INET and AF_INET6. */
import { AF_INET, AF_INET6, SIZEOF_SOCKADDR_IN, SIZEOF_SOCKADDR_IN6 } from '../../abi/socket.ts';

/** An address and a port; `ip` has 4 or 16 bytes. IPv4-mapped IPv6 addresses are kept as IPv4. */
export class Endpoint {
  readonly ip: Uint8Array;
  port: number;
  /** sin6_scope_id, and the flow label with its class. */
  readonly scope: number;
  readonly flow: number;
  constructor(ip: Uint8Array, port: number, scope = 0, flow = 0) {
    this.ip = ip;
    this.port = port;
    this.scope = scope;
    this.flow = flow;
  }
}

export const ANY4: Uint8Array = new Uint8Array(4);
export const ANY6: Uint8Array = new Uint8Array(16);
export const LOOPBACK4: Uint8Array = Uint8Array.of(127, 0, 0, 1);
export const LOOPBACK6: Uint8Array = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1);

export function isAny(ip: Uint8Array): boolean {
  for (let i = 0; i < ip.length; i++) if (ip[i] !== 0) return false;
  return true;
}
export function sameIp(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
export function isMulticast(ip: Uint8Array): boolean {
  return ip.length === 4 ? (ip[0]! & 0xf0) === 0xe0 : ip[0] === 0xff; // of at least 4 bytes
}
export function isBroadcast(ip: Uint8Array): boolean {
  return ip.length === 4 && ip[0] === 255 && ip[1] === 255 && ip[2] === 255 && ip[3] === 255;
}
export function isLoopback4(ip: Uint8Array): boolean {
  return ip.length === 4 && ip[0] === 127;
}
export function isLinkLocal(ip: Uint8Array): boolean {
  return ip.length === 16 && ip[0] === 0xfe && (ip[1]! & 0xc0) === 0x80; // 16 bytes
}
/** ff01::/16 and ff02::/16, which mean something on one link only. */
export function isLinkScopeMulticast(ip: Uint8Array): boolean {
  return ip.length === 16 && ip[0] === 0xff && (ip[1]! & 15) <= 2; // 16 bytes
}

/** Reads a sockaddr of at least the family's size; the family was checked. */
export function decodeEndpoint(address: Uint8Array, family: number): Endpoint {
  const port = (address[2]! << 8) | address[3]!; // sockaddr_in and sockaddr_in6 are longer
  if (family === AF_INET) return new Endpoint(address.slice(4, 8), port);
  const ip = address.slice(8, 24);
  const view = new DataView(address.buffer, address.byteOffset);
  const flow = view.getUint32(4, false);
  const scope = address.length >= SIZEOF_SOCKADDR_IN6 ? view.getUint32(24, true) : 0;
  return isMapped(ip) ? new Endpoint(ip.slice(12), port, scope) : new Endpoint(ip, port, scope, flow);
}

/** ::ffff:a.b.c.d */
export function isMapped(ip: Uint8Array): boolean {
  for (let i = 0; i < 10; i++) if (ip[i] !== 0) return false;
  return ip[10] === 0xff && ip[11] === 0xff;
}
/** An IPv4 address as IPv6 has it. */
export function mapped(ip: Uint8Array): Uint8Array {
  if (ip.length === 16) return ip;
  const m = new Uint8Array(16);
  m[10] = m[11] = 0xff;
  m.set(ip, 12);
  return m;
}

/** A sockaddr for a socket of `family`; `mapAny`: 0.0.0.0 becomes ::ffff:0.0.0.0, not ::. */
export function encodeEndpoint(e: Endpoint, family: number, mapAny = false): Uint8Array {
  const a = new Uint8Array(family === AF_INET ? SIZEOF_SOCKADDR_IN : SIZEOF_SOCKADDR_IN6);
  a[0] = family;
  a[2] = e.port >> 8;
  a[3] = e.port;
  if (family === AF_INET) {
    a.set(e.ip.length === 4 ? e.ip : ANY4, 4);
  } else if (e.ip.length === 4) {
    if (mapAny || !isAny(e.ip)) {
      a[18] = a[19] = 0xff;
      a.set(e.ip, 20);
    }
  } else {
    a.set(e.ip, 8);
    const view = new DataView(a.buffer);
    view.setUint32(4, e.flow, false);
    view.setUint32(24, isLinkLocal(e.ip) || isLinkScopeMulticast(e.ip) ? e.scope : 0, true);
  }
  return a;
}

export function anyAddress(family: number): Uint8Array {
  return family === AF_INET6 ? ANY6 : ANY4;
}
