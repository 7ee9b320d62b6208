/** Interval timers, alarm, POSIX timers. Linux kernel/time/itimer.c, posix-timers.c. */
import { EAGAIN, EFAULT, EINVAL, EOPNOTSUPP, isErr } from '../abi/errno.ts';
import { SIGALRM, SIGEV_NONE, SIGEV_SIGNAL, SIGEV_THREAD, SIGEV_THREAD_ID } from '../abi/signal.ts';
import {
  CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM, CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_REALTIME_ALARM, CLOCK_TAI,
  ITIMER_PROF, ITIMER_REAL, ITIMER_VIRTUAL, NSEC_PER_SEC, TIMER_ABSTIME,
} from '../abi/time.ts';
import { watchCpuTime } from '../kernel/cpu-time.ts';
import { IntervalTimers } from '../kernel/interval-timers.ts';
import { PosixTimer } from '../kernel/posix-timers.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { cpuClock, readTimespec, writeTimespec } from './time-clock.ts';

function timersOf(t: Task): IntervalTimers {
  return (t.threadGroup.itimers ??= new IntervalTimers(t.threadGroup, t.kernel.timers));
}

/** Writes a struct itimerval from ns; false = EFAULT. */
function writeItimer(t: Task, addr: number, interval: number, left: number): boolean {
  const split = (at: number, ns: number): boolean => writeTimespec(t, at, Math.floor(ns / NSEC_PER_SEC), Math.floor((ns % NSEC_PER_SEC) / 1000));
  return split(addr, interval) && split(addr + 16, left);
}

/** A timeval in ns; EFAULT, EINVAL. */
function readTimeval(t: Task, addr: number): number {
  const sec = t.space.readU64(addr);
  const usec = t.space.readU64(addr + 8);
  if (isErr(sec) || isErr(usec)) return EFAULT;
  if (sec >= 2 ** 63 || usec >= 1_000_000) return EINVAL;
  return sec * NSEC_PER_SEC + usec * 1000;
}

function current(t: Task, which: number): { left: number; interval: number } {
  const it = t.threadGroup.itimers;
  if (it === null) return { left: 0, interval: 0 };
  if (which === ITIMER_REAL) return { left: it.realLeft(t.monotonicNs()), interval: it.realInterval };
  const due = it.cpuDeadline[which]!; // 1 or 2
  return { left: due === 0 ? 0 : Math.max(1000, due - t.threadGroup.cpuTime), interval: it.cpuInterval[which]! };
}

function sysGetitimer(t: Task, a: SyscallArgs): number {
  const which = a.int(0);
  if (which !== ITIMER_REAL && which !== ITIMER_VIRTUAL && which !== ITIMER_PROF) return EINVAL;
  const c = current(t, which);
  return writeItimer(t, a.addr(1), c.interval, c.left) ? 0 : EFAULT;
}

function setTimer(t: Task, which: number, value: number, interval: number): void {
  const it = timersOf(t);
  if (which === ITIMER_REAL) it.setReal(t.monotonicNs(), value, interval);
  else {
    it.cpuDeadline[which] = value > 0 ? t.threadGroup.cpuTime + value : 0;
    it.cpuInterval[which] = value > 0 ? interval : 0;
    watchCpuTime(t.threadGroup);
  }
}

function sysSetitimer(t: Task, a: SyscallArgs): number {
  const which = a.int(0);
  const addr = a.addr(1);
  let interval = 0;
  let value = 0;
  if (addr !== 0) {
    interval = readTimeval(t, addr);
    if (interval < 0) return interval;
    value = readTimeval(t, addr + 16);
    if (value < 0) return value;
  }
  if (which !== ITIMER_REAL && which !== ITIMER_VIRTUAL && which !== ITIMER_PROF) return EINVAL;
  const old = current(t, which);
  setTimer(t, which, value, interval);
  return a.addr(2) === 0 || writeItimer(t, a.addr(2), old.interval, old.left) ? 0 : EFAULT;
}

function sysAlarm(t: Task, a: SyscallArgs): number {
  const old = current(t, ITIMER_REAL).left;
  setTimer(t, ITIMER_REAL, a.u32(0) * NSEC_PER_SEC, 0);
  if (old === 0) return 0;
  // Rounded, but never to 0 while something was left.
  const sec = Math.floor(old / NSEC_PER_SEC);
  return sec === 0 || old % NSEC_PER_SEC >= NSEC_PER_SEC / 2 ? sec + 1 : sec;
}

const sigevent: Uint8Array = new Uint8Array(64);
const sigeventView: DataView = new DataView(sigevent.buffer);
const isWallClock = (c: number): boolean => c === CLOCK_REALTIME || c === CLOCK_TAI;
const isMonotonicClock = (c: number): boolean => c === CLOCK_MONOTONIC || c === CLOCK_BOOTTIME;

