/** Scheduling: policies, priorities, affinity, yielding. Linux kernel/sched/syscalls.c, kernel/sys.c. */
import { CAP_SYS_ADMIN, CAP_SYS_NICE } from '../abi/capability.ts';
import { E2BIG, EACCES, EBUSY, EFAULT, EINVAL, EOPNOTSUPP, EPERM, ESRCH, isErr } from '../abi/errno.ts';
import { PRIO_PGRP, PRIO_PROCESS, PRIO_USER, RLIMIT_NICE, RLIMIT_RTPRIO } from '../abi/resource.ts';
import {
  SCHED_ATTR_SIZE_VER0, SCHED_ATTR_SIZE_VER1, SCHED_BATCH, SCHED_DEADLINE, SCHED_EXT, SCHED_FIFO, SCHED_FLAG_ALL, SCHED_FLAG_DL_OVERRUN, SCHED_FLAG_KEEP_PARAMS, SCHED_FLAG_KEEP_POLICY,
  SCHED_FLAG_RECLAIM, SCHED_FLAG_RESET_ON_FORK, SCHED_FLAG_UTIL_CLAMP_MAX, SCHED_FLAG_UTIL_CLAMP_MIN, SCHED_IDLE, SCHED_NORMAL, SCHED_RESET_ON_FORK, SCHED_RR,
} from '../abi/sched.ts';
import { PF_NO_SETAFFINITY } from '../abi/task-flags.ts';
import { NSEC_PER_SEC } from '../abi/time.ts';
import { allCpus, effectiveCpus } from '../kernel/cgroup/cpuset.ts';
import { BASE_SLICE_NS } from '../kernel/sched-entity.ts';
import { IoContext } from '../kernel/io-context.ts';
import { type Task, WORK_RESCHED } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { writeTimespec } from './time-clock.ts';

function find(t: Task, pid: number): Task | null {
  return pid === 0 ? t : (t.pidNs.find(pid)?.task ?? null);
}

function sysSchedYield(t: Task): number {
  if (t.kernel.scheduler.runnable > 0) t.work |= WORK_RESCHED;
  return 0;
}

/** True if the caller may change `p`: same owner, or CAP_SYS_NICE over it. */
function owns(t: Task, p: Task): boolean {
  const c = t.credentials;
  return c.euid === p.credentials.euid || c.euid === p.credentials.uid || c.nsCapable(p.credentials.userNs, CAP_SYS_NICE);
}

/** RLIMIT_NICE as a nice value: 20 - limit. */
const mayNice = (t: Task, p: Task, nice: number): boolean => 20 - nice <= p.limit(RLIMIT_NICE) || t.credentials.capableInInit(CAP_SYS_NICE);

interface NewParameters {
  /** -1 = keep. */
  policy: number;
  priority: number;
  nice: number;
  resetOnFork: boolean;
  /** SCHED_FLAG_: KEEP_PARAMS, RECLAIM, DL_OVERRUN, UTIL_CLAMP. */
  flags: number;
  /** A fair task's slice, or those of SCHED_DEADLINE; ns. */
  runtime: number;
  deadline: number;
  period: number;
}

/** Bounds of a period (sched_deadline_period_min_us, _max_us) and the least runtime (DL_SCALE), ns. */
const MIN_PERIOD = 100_000, MAX_PERIOD = 4_194_304_000, MIN_RUNTIME = 1024;
/** Bounds of a fair task's own slice, ns. */
const MIN_SLICE = 100_000, MAX_SLICE = 100_000_000;
/** The part of the processors that deadline tasks may ask for (sched_rt_runtime_us / sched_rt_period_us). */
const DEADLINE_SHARE = 0.95;

/** Linux __checkparam_dl(). */
function validDeadline(n: NewParameters): boolean {
  if (n.deadline === 0 || n.runtime < MIN_RUNTIME || n.deadline >= 2 ** 63 || n.period >= 2 ** 63) return false;
  const period = n.period || n.deadline;
  return period >= n.deadline && n.deadline >= n.runtime && period >= MIN_PERIOD && period <= MAX_PERIOD;
}

/** With `p` as asked for, deadline tasks would want more than there is (Linux sched_dl_overflow). */
function deadlineOverflow(t: Task, p: Task, n: NewParameters): boolean {
  let sum = n.runtime / (n.period || n.deadline);
  for (const q of t.kernel.madeTasks) if (q !== p && q.sched.policy === SCHED_DEADLINE) sum += q.sched.runtime / q.sched.period;
  return sum > t.kernel.cpus * DEADLINE_SHARE;
}

