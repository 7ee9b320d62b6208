/** TCP sockets: the state of a connection and what programs do with it. Facts: Linux 6.18 net/ipv4/{tcp,af_inet,inet_connection_sock}.c; man 7 tcp. */
import {
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  ECONNREFUSED,
  ECONNRESET,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOENT,
  ENOTCONN,
  EPIPE,
  type Errno,
  isErr,
} from '../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { MSG_FASTOPEN, SO_KEEPALIVE, SO_OOBINLINE, SOCK_STREAM, SIOCATMARK, SIOCINQ, SIOCOUTQ } from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { anyAddress, Endpoint, isAny, isBroadcast, isLinkLocal, isMulticast } from '../inet/inet-address.ts';
import { InetSocket } from '../inet/inet-socket.ts';
import type { PortTable } from '../inet/port-table.ts';
import { RTN_BROADCAST, RTN_MULTICAST } from '../ip/route-table.ts';
import type { Message } from '../message.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { type SkBuff, SkbQueue } from '../skb.ts';
import { RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, Socket } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import * as seq from './sequence.ts';
import { getTcpOption, setTcpOption, TcpSettings } from './tcp-options.ts';
import { queueFin, retransmitHead, sendActiveReset, sendSyn } from './tcp-output.ts';
import { tcpReceiveData, tcpReceiveUrgent } from './tcp-receive.ts';
import type { TcpRequest } from './tcp-request.ts';
import { tcpSend } from './tcp-send.ts';
import { TcpTimer, TIMER_DELACK, TIMER_KEEPALIVE, TIMER_RETRANSMIT } from './tcp-timer.ts';
import { TimeWait } from './time-wait.ts';

const { TCP_CLOSE, TCP_LISTEN, TCP_SYN_SENT, TCP_SYN_RECV, TCP_ESTABLISHED, TCP_FIN_WAIT1, TCP_FIN_WAIT2, TCP_CLOSE_WAIT, TCP_LAST_ACK } = seq;

/** What connect() has come to. */
const UNCONNECTED = 0;
const CONNECTING = 1;
const CONNECTED = 2;

export class TcpSocket extends InetSocket {
  readonly kind = 'socket';
  state: number = TCP_CLOSE;
  private connection: 0 | 1 | 2 = UNCONNECTED;
  readonly settings: TcpSettings = new TcpSettings();

  // What is sent.
  sndIsn = 0;
  sndUna = 0;
  sndNxt = 0;
  writeSeq = 0;
  pushedSeq = 0;
  sndWnd = 0;
  sndWl1 = 0;
  maxWindow = 0;
  sndWscale = 0;
  /** Sent and to be sent; `sendHead`: the first that was never sent. */
  readonly sendQueue: SkbQueue = new SkbQueue();
  sendHead: SkBuff | null = null;
  wmemQueued = 0;
  /** Segments in flight and those thought lost, in units of the MSS. */
  packetsOut = 0;
  cwnd = 10;
  ssthresh = 0x7fffffff;
  cwndCount = 0;
  dupAcks = 0;
  /** Loss recovery ends when this is acknowledged; -1: not in recovery. */
  recoverySeq = -1;
  retransmits = 0;
  totalRetrans = 0;
  backoff = 0;
  probesOut = 0;
  softError = 0;
  /** Smoothed round trip, its deviation, and the timeout; ns. */
  srtt = 0;
  rttvar = 0;
  minRtt = 0;
  rto: number = seq.RTO_INITIAL;
  /** Monotonic ns of the first retransmission in a row, 0: none. */
  retransStamp = 0;
  /** The other side's MSS option, what we announce, and what is used. */
  mssClamp = 536;
  advmss = 1460;
  mss = 536;
  finQueued = false;
  /** End of the last segment that was smaller than the MSS (Minshall's rule). */
  smallSeq = 0;

