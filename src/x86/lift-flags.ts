/** PUSHF POPF, LAHF SAHF. */
import { DF_STEP, EFLAGS_OTHER, RAX } from './cpu-layout.ts';
import { EXIT_INTERRUPT } from './exits.ts';
import { AF, ARITH_FLAGS, CC_O, CF, DF, FLAGS_RAW, IF, PF, SF, TF, ZF, RF } from './flags.ts';
import { define } from './forms.ts';
import type { Insn } from './insn.ts';
import { I32_OR, I32_SHL, I32_SHR_U, I32_SUB } from './ir-ops.ts';
import type { IrBuilder, Temp } from './ir.ts';
import { I32 } from './ir.ts';
import { pop, push } from './lift-stack.ts';
import { readReg, writeReg } from './operands.ts';

/** Bits of RFLAGS that POPF changes in user mode besides the arithmetic ones: TF DF NT AC ID. */
export const POPF_OTHER: number = TF | DF | 0x4000 | 0x40000 | 0x200000;

function pushf(b: IrBuilder, i: Insn): void {
  const f = b.binary(I32_OR, b.binary(I32_OR, b.eflags(), b.and32(b.state(EFLAGS_OTHER, I32), b.c32(~(ARITH_FLAGS | RF)))), b.c32(IF | 2));
  push(b, i.size, i.size === 8 ? b.zext(f) : b.truncate(2, f));
}
/** Sets the arithmetic flags, and of the others those in `changes`, from the temp v (i32). */
export function setUserFlags(b: IrBuilder, v: Temp, changes: number): void {
  b.setFlags(FLAGS_RAW, 8, b.c64s(0), b.zext(b.and32(b.tmp(v), b.c32(ARITH_FLAGS))));
  b.setState(EFLAGS_OTHER, b.binary(I32_OR, b.and32(b.state(EFLAGS_OTHER, I32), b.c32(~changes)), b.and32(b.tmp(v), b.c32(changes))), I32);
  // DF at bit 10: 1 - (DF >> 9) is +1 or -1.
  b.setState(DF_STEP, b.binary(I32_SUB, b.c32(1), b.and32(b.binary(I32_SHR_U, b.tmp(v), b.c32(9)), b.c32(2))), I32);
}
function popf(b: IrBuilder, i: Insn): void {
  const low = pop(b, i.size);
  const v = b.let(I32, i.size === 8 ? b.wrap(b.tmp(low)) : b.tmp(low));
  // The 16-bit form leaves the upper bits alone.
  const changes = i.size === 2 ? POPF_OTHER & 0xffff : POPF_OTHER;
  setUserFlags(b, v, changes);
  // A program that sets TF goes on under single step, which the caller arranges.
  b.trapIf(b.and32(b.tmp(v), b.c32(TF)), EXIT_INTERRUPT);
}

function lahf(b: IrBuilder): void {
  writeReg(b, 1, RAX + 16, b.binary(I32_OR, b.and32(b.eflags(), b.c32(SF | ZF | AF | PF | CF)), b.c32(2)));
}
function sahf(b: IrBuilder): void {
  const overflow = b.binary(I32_SHL, b.cond(CC_O), b.c32(11));
  b.setFlags(FLAGS_RAW, 8, b.c64s(0), b.zext(b.binary(I32_OR, b.and32(readReg(b, 1, RAX + 16), b.c32(SF | ZF | AF | PF | CF)), overflow)));
}

define([
  ['d64 9C', 'pushf', pushf],
  ['d64 9D', 'popf', popf],
  ['9F', 'lahf', lahf],
  ['9E', 'sahf', sahf],
]);