/**
 * Linux __sched_setscheduler(): checks in its order, then the change. Linux differs: deadline tasks run before all others, first come first
 * served; they are not held to their runtime, nor ordered by their deadlines.
 */
function setScheduler(t: Task, p: Task, n: NewParameters): number {
  const s = p.sched;
  const policy = n.policy < 0 ? s.policy : n.policy;
  const rt = policy === SCHED_FIFO || policy === SCHED_RR;
  const fair = policy === SCHED_NORMAL || policy === SCHED_BATCH;
  if (!rt && !fair && policy !== SCHED_IDLE && policy !== SCHED_DEADLINE) return EINVAL; // SCHED_EXT needs a loaded scheduler
  if (n.priority > 99 || n.priority < 0) return EINVAL;
  if ((policy === SCHED_DEADLINE && !validDeadline(n)) || rt !== (n.priority !== 0)) return EINVAL;
  const c = t.credentials;
  if (!c.capableInInit(CAP_SYS_NICE)) {
    if (fair && n.nice < s.nice && 20 - n.nice > p.limit(RLIMIT_NICE)) return EPERM;
    if (rt) {
      const max = p.limit(RLIMIT_RTPRIO);
      if (policy !== s.policy && max === 0) return EPERM;
      if (n.priority > s.rtPriority && n.priority > max) return EPERM;
    }
    if (policy === SCHED_DEADLINE) return EPERM;
    if (s.policy === SCHED_IDLE && policy !== SCHED_IDLE && 20 - s.nice > p.limit(RLIMIT_NICE)) return EPERM;
    if (!owns(t, p)) return EPERM;
    if (s.resetOnFork && !n.resetOnFork) return EPERM;
  }
  // Built without CONFIG_UCLAMP_TASK.
  if (n.flags & (SCHED_FLAG_UTIL_CLAMP_MIN | SCHED_FLAG_UTIL_CLAMP_MAX)) return EOPNOTSUPP;
  if (policy === SCHED_DEADLINE) {
    if ((allCpus(t) & ~s.affinity) !== 0) return EPERM;
    if (deadlineOverflow(t, p, n)) return EBUSY;
  }
  const queue = t.kernel.scheduler;
  const was = queue.changing(p);
  s.resetOnFork = n.resetOnFork;
  if (!(n.flags & SCHED_FLAG_KEEP_PARAMS)) {
    s.policy = policy;
    s.rtPriority = n.priority;
    if (policy === SCHED_DEADLINE) {
      s.runtime = n.runtime;
      s.deadline = n.deadline;
      s.period = n.period || n.deadline;
      s.deadlineFlags = n.flags & (SCHED_FLAG_RECLAIM | SCHED_FLAG_DL_OVERRUN);
    } else if (fair) s.nice = n.nice;
    if (fair) s.slice = n.runtime === 0 ? 0 : Math.max(MIN_SLICE, Math.min(MAX_SLICE, n.runtime));
  }
  queue.changed(p, was);
  if (p === t && queue.hasBetter(t)) t.work |= WORK_RESCHED;
  return 0;
}

/** What sched_setscheduler and sched_setparam ask for: nothing but policy and priority. */
const simple = (p: Task, policy: number, priority: number, resetOnFork: boolean): NewParameters => ({
  policy, priority, nice: p.sched.nice, resetOnFork, flags: 0, runtime: 0, deadline: 0, period: 0,
});

function sysSchedSetscheduler(t: Task, a: SyscallArgs): number {
  const policy = a.int(1);
  if (policy < 0) return EINVAL;
  if (a.addr(2) === 0 || a.int(0) < 0) return EINVAL;
  const priority = t.space.readU32(a.addr(2));
  if (isErr(priority)) return EFAULT;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  return setScheduler(t, p, simple(p, policy & ~SCHED_RESET_ON_FORK, priority | 0, (policy & SCHED_RESET_ON_FORK) !== 0));
}

function sysSchedSetparam(t: Task, a: SyscallArgs): number {
  if (a.addr(1) === 0 || a.int(0) < 0) return EINVAL;
  const priority = t.space.readU32(a.addr(1));
  if (isErr(priority)) return EFAULT;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  return setScheduler(t, p, simple(p, -1, priority | 0, p.sched.resetOnFork));
}

