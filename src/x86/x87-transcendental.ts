/**
 * x87 transcendental functions on fixed-point big integers, to far more bits than are kept, and rounded once.
 * Source: SDM vol. 1, 8.3.7 and vol. 2 (special cases). The reduction of FSIN and its kin uses a 66-bit pi, as the processors do (SDM vol. 1, 8.3.8).
 */
import { C_FINITE, C_INF, C_QNAN, C_ZERO, F_DE, F_IE, F_PE, F_UE, F_ZE, addExact, bitLength, compareNumbers, finite, infinity, sqrtBig } from './soft-float.ts';
import type { Unpacked } from './soft-float.ts';
import { INDEFINITE, SW_C2, packRaw, unpackRaw } from './x87-state.ts';
import type { Raw, X87 } from './x87-state.ts';

const X_F2XM1 = 31, X_FYL2X = 32, X_FPTAN = 33, X_FPATAN = 34, X_FYL2XP1 = 35, X_FSINCOS = 36, X_FSIN = 37, X_FCOS = 38;

/** Fraction bits of the fixed-point numbers when nothing is tiny. */
const P = 320;
/** pi rounded to 66 bits: 2^-64 is its last place. */
const PI_66 = 0x3243f6a8885a308d3n;
let pi: bigint | null = null;
let ln2: bigint | null = null;
/** Fraction bits of the two constants. */
const CONSTANT_BITS = 1400;

/** atan(1/n), `bits` fraction bits. */
function atanInverse(n: bigint, bits: number): bigint {
  let power = (1n << BigInt(bits)) / n;
  const square = n * n;
  let sum = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += (k & 2n) === 0n ? power / k : -(power / k);
    power /= square;
  }
  return sum;
}
function piBits(bits: number): bigint {
  pi ??= 4n * (4n * atanInverse(5n, CONSTANT_BITS + 32) - atanInverse(239n, CONSTANT_BITS + 32)) >> 32n;
  return pi >> BigInt(CONSTANT_BITS - bits);
}
/** 2 atanh(z) = ln((1+z)/(1-z)), z and result with `bits` fraction bits. */
function twiceAtanh(z: bigint, bits: number): bigint {
  const b = BigInt(bits);
  const square = (z * z) >> b;
  let power = z;
  let sum = 0n;
  for (let k = 1n; power !== 0n && power !== -1n; k += 2n) {
    sum += power / k;
    power = (power * square) >> b;
  }
  return sum * 2n;
}
function ln2Bits(bits: number): bigint {
  ln2 ??= twiceAtanh((1n << BigInt(CONSTANT_BITS)) / 3n, CONSTANT_BITS);
  return ln2 >> BigInt(CONSTANT_BITS - bits);
}
function shift(n: bigint, by: number): bigint {
  return by >= 0 ? n << BigInt(by) : n >> BigInt(-by);
}
/** Fixed-point value of a number. */
function fixed(a: Unpacked, bits: number): bigint {
  const v = shift(a.mant, a.exp + bits);
  return a.sign ? -v : v;
}
/** log2 of the magnitude, rounded down. */
function magnitude(a: Unpacked): number {
  return a.exp + bitLength(a.mant) - 1;
}
/** Fraction bits that keep relative precision for a number of this magnitude. */
function bitsFor(m: number): number {
  return P + Math.max(0, -m);
}

/** e^y - 1. */
function expm1(y: bigint, bits: number): bigint {
  const b = BigInt(bits);
  let term = y;
  let sum = 0n;
  for (let k = 2n; term !== 0n && term !== -1n; k++) {
    sum += term;
    term = ((term * y) >> b) / k;
  }
  return sum;
}
function sine(y: bigint, bits: number): bigint {
  const b = BigInt(bits);
  const square = (y * y) >> b;
  let term = y;
  let sum = 0n;
  for (let k = 2n; term !== 0n && term !== -1n; k += 2n) {
    sum += term;
    term = -((term * square) >> b) / (k * (k + 1n));
  }
  return sum;
}
function cosine(y: bigint, bits: number): bigint {
  const b = BigInt(bits);
  const square = (y * y) >> b;
  let term = 1n << b;
  let sum = 0n;
  for (let k = 1n; term !== 0n && term !== -1n; k += 2n) {
    sum += term;
    term = -((term * square) >> b) / (k * (k + 1n));
  }
  return sum;
}
/** atan of a value between 0 and 1. */
function arctangent(t: bigint, bits: number): bigint {
  const b = BigInt(bits);
  const one = 1n << b;
  let z = t;
  let doubled = 0n;
  // Halve the angle until the series is quick.
  while (z > one >> 4n) {
    z = (z << b) / (one + sqrtBig((one << b) + z * z));
    doubled++;
  }
  const square = (z * z) >> b;
  let power = z;
  let sum = 0n;
  for (let k = 1n; power !== 0n; k += 2n) {
    sum += (k & 2n) === 0n ? power / k : -(power / k);
    power = (power * square) >> b;
  }
  return sum << doubled;
}

