/**
 * The x86-64 signal frame: what the guest's stack holds while a handler runs, bit for bit as Linux 6.18 builds it on a processor whose
 * XSAVE has x87 and SSE only. Source: arch/x86/kernel/signal_64.c, arch/x86/kernel/fpu/signal.c, include/uapi/asm/sigcontext.h.
 */
import { SA_ONSTACK, SA_RESTORER, SA_SIGINFO, SS_AUTODISARM, SS_DISABLE, SS_ONSTACK } from '../abi/signal.ts';
import { GPR, RAX, RDI, RDX, RSI, RSP } from '../x86/cpu-layout.ts';
import type { AddressSpace } from '../memory/address-space.ts';
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

/** Where in linear memory `length` bytes for user address `addr` are put together: in place if they lie in one page, else in the scratch frame. 0: EFAULT. */
function stage(space: AddressSpace, addr: number, length: number): number {
  return (addr % 4096) + length <= 4096 ? space.writable(addr) : space.pm.scratchFrame * 4096;
}
/** Brings what was staged to its place. False: EFAULT. */
function commit(space: AddressSpace, addr: number, at: number, length: number): boolean {
  const { pm } = space;
  return at >>> 12 !== pm.scratchFrame || space.writeBytes(addr, pm.u8, at, length) === 0;
}
/** Offset in linear memory of `length` readable bytes at `addr`, in place or copied to the scratch frame; 0: EFAULT. */
function fetch(space: AddressSpace, addr: number, length: number): number {
  if ((addr % 4096) + length <= 4096) return space.readable(addr);
  const at = space.pm.scratchFrame * 4096;
  return space.readBytes(addr, space.pm.u8, at, length) === 0 ? at : 0;
}

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

