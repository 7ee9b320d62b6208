/** struct stat, statx and statfs of x86-64, written into guest memory. */
import { EFAULT, type Errno } from '../abi/errno.ts';
import {
  devMajor, devMinor, encodeDev, STAT_SIZE, STATFS_SIZE, STATX_BASIC_STATS, STATX_BTIME, STATX_MNT_ID, STATX_MNT_ID_UNIQUE, STATX_SIZE,
  STATX_ATTR_MOUNT_ROOT, STATX_ATTR_APPEND, STATX_ATTR_IMMUTABLE, ST_NOATIME, ST_NODEV, ST_NODIRATIME, ST_NOEXEC, ST_NOSUID, ST_RDONLY, ST_RELATIME,
  ST_MANDLOCK, ST_NOSYMFOLLOW, ST_SYNCHRONOUS, ST_VALID,
} from '../abi/stat.ts';
import { MS_MANDLOCK, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_NOSYMFOLLOW, MS_RELATIME, MS_SYNCHRONOUS } from '../abi/mount.ts';
import type { Task } from '../kernel/task.ts';
import { type Inode, S_APPEND, S_IMMUTABLE } from '../vfs/inode.ts';
import { type MountIdMap, shownGid, shownUid } from '../vfs/mount-id-map.ts';
import type { Mount } from '../vfs/mount.ts';
import type { StatFs } from '../vfs/super-block.ts';

const bytes = new Uint8Array(256);
const view = new DataView(bytes.buffer);
const words = new Uint32Array(bytes.buffer);

/** Stores a 64-bit number in two words at `w[at]`; negative numbers as two's complement. */
function store64(w: Uint32Array, at: number, n: number): void {
  if (n >= 0 && n < 4294967296) {
    w[at] = n;
    w[at + 1] = 0;
    return;
  }
  const hi = Math.floor(n / 4294967296);
  w[at] = n - hi * 4294967296;
  w[at + 1] = hi;
}
/** Stores a 64-bit number at byte offset `at` (a multiple of 4) of the buffer. */
function put64(at: number, n: number): void {
  store64(words, at >> 2, n);
}

/** Fills the 36 words of struct stat at `w[at…]`. */
function fillStat(t: Task, w: Uint32Array, at: number, inode: Inode, idmap: MountIdMap | null): void {
  const ns = t.credentials.userNs;
  store64(w, at, encodeDev(inode.dev));
  store64(w, at + 2, inode.ino);
  store64(w, at + 4, inode.nlink);
  w[at + 6] = inode.mode;
  w[at + 7] = ns.fromKuidMunged(idmap === null ? inode.uid : shownUid(idmap, inode.sb, inode.uid));
  w[at + 8] = ns.fromKgidMunged(idmap === null ? inode.gid : shownGid(idmap, inode.sb, inode.gid));
  w[at + 9] = 0;
  store64(w, at + 10, encodeDev(inode.rdev));
  store64(w, at + 12, inode.size);
  store64(w, at + 14, inode.sb.blockSize);
  store64(w, at + 16, inode.blocks);
  store64(w, at + 18, inode.atimeSec);
  store64(w, at + 20, inode.atimeNsec);
  store64(w, at + 22, inode.mtimeSec);
  store64(w, at + 24, inode.mtimeNsec);
  store64(w, at + 26, inode.ctimeSec);
  store64(w, at + 28, inode.ctimeNsec);
  w[at + 30] = w[at + 31] = w[at + 32] = w[at + 33] = w[at + 34] = w[at + 35] = 0;
}

/** Writes struct stat for an inode whose attributes are fresh: 0 or EFAULT. Straight into the guest's page when it lies in one. */
export function writeStat(t: Task, addr: number, inode: Inode, idmap: MountIdMap | null): 0 | Errno {
  const space = t.space;
  if (addr % 4 === 0 && addr % 4096 <= 4096 - STAT_SIZE) {
    const at = space.writable(addr);
    if (at === 0) return EFAULT;
    fillStat(t, space.pm.u32, at >> 2, inode, idmap);
    return 0;
  }
  fillStat(t, words, 0, inode, idmap);
  return space.writeBytes(addr, bytes, 0, STAT_SIZE);
}

