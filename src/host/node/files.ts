/** HostFiles on node:fs. */
import * as fs from 'node:fs';
import { ENAMETOOLONG, ENOENT, EPERM, type Errno } from '../../abi/errno.ts';
import { O_CLOEXEC, O_NOFOLLOW } from '../../abi/fcntl.ts';
import {
  DT_BLK, DT_CHR, DT_DIR, DT_FIFO, DT_LNK, DT_REG, DT_SOCK, DT_UNKNOWN, decodeDev,
} from '../../abi/stat.ts';
import type { HostFiles, HostStat, HostStatFs } from '../host-files.ts';
import { errnoOf } from './errors.ts';

/** True if every char code is below 128, so that the string is its own UTF-8. */
function isAscii(s: string): boolean {
  for (let i = 0; i < s.length; i++) if (s.charCodeAt(i) > 127) return false;
  return true;
}

/** A byte string as node:fs wants it: itself when ASCII, else a Buffer of its bytes. */
export function nodePath(path: string): string | Buffer {
  return isAscii(path) ? path : Buffer.from(path, 'latin1');
}

/** Why a stat gave nothing: node:fs has no errno for it when throwIfNoEntry is off. */
function missing(path: string): Errno {
  return path.length > 4095 ? ENAMETOOLONG : ENOENT;
}

const BILLION = 1000000000n;

function fill(s: fs.BigIntStats, out: HostStat): void {
  out.dev = Number(s.dev);
  out.ino = Number(s.ino);
  out.mode = Number(s.mode);
  out.nlink = Number(s.nlink);
  out.uid = Number(s.uid);
  out.gid = Number(s.gid);
  out.rdev = decodeDev(Number(s.rdev));
  out.size = Number(s.size);
  out.blksize = Number(s.blksize);
  out.blocks = Number(s.blocks);
  out.atimeSec = Number(s.atimeNs / BILLION);
  out.atimeNsec = Number(s.atimeNs % BILLION);
  out.mtimeSec = Number(s.mtimeNs / BILLION);
  out.mtimeNsec = Number(s.mtimeNs % BILLION);
  out.ctimeSec = Number(s.ctimeNs / BILLION);
  out.ctimeNsec = Number(s.ctimeNs % BILLION);
  out.btimeSec = Number(s.birthtimeNs / BILLION);
  out.btimeNsec = Number(s.birthtimeNs % BILLION);
}

const STAT_OPTIONS = { bigint: true, throwIfNoEntry: false } as const;

function dtype(d: fs.Dirent): number {
  if (d.isFile()) return DT_REG;
  if (d.isDirectory()) return DT_DIR;
  if (d.isSymbolicLink()) return DT_LNK;
  if (d.isCharacterDevice()) return DT_CHR;
  if (d.isBlockDevice()) return DT_BLK;
  if (d.isFIFO()) return DT_FIFO;
  if (d.isSocket()) return DT_SOCK;
  return DT_UNKNOWN;
}

export class NodeFiles implements HostFiles {
  open(path: string, flags: number, mode: number): number | Errno {
    try {
      return fs.openSync(nodePath(path), flags | O_NOFOLLOW | O_CLOEXEC, mode);
    } catch (e) {
      return errnoOf(e);
    }
  }
  close(fd: number): void {
    try {
      fs.closeSync(fd);
    } catch {
      // The descriptor is gone either way.
    }
  }
  pread(fd: number, buf: Uint8Array, off: number, len: number, position: number): number | Errno {
    try {
      return fs.readSync(fd, buf, off, len, position);
    } catch (e) {
      return errnoOf(e);
    }
  }
  pwrite(fd: number, buf: Uint8Array, off: number, len: number, position: number): number | Errno {
    try {
      return fs.writeSync(fd, buf, off, len, position);
    } catch (e) {
      return errnoOf(e);
    }
  }
  ftruncate(fd: number, size: number): number {
    return attempt(() => fs.ftruncateSync(fd, size));
  }
  fsync(fd: number, dataOnly: boolean): number {
    return attempt(() => (dataOnly ? fs.fdatasyncSync(fd) : fs.fsyncSync(fd)));
  }
  lstat(path: string, out: HostStat): number {
    try {
      const s = fs.lstatSync(nodePath(path), STAT_OPTIONS);
      if (s === undefined) return missing(path);
      fill(s, out);
      return 0;
    } catch (e) {
      return errnoOf(e);
    }
  }
  fstat(fd: number, out: HostStat): number {
    try {
      fill(fs.fstatSync(fd, { bigint: true }), out);
      return 0;
    } catch (e) {
      return errnoOf(e);
    }
  }
  readdir(path: string, types: number[]): string[] | Errno {
    try {
      // opendir keeps the host's order; readdirSync sorts.
      const dir = fs.opendirSync(nodePath(path) as string, { encoding: 'latin1', bufferSize: 512 } as fs.OpenDirOptions);
      const names: string[] = [];
      for (let d = dir.readSync(); d !== null; d = dir.readSync()) {
        names.push(d.name);
        types.push(dtype(d));
      }
      dir.closeSync();
      return names;
    } catch (e) {
      return errnoOf(e);
    }
  }
  readlink(path: string): string | Errno {
    try {
      return fs.readlinkSync(nodePath(path), { encoding: 'latin1' });
    } catch (e) {
      return errnoOf(e);
    }
  }
  mkdir(path: string, mode: number): number {
    return attempt(() => {
      fs.mkdirSync(nodePath(path), mode);
      // The host's umask must not cut what the guest's own umask let through.
      fs.chmodSync(nodePath(path), mode);
    });
  }
  rmdir(path: string): number {
    return attempt(() => fs.rmdirSync(nodePath(path)));
  }
  unlink(path: string): number {
    return attempt(() => fs.unlinkSync(nodePath(path)));
  }
  rename(from: string, to: string): number {
    return attempt(() => fs.renameSync(nodePath(from), nodePath(to)));
  }
  link(from: string, to: string): number {
    return attempt(() => fs.linkSync(nodePath(from), nodePath(to)));
  }
  symlink(target: string, path: string): number {
    return attempt(() => fs.symlinkSync(nodePath(target), nodePath(path)));
  }
  mknod(_path: string, _mode: number, _rdev: number): number {
    return EPERM; // node:fs has no mknod
  }
  chmod(path: string, mode: number): number {
    return attempt(() => fs.chmodSync(nodePath(path), mode));
  }
  lchown(path: string, uid: number, gid: number): number {
    return attempt(() => fs.lchownSync(nodePath(path), uid, gid));
  }
  utimens(path: string, atimeSec: number, atimeNsec: number, mtimeSec: number, mtimeNsec: number): number {
    // node:fs takes seconds as a double: about a microsecond of precision.
    return attempt(() => fs.lutimesSync(nodePath(path), atimeSec + atimeNsec / 1e9, mtimeSec + mtimeNsec / 1e9));
  }
  statfs(path: string): HostStatFs | Errno {
    try {
      const s = fs.statfsSync(nodePath(path));
      return { type: s.type, bsize: s.bsize, blocks: s.blocks, bfree: s.bfree, bavail: s.bavail, files: s.files, ffree: s.ffree };
    } catch (e) {
      return errnoOf(e);
    }
  }
  realpath(path: string): string | Errno {
    try {
      return fs.realpathSync.native(nodePath(path) as string, { encoding: 'latin1' });
    } catch (e) {
      return errnoOf(e);
    }
  }
}

function attempt(f: () => void): number {
  try {
    f();
    return 0;
  } catch (e) {
    return errnoOf(e);
  }
}
