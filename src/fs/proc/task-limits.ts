/** /proc/PID/limits, and the small numbers a task can be told: oom_score_adj, timerslack_ns, personality … */
import { CAP_SYS_RESOURCE } from '../../abi/capability.ts';
import { EACCES, EINVAL, EPERM, ESRCH } from '../../abi/errno.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Generator } from '../pseudo/entries.ts';
import { callerTask, ofPrivateTask, ofTask } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';

const ROWS: readonly (readonly [name: string, unit: string])[] = [
  ['Max cpu time', 'seconds'], ['Max file size', 'bytes'], ['Max data size', 'bytes'], ['Max stack size', 'bytes'], ['Max core file size', 'bytes'],
  ['Max resident set', 'bytes'], ['Max processes', 'processes'], ['Max open files', 'files'], ['Max locked memory', 'bytes'],
  ['Max address space', 'bytes'], ['Max file locks', 'locks'], ['Max pending signals', 'signals'], ['Max msgqueue size', 'bytes'],
  ['Max nice priority', ''], ['Max realtime priority', ''], ['Max realtime timeout', 'us'],
];

export const limits: Generator<ProcTask> = ofTask((task) => {
  const { soft, hard } = task.threadGroup.limits;
  const value = (n: number | undefined): string => (n === undefined || n === Infinity ? 'unlimited' : String(n)).padEnd(20);
  let text = 'Limit                     Soft Limit           Hard Limit           Units     \n';
  ROWS.forEach(([name, unit], i) => {
    text += `${name.padEnd(25)} ${value(soft[i])} ${value(hard[i])} ${unit === '' ? '' : unit.padEnd(10)}\n`;
  });
  return text;
});

/** What stands before the first NUL byte: Linux copies a write into a C string. */
export function untilNul(text: string): string {
  const nul = text.indexOf('\0');
  return nul < 0 ? text : text.slice(0, nul);
}

/** A decimal, hexadecimal or octal integer as the kernel's kstrtoint takes it, or NaN. */
export function parseInteger(text: string): number {
  const word = text.trim();
  if (/^[+-]?0[0-7]+$/.test(word)) return (word.startsWith('-') ? -1 : 1) * Number.parseInt(word.replace(/^[+-]/, ''), 8);
  if (/^[+-]?0x[0-9a-f]+$/i.test(word)) return (word.startsWith('-') ? -1 : 1) * Number.parseInt(word.replace(/^[+-]/, ''), 16);
  return /^[+-]?[0-9]+$/.test(word) ? Number(word) : Number.NaN;
}

export const oomScoreAdj: Generator<ProcTask> = ofTask((task) => `${task.threadGroup.oomScoreAdj}\n`);

/** -1000 … 1000; below what it was set to by a privileged writer needs CAP_SYS_RESOURCE (EACCES). */
export function setOomScoreAdj(subject: ProcTask, ctx: VfsContext, text: string): number {
  const task = subject.task;
  if (task === null) return ESRCH;
  const value = parseInteger(untilNul(text));
  if (!(value >= -1000 && value <= 1000)) return EINVAL;
  const group = task.threadGroup;
  const capable = callerTask(ctx).credentials.capable(CAP_SYS_RESOURCE);
  if (value < group.oomScoreAdjMin && !capable) return EACCES;
  group.oomScoreAdj = value;
  if (capable) group.oomScoreAdjMin = value;
  return 0;
}

/** The old scale, -17 … 15. */
export const oomAdj: Generator<ProcTask> = ofTask((task) => {
  const score = task.threadGroup.oomScoreAdj;
  return `${score === 1000 ? 15 : Math.trunc((score * 17) / 1000)}\n`;
});
export function setOomAdj(subject: ProcTask, ctx: VfsContext, text: string): number {
  const value = parseInteger(untilNul(text));
  if (!((value >= -16 && value <= 15) || value === -17)) return EINVAL;
  return setOomScoreAdj(subject, ctx, String(value === 15 ? 1000 : Math.trunc((value * 1000) / 17)));
}

/** Linux oom_badness() in thousandths of memory, shifted as /proc shows it since 5.9. */
export const oomScore: Generator<ProcTask> = ofTask((task) => {
  const { mm } = task;
  if (mm === null || task.threadGroup.oomScoreAdj === -1000) return '0\n';
  const points = ((mm.rss + mm.table.leafCount) * 1000) / mm.pm.total + task.threadGroup.oomScoreAdj;
  return `${Math.floor(((1000 + points) * 2) / 3)}\n`;
});

export const timerSlack: Generator<ProcTask> = ofTask((task) => `${task.timerSlack}\n`);
export function setTimerSlack(subject: ProcTask, ctx: VfsContext, text: string): number {
  const task = subject.task;
  if (task === null) return ESRCH;
  const value = parseInteger(untilNul(text));
  if (Number.isNaN(value) || value < 0) return EINVAL;
  if (task !== callerTask(ctx) && !callerTask(ctx).credentials.capable(CAP_SYS_RESOURCE)) return EPERM;
  task.timerSlack = value === 0 ? task.defaultTimerSlack : value;
  return 0;
}

export const personality: Generator<ProcTask> = ofPrivateTask((task) => `${(task.personality >>> 0).toString(16).padStart(8, '0')}\n`);
