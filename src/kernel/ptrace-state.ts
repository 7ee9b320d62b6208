/** What a traced task carries: Linux task->ptrace and the jobctl trap bits. Its tracer is `task.parent`. */
import { TF } from '../x86/flags.ts';
import type { Credentials } from '../auth/credentials.ts';
import type { SignalInfo } from './signal-info.ts';
import { wakeForSignal } from './signal-send.ts';
import { TASK_STOPPED, TASK_TRACED, type Task } from './task.ts';

export class PtraceState {
  /** Whose rights count when the tracee runs a privileged program: the tracer's as it attached (Linux ptracer_cred). */
  readonly tracerCredentials: Credentials;
  /** PTRACE_O_… */
  options = 0;
  /** Attached with PTRACE_SEIZE. */
  seized = false;
  /** What wait4 reports for the current stop (signal | event << 8); 0 = collected. */
  stopCode = 0;
  /** The same, not cleared by wait: PTRACE_LISTEN and GETSIGINFO ask. */
  lastStop = 0;
  /** PTRACE_GETEVENTMSG */
  eventMessage = 0;
  /** siginfo of the current stop. */
  info: SignalInfo | null = null;
  /** A signal-delivery stop ended with this signal to deliver; the info stands in `info`. -1 = no such stop is pending. */
  injectedSignal = -1;
  /** PTRACE_INTERRUPT, or a group stop, wants a trap. */
  trapPending = false;
  /** The trap in progress is a group stop (its signal), else 0. */
  trapSignal = 0;
  /** PTRACE_LISTEN: stays stopped, but takes new events. */
  listening = false;
  /** Resumed with PTRACE_SYSCALL, SYSEMU or SINGLESTEP. */
  stopAtSyscalls = false;
  emulateSyscalls = false;
  stepping = false;
  /** 0, or which syscall stop this is, for PTRACE_GET_SYSCALL_INFO: 1 entry, 2 exit, 3 seccomp. */
  syscallStop = 0;
  /** The seccomp event of the current call was shown. */
  seccompSeen = false;

  constructor(tracerCredentials: Credentials) {
    this.tracerCredentials = tracerCredentials;
  }

  /** SIGCONT came for a seized task: a group stop must be looked at again (ptrace_trap_notify). */
  notifyContinue(t: Task): void {
    this.trapPending = true;
    if (t.runState === TASK_TRACED && this.listening) {
      this.listening = false;
      t.makeRunnable();
    } else if (t.runState === TASK_STOPPED) t.makeRunnable();
    else wakeForSignal(t, false);
  }

  /** Ends single-stepping for a signal frame; true if it was on. */
  disableStep(t: Task): boolean {
    if (!this.stepping) return false;
    t.regs.setEflags(t.regs.getEflags() & ~TF);
    this.stepping = false;
    return true;
  }

  /** After a frame was built while stepping: the step ends at the handler's first instruction (ptrace_notify(SIGTRAP)). */
  reportStep(t: Task): void {
    t.kernel.traceNotify(t, 5);
  }
}
