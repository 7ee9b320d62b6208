/** epoll_create, epoll_ctl, epoll_wait and their kin. Facts: Linux 6.18 fs/eventpoll.c; man 2 epoll_ctl. */
import { BLOCKED, EBADF, EFAULT, EINTR, EINVAL, EPERM, ERESTARTSYS, isErr } from '../abi/errno.ts';
import { EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPOLL_CTL_MOD, EPOLLEXCLUSIVE, EPOLLIN, SIZEOF_EPOLL_EVENT } from '../abi/poll.ts';
import type { Task } from '../kernel/task.ts';
import type { UserMemory } from '../memory/user-memory.ts';
import { EpollDescription, type EpollEventSink } from '../vfs/epoll.ts';
import { FileDescription } from '../vfs/file-description.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { deadlineAfter, installFile, openFile, readTimespec, restoreMask, setTemporaryMask, TimeSpan } from './io-wait.ts';

const NSEC_PER_MSEC = 1_000_000;
/** EP_MAX_EVENTS: INT_MAX / sizeof(struct epoll_event). */
const MAX_EVENTS: number = Math.floor(0x7fffffff / SIZEOF_EPOLL_EVENT);
const span = new TimeSpan();

function create(t: Task, flags: number): number {
  if (flags & ~EPOLL_CLOEXEC) return EINVAL;
  return installFile(t, new EpollDescription(t.kernel.vfs.anonymous.anonymousPath('[eventpoll]')), (flags & EPOLL_CLOEXEC) !== 0);
}

function epollCtl(t: Task, a: SyscallArgs): number {
  const op = a.int(1);
  let events = 0;
  let lo = 0;
  let hi = 0;
  if (op !== EPOLL_CTL_DEL) {
    const addr = a.addr(3);
    const e = t.space.readU32(addr);
    const l = t.space.readU32(addr + 4);
    const h = t.space.readU32(addr + 8);
    if (isErr(e) || isErr(l) || isErr(h)) return EFAULT;
    events = e | 0;
    lo = l;
    hi = h;
  }
  const ep = openFile(t, a.fd(0));
  if (ep === null) return EBADF;
  const fd = a.fd(2);
  const file = openFile(t, fd);
  if (file === null) return EBADF;
  // Files without a poll method (regular files, directories) are always ready; epoll does not take them.
  if (file.poll === FileDescription.prototype.poll) return EPERM;
  if (file === ep || !(ep instanceof EpollDescription)) return EINVAL;
  if (events & EPOLLEXCLUSIVE && op === EPOLL_CTL_MOD) return EINVAL;
  switch (op) {
    case EPOLL_CTL_ADD:
      return ep.addFile(file, fd, events, lo, hi);
    case EPOLL_CTL_MOD:
      return ep.modify(file, fd, events, lo, hi);
    case EPOLL_CTL_DEL:
      return ep.remove(file, fd);
  }
  return EINVAL;
}

/** Writes events to the guest's array. */
class UserEvents implements EpollEventSink {
  space: UserMemory | null = null;
  addr = 0;
  event(revents: number, dataLo: number, dataHi: number): boolean {
    const space = this.space as UserMemory;
    const addr = this.addr;
    if (isErr(space.writeU32(addr, revents)) || isErr(space.writeU32(addr + 4, dataLo)) || isErr(space.writeU32(addr + 8, dataHi))) return false;
    this.addr = addr + SIZEOF_EPOLL_EVENT;
    return true;
  }
}
const sink = new UserEvents();

/** Waits until `deadline` (-1: not at all, Infinity: for ever). */
function wait(t: Task, fd: number, addr: number, max: number, deadline: number): number {
  if (max <= 0 || max > MAX_EVENTS) return EINVAL;
  const ep = openFile(t, fd);
  if (ep === null) return EBADF;
  if (!(ep instanceof EpollDescription)) return EINVAL;
  if (ep.maybeReady) {
    sink.space = t.space;
    sink.addr = addr;
    const n = ep.deliver(sink, max);
    if (n < 0) return EFAULT;
    if (n > 0) return n;
  }
  if (deadline === -1 || t.syscall.timedOut) return 0;
  const r = t.waitExclusive(ep.waiters, deadline, EPOLLIN);
  return r === ERESTARTSYS ? EINTR : r;
}

function msDeadline(t: Task, ms: number): number {
  if (ms === 0) return -1;
  if (ms < 0) return Infinity;
  return t.syscall.again ? t.syscall.deadline : t.monotonicNs() + ms * NSEC_PER_MSEC;
}

function epollWait(t: Task, a: SyscallArgs): number {
  return wait(t, a.fd(0), a.addr(1), a.int(2), msDeadline(t, a.int(3)));
}

function waitMasked(t: Task, a: SyscallArgs, deadline: number): number {
  if (!t.syscall.again) {
    const r = setTemporaryMask(t, a.addr(4), a.size(5));
    if (r < 0) return r;
  }
  const r = wait(t, a.fd(0), a.addr(1), a.int(2), deadline);
  if (r !== BLOCKED) restoreMask(t, r === EINTR);
  return r;
}

function epollPwait(t: Task, a: SyscallArgs): number {
  return waitMasked(t, a, msDeadline(t, a.int(3)));
}

function epollPwait2(t: Task, a: SyscallArgs): number {
  let deadline = Infinity;
  if (a.addr(3) !== 0) {
    if (t.syscall.again) {
      deadline = t.syscall.deadline;
    } else {
      const r = readTimespec(t, a.addr(3), span);
      if (r < 0) return r;
      deadline = span.sec === 0 && span.nsec === 0 ? -1 : deadlineAfter(t, span);
    }
  }
  return waitMasked(t, a, deadline);
}

export const rows: readonly SyscallRow[] = [
  [213, 'epoll_create', 'int', 'full', (t, a) => (a.int(0) <= 0 ? EINVAL : create(t, 0))],
  [232, 'epoll_wait', 'fd,addr,int,int', 'full', epollWait],
  [233, 'epoll_ctl', 'fd,epollop,fd,epoll_event', 'full', epollCtl],
  [281, 'epoll_pwait', 'fd,addr,int,int,sigset,size', 'full', epollPwait],
  [291, 'epoll_create1', 'epollflags', 'full', (t, a) => create(t, a.int(0))],
  [441, 'epoll_pwait2', 'fd,addr,int,timespec,sigset,size', 'full', epollPwait2],
];
