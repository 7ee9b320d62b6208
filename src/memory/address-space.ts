/**
 * The address space of a process (Linux mm_struct): its mappings, page tables and layout. Page faults are in `fault.ts`; mmap, mprotect,
 * mremap, madvise and mlock in files of their names; this one has what they stand on: finding, splitting, merging, unmapping, fork.
 */
import { EINVAL, ENOMEM, EPERM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { resolveFault } from './fault.ts';
import { DEFAULT_LIMITS } from './memory-limits.ts';
import type { PhysicalMemory } from './physical-memory.ts';
import type { MemoryLimits } from './memory-limits.ts';
import type { MappedFile, MemoryObject } from './memory-object.ts';
import { AnonymousShared } from './page-cache.ts';
import { PTE_ANON, PTE_WRITE } from './page-table.ts';
import { TASK_SIZE, UserMemory } from './user-memory.ts';
import {
  VM_ACCOUNT, VM_DONTCOPY, VM_EXEC, VM_GROWSDOWN, VM_LOCKED, VM_LOCKONFAULT, VM_MAYWRITE, VM_READ, VM_SEALED, VM_SHARED, VM_SPECIAL, VM_UFFD_MISSING, VM_UFFD_WP, VM_WIPEONFORK, VM_WRITE, Vma,
} from './vma.ts';
import { VmaSet } from './vma-set.ts';

/** sysctl vm.max_map_count. */
export const MAX_MAP_COUNT = 65530;
/** sysctl vm.mmap_min_addr. */
export const MMAP_MIN_ADDR = 65536;
/** Free space kept below a stack: 256 pages (stack_guard_gap). */
export const STACK_GUARD: number = 256 * 4096;
/** With more pages than this to forget, a new ASID is cheaper. */
const FLUSH_PAGES = 8;

/** From this many bytes on, an empty stretch of a range is skipped by a look at the whole directory. */
export const WIDE: number = 2 ** 30;

export const pageAlign = (n: number): number => Math.ceil(n / 4096) * 4096;
/** PAGE_ALIGN of a 64-bit length given as a double: what lies in the last page below 2^64 wraps to 0. */
export const alignLength = (n: number): number => (n > 18446744073709547520 ? 0 : pageAlign(n));
export const pageFloor = (n: number): number => Math.floor(n / 4096) * 4096;

let nextSpaceId = 1;
let nextAnonVma = 1;

/** How much must stay free below `v`. */
export function guardBelow(v: Vma): number {
  return v.flags & VM_GROWSDOWN ? STACK_GUARD : 0;
}

/** Bits of coredump_filter: those there are, and those set at first (anonymous private and shared, ELF headers, huge private). */
export const DUMP_FILTER_MASK = 0x1ff;
const DUMP_FILTER_DEFAULT = 0x33;

/** Something that ends with an address space. */
export interface SpaceDependant {
  spaceGone(): void;
}

export class AddressSpace extends UserMemory {
  readonly id: number = nextSpaceId++;
  /** What the platform keeps for it (TLB, code found by address). */
  platform: object | null = null;
  /** What the kernel keeps for it: queues of tasks that wait for its words, as private and as shared futexes. */
  privateFutexes: object | null = null;
  sharedFutexes: object | null = null;
  /** Tasks and borrowers that use it (mm_users). */
  users = 1;
  /** What ends with it (contexts of AIO, userfaultfds); null for nearly all. */
  dependants: Set<SpaceDependant> | null = null;
  readonly vmas: VmaSet = new VmaSet();
  limits: MemoryLimits = DEFAULT_LIMITS;
  /** Who may look into it: 1 its user, 0 nobody without CAP_SYS_PTRACE, 2 the same, with root's core dumps (Linux MMF_DUMPABLE). */
  dumpable = 1;
  /** What a core dump holds: /proc/PID/coredump_filter (core(5)). */
  dumpFilter: number = DUMP_FILTER_DEFAULT;
  /** The user namespace that such a capability counts in (Linux mm->user_ns); memory/ knows no more of it. Null: the initial one. */
  owner: object | null = null;
  /** Where top-down mmap starts. */
  mmapBase = 0x7ffff7fff000;
  /** Flags of all new mappings (mlockall(MCL_FUTURE)). */
  defFlags = 0;
  /** Its executable pages are not all those of the objects it maps: known before the platform has seen the space. */
  codeDiffers = false;
  /** MADV_GUARD_INSTALL was used: some PTEs may be guards. */
  hasGuards = false;
  /** mseal was used. */
  hasSeals = false;
  /** PR_SET_MDWE: PR_MDWE_REFUSE_EXEC_GAIN (1): no mapping is both writable and executable, nor becomes executable; PR_MDWE_NO_INHERIT (2). */
  denyWriteExec = 0;
  /** PR_SET_MEMORY_MERGE: every mapping may be merged by KSM. */
  mergeAny = false;
  /** modify_ldt's table, 8 bytes an entry. */
  ldt: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  /** memfd_secret memory was mapped. */
  hasSecrets = false;
  // Layout, as prctl(PR_SET_MM) and /proc/PID/stat know it.
  startCode = 0;
  endCode = 0;
  startData = 0;
  endData = 0;
  startBrk = 0;
  brk = 0;
  startStack = 0;
  argStart = 0;
  argEnd = 0;
  envStart = 0;
  envEnd = 0;
  /** The auxiliary vector as on the stack. */
  auxv: Uint8Array = new Uint8Array(0);
  /** Address of the vDSO, 0 = none. */
  vdso = 0;
  /** The executable (/proc/PID/exe). */
  exeFile: MappedFile | null = null;
  // Pages of mappings, by kind (VmSize, VmData, VmStk, VmExe + VmLib, VmLck).
  totalVm = 0;
  dataVm = 0;
  stackVm = 0;
  execVm = 0;
  lockedVm = 0;
  peakVm = 0;
  peakRss = 0;

  constructor(pm: PhysicalMemory) {
    super(pm);
    pm.spaces++;
  }

  get(): this {
    this.users++;
    return this;
  }
  /** One user less; the last one tears everything down (exit_mmap). */
  put(): void {
    if (--this.users === 0) this.release();
  }

  private release(): void {
    if (this.dependants !== null) for (const d of [...this.dependants]) d.spaceGone();
    this.pm.spaces--;
    for (let v = this.vmas.first; v !== null; v = v.next) {
      if (v.flags & VM_ACCOUNT) this.pm.committed -= v.pages;
      this.unlinkObject(v);
    }
    this.vmas.clear();
    this.table.release();
    this.totalVm = this.dataVm = this.stackVm = this.execVm = this.lockedVm = 0;
    this.exeFile?.unref();
    this.exeFile = null;
    this.pm.hooks.releaseSpace(this);
  }

  /** Resident pages. */
  get rss(): number {
    return this.table.rssAnon + this.table.rssFile + this.table.rssShmem;
  }
  /** Called before pages go away: remembers the peaks (VmHWM, VmPeak). */
  notePeaks(): void {
    if (this.rss > this.peakRss) this.peakRss = this.rss;
    if (this.totalVm > this.peakVm) this.peakVm = this.totalVm;
  }

  override fault(addr: number, access: number): number {
    return resolveFault(this, addr, access);
  }

  /** True if the page at `addr` is private memory without a file, may be written, and nobody waits for its faults. */
  isOwnMemory(addr: number): boolean {
    const v = this.vmas.find(addr);
    return v !== null && v.start <= addr && v.object === null && v.userfault === null && (v.flags & (VM_WRITE | VM_SHARED)) === VM_WRITE;
  }

  // Mappings.

  /** Counts `pages` pages with these flags in (positive) or out. */
  account(flags: number, pages: number): void {
    this.totalVm += pages;
    if (flags & VM_GROWSDOWN) this.stackVm += pages;
    else if (isDataMapping(flags)) this.dataVm += pages;
    else if ((flags & (VM_EXEC | VM_WRITE)) === VM_EXEC) this.execVm += pages;
    if (flags & VM_LOCKED) this.lockedVm += pages;
    if (pages > 0 && this.totalVm > this.peakVm) this.peakVm = this.totalVm;
  }

  /** RLIMIT_AS and RLIMIT_DATA allow `pages` more pages with these flags (may_expand_vm). */
  mayExpand(flags: number, pages: number): boolean {
    if ((this.totalVm + pages) * 4096 > this.limits.addressSpaceLimit()) return false;
    return !(isDataMapping(flags) && (this.dataVm + pages) * 4096 > this.limits.dataLimit());
  }

  /** Heuristic overcommit: one request may not exceed all memory there is. Charges `pages` to the commit account. */
  commit(pages: number): 0 | Errno {
    if (pages > this.pm.total) return ENOMEM;
    this.pm.committed += pages;
    return 0;
  }

  /** Enters `v` into the set and its object's list; the vma takes over one reference each to object and file. */
  link(v: Vma): void {
    this.vmas.insert(v);
    this.linkObject(v);
  }
  private linkObject(v: Vma): void {
    const o = v.object;
    if (o === null) return;
    o.addMapping(v);
    if ((v.flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE)) o.writableMappings++;
  }
  private unlinkObject(v: Vma): void {
    const o = v.object;
    if (o !== null) {
      o.removeMapping(v);
      if ((v.flags & (VM_SHARED | VM_MAYWRITE)) === (VM_SHARED | VM_MAYWRITE)) o.writableMappings--;
      o.unref();
    }
    v.file?.unref();
  }
  /** Takes `v` out and drops its references; pages are the caller's business. */
  unlink(v: Vma): void {
    this.vmas.remove(v);
    this.unlinkObject(v);
  }

  /** Cuts `v` at `addr`: `v` keeps the lower part, the upper one is returned. No limit is checked. */
  split(v: Vma, addr: number): Vma {
    const upper = new Vma(this, addr, v.end, v.flags, v.pageOf(addr), v.object, v.file);
    upper.name = v.name;
    upper.policy = v.policy;
    upper.userfault = v.userfault;
    upper.anonVma = v.anonVma;
    upper.anonForked = v.anonForked;
    v.end = addr;
    this.vmas.resized(v);
    v.object?.ref();
    v.file?.ref();
    this.link(upper);
    return upper;
  }

  /** Joins `v` with its neighbours where Linux would; returns the mapping that now covers it. */
  merge(v: Vma): Vma {
    const next = v.next;
    if (next !== null && canMerge(v, next)) this.absorb(v, next);
    const prev = v.prev;
    if (prev !== null && canMerge(prev, v)) {
      this.absorb(prev, v);
      return prev;
    }
    return v;
  }
  /** `low` grows over `high`, its upper neighbour. */
  private absorb(low: Vma, high: Vma): void {
    const end = high.end;
    if (low.anonVma === 0) {
      low.anonVma = high.anonVma;
      low.anonForked = high.anonForked;
    }
    this.unlink(high);
    low.end = end;
    this.vmas.resized(low);
  }

  /** The identity for anonymous pages of `v`, taken from a neighbour that it might merge with later, whatever the rights now (find_mergeable_anon_vma). */
  prepareAnon(v: Vma): void {
    if (v.anonVma !== 0) return;
    const next = v.next;
    const prev = v.prev;
    if (next !== null && next.anonVma !== 0 && !next.anonForked && anonCompatible(v, next)) v.anonVma = next.anonVma;
    else if (prev !== null && prev.anonVma !== 0 && !prev.anonForked && anonCompatible(prev, v)) v.anonVma = prev.anonVma;
    else v.anonVma = nextAnonVma++;
  }

  /** True if every page of [start, end) is mapped. */
  covered(start: number, end: number): boolean {
    let v = this.vmas.find(start);
    let at = start;
    while (v !== null && v.start <= at) {
      if (v.end >= end) return true;
      at = v.end;
      v = v.next;
    }
    return false;
  }

  /** munmap(2). EINVAL: misaligned, empty, beyond the end; ENOMEM: too many mappings after a split. */
  munmap(addr: number, len: number): 0 | Errno {
    if (addr % 4096 !== 0 || addr < 0 || addr > TASK_SIZE || len < 0 || len > TASK_SIZE - addr) return EINVAL;
    const end = addr + pageAlign(len);
    if (end === addr) return EINVAL;
    return this.unmapRange(addr, end);
  }

  /** A mapping of [start, end) is sealed. */
  anySealed(start: number, end: number): boolean {
    if (!this.hasSeals) return false;
    for (let v = this.vmas.intersecting(start, end); v !== null && v.start < end; v = v.next) if (v.flags & VM_SEALED) return true;
    return false;
  }

  /** Others than its own programs may not reach the page at `addr` (Linux vma_is_secretmem in check_vma_flags). */
  isSecret(addr: number): boolean {
    if (!this.hasSecrets) return false;
    const v = this.vmas.find(addr);
    return v !== null && v.start <= addr && v.object !== null && v.object.isSecret;
  }

  /** Unmaps [start, end), page-aligned. EPERM: sealed. ENOMEM when a mapping would have to be split beyond MAX_MAP_COUNT. */
  unmapRange(start: number, end: number): 0 | Errno {
    let v = this.vmas.intersecting(start, end);
    if (v === null) return 0;
    if (this.anySealed(start, end)) return EPERM;
    if (v.start < start) {
      if (end < v.end && this.vmas.size >= MAX_MAP_COUNT) return ENOMEM;
      v = this.split(v, start);
    }
    const last = this.vmas.find(end - 1);
    if (last !== null && last.start < end && last.end > end) {
      if (this.vmas.size >= MAX_MAP_COUNT) return ENOMEM;
      this.split(last, end);
    }
    this.notePeaks();
    const zapped = this.table.zap(start, end);
    if (isErr(zapped)) return zapped;
    this.flush(start, end, zapped);
    let code = false;
    for (let w: Vma | null = v; w !== null && w.start < end; ) {
      const next: Vma | null = w.next;
      this.account(w.flags, -w.pages);
      if (w.flags & VM_EXEC) code = true;
      if (w.flags & VM_ACCOUNT) this.pm.committed -= w.pages;
      if (w.flags & VM_SHARED && w.object !== null && w.object.tracksDirty) w.object.sync(w.pageOffset, w.pageOffset + w.pages - 1);
      this.unlink(w);
      w = next;
    }
    if (code) this.codeGone();
    return 0;
  }

  /** Drops cached translations of [start, end) after `changed` PTEs changed. */
  flush(start: number, end: number, changed: number): void {
    if (changed === 0) return;
    if (this.table.execGone) {
      this.table.execGone = false;
      this.pm.hooks.execChanged(this);
    }
    if ((end - start) / 4096 > FLUSH_PAGES) this.pm.hooks.flushSpace(this);
    else for (let a = start; a < end; a += 4096) this.pm.hooks.invalidatePage(this, a / 4096);
  }

  /** Executable memory of its own appeared (anonymous pages, copies): what is known about code by address no longer holds for all that share it. */
  codeAdded(): void {
    this.codeDiffers = true;
    if (this.platform !== null) this.pm.hooks.codeAdded(this);
  }
  /** An executable mapping went away or lost EXEC, whether or not there were pages. */
  codeGone(): void {
    if (this.platform !== null) this.pm.hooks.execChanged(this);
  }

  /** Drops pages of [start, end) (madvise DONTNEED): they come anew at the next access. */
  discard(start: number, end: number): 0 | Errno {
    this.notePeaks();
    const zapped = this.table.zap(start, end);
    if (isErr(zapped)) return zapped;
    this.flush(start, end, zapped);
    return 0;
  }

  /** A mapped object lost these pages: unmap them; private copies only with `evenCopies`. */
  zapForObject(start: number, end: number, evenCopies: boolean): void {
    if (evenCopies) {
      this.discard(start, end);
      return;
    }
    this.eachPte(start, end, (base, index, pte) => {
      if (pte & PTE_ANON) return false;
      this.table.clear(base, index);
      return true;
    });
  }

  /** Takes WRITE away from the pages of [start, end), so that the next store faults. */
  writeProtect(start: number, end: number): void {
    this.eachPte(start, end, (base, index, pte) => {
      if (!(pte & PTE_WRITE)) return false;
      this.pm.i32[base + index] = pte & ~PTE_WRITE;
      return true;
    });
  }

  /**
   * Calls `f` for every PTE in use in [start, end) of leaves that are this space's own; `f` says whether it changed it. Flushes afterwards.
   * A shared leaf that cannot be copied for want of memory is skipped. Not for hot paths.
   */
  eachPte(start: number, end: number, f: (base: number, index: number, pte: number) => boolean): void {
    let changed = 0;
    for (let a = start; a < end; ) {
      const li = Math.floor(a / 4194304);
      const stop = Math.min(end, (li + 1) * 4194304);
      if (this.table.leaf(li) === 0 && end - a > WIDE) {
        a = Math.max(stop, this.table.nextLeaf(li) * 4194304);
        continue;
      }
      if (this.table.leaf(li) !== 0) {
        const base = this.table.ownLeaf(li);
        if (!isErr(base)) {
          for (let index = (a / 4096) & 1023; a < stop; a += 4096, index++) {
            const pte = this.pm.i32[base + index]!;
            if (pte !== 0 && f(base, index, pte)) changed++;
          }
        }
      }
      a = stop;
    }
    this.flush(start, end, changed);
  }

  /** What a shared mapping of /dev/zero maps: zeros of its own. */
  sharedZeros(): MemoryObject {
    return new AnonymousShared(this.pm, Number.MAX_SAFE_INTEGER);
  }

  /** What futexes in shared mappings are told apart by: the object that the word at `addr` is in, at byte `sharedOffset` of it; null for private memory. */
  sharedObject(addr: number): MemoryObject | null {
    const v = this.vmas.find(addr);
    if (v === null || v.start > addr || v.object === null || !(v.flags & VM_SHARED)) return null;
    this.sharedOffset = v.pageOffset * 4096 + (addr - v.start);
    return v.object;
  }
  sharedOffset = 0;

  /** A copy for fork(2): same mappings, pages shared copy-on-write. ENOMEM. */
  fork(): AddressSpace | Errno {
    let charge = 0;
    for (let v = this.vmas.first; v !== null; v = v.next) if (v.flags & VM_ACCOUNT && !(v.flags & VM_DONTCOPY)) charge += v.pages;
    if (charge > this.pm.total * 4) return ENOMEM;
    const child = new AddressSpace(this.pm);
    child.table.shareFrom(this.table);
    child.limits = this.limits;
    child.dumpable = this.dumpable;
    child.dumpFilter = this.dumpFilter;
    child.owner = this.owner;
    child.mmapBase = this.mmapBase;
    child.startCode = this.startCode;
    child.endCode = this.endCode;
    child.startData = this.startData;
    child.endData = this.endData;
    child.startBrk = this.startBrk;
    child.brk = this.brk;
    child.startStack = this.startStack;
    child.argStart = this.argStart;
    child.argEnd = this.argEnd;
    child.envStart = this.envStart;
    child.envEnd = this.envEnd;
    child.auxv = this.auxv;
    child.vdso = this.vdso;
    child.hasGuards = this.hasGuards;
    child.hasSeals = this.hasSeals;
    child.hasSecrets = this.hasSecrets;
    child.mergeAny = this.mergeAny;
    child.ldt = this.ldt.slice();
    if (!(this.denyWriteExec & 2)) child.denyWriteExec = this.denyWriteExec;
    child.codeDiffers = this.codeDiffers;
    child.exeFile = this.exeFile;
    child.exeFile?.ref();
    child.totalVm = this.totalVm;
    child.dataVm = this.dataVm;
    child.stackVm = this.stackVm;
    child.execVm = this.execVm;
    child.peakVm = this.totalVm;
    child.peakRss = this.rss;
    for (let v = this.vmas.first; v !== null; v = v.next) {
      if (v.flags & VM_DONTCOPY) {
        child.totalVm -= v.pages;
        if (v.flags & VM_GROWSDOWN) child.stackVm -= v.pages;
        else if (isDataMapping(v.flags)) child.dataVm -= v.pages;
        else if ((v.flags & (VM_EXEC | VM_WRITE)) === VM_EXEC) child.execVm -= v.pages;
        child.table.zap(v.start, v.end);
        continue;
      }
      const w = new Vma(child, v.start, v.end, v.flags & ~(VM_LOCKED | VM_LOCKONFAULT | VM_UFFD_MISSING | VM_UFFD_WP), v.pageOffset, v.object, v.file);
      w.name = v.name;
      w.policy = v.policy;
      if (v.anonVma !== 0) {
        w.anonVma = nextAnonVma++;
        w.anonForked = true;
      }
      if (v.object !== null) {
        v.object.ref();
        v.file?.ref();
      }
      child.vmas.append(w);
      child.linkObject(w);
      if (v.flags & VM_WIPEONFORK) {
        child.table.zap(v.start, v.end);
        w.anonVma = 0;
        w.anonForked = false;
      }
    }
    this.pm.committed += charge;
    child.table.execGone = false;
    // What this space could write it now shares: its own cached write permissions are stale.
    this.pm.hooks.flushSpace(this);
    this.pm.hooks.forked(this, child);
    return child;
  }
}

/** VmData counts private writable memory that is not stack. */
export function isDataMapping(flags: number): boolean {
  return (flags & (VM_WRITE | VM_SHARED | VM_GROWSDOWN)) === VM_WRITE;
}

/** Linux anon_vma_compatible: alike but for the access rights. */
function anonCompatible(a: Vma, b: Vma): boolean {
  const differ = (a.flags ^ b.flags) & ~(VM_READ | VM_WRITE | VM_EXEC);
  return a.end === b.start && differ === 0 && a.file === b.file && a.object === b.object && a.pageOf(a.end) === b.pageOffset;
}

/** Linux can_vma_merge_before/after: `a` ends where `b` starts and they are alike. */
export function canMerge(a: Vma, b: Vma): boolean {
  if (a.end !== b.start || a.flags !== b.flags || a.object !== b.object || a.file !== b.file || a.name !== b.name || a.policy !== b.policy || a.userfault !== b.userfault) return false;
  if (a.flags & VM_SPECIAL || a.pageOf(a.end) !== b.pageOffset) return false;
  if (a.anonVma !== b.anonVma) {
    if (a.anonVma !== 0 && b.anonVma !== 0) return false;
    if (a.anonForked || b.anonForked) return false;
  }
  return true;
}
