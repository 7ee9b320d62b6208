/** Files of the host: synchronous, errno returned. Paths are absolute byte strings of the host; the last component is never followed. */
import type { Errno } from '../abi/errno.ts';

/** Attributes of a host file, filled in place. */
export class HostStat {
  dev = 0;
  ino = 0;
  /** Type and permission bits as Linux has them. */
  mode = 0;
  nlink = 0;
  uid = 0;
  gid = 0;
  /** Device number of a device file: makedev() form. */
  rdev = 0;
  size = 0;
  blksize = 4096;
  blocks = 0;
  atimeSec = 0;
  atimeNsec = 0;
  mtimeSec = 0;
  mtimeNsec = 0;
  ctimeSec = 0;
  ctimeNsec = 0;
  btimeSec = 0;
  btimeNsec = 0;
}

export interface HostStatFs {
  type: number;
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
}

export interface HostFiles {
  /** `flags`: Linux O_ flags; O_NOFOLLOW and O_CLOEXEC are added. A host descriptor. */
  open(path: string, flags: number, mode: number): number | Errno;
  close(fd: number): void;
  /** Straight into `buf` (which may be guest memory): the count, 0 at the end. */
  pread(fd: number, buf: Uint8Array, off: number, len: number, position: number): number | Errno;
  pwrite(fd: number, buf: Uint8Array, off: number, len: number, position: number): number | Errno;
  ftruncate(fd: number, size: number): number;
  fsync(fd: number, dataOnly: boolean): number;
  lstat(path: string, out: HostStat): number;
  fstat(fd: number, out: HostStat): number;
  /** Names of a directory without "." and ".."; `types` gets their DT_ numbers. */
  readdir(path: string, types: number[]): string[] | Errno;
  readlink(path: string): string | Errno;
  mkdir(path: string, mode: number): number;
  rmdir(path: string): number;
  unlink(path: string): number;
  rename(from: string, to: string): number;
  link(from: string, to: string): number;
  symlink(target: string, path: string): number;
  /** FIFOs; EPERM for what the host cannot make. */
  mknod(path: string, mode: number, rdev: number): number;
  chmod(path: string, mode: number): number;
  lchown(path: string, uid: number, gid: number): number;
  /** Times in seconds and nanoseconds; of the link itself. */
  utimens(path: string, atimeSec: number, atimeNsec: number, mtimeSec: number, mtimeNsec: number): number;
  statfs(path: string): HostStatFs | Errno;
  /** realpath(3): for mount sources named by the owner. */
  realpath(path: string): string | Errno;
}
