/**
 * The interpreter of IR: runs code that is not worth compiling (yet). One WebAssembly function, made from the list in interpreted-ops.ts: what an
 * operation does is the IR's own numeric operation, the runtime's memory access or helper, so the semantics are those of compiled code.
 * All values are in the CPU state in memory: guest registers in their places, what lives within an instruction in TEMPS.
 */
import { type FunctionBuilder, type FunctionRef, ModuleBuilder, callIndirect } from '../wasm/module-builder.ts';
import { Expr, i32, i32c, i64, i64c, v128 } from '../wasm/expressions.ts';
import { I32, I64 } from '../wasm/opcodes.ts';
import type { ValueType } from '../wasm/opcodes.ts';
import { BOUNCE, CC_AUX, CC_DST, CC_OP, CC_SRC, CODE_CONTEXT, EXIT_DETAIL, EXIT_REASON, FUEL, RIP } from '../x86/cpu-layout.ts';
import { EXIT_INTERRUPT } from '../x86/exits.ts';
import { HELPERS } from '../x86/helpers.ts';
import { F32 as T_F32, I32 as T_I32, I64 as T_I64, type IrType, V128 as T_V128 } from '../x86/ir.ts';
import * as O from './interpreted-ops.ts';
import { INTERPRETED_CACHE, INTERPRETED_CACHE_ENTRIES, JUMP_CACHE, JUMP_CACHE_ENTRIES } from './layout.ts';
import type { RuntimeFunction } from './module-assembler.ts';
import {
  RT_CONDITION, RT_EFLAGS, RT_HELPERS, RT_HOST_READ, RT_HOST_WRITE, RT_LOOKUP, RT_RMW_END, RT_STORE_1, RT_STORE_16, RT_STORE_2, RT_STORE_4, RT_STORE_8, RT_STUB, RT_SYSCALL, runtimeTypes,
} from './runtime-functions.ts';

/** What JavaScript provides to the interpreter besides the runtime functions. */
export interface InterpreterImports {
  /** (cpu, place in interpreted code): an instruction there faulted or left: RIP becomes its address. */
  faulted(cpu: number, place: number): void;
  /** (cpu) → table slot of compiled code for the RIP in the state, which has been interpreted often enough; 0 = an exit has been stored. */
  hot(cpu: number): number;
}

const SIZES = [1, 2, 4, 8, 16];
const STORE_FUNCTIONS = [RT_STORE_1, RT_STORE_2, RT_STORE_4, RT_STORE_8, RT_STORE_16];

/** Value of type `t` at a host address, and the store of one. */
function get(t: IrType, at: Expr): Expr {
  switch (t) {
    case T_I32: return i32.load(at);
    case T_I64: return i64.load(at);
    case T_V128: return v128.load(at);
    default: return raw(t === T_F32 ? 0x7d : 0x7c, at, t === T_F32 ? 0x2a : 0x2b);
  }
}
function put(t: IrType, at: Expr, value: Expr): Expr {
  switch (t) {
    case T_I32: return i32.store(at, value);
    case T_I64: return i64.store(at, value);
    case T_V128: return v128.store(at, value);
    default: return new Expr(0, (w) => {
      at.emit(w);
      value.emit(w);
      w.memory(t === T_F32 ? 0x38 : 0x39, 0);
    });
  }
}
function raw(type: ValueType, at: Expr, opcode: number): Expr {
  return new Expr(type, (w) => {
    at.emit(w);
    w.memory(opcode, 0);
  });
}
const WASM: readonly (ValueType | 0)[] = [0, 0x7f, 0x7e, 0x7d, 0x7c, 0x7b];

/** An operation of the IR, by its number, on operands. */
function numeric(opcode: number, result: IrType, ...operands: Expr[]): Expr {
  return new Expr(WASM[result]!, (w) => {
    for (const e of operands) e.emit(w);
    if (opcode < 0x100) w.byte(opcode);
    else if (opcode >= 0xfd00) w.simd(opcode - 0xfd00);
    else w.byte2(0xfc, opcode - 0xfc00);
  });
}

