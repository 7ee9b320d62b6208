/** Translation on demand: decode, analyse, emit, compile, register. */
import type { AddressSpace } from '../memory/address-space.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';
import { FRAME_CACHE, FRAME_CODE, FRAME_KERNEL, FRAME_WRITTEN } from '../memory/physical-memory.ts';
import { wasmEngine } from '../wasm/engine.ts';
import type { CodeCache, Region } from './code-cache.ts';
import { ControlFlow } from './control-flow.ts';
import { DataFlow } from './data-flow.ts';
import { Linearizer } from './linearizer.ts';
import { ModuleAssembler } from './module-assembler.ts';
import type { RuntimeFunction } from './module-assembler.ts';
import type { PlatformStats } from './platform.ts';
import { RegionCode } from './region-code.ts';
import { CodeReader, RegionDecoder } from './region-decoder.ts';
import { BLOCKS_RAN, BLOCKS_RUN, BLOCKS_RUN_MASK, ENTRIES } from './layout.ts';
import { RegionEmitter } from './region-emitter.ts';
import { writeImage } from './image-writer.ts';
import { StoredPages } from './stored-pages.ts';
import { type ImageHost, NO_BYTES, type RegionRecord, TranslationImage, sourceOf } from './stored-translations.ts';
import type { TlbPool } from './tlb.ts';

const EXEC = 2;
/** Instructions of an interpreted region at most, and how often it is interpreted before it is compiled. */
const INTERPRETED_INSNS = 32, HOT_COUNT = 64;
/** Entries of a tier 1 region before it is made again if samples, which also find the loop around it, have not led to it by then. */
const MANY_ENTRIES = 30_000;
const ANY: readonly number[] = [];
/**
 * What an image must lack before a new one is written, which takes time by its size: a region that was interpreted counts 1, a compiled one as many as it takes longer
 * to make; that there is one at all, for which the whole translator runs cold, counts too.
 */
const MIN_FRESH = 8, FRESH_PER_MIB = 20, COMPILED_WEIGHT = 10, FIRST_COMPILED_WEIGHT = 20;
/** Part (per cent) of an image's compiled code that its last run used above which all of it is compiled at the start. */
const WHOLE_PART = 60;
/** Code bytes that are remembered in one run at most. */
const MAX_KEPT = 64 << 20;
/** Instructions of one region at most, by tier. */
const MAX_REGION_INSNS: readonly number[] = [1, 100, 1700];

/** Samples after which a block that has not run again counts as cold: so many, or twice that. */
const WARM_SAMPLES = 6;
/** Times that a tier 2 region is made again because of code that it did not know to run. */
const MAX_REMADE = 4;

/** Regions that are gone back through at most, to find where a row of them begins. */
const MAX_CHAIN = 64;

/** A one-instruction region, for single-stepping. */
interface Step {
  readonly region: Region;
}

export class Translator {
  private readonly pm: PhysicalMemory;
  private readonly cache: CodeCache;
  private readonly tlbs: TlbPool;
  private readonly stats: PlatformStats;
  private readonly imports: Record<string, Record<string, unknown>>;
  private readonly u16: Uint16Array;
  private readonly reader: CodeReader;
  private readonly decoder: RegionDecoder;
  private readonly code: RegionCode = new RegionCode();
  private readonly flow: ControlFlow = new ControlFlow();
  private readonly data: DataFlow = new DataFlow();
  private readonly emitter: RegionEmitter = new RegionEmitter();
  private readonly assembler: ModuleAssembler;
  private readonly linearizer: Linearizer;
  private readonly steps: Map<number, Step> = new Map();
  /** Tier of a first translation: 0 is interpreted; others let tests see that code. */
  firstTier: 0 | 1 | 2 = 0;
  /** Entries and loops of an interpreted region before it is compiled. */
  hotCount: number = HOT_COUNT;
  /** Names regions for profilers, by the address they start at. */
  nameRegion: ((space: AddressSpace, rip: number) => string) | null = null;
  /** After a translation failed: the address that cannot be fetched, and the fault code of memory. */
  faultAddress = 0;
  faultCode = 0;

  constructor(
    pm: PhysicalMemory, cache: CodeCache, tlbs: TlbPool, stats: PlatformStats, runtime: readonly (RuntimeFunction | undefined)[], imports: Record<string, unknown>, memoryPages: number,
  ) {
    this.pm = pm;
    this.cache = cache;
    this.tlbs = tlbs;
    this.stats = stats;
    this.imports = { e: imports };
    this.u16 = new Uint16Array(pm.u8.buffer);
    this.reader = new CodeReader(pm.u8);
    this.decoder = new RegionDecoder(this.reader);
    this.decoder.hotRanges = (entry) => this.hotRanges(entry);
    this.linearizer = new Linearizer(pm.u8);
    this.assembler = new ModuleAssembler(runtime, memoryPages);
  }

