/**
 * Fast paths of x87 as WebAssembly functions: round to nearest, 64-bit precision, PE masked, nothing pending, operands normal or zero.
 * Everything else falls back on the exact slow path (x87-slow.ts), before anything has been changed. All take (cpu, code), see x87Code.
 */
import { i32, i32c, i64, i64c, select } from '../wasm/expressions.ts';
import type { Expr, Local } from '../wasm/expressions.ts';
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from '../wasm/module-builder.ts';
import { I32, I64 } from '../wasm/opcodes.ts';
import { FPU_CW, FPU_SW, FPU_TAG, FPU_TOP, SCRATCH, ST } from '../x86/cpu-layout.ts';
import {
  FAST_ARITHMETIC, FAST_KINDS, FAST_MOVES, K_I16, K_I32, K_I64, K_M32, K_M64, K_M80, K_ST, X_CHS, X_DIV, X_DIVR, X_MUL, X_STORE_TRUNCATED, X_SUB, X_SUBR, X_XCH, x87ArithmeticName, x87LoadName, x87MoveName,
  x87StoreName,
} from '../x86/x87-slow.ts';

/** RC, PC and PM of the control word, and what they must be for arithmetic. */
const CONTROL_MASK = 0xf20;
const CONTROL_FAST = 0x320;
/** ES of the status word. */
const PENDING = 0x80;
const TOP_BIT = 1n << 63n;
const C1 = 0x200;

const flagless = (cpu: Expr): Expr => i32.and(i32.load(cpu, FPU_SW), i32c(~C1));
/** bits of `code` from `at`. */
const field = (code: Expr, at: number, mask: number): Expr => i32.and(i32.shrU(code, i32c(at)), i32c(mask));

/** Defines them; `slow` is the helper x87. */
export function buildX87(m: ModuleBuilder, slow: FunctionRef): void {
  for (const op of FAST_ARITHMETIC) {
    registerArithmetic(m, slow, op);
    for (const kind of FAST_KINDS) memoryArithmetic(m, slow, op, kind);
  }
  compare(m, slow, operandFunction(m));
  load(m, slow);
  store(m, slow);
  move(m, slow);
}

const exponent = (se: Expr): Expr => i32.and(se, i32c(0x7fff));
const signOf = (se: Expr): Expr => i32.and(se, i32c(0x8000));

/** Two operands, and where the result goes (host address of a register). */
interface Operands {
  readonly dst: Local;
  readonly sigA: Local;
  readonly seA: Local;
  readonly sigB: Local;
  readonly seB: Local;
}

/** Rounds sign << 15, biased exponent, significand and fraction below it to nearest, stores it, sets PE and C1. */
function round(x: Frame, dst: Local, sign: Expr, e: Local, sig: Local, rest: Local): void {
  const { f, cpu } = x;
  const up = f.local(I32);
  f.set(up, i32c(0));
  f.if(i64.ne(rest, i64c(0)), () => {
    // Up beyond the middle, or at the middle to make it even.
    f.set(up, i32.and(i32.wrap(i64.shrU(rest, i64c(63))), i32.or(i64.ne(i64.shl(rest, i64c(1)), i64c(0)), i32.wrap(i64.and(sig, i64c(1))))));
    f.set(sig, i64.add(sig, i64.extendU(up)));
    f.if(i64.eqz(sig), () => {
      f.set(sig, i64c(TOP_BIT));
      f.set(e, i32.add(e, i32c(1)));
    });
  });
  x.slowIf(i32.geU(i32.sub(e, i32c(1)), i32c(0x7ffe)));
  f.do(i64.store(dst, sig));
  f.do(i64.store(dst, i64.extendU(i32.or(sign, e)), 8));
  f.do(i32.store(cpu, i32.or(flagless(cpu), i32.or(i32.shl(up, i32c(9)), i32.shl(i64.ne(rest, i64c(0)), i32c(5)))), FPU_SW));
}

