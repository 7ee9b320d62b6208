/** NETLINK_SOCK_DIAG, which `ss` reads. Facts: Linux 6.18 net/ipv4/inet_diag.c, net/unix/diag.c, net/packet/diag.c, net/netlink/diag.c. */
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import { ECONNABORTED, EINVAL, ENOENT, EOPNOTSUPP, EPERM } from '../../abi/errno.ts';
import { AF_INET, AF_INET6, AF_NETLINK, AF_PACKET, AF_UNIX, IPPROTO_TCP, IPPROTO_UDP, IPPROTO_UDPLITE, SOCK_STREAM } from '../../abi/socket.ts';
import { DatagramSocket } from '../inet/datagram-socket.ts';
import { mapped } from '../inet/inet-address.ts';
import { InetSocket } from '../inet/inet-socket.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { PacketSocket } from '../packet-socket.ts';
import type { Socket } from '../socket.ts';
import { TCP_NEW_SYN_RECV, TCP_TIME_WAIT } from '../tcp/sequence.ts';
import { tcpInfo } from '../tcp/tcp-options.ts';
import type { Connection } from '../tcp/tcp-tables.ts';
import type { TcpSocket } from '../tcp/tcp-socket.ts';
import { CONNECTED, LISTENING, UnixSocket } from '../unix/unix-socket.ts';
import { NLM_F_MULTI, NLMSG_HDRLEN, type NetlinkWriter } from './netlink-message.ts';
import { type NetlinkProtocol, type NetlinkRequest, NetlinkSocket } from './netlink-socket.ts';

const SOCK_DIAG_BY_FAMILY = 20;
const SOCK_DESTROY = 21;
/** sizeof(struct inet_diag_req_v2), unix_diag_req, packet_diag_req, netlink_diag_req. */
const INET_REQ = 56;
const UNIX_REQ = 24;

class SockDiag implements NetlinkProtocol {
  handle(r: NetlinkRequest): number {
    if (r.type !== SOCK_DIAG_BY_FAMILY && r.type !== SOCK_DESTROY) return r.type < 20 ? EOPNOTSUPP : EINVAL;
    if (r.bytes.length < NLMSG_HDRLEN + 4) return EINVAL;
    const family = r.bytes[NLMSG_HDRLEN]!; // checked
    if (r.type === SOCK_DESTROY) return family === AF_INET || family === AF_INET6 ? destroy(r) : EOPNOTSUPP;
    switch (family) {
      case AF_INET:
      case AF_INET6:
        return inet(r, family);
      case AF_UNIX:
        return unix(r);
      case AF_PACKET:
        return packet(r);
      case AF_NETLINK:
        return netlink(r);
    }
    return ENOENT;
  }
}
export const sockDiag: NetlinkProtocol = new SockDiag();

function cookie(w: NetlinkWriter, s: { readonly cookie?: number }): void {
  const n = s.cookie ?? 0;
  w.u32(n % 4294967296);
  w.u32(Math.floor(n / 4294967296));
}
const inodeOf = (s: Socket): number => s.file?.inode.ino ?? 0;

interface InetEntry {
  readonly family: number;
  readonly state: number;
  readonly timer: number;
  readonly retrans: number;
  readonly sport: number;
  readonly dport: number;
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly device: number;
  readonly cookie: number;
  readonly expires: number;
  readonly rqueue: number;
  readonly wqueue: number;
  readonly uid: number;
  readonly inode: number;
  readonly socket: InetSocket | null;
}

