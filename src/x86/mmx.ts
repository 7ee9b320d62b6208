/**
 * MMX. The registers are the significands of the physical x87 registers: an MMX instruction makes all of them valid, TOP zero, and the exponents of what it
 * writes all ones. Computation is that of the SSE2 counterparts on the low half of a vector. Source: SDM vol. 1, chapter 9; vol. 3, chapter 13.
 */
import { FPU_SW, FPU_TAG, FPU_TOP, SCRATCH, ST } from './cpu-layout.ts';
import { EXIT_X87 } from './exits.ts';
import { define } from './forms.ts';
import type { Lifter, Row } from './forms.ts';
import type { Insn } from './insn.ts';
import { I32, I64, V128 } from './ir.ts';
import type { IrBuilder, Node } from './ir.ts';
import { memory, offsetOf, withSegment } from './operands.ts';
import * as S from './simd-ops.ts';
import { c128, extract, replace, shuffle, zero128 } from './simd-ops.ts';
import { callSseFloat } from './sse-float.ts';
import { PACKED_COMPOSED, PACKED_DIRECT, PACKED_SHIFTS, shiftByConstant, shiftByVector } from './sse-integer.ts';
import type { VectorFunction } from './sse-integer.ts';
import { lanes } from './sse-move.ts';
import { readE64, readLow64, readW } from './sse-operands.ts';
import { FMT_PD, FMT_PS, OP_CVTT_F_I32, OP_CVT_F_I32, OP_CVT_I32_F } from './sse-slow.ts';

function mm(b: IrBuilder, r: number): Node {
  return b.state(ST + (r & 7) * 16, I64);
}
/** Q: MMX register or m64, as i64. */
function readQ(b: IrBuilder, i: Insn): Node {
  return i.mod === 3 ? mm(b, i.rm) : b.load(memory(b, i), 8, I64);
}
/** An i64 as the low half of a vector. */
function low(b: IrBuilder, x: Node): Node {
  return replace(b, S.I64X2_REPLACE, zero128(b), x, 0);
}
/** The x87 side of an MMX instruction; after everything that can fault. */
function enter(b: IrBuilder): void {
  b.setState(FPU_TOP, b.c32(0), I32);
  b.setState(FPU_TAG, b.c32(0xff), I32);
}
function pending(b: IrBuilder): void {
  b.faultIf(b.and32(b.state(FPU_SW, I32), b.c32(0x80)), EXIT_X87);
}
function write(b: IrBuilder, r: number, value: Node): void {
  b.setState(ST + (r & 7) * 16, value, I64);
  b.setState(ST + (r & 7) * 16 + 8, b.c64s(0xffff), I64);
  enter(b);
}
/** op Pq,Qq by a function of vectors. */
function lifted(f: VectorFunction): Lifter {
  return (b, i) => {
    pending(b);
    const s = b.let(V128, low(b, readQ(b, i)));
    const d = b.let(V128, low(b, mm(b, i.reg)));
    write(b, i.reg, extract(b, S.I64X2_EXTRACT, f(b, d, s), 0));
  };
}
const direct = (op: number): Lifter => lifted((b, d, s) => b.binary(op, b.tmp(d), b.tmp(s)));
/** Functions that mix halves work on the destination with the source above it. */
function joined(f: (b: IrBuilder, both: number) => Node): Lifter {
  return (b, i) => {
    pending(b);
    const s = b.let(I64, readQ(b, i));
    const both = b.let(V128, replace(b, S.I64X2_REPLACE, low(b, mm(b, i.reg)), b.tmp(s), 1));
    write(b, i.reg, extract(b, S.I64X2_EXTRACT, f(b, both), 0));
  };
}
const twice = (op: number): Lifter => joined((b, v) => b.binary(op, b.tmp(v), b.tmp(v)));
const unpack = (pattern: Uint8Array, half: number): Lifter => (b, i) => {
  pending(b);
  // The low form reads only 32 bits of memory.
  const source = half === 0 && i.mod !== 3 ? b.load(memory(b, i), 4, I64) : readQ(b, i);
  const s = b.let(V128, low(b, source));
  write(b, i.reg, extract(b, S.I64X2_EXTRACT, shuffle(b, low(b, mm(b, i.reg)), b.tmp(s), pattern), half));
};
const unary = (op: number): Lifter => (b, i) => {
  pending(b);
  const s = b.let(I64, readQ(b, i));
  write(b, i.reg, extract(b, S.I64X2_EXTRACT, b.unary(op, low(b, b.tmp(s))), 0));
};
const HALVES_MIX: Readonly<Record<string, (b: IrBuilder, v: number) => Node>> = Object.fromEntries(
  PACKED_COMPOSED.filter(([, name]) => name.startsWith('ph')).map(([, name, f]) => [name, (b: IrBuilder, v: number): Node => f(b, v, v)]),
);
const PACKS: Readonly<Record<string, boolean>> = { packsswb: true, packuswb: true, packssdw: true };

