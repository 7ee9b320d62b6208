/** The CPU state of one task, as the kernel reads and writes it: registers, flags, and the FXSAVE image that signal frames and ptrace use. */
import {
  CC_AUX, CC_DST, CC_OP, CC_SRC, CPU_STATE_SIZE, DF_STEP, EFLAGS_OTHER, EXIT_DETAIL, EXIT_REASON, FAULT_ACCESS, FAULT_ADDR, FP_SLOW, FPU_CW, FPU_DP, FPU_IP,
  FPU_OPCODE, FPU_SW, FPU_TAG, FPU_TOP, FS_BASE, GPR, GS_BASE, MXCSR, RIP, RSP, ST, PLATFORM_STATE, XMM,
} from './cpu-layout.ts';
import { ARITH_FLAGS, DF, FLAGS_RAW, IF, materialise, RF } from './flags.ts';

/** The views of linear memory that registers live in. */
export interface StateMemory {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
}

/** RFLAGS bits that user mode can change: the arithmetic ones, TF, DF, NT, AC, ID. Source: SDM vol. 1, 3.4.3; POPF at CPL 3. */
export const USER_FLAGS: number = ARITH_FLAGS | 0x100 | DF | 0x4000 | RF | 0x40000 | 0x200000;
/** Value of MXCSR after reset and execve: all exceptions masked, round to nearest. */
export const MXCSR_DEFAULT = 0x1f80;
/** MXCSR bits that exist. Source: SDM vol. 1, 11.6.6. */
export const MXCSR_MASK = 0xffff;
/** Bytes of an FXSAVE image. */
export const FXSAVE_SIZE = 512;
/** Bytes of an XSAVE image with nothing beyond x87 and SSE. */
export const XSAVE_SIZE = 576;
/** Bits of XCR0 and XSTATE_BV. */
export const XSTATE_X87 = 1, XSTATE_SSE = 2;

export class CpuState {
  readonly memory: StateMemory;
  /** Offset of the state block in linear memory. */
  readonly at: number;
  constructor(memory: StateMemory, at: number) {
    this.memory = memory;
    this.at = at;
  }

  /** The i32 at a byte offset of the state. */
  i32(offset: number): number {
    return this.memory.i32[(this.at + offset) >> 2]!;
  }
  setI32(offset: number, v: number): void {
    this.memory.i32[(this.at + offset) >> 2] = v;
  }
  /** The i64 at a byte offset as a number: exact between -2^53 and 2^53. */
  private i64(offset: number): number {
    const k = (this.at + offset) >> 2;
    const m = this.memory.i32;
    return m[k + 1]! * 4294967296 + (m[k]! >>> 0);
  }
  private setI64(offset: number, v: number): void {
    const k = (this.at + offset) >> 2;
    const m = this.memory.i32;
    m[k] = v | 0;
    m[k + 1] = Math.floor(v / 4294967296);
  }

  /** General register r, signed, exact between -2^53 and 2^53 (use the halves for arbitrary 64-bit values). */
  getReg(r: number): number {
    return this.i64(GPR + r * 8);
  }
  regLo(r: number): number {
    return this.i32(GPR + r * 8);
  }
  regHi(r: number): number {
    return this.i32(GPR + r * 8 + 4);
  }
  setReg(r: number, v: number): void {
    this.setI64(GPR + r * 8, v);
  }
  setRegParts(r: number, lo: number, hi: number): void {
    this.setI32(GPR + r * 8, lo);
    this.setI32(GPR + r * 8 + 4, hi);
  }

  get rip(): number {
    return this.i64(RIP);
  }
  set rip(v: number) {
    this.setI64(RIP, v);
  }
  get rsp(): number {
    return this.i64(GPR + RSP * 8);
  }
  set rsp(v: number) {
    this.setI64(GPR + RSP * 8, v);
  }
  get fsBase(): number {
    return this.i64(FS_BASE);
  }
  set fsBase(v: number) {
    this.setI64(FS_BASE, v);
  }
  get gsBase(): number {
    return this.i64(GS_BASE);
  }
  set gsBase(v: number) {
    this.setI64(GS_BASE, v);
  }
  get exitReason(): number {
    return this.i32(EXIT_REASON);
  }
  get exitDetail(): number {
    return this.i32(EXIT_DETAIL);
  }
  get faultAddress(): number {
    return this.i64(FAULT_ADDR);
  }
  get faultAccess(): number {
    return this.i32(FAULT_ACCESS);
  }

