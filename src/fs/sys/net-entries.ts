/** /sys/devices/virtual/net and /sys/class/net: the devices of the network namespace that the file system was mounted in. */
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import { EINVAL, EPERM } from '../../abi/errno.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { changeFlags, setMtu } from '../../net/device/device-registry.ts';
import type { NetDevice } from '../../net/device/net-device.ts';
import { BridgeDevice } from '../../net/device/bridge.ts';
import { TunDevice } from '../../net/device/tun.ts';
import type { NetworkNamespace } from '../../net/network-namespace.ts';
import { computed } from '../pseudo/computed-directory.ts';
import { dir, file, link, writable } from '../pseudo/entries.ts';
import type { Entries, Entry } from '../pseudo/entries.ts';
import type { PseudoSuperBlock } from '../pseudo/pseudo-inode.ts';

/** A sysfs that knows whose devices it shows. */
export interface NetTagged {
  readonly net: NetworkNamespace;
}
const netOf = (sb: PseudoSuperBlock): NetworkNamespace => (sb as unknown as NetTagged).net;

const shown = (make: () => string | number): Entry<Kernel> => file(() => `${make()}\n`);
const mac = (b: Uint8Array): string => Array.from(b, (x) => x.toString(16).padStart(2, '0')).join(':');

const STATISTICS: readonly string[] = [
  'collisions', 'multicast', 'rx_bytes', 'rx_compressed', 'rx_crc_errors', 'rx_dropped', 'rx_errors', 'rx_fifo_errors', 'rx_frame_errors',
  'rx_length_errors', 'rx_missed_errors', 'rx_nohandler', 'rx_over_errors', 'rx_packets', 'tx_aborted_errors', 'tx_bytes', 'tx_carrier_errors',
  'tx_compressed', 'tx_dropped', 'tx_errors', 'tx_fifo_errors', 'tx_heartbeat_errors', 'tx_packets', 'tx_window_errors',
];
function statistic(d: NetDevice, name: string): number {
  const s = d.stats;
  switch (name) {
    case 'rx_packets':
      return s.rxPackets;
    case 'tx_packets':
      return s.txPackets;
    case 'rx_bytes':
      return s.rxBytes;
    case 'tx_bytes':
      return s.txBytes;
    case 'rx_dropped':
      return s.rxDropped;
    case 'tx_dropped':
      return s.txDropped;
    case 'multicast':
      return s.multicast;
  }
  return 0;
}
const OPERSTATES: readonly string[] = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'];

/** A number that the administrator of the namespace may set. */
function settable(d: NetDevice, read: () => string | number, set: (n: number) => number): Entry<Kernel> {
  return writable(
    () => `${read()}\n`,
    (_k, ctx, text) => {
      if (!ctx.credentials.nsCapable(d.ns.userNs, CAP_NET_ADMIN)) return EPERM;
      const n = Number(text.trim());
      return Number.isInteger(n) ? set(n) : EINVAL;
    },
  );
}

function deviceEntries(d: NetDevice): Entries<Kernel> {
  const statistics: Record<string, Entry<Kernel>> = {};
  for (const name of STATISTICS) statistics[name] = shown(() => statistic(d, name));
  const out: Record<string, Entry<Kernel>> = {
    addr_assign_type: shown(() => d.addressAssign),
    addr_len: shown(() => d.mac.length),
    address: shown(() => mac(d.mac)),
    broadcast: shown(() => mac(d.broadcast)),
    carrier: file(() => (d.up ? `${d.carrier ? 1 : 0}\n` : EINVAL), 0o644),
    carrier_changes: shown(() => d.carrierUp + d.carrierDown),
    carrier_down_count: shown(() => d.carrierDown),
    carrier_up_count: shown(() => d.carrierUp),
    dev_id: shown(() => '0x0'),
    dev_port: shown(() => 0),
    dormant: file(() => (d.up ? '0\n' : EINVAL)),
    flags: settable(d, () => `0x${((d.flags & 0xffff) & ~0x40).toString(16)}`, (n) => changeFlags(d, n)),
    gro_flush_timeout: shown(() => 0),
    ifalias: file(() => (d.alias === '' ? '' : `${d.alias}\n`), 0o644),
    ifindex: shown(() => d.index),
    iflink: shown(() => d.link),
    link_mode: shown(() => d.linkMode),
    mtu: settable(d, () => d.mtu, (n) => setMtu(d, n)),
    name_assign_type: d.loopback ? shown(() => 2) : shown(() => 3),
    napi_defer_hard_irqs: shown(() => 0),
    netdev_group: settable(d, () => d.group, (n) => {
      d.group = n;
      return 0;
    }),
    operstate: shown(() => OPERSTATES[d.up ? d.operState : 2]!), // of 0 to 6
    power: dir({}),
    proto_down: shown(() => 0),
    queues: dir({}),
    statistics: dir(statistics),
    subsystem: link(() => '../../../../class/net'),
    testing: file(() => (d.up ? '0\n' : EINVAL)),
    threaded: shown(() => d.threaded),
    tx_queue_len: settable(d, () => d.txQueueLength, (n) => {
      d.txQueueLength = n;
      return 0;
    }),
    type: shown(() => d.type),
    uevent: shown(() => `${d.kind === 'bridge' ? 'DEVTYPE=bridge\n' : ''}INTERFACE=${d.name}\nIFINDEX=${d.index}`),
  };
  if (d instanceof TunDevice) out['tun_flags'] = shown(() => `0x${((d.tap ? 2 : 1) | (d.packetInfo ? 0 : 0x1000) | (d.persist ? 0x800 : 0)).toString(16)}`);
  if (d.master !== null) {
    const { master } = d;
    out['master'] = link(() => `../${master.name}`);
  }
  if (d.port !== null) out['brport'] = dir({ bridge: link(() => `../../${d.master?.name ?? ''}`), state: shown(() => d.port?.state ?? 0) });
  if (d instanceof BridgeDevice) {
    const ports: Record<string, Entry<Kernel>> = {};
    for (const p of d.ports) ports[p.device.name] = link(() => `../../${p.device.name}/brport`);
    out['brif'] = dir(ports);
    out['bridge'] = dir({ forward_delay: shown(() => d.forwardDelay), stp_state: shown(() => d.stpState), ageing_time: shown(() => d.ageingTime), priority: shown(() => d.bridgePriority) });
  }
  return out;
}

export const netDevices: Entry<Kernel> = computed('devices/net', (_ctx, sb) => {
  const out: Record<string, Entry<Kernel>> = {};
  for (const d of netOf(sb).devices) out[d.name] = dir(deviceEntries(d));
  return out;
});
export const netClass: Entry<Kernel> = computed('class/net', (_ctx, sb) => {
  const out: Record<string, Entry<Kernel>> = {};
  for (const d of netOf(sb).devices) out[d.name] = link(() => `../../devices/virtual/net/${d.name}`);
  return out;
});
