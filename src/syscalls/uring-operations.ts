/** What the opcodes of io_uring do; most call the handler of the system call they are named after. Linux 6.18 io_uring/opdef.c and the files it names. */
import {
  BLOCKED, E2BIG, EALREADY, EBADF, EBADFD, ECANCELED, EFAULT, EINVAL, ENFILE, ENOBUFS, ENOENT, ENXIO, EOPNOTSUPP, EOVERFLOW, ESPIPE, ETIME, isErr,
} from '../abi/errno.ts';
import { AT_REMOVEDIR, O_CLOEXEC, O_NONBLOCK } from '../abi/fcntl.ts';
import * as U from '../abi/io-uring.ts';
import { POLLERR, POLLHUP, POLLIN } from '../abi/poll.ts';
import { MSG_NOSIGNAL, MSG_WAITALL, SOCK_CLOEXEC } from '../abi/socket.ts';
import { TtyDescription } from '../fs/tty/tty-description.ts';
import { BufferGroup, IoRing } from '../kernel/io-ring.ts';
import { type IoWorker, REQUEST_FD, REQUEST_FD2 } from '../kernel/io-worker.ts';
import { TcpSocket } from '../net/tcp/tcp-socket.ts';
import { SocketDescription } from '../net/socket-description.ts';
import { FileDescription } from '../vfs/file-description.ts';
import { readBuffer, readIovecs, readWithFlags, rwFlagsError, writeWithFlags } from './file-read-write.ts';
import { openFile, readTimespec, TimeSpan } from './io-wait.ts';
import { checkIoPriority } from './sched.ts';
import { cancelMatching, findRequest } from './uring-cancel.ts';
import { updateFiles } from './uring-files.ts';
import type { Operation, UringRequest } from './uring-request.ts';

const NR = {
  close: 3, sendto: 44, recvfrom: 45, connect: 42, sendmsg: 46, recvmsg: 47, shutdown: 48, bind: 49, listen: 50, socket: 41, madvise: 28, ftruncate: 77, setxattr: 188, fsetxattr: 190,
  getxattr: 191, fgetxattr: 193, fadvise64: 221, epoll_wait: 232, epoll_ctl: 233, waitid: 247, openat: 257, mkdirat: 258, unlinkat: 263, linkat: 265, symlinkat: 266, sync_file_range: 277,
  fallocate: 285, accept4: 288, pipe2: 293, renameat2: 316, statx: 332, openat2: 437, futex_waitv: 449, futex_wake: 454, futex_wait: 455, splice: 275, tee: 276,
} as const;

const NSEC_PER_SEC = 1_000_000_000;
const none = (): number => 0;
const or = (...values: number[]): boolean => values.some((v) => v !== 0);

/** Calls system call `nr` with `values`. */
function call(w: IoWorker, nr: number, ...values: number[]): number {
  for (let i = 0; i < 6; i++) w.args.set(i, values[i] ?? 0);
  return w.call(nr);
}

/** Calls it with a file that waits even if its descriptor is O_NONBLOCK: sockets poll there (Linux io_uring/net.c). */
function callWaiting(w: IoWorker, r: UringRequest, nr: number, ...values: number[]): number {
  const file = r.file!; // operations with needsFile
  const nonBlocking = file.flags & O_NONBLOCK;
  file.flags &= ~O_NONBLOCK;
  const n = call(w, nr, ...values);
  file.flags |= nonBlocking;
  return n;
}

// ---- reading and writing

/** The offset that counts: -1 for the position, and for files that have none. */
function placeOf(r: UringRequest): number {
  return r.off === -1 || !r.file!.seekable ? -1 : r.off;
}

function prepareTransfer(r: UringRequest): number {
  const bad = r.ioprio === 0 ? 0 : checkIoPriority(r.submitter, r.ioprio);
  r.address = r.addr;
  r.length = r.len;
  if (r.flags & U.IOSQE_BUFFER_SELECT) r.bufferGroup = r.bufIndex;
  return bad;
}

/** Chooses the buffer of a request that takes it from a group: false = there is none. */
function chooseBuffer(r: UringRequest, length: number): boolean {
  const b = r.ring.peekBuffer(r.bufferGroup, r);
  if (b === null) return false;
  r.address = b.addr;
  r.length = length === 0 || length > b.length ? b.length : length;
  r.bufferId = b.id;
  return true;
}
/** A result tells what became of the chosen buffer. */
function settleBuffer(r: UringRequest, n: number): void {
  if (r.bufferGroup < 0) return;
  if (n < 0) r.bufferId = -1;
  else if (r.ring.consumeBuffer(r.bufferGroup, n, r)) r.cqeFlags |= 0x10; // IORING_CQE_F_BUF_MORE
}

function transfer(w: IoWorker, r: UringRequest, write: boolean, vectored: boolean): number {
  const file = r.file!;
  if (!(write ? file.writable : file.readable)) return EBADF;
  if (file.inode.isDirectory || (write ? file.write === FileDescription.prototype.write : file.read === FileDescription.prototype.read)) return EINVAL;
  const bad = rwFlagsError(r.opFlags | 0);
  if (bad !== 0) return bad;
  const at = placeOf(r);
  if (at < -1) return EINVAL;
  if (r.bufferGroup >= 0 && !chooseBuffer(r, r.len)) return ENOBUFS;
  const iov = vectored && r.bufferGroup < 0 ? readIovecs(w, r.address, r.length) : readBuffer(w, r.address, r.length);
  if (isErr(iov)) return iov;
  const asked = iov.remaining + w.syscall.progress;
  // O_NONBLOCK files wait as well, if they can tell when there is something (REQ_F_SUPPORT_NOWAIT): all but terminals.
  const nonBlocking = file instanceof TtyDescription ? 0 : file.flags & O_NONBLOCK;
  file.flags &= ~nonBlocking;
  const n = write ? writeWithFlags(w, file, iov, at, r.opFlags | 0) : readWithFlags(w, file, iov, at, r.opFlags | 0);
  file.flags |= nonBlocking;
  if (n === BLOCKED) return n;
  if (n !== asked) r.failed = true;
  settleBuffer(r, n);
  return n;
}