let built: { readonly pages: number; readonly bytes: Uint8Array<ArrayBuffer> } | null = null;
/** The interpreter's module for a memory of so many WebAssembly pages. Made once: a start-up snapshot holds it. */
export function interpreterModule(memoryPages: number): Uint8Array<ArrayBuffer> {
  if (built?.pages !== memoryPages) {
    const m = new ModuleBuilder();
    buildInterpreter(m, runtimeTypes());
    built = { pages: memoryPages, bytes: m.write(memoryPages, 1) };
  }
  return built.bytes;
}

function buildInterpreter(m: ModuleBuilder, types: readonly RuntimeFunction[]): void {
  const fn = types.map((t, id) => m.import('e', String(id), t.params as ValueType[], t.results as ValueType[]));
  const faulted = m.import('js', 'faulted', [I32, I32], []);
  const hot = m.import('js', 'hot', [I32], [I32]);
  const regionType = m.types.of([I32, I32], [I64]);
  const interpret = m.function('interpret', [I32, I32, I32], [I64], (f) => new Cases(f, fn, faulted, hot, regionType).emit());
  // What a table slot holds until there is compiled code: the region at RIP is interpreted, if it is one that is.
  m.function('enter_region', [I32, I32], [I64], (f) => {
    const cpu = f.param(0);
    const rip = f.let(i64.load(cpu, RIP));
    const at = f.let(i32.wrap(rip));
    f.set(at, i32.shl(i32.and(i32.xor(at, i32.shrU(at, i32c(5))), i32c(INTERPRETED_CACHE_ENTRIES - 1)), i32c(4)));
    f.if(i64.eq(i64.load(at, INTERPRETED_CACHE), rip), () => {
      const code = f.let(i32.load(at, INTERPRETED_CACHE + 8));
      f.if(i32.eq(i32.load(code, O.CODE_WORD), i32.load(cpu, CODE_CONTEXT)), () => {
        const left = f.let(i32.sub(i32.load(code, O.CODE_COUNT), i32c(1)));
        f.do(i32.store(code, left, O.CODE_COUNT));
        f.if(i32.ltS(left, i32c(0)), () => {
          const slot = f.let(hot.call(cpu));
          f.if(i32.eqz(slot), () => f.return(i64c(-1)));
          f.returnCallIndirect(regionType, slot, cpu, f.param(1));
        });
        f.returnCall(interpret, cpu, f.param(1), i32.add(code, i32c(O.CODE_HEADER)));
      });
    });
    f.returnCall(fn[RT_STUB]!, cpu, f.param(1));
  });
}

/** Emits the interpreter's function: (cpu, depth, place) → RIP. */
class Cases {
  private readonly f: FunctionBuilder;
  private readonly fn: readonly FunctionRef[];
  private readonly faulted: FunctionRef;
  private readonly hot: FunctionRef;
  private readonly regionType: number;
  private readonly cpu: Expr;
  private readonly depth: Expr;
  private readonly pc: ReturnType<FunctionBuilder['param']>;
  private readonly host: ReturnType<FunctionBuilder['local']>;
  private readonly slot: ReturnType<FunctionBuilder['local']>;
  private readonly rip: ReturnType<FunctionBuilder['local']>;
  private again: () => void = () => {};

  constructor(f: FunctionBuilder, fn: readonly FunctionRef[], faulted: FunctionRef, hot: FunctionRef, regionType: number) {
    this.f = f;
    this.fn = fn;
    this.faulted = faulted;
    this.hot = hot;
    this.regionType = regionType;
    this.cpu = f.param(0);
    this.depth = f.param(1);
    this.pc = f.param(2);
    this.host = f.local(I32);
    this.slot = f.local(I32);
    this.rip = f.local(I64);
  }

  /** Host address of the value in the field at byte `k` of the operation. */
  private field(k: number): Expr {
    return i32.add(this.cpu, i32.load16U(this.pc, k));
  }
  private get d(): Expr {
    return this.field(2);
  }
  private get a(): Expr {
    return this.field(4);
  }
  private get b(): Expr {
    return this.field(6);
  }
  private skip(bytes: number): void {
    this.f.set(this.pc, i32.add(this.pc, i32c(bytes)));
    this.again();
  }

