/**
 * The helper sseFloat as WebAssembly, for programs whose exception flags are watched or who flush denormals: what is ordinary (operands and results normal or
 * zero, round to nearest, all exceptions masked) is computed here, with the inexact flag told by exact remainders; all else is the slow path's (sse-slow.ts).
 */
import { f32, f32c, f64, f64c, i32, i32c, i64, i64c, select } from '../wasm/expressions.ts';
import type { Expr, Local } from '../wasm/expressions.ts';
import type { FunctionBuilder, FunctionRef, ModuleBuilder } from '../wasm/module-builder.ts';
import { F32, F64, I32 } from '../wasm/opcodes.ts';
import { MXCSR, SCRATCH } from '../x86/cpu-layout.ts';
import {
  FMT_PD, FMT_PS, FMT_SD, FMT_SS, OP_ADD, OP_CMP, OP_COMI, OP_CVTT_F_I32, OP_CVTT_F_I64, OP_CVT_F32_F64, OP_CVT_F64_F32, OP_CVT_F_I32, OP_CVT_F_I64, OP_CVT_I32_F, OP_CVT_I64_F, OP_DIV, OP_MAX, OP_MIN,
  OP_MUL, OP_RCP, OP_ROUND, OP_RSQRT, OP_SQRT, OP_SUB, OP_UCOMI,
} from '../x86/sse-slow.ts';

const A = SCRATCH;
const B = SCRATCH + 16;
const RESULT = SCRATCH + 32;
/** PE in MXCSR. */
const INEXACT = 0x20;
/** What MXCSR must be but for flags, DAZ and FTZ: nothing here is denormal. */
const CONTROL_MASK = 0x7f80;
const CONTROL_FAST = 0x1f80;

/** The parts of f32 and f64 that a lane is computed with. */
interface Lane {
  readonly type: typeof F32 | typeof F64;
  readonly o: typeof f64 | typeof f32;
  readonly c: (v: number) => Expr;
  /** Biased exponent. */
  exponent(x: Expr): Expr;
  readonly maxExponent: number;
  /** Veltkamp's splitting constant, 2^ceil(p/2) + 1. */
  readonly split: number;
}
const DOUBLE_LANE: Lane = { type: F64, o: f64, c: f64c, exponent: (x) => i32.and(i32.wrap(i64.shrU(i64.reinterpretF64(x), i64c(52))), i32c(0x7ff)), maxExponent: 0x7fe, split: 134217729 };
const SINGLE_LANE: Lane = { type: F32, o: f32, c: f32c, exponent: (x) => i32.and(i32.shrU(i32.reinterpretF32(x), i32c(23)), i32c(0xff)), maxExponent: 0xfe, split: 4097 };

/** Defines sseFloat(cpu, code). */
export function buildSseFloat(m: ModuleBuilder, slow: FunctionRef): void {
  const lane64 = laneFunction(m, DOUBLE_LANE, 'sseLane64');
  const lane32 = laneFunction(m, SINGLE_LANE, 'sseLane32');
  m.function('sseFloat', [I32, I32], [], (f) => {
    const cpu = f.param(0);
    const code = f.param(1);
    const toSlow = (): void => {
      f.do(slow.call(cpu, code));
      f.return();
    };
    const mxcsr = f.let(i32.load(cpu, MXCSR));
    const op = f.let(i32.and(code, i32c(0xff)));
    const fmt = f.let(i32.and(i32.shrU(code, i32c(8)), i32c(0xff)));
    const imm = f.let(i32.shrU(code, i32c(16)));
    f.if(i32.ne(i32.and(mxcsr, i32c(CONTROL_MASK)), i32c(CONTROL_FAST)), toSlow);
    const noteInexact = (flags: Expr): void => f.do(i32.store(cpu, i32.or(mxcsr, flags), MXCSR));
    f.if(i32.leU(op, i32c(OP_SQRT)), () => {
      const all = f.local(I32);
      const flags = f.local(I32);
      const lanes = (l: Lane, fn: FunctionRef, count: number): void => {
        const r = f.local(l.type);
        const size = l.type === F64 ? 8 : 4;
        for (let k = 0; k < count; k++) {
          f.callInto([r, flags], fn, op, l.o.load(cpu, A + k * size), l.o.load(cpu, B + k * size), mxcsr);
          f.if(i32.ltS(flags, i32c(0)), toSlow);
          f.set(all, i32.or(all, flags));
          f.do(l.o.store(cpu, r, RESULT + k * size));
        }
        noteInexact(all);
        f.return();
      };
      const cases: (() => void)[] = [];
      cases[FMT_PS] = (): void => lanes(SINGLE_LANE, lane32, 4);
      cases[FMT_PD] = (): void => lanes(DOUBLE_LANE, lane64, 2);
      cases[FMT_SS] = (): void => lanes(SINGLE_LANE, lane32, 1);
      cases[FMT_SD] = (): void => lanes(DOUBLE_LANE, lane64, 1);
      f.switch(fmt, cases, toSlow);
    });
    approximations(f, cpu, op, fmt, toSlow);
    comparisons(f, cpu, op, fmt, imm, toSlow);
    conversions(f, cpu, op, fmt, imm, toSlow, noteInexact);
    toSlow();
  });
}

