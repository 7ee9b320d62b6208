/** socket, bind, connect, accept and their kin. Facts: Linux 6.18 net/socket.c. */
import { CAP_NET_RAW } from '../abi/capability.ts';
import {
  EACCES,
  EAFNOSUPPORT,
  EBADF,
  EFAULT,
  EINVAL,
  ENODATA,
  EOPNOTSUPP,
  EPERM,
  EPROTONOSUPPORT,
  ERANGE,
  ESOCKTNOSUPPORT,
  ESRCH,
  type Errno,
  isErr,
} from '../abi/errno.ts';
import {
  AF_INET,
  AF_INET6,
  AF_MAX,
  AF_NETLINK,
  AF_PACKET,
  AF_UNIX,
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  IPPROTO_UDPLITE,
  SO_ATTACH_FILTER as SO_GET_FILTER,
  SO_PEERCRED,
  SO_PEERGROUPS,
  SO_PEERNAME,
  SO_PEERPIDFD,
  SOCK_CLOEXEC,
  SOCK_DGRAM,
  SOCK_NONBLOCK,
  SOCK_PACKET,
  SOCK_RAW,
  SOCK_SEQPACKET,
  SOCK_STREAM,
  SOCK_TYPE_MASK,
  SOL_SOCKET,
} from '../abi/socket.ts';
import { ACCESS_NET_BIND_TCP, ACCESS_NET_CONNECT_TCP } from '../abi/landlock.ts';
import type { Pid } from '../kernel/pid.ts';
import type { Task } from '../kernel/task.ts';
import type { Socket } from '../net/socket.ts';
import { intOption } from '../net/option-value.ts';
import { getSocketOption, setSocketOption } from '../net/socket-options.ts';
import { NamespaceFile } from '../fs/nsfs/nsfs.ts';
import { PingSocket, pingAllowed } from '../net/inet/ping-socket.ts';
import { RawSocket } from '../net/inet/raw-socket.ts';
import { UdpSocket } from '../net/inet/udp-socket.ts';
import { genericNetlink } from '../net/netlink/generic.ts';
import {
  NETLINK_GENERIC,
  NETLINK_KOBJECT_UEVENT,
  NETLINK_ROUTE,
  NETLINK_SOCK_DIAG,
  NETLINK_USERSOCK,
  type NetlinkProtocol,
  NetlinkSocket,
} from '../net/netlink/netlink-socket.ts';
import { routeNetlink } from '../net/netlink/rtnl.ts';
import type { NamespaceResolver } from '../net/netlink/rtnl-link.ts';
import { sockDiag } from '../net/netlink/sock-diag.ts';
import { NetworkNamespace } from '../net/network-namespace.ts';
import { PacketSocket } from '../net/packet-socket.ts';
import { TcpSocket } from '../net/tcp/tcp-socket.ts';
import { UnixDatagramSocket } from '../net/unix/unix-datagram.ts';
import { UnixSocket } from '../net/unix/unix-socket.ts';
import { UnixStreamSocket } from '../net/unix/unix-stream.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { installFile } from './io-wait.ts';
import { encodeUcred, newPidfd, readAddress, writeAddress } from './socket-message.ts';
import { socketFile } from './socket-transfer.ts';

/** For requests that move devices between namespaces. */
const netNamespaces: NamespaceResolver = {
  byFd(ctx, fd) {
    const file = ctx.fdTable.get(fd);
    if (file === null) return EBADF;
    return file instanceof NamespaceFile && file.namespace instanceof NetworkNamespace ? file.namespace : EINVAL;
  },
  byPid(ctx, pid) {
    const task = (ctx as Task).pid.ns.find(pid)?.task ?? null;
    return task === null ? ESRCH : task.nsproxy.net;
  },
};
const route: NetlinkProtocol = routeNetlink(netNamespaces);

