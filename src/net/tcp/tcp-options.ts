/** Options of level IPPROTO_TCP, and TCP_INFO. Facts: Linux 6.18 net/ipv4/tcp.c do_tcp_setsockopt(), tcp_get_info(); man 7 tcp. */
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import { EINVAL, ENOENT, ENOPROTOOPT, EPERM, type Errno, isErr } from '../../abi/errno.ts';
import * as S from '../../abi/socket.ts';
import { intOption, optionInt } from '../option-value.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { distance, MS, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_LISTEN } from './sequence.ts';
import { sendAck, tcpPush } from './tcp-output.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** Bits of `nagle`. */
export const NAGLE_OFF = 1;
export const NAGLE_CORK = 2;

export class TcpSettings {
  nagle = 0;
  maxSegment = 0;
  keepIdle = 7200;
  keepInterval = 75;
  keepCount = 9;
  synCount = 0;
  /** Seconds; negative: no FIN_WAIT2 for orphans. */
  linger2 = 0;
  /** TCP_DEFER_ACCEPT as a number of retransmissions. */
  deferAccept = 0;
  windowClamp = 0;
  congestion = 'cubic';
  /** ms */
  userTimeout = 0;
  fastOpen = 0;
  fastOpenConnect = false;
  fastOpenNoCookie = false;
  notSentLowat = 0;
  /** TCP_SAVE_SYN: 1 from the network header, 2 with the link's. */
  saveSyn = 0;
  inq = false;
  thinLinear = false;
  thinDupAck = false;
  txDelay = 0;
  copyFrom(o: TcpSettings): void {
    Object.assign(this, o);
    this.saveSyn = 0;
    this.deferAccept = o.deferAccept;
  }
}

/** Seconds of retransmission that n tries take, and back (secs_to_retrans, retrans_to_secs). */
function secondsToRetrans(seconds: number): number {
  let n = 0;
  if (seconds <= 0) return 0;
  let period = 1;
  let timeout = 1;
  n = 1;
  while (seconds > period && n < 255) {
    n++;
    timeout = Math.min(timeout * 2, 120);
    period += timeout;
  }
  return n;
}
function retransToSeconds(n: number): number {
  if (n === 0) return 0;
  let period = 1;
  let timeout = 1;
  for (let i = 1; i < n; i++) {
    timeout = Math.min(timeout * 2, 120);
    period += timeout;
  }
  return period;
}

