/** prctl, arch_prctl and what threads register about themselves. Linux kernel/sys.c, arch/x86/kernel/process_64.c, kernel/rseq.c. */
import { CAP_SETPCAP, CAP_SYS_RESOURCE, SECBIT_KEEP_CAPS, SECBIT_KEEP_CAPS_LOCKED, SECBIT_NO_CAP_AMBIENT_RAISE, SECURE_ALL_BITS, SECURE_ALL_LOCKS, SECURE_ALL_UNPRIVILEGED, CAP_LAST_CAP } from '../abi/capability.ts';
import { EBUSY, EFAULT, EINVAL, ENODEV, ENXIO, EPERM, isErr } from '../abi/errno.ts';
import { CapSet } from '../auth/cap-set.ts';
import { commitCredentials } from '../kernel/commit-credentials.ts';
import { RSEQ_ORIG_SIZE, rseqResetIds, rseqUpdateIds } from '../kernel/rseq.ts';
import { attachSeccomp } from '../kernel/seccomp.ts';
import { setSyscallUserDispatch } from '../kernel/syscall-user-dispatch.ts';
import type { Task } from '../kernel/task.ts';
import { readUserPrefix } from '../memory/user-string.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const PR_SET_PDEATHSIG = 1, PR_GET_PDEATHSIG = 2, PR_GET_DUMPABLE = 3, PR_SET_DUMPABLE = 4, PR_GET_UNALIGN = 5, PR_SET_UNALIGN = 6, PR_GET_KEEPCAPS = 7;
const PR_SET_KEEPCAPS = 8, PR_GET_TIMING = 13, PR_SET_TIMING = 14, PR_SET_NAME = 15, PR_GET_NAME = 16, PR_GET_SECCOMP = 21, PR_SET_SECCOMP = 22;
const PR_CAPBSET_READ = 23, PR_CAPBSET_DROP = 24, PR_GET_TSC = 25, PR_SET_TSC = 26, PR_GET_SECUREBITS = 27, PR_SET_SECUREBITS = 28, PR_SET_TIMERSLACK = 29;
const PR_GET_TIMERSLACK = 30, PR_SET_MM = 35, PR_SET_CHILD_SUBREAPER = 36, PR_GET_CHILD_SUBREAPER = 37, PR_SET_NO_NEW_PRIVS = 38;
const PR_GET_NO_NEW_PRIVS = 39, PR_GET_TID_ADDRESS = 40, PR_SET_THP_DISABLE = 41, PR_GET_THP_DISABLE = 42, PR_CAP_AMBIENT = 47;
const PR_GET_SPECULATION_CTRL = 52, PR_SET_SPECULATION_CTRL = 53, PR_SET_IO_FLUSHER = 57, PR_SET_SYSCALL_USER_DISPATCH = 59, PR_GET_IO_FLUSHER = 58, PR_SET_VMA = 0x53564d41, PR_SET_PTRACER = 0x59616d61;
const PR_TASK_PERF_EVENTS_DISABLE = 31, PR_TASK_PERF_EVENTS_ENABLE = 32, PR_SET_MDWE = 65, PR_GET_MDWE = 66, PR_SET_MEMORY_MERGE = 67, PR_GET_MEMORY_MERGE = 68;
const PR_TIMER_CREATE_RESTORE_IDS = 77, PR_GET_AUXV = 0x41555856;
const PR_MCE_KILL = 33, PR_MCE_KILL_GET = 34;
const PR_CAP_AMBIENT_IS_SET = 1, PR_CAP_AMBIENT_RAISE = 2, PR_CAP_AMBIENT_LOWER = 3, PR_CAP_AMBIENT_CLEAR_ALL = 4;

/** sizeof(mm->saved_auxv): AT_VECTOR_SIZE longs. */
const SAVED_AUXV_SIZE = 448;
const PR_MDWE_NO_INHERIT = 2;

function restZero(a: SyscallArgs, from: number): boolean {
  for (let i = from; i < 5; i++) if ((a.lo(i) | a.hi(i)) !== 0) return false;
  return true;
}

