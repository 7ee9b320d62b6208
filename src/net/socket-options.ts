/** SOL_SOCKET options that need only the socket. Facts: Linux 6.18 net/core/sock.c; man 7 socket. */
import { CAP_NET_ADMIN, CAP_NET_RAW } from '../abi/capability.ts';
import { EACCES, EBADF, EDOM, EINVAL, ENODEV, ENOENT, ENOPROTOOPT, EOPNOTSUPP, EPERM, type Errno } from '../abi/errno.ts';
import * as S from '../abi/socket.ts';
import type { Socket } from './socket.ts';
import { intOption, optionInt } from './option-value.ts';
import { attachFilter, readProgram } from './socket-filter.ts';
import type { SocketCaller } from './socket-caller.ts';

const NSEC_PER_SEC = 1_000_000_000;
const INT_MAX = 0x7fffffff;
/** SOF_TIMESTAMPING_ flags there are. */
const TIMESTAMPING_MASK = 0x7ffff;

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
  S.SO_RXQ_OVFL,
  S.SO_ZEROCOPY,
  S.SO_PREFER_BUSY_POLL,
  S.SO_WIFI_STATUS,
  S.SO_NOFCS,
  S.SO_SELECT_ERR_QUEUE,
  S.SO_RCVMARK,
  S.SO_RCVPRIORITY,
]);
/** Numbers that are kept and given back. */
const NUMBERS: ReadonlySet<number> = new Set([
  S.SO_BUSY_POLL,
  S.SO_BUSY_POLL_BUDGET,
  S.SO_INCOMING_CPU,
  S.SO_MAX_PACING_RATE,
  S.SO_BUF_LOCK,
  S.SO_TXREHASH,
  S.SO_RESERVE_MEM,
]);

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
  const inet = s.family === S.AF_INET || s.family === S.AF_INET6;
  const admin = ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_ADMIN);
  const unix = s.family === S.AF_UNIX;
  switch (name) {
    case S.SO_TYPE:
    case S.SO_PROTOCOL:
    case S.SO_DOMAIN:
    case S.SO_ERROR:
      return ENOPROTOOPT;
    case S.SO_SNDBUF:
      s.setSndbuf(n >>> 0, s.netNs.stack.machineSysctl('core/wmem_max'));
      return 0;
    case S.SO_RCVBUF:
      s.setRcvbuf(n >>> 0, s.netNs.stack.machineSysctl('core/rmem_max'));
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
      if (!unix && !(inet && s.type !== S.SOCK_RAW)) return EOPNOTSUPP;
      if (n < -1) return EINVAL;
      s.peekOffset = n;
      return 0;
    case S.SO_DEBUG:
      if (on && !admin) return EACCES;
      break;
    case S.SO_REUSEPORT:
      if (on && !inet) return EOPNOTSUPP;
      break;
    case S.SO_MARK:
      if (!admin && !ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_RAW)) return EPERM;
      s.mark = n >>> 0;
      return 0;
    case S.SO_PRIORITY:
      if ((n < 0 || n > 6) && !admin && !ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_RAW)) return EPERM;
      s.priority = n;
      return 0;
    case S.SO_TIMESTAMP:
    case S.SO_TIMESTAMP_NEW:
    case S.SO_TIMESTAMPNS:
    case S.SO_TIMESTAMPNS_NEW:
      s.timestamps = on ? (name === S.SO_TIMESTAMP || name === S.SO_TIMESTAMP_NEW ? 1 : 2) : 0;
      s.timestampsNew = name >= S.SO_TIMESTAMP_NEW;
      return 0;
    case S.SO_TIMESTAMPING:
    case S.SO_TIMESTAMPING_NEW:
      if (n & ~TIMESTAMPING_MASK) return EINVAL;
      s.timestamping = n;
      return 0;
    case S.SO_BINDTOIFINDEX:
      if (n < 0) return EINVAL;
      if (s.boundIndex !== 0 && !ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_RAW)) return EPERM;
      s.boundIndex = n;
      return 0;
    case S.SO_ATTACH_FILTER:
      return attachFilter(ctx, s, value);
    case S.SO_DETACH_FILTER:
      if (s.filterLocked) return EPERM;
      if (s.filter === null) return ENOENT;
      s.filter = null;
      return 0;
    case S.SO_LOCK_FILTER:
      if (s.filterLocked && !on) return EPERM;
      s.filterLocked = on;
      return 0;
    case S.SO_ATTACH_REUSEPORT_CBPF: {
      if (s.remembered.get(S.SO_REUSEPORT) !== 1) return EINVAL;
      const p = readProgram(ctx, value);
      if (typeof p === 'number') return p;
      return s.attachReusePort(p);
    }
    case S.SO_DETACH_REUSEPORT_BPF:
      return s.attachReusePort(null);
    case S.SO_ATTACH_BPF:
    case S.SO_ATTACH_REUSEPORT_EBPF:
      return ctx.fdTable.get(n) === null ? EBADF : EINVAL;
    case S.SO_ZEROCOPY:
      if (s.family !== S.AF_INET && s.family !== S.AF_INET6) return EOPNOTSUPP;
      if (s.type !== S.SOCK_STREAM && !(s.type === S.SOCK_DGRAM && s.protocol === S.IPPROTO_UDP)) return EOPNOTSUPP;
      if (n < 0 || n > 1) return EINVAL;
      break;
    case S.SO_BUF_LOCK:
      if (n & ~3) return EINVAL;
      s.sndbufLocked = (n & 1) !== 0;
      s.rcvbufLocked = (n & 2) !== 0;
      return 0;
    case S.SO_BUSY_POLL:
      if (n < 0) return EINVAL;
      break;
    case S.SO_TXREHASH:
      if (n < -1 || n > 1) return EINVAL;
      if (s.type !== S.SOCK_STREAM || !inet) return EOPNOTSUPP;
      s.remembered.set(name, n === -1 ? 1 : n);
      return 0;
  }
  if (SWITCHES.has(name)) {
    s.remembered.set(name, on ? 1 : 0);
    if (name === S.SO_KEEPALIVE) s.keepaliveChanged();
  }
  else if (NUMBERS.has(name)) s.remembered.set(name, n);
  else return ENOPROTOOPT;
  return 0;
}