  /** Table slot of valid code at `rip`; 0 = it cannot be fetched. */
  resolve(space: AddressSpace, context: number, rip: number): number {
    const found = this.cache.findMade(space, context, rip);
    if (found !== null) {
      if (found.tier === 0) this.cache.fillInterpreted(found);
      return found.slot;
    }
    const stored = this.cache.stored?.enter(space, context, rip) ?? 0;
    if (stored !== 0) return stored;
    return this.firstTier === 0 ? this.interpret(space, context, rip) : this.translate(space, context, rip, this.firstTier);
  }

  /** Makes code for the interpreter. */
  private interpret(space: AddressSpace, context: number, rip: number): number {
    if (!this.read(space, context, rip, INTERPRETED_INSNS, false, false)) return 0;
    const { cache, code, reader } = this;
    const start = cache.interpretedStart;
    const size = start === 0 ? 0 : this.linearizer.write(code, cache, start, cache.interpretedRoom, this.hotCount);
    if (size === 0) return this.translate(space, context, rip, 1);
    this.stats.interpreted++;
    reader.frames.forEach(this.protect);
    const slot = cache.slotOf(rip);
    const region: Region = { entry: rip, word: start, home: 0, slot, pages: reader.pages.slice(), frames: reader.frames.slice(), ranges: this.ranges(), dead: false, tier: 0, record: null, samples: 0, remade: 0, joins: false, moved: 0 };
    cache.addInterpreted(region, size, context);
    if (this.keeping) this.keepInterpreted(region, size);
    return slot;
  }

  /** Table slot of compiled code for `rip`, which has been interpreted often enough; 0 = it cannot be fetched. */
  hot(space: AddressSpace, context: number, rip: number): number {
    const found = this.cache.find(space, context, rip);
    // At the head of a loop within an interpreted region nothing has been entered yet, but it may have been compiled in an earlier run.
    if (found !== null && found.tier !== 0) return found.slot;
    if (found !== null) this.supersede(found);
    return this.translate(space, context, rip, 1);
  }

  private translate(space: AddressSpace, context: number, rip: number, tier: number): number {
    if (!this.read(space, context, rip, MAX_REGION_INSNS[tier]!, tier === 2, tier === 2 && this.firstTier !== 2)) return 0;
    const slot = this.cache.slotOf(rip);
    const region = this.compile(slot, this.cache.newSlot(), tier, this.nameRegion?.(space, rip));
    this.cache.add(region, context);
    if (tier !== 0 && this.firstTier !== 2) for (const t of this.code.tailTargets()) this.waysOut.set(t, region);
    return slot;
  }
  /** Region that goes on at an address outside of it: the last one made. */
  private readonly waysOut: Map<number, Region> = new Map();

  /** Makes sure that what is at `rip` is translated as tier 2: larger and faster. `moved`: see Region. */
  heat(space: AddressSpace, context: number, rip: number, moved: number): void {
    const found = this.cache.find(space, context, rip);
    if (found !== null) {
      if (found.tier === 2) return;
      // What goes to it is made again with it: a tier 2 region that left it out because it had not run, or the first of several small ones in a row.
      const head = moved > 0 ? found : this.headOf(space, context, found);
      if (head !== found) {
        found.joins = true;
        found.samples = 0;
        this.supersede(head);
        if (this.translateHot(space, context, head.entry, head.tier === 2 ? head : null, rip)) return;
      }
      this.supersede(found);
    }
    this.translateHot(space, context, rip, null, rip);
    const made = this.cache.find(space, context, rip);
    if (made !== null) made.moved = moved;
  }

  /** Of the regions that lead to `region`, one to the next, the tier 2 one, else the first that has run of late; `region` itself if there is none. */
  private headOf(space: AddressSpace, context: number, region: Region): Region {
    if (region.joins) return region;
    let head = region;
    for (let i = 0; i < MAX_CHAIN; i++) {
      const from = this.waysOut.get(head.entry);
      if (from === undefined || from === region || from.dead || this.cache.find(space, context, from.entry) !== from) break;
      if (from.tier === 2) return from.remade < MAX_REMADE ? from : head;
      if (!this.reader.hasRun(from.entry)) break;
      head = from;
    }
    return head;
  }

