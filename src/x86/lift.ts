/** Entry of the lifter: one guest instruction to IR. */
import type { Fetch } from './decoder.ts';
import { DECODE_FETCH_FAULT, DECODE_ILLEGAL, DECODE_OK, decode } from './decoder.ts';
import { EXIT_GENERAL_PROTECTION, EXIT_ILLEGAL } from './exits.ts';
import type { Insn } from './insn.ts';
import type { IrBuilder } from './ir.ts';
import { S_EXIT, S_JUMP } from './ir.ts';
import './lift-move.ts';
import './lift-alu.ts';
import './sse-move.ts';
import './sse-integer.ts';
import './sse-float.ts';
import './sse-string.ts';
import './x87.ts';
import './mmx.ts';
import './xsave.ts';
import './lift-stack.ts';
import './lift-control.ts';
import './lift-shift.ts';
import './lift-bit.ts';
import './lift-bmi.ts';
import './lift-multiply.ts';
import './lift-string.ts';
import './lift-crc.ts';
import './lift-system.ts';

/** Lifted; the next instruction follows. */
export const LIFT_OK = 0;
/** Lifted; the last statement is a terminator. */
export const LIFT_END = 1;
/** Not an instruction, or not implemented: an exit with EXIT_ILLEGAL was emitted, and ends the block. */
export const LIFT_ILLEGAL = 2;
/** The bytes cannot be fetched (`insn.faultAddress`); nothing was emitted. */
export const LIFT_FETCH_FAULT = 3;

/**
 * Decodes the instruction at `address` and appends its IR to `b`; `insn.next` is then the following address.
 * `fetch` gives a byte, or -1 where it cannot be fetched.
 */
export function liftInstruction(fetch: Fetch, address: number, b: IrBuilder, insn: Insn): number {
  b.instruction();
  const status = decode(fetch, address, insn);
  if (status !== DECODE_OK) {
    if (status === DECODE_FETCH_FAULT) return LIFT_FETCH_FAULT;
    insn.next = address + insn.length;
    b.fault(status === DECODE_ILLEGAL ? EXIT_ILLEGAL : EXIT_GENERAL_PROTECTION);
    return status === DECODE_ILLEGAL ? LIFT_ILLEGAL : LIFT_END;
  }
  const first = b.stmtCount;
  insn.form!.lift(b, insn);
  if (b.stmtCount === first) return LIFT_OK;
  const last = b.stmts[b.stmtCount - 1]!;
  const o = b.op[last]!;
  if (o < S_JUMP || o > S_EXIT) return LIFT_OK;
  return o === S_EXIT && b.lo[last] === EXIT_ILLEGAL && b.hi[last] === 0 ? LIFT_ILLEGAL : LIFT_END;
}
