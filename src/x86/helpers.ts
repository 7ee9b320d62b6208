/** Registry of helpers: functions of the runtime that lifted code calls by number. A platform binds an implementation to each name. */
import type { HelperSpec, IrType } from './ir.ts';

/** All helpers; a helper's number is its index. */
export const HELPERS: HelperSpec[] = [];

/** Registers a pure helper: its result depends on nothing but its arguments, and it does not fault. Returns its number. */
export function pureHelper(name: string, params: readonly IrType[], result: IrType): number {
  return HELPERS.push({ name, params, result, usesState: false, takesCpu: false, canExit: false }) - 1;
}

/** Registers a helper that reads and writes the CPU state in memory; it is passed the state's address first. Returns its number. */
export function stateHelper(name: string, params: readonly IrType[], result: IrType, canExit = false): number {
  return HELPERS.push({ name, params, result, usesState: true, takesCpu: true, canExit }) - 1;
}

/**
 * Registers a helper that is passed the state's address first but touches only SCRATCH, MXCSR and the x87 state, so that a call costs no spill. Returns its number.
 */
export function scratchHelper(name: string, params: readonly IrType[], result: IrType, canExit = false): number {
  return HELPERS.push({ name, params, result, usesState: false, takesCpu: true, canExit }) - 1;
}
