/** Names: mkdir, mknod, link, symlink, unlink, rmdir, rename. */
import { EINVAL, ENOENT, isErr } from '../abi/errno.ts';
import { AT_EMPTY_PATH, AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_FOLLOW } from '../abi/fcntl.ts';
import { decodeDev } from '../abi/stat.ts';
import type { Task } from '../kernel/task.ts';
import { makeDirectory, makeLink, makeNode, makeSymlink, removeDirectory, renameName, unlinkName } from '../vfs/namespace-ops.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { dirBase, readPath } from './file-names.ts';

function mkdir(t: Task, dirfd: number, nameAddr: number, mode: number): number {
  const name = readPath(t, nameAddr);
  if (isErr(name)) return name;
  const base = dirBase(t, dirfd, name);
  return isErr(base) ? base : makeDirectory(t, base, name, mode);
}
function sysMkdir(t: Task, a: SyscallArgs): number {
  return mkdir(t, AT_FDCWD, a.addr(0), a.u32(1));
}
function sysMkdirat(t: Task, a: SyscallArgs): number {
  return mkdir(t, a.int(0), a.addr(1), a.u32(2));
}

function mknod(t: Task, dirfd: number, nameAddr: number, mode: number, dev: number): number {
  const name = readPath(t, nameAddr);
  if (isErr(name)) return name;
  const base = dirBase(t, dirfd, name);
  return isErr(base) ? base : makeNode(t, base, name, mode, decodeDev(dev));
}
function sysMknod(t: Task, a: SyscallArgs): number {
  return mknod(t, AT_FDCWD, a.addr(0), a.u32(1), a.u32(2));
}
function sysMknodat(t: Task, a: SyscallArgs): number {
  return mknod(t, a.int(0), a.addr(1), a.u32(2), a.u32(3));
}

function link(t: Task, oldfd: number, oldAddr: number, newfd: number, newAddr: number, flags: number): number {
  if (flags & ~(AT_SYMLINK_FOLLOW | AT_EMPTY_PATH)) return EINVAL;
  const oldName = readPath(t, oldAddr);
  if (isErr(oldName)) return oldName;
  if (oldName === '' && (flags & AT_EMPTY_PATH) === 0) return ENOENT;
  const oldBase = dirBase(t, oldfd, oldName);
  if (isErr(oldBase)) return oldBase;
  const newName = readPath(t, newAddr);
  if (isErr(newName)) return newName;
  const newBase = dirBase(t, newfd, newName);
  if (isErr(newBase)) return newBase;
  return makeLink(t, oldBase, oldName, newBase, newName, flags);
}
function sysLink(t: Task, a: SyscallArgs): number {
  return link(t, AT_FDCWD, a.addr(0), AT_FDCWD, a.addr(1), 0);
}
function sysLinkat(t: Task, a: SyscallArgs): number {
  return link(t, a.int(0), a.addr(1), a.int(2), a.addr(3), a.int(4));
}

function symlink(t: Task, targetAddr: number, dirfd: number, nameAddr: number): number {
  const target = readPath(t, targetAddr);
  if (isErr(target)) return target;
  if (target === '') return ENOENT;
  const name = readPath(t, nameAddr);
  if (isErr(name)) return name;
  const base = dirBase(t, dirfd, name);
  return isErr(base) ? base : makeSymlink(t, target, base, name);
}
function sysSymlink(t: Task, a: SyscallArgs): number {
  return symlink(t, a.addr(0), AT_FDCWD, a.addr(1));
}
function sysSymlinkat(t: Task, a: SyscallArgs): number {
  return symlink(t, a.addr(0), a.int(1), a.addr(2));
}

function unlink(t: Task, dirfd: number, nameAddr: number, directory: boolean): number {
  const name = readPath(t, nameAddr);
  if (isErr(name)) return name;
  const base = dirBase(t, dirfd, name);
  if (isErr(base)) return base;
  return directory ? removeDirectory(t, base, name) : unlinkName(t, base, name);
}
function sysUnlink(t: Task, a: SyscallArgs): number {
  return unlink(t, AT_FDCWD, a.addr(0), false);
}
function sysRmdir(t: Task, a: SyscallArgs): number {
  return unlink(t, AT_FDCWD, a.addr(0), true);
}
function sysUnlinkat(t: Task, a: SyscallArgs): number {
  const flags = a.int(2);
  if (flags & ~AT_REMOVEDIR) return EINVAL;
  return unlink(t, a.int(0), a.addr(1), flags !== 0);
}

function rename(t: Task, oldfd: number, oldAddr: number, newfd: number, newAddr: number, flags: number): number {
  const oldName = readPath(t, oldAddr);
  if (isErr(oldName)) return oldName;
  const newName = readPath(t, newAddr);
  if (isErr(newName)) return newName;
  const oldBase = dirBase(t, oldfd, oldName);
  if (isErr(oldBase)) return oldBase;
  const newBase = dirBase(t, newfd, newName);
  if (isErr(newBase)) return newBase;
  return renameName(t, oldBase, oldName, newBase, newName, flags);
}
function sysRename(t: Task, a: SyscallArgs): number {
  return rename(t, AT_FDCWD, a.addr(0), AT_FDCWD, a.addr(1), 0);
}
function sysRenameat(t: Task, a: SyscallArgs): number {
  return rename(t, a.int(0), a.addr(1), a.int(2), a.addr(3), 0);
}
function sysRenameat2(t: Task, a: SyscallArgs): number {
  return rename(t, a.int(0), a.addr(1), a.int(2), a.addr(3), a.int(4));
}

export const rows: readonly SyscallRow[] = [
  [82, 'rename', 'path,path', 'full', sysRename],
  [83, 'mkdir', 'path,mode', 'full', sysMkdir],
  [84, 'rmdir', 'path', 'full', sysRmdir],
  [86, 'link', 'path,path', 'full', sysLink],
  [87, 'unlink', 'path', 'full', sysUnlink],
  [88, 'symlink', 'path,path', 'full', sysSymlink],
  [133, 'mknod', 'path,mode,dev', 'full', sysMknod],
  [258, 'mkdirat', 'dirfd,path,mode', 'full', sysMkdirat],
  [259, 'mknodat', 'dirfd,path,mode,dev', 'full', sysMknodat],
  [263, 'unlinkat', 'dirfd,path,unlinkflags', 'full', sysUnlinkat],
  [264, 'renameat', 'dirfd,path,dirfd,path', 'full', sysRenameat],
  [265, 'linkat', 'dirfd,path,dirfd,path,atflags', 'full', sysLinkat],
  [266, 'symlinkat', 'path,dirfd,path', 'full', sysSymlinkat],
  [316, 'renameat2', 'dirfd,path,dirfd,path,renameflags', 'full', sysRenameat2],
];
