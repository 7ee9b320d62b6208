/** What AF_UNIX sockets of all types share. Facts: Linux 6.18 net/unix/af_unix.c. */
import { EADDRINUSE, ECONNRESET, EEXIST, EFAULT, EINVAL, ENOTCONN, EOPNOTSUPP, type Errno, isErr } from '../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from '../../abi/poll.ts';
import { AF_UNIX, SIOCATMARK, SIOCINQ, SIOCOUTQ, SOCK_SEQPACKET, SOCK_STREAM } from '../../abi/socket.ts';
import type { LandlockDomain } from '../../auth/landlock-domain.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { Inode } from '../../vfs/inode.ts';
import { Path } from '../../vfs/mount.ts';
import { makeSocketNode } from '../../vfs/namespace-ops.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { interfaceIoctl } from '../inet/inet-ioctl.ts';
import type { Message } from '../message.ts';
import { type ChargedSender, freePacket, type Packet, PacketQueue } from '../packet.ts';
import { PeerCredentials, RCV_SHUTDOWN, SEND_SHUTDOWN, SHUTDOWN_MASK, Socket } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { SocketDescription } from '../socket-description.ts';
import { addInFlight, collectGarbage, filesInFlight, removeInFlight } from './unix-garbage.ts';
import { abstractKey, autobindName, checkAddress, familyOf, isAbstract, pathAddress, pathOf, SUN_PATH, UNNAMED } from './unix-names.ts';

/** Connection states, as Linux reuses TCP's. */
export const UNCONNECTED = 0;
export const CONNECTED = 1;
export const LISTENING = 2;

/** SHUT_ bits as the other end sees them. */
function mirrored(bits: number): number {
  return (bits & RCV_SHUTDOWN ? SEND_SHUTDOWN : 0) | (bits & SEND_SHUTDOWN ? RCV_SHUTDOWN : 0);
}

export abstract class UnixSocket extends Socket implements ChargedSender {
  state: 0 | 1 | 2 = UNCONNECTED;
  /** The other end of a connection, or the default destination of datagrams. */
  other: UnixSocket | null = null;
  /** Own name, sockaddr form; null: unnamed. */
  address: Uint8Array | null = null;
  /** The file a path name made. */
  private bound: Path | null = null;
  readonly queue: PacketQueue = new PacketQueue();
  /** Sum of the charges of packets that others have not read yet. */
  charged = 0;
  dead = false;
  /** Listening: connections that wait for accept, oldest first. */
  pendingConnections: UnixSocket[] = [];
  backlog: number;
  /** Those who wait for room in this socket's queue: connecting sockets, senders of datagrams. */
  readonly peerWait: WaitQueue = new WaitQueue();
  /** How often this socket is in flight in SCM_RIGHTS messages. */
  inFlight = 0;

  /** What Landlock denies whoever made it. */
  readonly domain: LandlockDomain | null;

  constructor(ctx: SocketCaller, type: number, protocol: number) {
    super(ctx.nsproxy.net, AF_UNIX, type, protocol);
    this.domain = ctx.credentials.domain;
    this.backlog = this.netNs.maxDgramQueue;
  }

  /** A socket of the same kind, for accept and socketpair. */
  abstract sibling(ctx: SocketCaller): UnixSocket;

  override get listening(): boolean {
    return this.state === LISTENING;
  }
  protected get connectionBased(): boolean {
    return this.type === SOCK_STREAM || this.type === SOCK_SEQPACKET;
  }

  // ---- names

  override bind(ctx: SocketCaller, address: Uint8Array): number {
    if (address.length === SUN_PATH && familyOf(address) === AF_UNIX) {
      if (this.address === null) this.takeAbstractName(autobindName(this.netNs, this.type));
      return 0;
    }
    const check = checkAddress(address);
    if (check < 0) return check;
    if (isAbstract(address)) {
      if (this.address !== null) return EINVAL;
      if (this.netNs.abstractNames.has(abstractKey(address, this.type))) return EADDRINUSE;
      this.takeAbstractName(address.slice());
      return 0;
    }
    if (this.address !== null) return EINVAL;
    const path = pathOf(address);
    const node = makeSocketNode(ctx, path, 0o777);
    if (isErr(node)) return node === EEXIST ? EADDRINUSE : node;
    const inode = node.dentry.inode as Inode; // just made
    inode.special = this;
    this.bound = new Path(node.mount, node.dentry);
    this.bound.get();
    this.address = pathAddress(path);
    return 0;
  }
  private takeAbstractName(address: Uint8Array): void {
    this.address = address;
    this.netNs.abstractNames.set(abstractKey(address, this.type), this);
  }
  /** SO_PASSCRED needs an address to answer to. */
  protected autobind(): void {
    if (this.address === null && (this.passcred || this.passpidfd)) this.takeAbstractName(autobindName(this.netNs, this.type));
  }

