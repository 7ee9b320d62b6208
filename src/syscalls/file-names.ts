/** Path names and directory descriptors as the file calls take them. */
import { EBADF, ENOENT, type Errno, isErr } from '../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW, PATH_MAX } from '../abi/fcntl.ts';
import type { Task } from '../kernel/task.ts';
import { readUserString } from '../memory/user-string.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { Path } from '../vfs/mount.ts';
import { LOOKUP_EMPTY, LOOKUP_FOLLOW, pathWalk } from '../vfs/path-walk.ts';

export { readUserString as readString };

/** A path argument. */
export function readPath(t: Task, addr: number): string | Errno {
  return readUserString(t.space, addr, PATH_MAX);
}

/** Start of the walk for (dirfd, name): null for the working directory, EBADF. An absolute name never looks at dirfd. */
export function dirBase(t: Task, dirfd: number, name: string): Path | null | Errno {
  if (dirfd === AT_FDCWD || name.charCodeAt(0) === 47) return null;
  const file = t.fdTable.get(dirfd);
  return file === null ? EBADF : file.path;
}

/** An open description that may be used for input and output: EBADF for closed and O_PATH descriptors. */
export function getFile(t: Task, fd: number): FileDescription | Errno {
  const file = t.fdTable.get(fd);
  return file === null || file.isPath ? EBADF : file;
}

/** A description, O_PATH included. */
export function getFileRaw(t: Task, fd: number): FileDescription | Errno {
  const file = t.fdTable.get(fd);
  return file === null ? EBADF : file;
}

/**
 * Walks (dirfd, name address) with AT_ flags (AT_SYMLINK_NOFOLLOW, AT_EMPTY_PATH); the place is in pathWalk. 0 or errno. A null name is
 * an empty one with AT_EMPTY_PATH (Linux 6.11 on).
 */
export function walkAt(t: Task, dirfd: number, nameAddr: number, flags: number): number {
  const name = nameAddr === 0 && flags & AT_EMPTY_PATH ? '' : readPath(t, nameAddr);
  if (isErr(name)) return name;
  if (name.length === 0 && (flags & AT_EMPTY_PATH) === 0) return ENOENT;
  const base = dirBase(t, dirfd, name);
  if (isErr(base)) return base;
  return pathWalk.walk(t, base, name, (flags & AT_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & AT_EMPTY_PATH ? LOOKUP_EMPTY : 0), 0);
}
