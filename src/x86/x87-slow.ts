/**
 * Every x87 instruction that computes, exactly: the helper `x87(cpu, code)`. The fast paths of platform/x87-runtime.ts fall back on it.
 * code = operation | operand << 8 | source kind << 12 | pop count << 16 | destination << 20; a memory operand's bytes are in SCRATCH.
 * The result is 1 if a value was left in SCRATCH + 32 to be stored. Source: SDM vol. 1, chapter 8; vol. 2.
 */
import {
  C_FINITE, C_INF, C_QNAN, C_SNAN, C_ZERO, DOUBLE, F_DE, F_IE, F_OE, F_PE, F_UE, F_ZE, RC_ZERO, SINGLE, addExact, bitLength, compareNumbers, divExact, finite, infinity, lastRounding, pack,
  roundTo, roundToInteger, sqrtExact, unpack,
} from './soft-float.ts';
import type { Format, Unpacked } from './soft-float.ts';
import type { HelperMemory } from './sse-slow.ts';
import { BIT63, C_UNSUPPORTED, INDEFINITE, SW_C1, SW_C2, X87, packRaw, unpackRaw } from './x87-state.ts';
import type { Raw } from './x87-state.ts';
import { transcendental } from './x87-transcendental.ts';

// Operations. The first eight in the order of the opcode's reg field.
export const X_ADD = 0, X_MUL = 1, X_COM = 2, X_COMP = 3, X_SUB = 4, X_SUBR = 5, X_DIV = 6, X_DIVR = 7;
export const X_LOAD = 8, X_STORE = 9, X_UCOM = 10, X_COMI = 11, X_UCOMI = 12, X_XCH = 13, X_FREE = 14, X_CONSTANT = 15, X_CHS = 16, X_ABS = 17, X_TST = 18, X_XAM = 19;
export const X_INCSTP = 20, X_DECSTP = 21, X_SQRT = 22, X_RNDINT = 23, X_SCALE = 24, X_XTRACT = 25, X_PREM = 26, X_PREM1 = 27, X_CMOV = 28, X_WAIT = 29, X_STORE_TRUNCATED = 30;
export const X_F2XM1 = 31, X_FYL2X = 32, X_FPTAN = 33, X_FPATAN = 34, X_FYL2XP1 = 35, X_FSINCOS = 36, X_FSIN = 37, X_FCOS = 38, X_NOP = 39, X_STORE_UNCHECKED = 40;
/** Source or destination kinds: register, and what is in memory. */
export const K_ST = 0, K_M32 = 1, K_M64 = 2, K_I16 = 3, K_I32 = 4, K_I64 = 5, K_M80 = 6, K_BCD = 7;

export function x87Code(op: number, operand = 0, kind: number = K_ST, pops = 0, dest = 0): number {
  return op | (operand << 8) | (kind << 12) | (pops << 16) | (dest << 20);
}

/** Name of the fast function for arithmetic with a register, (cpu, code, destination, other register, pops), or with memory of a kind, (cpu, code, its bytes). */
export function x87ArithmeticName(op: number, kind: number): string {
  return `x87Arithmetic${op}Of${kind}`;
}
/** The same for FLD of a kind, (cpu, code) or (cpu, code, bytes), and for FST, (cpu, code). */
export function x87LoadName(kind: number): string {
  return `x87Load${kind}`;
}
export function x87StoreName(kind: number): string {
  return `x87Store${kind}`;
}
/** FXCH, FCHS, FABS. */
export function x87MoveName(op: number): string {
  return `x87Move${op}`;
}
/** Operations and kinds of numbers in memory that have such functions. */
export const FAST_ARITHMETIC: readonly number[] = [X_ADD, X_MUL, X_SUB, X_SUBR, X_DIV, X_DIVR];
export const FAST_MOVES: readonly number[] = [X_XCH, X_CHS, X_ABS];
export const FAST_KINDS: readonly number[] = [K_M32, K_M64, K_I16, K_I32, K_I64];

