/** What is left of a connection: TIME_WAIT, and FIN_WAIT2 without a socket. Linux 6.18 net/ipv4/tcp_minisocks.c. */
import { Timer } from '../../base/timers.ts';
import type { Endpoint } from '../inet/inet-address.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { allocSkb, type SkBuff } from '../skb.ts';
import { ACK, after, before, FIN, plus, RST, SYN, TCP_FIN_WAIT2, TCP_TIME_WAIT } from './sequence.ts';
import type { SegmentOptions } from './tcp-header.ts';
import { header, sendReset, sendSegment } from './tcp-segment.ts';
import type { TcpSocket } from './tcp-socket.ts';

const NSEC = 1_000_000_000;
export const TIME_WAIT_NS: number = 60 * NSEC;

export class TimeWait extends Timer {
  readonly kind = 'timewait';
  readonly ns: NetworkNamespace;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly family: number;
  readonly v6only: boolean;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  readonly boundIndex: number;
  readonly ownerUid: number;
  readonly listening = false;
  readonly mark: number;
  private readonly tos: number;
  substate: number;
  rcvNxt: number;
  readonly sndNxt: number;
  private readonly rcvWnd: number;
  private readonly timestamps: boolean;
  tsRecent: number;
  readonly tsOffset: number;
  /** Monotonic ns when it began. */
  since: number;

  constructor(s: TcpSocket, substate: number, timeout: number) {
    super();
    this.ns = s.netNs;
    this.local = s.local;
    this.remote = s.remote!; // it was connected
    this.family = s.family;
    this.v6only = s.v6only;
    this.reuseAddress = s.reuseAddress;
    this.reusePort = s.reusePort;
    this.boundIndex = s.boundIndex;
    this.ownerUid = s.ownerUid;
    this.mark = s.mark;
    this.tos = 0;
    this.substate = substate;
    this.rcvNxt = s.rcvNxt;
    this.sndNxt = s.sndNxt;
    this.rcvWnd = s.receiveWindow();
    this.timestamps = s.tsOk;
    this.tsRecent = s.tsRecent;
    this.tsOffset = s.tsOffset;
    const { stack } = this.ns;
    this.since = stack.now();
    const { tcp } = this.ns;
    tcp.add(this);
    tcp.ports.add(this.local.port, this);
    tcp.timeWaits++;
    stack.timers.arm(this, this.since + (substate === TCP_TIME_WAIT ? TIME_WAIT_NS : timeout));
  }
  override expire(): void {
    this.kill();
  }
  kill(): void {
    const { tcp, stack } = this.ns;
    stack.timers.cancel(this);
    tcp.remove(this);
    tcp.ports.remove(this.local.port, this);
    tcp.timeWaits--;
  }
  private acknowledge(): void {
    const h = header(this.local.port, this.remote.port, this.sndNxt, this.rcvNxt, ACK, 0);
    h.window = Math.min(65535, this.rcvWnd >> 7);
    if (this.timestamps) {
      h.tsval = (Math.floor(this.ns.stack.now() / 1e6) + this.tsOffset) >>> 0;
      h.tsecr = this.tsRecent;
    }
    sendSegment(this.ns, allocSkb(0), this.local.ip, this.remote.ip, h, this.boundIndex, this.mark, this.tos, null);
  }

  /** A segment for it. True: it begins a new connection, this one is gone (tcp_timewait_state_process). */
  receive(skb: SkBuff, options: SegmentOptions): boolean {
    const flags = skb.tcpFlags;
    if (this.substate === TCP_FIN_WAIT2) {
      if (before(skb.endSeq, this.rcvNxt) || after(skb.seq, plus(this.rcvNxt, this.rcvWnd))) {
        this.acknowledge();
        return false;
      }
      if (flags & RST) {
        this.kill();
        return false;
      }
      if (flags & SYN && !before(skb.seq, this.rcvNxt)) {
        sendReset(this.ns, skb);
        return false;
      }
      if ((flags & ACK) === 0 || !after(skb.endSeq, this.rcvNxt)) return false;
      // Data for nobody.
      if ((flags & FIN) === 0 || skb.endSeq !== plus(this.rcvNxt, 1)) {
        sendReset(this.ns, skb);
        this.kill();
        return false;
      }
      this.substate = TCP_TIME_WAIT;
      this.rcvNxt = skb.endSeq;
      if (options.hasTimestamp) this.tsRecent = options.tsval;
      this.ns.stack.timers.arm(this, this.ns.stack.now() + TIME_WAIT_NS);
      this.acknowledge();
      return false;
    }
    if (skb.seq === this.rcvNxt && (skb.seq === skb.endSeq || flags & RST)) {
      if (flags & RST) {
        if (!this.ns.sysctls.number('ipv4/tcp_rfc1337')) this.kill();
        return false;
      }
      this.ns.stack.timers.arm(this, this.ns.stack.now() + TIME_WAIT_NS);
      return false;
    }
    if (flags & SYN && (flags & (RST | ACK)) === 0 && (after(skb.seq, this.rcvNxt) || (options.hasTimestamp && ((this.tsRecent - options.tsval) | 0) < 0))) {
      this.kill();
      return true;
    }
    if ((flags & RST) === 0) {
      if (flags & ACK || flags & SYN) this.ns.stack.timers.arm(this, this.ns.stack.now() + TIME_WAIT_NS);
      this.acknowledge();
    }
    return false;
  }
}