  emit(): void {
    const { f, pc } = this;
    const cases: (() => void)[] = [];
    this.moves(cases);
    this.stores(cases);
    this.control(cases);
    O.NUMERIC_OPS.forEach((op, i) => {
      cases[O.NUMERIC_FIRST + i] = () => {
        const operands = op.operands.map((t, k) => {
          if (k === 1 && op.immediate) return t === T_I32 ? i32.load16S(pc, 6) : load16S64(pc);
          return get(t, k === 0 ? this.a : this.b);
        });
        f.do(put(op.result, this.d, numeric(op.opcode, op.result, ...operands)));
      };
    });
    O.LOADS.forEach((load, i) => {
      cases[O.GUEST_LOAD_FIRST + i] = () => {
        f.set(this.host, this.fn[RT_HOST_READ]!.call(this.cpu, i64.add(i64.load(this.a), load16S64(pc)), i32c(load.size)));
        f.if(i32.eqz(this.host), () => this.fault());
        f.do(put(load.type, this.d, loadValue(load, this.host)));
      };
      cases[O.RAW_LOAD_FIRST + i] = () => f.do(put(load.type, this.d, loadValue(load, i32.load(this.a))));
    });
    HELPERS.forEach((h, i) => {
      cases[O.HELPER_FIRST + i] = () => {
        const args = h.params.map((t, k) => get(t, this.field(k < 2 ? 4 + 2 * k : 8 + 2 * (k - 2))));
        if (h.takesCpu) args.unshift(this.cpu);
        const call = this.fn[RT_HELPERS + i]!.call(...args);
        f.do(h.result === 0 ? call : put(h.result, this.d, call));
        if (h.canExit) f.if(i32.load(this.cpu, EXIT_REASON), () => this.fault());
        if (h.params.length > 2) this.skip(16);
      };
    });
    f.loop((again) => {
      this.again = () => f.br(again);
      f.switch(i32.load16U(pc), cases, () => f.unreachable());
      f.set(pc, i32.add(pc, i32c(8)));
      f.br(again);
    });
    f.unreachable();
  }

  /** Leaves, with RIP at the instruction that this operation belongs to. */
  private fault(): void {
    this.f.do(this.faulted.call(this.cpu, this.pc));
    this.f.return(i64c(-1));
  }

  private moves(cases: (() => void)[]): void {
    const { f, cpu, pc, fn } = this;
    cases[O.O_MOVE4] = () => f.do(i32.store(this.d, i32.load(this.a)));
    cases[O.O_MOVE8] = () => f.do(i64.store(this.d, i64.load(this.a)));
    cases[O.O_MOVE16] = () => f.do(v128.store(this.d, v128.load(this.a)));
    cases[O.O_CONST32] = () => f.do(i32.store(this.d, i32.load(pc, 4)));
    cases[O.O_CONST64S] = () => f.do(i64.store(this.d, i64.load32S(pc, 4)));
    cases[O.O_CONST64] = () => {
      f.do(i64.store(this.d, i64.load(pc, 8)));
      this.skip(16);
    };
    cases[O.O_CONST128] = () => {
      f.do(v128.store(this.d, v128.load(pc, 8)));
      this.skip(24);
    };
    cases[O.O_CPU] = () => f.do(i32.store(this.d, i32.add(cpu, i32.load16U(pc, 4))));
    const selects: [number, IrType][] = [[O.O_SELECT4, T_I32], [O.O_SELECT8, T_I64], [O.O_SELECT16, T_V128]];
    for (const [op, t] of selects)
      cases[op] = () => {
        f.set(this.host, this.b);
        f.if(i32.eqz(i32.load(this.a)), () => f.set(this.host, this.field(8)));
        f.do(put(t, this.d, get(t, this.host)));
        this.skip(16);
      };
    const flags = (): Expr[] => [i32.load(cpu, CC_OP), i64.load(cpu, CC_DST), i64.load(cpu, CC_SRC), i64.load(cpu, CC_AUX)];
    cases[O.O_COND] = () => f.do(i32.store(this.d, fn[RT_CONDITION]!.call(i32.load16U(pc, 4), ...flags())));
    cases[O.O_EFLAGS] = () => f.do(i32.store(this.d, fn[RT_EFLAGS]!.call(...flags())));
    cases[O.O_SET_CC_OP] = () => f.do(i32.store(cpu, i32.load16U(pc, 2), CC_OP));
    cases[O.O_SHUFFLE] = () => {
      // Lanes of a are 0-15 and of b 16-31; a number beyond 15 selects 0.
      const lanes = v128.load(pc, 8);
      const sixteen = v128.op1(0x7b, 0x0f, i32c(16));
      const fromA = v128.op2(0x7b, 0x0e, v128.load(this.a), lanes);
      const fromB = v128.op2(0x7b, 0x0e, v128.load(this.b), v128.op2(0x7b, 0x71, lanes, sixteen));
      f.do(v128.store(this.d, v128.op2(0x7b, 0x50, fromA, fromB)));
      this.skip(24);
    };
    cases[O.O_LANE_1U] = () => f.do(i32.store(this.d, i32.load8U(this.a)));
    cases[O.O_LANE_2U] = () => f.do(i32.store(this.d, i32.load16U(this.a)));
    cases[O.O_LANE_4] = () => f.do(i32.store(this.d, i32.load(this.a)));
    cases[O.O_LANE_8] = () => f.do(i64.store(this.d, i64.load(this.a)));
    cases[O.O_SET_1] = () => f.do(i32.store8(this.d, i32.load(this.a)));
    cases[O.O_SET_2] = () => f.do(i32.store16(this.d, i32.load(this.a)));
  }

