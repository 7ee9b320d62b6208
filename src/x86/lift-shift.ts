/** Shifts and rotates: SHL SHR SAR ROL ROR RCL RCR SHLD SHRD. */
import { RCX } from './cpu-layout.ts';
import { CC_B, FLAGS_ROTATE, FLAGS_SHIFT } from './flags.ts';
import type { Row } from './forms.ts';
import { define } from './forms.ts';
import type { Insn } from './insn.ts';
import {
  I32_AND, I32_MUL, I32_OR, I32_REM_U, I32_ROTL, I32_ROTR, I32_SHL, I32_SHR_S, I32_SHR_U, I32_SUB, I32_XOR, I64_AND, I64_OR, I64_SHL,
  I64_SHR_U, I64_SUB,
} from './ir-ops.ts';
import type { IrBuilder, Node, Temp } from './ir.ts';
import { I32, I64 } from './ir.ts';
import { closeE, openE, readG, readReg, typeOf, writeReg } from './operands.ts';

/*
 * Flags. With r the result of n bits, all of these are what the processor computes for a count of 1, and what AMD and Intel parts
 * compute for greater counts, where OF is undefined:
 *   SHL, SHLD, ROL, RCL: OF = CF xor msb(r)     SHR, SHRD, ROR, RCR: OF = msb(r) xor the bit below it     SAR: OF = 0
 * The expressions give CF | OF << 1, the `aux` of FLAGS_SHIFT and FLAGS_ROTATE. A count of 0 leaves the flags alone.
 */

/** How the count is given. */
const BY_1 = 0, BY_IMM = 1, BY_CL = 2;

// The operation under way.
let size = 0, bits = 0;
/** The masked count, when it is known; -1 when it is in `count` (a temp in the computing type of the operand). */
let known = 0;
let count: Temp = 0;

function op(b: IrBuilder, o: number, x: Node, y: Node): Node {
  return b.arith(o, size, x, y);
}
function k(b: IrBuilder, v: number): Node {
  return b.constant(size, v);
}
/** The count, or `v - count`. */
function countNode(b: IrBuilder): Node {
  return known >= 0 ? k(b, known) : b.tmp(count);
}
function complement(b: IrBuilder, v: number): Node {
  return known >= 0 ? k(b, v - known) : op(b, I32_SUB, k(b, v), b.tmp(count));
}
/** CF in bit 0 of `cf`, OF from it and the top bit of the result. */
function leftAux(b: IrBuilder, cf: Node, r: Temp): Node {
  // CF * 3 puts CF in both bits.
  return op(b, I32_XOR, op(b, I32_MUL, cf, k(b, 3)), op(b, I32_AND, op(b, I32_SHR_U, b.tmp(r), k(b, bits - 2)), k(b, 2)));
}
/** OF << 1 from the two top bits of the result. */
function rightOverflow(b: IrBuilder, r: Temp): Node {
  return op(b, I32_AND, op(b, I32_SHR_U, op(b, I32_XOR, b.tmp(r), op(b, I32_SHL, b.tmp(r), k(b, 1))), k(b, bits - 2)), k(b, 2));
}

function begin(b: IrBuilder, i: Insn, by: number): void {
  size = i.size;
  bits = size * 8;
  const mask = size === 8 ? 63 : 31;
  if (by === BY_CL) {
    known = -1;
    count = b.let(typeOf(size), op(b, I32_AND, b.narrow(size, b.reg(RCX)), k(b, mask)));
  } else known = by === BY_1 ? 1 : i.imm & mask;
}
/** Sets flags unless the count is zero. */
function flagsUnlessZero(b: IrBuilder, kind: number, dst: Node, src: Node, aux: Node): void {
  b.setFlags(kind, size, dst, src, b.widen(size, aux));
}

const SHL = 4, SHR = 5, SAR = 7, ROL = 0, ROR = 1, RCL = 2, RCR = 3;

