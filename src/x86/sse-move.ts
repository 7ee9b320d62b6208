/** SSE moves, shuffles, inserts and extracts. Source: SDM vol. 2. */
import { define } from './forms.ts';
import type { Lifter, Row } from './forms.ts';
import type { Insn } from './insn.ts';
import { I64, V128 } from './ir.ts';
import type { IrBuilder, Node } from './ir.ts';
import { memory, offsetOf, withSegment } from './operands.ts';
import {
  I16X8_EXTRACT_U, I16X8_REPLACE, I32X4_BITMASK, I32X4_EXTRACT, I32X4_REPLACE, I32X4_SHR_S, I64X2_BITMASK, I64X2_EXTRACT, I64X2_REPLACE,
  I8X16_BITMASK, I8X16_EXTRACT_U, I8X16_REPLACE, I8X16_SHR_S, I8X16_SWIZZLE, V128_AND, bitselect, c128, extract, replace, shuffle, zero128,
} from './simd-ops.ts';
import { readE64, readLow32, readLow64, readW, load128, store128 } from './sse-operands.ts';

/** Byte lanes of a shuffle from lanes of `size` bytes; 100 + n counts in the second operand. */
export function lanes(size: number, ...list: number[]): Uint8Array {
  const out = new Uint8Array(16);
  for (let k = 0; k < list.length; k++)
    for (let j = 0; j < size; j++) {
      const n = list[k]!;
      out[k * size + j] = n >= 100 ? 16 + (n - 100) * size + j : n * size + j;
    }
  return out;
}

const loadUnaligned: Lifter = (b, i) => b.setXmm(i.reg, i.mod === 3 ? b.xmm(i.rm) : load128(b, i, false));
const loadAligned: Lifter = (b, i) => b.setXmm(i.reg, readW(b, i));
const storeUnaligned: Lifter = (b, i) => {
  if (i.mod === 3) b.setXmm(i.rm, b.xmm(i.reg));
  else store128(b, i, b.xmm(i.reg), false);
};
const storeAligned: Lifter = (b, i) => {
  if (i.mod === 3) b.setXmm(i.rm, b.xmm(i.reg));
  else store128(b, i, b.xmm(i.reg), true);
};
const low64 = (b: IrBuilder, r: number): Node => extract(b, I64X2_EXTRACT, b.xmm(r), 0);
const high64 = (b: IrBuilder, r: number): Node => extract(b, I64X2_EXTRACT, b.xmm(r), 1);

