/** MOV in all its forms, LEA, XCHG, BSWAP, widening moves, CMOVcc, SETcc. */
import { EXIT_GENERAL_PROTECTION } from './exits.ts';
import type { Row } from './forms.ts';
import { define } from './forms.ts';
import type { Insn } from './insn.ts';
import { I32_AND, I32_NE, I32_OR, I32_ROTL, I32_SHL, I32_SHR_U, I64_AND, I64_OR, I64_ROTL, I64_SHL, I64_SHR_U } from './ir-ops.ts';
import type { IrBuilder, Node } from './ir.ts';
import { I32, I64 } from './ir.ts';
import { byteReg, illegal, immediate, lowOffsetOf, memory, offsetOf, readE, readG, readReg, typeOf, withSegment, writeE, writeG, writeReg } from './operands.ts';

function movEG(b: IrBuilder, i: Insn): void {
  writeE(b, i, i.size, readG(b, i, i.size));
}
function movGE(b: IrBuilder, i: Insn): void {
  if (i.mod !== 3 && i.size === 4) b.setReg(i.reg, b.load(memory(b, i), 4, I64));
  else writeG(b, i, i.size, readE(b, i, i.size));
}
function movEI(b: IrBuilder, i: Insn): void {
  writeE(b, i, i.size, immediate(b, i, i.size));
}
function movZI(b: IrBuilder, i: Insn): void {
  writeReg(b, i.size, i.size === 1 ? byteReg(i, i.rm) : i.rm, immediate(b, i, i.size));
}

/** Address of a MOV with an absolute offset. */
function absolute(b: IrBuilder, i: Insn): Node {
  return withSegment(b, i, b.c64(i.imm, i.immHi));
}
function movAO(b: IrBuilder, i: Insn): void {
  writeReg(b, i.size, 0, b.loadInt(absolute(b, i), i.size));
}
function movOA(b: IrBuilder, i: Insn): void {
  b.store(absolute(b, i), readReg(b, i.size, 0), i.size);
}

function lea(b: IrBuilder, i: Insn): void {
  writeReg(b, i.size, i.reg, i.size === 8 ? offsetOf(b, i) : b.truncate(i.size, lowOffsetOf(b, i)));
}

/** MOVZX from `from` bytes. */
function movzx(from: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const v = readE(b, i, from);
    // The value is zero-extended already; a 64-bit destination is the same as a 32-bit one.
    if (i.size === 2) writeReg(b, 2, i.reg, v);
    else b.setReg(i.reg, b.zext(v));
  };
}

/** The rm operand of `from` bytes, sign-extended to i64 or (for destinations of up to 4 bytes) to i32. */
function signedE(b: IrBuilder, i: Insn, from: number, size: number): Node {
  if (i.mod !== 3) return b.load(memory(b, i), from, size === 8 ? I64 : I32, true);
  if (from === 1) {
    const r = byteReg(i, i.rm);
    if (r >= 16) return size === 8 ? b.signed64(1, b.binary(I64_SHR_U, b.reg(r - 16), b.c64s(8))) : b.signed(1, b.binary(I32_SHR_U, b.wrap(b.reg(r - 16)), b.c32(8)));
  }
  return size === 8 ? b.signed64(from, b.reg(i.rm)) : b.signed(from, b.wrap(b.reg(i.rm)));
}
function movsx(from: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const v = signedE(b, i, from, i.size);
    writeReg(b, i.size, i.reg, i.size === 2 ? b.truncate(2, v) : v);
  };
}
/** MOVSXD: without REX.W a plain move of 32 or 16 bits. */
function movsxd(b: IrBuilder, i: Insn): void {
  if (i.size === 8) b.setReg(i.reg, signedE(b, i, 4, 8));
  else movGE(b, i);
}