/** FLD1 FLDL2T FLDL2E FLDPI FLDLG2 FLDLN2 FLDZ: 128-bit significands, so that each rounding mode can be served. */
const CONSTANTS: readonly (readonly [mant: bigint, exp: number])[] = [
  [1n, 0],
  [0xd49a784bcd1b8afe492bf6ff4dafdb4cn, -126],
  [0xb8aa3b295c17f0bbbe87fed0691d3e89n, -127],
  [0xc90fdaa22168c234c4c6628b80dc1cd1n, -126],
  [0x9a209a84fbcff7988f8959ac0b7c9178n, -129],
  [0xb17217f7d1cf79abc9e3b39803f2f6afn, -128],
  [0n, 0],
];

/** The NaN that an operation with NaN operands gives; SNaNs and unsupported encodings are invalid. */
function nanResult(x: X87, a: Raw, b: Raw, ua: Unpacked, ub: Unpacked): Raw {
  if (ua.kind === C_UNSUPPORTED || ub.kind === C_UNSUPPORTED) {
    x.flags |= F_IE;
    return INDEFINITE;
  }
  if (ua.kind === C_SNAN || ub.kind === C_SNAN) x.flags |= F_IE;
  const aNan = ua.kind >= C_QNAN;
  const bNan = ub.kind >= C_QNAN;
  let chosen: Raw;
  if (!bNan) chosen = a;
  else if (!aNan) chosen = b;
  else if (ua.kind === C_SNAN && ub.kind === C_QNAN) chosen = b;
  else if (ua.kind === C_QNAN && ub.kind === C_SNAN) chosen = a;
  else if (a.sig !== b.sig) chosen = a.sig > b.sig ? a : b;
  else chosen = a.se < b.se ? a : b;
  return { sig: chosen.sig | (1n << 62n), se: chosen.se };
}
function invalid(x: X87): Raw {
  x.flags |= F_IE;
  return INDEFINITE;
}
function denormals(x: X87, a: Unpacked, b: Unpacked): void {
  if (a.denormal || b.denormal || x.sourceDenormal) x.flags |= F_DE;
}
/** a op b, rounded by precision control. Flags before rounding decide alone if they are unmasked. */
function arithmetic(x: X87, op: number, ra: Raw, rb: Raw): Raw {
  x.setC1(false);
  const a = unpackRaw(ra);
  const b = unpackRaw(rb);
  if (a.kind >= C_QNAN || b.kind >= C_QNAN) return nanResult(x, ra, rb, a, b);
  const p = x.precision();
  const sign = a.sign ^ b.sign;
  switch (op) {
    case X_ADD:
    case X_SUB: {
      const c = op === X_SUB ? { ...b, sign: b.sign ^ 1 } : b;
      if (a.kind === C_INF || c.kind === C_INF) {
        if (a.kind === c.kind && a.sign !== c.sign) return invalid(x);
        denormals(x, a, b);
        return packRaw(infinity(a.kind === C_INF ? a.sign : c.sign));
      }
      denormals(x, a, b);
      if (x.unmasked(x.flags)) return ra;
      const e = addExact(a, c, x.rc);
      return x.round(e.sign, e.mant, e.exp, e.sticky, p);
    }
    case X_MUL:
      if (a.kind === C_INF || b.kind === C_INF) {
        if (a.kind === C_ZERO || b.kind === C_ZERO) return invalid(x);
        denormals(x, a, b);
        return packRaw(infinity(sign));
      }
      denormals(x, a, b);
      if (x.unmasked(x.flags)) return ra;
      return x.round(sign, a.mant * b.mant, a.exp + b.exp, false, p);
    default: {
      if (a.kind === b.kind && (a.kind === C_INF || a.kind === C_ZERO)) return invalid(x);
      if (a.kind === C_INF || b.kind === C_INF) {
        denormals(x, a, b);
        return a.kind === C_INF ? packRaw(infinity(sign)) : { sig: 0n, se: sign << 15 };
      }
      if (b.kind === C_ZERO) {
        x.flags |= F_ZE;
        return packRaw(infinity(sign));
      }
      denormals(x, a, b);
      if (x.unmasked(x.flags)) return ra;
      if (a.kind === C_ZERO) return { sig: 0n, se: sign << 15 };
      const e = divExact(a, b);
      return x.round(e.sign, e.mant, e.exp, e.sticky, p);
    }
  }
}

