/**
 * The mappings of an address space in address order. A two-level sorted array: chunks of at most 128 mappings, each with its widest
 * gap, so that find, insert, remove and the search for free space stay flat at tens of thousands of mappings.
 */
import type { Vma } from './vma.ts';

const CHUNK_MAX = 128;

export class VmaChunk {
  vmas: Vma[] = [];
  /** Widest gap before one of these mappings (to the end of the mapping before it), or -1 = to be computed. */
  maxGap = -1;
}

export class VmaSet {
  chunks: VmaChunk[] = [];
  first: Vma | null = null;
  last: Vma | null = null;
  size = 0;
  private hit: Vma | null = null;
  // What the last top-down search learnt: in [hintTop, hintHigh) there is no gap of hintLen bytes or more.
  private hintLen = Infinity;
  private hintTop = 0;
  private hintHigh = 0;

  /** The first mapping that ends above `addr` (Linux find_vma), or null. It may start above `addr`. */
  find(addr: number): Vma | null {
    const hit = this.hit;
    if (hit !== null && addr >= hit.start && addr < hit.end) return hit;
    const chunks = this.chunks;
    let lo = 0;
    let hi = chunks.length;
    // The first chunk whose last mapping ends above addr.
    while (lo < hi) {
      const mid = (lo + hi) >>> 1;
      const v = chunks[mid]!.vmas;
      if (v[v.length - 1]!.end > addr) hi = mid;
      else lo = mid + 1;
    }
    if (lo === chunks.length) return null;
    const vmas = chunks[lo]!.vmas;
    let a = 0;
    let b = vmas.length - 1;
    while (a < b) {
      const mid = (a + b) >>> 1;
      if (vmas[mid]!.end > addr) b = mid;
      else a = mid + 1;
    }
    return (this.hit = vmas[a]!);
  }

  /** The first mapping that meets [start, end), or null. */
  intersecting(start: number, end: number): Vma | null {
    const v = this.find(start);
    return v !== null && v.start < end ? v : null;
  }

  /** Puts `v` in; its range must be free. */
  insert(v: Vma): void {
    const next = this.find(v.start);
    const prev = next === null ? this.last : next.prev;
    v.next = next;
    v.prev = prev;
    if (prev !== null) prev.next = v;
    else this.first = v;
    if (next !== null) {
      next.prev = v;
      next.chunk!.maxGap = -1;
    } else this.last = v;
    this.size++;
    const beside = prev ?? next;
    if (beside === null) {
      const c = new VmaChunk();
      c.vmas.push(v);
      v.chunk = c;
      this.chunks.push(c);
      return;
    }
    const chunk = beside.chunk!;
    v.chunk = chunk;
    chunk.maxGap = -1;
    const at = this.indexIn(chunk, beside) + (prev !== null ? 1 : 0);
    if (at === chunk.vmas.length) chunk.vmas.push(v);
    else chunk.vmas.splice(at, 0, v);
    if (chunk.vmas.length > CHUNK_MAX) this.split(chunk);
  }

  private indexIn(chunk: VmaChunk, v: Vma): number {
    const vmas = chunk.vmas;
    let a = 0;
    let b = vmas.length - 1;
    while (a < b) {
      const mid = (a + b) >>> 1;
      if (vmas[mid]!.start < v.start) a = mid + 1;
      else b = mid;
    }
    return a;
  }

  private chunkIndex(chunk: VmaChunk): number {
    const start = chunk.vmas[0]!.start;
    let a = 0;
    let b = this.chunks.length - 1;
    while (a < b) {
      const mid = (a + b) >>> 1;
      if (this.chunks[mid]!.vmas[0]!.start < start) a = mid + 1;
      else b = mid;
    }
    return a;
  }

  private split(chunk: VmaChunk): void {
    const right = new VmaChunk();
    const at = this.chunkIndex(chunk);
    right.vmas = chunk.vmas.splice(CHUNK_MAX >> 1);
    for (const v of right.vmas) v.chunk = right;
    this.chunks.splice(at + 1, 0, right);
  }

  remove(v: Vma): void {
    const chunk = v.chunk!;
    if (chunk.vmas.length === 1) this.chunks.splice(this.chunkIndex(chunk), 1);
    else {
      chunk.vmas.splice(this.indexIn(chunk, v), 1);
      chunk.maxGap = -1;
    }
    if (v.next === null || v.next.start > this.hintTop) this.hintLen = Infinity;
    if (v.prev !== null) v.prev.next = v.next;
    else this.first = v.next;
    if (v.next !== null) {
      v.next.prev = v.prev;
      v.next.chunk!.maxGap = -1;
    } else this.last = v.prev;
    v.prev = v.next = v.chunk = null;
    if (this.hit === v) this.hit = null;
    this.size--;
  }