/** The registered buffer of `bufIndex`, if the range is inside. */
function fixedBuffer(r: UringRequest): number {
  const b = r.ring.buffers?.[r.bufIndex] ?? null;
  if (b === null) return EFAULT;
  return r.addr < b.addr || r.addr + r.len > b.addr + b.length ? EFAULT : 0;
}
function transferFixed(w: IoWorker, r: UringRequest, write: boolean): number {
  const bad = fixedBuffer(r);
  return bad === 0 ? transfer(w, r, write, false) : bad;
}
function transferFixedVector(w: IoWorker, r: UringRequest, write: boolean): number {
  const b = r.ring.buffers?.[r.bufIndex] ?? null;
  if (b === null) return EFAULT;
  for (let i = 0; i < r.len; i++) {
    const base = w.space.readU64(r.addr + i * 16);
    const len = w.space.readU64(r.addr + i * 16 + 8);
    if (isErr(base) || isErr(len) || base < b.addr || base + len > b.addr + b.length) return EFAULT;
  }
  return transfer(w, r, write, true);
}

function readAgainAndAgain(w: IoWorker, r: UringRequest): number {
  const file = r.file!;
  if (file.poll === FileDescription.prototype.poll) return EBADF;
  for (;;) {
    const n = transfer(w, r, false, false);
    if (n === BLOCKED) return n;
    if (n <= 0) return n;
    r.more(n);
    w.syscall.begin(0);
  }
}

// ---- sockets

const prepareMessage = (r: UringRequest): number => {
  if (or(r.fileIndex) && r.opcode !== U.IORING_OP_SEND && r.opcode !== U.IORING_OP_SEND_ZC) return EINVAL;
  if (r.ioprio & ~(U.IORING_RECVSEND_POLL_FIRST | U.IORING_RECV_MULTISHOT | U.IORING_RECVSEND_FIXED_BUF | U.IORING_SEND_ZC_REPORT_USAGE | U.IORING_RECVSEND_BUNDLE)) return EINVAL;
  const sends = r.opcode !== U.IORING_OP_RECV && r.opcode !== U.IORING_OP_RECVMSG;
  r.repeats = !sends && (r.ioprio & U.IORING_RECV_MULTISHOT) !== 0;
  if (r.repeats && (!(r.flags & U.IOSQE_BUFFER_SELECT) || r.opFlags & MSG_WAITALL)) return EINVAL;
  if (r.opcode === U.IORING_OP_RECV && or(r.addr2)) return EINVAL;
  if ((r.opcode === U.IORING_OP_SENDMSG || r.opcode === U.IORING_OP_RECVMSG) && or(r.addr2)) return EINVAL;
  r.address = r.addr;
  r.length = r.len;
  if (r.flags & U.IOSQE_BUFFER_SELECT) r.bufferGroup = r.bufIndex;
  return 0;
};

function send(w: IoWorker, r: UringRequest): number {
  const flags = r.opFlags | MSG_NOSIGNAL;
  if (r.ioprio & U.IORING_RECVSEND_FIXED_BUF) {
    const bad = fixedBuffer(r);
    if (bad !== 0) return bad;
  }
  if (r.bufferGroup >= 0 && !chooseBuffer(r, r.len)) return ENOBUFS;
  const n = callWaiting(w, r, NR.sendto, REQUEST_FD, r.address, r.length, flags, r.addr2, r.fileIndex & 0xffff);
  if (n === BLOCKED) return n;
  if (r.opFlags & MSG_WAITALL && n < r.length) r.failed = true;
  settleBuffer(r, n);
  return n;
}

/** What says nothing about reading. */
const POLLOUT_BITS = 0x304; // POLLOUT, POLLWRNORM, POLLWRBAND

function receive(w: IoWorker, r: UringRequest): number {
  for (let first = !w.syscall.again; ; first = false) {
    if (r.repeats && !first && r.file!.poll(null) === (r.file!.poll(null) & POLLOUT_BITS)) {
      // No buffer is looked for before there is something to put into it.
      w.pollTable.events = -1;
      r.file!.poll(w.pollTable);
      return w.waitAny();
    }
    if (r.bufferGroup >= 0 && !chooseBuffer(r, r.len)) return ENOBUFS;
    const n = callWaiting(w, r, NR.recvfrom, REQUEST_FD, r.address, r.length, r.opFlags, 0, 0);
    if (n === BLOCKED) return n;
    if (r.opFlags & MSG_WAITALL && n < r.length) r.failed = true;
    if (n > 0 || !r.repeats) settleBuffer(r, n);
    else r.bufferId = -1;
    if (n >= 0 && r.file instanceof SocketDescription && r.file.socket instanceof TcpSocket && r.file.poll(null) & POLLIN) r.cqeFlags |= U.IORING_CQE_F_SOCK_NONEMPTY;
    if (!r.repeats || n <= 0) return n;
    r.more(n);
    w.syscall.begin(0);
  }
}