function setSecurebits(t: Task, bits: number): number {
  const old = t.credentials;
  const was = old.securebits;
  if (((was & SECURE_ALL_LOCKS) >> 1) & (was ^ bits) || was & SECURE_ALL_LOCKS & ~bits || bits & ~(SECURE_ALL_LOCKS | SECURE_ALL_BITS)) return EPERM;
  const unprivileged = SECURE_ALL_UNPRIVILEGED | (SECURE_ALL_UNPRIVILEGED << 1);
  // Without the privilege some bits may change, but not none.
  if ((bits === was || (bits ^ was) & ~unprivileged) && !old.nsCapable(old.userNs, CAP_SETPCAP)) return EPERM;
  const c = old.prepare();
  c.securebits = bits;
  commitCredentials(t, c);
  return 0;
}

function capAmbient(t: Task, a: SyscallArgs): number {
  const op = a.int(1);
  const old = t.credentials;
  if (op === PR_CAP_AMBIENT_CLEAR_ALL) {
    if (!restZero(a, 2)) return EINVAL;
    const c = old.prepare();
    c.capAmbient = CapSet.EMPTY;
    commitCredentials(t, c);
    return 0;
  }
  const cap = a.size(2);
  if (!restZero(a, 3) || cap > CAP_LAST_CAP) return EINVAL;
  if (op === PR_CAP_AMBIENT_IS_SET) return old.capAmbient.has(cap) ? 1 : 0;
  if (op !== PR_CAP_AMBIENT_RAISE && op !== PR_CAP_AMBIENT_LOWER) return EINVAL;
  if (op === PR_CAP_AMBIENT_RAISE && (!old.capPermitted.has(cap) || !old.capInheritable.has(cap) || old.securebits & SECBIT_NO_CAP_AMBIENT_RAISE)) return EPERM;
  const c = old.prepare();
  c.capAmbient = op === PR_CAP_AMBIENT_RAISE ? old.capAmbient.with(cap) : old.capAmbient.without(cap);
  commitCredentials(t, c);
  return 0;
}

