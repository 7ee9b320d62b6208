/** Options of levels IPPROTO_IP and IPPROTO_IPV6. Facts: Linux 6.18 net/ipv4/ip_sockglue.c, net/ipv6/ipv6_sockglue.c. */
import { CAP_NET_ADMIN, CAP_NET_RAW } from '../../abi/capability.ts';
import { EADDRNOTAVAIL, EINVAL, ENODEV, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP, EPERM, EPROTO, type Errno, isErr } from '../../abi/errno.ts';
import * as S from '../../abi/socket.ts';
import { deviceOfAddress4 } from '../ipv4/route.ts';
import { intOption, optionInt } from '../option-value.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { isAny, isMapped } from './inet-address.ts';
import type { InetSocket } from './inet-socket.ts';
import { blockSource, joinGroup, leaveGroup } from './multicast.ts';

const BOOL = 1;
const RANGE = 2;
/** IPV6_PREFER_SRC_: PUBTMP_DEFAULT and HOME. */
const PREFER_DEFAULT = 0x500;
/** Kinds: a switch, or a number from `min` to `max`, with its value at birth. `raw`: for raw sockets only, `dgram`: not for streams. */
interface Rule {
  readonly kind: number;
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  readonly only: 'any' | 'raw' | 'dgram';
}
const flag = (initial = 0, only: Rule['only'] = 'any'): Rule => ({ kind: BOOL, initial, min: 0, max: 1, only });
const range = (initial: number, min: number, max: number, only: Rule['only'] = 'any'): Rule => ({ kind: RANGE, initial, min, max, only });

const IP_RULES: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [S.IP_TOS, range(0, -0x80000000, 0x7fffffff)],
  [S.IP_TTL, range(-1, -1, 255)],
  [S.IP_HDRINCL, flag(0, 'raw')],
  [S.IP_ROUTER_ALERT, flag(0, 'raw')],
  [S.IP_RECVOPTS, flag()],
  [S.IP_RETOPTS, flag()],
  [S.IP_PKTINFO, flag()],
  [S.IP_MTU_DISCOVER, range(1, 0, 5)],
  [S.IP_RECVERR, flag()],
  [S.IP_RECVERR_RFC4884, range(0, 0, 1)],
  [S.IP_RECVTTL, flag()],
  [S.IP_RECVTOS, flag()],
  [S.IP_FREEBIND, flag()],
  [S.IP_PASSSEC, flag()],
  [S.IP_TRANSPARENT, flag()],
  [S.IP_ORIGDSTADDR, flag()],
  [S.IP_MINTTL, range(0, 0, 255)],
  [S.IP_NODEFRAG, flag(0, 'raw')],
  [S.IP_CHECKSUM, flag()],
  [S.IP_BIND_ADDRESS_NO_PORT, flag()],
  [S.IP_RECVFRAGSIZE, flag(0, 'dgram')],
  [S.IP_MULTICAST_TTL, range(1, -1, 255, 'dgram')],
  [S.IP_MULTICAST_LOOP, flag(1)],
  [S.IP_MULTICAST_ALL, range(1, 0, 1)],
]);
const IPV6_RULES: ReadonlyMap<number, Rule> = new Map<number, Rule>([
  [S.IPV6_UNICAST_HOPS, range(-1, -1, 255)],
  [S.IPV6_MULTICAST_HOPS, range(1, -1, 255, 'dgram')],
  [S.IPV6_MULTICAST_LOOP, range(1, 0, 1)],
  [S.IPV6_MULTICAST_ALL, flag(1)],
  [S.IPV6_MTU_DISCOVER, range(1, 0, 5)],
  [S.IPV6_MTU, range(0, 0, 0x7fffffff)],
  [S.IPV6_RECVERR, flag()],
  [S.IPV6_RECVERR_RFC4884, range(0, 0, 1)],
  [S.IPV6_V6ONLY, flag()],
  [S.IPV6_RECVPKTINFO, flag()],
  [S.IPV6_2292PKTINFO, flag()],
  [S.IPV6_RECVHOPLIMIT, flag()],
  [S.IPV6_2292HOPLIMIT, flag()],
  [S.IPV6_RECVRTHDR, flag()],
  [S.IPV6_2292RTHDR, flag()],
  [S.IPV6_RECVHOPOPTS, flag()],
  [S.IPV6_2292HOPOPTS, flag()],
  [S.IPV6_RECVDSTOPTS, flag()],
  [S.IPV6_2292DSTOPTS, flag()],
  [S.IPV6_RECVTCLASS, flag()],
  [S.IPV6_RECVPATHMTU, flag()],
  [S.IPV6_TCLASS, range(0, -1, 255)],
  [S.IPV6_FLOWINFO, flag()],
  [S.IPV6_FLOWINFO_SEND, flag()],
  [S.IPV6_TRANSPARENT, flag()],
  [S.IPV6_FREEBIND, flag()],
  [S.IPV6_ORIGDSTADDR, flag()],
  [S.IPV6_DONTFRAG, flag()],
  [S.IPV6_AUTOFLOWLABEL, flag(1)],
  [S.IPV6_MINHOPCOUNT, range(0, 0, 255)],
  [S.IPV6_RECVFRAGSIZE, flag()],
  [S.IPV6_ADDR_PREFERENCES, range(PREFER_DEFAULT, 0, 0xfff)],
]);
/** What an option has before it is set, by level * 256 + name. */
export const OPTION_DEFAULTS: ReadonlyMap<number, number> = new Map([
  ...[...IP_RULES].map(([n, r]) => [S.SOL_IP * 256 + n, r.initial] as const),
  ...[...IPV6_RULES].map(([n, r]) => [S.SOL_IPV6 * 256 + n, r.initial] as const),
]);