  /** RFLAGS, with the lazy flags computed; IF and bit 1 are always set. */
  getEflags(): number {
    const arithmetic = materialise(
      this.i32(CC_OP), this.i32(CC_DST), this.i32(CC_DST + 4), this.i32(CC_SRC), this.i32(CC_SRC + 4), this.i32(CC_AUX),
    );
    return (this.i32(EFLAGS_OTHER) & ~ARITH_FLAGS) | arithmetic | IF | 2;
  }
  /** Sets the bits that user mode may change (USER_FLAGS) from `v`. */
  setEflags(v: number): void {
    this.setI32(CC_OP, FLAGS_RAW << 2);
    this.setI32(CC_SRC, v & ARITH_FLAGS);
    this.setI32(CC_SRC + 4, 0);
    this.setI32(EFLAGS_OTHER, (v & USER_FLAGS & ~ARITH_FLAGS) | IF | 2);
    this.setI32(DF_STEP, v & DF ? -1 : 1);
  }

  get mxcsr(): number {
    return this.i32(MXCSR);
  }
  /** Sets MXCSR and what hangs on it: whether SSE arithmetic takes the exact path. */
  set mxcsr(v: number) {
    this.setI32(MXCSR, v);
    const special = (v & 0xe040) !== 0 || (v & 0x1f80) !== 0x1f80;
    this.setI32(FP_SLOW, (this.i32(FP_SLOW) & 2) | (special ? 1 : 0));
  }

  /** Everything as execve leaves it: registers 0, flags clear, FPU and SSE in their initial state. Bases included. */
  reset(): void {
    this.memory.u8.fill(0, this.at, this.at + PLATFORM_STATE);
    this.setI32(FP_SLOW, 0);
    this.setEflags(0);
    this.resetFpu();
  }
  /** The x87 and SSE registers as FNINIT and a fresh MXCSR leave them. */
  resetFpu(): void {
    this.memory.u8.fill(0, this.at + XMM, this.at + PLATFORM_STATE);
    this.setI32(FPU_CW, 0x37f);
    this.setI32(FPU_SW, 0);
    this.setI32(FPU_TOP, 0);
    this.setI32(FPU_TAG, 0);
    this.setI32(FPU_OPCODE, 0);
    this.setI64(FPU_IP, 0);
    this.setI64(FPU_DP, 0);
    this.mxcsr = MXCSR_DEFAULT;
  }
  /** Copies all architectural state to another block (fork, clone); what belongs to the platform is left as it is there. */
  copyTo(other: CpuState): void {
    other.memory.u8.set(this.memory.u8.subarray(this.at, this.at + PLATFORM_STATE), other.at);
    other.setI32(FP_SLOW, this.i32(FP_SLOW));
  }
  /** The same, the other way round. */
  copyFrom(other: CpuState): void {
    other.copyTo(this);
  }
  /** All bytes of the block, for a checkpoint. */
  bytes(): Uint8Array {
    return this.memory.u8.subarray(this.at, this.at + CPU_STATE_SIZE);
  }

