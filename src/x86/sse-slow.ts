/**
 * SSE floating point in full: what the fast path of sse-float.ts leaves to this helper. Operands are in SCRATCH (destination at 0, source at 16),
 * the result goes to SCRATCH + 32. Source: SDM vol. 1, 11.5 (exceptions), 4.8.3.5 (NaNs); AMD and Intel parts agree on all of it but the approximations.
 */
import { EXIT_DETAIL, EXIT_REASON, MXCSR, SCRATCH } from './cpu-layout.ts';
import { EXIT_SIMD } from './exits.ts';
import {
  C_FINITE, C_INF, C_QNAN, C_SNAN, C_ZERO, DOUBLE, F_DE, F_IE, F_ZE, RC_ZERO, SINGLE, addExact, bitLength, compareNumbers, divExact, finite, infinity, lastRounding,
  pack, roundTo, roundToInteger, sqrtExact, unpack, zero,
} from './soft-float.ts';
import type { Exact, Format, Unpacked } from './soft-float.ts';

export const OP_ADD = 0, OP_SUB = 1, OP_MUL = 2, OP_DIV = 3, OP_MIN = 4, OP_MAX = 5, OP_SQRT = 6, OP_CMP = 7, OP_ADDSUB = 8, OP_HADD = 9, OP_HSUB = 10, OP_DP = 11;
export const OP_ROUND = 12, OP_COMI = 13, OP_UCOMI = 14, OP_RCP = 15, OP_RSQRT = 16;
export const OP_CVT_I32_F = 17, OP_CVT_I64_F = 18, OP_CVT_F_I32 = 19, OP_CVT_F_I64 = 20, OP_CVTT_F_I32 = 21, OP_CVTT_F_I64 = 22, OP_CVT_F64_F32 = 23, OP_CVT_F32_F64 = 24;
/** Packed single, packed double, scalar single, scalar double: of the destination for conversions from integers and between floats, of the source for those to integers. */
export const FMT_PS = 0, FMT_PD = 1, FMT_SS = 2, FMT_SD = 3;

const DAZ = 0x40;
const FTZ = 0x8000;
/** Flags found before computing (IE, DE, ZE) and after (OE, UE, PE). */
let before = 0;
let after = 0;
/** Flags of the finished steps of a dot product. */
let posted = 0;
let mxcsr = 0;
let rc = 0;

/** The NaN that an invalid operation gives. */
function defaultNan(f: Format): bigint {
  return f === SINGLE ? 0xffc00000n : 0xfff8000000000000n;
}
function quiet(f: Format, bits: bigint): bigint {
  return bits | (f === SINGLE ? 0x400000n : 0x8000000000000n);
}
function take(f: Format, bits: bigint): Unpacked {
  const n = unpack(f, bits);
  return n.denormal && (mxcsr & DAZ) !== 0 ? zero(n.sign) : n;
}
function finish(f: Format, e: Exact): bigint {
  if (e.mant === 0n) return pack(f, zero(e.sign));
  const r = roundTo(f, e.sign, e.mant, e.exp, e.sticky, rc, (mxcsr & 0x800) !== 0, (mxcsr & FTZ) !== 0, (mxcsr & 0x400) !== 0);
  after |= lastRounding.flags;
  return pack(f, r);
}
function invalid(f: Format): bigint {
  before |= F_IE;
  return defaultNan(f);
}
/** The NaN result of two operands of which one is a NaN. */
function nanOf(f: Format, a: Unpacked, b: Unpacked, abits: bigint, bbits: bigint): bigint {
  if (a.kind === C_SNAN || b.kind === C_SNAN) before |= F_IE;
  return quiet(f, a.kind >= C_QNAN ? abits : bbits);
}
function noteDenormal(a: Unpacked, b: Unpacked): void {
  if (a.denormal || b.denormal) before |= F_DE;
}

