/** Runs CPU states in address spaces: translation on demand, slow paths of memory accesses, exits. */
import type { AddressSpace } from '../memory/address-space.ts';
import { gatherPages } from '../memory/gather-pages.ts';
import type { MemoryObject } from '../memory/memory-object.ts';
import { FRAME_CODE, FRAME_WRITTEN, PhysicalMemory } from '../memory/physical-memory.ts';
import type { PlatformHooks } from '../memory/platform-hooks.ts';
import { wasmEngine } from '../wasm/engine.ts';
import type { WasmTable } from '../wasm/engine.ts';
import {
  BOUNCE, CODE_CONTEXT, CPU_STATE_SIZE, EFLAGS_OTHER, EXIT_DETAIL, EXIT_REASON, FAULT_ACCESS, FAULT_ADDR, FUEL, RIP,
} from '../x86/cpu-layout.ts';
import { RF, TF } from '../x86/flags.ts';
import { HELPERS } from '../x86/helpers.ts';
import { CodeCache } from './code-cache.ts';
import type { Region } from './code-cache.ts';
import { type CodeContext, CodeContexts } from './code-context.ts';
import type { DebugRegisters } from '../x86/debug-registers.ts';
import { DECODE_OK, decode } from '../x86/decoder.ts';
import { EXIT_STACK } from '../x86/exits.ts';
import { Insn } from '../x86/insn.ts';
import { faultsAsStack } from '../x86/stack-fault.ts';
import { ACCESS_EXEC, ACCESS_READ, ACCESS_WRITE, EXIT_CODE_STORE, EXIT_GENERAL_PROTECTION, EXIT_INTERRUPT, EXIT_NONE, EXIT_PAGE_FAULT, EXIT_REENTER, EXIT_SINGLE_STEP, EXIT_SYSCALL, EXIT_WATCHED, EXIT_WATCHED_ACCESS } from './exits.ts';
import { helperImplementations } from './helper-bindings.ts';
import { CPU_AREA, CPU_AREA_END, ENTRIES, FIRST_FRAME, FRAME_SPAN, WASM_PAGE } from './layout.ts';
import { interpreterModule } from './interpreter.ts';
import { runtimeModule } from './runtime.ts';
import {
  FUEL_INSTRUCTION, FUEL_LOOP, GO_ON_SLOT, RT_CONDITION, RT_EFLAGS, RT_FRAME, RT_FRAMELESS, RT_FUEL, RT_FUEL_ENTRY, RT_GROUP, RT_HELPERS, RT_HOST_READ, RT_HOST_WRITE, RT_LOAD_SLOW, RT_LOOKUP, RT_RMW_END, RT_RMW_SLOW, RT_ROUNDS, RT_STORE_1, RT_STORE_16, RT_STORE_2, RT_STORE_4, RT_STORE_8,
  RT_STORE_SLOW, RT_STUB, RT_SYSCALL, runtimeTypes,
} from './runtime-functions.ts';
import type { ImageHost } from './stored-translations.ts';
import { SpaceState, TlbPool } from './tlb.ts';
import { Translator } from './translator.ts';

/** What the platform needs from above. */
export interface PlatformHost {
  /** A SYSCALL instruction, in place; RIP is behind it. 0 = the result is stored, go on; 1 = leave with EXIT_SYSCALL. */
  syscall(cpu: number): number;
  /** Time-stamp counter: monotonic nanoseconds since boot. */
  timestamp(): number;
  /** The fuel of this run is used up: how much more there is, 0 = leave with EXIT_INTERRUPT. To go on in place keeps the frames of the callers. */
  refuel(): number;
}

export interface PlatformOptions {
  /** Size of the linear memory in bytes; guest frames take all but the first 64 MiB of it. */
  memoryBytes: number;
  host: PlatformHost;
  /** Tier of all translations, for tests; by default code is interpreted (0) first. */
  firstTier?: 0 | 1 | 2;
  /** False: every memory access of tier 2 looks up its own host address, for comparison. */
  groups?: boolean;
  /** False: so does every access to the stack. */
  frames?: boolean;
  /** False: no called function is part of its caller's region. */
  copies?: boolean;
}

/** Counters for --stats. */
export class PlatformStats {
  regions = 0;
  modules = 0;
  instructions = 0;
  wasmBytes = 0;
  tlbMisses = 0;
  resolves = 0;
  exits = 0;
  codeStores = 0;
  /** Regions made again as tier 2. */
  promotions = 0;
  /** Regions made for the interpreter. */
  interpreted = 0;
  /** Regions taken from an earlier run's image. */
  stored = 0;
  droppedFrames = 0;
}

