/** NETLINK_ROUTE sockets: requests about devices, addresses and routes. Facts: Linux 6.18 net/core/rtnetlink.c; man 7 rtnetlink. */
import { EADDRINUSE, ECONNREFUSED, EFAULT, EINVAL, ENETUNREACH, ENODEV, EOPNOTSUPP, EPERM, type Errno } from '../../abi/errno.ts';
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../../abi/poll.ts';
import { AF_INET, AF_INET6, AF_NETLINK, MSG_PEEK, MSG_TRUNC, SOL_NETLINK } from '../../abi/socket.ts';
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { interfaceIoctl } from '../inet/inet-ioctl.ts';
import type { Message } from '../message.ts';
import { changeAddress, changeLink, changeRoute, deleteLink, deviceOf, type NamespaceResolver } from './route-change.ts';
import * as R from './route-constants.ts';
import { writeAddress, writeAddressRoutes, writeLink, writeLookup, writeRoute } from './route-dump.ts';
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

  private readonly resolver: NamespaceResolver;

  constructor(ctx: SocketCaller, type: number, resolver: NamespaceResolver) {
    super(ctx.nsproxy.net, AF_NETLINK, type, NETLINK_ROUTE);
    this.resolver = resolver;
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
      r = this.single(ctx, type, flags, seq, b);
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
    const family = b.length > NLMSG_HDRLEN ? b[NLMSG_HDRLEN]! : 0; // checked
    const wants = (bytes: Uint8Array): boolean => family === 0 || family === (bytes.length === 4 ? AF_INET : AF_INET6);
    switch (type) {
      case R.RTM_GETLINK:
        for (const d of ns.devices) {
          writeLink(writer, d, NLM_F_MULTI, seq, this.pid);
          this.split();
        }
        return 0;
      case R.RTM_GETADDR:
        for (const length of [4, 16])
          for (const d of ns.devices)
            for (const a of d.addresses) {
              if (a.bytes.length !== length || !wants(a.bytes)) continue;
              writeAddress(writer, d, a, seq, this.pid);
              this.split();
            }
        return 0;
      case R.RTM_GETROUTE:
        for (const r of ns.routes) if (wants(r.dst)) writeRoute(writer, r, seq, this.pid);
        for (const d of ns.devices)
          for (const a of d.addresses) {
            if (!d.up || !wants(a.bytes)) continue;
            writeAddressRoutes(writer, d, a, seq, this.pid);
            this.split();
          }
        return 0;
      case R.RTM_GETNEIGH:
      case R.RTM_GETRULE:
      case R.RTM_GETQDISC:
        return 0;
    }
    return EOPNOTSUPP;
  }

  private single(ctx: SocketCaller, type: number, flags: number, seq: number, b: Uint8Array): number {
    const ns = this.netNs;
    if (type === R.RTM_GETLINK) {
      if (b.length < NLMSG_HDRLEN + 16) return EINVAL;
      const d = deviceOf(ns, b);
      if (d === null) return ENODEV;
      writeLink(writer, d, 0, seq, this.pid);
      return 0;
    }
    if (type === R.RTM_GETROUTE) {
      if (b.length < NLMSG_HDRLEN + 12) return EINVAL;
      let dst: Uint8Array | null = null;
      forEachAttribute(b, NLMSG_HDRLEN + 12, b.length, (t, data) => {
        if (t === R.RTA_DST) dst = data.slice();
      });
      const route = dst === null ? null : ns.route(dst);
      if (dst === null || route === null) return ENETUNREACH;
      writeLookup(writer, route, dst, seq, this.pid);
      return 0;
    }
    // All that is not a question (…GET…) changes something.
    if ((type & 3) === 2) return EOPNOTSUPP;
    if (!ctx.credentials.nsCapable(ns.userNs, CAP_NET_ADMIN)) return EPERM;
    switch (type) {
      case R.RTM_NEWLINK:
      case R.RTM_SETLINK:
        return changeLink(ctx, ns, b, flags, this.resolver);
      case R.RTM_DELLINK:
        return deleteLink(ns, b);
      case R.RTM_NEWADDR:
      case R.RTM_DELADDR:
        return changeAddress(ns, b, flags, type === R.RTM_DELADDR);
      case R.RTM_NEWROUTE:
      case R.RTM_DELROUTE:
        return changeRoute(ns, b, flags, type === R.RTM_DELROUTE);
    }
    return EOPNOTSUPP;
  }

  private split(): void {
    if (writer.length > DUMP_CHUNK) this.reply();
  }
  /** Queues what was written as one packet. */
  private reply(): void {
    if (writer.length === 0) return;
    this.kernelMessage(writer.take());
  }
  override kernelMessage(bytes: Uint8Array): void {
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
