/**
 * Translations that outlive a run: an image of regions with their code as one WebAssembly module, which the host keeps for the next run.
 *
 * Emitted code holds table slots, validity words and jump maps as constants, so an image comes with the numbers that it was made with, and is
 * taken in before anything else gets one. What regions were made from is stored beside them, page by page and byte for byte: the regions of a page are entered
 * (stored-pages.ts) only after the same bytes were found at the same address, so an image can make a run faster, but never make it do anything else. Different
 * programs may lie at the same address: a page is told from others there by the checksum of its content.
 *
 * Image: header (HEADER_WORDS × i32), then the sections, in the order of SECTIONS: what needs an alignment of 8 first.
 * Regions are in the order of the page that they begin in, then of their entries, the better of several of one entry first.
 * Meta, for each region: M_… words, then its pages (numbers in the table of pages, the one with the entry first), ranges (start, as a place in these pages one behind the other, and length), branch hints.
 */
import type { Region } from './code-cache.ts';

export const MAGIC = 0x34746976;
export const H_MAGIC = 0, H_CHECKSUM = 1, H_LENGTH = 2, H_KEY = 3, H_NEXT_SLOT = 4, H_ARENA = 5, H_USED = 6, H_SECTIONS = 8;
export const HEADER_WORDS = 32;

/** Sections, with the bytes of an element: H_SECTIONS + n is the number of elements of section n. */
export const S_ENTRIES = 0, S_PAGES = 1, S_SLOT_ADDRESSES = 2, S_PLACES = 3, S_META = 4, S_PAGE_SUMS = 5, S_PAGE_REGIONS = 6, S_PAGE_RANGES = 7, S_RANGES = 8, S_SLOTS = 9, S_MAPPED = 10;
export const S_SOURCE = 11, S_MAPS = 12, S_CODE = 13, S_MODULE = 14;
export const SECTIONS: readonly number[] = [8, 8, 8, 4, 4, 4, 4, 4, 4, 4, 4, 1, 1, 1, 1];

export const M_TIER = 0, M_WORD = 1, M_HOME = 2, M_SLOT = 3, M_PAGES = 4, M_RANGES = 5, M_HINTS = 6, M_BODY = 7, M_BODY_LENGTH = 8, M_MAP = 9, M_MAP_LENGTH = 10, M_AGE = 11;
export const M_SIZE = 12;
/** Beside the tier: the module puts this region into the slot of its entry; it puts another one there. */
export const FILLS_SLOT = 4, SLOT_FILLED = 8, TIER_MASK = 3;

/** A region as it is kept, whether it came from an image or was translated in this run. */
export interface RegionRecord {
  readonly entry: number;
  readonly tier: number;
  readonly word: number;
  readonly home: number;
  readonly slot: number;
  readonly pages: readonly number[];
  /** Checksums of the whole pages' content. */
  readonly sums: readonly number[];
  readonly ranges: readonly number[];
  /** The bytes of the ranges. */
  readonly source: Uint8Array;
  /** Code-section entry without its size, in which runtime functions are imported under their numbers; of tier 0: its interpreted code, wherever that was. */
  readonly body: Uint8Array;
  readonly hints: readonly number[];
  /** Linear-memory offset of the jump map, 0 = none, and the map. */
  readonly map: number;
  readonly mapBytes: Uint8Array;
  /** Something better was made from the same code. */
  superseded: boolean;
  /** Runs since it was last used. */
  age: number;
}

/** What the host must do with bytes and modules, as it can do it fastest. */
export interface ImageHost {
  /** 32 bits that tell bytes from others. */
  checksum(bytes: Uint8Array): number;
  /** True if `length` bytes of `a` from `i` on and of `b` from `k` on are the same. */
  sameBytes(a: Uint8Array, i: number, b: Uint8Array, k: number, length: number): boolean;
  /** Calls `compile`, which makes a module: all of its functions are compiled at once, even if the engine was told to compile functions when they are called. */
  compileWhole<T>(compile: () => T): T;
}