function sysSchedGetscheduler(t: Task, a: SyscallArgs): number {
  if (a.int(0) < 0) return EINVAL;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  return p.sched.policy | (p.sched.resetOnFork ? SCHED_RESET_ON_FORK : 0);
}

function sysSchedGetparam(t: Task, a: SyscallArgs): number {
  if (a.addr(1) === 0 || a.int(0) < 0) return EINVAL;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  return isErr(t.space.writeU32(a.addr(1), p.sched.rtPriority)) ? EFAULT : 0;
}

const attr: Uint8Array = new Uint8Array(4096);
const attrView: DataView = new DataView(attr.buffer);

function sysSchedSetattr(t: Task, a: SyscallArgs): number {
  const addr = a.addr(1);
  if (addr === 0 || a.int(0) < 0 || a.u32(2) !== 0) return EINVAL;
  let size = t.space.readU32(addr);
  if (isErr(size)) return EFAULT;
  if (size === 0) size = SCHED_ATTR_SIZE_VER0;
  const tooBig = (): number => {
    t.space.writeU32(addr, SCHED_ATTR_SIZE_VER1);
    return E2BIG;
  };
  if (size < SCHED_ATTR_SIZE_VER0 || size > 4096) return tooBig();
  attr.fill(0, 0, SCHED_ATTR_SIZE_VER1);
  if (t.space.readBytes(addr, attr, 0, size) !== 0) return EFAULT;
  for (let i = SCHED_ATTR_SIZE_VER1; i < size; i++) if (attr[i] !== 0) return tooBig();
  const policy = attrView.getUint32(4, true);
  const flags = attrView.getUint32(8, true);
  if (attrView.getUint32(12, true) !== 0 || flags & ~SCHED_FLAG_ALL) return EINVAL;
  if (policy > 0x7fffffff) return EINVAL;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  const word64 = (at: number): number => attrView.getUint32(at, true) + attrView.getUint32(at + 4, true) * 4294967296;
  return setScheduler(t, p, {
    policy: flags & SCHED_FLAG_KEEP_POLICY ? -1 : policy,
    priority: flags & SCHED_FLAG_KEEP_PARAMS ? p.sched.rtPriority : attrView.getUint32(20, true),
    nice: flags & SCHED_FLAG_KEEP_PARAMS ? p.sched.nice : Math.max(-20, Math.min(19, attrView.getInt32(16, true))),
    resetOnFork: (flags & SCHED_FLAG_RESET_ON_FORK) !== 0,
    flags,
    runtime: flags & SCHED_FLAG_KEEP_PARAMS ? p.sched.runtime : word64(24),
    deadline: flags & SCHED_FLAG_KEEP_PARAMS ? p.sched.deadline : word64(32),
    period: flags & SCHED_FLAG_KEEP_PARAMS ? p.sched.period : word64(40),
  });
}

/** The slice of a fair task (sysctl_sched_base_slice), ns: longer with more processors. */
const baseSlice = (t: Task): number => 700_000 * (1 + Math.floor(Math.log2(Math.min(8, t.kernel.cpus))));

function sysSchedGetattr(t: Task, a: SyscallArgs): number {
  const size = a.u32(2);
  if (a.addr(1) === 0 || size > 4096 || size < SCHED_ATTR_SIZE_VER0 || a.u32(3) !== 0 || a.int(0) < 0) return EINVAL;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  attr.fill(0, 0, SCHED_ATTR_SIZE_VER1);
  const n = Math.min(size, SCHED_ATTR_SIZE_VER1);
  attrView.setUint32(0, n, true);
  attrView.setUint32(4, p.sched.policy, true);
  const { sched } = p;
  const deadline = sched.policy === SCHED_DEADLINE;
  attrView.setUint32(8, (sched.resetOnFork ? SCHED_FLAG_RESET_ON_FORK : 0) | (deadline ? sched.deadlineFlags : 0), true);
  const put64 = (at: number, v: number): void => {
    attrView.setUint32(at, v % 4294967296, true);
    attrView.setUint32(at + 4, Math.floor(v / 4294967296), true);
  };
  if (deadline) {
    put64(24, sched.runtime);
    put64(32, sched.deadline);
    put64(40, sched.period);
  } else if (sched.rtPriority > 0) attrView.setUint32(20, sched.rtPriority, true);
  else {
    attrView.setInt32(16, sched.nice, true);
    put64(24, sched.slice || baseSlice(t));
  }
  return t.space.writeBytes(a.addr(1), attr, 0, n) !== 0 ? EFAULT : 0;
}

