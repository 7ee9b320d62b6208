/** dup, fcntl, flock. */
import { EACCES, EAGAIN, EBADF, EBUSY, EDEADLK, EFAULT, EINVAL, ENOTDIR, EOVERFLOW, EPERM, ESRCH, BLOCKED, isErr } from '../abi/errno.ts';
import { CAP_LEASE } from '../abi/capability.ts';
import {
  F_ADD_SEALS, F_CANCELLK, F_CREATED_QUERY, F_DUPFD, F_DUPFD_CLOEXEC, F_DUPFD_QUERY, F_GET_FILE_RW_HINT, F_GET_RW_HINT, F_GET_SEALS, F_GETFD, F_GETFL, F_GETLEASE, F_GETLK,
  F_GETOWN, F_GETOWN_EX, F_GETPIPE_SZ, F_GETSIG, F_NOTIFY, F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW, F_OWNER_PGRP, F_OWNER_PID, F_OWNER_TID, F_RDLCK,
  F_SEAL_EXEC, F_SEAL_FUTURE_WRITE, F_SEAL_GROW, F_SEAL_SEAL, F_SEAL_SHRINK, F_SEAL_WRITE, F_SET_FILE_RW_HINT, F_SET_RW_HINT, F_SETFD, F_SETFL, F_SETLEASE, F_SETLK,
  F_SETLKW, F_SETOWN, F_SETOWN_EX, F_SETPIPE_SZ, F_SETSIG, F_UNLCK, F_WRLCK, FD_CLOEXEC, LOCK_EX, LOCK_NB, LOCK_SH, LOCK_UN, O_APPEND, O_ASYNC, O_CLOEXEC,
  O_DIRECT, O_NOATIME, O_NONBLOCK,
} from '../abi/fcntl.ts';
import type { Task } from '../kernel/task.ts';
import { DN_MULTISHOT, watchDirectory } from '../vfs/dnotify.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { FileLocks, LOCK_OFD, LOCK_POSIX, startWaiting, stopWaiting, wouldDeadlock } from '../vfs/locks.ts';
import { S_APPEND } from '../vfs/inode.ts';
import { ownerOrCapable } from '../vfs/permission.ts';
import { PagedInode } from '../vfs/regular-file.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { getFile, getFileRaw } from './file-names.ts';

function dupTo(t: Task, file: FileDescription, from: number, cloexec: boolean): number {
  file.ref();
  const fd = t.fdTable.install(file, t.openFilesLimit, cloexec, from);
  if (fd < 0) file.unref();
  return fd;
}
function sysDup(t: Task, a: SyscallArgs): number {
  const file = getFileRaw(t, a.fd(0));
  return typeof file === 'number' ? file : dupTo(t, file, 0, false);
}
function sysDup2(t: Task, a: SyscallArgs): number {
  return t.fdTable.dup2(t, a.fd(0), a.fd(1), t.openFilesLimit, false, false);
}
function sysDup3(t: Task, a: SyscallArgs): number {
  const flags = a.int(2);
  if (flags & ~O_CLOEXEC) return EINVAL;
  return t.fdTable.dup2(t, a.fd(0), a.fd(1), t.openFilesLimit, flags !== 0, true);
}

/** Flags that F_SETFL changes. */
const SETFL_MASK = O_APPEND | O_NONBLOCK | O_DIRECT | O_NOATIME | O_ASYNC;

function setFlags(t: Task, file: FileDescription, fd: number, arg: number): number {
  if ((file.flags ^ arg) & O_APPEND && file.inode.flags & S_APPEND) return EPERM;
  if (arg & O_NOATIME && (file.flags & O_NOATIME) === 0 && !ownerOrCapable(t.credentials, file.inode, file.path.mount.idmap)) return EPERM;
  const r = file.checkFlags(arg);
  if (r < 0) return r;
  if ((file.flags ^ arg) & O_ASYNC) {
    const f = file.fasync((arg & O_ASYNC) !== 0, fd);
    if (f < 0) return f;
  }
  file.flags = (file.flags & ~SETFL_MASK) | (arg & SETFL_MASK);
  return 0;
}

