/** A network namespace: everything that is not shared between two of them. Linux struct net. */
import { ENODEV } from '../abi/errno.ts';
import { AF_INET, AF_INET6 } from '../abi/socket.ts';
import { Namespace } from '../auth/namespace.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import { moveDevice, registerDevice, unregisterDevice } from './device/device-registry.ts';
import { hexOf, type NetDevice } from './device/net-device.ts';
import { LoopbackDevice } from './device/virtual-devices.ts';
import { PortTable } from './inet/port-table.ts';
import type { PingSocket } from './inet/ping-socket.ts';
import type { RawSocket } from './inet/raw-socket.ts';
import type { UdpSocket } from './inet/udp-socket.ts';
import { FragmentQueue } from './ip/fragments.ts';
import { NeighbourTable } from './ip/neighbour.ts';
import { RouteTables } from './ip/route-table.ts';
import { Counters } from './ip/snmp.ts';
import { arpProtocol } from './ipv4/arp.ts';
import { ndiscProtocol } from './ipv6/ndisc.ts';
import * as notify from './netlink/route-notify.ts';
import type { NetStack } from './net-stack.ts';
import type { NetlinkSocket } from './netlink/netlink-socket.ts';
import type { PacketSocket } from './packet-socket.ts';
import type { Socket } from './socket.ts';
import { Sysctls } from './sysctl.ts';
import { TcpTables } from './tcp/tcp-tables.ts';
import type { UnixSocket } from './unix/unix-socket.ts';

const NSEC = 1_000_000_000;
const MTU_EXPIRES_NS = 600 * NSEC;

export class NetworkNamespace extends Namespace {
  readonly kind = 'net';
  readonly stack: NetStack;
  readonly sysctls: Sysctls;
  readonly initial: boolean;
  /** SO_NETNS_COOKIE. */
  readonly cookie: number;
  ended = false;

  /** By index. */
  readonly devices: NetDevice[] = [];
  readonly loopback: LoopbackDevice;
  private lastIndex = 0;
  readonly routes4: RouteTables = new RouteTables(AF_INET, 4);
  readonly routes6: RouteTables = new RouteTables(AF_INET6, 16);
  /** Counts changes of routes, addresses and devices: cached routes with another number are stale. */
  routeGeneration = 1;
  readonly arp: NeighbourTable = new NeighbourTable(4, arpProtocol);
  readonly ndisc: NeighbourTable = new NeighbourTable(16, ndiscProtocol);
  readonly fragments: FragmentQueue;
  readonly snmp: Counters = new Counters();
  /** Learnt path MTUs by destination. */
  private readonly pathMtus: Map<string, { readonly mtu: number; readonly until: number }> = new Map();
  private ipId: number;
  /** Token bucket of ICMP errors by destination (icmp_ratelimit). */
  private readonly icmpBuckets: Map<string, { tokens: number; at: number }> = new Map();

  /** Abstract AF_UNIX names: `type:name` to socket. */
  readonly abstractNames: Map<string, UnixSocket> = new Map();
  nextAutobind = 1;
  /** All sockets of the namespace that a descriptor or the stack holds. */
  readonly sockets: Set<Socket> = new Set();
  readonly tcp: TcpTables;
  readonly udpPorts: PortTable<UdpSocket> = new PortTable<UdpSocket>();
  readonly udpLitePorts: PortTable<UdpSocket> = new PortTable<UdpSocket>();
  readonly raw: Set<RawSocket> = new Set();
  readonly pings: Map<number, PingSocket[]> = new Map();
  readonly packetSockets: Set<PacketSocket> = new Set();
  /** Others that want time stamps of what comes in. */
  taps = 0;
  /** Netlink sockets by protocol and port id. */
  readonly netlink: Map<string, NetlinkSocket> = new Map();
  readonly netlinkSockets: Set<NetlinkSocket> = new Set();
  /** Ids of other namespaces as they are known here. */
  readonly nsids: Map<NetworkNamespace, number> = new Map();
  /** The name of the device with an index. */
  readonly nameOf: (index: number) => string;

  constructor(stack: NetStack, userNs: UserNamespace, inum: number, initial = false) {
    super(userNs, inum);
    this.stack = stack;
    this.initial = initial;
    this.cookie = stack.nextNetnsCookie++;
    this.nameOf = (index) => this.deviceByIndex(index)?.name ?? '';
    this.sysctls = new Sysctls(initial);
    this.fragments = new FragmentQueue(stack);
    this.tcp = new TcpTables(this);
    this.ipId = stack.random() & 0xffff;
    if (initial) stack.initial = this;
    stack.namespaces.add(this);
    this.loopback = new LoopbackDevice(this);
    registerDevice(this.loopback);
  }

  // What AF_UNIX reads.
  get somaxconn(): number {
    return this.sysctls.number('core/somaxconn');
  }
  get maxDgramQueue(): number {
    return this.sysctls.number('unix/max_dgram_qlen');
  }

