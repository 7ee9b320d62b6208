/** Seccomp: modes, filters and their installation. Linux kernel/seccomp.c. The interpreter is in bpf.ts, the check at entry in seccomp-check.ts. */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EACCES, EBUSY, EFAULT, EINVAL, ENOMEM, EOPNOTSUPP, ESRCH, isErr } from '../abi/errno.ts';
import { validateBpf } from '../net/bpf.ts';
import { SeccompListener, SeccompListenerFile } from './seccomp-notify.ts';
import { SYSCALL_SECCOMP, type Task } from './task.ts';

export const SECCOMP_SET_MODE_STRICT = 0, SECCOMP_SET_MODE_FILTER = 1, SECCOMP_GET_ACTION_AVAIL = 2, SECCOMP_GET_NOTIF_SIZES = 3;
export const SECCOMP_FILTER_FLAG_TSYNC = 1, SECCOMP_FILTER_FLAG_LOG = 2, SECCOMP_FILTER_FLAG_SPEC_ALLOW = 4, SECCOMP_FILTER_FLAG_NEW_LISTENER = 8;
export const SECCOMP_FILTER_FLAG_TSYNC_ESRCH = 16, SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV = 32;
export const SECCOMP_RET_KILL_PROCESS: number = 0x80000000 | 0, SECCOMP_RET_KILL_THREAD = 0, SECCOMP_RET_TRAP = 0x30000, SECCOMP_RET_ERRNO = 0x50000;
export const SECCOMP_RET_USER_NOTIF = 0x7fc00000, SECCOMP_RET_TRACE = 0x7ff00000, SECCOMP_RET_LOG = 0x7ffc0000, SECCOMP_RET_ALLOW = 0x7fff0000;

const FLAGS_MASK: number =
  SECCOMP_FILTER_FLAG_TSYNC | SECCOMP_FILTER_FLAG_LOG | SECCOMP_FILTER_FLAG_SPEC_ALLOW | SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_TSYNC_ESRCH |
  SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV;
const BPF_MAXINSNS = 4096;
/** All filters of a task together, instructions (with 4 a filter). */
const MAX_INSNS_PER_PATH = 32768;

/** A chain of classic BPF programs, the newest first; shared by tasks that forked after it was installed. */
export class SeccompFilter {
  readonly previous: SeccompFilter | null;
  /** Instructions as triples: code | jt << 16 | jf << 24, and k. */
  readonly program: Int32Array;
  /** SECCOMP_FILTER_FLAG_LOG. */
  readonly log: boolean;
  /** Who decides about SECCOMP_RET_USER_NOTIF; null: nobody (ENOSYS). */
  readonly listener: SeccompListener | null;
  /** Tasks whose newest filter this is, and filters installed on top of it that are in use. */
  users = 1;
  constructor(previous: SeccompFilter | null, program: Int32Array, log: boolean, listener: SeccompListener | null) {
    this.previous = previous;
    this.program = program;
    this.log = log;
    this.listener = listener;
  }
}

/** A task stops using `filter` and those below it; who listens to one that nobody uses any more learns of it (Linux __seccomp_filter_orphan). */
export function dropFilter(filter: SeccompFilter | null): void {
  for (let f = filter; f !== null && --f.users === 0; f = f.previous) {
    if (f.listener === null) continue;
    f.listener.unused = true;
    f.listener.queue.wake();
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
      const known = [SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_KILL_THREAD, SECCOMP_RET_TRAP, SECCOMP_RET_ERRNO, SECCOMP_RET_TRACE, SECCOMP_RET_LOG, SECCOMP_RET_ALLOW, SECCOMP_RET_USER_NOTIF];
      return known.includes(action | 0) ? 0 : EOPNOTSUPP;
    }
    default:
      return EINVAL;
  }
}

function attachFilter(t: Task, flags: number, addr: number): number {
  const listens = (flags & SECCOMP_FILTER_FLAG_NEW_LISTENER) !== 0;
  if (flags & ~FLAGS_MASK) return EINVAL;
  // Both say something by their result: a descriptor, or the thread that could not follow.
  if (flags & SECCOMP_FILTER_FLAG_TSYNC && listens && !(flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH)) return EINVAL;
  if (flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV && !listens) return EINVAL;
  const length = t.space.readU16(addr);
  const program = t.space.readU64(addr + 8);
  if (isErr(length) || isErr(program)) return EFAULT;
  if (length === 0 || length > BPF_MAXINSNS) return EINVAL;
  if (!t.noNewPrivs && !t.credentials.nsCapable(t.credentials.userNs, CAP_SYS_ADMIN)) return EACCES;
  const bytes = new Uint8Array(length * 8);
  if (t.space.readBytes(program, bytes) !== 0) return EFAULT;
  const words = new Int32Array(bytes.buffer);
  if (!validateBpf(words)) return EINVAL;
  if (listens) {
    const room = t.fdTable.lowestFree(0, t.openFilesLimit);
    if (isErr(room)) return room;
  }
  if (t.seccompMode === 1) return EINVAL;
  if (listens) for (let f = t.seccomp; f !== null; f = f.previous) if (f.listener !== null && !f.listener.closed) return EBUSY;
  let total = length;
  for (let f = t.seccomp; f !== null; f = f.previous) total += f.program.length / 2 + 4;
  if (total > MAX_INSNS_PER_PATH) return ENOMEM;
  if (flags & SECCOMP_FILTER_FLAG_TSYNC) {
    for (const m of t.threadGroup.threads) {
      if (m === t || m.exiting) continue;
      if (m.seccompMode === 0 || (m.seccompMode === 2 && isAncestor(m.seccomp, t.seccomp))) continue;
      return flags & SECCOMP_FILTER_FLAG_TSYNC_ESRCH ? ESRCH : m.pid.nr(t.pid.ns) || ESRCH;
    }
  }
  const listener = listens ? new SeccompListener((flags & SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV) !== 0, randomId(t)) : null;
  // The caller's hold of its old filter becomes the new filter's.
  const filter = new SeccompFilter(t.seccomp, words, (flags & SECCOMP_FILTER_FLAG_LOG) !== 0, listener);
  const set = (m: Task): void => {
    if (m !== t) {
      filter.users++;
      dropFilter(m.seccomp);
    }
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
  if (listener === null) return 0;
  const file = new SeccompListenerFile(t.kernel.vfs.anonymous.anonymousPath('seccomp notify'), listener);
  return t.fdTable.install(file, t.openFilesLimit, true);
}

/** Where the numbers of a listener's calls begin: not guessable. */
function randomId(t: Task): number {
  const b = new Uint8Array(6);
  t.kernel.random(b);
  return b.reduce((n, byte) => n * 256 + byte, 0);
}

function isAncestor(older: SeccompFilter | null, newer: SeccompFilter | null): boolean {
  if (older === null) return true;
  for (let f = newer; f !== null; f = f.previous) if (f === older) return true;
  return false;
}
