/** sendfile, copy_file_range, splice, tee, vmsplice. */
import {
  BLOCKED, EBADF, EFAULT, EFBIG, EINVAL, EISDIR, EOVERFLOW, EPERM, ESPIPE, ETXTBSY, EXDEV, type Errno, isErr,
} from '../abi/errno.ts';
import {
  MAX_RW_COUNT, O_APPEND, O_NONBLOCK, SPLICE_F_GIFT, SPLICE_F_MORE, SPLICE_F_MOVE, SPLICE_F_NONBLOCK,
} from '../abi/fcntl.ts';
import { BytesIoVector } from '../base/io-vector.ts';
import { PipeFile } from '../fs/pipe/pipe.ts';
import type { Task } from '../kernel/task.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { S_APPEND, S_IMMUTABLE } from '../vfs/inode.ts';
import { IN_ACCESS, IN_MODIFY, notifyFile } from '../vfs/notify.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { getFile } from './file-names.ts';
import { readIovecs } from './file-read-write.ts';

const SIGXFSZ = 25;
const CHUNK = 65536;
const chunk = new Uint8Array(CHUNK);
const chunkIov = new BytesIoVector(chunk);

/** The shared vector over the first `len` bytes of the chunk. */
function window(len: number): BytesIoVector {
  chunkIov.pos = 0;
  chunkIov.end = len;
  return chunkIov;
}

/**
 * Moves up to `len` bytes from `from` at `inOff` (-1: its position) to `to` at `outOff`. What was moved, or the first errno or BLOCKED when
 * nothing was. A reader's bytes that the writer does not take are put back where that is possible (files with positions).
 */
function transfer(t: Task, from: FileDescription, inOff: number, to: FileDescription, outOff: number, len: number): number {
  let done = t.syscall.progress;
  while (done < len) {
    const want = Math.min(CHUNK, len - done);
    const n = from.read(t, window(want), inOff < 0 ? -1 : inOff + done);
    if (n <= 0) return done > 0 && n !== BLOCKED ? done : n < 0 ? n : done;
    const out = window(n);
    const w = to.write(t, out, outOff < 0 ? -1 : outOff + done);
    const moved = w === BLOCKED ? n - out.remaining : Math.max(0, w);
    if (moved < n && inOff < 0 && from.seekable) from.pos -= n - moved;
    done += moved;
    if (w < 0) {
      t.syscall.progress = done;
      return w === BLOCKED ? BLOCKED : done > 0 ? done : w;
    }
    if (moved < n || n < want) break;
  }
  if (done > 0) {
    notifyFile(from, IN_ACCESS);
    notifyFile(to, IN_MODIFY);
  }
  return done;
}

/** Reads an loff_t argument: null for a null pointer, errno (EFAULT, EINVAL for a negative one). */
function readOffset(t: Task, addr: number): number | Errno | null {
  if (addr === 0) return null;
  const v = t.space.readU64(addr);
  if (isErr(v)) return EFAULT;
  return v >= 2 ** 63 ? EINVAL : v;
}

/** What /proc/PID/io counts: a call of either kind, and what went through. */
function account(t: Task, n: number): void {
  if (n === BLOCKED) return;
  t.usage.readCalls++;
  t.usage.writeCalls++;
  if (n > 0) {
    t.usage.readChars += n;
    t.usage.writtenChars += n;
  }
}

function sysSendfile(t: Task, a: SyscallArgs): number {
  const to = getFile(t, a.fd(0));
  const from = getFile(t, a.fd(1));
  const offset = readOffset(t, a.addr(2));
  if (isErr(offset) && offset === EFAULT) return EFAULT;
  if (typeof from === 'number' || !from.readable) return EBADF;
  if (offset !== null && !from.seekable) return ESPIPE;
  if (isErr(offset)) return offset;
  if (typeof to === 'number' || !to.writable) return EBADF;
  if (from.inode.isDirectory) return EINVAL;
  if (!from.inode.isRegular && !from.seekable && !(from instanceof PipeFile)) return EINVAL;
  if (to.flags & O_APPEND) return EINVAL;
  const len = Math.min(a.size(3), MAX_RW_COUNT);
  const n = transfer(t, from, offset ?? -1, to, -1, len);
  account(t, n);
  if (n > 0 && offset !== null && isErr(t.space.writeU64(a.addr(2), offset + n))) return EFAULT;
  return n;
}