function sysPrctl(t: Task, a: SyscallArgs): number {
  const arg2 = a.size(1);
  const tg = t.threadGroup;
  switch (a.int(0)) {
    case PR_SET_PDEATHSIG:
      if (arg2 > 64) return EINVAL;
      t.deathSignal = arg2;
      return 0;
    case PR_GET_PDEATHSIG:
      return isErr(t.space.writeU32(arg2, t.deathSignal)) ? EFAULT : 0;
    case PR_GET_DUMPABLE:
      return t.space.dumpable;
    case PR_SET_DUMPABLE:
      if (arg2 !== 0 && arg2 !== 1) return EINVAL;
      t.space.dumpable = arg2;
      return 0;
    case PR_GET_UNALIGN:
    case PR_SET_UNALIGN:
      return EINVAL; // not an x86 feature
    case PR_GET_KEEPCAPS:
      return t.credentials.securebits & SECBIT_KEEP_CAPS ? 1 : 0;
    case PR_SET_KEEPCAPS: {
      if (arg2 > 1) return EINVAL;
      if (t.credentials.securebits & SECBIT_KEEP_CAPS_LOCKED) return EPERM;
      const c = t.credentials.prepare();
      c.securebits = arg2 ? c.securebits | SECBIT_KEEP_CAPS : c.securebits & ~SECBIT_KEEP_CAPS;
      commitCredentials(t, c);
      return 0;
    }
    case PR_GET_TIMING:
      return 0;
    case PR_SET_TIMING:
      return arg2 === 0 ? 0 : EINVAL;
    case PR_SET_NAME: {
      const name = readUserPrefix(t.space, arg2, 15);
      if (typeof name === 'number') return EFAULT;
      t.comm = name;
      return 0;
    }
    case PR_GET_NAME: {
      const bytes = new Uint8Array(16);
      for (let i = 0; i < t.comm.length; i++) bytes[i] = t.comm.charCodeAt(i);
      return t.space.writeBytes(arg2, bytes) !== 0 ? EFAULT : 0;
    }
    case PR_GET_SECCOMP:
      return t.seccompMode;
    case PR_SET_SECCOMP:
      return attachSeccomp(t, arg2 === 1 ? 0 : arg2 === 2 ? 1 : -1, 0, a.addr(2));
    case PR_CAPBSET_READ:
      return arg2 > CAP_LAST_CAP ? EINVAL : t.credentials.capBounding.has(arg2) ? 1 : 0;
    case PR_CAPBSET_DROP: {
      if (!t.credentials.nsCapable(t.credentials.userNs, CAP_SETPCAP)) return EPERM;
      if (arg2 > CAP_LAST_CAP) return EINVAL;
      const c = t.credentials.prepare();
      c.capBounding = c.capBounding.without(arg2);
      commitCredentials(t, c);
      return 0;
    }
    case PR_GET_TSC:
      return isErr(t.space.writeU32(arg2, t.tscDisabled ? 2 : 1)) ? EFAULT : 0;
    case PR_SET_TSC:
      if (arg2 !== 1) return EINVAL; // the time-stamp counter of translated code cannot be switched off
      return 0;
    case PR_GET_SECUREBITS:
      return t.credentials.securebits;
    case PR_SET_SECUREBITS:
      return setSecurebits(t, a.lo(1));
    case PR_SET_TIMERSLACK:
      t.timerSlack = a.hi(1) < 0 || arg2 === 0 ? t.defaultTimerSlack : arg2;
      return 0;
    case PR_GET_TIMERSLACK:
      return t.timerSlack;
    case PR_SET_MM:
      return setMemoryLayout(t, a);
    case PR_SET_CHILD_SUBREAPER:
      tg.childSubreaper = arg2 !== 0;
      if (tg.childSubreaper) markDescendants(t);
      return 0;
    case PR_GET_CHILD_SUBREAPER:
      return isErr(t.space.writeU32(arg2, tg.childSubreaper ? 1 : 0)) ? EFAULT : 0;
    case PR_SET_NO_NEW_PRIVS:
      if (arg2 !== 1 || !restZero(a, 2)) return EINVAL;
      t.noNewPrivs = true;
      return 0;
    case PR_GET_NO_NEW_PRIVS:
      return restZero(a, 1) ? (t.noNewPrivs ? 1 : 0) : EINVAL;
    case PR_GET_TID_ADDRESS:
      return isErr(t.space.writeU64(arg2, t.clearChildTid)) ? EFAULT : 0;
    case PR_SET_THP_DISABLE:
      if (!restZero(a, 2)) return EINVAL;
      t.hugePagesDisabled = arg2 !== 0;
      return 0;
    case PR_GET_THP_DISABLE:
      return restZero(a, 1) ? (t.hugePagesDisabled ? 1 : 0) : EINVAL;
    case PR_MCE_KILL:
      return restZero(a, 3) && arg2 <= 1 ? 0 : EINVAL;
    case PR_MCE_KILL_GET:
      return restZero(a, 1) ? 2 : EINVAL;
    case PR_CAP_AMBIENT:
      return capAmbient(t, a);
    case PR_GET_SPECULATION_CTRL:
      if (!restZero(a, 2)) return EINVAL;
      return arg2 <= 2 ? 0 : ENODEV; // not affected
    case PR_SET_SPECULATION_CTRL:
      if (!restZero(a, 3)) return EINVAL;
      return arg2 <= 2 ? ENXIO : ENODEV;
    case PR_SET_IO_FLUSHER:
      if (!t.credentials.capableInInit(CAP_SYS_RESOURCE)) return EPERM;
      if (!restZero(a, 2) || arg2 > 1) return EINVAL;
      t.ioFlusher = arg2 === 1;
      return 0;
    case PR_GET_IO_FLUSHER:
      if (!t.credentials.capableInInit(CAP_SYS_RESOURCE)) return EPERM;
      return restZero(a, 1) ? (t.ioFlusher ? 1 : 0) : EINVAL;
    case PR_SET_SYSCALL_USER_DISPATCH:
      return a.hi(1) !== 0 ? EINVAL : setSyscallUserDispatch(t, arg2, a.size(2), a.size(3), a.size(4));
    case PR_TASK_PERF_EVENTS_DISABLE:
    case PR_TASK_PERF_EVENTS_ENABLE:
      if (t.ownedCounters !== null) for (const c of t.ownedCounters) c.enable(a.int(0) === PR_TASK_PERF_EVENTS_ENABLE);
      return 0;
    case PR_SET_MDWE: {
      if (!restZero(a, 2) || a.hi(1) !== 0 || arg2 > 3 || arg2 === PR_MDWE_NO_INHERIT) return EINVAL;
      const { space } = t;
      // Once set it stays (EPERM), and the way it is inherited too.
      if (space.denyWriteExec !== 0 && space.denyWriteExec !== arg2) return EPERM;
      space.denyWriteExec = arg2;
      return 0;
    }
    case PR_GET_MDWE:
      return restZero(a, 1) ? t.space.denyWriteExec : EINVAL;
    case PR_SET_MEMORY_MERGE:
      if (!restZero(a, 2)) return EINVAL;
      t.space.mergeAny = arg2 !== 0;
      return 0;
    case PR_GET_MEMORY_MERGE:
      return restZero(a, 1) ? (t.space.mergeAny ? 1 : 0) : EINVAL;
    case PR_TIMER_CREATE_RESTORE_IDS:
      if (!restZero(a, 2) || arg2 > 2) return EINVAL;
      if (arg2 === 2) return tg.timerIdsRestorable ? 1 : 0;
      tg.timerIdsRestorable = arg2 === 1;
      return 0;
    case PR_GET_AUXV: {
      if (!restZero(a, 3)) return EINVAL;
      const saved = new Uint8Array(SAVED_AUXV_SIZE);
      saved.set(t.space.auxv.subarray(0, SAVED_AUXV_SIZE));
      const n = Math.min(SAVED_AUXV_SIZE, a.size(2));
      return n > 0 && isErr(t.space.writeBytes(arg2, saved, 0, n)) ? EFAULT : SAVED_AUXV_SIZE;
    }
    case PR_SET_VMA:
      return EINVAL; // the reference kernel is built without CONFIG_ANON_VMA_NAME
    case PR_SET_PTRACER:
      return EINVAL; // Yama is not there
    default:
      return EINVAL;
  }
}