type NanResult = (x: X87, a: Raw, b: Raw, ua: Unpacked, ub: Unpacked) => Raw;
type Invalid = (x: X87) => Raw;

/** A fixed-point result, never exact. */
function inexact(x: X87, v: bigint, bits: number): Raw {
  const sign = v < 0n ? 1 : 0;
  const r = x.round(sign, sign ? -v : v, -bits, true, 64);
  x.flags |= F_PE;
  return r;
}
/** a, a hair nearer to zero or farther. */
function beside(x: X87, a: Unpacked, farther: boolean): Raw {
  const m = (a.mant << 70n) + (farther ? 1n : -1n);
  const r = x.round(a.sign, m, a.exp - 70, false, 64);
  x.flags |= F_PE;
  return r;
}

/** Executes one of the eight; the caller has checked that the operands are there. */
export function transcendental(x: X87, op: number, nanResult: NanResult, invalid: Invalid): void {
  x.setC1(false);
  if (op === X_F2XM1) return f2xm1(x, nanResult);
  if (op === X_FYL2X || op === X_FYL2XP1) return log(x, op === X_FYL2XP1, nanResult, invalid);
  if (op === X_FPATAN) return fpatan(x, nanResult);
  trigonometric(x, op, nanResult, invalid);
}

function f2xm1(x: X87, nanResult: NanResult): void {
  const r = x.get(0);
  const a = unpackRaw(r);
  let out: Raw = r;
  if (a.kind >= C_QNAN) out = nanResult(x, r, r, a, a);
  else if (a.kind === C_INF) out = a.sign ? packRaw(finite(1, 1n, 0)) : r;
  else if (a.kind === C_FINITE) {
    if (a.denormal) x.flags |= F_DE;
    if (x.unmasked(x.flags)) return;
    const m = magnitude(a);
    if (m < -400) {
      const l = ln2Bits(P);
      out = x.round(a.sign, a.mant * l, a.exp - P, true, 64);
      x.flags |= F_PE;
    } else if (m >= 1) {
      // Outside the defined range the processors give the operand back.
      out = r;
      x.flags |= F_PE;
    } else if (m === 0) {
      // So they do from 1 on, except at -1 itself.
      x.flags |= F_PE;
      out = a.sign && a.mant === 1n << BigInt(-a.exp) ? packRaw(finite(1, 1n, -1)) : r;
    } else {
      const bits = bitsFor(m);
      out = inexact(x, expm1((fixed(a, bits) * ln2Bits(bits)) >> BigInt(bits), bits), bits);
    }
  }
  if (!x.unmasked(x.flags & (F_IE | F_DE))) x.set(0, out);
}

