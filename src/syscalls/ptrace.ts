/** ptrace(2). Linux kernel/ptrace.c, arch/x86/kernel/ptrace.c. */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EFAULT, EINVAL, EIO, EPERM, ESRCH, type Errno, isErr } from '../abi/errno.ts';
import {
  PTRACE_ARCH_PRCTL, PTRACE_ATTACH, PTRACE_CONT, PTRACE_DETACH, PTRACE_EVENT_STOP, PTRACE_GET_RSEQ_CONFIGURATION, PTRACE_GET_SYSCALL_INFO, PTRACE_GETEVENTMSG,
  PTRACE_GETFPREGS, PTRACE_GETREGS, PTRACE_GETREGSET, PTRACE_GETSIGINFO, PTRACE_GETSIGMASK, PTRACE_INTERRUPT, PTRACE_KILL, PTRACE_LISTEN, PTRACE_O_MASK,
  PTRACE_O_SUSPEND_SECCOMP, PTRACE_OLDSETOPTIONS, PTRACE_PEEKDATA, PTRACE_PEEKSIGINFO, PTRACE_PEEKTEXT, PTRACE_PEEKUSR, PTRACE_POKEDATA, PTRACE_POKETEXT, PTRACE_POKEUSR, PTRACE_SECCOMP_GET_FILTER,
  PTRACE_SECCOMP_GET_METADATA, PTRACE_SEIZE, PTRACE_SET_SYSCALL_INFO, PTRACE_SYSCALL_INFO_ENTRY, PTRACE_SYSCALL_INFO_EXIT,
  PTRACE_SETFPREGS, PTRACE_SETOPTIONS, PTRACE_SETREGS, PTRACE_SETREGSET, PTRACE_SETSIGINFO, PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG, PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG, PTRACE_SETSIGMASK, PTRACE_SINGLEBLOCK, PTRACE_SINGLESTEP, PTRACE_SYSCALL, PTRACE_SYSEMU,
  PTRACE_SYSEMU_SINGLESTEP, PTRACE_TRACEME, USER_REGS_SIZE, USER_SIZE,
} from '../abi/ptrace.ts';
import { SIGCONT, SIGKILL, SIGSTOP } from '../abi/signal.ts';
import { mayBeTracedBy, PTRACE_MODE_ATTACH, PTRACE_MODE_REALCREDS, ptraceMayAccess } from '../kernel/ptrace-access.ts';
import { readDebugRegister, writeDebugRegister } from '../kernel/ptrace-debug.ts';
import { readRegister, readRegisters, USER_DEBUGREG, writeRegister, writeRegisters } from '../kernel/ptrace-registers.ts';
import { detach, ptraceLink } from '../kernel/ptrace-stop.ts';
import { getDispatchConfig, getSeccompFilter, getSeccompMetadata, getSyscallInfo, setDispatchConfig, setSyscallInfo } from './ptrace-info.ts';
import { kernelSignal, SignalInfo } from '../kernel/signal-info.ts';
import { recalcSigpending, sendSignalInfo, setBlocked, wakeForSignal } from '../kernel/signal-send.ts';
import type { PtraceState } from '../kernel/ptrace-state.ts';
import { SYSCALL_EMU, SYSCALL_PTRACE, TASK_STOPPED, TASK_TRACED, type Task } from '../kernel/task.ts';
import { peekBytes, pokeBytes } from '../memory/forced-access.ts';
import { TF } from '../x86/flags.ts';
import { XCR0, XSAVE_SIZE } from '../x86/xsave.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const NT_PRSTATUS = 1, NT_PRFPREG = 2, NT_X86_XSTATE = 0x202;
const FXSAVE_SIZE = 512;
/** Where the image tells which components there are: the first software-reserved word (USER_XSTATE_XCR0_WORD). */
const XSTATE_XCR0 = 464;

const buffer: Uint8Array = new Uint8Array(USER_SIZE);
const view: DataView = new DataView(buffer.buffer);

