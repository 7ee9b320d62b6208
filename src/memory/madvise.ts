/** madvise(2). Linux 6.18 mm/madvise.c. Also msync(2) and mincore(2), which walk mappings in the same way. */
import { EACCES, EBUSY, EFAULT, EINVAL, ENOMEM, EPERM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import {
  MADV_COLD, MADV_COLLAPSE, MADV_DODUMP, MADV_DOFORK, MADV_DONTDUMP, MADV_DONTFORK, MADV_DONTNEED, MADV_DONTNEED_LOCKED, MADV_FREE,
  MADV_GUARD_INSTALL, MADV_GUARD_REMOVE, MADV_HUGEPAGE, MADV_KEEPONFORK, MADV_MERGEABLE, MADV_NOHUGEPAGE, MADV_NORMAL, MADV_PAGEOUT,
  MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_RANDOM, MADV_REMOVE, MADV_SEQUENTIAL, MADV_UNMERGEABLE, MADV_WILLNEED, MADV_WIPEONFORK,
  MS_ASYNC, MS_INVALIDATE, MS_SYNC,
} from '../abi/mman.ts';
import { MAX_MAP_COUNT, alignLength } from './address-space.ts';
import type { AddressSpace } from './address-space.ts';
import { FAULT_OOM } from './fault-code.ts';
import { PTE_ANON, PTE_GUARD, PTE_LAZYFREE, PTE_WRITE, READ, WRITE } from './page-table.ts';
import { TASK_SIZE } from './user-memory.ts';
import {
  VM_DONTCOPY, VM_DONTDUMP, VM_EXEC, VM_HUGEPAGE, VM_IO, VM_LOCKED, VM_MAYWRITE, VM_MERGEABLE, VM_NOHUGEPAGE, VM_PFNMAP, VM_RAND_READ, VM_READ,
  VM_SEALED, VM_SEQ_READ, VM_SHARED, VM_SPECIAL, VM_WIPEONFORK, VM_WRITE,
} from './vma.ts';
import type { Vma } from './vma.ts';

const KNOWN: ReadonlySet<number> = new Set([
  MADV_NORMAL, MADV_RANDOM, MADV_SEQUENTIAL, MADV_WILLNEED, MADV_DONTNEED, MADV_FREE, MADV_REMOVE, MADV_DONTFORK, MADV_DOFORK, MADV_MERGEABLE,
  MADV_UNMERGEABLE, MADV_HUGEPAGE, MADV_NOHUGEPAGE, MADV_DONTDUMP, MADV_DODUMP, MADV_WIPEONFORK, MADV_KEEPONFORK, MADV_COLD, MADV_PAGEOUT,
  MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_DONTNEED_LOCKED, MADV_COLLAPSE, MADV_GUARD_INSTALL, MADV_GUARD_REMOVE,
]);

/** Applies `advice` to [addr, addr + len). EINVAL, ENOMEM (a hole; the rest is done all the same), EACCES, EFAULT. */
export function madvise(space: AddressSpace, addr: number, len: number, advice: number): 0 | Errno {
  if (!KNOWN.has(advice) || addr % 4096 !== 0) return EINVAL;
  const length = alignLength(len);
  if (len !== 0 && length === 0) return EINVAL;
  const end = addr + length;
  if (end > 2 ** 64 - 4096) return EINVAL;
  if (end === addr) return 0;
  if (advice === MADV_POPULATE_READ || advice === MADV_POPULATE_WRITE) return populateRange(space, addr, end, advice === MADV_POPULATE_WRITE ? WRITE : READ);
  let hole = false;
  for (let at = addr; at < end; ) {
    const v = space.vmas.find(at);
    if (v === null || v.start >= end) {
      hole = true;
      break;
    }
    if (v.start > at) {
      hole = true;
      at = v.start;
    }
    const stop = Math.min(end, v.end);
    const r = advise(space, v, at, stop, advice);
    if (isErr(r)) return r;
    at = stop;
  }
  return hole ? ENOMEM : 0;
}

/** One mapping's part. */
function advise(space: AddressSpace, v: Vma, start: number, stop: number, advice: number): 0 | Errno {
  const f = v.flags;
  if (f & VM_SEALED && discards(advice) && v.object === null && !(f & VM_WRITE)) return EPERM;
  switch (advice) {
    case MADV_NORMAL:
      return setFlags(space, v, start, stop, f & ~(VM_RAND_READ | VM_SEQ_READ));
    case MADV_RANDOM:
      return setFlags(space, v, start, stop, (f & ~VM_SEQ_READ) | VM_RAND_READ);
    case MADV_SEQUENTIAL:
      return setFlags(space, v, start, stop, (f & ~VM_RAND_READ) | VM_SEQ_READ);
    case MADV_WILLNEED:
      return 0;
    case MADV_DONTNEED:
    case MADV_DONTNEED_LOCKED:
      if (f & (advice === MADV_DONTNEED ? VM_LOCKED | VM_PFNMAP : VM_PFNMAP)) return EINVAL;
      return discardKeepingGuards(space, start, stop);
    case MADV_FREE:
      if (f & (VM_LOCKED | VM_PFNMAP) || v.object !== null) return EINVAL;
      markLazyFree(space, start, stop);
      return 0;
    case MADV_REMOVE:
      if (f & VM_LOCKED || v.object === null) return EINVAL;
      if ((f & (VM_SHARED | VM_MAYWRITE)) !== (VM_SHARED | VM_MAYWRITE)) return EACCES;
      return v.object.removePages(v.pageOf(start), v.pageOf(stop));
    case MADV_DONTFORK:
      return setFlags(space, v, start, stop, f | VM_DONTCOPY);
    case MADV_DOFORK:
      return f & VM_SPECIAL ? EINVAL : setFlags(space, v, start, stop, f & ~VM_DONTCOPY);
    case MADV_WIPEONFORK:
      return v.object !== null || f & VM_SHARED ? EINVAL : setFlags(space, v, start, stop, f | VM_WIPEONFORK);
    case MADV_KEEPONFORK:
      return setFlags(space, v, start, stop, f & ~VM_WIPEONFORK);
    case MADV_DONTDUMP:
      return setFlags(space, v, start, stop, f | VM_DONTDUMP);
    case MADV_DODUMP:
      return f & VM_SPECIAL ? EINVAL : setFlags(space, v, start, stop, f & ~VM_DONTDUMP);
    case MADV_MERGEABLE:
      return f & (VM_SHARED | VM_SPECIAL) ? 0 : setFlags(space, v, start, stop, f | VM_MERGEABLE);
    case MADV_UNMERGEABLE:
      return setFlags(space, v, start, stop, f & ~VM_MERGEABLE);
    case MADV_HUGEPAGE:
      return f & VM_SPECIAL ? EINVAL : setFlags(space, v, start, stop, (f & ~VM_NOHUGEPAGE) | VM_HUGEPAGE);
    case MADV_NOHUGEPAGE:
      return setFlags(space, v, start, stop, (f & ~VM_HUGEPAGE) | VM_NOHUGEPAGE);
    case MADV_COLD:
    case MADV_PAGEOUT:
      return f & (VM_LOCKED | VM_PFNMAP) ? EINVAL : 0;
    case MADV_COLLAPSE:
      // Linux differs: there are no huge pages here, so no range can be collapsed.
      return EINVAL;
    case MADV_GUARD_INSTALL:
      return f & (VM_SPECIAL | VM_LOCKED) ? EINVAL : installGuards(space, start, stop);
    case MADV_GUARD_REMOVE:
      if (f & VM_SPECIAL) return EINVAL;
      removeGuards(space, start, stop);
      return 0;
    default:
      return EINVAL;
  }
}

/** Advice that would change what a sealed mapping holds (can_madv_modify). */
function discards(advice: number): boolean {
  return (
    advice === MADV_DONTNEED || advice === MADV_DONTNEED_LOCKED || advice === MADV_FREE || advice === MADV_REMOVE || advice === MADV_DONTFORK ||
    advice === MADV_WIPEONFORK || advice === MADV_GUARD_INSTALL
  );
}

/** mseal(2). EINVAL, ENOMEM (a hole; nothing is sealed then). */
export function mseal(space: AddressSpace, addr: number, len: number, flags: number): 0 | Errno {
  if (flags !== 0 || addr % 4096 !== 0) return EINVAL;
  const length = alignLength(len);
  if (len !== 0 && length === 0) return EINVAL;
  const end = addr + length;
  if (end === addr) return 0;
  if (!space.covered(addr, end)) return ENOMEM;
  space.hasSeals = true;
  for (let at = addr; at < end; ) {
    const v = space.vmas.find(at)!; // covered
    const stop = Math.min(end, v.end);
    const r = setFlags(space, v, at, stop, v.flags | VM_SEALED);
    if (isErr(r)) return r;
    at = stop;
  }
  return 0;
}

/** Gives [start, stop) of `v` these flags, splitting and merging. ENOMEM when there are too many mappings. */
export function setFlags(space: AddressSpace, v: Vma, start: number, stop: number, flags: number): 0 | Errno {
  if (v.flags === flags) return 0;
  if (v.start < start) {
    if (space.vmas.size >= MAX_MAP_COUNT) return ENOMEM;
    v = space.split(v, start);
  }
  if (v.end > stop) {
    if (space.vmas.size >= MAX_MAP_COUNT) return ENOMEM;
    space.split(v, stop);
  }
  v.flags = flags;
  space.merge(v);
  return 0;
}

/** mbind(2): gives every mapping in [start, end) that policy. ENOMEM when there are too many mappings. */
export function setPolicy(space: AddressSpace, start: number, end: number, policy: number): 0 | Errno {
  for (let at = start; at < end; ) {
    let v = space.vmas.intersecting(at, end);
    if (v === null) return 0;
    const stop = Math.min(end, v.end);
    if (v.policy !== policy) {
      if (space.vmas.size + 1 >= MAX_MAP_COUNT) return ENOMEM;
      if (v.start < start) v = space.split(v, start);
      if (v.end > end) space.split(v, end);
      v.policy = policy;
      space.merge(v);
    }
    at = stop;
  }
  return 0;
}

function populateRange(space: AddressSpace, start: number, end: number, access: number): 0 | Errno {
  for (let at = start; at < end; at += 4096) {
    const v = space.vmas.find(at);
    if (v === null || v.start > at) return ENOMEM;
    if (v.flags & (VM_IO | VM_PFNMAP)) return EINVAL;
    if (access === WRITE ? !(v.flags & VM_WRITE) : !(v.flags & (VM_READ | VM_WRITE | VM_EXEC))) return EINVAL;
    if (space.table.lookup(at | 0, (at / 4294967296) | 0, access) !== 0) continue;
    const f = space.fault(at, access);
    if (f !== 0) return f === FAULT_OOM ? ENOMEM : EFAULT;
  }
  return 0;
}

function discardKeepingGuards(space: AddressSpace, start: number, stop: number): 0 | Errno {
  if (!space.hasGuards) return space.discard(start, stop);
  space.notePeaks();
  space.eachPte(start, stop, (base, index, pte) => {
    if (pte & PTE_GUARD) return false;
    space.table.clear(base, index);
    return true;
  });
  return 0;
}

/** MADV_FREE. Nothing is dropped until memory runs short; a write takes the mark away again. */
function markLazyFree(space: AddressSpace, start: number, stop: number): void {
  space.eachPte(start, stop, (base, index, pte) => {
    if (!(pte & PTE_ANON) || space.pm.refCount(pte >>> 12) !== 1) return false;
    space.pm.i32[base + index] = (pte | PTE_LAZYFREE) & ~PTE_WRITE;
    return (pte & PTE_WRITE) !== 0;
  });
}

function installGuards(space: AddressSpace, start: number, stop: number): 0 | Errno {
  const r = space.discard(start, stop);
  if (isErr(r)) return r;
  space.hasGuards = true;
  space.codeGone();
  for (let at = start; at < stop; at += 4096) {
    const base = space.table.ownLeaf(Math.floor(at / 4194304));
    if (isErr(base)) return base;
    space.table.fill(base, (at / 4096) & 1023, PTE_GUARD);
  }
  return 0;
}

function removeGuards(space: AddressSpace, start: number, stop: number): void {
  space.eachPte(start, stop, (base, index, pte) => {
    if (pte & PTE_GUARD) space.table.clear(base, index);
    return false;
  });
}

/** msync(2): 0, EINVAL, ENOMEM, EBUSY, or what the file gave. */
export function msync(space: AddressSpace, addr: number, len: number, flags: number): 0 | Errno {
  if (flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC) || addr % 4096 !== 0 || (flags & MS_ASYNC && flags & MS_SYNC)) return EINVAL;
  const end = addr + alignLength(len);
  if (end > 2 ** 64 - 4096) return ENOMEM;
  let hole = false;
  for (let at = addr; at < end; ) {
    const v = space.vmas.find(at);
    if (v === null || v.start >= end) return ENOMEM;
    if (v.start > at) {
      hole = true;
      at = v.start;
    }
    if (flags & MS_INVALIDATE && v.flags & VM_LOCKED) return EBUSY;
    const stop = Math.min(end, v.end);
    if (flags & MS_SYNC && v.object !== null && v.flags & VM_SHARED) {
      const r = v.object.sync(v.pageOf(at), v.pageOf(stop) - 1);
      if (isErr(r)) return r;
    }
    at = stop;
  }
  return hole ? ENOMEM : 0;
}

/** mincore(2): fills `vec` (one byte a page). EINVAL, ENOMEM (a hole), EFAULT. */
export function mincore(space: AddressSpace, addr: number, len: number, vec: number): 0 | Errno {
  if (addr % 4096 !== 0) return EINVAL;
  if (addr > TASK_SIZE || len > TASK_SIZE - addr) return ENOMEM;
  const pages = Math.ceil(len / 4096);
  if (vec > TASK_SIZE - pages) return EFAULT;
  const bytes = new Uint8Array(Math.min(pages, 4096));
  for (let done = 0; done < pages; ) {
    const n = Math.min(pages - done, bytes.length);
    for (let i = 0; i < n; i++) {
      const at = addr + (done + i) * 4096;
      const v = space.vmas.find(at);
      if (v === null || v.start > at) return ENOMEM;
      const pte = space.table.get(at);
      bytes[i] = pte !== 0 && !(pte & PTE_GUARD) ? 1 : v.object !== null && v.object.cachedFrame(v.pageOf(at)) !== 0 ? 1 : 0;
    }
    if (isErr(space.writeBytes(vec + done, bytes, 0, n))) return EFAULT;
    done += n;
  }
  return 0;
}
