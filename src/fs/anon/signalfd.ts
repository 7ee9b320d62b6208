/** signalfd: pending signals are read. Facts: Linux 6.18 fs/signalfd.c; man 2 signalfd. */
import { SIZEOF_SIGNALFD_SIGINFO } from '../../abi/anon-fd.ts';
import { EAGAIN, EINVAL } from '../../abi/errno.ts';
import { POLLIN } from '../../abi/poll.ts';
import { SI_KERNEL, SI_SIGIO, SI_TIMER, SI_USER, SIGBUS, SIGCHLD, SIGFPE, SIGILL, SIGPOLL, SIGSEGV, SIGTRAP } from '../../abi/signal.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { dequeueSignal } from '../../kernel/signal-deliver.ts';
import type { SignalInfo } from '../../kernel/signal-info.ts';
import { SignalSet } from '../../kernel/signal-set.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { AnonymousDescription } from '../../vfs/anonymous-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { callerOf } from '../tty/job-control.ts';

const bytes = new Uint8Array(SIZEOF_SIGNALFD_SIGINFO);
const view = new DataView(bytes.buffer);

export class SignalfdDescription extends AnonymousDescription {
  private readonly kernel: Kernel;
  /** Signals to be read; SIGKILL and SIGSTOP are never among them. */
  readonly mask: SignalSet = new SignalSet();

  constructor(path: Path, flags: number, kernel: Kernel) {
    super(path, flags);
    this.kernel = kernel;
  }

  /** Reads the reader's own signals, whoever made the descriptor. */
  override read(ctx: VfsContext, iov: IoVector, _offset: number): number {
    const t = callerOf(ctx);
    if (iov.remaining < SIZEOF_SIGNALFD_SIGINFO) return EINVAL;
    let done = 0;
    while (iov.remaining >= SIZEOF_SIGNALFD_SIGINFO) {
      const info = dequeueSignal(t, ~this.mask.lo, ~this.mask.hi);
      if (info === null) break;
      encode(info);
      const r = iov.put(bytes, 0, SIZEOF_SIGNALFD_SIGINFO);
      if (r < 0) return done > 0 ? done : r;
      done += SIZEOF_SIGNALFD_SIGINFO;
    }
    if (done > 0) return done;
    return this.nonBlocking ? EAGAIN : ctx.wait(t.threadGroup.signalQueue);
  }

  override poll(table: PollTable | null): number {
    const t = this.kernel.current;
    if (t === null) return 0;
    if (table !== null) table.add(t.threadGroup.signalQueue);
    const own = t.signals.pending.set;
    const shared = t.threadGroup.pending.set;
    return ((own.lo | shared.lo) & this.mask.lo) | ((own.hi | shared.hi) & this.mask.hi) ? POLLIN : 0;
  }

  /** A changed mask may make waiters ready. */
  maskChanged(): void {
    this.kernel.current?.threadGroup.signalQueue.wake();
  }

  override fdInfo(): string {
    const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, '0');
    return `sigmask:\t${hex(this.mask.hi)}${hex(this.mask.lo)}\n`;
  }
}

/** Fault codes by signal: how many there are (Linux sig_sicodes). */
function isFault(signo: number, code: number): boolean {
  switch (signo) {
    case SIGILL:
      return code <= 11;
    case SIGFPE:
      return code <= 15;
    case SIGSEGV:
      return code <= 10;
    case SIGBUS:
      return code <= 5;
    case SIGTRAP:
      return code <= 6;
  }
  return false;
}

/** struct signalfd_siginfo into `bytes`. */
function encode(s: SignalInfo): void {
  bytes.fill(0);
  view.setUint32(0, s.signo, true);
  view.setInt32(4, s.errno, true);
  view.setInt32(8, s.code, true);
  const code = s.code;
  if (code > SI_USER && code < SI_KERNEL && isFault(s.signo, code)) {
    view.setInt32(72, s.w0, true);
    view.setInt32(76, s.w1, true);
  } else if (code > SI_USER && code < SI_KERNEL && s.signo === SIGCHLD) {
    view.setInt32(12, s.w0, true);
    view.setInt32(16, s.w1, true);
    view.setInt32(40, s.w2, true);
    view.setInt32(56, s.w4, true);
    view.setInt32(60, s.w5, true);
    view.setInt32(64, s.w6, true);
    view.setInt32(68, s.w7, true);
  } else if (code === SI_SIGIO || (code > SI_USER && code < SI_KERNEL && s.signo === SIGPOLL)) {
    view.setInt32(28, s.w0, true);
    view.setInt32(20, s.w2, true);
  } else if (code === SI_TIMER) {
    view.setInt32(24, s.w0, true);
    view.setInt32(32, s.w1, true);
    view.setInt32(44, s.w2, true);
    view.setInt32(48, s.w2, true);
    view.setInt32(52, s.w3, true);
  } else {
    view.setInt32(12, s.w0, true);
    view.setInt32(16, s.w1, true);
    if (code < 0) {
      view.setInt32(44, s.w2, true);
      view.setInt32(48, s.w2, true);
      view.setInt32(52, s.w3, true);
    }
  }
}
