/** Options of levels IPPROTO_IP, IPPROTO_IPV6 and IPPROTO_TCP. Most are remembered and given back. Facts: man 7 ip, 7 ipv6, 7 tcp. */
import { EINVAL, ENOPROTOOPT, ENOTCONN, EOPNOTSUPP, type Errno } from '../../abi/errno.ts';
import * as S from '../../abi/socket.ts';
import { intOption, optionInt } from '../socket-options.ts';
import type { SocketCaller } from '../socket-caller.ts';
import type { InetSocket } from './inet-socket.ts';

/** What an option has before it is set, by level * 256 + name. */
const DEFAULTS: ReadonlyMap<number, number> = new Map<number, number>(
  (
    [
      [S.SOL_IP, S.IP_TOS, 0],
      [S.SOL_IP, S.IP_TTL, 64],
      [S.SOL_IP, S.IP_HDRINCL, 0],
      [S.SOL_IP, S.IP_PKTINFO, 0],
      [S.SOL_IP, S.IP_MTU_DISCOVER, 1],
      [S.SOL_IP, S.IP_RECVERR, 0],
      [S.SOL_IP, S.IP_RECVTTL, 0],
      [S.SOL_IP, S.IP_RECVTOS, 0],
      [S.SOL_IP, S.IP_FREEBIND, 0],
      [S.SOL_IP, S.IP_TRANSPARENT, 0],
      [S.SOL_IP, S.IP_BIND_ADDRESS_NO_PORT, 0],
      [S.SOL_IP, S.IP_MULTICAST_IF, 0],
      [S.SOL_IP, S.IP_MULTICAST_TTL, 1],
      [S.SOL_IP, S.IP_MULTICAST_LOOP, 1],
      [S.SOL_IP, S.IP_LOCAL_PORT_RANGE, 0],
      [S.SOL_IPV6, S.IPV6_UNICAST_HOPS, 64],
      [S.SOL_IPV6, S.IPV6_MULTICAST_IF, 0],
      [S.SOL_IPV6, S.IPV6_MULTICAST_HOPS, 1],
      [S.SOL_IPV6, S.IPV6_MULTICAST_LOOP, 1],
      [S.SOL_IPV6, S.IPV6_MTU_DISCOVER, 1],
      [S.SOL_IPV6, S.IPV6_RECVERR, 0],
      [S.SOL_IPV6, S.IPV6_RECVPKTINFO, 0],
      [S.SOL_IPV6, S.IPV6_RECVHOPLIMIT, 0],
      [S.SOL_IPV6, S.IPV6_RECVTCLASS, 0],
      [S.SOL_IPV6, S.IPV6_TCLASS, 0],
      [S.SOL_TCP, S.TCP_NODELAY, 0],
      [S.SOL_TCP, S.TCP_MAXSEG, 536],
      [S.SOL_TCP, S.TCP_CORK, 0],
      [S.SOL_TCP, S.TCP_KEEPIDLE, 7200],
      [S.SOL_TCP, S.TCP_KEEPINTVL, 75],
      [S.SOL_TCP, S.TCP_KEEPCNT, 9],
      [S.SOL_TCP, S.TCP_SYNCNT, 6],
      [S.SOL_TCP, S.TCP_LINGER2, 60],
      [S.SOL_TCP, S.TCP_DEFER_ACCEPT, 0],
      [S.SOL_TCP, S.TCP_WINDOW_CLAMP, 0],
      [S.SOL_TCP, S.TCP_QUICKACK, 1],
      [S.SOL_TCP, S.TCP_USER_TIMEOUT, 0],
      [S.SOL_TCP, S.TCP_FASTOPEN, 0],
      [S.SOL_TCP, S.TCP_NOTSENT_LOWAT, 0],
    ] as const
  ).map(([level, name, value]) => [level * 256 + name, value]),
);
/** Options that are on or off. */
const SWITCHES: ReadonlySet<number> = new Set([S.TCP_NODELAY, S.TCP_CORK, S.TCP_QUICKACK].map((n) => S.SOL_TCP * 256 + n));
/** Smallest and largest value. */
const RANGES: ReadonlyMap<number, readonly [number, number]> = new Map([
  [S.SOL_TCP * 256 + S.TCP_KEEPIDLE, [1, 32767]],
  [S.SOL_TCP * 256 + S.TCP_KEEPINTVL, [1, 32767]],
  [S.SOL_TCP * 256 + S.TCP_KEEPCNT, [1, 127]],
  [S.SOL_TCP * 256 + S.TCP_SYNCNT, [1, 127]],
  [S.SOL_TCP * 256 + S.TCP_MAXSEG, [88, 32767]],
  [S.SOL_IP * 256 + S.IP_TTL, [1, 255]],
]);
/** Membership of multicast groups: taken note of by nobody, as nothing is sent to them here. */
const MEMBERSHIP: ReadonlySet<number> = new Set([
  S.SOL_IP * 256 + S.IP_ADD_MEMBERSHIP,
  S.SOL_IP * 256 + S.IP_DROP_MEMBERSHIP,
  S.SOL_IPV6 * 256 + S.IPV6_JOIN_GROUP,
  S.SOL_IPV6 * 256 + S.IPV6_LEAVE_GROUP,
]);

