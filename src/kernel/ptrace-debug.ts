/** Debug registers as tracers see and set them. Linux 6.18 arch/x86/kernel/ptrace.c ptrace_set_debugreg(), hw_breakpoint.c. */
import { EINVAL, EIO, type Errno } from '../abi/errno.ts';
import { DebugRegisters, DR6_STEP, WATCH_EXECUTE } from '../x86/debug-registers.ts';
import { RF } from '../x86/flags.ts';
import { EFLAGS_OTHER } from '../x86/cpu-layout.ts';
import type { Task } from './task.ts';

/** Bits of DR6 that read as ones and are kept inverted (DR6_RESERVED), and of DR7 that cannot be set (DR_CONTROL_RESERVED, the low half). */
const DR6_RESERVED = 0xffff0ff0, CONTROL_RESERVED = 0xfc00;
/** The first address that is not the program's: no such place can be watched. */
const TASK_SIZE = 0x7ffffffff000;

/** A thread's debug registers once a tracer has written one. */
export class PtraceDebug {
  readonly registers: DebugRegisters = new DebugRegisters();
  /** Slots that exist (Linux thread.ptrace_bps): set up by an address or by DR7, a bit each. */
  slots = 0;
  /** DR7 as it was written and DR6 without what reads as ones (Linux thread.ptrace_dr7, virtual_dr6): low halves, high halves. */
  control = 0;
  controlHigh = 0;
  status = 0;
  statusHigh = 0;
}

/** Writes debug register `n` (0 … 7) of `p` to `view`, for PTRACE_PEEKUSER. */
export function readDebugRegister(p: Task, n: number, view: DataView, off: number): void {
  const d = p.debug;
  let lo = 0;
  let hi = 0;
  if (n === 6) lo = DR6_RESERVED;
  if (d !== null) {
    if (n < 4) {
      const address = d.registers.addresses[n]!; // checked
      lo = address | 0;
      hi = Math.floor(address / 4294967296);
    } else if (n === 6) {
      lo ^= d.status;
      hi = d.statusHigh;
    } else if (n === 7) {
      lo = d.control;
      hi = d.controlHigh;
    }
  }
  view.setInt32(off, lo, true);
  view.setInt32(off + 4, hi, true);
}

/** Sets debug register `n` of `p`, for PTRACE_POKEUSER: EIO for DR4 and DR5, EINVAL for places that cannot be watched so. */
export function writeDebugRegister(p: Task, n: number, lo: number, hi: number): 0 | Errno {
  if (n === 4 || n === 5) return EIO;
  const d = (p.debug ??= new PtraceDebug());
  let r: 0 | Errno = 0;
  if (n < 4) r = setAddress(d, n, hi * 4294967296 + (lo >>> 0));
  else if (n === 6) {
    d.status = lo ^ DR6_RESERVED;
    d.statusHigh = hi;
  } else {
    r = setControl(d, lo & ~CONTROL_RESERVED);
    if (r === 0) {
      d.control = lo;
      d.controlHigh = hi;
    }
  }
  d.registers.update();
  p.watch = d.registers.armed ? d.registers : null;
  return r;
}

/** EINVAL for an address of the kernel, or one that is not aligned for its length (Linux hw_breakpoint_arch_parse()). */
function checkPlace(address: number, control: number, slot: number): 0 | Errno {
  if (!(address >= 0 && address < TASK_SIZE)) return EINVAL;
  const length = DebugRegisters.kind(control, slot) === WATCH_EXECUTE ? 1 : DebugRegisters.length(control, slot);
  return address % length === 0 ? 0 : EINVAL;
}

function setAddress(d: PtraceDebug, slot: number, address: number): 0 | Errno {
  const g = d.registers;
  const r = checkPlace(address, g.control, slot);
  if (r !== 0) return r;
  d.slots |= 1 << slot;
  g.addresses[slot] = address;
  return 0;
}

/** Linux ptrace_write_dr7(): all slots or none. */
function setControl(d: PtraceDebug, control: number): 0 | Errno {
  const g = d.registers;
  for (let i = 0; i < 4; i++) {
    if (!DebugRegisters.enabled(control, i) && !(d.slots & (1 << i))) continue;
    const kind = DebugRegisters.kind(control, i);
    // Ports cannot be watched, and instructions have no length.
    if (kind === 2 || (kind === WATCH_EXECUTE && DebugRegisters.length(control, i) !== 1)) return EINVAL;
    const r = checkPlace(g.addresses[i]!, control, i); // 0 … 3
    if (r !== 0) return r;
  }
  for (let i = 0; i < 4; i++) if (DebugRegisters.enabled(control, i)) d.slots |= 1 << i;
  g.control = control;
  return 0;
}

/** #DB in user mode: what happened goes to DR6, and an instruction that was stopped at runs the next time (Linux exc_debug_user()). */
export function debugTrap(t: Task, step: boolean): void {
  const { watch } = t;
  if (t.debug === null) {
    if (t.ptrace === null) return;
    t.debug = new PtraceDebug();
  }
  t.debug.status = step ? DR6_STEP : 0;
  t.debug.statusHigh = 0;
  if (watch === null || watch.hits === 0) return;
  const { hits } = watch;
  t.debug.status |= hits;
  watch.hits = 0;
  if (hits & watch.at(t.regs.rip)) t.regs.setI32(EFLAGS_OTHER, t.regs.i32(EFLAGS_OTHER) | RF);
}