/** A socket of the given kind; EAFNOSUPPORT, ESOCKTNOSUPPORT, EPROTONOSUPPORT, EPERM. */
function makeSocket(t: Task, family: number, type: number, protocol: number): Socket | Errno {
  if (family < 0 || family >= AF_MAX) return EAFNOSUPPORT;
  if (type < 0 || type > 10) return EINVAL;
  // The old way to ask for packets.
  if (family === AF_INET && type === SOCK_PACKET) family = AF_PACKET;
  switch (family) {
    case AF_UNIX:
      if (protocol !== 0 && protocol !== AF_UNIX) return EPROTONOSUPPORT;
      if (type === SOCK_STREAM) return new UnixStreamSocket(t);
      // SOCK_RAW is another name for datagrams here.
      if (type === SOCK_DGRAM || type === SOCK_RAW) return new UnixDatagramSocket(t, SOCK_DGRAM);
      if (type === SOCK_SEQPACKET) return new UnixDatagramSocket(t, SOCK_SEQPACKET);
      return ESOCKTNOSUPPORT;
    case AF_INET:
    case AF_INET6:
      return makeInetSocket(t, family, type, protocol);
    case AF_NETLINK:
      return makeNetlinkSocket(t, type, protocol);
    case AF_PACKET:
      if (!t.credentials.nsCapable(t.nsproxy.net.userNs, CAP_NET_RAW)) return EPERM;
      if (type !== SOCK_DGRAM && type !== SOCK_RAW && type !== SOCK_PACKET) return ESOCKTNOSUPPORT;
      return new PacketSocket(t, type, ((protocol & 255) << 8) | ((protocol >> 8) & 255));
  }
  return EAFNOSUPPORT;
}
function makeNetlinkSocket(t: Task, type: number, protocol: number): Socket | Errno {
  if (type !== SOCK_RAW && type !== SOCK_DGRAM) return ESOCKTNOSUPPORT;
  switch (protocol) {
    case NETLINK_ROUTE:
      return new NetlinkSocket(t, type, protocol, route);
    case NETLINK_SOCK_DIAG:
      return new NetlinkSocket(t, type, protocol, sockDiag);
    case NETLINK_GENERIC:
      return new NetlinkSocket(t, type, protocol, genericNetlink);
    case NETLINK_USERSOCK:
    case NETLINK_KOBJECT_UEVENT:
      return new NetlinkSocket(t, type, protocol, null);
  }
  return EPROTONOSUPPORT;
}

function makeInetSocket(t: Task, family: number, type: number, protocol: number): Socket | Errno {
  if (protocol < 0 || protocol > 262) return EINVAL;
  const icmp = family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  const ns = t.nsproxy.net;
  switch (type) {
    case SOCK_STREAM:
      return protocol === 0 || protocol === IPPROTO_TCP ? new TcpSocket(ns, t.credentials.fsuid, family) : EPROTONOSUPPORT;
    case SOCK_DGRAM:
      if (protocol === 0 || protocol === IPPROTO_UDP) return new UdpSocket(t, family);
      if (protocol === icmp) return pingAllowed(t) ? new PingSocket(t, family, protocol) : EACCES;
      return protocol === IPPROTO_UDPLITE ? new UdpSocket(t, family, protocol) : EPROTONOSUPPORT;
    case SOCK_RAW:
      if (protocol === 0) return EPROTONOSUPPORT;
      return t.credentials.nsCapable(ns.userNs, CAP_NET_RAW) ? new RawSocket(t, family, protocol) : EPERM;
  }
  return ESOCKTNOSUPPORT;
}

const CREATE_FLAGS = SOCK_CLOEXEC | SOCK_NONBLOCK;

function socket(t: Task, a: SyscallArgs): number {
  const type = a.int(1);
  if (type & ~SOCK_TYPE_MASK & ~CREATE_FLAGS) return EINVAL;
  const s = makeSocket(t, a.int(0), type & SOCK_TYPE_MASK, a.int(2));
  if (isErr(s)) return s;
  return installFile(t, t.kernel.sockets.open(t, s, (type & SOCK_NONBLOCK) !== 0), (type & SOCK_CLOEXEC) !== 0);
}

function socketpair(t: Task, a: SyscallArgs): number {
  const type = a.int(1);
  if (type & ~SOCK_TYPE_MASK & ~CREATE_FLAGS) return EINVAL;
  const s1 = makeSocket(t, a.int(0), type & SOCK_TYPE_MASK, a.int(2));
  if (isErr(s1)) return s1;
  if (!(s1 instanceof UnixSocket)) return EOPNOTSUPP;
  const s2 = s1.sibling(t);
  UnixSocket.join(t, s1, s2);
  const nonBlocking = (type & SOCK_NONBLOCK) !== 0;
  const cloexec = (type & SOCK_CLOEXEC) !== 0;
  const f1 = t.kernel.sockets.open(t, s1, nonBlocking);
  const f2 = t.kernel.sockets.open(t, s2, nonBlocking);
  const fd1 = installFile(t, f1, cloexec);
  if (fd1 < 0) {
    f2.unref();
    return fd1;
  }
  const fd2 = installFile(t, f2, cloexec);
  if (fd2 < 0) {
    t.fdTable.remove(fd1)?.unref();
    return fd2;
  }
  if (isErr(t.space.writeU32(a.addr(3), fd1)) || isErr(t.space.writeU32(a.addr(3) + 4, fd2))) {
    t.fdTable.remove(fd1)?.unref();
    t.fdTable.remove(fd2)?.unref();
    return EFAULT;
  }
  return 0;
}

