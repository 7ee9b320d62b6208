/** /proc/PID/autogroup: the group of the process's session and its nice value, which can be written. Linux fs/proc/base.c sched_autogroup_write(). */
import { EINVAL, ESRCH } from '../../abi/errno.ts';
import { CAP_SYS_NICE } from '../../abi/capability.ts';
import { RLIMIT_NICE } from '../../abi/resource.ts';
import type { Task } from '../../kernel/task.ts';
import type { FileEntry } from '../pseudo/entries.ts';
import { writable } from '../pseudo/entries.ts';
import { callerTask, ofTask, type ProcTask } from './proc-task.ts';
import { parseInteger, untilNul } from './task-limits.ts';

const groupOf = (task: Task): Task['threadGroup']['session']['autogroup'] => task.threadGroup.processGroup?.session.autogroup ?? null;
/** Longest text that is taken. */
const MAX_TEXT = 12;

export const autogroup: FileEntry<ProcTask> = writable(
  ofTask((task) => {
    const group = groupOf(task);
    return group === null ? '' : `/autogroup-${group.id} nice ${group.nice}\n`;
  }),
  ({ task }, ctx, text) => {
    const nice = parseInteger(untilNul(text.slice(0, MAX_TEXT)));
    if (Number.isNaN(nice)) return EINVAL;
    if (task === null) return ESRCH;
    const writer = callerTask(ctx);
    const r = writer.kernel.cgroups.fairness.autogroups.setNice(groupOf(task), nice, writer.kernel.clock.monotonicNs(), {
      nice: (n) => 20 - n <= writer.limit(RLIMIT_NICE) || writer.credentials.capableInInit(CAP_SYS_NICE),
      capable: (cap) => writer.credentials.capableInInit(cap),
    });
    return r < 0 ? r : Math.min(text.length, MAX_TEXT);
  },
);