function fromFloat(x: X87, f: Format, bits: bigint): Raw {
  const n = unpack(f, bits);
  if (n.kind >= C_QNAN) {
    // A signalling NaN stays one, for the choice between two NaNs.
    if (n.kind === C_SNAN) x.flags |= F_IE;
    return { sig: BIT63 | (n.mant << BigInt(64 - f.precision)), se: (n.sign << 15) | 0x7fff };
  }
  x.sourceDenormal = n.denormal;
  return packRaw(n);
}
/** The operand in SCRATCH as an 80-bit number; conversions note IE and DE. */
function memoryOperand(x: X87, kind: number): Raw {
  switch (kind) {
    case K_M32:
      return fromFloat(x, SINGLE, x.scratch(0, 4));
    case K_M64:
      return fromFloat(x, DOUBLE, x.scratch(0, 8));
    case K_M80:
      return { sig: x.scratch(0, 8), se: Number(x.scratch(8, 2)) };
    case K_BCD: {
      let n = 0n;
      const low = x.scratch(0, 8);
      const high = x.scratch(8, 2);
      for (let k = 17; k >= 0; k--) n = n * 10n + (((k < 16 ? low >> BigInt(4 * k) : high >> BigInt(4 * (k - 16)))) & 15n);
      return packRaw(finite(Number(high >> 15n), n, 0));
    }
    default: {
      const width = kind === K_I16 ? 16 : kind === K_I32 ? 32 : 64;
      const n = BigInt.asIntN(width, x.scratch(0, width >> 3));
      return packRaw(finite(n < 0n ? 1 : 0, n < 0n ? -n : n, 0));
    }
  }
}

/** Leaves in SCRATCH + 32 what goes to memory. False if an unmasked exception forbids the store. */
function storeValue(x: X87, kind: number, r: Raw, rc: number): boolean {
  x.setC1(false);
  if (kind === K_M80) {
    x.setScratch(32, 8, r.sig);
    x.setScratch(40, 2, BigInt(r.se));
    return true;
  }
  const n = unpackRaw(r);
  if (kind === K_M32 || kind === K_M64) {
    const f = kind === K_M32 ? SINGLE : DOUBLE;
    const width = kind === K_M32 ? 4 : 8;
    let bits: bigint;
    if (n.kind === C_UNSUPPORTED) {
      x.flags |= F_IE;
      bits = kind === K_M32 ? 0xffc00000n : 0xfff8000000000000n;
    } else if (n.kind >= C_QNAN) {
      if (n.kind === C_SNAN) x.flags |= F_IE;
      bits = pack(f, { ...n, mant: ((n.mant | (1n << 62n)) & (BIT63 - 1n)) >> BigInt(64 - f.precision) });
    } else if (n.kind === C_FINITE) {
      const rounded = roundTo(f, n.sign, n.mant, n.exp, false, rc, !x.unmasked(F_UE));
      x.flags |= lastRounding.flags;
      if (x.unmasked(x.flags & (F_OE | F_UE))) {
        // Nothing is stored; precision is not reported for what did not happen.
        x.flags &= ~F_PE;
        return false;
      }
      x.setC1(lastRounding.up);
      bits = pack(f, rounded);
    } else bits = pack(f, n);
    if (x.unmasked(x.flags & F_IE)) return false;
    x.setScratch(32, width, bits);
    return true;
  }
  if (kind === K_BCD) {
    const m = n.kind <= C_FINITE ? roundToInteger(n, rc) : 0n;
    if (n.kind > C_FINITE || m >= 10n ** 18n) {
      x.flags |= F_IE;
      if (x.unmasked(F_IE)) return false;
      x.setScratch(32, 8, 0xc000000000000000n);
      x.setScratch(40, 2, 0xffffn);
      return true;
    }
    x.flags |= lastRounding.flags;
    x.setC1(lastRounding.up);
    let digits = 0n;
    let rest = m;
    for (let k = 0n; rest !== 0n; k += 4n) {
      digits |= (rest % 10n) << k;
      rest /= 10n;
    }
    x.setScratch(32, 8, digits & 0xffffffffffffffffn);
    x.setScratch(40, 2, (digits >> 64n) | BigInt(n.sign << 15));
    return true;
  }
  const width = kind === K_I16 ? 16 : kind === K_I32 ? 32 : 64;
  const limit = 1n << BigInt(width - 1);
  const fits = n.kind === C_ZERO || (n.kind === C_FINITE && n.exp + bitLength(n.mant) <= width + 1);
  const m = fits ? roundToInteger(n, rc) : 0n;
  if (!fits || m > limit || (m === limit && n.sign === 0)) {
    x.flags |= F_IE;
    if (x.unmasked(F_IE)) return false;
    x.setScratch(32, width >> 3, limit);
    return true;
  }
  x.flags |= lastRounding.flags;
  x.setC1(lastRounding.up);
  x.setScratch(32, width >> 3, BigInt.asUintN(width, n.sign ? -m : m));
  return true;
}
/** What an empty register gives to a store, masked. */
function storeIndefinite(x: X87, kind: number): void {
  switch (kind) {
    case K_M32: x.setScratch(32, 4, 0xffc00000n); break;
    case K_M64: x.setScratch(32, 8, 0xfff8000000000000n); break;
    case K_I16: x.setScratch(32, 2, 0x8000n); break;
    case K_I32: x.setScratch(32, 4, 0x80000000n); break;
    case K_I64: x.setScratch(32, 8, BIT63); break;
    default:
      x.setScratch(32, 8, 0xc000000000000000n);
      x.setScratch(40, 2, 0xffffn);
  }
}

