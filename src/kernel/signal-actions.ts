/** Signal dispositions: Linux struct sighand_struct. Shared by CLONE_SIGHAND. */
import { SIG_DFL, SIG_IGN, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH } from '../abi/signal.ts';
import { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ } from '../abi/signal.ts';
import { sigbit } from './signal-set.ts';

/** One disposition. `handler` is an address, SIG_DFL or SIG_IGN. Never changed: many processes have the same object. */
export class SignalAction {
  readonly handler: number;
  readonly flags: number;
  readonly restorer: number;
  readonly maskLo: number;
  readonly maskHi: number;
  constructor(handler: number, flags: number, restorer: number, maskLo: number, maskHi: number) {
    this.handler = handler;
    this.flags = flags;
    this.restorer = restorer;
    this.maskLo = maskLo;
    this.maskHi = maskHi;
  }
}

const DEFAULT: SignalAction = new SignalAction(SIG_DFL, 0, 0, 0, 0);
const IGNORED: SignalAction = new SignalAction(SIG_IGN, 0, 0, 0, 0);
/** Index = signal; 0 is unused. */
const ALL_DEFAULT: SignalAction[] = new Array<SignalAction>(65).fill(DEFAULT);

/** Signals that are ignored, and those that have a handler: words of 32. */
export interface Dispositions {
  readonly ignoredLo: number;
  readonly ignoredHi: number;
  readonly caughtLo: number;
  readonly caughtHi: number;
}
function dispositionsOf(list: readonly SignalAction[]): Dispositions {
  const sets = { ignoredLo: 0, ignoredHi: 0, caughtLo: 0, caughtHi: 0 };
  if (list === ALL_DEFAULT) return sets;
  for (let sig = 1; sig <= 64; sig++) {
    const { handler } = list[sig]!; // 65 entries
    if (handler === SIG_DFL) continue;
    const bit = 1 << ((sig - 1) & 31);
    if (handler === SIG_IGN) {
      if (sig <= 32) sets.ignoredLo |= bit;
      else sets.ignoredHi |= bit;
    } else if (sig <= 32) sets.caughtLo |= bit;
    else sets.caughtHi |= bit;
  }
  return sets;
}

export class SignalActions {
  /** Index = signal. Shared with a copy until either side changes it. */
  private list: SignalAction[];
  private shared = true;
  private dispositions: Dispositions | null = null;
  /** Tasks that share it. */
  users = 1;
  constructor(list: SignalAction[] = ALL_DEFAULT) {
    this.list = list;
  }
  get(sig: number): SignalAction {
    return this.list[sig]!; // 1…64, checked where the number came in
  }
  /** What is ignored and what is caught. */
  get sets(): Dispositions {
    return (this.dispositions ??= dispositionsOf(this.list));
  }
  set(sig: number, action: SignalAction): void {
    this.dispositions = null;
    if (this.shared) {
      this.list = this.list.slice();
      this.shared = false;
    }
    this.list[sig] = action;
  }
  /** Another handler with the same flags and mask. */
  setHandler(sig: number, handler: number): void {
    const a = this.get(sig);
    this.set(sig, new SignalAction(handler, a.flags, a.restorer, a.maskLo, a.maskHi));
  }
  clone(): SignalActions {
    this.shared = true;
    return new SignalActions(this.list);
  }
  /** execve and CLONE_CLEAR_SIGHAND: handlers go back to the default, ignored stays ignored; flags, mask and restorer are cleared for all (flush_signal_handlers). */
  flush(): void {
    const old = this.list;
    this.list = ALL_DEFAULT;
    this.dispositions = null;
    this.shared = true;
    for (let i = 1; i <= 64; i++) if (old[i]!.handler === SIG_IGN) this.set(i, IGNORED); // 65 entries
  }
}

/** Words (signals 1-32) of the classes of default action. */
export const SIG_KERNEL_ONLY: number = sigbit(SIGKILL) | sigbit(SIGSTOP);
export const SIG_KERNEL_STOP: number = sigbit(SIGSTOP) | sigbit(SIGTSTP) | sigbit(SIGTTIN) | sigbit(SIGTTOU);
export const SIG_KERNEL_IGNORE: number = sigbit(SIGCONT) | sigbit(SIGCHLD) | sigbit(SIGWINCH) | sigbit(SIGURG);
export const SIG_KERNEL_COREDUMP: number =
  sigbit(SIGQUIT) | sigbit(SIGILL) | sigbit(SIGTRAP) | sigbit(SIGABRT) | sigbit(SIGFPE) | sigbit(SIGSEGV) | sigbit(SIGBUS) |
  sigbit(SIGSYS) | sigbit(SIGXCPU) | sigbit(SIGXFSZ);

const inWord = (word: number, sig: number): boolean => sig <= 32 && (word & (1 << (sig - 1))) !== 0;
export const sigKernelOnly = (sig: number): boolean => inWord(SIG_KERNEL_ONLY, sig);
export const sigKernelStop = (sig: number): boolean => inWord(SIG_KERNEL_STOP, sig);
export const sigKernelIgnore = (sig: number): boolean => inWord(SIG_KERNEL_IGNORE, sig);
export const sigKernelCoredump = (sig: number): boolean => inWord(SIG_KERNEL_COREDUMP, sig);
