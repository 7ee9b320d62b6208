/** AF_PACKET: packets as they are on the device. Facts: Linux 6.18 net/packet/af_packet.c; man 7 packet. */
import { EAGAIN, EDESTADDRREQ, EFAULT, EINVAL, EMSGSIZE, ENETDOWN, ENODEV, ENOPROTOOPT, ENXIO, EOPNOTSUPP, type Errno } from '../abi/errno.ts';
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../abi/poll.ts';
import * as S from '../abi/socket.ts';
import type { IoVector } from '../base/io-vector.ts';
import type { PollTable } from '../vfs/poll.ts';
import { joinLinkGroup, leaveLinkGroup, setAllmulti, setPromiscuity } from './device/device-registry.ts';
import type { NetDevice } from './device/net-device.ts';
import { devQueueXmit, ETH_P_802_2, ETH_P_ALL } from './device/receive.ts';
import { inetIoctl } from './inet/inet-ioctl.ts';
import { pushEthernet } from './ip/neighbour.ts';
import type { Message } from './message.ts';
import { intOption, optionInt } from './option-value.ts';
import { allocSkb, CHECKSUM_PARTIAL, PACKET_OUTGOING, type SkBuff, SkbQueue } from './skb.ts';
import { Socket } from './socket.ts';
import { filterSkb } from './socket-filter.ts';
import type { SocketCaller } from './socket-caller.ts';

const SIZEOF_SOCKADDR_LL = 20;
const PACKET_ADD_MEMBERSHIP = 1;
const PACKET_DROP_MEMBERSHIP = 2;
const PACKET_RX_RING = 5;
const PACKET_STATISTICS = 6;
const PACKET_COPY_THRESH = 7;
const PACKET_AUXDATA = 8;
const PACKET_ORIGDEV = 9;
const PACKET_VERSION = 10;
const PACKET_HDRLEN = 11;
const PACKET_RESERVE = 12;
const PACKET_TX_RING = 13;
const PACKET_LOSS = 14;
const PACKET_VNET_HDR = 15;
const PACKET_TIMESTAMP = 17;
const PACKET_FANOUT = 18;
const PACKET_QDISC_BYPASS = 20;
const PACKET_FANOUT_DATA = 22;
const PACKET_IGNORE_OUTGOING = 23;
const PACKET_MR_MULTICAST = 0;
const PACKET_MR_PROMISC = 1;
const PACKET_MR_ALLMULTI = 2;
const PACKET_MR_UNICAST = 3;

interface Membership {
  readonly index: number;
  readonly type: number;
  readonly address: Uint8Array;
}
interface Captured {
  readonly skb: SkBuff;
  /** Bytes there were. */
  readonly length: number;
  readonly device: NetDevice;
}

export class PacketSocket extends Socket {
  /** Ethernet protocol number, ETH_P_ALL, or 0: nothing is received. */
  private ethProtocol: number;
  private index = 0;
  private readonly queue: SkbQueue = new SkbQueue();
  private readonly captured: Map<SkBuff, Captured> = new Map();
  private held = 0;
  private received = 0;
  private dropped = 0;
  private readonly flags: Map<number, number> = new Map();
  private readonly memberships: Membership[] = [];

  /** `protocol` in host order. */
  constructor(ctx: SocketCaller, type: number, protocol: number) {
    super(ctx.nsproxy.net, S.AF_PACKET, type, ((protocol & 255) << 8) | (protocol >> 8));
    this.ethProtocol = protocol;
    this.ownerUid = ctx.credentials.fsuid;
    this.netNs.packetSockets.add(this);
  }
  override get queuedBytes(): number {
    return this.held;
  }
  get firstLength(): number {
    return this.queue.head?.length ?? 0;
  }
  /** Device index and protocol, for /proc/net/packet and sock_diag. */
  get binding(): { readonly index: number; readonly protocol: number } {
    return { index: this.index, protocol: this.ethProtocol };
  }

