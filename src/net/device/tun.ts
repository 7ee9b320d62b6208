/** /dev/net/tun: devices whose packets a program reads and writes. Facts: Linux 6.18 drivers/net/tun.c. */
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import { EAGAIN, EBADFD, EBUSY, EFAULT, EINVAL, EIO, ENOTTY, EPERM, isErr } from '../../abi/errno.ts';
import { POLLERR, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { gsoSegments } from '../ip/gso.ts';
import { finishChecksum } from '../ip/offload.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { HEADROOM, PACKET_HOST, SkBuff, SkbQueue } from '../skb.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { allocName, carrierOff, carrierOn, randomMac, registerDevice, unregisterDevice } from './device-registry.ts';
import { ARPHRD_NONE, IFF_MULTICAST, IFF_NOARP, IFF_POINTOPOINT, NetDevice } from './net-device.ts';
import { ETH_P_IP, ETH_P_IPV6, ethTypeTrans } from './receive.ts';

const IFF_TUN = 1;
const IFF_TAP = 2;
const IFF_NO_PI = 0x1000;
const IFF_ONE_QUEUE = 0x2000;
const IFF_VNET_HDR = 0x4000;
const IFF_TUN_EXCL = 0x8000;
const TUNSETNOCSUM = 0x400454c8;
const TUNSETDEBUG = 0x400454c9;
const TUNSETIFF = 0x400454ca;
const TUNSETPERSIST = 0x400454cb;
const TUNSETOWNER = 0x400454cc;
const TUNSETLINK = 0x400454cd;
const TUNSETGROUP = 0x400454ce;
const TUNGETFEATURES = 0x800454cf;
const TUNSETOFFLOAD = 0x400454d0;
const TUNGETIFF = 0x800454d2;
const TUNGETSNDBUF = 0x800454d3;
const TUNSETSNDBUF = 0x400454d4;
const TUNGETVNETHDRSZ = 0x800454d7;
const TUNSETVNETHDRSZ = 0x400454d8;
const TUNSETCARRIER = 0x400454e2;
const QUEUE_MAX = 1000;
const VNET_HDR = 10;

export class TunDevice extends NetDevice {
  readonly kind = 'tun';
  readonly tap: boolean;
  packetInfo = true;
  vnetHeader = false;
  persist = false;
  owner = -1;
  ownerGroup = -1;
  readonly queue: SkbQueue = new SkbQueue();
  file: TunFile | null = null;
  constructor(ns: NetworkNamespace, name: string, tap: boolean) {
    super(ns, name, tap ? randomMac(ns) : new Uint8Array(0));
    this.tap = tap;
    this.defaultQdisc = 'pfifo_fast';
    this.maxMtu = tap ? 65521 : 65535;
    if (!tap) {
      this.type = ARPHRD_NONE;
      this.flags = IFF_POINTOPOINT | IFF_NOARP | IFF_MULTICAST;
      this.txQueueLength = 500;
      this.addressAssign = 0;
      this.broadcast = new Uint8Array(0);
    }
  }
  override get segmentsTcp(): boolean {
    return false;
  }
  override transmit(skb: SkBuff): void {
    if (this.file === null || this.queue.count >= QUEUE_MAX) {
      this.stats.txDropped++;
      return;
    }
    if (skb.gsoSize > 0 && skb.network >= 0) {
      for (const s of gsoSegments(skb, skb.gsoSize)) {
        if (this.tap) {
          const at = s.push(14);
          s.data.set(skb.data.subarray(skb.start, skb.start + 14), at);
        }
        this.transmit(s);
      }
      return;
    }
    const own = skb.clone(true);
    if (own.network < 0 || own.network < own.start) own.network = own.start + this.hardHeader;
    finishChecksum(own);
    this.stats.txPackets++;
    this.stats.txBytes += own.length;
    this.queue.push(own);
    this.file.readQueue.wake(POLLIN | POLLRDNORM);
  }
  override unregistered(): void {
    if (this.file !== null) this.file.lost();
    this.queue.clear();
  }
}

export class TunFile extends FileDescription {
  private device: TunDevice | null = null;
  readonly readQueue: WaitQueue = new WaitQueue();
  private readonly ns: NetworkNamespace;
  private vnetHeaderSize = VNET_HDR;
  constructor(path: Path, flags: number, ctx: SocketCaller) {
    super(path, flags);
    this.ns = ctx.nsproxy.net;
    this.ns.get();
  }
  override get seekable(): boolean {
    return false;
  }
  /** The device was deleted. */
  lost(): void {
    this.device = null;
    this.readQueue.wake(POLLERR | POLLIN);
  }
  override read(ctx: VfsContext, iov: IoVector, _offset: number): number {
    const d = this.device;
    if (d === null) return EBADFD;
    const skb = d.queue.head;
    if (skb === null) return this.nonBlocking ? EAGAIN : ctx.wait(this.readQueue);
    d.queue.shift();
    let moved = 0;
    if (d.packetInfo) {
      if (iov.remaining < 4) return EINVAL;
      const room = iov.remaining;
      const pi = Uint8Array.of(room < skb.length + 4 ? 1 : 0, 0, skb.protocol >> 8, skb.protocol & 255);
      if (iov.put(pi, 0, 4) < 4) return EFAULT;
      moved += 4;
    }
    if (d.vnetHeader) {
      if (iov.remaining < this.vnetHeaderSize) return EINVAL;
      if (iov.put(new Uint8Array(this.vnetHeaderSize), 0, this.vnetHeaderSize) < this.vnetHeaderSize) return EFAULT;
      moved += this.vnetHeaderSize;
    }
    const n = Math.min(skb.length, iov.remaining);
    if (n > 0 && iov.put(skb.data, skb.start, n) < n) return EFAULT;
    return moved + n;
  }
  override write(_ctx: VfsContext, iov: IoVector, _offset: number): number {
    const d = this.device;
    if (d === null) return EBADFD;
    const total = iov.remaining;
    let protocol = 0;
    if (d.packetInfo) {
      if (iov.remaining < 4) return EINVAL;
      const pi = new Uint8Array(4);
      if (iov.take(pi, 0, 4) < 4) return EFAULT;
      protocol = (pi[2]! << 8) | pi[3]!; // four bytes
    }
    if (d.vnetHeader) {
      if (iov.remaining < this.vnetHeaderSize) return EINVAL;
      const skip = new Uint8Array(this.vnetHeaderSize);
      if (iov.take(skip, 0, skip.length) < skip.length) return EFAULT;
    }
    const length = iov.remaining;
    if (d.tap && length < 14) return EINVAL;
    if (!d.up) return EIO;
    const skb = new SkBuff(new Uint8Array(HEADROOM + length), HEADROOM, HEADROOM + length);
    if (length > 0 && iov.take(skb.data, skb.start, length) < length) return EFAULT;
    if (d.tap) {
      ethTypeTrans(skb, d);
    } else {
      if (!d.packetInfo) {
        const version = length > 0 ? skb.data[skb.start]! >> 4 : 0; // checked
        if (version !== 4 && version !== 6) {
          d.stats.rxDropped++;
          return EINVAL;
        }
        protocol = version === 4 ? ETH_P_IP : ETH_P_IPV6;
      }
      skb.protocol = protocol;
      skb.pktType = PACKET_HOST;
      skb.mac = skb.start;
      skb.network = skb.start;
      skb.dev = d;
    }
    d.stats.rxPackets++;
    d.stats.rxBytes += length;
    d.ns.stack.netifRx(skb);
    return total;
  }
  override poll(table: PollTable | null): number {
    const d = this.device;
    if (d === null) return POLLERR;
    if (table !== null) table.add(this.readQueue);
    return (d.queue.count > 0 ? POLLIN | POLLRDNORM : 0) | (d.up ? POLLOUT | POLLWRNORM : 0);
  }

  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    const c = cmd >>> 0;
    const { space } = ctx;
    if (c === TUNSETIFF) return this.attach(ctx as SocketCaller, arg);
    if (c === TUNGETFEATURES) return space.writeU32(arg, IFF_TUN | IFF_TAP | IFF_NO_PI | IFF_ONE_QUEUE | IFF_VNET_HDR | 0x100 | 0x10 | 0x20);
    const d = this.device;
    if (d === null) return EBADFD;
    const value = (): number => {
      const n = space.readU32(arg);
      return isErr(n) ? EFAULT : n;
    };
    switch (c) {
      case TUNGETIFF: {
        const b = new Uint8Array(40);
        for (let i = 0; i < d.name.length; i++) b[i] = d.name.charCodeAt(i);
        new DataView(b.buffer).setUint16(16, this.flagsOf(d), true);
        return space.writeBytes(arg, b);
      }
      case TUNSETNOCSUM:
      case TUNSETDEBUG:
        return 0;
      case TUNSETPERSIST:
        d.persist = arg !== 0;
        return 0;
      case TUNSETOWNER:
        d.owner = arg;
        return 0;
      case TUNSETGROUP:
        d.ownerGroup = arg;
        return 0;
      case TUNSETLINK:
        if (d.up) return EBUSY;
        d.type = arg;
        return 0;
      case TUNSETOFFLOAD:
        return arg & ~0x3f ? EINVAL : 0;
      case TUNGETSNDBUF:
        return space.writeU32(arg, 0x7fffffff);
      case TUNSETSNDBUF:
        return value() === 0 ? EINVAL : 0;
      case TUNGETVNETHDRSZ:
        return space.writeU32(arg, this.vnetHeaderSize);
      case TUNSETVNETHDRSZ: {
        const n = value();
        if (n < 0) return n;
        if (n < VNET_HDR) return EINVAL;
        this.vnetHeaderSize = n;
        return 0;
      }
      case TUNSETCARRIER: {
        const n = value();
        if (n < 0) return n;
        if (n !== 0) carrierOn(d);
        else carrierOff(d);
        return 0;
      }
    }
    return ENOTTY;
  }
  private flagsOf(d: TunDevice): number {
    return (d.tap ? IFF_TAP : IFF_TUN) | (d.packetInfo ? 0 : IFF_NO_PI) | (d.vnetHeader ? IFF_VNET_HDR : 0) | (d.persist ? 0x800 : 0);
  }
  /** TUNSETIFF: opens a device that is there, or makes one. */
  private attach(ctx: SocketCaller, arg: number): number {
    const b = new Uint8Array(40);
    if (isErr(ctx.space.readBytes(arg, b))) return EFAULT;
    if (this.device !== null) return EINVAL;
    const flags = new DataView(b.buffer).getUint16(16, true);
    const end = b.subarray(0, 16).indexOf(0);
    const pattern = String.fromCharCode(...b.subarray(0, end < 0 ? 15 : end));
    const admin = ctx.credentials.nsCapable(this.ns.userNs, CAP_NET_ADMIN);
    const old = pattern === '' ? null : this.ns.deviceByName(pattern);
    let d: TunDevice;
    if (old !== null) {
      if (flags & IFF_TUN_EXCL) return EBUSY;
      if (!(old instanceof TunDevice) || old.tap !== ((flags & IFF_TAP) !== 0)) return EINVAL;
      const c = ctx.credentials;
      const uid = c.userNs.fromKuid(c.euid) as number;
      if (!admin && ((old.owner >= 0 && old.owner !== uid) || (old.owner < 0 && old.ownerGroup < 0))) return EPERM;
      if (old.file !== null) return EBUSY;
      d = old;
      carrierOn(d);
    } else {
      if (!admin) return EPERM;
      if ((flags & (IFF_TUN | IFF_TAP)) === 0 || (flags & (IFF_TUN | IFF_TAP)) === (IFF_TUN | IFF_TAP)) return EINVAL;
      const name = allocName(this.ns, pattern === '' ? (flags & IFF_TAP ? 'tap%d' : 'tun%d') : pattern);
      if (typeof name === 'number') return name;
      d = new TunDevice(this.ns, name, (flags & IFF_TAP) !== 0);
      registerDevice(d);
    }
    d.packetInfo = (flags & IFF_NO_PI) === 0;
    d.vnetHeader = (flags & IFF_VNET_HDR) !== 0;
    d.file = this;
    this.device = d;
    b.fill(0, 0, 16);
    for (let i = 0; i < d.name.length; i++) b[i] = d.name.charCodeAt(i);
    return ctx.space.writeBytes(arg, b);
  }
  override release(): void {
    const d = this.device;
    this.device = null;
    if (d !== null) {
      d.file = null;
      if (d.persist) carrierOff(d);
      else unregisterDevice(d);
    }
    this.ns.put();
  }
}
