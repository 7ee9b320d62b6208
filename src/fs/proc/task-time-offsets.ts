/** /proc/PID/timens_offsets: offsets of the time namespace that the task's children will be in. Linux kernel/time/namespace.c. */
import { CAP_SYS_TIME } from '../../abi/capability.ts';
import { EACCES, EINVAL, EPERM, ERANGE, ESRCH } from '../../abi/errno.ts';
import { CLOCK_BOOTTIME, CLOCK_MONOTONIC, NSEC_PER_SEC } from '../../abi/time.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Acceptor, Generator } from '../pseudo/entries.ts';
import { callerTask, ofTask, type ProcTask } from './proc-task.ts';

/** Times may not leave 0 … KTIME_MAX / 2 seconds. */
const MAX_SECONDS = 4611686018;

const line = (name: string, ns: number): string => {
  const sec = Math.floor(ns / NSEC_PER_SEC);
  return `${name.padEnd(10)} ${String(sec).padStart(10)} ${String(ns - sec * NSEC_PER_SEC).padStart(9)}\n`;
};

export const readOffsets: Generator<ProcTask> = ofTask((task) => {
  const ns = task.nsproxy.timeForChildren;
  return line('monotonic', ns.monotonic) + line('boottime', ns.boottime);
});

/** Lines "CLOCK SECONDS NANOSECONDS", CLOCK by name or number. EACCES once somebody is in the namespace; EPERM, EINVAL, ERANGE. */
export const writeOffsets: Acceptor<ProcTask> = (subject: ProcTask, ctx: VfsContext, text: string): number => {
  const task = subject.task;
  if (task === null) return ESRCH;
  const wanted: [number, number][] = [];
  for (const l of text.replace(/\n$/, '').split('\n')) {
    const m = /^\s*(\w+)\s+(-?\d+)\s+(\d+)\s*$/.exec(l);
    if (m === null || wanted.length === 2) return EINVAL;
    const clock = m[1] === 'monotonic' || m[1] === String(CLOCK_MONOTONIC) ? CLOCK_MONOTONIC : m[1] === 'boottime' || m[1] === String(CLOCK_BOOTTIME) ? CLOCK_BOOTTIME : -1;
    if (clock < 0 || Number(m[3]) >= NSEC_PER_SEC) return EINVAL;
    wanted.push([clock, Number(m[2]) * NSEC_PER_SEC + Number(m[3])]);
  }
  const ns = task.nsproxy.timeForChildren;
  if (!callerTask(ctx).credentials.nsCapable(ns.userNs, CAP_SYS_TIME)) return EPERM;
  const now = task.monotonicNs();
  for (const [, offset] of wanted) if (Math.abs(offset) > MAX_SECONDS * NSEC_PER_SEC || now + offset < 0 || now + offset > MAX_SECONDS * NSEC_PER_SEC) return ERANGE;
  if (ns.frozen) return EACCES;
  for (const [clock, offset] of wanted) {
    if (clock === CLOCK_MONOTONIC) ns.monotonic = offset;
    else ns.boottime = offset;
  }
  return 0;
};
