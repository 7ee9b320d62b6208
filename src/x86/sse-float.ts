/**
 * SSE floating-point arithmetic, comparison and conversion.
 *
 * The fast path is one WebAssembly operation. A result that is not finite, or FP_SLOW in the CPU state (MXCSR asks for something else
 * than round-to-nearest with all exceptions masked, or its flags are being watched), sends the instruction to `sseFloat` (sse-slow.ts), which is exact in
 * everything: NaN payloads, rounding, DAZ, FTZ, exception flags, #XM. So IE, ZE and OE are always kept; PE, UE and DE once the program has written MXCSR.
 */
import { FP_SLOW, SCRATCH } from './cpu-layout.ts';
import { FLAGS_FLOAT } from './flags.ts';
import { define } from './forms.ts';
import type { Lifter, Row } from './forms.ts';
import { scratchHelper } from './helpers.ts';
import type { Insn } from './insn.ts';
import { I32_AND, I32_OR, I32_REINTERPRET_F32, I64_OR, I64_REINTERPRET_F64 } from './ir-ops.ts';
import { F32, F64, I32, I64, V128, VOID } from './ir.ts';
import type { IrBuilder, IrType, Node, Temp } from './ir.ts';
import { memory } from './operands.ts';
import * as S from './simd-ops.ts';
import { extract, f32Bits, f64High, replace } from './simd-ops.ts';
import {
  FMT_PD, FMT_PS, FMT_SD, FMT_SS, OP_ADD, OP_ADDSUB, OP_CMP, OP_COMI, OP_CVT_F64_F32, OP_CVT_F_I32, OP_CVT_F_I64, OP_CVT_F32_F64, OP_CVT_I32_F, OP_CVT_I64_F, OP_DIV, OP_DP, OP_HADD,
  OP_HSUB, OP_MAX, OP_MIN, OP_MUL, OP_RCP, OP_ROUND, OP_RSQRT, OP_SQRT, OP_SUB, OP_CVTT_F_I32, OP_CVTT_F_I64, OP_UCOMI,
} from './sse-slow.ts';
import { lanes } from './sse-move.ts';
import { readF32, readF64, readLow64, readW } from './sse-operands.ts';

const A = SCRATCH;
const B = SCRATCH + 16;
const RESULT = SCRATCH + 32;
/** sseFloat(cpu, operation | format << 8 | immediate << 16): operands and result as vectors in SCRATCH. */
const SSE_FLOAT = scratchHelper('sseFloat', [I32], VOID, true);

export function callSseFloat(b: IrBuilder, op: number, fmt: number, imm = 0): void {
  b.callHelper(SSE_FLOAT, b.c32(op | (fmt << 8) | (imm << 16)));
}
/** FP_SLOW or "not every lane finite". */
function needsSlow(b: IrBuilder, fmt: number, r: Temp): Node {
  // The bits of +0 or of a NaN are handier than a comparison, which takes two flags.
  if (fmt === FMT_SD) return b.isNonZero(8, b.binary(I64_OR, b.zext(b.state(FP_SLOW, I32)), b.unary(I64_REINTERPRET_F64, b.binary(S.F64_SUB, b.tmp(r), b.tmp(r)))));
  if (fmt === FMT_SS) return b.binary(I32_OR, b.state(FP_SLOW, I32), b.unary(I32_REINTERPRET_F32, b.binary(S.F32_SUB, b.tmp(r), b.tmp(r))));
  return b.binary(I32_OR, b.state(FP_SLOW, I32), notFinite(b, fmt, r));
}
/** r - r is +0 for a finite r, else a NaN: one subtraction tells. */
function notFinite(b: IrBuilder, fmt: number, r: Temp): Node {
  return b.unary(S.V128_ANY_TRUE, b.binary(fmt === FMT_PD ? S.F64X2_SUB : S.F32X4_SUB, b.tmp(r), b.tmp(r)));
}
function scalarType(fmt: number): IrType {
  return fmt === FMT_SD ? F64 : F32;
}
function readScalar(b: IrBuilder, i: Insn, fmt: number): Node {
  return fmt === FMT_SD ? readF64(b, i) : readF32(b, i);
}
function lowOf(b: IrBuilder, fmt: number, v: Node): Node {
  return extract(b, fmt === FMT_SD ? S.F64X2_EXTRACT : S.F32X4_EXTRACT, v, 0);
}
function setLow(b: IrBuilder, fmt: number, r: number, x: Node): void {
  b.setXmm(r, replace(b, fmt === FMT_SD ? S.F64X2_REPLACE : S.F32X4_REPLACE, b.xmm(r), x, 0));
}
const isScalar = (fmt: number): boolean => fmt === FMT_SD || fmt === FMT_SS;

