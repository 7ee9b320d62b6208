/** x87 instructions: rows and lifters. Computation is in the helper `x87` (x87-slow.ts) and the fast paths of platform/x87-runtime.ts. Source: SDM vol. 2. */
import { FPU_CW, FPU_DP, FPU_IP, FPU_OPCODE, FPU_SW, FPU_TAG, FPU_TOP, SCRATCH, ST } from './cpu-layout.ts';
import { EXIT_X87 } from './exits.ts';
import { CC_B, CC_BE, CC_E, CC_P, FLAGS_RAW } from './flags.ts';
import { define } from './forms.ts';
import type { Lifter, Row } from './forms.ts';
import { scratchHelper } from './helpers.ts';
import type { Insn } from './insn.ts';
import { I32_ADD, I32_AND, I32_GE_S, I32_OR, I32_SHL, I32_SHR_U, I32_XOR, I64_OR } from './ir-ops.ts';
import { I32, I64 } from './ir.ts';
import type { IrBuilder, Node, Temp } from './ir.ts';
import { memory } from './operands.ts';
import {
  FAST_ARITHMETIC, FAST_KINDS, FAST_MOVES, K_BCD, K_I16, K_I32, K_I64, K_M32, K_M64, K_M80, K_ST, X_ABS, X_ADD, X_CHS, X_CMOV, X_COM, X_COMI, X_COMP, X_CONSTANT, X_DECSTP, X_DIV, X_DIVR, X_F2XM1, X_FCOS, X_FPATAN, X_FPTAN, X_FREE,
  X_FSIN, X_FSINCOS, X_FYL2X, X_FYL2XP1, X_INCSTP, X_LOAD, X_MUL, X_NOP, X_PREM, X_PREM1, X_RNDINT, X_SCALE, X_SQRT, X_STORE, X_STORE_TRUNCATED, X_STORE_UNCHECKED, X_SUB, X_SUBR, X_TST, X_UCOM, X_UCOMI,
  X_XAM, X_XCH, X_XTRACT, x87ArithmeticName, x87Code, x87LoadName, x87MoveName, x87StoreName,
} from './x87-slow.ts';

const X87_HELPER = scratchHelper('x87', [I32], I32, true);
// The fast paths of platform/x87-runtime.ts, which fall back on it.
/** By operation and kind of the other operand. */
const ARITHMETIC: number[][] = [];
for (const op of FAST_ARITHMETIC) {
  const byKind: number[] = [];
  byKind[K_ST] = scratchHelper(x87ArithmeticName(op, K_ST), [I32, I32, I32, I32], I32, true);
  for (const kind of FAST_KINDS) byKind[kind] = scratchHelper(x87ArithmeticName(op, kind), [I32, I64], I32, true);
  ARITHMETIC[op] = byKind;
}
const COMPARE = scratchHelper('x87Compare', [I32], I32, true);
const COMPARE_FLAGS = scratchHelper('x87CompareFlags', [I32], I32, true);
const CONSTANT = scratchHelper('x87Constant', [I32], I32, true);
const LOAD: number[] = [];
const STORE: number[] = [];
for (const kind of [K_ST, K_M80]) LOAD[kind] = scratchHelper(x87LoadName(kind), [I32], I32, true);
for (const kind of FAST_KINDS) LOAD[kind] = scratchHelper(x87LoadName(kind), [I32, I64], I32, true);
for (const kind of [K_ST, K_M80, ...FAST_KINDS]) STORE[kind] = scratchHelper(x87StoreName(kind), [I32], I32, true);
const MOVE: number[] = [];
for (const op of FAST_MOVES) MOVE[op] = scratchHelper(x87MoveName(op), [I32], I32, true);

const SIZES: readonly number[] = [0, 4, 8, 2, 4, 8, 10, 10];

