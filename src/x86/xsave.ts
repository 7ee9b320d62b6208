/**
 * FXSAVE, XSAVE and MXCSR: the state of x87 and SSE in memory. Source: SDM vol. 1, 10.5 and 13; vol. 2.
 * XCR0 is 3 (x87 and SSE), so an XSAVE area is 576 bytes. Only the 64-bit pointers' form is kept: FIP and FDP are written as they stand.
 */
import { FP_SLOW, FPU_CW, FPU_DP, FPU_IP, FPU_OPCODE, FPU_SW, FPU_TAG, FPU_TOP, MXCSR, ST } from './cpu-layout.ts';
import { EXIT_GENERAL_PROTECTION } from './exits.ts';
import { define } from './forms.ts';
import type { Lifter } from './forms.ts';
import { I32_AND, I32_NE, I32_OR, I32_SHL, I32_SHR_U, I64_OR, I64_SHL } from './ir-ops.ts';
import { I32, I64, V128 } from './ir.ts';
import type { IrBuilder, Node, Temp } from './ir.ts';
import { memory } from './operands.ts';

/** XCR0: x87 and SSE state. */
export const XCR0 = 3;
/** Bytes of an XSAVE area: FXSAVE image, header. */
export const XSAVE_SIZE = 576;
const MXCSR_MASK = 0xffff;

function at(b: IrBuilder, base: Temp, offset: number): Node {
  return b.add64(b.tmp(base), b.c64s(offset));
}
/** The area's address, a multiple of `align`. */
function area(b: IrBuilder, address: Node, align: number): Temp {
  const t = b.let(I64, address);
  b.faultIf(b.and32(b.wrap(b.tmp(t)), b.c32(align - 1)), EXIT_GENERAL_PROTECTION);
  return t;
}
/** Host address of ST(n). */
function slot(b: IrBuilder, top: Temp, n: number): Node {
  const index = b.and32(b.add32(b.tmp(top), b.c32(n)), b.c32(7));
  return b.add32(b.add32(b.cpu(), b.binary(I32_SHL, index, b.c32(4))), b.c32(ST));
}
function storeX87(b: IrBuilder, base: Temp): void {
  const top = b.let(I32, b.state(FPU_TOP, I32));
  const status = b.binary(I32_OR, b.and32(b.state(FPU_SW, I32), b.c32(0xc7ff)), b.binary(I32_SHL, b.tmp(top), b.c32(11)));
  const low = b.binary(I32_OR, b.and32(b.state(FPU_CW, I32), b.c32(0xffff)), b.binary(I32_SHL, status, b.c32(16)));
  const high = b.binary(I32_OR, b.and32(b.state(FPU_TAG, I32), b.c32(0xff)), b.binary(I32_SHL, b.state(FPU_OPCODE, I32), b.c32(16)));
  b.store(b.tmp(base), b.binary(I64_OR, b.zext(low), b.binary(I64_SHL, b.zext(high), b.c64s(32))), 8);
  b.store(at(b, base, 8), b.state(FPU_IP, I64), 8);
  b.store(at(b, base, 16), b.state(FPU_DP, I64), 8);
  for (let k = 0; k < 8; k++) b.store(at(b, base, 32 + k * 16), b.rawLoad(slot(b, top, k), 16, V128), 16);
}
function storeMxcsr(b: IrBuilder, base: Temp): void {
  b.store(at(b, base, 24), b.binary(I64_OR, b.zext(b.state(MXCSR, I32)), b.c64(0, MXCSR_MASK)), 8);
}
function storeXmm(b: IrBuilder, base: Temp): void {
  for (let k = 0; k < 16; k++) b.store(at(b, base, 160 + k * 16), b.xmm(k), 16);
}