/** sendmsg and recvmsg with the msghdr at `addr`; a buffer of a group takes the place of its one iovec. */
function messageCall(w: IoWorker, r: UringRequest, nr: number): number {
  const extra = nr === NR.sendmsg ? MSG_NOSIGNAL : 0;
  if (r.bufferGroup < 0) return callWaiting(w, r, nr, REQUEST_FD, r.addr, r.opFlags | extra);
  if (r.repeats) return EOPNOTSUPP; // Linux differs: recvmsg does not repeat here
  if (!chooseBuffer(r, 0)) return ENOBUFS;
  const iov = w.space.readU64(r.addr + 16);
  if (isErr(iov) || isErr(w.space.writeU64(iov, r.address)) || isErr(w.space.writeU64(iov + 8, r.length))) return EFAULT;
  const n = callWaiting(w, r, nr, REQUEST_FD, r.addr, r.opFlags | extra);
  if (n !== BLOCKED) settleBuffer(r, n);
  return n;
}

/** A send whose buffer may be used again only after a second completion; data is copied here, so that comes at once. */
function zeroCopy(step: (w: IoWorker, r: UringRequest) => number): (w: IoWorker, r: UringRequest) => number {
  return (w, r) => {
    const n = step(w, r);
    if (n === BLOCKED) return n;
    r.more(n);
    r.cqeFlags = U.IORING_CQE_F_NOTIF;
    if (n < 0) r.failed = true;
    return r.ioprio & U.IORING_SEND_ZC_REPORT_USAGE ? 0x80000000 | 0 : 0;
  };
}

function prepareAccept(r: UringRequest): number {
  if (or(r.len, r.bufIndex)) return EINVAL;
  if (r.fileIndex !== 0 && r.opFlags & SOCK_CLOEXEC) return EINVAL;
  if (r.opFlags & ~(SOCK_CLOEXEC | 0o4000)) return EINVAL;
  if (r.ioprio & ~(U.IORING_ACCEPT_MULTISHOT | U.IORING_ACCEPT_DONTWAIT | U.IORING_ACCEPT_POLL_FIRST)) return EINVAL;
  r.repeats = (r.ioprio & U.IORING_ACCEPT_MULTISHOT) !== 0;
  return r.repeats && r.fileIndex !== 0 && r.fileIndex !== U.IORING_FILE_INDEX_ALLOC ? EINVAL : 0;
}
function accept(w: IoWorker, r: UringRequest): number {
  for (;;) {
    const wait = (r.ioprio & U.IORING_ACCEPT_DONTWAIT) === 0;
    const fd = (wait ? callWaiting : call2)(w, r, NR.accept4, REQUEST_FD, r.addr, r.addr2, r.opFlags);
    if (fd === BLOCKED) return fd;
    const n = intoSlot(r, fd);
    if (!r.repeats || n < 0) return n;
    r.more(n);
    w.syscall.begin(0);
  }
}
const call2 = (w: IoWorker, _r: UringRequest, nr: number, ...values: number[]): number => call(w, nr, ...values);

/** A new descriptor goes to the place among the registered files that the request names, if it names one. The result. */
function intoSlot(r: UringRequest, fd: number): number {
  if (r.fileIndex === 0 || fd < 0) return fd;
  const file = r.submitter.fdTable.remove(fd);
  return file === null ? fd : placeFile(r.ring, file, r.fileIndex);
}
/** Puts `file` (its reference is taken over) at `index` - 1, or anywhere: 0 or the place; ENXIO, EINVAL, ENFILE. */
function placeFile(ring: IoRing, file: FileDescription, index: number): number {
  let r: number;
  if (ring.files === null) r = ENXIO;
  else if (index === U.IORING_FILE_INDEX_ALLOC) {
    r = ring.freeSlot();
    if (r < 0) r = ENFILE;
  } else r = index - 1 < ring.files.length ? 0 : EINVAL;
  if (r < 0) {
    file.unref();
    return r;
  }
  const at = index === U.IORING_FILE_INDEX_ALLOC ? r : index - 1;
  ring.dropSlot(at);
  ring.fillSlot(at, file, 0, 0);
  return r;
}

// ---- time

const span = new TimeSpan();

/** The deadline (monotonic ns) that a timespec and the clock flags name, or an errno. */
function readDeadline(r: UringRequest, addr: number, flags: number): number {
  const t = r.submitter;
  const bad = readTimespec(t, addr, span);
  if (bad === EFAULT) return EFAULT;
  if (span.sec < 0 || span.nsec < 0) return EINVAL;
  const ns = span.sec > 9_000_000 && !(flags & U.IORING_TIMEOUT_ABS) ? Infinity : span.sec * NSEC_PER_SEC + span.nsec;
  if (!(flags & U.IORING_TIMEOUT_ABS)) return t.monotonicNs() + ns;
  if (flags & U.IORING_TIMEOUT_REALTIME) return Math.max(0, t.kernel.clock.monotonicOfWall(span.sec, span.nsec));
  return Math.max(0, ns - t.nsproxy.time.offsetOf(flags & U.IORING_TIMEOUT_BOOTTIME ? 7 : 1));
}

