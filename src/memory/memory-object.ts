/** What a VMA maps: the page cache of a file, shared anonymous memory, shared memory segments. */
import type { Errno } from '../abi/errno.ts';
import type { AddressSpace } from './address-space.ts';
import type { Vma } from './vma.ts';

/** The file behind a mapping, as /proc/PID/maps shows it and as it is kept open. File descriptions implement it. */
export interface MappedFile {
  ref(): void;
  unref(): void;
  /** Path as d_path gives it, " (deleted)" included. */
  mapsPath(): string;
  /** Device as major * 2^20 + minor. */
  mapsDev(): number;
  mapsIno(): number;
}

let nextObjectId = 1;

export abstract class MemoryObject {
  /** Unique in this kernel. */
  readonly id: number = nextObjectId++;
  /** 32-bit hash that is the same for the same file in every process and every run, or 0: where its mappings are put by preference. */
  placement = 0;
  /** Counts as shmem in RSS, not as file. */
  readonly isShmem: boolean = false;
  /** Frames that live as long as the kernel (vDSO, vvar): mapped without references, not in RSS. */
  readonly isSpecial: boolean = false;
  /** memfd_secret: reached through a mapping by its own process only. */
  readonly isSecret: boolean = false;
  /** A write to a shared mapping must be reported once per page (`getFrame(page, true)`) so that it can be written back. */
  readonly tracksDirty: boolean = false;
  /** First VMA that maps this object; the others follow by `nextMapping`. */
  mappings: Vma | null = null;
  /** What the kernel keeps for it: queues of tasks that wait for its words. */
  futexes: object | null = null;
  /** Writable shared mappings (Linux i_mmap_writable): memfd seals and deny-write look at it. */
  writableMappings = 0;

  /**
   * The frame of page number `page`, with a reference for the caller. `write`: through a shared mapping, for writing.
   * A negative number: EFAULT = beyond the end (SIGBUS), ENOMEM, or what the file gave (SIGBUS).
   */
  abstract getFrame(page: number, write: boolean): number | Errno;
  /** The frame of `page` if it is at hand without reading anything, or 0. No reference is taken. */
  abstract cachedFrame(page: number): number;
  abstract ref(): void;
  abstract unref(): void;
  /** A shared mapping of it is synchronised (msync MS_SYNC, munmap): writes back pages first..last. */
  sync(_firstPage: number, _lastPage: number): 0 | Errno {
    return 0;
  }
  /** madvise(MADV_REMOVE): makes a hole of pages first..last-1; EOPNOTSUPP by return if it cannot. */
  abstract removePages(first: number, last: number): 0 | Errno;

  addMapping(v: Vma): void {
    v.prevMapping = null;
    v.nextMapping = this.mappings;
    if (this.mappings !== null) this.mappings.prevMapping = v;
    this.mappings = v;
  }
  removeMapping(v: Vma): void {
    if (v.prevMapping !== null) v.prevMapping.nextMapping = v.nextMapping;
    else this.mappings = v.nextMapping;
    if (v.nextMapping !== null) v.nextMapping.prevMapping = v.prevMapping;
    v.prevMapping = v.nextMapping = null;
  }

  /**
   * Unmaps pages first..last-1 from every address space that maps them, as after truncation. `evenCopies`: also pages that a
   * private mapping has already copied (truncate does; invalidation does not).
   */
  unmapPages(first: number, last: number, evenCopies: boolean): void {
    for (let v = this.mappings; v !== null; v = v.nextMapping) {
      const from = Math.max(first, v.pageOffset);
      const to = Math.min(last, v.pageOffset + (v.end - v.start) / 4096);
      if (from >= to) continue;
      const start = v.start + (from - v.pageOffset) * 4096;
      (v.space as AddressSpace).zapForObject(start, start + (to - from) * 4096, evenCopies);
    }
  }

  /** Takes write permission away from pages first..last-1 in shared mappings, so that the next store is reported again. */
  writeProtectPages(first: number, last: number): void {
    for (let v = this.mappings; v !== null; v = v.nextMapping) {
      const from = Math.max(first, v.pageOffset);
      const to = Math.min(last, v.pageOffset + (v.end - v.start) / 4096);
      if (from >= to) continue;
      const start = v.start + (from - v.pageOffset) * 4096;
      (v.space as AddressSpace).writeProtect(start, start + (to - from) * 4096);
    }
  }
}
