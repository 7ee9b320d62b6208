/**
 * Layout of the CPU state block: one a task, in linear memory, `CPU_STATE_SIZE` bytes, 64-byte aligned.
 * Offsets in bytes from the block's start. Translated code, helpers and the kernel all use these.
 */
export const CPU_STATE_SIZE = 1536;
/** 16 general registers, i64 each, in encoding order (RAX RCX RDX RBX RSP RBP RSI RDI R8…R15). */
export const GPR = 0;
export const RIP = 128;
/** Lazy flags: see flags.ts. CC_OP is i32, the others i64. */
export const CC_OP = 136;
export const CC_DST = 144;
export const CC_SRC = 152;
export const CC_AUX = 160;
/** The other RFLAGS bits (DF, TF, AC, ID, NT; IF and bit 1 always set), i32. DF is also kept as a step in DF_STEP (+1 or -1, i32). */
export const EFLAGS_OTHER = 168;
export const DF_STEP = 172;
export const FS_BASE = 176;
export const GS_BASE = 184;
/** MXCSR, i32. */
export const MXCSR = 192;
/** x87: control word, status word (TOP in bits 11-13 is kept in FPU_TOP), tag bits (bit i = register i valid), last opcode; i32 each; last instruction and data pointer, i64. */
export const FPU_CW = 196;
export const FPU_SW = 200;
export const FPU_TOP = 204;
export const FPU_TAG = 208;
export const FPU_OPCODE = 212;
export const FPU_IP = 216;
export const FPU_DP = 224;
/** Exit: reason (see platform/exits.ts), detail, i32 each; fault address i64; access kind i32. */
export const EXIT_REASON = 232;
export const EXIT_DETAIL = 236;
export const FAULT_ADDR = 240;
export const FAULT_ACCESS = 248;
/** Remaining fuel, i32. */
export const FUEL = 252;
/** 16 XMM registers, 16 bytes each. */
export const XMM = 256;
/** 8 physical x87 registers R0…R7, 16 bytes each: 64-bit significand, then 16-bit sign and exponent. MMX registers are the significands. */
export const ST = 512;
/** What follows is the platform's own. The code context that regions were validated for, i32. */
export const PLATFORM_STATE = 640;
export const CODE_CONTEXT = 648;
/** IA32_TSC_AUX, i32: what RDTSCP tells beside the time. */
export const TSC_AUX = 652;
/**
 * i32: nonzero sends SSE floating point to the exact slow path (sse-slow.ts). Bit 0: MXCSR has a rounding mode, DAZ, FTZ or an unmasked exception;
 * bit 1: the program has written MXCSR, so that from now on every exception flag is kept exactly.
 */
export const FP_SLOW = 656;
/** 64 bytes: a load that crosses pages is assembled here. */
export const BOUNCE = 704;
/** Arguments and results of helpers that do not fit in parameters; 128 bytes. */
export const SCRATCH = 768;

/** Values of a platform that interprets: 512 bytes of what lives within one instruction. */
export const TEMPS: number = CPU_STATE_SIZE - 512;

export const RAX = 0, RCX = 1, RDX = 2, RBX = 3, RSP = 4, RBP = 5, RSI = 6, RDI = 7;
export const R8 = 8, R9 = 9, R10 = 10, R11 = 11, R12 = 12, R13 = 13, R14 = 14, R15 = 15;