/** The helper for an operation whose memory operand, if any, is in SCRATCH. */
function helperOf(op: number, kind: number): number {
  switch (op) {
    case X_COM: case X_COMP: case X_UCOM: return COMPARE;
    case X_LOAD: return kind === K_BCD ? X87_HELPER : LOAD[kind]!;
    case X_CONSTANT: return CONSTANT;
    case X_STORE: case X_STORE_TRUNCATED: return STORE[kind] ?? X87_HELPER;
    case X_XCH: case X_CHS: case X_ABS: return MOVE[op]!;
    default: return X87_HELPER;
  }
}
function run(b: IrBuilder, code: number): void {
  const op = code & 0xff;
  const arithmetic = ARITHMETIC[op]?.[K_ST];
  if (arithmetic !== undefined) {
    const dest = (code >> 20) & 7;
    b.callHelper(arithmetic, b.c32(code), b.c32(dest), b.c32(dest === 0 ? (code >> 8) & 15 : 0), b.c32((code >> 16) & 3));
  } else b.callHelper(helperOf(op, (code >> 12) & 15), b.c32(code));
}
/** Puts a memory operand's bytes into SCRATCH. */
function fetchOperand(b: IrBuilder, i: Insn, kind: number): void {
  const size = SIZES[kind]!;
  if (size === 10) {
    const a = b.let(I64, memory(b, i));
    const low = b.let(I64, b.load(b.tmp(a), 8, I64));
    const high = b.let(I64, b.load(b.add64(b.tmp(a), b.c64s(8)), 2, I64));
    b.setState(SCRATCH, b.tmp(low), I64);
    b.setState(SCRATCH + 8, b.tmp(high), I64);
  } else b.setState(SCRATCH, b.load(memory(b, i), size, I64), I64);
}
/** An operation on registers, ST(i) = rm. */
function registers(op: number, pops = 0, destination: 'st0' | 'sti' = 'st0'): Lifter {
  return (b, i) => run(b, x87Code(op, i.rm & 7, K_ST, pops, destination === 'sti' ? i.rm & 7 : 0));
}
/** A fixed operation. */
function fixed(op: number, operand = 0, pops = 0): Lifter {
  return (b) => run(b, x87Code(op, operand, K_ST, pops));
}
function fromMemory(op: number, kind: number, pops = 0): Lifter {
  const direct = FAST_KINDS.includes(kind) ? (op === X_LOAD ? LOAD[kind] : ARITHMETIC[op]?.[kind]) : undefined;
  const code = x87Code(op, 0, kind, pops);
  return (b, i) => {
    if (direct === undefined) {
      fetchOperand(b, i, kind);
      b.callHelper(helperOf(op, kind), b.c32(code));
      return;
    }
    const v = b.let(I64, b.load(memory(b, i), SIZES[kind]!, I64));
    b.callHelper(direct, b.c32(code), b.tmp(v));
  };
}
/** Address checked first; then the helper computes, sets flags and pops; the bytes go out if it says so. */
function toMemory(op: number, kind: number, pops: number): Lifter {
  return (b, i) => {
    const size = SIZES[kind]!;
    const place = b.rmw(memory(b, i), size);
    b.if(b.helper(helperOf(op, kind), b.c32(x87Code(op, 0, kind, pops))));
    if (size === 10) {
      b.rawStore(b.tmp(place), b.state(SCRATCH + 32, I64), 8);
      b.rawStore(b.binary(I32_ADD, b.tmp(place), b.c32(8)), b.state(SCRATCH + 40, I32), 2);
    } else b.rawStore(b.tmp(place), b.state(SCRATCH + 32, size === 8 ? I64 : I32), size);
    b.end();
    b.rmwEnd(place, size);
  };
}
/** FCOMI and its kin: the helper's result is the new flags, or -1. */
function compareFlags(op: number, pops: number): Lifter {
  return (b, i) => {
    const r = b.let(I32, b.helper(COMPARE_FLAGS, b.c32(x87Code(op, i.rm & 7, K_ST, pops))));
    const flags = b.select(b.binary(I32_GE_S, b.tmp(r), b.c32(0)), b.tmp(r), b.eflags());
    b.setFlags(FLAGS_RAW, 4, b.c64s(0), b.zext(flags));
  };
}
function conditionalMove(cc: number): Lifter {
  return (b, i) => {
    const code = b.binary(I32_OR, b.c32(x87Code(X_CMOV, i.rm & 7)), b.binary(I32_SHL, b.cond(cc), b.c32(12)));
    b.callHelper(X87_HELPER, code);
  };
}

