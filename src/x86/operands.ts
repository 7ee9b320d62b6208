/** Operands of integer instructions: effective addresses, registers of every size, destinations in memory that are read and written. */
import { FS_BASE, GS_BASE } from './cpu-layout.ts';
import { EXIT_GENERAL_PROTECTION, EXIT_ILLEGAL } from './exits.ts';
import type { Insn } from './insn.ts';
import { I32_ADD, I32_SHL, I32_SHR_U, I64_OR, I64_SHL } from './ir-ops.ts';
import { I32, I64 } from './ir.ts';
import type { IrBuilder, IrType, Node } from './ir.ts';

/** Type that operands of `size` bytes are computed in. */
export function typeOf(size: number): IrType {
  return size === 8 ? I64 : I32;
}

/** Effective address of the memory operand without the segment base, as i64 (what LEA gives in 64-bit operand size). */
export function offsetOf(b: IrBuilder, i: Insn): Node {
  let a: Node = -1;
  if (i.ripRelative) a = b.addr(i.next + i.disp);
  else {
    if (i.index >= 0) {
      a = b.reg(i.index);
      if (i.scale !== 0) a = b.binary(I64_SHL, a, b.c64s(i.scale));
      if (i.base >= 0) a = b.add64(b.reg(i.base), a);
    } else if (i.base >= 0) a = b.reg(i.base);
    if (a < 0) a = b.c64s(i.disp);
    else if (i.disp !== 0) a = b.add64(a, b.c64s(i.disp));
  }
  return i.address32 ? b.zext(b.wrap(a)) : a;
}

/** The lower half of that (i32): engines know that 32-bit arithmetic clears the upper half. */
export function lowOffsetOf(b: IrBuilder, i: Insn): Node {
  if (i.ripRelative) return b.c32((i.next + i.disp) | 0);
  let a: Node = -1;
  if (i.index >= 0) {
    a = b.wrap(b.reg(i.index));
    if (i.scale !== 0) a = b.binary(I32_SHL, a, b.c32(i.scale));
    if (i.base >= 0) a = b.binary(I32_ADD, b.wrap(b.reg(i.base)), a);
  } else if (i.base >= 0) a = b.wrap(b.reg(i.base));
  if (a < 0) return b.c32(i.disp | 0);
  return i.disp === 0 ? a : b.binary(I32_ADD, a, b.c32(i.disp | 0));
}

/** Adds the base of the FS or GS override to an offset. */
export function withSegment(b: IrBuilder, i: Insn, offset: Node): Node {
  if (i.segment === 0) return offset;
  return b.add64(b.state(i.segment === 4 ? FS_BASE : GS_BASE, I64), offset);
}

/** Linear address of the memory operand (i64). */
export function memory(b: IrBuilder, i: Insn): Node {
  return withSegment(b, i, offsetOf(b, i));
}

/** In byte operands without REX, registers 4-7 are AH CH DH BH. Gives the register number, + 16 for a high byte. */
export function byteReg(i: Insn, r: number): number {
  return !i.rex && r >= 4 ? r + 12 : r;
}

/** Value of a general register, `size` bytes zero-extended, in the computing type. For size 1, r is as `byteReg` gives it. */
export function readReg(b: IrBuilder, size: number, r: number): Node {
  if (size === 8) return b.reg(r);
  if (size === 4) return b.wrap(b.reg(r));
  if (size === 2) return b.and32(b.wrap(b.reg(r)), b.c32(0xffff));
  if (r >= 16) return b.and32(b.fold(I32_SHR_U, b.wrap(b.reg(r - 16)), b.c32(8)), b.c32(0xff));
  return b.and32(b.wrap(b.reg(r)), b.c32(0xff));
}

/** Sets a general register from a zero-extended value in the computing type; 32-bit writes clear the upper half, smaller ones keep the rest. */
export function writeReg(b: IrBuilder, size: number, r: number, value: Node): void {
  if (size === 8) b.setReg(r, value);
  else if (size === 4) b.setReg(r, b.zext(value));
  else if (size === 2) b.setReg(r, b.binary(I64_OR, b.and64(b.reg(r), b.c64(~0xffff, -1)), b.zext(value)));
  else if (r >= 16) b.setReg(r - 16, b.binary(I64_OR, b.and64(b.reg(r - 16), b.c64(~0xff00, -1)), b.binary(I64_SHL, b.zext(value), b.c64s(8))));
  else b.setReg(r, b.binary(I64_OR, b.and64(b.reg(r), b.c64(~0xff, -1)), b.zext(value)));
}

/** The register operand in ModRM.reg. */
export function readG(b: IrBuilder, i: Insn, size: number): Node {
  return readReg(b, size, size === 1 ? byteReg(i, i.reg) : i.reg);
}
export function writeG(b: IrBuilder, i: Insn, size: number, value: Node): void {
  writeReg(b, size, size === 1 ? byteReg(i, i.reg) : i.reg, value);
}

/** The rm operand, for reading only. */
export function readE(b: IrBuilder, i: Insn, size: number): Node {
  if (i.mod === 3) return readReg(b, size, size === 1 ? byteReg(i, i.rm) : i.rm);
  return b.loadInt(memory(b, i), size);
}
/** The rm operand, for writing only. */
export function writeE(b: IrBuilder, i: Insn, size: number, value: Node): void {
  if (i.mod === 3) writeReg(b, size, size === 1 ? byteReg(i, i.rm) : i.rm, value);
  else b.store(memory(b, i), value, size);
}

/** The rm operand as a destination that is read first: the value. A memory operand is checked for writing; `closeE` follows. */
export function openE(b: IrBuilder, i: Insn, size: number): Node {
  if (i.mod === 3) return readReg(b, size, size === 1 ? byteReg(i, i.rm) : i.rm);
  i.place = b.rmw(memory(b, i), size);
  return b.rawLoad(b.tmp(i.place), size, typeOf(size));
}
/** Writes the destination that `openE` opened. */
export function closeE(b: IrBuilder, i: Insn, size: number, value: Node): void {
  if (i.mod === 3) {
    writeReg(b, size, size === 1 ? byteReg(i, i.rm) : i.rm, value);
    return;
  }
  b.rawStore(b.tmp(i.place), value, size);
  b.rmwEnd(i.place, size);
}

/** The immediate in the computing type of `size`, cut to it. */
export function immediate(b: IrBuilder, i: Insn, size: number): Node {
  if (size === 8) return b.c64(i.imm, i.immHi);
  return b.c32(size === 4 ? i.imm : size === 2 ? i.imm & 0xffff : i.imm & 0xff);
}

/** #UD. */
export function illegal(b: IrBuilder): void {
  b.fault(EXIT_ILLEGAL);
}
/** #GP(0). */
export function generalProtection(b: IrBuilder): void {
  b.fault(EXIT_GENERAL_PROTECTION);
}