/** The rules of a filter's byte code (INET_DIAG_REQ_BYTECODE). */
function passes(code: Uint8Array, e: InetEntry): boolean {
  const v = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const address = (at: number, port: number, ip: Uint8Array): boolean => {
    const prefix = code[at + 1]!; // in range, as below
    const wanted = v.getInt32(at + 4, true);
    const family = code[at]!;
    if (wanted !== -1 && wanted !== port) return false;
    if (prefix === 0) return true;
    const full = family === AF_INET6 ? mapped(ip) : ip.length === 4 ? ip : ip.subarray(12);
    for (let i = 0; i < prefix; i++) if (((code[at + 8 + (i >> 3)]! ^ (full[i >> 3] ?? 0)) >> (7 - (i & 7))) & 1) return false;
    return true;
  };
  let at = 0;
  while (at + 4 <= code.length) {
    const op = code[at]!;
    const yes = code[at + 1]!;
    const no = v.getUint16(at + 2, true);
    const operand = at + 6 <= code.length ? v.getUint16(at + 6, true) : 0;
    let ok = true;
    switch (op) {
      case 1: // JMP
        ok = false;
        break;
      case 2:
        ok = e.sport >= operand;
        break;
      case 3:
        ok = e.sport <= operand;
        break;
      case 4:
        ok = e.dport >= operand;
        break;
      case 5:
        ok = e.dport <= operand;
        break;
      case 6:
        ok = e.sport > 32767;
        break;
      case 7:
        ok = address(at + 4, e.sport, e.source);
        break;
      case 8:
        ok = address(at + 4, e.dport, e.destination);
        break;
      case 9:
        ok = e.device === v.getUint32(at + 4, true);
        break;
      case 11:
        ok = e.sport === operand;
        break;
      case 12:
        ok = e.dport === operand;
        break;
    }
    at += ok ? yes : no;
    if (ok && yes === 0) break;
    if (!ok && no === 0) break;
  }
  return at === code.length;
}

function entryOf(c: Connection | InetSocket, family: number): InetEntry | null {
  if ('kind' in c && c.kind === 'timewait') {
    const t = c;
    return {
      family: t.family, state: t.substate === TCP_TIME_WAIT ? TCP_TIME_WAIT : t.substate, timer: 3, retrans: 0, sport: t.local.port, dport: t.remote.port, source: t.local.ip, destination: t.remote.ip,
      device: t.boundIndex, cookie: 0, expires: Math.max(0, Math.floor((t.deadline - t.ns.stack.now()) / 1e6)), rqueue: 0, wqueue: 0, uid: 0, inode: 0, socket: null,
    };
  }
  if ('kind' in c && c.kind === 'request') {
    return {
      family: c.family, state: 3, timer: 1, retrans: 0, sport: c.local.port, dport: c.remote.port, source: c.local.ip, destination: c.remote.ip, device: c.boundIndex, cookie: 0,
      expires: Math.max(0, Math.floor((c.deadline - c.ns.stack.now()) / 1e6)), rqueue: 0, wqueue: 0, uid: c.listener.ownerUid, inode: 0, socket: null,
    };
  }
  const s = c as InetSocket;
  if (s.family !== family) return null;
  let timer = 0;
  let expires = 0;
  let retrans = 0;
  if (s.type === SOCK_STREAM) {
    const t = s as TcpSocket;
    const now = t.now();
    if (t.retransmitTimer.armed) {
      timer = t.packetsOut > 0 ? 1 : 4;
      retrans = t.retransmits;
      expires = Math.max(0, Math.floor((t.retransmitTimer.deadline - now) / 1e6));
    } else if (t.keepaliveTimer.armed) {
      timer = 2;
      retrans = t.probesOut;
      expires = Math.max(0, Math.floor((t.keepaliveTimer.deadline - now) / 1e6));
    }
  }
  return {
    family: s.family, state: s.stateNumber, timer, retrans, sport: s.local.port, dport: s.remote?.port ?? 0, source: s.local.ip, destination: s.remote?.ip ?? new Uint8Array(s.local.ip.length),
    device: s.boundIndex, cookie: s.cookie, expires, rqueue: s.queuedBytes, wqueue: s.unreadBytes, uid: s.ownerUid, inode: inodeOf(s), socket: s,
  };
}

