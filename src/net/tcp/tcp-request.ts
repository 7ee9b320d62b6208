/** A connection that is asked for, until its handshake is complete. Linux struct tcp_request_sock. */
import { Timer } from '../../base/timers.ts';
import { Endpoint } from '../inet/inet-address.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { allocSkb, type SkBuff } from '../skb.ts';
import { ACK, plus, RTO_INITIAL, RTO_MAX, SYN, TCP_NEW_SYN_RECV } from './sequence.ts';
import type { SegmentOptions } from './tcp-header.ts';
import { header, sendSegment } from './tcp-segment.ts';
import type { TcpSocket } from './tcp-socket.ts';

const NSEC = 1_000_000_000;

export class TcpRequest extends Timer {
  readonly kind = 'request';
  readonly listener: TcpSocket;
  readonly ns: NetworkNamespace;
  readonly local: Endpoint;
  readonly remote: Endpoint;
  readonly family: number;
  readonly boundIndex: number;
  readonly rcvIsn: number;
  readonly sndIsn: number;
  readonly mss: number;
  readonly wscale: number;
  readonly sackOk: boolean;
  readonly tsOk: boolean;
  tsRecent: number;
  readonly tsOffset: number;
  readonly rcvWscale: number;
  readonly window: number;
  readonly iif: number;
  readonly mark: number;
  readonly created: number;
  private retries = 0;
  /** The handshake's last acknowledgement came, but there is no data yet (TCP_DEFER_ACCEPT), or no room. */
  acked = false;
  savedSyn: Uint8Array | null = null;
  readonly stateNumber: number = TCP_NEW_SYN_RECV;

  constructor(listener: TcpSocket, skb: SkBuff, options: SegmentOptions) {
    super();
    this.listener = listener;
    const ns = listener.netNs;
    this.ns = ns;
    this.family = listener.family;
    this.boundIndex = listener.boundIndex;
    this.local = new Endpoint(skb.destination, skb.u16(skb.transport + 2), skb.iif);
    this.remote = new Endpoint(skb.source, skb.u16(skb.transport), skb.iif);
    this.rcvIsn = skb.seq;
    this.sndIsn = ns.stack.random();
    this.mss = options.mss > 0 ? options.mss : 536;
    const { sysctls } = ns;
    this.tsOk = options.hasTimestamp && sysctls.number('ipv4/tcp_timestamps') !== 0;
    this.tsRecent = options.tsval;
    this.tsOffset = this.tsOk ? ns.stack.random() : 0;
    this.sackOk = options.sackPermitted && sysctls.number('ipv4/tcp_sack') !== 0;
    this.wscale = sysctls.number('ipv4/tcp_window_scaling') ? options.wscale : -1;
    this.rcvWscale = this.wscale >= 0 ? listener.windowScale() : 0;
    this.window = listener.initialWindow();
    this.iif = skb.iif;
    this.mark = sysctls.number('ipv4/tcp_fwmark_accept') ? skb.mark : listener.mark;
    this.created = ns.stack.now();
    if (listener.saveSyn) this.savedSyn = skb.data.slice(skb.network, skb.end);
    ns.tcp.add(this);
    listener.requests.add(this);
    this.sendSynAck();
    ns.stack.timers.arm(this, ns.stack.now() + RTO_INITIAL);
  }
  /** The largest segment we announce. */
  private get advertisedMss(): number {
    return this.listener.mssTowards(this.remote, this.local.ip);
  }
  sendSynAck(): void {
    const h = header(this.local.port, this.remote.port, this.sndIsn, plus(this.rcvIsn, 1), SYN | ACK, Math.min(65535, this.window));
    h.mss = this.advertisedMss;
    h.sackPermitted = this.sackOk;
    if (this.wscale >= 0) h.wscale = this.rcvWscale;
    if (this.tsOk) {
      h.tsval = (Math.floor(this.ns.stack.now() / 1e6) + this.tsOffset) >>> 0;
      h.tsecr = this.tsRecent;
    }
    sendSegment(this.ns, allocSkb(0), this.local.ip, this.remote.ip, h, this.iif, this.mark, 0, null);
  }
  override expire(now: number): void {
    const max = this.listener.synAckRetries;
    const defer = this.listener.deferAcceptRetries;
    this.retries++;
    if (this.listener.stateNumber !== 10 || this.retries > Math.max(max, defer)) {
      this.kill();
      return;
    }
    // While data is waited for, the other side need not hear from us again until the time is over.
    if (!this.acked || this.retries >= defer) this.sendSynAck();
    this.ns.stack.timers.arm(this, now + Math.min(RTO_MAX, RTO_INITIAL * 2 ** this.retries));
  }
  get age(): number {
    return (this.ns.stack.now() - this.created) / NSEC;
  }
  kill(): void {
    this.ns.stack.timers.cancel(this);
    this.ns.tcp.remove(this);
    this.listener.requests.delete(this);
  }
}
