/** futex and its newer relatives, robust lists. Linux kernel/futex/syscalls.c. */
import { EAGAIN, EFAULT, EINVAL, ENOSYS, EPERM, ERESTART_RESTARTBLOCK, ERESTARTNOINTR, ERESTARTSYS, ESRCH, ETIMEDOUT, isErr } from '../abi/errno.ts';
import {
  FUTEX2_PRIVATE, FUTEX2_SIZE_MASK, FUTEX2_SIZE_U32, FUTEX_BITSET_MATCH_ANY, FUTEX_CLOCK_REALTIME, FUTEX_CMD_MASK, FUTEX_CMP_REQUEUE, FUTEX_CMP_REQUEUE_PI,
  FUTEX_LOCK_PI, FUTEX_LOCK_PI2, FUTEX_PRIVATE_FLAG, FUTEX_REQUEUE, FUTEX_TID_MASK, FUTEX_TRYLOCK_PI, FUTEX_UNLOCK_PI, FUTEX_WAIT, FUTEX_WAIT_BITSET,
  FUTEX_WAIT_REQUEUE_PI, FUTEX_WAITERS, FUTEX_WAITV_MAX, FUTEX_WAKE, FUTEX_WAKE_BITSET, FUTEX_WAKE_OP,
} from '../abi/futex.ts';
import { CLOCK_MONOTONIC, CLOCK_REALTIME, NSEC_PER_SEC } from '../abi/time.ts';
import { FutexWaiter, unqueueFutex, wakeWaiter } from '../kernel/futex.ts';
import { PTRACE_MODE_READ, PTRACE_MODE_REALCREDS, ptraceMayAccess } from '../kernel/ptrace-access.ts';
import { RESTART_FUTEX } from '../kernel/syscall-state.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

/** Absolute monotonic deadline of a timespec at `addr`; Infinity for NULL. EFAULT, EINVAL. */
function readDeadline(t: Task, addr: number, relative: boolean, realtime: boolean): number {
  if (addr === 0) return Infinity;
  const sec = t.space.readU64(addr);
  const nsec = t.space.readU64(addr + 8);
  if (isErr(sec) || isErr(nsec)) return EFAULT;
  if (sec >= 2 ** 63 || nsec >= NSEC_PER_SEC) return EINVAL;
  if (relative) return t.monotonicNs() + sec * NSEC_PER_SEC + nsec;
  // Times before boot are due at once.
  return Math.max(0, realtime ? t.kernel.clock.monotonicOfWall(sec, nsec) : sec * NSEC_PER_SEC + nsec - t.nsproxy.time.monotonic);
}

/** Waits while the word at `addr` is `value`. `relative` calls go on through restart_syscall when interrupted. */
export function futexWait(t: Task, addr: number, value: number, deadline: number, bitset: number, shared: boolean, flags: number): number {
  const w = t.futexWaiter;
  const s = t.syscall;
  if (s.again) {
    if (w.queue === null) return 0;
    if (s.timedOut) {
      unqueueFutex(w);
      return ETIMEDOUT;
    }
  } else {
    const q = t.kernel.futexes.queue(t, addr, shared);
    if (isErr(q)) return q;
    const word = t.space.readU32(addr);
    if (isErr(word)) return EFAULT;
    if (word !== value >>> 0) return EAGAIN;
    w.bitset = bitset;
    w.pi = w.requeuePi = false;
    q.append(w);
  }
  const r = t.sleep(deadline);
  if (r !== ERESTARTSYS) return r;
  unqueueFutex(w);
  if (deadline === Infinity) return ERESTARTSYS;
  const b = s.restart;
  b.kind = RESTART_FUTEX;
  b.addr = addr;
  b.value = value;
  b.deadline = deadline;
  b.bitset = bitset;
  b.flags = flags;
  return ERESTART_RESTARTBLOCK;
}

function wake(t: Task, addr: number, count: number, bitset: number, shared: boolean): number {
  const q = t.kernel.futexes.queue(t, addr, shared);
  if (isErr(q)) return q;
  if (q.head === null) return 0;
  // A count of 0 or less still wakes one: an old quirk that Linux keeps.
  return t.kernel.futexes.wake(q, Math.max(1, count), bitset);
}

