/** Layout of one state, shared with native-runner.c (`struct record`), and where snippets and data live in both worlds. */
export const RECORD = 1024;
export const R_GPR = 0;
export const R_RIP = 128;
export const R_RFLAGS = 136;
/** Signal that ended the snippet, i32; 0 before the run. */
export const R_SIGNO = 144;
export const R_CODE = 148;
/** si_addr of SIGSEGV and SIGBUS. */
export const R_ADDR = 152;
/** Guest address of the data window. */
export const R_WINDOW = 160;
/** Number of the snippet. */
export const R_SNIPPET = 168;
export const R_DATA = 176;
export const WINDOW_SIZE = 336;
/** FXSAVE64 image. */
export const R_FX = 512;
export const FX_FCW: number = R_FX;
export const FX_FSW: number = R_FX + 2;
export const FX_FTW: number = R_FX + 4;
export const FX_MXCSR: number = R_FX + 24;
export const FX_ST: number = R_FX + 32;
export const FX_XMM: number = R_FX + 160;

export const CODE_BASE = 0x20000000;
export const DATA_BASE = 0x10000000;
export const DATA_SIZE = 0x2000;
/** Bytes a snippet; the rest is int3. */
export const STRIDE = 64;

export const SIGILL = 4, SIGTRAP = 5, SIGBUS = 7, SIGFPE = 8, SIGSEGV = 11;
export const SIGNAL_NAMES: Record<number, string> = { 0: 'none', 4: 'SIGILL', 5: 'end', 7: 'SIGBUS', 8: 'SIGFPE', 11: 'SIGSEGV', 99: 'endless' };
export const REG_NAMES: readonly string[] = ['rax', 'rcx', 'rdx', 'rbx', 'rsp', 'rbp', 'rsi', 'rdi', 'r8', 'r9', 'r10', 'r11', 'r12', 'r13', 'r14', 'r15'];