export function setTcpOption(ctx: SocketCaller, s: TcpSocket, name: number, value: Uint8Array): number {
  const t = s.settings;
  const admin = (): boolean => ctx.credentials.nsCapable(s.netNs.userNs, CAP_NET_ADMIN);
  switch (name) {
    case S.TCP_CONGESTION: {
      if (value.length < 1) return EINVAL;
      const end = value.subarray(0, 15).indexOf(0);
      const wanted = String.fromCharCode(...value.subarray(0, end < 0 ? Math.min(15, value.length) : end));
      const { sysctls } = s.netNs;
      if (!sysctls.text('ipv4/tcp_available_congestion_control').split(' ').includes(wanted)) return ENOENT;
      if (!sysctls.text('ipv4/tcp_allowed_congestion_control').split(' ').includes(wanted) && !admin()) return EPERM;
      t.congestion = wanted;
      return 0;
    }
    case S.TCP_ULP:
      return value.length < 1 ? EINVAL : ENOENT;
    case S.TCP_FASTOPEN_KEY:
      return value.length === 16 || value.length === 32 ? 0 : EINVAL;
  }
  if (value.length < 4) return EINVAL;
  const n = optionInt(value);
  switch (name) {
    case S.TCP_MAXSEG:
      if (n !== 0 && (n < 88 || n > 32767)) return EINVAL;
      t.maxSegment = n;
      return 0;
    case S.TCP_NODELAY:
      t.nagle = n !== 0 ? t.nagle | NAGLE_OFF : t.nagle & ~NAGLE_OFF;
      if (n !== 0) flush(s);
      return 0;
    case S.TCP_CORK:
      t.nagle = n !== 0 ? t.nagle | NAGLE_CORK : t.nagle & ~NAGLE_CORK;
      if (n === 0) flush(s);
      return 0;
    case S.TCP_KEEPIDLE:
      if (n < 1 || n > 32767) return EINVAL;
      t.keepIdle = n;
      s.keepaliveChanged();
      return 0;
    case S.TCP_KEEPINTVL:
      if (n < 1 || n > 32767) return EINVAL;
      t.keepInterval = n;
      return 0;
    case S.TCP_KEEPCNT:
      if (n < 1 || n > 127) return EINVAL;
      t.keepCount = n;
      return 0;
    case S.TCP_SYNCNT:
      if (n < 1 || n > 127) return EINVAL;
      t.synCount = n;
      return 0;
    case S.TCP_SAVE_SYN:
      if (n < 0 || n > 2) return EINVAL;
      t.saveSyn = n;
      return 0;
    case S.TCP_LINGER2:
      t.linger2 = n < 0 ? -1 : n > 120 ? 120 : n;
      return 0;
    case S.TCP_DEFER_ACCEPT:
      t.deferAccept = secondsToRetrans(n);
      return 0;
    case S.TCP_WINDOW_CLAMP:
      if (n === 0) {
        if (s.state !== TCP_CLOSE) return EINVAL;
        t.windowClamp = 0;
        return 0;
      }
      t.windowClamp = Math.max(n, 1152);
      s.windowClamp = t.windowClamp;
      return 0;
    case S.TCP_QUICKACK:
      s.pingpong = n === 0;
      if (n !== 0 && (s.state === TCP_ESTABLISHED || s.state === TCP_CLOSE_WAIT) && s.ackScheduled) sendAck(s);
      return 0;
    case S.TCP_USER_TIMEOUT:
      if (n < 0) return EINVAL;
      t.userTimeout = n;
      return 0;
    case S.TCP_FASTOPEN:
      if (n < 0 || (s.state !== TCP_CLOSE && s.state !== TCP_LISTEN)) return EINVAL;
      t.fastOpen = Math.min(n, s.netNs.somaxconn);
      return 0;
    case S.TCP_FASTOPEN_CONNECT:
      if (n < 0 || n > 1 || s.state !== TCP_CLOSE) return EINVAL;
      t.fastOpenConnect = n !== 0;
      return 0;
    case S.TCP_FASTOPEN_NO_COOKIE:
      if (n < 0 || n > 1 || (s.state !== TCP_CLOSE && s.state !== TCP_LISTEN)) return EINVAL;
      t.fastOpenNoCookie = n !== 0;
      return 0;
    case S.TCP_NOTSENT_LOWAT:
      t.notSentLowat = n >>> 0;
      s.wakeWriters();
      return 0;
    case S.TCP_INQ:
      if (n < 0 || n > 1) return EINVAL;
      t.inq = n !== 0;
      return 0;
    case S.TCP_THIN_LINEAR_TIMEOUTS:
      if (n < 0 || n > 1) return EINVAL;
      t.thinLinear = n !== 0;
      return 0;
    case S.TCP_THIN_DUPACK:
      return n < 0 || n > 1 ? EINVAL : 0;
    case S.TCP_TX_DELAY:
      if (n < 0) return EINVAL;
      t.txDelay = n;
      return 0;
    case S.TCP_REPAIR:
      return admin() ? ENOPROTOOPT : EPERM;
    case S.TCP_TIMESTAMP:
    case S.TCP_REPAIR_QUEUE:
    case S.TCP_QUEUE_SEQ:
    case S.TCP_REPAIR_OPTIONS:
    case S.TCP_REPAIR_WINDOW:
      return EPERM;
    case S.TCP_MD5SIG:
    case S.TCP_MD5SIG_EXT:
      return EINVAL;
  }
  return ENOPROTOOPT;
}
function flush(s: TcpSocket): void {
  if (s.state === TCP_CLOSE || s.state === TCP_LISTEN) return;
  const { stack } = s.netNs;
  stack.hold();
  tcpPush(s);
  stack.release();
}

