/** /proc/PID/net: tables of the task's network namespace. Sockets and devices here; the rest is in network-routes.ts and network-counters.ts. */
import { ESRCH } from '../../abi/errno.ts';
import type { Task } from '../../kernel/task.ts';
import type { DatagramSocket } from '../../net/inet/datagram-socket.ts';
import { mapped } from '../../net/inet/inet-address.ts';
import type { NetworkNamespace } from '../../net/network-namespace.ts';
import { SocketDescription } from '../../net/socket-description.ts';
import { TCP_TIME_WAIT } from '../../net/tcp/sequence.ts';
import type { Connection } from '../../net/tcp/tcp-tables.ts';
import type { TcpSocket } from '../../net/tcp/tcp-socket.ts';
import { CONNECTED, LISTENING, UnixSocket } from '../../net/unix/unix-socket.ts';
import { file } from '../pseudo/entries.ts';
import type { Entries, FileEntry } from '../pseudo/entries.ts';
import { countersText, netstatText, snmp6Text, snmpText, sockstat6Text, sockstatText } from './network-counters.ts';
import { addresses6, arpTable, groups4, groups6, linkGroups, routes, routes6 } from './network-routes.ts';
import type { ProcTask } from './proc-task.ts';

const DEV_HEAD =
  'Inter-|   Receive                                                |  Transmit\n' +
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';
const TCP_HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'.padEnd(149) + '\n';
const TCP6_HEAD =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const UDP_HEAD = '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops             '.slice(0, 127) + '\n';
const UDP6_HEAD =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n';
const RAW_HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n';
const POINTER = '0000000000000000';
const MS = 1e6;

/** A table made of the task's network namespace. */
const table = (make: (net: NetworkNamespace, task: Task) => string, mode = 0o444): FileEntry<ProcTask> =>
  file((subject) => (subject.task === null ? ESRCH : make(subject.task.nsproxy.net, subject.task)), mode);

const hex = (n: number, width: number): string => (n >>> 0).toString(16).toUpperCase().padStart(width, '0');

/** An address as little-endian words in hexadecimal, and the port. */
function endpoint(ip: Uint8Array, port: number): string {
  let text = '';
  for (let i = 0; i < ip.length; i += 4) text += hex((ip[i + 3] ?? 0) * 0x1000000 + ((ip[i + 2] ?? 0) << 16) + ((ip[i + 1] ?? 0) << 8) + (ip[i] ?? 0), 8);
  return `${text}:${hex(port, 4)}`;
}
/** An IPv4 address of a version-6 socket is shown mapped, the unspecified one not. */
function widen(ip: Uint8Array, v6: boolean): Uint8Array {
  if (!v6 || ip.length === 16) return ip;
  return ip.every((b) => b === 0) ? new Uint8Array(16) : mapped(ip);
}

