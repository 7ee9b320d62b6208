/** Routes, tables and rules of one address family in one namespace. Linux net/ipv4/fib_trie.c, fib_rules.c, net/ipv6/ip6_fib.c. */
import { EACCES, EAGAIN, EHOSTUNREACH, EINVAL, ENETUNREACH, type Errno } from '../../abi/errno.ts';
import type { NetDevice } from '../device/net-device.ts';

export const RT_TABLE_DEFAULT = 253;
export const RT_TABLE_MAIN = 254;
export const RT_TABLE_LOCAL = 255;
export const RT_SCOPE_UNIVERSE = 0;
export const RT_SCOPE_SITE = 200;
export const RT_SCOPE_LINK = 253;
export const RT_SCOPE_HOST = 254;
export const RT_SCOPE_NOWHERE = 255;
export const RTN_UNSPEC = 0;
export const RTN_UNICAST = 1;
export const RTN_LOCAL = 2;
export const RTN_BROADCAST = 3;
export const RTN_ANYCAST = 4;
export const RTN_MULTICAST = 5;
export const RTN_BLACKHOLE = 6;
export const RTN_UNREACHABLE = 7;
export const RTN_PROHIBIT = 8;
export const RTN_THROW = 9;
export const RTPROT_KERNEL = 2;
export const RTPROT_BOOT = 3;
export const RTNH_F_DEAD = 1;
export const RTNH_F_ONLINK = 4;
export const RTNH_F_LINKDOWN = 16;
/** fib_rule actions. */
export const FR_ACT_TO_TBL = 1;
export const FR_ACT_GOTO = 2;
export const FR_ACT_NOP = 3;
export const FR_ACT_BLACKHOLE = 6;
export const FR_ACT_UNREACHABLE = 7;
export const FR_ACT_PROHIBIT = 8;
export const FIB_RULE_INVERT = 2;

export class NextHop {
  readonly device: NetDevice | null;
  readonly gateway: Uint8Array | null;
  weight = 1;
  flags = 0;
  constructor(device: NetDevice | null, gateway: Uint8Array | null) {
    this.device = device;
    this.gateway = gateway;
  }
}

export class Route {
  readonly dst: Uint8Array;
  readonly prefix: number;
  readonly table: number;
  type: number = RTN_UNICAST;
  protocol: number = RTPROT_BOOT;
  scope = 0;
  tos = 0;
  priority = 0;
  prefSource: Uint8Array | null = null;
  src: Uint8Array | null = null;
  srcPrefix = 0;
  /** RTAX_ number to value. */
  metrics: Map<number, number> | null = null;
  hops: NextHop[] = [];
  /** RTM_F_ bits, and for IPv6 RTF_. */
  flags = 0;
  preference = 0;
  /** Monotonic ns; 0: never. */
  expires = 0;
  constructor(dst: Uint8Array, prefix: number, table: number) {
    this.dst = dst;
    this.prefix = prefix;
    this.table = table;
  }
  get device(): NetDevice | null {
    return this.hops[0]?.device ?? null;
  }
}

/** What is looked for. One object is reused by callers that look up once. */
export interface Flow {
  destination: Uint8Array;
  source: Uint8Array | null;
  oif: number;
  iif: number;
  mark: number;
  tos: number;
  uid: number;
  protocol: number;
  sport: number;
  dport: number;
  scope: number;
}
export function flowTo(destination: Uint8Array): Flow {
  return { destination, source: null, oif: 0, iif: 0, mark: 0, tos: 0, uid: 0, protocol: 0, sport: 0, dport: 0, scope: 0 };
}

export class Rule {
  priority = 0;
  action: number = FR_ACT_TO_TBL;
  table = 0;
  flags = 0;
  target = 0;
  tos = 0;
  src: Uint8Array | null = null;
  srcPrefix = 0;
  dst: Uint8Array | null = null;
  dstPrefix = 0;
  iifName = '';
  oifName = '';
  mark = 0;
  markMask = 0;
  uidFirst = 0;
  uidLast = 0xffffffff;
  protocol = 0;
  ipProtocol = 0;
  suppressPrefix = -1;
  suppressGroup = -1;
  sport: readonly [number, number] | null = null;
  dport: readonly [number, number] | null = null;
}

