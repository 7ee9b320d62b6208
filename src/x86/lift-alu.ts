/** ADD OR ADC SBB AND SUB XOR CMP TEST INC DEC NEG NOT, XADD, CMPXCHG, sign extension of the accumulator. */
import type { Row } from './forms.ts';
import { define } from './forms.ts';
import { FLAGS_ADC, FLAGS_ADD, FLAGS_DEC, FLAGS_INC, FLAGS_LOGIC, FLAGS_SBB, FLAGS_SUB, CC_B } from './flags.ts';
import type { Insn } from './insn.ts';
import { I32_ADD, I32_AND, I32_OR, I32_SHR_S, I32_SUB, I32_XOR, I64_SHR_S } from './ir-ops.ts';
import type { IrBuilder, Node, Temp } from './ir.ts';
import { I32 } from './ir.ts';
import { closeE, immediate, openE, readE, readG, readReg, typeOf, writeE, writeG, writeReg } from './operands.ts';

/** Computes a result from two operands and binds the flags' ingredients; the flags are set later by `setAlu`. */
const ADD = 0, OR = 1, ADC = 2, SBB = 3, AND = 4, SUB = 5, XOR = 6, CMP = 7;

// Temps of the operation under way: result, operands, carry.
let result: Temp, first: Temp, second: Temp, carry: Temp;

/** result := x op y. */
function compute(b: IrBuilder, op: number, size: number, x: Node, y: Node): void {
  const type = typeOf(size);
  switch (op) {
    case ADD:
      second = b.let(type, y);
      result = b.let(type, b.truncate(size, b.arith(I32_ADD, size, x, b.tmp(second))));
      return;
    case SUB:
      first = b.let(type, x);
      second = b.let(type, y);
      result = b.let(type, b.truncate(size, b.arith(I32_SUB, size, b.tmp(first), b.tmp(second))));
      return;
    case ADC:
      second = b.let(type, y);
      carry = b.let(I32, b.cond(CC_B));
      result = b.let(type, b.truncate(size, b.arith(I32_ADD, size, b.arith(I32_ADD, size, x, b.tmp(second)), b.widen(size === 8 ? 4 : 8, b.tmp(carry)))));
      return;
    case SBB:
      first = b.let(type, x);
      second = b.let(type, y);
      carry = b.let(I32, b.cond(CC_B));
      result = b.let(type, b.truncate(size, b.arith(I32_SUB, size, b.arith(I32_SUB, size, b.tmp(first), b.tmp(second)), b.widen(size === 8 ? 4 : 8, b.tmp(carry)))));
      return;
    default:
      result = b.let(type, b.arith(op === AND ? I32_AND : op === OR ? I32_OR : I32_XOR, size, x, y));
  }
}

function setAluFlags(b: IrBuilder, op: number, size: number): void {
  const w = (t: Temp): Node => b.widen(size, b.tmp(t));
  switch (op) {
    case ADD:
      return b.setFlags(FLAGS_ADD, size, w(result), w(second));
    case SUB:
      return b.setFlags(FLAGS_SUB, size, w(first), w(second));
    case ADC:
      return b.setFlags(FLAGS_ADC, size, w(result), w(second), b.zext(b.tmp(carry)));
    case SBB:
      return b.setFlags(FLAGS_SBB, size, w(first), w(second), b.zext(b.tmp(carry)));
    default:
      return b.setFlags(FLAGS_LOGIC, size, w(result), b.c64s(0));
  }
}

/** The rm operand for operations that only set flags: a load is bound, because the flags may be dropped but the fault may not. */
function loadedE(b: IrBuilder, i: Insn): Node {
  const e = readE(b, i, i.size);
  return i.mod === 3 ? e : b.tmp(b.let(typeOf(i.size), e));
}
/** The flags of `x - y`, which nothing else needs. */
function compareFlags(b: IrBuilder, size: number, x: Node, y: Node): void {
  b.setFlags(FLAGS_SUB, size, b.widen(size, x), b.widen(size, y));
}