/** a + b of two normal numbers. */
function add(x: Frame, { dst, sigA, seA, sigB, seB }: Operands): void {
  const { f } = x;
  const t64 = f.local(I64);
  const t32 = f.local(I32);
  // a is the larger in magnitude.
  f.if(i32.or(i32.ltU(exponent(seA), exponent(seB)), i32.and(i32.eq(exponent(seA), exponent(seB)), i64.ltU(sigA, sigB))), () => {
    f.set(t64, sigA);
    f.set(sigA, sigB);
    f.set(sigB, t64);
    f.set(t32, seA);
    f.set(seA, seB);
    f.set(seB, t32);
  });
  const e = f.let(exponent(seA));
  const d = f.let(i32.sub(e, exponent(seB)));
  const hi = f.local(I64);
  const lo = f.local(I64);
  const dw = f.let(i64.extendU(d));
  f.if(
    i32.ltU(d, i32c(64)),
    () => {
      f.set(hi, i64.shrU(sigB, dw));
      // 64 - d is 64 for d = 0, which WebAssembly takes as 0.
      f.set(lo, select(d, i64.shl(sigB, i64.sub(i64c(64), dw)), i64c(0)));
    },
    () => {
      f.set(lo, select(
        i32.ltU(d, i32c(128)),
        i64.or(i64.shrU(sigB, dw), i64.extendU(i32.and(i32.ne(d, i32c(64)), i64.ne(i64.shl(sigB, i64.sub(i64c(64), dw)), i64c(0))))),
        i64c(1),
      ));
    },
  );
  f.block((done) => {
    f.if(
      i32.eqz(signOf(i32.xor(seA, seB))),
      () => {
        f.set(hi, i64.add(sigA, hi));
        f.if(i64.ltU(hi, sigA), () => {
          f.set(lo, i64.or(i64.or(i64.shrU(lo, i64c(1)), i64.and(lo, i64c(1))), i64.shl(hi, i64c(63))));
          f.set(hi, i64.or(i64.shrU(hi, i64c(1)), i64c(TOP_BIT)));
          f.set(e, i32.add(e, i32c(1)));
        });
      },
      () => {
        f.set(hi, i64.sub(i64.sub(sigA, hi), i64.extendU(i64.ne(lo, i64c(0)))));
        f.set(lo, i64.sub(i64c(0), lo));
        f.if(i64.eqz(hi), () => {
          f.if(i64.eqz(lo), () => {
            // An exact zero is positive.
            f.do(i64.store(dst, i64c(0)));
            f.do(i64.store(dst, i64c(0), 8));
            x.clearC1();
            f.br(done);
          });
          f.set(hi, lo);
          f.set(lo, i64c(0));
          f.set(e, i32.sub(e, i32c(64)));
        });
        const z = f.let(i64.clz(hi));
        f.if(i32.wrap(z), () => {
          f.set(hi, i64.or(i64.shl(hi, z), i64.shrU(lo, i64.sub(i64c(64), z))));
          f.set(lo, i64.shl(lo, z));
          f.set(e, i32.sub(e, i32.wrap(z)));
        });
        // The exponent may have gone below 1: that is for the slow path.
        x.slowIf(i32.leS(e, i32c(0)));
      },
    );
    round(x, dst, signOf(seA), e, hi, lo);
  });
}

function multiply(x: Frame, { dst, sigA: a, seA, sigB: b, seB }: Operands): void {
  const { f } = x;
  const low = (v: Expr): Expr => i64.and(v, i64c(0xffffffff));
  const high = (v: Expr): Expr => i64.shrU(v, i64c(32));
  const ll = f.let(i64.mul(low(a), low(b)));
  const mid = f.let(i64.add(i64.mul(high(a), low(b)), high(ll)));
  const mid2 = f.let(i64.add(i64.mul(low(a), high(b)), low(mid)));
  const hi = f.let(i64.add(i64.add(i64.mul(high(a), high(b)), high(mid)), high(mid2)));
  const lo = f.let(i64.or(i64.shl(mid2, i64c(32)), low(ll)));
  const e = f.let(i32.sub(i32.add(exponent(seA), exponent(seB)), i32c(16383 - 1)));
  f.if(i64.geS(hi, i64c(0)), () => {
    f.set(hi, i64.or(i64.shl(hi, i64c(1)), i64.shrU(lo, i64c(63))));
    f.set(lo, i64.shl(lo, i64c(1)));
    f.set(e, i32.sub(e, i32c(1)));
  });
  x.slowIf(i32.leS(e, i32c(0)));
  round(x, dst, signOf(i32.xor(seA, seB)), e, hi, lo);
}

