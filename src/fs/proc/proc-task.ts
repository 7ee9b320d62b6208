/** The subject of /proc/PID and /proc/PID/task/TID. */
import { EACCES, EINVAL, ESRCH } from '../../abi/errno.ts';
import { ROOT_KGID, ROOT_KUID } from '../../abi/ids.ts';
import { S_IFDIR } from '../../abi/stat.ts';
import type { Errno } from '../../abi/errno.ts';
import type { Pid } from '../../kernel/pid.ts';
import { memoryOwner, ptraceMayAccess, PTRACE_MODE_FSCREDS, PTRACE_MODE_READ } from '../../kernel/ptrace-access.ts';
import { EXIT_GONE, Task } from '../../kernel/task.ts';
import type { AddressSpace } from '../../memory/address-space.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Generator } from '../pseudo/entries.ts';
import type { SubjectPolicy } from '../pseudo/pseudo-inode.ts';
import type { ProcSuperBlock } from './proc-fs.ts';

export class ProcTask {
  readonly fs: ProcSuperBlock;
  readonly pid: Pid;
  /** /proc/PID: times and counters are those of the whole process. */
  readonly whole: boolean;

  constructor(fs: ProcSuperBlock, pid: Pid, whole: boolean) {
    this.fs = fs;
    this.pid = pid;
    this.whole = whole;
  }

  /** The task, or null once it was reaped. */
  get task(): Task | null {
    const task = this.pid.task;
    return task === null || task.exitState === EXIT_GONE ? null : task;
  }
  /** The number of `pid` as this mount shows it; 0 if it is outside. */
  number(pid: Pid | null): number {
    return pid === null ? 0 : pid.nr(this.fs.pidNs);
  }
}

/** The caller as a task. Only tasks reach procfs. */
export function callerTask(ctx: VfsContext): Task {
  if (!(ctx instanceof Task)) throw new Error('procfs is used by a task only');
  return ctx;
}

/** May the caller see what is private to the task (maps, environ, fd …): 0, EACCES or ESRCH. */
export function mayRead(subject: ProcTask, ctx: VfsContext): number {
  const target = subject.task;
  if (target === null) return ESRCH;
  return ptraceMayAccess(callerTask(ctx), target, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS) < 0 ? EACCES : 0;
}

/** A generator that is given the live task: ESRCH once it is gone. */
export function ofTask(make: (task: Task, subject: ProcTask, ctx: VfsContext) => string | Uint8Array | Errno): Generator<ProcTask> {
  return (subject: ProcTask, ctx: VfsContext): string | Uint8Array | Errno => {
    const task = subject.task;
    return task === null ? ESRCH : make(task, subject, ctx);
  };
}

/** As `ofTask`, for what only those who may trace the task see: EACCES. */
export function ofPrivateTask(make: (task: Task, subject: ProcTask, ctx: VfsContext) => string | Uint8Array | Errno): Generator<ProcTask> {
  return (subject: ProcTask, ctx: VfsContext): string | Uint8Array | Errno => {
    const task = subject.task;
    if (task === null) return ESRCH;
    const r = mayRead(subject, ctx);
    return r < 0 ? (r as Errno) : make(task, subject, ctx);
  };
}

/** What a task's memory shows to those who may trace the task: EACCES for others. A task without memory (a zombie, a thread of the kernel) hides nothing, and shows nothing. */
export function ofMemory(make: (mm: AddressSpace, task: Task) => string | Uint8Array): Generator<ProcTask> {
  return (subject: ProcTask, ctx: VfsContext): string | Uint8Array | Errno => {
    const task = subject.task;
    if (task === null) return ESRCH;
    if (task.mm === null) return '';
    const r = mayRead(subject, ctx);
    return r < 0 ? (r as Errno) : make(task.mm, task);
  };
}

/** Opening such a file: EACCES, ESRCH when the task is gone (Linux proc_mem_open). */
export function mayOpenMemory(subject: ProcTask, ctx: VfsContext): number {
  return subject.task?.mm === null ? 0 : mayRead(subject, ctx);
}
/** The same for files that there are only with memory: ESRCH without. */
export function mayOpenLiveMemory(subject: ProcTask, ctx: VfsContext): number {
  return subject.task?.mm === null ? ESRCH : mayRead(subject, ctx);
}

/** Directories that everybody may list stay the task's own whatever it is: programs ask their owner for the task's (Linux task_dump_owner). */
const PLAIN_DIRECTORY = S_IFDIR | 0o555;

/** Files of a task belong to its effective ids, or to root when it is not dumpable (Linux task_dump_owner). */
export const taskPolicy: SubjectPolicy<ProcTask> = {
  stamp(inode: Inode, subject: ProcTask): void {
    const task = subject.task;
    if (task === null) return;
    const { credentials } = task;
    inode.uid = credentials.euid;
    inode.gid = credentials.egid;
    if (inode.mode === PLAIN_DIRECTORY) return;
    const { mm } = task;
    if (mm !== null && mm.dumpable === 1) return;
    // Root of the namespace that the program belongs to; what has no memory is the outermost root's.
    const owner = mm === null ? task.kernel.userNs : memoryOwner(task, mm);
    const [uid, gid] = [owner.makeKuid(0), owner.makeKgid(0)];
    inode.uid = uid === -1 ? ROOT_KUID : uid;
    inode.gid = gid === -1 ? ROOT_KGID : gid;
  },
  unhandled: EINVAL,
  alive: (subject) => subject.task !== null,
};
