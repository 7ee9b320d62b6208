/** The system as a whole: names, limits, usage, memory figures, randomness, barriers. Linux kernel/sys.c, kernel/sched/membarrier.c, drivers/char/random.c. */
import { CAP_SYS_ADMIN, CAP_SYS_BOOT, CAP_SYS_RESOURCE, CAP_SYSLOG } from '../abi/capability.ts';
import { EBADF, EFAULT, EINVAL, ENOENT, EPERM, ESRCH, isErr } from '../abi/errno.ts';
import { RLIMIT_CPU, RLIMIT_NOFILE, RLIM_NLIMITS, RUSAGE_CHILDREN, RUSAGE_SELF, RUSAGE_THREAD } from '../abi/resource.ts';
import { UTS_MACHINE, UTS_RELEASE, UTS_SYSNAME, UTS_VERSION } from '../abi/uts.ts';
import { NSEC_PER_SEC } from '../abi/time.ts';
import { SIGHUP, SIGINT, SIGKILL } from '../abi/signal.ts';
import { watchCpuTime } from '../kernel/cpu-time.ts';
import { exitTask } from '../kernel/exit.ts';
import { PTRACE_MODE_READ, PTRACE_MODE_REALCREDS, ptraceMayAccess } from '../kernel/ptrace-access.ts';
import { ResourceUsage } from '../kernel/resource-usage.ts';
import { kernelSignal } from '../kernel/signal-info.ts';
import { sendSignalInfo } from '../kernel/signal-send.ts';
import { TASK_EXITS } from '../kernel/syscall-state.ts';
import type { Task } from '../kernel/task.ts';
import { EpollDescription } from '../vfs/epoll.ts';
import type { ThreadGroup } from '../kernel/thread-group.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { writeRusage } from './rusage.ts';

/** Personalities that change what uname says. Linux kernel/sys.c override_architecture(), override_release(). */
const PER_MASK = 0xff, PER_LINUX32 = 8, UNAME26 = 0x20000;
/** The machine of 32-bit programs (COMPAT_UTS_MACHINE). */
const UTS_MACHINE_32 = 'i686';
/** The release for programs that know of no version 3 and later: 2.6.(minor + 60), with what is behind the three numbers. */
const oldRelease: string = UTS_RELEASE.replace(/^\d+\.(\d+)(?:\.\d+)*\.?/, (_, minor: string) => `2.6.${Number(minor) + 60}`);

/** struct new_utsname: six strings of 65 bytes. */
const utsname: Uint8Array = new Uint8Array(390);

function sysUname(t: Task, a: SyscallArgs): number {
  const uts = t.nsproxy.uts;
  utsname.fill(0);
  const release = t.personality & UNAME26 ? oldRelease : UTS_RELEASE;
  const machine = (t.personality & PER_MASK) === PER_LINUX32 ? UTS_MACHINE_32 : UTS_MACHINE;
  const fields = [UTS_SYSNAME, uts.nodename, release, UTS_VERSION, machine, uts.domainname];
  fields.forEach((s, i) => {
    for (let k = 0; k < s.length && k < 64; k++) utsname[i * 65 + k] = s.charCodeAt(k);
  });
  return t.space.writeBytes(a.addr(0), utsname) !== 0 ? EFAULT : 0;
}

function setName(t: Task, a: SyscallArgs, which: 'nodename' | 'domainname'): number {
  if (!t.credentials.nsCapable(t.nsproxy.uts.userNs, CAP_SYS_ADMIN)) return EPERM;
  const len = a.int(1);
  if (len < 0 || len > 64) return EINVAL;
  const bytes = new Uint8Array(len);
  if (len > 0 && t.space.readBytes(a.addr(0), bytes) !== 0) return EFAULT;
  let name = '';
  for (const b of bytes) {
    if (b === 0) break;
    name += String.fromCharCode(b);
  }
  t.nsproxy.uts[which] = name;
  return 0;
}

