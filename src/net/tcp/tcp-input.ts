/** Segments that come in: whose they are, and what a connection makes of them. Linux 6.18 net/ipv4/{tcp_ipv4,tcp_input,tcp_minisocks}.c. */
import { IP_MINTTL, IPV6_MINHOPCOUNT, SOL_IP, SOL_IPV6 } from '../../abi/socket.ts';
import { isMulticast } from '../inet/inet-address.ts';
import { checksumGood } from '../ip/offload.ts';
import { RTN_LOCAL } from '../ip/route-table.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { type SkBuff, allocSkb } from '../skb.ts';
import { filterSkb } from '../socket-filter.ts';
import { RCV_SHUTDOWN, SEND_SHUTDOWN } from '../socket.ts';
import { processAck, updateRtt } from './tcp-ack.ts';
import { queueData, URGENT_ANNOUNCED, urgentData } from './tcp-data.ts';
import { SegmentOptions } from './tcp-header.ts';
import { sendAck, tcpPush } from './tcp-output.ts';
import { TcpRequest } from './tcp-request.ts';
import { sendReset } from './tcp-segment.ts';
import {
  ACK, after, ATO_MIN, before, distance, FIN, MS, plus, RST, SYN, TCP_CLOSE, TCP_CLOSE_WAIT, TCP_CLOSING, TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_LAST_ACK, TCP_LISTEN,
  TCP_SYN_RECV, TCP_SYN_SENT, TCP_TIME_WAIT, URG,
} from './sequence.ts';
import type { TcpSocket } from './tcp-socket.ts';

const options = new SegmentOptions();
const MAX_REQUESTS = 4096;

/** A packet with its TCP header at `skb.start`. */
export function tcpReceive(ns: NetworkNamespace, skb: SkBuff): void {
  const at = skb.start;
  const counters = ns.snmp.tcp;
  if (skb.routeType !== RTN_LOCAL || isMulticast(skb.destination)) return;
  counters.inSegs++;
  const length = (skb.data[at + 12]! >> 4) << 2; // checked next
  if (skb.length < 20 || length < 20 || length > skb.length || !checksumGood(skb, at, 6)) {
    counters.inErrs++;
    return;
  }
  skb.transport = at;
  const flags = skb.data[at + 13]!; // 20 bytes at least
  skb.tcpFlags = flags;
  skb.seq = skb.u32(at + 4);
  skb.ackSeq = skb.u32(at + 8);
  skb.window = skb.u16(at + 14);
  skb.endSeq = plus(skb.seq, skb.length - length + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0));
  options.read(skb, at + 20, at + length, (flags & SYN) !== 0);
  skb.start = at + length;
  const sport = skb.u16(at);
  const dport = skb.u16(at + 2);
  let c = ns.tcp.find(skb.destination, dport, skb.source, sport, skb.iif);
  if (c !== null && c.kind === 'timewait') {
    const listener = flags & SYN ? ns.tcp.findListener(skb.source, sport, skb.destination, dport, skb.iif, skb) : null;
    if (!c.receive(skb, options) || listener === null) return;
    c = null;
  }
  if (c === null) {
    const listener = ns.tcp.findListener(skb.source, sport, skb.destination, dport, skb.iif, skb);
    if (listener === null) sendReset(ns, skb);
    else if (acceptable(listener, skb)) listen(ns, listener, skb);
    return;
  }
  if (c.kind === 'request') {
    if (acceptable(c.listener, skb)) request(ns, c, skb);
    return;
  }
  if (!acceptable(c, skb)) return;
  ns.stack.hold();
  process(c, skb);
  ns.stack.release();
}
/** The socket's filter and its least TTL let the segment pass. */
function acceptable(s: TcpSocket, skb: SkBuff): boolean {
  if (s.options.size > 0) {
    const least = skb.source.length === 4 ? s.option(SOL_IP, IP_MINTTL) : s.option(SOL_IPV6, IPV6_MINHOPCOUNT);
    if (least > skb.ttl) return false;
  }
  if (s.filter === null) return true;
  const keep = filterSkb(s, skb, skb.transport, skb.start - skb.transport);
  if (keep < 0) return false;
  if (skb.transport + keep < skb.end) {
    skb.endSeq = plus(skb.endSeq, -(skb.end - skb.transport - keep));
    skb.end = skb.transport + keep;
  }
  return true;
}

// ---- listening

