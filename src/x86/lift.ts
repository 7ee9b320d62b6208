/** Entry of the lifter: one guest instruction to IR. */
import { DECODE_ILLEGAL, DECODE_NEEDS_MORE, DECODE_OK, decode } from './decoder.ts';
import { EXIT_GENERAL_PROTECTION, EXIT_ILLEGAL } from './exits.ts';
import { Insn } from './insn.ts';
import type { IrBuilder } from './ir.ts';
import './lift-move.ts';
import './lift-alu.ts';
import './lift-stack.ts';
import './lift-control.ts';

/** The instruction that was lifted last: its length, its bytes and its row, for the caller's reports. */
export const insn: Insn = new Insn();

/**
 * Appends to `b` the IR of the instruction at guest address `address`, whose bytes are `code[at..end)`. Returns its length in bytes, or 0 if it
 * goes on beyond `end`: then nothing was emitted. The block ends if the last statement is a terminator.
 * What is not an instruction, or not implemented, becomes an exit with EXIT_ILLEGAL; more than 15 bytes one with EXIT_GENERAL_PROTECTION.
 */
export function liftInstruction(b: IrBuilder, code: Uint8Array, at: number, end: number, address: number): number {
  b.instruction();
  const status = decode(code, at, end, address, insn);
  if (status === DECODE_OK) {
    insn.form!.lift(b, insn);
    return insn.length;
  }
  if (status === DECODE_NEEDS_MORE) return 0;
  b.fault(status === DECODE_ILLEGAL ? EXIT_ILLEGAL : EXIT_GENERAL_PROTECTION);
  return insn.length;
}
