/** mount, umount2, pivot_root. */
import { EFAULT, EINVAL, ENAMETOOLONG, EPERM, type Errno, isErr } from '../abi/errno.ts';
import { MNT_DETACH, MNT_EXPIRE, MNT_FORCE, MS_MGC_MSK, MS_MGC_VAL, UMOUNT_NOFOLLOW } from '../abi/mount.ts';
import type { Task } from '../kernel/task.ts';
import { doMount, doUmount, mayMount, pivotRoot } from '../vfs/mounting.ts';
import type { Path } from '../vfs/mount.ts';
import { LOOKUP_DIRECTORY, LOOKUP_FOLLOW, walkPath } from '../vfs/path-walk.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { readPath, readString } from './file-names.ts';

const PAGE = 4096;

/** A string argument that may be null; EINVAL when it is longer than a page. */
function optionalString(t: Task, addr: number): string | null | Errno {
  if (addr === 0) return null;
  const s = readString(t.space, addr, PAGE);
  return s === ENAMETOOLONG ? EINVAL : s;
}

/** The data page of mount(2): up to a page, or to where memory ends. */
function optionsAt(t: Task, addr: number): string | Errno {
  if (addr === 0) return '';
  const bytes = new Uint8Array(PAGE);
  const n = t.space.copyIn(addr, bytes, 0, PAGE);
  if (isErr(n)) return EFAULT;
  const end = bytes.subarray(0, n).indexOf(0);
  return String.fromCharCode(...bytes.subarray(0, end < 0 ? Math.min(n, PAGE - 1) : end));
}

function sysMount(t: Task, a: SyscallArgs): number {
  const type = optionalString(t, a.addr(2));
  if (isErr(type)) return type;
  const source = optionalString(t, a.addr(0));
  if (isErr(source)) return source;
  const options = optionsAt(t, a.addr(4));
  if (isErr(options)) return options;
  const name = readPath(t, a.addr(1));
  if (isErr(name)) return name;
  const at = walkPath(t, null, name, LOOKUP_FOLLOW);
  if (isErr(at)) return at;
  let flags = a.lo(3);
  if ((flags & MS_MGC_MSK) >>> 0 === MS_MGC_VAL) flags &= ~MS_MGC_MSK;
  return doMount(t, t.nsproxy.mnt, at, flags, source, type, options, (from): Path | Errno => walkPath(t, null, from, LOOKUP_FOLLOW));
}

function sysUmount2(t: Task, a: SyscallArgs): number {
  const flags = a.lo(1);
  if (flags & ~(MNT_FORCE | MNT_DETACH | MNT_EXPIRE | UMOUNT_NOFOLLOW)) return EINVAL;
  const name = readPath(t, a.addr(0));
  if (isErr(name)) return name;
  const at = walkPath(t, null, name, flags & UMOUNT_NOFOLLOW ? 0 : LOOKUP_FOLLOW);
  return isErr(at) ? at : doUmount(t, t.nsproxy.mnt, at, flags);
}

function sysPivotRoot(t: Task, a: SyscallArgs): number {
  if (!mayMount(t, t.nsproxy.mnt)) return EPERM;
  const newName = readPath(t, a.addr(0));
  if (isErr(newName)) return newName;
  const newRoot = walkPath(t, null, newName, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
  if (isErr(newRoot)) return newRoot;
  const oldName = readPath(t, a.addr(1));
  if (isErr(oldName)) return oldName;
  const putOld = walkPath(t, null, oldName, LOOKUP_FOLLOW | LOOKUP_DIRECTORY);
  if (isErr(putOld)) return putOld;
  return pivotRoot(t, t.nsproxy.mnt, newRoot, putOld, t.kernel.tasks);
}

export const rows: readonly SyscallRow[] = [
  [155, 'pivot_root', 'path,path', 'full', sysPivotRoot],
  [165, 'mount', 'path,path,str,mountflags,addr', 'full', sysMount],
  [166, 'umount2', 'path,umountflags', 'full', sysUmount2],
];
