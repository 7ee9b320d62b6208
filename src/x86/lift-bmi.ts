/** BMI1, BMI2, LZCNT and MOVBE: bit manipulation without, or with few, flags. Source: SDM vol. 2. */
import { RDX } from './cpu-layout.ts';
import { FLAGS_SHIFT } from './flags.ts';
import { define } from './forms.ts';
import { pureHelper } from './helpers.ts';
import type { Insn } from './insn.ts';
import {
  I32_AND, I32_CLZ, I32_CTZ, I32_GT_U, I32_LT_U, I32_OR, I32_ROTR, I32_SHL, I32_SHR_S, I32_SHR_U, I32_SUB, I32_XOR, I64_CLZ, I64_CTZ, I64_MUL, I64_SHR_U,
} from './ir-ops.ts';
import type { IrBuilder, Node } from './ir.ts';
import { I32, I64 } from './ir.ts';
import { byteSwap } from './lift-move.ts';
import { readE, readG, readReg, typeOf, writeE, writeG, writeReg } from './operands.ts';

/** (source, mask). */
const PDEP: number = pureHelper('pdep', [I64, I64], I64);
const PEXT: number = pureHelper('pext', [I64, I64], I64);
const MUL_HIGH: number = pureHelper('mul_high_u', [I64, I64], I64);

/** SF and ZF from the result, CF as given (i32 0/1), OF = 0. PF and AF are undefined. */
function resultFlags(b: IrBuilder, size: number, result: Node, carry: Node): void {
  b.setFlags(FLAGS_SHIFT, size, b.widen(size, result), b.c64s(0), b.zext(carry));
}

function andn(b: IrBuilder, i: Insn): void {
  const { size } = i;
  const inverted = b.arith(I32_XOR, size, readReg(b, size, i.vvvv), b.constant(size, -1));
  const r = b.let(typeOf(size), b.arith(I32_AND, size, inverted, readE(b, i, size)));
  writeG(b, i, size, b.tmp(r));
  resultFlags(b, size, b.tmp(r), b.c32(0));
}

/** BLSR, BLSMSK, BLSI: `combine` makes the result of the source and what it is combined with; CF by whether the source is 0. */
function lowestBit(combine: (b: IrBuilder, size: number, x: () => Node) => Node, carryIfZero: boolean): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const { size } = i;
    const x = b.let(typeOf(size), readE(b, i, size));
    const r = b.let(typeOf(size), combine(b, size, () => b.tmp(x)));
    writeReg(b, size, i.vvvv, b.tmp(r));
    resultFlags(b, size, b.tmp(r), carryIfZero ? b.isZero(size, b.tmp(x)) : b.isNonZero(size, b.tmp(x)));
  };
}
const minusOne = (b: IrBuilder, size: number, x: Node): Node => b.arith(I32_SUB, size, x, b.constant(size, 1));
const blsr = lowestBit((b, size, x) => b.arith(I32_AND, size, x(), minusOne(b, size, x())), true);
const blsmsk = lowestBit((b, size, x) => b.arith(I32_XOR, size, x(), minusOne(b, size, x())), true);
const blsi = lowestBit((b, size, x) => b.arith(I32_AND, size, x(), b.arith(I32_SUB, size, b.constant(size, 0), x())), false);

/** `x` with all bits from `n` (i32, below the operand's width) up cleared. */
function below(b: IrBuilder, size: number, x: Node, n: Node): Node {
  const ones = b.arith(I32_SHL, size, b.constant(size, -1), size === 8 ? b.zext(n) : n);
  return b.arith(I32_AND, size, x, b.arith(I32_XOR, size, ones, b.constant(size, -1)));
}

function bzhi(b: IrBuilder, i: Insn): void {
  const { size } = i;
  const bits = size * 8;
  const x = b.let(typeOf(size), readE(b, i, size));
  const n = b.let(I32, b.and32(b.wrap(b.reg(i.vvvv)), b.c32(0xff)));
  const r = b.let(typeOf(size), b.select(b.binary(I32_LT_U, b.tmp(n), b.c32(bits)), below(b, size, b.tmp(x), b.tmp(n)), b.tmp(x)));
  writeG(b, i, size, b.tmp(r));
  resultFlags(b, size, b.tmp(r), b.binary(I32_GT_U, b.tmp(n), b.c32(bits - 1)));
}

function bextr(b: IrBuilder, i: Insn): void {
  const { size } = i;
  const bits = size * 8;
  const type = typeOf(size);
  const x = b.let(type, readE(b, i, size));
  const control = b.let(I32, b.wrap(b.reg(i.vvvv)));
  const start = b.let(I32, b.and32(b.tmp(control), b.c32(0xff)));
  const length = b.let(I32, b.and32(b.binary(I32_SHR_U, b.tmp(control), b.c32(8)), b.c32(0xff)));
  const shifted = b.arith(I32_SHR_U, size, b.tmp(x), size === 8 ? b.zext(b.tmp(start)) : b.tmp(start));
  const moved = b.let(type, b.select(b.binary(I32_LT_U, b.tmp(start), b.c32(bits)), shifted, b.constant(size, 0)));
  const r = b.let(type, b.select(b.binary(I32_LT_U, b.tmp(length), b.c32(bits)), below(b, size, b.tmp(moved), b.tmp(length)), b.tmp(moved)));
  writeG(b, i, size, b.tmp(r));
  resultFlags(b, size, b.tmp(r), b.c32(0));
}

