/** eventfd, timerfd, signalfd. Facts: Linux 6.18 fs/{eventfd,timerfd,signalfd}.c. */
import {
  EFD_CLOEXEC,
  EFD_NONBLOCK,
  EFD_SEMAPHORE,
  SFD_CLOEXEC,
  SFD_NONBLOCK,
  TFD_CLOEXEC,
  TFD_NONBLOCK,
  TFD_TIMER_ABSTIME,
  TFD_TIMER_CANCEL_ON_SET,
} from '../abi/anon-fd.ts';
import { CAP_WAKE_ALARM } from '../abi/capability.ts';
import { EBADF, EFAULT, EINVAL, EPERM, isErr } from '../abi/errno.ts';
import { O_RDWR } from '../abi/fcntl.ts';
import { SIGKILL, SIGSET_SIZE, SIGSTOP } from '../abi/signal.ts';
import { CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM, CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_REALTIME_ALARM } from '../abi/time.ts';
import { EventfdDescription } from '../fs/anon/eventfd.ts';
import { SignalfdDescription } from '../fs/anon/signalfd.ts';
import { TimerfdDescription } from '../fs/anon/timerfd.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { installFile, openFile, readTimespec, TimeSpan } from './io-wait.ts';

const NSEC_PER_SEC = 1_000_000_000;

function eventfd(t: Task, count: number, flags: number): number {
  if (flags & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) return EINVAL;
  const path = t.kernel.vfs.anonymous.anonymousPath('[eventfd]');
  const file = new EventfdDescription(path, O_RDWR | (flags & EFD_NONBLOCK), count, (flags & EFD_SEMAPHORE) !== 0);
  return installFile(t, file, (flags & EFD_CLOEXEC) !== 0);
}

function isAlarm(clock: number): boolean {
  return clock === CLOCK_REALTIME_ALARM || clock === CLOCK_BOOTTIME_ALARM;
}

function timerfdCreate(t: Task, a: SyscallArgs): number {
  const clock = a.int(0);
  const flags = a.int(1);
  const known = clock === CLOCK_REALTIME || clock === CLOCK_MONOTONIC || clock === CLOCK_BOOTTIME || isAlarm(clock);
  if (flags & ~(TFD_CLOEXEC | TFD_NONBLOCK) || !known) return EINVAL;
  if (isAlarm(clock) && !t.credentials.capable(CAP_WAKE_ALARM)) return EPERM;
  const path = t.kernel.vfs.anonymous.anonymousPath('[timerfd]');
  return installFile(t, new TimerfdDescription(path, O_RDWR | (flags & TFD_NONBLOCK), t.kernel, clock), (flags & TFD_CLOEXEC) !== 0);
}

function timerfdOf(t: Task, fd: number): TimerfdDescription | typeof EBADF | typeof EINVAL {
  const file = openFile(t, fd);
  if (file === null) return EBADF;
  return file instanceof TimerfdDescription ? file : EINVAL;
}

/** Writes a struct itimerspec. */
function writeSetting(t: Task, addr: number, remaining: number, interval: number): number {
  const sec = (ns: number): number => Math.floor(ns / NSEC_PER_SEC);
  const space = t.space;
  if (isErr(space.writeU64(addr, sec(interval))) || isErr(space.writeU64(addr + 8, Math.floor(interval % NSEC_PER_SEC)))) return EFAULT;
  if (isErr(space.writeU64(addr + 16, sec(remaining))) || isErr(space.writeU64(addr + 24, Math.floor(remaining % NSEC_PER_SEC)))) return EFAULT;
  return 0;
}

const interval = new TimeSpan();
const value = new TimeSpan();

function timerfdSettime(t: Task, a: SyscallArgs): number {
  const flags = a.int(1);
  const addr = a.addr(2);
  const r1 = readTimespec(t, addr, interval);
  const r2 = readTimespec(t, addr + 16, value);
  if (r1 === EFAULT || r2 === EFAULT) return EFAULT;
  if (flags & ~(TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET) || r1 < 0 || r2 < 0) return EINVAL;
  const file = timerfdOf(t, a.fd(0));
  if (isErr(file)) return file;
  if (isAlarm(file.clockId) && !t.credentials.capable(CAP_WAKE_ALARM)) return EPERM;
  const oldRemaining = file.remaining();
  const oldInterval = file.interval;
  if (flags & TFD_TIMER_ABSTIME && (value.sec > 0 || value.nsec > 0)) {
    // As the guest's clock has it, to as the kernel's has it; what is over already stays just above zero, which would disarm.
    const at = Math.max(1, value.sec * NSEC_PER_SEC + value.nsec - t.nsproxy.time.offsetOf(file.clockId));
    value.sec = Math.floor(at / NSEC_PER_SEC);
    value.nsec = at - value.sec * NSEC_PER_SEC;
  }
  const r = file.set(flags, value.sec, value.nsec, interval.sec * NSEC_PER_SEC + interval.nsec);
  if (r < 0) return r;
  return a.addr(3) === 0 ? 0 : writeSetting(t, a.addr(3), oldRemaining, oldInterval);
}

function timerfdGettime(t: Task, a: SyscallArgs): number {
  const file = timerfdOf(t, a.fd(0));
  if (isErr(file)) return file;
  return writeSetting(t, a.addr(1), file.remaining(), file.interval);
}

function signalfd(t: Task, fd: number, maskAddr: number, size: number, flags: number): number {
  if (size !== SIGSET_SIZE) return EINVAL;
  const lo = t.space.readU32(maskAddr);
  const hi = t.space.readU32(maskAddr + 4);
  if (isErr(lo) || isErr(hi)) return EFAULT;
  if (flags & ~(SFD_CLOEXEC | SFD_NONBLOCK)) return EINVAL;
  let file: SignalfdDescription;
  if (fd === -1) {
    const path = t.kernel.vfs.anonymous.anonymousPath('[signalfd]');
    file = new SignalfdDescription(path, O_RDWR | (flags & SFD_NONBLOCK), t.kernel);
  } else {
    const open = openFile(t, fd);
    if (open === null) return EBADF;
    if (!(open instanceof SignalfdDescription)) return EINVAL;
    file = open;
  }
  file.mask.set(lo | 0, hi | 0);
  file.mask.delete(SIGKILL);
  file.mask.delete(SIGSTOP);
  if (fd === -1) return installFile(t, file, (flags & SFD_CLOEXEC) !== 0);
  file.maskChanged();
  return fd;
}

export const rows: readonly SyscallRow[] = [
  [282, 'signalfd', 'fd,sigset,size', 'full', (t, a) => signalfd(t, a.fd(0), a.addr(1), a.size(2), 0)],
  [283, 'timerfd_create', 'clockid,timerfdflags', 'full', timerfdCreate],
  [284, 'eventfd', 'uint', 'full', (t, a) => eventfd(t, a.u32(0), 0)],
  [286, 'timerfd_settime', 'fd,timerfdsettime,itimerspec,out:itimerspec', 'full', timerfdSettime],
  [287, 'timerfd_gettime', 'fd,out:itimerspec', 'full', timerfdGettime],
  [289, 'signalfd4', 'fd,sigset,size,signalfdflags', 'full', (t, a) => signalfd(t, a.fd(0), a.addr(1), a.size(2), a.int(3))],
  [290, 'eventfd2', 'uint,eventfdflags', 'full', (t, a) => eventfd(t, a.u32(0), a.int(1))],
];
