/**
 * Translations that outlive a run: an image of regions with their code as one WebAssembly module, which the host keeps for the next run.
 *
 * Emitted code holds table slots, validity words and jump maps as constants, so an image comes with the numbers that it was made with, and is
 * taken in before anything else gets one. What a region was made from is stored beside it, byte for byte: it is entered only after the same
 * bytes were found at the same address, so an image can make a run faster, but never make it do anything else. The module's functions are
 * compiled when they are first called.
 *
 * Image: header (HEADER_WORDS × i32), then meta (i32), slots (i32), slot addresses (f64), source bytes, jump maps, interpreted code, WebAssembly module.
 * Meta, for each region: M_… words, then pages (low, high), ranges (start and end from the entry), branch hints.
 */
import type { Region } from './code-cache.ts';

const MAGIC = 0x31746976;
const H_MAGIC = 0, H_CHECKSUM = 1, H_LENGTH = 2, H_KEY = 3, H_REGIONS = 4, H_META = 5, H_SLOTS = 6, H_SOURCE = 7, H_MAPS = 8, H_MODULE = 9, H_NEXT_SLOT = 10, H_ARENA = 11, H_CODE = 12;
const HEADER_WORDS = 16;

const M_ENTRY_LO = 0, M_ENTRY_HI = 1, M_TIER = 2, M_WORD = 3, M_HOME = 4, M_SLOT = 5, M_PAGES = 6, M_RANGES = 7, M_HINTS = 8, M_BODY = 9, M_BODY_LENGTH = 10, M_MAP = 11;
const M_MAP_LENGTH = 12, M_SOURCE = 13, M_SOURCE_LENGTH = 14, M_AGE = 15;
const M_SIZE = 16;

/** Runs that a region may go unused before it is left out. */
const MAX_AGE = 8;
/** Bytes of one image at most: what would go beyond is translated anew in each run. */
const MAX_IMAGE = 96 << 20;
/** Bytes of code above which only what the last run used is kept. */
const LARGE_IMAGE = 24 << 20;
/** Table slots are never given back within an image: with more than this, the next run starts without one. */
const MAX_SLOTS = 1 << 18;

/** A region as it is kept, whether it came from an image or was translated in this run. */
export interface RegionRecord {
  readonly entry: number;
  readonly tier: number;
  readonly word: number;
  readonly home: number;
  readonly slot: number;
  readonly pages: readonly number[];
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

/** What the host must do with bytes: a checksum of its own that is fast. */
export type Checksum = (bytes: Uint8Array) => number;

/** Calls `compile`, which makes a module: all of its functions are compiled at once, even if the engine was told to compile functions when they are called. */
export type CompileWhole = <T>(compile: () => T) => T;

/** 32 bits of a text, to tell one from another. */
function hashText(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  return h | 0;
}

/** An image that was read: checked as a whole, its parts looked at when they are asked for. */
export class TranslationImage {
  readonly nextSlot: number;
  readonly arena: number;
  readonly regions: number;
  /** Part of the interpreted and of the compiled code that the run before used. */
  readonly usedShares: readonly number[];
  /** Size of the whole. */
  readonly bytes: number;
  /** The WebAssembly module. */
  readonly module: Uint8Array<ArrayBuffer>;
  readonly meta: Int32Array;
  private readonly slots: Int32Array;
  private readonly slotAddresses: Float64Array;
  readonly source: Uint8Array;
  private readonly maps: Uint8Array;
  /** Interpreted code of all regions of tier 0, one behind the other. */
  readonly code: Uint8Array;
  /** Entry addresses, in order, and where their meta words are: the better of several regions of one entry first. */
  readonly entries: Float64Array;
  private readonly places: Int32Array;
  /** Where the code of the regions of tier 0 begins in `code`, in order, and their number in `entries`. */
  private readonly codeStarts: Int32Array;
  private readonly codeOwners: Int32Array;
  /** By slot: 1 = the module puts a function there for an address. */
  private readonly filled: Uint8Array;
  /** Records made so far. */
  private readonly records: (StoredRecord | undefined)[] = [];

