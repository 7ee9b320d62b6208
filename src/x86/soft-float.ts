/**
 * Exact binary floating point on big integers: unpacked numbers, arithmetic without rounding error, one rounding step. The slow paths of SSE and x87
 * stand on it; speed is not its business. Source: IEEE 754-2008; Intel SDM vol. 1, chapters 4, 8 and 11.
 */
export const C_ZERO = 0, C_FINITE = 1, C_INF = 2, C_QNAN = 3, C_SNAN = 4;

/** A number: sign, and for C_FINITE mant * 2^exp with mant > 0; for NaNs `mant` is the significand with its quiet bit, `width` bits wide. */
export interface Unpacked {
  readonly kind: number;
  readonly sign: number;
  readonly mant: bigint;
  readonly exp: number;
  readonly denormal: boolean;
}

/** Exception flags at their positions in MXCSR and in the x87 status word. */
export const F_IE = 1, F_DE = 2, F_ZE = 4, F_OE = 8, F_UE = 16, F_PE = 32;
/** Rounding control. */
export const RC_NEAREST = 0, RC_DOWN = 1, RC_UP = 2, RC_ZERO = 3;

/** A format: significand bits with the leading one, smallest and largest exponent of a normal number. */
export interface Format {
  readonly precision: number;
  readonly emin: number;
  readonly emax: number;
}
export const SINGLE: Format = { precision: 24, emin: -126, emax: 127 };
export const DOUBLE: Format = { precision: 53, emin: -1022, emax: 1023 };
export const EXTENDED: Format = { precision: 64, emin: -16382, emax: 16383 };

export function bitLength(n: bigint): number {
  if (n === 0n) return 0;
  const hex = n.toString(16);
  return hex.length * 4 - Math.clz32(parseInt(hex[0]!, 16)) + 28;
}

export function finite(sign: number, mant: bigint, exp: number, denormal = false): Unpacked {
  return { kind: mant === 0n ? C_ZERO : C_FINITE, sign, mant, exp, denormal };
}
export function zero(sign: number): Unpacked {
  return { kind: C_ZERO, sign, mant: 0n, exp: 0, denormal: false };
}
export function infinity(sign: number): Unpacked {
  return { kind: C_INF, sign, mant: 0n, exp: 0, denormal: false };
}

/** Unpacks an interchange format (`f` is SINGLE or DOUBLE) from its bits. */
export function unpack(f: Format, bits: bigint): Unpacked {
  const p = f.precision;
  const width = p === 24 ? 32 : 64;
  const sign = Number((bits >> BigInt(width - 1)) & 1n);
  const fraction = bits & ((1n << BigInt(p - 1)) - 1n);
  const biased = Number((bits >> BigInt(p - 1)) & BigInt(f.emax * 2 + 1));
  if (biased === f.emax * 2 + 1) {
    if (fraction === 0n) return infinity(sign);
    return { kind: fraction >> BigInt(p - 2) ? C_QNAN : C_SNAN, sign, mant: fraction, exp: 0, denormal: false };
  }
  if (biased === 0) return finite(sign, fraction, f.emin - p + 1, fraction !== 0n);
  return finite(sign, fraction | (1n << BigInt(p - 1)), biased - f.emax - p + 1);
}

/** What a rounding did: read after `roundTo`. */
export interface Rounding {
  /** Flags raised. */
  flags: number;
  /** The magnitude was rounded up. */
  up: boolean;
}
export const lastRounding: Rounding = { flags: 0, up: false };