/** Loop iterations and calls between two looks at what is running. */
const MIN_SAMPLE_FUEL = 3000, MAX_SAMPLE_FUEL = 65536;
/** Samples in a tier 1 region before it is made again. */
const HOT_SAMPLES = 3;
/** Samples at loops within a region before one of them gets a region of its own, and samples in a row. */
const LOOP_SAMPLES = 16, LOOP_STREAK = 2;

/** Makes once what every platform of this memory size needs: for a start-up snapshot, which then holds it. */
export function preparePlatform(memoryBytes: number): void {
  const pages = Math.floor(memoryBytes / WASM_PAGE);
  runtimeModule(pages);
  interpreterModule(pages);
}

type CpuFunction = (cpu: number, argument: number) => number;

/** EXIT_DETAIL of a non-canonical data address, until `run` has told #GP from #SS. */
const NON_CANONICAL = -1;
/** Fault code of an address in the kernel's half: SIGSEGV, SEGV_MAPERR. */
const KERNEL_HALF: number = 11 | (1 << 8);
const faulting = new Insn();

export class Platform implements PlatformHooks {
  readonly memory: PhysicalMemory;
  readonly stats: PlatformStats = new PlatformStats();
  private readonly host: PlatformHost;
  private readonly i32: Int32Array;
  private readonly u8: Uint8Array;
  private readonly tlbs: TlbPool;
  private readonly code: CodeCache;
  private readonly translator: Translator;
  private readonly table: WasmTable;
  private readonly enter: (cpu: number) => void;
  private readonly enterOnce: (cpu: number, slot: number) => void;
  private readonly contexts: CodeContexts = new CodeContexts();
  private readonly freeCpus: number[] = [];
  private nextCpu = CPU_AREA;
  /** Fuel until the next look at what is running. */
  private sampleLeft: number = MIN_SAMPLE_FUEL;

  /** What is running: one guest task at a time. */
  private space!: AddressSpace;
  private state!: SpaceState;
  private cpu = 0;
  /** One instruction runs alone: it may change translated bytes and touch what is watched, as nothing translated runs behind it. */
  private alone = false;
  /** Debug registers of what is running, if they watch anything. */
  private watch: DebugRegisters | null = null;

  constructor(options: PlatformOptions) {
    this.host = options.host;
    const pages = Math.floor(options.memoryBytes / WASM_PAGE);
    const memory = new wasmEngine.Memory({ initial: pages, maximum: pages });
    this.memory = new PhysicalMemory(memory, FIRST_FRAME);
    this.i32 = this.memory.i32;
    this.u8 = this.memory.u8;
    this.tlbs = new TlbPool(this.i32);
    this.table = new wasmEngine.Table({ element: 'anyfunc', initial: 1 });

    const implementations = helperImplementations(this.memory);
    const js = {
      x87: implementations['x87'],
      sseFloat: implementations['sseFloat'],
      resolve: (cpu: number) => this.resolve(cpu),
      lookup: (cpu: number) => this.lookup(cpu),
      sample: (cpu: number, where: number) => this.sample(cpu, where),
      loadSlow: (cpu: number, size: number) => this.loadSlow(cpu, size),
      storeSlow: (cpu: number, size: number) => this.storeSlow(cpu, size),
      rmwSlow: (cpu: number, size: number) => this.rmwSlow(cpu, size),
      frameSlow: (cpu: number) => this.frameSlow(cpu),
      frameless: (cpu: number) => this.frameless(cpu),
      timestamp: () => options.host.timestamp(),
    };
    const runtime = new wasmEngine.Instance(new wasmEngine.Module(runtimeModule(pages)), { env: { memory, table: this.table }, js });
    this.enter = runtime.exports['enter'] as (cpu: number) => void;
    this.enterOnce = runtime.exports['enter_once'] as (cpu: number, slot: number) => void;

    const imports: Record<string, unknown> = { m: memory, t: this.table };
    const bind = (id: number, fn: unknown): void => {
      imports[String(id)] = fn;
    };
    bind(RT_STUB, runtime.exports['stub']);
    bind(RT_LOAD_SLOW, runtime.exports['load_slow']);
    bind(RT_STORE_SLOW, runtime.exports['store_slow']);
    bind(RT_RMW_SLOW, runtime.exports['rmw_slow']);
    bind(RT_RMW_END, (cpu: number, size: number) => this.rmwEnd(cpu, size));
    bind(RT_SYSCALL, (cpu: number) => this.syscall(cpu));
    bind(RT_LOOKUP, js.lookup);
    bind(RT_FUEL, js.sample);
    bind(RT_FUEL_ENTRY, runtime.exports['fuel_entry']);
    bind(RT_CONDITION, runtime.exports['condition']);
    bind(RT_EFLAGS, runtime.exports['eflags']);
    bind(RT_HOST_READ, runtime.exports['host_read']);
    bind(RT_HOST_WRITE, runtime.exports['host_write']);
    bind(RT_STORE_1, runtime.exports['store_1']);
    bind(RT_STORE_2, runtime.exports['store_2']);
    bind(RT_STORE_4, runtime.exports['store_4']);
    bind(RT_STORE_8, runtime.exports['store_8']);
    bind(RT_STORE_16, runtime.exports['store_16']);
    bind(RT_GROUP, runtime.exports['host_group']);
    bind(RT_ROUNDS, runtime.exports['host_rounds']);
    bind(RT_FRAME, runtime.exports['frame']);
    bind(RT_FRAMELESS, runtime.exports['frameless']);
    HELPERS.forEach((h, i) => bind(RT_HELPERS + i, runtime.exports[h.name] ?? implementations[h.name] ?? missing(h.name)));
    const interpreter = new wasmEngine.Instance(new wasmEngine.Module(interpreterModule(pages)), {
      env: { memory, table: this.table },
      e: imports,
      js: { faulted: (cpu: number, place: number) => this.faulted(cpu, place), hot: (cpu: number) => this.hot(cpu) },
    });
    this.code = new CodeCache(this.memory, this.table, interpreter.exports['enter_region']);
    this.table.set(GO_ON_SLOT, runtime.exports['go_on']);
    this.translator = new Translator(this.memory, this.code, this.tlbs, this.stats, runtimeTypes(), imports, pages);
    if (options.firstTier !== undefined) {
      this.translator.firstTier = options.firstTier;
      this.translator.hotCount = 0x7fffffff;
    }
    if (options.groups === false) this.translator.groups = false;
    if (options.frames === false) this.translator.frames = false;
    if (options.copies === false) this.translator.copies = false;
    this.memory.hooks = this;
  }