/** Landlock's rules on TCP ports: 0, EACCES, EINVAL. Linux 6.18 security/landlock/net.c current_check_access_socket(). */
function landlockPort(t: Task, socket: Socket, address: Uint8Array, access: number): number {
  const { domain } = t.credentials;
  if (domain === null || !(socket instanceof TcpSocket) || !domain.layers.some((l) => l.handledNet !== 0)) return 0;
  if (address.length < 2) return EINVAL;
  const family = (address[0] ?? 0) | ((address[1] ?? 0) << 8);
  // Taking a connection back is always allowed.
  if (family === 0 && access === ACCESS_NET_CONNECT_TCP) return 0;
  if (family !== 0 && family !== AF_INET && family !== AF_INET6) return 0;
  if (address.length < (family === AF_INET6 ? 24 : 16)) return EINVAL;
  return domain.deniesPort(((address[2] ?? 0) << 8) | (address[3] ?? 0), access) ? EACCES : 0;
}

function bind(t: Task, a: SyscallArgs): number {
  const file = socketFile(t, a.fd(0));
  if (isErr(file)) return file;
  const address = readAddress(t, a.addr(1), a.int(2));
  if (isErr(address)) return address;
  const denied = landlockPort(t, file.socket, address, ACCESS_NET_BIND_TCP);
  return denied < 0 ? denied : file.socket.bind(t, address);
}

function connect(t: Task, a: SyscallArgs): number {
  const file = socketFile(t, a.fd(0));
  if (isErr(file)) return file;
  const address = readAddress(t, a.addr(1), a.int(2));
  if (isErr(address)) return address;
  const denied = landlockPort(t, file.socket, address, ACCESS_NET_CONNECT_TCP);
  return denied < 0 ? denied : file.socket.connect(t, address, file.nonBlocking);
}

function listen(t: Task, a: SyscallArgs): number {
  const file = socketFile(t, a.fd(0));
  if (isErr(file)) return file;
  const s = file.socket;
  return s.listen(t, Math.min(a.u32(1), s.netNs.somaxconn));
}

function accept(t: Task, fd: number, addr: number, lenAddr: number, flags: number): number {
  if (flags & ~CREATE_FLAGS) return EINVAL;
  const file = socketFile(t, fd);
  if (isErr(file)) return file;
  const free = t.fdTable.lowestFree(0, t.openFilesLimit);
  if (free < 0) return free;
  const s = file.socket.accept(t, file.nonBlocking);
  if (isErr(s)) return s;
  const opened = t.kernel.sockets.open(t, s, (flags & SOCK_NONBLOCK) !== 0);
  if (addr !== 0) {
    const name = s.getName(true);
    const r = writeAddress(t, isErr(name) ? new Uint8Array(0) : name, addr, lenAddr);
    if (r < 0) {
      opened.unref();
      return r;
    }
  }
  return installFile(t, opened, (flags & SOCK_CLOEXEC) !== 0);
}

function getName(t: Task, a: SyscallArgs, peer: boolean): number {
  const file = socketFile(t, a.fd(0));
  if (isErr(file)) return file;
  const name = file.socket.getName(peer);
  return isErr(name) ? name : writeAddress(t, name, a.addr(1), a.addr(2));
}

function shutdown(t: Task, a: SyscallArgs): number {
  const file = socketFile(t, a.fd(0));
  return isErr(file) ? file : file.socket.shutdown(t, a.int(1));
}

/** Longest option value that is looked at. */
const OPTION_MAX = 4096;

function setsockopt(t: Task, a: SyscallArgs): number {
  const len = a.int(4);
  if (len < 0) return EINVAL;
  const file = socketFile(t, a.fd(0));
  if (isErr(file)) return file;
  const value = new Uint8Array(Math.min(len, OPTION_MAX));
  if (value.length > 0 && isErr(t.space.readBytes(a.addr(3), value))) return EFAULT;
  if (a.int(1) !== SOL_SOCKET) return file.socket.setOption(t, a.int(1), a.int(2), value);
  return setSocketOption(t, file.socket, a.int(2), value);
}

