/**
 * All translations: by guest address, by the frames they were made from, by table slot.
 *
 * Every guest address that is called or jumped to has one table slot for good. The slot holds a stub until there is a region; calls,
 * jump cache and dispatcher all go through slots. A region checks its validity word against the running task's code context when it is
 * entered, so a slot may hold a region that is not valid (any more, or here): it then goes to `resolve`, which puts the right one in place.
 */
import type { AddressSpace } from '../memory/address-space.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { FRAME_CODE } from '../memory/physical-memory.ts';
import type { WasmTable } from '../wasm/engine.ts';
import { GO_ON_SLOT } from './runtime-functions.ts';
import type { StoredPages } from './stored-pages.ts';
import type { RegionRecord, TranslationImage } from './stored-translations.ts';
import { CODE_HEADER, CODE_ROWS, CODE_LENGTH } from './interpreted-ops.ts';
import { INTERPRETED_ARENA, INTERPRETED_ARENA_END, INTERPRETED_CACHE, INTERPRETED_CACHE_ENTRIES, REGION_ARENA, REGION_ARENA_END, interpretedCacheEntry, jumpCacheEntry } from './layout.ts';

const EXEC = 2;
/** Bytes that the code of one interpreted region may take. */
const MIN_ROOM = 1 << 16;
/** Initial size of the function table; it doubles when it is full. */
const TABLE_SIZE = 1 << 11;

/** One translated region. */
export interface Region {
  readonly entry: number;
  /** Linear-memory offset of the validity word: the code context it was last found valid for, 0 = not valid. */
  readonly word: number;
  /** Table slot of the function itself, beside the slot of its address. */
  readonly home: number;
  readonly slot: number;
  /** Page numbers and frames it was read from. */
  readonly pages: readonly number[];
  readonly frames: readonly number[];
  /** Address ranges of its instructions: start, end, start, end … */
  readonly ranges: readonly number[];
  dead: boolean;
  /** What is kept of it for the next run, null if nothing is. */
  record: RegionRecord | null;
  /** 0: interpreted, its code begins at `word`; 1: small, quick to make; 2: made again because it was seen running when fuel ran out. */
  readonly tier: number;
  /** Times that fuel ran out at loops within it. */
  samples: number;
  /** Times that it was made again as tier 2. */
  remade: number;
  /** A region that leads to it was made again for its sake: the next time it is made again itself. */
  joins: boolean;
  /** Loops within it that got a region of their own, and how often that had happened to get here: each time it takes longer. */
  moved: number;
}

/** Code in one frame. */
class CodeFrame {
  /** A bit for each byte that was translated. */
  readonly bytes: Uint8Array = new Uint8Array(512);
  readonly regions: Region[] = [];
  /** Checksum of the content, once somebody has asked for it. */
  sum: number | null = null;
}

/** Frame of an executable page, 0 = it cannot be fetched from. `bring`: it is brought in if need be. */
export function executableFrame(space: AddressSpace, page: number, bring: boolean = true): number {
  const address = page * 4096;
  const hi = Math.floor(address / 4294967296);
  const pte = space.lookup(address | 0, hi, EXEC);
  if (pte !== 0 || !bring) return pte >>> 12;
  return space.fault(address, EXEC) === 0 ? space.lookup(address | 0, hi, EXEC) >>> 12 : 0;
}

export class CodeCache {
  private readonly pm: PhysicalMemory;
  private readonly table: WasmTable;
  private readonly stub: unknown;
  private readonly slots: Map<number, number> = new Map();
  private readonly byEntry: Map<number, Region[]> = new Map();
  private readonly byFrame: Map<number, CodeFrame> = new Map();
  private readonly byWord: Map<number, Region> = new Map();
  /** Region that a slot holds, or the home of one (0: the stub); as it was at the start if nothing is told here. */
  private readonly inSlot: Map<number, Region | number> = new Map();
  private nextSlot = GO_ON_SLOT + 1;
  private arena = REGION_ARENA;
  private readonly freeWords: number[] = [];
  /** Translations of earlier runs. */
  private image: TranslationImage | null = null;
  stored: StoredPages | null = null;