/** Mask of the processors there are. */

function sysSchedSetaffinity(t: Task, a: SyscallArgs): number {
  const size = a.u32(1);
  let mask = 0;
  for (let i = 0; i < Math.min(size, 1024); i++) {
    const b = t.space.readU8(a.addr(2) + i);
    if (isErr(b)) return EFAULT;
    if (i < 4) mask |= b << (i * 8);
  }
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  if (p.kernelThread & PF_NO_SETAFFINITY) return EINVAL;
  if (!owns(t, p)) return EPERM;
  const usable = mask & effectiveCpus(p.cgroup, allCpus(t));
  if (usable === 0) return EINVAL;
  // A deadline task counts on all processors.
  if (p.sched.policy === SCHED_DEADLINE && usable !== allCpus(t)) return EBUSY;
  p.sched.wishedAffinity = mask;
  p.sched.affinity = usable;
  if (((usable >>> p.sched.cpu) & 1) === 0) t.kernel.placeOnCpu(p);
  return 0;
}

function sysSchedGetaffinity(t: Task, a: SyscallArgs): number {
  const size = a.u32(1);
  if (size * 8 < t.kernel.cpus || size % 8 !== 0) return EINVAL;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  // Eight bytes of mask are known (nr_cpu_ids rounded to longs).
  const n = Math.min(size, 8);
  const mask = p.sched.affinity & allCpus(t);
  return isErr(t.space.writeU32(a.addr(2), mask)) || isErr(t.space.writeU32(a.addr(2) + 4, 0)) ? EFAULT : n;
}

function sysSchedRrGetInterval(t: Task, a: SyscallArgs): number {
  if (a.int(0) < 0) return EINVAL;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  const ns = p.sched.policy === SCHED_RR ? 100_000_000 : p.sched.policy === SCHED_FIFO ? 0 : BASE_SLICE_NS;
  return writeTimespec(t, a.addr(1), Math.floor(ns / NSEC_PER_SEC), ns % NSEC_PER_SEC) ? 0 : EFAULT;
}

function priorityLimit(policy: number, max: boolean): number {
  switch (policy) {
    case SCHED_FIFO:
    case SCHED_RR:
      return max ? 99 : 1;
    case SCHED_NORMAL:
    case SCHED_BATCH:
    case SCHED_IDLE:
    case SCHED_DEADLINE:
    case SCHED_EXT:
      return 0;
    default:
      return EINVAL;
  }
}

/** The tasks that (which, who) names. */
function priorityTargets(t: Task, which: number, who: number): Task[] {
  if (which === PRIO_PROCESS) {
    const p = find(t, who);
    return p === null ? [] : [p];
  }
  const list: Task[] = [];
  if (which === PRIO_PGRP) {
    const g = who === 0 ? t.threadGroup.processGroup : (t.pidNs.find(who)?.processGroup ?? null);
    if (g !== null) for (const tg of g.members) list.push(...tg.threads);
    return list;
  }
  const uid = who === 0 ? t.credentials.uid : t.credentials.userNs.makeKuid(who >>> 0);
  for (const p of t.kernel.tasks) if (p.credentials.uid === uid && p.pid.nr(t.pidNs) !== 0) list.push(p);
  return list;
}

function sysSetpriority(t: Task, a: SyscallArgs): number {
  const which = a.int(0);
  if (which < PRIO_PROCESS || which > PRIO_USER) return EINVAL;
  const nice = Math.max(-20, Math.min(19, a.int(2)));
  let error: number = ESRCH;
  for (const p of priorityTargets(t, which, a.int(1))) {
    const c = t.credentials;
    if (c.euid !== p.credentials.uid && c.euid !== p.credentials.euid && !c.nsCapable(p.credentials.userNs, CAP_SYS_NICE)) error = EPERM;
    else if (nice < p.sched.nice && !mayNice(t, p, nice)) error = EACCES;
    else {
      if (error === ESRCH) error = 0;
      const was = t.kernel.scheduler.changing(p);
      p.sched.nice = nice;
      t.kernel.scheduler.changed(p, was);
    }
  }
  return error;
}

function sysGetpriority(t: Task, a: SyscallArgs): number {
  const which = a.int(0);
  if (which < PRIO_PROCESS || which > PRIO_USER) return EINVAL;
  let best: number = ESRCH;
  // 20 - nice: 1 … 40, so that a result is never negative.
  for (const p of priorityTargets(t, which, a.int(1))) best = Math.max(best, 20 - p.sched.nice);
  return best;
}

