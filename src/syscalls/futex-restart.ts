/** The rest of a futex wait with a relative timeout that was interrupted without a handler. */
import type { Task } from '../kernel/task.ts';
import { futexWait } from './futex.ts';

export function restartFutex(t: Task): number {
  const b = t.syscall.restart;
  return futexWait(t, b.addr, b.value, b.deadline, b.bitset, b.flags !== 0, b.flags);
}
