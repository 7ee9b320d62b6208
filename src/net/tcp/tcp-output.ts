/** What a connection sends. Linux 6.18 net/ipv4/tcp_output.c. */
import { isErr } from '../../abi/errno.ts';
import { IP_TOS, IP_TTL, IPV6_TCLASS, IPV6_UNICAST_HOPS, SOL_IP, SOL_IPV6 } from '../../abi/socket.ts';
import type { Dst } from '../ip/dst.ts';
import { partialChecksum } from '../ip/offload.ts';
import { ipLocalOut, pushIpHeader } from '../ipv4/ip-output.ts';
import { ip6LocalOut, pushIp6Header } from '../ipv6/ip6-output.ts';
import { allocSkb, type SkBuff } from '../skb.ts';
import { ACK, after, before, distance, FIN, MS, plus, PSH, RST, RTO_INITIAL, SYN, TCP_CLOSE, TCP_LISTEN, TCP_SYN_SENT, URG } from './sequence.ts';
import { type HeaderFields, pushTcpHeader } from './tcp-header.ts';
import { NAGLE_CORK, NAGLE_OFF } from './tcp-options.ts';
import { header } from './tcp-segment.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** Most payload of one packet handed to a device that segments (GSO_MAX_SIZE less headers). */
const GSO_MAX = 65535 - 160;

/** The window to announce; never less than what was announced (tcp_select_window). */
export function selectWindow(s: TcpSocket): number {
  const current = s.receiveWindow();
  let window = freeWindow(s);
  if (window < current) window = (1 << s.rcvWscale) * Math.ceil(current / (1 << s.rcvWscale));
  s.rcvWnd = window;
  s.rcvWup = s.rcvNxt;
  return Math.min(65535, s.rcvWscale === 0 ? Math.min(window, 65535) : window >>> s.rcvWscale);
}
/** Room in the receive buffer, avoiding silly windows (__tcp_select_window). */
export function freeWindow(s: TcpSocket): number {
  const full = Math.min(s.windowClamp, s.windowFrom(s.rcvbuf));
  let mss = s.rcvMss;
  if (mss > full) mss = full;
  if (mss <= 0) return 0;
  let free = s.windowFrom(Math.max(0, s.rcvbuf - s.rmem));
  if (free < full >> 1) {
    const allowed = s.windowFrom(s.rcvbuf);
    free = Math.floor(free / (1 << s.rcvWscale)) * (1 << s.rcvWscale);
    if (free < allowed >> 4 || free < mss) return 0;
  }
  if (free > full) free = full;
  if (s.rcvWscale > 0) return Math.ceil(free / (1 << s.rcvWscale)) * (1 << s.rcvWscale);
  const window = s.rcvWnd;
  if (window <= free - mss || window > free) return Math.floor(free / mss) * mss || free;
  return window;
}

/** Sends one segment: `payload` with `start` at its data; the header goes before it. */
function transmit(s: TcpSocket, skb: SkBuff, flags: number, number: number, dst: Dst | null = null): void {
  const to = s.remote;
  if (to === null) return;
  const way = dst ?? s.routeTo(to);
  if (isErr(way)) {
    s.softError = way;
    return;
  }
  const ns = s.netNs;
  const now = ns.stack.now();
  const h: HeaderFields = header(s.local.port, to.port, number, flags & ACK ? s.rcvNxt : 0, flags, 0);
  const length = skb.length;
  if (flags & SYN) {
    h.window = Math.min(65535, s.rcvWnd);
    h.mss = s.advmss;
    h.sackPermitted = s.sackOk;
    h.wscale = s.wscaleOk ? s.rcvWscale : -1;
  } else if ((flags & RST) === 0) {
    h.window = selectWindow(s);
    if (s.outOfOrder.length > 0 || s.dsack !== null) h.sack = sackBlocks(s);
  }
  if (s.tsOk) {
    h.tsval = (Math.floor(now / 1e6) + s.tsOffset) >>> 0;
    h.tsecr = flags & SYN && (flags & ACK) === 0 ? 0 : s.tsRecent;
  }
  if (s.sndUrgent >= 0 && before(number, s.sndUrgent) && distance(s.sndUrgent, number) <= 65535) {
    h.flags |= URG;
    h.urgent = distance(s.sndUrgent, number);
  }
  skb.source = s.local.ip;
  skb.destination = to.ip;
  skb.mark = s.mark;
  skb.priority = s.priority;
  pushTcpHeader(skb, h);
  partialChecksum(skb, skb.transport, 16, 6);
  if (length > s.mss) skb.gsoSize = s.mss;
  if (flags & ACK) ackSent(s);
  const segments = skb.gsoSize > 0 ? Math.ceil(length / skb.gsoSize) : 1;
  s.segsOut += segments;
  if (length > 0) {
    s.dataSegsOut += segments;
    s.bytesSent += length;
  }
  ns.snmp.tcp.outSegs += segments;
  if (to.ip.length === 4) {
    const ttl = s.option(SOL_IP, IP_TTL);
    pushIpHeader(skb, s.local.ip, to.ip, {
      tos: s.option(SOL_IP, IP_TOS), ttl: ttl >= 0 ? ttl : ns.sysctls.number('ipv4/ip_default_ttl'), protocol: 6, df: true, id: ns.nextIpId(), options: s.ipOptions,
    });
    ipLocalOut(ns, skb, way);
  } else {
    const hops = s.option(SOL_IPV6, IPV6_UNICAST_HOPS);
    pushIp6Header(skb, s.local.ip, to.ip, 6, hops >= 0 ? hops : (way.device.conf6['hop_limit'] ?? 64), s.option(SOL_IPV6, IPV6_TCLASS), 0);
    ip6LocalOut(ns, skb, way);
  }
}
function ackSent(s: TcpSocket): void {
  if (s.quickAcks > 0) s.quickAcks--;
  s.ackScheduled = false;
  s.ackNow = false;
  s.netNs.stack.timers.cancel(s.delackTimer);
}
function sackBlocks(s: TcpSocket): number[] {
  const blocks: number[] = [];
  const most = s.tsOk ? 6 : 8;
  if (s.dsack !== null) {
    blocks.push(s.dsack[0], s.dsack[1]);
    s.dsack = null;
  }
  if (!s.sackOk) return [];
  for (const skb of s.outOfOrder) {
    const last = blocks.length - 1;
    if (last > 0 && blocks[last] === skb.seq) blocks[last] = skb.endSeq;
    else if (blocks.length < most) blocks.push(skb.seq, skb.endSeq);
  }
  return blocks;
}

