/** Exceptions of the processor become signals: Linux arch/x86/kernel/traps.c, mm/fault.c. */
import {
  FPE_FLTDIV, FPE_FLTINV, FPE_FLTOVF, FPE_FLTRES, FPE_FLTUND, FPE_INTDIV, ILL_ILLOPN, SI_KERNEL, SIGBUS, SIGFPE, SIGILL, SIGKILL, SIGSEGV, SIGTRAP, TRAP_BRKPT, TRAP_HWBKPT, TRAP_TRACE,
} from '../abi/signal.ts';
import { FAULT_OOM, FAULT_USER } from '../memory/fault-code.ts';
import {
  EXIT_BREAKPOINT, EXIT_DIVIDE, EXIT_GENERAL_PROTECTION, EXIT_ILLEGAL, EXIT_OVERFLOW, EXIT_PAGE_FAULT, EXIT_SIMD, EXIT_SINGLE_STEP, EXIT_STACK, EXIT_WATCHED, EXIT_X87,
} from '../x86/exits.ts';
import { debugTrap } from './ptrace-debug.ts';
import { SignalInfo } from './signal-info.ts';
import { forceSignal, sendSignalToGroup } from './signal-send.ts';
import { RESUME_FAULT, type Task } from './task.ts';
import { Userfaultfd } from './userfaultfd.ts';

/** Exception vectors, as sigcontext.trapno and ptrace show them. */
const X86_TRAP_DE = 0, X86_TRAP_DB = 1, X86_TRAP_BP = 3, X86_TRAP_OF = 4, X86_TRAP_UD = 6, X86_TRAP_SS = 12, X86_TRAP_GP = 13, X86_TRAP_PF = 14, X86_TRAP_MF = 16;
const X86_TRAP_XF = 19;

/** Turns exit `reason` of `t` into what Linux does about it. */
export function handleGuestExit(t: Task, reason: number): void {
  const regs = t.regs;
  const f = t.fault;
  f.errorCode = 0;
  switch (reason) {
    case EXIT_PAGE_FAULT:
      pageFault(t);
      return;
    case EXIT_ILLEGAL:
      f.trapNumber = X86_TRAP_UD;
      // UD2 is meant; anything else is reported to the owner.
      if (regs.exitDetail !== 1) t.kernel.illegalInstruction(t);
      forceSignal(t, new SignalInfo(SIGILL, ILL_ILLOPN).setAddress(regs.rip));
      return;
    case EXIT_DIVIDE:
      f.trapNumber = X86_TRAP_DE;
      forceSignal(t, new SignalInfo(SIGFPE, FPE_INTDIV).setAddress(regs.rip));
      return;
    case EXIT_BREAKPOINT:
      if (regs.exitDetail === 1) {
        f.trapNumber = X86_TRAP_DB;
        forceSignal(t, new SignalInfo(SIGTRAP, TRAP_BRKPT).setAddress(regs.rip));
      } else {
        f.trapNumber = X86_TRAP_BP;
        forceSignal(t, new SignalInfo(SIGTRAP, SI_KERNEL));
      }
      return;
    case EXIT_SINGLE_STEP:
      f.trapNumber = X86_TRAP_DB;
      debugTrap(t, true);
      forceSignal(t, new SignalInfo(SIGTRAP, TRAP_TRACE).setAddress(regs.rip));
      return;
    case EXIT_WATCHED:
      f.trapNumber = X86_TRAP_DB;
      debugTrap(t, false);
      forceSignal(t, new SignalInfo(SIGTRAP, TRAP_HWBKPT).setAddress(regs.rip));
      return;
    case EXIT_GENERAL_PROTECTION:
      f.trapNumber = X86_TRAP_GP;
      f.errorCode = regs.exitDetail;
      forceSignal(t, new SignalInfo(SIGSEGV, SI_KERNEL));
      return;
    case EXIT_OVERFLOW:
      f.trapNumber = X86_TRAP_OF;
      forceSignal(t, new SignalInfo(SIGSEGV, SI_KERNEL));
      return;
    case EXIT_STACK:
      f.trapNumber = X86_TRAP_SS;
      forceSignal(t, new SignalInfo(SIGBUS, SI_KERNEL));
      return;
    case EXIT_X87: {
      f.trapNumber = X86_TRAP_MF;
      forceSignal(t, new SignalInfo(SIGFPE, fpeCode(regs.exitDetail)).setAddress(regs.rip));
      return;
    }
    case EXIT_SIMD:
      f.trapNumber = X86_TRAP_XF;
      forceSignal(t, new SignalInfo(SIGFPE, fpeCode(regs.exitDetail)).setAddress(regs.rip));
      return;
    default:
      throw new Error(`the platform left with reason ${reason}`);
  }
}

/** si_code of an unmasked floating-point exception (Linux fpu__exception_code). */
function fpeCode(flags: number): number {
  if (flags & 0x01) return FPE_FLTINV;
  if (flags & 0x04) return FPE_FLTDIV;
  if (flags & 0x08) return FPE_FLTOVF;
  if (flags & 0x12) return FPE_FLTUND;
  if (flags & 0x20) return FPE_FLTRES;
  return FPE_FLTINV;
}

function pageFault(t: Task): void {
  const regs = t.regs;
  const addr = regs.faultAddress;
  const access = regs.faultAccess;
  const code = regs.exitDetail;
  if (code === FAULT_USER) {
    const v = t.space.vmas.find(addr);
    if (v?.userfault instanceof Userfaultfd) t.waitForPage(v.userfault.report(t, addr, access === 1), RESUME_FAULT);
    return;
  }
  if (code === FAULT_OOM) {
    t.kernel.outOfMemory(t);
    return;
  }
  const f = t.fault;
  const signo = code & 0x7f || SIGSEGV;
  const siCode = code >> 8;
  if (siCode === SI_KERNEL) {
    f.trapNumber = X86_TRAP_GP;
    forceSignal(t, new SignalInfo(signo, SI_KERNEL));
    return;
  }
  f.trapNumber = X86_TRAP_PF;
  // Bits: 0 protection (the page is there), 1 write, 2 user, 4 fetch.
  f.errorCode = 4 | (access === 1 ? 2 : access === 2 ? 16 : 0) | (signo === SIGSEGV && (siCode === 2 || addr < 0) ? 1 : 0);
  f.address = addr;
  forceSignal(t, new SignalInfo(signo, siCode).setAddress(addr));
}

/** Kills the process with the most memory (weighted by oom_score_adj); the faulting access is tried again. */
export function killLargest(t: Task): void {
  let victim = t.threadGroup;
  let worst = -1;
  for (const other of t.kernel.madeTasks) {
    if (!other.isLeader || other.internal || other.mm === null) continue;
    // Somebody is dying already and will give memory back: that is worth waiting for (Linux oom_badness, MMF_OOM_SKIP).
    if (other.threadGroup.exiting) return;
    const adj = other.threadGroup.oomScoreAdj;
    if (adj === -1000) continue;
    const points = other.mm.rss + (adj * t.kernel.memory.total) / 1000;
    if (points > worst) {
      worst = points;
      victim = other.threadGroup;
    }
  }
  sendSignalToGroup(victim, SIGKILL, null);
}