// struct flock: short type, short whence, (4 padding), long start, long len, int pid.
const long = { value: 0 };
const lk = { type: 0, start: 0, end: 0, pid: 0 };

/** Reads struct flock and turns it into a range: 0, EFAULT, EINVAL, ENOTDIR, EOVERFLOW. */
function readFlock(t: Task, file: FileDescription, addr: number): number {
  const head = t.space.readU32(addr);
  if (isErr(head)) return EFAULT;
  if (isErr(t.space.readI64(addr + 8, long))) return EFAULT;
  let start = long.value;
  if (isErr(t.space.readI64(addr + 16, long))) return EFAULT;
  const len = long.value;
  const pid = t.space.readU32(addr + 24);
  if (isErr(pid)) return EFAULT;
  lk.pid = pid;
  lk.type = (head << 16) >> 16;
  const whence = head >> 16;
  if (whence === 1) start += file.pos;
  else if (whence === 2) {
    const r = file.inode.refresh(t);
    if (r < 0) return r;
    start += file.inode.size;
  } else if (whence !== 0) return EINVAL;
  if (start > Number.MAX_SAFE_INTEGER) return EOVERFLOW;
  if (start < 0) return EINVAL;
  let end = Infinity;
  if (len > 0) end = start + len - 1;
  else if (len < 0) {
    end = start - 1;
    start += len;
    if (start < 0) return EINVAL;
  }
  if (end > 0x7ffffffffffff000) end = Infinity;
  lk.start = start;
  lk.end = end;
  if (lk.type !== F_RDLCK && lk.type !== F_WRLCK && lk.type !== F_UNLCK) return EINVAL;
  return 0;
}

function getLock(t: Task, file: FileDescription, addr: number, ofd: boolean): number {
  const r = readFlock(t, file, addr);
  if (r < 0) return r;
  if (ofd && lk.pid !== 0) return EINVAL;
  if (lk.type === F_UNLCK && !ofd) return EINVAL;
  const owner = ofd ? file : t.fdTable;
  const c = file.inode.locks?.conflict(owner, lk.type, lk.start, lk.end) ?? null;
  if (c === null) return isErr(t.space.writeU16(addr, F_UNLCK)) ? EFAULT : 0;
  const len = c.end === Infinity ? 0 : c.end - c.start + 1;
  const bad =
    isErr(t.space.writeU16(addr, c.type)) || isErr(t.space.writeU16(addr + 2, 0)) || isErr(t.space.writeU64(addr + 8, c.start)) ||
    isErr(t.space.writeU64(addr + 16, len)) || isErr(t.space.writeU32(addr + 24, c.pid >>> 0));
  return bad ? EFAULT : 0;
}

function setLock(t: Task, file: FileDescription, addr: number, ofd: boolean, wait: boolean): number {
  const owner: object = ofd ? file : t.fdTable;
  if (t.syscall.again) stopWaiting(owner);
  const r = readFlock(t, file, addr);
  if (r < 0) return r;
  if (ofd && lk.pid !== 0) return EINVAL;
  if (lk.type === F_RDLCK && !file.readable) return EBADF;
  if (lk.type === F_WRLCK && !file.writable) return EBADF;
  const locks = (file.inode.locks ??= new FileLocks());
  if (lk.type !== F_UNLCK) {
    const c = locks.conflict(owner, lk.type, lk.start, lk.end);
    if (c !== null) {
      if (!wait) return EAGAIN;
      if (!ofd && wouldDeadlock(owner, c.owner)) return EDEADLK;
      const w = t.wait(locks.changed);
      if (w === BLOCKED && !ofd) startWaiting(owner, c.owner);
      return w;
    }
  }
  if (!ofd) t.fdTable.closesMatter = true;
  locks.setRange(ofd ? LOCK_OFD : LOCK_POSIX, owner, lk.type, lk.start, lk.end, ofd ? -1 : t.tgid);
  return 0;
}