function sysCopyFileRange(t: Task, a: SyscallArgs): number {
  const from = getFile(t, a.fd(0));
  const to = getFile(t, a.fd(2));
  if (typeof from === 'number' || typeof to === 'number') return EBADF;
  const inOff = readOffset(t, a.addr(1));
  if (isErr(inOff)) return inOff;
  const outOff = readOffset(t, a.addr(3));
  if (isErr(outOff)) return outOff;
  if (a.u32(5) !== 0) return EINVAL;
  if (from.inode.isDirectory || to.inode.isDirectory) return EISDIR;
  if (!from.inode.isRegular || !to.inode.isRegular) return EINVAL;
  if (!from.readable || !to.writable || to.flags & O_APPEND) return EBADF;
  if (from.inode.sb.typeName !== to.inode.sb.typeName) return EXDEV;
  if (to.inode.flags & (S_IMMUTABLE | S_APPEND)) return EPERM;
  if (to.inode.writeCount < 0) return ETXTBSY;
  const start = inOff ?? from.pos;
  const dest = outOff ?? to.pos;
  let len = Math.min(a.size(4), MAX_RW_COUNT);
  if (start + len < start || dest + len > to.inode.sb.maxBytes) return EOVERFLOW;
  from.inode.refresh(t);
  if (start >= from.inode.size) return 0;
  len = Math.min(len, from.inode.size - start);
  if (from.inode === to.inode && dest + len > start && dest < start + len) return EINVAL;
  if (dest >= t.fileSizeLimit) {
    t.sendSignal(SIGXFSZ);
    return EFBIG;
  }
  const n = transfer(t, from, start, to, dest, len);
  account(t, n);
  if (n > 0) {
    if (inOff === null) from.pos = start + n;
    else if (isErr(t.space.writeU64(a.addr(1), start + n))) return EFAULT;
    if (outOff === null) to.pos = dest + n;
    else if (isErr(t.space.writeU64(a.addr(3), dest + n))) return EFAULT;
  }
  return n;
}

const SPLICE_KNOWN = SPLICE_F_MOVE | SPLICE_F_NONBLOCK | SPLICE_F_MORE | SPLICE_F_GIFT;

/** Runs `work` with O_NONBLOCK on `file` as SPLICE_F_NONBLOCK asks. */
function withNonBlock(file: FileDescription, flags: number, work: () => number): number {
  const saved = file.flags;
  if (flags & SPLICE_F_NONBLOCK) file.flags |= O_NONBLOCK;
  const r = work();
  file.flags = saved;
  return r;
}

function sysSplice(t: Task, a: SyscallArgs): number {
  const flags = a.u32(5);
  const len = Math.min(a.size(4), MAX_RW_COUNT);
  if (len === 0) return 0;
  if (flags & ~SPLICE_KNOWN) return EINVAL;
  const from = getFile(t, a.fd(0));
  const to = getFile(t, a.fd(2));
  if (typeof from === 'number' || typeof to === 'number') return EBADF;
  const inPipe = from instanceof PipeFile;
  const outPipe = to instanceof PipeFile;
  if ((inPipe && a.addr(1) !== 0) || (outPipe && a.addr(3) !== 0)) return ESPIPE;
  const inOff = readOffset(t, a.addr(1));
  if (isErr(inOff)) return inOff;
  const outOff = readOffset(t, a.addr(3));
  if (isErr(outOff)) return outOff;
  if (!from.readable || !to.writable) return EBADF;
  if (!inPipe && !outPipe) return EINVAL;
  if (inPipe && outPipe && from.pipe === to.pipe) return EINVAL;
  if (!inPipe && inOff !== null && !from.seekable) return EINVAL;
  if (!outPipe && outOff !== null && !to.seekable) return EINVAL;
  if (!outPipe && to.flags & O_APPEND) return EINVAL;
  if (!inPipe && from.inode.isDirectory) return EINVAL;
  const pipe = inPipe ? from : (to as PipeFile);
  return withNonBlock(pipe, flags, () => {
    const n = inPipe ? drainPipe(t, from, to, outOff ?? -1, len) : fillPipe(t, from, inOff ?? -1, to as PipeFile, len);
    if (n > 0) {
      if (inOff !== null && isErr(t.space.writeU64(a.addr(1), inOff + n))) return EFAULT;
      if (outOff !== null && isErr(t.space.writeU64(a.addr(3), outOff + n))) return EFAULT;
    }
    return n;
  });
}

