/** What is in /proc/PID and /proc/PID/task/TID. One line a name; the generators stand in the files of their topics. */
import { EINVAL, ENOENT, EPERM, ERANGE, ESRCH } from '../../abi/errno.ts';
import type { Errno } from '../../abi/errno.ts';
import { DT_DIR, S_IFDIR } from '../../abi/stat.ts';
import type { Pid, PidKeeper } from '../../kernel/pid.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { SuperBlock } from '../../vfs/super-block.ts';
import { dir, dynamic, file, special, writable } from '../pseudo/entries.ts';
import type { DirectoryEntry, Entries } from '../pseudo/entries.ts';
import { ListedDirectory, MapDirectory } from '../pseudo/pseudo-inode.ts';
import { DUMP_FILTER_MASK } from '../../memory/address-space.ts';
import type { ListedName, PseudoSuperBlock } from '../pseudo/pseudo-inode.ts';
import { networkEntries } from './network.ts';
import { HIDEPID_INVISIBLE, HIDEPID_NO_ACCESS } from './proc-options.ts';
import { callerTask, mayOpenLiveMemory, mayOpenMemory, ofPrivateTask, ofTask, ProcTask, taskPolicy } from './proc-task.ts';
import { cwd, exe, FdDirectory, FdinfoDirectory, parseNumber, root } from './task-files.ts';
import { autogroup } from './task-autogroup.ts';
import { failNth } from './task-fail-nth.ts';
import { idMap, setgroups } from './task-ids.ts';
import {
  limits, oomAdj, oomScore, oomScoreAdj, parseInteger, personality, setOomAdj, setOomScoreAdj, setTimerSlack, timerSlack, untilNul,
} from './task-limits.ts';
import { loginuid, sessionid } from './task-login.ts';
import { maps, numaMaps, smaps, smapsRollup } from './task-maps.ts';
import { auxv, cmdline, comm, environ, openMemory, openPagemap, setComm } from './task-memory.ts';
import { mountinfo, mounts, mountstats } from './task-mounts.ts';
import { namespaceLinks } from './task-ns.ts';
import { readOffsets, writeOffsets } from './task-time-offsets.ts';
import { MapFilesDirectory } from './task-map-files.ts';
import { sched, schedstat, stack, stat, statm, wchan } from './task-stat.ts';
import { status } from './task-status.ts';
import { timers } from './task-timers.ts';

/** Number of the call that the task is in, its arguments, stack pointer and program counter; "running" if it is in none, but for the reader itself. */
const syscall = ofPrivateTask((task, _subject, ctx) => {
  if (task.runState === 0 && task !== callerTask(ctx)) return 'running\n';
  // A thread of the kernel was never in user mode: its frame is all zeros.
  if (task.kernelThread !== 0) return `0${' 0x0'.repeat(8)}\n`;
  if (task.exitState !== 0) return '-1 0x0 0x0\n';
  const { regs } = task;
  const hex = (n: number): string => '0x' + (n < 0 ? BigInt.asUintN(64, BigInt(n)) : BigInt(n)).toString(16);
  if (task.syscall.nr < 0) return `-1 ${hex(regs.getReg(4))} ${hex(regs.rip)}\n`;
  const args = [7, 6, 2, 10, 8, 9].map((r) => hex(regs.getReg(r)));
  return `${task.syscall.nr} ${args.join(' ')} ${hex(regs.getReg(4))} ${hex(regs.rip)}\n`;
});

const io = ofPrivateTask((task, subject) => {
  const of = subject.whole ? task.threadGroup.usage : task.usage;
  const live = subject.whole ? [...task.threadGroup.threads].map((t) => t.usage) : [];
  const sum = (pick: (u: typeof of) => number): number => live.reduce((n, u) => n + pick(u), pick(of));
  return (
    `rchar: ${sum((u) => u.readChars)}\nwchar: ${sum((u) => u.writtenChars)}\nsyscr: ${sum((u) => u.readCalls)}\nsyscw: ${sum((u) => u.writeCalls)}\n` +
    `read_bytes: ${sum((u) => u.inblock) * 512}\nwrite_bytes: ${sum((u) => u.oublock) * 512}\ncancelled_write_bytes: 0\n`
  );
});

/** Labels of a security module, of which there is none (Linux security_getprocattr). */
const label = writable<ProcTask>(() => EINVAL, () => EINVAL, 0o666);
const prev = file<ProcTask>(() => EINVAL);

