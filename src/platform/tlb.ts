/**
 * The software TLBs, in linear memory. Code looks in one at a fixed place, which holds pages of the address space that runs and is emptied when another one does.
 * Behind it each address space has its own, of a size class that grows with its misses. An entry
 * matches by an exact compare of addresses: `address - base` must be at most 4096 - size, so neither unaligned accesses across the page
 * nor non-canonical addresses can pass.
 */
import type { CodeContext } from './code-context.ts';
import {
  FRAME_ROOM, NO_SPACE_TLB, SPACE_TLB, SPACE_TLBS, SPACE_TLBS_END, SPACE_TLB_MASK, TLB, TLB_ADDEND, TLB_ENTRY, TLB_HOST, TLB_INDEX_SHIFT, TLB_MASK, TLB_READ, TLB_USED, TLB_USED_LIST, TLB_USED_MOST,
  TLB_WRITE,
} from './layout.ts';

/**
 * Entries of each size class, and how many TLBs of it there are. Most processes are small or soon over: many small TLBs, which are quickly
 * emptied, keep a thousand of them from taking theirs from each other.
 */
const CLASS_ENTRIES: readonly number[] = [64, 512, 2048, 8192];
const CLASS_COUNT: readonly number[] = [1024, 64, 16, 11];

/** What the platform keeps for an address space. */
export class SpaceState {
  /** Linear-memory offset of its TLB, 0 = it has none at the moment. */
  tlb = 0;
  /** Offset mask: (entries - 1) * TLB_ENTRY. */
  mask = 0;
  sizeClass = 0;
  /** Entries filled since the TLB was last resized. */
  fills = 0;
  /** Its TLB leaves out the pages that these debug registers watch (DebugRegisters.version); 0 = none. */
  watchVersion = 0;
  /** Regions whose validity word holds its number are valid here. */
  code: CodeContext;
  /** Least recently used list of those that have a TLB of the same class. */
  prev: SpaceState | null = null;
  next: SpaceState | null = null;
  constructor(code: CodeContext) {
    this.code = code;
  }
  get context(): number {
    return this.code.id;
  }
}

export class TlbPool {
  private readonly i32: Int32Array;
  private readonly free: number[][] = [];
  /** By class: the most recently used first. */
  private readonly head: (SpaceState | null)[] = CLASS_ENTRIES.map(() => null);
  private readonly tail: (SpaceState | null)[] = CLASS_ENTRIES.map(() => null);

  constructor(i32: Int32Array) {
    this.i32 = i32;
    let at = SPACE_TLBS;
    for (let c = 0; c < CLASS_ENTRIES.length; c++) {
      const list: number[] = [];
      for (let k = 0; k < CLASS_COUNT[c]!; k++) {
        list.push(at);
        at += CLASS_ENTRIES[c]! * TLB_ENTRY;
      }
      list.reverse();
      this.free.push(list);
    }
    if (at > SPACE_TLBS_END) throw new Error('TLB area too small');
    this.clear(NO_SPACE_TLB, TLB_ENTRY);
    // The memory is new: zeros.
    this.never(TLB >> 2, TLB >> 2);
    this.behind(NO_SPACE_TLB, TLB_ENTRY);
  }

  /** Makes `s` the address space that runs: it has a TLB, which grows if it missed a lot, and is the most recently used. */
  use(s: SpaceState): void {
    if (s.tlb === 0) this.give(s, s.sizeClass);
    else if (this.crowded(s)) {
      this.release(s);
      this.give(s, s.sizeClass + 1);
    } else if (s.prev !== null) {
      this.unlink(s);
      this.link(s);
    }
    if (this.running === s) return;
    this.empty();
    this.running = s;
    this.behind(s.tlb, s.mask);
  }
  private behind(tlb: number, mask: number): void {
    this.i32[SPACE_TLB >> 2] = tlb;
    this.i32[SPACE_TLB_MASK >> 2] = mask;
  }

  /** What code looks in is of this address space; null: it is empty. */
  private running: SpaceState | null = null;

  /** Empties what code looks in. Zeroed entries match address 0 only, which entry 0 alone could be asked for. */
  private empty(): void {
    const { i32 } = this;
    this.forgetFrame();
    const used = i32[TLB_USED >> 2]!;
    i32[TLB_USED >> 2] = 0;
    if (used === TLB_USED_MOST) this.clear(TLB, TLB_MASK);
    else for (let k = 0; k < used; k++) this.never(i32[(TLB_USED_LIST >> 2) + k]! >> 2, TLB >> 2);
  }
  /** Where the stack is, is no longer known: what it was derived from may have changed. */
  private forgetFrame(): void {
    this.i32[FRAME_ROOM >> 2] = this.i32[(FRAME_ROOM >> 2) + 1] = 0;
  }
  /** Empties the entry at `e` of the TLB at `first`, both as indices of words. */
  private never(e: number, first: number): void {
    const { i32 } = this;
    i32[e + (TLB_READ >> 2)] = i32[e + (TLB_WRITE >> 2)] = e === first ? 0x1000 : 0;
    i32[e + (TLB_READ >> 2) + 1] = i32[e + (TLB_WRITE >> 2) + 1] = 0;
    i32[e + (TLB_HOST >> 2)] = 0;
  }
  private clear(tlb: number, mask: number): void {
    this.i32.fill(0, tlb >> 2, (tlb + mask + TLB_ENTRY) >> 2);
    this.never(tlb >> 2, tlb >> 2);
  }