/** Loads of one area, made before anything is changed. */
function loadX87(b: IrBuilder, base: Temp): () => void {
  const head = b.let(I64, b.load(b.tmp(base), 8, I64));
  const ip = b.let(I64, b.load(at(b, base, 8), 8, I64));
  const dp = b.let(I64, b.load(at(b, base, 16), 8, I64));
  const sig: Temp[] = [];
  const se: Temp[] = [];
  for (let k = 0; k < 8; k++) {
    sig.push(b.let(I64, b.load(at(b, base, 32 + k * 16), 8, I64)));
    se.push(b.let(I64, b.load(at(b, base, 40 + k * 16), 2, I64)));
  }
  return (): void => {
    const low = b.let(I32, b.wrap(b.tmp(head)));
    const high = b.let(I32, b.wrap(b.binary(0x88, b.tmp(head), b.c64s(32))));
    const cw = b.let(I32, b.binary(I32_OR, b.and32(b.tmp(low), b.c32(0x1f3f)), b.c32(0x40)));
    const sw = b.let(I32, b.binary(I32_SHR_U, b.tmp(low), b.c32(16)));
    const top = b.let(I32, b.and32(b.binary(I32_SHR_U, b.tmp(sw), b.c32(11)), b.c32(7)));
    b.setState(FPU_CW, b.tmp(cw), I32);
    b.setState(FPU_SW, b.and32(b.tmp(sw), b.c32(0xc7ff)), I32);
    b.setState(FPU_TOP, b.tmp(top), I32);
    b.setState(FPU_TAG, b.and32(b.tmp(high), b.c32(0xff)), I32);
    b.setState(FPU_OPCODE, b.and32(b.binary(I32_SHR_U, b.tmp(high), b.c32(16)), b.c32(0x7ff)), I32);
    b.setState(FPU_IP, b.tmp(ip), I64);
    b.setState(FPU_DP, b.tmp(dp), I64);
    for (let k = 0; k < 8; k++) {
      b.rawStore(slot(b, top, k), b.tmp(sig[k]!), 8);
      b.rawStore(b.add32(slot(b, top, k), b.c32(8)), b.tmp(se[k]!), 8);
    }
  };
}
function checkedMxcsr(b: IrBuilder, value: Node): Temp {
  const t = b.let(I32, value);
  b.faultIf(b.and32(b.tmp(t), b.c32(~MXCSR_MASK)), EXIT_GENERAL_PROTECTION);
  return t;
}
/** Sets MXCSR, and FP_SLOW as it follows from it; `watched`: from now on every exception flag is kept exactly. */
function setMxcsr(b: IrBuilder, value: Temp, watched: boolean): void {
  b.setState(MXCSR, b.tmp(value), I32);
  const special = b.binary(I32_NE, b.and32(b.tmp(value), b.c32(0xffc0)), b.c32(0x1f80));
  const watch = watched ? b.c32(2) : b.and32(b.state(FP_SLOW, I32), b.c32(2));
  b.setState(FP_SLOW, b.binary(I32_OR, special, watch), I32);
}
function loadXmm(b: IrBuilder, base: Temp): () => void {
  const v: Temp[] = [];
  for (let k = 0; k < 16; k++) v.push(b.let(V128, b.load(at(b, base, 160 + k * 16), 16, V128)));
  return (): void => {
    for (let k = 0; k < 16; k++) b.setXmm(k, b.tmp(v[k]!));
  };
}

const fxsave: Lifter = (b, i) => {
  const base = area(b, memory(b, i), 16);
  storeX87(b, base);
  storeMxcsr(b, base);
  storeXmm(b, base);
};
const fxrstor: Lifter = (b, i) => {
  const base = area(b, memory(b, i), 16);
  const mxcsr = checkedMxcsr(b, b.loadInt(at(b, base, 24), 4));
  const x87 = loadX87(b, base);
  const xmm = loadXmm(b, base);
  x87();
  setMxcsr(b, mxcsr, false);
  xmm();
};
const ldmxcsr: Lifter = (b, i) => setMxcsr(b, checkedMxcsr(b, b.loadInt(memory(b, i), 4)), true);
const stmxcsr: Lifter = (b, i) => b.store(memory(b, i), b.state(MXCSR, I32), 4);

