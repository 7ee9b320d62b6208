/**
 * The operations of interpreted code. An operation is 8 bytes: number, then up to three 16-bit fields, which are offsets of values from the CPU
 * state (d: result, a and b: operands) or immediates; some have 8 or 16 bytes more. Numeric operations of the IR are taken over as they are: one
 * list here, from which the linearizer takes numbers and the interpreter makes a case each.
 */
import { HELPERS } from '../x86/helpers.ts';
import * as NUMERIC from '../x86/ir-ops.ts';
import { F32, F64, I32, I64, type IrType, V128 } from '../x86/ir.ts';
import * as SIMD from '../x86/simd-ops.ts';
import { ARITY, RESULT, SIMD_ARITY, SIMD_RESULT } from './node-types.ts';

/** What is done with operands of the given types: an operation of the IR by its number. */
export interface NumericOp {
  readonly opcode: number;
  readonly operands: readonly IrType[];
  readonly result: IrType;
  /** The second operand is the signed 16-bit immediate b. */
  readonly immediate: boolean;
}

/** Loads of guest memory at value a + signed immediate b, and of host memory at value a. */
export interface LoadOp {
  readonly size: number;
  readonly type: IrType;
  readonly signed: boolean;
}

// The operations that have a meaning of their own.
export const O_MOVE4 = 0, O_MOVE8 = 1, O_MOVE16 = 2;
/** d = 32-bit immediate in a, b; as i32, or sign-extended to i64. */
export const O_CONST32 = 3, O_CONST64S = 4;
/** d = the 8 or 16 bytes that follow. */
export const O_CONST64 = 5, O_CONST128 = 6;
/** d = host address of the CPU state + unsigned immediate a. */
export const O_CPU = 7;
/** d = a (i32) ? b : the value at the 16-bit offset that follows (8 bytes). By size. */
export const O_SELECT4 = 8, O_SELECT8 = 9, O_SELECT16 = 10;
/** d = condition code a of the flags in the state; the flags at their EFLAGS positions. */
export const O_COND = 11, O_EFLAGS = 12;
/** CC_OP = immediate d. */
export const O_SET_CC_OP = 13;
/** d = host address of b bytes at guest address a, for writing. */
export const O_RMW = 14;
/** If host address a is the bounce buffer, writes b bytes back. */
export const O_RMW_END = 15;
/** d = shuffle of a and b by the 16 lane numbers that follow. */
export const O_SHUFFLE = 16;
/** Stores value a, of 1, 2, 4, 8, 16 bytes, at guest address d + signed immediate b. */
export const O_STORE = 17; // … 21
/** Stores value a, of 1, 2, 4, 8, 16 bytes, at host address d. */
export const O_RAW_STORE = 22; // … 26
/** d = lane: loads b bytes at value a's offset, and stores them. */
export const O_LANE_4 = 27, O_LANE_8 = 28, O_LANE_1U = 29, O_LANE_2U = 30;
export const O_SET_1 = 31, O_SET_2 = 32;
/** Goes on at the 32-bit distance in a, b from the operation's own place; if value d (i32) is not 0; if it is 0. */
export const O_JUMP = 33, O_JUMP_IF = 34, O_JUMP_UNLESS = 35;
/** The same backwards, with fuel; the guest address there follows. `again`: within one instruction, always. */
export const O_JUMP_BACK = 36;
export const O_AGAIN = 37;
/** Leaves for the region at the guest address that follows, whose slot is in a, b. */
export const O_TAIL = 38;
/** Calls the region at the guest address that follows, slot in a, b; comes back at the guest address behind that. */
export const O_CALL = 39;
/** Calls value d; comes back at the guest address that follows. */
export const O_CALL_INDIRECT = 40;
export const O_JUMP_INDIRECT = 41;
/** Returns value d. */
export const O_RET = 42;
/** System call; the guest address behind it follows. */
export const O_SYSCALL = 43;
/** Leaves with reason d, detail a, b; the guest address follows. */
export const O_EXIT = 44;
const FIRST_FREE = 45;

/**
 * Code of an interpreted region, in linear memory: validity word, entries and loops left before it is compiled, length in bytes of what follows the
 * header, number of rows of the table behind that: for each instruction its first operation (from the code's start) and its address (from the entry).
 */
export const CODE_WORD = 0, CODE_COUNT = 4, CODE_LENGTH = 8, CODE_ROWS = 12;
export const CODE_HEADER = 16;