/** File (or socket, terminal) to pipe: as much as there is room for, waiting for room only when there is none. */
function fillPipe(t: Task, from: FileDescription, inOff: number, to: PipeFile, len: number): number {
  const room = to.pipe.room;
  if (room <= 0 || to.pipe.readers === 0) return to.write(t, window(1), -1);
  const n = from.read(t, window(Math.min(len, room, CHUNK)), inOff);
  if (n <= 0) return n;
  return to.write(t, window(n), -1);
}

/** Pipe to file, socket or pipe: what is there now. */
function drainPipe(t: Task, from: PipeFile, to: FileDescription, outOff: number, len: number): number {
  const ring = from.pipe.ring;
  if (ring.length === 0) return from.read(t, window(1), -1);
  let want = Math.min(len, ring.length, CHUNK);
  if (to instanceof PipeFile) {
    if (to.pipe.room <= 0 || to.pipe.readers === 0) return to.write(t, window(1), -1);
    want = Math.min(want, to.pipe.room);
  }
  const got = ring.drain(window(want), want, true);
  const out = window(got);
  const w = to.write(t, out, outOff);
  const moved = w === BLOCKED ? got - out.remaining : w;
  if (moved <= 0) return w;
  // Only what was taken leaves the pipe; reading it also tells those who wait for room.
  from.read(t, window(moved), -1);
  return moved;
}

function sysTee(t: Task, a: SyscallArgs): number {
  const flags = a.u32(3);
  const len = Math.min(a.size(2), MAX_RW_COUNT);
  if (flags & ~SPLICE_KNOWN) return EINVAL;
  if (len === 0) return 0;
  const from = getFile(t, a.fd(0));
  const to = getFile(t, a.fd(1));
  if (typeof from === 'number' || typeof to === 'number') return EBADF;
  if (!from.readable || !to.writable) return EBADF;
  if (!(from instanceof PipeFile) || !(to instanceof PipeFile) || from.pipe === to.pipe) return EINVAL;
  return withNonBlock(from, flags, () =>
    withNonBlock(to, flags, () => {
      const ring = from.pipe.ring;
      if (ring.length === 0) return from.read(t, window(1), -1);
      if (to.pipe.room <= 0 || to.pipe.readers === 0) return to.write(t, window(1), -1);
      const want = Math.min(len, ring.length, to.pipe.room, CHUNK);
      return to.write(t, window(ring.drain(window(want), want, true)), -1);
    }),
  );
}

function sysVmsplice(t: Task, a: SyscallArgs): number {
  const flags = a.u32(3);
  if (flags & ~SPLICE_KNOWN) return EINVAL;
  const file = getFile(t, a.fd(0));
  if (typeof file === 'number') return EBADF;
  if (!(file instanceof PipeFile)) return EBADF;
  const iov = readIovecs(t, a.addr(1), a.size(2));
  if (typeof iov === 'number') return iov;
  if (iov.remaining === 0) return t.syscall.progress;
  const total = iov.remaining + t.syscall.progress;
  const n = withNonBlock(file, flags, () => (file.writable ? file.write(t, iov, -1) : file.read(t, iov, -1)));
  if (n === BLOCKED) t.syscall.progress = total - iov.remaining;
  else if (n >= 0) return t.syscall.progress + n;
  else if (t.syscall.progress > 0) return t.syscall.progress;
  return n;
}

export const rows: readonly SyscallRow[] = [
  [40, 'sendfile', 'fd,fd,addr,size=long', 'full', sysSendfile],
  [275, 'splice', 'fd,addr,fd,addr,size,spliceflags=long', 'full', sysSplice],
  [276, 'tee', 'fd,fd,size,spliceflags=long', 'full', sysTee],
  [278, 'vmsplice', 'fd,iovec:2,ulong,spliceflags=long', 'full', sysVmsplice],
  [326, 'copy_file_range', 'fd,addr,fd,addr,size,uint=long', 'full', sysCopyFileRange],
];

