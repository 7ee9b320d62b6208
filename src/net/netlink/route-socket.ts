/** NETLINK_ROUTE sockets: requests about devices, addresses and routes. Facts: Linux 6.18 net/core/rtnetlink.c; man 7 rtnetlink. */
import { EADDRINUSE, ECONNREFUSED, EFAULT, EINVAL, ENETUNREACH, ENODEV, EOPNOTSUPP, EPERM, type Errno } from '../../abi/errno.ts';
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../../abi/poll.ts';
import { AF_INET, AF_INET6, AF_NETLINK, MSG_PEEK, MSG_TRUNC, SOL_NETLINK } from '../../abi/socket.ts';
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { interfaceIoctl } from '../inet/inet-ioctl.ts';
import type { Message } from '../message.ts';
import { bringUpLoopback, type DeviceAddress, IFF_LOOPBACK, IFF_UP, type NetDevice, RT_SCOPE_HOST } from '../net-device.ts';
import { allocPacket, freePacket, PacketQueue } from '../packet.ts';
import { Socket } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { intOption } from '../socket-options.ts';
import {
  forEachAttribute,
  NetlinkWriter,
  NLM_F_ACK,
  NLM_F_DUMP,
  NLM_F_MULTI,
  NLM_F_REQUEST,
  NLMSG_DONE,
  NLMSG_ERROR,
  NLMSG_HDRLEN,
} from './netlink-message.ts';

export const NETLINK_ROUTE = 0;
const RTM_NEWLINK = 16;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const RTM_NEWADDR = 20;
const RTM_GETADDR = 22;
const RTM_NEWROUTE = 24;
const RTM_GETROUTE = 26;
const RTM_GETNEIGH = 30;
const RTM_GETRULE = 34;
const RTM_GETQDISC = 38;

const IFLA_ADDRESS = 1;
const IFLA_BROADCAST = 2;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_QDISC = 6;
const IFLA_TXQLEN = 13;
const IFLA_OPERSTATE = 16;
const IFLA_LINKMODE = 17;
const IFLA_GROUP = 27;
const IFLA_PROMISCUITY = 30;
const IFLA_CARRIER = 33;
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_CACHEINFO = 6;
const IFA_FLAGS = 8;
const IFA_F_PERMANENT = 0x80;
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_PREFSRC = 7;
const RTA_TABLE = 15;
const RTA_UID = 25;
const RT_TABLE_MAIN = 254;
const RT_TABLE_LOCAL = 255;
const RTM_F_CLONED = 0x200;
const RTCF_LOCAL = 0x80000000;
const RTPROT_KERNEL = 2;
const RTN_LOCAL = 2;

/** struct sockaddr_nl: family, pad, pid, groups. */
const SIZEOF_SOCKADDR_NL = 12;
/** Answers are cut into packets of about this size, as dumps are. */
const DUMP_CHUNK = 16384;

const writer = new NetlinkWriter();

export class RouteNetlinkSocket extends Socket {
  private readonly queue: PacketQueue = new PacketQueue();
  /** Port id; 0: not bound. */
  private pid = 0;
  private groups = 0;
  private readonly options: Map<number, number> = new Map();

  constructor(ctx: SocketCaller, type: number) {
    super(ctx.nsproxy.net, AF_NETLINK, type, NETLINK_ROUTE);
  }