function bindToDevice(ctx: SocketCaller, s: Socket, value: Uint8Array): number {
  if (s.boundIndex !== 0 && !ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_RAW)) return EPERM;
  const end = value.indexOf(0);
  const name = String.fromCharCode(...value.subarray(0, end < 0 ? Math.min(15, value.length) : Math.min(15, end)));
  return s.netNs.setBoundDevice(s, name);
}

/** getsockopt(SOL_SOCKET), but for what is about processes; the whole value, or ENOPROTOOPT. */
export function getSocketOption(s: Socket, name: number, room: number): Uint8Array | Errno {
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
      return s.family === S.AF_UNIX || ((s.family === S.AF_INET || s.family === S.AF_INET6) && s.type !== S.SOCK_RAW) ? intOption(s.peekOffset) : EOPNOTSUPP;
    case S.SO_COOKIE: {
      const b = new Uint8Array(8);
      b.set(intOption(s.cookie));
      return b;
    }
    case S.SO_BINDTODEVICE: {
      const device = s.boundIndex === 0 ? null : s.netNs.deviceByIndex(s.boundIndex);
      if (s.boundIndex === 0) return new Uint8Array(0);
      if (device === null) return ENODEV;
      if (room < 16) return EINVAL;
      const b = new Uint8Array(device.name.length + 1);
      for (let i = 0; i < device.name.length; i++) b[i] = device.name.charCodeAt(i);
      return b;
    }
    case S.SO_ATTACH_FILTER:
      // SO_GET_FILTER: the length counts instructions.
      return s.filter === null ? new Uint8Array(0) : new Uint8Array(s.filter.buffer.slice(0));
    case S.SO_MARK:
      return intOption(s.mark | 0);
    case S.SO_PRIORITY:
      return intOption(s.priority);
    case S.SO_BINDTOIFINDEX:
      return intOption(s.boundIndex);
    case S.SO_TIMESTAMP:
      return intOption(s.timestamps === 1 && !s.timestampsNew ? 1 : 0);
    case S.SO_TIMESTAMPNS:
      return intOption(s.timestamps === 2 && !s.timestampsNew ? 1 : 0);
    case S.SO_TIMESTAMP_NEW:
      return intOption(s.timestamps === 1 && s.timestampsNew ? 1 : 0);
    case S.SO_TIMESTAMPNS_NEW:
      return intOption(s.timestamps === 2 && s.timestampsNew ? 1 : 0);
    case S.SO_TIMESTAMPING:
    case S.SO_TIMESTAMPING_NEW: {
      const b = new Uint8Array(8);
      b.set(intOption(s.timestamping));
      return b;
    }
    case S.SO_LOCK_FILTER:
      return intOption(s.filterLocked ? 1 : 0);
    case S.SO_BPF_EXTENSIONS:
      return intOption(64);
    case S.SO_BUF_LOCK:
      return intOption((s.sndbufLocked ? 1 : 0) | (s.rcvbufLocked ? 2 : 0));
    case S.SO_NETNS_COOKIE: {
      const b = new Uint8Array(8);
      b.set(intOption(s.netNs.cookie));
      return b;
    }
    case S.SO_INCOMING_NAPI_ID:
      return intOption(0);
    case S.SO_MAX_PACING_RATE: {
      const n = s.remembered.get(name) ?? -1;
      if (room < 8) return intOption(n);
      const b = new Uint8Array(8).fill(n === -1 ? 255 : 0);
      b.set(intOption(n));
      return b;
    }
    case S.SO_MEMINFO: {
      const b = new Uint8Array(36);
      const v = new DataView(b.buffer);
      v.setUint32(0, s.queuedBytes, true);
      v.setUint32(4, s.rcvbuf, true);
      v.setUint32(12, s.sndbuf, true);
      v.setUint32(32, s.drops, true);
      return b;
    }
  }
  if (SWITCHES.has(name) || NUMBERS.has(name)) {
    const unset = name === S.SO_INCOMING_CPU ? -1 : name === S.SO_TXREHASH ? 1 : 0;
    return intOption(s.remembered.get(name) ?? unset);
  }
  return ENOPROTOOPT;
}