let roundedUp = false;
let roundedInexact = false;
/** mant / 2^shift rounded to an integer; `sticky`: the exact value is a little larger in magnitude. */
function shiftRounded(mant: bigint, shift: number, sticky: boolean, rc: number, sign: number): bigint {
  roundedUp = false;
  if (shift <= 0) {
    roundedInexact = sticky;
    if (sticky && ((rc === RC_UP && sign === 0) || (rc === RC_DOWN && sign === 1))) {
      roundedUp = true;
      return (mant << BigInt(-shift)) + 1n;
    }
    return mant << BigInt(-shift);
  }
  const s = BigInt(shift);
  const q = mant >> s;
  const rest = mant - (q << s);
  roundedInexact = sticky || rest !== 0n;
  if (!roundedInexact) return q;
  if (rc === RC_NEAREST) {
    const half = 1n << (s - 1n);
    roundedUp = rest > half || (rest === half && (sticky || (q & 1n) === 1n));
  } else roundedUp = (rc === RC_UP && sign === 0) || (rc === RC_DOWN && sign === 1);
  return roundedUp ? q + 1n : q;
}

/** A rounded number: `mant * 2^exp`, `mant` below 2^precision; kind C_ZERO, C_FINITE or C_INF. `denormal`: below the smallest normal number. */
export function roundTo(f: Format, sign: number, mant: bigint, exp: number, sticky: boolean, rc: number, underflowMasked = true, flushToZero = false, overflowMasked = true): Unpacked {
  const p = f.precision;
  const bits = bitLength(mant);
  let ulp = exp + bits - p;
  let m = shiftRounded(mant, bits - p, sticky, rc, sign);
  let top = exp + bits - 1;
  if (m >> BigInt(p)) {
    m >>= 1n;
    ulp++;
    top++;
  }
  let flags = roundedInexact ? F_PE : 0;
  if (top < f.emin) {
    // Tiny after rounding.
    if (flushToZero && underflowMasked) {
      lastRounding.flags = F_UE | F_PE;
      lastRounding.up = false;
      return zero(sign);
    }
    ulp = f.emin - p + 1;
    m = shiftRounded(mant, ulp - exp, sticky, rc, sign);
    // Unmasked, underflow is reported for any tiny result, and inexactness is that of the unbounded one.
    flags = underflowMasked ? (roundedInexact ? F_PE | F_UE : 0) : flags | F_UE;
    lastRounding.flags = flags;
    lastRounding.up = roundedUp;
    if (m === 0n) return zero(sign);
    return finite(sign, m, ulp, m >> BigInt(p - 1) === 0n);
  }
  lastRounding.up = roundedUp;
  if (top > f.emax) {
    lastRounding.flags = overflowMasked ? F_OE | F_PE : flags | F_OE;
    const away = rc === RC_NEAREST || (rc === RC_UP && sign === 0) || (rc === RC_DOWN && sign === 1);
    lastRounding.up = away;
    if (away) return infinity(sign);
    return finite(sign, (1n << BigInt(p)) - 1n, f.emax - p + 1);
  }
  lastRounding.flags = flags;
  return finite(sign, m, ulp);
}

/** Bits of a rounded number in an interchange format. */
export function pack(f: Format, n: Unpacked): bigint {
  const p = f.precision;
  const signBit = BigInt(n.sign) << (p === 24 ? 31n : 63n);
  const special = BigInt(f.emax * 2 + 1) << BigInt(p - 1);
  switch (n.kind) {
    case C_ZERO:
      return signBit;
    case C_INF:
      return signBit | special;
    case C_FINITE: {
      const hidden = 1n << BigInt(p - 1);
      if (n.mant < hidden) return signBit | n.mant;
      return signBit | (BigInt(n.exp + p - 1 + f.emax) << BigInt(p - 1)) | (n.mant - hidden);
    }
    default:
      return signBit | special | n.mant;
  }
}

