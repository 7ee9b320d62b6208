/** Numbers of the runtime functions that translated code calls; a helper of x86/helpers.ts is RT_HELPERS + its number. */
import { HELPERS } from '../x86/helpers.ts';
import type { HelperSpec } from '../x86/ir.ts';
import type { RuntimeFunction } from './module-assembler.ts';

/** (cpu, depth) -> rip: finds, translates if need be, and enters the region at the RIP in the CPU state. */
export const RT_STUB = 0;
/** (cpu, address i64, size) -> host offset to load from, 0 = fault. */
export const RT_LOAD_SLOW = 1;
/** (cpu, address i64, size) -> 1 = the value in BOUNCE was stored, 0 = leave. */
export const RT_STORE_SLOW = 2;
/** (cpu, address i64, size) -> host offset to read and write, 0 = leave. It may be BOUNCE: then RT_RMW_END writes it back. */
export const RT_RMW_SLOW = 3;
/** (cpu, size): writes BOUNCE back to where RT_RMW_SLOW took it from. */
export const RT_RMW_END = 4;
/** (cpu) -> 0 = go on, 1 = leave. */
export const RT_SYSCALL = 5;
/** (cpu) -> table slot of the RIP in the CPU state. */
export const RT_LOOKUP = 6;
/** (cc, op, dst i64, src i64, aux i64) -> 0/1. */
export const RT_CONDITION = 7;
/** (op, dst i64, src i64, aux i64) -> EFLAGS bits. */
export const RT_EFLAGS = 8;
/** (cpu, address i64, size) -> host offset to load from / to read and write, 0 = leave: what tier 1 calls instead of looking up in line. */
export const RT_HOST_READ = 9;
export const RT_HOST_WRITE = 10;
/** (cpu, address i64, value) -> 1 = stored, 0 = leave. */
export const RT_STORE_1 = 11, RT_STORE_2 = 12, RT_STORE_4 = 13, RT_STORE_8 = 14, RT_STORE_16 = 15;
/** (cpu, FUEL_…) -> 1 = leave, or go on elsewhere if EXIT_REASON is 0. Fuel has run out; EXIT_DETAIL is the region's validity word, RIP where it is. */
export const RT_FUEL = 16;
/** (cpu, depth) -> rip: the same where a region begins, with all registers in the state; goes on in what is best there. */
export const RT_FUEL_ENTRY = 17;
/** (address i64, span, TLB_READ or TLB_WRITE) -> host offset of bytes that lie in one piece although they cross from one page to the next, 0 = they do not, or are not in the TLB. */
export const RT_GROUP = 18;
/**
 * (address i64, span, step i64, TLB_READ or TLB_WRITE, aligned) -> rounds, host offset minus address: for so many rounds, `span` bytes at an address that moves
 * by `step` in each are at that distance. Negative: none are, or too few; so many rounds later it may be worth to ask again. `aligned`: see Stream.
 */
export const RT_ROUNDS = 19;
/** (cpu, address i64) -> 1 = FRAME_LOW and FRAME_ROOM now tell where the address is; 0 = it is not in one piece with what follows, or not to be written. */
export const RT_FRAME = 20;
/** (cpu, depth) -> rip: goes on at RIP in code that looks up each access to the stack. */
export const RT_FRAMELESS = 21;
export const RT_HELPERS = 22;

/** Table slot of (cpu, depth) -> rip: leaves if EXIT_REASON is set, else goes on in the region at RIP. */
export const GO_ON_SLOT = 1;

/** Where fuel ran out: at a region's entry; at the head of a loop within it; within an instruction that loops; where the region can be entered anew. */
export const FUEL_ENTRY = 0, FUEL_LOOP = 1, FUEL_INSTRUCTION = 2, FUEL_DISPATCH = 3;

const I = 0x7f, L = 0x7e, V = 0x7b;
/** WebAssembly types of the runtime functions below RT_HELPERS. */
const TYPES: readonly RuntimeFunction[] = [
  { params: [I, I], results: [L] },
  { params: [I, L, I, L], results: [I] }, { params: [I, L, I, L], results: [I] }, { params: [I, L, I, L], results: [I] },
  { params: [I, I], results: [] },
  { params: [I], results: [I] }, { params: [I], results: [I] },
  { params: [I, I, L, L, L], results: [I] }, { params: [I, L, L, L], results: [I] },
  { params: [I, L, I], results: [I] }, { params: [I, L, I], results: [I] },
  { params: [I, L, I], results: [I] }, { params: [I, L, I], results: [I] }, { params: [I, L, I], results: [I] }, { params: [I, L, L], results: [I] }, { params: [I, L, V], results: [I] },
  { params: [I, I], results: [I] }, { params: [I, I], results: [L] },
  { params: [L, I, I], results: [I] }, { params: [L, I, L, I, I], results: [I, I] },
  { params: [I, L], results: [I] }, { params: [I, I], results: [L] },
];
/** IR type → WebAssembly value type. */
const WASM_TYPE: readonly number[] = [0x40, 0x7f, 0x7e, 0x7d, 0x7c, 0x7b];

let types: readonly RuntimeFunction[] = [];
/** WebAssembly types of all runtime functions, by number. */
export function runtimeTypes(): readonly RuntimeFunction[] {
  if (types.length !== RT_HELPERS + HELPERS.length) {
    const helper = (h: HelperSpec): RuntimeFunction => ({
      params: [...(h.takesCpu ? [I] : []), ...h.params.map((t) => WASM_TYPE[t]!)],
      results: h.result === 0 ? [] : [WASM_TYPE[h.result]!],
    });
    types = [...TYPES, ...HELPERS.map(helper)];
  }
  return types;
}
