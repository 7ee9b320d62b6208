/** send(2) of a stream: bytes into the write queue. Linux 6.18 net/ipv4/tcp.c tcp_sendmsg_locked(). */
import { BLOCKED, EAGAIN, EFAULT, EINVAL, EPIPE } from '../../abi/errno.ts';
import { MSG_MORE, MSG_OOB, MSG_ZEROCOPY, SO_ZEROCOPY, SOL_SOCKET, SO_TIMESTAMPING, SO_MARK } from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { QueuedError, SO_EE_ORIGIN_ZEROCOPY } from '../inet/error-queue.ts';
import type { Message } from '../message.ts';
import { HEADROOM, SkBuff } from '../skb.ts';
import { SEND_SHUTDOWN } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { plus, PSH, TCP_CLOSE_WAIT, TCP_ESTABLISHED, TCP_SYN_RECV, TCP_SYN_SENT } from './sequence.ts';
import { tcpPush } from './tcp-output.ts';
import type { TcpSocket } from './tcp-socket.ts';

/** Most bytes of one packet of the queue. */
const PACKET_MAX = 65536 - 160;
const SMALL = 2048;

export function tcpSend(s: TcpSocket, ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
  const { stack } = s.netNs;
  for (const c of msg.control) if (c.level === SOL_SOCKET && c.type !== SO_TIMESTAMPING && c.type !== SO_MARK) return EINVAL;
  stack.hold();
  const r = sendLocked(s, ctx, msg, iov, nonBlocking);
  stack.release();
  return r;
}

function broken(s: TcpSocket): number {
  return s.error !== 0 ? s.takeError() : EPIPE;
}
function sendLocked(s: TcpSocket, ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
  if (s.state === TCP_SYN_SENT || s.state === TCP_SYN_RECV) {
    if (s.error !== 0) return s.takeError();
    return nonBlocking ? EAGAIN : s.waitOn(ctx, s.writeQueue, s.sndtimeo, false);
  }
  if (s.state !== TCP_ESTABLISHED && s.state !== TCP_CLOSE_WAIT) return broken(s);
  if (s.error !== 0 || s.shut & SEND_SHUTDOWN) return broken(s);
  const more = (msg.flags & MSG_MORE) !== 0;
  const total = iov.remaining;
  let sent = 0;
  while (sent < total) {
    if (!s.hasRoom) {
      tcpPush(s);
      // What has arrived meanwhile is looked at before a wait.
      s.netNs.stack.release();
      s.netNs.stack.hold();
      if (s.error !== 0 || s.shut & SEND_SHUTDOWN) return sent > 0 ? sent : broken(s);
      if (!s.hasRoom) {
        const r = s.waitOn(ctx, s.writeQueue, s.sndtimeo, nonBlocking);
        return r === BLOCKED || sent === 0 ? r : sent;
      }
    }
    const n = append(s, iov, total - sent);
    if (n < 0) {
      tcpPush(s);
      return sent > 0 ? sent : EFAULT;
    }
    sent += n;
    if (s.sendQueue.count > 32) tcpPush(s);
  }
  const { tail } = s.sendQueue;
  if (total > 0 && tail !== null && s.sendHead !== null) {
    tail.more = more;
    if (!more) tail.tcpFlags |= PSH;
    if (msg.flags & MSG_OOB) s.sndUrgent = s.writeSeq;
  }
  if (total > 0) tcpPush(s);
  if (msg.flags & MSG_ZEROCOPY && s.remembered.get(SO_ZEROCOPY) === 1) zeroCopyDone(s);
  return sent;
}

/** Adds up to `want` bytes to the last unsent packet or a new one: how many, or EFAULT. */
function append(s: TcpSocket, iov: IoVector, want: number): number {
  const { tail } = s.sendQueue;
  const goal = Math.max(s.mss, Math.floor(PACKET_MAX / s.mss) * s.mss);
  if (tail !== null && s.sendHead !== null && tail.length < goal && tail.retransmits === 0) {
    const n = Math.min(want, goal - tail.length);
    if (tail.data.length < tail.end + n) {
      const grown = new Uint8Array(Math.min(HEADROOM + goal, Math.max(tail.end + n, tail.data.length * 2)));
      grown.set(tail.data.subarray(0, tail.end));
      tail.data = grown;
    }
    if (iov.take(tail.data, tail.end, n) !== n) return EFAULT;
    s.wmemQueued -= tail.truesize;
    tail.end += n;
    s.wmemQueued += tail.truesize;
    tail.endSeq = plus(tail.endSeq, n);
    s.writeSeq = tail.endSeq;
    return n;
  }
  const n = Math.min(want, goal);
  // Room for what may be added while it waits.
  const skb = new SkBuff(new Uint8Array(HEADROOM + (n < SMALL ? Math.min(goal, (n + 255) & ~255) : n)), HEADROOM, HEADROOM + n);
  const moved = iov.take(skb.data, skb.start, n);
  if (moved !== n) return EFAULT;
  skb.seq = s.writeSeq;
  s.writeSeq = plus(s.writeSeq, n);
  skb.endSeq = s.writeSeq;
  s.wmemQueued += skb.truesize;
  s.sendQueue.push(skb);
  if (s.sendHead === null) s.sendHead = skb;
  return n;
}
/** The bytes were copied: the caller's buffer is free again, which the error queue says. */
function zeroCopyDone(s: TcpSocket): void {
  const key = s.zeroCopyKey++;
  const last = s.errorQueue[s.errorQueue.length - 1];
  if (last !== undefined && last.origin === SO_EE_ORIGIN_ZEROCOPY && last.data === key - 1) s.errorQueue.pop();
  const first = last !== undefined && last.origin === SO_EE_ORIGIN_ZEROCOPY && last.data === key - 1 ? last.info : key;
  s.errorQueue.push(new QueuedError(0, SO_EE_ORIGIN_ZEROCOPY, 0, 1, first, key, new Uint8Array(0), null, null));
  s.wakeAll();
}