  newIndex(): number {
    do this.lastIndex++;
    while (this.deviceByIndex(this.lastIndex) !== null);
    return this.lastIndex;
  }
  /** A device came with an index of its own. */
  reserveIndex(index: number): void {
    if (index > this.lastIndex) this.lastIndex = index;
  }
  deviceByName(name: string): NetDevice | null {
    for (const d of this.devices) if (d.name === name || d.alternativeNames.includes(name)) return d;
    return null;
  }
  deviceByIndex(index: number): NetDevice | null {
    for (const d of this.devices) if (d.index === index) return d;
    return null;
  }
  /** SO_BINDTODEVICE: 0 or ENODEV. */
  setBoundDevice(s: Socket, name: string): number {
    if (name === '') {
      s.boundIndex = 0;
      return 0;
    }
    const d = this.deviceByName(name);
    if (d === null) return ENODEV;
    s.boundIndex = d.index;
    return 0;
  }
  routesChanged(): void {
    this.routeGeneration++;
  }
  nextIpId(): number {
    this.ipId = (this.ipId + 1) & 0xffff;
    return this.ipId;
  }
  millisecondsOfDay(): number {
    const { clock } = this.stack;
    clock.wallAt(this.stack.now());
    return (clock.sec % 86400) * 1000 + Math.floor(clock.nsec / 1_000_000);
  }

  /** The path MTU to a destination, 0: not known. */
  pathMtu(destination: Uint8Array): number {
    if (this.pathMtus.size === 0) return 0;
    const key = hexOf(destination);
    const e = this.pathMtus.get(key);
    if (e === undefined) return 0;
    if (e.until > this.stack.now()) return e.mtu;
    this.pathMtus.delete(key);
    return 0;
  }
  learnPathMtu(destination: Uint8Array, mtu: number): void {
    if (destination.length === 4) mtu = Math.max(mtu, this.sysctls.number('ipv4/route/min_pmtu'));
    this.pathMtus.set(hexOf(destination), { mtu, until: this.stack.now() + MTU_EXPIRES_NS });
    this.routesChanged();
  }
  forgetPathMtus(): void {
    this.pathMtus.clear();
  }

  /** An ICMP error may be sent (icmp_ratelimit, icmp_ratemask); types of ICMPv6 come with 256 added. */
  icmpAllowed(to: Uint8Array, type: number): boolean {
    const six = type >= 256;
    if (!six && (this.sysctls.number('ipv4/icmp_ratemask') & (1 << type)) === 0) return true;
    if (six && type - 256 === 2) return true;
    const limit = this.sysctls.number(six ? 'ipv6/icmp/ratelimit' : 'ipv4/icmp_ratelimit');
    if (limit === 0) return true;
    // The loopback is not limited.
    if ((to.length === 4 && to[0] === 127) || this.devices.some((d) => d.addresses4.some((a) => hexOf(a.local) === hexOf(to)) || d.addresses6.some((a) => hexOf(a.local) === hexOf(to))))
      return true;
    const key = hexOf(to);
    const now = this.stack.now();
    let b = this.icmpBuckets.get(key);
    if (b === undefined) {
      if (this.icmpBuckets.size > 1000) this.icmpBuckets.clear();
      this.icmpBuckets.set(key, (b = { tokens: 6 * limit, at: now }));
    }
    b.tokens = Math.min(6 * limit, b.tokens + (now - b.at) / 1_000_000);
    b.at = now;
    if (b.tokens < limit) return false;
    b.tokens -= limit;
    return true;
  }

  /** The id that `other` has here, one made if `allocate`; -1: none. */
  idOf(other: NetworkNamespace, allocate = false): number {
    const id = this.nsids.get(other);
    if (id !== undefined || !allocate) return id ?? -1;
    const taken = new Set(this.nsids.values());
    let free = 0;
    while (taken.has(free)) free++;
    this.nsids.set(other, free);
    notify.nsid(this, free, notify.RTM_NEWNSID);
    return free;
  }
  /** The namespace with an id, or null. */
  byId(id: number): NetworkNamespace | null {
    for (const [ns, n] of this.nsids) if (n === id) return ns;
    return null;
  }

  protected override end(): void {
    this.ended = true;
    for (const d of [...this.devices].reverse()) {
      if (!this.devices.includes(d) || d === this.loopback) continue;
      // What is not made by netlink returns to the first namespace under a name that is free there.
      if (d.returnsHome && this.stack.initial !== null) moveDevice(d, this.stack.initial, this.stack.initial.deviceByName(d.name) === null ? '' : 'dev%d');
      else unregisterDevice(d);
    }
    unregisterDevice(this.loopback);
    this.tcp.end();
    this.stack.namespaces.delete(this);
    for (const other of this.stack.namespaces) {
      const id = other.nsids.get(this);
      if (id === undefined) continue;
      other.nsids.delete(this);
      notify.nsid(other, id, notify.RTM_DELNSID);
    }
  }
}
