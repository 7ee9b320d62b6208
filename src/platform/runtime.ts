/** The runtime module: hand-written functions that translated code and the dispatcher use. */
import { ModuleBuilder, callIndirect } from '../wasm/module-builder.ts';
import type { FunctionBuilder, FunctionRef } from '../wasm/module-builder.ts';
import { Expr, i32, i32c, i64, i64c, select, v128 } from '../wasm/expressions.ts';
import type { Local } from '../wasm/expressions.ts';
import { F64, I32, I64, V128 } from '../wasm/opcodes.ts';
import type { ValueType } from '../wasm/opcodes.ts';
import { BOUNCE, CC_AUX, CC_DST, CC_OP, CC_SRC, DF_STEP, EXIT_DETAIL, EXIT_REASON, FAULT_ADDR, FUEL, RIP } from '../x86/cpu-layout.ts';
import { EXIT_INTERRUPT } from '../x86/exits.ts';
import { CC_B, CC_BE, CC_E, CC_L, CC_LE, CC_O, CC_P, CC_S, CF, FLAGS_FLOAT, OF, PF, SF, ZF } from '../x86/flags.ts';
import { buildCompareStrings } from './sse-string-runtime.ts';
import { buildSseFloat } from './sse-runtime.ts';
import { buildX87 } from './x87-runtime.ts';
import { FlagsEmitter } from './flags-emitter.ts';
import { FUEL_ENTRY } from './runtime-functions.ts';
import {
  FRAME_ADDEND, FRAME_LOW, FRAME_ROOM, FRAME_SPAN, JUMP_CACHE, JUMP_CACHE_ENTRIES, SPACE_TLB, SPACE_TLB_MASK, TLB, TLB_ADDEND, TLB_INDEX_SHIFT, TLB_MASK, TLB_READ, TLB_USED, TLB_USED_LIST, TLB_USED_MOST, TLB_WRITE,
} from './layout.ts';

/** Guest calls nested as WebAssembly calls at most; bounds the host stack. */
export const CALL_DEPTH = 256;

/** Kinds of flags × 4 sizes. */
const FLAG_OPS: number = (FLAGS_FLOAT + 1) * 4;

/** What JavaScript provides to the runtime module. */
export interface RuntimeImports {
  /** (cpu) → table slot of valid code at the RIP in the state, translated if need be; 0 = an exit has been stored. */
  resolve(cpu: number): number;
  /** (cpu) → table slot for the RIP in the state, which may still be a stub. */
  lookup(cpu: number): number;
  /** See RT_FUEL. */
  sample(cpu: number, where: number): number;
  /** (cpu, size): address in FAULT_ADDR → host offset to load from, or 0. */
  loadSlow(cpu: number, size: number): number;
  storeSlow(cpu: number, size: number): number;
  rmwSlow(cpu: number, size: number): number;
  /** (cpu): the pages of the frame at FAULT_ADDR are in the TLB for writing (1), or cannot be (0). */
  frameSlow(cpu: number): number;
  /** (cpu) → table slot of code for RIP that looks up each access to the stack; 0 = an exit has been stored. */
  frameless(cpu: number): number;
  /** Monotonic nanoseconds. */
  timestamp(): number;
}

let built: { readonly pages: number; readonly bytes: Uint8Array<ArrayBuffer> } | null = null;
/** The runtime module's bytes for a memory of so many WebAssembly pages. Made once: a start-up snapshot holds them. */
export function runtimeModule(memoryPages: number): Uint8Array<ArrayBuffer> {
  if (built?.pages !== memoryPages) {
    const builder = new ModuleBuilder();
    buildRuntime(builder);
    built = { pages: memoryPages, bytes: builder.write(memoryPages, 1) };
  }
  return built.bytes;
}