/** The status word with TOP (i32). */
function statusWord(b: IrBuilder): Node {
  return b.binary(I32_OR, b.state(FPU_SW, I32), b.binary(I32_SHL, b.state(FPU_TOP, I32), b.c32(11)));
}
/** Summary bits that follow from flags and masks. */
function setControl(b: IrBuilder, cw: Temp): void {
  b.setState(FPU_CW, b.binary(I32_OR, b.binary(I32_AND, b.tmp(cw), b.c32(0x1f3f)), b.c32(0x40)), I32);
  const raised = b.binary(I32_AND, b.state(FPU_SW, I32), b.binary(I32_AND, b.binary(I32_XOR, b.tmp(cw), b.c32(-1)), b.c32(0x3f)));
  const rest = b.let(I32, b.binary(I32_AND, b.state(FPU_SW, I32), b.c32(0x7f7f)));
  b.setState(FPU_SW, b.select(raised, b.binary(I32_OR, b.tmp(rest), b.c32(0x8080)), b.tmp(rest)), I32);
}
/** A waiting instruction: #MF if an unmasked exception stands. */
function wait(b: IrBuilder): void {
  b.faultIf(b.binary(I32_AND, b.state(FPU_SW, I32), b.c32(0x80)), EXIT_X87);
}

const fldcw: Lifter = (b, i) => {
  const cw = b.let(I32, b.loadInt(memory(b, i), 2));
  wait(b);
  setControl(b, cw);
};
const fnstcw: Lifter = (b, i) => b.store(memory(b, i), b.state(FPU_CW, I32), 2);
const fnstsw: Lifter = (b, i) => b.store(memory(b, i), statusWord(b), 2);
const fnstswAx: Lifter = (b) => b.setReg(0, b.binary(I64_OR, b.and64(b.reg(0), b.c64(~0xffff, -1)), b.zext(b.and32(statusWord(b), b.c32(0xffff)))));
const fnclex: Lifter = (b) => b.setState(FPU_SW, b.binary(I32_AND, b.state(FPU_SW, I32), b.c32(0x7f00)), I32);
function initialise(b: IrBuilder): void {
  b.setState(FPU_CW, b.c32(0x37f), I32);
  for (const field of [FPU_SW, FPU_TOP, FPU_TAG, FPU_OPCODE]) b.setState(field, b.c32(0), I32);
  b.setState(FPU_IP, b.c64s(0), I64);
  b.setState(FPU_DP, b.c64s(0), I64);
}

