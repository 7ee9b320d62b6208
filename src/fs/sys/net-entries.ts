/** /sys/devices/virtual/net: the loopback interface. */
import type { Kernel } from '../../kernel/kernel.ts';
import { dir, file } from '../pseudo/entries.ts';
import type { Entries, Entry } from '../pseudo/entries.ts';

const constant = (text: string | number): Entry<Kernel> => file(() => `${text}\n`);

const STATISTICS: readonly string[] = [
  'collisions', 'multicast', 'rx_bytes', 'rx_compressed', 'rx_crc_errors', 'rx_dropped', 'rx_errors', 'rx_fifo_errors', 'rx_frame_errors',
  'rx_length_errors', 'rx_missed_errors', 'rx_nohandler', 'rx_over_errors', 'rx_packets', 'tx_aborted_errors', 'tx_bytes', 'tx_carrier_errors',
  'tx_compressed', 'tx_dropped', 'tx_errors', 'tx_fifo_errors', 'tx_heartbeat_errors', 'tx_packets', 'tx_window_errors',
];
const statistics: Record<string, Entry<Kernel>> = {};
for (const name of STATISTICS) statistics[name] = constant(0);

export const loopbackEntries: Entries<Kernel> = {
  addr_assign_type: constant(0),
  addr_len: constant(6),
  address: constant('00:00:00:00:00:00'),
  broadcast: constant('00:00:00:00:00:00'),
  carrier: constant(1),
  dev_id: constant('0x0'),
  dormant: constant(0),
  flags: constant('0x9'),
  ifindex: constant(1),
  iflink: constant(1),
  link_mode: constant(0),
  mtu: constant(65536),
  operstate: constant('unknown'),
  statistics: dir(statistics),
  tx_queue_len: constant(1000),
  type: constant(772),
  uevent: constant('INTERFACE=lo\nIFINDEX=1'),
};