/** dst = op(dst, src) on all lanes or the lowest. `checked`: an exceptional result shows by not being finite. `swap`: WebAssembly wants (src, dst). */
function arithmetic(op: number, fmt: number, wasm: number, checked: boolean, swap = false): Lifter {
  return (b, i) => {
    const scalar = isScalar(fmt);
    const type = scalar ? scalarType(fmt) : V128;
    const s = b.let(type, scalar ? readScalar(b, i, fmt) : readW(b, i));
    const d = b.let(type, scalar ? lowOf(b, fmt, b.xmm(i.reg)) : b.xmm(i.reg));
    let value: Node;
    // pmin and pmax have no scalar form: SSE's rule is "dst if it is less, else src".
    if (scalar && (op === OP_MIN || op === OP_MAX)) {
      const less = fmt === FMT_SD ? S.F64_LT : S.F32_LT;
      value = b.select(op === OP_MIN ? b.binary(less, b.tmp(d), b.tmp(s)) : b.binary(less, b.tmp(s), b.tmp(d)), b.tmp(d), b.tmp(s));
    } else value = swap ? b.binary(wasm, b.tmp(s), b.tmp(d)) : b.binary(wasm, b.tmp(d), b.tmp(s));
    const r = b.variable(type, value);
    b.if(checked ? needsSlow(b, fmt, r) : b.state(FP_SLOW, I32), true);
    b.setState(A, b.tmp(d), type);
    b.setState(B, b.tmp(s), type);
    callSseFloat(b, op, fmt);
    b.assign(r, b.state(RESULT, type));
    b.end();
    if (scalar) setLow(b, fmt, i.reg, b.tmp(r));
    else b.setXmm(i.reg, b.tmp(r));
  };
}
/** dst = op(src). */
function unaryFloat(op: number, fmt: number, wasm: number): Lifter {
  return (b, i) => {
    const scalar = isScalar(fmt);
    const type = scalar ? scalarType(fmt) : V128;
    const s = b.let(type, scalar ? readScalar(b, i, fmt) : readW(b, i));
    const r = b.variable(type, b.unary(wasm, b.tmp(s)));
    b.if(needsSlow(b, fmt, r), true);
    b.setState(B, b.tmp(s), type);
    callSseFloat(b, op, fmt);
    b.assign(r, b.state(RESULT, type));
    b.end();
    if (scalar) setLow(b, fmt, i.reg, b.tmp(r));
    else b.setXmm(i.reg, b.tmp(r));
  };
}
/** Always by the helper: dst = op(dst, src) with an immediate. */
function alwaysSlow(op: number, fmt: number): Lifter {
  return (b, i) => {
    const scalar = isScalar(fmt);
    const type = scalar ? scalarType(fmt) : V128;
    b.setState(B, scalar ? readScalar(b, i, fmt) : readW(b, i), type);
    b.setState(A, b.xmm(i.reg), V128);
    callSseFloat(b, op, fmt, i.imm & 255);
    if (scalar) setLow(b, fmt, i.reg, b.state(RESULT, type));
    else b.setXmm(i.reg, b.state(RESULT, V128));
  };
}
/** DPPS, DPPD: chosen products, summed in pairs, to chosen lanes. */
function dotProduct(fmt: number): Lifter {
  const single = fmt === FMT_PS;
  const count = single ? 4 : 2;
  const mask = (b: IrBuilder, bits: number): Node => {
    const w = [0, 1, 2, 3].map((k) => ((bits >> (single ? k : k >> 1)) & 1 ? -1 : 0));
    return S.c128(b, w[0]!, w[1]!, w[2]!, w[3]!);
  };
  const add = single ? S.F32X4_ADD : S.F64X2_ADD;
  const turned = (b: IrBuilder, t: Temp, order: Uint8Array): Node => b.binary(add, b.tmp(t), S.shuffle(b, b.tmp(t), b.tmp(t), order));
  return (b, i) => {
    const s = b.let(V128, readW(b, i));
    const d = b.let(V128, b.xmm(i.reg));
    const products = b.let(V128, b.binary(S.V128_AND, b.binary(single ? S.F32X4_MUL : S.F64X2_MUL, b.tmp(d), b.tmp(s)), mask(b, (i.imm >> 4) & 15)));
    let sum = b.let(V128, turned(b, products, single ? lanes(4, 1, 0, 3, 2) : lanes(8, 1, 0)));
    if (count === 4) sum = b.let(V128, turned(b, sum, lanes(4, 2, 3, 0, 1)));
    const r = b.variable(V128, b.tmp(sum));
    b.if(needsSlow(b, fmt, r), true);
    b.setState(A, b.tmp(d), V128);
    b.setState(B, b.tmp(s), V128);
    callSseFloat(b, OP_DP, fmt, i.imm & 255);
    b.assign(r, b.state(RESULT, V128));
    b.else();
    b.assign(r, b.binary(S.V128_AND, b.tmp(r), mask(b, i.imm & 15)));
    b.end();
    b.setXmm(i.reg, b.tmp(r));
  };
}
/** HADD, HSUB, ADDSUB: op(shuffled, shuffled). */
function pairs(op: number, fmt: number): Lifter {
  const size = fmt === FMT_PS ? 4 : 8;
  const even = size === 4 ? lanes(4, 0, 2, 100, 102) : lanes(8, 0, 100);
  const odd = size === 4 ? lanes(4, 1, 3, 101, 103) : lanes(8, 1, 101);
  const add = size === 4 ? S.F32X4_ADD : S.F64X2_ADD;
  const sub = size === 4 ? S.F32X4_SUB : S.F64X2_SUB;
  return (b, i) => {
    const s = b.let(V128, readW(b, i));
    const d = b.let(V128, b.xmm(i.reg));
    let value: Node;
    if (op === OP_ADDSUB) {
      const order = size === 4 ? lanes(4, 0, 101, 2, 103) : lanes(8, 0, 101);
      value = S.shuffle(b, b.binary(sub, b.tmp(d), b.tmp(s)), b.binary(add, b.tmp(d), b.tmp(s)), order);
    } else value = b.binary(op === OP_HADD ? add : sub, S.shuffle(b, b.tmp(d), b.tmp(s), even), S.shuffle(b, b.tmp(d), b.tmp(s), odd));
    const r = b.variable(V128, value);
    b.if(needsSlow(b, fmt, r), true);
    b.setState(A, b.tmp(d), V128);
    b.setState(B, b.tmp(s), V128);
    callSseFloat(b, op, fmt);
    b.assign(r, b.state(RESULT, V128));
    b.end();
    b.setXmm(i.reg, b.tmp(r));
  };
}

