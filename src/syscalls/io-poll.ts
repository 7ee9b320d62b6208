/** poll, ppoll, select, pselect6. Facts: Linux 6.18 fs/select.c; man 2 poll, 2 select. */
import { BLOCKED, EBADF, EFAULT, EINTR, EINVAL, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTSYS, isErr } from '../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLPRI, POLLRDBAND, POLLRDNORM, POLLWRBAND, POLLWRNORM, SIZEOF_POLLFD } from '../abi/poll.ts';
import { RESTART_POLL } from '../kernel/syscall-state.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { deadlineAfter, openFile, readTimespec, restoreMask, setTemporaryMask, TimeSpan } from './io-wait.ts';

const NSEC_PER_SEC = 1_000_000_000;
const NSEC_PER_MSEC = 1_000_000;
const span = new TimeSpan();

// ---- poll

/** The pollfd array of a call that waits; read from the guest once. */
class PollSet {
  readonly count: number;
  readonly bytes: Uint8Array;
  /** Two words an entry: the descriptor; events, and revents in the upper half. */
  readonly words: Int32Array;
  constructor(count: number) {
    this.count = count;
    this.words = new Int32Array(count * 2);
    this.bytes = new Uint8Array(this.words.buffer);
  }
}
/** Reused by calls of few descriptors; a call that blocks keeps it in `syscall.object` and leaves a new one here. */
let smallSet = new PollSet(16);

/** Looks at every descriptor; how many have events. With `register`, joins their queues. */
function pollOnce(t: Task, set: PollSet, count: number, register: boolean): number {
  const { words } = set;
  let ready = 0;
  for (let i = 0; i < count; i++) {
    const fd = words[i * 2]!; // sets hold `count` entries
    const events = words[i * 2 + 1]! & 0xffff;
    let revents = 0;
    if (fd >= 0) {
      const file = openFile(t, fd);
      if (file === null) {
        revents = POLLNVAL;
      } else {
        const wanted = events | POLLERR | POLLHUP;
        if (register) {
          const table = t.pollTable;
          table.events = wanted;
          revents = file.poll(table) & wanted;
        } else {
          revents = file.poll(null) & wanted;
        }
      }
      if (revents !== 0) ready++;
    }
    words[i * 2 + 1] = events | (revents << 16);
  }
  return ready;
}

/** poll until `deadline` (-1: do not wait, Infinity: for ever): the count, EFAULT, EINVAL, EINTR if a signal came, BLOCKED. */
function doPoll(t: Task, addr: number, count: number, deadline: number): number {
  if (count > t.openFilesLimit) return EINVAL;
  let set = t.syscall.object instanceof PollSet ? t.syscall.object : null;
  if (set === null) {
    set = count <= smallSet.count ? smallSet : new PollSet(count);
    if (count > 0 && t.space.copyIn(addr, set.bytes, 0, count * SIZEOF_POLLFD) !== count * SIZEOF_POLLFD) return EFAULT;
  }
  const ready = pollOnce(t, set, count, false);
  if (ready === 0 && deadline !== -1 && !t.syscall.timedOut) {
    if (t.signalPending()) return EINTR;
    if (set === smallSet) smallSet = new PollSet(16);
    t.syscall.object = set;
    pollOnce(t, set, count, true);
    const r = t.waitAny(deadline);
    return r === ERESTARTSYS ? EINTR : r;
  }
  return writeResults(t, addr, set, count) ? ready : EFAULT;
}

/** Writes revents alone: the program may have changed the rest since. False: EFAULT. */
function writeResults(t: Task, addr: number, set: PollSet, count: number): boolean {
  const { space } = t;
  const { u8 } = space.pm;
  let at = 0;
  for (let i = 0; i < count; i++) {
    const revents = set.words[i * 2 + 1]! >>> 16;
    const to = addr + i * SIZEOF_POLLFD + 6;
    const offset = to % 4096;
    if (offset === 4095) {
      if (isErr(space.writeU16(to, revents))) return false;
      at = 0;
      continue;
    }
    // One look-up a page.
    at = at === 0 || offset < SIZEOF_POLLFD ? space.writable(to) : at + SIZEOF_POLLFD;
    if (at === 0) return false;
    u8[at] = revents;
    u8[at + 1] = revents >> 8;
  }
  return true;
}

function poll(t: Task, a: SyscallArgs): number {
  const timeout = a.int(2);
  const s = t.syscall;
  const deadline = timeout === 0 ? -1 : timeout < 0 ? Infinity : s.again ? s.deadline : t.monotonicNs() + timeout * NSEC_PER_MSEC;
  return pollRestartably(t, a.addr(0), a.u32(1), deadline);
}

