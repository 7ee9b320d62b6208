/** Neighbours: link addresses of the hosts on a link, with their states. Linux 6.18 net/core/neighbour.c. */
import { Timer } from '../../base/timers.ts';
import { hexOf, IFF_NOARP, type NetDevice } from '../device/net-device.ts';
import { devQueueXmit, ETH_HLEN } from '../device/receive.ts';
import * as notify from '../netlink/route-notify.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { type SkBuff, SkbQueue } from '../skb.ts';

export const NUD_NONE = 0;
export const NUD_INCOMPLETE = 0x01;
export const NUD_REACHABLE = 0x02;
export const NUD_STALE = 0x04;
export const NUD_DELAY = 0x08;
export const NUD_PROBE = 0x10;
export const NUD_FAILED = 0x20;
export const NUD_NOARP = 0x40;
export const NUD_PERMANENT = 0x80;
export const NUD_VALID: number = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
const NUD_CONNECTED = NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE;
const NUD_IN_TIMER = NUD_INCOMPLETE | NUD_REACHABLE | NUD_DELAY | NUD_PROBE;
export const NTF_ROUTER = 0x80;
export const NTF_EXT_LEARNED = 0x10;

const MS = 1_000_000;
/** Packets that wait for an answer. */
const QUEUE_MAX = 101;

/** What a family does for its neighbours: asks for one, and says that one cannot be reached. */
export interface NeighbourProtocol {
  /** `target`'s link address where it was, for a unicast question, or null. */
  solicit(n: Neighbour, skb: SkBuff | null, unicast: Uint8Array | null): void;
  unreachable(skb: SkBuff, d: NetDevice): void;
}

export class Neighbour extends Timer {
  readonly table: NeighbourTable;
  readonly device: NetDevice;
  readonly ip: Uint8Array;
  mac: Uint8Array | null = null;
  state: number = NUD_NONE;
  flags = 0;
  protocol = 0;
  /** NUD_ type of address: unicast, broadcast … */
  probes = 0;
  /** Monotonic ns. */
  confirmed = 0;
  updated = 0;
  used = 0;
  readonly queue: SkbQueue = new SkbQueue();
  constructor(table: NeighbourTable, device: NetDevice, ip: Uint8Array) {
    super();
    this.table = table;
    this.device = device;
    this.ip = ip;
    const now = device.ns.stack.now();
    this.confirmed = this.updated = this.used = now;
  }
  private get conf(): Record<string, number> {
    return this.table.length === 4 ? this.device.neigh4 : this.device.neigh6;
  }
  private get reachableNs(): number {
    return (this.table.length === 4 ? this.device.reachableTime4 : this.device.reachableTime6) * MS;
  }
  private after(ns: number): void {
    const { stack } = this.device.ns;
    stack.timers.arm(this, stack.now() + ns);
  }

  /** Sends `skb` (from its network header) once the link address is known. */
  output(skb: SkBuff): void {
    const now = this.device.ns.stack.now();
    this.used = now;
    if ((this.state & (NUD_CONNECTED | NUD_DELAY | NUD_PROBE)) === 0) {
      if (this.state === NUD_STALE) {
        this.state = NUD_DELAY;
        this.updated = now;
        this.after((this.conf['delay_first_probe_time'] ?? 5) * 1000 * MS);
      } else if (this.state !== NUD_INCOMPLETE) {
        this.probes = 0;
        if ((this.conf['mcast_solicit'] ?? 3) + (this.conf['app_solicit'] ?? 0) === 0) {
          this.state = NUD_FAILED;
          this.updated = now;
          this.table.protocol.unreachable(skb, this.device);
          return;
        }
        this.state = NUD_INCOMPLETE;
        this.updated = now;
        this.enqueue(skb);
        this.probe();
        return;
      } else {
        this.enqueue(skb);
        return;
      }
    }
    this.transmit(skb);
  }
  private enqueue(skb: SkBuff): void {
    if (this.queue.count >= QUEUE_MAX) this.queue.shift();
    this.queue.push(skb);
  }
  private transmit(skb: SkBuff): void {
    pushEthernet(skb, this.device, this.mac ?? this.device.broadcast);
    devQueueXmit(skb, this.device);
  }
  private probe(): void {
    const conf = this.conf;
    this.after((conf['retrans_time_ms'] ?? 1000) * MS);
    const first = this.queue.head;
    this.probes++;
    this.table.protocol.solicit(this, first, this.state === NUD_PROBE ? this.mac : null);
  }
  override expire(now: number): void {
    const conf = this.conf;
    const delayNs = (conf['delay_first_probe_time'] ?? 5) * 1000 * MS;
    if (!this.device.registered) return;
    if ((this.state & NUD_IN_TIMER) === 0) return;
    if (this.state & NUD_REACHABLE) {
      if (now < this.confirmed + this.reachableNs) {
        this.after(this.confirmed + this.reachableNs - now);
        return;
      }
      if (now < this.used + delayNs) {
        this.state = NUD_DELAY;
        this.updated = now;
        this.after(delayNs);
        return;
      }
      this.state = NUD_STALE;
      this.updated = now;
      notify.neighbour(this, notify.RTM_NEWNEIGH);
      return;
    }
    if (this.state & NUD_DELAY) {
      if (now < this.confirmed + delayNs) {
        this.state = NUD_REACHABLE;
        this.updated = now;
        notify.neighbour(this, notify.RTM_NEWNEIGH);
        this.after(this.reachableNs);
        return;
      }
      this.state = NUD_PROBE;
      this.updated = now;
      this.probes = 0;
      notify.neighbour(this, notify.RTM_NEWNEIGH);
    }
    const max = this.state & NUD_PROBE ? (conf['ucast_solicit'] ?? 3) : (conf['mcast_solicit'] ?? 3);
    if (this.probes >= max) {
      this.state = NUD_FAILED;
      this.updated = now;
      this.failQueue();
      notify.neighbour(this, notify.RTM_NEWNEIGH);
      return;
    }
    this.probe();
  }
  private failQueue(): void {
    for (let skb = this.queue.shift(); skb !== null; skb = this.queue.shift()) this.table.protocol.unreachable(skb, this.device);
  }