/** Defines all runtime functions. */
export function buildRuntime(m: ModuleBuilder): void {
  const resolve = m.import('js', 'resolve', [I32], [I32]);
  const lookup = m.import('js', 'lookup', [I32], [I32]);
  const sample = m.import('js', 'sample', [I32, I32], [I32]);
  const loadSlow = m.import('js', 'loadSlow', [I32, I32], [I32]);
  const storeSlow = m.import('js', 'storeSlow', [I32, I32], [I32]);
  const rmwSlow = m.import('js', 'rmwSlow', [I32, I32], [I32]);
  const frameSlow = m.import('js', 'frameSlow', [I32], [I32]);
  const frameless = m.import('js', 'frameless', [I32], [I32]);
  const timestamp = m.import('js', 'timestamp', [], [F64]);
  const x87 = m.import('js', 'x87', [I32, I32], [I32]);
  const sseFloat = m.import('js', 'sseFloat', [I32, I32], []);
  const regionType = m.types.of([I32, I32], [I64]);

  const stub = m.function('stub', [I32, I32], [I64], (f) => {
    const slot = f.let(resolve.call(f.param(0)));
    f.if(i32.eqz(slot), () => f.return(i64c(-1)));
    f.returnCallIndirect(regionType, slot, f.param(0), f.param(1));
  });
  const goOn = m.function('go_on', [I32, I32], [I64], (f) => {
    f.if(i32.load(f.param(0), EXIT_REASON), () => f.return(i64c(-1)));
    f.returnCall(stub, f.param(0), f.param(1));
  });
  m.function('fuel_entry', [I32, I32], [I64], (f) => {
    f.do(sample.call(f.param(0), i32c(FUEL_ENTRY)));
    f.returnCall(goOn, f.param(0), f.param(1));
  });
  m.function('frameless', [I32, I32], [I64], (f) => {
    const slot = f.let(frameless.call(f.param(0)));
    f.if(i32.eqz(slot), () => f.return(i64c(-1)));
    f.returnCallIndirect(regionType, slot, f.param(0), f.param(1));
  });
  const again = secondLook(m);
  const load = memoryFunction(m, 'load_slow', loadSlow, (f) => {
    const host = f.let(again.call(f.param(1), f.param(2), i32c(TLB_READ)));
    f.if(host, () => f.return(host));
  });
  const store = memoryFunction(m, 'store_slow', storeSlow, (f) => {
    const host = f.let(again.call(f.param(1), f.param(2), i32c(TLB_WRITE)));
    f.if(host, () => {
      f.do(copyMemory(host, i32.add(f.param(0), i32c(BOUNCE)), f.param(2)));
      f.return(i32c(1));
    });
  });
  const rmw = memoryFunction(m, 'rmw_slow', rmwSlow, (f) => {
    const host = f.let(again.call(f.param(1), f.param(2), i32c(TLB_WRITE)));
    f.if(host, () => f.return(host));
  });
  const hosts = accesses(m, load, store, rmw);
  frame(m, again, frameSlow);
  enter(m, lookup, regionType);
  flags(m);
  integer(m);
  bulk(m, hosts);
  buildX87(m, x87);
  buildSseFloat(m, sseFloat);
  buildCompareStrings(m);
  m.function('rdtsc', [], [I64], (f) => {
    f.return(new Expr(I64, (w) => {
      timestamp.call().emit(w);
      w.byte2(0xfc, 6);
    }));
  });
}

const entryOffset = (a: Expr, mask: Expr): Expr => i32.and(i32.shrU(i32.wrap(a), i32c(TLB_INDEX_SHIFT)), mask);

/** (address, size, TLB_READ or TLB_WRITE) → host offset, if the address space's own TLB has the page, which then goes to the first level; else 0. */
function secondLook(m: ModuleBuilder): FunctionRef {
  return m.function('second_look', [I64, I32, I32], [I32], (f) => {
    const [a, size, field] = [f.param(0), f.param(1), f.param(2)];
    const from = f.let(i32.add(i32.load(i32c(SPACE_TLB)), entryOffset(a, i32.load(i32c(SPACE_TLB_MASK)))));
    f.if(i64.gtU(i64.sub(a, i64.load(i32.add(from, field))), i64.extendU(i32.sub(i32c(4096), size))), () => f.return(i32c(0)));
    const entry = f.let(i32.add(i32c(TLB), entryOffset(a, i32c(TLB_MASK))));
    f.do(v128.store(entry, v128.load(from)));
    f.do(i64.store(entry, i64.load(from, TLB_ADDEND), TLB_ADDEND));
    const used = f.let(i32.load(i32c(TLB_USED)));
    f.if(i32.ltU(used, i32c(TLB_USED_MOST)), () => {
      f.do(i32.store(i32.shl(used, i32c(2)), entry, TLB_USED_LIST));
      f.do(i32.store(i32c(TLB_USED), i32.add(used, i32c(1))));
    });
    f.return(i32.add(i32.load(from, TLB_ADDEND), i32.wrap(a)));
  });
}

