/** send, recv and their kin. Facts: Linux 6.18 net/socket.c. */
import { BLOCKED, EAGAIN, EBADF, EFAULT, EINTR, ENOTSOCK, EPIPE, ERESTARTSYS, type Errno, isErr } from '../abi/errno.ts';
import { SIGPIPE } from '../abi/signal.ts';
import {
  MSG_CMSG_CLOEXEC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_WAITFORONE,
  MSGHDR_CONTROLLEN,
  MSGHDR_FLAGS,
  MSGHDR_NAMELEN,
  SIZEOF_MMSGHDR,
  SIZEOF_MSGHDR,
  SOCK_STREAM,
  UIO_MAXIOV,
} from '../abi/socket.ts';
import type { Task } from '../kernel/task.ts';
import type { IoVector } from '../base/io-vector.ts';
import type { Socket } from '../net/socket.ts';
import { SocketDescription } from '../net/socket-description.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { openFile, deadlineAfter, readTimespec, TimeSpan } from './io-wait.ts';
import {
  bufferVector,
  dropFiles,
  iovecVector,
  message,
  parseControl,
  readAddress,
  userMessage,
  writeAddress,
  writeControl,
} from './socket-message.ts';

/** The open socket of `fd`; EBADF, ENOTSOCK. */
export function socketFile(t: Task, fd: number): SocketDescription | Errno {
  const file = openFile(t, fd);
  if (file === null) return EBADF;
  return file instanceof SocketDescription ? file : ENOTSOCK;
}

/** Ends a transfer: keeps what was moved before a wait, turns an error after a part into that part. */
function settle(t: Task, r: number, before: number, moved: number): number {
  if (r === BLOCKED) {
    t.syscall.progress = before + moved;
    return r;
  }
  if (r < 0) return before + moved > 0 ? before + moved : r;
  return before + r;
}

function sendTo(t: Task, s: Socket, file: SocketDescription, iov: IoVector, flags: number): number {
  const before = t.syscall.progress;
  const start = iov.remaining;
  const r = s.send(t, message, iov, file.nonBlocking || (flags & MSG_DONTWAIT) !== 0);
  if (r === EPIPE && before === 0 && s.signalsBrokenPipe && (flags & MSG_NOSIGNAL) === 0) t.sendSignal(SIGPIPE);
  // A datagram that failed was not sent in part.
  if (r < 0 && r !== BLOCKED && s.type !== SOCK_STREAM) return r;
  return settle(t, r, before, start - iov.remaining);
}

function sendto(t: Task, a: SyscallArgs): number {
  const file = socketFile(t, a.fd(0));
  if (isErr(file)) return file;
  const flags = a.int(3);
  const iov = bufferVector(t, a.addr(1), a.size(2), t.syscall.progress);
  if (isErr(iov)) return iov;
  message.reset(flags);
  if (a.addr(4) !== 0) {
    const name = readAddress(t, a.addr(4), a.int(5));
    if (isErr(name)) return name;
    message.name = name;
  }
  return sendTo(t, file.socket, file, iov, flags);
}

function recvfrom(t: Task, a: SyscallArgs): number {
  const file = socketFile(t, a.fd(0));
  if (isErr(file)) return file;
  const flags = a.int(3);
  const before = t.syscall.progress;
  const iov = bufferVector(t, a.addr(1), a.size(2), before);
  if (isErr(iov)) return iov;
  message.reset(flags);
  const start = iov.remaining;
  const r = settle(t, file.socket.receive(t, message, iov, file.nonBlocking || (flags & MSG_DONTWAIT) !== 0), before, start - iov.remaining);
  dropFiles(message);
  if (r >= 0 && a.addr(4) !== 0 && message.hasName) {
    const w = writeAddress(t, message.name ?? NO_NAME, a.addr(4), a.addr(5));
    if (w < 0) return w;
  } else if (r >= 0 && a.addr(4) !== 0) {
    const w = writeAddress(t, NO_NAME, a.addr(4), a.addr(5));
    if (w < 0) return w;
  }
  return r;
}
const NO_NAME = new Uint8Array(0);

/** sendmsg of the msghdr at `addr`. */
function sendMessage(t: Task, file: SocketDescription, addr: number, flags: number): number {
  const u = userMessage;
  const r = u.read(t, addr);
  if (r < 0) return r;
  const before = t.syscall.progress;
  const iov = iovecVector(t, u.iov, u.iovCount, before);
  if (isErr(iov)) return iov;
  message.reset(flags);
  if (u.nameLength > 0) {
    const name = readAddress(t, u.name, u.nameLength);
    if (isErr(name)) return name;
    message.name = name;
  }
  if (u.control !== 0 && u.controlLength > 0) {
    const c = parseControl(t, file.socket, u.control, u.controlLength, message);
    if (c < 0) return c;
    // Only the first bytes carry descriptors.
    if (before > 0) message.files = null;
  }
  return sendTo(t, file.socket, file, iov, flags);
}