  /** What was learnt or set (neigh_update). `override`: another address may replace a known one. */
  update(mac: Uint8Array | null, state: number, override: boolean, byUser = false): void {
    const { stack } = this.device.ns;
    const now = stack.now();
    const old = this.state;
    if (!byUser && old & (NUD_NOARP | NUD_PERMANENT)) return;
    if ((state & NUD_VALID) === 0) {
      stack.timers.cancel(this);
      this.state = state;
      this.updated = now;
      if (state === NUD_FAILED || state === NUD_NONE) this.failQueue();
      notify.neighbour(this, notify.RTM_NEWNEIGH);
      return;
    }
    let lladdr = mac;
    if (lladdr === null) lladdr = this.mac;
    else if (old & NUD_VALID && this.mac !== null && hexOf(this.mac) === hexOf(lladdr)) lladdr = this.mac;
    if (lladdr === null) return;
    const different = this.mac === null || hexOf(this.mac) !== hexOf(lladdr);
    if (old & NUD_VALID && different && !override) {
      if (old & NUD_CONNECTED) {
        lladdr = this.mac!; // valid
        state = NUD_STALE;
      } else {
        return;
      }
    } else if (!different && state === NUD_STALE && old & NUD_CONNECTED) {
      state = old;
    }
    if (state & NUD_CONNECTED) this.confirmed = now;
    if (state !== old) {
      stack.timers.cancel(this);
      if (state & NUD_REACHABLE) this.after(this.reachableNs);
      this.state = state;
      this.updated = now;
    }
    if (different) {
      this.mac = lladdr.slice();
      if ((state & NUD_CONNECTED) === 0) this.confirmed = now - 2 * this.reachableNs;
    }
    if ((old & NUD_VALID) === 0) for (let skb = this.queue.shift(); skb !== null; skb = this.queue.shift()) this.transmit(skb);
    if (state !== old || different || byUser) notify.neighbour(this, notify.RTM_NEWNEIGH);
  }
  /** Upper layers heard from it. */
  confirm(): void {
    this.confirmed = this.device.ns.stack.now();
    if (this.state & (NUD_STALE | NUD_DELAY | NUD_PROBE)) {
      this.state = NUD_REACHABLE;
      this.after(this.reachableNs);
    }
  }
}

/** Puts an Ethernet header before a packet. */
export function pushEthernet(skb: SkBuff, d: NetDevice, destination: Uint8Array): void {
  if (!d.ethernet) return;
  const at = skb.push(ETH_HLEN);
  skb.data.set(destination, at);
  skb.data.set(d.mac, at + 6);
  skb.setU16(at + 12, skb.protocol);
}

export class NeighbourTable {
  /** 4 or 16. */
  readonly length: number;
  readonly protocol: NeighbourProtocol;
  private readonly entries: Map<string, Neighbour> = new Map();
  /** Addresses answered for: device index and address. */
  readonly proxies: Map<string, { readonly device: NetDevice | null; readonly ip: Uint8Array; flags: number }> = new Map();
  constructor(length: number, protocol: NeighbourProtocol) {
    this.length = length;
    this.protocol = protocol;
  }
  private key(d: NetDevice, ip: Uint8Array): string {
    return `${d.index}/${hexOf(ip)}`;
  }
  lookup(d: NetDevice, ip: Uint8Array): Neighbour | null {
    return this.entries.get(this.key(d, ip)) ?? null;
  }
  /** The entry, made if it is not there; devices without ARP have entries that need no question. */
  get(d: NetDevice, ip: Uint8Array): Neighbour {
    const key = this.key(d, ip);
    let n = this.entries.get(key);
    if (n === undefined) {
      n = new Neighbour(this, d, ip.slice());
      if (d.flags & IFF_NOARP || d.loopback) {
        n.state = NUD_NOARP;
        n.mac = new Uint8Array(6);
      }
      this.entries.set(key, n);
    }
    return n;
  }
  delete(n: Neighbour): void {
    n.device.ns.stack.timers.cancel(n);
    n.queue.clear();
    this.entries.delete(this.key(n.device, n.ip));
  }
  all(): Neighbour[] {
    return [...this.entries.values()];
  }
}

export function tableOf(ns: NetworkNamespace, length: number): NeighbourTable {
  return length === 4 ? ns.arp : ns.ndisc;
}
/** Drops a device's entries: all (`gone`), or those that are not permanent. */
export function neighboursOfDevice(d: NetDevice, length: number, gone: boolean): void {
  const table = tableOf(d.ns, length);
  for (const n of table.all()) if (n.device === d && (gone || (n.state & NUD_PERMANENT) === 0)) table.delete(n);
}
export function neighboursDown(d: NetDevice): void {
  neighboursOfDevice(d, 4, true);
  neighboursOfDevice(d, 16, true);
}
export function neighboursCarrierOff(d: NetDevice): void {
  neighboursOfDevice(d, 4, false);
  neighboursOfDevice(d, 16, false);
}
