/** Signal state of one task. */
import { SS_DISABLE } from '../abi/signal.ts';
import type { SignalInfo } from './signal-info.ts';
import { PendingSignals } from './signal-pending.ts';
import { SignalSet } from './signal-set.ts';

export class TaskSignals {
  readonly blocked: SignalSet = new SignalSet();
  /** The mask to come back after sigsuspend, ppoll …, if WORK_RESTORE_MASK is set. */
  readonly savedMask: SignalSet = new SignalSet();
  /** The blocked mask before sigtimedwait took signals out of it; empty when not waiting. */
  readonly realBlocked: SignalSet = new SignalSet();
  /** Sent to this thread alone. */
  readonly pending: PendingSignals = new PendingSignals();
  /** A group stop is to be joined, or (traced) reported. */
  stopPending = false;
  /** sigaltstack */
  altStackBase = 0;
  altStackSize = 0;
  altStackFlags: number = SS_DISABLE;
  /** The last signal that was taken, for ptrace. */
  lastInfo: SignalInfo | null = null;
}