/** Who is meant: 1 a process, 2 a process group, 3 a user: the numbers of PRIO_* plus one. */
const IOPRIO_WHO_PROCESS = 1, IOPRIO_WHO_USER = 3;

function ioprioTargets(t: Task, which: number, who: number): Task[] | null {
  if (which < IOPRIO_WHO_PROCESS || which > IOPRIO_WHO_USER) return null;
  return priorityTargets(t, which - 1, who);
}

/** May the caller use that I/O priority (Linux ioprio_check_cap): 0, EPERM, EINVAL. Classes: 0 none, 1 real time, 2 best effort, 3 idle. */
export function checkIoPriority(t: Task, prio: number): number {
  const cls = (prio >> 13) & 7;
  if (cls === 1 && !t.credentials.capableInInit(CAP_SYS_ADMIN) && !t.credentials.capableInInit(CAP_SYS_NICE)) return EPERM;
  return cls > 3 || (cls === 0 && (prio & 7) !== 0) ? EINVAL : 0;
}

function sysIoprioSet(t: Task, a: SyscallArgs): number {
  const prio = a.int(2);
  const bad = checkIoPriority(t, prio);
  if (bad !== 0) return bad;
  const list = ioprioTargets(t, a.int(0), a.int(1));
  if (list === null) return EINVAL;
  if (list.length === 0) return ESRCH;
  for (const p of list) {
    if (!owns(t, p)) return EPERM;
    if (p.ioContext === null) p.ioContext = new IoContext(prio);
    else p.ioContext.priority = prio;
  }
  return 0;
}

function sysIoprioGet(t: Task, a: SyscallArgs): number {
  const list = ioprioTargets(t, a.int(0), a.int(1));
  if (list === null) return EINVAL;
  if (list.length === 0) return ESRCH;
  let best = -1;
  for (const p of list) {
    // Without a class of its own, it follows from the nice value.
    const set = p.ioContext?.priority ?? 0;
    const own = set >> 13 !== 0 ? set : (2 << 13) | Math.floor((p.sched.nice + 20) / 5);
    const v = list.length === 1 && set === 0 ? 0 : own;
    if (best < 0 || v < best) best = v;
  }
  return best;
}

function sysGetcpu(t: Task, a: SyscallArgs): number {
  if (a.addr(0) !== 0 && isErr(t.space.writeU32(a.addr(0), t.sched.cpu))) return EFAULT;
  if (a.addr(1) !== 0 && isErr(t.space.writeU32(a.addr(1), 0))) return EFAULT;
  return 0;
}

export const schedRows: readonly SyscallRow[] = [
  [24, 'sched_yield', '', 'full', sysSchedYield],
  [140, 'getpriority', 'priowhich,int', 'full', sysGetpriority],
  [141, 'setpriority', 'priowhich,int,int', 'full', sysSetpriority],
  [142, 'sched_setparam', 'pid,schedparam', 'full', sysSchedSetparam],
  [143, 'sched_getparam', 'pid,out:schedparam', 'full', sysSchedGetparam],
  [144, 'sched_setscheduler', 'pid,schedpolicy,schedparam', 'full', sysSchedSetscheduler],
  [145, 'sched_getscheduler', 'pid', 'full', sysSchedGetscheduler],
  [146, 'sched_get_priority_max', 'schedpolicy', 'full', (_t, a) => priorityLimit(a.int(0), true)],
  [147, 'sched_get_priority_min', 'schedpolicy', 'full', (_t, a) => priorityLimit(a.int(0), false)],
  [148, 'sched_rr_get_interval', 'pid,out:timespec', 'full', sysSchedRrGetInterval],
  [203, 'sched_setaffinity', 'pid,size,addr', 'full', sysSchedSetaffinity],
  [204, 'sched_getaffinity', 'pid,size,addr', 'full', sysSchedGetaffinity],
  [251, 'ioprio_set', 'iopriowho,int,ioprio', 'full', sysIoprioSet],
  [252, 'ioprio_get', 'iopriowho,int', 'full', sysIoprioGet],
  [309, 'getcpu', 'out:int,out:int,addr', 'full', sysGetcpu],
  [314, 'sched_setattr', 'pid,sched_attr,hex', 'full', sysSchedSetattr],
  [315, 'sched_getattr', 'pid,out:sched_attr,size,hex', 'full', sysSchedGetattr],
];