/** r op r with both operands the same register: constant results. Returns false if it is not one of those. */
function sameRegister(b: IrBuilder, i: Insn, op: number): boolean {
  if (i.mod !== 3 || i.reg !== i.rm || (i.size === 1 && !i.rex && i.reg >= 4)) return false;
  if (op === XOR || op === SUB) {
    writeReg(b, i.size, i.reg, b.constant(i.size, 0));
    b.setFlags(FLAGS_LOGIC, i.size, b.c64s(0), b.c64s(0));
    return true;
  }
  if (op === AND || op === OR) {
    if (i.size === 4) b.setReg(i.reg, b.zext(b.wrap(b.reg(i.reg))));
    b.setFlags(FLAGS_LOGIC, i.size, b.widen(i.size, readReg(b, i.size, i.reg)), b.c64s(0));
    return true;
  }
  return false;
}

/*
 * Where the destination is a register of 4 or 8 bytes, nothing needs to be bound to temps: flags of a subtraction are set from the operands
 * before the register changes, those of an addition from the register that has changed. Dead flags then leave one expression.
 */
/** What the source operand of `toRegister` is. */
const SOURCE_REG = 0, SOURCE_IMM = 1, SOURCE_TEMP = 2;
let sourceKind = 0;
let source = 0;

function readSource(b: IrBuilder, i: Insn, size: number): Node {
  return sourceKind === SOURCE_REG ? readReg(b, size, source) : sourceKind === SOURCE_IMM ? immediate(b, i, size) : b.tmp(source);
}
/** r = r op source, and the flags. */
function toRegister(b: IrBuilder, i: Insn, op: number, r: number): void {
  const size = i.size;
  if (op === SUB) {
    b.setFlags(FLAGS_SUB, size, b.widen(size, readReg(b, size, r)), b.widen(size, readSource(b, i, size)));
    writeReg(b, size, r, b.arith(I32_SUB, size, readReg(b, size, r), readSource(b, i, size)));
  } else if (op === ADD && !(sourceKind === SOURCE_REG && source === r)) {
    writeReg(b, size, r, b.arith(I32_ADD, size, readReg(b, size, r), readSource(b, i, size)));
    b.setFlags(FLAGS_ADD, size, b.reg(r), b.widen(size, readSource(b, i, size)));
  } else if (op === AND || op === OR || op === XOR) {
    writeReg(b, size, r, b.arith(op === AND ? I32_AND : op === OR ? I32_OR : I32_XOR, size, readReg(b, size, r), readSource(b, i, size)));
    b.setFlags(FLAGS_LOGIC, size, b.reg(r), b.c64s(0));
  } else {
    compute(b, op, size, readReg(b, size, r), readSource(b, i, size));
    writeReg(b, size, r, b.tmp(result));
    setAluFlags(b, op, size);
  }
}

function aluEG(op: number): (b: IrBuilder, i: Insn) => void {
  if (op === CMP) return (b, i) => compareFlags(b, i.size, loadedE(b, i), readG(b, i, i.size));
  return (b, i) => {
    if (sameRegister(b, i, op)) return;
    if (i.mod === 3 && i.size >= 4) {
      sourceKind = SOURCE_REG;
      source = i.reg;
      return toRegister(b, i, op, i.rm);
    }
    const e = openE(b, i, i.size);
    compute(b, op, i.size, e, readG(b, i, i.size));
    closeE(b, i, i.size, b.tmp(result));
    setAluFlags(b, op, i.size);
  };
}
function aluGE(op: number): (b: IrBuilder, i: Insn) => void {
  if (op === CMP)
    return (b, i) => {
      const e = loadedE(b, i);
      compareFlags(b, i.size, readG(b, i, i.size), e);
    };
  return (b, i) => {
    if (sameRegister(b, i, op)) return;
    if (i.size >= 4) {
      sourceKind = i.mod === 3 ? SOURCE_REG : SOURCE_TEMP;
      source = i.mod === 3 ? i.rm : b.let(typeOf(i.size), readE(b, i, i.size));
      return toRegister(b, i, op, i.reg);
    }
    const e = readE(b, i, i.size);
    compute(b, op, i.size, readG(b, i, i.size), e);
    writeG(b, i, i.size, b.tmp(result));
    setAluFlags(b, op, i.size);
  };
}
function aluEI(op: number): (b: IrBuilder, i: Insn) => void {
  if (op === CMP) return (b, i) => compareFlags(b, i.size, loadedE(b, i), immediate(b, i, i.size));
  return (b, i) => {
    if (i.mod === 3 && i.size >= 4) {
      sourceKind = SOURCE_IMM;
      return toRegister(b, i, op, i.rm);
    }
    const e = openE(b, i, i.size);
    compute(b, op, i.size, e, immediate(b, i, i.size));
    closeE(b, i, i.size, b.tmp(result));
    setAluFlags(b, op, i.size);
  };
}
function aluAI(op: number): (b: IrBuilder, i: Insn) => void {
  if (op === CMP) return (b, i) => compareFlags(b, i.size, readReg(b, i.size, 0), immediate(b, i, i.size));
  return (b, i) => {
    if (i.size >= 4) {
      sourceKind = SOURCE_IMM;
      return toRegister(b, i, op, 0);
    }
    compute(b, op, i.size, readReg(b, i.size, 0), immediate(b, i, i.size));
    writeReg(b, i.size, 0, b.tmp(result));
    setAluFlags(b, op, i.size);
  };
}

