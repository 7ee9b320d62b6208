/** Emits conditions on lazy flags of a known kind: operands in locals, result i32 0/1 on the stack. See x86/flags.ts for the kinds. */
import type { CodeWriter } from '../wasm/code-writer.ts';
import {
  CC_A, CC_AE, CC_B, CC_BE, CC_E, CC_G, CC_GE, CC_L, CC_LE, CC_NE, CC_NO, CC_NP, CC_NS, CC_O, CC_P, CC_S, CF, FLAGS_ADC, FLAGS_ADD, FLAGS_CARRY, FLAGS_DEC, FLAGS_FLOAT, FLAGS_INC,
  FLAGS_LOGIC, FLAGS_RAW, FLAGS_ROTATE, FLAGS_SBB, FLAGS_SHIFT, FLAGS_SUB, OF, PF, SF, ZF,
} from '../x86/flags.ts';

/** Locals that hold the lazy flags. */
export interface FlagLocals {
  dst: number;
  src: number;
  aux: number;
}

const I32_EQZ = 0x45, I32_NE = 0x47, I32_AND = 0x71, I32_OR = 0x72, I32_XOR = 0x73, I32_SHR_U = 0x76, I32_POPCNT = 0x69, I32_WRAP = 0xa7;
const I64_EQZ = 0x50, I64_EQ = 0x51, I64_NE = 0x52, I64_LT_S = 0x53, I64_LT_U = 0x54, I64_GT_U = 0x56, I64_LE_S = 0x57, I64_LE_U = 0x58, I64_GT_S = 0x55, I64_GE_S = 0x59, I64_GE_U = 0x5a;
const I64_SUB = 0x7d, I64_AND = 0x83, I64_XOR = 0x85, I64_SHL = 0x86, I64_SHR_U = 0x88;
const F64_NE = 0x62, F64_LT = 0x63, F64_GT = 0x64, F64_GE = 0x66, F64_REINTERPRET_I64 = 0xbf;
const I32_LT_S = 0x48, I32_GT_S = 0x4a, I32_LE_S = 0x4c, I32_GE_S = 0x4e;

/** True if the kind's second operand (src) is part of its state. */
export function kindUsesSrc(kind: number): boolean {
  return kind === FLAGS_RAW || kind === FLAGS_ADD || kind === FLAGS_ADC || kind === FLAGS_SUB || kind === FLAGS_SBB || kind === FLAGS_CARRY || kind === FLAGS_ROTATE || kind === FLAGS_FLOAT;
}
export function kindUsesDst(kind: number): boolean {
  return kind !== FLAGS_RAW && kind !== FLAGS_CARRY && kind !== FLAGS_ROTATE;
}
export function kindUsesAux(kind: number): boolean {
  return kind === FLAGS_ADC || kind === FLAGS_SBB || kind === FLAGS_INC || kind === FLAGS_DEC || kind === FLAGS_SHIFT || kind === FLAGS_CARRY || kind === FLAGS_ROTATE;
}

export class FlagsEmitter {
  private w!: CodeWriter;
  private l!: FlagLocals;

  /** Condition `cc` of flags of kind `op` = kind * 4 + log2(size). */
  condition(w: CodeWriter, l: FlagLocals, op: number, cc: number): void {
    this.w = w;
    this.l = l;
    const kind = op >> 2;
    const size = op & 3;
    switch (kind) {
      case FLAGS_SUB:
        if (this.subtraction(size, cc)) return;
        break;
      case FLAGS_LOGIC:
        if (this.logic(size, cc)) return;
        break;
      case FLAGS_RAW:
        this.raw(cc);
        return;
      case FLAGS_FLOAT:
        this.float(cc);
        return;
    }
    switch (cc) {
      case CC_O: this.overflow(kind, size); break;
      case CC_NO: this.overflow(kind, size); this.not(); break;
      case CC_B: this.carry(kind, size); break;
      case CC_AE: this.carry(kind, size); this.not(); break;
      case CC_E: this.zero(kind, size, false); break;
      case CC_NE: this.zero(kind, size, true); break;
      case CC_BE: this.carry(kind, size); this.zero(kind, size, false); w.byte(I32_OR); break;
      case CC_A: this.carry(kind, size); this.zero(kind, size, false); w.byte(I32_OR); this.not(); break;
      case CC_S: this.sign(kind, size); break;
      case CC_NS: this.sign(kind, size); this.not(); break;
      case CC_P: this.parity(kind); break;
      case CC_NP: this.parity(kind); this.not(); break;
      case CC_L: this.less(kind, size); break;
      case CC_GE: this.less(kind, size); this.not(); break;
      case CC_LE: this.less(kind, size); this.zero(kind, size, false); w.byte(I32_OR); break;
      case CC_G: this.less(kind, size); this.zero(kind, size, false); w.byte(I32_OR); this.not(); break;
    }
  }

