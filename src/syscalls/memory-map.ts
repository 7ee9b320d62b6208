/** mmap, munmap, mprotect, brk and their pkey forms. */
import { EBADF, EINVAL, ENOMEM } from '../abi/errno.ts';
import { F_SEAL_FUTURE_WRITE, F_SEAL_WRITE } from '../abi/fcntl.ts';
import { MAP_ANONYMOUS, MAP_HUGETLB, MAP_HUGE_MASK, MAP_HUGE_SHIFT, MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_TYPE } from '../abi/mman.ts';
import { MS_NOEXEC } from '../abi/mount.ts';
import { mmap, remapFilePages, setBrk } from '../memory/mmap.ts';
import type { MappingSource } from '../memory/mmap.ts';
import { AnonymousShared } from '../memory/page-cache.ts';
import { mprotect } from '../memory/mprotect.ts';
import type { Task } from '../kernel/task.ts';
import { S_APPEND } from '../vfs/inode.ts';
import { RegularFile } from '../vfs/regular-file.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

/** The protection keys that exist: none, as on a processor without PKU. */
const NO_PKEY = -1;

function sysMmap(t: Task, a: SyscallArgs): number {
  const addr = a.addr(0);
  const len = a.size(1);
  const prot = a.lo(2);
  const flags = a.lo(3);
  const offset = a.long(5);
  if (offset % 4096 !== 0) return EINVAL;
  if (flags & MAP_ANONYMOUS) {
    // No huge pages are configured: the pool is empty.
    if (flags & MAP_HUGETLB) {
      const size = (flags >>> MAP_HUGE_SHIFT) & MAP_HUGE_MASK;
      return size === 0 || size === 21 || size === 30 ? ENOMEM : EINVAL;
    }
    return mmap(t.space, addr, len, prot, flags, null, offset);
  }
  const file = t.fdTable.get(a.fd(4));
  if (file === null || file.isPath) return EBADF;
  if (flags & MAP_HUGETLB) return EINVAL;
  const type = flags & MAP_TYPE;
  const object = file.mmap(t, type === MAP_SHARED || type === MAP_SHARED_VALIDATE, offset, addr, len);
  if (object === null && type !== MAP_PRIVATE) return mmap(t.space, addr, len, prot, flags, null, offset);
  const { inode } = file;
  const seals = file instanceof RegularFile ? file.file.seals : 0;
  const source: MappingSource = {
    object,
    file: object instanceof AnonymousShared ? object : file,
    readable: file.readable,
    writable: file.writable,
    appendOnly: (inode.flags & S_APPEND) !== 0,
    noExec: (file.path.mount.flags & MS_NOEXEC) !== 0,
    sealed: seals > 0 && (seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)) !== 0,
    maxBytes: inode.isRegular ? inode.sb.maxBytes : 2 ** 63,
  };
  return mmap(t.space, addr, len, prot, flags, source, offset);
}

function sysMunmap(t: Task, a: SyscallArgs): number {
  return t.space.munmap(a.addr(0), a.size(1));
}

function sysMprotect(t: Task, a: SyscallArgs): number {
  return mprotect(t.space, a.addr(0), a.size(1), a.lo(2));
}

function sysPkeyMprotect(t: Task, a: SyscallArgs): number {
  if (a.int(3) !== NO_PKEY) return EINVAL;
  return mprotect(t.space, a.addr(0), a.size(1), a.lo(2));
}

/** Without PKU, Linux 6.18 fails in arch_set_user_pkey_access whatever the arguments: EINVAL, not the ENOSPC of the manual. */
function sysPkeyAlloc(): number {
  return EINVAL;
}

function sysPkeyFree(): number {
  return EINVAL;
}

function sysBrk(t: Task, a: SyscallArgs): number {
  return setBrk(t.space, a.addr(0));
}

function sysRemapFilePages(t: Task, a: SyscallArgs): number {
  if (a.lo(2) !== 0 || a.hi(2) !== 0) return EINVAL;
  return remapFilePages(t.space, a.addr(0), a.size(1), 0, a.size(3), a.lo(4));
}

export const rows: readonly SyscallRow[] = [
  [9, 'mmap', 'addr,size,prot,mapflags,fd,hex=addr', 'full', sysMmap],
  [10, 'mprotect', 'addr,size,prot', 'full', sysMprotect],
  [11, 'munmap', 'addr,size', 'full', sysMunmap],
  [12, 'brk', 'addr=addr', 'full', sysBrk],
  [216, 'remap_file_pages', 'addr,size,prot,ulong,mapflags', 'full', sysRemapFilePages],
  [329, 'pkey_mprotect', 'addr,size,prot,int', 'full', sysPkeyMprotect],
  [330, 'pkey_alloc', 'uint,uint', 'full', sysPkeyAlloc],
  [331, 'pkey_free', 'int', 'full', sysPkeyFree],
];