function fits(rule: Rule, s: InetSocket): boolean {
  return rule.only === 'any' || (rule.only === 'raw' ? s.type === S.SOCK_RAW : s.type !== S.SOCK_STREAM);
}
function checked(s: InetSocket, key: number, rule: Rule, n: number): number {
  if (rule.kind === BOOL) n = n !== 0 ? 1 : 0;
  else if (n < rule.min || n > rule.max) return EINVAL;
  s.options.set(key, n);
  return 0;
}

/** IPPROTO_IP and IPPROTO_IPV6; families' own levels come before this. */
export function setInetOption(ctx: SocketCaller, s: InetSocket, level: number, name: number, value: Uint8Array): number {
  if (level === S.SOL_IP) return setIp(ctx, s, name, value);
  if (level === S.SOL_IPV6 && s.family === S.AF_INET6) return setIp6(ctx, s, name, value);
  return ENOPROTOOPT;
}

function setIp(ctx: SocketCaller, s: InetSocket, name: number, value: Uint8Array): number {
  const raw = (): boolean => ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_RAW) || ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_ADMIN);
  const n = value.length >= 4 ? optionInt(value) : value.length >= 1 ? value[0]! : 0; // at least one byte
  switch (name) {
    case S.IP_OPTIONS:
      if (value.length > 40) return EINVAL;
      s.ipOptions = value.length === 0 ? null : padded(value);
      return 0;
    case S.IP_ADD_MEMBERSHIP:
    case S.IP_DROP_MEMBERSHIP: {
      if (s.type === S.SOCK_STREAM) return EPROTO;
      if (value.length < 8) return EINVAL;
      const index = value.length >= 12 ? optionInt(value.subarray(8)) : 0;
      const f = name === S.IP_ADD_MEMBERSHIP ? joinGroup : leaveGroup;
      return f(s, value.slice(0, 4), index, value.slice(4, 8));
    }
    case S.IP_ADD_SOURCE_MEMBERSHIP:
    case S.IP_DROP_SOURCE_MEMBERSHIP:
    case S.IP_BLOCK_SOURCE:
    case S.IP_UNBLOCK_SOURCE: {
      if (value.length !== 12) return EINVAL;
      const group = value.slice(0, 4);
      const on = value.slice(4, 8);
      const source = value.slice(8, 12);
      if (name === S.IP_ADD_SOURCE_MEMBERSHIP) return joinGroup(s, group, 0, on, source);
      if (name === S.IP_DROP_SOURCE_MEMBERSHIP) return leaveGroup(s, group, 0, on, source);
      return blockSource(s, group, 0, on, source, name === S.IP_BLOCK_SOURCE);
    }
    case S.MCAST_JOIN_GROUP:
    case S.MCAST_LEAVE_GROUP:
    case S.MCAST_JOIN_SOURCE_GROUP:
    case S.MCAST_LEAVE_SOURCE_GROUP:
    case S.MCAST_BLOCK_SOURCE:
    case S.MCAST_UNBLOCK_SOURCE:
      return groupRequest(s, name, value, S.AF_INET);
    case S.IP_MULTICAST_IF: {
      if (s.type === S.SOCK_STREAM || value.length < 4) return EINVAL;
      const index = value.length >= 12 ? optionInt(value.subarray(8)) : 0;
      const address = value.length >= 8 ? value.slice(4, 8) : value.slice(0, 4);
      const key = S.SOL_IP * 256 + S.IP_MULTICAST_IF;
      if (index === 0 && isAny(address)) {
        s.options.delete(key);
        s.multicastAddress = null;
        return 0;
      }
      const d = index !== 0 ? s.netNs.deviceByIndex(index) : deviceOfAddress4(s.netNs, address);
      if (d === null) return EADDRNOTAVAIL;
      if (s.boundIndex !== 0 && s.boundIndex !== d.index) return EINVAL;
      s.options.set(key, d.index);
      s.multicastAddress = isAny(address) ? null : address;
      return 0;
    }
    case S.IP_UNICAST_IF:
      return unicastIf(s, S.SOL_IP, name, value);
    case S.IP_LOCAL_PORT_RANGE: {
      const lo = n & 0xffff;
      const hi = n >>> 16;
      if (value.length !== 4 || (lo !== 0 && hi !== 0 && lo > hi)) return EINVAL;
      s.options.set(S.SOL_IP * 256 + name, n);
      return 0;
    }
  }
  const rule = IP_RULES.get(name);
  if (rule === undefined) return ENOPROTOOPT;
  if (rule.only === 'raw' && s.type !== S.SOCK_RAW) return name === S.IP_ROUTER_ALERT ? EINVAL : ENOPROTOOPT;
  if (value.length < 1 || !fits(rule, s)) return EINVAL;
  const key = S.SOL_IP * 256 + name;
  switch (name) {
    case S.IP_TOS:
      // The two ECN bits of a stream are TCP's own.
      s.options.set(key, s.type === S.SOCK_STREAM ? (n & 0xfc) | (s.option(S.SOL_IP, name) & 3) : n & 0xff);
      s.priority = [0, 0, 0, 0, 2, 2, 2, 2, 6, 6, 6, 6, 4, 4, 4, 4][(n & 0x1e) >> 1]!; // 16 of them
      s.forgetRoute();
      return 0;
    case S.IP_TTL:
      if (n !== -1 && (n < 1 || n > 255)) return EINVAL;
      break;
    case S.IP_MULTICAST_TTL:
      return checked(s, key, rule, n === -1 ? 1 : n);
    case S.IP_TRANSPARENT:
      if (n !== 0 && !raw()) return EPERM;
      break;
    case S.IP_RECVERR:
      if (n === 0) s.errorQueue.length = 0;
      break;
  }
  return checked(s, key, rule, n);
}
function padded(options: Uint8Array): Uint8Array {
  const b = new Uint8Array((options.length + 3) & ~3);
  b.set(options);
  return b;
}
function unicastIf(s: InetSocket, level: number, name: number, value: Uint8Array): number {
  if (value.length !== 4) return EINVAL;
  const index = new DataView(value.buffer, value.byteOffset).getInt32(0, false);
  if (index !== 0) {
    if (s.netNs.deviceByIndex(index) === null) return EADDRNOTAVAIL;
    if (s.boundIndex !== 0 && s.boundIndex !== index) return EINVAL;
  }
  s.options.set(level * 256 + name, index);
  return 0;
}
/** struct group_req and group_source_req: index, padding, one or two sockaddr_storage. */
function groupRequest(s: InetSocket, name: number, value: Uint8Array, family: number): number {
  const withSource = name !== S.MCAST_JOIN_GROUP && name !== S.MCAST_LEAVE_GROUP;
  if (value.length < (withSource ? 264 : 136)) return EINVAL;
  const index = optionInt(value);
  const at = family === S.AF_INET ? 4 : 8;
  const length = family === S.AF_INET ? 4 : 16;
  if (value[8] !== family || (withSource && value[136] !== family)) return withSource ? EADDRNOTAVAIL : EINVAL;
  const group = value.slice(8 + at, 8 + at + length);
  const source = withSource ? value.slice(136 + at, 136 + at + length) : null;
  switch (name) {
    case S.MCAST_JOIN_GROUP:
    case S.MCAST_JOIN_SOURCE_GROUP:
      return joinGroup(s, group, index, null, source);
    case S.MCAST_LEAVE_GROUP:
    case S.MCAST_LEAVE_SOURCE_GROUP:
      return leaveGroup(s, group, index, null, source);
  }
  return blockSource(s, group, index, null, source!, name === S.MCAST_BLOCK_SOURCE); // the others have one
}