  /** The six flags at their EFLAGS positions. */
  eflags(w: CodeWriter, l: FlagLocals, op: number): void {
    this.w = w;
    this.l = l;
    const kind = op >> 2;
    const size = op & 3;
    if (kind === FLAGS_RAW) {
      w.localGet(l.src);
      w.byte(I32_WRAP);
      return;
    }
    if (kind === FLAGS_FLOAT) {
      this.float(CC_B);
      this.float(CC_P);
      this.shiftOr(2);
      this.float(CC_E);
      this.shiftOr(6);
      return;
    }
    this.carry(kind, size);
    this.parity(kind);
    this.shiftOr(2);
    this.adjust(kind);
    this.shiftOr(4);
    this.zero(kind, size, false);
    this.shiftOr(6);
    this.sign(kind, size);
    this.shiftOr(7);
    this.overflow(kind, size);
    this.shiftOr(11);
  }

  private shiftOr(bit: number): void {
    this.w.i32Const(bit);
    this.w.byte(0x74);
    this.w.byte(I32_OR);
  }
  private not(): void {
    this.w.byte(I32_EQZ);
  }

  /** A local as a signed value of the operand size: i32 for sizes below 8. */
  private signed(local: number, size: number): void {
    const { w } = this;
    w.localGet(local);
    if (size === 3) return;
    w.byte(I32_WRAP);
    if (size === 0) w.byte(0xc0);
    else if (size === 1) w.byte(0xc1);
  }

  private subtraction(size: number, cc: number): boolean {
    const { w, l } = this;
    const unsigned = (op: number): boolean => {
      w.localGet(l.dst);
      w.localGet(l.src);
      w.byte(op);
      return true;
    };
    const signed = (op32: number, op64: number): boolean => {
      this.signed(l.dst, size);
      this.signed(l.src, size);
      w.byte(size === 3 ? op64 : op32);
      return true;
    };
    switch (cc) {
      case CC_E: return unsigned(I64_EQ);
      case CC_NE: return unsigned(I64_NE);
      case CC_B: return unsigned(I64_LT_U);
      case CC_AE: return unsigned(I64_GE_U);
      case CC_BE: return unsigned(I64_LE_U);
      case CC_A: return unsigned(I64_GT_U);
      case CC_L: return signed(I32_LT_S, I64_LT_S);
      case CC_GE: return signed(I32_GE_S, I64_GE_S);
      case CC_LE: return signed(I32_LE_S, I64_LE_S);
      case CC_G: return signed(I32_GT_S, I64_GT_S);
    }
    return false;
  }

  private logic(size: number, cc: number): boolean {
    const { w, l } = this;
    const zero = (): void => {
      if (size === 3) w.i64Const(0, 0);
      else w.i32Const(0);
    };
    switch (cc) {
      case CC_B: case CC_O:
        w.i32Const(0);
        return true;
      case CC_AE: case CC_NO:
        w.i32Const(1);
        return true;
      case CC_BE:
        this.zero(FLAGS_LOGIC, size, false);
        return true;
      case CC_A:
        this.zero(FLAGS_LOGIC, size, true);
        return true;
      case CC_S: case CC_L:
        this.signed(l.dst, size);
        zero();
        w.byte(size === 3 ? I64_LT_S : I32_LT_S);
        return true;
      case CC_NS: case CC_GE:
        this.signed(l.dst, size);
        zero();
        w.byte(size === 3 ? I64_GE_S : I32_GE_S);
        return true;
      case CC_LE:
        this.signed(l.dst, size);
        zero();
        w.byte(size === 3 ? I64_LE_S : I32_LE_S);
        return true;
      case CC_G:
        this.signed(l.dst, size);
        zero();
        w.byte(size === 3 ? I64_GT_S : I32_GT_S);
        return true;
    }
    return false;
  }

  /** Conditions after a comparison of two f64. */
  private float(cc: number): void {
    const { w, l } = this;
    const compare = (op: number, x: number, y: number): void => {
      w.localGet(x);
      w.byte(F64_REINTERPRET_I64);
      w.localGet(y);
      w.byte(F64_REINTERPRET_I64);
      w.byte(op);
    };
    switch (cc) {
      case CC_A: return compare(F64_GT, l.dst, l.src);
      case CC_AE: return compare(F64_GE, l.dst, l.src);
      case CC_B:
        compare(F64_GE, l.dst, l.src);
        return this.not();
      case CC_BE:
        compare(F64_GT, l.dst, l.src);
        return this.not();
      case CC_E: case CC_LE: case CC_NE: case CC_G:
        compare(F64_LT, l.dst, l.src);
        compare(F64_GT, l.dst, l.src);
        w.byte(I32_OR);
        if (cc === CC_E || cc === CC_LE) this.not();
        return;
      case CC_P: case CC_NP:
        compare(F64_NE, l.dst, l.dst);
        compare(F64_NE, l.src, l.src);
        w.byte(I32_OR);
        if (cc === CC_NP) this.not();
        return;
      default:
        // SF and OF are 0: O, S and L never hold.
        w.i32Const(cc & 1);
    }
  }