  private supersede(region: Region): void {
    this.cache.replace(region);
    if (region.record !== null) region.record.superseded = true;
  }

  /** Translates as tier 2, with all that `before` had. True if the result has the instruction at `wanted`. */
  private translateHot(space: AddressSpace, context: number, rip: number, before: Region | null, wanted: number): boolean {
    this.stats.promotions++;
    this.decoder.keep = before === null ? [] : before.ranges;
    try {
      this.translate(space, context, rip, 2);
    } catch (error) {
      // Emitting follows the dominator tree: deep in guest calls the host's stack may be too short for a large one.
      if (!(error instanceof RangeError)) throw error;
      this.translate(space, context, rip, 1);
    }
    const made = this.cache.find(space, context, rip);
    if (made !== null && before !== null) made.remade = before.remade + 1;
    return this.code.insnAt(wanted) >= 0;
  }

  private ticks = 0;
  /** One more sample has been taken: from time to time, what has run is forgotten unless it has run again since. */
  tick(): void {
    if (++this.ticks % WARM_SAMPLES !== 0) return;
    const { u8 } = this.pm;
    u8.copyWithin(BLOCKS_RAN, BLOCKS_RUN, BLOCKS_RUN + BLOCKS_RUN_MASK + 1);
    u8.fill(0, BLOCKS_RUN, BLOCKS_RUN + BLOCKS_RUN_MASK + 1);
  }

  /** False: see PlatformOptions. */
  set groups(on: boolean) {
    this.emitter.grouping = on;
  }

  /** False: see PlatformOptions. */
  set frames(on: boolean) {
    this.emitter.framing = on;
  }

  /** False: see PlatformOptions. */
  copies = true;

  /** An indirect jump, a call or a return has gone to `rip` for the first time. */
  sawTarget(rip: number): void {
    this.decoder.seenTargets.add(rip);
  }

  /** Table slot of a region that runs the one instruction at `rip` and returns; 0 = it cannot be fetched. */
  stepSlot(space: AddressSpace, context: number, rip: number): number {
    const known = this.steps.get(rip);
    if (known !== undefined && !known.region.dead && this.cache.isValid(known.region, space)) {
      this.pm.i32[known.region.word >> 2] = context;
      return known.region.home;
    }
    this.code.ir.single = true;
    const region = this.read(space, context, rip, 1, false, false) ? this.compile(0, this.cache.newSlot(), 0) : null;
    this.code.ir.single = false;
    if (region === null) return 0;
    this.pm.i32[region.word >> 2] = context;
    this.cache.track(region);
    this.steps.set(rip, { region });
    return region.home;
  }

  /** Table slot of a region at `rip` that looks up each access to the stack: for where that is not in one piece. 0 = it cannot be fetched. */
  framelessSlot(space: AddressSpace, context: number, rip: number): number {
    const known = this.frameless.get(rip);
    const region = known !== undefined && !known.dead && this.cache.isValid(known, space) ? known : this.compileFrameless(space, context, rip);
    if (region === null) return 0;
    this.pm.i32[region.word >> 2] = context;
    return region.home;
  }
  private compileFrameless(space: AddressSpace, context: number, rip: number): Region | null {
    const { framing } = this.emitter;
    const compile = (tier: number): Region | null =>
      this.read(space, context, rip, MAX_REGION_INSNS[tier]!, tier === 2, tier === 2 && this.firstTier !== 2) ? this.compile(0, this.cache.newSlot(), tier, this.nameRegion?.(space, rip), false) : null;
    let region: Region | null;
    try {
      this.emitter.framing = false;
      region = compile(2);
    } catch (error) {
      // See translateHot. Tier 1 looks up everything.
      if (!(error instanceof RangeError)) throw error;
      region = compile(1);
    } finally {
      this.emitter.framing = framing;
    }
    if (region === null) return null;
    this.cache.track(region);
    this.frameless.set(rip, region);
    return region;
  }
  private readonly frameless: Map<number, Region> = new Map();

  /** See RegionDecoder.hotRanges: of the address space that is translated for. */
  private hotRanges(entry: number): readonly number[] | null {
    if (!this.copies) return null;
    // The region itself has just been taken out, to be made again.
    if (entry === this.code.entry) return ANY;
    const region = this.readFor === null ? null : this.cache.find(this.readFor, this.readContext, entry);
    return region === null || region.tier === 0 ? null : region.tier === 1 ? ANY : region.ranges;
  }
  private readFor: AddressSpace | null = null;
  private readContext = 0;