const sysinfo: Uint8Array = new Uint8Array(112);
const sysinfoView: DataView = new DataView(sysinfo.buffer);

function sysSysinfo(t: Task, a: SyscallArgs): number {
  const k = t.kernel;
  const put = (off: number, v: number): void => {
    sysinfoView.setUint32(off, v >>> 0, true);
    sysinfoView.setUint32(off + 4, Math.floor(v / 4294967296), true);
  };
  sysinfo.fill(0);
  put(0, Math.floor((k.clock.monotonicNs() + t.nsproxy.time.boottime) / NSEC_PER_SEC));
  k.loadAverage.at(k.clock.monotonicNs(), k.cpuTime).forEach((load, i) => put(8 + i * 8, Math.floor(load * 65536)));
  put(32, k.memory.total * 4096);
  put(40, k.memory.free * 4096);
  sysinfoView.setUint16(80, Math.min(0xffff, k.taskCount), true);
  sysinfoView.setUint32(104, 1, true);
  return t.space.writeBytes(a.addr(0), sysinfo) !== 0 ? EFAULT : 0;
}

/** All that the threads of `tg` have used. */
export function processUsage(tg: ThreadGroup): ResourceUsage {
  const u = new ResourceUsage();
  for (const m of tg.threads) {
    u.add(m.usage);
    if (m.mm !== null) {
      const kib = Math.max(m.mm.rss, m.mm.peakRss) * 4;
      if (kib > u.maxrss) u.maxrss = kib;
    }
  }
  u.add(tg.usage);
  return u;
}

function sysGetrusage(t: Task, a: SyscallArgs): number {
  let u: ResourceUsage;
  switch (a.int(0)) {
    case RUSAGE_SELF:
      u = processUsage(t.threadGroup);
      break;
    case RUSAGE_CHILDREN:
      u = t.threadGroup.childUsage;
      break;
    case RUSAGE_THREAD:
      u = t.usage;
      break;
    default:
      return EINVAL;
  }
  return writeRusage(t, a.addr(1), u) ? 0 : EFAULT;
}

function writeLimit(t: Task, addr: number, v: number): boolean {
  if (v === Infinity) return !isErr(t.space.writeU32(addr, 0xffffffff)) && !isErr(t.space.writeU32(addr + 4, 0xffffffff));
  return !isErr(t.space.writeU64(addr, v));
}
function readLimit(t: Task, addr: number): number {
  const v = t.space.readU64(addr);
  // Values beyond 2^63 are as good as no limit.
  return v >= 2 ** 63 ? Infinity : v;
}

function setLimit(t: Task, tg: ThreadGroup, resource: number, soft: number, hard: number): number {
  if (soft > hard) return EINVAL;
  if (resource === RLIMIT_NOFILE && hard > 1048576) return EPERM; // sysctl fs.nr_open
  if (hard > tg.limits.hard[resource]! && !t.credentials.capableInInit(CAP_SYS_RESOURCE)) return EPERM; // checked index
  tg.limits.soft[resource] = soft;
  tg.limits.hard[resource] = hard;
  if (resource === RLIMIT_CPU) {
    // 0 would never fire: it means one second.
    if (soft === 0) tg.limits.soft[resource] = 1;
    watchCpuTime(tg);
  }
  return 0;
}

function sysGetrlimit(t: Task, a: SyscallArgs): number {
  const r = a.u32(0);
  if (r >= RLIM_NLIMITS) return EINVAL;
  const l = t.threadGroup.limits;
  return writeLimit(t, a.addr(1), l.soft[r]!) && writeLimit(t, a.addr(1) + 8, l.hard[r]!) ? 0 : EFAULT; // checked index
}

function sysSetrlimit(t: Task, a: SyscallArgs): number {
  const r = a.u32(0);
  const soft = readLimit(t, a.addr(1));
  const hard = readLimit(t, a.addr(1) + 8);
  if (soft < 0 || hard < 0) return EFAULT;
  if (r >= RLIM_NLIMITS) return EINVAL;
  return setLimit(t, t.threadGroup, r, soft, hard);
}

