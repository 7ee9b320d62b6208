/** What happens when a process has used so much CPU time: RLIMIT_CPU, ITIMER_VIRTUAL, ITIMER_PROF, CPU-time POSIX timers. */
import { RLIMIT_CPU } from '../abi/resource.ts';
import { SIGKILL, SIGXCPU } from '../abi/signal.ts';
import { NSEC_PER_SEC } from '../abi/time.ts';
import { sendSignalToGroup } from './signal-send.ts';
import type { ThreadGroup } from './thread-group.ts';

/** Acts on what is due and sets `cpuWatch` to the next time to look. */
export function checkCpuTime(tg: ThreadGroup): void {
  const now = tg.cpuTime;
  tg.itimers?.checkCpu(now, now);
  for (const timer of tg.posixTimers.values()) {
    if (timer.cpuDeadline === 0) continue;
    const own = timer.cpuNow();
    if (own < timer.cpuDeadline) continue;
    if (timer.interval > 0) {
      const missed = Math.floor((own - timer.cpuDeadline) / timer.interval);
      timer.cpuDeadline += (missed + 1) * timer.interval;
      timer.fire(missed);
    } else {
      timer.cpuDeadline = 0;
      timer.fire(0);
    }
  }
  const soft = tg.limits.soft[RLIMIT_CPU]!; // fixed index
  const hard = tg.limits.hard[RLIMIT_CPU]!;
  const seconds = now / NSEC_PER_SEC;
  if (hard !== Infinity && seconds >= hard) sendSignalToGroup(tg, SIGKILL);
  else if (soft !== Infinity && seconds >= soft) {
    sendSignalToGroup(tg, SIGXCPU);
    // Once more every second until the hard limit.
    tg.limits.soft[RLIMIT_CPU] = soft + 1;
  }
  watchCpuTime(tg);
}

/** Recomputes `cpuWatch` after a limit or timer was set. */
export function watchCpuTime(tg: ThreadGroup): void {
  let next = Infinity;
  const soft = tg.limits.soft[RLIMIT_CPU]!; // fixed index
  if (soft !== Infinity) next = Math.min(next, Math.max(1, soft) * NSEC_PER_SEC);
  const it = tg.itimers;
  if (it !== null) for (const due of it.cpuDeadline) if (due !== 0) next = Math.min(next, due);
  // Timers on one thread's clock are due no earlier than that thread's time can grow.
  for (const timer of tg.posixTimers.values()) if (timer.cpuDeadline !== 0) next = Math.min(next, tg.cpuTime + Math.max(1, timer.cpuDeadline - timer.cpuNow()));
  tg.cpuWatch = next === Infinity ? 0 : next;
}