  /** Names what is translated from now on, by its first address: what the host engine's profiler shows. */
  set nameRegion(name: (space: AddressSpace, rip: number) => string) {
    this.translator.nameRegion = name;
  }

  /** See Translator.useImage and storeImage. `key` names everything but guest code that emitted code depends on. */
  useImage(bytes: Uint8Array<ArrayBuffer> | null, key: string, host: ImageHost): boolean {
    return this.translator.useImage(bytes, key, host);
  }
  storeImage(key: string): Uint8Array<ArrayBuffer> | 'unchanged' | null {
    return this.translator.storeImage(key);
  }

  // CPU states.

  /** A zeroed CPU state block: its linear-memory offset, or 0 if there are too many. */
  allocCpu(): number {
    const at = this.freeCpus.pop() ?? this.nextCpu;
    if (at === this.nextCpu) {
      if (at + CPU_STATE_SIZE > CPU_AREA_END) return 0;
      this.nextCpu += CPU_STATE_SIZE;
    }
    this.u8.fill(0, at, at + CPU_STATE_SIZE);
    return at;
  }
  freeCpu(cpu: number): void {
    this.freeCpus.push(cpu);
  }

  // Running.

  /**
   * Runs `cpu` in `space` until it leaves; the EXIT_… reason. `fuel` bounds the loop iterations and calls before EXIT_INTERRUPT.
   * `watch`: debug registers with places to watch.
   */
  run(cpu: number, space: AddressSpace, fuel: number, watch: DebugRegisters | null = null): number {
    const { i32 } = this;
    const k = cpu >> 2;
    const state = this.stateOf(space);
    this.watch = watch;
    if (watch !== null) watch.hits = 0;
    const watchVersion = watch === null ? 0 : watch.version;
    if (state.watchVersion !== watchVersion) {
      state.watchVersion = watchVersion;
      this.tlbs.flush(state);
    }
    this.tlbs.use(state);
    this.space = space;
    this.state = state;
    this.cpu = cpu;
    this.left = fuel;
    this.refill(cpu);
    this.stats.exits++;
    const reason = k + (EXIT_REASON >> 2);
    for (;;) {
      this.codeChanged = false;
      if (this.code.interpretedFull) this.code.flushInterpreted();
      this.tlbs.use(state);
      i32[k + (CODE_CONTEXT >> 2)] = state.context;
      i32[reason] = EXIT_NONE;
      const flags = i32[k + (EFLAGS_OTHER >> 2)]!;
      if (flags & TF && (watch === null || !watch.watchesExecution)) {
        this.step(cpu);
        const r = i32[reason]!;
        return r === EXIT_NONE || r === EXIT_REENTER ? (i32[reason] = EXIT_SINGLE_STEP) : r;
      }
      if (watch !== null && watch.watchesExecution) {
        if (this.stepWatched(cpu, watch)) return i32[reason]!;
        continue;
      }
      if (flags & RF) i32[k + (EFLAGS_OTHER >> 2)] = flags & ~RF;
      this.enter(cpu);
      if (i32[reason] === EXIT_CODE_STORE || i32[reason] === EXIT_WATCHED_ACCESS) {
        if (i32[reason] === EXIT_CODE_STORE) this.stats.codeStores++;
        i32[reason] = EXIT_NONE;
        this.step(cpu);
        if (watch !== null && watch.hits !== 0 && (i32[reason] === EXIT_NONE || i32[reason] === EXIT_REENTER)) return (i32[reason] = EXIT_WATCHED);
        if (i32[reason] === EXIT_NONE) continue;
      }
      if (i32[reason] === EXIT_REENTER) continue;
      if (i32[reason] === EXIT_INTERRUPT) {
        if (this.left > 0 && !this.kicked) {
          this.nextSample();
          this.refill(cpu);
          continue;
        }
        this.kicked = false;
      } else {
        // Short runs count together: what is run again and again by processes that end or wait soon gets hot too.
        this.sampleLeft = Math.max(1, this.sampleLeft - this.slice + i32[k + (FUEL >> 2)]!);
      }
      if (i32[reason] === EXIT_GENERAL_PROTECTION && i32[k + (EXIT_DETAIL >> 2)] === NON_CANONICAL) this.nonCanonical(cpu);
      return i32[reason]!;
    }
  }

