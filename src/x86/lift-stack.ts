/** PUSH POP ENTER LEAVE. */
import { RBP, RSP } from './cpu-layout.ts';
import { define } from './forms.ts';
import type { Insn } from './insn.ts';
import type { IrBuilder, Node, Temp } from './ir.ts';
import { I64 } from './ir.ts';
import { immediate, memory, readE, readReg, typeOf, writeReg } from './operands.ts';

/** Pushes a value of the computing type of `size`. The value must have been bound if it reads memory. */
export function push(b: IrBuilder, size: number, value: Node): void {
  b.store(b.add64(b.reg(RSP), b.c64s(-size)), value, size);
  b.setReg(RSP, b.add64(b.reg(RSP), b.c64s(-size)));
}
/** Pops `size` bytes: binds the value and moves RSP, which is the last thing that may happen before writing registers. */
export function pop(b: IrBuilder, size: number): Temp {
  const v = b.let(typeOf(size), b.loadInt(b.reg(RSP), size));
  b.setReg(RSP, b.add64(b.reg(RSP), b.c64s(size)));
  return v;
}

function pushE(b: IrBuilder, i: Insn): void {
  push(b, i.size, b.tmp(b.let(typeOf(i.size), readE(b, i, i.size))));
}
function pushZ(b: IrBuilder, i: Insn): void {
  push(b, i.size, readReg(b, i.size, i.rm));
}
function pushI(b: IrBuilder, i: Insn): void {
  push(b, i.size, immediate(b, i, i.size));
}
function popZ(b: IrBuilder, i: Insn): void {
  if (i.size === 8 && i.rm !== RSP) {
    b.setReg(i.rm, b.loadInt(b.reg(RSP), 8));
    b.setReg(RSP, b.add64(b.reg(RSP), b.c64s(8)));
    return;
  }
  const v = pop(b, i.size);
  writeReg(b, i.size, i.rm, b.tmp(v));
}
function popE(b: IrBuilder, i: Insn): void {
  const size = i.size;
  if (i.mod === 3) return popZ(b, i);
  const v = b.let(typeOf(size), b.loadInt(b.reg(RSP), size));
  // An address made from RSP uses its value after the pop. SDM vol. 2, POP.
  if (i.base === RSP) i.disp += size;
  b.store(memory(b, i), b.tmp(v), size);
  b.setReg(RSP, b.add64(b.reg(RSP), b.c64s(size)));
}

function leave(b: IrBuilder, i: Insn): void {
  const v = b.let(typeOf(i.size), b.loadInt(b.reg(RBP), i.size));
  b.setReg(RSP, b.add64(b.reg(RBP), b.c64s(i.size)));
  writeReg(b, i.size, RBP, b.tmp(v));
}

function enter(b: IrBuilder, i: Insn): void {
  const size = i.size;
  const level = i.imm2 & 31;
  const frame = b.let(I64, b.add64(b.reg(RSP), b.c64s(-size)));
  const depth = level === 0 ? size : size * (level + 1);
  // Pushes and loads take turns, as on the processor: the display may overlap the new frame. A fault between them leaves the
  // registers alone, so that the instruction starts over.
  b.store(b.tmp(frame), readReg(b, size, RBP), size);
  for (let k = 1; k < level; k++) {
    const pointer = b.let(typeOf(size), b.loadInt(b.add64(b.reg(RBP), b.c64s(-size * k)), size));
    b.store(b.add64(b.tmp(frame), b.c64s(-size * k)), b.tmp(pointer), size);
  }
  if (level > 0) b.store(b.add64(b.tmp(frame), b.c64s(-size * level)), b.narrow(size, b.tmp(frame)), size);
  b.setReg(RSP, b.add64(b.tmp(frame), b.c64s(size - depth - (i.imm & 0xffff))));
  writeReg(b, size, RBP, b.truncate(size, b.narrow(size, b.tmp(frame))));
}

define([
  ['d64 50+r', 'push Zv', pushZ],
  ['d64 58+r', 'pop Zv', popZ],
  ['d64 68', 'push Iz', pushI],
  ['d64 6A', 'push Ib', pushI],
  ['d64 8F /0', 'pop Ev', popE],
  ['d64 FF /6', 'push Ev', pushE],
  ['d64 C8', 'enter Iw,Ib', enter],
  ['d64 C9', 'leave', leave],
]);