/** a / b: two digits of 32 bits each (Knuth, algorithm D). */
function divide(x: Frame, { dst, sigA: a, seA, sigB: d, seB }: Operands): void {
  const { f } = x;
  const e = f.let(i32.add(i32.sub(exponent(seA), exponent(seB)), i32c(16382)));
  const hi = f.let(a);
  const lo = f.local(I64);
  // The quotient is to have its top bit set.
  f.if(i64.geU(a, d), () => {
    f.set(lo, i64.shl(a, i64c(63)));
    f.set(hi, i64.shrU(a, i64c(1)));
    f.set(e, i32.add(e, i32c(1)));
  });
  x.slowIf(i32.leS(e, i32c(0)));
  const v1 = f.let(i64.shrU(d, i64c(32)));
  const v0 = f.let(i64.and(d, i64c(0xffffffff)));
  const digit = (from: Expr, next: Expr): Local => {
    const q = f.let(i64.divU(from, v1));
    const r = f.let(i64.sub(from, i64.mul(q, v1)));
    f.block((done) => {
      f.loop((again) => {
        f.brIf(done, i32.and(i64.leU(q, i64c(0xffffffff)), i64.leU(i64.mul(q, v0), i64.or(i64.shl(r, i64c(32)), next))));
        f.set(q, i64.sub(q, i64c(1)));
        f.set(r, i64.add(r, v1));
        f.brIf(again, i64.leU(r, i64c(0xffffffff)));
      });
    });
    return q;
  };
  const q1 = digit(hi, i64.shrU(lo, i64c(32)));
  const left = f.let(i64.sub(i64.or(i64.shl(hi, i64c(32)), i64.shrU(lo, i64c(32))), i64.mul(q1, d)));
  const q0 = digit(left, i64.and(lo, i64c(0xffffffff)));
  const r = f.let(i64.sub(i64.or(i64.shl(left, i64c(32)), i64.and(lo, i64c(0xffffffff))), i64.mul(q0, d)));
  // Below, at or above the middle.
  const half = f.let(i64.sub(d, r));
  const fraction = f.let(select(i64.eqz(r), i64c(0), select(i64.ltU(r, half), i64c(1), select(i64.eq(r, half), i64c(TOP_BIT), i64c(TOP_BIT | 1n)))));
  round(x, dst, signOf(i32.xor(seA, seB)), e, f.let(i64.add(i64.shl(q1, i64c(32)), q0)), fraction);
}

/** The normal number or zero of a kind in `v`, as significand, and sign with exponent; `odd` for any other float. `v` is changed. */
function decode(f: FunctionBuilder, kind: number, v: Local, sig: Local, se: Local, odd: (is: Expr) => void): void {
  const float = (fraction: number, bias: number, max: number, signShift: number): void => {
    const sign = f.let(i32.and(i32.wrap(i64.shrU(v, i64c(signShift - 15))), i32c(0x8000)));
    const e = f.let(i32.and(i32.wrap(i64.shrU(v, i64c(fraction))), i32c(max)));
    f.if(
      i64.eqz(i64.shl(v, i64c(64 - signShift))),
      () => {
        f.set(sig, i64c(0));
        f.set(se, sign);
      },
      () => {
        odd(i32.geU(i32.sub(e, i32c(1)), i32c(max - 1)));
        f.set(sig, i64.or(i64.shl(v, i64c(63 - fraction)), i64c(TOP_BIT)));
        f.set(se, i32.or(sign, i32.add(e, i32c(16383 - bias))));
      },
    );
  };
  switch (kind) {
    case K_M32: return float(23, 127, 0xff, 31);
    case K_M64: return float(52, 1023, 0x7ff, 63);
    case K_I16:
      f.set(v, i64.extend16S(v));
      break;
    case K_I32:
      f.set(v, i64.extend32S(v));
  }
  f.set(sig, i64c(0));
  f.set(se, i32c(0));
  f.if(i64.ne(v, i64c(0)), () => {
    f.set(se, i32.and(i32.wrap(i64.shrU(v, i64c(48))), i32c(0x8000)));
    f.if(se, () => f.set(v, i64.sub(i64c(0), v)));
    const z = f.let(i64.clz(v));
    f.set(sig, i64.shl(v, z));
    f.set(se, i32.or(se, i32.sub(i32c(16383 + 63), i32.wrap(z))));
  });
}