/** Host address of ST(i) (i32). */
function stackSlot(b: IrBuilder, n: number): Node {
  const index = b.and32(b.add32(b.state(FPU_TOP, I32), b.c32(n)), b.c32(7));
  return b.add32(b.add32(b.cpu(), b.binary(I32_SHL, index, b.c32(4))), b.c32(ST));
}
/** Two-bit tags (0 valid, 1 zero, 2 special, 3 empty) from the valid bits and the registers. */
function fullTags(b: IrBuilder): Temp {
  const t = b.variable(I32, b.c32(0));
  for (let r = 0; r < 8; r++) {
    const se = b.let(I32, b.and32(b.wrap(b.state(ST + r * 16 + 8, I64)), b.c32(0x7fff)));
    const sig = b.let(I64, b.state(ST + r * 16, I64));
    const zero = b.isZero(8, b.tmp(sig));
    const normal = b.binary(I32_AND, b.isNonZero(4, b.binary(I32_XOR, b.tmp(se), b.c32(0x7fff))), b.wrap(b.binary(0x88, b.tmp(sig), b.c64s(63))));
    const ofZeroExponent = b.select(zero, b.c32(1), b.c32(2));
    const kind = b.select(b.isZero(4, b.tmp(se)), ofZeroExponent, b.select(normal, b.c32(0), b.c32(2)));
    const valid = b.and32(b.binary(I32_SHR_U, b.state(FPU_TAG, I32), b.c32(r)), b.c32(1));
    b.assign(t, b.binary(I32_OR, b.tmp(t), b.binary(I32_SHL, b.select(valid, kind, b.c32(3)), b.c32(r * 2))));
  }
  return t;
}
/** The 28-byte environment (14 with a 66 prefix): control, status, tags, pointers. */
function storeEnvironment(b: IrBuilder, at: Temp, wide: boolean, tags: Temp): void {
  const step = wide ? 4 : 2;
  const put = (k: number, v: Node): void => b.store(b.add64(b.tmp(at), b.c64s(k * step)), v, step);
  const high = wide ? 0xffff0000 | 0 : 0;
  put(0, b.binary(I32_OR, b.state(FPU_CW, I32), b.c32(high)));
  put(1, b.binary(I32_OR, statusWord(b), b.c32(high)));
  put(2, b.binary(I32_OR, b.tmp(tags), b.c32(high)));
  put(3, b.state(FPU_IP, I32));
  put(4, b.c32(0));
  put(5, b.state(FPU_DP, I32));
  put(6, b.c32(high));
}
/** The processor looks at the first word and the last byte of an area before anything else: so nothing is written if a part cannot be. */
function probe(b: IrBuilder, at: Temp, size: number, write: boolean, word: number): void {
  const touch = (address: Node, n: number): void => {
    if (write) b.rmwEnd(b.rmw(address, n), n);
    else b.let(I32, b.loadInt(address, n));
  };
  touch(b.tmp(at), word);
  touch(b.add64(b.tmp(at), b.c64s(size - 1)), 1);
}
function fnstenv(b: IrBuilder, i: Insn): void {
  const at = b.let(I64, memory(b, i));
  probe(b, at, i.data16 ? 14 : 28, true, i.data16 ? 2 : 4);
  const tags = fullTags(b);
  storeEnvironment(b, at, !i.data16, tags);
  b.setState(FPU_CW, b.binary(I32_OR, b.state(FPU_CW, I32), b.c32(0x3f)), I32);
  b.setState(FPU_SW, b.and32(b.state(FPU_SW, I32), b.c32(0x7f7f)), I32);
}
function loadEnvironment(b: IrBuilder, at: Temp, wide: boolean): [cw: Temp, sw: Temp, tags: Temp] {
  const step = wide ? 4 : 2;
  const word = (k: number): Temp => b.let(I32, b.loadInt(b.add64(b.tmp(at), b.c64s(k * step)), 2));
  return [word(0), word(1), word(2)];
}
function applyEnvironment(b: IrBuilder, cw: Temp, sw: Temp, tags: Temp): void {
  b.setState(FPU_TOP, b.and32(b.binary(I32_SHR_U, b.tmp(sw), b.c32(11)), b.c32(7)), I32);
  b.setState(FPU_SW, b.and32(b.tmp(sw), b.c32(0x477f)), I32);
  let valid: Node = b.c32(0);
  for (let r = 0; r < 8; r++) {
    const full = b.isNonZero(4, b.binary(I32_XOR, b.and32(b.binary(I32_SHR_U, b.tmp(tags), b.c32(r * 2)), b.c32(3)), b.c32(3)));
    valid = b.binary(I32_OR, valid, b.binary(I32_SHL, full, b.c32(r)));
  }
  b.setState(FPU_TAG, valid, I32);
  setControl(b, cw);
}
const fldenv: Lifter = (b, i) => {
  const at = b.let(I64, memory(b, i));
  probe(b, at, i.data16 ? 14 : 28, false, i.data16 ? 2 : 4);
  const [cw, sw, tags] = loadEnvironment(b, at, !i.data16);
  applyEnvironment(b, cw, sw, tags);
};
const fnsave: Lifter = (b, i) => {
  const at = b.let(I64, memory(b, i));
  probe(b, at, i.data16 ? 94 : 108, true, i.data16 ? 2 : 4);
  const tags = fullTags(b);
  const head = i.data16 ? 14 : 28;
  storeEnvironment(b, at, !i.data16, tags);
  for (let k = 0; k < 8; k++) {
    b.store(b.add64(b.tmp(at), b.c64s(head + k * 10)), b.rawLoad(stackSlot(b, k), 8, I64), 8);
    b.store(b.add64(b.tmp(at), b.c64s(head + k * 10 + 8)), b.rawLoad(b.add32(stackSlot(b, k), b.c32(8)), 4, I32), 2);
  }
  initialise(b);
};
const frstor: Lifter = (b, i) => {
  const at = b.let(I64, memory(b, i));
  const head = i.data16 ? 14 : 28;
  probe(b, at, head + 80, false, i.data16 ? 2 : 4);
  const [cw, sw, tags] = loadEnvironment(b, at, !i.data16);
  const sigs: Temp[] = [];
  const ses: Temp[] = [];
  for (let k = 0; k < 8; k++) {
    sigs.push(b.let(I64, b.load(b.add64(b.tmp(at), b.c64s(head + k * 10)), 8, I64)));
    ses.push(b.let(I64, b.load(b.add64(b.tmp(at), b.c64s(head + k * 10 + 8)), 2, I64)));
  }
  applyEnvironment(b, cw, sw, tags);
  for (let k = 0; k < 8; k++) {
    b.rawStore(stackSlot(b, k), b.tmp(sigs[k]!), 8);
    b.rawStore(b.add32(stackSlot(b, k), b.c32(8)), b.tmp(ses[k]!), 8);
  }
};