/** A shift of a register of 4 or 8 bytes by a known count: the flags, mostly dead, are set first and from the old value, so that nothing is bound. */
function shiftRegister(b: IrBuilder, i: Insn, which: number): void {
  const value = (): Node => readReg(b, size, i.rm);
  const moved = (): Node => op(b, which === SHL ? I32_SHL : which === SHR ? I32_SHR_U : I32_SHR_S, value(), k(b, known));
  if (known !== 0) {
    const lastOut = which === SHL ? op(b, I32_SHR_U, value(), k(b, bits - known)) : op(b, which === SHR ? I32_SHR_U : I32_SHR_S, value(), k(b, known - 1));
    const cf = op(b, I32_AND, lastOut, k(b, 1));
    let aux = cf;
    if (which === SHL) aux = op(b, I32_XOR, op(b, I32_MUL, cf, k(b, 3)), op(b, I32_AND, op(b, I32_SHR_U, moved(), k(b, bits - 2)), k(b, 2)));
    else if (which === SHR) aux = op(b, I32_OR, cf, op(b, I32_AND, op(b, I32_SHR_U, moved(), k(b, bits - 3)), k(b, 2)));
    b.setFlags(FLAGS_SHIFT, size, b.widen(size, moved()), b.c64s(0), b.widen(size, aux));
  }
  writeReg(b, size, i.rm, moved());
}

function shift(which: number, by: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    begin(b, i, by);
    if (known >= 0 && i.mod === 3 && size >= 4) return shiftRegister(b, i, which);
    const type = typeOf(size);
    let v: Temp;
    if (which === SAR) v = b.let(type, b.signed(size, openE(b, i, size)));
    else v = b.let(type, openE(b, i, size));
    const moved = op(b, which === SHL ? I32_SHL : which === SHR ? I32_SHR_U : I32_SHR_S, b.tmp(v), countNode(b));
    const r = b.let(type, which === SHR ? moved : b.truncate(size, moved));
    closeE(b, i, size, b.tmp(r));
    if (known === 0) return;
    if (known < 0) b.if(b.isNonZero(size, b.tmp(count)));
    let aux: Node;
    if (which === SHL) {
      // The bit that went out last: bit `bits` of the shifted value where there is room above it.
      const cf = size < 4 ? op(b, I32_SHR_U, op(b, I32_SHL, b.tmp(v), countNode(b)), k(b, bits)) : op(b, I32_SHR_U, b.tmp(v), complement(b, bits));
      aux = leftAux(b, op(b, I32_AND, cf, k(b, 1)), r);
    } else {
      const cf = op(b, I32_AND, op(b, which === SHR ? I32_SHR_U : I32_SHR_S, b.tmp(v), known >= 0 ? k(b, known - 1) : op(b, I32_SUB, b.tmp(count), k(b, 1))), k(b, 1));
      aux = which === SHR ? op(b, I32_OR, cf, op(b, I32_AND, op(b, I32_SHR_U, b.tmp(r), k(b, bits - 3)), k(b, 2))) : cf;
    }
    flagsUnlessZero(b, FLAGS_SHIFT, b.widen(size, b.tmp(r)), b.c64s(0), aux);
    if (known < 0) b.end();
  };
}

function rotate(which: number, by: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    begin(b, i, by);
    const type = typeOf(size);
    const v = b.let(type, openE(b, i, size));
    let r: Temp;
    if (size >= 4) r = b.let(type, op(b, which === ROL ? I32_ROTL : I32_ROTR, b.tmp(v), countNode(b)));
    else {
      const amount = (): Node => (known >= 0 ? k(b, known & (bits - 1)) : op(b, I32_AND, b.tmp(count), k(b, bits - 1)));
      const there = op(b, which === ROL ? I32_SHL : I32_SHR_U, b.tmp(v), amount());
      const back = op(b, which === ROL ? I32_SHR_U : I32_SHL, b.tmp(v), op(b, I32_SUB, k(b, bits), amount()));
      r = b.let(type, b.truncate(size, op(b, I32_OR, there, back)));
    }
    closeE(b, i, size, b.tmp(r));
    if (known === 0) return;
    if (known < 0) b.if(b.isNonZero(size, b.tmp(count)));
    const aux = which === ROL
      ? leftAux(b, op(b, I32_AND, b.tmp(r), k(b, 1)), r)
      : op(b, I32_OR, op(b, I32_SHR_U, b.tmp(r), k(b, bits - 1)), rightOverflow(b, r));
    flagsUnlessZero(b, FLAGS_ROTATE, b.c64s(0), b.zext(b.eflags()), aux);
    if (known < 0) b.end();
  };
}

