/** Errors that wait to be read with MSG_ERRQUEUE: ICMP messages and local ones, time stamps of what was sent, finished zero-copy sends. Linux struct sock_exterr_skb. */
import { AF_INET, AF_INET6, IP_RECVERR, IPV6_RECVERR, MSG_ERRQUEUE, MSG_TRUNC, SCM_TIMESTAMPING, SOL_IP, SOL_IPV6, SOL_SOCKET } from '../../abi/socket.ts';
import { EAGAIN, EFAULT } from '../../abi/errno.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { Message } from '../message.ts';
import { encodeEndpoint, Endpoint } from './inet-address.ts';
import type { InetSocket } from './inet-socket.ts';

export const SO_EE_ORIGIN_LOCAL = 1;
export const SO_EE_ORIGIN_ICMP = 2;
export const SO_EE_ORIGIN_ICMP6 = 3;
export const SO_EE_ORIGIN_TIMESTAMPING = 4;
export const SO_EE_ORIGIN_ZEROCOPY = 5;

export class QueuedError {
  /** Positive errno. */
  readonly errno: number;
  readonly origin: number;
  readonly type: number;
  readonly code: number;
  readonly info: number;
  readonly data: number;
  /** What the message was about: its payload, and where it was sent. */
  readonly payload: Uint8Array;
  readonly destination: Endpoint | null;
  /** Who complained. */
  readonly offender: Uint8Array | null;
  /** Monotonic ns for time stamps, 0: none. */
  readonly stamp: number;
  constructor(errno: number, origin: number, type: number, code: number, info: number, data: number, payload: Uint8Array, destination: Endpoint | null, offender: Uint8Array | null, stamp = 0) {
    this.errno = errno;
    this.origin = origin;
    this.type = type;
    this.code = code;
    this.info = info;
    this.data = data;
    this.payload = payload;
    this.destination = destination;
    this.offender = offender;
    this.stamp = stamp;
  }
}

/** recvmsg(MSG_ERRQUEUE): bytes of the packet that failed, the error as a control message. EAGAIN if there is none. */
export function receiveError(s: InetSocket, msg: Message, iov: IoVector): number {
  const e = s.errorQueue.shift();
  if (e === undefined) return EAGAIN;
  const length = e.payload.length;
  const n = Math.min(length, iov.remaining);
  if (n > 0 && iov.put(e.payload, 0, n) < n) return EFAULT;
  if (n < length) msg.resultFlags |= MSG_TRUNC;
  msg.resultFlags |= MSG_ERRQUEUE;
  if (e.destination !== null) {
    msg.name = encodeEndpoint(e.destination, s.family, true);
    msg.hasName = true;
  }
  if (e.stamp !== 0) msg.control.push({ level: SOL_SOCKET, type: SCM_TIMESTAMPING, data: s.stampTriple(e.stamp) });
  const six = s.family === AF_INET6;
  const data = new Uint8Array(16 + (six ? 28 : 16));
  const v = new DataView(data.buffer);
  v.setUint32(0, e.errno, true);
  data[4] = e.origin;
  data[5] = e.type;
  data[6] = e.code;
  v.setUint32(8, e.info, true);
  v.setUint32(12, e.data, true);
  if (e.offender !== null) {
    const a = encodeEndpoint(new Endpoint(e.offender, 0, 0), six ? AF_INET6 : AF_INET, true);
    data.set(a, 16);
  }
  msg.control.push({ level: six ? SOL_IPV6 : SOL_IP, type: six ? IPV6_RECVERR : IP_RECVERR, data });
  // The next error that waits is the socket's error from now on.
  const next = s.errorQueue[0];
  s.error = next !== undefined && (next.origin === SO_EE_ORIGIN_ICMP || next.origin === SO_EE_ORIGIN_ICMP6) ? -next.errno : 0;
  return msg.flags & MSG_TRUNC ? length : n;
}