function testEG(b: IrBuilder, i: Insn): void {
  if (i.mod === 3 && i.reg === i.rm && (i.size !== 1 || i.rex || i.reg < 4)) {
    b.setFlags(FLAGS_LOGIC, i.size, b.widen(i.size, readReg(b, i.size, i.reg)), b.c64s(0));
    return;
  }
  const e = loadedE(b, i);
  b.setFlags(FLAGS_LOGIC, i.size, b.widen(i.size, b.arith(I32_AND, i.size, e, readG(b, i, i.size))), b.c64s(0));
}
function testEI(b: IrBuilder, i: Insn): void {
  b.setFlags(FLAGS_LOGIC, i.size, b.widen(i.size, b.arith(I32_AND, i.size, loadedE(b, i), immediate(b, i, i.size))), b.c64s(0));
}
function testAI(b: IrBuilder, i: Insn): void {
  b.setFlags(FLAGS_LOGIC, i.size, b.widen(i.size, b.arith(I32_AND, i.size, readReg(b, i.size, 0), immediate(b, i, i.size))), b.c64s(0));
}

/** INC (delta 1) and DEC (delta -1): CF stays. */
function incDec(kind: number, delta: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const size = i.size;
    if (i.mod === 3 && size >= 4) {
      writeReg(b, size, i.rm, b.arith(I32_ADD, size, readReg(b, size, i.rm), b.constant(size, delta)));
      b.setFlags(kind, size, b.reg(i.rm), b.c64s(0), b.zext(b.cond(CC_B)));
      return;
    }
    const e = openE(b, i, size);
    const r = b.let(typeOf(size), b.truncate(size, b.arith(I32_ADD, size, e, b.constant(size, delta))));
    closeE(b, i, size, b.tmp(r));
    b.setFlags(kind, size, b.widen(size, b.tmp(r)), b.c64s(0), b.zext(b.cond(CC_B)));
  };
}
function neg(b: IrBuilder, i: Insn): void {
  const size = i.size;
  if (i.mod === 3 && size >= 4) {
    b.setFlags(FLAGS_SUB, size, b.c64s(0), b.widen(size, readReg(b, size, i.rm)));
    writeReg(b, size, i.rm, b.arith(I32_SUB, size, b.constant(size, 0), readReg(b, size, i.rm)));
    return;
  }
  compute(b, SUB, size, b.constant(size, 0), openE(b, i, size));
  closeE(b, i, size, b.tmp(result));
  setAluFlags(b, SUB, size);
}
function not(b: IrBuilder, i: Insn): void {
  closeE(b, i, i.size, b.truncate(i.size, b.arith(I32_XOR, i.size, openE(b, i, i.size), b.constant(i.size, -1))));
}

function xadd(b: IrBuilder, i: Insn): void {
  const size = i.size;
  const e = b.let(typeOf(size), openE(b, i, size));
  compute(b, ADD, size, b.tmp(e), readG(b, i, size));
  // With a register destination that is also the source, the sum wins.
  if (i.mod === 3) {
    writeG(b, i, size, b.tmp(e));
    closeE(b, i, size, b.tmp(result));
  } else {
    closeE(b, i, size, b.tmp(result));
    writeG(b, i, size, b.tmp(e));
  }
  setAluFlags(b, ADD, size);
}

