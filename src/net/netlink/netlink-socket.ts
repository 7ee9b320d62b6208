/** AF_NETLINK sockets. Facts: Linux 6.18 net/netlink/af_netlink.c; man 7 netlink. */
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import type { KGid, KUid } from '../../abi/ids.ts';
import { EADDRINUSE, EAGAIN, ECONNREFUSED, EFAULT, EINVAL, EMSGSIZE, ENOBUFS, ENODATA, ENOPROTOOPT, EOPNOTSUPP, EPERM, type Errno } from '../../abi/errno.ts';
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../../abi/poll.ts';
import { AF_NETLINK, MSG_OOB, MSG_PEEK, MSG_TRUNC, SOL_NETLINK } from '../../abi/socket.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { interfaceIoctl } from '../inet/inet-ioctl.ts';
import type { Message } from '../message.ts';
import { intOption, optionInt } from '../option-value.ts';
import { Socket } from '../socket.ts';
import { filterSkb } from '../socket-filter.ts';
import { SkBuff } from '../skb.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { ExtendedAck, NetlinkWriter, NLM_F_ACK, NLM_F_DUMP, NLM_F_MULTI, NLM_F_REQUEST, NLMSG_DONE, NLMSG_ERROR, NLMSG_HDRLEN } from './netlink-message.ts';

export const NETLINK_ROUTE = 0;
export const NETLINK_USERSOCK = 2;
export const NETLINK_SOCK_DIAG = 4;
export const NETLINK_XFRM = 6;
export const NETLINK_AUDIT = 9;
export const NETLINK_FIB_LOOKUP = 10;
export const NETLINK_NETFILTER = 12;
export const NETLINK_KOBJECT_UEVENT = 15;
export const NETLINK_GENERIC = 16;

const SIZEOF_SOCKADDR_NL = 12;
const NETLINK_ADD_MEMBERSHIP = 1;
const NETLINK_DROP_MEMBERSHIP = 2;
const NETLINK_PKTINFO = 3;
const NETLINK_BROADCAST_ERROR = 4;
const NETLINK_NO_ENOBUFS = 5;
const NETLINK_LISTEN_ALL_NSID = 8;
const NETLINK_LIST_MEMBERSHIPS = 9;
const NETLINK_CAP_ACK = 10;
const NETLINK_EXT_ACK = 11;
const NETLINK_GET_STRICT_CHK = 12;
const NLM_F_CAPPED = 0x100;
const NLM_F_ACK_TLVS = 0x200;
const NLMSGERR_ATTR_MSG = 1;
const NLMSGERR_ATTR_OFFS = 2;
const NLMSGERR_ATTR_MISS_TYPE = 5;
/** Groups a protocol has; those of others are not known here. */
const GROUPS: ReadonlyMap<number, number> = new Map([[NETLINK_ROUTE, 37], [NETLINK_SOCK_DIAG, 4], [NETLINK_KOBJECT_UEVENT, 1], [NETLINK_GENERIC, 64], [NETLINK_USERSOCK, 32]]);
/** Messages of a dump are put together up to this size. */
const DUMP_CHUNK = 16000;

/** What the kernel makes of a request. */
export interface NetlinkRequest {
  readonly ctx: SocketCaller;
  readonly socket: NetlinkSocket;
  readonly type: number;
  readonly flags: number;
  readonly seq: number;
  readonly dump: boolean;
  /** The whole message. */
  readonly bytes: Uint8Array;
  /** Where answers are written; split() sends what is there. */
  readonly writer: NetlinkWriter;
  readonly ext: ExtendedAck;
}
/** The kernel's end of a protocol: answers one request. 0 or errno. */
export interface NetlinkProtocol {
  handle(r: NetlinkRequest): number;
}

interface Queued {
  readonly bytes: Uint8Array;
  /** Port of the sender, its group, the namespace it comes from (-1: this one). */
  readonly pid: number;
  readonly group: number;
  readonly nsid: number;
}
const writer = new NetlinkWriter();

export class NetlinkSocket extends Socket {
  readonly handler: NetlinkProtocol | null;
  pid = 0;
  private bound = false;
  readonly groups: Set<number> = new Set();
  private readonly queue: Queued[] = [];
  private held = 0;
  private remotePid = 0;
  private remoteGroups = 0;
  private readonly flags: Set<number> = new Set();
  private congested = false;

