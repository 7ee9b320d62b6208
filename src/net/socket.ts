/** What every socket has, and what a family implements. Linux's struct socket and struct sock in one. */
import { EAGAIN, EINTR, EINVAL, ENOTTY, EOPNOTSUPP, ERESTARTSYS, type Errno } from '../abi/errno.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../abi/poll.ts';
import { SOCK_STREAM } from '../abi/socket.ts';
import type { IoVector } from '../base/io-vector.ts';
import { WaitQueue } from '../base/wait-queue.ts';
import type { PollTable } from '../vfs/poll.ts';
import type { Message } from './message.ts';
import type { NetworkNamespace } from './network-namespace.ts';
import type { PeerPid, SocketCaller } from './socket-caller.ts';
import type { SocketDescription } from './socket-description.ts';

/** Bits of `shut`. */
export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;
export const SHUTDOWN_MASK = 3;

/** net.core.wmem_default and rmem_default. */
export const DEFAULT_BUFFER = 212992;
/** Smallest buffers (SOCK_MIN_SNDBUF, SOCK_MIN_RCVBUF). */
const MIN_SNDBUF = 4608;
const MIN_RCVBUF = 2304;

/** Process credentials of the other end (SO_PEERCRED). */
export class PeerCredentials {
  readonly pid: PeerPid;
  readonly uid: KUid;
  readonly gid: KGid;
  readonly groups: readonly KGid[];
  constructor(ctx: SocketCaller) {
    this.pid = ctx.threadGroup.pid;
    this.uid = ctx.credentials.euid;
    this.gid = ctx.credentials.egid;
    this.groups = ctx.credentials.groups;
  }
}

let nextCookie = 1;

export abstract class Socket {
  readonly netNs: NetworkNamespace;
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
  /** The open file; null before accept gives one out, and after close. */
  file: SocketDescription | null = null;
  /** Woken for readers and for writers; pollers wait on both. */
  readonly readQueue: WaitQueue = new WaitQueue();
  readonly writeQueue: WaitQueue = new WaitQueue();
  /** Pending error, negative errno or 0; reported once (SO_ERROR). */
  error = 0;
  /** RCV_SHUTDOWN, SEND_SHUTDOWN. */
  shut = 0;
  sndbuf: number = DEFAULT_BUFFER;
  rcvbuf: number = DEFAULT_BUFFER;
  /** SO_RCVTIMEO, SO_SNDTIMEO: ns, 0 = for ever. */
  rcvtimeo = 0;
  sndtimeo = 0;
  rcvlowat = 1;
  peer: PeerCredentials | null = null;
  /** Options that are only remembered, by SO_ number; booleans as 0 and 1. */
  readonly remembered: Map<number, number> = new Map();
  passcred = false;
  passpidfd = false;
  passsec = false;
  /** SO_PASSRIGHTS. */
  passrights = true;
  /** SO_PEEK_OFF; -1: off. */
  peekOffset = -1;
  /** SO_BINDTODEVICE, SO_BINDTOIFINDEX: index of a device; 0: any. */
  boundIndex = 0;
  /** SO_MARK, SO_PRIORITY. */
  mark = 0;
  priority = 0;
  /** SO_TIMESTAMP and kin: 0 none, 1 timeval, 2 timespec; the _NEW forms differ in their number only. */
  timestamps = 0;
  timestampsNew = false;
  /** SO_TIMESTAMPING flags. */
  timestamping = 0;
  /** SO_ATTACH_FILTER: a checked program, or null. */
  filter: Int32Array | null = null;
  filterLocked = false;
  /** SO_REUSEPORT program (classic), null: by hash. */
  reusePortFilter: Int32Array | null = null;
  /** Packets that did not fit (SO_RXQ_OVFL). */
  drops = 0;
  /** SO_SNDBUF, SO_RCVBUF were set by the user. */
  sndbufLocked = false;
  rcvbufLocked = false;
  ownerUid = 0;
  /** Monotonic ns of the packet last received (SIOCGSTAMP), 0: none. */
  lastStamp = 0;
  lingerOn = false;
  lingerSeconds = 0;
  readonly cookie: number = nextCookie++;

  constructor(netNs: NetworkNamespace, family: number, type: number, protocol: number) {
    this.netNs = netNs;
    this.family = family;
    this.type = type;
    this.protocol = protocol;
  }

