/** MUL IMUL DIV IDIV. */
import { RAX, RDX } from './cpu-layout.ts';
import { EXIT_DIVIDE } from './exits.ts';
import { FLAGS_SHIFT } from './flags.ts';
import { define } from './forms.ts';
import { pureHelper } from './helpers.ts';
import type { Insn } from './insn.ts';
import {
  I32_AND, I32_DIV_S, I32_DIV_U, I32_EQ, I32_MUL, I32_NE, I32_OR, I32_REM_S, I32_REM_U, I32_SHL, I32_SHR_U, I64_DIV_S, I64_DIV_U, I64_EQ, I64_GE_U, I64_GT_U, I64_LT_S, I64_MUL, I64_NE,
  I64_OR, I64_SHL, I64_SHR_S, I64_SHR_U, I64_SUB, I64_XOR,
} from './ir-ops.ts';
import type { IrBuilder, Node, Temp } from './ir.ts';
import { I32, I64 } from './ir.ts';
import { immediate, readE, readReg, typeOf, writeG, writeReg } from './operands.ts';

/** Upper 64 bits of the 128-bit product. */
const MUL_HIGH_U: number = pureHelper('mul_high_u', [I64, I64], I64);
const MUL_HIGH_S: number = pureHelper('mul_high_s', [I64, I64], I64);
/** (high, low, divisor): high:low / divisor, unsigned; only called where the quotient fits, that is high < divisor. */
const DIV128: number = pureHelper('div128', [I64, I64, I64], I64);

/** SF ZF PF from the low half of the product (they are undefined), CF = OF = `overflow` (i32 0/1). */
function multiplyFlags(b: IrBuilder, size: number, low: Node, overflow: Node): void {
  // 0/1 to 0/3: both bits.
  b.setFlags(FLAGS_SHIFT, size, low, b.c64s(0), b.zext(b.binary(I32_MUL, overflow, b.c32(3))));
}

/**
 * A signed product cut to the operand size: IMUL with two or three operands. x and y make their operand's node; each may be asked twice. The
 * flags, which are hardly ever used, are set from the operands before the register changes, so that nothing else is left of them.
 */
function product(b: IrBuilder, i: Insn, x: () => Node, y: () => Node): void {
  const size = i.size;
  if (size === 8) {
    const overflow = b.binary(I64_NE, b.helper(MUL_HIGH_S, x(), y()), b.binary(I64_SHR_S, b.binary(I64_MUL, x(), y()), b.c64s(63)));
    multiplyFlags(b, 8, b.binary(I64_MUL, x(), y()), overflow);
    b.setReg(i.reg, b.binary(I64_MUL, x(), y()));
  } else if (size === 4) {
    const overflow = b.binary(I64_NE, b.binary(I64_MUL, b.sext(x()), b.sext(y())), b.sext(b.binary(I32_MUL, x(), y())));
    multiplyFlags(b, 4, b.zext(b.binary(I32_MUL, x(), y())), overflow);
    b.setReg(i.reg, b.zext(b.binary(I32_MUL, x(), y())));
  } else {
    const wide = b.let(I32, b.binary(I32_MUL, b.signed(2, x()), b.signed(2, y())));
    const r = b.let(I32, b.truncate(2, b.tmp(wide)));
    writeG(b, i, 2, b.tmp(r));
    multiplyFlags(b, 2, b.zext(b.tmp(r)), b.binary(I32_NE, b.tmp(wide), b.signed(2, b.tmp(r))));
  }
}
/** The rm operand, for use more than once. */
function repeatedE(b: IrBuilder, i: Insn): () => Node {
  if (i.mod === 3) return () => readReg(b, i.size, i.rm);
  const e = b.let(typeOf(i.size), readE(b, i, i.size));
  return () => b.tmp(e);
}
function imulGE(b: IrBuilder, i: Insn): void {
  product(b, i, () => readReg(b, i.size, i.reg), repeatedE(b, i));
}
function imulGEI(b: IrBuilder, i: Insn): void {
  product(b, i, repeatedE(b, i), () => immediate(b, i, i.size));
}