function cmpxchg(b: IrBuilder, i: Insn): void {
  const size = i.size;
  const type = typeOf(size);
  const e = b.let(type, openE(b, i, size));
  const a = b.let(type, readReg(b, size, 0));
  const g = b.let(type, readG(b, i, size));
  const same = b.let(I32, b.equal(size, b.tmp(a), b.tmp(e)));
  if (i.mod !== 3) {
    // Memory is written either way, and the accumulator with what was there.
    closeE(b, i, size, b.select(b.tmp(same), b.tmp(g), b.tmp(e)));
    b.if(b.isZero(4, b.tmp(same)));
    writeReg(b, size, 0, b.tmp(e));
    b.end();
  } else {
    b.if(b.tmp(same));
    writeE(b, i, size, b.tmp(g));
    b.else();
    writeReg(b, size, 0, b.tmp(e));
    // A failing 32-bit form still clears the destination's upper half. SDM: "the destination operand is written back".
    b.end();
  }
  compareFlags(b, size, b.tmp(a), b.tmp(e));
}

/** CBW CWDE CDQE. */
function cbw(b: IrBuilder, i: Insn): void {
  if (i.size === 8) b.setReg(0, b.signed64(4, b.reg(0)));
  else if (i.size === 4) b.setReg(0, b.zext(b.signed(2, b.wrap(b.reg(0)))));
  else writeReg(b, 2, 0, b.truncate(2, b.signed(1, b.wrap(b.reg(0)))));
}
/** CWD CDQ CQO. */
function cwd(b: IrBuilder, i: Insn): void {
  if (i.size === 8) b.setReg(2, b.binary(I64_SHR_S, b.reg(0), b.c64s(63)));
  else if (i.size === 4) b.setReg(2, b.zext(b.binary(I32_SHR_S, b.wrap(b.reg(0)), b.c32(31))));
  else writeReg(b, 2, 2, b.truncate(2, b.binary(I32_SHR_S, b.signed(2, b.wrap(b.reg(0))), b.c32(15))));
}

const hex = (n: number): string => n.toString(16).padStart(2, '0');
function aluRows(name: string, op: number): Row[] {
  const base = op * 8;
  const lock = op === CMP ? '' : 'lock ';
  return [
    [`${lock}${hex(base)} /r`, `${name} Eb,Gb`, aluEG(op)],
    [`${lock}${hex(base + 1)} /r`, `${name} Ev,Gv`, aluEG(op)],
    [`${hex(base + 2)} /r`, `${name} Gb,Eb`, aluGE(op)],
    [`${hex(base + 3)} /r`, `${name} Gv,Ev`, aluGE(op)],
    [hex(base + 4), `${name} AL,Ib`, aluAI(op)],
    [hex(base + 5), `${name} rAX,Iz`, aluAI(op)],
    [`${lock}80 /${op}`, `${name} Eb,Ib`, aluEI(op)],
    [`${lock}81 /${op}`, `${name} Ev,Iz`, aluEI(op)],
    [`${lock}83 /${op}`, `${name} Ev,Ib`, aluEI(op)],
  ];
}

define([
  ...['add', 'or', 'adc', 'sbb', 'and', 'sub', 'xor', 'cmp'].flatMap(aluRows),
  ['84 /r', 'test Eb,Gb', testEG],
  ['85 /r', 'test Ev,Gv', testEG],
  ['A8', 'test AL,Ib', testAI],
  ['A9', 'test rAX,Iz', testAI],
  ['F6 /0', 'test Eb,Ib', testEI],
  ['F6 /1', 'test Eb,Ib', testEI],
  ['F7 /0', 'test Ev,Iz', testEI],
  ['F7 /1', 'test Ev,Iz', testEI],
  ['lock FE /0', 'inc Eb', incDec(FLAGS_INC, 1)],
  ['lock FF /0', 'inc Ev', incDec(FLAGS_INC, 1)],
  ['lock FE /1', 'dec Eb', incDec(FLAGS_DEC, -1)],
  ['lock FF /1', 'dec Ev', incDec(FLAGS_DEC, -1)],
  ['lock F6 /2', 'not Eb', not],
  ['lock F7 /2', 'not Ev', not],
  ['lock F6 /3', 'neg Eb', neg],
  ['lock F7 /3', 'neg Ev', neg],
  ['lock 0F C0 /r', 'xadd Eb,Gb', xadd],
  ['lock 0F C1 /r', 'xadd Ev,Gv', xadd],
  ['lock 0F B0 /r', 'cmpxchg Eb,Gb', cmpxchg],
  ['lock 0F B1 /r', 'cmpxchg Ev,Gv', cmpxchg],
  ['98', 'cwde', cbw],
  ['99', 'cdq', cwd],
]);
