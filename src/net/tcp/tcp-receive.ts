/** recv(2) of a stream. Linux 6.18 net/ipv4/tcp.c tcp_recvmsg_locked(), tcp_recv_urg(). */
import { BLOCKED, EAGAIN, EFAULT, EINVAL, ENOTCONN } from '../../abi/errno.ts';
import {
  MSG_ERRQUEUE, MSG_OOB, MSG_PEEK, MSG_TRUNC, MSG_WAITALL, SCM_TIMESTAMP, SCM_TIMESTAMPNS, SO_TIMESTAMP_NEW, SO_TIMESTAMPNS_NEW, SOL_SOCKET, SOL_TCP, TCP_INQ,
} from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { receiveError } from '../inet/error-queue.ts';
import type { Message } from '../message.ts';
import { intOption } from '../option-value.ts';
import { RCV_SHUTDOWN } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { after, distance, FIN, plus, TCP_CLOSE, TCP_LISTEN } from './sequence.ts';
import { freeWindow, sendAck } from './tcp-output.ts';
import type { TcpSocket } from './tcp-socket.ts';

export function tcpReceiveData(s: TcpSocket, ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
  if (msg.flags & MSG_ERRQUEUE) return receiveError(s, msg, iov);
  if (s.state === TCP_LISTEN) return ENOTCONN;
  const { stack } = s.netNs;
  stack.hold();
  const r = msg.flags & MSG_OOB ? tcpReceiveUrgent(s, msg, iov) : receiveLocked(s, ctx, msg, iov, nonBlocking);
  stack.release();
  return r;
}

function receiveLocked(s: TcpSocket, ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
  const peek = (msg.flags & MSG_PEEK) !== 0;
  const before = ctx.syscall.progress;
  const wanted = iov.remaining;
  const target = msg.flags & MSG_WAITALL ? wanted : Math.max(0, Math.min(s.rcvlowat, wanted + before) - before) || (before > 0 ? 0 : 1);
  // MSG_PEEK begins anew with each call, also after a wait.
  let at = peek ? plus(s.copiedSeq, before + Math.max(0, s.peekOffset)) : s.copiedSeq;
  let copied = 0;
  let left = wanted;
  let stamp = 0;
  let skb = s.receiveQueue.head;
  let result = -1;
  while (left > 0 || wanted === 0) {
    if (s.urgentByte !== 0 && s.urgentSeq === at && !s.oobInline) {
      if (copied > 0) break;
    }
    while (skb !== null && !(distance(at, skb.seq) < skb.length) && !(skb.tcpFlags & FIN && distance(at, skb.seq) <= skb.length)) skb = skb.next;
    if (skb === null) {
      if (copied >= target && copied > 0) break;
      if (copied > 0 || before > 0) {
        if (nonBlocking || s.error !== 0 || s.state === TCP_CLOSE || s.shut & RCV_SHUTDOWN || (target === 0 && copied === 0 && before > 0)) break;
      } else {
        if (s.finRead) {
          result = 0;
          break;
        }
        if (s.error !== 0) return s.takeError();
        if (s.shut & RCV_SHUTDOWN) break;
        if (s.state === TCP_CLOSE) return ENOTCONN;
        if (nonBlocking) return EAGAIN;
      }
      cleanup(s, copied);
      // The acknowledgement may have brought more.
      s.netNs.stack.release();
      s.netNs.stack.hold();
      if (s.receiveQueue.head !== null && distance(s.rcvNxt, at) > 0) {
        skb = s.receiveQueue.head;
        continue;
      }
      if (s.error !== 0 || s.shut & RCV_SHUTDOWN || s.state === TCP_CLOSE) continue;
      const r = s.waitOn(ctx, s.readQueue, s.rcvtimeo, nonBlocking);
      return r === BLOCKED || copied === 0 ? r : copied;
    }
    let offset = distance(at, skb.seq);
    let used = Math.min(skb.length - offset, left);
    if (used > 0 && s.urgentByte !== 0) {
      const urgent = distance(s.urgentSeq, at);
      if (urgent >= 0 && urgent < used) {
        if (urgent === 0) {
          if (!s.oobInline) {
            at = plus(at, 1);
            if (!peek) s.copiedSeq = at;
            offset++;
            used--;
          }
        } else {
          used = urgent;
        }
      }
    }
    if (used > 0) {
      if ((msg.flags & MSG_TRUNC) === 0 || peek) {
        const moved = iov.put(skb.data, skb.start + offset, used);
        if (moved < used) {
          if (moved > 0) iov.unread(moved);
          if (copied > 0) break;
          return EFAULT;
        }
      }
      at = plus(at, used);
      copied += used;
      left -= used;
      stamp = skb.tstamp;
      if (!peek) {
        s.copiedSeq = at;
        adjustSpace(s);
      }
    }
    if (s.urgentByte !== 0 && after(at, s.urgentSeq) && !peek) {
      s.urgentByte = 0;
      s.urgentSeq = -1;
    }
    if (distance(at, skb.seq) < skb.length) {
      if (used === 0 && left === 0) break;
      continue;
    }
    const fin = (skb.tcpFlags & FIN) !== 0;
    if (fin && !peek) {
      s.copiedSeq = plus(s.copiedSeq, 1);
      s.finRead = true;
    }
    const next = skb.next;
    if (!peek) {
      s.receiveQueue.shift();
      s.rmem -= skb.truesize;
    }
    skb = next;
    if (fin || wanted === 0) break;
  }
  cleanup(s, copied);
  if (peek && s.peekOffset >= 0) s.peekOffset += copied;
  else if (!peek && s.peekOffset > 0) s.peekOffset = Math.max(0, s.peekOffset - copied);
  if (!msg.noControl) describe(s, msg, stamp);
  return result >= 0 ? result : copied;
}

