/** Network devices with their addresses: data that routing, netlink and the ioctls read. */

import type { NetworkNamespace } from './network-namespace.ts';

/** ifi_flags. */
export const IFF_UP = 0x1;
export const IFF_BROADCAST = 0x2;
export const IFF_LOOPBACK = 0x8;
export const IFF_RUNNING = 0x40;
export const IFF_MULTICAST = 0x1000;
export const IFF_LOWER_UP = 0x10000;
export const ARPHRD_ETHER = 1;
export const ARPHRD_LOOPBACK = 772;

export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;

/** One address of a device: 4 or 16 bytes. */
export interface DeviceAddress {
  readonly bytes: Uint8Array;
  readonly prefix: number;
  readonly scope: number;
}

export type DeviceKind = 'loopback' | 'veth' | 'dummy';

export class NetDevice {
  /** Changes only when the device moves to a namespace where it is taken. */
  index: number;
  name: string;
  readonly kind: DeviceKind;
  /** Where it is; null once deleted. */
  ns: NetworkNamespace | null = null;
  /** The other end of a veth pair. */
  peer: NetDevice | null = null;
  /** ARPHRD_ */
  readonly type: number;
  mtu: number;
  flags: number;
  readonly mac: Uint8Array;
  txQueueLength = 1000;
  readonly addresses: DeviceAddress[] = [];
  rxPackets = 0;
  rxBytes = 0;
  txPackets = 0;
  txBytes = 0;

  constructor(index: number, name: string, kind: DeviceKind, mtu: number, flags: number, mac: Uint8Array = new Uint8Array(6)) {
    this.index = index;
    this.name = name;
    this.kind = kind;
    this.type = kind === 'loopback' ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
    this.mtu = mtu;
    this.flags = flags;
    this.mac = mac;
  }
  get up(): boolean {
    return (this.flags & IFF_UP) !== 0;
  }
  /** Something can be sent: up, and for a veth the other end too. */
  get carrier(): boolean {
    return this.up && (this.kind !== 'veth' || (this.peer !== null && this.peer.up));
  }
  /** flags with what follows from the carrier. */
  get allFlags(): number {
    return this.carrier ? this.flags | IFF_RUNNING | IFF_LOWER_UP : this.flags;
  }
  /** IF_OPER_: 0 unknown, 2 down, 6 up, 7 lower layer down. */
  get operState(): number {
    if (!this.up) return 2;
    if (this.kind === 'loopback' || this.kind === 'dummy') return 0;
    return this.carrier ? 6 : 7;
  }

  /** Sets the device up: it gets the addresses that come by themselves. */
  bringUp(): void {
    if (this.up) return;
    this.flags |= IFF_UP;
    const v6 = new Uint8Array(16);
    if (this.kind === 'loopback') {
      this.addAddress({ bytes: Uint8Array.of(127, 0, 0, 1), prefix: 8, scope: RT_SCOPE_HOST });
      v6[15] = 1;
      this.addAddress({ bytes: v6, prefix: 128, scope: RT_SCOPE_HOST });
    } else {
      // fe80::/64 and the interface identifier made of the hardware address (EUI-64).
      const m = this.mac;
      v6.set([0xfe, 0x80]);
      v6.set([m[0]! ^ 2, m[1]!, m[2]!, 0xff, 0xfe, m[3]!, m[4]!, m[5]!], 8); // six bytes
      this.addAddress({ bytes: v6, prefix: 64, scope: RT_SCOPE_LINK });
    }
  }
  bringDown(): void {
    this.flags &= ~IFF_UP;
    // IPv6 addresses go with the device, IPv4 ones stay.
    for (let i = this.addresses.length - 1; i >= 0; i--) if (this.addresses[i]!.bytes.length === 16) this.addresses.splice(i, 1); // in range
  }
  /** False if it is there already. */
  addAddress(a: DeviceAddress): boolean {
    if (this.addresses.some((o) => o.prefix === a.prefix && samePrefix(o.bytes, a.bytes, a.bytes.length * 8))) return false;
    this.addresses.push(a);
    return true;
  }
}

/** True if the first `prefix` bits of `a` and `b` (same length) agree. */
export function samePrefix(a: Uint8Array, b: Uint8Array, prefix: number): boolean {
  if (a.length !== b.length) return false;
  const whole = prefix >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = prefix & 7;
  if (rest === 0) return true;
  return ((a[whole]! ^ b[whole]!) & (0xff00 >> rest)) === 0; // whole < length, as prefix is at most 8 * length
}

/** The loopback device as every namespace has it from the start; `up` as in the first one. */
export function makeLoopback(up: boolean): NetDevice {
  const lo = new NetDevice(1, 'lo', 'loopback', 65536, IFF_LOOPBACK);
  if (up) lo.bringUp();
  return lo;
}

let nextMac = 1;
/** A locally administered hardware address that no other device here has. */
export function newMac(): Uint8Array {
  const n = nextMac++;
  return Uint8Array.of(0x02, 0x42, (n >> 24) & 255, (n >> 16) & 255, (n >> 8) & 255, n & 255);
}

/** Two joined devices; they are in no namespace yet. */
export function makeVethPair(name: string, peerName: string): [NetDevice, NetDevice] {
  const a = new NetDevice(0, name, 'veth', 1500, IFF_BROADCAST | IFF_MULTICAST, newMac());
  const b = new NetDevice(0, peerName, 'veth', 1500, IFF_BROADCAST | IFF_MULTICAST, newMac());
  a.peer = b;
  b.peer = a;
  return [a, b];
}