function tcpLine(c: Connection, slot: number, v6: boolean): string {
  const local = endpoint(widen(c.local.ip, v6), c.local.port);
  const remote = c.remote === null ? endpoint(new Uint8Array(v6 ? 16 : 4), 0) : endpoint(widen(c.remote.ip, v6), c.remote.port);
  const head = `${String(slot).padStart(4)}: ${local} ${remote}`;
  if (c.kind === 'timewait') {
    const left = Math.max(0, Math.floor((c.deadline - c.ns.stack.now()) / 10 / MS));
    return `${head} ${hex(c.substate === TCP_TIME_WAIT ? 6 : c.substate, 2)} 00000000:00000000 03:${hex(left, 8)} 00000000     0        0 0 3 ${POINTER}`;
  }
  if (c.kind === 'request') {
    const left = Math.max(0, Math.floor((c.deadline - c.ns.stack.now()) / 10 / MS));
    return `${head} 03 00000000:00000000 01:${hex(left, 8)} ${hex(0, 8)} ${String(c.listener.ownerUid).padStart(5)}        0 0 0 ${POINTER}`;
  }
  return `${head}${tcpSocketTail(c)}`;
}
function tcpSocketTail(s: TcpSocket): string {
  const ino = s.file?.inode.ino ?? 0;
  const now = s.now();
  let timer = 0;
  let when = 0;
  if (s.retransmitTimer.armed) {
    timer = s.packetsOut > 0 ? 1 : 4;
    when = s.retransmitTimer.deadline - now;
  } else if (s.keepaliveTimer.armed) {
    timer = 2;
    when = s.keepaliveTimer.deadline - now;
  }
  const ticks = Math.max(0, Math.floor(when / 10 / MS));
  const listen = s.listening;
  const queues = `${hex(listen ? 0 : s.unreadBytes, 8)}:${hex(s.queuedBytes, 8)}`;
  const tail = listen
    ? ' 100 0 0 10 0'
    : ` ${Math.floor(s.rto / 10 / MS)} ${Math.floor(s.ato / 10 / MS)} ${(s.quickAcks << 1) | (s.pingpong ? 1 : 0)} ${s.cwnd} ${s.ssthresh >= 0x7fffffff ? -1 : s.ssthresh}`;
  return ` ${hex(s.state, 2)} ${queues} ${hex(timer, 2)}:${hex(ticks, 8)} ${hex(s.retransmits, 8)} ${String(s.ownerUid).padStart(5)} ${String(s.probesOut).padStart(8)} ${ino} ${s.file === null ? 1 : timer !== 0 ? 2 : 1} ${POINTER}${tail}`;
}
function tcpTable(net: NetworkNamespace, v6: boolean): string {
  let text = v6 ? TCP6_HEAD : TCP_HEAD;
  let slot = 0;
  const add = (c: Connection): void => {
    if ((c.family === 10) === v6) text += (v6 ? tcpLine(c, slot++, v6) : tcpLine(c, slot++, v6).padEnd(149)) + '\n';
  };
  for (const list of net.tcp.listeners.values()) for (const s of list) add(s);
  for (const c of net.tcp.all()) add(c);
  return text;
}

/** One line of udp, raw and icmp. */
function datagramLine(s: DatagramSocket, slot: number, v6: boolean, width: number): string {
  const none = new Uint8Array(v6 ? 16 : 4);
  const local = endpoint(widen(s.local.ip, v6), s.local.port);
  const remote = s.remote === null ? endpoint(none, 0) : endpoint(widen(s.remote.ip, v6), s.type === 3 ? 0 : s.remote.port);
  const line = `${String(slot).padStart(width)}: ${local} ${remote} ${hex(s.stateNumber, 2)} ${hex(0, 8)}:${hex(s.queuedBytes, 8)} 00:00000000 00000000 ${String(s.ownerUid).padStart(5)}        0 ${s.file?.inode.ino ?? 0} 2 ${POINTER} ${s.drops}`;
  return `${width === 5 && !v6 ? line.padEnd(127) : line}\n`;
}
function datagramTable(head: string, sockets: Iterable<DatagramSocket>, v6: boolean, width: number, slotOf: (s: DatagramSocket) => number): string {
  let text = head;
  const list = [...sockets].filter((s) => (s.family === 10) === v6).sort((a, b) => slotOf(a) - slotOf(b));
  for (const s of list) text += datagramLine(s, slotOf(s), v6, width);
  return text;
}
/** The bucket that a socket's port falls into (udp_hash_entries). */
const udpSlot = (s: DatagramSocket): number => s.local.port & 16383;
const pingSlot = (s: DatagramSocket): number => s.local.port & 63;
const rawSlot = (s: DatagramSocket): number => s.local.port & 255;

function devices(net: NetworkNamespace): string {
  let text = DEV_HEAD;
  for (const d of net.devices) {
    const n = (value: number, width: number): string => String(value).padStart(width);
    const s = d.stats;
    text += `${d.name.padStart(6)}: ${n(s.rxBytes, 7)} ${n(s.rxPackets, 7)} ${n(s.rxErrors, 4)} ${n(s.rxDropped, 4)}    0     0          0 ${n(s.multicast, 9)} ${n(s.txBytes, 8)} ${n(s.txPackets, 7)} ${n(s.txErrors, 4)} ${n(s.txDropped, 4)}    0 ${n(s.collisions, 5)}       0          0\n`;
  }
  return text;
}