function pollRestartably(t: Task, addr: number, count: number, deadline: number): number {
  const r = doPoll(t, addr, count, deadline);
  if (r !== EINTR) return r;
  const restart = t.syscall.restart;
  restart.kind = RESTART_POLL;
  restart.addr = addr;
  restart.count = count;
  restart.deadline = deadline;
  return ERESTART_RESTARTBLOCK;
}

/** restart_syscall of a poll that a stop interrupted: what is left of the timeout. */
export function restartPoll(t: Task): number {
  const { addr, count, deadline } = t.syscall.restart;
  return pollRestartably(t, addr, count, deadline);
}

// ---- the timeout argument that ppoll, select and pselect6 share

/** How the remaining time is written back. */
const AS_TIMESPEC = 0;
const AS_TIMEVAL = 1;

/** Parses the timeout at `addr`: absolute deadline, -1 for a zero timeout, Infinity for none; EFAULT, EINVAL (below -1). */
function readTimeout(t: Task, addr: number, how: number): number {
  if (addr === 0) return Infinity;
  const s = t.syscall;
  if (s.again) return s.deadline;
  if (how === AS_TIMESPEC) {
    const r = readTimespec(t, addr, span);
    if (r < 0) return r;
  } else {
    const sec = t.space.readU64(addr);
    const usec = t.space.readU64(addr + 8);
    if (isErr(sec) || isErr(usec)) return EFAULT;
    // Negative values read as huge ones here.
    if (sec >= 2 ** 63 || usec >= 2 ** 63) return EINVAL;
    span.sec = sec + Math.floor(usec / 1_000_000);
    span.nsec = (usec % 1_000_000) * 1000;
  }
  return span.sec === 0 && span.nsec === 0 ? -1 : deadlineAfter(t, span);
}

/** Ends such a call: restores the mask, writes the time left, and makes an interruption restartable if that worked. */
function finish(t: Task, addr: number, how: number, deadline: number, result: number): number {
  const interrupted = result === EINTR;
  restoreMask(t, interrupted);
  if (addr !== 0 && deadline !== -1) {
    const left = deadline === Infinity ? 0 : Math.max(0, deadline - t.monotonicNs());
    if (deadline !== Infinity) {
      const sec = Math.floor(left / NSEC_PER_SEC);
      const nsec = left - sec * NSEC_PER_SEC;
      const r1 = t.space.writeU64(addr, sec);
      const r2 = t.space.writeU64(addr + 8, how === AS_TIMESPEC ? Math.floor(nsec) : Math.floor(nsec / 1000));
      // Read-only memory: the call succeeded, but cannot be restarted with the time that is left.
      if (isErr(r1) || isErr(r2)) return result;
    }
  }
  return interrupted ? ERESTARTNOHAND : result;
}

function ppoll(t: Task, a: SyscallArgs): number {
  const timeout = readTimeout(t, a.addr(2), AS_TIMESPEC);
  if (timeout < -1) return timeout;
  if (!t.syscall.again) {
    const r = setTemporaryMask(t, a.addr(3), a.size(4));
    if (r < 0) return r;
  }
  const r = doPoll(t, a.addr(0), a.u32(1), timeout);
  return r === BLOCKED ? r : finish(t, a.addr(2), AS_TIMESPEC, timeout, r);
}

// ---- select

const READ_SET: number = POLLNVAL | POLLRDNORM | POLLRDBAND | POLLIN | POLLHUP | POLLERR;
const WRITE_SET: number = POLLNVAL | POLLWRBAND | POLLWRNORM | POLLOUT | POLLERR;
const EXCEPT_SET: number = POLLNVAL | POLLPRI;

/** The three bit sets of a select, and their results; whole 64-bit words, as Linux copies them. */
class SelectSets {
  /** Bytes of one set. */
  readonly size: number;
  readonly given: Uint8Array;
  readonly result: Uint8Array;
  constructor(size: number) {
    this.size = size;
    this.given = new Uint8Array(size * 3);
    this.result = new Uint8Array(size * 3);
  }
}