  /** One instruction, where some address is watched for execution. True = leave, with the reason in the CPU state. */
  private stepWatched(cpu: number, watch: DebugRegisters): boolean {
    const k = cpu >> 2;
    const { i32 } = this;
    if (!(i32[k + (EFLAGS_OTHER >> 2)]! & RF)) {
      const hits = watch.at(this.rip(cpu));
      if (hits !== 0) {
        watch.hits |= hits;
        i32[k + (EXIT_REASON >> 2)] = EXIT_WATCHED;
        return true;
      }
    }
    const stepping = i32[k + (EFLAGS_OTHER >> 2)]! & TF;
    this.step(cpu);
    const r = i32[k + (EXIT_REASON >> 2)]!;
    if (r !== EXIT_NONE && r !== EXIT_REENTER) return true;
    if (stepping) {
      i32[k + (EXIT_REASON >> 2)] = EXIT_SINGLE_STEP;
      return true;
    }
    if (watch.hits !== 0) {
      i32[k + (EXIT_REASON >> 2)] = EXIT_WATCHED;
      return true;
    }
    if (--this.left > 0 && !this.kicked) return false;
    this.kicked = false;
    i32[k + (EXIT_REASON >> 2)] = EXIT_INTERRUPT;
    return true;
  }

  /** A data access left with a non-canonical address: through the stack segment it is #SS, which only the instruction tells. */
  private nonCanonical(cpu: number): void {
    const { i32, u8, space } = this;
    const k = cpu >> 2;
    i32[k + (EXIT_DETAIL >> 2)] = 0;
    const fetch = (a: number): number => {
      const pte = space.lookup(a | 0, Math.floor(a / 4294967296) | 0, ACCESS_EXEC);
      return pte === 0 ? -1 : u8[(pte & ~0xfff) + (a % 4096)]!;
    };
    if (decode(fetch, this.rip(cpu), faulting) === DECODE_OK && faultsAsStack(faulting)) i32[k + (EXIT_REASON >> 2)] = EXIT_STACK;
  }

  /** Makes the running task leave at its next safe point with EXIT_INTERRUPT. Only from within an import of the running code. */
  kick(): void {
    if (this.cpu === 0) return;
    this.kicked = true;
    this.i32[(this.cpu + FUEL) >> 2] = -1;
  }
  private kicked = false;
  /** The running space's executable mappings have changed since it was entered. */
  private codeChanged = false;

  /** Fuel that `run` may still hand out. */
  private left = 0;
  private seed = 1;
  private sampled: Region | null = null;
  private sampledRip = 0;
  /** Samples in a row at one place. */
  private streak = 0;
  /** Fuel between two samples: more while they find the same region again, as good as it gets. */
  private sampleFuel = MIN_SAMPLE_FUEL;
  private refill(cpu: number): void {
    this.slice = Math.min(this.left, this.sampleLeft);
    this.left -= this.slice;
    this.i32[(cpu + FUEL) >> 2] = this.slice;
  }
  private slice = 0;
  private nextSample(): void {
    // Not always the same: what runs may repeat itself with the same period.
    this.seed = (Math.imul(this.seed, 1664525) + 1013904223) | 0;
    this.sampleLeft = this.sampleFuel + (this.seed >>> 20);
  }