export const LOADS: readonly LoadOp[] = [
  { size: 1, type: I32, signed: false }, { size: 1, type: I32, signed: true }, { size: 2, type: I32, signed: false }, { size: 2, type: I32, signed: true }, { size: 4, type: I32, signed: false },
  { size: 1, type: I64, signed: false }, { size: 1, type: I64, signed: true }, { size: 2, type: I64, signed: false }, { size: 2, type: I64, signed: true },
  { size: 4, type: I64, signed: false }, { size: 4, type: I64, signed: true }, { size: 8, type: I64, signed: false },
  { size: 16, type: V128, signed: false }, { size: 8, type: V128, signed: false }, { size: 4, type: V128, signed: false },
];

/** Place in LOADS; f32 and f64 are loaded as the integers of their size. */
export function loadIndex(size: number, type: IrType, signed: boolean): number {
  const t = type === F32 ? I32 : type === F64 ? I64 : type;
  const s = signed && size < (t === I32 ? 4 : 8) && t !== V128;
  return LOADS.findIndex((l) => l.size === size && l.type === t && l.signed === s);
}

/** Operand types of the numeric operations below 0x100. */
function operandType(o: number): IrType {
  if (o <= 0x4f) return I32;
  if (o <= 0x5a) return I64;
  if (o <= 0x60) return F32;
  if (o <= 0x66) return F64;
  if (o <= 0x78) return I32;
  if (o <= 0x8a) return I64;
  if (o <= 0x98) return F32;
  if (o <= 0xa6) return F64;
  switch (o) {
    case 0xa7: case 0xb4: case 0xb5: case 0xb9: case 0xba: case 0xbf: case 0xc2: case 0xc3: case 0xc4: return I64;
    case 0xa8: case 0xa9: case 0xae: case 0xaf: case 0xbb: case 0xbc: return F32;
    case 0xaa: case 0xab: case 0xb0: case 0xb1: case 0xb6: case 0xbd: return F64;
  }
  return I32;
}

function simdOperands(n: number): IrType[] {
  if (n >= 0x0f && n <= 0x14) return [n <= 0x11 ? I32 : n === 0x12 ? I64 : n === 0x13 ? F32 : F64];
  const shift = [0x6b, 0x8b, 0xab, 0xcb].some((first) => n >= first && n <= first + 2);
  if (shift) return [V128, I32];
  return new Array(SIMD_ARITY[n]!).fill(V128) as IrType[];
}

/** Numeric operations, in the order of their numbers from NUMERIC_BASE. */
export const NUMERIC_OPS: NumericOp[] = [];
const plain: Map<number, number> = new Map();
const immediate: Map<number, number> = new Map();

function add(op: NumericOp): void {
  (op.immediate ? immediate : plain).set(op.opcode, NUMERIC_BASE + NUMERIC_OPS.length);
  NUMERIC_OPS.push(op);
}

const NUMERIC_BASE: number = FIRST_FREE;
const isOpcode = (v: unknown): v is number => typeof v === 'number' && v >= 0x45 && v < 0x10000;
for (const [name, o] of [...Object.entries(NUMERIC), ...Object.entries(SIMD)]) {
  if (!isOpcode(o) || plain.has(o) || !/^[A-Z]/.test(name)) continue;
  if (o < 0x100) {
    const t = operandType(o);
    const binary = ARITY[o] === 2;
    const result = RESULT[o]! as IrType;
    add({ opcode: o, operands: binary ? [t, t] : [t], result, immediate: false });
    if (binary && (t === I32 || t === I64)) add({ opcode: o, operands: [t, t], result, immediate: true });
  } else if (o >= 0xfd00) {
    const n = o - 0xfd00;
    // Lanes are loads and stores here.
    if (n === 13 || (n >= 0x15 && n <= 0x22)) continue;
    add({ opcode: o, operands: simdOperands(n), result: SIMD_RESULT[n]! as IrType, immediate: false });
  } else if (o >= 0xfc00 && o < 0xfc08) {
    add({ opcode: o, operands: [(o & 2) !== 0 ? F64 : F32], result: o < 0xfc04 ? I32 : I64, immediate: false });
  }
}
export const NUMERIC_FIRST: number = NUMERIC_BASE;
export const GUEST_LOAD_FIRST: number = NUMERIC_FIRST + NUMERIC_OPS.length;
export const RAW_LOAD_FIRST: number = GUEST_LOAD_FIRST + LOADS.length;
/** Helper h: d = result, arguments a, b and four more in the 8 bytes that follow if it has more than two. */
export const HELPER_FIRST: number = RAW_LOAD_FIRST + LOADS.length;
/** How many operations there are, once all helpers are registered. */
export const operationCount = (): number => HELPER_FIRST + HELPERS.length;

/** Number of a numeric operation of the IR, 0 = there is none. */
export function numericOp(opcode: number): number {
  return plain.get(opcode) ?? 0;
}
/** The same with an immediate as its second operand. */
export function immediateOp(opcode: number): number {
  return immediate.get(opcode) ?? 0;
}
