/** ptrace's requests about the system call a tracee stopped at, and about its seccomp filters. Linux kernel/ptrace.c, kernel/seccomp.c. */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EACCES, EFAULT, EINVAL, ENOENT, ERANGE, isErr } from '../abi/errno.ts';
import {
  PTRACE_EVENT_SECCOMP, PTRACE_SYSCALL_INFO_ENTRY, PTRACE_SYSCALL_INFO_EXIT, PTRACE_SYSCALL_INFO_NONE, PTRACE_SYSCALL_INFO_SECCOMP, PTRACE_SYSCALL_INFO_SIZE,
} from '../abi/ptrace.ts';
import { SIGTRAP } from '../abi/signal.ts';
import { readRegister, writeRegister } from '../kernel/ptrace-registers.ts';
import { SECCOMP_FILTER_FLAG_LOG, type SeccompFilter } from '../kernel/seccomp.ts';
import { PR_SYS_DISPATCH_EXCLUSIVE_ON, PR_SYS_DISPATCH_OFF, setSyscallUserDispatch } from '../kernel/syscall-user-dispatch.ts';
import type { Task } from '../kernel/task.ts';

const AUDIT_ARCH_X86_64 = 0xc000003e;
/** Bytes of the parts of struct ptrace_syscall_info: what all stops have, an entry, an exit, a seccomp stop. */
const COMMON_SIZE = 24, ENTRY_SIZE = 80, EXIT_SIZE = 33, SECCOMP_SIZE = 84;
/** Places in user_regs_struct: rdi rsi rdx r10 r8 r9, rax, orig_rax, rip, rsp. */
const ARGUMENTS: readonly number[] = [14, 13, 12, 7, 9, 8];
const RAX = 10, ORIG_RAX = 15, RIP = 16, RSP = 19;
/** SECCOMP_MODE_FILTER */
const MODE_FILTER = 2;

const buffer: Uint8Array = new Uint8Array(PTRACE_SYSCALL_INFO_SIZE);
const view: DataView = new DataView(buffer.buffer);

/** Which stop it is, as the last siginfo tells: entries and exits only with PTRACE_O_TRACESYSGOOD. */
function kindOfStop(p: Task): number {
  const s = p.ptrace!; // traced, as the caller checked
  const code = s.info?.code ?? 0;
  if (code === (SIGTRAP | 0x80)) return s.eventMessage === 1 ? PTRACE_SYSCALL_INFO_ENTRY : s.eventMessage === 2 ? PTRACE_SYSCALL_INFO_EXIT : PTRACE_SYSCALL_INFO_NONE;
  return code === (SIGTRAP | (PTRACE_EVENT_SECCOMP << 8)) ? PTRACE_SYSCALL_INFO_SECCOMP : PTRACE_SYSCALL_INFO_NONE;
}

/** PTRACE_GET_SYSCALL_INFO: the size of what there is to say; as much of it as fits is written. */
export function getSyscallInfo(t: Task, p: Task, size: number, addr: number): number {
  buffer.fill(0);
  const kind = kindOfStop(p);
  buffer[0] = kind;
  view.setUint32(4, AUDIT_ARCH_X86_64, true);
  readRegister(p, RIP, view, 8);
  readRegister(p, RSP, view, 16);
  let n = COMMON_SIZE;
  if (kind === PTRACE_SYSCALL_INFO_ENTRY || kind === PTRACE_SYSCALL_INFO_SECCOMP) {
    view.setInt32(24, p.syscall.nr, true);
    view.setInt32(28, p.syscall.nr >> 31, true);
    ARGUMENTS.forEach((place, i) => readRegister(p, place, view, 32 + i * 8));
    n = ENTRY_SIZE;
    if (kind === PTRACE_SYSCALL_INFO_SECCOMP) {
      view.setUint32(80, p.ptrace!.eventMessage, true); // traced
      n = SECCOMP_SIZE;
    }
  } else if (kind === PTRACE_SYSCALL_INFO_EXIT) {
    readRegister(p, RAX, view, 24);
    buffer[32] = view.getInt32(28, true) === -1 && view.getInt32(24, true) >= -4095 ? 1 : 0;
    n = EXIT_SIZE;
  }
  return t.space.writeBytes(addr, buffer, 0, Math.min(n, size)) !== 0 ? EFAULT : n;
}

