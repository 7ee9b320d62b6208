/** Arity and result type of the numeric operations of the IR (numbers of the WebAssembly binary format). */
import { HELPERS } from '../x86/helpers.ts';
import {
  F32, F64, I32, I64, type IrBuilder, N_COND, N_CONST128, N_CONST32, N_CONST64, N_CPU, N_EFLAGS, N_HELPER, N_LANE, N_LOAD, N_RAW_LOAD, N_REG, N_RMW, N_SELECT, N_SHUFFLE, N_STATE, N_TMP,
  N_XMM, V128,
} from '../x86/ir.ts';

/** By opcode below 0x100: operands. */
export const ARITY: Uint8Array = new Uint8Array(256).fill(2);
/** By opcode below 0x100: IR type of the result. */
export const RESULT: Uint8Array = new Uint8Array(256);
/** By SIMD opcode behind the 0xfd prefix. */
export const SIMD_ARITY: Uint8Array = new Uint8Array(0x140).fill(2);
export const SIMD_RESULT: Uint8Array = new Uint8Array(0x140).fill(V128);
/** SIMD loads and stores of 4 and 8 bytes, zero above. */
export const V128_LOAD32_ZERO = 0x5c, V128_LOAD64_ZERO = 0x5d, V128_STORE32_LANE = 0x5a, V128_STORE64_LANE = 0x5b;

/** IR type of the value of node `n`. */
export function nodeType(ir: IrBuilder, n: number): number {
  const o = ir.op[n]!;
  if (o < 0x100) return RESULT[o]!;
  if (o >= 0xfd00 && o < 0xfe40) return SIMD_RESULT[o - 0xfd00]!;
  if (o >= 0xfc00 && o < 0xfc10) return o < 0xfc04 ? I32 : I64;
  switch (o) {
    case N_CONST32: case N_COND: case N_EFLAGS: case N_RMW: case N_CPU: return I32;
    case N_CONST64: case N_REG: return I64;
    case N_CONST128: case N_XMM: case N_SHUFFLE: return V128;
    case N_TMP: case N_STATE: return ir.b[n]!;
    case N_LOAD: case N_RAW_LOAD: return ir.c[n]!;
    case N_SELECT: return nodeType(ir, ir.b[n]!);
    case N_LANE: return SIMD_RESULT[ir.lo[n]! & 0xff]!;
    case N_HELPER: return HELPERS[ir.a[n]!]!.result;
  }
  throw new Error(`IR node ${o.toString(16)} has no type`);
}

function range(table: Uint8Array, from: number, to: number, value: number): void {
  for (let i = from; i <= to; i++) table[i] = value;
}
for (const i of [0x45, 0x50, 0x67, 0x68, 0x69, 0x79, 0x7a, 0x7b]) ARITY[i] = 1;
range(ARITY, 0x8b, 0x91, 1);
range(ARITY, 0x99, 0x9f, 1);
range(ARITY, 0xa7, 0xc4, 1);
range(RESULT, 0x45, 0x78, I32);
range(RESULT, 0x79, 0x8a, I64);
range(RESULT, 0x8b, 0x98, F32);
range(RESULT, 0x99, 0xa6, F64);
range(RESULT, 0xa7, 0xab, I32);
range(RESULT, 0xac, 0xb1, I64);
range(RESULT, 0xb2, 0xb6, F32);
range(RESULT, 0xb7, 0xbb, F64);
RESULT[0xbc] = I32;
RESULT[0xbd] = I64;
RESULT[0xbe] = F32;
RESULT[0xbf] = F64;
range(RESULT, 0xc0, 0xc1, I32);
range(RESULT, 0xc2, 0xc4, I64);

const SIMD_UNARY = [
  0x4d, 0x53, 0x5e, 0x5f, 0x60, 0x61, 0x62, 0x63, 0x64, 0x67, 0x68, 0x69, 0x6a, 0x74, 0x75, 0x7a, 0x7c, 0x7d, 0x7e, 0x7f, 0x80, 0x81, 0x83, 0x84, 0x94, 0xa0, 0xa1, 0xa3, 0xa4,
  0xc0, 0xc1, 0xc3, 0xc4, 0xe0, 0xe1, 0xe3, 0xec, 0xed, 0xef,
];
for (const i of SIMD_UNARY) SIMD_ARITY[i] = 1;
range(SIMD_ARITY, 0x0f, 0x14, 1);
range(SIMD_ARITY, 0x87, 0x8a, 1);
range(SIMD_ARITY, 0xa7, 0xaa, 1);
range(SIMD_ARITY, 0xc7, 0xca, 1);
range(SIMD_ARITY, 0xf8, 0xff, 1);
SIMD_ARITY[0x52] = 3;
for (const i of [0x53, 0x63, 0x64, 0x83, 0x84, 0xa3, 0xa4, 0xc3, 0xc4]) SIMD_RESULT[i] = I32;
for (const i of [0x15, 0x16, 0x18, 0x19, 0x1b]) SIMD_RESULT[i] = I32;
SIMD_RESULT[0x1d] = I64;
SIMD_RESULT[0x1f] = F32;
SIMD_RESULT[0x21] = F64;
