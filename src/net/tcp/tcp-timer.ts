/** The timers of a connection. Linux 6.18 net/ipv4/tcp_timer.c. */
import { ETIMEDOUT } from '../../abi/errno.ts';
import { Timer } from '../../base/timers.ts';
import { ATO_MIN, MS, RTO_MAX, TCP_CLOSE, TCP_FIN_WAIT2, TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT } from './sequence.ts';
import { retransmitHead, sendAck, sendProbe } from './tcp-output.ts';
import type { TcpSocket } from './tcp-socket.ts';

export const TIMER_RETRANSMIT = 0;
export const TIMER_DELACK = 1;
export const TIMER_KEEPALIVE = 2;
const SEC = 1000 * MS;

export class TcpTimer extends Timer {
  private readonly socket: TcpSocket;
  private readonly what: number;
  constructor(socket: TcpSocket, what: number) {
    super();
    this.socket = socket;
    this.what = what;
  }
  override expire(now: number): void {
    const s = this.socket;
    if (s.state === TCP_CLOSE || s.state === TCP_LISTEN) return;
    switch (this.what) {
      case TIMER_RETRANSMIT:
        if (s.sendQueue.head !== null && s.sendQueue.head !== s.sendHead) retransmitTimeout(s, now);
        else probeTimeout(s, now);
        break;
      case TIMER_DELACK:
        delackTimeout(s);
        break;
      case TIMER_KEEPALIVE:
        keepaliveTimeout(s, now);
        break;
    }
  }
}

/** Nothing was acknowledged in time. */
function retransmitTimeout(s: TcpSocket, now: number): void {
  const { sysctls, stack } = s.netNs;
  const opening = s.state === TCP_SYN_SENT || s.state === TCP_SYN_RECV;
  const limit = opening ? s.settings.synCount || sysctls.number('ipv4/tcp_syn_retries') : s.orphan ? 8 : sysctls.number('ipv4/tcp_retries2');
  if (s.retransStamp === 0) s.retransStamp = s.sendQueue.head!.sentAt; // it is not empty
  const timeout = s.settings.userTimeout * MS;
  const tooLong = timeout > 0 && !opening ? now - s.retransStamp >= timeout : false;
  const linear = opening ? sysctls.number('ipv4/tcp_syn_linear_timeouts') : 0;
  const expired = opening ? s.retransmits >= limit + linear : timeout > 0 ? tooLong : s.retransmits >= limit;
  if (expired || (opening && timeout > 0 && now - s.retransStamp >= timeout)) {
    s.fail(s.softError !== 0 ? s.softError : ETIMEDOUT);
    return;
  }
  s.ssthresh = Math.max(2, s.cwnd >> 1);
  s.cwnd = 1;
  s.recoverySeq = s.sndNxt;
  for (let skb = s.sendQueue.head; skb !== null && skb !== s.sendHead; skb = skb.next) skb.lost = !skb.sacked;
  s.retransmits++;
  retransmitHead(s);
  if (!(opening && s.backoff === 0 && s.retransmits <= linear)) {
    s.backoff++;
    s.rto = Math.min(s.rto * 2, RTO_MAX);
  }
  let wait = s.rto;
  if (timeout > 0) wait = Math.max(MS, Math.min(wait, s.retransStamp + timeout - now));
  stack.timers.arm(s.retransmitTimer, now + wait);
}

/** The other side's window is shut: it is asked again and again. */
function probeTimeout(s: TcpSocket, now: number): void {
  const { sysctls, stack } = s.netNs;
  if (s.sendHead === null) {
    s.probesOut = 0;
    s.backoff = 0;
    return;
  }
  const timeout = s.settings.userTimeout * MS;
  if (s.retransStamp === 0) s.retransStamp = now;
  if (timeout > 0 && s.probesOut > 0 && now - s.retransStamp >= timeout) {
    s.fail(s.softError !== 0 ? s.softError : ETIMEDOUT);
    return;
  }
  if (s.probesOut >= (s.orphan ? 8 : sysctls.number('ipv4/tcp_retries2'))) {
    s.fail(s.softError !== 0 ? s.softError : ETIMEDOUT);
    return;
  }
  sendProbe(s);
  s.probesOut++;
  if (s.backoff < sysctls.number('ipv4/tcp_retries2')) s.backoff++;
  stack.timers.arm(s.retransmitTimer, now + Math.min(RTO_MAX, Math.max(s.rto, 200 * MS) * 2 ** s.backoff));
}

function delackTimeout(s: TcpSocket): void {
  if (!s.ackScheduled) return;
  if (s.pingpong) {
    s.pingpong = false;
    s.ato = ATO_MIN;
  } else {
    s.ato = Math.min(s.ato * 2, s.rto);
  }
  s.netNs.snmp.tcp.delayedAcks++;
  sendAck(s);
}

/** SO_KEEPALIVE: is the other side still there? */
function keepaliveTimeout(s: TcpSocket, now: number): void {
  const { timers } = s.netNs.stack;
  const t = s.settings;
  if (s.state === TCP_FIN_WAIT2 && s.orphan) {
    s.finWait2();
    return;
  }
  if (!s.keepAlive || s.state === TCP_SYN_SENT) return;
  // Something is on its way: that is proof enough.
  if (s.packetsOut > 0 || s.sendHead !== null) {
    timers.arm(s.keepaliveTimer, now + t.keepIdle * SEC);
    return;
  }
  const idle = now - Math.max(s.lastReceived, s.lastAckReceived);
  if (idle < t.keepIdle * SEC) {
    timers.arm(s.keepaliveTimer, now + t.keepIdle * SEC - idle);
    return;
  }
  const timeout = t.userTimeout * MS;
  if (timeout > 0 ? idle >= timeout && s.probesOut > 0 : s.probesOut >= t.keepCount) {
    s.abortConnection(ETIMEDOUT);
    return;
  }
  sendProbe(s, true);
  s.probesOut++;
  timers.arm(s.keepaliveTimer, now + t.keepInterval * SEC);
}