function sysPrlimit64(t: Task, a: SyscallArgs): number {
  const r = a.u32(1);
  const newAddr = a.addr(2);
  let soft = 0;
  let hard = 0;
  if (newAddr !== 0) {
    soft = readLimit(t, newAddr);
    hard = readLimit(t, newAddr + 8);
    if (soft < 0 || hard < 0) return EFAULT;
  }
  const pid = a.int(0);
  const p = pid === 0 ? t : (t.pidNs.find(pid)?.task ?? null);
  if (p === null) return ESRCH;
  if (p !== t) {
    const c = t.credentials;
    const o = p.credentials;
    const same = c.uid === o.euid && c.uid === o.suid && c.uid === o.uid && c.gid === o.egid && c.gid === o.sgid && c.gid === o.gid;
    if (!same && !c.nsCapable(o.userNs, CAP_SYS_RESOURCE)) return EPERM;
  }
  if (r >= RLIM_NLIMITS) return EINVAL;
  const l = p.threadGroup.limits;
  const oldSoft = l.soft[r]!; // checked index
  const oldHard = l.hard[r]!;
  if (newAddr !== 0) {
    const done = setLimit(t, p.threadGroup, r, soft, hard);
    if (done !== 0) return done;
  }
  const old = a.addr(3);
  return old === 0 || (writeLimit(t, old, oldSoft) && writeLimit(t, old + 8, oldHard)) ? 0 : EFAULT;
}

const GRND_NONBLOCK = 1, GRND_RANDOM = 2, GRND_INSECURE = 4;
const randomBytes: Uint8Array = new Uint8Array(4096);

function sysGetrandom(t: Task, a: SyscallArgs): number {
  const flags = a.u32(2);
  if (flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) return EINVAL;
  if ((flags & (GRND_INSECURE | GRND_RANDOM)) === (GRND_INSECURE | GRND_RANDOM)) return EINVAL;
  const length = Math.min(a.size(1), 0x7ffff000);
  let done = 0;
  while (done < length) {
    const n = Math.min(randomBytes.length, length - done);
    t.kernel.host.random(randomBytes, 0, n);
    const wrote = t.space.copyOut(a.addr(0) + done, randomBytes, 0, n);
    if (isErr(wrote)) return done > 0 ? done : EFAULT;
    done += wrote;
    if (wrote < n || (done < length && t.signalPending())) break;
  }
  return done;
}

const MEMBARRIER_CMD_QUERY = 0, MEMBARRIER_CMD_GLOBAL = 1, MEMBARRIER_CMD_GLOBAL_EXPEDITED = 2, MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED = 4;
const MEMBARRIER_CMD_PRIVATE_EXPEDITED = 8, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED = 16, MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE = 32;
const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE = 64, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ = 128;
const MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ = 256, MEMBARRIER_CMD_GET_REGISTRATIONS = 512;

/** One task runs at a time: every barrier already holds. What is registered is remembered, because the expedited ones ask for it. */
function sysMembarrier(t: Task, a: SyscallArgs): number {
  const cmd = a.int(0);
  const flags = a.u32(1);
  if (flags !== 0 && !(cmd === MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ && flags === 1)) return EINVAL;
  const mm = t.threadGroup;
  switch (cmd) {
    case MEMBARRIER_CMD_QUERY:
      return 0x3ff;
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
      return 0;
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ:
      mm.barriers |= cmd;
      return 0;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
      return mm.barriers & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED ? 0 : EPERM;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_SYNC_CORE:
      return mm.barriers & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_SYNC_CORE ? 0 : EPERM;
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ:
      return mm.barriers & MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ ? 0 : EPERM;
    case MEMBARRIER_CMD_GET_REGISTRATIONS:
      return mm.barriers;
    default:
      return EINVAL;
  }
}

/** log_buf_len of the reference kernel, bytes. */
const LOG_SIZE = 131072;

