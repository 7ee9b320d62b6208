/** Why translated code left: the values of EXIT_REASON in the CPU state, and what EXIT_DETAIL holds for each. */
/** Nothing: translated code goes on. */
export const EXIT_NONE = 0;
/** A SYSCALL whose handler asked to leave. */
export const EXIT_SYSCALL = 1;
/** #PF: FAULT_ADDR and FAULT_ACCESS say where and how. */
export const EXIT_PAGE_FAULT = 2;
/** Fuel used up, kicked, or TF was set: RIP is at an instruction boundary. */
export const EXIT_INTERRUPT = 3;
/** #UD. detail: 1 = UD0/UD1/UD2 (the program asked for it), 0 = not implemented or not an instruction. */
export const EXIT_ILLEGAL = 4;
/** #DE. */
export const EXIT_DIVIDE = 5;
/** #BP after INT3 (detail 3), #DB after INT1 (detail 1). RIP is behind the instruction. */
export const EXIT_BREAKPOINT = 6;
/** #DB after one instruction with TF set. */
export const EXIT_SINGLE_STEP = 7;
/** #GP: privileged instruction, bad selector, misaligned SSE operand, non-canonical address. detail: error code (selector, or vector * 8 + 2 for INT n). */
export const EXIT_GENERAL_PROTECTION = 8;
/** #MF: unmasked x87 exception pending. */
export const EXIT_X87 = 9;
/** #XM: unmasked SSE exception. detail: the MXCSR flags that are set and unmasked. */
export const EXIT_SIMD = 10;
/** #SS: non-canonical address through RSP or RBP (SIGBUS on Linux). */
export const EXIT_STACK = 11;
/** #OF: INT 4. RIP is behind the instruction. */
export const EXIT_OVERFLOW = 12;
/** #DB of the debug registers: an instruction is about to run, or one has run that touched a watched place (DebugRegisters.hits). */
export const EXIT_WATCHED = 13;