/** Which mappings a core dump holds: bits of the address space, inherited by fork and kept by execve. */
const coredumpFilter = writable<ProcTask>(
  ofTask((task) => (task.mm === null ? '' : `${task.mm.dumpFilter.toString(16).padStart(8, '0')}\n`)),
  ({ task }, _ctx, text) => {
    if (task === null) return ESRCH;
    const value = parseInteger(untilNul(text));
    if (!(value >= 0)) return EINVAL;
    if (value > 0xffffffff) return ERANGE;
    if (task.mm === null) return ESRCH;
    task.mm.dumpFilter = value & DUMP_FILTER_MASK;
    return 0;
  },
);

/** The most that was resident is counted anew (CLEAR_REFS_MM_HIWATER_RSS). */
const FORGET_PEAK = 5;
/** 1 … 4 clear referenced and soft-dirty bits, which nothing here keeps. Linux clear_refs_write(). */
function clearRefs({ task }: ProcTask, _ctx: VfsContext, text: string): number {
  const value = parseInteger(untilNul(text));
  if (!(value >= 1 && value <= FORGET_PEAK)) return EINVAL;
  if (task === null) return ESRCH;
  if (value === FORGET_PEAK && task.mm !== null) task.mm.peakRss = task.mm.rss;
  return 0;
}

/** What is in both directories. */
const common: Entries<ProcTask> = {
  fd: dynamic((sb, ino, subject) => new FdDirectory(sb, ino, 0o500, subject)),
  fdinfo: dynamic((sb, ino, subject) => new FdinfoDirectory(sb, ino, 0o555, subject)),
  ns: dir(namespaceLinks, 0o511),
  net: dir(networkEntries),
  environ: file(environ, 0o400, mayOpenLiveMemory),
  auxv: file(auxv, 0o400, mayOpenLiveMemory),
  attr: dir({ current: label, prev, exec: label, fscreate: label, keycreate: label, sockcreate: label }),
  ksm_merging_pages: file(ofPrivateTask(() => '0\n'), 0o400),
  ksm_stat: file(
    ofPrivateTask(() => 'ksm_rmap_items 0\nksm_zero_pages 0\nksm_merging_pages 0\nksm_process_profit 0\nksm_merge_any: no\nksm_mergeable: no\n'), 0o400,
  ),
  status: file(status),
  personality: file(personality, 0o400),
  limits: file(limits),
  sched: file(sched, 0o644),
  comm: writable(comm, setComm),
  syscall: file(syscall, 0o400),
  cmdline: file(cmdline),
  stat: file(stat),
  statm: file(statm),
  maps: file(maps, 0o444, mayOpenMemory),
  numa_maps: file(numaMaps, 0o444, mayOpenMemory),
  mem: special(0o600, openMemory),
  cwd,
  root,
  exe,
  mounts,
  mountinfo,
  smaps: file(smaps, 0o444, mayOpenMemory),
  smaps_rollup: file(smapsRollup, 0o444, mayOpenLiveMemory),
  pagemap: special(0o400, openPagemap),
  wchan: file(wchan),
  stack: file(stack, 0o400),
  schedstat: file(schedstat),
  cgroup: file(ofTask((task, _s, ctx) => `0::${task.cgroup.pathFrom(callerTask(ctx).nsproxy.cgroup.root)}${task.cgroup.dead ? ' (deleted)' : ''}\n`)),
  cpuset: file(ofTask((task, _s, ctx) => {
    let c = task.cgroup;
    while (c.cpuset === null && c.parent !== null) c = c.parent;
    return `${c.pathFrom(callerTask(ctx).nsproxy.cgroup.root)}\n`;
  })),
  oom_score: file(oomScore),
  oom_adj: writable(oomAdj, setOomAdj),
  oom_score_adj: writable(oomScoreAdj, setOomScoreAdj),
  loginuid,
  sessionid,
  io: file(io, 0o400),
  uid_map: idMap('uidMap'),
  gid_map: idMap('gidMap'),
  projid_map: idMap('projidMap'),
  setgroups,
  arch_status: file(ofTask(() => '')),
};

const threadEntries: Entries<ProcTask> = {
  ...common,
  children: file(
    ofTask((task, subject) => {
      const numbers = [...task.children].map((child) => subject.number(child.pid)).filter((n) => n > 0);
      return numbers.map((n) => `${n} `).join('');
    }),
  ),
};

export const threadDirectory: DirectoryEntry<ProcTask> = dir(threadEntries);