/** Compares ST(0) with a value. Gives -1 0 1, or 2 = unordered. */
function compare(x: X87, ra: Raw, rb: Raw, quiet: boolean): number {
  const a = unpackRaw(ra);
  const b = unpackRaw(rb);
  if (a.kind >= C_QNAN || b.kind >= C_QNAN) {
    if (!quiet || a.kind >= C_SNAN || b.kind >= C_SNAN) x.flags |= F_IE;
    return 2;
  }
  denormals(x, a, b);
  return compareNumbers(a, b);
}
function conditionsOf(x: X87, c: number): void {
  x.setConditions(c === 0 || c === 2 ? 1 : 0, c === 2 ? 1 : 0, c === -1 || c === 2 ? 1 : 0);
}
function xam(x: X87): void {
  const r = x.get(0);
  x.setC1(r.se >> 15 === 1);
  if (x.isEmpty(0)) {
    x.setConditions(1, 0, 1);
    return;
  }
  const n = unpackRaw(r);
  if (n.kind === C_UNSUPPORTED) x.setConditions(0, 0, 0);
  else if (n.kind >= C_QNAN) x.setConditions(0, 0, 1);
  else if (n.kind === C_INF) x.setConditions(0, 1, 1);
  else if (n.kind === C_ZERO) x.setConditions(1, 0, 0);
  else if (n.denormal) x.setConditions(1, 1, 0);
  else x.setConditions(0, 1, 0);
}
/** FPREM (quotient truncated) and FPREM1 (to nearest). */
function remainder(x: X87, nearest: boolean): void {
  const ra = x.get(0);
  const rb = x.get(1);
  const a = unpackRaw(ra);
  const b = unpackRaw(rb);
  x.setC1(false);
  const result = (r: Raw): void => {
    if (!x.unmasked(x.flags & (F_IE | F_DE))) x.set(0, r);
  };
  if (a.kind >= C_QNAN || b.kind >= C_QNAN) return result(nanResult(x, ra, rb, a, b));
  if (a.kind === C_INF || b.kind === C_ZERO) return result(invalid(x));
  denormals(x, a, b);
  if (x.unmasked(x.flags)) return;
  if (a.kind === C_ZERO || b.kind === C_INF) x.setConditions(0, 0, 0);
  if (a.kind === C_ZERO || b.kind === C_INF) return result(a.kind === C_ZERO ? ra : x.round(a.sign, a.mant, a.exp, false, 64));
  const d = a.exp + bitLength(a.mant) - b.exp - bitLength(b.mant);
  let q: bigint;
  let mant: bigint;
  let sign = a.sign;
  const exp = Math.min(a.exp, b.exp);
  if (d < 64) {
    const am = a.mant << BigInt(a.exp - exp);
    const bm = b.mant << BigInt(b.exp - exp);
    if (d < -2) q = 0n;
    else q = am / bm;
    mant = am - q * bm;
    if (nearest && d >= -2) {
      const twice = mant * 2n;
      if (twice > bm || (twice === bm && (q & 1n) === 1n)) {
        q++;
        mant = bm - mant;
        sign ^= 1;
      }
    }
    x.setC1((q & 1n) !== 0n);
    x.setConditions(Number((q >> 1n) & 1n), 0, Number((q >> 2n) & 1n));
    const r = mant === 0n ? { sig: 0n, se: a.sign << 15 } : keepC1(x, () => x.round(sign, mant, exp, false, 64));
    x.set(0, r);
    return;
  }
  // One step of a long reduction: the exponent falls by 32 to 63.
  const n = 32 + (d % 32);
  const low = d - n;
  const bm = b.mant << BigInt(Math.max(0, b.exp + low - Math.min(a.exp, b.exp + low)));
  const e = Math.min(a.exp, b.exp + low);
  const am = a.mant << BigInt(a.exp - e);
  mant = am % bm;
  x.setConditions(0, 1, 0);
  x.set(0, mant === 0n ? { sig: 0n, se: a.sign << 15 } : x.round(sign, mant, e, false, 64));
  x.setC1(false);
}
function keepC1(x: X87, f: () => Raw): Raw {
  const c1 = x.sw & SW_C1;
  const r = f();
  x.setC1(c1 !== 0);
  return r;
}
function scale(x: X87): void {
  const ra = x.get(0);
  const rb = x.get(1);
  const a = unpackRaw(ra);
  const b = unpackRaw(rb);
  x.setC1(false);
  const result = (r: Raw): void => {
    if (!x.unmasked(x.flags & (F_IE | F_DE | F_ZE))) x.set(0, r);
  };
  if (a.kind >= C_QNAN || b.kind >= C_QNAN) return result(nanResult(x, ra, rb, a, b));
  if (b.kind === C_INF) {
    if ((a.kind === C_ZERO && b.sign === 0) || (a.kind === C_INF && b.sign === 1)) return result(invalid(x));
    denormals(x, a, b);
    if (a.kind === C_ZERO || a.kind === C_INF) return result(ra);
    return result(b.sign ? { sig: 0n, se: a.sign << 15 } : packRaw(infinity(a.sign)));
  }
  denormals(x, a, b);
  if (a.kind !== C_FINITE) return result(ra);
  if (x.unmasked(x.flags)) return;
  let n = 0;
  if (b.kind === C_FINITE) {
    n = b.exp + bitLength(b.mant) > 17 ? 70000 : Number(roundToInteger(b, RC_ZERO));
    if (b.sign) n = -n;
  }
  x.set(0, x.round(a.sign, a.mant, a.exp + n, false, 64));
}
function extract(x: X87): void {
  const r = x.get(0);
  const a = unpackRaw(r);
  x.setC1(false);
  let significand: Raw;
  let exponent: Raw;
  if (!x.isEmpty(7)) {
    x.flags |= F_IE | 0x40;
    x.setC1(true);
    if (x.unmasked(F_IE)) return;
    x.set(0, INDEFINITE);
    x.top = (x.top - 1) & 7;
    x.set(0, INDEFINITE);
    return;
  }
  if (a.kind >= C_QNAN) significand = exponent = nanResult(x, r, r, a, a);
  else if (a.kind === C_INF) {
    significand = r;
    exponent = packRaw(infinity(0));
  } else if (a.kind === C_ZERO) {
    x.flags |= F_ZE;
    significand = r;
    exponent = packRaw(infinity(1));
  } else {
    if (a.denormal) x.flags |= F_DE;
    const e = a.exp + bitLength(a.mant) - 1;
    significand = packRaw(finite(a.sign, a.mant, a.exp - e));
    exponent = packRaw(finite(e < 0 ? 1 : 0, BigInt(Math.abs(e)), 0));
  }
  if (x.unmasked(x.flags & (F_IE | F_DE | F_ZE))) return;
  x.set(0, exponent);
  x.push(significand);
}

