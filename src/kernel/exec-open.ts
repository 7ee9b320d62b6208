/** Opening a file for execution: Linux fs/exec.c do_open_execat(). */
import { EACCES, EINVAL, ELOOP, ENOENT, ETXTBSY, type Errno, isErr } from '../abi/errno.ts';
import { AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW, O_NOFOLLOW, O_RDONLY } from '../abi/fcntl.ts';
import { S_IFMT, S_IFREG } from '../abi/stat.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { Path } from '../vfs/mount.ts';
import { FMODE_EXEC, openPath, openPlace } from '../vfs/open.ts';
import type { Task } from './task.ts';

/** Opens `name` from `base` (null: the working directory). `flags`: AT_EMPTY_PATH, AT_SYMLINK_NOFOLLOW. A description with one reference. */
export function openExecutable(t: Task, base: Path | null, name: string, flags: number): FileDescription | Errno {
  if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) return EINVAL;
  let file: FileDescription | Errno;
  if (name === '') {
    if (!(flags & AT_EMPTY_PATH)) return ENOENT;
    if (base === null) return EACCES;
    file = openPlace(t, base, O_RDONLY | FMODE_EXEC);
  } else file = openPath(t, base, name, O_RDONLY | FMODE_EXEC | (flags & AT_SYMLINK_NOFOLLOW ? O_NOFOLLOW : 0), 0, 0);
  if (isErr(file)) return file === ELOOP && flags & AT_SYMLINK_NOFOLLOW ? ELOOP : file;
  if ((file.inode.mode & S_IFMT) !== S_IFREG) {
    file.unref();
    return EACCES;
  }
  if (!file.denyWriting()) {
    file.unref();
    return ETXTBSY;
  }
  return file;
}