  /** The image in `bytes`, null if it is not whole, or not one for `key`. */
  static read(bytes: Uint8Array<ArrayBuffer>, key: string, checksum: Checksum): TranslationImage | null {
    if (bytes.length < HEADER_WORDS * 4 || (bytes.byteOffset & 7) !== 0) return null;
    const header = new Int32Array(bytes.buffer, bytes.byteOffset, HEADER_WORDS);
    if (header[H_MAGIC] !== MAGIC || header[H_LENGTH] !== bytes.length || header[H_KEY] !== hashText(key)) return null;
    for (let i = H_REGIONS; i <= H_CODE; i++) if (header[i]! < 0) return null;
    const end = HEADER_WORDS * 4 + header[H_META]! * 4 + header[H_SLOTS]! * 12 + header[H_SOURCE]! + header[H_MAPS]! + header[H_CODE]! + header[H_MODULE]!;
    if (end !== bytes.length || header[H_META]! % 2 !== 0 || header[H_SLOTS]! % 2 !== 0) return null;
    if (checksum(bytes.subarray(H_LENGTH * 4)) !== header[H_CHECKSUM]) return null;
    return new TranslationImage(bytes, header);
  }

  private constructor(bytes: Uint8Array<ArrayBuffer>, header: Int32Array) {
    this.nextSlot = header[H_NEXT_SLOT]!;
    this.arena = header[H_ARENA]!;
    this.regions = header[H_REGIONS]!;
    this.bytes = bytes.length;
    let at = bytes.byteOffset + HEADER_WORDS * 4;
    const part = (n: number): number => {
      at += n;
      return at - n;
    };
    const { buffer } = bytes;
    this.meta = new Int32Array(buffer, part(header[H_META]! * 4), header[H_META]!);
    this.slots = new Int32Array(buffer, part(header[H_SLOTS]! * 4), header[H_SLOTS]!);
    this.slotAddresses = new Float64Array(buffer, part(header[H_SLOTS]! * 8), header[H_SLOTS]!);
    this.source = new Uint8Array(buffer, part(header[H_SOURCE]!), header[H_SOURCE]!);
    this.maps = new Uint8Array(buffer, part(header[H_MAPS]!), header[H_MAPS]!);
    this.code = new Uint8Array(buffer, part(header[H_CODE]!), header[H_CODE]!);
    this.module = new Uint8Array(buffer, part(header[H_MODULE]!), header[H_MODULE]!);
    const { meta, regions } = this;
    this.entries = new Float64Array(regions);
    this.places = new Int32Array(regions);
    this.filled = new Uint8Array(this.nextSlot);
    const starts = new Int32Array(regions);
    const owners = new Int32Array(regions);
    const total = [0, 0];
    const used = [0, 0];
    let interpreted = 0;
    for (let i = 0, p = 0; i < regions; i++) {
      const kind = meta[p + M_TIER] === 0 ? 0 : 1;
      const size = meta[p + M_BODY_LENGTH]!;
      total[kind]! += size;
      if (meta[p + M_AGE] === 0) used[kind]! += size;
      this.entries[i] = meta[p + M_ENTRY_HI]! * 4294967296 + (meta[p + M_ENTRY_LO]! >>> 0);
      this.places[i] = p;
      if (kind !== 0) this.filled[meta[p + M_SLOT]!] = 1;
      else {
        starts[interpreted] = meta[p + M_BODY]!;
        owners[interpreted++] = i;
      }
      p += M_SIZE + 2 * meta[p + M_PAGES]! + meta[p + M_RANGES]! + meta[p + M_HINTS]!;
    }
    this.codeStarts = starts.subarray(0, interpreted);
    this.codeOwners = owners;
    this.usedShares = used.map((n, kind) => (n === 0 ? 0 : n / total[kind]!));
  }

  /** Slot of a guest address in this image, 0 = it has none. */
  slotOf(address: number): number {
    const { slotAddresses } = this;
    let low = 0;
    let high = slotAddresses.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (slotAddresses[middle]! < address) low = middle + 1;
      else high = middle;
    }
    return slotAddresses[low] === address ? this.slots[low]! : 0;
  }

  /** Calls `each` with the slots of all addresses. */
  eachSlot(each: (address: number, slot: number) => void): void {
    this.slots.forEach((slot, i) => {
      if (slot !== 0) each(this.slotAddresses[i]!, slot);
    });
  }

