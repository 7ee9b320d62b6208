/** System calls from some addresses are handed back to the program as SIGSYS: Linux kernel/entry/syscall_user_dispatch.c. */
import { EFAULT, EINVAL, type Errno, isErr } from '../abi/errno.ts';
import { SIGSEGV, SIGSYS, SYS_USER_DISPATCH } from '../abi/signal.ts';
import { SignalInfo } from './signal-info.ts';
import { forceFatal, forceSignal } from './signal-send.ts';
import { SYSCALL_DISPATCH, type Task } from './task.ts';

export const PR_SYS_DISPATCH_OFF = 0, PR_SYS_DISPATCH_EXCLUSIVE_ON = 1, PR_SYS_DISPATCH_INCLUSIVE_ON = 2;
const SYSCALL_DISPATCH_FILTER_ALLOW = 0, SYSCALL_DISPATCH_FILTER_BLOCK = 1;
const AUDIT_ARCH_X86_64 = 0xc000003e | 0;
/** End of user addresses. */
const TASK_SIZE = 0x7ffffffff000;

/** What a thread has asked for. */
export class SyscallUserDispatch {
  /** Calls from `start … start+length-1` go through, or (`inverted`) only those are handed back. */
  readonly start: number;
  readonly length: number;
  readonly inverted: boolean;
  /** Address of a byte that says whether calls are handed back now; 0 = they always are. */
  readonly selector: number;
  constructor(start: number, length: number, inverted: boolean, selector: number) {
    this.start = start;
    this.length = length;
    this.inverted = inverted;
    this.selector = selector;
  }
  /** True if a call that returns to `ip` goes through whatever the selector says. */
  letsThrough(ip: number): boolean {
    return (ip >= this.start && ip < this.start + this.length) !== this.inverted;
  }
}

/** prctl(PR_SET_SYSCALL_USER_DISPATCH), and a tracer's setting for its tracee. EINVAL, EFAULT. */
export function setSyscallUserDispatch(t: Task, mode: number, start: number, length: number, selector: number): 0 | Errno {
  switch (mode) {
    case PR_SYS_DISPATCH_OFF:
      if (start !== 0 || length !== 0 || selector !== 0) return EINVAL;
      break;
    case PR_SYS_DISPATCH_EXCLUSIVE_ON:
      if (start !== 0 && wraps(start, length)) return EINVAL;
      break;
    case PR_SYS_DISPATCH_INCLUSIVE_ON:
      if (length === 0 || wraps(start, length)) return EINVAL;
      break;
    default:
      return EINVAL;
  }
  if (mode !== PR_SYS_DISPATCH_OFF && selector !== 0 && !(selector < TASK_SIZE)) return EFAULT;
  t.syscallDispatch = mode === PR_SYS_DISPATCH_OFF ? null : new SyscallUserDispatch(start, length, mode === PR_SYS_DISPATCH_INCLUSIVE_ON, selector);
  if (mode === PR_SYS_DISPATCH_OFF) t.syscallWork &= ~SYSCALL_DISPATCH;
  else t.syscallWork |= SYSCALL_DISPATCH;
  return 0;
}

/** True if the end is not above the start, in 64 bits. */
function wraps(start: number, length: number): boolean {
  return length === 0 || start + length >= 2 ** 64;
}

/** At the entry of a call: true if it is handed back; the thread has a signal then. */
export function dispatchToUser(t: Task, nr: number): boolean {
  const d = t.syscallDispatch;
  const ip = t.regs.rip;
  if (d === null || d.letsThrough(ip)) return false;
  if (d.selector !== 0) {
    const state = t.space.readU8(d.selector);
    if (isErr(state)) {
      forceFatal(t, SIGSEGV);
      return true;
    }
    if (state === SYSCALL_DISPATCH_FILTER_ALLOW) return false;
    if (state !== SYSCALL_DISPATCH_FILTER_BLOCK) {
      forceFatal(t, SIGSYS);
      return true;
    }
  }
  const info = new SignalInfo(SIGSYS, SYS_USER_DISPATCH).setAddress(ip);
  info.w2 = nr;
  info.w3 = AUDIT_ARCH_X86_64;
  t.syscall.nr = -1;
  forceSignal(t, info);
  return true;
}
