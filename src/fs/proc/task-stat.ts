/** /proc/PID/stat and statm, and the times that status and sched share with them. */
import { EACCES, isErr } from '../../abi/errno.ts';
import { SCHED_NORMAL } from '../../abi/sched.ts';
import { PF_EXITING, PF_FORKNOEXEC, PF_NOFREEZE, PF_POSTCOREDUMP, PF_RANDOMIZE } from '../../abi/task-flags.ts';
import { RLIMIT_RSS } from '../../abi/resource.ts';
import { NSEC_PER_SEC, USER_HZ } from '../../abi/time.ts';
import type { AddressSpace } from '../../memory/address-space.ts';
import { ResourceUsage } from '../../kernel/resource-usage.ts';
import { TASK_BLOCKED, TASK_FROZEN, TASK_DEAD, TASK_KILLABLE, TASK_RUNNABLE, TASK_STOPPED, TASK_TRACED } from '../../kernel/task.ts';
import type { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Generator } from '../pseudo/entries.ts';
import { callerTask, mayRead, ofTask } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';

/** Personality bit: no address space randomisation. */
const ADDR_NO_RANDOMIZE = 0x0040000;
/** 2^64 - 1 in decimal: RLIM_INFINITY, which no number holds exactly. */
const NO_LIMIT = '18446744073709551615';

/** `R`, `S` … and the word behind it in status. */
export function stateOf(task: Task): readonly [letter: string, word: string] {
  if (task.exitState !== 0) return ['Z', 'zombie'];
  if (task.kernelIdle) return ['I', 'idle'];
  switch (task.runState) {
    case TASK_RUNNABLE:
      return ['R', 'running'];
    case TASK_BLOCKED: case TASK_FROZEN:
      return ['S', 'sleeping'];
    case TASK_KILLABLE:
      return ['D', 'disk sleep'];
    case TASK_STOPPED:
      return ['T', 'stopped'];
    case TASK_TRACED:
      return ['t', 'tracing stop'];
    case TASK_DEAD:
      return ['X', 'dead'];
  }
}

/** Nanoseconds to clock ticks. */
export const ticks = (ns: number): number => Math.floor((ns * USER_HZ) / NSEC_PER_SEC);

/** What the process has used: threads that are gone, and those alive. */
export function groupUsage(task: Task): ResourceUsage {
  const sum = new ResourceUsage();
  sum.add(task.threadGroup.usage);
  for (const t of task.threadGroup.threads) sum.add(t.usage);
  return sum;
}

/** Number of the parent as the mount sees it. */
export function parentNumber(task: Task, subject: ProcTask): number {
  const parent = task.threadGroup.leader.realParent;
  return parent === null ? 0 : subject.number(parent.threadGroup.pid);
}

/** First 32 signals of a set as a decimal word, as stat's obsolete columns have them. */
const word = (lo: number): number => lo & 0x7fffffff;

/** Linux task_prio(): 20 + nice, or minus one and the real-time priority. */
export const priorityOf = (task: Task): number => (task.sched.rank > 0 ? -1 - task.sched.rank : 20 + task.sched.nice);