/** CMPPS and its kin; predicates EQ LT LE UNORD NEQ NLT NLE ORD. */
function compare(fmt: number): Lifter {
  return (b, i) => {
    const scalar = isScalar(fmt);
    const wide = fmt === FMT_PD || fmt === FMT_SD;
    const predicate = i.imm & 7;
    // A scalar source is compared as a vector whose other lanes are dropped.
    let source: Node;
    if (!scalar) source = readW(b, i);
    else if (i.mod === 3) source = b.xmm(i.rm);
    else source = b.load(memory(b, i), wide ? 8 : 4, V128);
    const s = b.let(V128, source);
    const d = b.let(V128, b.xmm(i.reg));
    const op = (ps: number, pd: number, x: Temp, y: Temp): Node => b.binary(wide ? pd : ps, b.tmp(x), b.tmp(y));
    let value: Node;
    if ((predicate & 3) === 0) value = op(S.F32X4_EQ, S.F64X2_EQ, d, s);
    else if ((predicate & 3) === 1) value = op(S.F32X4_LT, S.F64X2_LT, d, s);
    else if ((predicate & 3) === 2) value = op(S.F32X4_LE, S.F64X2_LE, d, s);
    else value = b.binary(S.V128_OR, op(S.F32X4_NE, S.F64X2_NE, d, d), op(S.F32X4_NE, S.F64X2_NE, s, s));
    const r = b.variable(V128, predicate >= 4 ? b.unary(S.V128_NOT, value) : value);
    b.if(b.state(FP_SLOW, I32), true);
    b.setState(A, b.tmp(d), V128);
    b.setState(B, b.tmp(s), V128);
    callSseFloat(b, OP_CMP, fmt, predicate);
    b.assign(r, b.state(RESULT, V128));
    b.end();
    if (!scalar) b.setXmm(i.reg, b.tmp(r));
    else if (wide) b.setXmm(i.reg, S.shuffle(b, b.xmm(i.reg), b.tmp(r), lanes(8, 100, 1)));
    else b.setXmm(i.reg, S.shuffle(b, b.xmm(i.reg), b.tmp(r), lanes(4, 100, 1, 2, 3)));
  };
}