/** From memory the rest is cleared; from a register it is kept. */
const movssLoad: Lifter = (b, i) => {
  if (i.mod !== 3) b.setXmm(i.reg, b.load(memory(b, i), 4, V128));
  else b.setXmm(i.reg, shuffle(b, b.xmm(i.reg), b.xmm(i.rm), lanes(4, 100, 1, 2, 3)));
};
const movssStore: Lifter = (b, i) => {
  if (i.mod !== 3) b.store(memory(b, i), extract(b, I32X4_EXTRACT, b.xmm(i.reg), 0), 4);
  else b.setXmm(i.rm, shuffle(b, b.xmm(i.rm), b.xmm(i.reg), lanes(4, 100, 1, 2, 3)));
};
const movsdLoad: Lifter = (b, i) => {
  if (i.mod !== 3) b.setXmm(i.reg, b.load(memory(b, i), 8, V128));
  else b.setXmm(i.reg, shuffle(b, b.xmm(i.reg), b.xmm(i.rm), lanes(8, 100, 1)));
};
const movsdStore: Lifter = (b, i) => {
  if (i.mod !== 3) b.store(memory(b, i), low64(b, i.reg), 8);
  else b.setXmm(i.rm, shuffle(b, b.xmm(i.rm), b.xmm(i.reg), lanes(8, 100, 1)));
};
const lowFromMemory: Lifter = (b, i) => b.setXmm(i.reg, replace(b, I64X2_REPLACE, b.xmm(i.reg), b.load(memory(b, i), 8, I64), 0));
const highFromMemory: Lifter = (b, i) => b.setXmm(i.reg, replace(b, I64X2_REPLACE, b.xmm(i.reg), b.load(memory(b, i), 8, I64), 1));
const lowToMemory: Lifter = (b, i) => b.store(memory(b, i), low64(b, i.reg), 8);
const highToMemory: Lifter = (b, i) => b.store(memory(b, i), high64(b, i.reg), 8);
/** dst = shuffle(dst, src). */
function merge(pattern: Uint8Array): Lifter {
  return (b, i) => b.setXmm(i.reg, shuffle(b, b.xmm(i.reg), readW(b, i), pattern));
}
/** dst = shuffle(src, src) with the source read by `read`. */
function spread(pattern: Uint8Array, read: (b: IrBuilder, i: Insn) => Node): Lifter {
  return (b, i) => b.setXmm(i.reg, one(b, read(b, i), pattern));
}
function one(b: IrBuilder, v: Node, pattern: Uint8Array): Node {
  const t = b.let(V128, v);
  return shuffle(b, b.tmp(t), b.tmp(t), pattern);
}
const fields = (imm: number): number[] => [imm & 3, (imm >> 2) & 3, (imm >> 4) & 3, (imm >> 6) & 3];
const pshufd: Lifter = (b, i) => b.setXmm(i.reg, one(b, readW(b, i), lanes(4, ...fields(i.imm))));
const pshuflw: Lifter = (b, i) => b.setXmm(i.reg, one(b, readW(b, i), lanes(2, ...fields(i.imm), 4, 5, 6, 7)));
const pshufhw: Lifter = (b, i) => b.setXmm(i.reg, one(b, readW(b, i), lanes(2, 0, 1, 2, 3, ...fields(i.imm).map((n) => n + 4))));
const shufps: Lifter = (b, i) => {
  const f = fields(i.imm);
  b.setXmm(i.reg, shuffle(b, b.xmm(i.reg), readW(b, i), lanes(4, f[0]!, f[1]!, f[2]! + 100, f[3]! + 100)));
};
const shufpd: Lifter = (b, i) => b.setXmm(i.reg, shuffle(b, b.xmm(i.reg), readW(b, i), lanes(8, i.imm & 1, 100 + ((i.imm >> 1) & 1))));

const movdLoad: Lifter = (b, i) => {
  if (i.mod !== 3) b.setXmm(i.reg, b.load(memory(b, i), i.size === 8 ? 8 : 4, V128));
  else b.setXmm(i.reg, replace(b, I64X2_REPLACE, zero128(b), readE64(b, i, i.size === 8 ? 8 : 4), 0));
};
const movdStore: Lifter = (b, i) => {
  if (i.size === 8) {
    if (i.mod === 3) b.setReg(i.rm, low64(b, i.reg));
    else b.store(memory(b, i), low64(b, i.reg), 8);
  } else if (i.mod === 3) b.setReg(i.rm, b.zext(extract(b, I32X4_EXTRACT, b.xmm(i.reg), 0)));
  else b.store(memory(b, i), extract(b, I32X4_EXTRACT, b.xmm(i.reg), 0), 4);
};
/** Low quadword, upper half cleared. */
const movqLoad: Lifter = (b, i) => {
  if (i.mod !== 3) b.setXmm(i.reg, b.load(memory(b, i), 8, V128));
  else b.setXmm(i.reg, replace(b, I64X2_REPLACE, zero128(b), low64(b, i.rm), 0));
};
const movqStore: Lifter = (b, i) => {
  if (i.mod !== 3) b.store(memory(b, i), low64(b, i.reg), 8);
  else b.setXmm(i.rm, replace(b, I64X2_REPLACE, zero128(b), low64(b, i.reg), 0));
};

