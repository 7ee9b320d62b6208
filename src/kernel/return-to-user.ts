/** Everything that happens between a task's last and its next instruction in user mode: Linux exit_to_user_mode_loop(). */
import { waitOverHigh } from './cgroup/memory-throttle.ts';
import { ptraceSyscallStop } from './ptrace-stop.ts';
import { rseqResume } from './rseq.ts';
import { exitNotify, finishExit } from './exit.ts';
import { deliverSignal } from './signal-deliver.ts';
import {
  RESUME_EXIT, RESUME_FAULT, RESUME_IO_WORK, RESUME_SYSCALL, RESUME_SYSCALL_ENTRY, RESUME_USER, RESUME_ZAP, TASK_RUNNABLE, type Task, WORK_OVER_HIGH, WORK_REGISTERS, WORK_RESTORE_MASK, WORK_RSEQ, WORK_SIGNAL,
  WORK_SYSCALL_EXIT, WORK_TRACE_STOP,
} from './task.ts';
import { setBlocked } from './signal-send.ts';

/** Goes on where the task was when it stopped. */
export function resumeTask(t: Task): void {
  switch (t.resume) {
    case RESUME_USER:
      return;
    case RESUME_SYSCALL:
      t.kernel.dispatcher.retry(t);
      return;
    case RESUME_FAULT:
      // It has only just begun to wait.
      if (t.runState !== TASK_RUNNABLE) return;
      t.clearWaits();
      t.resume = RESUME_USER;
      return;
    case RESUME_SYSCALL_ENTRY:
      t.kernel.dispatcher.enter(t);
      return;
    case RESUME_EXIT:
      finishExit(t, t.exitCode);
      return;
    case RESUME_IO_WORK:
      t.runWork();
      return;
    case RESUME_ZAP:
      exitNotify(t);
      return;
  }
}

/** Does the work that is marked in `t.work`; the task may be stopped, dead, or marked for a reschedule afterwards. */
export function prepareUserMode(t: Task): void {
  t.work &= ~(WORK_REGISTERS | WORK_TRACE_STOP);
  if (t.work & WORK_SYSCALL_EXIT) {
    t.work &= ~WORK_SYSCALL_EXIT;
    if (t.ptrace !== null && t.ptrace.stopAtSyscalls) {
      ptraceSyscallStop(t, 2, RESUME_USER);
      return;
    }
  }
  while (t.work & WORK_SIGNAL) {
    deliverSignal(t);
    if (t.runState !== TASK_RUNNABLE) return;
  }
  if (t.work & WORK_RESTORE_MASK) {
    t.work &= ~WORK_RESTORE_MASK;
    setBlocked(t, t.signals.savedMask.lo, t.signals.savedMask.hi);
  }
  if (t.work & WORK_OVER_HIGH && waitOverHigh(t)) return;
  if (t.work & WORK_RSEQ) {
    t.work &= ~WORK_RSEQ;
    if (t.rseqAddr !== 0) rseqResume(t);
  }
}
