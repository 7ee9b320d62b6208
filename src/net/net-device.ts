/** Network devices with their addresses: data that routing, netlink and the ioctls read. */

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

export class NetDevice {
  readonly index: number;
  name: string;
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

  constructor(index: number, name: string, type: number, mtu: number, flags: number, mac: Uint8Array = new Uint8Array(6)) {
    this.index = index;
    this.name = name;
    this.type = type;
    this.mtu = mtu;
    this.flags = flags;
    this.mac = mac;
  }
  get up(): boolean {
    return (this.flags & IFF_UP) !== 0;
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

/** The loopback device as a kernel has it from the start; `up` as in the first namespace. */
export function makeLoopback(up: boolean): NetDevice {
  const lo = new NetDevice(1, 'lo', ARPHRD_LOOPBACK, 65536, IFF_LOOPBACK);
  if (up) bringUpLoopback(lo);
  return lo;
}

/** Setting lo up gives it its addresses. */
export function bringUpLoopback(lo: NetDevice): void {
  lo.flags |= IFF_UP | IFF_RUNNING | IFF_LOWER_UP;
  if (lo.addresses.length > 0) return;
  const v6 = new Uint8Array(16);
  v6[15] = 1;
  lo.addresses.push({ bytes: Uint8Array.of(127, 0, 0, 1), prefix: 8, scope: RT_SCOPE_HOST }, { bytes: v6, prefix: 128, scope: RT_SCOPE_HOST });
}
