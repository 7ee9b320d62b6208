/**
 * The regions of an image, as pages of the same content are found in address spaces: each page's bytes are compared once, and then all regions that begin in it are
 * entered together. What is entered so has no Region object until somebody asks for one (`regionAt`).
 */
import type { AddressSpace } from '../memory/address-space.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { type CodeCache, type Region, executableFrame } from './code-cache.ts';
import { CODE_COUNT } from './interpreted-ops.ts';
import { ENTRIES, interpretedCacheEntry } from './layout.ts';
import type { PlatformStats } from './platform.ts';
import { FILLS_SLOT, type ImageHost, M_BODY, M_BODY_LENGTH, M_HOME, M_PAGES, M_SIZE, M_SLOT, M_TIER, M_WORD, SLOT_FILLED, TIER_MASK, type TranslationImage } from './stored-translations.ts';

/** Entries of a region before it is compiled (tier 0), or made again (tier 1). */
export interface EntryLimits {
  readonly interpreted: number;
  readonly compiled: number;
}

export class StoredPages {
  readonly image: TranslationImage;
  private readonly pm: PhysicalMemory;
  private readonly cache: CodeCache;
  private readonly host: ImageHost;
  private readonly stats: PlatformStats;
  private readonly protect: (frame: number) => void;
  /** Where the image's interpreted code lies, each page's from when it is first found; 0 = it is not used. */
  private codeBase: number;
  private readonly limits: EntryLimits;
  /** By frame: pages of the image that it was found to hold, and -1 - page number where it was found to hold none. */
  private readonly known: Map<number, number[]> = new Map();
  /** By page of the image: the newest code context that its regions were entered for, -1 = the page has not been found yet. */
  private readonly contexts: Int32Array;

  /** `protect` takes a frame out of the TLBs for writing. */
  constructor(image: TranslationImage, pm: PhysicalMemory, cache: CodeCache, host: ImageHost, codeBase: number, limits: EntryLimits, stats: PlatformStats, protect: (frame: number) => void) {
    this.image = image;
    this.pm = pm;
    this.cache = cache;
    this.host = host;
    this.codeBase = codeBase;
    this.limits = limits;
    this.stats = stats;
    this.protect = protect;
    this.contexts = new Int32Array(image.pages.length).fill(-1);
  }

  /** Table slot of a region of the image that is what `space` has at `rip`, 0 if there is none. All others of the page are entered too. */
  enter(space: AddressSpace, context: number, rip: number): number {
    const { image, contexts } = this;
    const k = this.find(space, Math.floor(rip / 4096));
    if (k < 0) return 0;
    if (contexts[k]! < context) {
      contexts[k] = context;
      this.enterAll(space, context, k);
    }
    const i = this.best(space, k, rip);
    if (i < 0) return 0;
    this.put(i, context);
    return image.meta[image.places[i]! + M_SLOT]!;
  }

  /** The region of the image that is what `space` has at `rip`, as an object of its own; null if there is none. */
  regionAt(space: AddressSpace, rip: number): Region | null {
    const k = this.find(space, Math.floor(rip / 4096));
    const i = k < 0 ? -1 : this.best(space, k, rip);
    return i < 0 ? null : this.region(i, space);
  }

  private words: Map<number, number> | null = null;
  /** The compiled region with this validity word in `space`, if there is one. */
  regionOf(space: AddressSpace, word: number): Region | null {
    const { meta, places } = this.image;
    this.words ??= new Map(Array.from(places, (p, i) => [meta[p + M_WORD]!, i]));
    const i = this.words.get(word);
    return i === undefined || word === 0 || this.image.superseded[i] === 1 || !this.isAll(space, i, false) ? null : this.region(i, space);
  }

  /** Nothing made from `frame` is valid any more. */
  dropFrame(frame: number): void {
    const { image } = this;
    for (const k of this.known.get(frame) ?? []) {
      if (k < 0) continue;
      for (let i = 0; i < image.regions; i++) {
        const p = image.places[i]!;
        for (let n = 0; n < image.meta[p + M_PAGES]!; n++) if (image.meta[p + M_SIZE + n] === k) this.invalidate(p);
      }
    }
    this.known.delete(frame);
  }

  /** The interpreted code of the image is given up. */
  forgetInterpreted(): void {
    const { image } = this;
    for (const p of image.places) if ((image.meta[p + M_TIER]! & TIER_MASK) === 0) this.invalidate(p);
    this.codeBase = 0;
  }

  /** True if region `i` has run, as far as it counts that. */
  wasUsed(i: number): boolean {
    const { image, pm } = this;
    const p = image.places[i]!;
    if (this.contexts[image.meta[p + M_SIZE]!]! < 0) return false;
    switch (image.meta[p + M_TIER]! & TIER_MASK) {
      case 0: return this.codeBase !== 0 && pm.i32[(this.wordOf(p) + CODE_COUNT) >> 2] !== this.limits.interpreted;
      case 1: return pm.i32[(this.wordOf(p) + ENTRIES) >> 2] !== this.limits.compiled;
      default: return true;
    }
  }