function prepareTimeout(r: UringRequest): number {
  const linked = r.opcode === U.IORING_OP_LINK_TIMEOUT;
  const flags = r.opFlags;
  if (or(r.bufIndex, r.fileIndex) || r.len !== 1) return EINVAL;
  if (r.off !== 0 && linked) return EINVAL;
  if (flags & ~(U.IORING_TIMEOUT_ABS | U.IORING_TIMEOUT_BOOTTIME | U.IORING_TIMEOUT_REALTIME | U.IORING_TIMEOUT_ETIME_SUCCESS | U.IORING_TIMEOUT_MULTISHOT)) return EINVAL;
  const clocks = flags & (U.IORING_TIMEOUT_BOOTTIME | U.IORING_TIMEOUT_REALTIME);
  if ((clocks & (clocks - 1)) !== 0) return EINVAL;
  if (flags & U.IORING_TIMEOUT_MULTISHOT && (linked || flags & U.IORING_TIMEOUT_ABS)) return EINVAL;
  const deadline = readDeadline(r, r.addr, flags);
  if (isErr(deadline) && deadline < 0) return deadline;
  r.deadline = deadline;
  r.length = deadline - r.submitter.monotonicNs();
  r.target = r.off >>> 0;
  return 0;
}

/** Ends when the time is up (ETIME), or when as many other requests have completed as `off` says (0). */
function timeout(w: IoWorker, r: UringRequest): number {
  const { ring } = r;
  if (!w.syscall.again) {
    r.events = ring.completed;
    r.address = 1;
  }
  if (r.target !== 0 && ring.completed - r.events >= r.target) return 0;
  if (w.syscall.timedOut || w.monotonicNs() >= r.deadline) {
    ring.timeouts++;
    if (r.opFlags & U.IORING_TIMEOUT_MULTISHOT) {
      const left = r.target === 0 ? Infinity : --r.target;
      if (left > 0) {
        r.more(ETIME);
        r.deadline += Math.max(1, r.length);
        w.syscall.timedOut = false;
        return w.sleep(r.deadline);
      }
    }
    if (!(r.opFlags & U.IORING_TIMEOUT_ETIME_SUCCESS)) return ETIME;
    // The chain goes on although the result is an error.
    r.flags |= U.IOSQE_IO_HARDLINK;
    return ETIME;
  }
  return r.target === 0 || r.opFlags & U.IORING_TIMEOUT_MULTISHOT ? w.sleep(r.deadline) : w.wait(ring.completions, r.deadline);
}

function prepareTimeoutRemove(r: UringRequest): number {
  if (r.flags & (U.IOSQE_FIXED_FILE | U.IOSQE_BUFFER_SELECT)) return EINVAL;
  if (or(r.bufIndex, r.len, r.fileIndex)) return EINVAL;
  const flags = r.opFlags;
  if (!(flags & (U.IORING_TIMEOUT_UPDATE | U.IORING_LINK_TIMEOUT_UPDATE))) return flags !== 0 ? EINVAL : 0;
  if (flags & ~(U.IORING_TIMEOUT_UPDATE | U.IORING_LINK_TIMEOUT_UPDATE | U.IORING_TIMEOUT_ABS | U.IORING_TIMEOUT_BOOTTIME | U.IORING_TIMEOUT_REALTIME)) return EINVAL;
  const deadline = readDeadline(r, r.addr2, flags);
  if (isErr(deadline) && deadline < 0) return deadline;
  r.deadline = deadline;
  return 0;
}
function timeoutRemove(_w: IoWorker, r: UringRequest): number {
  const { ring } = r;
  if (r.opFlags & U.IORING_LINK_TIMEOUT_UPDATE) {
    const t = findRequest(ring, r, (q) => q.opcode === U.IORING_OP_LINK_TIMEOUT && sameData(q, r));
    return t === null ? ENOENT : (t as UringRequest).moveLink(r.deadline) ? 0 : EALREADY;
  }
  const found = findRequest(ring, r, (q) => q.opcode === U.IORING_OP_TIMEOUT && sameData(q, r));
  if (found === null) return ENOENT;
  if (!(r.opFlags & U.IORING_TIMEOUT_UPDATE)) {
    ring.doom(found);
    return 0;
  }
  const t = found as UringRequest;
  t.deadline = r.deadline;
  t.worker?.clearWaits();
  if (t.worker !== null) t.worker.sleep(r.deadline);
  return 0;
}
/** `addr` of one is the user data of the other. */
function sameData(q: { userDataLo: number; userDataHi: number }, r: UringRequest): boolean {
  return q.userDataLo === r.view.getUint32(16, true) && q.userDataHi === r.view.getUint32(20, true);
}

// ---- poll

const EPOLL_BITS = 0xf0000000 | 0;

function preparePoll(r: UringRequest): number {
  if (or(r.bufIndex, r.off, r.addr) || r.len & ~U.IORING_POLL_ADD_MULTI) return EINVAL;
  if (r.len & U.IORING_POLL_ADD_MULTI && r.flags & U.IOSQE_CQE_SKIP_SUCCESS) return EINVAL;
  r.events = (r.opFlags & ~EPOLL_BITS) | POLLERR | POLLHUP;
  r.repeats = (r.len & U.IORING_POLL_ADD_MULTI) !== 0;
  return 0;
}
function poll(w: IoWorker, r: UringRequest): number {
  const file = r.file!;
  const table = w.pollTable;
  table.events = r.events;
  const mask = file.poll(table) & r.events;
  if (mask !== 0) {
    if (!r.repeats) return mask;
    r.more(mask);
  } else if (file.poll === FileDescription.prototype.poll) return EINVAL;
  return w.waitAny();
}