  /**
   * Fuel ran out in the region whose validity word is in EXIT_DETAIL: what runs then is likely to be hot, and is made again. 0 = go on where it was;
   * 1 = leave if EXIT_REASON is set, else go on in the region at RIP. The frames of the callers stay as they are.
   */
  private sample(cpu: number, where: number): number {
    const k = cpu >> 2;
    const { i32, state, space } = this;
    const region = this.code.running(space, i32[k + (EXIT_DETAIL >> 2)]!, state.context);
    const rip = this.rip(cpu);
    this.translator.tick();
    this.sampleFuel = region === null || region.tier === 1 || region !== this.sampled ? MIN_SAMPLE_FUEL : Math.min(this.sampleFuel * 2, MAX_SAMPLE_FUEL);
    this.streak = region === this.sampled && rip === this.sampledRip ? this.streak + 1 : 0;
    this.sampled = region;
    this.sampledRip = rip;
    let stay = where === FUEL_INSTRUCTION;
    // Entering a region anew is also a way to the code that the engine may have made better since.
    const inner = where === FUEL_LOOP && region?.entry !== rip;
    if (inner && (region === null || this.streak >= (region.tier === 1 ? LOOP_STREAK : 2 * LOOP_STREAK))) {
      // A loop gets a region of its own if nothing else seems to run, or if the one around it has been replaced.
      this.translator.heat(space, state.context, rip, region === null ? 1 : ++region.moved);
    } else if (region !== null && region.tier === 1) {
      stay ||= inner;
      const entries = (region.word + ENTRIES) >> 2;
      if (i32[entries]! < 0) {
        region.samples = HOT_SAMPLES;
        i32[entries] = 0x7fffffff;
      }
      if (++region.samples >= HOT_SAMPLES) this.translator.heat(space, state.context, region.entry, 0);
    } else if (inner && region !== null) {
      // Or if control does not seem to come to the region's entry again.
      stay = ++region.samples < LOOP_SAMPLES << Math.min(2 * region.moved, 20);
      if (!stay) {
        region.samples = 0;
        this.translator.heat(space, state.context, rip, ++region.moved);
      }
    }
    this.nextSample();
    if (this.left <= 0 && !this.kicked) this.left = this.host.refuel();
    if (this.kicked || this.left <= 0) {
      i32[k + (EXIT_REASON >> 2)] = EXIT_INTERRUPT;
      return 1;
    }
    this.refill(cpu);
    return stay ? 0 : 1;
  }

  /** Runs one instruction, which may store to code. */
  private step(cpu: number): void {
    const rip = this.rip(cpu);
    const slot = this.translator.stepSlot(this.space, this.state.context, rip);
    if (slot === 0) {
      this.fetchFault(cpu, rip);
      return;
    }
    this.alone = true;
    this.i32[(cpu + EFLAGS_OTHER) >> 2] = this.i32[(cpu + EFLAGS_OTHER) >> 2]! & ~RF;
    this.enterOnce(cpu, slot);
    this.alone = false;
  }

  private syscall(cpu: number): number {
    const k = cpu >> 2;
    const { i32 } = this;
    if (this.host.syscall(cpu) !== 0) {
      i32[k + (EXIT_REASON >> 2)] = EXIT_SYSCALL;
      return 1;
    }
    if (this.codeChanged) {
      i32[k + (EXIT_REASON >> 2)] = EXIT_REENTER;
      return 1;
    }
    return 0;
  }

  /** RIP of a CPU state as a number; addresses beyond 2^53 lose their low bits, but are not canonical anyway. */
  private rip(cpu: number): number {
    const k = (cpu + RIP) >> 2;
    return this.i32[k + 1]! * 4294967296 + (this.i32[k]! >>> 0);
  }

  /** The operation at `place` of interpreted code left: RIP becomes the address of its instruction. */
  private faulted(cpu: number, place: number): void {
    const rip = this.code.interpretedAddress(place);
    const k = (cpu + RIP) >> 2;
    this.i32[k] = rip | 0;
    this.i32[k + 1] = Math.floor(rip / 4294967296);
  }

  private hot(cpu: number): number {
    const rip = this.rip(cpu);
    const slot = this.translator.hot(this.space, this.i32[(cpu + CODE_CONTEXT) >> 2]!, rip);
    if (slot === 0) this.fetchFault(cpu, rip);
    return slot;
  }