  /** To be called after `v.start` or `v.end` changed in place (order kept). */
  resized(v: Vma): void {
    if (v.next === null || v.next.start > this.hintTop) this.hintLen = Infinity;
    v.chunk!.maxGap = -1;
    if (v.next !== null) v.next.chunk!.maxGap = -1;
  }

  /** Empties the set. */
  clear(): void {
    this.chunks = [];
    this.hintLen = Infinity;
    this.first = this.last = this.hit = null;
    this.size = 0;
  }

  /** Appends `v` behind all others; for copying a whole set in order. */
  append(v: Vma): void {
    const prev = this.last;
    v.prev = prev;
    v.next = null;
    if (prev !== null) prev.next = v;
    else this.first = v;
    this.last = v;
    this.size++;
    let chunk = this.chunks.length === 0 ? null : this.chunks[this.chunks.length - 1]!;
    if (chunk === null || chunk.vmas.length >= CHUNK_MAX - 16) {
      chunk = new VmaChunk();
      this.chunks.push(chunk);
    }
    chunk.vmas.push(v);
    v.chunk = chunk;
  }

  private gapOf(chunk: VmaChunk): number {
    if (chunk.maxGap >= 0) return chunk.maxGap;
    let max = 0;
    let end = chunk.vmas[0]!.prev === null ? 0 : chunk.vmas[0]!.prev!.end;
    for (const v of chunk.vmas) {
      if (v.start - end > max) max = v.start - end;
      end = v.end;
    }
    return (chunk.maxGap = max);
  }

  /**
   * The highest free address a, a multiple of the page, with [a, a + len) free and inside [low, high), or -1. `guard(v)` is how much must stay
   * free below mapping v (the stack's guard gap).
   */
  findGapTopDown(len: number, low: number, high: number, guard: (v: Vma) => number): number {
    const wanted = high;
    if (len >= this.hintLen && high === this.hintHigh) high = Math.min(high, this.hintTop);
    // The gap that `high` lies in, or the first below it.
    let v = this.find(high - 1);
    let top = high;
    for (;;) {
      if (v !== null) top = Math.min(high, v.start - guard(v));
      const prev: Vma | null = v === null ? this.last : v.prev;
      const bottom = Math.max(low, prev === null ? 0 : prev.end);
      if (top - bottom >= len) {
        if (len <= this.hintLen || wanted !== this.hintHigh) {
          this.hintLen = len;
          this.hintTop = top;
          this.hintHigh = wanted;
        }
        return top - len;
      }
      if (prev === null || prev.end <= low) return -1;
      v = prev;
      // Skip whole chunks whose gaps are all too small.
      let chunk = v.chunk!;
      if (chunk.vmas[chunk.vmas.length - 1] === v && this.gapOf(chunk) < len) {
        let at = this.chunkIndex(chunk);
        while (this.gapOf(chunk) < len) {
          if (at === 0) return -1;
          chunk = this.chunks[--at]!;
        }
        v = chunk.vmas[chunk.vmas.length - 1]!;
      }
    }
  }

  /** As findGapTopDown, the lowest address. */
  findGapBottomUp(len: number, low: number, high: number, guard: (v: Vma) => number): number {
    let v = this.find(low);
    let bottom = low;
    if (v !== null && v.start <= low) {
      bottom = v.end;
      v = v.next;
    }
    for (;;) {
      const top = v === null ? high : Math.min(high, v.start - guard(v));
      if (top - bottom >= len) return bottom;
      if (v === null || v.end >= high) return -1;
      bottom = v.end;
      v = v.next;
      if (v === null) continue;
      let chunk = v.chunk!;
      if (chunk.vmas[0] === v && this.gapOf(chunk) < len) {
        let at = this.chunkIndex(chunk);
        while (at < this.chunks.length && this.gapOf(this.chunks[at]!) < len) at++;
        if (at === this.chunks.length) {
          bottom = Math.max(low, this.last!.end);
          v = null;
        } else {
          chunk = this.chunks[at]!;
          v = chunk.vmas[0]!;
          bottom = v.prev === null ? low : Math.max(low, v.prev.end);
        }
      }
    }
  }
}
