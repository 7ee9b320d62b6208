/** Values of /proc/sys/net in one network namespace. Linux net/ipv4/sysctl_net_ipv4.c, devinet.c, net/ipv6/addrconf.c. */
import { EINVAL } from '../abi/errno.ts';
import type { KGid } from '../abi/ids.ts';
import type { NetDevice } from './device/net-device.ts';
import { ipv6Disabled } from './ipv6/addrconf.ts';
import type { NetworkNamespace } from './network-namespace.ts';
import { CONF4, CONF6, INITIAL_ONLY, NEIGH4, NEIGH6, TOP } from './sysctl-table.ts';

type Values = Record<string, number | string>;
const INT_MAX = 0x7fffffff;
const INT_MIN = -0x80000000;

/** Ranges other than that of an int. */
const RANGES: Readonly<Record<string, readonly [number, number]>> = {
  'core/somaxconn': [0, INT_MAX],
  'ipv4/ip_unprivileged_port_start': [0, 65535],
  'ipv4/ip_default_ttl': [1, 255],
  'ipv4/tcp_fin_timeout': [INT_MIN, INT_MAX],
  'ipv4/tcp_syn_retries': [1, 127],
  'ipv4/tcp_synack_retries': [0, 255],
  'ipv4/tcp_retries1': [0, 255],
  'ipv4/tcp_retries2': [0, 255],
  'ipv4/tcp_notsent_lowat': [0, 0xffffffff],
  'ipv4/tcp_syncookies': [0, 2],
  'ipv4/tcp_timestamps': [0, 2],
  'ipv4/tcp_tw_reuse': [0, 2],
  'ipv4/tcp_ecn': [0, 5],
  'ipv4/tcp_window_scaling': [0, 1],
  'ipv4/tcp_sack': [0, 1],
  'ipv4/ip_no_pmtu_disc': [0, 3],
  'ipv4/tcp_rto_min_us': [1, INT_MAX],
  'ipv4/tcp_rto_max_ms': [1000, 120000],
};
/** Names that are bytes with values 0 and 1. */
const READ_ONLY: ReadonlySet<string> = new Set([
  'ipv4/tcp_available_congestion_control',
  'ipv4/tcp_ehash_entries',
  'ipv4/udp_hash_entries',
]);
/** Values of the machine that other namespaces see but do not set. */
const OF_THE_MACHINE: ReadonlySet<string> = new Set([
  'core/rmem_default',
  'core/rmem_max',
  'core/wmem_default',
  'core/wmem_max',
  'ipv4/tcp_allowed_congestion_control',
]);

export const NO_GROUPS: readonly [KGid, KGid] = [1 as KGid, 0 as KGid];

export class Sysctls {
  readonly top: Values;
  readonly all4: Record<string, number>;
  readonly default4: Record<string, number>;
  readonly all6: Record<string, number>;
  readonly default6: Record<string, number>;
  readonly neighDefault4: Record<string, number>;
  readonly neighDefault6: Record<string, number>;
  private readonly initial: boolean;
  /** Counts changes of the set of names. */
  generation = 0;
  /** ping_group_range: groups that may have ping sockets; none at first. */
  pingGroups: readonly [KGid, KGid] = NO_GROUPS;
  // What hot paths read.
  forward4 = false;
  forward6 = false;

  constructor(initial: boolean) {
    this.initial = initial;
    this.top = { ...TOP, ...(initial ? INITIAL_ONLY : {}) };
    this.all4 = { ...CONF4, accept_source_route: 0 };
    this.default4 = { ...CONF4 };
    this.all6 = { ...(CONF6 as Record<string, number>), accept_dad: 0 };
    this.default6 = { ...(CONF6 as Record<string, number>) };
    this.neighDefault4 = { ...NEIGH4 };
    this.neighDefault6 = { ...NEIGH6 };
  }
  number(name: string): number {
    const v = this.top[name];
    return typeof v === 'number' ? v : 0;
  }
  /** The i-th of several numbers. */
  nth(name: string, i: number): number {
    return Number(String(this.top[name]).split(' ')[i] ?? 0);
  }
  text(name: string): string {
    return String(this.top[name]);
  }

