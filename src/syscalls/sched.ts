/** Scheduling: policies, priorities, affinity, yielding. Linux kernel/sched/syscalls.c, kernel/sys.c. */
import { CAP_SYS_ADMIN, CAP_SYS_NICE } from '../abi/capability.ts';
import { E2BIG, EACCES, EFAULT, EINVAL, EPERM, ESRCH, isErr } from '../abi/errno.ts';
import { PRIO_PGRP, PRIO_PROCESS, PRIO_USER, RLIMIT_NICE, RLIMIT_RTPRIO } from '../abi/resource.ts';
import {
  SCHED_ATTR_SIZE_VER0, SCHED_ATTR_SIZE_VER1, SCHED_BATCH, SCHED_DEADLINE, SCHED_EXT, SCHED_FIFO, SCHED_FLAG_ALL, SCHED_FLAG_KEEP_PARAMS, SCHED_FLAG_KEEP_POLICY,
  SCHED_FLAG_RESET_ON_FORK, SCHED_IDLE, SCHED_NORMAL, SCHED_RESET_ON_FORK, SCHED_RR,
} from '../abi/sched.ts';
import { NSEC_PER_SEC } from '../abi/time.ts';
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
  keepParameters: boolean;
}

/** Linux __sched_setscheduler(): checks in its order, then the change. */
function setScheduler(t: Task, p: Task, n: NewParameters): number {
  const s = p.sched;
  const policy = n.policy < 0 ? s.policy : n.policy;
  if (policy !== SCHED_NORMAL && policy !== SCHED_FIFO && policy !== SCHED_RR && policy !== SCHED_BATCH && policy !== SCHED_IDLE) {
    return EINVAL; // SCHED_DEADLINE needs admission control over real processors, SCHED_EXT a loaded scheduler
  }
  const rt = policy === SCHED_FIFO || policy === SCHED_RR;
  if (n.priority > 99 || n.priority < 0) return EINVAL;
  if (rt !== (n.priority !== 0)) return EINVAL;
  const c = t.credentials;
  if (!c.capableInInit(CAP_SYS_NICE)) {
    if (!rt && n.nice < s.nice && 20 - n.nice > p.limit(RLIMIT_NICE)) return EPERM;
    if (rt) {
      const max = p.limit(RLIMIT_RTPRIO);
      if (policy !== s.policy && max === 0) return EPERM;
      if (n.priority > s.rtPriority && n.priority > max) return EPERM;
    }
    if (s.policy === SCHED_IDLE && policy !== SCHED_IDLE && 20 - s.nice > p.limit(RLIMIT_NICE)) return EPERM;
    if (!owns(t, p)) return EPERM;
    if (s.resetOnFork && !n.resetOnFork) return EPERM;
  }
  const queue = t.kernel.scheduler;
  const was = queue.changing(p);
  s.resetOnFork = n.resetOnFork;
  if (!n.keepParameters) {
    s.policy = policy;
    s.rtPriority = n.priority;
    if (!rt) s.nice = n.nice;
  }
  queue.changed(p, was);
  if (p === t && queue.hasBetter(t)) t.work |= WORK_RESCHED;
  return 0;
}

function sysSchedSetscheduler(t: Task, a: SyscallArgs): number {
  const policy = a.int(1);
  if (policy < 0) return EINVAL;
  if (a.addr(2) === 0 || a.int(0) < 0) return EINVAL;
  const priority = t.space.readU32(a.addr(2));
  if (isErr(priority)) return EFAULT;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  return setScheduler(t, p, {
    policy: policy & ~SCHED_RESET_ON_FORK, priority: priority | 0, nice: p.sched.nice, resetOnFork: (policy & SCHED_RESET_ON_FORK) !== 0, keepParameters: false,
  });
}