/** (cpu, address, size): what `first` does, and then JavaScript; passes the address through the state, so that no i64 crosses to it. */
function memoryFunction(m: ModuleBuilder, name: string, js: FunctionRef, first: (f: FunctionBuilder) => void): FunctionRef {
  return m.function(name, [I32, I64, I32, I64], [I32], (f) => {
    first(f);
    f.do(i64.store(f.param(0), f.param(1), FAULT_ADDR));
    f.return(js.call(f.param(0), f.param(2)));
  });
}

/** (cpu, address, size): host offset of bytes for reading or writing, 0 = an exit has been stored. */
interface HostFunctions {
  read: FunctionRef;
  write: FunctionRef;
}

/** host_rounds: rounds at most, pages looked through, and rounds until it is worth to ask again after a miss, and after it was too few. */
const MOST_ROUNDS = 0x10000, MAX_PAGES = 16, MISS_WAIT = 8, FEW_ROUNDS_WAIT = 64;

/** Guest memory for tier 1: lookup in the TLB, slow path if it misses. */
function accesses(m: ModuleBuilder, loadSlow: FunctionRef, storeSlow: FunctionRef, rmwSlow: FunctionRef): HostFunctions {
  const entry = (a: Expr): Expr => i32.add(i32c(TLB), entryOffset(a, i32c(TLB_MASK)));
  const host = (name: string, field: number, slow: FunctionRef): FunctionRef =>
    m.function(name, [I32, I64, I32], [I32], (f) => {
      const cpu = f.param(0);
      const a = f.param(1);
      const size = f.param(2);
      const e = f.let(entry(a));
      f.if(i64.gtU(i64.sub(a, i64.load(e, field)), i64.extendU(i32.sub(i32c(4096), size))), () => f.returnCall(slow, cpu, a, size, i64c(0)));
      f.return(i32.add(i32.load(e, TLB_ADDEND), i32.wrap(a)));
    });
  const hosts: HostFunctions = { read: host('host_read', TLB_READ, loadSlow), write: host('host_write', TLB_WRITE, rmwSlow) };
  const put = (size: number, type: ValueType, store: (at: Expr, v: Expr, offset?: number) => Expr): void => {
    m.function(`store_${size}`, [I32, I64, type], [I32], (f) => {
      const cpu = f.param(0);
      const a = f.param(1);
      const v = f.param(2);
      const e = f.let(entry(a));
      f.if(i64.gtU(i64.sub(a, i64.load(e, TLB_WRITE)), i64c(4096 - size)), () => {
        f.do(store(cpu, v, BOUNCE));
        f.returnCall(storeSlow, cpu, a, i32c(size), i64c(0));
      });
      f.do(store(i32.add(i32.load(e, TLB_ADDEND), i32.wrap(a)), v));
      f.return(i32c(1));
    });
  };
  m.function('host_group', [I64, I32, I32], [I32], (f) => {
    const [a, span, field] = [f.param(0), f.param(1), f.param(2)];
    const last = f.let(i64.add(a, i64.extendU(i32.sub(span, i32c(1)))));
    const [first, second] = [a, last].map((at) => {
      const e = f.let(entry(at));
      f.if(i64.gtU(i64.sub(at, i64.load(i32.add(e, field))), i64c(4095)), () => f.return(i32c(0)));
      return f.let(i32.load(e, TLB_ADDEND));
    });
    f.return(select(i32.eq(first!, second!), i32.add(first!, i32.wrap(a)), i32c(0)));
  });
  m.function('host_rounds', [I64, I32, I64, I32, I32], [I32, I32], (f) => {
    const [a, span, step, field, aligned] = [0, 1, 2, 3, 4].map((k) => f.param(k)) as [Local, Local, Local, Local, Local];
    const none = (wait: number): void => f.return(i32c(-wait), i32c(0));
    f.if(i32.geS(aligned, i32c(0)), () => f.if(i32.and(i32.or(i32.add(i32.wrap(a), aligned), i32.wrap(step)), i32c(15)), () => none(FEW_ROUNDS_WAIT)));
    const e = f.let(entry(a));
    const low = f.let(i64.load(i32.add(e, field)));
    f.if(i64.gtU(i64.sub(a, low), i64.extendU(i32.sub(i32c(4096), span))), () => none(MISS_WAIT));
    const addend = f.let(i32.load(e, TLB_ADDEND));
    const end = f.let(i64.add(low, i64c(4096)));
    /** As far as what follows in that direction is in one piece with it. */
    const extend = (page: () => Expr, take: () => void): void => {
      const n = f.let(i32c(MAX_PAGES));
      f.block((done) => {
        f.loop((again) => {
          f.set(n, i32.sub(n, i32c(1)));
          f.brIf(done, i32.eqz(n));
          f.set(e, entry(page()));
          f.brIf(done, i64.ne(i64.load(i32.add(e, field)), page()));
          f.brIf(done, i32.ne(i32.load(e, TLB_ADDEND), addend));
          take();
          f.br(again);
        });
      });
    };
    const room = f.local(I64);
    f.if(i64.eqz(step), () => f.return(i32c(MOST_ROUNDS), addend));
    f.if(
      i64.gtS(step, i64c(0)),
      () => {
        extend(() => end, () => f.set(end, i64.add(end, i64c(4096))));
        f.set(room, i64.sub(i64.sub(end, i64.extendU(span)), a));
      },
      () => {
        extend(() => i64.sub(low, i64c(4096)), () => f.set(low, i64.sub(low, i64c(4096))));
        f.set(room, i64.sub(a, low));
        f.set(step, i64.sub(i64c(0), step));
      },
    );
    // Few rounds: not worth the look.
    f.if(i64.gtU(step, i64.shrU(room, i64c(2))), () => none(FEW_ROUNDS_WAIT));
    f.return(i32.add(i32.divU(i32.wrap(room), i32.wrap(step)), i32c(1)), addend);
  });
  put(1, I32, i32.store8);
  put(2, I32, i32.store16);
  put(4, I32, i32.store);
  put(8, I64, i64.store);
  put(16, V128, v128.store);
  return hosts;
}