  constructor(ctx: SocketCaller, type: number, protocol: number, handler: NetlinkProtocol | null) {
    super(ctx.nsproxy.net, AF_NETLINK, type, protocol);
    this.handler = handler;
    this.ownerUid = ctx.credentials.fsuid;
    this.netNs.netlinkSockets.add(this);
  }
  private key(pid: number): string {
    return `${this.protocol}/${pid}`;
  }
  get strict(): boolean {
    return this.flags.has(NETLINK_GET_STRICT_CHK);
  }
  override get queuedBytes(): number {
    return this.held;
  }
  get groupMask(): number {
    let mask = 0;
    for (const g of this.groups) if (g <= 32) mask |= 1 << (g - 1);
    return mask >>> 0;
  }
  private takePid(pid: number): number {
    if (this.netNs.netlink.has(this.key(pid))) return EADDRINUSE;
    this.pid = pid;
    this.bound = true;
    this.netNs.netlink.set(this.key(pid), this);
    return 0;
  }
  private autobind(ctx: SocketCaller): void {
    if (this.bound) return;
    let pid = ctx.tgid;
    for (let i = 0; this.netNs.netlink.has(this.key(pid)); i++) pid = 0xfffff000 - i;
    this.takePid(pid);
  }
  private mayListen(ctx: SocketCaller): boolean {
    if (this.protocol === NETLINK_ROUTE || this.protocol === NETLINK_KOBJECT_UEVENT || this.protocol === NETLINK_SOCK_DIAG || this.protocol === NETLINK_GENERIC) return true;
    return ctx.credentials.nsCapable(this.netNs.userNs, CAP_NET_ADMIN);
  }
  override bind(ctx: SocketCaller, address: Uint8Array): number {
    if (address.length < SIZEOF_SOCKADDR_NL || address[0] !== AF_NETLINK || address[1] !== 0) return EINVAL;
    const v = new DataView(address.buffer, address.byteOffset);
    const pid = v.getUint32(4, true);
    const mask = v.getUint32(8, true);
    if (mask !== 0 && !this.mayListen(ctx)) return EPERM;
    if (this.bound && pid !== this.pid) return EINVAL;
    if (!this.bound) {
      if (pid !== 0) {
        const r = this.takePid(pid);
        if (r < 0) return r;
      } else {
        this.autobind(ctx);
      }
    }
    for (let g = 1; g <= 32; g++) {
      if (mask & (1 << (g - 1))) this.groups.add(g);
      else this.groups.delete(g);
    }
    return 0;
  }
  override connect(ctx: SocketCaller, address: Uint8Array, _nonBlocking: boolean): number {
    if (address.length < 2) return EINVAL;
    const family = address[0]! | (address[1]! << 8); // checked
    if (family === 0) {
      this.remotePid = this.remoteGroups = 0;
      return 0;
    }
    if (family !== AF_NETLINK || address.length < SIZEOF_SOCKADDR_NL) return EINVAL;
    const v = new DataView(address.buffer, address.byteOffset);
    if ((v.getUint32(4, true) !== 0 || v.getUint32(8, true) !== 0) && !this.maySend(ctx)) return EPERM;
    this.autobind(ctx);
    this.remotePid = v.getUint32(4, true);
    this.remoteGroups = v.getUint32(8, true);
    return 0;
  }
  private maySend(ctx: SocketCaller): boolean {
    return this.protocol === NETLINK_USERSOCK || ctx.credentials.nsCapable(this.netNs.userNs, CAP_NET_ADMIN);
  }
  override getName(peer: boolean): Uint8Array | Errno {
    const a = new Uint8Array(SIZEOF_SOCKADDR_NL);
    const v = new DataView(a.buffer);
    a[0] = AF_NETLINK;
    v.setUint32(4, peer ? this.remotePid : this.pid, true);
    v.setUint32(8, peer ? this.remoteGroups : this.groupMask, true);
    return a;
  }

  // ---- sending

  override send(ctx: SocketCaller, msg: Message, iov: IoVector, _nonBlocking: boolean): number {
    if (msg.flags & MSG_OOB) return EOPNOTSUPP;
    const length = iov.remaining;
    if (length === 0) return ENODATA;
    let to = this.remotePid;
    let mask = this.remoteGroups;
    if (msg.name !== null) {
      if (msg.name.length < SIZEOF_SOCKADDR_NL || msg.name[0] !== AF_NETLINK) return EINVAL;
      const v = new DataView(msg.name.buffer, msg.name.byteOffset);
      to = v.getUint32(4, true);
      mask = v.getUint32(8, true);
      if ((mask !== 0 || to !== 0) && !this.maySend(ctx)) return EPERM;
    }
    this.autobind(ctx);
    if (length > this.sndbuf - 32) return EMSGSIZE;
    const b = new Uint8Array(length);
    if (iov.take(b, 0, length) !== length) return EFAULT;
    if (mask !== 0) {
      for (let g = 1; g <= 32; g++) if (mask & (1 << (g - 1))) for (const s of this.netNs.netlinkSockets) if (s !== this && s.protocol === this.protocol && s.groups.has(g)) s.deliver(b, g, this.pid);
      if (to === 0) return length;
    }
    if (to !== 0) {
      const s = this.netNs.netlink.get(this.key(to));
      if (s === undefined) return ECONNREFUSED;
      s.deliver(b, 0, this.pid);
      return length;
    }
    if (this.handler === null) return ECONNREFUSED;
    const view = new DataView(b.buffer);
    for (let at = 0; at + NLMSG_HDRLEN <= length; ) {
      const size = view.getUint32(at, true);
      if (size < NLMSG_HDRLEN || at + size > length) break;
      this.request(ctx, b.subarray(at, at + size));
      at += (size + 3) & ~3;
    }
    return length;
  }