function listen(ns: NetworkNamespace, s: TcpSocket, skb: SkBuff): void {
  const flags = skb.tcpFlags;
  if (flags & RST) return;
  if (flags & ACK) {
    sendReset(ns, skb);
    return;
  }
  if ((flags & SYN) === 0 || flags & FIN) return;
  if (s.acceptQueueFull) {
    ns.snmp.tcp.listenOverflows++;
    ns.snmp.tcp.listenDrops++;
    return;
  }
  if (s.requests.size >= MAX_REQUESTS) {
    ns.snmp.tcp.listenDrops++;
    return;
  }
  new TcpRequest(s, skb, options);
}

/** A segment for a connection that is being made (tcp_check_req). */
function request(ns: NetworkNamespace, r: TcpRequest, skb: SkBuff): void {
  const flags = skb.tcpFlags;
  const first = plus(r.rcvIsn, 1);
  if (skb.seq === r.rcvIsn && (flags & (SYN | ACK | RST)) === SYN) {
    r.sendSynAck();
    return;
  }
  if (flags & ACK && skb.ackSeq !== plus(r.sndIsn, 1)) {
    sendReset(ns, skb);
    return;
  }
  if (before(skb.endSeq, first) || after(skb.seq, plus(first, r.window))) {
    if ((flags & RST) === 0) r.sendSynAck();
    return;
  }
  if (options.hasTimestamp && !after(skb.seq, first)) r.tsRecent = options.tsval;
  if (flags & (RST | SYN)) {
    if (flags & SYN) sendReset(ns, skb);
    r.kill();
    ns.snmp.tcp.attemptFails++;
    return;
  }
  if ((flags & ACK) === 0) return;
  const { listener } = r;
  if (listener.settings.deferAccept > 0 && skb.endSeq === first) {
    r.acked = true;
    return;
  }
  if (listener.acceptQueueFull) {
    ns.snmp.tcp.listenOverflows++;
    if (ns.sysctls.number('ipv4/tcp_abort_on_overflow')) {
      sendReset(ns, skb);
      r.kill();
      return;
    }
    r.acked = true;
    return;
  }
  const child = makeConnection(listener, r);
  r.kill();
  ns.tcp.add(child);
  listener.acceptQueue.push(child);
  ns.stack.hold();
  establish(child, skb);
  process(child, skb);
  ns.stack.release();
  listener.wakeReaders();
}
function makeConnection(listener: TcpSocket, r: TcpRequest): TcpSocket {
  const s = listener.makeChild();
  const ns = s.netNs;
  s.local = r.local;
  s.remote = r.remote;
  s.hasPort = true;
  ns.tcp.ports.add(s.local.port, s);
  s.mark = r.mark;
  s.savedSyn = r.savedSyn;
  s.state = TCP_SYN_RECV;
  s.sndIsn = r.sndIsn;
  s.sndUna = r.sndIsn;
  s.sndNxt = s.writeSeq = plus(r.sndIsn, 1);
  s.rcvIsn = r.rcvIsn;
  s.rcvNxt = s.rcvWup = s.copiedSeq = plus(r.rcvIsn, 1);
  s.rcvWnd = r.window;
  s.tsOk = r.tsOk;
  s.tsRecent = r.tsRecent;
  s.tsOffset = r.tsOffset;
  s.sackOk = r.sackOk;
  s.wscaleOk = r.wscale >= 0;
  s.sndWscale = Math.max(0, r.wscale);
  s.rcvWscale = r.rcvWscale;
  s.windowClamp = s.settings.windowClamp > 0 ? s.settings.windowClamp : 65535 << s.rcvWscale;
  s.mssClamp = s.settings.maxSegment > 0 ? Math.min(r.mss, s.settings.maxSegment) : r.mss;
  s.advmss = s.mssTowards(r.remote, r.local.ip);
  s.syncMss();
  return s;
}

/** The handshake is complete. */
function establish(s: TcpSocket, skb: SkBuff): void {
  s.setState(TCP_ESTABLISHED);
  s.sndUna = skb.ackSeq;
  s.sndWl1 = skb.seq;
  s.sndWnd = skb.window << s.sndWscale;
  s.maxWindow = s.sndWnd;
  s.netNs.snmp.tcp.passiveOpens++;
  if (s.tsOk && options.hasTimestamp && options.tsecr !== 0) updateRtt(s, ((Math.floor(s.now() / 1e6) + s.tsOffset - options.tsecr) >>> 0) * MS || 20000);
  ready(s);
}
/** What every new connection does (tcp_init_transfer). */
function ready(s: TcpSocket): void {
  const now = s.now();
  s.syncMss();
  s.lastReceived = s.lastAckReceived = now;
  s.rcvMss = Math.min(s.advmss, 536, Math.max(88, s.rcvWnd >> 1));
  s.rcvSpace = Math.min(s.rcvWnd, 10 * s.advmss);
  s.rcvSpaceSeq = s.copiedSeq;
  s.rcvSpaceTime = now;
  s.expandSndbuf();
  s.keepaliveChanged();
}

