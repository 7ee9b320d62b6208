/**
 * Linux AIO: io_setup, io_submit, io_getevents, io_pgetevents, io_cancel, io_destroy. Linux 6.18 fs/aio.c; man 2 io_submit.
 * Reads and writes are done in io_submit, as Linux does them for everything but direct I/O to a device; one of a pipe or socket that blocks keeps io_submit waiting.
 */
import {
  IOCB_BUF, IOCB_CMD_FDSYNC, IOCB_CMD_FSYNC, IOCB_CMD_POLL, IOCB_CMD_PREAD, IOCB_CMD_PREADV, IOCB_CMD_PWRITE, IOCB_CMD_PWRITEV, IOCB_DATA, IOCB_FD,
  IOCB_FLAG_IOPRIO, IOCB_FLAG_RESFD, IOCB_FLAGS, IOCB_KEY, IOCB_NBYTES, IOCB_OFFSET, IOCB_OPCODE, IOCB_REQPRIO, IOCB_RESERVED2, IOCB_RESFD, IOCB_RW_FLAGS, SIZEOF_IOCB,
} from '../abi/aio.ts';
import {
  BLOCKED, EAGAIN, EBADF, EFAULT, EINPROGRESS, EINTR, EINVAL, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTSYS, isErr,
} from '../abi/errno.ts';
import { POLLERR, POLLHUP } from '../abi/poll.ts';
import { EventfdDescription } from '../fs/anon/eventfd.ts';
import { type AioContext, AioPoll, type AioRequest, findContext, makeContext } from '../kernel/aio.ts';
import type { Task } from '../kernel/task.ts';
import { FileDescription } from '../vfs/file-description.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { readBuffer, readIovecs, readWithFlags, rwFlagsError, writeWithFlags } from './file-read-write.ts';
import { deadlineAfter, openFile, readTimespec, restoreMask, setTemporaryMask, TimeSpan } from './io-wait.ts';
import { checkIoPriority } from './sched.ts';

function ioSetup(t: Task, a: SyscallArgs): number {
  const addr = a.addr(1);
  const old = t.space.readU64(addr);
  if (isErr(old)) return EFAULT;
  const count = a.u32(0);
  if (old !== 0 || count === 0) return EINVAL;
  const handle = makeContext(t, count);
  if (isErr(handle)) return handle;
  if (!isErr(t.space.writeU64(addr, handle))) return 0;
  destroy(t, handle);
  return EFAULT;
}

function destroy(t: Task, handle: number): number {
  const context = findContext(t, handle);
  if (context === null) return EINVAL;
  const { size } = context.ring;
  context.destroy();
  t.space.munmap(handle, size);
  return 0;
}

const iocb = new Uint8Array(SIZEOF_IOCB);
const view = new DataView(iocb.buffer);
const word64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296;
const long64 = (at: number): number => view.getUint32(at, true) + view.getInt32(at + 4, true) * 4294967296;

/** 0 when it was taken, an errno if not, BLOCKED if its file keeps it waiting. */
function submitOne(t: Task, context: AioContext, addr: number): number {
  if (isErr(t.space.readBytes(addr, iocb))) return EFAULT;
  if (view.getUint32(IOCB_RESERVED2, true) !== 0 || view.getUint32(IOCB_RESERVED2 + 4, true) !== 0) return EINVAL;
  if (long64(IOCB_NBYTES) < 0) return EINVAL;
  if (!context.hasRoom) return EAGAIN;
  const file = openFile(t, view.getInt32(IOCB_FD, true));
  if (file === null) return EBADF;
  let notifier: EventfdDescription | null = null;
  if (view.getUint32(IOCB_FLAGS, true) & IOCB_FLAG_RESFD) {
    const e = openFile(t, view.getInt32(IOCB_RESFD, true));
    if (e === null) return EBADF;
    if (!(e instanceof EventfdDescription)) return EINVAL;
    notifier = e;
  }
  if (isErr(t.space.writeU32(addr + IOCB_KEY, 0))) return EFAULT;
  notifier?.ref();
  const request = { iocb: addr, dataLo: view.getUint32(IOCB_DATA, true), dataHi: view.getUint32(IOCB_DATA + 4, true), notifier };
  const r = start(t, context, file, request);
  if (r !== 0) notifier?.unref();
  return r;
}

