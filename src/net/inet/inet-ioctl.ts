/** Socket ioctls about queues and interfaces. Facts: man 7 netdevice. */
import { EADDRNOTAVAIL, EFAULT, EINVAL, ENODEV, ENOTTY, EPERM, isErr } from '../../abi/errno.ts';
import { CAP_NET_ADMIN } from '../../abi/capability.ts';
import * as S from '../../abi/socket.ts';
import { IFF_UP, type NetDevice } from '../net-device.ts';
import type { Socket } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';

const IFNAMSIZ = 16;
/** struct ifreq. */
const IFREQ_SIZE = 40;
const request = new Uint8Array(IFREQ_SIZE);
const view = new DataView(request.buffer);

/** What a socket with queues tells of them. */
interface Queues {
  readonly queuedBytes: number;
  readonly unreadBytes: number;
  readonly listening: boolean;
}

export function inetIoctl(ctx: SocketCaller, s: Socket & Queues, cmd: number, arg: number): number {
  switch (cmd) {
    case S.SIOCINQ:
      return s.listening ? EINVAL : ctx.space.writeU32(arg, s.queuedBytes);
    case S.SIOCOUTQ:
      return s.listening ? EINVAL : ctx.space.writeU32(arg, s.unreadBytes);
    case S.SIOCATMARK:
      return s.type === S.SOCK_STREAM ? ctx.space.writeU32(arg, 0) : ENOTTY;
  }
  return interfaceIoctl(ctx, s, cmd, arg);
}

/** SIOCGIF… and SIOCSIFFLAGS, which any socket takes. */
export function interfaceIoctl(ctx: SocketCaller, s: Socket, cmd: number, arg: number): number {
  if (cmd === S.SIOCGIFCONF) return listInterfaces(ctx, s, arg);
  if (cmd < 0x8900 || cmd > 0x89ff) return ENOTTY;
  if (isErr(ctx.space.readBytes(arg, request))) return EFAULT;
  const ns = s.netNs;
  if (cmd === S.SIOCGIFNAME) {
    const d = ns.deviceByIndex(view.getInt32(16, true));
    if (d === null) return ENODEV;
    putName(d);
    return ctx.space.writeBytes(arg, request);
  }
  const end = request.indexOf(0);
  const name = String.fromCharCode(...request.subarray(0, end < 0 || end > 15 ? 15 : end));
  const d = ns.deviceByName(name);
  if (d === null) return ENODEV;
  if (cmd === S.SIOCSIFFLAGS) {
    if (!ctx.credentials.nsCapable(ns.userNs, CAP_NET_ADMIN)) return EPERM;
    if (view.getUint16(16, true) & IFF_UP) d.bringUp();
    else d.bringDown();
    return 0;
  }
  const v4 = d.addresses.find((a) => a.bytes.length === 4);
  request.fill(0, 16);
  switch (cmd) {
    case S.SIOCGIFFLAGS:
      view.setUint16(16, d.allFlags & 0xffff, true);
      break;
    case S.SIOCGIFADDR:
    case S.SIOCGIFBRDADDR:
    case S.SIOCGIFNETMASK:
      if (v4 === undefined) return EADDRNOTAVAIL;
      view.setUint16(16, S.AF_INET, true);
      if (cmd === S.SIOCGIFADDR) request.set(v4.bytes, 20);
      else if (cmd === S.SIOCGIFNETMASK) view.setUint32(20, v4.prefix === 0 ? 0 : (0xffffffff << (32 - v4.prefix)) >>> 0, false);
      break;
    case S.SIOCGIFMTU:
      view.setInt32(16, d.mtu, true);
      break;
    case S.SIOCGIFMETRIC:
      break;
    case S.SIOCGIFINDEX:
      view.setInt32(16, d.index, true);
      break;
    case S.SIOCGIFTXQLEN:
      view.setInt32(16, d.txQueueLength, true);
      break;
    case S.SIOCGIFHWADDR:
      view.setUint16(16, d.type, true);
      request.set(d.mac, 18);
      break;
    default:
      return ENOTTY;
  }
  return ctx.space.writeBytes(arg, request);
}

function putName(d: NetDevice): void {
  request.fill(0, 0, IFNAMSIZ);
  for (let i = 0; i < d.name.length; i++) request[i] = d.name.charCodeAt(i);
}

/** SIOCGIFCONF: struct ifconf {int len; ifreq *buf}, one entry an IPv4 address. */
function listInterfaces(ctx: SocketCaller, s: Socket, arg: number): number {
  const room = ctx.space.readU32(arg);
  const buf = ctx.space.readU64(arg + 8);
  if (isErr(room) || isErr(buf)) return EFAULT;
  let used = 0;
  for (const d of s.netNs.devices)
    for (const a of d.addresses) {
      if (a.bytes.length !== 4) continue;
      if (buf !== 0) {
        if (used + IFREQ_SIZE > (room | 0)) break;
        request.fill(0);
        putName(d);
        view.setUint16(16, S.AF_INET, true);
        request.set(a.bytes, 20);
        if (isErr(ctx.space.writeBytes(buf + used, request))) return EFAULT;
      }
      used += IFREQ_SIZE;
    }
  return ctx.space.writeU32(arg, used);
}
