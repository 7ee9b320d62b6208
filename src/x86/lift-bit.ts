/** BT BTS BTR BTC, BSF BSR, POPCNT, carry and direction flag instructions. */
import { DF_STEP, EFLAGS_OTHER } from './cpu-layout.ts';
import { CC_B, DF, FLAGS_CARRY, FLAGS_LOGIC, FLAGS_RAW } from './flags.ts';
import type { Row } from './forms.ts';
import { define } from './forms.ts';
import type { Insn } from './insn.ts';
import { I32_AND, I32_CLZ, I32_CTZ, I32_OR, I32_POPCNT, I32_SHL, I32_SHR_U, I32_XOR, I64_CLZ, I64_CTZ, I64_POPCNT, I64_SHL, I64_SHR_S } from './ir-ops.ts';
import type { IrBuilder, Node } from './ir.ts';
import { I32 } from './ir.ts';
import { closeE, immediate, offsetOf, readE, readG, readReg, typeOf, withSegment, writeG } from './operands.ts';

const BT = 0, BTS = 1, BTC = 3;

/** CF = aux, the other flags stay. */
function setCarry(b: IrBuilder, cf: Node): void {
  b.setFlags(FLAGS_CARRY, 4, b.c64s(0), b.zext(b.eflags()), b.zext(cf));
}

function bitTest(which: number): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const size = i.size;
    const type = typeOf(size);
    const byImmediate = i.form!.operands[1] === 'Ib';
    const log2 = size === 8 ? 6 : size === 4 ? 5 : 4;
    const bitNumber = b.let(type, byImmediate ? immediate(b, i, size) : readG(b, i, size));
    const within = (): Node => b.arith(I32_AND, size, b.tmp(bitNumber), b.constant(size, size * 8 - 1));
    let value: Node;
    if (i.mod === 3) value = readReg(b, size, i.rm);
    else {
      let offset = offsetOf(b, i);
      if (!byImmediate) {
        // A bit string: the register is a signed bit offset from the address, any distance away. SDM vol. 1, 3.1.1.9 of vol. 2.
        const wide = size === 8 ? b.tmp(bitNumber) : b.sext(b.signed(size, b.tmp(bitNumber)));
        offset = b.add64(offset, b.binary(I64_SHL, b.binary(I64_SHR_S, wide, b.c64s(log2)), b.c64s(log2 - 3)));
        if (i.address32) offset = b.zext(b.wrap(offset));
      }
      const address = withSegment(b, i, offset);
      if (which === BT) value = b.loadInt(address, size);
      else {
        i.place = b.rmw(address, size);
        value = b.rawLoad(b.tmp(i.place), size, type);
      }
    }
    const old = b.let(type, value);
    if (which !== BT) {
      const bit = b.arith(I32_SHL, size, b.constant(size, 1), within());
      const r = which === BTS ? b.arith(I32_OR, size, b.tmp(old), bit)
        : which === BTC ? b.arith(I32_XOR, size, b.tmp(old), bit)
        : b.arith(I32_AND, size, b.tmp(old), b.arith(I32_XOR, size, bit, b.constant(size, -1)));
      closeE(b, i, size, r);
    }
    const bit = b.arith(I32_SHR_U, size, b.tmp(old), within());
    setCarry(b, b.and32(size === 8 ? b.wrap(bit) : bit, b.c32(1)));
  };
}

/** BSF (forward) and BSR. A zero source leaves the whole destination as it is, upper half included, on AMD and Intel parts. */
function bitScan(forward: boolean): (b: IrBuilder, i: Insn) => void {
  return (b, i) => {
    const size = i.size;
    const type = typeOf(size);
    const v = b.let(type, readE(b, i, size));
    const count = b.unary(forward ? (size === 8 ? I64_CTZ : I32_CTZ) : size === 8 ? I64_CLZ : I32_CLZ, b.tmp(v));
    const index = forward ? count : b.arith(I32_XOR, size, count, b.constant(size, size === 8 ? 63 : 31));
    b.if(b.isNonZero(size, b.tmp(v)));
    writeG(b, i, size, index);
    b.end();
    // Only ZF is defined: the source is zero.
    b.setFlags(FLAGS_LOGIC, size, b.widen(size, b.tmp(v)), b.c64s(0));
  };
}

function popcnt(b: IrBuilder, i: Insn): void {
  const size = i.size;
  const v = b.let(typeOf(size), readE(b, i, size));
  writeG(b, i, size, b.unary(size === 8 ? I64_POPCNT : I32_POPCNT, b.tmp(v)));
  // ZF alone; the other five are cleared.
  b.setFlags(FLAGS_RAW, size, b.c64s(0), b.zext(b.binary(I32_SHL, b.isZero(size, b.tmp(v)), b.c32(6))));
}

function clc(b: IrBuilder): void {
  setCarry(b, b.c32(0));
}
function stc(b: IrBuilder): void {
  setCarry(b, b.c32(1));
}
function cmc(b: IrBuilder): void {
  setCarry(b, b.isZero(4, b.cond(CC_B)));
}
function cld(b: IrBuilder): void {
  b.setState(DF_STEP, b.c32(1), I32);
  b.setState(EFLAGS_OTHER, b.and32(b.state(EFLAGS_OTHER, I32), b.c32(~DF)), I32);
}
function std(b: IrBuilder): void {
  b.setState(DF_STEP, b.c32(-1), I32);
  b.setState(EFLAGS_OTHER, b.binary(I32_OR, b.state(EFLAGS_OTHER, I32), b.c32(DF)), I32);
}

function bitRows(name: string, which: number): Row[] {
  const lock = which === BT ? '' : 'lock ';
  return [
    [`${lock}0F ${(0xa3 + which * 8).toString(16)} /r`, `${name} Ev,Gv`, bitTest(which)],
    [`${lock}0F BA /${4 + which}`, `${name} Ev,Ib`, bitTest(which)],
  ];
}

define([
  ...['bt', 'bts', 'btr', 'btc'].flatMap(bitRows),
  ['0F BC /r', 'bsf Gv,Ev', bitScan(true)],
  ['0F BD /r', 'bsr Gv,Ev', bitScan(false)],
  ['F3 0F B8 /r', 'popcnt Gv,Ev', popcnt],
  ['F8', 'clc', clc],
  ['F9', 'stc', stc],
  ['F5', 'cmc', cmc],
  ['FC', 'cld', cld],
  ['FD', 'std', std],
]);
