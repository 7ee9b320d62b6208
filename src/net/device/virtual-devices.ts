/** The kinds of device that need little: loopback, veth, ifb. Linux drivers/net/{loopback,veth,ifb}.c. */
import type { NetworkNamespace } from '../network-namespace.ts';
import { CHECKSUM_PARTIAL, CHECKSUM_UNNECESSARY, type SkBuff } from '../skb.ts';
import { carrierOff, carrierOn, unregisterDevice } from './device-registry.ts';
import { ARPHRD_LOOPBACK, IFF_BROADCAST, IFF_LOOPBACK, IFF_MULTICAST, IFF_NOARP, NetDevice } from './net-device.ts';
import { ethTypeTrans } from './receive.ts';

const ETH_ALEN = 6;

export class LoopbackDevice extends NetDevice {
  readonly kind = '';
  constructor(ns: NetworkNamespace) {
    super(ns, 'lo', new Uint8Array(ETH_ALEN));
    this.type = ARPHRD_LOOPBACK;
    this.flags = IFF_LOOPBACK;
    this.mtu = 65536;
    this.minMtu = 0;
    this.maxMtu = 0;
    this.broadcast = new Uint8Array(ETH_ALEN);
    this.addressAssign = 0;
    this.tsoMaxSize = 524280;
  }
  override get deletable(): boolean {
    return false;
  }
  override get immovable(): boolean {
    return true;
  }
  override transmit(skb: SkBuff): void {
    skb.tstamp = 0;
    const length = skb.length;
    this.stats.txPackets++;
    this.stats.txBytes += length;
    this.stats.rxPackets++;
    this.stats.rxBytes += length;
    if (skb.ipSummed !== CHECKSUM_PARTIAL) skb.ipSummed = CHECKSUM_UNNECESSARY;
    ethTypeTrans(skb, this);
    this.ns.stack.netifRx(skb);
  }
}

export class VethDevice extends NetDevice {
  readonly kind = 'veth';
  peer: VethDevice | null = null;
  constructor(ns: NetworkNamespace, name: string, mac: Uint8Array) {
    super(ns, name, mac);
    this.numQueues = ns.stack.cpus;
    this.tsoMaxSize = 524280;
    this.carrier = false;
  }
  override get link(): number {
    return this.peer === null ? 0 : this.peer.index;
  }
  override get linkNs(): NetworkNamespace {
    return this.peer === null ? this.ns : this.peer.ns;
  }
  override open(): number {
    if (this.peer?.up) {
      carrierOn(this);
      carrierOn(this.peer);
    }
    return 0;
  }
  override stop(): void {
    carrierOff(this);
    if (this.peer !== null) carrierOff(this.peer);
  }
  override transmit(skb: SkBuff): void {
    const { peer } = this;
    const length = skb.length;
    if (peer === null || !peer.up || (skb.gsoSize === 0 && length > peer.mtu + 14 + 4)) {
      this.stats.txDropped++;
      return;
    }
    this.stats.txPackets++;
    this.stats.txBytes += length;
    peer.stats.rxPackets++;
    peer.stats.rxBytes += length;
    // What crosses to another namespace keeps no marks.
    if (peer.ns !== this.ns) skb.mark = 0;
    skb.priority = 0;
    skb.iif = 0;
    ethTypeTrans(skb, peer);
    this.ns.stack.netifRx(skb);
  }
  override unregistered(): void {
    const { peer } = this;
    this.peer = null;
    if (peer === null) return;
    peer.peer = null;
    unregisterDevice(peer);
  }
}

/** Sends nothing by itself: packets come to it from traffic control only. */
export class IfbDevice extends NetDevice {
  readonly kind = 'ifb';
  constructor(ns: NetworkNamespace, name: string, mac: Uint8Array) {
    super(ns, name, mac);
    this.flags = IFF_BROADCAST | IFF_NOARP;
    this.flags &= ~IFF_MULTICAST;
    this.minMtu = 0;
    this.maxMtu = 0;
    this.txQueueLength = 32;
    this.defaultQdisc = 'pfifo_fast';
    this.tsoMaxSize = 524280;
  }
  override transmit(): void {
    this.stats.rxDropped++;
  }
}

/** Swallows what it is given. */
export class DummyDevice extends NetDevice {
  readonly kind = 'dummy';
  constructor(ns: NetworkNamespace, name: string, mac: Uint8Array) {
    super(ns, name, mac);
    this.flags = IFF_BROADCAST | IFF_NOARP;
    this.minMtu = 0;
    this.maxMtu = 0;
    this.tsoMaxSize = 65536;
  }
  override transmit(skb: SkBuff): void {
    this.stats.txPackets++;
    this.stats.txBytes += skb.length;
  }
}