/** True if the first `prefix` bits of `a` and `b` (same length) agree. */
export function samePrefix(a: Uint8Array, b: Uint8Array, prefix: number): boolean {
  const whole = prefix >> 3;
  for (let i = 0; i < whole; i++) if (a[i] !== b[i]) return false;
  const rest = prefix & 7;
  return rest === 0 || ((a[whole]! ^ b[whole]!) & (0xff00 >> rest)) === 0; // whole < length, as prefix is at most 8 * length
}
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
/** `a` with all bits behind the first `prefix` cleared. */
export function networkOf(a: Uint8Array, prefix: number): Uint8Array {
  const out = new Uint8Array(a.length);
  for (let i = 0; i < a.length; i++) out[i] = a[i]! & (0xff00 >> Math.min(8, Math.max(0, prefix - 8 * i))) & 0xff; // in range
  return out;
}
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! - b[i]!; // same length
  return 0;
}

/** What a lookup found. */
export class Found {
  readonly route: Route;
  readonly hop: NextHop;
  constructor(route: Route, hop: NextHop) {
    this.route = route;
    this.hop = hop;
  }
}

export class RouteTables {
  readonly family: number;
  readonly length: number;
  /** Each table's routes in the order of the lookup: longest prefix, TOS, lowest priority, oldest. */
  readonly tables: Map<number, Route[]> = new Map();
  readonly rules: Rule[] = [];
  /** A route was added once. */
  used = false;
  constructor(family: number, length: number) {
    this.family = family;
    this.length = length;
    this.tables.set(RT_TABLE_MAIN, []);
    this.tables.set(RT_TABLE_LOCAL, []);
    this.addDefaultRule(0, RT_TABLE_LOCAL);
    this.addDefaultRule(32766, RT_TABLE_MAIN);
    if (length === 4) this.addDefaultRule(32767, RT_TABLE_DEFAULT);
  }
  private addDefaultRule(priority: number, table: number): void {
    const r = new Rule();
    r.priority = priority;
    r.table = table;
    r.protocol = RTPROT_KERNEL;
    this.rules.push(r);
  }
  table(id: number): Route[] {
    let t = this.tables.get(id);
    if (t === undefined) this.tables.set(id, (t = []));
    return t;
  }
  /** Puts a route among its equals: `append` behind those of the same priority, else before them (IPv4's order of fib_alias). */
  insert(r: Route, append: boolean): void {
    this.used = true;
    const t = this.table(r.table);
    let i = 0;
    for (; i < t.length; i++) {
      const o = t[i]!; // in range
      if (o.prefix !== r.prefix) {
        if (o.prefix < r.prefix) break;
        continue;
      }
      if (o.tos !== r.tos) {
        if (o.tos < r.tos) break;
        continue;
      }
      if (o.priority > r.priority || (o.priority === r.priority && !append && sameBytes(o.dst, r.dst))) break;
    }
    t.splice(i, 0, r);
  }
  remove(r: Route): boolean {
    const t = this.tables.get(r.table);
    const i = t?.indexOf(r) ?? -1;
    if (t === undefined || i < 0) return false;
    t.splice(i, 1);
    return true;
  }
  *all(): IterableIterator<Route> {
    for (const t of this.tables.values()) yield* t;
  }