function preparePollRemove(r: UringRequest): number {
  if (or(r.bufIndex, r.fileIndex)) return EINVAL;
  const flags = r.len;
  if (flags & ~(U.IORING_POLL_UPDATE_EVENTS | U.IORING_POLL_UPDATE_USER_DATA | U.IORING_POLL_ADD_MULTI)) return EINVAL;
  if (flags === U.IORING_POLL_ADD_MULTI) return EINVAL;
  if (!(flags & U.IORING_POLL_UPDATE_USER_DATA) && r.off !== 0) return EINVAL;
  return !(flags & U.IORING_POLL_UPDATE_EVENTS) && r.opFlags !== 0 ? EINVAL : 0;
}
function pollRemove(_w: IoWorker, r: UringRequest): number {
  const q = findRequest(r.ring, r, (q) => q.opcode === U.IORING_OP_POLL_ADD && sameData(q, r)) as UringRequest | null;
  if (q === null) return ENOENT;
  if (r.len === 0) {
    r.ring.doom(q);
    return 0;
  }
  if (r.len & U.IORING_POLL_UPDATE_EVENTS) {
    q.events = (r.opFlags & ~EPOLL_BITS) | POLLERR | POLLHUP;
    q.repeats = (r.len & U.IORING_POLL_ADD_MULTI) !== 0;
  }
  if (r.len & U.IORING_POLL_UPDATE_USER_DATA) {
    q.userDataLo = r.view.getUint32(8, true);
    q.userDataHi = r.view.getUint32(12, true);
  }
  q.worker?.makeRunnable();
  return 0;
}

// ---- cancelling

function prepareCancel(r: UringRequest): number {
  if (r.flags & U.IOSQE_BUFFER_SELECT || or(r.off, r.fileIndex)) return EINVAL;
  const flags = r.opFlags;
  const key = U.IORING_ASYNC_CANCEL_FD | U.IORING_ASYNC_CANCEL_OP | U.IORING_ASYNC_CANCEL_USERDATA;
  if (flags & ~(key | U.IORING_ASYNC_CANCEL_ALL | U.IORING_ASYNC_CANCEL_ANY | U.IORING_ASYNC_CANCEL_FD_FIXED)) return EINVAL;
  return flags & U.IORING_ASYNC_CANCEL_FD && flags & U.IORING_ASYNC_CANCEL_ANY ? EINVAL : 0;
}
function asyncCancel(_w: IoWorker, r: UringRequest): number {
  return cancelMatching(r.ring, r.submitter, r, r.opFlags, r.view.getUint32(16, true), r.view.getUint32(20, true), r.fd, r.len);
}

// ---- buffers, files, rings

function prepareProvide(r: UringRequest): number {
  if (or(r.opFlags, r.fileIndex)) return EINVAL;
  if (r.fd <= 0 || r.fd > 65536) return E2BIG;
  if (r.len === 0) return EINVAL;
  if (r.addr + r.len * r.fd > 0x7ffffffff000) return EFAULT;
  if (r.off > 65535) return E2BIG;
  return r.off + r.fd > 65536 ? EINVAL : 0;
}
function provideBuffers(_w: IoWorker, r: UringRequest): number {
  const { groups } = r.ring;
  let g = groups.get(r.bufIndex);
  if (g === undefined) groups.set(r.bufIndex, (g = new BufferGroup()));
  if (g.isRing) return EINVAL;
  for (let i = 0; i < r.fd; i++) g.list.push({ addr: r.addr + i * r.len, length: r.len, id: r.off + i });
  return 0;
}
function removeBuffers(_w: IoWorker, r: UringRequest): number {
  const g = r.ring.groups.get(r.bufIndex);
  if (g === undefined) return ENOENT;
  if (g.isRing) return EINVAL;
  return g.list.splice(0, r.fd).length;
}

function messageRing(_w: IoWorker, r: UringRequest): number {
  const target = r.file!;
  if (!(target instanceof IoRing)) return EBADFD;
  if (target.disabled) return EBADFD;
  if (r.addr === U.IORING_MSG_DATA) {
    if (r.addr3 !== 0 || r.opFlags & ~U.IORING_MSG_RING_FLAGS_PASS) return EINVAL;
    if (!(r.opFlags & U.IORING_MSG_RING_FLAGS_PASS) && r.fileIndex !== 0) return EINVAL;
    if (target.hasOverflow || target.ready >= target.cqEntries) return EOVERFLOW;
    target.post(r.view.getUint32(8, true), r.view.getUint32(12, true), r.len | 0, r.opFlags & U.IORING_MSG_RING_FLAGS_PASS ? r.fileIndex : 0);
    return 0;
  }
  if (r.addr !== U.IORING_MSG_SEND_FD || r.len !== 0) return EINVAL;
  if (target === r.ring) return EINVAL;
  const slot = r.ring.files?.[r.addr3] ?? null;
  if (slot === null) return EBADF;
  slot.file.ref();
  const n = placeFile(target, slot.file, r.fileIndex);
  if (n >= 0 && !(r.opFlags & U.IORING_MSG_RING_CQE_SKIP)) target.post(r.view.getUint32(8, true), r.view.getUint32(12, true), n, 0);
  return n;
}

