/** Ports of one protocol in one namespace: who is bound where. Facts: Linux 6.18 net/ipv4/inet_connection_sock.c inet_bind_conflict(). */
import { isAny, sameIp } from './inet-address.ts';
import type { InetSocket } from './inet-socket.ts';

/** A port that a closed connection keeps from being bound again at once (TIME_WAIT). */
interface Remnant {
  readonly ip: Uint8Array;
  readonly reuse: boolean;
  /** Monotonic ns. */
  readonly until: number;
}

export class PortTable {
  private readonly bound: Map<number, InetSocket[]> = new Map();
  private readonly remnants: Map<number, Remnant[]> = new Map();
  private nextEphemeral = 0;

  /** Everybody bound to `port`. */
  at(port: number): readonly InetSocket[] {
    return this.bound.get(port) ?? NONE;
  }
  /** Every bound socket, for /proc/net. */
  *all(): IterableIterator<InetSocket> {
    for (const list of this.bound.values()) yield* list;
  }
  add(port: number, s: InetSocket): void {
    const list = this.bound.get(port);
    if (list === undefined) this.bound.set(port, [s]);
    else list.push(s);
  }
  remove(port: number, s: InetSocket): void {
    const list = this.bound.get(port);
    if (list === undefined) return;
    const i = list.indexOf(s);
    if (i >= 0) list.splice(i, 1);
    if (list.length === 0) this.bound.delete(port);
  }
  /** Keeps `port` for a while after an orderly close. */
  linger(port: number, ip: Uint8Array, reuse: boolean, until: number): void {
    const list = this.remnants.get(port) ?? [];
    list.push({ ip, reuse, until });
    this.remnants.set(port, list);
  }

  /** True if `s` may not bind to (ip, port). */
  conflicts(s: InetSocket, ip: Uint8Array, port: number, now: number): boolean {
    for (const o of this.at(port)) {
      if (o === s || !s.sharesDevice(o) || !overlap(s, ip, o)) continue;
      if (s.reusePort && o.reusePort && s.ownerUid === o.ownerUid) continue;
      if (s.reuseAddress && o.reuseAddress && !o.listening) continue;
      return true;
    }
    const old = this.remnants.get(port);
    if (old === undefined) return false;
    const alive = old.filter((r) => r.until > now);
    if (alive.length === 0) this.remnants.delete(port);
    else this.remnants.set(port, alive);
    return alive.some((r) => !(s.reuseAddress && r.reuse) && (isAny(ip) || sameIp(ip, r.ip)));
  }

  /** A free port for `s` at `ip` between first and last, or 0. `random`: any number, to begin the search with. */
  ephemeral(s: InetSocket, ip: Uint8Array, first: number, last: number, random: number, now: number): number {
    const n = last - first + 1;
    if (this.nextEphemeral === 0) this.nextEphemeral = random % n;
    for (let i = 0; i < n; i++) {
      const port = first + ((this.nextEphemeral + i) % n);
      if (this.bound.has(port) || this.conflicts(s, ip, port, now)) continue;
      this.nextEphemeral = port - first + 1;
      return port;
    }
    return 0;
  }
}

const NONE: readonly InetSocket[] = [];

/** The addresses of a new binding and of an existing one have something in common. */
export function overlap(s: InetSocket, ip: Uint8Array, o: InetSocket): boolean {
  const other = o.local.ip;
  if (isAny(ip)) return covers(s, ip, other);
  if (isAny(other)) return covers(o, other, ip);
  return sameIp(ip, other);
}
/** An unspecified address takes in all of its family; an IPv6 one also IPv4, unless the socket is IPv6 only. */
function covers(holder: InetSocket, any: Uint8Array, ip: Uint8Array): boolean {
  if (any.length === ip.length) return true;
  if (any.length === 16) return !holder.v6only;
  return isAny(ip);
}