/** Value of an insert: register or memory of `size` bytes, as i32 (i64 for 8). */
function insertSource(b: IrBuilder, i: Insn, size: number): Node {
  if (i.mod === 3) return size === 8 ? b.reg(i.rm) : b.wrap(b.reg(i.rm));
  return b.loadInt(memory(b, i), size);
}
function insert(size: number, op: number): Lifter {
  return (b, i) => b.setXmm(i.reg, replace(b, op, b.xmm(i.reg), insertSource(b, i, size), i.imm & (16 / size - 1)));
}
const pinsrdq: Lifter = (b, i) => (i.size === 8 ? insert(8, I64X2_REPLACE) : insert(4, I32X4_REPLACE))(b, i);
/** Lane of reg to a general register (zero-extended) or memory. */
function extractTo(size: number, op: number): Lifter {
  return (b, i) => {
    const v = extract(b, op, b.xmm(i.reg), i.imm & (16 / size - 1));
    if (i.mod !== 3) b.store(memory(b, i), v, size);
    else b.setReg(i.rm, size === 8 ? v : b.zext(v));
  };
}
const pextrdq: Lifter = (b, i) => (i.size === 8 ? extractTo(8, I64X2_EXTRACT) : extractTo(4, I32X4_EXTRACT))(b, i);
const pextrwReg: Lifter = (b, i) => b.setReg(i.reg, b.zext(extract(b, I16X8_EXTRACT_U, b.xmm(i.rm), i.imm & 7)));
const insertps: Lifter = (b, i) => {
  const source = i.mod === 3 ? b.xmm(i.rm) : readLow32(b, i);
  const from = i.mod === 3 ? (i.imm >> 6) & 3 : 0;
  const order = [0, 1, 2, 3];
  order[(i.imm >> 4) & 3] = 100 + from;
  const merged = shuffle(b, b.xmm(i.reg), source, lanes(4, ...order));
  if ((i.imm & 15) === 0) b.setXmm(i.reg, merged);
  else b.setXmm(i.reg, shuffle(b, merged, zero128(b), lanes(4, ...[0, 1, 2, 3].map((n) => ((i.imm >> n) & 1 ? 100 : n)))));
};

const palignr: Lifter = (b, i) => {
  const n = i.imm & 255;
  if (n >= 32) {
    if (i.mod !== 3) b.let(V128, readW(b, i));
    b.setXmm(i.reg, zero128(b));
    return;
  }
  const pattern = new Uint8Array(16);
  if (n <= 16) {
    for (let k = 0; k < 16; k++) pattern[k] = n + k;
    b.setXmm(i.reg, sourceFirst(b, i, pattern));
  } else {
    if (i.mod !== 3) b.let(V128, readW(b, i));
    for (let k = 0; k < 16; k++) pattern[k] = n - 16 + k;
    b.setXmm(i.reg, shuffle(b, b.xmm(i.reg), zero128(b), pattern));
  }
};
function sourceFirst(b: IrBuilder, i: Insn, pattern: Uint8Array): Node {
  return shuffle(b, readW(b, i), b.xmm(i.reg), pattern);
}
function blendImmediate(size: number): Lifter {
  return (b, i) => {
    const order: number[] = [];
    for (let k = 0; k < 16 / size; k++) order.push((i.imm >> k) & 1 ? 100 + k : k);
    b.setXmm(i.reg, shuffle(b, b.xmm(i.reg), readW(b, i), lanes(size, ...order)));
  };
}
/** PBLENDVB, BLENDVPS, BLENDVPD: XMM0's sign bits choose. */
function blendVariable(size: number): Lifter {
  return (b, i) => {
    const source = readW(b, i);
    let mask: Node;
    if (size === 1) mask = b.binary(I8X16_SHR_S, b.xmm(0), b.c32(7));
    else if (size === 4) mask = b.binary(I32X4_SHR_S, b.xmm(0), b.c32(31));
    else mask = one(b, b.binary(I32X4_SHR_S, b.xmm(0), b.c32(31)), lanes(4, 1, 1, 3, 3));
    b.setXmm(i.reg, bitselect(b, source, b.xmm(i.reg), mask));
  };
}
function bitmaskTo(op: number): Lifter {
  return (b, i) => b.setReg(i.reg, b.zext(b.unary(op, b.xmm(i.rm))));
}
/** Bytes of reg whose mask byte has its top bit set go to [RDI]; all 16 must be writable, even if none is written. */
const maskmovdqu: Lifter = (b, i) => {
  const mask = b.let(V128, b.binary(I8X16_SHR_S, b.xmm(i.rm), b.c32(7)));
  i.base = 7;
  i.index = -1;
  i.disp = 0;
  i.ripRelative = false;
  const place = b.rmw(withSegment(b, i, offsetOf(b, i)), 16);
  b.rawStore(b.tmp(place), bitselect(b, b.xmm(i.reg), b.rawLoad(b.tmp(place), 16, V128), b.tmp(mask)), 16);
  b.rmwEnd(place, 16);
};