  override bind(ctx: SocketCaller, address: Uint8Array): number {
    if (address.length < SIZEOF_SOCKADDR_NL || address[0] !== AF_NETLINK) return EINVAL;
    const v = new DataView(address.buffer, address.byteOffset);
    const pid = v.getUint32(4, true);
    if (this.pid !== 0) {
      if (pid !== this.pid && pid !== 0) return EINVAL;
    } else if (pid === 0) {
      this.autobind(ctx);
    } else {
      if (this.netNs.netlinkPorts.has(pid)) return EADDRINUSE;
      this.takePort(pid);
    }
    this.groups = v.getUint32(8, true);
    return 0;
  }
  private takePort(pid: number): void {
    this.pid = pid;
    this.netNs.netlinkPorts.add(pid);
  }
  /** The process number, or a large one if it is taken. */
  private autobind(ctx: SocketCaller): void {
    if (this.pid !== 0) return;
    let pid = ctx.tgid;
    for (let i = 0; this.netNs.netlinkPorts.has(pid); i++) pid = 0xfffff000 - i;
    this.takePort(pid);
  }
  override connect(ctx: SocketCaller, address: Uint8Array, _nonBlocking: boolean): number {
    if (address.length < SIZEOF_SOCKADDR_NL || address[0] !== AF_NETLINK) return EINVAL;
    this.autobind(ctx);
    return 0;
  }
  override getName(peer: boolean): Uint8Array | Errno {
    const a = new Uint8Array(SIZEOF_SOCKADDR_NL);
    const v = new DataView(a.buffer);
    a[0] = AF_NETLINK;
    if (!peer) {
      v.setUint32(4, this.pid, true);
      v.setUint32(8, this.groups, true);
    }
    return a;
  }

  override send(ctx: SocketCaller, msg: Message, iov: IoVector, _nonBlocking: boolean): number {
    if (msg.name !== null) {
      if (msg.name.length < SIZEOF_SOCKADDR_NL || msg.name[0] !== AF_NETLINK) return EINVAL;
      // Only the kernel (port 0) is there to talk to.
      if (new DataView(msg.name.buffer, msg.name.byteOffset).getUint32(4, true) !== 0) return ECONNREFUSED;
    }
    this.autobind(ctx);
    const len = iov.remaining;
    const b = new Uint8Array(len);
    if (len > 0 && iov.take(b, 0, len) !== len) return EFAULT;
    const view = new DataView(b.buffer);
    for (let at = 0; at + NLMSG_HDRLEN <= len; ) {
      const size = view.getUint32(at, true);
      if (size < NLMSG_HDRLEN || at + size > len) break;
      this.request(ctx, b.subarray(at, at + size));
      at += (size + 3) & ~3;
    }
    return len;
  }

  /** Answers one request. */
  private request(ctx: SocketCaller, b: Uint8Array): void {
    const v = new DataView(b.buffer, b.byteOffset, b.byteLength);
    const type = v.getUint16(4, true);
    const flags = v.getUint16(6, true);
    const seq = v.getUint32(8, true);
    if ((flags & NLM_F_REQUEST) === 0 || type < 16) return;
    const dump = (flags & NLM_F_DUMP) === NLM_F_DUMP;
    let r = 0;
    if (dump) {
      r = this.dump(type, seq, b);
      if (r === 0) {
        writer.begin(NLMSG_DONE, NLM_F_MULTI, seq, this.pid);
        writer.u32(0);
        writer.end();
        this.reply();
        return;
      }
    } else {
      r = this.single(ctx, type, seq, b, v);
    }
    if (r < 0 || flags & NLM_F_ACK) {
      writer.begin(NLMSG_ERROR, 0, seq, this.pid);
      writer.u32(r);
      writer.raw(r < 0 ? b : b.subarray(0, NLMSG_HDRLEN));
      writer.end();
    }
    this.reply();
  }

  private dump(type: number, seq: number, b: Uint8Array): number {
    const ns = this.netNs;
    const family = b.length > NLMSG_HDRLEN ? (b[NLMSG_HDRLEN] as number) : 0;
    switch (type) {
      case RTM_GETLINK:
        for (const d of ns.devices) this.link(d, seq, NLM_F_MULTI);
        return 0;
      case RTM_GETADDR:
        for (const wanted of [AF_INET, AF_INET6]) {
          if (family !== 0 && family !== wanted) continue;
          for (const d of ns.devices) for (const a of d.addresses) if ((a.bytes.length === 4) === (wanted === AF_INET)) this.address(d, a, seq);
        }
        return 0;
      case RTM_GETROUTE:
        for (const d of ns.devices)
          for (const a of d.addresses) {
            const f = a.bytes.length === 4 ? AF_INET : AF_INET6;
            if ((family === 0 || family === f) && d.up) this.route(d, a, f, seq, NLM_F_MULTI);
          }
        return 0;
      case RTM_GETNEIGH:
      case RTM_GETRULE:
      case RTM_GETQDISC:
        return 0;
    }
    return EOPNOTSUPP;
  }