/** The second file of splice and tee, from the descriptor or a registered place (SPLICE_F_FD_IN_FIXED). */
function spliceFrom(w: IoWorker, r: UringRequest): boolean {
  if (r.second !== null) return true;
  const index = r.fileIndex | 0;
  const file = r.opFlags >>> 31 ? (r.ring.files?.[index]?.file ?? null) : openFile(r.submitter, index);
  if (file === null) return false;
  file.ref();
  r.second = file;
  w.actFor(r.submitter, r.credentials, r.file, file);
  return true;
}
function splice(w: IoWorker, r: UringRequest): number {
  if (!spliceFrom(w, r)) return EBADF;
  const from = r.second!;
  const to = r.file!;
  const offIn = r.view.getUint32(16, true) + r.view.getInt32(20, true) * 4294967296;
  // The handler takes offsets from memory and here they are values: the position stands in for them.
  if ((offIn !== -1 && !from.seekable) || (r.off !== -1 && !to.seekable)) return ESPIPE;
  const posIn = from.pos;
  const posOut = to.pos;
  if (offIn !== -1) from.pos = offIn;
  if (r.off !== -1) to.pos = r.off;
  const n = call(w, NR.splice, REQUEST_FD2, 0, REQUEST_FD, 0, r.len, r.opFlags & 0x7fffffff);
  if (offIn !== -1) from.pos = posIn;
  if (r.off !== -1) to.pos = posOut;
  if (n !== BLOCKED && n !== r.len) r.failed = true;
  return n;
}
function tee(w: IoWorker, r: UringRequest): number {
  if (!spliceFrom(w, r)) return EBADF;
  const n = call(w, NR.tee, REQUEST_FD2, REQUEST_FD, r.len, r.opFlags & 0x7fffffff);
  if (n !== BLOCKED && n !== r.len) r.failed = true;
  return n;
}

function closeFile(w: IoWorker, r: UringRequest): number {
  if (r.fileIndex !== 0) {
    const { files } = r.ring;
    if (files === null) return ENXIO;
    if (r.fileIndex - 1 >= files.length) return EINVAL;
    if (files[r.fileIndex - 1] === null) return EBADF;
    r.ring.dropSlot(r.fileIndex - 1);
    return 0;
  }
  const file = r.submitter.fdTable.get(r.fd);
  return file === null || file instanceof IoRing ? EBADF : call(w, NR.close, r.fd);
}

function installFixed(w: IoWorker, r: UringRequest): number {
  const file = r.file!;
  file.ref();
  const t = r.submitter;
  const fd = t.fdTable.install(file, w.openFilesLimit, (r.opFlags & 1) === 0);
  if (fd < 0) file.unref();
  return fd;
}

/** Requests about descriptors that are made or closed by number: a registered file cannot be meant. */
const notFixed = (r: UringRequest): number => (r.flags & U.IOSQE_FIXED_FILE ? EBADF : 0);
const noExtra = (r: UringRequest): number => (or(r.bufIndex, r.fileIndex) ? EINVAL : notFixed(r));
const refused = (code: number) => (): number => code;