const pshufb: Lifter = (b, i) => {
  const index = b.binary(V128_AND, readW(b, i), c128(b, 0x8f8f8f8f, 0x8f8f8f8f, 0x8f8f8f8f, 0x8f8f8f8f));
  b.setXmm(i.reg, b.binary(I8X16_SWIZZLE, b.xmm(i.reg), index));
};

const punpck: Row[] = [
  ['66 0F 60 /r', 'punpcklbw Vx,Wx', merge(lanes(1, 0, 100, 1, 101, 2, 102, 3, 103, 4, 104, 5, 105, 6, 106, 7, 107))],
  ['66 0F 61 /r', 'punpcklwd Vx,Wx', merge(lanes(2, 0, 100, 1, 101, 2, 102, 3, 103))],
  ['66 0F 62 /r', 'punpckldq Vx,Wx', merge(lanes(4, 0, 100, 1, 101))],
  ['66 0F 6C /r', 'punpcklqdq Vx,Wx', merge(lanes(8, 0, 100))],
  ['66 0F 68 /r', 'punpckhbw Vx,Wx', merge(lanes(1, 8, 108, 9, 109, 10, 110, 11, 111, 12, 112, 13, 113, 14, 114, 15, 115))],
  ['66 0F 69 /r', 'punpckhwd Vx,Wx', merge(lanes(2, 4, 104, 5, 105, 6, 106, 7, 107))],
  ['66 0F 6A /r', 'punpckhdq Vx,Wx', merge(lanes(4, 2, 102, 3, 103))],
  ['66 0F 6D /r', 'punpckhqdq Vx,Wx', merge(lanes(8, 1, 101))],
];

