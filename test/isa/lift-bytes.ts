/** Lifts from a byte array, for the evaluator. */
import { Insn } from '../../src/x86/insn.ts';
import type { IrBuilder } from '../../src/x86/ir.ts';
import { LIFT_FETCH_FAULT, liftInstruction as lift } from '../../src/x86/lift.ts';

export const insn: Insn = new Insn();

/** Lifts the instruction of guest address `address` at `code[at]`; its length, or 0 if it cannot be fetched. */
export function liftInstruction(b: IrBuilder, code: Uint8Array, at: number, address: number): number {
  const status = lift((a) => code[a - address + at] ?? -1, address, b, insn);
  return status === LIFT_FETCH_FAULT ? 0 : insn.length;
}