function sysTimerCreate(t: Task, a: SyscallArgs): number {
  const clock = a.int(0);
  let notify = SIGEV_SIGNAL;
  let signo = SIGALRM;
  let lo = 0;
  let hi = 0;
  let tid = 0;
  const tg = t.threadGroup;
  if (a.addr(1) !== 0) {
    if (t.space.readBytes(a.addr(1), sigevent) !== 0) return EFAULT;
    lo = sigeventView.getInt32(0, true);
    hi = sigeventView.getInt32(4, true);
    signo = sigeventView.getInt32(8, true);
    notify = sigeventView.getInt32(12, true);
    tid = sigeventView.getInt32(16, true);
  }
  const cpu = isWallClock(clock) || isMonotonicClock(clock) ? null : cpuClock(t, clock);
  if (cpu === null && !isWallClock(clock) && !isMonotonicClock(clock)) {
    // Clocks that exist but have no timers: MONOTONIC_RAW and the coarse ones; the alarm clocks need a device.
    return clock === 4 || clock === 5 || clock === 6 || clock === CLOCK_REALTIME_ALARM || clock === CLOCK_BOOTTIME_ALARM ? EOPNOTSUPP : EINVAL;
  }
  let target: Task | null = null;
  if (a.addr(1) !== 0) {
    switch (notify) {
      case SIGEV_SIGNAL | SIGEV_THREAD_ID: {
        const p = t.pidNs.find(tid)?.task ?? null;
        if (p === null || p.threadGroup !== tg) return EINVAL;
        target = p;
        if (signo <= 0 || signo > 64) return EINVAL;
        break;
      }
      case SIGEV_SIGNAL:
      case SIGEV_THREAD:
        if (signo <= 0 || signo > 64) return EINVAL;
        break;
      case SIGEV_NONE:
        break;
      default:
        return EINVAL;
    }
  }
  if (tg.posixTimers.size >= t.limit(11)) return EAGAIN; // RLIMIT_SIGPENDING: each holds a queued signal
  const id = tg.nextTimerId++;
  if (a.addr(1) === 0) lo = id;
  const timer = new PosixTimer(tg, id, clock, notify, signo, lo, hi, target);
  if (cpu !== null && !cpu.process) timer.clockTask = cpu.task;
  timer.onCpuTime = cpu !== null;
  if (isErr(t.space.writeU32(a.addr(2), id))) return EFAULT;
  tg.posixTimers.set(id, timer);
  return 0;
}

const timerOf = (t: Task, id: number): PosixTimer | undefined => t.threadGroup.posixTimers.get(id);

function left(t: Task, timer: PosixTimer): number {
  if (timer.onCpuTime) return timer.cpuDeadline === 0 ? 0 : Math.max(1, timer.cpuDeadline - timer.cpuNow());
  if (timer.armed) return Math.max(1, timer.deadline - t.monotonicNs());
  return 0;
}

function writeItimerspec(t: Task, addr: number, interval: number, value: number): boolean {
  return (
    writeTimespec(t, addr, Math.floor(interval / NSEC_PER_SEC), Math.floor(interval % NSEC_PER_SEC)) &&
    writeTimespec(t, addr + 16, Math.floor(value / NSEC_PER_SEC), Math.floor(value % NSEC_PER_SEC))
  );
}

function sysTimerSettime(t: Task, a: SyscallArgs): number {
  if (a.addr(2) === 0) return EINVAL;
  const interval = readTimespec(t, a.addr(2));
  if (interval === EFAULT) return EFAULT;
  const value = readTimespec(t, a.addr(2) + 16);
  if (value < 0 || interval < 0) return value === EFAULT ? EFAULT : EINVAL;
  const timer = timerOf(t, a.int(0));
  if (timer === undefined) return EINVAL;
  const oldLeft = left(t, timer);
  const oldInterval = timer.interval;
  t.kernel.timers.cancel(timer);
  timer.reset();
  timer.interval = interval;
  timer.cpuDeadline = 0;
  const absolute = (a.int(1) & TIMER_ABSTIME) !== 0;
  if (value > 0) {
    if (timer.onCpuTime) {
      timer.cpuDeadline = absolute ? value : timer.cpuNow() + value;
    } else {
      const clock = t.kernel.clock;
      let deadline = value;
      if (!absolute) deadline = clock.monotonicNs() + value;
      else if (isWallClock(timer.clock)) {
        const sec = Math.floor(value / NSEC_PER_SEC);
        deadline = clock.monotonicOfWall(sec, value - sec * NSEC_PER_SEC);
      } else deadline = Math.max(0, value - t.nsproxy.time.offsetOf(timer.clock));
      // SIGEV_NONE timers only count down.
      t.kernel.timers.arm(timer, deadline);
    }
  } else timer.interval = 0;
  if (timer.onCpuTime) watchCpuTime(t.threadGroup);
  const old = a.addr(3);
  return old === 0 || writeItimerspec(t, old, oldInterval, oldLeft) ? 0 : EFAULT;
}

function sysTimerGettime(t: Task, a: SyscallArgs): number {
  const timer = timerOf(t, a.int(0));
  if (timer === undefined) return EINVAL;
  return writeItimerspec(t, a.addr(1), timer.interval, left(t, timer)) ? 0 : EFAULT;
}

function sysTimerGetoverrun(t: Task, a: SyscallArgs): number {
  return timerOf(t, a.int(0))?.overrun ?? EINVAL;
}

function sysTimerDelete(t: Task, a: SyscallArgs): number {
  const timer = timerOf(t, a.int(0));
  if (timer === undefined) return EINVAL;
  timer.cancel();
  t.threadGroup.posixTimers.delete(timer.id);
  return 0;
}

export const timeTimerRows: readonly SyscallRow[] = [
  [36, 'getitimer', 'itimer,out:itimerval', 'full', sysGetitimer],
  [37, 'alarm', 'uint=uint', 'full', sysAlarm],
  [38, 'setitimer', 'itimer,itimerval,out:itimerval', 'full', sysSetitimer],
  [222, 'timer_create', 'clockid,sigevent,out:int', 'full', sysTimerCreate],
  [223, 'timer_settime', 'int,int,itimerspec,out:itimerspec', 'full', sysTimerSettime],
  [224, 'timer_gettime', 'int,out:itimerspec', 'full', sysTimerGettime],
  [225, 'timer_getoverrun', 'int', 'full', sysTimerGetoverrun],
  [226, 'timer_delete', 'int', 'full', sysTimerDelete],
];

