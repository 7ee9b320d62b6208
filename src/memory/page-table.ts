/**
 * Page tables: leaves of 1024 int32 PTEs, each leaf in a frame (it maps 4 MiB), found through a small hash directory. Fork shares the
 * leaves: a leaf's frame counts the spaces that use it; whoever changes a shared leaf first makes it its own. While a leaf is shared, only
 * PTEs of shared mappings can be written through.
 */
import { ENOMEM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import type { PhysicalMemory } from './physical-memory.ts';

/** `pte & PTE_FRAME` is the linear-memory offset of the frame. */
export const PTE_FRAME = -4096;
/** Readable. A PTE with a frame but without this bit keeps its page behind PROT_NONE. */
export const PTE_PRESENT = 1;
export const PTE_WRITE = 2;
export const PTE_EXEC = 4;
/** Private anonymous page: counts in RssAnon, may be written when nobody else holds the frame. */
export const PTE_ANON = 8;
/** Counts in RssShmem. Neither this nor ANON nor SPECIAL: RssFile. */
export const PTE_SHMEM = 16;
/** Of a MAP_SHARED mapping: WRITE holds even in a shared leaf. */
export const PTE_SHARED = 32;
/** Frame without reference count (zero page, vvar). Not in RSS. */
export const PTE_SPECIAL = 64;
/** MADV_FREE: may be dropped; the next write clears it. */
export const PTE_LAZYFREE = 128;
/** MADV_GUARD_INSTALL: any access is SIGSEGV. Has no frame. */
export const PTE_GUARD = 256;

/** Access kinds. */
export const READ = 0, WRITE = 1, EXEC = 2;

export const LEAF_PAGES = 1024;

/** The directory of a table without leaves: one slot, never filled. */
const EMPTY: Int32Array = new Int32Array(2);

export class PageTable {
  readonly pm: PhysicalMemory;
  /** Open-addressing table: key (leaf index + 1) at 2i, leaf base (index in i32) at 2i + 1; base 0 = none. */
  dir: Int32Array = EMPTY;
  dirMask = 0;
  /** Used slots, removed ones included. */
  dirUsed = 0;
  /** Leaves held. */
  leafCount = 0;
  private lastIndex = -1;
  private lastBase = 0;
  private olderIndex = -1;
  private olderBase = 0;
  // Pages mapped, by kind.
  rssAnon = 0;
  rssFile = 0;
  rssShmem = 0;
  /** An executable PTE was taken away since the platform was last told; whoever flushes tells it. */
  execGone = false;

  constructor(pm: PhysicalMemory) {
    this.pm = pm;
  }

  /** Index in pm.i32 of the first PTE of leaf `li` (address / 4 MiB), or 0. */
  leaf(li: number): number {
    if (li === this.lastIndex) return this.lastBase;
    if (li === this.olderIndex) {
      const base = this.olderBase;
      this.olderIndex = this.lastIndex;
      this.olderBase = this.lastBase;
      this.lastIndex = li;
      return (this.lastBase = base);
    }
    const dir = this.dir;
    let slot = (Math.imul(li, 0x9e3779b1) >>> 8) & this.dirMask;
    for (;;) {
      const key = dir[slot << 1]!;
      if (key === li + 1) {
        this.olderIndex = this.lastIndex;
        this.olderBase = this.lastBase;
        this.lastIndex = li;
        return (this.lastBase = dir[(slot << 1) + 1]!);
      }
      if (key === 0) return 0;
      slot = (slot + 1) & this.dirMask;
    }
  }

  /** The lowest leaf index at or above `li` that has a leaf, or Infinity. Walks the directory: for skipping wide empty ranges. */
  nextLeaf(li: number): number {
    let best = Infinity;
    const dir = this.dir;
    for (let s = 0; s < dir.length; s += 2) if (dir[s + 1] !== 0 && dir[s]! - 1 >= li && dir[s]! - 1 < best) best = dir[s]! - 1;
    return best;
  }

  private forgetLast(): void {
    this.lastIndex = this.olderIndex = -1;
  }

  private setLeaf(li: number, base: number): void {
    this.forgetLast();
    const dir = this.dir;
    let slot = (Math.imul(li, 0x9e3779b1) >>> 8) & this.dirMask;
    for (;;) {
      const key = dir[slot << 1]!;
      if (key === li + 1) {
        dir[(slot << 1) + 1] = base;
        return;
      }
      if (key === 0) break;
      slot = (slot + 1) & this.dirMask;
    }
    if (this.dirMask === 0) {
      this.dir = new Int32Array(32);
      this.dirMask = 15;
      this.setLeaf(li, base);
      return;
    }
    dir[slot << 1] = li + 1;
    dir[(slot << 1) + 1] = base;
    if (++this.dirUsed * 4 > (this.dirMask + 1) * 3) this.rehash();
  }

  private rehash(): void {
    const old = this.dir;
    let size = 16;
    while (size < this.leafCount * 2 + 2) size *= 2;
    this.dir = new Int32Array(size * 2);
    this.dirMask = size - 1;
    this.dirUsed = 0;
    for (let i = 0; i < old.length; i += 2) if (old[i + 1] !== 0) this.setLeaf(old[i]! - 1, old[i + 1]!);
  }

  /** PTE usable for the access at the address (two int32 halves), or 0: the TLB-miss path. */
  lookup(addrLo: number, addrHi: number, access: number): number {
    if (addrHi >>> 15 !== 0) return 0;
    const base = this.leaf((addrHi << 10) | (addrLo >>> 22));
    if (base === 0) return 0;
    const pte = this.pm.i32[base + ((addrLo >>> 12) & 1023)]!;
    if (access === READ) return pte & PTE_PRESENT ? pte : 0;
    if (access === WRITE) return pte & PTE_WRITE && (pte & PTE_SHARED || this.pm.refs[base >> 10] === 1) ? pte : 0;
    return pte & PTE_EXEC ? pte : 0;
  }

  /** The raw PTE of a page, or 0. */
  get(addr: number): number {
    const base = this.leaf(Math.floor(addr / 4194304));
    return base === 0 ? 0 : this.pm.i32[base + ((addr / 4096) & 1023)]!;
  }

  /** Base of leaf `li`, made if missing, and made this space's own if shared; ENOMEM. */
  ownLeaf(li: number): number | Errno {
    const base = this.leaf(li);
    if (base === 0) {
      const f = this.pm.allocFrame();
      if (isErr(f)) return ENOMEM;
      this.leafCount++;
      this.pm.leafLow[f] = LEAF_PAGES;
      this.pm.leafHigh[f] = -1;
      this.setLeaf(li, f << 10);
      return f << 10;
    }
    if (this.pm.refs[base >> 10] === 1) return base;
    return this.unshare(li, base);
  }

  /** Makes a private copy of a leaf that fork shared; every frame in it gains a reference, and private pages lose WRITE on both sides. */
  private unshare(li: number, base: number): number | Errno {
    const pm = this.pm;
    const f = pm.allocFrameDirty();
    if (isErr(f)) return ENOMEM;
    const old = base >> 10;
    pm.copy(f, old);
    const i32 = pm.i32;
    const own = f << 10;
    const high = pm.leafHigh[old]!;
    for (let i = pm.leafLow[old]!; i <= high; i++) {
      const pte = i32[own + i]!;
      if ((pte & PTE_FRAME) === 0 || pte & PTE_SPECIAL) continue;
      pm.refs[pte >>> 12]!++;
      if (pte & PTE_WRITE && !(pte & PTE_SHARED)) i32[own + i] = i32[base + i] = pte & ~PTE_WRITE;
    }
    pm.leafLow[f] = pm.leafLow[old]!;
    pm.leafHigh[f] = high;
    pm.unref(old);
    this.setLeaf(li, own);
    return own;
  }

  /** Stores a PTE (reference included) into an empty slot of an own leaf and counts it. */
  fill(base: number, index: number, pte: number): void {
    const leaf = base >> 10;
    if (index < this.pm.leafLow[leaf]!) this.pm.leafLow[leaf] = index;
    if (index > this.pm.leafHigh[leaf]!) this.pm.leafHigh[leaf] = index;
    this.pm.i32[base + index] = pte;
    this.count(pte, 1);
  }

  /** Counts a PTE in (1) or out (-1) of the resident set. */
  count(pte: number, by: number): void {
    if (pte & PTE_ANON) this.rssAnon += by;
    else if (pte & PTE_SPECIAL || (pte & PTE_FRAME) === 0) return;
    else if (pte & PTE_SHMEM) this.rssShmem += by;
    else this.rssFile += by;
  }

  /** Empties one slot of an own leaf: drops the reference. */
  clear(base: number, index: number): void {
    const pte = this.pm.i32[base + index]!;
    if (pte === 0) return;
    if (pte & PTE_EXEC) this.execGone = true;
    this.pm.i32[base + index] = 0;
    this.count(pte, -1);
    if ((pte & PTE_FRAME) !== 0 && !(pte & PTE_SPECIAL)) this.pm.unref(pte >>> 12);
  }

  /** Empties [start, end). Returns how many PTEs went away (0: nothing to flush); ENOMEM if a shared leaf could not be copied. */
  zap(start: number, end: number): number | Errno {
    const firstPage = start / 4096;
    const lastPage = end / 4096 - 1;
    const firstLeaf = Math.floor(firstPage / LEAF_PAGES);
    const lastLeaf = Math.floor(lastPage / LEAF_PAGES);
    let gone = 0;
    if (lastLeaf - firstLeaf > this.dirMask) {
      // A huge, mostly empty range: walk the directory instead.
      const dir = this.dir;
      for (let s = 0; s <= this.dirMask; s++) {
        const li = dir[s << 1]! - 1;
        if (dir[(s << 1) + 1] === 0 || li < firstLeaf || li > lastLeaf) continue;
        const n = this.zapLeaf(li, dir[(s << 1) + 1]!, li === firstLeaf ? firstPage % LEAF_PAGES : 0, li === lastLeaf ? lastPage % LEAF_PAGES : 1023);
        if (n < 0) return n;
        gone += n;
        // zapLeaf replaces values in place, it never rehashes: keys stay.
      }
      return gone;
    }
    for (let li = firstLeaf; li <= lastLeaf; li++) {
      const base = this.leaf(li);
      if (base === 0) continue;
      const n = this.zapLeaf(li, base, li === firstLeaf ? firstPage % LEAF_PAGES : 0, li === lastLeaf ? lastPage % LEAF_PAGES : 1023);
      if (n < 0) return n;
      gone += n;
    }
    return gone;
  }

  private zapLeaf(li: number, base: number, from: number, to: number): number | Errno {
    const pm = this.pm;
    const leaf = base >> 10;
    const low = pm.leafLow[leaf]!;
    const high = pm.leafHigh[leaf]!;
    if (from > high || to < low) return 0;
    const i32 = pm.i32;
    let gone = 0;
    if (from <= low && to >= high) {
      // The whole leaf goes.
      const shared = pm.refs[leaf] !== 1;
      for (let i = low; i <= high; i++) {
        const pte = i32[base + i]!;
        if (pte === 0) continue;
        gone++;
        if (pte & PTE_EXEC) this.execGone = true;
        this.count(pte, -1);
        if (!shared && (pte & PTE_FRAME) !== 0 && !(pte & PTE_SPECIAL)) pm.unref(pte >>> 12);
      }
      this.setLeaf(li, 0);
      this.leafCount--;
      pm.unref(leaf);
      return gone;
    }
    if (from < low) from = low;
    if (to > high) to = high;
    let own = base;
    if (pm.refs[leaf] !== 1) {
      let any = false;
      for (let i = from; i <= to && !any; i++) any = i32[base + i] !== 0;
      if (!any) return 0;
      const o = this.unshare(li, base);
      if (isErr(o)) return o;
      own = o;
    }
    for (let i = from; i <= to; i++) {
      const pte = i32[own + i]!;
      if (pte === 0) continue;
      gone++;
      if (pte & PTE_EXEC) this.execGone = true;
      i32[own + i] = 0;
      this.count(pte, -1);
      if ((pte & PTE_FRAME) !== 0 && !(pte & PTE_SPECIAL)) pm.unref(pte >>> 12);
    }
    if (from === low) pm.leafLow[own >> 10] = to + 1;
    if (to === high) pm.leafHigh[own >> 10] = from - 1;
    return gone;
  }

  /** Makes this empty table share all leaves of `parent` (fork). */
  shareFrom(parent: PageTable): void {
    this.dir = parent.dir.slice();
    this.dirMask = parent.dirMask;
    this.dirUsed = parent.dirUsed;
    this.leafCount = parent.leafCount;
    this.rssAnon = parent.rssAnon;
    this.rssFile = parent.rssFile;
    this.rssShmem = parent.rssShmem;
    this.forgetLast();
    const refs = this.pm.refs;
    const dir = this.dir;
    for (let i = 1; i < dir.length; i += 2) if (dir[i] !== 0) refs[dir[i]! >> 10]!++;
  }

  /** Drops everything: the space is gone. */
  release(): void {
    const pm = this.pm;
    const dir = this.dir;
    for (let s = 1; s < dir.length; s += 2) {
      const base = dir[s]!;
      if (base === 0) continue;
      const leaf = base >> 10;
      if (pm.refs[leaf] === 1) {
        const high = pm.leafHigh[leaf]!;
        for (let i = pm.leafLow[leaf]!; i <= high; i++) {
          const pte = pm.i32[base + i]!;
          if ((pte & PTE_FRAME) !== 0 && !(pte & PTE_SPECIAL)) pm.unref(pte >>> 12);
        }
      }
      pm.unref(leaf);
    }
    this.dir = EMPTY;
    this.dirMask = 0;
    this.dirUsed = this.leafCount = 0;
    this.rssAnon = this.rssFile = this.rssShmem = 0;
    this.forgetLast();
  }
}