function sysSchedSetparam(t: Task, a: SyscallArgs): number {
  if (a.addr(1) === 0 || a.int(0) < 0) return EINVAL;
  const priority = t.space.readU32(a.addr(1));
  if (isErr(priority)) return EFAULT;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  return setScheduler(t, p, { policy: -1, priority: priority | 0, nice: p.sched.nice, resetOnFork: p.sched.resetOnFork, keepParameters: false });
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
  const nice = Math.max(-20, Math.min(19, attrView.getInt32(16, true)));
  const priority = attrView.getUint32(20, true);
  return setScheduler(t, p, {
    policy: flags & SCHED_FLAG_KEEP_POLICY ? -1 : policy,
    priority: flags & SCHED_FLAG_KEEP_PARAMS ? p.sched.rtPriority : priority,
    nice: flags & SCHED_FLAG_KEEP_PARAMS ? p.sched.nice : nice,
    resetOnFork: (flags & SCHED_FLAG_RESET_ON_FORK) !== 0,
    keepParameters: false,
  });
}

function sysSchedGetattr(t: Task, a: SyscallArgs): number {
  const size = a.u32(2);
  if (a.addr(1) === 0 || size > 4096 || size < SCHED_ATTR_SIZE_VER0 || a.u32(3) !== 0 || a.int(0) < 0) return EINVAL;
  const p = find(t, a.int(0));
  if (p === null) return ESRCH;
  attr.fill(0, 0, SCHED_ATTR_SIZE_VER1);
  const n = Math.min(size, SCHED_ATTR_SIZE_VER1);
  attrView.setUint32(0, n, true);
  attrView.setUint32(4, p.sched.policy, true);
  attrView.setUint32(8, p.sched.resetOnFork ? SCHED_FLAG_RESET_ON_FORK : 0, true);
  if (p.sched.rtPriority > 0) attrView.setUint32(20, p.sched.rtPriority, true);
  else {
    attrView.setInt32(16, p.sched.nice, true);
    attrView.setUint32(24, 2_800_000, true); // the slice of a fair task, ns
  }
  if (n >= SCHED_ATTR_SIZE_VER1) attrView.setUint32(52, 1024, true); // utilisation may go up to the maximum
  return t.space.writeBytes(a.addr(1), attr, 0, n) !== 0 ? EFAULT : 0;
}

/** Mask of the processors there are. */
const allCpus = (t: Task): number => (t.kernel.cpus >= 32 ? -1 : (1 << t.kernel.cpus) - 1);

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
  if (!owns(t, p)) return EPERM;
  const usable = mask & allCpus(t);
  if (usable === 0) return EINVAL;
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
  for (const p of t.kernel.tasks) if (!p.internal && p.credentials.uid === uid && p.pid.nr(t.pidNs) !== 0) list.push(p);
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
  [144, 'sched_setscheduler', 'pid,schedpolicy,schedparam', 'partial', sysSchedSetscheduler],
  [145, 'sched_getscheduler', 'pid', 'full', sysSchedGetscheduler],
  [146, 'sched_get_priority_max', 'schedpolicy', 'full', (_t, a) => priorityLimit(a.int(0), true)],
  [147, 'sched_get_priority_min', 'schedpolicy', 'full', (_t, a) => priorityLimit(a.int(0), false)],
  [148, 'sched_rr_get_interval', 'pid,out:timespec', 'full', sysSchedRrGetInterval],
  [203, 'sched_setaffinity', 'pid,size,addr', 'full', sysSchedSetaffinity],
  [204, 'sched_getaffinity', 'pid,size,addr', 'full', sysSchedGetaffinity],
  [251, 'ioprio_set', 'int,int,hex', 'full', sysIoprioSet],
  [252, 'ioprio_get', 'int,int', 'full', sysIoprioGet],
  [309, 'getcpu', 'out:int,out:int,addr', 'full', sysGetcpu],
  [314, 'sched_setattr', 'pid,addr,hex', 'partial', sysSchedSetattr],
  [315, 'sched_getattr', 'pid,addr,size,hex', 'full', sysSchedGetattr],
];
