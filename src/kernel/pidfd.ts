/** pidfd: a process (or thread) held by a descriptor. Facts: Linux 6.18 fs/pidfs.c; man 2 pidfd_open. */
import { PIDFD_SELF_THREAD, PIDFD_SELF_THREAD_GROUP, PIDFD_THREAD } from '../abi/anon-fd.ts';
import { EBADF, type Errno, isErr } from '../abi/errno.ts';
import { O_RDWR } from '../abi/fcntl.ts';
import { POLLHUP, POLLIN, POLLRDNORM } from '../abi/poll.ts';
import type { VfsContext } from '../vfs/context.ts';
import { FileDescription } from '../vfs/file-description.ts';
import type { Path } from '../vfs/mount.ts';
import type { PollTable } from '../vfs/poll.ts';
import type { Pid } from './pid.ts';
import { pidfdIoctl } from './pidfd-ioctl.ts';
import type { PidNamespace } from './pid-namespace.ts';
import type { Task } from './task.ts';

export class PidfdDescription extends FileDescription {
  readonly pid: Pid;

  /** `flags`: O_NONBLOCK (PIDFD_NONBLOCK) and PIDFD_THREAD. */
  constructor(path: Path, pid: Pid, flags: number) {
    super(path, O_RDWR | flags);
    this.pid = pid;
  }
  override get seekable(): boolean {
    return false;
  }
  /** About one thread and not its process (PIDFD_THREAD, the same bit as O_EXCL). */
  get thread(): boolean {
    return (this.flags & PIDFD_THREAD) !== 0;
  }

  /** Readable once the process has exited, with a hangup once it was waited for. */
  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.pid.waitQueue);
    const t = this.pid.task;
    if (t === null) return POLLIN | POLLRDNORM | POLLHUP;
    if (t.exitState === 0) return 0;
    return this.thread || t.threadGroup.live === 0 ? POLLIN | POLLRDNORM : 0;
  }

  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    return pidfdIoctl(ctx as Task, this.pid, cmd, arg); // only tasks make system calls
  }

  /** Its lines of fdinfo in a procfs of `ns`: the numbers there and in the namespaces below, 0 if it is not seen from there, -1 once it is gone. */
  fdInfoIn(ns: PidNamespace): string {
    const nr = this.pid.task === null ? -1 : this.pid.nr(ns);
    const below = nr > 0 ? this.pid.numbers.slice(ns.level + 1).map((n) => `\t${n}`) : [];
    return `Pid:\t${nr}\nNSpid:\t${nr}${below.join('')}\n`;
  }
}

/** A new pidfd in the table of `t`, close-on-exec. `flags`: PIDFD_NONBLOCK, PIDFD_THREAD. The fd, or EMFILE. */
export function makePidfd(t: Task, pid: Pid, flags: number): number | Errno {
  const file = new PidfdDescription(t.kernel.pidFs.placeOf(pid), pid, flags);
  const fd = t.fdTable.install(file, t.openFilesLimit, true);
  if (isErr(fd)) file.unref();
  return fd;
}

/** Whom PIDFD_SELF_THREAD or PIDFD_SELF_THREAD_GROUP stands for; null: `fd` is a descriptor. */
export function pidfdSelf(t: Task, fd: number): Pid | null {
  if (fd === PIDFD_SELF_THREAD) return t.pid;
  return fd === PIDFD_SELF_THREAD_GROUP ? t.threadGroup.leader.pid : null;
}

/** The process of a pidfd or of PIDFD_SELF_…; EBADF. Linux pidfd_get_task(). */
export function pidOfFd(t: Task, fd: number): Pid | Errno {
  const self = pidfdSelf(t, fd);
  if (self !== null) return self;
  const file = t.fdTable.get(fd);
  return file instanceof PidfdDescription ? file.pid : EBADF;
}