/** Rotation through carry. Below 64 bits the value with CF on top of it is rotated as an i64 of bits + 1 bits. */
function rotateCarry(which: number, by: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    begin(b, i, by);
    const v = b.let(I64, b.widen(size, openE(b, i, size)));
    const carry = b.let(I64, b.zext(b.cond(CC_B)));
    // Count within the bits + 1 positions; the masked count decides about the flags.
    let n: Temp;
    if (known >= 0) n = b.let(I64, b.c64s(known % (bits + 1)));
    else n = b.let(I64, size < 4 ? b.zext(b.binary(I32_REM_U, b.tmp(count), b.c32(bits + 1))) : b.widen(size, b.tmp(count)));
    const shl = (x: Node, y: Node): Node => b.binary(I64_SHL, x, y);
    const shr = (x: Node, y: Node): Node => b.binary(I64_SHR_U, x, y);
    const from = (x: number): Node => b.binary(I64_SUB, b.c64s(x), b.tmp(n));
    let r: Temp, cf: Temp;
    if (size < 8) {
      const x = b.let(I64, b.binary(I64_OR, b.tmp(v), shl(b.tmp(carry), b.c64s(bits))));
      const turned = which === RCL
        ? b.binary(I64_OR, shl(b.tmp(x), b.tmp(n)), shr(b.tmp(x), from(bits + 1)))
        : b.binary(I64_OR, shr(b.tmp(x), b.tmp(n)), shl(b.tmp(x), from(bits + 1)));
      const y = b.let(I64, turned);
      cf = b.let(I64, b.binary(I64_AND, shr(b.tmp(y), b.c64s(bits)), b.c64s(1)));
      r = b.let(typeOf(size), b.truncate(size, b.wrap(b.tmp(y))));
    } else {
      // 65 positions do not fit: for n > 0 the three parts are put together; the shift by 64 - n after a shift by one makes n = 1 come out right.
      const zero = b.let(I32, b.isZero(8, b.tmp(n)));
      const parts = which === RCL
        ? b.binary(I64_OR, b.binary(I64_OR, shl(b.tmp(v), b.tmp(n)), shl(b.tmp(carry), b.binary(I64_SUB, b.tmp(n), b.c64s(1)))), shr(shr(b.tmp(v), b.c64s(1)), from(64)))
        : b.binary(I64_OR, b.binary(I64_OR, shr(b.tmp(v), b.tmp(n)), shl(b.tmp(carry), from(64))), shl(shl(b.tmp(v), b.c64s(1)), from(64)));
      r = b.let(I64, b.select(b.tmp(zero), b.tmp(v), parts));
      const out = which === RCL ? shr(b.tmp(v), from(64)) : shr(b.tmp(v), b.binary(I64_SUB, b.tmp(n), b.c64s(1)));
      cf = b.let(I64, b.select(b.tmp(zero), b.tmp(carry), b.binary(I64_AND, out, b.c64s(1))));
    }
    closeE(b, i, size, b.tmp(r));
    if (known === 0) return;
    if (known < 0) b.if(b.isNonZero(size, b.tmp(count)));
    const aux = which === RCL ? leftAux(b, b.narrow(size, b.tmp(cf)), r) : op(b, I32_OR, b.narrow(size, b.tmp(cf)), rightOverflow(b, r));
    flagsUnlessZero(b, FLAGS_ROTATE, b.c64s(0), b.zext(b.eflags()), aux);
    if (known < 0) b.end();
  };
}