  private stores(cases: (() => void)[]): void {
    const { f, cpu, pc, fn } = this;
    SIZES.forEach((size, i) => {
      const value = (): Expr => (size === 16 ? v128.load(this.a) : size === 8 ? i64.load(this.a) : i32.load(this.a));
      cases[O.O_STORE + i] = () => f.if(i32.eqz(fn[STORE_FUNCTIONS[i]!]!.call(cpu, i64.add(i64.load(this.d), load16S64(pc)), value())), () => this.fault());
      cases[O.O_RAW_STORE + i] = () => {
        const at = i32.load(this.d);
        const v = value();
        f.do(size === 1 ? i32.store8(at, v) : size === 2 ? i32.store16(at, v) : size === 4 ? i32.store(at, v) : size === 8 ? i64.store(at, v) : v128.store(at, v));
      };
    });
    cases[O.O_RMW] = () => {
      f.set(this.host, fn[RT_HOST_WRITE]!.call(cpu, i64.load(this.a), i32.load16U(pc, 6)));
      f.if(i32.eqz(this.host), () => this.fault());
      f.do(i32.store(this.d, this.host));
    };
    cases[O.O_RMW_END] = () => f.if(i32.eq(i32.load(this.a), i32.add(cpu, i32c(BOUNCE))), () => f.do(fn[RT_RMW_END]!.call(cpu, i32.load16U(pc, 6))));
  }

