/** Registers as tracers see them: struct user_regs_struct. Source: Linux 6.18 arch/x86/include/asm/user_64.h, arch/x86/kernel/ptrace.c. */
import { EIO, type Errno } from '../abi/errno.ts';
import { GPR } from '../x86/cpu-layout.ts';
import type { Task } from './task.ts';

/** Offset of u_debugreg in struct user. */
export const USER_DEBUGREG = 848;

/** Places in user_regs_struct, in 8-byte words, that are not general registers. */
const ORIG_RAX = 15, RIP = 16, CS = 17, EFLAGS = 18, SS = 20, FS_BASE = 21, GS_BASE = 22;
const WORDS = 27;
/** General register (in encoding order) at each place, -1 = something else. r15 r14 r13 r12 bp bx r11 r10 r9 r8 ax cx dx si di … sp at 19. */
const GENERAL: readonly number[] = [15, 14, 13, 12, 5, 3, 11, 10, 9, 8, 0, 1, 2, 6, 7, -1, -1, -1, -1, 4, -1, -1, -1, -1, -1, -1, -1];
const USER_CS = 0x33, USER_DS = 0x2b;
/** Flags that a tracer may change: CF PF AF ZF SF TF DF OF NT AC RF. */
const FLAG_MASK = 0x54dd5;

function put(view: DataView, off: number, v: number): void {
  view.setUint32(off, v >>> 0, true);
  view.setInt32(off + 4, Math.floor(v / 4294967296), true);
}

/** Writes the register at place `i` to `view`. */
export function readRegister(p: Task, i: number, view: DataView, off: number): void {
  const g = GENERAL[i]!; // 0 … 26
  if (g >= 0) {
    const i32 = p.kernel.memory.i32;
    const at = ((p.cpu + GPR) >> 2) + g * 2;
    view.setInt32(off, i32[at]!, true);
    view.setInt32(off + 4, i32[at + 1]!, true);
    return;
  }
  const r = p.regs;
  switch (i) {
    case ORIG_RAX:
      put(view, off, p.syscall.nr);
      return;
    case RIP:
      put(view, off, r.rip);
      return;
    case CS:
      put(view, off, USER_CS);
      return;
    case EFLAGS:
      // Single-stepping for the tracer is not the program's own trap flag.
      put(view, off, p.ptrace?.stepping ? r.getEflags() & ~0x100 : r.getEflags());
      return;
    case SS:
      put(view, off, USER_DS);
      return;
    case FS_BASE:
      put(view, off, r.fsBase);
      return;
    case GS_BASE:
      put(view, off, r.gsBase);
      return;
    default:
      put(view, off, 0);
  }
}

/** All 27 words at the start of `view`. */
export function readRegisters(p: Task, view: DataView): void {
  for (let i = 0; i < WORDS; i++) readRegister(p, i, view, i * 8);
}

/** Sets the register at place `i`; EIO for a bad selector or base. */
export function writeRegister(p: Task, i: number, lo: number, hi: number): 0 | Errno {
  const g = GENERAL[i]!; // 0 … 26
  const r = p.regs;
  if (g >= 0) {
    r.setRegParts(g, lo, hi);
    return 0;
  }
  const v = hi * 4294967296 + (lo >>> 0);
  switch (i) {
    case ORIG_RAX:
      p.syscall.nr = lo;
      return 0;
    case RIP:
      r.rip = v;
      return 0;
    case EFLAGS:
      r.setEflags((r.getEflags() & ~FLAG_MASK) | (lo & FLAG_MASK));
      return 0;
    case CS:
    case SS:
      // The selector must be one of user mode.
      return (lo & 3) === 3 ? 0 : EIO;
    case FS_BASE:
      if (!(v >= 0 && v < 0x7ffffffff000)) return EIO;
      r.fsBase = v;
      return 0;
    case GS_BASE:
      if (!(v >= 0 && v < 0x7ffffffff000)) return EIO;
      r.gsBase = v;
      return 0;
    default:
      return 0;
  }
}

export function writeRegisters(p: Task, view: DataView): 0 | Errno {
  for (let i = 0; i < WORDS; i++) {
    const r = writeRegister(p, i, view.getInt32(i * 8, true), view.getInt32(i * 8 + 4, true));
    if (r !== 0) return r;
  }
  return 0;
}
