/** One decoded instruction. A decoder fills the same object again and again: nothing here outlives the next decode. */
import type { Form } from './forms.ts';

/** Longest instruction the processor takes. */
export const MAX_LENGTH = 15;
/** Values of `Insn.rep`. */
export const REPNE = 0xf2, REPE = 0xf3;

export class Insn {
  /** Linear address of the first byte, and of the byte behind the last. */
  address = 0;
  next = 0;
  /** Bytes taken so far; all of them once decoded. */
  length = 0;
  bytes: Uint8Array = new Uint8Array(MAX_LENGTH + 1);
  /** The row that matched; null when there is none. */
  form: Form | null = null;

  // Prefixes.
  /** 66 is present. */
  data16 = false;
  /** 67 is present. */
  address32 = false;
  lock = false;
  /** The last of F2 and F3, or 0. */
  rep = 0;
  /** FS or GS override: 4 or 5, or 0. */
  segment = 0;
  /** A REX prefix is present (it makes SPL…DIL of AH…BH). */
  rex = false;
  rexW = false;
  /** Bits 3 of the ModRM.reg, SIB.index and ModRM.rm/SIB.base/opcode register: 0 or 8. */
  rexR = 0;
  rexX = 0;
  rexB = 0;
  /** Encoded with a VEX prefix. */
  vex = false;
  /** VEX.vvvv: a register number. */
  vvvv = 0;
  /** VEX.L: 256-bit vectors. */
  wide = false;

  // Opcode and ModRM.
  /** 0 = one byte, 1 = 0F, 2 = 0F 38, 3 = 0F 3A; 4 more with a VEX prefix. */
  map = 0;
  opcode = 0;
  modrm = 0;
  /** ModRM.mod; 3 = the rm operand is a register. */
  mod = 0;
  /** ModRM.reg with REX.R. */
  reg = 0;
  /** ModRM.rm with REX.B (mod 3), or the register in the opcode's low bits with REX.B. */
  rm = 0;

  // Memory operand: base + index * 2^scale + disp, or next + disp.
  /** Register number or -1. */
  base = -1;
  index = -1;
  scale = 0;
  ripRelative = false;
  /** Signed 32 bits. */
  disp = 0;

  // Immediates, sign-extended: low and high halves; `imm` alone is enough for all but MOV r64,imm64 and MOV moffs.
  imm = 0;
  immHi = 0;
  /** Second immediate: ENTER's nesting level. */
  imm2 = 0;

  /** Operand size in bytes: 1 2 4 8. */
  size = 0;
  /** Mandatory-prefix column: 0 none, 1 66, 2 F2, 3 F3. */
  prefix = 0;

  /** Address at which `fetch` failed, after DECODE_FETCH_FAULT. */
  faultAddress = 0;
  /** Temp with the host address while a memory destination is open (operands.ts). */
  place = -1;

  /** True if the rm operand is in memory. */
  get isMemory(): boolean {
    return this.mod !== 3;
  }
  /** Target of a relative branch, wrapped to the canonical signed 64-bit range. */
  get target(): number {
    return this.next + this.imm;
  }
}