function setIp6(ctx: SocketCaller, s: InetSocket, name: number, value: Uint8Array): number {
  const n = value.length >= 4 ? optionInt(value) : 0;
  const key = S.SOL_IPV6 * 256 + name;
  switch (name) {
    case S.IPV6_ADDRFORM:
      if (value.length < 4) return EINVAL;
      return n === S.AF_INET ? ENOTCONN : EINVAL;
    case S.IPV6_JOIN_GROUP:
    case S.IPV6_LEAVE_GROUP: {
      if (value.length < 20) return EINVAL;
      if (s.type === S.SOCK_STREAM) return EPROTO;
      const group = value.slice(0, 16);
      if (isMapped(group)) return EADDRNOTAVAIL;
      const f = name === S.IPV6_JOIN_GROUP ? joinGroup : leaveGroup;
      return f(s, group, optionInt(value.subarray(16)), null);
    }
    case S.IPV6_JOIN_ANYCAST:
    case S.IPV6_LEAVE_ANYCAST:
      return value.length < 20 ? EINVAL : EPERM;
    case S.MCAST_JOIN_GROUP:
    case S.MCAST_LEAVE_GROUP:
    case S.MCAST_JOIN_SOURCE_GROUP:
    case S.MCAST_LEAVE_SOURCE_GROUP:
    case S.MCAST_BLOCK_SOURCE:
    case S.MCAST_UNBLOCK_SOURCE:
      return groupRequest(s, name, value, S.AF_INET6);
    case S.IPV6_MULTICAST_IF:
      if (s.type === S.SOCK_STREAM) return ENOPROTOOPT;
      if (value.length < 4) return EINVAL;
      if (n !== 0) {
        if (s.netNs.deviceByIndex(n) === null) return ENODEV;
        if (s.boundIndex !== 0 && s.boundIndex !== n) return EINVAL;
      }
      s.options.set(key, n);
      return 0;
    case S.IPV6_UNICAST_IF:
      return unicastIf(s, S.SOL_IPV6, name, value);
    case S.IPV6_V6ONLY:
      if (value.length < 4 || s.hasPort) return EINVAL;
      s.v6only = n !== 0;
      return 0;
    case S.IPV6_HOPOPTS:
    case S.IPV6_RTHDR:
    case S.IPV6_DSTOPTS:
    case S.IPV6_RTHDRDSTOPTS:
      if (name !== S.IPV6_RTHDR && !ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_RAW)) return EPERM;
      return value.length === 0 ? 0 : EINVAL;
    case S.IPV6_PKTINFO:
      return value.length === 0 || value.length >= 20 ? 0 : EINVAL;
    case S.IPV6_HDRINCL:
      return s.type === S.SOCK_RAW ? checked(s, key, flag(), n) : ENOPROTOOPT;
    case S.IPV6_CHECKSUM:
      return s.type !== S.SOCK_RAW ? ENOPROTOOPT : s.protocol === S.IPPROTO_ICMPV6 ? EINVAL : setChecksum(s, n);
  }
  const rule = IPV6_RULES.get(name);
  if (rule === undefined) return ENOPROTOOPT;
  if (value.length < 4) return EINVAL;
  if (rule.only === 'dgram' && s.type === S.SOCK_STREAM) return ENOPROTOOPT;
  if (name === S.IPV6_TRANSPARENT && n !== 0 && !ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_RAW) && !ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_ADMIN))
    return EPERM;
  if (name === S.IPV6_MTU && n !== 0 && n < 1280) return EINVAL;
  if (name === S.IPV6_TCLASS) {
    if (n < -1 || n > 255) return EINVAL;
    s.forgetRoute();
    return checked(s, key, rule, n === -1 ? 0 : s.type === S.SOCK_STREAM ? (n & ~3) | (s.option(S.SOL_IPV6, name) & 3) : n);
  }
  if (name === S.IPV6_ADDR_PREFERENCES) return setPreferences(s, n);
  if (name === S.IPV6_MULTICAST_LOOP && n !== (n !== 0 ? 1 : 0)) return EINVAL;
  if (name === S.IPV6_RECVERR && n === 0) s.errorQueue.length = 0;
  return checked(s, key, rule, n);
}
/** Which kinds of own address are preferred: of each pair one at most (ip6_sock_set_addr_preferences). */
function setPreferences(s: InetSocket, n: number): number {
  const groups = [0x103, 0x404, 0x808];
  if (n & ~0xd0f) return EINVAL;
  const key = S.SOL_IPV6 * 256 + S.IPV6_ADDR_PREFERENCES;
  let now = s.option(S.SOL_IPV6, S.IPV6_ADDR_PREFERENCES);
  for (const g of groups) {
    const wanted = n & g;
    if (wanted === 0) continue;
    if ((wanted & (wanted - 1)) !== 0) return EINVAL;
    if (g !== 0x808) now = (now & ~g) | wanted;
  }
  s.options.set(key, now);
  return 0;
}
/** IPV6_CHECKSUM of a raw socket: offset of a checksum that the kernel fills in, -1: none. */
export function setChecksum(s: InetSocket, n: number): number {
  if (n > 0 && n & 1) return EINVAL;
  s.options.set(S.SOL_IPV6 * 256 + S.IPV6_CHECKSUM, n < 0 ? -1 : n);
  return 0;
}