function arithmetic(op: number, f: Format, abits: bigint, bbits: bigint): bigint {
  const a = take(f, abits);
  const b = take(f, bbits);
  if (a.kind >= C_QNAN || b.kind >= C_QNAN) return nanOf(f, a, b, abits, bbits);
  const sign = a.sign ^ b.sign;
  switch (op) {
    case OP_ADD:
    case OP_SUB: {
      const c: Unpacked = op === OP_SUB ? { ...b, sign: b.sign ^ 1 } : b;
      if (a.kind === C_INF || c.kind === C_INF) {
        if (a.kind === C_INF && c.kind === C_INF && a.sign !== c.sign) return invalid(f);
        noteDenormal(a, b);
        return pack(f, infinity(a.kind === C_INF ? a.sign : c.sign));
      }
      noteDenormal(a, b);
      return finish(f, addExact(a, c, rc));
    }
    case OP_MUL:
      if (a.kind === C_INF || b.kind === C_INF) {
        if (a.kind === C_ZERO || b.kind === C_ZERO) return invalid(f);
        noteDenormal(a, b);
        return pack(f, infinity(sign));
      }
      noteDenormal(a, b);
      return finish(f, { sign, mant: a.mant * b.mant, exp: a.exp + b.exp, sticky: false });
    default:
      if (a.kind === b.kind && (a.kind === C_INF || a.kind === C_ZERO)) return invalid(f);
      if (a.kind === C_INF || b.kind === C_INF) {
        noteDenormal(a, b);
        return pack(f, a.kind === C_INF ? infinity(sign) : zero(sign));
      }
      if (b.kind === C_ZERO) {
        before |= F_ZE;
        return pack(f, infinity(sign));
      }
      noteDenormal(a, b);
      if (a.kind === C_ZERO) return pack(f, zero(sign));
      return finish(f, divExact(a, b));
  }
}
function minMax(op: number, f: Format, abits: bigint, bbits: bigint): bigint {
  const a = take(f, abits);
  const b = take(f, bbits);
  // DAZ holds for the operand that is handed on, too.
  const second = b.kind === C_ZERO ? pack(f, b) : bbits;
  if (a.kind >= C_QNAN || b.kind >= C_QNAN) {
    before |= F_IE;
    return second;
  }
  noteDenormal(a, b);
  const c = compareNumbers(a, b);
  return (op === OP_MIN ? c < 0 : c === 1) ? (a.kind === C_ZERO ? pack(f, a) : abits) : second;
}
function squareRoot(f: Format, bits: bigint): bigint {
  const a = take(f, bits);
  if (a.kind >= C_QNAN) return nanOf(f, a, a, bits, bits);
  if (a.kind === C_ZERO) return pack(f, a);
  if (a.sign) return invalid(f);
  noteDenormal(a, a);
  return a.kind === C_INF ? bits : finish(f, sqrtExact(a));
}
/** All ones or zero. */
function comparePredicate(predicate: number, f: Format, abits: bigint, bbits: bigint): bigint {
  const a = take(f, abits);
  const b = take(f, bbits);
  const c = compareNumbers(a, b);
  const kind = predicate & 3;
  if (c === 2) {
    if (kind === 1 || kind === 2 || a.kind === C_SNAN || b.kind === C_SNAN) before |= F_IE;
  } else noteDenormal(a, b);
  const truth = kind === 0 ? c === 0 : kind === 1 ? c === -1 : kind === 2 ? c === -1 || c === 0 : c === 2;
  return truth !== predicate >= 4 ? (f === SINGLE ? 0xffffffffn : 0xffffffffffffffffn) : 0n;
}
function toInteger(f: Format, bits: bigint, width: number, mode: number): bigint {
  const a = take(f, bits);
  const indefinite = 1n << BigInt(width - 1);
  if (a.kind >= C_INF || (a.kind === C_FINITE && a.exp + bitLength(a.mant) > width + 1)) {
    before |= F_IE;
    return indefinite;
  }
  const m = roundToInteger(a, mode);
  if (m >= indefinite && !(a.sign && m === indefinite)) {
    before |= F_IE;
    return indefinite;
  }
  after |= lastRounding.flags;
  return BigInt.asUintN(width, a.sign ? -m : m);
}
function fromInteger(f: Format, n: bigint): bigint {
  return finish(f, { sign: n < 0n ? 1 : 0, mant: n < 0n ? -n : n, exp: 0, sticky: false });
}
function convert(from: Format, to: Format, bits: bigint): bigint {
  const a = take(from, bits);
  if (a.kind >= C_QNAN) {
    if (a.kind === C_SNAN) before |= F_IE;
    const fraction = from === SINGLE ? a.mant << 29n : a.mant >> 29n;
    return quiet(to, pack(to, { ...a, mant: fraction }));
  }
  if (a.kind === C_INF) return pack(to, a);
  noteDenormal(a, a);
  return finish(to, { sign: a.sign, mant: a.mant, exp: a.exp, sticky: false });
}
function roundIntegral(f: Format, bits: bigint, imm: number): bigint {
  const a = take(f, bits);
  if (a.kind >= C_QNAN) return nanOf(f, a, a, bits, bits);
  if (a.kind === C_INF) return bits;
  const m = roundToInteger(a, (imm & 4) !== 0 ? rc : imm & 3);
  const inexact = lastRounding.flags;
  if ((imm & 8) === 0) after |= inexact;
  if (m === 0n) return pack(f, zero(a.sign));
  return pack(f, roundTo(f, a.sign, m, 0, false, RC_ZERO));
}
/** Twelve significant bits of 1/x or 1/sqrt(x). Linux differs: each processor has its own table; this is the nearest value. */
function approximate(op: number, bits: bigint): bigint {
  const n = unpack(SINGLE, bits);
  const a = n.denormal ? zero(n.sign) : n;
  if (a.kind >= C_QNAN) return quiet(SINGLE, bits);
  if (a.kind === C_ZERO) return pack(SINGLE, infinity(a.sign));
  if (op === OP_RSQRT && a.sign) return defaultNan(SINGLE);
  if (a.kind === C_INF) return pack(SINGLE, zero(a.sign));
  const e = op === OP_RCP ? divExact(finite(a.sign, 1n, 0), { ...a, sign: 0 }) : sqrtExact(finite(0, (1n << 400n) / a.mant, -400 - a.exp));
  const r = roundTo({ precision: 12, emin: SINGLE.emin, emax: SINGLE.emax }, e.sign, e.mant, e.exp, e.sticky, 0, true, true);
  if (r.kind !== C_FINITE) return pack(SINGLE, r);
  return pack(SINGLE, finite(r.sign, r.mant << 12n, r.exp - 12));
}