// ---- connecting

/** SYN_SENT (tcp_rcv_synsent_state_process). */
function synSent(s: TcpSocket, skb: SkBuff): void {
  const flags = skb.tcpFlags;
  const ns = s.netNs;
  if (flags & ACK) {
    if (!after(skb.ackSeq, s.sndUna) || after(skb.ackSeq, s.sndNxt)) {
      if ((flags & RST) === 0) sendReset(ns, skb);
      return;
    }
    if (flags & RST) {
      s.reset();
      return;
    }
  } else if (flags & RST) {
    return;
  }
  if ((flags & SYN) === 0) return;
  s.rcvIsn = skb.seq;
  s.rcvNxt = plus(skb.seq, 1);
  s.rcvWup = plus(skb.seq, 1);
  s.copiedSeq = s.rcvNxt;
  s.sndWnd = skb.window;
  s.maxWindow = s.sndWnd;
  s.sndWl1 = skb.seq;
  if (options.wscale < 0) {
    s.wscaleOk = false;
    s.sndWscale = s.rcvWscale = 0;
    s.windowClamp = Math.min(s.windowClamp, 65535);
  } else if (s.wscaleOk) {
    s.sndWscale = options.wscale;
  }
  s.tsOk = s.tsOk && options.hasTimestamp;
  if (s.tsOk) s.tsRecent = options.tsval;
  s.sackOk = s.sackOk && options.sackPermitted;
  s.mssClamp = options.mss > 0 ? (s.settings.maxSegment > 0 ? Math.min(options.mss, s.settings.maxSegment) : options.mss) : 536;
  if (flags & ACK) {
    const first = s.sendQueue.head;
    s.sndUna = skb.ackSeq;
    if (first !== null && first.retransmits === 0) updateRtt(s, Math.max(1000, s.now() - first.sentAt));
    s.purgeWrite();
    s.retransmits = s.backoff = 0;
    s.retransStamp = 0;
    s.netNs.stack.timers.cancel(s.retransmitTimer);
    s.setState(TCP_ESTABLISHED);
    ready(s);
    if (s.pingpong || s.settings.deferAccept > 0) {
      s.ackScheduled = true;
      s.ato = ATO_MIN;
      ns.stack.timers.arm(s.delackTimer, s.now() + ATO_MIN);
    } else {
      sendAck(s);
    }
    s.wakeWriters();
    return;
  }
  // Both called at once.
  s.setState(TCP_SYN_RECV);
  const synAck = allocSkb(0);
  synAck.seq = s.sndIsn;
  synAck.endSeq = s.sndNxt;
  synAck.tcpFlags = SYN | ACK;
  synAck.sentAt = s.now();
  s.sendQueue.clear();
  s.sendQueue.push(synAck);
  s.packetsOut = 1;
  s.retransmitOpening();
}

// ---- connections

/** A segment for a connection whose stack is held. */
function process(s: TcpSocket, skb: SkBuff): void {
  s.segsIn += skb.gsoSize > 0 ? Math.ceil(skb.length / skb.gsoSize) : 1;
  if (s.state === TCP_CLOSE) {
    sendReset(s.netNs, skb);
    return;
  }
  if (s.state === TCP_LISTEN) return;
  if (s.state === TCP_SYN_SENT) {
    synSent(s, skb);
    return;
  }
  if (!valid(s, skb)) return;
  const flags = skb.tcpFlags;
  if ((flags & ACK) === 0) return;
  if (!processAck(s, skb, options)) {
    if (s.state === TCP_SYN_RECV) sendReset(s.netNs, skb);
    return;
  }
  if (s.state === TCP_SYN_RECV) {
    s.setState(TCP_ESTABLISHED);
    s.sndWnd = skb.window << s.sndWscale;
    s.sndWl1 = skb.seq;
    s.maxWindow = Math.max(s.maxWindow, s.sndWnd);
    ready(s);
    s.wakeAll();
  }
  if (!afterAck(s, skb)) return;
  if (flags & URG || s.urgentByte === URGENT_ANNOUNCED) urgentData(s, skb);
  const hasData = skb.endSeq !== skb.seq;
  if (hasData) {
    switch (s.state) {
      case TCP_CLOSE_WAIT:
      case TCP_CLOSING:
      case TCP_LAST_ACK:
        if (before(skb.seq, s.rcvNxt)) queueData(s, skb);
        break;
      case TCP_FIN_WAIT1:
      case TCP_FIN_WAIT2:
        // Data for a reader that is gone.
        if (s.shut & RCV_SHUTDOWN && after(plus(skb.endSeq, flags & FIN ? -1 : 0), s.rcvNxt) && s.orphan) {
          sendReset(s.netNs, skb);
          s.reset();
          return;
        }
        queueData(s, skb);
        break;
      case TCP_ESTABLISHED:
        queueData(s, skb);
        break;
    }
  }
  if (s.state === TCP_CLOSE) return;
  tcpPush(s);
  acknowledge(s);
  if (s.writable) s.wakeWriters();
}