/** SHLD (left) and SHRD. A 16-bit operand is shifted with two copies of the source behind it, which is what counts above 16 show on AMD parts. */
function doubleShift(left: boolean, by: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    begin(b, i, by);
    const type = typeOf(size);
    const v = b.let(type, openE(b, i, size));
    const g = b.let(type, readG(b, i, size));
    let r: Temp, cf: Node;
    if (size === 2) {
      // 48 bits in an i64: destination:source:source, or source:source:destination.
      const pair = b.let(I64, b.zext(b.binary(I32_OR, b.tmp(g), b.binary(I32_SHL, b.tmp(g), b.c32(16)))));
      const n = (): Node => b.widen(4, countNode(b));
      const wide = b.let(I64, left
        ? b.binary(I64_OR, b.binary(I64_SHL, b.zext(b.tmp(v)), b.c64s(32)), b.tmp(pair))
        : b.binary(I64_OR, b.zext(b.tmp(v)), b.binary(I64_SHL, b.tmp(pair), b.c64s(16))));
      const moved = left ? b.binary(I64_SHR_U, b.binary(I64_SHL, b.tmp(wide), n()), b.c64s(32)) : b.binary(I64_SHR_U, b.tmp(wide), n());
      r = b.let(I32, b.truncate(2, b.wrap(moved)));
      cf = b.wrap(left ? b.binary(I64_SHR_U, b.binary(I64_SHL, b.tmp(wide), n()), b.c64s(48)) : b.binary(I64_SHR_U, b.tmp(wide), b.binary(I64_SUB, n(), b.c64s(1))));
    } else {
      // The second shift is split so that a count of 0 shifts everything out of it.
      const other = left
        ? op(b, I32_SHR_U, op(b, I32_SHR_U, b.tmp(g), k(b, 1)), complement(b, bits - 1))
        : op(b, I32_SHL, op(b, I32_SHL, b.tmp(g), k(b, 1)), complement(b, bits - 1));
      r = b.let(type, op(b, I32_OR, op(b, left ? I32_SHL : I32_SHR_U, b.tmp(v), countNode(b)), other));
      cf = left ? op(b, I32_SHR_U, b.tmp(v), complement(b, bits)) : op(b, I32_SHR_U, b.tmp(v), known >= 0 ? k(b, known - 1) : op(b, I32_SUB, b.tmp(count), k(b, 1)));
    }
    closeE(b, i, size, b.tmp(r));
    if (known === 0) return;
    if (known < 0) b.if(b.isNonZero(size, b.tmp(count)));
    const bit = op(b, I32_AND, cf, k(b, 1));
    flagsUnlessZero(b, FLAGS_SHIFT, b.widen(size, b.tmp(r)), b.c64s(0), left ? leftAux(b, bit, r) : op(b, I32_OR, bit, rightOverflow(b, r)));
    if (known < 0) b.end();
  };
}

function rows(name: string, n: number, make: (which: number, by: number) => (b: IrBuilder, i: Insn) => void): Row[] {
  return [
    [`C0 /${n}`, `${name} Eb,Ib`, make(n, BY_IMM)],
    [`C1 /${n}`, `${name} Ev,Ib`, make(n, BY_IMM)],
    [`D0 /${n}`, `${name} Eb,1`, make(n, BY_1)],
    [`D1 /${n}`, `${name} Ev,1`, make(n, BY_1)],
    [`D2 /${n}`, `${name} Eb,CL`, make(n, BY_CL)],
    [`D3 /${n}`, `${name} Ev,CL`, make(n, BY_CL)],
  ];
}

define([
  ...rows('rol', ROL, rotate),
  ...rows('ror', ROR, rotate),
  ...rows('rcl', RCL, rotateCarry),
  ...rows('rcr', RCR, rotateCarry),
  ...rows('shl', SHL, shift),
  ...rows('shr', SHR, shift),
  ...rows('shl', 6, (_n, by) => shift(SHL, by)),
  ...rows('sar', SAR, shift),
  ['0F A4 /r', 'shld Ev,Gv,Ib', doubleShift(true, BY_IMM)],
  ['0F A5 /r', 'shld Ev,Gv,CL', doubleShift(true, BY_CL)],
  ['0F AC /r', 'shrd Ev,Gv,Ib', doubleShift(false, BY_IMM)],
  ['0F AD /r', 'shrd Ev,Gv,CL', doubleShift(false, BY_CL)],
]);
