/** A network device: name, flags, addresses, counters; a kind gives it a way to send. Linux struct net_device. */
import { EADDRNOTAVAIL, EINVAL, EOPNOTSUPP } from '../../abi/errno.ts';
import type { Timer } from '../../base/timers.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import type { SkBuff } from '../skb.ts';
import type { BridgePort } from './bridge.ts';

/** ifi_flags. */
export const IFF_UP = 0x1;
export const IFF_BROADCAST = 0x2;
export const IFF_LOOPBACK = 0x8;
export const IFF_POINTOPOINT = 0x10;
export const IFF_RUNNING = 0x40;
export const IFF_NOARP = 0x80;
export const IFF_PROMISC = 0x100;
export const IFF_ALLMULTI = 0x200;
export const IFF_MULTICAST = 0x1000;
export const IFF_DYNAMIC = 0x8000;
export const IFF_LOWER_UP = 0x10000;
/** Flags that a user may set. */
export const IFF_CHANGEABLE: number = 0xf0a4 | IFF_UP | IFF_PROMISC | IFF_ALLMULTI | IFF_MULTICAST;

export const ARPHRD_ETHER = 1;
export const ARPHRD_NONE = 0xfffe;
export const ARPHRD_LOOPBACK = 772;

/** IF_OPER_ */
export const OPER_UNKNOWN = 0;
export const OPER_DOWN = 2;
export const OPER_LOWERLAYERDOWN = 3;
export const OPER_UP = 6;

/** IFA_F_ */
export const IFA_F_SECONDARY = 0x01;
export const IFA_F_NODAD = 0x02;
export const IFA_F_OPTIMISTIC = 0x04;
export const IFA_F_DADFAILED = 0x08;
export const IFA_F_DEPRECATED = 0x20;
export const IFA_F_TENTATIVE = 0x40;
export const IFA_F_PERMANENT = 0x80;
export const IFA_F_MANAGETEMPADDR = 0x100;
export const IFA_F_NOPREFIXROUTE = 0x200;
export const IFA_F_MCAUTOJOIN = 0x400;
export const IFA_F_STABLE_PRIVACY = 0x800;

/** One address of a device: 4 or 16 bytes. Linux struct in_ifaddr, inet6_ifaddr. */
export class DeviceAddress {
  readonly device: NetDevice;
  /** The device's own (IFA_LOCAL). */
  readonly local: Uint8Array;
  /** The other end's, or the same (IFA_ADDRESS). */
  readonly address: Uint8Array;
  readonly prefix: number;
  scope = 0;
  broadcast: Uint8Array | null = null;
  label = '';
  flags = 0;
  metric = 0;
  protocol = 0;
  /** Seconds, 0xffffffff: for ever. */
  validLifetime = 0xffffffff;
  preferredLifetime = 0xffffffff;
  /** Monotonic ns. */
  created = 0;
  updated = 0;
  dadProbes = 0;
  timer: Timer | null = null;
  constructor(device: NetDevice, local: Uint8Array, prefix: number, address: Uint8Array = local) {
    this.device = device;
    this.local = local;
    this.address = address;
    this.prefix = prefix;
  }
}

/** rtnl_link_stats64, in its order. */
export class DeviceStats {
  rxPackets = 0;
  txPackets = 0;
  rxBytes = 0;
  txBytes = 0;
  rxErrors = 0;
  txErrors = 0;
  rxDropped = 0;
  txDropped = 0;
  multicast = 0;
  collisions = 0;
}

/** Group memberships: address as hexadecimal text to users. */
export class Membership {
  readonly address: Uint8Array;
  users = 1;
  constructor(address: Uint8Array) {
    this.address = address;
  }
}