  // What is received.
  rcvIsn = 0;
  rcvNxt = 0;
  rcvWup = 0;
  rcvWnd = 0;
  rcvWscale = 0;
  windowClamp = 65535;
  copiedSeq = 0;
  readonly receiveQueue: SkbQueue = new SkbQueue();
  /** Out of order, by sequence number. */
  readonly outOfOrder: SkBuff[] = [];
  rmem = 0;
  rcvMss = 536;
  /** Of the receive buffer, what is window, in 256ths. */
  scalingRatio = 128;
  rcvSpace = 0;
  rcvSpaceSeq = 0;
  rcvSpaceTime = 0;
  /** Position of urgent data; -1: none. `urgentByte`: 0x100 and the byte once it is here, 0x200: read. */
  urgentSeq = -1;
  urgentByte = 0;
  sndUrgent = -1;
  finReceived = false;
  /** The reader has come to the end. */
  finRead = false;
  /** Duplicate to be reported (D-SACK), start and end. */
  dsack: [number, number] | null = null;

  // Acknowledging.
  ackScheduled = false;
  ackNow = false;
  ato = 0;
  quickAcks = 0;
  pingpong = false;
  lastReceived = 0;
  lastSent = 0;

  // Options agreed on.
  tsOk = false;
  sackOk = false;
  wscaleOk = false;
  tsRecent = 0;
  tsOffset = 0;

  // Counters of TCP_INFO.
  bytesAcked = 0;
  bytesReceived = 0;
  bytesSent = 0;
  bytesRetrans = 0;
  segsOut = 0;
  segsIn = 0;
  dataSegsOut = 0;
  dataSegsIn = 0;
  lastAckReceived = 0;
  zeroCopyKey = 0;

  // Listening.
  readonly acceptQueue: TcpSocket[] = [];
  backlog = 0;
  readonly requests: Set<TcpRequest> = new Set();
  parent: TcpSocket | null = null;
  savedSyn: Uint8Array | null = null;

  orphan = false;
  private dead = false;
  readonly retransmitTimer: TcpTimer = new TcpTimer(this, TIMER_RETRANSMIT);
  readonly delackTimer: TcpTimer = new TcpTimer(this, TIMER_DELACK);
  readonly keepaliveTimer: TcpTimer = new TcpTimer(this, TIMER_KEEPALIVE);

  constructor(netNs: NetworkNamespace, uid: number, family: number) {
    super(netNs, uid, family, SOCK_STREAM, 6);
    this.sndbuf = netNs.sysctls.nth('ipv4/tcp_wmem', 1);
    this.rcvbuf = netNs.sysctls.nth('ipv4/tcp_rmem', 1);
    this.settings.keepIdle = netNs.sysctls.number('ipv4/tcp_keepalive_time');
    this.settings.keepInterval = netNs.sysctls.number('ipv4/tcp_keepalive_intvl');
    this.settings.keepCount = netNs.sysctls.number('ipv4/tcp_keepalive_probes');
    this.settings.congestion = netNs.sysctls.text('ipv4/tcp_congestion_control');
  }
  protected override get ports(): PortTable<InetSocket> {
    return this.netNs.tcp.ports as unknown as PortTable<InetSocket>;
  }
  override get stateNumber(): number {
    return this.state;
  }
  override get listening(): boolean {
    return this.state === TCP_LISTEN;
  }
  /** Bytes that can be read. */
  get available(): number {
    if (this.state === TCP_LISTEN || this.state === TCP_SYN_SENT || this.state === TCP_SYN_RECV) return 0;
    let n = seq.distance(this.rcvNxt, this.copiedSeq);
    // The FIN is no data.
    if (this.finReceived && !this.finRead && n > 0) n--;
    return Math.max(0, n);
  }
  override get queuedBytes(): number {
    return this.state === TCP_LISTEN ? this.acceptQueue.length : this.available;
  }
  override get unreadBytes(): number {
    return this.state === TCP_LISTEN ? this.backlog : this.state === TCP_CLOSE ? 0 : seq.distance(this.writeSeq, this.sndUna);
  }
  get saveSyn(): boolean {
    return this.settings.saveSyn !== 0;
  }
  get synAckRetries(): number {
    return this.settings.synCount || this.netNs.sysctls.number('ipv4/tcp_synack_retries');
  }
  get deferAcceptRetries(): number {
    return this.settings.deferAccept;
  }
  get oobInline(): boolean {
    return this.remembered.get(SO_OOBINLINE) === 1;
  }
  get keepAlive(): boolean {
    return this.remembered.get(SO_KEEPALIVE) === 1;
  }
  /** SO_KEEPALIVE or TCP_KEEPIDLE was set. */
  override keepaliveChanged(): void {
    const { timers } = this.netNs.stack;
    if (!this.keepAlive) timers.cancel(this.keepaliveTimer);
    else if (this.state !== TCP_CLOSE && this.state !== TCP_LISTEN)
      timers.arm(this.keepaliveTimer, Math.max(this.now(), Math.max(this.lastReceived, this.lastAckReceived) + this.settings.keepIdle * 1000 * seq.MS));
  }
  /** The other side is given up: it gets a reset, this side an error. */
  abortConnection(error: number): void {
    sendActiveReset(this);
    this.fail(error);
  }
  now(): number {
    return this.netNs.stack.now();
  }