function traceMe(t: Task): number {
  if (t.ptrace !== null) return EPERM;
  const parent = t.realParent;
  if (parent === null) return 0;
  const refused = mayBeTracedBy(t, parent);
  if (refused !== 0 || parent.exiting) return refused;
  ptraceLink(t, parent, 0, false, t.credentials);
  return 0;
}

/** PTRACE_O_SUSPEND_SECCOMP is for who may do everything and is not filtered itself. Linux check_ptrace_options(). */
function checkOptions(t: Task, options: number): 0 | Errno {
  if (!(options & PTRACE_O_SUSPEND_SECCOMP)) return 0;
  if (!t.credentials.capableInInit(CAP_SYS_ADMIN) || t.seccompMode !== 0) return EPERM;
  return t.ptrace !== null && t.ptrace.options & PTRACE_O_SUSPEND_SECCOMP ? EPERM : 0;
}

function attach(t: Task, p: Task, seize: boolean, addr: number, options: number): number {
  if (seize) {
    if (addr !== 0) return EIO;
    if (options & ~PTRACE_O_MASK) return EIO;
    const r = checkOptions(t, options);
    if (r !== 0) return r;
  } else options = 0;
  if (p.internal || p.threadGroup === t.threadGroup) return EPERM;
  if (ptraceMayAccess(t, p, PTRACE_MODE_ATTACH | PTRACE_MODE_REALCREDS) !== 0) return EPERM;
  if (p.exitState !== 0 || p.ptrace !== null) return EPERM;
  ptraceLink(p, t, options, seize, t.credentials);
  if (!seize) sendSignalInfo(p, kernelSignal(SIGSTOP), false, true);
  // A task that is stopped already becomes traced without running user code.
  if (p.runState === TASK_STOPPED) {
    p.ptrace!.trapPending = true; // just linked
    p.signals.stopPending = false;
    p.work |= 1;
    p.makeRunnable();
  }
  return 0;
}

/** Lets a stopped tracee go on. `signal`: to be delivered (signal-delivery stop) or sent (syscall stop). */
function resume(p: Task, request: number, signal: number): number {
  if (signal < 0 || signal > 64) return EIO;
  const s = p.ptrace!; // checked by the caller
  const syscalls = request === PTRACE_SYSCALL;
  const emulate = request === PTRACE_SYSEMU || request === PTRACE_SYSEMU_SINGLESTEP;
  s.stopAtSyscalls = syscalls;
  s.emulateSyscalls = emulate;
  p.syscallWork = (p.syscallWork & ~(SYSCALL_PTRACE | SYSCALL_EMU)) | (syscalls ? SYSCALL_PTRACE : 0) | (emulate ? SYSCALL_EMU : 0);
  // The processor has no branch trap flag (DEBUGCTL.BTF), like most virtual ones: a block is a step.
  const step = request === PTRACE_SINGLESTEP || request === PTRACE_SYSEMU_SINGLESTEP || request === PTRACE_SINGLEBLOCK;
  if (step) {
    s.stepping = true;
    p.regs.setEflags(p.regs.getEflags() | TF);
  } else if (s.stepping) s.disableStep(p);
  // What was sent while it was stopped (the end of Linux ptrace_stop).
  recalcSigpending(p);
  takeSignal(p, s, signal);
  s.stopCode = 0;
  s.listening = false;
  p.makeRunnable();
  return 0;
}

function takeSignal(p: Task, s: PtraceState, signal: number): void {
  if (s.injectedSignal >= 0) s.injectedSignal = signal;
  else if (signal !== 0 && s.syscallStop !== 0) sendSignalInfo(p, kernelSignal(signal), false, true);
  s.syscallStop = 0;
  if (s.injectedSignal >= 0) p.work |= 1;
}

function peek(t: Task, p: Task, addr: number, data: number): number {
  if (p.mm === null) return EIO;
  if (peekBytes(p.space, addr, buffer, 0, 8) !== 8) return EIO;
  return t.space.writeBytes(data, buffer, 0, 8) !== 0 ? EFAULT : 0;
}