/** Normal or zero. */
function ordinary(l: Lane, x: Expr): Expr {
  return i32.or(i32.ltU(i32.sub(l.exponent(x), i32c(1)), i32c(l.maxExponent)), l.o.eq(x, l.c(0)));
}

/** (op, a, b, mxcsr) → result, and 0 or PE; -1 = not for here. */
function laneFunction(m: ModuleBuilder, l: Lane, name: string): FunctionRef {
  const { o, c, type } = l;
  return m.function(name, [I32, type, type, I32], [type, I32], (f) => {
    const op = f.param(0);
    const a = f.param(1);
    const b = f.param(2);
    const mxcsr = f.param(3);
    const r = f.local(type);
    const give = (flags: Expr): void => f.return(r, flags);
    const refuse = (): void => give(i32c(-1));
    f.if(i32.eq(op, i32c(OP_SQRT)), () => f.set(a, b));
    f.if(i32.eqz(i32.and(ordinary(l, a), ordinary(l, b))), refuse);
    const known = i32.and(mxcsr, i32c(INEXACT));
    /** The result is well inside the normal range. */
    const inside = (): void => f.if(i32.geU(i32.sub(l.exponent(r), i32c(2)), i32c(l.maxExponent - 1)), refuse);
    /** Error of the product x y whose rounded value is p, by Dekker; needs exponents away from the ends. */
    const productError = (x: Expr, y: Expr, p: Expr): Expr => {
      const high = (v: Expr): Local => {
        const t = f.let(o.mul(v, c(l.split)));
        return f.let(o.sub(t, o.sub(t, v)));
      };
      const xh = high(x);
      const xl = f.let(o.sub(x, xh));
      const yh = high(y);
      const yl = f.let(o.sub(y, yh));
      return o.add(o.add(o.add(o.sub(o.mul(xh, yh), p), o.mul(xh, yl)), o.mul(xl, yh)), o.mul(xl, yl));
    };
    /** Splitting neither overflows nor loses bits. */
    const margin = l.type === F64 ? 60 : 28;
    const moderate = (x: Expr): void => f.if(i32.geU(i32.sub(l.exponent(x), i32c(margin)), i32c(l.maxExponent - 2 * margin)), refuse);
    const sum = (subtract: boolean) => (): void => {
      if (subtract) f.set(b, o.neg(b));
      f.set(r, o.add(a, b));
      f.if(o.eq(r, c(0)), () => give(i32c(0)));
      inside();
      f.if(known, () => give(i32c(0)));
      const bb = f.let(o.sub(r, a));
      f.if(i32.geU(l.exponent(a), i32c(l.maxExponent - 1)), refuse);
      f.if(i32.geU(l.exponent(b), i32c(l.maxExponent - 1)), refuse);
      const error = o.add(o.sub(a, o.sub(r, bb)), o.sub(b, bb));
      give(i32.shl(o.ne(error, c(0)), i32c(5)));
    };
    const cases: (() => void)[] = [];
    cases[OP_ADD] = sum(false);
    cases[OP_SUB] = sum(true);
    cases[OP_MUL] = (): void => {
      f.set(r, o.mul(a, b));
      f.if(i32.or(o.eq(a, c(0)), o.eq(b, c(0))), () => give(i32c(0)));
      inside();
      f.if(known, () => give(i32c(0)));
      moderate(a);
      moderate(b);
      moderate(r);
      give(i32.shl(o.ne(productError(a, b, r), c(0)), i32c(5)));
    };
    cases[OP_DIV] = (): void => {
      f.if(o.eq(b, c(0)), refuse);
      f.set(r, o.div(a, b));
      f.if(o.eq(a, c(0)), () => give(i32c(0)));
      inside();
      f.if(known, () => give(i32c(0)));
      moderate(a);
      moderate(b);
      moderate(r);
      const p = f.let(o.mul(r, b));
      give(i32.shl(i32.or(o.ne(p, a), o.ne(productError(r, b, p), c(0))), i32c(5)));
    };
    cases[OP_MIN] = (): void => {
      f.set(r, select(o.lt(a, b), a, b));
      give(i32c(0));
    };
    cases[OP_MAX] = (): void => {
      f.set(r, select(o.gt(a, b), a, b));
      give(i32c(0));
    };
    cases[OP_SQRT] = (): void => {
      f.if(o.lt(b, c(0)), refuse);
      f.set(r, o.sqrt(b));
      f.if(i32.or(known, o.eq(b, c(0))), () => give(i32c(0)));
      moderate(b);
      moderate(r);
      const p = f.let(o.mul(r, r));
      give(i32.shl(i32.or(o.ne(p, b), o.ne(productError(r, r, p), c(0))), i32c(5)));
    };
    f.switch(op, cases, refuse);
    f.unreachable();
  });
}