  // ---- windows

  /** The window that is still open for the other side. */
  receiveWindow(): number {
    return Math.max(0, seq.distance(seq.plus(this.rcvWup, this.rcvWnd), this.rcvNxt));
  }
  windowFrom(space: number): number {
    return Math.floor((space * this.scalingRatio) / 256);
  }
  initialWindow(): number {
    return Math.min(this.windowFrom(this.rcvbuf), 65535);
  }
  /** The scale that lets the window grow to what the buffers may (tcp_select_initial_window). */
  windowScale(): number {
    let space = this.rcvbufLocked ? this.windowFrom(this.rcvbuf) : Math.max(this.netNs.sysctls.nth('ipv4/tcp_rmem', 2), this.netNs.stack.machineSysctl('core/rmem_max'));
    if (this.settings.windowClamp > 0) space = Math.min(space, this.settings.windowClamp);
    let scale = 0;
    while (space > 65535 && scale < seq.MAX_WSCALE) {
      space = Math.floor(space / 2);
      scale++;
    }
    return scale;
  }
  /** The MSS announced towards an address: that of the device, or the user's. */
  mssTowards(to: Endpoint, source: Uint8Array): number {
    const dst = this.routeTo(to, 0, source);
    const mtu = isErr(dst) ? 576 : dst.mtu;
    let mss = Math.max(mtu - (to.ip.length === 4 ? 40 : 60), 48);
    if (mss > 65535 - 40) mss = 65495;
    if (this.settings.maxSegment > 0) mss = Math.min(mss, this.settings.maxSegment);
    return mss;
  }
  /** Sets what a segment may carry from the path's MTU (tcp_sync_mss). */
  syncMss(): void {
    if (this.remote === null) return;
    const dst = this.routeTo(this.remote);
    if (isErr(dst)) return;
    this.mtuReduced(dst.mtu, false);
  }
  mtuReduced(mtu: number, resend = true): void {
    const headers = (this.remote?.ip.length === 16 ? 40 : 20) + 20 + (this.tsOk ? 12 : 0);
    let mss = Math.min(mtu - 40 - (this.remote?.ip.length === 16 ? 20 : 0), this.mssClamp) - (this.tsOk ? 12 : 0);
    mss = Math.max(48, Math.min(mss, mtu - headers));
    if (this.maxWindow > 0 && mss > this.maxWindow / 2 && this.maxWindow > 88) mss = Math.max(this.maxWindow >> 1, 68 - headers);
    const smaller = mss < this.mss;
    this.mss = mss;
    const first = this.sendQueue.head;
    if (resend && smaller && first !== null && first !== this.sendHead) retransmitHead(this);
  }
  /** Send buffer as the connection wants it (tcp_sndbuf_expand). */
  expandSndbuf(): void {
    if (this.sndbufLocked) return;
    const perMss = Math.max(this.mssClamp, this.mss) + 320 + 320;
    const rounded = (1 << (32 - Math.clz32(perMss - 1))) + 256;
    const want = rounded * Math.max(10, this.cwnd, 4) * 2;
    if (this.sndbuf < want) this.sndbuf = Math.min(want, this.netNs.sysctls.nth('ipv4/tcp_wmem', 2));
  }
  get writable(): boolean {
    return this.sndbuf - this.wmemQueued >= this.wmemQueued >> 1 && this.unsentLow;
  }
  /** TCP_NOTSENT_LOWAT leaves room. */
  private get unsentLow(): boolean {
    const low = this.settings.notSentLowat || this.netNs.sysctls.number('ipv4/tcp_notsent_lowat');
    return seq.distance(this.writeSeq, this.sndNxt) < low;
  }
  /** A small segment is not acknowledged yet. */
  get smallOut(): boolean {
    return seq.after(this.smallSeq, this.sndUna);
  }
  get hasRoom(): boolean {
    return this.wmemQueued < this.sndbuf;
  }