/** MUL and IMUL with one operand: the double-width product to rDX:rAX (AX for bytes). */
function multiply(signed: boolean): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const size = i.size;
    const e = b.let(typeOf(size), readE(b, i, size));
    if (size === 8) {
      const a = b.let(I64, b.reg(RAX));
      const low = b.let(I64, b.binary(I64_MUL, b.tmp(a), b.tmp(e)));
      const high = b.let(I64, b.helper(signed ? MUL_HIGH_S : MUL_HIGH_U, b.tmp(a), b.tmp(e)));
      b.setReg(RAX, b.tmp(low));
      b.setReg(RDX, b.tmp(high));
      multiplyFlags(b, 8, b.tmp(low), b.binary(I64_NE, b.tmp(high), signed ? b.binary(I64_SHR_S, b.tmp(low), b.c64s(63)) : b.c64s(0)));
    } else if (size === 4) {
      const widen = (x: Node): Node => (signed ? b.sext(x) : b.zext(x));
      const p = b.let(I64, b.binary(I64_MUL, widen(b.wrap(b.reg(RAX))), widen(b.tmp(e))));
      const low = b.let(I64, b.and64(b.tmp(p), b.c64(-1, 0)));
      b.setReg(RAX, b.tmp(low));
      b.setReg(RDX, b.binary(I64_SHR_U, b.tmp(p), b.c64s(32)));
      multiplyFlags(b, 4, b.tmp(low), b.binary(I64_NE, b.tmp(p), signed ? b.signed64(4, b.tmp(low)) : b.tmp(low)));
    } else {
      const widen = (x: Node): Node => (signed ? b.signed(size, x) : x);
      const p = b.let(I32, b.binary(I32_MUL, widen(readReg(b, size, RAX)), widen(b.tmp(e))));
      const low = b.let(I32, b.truncate(size, b.tmp(p)));
      if (size === 1) writeReg(b, 2, RAX, b.truncate(2, b.tmp(p)));
      else {
        writeReg(b, 2, RAX, b.tmp(low));
        writeReg(b, 2, RDX, b.truncate(2, b.binary(I32_SHR_U, b.tmp(p), b.c32(16))));
      }
      multiplyFlags(b, size, b.zext(b.tmp(low)), b.binary(I32_NE, b.tmp(p), signed ? b.signed(size, b.tmp(low)) : b.tmp(low)));
    }
  };
}

/** DIV and IDIV: #DE on a zero divisor and on a quotient that does not fit. Flags are undefined and left alone. */
function divide(signed: boolean): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const size = i.size;
    const d = b.let(typeOf(size), readE(b, i, size));
    if (size === 8) divide64(b, signed, d);
    else if (size === 4) divide32(b, signed, d);
    else divideSmall(b, size, signed, d);
  };
}

function divide64(b: IrBuilder, signed: boolean, d: Temp): void {
  const low = b.let(I64, b.reg(RAX)), high = b.let(I64, b.reg(RDX));
  const q = b.variable(I64, b.c64s(0));
  // Nearly always RDX is only the extension of RAX: one 64-bit division.
  if (!signed) {
    b.faultIf(b.binary(I64_GE_U, b.tmp(high), b.tmp(d)), EXIT_DIVIDE);
    b.if(b.isZero(8, b.tmp(high)));
    b.assign(q, b.binary(I64_DIV_U, b.tmp(low), b.tmp(d)));
    b.else();
    b.assign(q, b.helper(DIV128, b.tmp(high), b.tmp(low), b.tmp(d)));
    b.end();
  } else {
    b.faultIf(b.isZero(8, b.tmp(d)), EXIT_DIVIDE);
    const narrow = b.binary(I64_EQ, b.tmp(high), b.binary(I64_SHR_S, b.tmp(low), b.c64s(63)));
    // -1 goes the long way: the smallest number divided by it does not fit.
    b.if(b.binary(I32_AND, narrow, b.binary(I64_NE, b.tmp(d), b.c64s(-1))));
    b.assign(q, b.binary(I64_DIV_S, b.tmp(low), b.tmp(d)));
    b.else();
    // Absolute values: x = (x ^ sign) - sign, where sign is 0 or -1; in 128 bits with the borrow of the low half.
    const sign = b.let(I64, b.binary(I64_SHR_S, b.tmp(high), b.c64s(63)));
    const signD = b.let(I64, b.binary(I64_SHR_S, b.tmp(d), b.c64s(63)));
    const lowX = b.let(I64, b.binary(I64_XOR, b.tmp(low), b.tmp(sign)));
    const absLow = b.let(I64, b.binary(I64_SUB, b.tmp(lowX), b.tmp(sign)));
    const carry = b.zext(b.binary(I32_AND, b.isZero(8, b.tmp(absLow)), b.binary(I64_NE, b.tmp(sign), b.c64s(0))));
    const absHigh = b.let(I64, b.add64(b.binary(I64_XOR, b.tmp(high), b.tmp(sign)), carry));
    const absD = b.let(I64, b.binary(I64_SUB, b.binary(I64_XOR, b.tmp(d), b.tmp(signD)), b.tmp(signD)));
    b.faultIf(b.binary(I64_GE_U, b.tmp(absHigh), b.tmp(absD)), EXIT_DIVIDE);
    const signQ = b.let(I64, b.binary(I64_XOR, b.tmp(sign), b.tmp(signD)));
    b.assign(q, b.binary(I64_SUB, b.binary(I64_XOR, b.helper(DIV128, b.tmp(absHigh), b.tmp(absLow), b.tmp(absD)), b.tmp(signQ)), b.tmp(signQ)));
    // It fits if its sign is right, or it is zero.
    const wrong = b.binary(I64_LT_S, b.binary(I64_XOR, b.tmp(q), b.tmp(signQ)), b.c64s(0));
    b.faultIf(b.binary(I32_AND, wrong, b.isNonZero(8, b.tmp(q))), EXIT_DIVIDE);
    b.end();
  }
  b.setReg(RAX, b.tmp(q));
  b.setReg(RDX, b.binary(I64_SUB, b.tmp(low), b.binary(I64_MUL, b.tmp(q), b.tmp(d))));
}