/** The first SYN: settles what is announced. */
export function sendSyn(s: TcpSocket, dst: Dst): void {
  const { sysctls, stack } = s.netNs;
  s.sndIsn = stack.random();
  s.sndUna = s.sndIsn;
  s.sndNxt = s.sndIsn;
  s.writeSeq = plus(s.sndIsn, 1);
  s.tsOk = sysctls.number('ipv4/tcp_timestamps') !== 0;
  s.tsOffset = stack.random();
  s.sackOk = sysctls.number('ipv4/tcp_sack') !== 0;
  s.wscaleOk = sysctls.number('ipv4/tcp_window_scaling') !== 0;
  s.rcvWscale = s.wscaleOk ? s.windowScale() : 0;
  s.advmss = s.mssTowards(s.remote!, s.local.ip); // connect has set it
  s.mssClamp = s.settings.maxSegment > 0 ? s.settings.maxSegment : 65535;
  s.rcvWnd = s.initialWindow();
  s.windowClamp = s.settings.windowClamp > 0 ? s.settings.windowClamp : 65535 << s.rcvWscale;
  s.rcvNxt = s.rcvWup = s.copiedSeq = 0;
  s.mtuReduced(dst.mtu, false);
  s.rto = RTO_INITIAL;
  const skb = allocSkb(0);
  skb.seq = s.sndIsn;
  skb.endSeq = s.writeSeq;
  skb.tcpFlags = SYN;
  s.sendQueue.push(skb);
  s.sendHead = null;
  s.sndNxt = s.writeSeq;
  s.packetsOut = 1;
  skb.sentAt = stack.now();
  stack.timers.arm(s.retransmitTimer, stack.now() + s.rto);
  transmit(s, skb.clone(), SYN, skb.seq, dst);
}

