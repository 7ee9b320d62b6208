/**
 * Typed expressions for hand-written WebAssembly functions: `i64.add(x, i64.shl(y, i64c(3)))`.
 * An expression is built once, when the runtime module is assembled, and may be emitted several times (it has no state of its own).
 */
import type { CodeWriter } from './code-writer.ts';
import { F32, F64, I32, I64, V128 } from './opcodes.ts';
import type { ValueType } from './opcodes.ts';

export class Expr {
  readonly type: ValueType | 0;
  readonly emit: (w: CodeWriter) => void;
  constructor(type: ValueType | 0, emit: (w: CodeWriter) => void) {
    this.type = type;
    this.emit = emit;
  }
}

/** A local variable or parameter; as an expression it is its value. */
export class Local extends Expr {
  readonly index: number;
  constructor(type: ValueType, index: number) {
    super(type, (w) => w.localGet(index));
    this.index = index;
  }
  /** The value of `e`, also stored in the local. */
  tee(e: Expr): Expr {
    return new Expr(this.type, (w) => {
      e.emit(w);
      w.localTee(this.index);
    });
  }
}

export function i32c(v: number): Expr {
  return new Expr(I32, (w) => w.i32Const(v));
}
/** An i64 constant; numbers must be safe integers. */
export function i64c(v: number | bigint): Expr {
  const b = BigInt.asIntN(64, BigInt(v));
  const lo = Number(BigInt.asIntN(32, b));
  const hi = Number(BigInt.asIntN(32, b >> 32n));
  return new Expr(I64, (w) => w.i64Const(lo, hi));
}
export function f64c(v: number): Expr {
  const words = new Int32Array(new Float64Array([v]).buffer);
  return new Expr(F64, (w) => {
    w.byte(0x44);
    w.word(words[0]!);
    w.word(words[1]!);
  });
}
export function f32c(v: number): Expr {
  const words = new Int32Array(new Float32Array([v]).buffer);
  return new Expr(F32, (w) => {
    w.byte(0x43);
    w.word(words[0]!);
  });
}
/** A v128 constant of four 32-bit lanes, lowest first. */
export function v128c(a: number, b: number, c: number, d: number): Expr {
  return new Expr(V128, (w) => {
    w.simd(12);
    w.word(a);
    w.word(b);
    w.word(c);
    w.word(d);
  });
}

function unary(type: ValueType, op: number): (x: Expr) => Expr {
  return (x) =>
    new Expr(type, (w) => {
      x.emit(w);
      w.byte(op);
    });
}
function binary(type: ValueType, op: number): (x: Expr, y: Expr) => Expr {
  return (x, y) =>
    new Expr(type, (w) => {
      x.emit(w);
      y.emit(w);
      w.byte(op);
    });
}
function load(type: ValueType, op: number): (address: Expr, offset?: number) => Expr {
  return (address, offset = 0) =>
    new Expr(type, (w) => {
      address.emit(w);
      w.memory(op, offset);
    });
}
function store(op: number): (address: Expr, value: Expr, offset?: number) => Expr {
  return (address, value, offset = 0) =>
    new Expr(0, (w) => {
      address.emit(w);
      value.emit(w);
      w.memory(op, offset);
    });
}

type Unary = (x: Expr) => Expr;
type Binary = (x: Expr, y: Expr) => Expr;
type Load = (address: Expr, offset?: number) => Expr;
type Store = (address: Expr, value: Expr, offset?: number) => Expr;
interface IntOps {
  eqz: Unary; clz: Unary; ctz: Unary; popcnt: Unary;
  eq: Binary; ne: Binary; ltS: Binary; ltU: Binary; gtS: Binary; gtU: Binary; leS: Binary; leU: Binary; geS: Binary; geU: Binary;
  add: Binary; sub: Binary; mul: Binary; divS: Binary; divU: Binary; remS: Binary; remU: Binary;
  and: Binary; or: Binary; xor: Binary; shl: Binary; shrS: Binary; shrU: Binary; rotl: Binary; rotr: Binary;
  extend8S: Unary; extend16S: Unary;
  load: Load; load8S: Load; load8U: Load; load16S: Load; load16U: Load; store: Store; store8: Store; store16: Store;
}

function intOps(t: ValueType, compare: number, arith: number, extend: number): IntOps {
  const wide = t === I64;
  return {
    eqz: unary(I32, compare), eq: binary(I32, compare + 1), ne: binary(I32, compare + 2),
    ltS: binary(I32, compare + 3), ltU: binary(I32, compare + 4), gtS: binary(I32, compare + 5), gtU: binary(I32, compare + 6),
    leS: binary(I32, compare + 7), leU: binary(I32, compare + 8), geS: binary(I32, compare + 9), geU: binary(I32, compare + 10),
    clz: unary(t, arith), ctz: unary(t, arith + 1), popcnt: unary(t, arith + 2),
    add: binary(t, arith + 3), sub: binary(t, arith + 4), mul: binary(t, arith + 5),
    divS: binary(t, arith + 6), divU: binary(t, arith + 7), remS: binary(t, arith + 8), remU: binary(t, arith + 9),
    and: binary(t, arith + 10), or: binary(t, arith + 11), xor: binary(t, arith + 12),
    shl: binary(t, arith + 13), shrS: binary(t, arith + 14), shrU: binary(t, arith + 15), rotl: binary(t, arith + 16), rotr: binary(t, arith + 17),
    extend8S: unary(t, extend), extend16S: unary(t, extend + 1),
    load: load(t, wide ? 0x29 : 0x28),
    load8S: load(t, wide ? 0x30 : 0x2c), load8U: load(t, wide ? 0x31 : 0x2d), load16S: load(t, wide ? 0x32 : 0x2e), load16U: load(t, wide ? 0x33 : 0x2f),
    store: store(wide ? 0x37 : 0x36), store8: store(wide ? 0x3c : 0x3a), store16: store(wide ? 0x3d : 0x3b),
  };
}