  /** Number of the first region that starts at `entry`, -1 if there is none; others of that entry follow. */
  first(entry: number): number {
    const { entries } = this;
    let low = 0;
    let high = entries.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (entries[middle]! < entry) low = middle + 1;
      else high = middle;
    }
    return entries[low] === entry ? low : -1;
  }

  /** Region number `i`: always the same object. */
  record(i: number): StoredRecord {
    return (this.records[i] ??= new StoredRecord(this, this.places[i]!)); // one for each region
  }

  /** Regions that start at `entry` (none, one, or several of different code). */
  from(entry: number): readonly RegionRecord[] {
    const out: RegionRecord[] = [];
    for (let i = this.first(entry); i >= 0 && this.entries[i] === entry; i++) out.push(this.record(i));
    return out;
  }

  /** All regions. */
  all(): RegionRecord[] {
    return Array.from(this.entries, (_, i) => this.record(i));
  }

  /** True if the module puts a function into the slot of an address. */
  fills(slot: number): boolean {
    return this.filled[slot] === 1;
  }

  /** Region of tier 0 that the interpreted code at byte `at` of `code` belongs to. */
  owner(at: number): StoredRecord {
    const { codeStarts } = this;
    let low = 0;
    let high = codeStarts.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (codeStarts[middle]! <= at) low = middle + 1;
      else high = middle;
    }
    return this.record(this.codeOwners[low - 1]!); // `at` is in some region
  }

  private mapPlaces: Map<number, number> | null = null;
  mapOf(p: number): Uint8Array {
    const { meta } = this;
    if (this.mapPlaces === null) {
      this.mapPlaces = new Map();
      this.eachMap((_place, from, _length, q) => this.mapPlaces!.set(q, from)); // just made
    }
    const from = this.mapPlaces.get(p) ?? 0;
    return this.maps.subarray(from, from + meta[p + M_MAP_LENGTH]!);
  }

  /** Calls `each` with the place in linear memory, start and length among the maps, and place in meta of every jump map. */
  private eachMap(each: (place: number, from: number, length: number, p: number) => void): void {
    const { meta } = this;
    let from = 0;
    for (let i = 0, p = 0; i < this.regions; i++) {
      const length = meta[p + M_MAP_LENGTH]!;
      if (length !== 0) {
        each(meta[p + M_MAP]!, from, length, p);
        from += length;
      }
      p += M_SIZE + 2 * meta[p + M_PAGES]! + meta[p + M_RANGES]! + meta[p + M_HINTS]!;
    }
  }

  /** Puts the jump maps where the code expects them. */
  placeMaps(memory: Uint8Array): void {
    this.eachMap((place, from, length) => memory.set(this.maps.subarray(from, from + length), place));
  }
}

/** A region of an image; its parts are taken out when they are asked for. */
export class StoredRecord implements RegionRecord {
  superseded = false;
  age: number;
  private readonly image: TranslationImage;
  /** Place of its words in meta. */
  private readonly p: number;
  private knownPages: readonly number[] | null = null;
  private knownRanges: readonly number[] | null = null;

