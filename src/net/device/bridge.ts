/** The bridge: ports, their states, the table of addresses. Linux net/bridge/{br_if,br_fdb,br_stp}.c. Spanning tree is not run: as with stp_state 0. */
import { EBUSY, EINVAL, ELOOP } from '../../abi/errno.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import * as notify from '../netlink/route-notify.ts';
import type { SkBuff } from '../skb.ts';
import { bridgeTransmit } from './bridge-forward.ts';
import { joinGroup4, leaveGroup4 } from '../ipv4/igmp.ts';
import { joinGroup6, leaveGroup6 } from '../ipv6/addrconf.ts';
import { carrierOff, carrierOn, setAllmulti, setPromiscuity } from './device-registry.ts';
import { hexOf, type NetDevice, NetDevice as NetDeviceClass } from './net-device.ts';

export const BR_STATE_DISABLED = 0;
export const BR_STATE_FORWARDING = 3;
const NSEC = 1_000_000_000;
/** IFF_DISABLE_NETPOLL-like limits: most ports of a bridge. */
const MAX_PORTS = 1024;
const ALL_SNOOPERS4 = Uint8Array.of(224, 0, 0, 106);
const ALL_SNOOPERS6 = Uint8Array.of(0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x6a);

export class BridgePort {
  readonly bridge: BridgeDevice;
  readonly device: NetDevice;
  readonly number: number;
  state: number = BR_STATE_DISABLED;
  priority = 32;
  cost = 2;
  /** Options of IFLA_BRPORT_, by number; those not here have their default. */
  readonly options: Map<number, number> = new Map();
  /** Monotonic ns when it began to forward. */
  since = 0;
  constructor(bridge: BridgeDevice, device: NetDevice, number: number) {
    this.bridge = bridge;
    this.device = device;
    this.number = number;
  }
  option(number: number, unset: number): number {
    return this.options.get(number) ?? unset;
  }
}

export class FdbEntry {
  readonly mac: Uint8Array;
  /** null: the bridge itself. */
  port: BridgePort | null;
  /** An address of the bridge or one of its ports; set by a user for ever; set by a user without ageing. */
  local: boolean;
  fixed: boolean;
  updated: number;
  used: number;
  constructor(mac: Uint8Array, port: BridgePort | null, local: boolean, fixed: boolean, now: number) {
    this.mac = mac;
    this.port = port;
    this.local = local;
    this.fixed = fixed;
    this.updated = this.used = now;
  }
}

export class BridgeDevice extends NetDeviceClass {
  readonly kind = 'bridge';
  readonly ports: BridgePort[] = [];
  readonly fdb: Map<string, FdbEntry> = new Map();
  /** Centiseconds, as IFLA_BR_ shows them. */
  forwardDelay = 1500;
  helloTime = 200;
  maxAge = 2000;
  ageingTime = 30000;
  bridgePriority = 32768;
  stpState = 0;
  /** Further options of IFLA_BR_, by number. */
  readonly options: Map<number, number> = new Map();
  private mtuSet = false;

  constructor(ns: NetworkNamespace, name: string, mac: Uint8Array) {
    super(ns, name, mac);
    this.carrier = false;
  }
  override open(): number {
    joinGroup4(this, ALL_SNOOPERS4);
    joinGroup6(this, ALL_SNOOPERS6);
    this.updateCarrier();
    return 0;
  }
  override stop(): void {
    leaveGroup4(this, ALL_SNOOPERS4);
    leaveGroup6(this, ALL_SNOOPERS6);
  }
  override changeMtu(mtu: number): number {
    this.mtuSet = true;
    this.mtu = mtu;
    return 0;
  }
  override portMtuChanged(): void {
    if (!this.mtuSet) this.autoMtu();
  }
  /** Large packets that all ports take (br_set_gso_limits). */
  private tsoLimit(): void {
    this.tsoMaxSize = Math.min(524280, ...this.ports.map((p) => p.device.tsoMaxSize));
  }
  private autoMtu(): void {
    const mtu = this.ports.length === 0 ? 1500 : Math.min(...this.ports.map((p) => p.device.mtu));
    this.mtu = mtu;
    this.conf6['mtu'] = mtu;
  }
  override setMac(mac: Uint8Array): number {
    const r = super.setMac(mac);
    if (r < 0) return r;
    this.forgetLocal(null);
    this.addLocal(this.mac, null);
    return 0;
  }
  override transmit(skb: SkBuff): void {
    bridgeTransmit(this, skb);
  }