/** x87Operand(cpu, kind) → the number in SCRATCH as `decode` gives it; exponent -1 = not normal and not zero. */
function operandFunction(m: ModuleBuilder): FunctionRef {
  return m.function('x87Operand', [I32, I32], [I64, I32], (f) => {
    const v = f.let(i64.load(f.param(0), SCRATCH));
    const none = (): void => f.return(v, i32c(-1));
    const cases: (() => void)[] = [none];
    for (const kind of FAST_KINDS) {
      cases[kind] = (): void => {
        const sig = f.local(I64);
        const se = f.local(I32);
        decode(f, kind, v, sig, se, (is) => f.if(is, none));
        f.return(sig, se);
      };
    }
    f.switch(f.param(1), Array.from(cases, (c) => c ?? none), none);
    f.unreachable();
  });
}

/** State that every fast path starts from. */
class Frame {
  readonly f: FunctionBuilder;
  readonly cpu: Local;
  readonly code: Local;
  readonly top: Local;
  readonly tag: Local;
  readonly slow: FunctionRef;
  /** Bytes of the memory operand, where the slow path finds them in SCRATCH. */
  readonly bytes: Local | null;
  constructor(f: FunctionBuilder, slow: FunctionRef, bytes: Local | null = null) {
    this.f = f;
    this.cpu = f.param(0);
    this.code = f.param(1);
    this.slow = slow;
    this.bytes = bytes;
    this.top = f.let(i32.load(this.cpu, FPU_TOP));
    this.tag = f.let(i32.load(this.cpu, FPU_TAG));
  }
  /** Leaves to the slow path if the condition holds. */
  slowIf(condition: Expr): void {
    const { f, cpu, bytes } = this;
    f.if(condition, () => {
      if (bytes !== null) f.do(i64.store(cpu, bytes, SCRATCH));
      f.returnCall(this.slow, cpu, this.code);
    });
  }
  /** Arithmetic wants its rounding; the rest only that nothing is pending. */
  check(rounding: boolean): void {
    const pending = i32.and(i32.load(this.cpu, FPU_SW), i32c(PENDING));
    // Two loads: one of both words would wait for the two stores that made them.
    if (rounding) this.slowIf(i32.or(pending, i32.xor(i32.and(i32.load(this.cpu, FPU_CW), i32c(CONTROL_MASK)), i32c(CONTROL_FAST))));
    else this.slowIf(pending);
  }
  /** Physical number of ST(n). */
  physical(n: Expr): Expr {
    return i32.and(i32.add(this.top, n), i32c(7));
  }
  address(physical: Expr): Expr {
    return i32.add(i32.add(this.cpu, i32.shl(physical, i32c(4))), i32c(ST));
  }
  empty(physical: Expr): Expr {
    return i32.eqz(i32.and(i32.shrU(this.tag, physical), i32c(1)));
  }
  /** Pops as often as the code says; tags and TOP. */
  pop(pops: Expr = this.f.let(field(this.code, 16, 3))): void {
    const { f } = this;
    f.if(pops, () => {
      f.set(this.tag, i32.and(this.tag, i32.xor(i32.shl(i32c(1), this.top), i32c(-1))));
      f.set(this.top, this.physical(i32c(1)));
      f.if(i32.eq(pops, i32c(2)), () => {
        f.set(this.tag, i32.and(this.tag, i32.xor(i32.shl(i32c(1), this.top), i32c(-1))));
        f.set(this.top, this.physical(i32c(1)));
      });
      f.do(i32.store(this.cpu, this.top, FPU_TOP));
      f.do(i32.store(this.cpu, this.tag, FPU_TAG));
    });
  }
  /** Pushes a number. */
  push(sig: Expr, se: Expr): void {
    const { f, cpu } = this;
    const into = f.let(this.physical(i32c(7)));
    this.slowIf(i32.eqz(this.empty(into)));
    const at = f.let(this.address(into));
    f.do(i64.store(at, sig));
    f.do(i64.store(at, i64.extendU(se), 8));
    f.do(i32.store(cpu, into, FPU_TOP));
    f.do(i32.store(cpu, i32.or(this.tag, i32.shl(i32c(1), into)), FPU_TAG));
    this.clearC1();
    f.return(i32c(0));
  }
  clearC1(): void {
    this.f.do(i32.store(this.cpu, flagless(this.cpu), FPU_SW));
  }
}
/** Neither normal nor zero. */
function odd(sig: Expr, se: Expr): Expr {
  return i32.and(
    i32.or(i64.geS(sig, i64c(0)), i32.geU(i32.sub(exponent(se), i32c(1)), i32c(0x7ffe))),
    i32.or(i64.ne(sig, i64c(0)), i32.ne(exponent(se), i32c(0))),
  );
}