/** COMIS, UCOMIS: the operands become the lazy flags, as f64. ZF PF CF = 000 greater, 001 less, 100 equal, 111 unordered. */
function comis(op: number, fmt: number): Lifter {
  return (b, i) => {
    const type = scalarType(fmt);
    const s = b.let(type, readScalar(b, i, fmt));
    const d = b.let(type, lowOf(b, fmt, b.xmm(i.reg)));
    const bits = (t: Temp): Node => b.unary(I64_REINTERPRET_F64, fmt === FMT_SD ? b.tmp(t) : b.unary(S.F64_PROMOTE_F32, b.tmp(t)));
    const x = b.variable(I64, bits(d)), y = b.variable(I64, bits(s));
    b.if(b.state(FP_SLOW, I32), true);
    b.setState(A, b.tmp(d), type);
    b.setState(B, b.tmp(s), type);
    callSseFloat(b, op, fmt);
    // With DAZ the outcome can differ: two numbers that compare as it says (bits of 0, a denormal, or a NaN).
    const r = b.let(I32, b.state(RESULT, I32));
    const above = b.isZero(4, b.tmp(r));
    const unordered = b.binary(I32_AND, b.tmp(r), b.c32(4));
    b.assign(x, b.select(unordered, b.c64(0, 0x7ff80000), b.zext(above)));
    b.assign(y, b.zext(b.equal(4, b.tmp(r), b.c32(1))));
    b.end();
    b.setFlags(FLAGS_FLOAT, 8, b.tmp(x), b.tmp(y));
  };
}

// Conversions.