  /** Decodes the region at `rip`, bringing in the pages of its first instruction. */
  private read(space: AddressSpace, context: number, rip: number, maxInsns: number, tables: boolean, warm: boolean): boolean {
    this.readFor = space;
    this.readContext = context;
    this.faultAddress = rip;
    this.faultCode = 0;
    if (!(rip >= 0 && rip < 0x800000000000)) return false;
    for (let at = rip; ; ) {
      if (space.lookup(at | 0, Math.floor(at / 4294967296), EXEC) === 0) {
        this.faultAddress = at;
        this.faultCode = space.fault(at, EXEC);
        if (this.faultCode !== 0 || space.lookup(at | 0, Math.floor(at / 4294967296), EXEC) === 0) return false;
      }
      this.reader.start(space);
      if (this.decoder.decode(this.code, rip, maxInsns, tables, warm)) return true;
      // The first instruction reaches into the next page.
      const next = (Math.floor(rip / 4096) + 1) * 4096;
      if (at === next) return false;
      at = next;
    }
  }

  /** Emits and instantiates what `read` decoded. */
  private compile(slot: number, home: number, tier: number, name = '', keep = true): Region {
    const { code, flow, data, emitter, assembler, reader, cache, stats } = this;
    const word = cache.newWord();
    flow.analyse(code);
    data.analyse(code, flow);
    const map = this.jumpMap();
    emitter.emit(code, flow, data, cache, word, tier, home, map, this.mapBase, this.mapSpan);
    assembler.start();
    assembler.priority = tier === 2 ? 0 : 127;
    assembler.add(emitter, slot, home, name);
    const bytes = assembler.finish();
    const module = new wasmEngine.Module(bytes);
    new wasmEngine.Instance(module, this.imports);
    this.pm.i32[(word + ENTRIES) >> 2] = MANY_ENTRIES;
    stats.regions++;
    stats.modules++;
    stats.instructions += code.insnCount;
    stats.wasmBytes += bytes.length;
    reader.frames.forEach(this.protect);
    const region: Region = { entry: code.entry, word, home, slot, pages: reader.pages.slice(), frames: reader.frames.slice(), ranges: this.ranges(), dead: false, tier, record: null, samples: 0, remade: 0, joins: false, moved: 0 };
    if (this.keeping && keep && tier !== 0) this.keep(region, map);
    return region;
  }

  /** Takes a frame out of the TLBs for writing. */
  private readonly protect = (frame: number): void => {
    const { frameFlags } = this.pm;
    // With code in it already it is in none.
    if ((frameFlags[frame]! & (FRAME_CODE | FRAME_WRITTEN)) !== FRAME_WRITTEN) return;
    this.tlbs.protect(frame * 4096);
    frameFlags[frame]! &= ~FRAME_WRITTEN;
  };

  // Between runs.

  /** Translations are remembered for `image`. */
  private keeping = false;
  private readonly kept: RegionRecord[] = [];
  private keptBytes = 0;
  private imageHost: ImageHost | null = null;

  /** From now on what is translated is remembered, for `storeImage`. `bytes`: what `storeImage` made in an earlier run; false if it is of no use. */
  useImage(bytes: Uint8Array<ArrayBuffer> | null, key: string, host: ImageHost): boolean {
    const { cache, pm } = this;
    this.keeping = true;
    this.imageHost = host;
    const image = bytes === null ? null : TranslationImage.read(bytes, key, host.checksum);
    if (image === null) return false;
    try {
      image.placeMaps(pm.u8);
      cache.reserve(image.nextSlot);
      // The functions that are called are compiled sooner all together, on all threads, than one by one in the way of what runs.
      const compile = (): WebAssembly.Module => new wasmEngine.Module(image.module);
      new wasmEngine.Instance(image.used > WHOLE_PART ? host.compileWhole(compile) : compile(), this.imports);
    } catch {
      // Not what this engine can use. Nothing refers to what may have been put in the table.
      return false;
    }
    cache.adopt(image);
    const codeBase = this.firstTier === 0 ? cache.placeImage(image) : 0;
    cache.stored = new StoredPages(image, pm, cache, host, codeBase, { interpreted: this.hotCount, compiled: MANY_ENTRIES }, this.stats, this.protect);
    return true;
  }

