/** What an acknowledgement tells: bytes that are safe, the window, the round trip, loss. Linux 6.18 net/ipv4/tcp_input.c tcp_ack(). */
import type { SkBuff } from '../skb.ts';
import { after, before, distance, MS, plus, RTO_MAX, RTO_MIN } from './sequence.ts';
import type { SegmentOptions } from './tcp-header.ts';
import { retransmit, retransmitHead, sendAck } from './tcp-output.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** A round trip was measured, ns (tcp_rtt_estimator, RFC 6298). */
export function updateRtt(s: TcpSocket, rtt: number): void {
  if (s.minRtt === 0 || rtt < s.minRtt) s.minRtt = rtt;
  if (s.srtt === 0) {
    s.srtt = rtt;
    s.rttvar = rtt / 2;
  } else {
    s.rttvar += (Math.abs(s.srtt - rtt) - s.rttvar) / 4;
    s.srtt += (rtt - s.srtt) / 8;
  }
  s.rto = Math.min(RTO_MAX, s.srtt + Math.max(4 * s.rttvar, s.netNs.sysctls.number('ipv4/tcp_rto_min_us') * 1000 || RTO_MIN));
}

/** Takes an acknowledgement in; false: it acknowledges what was never sent. */
export function processAck(s: TcpSocket, skb: SkBuff, options: SegmentOptions): boolean {
  const ack = skb.ackSeq;
  if (after(ack, s.sndNxt)) {
    sendAck(s);
    return false;
  }
  const now = s.now();
  if (before(ack, s.sndUna)) {
    if (options.sack.length > 0) markSacked(s, options.sack);
    return true;
  }
  const before1 = s.sndUna;
  const inFlight = s.packetsOut;
  s.lastAckReceived = now;
  s.probesOut = 0;
  s.softError = 0;
  // The window.
  const window = skb.window << s.sndWscale;
  if (after(ack, s.sndUna) || after(skb.seq, s.sndWl1) || (skb.seq === s.sndWl1 && (window > s.sndWnd || window === 0))) {
    s.sndWl1 = skb.seq;
    if (s.sndWnd !== window) {
      s.sndWnd = window;
      if (window > s.maxWindow) {
        s.maxWindow = window;
        s.syncMss();
      }
    }
  }
  if (options.sack.length > 0) markSacked(s, options.sack);
  if (after(ack, s.sndUna)) acknowledged(s, ack, options, now);
  else if (inFlight > 0 && skb.seq === skb.endSeq && distance(ack, before1) === 0) duplicate(s, options);
  const { timers } = s.netNs.stack;
  if (s.sendQueue.head === null || s.sendQueue.head === s.sendHead) {
    // Nothing is out. A shut window is probed.
    s.packetsOut = 0;
    timers.cancel(s.retransmitTimer);
    s.retransStamp = 0;
    if (s.sendHead !== null && after(s.sendHead.endSeq, plus(s.sndUna, s.sndWnd))) {
      timers.arm(s.retransmitTimer, now + Math.min(RTO_MAX, Math.max(s.rto, 200 * MS) * 2 ** s.backoff));
    } else {
      s.backoff = 0;
    }
  }
  return true;
}

function acknowledged(s: TcpSocket, ack: number, options: SegmentOptions, now: number): void {
  const bytes = distance(ack, s.sndUna);
  s.bytesAcked += bytes;
  s.sndUna = ack;
  let rtt = -1;
  let segments = 0;
  for (;;) {
    const skb = s.sendQueue.head;
    if (skb === null || skb === s.sendHead) break;
    if (after(skb.endSeq, ack)) {
      const n = distance(ack, skb.seq);
      if (n > 0) trim(s, skb, n);
      break;
    }
    s.sendQueue.shift();
    s.wmemQueued -= skb.truesize;
    segments += Math.max(1, Math.ceil(skb.length / s.mss));
    if (skb.retransmits === 0) rtt = now - skb.sentAt;
  }
  s.packetsOut = Math.max(0, s.packetsOut - segments);
  if (s.sendQueue.head === null) s.wmemQueued = 0;
  if (rtt >= 0) updateRtt(s, Math.max(1000, rtt));
  else if (s.tsOk && options.hasTimestamp && options.tsecr !== 0) {
    const ms = (Math.floor(now / 1e6) + s.tsOffset - options.tsecr) >>> 0;
    if (ms < 600_000) updateRtt(s, Math.max(1000, ms * MS));
  }
  s.backoff = 0;
  s.retransmits = 0;
  s.retransStamp = 0;
  s.dupAcks = 0;
  if (s.recoverySeq >= 0) {
    if (!before(ack, s.recoverySeq)) {
      s.recoverySeq = -1;
      s.cwnd = Math.max(2, Math.min(s.ssthresh, s.cwnd + 1));
    } else {
      // A partial acknowledgement: the next hole.
      s.cwnd = Math.max(s.cwnd, 2);
      retransmitLost(s);
    }
  } else if (s.cwnd < s.ssthresh) {
    s.cwnd += Math.max(1, segments);
  } else {
    s.cwndCount += segments;
    if (s.cwndCount >= s.cwnd) {
      s.cwndCount = 0;
      s.cwnd++;
    }
  }
  s.expandSndbuf();
  if (s.packetsOut > 0) s.netNs.stack.timers.arm(s.retransmitTimer, now + s.rto);
}
/** The first `n` bytes of a packet are acknowledged. */
function trim(s: TcpSocket, skb: SkBuff, n: number): void {
  s.wmemQueued -= skb.truesize;
  // Headers will be written over them, and a receiver may still hold them.
  skb.data = skb.data.slice();
  skb.start += Math.min(n, skb.length);
  skb.seq = plus(skb.seq, n);
  s.wmemQueued += skb.truesize;
}

function duplicate(s: TcpSocket, options: SegmentOptions): void {
  s.dupAcks++;
  if (s.recoverySeq >= 0) {
    retransmitLost(s);
    return;
  }
  if (s.dupAcks < 3 && !(options.sack.length > 0 && s.dupAcks >= s.netNs.sysctls.number('ipv4/tcp_reordering'))) return;
  s.recoverySeq = s.sndNxt;
  s.ssthresh = Math.max(2, s.cwnd >> 1);
  s.cwnd = s.ssthresh;
  retransmitHead(s);
}
function retransmitLost(s: TcpSocket): void {
  for (let skb = s.sendQueue.head; skb !== null && skb !== s.sendHead; skb = skb.next) {
    if (skb.sacked) continue;
    if (skb.retransmits > 0 && s.now() - skb.sentAt < Math.max(s.srtt, MS)) return;
    retransmit(s, skb);
    return;
  }
}
function markSacked(s: TcpSocket, blocks: readonly number[]): void {
  for (let skb = s.sendQueue.head; skb !== null && skb !== s.sendHead; skb = skb.next)
    for (let i = 0; i + 1 < blocks.length; i += 2) if (!before(skb.seq, blocks[i]!) && !after(skb.endSeq, blocks[i + 1]!)) skb.sacked = true; // in range
}