function makeStat(task: Task, subject: ProcTask, ctx: VfsContext): string {
  const group = task.threadGroup;
  const permitted = mayRead(subject, ctx) === 0;
  const usage = subject.whole ? groupUsage(task) : task.usage;
  const dead = group.processGroup === null;
  const tty = group.tty;
  const foreground = tty?.pgrp ?? null;
  const mm = task.mm;
  const rssLimit = group.limits.soft[RLIMIT_RSS] ?? Infinity;
  const { ignoredLo, caughtLo } = task.actions.sets;
  const end = (task.exiting ? PF_EXITING : 0) | (task.exitState !== 0 ? PF_POSTCOREDUMP | PF_NOFREEZE : 0);
  const flags = task.kernelThread !== 0 ? task.kernelThread : end | (task.forkNoExec ? PF_FORKNOEXEC : 0) | (task.personality & ADDR_NO_RANDOMIZE ? 0 : PF_RANDOMIZE);
  const waiting = permitted && task.runState !== TASK_RUNNABLE && task.exitState === 0 ? 1 : 0;
  // The device number as new_encode_dev packs it: minor in bits 0-7 and 20-31, major in 8-19.
  const dev = tty === null ? 0 : encodeDevice(tty.dev);
  const shown = (value: (space: AddressSpace) => number, otherwise = 0): number => (mm === null ? 0 : permitted ? value(mm) : otherwise);
  const columns: (number | string)[] = [
    subject.number(task.pid), `(${task.comm})`, stateOf(task)[0], parentNumber(task, subject),
    dead ? -1 : subject.number(group.processGroup?.pid ?? null), dead ? -1 : subject.number(group.session.pid),
    dev, foreground === null ? -1 : subject.number(foreground.pid), flags,
    usage.minflt, group.childUsage.minflt, usage.majflt, group.childUsage.majflt,
    ticks(usage.utime), ticks(usage.stime), ticks(group.childUsage.utime), ticks(group.childUsage.stime),
    priorityOf(task), task.sched.nice, group.threads.size, 0, ticks(task.startTime + callerTask(ctx).nsproxy.time.boottime),
    mm === null ? 0 : mm.totalVm * 4096, mm === null ? 0 : mm.rss, rssLimit === Infinity ? NO_LIMIT : rssLimit,
    shown((m) => m.startCode, 1), shown((m) => m.endCode, 1), shown((m) => m.startStack), 0, 0,
    word(task.signals.pending.set.lo), word(task.signals.blocked.lo), word(ignoredLo), word(caughtLo), waiting, 0, 0,
    task.isLeader ? task.exitSignal : -1, task.sched.cpu, task.sched.rtPriority, task.sched.policy, 0, 0, 0,
    shown((m) => m.startData), shown((m) => m.endData), shown((m) => m.startBrk),
    shown((m) => m.argStart), shown((m) => m.argEnd), shown((m) => m.envStart), shown((m) => m.envEnd), permitted ? task.exitCode : 0,
  ];
  return columns.join(' ') + '\n';
}

/** Linux new_encode_dev() of a device number in makedev's form of this project (major * 2^20 + minor). */
function encodeDevice(dev: number): number {
  const major = Math.floor(dev / 0x100000);
  const minor = dev % 0x100000;
  return (minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12);
}

export const stat: Generator<ProcTask> = ofTask(makeStat);

/** size resident shared text lib data dt, in pages. */
export const statm: Generator<ProcTask> = ofTask((task) => {
  const mm = task.mm;
  if (mm === null) return '0 0 0 0 0 0 0\n';
  const text = textPages(mm);
  return `${mm.totalVm} ${mm.rss} ${mm.table.rssFile + mm.table.rssShmem} ${text} 0 ${mm.dataVm + mm.stackVm} 0\n`;
});

/** Pages of the program's own code. */
export function textPages(mm: AddressSpace): number {
  return Math.ceil(mm.endCode / 4096) - Math.floor(mm.startCode / 4096);
}

/** /proc/PID/schedstat: time run, time waited (ns), turns. */
export const schedstat: Generator<ProcTask> = ofTask((task) => `${task.usage.utime + task.usage.stime} 0 ${task.usage.nvcsw + task.usage.nivcsw}\n`);

/** /proc/PID/sched, the lines that tools read. */
export const sched: Generator<ProcTask> = ofTask((task, subject) => {
  const line = (name: string, value: string | number): string => `${name.padEnd(45)}:${String(value).padStart(21)}\n`;
  const run = task.usage.utime + task.usage.stime;
  const priority = task.sched.policy === SCHED_NORMAL ? 120 + task.sched.nice : 99 - task.sched.rtPriority;
  return (
    `${task.comm} (${subject.number(task.pid)}, #threads: ${task.threadGroup.threads.size})\n${'-'.repeat(67)}\n` +
    line('se.exec_start', (task.monotonicNs() / 1e6).toFixed(6)) +
    line('se.sum_exec_runtime', (run / 1e6).toFixed(6)) +
    line('nr_switches', task.usage.nvcsw + task.usage.nivcsw) +
    line('nr_voluntary_switches', task.usage.nvcsw) +
    line('nr_involuntary_switches', task.usage.nivcsw) +
    line('se.load.weight', task.sched.weight * 1024) +
    line('policy', task.sched.policy) +
    line('prio', priority)
  );
});

/** /proc/PID/wchan: 0 when it runs. Linux differs: there are no kernel symbols to name. */
export const wchan: Generator<ProcTask> = ofTask(() => '0');

/** /proc/PID/stack is root's; there is no kernel stack to show. */
export const stack: Generator<ProcTask> = ofTask((_task, subject, ctx) => (isErr(mayRead(subject, ctx)) ? EACCES : ''));