  private resolve(cpu: number): number {
    this.stats.resolves++;
    const rip = this.rip(cpu);
    const context = this.i32[(cpu + CODE_CONTEXT) >> 2]!;
    const slot = this.translator.resolve(this.space, context, rip);
    if (slot === 0) this.fetchFault(cpu, rip);
    return slot;
  }

  private lookup(cpu: number): number {
    const k = (cpu + RIP) >> 2;
    const lo = this.i32[k]!;
    const hi = this.i32[k + 1]!;
    // What is not a user address gets no slot of its own: slot 0 is the stub, which then faults.
    if (hi >>> 15 !== 0) return 0;
    const rip = hi * 4294967296 + (lo >>> 0);
    this.translator.sawTarget(rip);
    const slot = this.code.slotOf(rip);
    this.code.fillJumpCache(lo, hi, slot);
    return slot;
  }

  /** The instruction at `rip` cannot be fetched (it may reach into the next page, which is the one missing). */
  private fetchFault(cpu: number, rip: number): void {
    const k = cpu >> 2;
    const { i32 } = this;
    if (!(rip >= -0x800000000000 && rip < 0x800000000000)) {
      i32[k + (EXIT_REASON >> 2)] = EXIT_GENERAL_PROTECTION;
      i32[k + (EXIT_DETAIL >> 2)] = 0;
      return;
    }
    const at = rip < 0 ? rip : this.translator.faultAddress;
    i32[k + (FAULT_ADDR >> 2)] = at | 0;
    i32[k + (FAULT_ADDR >> 2) + 1] = Math.floor(at / 4294967296);
    i32[k + (FAULT_ACCESS >> 2)] = ACCESS_EXEC;
    i32[k + (EXIT_REASON >> 2)] = EXIT_PAGE_FAULT;
    i32[k + (EXIT_DETAIL >> 2)] = rip < 0 ? KERNEL_HALF : this.translator.faultCode;
  }

  // Slow paths of memory accesses.

  /** PTE for an access, bringing the page in; 0 = a fault has been stored. `lo`, `hi`: any address in the page. */
  private pte(cpu: number, lo: number, hi: number, access: number): number {
    const pte = this.space.lookup(lo, hi, access);
    if (pte !== 0) return pte;
    const k = cpu >> 2;
    const { i32 } = this;
    const half = hi >>> 15;
    if (half !== 0 && half !== 0x1ffff) {
      i32[k + (EXIT_REASON >> 2)] = EXIT_GENERAL_PROTECTION;
      i32[k + (EXIT_DETAIL >> 2)] = NON_CANONICAL;
      return 0;
    }
    const address = hi * 4294967296 + (lo >>> 0);
    const code = half !== 0 ? KERNEL_HALF : this.space.fault(address, access);
    if (code === 0) {
      const found = this.space.lookup(lo, hi, access);
      if (found !== 0) return found;
    }
    i32[k + (FAULT_ADDR >> 2)] = lo;
    i32[k + (FAULT_ADDR >> 2) + 1] = hi;
    i32[k + (FAULT_ACCESS >> 2)] = access;
    i32[k + (EXIT_REASON >> 2)] = EXIT_PAGE_FAULT;
    i32[k + (EXIT_DETAIL >> 2)] = code;
    return 0;
  }

  private loadSlow(cpu: number, size: number): number {
    this.stats.tlbMisses++;
    const { i32 } = this;
    const k = (cpu + FAULT_ADDR) >> 2;
    const lo = i32[k]!;
    const hi = i32[k + 1]!;
    const pte = this.pte(cpu, lo, hi, ACCESS_READ);
    if (pte === 0 || (this.watch !== null && !this.mayTouch(cpu, this.watch, size, false))) return 0;
    const host = pte & ~0xfff;
    this.fill(lo, hi, host, true);
    const offset = lo & 0xfff;
    if (offset + size <= 4096) return host + offset;
    const first = 4096 - offset;
    const next = lo + first;
    const second = this.pte(cpu, next | 0, next > 0x7fffffff || (lo < 0 && next >= 0) ? hi + 1 : hi, ACCESS_READ);
    if (second === 0) return 0;
    const bounce = cpu + BOUNCE;
    this.u8.copyWithin(bounce, host + offset, host + 4096);
    this.u8.copyWithin(bounce + first, second & ~0xfff, (second & ~0xfff) + size - first);
    return bounce;
  }