const ARITH: readonly (readonly [digit: number, name: string, op: number, pops: number])[] = [
  [0, 'fadd', X_ADD, 0], [1, 'fmul', X_MUL, 0], [2, 'fcom', X_COM, 0], [3, 'fcomp', X_COMP, 1], [4, 'fsub', X_SUB, 0], [5, 'fsubr', X_SUBR, 0], [6, 'fdiv', X_DIV, 0], [7, 'fdivr', X_DIVR, 0],
];
const row = (opcode: string, text: string, lift: Lifter): Row => [opcode, text, lift];
const byte = (n: number): string => n.toString(16).toUpperCase();

define([
  ...ARITH.flatMap(([d, name, op, pops]): Row[] => [
    row(`D8 /${d}`, `${name} Md`, fromMemory(op, K_M32, pops)),
    row(`DC /${d}`, `${name} Mq`, fromMemory(op, K_M64, pops)),
    row(`DA /${d}`, `fi${name.slice(1)} Md`, fromMemory(op, K_I32, pops)),
    row(`DE /${d}`, `fi${name.slice(1)} Mw`, fromMemory(op, K_I16, pops)),
    row(`D8 ${byte(0xc0 + d * 8)}+i`, `${name} STi`, registers(op, pops)),
  ]),
  // ST(i) as destination: SUB and SUBR, DIV and DIVR change places in the encoding.
  ...([[0xc0, 'fadd', X_ADD], [0xc8, 'fmul', X_MUL], [0xe0, 'fsubr', X_SUBR], [0xe8, 'fsub', X_SUB], [0xf0, 'fdivr', X_DIVR], [0xf8, 'fdiv', X_DIV]] as const).flatMap(([code, name, op]): Row[] => [
    row(`DC ${byte(code)}+i`, `${name} STi,ST`, registers(op, 0, 'sti')),
    row(`DE ${byte(code)}+i`, `${name}p STi,ST`, registers(op, 1, 'sti')),
  ]),
  row('DC D0+i', 'fcom STi', registers(X_COM)), row('DC D8+i', 'fcomp STi', registers(X_COM, 1)), row('DE D0+i', 'fcomp STi', registers(X_COM, 1)),
  row('DE D9', 'fcompp', fixed(X_COM, 1, 2)), row('DA E9', 'fucompp', fixed(X_UCOM, 1, 2)),
  row('DD E0+i', 'fucom STi', registers(X_UCOM)), row('DD E8+i', 'fucomp STi', registers(X_UCOM, 1)),
  row('DB E8+i', 'fucomi STi', compareFlags(X_UCOMI, 0)), row('DB F0+i', 'fcomi STi', compareFlags(X_COMI, 0)),
  row('DF E8+i', 'fucomip STi', compareFlags(X_UCOMI, 1)), row('DF F0+i', 'fcomip STi', compareFlags(X_COMI, 1)),
  row('DA C0+i', 'fcmovb STi', conditionalMove(CC_B)), row('DA C8+i', 'fcmove STi', conditionalMove(CC_E)),
  row('DA D0+i', 'fcmovbe STi', conditionalMove(CC_BE)), row('DA D8+i', 'fcmovu STi', conditionalMove(CC_P)),
  row('DB C0+i', 'fcmovnb STi', conditionalMove(CC_B + 1)), row('DB C8+i', 'fcmovne STi', conditionalMove(CC_E + 1)),
  row('DB D0+i', 'fcmovnbe STi', conditionalMove(CC_BE + 1)), row('DB D8+i', 'fcmovnu STi', conditionalMove(CC_P + 1)),

  row('D9 /0', 'fld Md', fromMemory(X_LOAD, K_M32)), row('DD /0', 'fld Mq', fromMemory(X_LOAD, K_M64)), row('DB /5', 'fld Mt', fromMemory(X_LOAD, K_M80)),
  row('DF /0', 'fild Mw', fromMemory(X_LOAD, K_I16)), row('DB /0', 'fild Md', fromMemory(X_LOAD, K_I32)), row('DF /5', 'fild Mq', fromMemory(X_LOAD, K_I64)),
  row('DF /4', 'fbld Mt', fromMemory(X_LOAD, K_BCD)), row('DF /6', 'fbstp Mt', toMemory(X_STORE, K_BCD, 1)),
  row('D9 /2', 'fst Md', toMemory(X_STORE, K_M32, 0)), row('D9 /3', 'fstp Md', toMemory(X_STORE, K_M32, 1)),
  row('DD /2', 'fst Mq', toMemory(X_STORE, K_M64, 0)), row('DD /3', 'fstp Mq', toMemory(X_STORE, K_M64, 1)), row('DB /7', 'fstp Mt', toMemory(X_STORE, K_M80, 1)),
  row('DF /2', 'fist Mw', toMemory(X_STORE, K_I16, 0)), row('DF /3', 'fistp Mw', toMemory(X_STORE, K_I16, 1)),
  row('DB /2', 'fist Md', toMemory(X_STORE, K_I32, 0)), row('DB /3', 'fistp Md', toMemory(X_STORE, K_I32, 1)), row('DF /7', 'fistp Mq', toMemory(X_STORE, K_I64, 1)),
  row('DF /1', 'fisttp Mw', toMemory(X_STORE_TRUNCATED, K_I16, 1)), row('DB /1', 'fisttp Md', toMemory(X_STORE_TRUNCATED, K_I32, 1)), row('DD /1', 'fisttp Mq', toMemory(X_STORE_TRUNCATED, K_I64, 1)),
  row('D9 C0+i', 'fld STi', registers(X_LOAD)), row('DD D0+i', 'fst STi', registers(X_STORE)), row('DD D8+i', 'fstp STi', registers(X_STORE, 1)),
  row('D9 D8+i', 'fstpnce STi', registers(X_STORE_UNCHECKED)), row('DF D0+i', 'fstp STi', registers(X_STORE, 1)), row('DF D8+i', 'fstp STi', registers(X_STORE, 1)),
  row('D9 C8+i', 'fxch STi', registers(X_XCH)), row('DD C8+i', 'fxch STi', registers(X_XCH)), row('DF C8+i', 'fxch STi', registers(X_XCH)),
  row('DD C0+i', 'ffree STi', registers(X_FREE)), row('DF C0+i', 'ffreep STi', registers(X_FREE, 1)),
  ...['fld1', 'fldl2t', 'fldl2e', 'fldpi', 'fldlg2', 'fldln2', 'fldz'].map((name, k): Row => row(`D9 ${byte(0xe8 + k)}`, name, fixed(X_CONSTANT, k))),
  ...([
    ['D0', 'fnop', X_NOP], ['E0', 'fchs', X_CHS], ['E1', 'fabs', X_ABS], ['E4', 'ftst', X_TST], ['E5', 'fxam', X_XAM], ['F0', 'f2xm1', X_F2XM1], ['F1', 'fyl2x', X_FYL2X], ['F2', 'fptan', X_FPTAN],
    ['F3', 'fpatan', X_FPATAN], ['F4', 'fxtract', X_XTRACT], ['F5', 'fprem1', X_PREM1], ['F6', 'fdecstp', X_DECSTP], ['F7', 'fincstp', X_INCSTP], ['F8', 'fprem', X_PREM],
    ['F9', 'fyl2xp1', X_FYL2XP1], ['FA', 'fsqrt', X_SQRT], ['FB', 'fsincos', X_FSINCOS], ['FC', 'frndint', X_RNDINT], ['FD', 'fscale', X_SCALE], ['FE', 'fsin', X_FSIN], ['FF', 'fcos', X_FCOS],
  ] as const).map(([code, name, op]): Row => row(`D9 ${code}`, name, fixed(op))),

  row('9B', 'fwait', (b) => wait(b)),
  row('D9 /5', 'fldcw Mw', fldcw), row('D9 /7', 'fnstcw Mw', fnstcw), row('DD /7', 'fnstsw Mw', fnstsw), row('DF E0', 'fnstsw AX', fnstswAx),
  row('DB E2', 'fnclex', fnclex), row('DB E3', 'fninit', (b) => initialise(b)), row('DB E0', 'fneni', () => {}), row('DB E1', 'fndisi', () => {}), row('DB E4', 'fnsetpm', () => {}),
  row('D9 /6', 'fnstenv M', fnstenv), row('D9 /4', 'fldenv M', fldenv), row('DD /6', 'fnsave M', fnsave), row('DD /4', 'frstor M', frstor),
]);