function requeue(t: Task, addr1: number, addr2: number, shared1: boolean, shared2: boolean, wakeCount: number, moveCount: number, compare: number | null): number {
  if (wakeCount < 0 || moveCount < 0) return EINVAL;
  const table = t.kernel.futexes;
  const from = table.queue(t, addr1, shared1);
  if (isErr(from)) return from;
  const to = table.queue(t, addr2, shared2);
  if (isErr(to)) return to;
  if (compare !== null) {
    const word = t.space.readU32(addr1);
    if (isErr(word)) return EFAULT;
    if (word !== compare >>> 0) return EAGAIN;
  }
  return table.requeue(from, to, wakeCount, moveCount);
}

/** FUTEX_WAKE_OP: changes the word at addr2, wakes at addr1, and at addr2 if the old value compares. */
function wakeOp(t: Task, addr1: number, addr2: number, shared: boolean, wake1: number, wake2: number, encoded: number): number {
  const op = (encoded >>> 28) & 7;
  const compare = (encoded >>> 24) & 15;
  let operand = (encoded << 8) >> 20;
  const compareTo = (encoded << 20) >> 20;
  if (encoded & 0x80000000) operand = 1 << (operand & 31);
  const table = t.kernel.futexes;
  const q1 = table.queue(t, addr1, shared);
  if (isErr(q1)) return q1;
  const q2 = table.queue(t, addr2, shared);
  if (isErr(q2)) return q2;
  const word = t.space.readU32(addr2);
  if (isErr(word)) return EFAULT;
  const old = word | 0;
  let next: number;
  if (op === 0) next = operand;
  else if (op === 1) next = (old + operand) | 0;
  else if (op === 2) next = old | operand;
  else if (op === 3) next = old & ~operand;
  else if (op === 4) next = old ^ operand;
  else return ENOSYS;
  if (isErr(t.space.writeU32(addr2, next))) return EFAULT;
  let holds: boolean;
  if (compare === 0) holds = old === compareTo;
  else if (compare === 1) holds = old !== compareTo;
  else if (compare === 2) holds = old < compareTo;
  else if (compare === 3) holds = old <= compareTo;
  else if (compare === 4) holds = old > compareTo;
  else if (compare === 5) holds = old >= compareTo;
  else return ENOSYS;
  const n1 = table.wake(q1, Math.max(1, wake1), FUTEX_BITSET_MATCH_ANY);
  if (isErr(n1) || !holds) return n1;
  const n2 = table.wake(q2, Math.max(1, wake2), FUTEX_BITSET_MATCH_ANY);
  return isErr(n2) ? n2 : n1 + n2;
}

function lockPi(t: Task, addr: number, shared: boolean, deadline: number, tryOnly: boolean): number {
  const table = t.kernel.futexes;
  const w = t.futexWaiter;
  const s = t.syscall;
  if (s.again) {
    if (w.queue === null) return 0; // the unlocker wrote our number
    if (s.timedOut) {
      unqueueFutex(w);
      return ETIMEDOUT;
    }
  } else {
    const q = table.queue(t, addr, shared);
    if (isErr(q)) return q;
    const r = table.lockPi(t, q, addr);
    if (isErr(r)) return r;
    if (r === 1) return 0;
    if (tryOnly) return EAGAIN;
    w.bitset = FUTEX_BITSET_MATCH_ANY;
    w.pi = true;
    w.requeuePi = false;
    const owner = q.owner;
    q.append(w);
    q.owner = owner;
  }
  const r = t.sleep(deadline);
  if (r !== ERESTARTSYS) return r;
  unqueueFutex(w);
  return ERESTARTNOINTR;
}

