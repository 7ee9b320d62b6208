/** Bodies of the integer helpers that are too rare or too large for IR. 64-bit arguments come as BigInt (these are cold paths). */
import { GPR, RAX, RBX, RCX, RDX } from './cpu-layout.ts';
import { cpuid } from './cpuid.ts';

/** high:low / divisor, all unsigned 64-bit, of which the caller knows that it fits in 64 bits (high < divisor). */
export function div128(high: bigint, low: bigint, divisor: bigint): bigint {
  return BigInt.asIntN(64, ((BigInt.asUintN(64, high) << 64n) | BigInt.asUintN(64, low)) / BigInt.asUintN(64, divisor));
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