function divide32(b: IrBuilder, signed: boolean, d: Temp): void {
  b.faultIf(b.isZero(4, b.tmp(d)), EXIT_DIVIDE);
  const dividend = b.let(I64, b.binary(I64_OR, b.binary(I64_SHL, b.reg(RDX), b.c64s(32)), b.and64(b.reg(RAX), b.c64(-1, 0))));
  const wide = b.let(I64, signed ? b.sext(b.tmp(d)) : b.zext(b.tmp(d)));
  if (signed) {
    // The one division that WebAssembly itself would trap on.
    b.faultIf(b.binary(I32_AND, b.binary(I64_EQ, b.tmp(dividend), b.c64(0, 1 << 31)), b.binary(I64_EQ, b.tmp(wide), b.c64s(-1))), EXIT_DIVIDE);
  }
  const q = b.let(I64, b.binary(signed ? I64_DIV_S : I64_DIV_U, b.tmp(dividend), b.tmp(wide)));
  const tooBig = signed ? b.binary(I64_NE, b.tmp(q), b.signed64(4, b.tmp(q))) : b.binary(I64_GT_U, b.tmp(q), b.c64(-1, 0));
  b.faultIf(tooBig, EXIT_DIVIDE);
  b.setReg(RAX, b.and64(b.tmp(q), b.c64(-1, 0)));
  b.setReg(RDX, b.and64(b.binary(I64_SUB, b.tmp(dividend), b.binary(I64_MUL, b.tmp(q), b.tmp(wide))), b.c64(-1, 0)));
}

/** 16 and 8 bits: dividend DX:AX or AX, in i32. */
function divideSmall(b: IrBuilder, size: number, signed: boolean, t: Temp): void {
  b.faultIf(b.isZero(4, b.tmp(t)), EXIT_DIVIDE);
  const d = b.let(I32, signed ? b.signed(size, b.tmp(t)) : b.tmp(t));
  let whole: Node;
  if (size === 1) whole = signed ? b.signed(2, readReg(b, 2, RAX)) : readReg(b, 2, RAX);
  else whole = b.binary(I32_OR, readReg(b, 2, RAX), b.binary(I32_SHL, b.wrap(b.reg(RDX)), b.c32(16)));
  const dividend = b.let(I32, whole);
  if (signed && size === 2) b.faultIf(b.binary(I32_AND, b.binary(I32_EQ, b.tmp(dividend), b.c32(1 << 31)), b.binary(I32_EQ, b.tmp(d), b.c32(-1))), EXIT_DIVIDE);
  const q = b.let(I32, b.binary(signed ? I32_DIV_S : I32_DIV_U, b.tmp(dividend), b.tmp(d)));
  const r = b.let(I32, b.binary(signed ? I32_REM_S : I32_REM_U, b.tmp(dividend), b.tmp(d)));
  b.faultIf(b.binary(I32_NE, b.tmp(q), signed ? b.signed(size, b.tmp(q)) : b.truncate(size, b.tmp(q))), EXIT_DIVIDE);
  if (size === 1) writeReg(b, 2, RAX, b.binary(I32_OR, b.truncate(1, b.tmp(q)), b.binary(I32_SHL, b.truncate(1, b.tmp(r)), b.c32(8))));
  else {
    writeReg(b, 2, RAX, b.truncate(2, b.tmp(q)));
    writeReg(b, 2, RDX, b.truncate(2, b.tmp(r)));
  }
}

define([
  ['F6 /4', 'mul Eb', multiply(false)],
  ['F7 /4', 'mul Ev', multiply(false)],
  ['F6 /5', 'imul Eb', multiply(true)],
  ['F7 /5', 'imul Ev', multiply(true)],
  ['0F AF /r', 'imul Gv,Ev', imulGE],
  ['69 /r', 'imul Gv,Ev,Iz', imulGEI],
  ['6B /r', 'imul Gv,Ev,Ib', imulGEI],
  ['F6 /6', 'div Eb', divide(false)],
  ['F7 /6', 'div Ev', divide(false)],
  ['F6 /7', 'idiv Eb', divide(true)],
  ['F7 /7', 'idiv Ev', divide(true)],
]);
