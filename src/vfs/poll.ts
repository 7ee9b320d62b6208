/** What a poll operation registers with: Linux's poll_table. */
import type { WaitQueue } from '../base/wait-queue.ts';

export interface PollTable {
  /** Registers with `queue`, to be woken by events that meet the poller's mask (Linux's poll_wait). Never blocks. */
  add(queue: WaitQueue): void;
}
