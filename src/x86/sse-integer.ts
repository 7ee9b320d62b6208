/** SSE packed integer arithmetic, comparison, shifts and conversions. Source: SDM vol. 2. */
import { FLAGS_RAW } from './flags.ts';
import { define } from './forms.ts';
import type { Lifter, Row } from './forms.ts';
import { I32_AND, I32_LT_U, I32_OR, I32_SHL, I32_SHR_U, I32_XOR, I64_GT_U } from './ir-ops.ts';
import { I32, I64, V128 } from './ir.ts';
import type { IrBuilder, Node, Temp } from './ir.ts';
import { memory } from './operands.ts';
import * as S from './simd-ops.ts';
import { extract, replace, shuffle, zero128 } from './simd-ops.ts';
import { lanes, shuffleOne } from './sse-move.ts';
import { readLow32, readLow64, readW } from './sse-operands.ts';

/** A function of destination and source vectors, each given as a temp so that it may be used more than once. */
export type VectorFunction = (b: IrBuilder, d: Temp, s: Temp) => Node;

function direct(op: number): Lifter {
  return (b, i) => b.setXmm(i.reg, b.binary(op, b.xmm(i.reg), readW(b, i)));
}
/** A vector function as a lifter of `op Vx,Wx`. */
function lifted(f: VectorFunction): Lifter {
  return (b, i) => {
    const s = b.let(V128, readW(b, i));
    const d = b.let(V128, b.xmm(i.reg));
    b.setXmm(i.reg, f(b, d, s));
  };
}

/** High words of the 8 products. */
export function highProducts(low: number, high: number): VectorFunction {
  return (b, d, s) => shuffle(b, b.binary(low, b.tmp(d), b.tmp(s)), b.binary(high, b.tmp(d), b.tmp(s)), lanes(2, 1, 3, 5, 7, 101, 103, 105, 107));
}
/** Products of lanes 0 and 2. */
function evenProducts(op: number): VectorFunction {
  return (b, d, s) => b.binary(op, shuffle(b, b.tmp(d), b.tmp(d), lanes(4, 0, 2, 0, 2)), shuffle(b, b.tmp(s), b.tmp(s), lanes(4, 0, 2, 0, 2)));
}
export const psadbw: VectorFunction = (b, d, s) => {
  const distance = b.binary(S.V128_OR, b.binary(S.I8X16_SUB_SAT_U, b.tmp(d), b.tmp(s)), b.binary(S.I8X16_SUB_SAT_U, b.tmp(s), b.tmp(d)));
  const words = b.let(V128, b.unary(S.I32X4_EXTADD_PAIRWISE_U, b.unary(S.I16X8_EXTADD_PAIRWISE_U, distance)));
  const sum = b.binary(S.I64X2_ADD, b.tmp(words), b.binary(S.I64X2_SHR_U, b.tmp(words), b.c32(32)));
  return b.binary(S.V128_AND, sum, S.c128(b, 0xffff, 0, 0xffff, 0));
};
export const pmaddubsw: VectorFunction = (b, d, s) => {
  const lo = b.let(V128, b.binary(S.I16X8_MUL, b.unary(S.I16X8_EXTEND_LOW_U, b.tmp(d)), b.unary(S.I16X8_EXTEND_LOW_S, b.tmp(s))));
  const hi = b.let(V128, b.binary(S.I16X8_MUL, b.unary(S.I16X8_EXTEND_HIGH_U, b.tmp(d)), b.unary(S.I16X8_EXTEND_HIGH_S, b.tmp(s))));
  return b.binary(
    S.I16X8_ADD_SAT_S,
    shuffle(b, b.tmp(lo), b.tmp(hi), lanes(2, 0, 2, 4, 6, 100, 102, 104, 106)),
    shuffle(b, b.tmp(lo), b.tmp(hi), lanes(2, 1, 3, 5, 7, 101, 103, 105, 107)),
  );
};
/** q15mulr_sat gives 7FFF for 8000 * 8000, PMULHRSW 8000. */
export const pmulhrsw: VectorFunction = (b, d, s) => {
  const lowest = (): Node => S.c128(b, 0x80008000, 0x80008000, 0x80008000, 0x80008000);
  const both = b.binary(S.V128_AND, b.binary(S.I16X8_EQ, b.tmp(d), lowest()), b.binary(S.I16X8_EQ, b.tmp(s), lowest()));
  return b.binary(S.V128_XOR, b.binary(S.I16X8_Q15MULR, b.tmp(d), b.tmp(s)), both);
};
/** PHADD, PHSUB: op(even lanes, odd lanes) of both. */
export function horizontal(size: number, op: number): VectorFunction {
  const even = size === 2 ? lanes(2, 0, 2, 4, 6, 100, 102, 104, 106) : lanes(4, 0, 2, 100, 102);
  const odd = size === 2 ? lanes(2, 1, 3, 5, 7, 101, 103, 105, 107) : lanes(4, 1, 3, 101, 103);
  return (b, d, s) => b.binary(op, shuffle(b, b.tmp(d), b.tmp(s), even), shuffle(b, b.tmp(d), b.tmp(s), odd));
}
/** PSIGN: negated where the source is negative, 0 where it is 0. */
export function psign(shift: number, bits: number, sub: number, eq: number): VectorFunction {
  return (b, d, s) => {
    const m = b.let(V128, b.binary(shift, b.tmp(s), b.c32(bits - 1)));
    const r = b.binary(sub, b.binary(S.V128_XOR, b.tmp(d), b.tmp(m)), b.tmp(m));
    return b.binary(S.V128_ANDNOT, r, b.binary(eq, b.tmp(s), zero128(b)));
  };
}
const pabs = (op: number): Lifter => (b, i) => b.setXmm(i.reg, b.unary(op, readW(b, i)));

