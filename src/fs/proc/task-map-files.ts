/** /proc/PID/map_files: a link for every mapping of a file, named by its addresses. Linux fs/proc/base.c. */
import { CAP_CHECKPOINT_RESTORE, CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { ENOENT, EPERM, ESRCH, isErr } from '../../abi/errno.ts';
import type { Errno } from '../../abi/errno.ts';
import { DT_LNK, S_IFDIR } from '../../abi/stat.ts';
import type { Vma } from '../../memory/vma.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { pathName } from '../../vfs/dentry-path.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { SuperBlock } from '../../vfs/super-block.ts';
import { LinkInode, ListedDirectory } from '../pseudo/pseudo-inode.ts';
import type { ListedName, PseudoSuperBlock } from '../pseudo/pseudo-inode.ts';
import { callerTask, mayRead, taskPolicy } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';

/** Start and end of a name, without leading zeros, as the kernel writes it. */
const NAME = /^(0|[1-9a-f][0-9a-f]{0,15})-(0|[1-9a-f][0-9a-f]{0,15})$/;

/** The mapping of a file with exactly this name, and the file. */
function find(subject: ProcTask, name: string): { vma: Vma; file: FileDescription } | null {
  const m = NAME.exec(name);
  const vma = m === null ? null : (subject.task?.mm?.vmas.find(Number.parseInt(m[1]!, 16)) ?? null);
  if (vma === null || vma.start !== Number.parseInt(m![1]!, 16) || vma.end !== Number.parseInt(m![2]!, 16)) return null;
  return vma.file instanceof FileDescription ? { vma, file: vma.file } : null;
}

class MapFileLink extends LinkInode<ProcTask> {
  constructor(sb: SuperBlock, ino: number, subject: ProcTask, name: string, file: FileDescription) {
    const read = (s: ProcTask, ctx: VfsContext): FileDescription | Errno => {
      if (s.task === null) return ESRCH;
      const r = mayRead(s, ctx);
      return r < 0 ? (r as Errno) : (find(s, name)?.file ?? ENOENT);
    };
    const entry = {
      kind: 'link' as const,
      mode: (file.readable ? 0o400 : 0) | (file.writable ? 0o200 : 0),
      target: (s: ProcTask, ctx: VfsContext) => {
        const mapped = read(s, ctx);
        return isErr(mapped) ? mapped : pathName(mapped.path, callerTask(ctx).fs.root, true, false);
      },
      follow: (s: ProcTask, ctx: VfsContext) => {
        const { credentials } = callerTask(ctx);
        if (!credentials.capableInInit(CAP_CHECKPOINT_RESTORE) && !credentials.capableInInit(CAP_SYS_ADMIN)) return EPERM;
        const mapped = read(s, ctx);
        return isErr(mapped) ? mapped : mapped.path;
      },
    };
    super(sb, ino, entry, subject, taskPolicy);
    this.size = 64;
  }
}

export class MapFilesDirectory extends ListedDirectory<ProcTask> {
  constructor(sb: SuperBlock, ino: number, subject: ProcTask) {
    super(sb, ino, S_IFDIR | 0o500, subject, taskPolicy);
  }
  override list(ctx: VfsContext, cookie: number): readonly ListedName[] | Errno {
    const task = this.subject.task;
    if (task === null) return ENOENT;
    const r = mayRead(this.subject, ctx);
    if (r < 0) return r as Errno;
    const names: ListedName[] = [];
    let k = 2;
    for (let v = task.mm?.vmas.first ?? null; v !== null; v = v.next) {
      if (!(v.file instanceof FileDescription)) continue;
      if (k >= cookie) names.push({ name: `${v.start.toString(16)}-${v.end.toString(16)}`, ino: this.ino + k, dtype: DT_LNK, cookie: k });
      k++;
    }
    return names;
  }
  override lookup(ctx: VfsContext, name: string): Inode | Errno {
    if (this.subject.task === null) return ENOENT;
    const r = mayRead(this.subject, ctx);
    if (r < 0) return r as Errno;
    if (this.subject.task.mm === null) return NAME.test(name) ? ESRCH : ENOENT;
    const mapped = find(this.subject, name);
    return mapped === null ? ENOENT : new MapFileLink(this.sb, (this.sb as PseudoSuperBlock).allocateInos(1), this.subject, name, mapped.file);
  }
}