/** Sends what may be sent. */
export function tcpPush(s: TcpSocket): void {
  if (s.state === TCP_CLOSE || s.state === TCP_LISTEN || s.state === TCP_SYN_SENT) return;
  const { stack } = s.netNs;
  let sent = false;
  while (s.sendHead !== null) {
    let skb: SkBuff = s.sendHead;
    if (s.packetsOut >= s.cwnd) break;
    const end = plus(s.sndUna, s.sndWnd);
    const length = distance(skb.endSeq, skb.seq);
    let allowed = distance(end, skb.seq);
    if (allowed <= 0 && length > 0) break;
    // Windows and the congestion window cut a large packet.
    const quota = (s.cwnd - s.packetsOut) * s.mss;
    allowed = Math.min(allowed, quota, GSO_MAX - (GSO_MAX % s.mss) || s.mss);
    if (skb.length > allowed) {
      let n = allowed > s.mss ? allowed - (allowed % s.mss) : allowed;
      // A window too small for a whole segment: waits, unless it is half of all there ever was.
      if (allowed < s.mss && skb.length > allowed && allowed < s.maxWindow >> 1 && s.packetsOut > 0) break;
      if (n <= 0) break;
      n = Math.min(n, skb.length);
      if (n < skb.length) split(s, skb, n);
      skb = s.sendHead;
    } else if (!nagleAllows(s, skb)) {
      break;
    }
    sendHead(s, skb);
    sent = true;
  }
  if (sent) s.lastSent = stack.now();
  if (s.packetsOut > 0) {
    if (!s.retransmitTimer.armed) stack.timers.arm(s.retransmitTimer, stack.now() + s.rto);
  } else if (s.sendHead !== null && !s.retransmitTimer.armed) {
    // The window is shut, or too small.
    stack.timers.arm(s.retransmitTimer, stack.now() + Math.max(s.rto, 200 * MS));
  }
}
/** Nagle: a small last packet waits while something is unacknowledged; a corked one always. */
function nagleAllows(s: TcpSocket, skb: SkBuff): boolean {
  if (skb.length >= s.mss || skb.next !== null || skb.tcpFlags & FIN) return true;
  if (s.settings.nagle & NAGLE_CORK || skb.more) return false;
  if (s.settings.nagle & NAGLE_OFF || (s.sndUrgent >= 0 && !after(s.sndUna, s.sndUrgent))) return true;
  // Minshall: only a small packet that is out holds the next one back.
  return s.packetsOut === 0 || !s.smallOut;
}
function sendHead(s: TcpSocket, skb: SkBuff): void {
  s.sendHead = skb.next;
  skb.sentAt = s.netNs.stack.now();
  s.sndNxt = skb.endSeq;
  s.packetsOut += Math.max(1, Math.ceil(skb.length / s.mss));
  if (skb.length < s.mss && skb.length > 0) s.smallSeq = skb.endSeq;
  let flags = ACK | skb.tcpFlags;
  if (skb.length > 0 && (skb.next === null || skb.tcpFlags & PSH)) flags |= PSH;
  // The other side may answer soon: its next data need not be acknowledged at once.
  if (skb.length > 0 && s.now() - s.lastReceived < s.ato) s.pingpong = true;
  transmit(s, skb.clone(), flags, skb.seq);
}
/** Cuts a packet that was not sent: the first `n` bytes stay. */
function split(s: TcpSocket, skb: SkBuff, n: number): void {
  const rest = allocSkb(skb.length - n);
  rest.data.set(skb.data.subarray(skb.start + n, skb.end), rest.start);
  rest.seq = plus(skb.seq, n);
  rest.endSeq = skb.endSeq;
  rest.tcpFlags = skb.tcpFlags;
  rest.sentAt = skb.sentAt;
  rest.lost = skb.lost;
  rest.more = skb.more;
  skb.tcpFlags &= ~(FIN | PSH);
  s.wmemQueued -= skb.truesize;
  skb.end = skb.start + n;
  skb.endSeq = rest.seq;
  s.wmemQueued += skb.truesize + rest.truesize;
  rest.next = skb.next;
  skb.next = rest;
  if (s.sendQueue.tail === skb) s.sendQueue.tail = rest;
  s.sendQueue.count++;
}

/** Sends the first unacknowledged segment again. */
export function retransmitHead(s: TcpSocket): void {
  for (let skb = s.sendQueue.head; skb !== null && skb !== s.sendHead; skb = skb.next) {
    if (skb.sacked) continue;
    retransmit(s, skb);
    return;
  }
}
export function retransmit(s: TcpSocket, skb: SkBuff): void {
  if (skb.length > s.mss) split(s, skb, s.mss);
  skb.sentAt = s.now();
  skb.retransmits++;
  skb.lost = false;
  s.totalRetrans++;
  s.netNs.snmp.tcp.retransSegs++;
  s.bytesRetrans += skb.length;
  // Its bytes may lie in the receiver's queue; headers are written before a copy.
  transmit(s, skb.clone(true), skb.tcpFlags & SYN ? (s.state === TCP_SYN_SENT ? SYN : SYN | ACK) : ACK | skb.tcpFlags | (skb.length > 0 ? PSH : 0), skb.seq);
}

/** Acknowledges what came. */
export function sendAck(s: TcpSocket): void {
  if (s.state === TCP_CLOSE || s.remote === null) return;
  transmit(s, allocSkb(0), ACK, s.sndNxt);
}
/** Asks the other side to answer: a number that it has already acknowledged. */
export function sendProbe(s: TcpSocket, keepalive = false): void {
  const head = s.sendHead;
  const end = plus(s.sndUna, s.sndWnd);
  if (!keepalive && head !== null && before(head.seq, end)) {
    const n = distance(end, head.seq);
    if (head.length > n) split(s, head, n);
    sendHead(s, head);
    return;
  }
  transmit(s, allocSkb(0), ACK, plus(s.sndUna, -1));
}
/** The FIN goes behind all data. */
export function queueFin(s: TcpSocket): void {
  const { tail } = s.sendQueue;
  s.finQueued = true;
  if (tail !== null && s.sendHead !== null) {
    tail.tcpFlags |= FIN;
    tail.more = false;
    tail.endSeq = plus(tail.endSeq, 1);
    s.writeSeq = tail.endSeq;
  } else {
    const skb = allocSkb(0);
    skb.seq = s.writeSeq;
    s.writeSeq = plus(s.writeSeq, 1);
    skb.endSeq = s.writeSeq;
    skb.tcpFlags = FIN;
    s.wmemQueued += skb.truesize;
    s.sendQueue.push(skb);
    s.sendHead = skb;
  }
  tcpPush(s);
}
/** A reset of our own accord. */
export function sendActiveReset(s: TcpSocket): void {
  if (s.remote === null) return;
  s.netNs.snmp.tcp.outRsts++;
  transmit(s, allocSkb(0), RST | ACK, s.sndNxt);
}
