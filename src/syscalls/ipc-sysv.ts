/** semget, semop, semctl, shmget, shmat, shmdt, shmctl, msgget, msgsnd, msgrcv, msgctl. Source: Linux 6.18 ipc/. */
import { CAP_SYS_RESOURCE } from '../abi/capability.ts';
import { E2BIG, EACCES, EAGAIN, EFAULT, EFBIG, EIDRM, EINTR, EINVAL, ENOMEM, ENOMSG, ENOSPC, EPERM, ERANGE, type Errno, isErr } from '../abi/errno.ts';
import {
  GETALL, GETNCNT, GETPID, GETVAL, GETZCNT, IPC_64, IPC_INFO, IPC_NOWAIT, IPC_RMID, IPC_SET, IPC_STAT, MSG_COPY, MSG_EXCEPT, MSG_INFO, MSG_NOERROR, MSG_STAT, MSG_STAT_ANY, MSGINFO_SIZE, MSQID_CBYTES, MSQID_CTIME,
  MSQID_LRPID, MSQID_LSPID, MSQID_QBYTES, MSQID_QNUM, MSQID_RTIME, MSQID_SIZE, MSQID_STIME, PERM_CGID, PERM_CUID, PERM_GID, PERM_KEY, PERM_MODE, PERM_SEQ, PERM_UID, S_IRUGO, S_IWUGO, SEMBUF_FLG, SEMBUF_NUM,
  SEMBUF_OP, SEMBUF_SIZE, SEMID_CTIME, SEMID_NSEMS, SEMID_OTIME, SEMID_SIZE, SEMINFO_SIZE, SEM_INFO, SEM_STAT, SEM_STAT_ANY, SEM_UNDO, SEMVMX, SETALL, SETVAL, SHM_EXEC, SHM_HUGETLB, SHM_INFO, SHM_INFO_SIZE, SHM_LOCK,
  SHM_LOCKED, SHM_RDONLY, SHM_REMAP, SHM_RND, SHM_STAT, SHM_STAT_ANY, SHM_UNLOCK, SHMID_ATIME, SHMID_CPID, SHMID_CTIME, SHMID_DTIME, SHMID_LPID, SHMID_NATTCH, SHMID_SEGSZ, SHMID_SIZE, SHMINFO_SIZE,
} from '../abi/ipc.ts';
import { MAP_FIXED, MAP_SHARED, PROT_EXEC, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import type { Gid, Uid } from '../abi/ids.ts';
import { NSEC_PER_SEC } from '../abi/time.ts';
import { type IpcNamespace, type IpcObject, ipcPermitted, mayControl } from '../kernel/ipc-namespace.ts';
import { MessageQueue, SEARCH_ANY, SEARCH_EQUAL, SEARCH_LESS_EQUAL, SEARCH_NOT_EQUAL, SEARCH_NUMBER, type Search } from '../kernel/sysv-msg.ts';
import { type SemOperation, SemaphoreSet, SemWaiter, undoListOf } from '../kernel/sysv-sem.ts';
import { SharedSegment } from '../kernel/sysv-shm.ts';
import type { Pid } from '../kernel/pid.ts';
import type { Task } from '../kernel/task.ts';
import { mmap } from '../memory/mmap.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

/** Alignment of attached segments (SHMLBA). */
const SHMLBA = 4096;

const now = (t: Task): number => {
  t.kernel.clock.update();
  return t.kernel.clock.sec;
};
const nrOf = (t: Task, pid: Pid | null): number => (pid === null ? 0 : pid.nr(t.pidNs));

/** A structure on its way to the guest. */
function structOf(size: number): DataView {
  return new DataView(new ArrayBuffer(size));
}
function setLong(v: DataView, at: number, value: number): void {
  v.setUint32(at, value % 4294967296, true);
  v.setUint32(at + 4, Math.floor(value / 4294967296), true);
}
function copyOut(t: Task, addr: number, v: DataView): 0 | Errno {
  return t.space.writeBytes(addr, new Uint8Array(v.buffer));
}
function putPerm(t: Task, v: DataView, o: IpcObject): void {
  const ns = t.credentials.userNs;
  v.setInt32(PERM_KEY, o.key, true);
  v.setUint32(PERM_UID, ns.fromKuidMunged(o.uid), true);
  v.setUint32(PERM_GID, ns.fromKgidMunged(o.gid), true);
  v.setUint32(PERM_CUID, ns.fromKuidMunged(o.cuid), true);
  v.setUint32(PERM_CGID, ns.fromKgidMunged(o.cgid), true);
  v.setUint32(PERM_MODE, o.mode, true);
  v.setUint16(PERM_SEQ, o.seq, true);
}
/** IPC_SET: new owner and mode from the user's structure. EINVAL for ids that are not mapped. */
function setPerm(t: Task, o: IpcObject, v: DataView): 0 | Errno {
  const ns = t.credentials.userNs;
  const uid = ns.makeKuid(v.getUint32(PERM_UID, true) as Uid);
  const gid = ns.makeKgid(v.getUint32(PERM_GID, true) as Gid);
  if (uid === -1 || gid === -1) return EINVAL;
  o.uid = uid;
  o.gid = gid;
  o.mode = (o.mode & ~0o777) | (v.getUint32(PERM_MODE, true) & 0o777);
  return 0;
}
function readStruct(t: Task, addr: number, size: number): DataView | Errno {
  const bytes = new Uint8Array(size);
  const r = t.space.readBytes(addr, bytes);
  return isErr(r) ? r : new DataView(bytes.buffer);
}

// ---- semaphores ----

function sysSemget(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.ipc;
  const key = a.int(0);
  const count = a.int(1);
  const flags = a.int(2);
  if (count < 0 || count > ns.semmsl) return EINVAL;
  return ns.sem.get(
    ns, key, flags, t.credentials,
    (s) => (count > s.values.length ? EINVAL : 0),
    () => {
      if (count === 0) return EINVAL;
      if (ns.usedSems + count > ns.semmns || ns.sem.byIndex.size >= ns.sem.max) return ENOSPC;
      ns.usedSems += count;
      return new SemaphoreSet(ns, key, flags & 0o777, t.credentials, count, now(t));
    },
  );
}

function semop(t: Task, id: number, addr: number, count: number, timeout: number): number {
  const again = t.syscall.object;
  if (again instanceof SemWaiter) return finishSemop(t, again);
  const ns = t.nsproxy.ipc;
  if (count < 1 || id < 0) return EINVAL;
  if (count > ns.semopm) return E2BIG;
  const v = readStruct(t, addr, count * SEMBUF_SIZE);
  if (isErr(v)) return v;
  let deadline = Infinity;
  if (timeout !== 0) {
    const sec = t.space.readU64(timeout);
    const nsec = t.space.readU64(timeout + 8);
    if (isErr(sec) || isErr(nsec)) return EFAULT;
    if (sec >= 2 ** 63 || nsec >= NSEC_PER_SEC) return EINVAL;
    deadline = t.monotonicNs() + sec * NSEC_PER_SEC + nsec;
  }
  const operations: SemOperation[] = [];
  let highest = 0;
  let alter = false;
  let undo = false;
  for (let i = 0; i < count; i++) {
    const at = i * SEMBUF_SIZE;
    const o = { num: v.getUint16(at + SEMBUF_NUM, true), op: v.getInt16(at + SEMBUF_OP, true), flags: v.getInt16(at + SEMBUF_FLG, true) };
    operations.push(o);
    highest = Math.max(highest, o.num);
    if (o.op !== 0) alter = true;
    if (o.flags & SEM_UNDO && o.op !== 0) undo = true;
  }
  const set = ns.sem.find(id);
  if (isErr(set)) return set;
  if (highest >= set.values.length) return EFBIG;
  if (!ipcPermitted(ns, set, alter ? S_IWUGO : S_IRUGO, t.credentials)) return EACCES;
  const adjustments = undo ? set.undoFor(undoListOf(t)) : null;
  const r = set.attempt(operations, adjustments, t.threadGroup.pid);
  if (r === 0) {
    set.otime = now(t);
    if (alter) set.update(set.otime);
    return 0;
  }
  if (r !== EAGAIN || set.blockedOn === null || set.blockedOn.flags & IPC_NOWAIT) return r;
  if (timeout !== 0 && deadline <= t.monotonicNs()) return EAGAIN;
  const w = new SemWaiter(set, operations, adjustments, t.threadGroup.pid, set.blockedOn);
  const blocked = t.wait(w.queue, deadline);
  if (blocked !== 0 && t.signalPending()) return EINTR;
  set.pending.push(w);
  t.syscall.object = w;
  return blocked;
}

function finishSemop(t: Task, w: SemWaiter): number {
  if (w.result !== null) return w.result;
  if (t.syscall.timedOut || t.signalPending()) {
    w.set.cancel(w);
    return t.syscall.timedOut ? EAGAIN : EINTR;
  }
  return t.wait(w.queue, t.syscall.deadline);
}

function sysSemop(t: Task, a: SyscallArgs): number {
  return semop(t, a.int(0), a.addr(1), a.u32(2), 0);
}
function sysSemtimedop(t: Task, a: SyscallArgs): number {
  return semop(t, a.int(0), a.addr(1), a.u32(2), a.addr(3));
}

function semStat(t: Task, s: SemaphoreSet): DataView {
  const v = structOf(SEMID_SIZE);
  putPerm(t, v, s);
  setLong(v, SEMID_OTIME, s.otime);
  setLong(v, SEMID_CTIME, s.ctime);
  setLong(v, SEMID_NSEMS, s.values.length);
  return v;
}

function sysSemctl(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.ipc;
  const id = a.int(0);
  const num = a.int(1);
  const cmd = a.int(2) & ~IPC_64;
  const arg = a.addr(3);
  if (id < 0) return EINVAL;
  if (cmd === IPC_INFO || cmd === SEM_INFO) {
    const v = structOf(SEMINFO_SIZE);
    [ns.semmns, ns.sem.max, ns.semmns, ns.semmns, ns.semmsl, ns.semopm, ns.semopm, cmd === SEM_INFO ? ns.sem.byIndex.size : 20, SEMVMX, cmd === SEM_INFO ? ns.usedSems : SEMVMX].forEach((n, i) => { v.setInt32(i * 4, n, true); });
    const r = copyOut(t, arg, v);
    return isErr(r) ? r : ns.sem.highestIndex;
  }
  if (cmd === SEM_STAT || cmd === SEM_STAT_ANY || cmd === IPC_STAT) {
    const s = cmd === IPC_STAT ? ns.sem.find(id) : ns.sem.at(id);
    if (isErr(s)) return s;
    if (cmd !== SEM_STAT_ANY && !ipcPermitted(ns, s, S_IRUGO, t.credentials)) return EACCES;
    const r = copyOut(t, arg, semStat(t, s));
    return isErr(r) ? r : cmd === IPC_STAT ? 0 : s.id;
  }
  if (cmd === IPC_RMID || cmd === IPC_SET) {
    const v = cmd === IPC_SET ? readStruct(t, arg, SEMID_SIZE) : null;
    if (isErr(v)) return v;
    const s = ns.sem.find(id);
    if (isErr(s)) return s;
    const denied = mayControl(ns, s, t.credentials);
    if (denied !== 0) return denied;
    if (v === null) s.destroy();
    else {
      const r = setPerm(t, s, v);
      if (isErr(r)) return r;
      s.ctime = now(t);
    }
    return 0;
  }
  switch (cmd) {
    case SETVAL: {
      const value = a.lo(3);
      if (value < 0 || value > SEMVMX) return ERANGE;
      const s = ns.sem.find(id);
      if (isErr(s)) return s;
      if (num < 0 || num >= s.values.length) return EINVAL;
      if (!ipcPermitted(ns, s, S_IWUGO, t.credentials)) return EACCES;
      s.clearUndo(num);
      s.values[num] = value;
      s.pids[num] = t.threadGroup.pid;
      s.ctime = now(t);
      s.update(s.ctime);
      return 0;
    }
    case GETALL: case SETALL: case GETVAL: case GETPID: case GETNCNT: case GETZCNT: {
      const s = ns.sem.find(id);
      if (isErr(s)) return s;
      if (!ipcPermitted(ns, s, cmd === SETALL ? S_IWUGO : S_IRUGO, t.credentials)) return EACCES;
      if (cmd === GETALL) return t.space.writeBytes(arg, new Uint8Array(s.values.slice().buffer));
      if (cmd === SETALL) {
        const bytes = new Uint8Array(s.values.length * 2);
        const r = t.space.readBytes(arg, bytes);
        if (isErr(r)) return r;
        const values = new Uint16Array(bytes.buffer);
        if (values.some((x) => x > SEMVMX)) return ERANGE;
        s.values.set(values);
        s.pids.fill(t.threadGroup.pid);
        s.clearUndo(-1);
        s.ctime = now(t);
        s.update(s.ctime);
        return 0;
      }
      if (num < 0 || num >= s.values.length) return EINVAL;
      if (cmd === GETVAL) return s.values[num]!; // in range
      if (cmd === GETPID) return nrOf(t, s.pids[num]!); // in range
      return s.waiting(num, cmd === GETZCNT);
    }
    default:
      return EINVAL;
  }
}

// ---- shared memory ----

function sysShmget(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.ipc;
  const key = a.int(0);
  const size = a.size(1);
  const flags = a.int(2);
  return ns.shm.get(
    ns, key, flags, t.credentials,
    (s) => (s.size < size ? EINVAL : 0),
    () => {
      if (size < 1 || size > ns.shmmax) return EINVAL;
      if (ns.shmTotal + Math.ceil(size / 4096) > ns.shmall || size >= 2 ** 62 || ns.shm.byIndex.size >= ns.shm.max) return ENOSPC;
      if (flags & SHM_HUGETLB || size > t.space.pm.total * 4096) return ENOMEM;
      const s = new SharedSegment(t.kernel, ns, key, flags & 0o777, t.credentials, size, t.space.pm, t.threadGroup.pid);
      ns.shmTotal += s.pages;
      return s;
    },
  );
}

function sysShmat(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.ipc;
  const id = a.int(0);
  let addr = a.addr(1);
  const flags = a.int(2);
  if (id < 0) return EINVAL;
  if (addr !== 0) {
    if (addr % SHMLBA !== 0) {
      if (!(flags & SHM_RND)) return EINVAL;
      addr -= addr % SHMLBA;
      if (addr === 0 && flags & SHM_REMAP) return EINVAL;
    }
  } else if (flags & SHM_REMAP) return EINVAL;
  const writable = !(flags & SHM_RDONLY);
  const wanted = (writable ? S_IRUGO | S_IWUGO : S_IRUGO) | (flags & SHM_EXEC ? 0o111 : 0);
  const s = ns.shm.find(id);
  if (isErr(s)) return s;
  if (!ipcPermitted(ns, s, wanted, t.credentials)) return EACCES;
  if (addr !== 0 && !(flags & SHM_REMAP) && t.space.vmas.intersecting(addr, addr + s.pages * 4096) !== null) return EINVAL;
  const prot = PROT_READ | (writable ? PROT_WRITE : 0) | (flags & SHM_EXEC ? PROT_EXEC : 0);
  const source = { object: s.memory, file: s, readable: true, writable, appendOnly: false, noExec: false, sealed: false, maxBytes: s.pages * 4096 };
  return mmap(t.space, addr, s.size, prot, MAP_SHARED | (addr !== 0 ? MAP_FIXED : 0), source, 0);
}

function sysShmdt(t: Task, a: SyscallArgs): number {
  const addr = a.addr(0);
  if (addr % SHMLBA !== 0) return EINVAL;
  // The first mapping at or above `addr` whose start of segment is `addr` says which segment; all its pieces within its size go.
  let v = t.space.vmas.find(addr);
  let segment: SharedSegment | null = null;
  let found: number = EINVAL;
  while (v !== null) {
    const next = v.next;
    if (segment !== null && v.end - addr > Math.ceil(segment.size / 4096) * 4096) break;
    if (v.file instanceof SharedSegment && v.start - addr === v.pageOffset * 4096 && (segment === null || v.file === segment)) {
      segment = v.file;
      const r = t.space.munmap(v.start, v.end - v.start);
      if (isErr(r)) return r;
      found = 0;
    }
    v = next;
  }
  return found;
}

function shmStat(t: Task, s: SharedSegment): DataView {
  const v = structOf(SHMID_SIZE);
  putPerm(t, v, s);
  setLong(v, SHMID_SEGSZ, s.size);
  setLong(v, SHMID_ATIME, s.atime);
  setLong(v, SHMID_DTIME, s.dtime);
  setLong(v, SHMID_CTIME, s.ctime);
  v.setInt32(SHMID_CPID, nrOf(t, s.creator), true);
  v.setInt32(SHMID_LPID, nrOf(t, s.last), true);
  setLong(v, SHMID_NATTCH, s.attached);
  return v;
}

function sysShmctl(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.ipc;
  const id = a.int(0);
  const cmd = a.int(1) & ~IPC_64;
  const arg = a.addr(2);
  if (cmd < 0 || id < 0) return EINVAL;
  switch (cmd) {
    case IPC_INFO: {
      const v = structOf(SHMINFO_SIZE);
      [ns.shmmax, 1, ns.shm.max, ns.shm.max, ns.shmall].forEach((n, i) => { v.setBigUint64(i * 8, BigInt(n), true); });
      const r = copyOut(t, arg, v);
      return isErr(r) ? r : ns.shm.highestIndex;
    }
    case SHM_INFO: {
      const v = structOf(SHM_INFO_SIZE);
      v.setInt32(0, ns.shm.byIndex.size, true);
      setLong(v, 8, ns.shmTotal);
      let resident = 0;
      for (const s of ns.shm.byIndex.values()) resident += s.memory.pages;
      setLong(v, 16, resident);
      const r = copyOut(t, arg, v);
      return isErr(r) ? r : ns.shm.highestIndex;
    }
    case SHM_STAT: case SHM_STAT_ANY: case IPC_STAT: {
      const s = cmd === IPC_STAT ? ns.shm.find(id) : ns.shm.at(id);
      if (isErr(s)) return s;
      if (cmd !== SHM_STAT_ANY && !ipcPermitted(ns, s, S_IRUGO, t.credentials)) return EACCES;
      const r = copyOut(t, arg, shmStat(t, s));
      return isErr(r) ? r : cmd === IPC_STAT ? 0 : s.id;
    }
    case IPC_SET: case IPC_RMID: {
      const v = cmd === IPC_SET ? readStruct(t, arg, SHMID_SIZE) : null;
      if (isErr(v)) return v;
      const s = ns.shm.find(id);
      if (isErr(s)) return s;
      const denied = mayControl(ns, s, t.credentials);
      if (denied !== 0) return denied;
      if (v === null) s.markForRemoval();
      else {
        const r = setPerm(t, s, v);
        if (isErr(r)) return r;
        s.ctime = now(t);
      }
      return 0;
    }
    case SHM_LOCK: case SHM_UNLOCK: {
      const s = ns.shm.find(id);
      if (isErr(s)) return s;
      const c = t.credentials;
      if (!t.space.limits.mayLockMemory()) {
        if (c.euid !== s.uid && c.euid !== s.cuid) return EPERM;
        if (cmd === SHM_LOCK && t.space.limits.memlockLimit() === 0) return EPERM;
      }
      s.mode = cmd === SHM_LOCK ? s.mode | SHM_LOCKED : s.mode & ~SHM_LOCKED;
      return 0;
    }
    default:
      return EINVAL;
  }
}

// ---- message queues ----

function sysMsgget(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.ipc;
  const key = a.int(0);
  const flags = a.int(1);
  return ns.msg.get(ns, key, flags, t.credentials, () => 0, () => (ns.msg.byIndex.size >= ns.msg.max ? ENOSPC : new MessageQueue(ns, key, flags & 0o777, t.credentials, now(t))));
}

/** The queue for msgsnd and msgrcv; EIDRM when it went away while the task slept. */
function queueFor(t: Task, ns: IpcNamespace, id: number, flags: number): MessageQueue | Errno {
  const q = ns.msg.find(id);
  if (isErr(q)) return t.syscall.again ? EIDRM : q;
  return ipcPermitted(ns, q, flags, t.credentials) ? q : EACCES;
}

function sysMsgsnd(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.ipc;
  const id = a.int(0);
  const addr = a.addr(1);
  const size = a.size(2);
  const flags = a.int(3);
  const type = { value: 0 };
  if (isErr(t.space.readI64(addr, type))) return EFAULT;
  if (size > ns.msgmax || id < 0) return EINVAL;
  if (type.value < 1) return EINVAL;
  const text = new Uint8Array(size);
  if (size > 0 && isErr(t.space.readBytes(addr + 8, text))) return EFAULT;
  const q = queueFor(t, ns, id, S_IWUGO);
  if (isErr(q)) return q;
  if (!q.fits(size)) {
    if (flags & IPC_NOWAIT) return EAGAIN;
    const r = t.wait(q.senders);
    return t.signalPending() ? EINTR : r;
  }
  q.messages.push({ type: type.value, text });
  q.bytes += size;
  q.sender = t.threadGroup.pid;
  q.stime = now(t);
  q.receivers.wake(-1, Infinity);
  return 0;
}

function sysMsgrcv(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.ipc;
  const id = a.int(0);
  const addr = a.addr(1);
  const size = a.size(2);
  const type = a.long(3);
  const flags = a.int(4);
  if (id < 0 || size >= 2 ** 63) return EINVAL;
  let how: Search;
  let wanted = type;
  if (flags & MSG_COPY) {
    if (flags & MSG_EXCEPT || !(flags & IPC_NOWAIT)) return EINVAL;
    // Needs CONFIG_CHECKPOINT_RESTORE, which distribution kernels have.
    how = SEARCH_NUMBER;
  } else if (type === 0) how = SEARCH_ANY;
  else if (type < 0) {
    how = SEARCH_LESS_EQUAL;
    wanted = type === -(2 ** 63) ? 2 ** 63 : -type;
  } else how = flags & MSG_EXCEPT ? SEARCH_NOT_EQUAL : SEARCH_EQUAL;
  const q = queueFor(t, ns, id, S_IRUGO);
  if (isErr(q)) return q;
  const index = q.search(how, wanted);
  if (index < 0) {
    if (flags & IPC_NOWAIT) return ENOMSG;
    const r = t.wait(q.receivers);
    return t.signalPending() ? EINTR : r;
  }
  const m = q.messages[index]!; // found
  if (m.text.length > size && !(flags & MSG_NOERROR)) return E2BIG;
  if (how !== SEARCH_NUMBER) {
    q.take(index);
    q.receiver = t.threadGroup.pid;
    q.rtime = now(t);
    q.senders.wake(-1, Infinity);
  }
  const length = Math.min(size, m.text.length);
  if (isErr(t.space.writeU64(addr, m.type)) || (length > 0 && isErr(t.space.writeBytes(addr + 8, m.text, 0, length)))) return EFAULT;
  return length;
}

function msgStat(t: Task, q: MessageQueue): DataView {
  const v = structOf(MSQID_SIZE);
  putPerm(t, v, q);
  setLong(v, MSQID_STIME, q.stime);
  setLong(v, MSQID_RTIME, q.rtime);
  setLong(v, MSQID_CTIME, q.ctime);
  setLong(v, MSQID_CBYTES, q.bytes);
  setLong(v, MSQID_QNUM, q.messages.length);
  setLong(v, MSQID_QBYTES, q.maxBytes);
  v.setInt32(MSQID_LSPID, nrOf(t, q.sender), true);
  v.setInt32(MSQID_LRPID, nrOf(t, q.receiver), true);
  return v;
}

function sysMsgctl(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.ipc;
  const id = a.int(0);
  const cmd = a.int(1) & ~IPC_64;
  const arg = a.addr(2);
  if (id < 0 || cmd < 0) return EINVAL;
  switch (cmd) {
    case IPC_INFO: case MSG_INFO: {
      const v = structOf(MSGINFO_SIZE);
      let messages = 0;
      let bytes = 0;
      for (const q of ns.msg.byIndex.values()) {
        messages += q.messages.length;
        bytes += q.bytes;
      }
      const info = cmd === MSG_INFO;
      // msgpool, msgmap, msgmax, msgmnb, msgmni, msgssz, msgtql, msgseg
      [info ? ns.msg.byIndex.size : Math.floor((ns.msg.max * ns.msgmnb) / 1024), info ? messages : ns.msgmnb, ns.msgmax, ns.msgmnb, ns.msg.max, 16, info ? bytes : ns.msgmnb].forEach((n, i) => { v.setInt32(i * 4, n, true); });
      v.setUint16(28, 0xffff, true);
      const r = copyOut(t, arg, v);
      return isErr(r) ? r : ns.msg.highestIndex;
    }
    case MSG_STAT: case MSG_STAT_ANY: case IPC_STAT: {
      const q = cmd === IPC_STAT ? ns.msg.find(id) : ns.msg.at(id);
      if (isErr(q)) return q;
      if (cmd !== MSG_STAT_ANY && !ipcPermitted(ns, q, S_IRUGO, t.credentials)) return EACCES;
      const r = copyOut(t, arg, msgStat(t, q));
      return isErr(r) ? r : cmd === IPC_STAT ? 0 : q.id;
    }
    case IPC_SET: case IPC_RMID: {
      const v = cmd === IPC_SET ? readStruct(t, arg, MSQID_SIZE) : null;
      if (isErr(v)) return v;
      const q = ns.msg.find(id);
      if (isErr(q)) return q;
      const denied = mayControl(ns, q, t.credentials);
      if (denied !== 0) return denied;
      if (v === null) {
        q.destroy();
        return 0;
      }
      const limit = v.getUint32(MSQID_QBYTES, true) + v.getUint32(MSQID_QBYTES + 4, true) * 4294967296;
      if (limit > ns.msgmnb && !t.credentials.capableInInit(CAP_SYS_RESOURCE)) return EPERM;
      const r = setPerm(t, q, v);
      if (isErr(r)) return r;
      q.maxBytes = limit;
      q.ctime = now(t);
      q.receivers.wake(-1, Infinity);
      q.senders.wake(-1, Infinity);
      return 0;
    }
    default:
      return EINVAL;
  }
}

export const rows: readonly SyscallRow[] = [
  [29, 'shmget', 'key,size,shmflags', 'full', sysShmget],
  [30, 'shmat', 'int,addr,hex=addr', 'full', sysShmat],
  [31, 'shmctl', 'int,int,addr', 'full', sysShmctl],
  [64, 'semget', 'key,int,hex', 'full', sysSemget],
  [65, 'semop', 'int,addr,uint', 'full', sysSemop],
  [66, 'semctl', 'int,int,int,addr', 'full', sysSemctl],
  [67, 'shmdt', 'addr', 'full', sysShmdt],
  [68, 'msgget', 'key,hex', 'full', sysMsgget],
  [69, 'msgsnd', 'int,addr,size,hex', 'full', sysMsgsnd],
  [70, 'msgrcv', 'int,addr,size,int,hex', 'full', sysMsgrcv],
  [71, 'msgctl', 'int,int,addr', 'full', sysMsgctl],
  [220, 'semtimedop', 'int,addr,uint,addr', 'full', sysSemtimedop],
];
