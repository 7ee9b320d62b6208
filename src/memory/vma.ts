/** One mapping of an address space (Linux vm_area_struct) and its flags. */
import type { AddressSpace } from './address-space.ts';
import type { MappedFile, MemoryObject } from './memory-object.ts';
import type { VmaChunk } from './vma-set.ts';

// Linux 6.18 include/linux/mm.h.
export const VM_READ = 1, VM_WRITE = 2, VM_EXEC = 4, VM_SHARED = 8;
export const VM_MAYREAD = 0x10, VM_MAYWRITE = 0x20, VM_MAYEXEC = 0x40, VM_MAYSHARE = 0x80;
export const VM_GROWSDOWN = 0x100, VM_PFNMAP = 0x400, VM_LOCKED = 0x2000, VM_IO = 0x4000, VM_SEQ_READ = 0x8000, VM_RAND_READ = 0x10000;
export const VM_DONTCOPY = 0x20000, VM_DONTEXPAND = 0x40000, VM_LOCKONFAULT = 0x80000, VM_ACCOUNT = 0x100000, VM_NORESERVE = 0x200000;
export const VM_WIPEONFORK = 0x2000000, VM_DONTDUMP = 0x4000000, VM_HUGEPAGE = 0x20000000, VM_NOHUGEPAGE = 0x40000000;
/** Linux keeps VM_MERGEABLE in bit 31; here it has to stay a positive int32. */
export const VM_MERGEABLE = 0x200;
/** mseal(2): neither unmapped, moved nor given other rights. (Bit 63 in Linux.) */
export const VM_SEALED = 0x1000;
/** Registered with a userfaultfd: for missing pages, for writes to protected ones. (Bits 9 and 12 in Linux.) */
export const VM_UFFD_MISSING = 0x800, VM_UFFD_WP = 0x1000000;
/** What a userfaultfd tells about its memory. */
export interface FaultWatcher {
  readonly signals: boolean;
  guards(address: number): boolean;
}
/** Never merged nor expanded (VM_SPECIAL). */
export const VM_SPECIAL: number = VM_IO | VM_DONTEXPAND | VM_PFNMAP;

export class Vma {
  start: number;
  /** One past the last byte. */
  end: number;
  flags: number;
  /** Page number in the object of `start`; for private anonymous memory, start / 4096 at the time it was made (decides merging). */
  pageOffset: number;
  object: MemoryObject | null;
  /** Keeps the file open and names it; null for anonymous memory. */
  file: MappedFile | null;
  /** Name of a special mapping ("[vdso]") or of PR_SET_VMA_ANON_NAME. */
  name: string | null = null;
  space: AddressSpace;
  /** mbind(2): MPOL_ mode with its flags; -1: that of the task. */
  policy = -1;
  /** The userfaultfd it is registered with. */
  userfault: FaultWatcher | null = null;
  /** Identity of the set of anonymous pages (Linux anon_vma), 0 = none was ever written. Decides merging. */
  anonVma = 0;
  /** The anonymous pages may be shared with a parent or child (more than one anon_vma in the chain). */
  anonForked = false;
  // Neighbours in address order, and the chunk of the set.
  prev: Vma | null = null;
  next: Vma | null = null;
  chunk: VmaChunk | null = null;
  // Neighbours in the object's list.
  prevMapping: Vma | null = null;
  nextMapping: Vma | null = null;

  constructor(space: AddressSpace, start: number, end: number, flags: number, pageOffset: number, object: MemoryObject | null, file: MappedFile | null) {
    this.space = space;
    this.start = start;
    this.end = end;
    this.flags = flags;
    this.pageOffset = pageOffset;
    this.object = object;
    this.file = file;
  }

  /** Page number in the object of `addr`. */
  pageOf(addr: number): number {
    return this.pageOffset + (addr - this.start) / 4096;
  }
  /** Pages mapped. */
  get pages(): number {
    return (this.end - this.start) / 4096;
  }
}

/** An anonymous private mapping with flags `vm` whose pages start at number `page` can be appended to `v`. */
export function canMergeFlags(v: Vma, vm: number, page: number): boolean {
  return v.object === null && v.file === null && v.flags === vm && v.name === null && v.policy === -1 && v.pageOf(v.end) === page && !v.anonForked && !(vm & VM_SPECIAL);
}
