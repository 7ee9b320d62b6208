/** read, write and their relatives, lseek. */
import { BLOCKED, EBADF, EFAULT, EINVAL, EOPNOTSUPP, ESPIPE, type Errno, isErr } from '../abi/errno.ts';
import {
  IOV_MAX, MAX_RW_COUNT, O_APPEND, O_DSYNC, O_NONBLOCK, O_SYNC, RWF_APPEND, RWF_ATOMIC, RWF_DONTCACHE, RWF_DSYNC, RWF_HIPRI, RWF_NOAPPEND, RWF_NOWAIT,
  RWF_SYNC,
} from '../abi/fcntl.ts';
import type { Task } from '../kernel/task.ts';
import { UserIoVector } from '../memory/user-io-vector.ts';
import { TASK_SIZE } from '../memory/user-memory.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { askPermission, FS_ACCESS_PERM, IN_ACCESS, IN_MODIFY, notifyFile } from '../vfs/notify.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

/** One buffer serves all calls: handlers run to completion. Made with the first task's memory. */
let shared: UserIoVector | null = null;
function iovFor(t: Task): UserIoVector {
  if (shared === null) return (shared = new UserIoVector(t.space));
  return shared.reset(t.space);
}

/** Reads through `file` into `iov`, going on after a wait: what earlier calls of this handler moved is in syscall.progress. */
function finish(t: Task, total: number, iov: UserIoVector, n: number): number {
  const progress = t.syscall.progress;
  if (n === BLOCKED) {
    t.syscall.progress = total - iov.remaining;
    return n;
  }
  if (n < 0) return progress > 0 ? progress : n;
  return progress + n;
}

function doRead(t: Task, file: FileDescription, iov: UserIoVector, offset: number): number {
  const asked = askPermission(t, file.path, FS_ACCESS_PERM, false, file.silent);
  if (asked < 0) return asked;
  const total = iov.remaining + t.syscall.progress;
  const n = finish(t, total, iov, file.read(t, iov, offset));
  if (n === BLOCKED) return n;
  t.usage.readCalls++;
  if (n > 0) {
    t.usage.readChars += n;
    notifyFile(file, IN_ACCESS);
  }
  return n;
}

function doWrite(t: Task, file: FileDescription, iov: UserIoVector, offset: number): number {
  const total = iov.remaining + t.syscall.progress;
  let n = finish(t, total, iov, file.write(t, iov, offset));
  if (n === BLOCKED) return n;
  t.usage.writeCalls++;
  if (n > 0) {
    t.usage.writtenChars += n;
    notifyFile(file, IN_MODIFY);
    if (file.flags & (O_SYNC | O_DSYNC)) {
      const r = file.fsync(t, (file.flags & O_SYNC) !== O_SYNC);
      if (r < 0 && r !== EINVAL) n = r;
    }
  }
  return n;
}

/** One buffer at `addr`, minus what was moved already. EFAULT for what no user address can be (access_ok). */
export function readBuffer(t: Task, addr: number, len: number): UserIoVector | Errno {
  if (addr + len > TASK_SIZE) return EFAULT;
  const n = len > MAX_RW_COUNT ? MAX_RW_COUNT : len;
  const done = t.syscall.progress;
  return iovFor(t).add(addr + done, n - done);
}

function sysRead(t: Task, a: SyscallArgs): number {
  const file = t.fdTable.get(a.fd(0));
  if (file === null || !file.readable) return EBADF;
  const iov = readBuffer(t, a.addr(1), a.size(2));
  return typeof iov === 'number' ? iov : doRead(t, file, iov, -1);
}
function sysWrite(t: Task, a: SyscallArgs): number {
  const file = t.fdTable.get(a.fd(0));
  if (file === null || !file.writable) return EBADF;
  const iov = readBuffer(t, a.addr(1), a.size(2));
  return typeof iov === 'number' ? iov : doWrite(t, file, iov, -1);
}

function sysPread(t: Task, a: SyscallArgs): number {
  const offset = a.long(3);
  if (offset < 0) return EINVAL;
  const file = t.fdTable.get(a.fd(0));
  if (file === null || file.isPath) return EBADF;
  if (!file.seekable) return ESPIPE;
  if (!file.readable) return EBADF;
  const iov = readBuffer(t, a.addr(1), a.size(2));
  return typeof iov === 'number' ? iov : doRead(t, file, iov, offset);
}
function sysPwrite(t: Task, a: SyscallArgs): number {
  const offset = a.long(3);
  if (offset < 0) return EINVAL;
  const file = t.fdTable.get(a.fd(0));
  if (file === null || file.isPath) return EBADF;
  if (!file.seekable) return ESPIPE;
  if (!file.writable) return EBADF;
  const iov = readBuffer(t, a.addr(1), a.size(2));
  return typeof iov === 'number' ? iov : doWrite(t, file, iov, offset);
}

/**
 * Reads `count` struct iovec at `addr` into the shared vector, minus what was moved already. EINVAL (too many, a negative length), EFAULT.
 */
export function readIovecs(t: Task, addr: number, count: number): UserIoVector | Errno {
  if (count > IOV_MAX) return EINVAL;
  const iov = iovFor(t);
  const space = t.space;
  let skip = t.syscall.progress;
  let total = 0;
  for (let i = 0; i < count; i++) {
    const base = space.readU64(addr + i * 16);
    const len = space.readU64(addr + i * 16 + 8);
    if (isErr(base) || isErr(len)) return EFAULT;
    if (len >= 2 ** 63) return EINVAL;
    if (base + len > TASK_SIZE && len > 0) return EFAULT;
    let n = Math.min(len, MAX_RW_COUNT - total);
    total += n;
    const cut = Math.min(skip, n);
    skip -= cut;
    n -= cut;
    if (n > 0) iov.add(base + cut, n);
  }
  return iov;
}

