/** Writes the image of translations for the next run: see stored-translations.ts. */
import { CODE_COUNT, CODE_WORD } from './interpreted-ops.ts';
import * as T from './stored-translations.ts';
import { type RegionRecord, eachPiece, hashText } from './stored-translations.ts';

/** Runs that a region may go unused before it is left out. */
const MAX_AGE = 8;
/** Bytes of one image at most: what would go beyond is translated anew in each run. */
const MAX_IMAGE = 96 << 20;
/** Bytes of code above which only what the last run used is kept, and of interpreted code at most: all of it has its place in memory. */
const LARGE_IMAGE = 24 << 20;
export const MAX_INTERPRETED: number = 8 << 20;
/** Table slots are never given back within an image: with more than this, the next run starts without one. */
const MAX_SLOTS = 1 << 18;

/** Writes the module of an image: the records' bodies, each function into its home slot and, if the record is the first of its entry, its slot. Returns where each body begins. */
export type ModuleWriter = (records: readonly RegionRecord[], fills: readonly boolean[]) => { bytes: Uint8Array; bodies: readonly number[] };

/** What the numbers in code refer to: slots of addresses, the next one that is free, the end of what is used of the arena. */
export interface CodeNumbers {
  readonly slots: ReadonlyMap<number, number>;
  readonly nextSlot: number;
  readonly arena: number;
}

/** A page that regions were made from, as far as they tell. */
class PageBytes {
  readonly page: number;
  readonly sum: number;
  /** By offset: a byte, -1 = not known. */
  readonly bytes: Int16Array = new Int16Array(4096).fill(-1);
  index = 0;
  constructor(page: number, sum: number) {
    this.page = page;
    this.sum = sum;
  }
}

/** A record with the pages it lies in. */
interface Placed {
  readonly record: RegionRecord;
  readonly pages: readonly PageBytes[];
}

/** The pages of all records. */
class PageTable {
  private readonly known: Map<string, PageBytes> = new Map();

  /** The record with its pages, to which its bytes are added; null if other bytes are known there: pages whose checksums met. */
  place(record: RegionRecord): Placed | null {
    const pages = record.pages.map((page, i) => this.page(page, record.sums[i]!));
    const { source } = record;
    for (const adding of [false, true]) {
      let k = 0;
      let same = true;
      eachPiece(record.ranges, (page, start, end) => {
        const { bytes } = pages[record.pages.indexOf(page)]!; // its pages are all that its ranges lie in
        for (let a = start; a < end; a++, k++) {
          if (adding) bytes[a] = source[k]!;
          else if (bytes[a] !== -1 && bytes[a] !== source[k]) same = false;
        }
      });
      if (!same || k !== source.length) return null;
    }
    return { record, pages };
  }
  private page(page: number, sum: number): PageBytes {
    const key = `${page}:${sum}`;
    let p = this.known.get(key);
    if (p === undefined) this.known.set(key, (p = new PageBytes(page, sum)));
    return p;
  }
  /** All pages, in order and numbered. */
  inOrder(): PageBytes[] {
    const all = [...this.known.values()].sort((a, b) => a.page - b.page || a.sum - b.sum);
    all.forEach((p, i) => {
      p.index = i;
    });
    return all;
  }
}