/** Pages on each side that are looked through for more that is in one piece with the frame. */
const FRAME_PAGES = 16;

/** See RT_FRAME: the TLB's pages around the frame that are neighbours in linear memory too. */
function frame(m: ModuleBuilder, again: FunctionRef, slow: FunctionRef): void {
  const entry = (a: Expr): Expr => i32.add(i32c(TLB), entryOffset(a, i32c(TLB_MASK)));
  const derive = m.function('frame_pages', [I64], [I32], (f) => {
    const a = f.param(0);
    const e = f.local(I32);
    const [first, last] = [a, f.let(i64.add(a, i64c(FRAME_SPAN - 1)))].map((at) => {
      f.set(e, entry(at));
      f.if(i64.gtU(i64.sub(at, i64.load(e, TLB_WRITE)), i64c(4095)), () => {
        f.if(i32.eqz(again.call(at, i32c(1), i32c(TLB_WRITE))), () => f.return(i32c(0)));
      });
      return f.let(i32.load(e, TLB_ADDEND));
    });
    f.if(i32.ne(first!, last!), () => f.return(i32c(0)));
    const low = f.let(i64.and(a, i64c(-4096)));
    const end = f.let(i64.add(i64.and(i64.add(a, i64c(FRAME_SPAN - 1)), i64c(-4096)), i64c(4096)));
    const extend = (page: () => Expr, take: () => void): void => {
      const n = f.let(i32c(FRAME_PAGES));
      f.block((done) => {
        f.loop((more) => {
          f.set(n, i32.sub(n, i32c(1)));
          f.brIf(done, i32.eqz(n));
          f.set(e, entry(page()));
          f.brIf(done, i64.ne(i64.load(e, TLB_WRITE), page()));
          f.brIf(done, i32.ne(i32.load(e, TLB_ADDEND), first!));
          take();
          f.br(more);
        });
      });
    };
    extend(() => end, () => f.set(end, i64.add(end, i64c(4096))));
    extend(() => i64.sub(low, i64c(4096)), () => f.set(low, i64.sub(low, i64c(4096))));
    f.do(i64.store(i32c(0), low, FRAME_LOW));
    f.do(i64.store(i32c(0), i64.sub(i64.sub(end, low), i64c(FRAME_SPAN - 1)), FRAME_ROOM));
    f.do(i32.store(i32c(0), first!, FRAME_ADDEND));
    f.return(i32c(1));
  });
  m.function('frame', [I32, I64], [I32], (f) => {
    f.if(derive.call(f.param(1)), () => f.return(i32c(1)));
    f.do(i64.store(f.param(0), f.param(1), FAULT_ADDR));
    f.if(i32.eqz(slow.call(f.param(0))), () => f.return(i32c(0)));
    f.return(derive.call(f.param(1)));
  });
}

