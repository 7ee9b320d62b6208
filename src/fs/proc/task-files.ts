/** Links to what a task has open: exe, cwd, root, fd/, fdinfo/. */
import { EACCES, ENOENT, ESRCH, isErr } from '../../abi/errno.ts';
import type { Errno } from '../../abi/errno.ts';
import { O_CLOEXEC } from '../../abi/fcntl.ts';
import { DT_LNK, DT_REG, S_IFDIR } from '../../abi/stat.ts';
import { PidfdDescription } from '../../kernel/pidfd.ts';
import type { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { pathName } from '../../vfs/dentry-path.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { SuperBlock } from '../../vfs/super-block.ts';
import { file, link } from '../pseudo/entries.ts';
import type { LinkEntry } from '../pseudo/entries.ts';
import { LinkInode, ListedDirectory, TextInode } from '../pseudo/pseudo-inode.ts';
import type { ListedName, PseudoSuperBlock } from '../pseudo/pseudo-inode.ts';
import { callerTask, mayRead, taskPolicy } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';

/** A link that leads to a place: `where` finds it, ENOENT if there is none. */
function placeLink(where: (task: Task) => Path | null): LinkEntry<ProcTask> {
  const find = (subject: ProcTask, ctx: VfsContext): Path | Errno => {
    const task = subject.task;
    if (task === null) return ESRCH;
    const r = mayRead(subject, ctx);
    return r < 0 ? (r as Errno) : (where(task) ?? ENOENT);
  };
  return link((subject, ctx) => {
    const path = find(subject, ctx);
    return isErr(path) ? path : pathName(path, callerTask(ctx).fs.root, true, false);
  }, find);
}

export const exe: LinkEntry<ProcTask> = placeLink((task) => {
  const executable = task.mm?.exeFile ?? null;
  return executable instanceof FileDescription ? executable.path : null;
});
export const cwd: LinkEntry<ProcTask> = placeLink((task) => task.fsContext?.pwd ?? null);
export const root: LinkEntry<ProcTask> = placeLink((task) => task.fsContext?.root ?? null);

/** A canonical decimal number, or -1. */
export function parseNumber(name: string): number {
  return /^(0|[1-9][0-9]{0,9})$/.test(name) ? Number(name) : -1;
}

/** Names of fd and fdinfo: one a descriptor. */
abstract class DescriptorDirectory extends ListedDirectory<ProcTask> {
  protected abstract readonly dtype: number;
  protected readonly firstIno: number;
  constructor(sb: SuperBlock, ino: number, mode: number, subject: ProcTask) {
    super(sb, ino, S_IFDIR | mode, subject, taskPolicy);
    this.firstIno = (sb as PseudoSuperBlock).allocateInos(1);
  }
  override list(ctx: VfsContext, cookie: number): readonly ListedName[] | Errno {
    const task = this.subject.task;
    if (task === null) return ENOENT;
    const r = mayRead(this.subject, ctx);
    if (r < 0) return r as Errno;
    const table = task.files;
    const names: ListedName[] = [];
    if (table === null) return names;
    for (let fd = cookie - 2; fd < table.limit; fd++) {
      if (table.get(fd) !== null) names.push({ name: String(fd), ino: this.firstIno + fd, dtype: this.dtype, cookie: fd + 2 });
    }
    return names;
  }
  /** The description of the descriptor `name`. */
  protected description(ctx: VfsContext, name: string): FileDescription | Errno {
    const fd = parseNumber(name);
    const task = this.subject.task;
    if (fd < 0 || task === null || task.files === null) return ENOENT;
    return mayRead(this.subject, ctx) < 0 ? EACCES : (task.files.get(fd) ?? ENOENT);
  }
  override refresh(ctx: VfsContext): number {
    super.refresh(ctx);
    this.size = this.subject.task?.files?.count ?? 0;
    return 0;
  }
}

/** A link of /proc/PID/fd: its mode says how the descriptor is open. */
class DescriptorLink extends LinkInode<ProcTask> {
  private readonly fd: number;
  constructor(sb: SuperBlock, ino: number, subject: ProcTask, fd: number) {
    const find = (s: ProcTask, ctx: VfsContext): FileDescription | Errno => {
      if (s.task === null) return ESRCH;
      const r = mayRead(s, ctx);
      return r < 0 ? (r as Errno) : (s.task.files?.get(fd) ?? ENOENT);
    };
    const entry: LinkEntry<ProcTask> = {
      kind: 'link',
      mode: 0o500,
      target: (s, ctx) => {
        const description = find(s, ctx);
        return isErr(description) ? description : pathName(description.path, callerTask(ctx).fs.root, true, false);
      },
      follow: (s, ctx) => {
        const description = find(s, ctx);
        return isErr(description) ? description : description.path;
      },
    };
    super(sb, ino, entry, subject, taskPolicy);
    this.fd = fd;
    this.size = 64;
    this.stampMode();
  }
  private stampMode(): void {
    const description = this.subject.task?.files?.get(this.fd) ?? null;
    if (description === null) return;
    this.mode = (this.mode & ~0o777) | 0o100 | (description.readable ? 0o400 : 0) | (description.writable ? 0o200 : 0);
  }
  override refresh(ctx: VfsContext): number {
    this.stampMode();
    return super.refresh(ctx);
  }
  override revalidate(ctx: VfsContext): boolean {
    if (this.subject.task?.files?.get(this.fd) == null) return false;
    this.stampMode();
    return super.revalidate(ctx);
  }
}

export class FdDirectory extends DescriptorDirectory {
  protected override readonly dtype: number = DT_LNK;
  override lookup(ctx: VfsContext, name: string): Inode | Errno {
    const description = this.description(ctx, name);
    if (isErr(description)) return description;
    const fd = parseNumber(name);
    return new DescriptorLink(this.sb, this.firstIno + fd, this.subject, fd);
  }
  /** Every thread of the process may use it, whoever owns it (Linux proc_fd_permission). */
  override permission(ctx: VfsContext, _mask: number): number | undefined {
    return this.subject.task?.threadGroup === callerTask(ctx).threadGroup ? 0 : undefined;
  }
}

export class FdinfoDirectory extends DescriptorDirectory {
  protected override readonly dtype: number = DT_REG;
  override lookup(ctx: VfsContext, name: string): Inode | Errno {
    const found = this.description(ctx, name);
    if (isErr(found)) return found;
    const fd = parseNumber(name);
    const entry = file<ProcTask>((subject) => {
      const table = subject.task?.files ?? null;
      const description = table?.get(fd) ?? null;
      if (table === null || description === null) return ENOENT;
      const flags = description.flags | (table.isCloexec(fd) ? O_CLOEXEC : 0);
      const { path, inode } = description;
      const more = description instanceof PidfdDescription ? description.fdInfoIn(subject.fs.pidNs) : description.fdInfo();
      return `pos:\t${description.pos}\nflags:\t0${flags.toString(8)}\nmnt_id:\t${path.mount.id}\nino:\t${inode.ino}\n${more}`;
    }, 0o444);
    return new TextInode(this.sb, this.firstIno + fd, entry, this.subject, taskPolicy);
  }
}