function writeInet(w: NetlinkWriter, e: InetEntry, ext: number, flags: number, seq: number, pid: number): void {
  w.begin(SOCK_DIAG_BY_FAMILY, flags, seq, pid);
  w.u8(e.family);
  w.u8(e.state === TCP_NEW_SYN_RECV ? 3 : e.state);
  w.u8(e.timer);
  w.u8(e.retrans);
  w.u16(((e.sport & 255) << 8) | (e.sport >> 8));
  w.u16(((e.dport & 255) << 8) | (e.dport >> 8));
  const put = (ip: Uint8Array): void => {
    const b = new Uint8Array(16);
    b.set(e.family === AF_INET6 ? (ip.length === 4 ? (ip.every((x) => x === 0) ? new Uint8Array(16) : mapped(ip)) : ip) : ip);
    w.raw(b);
  };
  put(e.source);
  put(e.destination);
  w.u32(e.device);
  cookie(w, e);
  w.u32(e.expires);
  w.u32(e.rqueue);
  w.u32(e.wqueue);
  w.u32(e.uid);
  w.u32(e.inode);
  const s = e.socket;
  w.attribute8(8, s === null ? 0 : s.shut);
  if (s !== null) {
    const stream = s.type === SOCK_STREAM;
    if (ext & (1 << 0)) {
      const at = w.nest(1);
      w.u32(stream ? (s as TcpSocket).rmem : e.rqueue);
      w.u32(stream ? (s as TcpSocket).wmemQueued : 0);
      w.u32(0);
      w.u32(0);
      w.endNest(at);
    }
    if (ext & (1 << 6)) {
      const at = w.nest(7);
      for (const n of [stream ? (s as TcpSocket).rmem : e.rqueue, s.rcvbuf, 0, s.sndbuf, 0, stream ? (s as TcpSocket).wmemQueued : 0, 0, 0, s.drops]) w.u32(n);
      w.endNest(at);
    }
    if (stream && ext & (1 << 1)) w.attribute(2, tcpInfo(s as TcpSocket));
    if (stream && ext & (1 << 3) && (s as TcpSocket).stateNumber !== 10) w.attributeString(4, (s as TcpSocket).settings.congestion);
    if (ext & (1 << 4)) w.attribute8(5, s.option(0, 1) & 255);
    if (e.family === AF_INET6) {
      if (ext & (1 << 5)) w.attribute8(6, s.option(41, 67) & 255);
      if (e.state === 7 || e.state === 10) w.attribute8(11, s.v6only ? 1 : 0);
    }
    if (s.mark !== 0) w.attribute32(15, s.mark);
    w.attribute64(21, 1);
    const opts = w.nest(22);
    w.u8(s.option(0, 11) ? 1 : 0);
    w.u8(0);
    w.endNest(opts);
    w.align();
  }
  w.end();
}

function* inetSockets(ns: NetworkNamespace, protocol: number): Iterable<Connection | InetSocket> {
  if (protocol === IPPROTO_TCP) {
    for (const list of ns.tcp.listeners.values()) yield* list;
    yield* ns.tcp.all();
    for (const s of ns.sockets) if (s instanceof InetSocket && s.type === SOCK_STREAM && s.stateNumber === 7 && s.hasPort) yield s;
  } else if (protocol === IPPROTO_UDP) yield* ns.udpPorts.all();
  else if (protocol === IPPROTO_UDPLITE) yield* ns.udpLitePorts.all();
}