const PR_SET_MM_START_CODE = 1, PR_SET_MM_END_CODE = 2, PR_SET_MM_START_DATA = 3, PR_SET_MM_END_DATA = 4, PR_SET_MM_START_STACK = 5, PR_SET_MM_START_BRK = 6;
const PR_SET_MM_BRK = 7, PR_SET_MM_ARG_START = 8, PR_SET_MM_ARG_END = 9, PR_SET_MM_ENV_START = 10, PR_SET_MM_ENV_END = 11;

function setMemoryLayout(t: Task, a: SyscallArgs): number {
  if ((a.size(4) !== 0 && a.int(1) !== 12) || (a.size(3) !== 0 && a.int(1) !== 12)) return EINVAL;
  if (!t.credentials.capableInInit(CAP_SYS_RESOURCE)) return EPERM;
  const addr = a.addr(2);
  if (!(addr >= 65536 && addr < 0x7ffffffff000)) return EINVAL;
  const mm = t.space;
  switch (a.int(1)) {
    case PR_SET_MM_START_CODE:
      mm.startCode = addr;
      return 0;
    case PR_SET_MM_END_CODE:
      mm.endCode = addr;
      return 0;
    case PR_SET_MM_START_DATA:
      mm.startData = addr;
      return 0;
    case PR_SET_MM_END_DATA:
      mm.endData = addr;
      return 0;
    case PR_SET_MM_START_STACK:
      mm.startStack = addr;
      return 0;
    case PR_SET_MM_START_BRK:
      mm.startBrk = addr;
      return 0;
    case PR_SET_MM_BRK:
      mm.brk = addr;
      return 0;
    case PR_SET_MM_ARG_START:
      mm.argStart = addr;
      return 0;
    case PR_SET_MM_ARG_END:
      mm.argEnd = addr;
      return 0;
    case PR_SET_MM_ENV_START:
      mm.envStart = addr;
      return 0;
    case PR_SET_MM_ENV_END:
      mm.envEnd = addr;
      return 0;
    default:
      return EINVAL;
  }
}