define([
  ['NP 0F 10 /r', 'movups Vx,Wx', loadUnaligned],
  ['66 0F 10 /r', 'movupd Vx,Wx', loadUnaligned],
  ['F3 0F 10 /r', 'movss Vss,Wss', movssLoad],
  ['F2 0F 10 /r', 'movsd Vsd,Wsd', movsdLoad],
  ['NP 0F 11 /r', 'movups Wx,Vx', storeUnaligned],
  ['66 0F 11 /r', 'movupd Wx,Vx', storeUnaligned],
  ['F3 0F 11 /r', 'movss Wss,Vss', movssStore],
  ['F2 0F 11 /r', 'movsd Wsd,Vsd', movsdStore],
  ['NP 0F 12 /r', 'movlps Vq,Mq', lowFromMemory],
  ['NP 0F 12 /r', 'movhlps Vq,Uq', (b, i): void => b.setXmm(i.reg, shuffle(b, b.xmm(i.rm), b.xmm(i.reg), lanes(8, 1, 101)))],
  ['66 0F 12 /r', 'movlpd Vq,Mq', lowFromMemory],
  ['F3 0F 12 /r', 'movsldup Vx,Wx', spread(lanes(4, 0, 0, 2, 2), readW)],
  ['F2 0F 12 /r', 'movddup Vx,Wq', spread(lanes(8, 0, 0), readLow64)],
  ['NP 0F 13 /r', 'movlps Mq,Vq', lowToMemory],
  ['66 0F 13 /r', 'movlpd Mq,Vq', lowToMemory],
  ['NP 0F 14 /r', 'unpcklps Vx,Wx', merge(lanes(4, 0, 100, 1, 101))],
  ['66 0F 14 /r', 'unpcklpd Vx,Wx', merge(lanes(8, 0, 100))],
  ['NP 0F 15 /r', 'unpckhps Vx,Wx', merge(lanes(4, 2, 102, 3, 103))],
  ['66 0F 15 /r', 'unpckhpd Vx,Wx', merge(lanes(8, 1, 101))],
  ['NP 0F 16 /r', 'movhps Vq,Mq', highFromMemory],
  ['NP 0F 16 /r', 'movlhps Vq,Uq', (b, i): void => b.setXmm(i.reg, shuffle(b, b.xmm(i.reg), b.xmm(i.rm), lanes(8, 0, 100)))],
  ['66 0F 16 /r', 'movhpd Vq,Mq', highFromMemory],
  ['F3 0F 16 /r', 'movshdup Vx,Wx', spread(lanes(4, 1, 1, 3, 3), readW)],
  ['NP 0F 17 /r', 'movhps Mq,Vq', highToMemory],
  ['66 0F 17 /r', 'movhpd Mq,Vq', highToMemory],
  ['NP 0F 28 /r', 'movaps Vx,Wx', loadAligned],
  ['66 0F 28 /r', 'movapd Vx,Wx', loadAligned],
  ['NP 0F 29 /r', 'movaps Wx,Vx', storeAligned],
  ['66 0F 29 /r', 'movapd Wx,Vx', storeAligned],
  ['NP 0F 2B /r', 'movntps Mx,Vx', storeAligned],
  ['66 0F 2B /r', 'movntpd Mx,Vx', storeAligned],
  ['66 0F 6E /r', 'movd Vy,Ey', movdLoad],
  ['66 0F 7E /r', 'movd Ey,Vy', movdStore],
  ['F3 0F 7E /r', 'movq Vq,Wq', movqLoad],
  ['66 0F D6 /r', 'movq Wq,Vq', movqStore],
  ['66 0F 6F /r', 'movdqa Vx,Wx', loadAligned],
  ['F3 0F 6F /r', 'movdqu Vx,Wx', loadUnaligned],
  ['66 0F 7F /r', 'movdqa Wx,Vx', storeAligned],
  ['F3 0F 7F /r', 'movdqu Wx,Vx', storeUnaligned],
  ['66 0F E7 /r', 'movntdq Mx,Vx', storeAligned],
  ['F2 0F F0 /r', 'lddqu Vx,Mx', loadUnaligned],
  ['66 0F 38 2A /r', 'movntdqa Vx,Mx', loadAligned],
  ['66 0F 70 /r', 'pshufd Vx,Wx,Ib', pshufd],
  ['F3 0F 70 /r', 'pshufhw Vx,Wx,Ib', pshufhw],
  ['F2 0F 70 /r', 'pshuflw Vx,Wx,Ib', pshuflw],
  ['NP 0F C6 /r', 'shufps Vx,Wx,Ib', shufps],
  ['66 0F C6 /r', 'shufpd Vx,Wx,Ib', shufpd],
  ['66 0F C4 /r', 'pinsrw Vx,Ed,Ib', insert(2, I16X8_REPLACE)],
  ['66 0F C5 /r', 'pextrw Gd,Ux,Ib', pextrwReg],
  ['66 0F 3A 14 /r', 'pextrb Ed,Vx,Ib', extractTo(1, I8X16_EXTRACT_U)],
  ['66 0F 3A 15 /r', 'pextrw Ed,Vx,Ib', extractTo(2, I16X8_EXTRACT_U)],
  ['66 0F 3A 16 /r', 'pextrd Ey,Vx,Ib', pextrdq],
  ['66 0F 3A 17 /r', 'extractps Ed,Vx,Ib', extractTo(4, I32X4_EXTRACT)],
  ['66 0F 3A 20 /r', 'pinsrb Vx,Ed,Ib', insert(1, I8X16_REPLACE)],
  ['66 0F 3A 21 /r', 'insertps Vx,Wd,Ib', insertps],
  ['66 0F 3A 22 /r', 'pinsrd Vx,Ey,Ib', pinsrdq],
  ['66 0F 3A 0F /r', 'palignr Vx,Wx,Ib', palignr],
  ['66 0F 3A 0C /r', 'blendps Vx,Wx,Ib', blendImmediate(4)],
  ['66 0F 3A 0D /r', 'blendpd Vx,Wx,Ib', blendImmediate(8)],
  ['66 0F 3A 0E /r', 'pblendw Vx,Wx,Ib', blendImmediate(2)],
  ['66 0F 38 10 /r', 'pblendvb Vx,Wx', blendVariable(1)],
  ['66 0F 38 14 /r', 'blendvps Vx,Wx', blendVariable(4)],
  ['66 0F 38 15 /r', 'blendvpd Vx,Wx', blendVariable(8)],
  ['NP 0F 50 /r', 'movmskps Gd,Ux', bitmaskTo(I32X4_BITMASK)],
  ['66 0F 50 /r', 'movmskpd Gd,Ux', bitmaskTo(I64X2_BITMASK)],
  ['66 0F D7 /r', 'pmovmskb Gd,Ux', bitmaskTo(I8X16_BITMASK)],
  ['66 0F F7 /r', 'maskmovdqu Vx,Ux', maskmovdqu],
  ['66 0F 38 00 /r', 'pshufb Vx,Wx', pshufb],
  ...punpck,
]);

export { one as shuffleOne };