  /** Conditions straight from EFLAGS bits in src. */
  private raw(cc: number): void {
    const { w, l } = this;
    const any = (bits: number): void => {
      w.localGet(l.src);
      w.byte(I32_WRAP);
      w.i32Const(bits);
      w.byte(I32_AND);
    };
    const signIsNotOverflow = (): void => {
      any(SF);
      w.i32Const(7);
      w.byte(I32_SHR_U);
      any(OF);
      w.i32Const(11);
      w.byte(I32_SHR_U);
      w.byte(I32_XOR);
    };
    switch (cc & ~1) {
      case CC_O: any(OF); break;
      case CC_B: any(CF); break;
      case CC_E: any(ZF); break;
      case CC_BE: any(CF | ZF); break;
      case CC_S: any(SF); break;
      case CC_P: any(PF); break;
      case CC_L: signIsNotOverflow(); break;
      default: signIsNotOverflow(); any(ZF); w.byte(I32_OR); break;
    }
    if (cc & 1) w.byte(I32_EQZ);
    else {
      w.i32Const(0);
      w.byte(I32_NE);
    }
  }

  /** The result as an i64 whose low bits (of the operand size) are right; the others may be anything. */
  private result(kind: number): void {
    const { w, l } = this;
    w.localGet(l.dst);
    if (kind === FLAGS_SUB || kind === FLAGS_SBB) {
      w.localGet(l.src);
      w.byte(I64_SUB);
      if (kind === FLAGS_SBB) {
        w.localGet(l.aux);
        w.byte(I64_SUB);
      }
    }
  }
  /** The first operand, likewise. */
  private first(kind: number): void {
    const { w, l } = this;
    w.localGet(l.dst);
    if (kind === FLAGS_ADD || kind === FLAGS_ADC) {
      w.localGet(l.src);
      w.byte(I64_SUB);
      if (kind === FLAGS_ADC) {
        w.localGet(l.aux);
        w.byte(I64_SUB);
      }
    }
  }

  private flagBit(bit: number): void {
    const { w, l } = this;
    w.localGet(l.src);
    w.byte(I32_WRAP);
    w.i32Const(bit);
    w.byte(I32_AND);
    w.i32Const(0);
    w.byte(I32_NE);
  }

  private zero(kind: number, size: number, inverse: boolean): void {
    const { w } = this;
    if (kind === FLAGS_CARRY || kind === FLAGS_ROTATE) {
      this.flagBit(ZF);
      if (inverse) this.not();
      return;
    }
    this.result(kind);
    if (size === 3) {
      if (inverse) {
        w.i64Const(0, 0);
        w.byte(I64_NE);
      } else w.byte(I64_EQZ);
      return;
    }
    w.byte(I32_WRAP);
    if (size < 2) {
      w.i32Const(size === 0 ? 0xff : 0xffff);
      w.byte(I32_AND);
    }
    if (inverse) {
      w.i32Const(0);
      w.byte(I32_NE);
    } else w.byte(I32_EQZ);
  }

  /** Bit 8*2^size - 1 of the i64 on the stack, as i32 0/1. */
  private topBit(size: number): void {
    const { w } = this;
    w.i64Const((8 << size) - 1, 0);
    w.byte(I64_SHR_U);
    w.byte(I32_WRAP);
    if (size !== 3) {
      w.i32Const(1);
      w.byte(I32_AND);
    }
  }

  private sign(kind: number, size: number): void {
    if (kind === FLAGS_CARRY || kind === FLAGS_ROTATE) return this.flagBit(SF);
    this.result(kind);
    this.topBit(size);
  }

  private parity(kind: number): void {
    const { w } = this;
    if (kind === FLAGS_CARRY || kind === FLAGS_ROTATE) return this.flagBit(PF);
    this.result(kind);
    w.byte(I32_WRAP);
    w.i32Const(0xff);
    w.byte(I32_AND);
    w.byte(I32_POPCNT);
    w.i32Const(1);
    w.byte(I32_AND);
    w.byte(I32_EQZ);
  }

