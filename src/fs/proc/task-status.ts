/** /proc/PID/status. */
import { RLIMIT_SIGPENDING } from '../../abi/resource.ts';
import { USED_SIGPENDING } from '../../auth/user-counts.ts';
import type { Task } from '../../kernel/task.ts';
import { cpuCount, cpuListText, cpuMaskText } from './system-cpu.ts';
import type { Generator } from '../pseudo/entries.ts';
import { ofTask } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';
import { parentNumber, stateOf, textPages } from './task-stat.ts';

const hex = (lo: number, hi: number): string => (hi >>> 0).toString(16).padStart(8, '0') + (lo >>> 0).toString(16).padStart(8, '0');
const kib = (name: string, pages: number): string => `${name}:\t${String(pages * 4).padStart(8)} kB\n`;

/** The name with what would break the line escaped. */
const escaped = (comm: string): string => comm.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');

function seccompFilters(task: Task): number {
  let n = 0;
  for (let f = task.seccomp; f !== null; f = f.previous) n++;
  return n;
}

function memoryLines(task: Task): string {
  const mm = task.mm;
  if (mm === null) return '';
  mm.notePeaks();
  const { rssAnon, rssFile, rssShmem, leafCount } = mm.table;
  const text = textPages(mm);
  return (
    kib('VmPeak', mm.peakVm) + kib('VmSize', mm.totalVm) + kib('VmLck', mm.lockedVm) + kib('VmPin', 0) + kib('VmHWM', mm.peakRss) + kib('VmRSS', mm.rss) +
    kib('RssAnon', rssAnon) + kib('RssFile', rssFile) + kib('RssShmem', rssShmem) + kib('VmData', mm.dataVm) + kib('VmStk', mm.stackVm) +
    kib('VmExe', text) + kib('VmLib', Math.max(0, mm.execVm - text)) + kib('VmPTE', leafCount) + kib('VmSwap', 0) +
    'HugetlbPages:\t       0 kB\nCoreDumping:\t0\nTHP_enabled:\t0\nuntag_mask:\t0xffffffffffffffff\n'
  );
}

function makeStatus(task: Task, subject: ProcTask): string {
  const group = task.threadGroup;
  const { credentials: c, signals } = task;
  const ns = subject.fs.pidNs;
  const user = c.userNs;
  const [letter, wordOf] = stateOf(task);
  const { ignoredLo, ignoredHi, caughtLo, caughtHi } = task.actions.sets;
  /** Numbers from this mount's namespace down to the innermost, tab-separated. */
  const chain = (pid: { numbers: readonly number[] } | null): string => (pid === null ? '0' : pid.numbers.slice(ns.level).join('\t'));
  const uid = (id: typeof c.uid): number => user.fromKuidMunged(id);
  const gid = (id: typeof c.gid): number => user.fromKgidMunged(id);
  const fs = task.fsContext;
  const tracer = task.ptrace === null ? 0 : subject.number(task.parent?.pid ?? null);
  const queued = c.counts.used[USED_SIGPENDING];
  const limit = group.limits.soft[RLIMIT_SIGPENDING] ?? 0;
  const cpus = cpuCount(task.kernel);
  const affinity = task.sched.affinity & (cpus >= 32 ? -1 : (1 << cpus) - 1);
  return (
    `Name:\t${escaped(task.comm)}\n` +
    (fs === null ? '' : `Umask:\t0${fs.umask.toString(8).padStart(3, '0')}\n`) +
    `State:\t${letter} (${wordOf})\nTgid:\t${subject.number(group.pid)}\nNgid:\t0\nPid:\t${subject.number(task.pid)}\n` +
    `PPid:\t${parentNumber(task, subject)}\nTracerPid:\t${tracer}\n` +
    `Uid:\t${uid(c.uid)}\t${uid(c.euid)}\t${uid(c.suid)}\t${uid(c.fsuid)}\nGid:\t${gid(c.gid)}\t${gid(c.egid)}\t${gid(c.sgid)}\t${gid(c.fsgid)}\n` +
    `FDSize:\t${task.files === null ? 0 : fdTableSize(task.files.limit)}\nGroups:\t${c.groups.map((g) => `${gid(g)} `).join('') || ' '}\n` +
    `NStgid:\t${chain(group.pid)}\nNSpid:\t${chain(task.pid)}\nNSpgid:\t${chain(group.processGroup?.pid ?? null)}\n` +
    `NSsid:\t${chain(group.processGroup === null ? null : group.session.pid)}\nKthread:\t${task.kernelThread === 0 ? 0 : 1}\n` +
    memoryLines(task) +
    `Threads:\t${group.threads.size}\nSigQ:\t${queued}/${limit === Infinity ? '18446744073709551615' : limit}\n` +
    `SigPnd:\t${hex(signals.pending.set.lo, signals.pending.set.hi)}\nShdPnd:\t${hex(group.pending.set.lo, group.pending.set.hi)}\n` +
    `SigBlk:\t${hex(signals.blocked.lo, signals.blocked.hi)}\nSigIgn:\t${hex(ignoredLo, ignoredHi)}\nSigCgt:\t${hex(caughtLo, caughtHi)}\n` +
    `CapInh:\t${c.capInheritable}\nCapPrm:\t${c.capPermitted}\nCapEff:\t${c.capEffective}\nCapBnd:\t${c.capBounding}\nCapAmb:\t${c.capAmbient}\n` +
    `NoNewPrivs:\t${task.noNewPrivs ? 1 : 0}\nSeccomp:\t${task.seccompMode}\nSeccomp_filters:\t${seccompFilters(task)}\n` +
    `Speculation_Store_Bypass:\tnot vulnerable\nSpeculationIndirectBranch:\tunknown\n` +
    `Cpus_allowed:\t${cpuMaskText(affinity)}\nCpus_allowed_list:\t${cpuListText(affinity)}\nMems_allowed:\t1\nMems_allowed_list:\t0\n` +
    `voluntary_ctxt_switches:\t${task.usage.nvcsw}\nnonvoluntary_ctxt_switches:\t${task.usage.nivcsw}\n`
  );
}

/** Linux's tables start with 64 descriptors and double. */
export function fdTableSize(used: number): number {
  let n = 64;
  while (n < used) n *= 2;
  return n;
}

export const status: Generator<ProcTask> = ofTask(makeStatus);
