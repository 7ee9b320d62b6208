/** Working directory, root, listings. */
import { EFAULT, EINVAL, ENOENT, ENOTDIR, EPERM, ERANGE, isErr } from '../abi/errno.ts';
import { CAP_SYS_CHROOT } from '../abi/capability.ts';
import { PATH_MAX } from '../abi/fcntl.ts';
import type { Task } from '../kernel/task.ts';
import { pathName } from '../vfs/dentry-path.ts';
import type { DirectoryEmitter } from '../vfs/file-description.ts';
import { LOOKUP_DIRECTORY, LOOKUP_FOLLOW, pathWalk } from '../vfs/path-walk.ts';
import { inodePermission, MAY_EXEC } from '../vfs/permission.ts';
import { askPermission, FS_ACCESS_PERM, IN_ACCESS, notifyFile } from '../vfs/notify.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { getFile, getFileRaw, readPath } from './file-names.ts';

/** Packs entries as linux_dirent64 (or the old linux_dirent) into a buffer that is copied out at the end. */
class DirentBuffer implements DirectoryEmitter {
  bytes: Uint8Array = new Uint8Array(65536);
  private view: DataView = new DataView(this.bytes.buffer);
  used = 0;
  limit = 0;
  old = false;
  /** The buffer is too small even for the entry at hand. */
  tooSmall = false;

  begin(size: number, old: boolean): void {
    this.limit = Math.min(size, 1 << 20);
    if (this.limit > this.bytes.length) {
      this.bytes = new Uint8Array(1 << 20);
      this.view = new DataView(this.bytes.buffer);
    }
    this.used = 0;
    this.old = old;
    this.tooSmall = false;
  }

  emit(name: string, ino: number, dtype: number, next: number): boolean {
    const n = name.length;
    // struct linux_dirent64: ino, off, reclen, type, name; linux_dirent has the type in its last byte.
    const header = this.old ? 18 : 19;
    const reclen = (header + n + (this.old ? 2 : 1) + 7) & ~7;
    const at = this.used;
    if (at + reclen > this.limit) {
      this.tooSmall = at === 0;
      return false;
    }
    const b = this.bytes;
    const v = this.view;
    v.setUint32(at, ino, true);
    v.setUint32(at + 4, ino / 4294967296, true);
    v.setUint32(at + 8, next, true);
    v.setUint32(at + 12, next / 4294967296, true);
    v.setUint16(at + 16, reclen, true);
    b.fill(0, at + header + n, at + reclen);
    if (this.old) b[at + reclen - 1] = dtype;
    else b[at + 18] = dtype;
    for (let i = 0; i < n; i++) b[at + header + i] = name.charCodeAt(i);
    this.used = at + reclen;
    return true;
  }
}
const dirents = new DirentBuffer();

function getdents(t: Task, a: SyscallArgs, old: boolean): number {
  const file = getFile(t, a.fd(0));
  if (typeof file === 'number') return file;
  if (!file.inode.isDirectory) return ENOTDIR;
  // An unlinked directory lists nothing.
  if (file.inode.nlink === 0 && !file.path.dentry.hashed) return ENOENT;
  const asked = askPermission(t, file.path, FS_ACCESS_PERM, false, file.silent);
  if (asked < 0) return asked;
  dirents.begin(a.u32(2), old);
  const start = file.pos;
  const r = file.iterate(t, dirents);
  if (r < 0) return r;
  notifyFile(file, IN_ACCESS);
  if (dirents.used === 0) return dirents.tooSmall ? EINVAL : 0;
  if (isErr(t.space.writeBytes(a.addr(1), dirents.bytes, 0, dirents.used))) {
    file.pos = start;
    return EFAULT;
  }
  return dirents.used;
}
function sysGetdents(t: Task, a: SyscallArgs): number {
  return getdents(t, a, true);
}
function sysGetdents64(t: Task, a: SyscallArgs): number {
  return getdents(t, a, false);
}

const cwdBytes = new Uint8Array(PATH_MAX + 64);

function sysGetcwd(t: Task, a: SyscallArgs): number {
  const pwd = t.fs.pwd;
  if (!pwd.dentry.hashed && !pwd.dentry.isRoot) return ENOENT;
  const name = pathName(pwd, t.fs.root, false);
  const size = a.size(1);
  if (name.length + 1 > size || name.length > PATH_MAX) return ERANGE;
  for (let i = 0; i < name.length; i++) cwdBytes[i] = name.charCodeAt(i);
  cwdBytes[name.length] = 0;
  return isErr(t.space.writeBytes(a.addr(0), cwdBytes, 0, name.length + 1)) ? EFAULT : name.length + 1;
}

function walkToDirectory(t: Task, addr: number): number {
  const name = readPath(t, addr);
  if (isErr(name)) return name;
  const r = pathWalk.walk(t, null, name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, 0);
  return r < 0 ? r : inodePermission(t, pathWalk.inode, MAY_EXEC, pathWalk.mount.idmap);
}

function sysChdir(t: Task, a: SyscallArgs): number {
  const r = walkToDirectory(t, a.addr(0));
  if (r < 0) return r;
  t.fs.setPwd(pathWalk.path());
  return 0;
}
function sysFchdir(t: Task, a: SyscallArgs): number {
  const file = getFileRaw(t, a.fd(0));
  if (typeof file === 'number') return file;
  if (!file.inode.isDirectory) return ENOTDIR;
  const r = inodePermission(t, file.inode, MAY_EXEC, file.path.mount.idmap);
  if (r < 0) return r;
  t.fs.setPwd(file.path);
  return 0;
}
function sysChroot(t: Task, a: SyscallArgs): number {
  const r = walkToDirectory(t, a.addr(0));
  if (r < 0) return r;
  if (!t.credentials.nsCapable(t.credentials.userNs, CAP_SYS_CHROOT)) return EPERM;
  t.fs.setRoot(pathWalk.path());
  return 0;
}

function sysUmask(t: Task, a: SyscallArgs): number {
  const old = t.fs.umask;
  t.fs.umask = a.int(0) & 0o777;
  return old;
}

export const rows: readonly SyscallRow[] = [
  [78, 'getdents', 'fd,obuf,uint', 'full', sysGetdents],
  [79, 'getcwd', 'obuf,size', 'full', sysGetcwd],
  [80, 'chdir', 'path', 'full', sysChdir],
  [81, 'fchdir', 'fd', 'full', sysFchdir],
  [95, 'umask', 'mode=mode', 'full', sysUmask],
  [161, 'chroot', 'path', 'full', sysChroot],
  [217, 'getdents64', 'fd,obuf,uint', 'full', sysGetdents64],
];