  /** Answers one request (netlink_rcv_skb). */
  private request(ctx: SocketCaller, b: Uint8Array): void {
    const v = new DataView(b.buffer, b.byteOffset, b.byteLength);
    const type = v.getUint16(4, true);
    const flags = v.getUint16(6, true);
    const seq = v.getUint32(8, true);
    if ((flags & NLM_F_REQUEST) === 0 || type < 16) {
      if (flags & NLM_F_ACK) this.ack(b, 0, seq, new ExtendedAck());
      return;
    }
    const ext = new ExtendedAck();
    const dump = (flags & NLM_F_DUMP) === NLM_F_DUMP;
    const r = this.handler!.handle({ ctx, socket: this, type, flags, seq, dump, bytes: b, writer, ext }); // a request goes to the kernel
    if (r < 0 && r !== SILENT) {
      writer.take();
      this.ack(b, r, seq, ext);
      return;
    }
    if (ext.dumped) {
      writer.begin(NLMSG_DONE, NLM_F_MULTI, seq, this.pid);
      writer.u32(0);
      writer.end();
      this.flush();
      return;
    }
    this.flush();
    if (flags & NLM_F_ACK && r !== SILENT) this.ack(b, 0, seq, ext);
  }
  private ack(b: Uint8Array, error: number, seq: number, ext: ExtendedAck): void {
    const cap = this.flags.has(NETLINK_CAP_ACK);
    const tlvs = this.flags.has(NETLINK_EXT_ACK) && (ext.message !== '' || (error < 0 && (ext.offset > 0 || ext.missing > 0)));
    const whole = error < 0 && !cap;
    writer.begin(NLMSG_ERROR, (whole ? 0 : NLM_F_CAPPED) | (tlvs ? NLM_F_ACK_TLVS : 0), seq, this.pid);
    writer.u32(error);
    writer.raw(whole ? b : b.subarray(0, NLMSG_HDRLEN));
    if (tlvs) {
      writer.align();
      if (ext.message !== '') writer.attributeString(NLMSGERR_ATTR_MSG, ext.message);
      if (error < 0 && ext.offset > 0) writer.attribute32(NLMSGERR_ATTR_OFFS, ext.offset);
      if (error < 0 && ext.missing > 0) writer.attribute32(NLMSGERR_ATTR_MISS_TYPE, ext.missing);
    }
    writer.end();
    this.flush();
  }
  /** Sends what was written once it is enough for a packet. */
  split(): void {
    if (writer.length > DUMP_CHUNK) this.flush();
  }
  private flush(): void {
    if (writer.length > 0) this.deliver(writer.take(), 0, 0);
  }

  // ---- receiving