/** ST(1) * log2(ST(0)), or log2(ST(0) + 1). */
function log(x: X87, plusOne: boolean, nanResult: NanResult, invalid: Invalid): void {
  const ra = x.get(0);
  const ry = x.get(1);
  const a = unpackRaw(ra);
  const y = unpackRaw(ry);
  let out: Raw;
  const one = finite(0, 1n, 0);
  if (a.kind >= C_QNAN || y.kind >= C_QNAN) out = nanResult(x, ra, ry, a, y);
  else if (!plusOne && a.sign === 1 && a.kind !== C_ZERO) out = invalid(x);
  else if (plusOne && a.kind === C_INF && a.sign === 1) out = invalid(x);
  else {
    // Sign and kind of the logarithm.
    const c = plusOne ? (a.kind === C_ZERO ? 0 : a.sign ? -1 : 1) : compareNumbers(a, one);
    const infinite = a.kind === C_INF || (!plusOne && a.kind === C_ZERO);
    if (c === 0) {
      if (y.kind === C_INF) out = invalid(x);
      else {
        if (a.denormal || y.denormal) x.flags |= F_DE;
        out = { sig: 0n, se: (y.sign ^ (plusOne ? a.sign : 0)) << 15 };
      }
    } else if (infinite) {
      if (y.kind === C_ZERO) out = invalid(x);
      else {
        if (a.kind === C_ZERO && y.kind === C_FINITE) x.flags |= F_ZE;
        else if (y.denormal) x.flags |= F_DE;
        out = packRaw(infinity(y.sign ^ (c < 0 ? 1 : 0)));
      }
    } else {
      if (a.denormal || y.denormal) x.flags |= F_DE;
      if (y.kind === C_INF) out = packRaw(infinity(y.sign ^ (c < 0 ? 1 : 0)));
      else if (y.kind === C_ZERO) out = { sig: 0n, se: (y.sign ^ (c < 0 ? 1 : 0)) << 15 };
      else if (x.unmasked(x.flags)) return;
      else out = logFinite(x, a, y, plusOne);
    }
  }
  if (x.unmasked(x.flags & (F_IE | F_DE | F_ZE))) return;
  x.set(1, out);
  x.pop();
}
function logFinite(x: X87, a: Unpacked, y: Unpacked, plusOne: boolean): Raw {
  let bits: number;
  let value: bigint;
  if (plusOne) {
    const m = magnitude(a);
    if (m < -200) {
      // log2(1 + a) = a / ln 2, a hair less.
      bits = P;
      const r = x.round(a.sign ^ y.sign, (a.mant * y.mant << BigInt(2 * P)) / ln2Bits(P), a.exp + y.exp - P, true, 64);
      x.flags |= F_PE;
      return r;
    }
    if (m >= -1) {
      // Outside the defined range: the logarithm of the sum.
      const sum = addExact(a, finite(0, 1n, 0), 0);
      if (sum.sign || sum.mant === 0n) {
        // Below -1 the processors give the operand back.
        x.flags |= F_PE;
        return packRaw(a);
      }
      x.flags |= F_PE;
      const r = logFinite(x, finite(0, sum.mant, sum.exp), y, false);
      if ((r.se & 0x7fff) === 0) x.flags |= F_UE;
      return r;
    }
    bits = bitsFor(m) + 64;
    const v = fixed(a, bits);
    value = (twiceAtanh((v << BigInt(bits)) / ((2n << BigInt(bits)) + v), bits) << BigInt(bits)) / ln2Bits(bits);
  } else {
    bits = P + 128;
    let k = magnitude(a);
    let m = shift(a.mant, bits - (a.exp + bitLength(a.mant) - 1) + a.exp);
    if (m > (3n << BigInt(bits)) / 2n) {
      m >>= 1n;
      k++;
    }
    const oneFixed = 1n << BigInt(bits);
    if (m === oneFixed) {
      // A power of two: exact.
      return x.round(y.sign ^ (k < 0 ? 1 : 0), y.mant * BigInt(Math.abs(k)), y.exp, false, 64);
    }
    value = (BigInt(k) << BigInt(bits)) + (twiceAtanh(((m - oneFixed) << BigInt(bits)) / (m + oneFixed), bits) << BigInt(bits)) / ln2Bits(bits);
  }
  const sign = y.sign ^ (value < 0n ? 1 : 0);
  const r = x.round(sign, (value < 0n ? -value : value) * y.mant, y.exp - bits, true, 64);
  x.flags |= F_PE;
  return r;
}

/** atan2(ST(1), ST(0)). */
function fpatan(x: X87, nanResult: NanResult): void {
  const rx = x.get(0);
  const ry = x.get(1);
  const a = unpackRaw(rx);
  const y = unpackRaw(ry);
  let out: Raw;
  const piTimes = (num: bigint, den: bigint): Raw => {
    const v = (piBits(P) * num) / den;
    return inexact(x, y.sign ? -v : v, P);
  };
  if (a.kind >= C_QNAN || y.kind >= C_QNAN) out = nanResult(x, rx, ry, a, y);
  else {
    if (a.denormal || y.denormal) x.flags |= F_DE;
    if (x.unmasked(x.flags)) return;
    if (y.kind === C_INF) out = a.kind === C_INF ? (a.sign ? piTimes(3n, 4n) : piTimes(1n, 4n)) : piTimes(1n, 2n);
    else if (a.kind === C_INF) out = a.sign ? piTimes(1n, 1n) : { sig: 0n, se: y.sign << 15 };
    else if (y.kind === C_ZERO) out = a.sign ? piTimes(1n, 1n) : { sig: 0n, se: y.sign << 15 };
    else if (a.kind === C_ZERO) out = piTimes(1n, 2n);
    else out = arctangent2(x, y, a);
  }
  if (x.unmasked(x.flags & (F_IE | F_DE))) return;
  x.set(1, out);
  x.pop();
}
function arctangent2(x: X87, y: Unpacked, a: Unpacked): Raw {
  const d = magnitude(y) - magnitude(a);
  if (d < -300 && a.sign === 0) {
    // y / x, a hair less.
    const n = y.mant << 200n;
    const q = n / a.mant;
    const r = x.round(y.sign, (q << 8n) - 1n, y.exp - a.exp - 208, false, 64);
    x.flags |= F_PE;
    return r;
  }
  const bits = P + Math.max(0, Math.min(Math.abs(d), 340));
  const ratio = (n: Unpacked, m: Unpacked): bigint => {
    const e = n.exp - m.exp + bits;
    return e >= 0 ? (n.mant << BigInt(e)) / m.mant : n.mant / (m.mant << BigInt(-e));
  };
  const steep = compareNumbers({ ...y, sign: 0 }, { ...a, sign: 0 }) > 0;
  let v = Math.abs(d) > 330 ? 1n : arctangent(steep ? ratio(a, y) : ratio(y, a), bits);
  if (steep) v = a.sign ? piBits(bits) / 2n + v : piBits(bits) / 2n - v;
  else if (a.sign) v = piBits(bits) - v;
  return inexact(x, y.sign ? -v : v, bits);
}