/** An exact sum, product, quotient or root: mant * 2^exp, and a little more if sticky. mant 0 = exact zero. */
export interface Exact {
  sign: number;
  mant: bigint;
  exp: number;
  sticky: boolean;
}
/** Sum of two finite numbers (or zeros); an exact zero gets the sign that `rc` wants. */
export function addExact(a: Unpacked, b: Unpacked, rc: number): Exact {
  if (a.kind === C_ZERO && b.kind === C_ZERO) return { sign: a.sign === b.sign ? a.sign : rc === RC_DOWN ? 1 : 0, mant: 0n, exp: 0, sticky: false };
  if (a.kind === C_ZERO) return { sign: b.sign, mant: b.mant, exp: b.exp, sticky: false };
  if (b.kind === C_ZERO) return { sign: a.sign, mant: a.mant, exp: a.exp, sticky: false };
  let am = a.mant;
  let bm = b.mant;
  let ae = a.exp;
  let be = b.exp;
  // A number far below the other only breaks ties: bring it near.
  if (ae - be > 300) {
    bm = 1n;
    be = ae - 200;
  } else if (be - ae > 300) {
    am = 1n;
    ae = be - 200;
  }
  const exp = Math.min(ae, be);
  const sum = (a.sign ? -am : am) * (1n << BigInt(ae - exp)) + (b.sign ? -bm : bm) * (1n << BigInt(be - exp));
  if (sum === 0n) return { sign: rc === RC_DOWN ? 1 : 0, mant: 0n, exp: 0, sticky: false };
  return { sign: sum < 0n ? 1 : 0, mant: sum < 0n ? -sum : sum, exp, sticky: false };
}
/** Quotient of two finite numbers, neither zero, to at least 70 bits. */
export function divExact(a: Unpacked, b: Unpacked): Exact {
  const shift = Math.max(0, bitLength(b.mant) - bitLength(a.mant) + 70);
  const n = a.mant << BigInt(shift);
  const q = n / b.mant;
  return { sign: a.sign ^ b.sign, mant: q, exp: a.exp - b.exp - shift, sticky: q * b.mant !== n };
}
export function sqrtBig(n: bigint): bigint {
  if (n < 2n) return n;
  let x = 1n << BigInt((bitLength(n) + 1) >> 1);
  for (;;) {
    const y = (x + n / x) >> 1n;
    if (y >= x) return x;
    x = y;
  }
}
/** Square root of a positive finite number, to at least 70 bits. */
export function sqrtExact(a: Unpacked): Exact {
  let shift = Math.max(0, 142 - bitLength(a.mant));
  if ((a.exp - shift) & 1) shift++;
  const n = a.mant << BigInt(shift);
  const r = sqrtBig(n);
  return { sign: 0, mant: r, exp: (a.exp - shift) / 2, sticky: r * r !== n };
}
/** -1, 0, 1 as a is below, equal to, above b; 2 if one is a NaN. */
export function compareNumbers(a: Unpacked, b: Unpacked): number {
  if (a.kind >= C_QNAN || b.kind >= C_QNAN) return 2;
  if (a.kind === C_ZERO && b.kind === C_ZERO) return 0;
  if (a.kind === C_ZERO) return b.sign ? 1 : -1;
  if (b.kind === C_ZERO || a.sign !== b.sign) return a.sign ? -1 : 1;
  const flip = a.sign ? -1 : 1;
  if (a.kind === C_INF || b.kind === C_INF) return a.kind === b.kind ? 0 : a.kind === C_INF ? flip : -flip;
  const ta = a.exp + bitLength(a.mant);
  const tb = b.exp + bitLength(b.mant);
  if (ta !== tb) return ta > tb ? flip : -flip;
  const exp = Math.min(a.exp, b.exp);
  const x = a.mant << BigInt(a.exp - exp);
  const y = b.mant << BigInt(b.exp - exp);
  return x === y ? 0 : x > y ? flip : -flip;
}
/** A number rounded to an integer: magnitude; flags and direction in lastRounding. */
export function roundToInteger(a: Unpacked, rc: number): bigint {
  if (a.kind === C_ZERO) {
    lastRounding.flags = 0;
    lastRounding.up = false;
    return 0n;
  }
  let n = a;
  // Far below one: only its sign and that it is not zero matter.
  if (a.exp < -300 && a.exp + bitLength(a.mant) < -2) n = finite(a.sign, 1n, -4);
  const m = n.exp >= 0 ? n.mant << BigInt(n.exp) : shiftRounded(n.mant, -n.exp, false, rc, n.sign);
  lastRounding.flags = n.exp < 0 && roundedInexact ? F_PE : 0;
  lastRounding.up = n.exp < 0 && roundedUp;
  return m;
}
