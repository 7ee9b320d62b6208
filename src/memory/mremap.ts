/** mremap(2). Checks in the order of Linux 6.18 mm/mremap.c. */
import { EAGAIN, EFAULT, EINVAL, ENOMEM, EPERM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { MREMAP_DONTUNMAP, MREMAP_FIXED, MREMAP_MAYMOVE } from '../abi/mman.ts';
import { MAX_MAP_COUNT, MMAP_MIN_ADDR, WIDE, alignLength } from './address-space.ts';
import type { AddressSpace } from './address-space.ts';
import { mayLockMore, populate, unmappedArea } from './mmap.ts';
import { PTE_EXEC } from './page-table.ts';
import { TASK_SIZE } from './user-memory.ts';
import { VM_ACCOUNT, VM_DONTEXPAND, VM_EXEC, VM_LOCKED, VM_LOCKONFAULT, VM_MAYSHARE, VM_PFNMAP, VM_SEALED, VM_SHARED, Vma } from './vma.ts';

/** Resizes or moves [addr, addr + oldLen). The new address, or EINVAL, EFAULT, ENOMEM, EAGAIN, EPERM. */
export function mremap(space: AddressSpace, addr: number, oldLen: number, newLen: number, flags: number, newAddr: number): number | Errno {
  oldLen = alignLength(oldLen);
  newLen = alignLength(newLen);
  if (flags & ~(MREMAP_FIXED | MREMAP_MAYMOVE | MREMAP_DONTUNMAP)) return EINVAL;
  if (addr % 4096 !== 0 || newLen === 0 || newLen > TASK_SIZE) return EINVAL;
  if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) {
    if (newAddr > TASK_SIZE - newLen || newAddr % 4096 !== 0) return EINVAL;
    if (!(flags & MREMAP_MAYMOVE)) return EINVAL;
    if (flags & MREMAP_DONTUNMAP && oldLen !== newLen) return EINVAL;
    if (addr + oldLen > newAddr && newAddr + newLen > addr) return EINVAL;
    if (space.vmas.size + 2 >= MAX_MAP_COUNT - 3) return ENOMEM;
  }
  if (flags & MREMAP_FIXED && oldLen === newLen) return moveAll(space, addr, oldLen, flags, newAddr);
  const v = vmaAt(space, addr);
  if (v === null) return EFAULT;
  const bad = check(space, v, addr, oldLen, newLen, flags);
  if (isErr(bad)) return bad;
  if (flags & (MREMAP_FIXED | MREMAP_DONTUNMAP)) return moveTo(space, v, addr, oldLen, newLen, flags, newAddr);
  if (newLen === oldLen) return addr;
  if (newLen < oldLen) {
    const r = space.unmapRange(addr + newLen, addr + oldLen);
    return isErr(r) ? r : addr;
  }
  // Grow in place?
  if (v.end - addr === oldLen) {
    const end = addr + newLen;
    if (end <= TASK_SIZE && (v.next === null || v.next.start >= end)) {
      const pages = (newLen - oldLen) / 4096;
      if (v.flags & VM_ACCOUNT && isErr(space.commit(pages))) return ENOMEM;
      const from = v.end;
      v.end = end;
      space.vmas.resized(v);
      space.account(v.flags, pages);
      if (v.flags & VM_EXEC) space.codeAdded();
      const merged = space.merge(v);
      if ((merged.flags & (VM_LOCKED | VM_LOCKONFAULT)) === VM_LOCKED) populate(space, from, end);
      return addr;
    }
  }
  if (!(flags & MREMAP_MAYMOVE)) return ENOMEM;
  const to = unmappedArea(space, 0, newLen, 0, 0);
  if (isErr(to)) return to;
  return move(space, v, addr, oldLen, newLen, flags, to);
}

function vmaAt(space: AddressSpace, addr: number): Vma | null {
  const v = space.vmas.find(addr);
  return v !== null && v.start <= addr ? v : null;
}

/** check_prep_vma. */
function check(space: AddressSpace, v: Vma, addr: number, oldLen: number, newLen: number, flags: number): 0 | Errno {
  if (v.flags & VM_SEALED) return EPERM;
  // Length 0 duplicates a shared mapping; of a private one it makes no sense.
  if (oldLen === 0 && !(v.flags & (VM_SHARED | VM_MAYSHARE))) return EINVAL;
  if (flags & MREMAP_DONTUNMAP && v.flags & (VM_DONTEXPAND | VM_PFNMAP)) return EINVAL;
  // What only shrinks or stays in place may span several mappings; what moves (after shrinking) may not.
  if (newLen <= oldLen && !(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP))) return 0;
  if (Math.min(oldLen, newLen) > v.end - addr) return EFAULT;
  if (newLen <= oldLen) return 0;
  const page = v.pageOf(addr);
  if (page + newLen / 4096 > 2 ** 52) return EINVAL;
  if (v.flags & (VM_DONTEXPAND | VM_PFNMAP)) return EFAULT;
  if (!mayLockMore(space, v.flags, newLen - oldLen)) return EAGAIN;
  if (!space.mayExpand(v.flags, (newLen - oldLen) / 4096)) return ENOMEM;
  return 0;
}

/** MREMAP_FIXED without a change of size: all mappings in the range move, gaps included (remap_move). */
function moveAll(space: AddressSpace, addr: number, len: number, flags: number, target: number): number | Errno {
  const end = addr + len;
  let seen = false;
  let result: number | Errno = EFAULT;
  let lastEnd = 0;
  let at = addr;
  while (at < end) {
    const v: Vma | null = space.vmas.find(at);
    if (v === null || v.start >= end) break;
    const from = Math.max(v.start, addr);
    const n = Math.min(end, v.end) - from;
    if (!seen && v.start > addr) return EFAULT;
    const to = target + (seen ? v.start - lastEnd : 0);
    lastEnd = v.end;
    const bad = check(space, v, from, n, n, flags);
    const moved = isErr(bad) ? bad : moveTo(space, v, from, n, n, flags, to);
    if (isErr(moved)) return moved;
    if (!seen) result = moved;
    seen = true;
    target = moved + n;
    at = from + n;
  }
  return result;
}