function trigonometric(x: X87, op: number, nanResult: NanResult, invalid: Invalid): void {
  const r = x.get(0);
  const a = unpackRaw(r);
  const pushes = op === X_FPTAN || op === X_FSINCOS;
  x.sw &= ~SW_C2;
  if (pushes && !x.isEmpty(7)) {
    stackOverflow(x);
    return;
  }
  let first: Raw;
  let second: Raw | null = null;
  if (a.kind >= C_QNAN) first = second = nanResult(x, r, r, a, a);
  else if (a.kind === C_INF) first = second = invalid(x);
  else if (a.kind === C_ZERO) {
    const one = packRaw(finite(0, 1n, 0));
    first = op === X_FCOS ? one : r;
    second = one;
  } else {
    const m = magnitude(a);
    if (m >= 63) {
      x.sw |= SW_C2;
      return;
    }
    if (a.denormal) x.flags |= F_DE;
    if (x.unmasked(x.flags)) return;
    if (m < -100) {
      const nearOne = finite(0, 1n, 0);
      if (op === X_FCOS) first = beside(x, nearOne, false);
      else if (op === X_FPTAN) {
        first = beside(x, a, true);
        second = packRaw(nearOne);
      } else {
        first = beside(x, a, false);
        second = op === X_FSINCOS ? keep(x, () => beside(x, nearOne, false)) : null;
      }
    } else {
      const bits = P + 64 + Math.max(0, -m) + 64;
      const b = BigInt(bits);
      const v = fixed({ ...a, sign: 0 }, bits);
      const half = shift(PI_66, bits - 65);
      let q = v / half;
      let rest = v - q * half;
      if (rest > half >> 1n) {
        rest -= half;
        q++;
      }
      const s = sine(rest, bits);
      const c = cosine(rest, bits);
      const quadrant = Number(q & 3n);
      let sinValue = quadrant === 0 ? s : quadrant === 1 ? c : quadrant === 2 ? -s : -c;
      const cosValue = quadrant === 0 ? c : quadrant === 1 ? -s : quadrant === 2 ? -c : s;
      if (a.sign) sinValue = -sinValue;
      if (op === X_FSIN) first = inexact(x, sinValue, bits);
      else if (op === X_FCOS) first = inexact(x, cosValue, bits);
      else if (op === X_FSINCOS) {
        first = inexact(x, sinValue, bits);
        second = inexact(x, cosValue, bits);
      } else {
        first = inexact(x, (sinValue << b) / cosValue, bits);
        second = packRaw(finite(0, 1n, 0));
      }
    }
  }
  if (x.unmasked(x.flags & (F_IE | F_DE))) return;
  if (pushes) {
    x.set(0, first);
    const c1 = x.sw & 0x200;
    x.push(second ?? first);
    x.setC1(c1 !== 0);
  } else x.set(0, first);
}
function keep(x: X87, f: () => Raw): Raw {
  const c1 = x.sw & 0x200;
  const r = f();
  x.setC1(c1 !== 0);
  return r;
}
function stackOverflow(x: X87): void {
  x.flags |= F_IE | 0x40;
  x.setC1(true);
  if (x.unmasked(F_IE)) return;
  x.set(0, INDEFINITE);
  x.top = (x.top - 1) & 7;
  x.set(0, INDEFINITE);
}