  /** A packet passes a device. `outgoing`: from its link header on; else that was taken off. */
  tap(skb: SkBuff, dev: NetDevice, outgoing: boolean): void {
    const protocol = this.ethProtocol;
    if (protocol === 0 || (this.index !== 0 && this.index !== dev.index)) return;
    const own = outgoing ? this.protocolOf(skb, dev) : skb.protocol;
    if (protocol !== ETH_P_ALL && (outgoing || protocol !== own)) return;
    if (outgoing && this.flags.get(PACKET_IGNORE_OUTGOING)) return;
    const { mac } = skb;
    const raw = this.type === S.SOCK_RAW;
    const header = outgoing ? skb.start + dev.hardHeader : skb.start;
    const start = raw ? (mac >= 0 ? mac : skb.start) : header;
    const view = skb.clone();
    view.start = start;
    view.end = skb.end;
    view.mac = mac;
    view.network = header;
    view.protocol = own;
    view.pktType = outgoing ? PACKET_OUTGOING : skb.pktType;
    view.dev = dev;
    const length = view.length;
    const keep = filterSkb(this, view, start, 1);
    if (keep < 0) return;
    this.received++;
    if (this.held + view.truesize > this.rcvbuf && this.held > 0) {
      this.dropped++;
      this.drops++;
      return;
    }
    // The bytes go on changing.
    const copy = view.clone(true);
    copy.end = start + keep;
    copy.tstamp = skb.tstamp !== 0 ? skb.tstamp : dev.ns.stack.now();
    this.held += copy.truesize;
    this.captured.set(copy, { skb: copy, length, device: dev });
    this.queue.push(copy);
    this.wakeReaders();
  }
  private protocolOf(skb: SkBuff, dev: NetDevice): number {
    if (dev.hardHeader === 0) return skb.protocol;
    const type = skb.u16(skb.start + 12);
    return type >= 0x600 ? type : ETH_P_802_2;
  }

  override bind(_ctx: SocketCaller, address: Uint8Array): number {
    if (address.length < 12) return EINVAL;
    if ((address[0]! | (address[1]! << 8)) !== S.AF_PACKET) return EINVAL; // length was checked
    const v = new DataView(address.buffer, address.byteOffset);
    const index = v.getInt32(4, true);
    const protocol = v.getUint16(2, false);
    if (index !== 0) {
      const d = this.netNs.deviceByIndex(index);
      if (d === null) return ENODEV;
      if (!d.up) this.error = ENETDOWN;
    }
    this.index = index;
    if (protocol !== 0) this.ethProtocol = protocol;
    return 0;
  }
  override getName(peer: boolean): Uint8Array | Errno {
    if (peer) return EOPNOTSUPP;
    const d = this.index === 0 ? null : this.netNs.deviceByIndex(this.index);
    const a = new Uint8Array(d === null ? 12 : 12 + d.mac.length);
    const v = new DataView(a.buffer);
    v.setUint16(0, S.AF_PACKET, true);
    v.setUint16(2, this.ethProtocol, false);
    v.setInt32(4, this.index, true);
    if (d !== null) {
      v.setUint16(8, d.type, true);
      a[11] = d.mac.length;
      a.set(d.mac, 12);
    }
    return a;
  }
  override connect(): number {
    return EOPNOTSUPP;
  }