function start(t: Task, context: AioContext, file: FileDescription, request: AioRequest): number {
  switch (view.getUint16(IOCB_OPCODE, true)) {
    case IOCB_CMD_PREAD:
      return transfer(t, context, file, request, false, false);
    case IOCB_CMD_PWRITE:
      return transfer(t, context, file, request, true, false);
    case IOCB_CMD_PREADV:
      return transfer(t, context, file, request, false, true);
    case IOCB_CMD_PWRITEV:
      return transfer(t, context, file, request, true, true);
    case IOCB_CMD_FSYNC:
      return sync(t, context, file, request, false);
    case IOCB_CMD_FDSYNC:
      return sync(t, context, file, request, true);
    case IOCB_CMD_POLL:
      return poll(context, file, request);
    default:
      return EINVAL;
  }
}

/** A file without a read or write method takes no request (Linux read_iter == NULL). */
function movesBytes(file: FileDescription, write: boolean): boolean {
  if (file.inode.isDirectory) return false;
  return write ? file.write !== FileDescription.prototype.write : file.read !== FileDescription.prototype.read;
}

function transfer(t: Task, context: AioContext, file: FileDescription, request: AioRequest, write: boolean, vectored: boolean): number {
  if (view.getUint32(IOCB_FLAGS, true) & IOCB_FLAG_IOPRIO) {
    const r = checkIoPriority(t, view.getUint16(IOCB_REQPRIO, true));
    if (r < 0) return r;
  }
  const flags = view.getInt32(IOCB_RW_FLAGS, true);
  const bad = rwFlagsError(flags);
  if (bad !== 0) return bad;
  const offset = long64(IOCB_OFFSET);
  const addr = word64(IOCB_BUF);
  const count = word64(IOCB_NBYTES);
  if (!(write ? file.writable : file.readable)) return EBADF;
  if (!movesBytes(file, write)) return EINVAL;
  const iov = vectored ? readIovecs(t, addr, count) : readBuffer(t, addr, count);
  if (isErr(iov)) return iov;
  if (offset < 0) return EINVAL;
  const at = file.seekable ? offset : -1;
  const n = write ? writeWithFlags(t, file, iov, at, flags) : readWithFlags(t, file, iov, at, flags);
  if (n === BLOCKED) return n;
  context.complete(request, n === ERESTARTSYS || n === ERESTARTNOHAND || n === ERESTART_RESTARTBLOCK ? EINTR : n);
  return 0;
}

function sync(t: Task, context: AioContext, file: FileDescription, request: AioRequest, dataOnly: boolean): number {
  if (word64(IOCB_BUF) !== 0 || long64(IOCB_OFFSET) !== 0 || word64(IOCB_NBYTES) !== 0 || view.getUint32(IOCB_RW_FLAGS, true) !== 0) return EINVAL;
  const r = file.fsync(t, dataOnly);
  if (r === EINVAL) return EINVAL; // it has no fsync
  context.complete(request, r);
  return 0;
}

function poll(context: AioContext, file: FileDescription, request: AioRequest): number {
  if (word64(IOCB_BUF) > 0xffff || long64(IOCB_OFFSET) !== 0 || word64(IOCB_NBYTES) !== 0 || view.getUint32(IOCB_RW_FLAGS, true) !== 0) return EINVAL;
  return new AioPoll(context, request, file, view.getUint16(IOCB_BUF, true) | POLLERR | POLLHUP).start();
}