function putTime(at: number, sec: number, nsec: number): void {
  put64(at, sec);
  view.setUint32(at + 8, nsec, true);
}

/** Writes struct statx: 0 or EFAULT. `mask`: what the caller asked for (everything basic is given anyway). */
export function writeStatx(t: Task, addr: number, inode: Inode, mount: Mount, isMountRoot: boolean, mask: number): 0 | Errno {
  const ns = t.credentials.userNs;
  words.fill(0);
  const unique = (mask & STATX_MNT_ID_UNIQUE) !== 0;
  const hasBtime = inode.btimeSec !== 0 || inode.btimeNsec !== 0;
  words[0] = STATX_BASIC_STATS | (hasBtime ? STATX_BTIME : 0) | (unique ? STATX_MNT_ID_UNIQUE : STATX_MNT_ID);
  words[1] = inode.sb.blockSize;
  let attributes = isMountRoot ? STATX_ATTR_MOUNT_ROOT : 0;
  if (inode.flags & S_IMMUTABLE) attributes |= STATX_ATTR_IMMUTABLE;
  if (inode.flags & S_APPEND) attributes |= STATX_ATTR_APPEND;
  put64(8, attributes);
  words[4] = inode.nlink;
  words[5] = ns.fromKuidMunged(shownUid(mount.idmap, inode.sb, inode.uid));
  words[6] = ns.fromKgidMunged(shownGid(mount.idmap, inode.sb, inode.gid));
  view.setUint16(28, inode.mode, true);
  put64(32, inode.ino);
  put64(40, inode.size);
  put64(48, inode.blocks);
  put64(56, STATX_ATTR_MOUNT_ROOT | STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND);
  putTime(64, inode.atimeSec, inode.atimeNsec);
  if (hasBtime) putTime(80, inode.btimeSec, inode.btimeNsec);
  putTime(96, inode.ctimeSec, inode.ctimeNsec);
  putTime(112, inode.mtimeSec, inode.mtimeNsec);
  words[32] = devMajor(inode.rdev);
  words[33] = devMinor(inode.rdev);
  words[34] = devMajor(inode.dev);
  words[35] = devMinor(inode.dev);
  put64(144, unique ? mount.uniqueId : mount.id);
  return t.space.writeBytes(addr, bytes, 0, STATX_SIZE);
}

/** Writes struct statfs: 0 or EFAULT. */
export function writeStatfs(t: Task, addr: number, s: StatFs, mount: Mount): 0 | Errno {
  words.fill(0);
  put64(0, s.type);
  put64(8, s.bsize);
  put64(16, s.blocks);
  put64(24, s.bfree);
  put64(32, s.bavail);
  put64(40, s.files);
  put64(48, s.ffree);
  words[14] = mount.sb.dev % 4294967296;
  words[15] = 0;
  put64(64, s.namelen);
  put64(72, s.frsize);
  let flags = ST_VALID;
  if (mount.readOnly) flags |= ST_RDONLY;
  if (mount.flags & MS_NOSUID) flags |= ST_NOSUID;
  if (mount.flags & MS_NODEV) flags |= ST_NODEV;
  if (mount.flags & MS_NOEXEC) flags |= ST_NOEXEC;
  if (mount.flags & MS_NOATIME) flags |= ST_NOATIME;
  if (mount.flags & MS_NODIRATIME) flags |= ST_NODIRATIME;
  if (mount.flags & MS_RELATIME) flags |= ST_RELATIME;
  if (mount.flags & MS_NOSYMFOLLOW) flags |= ST_NOSYMFOLLOW;
  if (mount.sb.flags & MS_SYNCHRONOUS) flags |= ST_SYNCHRONOUS;
  if (mount.sb.flags & MS_MANDLOCK) flags |= ST_MANDLOCK;
  put64(80, flags);
  return t.space.writeBytes(addr, bytes, 0, STATFS_SIZE);
}

