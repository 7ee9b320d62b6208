/**
 * Bodies of the integer helpers that are too rare or too large for IR. Each takes the linear memory and the offset of the CPU state; 64-bit
 * arguments come as BigInt (these are cold paths).
 */
import { EXIT_REASON, GPR, RAX, RBX, RCX, RDX } from './cpu-layout.ts';
import { cpuid } from './cpuid.ts';
import { EXIT_DIVIDE } from './exits.ts';

const MASK = 0xffffffffffffffffn;

function setWide(i32: Int32Array, cpu: number, r: number, v: bigint): void {
  const k = (cpu + GPR + r * 8) >> 2;
  i32[k] = Number(v & 0xffffffffn);
  i32[k + 1] = Number((v >> 32n) & 0xffffffffn);
}
function wide(i32: Int32Array, cpu: number, r: number): bigint {
  const k = (cpu + GPR + r * 8) >> 2;
  return (BigInt(i32[k + 1]! >>> 0) << 32n) | BigInt(i32[k]! >>> 0);
}

/** RDX:RAX / divisor, unsigned: quotient to RAX, remainder to RDX; EXIT_DIVIDE if the divisor is 0 or the quotient needs more than 64 bits. */
export function div128Unsigned(i32: Int32Array, cpu: number, divisor: bigint): void {
  const d = divisor & MASK;
  const high = wide(i32, cpu, RDX);
  if (d <= high) {
    i32[(cpu + EXIT_REASON) >> 2] = EXIT_DIVIDE;
    return;
  }
  const n = (high << 64n) | wide(i32, cpu, RAX);
  setWide(i32, cpu, RAX, n / d);
  setWide(i32, cpu, RDX, n % d);
}

/** RDX:RAX / divisor, signed and rounded towards zero. */
export function div128Signed(i32: Int32Array, cpu: number, divisor: bigint): void {
  const d = BigInt.asIntN(64, divisor);
  const n = (BigInt.asIntN(64, wide(i32, cpu, RDX)) << 64n) | wide(i32, cpu, RAX);
  const q = d === 0n ? 0n : n / d;
  if (d === 0n || q !== BigInt.asIntN(64, q)) {
    i32[(cpu + EXIT_REASON) >> 2] = EXIT_DIVIDE;
    return;
  }
  setWide(i32, cpu, RAX, q);
  setWide(i32, cpu, RDX, n - q * d);
}

/** CPUID: leaf in EAX, subleaf in ECX; the upper halves of the four registers become 0. */
export function cpuidInstruction(i32: Int32Array, cpu: number): void {
  const r = cpuid(i32[(cpu + GPR + RAX * 8) >> 2]!, i32[(cpu + GPR + RCX * 8) >> 2]!);
  const at = (cpu + GPR) >> 2;
  i32[at + RAX * 2] = r[0]!;
  i32[at + RBX * 2] = r[1]!;
  i32[at + RCX * 2] = r[2]!;
  i32[at + RDX * 2] = r[3]!;
  i32[at + RAX * 2 + 1] = i32[at + RBX * 2 + 1] = i32[at + RCX * 2 + 1] = i32[at + RDX * 2 + 1] = 0;
}
