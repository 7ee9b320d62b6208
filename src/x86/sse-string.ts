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
import type { HelperMemory } from './sse-slow.ts';

/** compareStrings(cpu, imm | explicit << 8): strings in SCRATCH and SCRATCH + 16, lengths (explicit) in SCRATCH + 32 and + 40; IntRes2 | CF ZF SF OF << 16 … 19. */
const COMPARE_STRINGS = scratchHelper('compareStrings', [I32], I32);

/** Explicit length: its magnitude, at most the number of elements. */
function explicitLength(lo: number, hi: number, elements: number): number {
  if (hi < 0) {
    // The magnitude fits easily where it matters.
    const magnitude = hi === -1 && lo !== 0 ? -(lo | 0) >>> 0 : elements;
    return hi === -1 && lo !== 0 && magnitude < elements ? magnitude : elements;
  }
  return hi === 0 && lo >>> 0 < elements ? lo >>> 0 : elements;
}

export function makeCompareStrings(memory: HelperMemory): (cpu: number, code: number) => number {
  const view = new DataView(memory.buffer);
  const one = new Int32Array(16);
  const two = new Int32Array(16);
  return (cpu, code) => {
    const a = cpu + SCRATCH;
    const b = a + 16;
    const words = (code & 1) !== 0;
    const signed = (code & 2) !== 0;
    const n = words ? 8 : 16;
    for (let k = 0; k < n; k++) {
      if (words) {
        one[k] = signed ? view.getInt16(a + 2 * k, true) : view.getUint16(a + 2 * k, true);
        two[k] = signed ? view.getInt16(b + 2 * k, true) : view.getUint16(b + 2 * k, true);
      } else {
        one[k] = signed ? view.getInt8(a + k) : view.getUint8(a + k);
        two[k] = signed ? view.getInt8(b + k) : view.getUint8(b + k);
      }
    }
    let len1 = 0;
    let len2 = 0;
    if (code & 0x100) {
      len1 = explicitLength(view.getInt32(a + 32, true), view.getInt32(a + 36, true), n);
      len2 = explicitLength(view.getInt32(a + 40, true), view.getInt32(a + 44, true), n);
    } else {
      while (len1 < n && one[len1] !== 0) len1++;
      while (len2 < n && two[len2] !== 0) len2++;
    }
    let result = 0;
    switch ((code >> 2) & 3) {
      case 0: // equal any
        for (let j = 0; j < len2; j++) for (let k = 0; k < len1; k++) if (one[k] === two[j]) result |= 1 << j;
        break;
      case 1: // ranges
        for (let j = 0; j < len2; j++) for (let k = 0; k + 1 < len1; k += 2) if (two[j]! >= one[k]! && two[j]! <= one[k + 1]!) result |= 1 << j;
        break;
      case 2: // equal each
        for (let j = 0; j < n; j++) if (j < len1 && j < len2 ? one[j] === two[j] : j >= len1 && j >= len2) result |= 1 << j;
        break;
      default: // equal ordered
        for (let j = 0; j < n; j++) {
          let all = true;
          for (let k = 0; k < len1 && j + k < n && all; k++) all = j + k < len2 && one[k] === two[j + k];
          if (all) result |= 1 << j;
        }
    }
    const everything = (1 << n) - 1;
    if ((code & 0x30) === 0x10) result ^= everything;
    else if ((code & 0x30) === 0x30) result ^= (1 << len2) - 1;
    return result | (result !== 0 ? 0x10000 : 0) | (len2 < n ? 0x20000 : 0) | (len1 < n ? 0x40000 : 0) | ((result & 1) << 19);
  };
}

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