/** Looks at every descriptor that is in a set; how many bits hold, or EBADF. */
function selectOnce(t: Task, sets: SelectSets, n: number, register: boolean): number {
  const { size, given, result } = sets;
  result.fill(0);
  let ready = 0;
  for (let byte = 0; byte * 8 < n; byte++) {
    const r = given[byte] as number;
    const w = given[size + byte] as number;
    const x = given[size * 2 + byte] as number;
    if ((r | w | x) === 0) continue;
    for (let bit = 0; bit < 8 && byte * 8 + bit < n; bit++) {
      const b = 1 << bit;
      if (((r | w | x) & b) === 0) continue;
      const file = t.fdTable.get(byte * 8 + bit);
      if (file === null && !t.syscall.again) return EBADF;
      const wanted = (r & b ? READ_SET : 0) | (w & b ? WRITE_SET : 0) | (x & b ? EXCEPT_SET : 0);
      let mask: number;
      if (file === null || file.isPath) {
        // Closed by another thread while this one waited, or never to be read.
        mask = POLLNVAL;
      } else if (register) {
        const table = t.pollTable;
        table.events = wanted | POLLERR | POLLHUP;
        mask = file.poll(table);
      } else {
        mask = file.poll(null);
      }
      if (r & b && mask & READ_SET) {
        result[byte] = (result[byte] as number) | b;
        ready++;
      }
      if (w & b && mask & WRITE_SET) {
        result[size + byte] = (result[size + byte] as number) | b;
        ready++;
      }
      if (x & b && mask & EXCEPT_SET) {
        result[size * 2 + byte] = (result[size * 2 + byte] as number) | b;
        ready++;
      }
    }
  }
  return ready;
}

function doSelect(t: Task, n: number, addrs: readonly [number, number, number], deadline: number): number {
  if (n < 0) return EINVAL;
  let sets = t.syscall.object instanceof SelectSets ? t.syscall.object : null;
  if (sets === null) {
    // Descriptors above the table cannot be open; Linux looks at as many bits as the table has.
    n = Math.min(n, Math.max(64, (t.fdTable.limit + 63) & ~63));
    sets = new SelectSets(((n + 63) >> 6) * 8);
    for (let i = 0; i < 3; i++) {
      const addr = addrs[i] as number;
      if (addr === 0 || sets.size === 0) continue;
      if (t.space.copyIn(addr, sets.given, i * sets.size, sets.size) !== sets.size) return EFAULT;
    }
  } else {
    n = Math.min(n, sets.size * 8);
  }
  const ready = selectOnce(t, sets, n, false);
  if (ready < 0) return ready;
  if (ready === 0 && deadline !== -1 && !t.syscall.timedOut) {
    if (t.signalPending()) return EINTR;
    t.syscall.object = sets;
    selectOnce(t, sets, n, true);
    const r = t.waitAny(deadline);
    return r === ERESTARTSYS ? EINTR : r;
  }
  for (let i = 0; i < 3; i++) {
    const addr = addrs[i] as number;
    if (addr === 0 || sets.size === 0) continue;
    if (isErr(t.space.writeBytes(addr, sets.result, i * sets.size, sets.size))) return EFAULT;
  }
  return ready;
}

function select(t: Task, a: SyscallArgs): number {
  const timeout = readTimeout(t, a.addr(4), AS_TIMEVAL);
  if (timeout < -1) return timeout;
  const r = doSelect(t, a.int(0), [a.addr(1), a.addr(2), a.addr(3)], timeout);
  return r === BLOCKED ? r : finish(t, a.addr(4), AS_TIMEVAL, timeout, r);
}

function pselect6(t: Task, a: SyscallArgs): number {
  const packed = a.addr(5);
  let mask = 0;
  let size = 0;
  if (packed !== 0) {
    const p = t.space.readU64(packed);
    const n = t.space.readU64(packed + 8);
    if (isErr(p) || isErr(n)) return EFAULT;
    mask = p;
    size = n;
  }
  const timeout = readTimeout(t, a.addr(4), AS_TIMESPEC);
  if (timeout < -1) return timeout;
  if (!t.syscall.again) {
    const r = setTemporaryMask(t, mask, size);
    if (r < 0) return r;
  }
  const r = doSelect(t, a.int(0), [a.addr(1), a.addr(2), a.addr(3)], timeout);
  return r === BLOCKED ? r : finish(t, a.addr(4), AS_TIMESPEC, timeout, r);
}

export const rows: readonly SyscallRow[] = [
  [7, 'poll', 'pollfds:1,uint,int', 'full', poll],
  [23, 'select', 'int,fdset:0,fdset:0,fdset:0,timeval', 'full', select],
  [270, 'pselect6', 'int,fdset:0,fdset:0,fdset:0,timespec,addr', 'full', pselect6],
  [271, 'ppoll', 'pollfds:1,uint,timespec,sigset,size', 'full', ppoll],
];
