/**
 * The software TLB: a private one for each address space, in linear memory, of a size class that grows with its misses. An entry
 * matches by an exact compare of addresses: `address - base` must be at most 4096 - size, so neither unaligned accesses across the page
 * nor non-canonical addresses can pass.
 */
import type { CodeContext } from './code-context.ts';
import { TLB_ADDEND, TLB_AREA, TLB_AREA_END, TLB_ENTRY, TLB_HOST, TLB_INDEX_SHIFT, TLB_READ, TLB_WRITE } from './layout.ts';

/**
 * Entries of each size class, and how many TLBs of it there are. Most processes are small or soon over: many small TLBs, which are quickly
 * emptied, keep a thousand of them from taking theirs from each other.
 */
const CLASS_ENTRIES: readonly number[] = [64, 512, 2048, 8192];
const CLASS_COUNT: readonly number[] = [1024, 64, 16, 12];

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
    let at = TLB_AREA;
    for (let c = 0; c < CLASS_ENTRIES.length; c++) {
      const list: number[] = [];
      for (let k = 0; k < CLASS_COUNT[c]!; k++) {
        list.push(at);
        at += CLASS_ENTRIES[c]! * TLB_ENTRY;
      }
      list.reverse();
      this.free.push(list);
    }
    if (at > TLB_AREA_END) throw new Error('TLB area too small');
  }

  /** Makes sure that `s` has a TLB and is the most recently used; grows it if it missed a lot. */
  use(s: SpaceState): void {
    if (s.tlb === 0) this.give(s, s.sizeClass);
    else if (this.crowded(s)) {
      this.release(s);
      this.give(s, s.sizeClass + 1);
    } else if (s.prev !== null) {
      this.unlink(s);
      this.link(s);
    }
  }

  /** True if the TLB of `s` missed so often that it should grow, which `use` does. */
  crowded(s: SpaceState): boolean {
    return s.fills > (s.mask / TLB_ENTRY) * 3 && s.sizeClass + 1 < CLASS_ENTRIES.length;
  }

  private give(s: SpaceState, sizeClass: number): void {
    let tlb = this.free[sizeClass]!.pop();
    if (tlb === undefined) {
      const victim = this.tail[sizeClass]!;
      tlb = victim.tlb;
      this.unlink(victim);
      victim.tlb = 0;
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
    s.tlb = 0;
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

  /** Empties the TLB of `s`. Zeroed entries match address 0 only, which entry 0 alone could be asked for. */
  flush(s: SpaceState): void {
    if (s.tlb === 0) return;
    const at = s.tlb >> 2;
    this.i32.fill(0, at, at + ((s.mask + TLB_ENTRY) >> 2));
    this.i32[at + (TLB_READ >> 2)] = 0x1000;
    this.i32[at + (TLB_WRITE >> 2)] = 0x1000;
  }

  /** Empties the entry that a page may be in. */
  invalidate(s: SpaceState, addressLo: number): void {
    if (s.tlb === 0) return;
    const e = (s.tlb + ((addressLo >>> TLB_INDEX_SHIFT) & s.mask)) >> 2;
    const never = (addressLo & ~0xfff) ^ 0x1000;
    this.i32[e + (TLB_READ >> 2)] = never;
    this.i32[e + (TLB_WRITE >> 2)] = never;
  }

  /** Enters a page: host offset `host`, readable and writable as said. */
  fill(s: SpaceState, addressLo: number, addressHi: number, host: number, readable: boolean, writable: boolean): void {
    if (s.tlb === 0) return;
    s.fills++;
    const e = (s.tlb + ((addressLo >>> TLB_INDEX_SHIFT) & s.mask)) >> 2;
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
    const { i32 } = this;
    for (const first of this.head) {
      for (let s = first; s !== null; s = s.next) {
        const end = (s.tlb + s.mask + TLB_ENTRY) >> 2;
        for (let e = s.tlb >> 2; e < end; e += TLB_ENTRY >> 2) {
          if (i32[e + (TLB_HOST >> 2)] === host) i32[e + (TLB_WRITE >> 2)] = (host - i32[e + (TLB_ADDEND >> 2)]!) ^ 0x1000;
        }
      }
    }
  }
}