  /** Writes the 512-byte FXSAVE image (64-bit form) to `out` at `off`; bytes 464-511 are left alone, as the processor leaves them. SDM vol. 2, FXSAVE. */
  saveFx(out: Uint8Array, off: number): void {
    const u8 = this.memory.u8;
    const top = this.i32(FPU_TOP) & 7;
    out.fill(0, off, off + 464);
    put16(out, off, this.i32(FPU_CW));
    put16(out, off + 2, (this.i32(FPU_SW) & ~0x3800) | (top << 11));
    out[off + 4] = this.i32(FPU_TAG);
    put16(out, off + 6, this.i32(FPU_OPCODE));
    copyBytes(out, off + 8, u8, this.at + FPU_IP, 16);
    put16(out, off + 24, this.mxcsr);
    put16(out, off + 28, MXCSR_MASK);
    const high = (8 - top) * 16;
    copyBytes(out, off + 32, u8, this.at + ST + top * 16, high);
    if (top !== 0) copyBytes(out, off + 32 + high, u8, this.at + ST, top * 16);
    clearPadding(out, off + 32);
    copyBytes(out, off + 160, u8, this.at + XMM, 256);
  }
  /** Loads an FXSAVE image. False if MXCSR has bits that do not exist (the instruction's #GP): nothing is changed. */
  restoreFx(from: Uint8Array, off: number): boolean {
    const mxcsr = get16(from, off + 24) | (get16(from, off + 26) << 16);
    if (mxcsr & ~MXCSR_MASK) return false;
    const u8 = this.memory.u8;
    const status = get16(from, off + 2);
    const top = (status >> 11) & 7;
    this.setI32(FPU_CW, get16(from, off));
    this.setI32(FPU_SW, status & ~0x3800);
    this.setI32(FPU_TOP, top);
    this.setI32(FPU_TAG, from[off + 4]!);
    this.setI32(FPU_OPCODE, get16(from, off + 6) & 0x7ff);
    copyBytes(u8, this.at + FPU_IP, from, off + 8, 16);
    const high = (8 - top) * 16;
    copyBytes(u8, this.at + ST + top * 16, from, off + 32, high);
    if (top !== 0) copyBytes(u8, this.at + ST, from, off + 32 + high, top * 16);
    clearPadding(u8, this.at + ST);
    copyBytes(u8, this.at + XMM, from, off + 160, 256);
    this.mxcsr = mxcsr;
    return true;
  }

  /** Writes an XSAVE image with the x87 and SSE components to `out` at `off`: the FXSAVE image and the 64-byte header. SDM vol. 1, 13.4. */
  saveXsave(out: Uint8Array, off: number): void {
    this.saveFx(out, off);
    out.fill(0, off + FXSAVE_SIZE, off + XSAVE_SIZE);
    out[off + FXSAVE_SIZE] = XSTATE_X87 | XSTATE_SSE;
  }
  /**
   * Loads an XSAVE image; components whose XSTATE_BV bit is clear get their initial state. False, with nothing changed, if the header or MXCSR
   * has reserved bits (the instruction's #GP).
   */
  restoreXsave(from: Uint8Array, off: number): boolean {
    const header = off + FXSAVE_SIZE;
    const present = from[header]!;
    if (present & ~(XSTATE_X87 | XSTATE_SSE)) return false;
    for (let k = 1; k < 24; k++) if (from[header + k] !== 0) return false;
    if (!this.restoreFx(from, off)) return false;
    const mxcsr = this.mxcsr;
    if ((present & XSTATE_X87) === 0) {
      this.memory.u8.fill(0, this.at + ST, this.at + ST + 128);
      this.setI32(FPU_CW, 0x37f);
      for (const field of [FPU_SW, FPU_TOP, FPU_TAG, FPU_OPCODE, FPU_IP, FPU_IP + 4, FPU_DP, FPU_DP + 4]) this.setI32(field, 0);
    }
    if ((present & XSTATE_SSE) === 0) this.memory.u8.fill(0, this.at + XMM, this.at + XMM + 256);
    this.mxcsr = mxcsr;
    return true;
  }
}

/** Inside one buffer (the frame of a signal lies in linear memory, as the state does) this makes no view. */
function copyBytes(to: Uint8Array, at: number, from: Uint8Array, start: number, length: number): void {
  if (to === from) to.copyWithin(at, start, start + length);
  else to.set(from.subarray(start, start + length), at);
}
/** Zeros behind each of the eight x87 registers: 10 bytes of 16 are used. */
function clearPadding(u8: Uint8Array, at: number): void {
  for (let k = at + 10; k < at + 128; k += 16) u8[k] = u8[k + 1] = u8[k + 2] = u8[k + 3] = u8[k + 4] = u8[k + 5] = 0;
}
function put16(out: Uint8Array, off: number, v: number): void {
  out[off] = v;
  out[off + 1] = v >> 8;
}
function get16(from: Uint8Array, off: number): number {
  return from[off]! | (from[off + 1]! << 8);
}
