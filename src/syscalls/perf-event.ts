/** perf_event_open. Linux 6.18 kernel/events/core.c; man 2 perf_event_open. The software events are there; the processor has no counters to be used, as in most virtual machines. */
import { CAP_PERFMON, CAP_SYS_ADMIN } from '../abi/capability.ts';
import { E2BIG, EACCES, EBADF, EFAULT, EINVAL, ENOENT, EOPNOTSUPP, EPERM, ESRCH, isErr } from '../abi/errno.ts';
import { PerfEvent, PERF_COUNT_SW_MAX } from '../kernel/perf-event.ts';
import { PTRACE_MODE_READ, PTRACE_MODE_REALCREDS, ptraceMayAccess } from '../kernel/ptrace-access.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { installFile, openFile } from './io-wait.ts';

const PERF_FLAG_PID_CGROUP = 4, PERF_FLAG_FD_CLOEXEC = 8, PERF_FLAG_ALL = 15;
const TYPE_SOFTWARE = 1, TYPE_TRACEPOINT = 2;
/** struct perf_event_attr: bytes of the first and of this version. */
const ATTR_SIZE_VER0 = 64, ATTR_SIZE = 136;
const PAGE_SIZE = 4096;
const SAMPLE_KNOWN = 0x1ffffff, FORMAT_KNOWN = 0x1f;
// Bits of the flag word.
const DISABLED = 1, INHERIT = 2, PINNED = 4, EXCLUSIVE = 8, EXCLUDE_KERNEL = 0x20, FREQ = 0x400, ENABLE_ON_EXEC = 0x1000, USE_CLOCKID = 0x2000000, NAMESPACES = 0x10000000;

const attr = new Uint8Array(ATTR_SIZE);
const view = new DataView(attr.buffer);
const word64 = (at: number): number => view.getUint32(at, true) + view.getUint32(at + 4, true) * 4294967296;

/** Reads struct perf_event_attr into `attr`: 0, EFAULT, E2BIG, EINVAL. */
function readAttributes(t: Task, addr: number): number {
  let size = t.space.readU32(addr + 4);
  if (isErr(size)) return EFAULT;
  const tooBig = (): number => {
    t.space.writeU32(addr + 4, ATTR_SIZE);
    return E2BIG;
  };
  if (size === 0) size = ATTR_SIZE_VER0;
  if (size < ATTR_SIZE_VER0 || size > PAGE_SIZE) return tooBig();
  attr.fill(0);
  if (isErr(t.space.readBytes(addr, attr, 0, Math.min(size, ATTR_SIZE)))) return EFAULT;
  for (let i = ATTR_SIZE; i < size; i++) {
    const b = t.space.readU8(addr + i);
    if (isErr(b)) return EFAULT;
    if (b !== 0) return tooBig();
  }
  // __reserved_1 (the high bits of the flag word), __reserved_2.
  if (view.getUint32(44, true) >>> 6 || view.getUint16(110, true) !== 0) return EINVAL;
  return word64(24) > SAMPLE_KNOWN || word64(32) > FORMAT_KNOWN ? EINVAL : 0;
}

const mayMonitor = (t: Task): boolean => t.credentials.capableInInit(CAP_PERFMON) || t.credentials.capableInInit(CAP_SYS_ADMIN);
/** kernel.perf_event_paranoid. */
const paranoid = (t: Task): number => t.kernel.sysctls.get('kernel.perf_event_paranoid') ?? 2;

function perfEventOpen(t: Task, a: SyscallArgs): number {
  const flags = a.lo(4);
  if (flags & ~PERF_FLAG_ALL || a.hi(4) !== 0) return EINVAL;
  const bad = readAttributes(t, a.addr(0));
  if (bad !== 0) return bad;
  const bits = view.getUint32(40, true);
  if (!(bits & EXCLUDE_KERNEL) && paranoid(t) > 1 && !mayMonitor(t)) return EACCES;
  if (bits & NAMESPACES && !mayMonitor(t)) return EACCES;
  const samples = word64(16);
  if (bits & FREQ ? samples > (t.kernel.sysctls.get('kernel.perf_event_max_sample_rate') ?? 100_000) : samples >= 2 ** 63) return EINVAL;
  const pid = a.int(1);
  const cpu = a.int(2);
  if (flags & PERF_FLAG_PID_CGROUP && (pid === -1 || cpu === -1)) return EINVAL;
  return openEvent(t, pid, cpu, a.int(3), flags, bits, samples);
}

/** The rest of the checks, in Linux's order, and the event. */
function openEvent(t: Task, pid: number, cpu: number, groupFd: number, flags: number, bits: number, samples: number): number {
  let leader: PerfEvent | null = null;
  if (groupFd !== -1) {
    const file = openFile(t, groupFd);
    if (!(file instanceof PerfEvent)) return EBADF;
    leader = file;
  }
  let target: Task | null = null;
  if (flags & PERF_FLAG_PID_CGROUP) return EBADF; // no descriptor is one of a perf_event hierarchy
  if (pid !== -1) {
    target = pid === 0 ? t : (t.pidNs.find(pid)?.task ?? null);
    if (target === null) return ESRCH;
  }
  if (cpu < -1 || cpu >= t.kernel.cpus || (target === null && cpu === -1)) return EINVAL;
  const type = view.getUint32(0, true);
  const config = word64(8);
  if (type === TYPE_TRACEPOINT) return mayMonitor(t) ? EINVAL : EPERM; // none is there
  if (type !== TYPE_SOFTWARE || config >= PERF_COUNT_SW_MAX) return ENOENT;
  if (target !== null && target !== t && !mayMonitor(t) && ptraceMayAccess(t, target, PTRACE_MODE_READ | PTRACE_MODE_REALCREDS) < 0) return EACCES;
  if (bits & USE_CLOCKID && ![0, 1, 4, 7, 11].includes(view.getInt32(92, true))) return EINVAL;
  if (target === null && paranoid(t) > 0 && !mayMonitor(t)) return EACCES;
  if (leader !== null && (leader.leader !== leader || bits & (EXCLUSIVE | PINNED))) return EINVAL;
  // Linux differs: what counts does not sample.
  if (samples !== 0) return EOPNOTSUPP;
  const path = t.kernel.vfs.anonymous.anonymousPath('[perf_event]');
  const event = new PerfEvent(path, t, target, leader, config, word64(32), {
    disabled: (bits & DISABLED) !== 0, inherit: (bits & INHERIT) !== 0, enableOnExec: (bits & ENABLE_ON_EXEC) !== 0,
  });
  return installFile(t, event, (flags & PERF_FLAG_FD_CLOEXEC) !== 0);
}

export const perfEventRows: readonly SyscallRow[] = [[298, 'perf_event_open', 'perf_event_attr,pid,int,int,perfflags=fd', 'partial', perfEventOpen]];
