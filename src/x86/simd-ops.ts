/** Numbers of the SIMD operations in the IR (WebAssembly core specification, "Vector Instructions": 0xFD00 + n), and sugar to build them. */
import { F32_REINTERPRET_I32, F64_REINTERPRET_I64 } from './ir-ops.ts';
import { N_CONST128, N_LANE, N_SHUFFLE } from './ir.ts';
import type { IrBuilder, Node } from './ir.ts';

const V = 0xfd00;
export const I8X16_SWIZZLE: number = V + 14, I8X16_SPLAT: number = V + 15, I16X8_SPLAT: number = V + 16, I32X4_SPLAT: number = V + 17, I64X2_SPLAT: number = V + 18;
export const F32X4_SPLAT: number = V + 19, F64X2_SPLAT: number = V + 20;
export const I8X16_EXTRACT_U: number = V + 22, I8X16_REPLACE: number = V + 23, I16X8_EXTRACT_U: number = V + 25, I16X8_REPLACE: number = V + 26;
export const I32X4_EXTRACT: number = V + 27, I32X4_REPLACE: number = V + 28, I64X2_EXTRACT: number = V + 29, I64X2_REPLACE: number = V + 30;
export const F32X4_EXTRACT: number = V + 31, F32X4_REPLACE: number = V + 32, F64X2_EXTRACT: number = V + 33, F64X2_REPLACE: number = V + 34;
export const I8X16_EQ: number = V + 35, I8X16_GT_S: number = V + 39, I16X8_EQ: number = V + 45, I16X8_GT_S: number = V + 49;
export const I32X4_EQ: number = V + 55, I32X4_LT_S: number = V + 57, I32X4_GT_S: number = V + 59;
export const F32X4_EQ: number = V + 65, F32X4_NE: number = V + 66, F32X4_LT: number = V + 67, F32X4_LE: number = V + 69;
export const F64X2_EQ: number = V + 71, F64X2_NE: number = V + 72, F64X2_LT: number = V + 73, F64X2_LE: number = V + 75;
export const V128_NOT: number = V + 77, V128_AND: number = V + 78, V128_ANDNOT: number = V + 79, V128_OR: number = V + 80, V128_XOR: number = V + 81;
/** bitselect(a, b, mask): a where the mask has ones. */
export const V128_BITSELECT: number = V + 82, V128_ANY_TRUE: number = V + 83;
export const F32X4_DEMOTE_ZERO: number = V + 94, F64X2_PROMOTE_LOW: number = V + 95;
export const I8X16_ABS: number = V + 96, I8X16_ALL_TRUE: number = V + 99, I8X16_BITMASK: number = V + 100, I8X16_NARROW_S: number = V + 101, I8X16_NARROW_U: number = V + 102;
export const F32X4_CEIL: number = V + 103, F32X4_FLOOR: number = V + 104, F32X4_TRUNC: number = V + 105, F32X4_NEAREST: number = V + 106;
export const I8X16_SHL: number = V + 107, I8X16_SHR_S: number = V + 108, I8X16_ADD: number = V + 110, I8X16_ADD_SAT_S: number = V + 111, I8X16_ADD_SAT_U: number = V + 112;
export const I8X16_SUB: number = V + 113, I8X16_SUB_SAT_S: number = V + 114, I8X16_SUB_SAT_U: number = V + 115;
export const F64X2_CEIL: number = V + 116, F64X2_FLOOR: number = V + 117, I8X16_MIN_S: number = V + 118, I8X16_MIN_U: number = V + 119, I8X16_MAX_S: number = V + 120, I8X16_MAX_U: number = V + 121;
export const F64X2_TRUNC: number = V + 122, I8X16_AVGR_U: number = V + 123, I16X8_EXTADD_PAIRWISE_S: number = V + 124, I16X8_EXTADD_PAIRWISE_U: number = V + 125;
export const I32X4_EXTADD_PAIRWISE_S: number = V + 126, I32X4_EXTADD_PAIRWISE_U: number = V + 127;
export const I16X8_ABS: number = V + 128, I16X8_Q15MULR: number = V + 130, I16X8_ALL_TRUE: number = V + 131, I16X8_NARROW_S: number = V + 133, I16X8_NARROW_U: number = V + 134;
export const I16X8_EXTEND_LOW_S: number = V + 135, I16X8_EXTEND_HIGH_S: number = V + 136, I16X8_EXTEND_LOW_U: number = V + 137, I16X8_EXTEND_HIGH_U: number = V + 138;
export const I16X8_SHL: number = V + 139, I16X8_SHR_S: number = V + 140, I16X8_SHR_U: number = V + 141, I16X8_ADD: number = V + 142, I16X8_ADD_SAT_S: number = V + 143, I16X8_ADD_SAT_U: number = V + 144;
export const I16X8_SUB: number = V + 145, I16X8_SUB_SAT_S: number = V + 146, I16X8_SUB_SAT_U: number = V + 147, F64X2_NEAREST: number = V + 148, I16X8_MUL: number = V + 149;
export const I16X8_MIN_S: number = V + 150, I16X8_MIN_U: number = V + 151, I16X8_MAX_S: number = V + 152, I16X8_MAX_U: number = V + 153, I16X8_AVGR_U: number = V + 155;
export const I16X8_EXTMUL_LOW_S: number = V + 156, I16X8_EXTMUL_HIGH_S: number = V + 157, I16X8_EXTMUL_LOW_U: number = V + 158, I16X8_EXTMUL_HIGH_U: number = V + 159;
export const I32X4_ABS: number = V + 160, I32X4_ALL_TRUE: number = V + 163, I32X4_BITMASK: number = V + 164;
export const I32X4_EXTEND_LOW_S: number = V + 167, I32X4_EXTEND_HIGH_S: number = V + 168, I32X4_EXTEND_LOW_U: number = V + 169, I32X4_EXTEND_HIGH_U: number = V + 170;
export const I32X4_SHL: number = V + 171, I32X4_SHR_S: number = V + 172, I32X4_SHR_U: number = V + 173, I32X4_ADD: number = V + 174, I32X4_SUB: number = V + 177, I32X4_MUL: number = V + 181;
export const I32X4_MIN_S: number = V + 182, I32X4_MIN_U: number = V + 183, I32X4_MAX_S: number = V + 184, I32X4_MAX_U: number = V + 185, I32X4_DOT_S: number = V + 186;
export const I32X4_EXTMUL_LOW_S: number = V + 188, I32X4_EXTMUL_HIGH_S: number = V + 189, I32X4_EXTMUL_LOW_U: number = V + 190, I32X4_EXTMUL_HIGH_U: number = V + 191;
export const I64X2_ALL_TRUE: number = V + 195, I64X2_BITMASK: number = V + 196, I64X2_EXTEND_LOW_S: number = V + 199, I64X2_EXTEND_LOW_U: number = V + 201;
export const I64X2_SHL: number = V + 203, I64X2_SHR_U: number = V + 205, I64X2_ADD: number = V + 206, I64X2_SUB: number = V + 209, I64X2_EQ: number = V + 214, I64X2_GT_S: number = V + 217;
export const I64X2_EXTMUL_LOW_S: number = V + 220, I64X2_EXTMUL_LOW_U: number = V + 222;
export const F32X4_ABS: number = V + 224, F32X4_SQRT: number = V + 227, F32X4_ADD: number = V + 228, F32X4_SUB: number = V + 229, F32X4_MUL: number = V + 230, F32X4_DIV: number = V + 231;
export const F32X4_PMIN: number = V + 234, F32X4_PMAX: number = V + 235;
export const F64X2_ABS: number = V + 236, F64X2_SQRT: number = V + 239, F64X2_ADD: number = V + 240, F64X2_SUB: number = V + 241, F64X2_MUL: number = V + 242, F64X2_DIV: number = V + 243;
export const F64X2_PMIN: number = V + 246, F64X2_PMAX: number = V + 247;
export const I32X4_TRUNC_SAT_F32X4_S: number = V + 248, F32X4_CONVERT_I32X4_S: number = V + 250, I32X4_TRUNC_SAT_F64X2_S_ZERO: number = V + 252, F64X2_CONVERT_LOW_I32X4_S: number = V + 254;