  readOnly(name: string): boolean {
    return READ_ONLY.has(name) || (!this.initial && OF_THE_MACHINE.has(name));
  }
  /** Takes a written value for net.NAME: 0 or EINVAL. */
  write(ns: NetworkNamespace, name: string, text: string): number {
    const old = this.top[name];
    if (old === undefined) return EINVAL;
    const words = text.trim().split(/\s+/);
    if (name === 'ipv4/tcp_congestion_control') {
      if (!this.text('ipv4/tcp_available_congestion_control').split(' ').includes(words[0]!)) return -2; // ENOENT; split gives one
      this.top[name] = words[0]!; // as above
      return 0;
    }
    if (typeof old === 'string' && /^-?\d+ /.test(old)) return this.writeSeveral(name, old, words);
    if (typeof old === 'string') {
      this.top[name] = text.trim();
      return 0;
    }
    const n = parse(words[0]!); // as above
    const [min, max] = RANGES[name] ?? [INT_MIN, INT_MAX];
    if (Number.isNaN(n) || n < min || n > max) return EINVAL;
    this.top[name] = n;
    if (name === 'ipv4/ip_forward') this.setForwarding4(ns, n);
    return 0;
  }
  private writeSeveral(name: string, old: string, words: string[]): number {
    const values = old.split(' ').map(Number);
    for (let i = 0; i < words.length && i < values.length; i++) {
      const n = parse(words[i]!); // in range
      if (Number.isNaN(n)) return EINVAL;
      values[i] = n;
    }
    if (name === 'ipv4/ip_local_port_range' && (values[0]! < 1 || values[1]! > 65535 || values[0]! > values[1]!)) return EINVAL; // two of them
    this.top[name] = values.join(' ');
    return 0;
  }

  /** net.ipv4.ip_forward is conf.all.forwarding; it sets all devices and the default. */
  setForwarding4(ns: NetworkNamespace, value: number): void {
    this.forward4 = value !== 0;
    this.top['ipv4/ip_forward'] = value;
    this.all4['forwarding'] = this.default4['forwarding'] = value;
    for (const d of ns.devices) d.conf4['forwarding'] = value;
    ns.routesChanged();
  }
  private setForwarding6(ns: NetworkNamespace, value: number): void {
    this.forward6 = value !== 0;
    this.all6['forwarding'] = this.default6['forwarding'] = value;
    for (const d of ns.devices) d.conf6['forwarding'] = value;
    ns.routesChanged();
  }
  /** Takes a written value for net.ipv4.conf.NAME.KEY and so on. `values`: of the device, of all or of default. */
  writeConf(ns: NetworkNamespace, six: boolean, values: Record<string, number>, key: string, text: string): number {
    const n = parse(text.trim().split(/\s+/)[0] ?? '');
    if (Number.isNaN(n)) return EINVAL;
    if (key === 'mtu' && n < 1280) return EINVAL;
    values[key] = n;
    if (key === 'forwarding') {
      if (!six && values === this.all4) this.setForwarding4(ns, n);
      if (six && values === this.all6) this.setForwarding6(ns, n);
    }
    if (key === 'disable_ipv6' && values === this.all6) for (const d of ns.devices) d.conf6['disable_ipv6'] = n;
    if (key === 'disable_ipv6') ipv6Disabled(ns, values);
    ns.routesChanged();
    return 0;
  }
}

function parse(word: string): number {
  return /^[-+]?(0x[0-9a-fA-F]+|\d+)$/.test(word) ? Number(word) : Number.NaN;
}

/** The values of a new device. */
export function deviceConf(ns: NetworkNamespace, d: NetDevice): void {
  const s = ns.sysctls;
  d.conf4 = { ...s.default4 };
  d.conf6 = { ...s.default6, mtu: d.mtu };
  if (d.loopback) {
    d.conf4['disable_policy'] = d.conf4['disable_xfrm'] = 1;
    d.conf6['accept_dad'] = -1;
    d.conf6['use_tempaddr'] = -1;
  }
  d.neigh4 = { ...s.neighDefault4 };
  d.neigh6 = { ...s.neighDefault6 };
  const reachable = (base: number): number => Math.floor(base / 2) + (ns.stack.random() % base);
  d.reachableTime4 = reachable(d.neigh4['base_reachable_time_ms']!); // from the table
  d.reachableTime6 = reachable(d.neigh6['base_reachable_time_ms']!); // as above
  s.generation++;
}