/** CVTSI2SD, CVTSI2SS. A 32-bit integer fits in a double. */
function fromInteger(fmt: number): Lifter {
  return (b, i) => {
    const wide = i.size === 8;
    const type = scalarType(fmt);
    const source = i.mod === 3 ? (wide ? b.reg(i.rm) : b.wrap(b.reg(i.rm))) : b.loadInt(memory(b, i), wide ? 8 : 4);
    if (fmt === FMT_SD && !wide) {
      setLow(b, fmt, i.reg, b.unary(S.F64_CONVERT_I32_S, source));
      return;
    }
    const s = b.let(wide ? I64 : I32, source);
    const op = fmt === FMT_SD ? S.F64_CONVERT_I64_S : wide ? S.F32_CONVERT_I64_S : S.F32_CONVERT_I32_S;
    const r = b.variable(type, b.unary(op, b.tmp(s)));
    b.if(b.state(FP_SLOW, I32), true);
    b.setState(B, b.tmp(s), wide ? I64 : I32);
    callSseFloat(b, wide ? OP_CVT_I64_F : OP_CVT_I32_F, fmt);
    b.assign(r, b.state(RESULT, type));
    b.end();
    setLow(b, fmt, i.reg, b.tmp(r));
  };
}
/** CVT(T)SD2SI, CVT(T)SS2SI. Values beyond the integer go to the slow path, which gives the indefinite integer. */
function toInteger(fmt: number, truncate: boolean): Lifter {
  return (b, i) => {
    const wide = i.size === 8;
    const type = scalarType(fmt);
    const outType = wide ? I64 : I32;
    const s = b.let(type, readScalar(b, i, fmt));
    const f64 = fmt === FMT_SD;
    const rounded = truncate ? b.tmp(s) : b.unary(f64 ? S.F64_NEAREST : S.F32_NEAREST, b.tmp(s));
    const op = f64 ? (wide ? S.I64_TRUNC_SAT_F64_S : S.I32_TRUNC_SAT_F64_S) : wide ? S.I64_TRUNC_SAT_F32_S : S.I32_TRUNC_SAT_F32_S;
    const r = b.variable(outType, b.unary(op, rounded));
    // 2^31 - 1/2 would round up: stay one below, the slow path is exact.
    const limit = f64 ? f64High(b, wide ? 0x43e00000 : 0x41dfffff) : f32Bits(b, wide ? 0x5f000000 : 0x4f000000);
    const inRange = b.binary(f64 ? S.F64_LT : S.F32_LT, b.unary(f64 ? S.F64_ABS : S.F32_ABS, b.tmp(s)), limit);
    b.if(b.binary(I32_OR, b.state(FP_SLOW, I32), b.isZero(4, inRange)), true);
    b.setState(B, b.tmp(s), type);
    callSseFloat(b, truncate ? (wide ? OP_CVTT_F_I64 : OP_CVTT_F_I32) : wide ? OP_CVT_F_I64 : OP_CVT_F_I32, fmt);
    b.assign(r, b.state(RESULT, outType));
    b.end();
    b.setReg(i.reg, wide ? b.tmp(r) : b.zext(b.tmp(r)));
  };
}
const cvtsd2ss: Lifter = (b, i) => {
  const s = b.let(F64, readF64(b, i));
  const r = b.variable(F32, b.unary(S.F32_DEMOTE_F64, b.tmp(s)));
  b.if(needsSlow(b, FMT_SS, r), true);
  b.setState(B, b.tmp(s), F64);
  callSseFloat(b, OP_CVT_F64_F32, FMT_SS);
  b.assign(r, b.state(RESULT, F32));
  b.end();
  setLow(b, FMT_SS, i.reg, b.tmp(r));
};
const cvtss2sd: Lifter = (b, i) => {
  const s = b.let(F32, readF32(b, i));
  const r = b.variable(F64, b.unary(S.F64_PROMOTE_F32, b.tmp(s)));
  b.if(needsSlow(b, FMT_SD, r), true);
  b.setState(B, b.tmp(s), F32);
  callSseFloat(b, OP_CVT_F32_F64, FMT_SD);
  b.assign(r, b.state(RESULT, F64));
  b.end();
  setLow(b, FMT_SD, i.reg, b.tmp(r));
};
/** A packed conversion: `fast(source)`, slow where a result lane (or, for integers, the source) is out of range. */
function packedConvert(op: number, fmt: number, fast: (b: IrBuilder, s: Temp) => Node, read: (b: IrBuilder, i: Insn) => Node, check: 'result' | 'source32' | 'source64' | 'none'): Lifter {
  return (b, i) => {
    const s = b.let(V128, read(b, i));
    const r = b.variable(V128, fast(b, s));
    let bad: Node = -1;
    if (check === 'result') bad = notFinite(b, fmt, r);
    else if (check === 'source32') bad = b.isZero(4, b.unary(S.I32X4_ALL_TRUE, b.binary(S.F32X4_LT, b.unary(S.F32X4_ABS, b.tmp(s)), S.c128(b, 0x4f000000, 0x4f000000, 0x4f000000, 0x4f000000))));
    else if (check === 'source64') bad = b.isZero(4, b.unary(S.I64X2_ALL_TRUE, b.binary(S.F64X2_LT, b.unary(S.F64X2_ABS, b.tmp(s)), S.c128(b, 0, 0x41dfffff, 0, 0x41dfffff))));
    b.if(bad < 0 ? b.state(FP_SLOW, I32) : b.binary(I32_OR, b.state(FP_SLOW, I32), bad), true);
    b.setState(B, b.tmp(s), V128);
    callSseFloat(b, op, fmt);
    b.assign(r, b.state(RESULT, V128));
    b.end();
    b.setXmm(i.reg, b.tmp(r));
  };
}

/** ROUND: the immediate's own rounding mode, or MXCSR's; bit 3 suppresses the inexact flag. */
function round(fmt: number): Lifter {
  const scalar = isScalar(fmt);
  const type = scalar ? scalarType(fmt) : V128;
  const table = fmt === FMT_SD ? [S.F64_NEAREST, S.F64_FLOOR, S.F64_CEIL, S.F64_TRUNC]
    : fmt === FMT_SS ? [S.F32_NEAREST, S.F32_FLOOR, S.F32_CEIL, S.F32_TRUNC]
    : fmt === FMT_PD ? [S.F64X2_NEAREST, S.F64X2_FLOOR, S.F64X2_CEIL, S.F64X2_TRUNC]
    : [S.F32X4_NEAREST, S.F32X4_FLOOR, S.F32X4_CEIL, S.F32X4_TRUNC];
  return (b, i) => {
    const s = b.let(type, scalar ? readScalar(b, i, fmt) : readW(b, i));
    const mode = (i.imm & 4) !== 0 ? 0 : i.imm & 3;
    const r = b.variable(type, b.unary(table[mode]!, b.tmp(s)));
    b.if(needsSlow(b, fmt, r), true);
    b.setState(B, b.tmp(s), type);
    callSseFloat(b, OP_ROUND, fmt, i.imm & 15);
    b.assign(r, b.state(RESULT, type));
    b.end();
    if (scalar) setLow(b, fmt, i.reg, b.tmp(r));
    else b.setXmm(i.reg, b.tmp(r));
  };
}