/** Shift by the low quadword of the source; counts beyond the lane clear it (arithmetic shifts: fill with the sign). */
export function shiftByVector(b: IrBuilder, op: number, bits: number, arithmetic: boolean, value: Node, count: Node): Node {
  const n = b.let(I64, count);
  const beyond = b.binary(I64_GT_U, b.tmp(n), b.c64s(bits - 1));
  if (arithmetic) return b.binary(op, value, b.select(beyond, b.c32(bits - 1), b.wrap(b.tmp(n))));
  return b.select(beyond, zero128(b), b.binary(op, value, b.wrap(b.tmp(n))));
}
export function shiftByConstant(b: IrBuilder, op: number, bits: number, arithmetic: boolean, value: Node, count: number): Node {
  if (count >= bits) {
    if (!arithmetic) return zero128(b);
    return b.binary(op, value, b.c32(bits - 1));
  }
  return b.binary(op, value, b.c32(count));
}
function shiftW(op: number, bits: number, arithmetic = false): Lifter {
  return (b, i) => {
    const count = extract(b, S.I64X2_EXTRACT, readW(b, i), 0);
    b.setXmm(i.reg, shiftByVector(b, op, bits, arithmetic, b.xmm(i.reg), count));
  };
}
function shiftI(op: number, bits: number, arithmetic = false): Lifter {
  return (b, i) => b.setXmm(i.rm, shiftByConstant(b, op, bits, arithmetic, b.xmm(i.rm), i.imm & 255));
}
/** PSLLDQ, PSRLDQ. */
function byteShift(left: boolean): Lifter {
  return (b, i) => {
    const n = Math.min(i.imm & 255, 16);
    const pattern = new Uint8Array(16);
    for (let k = 0; k < 16; k++) pattern[k] = left ? (k >= n ? k - n : 16) : k + n < 16 ? k + n : 16;
    b.setXmm(i.rm, shuffle(b, b.xmm(i.rm), zero128(b), pattern));
  };
}

/** PMOVSX, PMOVZX: `steps` are the widening operations in turn; `bytes` the source's size in memory. */
function widen(bytes: number, ...steps: number[]): Lifter {
  return (b, i) => {
    let v = bytes === 8 ? readLow64(b, i) : i.mod === 3 || bytes === 4 ? readLow32(b, i) : b.unary(S.I16X8_SPLAT, b.loadInt(memory(b, i), 2));
    for (const step of steps) v = b.unary(step, v);
    b.setXmm(i.reg, v);
  };
}