/** The requested components: EDX:EAX and XCR0. */
function requested(b: IrBuilder): Temp {
  return b.let(I32, b.and32(b.wrap(b.reg(0)), b.c32(XCR0)));
}
const bit = (b: IrBuilder, mask: Temp, n: number): Node => b.binary(I32_AND, b.tmp(mask), b.c32(n));
/** XSAVE; the header's bits of what was not asked for are kept. */
const xsave: Lifter = (b, i) => {
  const base = area(b, memory(b, i), 64);
  const mask = requested(b);
  const old = b.let(I64, b.load(at(b, base, 512), 8, I64));
  b.if(bit(b, mask, 1));
  storeX87(b, base);
  b.end();
  b.if(bit(b, mask, 2));
  storeXmm(b, base);
  b.end();
  b.if(b.tmp(mask));
  storeMxcsr(b, base);
  b.end();
  const kept = b.and64(b.tmp(old), b.binary(0x85, b.zext(b.tmp(mask)), b.c64s(-1)));
  b.store(at(b, base, 512), b.binary(I64_OR, kept, b.zext(b.tmp(mask))), 8);
};
/** XRSTOR: what the header says is in its initial state is reset. */
const xrstor: Lifter = (b, i) => {
  const base = area(b, memory(b, i), 64);
  const mask = requested(b);
  const header = b.let(I64, b.load(at(b, base, 512), 8, I64));
  const compact = b.let(I64, b.load(at(b, base, 520), 8, I64));
  b.faultIf(b.isNonZero(8, b.binary(I64_OR, b.and64(b.tmp(header), b.c64s(~XCR0)), b.tmp(compact))), EXIT_GENERAL_PROTECTION);
  const mxcsr = checkedMxcsr(b, b.loadInt(at(b, base, 24), 4));
  const present = b.let(I32, b.wrap(b.tmp(header)));
  const x87 = loadX87(b, base);
  const v: Temp[] = [];
  for (let k = 0; k < 16; k++) v.push(b.let(V128, b.load(at(b, base, 160 + k * 16), 16, V128)));
  b.if(bit(b, mask, 1));
  b.if(bit(b, present, 1));
  x87();
  b.else();
  b.setState(FPU_CW, b.c32(0x37f), I32);
  for (const f of [FPU_SW, FPU_TOP, FPU_TAG, FPU_OPCODE]) b.setState(f, b.c32(0), I32);
  for (let k = 0; k < 8; k++) {
    b.setState(ST + k * 16, b.c64s(0), I64);
    b.setState(ST + k * 16 + 8, b.c64s(0), I64);
  }
  b.end();
  b.end();
  b.if(bit(b, mask, 2));
  setMxcsr(b, mxcsr, false);
  b.end();
  for (let k = 0; k < 16; k++) {
    const restored = b.select(bit(b, present, 2), b.tmp(v[k]!), b.binary(0xfd51, b.tmp(v[k]!), b.tmp(v[k]!)));
    b.setXmm(k, b.select(bit(b, mask, 2), restored, b.xmm(k)));
  }
};
const xgetbv: Lifter = (b) => {
  b.faultIf(b.isNonZero(4, b.wrap(b.reg(1))), EXIT_GENERAL_PROTECTION);
  b.setReg(0, b.c64s(XCR0));
  b.setReg(2, b.c64s(0));
};

define([
  ['NP 0F AE /0', 'fxsave M', fxsave],
  ['NP 0F AE /1', 'fxrstor M', fxrstor],
  ['NP 0F AE /2', 'ldmxcsr Md', ldmxcsr],
  ['NP 0F AE /3', 'stmxcsr Md', stmxcsr],
  ['NP 0F AE /4', 'xsave M', xsave],
  ['NP 0F AE /5', 'xrstor M', xrstor],
  ['NP 0F AE /6', 'xsaveopt M', xsave],
  ['NP 0F 01 D0', 'xgetbv', xgetbv],
]);