export function getInetOption(_ctx: SocketCaller, s: InetSocket, level: number, name: number, given: Uint8Array): Uint8Array | Errno {
  if (level === S.SOL_IP) return getIp(s, name, given);
  if (level === S.SOL_IPV6 && s.family === S.AF_INET6) return getIp6(s, name);
  return s.family === S.AF_INET6 ? ENOPROTOOPT : EOPNOTSUPP;
}
function getIp(s: InetSocket, name: number, given: Uint8Array): Uint8Array | Errno {
  const number = (n: number): Uint8Array => (given.length < 4 && given.length > 0 && n >= 0 && n <= 255 ? Uint8Array.of(n) : intOption(n));
  switch (name) {
    case S.IP_OPTIONS:
      return s.ipOptions ?? new Uint8Array(0);
    case S.IP_MTU: {
      if (s.remote === null) return ENOTCONN;
      const dst = s.routeTo(s.remote);
      return isErr(dst) ? ENOTCONN : number(dst.mtu);
    }
    case S.IP_TTL: {
      const ttl = s.option(S.SOL_IP, name);
      return number(ttl < 0 ? s.netNs.sysctls.number('ipv4/ip_default_ttl') : ttl);
    }
    case S.IP_MULTICAST_IF:
      return (s.multicastAddress ?? new Uint8Array(4)).slice(0, Math.min(4, given.length));
    case S.IP_UNICAST_IF: {
      const b = new Uint8Array(4);
      new DataView(b.buffer).setInt32(0, s.option(S.SOL_IP, name), false);
      return b;
    }
    case S.IP_LOCAL_PORT_RANGE:
      return intOption(s.option(S.SOL_IP, name));
    case S.IP_PROTOCOL:
      return number(s.protocol);
  }
  const rule = IP_RULES.get(name);
  if (rule === undefined) return ENOPROTOOPT;
  return number(s.option(S.SOL_IP, name));
}
function getIp6(s: InetSocket, name: number): Uint8Array | Errno {
  switch (name) {
    case S.IPV6_V6ONLY:
      return intOption(s.v6only ? 1 : 0);
    case S.IPV6_UNICAST_HOPS:
    case S.IPV6_MULTICAST_HOPS: {
      const n = s.option(S.SOL_IPV6, name);
      return intOption(n < 0 ? s.netNs.sysctls.all6['hop_limit'] ?? 64 : n);
    }
    case S.IPV6_MTU: {
      if (s.remote === null) return ENOTCONN;
      const dst = s.routeTo(s.remote);
      return isErr(dst) ? ENOTCONN : intOption(dst.mtu);
    }
    case S.IPV6_MULTICAST_IF:
      return intOption(s.option(S.SOL_IPV6, name));
    case S.IPV6_UNICAST_IF: {
      const b = new Uint8Array(4);
      new DataView(b.buffer).setInt32(0, s.option(S.SOL_IPV6, name), false);
      return b;
    }
    case S.IPV6_HOPOPTS:
    case S.IPV6_RTHDR:
    case S.IPV6_DSTOPTS:
    case S.IPV6_RTHDRDSTOPTS:
      return new Uint8Array(0);
    case S.IPV6_HDRINCL:
      return s.type === S.SOCK_RAW ? intOption(s.option(S.SOL_IPV6, name)) : ENOPROTOOPT;
    case S.IPV6_CHECKSUM:
      return s.type === S.SOCK_RAW ? intOption(s.options.get(S.SOL_IPV6 * 256 + name) ?? (s.protocol === S.IPPROTO_ICMPV6 ? 2 : -1)) : ENOPROTOOPT;
  }
  return IPV6_RULES.has(name) ? intOption(s.option(S.SOL_IPV6, name)) : ENOPROTOOPT;
}