function sysReadv(t: Task, a: SyscallArgs): number {
  const file = t.fdTable.get(a.fd(0));
  if (file === null || !file.readable) return EBADF;
  const iov = readIovecs(t, a.addr(1), a.size(2));
  return typeof iov === 'number' ? iov : doRead(t, file, iov, -1);
}
function sysWritev(t: Task, a: SyscallArgs): number {
  const file = t.fdTable.get(a.fd(0));
  if (file === null || !file.writable) return EBADF;
  const iov = readIovecs(t, a.addr(1), a.size(2));
  return typeof iov === 'number' ? iov : doWrite(t, file, iov, -1);
}

const RWF_KNOWN = RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND | RWF_NOAPPEND | RWF_ATOMIC | RWF_DONTCACHE;

/** preadv2 and pwritev2 (and, with flags 0 and an offset, preadv and pwritev). The offset is in argument 3: on x86-64 pos_h is unused. */
function vectored(t: Task, a: SyscallArgs, write: boolean, flags: number, minusOneIsPos: boolean): number {
  const offset = a.long(3);
  const here = minusOneIsPos && offset === -1;
  if (!here && offset < 0) return EINVAL;
  const file = t.fdTable.get(a.fd(0));
  if (file === null || file.isPath) return EBADF;
  if (!here && !file.seekable) return ESPIPE;
  if (write ? !file.writable : !file.readable) return EBADF;
  const iov = readIovecs(t, a.addr(1), a.size(2));
  if (typeof iov === 'number') return iov;
  const bad = rwFlagsError(flags);
  if (bad !== 0) return bad;
  return write ? writeWithFlags(t, file, iov, here ? -1 : offset, flags) : readWithFlags(t, file, iov, here ? -1 : offset, flags);
}

/** What is wrong with RWF_ flags (Linux kiocb_set_rw_flags): EOPNOTSUPP, EINVAL, or 0. */
export function rwFlagsError(flags: number): number {
  if (flags & ~RWF_KNOWN || flags & (RWF_ATOMIC | RWF_DONTCACHE)) return EOPNOTSUPP;
  return flags & RWF_APPEND && flags & RWF_NOAPPEND ? EINVAL : 0;
}

/** Reads as `flags` (RWF_, checked) say; `offset` -1: at the position. */
export function readWithFlags(t: Task, file: FileDescription, iov: UserIoVector, offset: number, flags: number): number {
  if ((flags & RWF_NOWAIT) === 0) return doRead(t, file, iov, offset);
  const saved = file.flags;
  file.flags |= O_NONBLOCK;
  const n = doRead(t, file, iov, offset);
  file.flags = saved;
  return n;
}

/** Writes as `flags` (RWF_, checked) say; `offset` -1: at the position. */
export function writeWithFlags(t: Task, file: FileDescription, iov: UserIoVector, offset: number, flags: number): number {
  if (flags === 0) return doWrite(t, file, iov, offset);
  const saved = file.flags;
  if (flags & RWF_APPEND) file.flags |= O_APPEND;
  if (flags & RWF_NOAPPEND) file.flags &= ~O_APPEND;
  if (flags & RWF_NOWAIT) file.flags |= O_NONBLOCK;
  if (flags & RWF_SYNC) file.flags |= O_SYNC;
  else if (flags & RWF_DSYNC) file.flags |= O_DSYNC;
  const n = doWrite(t, file, iov, offset);
  file.flags = saved;
  return n;
}

function sysPreadv(t: Task, a: SyscallArgs): number {
  return vectored(t, a, false, 0, false);
}
function sysPwritev(t: Task, a: SyscallArgs): number {
  return vectored(t, a, true, 0, false);
}
function sysPreadv2(t: Task, a: SyscallArgs): number {
  return vectored(t, a, false, a.int(5), true);
}
function sysPwritev2(t: Task, a: SyscallArgs): number {
  return vectored(t, a, true, a.int(5), true);
}

function sysLseek(t: Task, a: SyscallArgs): number {
  const file = t.fdTable.get(a.fd(0));
  if (file === null || file.isPath) return EBADF;
  const whence = a.u32(2);
  if (whence > 4) return EINVAL;
  return file.seek(t, a.long(1), whence);
}

export const rows: readonly SyscallRow[] = [
  [0, 'read', 'fd,obuf,size=long', 'full', sysRead],
  [1, 'write', 'fd,buf:2,size=long', 'full', sysWrite],
  [8, 'lseek', 'fd,long,whence=long', 'full', sysLseek],
  [17, 'pread64', 'fd,obuf,size,long=long', 'full', sysPread],
  [18, 'pwrite64', 'fd,buf:2,size,long=long', 'full', sysPwrite],
  [19, 'readv', 'fd,iovec:2,int=long', 'full', sysReadv],
  [20, 'writev', 'fd,iovec:2,int=long', 'full', sysWritev],
  [295, 'preadv', 'fd,iovec:2,int,long=long', 'full', sysPreadv],
  [296, 'pwritev', 'fd,iovec:2,int,long=long', 'full', sysPwritev],
  [327, 'preadv2', 'fd,iovec:2,int,long,long,rwflags=long', 'full', sysPreadv2],
  [328, 'pwritev2', 'fd,iovec:2,int,long,long,rwflags=long', 'full', sysPwritev2],
];