/** syslog(type, buf, len): the log of this kernel is empty. */
function sysSyslog(t: Task, a: SyscallArgs): number {
  const type = a.int(0);
  // Reading all and asking for the size is open to everybody unless dmesg_restrict is set.
  const restricted = t.kernel.sysctls.get('kernel.dmesg_restrict') !== 0 || (type !== 3 && type !== 10);
  if (restricted && !t.credentials.capableInInit(CAP_SYSLOG)) return EPERM;
  switch (type) {
    case 0:
    case 1:
      return 0;
    case 2:
    case 3:
    case 4:
      if (a.addr(1) === 0 || a.int(2) < 0) return EINVAL;
      if (type === 2 && a.int(2) > 0) return t.sleep(Infinity);
      return 0;
    case 5:
    case 6:
    case 7:
      return 0;
    case 8:
      return a.int(2) < 1 || a.int(2) > 8 ? EINVAL : 0;
    case 9:
      return 0;
    case 10:
      return LOG_SIZE;
    default:
      return EINVAL;
  }
}

const LINUX_REBOOT_MAGIC1 = 0xfee1dead | 0;
const LINUX_REBOOT_MAGIC2: readonly number[] = [672274793, 85072278, 369367448, 537993216];

const LINUX_REBOOT_CMD_RESTART = 0x01234567, LINUX_REBOOT_CMD_HALT = 0xcdef0123 | 0, LINUX_REBOOT_CMD_POWER_OFF = 0x4321fedc, LINUX_REBOOT_CMD_RESTART2 = 0xa1b2c3d4 | 0;

/** reboot in a PID namespace ends its init, whose parent sees SIGHUP (restart) or SIGINT (halt, power off) in the status. Linux reboot_pid_ns(). */
function rebootNamespace(t: Task, command: number): number {
  const ns = t.pidNs;
  if (command === LINUX_REBOOT_CMD_RESTART || command === LINUX_REBOOT_CMD_RESTART2) ns.rebootSignal = SIGHUP;
  else if (command === LINUX_REBOOT_CMD_HALT || command === LINUX_REBOOT_CMD_POWER_OFF) ns.rebootSignal = SIGINT;
  else return EINVAL;
  if (ns.childReaper !== null) sendSignalInfo(ns.childReaper, kernelSignal(SIGKILL), false, true);
  exitTask(t, 0);
  return TASK_EXITS;
}

/** reboot: Ctrl-Alt-Del can be set; nothing else reaches a machine. */
function sysReboot(t: Task, a: SyscallArgs): number {
  if (!t.credentials.nsCapable(t.pidNs.userNs, CAP_SYS_BOOT)) return EPERM;
  if (a.int(0) !== LINUX_REBOOT_MAGIC1 || !LINUX_REBOOT_MAGIC2.includes(a.int(1))) return EINVAL;
  if (t.pidNs.level > 0) return rebootNamespace(t, a.int(2));
  switch (a.int(2)) {
    case 0:
    case 0x89abcdef | 0:
      return 0;
    case LINUX_REBOOT_CMD_RESTART:
    case LINUX_REBOOT_CMD_RESTART2:
    case LINUX_REBOOT_CMD_HALT:
    case LINUX_REBOOT_CMD_POWER_OFF:
      return EPERM; // Linux differs: there is no machine to be had
    default:
      return EINVAL;
  }
}

const KCMP_FILE = 0, KCMP_VM = 1, KCMP_FILES = 2, KCMP_FS = 3, KCMP_SIGHAND = 4, KCMP_IO = 5, KCMP_SYSVSEM = 6, KCMP_EPOLL_TFD = 7;

/** Order of two objects: 0 equal, 1 less, 2 greater. Any total order will do. */
function compare(x: object | null, y: object | null): number {
  if (x === y) return 0;
  return identity(x) < identity(y) ? 1 : 2;
}
const identities: WeakMap<object, number> = new WeakMap();
let nextIdentity = 1;
function identity(x: object | null): number {
  if (x === null) return 0;
  let id = identities.get(x);
  if (id === undefined) {
    id = nextIdentity++;
    identities.set(x, id);
  }
  return id;
}