/** PTRACE_SET_SYSCALL_INFO (6.16): changes number and arguments, or the result. EINVAL for another kind of stop than it is, ERANGE. */
export function setSyscallInfo(t: Task, p: Task, size: number, addr: number): number {
  if (size < PTRACE_SYSCALL_INFO_SIZE) return EINVAL;
  if (t.space.readBytes(addr, buffer, 0, PTRACE_SYSCALL_INFO_SIZE) !== 0) return EFAULT;
  // Reserved: the bytes between op and arch.
  if ((buffer[1]! | buffer[2]! | buffer[3]!) !== 0) return EINVAL; // in range
  const kind = kindOfStop(p);
  if (kind !== buffer[0]) return EINVAL;
  switch (kind) {
    case PTRACE_SYSCALL_INFO_ENTRY:
    case PTRACE_SYSCALL_INFO_SECCOMP: {
      const nr = view.getInt32(24, true);
      if (view.getInt32(28, true) !== nr >> 31) return ERANGE;
      writeRegister(p, ORIG_RAX, nr, nr >> 31);
      if (nr !== -1) ARGUMENTS.forEach((place, i) => writeRegister(p, place, view.getInt32(32 + i * 8, true), view.getInt32(36 + i * 8, true)));
      return 0;
    }
    case PTRACE_SYSCALL_INFO_EXIT: {
      // A result that is an error comes as its negative number.
      const error = view.getInt32(24, true);
      if (buffer[32] !== 0) writeRegister(p, RAX, error, error >> 31);
      else writeRegister(p, RAX, view.getInt32(24, true), view.getInt32(28, true));
      return 0;
    }
    default:
      return EINVAL;
  }
}

/** The filter number `index` of a task, the oldest being 0: EINVAL without filters, ENOENT. Linux get_nth_filter(). */
function nthFilter(p: Task, index: number): SeccompFilter | number {
  if (p.seccompMode !== MODE_FILTER) return EINVAL;
  let count = 0;
  for (let f = p.seccomp; f !== null; f = f.previous) count++;
  if (index >= count) return ENOENT;
  let f = p.seccomp!; // count is above 0
  for (let i = count - 1; i > index; i--) f = f.previous!; // as many as counted
  return f;
}

const mayAsk = (t: Task): boolean => t.credentials.capableInInit(CAP_SYS_ADMIN) && t.seccompMode === 0;

/** PTRACE_SECCOMP_GET_FILTER: instructions of a filter, copied to `addr` unless that is 0. */
export function getSeccompFilter(t: Task, p: Task, index: number, addr: number): number {
  if (!mayAsk(t)) return EACCES;
  const f = nthFilter(p, index);
  if (typeof f === 'number') return f;
  const count = f.program.length / 2;
  if (addr === 0) return count;
  const bytes = new Uint8Array(f.program.slice().buffer);
  return t.space.writeBytes(addr, bytes) !== 0 ? EFAULT : count;
}

/** PTRACE_SECCOMP_GET_METADATA: struct seccomp_metadata, whose first word says which filter. */
export function getSeccompMetadata(t: Task, p: Task, size: number, addr: number): number {
  if (!mayAsk(t)) return EACCES;
  const n = Math.min(size, 16);
  if (n < 8) return EINVAL;
  const index = t.space.readU64(addr);
  if (isErr(index)) return EFAULT;
  const f = nthFilter(p, index);
  if (typeof f === 'number') return f;
  buffer.fill(0, 0, 16);
  view.setUint32(0, index, true);
  view.setUint32(8, f.log ? SECCOMP_FILTER_FLAG_LOG : 0, true);
  return t.space.writeBytes(addr, buffer, 0, n) !== 0 ? EFAULT : n;
}

/** struct ptrace_sud_config: mode, selector, offset, length. Bytes. */
const DISPATCH_CONFIG_SIZE = 32;

/** PTRACE_GET_SYSCALL_USER_DISPATCH_CONFIG. A range that calls are handed back from reads as the rest of all addresses, as the kernel keeps it. */
export function getDispatchConfig(t: Task, p: Task, size: number, addr: number): number {
  if (size !== DISPATCH_CONFIG_SIZE) return EINVAL;
  const d = p.syscallDispatch;
  const start = d === null ? 0 : d.inverted ? d.start + d.length : d.start;
  buffer.fill(0, 0, DISPATCH_CONFIG_SIZE);
  view.setUint32(0, d === null ? PR_SYS_DISPATCH_OFF : PR_SYS_DISPATCH_EXCLUSIVE_ON, true);
  const words = [d?.selector ?? 0, start, d === null ? 0 : d.inverted ? -d.length : d.length];
  words.forEach((n, i) => {
    view.setUint32(8 + i * 8, n % 4294967296 >>> 0, true);
    view.setInt32(12 + i * 8, Math.floor(n / 4294967296), true);
  });
  return t.space.writeBytes(addr, buffer, 0, DISPATCH_CONFIG_SIZE) !== 0 ? EFAULT : 0;
}

/** PTRACE_SET_SYSCALL_USER_DISPATCH_CONFIG. */
export function setDispatchConfig(t: Task, p: Task, size: number, addr: number): number {
  if (size !== DISPATCH_CONFIG_SIZE) return EINVAL;
  if (t.space.readBytes(addr, buffer, 0, DISPATCH_CONFIG_SIZE) !== 0) return EFAULT;
  const word = (i: number): number => view.getUint32(i * 8, true) + view.getUint32(i * 8 + 4, true) * 4294967296;
  return setSyscallUserDispatch(p, word(0), word(2), word(3), word(1));
}