  /** A packet for this socket; too many of them are an error (ENOBUFS). `nsid`: where it comes from, if that is elsewhere. */
  deliver(bytes: Uint8Array, group: number, pid: number, nsid = -1): void {
    if (this.filter !== null) {
      const skb = new SkBuff(bytes, 0, bytes.length);
      if (filterSkb(this, skb, 0, 1) < 0) return;
    }
    if (this.held + bytes.length > this.rcvbuf && this.held > 0) {
      this.drops++;
      if (!this.flags.has(NETLINK_NO_ENOBUFS) && !this.congested) {
        this.congested = true;
        this.error = ENOBUFS;
        this.wakeAll();
      }
      return;
    }
    this.held += bytes.length;
    this.queue.push({ bytes, pid, group, nsid });
    this.wakeReaders();
  }
  override kernelMessage(bytes: Uint8Array): void {
    this.deliver(bytes, 0, 0);
  }
  /** It listens to a group, also of other namespaces. */
  get listensToAll(): boolean {
    return this.flags.has(NETLINK_LISTEN_ALL_NSID);
  }
  override receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number {
    if (msg.flags & MSG_OOB) return EOPNOTSUPP;
    if (this.error !== 0) {
      this.congested = false;
      return this.takeError();
    }
    const p = this.queue[0];
    if (p === undefined) return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking);
    const { length } = p.bytes;
    const n = Math.min(length, iov.remaining);
    const moved = n > 0 ? iov.put(p.bytes, 0, n) : 0;
    if (n < length) msg.resultFlags |= MSG_TRUNC;
    const name = new Uint8Array(SIZEOF_SOCKADDR_NL);
    name[0] = AF_NETLINK;
    const v = new DataView(name.buffer);
    v.setUint32(4, p.pid, true);
    v.setUint32(8, p.group > 0 && p.group <= 32 ? 1 << (p.group - 1) : 0, true);
    msg.name = name;
    msg.hasName = true;
    if (this.passcred) {
      msg.hasCredentials = true;
      msg.uid = 0 as KUid;
      msg.gid = 0 as KGid;
    }
    if (this.flags.has(NETLINK_PKTINFO)) msg.control.push({ level: SOL_NETLINK, type: NETLINK_PKTINFO, data: intOption(p.group) });
    if (this.listensToAll && p.nsid >= 0) msg.control.push({ level: SOL_NETLINK, type: NETLINK_LISTEN_ALL_NSID, data: intOption(p.nsid) });
    if ((msg.flags & MSG_PEEK) === 0) {
      this.queue.shift();
      this.held -= length;
      if (this.queue.length === 0) this.congested = false;
    }
    if (moved < n) return EFAULT;
    return msg.flags & MSG_TRUNC ? length : n;
  }

  override setOption(ctx: SocketCaller, level: number, name: number, value: Uint8Array): number {
    if (level !== SOL_NETLINK) return ENOPROTOOPT;
    if (value.length < 4) return EINVAL;
    const n = optionInt(value);
    switch (name) {
      case NETLINK_ADD_MEMBERSHIP:
      case NETLINK_DROP_MEMBERSHIP:
        if (!this.mayListen(ctx)) return EPERM;
        if (n < 1 || n > Math.max(32, GROUPS.get(this.protocol) ?? 32)) return EINVAL;
        if (name === NETLINK_ADD_MEMBERSHIP) this.groups.add(n);
        else this.groups.delete(n);
        return 0;
      case NETLINK_LISTEN_ALL_NSID:
        if (!ctx.credentials.nsCapable(this.netNs.userNs, 11)) return EPERM; // CAP_NET_BROADCAST
        break;
      case NETLINK_PKTINFO:
      case NETLINK_BROADCAST_ERROR:
      case NETLINK_NO_ENOBUFS:
      case NETLINK_CAP_ACK:
      case NETLINK_EXT_ACK:
      case NETLINK_GET_STRICT_CHK:
        break;
      default:
        return ENOPROTOOPT;
    }
    if (n !== 0) this.flags.add(name);
    else this.flags.delete(name);
    return 0;
  }
  override getOption(_ctx: SocketCaller, level: number, name: number): Uint8Array | Errno {
    if (level !== SOL_NETLINK) return ENOPROTOOPT;
    if (name === NETLINK_LIST_MEMBERSHIPS) {
      const groups = Math.max(32, GROUPS.get(this.protocol) ?? 32);
      const b = new Uint8Array(((groups + 31) >> 5) * 4);
      for (const g of this.groups) b[(g - 1) >> 3]! |= 1 << ((g - 1) & 7); // groups are checked
      return b;
    }
    switch (name) {
      case NETLINK_PKTINFO:
      case NETLINK_BROADCAST_ERROR:
      case NETLINK_NO_ENOBUFS:
      case NETLINK_CAP_ACK:
      case NETLINK_EXT_ACK:
      case NETLINK_GET_STRICT_CHK:
        return intOption(this.flags.has(name) ? 1 : 0);
    }
    return ENOPROTOOPT;
  }
  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.readQueue);
    let mask = POLLOUT | POLLWRNORM | POLLWRBAND;
    if (this.queue.length > 0) mask |= POLLIN | POLLRDNORM;
    if (this.error !== 0) mask |= POLLERR;
    return mask;
  }
  override ioctl(ctx: SocketCaller, cmd: number, arg: number): number {
    return interfaceIoctl(ctx, this, cmd, arg);
  }
  override close(): void {
    if (this.bound) this.netNs.netlink.delete(this.key(this.pid));
    this.netNs.netlinkSockets.delete(this);
    this.queue.length = 0;
  }
}
/** A handler's result when it has answered itself. */
export const SILENT: number = EAGAIN * 1000;
