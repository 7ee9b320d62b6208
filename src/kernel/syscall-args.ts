/** The six arguments of a system call, read straight from the saved registers: nothing is copied and nothing allocated. */
import { GPR, R10, R8, R9, RDI, RDX, RSI } from '../x86/cpu-layout.ts';

/** Word (4 bytes) offset of argument i from the start of the CPU state: RDI RSI RDX R10 R8 R9. */
const SLOT: Int32Array = Int32Array.of(RDI, RSI, RDX, R10, R8, R9).map((r) => (GPR >> 2) + r * 2);

/**
 * One instance serves the kernel; `base` points at the calling task's CPU state while its handler runs.
 * A handler must not keep it. Each accessor says what the C type of the parameter is.
 */
export class SyscallArgs {
  readonly i32: Int32Array;
  /** CPU state offset / 4. */
  base = 0;
  constructor(i32: Int32Array) {
    this.i32 = i32;
  }
  /** `int`: the low 32 bits, signed. */
  int(i: number): number {
    return this.i32[this.base + SLOT[i]!]!;
  }
  /** `unsigned int`, mode_t, uid_t. */
  u32(i: number): number {
    return this.i32[this.base + SLOT[i]!]! >>> 0;
  }
  /** `int` file descriptor (what is above the low 32 bits is ignored, as Linux does for an `unsigned int fd`). */
  fd(i: number): number {
    return this.i32[this.base + SLOT[i]!]!;
  }
  /** `long`: signed 64 bits, as a number. Exact below 2^53 in magnitude; larger values are rounded and fail any range check the same way. */
  long(i: number): number {
    const at = this.base + SLOT[i]!;
    return this.i32[at + 1]! * 4294967296 + (this.i32[at]! >>> 0);
  }
  /** A user address: unsigned; anything at or above 2^63 comes out ≥ 2^63, which no address check lets through. */
  addr(i: number): number {
    const at = this.base + SLOT[i]!;
    return (this.i32[at + 1]! >>> 0) * 4294967296 + (this.i32[at]! >>> 0);
  }
  /** `size_t` / `unsigned long`. */
  size(i: number): number {
    const at = this.base + SLOT[i]!;
    return (this.i32[at + 1]! >>> 0) * 4294967296 + (this.i32[at]! >>> 0);
  }
  /** Low and high words, where all 64 bits matter (masks, values that are passed on). Signed. */
  lo(i: number): number {
    return this.i32[this.base + SLOT[i]!]!;
  }
  hi(i: number): number {
    return this.i32[this.base + SLOT[i]! + 1]!;
  }
  /** Sets argument i, for callers that make their own: any integer that a 64-bit register holds. */
  set(i: number, value: number): void {
    const at = this.base + SLOT[i]!;
    this.i32[at] = value % 4294967296;
    this.i32[at + 1] = Math.floor(value / 4294967296);
  }
}