function levelAllowed(s: InetSocket, level: number): number {
  if (level === S.SOL_IP) return 0;
  if (level === S.SOL_IPV6) return s.family === S.AF_INET6 ? 0 : EOPNOTSUPP;
  if (level === S.SOL_TCP) return s.type === S.SOCK_STREAM ? 0 : EOPNOTSUPP;
  return level === S.SOL_UDP && s.type === S.SOCK_DGRAM ? ENOPROTOOPT : EOPNOTSUPP;
}

export function setInetOption(_ctx: SocketCaller, s: InetSocket, level: number, name: number, value: Uint8Array): number {
  const allowed = levelAllowed(s, level);
  if (allowed < 0) return allowed;
  const key = level * 256 + name;
  if (MEMBERSHIP.has(key)) return value.length < 8 ? EINVAL : 0;
  if (level === S.SOL_TCP && name === S.TCP_CONGESTION) return value.length < 1 ? EINVAL : 0;
  // IPPROTO_IP options may be given as one byte.
  if (value.length < 4 && !(level === S.SOL_IP && value.length >= 1)) return EINVAL;
  const n = value.length >= 4 ? optionInt(value) : value[0]!; // at least one byte
  if (level === S.SOL_IPV6 && name === S.IPV6_V6ONLY) {
    if (s.local.port !== 0) return EINVAL;
    s.v6only = n !== 0;
    return 0;
  }
  if (!DEFAULTS.has(key)) return ENOPROTOOPT;
  const range = RANGES.get(key);
  if (range !== undefined && (n < range[0] || n > range[1]) && !(name === S.IP_TTL && level === S.SOL_IP && n === -1)) return EINVAL;
  if (level === S.SOL_IP && name === S.IP_TOS && s.type === S.SOCK_STREAM) {
    // The two ECN bits are TCP's own.
    s.options.set(key, n & 0xfc);
    return 0;
  }
  s.options.set(key, SWITCHES.has(key) ? (n !== 0 ? 1 : 0) : n);
  return 0;
}

/** Bytes of struct tcp_info that are filled: the state and the first counters. */
const TCP_INFO_SIZE = 248;

export function getInetOption(s: InetSocket, level: number, name: number): Uint8Array | Errno {
  const allowed = levelAllowed(s, level);
  if (allowed < 0) return allowed as Errno;
  if (level === S.SOL_IPV6 && name === S.IPV6_V6ONLY) return intOption(s.v6only ? 1 : 0);
  if (level === S.SOL_IP && name === S.IP_OPTIONS) return new Uint8Array(0);
  if (level === S.SOL_IP && name === S.IP_MTU) return s.remote === null ? ENOTCONN : intOption(65535);
  if (level === S.SOL_TCP) {
    if (name === S.TCP_CONGESTION) {
      const b = new Uint8Array(16);
      b.set([99, 117, 98, 105, 99]); // "cubic"
      return b;
    }
    if (name === S.TCP_INFO) {
      const b = new Uint8Array(TCP_INFO_SIZE);
      b[0] = s.stateNumber;
      new DataView(b.buffer).setUint32(16, 65483, true); // tcpi_snd_mss on loopback
      return b;
    }
    if (name === S.TCP_MAXSEG && s.remote !== null) return intOption(65483);
  }
  const key = level * 256 + name;
  const unset = DEFAULTS.get(key);
  return unset === undefined ? ENOPROTOOPT : intOption(s.options.get(key) ?? unset);
}