  constructor(pm: PhysicalMemory, table: WasmTable, stub: unknown) {
    this.pm = pm;
    this.table = table;
    this.stub = stub;
    table.set(0, stub);
    table.grow(TABLE_SIZE - 1, stub);
  }

  /** Takes over the numbers that an image was made with; its functions are in the table already. Before anything else is translated. */
  adopt(image: TranslationImage): void {
    this.image = image;
    this.nextSlot = image.nextSlot;
    this.arena = image.arena;
  }
  /** Makes room for an image's functions. */
  reserve(slots: number): void {
    if (slots > this.table.length) this.table.grow(slots - this.table.length, this.stub);
  }
  /** Slots of all addresses; the next one that is free; the end of what is used of the arena. */
  numbers(): { slots: ReadonlyMap<number, number>; nextSlot: number; arena: number } {
    const slots = new Map(this.slots);
    this.image?.eachSlot((address, slot) => slots.set(address, slot));
    return { slots, nextSlot: this.nextSlot, arena: this.arena };
  }

  /** Slot of a guest address; it holds a stub until something is translated. */
  slotOf(address: number): number {
    let s = this.slots.get(address);
    if (s === undefined) {
      s = this.image?.slotOf(address) || this.newSlot();
      this.slots.set(address, s);
    }
    return s;
  }

  newSlot(): number {
    const s = this.nextSlot++;
    if (s >= this.table.length) {
      this.table.grow(this.table.length, this.stub);
    }
    return s;
  }

  /** Two unused words of linear memory: a validity word, and ENTRIES behind it. */
  newWord(): number {
    const w = this.freeWords.pop();
    if (w !== undefined) return w;
    return this.alloc(8);
  }
  /** `size` bytes of linear memory for tables of regions; never freed. */
  alloc(size: number): number {
    const at = this.arena;
    this.arena = (at + size + 3) & ~3;
    if (this.arena > REGION_ARENA_END) throw new Error('region arena exhausted');
    return at;
  }

  /** The same for what can be done without: 0 when the arena is nearly full. */
  tryAlloc(size: number): number {
    return this.arena + size > REGION_ARENA_END - 0x400000 ? 0 : this.alloc(size);
  }

  /** Puts slot `slot` for guest address (lo, hi) into the jump cache. */
  fillJumpCache(lo: number, hi: number, slot: number): void {
    const e = jumpCacheEntry(lo) >> 2;
    const { i32 } = this.pm;
    i32[e] = lo;
    i32[e + 1] = hi;
    i32[e + 2] = slot;
  }

  /** The region at `entry` that is valid in `space`, put into its slot and marked valid for `context`; null if there is none. */
  find(space: AddressSpace, context: number, entry: number): Region | null {
    const made = this.findMade(space, context, entry);
    if (made !== null) return made;
    const stored = this.stored?.regionAt(space, entry) ?? null;
    if (stored !== null) this.addStored(stored, context);
    return stored;
  }
  /** The same for what was made in this run, or has been asked for by `find`. */
  findMade(space: AddressSpace, context: number, entry: number): Region | null {
    const list = this.byEntry.get(entry);
    if (list === undefined) return null;
    for (const r of list) {
      if (!this.isValid(r, space)) continue;
      this.pm.i32[r.word >> 2] = context;
      if (this.inSlot.get(r.slot) !== r) {
        this.table.set(r.slot, this.table.get(r.home));
        this.inSlot.set(r.slot, r);
      }
      return r;
    }
    return null;
  }

  /** Puts the function in table slot `home` (0: the stub) into `slot`; `initially`: that is what was there at the start. */
  fillSlot(slot: number, home: number, initially: boolean): void {
    const held = this.inSlot.get(slot);
    if (held === undefined ? initially : held === home) return;
    this.table.set(slot, this.table.get(home));
    this.inSlot.set(slot, home);
  }

