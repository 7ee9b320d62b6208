/**
 * MOVS STOS LODS CMPS SCAS, with REP, REPE and REPNE.
 *
 * Each iteration leaves RCX, RSI and RDI as the processor would, so a fault or an interrupt between iterations restarts the instruction where it was.
 * REP MOVS and REP STOS first let a helper move as many elements as it can without a fault; the next one goes the ordinary way, which
 * brings the page in or faults precisely.
 */
import { DF_STEP, RAX, RCX, RDI, RSI } from './cpu-layout.ts';
import { FLAGS_SUB } from './flags.ts';
import { define } from './forms.ts';
import { scratchHelper } from './helpers.ts';
import type { Insn } from './insn.ts';
import { REPE } from './insn.ts';
import { I32_AND, I32_EQ, I32_NE, I64_SHL, I64_SUB } from './ir-ops.ts';
import type { IrBuilder, Node, Temp } from './ir.ts';
import { I32, I64 } from './ir.ts';
import { readReg, typeOf, withSegment, writeReg } from './operands.ts';

/**
 * (cpu, destination address, source address, elements, log2 of the element size): copies elements upwards as a loop over them would, and returns
 * how many; it stops early, even at 0, wherever a page is not at hand or the direction flag is set. Never faults.
 */
const BULK_MOVS: number = scratchHelper('bulk_movs', [I64, I64, I64, I32], I64);
/** (cpu, destination address, value, elements, log2 of the element size): the same for filling. */
const BULK_STOS: number = scratchHelper('bulk_stos', [I64, I64, I64, I32], I64);

const log2 = (size: number): number => (size === 8 ? 3 : size >> 1);

/** A register as an address: cut to 32 bits with the 67 prefix. */
function pointer(b: IrBuilder, i: Insn, r: number): Node {
  return i.address32 ? b.zext(b.wrap(b.reg(r))) : b.reg(r);
}
function advance(b: IrBuilder, i: Insn, r: number, by: Node): void {
  const sum = b.add64(b.reg(r), by);
  b.setReg(r, i.address32 ? b.zext(b.wrap(sum)) : sum);
}
/** Source address: RSI with the segment override. */
function source(b: IrBuilder, i: Insn): Node {
  return withSegment(b, i, pointer(b, i, RSI));
}
function counterLeft(b: IrBuilder, i: Insn): Node {
  return i.address32 ? b.isNonZero(4, b.wrap(b.reg(RCX))) : b.isNonZero(8, b.reg(RCX));
}

// The instruction under way: size of its elements, and a temp with the signed step between them.
let size = 0;
let step: Temp = 0;
function begin(b: IrBuilder, i: Insn): void {
  size = i.size;
  const direction = b.sext(b.state(DF_STEP, I32));
  step = b.let(I64, size === 1 ? direction : b.binary(I64_SHL, direction, b.c64s(log2(size))));
}

function moveOne(b: IrBuilder, i: Insn): void {
  const v = b.let(typeOf(size), b.loadInt(source(b, i), size));
  b.store(pointer(b, i, RDI), b.tmp(v), size);
  advance(b, i, RSI, b.tmp(step));
  advance(b, i, RDI, b.tmp(step));
}
function storeOne(b: IrBuilder, i: Insn): void {
  b.store(pointer(b, i, RDI), readReg(b, size, RAX), size);
  advance(b, i, RDI, b.tmp(step));
}
function loadOne(b: IrBuilder, i: Insn): void {
  const v = b.let(typeOf(size), b.loadInt(source(b, i), size));
  writeReg(b, size, RAX, b.tmp(v));
  advance(b, i, RSI, b.tmp(step));
}

/** Repeats while RCX is not 0; `bulk` may move many elements at once (a node that gives how many). */
function repeat(one: (b: IrBuilder, i: Insn) => void, bulk: ((b: IrBuilder, i: Insn) => Node) | null, movesSource: boolean): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    begin(b, i);
    if (i.rep === 0) return one(b, i);
    b.if(counterLeft(b, i));
    b.loop();
    if (bulk !== null && !b.single) {
      const n = b.let(I64, bulk(b, i));
      const bytes = b.let(I64, b.binary(I64_SHL, b.tmp(n), b.c64s(log2(size))));
      if (movesSource) advance(b, i, RSI, b.tmp(bytes));
      advance(b, i, RDI, b.tmp(bytes));
      advance(b, i, RCX, b.binary(I64_SUB, b.c64s(0), b.tmp(n)));
      b.if(counterLeft(b, i));
      one(b, i);
      advance(b, i, RCX, b.c64s(-1));
      b.end();
    } else {
      one(b, i);
      advance(b, i, RCX, b.c64s(-1));
    }
    b.againIf(counterLeft(b, i));
    b.end();
    b.end();
  };
}

const movs = repeat(moveOne, (b, i) => b.helper(BULK_MOVS, pointer(b, i, RDI), source(b, i), pointer(b, i, RCX), b.c32(log2(size))), true);
const stos = repeat(storeOne, (b, i) => b.helper(BULK_STOS, pointer(b, i, RDI), b.reg(RAX), pointer(b, i, RCX), b.c32(log2(size))), false);
const lods = repeat(loadOne, null, true);

/** CMPS and SCAS: the flags are those of the last comparison, and stay as they were if there was none. */
function compare(readFirst: (b: IrBuilder, i: Insn) => Node, movesSource: boolean): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    begin(b, i);
    const type = typeOf(size);
    const x = b.variable(type, b.constant(size, 0));
    const y = b.variable(type, b.constant(size, 0));
    const one = (): void => {
      b.assign(x, readFirst(b, i));
      b.assign(y, b.loadInt(pointer(b, i, RDI), size));
      if (movesSource) advance(b, i, RSI, b.tmp(step));
      advance(b, i, RDI, b.tmp(step));
    };
    const flags = (): void => b.setFlags(FLAGS_SUB, size, b.widen(size, b.tmp(x)), b.widen(size, b.tmp(y)));
    if (i.rep === 0) {
      one();
      flags();
      return;
    }
    b.if(counterLeft(b, i));
    b.loop();
    one();
    advance(b, i, RCX, b.c64s(-1));
    // Inside the loop: a fault in a later iteration shows the flags of the last one that was completed, as AMD parts do.
    flags();
    b.againIf(b.binary(I32_AND, counterLeft(b, i), b.compare(i.rep === REPE ? I32_EQ : I32_NE, size, b.tmp(x), b.tmp(y))));
    b.end();
    b.end();
  };
}
const cmps = compare((b, i) => b.loadInt(source(b, i), size), true);
const scas = compare((b) => readReg(b, size, RAX), false);

define([
  ['A4', 'movs Yb,Xb', movs],
  ['A5', 'movs Yv,Xv', movs],
  ['A6', 'cmps Xb,Yb', cmps],
  ['A7', 'cmps Xv,Yv', cmps],
  ['AA', 'stos Yb,AL', stos],
  ['AB', 'stos Yv,rAX', stos],
  ['AC', 'lods AL,Xb', lods],
  ['AD', 'lods rAX,Xv', lods],
  ['AE', 'scas AL,Yb', scas],
  ['AF', 'scas rAX,Yv', scas],
]);