/** Makes the helper. Its result: 1 = store SCRATCH + 32, or the new arithmetic flags for FCOMI and its kin. */
export function makeX87(memory: HelperMemory): (cpu: number, code: number) => number {
  const x = new X87(memory);
  return (cpu: number, code: number): number => {
    x.enter(cpu);
    if (x.pending()) return 0;
    const r = execute(x, code);
    x.leave();
    return r;
  };
}

function execute(x: X87, code: number): number {
  const op = code & 0xff;
  const operand = (code >> 8) & 15;
  const kind = (code >> 12) & 15;
  const pops = (code >> 16) & 3;
  const dest = (code >> 20) & 7;
  switch (op) {
    case X_ADD: case X_MUL: case X_SUB: case X_SUBR: case X_DIV: case X_DIVR: {
      if (x.isEmpty(0) || (kind === K_ST && x.isEmpty(operand))) {
        x.underflow();
        if (x.unmasked(F_IE)) return 0;
        x.set(dest, INDEFINITE);
      } else {
        const st = x.get(dest);
        const other = kind === K_ST ? x.get(dest === 0 ? operand : 0) : memoryOperand(x, kind);
        const reversed = op === X_SUBR || op === X_DIVR;
        const base = op === X_SUBR ? X_SUB : op === X_DIVR ? X_DIV : op;
        const r = arithmetic(x, base, reversed ? other : st, reversed ? st : other);
        if (x.unmasked(x.flags & (F_IE | F_DE | F_ZE))) return 0;
        x.set(dest, r);
      }
      for (let k = 0; k < pops; k++) x.pop();
      return 0;
    }
    case X_COM: case X_COMP: case X_UCOM: case X_TST: {
      let c = 2;
      x.setC1(false);
      if (x.isEmpty(0) || (kind === K_ST && op !== X_TST && x.isEmpty(operand))) x.underflow();
      else {
        const other = op === X_TST ? { sig: 0n, se: 0 } : kind === K_ST ? x.get(operand) : memoryOperand(x, kind);
        c = compare(x, x.get(0), other, op === X_UCOM);
      }
      conditionsOf(x, c);
      if (x.unmasked(x.flags & (F_IE | F_DE))) return 0;
      for (let k = 0; k < pops; k++) x.pop();
      return 0;
    }
    case X_COMI: case X_UCOMI: {
      let c = 2;
      if (x.isEmpty(0) || x.isEmpty(operand)) x.underflow();
      else c = compare(x, x.get(0), x.get(operand), op === X_UCOMI);
      if (!x.unmasked(x.flags & (F_IE | F_DE))) for (let k = 0; k < pops; k++) x.pop();
      return c === 1 ? 0 : c === -1 ? 1 : c === 0 ? 0x40 : 0x45;
    }
    case X_LOAD: {
      let r: Raw;
      x.setC1(false);
      if (kind === K_ST) {
        if (x.isEmpty(operand)) {
          x.underflow();
          if (x.unmasked(F_IE)) return 0;
          // The underflow is what is reported, even if the stack is full as well.
          x.top = (x.top - 1) & 7;
          x.set(0, INDEFINITE);
          return 0;
        }
        r = x.get(operand);
      } else r = memoryOperand(x, kind);
      if (x.sourceDenormal) x.flags |= F_DE;
      if ((kind === K_M32 || kind === K_M64) && (r.se & 0x7fff) === 0x7fff && r.sig !== BIT63) r = { sig: r.sig | (1n << 62n), se: r.se };
      if (!x.isEmpty(7)) x.flags &= ~F_DE;
      else if (x.unmasked(x.flags & (F_IE | F_DE))) return 0;
      x.push(r);
      return 0;
    }
    case X_CONSTANT: {
      const [mant, exp] = CONSTANTS[operand]!;
      x.setC1(false);
      const flags = x.flags;
      const r = mant === 0n ? { sig: 0n, se: 0 } : x.round(0, mant, exp, bitLength(mant) > 64, 64);
      x.flags = flags;
      x.setC1(false);
      x.push(r);
      return 0;
    }
    case X_STORE: case X_STORE_TRUNCATED: {
      if (kind === K_ST) {
        x.setC1(false);
        if (x.isEmpty(0)) {
          x.underflow();
          if (x.unmasked(F_IE)) return 0;
          x.set(operand, INDEFINITE);
        } else x.set(operand, x.get(0));
        for (let k = 0; k < pops; k++) x.pop();
        return 0;
      }
      if (x.isEmpty(0)) {
        x.underflow();
        if (x.unmasked(F_IE)) return 0;
        storeIndefinite(x, kind);
      } else if (!storeValue(x, kind, x.get(0), op === X_STORE ? x.rc : RC_ZERO)) return 0;
      for (let k = 0; k < pops; k++) x.pop();
      return 1;
    }
    case X_STORE_UNCHECKED:
      // FSTPNCE: an empty register is not reported, and not stored.
      x.setC1(false);
      if (!x.isEmpty(0)) x.set(operand, x.get(0));
      x.pop();
      return 0;
    case X_XCH: {
      x.setC1(false);
      if (x.isEmpty(0) || x.isEmpty(operand)) {
        x.underflow();
        if (x.unmasked(F_IE)) return 0;
        if (x.isEmpty(0)) x.set(0, INDEFINITE);
        if (x.isEmpty(operand)) x.set(operand, INDEFINITE);
      }
      const a = x.get(0);
      x.set(0, x.get(operand));
      x.set(operand, a);
      return 0;
    }
    case X_FREE:
      x.setC1(false);
      x.free(operand);
      for (let k = 0; k < pops; k++) x.pop();
      return 0;
    case X_CHS: case X_ABS: {
      x.setC1(false);
      if (x.isEmpty(0)) {
        x.underflow();
        if (!x.unmasked(F_IE)) x.set(0, INDEFINITE);
        return 0;
      }
      const r = x.get(0);
      x.set(0, { sig: r.sig, se: op === X_CHS ? r.se ^ 0x8000 : r.se & 0x7fff });
      return 0;
    }
    case X_XAM:
      xam(x);
      return 0;
    case X_INCSTP:
      x.setC1(false);
      x.top = (x.top + 1) & 7;
      return 0;
    case X_DECSTP:
      x.setC1(false);
      x.top = (x.top - 1) & 7;
      return 0;
    case X_CMOV: {
      if (x.isEmpty(0) || x.isEmpty(operand)) {
        x.underflow();
        if (!x.unmasked(F_IE)) x.set(0, INDEFINITE);
        return 0;
      }
      if (kind) x.set(0, x.get(operand));
      return 0;
    }
    case X_WAIT: case X_NOP:
      return 0;
    default:
      break;
  }
  // Operations on ST(0), or ST(0) and ST(1).
  if (op === X_PREM || op === X_PREM1) x.sw &= ~SW_C2;
  const two = op === X_SCALE || op === X_PREM || op === X_PREM1 || op === X_FYL2X || op === X_FPATAN || op === X_FYL2XP1;
  if (x.isEmpty(0) || (two && x.isEmpty(1))) {
    x.underflow();
    if (x.unmasked(F_IE)) return 0;
    const pop = op === X_FYL2X || op === X_FPATAN || op === X_FYL2XP1;
    if (pop) {
      x.set(1, INDEFINITE);
      x.pop();
    } else x.set(0, INDEFINITE);
    if (op === X_XTRACT || op === X_FPTAN || op === X_FSINCOS) {
      x.top = (x.top - 1) & 7;
      x.set(0, INDEFINITE);
    }
    return 0;
  }
  switch (op) {
    case X_SQRT: {
      const r = x.get(0);
      const a = unpackRaw(r);
      x.setC1(false);
      let out: Raw;
      if (a.kind >= C_QNAN) out = nanResult(x, r, r, a, a);
      else if (a.kind === C_ZERO) out = r;
      else if (a.sign) out = invalid(x);
      else if (a.kind === C_INF) out = r;
      else {
        if (a.denormal) x.flags |= F_DE;
        if (x.unmasked(x.flags)) return 0;
        const e = sqrtExact(a);
        out = x.round(0, e.mant, e.exp, e.sticky, x.precision());
      }
      if (!x.unmasked(x.flags & (F_IE | F_DE))) x.set(0, out);
      return 0;
    }
    case X_RNDINT: {
      const r = x.get(0);
      const a = unpackRaw(r);
      x.setC1(false);
      if (a.kind >= C_QNAN) {
        const n = nanResult(x, r, r, a, a);
        if (!x.unmasked(x.flags)) x.set(0, n);
        return 0;
      }
      if (a.kind !== C_FINITE) return 0;
      if (a.denormal) x.flags |= F_DE;
      if (x.unmasked(x.flags)) return 0;
      if (a.exp >= 0) return 0;
      const m = roundToInteger(a, x.rc);
      x.flags |= lastRounding.flags;
      x.setC1(lastRounding.up);
      x.set(0, packRaw(finite(a.sign, m, 0)));
      return 0;
    }
    case X_SCALE:
      scale(x);
      return 0;
    case X_XTRACT:
      extract(x);
      return 0;
    case X_PREM: case X_PREM1:
      remainder(x, op === X_PREM1);
      return 0;
    default:
      transcendental(x, op, nanResult, invalid);
      return 0;
  }
}