/** Bytes reversed; x is used through a temp. */
function reversed32(b: IrBuilder, t: number): Node {
  // Rotating by 8 and by 24 puts each byte in place; the masks choose.
  return b.binary(I32_OR, b.binary(I32_AND, b.binary(I32_ROTL, b.tmp(t), b.c32(8)), b.c32(0x00ff00ff)), b.binary(I32_AND, b.binary(I32_ROTL, b.tmp(t), b.c32(24)), b.c32(0xff00ff00 | 0)));
}
/** Reverses the bytes of a value of `size` bytes (2, 4 or 8) in its computing type. */
export function byteSwap(b: IrBuilder, size: number, x: Node): Node {
  if (size === 4) return reversed32(b, b.let(I32, x));
  if (size === 2) {
    const t = b.let(I32, x);
    return b.binary(I32_OR, b.binary(I32_SHR_U, b.tmp(t), b.c32(8)), b.binary(I32_SHL, b.binary(I32_AND, b.tmp(t), b.c32(0xff)), b.c32(8)));
  }
  const mask = (lo: number): Node => b.c64(lo, lo);
  const t = b.let(I64, x);
  const pairs = b.let(I64, b.binary(I64_OR, b.binary(I64_AND, b.binary(I64_SHR_U, b.tmp(t), b.c64s(8)), mask(0x00ff00ff)), b.binary(I64_SHL, b.binary(I64_AND, b.tmp(t), mask(0x00ff00ff)), b.c64s(8))));
  const quads = b.let(I64, b.binary(I64_OR, b.binary(I64_AND, b.binary(I64_SHR_U, b.tmp(pairs), b.c64s(16)), mask(0x0000ffff)), b.binary(I64_SHL, b.binary(I64_AND, b.tmp(pairs), mask(0x0000ffff)), b.c64s(16))));
  return b.binary(I64_ROTL, b.tmp(quads), b.c64s(32));
}
function bswap(b: IrBuilder, i: Insn): void {
  // The 16-bit form is undefined; AMD and Intel parts clear the register's low half.
  if (i.size === 2) writeReg(b, 2, i.rm, b.c32(0));
  else writeReg(b, i.size, i.rm, byteSwap(b, i.size, readReg(b, i.size, i.rm)));
}

function xchgEG(b: IrBuilder, i: Insn): void {
  const size = i.size;
  const g = b.let(typeOf(size), readG(b, i, size));
  if (i.mod === 3) {
    const e = b.let(typeOf(size), readE(b, i, size));
    writeE(b, i, size, b.tmp(g));
    writeG(b, i, size, b.tmp(e));
    return;
  }
  const host = b.rmw(memory(b, i), size);
  const old = b.let(typeOf(size), b.rawLoad(b.tmp(host), size, typeOf(size)));
  b.rawStore(b.tmp(host), b.tmp(g), size);
  b.rmwEnd(host, size);
  writeG(b, i, size, b.tmp(old));
}
function xchgZA(b: IrBuilder, i: Insn): void {
  // 90 without REX.B is NOP: it does not even clear the upper half of RAX.
  if (i.rm === 0) return;
  const size = i.size;
  const a = b.let(typeOf(size), readReg(b, size, 0));
  const z = b.let(typeOf(size), readReg(b, size, i.rm));
  writeReg(b, size, i.rm, b.tmp(a));
  writeReg(b, size, 0, b.tmp(z));
}

function cmov(b: IrBuilder, i: Insn): void {
  const size = i.size;
  // The source is read, and a 32-bit destination's upper half cleared, whether or not the condition holds.
  const v = readE(b, i, size);
  writeReg(b, size, i.reg, b.select(b.cond(i.opcode & 15), v, readReg(b, size, i.reg)));
}
function setcc(b: IrBuilder, i: Insn): void {
  writeE(b, i, 1, b.cond(i.opcode & 15));
}