/** FUTEX_WAIT_REQUEUE_PI: waits on addr1 until a requeue moves it to the PI lock at addr2 and that is ours. */
function waitRequeuePi(t: Task, addr1: number, value: number, deadline: number, addr2: number, shared: boolean): number {
  if (addr1 === addr2) return EINVAL;
  const w = t.futexWaiter;
  const s = t.syscall;
  if (s.again) {
    if (w.queue === null) return 0;
    if (s.timedOut) {
      unqueueFutex(w);
      return ETIMEDOUT;
    }
  } else {
    const q = t.kernel.futexes.queue(t, addr1, shared);
    if (isErr(q)) return q;
    const word = t.space.readU32(addr1);
    if (isErr(word)) return EFAULT;
    if (word !== value >>> 0) return EAGAIN;
    w.bitset = FUTEX_BITSET_MATCH_ANY;
    w.pi = false;
    w.requeuePi = true;
    q.append(w);
  }
  const r = t.sleep(deadline);
  if (r !== ERESTARTSYS) return r;
  unqueueFutex(w);
  // Once it was moved it cannot wait for addr1 again.
  return w.pi ? EAGAIN : ERESTARTNOINTR;
}

function cmpRequeuePi(t: Task, addr1: number, addr2: number, shared: boolean, wakeCount: number, moveCount: number, compare: number): number {
  if (addr1 === addr2 || wakeCount !== 1 || moveCount < 0) return EINVAL;
  const table = t.kernel.futexes;
  const from = table.queue(t, addr1, shared);
  if (isErr(from)) return from;
  const to = table.queue(t, addr2, shared);
  if (isErr(to)) return to;
  const word = t.space.readU32(addr1);
  if (isErr(word)) return EFAULT;
  if (word !== compare >>> 0) return EAGAIN;
  let done = 0;
  for (let next = from.head; next !== null && done < moveCount + 1; ) {
    const w = next;
    next = w.next;
    if (!w.requeuePi) return EINVAL;
    const lock = t.space.readU32(addr2);
    if (isErr(lock)) return EFAULT;
    from.remove(w);
    if ((lock & FUTEX_TID_MASK) === 0 && to.head === null) {
      // Free: the waiter gets it at once.
      if (isErr(t.space.writeU32(addr2, w.task.tidIn(t)))) return EFAULT;
      w.requeuePi = false;
      wakeWaiter(w);
    } else {
      const holder = to.owner ?? t.pidNs.find(lock & FUTEX_TID_MASK)?.task ?? null;
      if (holder === null) return ESRCH;
      t.space.writeU32(addr2, lock | FUTEX_WAITERS);
      w.requeuePi = false;
      w.pi = true;
      to.append(w);
      to.owner = holder;
    }
    done++;
  }
  return done;
}

/** futex(addr, op, value, timeout or value2, addr2, value3). */
function sysFutex(t: Task, a: SyscallArgs): number {
  const op = a.int(1);
  const cmd = op & FUTEX_CMD_MASK;
  const shared = (op & FUTEX_PRIVATE_FLAG) === 0;
  const addr = a.addr(0);
  const realtime = (op & FUTEX_CLOCK_REALTIME) !== 0;
  if (realtime && cmd !== FUTEX_WAIT_BITSET && cmd !== FUTEX_WAIT_REQUEUE_PI && cmd !== FUTEX_LOCK_PI2) return ENOSYS;
  switch (cmd) {
    case FUTEX_WAIT:
    case FUTEX_WAIT_BITSET: {
      const bitset = cmd === FUTEX_WAIT ? FUTEX_BITSET_MATCH_ANY : a.int(5);
      let deadline = t.syscall.deadline;
      if (!t.syscall.again) {
        deadline = readDeadline(t, a.addr(3), cmd === FUTEX_WAIT, realtime);
        if (deadline < 0) return deadline;
        if (bitset === 0) return EINVAL;
      }
      return futexWait(t, addr, a.u32(2), deadline, bitset, shared, shared ? 1 : 0);
    }
    case FUTEX_WAKE:
      return wake(t, addr, a.int(2), FUTEX_BITSET_MATCH_ANY, shared);
    case FUTEX_WAKE_BITSET:
      return a.int(5) === 0 ? EINVAL : wake(t, addr, a.int(2), a.int(5), shared);
    case FUTEX_REQUEUE:
      return requeue(t, addr, a.addr(4), shared, shared, a.int(2), a.int(3), null);
    case FUTEX_CMP_REQUEUE:
      return requeue(t, addr, a.addr(4), shared, shared, a.int(2), a.int(3), a.u32(5));
    case FUTEX_WAKE_OP:
      return wakeOp(t, addr, a.addr(4), shared, a.int(2), a.int(3), a.int(5));
    case FUTEX_LOCK_PI:
    case FUTEX_LOCK_PI2: {
      let deadline = t.syscall.deadline;
      if (!t.syscall.again) {
        deadline = readDeadline(t, a.addr(3), false, cmd === FUTEX_LOCK_PI || realtime);
        if (deadline < 0) return deadline;
      }
      return lockPi(t, addr, shared, deadline, false);
    }
    case FUTEX_TRYLOCK_PI:
      return lockPi(t, addr, shared, Infinity, true);
    case FUTEX_UNLOCK_PI: {
      const q = t.kernel.futexes.queue(t, addr, shared);
      return isErr(q) ? q : t.kernel.futexes.unlockPi(t, q, addr);
    }
    case FUTEX_WAIT_REQUEUE_PI: {
      let deadline = t.syscall.deadline;
      if (!t.syscall.again) {
        deadline = readDeadline(t, a.addr(3), false, realtime);
        if (deadline < 0) return deadline;
      }
      return waitRequeuePi(t, addr, a.u32(2), deadline, a.addr(4), shared);
    }
    case FUTEX_CMP_REQUEUE_PI:
      return cmpRequeuePi(t, addr, a.addr(4), shared, a.int(2), a.int(3), a.u32(5));
    default:
      return ENOSYS;
  }
}