const BW = lanes(1, 0, 100, 1, 101, 2, 102, 3, 103, 4, 104, 5, 105, 6, 106, 7, 107);
const WD = lanes(2, 0, 100, 1, 101, 2, 102, 3, 103);
const DQ = lanes(4, 0, 100, 1, 101);

const movdLoad: Lifter = (b, i) => {
  pending(b);
  const v = b.let(I64, readE64(b, i, i.size === 8 ? 8 : 4));
  write(b, i.reg, b.tmp(v));
};
const movdStore: Lifter = (b, i) => {
  pending(b);
  if (i.mod === 3) {
    b.setReg(i.rm, i.size === 8 ? mm(b, i.reg) : b.zext(b.wrap(mm(b, i.reg))));
  } else if (i.size === 8) b.store(memory(b, i), mm(b, i.reg), 8);
  else b.store(memory(b, i), b.wrap(mm(b, i.reg)), 4);
  enter(b);
};
const movqLoad: Lifter = (b, i) => {
  pending(b);
  const v = b.let(I64, readQ(b, i));
  write(b, i.reg, b.tmp(v));
};
const movqStore: Lifter = (b, i) => {
  pending(b);
  if (i.mod === 3) {
    const v = b.let(I64, mm(b, i.reg));
    write(b, i.rm, b.tmp(v));
  } else {
    b.store(memory(b, i), mm(b, i.reg), 8);
    enter(b);
  }
};
const pshufw: Lifter = (b, i) => {
  pending(b);
  const s = b.let(V128, low(b, readQ(b, i)));
  const f = [0, 2, 4, 6].map((k) => (i.imm >> k) & 3);
  write(b, i.reg, extract(b, S.I64X2_EXTRACT, shuffle(b, b.tmp(s), b.tmp(s), lanes(2, ...f)), 0));
};
const pshufb: Lifter = lifted((b, d, s) => b.binary(S.I8X16_SWIZZLE, b.tmp(d), b.binary(S.V128_AND, b.tmp(s), c128(b, 0x87878787 | 0, 0x87878787 | 0, 0, 0))));
const palignr: Lifter = (b, i) => {
  pending(b);
  const s = b.let(I64, readQ(b, i));
  const both = replace(b, S.I64X2_REPLACE, low(b, b.tmp(s)), mm(b, i.reg), 1);
  const pattern = new Uint8Array(16).map((_, k) => Math.min((i.imm & 255) + k, 16));
  write(b, i.reg, extract(b, S.I64X2_EXTRACT, shuffle(b, both, zero128(b), pattern), 0));
};
const pinsrw: Lifter = (b, i) => {
  pending(b);
  const v = b.let(I32, i.mod === 3 ? b.wrap(b.reg(i.rm)) : b.loadInt(memory(b, i), 2));
  write(b, i.reg, extract(b, S.I64X2_EXTRACT, replace(b, S.I16X8_REPLACE, low(b, mm(b, i.reg)), b.tmp(v), i.imm & 3), 0));
};
const pextrw: Lifter = (b, i) => {
  pending(b);
  b.setReg(i.reg, b.zext(extract(b, S.I16X8_EXTRACT_U, low(b, mm(b, i.rm)), i.imm & 3)));
  enter(b);
};
const pmovmskb: Lifter = (b, i) => {
  pending(b);
  b.setReg(i.reg, b.zext(b.unary(S.I8X16_BITMASK, low(b, mm(b, i.rm)))));
  enter(b);
};
const maskmovq: Lifter = (b, i) => {
  pending(b);
  // Even if the store faults.
  enter(b);
  const mask = b.let(V128, b.binary(S.I8X16_SHR_S, low(b, mm(b, i.rm)), b.c32(7)));
  i.base = 7;
  i.index = -1;
  i.disp = 0;
  i.ripRelative = false;
  const place = b.rmw(withSegment(b, i, offsetOf(b, i)), 8);
  const merged = S.bitselect(b, low(b, mm(b, i.reg)), low(b, b.rawLoad(b.tmp(place), 8, I64)), b.tmp(mask));
  b.rawStore(b.tmp(place), extract(b, S.I64X2_EXTRACT, merged, 0), 8);
  b.rmwEnd(place, 8);
};
function shiftQ(op: number, bits: number, arithmetic: boolean): Lifter {
  return (b, i) => {
    pending(b);
    const count = b.let(I64, readQ(b, i));
    write(b, i.reg, extract(b, S.I64X2_EXTRACT, shiftByVector(b, op, bits, arithmetic, low(b, mm(b, i.reg)), b.tmp(count)), 0));
  };
}
function shiftI(op: number, bits: number, arithmetic: boolean): Lifter {
  return (b, i) => {
    pending(b);
    write(b, i.rm, extract(b, S.I64X2_EXTRACT, shiftByConstant(b, op, bits, arithmetic, low(b, mm(b, i.rm)), i.imm & 255), 0));
  };
}
/** CVTPI2PS, CVTPI2PD. A memory source leaves the x87 state alone. */
const cvtpi2ps: Lifter = (b, i) => {
  if (i.mod === 3) pending(b);
  b.setState(SCRATCH + 16, low(b, readQ(b, i)), V128);
  if (i.mod === 3) enter(b);
  callSseFloat(b, OP_CVT_I32_F, FMT_PS);
  b.setXmm(i.reg, replace(b, S.I64X2_REPLACE, b.xmm(i.reg), b.state(SCRATCH + 32, I64), 0));
};
const cvtpi2pd: Lifter = (b, i) => {
  if (i.mod === 3) pending(b);
  b.setXmm(i.reg, b.unary(S.F64X2_CONVERT_LOW_I32X4_S, low(b, readQ(b, i))));
  if (i.mod === 3) enter(b);
};
function toMmx(op: number, fmt: number): Lifter {
  return (b, i) => {
    pending(b);
    const source = b.let(V128, fmt === FMT_PD ? readW(b, i) : readLow64(b, i));
    b.setState(SCRATCH + 16, fmt === FMT_PD ? b.tmp(source) : low(b, extract(b, S.I64X2_EXTRACT, b.tmp(source), 0)), V128);
    // Even if #XM is raised.
    enter(b);
    callSseFloat(b, op, fmt);
    write(b, i.reg, b.state(SCRATCH + 32, I64));
  };
}
const emms: Lifter = (b) => {
  pending(b);
  b.setState(FPU_TOP, b.c32(0), I32);
  b.setState(FPU_TAG, b.c32(0), I32);
};