/** The image for the next run; null if none is to be kept any more (it has grown out of its bounds). `count`: entries of interpreted code before it is compiled. */
export function writeImage(
  records: readonly RegionRecord[], numbers: CodeNumbers, key: string, count: number, checksum: (bytes: Uint8Array) => number, writeModule: ModuleWriter,
): Uint8Array<ArrayBuffer> | null {
  const { slots, nextSlot, arena } = numbers;
  if (nextSlot > MAX_SLOTS) return null;
  const table = new PageTable();
  const placed = chosen(records).map((r) => table.place(r)).filter((r) => r !== null);
  const pages = table.inOrder();
  const first = (r: Placed): number => r.pages[0]!.index; // the page with its entry
  placed.sort((a, b) => first(a) - first(b) || a.record.entry - b.record.entry || b.record.tier - a.record.tier);
  const kept = placed.filter((r, i) => i === 0 || first(r) !== first(placed[i - 1]!) || r.record.entry !== placed[i - 1]!.record.entry || r.record.tier !== placed[i - 1]!.record.tier);

  const compiled = kept.filter((r) => r.record.tier !== 0);
  const filled: Set<number> = new Set();
  const fills = compiled.map(({ record }) => !filled.has(record.slot) && filled.add(record.slot) !== null);
  const { bytes: module, bodies: moduleBodies } = writeModule(compiled.map((r) => r.record), fills);

  const meta: number[] = [];
  const mapped: number[] = [];
  const pageRegions = new Int32Array(pages.length + 1);
  const places = new Int32Array(kept.length);
  let mapBytes = 0;
  let codeBytes = 0;
  let n = 0;
  let all = 0;
  let used = 0;
  kept.forEach((p, i) => {
    const r = p.record;
    pageRegions[first(p) + 1]!++;
    places[i] = meta.length;
    const flag = r.tier === 0 ? (filled.has(r.slot) ? T.SLOT_FILLED : 0) : fills[n]! ? T.FILLS_SLOT : 0;
    meta.push(
      r.tier | flag, r.word, r.home, r.slot, r.pages.length, r.ranges.length, r.hints.length, r.tier === 0 ? codeBytes : moduleBodies[n]!, r.body.length, r.map, r.mapBytes.length, r.age,
      ...p.pages.map((page) => page.index), ...placesOf(r), ...r.hints,
    );
    if (r.map !== 0) mapped.push(r.map, mapBytes, r.mapBytes.length, i);
    mapBytes += r.mapBytes.length;
    if (r.tier === 0) {
      codeBytes += r.body.length;
    } else {
      n++;
      all += r.body.length;
      if (r.age === 0) used += r.body.length;
    }
  });
  for (let k = 0; k < pages.length; k++) pageRegions[k + 1]! += pageRegions[k]!;
  const { ranges, pageRanges, source } = sourceBytes(pages);
  const addresses = Float64Array.from(slots.keys()).sort();

  const contents: (ArrayLike<number> | number)[] = [];
  contents[T.S_ENTRIES] = kept.map((r) => r.record.entry);
  contents[T.S_PAGES] = pages.map((p) => p.page);
  contents[T.S_SLOT_ADDRESSES] = addresses;
  contents[T.S_PLACES] = places;
  contents[T.S_META] = meta;
  contents[T.S_PAGE_SUMS] = pages.map((p) => p.sum);
  contents[T.S_PAGE_REGIONS] = pageRegions;
  contents[T.S_PAGE_RANGES] = pageRanges;
  contents[T.S_RANGES] = ranges;
  contents[T.S_SLOTS] = Array.from(addresses, (a) => slots.get(a)!);
  contents[T.S_MAPPED] = mapped;
  contents[T.S_SOURCE] = source;
  // These are put together in place.
  contents[T.S_MAPS] = mapBytes;
  contents[T.S_CODE] = codeBytes;
  contents[T.S_MODULE] = module;
  const lengths = contents.map((c) => (typeof c === 'number' ? c : c.length));
  const length = T.HEADER_WORDS * 4 + lengths.reduce((sum, elements, s) => sum + elements * T.SECTIONS[s]!, 0);
  if (length > MAX_IMAGE) return null;
  const out = new Uint8Array(length);
  const header = new Int32Array(out.buffer, 0, T.HEADER_WORDS);
  let at = T.HEADER_WORDS * 4;
  contents.forEach((content, s) => {
    const size = T.SECTIONS[s]!;
    const elements = lengths[s]!;
    const section = size === 8 ? new Float64Array(out.buffer, at, elements) : size === 4 ? new Int32Array(out.buffer, at, elements) : out.subarray(at, at + elements);
    if (typeof content !== 'number') section.set(content);
    let to = at;
    if (s === T.S_MAPS || s === T.S_CODE) {
      for (const { record } of kept) {
        const bytes = s === T.S_MAPS ? record.mapBytes : record.tier === 0 ? record.body : T.NO_BYTES;
        out.set(bytes, to);
        if (s === T.S_CODE && bytes.length > 0) startOver(new DataView(out.buffer, to), count);
        to += bytes.length;
      }
    }
    header[T.H_SECTIONS + s] = elements;
    at += size * elements;
  });
  header[T.H_MAGIC] = T.MAGIC;
  header[T.H_LENGTH] = length;
  header[T.H_KEY] = hashText(key);
  header[T.H_NEXT_SLOT] = nextSlot;
  header[T.H_ARENA] = arena;
  header[T.H_USED] = all === 0 ? 0 : Math.round((used * 100) / all);
  header[T.H_CHECKSUM] = checksum(out.subarray(T.H_LENGTH * 4));
  return out;
}

/** The ranges of a region, which may be far from each other: place of the start in its pages, one behind the other, and length. */
function placesOf({ pages, ranges }: RegionRecord): number[] {
  return ranges.map((a, i) => (i % 2 === 0 ? pages.indexOf(Math.floor(a / 4096)) * 4096 + (a % 4096) : a - ranges[i - 1]!));
}

/** Interpreted code as it was before it ran. */
function startOver(code: DataView, count: number): void {
  code.setInt32(CODE_WORD, 0, true);
  code.setInt32(CODE_COUNT, count, true);
}

/** What is kept of `records`: what was used last comes first, and is all there is of many. */
function chosen(records: readonly RegionRecord[]): RegionRecord[] {
  const alive = records.filter((r) => !r.superseded && r.age <= MAX_AGE);
  // An image is read as a whole at each start: a large one (of a shell that has run all kinds of programs) is cut down to what this run has used.
  const large = alive.reduce((sum, r) => sum + r.body.length, 0) > LARGE_IMAGE;
  let interpreted = 0;
  return alive
    .filter((r) => !large || r.age === 0)
    .sort((a, b) => a.age - b.age)
    .filter((r) => r.tier !== 0 || (interpreted += r.body.length) <= MAX_INTERPRETED);
}

/** What is known of the pages: ranges of bytes (start | end << 16, number of source bytes before them), the first of each page, and the bytes. */
function sourceBytes(pages: readonly PageBytes[]): { ranges: number[]; pageRanges: number[]; source: number[] } {
  const ranges: number[] = [];
  const source: number[] = [];
  const pageRanges = [0];
  for (const { bytes } of pages) {
    for (let a = 0; a < 4096; a++) {
      if (bytes[a] === -1) continue;
      const start = a;
      const from = source.length;
      while (a < 4096 && bytes[a] !== -1) source.push(bytes[a++]!);
      ranges.push(start | (a << 16), from);
    }
    pageRanges.push(ranges.length / 2);
  }
  return { ranges, pageRanges, source };
}
