/** SOL_SOCKET options that need only the socket. Facts: Linux 6.18 net/core/sock.c; man 7 socket. */
import { CAP_NET_ADMIN, CAP_NET_RAW } from '../abi/capability.ts';
import { EACCES, EDOM, EINVAL, ENOPROTOOPT, EOPNOTSUPP, EPERM, type Errno } from '../abi/errno.ts';
import * as S from '../abi/socket.ts';
import { MAX_BUFFER, type Socket } from './socket.ts';
import type { SocketCaller } from './socket-caller.ts';

const NSEC_PER_SEC = 1_000_000_000;
const INT_MAX = 0x7fffffff;

/** Options that are on or off and change nothing here. */
const SWITCHES: ReadonlySet<number> = new Set([
  S.SO_DEBUG,
  S.SO_REUSEADDR,
  S.SO_REUSEPORT,
  S.SO_DONTROUTE,
  S.SO_BROADCAST,
  S.SO_KEEPALIVE,
  S.SO_OOBINLINE,
  S.SO_NO_CHECK,
  S.SO_TIMESTAMP,
  S.SO_TIMESTAMPNS,
  S.SO_RXQ_OVFL,
  S.SO_LOCK_FILTER,
  S.SO_ZEROCOPY,
  S.SO_PREFER_BUSY_POLL,
]);
/** Numbers that are kept and given back. */
const NUMBERS: ReadonlySet<number> = new Set([S.SO_PRIORITY, S.SO_MARK, S.SO_BUSY_POLL, S.SO_INCOMING_CPU, S.SO_MAX_PACING_RATE, S.SO_BUF_LOCK]);

/** An int as an option value. */
export function intOption(n: number): Uint8Array {
  const b = new Uint8Array(4);
  new DataView(b.buffer).setInt32(0, n, true);
  return b;
}
/** The int in an option value of at least 4 bytes. */
export function optionInt(value: Uint8Array): number {
  return new DataView(value.buffer, value.byteOffset).getInt32(0, true);
}
function timeOption(ns: number): Uint8Array {
  const b = new Uint8Array(16);
  const v = new DataView(b.buffer);
  v.setUint32(0, Math.floor(ns / NSEC_PER_SEC), true);
  v.setUint32(8, Math.floor((ns % NSEC_PER_SEC) / 1000), true);
  return b;
}
/** A struct timeval as ns, 0 = for ever; EDOM, EINVAL. A negative time is "at once", which counts as one ns. */
function optionTime(value: Uint8Array): number | Errno {
  if (value.length < 16) return EINVAL;
  const v = new DataView(value.buffer, value.byteOffset);
  const sec = Number(v.getBigInt64(0, true));
  const usec = Number(v.getBigInt64(8, true));
  if (usec < 0 || usec >= 1_000_000) return EDOM;
  if (sec < 0) return 1;
  return Math.min(sec, 9_000_000) * NSEC_PER_SEC + usec * 1000;
}

/** setsockopt(SOL_SOCKET): 0 or errno. */
export function setSocketOption(ctx: SocketCaller, s: Socket, name: number, value: Uint8Array): number {
  if (name === S.SO_BINDTODEVICE) return bindToDevice(ctx, s, value);
  if (value.length < 4) return EINVAL;
  const n = optionInt(value);
  const on = n !== 0;
  const admin = ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_ADMIN);
  const unix = s.family === S.AF_UNIX;
  switch (name) {
    case S.SO_TYPE:
    case S.SO_PROTOCOL:
    case S.SO_DOMAIN:
    case S.SO_ERROR:
      return ENOPROTOOPT;
    case S.SO_SNDBUF:
      s.setSndbuf(n >>> 0, MAX_BUFFER);
      return 0;
    case S.SO_RCVBUF:
      s.setRcvbuf(n >>> 0, MAX_BUFFER);
      return 0;
    case S.SO_SNDBUFFORCE:
      if (!admin) return EPERM;
      s.setSndbuf(Math.max(0, n), INT_MAX);
      return 0;
    case S.SO_RCVBUFFORCE:
      if (!admin) return EPERM;
      s.setRcvbuf(Math.max(0, n), INT_MAX);
      return 0;
    case S.SO_LINGER:
      if (value.length < 8) return EINVAL;
      s.lingerOn = on;
      if (on) s.lingerSeconds = optionInt(value.subarray(4)) >>> 0;
      return 0;
    case S.SO_PASSCRED:
      if (!unix && s.family !== S.AF_NETLINK) return EOPNOTSUPP;
      s.passcred = on;
      return 0;
    case S.SO_PASSPIDFD:
      if (!unix) return EOPNOTSUPP;
      s.passpidfd = on;
      return 0;
    case S.SO_PASSSEC:
      if (!unix && s.family !== S.AF_NETLINK) return EOPNOTSUPP;
      s.passsec = on;
      return 0;
    case S.SO_PASSRIGHTS:
      if (!unix) return EOPNOTSUPP;
      s.passrights = on;
      return 0;
    case S.SO_RCVLOWAT:
      s.rcvlowat = n < 0 ? INT_MAX : n === 0 ? 1 : n;
      return 0;
    case S.SO_RCVTIMEO:
    case S.SO_RCVTIMEO_NEW: {
      const ns = optionTime(value);
      if (ns < 0) return ns;
      s.rcvtimeo = ns;
      return 0;
    }
    case S.SO_SNDTIMEO:
    case S.SO_SNDTIMEO_NEW: {
      const ns = optionTime(value);
      if (ns < 0) return ns;
      s.sndtimeo = ns;
      return 0;
    }
    case S.SO_PEEK_OFF:
      if (!unix && s.type !== S.SOCK_DGRAM) return EOPNOTSUPP;
      if (n < -1) return EINVAL;
      s.peekOffset = n;
      return 0;
    case S.SO_DEBUG:
      if (on && !admin) return EACCES;
      break;
    case S.SO_REUSEPORT:
      if (on && s.family !== S.AF_INET && s.family !== S.AF_INET6) return EOPNOTSUPP;
      break;
    case S.SO_MARK:
      if (!admin && !ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_RAW)) return EPERM;
      break;
    case S.SO_PRIORITY:
      if ((n < 0 || n > 6) && !admin) return EPERM;
      break;
    case S.SO_ATTACH_FILTER:
      return value.length < 16 ? EINVAL : 0;
    case S.SO_DETACH_FILTER:
      return 0;
  }
  if (SWITCHES.has(name)) s.remembered.set(name, on ? 1 : 0);
  else if (NUMBERS.has(name)) s.remembered.set(name, n);
  else return ENOPROTOOPT;
  return 0;
}