function poke(p: Task, a: SyscallArgs): number {
  if (p.mm === null) return EIO;
  view.setInt32(0, a.lo(3), true);
  view.setInt32(4, a.hi(3), true);
  return pokeBytes(p.space, a.addr(2), buffer, 0, 8) === 8 ? 0 : EIO;
}

function peekUser(t: Task, p: Task, off: number, data: number): number {
  if (off % 8 !== 0 || off > USER_SIZE - 8) return EIO;
  view.setInt32(0, 0, true);
  view.setInt32(4, 0, true);
  if (off < USER_REGS_SIZE) readRegister(p, off / 8, view, 0);
  else if (off >= USER_DEBUGREG && off < USER_DEBUGREG + 64) readDebugRegister(p, (off - USER_DEBUGREG) / 8, view, 0);
  return t.space.writeBytes(data, buffer, 0, 8) !== 0 ? EFAULT : 0;
}

function pokeUser(p: Task, off: number, a: SyscallArgs): number {
  if (off % 8 !== 0 || off > USER_SIZE - 8) return EIO;
  if (off < USER_REGS_SIZE) return writeRegister(p, off / 8, a.lo(3), a.hi(3));
  if (off >= USER_DEBUGREG && off < USER_DEBUGREG + 64) {
    return writeDebugRegister(p, (off - USER_DEBUGREG) / 8, a.lo(3), a.hi(3));
  }
  return 0;
}

/** Puts a set of registers into `buffer`. */
function loadRegset(p: Task, type: number): void {
  if (type === NT_PRSTATUS) {
    readRegisters(p, view);
    return;
  }
  buffer.fill(0, 0, XSAVE_SIZE);
  if (type === NT_PRFPREG) p.regs.saveFx(buffer, 0);
  else {
    p.regs.saveXsave(buffer, 0);
    buffer[XSTATE_XCR0] = XCR0;
  }
}
/** Takes it from there. EINVAL, EIO. */
function storeRegset(p: Task, type: number): 0 | Errno {
  if (type === NT_PRSTATUS) return writeRegisters(p, view);
  const taken = type === NT_PRFPREG ? p.regs.restoreFx(buffer, 0) : p.regs.restoreXsave(buffer, 0);
  return taken ? 0 : EINVAL;
}

/** GETREGSET and SETREGSET through a struct iovec. */
function regset(t: Task, p: Task, set: boolean, type: number, iov: number): number {
  const base = t.space.readU64(iov);
  const length = t.space.readU64(iov + 8);
  if (isErr(base) || isErr(length)) return EFAULT;
  const size = type === NT_PRSTATUS ? USER_REGS_SIZE : type === NT_PRFPREG ? FXSAVE_SIZE : type === NT_X86_XSTATE ? XSAVE_SIZE : 0;
  if (size === 0) return EINVAL;
  if (length % 8 !== 0) return EINVAL;
  const n = Math.min(size, length);
  // A part of the extended state means nothing: its header comes last (xstateregs_set).
  if (set && type === NT_X86_XSTATE && n !== size) return EFAULT;
  loadRegset(p, type);
  if (!set) {
    if (t.space.writeBytes(base, buffer, 0, n) !== 0) return EFAULT;
  } else {
    if (t.space.readBytes(base, buffer, 0, n) !== 0) return EFAULT;
    const r = storeRegset(p, type);
    if (r !== 0) return r;
  }
  return isErr(t.space.writeU64(iov + 8, n)) ? EFAULT : 0;
}

function peekSiginfo(t: Task, p: Task, addr: number, data: number): number {
  const offset = t.space.readU64(addr);
  const flags = t.space.readU32(addr + 8);
  const count = t.space.readU32(addr + 12);
  if (isErr(offset) || isErr(flags) || isErr(count)) return EFAULT;
  if (flags & ~1 || count > 0x7fffffff) return EINVAL;
  const pending = flags & 1 ? p.threadGroup.pending : p.signals.pending;
  let i = 0;
  let done = 0;
  for (let info = pending.head; info !== null && done < count; info = info.next, i++) {
    if (i < offset) continue;
    info.write(view, 0);
    if (t.space.writeBytes(data + done * 128, buffer, 0, 128) !== 0) return done > 0 ? done : EFAULT;
    done++;
  }
  return done;
}