  private control(cases: (() => void)[]): void {
    const { f, cpu, pc, fn, depth } = this;
    const target = (): Expr => i32.add(pc, i32.load(pc, 4));
    const leaveAt = (address: Expr): void => {
      f.do(i64.store(cpu, address, RIP));
      f.return(i64c(-1));
    };
    /** Takes one unit of fuel; leaves at the guest address that follows when there is none. */
    const charge = (): void => {
      f.set(this.slot, i32.sub(i32.load(cpu, FUEL), i32c(1)));
      f.do(i32.store(cpu, this.slot, FUEL));
      f.if(i32.ltS(this.slot, i32c(0)), () => {
        f.do(i32.store(cpu, i32c(EXIT_INTERRUPT), EXIT_REASON));
        f.do(i32.store(cpu, i32c(0), EXIT_DETAIL));
        leaveAt(i64.load(pc, 8));
      });
    };
    const jump = (): void => {
      f.set(pc, target());
      this.again();
    };
    cases[O.O_JUMP] = jump;
    cases[O.O_JUMP_IF] = () => f.if(i32.load(this.d), jump);
    cases[O.O_JUMP_UNLESS] = () => f.if(i32.eqz(i32.load(this.d)), jump);
    cases[O.O_AGAIN] = () => {
      charge();
      jump();
    };
    cases[O.O_JUMP_BACK] = () => {
      charge();
      // The region's count of what is left before it is compiled is found from the distance that follows the address.
      f.set(this.host, i32.add(pc, i32.load(pc, 16)));
      f.set(this.slot, i32.sub(i32.load(this.host, O.CODE_COUNT), i32c(1)));
      f.do(i32.store(this.host, this.slot, O.CODE_COUNT));
      f.if(i32.ltS(this.slot, i32c(0)), () => {
        f.do(i64.store(cpu, i64.load(pc, 8), RIP));
        f.set(this.slot, this.hot.call(cpu));
        f.if(i32.eqz(this.slot), () => f.return(i64c(-1)));
        f.returnCallIndirect(this.regionType, this.slot, cpu, depth);
      });
      jump();
    };
    cases[O.O_TAIL] = () => {
      f.do(i64.store(cpu, i64.load(pc, 8), RIP));
      f.returnCallIndirect(this.regionType, i32.load(pc, 4), cpu, depth);
    };
    /** Calls the region in `slot` for the address in RIP; goes on if it comes back to the address at `next`, behind `bytes` of operation. */
    const call = (to: Expr, slot: () => Expr, next: number): void => {
      f.do(i64.store(cpu, to, RIP));
      f.if(i32.eqz(depth), () => f.return(to));
      f.set(this.rip, callIndirect(I64, this.regionType, slot(), cpu, i32.sub(depth, i32c(1))));
      f.if(i64.ne(this.rip, i64.load(pc, next)), () => f.return(this.rip));
      this.skip(next + 8);
    };
    const lookUp = (): Expr => {
      f.set(this.host, i32.wrap(this.rip));
      f.set(this.host, i32.shl(i32.and(i32.xor(this.host, i32.shrU(this.host, i32c(4))), i32c(JUMP_CACHE_ENTRIES - 1)), i32c(4)));
      f.if(
        i64.eq(i64.load(this.host, JUMP_CACHE), this.rip),
        () => f.set(this.slot, i32.load(this.host, JUMP_CACHE + 8)),
        () => f.set(this.slot, fn[RT_LOOKUP]!.call(cpu)),
      );
      return this.slot;
    };
    cases[O.O_CALL] = () => call(i64.load(pc, 8), () => i32.load(pc, 4), 16);
    cases[O.O_CALL_INDIRECT] = () => {
      f.set(this.rip, i64.load(this.d));
      call(this.rip, lookUp, 8);
    };
    cases[O.O_JUMP_INDIRECT] = () => {
      f.set(this.rip, i64.load(this.d));
      f.do(i64.store(cpu, this.rip, RIP));
      const slot = lookUp();
      f.returnCallIndirect(this.regionType, slot, cpu, depth);
    };
    cases[O.O_RET] = () => f.return(i64.load(this.d));
    cases[O.O_SYSCALL] = () => {
      f.do(i64.store(cpu, i64.load(pc, 8), RIP));
      f.if(fn[RT_SYSCALL]!.call(cpu), () => f.return(i64c(-1)));
      this.skip(16);
    };
    cases[O.O_EXIT] = () => {
      f.do(i32.store(cpu, i32.load16U(pc, 2), EXIT_REASON));
      f.do(i32.store(cpu, i32.load(pc, 4), EXIT_DETAIL));
      leaveAt(i64.load(pc, 8));
    };
  }
}

/** The signed 16-bit immediate b as i64. */
function load16S64(pc: Expr): Expr {
  return i64.load16S(pc, 6);
}

function loadValue(load: O.LoadOp, at: Expr): Expr {
  const { size, signed } = load;
  if (load.type === T_V128) return size === 16 ? v128.load(at) : new Expr(0x7b, (w) => {
    at.emit(w);
    w.simd(size === 8 ? 0x5d : 0x5c);
    w.byte2(0, 0);
  });
  const ops = load.type === T_I32 ? i32 : i64;
  if (size === 1) return signed ? ops.load8S(at) : ops.load8U(at);
  if (size === 2) return signed ? ops.load16S(at) : ops.load16U(at);
  if (size === 4 && load.type === T_I64) return signed ? i64.load32S(at) : i64.load32U(at);
  return ops.load(at);
}
