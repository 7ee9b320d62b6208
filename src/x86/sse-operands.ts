/** Operands of SSE instructions. */
import { EXIT_GENERAL_PROTECTION } from './exits.ts';
import type { Insn } from './insn.ts';
import { I64_EXTEND_I32_U } from './ir-ops.ts';
import { F32, F64, I64, S_STORE, V128 } from './ir.ts';
import type { IrBuilder, Node } from './ir.ts';
import { memory } from './operands.ts';
import { F32X4_EXTRACT, F64X2_EXTRACT, extract } from './simd-ops.ts';

/** Address of a 16-byte operand that must be aligned: #GP otherwise. */
function aligned(b: IrBuilder, i: Insn): Node {
  const t = b.let(I64, memory(b, i));
  b.faultIf(b.and32(b.wrap(b.tmp(t)), b.c32(15)), EXIT_GENERAL_PROTECTION);
  return b.tmp(t);
}
/** A 16-byte load; the aligned form faults as legacy SSE does, and tells the platform that it crosses no page (hi = 1). */
export function load128(b: IrBuilder, i: Insn, mustAlign: boolean): Node {
  if (!mustAlign) return b.load(memory(b, i), 16, V128);
  const n = b.load(aligned(b, i), 16, V128);
  b.hi[n] = 1;
  return n;
}
/** A 16-byte store, as load128. */
export function store128(b: IrBuilder, i: Insn, value: Node, mustAlign: boolean): void {
  if (!mustAlign) b.store(memory(b, i), value, 16);
  else b.stmt(S_STORE, aligned(b, i), value, 16, 0, 1);
}
/** W: XMM register or aligned memory. */
export function readW(b: IrBuilder, i: Insn): Node {
  return i.mod === 3 ? b.xmm(i.rm) : load128(b, i, true);
}
/** The low 8 bytes of an XMM register, or m64, as a vector whose upper half is not used. */
export function readLow64(b: IrBuilder, i: Insn): Node {
  return i.mod === 3 ? b.xmm(i.rm) : b.load(memory(b, i), 8, V128);
}
/** The low 4 bytes of an XMM register, or m32, as a vector whose rest is not used. */
export function readLow32(b: IrBuilder, i: Insn): Node {
  return i.mod === 3 ? b.xmm(i.rm) : b.load(memory(b, i), 4, V128);
}
export function readF64(b: IrBuilder, i: Insn): Node {
  return i.mod === 3 ? extract(b, F64X2_EXTRACT, b.xmm(i.rm), 0) : b.load(memory(b, i), 8, F64);
}
export function readF32(b: IrBuilder, i: Insn): Node {
  return i.mod === 3 ? extract(b, F32X4_EXTRACT, b.xmm(i.rm), 0) : b.load(memory(b, i), 4, F32);
}
/** m32 or general register as zero-extended i64. */
export function readE64(b: IrBuilder, i: Insn, size: number): Node {
  if (i.mod === 3) return size === 8 ? b.reg(i.rm) : b.unary(I64_EXTEND_I32_U, b.wrap(b.reg(i.rm)));
  return size === 8 ? b.load(memory(b, i), 8, I64) : b.load(memory(b, i), size, I64);
}