/** Numbers, flags and time stamps are acceptable (tcp_validate_incoming). */
function valid(s: TcpSocket, skb: SkBuff): boolean {
  const flags = skb.tcpFlags;
  if (s.tsOk && options.hasTimestamp) {
    if (((s.tsRecent - options.tsval) | 0) > 0 && (flags & RST) === 0) {
      // PAWS: an old duplicate.
      sendAck(s);
      return false;
    }
  }
  const window = s.receiveWindow();
  if (before(skb.endSeq, s.rcvWup) || after(skb.seq, plus(s.rcvNxt, window))) {
    if ((flags & RST) === 0) {
      if (s.sackOk && before(skb.seq, s.rcvNxt) && skb.endSeq !== skb.seq) s.dsack = [skb.seq, before(skb.endSeq, s.rcvNxt) ? skb.endSeq : s.rcvNxt];
      sendAck(s);
    } else if (skb.seq === s.rcvNxt) {
      s.reset();
    }
    return false;
  }
  if (flags & RST) {
    if (skb.seq === s.rcvNxt || (s.finReceived && skb.seq === plus(s.rcvNxt, -1) && (s.state === TCP_CLOSE_WAIT || s.state === TCP_LAST_ACK || s.state === TCP_CLOSING))) s.reset();
    else sendAck(s);
    return false;
  }
  if (flags & SYN) {
    sendAck(s);
    return false;
  }
  if (s.tsOk && options.hasTimestamp && !after(skb.seq, s.rcvWup)) s.tsRecent = options.tsval;
  return true;
}

/** All that was sent, the FIN too, is acknowledged. False: the connection is over. */
function afterAck(s: TcpSocket, skb: SkBuff): boolean {
  if (!s.finQueued || s.sndUna !== s.writeSeq) return true;
  switch (s.state) {
    case TCP_FIN_WAIT1: {
      s.setState(TCP_FIN_WAIT2);
      s.shut |= SEND_SHUTDOWN;
      if (!s.orphan) {
        s.wakeAll();
        return true;
      }
      if (s.settings.linger2 < 0) {
        s.done();
        return false;
      }
      if (skb.endSeq !== skb.seq && after(plus(skb.endSeq, skb.tcpFlags & FIN ? -1 : 0), s.rcvNxt)) {
        sendReset(s.netNs, skb);
        s.reset();
        return false;
      }
      if (skb.tcpFlags & FIN) return true;
      s.finWait2();
      return false;
    }
    case TCP_CLOSING:
      s.becomeTimeWait(TCP_TIME_WAIT, 0);
      return false;
    case TCP_LAST_ACK:
      s.done();
      return false;
  }
  return true;
}

/** The other side has nothing more to say (tcp_fin). */
export function finReceived(s: TcpSocket): void {
  s.ackScheduled = true;
  s.shut |= RCV_SHUTDOWN;
  s.finReceived = true;
  s.outOfOrder.length = 0;
  switch (s.state) {
    case TCP_SYN_RECV:
    case TCP_ESTABLISHED:
      s.setState(TCP_CLOSE_WAIT);
      s.pingpong = true;
      break;
    case TCP_FIN_WAIT1:
      sendAck(s);
      s.setState(TCP_CLOSING);
      break;
    case TCP_FIN_WAIT2:
      sendAck(s);
      s.becomeTimeWait(TCP_TIME_WAIT, 0);
      break;
  }
  s.wakeAll();
}

/** An acknowledgement at once, or after a while (__tcp_ack_snd_check). */
function acknowledge(s: TcpSocket): void {
  if (!s.ackScheduled) return;
  const enough = distance(s.rcvNxt, s.rcvWup) > s.rcvMss;
  if (enough || s.ackNow || (s.quickAcks > 0 && !s.pingpong) || s.outOfOrder.length > 0) {
    sendAck(s);
    return;
  }
  const { timers } = s.netNs.stack;
  const delay = Math.max(4 * MS, Math.min(s.ato > 0 ? s.ato : ATO_MIN, 200 * MS));
  if (!s.delackTimer.armed) timers.arm(s.delackTimer, s.now() + delay);
}