/** The memory the helper works on. */
export interface HelperMemory {
  readonly buffer: ArrayBufferLike;
}

/** Makes `sseFloat(cpu, code)`. */
export function makeSseFloat(memory: HelperMemory): (cpu: number, code: number) => void {
  let view = new DataView(memory.buffer);
  return (cpu: number, code: number): void => {
    if (view.buffer !== memory.buffer) view = new DataView(memory.buffer);
    const A = cpu + SCRATCH;
    const B = A + 16;
    const R = A + 32;
    const op = code & 0xff;
    const fmt = (code >> 8) & 0xff;
    const imm = code >> 16;
    mxcsr = view.getInt32(cpu + MXCSR, true);
    rc = (mxcsr >> 13) & 3;
    posted = 0;
    before = 0;
    after = 0;
    const f = fmt === FMT_PS || fmt === FMT_SS ? SINGLE : DOUBLE;
    const size = f === SINGLE ? 4 : 8;
    const count = fmt === FMT_PS ? 4 : fmt === FMT_PD ? 2 : 1;
    const get = (at: number, k: number, width = size): bigint => (width === 4 ? BigInt(view.getUint32(at + k * 4, true)) : view.getBigUint64(at + k * 8, true));
    const put = (k: number, v: bigint, width = size): void => {
      if (width === 4) view.setUint32(R + k * 4, Number(v), true);
      else view.setBigUint64(R + k * 8, v, true);
    };
    const clear = (): void => {
      view.setBigUint64(R, 0n, true);
      view.setBigUint64(R + 8, 0n, true);
    };
    switch (op) {
      case OP_ADD: case OP_SUB: case OP_MUL: case OP_DIV:
        for (let k = 0; k < count; k++) put(k, arithmetic(op, f, get(A, k), get(B, k)));
        break;
      case OP_MIN: case OP_MAX:
        for (let k = 0; k < count; k++) put(k, minMax(op, f, get(A, k), get(B, k)));
        break;
      case OP_SQRT:
        for (let k = 0; k < count; k++) put(k, squareRoot(f, get(B, k)));
        break;
      case OP_CMP:
        for (let k = 0; k < count; k++) put(k, comparePredicate(imm, f, get(A, k), get(B, k)));
        break;
      case OP_ADDSUB:
        for (let k = 0; k < count; k++) put(k, arithmetic(k & 1 ? OP_ADD : OP_SUB, f, get(A, k), get(B, k)));
        break;
      case OP_HADD: case OP_HSUB: {
        const o = op === OP_HADD ? OP_ADD : OP_SUB;
        const half = count / 2;
        const r: bigint[] = [];
        for (let k = 0; k < count; k++) {
          const from = k < half ? A : B;
          const at = (k < half ? k : k - half) * 2;
          r.push(arithmetic(o, f, get(from, at), get(from, at + 1)));
        }
        r.forEach((v, k) => put(k, v));
        break;
      }
      case OP_DP: {
        const p: bigint[] = [];
        for (let k = 0; k < count; k++) p.push((imm >> (4 + k)) & 1 ? arithmetic(OP_MUL, f, get(A, k), get(B, k)) : 0n);
        let sum: bigint;
        if (raises()) break;
        nextStep();
        if (count === 2) sum = arithmetic(OP_ADD, f, p[0]!, p[1]!);
        else {
          const s0 = arithmetic(OP_ADD, f, p[0]!, p[1]!);
          const s1 = arithmetic(OP_ADD, f, p[2]!, p[3]!);
          if (raises()) break;
          nextStep();
          sum = arithmetic(OP_ADD, f, s0, s1);
        }
        for (let k = 0; k < count; k++) put(k, (imm >> k) & 1 ? sum : 0n);
        break;
      }
      case OP_ROUND:
        for (let k = 0; k < count; k++) put(k, roundIntegral(f, get(B, k), imm));
        break;
      case OP_COMI: case OP_UCOMI: {
        const a = take(f, get(A, 0));
        const b = take(f, get(B, 0));
        const c = compareNumbers(a, b);
        if (c === 2) {
          if (op === OP_COMI || a.kind === C_SNAN || b.kind === C_SNAN) before |= F_IE;
        } else noteDenormal(a, b);
        view.setInt32(R, c === 1 ? 0 : c === -1 ? 1 : c === 0 ? 0x40 : 0x45, true);
        break;
      }
      case OP_RCP: case OP_RSQRT:
        for (let k = 0; k < count; k++) put(k, approximate(op, get(B, k)));
        return;
      case OP_CVT_I32_F:
        for (let k = 0; k < count; k++) put(k, fromInteger(f, BigInt.asIntN(32, get(B, k, 4))));
        break;
      case OP_CVT_I64_F:
        put(0, fromInteger(f, BigInt.asIntN(64, get(B, 0, 8))));
        break;
      case OP_CVT_F_I32: case OP_CVTT_F_I32:
        if (count > 1) clear();
        for (let k = 0; k < count; k++) put(k, toInteger(f, get(B, k), 32, op === OP_CVT_F_I32 ? rc : RC_ZERO), 4);
        break;
      case OP_CVT_F_I64: case OP_CVTT_F_I64:
        put(0, toInteger(f, get(B, 0), 64, op === OP_CVT_F_I64 ? rc : RC_ZERO), 8);
        break;
      case OP_CVT_F64_F32: {
        const lanes = fmt === FMT_PS ? 2 : 1;
        clear();
        for (let k = 0; k < lanes; k++) put(k, convert(DOUBLE, SINGLE, get(B, k, 8)), 4);
        break;
      }
      case OP_CVT_F32_F64:
        for (let k = 0; k < count; k++) put(k, convert(SINGLE, DOUBLE, get(B, k, 4)), 8);
        break;
      default:
        throw new Error(`sseFloat operation ${op}`);
    }
    const unmasked = ~(mxcsr >> 7) & 63;
    const flags = posted | ((before & unmasked) !== 0 ? before : before | after);
    view.setInt32(cpu + MXCSR, mxcsr | flags, true);
    if ((flags & unmasked) !== 0) {
      view.setInt32(cpu + EXIT_REASON, EXIT_SIMD, true);
      view.setInt32(cpu + EXIT_DETAIL, flags & unmasked, true);
    }
  };
}
function nextStep(): void {
  posted |= before | after;
  before = 0;
  after = 0;
}
/** An unmasked exception stands: a multi-step instruction goes no further. */
function raises(): boolean {
  return ((before | after) & ~(mxcsr >> 7) & 63) !== 0;
}