/** Selectors that Linux gives a 64-bit user program: CS 0x33, SS 0x2b, the others null. Source: Linux arch/x86/include/asm/segment.h. */
export const SELECTORS: readonly number[] = [0, 0x33, 0x2b, 0, 0, 0];
function movESeg(b: IrBuilder, i: Insn): void {
  const s = i.reg & 7;
  if (s > 5) return illegal(b);
  if (i.mod === 3) writeReg(b, i.size, i.rm, b.constant(i.size, SELECTORS[s]!));
  else b.store(memory(b, i), b.c32(SELECTORS[s]!), 2);
}
/** Loading a selector: what Linux's user mode may load is taken (and reads back as null), any other faults. */
function movSegE(b: IrBuilder, i: Insn): void {
  const s = i.reg & 7;
  if (s > 5 || s === 1) return illegal(b);
  const v = b.let(I32, i.mod === 3 ? readReg(b, 2, i.rm) : b.loadInt(memory(b, i), 2));
  loadSelector(b, s, v);
}
/** Descriptors of Linux's GDT that user mode can load into a data segment, by index: null, 32-bit code, data, 64-bit code, and the one with the processor number. */
const LOADABLE: number = (1 << 0) | (1 << 4) | (1 << 5) | (1 << 6) | (1 << 15);
/** Checks the selector in temp v for segment register s. */
export function loadSelector(b: IrBuilder, s: number, v: number): void {
  if (s === 2) {
    b.faultIf(b.binary(I32_NE, b.tmp(v), b.c32(0x2b)), EXIT_GENERAL_PROTECTION);
    return;
  }
  const known = b.binary(I32_AND, b.binary(I32_SHR_U, b.c32(LOADABLE), b.binary(I32_SHR_U, b.tmp(v), b.c32(3))), b.c32(1));
  // Bit 2 is the local table, which is empty; there are 16 descriptors.
  const inTable = b.isZero(4, b.binary(I32_AND, b.tmp(v), b.c32(0xff84)));
  b.faultIf(b.isZero(4, b.binary(I32_AND, known, inTable)), EXIT_GENERAL_PROTECTION);
}

const CONDITIONS = ['o', 'no', 'b', 'ae', 'e', 'ne', 'be', 'a', 's', 'ns', 'p', 'np', 'l', 'ge', 'le', 'g'];
/** A row for each of the sixteen condition codes. */
export function perCondition(row: (cc: string, n: number) => Row): Row[] {
  return CONDITIONS.map(row);
}

define([
  ['88 /r', 'mov Eb,Gb', movEG],
  ['89 /r', 'mov Ev,Gv', movEG],
  ['8A /r', 'mov Gb,Eb', movGE],
  ['8B /r', 'mov Gv,Ev', movGE],
  ['8C /r', 'mov Ev,Sw', movESeg],
  ['8E /r', 'mov Sw,Ew', movSegE],
  ['A0', 'movabs AL,Ob', movAO],
  ['A1', 'movabs rAX,Ov', movAO],
  ['A2', 'movabs Ob,AL', movOA],
  ['A3', 'movabs Ov,rAX', movOA],
  ['B0+r', 'mov Zb,Ib', movZI],
  ['B8+r', 'mov Zv,Iv', movZI],
  ['C6 /0', 'mov Eb,Ib', movEI],
  ['C7 /0', 'mov Ev,Iz', movEI],
  ['8D /r', 'lea Gv,M', lea],
  ['63 /r', 'movsxd Gv,Ed', movsxd],
  ['0F B6 /r', 'movzx Gv,Eb', movzx(1)],
  ['0F B7 /r', 'movzx Gv,Ew', movzx(2)],
  ['0F BE /r', 'movsx Gv,Eb', movsx(1)],
  ['0F BF /r', 'movsx Gv,Ew', movsx(2)],
  ['0F C8+r', 'bswap Zv', bswap],
  ['lock 86 /r', 'xchg Eb,Gb', xchgEG],
  ['lock 87 /r', 'xchg Ev,Gv', xchgEG],
  ['90+r', 'xchg Zv,rAX', xchgZA],
  ['F3 90', 'pause', () => {}],
  ...perCondition((cc, n) => [`0F ${(0x40 + n).toString(16)} /r`, `cmov${cc} Gv,Ev`, cmov]),
  ...perCondition((cc, n) => [`0F ${(0x90 + n).toString(16)} /r`, `set${cc} Eb`, setcc]),
]);
