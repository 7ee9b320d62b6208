/** madvise, msync, mincore, mremap and the mlock family. */
import { EINVAL } from '../abi/errno.ts';
import { MLOCK_ONFAULT } from '../abi/mman.ts';
import type { Task } from '../kernel/task.ts';
import { madvise, mincore, mseal, msync } from '../memory/madvise.ts';
import { mlock, mlockall, munlock, munlockall } from '../memory/mlock.ts';
import { mremap } from '../memory/mremap.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

function sysMadvise(t: Task, a: SyscallArgs): number {
  return madvise(t.space, a.addr(0), a.size(1), a.int(2));
}

function sysMsync(t: Task, a: SyscallArgs): number {
  return msync(t.space, a.addr(0), a.size(1), a.int(2));
}

function sysMincore(t: Task, a: SyscallArgs): number {
  return mincore(t.space, a.addr(0), a.size(1), a.addr(2));
}

function sysMremap(t: Task, a: SyscallArgs): number {
  if (a.hi(3) !== 0) return EINVAL;
  return mremap(t.space, a.addr(0), a.size(1), a.size(2), a.lo(3), a.addr(4));
}

function sysMlock(t: Task, a: SyscallArgs): number {
  return mlock(t.space, a.addr(0), a.size(1), false);
}

function sysMlock2(t: Task, a: SyscallArgs): number {
  if (a.int(2) & ~MLOCK_ONFAULT) return EINVAL;
  return mlock(t.space, a.addr(0), a.size(1), (a.int(2) & MLOCK_ONFAULT) !== 0);
}

function sysMunlock(t: Task, a: SyscallArgs): number {
  return munlock(t.space, a.addr(0), a.size(1));
}

function sysMlockall(t: Task, a: SyscallArgs): number {
  return mlockall(t.space, a.int(0));
}

function sysMunlockall(t: Task): number {
  return munlockall(t.space);
}

function sysMseal(t: Task, a: SyscallArgs): number {
  return mseal(t.space, a.addr(0), a.size(1), a.lo(2) | a.hi(2));
}

export const rows: readonly SyscallRow[] = [
  [25, 'mremap', 'addr,size,size,mremapflags,addr=addr', 'full', sysMremap],
  [26, 'msync', 'addr,size,msyncflags', 'full', sysMsync],
  [27, 'mincore', 'addr,size,addr', 'full', sysMincore],
  [28, 'madvise', 'addr,size,madvise', 'full', sysMadvise],
  [149, 'mlock', 'addr,size', 'full', sysMlock],
  [150, 'munlock', 'addr,size', 'full', sysMunlock],
  [151, 'mlockall', 'mlockallflags', 'full', sysMlockall],
  [152, 'munlockall', '', 'full', sysMunlockall],
  [462, 'mseal', 'addr,size,ulong', 'full', sysMseal],
  [325, 'mlock2', 'addr,size,mlockflags', 'full', sysMlock2],
];