/** dst = dst op other, or the other way round. `otherNormal`: what tells a normal other operand from a zero, or from what is odd. */
function compute(x: Frame, op: number, dst: Local, sigO: Local, seO: Local, memory: boolean): void {
  const { f } = x;
  const sigS = f.let(i64.load(dst));
  const seS = f.let(i32.load(dst, 8));
  const reversed = op === X_SUBR || op === X_DIVR;
  const [sigA, seA, sigB, seB] = reversed ? [sigO, seO, sigS, seS] : [sigS, seS, sigO, seO];
  const normal = (sig: Expr, se: Expr): Expr => i32.and(i64.ltS(sig, i64c(0)), i32.ltU(i32.sub(exponent(se), i32c(1)), i32c(0x7ffe)));
  const isMul = op === X_MUL;
  const isDiv = op === X_DIV || op === X_DIVR;
  if (op === X_SUB || op === X_SUBR) f.set(seB, i32.xor(seB, i32c(0x8000)));
  const operands: Operands = { dst, sigA, seA, sigB, seB };
  // What comes from memory is normal or zero.
  f.if(
    i32.and(normal(sigS, seS), memory ? i64.ne(sigO, i64c(0)) : normal(sigO, seO)),
    () => (isMul ? multiply : isDiv ? divide : add)(x, operands),
    () => {
      // A zero is among them; a division by zero, and two zeros, are the slow path's.
      x.slowIf(i32.or(odd(sigA, seA), odd(sigB, seB)));
      if (isDiv) x.slowIf(i64.eqz(sigB));
      else if (!isMul) x.slowIf(i64.eqz(i64.or(sigA, sigB)));
      f.do(i64.store(dst, isMul || isDiv ? i64c(0) : i64.or(sigA, sigB)));
      f.do(i64.store(dst, i64.extendU(isMul || isDiv ? signOf(i32.xor(seA, seB)) : select(i64.eqz(sigA), seB, seA)), 8));
      x.clearC1();
    },
  );
}

