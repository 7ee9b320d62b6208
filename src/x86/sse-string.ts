/** PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM. Source: SDM vol. 2, 4.1 "Imm8 control byte operation". */
import { SCRATCH } from './cpu-layout.ts';
import { FLAGS_RAW } from './flags.ts';
import { define } from './forms.ts';
import type { Lifter } from './forms.ts';
import { scratchHelper } from './helpers.ts';
import type { Insn } from './insn.ts';
import { I32_AND, I32_OR, I32_SHL, I32_SHR_U } from './ir-ops.ts';
import { I32, I64, V128 } from './ir.ts';
import type { IrBuilder, Node } from './ir.ts';
import { I32X4_REPLACE, I8X16_SPLAT, I16X8_SPLAT, V128_AND, I8X16_EQ, I16X8_EQ, c128, replace, zero128 } from './simd-ops.ts';
import { load128 } from './sse-operands.ts';

/** compareStrings(cpu, imm | explicit << 8): strings in SCRATCH and SCRATCH + 16, lengths (explicit) in SCRATCH + 32 and + 40 (platform/sse-string-runtime.ts); IntRes2 | CF ZF SF OF << 16 … 19. */
const COMPARE_STRINGS = scratchHelper('compareStrings', [I32], I32);

function run(b: IrBuilder, i: Insn, explicit: boolean): Node {
  const source = i.mod === 3 ? b.xmm(i.rm) : load128(b, i, false);
  b.setState(SCRATCH + 16, source, V128);
  b.setState(SCRATCH, b.xmm(i.reg), V128);
  if (explicit) {
    b.setState(SCRATCH + 32, i.rexW ? b.reg(0) : b.sext(b.wrap(b.reg(0))), I64);
    b.setState(SCRATCH + 40, i.rexW ? b.reg(2) : b.sext(b.wrap(b.reg(2))), I64);
  }
  return b.helper(COMPARE_STRINGS, b.c32((i.imm & 0x7f) | (explicit ? 0x100 : 0)));
}
function index(explicit: boolean): Lifter {
  return (b, i) => {
    const r = b.let(I32, run(b, i, explicit));
    const elements = (i.imm & 1) !== 0 ? 8 : 16;
    const bits = b.and32(b.tmp(r), b.c32(0xffff));
    // A bit beyond the last element makes "none" come out as the element count.
    const found = (i.imm & 0x40) === 0
      ? b.unary(0x68, b.binary(I32_OR, bits, b.c32(1 << elements)))
      : b.select(b.and32(b.tmp(r), b.c32(0xffff)), b.binary(0x6b, b.c32(31), b.unary(0x67, bits)), b.c32(elements));
    const position = b.let(I32, found);
    setFlags(b, r);
    b.setReg(1, b.zext(b.tmp(position)));
  };
}
function setFlags(b: IrBuilder, r: number): void {
  const flag = (from: number, to: number): Node => {
    const one = b.and32(b.binary(I32_SHR_U, b.tmp(r), b.c32(from)), b.c32(1));
    return to === 0 ? one : b.binary(I32_SHL, one, b.c32(to));
  };
  const flags = b.binary(I32_OR, b.binary(I32_OR, flag(16, 0), flag(17, 6)), b.binary(I32_OR, flag(18, 7), flag(19, 11)));
  b.setFlags(FLAGS_RAW, 4, b.c64s(0), b.zext(flags));
}
function mask(explicit: boolean): Lifter {
  return (b, i) => {
    const r = b.let(I32, run(b, i, explicit));
    const words = (i.imm & 1) !== 0;
    setFlags(b, r);
    if ((i.imm & 0x40) === 0) {
      b.setXmm(0, replace(b, I32X4_REPLACE, zero128(b), b.binary(I32_AND, b.tmp(r), b.c32(0xffff)), 0));
      return;
    }
    // Each element tests its own bit of the splatted result.
    if (words) {
      const bits = (): Node => c128(b, 0x00020001, 0x00080004, 0x00200010, 0x00800040);
      b.setXmm(0, b.binary(I16X8_EQ, b.binary(V128_AND, b.unary(I16X8_SPLAT, b.tmp(r)), bits()), bits()));
    } else {
      const bits = (): Node => c128(b, 0x08040201, 0x80402010 | 0, 0x08040201, 0x80402010 | 0);
      const low = b.unary(I8X16_SPLAT, b.tmp(r));
      const high = b.unary(I8X16_SPLAT, b.binary(I32_SHR_U, b.tmp(r), b.c32(8)));
      b.shuffles.push(new Uint8Array([0, 0, 0, 0, 0, 0, 0, 0, 16, 16, 16, 16, 16, 16, 16, 16]));
      const spread = b.node(0x1000f, low, high, b.shuffles.length - 1);
      b.setXmm(0, b.binary(I8X16_EQ, b.binary(V128_AND, spread, bits()), bits()));
    }
  };
}

define([
  ['66 0F 3A 60 /r', 'pcmpestrm Vx,Wx,Ib', mask(true)],
  ['66 0F 3A 61 /r', 'pcmpestri Vx,Wx,Ib', index(true)],
  ['66 0F 3A 62 /r', 'pcmpistrm Vx,Wx,Ib', mask(false)],
  ['66 0F 3A 63 /r', 'pcmpistri Vx,Wx,Ib', index(false)],
]);