/** RCP and RSQRT of normal numbers, cut to 12 bits as the slow path does; they raise nothing. */
function approximations(f: FunctionBuilder, cpu: Local, op: Local, fmt: Local, toSlow: () => void): void {
  f.if(i32.or(i32.eq(op, i32c(OP_RCP)), i32.eq(op, i32c(OP_RSQRT))), () => {
    const root = i32.eq(op, i32c(OP_RSQRT));
    const lane = (k: number): void => {
      const x = f.let(f32.load(cpu, B + k * 4));
      const e = f.let(SINGLE_LANE.exponent(x));
      // The reciprocal stays normal.
      f.if(i32.or(i32.geU(i32.sub(e, i32c(1)), i32c(0xfb)), i32.and(root, f32.lt(x, f32c(0)))), toSlow);
      const v = f.let(f64.promote(x));
      const r = f.let(f32.demote(f64.div(f64c(1), select(root, f64.sqrt(v), v))));
      f.do(i32.store(cpu, i32.and(i32.add(i32.reinterpretF32(r), i32c(0x800)), i32c(~0xfff)), RESULT + k * 4));
    };
    lane(0);
    f.if(i32.eq(fmt, i32c(FMT_PS)), () => {
      for (let k = 1; k < 4; k++) lane(k);
    });
    f.return();
  });
}

/** CMPcc and (U)COMIS of ordinary numbers raise nothing. */
function comparisons(f: FunctionBuilder, cpu: Local, op: Local, fmt: Local, imm: Local, toSlow: () => void): void {
  const lanes = (l: Lane, count: number): void => {
    const size = l.type === F64 ? 8 : 4;
    for (let k = 0; k < count; k++) {
      const a = f.let(l.o.load(cpu, A + k * size));
      const b = f.let(l.o.load(cpu, B + k * size));
      f.if(i32.eqz(i32.and(ordinary(l, a), ordinary(l, b))), toSlow);
      const kind = f.let(i32.and(imm, i32c(3)));
      const truth = select(
        i32.eqz(kind),
        l.o.eq(a, b),
        select(i32.eq(kind, i32c(1)), l.o.lt(a, b), select(i32.eq(kind, i32c(2)), l.o.le(a, b), i32c(0))),
      );
      const mask = i32.sub(i32c(0), i32.xor(truth, i32.shrU(imm, i32c(2))));
      f.do(size === 8 ? i64.store(cpu, i64.extendS(mask), RESULT + k * 8) : i32.store(cpu, mask, RESULT + k * 4));
    }
    f.return();
  };
  f.if(i32.eq(op, i32c(OP_CMP)), () => {
    const cases: (() => void)[] = [];
    cases[FMT_PS] = (): void => lanes(SINGLE_LANE, 4);
    cases[FMT_PD] = (): void => lanes(DOUBLE_LANE, 2);
    cases[FMT_SS] = (): void => lanes(SINGLE_LANE, 1);
    cases[FMT_SD] = (): void => lanes(DOUBLE_LANE, 1);
    f.switch(fmt, cases, toSlow);
  });
  const flags = (l: Lane): void => {
    const a = f.let(l.o.load(cpu, A));
    const b = f.let(l.o.load(cpu, B));
    f.if(i32.eqz(i32.and(ordinary(l, a), ordinary(l, b))), toSlow);
    f.do(i32.store(cpu, select(l.o.eq(a, b), i32c(0x40), l.o.lt(a, b)), RESULT));
    f.return();
  };
  f.if(i32.or(i32.eq(op, i32c(OP_COMI)), i32.eq(op, i32c(OP_UCOMI))), () => f.if(i32.eq(fmt, i32c(FMT_SD)), () => flags(DOUBLE_LANE), () => flags(SINGLE_LANE)));
}

