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

/** One line: what Linux's sscanf("%9s %lld %lu") takes of it; what follows is not looked at. */
const LINE = /^[ \t\n\v\f\r\xa0]*([^ \t\n\v\f\r\xa0]{1,9})[ \t\n\v\f\r\xa0]*(-?\d+)[ \t\n\v\f\r\xa0]*(\d+)/;
const CLOCKS: Readonly<Record<string, number>> = {
  monotonic: CLOCK_MONOTONIC, [CLOCK_MONOTONIC]: CLOCK_MONOTONIC, boottime: CLOCK_BOOTTIME, [CLOCK_BOOTTIME]: CLOCK_BOOTTIME,
};
/** There are two clocks: lines after the second are left for another write. */
const MAX_LINES = 2;
const PAGE_SIZE = 4096;

/**
 * Lines "CLOCK SECONDS NANOSECONDS", CLOCK by name or number; how many bytes were taken. EACCES once somebody is in the namespace; EPERM, EINVAL, ERANGE.
 * Linux timens_offsets_write() and proc_timens_set_offset().
 */
export const writeOffsets: Acceptor<ProcTask> = (subject: ProcTask, ctx: VfsContext, text: string, _description, at): number => {
  if (at !== 0 || text.length >= PAGE_SIZE) return EINVAL;
  const wanted: [number, number][] = [];
  let taken = 0;
  while (taken < text.length && wanted.length < MAX_LINES) {
    const end = text.indexOf('\n', taken);
    const m = LINE.exec(end < 0 ? text.slice(taken) : text.slice(taken, end));
    if (m === null || Number(m[3]) >= NSEC_PER_SEC) return EINVAL;
    const clock = CLOCKS[m[1]!]; // the pattern has three groups
    if (clock === undefined) return EINVAL;
    wanted.push([clock, Number(m[2]) * NSEC_PER_SEC + Number(m[3])]);
    taken = end < 0 ? text.length : end + 1;
  }
  if (wanted.length === 0) return EINVAL;
  const { task } = subject;
  if (task === null) return ESRCH;
  const ns = task.nsproxy.timeForChildren;
  if (!callerTask(ctx).credentials.nsCapable(ns.userNs, CAP_SYS_TIME)) return EPERM;
  const now = task.monotonicNs();
  for (const [, offset] of wanted) if (Math.abs(offset) > MAX_SECONDS * NSEC_PER_SEC || now + offset < 0 || now + offset > MAX_SECONDS * NSEC_PER_SEC) return ERANGE;
  if (ns.frozen) return EACCES;
  for (const [clock, offset] of wanted) {
    if (clock === CLOCK_MONOTONIC) ns.monotonic = offset;
    else ns.boottime = offset;
  }
  return taken;
};