  private single(ctx: SocketCaller, type: number, seq: number, b: Uint8Array, v: DataView): number {
    const ns = this.netNs;
    if (type === RTM_GETLINK || type === RTM_SETLINK || type === RTM_NEWLINK) {
      if (b.length < NLMSG_HDRLEN + 16) return EINVAL;
      const index = v.getInt32(NLMSG_HDRLEN + 4, true);
      let name = '';
      forEachAttribute(b, NLMSG_HDRLEN + 16, b.length, (t, data) => {
        if (t === IFLA_IFNAME) name = String.fromCharCode(...data.filter((c) => c !== 0));
      });
      const d = index > 0 ? ns.deviceByIndex(index) : name !== '' ? ns.deviceByName(name) : null;
      if (type === RTM_NEWLINK && d === null) return EOPNOTSUPP;
      if (d === null) return index === 0 && name === '' ? EINVAL : ENODEV;
      if (type === RTM_GETLINK) {
        this.link(d, seq, 0);
        return 0;
      }
      if (!ctx.credentials.nsCapable(ns.userNs, CAP_NET_ADMIN)) return EPERM;
      const flags = v.getUint32(NLMSG_HDRLEN + 8, true);
      const change = v.getUint32(NLMSG_HDRLEN + 12, true);
      if (change & IFF_UP || (change === 0 && flags & IFF_UP)) {
        if (flags & IFF_UP) {
          if (d.flags & IFF_LOOPBACK) bringUpLoopback(d);
          else d.flags |= IFF_UP;
        } else {
          d.flags &= ~IFF_UP;
        }
      }
      return 0;
    }
    if (type === RTM_GETROUTE) {
      if (b.length < NLMSG_HDRLEN + 12) return EINVAL;
      const family = b[NLMSG_HDRLEN] as number;
      let dst: Uint8Array | null = null;
      forEachAttribute(b, NLMSG_HDRLEN + 12, b.length, (t, data) => {
        if (t === RTA_DST) dst = data.slice();
      });
      const route = dst === null ? null : ns.route(dst);
      if (route === null) return ENETUNREACH;
      this.route(route.device, { bytes: route.source, prefix: route.source.length * 8, scope: RT_SCOPE_HOST }, family, seq, 0);
      return 0;
    }
    if ((type & 3) !== 2 && !ctx.credentials.nsCapable(ns.userNs, CAP_NET_ADMIN)) return EPERM;
    return EOPNOTSUPP;
  }