/** AF_UNIX sockets that some task of the kernel has open. Linux differs: those that are only in flight are not shown. */
function unixSockets(net: NetworkNamespace): string {
  let text = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
  for (const s of net.sockets) if (s instanceof UnixSocket && s.file instanceof SocketDescription) text += unixLine(s, s.file);
  return text;
}
function unixLine(s: UnixSocket, description: SocketDescription): string {
  const state = s.state === CONNECTED ? '03' : '01';
  const flags = s.state === LISTENING ? '00010000' : '00000000';
  let name = '';
  if (s.address !== null && s.address.length > 2) {
    const bytes = s.address.subarray(2);
    // Abstract names start with a zero, shown as @; so are the zeros inside.
    const abstract = bytes[0] === 0;
    const end = abstract ? bytes.length : bytes.indexOf(0) < 0 ? bytes.length : bytes.indexOf(0);
    name = ' ' + Array.from(bytes.subarray(0, end), (b) => (b === 0 ? '@' : String.fromCharCode(b))).join('');
  }
  return `${POINTER}: ${hex(description.refCount + 1, 8)} 00000000 ${flags} ${hex(s.type, 4)} ${state} ${String(description.inode.ino).padStart(5)}${name}\n`;
}

function netlinkSockets(net: NetworkNamespace): string {
  let text = 'sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n';
  const line = (protocol: number, pid: number, groups: number, rmem: number, drops: number, ino: number): string =>
    `${POINTER} ${String(protocol).padEnd(3)} ${String(pid).padEnd(10)} ${groups.toString(16).padStart(8, '0')} ${String(rmem).padEnd(8)} ${'0'.padEnd(8)} ${'0'.padEnd(5)} ${'2'.padEnd(8)} ${String(drops).padEnd(8)} ${String(ino).padEnd(8)}\n`;
  for (const protocol of [0, 4, 15, 16]) {
    text += line(protocol, 0, 0, 0, 0, 0);
    for (const s of net.netlinkSockets) if (s.protocol === protocol) text += line(protocol, s.pid, s.groupMask, s.queuedBytes, s.drops, s.file?.inode.ino ?? 0);
  }
  return text;
}
function packetSockets(net: NetworkNamespace): string {
  let text = 'sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n';
  for (const s of net.packetSockets)
    text += `${POINTER} ${'3'.padEnd(6)} ${String(s.type).padEnd(4)} ${s.binding.protocol.toString(16).padStart(4, '0')}   ${String(s.binding.index).padEnd(5)} 1 ${String(s.queuedBytes).padEnd(6)} ${String(s.ownerUid).padEnd(6)} ${String(s.file?.inode.ino ?? 0).padEnd(6)}\n`;
  return text;
}
function protocols(net: NetworkNamespace): string {
  let text = 'protocol  size sockets  memory press maxhdr  slab module     cl co di ac io in de sh ss gs se re bi br ha uh gp em\n';
  const count = (family: number, type: number, protocol: number): number => [...net.sockets].filter((s) => s.family === family && (type === 0 || s.type === type) && (protocol === 0 || s.protocol === protocol)).length;
  const rows: readonly (readonly [string, number, number, string, string, number, string, string])[] = [
    ['PACKET', 1600, count(17, 0, 0), '     -1', 'NI ', 0, 'no ', 'n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n'],
    ['PINGv6', 1344, 0, '     -1', 'NI ', 0, 'yes', 'y  y  y  n  n  y  n  n  y  y  y  y  y  y  n  y  y  n'],
    ['RAWv6', 1344, count(10, 3, 0), '     -1', 'NI ', 0, 'yes', 'y  y  y  n  y  y  y  n  y  y  y  y  y  y  y  y  n  n'],
    ['UDPLITEv6', 1472, count(10, 2, 136), '      0', 'NI ', 0, 'yes', 'y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n'],
    ['UDPv6', 1472, count(10, 2, 17), '      0', 'NI ', 0, 'yes', 'y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n'],
    ['TCPv6', 2432, count(10, 1, 6), '      0', 'no ', 192, 'yes', 'y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y'],
    ['UNIX-STREAM', 1152, count(1, 1, 0), '     -1', 'NI ', 0, 'yes', 'y  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n'],
    ['UNIX', 1152, count(1, 2, 0), '     -1', 'NI ', 0, 'yes', 'y  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n'],
    ['UDP-Lite', 1344, count(2, 2, 136), '      0', 'NI ', 0, 'yes', 'y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n'],
    ['PING', 1016, 0, '     -1', 'NI ', 0, 'yes', 'y  y  y  n  n  y  n  n  y  y  y  y  y  y  n  y  y  n'],
    ['RAW', 1152, count(2, 3, 0), '     -1', 'NI ', 0, 'yes', 'y  y  y  n  y  y  y  n  y  y  y  y  y  y  y  y  n  n'],
    ['UDP', 1344, count(2, 2, 17), '      0', 'NI ', 0, 'yes', 'y  y  y  n  y  y  y  n  y  y  y  y  n  n  y  y  y  n'],
    ['TCP', 2304, count(2, 1, 6), '      0', 'no ', 192, 'yes', 'y  y  y  y  y  y  y  y  y  y  y  y  n  y  y  y  y  y'],
    ['NETLINK', 1096, net.netlinkSockets.size, '     -1', 'NI ', 0, 'no ', 'n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n  n'],
  ];
  for (const [name, size, sockets, memory, press, head, slab, ops] of rows)
    text += `${name.padEnd(9)} ${String(size).padStart(4)} ${String(sockets).padStart(6)} ${memory}   ${press}  ${String(head).padStart(4)}   ${slab}  kernel      ${ops}\n`;
  return text;
}

