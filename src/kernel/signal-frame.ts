/**
 * The x86-64 signal frame: what the guest's stack holds while a handler runs, bit for bit as Linux 6.18 builds it on a processor whose
 * XSAVE has x87 and SSE only. Source: arch/x86/kernel/signal_64.c, arch/x86/kernel/fpu/signal.c, include/uapi/asm/sigcontext.h.
 */
import { SA_ONSTACK, SA_RESTORER, SA_SIGINFO, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK } from '../abi/signal.ts';
import { GPR, RAX, RDI, RDX, RSI, RSP } from '../x86/cpu-layout.ts';
import type { SignalAction } from './signal-actions.ts';
import type { SignalInfo } from './signal-info.ts';
import { setBlocked } from './signal-send.ts';
import type { Task } from './task.ts';

/** struct rt_sigframe: return address, ucontext (304), siginfo (128). Bytes. */
const UCONTEXT = 8;
const UC_STACK = UCONTEXT + 16;
const MCONTEXT = UCONTEXT + 40;
const MC_RIP = MCONTEXT + 128;
const MC_EFLAGS = MCONTEXT + 136;
const MC_SELECTORS = MCONTEXT + 144;
const MC_ERR = MCONTEXT + 152;
const MC_FPSTATE = MCONTEXT + 184;
const UC_SIGMASK = MCONTEXT + 256;
const SIGINFO = UC_SIGMASK + 8;
const FRAME_SIZE = SIGINFO + 128;
/** General registers in the order of struct sigcontext: r8-r15, di, si, bp, bx, dx, ax, cx, sp. */
const SIGCONTEXT_REGS: readonly number[] = [8, 9, 10, 11, 12, 13, 14, 15, 7, 6, 5, 3, 2, 0, 1, 4];

/** Legacy FXSAVE area and XSAVE header; then the closing magic. */
const XSAVE_SIZE = 576;
const FP_XSTATE_MAGIC1 = 0x46505853;
const FP_XSTATE_MAGIC2 = 0x46505845;
const SW_RESERVED = 464;
const XSTATE_BV = 512;
/** UC_FP_XSTATE | UC_SIGCONTEXT_SS | UC_STRICT_RESTORE_SS */
const UC_FLAGS = 7;
const USER_CS = 0x33;
const USER_DS = 0x2b;
const REDZONE = 128;
/** Bits of RFLAGS that sigreturn takes: AC OF DF TF SF ZF AF PF CF RF. */
const FIX_EFLAGS = 0x50dd5;
const EFLAGS_ALWAYS = 0x202;

const frame: Uint8Array = new Uint8Array(FRAME_SIZE);
const frameView: DataView = new DataView(frame.buffer);
const frameWords: Int32Array = new Int32Array(frame.buffer);
const fpu: Uint8Array = new Uint8Array(XSAVE_SIZE + 4);
const fpuView: DataView = new DataView(fpu.buffer);

/** Linux on_sig_stack: `sp` is on the alternate stack. */
export function onAltStack(t: Task, sp: number): boolean {
  const s = t.signals;
  // With SS_AUTODISARM, the alternate stack is never "in use".
  if (s.altStackFlags & SS_AUTODISARM) return false;
  return sp > s.altStackBase && sp - s.altStackBase <= s.altStackSize;
}

/** Linux sas_ss_flags. */
export function altStackState(t: Task, sp: number): number {
  if (t.signals.altStackSize === 0) return SS_DISABLE;
  return onAltStack(t, sp) ? SS_ONSTACK : 0;
}

function put64(view: DataView, off: number, v: number): void {
  view.setUint32(off, v >>> 0, true);
  view.setInt32(off + 4, Math.floor(v / 4294967296), true);
}