function deposit(helper: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const { size } = i;
    const r = b.helper(helper, b.widen(size, readReg(b, size, i.vvvv)), b.widen(size, readE(b, i, size)));
    writeG(b, i, size, b.narrow(size, r));
  };
}

/** MULX: RDX times the operand, the low half first: if both destinations are one register, it gets the high half. */
function mulx(b: IrBuilder, i: Insn): void {
  const { size } = i;
  const x = b.let(I64, b.widen(size, readE(b, i, size)));
  const d = b.let(I64, b.widen(size, readReg(b, size, RDX)));
  if (size === 8) {
    b.setReg(i.vvvv, b.binary(I64_MUL, b.tmp(d), b.tmp(x)));
    b.setReg(i.reg, b.helper(MUL_HIGH, b.tmp(d), b.tmp(x)));
    return;
  }
  b.setReg(i.vvvv, b.and64(b.binary(I64_MUL, b.tmp(d), b.tmp(x)), b.c64(-1, 0)));
  b.setReg(i.reg, b.binary(I64_SHR_U, b.binary(I64_MUL, b.tmp(d), b.tmp(x)), b.c64s(32)));
}

function rorx(b: IrBuilder, i: Insn): void {
  writeG(b, i, i.size, b.arith(I32_ROTR, i.size, readE(b, i, i.size), b.constant(i.size, i.imm & (i.size * 8 - 1))));
}

/** SHLX, SHRX, SARX: WebAssembly masks the count as the processor does. */
function shiftX(o: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const x = readE(b, i, i.size);
    writeG(b, i, i.size, b.arith(o, i.size, x, readReg(b, i.size, i.vvvv)));
  };
}

/** TZCNT and LZCNT: the operand's width for 0. CF = the source was 0. */
function count(trailing: boolean): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const { size } = i;
    const type = typeOf(size);
    const x = b.let(type, readE(b, i, size));
    let n: Node;
    if (size === 2) n = trailing ? b.unary(I32_CTZ, b.binary(I32_OR, b.tmp(x), b.c32(0x10000))) : b.binary(I32_SUB, b.unary(I32_CLZ, b.tmp(x)), b.c32(16));
    else if (trailing) n = b.unary(size === 8 ? I64_CTZ : I32_CTZ, b.tmp(x));
    else n = b.unary(size === 8 ? I64_CLZ : I32_CLZ, b.tmp(x));
    const r = b.let(type, n);
    writeG(b, i, size, b.tmp(r));
    resultFlags(b, size, b.tmp(r), b.isZero(size, b.tmp(x)));
  };
}

function swap(b: IrBuilder, i: Insn, x: Node): Node {
  if (i.size !== 2) return byteSwap(b, i.size, x);
  const t = b.let(I32, x);
  return b.binary(I32_OR, b.binary(I32_SHR_U, b.tmp(t), b.c32(8)), b.and32(b.binary(I32_SHL, b.tmp(t), b.c32(8)), b.c32(0xff00)));
}
function movbeLoad(b: IrBuilder, i: Insn): void {
  writeG(b, i, i.size, swap(b, i, readE(b, i, i.size)));
}
function movbeStore(b: IrBuilder, i: Insn): void {
  writeE(b, i, i.size, swap(b, i, readG(b, i, i.size)));
}

define([
  ['VEX.L0 NP 0F 38 F2 /r', 'andn Gy,By,Ey', andn],
  ['VEX.L0 NP 0F 38 F3 /1', 'blsr By,Ey', blsr],
  ['VEX.L0 NP 0F 38 F3 /2', 'blsmsk By,Ey', blsmsk],
  ['VEX.L0 NP 0F 38 F3 /3', 'blsi By,Ey', blsi],
  ['VEX.L0 NP 0F 38 F5 /r', 'bzhi Gy,Ey,By', bzhi],
  ['VEX.L0 NP 0F 38 F7 /r', 'bextr Gy,Ey,By', bextr],
  ['VEX.L0 F2 0F 38 F5 /r', 'pdep Gy,By,Ey', deposit(PDEP)],
  ['VEX.L0 F3 0F 38 F5 /r', 'pext Gy,By,Ey', deposit(PEXT)],
  ['VEX.L0 F2 0F 38 F6 /r', 'mulx Gy,By,Ey', mulx],
  ['VEX.L0 F2 0F 3A F0 /r', 'rorx Gy,Ey,Ib', rorx],
  ['VEX.L0 66 0F 38 F7 /r', 'shlx Gy,Ey,By', shiftX(I32_SHL)],
  ['VEX.L0 F2 0F 38 F7 /r', 'shrx Gy,Ey,By', shiftX(I32_SHR_U)],
  ['VEX.L0 F3 0F 38 F7 /r', 'sarx Gy,Ey,By', shiftX(I32_SHR_S)],
  ['F3 0F BC /r', 'tzcnt Gv,Ev', count(true)],
  ['F3 0F BD /r', 'lzcnt Gv,Ev', count(false)],
  ['NP 0F 38 F0 /r', 'movbe Gv,Mv', movbeLoad],
  ['66 0F 38 F0 /r', 'movbe Gv,Mv', movbeLoad],
  ['NP 0F 38 F1 /r', 'movbe Mv,Gv', movbeStore],
  ['66 0F 38 F1 /r', 'movbe Mv,Gv', movbeStore],
]);