  /** The image for the next run; `unchanged` if the one that was used will do, null if there should be none. */
  storeImage(key: string): Uint8Array<ArrayBuffer> | 'unchanged' | null {
    const { assembler, cache, imageHost } = this;
    const { stored } = cache;
    if (imageHost === null || this.fresh() < Math.max(MIN_FRESH, stored === null ? 0 : (FRESH_PER_MIB * stored.image.bytes) / 1048576)) return 'unchanged';
    const before = stored === null ? [] : stored.image.all();
    for (const r of before) if (stored?.wasUsed(r.index) === true) r.age = 0;
    return writeImage([...this.kept, ...before], cache.numbers(), key, this.hotCount, imageHost.checksum, (all, fills) => {
      assembler.startKept();
      const bodies = all.map((r, i) => assembler.addKept(r.body, r.hints, fills[i] ? r.slot : 0, r.home));
      const bytes = assembler.finish();
      const base = assembler.bodiesAt(bytes);
      return { bytes, bodies: bodies.map((at) => base + at) };
    });
  }

  /** What the image lacks, see MIN_FRESH. */
  private fresh(): number {
    const alive = this.kept.filter((r) => !r.superseded);
    const compiled = alive.filter((r) => r.tier !== 0).length;
    return alive.length - compiled + compiled * COMPILED_WEIGHT + (compiled === 0 ? 0 : FIRST_COMPILED_WEIGHT);
  }

  /** Remembers a region whose code comes from files: what programs write for themselves is elsewhere in the next run. */
  private keep(region: Region, map: number): void {
    if (!this.mayKeep(region)) return;
    const { body, hints } = this.assembler.keptBody(this.emitter);
    const record: RegionRecord = {
      entry: region.entry, tier: region.tier, word: region.word, home: region.home, slot: region.slot, pages: region.pages, sums: this.sumsOf(region), ranges: region.ranges,
      source: sourceOf(region, this.pm.u8), body, hints, map, mapBytes: map === 0 ? NO_BYTES : this.pm.u8.slice(map, map + this.mapSpan * 2), superseded: false, age: 0,
    };
    this.keptBytes += body.length;
    this.kept.push(record);
    region.record = record;
  }

  /** Checksums of the content of its pages. */
  private sumsOf(region: Region): number[] {
    const { cache, imageHost, pm } = this;
    return region.frames.map((frame) => cache.contentSum(frame, () => imageHost!.checksum(pm.u8.subarray(frame * 4096, (frame + 1) * 4096)))); // translations are kept for it
  }
  private mayKeep(region: Region): boolean {
    if (this.keptBytes > MAX_KEPT) return false;
    for (const frame of region.frames) if ((this.pm.frameFlags[frame]! & (FRAME_CACHE | FRAME_KERNEL)) === 0) return false;
    return true;
  }
  private keepInterpreted(region: Region, size: number): void {
    if (!this.mayKeep(region)) return;
    const { entry, word, slot, pages, ranges } = region;
    const record: RegionRecord = {
      entry, tier: 0, word: 0, home: 0, slot, pages, sums: this.sumsOf(region), ranges, source: sourceOf(region, this.pm.u8), body: this.pm.u8.subarray(word, word + size), hints: [], map: 0, mapBytes: NO_BYTES,
      superseded: false, age: 0,
    };
    this.keptBytes += size;
    this.kept.push(record);
    region.record = record;
  }

  private mapBase = 0;
  private mapSpan = 0;
  /** Table in linear memory from (address - mapBase) to dispatch index + 1, 16 bits each; 0 = no indirect targets are known. */
  private jumpMap(): number {
    const { code, flow, cache } = this;
    if (code.indirectTargets.length === 0) return 0;
    let low = Infinity;
    let high = 0;
    const targets = code.handsOver ? code.indirectTargets : flow.dispatchTargets;
    for (const b of targets) {
      low = Math.min(low, code.blockAddress[b]!);
      high = Math.max(high, code.blockAddress[b]!);
    }
    this.mapBase = low;
    this.mapSpan = high - low + 1;
    const at = cache.tryAlloc(this.mapSpan * 2);
    if (at === 0) return 0;
    const u16 = this.u16;
    for (const b of targets) u16[(at >> 1) + code.blockAddress[b]! - low] = flow.dispatchIndex(b) + 1;
    return at;
  }

  /** Address ranges of the decoded instructions. */
  private ranges(): number[] {
    const { code } = this;
    const out: number[] = [];
    for (let i = 0; i < code.insnCount; i++) {
      const at = code.address[i]!;
      const end = at + code.length[i]!;
      if (out.length > 0 && out[out.length - 1] === at) out[out.length - 1] = end;
      else out.push(at, end);
    }
    return out;
  }
}