function sysPtrace(t: Task, a: SyscallArgs): number {
  const request = a.int(0);
  if (request === PTRACE_TRACEME) return traceMe(t);
  const p = t.pidNs.find(a.int(1))?.task ?? null;
  if (p === null) return ESRCH;
  const addr = a.addr(2);
  const data = a.addr(3);
  if (request === PTRACE_ATTACH || request === PTRACE_SEIZE) return attach(t, p, request === PTRACE_SEIZE, addr, a.lo(3));
  const s = p.ptrace;
  if (s === null || p.parent !== t) return ESRCH;
  const stopped = p.runState === TASK_TRACED && !s.listening;
  if (request === PTRACE_KILL) {
    if (p.exitState === 0) sendSignalInfo(p, kernelSignal(SIGKILL), false, true);
    return 0;
  }
  if (request === PTRACE_INTERRUPT) {
    if (!s.seized) return EIO;
    s.trapPending = true;
    if (p.runState === TASK_TRACED && s.listening) {
      s.listening = false;
      p.work |= 1;
      p.makeRunnable();
    } else wakeForSignal(p, false);
    return 0;
  }
  if (!stopped) return ESRCH;
  switch (request) {
    case PTRACE_PEEKTEXT:
    case PTRACE_PEEKDATA:
      return peek(t, p, addr, data);
    case PTRACE_POKETEXT:
    case PTRACE_POKEDATA:
      return poke(p, a);
    case PTRACE_PEEKUSR:
      return peekUser(t, p, addr, data);
    case PTRACE_POKEUSR:
      return pokeUser(p, addr, a);
    case PTRACE_CONT:
    case PTRACE_SYSCALL:
    case PTRACE_SINGLESTEP:
    case PTRACE_SINGLEBLOCK:
    case PTRACE_SYSEMU:
    case PTRACE_SYSEMU_SINGLESTEP:
      return resume(p, request, a.hi(3) !== 0 ? -1 : a.lo(3));
    case PTRACE_DETACH: {
      const signal = a.lo(3);
      if (signal < 0 || signal > 64) return EIO;
      const info = s.info;
      const inSignalStop = s.injectedSignal >= 0;
      const inSyscallStop = s.syscallStop === PTRACE_SYSCALL_INFO_ENTRY || s.syscallStop === PTRACE_SYSCALL_INFO_EXIT;
      detach(p);
      if (signal !== 0 && (inSignalStop || inSyscallStop)) {
        const queued = inSignalStop && info !== null && info.signo === signal ? info : kernelSignal(signal);
        sendSignalInfo(p, queued, false, true);
      } else if (signal === SIGCONT) sendSignalInfo(p, kernelSignal(SIGCONT), false, true);
      return 0;
    }
    case PTRACE_GETREGS:
      readRegisters(p, view);
      return t.space.writeBytes(data, buffer, 0, USER_REGS_SIZE) !== 0 ? EFAULT : 0;
    case PTRACE_SETREGS:
      if (t.space.readBytes(data, buffer, 0, USER_REGS_SIZE) !== 0) return EFAULT;
      return writeRegisters(p, view);
    case PTRACE_GETFPREGS:
      buffer.fill(0, 0, FXSAVE_SIZE);
      p.regs.saveFx(buffer, 0);
      return t.space.writeBytes(data, buffer, 0, FXSAVE_SIZE) !== 0 ? EFAULT : 0;
    case PTRACE_SETFPREGS:
      if (t.space.readBytes(data, buffer, 0, FXSAVE_SIZE) !== 0) return EFAULT;
      return p.regs.restoreFx(buffer, 0) ? 0 : EINVAL;
    case PTRACE_GETREGSET:
    case PTRACE_SETREGSET:
      return regset(t, p, request === PTRACE_SETREGSET, addr, data);
    case PTRACE_SETOPTIONS:
    case PTRACE_OLDSETOPTIONS:
      if (a.lo(3) & ~PTRACE_O_MASK || a.hi(3) !== 0) return EINVAL;
      return checkOptions(t, a.lo(3)) || ((s.options = a.lo(3)), 0);
    case PTRACE_GETEVENTMSG:
      return isErr(t.space.writeU64(data, s.eventMessage)) ? EFAULT : 0;
    case PTRACE_GETSIGINFO:
      if (s.info === null) return EINVAL;
      s.info.write(view, 0);
      return t.space.writeBytes(data, buffer, 0, 128) !== 0 ? EFAULT : 0;
    case PTRACE_SETSIGINFO: {
      if (t.space.readBytes(data, buffer, 0, 128) !== 0) return EFAULT;
      if (s.info === null) return EINVAL;
      s.info = SignalInfo.read(view, 0);
      return 0;
    }
    case PTRACE_PEEKSIGINFO:
      return peekSiginfo(t, p, addr, data);
    case PTRACE_GETSIGMASK:
      if (addr !== 8) return EINVAL;
      view.setInt32(0, p.signals.blocked.lo, true);
      view.setInt32(4, p.signals.blocked.hi, true);
      return t.space.writeBytes(data, buffer, 0, 8) !== 0 ? EFAULT : 0;
    case PTRACE_SETSIGMASK:
      if (addr !== 8) return EINVAL;
      if (t.space.readBytes(data, buffer, 0, 8) !== 0) return EFAULT;
      setBlocked(p, view.getInt32(0, true), view.getInt32(4, true));
      recalcSigpending(p);
      return 0;
    case PTRACE_LISTEN:
      if (!s.seized || (s.lastStop >> 8) !== PTRACE_EVENT_STOP) return EIO;
      s.listening = true;
      // An event that came meanwhile is reported at once.
      if (s.trapPending) {
        s.listening = false;
        p.work |= 1;
        p.makeRunnable();
      }
      return 0;
    case PTRACE_GET_SYSCALL_INFO:
      return getSyscallInfo(t, p, addr, data);
    case PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG:
      return setDispatchConfig(t, p, addr, data);
    case PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG:
      return getDispatchConfig(t, p, addr, data);
    case PTRACE_SET_SYSCALL_INFO:
      return setSyscallInfo(t, p, addr, data);
    case PTRACE_SECCOMP_GET_FILTER:
      return getSeccompFilter(t, p, addr, data);
    case PTRACE_SECCOMP_GET_METADATA:
      return getSeccompMetadata(t, p, addr, data);
    case PTRACE_ARCH_PRCTL:
      if (data === 0x1002) p.regs.fsBase = addr;
      else if (data === 0x1001) p.regs.gsBase = addr;
      else if (data === 0x1003) return isErr(t.space.writeU64(addr, p.regs.fsBase)) ? EFAULT : 0;
      else if (data === 0x1004) return isErr(t.space.writeU64(addr, p.regs.gsBase)) ? EFAULT : 0;
      else return EINVAL;
      return 0;
    case PTRACE_GET_RSEQ_CONFIGURATION: {
      buffer.fill(0, 0, 24);
      view.setUint32(0, p.rseqAddr >>> 0, true);
      view.setUint32(4, Math.floor(p.rseqAddr / 4294967296), true);
      view.setUint32(8, p.rseqSize, true);
      view.setUint32(12, p.rseqSignature, true);
      return t.space.writeBytes(data, buffer, 0, Math.min(24, addr)) !== 0 ? EFAULT : 24;
    }
    default:
      return EIO;
  }
}

export const ptraceRows: readonly SyscallRow[] = [[101, 'ptrace', 'ptracereq,pid,addr,addr=long', 'full', sysPtrace]];