  // What a family implements. Addresses are in sockaddr form.
  /** 0 or errno. */
  bind(_ctx: SocketCaller, _address: Uint8Array): number {
    return EOPNOTSUPP;
  }
  connect(_ctx: SocketCaller, _address: Uint8Array, _nonBlocking: boolean): number {
    return EOPNOTSUPP;
  }
  listen(_ctx: SocketCaller, _backlog: number): number {
    return EOPNOTSUPP;
  }
  /** A connected socket, an errno, or BLOCKED. */
  accept(_ctx: SocketCaller, _nonBlocking: boolean): Socket | Errno {
    return EOPNOTSUPP;
  }
  /** Own address, or that of the other end; ENOTCONN. */
  abstract getName(peer: boolean): Uint8Array | Errno;
  /** Sends from `iov`: the count, an errno, or BLOCKED (what went shows in iov.remaining). */
  abstract send(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number;
  /** Receives into `iov`; as send. */
  abstract receive(ctx: SocketCaller, msg: Message, iov: IoVector, nonBlocking: boolean): number;
  shutdown(_ctx: SocketCaller, _how: number): number {
    return EOPNOTSUPP;
  }
  abstract poll(table: PollTable | null): number;
  ioctl(_ctx: SocketCaller, _cmd: number, _arg: number): number {
    return ENOTTY;
  }
  /** Options of levels above SOL_SOCKET. `value` is what the guest gave. 0 or errno. */
  setOption(_ctx: SocketCaller, _level: number, _name: number, _value: Uint8Array): number {
    return EOPNOTSUPP;
  }
  /** `given`: what stands in the guest's buffer, whose length is the room there. */
  getOption(_ctx: SocketCaller, _level: number, _name: number, _given: Uint8Array): Uint8Array | Errno {
    return EOPNOTSUPP;
  }
  /** SO_KEEPALIVE was set or cleared. */
  keepaliveChanged(): void {}
  /** SO_ATTACH_REUSEPORT_CBPF; null takes the program away. 0, EINVAL, ENOENT. */
  attachReusePort(_program: Int32Array | null): number {
    return EINVAL;
  }
  /** EPIPE comes with SIGPIPE (streams). */
  get signalsBrokenPipe(): boolean {
    return this.type === SOCK_STREAM;
  }
  get listening(): boolean {
    return false;
  }
  /** A message from the kernel itself (netlink): queued as one packet. */
  kernelMessage(_bytes: Uint8Array): void {}
  /** The last descriptor is gone. May be called again while it blocks (SO_LINGER). */
  abstract close(): void;
  /** What /proc/net and sock_diag show: bytes to be read and bytes not yet taken by the other end. */
  get queuedBytes(): number {
    return 0;
  }
  get unreadBytes(): number {
    return 0;
  }

  // For the families.
  /** The pending error, which is thereby reported. */
  takeError(): number {
    const e = this.error;
    this.error = 0;
    return e;
  }
  /** Waits on `queue` within a timeout of `timeo` ns that started with the call: BLOCKED, or EAGAIN, ERESTARTSYS, EINTR. */
  waitOn(ctx: SocketCaller, queue: WaitQueue, timeo: number, nonBlocking: boolean): number {
    const s = ctx.syscall;
    if (nonBlocking || s.timedOut) return EAGAIN;
    if (timeo === 0) return ctx.wait(queue);
    const r = ctx.wait(queue, s.again ? s.deadline : ctx.monotonicNs() + timeo);
    // With a timeout the call cannot be restarted: it would wait anew.
    return r === ERESTARTSYS ? EINTR : r;
  }
  wakeReaders(): void {
    if (!this.readQueue.empty) this.readQueue.wake(POLLIN | POLLRDNORM);
  }
  wakeWriters(): void {
    if (!this.writeQueue.empty) this.writeQueue.wake(POLLOUT | POLLWRNORM | POLLWRBAND);
  }
  /** Something about the connection changed: everyone looks again. */
  wakeAll(): void {
    this.readQueue.wake(POLLIN | POLLRDNORM | POLLRDHUP | POLLHUP | POLLERR);
    this.writeQueue.wake(POLLOUT | POLLWRNORM | POLLERR | POLLHUP);
  }
  setSndbuf(bytes: number, limit: number): void {
    this.sndbufLocked = true;
    this.sndbuf = Math.max(MIN_SNDBUF, Math.min(bytes, limit, 0x3fffffff) * 2);
    this.wakeWriters();
  }
  setRcvbuf(bytes: number, limit: number): void {
    this.rcvbufLocked = true;
    this.rcvbuf = Math.max(MIN_RCVBUF, Math.min(bytes, limit, 0x3fffffff) * 2);
  }
  /** SHUT_ number to bits; EINVAL. */
  static shutdownBits(how: number): number {
    return how >= 0 && how <= 2 ? how + 1 : EINVAL;
  }
}