const ptest: Lifter = (b, i) => {
  const s = b.let(V128, readW(b, i));
  const zero = b.binary(I32_SHL, b.binary(I32_XOR, b.unary(S.V128_ANY_TRUE, b.binary(S.V128_AND, b.tmp(s), b.xmm(i.reg))), b.c32(1)), b.c32(6));
  const carry = b.binary(I32_XOR, b.unary(S.V128_ANY_TRUE, b.binary(S.V128_ANDNOT, b.tmp(s), b.xmm(i.reg))), b.c32(1));
  b.setFlags(FLAGS_RAW, 4, b.c64s(0), b.zext(b.binary(I32_OR, zero, carry)));
};
/** Smallest unsigned word and its index. Words and indexes are packed as word << 16 | index, so that the first smallest wins. */
const phminposuw: Lifter = (b, i) => {
  const s = b.let(V128, readW(b, i));
  const half = (op: number, i0: number): Node =>
    b.binary(S.V128_OR, b.binary(S.I32X4_SHL, b.unary(op, b.tmp(s)), b.c32(16)), S.c128(b, i0, i0 + 1, i0 + 2, i0 + 3));
  let m = b.let(V128, b.binary(S.I32X4_MIN_U, half(S.I32X4_EXTEND_LOW_U, 0), half(S.I32X4_EXTEND_HIGH_U, 4)));
  m = b.let(V128, b.binary(S.I32X4_MIN_U, b.tmp(m), shuffleOne(b, b.tmp(m), lanes(4, 2, 3, 0, 1))));
  const e0 = b.let(I32, extract(b, S.I32X4_EXTRACT, b.tmp(m), 0));
  const e1 = b.let(I32, extract(b, S.I32X4_EXTRACT, b.tmp(m), 1));
  const least = b.let(I32, b.select(b.binary(I32_LT_U, b.tmp(e0), b.tmp(e1)), b.tmp(e0), b.tmp(e1)));
  const result = b.binary(I32_OR, b.binary(I32_SHR_U, b.tmp(least), b.c32(16)), b.binary(I32_SHL, b.binary(I32_AND, b.tmp(least), b.c32(7)), b.c32(16)));
  b.setXmm(i.reg, replace(b, S.I32X4_REPLACE, zero128(b), result, 0));
};
/** Eight sums of four absolute differences between runs of the destination and one quadruplet of the source. */
const mpsadbw: Lifter = (b, i) => {
  const s = b.let(V128, readW(b, i));
  const d = b.let(V128, b.xmm(i.reg));
  const from = (i.imm & 4) !== 0 ? 4 : 0;
  const quad = (i.imm & 3) * 4;
  let sum: Node = -1;
  for (let k = 0; k < 4; k++) {
    const run = new Uint8Array(16);
    const one = new Uint8Array(16);
    for (let j = 0; j < 8; j++) {
      run[2 * j] = from + j + k;
      one[2 * j] = quad + k;
      run[2 * j + 1] = one[2 * j + 1] = 16;
    }
    const x = b.let(V128, shuffle(b, b.tmp(d), zero128(b), run));
    const y = b.let(V128, shuffle(b, b.tmp(s), zero128(b), one));
    const distance = b.unary(S.I16X8_ABS, b.binary(S.I16X8_SUB, b.tmp(x), b.tmp(y)));
    sum = sum < 0 ? distance : b.binary(S.I16X8_ADD, sum, distance);
  }
  b.setXmm(i.reg, sum);
};

