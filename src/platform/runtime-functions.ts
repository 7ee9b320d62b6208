/** Numbers of the runtime functions that translated code calls; a helper of x86/helpers.ts is RT_HELPERS + its number. */
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
export const RT_HELPERS = 16;