  /** True if the TLB of `s` missed so often that it should grow. */
  private crowded(s: SpaceState): boolean {
    return s.fills > (s.mask / TLB_ENTRY) * 3 && s.sizeClass + 1 < CLASS_ENTRIES.length;
  }

  private give(s: SpaceState, sizeClass: number): void {
    let tlb = this.free[sizeClass]!.pop();
    if (tlb === undefined) {
      const victim = this.tail[sizeClass]!;
      tlb = victim.tlb;
      this.unlink(victim);
      this.gone(victim);
    }
    s.tlb = tlb;
    s.sizeClass = sizeClass;
    s.mask = (CLASS_ENTRIES[sizeClass]! - 1) * TLB_ENTRY;
    s.fills = 0;
    this.link(s);
    this.flush(s);
  }

  /** Takes the TLB of `s` away. */
  release(s: SpaceState): void {
    if (s.tlb === 0) return;
    this.unlink(s);
    this.free[s.sizeClass]!.push(s.tlb);
    this.gone(s);
  }
  private gone(s: SpaceState): void {
    s.tlb = 0;
    if (this.running !== s) return;
    this.empty();
    this.running = null;
    this.behind(NO_SPACE_TLB, TLB_ENTRY);
  }

  private link(s: SpaceState): void {
    const first = this.head[s.sizeClass]!;
    s.prev = null;
    s.next = first;
    if (first !== null) first.prev = s;
    else this.tail[s.sizeClass] = s;
    this.head[s.sizeClass] = s;
  }
  private unlink(s: SpaceState): void {
    if (s.prev !== null) s.prev.next = s.next;
    else this.head[s.sizeClass] = s.next;
    if (s.next !== null) s.next.prev = s.prev;
    else this.tail[s.sizeClass] = s.prev;
    s.prev = s.next = null;
  }

  /** Empties the TLB of `s`. */
  flush(s: SpaceState): void {
    if (s.tlb === 0) return;
    this.clear(s.tlb, s.mask);
    if (this.running === s) this.empty();
  }

  /** Empties the entry that a page may be in. */
  invalidate(s: SpaceState, addressLo: number): void {
    if (this.running === s) this.forgetFrame();
    if (s.tlb === 0) return;
    this.never((s.tlb + ((addressLo >>> TLB_INDEX_SHIFT) & s.mask)) >> 2, s.tlb >> 2);
    if (this.running === s) this.never((TLB + ((addressLo >>> TLB_INDEX_SHIFT) & TLB_MASK)) >> 2, TLB >> 2);
  }

  /** Enters a page of `s`, which runs: host offset `host`, readable and writable as said. */
  fill(s: SpaceState, addressLo: number, addressHi: number, host: number, readable: boolean, writable: boolean): void {
    if (this.crowded(s)) this.use(s);
    if (s.tlb === 0) return;
    s.fills++;
    this.enter(s.tlb + ((addressLo >>> TLB_INDEX_SHIFT) & s.mask), addressLo, addressHi, host, readable, writable);
    if (this.running !== s) return;
    const entry = TLB + ((addressLo >>> TLB_INDEX_SHIFT) & TLB_MASK);
    this.enter(entry, addressLo, addressHi, host, readable, writable);
    const { i32 } = this;
    const used = i32[TLB_USED >> 2]!;
    if (used === TLB_USED_MOST) return;
    i32[(TLB_USED_LIST >> 2) + used] = entry;
    i32[TLB_USED >> 2] = used + 1;
  }
  private enter(entry: number, addressLo: number, addressHi: number, host: number, readable: boolean, writable: boolean): void {
    const e = entry >> 2;
    const page = addressLo & ~0xfff;
    const { i32 } = this;
    // A base whose page number has another lowest bit belongs to another entry: it never matches here.
    i32[e + (TLB_READ >> 2)] = readable ? page : page ^ 0x1000;
    i32[e + (TLB_READ >> 2) + 1] = addressHi;
    i32[e + (TLB_WRITE >> 2)] = writable ? page : page ^ 0x1000;
    i32[e + (TLB_WRITE >> 2) + 1] = addressHi;
    i32[e + (TLB_ADDEND >> 2)] = host - page;
    i32[e + (TLB_HOST >> 2)] = host;
  }

  /** Takes write permission from every entry that maps the frame at `host`, in all spaces. */
  protect(host: number): void {
    this.forgetFrame();
    for (const first of this.head) for (let s = first; s !== null; s = s.next) this.protectIn(s.tlb, s.mask, host);
    const { i32 } = this;
    const used = i32[TLB_USED >> 2]!;
    if (used === TLB_USED_MOST) this.protectIn(TLB, TLB_MASK, host);
    else for (let k = 0; k < used; k++) this.protectIn(i32[(TLB_USED_LIST >> 2) + k]!, 0, host);
  }
  private protectIn(tlb: number, mask: number, host: number): void {
    const { i32 } = this;
    const end = (tlb + mask + TLB_ENTRY) >> 2;
    for (let e = tlb >> 2; e < end; e += TLB_ENTRY >> 2) {
      if (i32[e + (TLB_HOST >> 2)] === host) i32[e + (TLB_WRITE >> 2)] = (host - i32[e + (TLB_ADDEND >> 2)]!) ^ 0x1000;
    }
  }
}