/** Flags of the newer calls: 32-bit words only, as on Linux 6.18. */
const badFlags = (flags: number): boolean => (flags & ~(FUTEX2_SIZE_MASK | FUTEX2_PRIVATE)) !== 0 || (flags & FUTEX2_SIZE_MASK) !== FUTEX2_SIZE_U32;

function sysFutexWake(t: Task, a: SyscallArgs): number {
  const flags = a.u32(3);
  if (badFlags(flags)) return EINVAL;
  const mask = a.size(1);
  if (mask > 0xffffffff) return EINVAL;
  if (a.lo(1) === 0) return EINVAL;
  if (a.int(2) === 0) return 0;
  const q = t.kernel.futexes.queue(t, a.addr(0), (flags & FUTEX2_PRIVATE) === 0);
  if (isErr(q)) return q;
  return t.kernel.futexes.wake(q, a.int(2), a.lo(1));
}

function clockDeadline(t: Task, addr: number, clock: number): number {
  if (addr === 0) return Infinity;
  if (clock !== CLOCK_MONOTONIC && clock !== CLOCK_REALTIME) return EINVAL;
  return readDeadline(t, addr, false, clock === CLOCK_REALTIME);
}

function sysFutexWait(t: Task, a: SyscallArgs): number {
  let deadline = t.syscall.deadline;
  const flags = a.u32(3);
  if (!t.syscall.again) {
    if (badFlags(flags)) return EINVAL;
    if (a.size(1) > 0xffffffff || a.size(2) > 0xffffffff) return EINVAL;
    deadline = clockDeadline(t, a.addr(4), a.int(5));
    if (deadline < 0) return deadline;
    if (a.lo(2) === 0) return EINVAL;
  }
  const r = futexWait(t, a.addr(0), a.lo(1), deadline, a.lo(2), (flags & FUTEX2_PRIVATE) === 0, 0);
  return r === ERESTART_RESTARTBLOCK ? ERESTARTSYS : r;
}

/** struct futex_waitv: value (8), address (8), flags, reserved. Bytes. */
const WAITV_SIZE = 24;

function readWaitv(t: Task, at: number): { value: number; valueHi: number; addr: number; flags: number; reserved: number } | null {
  const lo = t.space.readU32(at);
  const hi = t.space.readU32(at + 4);
  const addr = t.space.readU64(at + 8);
  const flags = t.space.readU32(at + 16);
  const reserved = t.space.readU32(at + 20);
  if (isErr(lo) || isErr(hi) || isErr(addr) || isErr(flags) || isErr(reserved)) return null;
  return { value: lo, valueHi: hi, addr, flags, reserved };
}

