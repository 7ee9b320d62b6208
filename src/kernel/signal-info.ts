/** What comes with a signal: Linux kernel_siginfo, as plain words so that a queued signal is one small object. */
import type { UserCounts } from '../auth/user-counts.ts';
import { SI_KERNEL, SI_USER } from '../abi/signal.ts';

export class SignalInfo {
  signo = 0;
  errno = 0;
  code = 0;
  /** The union behind the three common ints (offset 16 of siginfo_t), as 32-bit words: pid, uid, status … by kind; see the setters. */
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
  w4 = 0;
  w5 = 0;
  w6 = 0;
  w7 = 0;
  /** Link in a pending queue. */
  next: SignalInfo | null = null;
  /** Whom it is counted for against RLIMIT_SIGPENDING; null = not counted. */
  counts: UserCounts | null = null;
  /** The POSIX timer that sends it: asked for its overrun when the signal is taken. */
  timer: SignalTimer | null = null;

  constructor(signo: number, code: number) {
    this.signo = signo;
    this.code = code;
  }

  /** From kill, tkill and the like: pid and uid as the receiver's namespaces see them. */
  setSender(pid: number, uid: number): this {
    this.w0 = pid;
    this.w1 = uid;
    return this;
  }
  /** sival as two words: where it stands depends on the kind (rt: offset 24; timer: 24). */
  setValue(lo: number, hi: number): this {
    this.w2 = lo;
    this.w3 = hi;
    return this;
  }
  /** Fault address at offset 16. */
  setAddress(addr: number): this {
    this.w0 = addr | 0;
    this.w1 = Math.floor(addr / 4294967296) | 0;
    return this;
  }
  /** SIGCHLD: status at offset 24, times in clock ticks at 32 and 40. */
  setChild(pid: number, uid: number, status: number, utime: number, stime: number): this {
    this.w0 = pid;
    this.w1 = uid;
    this.w2 = status;
    this.w4 = utime | 0;
    this.w5 = Math.floor(utime / 4294967296);
    this.w6 = stime | 0;
    this.w7 = Math.floor(stime / 4294967296);
    return this;
  }
  /** Writes siginfo_t (128 bytes) at `off` of `view`. */
  write(view: DataView, off: number): void {
    view.setInt32(off, this.signo, true);
    view.setInt32(off + 4, this.errno, true);
    view.setInt32(off + 8, this.code, true);
    view.setInt32(off + 12, 0, true);
    view.setInt32(off + 16, this.w0, true);
    view.setInt32(off + 20, this.w1, true);
    view.setInt32(off + 24, this.w2, true);
    view.setInt32(off + 28, this.w3, true);
    view.setInt32(off + 32, this.w4, true);
    view.setInt32(off + 36, this.w5, true);
    view.setInt32(off + 40, this.w6, true);
    view.setInt32(off + 44, this.w7, true);
    for (let i = 48; i < 128; i += 4) view.setInt32(off + i, 0, true);
  }
  /** The same into 32-bit words, from word `k` on. */
  writeWords(words: Int32Array, k: number): void {
    words[k] = this.signo;
    words[k + 1] = this.errno;
    words[k + 2] = this.code;
    words[k + 3] = 0;
    words[k + 4] = this.w0;
    words[k + 5] = this.w1;
    words[k + 6] = this.w2;
    words[k + 7] = this.w3;
    words[k + 8] = this.w4;
    words[k + 9] = this.w5;
    words[k + 10] = this.w6;
    words[k + 11] = this.w7;
    words.fill(0, k + 12, k + 32);
  }
  /** Reads what a program hands to rt_sigqueueinfo; bytes beyond the first 48 are dropped, as Linux does for what it does not know. */
  static read(view: DataView, off: number): SignalInfo {
    const s = new SignalInfo(view.getInt32(off, true), view.getInt32(off + 8, true));
    s.errno = view.getInt32(off + 4, true);
    s.w0 = view.getInt32(off + 16, true);
    s.w1 = view.getInt32(off + 20, true);
    s.w2 = view.getInt32(off + 24, true);
    s.w3 = view.getInt32(off + 28, true);
    s.w4 = view.getInt32(off + 32, true);
    s.w5 = view.getInt32(off + 36, true);
    s.w6 = view.getInt32(off + 40, true);
    s.w7 = view.getInt32(off + 44, true);
    return s;
  }
  clone(): SignalInfo {
    const s = new SignalInfo(this.signo, this.code);
    s.errno = this.errno;
    s.w0 = this.w0;
    s.w1 = this.w1;
    s.w2 = this.w2;
    s.w3 = this.w3;
    s.w4 = this.w4;
    s.w5 = this.w5;
    s.w6 = this.w6;
    s.w7 = this.w7;
    return s;
  }
  /** True for what a program sent (SI_FROMUSER): code <= 0. */
  get fromUser(): boolean {
    return this.code <= 0;
  }
}

/** A POSIX timer as the signal queue sees it. */
export interface SignalTimer {
  /** The signal is being taken: rearms, and returns the overrun count for si_overrun; false = the timer is gone or was set anew, drop the signal. */
  signalTaken(info: SignalInfo): boolean;
}

/** A signal the kernel itself sends (SEND_SIG_PRIV). */
export function kernelSignal(signo: number): SignalInfo {
  return new SignalInfo(signo, SI_KERNEL);
}

/** What is delivered when no room was left to queue the details. */
export function bareSignal(signo: number): SignalInfo {
  return new SignalInfo(signo, SI_USER);
}