  constructor(image: TranslationImage, p: number) {
    this.image = image;
    this.p = p;
    this.age = this.at(M_AGE) + 1;
  }
  private at(k: number): number {
    return this.image.meta[this.p + k]!; // the image is whole
  }
  get entry(): number {
    return this.at(M_ENTRY_HI) * 4294967296 + (this.at(M_ENTRY_LO) >>> 0);
  }
  get tier(): number {
    return this.at(M_TIER);
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
  get pages(): readonly number[] {
    if (this.knownPages !== null) return this.knownPages;
    const out: number[] = [];
    for (let i = 0; i < this.at(M_PAGES); i++) out.push(this.at(M_SIZE + 2 * i + 1) * 4294967296 + (this.at(M_SIZE + 2 * i) >>> 0));
    this.knownPages = out;
    return out;
  }
  get ranges(): readonly number[] {
    if (this.knownRanges !== null) return this.knownRanges;
    const { entry } = this;
    const from = M_SIZE + 2 * this.at(M_PAGES);
    const out: number[] = [];
    for (let i = 0; i < this.at(M_RANGES); i++) out.push(entry + this.at(from + i));
    this.knownRanges = out;
    return out;
  }
  get hints(): readonly number[] {
    const from = this.p + M_SIZE + 2 * this.at(M_PAGES) + this.at(M_RANGES);
    return Array.from(this.image.meta.subarray(from, from + this.at(M_HINTS)));
  }
  get source(): Uint8Array {
    const from = this.at(M_SOURCE);
    return this.image.source.subarray(from, from + this.at(M_SOURCE_LENGTH));
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
    // The maps lie one behind the other, in the order of the regions; M_MAP is the place in linear memory, M_MAP_LENGTH the bytes.
    return this.map === 0 ? NO_BYTES : this.image.mapOf(this.p);
  }
  /** True if the bytes that it was made from are in memory, page by page in `frames`. */
  sameSource(frames: readonly number[], memory: Uint8Array): boolean {
    const { ranges, pages } = this;
    const from = this.at(M_SOURCE);
    return sameBytes(this.image.source, from, from + this.at(M_SOURCE_LENGTH), ranges, pages, frames, memory);
  }
}

export const NO_BYTES: Uint8Array = new Uint8Array(0);

/** Writes the module of an image: the records' bodies, each function into its home slot and, if the record is the first of its entry, its slot. Returns where each body begins. */
export type ModuleWriter = (records: readonly RegionRecord[], isFirst: readonly boolean[]) => { bytes: Uint8Array; bodies: readonly number[] };

/** The image for the next run, in pieces to be written one behind the other; null if none is to be kept any more (it has grown out of its bounds). */
export function writeImage(
  records: readonly RegionRecord[], slots: ReadonlyMap<number, number>, nextSlot: number, arena: number, key: string, checksum: Checksum, writeModule: ModuleWriter,
): Uint8Array<ArrayBuffer> | null {
  if (nextSlot > MAX_SLOTS) return null;
  const alive = records.filter((r) => !r.superseded && r.age <= MAX_AGE);
  // An image is read as a whole at each start: a large one (of a shell that has run all kinds of programs) is cut down to what this run has used.
  const large = alive.reduce((sum, r) => sum + r.body.length + r.source.length, 0) > LARGE_IMAGE;
  const kept = alive.filter((r) => !large || r.age === 0).sort((a, b) => a.entry - b.entry || b.tier - a.tier);
  const compiled = kept.filter((r) => r.tier !== 0);
  const { bytes: module, bodies: moduleBodies } = writeModule(compiled, compiled.map((r, i) => i === 0 || compiled[i - 1]!.entry !== r.entry));
  let codeBytes = 0;
  let k = 0;
  const bodies = kept.map((r) => {
    if (r.tier !== 0) return moduleBodies[k++]!; // one for each compiled record
    codeBytes += r.body.length;
    return codeBytes - r.body.length;
  });
  let metaWords = 0;
  let sourceBytes = 0;
  let mapBytes = 0;
  for (const r of kept) {
    metaWords += M_SIZE + 2 * r.pages.length + r.ranges.length + r.hints.length;
    sourceBytes += r.source.length;
    mapBytes += r.mapBytes.length;
  }
  metaWords += metaWords & 1;
  const addresses = [...slots.keys()].sort((a, b) => a - b);
  const slotCount = addresses.length + (addresses.length & 1);
  const length = HEADER_WORDS * 4 + metaWords * 4 + slotCount * 12 + sourceBytes + mapBytes + codeBytes + module.length;
  if (length > MAX_IMAGE) return null;
  const out = new Uint8Array(length);
  const header = new Int32Array(out.buffer, 0, HEADER_WORDS);
  let at = HEADER_WORDS * 4;
  const meta = new Int32Array(out.buffer, at, metaWords);
  at += metaWords * 4;
  const slotNumbers = new Int32Array(out.buffer, at, slotCount);
  at += slotCount * 4;
  const slotAddresses = new Float64Array(out.buffer, at, slotCount).fill(Infinity);
  at += slotCount * 8;
  addresses.forEach((a, i) => {
    slotAddresses[i] = a;
    slotNumbers[i] = slots.get(a)!; // a key of the map
  });
  const source = at;
  const maps = source + sourceBytes;
  let p = 0;
  let s = 0;
  let m = 0;
  kept.forEach((r, i) => {
    meta[p + M_ENTRY_LO] = r.entry | 0;
    meta[p + M_ENTRY_HI] = Math.floor(r.entry / 4294967296);
    meta[p + M_TIER] = r.tier;
    meta[p + M_WORD] = r.word;
    meta[p + M_HOME] = r.home;
    meta[p + M_SLOT] = r.slot;
    meta[p + M_PAGES] = r.pages.length;
    meta[p + M_RANGES] = r.ranges.length;
    meta[p + M_HINTS] = r.hints.length;
    meta[p + M_BODY] = bodies[i]!;
    meta[p + M_BODY_LENGTH] = r.body.length;
    meta[p + M_MAP] = r.map;
    meta[p + M_MAP_LENGTH] = r.mapBytes.length;
    meta[p + M_SOURCE] = s;
    meta[p + M_SOURCE_LENGTH] = r.source.length;
    meta[p + M_AGE] = r.age;
    p += M_SIZE;
    for (const page of r.pages) {
      meta[p++] = page | 0;
      meta[p++] = Math.floor(page / 4294967296);
    }
    for (const a of r.ranges) meta[p++] = a - r.entry;
    for (const h of r.hints) meta[p++] = h;
    out.set(r.source, source + s);
    s += r.source.length;
    out.set(r.mapBytes, maps + m);
    m += r.mapBytes.length;
    if (r.tier === 0) out.set(r.body, maps + mapBytes + bodies[i]!);
  });
  out.set(module, maps + mapBytes + codeBytes);
  header[H_MAGIC] = MAGIC;
  header[H_LENGTH] = length;
  header[H_KEY] = hashText(key);
  header[H_REGIONS] = kept.length;
  header[H_META] = metaWords;
  header[H_SLOTS] = slotCount;
  header[H_SOURCE] = sourceBytes;
  header[H_MAPS] = mapBytes;
  header[H_CODE] = codeBytes;
  header[H_MODULE] = module.length;
  header[H_NEXT_SLOT] = nextSlot;
  header[H_ARENA] = arena;
  header[H_CHECKSUM] = checksum(out.subarray(H_LENGTH * 4));
  return out;
}

/** True if the bytes of `ranges` in memory, page by page in `frames`, are those that `r` was made from. */
export function sameSource(r: RegionRecord, frames: readonly number[], memory: Uint8Array): boolean {
  return sameBytes(r.source, 0, r.source.length, r.ranges, r.pages, frames, memory);
}

/** The same for bytes [k, stop) of `source`. */
function sameBytes(
  source: Uint8Array, k: number, stop: number, ranges: readonly number[], pages: readonly number[], frames: readonly number[], memory: Uint8Array,
): boolean {
  for (let i = 0; i < ranges.length; i += 2) {
    for (let a = ranges[i]!; a < ranges[i + 1]!; ) {
      const page = Math.floor(a / 4096);
      const n = pages.length === 1 ? (pages[0] === page ? 0 : -1) : pages.indexOf(page);
      if (n < 0) return false;
      const end = Math.min(ranges[i + 1]!, (page + 1) * 4096);
      let from = frames[n]! * 4096 + (a - page * 4096);
      for (const last = from + (end - a); from < last; from++) if (memory[from] !== source[k++]) return false;
      a = end;
    }
  }
  return k === stop;
}

/** The bytes of `ranges`, page by page in `frames`. */
export function sourceOf(region: Region, memory: Uint8Array): Uint8Array {
  const { ranges, pages, frames } = region;
  let length = 0;
  for (let i = 0; i < ranges.length; i += 2) length += ranges[i + 1]! - ranges[i]!;
  const out = new Uint8Array(length);
  let k = 0;
  for (let i = 0; i < ranges.length; i += 2) {
    for (let a = ranges[i]!; a < ranges[i + 1]!; ) {
      const page = Math.floor(a / 4096);
      const end = Math.min(ranges[i + 1]!, (page + 1) * 4096);
      const from = frames[pages.indexOf(page)]! * 4096 + (a - page * 4096);
      out.set(memory.subarray(from, from + (end - a)), k);
      k += end - a;
      a = end;
    }
  }
  return out;
}
