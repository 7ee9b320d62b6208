/** Clocks and sleeping. Linux kernel/time/posix-timers.c, hrtimer.c, time.c. */
import { CAP_SYS_TIME } from '../abi/capability.ts';
import { EFAULT, EINTR, EINVAL, EOPNOTSUPP, EPERM, ERESTART_RESTARTBLOCK, ERESTARTNOHAND, ERESTARTSYS, isErr } from '../abi/errno.ts';
import {
  CLOCK_BOOTTIME, CLOCK_BOOTTIME_ALARM, CLOCK_MONOTONIC, CLOCK_MONOTONIC_COARSE, CLOCK_MONOTONIC_RAW, CLOCK_PROCESS_CPUTIME_ID, CLOCK_REALTIME,
  CLOCK_REALTIME_ALARM, CLOCK_REALTIME_COARSE, CLOCK_TAI, CLOCK_THREAD_CPUTIME_ID, NSEC_PER_SEC, TICK_NSEC, TIMER_ABSTIME, USER_HZ,
} from '../abi/time.ts';
import { RESTART_FUTEX, RESTART_NANOSLEEP, RESTART_POLL } from '../kernel/syscall-state.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { restartFutex } from './futex-restart.ts';
import { restartPoll } from './io-poll.ts';

/** Reads a timespec: total ns, or EFAULT; EINVAL if it is not normalised or negative. */
export function readTimespec(t: Task, addr: number): number {
  const sec = t.space.readU64(addr);
  const nsec = t.space.readU64(addr + 8);
  if (isErr(sec) || isErr(nsec)) return EFAULT;
  if (sec >= 2 ** 63 || nsec >= NSEC_PER_SEC) return EINVAL;
  return Math.min(sec * NSEC_PER_SEC + nsec, 2 ** 62);
}

/** Writes seconds and nanoseconds; false = EFAULT. */
export function writeTimespec(t: Task, addr: number, sec: number, nsec: number): boolean {
  return !isErr(t.space.writeU64(addr, sec)) && !isErr(t.space.writeU64(addr + 8, nsec));
}

/** The task or process that a CPU-time clock id names, as [task, is it the process]; null = EINVAL (Linux pid_for_clock). */
export function cpuClock(t: Task, id: number): { task: Task; process: boolean } | null {
  if (id === CLOCK_PROCESS_CPUTIME_ID) return { task: t, process: true };
  if (id === CLOCK_THREAD_CPUTIME_ID) return { task: t, process: false };
  if (id >= 0) return null;
  // Bits: 0-1 kind (0 prof, 1 virt, 2 sched), 2 per thread, the rest ~pid.
  const kind = id & 3;
  if (kind === 3) return null;
  const perThread = (id & 4) !== 0;
  const pid = ~(id >> 3);
  const p = pid === 0 ? t : (t.pidNs.find(pid)?.task ?? null);
  if (p === null) return null;
  if (perThread) return p.threadGroup === t.threadGroup ? { task: p, process: false } : null;
  return p.isLeader || p === t ? { task: p, process: true } : null;
}

/** CPU time so far, ns, with the current run. */
function cpuTimeOf(c: { task: Task; process: boolean }): number {
  const k = c.task.kernel;
  const running = k.current !== null && (c.process ? k.current.threadGroup === c.task.threadGroup : k.current === c.task) ? k.clock.monotonicNs() - k.now : 0;
  return (c.process ? c.task.threadGroup.cpuTime : c.task.usage.utime + c.task.usage.stime) + Math.max(0, running);
}

/** Current value of a clock in ns, for clocks that are monotonic time or CPU time; -1 = it is a wall clock (see `wallClock`); EINVAL. */
/** The alarm clocks (8, 9) need a real-time clock device to wake the machine; there is none, so they do not exist. */
export const isWall: (id: number) => boolean = (id) => id === CLOCK_REALTIME || id === CLOCK_REALTIME_COARSE || id === CLOCK_TAI;
export const isMonotonic: (id: number) => boolean = (id) =>
  id === CLOCK_MONOTONIC || id === CLOCK_MONOTONIC_RAW || id === CLOCK_MONOTONIC_COARSE || id === CLOCK_BOOTTIME;

/** Monotonic `ns` as of the last tick: the coarse clocks, here as in the vDSO. */
const lastTick = (ns: number): number => ns - (ns % TICK_NSEC);

function sysClockGettime(t: Task, a: SyscallArgs): number {
  const id = a.int(0);
  const addr = a.addr(1);
  const clock = t.kernel.clock;
  if (isWall(id)) {
    if (id === CLOCK_REALTIME_COARSE) clock.wallAt(lastTick(clock.monotonicNs()));
    else clock.update();
    return writeTimespec(t, addr, clock.sec + (id === CLOCK_TAI ? clock.taiOffset : 0), clock.nsec) ? 0 : EFAULT;
  }
  let ns: number;
  if (id === CLOCK_MONOTONIC_COARSE) ns = lastTick(clock.monotonicNs()) + t.nsproxy.time.offsetOf(id);
  else if (isMonotonic(id)) ns = clock.monotonicNs() + t.nsproxy.time.offsetOf(id);
  else {
    const c = cpuClock(t, id);
    if (c === null) return EINVAL;
    ns = cpuTimeOf(c);
  }
  const sec = Math.floor(ns / NSEC_PER_SEC);
  return writeTimespec(t, addr, sec, Math.floor(ns - sec * NSEC_PER_SEC)) ? 0 : EFAULT;
}

