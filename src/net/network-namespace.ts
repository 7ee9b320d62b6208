/** A network namespace: everything that is not shared between two of them. */
import { ENODEV } from '../abi/errno.ts';
import { Namespace } from '../auth/namespace.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import { PortTable } from './inet/port-table.ts';
import type { IcmpSocket } from './inet/icmp-socket.ts';
import { makeLoopback, type NetDevice, samePrefix } from './net-device.ts';
import type { Socket } from './socket.ts';
import type { UnixSocket } from './unix/unix-socket.ts';

/** Where a destination is reached. */
export interface RouteResult {
  readonly device: NetDevice;
  /** Address to send from. */
  readonly source: Uint8Array;
  /** The destination is an address of this namespace. */
  readonly local: boolean;
  /** The namespace that has the destination; null: nobody answers there. */
  readonly target: NetworkNamespace | null;
}

/** An entry of the main table that was made by hand; those of the devices' addresses are not listed. */
export interface Route {
  readonly dst: Uint8Array;
  readonly prefix: number;
  readonly gateway: Uint8Array | null;
  readonly device: NetDevice;
  readonly protocol: number;
  readonly scope: number;
  readonly metric: number;
}

export class NetworkNamespace extends Namespace {
  readonly kind = 'net';
  /** Abstract AF_UNIX names: `type:name` to socket. */
  readonly abstractNames: Map<string, UnixSocket> = new Map();
  /** net.core.somaxconn, net.unix.max_dgram_qlen. */
  somaxconn = 4096;
  maxDgramQueue = 10;
  nextAutobind = 1;
  /** By index, lo first. */
  readonly devices: NetDevice[];
  readonly routes: Route[] = [];
  /** Sockets that hear ICMP. */
  readonly icmpSockets: Set<IcmpSocket> = new Set();
  readonly tcpPorts: PortTable = new PortTable();
  readonly udpPorts: PortTable = new PortTable();
  readonly udpLitePorts: PortTable = new PortTable();
  /** Port ids of netlink sockets in use. */
  readonly netlinkPorts: Set<number> = new Set();
  /** net.ipv4.ip_unprivileged_port_start, ip_local_port_range. */
  unprivilegedPortStart = 1024;
  localPortFirst = 32768;
  localPortLast = 60999;
  nextPortId = 1;
  /** The kernel's clock: set when the first socket is made here. */
  clock: { monotonicNs(): number } | null = null;

  /** `up`: the loopback device is up, as the sandbox's owner has it in the first namespace; a fresh one has it down. */
  constructor(userNs: UserNamespace, inum: number, up = false) {
    super(userNs, inum);
    const lo = makeLoopback(up);
    lo.ns = this;
    this.devices = [lo];
  }

  /** Adds a device under its name, with its index if that is free. */
  addDevice(d: NetDevice): void {
    if (d.index === 0 || this.deviceByIndex(d.index) !== null) d.index = Math.max(...this.devices.map((o) => o.index)) + 1;
    d.ns = this;
    this.devices.push(d);
  }
  /** Takes a device out: its routes and addresses go. */
  removeDevice(d: NetDevice): void {
    const i = this.devices.indexOf(d);
    if (i >= 0) this.devices.splice(i, 1);
    for (let r = this.routes.length - 1; r >= 0; r--) if (this.routes[r]!.device === d) this.routes.splice(r, 1); // in range
    d.addresses.length = 0;
    d.bringDown();
    d.ns = null;
  }
  /** Deletes a device, and the other end of a veth pair with it. */
  deleteDevice(d: NetDevice): void {
    this.removeDevice(d);
    const { peer } = d;
    d.peer = null;
    if (peer === null) return;
    peer.peer = null;
    peer.ns?.removeDevice(peer);
  }
  protected override end(): void {
    for (const d of [...this.devices]) if (d.kind === 'veth') this.deleteDevice(d);
  }

  /** SO_BINDTODEVICE: 0 or ENODEV. */
  setBoundDevice(s: Socket, name: string): number {
    if (name !== '' && this.deviceByName(name) === null) return ENODEV;
    s.boundDevice = name;
    return 0;
  }
  deviceByName(name: string): NetDevice | null {
    return this.devices.find((d) => d.name === name) ?? null;
  }
  deviceByIndex(index: number): NetDevice | null {
    return this.devices.find((d) => d.index === index) ?? null;
  }

  /** The device that has `ip` as one of its own addresses (the whole of 127/8 is lo's), or null. */
  localDevice(ip: Uint8Array): NetDevice | null {
    for (const d of this.devices) {
      if (!d.up) continue;
      for (const a of d.addresses) if (samePrefix(a.bytes, ip, a.bytes.length === 4 && a.bytes[0] === 127 ? a.prefix : a.bytes.length * 8)) return d;
    }
    return null;
  }

  /** How `ip` is reached, or null (ENETUNREACH). */
  route(ip: Uint8Array): RouteResult | null {
    const local = this.localDevice(ip);
    if (local !== null) {
      // The other addresses of 127/8 are reached from 127.0.0.1.
      const own = local.addresses.find((a) => samePrefix(a.bytes, ip, ip.length * 8)) ?? local.addresses.find((a) => samePrefix(a.bytes, ip, a.prefix));
      return { device: local, source: own === undefined ? ip : own.bytes, local: true, target: this };
    }
    let device: NetDevice | null = null;
    let source: Uint8Array | null = null;
    let best = -1;
    for (const d of this.devices) {
      if (!d.up) continue;
      for (const a of d.addresses)
        if (a.prefix > best && samePrefix(a.bytes, ip, a.prefix)) {
          best = a.prefix;
          device = d;
          source = a.bytes;
        }
    }
    for (const r of this.routes)
      if (r.prefix > best && r.device.up && samePrefix(r.dst, ip, r.prefix)) {
        best = r.prefix;
        device = r.device;
        source = r.device.addresses.find((a) => a.bytes.length === ip.length)?.bytes ?? null;
      }
    if (device === null || source === null) return null;
    const other = device.carrier ? (device.peer?.ns ?? null) : null;
    return { device, source, local: false, target: other !== null && other.localDevice(ip) !== null ? other : null };
  }
}