  private link(d: NetDevice, seq: number, flags: number): void {
    writer.begin(RTM_NEWLINK, flags, seq, this.pid);
    writer.u8(0);
    writer.u8(0);
    writer.u16(d.type);
    writer.u32(d.index);
    writer.u32(d.flags);
    writer.u32(0);
    writer.attributeString(IFLA_IFNAME, d.name);
    writer.attribute32(IFLA_TXQLEN, d.txQueueLength);
    writer.attribute8(IFLA_OPERSTATE, d.flags & IFF_LOOPBACK ? 0 : d.up ? 6 : 2);
    writer.attribute8(IFLA_LINKMODE, 0);
    writer.attribute32(IFLA_MTU, d.mtu);
    writer.attribute32(IFLA_GROUP, 0);
    writer.attribute32(IFLA_PROMISCUITY, 0);
    writer.attribute8(IFLA_CARRIER, 1);
    writer.attributeString(IFLA_QDISC, d.up ? 'noqueue' : 'noop');
    writer.attribute(IFLA_ADDRESS, d.mac);
    writer.attribute(IFLA_BROADCAST, d.flags & IFF_LOOPBACK ? new Uint8Array(6) : new Uint8Array(6).fill(255));
    writer.end();
    this.split();
  }
  private address(d: NetDevice, a: DeviceAddress, seq: number): void {
    const v4 = a.bytes.length === 4;
    writer.begin(RTM_NEWADDR, NLM_F_MULTI, seq, this.pid);
    writer.u8(v4 ? AF_INET : AF_INET6);
    writer.u8(a.prefix);
    writer.u8(IFA_F_PERMANENT);
    writer.u8(a.scope);
    writer.u32(d.index);
    writer.attribute(IFA_ADDRESS, a.bytes);
    if (v4) {
      writer.attribute(IFA_LOCAL, a.bytes);
      writer.attributeString(IFA_LABEL, d.name);
    }
    writer.attribute32(IFA_FLAGS, IFA_F_PERMANENT);
    const forEver = new Uint8Array(16);
    forEver.fill(255, 0, 8);
    writer.attribute(IFA_CACHEINFO, forEver);
    writer.end();
    this.split();
  }
  private route(d: NetDevice, a: DeviceAddress, family: number, seq: number, flags: number): void {
    // A look-up (no dump) gives what a packet would use, not the table's entry.
    const entry = (flags & NLM_F_MULTI) !== 0;
    const table = entry ? RT_TABLE_LOCAL : RT_TABLE_MAIN;
    writer.begin(RTM_NEWROUTE, flags, seq, this.pid);
    writer.u8(family);
    writer.u8(a.prefix);
    writer.u8(0);
    writer.u8(0);
    writer.u8(table);
    writer.u8(entry ? RTPROT_KERNEL : 0);
    writer.u8(entry ? RT_SCOPE_HOST : 0);
    writer.u8(RTN_LOCAL);
    writer.u32(entry ? 0 : RTM_F_CLONED | RTCF_LOCAL);
    writer.attribute32(RTA_TABLE, table);
    if (!entry) writer.attribute32(RTA_UID, 0);
    writer.attribute(RTA_DST, a.bytes);
    writer.attribute(RTA_PREFSRC, a.bytes);
    writer.attribute32(RTA_OIF, d.index);
    writer.end();
    this.split();
  }

  private split(): void {
    if (writer.length > DUMP_CHUNK) this.reply();
  }
  /** Queues what was written as one packet. */
  private reply(): void {
    if (writer.length === 0) return;
    const bytes = writer.take();
    const p = allocPacket(bytes.length);
    p.data.set(bytes);
    this.queue.push(p);
    this.wakeReaders();
  }

  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (this.error !== 0) return this.takeError();
    const p = this.queue.head;
    if (p === null) return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking);
    const n = Math.min(p.length, iov.remaining);
    if (n > 0 && iov.put(p.data, p.start, n) < n) return EFAULT;
    const { length } = p;
    if (n < length) msg.resultFlags |= MSG_TRUNC;
    msg.name = new Uint8Array(SIZEOF_SOCKADDR_NL);
    msg.name[0] = AF_NETLINK;
    msg.hasName = true;
    if ((msg.flags & MSG_PEEK) === 0) {
      this.queue.shift();
      freePacket(p);
    }
    return msg.flags & MSG_TRUNC ? length : n;
  }

  override setOption(_ctx: SocketCaller, level: number, name: number, value: Uint8Array): number {
    if (level !== SOL_NETLINK) return EOPNOTSUPP;
    if (value.length < 4) return EINVAL;
    this.options.set(name, value[0] as number);
    return 0;
  }
  override getOption(_ctx: SocketCaller, level: number, name: number): Uint8Array | Errno {
    if (level !== SOL_NETLINK) return EOPNOTSUPP;
    return intOption(this.options.get(name) ?? 0);
  }
  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.readQueue);
    let mask = POLLOUT | POLLWRNORM | POLLWRBAND;
    if (this.queue.count > 0) mask |= POLLIN | POLLRDNORM;
    if (this.error !== 0) mask |= POLLERR;
    return mask;
  }
  override ioctl(ctx: SocketCaller, cmd: number, arg: number): number {
    return interfaceIoctl(ctx, this, cmd, arg);
  }
  override close(): void {
    if (this.pid !== 0) this.netNs.netlinkPorts.delete(this.pid);
    for (let p = this.queue.shift(); p !== null; p = this.queue.shift()) freePacket(p);
  }
}
