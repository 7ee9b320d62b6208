/** execve, execveat. Linux fs/exec.c, man 2 execveat. */
import { EAGAIN, EBADF, EINVAL, type Errno, isErr } from '../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from '../abi/fcntl.ts';
import { checkProcessLimit, continueExec, execFile } from '../kernel/exec.ts';
import { openExecutable } from '../kernel/exec-open.ts';
import type { Task } from '../kernel/task.ts';
import { readStringVector } from '../loader/arguments.ts';
import type { Path } from '../vfs/mount.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { readPath } from './file-names.ts';

function exec(t: Task, dirfd: number, pathAddr: number, argvAddr: number, envpAddr: number, flags: number): number {
  if (t.syscall.progress !== 0) return continueExec(t);
  const path = readPath(t, pathAddr);
  if (typeof path === 'number') return path;
  if (isErr(checkProcessLimit(t))) return EAGAIN;
  if (flags & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW)) return EINVAL;
  let base: Path | null = null;
  let filename = path;
  let inaccessible = false;
  if (dirfd !== AT_FDCWD && !path.startsWith('/')) {
    const from = t.fdTable.get(dirfd);
    if (from === null) return EBADF;
    base = from.path;
    // The name the new program sees (bprm->fdpath).
    filename = path === '' ? `/dev/fd/${dirfd}` : `/dev/fd/${dirfd}/${path}`;
    inaccessible = t.fdTable.isCloexec(dirfd);
  }
  if (path === '' && base === null && flags & AT_EMPTY_PATH) base = t.fs.pwd;
  const file = openExecutable(t, base, path, flags);
  if (isErr(file)) return file;
  const argv = readStringVector(t.space, argvAddr);
  const envp = isErr(argv) ? argv : readStringVector(t.space, envpAddr);
  if (isErr(argv) || isErr(envp)) {
    file.allowWriting();
    file.unref();
    return isErr(argv) ? argv : (envp as Errno);
  }
  return execFile(t, file, filename, inaccessible, argv, envp, path === '');
}

function sysExecve(t: Task, a: SyscallArgs): number {
  return exec(t, AT_FDCWD, a.addr(0), a.addr(1), a.addr(2), 0);
}
function sysExecveat(t: Task, a: SyscallArgs): number {
  return exec(t, a.fd(0), a.addr(1), a.addr(2), a.addr(3), a.int(4));
}

export const processExecRows: readonly SyscallRow[] = [
  [59, 'execve', 'path,argv,envp', 'full', sysExecve],
  [322, 'execveat', 'dirfd,path,argv,envp,atflags', 'full', sysExecveat],
];
