/** Automatic growth of stacks (Linux mm/mmap.c expand_downwards, acct_stack_growth). */
import { isErr } from '../abi/errno.ts';
import { MMAP_MIN_ADDR, STACK_GUARD, pageFloor } from './address-space.ts';
import type { AddressSpace } from './address-space.ts';
import { VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_LOCKED, VM_READ, VM_WRITE } from './vma.ts';
import type { Vma } from './vma.ts';

/** Extends `v` down over `addr`; false if the guard gap, RLIMIT_STACK, RLIMIT_AS or memory forbids it. */
export function growStack(space: AddressSpace, v: Vma, addr: number): boolean {
  const start = pageFloor(addr);
  if (start < MMAP_MIN_ADDR) return false;
  const prev = v.prev;
  if (prev !== null && prev.end > start) return false;
  if (prev !== null && !(prev.flags & VM_GROWSDOWN) && prev.flags & (VM_READ | VM_WRITE | VM_EXEC) && start - prev.end < STACK_GUARD) return false;
  const pages = (v.start - start) / 4096;
  if (!space.mayExpand(v.flags, pages)) return false;
  if (v.end - start > space.limits.stackLimit()) return false;
  if (v.flags & VM_LOCKED && !space.limits.mayLockMemory() && (space.lockedVm + pages) * 4096 > space.limits.memlockLimit()) return false;
  if (v.flags & VM_ACCOUNT && isErr(space.commit(pages))) return false;
  v.pageOffset -= pages;
  v.start = start;
  space.vmas.resized(v);
  space.account(v.flags, pages);
  return true;
}