const processEntries: Entries<ProcTask> = {
  task: dynamic((sb, ino, subject) => new ThreadsDirectory(sb, ino, S_IFDIR | 0o555, subject, taskPolicy)),
  ...common,
  map_files: dynamic((sb, ino, subject) => new MapFilesDirectory(sb, ino, subject)),
  autogroup,
  mountstats,
  coredump_filter: coredumpFilter,
  clear_refs: writable<ProcTask>(null, clearRefs, 0o200),
  timens_offsets: { ...writable(readOffsets, writeOffsets, 0o644), sequential: true },
  timers: file(timers),
  timerslack_ns: writable(timerSlack, setTimerSlack, 0o666),
};

export const processDirectory: DirectoryEntry<ProcTask> = dir(processEntries);
/** In a kernel whose steps can be made to fail. */
const faultyProcessDirectory: DirectoryEntry<ProcTask> = dir({ ...processEntries, 'fail-nth': failNth });

/** /proc/PID/task. */
class ThreadsDirectory extends ListedDirectory<ProcTask> implements PidKeeper {
  /** Inode numbers of the threads' directories by their number, the same in lookups and listings. */
  private readonly inos: Map<number, number> = new Map();
  private inoOf(tid: number): number {
    let ino = this.inos.get(tid);
    if (ino === undefined) {
      ino = (this.sb as PseudoSuperBlock).allocateInos(1);
      this.inos.set(tid, ino);
    }
    return ino;
  }
  override list(_ctx: VfsContext, cookie: number): readonly ListedName[] | Errno {
    const task = this.subject.task;
    if (task === null) return ENOENT;
    for (const t of task.threadGroup.threads) t.pid.keep(this);
    const numbers = [...task.threadGroup.threads].map((t) => this.subject.number(t.pid)).filter((n) => n + 2 >= cookie);
    return numbers.sort((a, b) => a - b).map((n) => ({ name: String(n), ino: this.inoOf(n), dtype: DT_DIR, cookie: n + 2 }));
  }
  taskReleased(pid: Pid): void {
    const number = this.subject.number(pid);
    this.inos.delete(number);
    this.sb.root.cachedChild(String(this.subject.number(this.subject.pid)))?.cachedChild('task')?.forgetChild(String(number));
  }
  override lookup(_ctx: VfsContext, name: string): Inode | Errno {
    const number = parseNumber(name);
    const task = this.subject.task;
    const pid = number <= 0 ? null : this.subject.fs.pidNs.find(number);
    if (task === null || pid?.task == null || pid.task.threadGroup !== task.threadGroup) return ENOENT;
    pid.keep(this);
    return new MapDirectory(this.sb as PseudoSuperBlock, this.inoOf(number), threadDirectory, new ProcTask(this.subject.fs, pid, false), taskPolicy);
  }
  override refresh(ctx: VfsContext): number {
    this.nlink = 2 + (this.subject.task?.threadGroup.threads.size ?? 0);
    return super.refresh(ctx);
  }
}

/** The directory of one process. */
/** The process whose /proc/PID directory `inode` is, or null: such a directory serves as a pidfd (Linux tgid_pidfd_to_pid). */
export function processOfDirectory(inode: Inode): Pid | null {
  if (!(inode instanceof MapDirectory) || !(inode.subject instanceof ProcTask)) return null;
  return (inode as MapDirectory<ProcTask>).isDirectoryOf(inode.subject.fs.kernel.faultInjection ? faultyProcessDirectory : processDirectory) ? inode.subject.pid : null;
}

/** /proc/PID, which hidepid closes or hides. */
class ProcessDirectory extends MapDirectory<ProcTask> {
  /** Linux proc_pid_permission(). */
  override permission(ctx: VfsContext): number | undefined {
    const { task, fs } = this.subject;
    if (task === null) return ESRCH;
    if (fs.shows(ctx, task, HIDEPID_NO_ACCESS)) return undefined;
    return fs.options.hidepid === HIDEPID_INVISIBLE ? ENOENT : EPERM;
  }
  override refresh(ctx: VfsContext): number {
    const { task, fs } = this.subject;
    if (task !== null && !fs.shows(ctx, task, HIDEPID_INVISIBLE)) return ENOENT;
    return super.refresh(ctx);
  }
}

export function makeProcessDirectory(sb: SuperBlock, ino: number, subject: ProcTask): Inode {
  const entries = subject.fs.kernel.faultInjection ? faultyProcessDirectory : processDirectory;
  return new ProcessDirectory(sb as PseudoSuperBlock, ino, entries, subject, taskPolicy);
}