function registerArithmetic(m: ModuleBuilder, slow: FunctionRef, op: number): void {
  m.function(x87ArithmeticName(op, K_ST), [I32, I32, I32, I32, I32], [I32], (f) => {
    const x = new Frame(f, slow);
    x.check(true);
    const dst = f.let(x.physical(f.param(2)));
    const other = f.let(x.physical(f.param(3)));
    x.slowIf(i32.or(x.empty(dst), x.empty(other)));
    f.set(other, x.address(other));
    const sigO = f.let(i64.load(other));
    const seO = f.let(i32.load(other, 8));
    compute(x, op, f.let(x.address(dst)), sigO, seO, false);
    x.pop(f.param(4));
    f.return(i32c(0));
  });
}
function memoryArithmetic(m: ModuleBuilder, slow: FunctionRef, op: number, kind: number): void {
  m.function(x87ArithmeticName(op, kind), [I32, I32, I64], [I32], (f) => {
    const x = new Frame(f, slow, f.param(2));
    x.check(true);
    x.slowIf(x.empty(x.top));
    const sigO = f.local(I64);
    const seO = f.local(I32);
    decode(f, kind, f.let(f.param(2)), sigO, seO, (is) => x.slowIf(is));
    compute(x, op, f.let(x.address(x.top)), sigO, seO, true);
    f.return(i32c(0));
  });
}

/** Compares ST(0); sets C0 C2 C3, or gives EFLAGS bits for FCOMI and its kin (bit 31 of the code). */
function compare(m: ModuleBuilder, slow: FunctionRef, operand: FunctionRef): void {
  for (const toFlags of [false, true])
    m.function(toFlags ? 'x87CompareFlags' : 'x87Compare', [I32, I32], [I32], (f) => {
      const x = new Frame(f, slow);
      const { cpu, code } = x;
      x.check(false);
      const kind = f.let(field(code, 12, 15));
      const sigB = f.local(I64);
      const seB = f.local(I32);
      x.slowIf(x.empty(x.top));
      const at = x.address(x.top);
      const sigA = f.let(i64.load(at));
      const seA = f.let(i32.load(at, 8));
      f.if(
        kind,
        () => {
          f.callInto([sigB, seB], operand, cpu, kind);
          x.slowIf(i32.eq(seB, i32c(-1)));
        },
        () => {
          const other = f.let(x.physical(field(code, 8, 15)));
          x.slowIf(x.empty(other));
          f.set(sigB, i64.load(x.address(other)));
          f.set(seB, i32.load(x.address(other), 8));
        },
      );
      x.slowIf(i32.or(odd(sigA, seA), odd(sigB, seB)));
      const result = f.local(I32); // -1, 0, 1
      f.if(
        i64.eqz(i64.or(sigA, sigB)),
        () => f.set(result, i32c(0)),
        () => {
          const magnitude = select(
            i32.eq(exponent(seA), exponent(seB)),
            i32.sub(i64.gtU(sigA, sigB), i64.ltU(sigA, sigB)),
            select(i32.gtU(exponent(seA), exponent(seB)), i32c(1), i32c(-1)),
          );
          const negative = f.let(i32.and(i32.shrU(seA, i32c(15)), i32c(1)));
          // Of different signs (a zero counts by the other's sign) the sign decides.
          f.if(
            i64.eqz(sigA),
            () => f.set(result, select(signOf(seB), i32c(1), i32c(-1))),
            () => f.if(
              i32.or(i64.eqz(sigB), signOf(i32.xor(seA, seB))),
              () => f.set(result, select(negative, i32c(-1), i32c(1))),
              () => f.set(result, select(negative, i32.sub(i32c(0), magnitude), magnitude)),
            ),
          );
        },
      );
      if (toFlags) {
        x.pop();
        f.return(select(i32.eqz(result), i32c(0x40), i32.ltS(result, i32c(0))));
      } else {
        const conditions = select(i32.eqz(result), i32c(0x4000), i32.shl(i32.ltS(result, i32c(0)), i32c(8)));
        f.do(i32.store(cpu, i32.or(i32.and(i32.load(cpu, FPU_SW), i32c(~0x4700)), conditions), FPU_SW));
        x.pop();
        f.return(i32c(0));
      }
    });
}