  private carry(kind: number, size: number): void {
    const { w, l } = this;
    switch (kind) {
      case FLAGS_ADD:
        w.localGet(l.dst);
        w.localGet(l.src);
        w.byte(I64_LT_U);
        return;
      case FLAGS_ADC:
        // a + b + 1 wraps to dst <= b; a + b + 0 wraps to dst < b.
        w.localGet(l.dst);
        w.localGet(l.src);
        w.byte(I64_LT_U);
        w.localGet(l.dst);
        w.localGet(l.src);
        w.byte(I64_EQ);
        w.localGet(l.aux);
        w.byte(I32_WRAP);
        w.byte(I32_AND);
        w.byte(I32_OR);
        return;
      case FLAGS_SUB:
        w.localGet(l.dst);
        w.localGet(l.src);
        w.byte(I64_LT_U);
        return;
      case FLAGS_SBB:
        w.localGet(l.dst);
        w.localGet(l.src);
        w.byte(I64_LT_U);
        w.localGet(l.dst);
        w.localGet(l.src);
        w.byte(I64_EQ);
        w.localGet(l.aux);
        w.byte(I32_WRAP);
        w.byte(I32_AND);
        w.byte(I32_OR);
        return;
      case FLAGS_LOGIC:
        w.i32Const(0);
        return;
      case FLAGS_RAW:
        this.flagBit(CF);
        return;
      default:
        // INC, DEC: aux is CF. SHIFT, ROTATE, CARRY: bit 0 of aux.
        w.localGet(l.aux);
        w.byte(I32_WRAP);
        w.i32Const(1);
        w.byte(I32_AND);
    }
    void size;
  }

  private overflow(kind: number, size: number): void {
    const { w, l } = this;
    switch (kind) {
      case FLAGS_ADD: case FLAGS_ADC:
        // (result ^ a) & (result ^ b)
        w.localGet(l.dst);
        this.first(kind);
        w.byte(I64_XOR);
        w.localGet(l.dst);
        w.localGet(l.src);
        w.byte(I64_XOR);
        w.byte(I64_AND);
        this.topBit(size);
        return;
      case FLAGS_SUB: case FLAGS_SBB:
        // (a ^ b) & (a ^ result)
        w.localGet(l.dst);
        w.localGet(l.src);
        w.byte(I64_XOR);
        w.localGet(l.dst);
        this.result(kind);
        w.byte(I64_XOR);
        w.byte(I64_AND);
        this.topBit(size);
        return;
      case FLAGS_LOGIC:
        w.i32Const(0);
        return;
      case FLAGS_INC: case FLAGS_DEC:
        // The result is the smallest (INC) or largest (DEC) signed value: shifted left to 64 bits, compared.
        w.localGet(l.dst);
        w.i64Const(64 - (8 << size), 0);
        w.byte(I64_SHL);
        if (kind === FLAGS_INC) w.i64Const(0, -0x80000000);
        else {
          // 0x7f…f followed by zeros.
          const shift = 64 - (8 << size);
          w.i64Const(0, -0x80000000);
          w.i64Const(shift, 0);
          w.byte(I64_SHR_U);
          w.i64Const(1, 0);
          w.byte(I64_SUB);
          w.i64Const(shift, 0);
          w.byte(I64_SHL);
        }
        w.byte(I64_EQ);
        return;
      case FLAGS_RAW: case FLAGS_CARRY:
        this.flagBit(OF);
        return;
      default:
        w.localGet(l.aux);
        w.byte(I32_WRAP);
        w.i32Const(1);
        w.byte(I32_SHR_U);
        w.i32Const(1);
        w.byte(I32_AND);
    }
  }

  private adjust(kind: number): void {
    const { w, l } = this;
    switch (kind) {
      case FLAGS_ADD: case FLAGS_ADC: case FLAGS_SUB: case FLAGS_SBB:
        // Carry into bit 4: a ^ b ^ result.
        this.first(kind);
        w.localGet(l.src);
        w.byte(I64_XOR);
        this.result(kind);
        w.byte(I64_XOR);
        w.byte(I32_WRAP);
        w.i32Const(4);
        w.byte(I32_SHR_U);
        w.i32Const(1);
        w.byte(I32_AND);
        return;
      case FLAGS_INC:
        // Low digit became 0.
        w.localGet(l.dst);
        w.byte(I32_WRAP);
        w.i32Const(15);
        w.byte(I32_AND);
        w.byte(I32_EQZ);
        return;
      case FLAGS_DEC:
        w.localGet(l.dst);
        w.byte(I32_WRAP);
        w.i32Const(15);
        w.byte(I32_AND);
        w.i32Const(15);
        w.byte(0x46);
        return;
      case FLAGS_CARRY: case FLAGS_ROTATE: case FLAGS_RAW:
        this.flagBit(0x10);
        return;
      default:
        w.i32Const(0);
    }
  }

  private less(kind: number, size: number): void {
    this.sign(kind, size);
    this.overflow(kind, size);
    this.w.byte(I32_XOR);
  }
}
