/** Connections and listeners of one namespace. Linux struct inet_hashinfo. */
import type { NetworkNamespace } from '../network-namespace.ts';
import { type Bound, PortTable } from '../inet/port-table.ts';
import { isAny, sameIp } from '../inet/inet-address.ts';
import type { SkBuff } from '../skb.ts';
import { runOn } from '../socket-filter.ts';
import type { TcpRequest } from './tcp-request.ts';
import type { TcpSocket } from './tcp-socket.ts';
import type { TimeWait } from './time-wait.ts';

/** What can stand under a pair of endpoints. */
export type Connection = TcpSocket | TimeWait | TcpRequest;

const AF_INET6 = 10;

export class TcpTables {
  private readonly ns: NetworkNamespace;
  /** Who has a port: sockets and what is left of them. */
  readonly ports: PortTable<Bound> = new PortTable<Bound>();
  readonly listeners: Map<number, TcpSocket[]> = new Map();
  private readonly connections: Map<number, Connection[]> = new Map();
  /** Sockets without a descriptor that still have something to say. */
  orphans = 0;
  timeWaits = 0;
  constructor(ns: NetworkNamespace) {
    this.ns = ns;
  }

  add(c: Connection): void {
    const key = c.local.port * 65536 + c.remote!.port; // what is added has both ends
    const list = this.connections.get(key);
    if (list === undefined) this.connections.set(key, [c]);
    else list.push(c);
  }
  remove(c: Connection): void {
    if (c.remote === null) return;
    const key = c.local.port * 65536 + c.remote.port;
    const list = this.connections.get(key);
    if (list === undefined) return;
    const i = list.indexOf(c);
    if (i >= 0) list.splice(i, 1);
    if (list.length === 0) this.connections.delete(key);
  }
  find(local: Uint8Array, lport: number, remote: Uint8Array, rport: number, iif: number): Connection | null {
    const list = this.connections.get(lport * 65536 + rport);
    if (list === undefined) return null;
    for (const c of list) if (sameIp(c.local.ip, local) && sameIp(c.remote!.ip, remote) && (c.boundIndex === 0 || iif === 0 || c.boundIndex === iif)) return c; // as above
    return null;
  }
  *all(): IterableIterator<Connection> {
    for (const list of this.connections.values()) yield* list;
  }

  listen(s: TcpSocket): void {
    const list = this.listeners.get(s.local.port);
    if (list === undefined) this.listeners.set(s.local.port, [s]);
    else list.push(s);
  }
  unlisten(s: TcpSocket): void {
    const list = this.listeners.get(s.local.port);
    if (list === undefined) return;
    const i = list.indexOf(s);
    if (i >= 0) list.splice(i, 1);
    if (list.length === 0) this.listeners.delete(s.local.port);
  }
  /** Who listens at (to, port); of a SO_REUSEPORT group the one that the hash of the connection chooses. */
  findListener(from: Uint8Array, sport: number, to: Uint8Array, port: number, iif: number, skb: SkBuff | null): TcpSocket | null {
    const list = this.listeners.get(port);
    if (list === undefined) return null;
    let best: TcpSocket | null = null;
    let bestScore = -1;
    for (const s of list) {
      const n = score(s, to, iif);
      if (n > bestScore) {
        best = s;
        bestScore = n;
      }
    }
    if (best === null || !best.reusePort) return best;
    const group = list.filter((s) => s.reusePort && s.ownerUid === best.ownerUid && score(s, to, iif) === bestScore);
    if (group.length < 2) return best;
    if (best.reusePortFilter !== null && skb !== null) {
      const i = runOn(best.reusePortFilter, skb, skb.start, this.ns.stack.random());
      if (i < group.length) return group[i]!; // in range
    }
    let h = 2166136261;
    for (const b of from) h = Math.imul(h ^ b, 16777619);
    for (const b of to) h = Math.imul(h ^ b, 16777619);
    h = Math.imul(h ^ sport, 16777619);
    h = Math.imul(h ^ port, 16777619);
    h ^= h >>> 15;
    return group[Math.floor(((h >>> 0) * group.length) / 4294967296)]!; // less than the length
  }
  /** The namespace ends: what is left of connections goes. */
  end(): void {
    for (const c of [...this.all()]) c.kill();
  }
}

function score(s: TcpSocket, to: Uint8Array, iif: number): number {
  if (s.boundIndex !== 0 && s.boundIndex !== iif) return -1;
  if (to.length === 16 && s.family !== AF_INET6) return -1;
  if (to.length === 4 && s.family === AF_INET6 && s.v6only) return -1;
  let n = s.boundIndex !== 0 ? 4 : 1;
  if (to.length === 4 && s.family !== AF_INET6) n += 1;
  if (!isAny(s.local.ip)) {
    if (!sameIp(s.local.ip, to)) return -1;
    n += 8;
  }
  return n;
}