export const networkEntries: Entries<ProcTask> = {
  arp: table(arpTable),
  dev: table(devices),
  dev_mcast: table(linkGroups),
  icmp: table((net) => datagramTable(UDP_HEAD.replace('   sl', '  sl').slice(0, 126) + '\n', [...net.pings.values()].flat(), false, 5, pingSlot)),
  icmp6: table((net) => datagramTable(UDP6_HEAD, [...net.pings.values()].flat(), true, 5, pingSlot)),
  if_inet6: table(addresses6),
  igmp: table(groups4),
  igmp6: table(groups6),
  ipv6_route: table(routes6),
  mcfilter: table(() => 'Idx Device        MCA        SRC    INC    EXC\n'),
  mcfilter6: table(() => 'Idx Device                Multicast Address                   Source Address    INC    EXC\n'),
  netlink: table(netlinkSockets),
  netstat: table(netstatText),
  packet: table(packetSockets),
  protocols: table(protocols),
  psched: table(() => '000003e8 00000040 000f4240 3b9aca00\n'),
  ptype: table((net) => {
    let text = 'Type Device      Function\n';
    for (const s of net.packetSockets) text += `${s.binding.protocol === 3 ? 'ALL ' : s.binding.protocol.toString(16).padStart(4, '0')} ${(net.deviceByIndex(s.binding.index)?.name ?? '').padEnd(8)} packet_rcv\n`;
    return `${text}0800          ip_rcv\n0004          llc_rcv\n0806          arp_rcv\n86dd          ipv6_rcv\n`;
  }),
  raw: table((net) => datagramTable(RAW_HEAD, net.raw, false, 4, rawSlot)),
  raw6: table((net) => datagramTable(UDP6_HEAD, net.raw, true, 4, rawSlot)),
  route: table(routes),
  rt_cache: table(() => 'Iface\tDestination\tGateway \tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\tWindow\tIRTT\tTOS\tHHRef\tHHUptod\tSpecDst'.padEnd(127) + '\n'),
  snmp: table(snmpText),
  snmp6: table(snmp6Text),
  sockstat: table(sockstatText),
  sockstat6: table(sockstat6Text),
  softnet_stat: table(countersText),
  tcp: table((net) => tcpTable(net, false)),
  tcp6: table((net) => tcpTable(net, true)),
  udp: table((net) => datagramTable(UDP_HEAD, net.udpPorts.all(), false, 5, udpSlot)),
  udp6: table((net) => datagramTable(UDP6_HEAD, net.udpPorts.all(), true, 5, udpSlot)),
  udplite: table((net) => datagramTable(UDP_HEAD, net.udpLitePorts.all(), false, 5, udpSlot)),
  udplite6: table((net) => datagramTable(UDP6_HEAD, net.udpLitePorts.all(), true, 5, udpSlot)),
  unix: table(unixSockets),
};