/** All descendants now have a subreaper above them. */
function markDescendants(t: Task): void {
  const todo: Task[] = [...t.threadGroup.threads];
  for (let p = todo.pop(); p !== undefined; p = todo.pop())
    for (const child of p.children) {
      if (child.threadGroup.hasChildSubreaper) continue;
      child.threadGroup.hasChildSubreaper = true;
      todo.push(...child.threadGroup.threads);
    }
}

const ARCH_SET_GS = 0x1001, ARCH_SET_FS = 0x1002, ARCH_GET_FS = 0x1003, ARCH_GET_GS = 0x1004, ARCH_GET_CPUID = 0x1011, ARCH_SET_CPUID = 0x1012;

function sysArchPrctl(t: Task, a: SyscallArgs): number {
  const addr = a.addr(1);
  switch (a.int(0)) {
    case ARCH_SET_FS:
      if (!(addr < 0x7ffffffff000)) return EPERM;
      t.regs.fsBase = addr;
      return 0;
    case ARCH_SET_GS:
      if (!(addr < 0x7ffffffff000)) return EPERM;
      t.regs.gsBase = addr;
      return 0;
    case ARCH_GET_FS:
      return isErr(t.space.writeU64(addr, t.regs.fsBase)) ? EFAULT : 0;
    case ARCH_GET_GS:
      return isErr(t.space.writeU64(addr, t.regs.gsBase)) ? EFAULT : 0;
    case ARCH_GET_CPUID:
      return 1;
    case ARCH_SET_CPUID:
      return ENODEV; // no CPUID faulting
    default:
      return EINVAL;
  }
}

function sysSetTidAddress(t: Task, a: SyscallArgs): number {
  t.clearChildTid = a.addr(0);
  return t.pid.nr(t.pid.ns);
}

const RSEQ_FLAG_UNREGISTER = 1;

/** rseq(struct rseq *, length, flags, signature). */
function sysRseq(t: Task, a: SyscallArgs): number {
  const addr = a.addr(0);
  const length = a.u32(1);
  const flags = a.int(2);
  const signature = a.u32(3);
  if (flags & RSEQ_FLAG_UNREGISTER) {
    if (flags & ~RSEQ_FLAG_UNREGISTER) return EINVAL;
    if (t.rseqAddr === 0 || t.rseqAddr !== addr) return EINVAL;
    if (length !== t.rseqSize) return EINVAL;
    if (t.rseqSignature !== signature) return EPERM;
    if (!rseqResetIds(t)) return EFAULT;
    t.rseqAddr = t.rseqSize = t.rseqSignature = 0;
    return 0;
  }
  if (flags !== 0) return EINVAL;
  if (t.rseqAddr !== 0) {
    if (t.rseqAddr !== addr || length !== t.rseqSize) return EINVAL;
    return t.rseqSignature !== signature ? EPERM : EBUSY;
  }
  if (length < RSEQ_ORIG_SIZE || addr % 32 !== 0) return EINVAL;
  if (!(addr < 0x7ffffffff000)) return EFAULT;
  t.rseqAddr = addr;
  t.rseqSize = length;
  t.rseqSignature = signature;
  // Linux writes the ids on the way back; a page that is not there kills the task then.
  if (!rseqUpdateIds(t)) {
    t.rseqAddr = t.rseqSize = t.rseqSignature = 0;
    return EFAULT;
  }
  return 0;
}

/** personality(persona): 0xffffffff only asks. */
function sysPersonality(t: Task, a: SyscallArgs): number {
  const old = t.personality;
  if (a.u32(0) !== 0xffffffff) t.personality = a.u32(0);
  return old;
}

export const processControlRows: readonly SyscallRow[] = [
  [135, 'personality', 'hex', 'full', sysPersonality],
  [157, 'prctl', 'prctl,ulong,ulong,ulong,ulong', 'partial', sysPrctl],
  [158, 'arch_prctl', 'archprctl,addr', 'full', sysArchPrctl],
  [218, 'set_tid_address', 'addr=pid', 'full', sysSetTidAddress],
  [334, 'rseq', 'addr,uint,int,hex', 'full', sysRseq],
];