/** A file of one task and what is registered in an epoll of the other: struct kcmp_epoll_slot { efd, tfd, toff }. Linux kernel/kcmp.c kcmp_epoll_target(). */
function compareEpollTarget(t: Task, p1: Task, p2: Task, fd: number, slot: number): number {
  const efd = t.space.readU32(slot);
  const tfd = t.space.readU32(slot + 4);
  const toff = t.space.readU32(slot + 8);
  if (isErr(efd) || isErr(tfd) || isErr(toff)) return EFAULT;
  const file = p1.files?.get(fd) ?? null;
  if (file === null) return EBADF;
  const epoll = p2.files?.get(efd | 0) ?? null;
  if (epoll === null) return EBADF;
  if (!(epoll instanceof EpollDescription)) return EINVAL;
  const target = epoll.targetAt(tfd | 0, toff);
  return target === null ? ENOENT : compare(file, target);
}

function sysKcmp(t: Task, a: SyscallArgs): number {
  const p1 = t.pidNs.find(a.int(0))?.task ?? null;
  const p2 = t.pidNs.find(a.int(1))?.task ?? null;
  if (p1 === null || p2 === null) return ESRCH;
  const mode = PTRACE_MODE_READ | PTRACE_MODE_REALCREDS;
  if (ptraceMayAccess(t, p1, mode) !== 0 || ptraceMayAccess(t, p2, mode) !== 0) return EPERM;
  switch (a.int(2)) {
    case KCMP_FILE: {
      const f1 = p1.files?.get(a.size(3)) ?? null;
      const f2 = p2.files?.get(a.size(4)) ?? null;
      return f1 === null || f2 === null ? EBADF : compare(f1, f2);
    }
    case KCMP_VM:
      return compare(p1.mm, p2.mm);
    case KCMP_FILES:
      return compare(p1.files, p2.files);
    case KCMP_FS:
      return compare(p1.fsContext, p2.fsContext);
    case KCMP_SIGHAND:
      return compare(p1.actions, p2.actions);
    case KCMP_IO:
      return compare(p1.ioContext, p2.ioContext);
    case KCMP_SYSVSEM:
      return compare(p1.semUndo, p2.semUndo);
    case KCMP_EPOLL_TFD:
      return compareEpollTarget(t, p1, p2, a.size(3), a.addr(4));
    default:
      return EINVAL;
  }
}

export const systemRows: readonly SyscallRow[] = [
  [63, 'uname', 'out:utsname', 'full', sysUname],
  [97, 'getrlimit', 'rlimit,out:rlimitval', 'full', sysGetrlimit],
  [98, 'getrusage', 'rusagewho,out:rusage', 'full', sysGetrusage],
  [99, 'sysinfo', 'out:sysinfo', 'full', sysSysinfo],
  [103, 'syslog', 'int,addr,int', 'partial', sysSyslog],
  [160, 'setrlimit', 'rlimit,rlimitval', 'full', sysSetrlimit],
  [169, 'reboot', 'hex,hex,hex,addr', 'full', sysReboot],
  [170, 'sethostname', 'buf:1,size', 'full', (t, a) => setName(t, a, 'nodename')],
  [171, 'setdomainname', 'buf:1,size', 'full', (t, a) => setName(t, a, 'domainname')],
  [302, 'prlimit64', 'pid,rlimit,rlimitval,out:rlimitval', 'full', sysPrlimit64],
  [312, 'kcmp', 'pid,pid,kcmptype,ulong,ulong', 'full', sysKcmp],
  [318, 'getrandom', 'obuf,size,getrandomflags', 'full', sysGetrandom],
  [324, 'membarrier', 'membarriercmd,hex,int', 'full', sysMembarrier],
];