function conversions(f: FunctionBuilder, cpu: Local, op: Local, fmt: Local, imm: Local, toSlow: () => void, noteInexact: (flags: Expr) => void): void {
  const is = (n: number): Expr => i32.eq(op, i32c(n));
  const scalarDouble = i32.eq(fmt, i32c(FMT_SD));
  const scalarSingle = i32.eq(fmt, i32c(FMT_SS));
  const done = (inexact: Expr): void => {
    noteInexact(i32.shl(inexact, i32c(5)));
    f.return();
  };
  // Integers to floats: exact if what comes back is the same. 2^63 does not fit and is left out.
  f.if(i32.or(is(OP_CVT_I64_F), is(OP_CVT_I32_F)), () => {
    f.if(i32.eqz(i32.or(scalarDouble, scalarSingle)), toSlow);
    const n = f.let(select(is(OP_CVT_I64_F), i64.load(cpu, B), i64.load32S(cpu, B)));
    f.if(i64.geU(i64.add(n, i64c(1n << 62n)), i64c(1n << 63n)), toSlow);
    const r = f.local(F64);
    f.if(
      scalarDouble,
      () => {
        f.set(r, f64.convertI64S(n));
        f.do(f64.store(cpu, r, RESULT));
      },
      () => {
        const s = f.let(f32.convertI64S(n));
        f.do(f32.store(cpu, s, RESULT));
        f.set(r, f64.promote(s));
      },
    );
    done(i64.ne(truncate(r), n));
  });
  f.if(i32.leU(i32.sub(op, i32c(OP_CVT_F_I32)), i32c(OP_CVTT_F_I64 - OP_CVT_F_I32)), () => {
    f.if(i32.eqz(i32.or(scalarDouble, scalarSingle)), toSlow);
    const x = f.local(F64);
    f.if(
      scalarDouble,
      () => {
        f.set(x, f64.load(cpu, B));
        f.if(i32.eqz(ordinary(DOUBLE_LANE, x)), toSlow);
      },
      () => {
        const s = f.let(f32.load(cpu, B));
        f.if(i32.eqz(ordinary(SINGLE_LANE, s)), toSlow);
        f.set(x, f64.promote(s));
      },
    );
    const wide = i32.or(is(OP_CVT_F_I64), is(OP_CVTT_F_I64));
    f.if(i32.eqz(f64.lt(f64.abs(x), select(wide, f64c(9e18), f64c(2147483647)))), toSlow);
    const t = f.let(select(i32.geU(op, i32c(OP_CVTT_F_I32)), f64.trunc(x), f64.nearest(x)));
    f.do(i64.store(cpu, truncate(t), RESULT));
    done(f64.ne(t, x));
  });
  f.if(is(OP_CVT_F64_F32), () => {
    f.if(i32.eqz(scalarSingle), toSlow);
    const x = f.let(f64.load(cpu, B));
    f.if(i32.eqz(ordinary(DOUBLE_LANE, x)), toSlow);
    const r = f.let(f32.demote(x));
    f.if(i32.and(i32.geU(i32.sub(SINGLE_LANE.exponent(r), i32c(2)), i32c(0xfd)), f64.ne(x, f64c(0))), toSlow);
    f.do(f32.store(cpu, r, RESULT));
    done(f64.ne(f64.promote(r), x));
  });
  f.if(is(OP_CVT_F32_F64), () => {
    f.if(i32.eqz(scalarDouble), toSlow);
    const x = f.let(f32.load(cpu, B));
    f.if(i32.eqz(ordinary(SINGLE_LANE, x)), toSlow);
    f.do(f64.store(cpu, f64.promote(x), RESULT));
    f.return();
  });
  f.if(is(OP_ROUND), () => {
    const lane = (l: Lane): void => {
      const { o } = l;
      const x = f.let(o.load(cpu, B));
      f.if(i32.eqz(ordinary(l, x)), toSlow);
      const mode = f.let(select(i32.and(imm, i32c(4)), i32c(0), i32.and(imm, i32c(3))));
      const r = f.let(select(i32.eqz(mode), o.nearest(x), select(i32.eq(mode, i32c(1)), o.floor(x), select(i32.eq(mode, i32c(2)), o.ceil(x), o.trunc(x)))));
      f.do(o.store(cpu, r, RESULT));
      done(i32.and(o.ne(r, x), i32.eqz(i32.and(imm, i32c(8)))));
    };
    f.if(scalarDouble, () => lane(DOUBLE_LANE));
    f.if(scalarSingle, () => lane(SINGLE_LANE));
  });
}
/** An integral f64 of magnitude below 2^63 as i64. */
function truncate(x: Expr): Expr {
  return i64.truncSatF64S(x);
}
