/** Pending signals of one task or one thread group: Linux struct sigpending. */
import { USED_SIGPENDING } from '../auth/user-counts.ts';
import { SI_USER, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP } from '../abi/signal.ts';
import { bareSignal, type SignalInfo } from './signal-info.ts';
import { firstSignal, sigbit, SignalSet } from './signal-set.ts';

/** Signals caused by the running instruction: taken first, so that their register state is the faulting one. */
const SYNCHRONOUS = sigbit(SIGSEGV) | sigbit(SIGBUS) | sigbit(SIGILL) | sigbit(SIGTRAP) | sigbit(SIGFPE) | sigbit(SIGSYS);

export class PendingSignals {
  readonly set: SignalSet = new SignalSet();
  head: SignalInfo | null = null;
  tail: SignalInfo | null = null;

  push(info: SignalInfo): void {
    info.next = null;
    if (this.tail) this.tail.next = info;
    else this.head = info;
    this.tail = info;
    this.set.add(info.signo);
  }

  /** The signal to take next among those not in (blockedLo, blockedHi), or 0 (Linux next_signal()). */
  next(blockedLo: number, blockedHi: number): number {
    const lo = this.set.lo & ~blockedLo;
    const hi = this.set.hi & ~blockedHi;
    if ((lo | hi) === 0) return 0;
    if (lo & SYNCHRONOUS) return firstSignal(lo & SYNCHRONOUS, 0);
    return firstSignal(lo, hi);
  }

  /** Takes one instance of `sig` out (Linux collect_signal()); what was not queued for want of room comes back bare. */
  take(sig: number): SignalInfo {
    let found: SignalInfo | null = null;
    let more = false;
    let prev: SignalInfo | null = null;
    for (let i = this.head, p: SignalInfo | null = null; i !== null; p = i, i = i.next) {
      if (i.signo !== sig) continue;
      if (found) {
        more = true;
        break;
      }
      found = i;
      prev = p;
    }
    if (!more) this.set.delete(sig);
    if (!found) {
      const bare = bareSignal(sig);
      bare.code = SI_USER;
      return bare;
    }
    this.unlink(found, prev);
    return found;
  }

  /** Drops every instance of the signals in (lo, hi). True if there was one. */
  flush(lo: number, hi: number): boolean {
    if (((this.set.lo & lo) | (this.set.hi & hi)) === 0) return false;
    this.set.lo &= ~lo;
    this.set.hi &= ~hi;
    let prev: SignalInfo | null = null;
    for (let i = this.head; i !== null; ) {
      const next: SignalInfo | null = i.next;
      const gone = i.signo <= 32 ? (lo & (1 << (i.signo - 1))) !== 0 : (hi & (1 << (i.signo - 33))) !== 0;
      if (gone) this.unlink(i, prev);
      else prev = i;
      i = next;
    }
    return true;
  }

  /** Drops the queued signal of a timer that is deleted. */
  dropTimer(timer: object): void {
    let prev: SignalInfo | null = null;
    for (let i = this.head; i !== null; prev = i, i = i.next)
      if (i.timer === timer) {
        const sig = i.signo;
        this.unlink(i, prev);
        let left = false;
        for (let j = this.head; j !== null; j = j.next) if (j.signo === sig) left = true;
        if (!left) this.set.delete(sig);
        return;
      }
  }

  private unlink(info: SignalInfo, prev: SignalInfo | null): void {
    if (prev) prev.next = info.next;
    else this.head = info.next;
    if (this.tail === info) this.tail = prev;
    info.next = null;
    if (info.counts !== null) {
      info.counts.sub(USED_SIGPENDING, 1);
      info.counts = null;
    }
  }
}