  /** ip link set DEVICE master THIS (br_add_if): 0, EINVAL, ELOOP, EBUSY. */
  override enslave(d: NetDevice): number {
    if (d.loopback || !d.ethernet || d.ns !== this.ns) return EINVAL;
    if (d.kind === 'bridge') return ELOOP;
    if (d.port !== null || d.master !== null) return EBUSY;
    let number = 1;
    while (this.ports.some((p) => p.number === number)) number++;
    if (number >= MAX_PORTS) return EBUSY;
    const port = new BridgePort(this, d, number);
    this.ports.push(port);
    this.ports.sort((a, b) => b.number - a.number);
    d.port = port;
    d.master = this;
    setAllmulti(d, 1);
    setPromiscuity(d, 1);
    this.addLocal(d.mac, port);
    this.pickMac();
    if (!this.mtuSet) this.autoMtu();
    this.tsoLimit();
    this.portChanged(port);
    return 0;
  }
  override release(d: NetDevice): number {
    const { port } = d;
    if (port === null || port.bridge !== this) return EINVAL;
    this.ports.splice(this.ports.indexOf(port), 1);
    for (const [key, e] of this.fdb) if (e.port === port) this.fdb.delete(key);
    d.port = null;
    d.master = null;
    setAllmulti(d, -1);
    setPromiscuity(d, -1);
    this.pickMac();
    if (!this.mtuSet) this.autoMtu();
    this.tsoLimit();
    this.updateCarrier();
    return 0;
  }
  /** A port's device went up or down. */
  portChanged(port: BridgePort): void {
    const forwarding = port.device.up && port.device.carrier;
    const state = forwarding ? BR_STATE_FORWARDING : BR_STATE_DISABLED;
    if (state === port.state) return;
    port.state = state;
    port.since = this.ns.stack.now();
    if (!forwarding) for (const [key, e] of this.fdb) if (e.port === port && !e.local && !e.fixed) this.fdb.delete(key);
    this.updateCarrier();
    notify.bridgePort(port);
  }
  private updateCarrier(): void {
    if (this.ports.some((p) => p.state === BR_STATE_FORWARDING)) carrierOn(this);
    else carrierOff(this);
  }
  /** Unless a user gave it one, the address is the lowest of the ports' (br_stp_recalculate_bridge_id). */
  private pickMac(): void {
    if (this.addressAssign === 3) return;
    let lowest: Uint8Array | null = null;
    for (const p of this.ports) if (lowest === null || hexOf(p.device.mac) < hexOf(lowest)) lowest = p.device.mac;
    const mac = lowest === null ? new Uint8Array(6) : lowest.slice();
    if (hexOf(mac) === hexOf(this.mac)) return;
    this.mac = mac;
    this.addLocal(mac, null);
  }
  private addLocal(mac: Uint8Array, port: BridgePort | null): void {
    const key = hexOf(mac);
    if (this.fdb.get(key)?.local) return;
    this.fdb.set(key, new FdbEntry(mac.slice(), port, true, true, this.ns.stack.now()));
  }
  private forgetLocal(port: BridgePort | null): void {
    for (const [key, e] of this.fdb) if (e.local && e.port === port) this.fdb.delete(key);
  }
  /** `mac` was seen at `port`. */
  learn(mac: Uint8Array, port: BridgePort): void {
    const key = hexOf(mac);
    const now = this.ns.stack.now();
    const e = this.fdb.get(key);
    if (e === undefined) {
      this.fdb.set(key, new FdbEntry(mac.slice(), port, false, false, now));
      return;
    }
    if (e.local || e.fixed) return;
    e.port = port;
    e.updated = now;
  }
  /** The entry for `mac`, unless it is too old. */
  lookup(mac: Uint8Array): FdbEntry | null {
    const key = hexOf(mac);
    const e = this.fdb.get(key);
    if (e === undefined) return null;
    if (!e.local && !e.fixed && this.ns.stack.now() - e.updated > (this.ageingTime / 100) * NSEC) {
      this.fdb.delete(key);
      return null;
    }
    return e;
  }
  /** Entries that are not too old. */
  entries(): FdbEntry[] {
    for (const e of [...this.fdb.values()]) this.lookup(e.mac);
    return [...this.fdb.values()];
  }
  override unregistered(): void {
    for (const p of [...this.ports]) {
      this.release(p.device);
      notify.link(p.device, notify.RTM_NEWLINK, 0);
    }
  }
}
