/** mlock(2) and its relatives. Linux 6.18 mm/mlock.c. Nothing is ever swapped out; what shows is the accounting and the faulting in. */
import { EAGAIN, EINVAL, ENOMEM, EPERM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { MCL_CURRENT, MCL_FUTURE, MCL_ONFAULT } from '../abi/mman.ts';
import { alignLength, pageFloor } from './address-space.ts';
import type { AddressSpace } from './address-space.ts';
import { setFlags } from './madvise.ts';
import { populate } from './mmap.ts';
import { VM_LOCKED, VM_LOCKONFAULT, VM_SPECIAL } from './vma.ts';
import type { Vma } from './vma.ts';

/** Any locking is allowed at all (can_do_mlock). */
function mayLock(space: AddressSpace): boolean {
  return space.limits.memlockLimit() !== 0 || space.limits.mayLockMemory();
}

/** Locks the pages of [addr, addr + len). EPERM, ENOMEM, EINVAL, EAGAIN. */
export function mlock(space: AddressSpace, addr: number, len: number, onFault: boolean): 0 | Errno {
  if (!mayLock(space)) return EPERM;
  const start = pageFloor(addr);
  const length = alignLength(len + (addr - start));
  const limit = space.limits.memlockLimit();
  if (!space.limits.mayLockMemory()) {
    let locked = space.lockedVm * 4096 + length;
    if (locked > limit) locked -= lockedIn(space, start, start + length);
    if (locked > limit) return ENOMEM;
  }
  const r = apply(space, start, start + length, onFault ? VM_LOCKED | VM_LOCKONFAULT : VM_LOCKED);
  if (isErr(r)) return r;
  if (!onFault && length > 0 && !populate(space, start, start + length)) return space.pm.free === 0 ? EAGAIN : ENOMEM;
  return 0;
}

/** munlock(2): ENOMEM for a hole. */
export function munlock(space: AddressSpace, addr: number, len: number): 0 | Errno {
  const start = pageFloor(addr);
  return apply(space, start, start + alignLength(len + (addr - start)), 0);
}

/** mlockall(2). EINVAL, EPERM, ENOMEM. */
export function mlockall(space: AddressSpace, flags: number): 0 | Errno {
  if (flags === 0 || flags & ~(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT) || flags === MCL_ONFAULT) return EINVAL;
  if (!mayLock(space)) return EPERM;
  if (flags & MCL_CURRENT && space.totalVm * 4096 > space.limits.memlockLimit() && !space.limits.mayLockMemory()) return ENOMEM;
  const bits = flags & MCL_ONFAULT ? VM_LOCKED | VM_LOCKONFAULT : VM_LOCKED;
  space.defFlags &= ~(VM_LOCKED | VM_LOCKONFAULT);
  if (flags & MCL_FUTURE) space.defFlags |= bits;
  if (flags & MCL_CURRENT) {
    lockAll(space, bits);
    if (!(flags & MCL_ONFAULT)) for (let v = space.vmas.first; v !== null; v = v.next) if (v.flags & VM_LOCKED) populate(space, v.start, v.end);
  }
  return 0;
}

/** munlockall(2). */
export function munlockall(space: AddressSpace): 0 {
  space.defFlags &= ~(VM_LOCKED | VM_LOCKONFAULT);
  lockAll(space, 0);
  return 0;
}

function lockAll(space: AddressSpace, bits: number): void {
  for (let v = space.vmas.first; v !== null; ) {
    const end = v.end;
    lockOne(space, v, v.start, v.end, bits);
    v = space.vmas.find(end);
  }
}

/** Bytes of [start, end) that are locked already. */
function lockedIn(space: AddressSpace, start: number, end: number): number {
  let n = 0;
  for (let v = space.vmas.intersecting(start, end); v !== null && v.start < end; v = v.next)
    if (v.flags & VM_LOCKED) n += Math.min(end, v.end) - Math.max(start, v.start);
  return n;
}

function apply(space: AddressSpace, start: number, end: number, bits: number): 0 | Errno {
  if (end > 2 ** 64 - 4096) return EINVAL;
  for (let at = start; at < end; ) {
    const v = space.vmas.find(at);
    if (v === null || v.start > at) return ENOMEM;
    const stop = Math.min(end, v.end);
    const r = lockOne(space, v, at, stop, bits);
    if (isErr(r)) return r;
    at = stop;
  }
  return 0;
}

function lockOne(space: AddressSpace, v: Vma, start: number, stop: number, bits: number): 0 | Errno {
  if (v.flags & VM_SPECIAL) return 0;
  const flags = (v.flags & ~(VM_LOCKED | VM_LOCKONFAULT)) | bits;
  const pages = (stop - start) / 4096;
  const before = v.flags & VM_LOCKED;
  const r = setFlags(space, v, start, stop, flags);
  if (isErr(r)) return r;
  if (bits & VM_LOCKED && !before) space.lockedVm += pages;
  else if (!(bits & VM_LOCKED) && before) space.lockedVm -= pages;
  return 0;
}