function sysClockSettime(t: Task, a: SyscallArgs): number {
  const id = a.int(0);
  if (id !== CLOCK_REALTIME) {
    // Only CPU clocks of a numbered process have a (refusing) way to set them.
    return id < 0 && cpuClock(t, id) !== null ? EPERM : EINVAL;
  }
  const sec = t.space.readU64(a.addr(1));
  const nsec = t.space.readU64(a.addr(1) + 8);
  if (isErr(sec) || isErr(nsec)) return EFAULT;
  if (sec >= 2 ** 63 || nsec >= NSEC_PER_SEC || sec > 8277292036) return EINVAL;
  if (!t.credentials.capableInInit(CAP_SYS_TIME)) return EPERM;
  setWallClock(t, sec, nsec);
  return 0;
}

/** Only the sandbox's own clock moves. */
export function setWallClock(t: Task, sec: number, nsec: number): void {
  const k = t.kernel;
  k.clock.setWall(sec, nsec);
  k.vdso?.setRealtime(k.clock.bootSec, k.clock.bootNsec);
}

function sysClockGetres(t: Task, a: SyscallArgs): number {
  const id = a.int(0);
  let res: number;
  if (id === CLOCK_REALTIME_COARSE || id === CLOCK_MONOTONIC_COARSE) res = TICK_NSEC;
  else if (isWall(id) || isMonotonic(id)) res = 1;
  else {
    if (cpuClock(t, id) === null) return EINVAL;
    res = 1;
  }
  return a.addr(1) === 0 || writeTimespec(t, a.addr(1), 0, res) ? 0 : EFAULT;
}

/** Sleeps to monotonic `deadline`. When interrupted, a relative sleep stores what is left at `rem` and goes on through restart_syscall. */
function sleepUntil(t: Task, deadline: number, absolute: boolean, rem: number): number {
  if (t.syscall.timedOut || t.monotonicNs() >= deadline) return 0;
  const r = t.sleep(deadline);
  if (r !== ERESTARTSYS) return r;
  if (absolute) return ERESTARTNOHAND;
  const left = Math.max(0, deadline - t.monotonicNs());
  if (left === 0) return 0;
  if (rem !== 0 && !writeTimespec(t, rem, Math.floor(left / NSEC_PER_SEC), Math.floor(left % NSEC_PER_SEC))) return EFAULT;
  const b = t.syscall.restart;
  b.kind = RESTART_NANOSLEEP;
  b.deadline = deadline;
  b.addr = rem;
  return ERESTART_RESTARTBLOCK;
}

function sysNanosleep(t: Task, a: SyscallArgs): number {
  if (t.syscall.again) return sleepUntil(t, t.syscall.deadline, false, a.addr(1));
  const ns = readTimespec(t, a.addr(0));
  if (ns < 0) return ns;
  return sleepUntil(t, t.monotonicNs() + ns, false, a.addr(1));
}

function sysClockNanosleep(t: Task, a: SyscallArgs): number {
  const id = a.int(0);
  const absolute = (a.int(1) & TIMER_ABSTIME) !== 0;
  const rem = absolute ? 0 : a.addr(3);
  if (t.syscall.again) return cpuSleep(t, id) ?? sleepUntil(t, t.syscall.deadline, absolute, rem);
  if (id === CLOCK_THREAD_CPUTIME_ID || id === CLOCK_REALTIME_ALARM || id === CLOCK_BOOTTIME_ALARM) return EOPNOTSUPP;
  const cpu = isWall(id) || isMonotonic(id) ? null : cpuClock(t, id);
  if (cpu === null && !isWall(id) && !isMonotonic(id)) return EINVAL;
  if (id === CLOCK_REALTIME_COARSE || id === CLOCK_MONOTONIC_COARSE || id === CLOCK_MONOTONIC_RAW) return EOPNOTSUPP;
  // A thread cannot sleep on its own CPU time.
  if (cpu !== null && !cpu.process && cpu.task === t) return EINVAL;
  const ns = readTimespec(t, a.addr(2));
  if (ns < 0) return ns;
  if (cpu !== null) {
    t.syscall.object = cpu;
    t.syscall.progress2 = absolute ? ns : cpuTimeOf(cpu) + ns;
    return cpuSleep(t, id) ?? 0;
  }
  const clock = t.kernel.clock;
  let deadline: number;
  if (!absolute) deadline = clock.monotonicNs() + ns;
  else if (isWall(id)) {
    const sec = Math.floor(ns / NSEC_PER_SEC);
    deadline = Math.max(0, clock.monotonicOfWall(sec - (id === CLOCK_TAI ? clock.taiOffset : 0), ns - sec * NSEC_PER_SEC));
  } else deadline = Math.max(0, ns - t.nsproxy.time.offsetOf(id));
  return sleepUntil(t, deadline, absolute, rem);
}