  override send(_ctx: SocketCaller, msg: Message, iov: IoVector, _nonBlocking: boolean): number {
    let { index } = this;
    let protocol = this.ethProtocol;
    let to: Uint8Array | null = null;
    if (msg.name !== null) {
      if (msg.name.length < 12) return EINVAL;
      const v = new DataView(msg.name.buffer, msg.name.byteOffset);
      index = v.getInt32(4, true);
      protocol = v.getUint16(2, false);
      const length = msg.name[11]!; // checked
      if (msg.name.length < 12 + Math.min(8, length) && this.type === S.SOCK_DGRAM) return EINVAL;
      to = msg.name.slice(12, 12 + length);
    }
    const d = this.netNs.deviceByIndex(index);
    if (d === null) return ENXIO;
    if (!d.up) return ENETDOWN;
    let length = iov.remaining;
    if (this.flags.get(PACKET_VNET_HDR)) {
      const skip = new Uint8Array(10);
      if (length < 10 || iov.take(skip, 0, 10) < 10) return EINVAL;
      length -= 10;
    }
    const raw = this.type === S.SOCK_RAW;
    if (length > d.mtu + (raw ? d.hardHeader : 0) + 4) return EMSGSIZE;
    if (raw && length < d.hardHeader) return EINVAL;
    const skb = allocSkb(length);
    if (length > 0 && iov.take(skb.data, skb.start, length) < length) return EFAULT;
    skb.mark = this.mark;
    skb.priority = this.priority;
    if (!raw) {
      if (d.ethernet && (to === null || to.length < 6)) return to === null && this.index !== 0 ? EDESTADDRREQ : EINVAL;
      skb.protocol = protocol;
      skb.network = skb.start;
      if (d.ethernet) pushEthernet(skb, d, to!.subarray(0, 6)); // checked
    } else {
      skb.network = skb.start + d.hardHeader;
      skb.protocol = d.hardHeader > 0 ? skb.u16(skb.start + 12) : protocol;
    }
    devQueueXmit(skb, d, this);
    return length;
  }

  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (msg.flags & ~(S.MSG_PEEK | S.MSG_DONTWAIT | S.MSG_TRUNC | S.MSG_CMSG_CLOEXEC | S.MSG_ERRQUEUE)) return EINVAL;
    if (msg.flags & S.MSG_ERRQUEUE) return EAGAIN;
    if (this.error !== 0) return this.takeError();
    const skb = this.queue.head;
    if (skb === null) return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking);
    const c = this.captured.get(skb)!; // what is queued was noted
    let header = 0;
    if (this.flags.get(PACKET_VNET_HDR)) {
      header = 10;
      if (iov.remaining < 10) return EINVAL;
      if (iov.put(new Uint8Array(10), 0, 10) < 10) return EFAULT;
    }
    const n = Math.min(skb.length, iov.remaining);
    if (n > 0 && iov.put(skb.data, skb.start, n) < n) return EFAULT;
    if (n < skb.length) msg.resultFlags |= S.MSG_TRUNC;
    const name = new Uint8Array(SIZEOF_SOCKADDR_LL);
    const v = new DataView(name.buffer);
    v.setUint16(0, S.AF_PACKET, true);
    v.setUint16(2, skb.protocol, false);
    v.setInt32(4, c.device.index, true);
    v.setUint16(8, c.device.type, true);
    name[10] = skb.pktType;
    if (skb.mac >= 0 && c.device.ethernet) {
      name[11] = 6;
      name.set(skb.data.subarray(skb.mac + 6, skb.mac + 12), 12);
    }
    msg.name = name;
    msg.hasName = true;
    if (this.timestamps !== 0) msg.control.push(this.stamp(skb));
    if (this.flags.get(PACKET_AUXDATA)) {
      const aux = new Uint8Array(20);
      const a = new DataView(aux.buffer);
      a.setUint32(0, 1 | (skb.ipSummed === CHECKSUM_PARTIAL ? 8 : 0x80), true);
      a.setUint32(4, c.length, true);
      a.setUint32(8, skb.length, true);
      a.setUint16(14, Math.max(0, skb.network - skb.start), true);
      msg.control.push({ level: S.SOL_PACKET, type: PACKET_AUXDATA, data: aux });
    }
    if ((msg.flags & S.MSG_PEEK) === 0) {
      this.queue.shift();
      this.captured.delete(skb);
      this.held -= skb.truesize;
      this.lastStamp = skb.tstamp;
    }
    return header + (msg.flags & S.MSG_TRUNC ? skb.length : n);
  }
  private stamp(skb: SkBuff): { level: number; type: number; data: Uint8Array } {
    const { clock } = this.netNs.stack;
    clock.wallAt(skb.tstamp);
    const data = new Uint8Array(16);
    const v = new DataView(data.buffer);
    v.setUint32(0, clock.sec, true);
    v.setUint32(8, this.timestamps === 1 ? Math.floor(clock.nsec / 1000) : clock.nsec, true);
    return { level: S.SOL_SOCKET, type: this.timestamps === 1 ? S.SCM_TIMESTAMP : S.SCM_TIMESTAMPNS, data };
  }

  override setOption(_ctx: SocketCaller, level: number, name: number, value: Uint8Array): number {
    if (level !== S.SOL_PACKET) return ENOPROTOOPT;
    switch (name) {
      case PACKET_ADD_MEMBERSHIP:
      case PACKET_DROP_MEMBERSHIP:
        return this.member(name === PACKET_ADD_MEMBERSHIP, value);
      case PACKET_FANOUT:
      case PACKET_FANOUT_DATA:
      case PACKET_RX_RING:
      case PACKET_TX_RING:
        return EOPNOTSUPP;
    }
    if (value.length < 4) return EINVAL;
    const n = optionInt(value);
    switch (name) {
      case PACKET_AUXDATA:
      case PACKET_ORIGDEV:
      case PACKET_VNET_HDR:
      case PACKET_IGNORE_OUTGOING:
      case PACKET_QDISC_BYPASS:
      case PACKET_LOSS:
        if (name === PACKET_VNET_HDR && this.type !== S.SOCK_RAW) return EINVAL;
        if (name === PACKET_IGNORE_OUTGOING && (n < 0 || n > 1)) return EINVAL;
        this.flags.set(name, n !== 0 ? 1 : 0);
        return 0;
      case PACKET_VERSION:
        if (n < 0 || n > 2) return EINVAL;
        this.flags.set(name, n);
        return 0;
      case PACKET_COPY_THRESH:
      case PACKET_RESERVE:
      case PACKET_TIMESTAMP:
        this.flags.set(name, n);
        return 0;
    }
    return ENOPROTOOPT;
  }
  /** struct packet_mreq: index, type, address length, address. */
  private member(add: boolean, value: Uint8Array): number {
    if (value.length < 8) return EINVAL;
    const v = new DataView(value.buffer, value.byteOffset);
    const index = v.getInt32(0, true);
    const type = v.getUint16(4, true);
    const length = v.getUint16(6, true);
    if (value.length < 8 + Math.min(8, length)) return EINVAL;
    const address = value.slice(8, 8 + length);
    const d = this.netNs.deviceByIndex(index);
    if (add) {
      if (d === null) return ENODEV;
      if (type > PACKET_MR_UNICAST) return EINVAL;
      if ((type === PACKET_MR_MULTICAST || type === PACKET_MR_UNICAST) && length !== d.mac.length) return EINVAL;
      this.memberships.push({ index, type, address });
      this.apply(d, type, address, 1);
      return 0;
    }
    const i = this.memberships.findIndex((m) => m.index === index && m.type === type && m.address.every((b, j) => b === address[j]));
    // Linux does not mind one that is not there.
    if (i < 0) return 0;
    this.memberships.splice(i, 1);
    if (d !== null) this.apply(d, type, address, -1);
    return 0;
  }
  private apply(d: NetDevice, type: number, address: Uint8Array, by: number): void {
    if (type === PACKET_MR_PROMISC) setPromiscuity(d, by);
    else if (type === PACKET_MR_ALLMULTI) setAllmulti(d, by);
    else if (by > 0) joinLinkGroup(d, address);
    else leaveLinkGroup(d, address);
  }
  override getOption(_ctx: SocketCaller, level: number, name: number): Uint8Array | Errno {
    if (level !== S.SOL_PACKET) return ENOPROTOOPT;
    switch (name) {
      case PACKET_STATISTICS: {
        const b = new Uint8Array(8);
        const v = new DataView(b.buffer);
        v.setUint32(0, this.received, true);
        v.setUint32(4, this.dropped, true);
        this.received = this.dropped = 0;
        return b;
      }
      case PACKET_HDRLEN:
        return intOption(32);
      case PACKET_AUXDATA:
      case PACKET_ORIGDEV:
      case PACKET_VNET_HDR:
      case PACKET_VERSION:
      case PACKET_RESERVE:
      case PACKET_LOSS:
      case PACKET_TIMESTAMP:
      case PACKET_QDISC_BYPASS:
      case PACKET_COPY_THRESH:
      case PACKET_IGNORE_OUTGOING:
        return intOption(this.flags.get(name) ?? 0);
      case PACKET_FANOUT:
        return intOption(0);
    }
    return ENOPROTOOPT;
  }
  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.readQueue);
    let mask = POLLOUT | POLLWRNORM | POLLWRBAND;
    if (this.queue.count > 0) mask |= POLLIN | POLLRDNORM;
    if (this.error !== 0) mask |= POLLERR;
    return mask;
  }
  override ioctl(ctx: SocketCaller, cmd: number, arg: number): number {
    return inetIoctl(ctx, this, cmd, arg);
  }
  override close(): void {
    this.netNs.packetSockets.delete(this);
    for (const m of this.memberships.splice(0)) {
      const d = this.netNs.deviceByIndex(m.index);
      if (d !== null) this.apply(d, m.type, m.address, -1);
    }
    this.queue.clear();
    this.captured.clear();
  }
}
