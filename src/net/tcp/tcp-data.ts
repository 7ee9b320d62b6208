/** Data that comes in: in order, out of order, twice, urgent. Linux 6.18 net/ipv4/tcp_input.c tcp_data_queue(). */
import { POLLPRI } from '../../abi/poll.ts';
import { type SkBuff, truesizeOf } from '../skb.ts';
import { after, ATO_MIN, before, distance, FIN, plus, URG } from './sequence.ts';
import { finReceived } from './tcp-input.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** `urgentByte`: announced, but not here yet; here (with the byte); read. */
export const URGENT_ANNOUNCED = 0x400;
const URGENT_VALID = 0x100;
/** Packets up to this size are put behind the one before. */
const COALESCE_MAX = 4096;
const COALESCED = 65536;

/** The next data is acknowledged at once (tcp_enter_quickack_mode). */
function quickAck(s: TcpSocket, most: number): void {
  const n = Math.min(Math.floor(s.rcvWnd / (2 * Math.max(1, s.rcvMss))) || 2, most);
  if (n > s.quickAcks) s.quickAcks = n;
}
/** Data came: how large segments are, how soon to acknowledge (tcp_event_data_recv). */
function dataArrived(s: TcpSocket, skb: SkBuff): void {
  s.ackScheduled = true;
  const length = skb.gsoSize > 0 ? skb.gsoSize : skb.length;
  if (length >= s.rcvMss) {
    if (length !== s.rcvMss) s.scalingRatio = Math.max(1, Math.min(255, Math.floor((skb.length * 256) / skb.truesize)));
    s.rcvMss = Math.min(length, s.advmss);
  }
  const now = s.now();
  if (s.ato === 0) {
    quickAck(s, 16);
    s.ato = ATO_MIN;
  } else {
    const gap = now - s.lastReceived;
    if (gap <= ATO_MIN / 2) s.ato = s.ato / 2 + ATO_MIN / 2;
    else if (gap < s.ato) s.ato = Math.min(s.ato / 2 + gap, s.rto);
    else if (gap > s.rto) quickAck(s, 16);
  }
  s.lastReceived = now;
  s.dataSegsIn += skb.gsoSize > 0 ? Math.ceil(skb.length / skb.gsoSize) : 1;
}

export function queueData(s: TcpSocket, skb: SkBuff): void {
  const window = s.receiveWindow();
  if (skb.seq === s.rcvNxt) {
    if (window === 0 && skb.length > 0) {
      s.ackNow = s.ackScheduled = true;
      return;
    }
    accept(s, skb);
    return;
  }
  if (!after(skb.endSeq, s.rcvNxt)) {
    if (s.sackOk) s.dsack = [skb.seq, skb.endSeq];
    quickAck(s, 16);
    s.pingpong = false;
    s.ackScheduled = s.ackNow = true;
    return;
  }
  if (!before(skb.seq, plus(s.rcvNxt, window))) {
    s.ackScheduled = s.ackNow = true;
    return;
  }
  if (before(skb.seq, s.rcvNxt)) {
    const n = distance(s.rcvNxt, skb.seq);
    if (s.sackOk) s.dsack = [skb.seq, s.rcvNxt];
    skb.start += n;
    skb.seq = s.rcvNxt;
    if (window === 0) {
      s.ackScheduled = s.ackNow = true;
      return;
    }
    s.ackNow = true;
    accept(s, skb);
    return;
  }
  outOfOrder(s, skb);
}

