/** Seccomp: modes, filters and their installation. Linux kernel/seccomp.c. The interpreter is in bpf.ts, the check at entry in seccomp-check.ts. */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EACCES, EFAULT, EINVAL, ENOMEM, EOPNOTSUPP, ESRCH, isErr } from '../abi/errno.ts';
import { validateBpf } from '../net/bpf.ts';
import { SYSCALL_SECCOMP, type Task } from './task.ts';

export const SECCOMP_SET_MODE_STRICT = 0, SECCOMP_SET_MODE_FILTER = 1, SECCOMP_GET_ACTION_AVAIL = 2, SECCOMP_GET_NOTIF_SIZES = 3;
export const SECCOMP_FILTER_FLAG_TSYNC = 1, SECCOMP_FILTER_FLAG_LOG = 2, SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4, SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
export const SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32;
export const SECCOMP_RET_KILL_PROCESS: number = 0x80000000 | 0, SECCOMP_RET_KILL_THREAD = 0, SECCOMP_RET_TRAP = 0x30000, SECCOMP_RET_ERRNO = 0x50000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc00000, SECCOMP_RET_TRACE = 0x7ff00000, SECCOMP_RET_LOG = 0x7ffc0000, SECCOMP_RET_ALLOW = 0x7fff0000;

const BPF_MAXINSNS = 4096;
/** All filters of a task together, instructions (with 4 a filter). */
const MAX_INSNS_PER_PATH = 32768;

/** A chain of classic BPF programs, the newest first; shared by tasks that forked after it was installed. */
export class SeccompFilter {
  readonly previous: SeccompFilter | null;
  /** Instructions as triples: code | jt << 16 | jf << 24, and k. */
  readonly program: Int32Array;
  constructor(previous: SeccompFilter | null, program: Int32Array) {
    this.previous = previous;
    this.program = program;
  }
}

/** prctl(PR_SET_SECCOMP) and seccomp(2): installs strict mode or a filter. EINVAL, EACCES, EFAULT, ENOMEM, ESRCH. */
export function attachSeccomp(t: Task, operation: number, flags: number, addr: number): number {
  switch (operation) {
    case SECCOMP_SET_MODE_STRICT:
      if (flags !== 0) return EINVAL;
      if (t.seccompMode !== 0 && t.seccompMode !== 1) return EINVAL;
      t.seccompMode = 1;
      t.syscallWork |= SYSCALL_SECCOMP;
      return 0;
    case SECCOMP_SET_MODE_FILTER:
      return attachFilter(t, flags, addr);
    case SECCOMP_GET_ACTION_AVAIL: {
      if (flags !== 0) return EINVAL;
      const action = t.space.readU32(addr);
      if (isErr(action)) return EFAULT;
      const known = [SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW];
      return known.includes(action | 0) ? 0 : EOPNOTSUPP;
    }
    default:
      return EINVAL;
  }
}

function attachFilter(t: Task, flags: number, addr: number): number {
  const known = SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_TSYNC_ESRCH;
  if (flags & ~known) return EINVAL;
  const length = t.space.readU16(addr);
  const program = t.space.readU64(addr + 8);
  if (isErr(length) || isErr(program)) return EFAULT;
  if (length === 0 || length > BPF_MAXINSNS) return EINVAL;
  if (!t.noNewPrivs && !t.credentials.nsCapable(t.credentials.userNs, CAP_SYS_ADMIN)) return EACCES;
  const bytes = new Uint8Array(length * 8);
  if (t.space.readBytes(program, bytes) !== 0) return EFAULT;
  const words = new Int32Array(bytes.buffer);
  if (!validateBpf(words)) return EINVAL;
  if (t.seccompMode === 1) return EINVAL;
  let total = length;
  for (let f = t.seccomp; f !== null; f = f.previous) total += f.program.length / 2 + 4;
  if (total > MAX_INSNS_PER_PATH) return ENOMEM;
  if (flags & SECCOMP_FILTER_FLAG_TSYNC) {
    for (const m of t.threadGroup.threads) {
      if (m === t || m.exiting) continue;
      if (m.seccompMode === 0 || (m.seccompMode === 2 && isAncestor(m.seccomp, t.seccomp))) continue;
      return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? ESRCH : m.pid.nr(t.pid.ns);
    }
  }
  const filter = new SeccompFilter(t.seccomp, words);
  const set = (m: Task): void => {
    m.seccomp = filter;
    m.seccompMode = 2;
    m.syscallWork |= SYSCALL_SECCOMP;
  };
  set(t);
  if (flags & SECCOMP_FILTER_FLAG_TSYNC)
    for (const m of t.threadGroup.threads)
      if (m !== t && !m.exiting) {
        set(m);
        if (t.noNewPrivs) m.noNewPrivs = true;
      }
  return 0;
}

function isAncestor(older: SeccompFilter | null, newer: SeccompFilter | null): boolean {
  if (older === null) return true;
  for (let f = newer; f !== null; f = f.previous) if (f === older) return true;
  return false;
}