define([
  ...PACKED_DIRECT.map(([o, m, op]): Row => [`NP 0F ${o} /r`, `${m} Pq,Qq`, PACKS[m] ? twice(op) : direct(op)]),
  ...PACKED_COMPOSED.map(([o, m, f]): Row => [`NP 0F ${o} /r`, `${m} Pq,Qq`, HALVES_MIX[m] ? joined(HALVES_MIX[m]) : lifted(f)]),
  ...PACKED_SHIFTS.flatMap(([o, im, m, op, bits, a]): Row[] => [
    [`NP 0F ${o} /r`, `${m} Pq,Qq`, shiftQ(op, bits, a)],
    [`NP 0F ${im}`, `${m} Nq,Ib`, shiftI(op, bits, a)],
  ]),
  ['NP 0F 60 /r', 'punpcklbw Pq,Qd', unpack(BW, 0)], ['NP 0F 61 /r', 'punpcklwd Pq,Qd', unpack(WD, 0)], ['NP 0F 62 /r', 'punpckldq Pq,Qd', unpack(DQ, 0)],
  ['NP 0F 68 /r', 'punpckhbw Pq,Qq', unpack(BW, 1)], ['NP 0F 69 /r', 'punpckhwd Pq,Qq', unpack(WD, 1)], ['NP 0F 6A /r', 'punpckhdq Pq,Qq', unpack(DQ, 1)],
  ['NP 0F 38 1C /r', 'pabsb Pq,Qq', unary(S.I8X16_ABS)], ['NP 0F 38 1D /r', 'pabsw Pq,Qq', unary(S.I16X8_ABS)], ['NP 0F 38 1E /r', 'pabsd Pq,Qq', unary(S.I32X4_ABS)],
  ['NP 0F 38 00 /r', 'pshufb Pq,Qq', pshufb], ['NP 0F 3A 0F /r', 'palignr Pq,Qq,Ib', palignr], ['NP 0F 70 /r', 'pshufw Pq,Qq,Ib', pshufw],
  ['NP 0F 6E /r', 'movd Pq,Ey', movdLoad], ['NP 0F 7E /r', 'movd Ey,Pq', movdStore], ['NP 0F 6F /r', 'movq Pq,Qq', movqLoad], ['NP 0F 7F /r', 'movq Qq,Pq', movqStore],
  ['NP 0F E7 /r', 'movntq Mq,Pq', movqStore], ['NP 0F C4 /r', 'pinsrw Pq,Ed,Ib', pinsrw], ['NP 0F C5 /r', 'pextrw Gd,Nq,Ib', pextrw], ['NP 0F D7 /r', 'pmovmskb Gd,Nq', pmovmskb],
  ['NP 0F F7 /r', 'maskmovq Pq,Nq', maskmovq], ['NP 0F 77', 'emms', emms],
  ['F3 0F D6 /r', 'movq2dq Vx,Nq', (b, i): void => {
    pending(b);
    b.setXmm(i.reg, low(b, mm(b, i.rm)));
    enter(b);
  }],
  ['F2 0F D6 /r', 'movdq2q Pq,Ux', (b, i): void => {
    pending(b);
    write(b, i.reg, extract(b, S.I64X2_EXTRACT, b.xmm(i.rm), 0));
  }],
  ['NP 0F 2A /r', 'cvtpi2ps Vx,Qq', cvtpi2ps], ['66 0F 2A /r', 'cvtpi2pd Vx,Qq', cvtpi2pd],
  ['NP 0F 2C /r', 'cvttps2pi Pq,Wq', toMmx(OP_CVTT_F_I32, FMT_PS)], ['66 0F 2C /r', 'cvttpd2pi Pq,Wx', toMmx(OP_CVTT_F_I32, FMT_PD)],
  ['NP 0F 2D /r', 'cvtps2pi Pq,Wq', toMmx(OP_CVT_F_I32, FMT_PS)], ['66 0F 2D /r', 'cvtpd2pi Pq,Wx', toMmx(OP_CVT_F_I32, FMT_PD)],
]);