function accept(s: TcpSocket, skb: SkBuff): void {
  if (skb.length > 0) {
    if (s.rmem > s.rcvbuf && s.receiveQueue.head !== null) {
      // No room, against the window: it must come again.
      s.drops++;
      s.ackScheduled = s.ackNow = true;
      return;
    }
    dataArrived(s, skb);
  }
  push(s, skb);
  let fin = (skb.tcpFlags & FIN) !== 0;
  while (s.outOfOrder.length > 0 && !fin) {
    const next = s.outOfOrder[0]!; // not empty
    if (after(next.seq, s.rcvNxt)) break;
    s.outOfOrder.shift();
    s.rmem -= next.truesize;
    if (!after(next.endSeq, s.rcvNxt)) continue;
    const overlap = distance(s.rcvNxt, next.seq);
    next.start += overlap;
    next.seq = s.rcvNxt;
    push(s, next);
    fin = (next.tcpFlags & FIN) !== 0;
    if (s.outOfOrder.length === 0) s.ackNow = true;
  }
  if (fin) finReceived(s);
  else if (skb.length > 0 || skb.endSeq !== skb.seq) s.wakeReaders();
}
/** Puts a packet behind what is queued, joining small ones. */
function push(s: TcpSocket, skb: SkBuff): void {
  s.rcvNxt = skb.endSeq;
  s.bytesReceived += skb.length;
  if (s.timestamps !== 0 && skb.tstamp === 0) skb.tstamp = s.now();
  const { tail } = s.receiveQueue;
  const length = skb.length;
  if (tail !== null && length > 0 && length <= COALESCE_MAX && tail.length + length <= COALESCED && (tail.tcpFlags & FIN) === 0 && tail.endSeq === skb.seq) {
    const before1 = tail.truesize;
    if (!tail.sacked || tail.data.length < tail.end + length) {
      // Its bytes may be shared with the sender.
      const grown = new Uint8Array(Math.min(COALESCED + 4096, Math.max(1024, 2 * (tail.length + length))));
      grown.set(tail.data.subarray(tail.start, tail.end));
      tail.end -= tail.start;
      tail.start = 0;
      tail.data = grown;
      tail.sacked = true;
    }
    tail.data.set(skb.data.subarray(skb.start, skb.end), tail.end);
    tail.end += length;
    tail.endSeq = skb.endSeq;
    tail.tcpFlags |= skb.tcpFlags & FIN;
    s.rmem += truesizeOf(tail.length) - before1;
    return;
  }
  skb.sacked = false;
  s.receiveQueue.push(skb);
  s.rmem += skb.truesize;
}

function outOfOrder(s: TcpSocket, skb: SkBuff): void {
  s.ackScheduled = s.ackNow = true;
  if (s.rmem > s.rcvbuf) return;
  const q = s.outOfOrder;
  let i = q.length;
  while (i > 0 && after(q[i - 1]!.seq, skb.seq)) i--; // in range
  if (i > 0 && !before(q[i - 1]!.endSeq, skb.endSeq)) {
    if (s.sackOk) s.dsack = [skb.seq, skb.endSeq];
    return;
  }
  q.splice(i, 0, skb);
  s.rmem += skb.truesize;
}

/** URG: where the urgent byte is, and the byte itself once it is here (tcp_check_urg, tcp_urg). */
export function urgentData(s: TcpSocket, skb: SkBuff): void {
  const length = skb.end - skb.start;
  if (skb.tcpFlags & URG) {
    let pointer = skb.u16(skb.transport + 18);
    if (pointer > 0 && !s.netNs.sysctls.number('ipv4/tcp_stdurg')) pointer--;
    const at = plus(skb.seq, pointer);
    if (!after(s.copiedSeq, at) && !before(at, s.rcvNxt) && (s.urgentByte === 0 || after(at, s.urgentSeq))) {
      // A second one moves the mark: the first becomes plain data, unless it is what would be read next.
      if (s.urgentSeq === s.copiedSeq && s.urgentByte !== 0 && !s.oobInline && s.copiedSeq !== s.rcvNxt) {
        s.copiedSeq = plus(s.copiedSeq, 1);
        const { head } = s.receiveQueue;
        if (head !== null && !before(s.copiedSeq, head.endSeq)) {
          s.receiveQueue.shift();
          s.rmem -= head.truesize;
        }
      }
      s.urgentByte = URGENT_ANNOUNCED;
      s.urgentSeq = at;
      s.sendUrgentSignal();
    }
  }
  if (s.urgentByte !== URGENT_ANNOUNCED) return;
  const offset = distance(s.urgentSeq, skb.seq);
  if (offset < 0 || offset >= length) return;
  s.urgentByte = URGENT_VALID | skb.data[skb.start + offset]!; // in range
  s.readQueue.wake(POLLPRI);
}