  /** The route of a flow by the rules: Found, or the errno of the rule or route that refuses, ENETUNREACH. */
  lookup(flow: Flow, nameOf: (index: number) => string): Found | Errno {
    for (let i = 0; i < this.rules.length; i++) {
      const rule = this.rules[i]!; // in range
      if (!matches(rule, flow, nameOf)) continue;
      switch (rule.action) {
        case FR_ACT_TO_TBL: {
          const found = this.lookupIn(rule.table, flow);
          if (found === null || found === EAGAIN) continue;
          if (typeof found === 'number') return found;
          if (rule.suppressPrefix >= 0 && found.route.prefix <= rule.suppressPrefix) continue;
          return found;
        }
        case FR_ACT_GOTO: {
          const to = this.rules.findIndex((r, j) => j > i && r.priority >= rule.target);
          if (to < 0) continue;
          i = to - 1;
          continue;
        }
        case FR_ACT_BLACKHOLE:
          return EINVAL;
        case FR_ACT_UNREACHABLE:
          return ENETUNREACH;
        case FR_ACT_PROHIBIT:
          return EACCES;
      }
    }
    return ENETUNREACH;
  }
  /** In one table: null: nothing there. */
  lookupIn(id: number, flow: Flow): Found | Errno | null {
    const t = this.tables.get(id);
    if (t === undefined) return null;
    const { destination } = flow;
    for (const r of t) {
      if (!samePrefix(r.dst, destination, r.prefix)) continue;
      if (r.tos !== 0 && r.tos !== (flow.tos & 0x1c)) continue;
      if (r.scope < flow.scope) continue;
      if (r.src !== null && (flow.source === null || !samePrefix(r.src, flow.source, r.srcPrefix))) continue;
      switch (r.type) {
        case RTN_BLACKHOLE:
          return EINVAL;
        case RTN_UNREACHABLE:
          return EHOSTUNREACH;
        case RTN_PROHIBIT:
          return EACCES;
        case RTN_THROW:
          return EAGAIN;
      }
      const hop = selectHop(r, flow);
      if (hop !== null) return new Found(r, hop);
    }
    return null;
  }
}

const NO_HOP = new NextHop(null, null);
/** A next hop that may be used; of several by a hash of the addresses and their weights (fib_multipath_hash_policy 0). */
function selectHop(r: Route, flow: Flow): NextHop | null {
  if (r.hops.length === 0) return NO_HOP;
  let total = 0;
  let first: NextHop | null = null;
  for (const h of r.hops) {
    if (!usable(h, r, flow)) continue;
    first ??= h;
    total += h.weight;
  }
  if (r.hops.length === 1 || first === null || total === first.weight) return first;
  let hash = 2166136261;
  for (const b of flow.destination) hash = Math.imul(hash ^ b, 16777619);
  if (flow.source !== null) for (const b of flow.source) hash = Math.imul(hash ^ b, 16777619);
  let at = (hash >>> 0) % total;
  for (const h of r.hops) {
    if (!usable(h, r, flow)) continue;
    if (at < h.weight) return h;
    at -= h.weight;
  }
  return first;
}
function usable(h: NextHop, r: Route, flow: Flow): boolean {
  if (h.flags & RTNH_F_DEAD) return false;
  if (flow.oif !== 0 && h.device !== null && h.device.index !== flow.oif) return false;
  return r.type === RTN_LOCAL || h.device === null || h.device.up;
}

function matches(rule: Rule, flow: Flow, nameOf: (index: number) => string): boolean {
  let m = true;
  if (rule.iifName !== '' && rule.iifName !== (flow.iif === 0 ? 'lo' : nameOf(flow.iif))) m = false;
  else if (rule.oifName !== '' && (flow.oif === 0 || rule.oifName !== nameOf(flow.oif))) m = false;
  else if (((rule.mark ^ flow.mark) & rule.markMask) !== 0) m = false;
  else if (flow.uid < rule.uidFirst || flow.uid > rule.uidLast) m = false;
  else if (rule.src !== null && !samePrefix(rule.src, flow.source ?? new Uint8Array(rule.src.length), rule.srcPrefix)) m = false;
  else if (rule.dst !== null && !samePrefix(rule.dst, flow.destination, rule.dstPrefix)) m = false;
  else if (rule.tos !== 0 && rule.tos !== flow.tos) m = false;
  else if (rule.ipProtocol !== 0 && rule.ipProtocol !== flow.protocol) m = false;
  else if (rule.sport !== null && (flow.sport < rule.sport[0] || flow.sport > rule.sport[1])) m = false;
  else if (rule.dport !== null && (flow.dport < rule.dport[0] || flow.dport > rule.dport[1])) m = false;
  return (rule.flags & FIB_RULE_INVERT) !== 0 ? !m : m;
}