/** Builds the frame for `info` and points the registers at the handler. False: the stack could not be written (the caller forces SIGSEGV). */
export function setupSignalFrame(t: Task, info: SignalInfo, action: SignalAction): boolean {
  const regs = t.regs;
  const s = t.signals;
  const space = t.space;
  const userSp = regs.getReg(RSP);
  let sp = userSp - REDZONE;
  const nowOnAlt = onAltStack(t, userSp);
  let entering = false;
  if (action.flags & SA_ONSTACK) {
    if (altStackState(t, sp) === 0) {
      sp = s.altStackBase + s.altStackSize;
      entering = true;
    }
  }
  if (!(action.flags & SA_RESTORER)) return false;
  sp = Math.floor((sp - (XSAVE_SIZE + 4)) / 64) * 64;
  const fpAddr = sp;
  sp -= FRAME_SIZE;
  sp = Math.floor(sp / 16) * 16 - 8;
  if (sp < 0) return false;
  // Overflow of the alternate stack is a fault, not a write below it.
  if ((nowOnAlt || entering) && !(sp > s.altStackBase && sp - s.altStackBase <= s.altStackSize) && !(s.altStackFlags & SS_AUTODISARM && !entering)) return false;

  regs.saveFx(fpu, 0);
  fpu.fill(0, XSTATE_BV, XSAVE_SIZE);
  fpuView.setUint32(XSTATE_BV, 3, true);
  fpuView.setUint32(SW_RESERVED, FP_XSTATE_MAGIC1, true);
  fpuView.setUint32(SW_RESERVED + 4, XSAVE_SIZE + 4, true);
  fpuView.setUint32(SW_RESERVED + 8, 3, true);
  fpuView.setUint32(SW_RESERVED + 12, 0, true);
  fpuView.setUint32(SW_RESERVED + 16, XSAVE_SIZE, true);
  for (let i = 20; i < 48; i += 4) fpuView.setUint32(SW_RESERVED + i, 0, true);
  fpuView.setUint32(XSAVE_SIZE, FP_XSTATE_MAGIC2, true);
  if (space.writeBytes(fpAddr, fpu) !== 0) return false;

  put64(frameView, 0, action.restorer);
  put64(frameView, UCONTEXT, UC_FLAGS);
  put64(frameView, UCONTEXT + 8, 0);
  put64(frameView, UC_STACK, s.altStackBase);
  frameView.setInt32(UC_STACK + 8, s.altStackFlags, true);
  frameView.setInt32(UC_STACK + 12, 0, true);
  put64(frameView, UC_STACK + 16, s.altStackSize);
  const i32 = space.pm.i32;
  const gpr = (t.cpu + GPR) >> 2;
  for (let i = 0; i < 16; i++) {
    const r = gpr + SIGCONTEXT_REGS[i]! * 2; // 16 entries
    frameWords[(MCONTEXT >> 2) + i * 2] = i32[r]!;
    frameWords[(MCONTEXT >> 2) + i * 2 + 1] = i32[r + 1]!;
  }
  put64(frameView, MC_RIP, regs.rip);
  put64(frameView, MC_EFLAGS, regs.getEflags());
  frameView.setUint16(MC_SELECTORS, USER_CS, true);
  frameView.setUint16(MC_SELECTORS + 2, 0, true);
  frameView.setUint16(MC_SELECTORS + 4, 0, true);
  frameView.setUint16(MC_SELECTORS + 6, USER_DS, true);
  put64(frameView, MC_ERR, t.fault.errorCode);
  put64(frameView, MC_ERR + 8, t.fault.trapNumber);
  const mask = t.workRestoresMask ? s.savedMask : s.blocked;
  frameView.setInt32(MC_ERR + 16, mask.lo, true);
  frameView.setInt32(MC_ERR + 20, mask.hi, true);
  put64(frameView, MC_ERR + 24, t.fault.address);
  put64(frameView, MC_FPSTATE, fpAddr);
  for (let i = MC_FPSTATE + 8; i < UC_SIGMASK; i += 4) frameView.setInt32(i, 0, true);
  frameView.setInt32(UC_SIGMASK, mask.lo, true);
  frameView.setInt32(UC_SIGMASK + 4, mask.hi, true);
  info.write(frameView, SIGINFO);
  if (space.writeBytes(sp, frame, 0, action.flags & SA_SIGINFO ? FRAME_SIZE : SIGINFO) !== 0) return false;

  if (s.altStackFlags & SS_AUTODISARM) {
    s.altStackBase = s.altStackSize = 0;
    s.altStackFlags = SS_DISABLE;
  }
  regs.setReg(RDI, info.signo);
  regs.setReg(RAX, 0);
  regs.setReg(RSI, sp + SIGINFO);
  regs.setReg(RDX, sp + UCONTEXT);
  regs.setReg(RSP, sp);
  regs.rip = action.handler;
  // The handler starts with direction, resume and trap flag clear.
  regs.setEflags(regs.getEflags() & ~0x10500);
  return true;
}