/** The dispatcher: runs regions until one leaves with an exit. `enter_once` runs one region by slot. */
function enter(m: ModuleBuilder, lookup: FunctionRef, regionType: number): void {
  m.function('enter', [I32], [], (f) => {
    const cpu = f.param(0);
    const rip = f.let(i64.load(cpu, RIP));
    const entry = f.local(I32);
    const slot = f.local(I32);
    const fuel = f.local(I32);
    f.loop((again) => {
      f.set(entry, i32.wrap(rip));
      f.set(entry, i32.shl(i32.and(i32.xor(entry, i32.shrU(entry, i32c(4))), i32c(JUMP_CACHE_ENTRIES - 1)), i32c(4)));
      f.if(
        i64.eq(i64.load(entry, JUMP_CACHE), rip),
        () => f.set(slot, i32.load(entry, JUMP_CACHE + 8)),
        () => f.set(slot, lookup.call(cpu)),
      );
      f.set(rip, callIndirect(I64, regionType, slot, cpu, i32c(CALL_DEPTH)));
      f.if(i64.eq(rip, i64c(-1)), () => f.if(i32.load(cpu, EXIT_REASON), () => f.return()));
      f.do(i64.store(cpu, rip, RIP));
      f.set(fuel, i32.sub(i32.load(cpu, FUEL), i32c(1)));
      f.do(i32.store(cpu, fuel, FUEL));
      f.if(i32.ltS(fuel, i32c(0)), () => {
        f.do(i32.store(cpu, i32c(EXIT_INTERRUPT), EXIT_REASON));
        f.do(i32.store(cpu, i32c(0), EXIT_DETAIL));
        f.return();
      });
      f.br(again);
    });
  });
  m.function('enter_once', [I32, I32], [], (f) => {
    const cpu = f.param(0);
    const rip = f.let(callIndirect(I64, regionType, f.param(1), cpu, i32c(0)));
    f.if(i64.ne(rip, i64c(-1)), () => f.do(i64.store(cpu, rip, RIP)), () => f.if(i32.eqz(i32.load(cpu, EXIT_REASON)), () => f.do(i64.store(cpu, rip, RIP))));
  });
}