export abstract class NetDevice {
  /** rtnl kind; '' for the loopback. */
  abstract readonly kind: string;
  ns: NetworkNamespace;
  /** Changes only when the device moves to a namespace where it is taken. */
  index = 0;
  name: string;
  alias = '';
  alternativeNames: string[] = [];
  /** ARPHRD_ */
  type: number = ARPHRD_ETHER;
  flags: number = IFF_BROADCAST | IFF_MULTICAST;
  /** What the user asked for (PROMISC, ALLMULTI); the counters below hold it and what else needs it. */
  userFlags = 0;
  promiscuity = 0;
  allmulti = 0;
  mtu = 1500;
  minMtu = 68;
  maxMtu = 65535;
  mac: Uint8Array;
  broadcast: Uint8Array = Uint8Array.of(255, 255, 255, 255, 255, 255);
  permanentMac: Uint8Array | null = null;
  txQueueLength = 1000;
  group = 0;
  numQueues = 1;
  /** dev_set_mac may be refused on a running device. */
  addressAssign = 1;
  qdisc = 'noop';
  defaultQdisc = 'noqueue';
  operState: number = OPER_UNKNOWN;
  linkMode = 0;
  protoDown = false;
  gsoMaxSize = 65536;
  gsoMaxSegs = 65535;
  gsoMaxSize4 = 65536;
  groMaxSize = 65536;
  groMaxSize4 = 65536;
  tsoMaxSize = 65536;
  threaded = 0;
  carrierUp = 0;
  carrierDown = 0;
  carrier = true;
  readonly stats: DeviceStats = new DeviceStats();
  readonly addresses4: DeviceAddress[] = [];
  readonly addresses6: DeviceAddress[] = [];
  /** Layer-3 group memberships, by address in hexadecimal. */
  readonly groups4: Map<string, Membership> = new Map();
  readonly groups6: Map<string, Membership> = new Map();
  /** Link-layer groups, in the order they were joined. */
  readonly linkGroups: Map<string, Membership> = new Map();
  /** Sysctls of net.ipv4.conf.NAME and so on; numbers by name. */
  conf4: Record<string, number> = {};
  conf6: Record<string, number> = {};
  neigh4: Record<string, number> = {};
  neigh6: Record<string, number> = {};
  /** IPv6 is set up (link-local address made, groups joined). */
  ready6 = false;
  /** The bridge port it is, if one. */
  port: BridgePort | null = null;
  /** The device above (bridge). */
  master: NetDevice | null = null;
  registered = false;
  /** A random reachable time, ms, per family (neigh_parms). */
  reachableTime4 = 30000;
  reachableTime6 = 30000;

  constructor(ns: NetworkNamespace, name: string, mac: Uint8Array) {
    this.ns = ns;
    this.name = name;
    this.mac = mac;
  }
  /** The name that `ip` shows behind @, by index; 0 or its own: none. */
  get link(): number {
    return this.index;
  }
  /** The namespace where `link` is valid. */
  get linkNs(): NetworkNamespace {
    return this.ns;
  }
  /** Can be deleted by a user (rtnl_link_ops->dellink). */
  get deletable(): boolean {
    return true;
  }
  /** Stays in its namespace (netns_immutable). */
  get immovable(): boolean {
    return false;
  }
  get up(): boolean {
    return (this.flags & IFF_UP) !== 0;
  }
  get loopback(): boolean {
    return (this.flags & IFF_LOOPBACK) !== 0;
  }
  /** Has link-layer headers. */
  get ethernet(): boolean {
    return this.type === ARPHRD_ETHER || this.type === ARPHRD_LOOPBACK;
  }
  get hardHeader(): number {
    return this.ethernet ? 14 : 0;
  }
  /** Segments packets larger than the MTU itself. */
  get segmentsTcp(): boolean {
    return true;
  }
  get operUp(): boolean {
    return this.operState === OPER_UP || this.operState === OPER_UNKNOWN;
  }
  /** flags with what follows from the state (dev_get_flags). */
  get allFlags(): number {
    let f = (this.flags & ~(IFF_PROMISC | IFF_ALLMULTI | IFF_RUNNING | IFF_LOWER_UP)) | (this.userFlags & (IFF_PROMISC | IFF_ALLMULTI));
    if (this.up) {
      if (this.operUp) f |= IFF_RUNNING;
      if (this.carrier) f |= IFF_LOWER_UP;
    }
    return f >>> 0;
  }

  /** Sends a packet that begins with the link header. */
  abstract transmit(skb: SkBuff): void;
  /** Before and after IFF_UP. 0 or errno. */
  open(): number {
    return 0;
  }
  stop(): void {}
  /** dev_change_mtu's part of the kind. */
  changeMtu(mtu: number): number {
    this.mtu = mtu;
    return 0;
  }
  setMac(mac: Uint8Array): number {
    if ((mac[0]! & 1) !== 0 || mac.every((b) => b === 0)) return EADDRNOTAVAIL; // six bytes
    this.mac = mac.slice();
    this.addressAssign = 3;
    return 0;
  }
  /** ip link set X master THIS. */
  enslave(_device: NetDevice): number {
    return EOPNOTSUPP;
  }
  release(_device: NetDevice): number {
    return EINVAL;
  }
  /** A port's MTU changed. */
  portMtuChanged(): void {}
  /** What the kind must undo when the device goes; may delete others. */
  unregistered(): void {}
  /** Where it goes when its namespace ends: deleted, or to the first namespace. */
  get returnsHome(): boolean {
    return false;
  }
}

/** Bytes as hexadecimal, for keys. */
export function hexOf(b: Uint8Array): string {
  let s = '';
  for (let i = 0; i < b.length; i++) s += (b[i]! < 16 ? '0' : '') + b[i]!.toString(16); // in range
  return s;
}