interface Family { readonly prefix: string; readonly suffix: string; readonly fmt: number; readonly at: number }
/** `at` is the index of the WebAssembly operation in the rows below. */
const FAMILIES: readonly Family[] = [
  { prefix: 'NP', suffix: 'ps Vx,Wx', fmt: FMT_PS, at: 0 }, { prefix: '66', suffix: 'pd Vx,Wx', fmt: FMT_PD, at: 1 },
  { prefix: 'F3', suffix: 'ss Vss,Wss', fmt: FMT_SS, at: 2 }, { prefix: 'F2', suffix: 'sd Vsd,Wsd', fmt: FMT_SD, at: 3 },
];
const ARITHMETIC: readonly (readonly [string, string, number, readonly number[], boolean])[] = [
  ['58', 'add', OP_ADD, [S.F32X4_ADD, S.F64X2_ADD, S.F32_ADD, S.F64_ADD], true],
  ['59', 'mul', OP_MUL, [S.F32X4_MUL, S.F64X2_MUL, S.F32_MUL, S.F64_MUL], true],
  ['5C', 'sub', OP_SUB, [S.F32X4_SUB, S.F64X2_SUB, S.F32_SUB, S.F64_SUB], true],
  ['5D', 'min', OP_MIN, [S.F32X4_PMIN, S.F64X2_PMIN, 0, 0], false],
  ['5E', 'div', OP_DIV, [S.F32X4_DIV, S.F64X2_DIV, S.F32_DIV, S.F64_DIV], true],
  ['5F', 'max', OP_MAX, [S.F32X4_PMAX, S.F64X2_PMAX, 0, 0], false],
];