  override getName(peer: boolean): Uint8Array | Errno {
    if (!peer) return this.address ?? UNNAMED;
    return this.other === null ? ENOTCONN : (this.other.address ?? UNNAMED);
  }

  // ---- connections (stream and seqpacket)

  override listen(ctx: SocketCaller, backlog: number): number {
    if (!this.connectionBased) return EOPNOTSUPP;
    if (this.address === null) return EINVAL;
    if (this.state === CONNECTED) return EINVAL;
    const grown = backlog > this.backlog;
    this.backlog = backlog;
    this.state = LISTENING;
    this.peer = new PeerCredentials(ctx);
    if (grown) this.peerWait.wake(-1, 0x7fffffff);
    return 0;
  }

  /** The queue that connect or a datagram goes into has no room. */
  get queueFull(): boolean {
    return (this.state === LISTENING ? this.pendingConnections.length : this.queue.count) > this.backlog;
  }

  override accept(ctx: SocketCaller, nonBlocking: boolean): Socket | Errno {
    if (!this.connectionBased) return EOPNOTSUPP;
    if (this.state !== LISTENING) return EINVAL;
    const s = this.pendingConnections.shift();
    if (s === undefined) {
      if (this.shut & RCV_SHUTDOWN) return EINVAL;
      return this.waitOn(ctx, this.readQueue, this.rcvtimeo, nonBlocking) as Errno;
    }
    this.peerWait.wake(-1, 1);
    return s;
  }

  /** Joins two sockets that will talk to each other (socketpair). */
  static join(ctx: SocketCaller, a: UnixSocket, b: UnixSocket): void {
    a.other = b;
    b.other = a;
    a.peer = b.peer = new PeerCredentials(ctx);
    a.state = b.state = CONNECTED;
  }

  // ---- sending and receiving: what the types share

  uncharge(bytes: number): void {
    const before = this.charged;
    this.charged = before - bytes;
    if (!this.writeQueue.empty && this.canWrite) this.wakeWriters();
  }
  /** Half the buffer is free (unix_writable). */
  get canWrite(): boolean {
    return this.state !== LISTENING && this.charged << 2 <= this.sndbuf;
  }

  /** Fills what travels beside the data, and charges this socket. */
  protected attach(ctx: SocketCaller, p: Packet, msg: Message, to: UnixSocket, charge: number, withFiles: boolean): void {
    p.charge = charge;
    p.owner = this;
    this.charged += charge;
    p.from = this.address;
    if (msg.hasCredentials) {
      p.pid = msg.pid;
      p.uid = msg.uid;
      p.gid = msg.gid;
    } else if (this.passcred || this.passpidfd || to.passcred || to.passpidfd) {
      p.pid = ctx.threadGroup.pid;
      p.uid = ctx.credentials.uid;
      p.gid = ctx.credentials.gid;
    }
    if (withFiles && msg.files !== null) {
      p.files = msg.files;
      for (const f of msg.files) {
        f.ref();
        addInFlight(f);
      }
    }
  }

  /** Hands the credentials and descriptors of a packet to the receiver; a peek leaves them there. */
  protected detach(p: Packet, msg: Message, peek: boolean): void {
    if (this.passcred || this.passpidfd) {
      msg.hasCredentials = this.passcred;
      msg.wantsPidfd = this.passpidfd;
      msg.pid = p.pid;
      msg.uid = p.uid;
      msg.gid = p.gid;
    }
    if (p.files === null) return;
    if (peek) {
      for (const f of p.files) f.ref();
      msg.files = p.files.slice();
    } else {
      for (const f of p.files) removeInFlight(f);
      msg.files = p.files;
      p.files = null;
    }
  }