// Scalar floating point and conversions.
export const F32_EQ = 0x5b, F32_NE = 0x5c, F32_LT = 0x5d, F32_GT = 0x5e, F32_LE = 0x5f, F32_GE = 0x60;
export const F64_EQ = 0x61, F64_NE = 0x62, F64_LT = 0x63, F64_GT = 0x64, F64_LE = 0x65, F64_GE = 0x66;
export const F32_ABS = 0x8b, F32_CEIL = 0x8d, F32_FLOOR = 0x8e, F32_TRUNC = 0x8f, F32_NEAREST = 0x90, F32_SQRT = 0x91, F32_ADD = 0x92, F32_SUB = 0x93, F32_MUL = 0x94, F32_DIV = 0x95;
export const F64_ABS = 0x99, F64_CEIL = 0x9b, F64_FLOOR = 0x9c, F64_TRUNC = 0x9d, F64_NEAREST = 0x9e, F64_SQRT = 0x9f, F64_ADD = 0xa0, F64_SUB = 0xa1, F64_MUL = 0xa2, F64_DIV = 0xa3;
export const F32_CONVERT_I32_S = 0xb2, F32_CONVERT_I64_S = 0xb4, F32_DEMOTE_F64 = 0xb6, F64_CONVERT_I32_S = 0xb7, F64_CONVERT_I64_S = 0xb9, F64_PROMOTE_F32 = 0xbb;
export const I32_TRUNC_SAT_F32_S = 0xfc00, I32_TRUNC_SAT_F64_S = 0xfc02, I64_TRUNC_SAT_F32_S = 0xfc04, I64_TRUNC_SAT_F64_S = 0xfc06;

