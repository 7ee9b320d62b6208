/** /proc/PID/net: tables of the task's network namespace. */
import { file } from '../pseudo/entries.ts';
import type { Entries } from '../pseudo/entries.ts';
import type { ProcTask } from './proc-task.ts';

const DEV_HEAD =
  'Inter-|   Receive                                                |  Transmit\n' +
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';
const LOOPBACK = '    lo:       0       0    0    0    0     0          0         0        0       0    0    0    0     0       0          0\n';
const TCP_HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'.padEnd(149) + '\n';
const TCP6_HEAD =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const UDP_HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             \n';
const ROUTE_HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'.padEnd(127) + '\n';

export const networkEntries: Entries<ProcTask> = {
  arp: file(() => 'IP address       HW type     Flags       HW address            Mask     Device\n'),
  dev: file(() => DEV_HEAD + LOOPBACK),
  if_inet6: file(() => '00000000000000000000000000000001 01 80 10 80       lo\n'),
  netlink: file(() => 'sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n'),
  packet: file(() => 'sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n'),
  raw: file(() => UDP_HEAD),
  raw6: file(() => TCP6_HEAD),
  route: file(() => ROUTE_HEAD),
  sockstat: file(() => 'sockets: used 0\nTCP: inuse 0 orphan 0 tw 0 alloc 0 mem 0\nUDP: inuse 0 mem 0\nUDPLITE: inuse 0\nRAW: inuse 0\nFRAG: inuse 0 memory 0\n'),
  tcp: file(() => TCP_HEAD),
  tcp6: file(() => TCP6_HEAD),
  udp: file(() => UDP_HEAD),
  udp6: file(() => TCP6_HEAD),
  unix: file(() => 'Num       RefCount Protocol Flags    Type St Inode Path\n'),
};