  /** Page of the image that `space` has at a page number, -1 if it is none. */
  private find(space: AddressSpace, page: number): number {
    const { image } = this;
    const first = image.firstPage(page);
    if (image.pages[first] !== page) return -1;
    const frame = executableFrame(space, page);
    if (frame === 0) return -1;
    let known = this.known.get(frame);
    if (known === undefined) this.known.set(frame, (known = []));
    for (const k of known) if (k < 0 ? -1 - k === page : image.pages[k] === page) return k < 0 ? -1 : k;
    const host = frame * 4096;
    const sum = this.host.checksum(this.pm.u8.subarray(host, host + 4096));
    for (let k = first; image.pages[k] === page; k++) {
      if (image.sums[k] !== sum || !image.eachRange(k, (start, end, source, at) => this.host.sameBytes(source, at, this.pm.u8, host + start, end - start))) continue;
      this.protect(frame);
      image.eachRange(k, (start, end) => {
        this.cache.markCode(frame, start, end);
        return true;
      });
      if (this.contexts[k] === -1) this.place(k);
      // For this frame none of them has been entered yet.
      this.contexts[k] = 0;
      known.push(k);
      return k;
    }
    known.push(-1 - page);
    return -1;
  }

  /** Puts the interpreted code of page `k` where it is run. */
  private place(k: number): void {
    const { image, codeBase } = this;
    const { meta, places } = image;
    let from = -1;
    let to = 0;
    for (let i = image.firstRegion(k); i < image.firstRegion(k + 1); i++) {
      const p = places[i]!;
      const tier = meta[p + M_TIER]! & TIER_MASK;
      if (tier === 1) this.pm.i32[(meta[p + M_WORD]! + ENTRIES) >> 2] = this.limits.compiled;
      if (tier !== 0) continue;
      if (from < 0) from = meta[p + M_BODY]!;
      to = meta[p + M_BODY]! + meta[p + M_BODY_LENGTH]!;
    }
    if (from >= 0 && codeBase !== 0) this.pm.u8.set(image.code.subarray(from, to), codeBase + from);
  }

  /** Enters the best region of each entry in page `k`, if all its pages are there. */
  private enterAll(space: AddressSpace, context: number, k: number): void {
    const { image } = this;
    const { entries, meta, places, superseded } = image;
    const end = image.firstRegion(k + 1);
    let last = -1;
    for (let i = image.firstRegion(k); i < end; i++) {
      const entry = entries[i]!;
      if (entry === last || superseded[i] === 1) continue;
      last = entry;
      if (meta[places[i]! + M_PAGES] === 1 || this.isAll(space, i, false)) this.put(i, context);
    }
  }

  /** The best region of page `k` that begins at `rip` and that `space` has, -1 if there is none. */
  private best(space: AddressSpace, k: number, rip: number): number {
    const { image } = this;
    for (let i = image.regionAt(k, rip); i >= 0 && i < image.firstRegion(k + 1) && image.entries[i] === rip; i++) {
      if (image.superseded[i] === 1 || (this.codeBase === 0 && (image.meta[image.places[i]! + M_TIER]! & TIER_MASK) === 0)) continue;
      if (image.meta[image.places[i]! + M_PAGES] === 1 || this.isAll(space, i, true)) return i;
    }
    return -1;
  }

  /** True if `space` has all pages of region `i`. `bring`: those that are not in memory are brought in, else it has not. */
  private isAll(space: AddressSpace, i: number, bring: boolean): boolean {
    const { meta, places, pages } = this.image;
    const p = places[i]!;
    for (let n = 0; n < meta[p + M_PAGES]!; n++) {
      const k = meta[p + M_SIZE + n]!;
      if (bring) {
        if (this.find(space, pages[k]!) !== k) return false;
      } else if (this.known.get(executableFrame(space, pages[k]!, false))?.includes(k) !== true) return false;
    }
    return true;
  }

  /** The region with its words at `p` is not valid. Interpreted code that was given up has no word: other code is where it was. */
  private invalidate(p: number): void {
    if (this.codeBase === 0 && (this.image.meta[p + M_TIER]! & TIER_MASK) === 0) return;
    this.pm.i32[this.wordOf(p) >> 2] = 0;
  }
  private wordOf(p: number): number {
    const { meta } = this.image;
    return (meta[p + M_TIER]! & TIER_MASK) === 0 ? this.codeBase + meta[p + M_BODY]! : meta[p + M_WORD]!;
  }

  /** Region `i` is valid for `context`, and in its slot. */
  private put(i: number, context: number): void {
    const { image, cache } = this;
    const { meta } = image;
    const { i32 } = this.pm;
    const p = image.places[i]!;
    const flags = meta[p + M_TIER]!;
    const slot = meta[p + M_SLOT]!;
    if ((flags & TIER_MASK) === 0) {
      if (this.codeBase === 0) return;
      const entry = image.entries[i]!;
      const word = this.codeBase + meta[p + M_BODY]!;
      const e = interpretedCacheEntry(entry | 0) >> 2;
      i32[e] = entry | 0;
      i32[e + 1] = Math.floor(entry / 4294967296);
      i32[e + 2] = word;
      this.validate(word, context);
      cache.fillSlot(slot, 0, (flags & SLOT_FILLED) === 0);
    } else {
      this.validate(meta[p + M_WORD]!, context);
      cache.fillSlot(slot, meta[p + M_HOME]!, (flags & FILLS_SLOT) !== 0);
    }
  }
  private validate(word: number, context: number): void {
    const { i32 } = this.pm;
    if (i32[word >> 2] === 0) this.stats.stored++;
    i32[word >> 2] = context;
  }

  private region(i: number, space: AddressSpace): Region {
    const record = this.image.record(i);
    const { entry, home, slot, pages, ranges, tier } = record;
    const frames = pages.map((page) => executableFrame(space, page));
    return { entry, word: this.wordOf(this.image.places[i]!), home, slot, pages, frames, ranges, dead: false, tier, record, samples: 0, remade: 0, joins: false, moved: 0 };
  }
}