/** rt_sigreturn: takes the registers, mask and alternate stack back from the frame. False: the frame is bad (the caller forces SIGSEGV). */
export function restoreSignalFrame(t: Task): boolean {
  const regs = t.regs;
  const space = t.space;
  const sp = regs.getReg(RSP) - 8;
  if (space.readBytes(sp, frame, 0, SIGINFO) !== 0) return false;
  const flags = frameView.getInt32(UCONTEXT, true);
  setBlocked(t, frameView.getInt32(UC_SIGMASK, true), frameView.getInt32(UC_SIGMASK + 4, true));
  const i32 = space.pm.i32;
  const gpr = (t.cpu + GPR) >> 2;
  for (let i = 0; i < 16; i++) {
    const r = gpr + SIGCONTEXT_REGS[i]! * 2; // 16 entries
    i32[r] = frameWords[(MCONTEXT >> 2) + i * 2]!;
    i32[r + 1] = frameWords[(MCONTEXT >> 2) + i * 2 + 1]!;
  }
  regs.rip = frameView.getUint32(MC_RIP, true) + frameView.getUint32(MC_RIP + 4, true) * 4294967296;
  regs.setEflags((frameView.getInt32(MC_EFLAGS, true) & FIX_EFLAGS) | (regs.getEflags() & ~FIX_EFLAGS) | EFLAGS_ALWAYS);
  t.syscall.nr = -1;
  const fpAddr = frameView.getUint32(MC_FPSTATE, true) + frameView.getUint32(MC_FPSTATE + 4, true) * 4294967296;
  if (fpAddr === 0) regs.resetFpu();
  else {
    if (space.readBytes(fpAddr, fpu, 0, 512) !== 0) return false;
    let extended = false;
    if (flags & 1 && fpuView.getUint32(SW_RESERVED, true) === FP_XSTATE_MAGIC1 && fpuView.getUint32(SW_RESERVED + 16, true) <= XSAVE_SIZE) {
      if (space.readBytes(fpAddr + 512, fpu, 512, XSAVE_SIZE + 4 - 512) !== 0) return false;
      extended = fpuView.getUint32(XSAVE_SIZE, true) === FP_XSTATE_MAGIC2;
    }
    // Without the magic numbers the image is a plain FXSAVE one.
    if (!extended) {
      fpuView.setUint32(XSTATE_BV, 3, true);
      fpuView.setUint32(XSTATE_BV + 4, 0, true);
    }
    // State components that the header leaves out go to their initial state.
    const present = fpuView.getUint32(XSTATE_BV, true);
    if ((present & ~3) !== 0 || fpuView.getUint32(XSTATE_BV + 8, true) !== 0) return false;
    if (!regs.restoreFx(fpu, 0)) return false;
  }
  restoreAltStack(t);
  return true;
}

function restoreAltStack(t: Task): void {
  const s = t.signals;
  const flags = frameView.getInt32(UC_STACK + 8, true);
  // A frame that disarmed the stack (SS_AUTODISARM) arms it again; errors are ignored, as Linux's restore_altstack does.
  if (onAltStack(t, t.regs.getReg(RSP))) return;
  if (flags & SS_DISABLE) {
    s.altStackBase = s.altStackSize = 0;
    s.altStackFlags = flags & (SS_DISABLE | SS_AUTODISARM);
    return;
  }
  s.altStackBase = frameView.getUint32(UC_STACK, true) + frameView.getUint32(UC_STACK + 4, true) * 4294967296;
  s.altStackSize = frameView.getUint32(UC_STACK + 16, true) + frameView.getUint32(UC_STACK + 20, true) * 4294967296;
  s.altStackFlags = flags & SS_AUTODISARM;
}