/** mremap_to: MREMAP_FIXED or MREMAP_DONTUNMAP. */
function moveTo(space: AddressSpace, v: Vma, addr: number, oldLen: number, newLen: number, flags: number, newAddr: number): number | Errno {
  if (flags & MREMAP_FIXED) {
    const r = space.unmapRange(newAddr, newAddr + newLen);
    if (isErr(r)) return r;
    const again = vmaAt(space, addr);
    if (again === null) return EFAULT;
    v = again;
  }
  if (newLen < oldLen) {
    const r = space.unmapRange(addr + newLen, addr + oldLen);
    if (isErr(r)) return r;
    oldLen = newLen;
  }
  if (flags & MREMAP_DONTUNMAP && !space.mayExpand(v.flags, oldLen / 4096)) return ENOMEM;
  let to = newAddr;
  if (flags & MREMAP_FIXED) {
    if (to < MMAP_MIN_ADDR && !space.limits.mayMapLow()) return EPERM;
  } else {
    const found = unmappedArea(space, newAddr, newLen, 0, 0);
    if (isErr(found)) return found;
    to = found;
  }
  return move(space, v, addr, oldLen, newLen, flags, to);
}

/** move_vma: a new mapping at `to` takes over the pages of [addr, addr + oldLen). */
function move(space: AddressSpace, v: Vma, addr: number, oldLen: number, newLen: number, flags: number, to: number): number | Errno {
  if (space.vmas.size >= MAX_MAP_COUNT - 3) return ENOMEM;
  const keepOld = (flags & MREMAP_DONTUNMAP) !== 0;
  const account = (v.flags & VM_ACCOUNT) !== 0;
  if (account && isErr(space.commit((keepOld ? newLen : newLen - oldLen) / 4096))) return ENOMEM;
  // Anonymous memory that was never written is as good at its new place: it may merge there.
  const page = v.object === null && v.anonVma === 0 ? to / 4096 : v.pageOf(addr);
  const w = new Vma(space, to, to + newLen, v.flags, page, v.object, v.file);
  w.name = v.name;
  w.anonVma = v.anonVma;
  w.anonForked = v.anonForked;
  v.object?.ref();
  v.file?.ref();
  space.account(w.flags, newLen / 4096);
  space.link(w);
  const moved = movePtes(space, addr, to, oldLen);
  if (isErr(moved)) {
    // No page table for the new place: undo, as move_vma does.
    movePtes(space, to, addr, oldLen);
    space.account(w.flags, -newLen / 4096);
    if (account) space.pm.committed -= (keepOld ? newLen : newLen - oldLen) / 4096;
    space.unlink(w);
    return ENOMEM;
  }
  space.merge(w);
  if (w.flags & VM_EXEC) {
    space.codeGone();
    space.codeAdded();
  }
  const old = vmaAt(space, addr);
  if (keepOld) {
    if (old !== null) {
      if (old.flags & VM_LOCKED) space.lockedVm -= old.pages;
      old.flags &= ~(VM_LOCKED | VM_LOCKONFAULT);
      if (old.start === addr && old.end === addr + oldLen) old.anonVma = 0;
    }
  } else if (oldLen > 0) {
    // The commit charge of the old pages went with them.
    const before = space.pm.committed;
    const r = space.unmapRange(addr, addr + oldLen);
    if (!isErr(r) && account) space.pm.committed = before;
  }
  const at = vmaAt(space, to);
  if (at !== null && (at.flags & (VM_LOCKED | VM_LOCKONFAULT)) === VM_LOCKED) populate(space, to, to + newLen);
  return to;
}

/** Moves the PTEs of `len` bytes from one place to another, references and all. ENOMEM half-way. */
function movePtes(space: AddressSpace, from: number, to: number, len: number): 0 | Errno {
  const table = space.table;
  const pm = space.pm;
  let changed = 0;
  let result: 0 | Errno = 0;
  for (let at = 0; at < len; ) {
    const source = from + at;
    const run = Math.min(len - at, 4194304 - (source % 4194304));
    const li = Math.floor(source / 4194304);
    const base = table.leaf(li);
    if (base === 0 && len - at > WIDE) {
      at = Math.max(at + run, table.nextLeaf(li) * 4194304 - from);
      continue;
    }
    // The range of indices in use, so that an empty stretch costs nothing.
    const first = base === 0 ? 1 : Math.max((source / 4096) & 1023, pm.leafLow[base >> 10]!);
    const last = base === 0 ? 0 : Math.min(((source / 4096) & 1023) + run / 4096 - 1, pm.leafHigh[base >> 10]!);
    if (first <= last) {
      const own = table.ownLeaf(li);
      if (isErr(own)) {
        result = own;
        break;
      }
      for (let i = first; i <= last; i++) {
        const pte = pm.i32[own + i]!;
        if (pte === 0) continue;
        const target = to + (li * 4194304 + i * 4096 - from);
        const there = table.ownLeaf(Math.floor(target / 4194304));
        if (isErr(there)) {
          result = there;
          break;
        }
        pm.i32[own + i] = 0;
        table.count(pte, -1);
        table.fill(there, (target / 4096) & 1023, pte);
        if (pte & PTE_EXEC) table.execGone = true;
        changed++;
      }
      if (result !== 0) break;
    }
    at += run;
  }
  space.flush(from, from + len, changed);
  return result;
}