/** Operations that an MMX instruction and its SSE2 counterpart share: opcode byte, mnemonic, SIMD operation (source second). */
export const PACKED_DIRECT: readonly (readonly [opcode: string, mnemonic: string, op: number])[] = [
  ['63', 'packsswb', S.I8X16_NARROW_S], ['67', 'packuswb', S.I8X16_NARROW_U], ['6B', 'packssdw', S.I16X8_NARROW_S],
  ['64', 'pcmpgtb', S.I8X16_GT_S], ['65', 'pcmpgtw', S.I16X8_GT_S], ['66', 'pcmpgtd', S.I32X4_GT_S],
  ['74', 'pcmpeqb', S.I8X16_EQ], ['75', 'pcmpeqw', S.I16X8_EQ], ['76', 'pcmpeqd', S.I32X4_EQ],
  ['D4', 'paddq', S.I64X2_ADD], ['D5', 'pmullw', S.I16X8_MUL], ['D8', 'psubusb', S.I8X16_SUB_SAT_U], ['D9', 'psubusw', S.I16X8_SUB_SAT_U],
  ['DA', 'pminub', S.I8X16_MIN_U], ['DB', 'pand', S.V128_AND], ['DC', 'paddusb', S.I8X16_ADD_SAT_U], ['DD', 'paddusw', S.I16X8_ADD_SAT_U],
  ['DE', 'pmaxub', S.I8X16_MAX_U], ['E0', 'pavgb', S.I8X16_AVGR_U], ['E3', 'pavgw', S.I16X8_AVGR_U], ['E8', 'psubsb', S.I8X16_SUB_SAT_S],
  ['E9', 'psubsw', S.I16X8_SUB_SAT_S], ['EA', 'pminsw', S.I16X8_MIN_S], ['EB', 'por', S.V128_OR], ['EC', 'paddsb', S.I8X16_ADD_SAT_S],
  ['ED', 'paddsw', S.I16X8_ADD_SAT_S], ['EE', 'pmaxsw', S.I16X8_MAX_S], ['EF', 'pxor', S.V128_XOR], ['F5', 'pmaddwd', S.I32X4_DOT_S],
  ['F8', 'psubb', S.I8X16_SUB], ['F9', 'psubw', S.I16X8_SUB], ['FA', 'psubd', S.I32X4_SUB], ['FB', 'psubq', S.I64X2_SUB],
  ['FC', 'paddb', S.I8X16_ADD], ['FD', 'paddw', S.I16X8_ADD], ['FE', 'paddd', S.I32X4_ADD],
];
/** The same with more than one operation. */
export const PACKED_COMPOSED: readonly (readonly [opcode: string, mnemonic: string, f: VectorFunction])[] = [
  ['DF', 'pandn', (b, d, s): Node => b.binary(S.V128_ANDNOT, b.tmp(s), b.tmp(d))],
  ['E4', 'pmulhuw', highProducts(S.I32X4_EXTMUL_LOW_U, S.I32X4_EXTMUL_HIGH_U)],
  ['E5', 'pmulhw', highProducts(S.I32X4_EXTMUL_LOW_S, S.I32X4_EXTMUL_HIGH_S)],
  ['F4', 'pmuludq', evenProducts(S.I64X2_EXTMUL_LOW_U)],
  ['F6', 'psadbw', psadbw],
  ['38 01', 'phaddw', horizontal(2, S.I16X8_ADD)], ['38 02', 'phaddd', horizontal(4, S.I32X4_ADD)], ['38 03', 'phaddsw', horizontal(2, S.I16X8_ADD_SAT_S)],
  ['38 05', 'phsubw', horizontal(2, S.I16X8_SUB)], ['38 06', 'phsubd', horizontal(4, S.I32X4_SUB)], ['38 07', 'phsubsw', horizontal(2, S.I16X8_SUB_SAT_S)],
  ['38 04', 'pmaddubsw', pmaddubsw], ['38 0B', 'pmulhrsw', pmulhrsw],
  ['38 08', 'psignb', psign(S.I8X16_SHR_S, 8, S.I8X16_SUB, S.I8X16_EQ)], ['38 09', 'psignw', psign(S.I16X8_SHR_S, 16, S.I16X8_SUB, S.I16X8_EQ)],
  ['38 0A', 'psignd', psign(S.I32X4_SHR_S, 32, S.I32X4_SUB, S.I32X4_EQ)],
];
/** Shifts: opcode with the count in a register, opcode and /digit with an immediate, mnemonic, operation, lane bits. */
export const PACKED_SHIFTS: readonly (readonly [opcode: string, immediate: string, mnemonic: string, op: number, bits: number, arithmetic: boolean])[] = [
  ['D1', '71 /2', 'psrlw', S.I16X8_SHR_U, 16, false], ['D2', '72 /2', 'psrld', S.I32X4_SHR_U, 32, false], ['D3', '73 /2', 'psrlq', S.I64X2_SHR_U, 64, false],
  ['E1', '71 /4', 'psraw', S.I16X8_SHR_S, 16, true], ['E2', '72 /4', 'psrad', S.I32X4_SHR_S, 32, true],
  ['F1', '71 /6', 'psllw', S.I16X8_SHL, 16, false], ['F2', '72 /6', 'pslld', S.I32X4_SHL, 32, false], ['F3', '73 /6', 'psllq', S.I64X2_SHL, 64, false],
];

