/** /proc/PID/net: tables of the task's network namespace. */
import { ESRCH } from '../../abi/errno.ts';
import type { Task } from '../../kernel/task.ts';
import type { InetSocket } from '../../net/inet/inet-socket.ts';
import { ARPHRD_LOOPBACK, IFF_UP } from '../../net/net-device.ts';
import type { NetworkNamespace } from '../../net/network-namespace.ts';
import { SocketDescription } from '../../net/socket-description.ts';
import { CONNECTED, LISTENING, UnixSocket } from '../../net/unix/unix-socket.ts';
import { file } from '../pseudo/entries.ts';
import type { Entries, FileEntry } from '../pseudo/entries.ts';
import type { ProcTask } from './proc-task.ts';

const DEV_HEAD =
  'Inter-|   Receive                                                |  Transmit\n' +
  ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n';
const TCP_HEAD = '  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode'.padEnd(149) + '\n';
const TCP6_HEAD =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n';
const UDP_HEAD = '   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops            \n';
const UDP6_HEAD =
  '  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n';
const ROUTE_HEAD = 'Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT'.padEnd(127) + '\n';

/** A table made of the task's network namespace. */
const table = (make: (net: NetworkNamespace, task: Task) => string): FileEntry<ProcTask> =>
  file((subject) => (subject.task === null ? ESRCH : make(subject.task.nsproxy.net, subject.task)));

const hex = (n: number, width: number): string => n.toString(16).toUpperCase().padStart(width, '0');

/** An address as little-endian words in hexadecimal, and the port. */
function endpoint(ip: Uint8Array, port: number): string {
  let text = '';
  for (let i = 0; i < ip.length; i += 4) text += hex(((ip[i + 3] ?? 0) * 0x1000000) + ((ip[i + 2] ?? 0) << 16) + ((ip[i + 1] ?? 0) << 8) + (ip[i] ?? 0), 8);
  return `${text}:${hex(port, 4)}`;
}

/** One line of tcp, udp and their kin for version 6. */
function inetLine(s: InetSocket, slot: number, v6: boolean, tail: string): string {
  const none = new Uint8Array(v6 ? 16 : 4);
  const local = endpoint(widen(s.local.ip, v6), s.local.port);
  const remote = s.remote === null ? endpoint(none, 0) : endpoint(widen(s.remote.ip, v6), s.remote.port);
  const ino = s.file?.inode.ino ?? 0;
  const queues = `${hex(s.unreadBytes, 8)}:${hex(s.queuedBytes, 8)}`;
  return `${String(slot).padStart(4)}: ${local} ${remote} ${hex(s.stateNumber, 2)} ${queues} 00:00000000 00000000 ${String(s.ownerUid).padStart(5)}        0 ${ino} ${s.file?.refCount ?? 1} 0000000000000000${tail}\n`;
}

/** An IPv4 address of a version-6 socket is shown mapped. */
function widen(ip: Uint8Array, v6: boolean): Uint8Array {
  if (!v6 || ip.length === 16) return ip;
  const wide = new Uint8Array(16);
  wide[10] = wide[11] = 0xff;
  wide.set(ip, 12);
  return wide;
}

function inetTable(head: string, sockets: Iterable<InetSocket>, v6: boolean, tail: string): string {
  let text = head;
  let slot = 0;
  for (const s of sockets) if ((s.family === 10) === v6) text += inetLine(s, slot++, v6, tail);
  return text;
}

function devices(net: NetworkNamespace): string {
  let text = DEV_HEAD;
  for (const d of net.devices) {
    const n = (value: number, width: number): string => String(value).padStart(width);
    text += `${d.name.padStart(6)}:${n(d.rxBytes, 8)} ${n(d.rxPackets, 7)}    0    0    0     0          0         0 ${n(d.txBytes, 8)} ${n(d.txPackets, 7)}    0    0    0     0       0          0\n`;
  }
  return text;
}

/** Networks that devices are connected to. Linux differs: routes made by hand are seen through netlink only. */
function routes(net: NetworkNamespace): string {
  let text = ROUTE_HEAD;
  for (const d of net.devices) {
    if (d.type === ARPHRD_LOOPBACK || (d.flags & IFF_UP) === 0) continue;
    for (const a of d.addresses) {
      if (a.bytes.length !== 4) continue;
      const mask = new Uint8Array(4).map((_, i) => (0xff00 >> Math.min(8, Math.max(0, a.prefix - 8 * i))) & 0xff);
      const word = (ip: Uint8Array): string => endpoint(ip, 0).slice(0, 8);
      const network = a.bytes.map((byte, i) => byte & (mask[i] ?? 0));
      text += `${d.name}\t${word(network)}\t00000000\t0001\t0\t0\t0\t${word(mask)}\t0\t0\t0`.padEnd(127) + '\n';
    }
  }
  return text;
}

/** Version-6 addresses of all devices. */
function addresses6(net: NetworkNamespace): string {
  let text = '';
  for (const d of net.devices)
    for (const a of d.addresses) {
      if (a.bytes.length !== 16) continue;
      const digits = Array.from(a.bytes, (b) => b.toString(16).padStart(2, '0')).join('');
      const scope = a.scope === 254 ? '10' : a.scope === 253 ? '20' : '00';
      text += `${digits} ${d.index.toString(16).padStart(2, '0')} ${a.prefix.toString(16).padStart(2, '0')} ${scope} 80 ${d.name.padStart(8)}\n`;
    }
  return text;
}

/** AF_UNIX sockets that some task of the kernel has open. Linux differs: those that are only in flight are not shown. */
function unixSockets(net: NetworkNamespace, task: Task): string {
  let text = 'Num       RefCount Protocol Flags    Type St Inode Path\n';
  const seen = new Set<object>();
  for (const { files } of task.kernel.tasks) {
    if (files === null || seen.has(files)) continue;
    seen.add(files);
    for (let fd = 0; fd < files.limit; fd++) {
      const description = files.get(fd);
      if (!(description instanceof SocketDescription) || seen.has(description)) continue;
      seen.add(description);
      const { socket } = description;
      if (socket instanceof UnixSocket && socket.netNs === net) text += unixLine(socket, description);
    }
  }
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
  return `0000000000000000: ${hex(description.refCount + 1, 8)} 00000000 ${flags} ${hex(s.type, 4)} ${state} ${String(description.inode.ino).padStart(5)}${name}\n`;
}

export const networkEntries: Entries<ProcTask> = {
  arp: file(() => 'IP address       HW type     Flags       HW address            Mask     Device\n'),
  dev: table(devices),
  if_inet6: table(addresses6),
  route: table(routes),
  tcp: table((net) => inetTable(TCP_HEAD, net.tcpPorts.all(), false, ' 100 0 0 10 0')),
  tcp6: table((net) => inetTable(TCP6_HEAD, net.tcpPorts.all(), true, ' 100 0 0 10 0')),
  udp: table((net) => inetTable(UDP_HEAD, net.udpPorts.all(), false, ' 0')),
  udp6: table((net) => inetTable(UDP6_HEAD, net.udpPorts.all(), true, ' 0')),
  udplite: table((net) => inetTable(UDP_HEAD, net.udpLitePorts.all(), false, ' 0')),
  udplite6: table((net) => inetTable(UDP6_HEAD, net.udpLitePorts.all(), true, ' 0')),
  unix: table(unixSockets),
};