export const i32: IntOps & { wrap: Unary; reinterpretF32: Unary; truncF64S: Unary } = {
  ...intOps(I32, 0x45, 0x67, 0xc0),
  /** Low half of an i64. */
  wrap: unary(I32, 0xa7),
  reinterpretF32: unary(I32, 0xbc),
  truncF64S: unary(I32, 0xaa),
};
export const i64: IntOps & { extendS: Unary; extendU: Unary; extend32S: Unary; reinterpretF64: Unary; truncSatF64S: Unary; load32S: Load; load32U: Load; store32: Store } = {
  ...intOps(I64, 0x50, 0x79, 0xc2),
  extendS: unary(I64, 0xac),
  extendU: unary(I64, 0xad),
  extend32S: unary(I64, 0xc4),
  reinterpretF64: unary(I64, 0xbd),
  /** Saturating truncation. */
  truncSatF64S: (x) =>
    new Expr(I64, (w) => {
      x.emit(w);
      w.byte2(0xfc, 6);
    }),
  load32S: load(I64, 0x34),
  load32U: load(I64, 0x35),
  store32: store(0x3e),
};

interface FloatOps {
  eq: Binary; ne: Binary; lt: Binary; gt: Binary; le: Binary; ge: Binary;
  abs: Unary; neg: Unary; ceil: Unary; floor: Unary; trunc: Unary; nearest: Unary; sqrt: Unary;
  add: Binary; sub: Binary; mul: Binary; div: Binary; min: Binary; max: Binary; copysign: Binary;
  load: Load; store: Store;
}
function floatOps(t: ValueType, compare: number, arith: number, ld: number, st: number): FloatOps {
  return {
    eq: binary(I32, compare), ne: binary(I32, compare + 1), lt: binary(I32, compare + 2), gt: binary(I32, compare + 3), le: binary(I32, compare + 4), ge: binary(I32, compare + 5),
    abs: unary(t, arith), neg: unary(t, arith + 1), ceil: unary(t, arith + 2), floor: unary(t, arith + 3), trunc: unary(t, arith + 4), nearest: unary(t, arith + 5), sqrt: unary(t, arith + 6),
    add: binary(t, arith + 7), sub: binary(t, arith + 8), mul: binary(t, arith + 9), div: binary(t, arith + 10), min: binary(t, arith + 11), max: binary(t, arith + 12), copysign: binary(t, arith + 13),
    load: load(t, ld), store: store(st),
  };
}
export const f32: FloatOps & { reinterpret: Unary; demote: Unary; convertI32S: Unary; convertI64S: Unary } = {
  ...floatOps(F32, 0x5b, 0x8b, 0x2a, 0x38),
  reinterpret: unary(F32, 0xbe),
  demote: unary(F32, 0xb6),
  convertI32S: unary(F32, 0xb2),
  convertI64S: unary(F32, 0xb4),
};
export const f64: FloatOps & { reinterpret: Unary; promote: Unary; convertI32S: Unary; convertI32U: Unary; convertI64S: Unary; convertI64U: Unary } = {
  ...floatOps(F64, 0x61, 0x99, 0x2b, 0x39),
  reinterpret: unary(F64, 0xbf),
  promote: unary(F64, 0xbb),
  convertI32S: unary(F64, 0xb7),
  convertI32U: unary(F64, 0xb8),
  convertI64S: unary(F64, 0xb9),
  convertI64U: unary(F64, 0xba),
};

export const v128: { load: Load; store: Store; op1: (t: ValueType, n: number, x: Expr) => Expr; op2: (t: ValueType, n: number, x: Expr, y: Expr) => Expr; lane: (t: ValueType, n: number, lane: number, ...x: Expr[]) => Expr } = {
  load: (address, offset = 0) =>
    new Expr(V128, (w) => {
      address.emit(w);
      w.simd(0);
      w.byte(0);
      w.u32(offset);
    }),
  store: (address, value, offset = 0) =>
    new Expr(0, (w) => {
      address.emit(w);
      value.emit(w);
      w.simd(11);
      w.byte(0);
      w.u32(offset);
    }),
  /** A SIMD operation by its number behind the 0xfd prefix. */
  op1: (t, n, x) =>
    new Expr(t, (w) => {
      x.emit(w);
      w.simd(n);
    }),
  op2: (t, n, x, y) =>
    new Expr(t, (w) => {
      x.emit(w);
      y.emit(w);
      w.simd(n);
    }),
  lane: (t, n, lane, ...x) =>
    new Expr(t, (w) => {
      for (const e of x) e.emit(w);
      w.simd(n);
      w.byte(lane);
    }),
};

/** condition ? x : y, both evaluated. */
export function select(condition: Expr, x: Expr, y: Expr): Expr {
  return new Expr(x.type, (w) => {
    x.emit(w);
    y.emit(w);
    condition.emit(w);
    if (x.type === V128) {
      w.byte2(0x1c, 1);
      w.byte(V128);
    } else w.byte(0x1b);
  });
}
/** condition ? x : y, only one evaluated. */
export function choose(condition: Expr, x: Expr, y: Expr): Expr {
  return new Expr(x.type, (w) => {
    condition.emit(w);
    w.byte2(0x04, x.type);
    x.emit(w);
    w.byte(0x05);
    y.emit(w);
    w.byte(0x0b);
  });
}
