/** Signal dispositions: Linux struct sighand_struct. Shared by CLONE_SIGHAND. */
import { SIG_DFL, SIG_IGN, SIGCHLD, SIGCONT, SIGKILL, SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU, SIGURG, SIGWINCH } from '../abi/signal.ts';
import { SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGQUIT, SIGSEGV, SIGSYS, SIGTRAP, SIGXCPU, SIGXFSZ } from '../abi/signal.ts';
import { sigbit } from './signal-set.ts';

/** One disposition. `handler` is an address, SIG_DFL or SIG_IGN. */
export class SignalAction {
  handler: number = SIG_DFL;
  flags = 0;
  restorer = 0;
  maskLo = 0;
  maskHi = 0;
  copyFrom(o: SignalAction): void {
    this.handler = o.handler;
    this.flags = o.flags;
    this.restorer = o.restorer;
    this.maskLo = o.maskLo;
    this.maskHi = o.maskHi;
  }
  reset(): void {
    this.handler = SIG_DFL;
    this.flags = this.restorer = this.maskLo = this.maskHi = 0;
  }
}

export class SignalActions {
  /** Index = signal; 0 is unused. */
  readonly actions: SignalAction[] = [];
  /** Tasks that share it. */
  users = 1;
  constructor() {
    for (let i = 0; i <= 64; i++) this.actions.push(new SignalAction());
  }
  get(sig: number): SignalAction {
    return this.actions[sig]!; // 1…64, checked where the number came in
  }
  clone(): SignalActions {
    const c = new SignalActions();
    for (let i = 1; i <= 64; i++) c.actions[i]!.copyFrom(this.actions[i]!); // same length
    return c;
  }
  /** execve: handlers go back to the default, ignored stays ignored; flags, mask and restorer are cleared for all (flush_signal_handlers). */
  flush(evenIgnored: boolean): void {
    for (let i = 1; i <= 64; i++) {
      const a = this.actions[i]!; // same length
      const ignored = a.handler === SIG_IGN && !evenIgnored;
      a.reset();
      if (ignored) a.handler = SIG_IGN;
    }
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