function inet(r: NetlinkRequest, family: number): number {
  if (r.bytes.length < NLMSG_HDRLEN + INET_REQ) return EINVAL;
  const b = r.bytes;
  const protocol = b[NLMSG_HDRLEN + 1]!; // checked length, as below
  const ext = b[NLMSG_HDRLEN + 2]!;
  const v = new DataView(b.buffer, b.byteOffset);
  if (protocol !== IPPROTO_TCP && protocol !== IPPROTO_UDP && protocol !== IPPROTO_UDPLITE) return ENOENT;
  const ns = r.socket.netNs;
  if (r.dump) {
    const states = v.getUint32(NLMSG_HDRLEN + 4, true);
    let code: Uint8Array | null = null;
    for (let at = NLMSG_HDRLEN + INET_REQ; at + 4 <= b.length; ) {
      const size = v.getUint16(at, true);
      if (size < 4 || at + size > b.length) break;
      if (v.getUint16(at + 2, true) === 1) code = b.subarray(at + 4, at + size);
      at += (size + 3) & ~3;
    }
    const sport = v.getUint16(NLMSG_HDRLEN + 8, false);
    const dport = v.getUint16(NLMSG_HDRLEN + 10, false);
    for (const s of inetSockets(ns, protocol)) {
      const e = entryOf(s, family);
      if (e === null || e.family !== family || (states & (1 << e.state)) === 0) continue;
      if ((sport !== 0 && e.sport !== sport) || (dport !== 0 && e.dport !== dport)) continue;
      if (code !== null && !passes(code, e)) continue;
      writeInet(r.writer, e, ext, NLM_F_MULTI, r.seq, r.socket.pid);
      r.socket.split();
    }
    r.ext.dumped = true;
    return 0;
  }
  const s = exact(ns, b, protocol);
  const e = s === null ? null : entryOf(s, family);
  if (e === null) return ENOENT;
  writeInet(r.writer, e, ext, 0, r.seq, r.socket.pid);
  return 0;
}
/** The socket that a request's struct inet_diag_sockid names. */
function exact(ns: NetworkNamespace, b: Uint8Array, protocol: number): Connection | InetSocket | null {
  const v = new DataView(b.buffer, b.byteOffset);
  const length = b[NLMSG_HDRLEN] === AF_INET ? 4 : 16;
  const sport = v.getUint16(NLMSG_HDRLEN + 8, false);
  const dport = v.getUint16(NLMSG_HDRLEN + 10, false);
  const source = b.slice(NLMSG_HDRLEN + 12, NLMSG_HDRLEN + 12 + length);
  const destination = b.slice(NLMSG_HDRLEN + 28, NLMSG_HDRLEN + 28 + length);
  if (protocol === IPPROTO_TCP) return ns.tcp.find(source, sport, destination, dport, 0) ?? ns.tcp.findListener(destination, dport, source, sport, 0, null);
  for (const s of inetSockets(ns, protocol)) if (s instanceof DatagramSocket && s.local.port === sport && (s.remote?.port ?? 0) === dport) return s;
  return null;
}
function destroy(r: NetlinkRequest): number {
  if (r.bytes.length < NLMSG_HDRLEN + INET_REQ) return EINVAL;
  const ns = r.socket.netNs;
  if (!r.ctx.credentials.nsCapable(ns.userNs, CAP_NET_ADMIN)) return EPERM;
  const s = exact(ns, r.bytes, r.bytes[NLMSG_HDRLEN + 1]!); // checked length
  if (s === null) return ENOENT;
  if ('kind' in s) {
    if (s.kind === 'socket') s.abortConnection(ECONNABORTED);
    else s.kill();
  } else {
    s.error = ECONNABORTED;
    s.wakeAll();
  }
  return 0;
}

