/** open, openat, openat2, creat, close, close_range. */
import { E2BIG, EAGAIN, EFAULT, EINVAL, isErr } from '../abi/errno.ts';
import {
  __O_TMPFILE, AT_FDCWD, O_CLOEXEC, O_CREAT, O_TRUNC, O_WRONLY, RESOLVE_BENEATH, RESOLVE_CACHED, RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS,
  RESOLVE_NO_SYMLINKS, RESOLVE_NO_XDEV,
} from '../abi/fcntl.ts';
import type { Task } from '../kernel/task.ts';
import { checkOpenFlags, openPath } from '../vfs/open.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { dirBase, readPath } from './file-names.ts';

function open(t: Task, dirfd: number, nameAddr: number, flags: number, mode: number, resolve: number): number {
  const name = readPath(t, nameAddr);
  if (isErr(name)) return name;
  const base = dirBase(t, dirfd, name);
  if (isErr(base)) return base;
  // The descriptor number is found before the file is touched: EMFILE must not create it.
  const free = t.fdTable.lowestFree(0, t.openFilesLimit);
  if (free < 0) return free;
  const file = openPath(t, base, name, flags, mode, resolve);
  if (typeof file === 'number') return file;
  const fd = t.fdTable.install(file, t.openFilesLimit, (flags & O_CLOEXEC) !== 0);
  if (fd < 0) file.unref();
  return fd;
}

function openWithFlags(t: Task, dirfd: number, nameAddr: number, rawFlags: number, rawMode: number): number {
  const flags = checkOpenFlags(rawFlags, rawMode, false);
  if (flags < 0) return flags;
  return open(t, dirfd, nameAddr, flags, flags & (O_CREAT | __O_TMPFILE) ? rawMode & 0o7777 : 0, 0);
}

function sysOpen(t: Task, a: SyscallArgs): number {
  return openWithFlags(t, AT_FDCWD, a.addr(0), a.int(1), a.u32(2));
}
function sysOpenat(t: Task, a: SyscallArgs): number {
  return openWithFlags(t, a.int(0), a.addr(1), a.int(2), a.u32(3));
}
function sysCreat(t: Task, a: SyscallArgs): number {
  return openWithFlags(t, AT_FDCWD, a.addr(0), O_CREAT | O_WRONLY | O_TRUNC, a.u32(1));
}

const RESOLVE_KNOWN = RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH | RESOLVE_IN_ROOT | RESOLVE_CACHED;
/** struct open_how: three u64. */
const OPEN_HOW_SIZE = 24;
const how = new Uint8Array(OPEN_HOW_SIZE);
const howWords = new Uint32Array(how.buffer);

function sysOpenat2(t: Task, a: SyscallArgs): number {
  const size = a.size(3);
  if (size < OPEN_HOW_SIZE) return EINVAL;
  if (size > 4096) return E2BIG;
  if (isErr(t.space.readBytes(a.addr(2), how))) return EFAULT;
  for (let i = OPEN_HOW_SIZE; i < size; i++) {
    const b = t.space.readU8(a.addr(2) + i);
    if (isErr(b)) return b;
    if (b !== 0) return E2BIG;
  }
  const resolve = howWords[4]!;
  if (howWords[1] !== 0 || howWords[3] !== 0 || howWords[5] !== 0) return EINVAL;
  const flags = checkOpenFlags(howWords[0]! | 0, howWords[2]!, true);
  if (flags < 0) return flags;
  if (resolve & ~RESOLVE_KNOWN) return EINVAL;
  if (resolve & RESOLVE_BENEATH && resolve & RESOLVE_IN_ROOT) return EINVAL;
  // What would need more than the cache cannot be told apart here: only that nothing is to be made or changed.
  if (resolve & RESOLVE_CACHED && flags & (O_TRUNC | O_CREAT | __O_TMPFILE)) return EAGAIN;
  const mode = howWords[2]!;
  const name = readPath(t, a.addr(1));
  if (isErr(name)) return name;
  let base = dirBase(t, a.int(0), resolve & (RESOLVE_IN_ROOT | RESOLVE_BENEATH) ? '' : name);
  if (isErr(base)) return base;
  const free = t.fdTable.lowestFree(0, t.openFilesLimit);
  if (free < 0) return free;
  base ??= t.fs.pwd;
  const file = openPath(t, base, name, flags, mode, resolve);
  if (typeof file === 'number') return file;
  const fd = t.fdTable.install(file, t.openFilesLimit, (flags & O_CLOEXEC) !== 0);
  if (fd < 0) file.unref();
  return fd;
}

function sysClose(t: Task, a: SyscallArgs): number {
  return t.fdTable.close(t, a.fd(0));
}

const CLOSE_RANGE_UNSHARE = 2;
const CLOSE_RANGE_CLOEXEC = 4;

function sysCloseRange(t: Task, a: SyscallArgs): number {
  const first = a.u32(0);
  const last = a.u32(1);
  const flags = a.u32(2);
  if (flags & ~(CLOSE_RANGE_UNSHARE | CLOSE_RANGE_CLOEXEC)) return EINVAL;
  if (first > last) return EINVAL;
  if (flags & CLOSE_RANGE_UNSHARE && t.fdTable.users > 1) {
    const shared = t.fdTable;
    // What would be closed at once need not be copied, when the range goes to the end.
    const copy = shared.clone((flags & CLOSE_RANGE_CLOEXEC) === 0 && last >= shared.limit ? first : Infinity);
    shared.release(t);
    t.files = copy;
  }
  if (flags & CLOSE_RANGE_CLOEXEC) t.fdTable.markRange(first, last);
  else t.fdTable.closeRange(t, first, last);
  return 0;
}

export const rows: readonly SyscallRow[] = [
  [2, 'open', 'path,openflags,mode=fd', 'full', sysOpen],
  [3, 'close', 'fd', 'full', sysClose],
  [85, 'creat', 'path,mode=fd', 'full', sysCreat],
  [257, 'openat', 'dirfd,path,openflags,mode=fd', 'full', sysOpenat],
  [436, 'close_range', 'uint,uint,closerangeflags', 'full', sysCloseRange],
  [437, 'openat2', 'dirfd,path,openhow,size=fd', 'full', sysOpenat2],
];

