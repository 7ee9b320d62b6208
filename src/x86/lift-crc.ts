/** CRC32: the Castagnoli polynomial of SSE4.2. */
import { define } from './forms.ts';
import { pureHelper } from './helpers.ts';
import type { Insn } from './insn.ts';
import { I64_SHR_U } from './ir-ops.ts';
import type { IrBuilder } from './ir.ts';
import { I32, I64 } from './ir.ts';
import { readE } from './operands.ts';

/** (crc, value, bytes of it: 1, 2 or 4). */
const CRC32C: number = pureHelper('crc32c', [I32, I32, I32], I32);

/** Remainders of the 256 bytes by the reflected polynomial 0x82F63B78. */
const TABLE: Int32Array = (() => {
  const t = new Int32Array(256);
  for (let n = 0; n < 256; n++) {
    let c = n;
    for (let k = 0; k < 8; k++) c = c & 1 ? (c >>> 1) ^ 0x82f63b78 : c >>> 1;
    t[n] = c;
  }
  return t;
})();

/** Body of the helper. */
export function crc32c(crc: number, value: number, bytes: number): number {
  let c = crc;
  let v = value;
  for (let k = 0; k < bytes; k++) {
    c = TABLE[(c ^ v) & 0xff]! ^ (c >>> 8);
    v >>>= 8;
  }
  return c | 0;
}

function crc(b: IrBuilder, i: Insn): void {
  const size = i.opcode === 0xf0 ? 1 : i.size;
  const old = b.wrap(b.reg(i.reg));
  if (size < 8) {
    b.setReg(i.reg, b.zext(b.helper(CRC32C, old, readE(b, i, size), b.c32(size))));
    return;
  }
  const v = b.let(I64, readE(b, i, 8));
  const low = b.helper(CRC32C, old, b.wrap(b.tmp(v)), b.c32(4));
  b.setReg(i.reg, b.zext(b.helper(CRC32C, low, b.wrap(b.binary(I64_SHR_U, b.tmp(v), b.c64s(32))), b.c32(4))));
}

define([
  ['F2 0F 38 F0 /r', 'crc32 Gy,Eb', crc],
  ['F2 0F 38 F1 /r', 'crc32 Gy,Ev', crc],
]);