  // ---- connecting

  override listen(_ctx: SocketCaller, backlog: number): number {
    if (this.connection !== UNCONNECTED || (this.state !== TCP_CLOSE && this.state !== TCP_LISTEN)) return EINVAL;
    this.backlog = backlog;
    if (this.state === TCP_LISTEN) return 0;
    if (!this.hasPort) {
      if (this.take(_ctx, this.local.ip, this.local.port, this.local.scope) < 0) return EADDRINUSE;
    } else if (this.ports.conflicts(this, this.local.ip, this.local.port)) {
      return EADDRINUSE;
    }
    this.state = TCP_LISTEN;
    this.shut = 0;
    this.netNs.tcp.listen(this);
    return 0;
  }

  override connect(ctx: SocketCaller, address: Uint8Array, nonBlocking: boolean): number {
    const { stack } = this.netNs;
    stack.hold();
    const r = this.tryConnect(ctx, address, nonBlocking);
    stack.release();
    // The handshake may have been completed just now.
    if (r === EINPROGRESS && !nonBlocking) return this.awaitConnect(ctx, false, EINPROGRESS);
    return r;
  }
  private tryConnect(ctx: SocketCaller, address: Uint8Array, nonBlocking: boolean): number {
    if (ctx.syscall.again && this.connection === CONNECTING) return this.awaitConnect(ctx, nonBlocking, EINPROGRESS);
    const e = this.parse(address);
    if (e === null) {
      this.disconnect();
      return 0;
    }
    if (this.connection === CONNECTED) return EISCONN;
    if (this.connection === CONNECTING) return this.awaitConnect(ctx, nonBlocking, EALREADY);
    if (this.state !== TCP_CLOSE) return EISCONN;
    if (isErr(e)) return e;
    const r = this.startConnect(e);
    if (r < 0) return r;
    this.connection = CONNECTING;
    return EINPROGRESS;
  }
  /** Chooses addresses and a port and sends the SYN: 0 or errno (tcp_v4_connect). */
  private startConnect(e: Endpoint): number {
    const to = this.destination(e);
    if (isMulticast(to.ip) || isBroadcast(to.ip)) return ENETUNREACH;
    if (isLinkLocal(to.ip)) {
      if (to.scope === 0 && this.boundIndex === 0) return EINVAL;
      if (to.scope !== 0 && this.boundIndex !== 0 && this.boundIndex !== to.scope) return EINVAL;
    }
    this.forgetRoute();
    const dst = this.routeTo(to);
    if (isErr(dst)) return dst;
    if (dst.type === RTN_BROADCAST || dst.type === RTN_MULTICAST) return ENETUNREACH;
    const before = this.local;
    const source = isAny(this.local.ip) || this.local.ip.length !== to.ip.length ? dst.source : this.local.ip;
    if (source.length === 16 && isAny(source)) return EADDRNOTAVAIL;
    this.local = new Endpoint(source, this.local.port, to.scope);
    if (!this.hasPort) {
      const port = this.connectPort(source, to, before.port);
      if (port === 0) {
        this.local = before;
        return EADDRNOTAVAIL;
      }
      this.local = new Endpoint(source, port, to.scope);
      this.hasPort = true;
      this.ports.add(port, this);
    } else {
      const old = this.netNs.tcp.find(source, this.local.port, to.ip, to.port, 0);
      if (old !== null && !(old.kind === 'timewait' && this.recyclable(old))) {
        this.local = before;
        return EADDRNOTAVAIL;
      }
      if (old !== null && old.kind === 'timewait') old.kill();
    }
    this.remote = to;
    this.netNs.snmp.tcp.activeOpens++;
    this.state = TCP_SYN_SENT;
    this.shut = 0;
    this.error = 0;
    this.softError = 0;
    this.netNs.tcp.add(this);
    sendSyn(this, dst);
    return 0;
  }
  /** TIME_WAIT gives way to a new connection (tcp_tw_reuse: on the loopback after a second). */
  private recyclable(tw: TimeWait): boolean {
    const mode = this.netNs.sysctls.number('ipv4/tcp_tw_reuse');
    if (mode === 0 || (mode === 2 && tw.local.ip[0] !== 127 && !this.loopbackAddress(tw.local.ip))) return false;
    return tw.tsRecent !== 0 && this.now() - tw.since >= this.netNs.sysctls.number('ipv4/tcp_tw_reuse_delay') * seq.MS;
  }
  private loopbackAddress(ip: Uint8Array): boolean {
    return ip.length === 16 && ip[15] === 1 && ip.every((b, i) => i === 15 || b === 0);
  }
  /** A local port for which the pair of endpoints is free; 0: none. `fixed`: one that bind() chose without taking it. */
  private connectPort(source: Uint8Array, to: Endpoint, fixed: number): number {
    const { tcp, sysctls, stack } = this.netNs;
    if (fixed !== 0) return fixed;
    const first = sysctls.nth('ipv4/ip_local_port_range', 0);
    const last = sysctls.nth('ipv4/ip_local_port_range', 1);
    const n = last - first + 1;
    let at = stack.random() % n & ~1;
    for (let i = 0; i < n; i++) {
      const port = first + ((at + i * 2 + (i * 2 >= n ? 1 : 0)) % n);
      const holders = tcp.ports.at(port);
      if (holders.length > 0) {
        // Ports that bind() took are left alone.
        if (holders.some((o) => (o as { portLocked?: boolean }).portLocked || o.listening)) continue;
        const old = tcp.find(source, port, to.ip, to.port, 0);
        if (old !== null) {
          if (old.kind !== 'timewait' || !this.recyclable(old)) continue;
          old.kill();
        }
      }
      at = 0;
      return port;
    }
    return 0;
  }
  /** Waits for the handshake, or says how it ended. */
  private awaitConnect(ctx: SocketCaller, nonBlocking: boolean, pending: number): number {
    if (this.state === TCP_SYN_SENT || this.state === TCP_SYN_RECV) {
      if (nonBlocking) return pending;
      const r = this.waitOn(ctx, this.writeQueue, this.sndtimeo, false);
      return r === EAGAIN ? pending : r;
    }
    if (this.state === TCP_CLOSE || (this.error !== 0 && this.connection === CONNECTING && this.state === TCP_CLOSE)) {
      const e = this.error !== 0 ? this.takeError() : ECONNABORTED;
      this.disconnect();
      return e;
    }
    this.connection = CONNECTED;
    return 0;
  }
  /** A SYN-ACK to a SYN that crossed ours. */
  retransmitOpening(): void {
    retransmitHead(this);
  }
  /** Ends whatever there is; the socket is as new (tcp_disconnect). */
  disconnect(): void {
    const { state } = this;
    if (state === TCP_LISTEN) this.stopListening();
    else if (state !== TCP_CLOSE && state !== TCP_SYN_SENT) sendActiveReset(this);
    this.clearTimers();
    this.netNs.tcp.remove(this);
    if (state !== TCP_CLOSE && this.countsAsEstablished(state)) this.netNs.snmp.tcp.currEstab--;
    this.state = TCP_CLOSE;
    this.connection = UNCONNECTED;
    this.purge();
    this.shut = 0;
    this.error = 0;
    this.softError = 0;
    this.remote = null;
    this.forgetRoute();
    if (!this.portLocked) this.releasePort();
    const port = this.portLocked ? this.local.port : 0;
    if (!this.addressLocked) this.local = new Endpoint(anyAddress(this.family), port);
    else this.local = new Endpoint(this.local.ip, port, this.local.scope);
    this.resetState();
    this.wakeAll();
  }
  private resetState(): void {
    this.srtt = this.rttvar = this.minRtt = 0;
    this.rto = seq.RTO_INITIAL;
    this.cwnd = 10;
    this.ssthresh = 0x7fffffff;
    this.backoff = this.probesOut = this.retransmits = this.packetsOut = this.dupAcks = 0;
    this.recoverySeq = -1;
    this.finQueued = this.finReceived = this.finRead = false;
    this.urgentSeq = this.sndUrgent = -1;
    this.urgentByte = 0;
    this.tsOk = this.sackOk = this.wscaleOk = false;
    this.tsRecent = 0;
    this.sndWscale = this.rcvWscale = 0;
    this.rcvWnd = 0;
    this.quickAcks = this.ato = 0;
    this.pingpong = this.ackScheduled = this.ackNow = false;
  }
  private countsAsEstablished(state: number): boolean {
    return state === TCP_ESTABLISHED || state === TCP_CLOSE_WAIT;
  }
  setState(state: number): void {
    const { tcp } = this.netNs.snmp;
    if (this.countsAsEstablished(state) && !this.countsAsEstablished(this.state)) tcp.currEstab++;
    if (!this.countsAsEstablished(state) && this.countsAsEstablished(this.state)) {
      tcp.currEstab--;
      if (state === TCP_CLOSE) tcp.estabResets++;
    }
    if (state === TCP_CLOSE && this.state === TCP_SYN_SENT) tcp.attemptFails++;
    this.state = state;
  }