  /** Frees a packet that nobody will read. */
  protected discard(p: Packet): void {
    if (p.files !== null) for (const f of p.files) removeInFlight(f);
    freePacket(p);
  }
  purge(): void {
    for (let p = this.queue.shift(); p !== null; p = this.queue.shift()) this.discard(p);
  }

  override shutdown(_ctx: SocketCaller, how: number): number {
    const bits = Socket.shutdownBits(how);
    if (bits < 0) return bits;
    this.shut |= bits;
    const other = this.other;
    if (other !== null && this.connectionBased) {
      other.shut |= mirrored(bits);
      other.wakeAll();
    }
    this.wakeAll();
    this.peerWait.wake(-1, 0x7fffffff);
    return 0;
  }

  override poll(table: PollTable | null): number {
    if (table !== null) {
      table.add(this.readQueue);
      table.add(this.writeQueue);
    }
    let mask = 0;
    if (this.error !== 0) mask |= POLLERR;
    if (this.shut === SHUTDOWN_MASK) mask |= POLLHUP;
    if (this.shut & RCV_SHUTDOWN) mask |= POLLRDHUP | POLLIN | POLLRDNORM;
    if (this.queue.count > 0 || this.pendingConnections.length > 0) mask |= POLLIN | POLLRDNORM;
    if (this.urgent) mask |= POLLPRI;
    if (this.connectionBased && this.state === UNCONNECTED) mask |= POLLHUP;
    if (this.canWrite && this.peerHasRoom(table)) mask |= POLLOUT | POLLWRNORM | POLLWRBAND;
    return mask;
  }
  /** An urgent byte is there. */
  protected get urgent(): boolean {
    return false;
  }
  /** The default destination takes datagrams; with a table, adds the queue that says so. */
  protected peerHasRoom(_table: PollTable | null): boolean {
    return true;
  }

  override ioctl(ctx: SocketCaller, cmd: number, arg: number): number {
    switch (cmd) {
      case SIOCOUTQ:
        return ctx.space.writeU32(arg, this.charged);
      case SIOCINQ: {
        if (this.state === LISTENING) return EINVAL;
        return ctx.space.writeU32(arg, this.connectionBased ? this.queue.bytes : (this.queue.head?.length ?? 0));
      }
      case SIOCATMARK:
        return this.type === SOCK_STREAM ? ctx.space.writeU32(arg, this.atMark ? 1 : 0) : EFAULT;
    }
    return interfaceIoctl(ctx, this, cmd, arg);
  }
  protected get atMark(): boolean {
    return false;
  }

  /** Forgets a destination that is gone. */
  protected disconnect(): void {
    this.other = null;
    this.state = UNCONNECTED;
  }

  override close(): void {
    this.release(false);
    if (filesInFlight() > 0) collectGarbage();
  }

  /** `embryo`: a connection that was never accepted. */
  private release(embryo: boolean): void {
    if (this.dead) return;
    this.dead = true;
    if (this.address !== null && isAbstract(this.address)) {
      // Accepted sockets have their listener's address, but it is not theirs to give up.
      const key = abstractKey(this.address, this.type);
      if (this.netNs.abstractNames.get(key) === this) this.netNs.abstractNames.delete(key);
    }
    if (this.bound !== null) {
      const inode = this.bound.dentry.inode;
      if (inode !== null && inode.special === this) inode.special = null;
      this.bound.put();
      this.bound = null;
    }
    const state = this.state;
    this.state = UNCONNECTED;
    this.shut = SHUTDOWN_MASK;
    const other = this.other;
    this.other = null;
    this.peerWait.wake(-1, 0x7fffffff);
    if (other !== null && this.connectionBased) {
      other.shut = SHUTDOWN_MASK;
      if (this.queue.count > 0 || embryo) other.error = ECONNRESET;
      other.wakeAll();
    }
    this.purge();
    if (state === LISTENING) {
      const waiting = this.pendingConnections;
      this.pendingConnections = [];
      for (const s of waiting) s.release(true);
    }
  }
}

/** The unix socket behind a description, if it is one. */
export function unixSocketOf(file: object): UnixSocket | null {
  return file instanceof SocketDescription && file.socket instanceof UnixSocket ? file.socket : null;
}