function setLease(t: Task, file: FileDescription, type: number): number {
  const inode = file.inode;
  if (type !== F_RDLCK && type !== F_WRLCK && type !== F_UNLCK) return EINVAL;
  if (t.credentials.fsuid !== inode.uid && !t.credentials.capable(CAP_LEASE)) return EACCES;
  if (!inode.isRegular) return EINVAL;
  const locks = (inode.locks ??= new FileLocks());
  const mine = locks.leases.findIndex((l) => l.file === file);
  if (type === F_UNLCK) {
    if (mine < 0) return EAGAIN;
    locks.leases.splice(mine, 1);
    return 0;
  }
  if (type === F_RDLCK && inode.writeCount > 0) return EAGAIN;
  if (type === F_WRLCK && inode.openCount > 1) return EAGAIN;
  if (locks.leases.some((l, i) => i !== mine && (type === F_WRLCK || l.type === F_WRLCK))) return EAGAIN;
  if (mine >= 0) locks.leases[mine]!.type = type;
  else locks.leases.push({ file, type });
  return 0;
}

const SEALS_KNOWN = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE | F_SEAL_EXEC;

function addSeals(file: FileDescription, seals: number): number {
  const inode = file.inode;
  if (!(inode instanceof PagedInode) || inode.seals < 0) return EINVAL;
  if (!file.writable) return EPERM;
  if (seals & ~SEALS_KNOWN) return EINVAL;
  if (inode.seals & F_SEAL_SEAL) return EPERM;
  if (seals & F_SEAL_WRITE && (inode.seals & F_SEAL_WRITE) === 0 && inode.cache.writableMappings > 0) return EBUSY;
  // A sealed mode implies that the contents are sealed too, when the file is executable.
  if (seals & F_SEAL_EXEC && inode.mode & 0o111) seals |= F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
  inode.seals |= seals;
  return 0;
}

/** F_SETOWN_EX and F_SETOWN: 0, ESRCH, EINVAL. */
function setOwner(t: Task, file: FileDescription, type: number, id: number): number {
  if (type !== F_OWNER_TID && type !== F_OWNER_PID && type !== F_OWNER_PGRP) return EINVAL;
  const target = id === 0 ? null : t.pid.ns.find(id);
  if (id !== 0 && target === null) return ESRCH;
  file.owner = id === 0 ? null : { type, id, target, uid: t.credentials.uid, euid: t.credentials.euid };
  return 0;
}

/** Commands that O_PATH descriptors take too. */
function allowedOnPath(cmd: number): boolean {
  return cmd === F_DUPFD || cmd === F_DUPFD_CLOEXEC || cmd === F_DUPFD_QUERY || cmd === F_GETFD || cmd === F_SETFD || cmd === F_GETFL || cmd === F_CREATED_QUERY;
}