  /** Enters a page that has just been looked up. */
  private fill(lo: number, hi: number, host: number, readable: boolean): void {
    let writable = this.space.lookup(lo, hi, ACCESS_WRITE);
    if (this.watch !== null) {
      const page = hi * 4294967296 + ((lo & ~0xfff) >>> 0);
      if (this.watch.watchesPage(page, false)) readable = false;
      if (this.watch.watchesPage(page, true)) writable = 0;
    }
    const { frameFlags } = this.memory;
    const stores = writable !== 0 && (frameFlags[host >>> 12]! & FRAME_CODE) === 0;
    if (stores) frameFlags[host >>> 12]! |= FRAME_WRITTEN;
    this.tlbs.fill(this.state, lo, hi, host, readable, stores);
  }

  /** Watched places that the access at FAULT_ADDR touches are noted if its instruction runs alone; else false: it is to run alone. */
  private mayTouch(cpu: number, watch: DebugRegisters, size: number, write: boolean): boolean {
    const k = (cpu + FAULT_ADDR) >> 2;
    const lo = this.i32[k]!;
    // A request for one byte may be for a pointer to what follows in the page: bulk moves.
    const hits = watch.touched(this.i32[k + 1]! * 4294967296 + (lo >>> 0), size === 1 && !this.alone ? 4096 - (lo & 0xfff) : size, write);
    if (hits === 0) return true;
    if (this.alone) {
      watch.hits |= hits;
      return true;
    }
    this.i32[(cpu + EXIT_REASON) >> 2] = EXIT_WATCHED_ACCESS;
    return false;
  }

  /** Checks `size` bytes for writing: host offset of the first part in the result, of a second page in `secondHost`; 0 = leave. */
  private writable(cpu: number, size: number): number {
    this.stats.tlbMisses++;
    const { i32 } = this;
    const k = (cpu + FAULT_ADDR) >> 2;
    const lo = i32[k]!;
    const hi = i32[k + 1]!;
    const pte = this.pte(cpu, lo, hi, ACCESS_WRITE);
    if (pte === 0 || (this.watch !== null && !this.mayTouch(cpu, this.watch, size, true))) return 0;
    if (this.codeChanged && !this.alone) {
      // Copy-on-write of an executable page: what runs may have been made from the frame that was there before.
      i32[(cpu + EXIT_REASON) >> 2] = EXIT_CODE_STORE;
      return 0;
    }
    const host = pte & ~0xfff;
    const offset = lo & 0xfff;
    const first = Math.min(size, 4096 - offset);
    this.secondHost = 0;
    if (first < size) {
      const next = lo + first;
      const second = this.pte(cpu, next | 0, lo < 0 && next >= 0 ? hi + 1 : hi, ACCESS_WRITE);
      if (second === 0) return 0;
      this.secondHost = second & ~0xfff;
      if (!this.mayStore(cpu, this.secondHost >>> 12, 0, size - first)) return 0;
    }
    if (!this.mayStore(cpu, host >>> 12, offset, first)) return 0;
    this.fill(lo, hi, host, this.space.lookup(lo, hi, ACCESS_READ) !== 0);
    return host + offset;
  }
  private secondHost = 0;

  /** False if bytes that were translated would change while translated code goes on behind the store: the store is then done alone. */
  private mayStore(cpu: number, frame: number, offset: number, size: number): boolean {
    if ((this.memory.frameFlags[frame]! & FRAME_CODE) === 0) return true;
    if (!this.code.hasCode(frame, offset, size)) return true;
    if (!this.alone) {
      this.i32[(cpu + EXIT_REASON) >> 2] = EXIT_CODE_STORE;
      return false;
    }
    this.code.dropFrame(frame);
    return true;
  }

  /**
   * Brings the pages of the frame at FAULT_ADDR in for writing, which what asks is about to do: the memory of a program's own alone, as nobody sees that
   * it comes a little earlier.
   */
  private frameSlow(cpu: number): number {
    const k = (cpu + FAULT_ADDR) >> 2;
    const low = this.i32[k + 1]! * 4294967296 + (this.i32[k]! >>> 0);
    if (!(low > 0 && low < 0x7ffffffff000)) return 0;
    const first = low - (low % 4096);
    const frame = this.ownPage(first);
    if (frame === 0) return 0;
    if (low + FRAME_SPAN <= first + 4096) return 1;
    const second = this.ownPage(first + 4096);
    if (second === 0) return 0;
    if (second === frame + 4096) return 1;
    return gatherPages(this.space, first) && this.ownPage(first) !== 0 && this.ownPage(first + 4096) !== 0 ? 1 : 0;
  }

