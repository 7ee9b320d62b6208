/** Ports of one protocol in one namespace: who is bound where. Facts: Linux 6.18 net/ipv4/inet_connection_sock.c, udp.c udp_lib_get_port(). */
import { isAny, sameIp } from './inet-address.ts';

/** What the table looks at. */
export interface Bound {
  readonly local: { readonly ip: Uint8Array; readonly port: number };
  readonly v6only: boolean;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  readonly boundIndex: number;
  readonly ownerUid: number;
  readonly listening: boolean;
}

export class PortTable<S extends Bound> {
  private readonly bound: Map<number, S[]> = new Map();
  private nextEphemeral = -1;

  /** Everybody bound to `port`. */
  at(port: number): readonly S[] {
    return this.bound.get(port) ?? NONE;
  }
  *all(): IterableIterator<S> {
    for (const list of this.bound.values()) yield* list;
  }
  add(port: number, s: S): void {
    const list = this.bound.get(port);
    if (list === undefined) this.bound.set(port, [s]);
    else list.push(s);
  }
  remove(port: number, s: S): void {
    const list = this.bound.get(port);
    if (list === undefined) return;
    const i = list.indexOf(s);
    if (i >= 0) list.splice(i, 1);
    if (list.length === 0) this.bound.delete(port);
  }
  /** True if `s` may not bind to (ip, port). */
  conflicts(s: S, ip: Uint8Array, port: number): boolean {
    for (const o of this.at(port)) {
      if (o === s || (s.boundIndex !== 0 && o.boundIndex !== 0 && s.boundIndex !== o.boundIndex) || !overlap(s, ip, o)) continue;
      if (s.reusePort && o.reusePort && s.ownerUid === o.ownerUid) continue;
      if (s.reuseAddress && o.reuseAddress && !o.listening) continue;
      return true;
    }
    return false;
  }
  /** A port between first and last that nobody has, or else that does not conflict; 0: none. `random`: to begin the search with. */
  ephemeral(s: S, ip: Uint8Array, first: number, last: number, random: number, reserved: (port: number) => boolean): number {
    const n = last - first + 1;
    if (n <= 0) return 0;
    if (this.nextEphemeral < 0) this.nextEphemeral = random % n;
    for (let i = 0; i < n; i++) {
      const port = first + ((this.nextEphemeral + i) % n);
      if (reserved(port) || (this.bound.has(port) && this.conflicts(s, ip, port))) continue;
      this.nextEphemeral = (port - first + 1 + (random & 7)) % n;
      return port;
    }
    return 0;
  }
}

const NONE: readonly never[] = [];

/** The addresses of a new binding and of an existing one have something in common. */
export function overlap(s: Bound, ip: Uint8Array, o: Bound): boolean {
  const other = o.local.ip;
  if (isAny(ip)) return covers(s, ip, other);
  if (isAny(other)) return covers(o, other, ip);
  return sameIp(ip, other);
}
/** An unspecified address takes in all of its family; an IPv6 one also IPv4, unless the socket is IPv6 only. */
function covers(holder: Bound, any: Uint8Array, ip: Uint8Array): boolean {
  if (any.length === ip.length) return true;
  if (any.length === 16) return !holder.v6only;
  return isAny(ip);
}