function bindToDevice(ctx: SocketCaller, s: Socket, value: Uint8Array): number {
  const end = value.indexOf(0);
  const name = String.fromCharCode(...value.subarray(0, end < 0 ? Math.min(15, value.length) : end));
  if (s.boundDevice !== '' && !ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_RAW)) return EPERM;
  return s.netNs.setBoundDevice(s, name);
}

/** getsockopt(SOL_SOCKET), but for what is about processes; the whole value, or ENOPROTOOPT. */
export function getSocketOption(s: Socket, name: number): Uint8Array | Errno {
  switch (name) {
    case S.SO_TYPE:
      return intOption(s.type);
    case S.SO_PROTOCOL:
      return intOption(s.protocol);
    case S.SO_DOMAIN:
      return intOption(s.family);
    case S.SO_ERROR:
      return intOption(-s.takeError());
    case S.SO_SNDBUF:
      return intOption(s.sndbuf);
    case S.SO_RCVBUF:
      return intOption(s.rcvbuf);
    case S.SO_LINGER: {
      const b = new Uint8Array(8);
      b[0] = s.lingerOn ? 1 : 0;
      b.set(intOption(s.lingerSeconds), 4);
      return b;
    }
    case S.SO_PASSCRED:
      return s.family === S.AF_UNIX || s.family === S.AF_NETLINK ? intOption(s.passcred ? 1 : 0) : EOPNOTSUPP;
    case S.SO_PASSPIDFD:
      return s.family === S.AF_UNIX ? intOption(s.passpidfd ? 1 : 0) : EOPNOTSUPP;
    case S.SO_PASSSEC:
      return s.family === S.AF_UNIX || s.family === S.AF_NETLINK ? intOption(s.passsec ? 1 : 0) : EOPNOTSUPP;
    case S.SO_PASSRIGHTS:
      return s.family === S.AF_UNIX ? intOption(s.passrights ? 1 : 0) : EOPNOTSUPP;
    case S.SO_RCVLOWAT:
      return intOption(s.rcvlowat);
    case S.SO_SNDLOWAT:
      return intOption(1);
    case S.SO_RCVTIMEO:
    case S.SO_RCVTIMEO_NEW:
      return timeOption(s.rcvtimeo);
    case S.SO_SNDTIMEO:
    case S.SO_SNDTIMEO_NEW:
      return timeOption(s.sndtimeo);
    case S.SO_ACCEPTCONN:
      return intOption(s.listening ? 1 : 0);
    case S.SO_PEEK_OFF:
      return s.family === S.AF_UNIX || s.type === S.SOCK_DGRAM ? intOption(s.peekOffset) : EOPNOTSUPP;
    case S.SO_COOKIE: {
      const b = new Uint8Array(8);
      b.set(intOption(s.cookie));
      return b;
    }
    case S.SO_BINDTODEVICE: {
      const b = new Uint8Array(s.boundDevice === '' ? 0 : s.boundDevice.length + 1);
      for (let i = 0; i < s.boundDevice.length; i++) b[i] = s.boundDevice.charCodeAt(i);
      return b;
    }
    case S.SO_ATTACH_FILTER:
      return new Uint8Array(0);
  }
  if (SWITCHES.has(name) || NUMBERS.has(name)) {
    const unset = name === S.SO_INCOMING_CPU || name === S.SO_MAX_PACING_RATE ? -1 : 0;
    return intOption(s.remembered.get(name) ?? unset);
  }
  return ENOPROTOOPT;
}