function sysFcntl(t: Task, a: SyscallArgs): number {
  const fd = a.fd(0);
  const cmd = a.int(1);
  const file = t.fdTable.get(fd);
  if (file === null || (file.isPath && !allowedOnPath(cmd))) return EBADF;
  const arg = a.int(2);
  switch (cmd) {
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
      if (arg < 0 || arg >= t.openFilesLimit) return EINVAL;
      return dupTo(t, file, arg, cmd === F_DUPFD_CLOEXEC);
    case F_DUPFD_QUERY: {
      const other = t.fdTable.get(arg);
      return other === null ? EBADF : other === file ? 1 : 0;
    }
    case F_CREATED_QUERY:
      return file.wasCreated ? 1 : 0;
    case F_GETFD:
      return t.fdTable.isCloexec(fd) ? FD_CLOEXEC : 0;
    case F_SETFD:
      t.fdTable.setCloexec(fd, (arg & FD_CLOEXEC) !== 0);
      return 0;
    case F_GETFL:
      return file.flags;
    case F_SETFL:
      return setFlags(t, file, a.fd(0), arg);
    case F_GETLK:
      return getLock(t, file, a.addr(2), false);
    case F_OFD_GETLK:
      return getLock(t, file, a.addr(2), true);
    case F_SETLK:
      return setLock(t, file, a.addr(2), false, false);
    case F_SETLKW:
      return setLock(t, file, a.addr(2), false, true);
    case F_OFD_SETLK:
      return setLock(t, file, a.addr(2), true, false);
    case F_OFD_SETLKW:
      return setLock(t, file, a.addr(2), true, true);
    case F_CANCELLK:
      return EINVAL;
    case F_GETOWN:
      return file.owner === null ? 0 : file.owner.type === F_OWNER_PGRP ? -file.owner.id : file.owner.id;
    case F_SETOWN:
      return arg < 0 ? (arg === -0x80000000 ? EINVAL : setOwner(t, file, F_OWNER_PGRP, -arg)) : setOwner(t, file, F_OWNER_PID, arg);
    case F_GETOWN_EX: {
      const o = file.owner;
      return isErr(t.space.writeU32(a.addr(2), o?.type ?? F_OWNER_TID)) || isErr(t.space.writeU32(a.addr(2) + 4, o?.id ?? 0)) ? EFAULT : 0;
    }
    case F_SETOWN_EX: {
      const type = t.space.readU32(a.addr(2));
      const id = t.space.readU32(a.addr(2) + 4);
      return isErr(type) || isErr(id) ? EFAULT : setOwner(t, file, type | 0, id | 0);
    }
    case F_GETSIG:
      return file.ownerSignal;
    case F_SETSIG:
      if (arg < 0 || arg > 64) return EINVAL;
      file.ownerSignal = arg;
      return 0;
    case F_GETLEASE:
      return file.inode.locks?.leases.find((l) => l.file === file)?.type ?? F_UNLCK;
    case F_SETLEASE:
      return setLease(t, file, arg);
    case F_NOTIFY: {
      if (!file.inode.isDirectory) return ENOTDIR;
      if (arg & ~DN_MULTISHOT) {
        const r = setOwner(t, file, F_OWNER_PID, t.tgidIn());
        if (r < 0) return r;
      }
      watchDirectory(file, fd, arg);
      return 0;
    }
    case F_SETPIPE_SZ:
      return file.setCapacity(t, a.u32(2));
    case F_GETPIPE_SZ:
      return file.capacity();
    case F_ADD_SEALS:
      return addSeals(file, a.u32(2));
    case F_GET_SEALS:
      return file.inode instanceof PagedInode && file.inode.seals >= 0 ? file.inode.seals : EINVAL;
    case F_GET_RW_HINT:
    case F_GET_FILE_RW_HINT:
      return isErr(t.space.writeU64(a.addr(2), file.inode.writeHint)) ? EFAULT : 0;
    case F_SET_RW_HINT:
    case F_SET_FILE_RW_HINT: {
      const hint = t.space.readU64(a.addr(2));
      if (isErr(hint)) return EFAULT;
      if (hint > 5) return EINVAL;
      if (cmd === F_SET_RW_HINT && !ownerOrCapable(t.credentials, file.inode, file.path.mount.idmap)) return EPERM;
      file.inode.writeHint = hint;
      return 0;
    }
    default:
      return EINVAL;
  }
}

function sysFlock(t: Task, a: SyscallArgs): number {
  const op = a.int(1);
  const cmd = op & ~LOCK_NB;
  if (cmd !== LOCK_SH && cmd !== LOCK_EX && cmd !== LOCK_UN) return EINVAL;
  const file = getFile(t, a.fd(0));
  if (typeof file === 'number') return file;
  const locks = (file.inode.locks ??= new FileLocks());
  if (cmd === LOCK_UN) {
    locks.setFlock(file, F_UNLCK, 0);
    return 0;
  }
  const type = cmd === LOCK_EX ? F_WRLCK : F_RDLCK;
  if (locks.flockConflict(file, type) !== null) {
    // A conversion gives the old lock up before it waits, as Linux does.
    if (op & LOCK_NB) return EAGAIN;
    locks.setFlock(file, F_UNLCK, 0);
    return t.wait(locks.changed);
  }
  locks.setFlock(file, type, t.tgid);
  return 0;
}

export const rows: readonly SyscallRow[] = [
  [32, 'dup', 'fd=fd', 'full', sysDup],
  [33, 'dup2', 'fd,fd=fd', 'full', sysDup2],
  [72, 'fcntl', 'fd,fcntl,fcntlarg', 'full', sysFcntl],
  [73, 'flock', 'fd,flockop', 'full', sysFlock],
  [292, 'dup3', 'fd,fd,openflags=fd', 'full', sysDup3],
];
