/**
 * Making a step fail on purpose, to see that what was done before it is undone. As Linux lib/fault-inject.c: a number N written to /proc/PID/fail-nth makes
 * the N-th step from then on fail. The file exists only in a kernel that was made for it (KernelConfig.faultInjection), as natively with
 * CONFIG_FAULT_INJECTION.
 */
import type { Task } from './task.ts';

/** One step that takes memory, for `t`: true if it is to fail. */
export function failNow(t: Task): boolean {
  return t.failNth !== 0 && --t.failNth === 0;
}