define([
  ...ARITHMETIC.flatMap(([code, name, op, wasm, checked]): Row[] =>
    FAMILIES.map((f): Row => [`${f.prefix} 0F ${code} /r`, name + f.suffix, arithmetic(op, f.fmt, wasm[f.at]!, checked, op === OP_MIN || op === OP_MAX)])),
  ...FAMILIES.map((f): Row => [`${f.prefix} 0F 51 /r`, `sqrt${f.suffix}`, unaryFloat(OP_SQRT, f.fmt, [S.F32X4_SQRT, S.F64X2_SQRT, S.F32_SQRT, S.F64_SQRT][f.at]!)]),
  ...FAMILIES.map((f): Row => [`${f.prefix} 0F C2 /r`, `cmp${f.suffix},Ib`, compare(f.fmt)]),
  ['NP 0F 52 /r', 'rsqrtps Vx,Wx', alwaysSlow(OP_RSQRT, FMT_PS)],
  ['F3 0F 52 /r', 'rsqrtss Vss,Wss', alwaysSlow(OP_RSQRT, FMT_SS)],
  ['NP 0F 53 /r', 'rcpps Vx,Wx', alwaysSlow(OP_RCP, FMT_PS)],
  ['F3 0F 53 /r', 'rcpss Vss,Wss', alwaysSlow(OP_RCP, FMT_SS)],
  ['NP 0F 2E /r', 'ucomiss Vss,Wss', comis(OP_UCOMI, FMT_SS)],
  ['66 0F 2E /r', 'ucomisd Vsd,Wsd', comis(OP_UCOMI, FMT_SD)],
  ['NP 0F 2F /r', 'comiss Vss,Wss', comis(OP_COMI, FMT_SS)],
  ['66 0F 2F /r', 'comisd Vsd,Wsd', comis(OP_COMI, FMT_SD)],
  ['66 0F D0 /r', 'addsubpd Vx,Wx', pairs(OP_ADDSUB, FMT_PD)],
  ['F2 0F D0 /r', 'addsubps Vx,Wx', pairs(OP_ADDSUB, FMT_PS)],
  ['66 0F 7C /r', 'haddpd Vx,Wx', pairs(OP_HADD, FMT_PD)],
  ['F2 0F 7C /r', 'haddps Vx,Wx', pairs(OP_HADD, FMT_PS)],
  ['66 0F 7D /r', 'hsubpd Vx,Wx', pairs(OP_HSUB, FMT_PD)],
  ['F2 0F 7D /r', 'hsubps Vx,Wx', pairs(OP_HSUB, FMT_PS)],
  ['66 0F 3A 08 /r', 'roundps Vx,Wx,Ib', round(FMT_PS)],
  ['66 0F 3A 09 /r', 'roundpd Vx,Wx,Ib', round(FMT_PD)],
  ['66 0F 3A 0A /r', 'roundss Vss,Wss,Ib', round(FMT_SS)],
  ['66 0F 3A 0B /r', 'roundsd Vsd,Wsd,Ib', round(FMT_SD)],
  ['66 0F 3A 40 /r', 'dpps Vx,Wx,Ib', dotProduct(FMT_PS)],
  ['66 0F 3A 41 /r', 'dppd Vx,Wx,Ib', dotProduct(FMT_PD)],
  ['F3 0F 2A /r', 'cvtsi2ss Vss,Ey', fromInteger(FMT_SS)],
  ['F2 0F 2A /r', 'cvtsi2sd Vsd,Ey', fromInteger(FMT_SD)],
  ['F3 0F 2C /r', 'cvttss2si Gy,Wss', toInteger(FMT_SS, true)],
  ['F2 0F 2C /r', 'cvttsd2si Gy,Wsd', toInteger(FMT_SD, true)],
  ['F3 0F 2D /r', 'cvtss2si Gy,Wss', toInteger(FMT_SS, false)],
  ['F2 0F 2D /r', 'cvtsd2si Gy,Wsd', toInteger(FMT_SD, false)],
  ['F2 0F 5A /r', 'cvtsd2ss Vss,Wsd', cvtsd2ss],
  ['F3 0F 5A /r', 'cvtss2sd Vsd,Wss', cvtss2sd],
  ['NP 0F 5A /r', 'cvtps2pd Vx,Wq', packedConvert(OP_CVT_F32_F64, FMT_PD, (b, s) => b.unary(S.F64X2_PROMOTE_LOW, b.tmp(s)), readLow64, 'result')],
  ['66 0F 5A /r', 'cvtpd2ps Vx,Wx', packedConvert(OP_CVT_F64_F32, FMT_PS, (b, s) => b.unary(S.F32X4_DEMOTE_ZERO, b.tmp(s)), readW, 'result')],
  ['NP 0F 5B /r', 'cvtdq2ps Vx,Wx', packedConvert(OP_CVT_I32_F, FMT_PS, (b, s) => b.unary(S.F32X4_CONVERT_I32X4_S, b.tmp(s)), readW, 'none')],
  ['66 0F 5B /r', 'cvtps2dq Vx,Wx', packedConvert(OP_CVT_F_I32, FMT_PS, (b, s) => b.unary(S.I32X4_TRUNC_SAT_F32X4_S, b.unary(S.F32X4_NEAREST, b.tmp(s))), readW, 'source32')],
  ['F3 0F 5B /r', 'cvttps2dq Vx,Wx', packedConvert(OP_CVTT_F_I32, FMT_PS, (b, s) => b.unary(S.I32X4_TRUNC_SAT_F32X4_S, b.tmp(s)), readW, 'source32')],
  ['F2 0F E6 /r', 'cvtpd2dq Vx,Wx', packedConvert(OP_CVT_F_I32, FMT_PD, (b, s) => b.unary(S.I32X4_TRUNC_SAT_F64X2_S_ZERO, b.unary(S.F64X2_NEAREST, b.tmp(s))), readW, 'source64')],
  ['66 0F E6 /r', 'cvttpd2dq Vx,Wx', packedConvert(OP_CVTT_F_I32, FMT_PD, (b, s) => b.unary(S.I32X4_TRUNC_SAT_F64X2_S_ZERO, b.tmp(s)), readW, 'source64')],
  ['F3 0F E6 /r', 'cvtdq2pd Vx,Wq', (b, i): void => b.setXmm(i.reg, b.unary(S.F64X2_CONVERT_LOW_I32X4_S, readLow64(b, i)))],
]);