function getsockopt(t: Task, a: SyscallArgs): number {
  const file = socketFile(t, a.fd(0));
  if (isErr(file)) return file;
  const s = file.socket;
  const room = t.space.readU32(a.addr(4));
  if (isErr(room)) return EFAULT;
  if (room > 0x7fffffff) return EINVAL;
  const name = a.int(2);
  let value: Uint8Array | Errno;
  if (a.int(1) !== SOL_SOCKET) {
    // Some options read what stands in the buffer, or depend on its length.
    const given = new Uint8Array(Math.min(room, OPTION_MAX));
    if (given.length > 0 && room >= 4 && isErr(t.space.readBytes(a.addr(3), given))) return EFAULT;
    value = s.getOption(t, a.int(1), name, given);
  } else if (name === SO_PEERGROUPS) {
    return peerGroups(t, s, a.addr(3), a.addr(4), room);
  } else if (name === SO_PEERNAME) {
    value = s.getName(true);
    if (!isErr(value) && value.length < room) return EINVAL;
  } else {
    value = processOption(t, s, name) ?? getSocketOption(s, name, room);
    if (name === SO_GET_FILTER && !isErr(value)) return filterOut(t, value, a.addr(3), a.addr(4), room);
  }
  if (isErr(value)) return value;
  const n = Math.min(room, value.length);
  if (n > 0 && isErr(t.space.writeBytes(a.addr(3), value, 0, n))) return EFAULT;
  return t.space.writeU32(a.addr(4), n);
}

/** SO_GET_FILTER counts in instructions; a length of 0 asks for their number. */
function filterOut(t: Task, program: Uint8Array, addr: number, lenAddr: number, room: number): number {
  const n = program.length / 8;
  if (room > 0 && n > 0) {
    if (room < n) return EINVAL;
    if (isErr(t.space.writeBytes(addr, program))) return EFAULT;
  }
  return t.space.writeU32(lenAddr, n);
}

/** Options about the process at the other end; undefined for all others. */
function processOption(t: Task, s: Socket, name: number): Uint8Array | Errno | undefined {
  const peer = s.peer;
  if (name === SO_PEERCRED) {
    if (peer === null) return Uint8Array.of(0, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255);
    return encodeUcred(t, peer.pid, peer.uid, peer.gid).slice();
  }
  if (name === SO_PEERPIDFD) {
    if (peer === null) return ENODATA;
    const pid = peer.pid as unknown as Pid;
    if (pid.task === null) return ESRCH;
    const fd = newPidfd(t, pid);
    return fd < 0 ? (fd as Errno) : intOption(fd);
  }
  return undefined;
}

function peerGroups(t: Task, s: Socket, addr: number, lenAddr: number, room: number): number {
  if (s.peer === null) return ENODATA;
  const { groups } = s.peer;
  const need = groups.length * 4;
  if (room < need) return isErr(t.space.writeU32(lenAddr, need)) ? EFAULT : ERANGE;
  for (let i = 0; i < groups.length; i++) {
    const gid = t.credentials.userNs.fromKgid(groups[i]!); // within bounds
    if (isErr(t.space.writeU32(addr + i * 4, (gid as number) === -1 ? 65534 : gid))) return EFAULT;
  }
  return t.space.writeU32(lenAddr, need);
}

export const rows: readonly SyscallRow[] = [
  [41, 'socket', 'family,socktype,int', 'partial', socket],
  [42, 'connect', 'fd,sockaddr:2,int', 'full', connect],
  [43, 'accept', 'fd,out:sockaddr,addr', 'full', (t, a) => accept(t, a.fd(0), a.addr(1), a.addr(2), 0)],
  [48, 'shutdown', 'fd,shuthow', 'full', shutdown],
  [49, 'bind', 'fd,sockaddr:2,int', 'full', bind],
  [50, 'listen', 'fd,int', 'full', listen],
  [51, 'getsockname', 'fd,out:sockaddr,addr', 'full', (t, a) => getName(t, a, false)],
  [52, 'getpeername', 'fd,out:sockaddr,addr', 'full', (t, a) => getName(t, a, true)],
  [53, 'socketpair', 'family,socktype,int,addr', 'full', socketpair],
  [54, 'setsockopt', 'fd,sol,sockopt,addr,int', 'full', setsockopt],
  [55, 'getsockopt', 'fd,sol,sockopt,addr,addr', 'full', getsockopt],
  [288, 'accept4', 'fd,out:sockaddr,addr,sockflags', 'full', (t, a) => accept(t, a.fd(0), a.addr(1), a.addr(2), a.int(3))],
];