/** io_submit(ctx, count, pointers): how many were taken; the errno of the first if it was refused. `syscall.progress2` counts what is done before a wait. */
function ioSubmit(t: Task, a: SyscallArgs): number {
  const given = a.long(1);
  if (given < 0) return EINVAL;
  const context = findContext(t, a.addr(0));
  if (context === null) return EINVAL;
  const count = Math.min(given, context.places);
  const s = t.syscall;
  let r = 0;
  while (s.progress2 < count) {
    const addr = t.space.readU64(a.addr(2) + s.progress2 * 8);
    r = isErr(addr) ? EFAULT : submitOne(t, context, addr);
    if (r === BLOCKED) return r;
    if (r < 0) break;
    s.progress = 0;
    s.progress2++;
  }
  return s.progress2 > 0 ? s.progress2 : r;
}

const span = new TimeSpan();

/** Monotonic deadline of the timeout at `addr`: Infinity for none and for a negative one (which overflows in Linux), -1 for zero; EFAULT. */
function deadlineAt(t: Task, addr: number): number {
  if (addr === 0) return Infinity;
  if (t.syscall.again) return t.syscall.deadline;
  if (readTimespec(t, addr, span) === EFAULT) return EFAULT;
  if (span.sec === 0 && span.nsec === 0) return -1;
  return span.sec < 0 || span.nsec < 0 ? Infinity : deadlineAfter(t, span);
}

/** Linux read_events(): EINVAL, EFAULT, EINTR, BLOCKED, or the count. */
function getEvents(t: Task, a: SyscallArgs, deadline: number): number {
  const context = findContext(t, a.addr(0));
  if (context === null) return EINVAL;
  const least = a.long(1);
  const most = a.long(2);
  if (least < 0 || least > most) return EINVAL;
  const s = t.syscall;
  const n = context.read(t, a.addr(3) + s.progress * 32, most - s.progress);
  if (n > 0) s.progress += n;
  if (n < 0) return s.progress > 0 ? s.progress : n;
  if (s.progress >= least || deadline === -1 || s.timedOut) return s.progress;
  const r = t.wait(context.waiters, deadline);
  if (r !== ERESTARTSYS) return r;
  return s.progress > 0 ? s.progress : EINTR;
}

function ioGetevents(t: Task, a: SyscallArgs): number {
  const deadline = deadlineAt(t, a.addr(4));
  return deadline === EFAULT ? EFAULT : getEvents(t, a, deadline);
}

function ioPgetevents(t: Task, a: SyscallArgs): number {
  const deadline = deadlineAt(t, a.addr(4));
  if (deadline === EFAULT) return EFAULT;
  const usig = a.addr(5);
  if (usig !== 0 && !t.syscall.again) {
    const mask = t.space.readU64(usig);
    const size = t.space.readU64(usig + 8);
    if (isErr(mask) || isErr(size)) return EFAULT;
    const r = setTemporaryMask(t, mask, size);
    if (r < 0) return r;
  }
  const n = getEvents(t, a, deadline);
  if (n === BLOCKED) return n;
  restoreMask(t, n === EINTR);
  return n === EINTR ? ERESTARTNOHAND : n;
}

function ioCancel(t: Task, a: SyscallArgs): number {
  const addr = a.addr(1);
  const key = t.space.readU32(addr + IOCB_KEY);
  if (isErr(key)) return EFAULT;
  if (key !== 0) return EINVAL;
  const context = findContext(t, a.addr(0));
  if (context === null) return EINVAL;
  for (const p of context.polls)
    if (p.iocb === addr) {
      p.cancel();
      return EINPROGRESS; // the event tells
    }
  return EINVAL;
}

export const rows: readonly SyscallRow[] = [
  [206, 'io_setup', 'uint,out:addr', 'full', ioSetup],
  [207, 'io_destroy', 'addr', 'full', (t, a) => destroy(t, a.addr(0))],
  [208, 'io_getevents', 'addr,long,long,outarray:io_event:result,timespec', 'full', ioGetevents],
  [209, 'io_submit', 'addr,long,array:iocbptr:1', 'full', ioSubmit],
  [210, 'io_cancel', 'addr,iocb,addr', 'full', ioCancel],
  [333, 'io_pgetevents', 'addr,long,long,outarray:io_event:result,timespec,addr', 'full', ioPgetevents],
];