const LOGIC_FLOAT: Row[] = (['NP', '66'] as const).flatMap((p): Row[] => {
  const t = p === 'NP' ? 'ps' : 'pd';
  return [
    [`${p} 0F 54 /r`, `and${t} Vx,Wx`, direct(S.V128_AND)],
    [`${p} 0F 55 /r`, `andn${t} Vx,Wx`, lifted((b, d, s) => b.binary(S.V128_ANDNOT, b.tmp(s), b.tmp(d)))],
    [`${p} 0F 56 /r`, `or${t} Vx,Wx`, direct(S.V128_OR)],
    [`${p} 0F 57 /r`, `xor${t} Vx,Wx`, direct(S.V128_XOR)],
  ];
});
/** A register with itself: PXOR, XORPS and PSUB clear it, PCMPEQ sets it; no dependence on the old value. */
function selfAware(mnemonic: string, op: number): Lifter {
  const usual = direct(op);
  if (op !== S.V128_XOR && !mnemonic.startsWith('pcmpeq') && op !== S.I8X16_SUB && op !== S.I32X4_SUB && op !== S.I64X2_SUB) return usual;
  const ones = mnemonic.startsWith('pcmpeq') ? -1 : 0;
  return (b, i) => {
    if (i.mod === 3 && i.rm === i.reg) b.setXmm(i.reg, S.c128(b, ones, ones, ones, ones));
    else usual(b, i);
  };
}
for (let k = 0; k < LOGIC_FLOAT.length; k++) {
  const row = LOGIC_FLOAT[k]!;
  if (row[1].startsWith('xor')) LOGIC_FLOAT[k] = [row[0], row[1], selfAware('xor', S.V128_XOR)];
}