function describe(s: TcpSocket, msg: Message, stamp: number): void {
  if (s.timestamps !== 0 && stamp !== 0) {
    const spec = s.stampSpec(stamp);
    if (s.timestamps === 1) {
      const v = new DataView(spec.buffer);
      v.setUint32(8, Math.floor(v.getUint32(8, true) / 1000), true);
    }
    const type = s.timestamps === 1 ? (s.timestampsNew ? SO_TIMESTAMP_NEW : SCM_TIMESTAMP) : s.timestampsNew ? SO_TIMESTAMPNS_NEW : SCM_TIMESTAMPNS;
    msg.control.push({ level: SOL_SOCKET, type, data: spec });
  }
  if (s.settings.inq) msg.control.push({ level: SOL_TCP, type: TCP_INQ, data: intOption(s.available) });
}

/** After a read: an acknowledgement is due, or a larger window is worth telling (tcp_cleanup_rbuf). */
function cleanup(s: TcpSocket, copied: number): void {
  if (s.state === TCP_CLOSE) return;
  if (s.ackScheduled && (distance(s.rcvNxt, s.rcvWup) > s.rcvMss || (copied > 0 && s.rmem === 0 && !s.pingpong))) {
    sendAck(s);
    return;
  }
  if (copied <= 0 || s.shut & RCV_SHUTDOWN) return;
  const now = s.receiveWindow();
  if (2 * now > s.windowClamp) return;
  const window = freeWindow(s);
  if (window > 0 && window >= 2 * now) sendAck(s);
}

/** The receive buffer grows with what is read in a round trip (tcp_rcv_space_adjust). */
function adjustSpace(s: TcpSocket): void {
  const now = s.now();
  if (s.srtt === 0 || now - s.rcvSpaceTime < s.srtt / 8) return;
  const copied = distance(s.copiedSeq, s.rcvSpaceSeq);
  if (copied > s.rcvSpace) {
    const { sysctls } = s.netNs;
    if (sysctls.number('ipv4/tcp_moderate_rcvbuf') && !s.rcvbufLocked) {
      let window = copied * 2 + 16 * s.advmss;
      window += Math.floor((window * (copied - s.rcvSpace)) / Math.max(1, s.rcvSpace)) * 2;
      const rcvbuf = Math.min(Math.ceil((window * 256) / s.scalingRatio), sysctls.nth('ipv4/tcp_rmem', 2));
      if (rcvbuf > s.rcvbuf) {
        s.rcvbuf = rcvbuf;
        s.windowClamp = Math.max(s.windowClamp, s.windowFrom(rcvbuf));
      }
    }
    s.rcvSpace = copied;
  }
  s.rcvSpaceSeq = s.copiedSeq;
  s.rcvSpaceTime = now;
}

/** MSG_OOB: the urgent byte. EINVAL: there is none; EAGAIN: it is announced but not here. */
export function tcpReceiveUrgent(s: TcpSocket, msg: Message, iov: IoVector): number {
  if (s.oobInline || s.urgentByte === 0 || s.urgentByte === 0x200) return EINVAL;
  if (s.state === TCP_CLOSE && !s.finRead) return ENOTCONN;
  if (s.urgentByte & 0x100) {
    const byte = s.urgentByte & 0xff;
    if ((msg.flags & MSG_PEEK) === 0) s.urgentByte = 0x200;
    msg.resultFlags |= MSG_OOB;
    if (iov.remaining > 0) {
      if ((msg.flags & MSG_TRUNC) === 0 && iov.put(Uint8Array.of(byte), 0, 1) < 1) return EFAULT;
      return 1;
    }
    msg.resultFlags |= MSG_TRUNC;
    return 0;
  }
  if (s.state === TCP_CLOSE || s.shut & RCV_SHUTDOWN) return 0;
  return EAGAIN;
}