function flags(m: ModuleBuilder): void {
  const emitter = new FlagsEmitter();
  const eflags = m.function('eflags', [I32, I64, I64, I64], [I32], (f) => {
    const cases: (() => void)[] = [];
    for (let op = 0; op < FLAG_OPS; op++) cases.push(() => f.return(new Expr(I32, (w) => emitter.eflags(w, { dst: 1, src: 2, aux: 3 }, op))));
    f.switch(f.param(0), cases, () => f.return(i32c(0)));
    f.unreachable();
  });
  m.function('condition', [I32, I32, I64, I64, I64], [I32], (f) => {
    const e = f.let(eflags.call(f.param(1), f.param(2), f.param(3), f.param(4)));
    const r = f.local(I32);
    const any = (bits: number): Expr => i32.ne(i32.and(e, i32c(bits)), i32c(0));
    const less = i32.ne(any(SF), any(OF));
    const base: Expr[] = [];
    base[CC_O >> 1] = any(OF);
    base[CC_B >> 1] = any(CF);
    base[CC_E >> 1] = any(ZF);
    base[CC_BE >> 1] = any(CF | ZF);
    base[CC_S >> 1] = any(SF);
    base[CC_P >> 1] = any(PF);
    base[CC_L >> 1] = less;
    base[CC_LE >> 1] = i32.or(less, any(ZF));
    f.switch(i32.shrU(f.param(0), i32c(1)), base.map((x) => () => f.set(r, x)), () => f.unreachable());
    f.return(i32.xor(r, i32.and(f.param(0), i32c(1))));
  });
  /** (cpu): the flags in the state → EFLAGS bits. */
  m.function('state_eflags', [I32], [I32], (f) => {
    const cpu = f.param(0);
    f.return(eflags.call(i32.load(cpu, CC_OP), i64.load(cpu, CC_DST), i64.load(cpu, CC_SRC), i64.load(cpu, CC_AUX)));
  });
}

/** High halves of 64 x 64 bit products. */
function integer(m: ModuleBuilder): void {
  const high = m.function('mul_high_u', [I64, I64], [I64], (f) => {
    const a = f.param(0);
    const b = f.param(1);
    const low = i64c(0xffffffff);
    const al = f.let(i64.and(a, low));
    const ah = f.let(i64.shrU(a, i64c(32)));
    const bl = f.let(i64.and(b, low));
    const bh = f.let(i64.shrU(b, i64c(32)));
    const t = f.let(i64.add(i64.mul(ah, bl), i64.shrU(i64.mul(al, bl), i64c(32))));
    const u = f.let(i64.add(i64.mul(al, bh), i64.and(t, low)));
    f.return(i64.add(i64.add(i64.mul(ah, bh), i64.shrU(t, i64c(32))), i64.shrU(u, i64c(32))));
  });
  // (source, mask): the source's low bits go to where the mask has ones, and the other way round.
  for (const deposit of [true, false])
    m.function(deposit ? 'pdep' : 'pext', [I64, I64], [I64], (f) => {
      const source = f.param(0);
      const mask = f.param(1);
      const result = f.local(I64);
      const bit = f.let(i64c(1));
      const lowest = f.local(I64);
      f.while(i64.ne(mask, i64c(0)), () => {
        f.set(lowest, i64.and(mask, i64.sub(i64c(0), mask)));
        f.if(i64.ne(i64.and(source, deposit ? bit : lowest), i64c(0)), () => f.set(result, i64.or(result, deposit ? lowest : bit)));
        f.set(mask, i64.xor(mask, lowest));
        f.set(bit, i64.shl(bit, i64c(1)));
      });
      f.return(result);
    });
  m.function('mul_high_s', [I64, I64], [I64], (f) => {
    const a = f.param(0);
    const b = f.param(1);
    const zero = i64c(0);
    const r = f.let(high.call(a, b));
    f.set(r, i64.sub(r, select(i64.ltS(a, zero), b, zero)));
    f.return(i64.sub(r, select(i64.ltS(b, zero), a, zero)));
  });
}

const copyMemory = (dst: Expr, src: Expr, n: Expr): Expr => new Expr(0, (w) => {
  dst.emit(w);
  src.emit(w);
  n.emit(w);
  w.byte2(0xfc, 10);
  w.byte2(0, 0);
});