/** Operations by opcode. */
export const OPERATIONS: readonly Operation[] = [
  { // NOP
    prepare: (r) => (r.opFlags & ~0x3f ? EINVAL : 0),
    step: (_w, r) => {
      const n = r.opFlags & U.IORING_NOP_INJECT_RESULT ? r.len | 0 : 0;
      if (n < 0) r.failed = true;
      return n;
    },
  },
  { needsFile: true, selectsBuffer: true, takesPriority: true, prepare: prepareTransfer, step: (w, r) => transfer(w, r, false, true) }, // READV
  { needsFile: true, takesPriority: true, prepare: prepareTransfer, step: (w, r) => transfer(w, r, true, true) }, // WRITEV
  { // FSYNC
    needsFile: true,
    prepare: (r) => (or(r.addr, r.bufIndex, r.fileIndex) || r.opFlags & ~U.IORING_FSYNC_DATASYNC ? EINVAL : 0),
    step: (w, r) => r.file!.fsync(w, (r.opFlags & U.IORING_FSYNC_DATASYNC) !== 0),
  },
  { needsFile: true, takesPriority: true, prepare: prepareTransfer, step: (w, r) => transferFixed(w, r, false) }, // READ_FIXED
  { needsFile: true, takesPriority: true, prepare: prepareTransfer, step: (w, r) => transferFixed(w, r, true) }, // WRITE_FIXED
  { needsFile: true, prepare: preparePoll, step: poll }, // POLL_ADD
  { prepare: preparePollRemove, step: pollRemove }, // POLL_REMOVE
  { // SYNC_FILE_RANGE
    needsFile: true,
    prepare: (r) => (or(r.addr, r.bufIndex, r.fileIndex) ? EINVAL : 0),
    step: (w, r) => call(w, NR.sync_file_range, REQUEST_FD, r.off, r.len, r.opFlags),
  },
  { needsFile: true, takesPriority: true, prepare: prepareMessage, step: (w, r) => messageCall(w, r, NR.sendmsg) }, // SENDMSG
  { needsFile: true, selectsBuffer: true, takesPriority: true, prepare: prepareMessage, step: (w, r) => messageCall(w, r, NR.recvmsg) }, // RECVMSG
  { prepare: prepareTimeout, step: timeout }, // TIMEOUT
  { prepare: prepareTimeoutRemove, step: timeoutRemove }, // TIMEOUT_REMOVE
  { needsFile: true, takesPriority: true, prepare: prepareAccept, step: accept }, // ACCEPT
  { prepare: prepareCancel, step: asyncCancel }, // ASYNC_CANCEL
  { prepare: prepareTimeout, step: refused(ECANCELED) }, // LINK_TIMEOUT: never begun, only armed
  { // CONNECT
    needsFile: true,
    prepare: (r) => (or(r.len, r.bufIndex, r.opFlags, r.fileIndex) ? EINVAL : 0),
    step: (w, r) => callWaiting(w, r, NR.connect, REQUEST_FD, r.addr, r.addr2),
  },
  { // FALLOCATE
    needsFile: true,
    prepare: (r) => (or(r.bufIndex, r.opFlags, r.fileIndex) ? EINVAL : 0),
    step: (w, r) => call(w, NR.fallocate, REQUEST_FD, r.len, r.off, r.addr),
  },
  { // OPENAT
    prepare: (r) => (r.bufIndex !== 0 ? EINVAL : r.fileIndex !== 0 && r.opFlags & O_CLOEXEC ? EINVAL : notFixed(r)),
    step: (w, r) => intoSlot(r, call(w, NR.openat, r.fd, r.addr, r.opFlags, r.len)),
  },
  { // CLOSE
    prepare: (r) => (or(r.off, r.addr, r.len, r.opFlags, r.bufIndex) ? EINVAL : r.fileIndex !== 0 && r.fd !== 0 ? EINVAL : notFixed(r)),
    step: closeFile,
  },
  { // FILES_UPDATE
    prepare: (r) => (r.flags & (U.IOSQE_FIXED_FILE | U.IOSQE_BUFFER_SELECT) || or(r.opFlags, r.fileIndex) || r.len === 0 ? EINVAL : 0),
    step: (_w, r) => updateFiles(r.ring, r.submitter, r.off, r.addr, 0, r.len),
  },
  { prepare: noExtra, step: (w, r) => call(w, NR.statx, r.fd, r.addr, r.opFlags, r.len, r.addr2) }, // STATX
  { needsFile: true, selectsBuffer: true, takesPriority: true, prepare: prepareTransfer, step: (w, r) => transfer(w, r, false, false) }, // READ
  { needsFile: true, takesPriority: true, prepare: prepareTransfer, step: (w, r) => transfer(w, r, true, false) }, // WRITE
  { // FADVISE
    needsFile: true,
    prepare: (r) => (or(r.bufIndex, r.fileIndex) ? EINVAL : 0),
    step: (w, r) => call(w, NR.fadvise64, REQUEST_FD, r.off, r.addr === 0 ? r.len : r.addr, r.opFlags),
  },
  { prepare: (r) => (or(r.bufIndex, r.fileIndex) ? EINVAL : 0), step: (w, r) => call(w, NR.madvise, r.addr, r.off === 0 ? r.len : r.addr2, r.opFlags) }, // MADVISE
  { needsFile: true, selectsBuffer: true, takesPriority: true, prepare: prepareMessage, step: send }, // SEND
  { needsFile: true, selectsBuffer: true, takesPriority: true, prepare: prepareMessage, step: receive }, // RECV
  { // OPENAT2
    prepare: (r) => (r.bufIndex !== 0 ? EINVAL : notFixed(r)),
    step: (w, r) => intoSlot(r, call(w, NR.openat2, r.fd, r.addr, r.addr2, r.len)),
  },
  { prepare: (r) => (or(r.bufIndex, r.fileIndex) ? EINVAL : 0), step: (w, r) => call(w, NR.epoll_ctl, r.fd, r.len, r.view.getInt32(8, true), r.addr) }, // EPOLL_CTL
  { needsFile: true, prepare: (r) => (r.opFlags & 0x7ffffff0 ? EINVAL : 0), step: splice }, // SPLICE
  { prepare: prepareProvide, step: provideBuffers }, // PROVIDE_BUFFERS
  { prepare: (r) => (or(r.opFlags, r.addr, r.len, r.off, r.fileIndex) || r.fd <= 0 || r.fd > 65536 ? EINVAL : 0), step: removeBuffers }, // REMOVE_BUFFERS
  { needsFile: true, prepare: (r) => (or(r.addr, r.off) || r.opFlags & 0x7ffffff0 ? EINVAL : 0), step: tee }, // TEE
  { // SHUTDOWN
    needsFile: true,
    prepare: (r) => (or(r.off, r.addr, r.opFlags, r.bufIndex, r.fileIndex) ? EINVAL : 0),
    step: (w, r) => call(w, NR.shutdown, REQUEST_FD, r.len),
  },
  { prepare: noExtra, step: (w, r) => call(w, NR.renameat2, r.fd, r.addr, r.len | 0, r.addr2, r.opFlags) }, // RENAMEAT
  { // UNLINKAT
    prepare: (r) => (or(r.off, r.len) || r.opFlags & ~AT_REMOVEDIR ? EINVAL : noExtra(r)),
    step: (w, r) => call(w, NR.unlinkat, r.fd, r.addr, r.opFlags),
  },
  { prepare: (r) => (or(r.off, r.opFlags) ? EINVAL : noExtra(r)), step: (w, r) => call(w, NR.mkdirat, r.fd, r.addr, r.len) }, // MKDIRAT
  { prepare: (r) => (or(r.len, r.opFlags) ? EINVAL : noExtra(r)), step: (w, r) => call(w, NR.symlinkat, r.addr, r.fd, r.addr2) }, // SYMLINKAT
  { prepare: noExtra, step: (w, r) => call(w, NR.linkat, r.fd, r.addr, r.len | 0, r.addr2, r.opFlags) }, // LINKAT
  { needsFile: true, prepare: (r) => (or(r.bufIndex, r.personality) ? EINVAL : 0), step: messageRing }, // MSG_RING
  { needsFile: true, prepare: none, step: (w, r) => call(w, NR.fsetxattr, REQUEST_FD, r.addr, r.addr2, r.len, r.opFlags) }, // FSETXATTR
  { prepare: notFixed, step: (w, r) => call(w, NR.setxattr, r.addr3, r.addr, r.addr2, r.len, r.opFlags) }, // SETXATTR
  { needsFile: true, prepare: (r) => (r.opFlags !== 0 ? EINVAL : 0), step: (w, r) => call(w, NR.fgetxattr, REQUEST_FD, r.addr, r.addr2, r.len) }, // FGETXATTR
  { prepare: (r) => (r.opFlags !== 0 ? EINVAL : notFixed(r)), step: (w, r) => call(w, NR.getxattr, r.addr3, r.addr, r.addr2, r.len) }, // GETXATTR
  { // SOCKET
    prepare: (r) => (or(r.addr, r.opFlags, r.bufIndex) ? EINVAL : r.fileIndex !== 0 && r.off & SOCK_CLOEXEC ? EINVAL : 0),
    step: (w, r) => intoSlot(r, call(w, NR.socket, r.fd, r.off, r.len)),
  },
  { needsFile: true, prepare: none, step: refused(EOPNOTSUPP) }, // URING_CMD: no driver here has commands
  { needsFile: true, takesPriority: true, prepare: prepareMessage, step: zeroCopy(send) }, // SEND_ZC
  { needsFile: true, takesPriority: true, prepare: prepareMessage, step: zeroCopy((w, r) => messageCall(w, r, NR.sendmsg)) }, // SENDMSG_ZC
  { // READ_MULTISHOT
    needsFile: true,
    selectsBuffer: true,
    prepare: (r) => (!(r.flags & U.IOSQE_BUFFER_SELECT) || or(r.addr, r.len) ? EINVAL : prepareTransfer(r)),
    step: readAgainAndAgain,
  },
  { // WAITID
    prepare: (r) => (or(r.addr, r.bufIndex, r.opFlags) || r.addr3 !== 0 ? EINVAL : 0),
    step: (w, r) => call(w, NR.waitid, r.len, r.fd, r.addr2, r.fileIndex, 0),
  },
  { // FUTEX_WAIT
    prepare: (r) => (or(r.len, r.opFlags, r.bufIndex, r.fileIndex) ? EINVAL : 0),
    step: (w, r) => call(w, NR.futex_wait, r.addr, r.addr2, r.addr3, r.fd, 0, 0),
  },
  { // FUTEX_WAKE
    prepare: (r) => (or(r.len, r.opFlags, r.bufIndex, r.fileIndex) ? EINVAL : 0),
    step: (w, r) => call(w, NR.futex_wake, r.addr, r.addr3, r.addr2, r.fd),
  },
  { // FUTEX_WAITV
    prepare: (r) => (or(r.fd, r.bufIndex, r.fileIndex, r.addr2, r.opFlags) || r.addr3 !== 0 ? EINVAL : 0),
    step: (w, r) => call(w, NR.futex_waitv, r.addr, r.len, 0, 0, 0),
  },
  { // FIXED_FD_INSTALL
    needsFile: true,
    prepare: (r) => (or(r.off, r.addr, r.len, r.bufIndex, r.fileIndex) || r.addr3 !== 0 ? EINVAL : !(r.flags & U.IOSQE_FIXED_FILE) ? EBADF : r.opFlags & ~1 ? EINVAL : 0),
    step: installFixed,
  },
  { // FTRUNCATE
    needsFile: true,
    prepare: (r) => (or(r.opFlags, r.addr, r.len, r.bufIndex, r.fileIndex) || r.addr3 !== 0 ? EINVAL : 0),
    step: (w, r) => call(w, NR.ftruncate, REQUEST_FD, r.off),
  },
  { needsFile: true, prepare: (r) => (or(r.len, r.bufIndex, r.opFlags, r.fileIndex) ? EINVAL : 0), step: (w, r) => call(w, NR.bind, REQUEST_FD, r.addr, r.addr2) }, // BIND
  { needsFile: true, prepare: (r) => (or(r.addr, r.bufIndex, r.opFlags, r.fileIndex, r.off) ? EINVAL : 0), step: (w, r) => call(w, NR.listen, REQUEST_FD, r.len) }, // LISTEN
  { needsFile: true, takesPriority: true, prepare: refused(EINVAL), step: refused(EINVAL) }, // RECV_ZC: no interface queue can be registered here
  { needsFile: true, prepare: (r) => (or(r.off, r.opFlags, r.bufIndex, r.fileIndex) ? EINVAL : 0), step: (w, r) => call(w, NR.epoll_wait, REQUEST_FD, r.addr, r.len, -1) }, // EPOLL_WAIT
  { needsFile: true, takesPriority: true, prepare: prepareTransfer, step: (w, r) => transferFixedVector(w, r, false) }, // READV_FIXED
  { needsFile: true, takesPriority: true, prepare: prepareTransfer, step: (w, r) => transferFixedVector(w, r, true) }, // WRITEV_FIXED
  { // PIPE
    prepare: (r) => (or(r.fd, r.off) || r.addr3 !== 0 ? EINVAL : 0),
    step: (w, r) => (r.fileIndex !== 0 ? EOPNOTSUPP : call(w, NR.pipe2, r.addr, r.opFlags)),
  },
];