export function getTcpOption(s: TcpSocket, name: number, given: Uint8Array): Uint8Array | Errno {
  const t = s.settings;
  switch (name) {
    case S.TCP_MAXSEG:
      return intOption(s.state === TCP_CLOSE || s.state === TCP_LISTEN ? (t.maxSegment > 0 ? t.maxSegment : 536) : s.mss);
    case S.TCP_NODELAY:
      return intOption(t.nagle & NAGLE_OFF);
    case S.TCP_CORK:
      return intOption(t.nagle & NAGLE_CORK ? 1 : 0);
    case S.TCP_KEEPIDLE:
      return intOption(t.keepIdle);
    case S.TCP_KEEPINTVL:
      return intOption(t.keepInterval);
    case S.TCP_KEEPCNT:
      return intOption(t.keepCount);
    case S.TCP_SYNCNT:
      return intOption(t.synCount || s.netNs.sysctls.number('ipv4/tcp_syn_retries'));
    case S.TCP_LINGER2:
      return intOption(t.linger2 < 0 ? -1 : t.linger2 > 0 ? t.linger2 : s.netNs.sysctls.number('ipv4/tcp_fin_timeout'));
    case S.TCP_DEFER_ACCEPT:
      return intOption(retransToSeconds(t.deferAccept));
    case S.TCP_WINDOW_CLAMP:
      return intOption(t.windowClamp > 0 ? t.windowClamp : s.state === TCP_CLOSE || s.state === TCP_LISTEN ? 0 : s.windowClamp);
    case S.TCP_INFO:
      return tcpInfo(s);
    case S.TCP_QUICKACK:
      return intOption(s.pingpong ? 0 : 1);
    case S.TCP_CONGESTION: {
      const b = new Uint8Array(16);
      for (let i = 0; i < t.congestion.length; i++) b[i] = t.congestion.charCodeAt(i);
      return b.slice(0, Math.min(16, given.length));
    }
    case S.TCP_CC_INFO:
      return new Uint8Array(t.congestion === 'bbr' ? 20 : 0);
    case S.TCP_ULP:
      return new Uint8Array(0);
    case S.TCP_USER_TIMEOUT:
      return intOption(t.userTimeout);
    case S.TCP_FASTOPEN:
      return intOption(t.fastOpen);
    case S.TCP_FASTOPEN_CONNECT:
      return intOption(t.fastOpenConnect ? 1 : 0);
    case S.TCP_FASTOPEN_NO_COOKIE:
      return intOption(t.fastOpenNoCookie ? 1 : 0);
    case S.TCP_FASTOPEN_KEY:
      return new Uint8Array(0);
    case S.TCP_NOTSENT_LOWAT:
      return intOption(t.notSentLowat | 0);
    case S.TCP_TIMESTAMP:
      return intOption((Math.floor(s.now() / 1e6) + s.tsOffset) | 0);
    case S.TCP_INQ:
      return intOption(t.inq ? 1 : 0);
    case S.TCP_SAVE_SYN:
      return intOption(t.saveSyn);
    case S.TCP_SAVED_SYN: {
      const { savedSyn } = s;
      if (savedSyn === null) return new Uint8Array(0);
      if (given.length < savedSyn.length) return EINVAL;
      s.savedSyn = null;
      return savedSyn;
    }
    case S.TCP_THIN_LINEAR_TIMEOUTS:
      return intOption(t.thinLinear ? 1 : 0);
    case S.TCP_THIN_DUPACK:
    case S.TCP_REPAIR:
      return intOption(0);
    case S.TCP_TX_DELAY:
      return intOption(t.txDelay);
    case S.TCP_ZEROCOPY_RECEIVE:
    case S.TCP_REPAIR_QUEUE:
    case S.TCP_REPAIR_WINDOW:
    case S.TCP_QUEUE_SEQ:
      return EINVAL;
  }
  return ENOPROTOOPT;
}

/** sizeof(struct tcp_info) of Linux 6.18. */
const TCP_INFO_SIZE = 280;

/** struct tcp_info. */
export function tcpInfo(s: TcpSocket): Uint8Array {
  const b = new Uint8Array(TCP_INFO_SIZE);
  const v = new DataView(b.buffer);
  b[0] = s.state;
  const u32 = (at: number, n: number): void => v.setUint32(at, n >>> 0, true);
  const u64 = (at: number, n: number): void => {
    v.setUint32(at, n >>> 0, true);
    v.setUint32(at + 4, Math.floor(n / 4294967296), true);
  };
  // Pacing rates: not limited.
  b.fill(255, 104, 120);
  const now = s.now();
  if (s.state === TCP_LISTEN) {
    u32(24, s.acceptQueue.length);
    u32(28, s.backlog);
    return b;
  }
  b[1] = s.recoverySeq >= 0 ? 3 : s.retransmits > 0 ? 4 : 0;
  b[2] = s.retransmits;
  b[3] = s.probesOut;
  b[4] = s.backoff;
  b[5] = (s.tsOk ? 1 : 0) | (s.sackOk ? 2 : 0) | (s.wscaleOk ? 4 : 0);
  b[6] = s.sndWscale | (s.rcvWscale << 4);
  u32(8, s.rto / 1000);
  u32(12, s.ato / 1000);
  u32(16, s.mss);
  u32(20, s.rcvMss);
  u32(24, s.packetsOut);
  u32(44, s.lastSent === 0 ? 0 : (now - s.lastSent) / MS);
  u32(52, s.lastReceived === 0 ? 0 : (now - s.lastReceived) / MS);
  u32(56, s.lastAckReceived === 0 ? 0 : (now - s.lastAckReceived) / MS);
  const dst = s.remote === null ? null : s.routeTo(s.remote);
  u32(60, dst === null || isErr(dst) ? 0 : dst.mtu);
  u32(64, Math.max(0, s.windowClamp > 0 ? Math.min(s.windowClamp, s.windowFrom(s.rcvbuf)) : 0));
  u32(68, s.srtt / 1000);
  u32(72, s.rttvar / 1000);
  u32(76, s.ssthresh);
  u32(80, s.cwnd);
  u32(84, s.advmss);
  u32(88, 3);
  u32(96, s.rcvSpace);
  u32(100, s.totalRetrans);
  u64(120, s.bytesAcked);
  u64(128, s.bytesReceived);
  u32(136, s.segsOut);
  u32(140, s.segsIn);
  u32(144, Math.max(0, distance(s.writeSeq, s.sndNxt)));
  u32(148, s.minRtt / 1000);
  u32(152, s.dataSegsIn);
  u32(156, s.dataSegsOut);
  u64(200, s.bytesSent);
  u64(208, s.bytesRetrans);
  u32(228, s.sndWnd);
  u32(232, s.rcvWnd);
  return b;
}
