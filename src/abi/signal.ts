/** Signals. Source: Linux 6.18 arch/x86/include/uapi/asm/signal.h, include/uapi/asm-generic/{signal,siginfo}.h. */
export const SIGHUP = 1, SIGINT = 2, SIGQUIT = 3, SIGILL = 4, SIGTRAP = 5, SIGABRT = 6, SIGBUS = 7, SIGFPE = 8, SIGKILL = 9;
export const SIGUSR1 = 10, SIGSEGV = 11, SIGUSR2 = 12, SIGPIPE = 13, SIGALRM = 14, SIGTERM = 15, SIGSTKFLT = 16, SIGCHLD = 17;
export const SIGCONT = 18, SIGSTOP = 19, SIGTSTP = 20, SIGTTIN = 21, SIGTTOU = 22, SIGURG = 23, SIGXCPU = 24, SIGXFSZ = 25;
export const SIGVTALRM = 26, SIGPROF = 27, SIGWINCH = 28, SIGIO = 29, SIGPOLL = 29, SIGPWR = 30, SIGSYS = 31;
/** First and last real-time signal. */
export const SIGRTMIN = 32;
export const SIGRTMAX = 64;

/** Names by number; real-time signals are built by signalName. */
const NAMES: readonly string[] = (
  '0 SIGHUP SIGINT SIGQUIT SIGILL SIGTRAP SIGABRT SIGBUS SIGFPE SIGKILL SIGUSR1 SIGSEGV SIGUSR2 SIGPIPE SIGALRM SIGTERM SIGSTKFLT ' +
  'SIGCHLD SIGCONT SIGSTOP SIGTSTP SIGTTIN SIGTTOU SIGURG SIGXCPU SIGXFSZ SIGVTALRM SIGPROF SIGWINCH SIGIO SIGPWR SIGSYS'
).split(' ');

/** `SIGINT`, `SIGRT_3` (as strace counts from 32), or the number. */
export function signalName(signo: number): string {
  if (signo >= 0 && signo < 32) return NAMES[signo] ?? String(signo);
  if (signo === 32) return 'SIGRTMIN';
  return signo <= 64 ? `SIGRT_${signo - 32}` : String(signo);
}

export const SIG_DFL = 0;
export const SIG_IGN = 1;

export const SIG_BLOCK = 0, SIG_UNBLOCK = 1, SIG_SETMASK = 2;

export const SA_NOCLDSTOP = 0x00000001;
export const SA_NOCLDWAIT = 0x00000002;
export const SA_SIGINFO = 0x00000004;
export const SA_UNSUPPORTED = 0x00000400;
export const SA_EXPOSE_TAGBITS = 0x00000800;
export const SA_RESTORER = 0x04000000;
export const SA_ONSTACK = 0x08000000;
export const SA_RESTART = 0x10000000;
export const SA_NODEFER = 0x40000000;
export const SA_RESETHAND: number = 0x80000000 | 0;
/** Flags that sigaction keeps; others are cleared (Linux 5.11). */
export const UAPI_SA_FLAGS: number =
  SA_NOCLDSTOP | SA_NOCLDWAIT | SA_SIGINFO | SA_ONSTACK | SA_RESTART | SA_NODEFER | SA_RESETHAND | SA_EXPOSE_TAGBITS | SA_RESTORER;

export const SS_ONSTACK = 1, SS_DISABLE = 2;
export const SS_AUTODISARM: number = 0x80000000 | 0;
export const MINSIGSTKSZ = 2048;

/** struct sigaction as the kernel takes it: handler, flags, restorer, mask. Bytes. */
export const KERNEL_SIGACTION_SIZE = 32;
export const SIGINFO_SIZE = 128;
/** struct sigset_t of the kernel. Bytes. */
export const SIGSET_SIZE = 8;

export const SI_USER = 0, SI_KERNEL = 0x80, SI_QUEUE = -1, SI_TIMER = -2, SI_MESGQ = -3, SI_ASYNCIO = -4, SI_SIGIO = -5, SI_TKILL = -6;
export const ILL_ILLOPC = 1, ILL_ILLOPN = 2, ILL_PRVOPC = 5;
export const FPE_INTDIV = 1, FPE_INTOVF = 2, FPE_FLTDIV = 3, FPE_FLTOVF = 4, FPE_FLTUND = 5, FPE_FLTRES = 6, FPE_FLTINV = 7;
export const SEGV_MAPERR = 1, SEGV_ACCERR = 2, SEGV_BNDERR = 3, SEGV_PKUERR = 4;
export const BUS_ADRALN = 1, BUS_ADRERR = 2, BUS_OBJERR = 3;
export const TRAP_BRKPT = 1, TRAP_TRACE = 2, TRAP_BRANCH = 3, TRAP_HWBKPT = 4;
export const CLD_EXITED = 1, CLD_KILLED = 2, CLD_DUMPED = 3, CLD_TRAPPED = 4, CLD_STOPPED = 5, CLD_CONTINUED = 6;
export const POLL_IN = 1, POLL_OUT = 2, POLL_MSG = 3, POLL_ERR = 4, POLL_PRI = 5, POLL_HUP = 6;
export const SYS_SECCOMP = 1, SYS_USER_DISPATCH = 2;

export const SIGEV_SIGNAL = 0, SIGEV_NONE = 1, SIGEV_THREAD = 2, SIGEV_THREAD_ID = 4;
/** struct sigevent. Bytes. */
export const SIGEVENT_SIZE = 64;
