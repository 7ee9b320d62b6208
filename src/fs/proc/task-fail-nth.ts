/** /proc/PID/fail-nth: Linux fs/proc/base.c, only with CONFIG_FAULT_INJECTION. */
import { EINVAL, ESRCH } from '../../abi/errno.ts';
import { type FileEntry, writable } from '../pseudo/entries.ts';
import { ofTask, type ProcTask } from './proc-task.ts';
import { parseInteger } from './task-limits.ts';

/** Steps of the task until one fails; reads as 0 once it has. */
export const failNth: FileEntry<ProcTask> = writable(
  ofTask((task) => `${task.failNth}\n`),
  (subject, _ctx, text) => {
    const n = parseInteger(text);
    if (!(n >= 0 && n <= 0x7fffffff)) return EINVAL;
    if (subject.task === null) return ESRCH;
    subject.task.failNth = n;
    return 0;
  },
);
