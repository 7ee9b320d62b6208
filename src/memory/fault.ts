/** Page faults (Linux mm/memory.c handle_mm_fault): demand-zero, file pages, copy-on-write, stack growth. Synchronous. */
import { ENOMEM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import type { AddressSpace } from './address-space.ts';
import { FAULT_ACCERR, FAULT_BUS, FAULT_GP, FAULT_MAPERR, FAULT_OOM, FAULT_USER } from './fault-code.ts';
import {
  EXEC, PTE_ANON, PTE_EXEC, PTE_GUARD, PTE_LAZYFREE, PTE_PRESENT, PTE_SHARED, PTE_SHMEM, PTE_SPECIAL, PTE_WRITE, WRITE,
} from './page-table.ts';
import { growStack } from './stack-growth.ts';
import { TASK_SIZE } from './user-memory.ts';
import { VM_EXEC, VM_GROWSDOWN, VM_READ, VM_SHARED, VM_UFFD_MISSING, VM_UFFD_WP, VM_WRITE } from './vma.ts';
import type { Vma } from './vma.ts';

/** A read fault in a file mapping maps the cached pages of this many aligned pages at once (Linux fault_around_bytes = 64 KiB). */
const FAULT_AROUND = 16;

/** Bits PRESENT and EXEC of a page in mapping `v`. Any access right makes a page readable (the processor has no other). */
export function readBits(v: Vma): number {
  return (v.flags & (VM_READ | VM_WRITE | VM_EXEC) ? PTE_PRESENT : 0) | (v.flags & VM_EXEC ? PTE_EXEC : 0);
}

/** Makes the page at `addr` accessible: 0, or the fault that the access ends in (fault-code.ts). */
export function resolveFault(space: AddressSpace, addr: number, access: number): number {
  if (addr < 0 || addr >= TASK_SIZE) return addr >= 0x800000000000 || addr < -0x800000000000 ? FAULT_GP : FAULT_MAPERR;
  const v = space.vmas.find(addr);
  if (v === null) return FAULT_MAPERR;
  if (v.start > addr && !(v.flags & VM_GROWSDOWN && growStack(space, v, addr))) return FAULT_MAPERR;
  if (access === WRITE) {
    if (!(v.flags & VM_WRITE)) return FAULT_ACCERR;
  } else if (access === EXEC) {
    if (!(v.flags & VM_EXEC)) return FAULT_ACCERR;
  } else if (!(v.flags & (VM_READ | VM_WRITE | VM_EXEC))) return FAULT_ACCERR;

  space.pm.faults.minflt++;
  const base = space.table.ownLeaf(Math.floor(addr / 4194304));
  if (isErr(base)) return FAULT_OOM;
  const index = (addr / 4096) & 1023;
  const pte = space.pm.i32[base + index]!;
  if (pte & PTE_GUARD) return FAULT_MAPERR;
  const { userfault } = v;
  if (userfault !== null) {
    const there = pte !== 0 || (v.object !== null && v.object.cachedFrame(Math.floor(v.pageOf(addr))) !== 0);
    const watched = there ? access === WRITE && pte !== 0 && (v.flags & VM_UFFD_WP) !== 0 && userfault.guards(addr) : (v.flags & VM_UFFD_MISSING) !== 0;
    if (watched) return userfault.signals ? FAULT_BUS : FAULT_USER;
  }
  if (pte !== 0) {
    if (access === WRITE) return writeFault(space, v, addr, base, index, pte);
    // The page is there with fewer rights than the mapping gives it.
    space.pm.i32[base + index] = pte | readBits(v);
    return 0;
  }
  if (v.object === null) return anonymousFault(space, v, base, index, access);
  return v.flags & VM_SHARED ? sharedFault(space, v, addr, base, index, access) : privateFileFault(space, v, addr, base, index, access);
}

function anonymousFault(space: AddressSpace, v: Vma, base: number, index: number, access: number): number {
  const pm = space.pm;
  if (access !== WRITE) {
    space.table.fill(base, index, (pm.zeroFrame << 12) | PTE_SPECIAL | readBits(v));
    return 0;
  }
  const f = pm.allocFrame();
  if (isErr(f)) return FAULT_OOM;
  if (v.anonVma === 0) space.prepareAnon(v);
  if (v.flags & VM_EXEC) space.codeAdded();
  space.table.fill(base, index, (f << 12) | PTE_ANON | PTE_WRITE | readBits(v));
  return 0;
}

/** The error of getFrame as a fault. */
function objectFault(err: Errno): number {
  return err === ENOMEM ? FAULT_OOM : FAULT_BUS;
}

function kindBits(v: Vma): number {
  const o = v.object!;
  return o.isSpecial ? PTE_SPECIAL : o.isShmem ? PTE_SHMEM : 0;
}

function sharedFault(space: AddressSpace, v: Vma, addr: number, base: number, index: number, access: number): number {
  const object = v.object!;
  const f = object.getFrame(Math.floor(v.pageOf(addr)), access === WRITE);
  if (isErr(f)) return objectFault(f);
  const write = v.flags & VM_WRITE && (access === WRITE || !object.tracksDirty) ? PTE_WRITE : 0;
  space.table.fill(base, index, (f << 12) | PTE_SHARED | kindBits(v) | write | readBits(v));
  if (access !== WRITE && object.tracksDirty) faultAround(space, v, addr, base, index);
  return 0;
}

function privateFileFault(space: AddressSpace, v: Vma, addr: number, base: number, index: number, access: number): number {
  const object = v.object!;
  const f = object.getFrame(Math.floor(v.pageOf(addr)), false);
  if (isErr(f)) return objectFault(f);
  if (access !== WRITE) {
    space.table.fill(base, index, (f << 12) | kindBits(v) | readBits(v));
    faultAround(space, v, addr, base, index);
    return 0;
  }
  const pm = space.pm;
  const copy = pm.allocFrameDirty();
  if (isErr(copy)) {
    if (!object.isSpecial) pm.unref(f);
    return FAULT_OOM;
  }
  pm.copy(copy, f);
  if (!object.isSpecial) pm.unref(f);
  if (v.anonVma === 0) space.prepareAnon(v);
  if (v.flags & VM_EXEC) space.codeAdded();
  space.table.fill(base, index, (copy << 12) | PTE_ANON | PTE_WRITE | readBits(v));
  return 0;
}

/** Maps the neighbours of a file page that are in the page cache already, read-only. */
function faultAround(space: AddressSpace, v: Vma, addr: number, base: number, index: number): void {
  const pm = space.pm;
  const object = v.object!;
  const bits = kindBits(v) | readBits(v) | (v.flags & VM_SHARED ? PTE_SHARED : 0);
  const page = Math.floor(addr / 4096);
  const first = Math.max(index & -FAULT_AROUND, index - (page - v.start / 4096));
  const last = Math.min((index & -FAULT_AROUND) + FAULT_AROUND - 1, index + (v.end / 4096 - 1 - page));
  for (let i = first; i <= last; i++) {
    if (pm.i32[base + i] !== 0) continue;
    const f = object.cachedFrame(v.pageOffset + (page - v.start / 4096) + i - index);
    if (f === 0) continue;
    if (!object.isSpecial) pm.ref(f);
    space.table.fill(base, i, (f << 12) | bits);
  }
}

/** A write to a page that is mapped but not writable. */
function writeFault(space: AddressSpace, v: Vma, addr: number, base: number, index: number, pte: number): number {
  const pm = space.pm;
  if (pte & PTE_WRITE) return 0;
  if (pte & PTE_SHARED) {
    if (v.object!.tracksDirty) {
      const f = v.object!.getFrame(Math.floor(v.pageOf(addr)), true);
      if (isErr(f)) return objectFault(f);
      pm.unref(f);
    }
    pm.i32[base + index] = pte | PTE_WRITE;
    return 0;
  }
  const old = pte >>> 12;
  if (pte & PTE_ANON && pm.refs[old] === 1) {
    pm.i32[base + index] = (pte & ~PTE_LAZYFREE) | PTE_WRITE;
    return 0;
  }
  let copy: number;
  if (old === pm.zeroFrame) {
    const f = pm.allocFrame();
    if (isErr(f)) return FAULT_OOM;
    copy = f;
  } else {
    const f = pm.allocFrameDirty();
    if (isErr(f)) return FAULT_OOM;
    copy = f;
    pm.copy(copy, old);
  }
  if (v.anonVma === 0) space.prepareAnon(v);
  pm.i32[base + index] = (copy << 12) | PTE_ANON | PTE_WRITE | readBits(v);
  space.table.count(pte, -1);
  space.table.rssAnon++;
  if (!(pte & PTE_SPECIAL)) pm.unref(old);
  // The old frame may be in the TLB for reading.
  if (pte & PTE_EXEC) {
    space.codeDiffers = true;
    pm.hooks.execChanged(space);
  }
  pm.hooks.invalidatePage(space, Math.floor(addr / 4096));
  return 0;
}
