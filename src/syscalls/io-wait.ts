/** What the calls that wait for files have in common: timeouts, temporary signal masks, installing descriptors. */
import { EFAULT, EINVAL, type Errno, isErr } from '../abi/errno.ts';
import { SIGSET_SIZE } from '../abi/signal.ts';
import { setBlocked } from '../kernel/signal-send.ts';
import { type Task, WORK_RESTORE_MASK } from '../kernel/task.ts';
import type { FileDescription } from '../vfs/file-description.ts';

const NSEC_PER_SEC = 1_000_000_000;
/** Waits longer than this are for ever: monotonic ns stay exact. */
const MAX_WAIT_SEC = 9_000_000;
const long = { value: 0 };

/** A time span as seconds and nanoseconds, filled by readTimespec and readTimeval. */
export class TimeSpan {
  sec = 0;
  nsec = 0;
}

/** Reads a struct timespec: 0, EFAULT, or EINVAL if it is no valid span. */
export function readTimespec(t: Task, addr: number, out: TimeSpan): 0 | Errno {
  if (isErr(t.space.readI64(addr, long))) return EFAULT;
  out.sec = long.value;
  if (isErr(t.space.readI64(addr + 8, long))) return EFAULT;
  out.nsec = long.value;
  return out.sec < 0 || out.nsec < 0 || out.nsec >= NSEC_PER_SEC ? EINVAL : 0;
}

/** Monotonic ns at which a span that starts now ends; Infinity for one of years. */
export function deadlineAfter(t: Task, span: TimeSpan): number {
  if (span.sec > MAX_WAIT_SEC) return Infinity;
  return t.monotonicNs() + span.sec * NSEC_PER_SEC + span.nsec;
}

/** Installs the signal mask at `addr` for the length of this call (Linux set_user_sigmask). `addr` 0: none. 0, EINVAL (size), EFAULT. */
export function setTemporaryMask(t: Task, addr: number, size: number): 0 | Errno {
  if (addr === 0) return 0;
  if (size !== SIGSET_SIZE) return EINVAL;
  const lo = t.space.readU32(addr);
  const hi = t.space.readU32(addr + 4);
  if (isErr(lo) || isErr(hi)) return EFAULT;
  t.signals.savedMask.copyFrom(t.signals.blocked);
  t.work |= WORK_RESTORE_MASK;
  setBlocked(t, lo | 0, hi | 0);
  return 0;
}

/** Brings the old mask back unless the call was interrupted: then the signal is taken under the temporary one first. */
export function restoreMask(t: Task, interrupted: boolean): void {
  if (interrupted || (t.work & WORK_RESTORE_MASK) === 0) return;
  t.work &= ~WORK_RESTORE_MASK;
  setBlocked(t, t.signals.savedMask.lo, t.signals.savedMask.hi);
}

/** Gives a fresh description the lowest descriptor; EMFILE releases it. */
export function installFile(t: Task, file: FileDescription, cloexec: boolean): number {
  const fd = t.fdTable.install(file, t.openFilesLimit, cloexec);
  if (isErr(fd)) file.unref();
  return fd;
}

/** The description of `fd` for an operation on its contents: null for a closed one and for O_PATH. */
export function openFile(t: Task, fd: number): FileDescription | null {
  const file = t.fdTable.get(fd);
  return file === null || file.isPath ? null : file;
}