  /** True if all pages of `r` are mapped executable in `space` from the frames it was made from. */
  isValid(r: Region, space: AddressSpace): boolean {
    for (let i = 0; i < r.pages.length; i++) if (executableFrame(space, r.pages[i]!) !== r.frames[i]) return false;
    return true;
  }

  // Interpreted regions.

  /** Where the image's interpreted code has its place, 0 = it has none; and regions of it. */
  private imageCode = 0;
  private placed: Region[] = [];
  /** Makes room for the image's interpreted code; where that begins. Before there is any other. */
  placeImage(image: TranslationImage): number {
    this.imageCode = this.interpretedTop;
    this.interpretedTop += (image.code.length + 7) & ~7;
    return this.imageCode;
  }

  /** In the order of their code. */
  private interpreted: Region[] = [];
  private interpretedTop = INTERPRETED_ARENA;
  /** There is no more room for interpreted code: `flushInterpreted` when no such code is running. */
  interpretedFull = false;

  /** Where the next interpreted region's code goes, 0 = nowhere; and how much room is there. */
  get interpretedStart(): number {
    if (this.interpretedTop + MIN_ROOM <= INTERPRETED_ARENA_END) return this.interpretedTop;
    this.interpretedFull = true;
    return 0;
  }
  get interpretedRoom(): number {
    return INTERPRETED_ARENA_END - this.interpretedTop;
  }
  /** Registers an interpreted region whose code has been written: `size` bytes. */
  addInterpreted(r: Region, size: number, context: number): void {
    this.interpretedTop += size;
    this.interpreted.push(r);
    // A slot of the image may hold compiled code from the start: what another program has at this address, say.
    this.fillSlot(r.slot, 0, this.image === null || r.slot >= this.image.nextSlot);
    this.add(r, context);
    this.fillInterpreted(r);
  }
  /** Lets calls find the code of `r` without asking. */
  fillInterpreted(r: Region): void {
    const e = interpretedCacheEntry(r.entry | 0) >> 2;
    const { i32 } = this.pm;
    i32[e] = r.entry | 0;
    i32[e + 1] = Math.floor(r.entry / 4294967296);
    i32[e + 2] = r.word;
  }
  /** Address of the instruction that the operation at `place` belongs to. */
  interpretedAddress(place: number): number {
    const { interpreted, image } = this;
    if (image !== null && this.imageCode !== 0 && place < this.imageCode + image.code.length) {
      const r = image.owner(place - this.imageCode);
      return this.addressIn(this.imageCode + r.bodyAt, r.entry, place);
    }
    let low = 0;
    let high = interpreted.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (interpreted[middle]!.word <= place) low = middle + 1;
      else high = middle;
    }
    const r = interpreted[low - 1]!; // interpreted code runs, so there is a region
    return this.addressIn(r.word, r.entry, place);
  }
  /** The same in the code at `word` of the region that begins at `entry`. */
  private addressIn(word: number, entry: number, place: number): number {
    const { i32 } = this.pm;
    const k = word >> 2;
    const rows = (word + CODE_HEADER + i32[k + (CODE_LENGTH >> 2)]!) >> 2;
    let i = 0;
    // Rows are in the order in which code was written: by place.
    let n = i32[k + (CODE_ROWS >> 2)]!;
    while (i < n) {
      const middle = (i + n) >> 1;
      if (word + i32[rows + 2 * middle]! <= place) i = middle + 1;
      else n = middle;
    }
    return entry + i32[rows + 2 * (i - 1) + 1]!;
  }
  /** Drops all interpreted code. */
  flushInterpreted(): void {
    this.interpretedFull = false;
    for (const r of this.interpreted) {
      this.drop(r);
      // What is kept of it is this very memory.
      if (r.record !== null) r.record.superseded = true;
    }
    for (const r of this.placed) this.drop(r);
    this.placed = [];
    this.stored?.forgetInterpreted();
    this.imageCode = 0;
    this.interpreted = [];
    this.interpretedTop = INTERPRETED_ARENA;
    // Words of dropped regions will be other code's: nothing may be found by address.
    this.pm.i32.fill(0, INTERPRETED_CACHE >> 2, (INTERPRETED_CACHE + 16 * INTERPRETED_CACHE_ENTRIES) >> 2);
  }

  /** Registers a region of the image. */
  private addStored(r: Region, context: number): void {
    if (r.tier === 0) this.placed.push(r);
    this.table.set(r.slot, this.table.get(r.home));
    this.add(r, context);
  }

  /** Registers a region whose module has been instantiated (its slots are filled). */
  add(r: Region, context: number): void {
    const list = this.byEntry.get(r.entry);
    if (list === undefined) this.byEntry.set(r.entry, [r]);
    else list.push(r);
    this.byWord.set(r.word, r);
    this.inSlot.set(r.slot, r);
    this.pm.i32[r.word >> 2] = context;
    this.track(r);
  }

  /** Records which bytes of which frames `r` depends on. The frames must have left the write TLBs before. */
  track(r: Region): void {
    for (let i = 0; i < r.frames.length; i++) {
      this.codeFrame(r.frames[i]!).regions.push(r);
      const from = r.pages[i]! * 4096;
      for (let k = 0; k < r.ranges.length; k += 2) this.markCode(r.frames[i]!, Math.max(r.ranges[k]! - from, 0), Math.min(r.ranges[k + 1]! - from, 4096));
    }
  }

  /** Bytes [start, end) of `frame` were translated. */
  markCode(frame: number, start: number, end: number): void {
    const { bytes } = this.codeFrame(frame);
    for (let b = start; b < end; ) {
      // To the end of the byte of bits, or of the range.
      const stop = Math.min((b | 7) + 1, end);
      bytes[b >> 3]! |= (0xff >> (8 - (stop - b))) << (b & 7);
      b = stop;
    }
  }

  /** Checksum of the content of a frame with code, which `make` makes the first time. */
  contentSum(frame: number, make: () => number): number {
    return (this.codeFrame(frame).sum ??= make());
  }

  private codeFrame(frame: number): CodeFrame {
    let f = this.byFrame.get(frame);
    if (f === undefined) {
      f = new CodeFrame();
      this.byFrame.set(frame, f);
      this.pm.frameFlags[frame]! |= FRAME_CODE;
    }
    return f;
  }

  /** True if any of `size` bytes at `offset` of the frame was translated. */
  hasCode(frame: number, offset: number, size: number): boolean {
    const f = this.byFrame.get(frame);
    if (f === undefined) return false;
    for (let b = offset; b < offset + size && b < 4096; b++) if ((f.bytes[b >> 3]! >> (b & 7)) & 1) return true;
    return false;
  }

  /** Drops everything made from `frame`. */
  dropFrame(frame: number): void {
    const f = this.byFrame.get(frame);
    if (f === undefined) return;
    this.byFrame.delete(frame);
    this.pm.frameFlags[frame]! &= ~FRAME_CODE;
    for (const r of f.regions) this.drop(r);
    this.stored?.dropFrame(frame);
  }

  private drop(r: Region): void {
    if (r.dead) return;
    r.dead = true;
    this.pm.i32[r.word >> 2] = 0;
    this.byWord.delete(r.word);
    const list = this.byEntry.get(r.entry);
    if (list === undefined) return;
    const i = list.indexOf(r);
    if (i >= 0) list.splice(i, 1);
    if (list.length === 0) this.byEntry.delete(r.entry);
  }

  /** The region of `space` with this validity word, if it is still valid for `context`. */
  running(space: AddressSpace, word: number, context: number): Region | null {
    if (this.pm.i32[word >> 2] !== context) return null;
    const made = this.byWord.get(word);
    if (made !== undefined) return made.dead ? null : made;
    const stored = this.stored?.regionOf(space, word) ?? null;
    if (stored !== null) this.addStored(stored, context);
    return stored;
  }

  /** Drops one region, to be translated again. */
  replace(r: Region): void {
    this.drop(r);
  }
}