function sysFutexRequeue(t: Task, a: SyscallArgs): number {
  if (a.u32(1) !== 0) return EINVAL;
  if (a.addr(0) === 0) return EINVAL;
  const from = readWaitv(t, a.addr(0));
  const to = readWaitv(t, a.addr(0) + WAITV_SIZE);
  if (from === null || to === null) return EFAULT;
  for (const w of [from, to]) if (badFlags(w.flags) || w.reserved !== 0 || w.valueHi !== 0) return EINVAL;
  return requeue(t, from.addr, to.addr, (from.flags & FUTEX2_PRIVATE) === 0, (to.flags & FUTEX2_PRIVATE) === 0, a.int(2), a.int(3), from.value);
}

function sysFutexWaitv(t: Task, a: SyscallArgs): number {
  const s = t.syscall;
  let deadline = s.deadline;
  let waiters = s.object as FutexWaiter[] | null;
  if (!s.again) {
    if (a.u32(2) !== 0) return EINVAL;
    const count = a.u32(1);
    if (count === 0 || count > FUTEX_WAITV_MAX || a.addr(0) === 0) return EINVAL;
    deadline = clockDeadline(t, a.addr(3), a.int(4));
    if (deadline < 0) return deadline;
    const words = [];
    for (let i = 0; i < count; i++) {
      const w = readWaitv(t, a.addr(0) + i * WAITV_SIZE);
      if (w === null) return EFAULT;
      if (badFlags(w.flags) || w.reserved !== 0 || w.valueHi !== 0) return EINVAL;
      words.push(w);
    }
    waiters = [];
    for (let i = 0; i < count; i++) {
      const w = words[i]!; // in range
      const q = t.kernel.futexes.queue(t, w.addr, (w.flags & FUTEX2_PRIVATE) === 0);
      const word = isErr(q) ? q : t.space.readU32(w.addr);
      if (isErr(q) || isErr(word) || word !== w.value) {
        for (const made of waiters) unqueueFutex(made);
        return isErr(word) ? word : EAGAIN;
      }
      const waiter = new FutexWaiter(t);
      waiter.index = i;
      q.append(waiter);
      waiters.push(waiter);
    }
    s.object = waiters;
  }
  const list = waiters!; // set on the first call
  const woken = list.findLast((w) => w.queue === null);
  if (woken !== undefined) {
    for (const w of list) unqueueFutex(w);
    return woken.index;
  }
  const r = s.timedOut ? ETIMEDOUT : t.sleep(deadline);
  if (r !== ERESTARTSYS && r !== ETIMEDOUT) return r;
  for (const w of list) unqueueFutex(w);
  return r;
}

function sysSetRobustList(t: Task, a: SyscallArgs): number {
  if (a.size(1) !== 24) return EINVAL;
  t.robustList = a.addr(0);
  return 0;
}

function sysGetRobustList(t: Task, a: SyscallArgs): number {
  const pid = a.int(0);
  const p = pid === 0 ? t : (t.pidNs.find(pid)?.task ?? null);
  if (p === null) return ESRCH;
  if (ptraceMayAccess(t, p, PTRACE_MODE_READ | PTRACE_MODE_REALCREDS) !== 0) return EPERM;
  if (isErr(t.space.writeU64(a.addr(2), 24)) || isErr(t.space.writeU64(a.addr(1), p.robustList))) return EFAULT;
  return 0;
}

export const futexRows: readonly SyscallRow[] = [
  [202, 'futex', 'addr,futexop,uint,timespec,addr,uint', 'full', sysFutex],
  [273, 'set_robust_list', 'addr,size', 'full', sysSetRobustList],
  [274, 'get_robust_list', 'pid,out:addr,out:size', 'full', sysGetRobustList],
  [449, 'futex_waitv', 'addr,uint,uint,timespec,clockid', 'full', sysFutexWaitv],
  [454, 'futex_wake', 'addr,hex,int,hex', 'full', sysFutexWake],
  [455, 'futex_wait', 'addr,ulong,hex,hex,timespec,clockid', 'full', sysFutexWait],
  [456, 'futex_requeue', 'addr,hex,int,int', 'full', sysFutexRequeue],
];