function unix(r: NetlinkRequest): number {
  if (r.bytes.length < NLMSG_HDRLEN + UNIX_REQ) return EINVAL;
  const v = new DataView(r.bytes.buffer, r.bytes.byteOffset);
  const states = v.getUint32(NLMSG_HDRLEN + 4, true);
  const wanted = v.getUint32(NLMSG_HDRLEN + 8, true);
  const show = v.getUint32(NLMSG_HDRLEN + 12, true);
  const w = r.writer;
  const write = (s: UnixSocket, flags: number): void => {
    const state = s.state === LISTENING ? 10 : s.state === CONNECTED ? 1 : 7;
    w.begin(SOCK_DIAG_BY_FAMILY, flags, r.seq, r.socket.pid);
    w.u8(AF_UNIX);
    w.u8(s.type);
    w.u8(state);
    w.u8(0);
    w.u32(inodeOf(s));
    cookie(w, s);
    if (show & 1 && s.address !== null && s.address.length > 2) {
      const bytes = s.address.subarray(2);
      const end = bytes[0] === 0 ? bytes.length : bytes.indexOf(0) < 0 ? bytes.length : bytes.indexOf(0);
      w.attribute(0, bytes.subarray(0, end));
    }
    if (show & 4 && s.other !== null && state !== 10) w.attribute32(2, inodeOf(s.other));
    if (show & 8 && state === 10) {
      const at = w.nest(3);
      for (const c of s.pendingConnections) w.u32(c.other === null ? 0 : inodeOf(c.other));
      w.endNest(at);
    }
    if (show & 16) {
      const at = w.nest(4);
      w.u32(state === 10 ? s.pendingConnections.length : s.queue.bytes);
      w.u32(state === 10 ? s.backlog : s.charged);
      w.endNest(at);
    }
    if (show & 32) {
      const at = w.nest(5);
      for (const n of [0, s.rcvbuf, s.charged, s.sndbuf, 0, 0, 0, 0, 0]) w.u32(n);
      w.endNest(at);
    }
    w.attribute8(6, s.shut);
    if (show & 64) w.attribute32(7, s.ownerUid);
    w.end();
    r.socket.split();
  };
  const all: UnixSocket[] = [];
  for (const s of r.socket.netNs.sockets) if (s instanceof UnixSocket) all.push(s);
  if (!r.dump) {
    const s = all.find((o) => inodeOf(o) === wanted);
    if (wanted === 0) return EINVAL;
    if (s === undefined) return ENOENT;
    write(s, 0);
    return 0;
  }
  for (const s of all) {
    const state = s.state === LISTENING ? 10 : s.state === CONNECTED ? 1 : 7;
    if (states & (1 << state)) write(s, NLM_F_MULTI);
  }
  r.ext.dumped = true;
  return 0;
}

function packet(r: NetlinkRequest): number {
  if (!r.dump) return EOPNOTSUPP;
  const w = r.writer;
  for (const s of r.socket.netNs.packetSockets) {
    if (!(s instanceof PacketSocket)) continue;
    const { index, protocol } = s.binding;
    w.begin(SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, r.seq, r.socket.pid);
    w.u8(AF_PACKET);
    w.u8(s.type);
    w.u16(protocol);
    w.u32(inodeOf(s));
    cookie(w, s);
    const info = w.nest(0);
    w.u32(index);
    for (let i = 0; i < 5; i++) w.u32(0);
    w.endNest(info);
    w.attribute32(5, s.ownerUid);
    const mem = w.nest(6);
    for (const n of [s.queuedBytes, s.rcvbuf, 0, s.sndbuf, 0, 0, 0, 0, s.drops]) w.u32(n);
    w.endNest(mem);
    w.end();
    r.socket.split();
  }
  r.ext.dumped = true;
  return 0;
}

/** The kernel's own sockets, one a protocol, and those of programs. */
function netlink(r: NetlinkRequest): number {
  if (!r.dump) return EOPNOTSUPP;
  const w = r.writer;
  const wanted = r.bytes[NLMSG_HDRLEN + 1]!; // length was checked
  const write = (protocol: number, pid: number, type: number, s: NetlinkSocket | null): void => {
    w.begin(SOCK_DIAG_BY_FAMILY, NLM_F_MULTI, r.seq, r.socket.pid);
    w.u8(AF_NETLINK);
    w.u8(type);
    w.u8(protocol);
    w.u8(7);
    w.u32(pid);
    w.u32(0);
    w.u32(0);
    w.u32(s === null ? 0 : inodeOf(s));
    cookie(w, s ?? {});
    const mem = w.nest(0);
    for (const n of [s?.queuedBytes ?? 0, s?.rcvbuf ?? 212992, 0, s?.sndbuf ?? 212992, 0, 0, 0, 0, s?.drops ?? 0]) w.u32(n);
    w.endNest(mem);
    w.end();
  };
  for (const protocol of [0, 4, 15, 16]) {
    if (wanted !== 255 && wanted !== protocol) continue;
    write(protocol, 0, 3, null);
    for (const s of r.socket.netNs.netlinkSockets) if (s.protocol === protocol && s instanceof NetlinkSocket) write(protocol, s.pid, s.type, s);
  }
  r.ext.dumped = true;
  return 0;
}