/** Sleeping on a CPU-time clock: looks again when it could be due at the earliest. Null: not such a sleep. */
function cpuSleep(t: Task, id: number): number | null {
  if (isWall(id) || isMonotonic(id)) return null;
  const c = t.syscall.object as { task: Task; process: boolean } | null;
  if (c === null) return null;
  const left = t.syscall.progress2 - cpuTimeOf(c);
  if (left <= 0 || c.task.exiting) return 0;
  const r = t.sleep(t.monotonicNs() + Math.max(left, 1_000_000));
  t.syscall.timedOut = false;
  return r === ERESTARTSYS ? EINTR : r;
}

/** Goes on with a call that a stop or an ignored signal interrupted. */
function sysRestartSyscall(t: Task): number {
  const b = t.syscall.restart;
  switch (b.kind) {
    case RESTART_NANOSLEEP:
      return sleepUntil(t, b.deadline, false, b.addr);
    case RESTART_FUTEX:
      return restartFutex(t);
    case RESTART_POLL:
      return restartPoll(t);
    default:
      return EINTR;
  }
}

function sysGettimeofday(t: Task, a: SyscallArgs): number {
  const clock = t.kernel.clock;
  clock.update();
  const tv = a.addr(0);
  if (tv !== 0 && !writeTimespec(t, tv, clock.sec, Math.floor(clock.nsec / 1000))) return EFAULT;
  const tz = a.addr(1);
  if (tz !== 0 && (isErr(t.space.writeU32(tz, clock.minutesWest)) || isErr(t.space.writeU32(tz + 4, clock.dstTime)))) return EFAULT;
  return 0;
}

function sysSettimeofday(t: Task, a: SyscallArgs): number {
  const tv = a.addr(0);
  const tz = a.addr(1);
  const sec = tv === 0 ? 0 : t.space.readU64(tv);
  const usec = tv === 0 ? 0 : t.space.readU64(tv + 8);
  if (isErr(sec) || isErr(usec)) return EFAULT;
  if (usec > 1_000_000) return EINVAL;
  const west = tz === 0 ? 0 : t.space.readU32(tz);
  const dst = tz === 0 ? 0 : t.space.readU32(tz + 4);
  if (isErr(west) || isErr(dst)) return EFAULT;
  if (sec >= 2 ** 63 || usec === 1_000_000) return EINVAL;
  if (!t.credentials.capableInInit(CAP_SYS_TIME)) return EPERM;
  if (tz !== 0) {
    if (Math.abs(west | 0) > 15 * 60) return EINVAL;
    t.kernel.clock.minutesWest = west | 0;
    t.kernel.clock.dstTime = dst | 0;
  }
  if (tv !== 0) setWallClock(t, sec, usec * 1000);
  return 0;
}

function sysTime(t: Task, a: SyscallArgs): number {
  t.kernel.clock.update();
  const sec = t.kernel.clock.sec;
  return a.addr(0) !== 0 && isErr(t.space.writeU64(a.addr(0), sec)) ? EFAULT : sec;
}

function sysTimes(t: Task, a: SyscallArgs): number {
  const tick = NSEC_PER_SEC / USER_HZ;
  const addr = a.addr(0);
  if (addr !== 0) {
    const tg = t.threadGroup;
    let u = tg.usage.utime;
    let s = tg.usage.stime;
    for (const m of tg.threads) {
      u += m.usage.utime;
      s += m.usage.stime;
    }
    const values = [u, s, tg.childUsage.utime, tg.childUsage.stime];
    for (let i = 0; i < 4; i++) if (isErr(t.space.writeU64(addr + i * 8, Math.floor(values[i]! / tick)))) return EFAULT; // in range
  }
  return Math.floor(t.monotonicNs() / tick);
}

export const timeClockRows: readonly SyscallRow[] = [
  [35, 'nanosleep', 'timespec,out:timespec', 'full', sysNanosleep],
  [96, 'gettimeofday', 'out:timeval,addr', 'full', sysGettimeofday],
  [100, 'times', 'out:tms', 'full', sysTimes],
  [164, 'settimeofday', 'timeval,addr', 'full', sysSettimeofday],
  [201, 'time', 'out:time', 'full', sysTime],
  [219, 'restart_syscall', '', 'full', sysRestartSyscall],
  [227, 'clock_settime', 'clockid,timespec', 'full', sysClockSettime],
  [228, 'clock_gettime', 'clockid,out:timespec', 'full', sysClockGettime],
  [229, 'clock_getres', 'clockid,out:timespec', 'full', sysClockGetres],
  [230, 'clock_nanosleep', 'clockid,int,timespec,out:timespec', 'full', sysClockNanosleep],
];