/** FLD: ST(i), a memory operand, 1 or 0. */
function load(m: ModuleBuilder, slow: FunctionRef): void {
  m.function('x87Constant', [I32, I32], [I32], (f) => {
    const x = new Frame(f, slow);
    x.check(false);
    // FLD1 and FLDZ; the irrational ones depend on the rounding mode.
    const number = f.let(field(x.code, 8, 15));
    x.slowIf(i32.and(i32.ne(number, i32c(0)), i32.ne(number, i32c(6))));
    x.push(select(number, i64c(0), i64c(TOP_BIT)), select(number, i32c(0), i32c(0x3fff)));
  });
  m.function(x87LoadName(K_ST), [I32, I32], [I32], (f) => {
    const x = new Frame(f, slow);
    x.check(false);
    const source = f.let(x.physical(field(x.code, 8, 15)));
    x.slowIf(x.empty(source));
    f.set(source, x.address(source));
    x.push(f.let(i64.load(source)), f.let(i32.load16U(source, 8)));
  });
  m.function(x87LoadName(K_M80), [I32, I32], [I32], (f) => {
    const x = new Frame(f, slow);
    x.check(false);
    x.push(f.let(i64.load(x.cpu, SCRATCH)), f.let(i32.load16U(x.cpu, SCRATCH + 8)));
  });
  for (const kind of FAST_KINDS)
    m.function(x87LoadName(kind), [I32, I32, I64], [I32], (f) => {
      const x = new Frame(f, slow, f.param(2));
      x.check(false);
      const sig = f.local(I64);
      const se = f.local(I32);
      decode(f, kind, f.let(f.param(2)), sig, se, (is) => x.slowIf(is));
      x.push(sig, se);
    });
}