  /** Enters the page at `page` in the TLB for writing: its host offset, 0 = it cannot be. */
  private ownPage(page: number): number {
    const lo = page | 0;
    const hi = Math.floor(page / 4294967296);
    let pte = this.space.lookup(lo, hi, ACCESS_WRITE);
    if (pte === 0) {
      if (!this.space.isOwnMemory(page) || this.space.fault(page, ACCESS_WRITE) !== 0) return 0;
      pte = this.space.lookup(lo, hi, ACCESS_WRITE);
      if (pte === 0) return 0;
    }
    this.fill(lo, hi, pte & ~0xfff, this.space.lookup(lo, hi, ACCESS_READ) !== 0);
    return pte & ~0xfff;
  }

  private frameless(cpu: number): number {
    const rip = this.rip(cpu);
    const slot = this.translator.framelessSlot(this.space, this.i32[(cpu + CODE_CONTEXT) >> 2]!, rip);
    if (slot === 0) this.fetchFault(cpu, rip);
    return slot;
  }

  private storeSlow(cpu: number, size: number): number {
    const to = this.writable(cpu, size);
    if (to === 0) return 0;
    const bounce = cpu + BOUNCE;
    const first = Math.min(size, 4096 - (to & 0xfff));
    this.u8.copyWithin(to, bounce, bounce + first);
    if (first < size) this.u8.copyWithin(this.secondHost, bounce + first, bounce + size);
    return 1;
  }

  private rmwFirst = 0;
  private rmwSecond = 0;
  private rmwSlow(cpu: number, size: number): number {
    const at = this.writable(cpu, size);
    if (at === 0) return 0;
    const first = Math.min(size, 4096 - (at & 0xfff));
    if (first === size) return at;
    const bounce = cpu + BOUNCE;
    this.rmwFirst = at;
    this.rmwSecond = this.secondHost;
    this.u8.copyWithin(bounce, at, at + first);
    this.u8.copyWithin(bounce + first, this.secondHost, this.secondHost + size - first);
    return bounce;
  }
  private rmwEnd(cpu: number, size: number): void {
    const bounce = cpu + BOUNCE;
    const first = 4096 - (this.rmwFirst & 0xfff);
    this.u8.copyWithin(this.rmwFirst, bounce, bounce + first);
    this.u8.copyWithin(this.rmwSecond, bounce + first, bounce + size);
  }

  // What memory tells us.

  private stateOf(space: AddressSpace): SpaceState {
    if (space.platform !== null) return space.platform as SpaceState;
    const s = new SpaceState(this.contexts.of(space));
    space.platform = s;
    return s;
  }
  flushSpace(space: AddressSpace): void {
    if (space.platform !== null) this.tlbs.flush(space.platform as SpaceState);
  }
  invalidatePage(space: AddressSpace, vpn: number): void {
    if (space.platform !== null) this.tlbs.invalidate(space.platform as SpaceState, (vpn & 0xfffff) << 12);
  }
  execChanged(space: AddressSpace): void {
    if (space.platform === null) return;
    const state = space.platform as SpaceState;
    if (state.code.users === 1 && !state.code.shared) state.code.id = this.contexts.number();
    else this.setContext(state, this.contexts.own());
    this.contextChanged(state);
  }
  codeAdded(space: AddressSpace): void {
    // What is known to be valid stays so; but spaces that share a context must agree on everything.
    if (space.platform === null) return;
    const { code } = space.platform as SpaceState;
    if (code.shared || code.users > 1) this.execChanged(space);
  }
  codeMapped(space: AddressSpace, start: number, end: number, object: MemoryObject, page: number): void {
    if (space.platform === null) return;
    const state = space.platform as SpaceState;
    if (!state.code.shared) {
      if (state.code.users > 1) this.execChanged(space);
      return;
    }
    const code = this.contexts.after(state.code, start, end, object, page);
    code.users++;
    this.setContext(state, code);
    this.contextChanged(state);
  }
  private setContext(state: SpaceState, code: CodeContext): void {
    state.code.users--;
    state.code = code;
  }
  private contextChanged(state: SpaceState): void {
    if (state !== this.state) return;
    // Calls from the code that is running find their targets checked again at once.
    this.codeChanged = true;
    this.i32[(this.cpu + CODE_CONTEXT) >> 2] = state.context;
  }
  forked(parent: AddressSpace, child: AddressSpace): void {
    const { code } = this.stateOf(parent);
    code.users++;
    child.platform = new SpaceState(code);
  }
  codeWillChange(frame: number): void {
    this.stats.droppedFrames++;
    this.code.dropFrame(frame);
  }
  releaseSpace(space: AddressSpace): void {
    if (space.platform === null) return;
    const state = space.platform as SpaceState;
    this.tlbs.release(state);
    state.code.users--;
    space.platform = null;
  }
}

function missing(name: string): CpuFunction {
  return () => {
    throw new Error(`helper ${name} has no implementation`);
  };
}