/** Stores a 64-bit value at word `k`. */
function put64(words: Int32Array, k: number, v: number): void {
  words[k] = v | 0;
  words[k + 1] = Math.floor(v / 4294967296);
}
const get64 = (words: Uint32Array, k: number): number => words[k]! + words[k + 1]! * 4294967296;

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

  const { i32, u8 } = space.pm;
  const fpuAt = stage(space, fpAddr, XSAVE_SIZE + 4);
  if (fpuAt === 0) return false;
  regs.saveFx(u8, fpuAt);
  const fpu = fpuAt >> 2;
  i32.fill(0, fpu + (SW_RESERVED >> 2), fpu + (XSAVE_SIZE >> 2));
  i32[fpu + (XSTATE_BV >> 2)] = 3;
  i32[fpu + (SW_RESERVED >> 2)] = FP_XSTATE_MAGIC1;
  i32[fpu + (SW_RESERVED >> 2) + 1] = XSAVE_SIZE + 4;
  i32[fpu + (SW_RESERVED >> 2) + 2] = 3;
  i32[fpu + (SW_RESERVED >> 2) + 4] = XSAVE_SIZE;
  i32[fpu + (XSAVE_SIZE >> 2)] = FP_XSTATE_MAGIC2;
  if (!commit(space, fpAddr, fpuAt, XSAVE_SIZE + 4)) return false;

  const size = action.flags & SA_SIGINFO ? FRAME_SIZE : SIGINFO;
  const at = stage(space, sp, size);
  if (at === 0) return false;
  const frame = at >> 2;
  put64(i32, frame, action.restorer);
  i32.fill(0, frame + (UCONTEXT >> 2), frame + (SIGINFO >> 2));
  i32[frame + (UCONTEXT >> 2)] = UC_FLAGS;
  put64(i32, frame + (UC_STACK >> 2), s.altStackBase);
  i32[frame + (UC_STACK >> 2) + 2] = s.altStackFlags;
  put64(i32, frame + (UC_STACK >> 2) + 4, s.altStackSize);
  const gpr = (t.cpu + GPR) >> 2;
  for (let i = 0; i < 16; i++) {
    const r = gpr + SIGCONTEXT_REGS[i]! * 2; // 16 entries
    i32[frame + (MCONTEXT >> 2) + i * 2] = i32[r]!;
    i32[frame + (MCONTEXT >> 2) + i * 2 + 1] = i32[r + 1]!;
  }
  put64(i32, frame + (MC_RIP >> 2), regs.rip);
  i32[frame + (MC_EFLAGS >> 2)] = regs.getEflags();
  i32[frame + (MC_SELECTORS >> 2)] = USER_CS;
  i32[frame + (MC_SELECTORS >> 2) + 1] = USER_DS << 16;
  put64(i32, frame + (MC_ERR >> 2), t.fault.errorCode);
  put64(i32, frame + (MC_ERR >> 2) + 2, t.fault.trapNumber);
  const mask = t.workRestoresMask ? s.savedMask : s.blocked;
  i32[frame + (MC_ERR >> 2) + 4] = mask.lo;
  i32[frame + (MC_ERR >> 2) + 5] = mask.hi;
  put64(i32, frame + (MC_ERR >> 2) + 6, t.fault.address);
  put64(i32, frame + (MC_FPSTATE >> 2), fpAddr);
  i32[frame + (UC_SIGMASK >> 2)] = mask.lo;
  i32[frame + (UC_SIGMASK >> 2) + 1] = mask.hi;
  if (size === FRAME_SIZE) info.writeWords(i32, frame + (SIGINFO >> 2));
  if (!commit(space, sp, at, size)) return false;

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
  // Linux copies what it needs piece by piece; an address that is not a multiple of 4 is possible, so the words are read from a copy then.
  const { i32, u32, u8 } = space.pm;
  let at = fetch(space, sp, SIGINFO);
  if (at === 0) return false;
  if (at & 3) at = realign(space, at, SIGINFO);
  const frame = at >> 2;
  const flags = i32[frame + (UCONTEXT >> 2)]!;
  const gpr = (t.cpu + GPR) >> 2;
  for (let i = 0; i < 16; i++) {
    const r = gpr + SIGCONTEXT_REGS[i]! * 2; // 16 entries
    i32[r] = i32[frame + (MCONTEXT >> 2) + i * 2]!;
    i32[r + 1] = i32[frame + (MCONTEXT >> 2) + i * 2 + 1]!;
  }
  regs.rip = get64(u32, frame + (MC_RIP >> 2));
  regs.setEflags((i32[frame + (MC_EFLAGS >> 2)]! & FIX_EFLAGS) | (regs.getEflags() & ~FIX_EFLAGS) | EFLAGS_ALWAYS);
  t.syscall.nr = -1;
  const fpAddr = get64(u32, frame + (MC_FPSTATE >> 2));
  const stackFlags = i32[frame + (UC_STACK >> 2) + 2]!;
  const stackBase = get64(u32, frame + (UC_STACK >> 2));
  const stackSize = get64(u32, frame + (UC_STACK >> 2) + 4);
  setBlocked(t, i32[frame + (UC_SIGMASK >> 2)]!, i32[frame + (UC_SIGMASK >> 2) + 1]!);
  if (fpAddr === 0) regs.resetFpu();
  else {
    let fpuAt = fetch(space, fpAddr, 512);
    if (fpuAt === 0) return false;
    if (fpuAt & 3) fpuAt = realign(space, fpuAt, 512);
    const fpu = fpuAt >> 2;
    let extended = false;
    if (flags & 1 && u32[fpu + (SW_RESERVED >> 2)] === FP_XSTATE_MAGIC1 && u32[fpu + (SW_RESERVED >> 2) + 4]! <= XSAVE_SIZE) {
      fpuAt = fetch(space, fpAddr, XSAVE_SIZE + 4);
      if (fpuAt === 0) return false;
      if (fpuAt & 3) fpuAt = realign(space, fpuAt, XSAVE_SIZE + 4);
      extended = u32[(fpuAt + XSAVE_SIZE) >> 2] === FP_XSTATE_MAGIC2;
    }
    // Without the magic numbers the image is a plain FXSAVE one.
    if (!(extended ? regs.restoreXsave(u8, fpuAt) : regs.restoreFx(u8, fpuAt))) return false;
  }
  restoreAltStack(t, stackFlags, stackBase, stackSize);
  return true;
}

/** Copies what was fetched to a multiple of 4 in the scratch frame. */
function realign(space: AddressSpace, at: number, length: number): number {
  const to = space.pm.scratchFrame * 4096;
  space.pm.u8.copyWithin(to, at, at + length);
  return to;
}

function restoreAltStack(t: Task, flags: number, base: number, size: number): void {
  const s = t.signals;
  // A frame that disarmed the stack (SS_AUTODISARM) arms it again; errors are ignored, as Linux's restore_altstack does.
  if (onAltStack(t, t.regs.getReg(RSP))) return;
  if (flags & SS_DISABLE) {
    s.altStackBase = s.altStackSize = 0;
    s.altStackFlags = flags & (SS_DISABLE | SS_AUTODISARM);
    return;
  }
  s.altStackBase = base;
  s.altStackSize = size;
  s.altStackFlags = flags & SS_AUTODISARM;
}