  override accept(ctx: SocketCaller, nonBlocking: boolean): Socket | Errno {
    if (this.state !== TCP_LISTEN) return EINVAL;
    const s = this.acceptQueue.shift();
    if (s === undefined) return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking) as Errno;
    s.parent = null;
    s.connection = CONNECTED;
    return s;
  }
  get acceptQueueFull(): boolean {
    return this.acceptQueue.length > this.backlog;
  }
  /** A socket for a connection that was asked for here, with this one's options. */
  makeChild(): TcpSocket {
    const c = new TcpSocket(this.netNs, this.ownerUid, this.family);
    for (const [k, v] of this.remembered) c.remembered.set(k, v);
    for (const [k, v] of this.options) c.options.set(k, v);
    c.ipOptions = this.ipOptions;
    c.settings.copyFrom(this.settings);
    c.v6only = this.v6only;
    c.sndbuf = this.sndbuf;
    c.rcvbuf = this.rcvbuf;
    c.sndbufLocked = this.sndbufLocked;
    c.rcvbufLocked = this.rcvbufLocked;
    c.lingerOn = this.lingerOn;
    c.lingerSeconds = this.lingerSeconds;
    c.rcvtimeo = this.rcvtimeo;
    c.sndtimeo = this.sndtimeo;
    c.rcvlowat = this.rcvlowat;
    c.mark = this.mark;
    c.priority = this.priority;
    c.boundIndex = this.boundIndex;
    c.filter = this.filter;
    c.filterLocked = this.filterLocked;
    c.timestamps = this.timestamps;
    c.timestampsNew = this.timestampsNew;
    c.timestamping = this.timestamping;
    c.parent = this;
    return c;
  }

  // ---- data

  override send(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (msg.flags & MSG_FASTOPEN && this.state === TCP_CLOSE && msg.name !== null && this.connection === UNCONNECTED) {
      const r = this.connect(ctx, msg.name, nonBlocking);
      if (r < 0) return r;
    }
    return tcpSend(this, ctx, msg, iov, nonBlocking);
  }
  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    return tcpReceiveData(this, ctx, msg, iov, nonBlocking);
  }
  receiveUrgent(msg: Message, iov: IoVector): number {
    return tcpReceiveUrgent(this, msg, iov);
  }
  override poll(table: PollTable | null): number {
    if (table !== null) {
      table.add(this.readQueue);
      table.add(this.writeQueue);
    }
    if (this.state === TCP_LISTEN) return this.acceptQueue.length > 0 ? POLLIN | POLLRDNORM : 0;
    let mask = 0;
    if (this.shut === SHUTDOWN_MASK || this.state === TCP_CLOSE) mask |= POLLHUP;
    if (this.shut & RCV_SHUTDOWN) mask |= POLLIN | POLLRDNORM | POLLRDHUP;
    if (this.state !== TCP_SYN_SENT && this.state !== TCP_SYN_RECV) {
      let target = Math.min(this.rcvlowat, Math.max(1, this.rcvbuf >> 1));
      if (this.urgentSeq >= 0 && this.urgentSeq === this.copiedSeq && !this.oobInline && this.urgentByte & 0x100) target++;
      if (this.state !== TCP_CLOSE && this.available >= target) mask |= POLLIN | POLLRDNORM;
      if (this.shut & SEND_SHUTDOWN || this.writable) mask |= POLLOUT | POLLWRNORM;
      if (this.urgentByte & 0x100) mask |= POLLPRI;
    }
    if (this.error !== 0 || this.errorQueue.length > 0) mask |= POLLERR;
    return mask;
  }

  /** SIGURG for the owner: whoever set one with F_SETOWN hears of POLLPRI. */
  sendUrgentSignal(): void {
    this.readQueue.wake(POLLPRI);
  }

  // ---- ending

  override shutdown(_ctx: SocketCaller, how: number): number {
    const bits = Socket.shutdownBits(how);
    if (bits < 0) return bits;
    const { stack } = this.netNs;
    stack.hold();
    const r = this.shutdownNow(bits);
    stack.release();
    return r;
  }
  private shutdownNow(bits: number): number {
    if (this.connection === CONNECTING && (this.state === TCP_SYN_SENT || this.state === TCP_SYN_RECV || this.state === TCP_CLOSE)) {
      this.disconnect();
      return 0;
    }
    if (this.state === TCP_CLOSE) {
      return ENOTCONN;
    }
    if (this.state === TCP_LISTEN) {
      if (bits & RCV_SHUTDOWN) {
        this.disconnect();
        this.wakeAll();
      }
      return 0;
    }
    this.shut |= bits;
    if (bits & SEND_SHUTDOWN && (this.state === TCP_ESTABLISHED || this.state === TCP_CLOSE_WAIT || this.state === TCP_SYN_RECV)) {
      this.setState(this.state === TCP_CLOSE_WAIT ? TCP_LAST_ACK : TCP_FIN_WAIT1);
      queueFin(this);
    }
    this.wakeAll();
    return 0;
  }

  private stopListening(): void {
    this.netNs.tcp.unlisten(this);
    for (const r of [...this.requests]) r.kill();
    for (const s of this.acceptQueue.splice(0)) {
      sendActiveReset(s);
      s.becomeOrphan();
      s.parent = null;
      s.done();
    }
  }
  /** The connection ends with an error (a reset, an ICMP error, a timeout). */
  fail(error: number): void {
    if (this.state === TCP_CLOSE) return;
    this.error = error;
    this.purgeWrite();
    this.done();
    this.wakeAll();
  }
  /** A reset came (tcp_reset). */
  reset(): void {
    const error = this.state === TCP_SYN_SENT ? ECONNREFUSED : this.state === TCP_CLOSE_WAIT ? EPIPE : this.state === TCP_CLOSE ? 0 : ECONNRESET;
    this.purgeWrite();
    this.error = error;
    this.done();
    this.wakeAll();
  }
  /** Nothing more is exchanged (tcp_done). */
  done(): void {
    this.clearTimers();
    this.netNs.tcp.remove(this);
    this.setState(TCP_CLOSE);
    this.shut = SHUTDOWN_MASK;
    if (this.orphan) this.destroy();
    else if (!this.portLocked) this.releasePort();
  }
  /** The connection goes on as TIME_WAIT, or FIN_WAIT2 without a socket. */
  becomeTimeWait(substate: number, timeout: number): void {
    this.netNs.tcp.remove(this);
    new TimeWait(this, substate, timeout);
    this.netNs.snmp.tcp.timeWait++;
    this.clearTimers();
    this.setState(TCP_CLOSE);
    this.shut = SHUTDOWN_MASK;
    if (this.orphan) this.destroy();
    else this.releasePort();
  }
  private destroy(): void {
    if (this.dead) return;
    this.dead = true;
    this.releasePort();
    this.purge();
    this.netNs.tcp.orphans--;
    this.netNs.put();
  }
  private clearTimers(): void {
    const { timers } = this.netNs.stack;
    timers.cancel(this.retransmitTimer);
    timers.cancel(this.delackTimer);
    timers.cancel(this.keepaliveTimer);
  }
  purgeWrite(): void {
    this.sendQueue.clear();
    this.sendHead = null;
    this.wmemQueued = 0;
    this.packetsOut = 0;
  }
  private purge(): void {
    this.purgeWrite();
    this.receiveQueue.clear();
    this.outOfOrder.length = 0;
    this.rmem = 0;
    this.errorQueue.length = 0;
  }
  kill(): void {
    this.error = ECONNABORTED;
    this.done();
    this.wakeAll();
  }

  override close(): void {
    const { stack } = this.netNs;
    stack.hold();
    this.leaveGroups();
    this.becomeOrphan();
    this.closeNow();
    stack.release();
  }
  /** It lives on without a descriptor until the other side knows all. */
  private becomeOrphan(): void {
    this.netNs.get();
    this.orphan = true;
    this.netNs.tcp.orphans++;
  }
  private closeNow(): void {
    this.shut = SHUTDOWN_MASK;
    if (this.state === TCP_LISTEN) {
      this.stopListening();
      this.setState(TCP_CLOSE);
      this.destroy();
      return;
    }
    const unread = this.available > 0;
    this.receiveQueue.clear();
    if (this.state === TCP_CLOSE) {
      this.netNs.tcp.remove(this);
      this.destroy();
      return;
    }
    if (unread) {
      this.setState(TCP_CLOSE);
      sendActiveReset(this);
      this.done();
      return;
    }
    if ((this.lingerOn && this.lingerSeconds === 0) || this.state === TCP_SYN_SENT) {
      if (this.state !== TCP_SYN_SENT) sendActiveReset(this);
      this.done();
      return;
    }
    switch (this.state) {
      case TCP_ESTABLISHED:
      case TCP_SYN_RECV:
        this.setState(TCP_FIN_WAIT1);
        queueFin(this);
        break;
      case TCP_CLOSE_WAIT:
        this.setState(TCP_LAST_ACK);
        queueFin(this);
        break;
      case TCP_FIN_WAIT2:
        this.finWait2();
        break;
    }
  }
  /** An orphan waits for the other side's FIN, but not for ever. */
  finWait2(): void {
    const { linger2 } = this.settings;
    if (linger2 < 0) {
      sendActiveReset(this);
      this.done();
      return;
    }
    this.becomeTimeWait(TCP_FIN_WAIT2, (linger2 > 0 ? linger2 : this.netNs.sysctls.number('ipv4/tcp_fin_timeout')) * 1000 * seq.MS);
  }

  // ---- options

  override attachReusePort(program: Int32Array | null): number {
    if (program === null && this.reusePortFilter === null) return ENOENT;
    this.reusePortFilter = program;
    for (const s of this.netNs.tcp.listeners.get(this.local.port) ?? []) if (s.reusePort) s.reusePortFilter = program;
    return 0;
  }
  override setOption(ctx: SocketCaller, level: number, name: number, value: Uint8Array): number {
    if (level === 6) return setTcpOption(ctx, this, name, value);
    return super.setOption(ctx, level, name, value);
  }
  override getOption(ctx: SocketCaller, level: number, name: number, given: Uint8Array): Uint8Array | Errno {
    if (level === 6) return getTcpOption(this, name, given);
    return super.getOption(ctx, level, name, given);
  }
  override ioctl(ctx: SocketCaller, cmd: number, arg: number): number {
    switch (cmd) {
      case SIOCINQ: {
        if (this.state === TCP_LISTEN) return EINVAL;
        let n = this.available;
        if (this.urgentSeq >= 0 && !this.oobInline && this.state !== TCP_CLOSE && !seq.before(this.urgentSeq, this.copiedSeq) && seq.before(this.urgentSeq, this.rcvNxt)) {
          // Up to the urgent byte; that one is not counted.
          n = this.urgentSeq === this.copiedSeq ? Math.max(0, n - 1) : seq.distance(this.urgentSeq, this.copiedSeq);
        }
        return ctx.space.writeU32(arg, n);
      }
      case SIOCATMARK:
        return ctx.space.writeU32(arg, this.urgentSeq >= 0 && this.urgentSeq === this.copiedSeq ? 1 : 0);
      case SIOCOUTQ:
        return this.state === TCP_LISTEN ? EINVAL : ctx.space.writeU32(arg, this.unreadBytes);
      case 0x894b: // SIOCOUTQNSD: what was never sent
        return this.state === TCP_LISTEN ? EINVAL : ctx.space.writeU32(arg, this.state === TCP_CLOSE ? 0 : seq.distance(this.writeSeq, this.sndNxt));
    }
    return super.ioctl(ctx, cmd, arg);
  }
  get isIpv4(): boolean {
    return (this.remote ?? this.local).ip.length === 4;
  }
}