/** Lane `lane` of v. */
export function extract(b: IrBuilder, op: number, v: Node, lane: number): Node {
  return b.node(N_LANE, v, 0, 0, op, lane);
}
/** v with lane `lane` replaced by x. */
export function replace(b: IrBuilder, op: number, v: Node, x: Node, lane: number): Node {
  return b.node(N_LANE, v, x, 0, op, lane);
}
/** Bytes chosen from v (0-15) and w (16-31). */
export function shuffle(b: IrBuilder, v: Node, w: Node, lanes: Uint8Array): Node {
  b.shuffles.push(lanes);
  return b.node(N_SHUFFLE, v, w, b.shuffles.length - 1);
}
/** A 128-bit constant from four 32-bit words, lowest first. */
export function c128(b: IrBuilder, w0: number, w1: number, w2: number, w3: number): Node {
  const n = b.node(N_CONST128, 0, 0, 0, w0 | 0, w1 | 0);
  b.node(N_CONST128, 0, 0, 0, w2 | 0, w3 | 0);
  return n;
}
export function zero128(b: IrBuilder): Node {
  return c128(b, 0, 0, 0, 0);
}
/** f64 constant from the high word of its bits. */
export function f64High(b: IrBuilder, high: number): Node {
  return b.unary(F64_REINTERPRET_I64, b.c64(0, high));
}
/** f32 constant from its bits. */
export function f32Bits(b: IrBuilder, bits: number): Node {
  return b.unary(F32_REINTERPRET_I32, b.c32(bits));
}
/** bitselect: x where mask has ones, y elsewhere. */
export function bitselect(b: IrBuilder, x: Node, y: Node, mask: Node): Node {
  return b.node(V128_BITSELECT, x, y, mask);
}