/** Stores ST(0): to a register, or into SCRATCH + 32 for memory (result 1). */
function store(m: ModuleBuilder, slow: FunctionRef): void {
  for (const kind of [K_ST, K_M80, ...FAST_KINDS]) m.function(x87StoreName(kind), [I32, I32], [I32], (f) => {
    const x = new Frame(f, slow);
    const { cpu, code } = x;
    x.check(false);
    x.slowIf(x.empty(x.top));
    const at = f.let(x.address(x.top));
    const sig = f.let(i64.load(at));
    const se = f.let(i32.load(at, 8));
    const e = f.let(exponent(se));
    const out = f.local(I64);
    const rest = f.local(I64);
    const up = f.local(I32);
    const finish = (): void => {
      f.do(i64.store(cpu, out, SCRATCH + 32));
      f.do(i32.store(cpu, i32.or(flagless(cpu), i32.or(i32.shl(up, i32c(9)), i32.shl(i64.ne(rest, i64c(0)), i32c(5)))), FPU_SW));
      x.pop();
      f.return(i32c(1));
    };
    const nearest = (keepsOdd: Expr): Expr =>
      i32.and(i32.wrap(i64.shrU(rest, i64c(63))), i32.or(i64.ne(i64.shl(rest, i64c(1)), i64c(0)), i32.wrap(i64.and(keepsOdd, i64c(1)))));
    /** Round control and masks for a rounding store. */
    const rounds = (): void => x.slowIf(i32.ne(i32.and(i32.load(cpu, FPU_CW), i32c(0xc20)), i32c(0x20)));
    const float = (fraction: number, bias: number, max: number, signShift: number) => (): void => {
      rounds();
      f.if(i64.eqz(i64.or(sig, i64.extendU(e))), () => {
        f.set(out, i64.shl(i64.extendU(signOf(se)), i64c(signShift - 15)));
        finish();
      });
      f.set(e, i32.sub(e, i32c(16383 - bias)));
      // Room for a carry; anything near the ends is the slow path's.
      x.slowIf(i32.or(i64.geS(sig, i64c(0)), i32.geU(i32.sub(e, i32c(1)), i32c(max - 2))));
      f.set(rest, i64.shl(sig, i64c(fraction + 1)));
      f.set(out, i64.shrU(sig, i64c(63 - fraction)));
      f.set(up, nearest(out));
      // A carry out of the fraction goes into the exponent, as it should.
      f.set(out, i64.add(i64.add(i64.sub(out, i64c(1n << BigInt(fraction))), i64.extendU(up)), i64.shl(i64.extendU(e), i64c(fraction))));
      f.set(out, i64.or(out, i64.shl(i64.extendU(signOf(se)), i64c(signShift - 15))));
      finish();
    };
    const integer = (bits: number) => (): void => {
      const truncates = f.let(i32.or(i32.eq(i32.and(code, i32c(0xff)), i32c(X_STORE_TRUNCATED)), i32.eq(i32.and(i32.load(cpu, FPU_CW), i32c(0xc00)), i32c(0xc00))));
      x.slowIf(i32.ne(i32.and(i32.load(cpu, FPU_CW), i32c(0x20)), i32c(0x20)));
      x.slowIf(i32.eqz(i32.or(truncates, i32.eqz(i32.and(i32.load(cpu, FPU_CW), i32c(0xc00))))));
      // Magnitudes below 2^(bits - 2) need no range check.
      x.slowIf(i32.or(odd(sig, se), i32.geU(e, i32c(16383 + bits - 2))));
      f.if(
        i32.ltU(e, i32c(16382)),
        () => f.set(rest, i64.shrU(sig, i64c(1))),
        () => {
          const shift = f.let(i64.extendU(i32.sub(i32c(16383 + 63), e)));
          f.if(
            i64.eq(shift, i64c(64)),
            () => f.set(rest, sig),
            () => {
              f.set(out, i64.shrU(sig, shift));
              f.set(rest, i64.shl(sig, i64.sub(i64c(64), shift)));
            },
          );
        },
      );
      f.if(i32.eqz(truncates), () => {
        f.set(up, nearest(out));
        f.set(out, i64.add(out, i64.extendU(up)));
      });
      f.if(signOf(se), () => f.set(out, i64.sub(i64c(0), out)));
      finish();
    };
    const cases: (() => void)[] = [];
    cases[K_ST] = (): void => {
      const into = f.let(x.physical(field(code, 8, 15)));
      const to = f.let(x.address(into));
      f.do(i64.store(to, sig));
      f.do(i64.store(to, i64.extendU(i32.and(se, i32c(0xffff))), 8));
      f.set(x.tag, i32.or(x.tag, i32.shl(i32c(1), into)));
      f.do(i32.store(cpu, x.tag, FPU_TAG));
      x.clearC1();
      x.pop();
      f.return(i32c(0));
    };
    cases[K_M32] = float(23, 127, 255, 31);
    cases[K_M64] = float(52, 1023, 2047, 63);
    cases[K_I16] = integer(16);
    cases[K_I32] = integer(32);
    cases[K_I64] = integer(64);
    cases[K_M80] = (): void => {
      f.do(i64.store(cpu, sig, SCRATCH + 32));
      f.do(i32.store(cpu, se, SCRATCH + 40));
      x.clearC1();
      x.pop();
      f.return(i32c(1));
    };
    cases[kind]!(); // each kind has one
    f.unreachable();
  });
}

/** FXCH, FCHS, FABS. */
function move(m: ModuleBuilder, slow: FunctionRef): void {
  for (const op of FAST_MOVES) m.function(x87MoveName(op), [I32, I32], [I32], (f) => {
    const x = new Frame(f, slow);
    const { code } = x;
    x.check(false);
    x.slowIf(x.empty(x.top));
    const at = f.let(x.address(x.top));
    const se = f.let(i64.load(at, 8));
    if (op === X_XCH) {
      const other = f.let(x.physical(field(code, 8, 15)));
      x.slowIf(x.empty(other));
      const to = f.let(x.address(other));
      const sig = f.let(i64.load(at));
      f.do(i64.store(at, i64.load(to)));
      f.do(i64.store(at, i64.load(to, 8), 8));
      f.do(i64.store(to, sig));
      f.do(i64.store(to, se, 8));
    } else f.do(i64.store(at, op === X_CHS ? i64.xor(se, i64c(0x8000)) : i64.and(se, i64c(0x7fff)), 8));
    x.clearC1();
    f.return(i32c(0));
  });
}