define([
  ...PACKED_DIRECT.map(([o, m, op]): Row => [`66 0F ${o} /r`, `${m} Vx,Wx`, selfAware(m, op)]),
  ...PACKED_COMPOSED.map(([o, m, f]): Row => [`66 0F ${o} /r`, `${m} Vx,Wx`, lifted(f)]),
  ...PACKED_SHIFTS.flatMap(([o, im, m, op, bits, a]): Row[] => [
    [`66 0F ${o} /r`, `${m} Vx,Wx`, shiftW(op, bits, a)],
    [`66 0F ${im}`, `${m} Ux,Ib`, shiftI(op, bits, a)],
  ]),
  ['66 0F 73 /3', 'psrldq Ux,Ib', byteShift(false)],
  ['66 0F 73 /7', 'pslldq Ux,Ib', byteShift(true)],
  ...LOGIC_FLOAT,
  ['66 0F 38 1C /r', 'pabsb Vx,Wx', pabs(S.I8X16_ABS)],
  ['66 0F 38 1D /r', 'pabsw Vx,Wx', pabs(S.I16X8_ABS)],
  ['66 0F 38 1E /r', 'pabsd Vx,Wx', pabs(S.I32X4_ABS)],
  ['66 0F 38 17 /r', 'ptest Vx,Wx', ptest],
  ['66 0F 38 20 /r', 'pmovsxbw Vx,Wq', widen(8, S.I16X8_EXTEND_LOW_S)],
  ['66 0F 38 21 /r', 'pmovsxbd Vx,Wd', widen(4, S.I16X8_EXTEND_LOW_S, S.I32X4_EXTEND_LOW_S)],
  ['66 0F 38 22 /r', 'pmovsxbq Vx,Ww', widen(2, S.I16X8_EXTEND_LOW_S, S.I32X4_EXTEND_LOW_S, S.I64X2_EXTEND_LOW_S)],
  ['66 0F 38 23 /r', 'pmovsxwd Vx,Wq', widen(8, S.I32X4_EXTEND_LOW_S)],
  ['66 0F 38 24 /r', 'pmovsxwq Vx,Wd', widen(4, S.I32X4_EXTEND_LOW_S, S.I64X2_EXTEND_LOW_S)],
  ['66 0F 38 25 /r', 'pmovsxdq Vx,Wq', widen(8, S.I64X2_EXTEND_LOW_S)],
  ['66 0F 38 30 /r', 'pmovzxbw Vx,Wq', widen(8, S.I16X8_EXTEND_LOW_U)],
  ['66 0F 38 31 /r', 'pmovzxbd Vx,Wd', widen(4, S.I16X8_EXTEND_LOW_U, S.I32X4_EXTEND_LOW_U)],
  ['66 0F 38 32 /r', 'pmovzxbq Vx,Ww', widen(2, S.I16X8_EXTEND_LOW_U, S.I32X4_EXTEND_LOW_U, S.I64X2_EXTEND_LOW_U)],
  ['66 0F 38 33 /r', 'pmovzxwd Vx,Wq', widen(8, S.I32X4_EXTEND_LOW_U)],
  ['66 0F 38 34 /r', 'pmovzxwq Vx,Wd', widen(4, S.I32X4_EXTEND_LOW_U, S.I64X2_EXTEND_LOW_U)],
  ['66 0F 38 35 /r', 'pmovzxdq Vx,Wq', widen(8, S.I64X2_EXTEND_LOW_U)],
  ['66 0F 38 28 /r', 'pmuldq Vx,Wx', lifted(evenProducts(S.I64X2_EXTMUL_LOW_S))],
  ['66 0F 38 29 /r', 'pcmpeqq Vx,Wx', selfAware('pcmpeqq', S.I64X2_EQ)],
  ['66 0F 38 37 /r', 'pcmpgtq Vx,Wx', direct(S.I64X2_GT_S)],
  ['66 0F 38 2B /r', 'packusdw Vx,Wx', direct(S.I16X8_NARROW_U)],
  ['66 0F 38 38 /r', 'pminsb Vx,Wx', direct(S.I8X16_MIN_S)],
  ['66 0F 38 39 /r', 'pminsd Vx,Wx', direct(S.I32X4_MIN_S)],
  ['66 0F 38 3A /r', 'pminuw Vx,Wx', direct(S.I16X8_MIN_U)],
  ['66 0F 38 3B /r', 'pminud Vx,Wx', direct(S.I32X4_MIN_U)],
  ['66 0F 38 3C /r', 'pmaxsb Vx,Wx', direct(S.I8X16_MAX_S)],
  ['66 0F 38 3D /r', 'pmaxsd Vx,Wx', direct(S.I32X4_MAX_S)],
  ['66 0F 38 3E /r', 'pmaxuw Vx,Wx', direct(S.I16X8_MAX_U)],
  ['66 0F 38 3F /r', 'pmaxud Vx,Wx', direct(S.I32X4_MAX_U)],
  ['66 0F 38 40 /r', 'pmulld Vx,Wx', direct(S.I32X4_MUL)],
  ['66 0F 38 41 /r', 'phminposuw Vx,Wx', phminposuw],
  ['66 0F 3A 42 /r', 'mpsadbw Vx,Wx,Ib', mpsadbw],
]);