/** REP MOVS and REP STOS: as much at once as lies in one page on either side. A fault is left to the element that follows. */
function bulk(m: ModuleBuilder, hosts: HostFunctions): void {
  const left = (a: Expr): Expr => i32.sub(i32c(4096), i32.and(i32.wrap(a), i32c(4095)));
  const fill = (dst: Expr, value: Expr, n: Expr): Expr => new Expr(0, (w) => {
    dst.emit(w);
    value.emit(w);
    n.emit(w);
    w.byte2(0xfc, 11);
    w.byte(0);
  });
  m.function('bulk_movs', [I32, I64, I64, I64, I32], [I64], (f) => {
    const cpu = f.param(0);
    const dst = f.param(1);
    const src = f.param(2);
    const count = f.param(3);
    const shift = f.param(4);
    const none = (): void => f.return(i64c(0));
    const notYet = (): void => {
      f.do(i32.store(cpu, i32c(0), EXIT_REASON));
      none();
    };
    f.if(i32.ne(i32.load(cpu, DF_STEP), i32c(1)), none);
    f.if(i64.eqz(count), none);
    // The two may share an entry of the TLB: the host offsets stay good, whichever of them is in it.
    const d = f.let(hosts.write.call(cpu, dst, i32c(1)));
    f.if(i32.eqz(d), notYet);
    const s = f.let(hosts.read.call(cpu, src, i32c(1)));
    f.if(i32.eqz(s), notYet);
    const n = f.let(left(dst));
    f.if(i32.gtU(n, left(src)), () => f.set(n, left(src)));
    f.set(n, i32.shrU(n, shift));
    f.if(i64.gtU(i64.extendU(n), count), () => f.set(n, i32.wrap(count)));
    const bytes = f.let(i32.shl(n, shift));
    // A destination just above the source repeats what it has written: element by element then.
    f.if(i32.ltU(i32.sub(i32.sub(d, s), i32c(1)), i32.sub(bytes, i32c(1))), none);
    f.if(i32.eqz(n), none);
    f.do(copyMemory(d, s, bytes));
    f.return(i64.extendU(n));
  });
  m.function('bulk_stos', [I32, I64, I64, I64, I32], [I64], (f) => {
    const cpu = f.param(0);
    const dst = f.param(1);
    const value = f.param(2);
    const count = f.param(3);
    const shift = f.param(4);
    const none = (): void => f.return(i64c(0));
    f.if(i32.ne(i32.load(cpu, DF_STEP), i32c(1)), none);
    f.if(i64.eqz(count), none);
    const d = f.let(hosts.write.call(cpu, dst, i32c(1)));
    f.if(i32.eqz(d), () => {
      f.do(i32.store(cpu, i32c(0), EXIT_REASON));
      none();
    });
    const n = f.let(i32.shrU(left(dst), shift));
    f.if(i64.gtU(i64.extendU(n), count), () => f.set(n, i32.wrap(count)));
    f.if(i32.eqz(n), none);
    // All bytes of the element equal: memory.fill; otherwise a loop of 8-byte stores of the repeated pattern.
    const v = f.let(value);
    f.if(i32.eqz(shift), () => f.set(v, i64.mul(i64.and(value, i64c(0xff)), i64c(0x0101010101010101n))));
    f.if(i32.eq(shift, i32c(1)), () => f.set(v, i64.mul(i64.and(value, i64c(0xffff)), i64c(0x0001000100010001n))));
    f.if(i32.eq(shift, i32c(2)), () => f.set(v, i64.mul(i64.and(value, i64c(0xffffffff)), i64c(0x0000000100000001n))));
    const bytes = f.let(i32.shl(n, shift));
    f.if(
      i64.eq(v, i64.rotl(v, i64c(8))),
      () => f.do(fill(d, i32.wrap(v), bytes)),
      () => {
        const end = f.let(i32.add(d, bytes));
        f.while(i32.leU(i32.add(d, i32c(8)), end), () => {
          f.do(i64.store(d, v));
          f.set(d, i32.add(d, i32c(8)));
        });
        f.while(i32.ltU(d, end), () => {
          f.do(i64.store8(d, v));
          f.set(v, i64.rotr(v, i64c(8)));
          f.set(d, i32.add(d, i32c(1)));
        });
      },
    );
    f.return(i64.extendU(n));
  });
}
