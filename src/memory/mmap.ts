/** mmap(2) and brk(2): where a mapping goes and what may be mapped. Checks in the order of Linux 6.18 mm/mmap.c do_mmap and mm/vma.c. */
import { EACCES, EAGAIN, EEXIST, EINVAL, ENOMEM, EOPNOTSUPP, EOVERFLOW, EPERM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import {
  LEGACY_MAP_MASK, MAP_32BIT, MAP_DROPPABLE, MAP_FIXED, MAP_FIXED_NOREPLACE, MAP_GROWSDOWN, MAP_LOCKED, MAP_NONBLOCK, MAP_NORESERVE, MAP_POPULATE,
  MAP_PRIVATE, MAP_SHARED, MAP_SHARED_VALIDATE, MAP_TYPE, PROT_EXEC, PROT_READ, PROT_WRITE,
} from '../abi/mman.ts';
import { MAX_MAP_COUNT, MMAP_MIN_ADDR, guardBelow, pageAlign, pageFloor } from './address-space.ts';
import type { AddressSpace } from './address-space.ts';
import type { MappedFile, MemoryObject } from './memory-object.ts';
import { AnonymousShared } from './page-cache.ts';
import { READ, WRITE } from './page-table.ts';
import { TASK_SIZE } from './user-memory.ts';
import {
  VM_ACCOUNT, VM_DONTDUMP, VM_EXEC, VM_GROWSDOWN, VM_LOCKED, VM_LOCKONFAULT, VM_MAYEXEC, VM_MAYREAD, VM_MAYSHARE, VM_MAYWRITE, VM_NORESERVE, VM_READ,
  VM_SHARED, VM_SPECIAL, VM_WIPEONFORK, VM_WRITE, Vma, canMergeFlags,
} from './vma.ts';

/** What is mapped, when it is a file. */
export interface MappingSource {
  /** An errno if the file cannot be mapped (ENODEV); other checks come before that one. Null: a private mapping is anonymous memory that bears the file's name (/dev/zero). */
  readonly object: MemoryObject | Errno | null;
  /** Null for memory that has no file of its own. */
  readonly file: MappedFile | null;
  /** How the file is open, and what its mount and inode forbid. */
  readonly readable: boolean;
  readonly writable: boolean;
  readonly appendOnly: boolean;
  readonly noExec: boolean;
  /** Sealed against writing (memfd F_SEAL_WRITE, F_SEAL_FUTURE_WRITE). */
  readonly sealed: boolean;
  /** Largest offset a file may have there, bytes. */
  readonly maxBytes: number;
}

// Files are put at an address that follows from their identity, one slot of 4 MiB (a page-table leaf) or more each, below everything
// that top-down allocation reaches in practice. So a library is at the same place in every process and its translations are shared.
const PLACE_BASE = 0x7f8000000000;
const PLACE_SLOTS = 65536;
const PLACE_SLOT = 4194304;

/** VM_ bits of PROT_ bits. */
export function protFlags(prot: number): number {
  return (prot & PROT_READ ? VM_READ : 0) | (prot & PROT_WRITE ? VM_WRITE : 0) | (prot & PROT_EXEC ? VM_EXEC : 0);
}

/** Bytes may be locked in addition (mlock_future_ok). */
export function mayLockMore(space: AddressSpace, flags: number, bytes: number): boolean {
  if (!(flags & VM_LOCKED) || space.limits.mayLockMemory()) return true;
  return space.lockedVm * 4096 + bytes <= space.limits.memlockLimit();
}

/** Where MAP_32BIT maps. */
const LOW_BEGIN = 0x40000000, LOW_END = 0x80000000;

/** A free place of `len` bytes (page-aligned), or ENOMEM. `hint` is tried first. */
export function unmappedArea(space: AddressSpace, hint: number, len: number, flags: number, placement: number): number | Errno {
  if (len > TASK_SIZE) return ENOMEM;
  if (flags & MAP_32BIT) {
    // Linux arch_get_unmapped_area(): the legacy layout between these bounds, but a hint may lie below them.
    if (len > LOW_END) return ENOMEM;
    if (hint !== 0 && LOW_END - len >= hint) {
      const v = space.vmas.find(hint);
      if (v === null || hint + len <= v.start - guardBelow(v)) return hint;
    }
    const a = space.vmas.findGapBottomUp(len, LOW_BEGIN, LOW_END, guardBelow);
    return a < 0 ? ENOMEM : a;
  }
  if (hint !== 0) {
    const a = pageFloor(hint);
    if (TASK_SIZE - len >= a && a >= MMAP_MIN_ADDR) {
      const v = space.vmas.find(a);
      if (v === null || a + len <= v.start - guardBelow(v)) return a;
    }
  } else if (placement !== 0) {
    const a = PLACE_BASE + ((placement >>> 0) % PLACE_SLOTS) * PLACE_SLOT;
    if (a + len < PLACE_BASE + PLACE_SLOTS * PLACE_SLOT && space.vmas.intersecting(a, a + len) === null) return a;
  }
  const a = space.vmas.findGapTopDown(len, 4096, space.mmapBase, guardBelow);
  if (a >= 0) return a;
  const b = space.vmas.findGapBottomUp(len, 0x2aaaaaaab000, TASK_SIZE, guardBelow);
  return b < 0 ? ENOMEM : b;
}

/**
 * mmap(2). `addr`, `len` in bytes, `offset` in bytes (a multiple of 4096), `source` null for anonymous memory. Returns the address, or
 * EINVAL, ENOMEM, EOVERFLOW, EEXIST, EPERM, EAGAIN, EACCES, EOPNOTSUPP, ENODEV. Populates when MAP_POPULATE or MAP_LOCKED asks for it.
 */
export function mmap(space: AddressSpace, addr: number, len: number, prot: number, flags: number, source: MappingSource | null, offset: number): number | Errno {
  if (len === 0) return EINVAL;
  if (flags & MAP_FIXED_NOREPLACE) flags |= MAP_FIXED;
  if (!(flags & MAP_FIXED)) {
    addr = pageFloor(addr);
    if (addr !== 0 && addr < MMAP_MIN_ADDR) addr = MMAP_MIN_ADDR;
  }
  if (len < 0 || len > 0x7ffffffff000) return ENOMEM;
  len = pageAlign(len);
  const pages = len / 4096;
  // Offsets are 64-bit page-aligned numbers; the decoder hands over negative ones as such.
  let pageOffset = offset < 0 ? offset / 4096 + 2 ** 52 : offset / 4096;
  if (pageOffset + pages > 2 ** 52) return EOVERFLOW;
  if (space.vmas.size > MAX_MAP_COUNT) return ENOMEM;

  let vm = protFlags(prot) | (flags & MAP_GROWSDOWN ? VM_GROWSDOWN : 0) | (flags & MAP_LOCKED ? VM_LOCKED : 0) | space.defFlags;
  vm |= VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC;
  if (flags & MAP_FIXED) {
    if (addr < 0 || addr > TASK_SIZE - len) return ENOMEM;
    if (addr % 4096 !== 0) return EINVAL;
  } else {
    const placement = source !== null && source.object !== null && !isErr(source.object) && (flags & MAP_TYPE) === MAP_PRIVATE && !(prot & PROT_WRITE) ? source.object.placement : 0;
    const found = unmappedArea(space, addr, len, flags, placement);
    if (isErr(found)) return found;
    addr = found;
  }
  if (addr < MMAP_MIN_ADDR && !space.limits.mayMapLow()) return EPERM;
  if (flags & MAP_FIXED_NOREPLACE && space.vmas.intersecting(addr, addr + len) !== null) return EEXIST;
  if (flags & MAP_LOCKED && !space.limits.mayLockMemory() && space.limits.memlockLimit() === 0) return EPERM;
  if (!mayLockMore(space, vm, len)) return EAGAIN;

  const type = flags & MAP_TYPE;
  let object: MemoryObject | null = null;
  let file: MappedFile | null = null;
  if (source !== null) {
    if (pageOffset * 4096 + len > source.maxBytes) return EOVERFLOW;
    if (type === MAP_SHARED || type === MAP_SHARED_VALIDATE) {
      if (type === MAP_SHARED_VALIDATE && flags & ~LEGACY_MAP_MASK) return EOPNOTSUPP;
      if (prot & PROT_WRITE && !source.writable) return EACCES;
      if (source.appendOnly && source.writable) return EACCES;
      vm |= VM_SHARED | VM_MAYSHARE;
      if (!source.writable) vm &= ~(VM_MAYWRITE | VM_SHARED);
    } else if (type !== MAP_PRIVATE) return EINVAL;
    if (!source.readable) return EACCES;
    if (source.noExec) {
      if (vm & VM_EXEC) return EPERM;
      vm &= ~VM_MAYEXEC;
    }
    if (isErr(source.object)) return source.object;
    if (vm & VM_GROWSDOWN) return EINVAL;
    if (source.sealed && vm & VM_SHARED) {
      if (vm & VM_WRITE) return EPERM;
      vm &= ~VM_MAYWRITE;
    }
    object = source.object;
    file = source.file;
  } else if (type === MAP_SHARED) {
    if (vm & VM_GROWSDOWN) return EINVAL;
    pageOffset = 0;
    vm |= VM_SHARED | VM_MAYSHARE;
  } else if (type === MAP_PRIVATE) pageOffset = addr / 4096;
  else if (type === MAP_DROPPABLE) {
    if (vm & (VM_GROWSDOWN | VM_LOCKED)) return EINVAL;
    vm |= VM_NORESERVE | VM_WIPEONFORK | VM_DONTDUMP;
    pageOffset = addr / 4096;
  } else return EINVAL;
  if (flags & MAP_NORESERVE) vm |= VM_NORESERVE;

  if (type === MAP_SHARED && source === null) {
    if (!(flags & MAP_NORESERVE) && pages > space.pm.total) return ENOMEM;
    const shared = new AnonymousShared(space.pm, len);
    object = shared;
    file = shared;
  }
  // Linux map_deny_write_exec().
  if (space.denyWriteExec !== 0 && (vm & (VM_EXEC | VM_WRITE)) === (VM_EXEC | VM_WRITE)) return EACCES;
  let kept = vm;
  if (object !== null && object.isSecret) {
    // Linux 6.18 mm/secretmem.c secretmem_mmap_prepare(): locked, but not faulted in.
    if (!mayLockMore(space, vm | VM_LOCKED, len)) return EAGAIN;
    kept |= VM_LOCKED | VM_DONTDUMP;
    space.hasSecrets = true;
  }
  object?.ref();
  file?.ref();
  const mapped = mapRegion(space, addr, len, kept, pageOffset, object, file);
  if (isErr(mapped)) {
    object?.unref();
    file?.unref();
    return mapped;
  }
  if ((vm & (VM_LOCKED | VM_LOCKONFAULT)) === VM_LOCKED || (flags & (MAP_POPULATE | MAP_NONBLOCK)) === MAP_POPULATE) populate(space, addr, addr + len);
  return addr;
}

/**
 * remap_file_pages(2), which Linux emulates with mmap: the pages of a shared mapping at [addr, addr + len) become those from number `page`
 * on. EINVAL.
 */
export function remapFilePages(space: AddressSpace, addr: number, len: number, prot: number, page: number, flags: number): 0 | Errno {
  if (prot !== 0) return EINVAL;
  const start = pageFloor(addr);
  const size = pageFloor(len);
  if (size === 0 || start + size > TASK_SIZE || page + size / 4096 > 2 ** 52) return EINVAL;
  const v = space.vmas.find(start);
  if (v === null || v.start > start || !(v.flags & VM_SHARED) || v.object === null) return EINVAL;
  for (let at = v; at.end < start + size; ) {
    const next = at.next;
    if (next === null || next.start !== at.end || next.file !== v.file || next.object !== v.object || next.flags !== v.flags) return EINVAL;
    at = next;
  }
  const source: MappingSource = { object: v.object, file: v.file, readable: true, writable: (v.flags & VM_MAYWRITE) !== 0, appendOnly: false, noExec: !(v.flags & VM_MAYEXEC), sealed: false, maxBytes: 2 ** 63 };
  const rights = (v.flags & VM_READ ? PROT_READ : 0) | (v.flags & VM_WRITE ? PROT_WRITE : 0) | (v.flags & VM_EXEC ? PROT_EXEC : 0);
  const more = (flags & MAP_NONBLOCK) | MAP_SHARED | MAP_FIXED | MAP_POPULATE | (v.flags & VM_LOCKED ? MAP_LOCKED : 0);
  const r = mmap(space, start, size, rights, more, source, page * 4096);
  return isErr(r) ? r : 0;
}

/**
 * Maps [addr, addr + len) over whatever was there (mmap_region). Takes over one reference to object and file on success.
 * ENOMEM: RLIMIT_AS, RLIMIT_DATA, overcommit, too many mappings.
 */
export function mapRegion(
  space: AddressSpace, addr: number, len: number, vm: number, pageOffset: number, object: MemoryObject | null, file: MappedFile | null, name: string | null = null,
): 0 | Errno {
  const end = addr + len;
  const pages = len / 4096;
  let replaced = 0;
  let uncharged = 0;
  for (let v = space.vmas.intersecting(addr, end); v !== null && v.start < end; v = v.next) {
    const n = (Math.min(end, v.end) - Math.max(addr, v.start)) / 4096;
    replaced += n;
    if (v.flags & VM_ACCOUNT) uncharged += n;
  }
  if (!space.mayExpand(vm, pages - replaced)) return ENOMEM;
  // accountable_mapping
  if ((vm & (VM_NORESERVE | VM_SHARED | VM_WRITE)) === VM_WRITE) {
    if (pages - uncharged > space.pm.total) return ENOMEM;
    vm |= VM_ACCOUNT;
  }
  if (replaced !== 0) {
    const r = space.unmapRange(addr, end);
    if (isErr(r)) return r;
  }
  if (vm & VM_ACCOUNT) space.pm.committed += pages;
  space.account(vm, pages);
  const v = new Vma(space, addr, end, vm, pageOffset, object, file);
  v.name = name;
  space.link(v);
  space.merge(v);
  if (vm & VM_EXEC) {
    if (object === null) space.codeAdded();
    else if (space.platform !== null) space.pm.hooks.codeMapped(space, addr, end, object, pageOffset);
  }
  return 0;
}

/** Faults in [start, end) as MAP_POPULATE and mlock do: for writing where private memory is writable. Stops quietly at what cannot be had; false then. */
export function populate(space: AddressSpace, start: number, end: number): boolean {
  for (let v = space.vmas.find(start); v !== null && v.start < end; v = v.next) {
    if (!(v.flags & (VM_READ | VM_WRITE | VM_EXEC)) || v.flags & VM_SPECIAL || v.object?.isSecret) return false;
    const access = (v.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE ? WRITE : READ;
    const stop = Math.min(end, v.end);
    for (let a = Math.max(start, v.start); a < stop; a += 4096) {
      if (space.table.lookup(a | 0, (a / 4294967296) | 0, access) === 0 && space.fault(a, access) !== 0) return false;
    }
  }
  return true;
}

/** brk(2): sets the end of the heap, returns the new one, or the old one on failure. */
export function setBrk(space: AddressSpace, addr: number): number {
  const old = space.brk;
  if (addr < space.startBrk) return old;
  const limit = space.limits.dataLimit();
  if (addr - space.startBrk + (space.endData - space.startData) > limit) return old;
  const newEnd = pageAlign(addr);
  const oldEnd = pageAlign(old);
  if (newEnd === oldEnd) {
    space.brk = addr;
    return addr;
  }
  if (newEnd < oldEnd) {
    if (isErr(space.unmapRange(newEnd, oldEnd))) return old;
    space.brk = addr;
    return addr;
  }
  if (newEnd > TASK_SIZE) return old;
  // Linux keeps the stack's guard gap free above the new end as well.
  const next = space.vmas.find(oldEnd);
  if (next !== null && next.start - guardBelow(next) < newEnd + 4096) return old;
  if (isErr(growHeap(space, oldEnd, newEnd))) return old;
  space.brk = addr;
  return addr;
}

/** Maps [start, end) as heap (do_brk_flags). ENOMEM. */
export function growHeap(space: AddressSpace, start: number, end: number, extra = 0): 0 | Errno {
  const pages = (end - start) / 4096;
  const vm = VM_READ | VM_WRITE | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_ACCOUNT | extra | space.defFlags;
  if (!mayLockMore(space, vm, end - start)) return EAGAIN;
  if (!space.mayExpand(vm, pages)) return ENOMEM;
  if (space.vmas.size > MAX_MAP_COUNT) return ENOMEM;
  if (isErr(space.commit(pages))) return ENOMEM;
  space.account(vm, pages);
  const prev = space.vmas.find(start - 1);
  if (prev !== null && prev.end === start && canMergeFlags(prev, vm, start / 4096)) {
    prev.end = end;
    space.vmas.resized(prev);
    space.merge(prev);
  } else {
    const v = new Vma(space, start, end, vm, start / 4096, null, null);
    space.link(v);
    space.merge(v);
  }
  if (vm & VM_LOCKED) populate(space, start, end);
  return 0;
}