/** 32 bits of a text, to tell one from another. */
export function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h | 0;
}

/** Index of the first of the ascending numbers [low, high) of `list` that is at least `value`. */
function lowerBound(list: ArrayLike<number>, value: number, low: number, high: number): number {
  while (low < high) {
    const middle = (low + high) >> 1;
    if (list[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** An image that was read: checked as a whole, its parts looked at when they are asked for. */
export class TranslationImage {
  readonly nextSlot: number;
  readonly arena: number;
  readonly regions: number;
  /** Part (per cent) of the compiled code that the run before used. */
  readonly used: number;
  /** Size of the whole. */
  readonly bytes: number;
  /** The WebAssembly module. */
  readonly module: Uint8Array<ArrayBuffer>;
  readonly meta: Int32Array;
  /** Entry addresses, and where the meta words of the region are. */
  readonly entries: Float64Array;
  readonly places: Int32Array;
  /** Page numbers, in order, and checksums of the pages' content. */
  readonly pages: Float64Array;
  readonly sums: Int32Array;
  /** First region, and first range of source bytes, of each page; one more at the end. */
  private readonly pageRegions: Int32Array;
  private readonly pageRanges: Int32Array;
  /** Bytes of pages that regions were made from: start | end << 16, and the number of source bytes before them. */
  private readonly ranges: Int32Array;
  private readonly slots: Int32Array;
  private readonly slotAddresses: Float64Array;
  private readonly source: Uint8Array;
  /** For each jump map: its place in linear memory, start and length in `maps`, region. */
  private readonly mapped: Int32Array;
  private readonly maps: Uint8Array;
  /** Interpreted code of all regions of tier 0, one behind the other. */
  readonly code: Uint8Array;
  /** By region: 1 = something better was made from the same code. */
  readonly superseded: Uint8Array;
  /** Records made so far. */
  private readonly records: Map<number, StoredRecord> = new Map();

  /** The image in `bytes`, null if it is not whole, or not one for `key`. */
  static read(bytes: Uint8Array<ArrayBuffer>, key: string, checksum: (bytes: Uint8Array) => number): TranslationImage | null {
    if (bytes.length < HEADER_WORDS * 4 || (bytes.byteOffset & 7) !== 0) return null;
    const header = new Int32Array(bytes.buffer, bytes.byteOffset, HEADER_WORDS);
    if (header[H_MAGIC] !== MAGIC || header[H_LENGTH] !== bytes.length || header[H_KEY] !== hashText(key)) return null;
    if (checksum(bytes.subarray(H_LENGTH * 4)) !== header[H_CHECKSUM]) return null;
    return new TranslationImage(bytes, header);
  }

  private constructor(bytes: Uint8Array<ArrayBuffer>, header: Int32Array) {
    this.nextSlot = header[H_NEXT_SLOT]!;
    this.arena = header[H_ARENA]!;
    this.used = header[H_USED]!;
    this.bytes = bytes.length;
    const { buffer } = bytes;
    const starts: number[] = [];
    let at = bytes.byteOffset + HEADER_WORDS * 4;
    SECTIONS.forEach((size, n) => {
      starts.push(at);
      at += size * header[H_SECTIONS + n]!;
    });
    const numbers = (n: number): Float64Array => new Float64Array(buffer, starts[n], header[H_SECTIONS + n]);
    const words = (n: number): Int32Array => new Int32Array(buffer, starts[n], header[H_SECTIONS + n]);
    const octets = (n: number): Uint8Array<ArrayBuffer> => new Uint8Array(buffer, starts[n], header[H_SECTIONS + n]);
    this.entries = numbers(S_ENTRIES);
    this.pages = numbers(S_PAGES);
    this.slotAddresses = numbers(S_SLOT_ADDRESSES);
    this.places = words(S_PLACES);
    this.meta = words(S_META);
    this.sums = words(S_PAGE_SUMS);
    this.pageRegions = words(S_PAGE_REGIONS);
    this.pageRanges = words(S_PAGE_RANGES);
    this.ranges = words(S_RANGES);
    this.slots = words(S_SLOTS);
    this.mapped = words(S_MAPPED);
    this.source = octets(S_SOURCE);
    this.maps = octets(S_MAPS);
    this.code = octets(S_CODE);
    this.module = octets(S_MODULE);
    this.regions = this.entries.length;
    this.superseded = new Uint8Array(this.regions);
  }

  /** Slot of a guest address in this image, 0 = it has none. */
  slotOf(address: number): number {
    const { slotAddresses } = this;
    const i = lowerBound(slotAddresses, address, 0, slotAddresses.length);
    return slotAddresses[i] === address ? this.slots[i]! : 0;
  }

  /** Calls `each` with the slots of all addresses. */
  eachSlot(each: (address: number, slot: number) => void): void {
    this.slots.forEach((slot, i) => each(this.slotAddresses[i]!, slot));
  }

  /** Number of the first page at page number `page`, or where it would be; others there follow. */
  firstPage(page: number): number {
    return lowerBound(this.pages, page, 0, this.pages.length);
  }
  /** The regions that begin in page `k` are those from here to the same of the next page. */
  firstRegion(k: number): number {
    return this.pageRegions[k]!;
  }
  /** First of the regions of page `k` that begin at `entry`, -1 if there is none. */
  regionAt(k: number, entry: number): number {
    const end = this.firstRegion(k + 1);
    const i = lowerBound(this.entries, entry, this.firstRegion(k), end);
    return i < end && this.entries[i] === entry ? i : -1;
  }
  /** Calls `each` for every run of bytes of page `k` that regions were made from, until it gives false; true if it never did. */
  eachRange(k: number, each: (start: number, end: number, source: Uint8Array, at: number) => boolean): boolean {
    const { ranges, source } = this;
    for (let r = this.pageRanges[k]!; r < this.pageRanges[k + 1]!; r++) {
      const range = ranges[2 * r]!;
      if (!each(range & 0xffff, range >>> 16, source, ranges[2 * r + 1]!)) return false;
    }
    return true;
  }

  /** Region number `i`: always the same object. */
  record(i: number): StoredRecord {
    let r = this.records.get(i);
    if (r === undefined) this.records.set(i, (r = new StoredRecord(this, i)));
    return r;
  }

  /** All regions. */
  all(): StoredRecord[] {
    return Array.from(this.entries, (_, i) => this.record(i));
  }

  /** Regions of tier 0, in the order of their code, and where that begins. */
  private interpreted: { regions: number[]; starts: number[] } | null = null;
  /** Region of tier 0 that the interpreted code at byte `at` of `code` belongs to. */
  owner(at: number): StoredRecord {
    const { meta, places } = this;
    if (this.interpreted === null) {
      const regions = Array.from(places.keys()).filter((i) => (meta[places[i]! + M_TIER]! & TIER_MASK) === 0);
      this.interpreted = { regions, starts: regions.map((i) => meta[places[i]! + M_BODY]!) };
    }
    const { regions, starts } = this.interpreted;
    return this.record(regions[lowerBound(starts, at + 1, 0, starts.length) - 1]!); // `at` is in some region
  }

  /** Puts the jump maps where the code expects them. */
  placeMaps(memory: Uint8Array): void {
    const { mapped, maps } = this;
    for (let m = 0; m < mapped.length; m += 4) memory.set(maps.subarray(mapped[m + 1]!, mapped[m + 1]! + mapped[m + 2]!), mapped[m]!);
  }
  mapOf(region: number): Uint8Array {
    const { mapped, maps } = this;
    for (let m = 0; m < mapped.length; m += 4) if (mapped[m + 3] === region) return maps.subarray(mapped[m + 1]!, mapped[m + 1]! + mapped[m + 2]!);
    return NO_BYTES;
  }
}

/** A region of an image; its parts are taken out when they are asked for. */
export class StoredRecord implements RegionRecord {
  age: number;
  /** Its number in the image. */
  readonly index: number;
  private readonly image: TranslationImage;
  /** Place of its words in meta. */
  private readonly p: number;

  constructor(image: TranslationImage, index: number) {
    this.image = image;
    this.index = index;
    this.p = image.places[index]!;
    this.age = this.at(M_AGE) + 1;
  }
  private at(k: number): number {
    return this.image.meta[this.p + k]!; // the image is whole
  }
  private list(from: number, length: number): number[] {
    return Array.from(this.image.meta.subarray(this.p + from, this.p + from + length));
  }
  get superseded(): boolean {
    return this.image.superseded[this.index] === 1;
  }
  set superseded(value: boolean) {
    this.image.superseded[this.index] = value ? 1 : 0;
  }
  get entry(): number {
    return this.image.entries[this.index]!;
  }
  get tier(): number {
    return this.at(M_TIER) & TIER_MASK;
  }
  get word(): number {
    return this.at(M_WORD);
  }
  get home(): number {
    return this.at(M_HOME);
  }
  get slot(): number {
    return this.at(M_SLOT);
  }
  get map(): number {
    return this.at(M_MAP);
  }
  /** Numbers of its pages in the image. */
  get pageIndices(): number[] {
    return this.list(M_SIZE, this.at(M_PAGES));
  }
  get pages(): number[] {
    return this.pageIndices.map((k) => this.image.pages[k]!);
  }
  get sums(): number[] {
    return this.pageIndices.map((k) => this.image.sums[k]!);
  }
  get ranges(): number[] {
    const { pages } = this;
    const words = this.list(M_SIZE + this.at(M_PAGES), this.at(M_RANGES));
    const start = (i: number): number => pages[words[i]! >>> 12]! * 4096 + (words[i]! & 0xfff);
    return words.map((length, i) => (i % 2 === 0 ? start(i) : start(i - 1) + length));
  }
  get hints(): number[] {
    return this.list(M_SIZE + this.at(M_PAGES) + this.at(M_RANGES), this.at(M_HINTS));
  }
  get source(): Uint8Array {
    const { ranges, pageIndices, image } = this;
    const pieces: Uint8Array[] = [];
    eachPiece(ranges, (page, start, end) => {
      const k = pageIndices.find((i) => image.pages[i] === page)!; // its pages are all that its ranges lie in
      image.eachRange(k, (from, to, bytes, at) => {
        if (from <= start && end <= to) pieces.push(bytes.subarray(at + start - from, at + end - from));
        return to < end;
      });
    });
    return joined(pieces);
  }
  /** Where its code begins in `code` or the module of the image, and its size. */
  get bodyAt(): number {
    return this.at(M_BODY);
  }
  get bodySize(): number {
    return this.at(M_BODY_LENGTH);
  }
  get body(): Uint8Array {
    return (this.tier === 0 ? this.image.code : this.image.module).subarray(this.bodyAt, this.bodyAt + this.bodySize);
  }
  get mapBytes(): Uint8Array {
    return this.map === 0 ? NO_BYTES : this.image.mapOf(this.index);
  }
}

export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Calls `each` for the parts of address ranges, cut at the ends of pages. */
export function eachPiece(ranges: readonly number[], each: (page: number, start: number, end: number) => void): void {
  for (let i = 0; i < ranges.length; i += 2) {
    for (let a = ranges[i]!; a < ranges[i + 1]!; ) {
      const page = Math.floor(a / 4096);
      const end = Math.min(ranges[i + 1]! - page * 4096, 4096);
      each(page, a - page * 4096, end);
      a = page * 4096 + end;
    }
  }
}

function joined(pieces: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(pieces.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of pieces) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

/** The bytes of the instructions of `region`. */
export function sourceOf(region: Region, memory: Uint8Array): Uint8Array {
  const { ranges, pages, frames } = region;
  const pieces: Uint8Array[] = [];
  eachPiece(ranges, (page, start, end) => {
    const host = frames[pages.indexOf(page)]! * 4096;
    pieces.push(memory.subarray(host + start, host + end));
  });
  return joined(pieces);
}