/** recvmsg into the msghdr at `addr`. */
function receiveMessage(t: Task, file: SocketDescription, addr: number, flags: number): number {
  const u = userMessage;
  const r = u.read(t, addr);
  if (r < 0) return r;
  const before = t.syscall.progress;
  const iov = iovecVector(t, u.iov, u.iovCount, before);
  if (isErr(iov)) return iov;
  message.reset(flags);
  message.noControl = u.control === 0;
  const start = iov.remaining;
  const n = settle(t, file.socket.receive(t, message, iov, file.nonBlocking || (flags & MSG_DONTWAIT) !== 0), before, start - iov.remaining);
  if (n < 0) {
    dropFiles(message);
    return n;
  }
  const used = writeControl(t, message, u.control, u.controlLength);
  const space = t.space;
  if (u.name !== 0) {
    const name = message.hasName ? (message.name ?? NO_NAME) : NO_NAME;
    const fits = Math.min(name.length, u.nameLength);
    if (fits > 0 && isErr(space.writeBytes(u.name, name, 0, fits))) return EFAULT;
    if (isErr(space.writeU32(addr + MSGHDR_NAMELEN, name.length))) return EFAULT;
  }
  if (isErr(space.writeU32(addr + MSGHDR_FLAGS, message.resultFlags | (flags & MSG_CMSG_CLOEXEC)))) return EFAULT;
  if (isErr(space.writeU64(addr + MSGHDR_CONTROLLEN, used))) return EFAULT;
  return n;
}

function sendmsg(t: Task, a: SyscallArgs): number {
  const file = socketFile(t, a.fd(0));
  return isErr(file) ? file : sendMessage(t, file, a.addr(1), a.int(2));
}
function recvmsg(t: Task, a: SyscallArgs): number {
  const file = socketFile(t, a.fd(0));
  return isErr(file) ? file : receiveMessage(t, file, a.addr(1), a.int(2));
}

/** Messages that are done are counted in `syscall.progress2`, so that a wait goes on with the next. */
function sendmmsg(t: Task, a: SyscallArgs): number {
  const file = socketFile(t, a.fd(0));
  if (isErr(file)) return file;
  const count = Math.min(a.u32(2), UIO_MAXIOV);
  const flags = a.int(3);
  while (t.syscall.progress2 < count) {
    const at = a.addr(1) + t.syscall.progress2 * SIZEOF_MMSGHDR;
    const r = sendMessage(t, file, at, flags);
    if (r === BLOCKED) return r;
    if (r < 0) return t.syscall.progress2 > 0 ? t.syscall.progress2 : r;
    if (isErr(t.space.writeU32(at + SIZEOF_MSGHDR, r))) return t.syscall.progress2 > 0 ? t.syscall.progress2 : EFAULT;
    t.syscall.progress = 0;
    t.syscall.progress2++;
  }
  return t.syscall.progress2;
}

const span = new TimeSpan();

function recvmmsg(t: Task, a: SyscallArgs): number {
  let limit = Infinity;
  const timeoutAddr = a.addr(4);
  if (timeoutAddr !== 0) {
    const r = readTimespec(t, timeoutAddr, span);
    if (r < 0) return r;
    limit = deadlineAfter(t, span);
  }
  const file = socketFile(t, a.fd(0));
  if (isErr(file)) return file;
  const count = Math.min(a.u32(2), UIO_MAXIOV);
  let flags = a.int(3);
  if (file.socket.error !== 0 && !t.syscall.again) return file.socket.takeError();
  while (t.syscall.progress2 < count) {
    if (flags & MSG_WAITFORONE && t.syscall.progress2 > 0) flags |= MSG_DONTWAIT;
    const at = a.addr(1) + t.syscall.progress2 * SIZEOF_MMSGHDR;
    const r = receiveMessage(t, file, at, flags & ~MSG_WAITFORONE);
    if (r === BLOCKED) return r;
    if (r < 0) {
      if (t.syscall.progress2 === 0) return r;
      // An error after some messages is reported by the next call.
      if (r !== EAGAIN && r !== EINTR && r !== ERESTARTSYS) file.socket.error = r;
      break;
    }
    if (isErr(t.space.writeU32(at + SIZEOF_MSGHDR, r))) return t.syscall.progress2 > 0 ? t.syscall.progress2 : EFAULT;
    t.syscall.progress = 0;
    t.syscall.progress2++;
    if (t.monotonicNs() >= limit) break;
  }
  return t.syscall.progress2;
}

export const rows: readonly SyscallRow[] = [
  [44, 'sendto', 'fd,buf:2,size,msgflags,sockaddr:5,int', 'full', sendto],
  [45, 'recvfrom', 'fd,obuf,size,msgflags,out:sockaddr,addr', 'full', recvfrom],
  [46, 'sendmsg', 'fd,msghdr,msgflags', 'full', sendmsg],
  [47, 'recvmsg', 'fd,msghdr,msgflags', 'full', recvmsg],
  [299, 'recvmmsg', 'fd,addr,uint,msgflags,timespec', 'full', recvmmsg],
  [307, 'sendmmsg', 'fd,addr,uint,msgflags', 'full', sendmmsg],
];
