/** Emits accesses to guest memory: TLB lookups, alone, for groups, and for whole loops; and what every emitter needs (locals, calls of the runtime). */
import { CodeWriter } from '../wasm/code-writer.ts';
import { ELSE, END, I32_LOAD, I64_LOAD, IF } from '../wasm/opcodes.ts';
import { BOUNCE, FAULT_ADDR, GPR } from '../x86/cpu-layout.ts';
import { HELPERS } from '../x86/helpers.ts';
import {
  F32, F64, I32, I64, type IrBuilder, N_COND, N_CONST128, N_CONST32, N_CONST64, N_CPU, N_EFLAGS, N_HELPER, N_LANE, N_LOAD, N_RAW_LOAD, N_REG, N_RMW, N_SELECT,
  N_SHUFFLE, N_STATE, N_TMP, N_XMM, V128,
} from '../x86/ir.ts';
import { AccessGroups } from './access-groups.ts';
import type { ControlFlow } from './control-flow.ts';
import type { FlagLocals } from './flags-emitter.ts';
import { FRAME_ADDEND, FRAME_LOW, FRAME_ROOM, TLB, TLB_ADDEND, TLB_INDEX_SHIFT, TLB_MASK, TLB_READ, TLB_WRITE } from './layout.ts';
import { StreamLoops, type Linear, type Stream } from './stream-loops.ts';
import { RESULT, SIMD_RESULT, V128_LOAD32_ZERO, V128_LOAD64_ZERO, V128_STORE32_LANE, V128_STORE64_LANE } from './node-types.ts';
import { M_FLAGS, type RegionCode } from './region-code.ts';
import {
  RT_FRAME, RT_GROUP, RT_HOST_READ, RT_HOST_WRITE, RT_LOAD_SLOW, RT_RMW_END, RT_RMW_SLOW, RT_ROUNDS, RT_STORE_1, RT_STORE_16, RT_STORE_2, RT_STORE_4, RT_STORE_8,
  RT_STORE_SLOW,
} from './runtime-functions.ts';

/** IR type → WebAssembly value type. */
const WASM_TYPE: readonly number[] = [0x40, 0x7f, 0x7e, 0x7d, 0x7c, 0x7b];

export abstract class MemoryEmitter {
  /** The body, without locals and stub blocks. */
  readonly w: CodeWriter = new CodeWriter(65536);
  /** Offsets in `w` of the `if` opcodes that are unlikely. */
  readonly hints: number[] = [];
  /** Calls of runtime functions: offset of a 2-byte padded index in `w`, and the function. */
  readonly callAt: number[] = [];
  readonly callOf: number[] = [];
  /** Types of the locals behind the two parameters. */
  readonly localTypes: number[] = [];

  protected code!: RegionCode;
  protected ir!: IrBuilder;
  /** Locals of the registers, where the region uses them. */
  protected readonly reg: Int32Array = new Int32Array(16);
  protected readonly xmm: Int32Array = new Int32Array(16);
  protected readonly flags: FlagLocals = { dst: 0, src: 0, aux: 0 };
  protected ccOp = 0;
  /** Local with FP_SLOW between two points where it may change; 0 = there is none. */
  protected fpSlow = 0;
  /** Scratch of one memory access or jump lookup. */
  protected entryLocal = 0;
  protected deltaLocal = 0;
  private addressLocal = 0;
  private hostLocal = 0;
  private baseLocal = 0;

  // State at the point of emission.
  protected dirty = 0;
  protected dirtyXmm = 0;
  /** Registers whose locals hold the value, as far as the current block knows. */
  protected valid = 0;
  protected validXmm = 0;
  /** FLAGS_kind * 4 + log2(size), or KIND_UNKNOWN (data-flow.ts). */
  protected flagsKind = 0;
  protected insnAddress = 0;
  protected insnNext = 0;
  /** The flags that the current instruction sets are never seen. */
  protected flagsDead = false;

  /** Local of each temp of the current instruction. */
  protected readonly tempLocal: Int32Array = new Int32Array(1024);
  /** Locals for temps by IR type, and how many of them the current instruction has taken. */
  private readonly pools: number[][] = [[], [], [], [], [], []];
  private readonly taken: Int32Array = new Int32Array(6);

  protected abstract expr(n: number): void;
  protected abstract isPure(n: number): boolean;
  protected abstract spill(mask: number, maskXmm: number): void;
  protected abstract reload(mask: number, maskXmm: number): void;
  protected abstract leave(mask: number, maskXmm: number, rip: number): void;
  protected abstract unlikelyIf(): void;
  protected abstract endIf(): void;
  protected abstract levelUp(): void;
  protected abstract levelDown(): void;

  protected begin(code: RegionCode, flow: ControlFlow): void {
    this.code = code;
    this.ir = code.ir;
    this.w.reset();
    this.hints.length = 0;
    this.callAt.length = 0;
    this.callOf.length = 0;
    this.localTypes.length = 0;
    for (const p of this.pools) p.length = 0;
    this.beginGroups(flow);
    this.direct = false;
    this.distances.length = 0;
    const barrier = code.hasBarrier;
    for (let r = 0; r < 16; r++) {
      if ((code.allRegs >>> r) & 1) this.reg[r] = this.allocI64();
      if ((code.allXmm >>> r) & 1) this.xmm[r] = this.alloc(0x7b);
    }
    if (code.allRegs & M_FLAGS) {
      this.ccOp = this.allocI32();
      this.flags.dst = this.allocI64();
      this.flags.src = this.allocI64();
      this.flags.aux = this.allocI64();
    }
    this.fpSlow = this.inline && code.usesFpSlow ? this.allocI32() : 0;
    this.entryLocal = this.allocI32();
    this.deltaLocal = this.allocI64();
    if (code.usesMemory || barrier) {
      this.addressLocal = this.allocI64();
      this.hostLocal = this.allocI32();
      this.baseLocal = this.allocI64();
    }
  }

  private alloc(wasmType: number): number {
    return this.localTypes.push(wasmType) + 1;
  }
  protected allocI32(): number {
    return this.alloc(0x7f);
  }
  protected allocI64(): number {
    return this.alloc(0x7e);
  }

  protected resetTemps(): void {
    this.taken.fill(0);
  }
  /** Gives temp `t` of the current instruction a local. */
  protected newTemp(t: number, type: number): number {
    const pool = this.pools[type]!;
    const k = this.taken[type]!++;
    if (k === pool.length) pool.push(this.alloc(WASM_TYPE[type]!));
    return (this.tempLocal[t] = pool[k]!);
  }

  /** Marks the `if` that is written next as unlikely. */
  protected hint(): void {
    this.hints.push(this.w.at);
  }

  protected callRuntime(fn: number): void {
    const { w } = this;
    w.byte(0x10);
    this.callAt.push(w.at);
    this.callOf.push(fn);
    w.byte2(0x80, 0x00);
  }
  protected returnCallRuntime(fn: number): void {
    const { w } = this;
    w.byte(0x12);
    this.callAt.push(w.at);
    this.callOf.push(fn);
    w.byte2(0x80, 0x00);
  }

  /** i64 constant of an address. */
  protected i64Number(v: number): void {
    this.w.i64Const(v | 0, Math.floor(v / 4294967296));
  }

  /** IR type of a node's value. */
  protected typeOf(n: number): number {
    const { ir } = this;
    const o = ir.op[n]!;
    if (o < 0x100) return RESULT[o]!;
    if (o >= 0xfd00 && o < 0xfe40) return SIMD_RESULT[o - 0xfd00]!;
    if (o >= 0xfc00 && o < 0xfc10) return o < 0xfc04 ? I32 : I64;
    switch (o) {
      case N_CONST32: case N_COND: case N_EFLAGS: case N_RMW: case N_CPU: return I32;
      case N_CONST64: case N_REG: return I64;
      case N_CONST128: case N_XMM: case N_SHUFFLE: return V128;
      case N_TMP: case N_STATE: return ir.b[n]!;
      case N_LOAD: case N_RAW_LOAD: return ir.c[n]!;
      case N_SELECT: return this.typeOf(ir.b[n]!);
      case N_LANE: return SIMD_RESULT[ir.lo[n]! & 0xff]!;
      case N_HELPER: return HELPERS[ir.a[n]!]!.result;
    }
    throw new Error(`IR node ${o.toString(16)} has no type`);
  }

  // Guest memory.

  /** Local that already holds the value of node `n`, or -1. */
  private localOf(n: number): number {
    const { ir } = this;
    const o = ir.op[n]!;
    return o === N_REG ? this.reg[ir.a[n]!]! : o === N_TMP ? this.tempLocal[ir.a[n]!]! : -1;
  }

  /** TLB lookup of the address in local `a`: leaves 1 on the stack if it misses; the entry is in its local. */
  private lookup(a: number, size: number, field: number): void {
    const { w } = this;
    w.localGet(a);
    w.localGet(a);
    w.byte(0xa7);
    w.i32Const(TLB_INDEX_SHIFT);
    w.byte(0x76);
    w.i32Const(TLB_MASK);
    w.byte(0x71);
    w.localTee(this.entryLocal);
    w.memory(I64_LOAD, TLB + field);
    w.localTee(this.deltaLocal);
    w.byte(0x7d);
    w.i64Const(4096 - size, 0);
    w.byte(0x56);
  }

  /** Arguments of the slow path. The base goes with them for a reason of V8's: a load with a single use is folded into the subtraction and, as it could trap, done once more. */
  private slowArguments(a: number, size: number): void {
    const { w } = this;
    w.localGet(0);
    w.localGet(a);
    w.i32Const(size);
    w.localGet(this.deltaLocal);
  }

  /** Tier 2: TLB lookups in line. Tier 1 calls a function for each access, which makes a third of the code. */
  protected inline = false;

  /** Host offset by a call; leaves the region if it cannot be accessed. */
  private hostByCall(n: number, size: number, fn: number): void {
    const { w } = this;
    w.localGet(0);
    this.expr(n);
    w.i32Const(size);
    this.callRuntime(fn);
    this.leaveUnlessHost();
  }

  /** A host offset is on the stack, 0 = fault: leaves, or puts it back on the stack. */
  private leaveUnlessHost(): void {
    const { w } = this;
    w.localTee(this.hostLocal);
    w.byte(0x45);
    this.unlikelyIf();
    this.leave(this.dirty, this.dirtyXmm, this.insnAddress);
    this.endIf();
    this.forgetHosts();
    w.localGet(this.hostLocal);
  }

  // Groups of accesses (access-groups.ts): the host offset of the lowest is in a local from the first to the last, 0 = each looks for itself.

  protected readonly groups: AccessGroups = new AccessGroups();
  /** Tier 2 looks up once for accesses that lie together. */
  grouping = true;
  private readonly hostOf: number[] = [];
  private readonly leftOf: number[] = [];
  private readonly liveGroups: number[] = [];
  private readonly freeHosts: number[] = [];

  /** Tier 2 looks once for the region's part of the stack (stack-frames.ts). */
  framing = true;
  /** Local with the host offset of the lowest byte of the frame, where `framed`. */
  protected frame = 0;
  protected framed = false;
  private frameOffset(node: number): number {
    return this.framed ? this.groups.frames.offsetOf(node) : -1;
  }

  /**
   * Puts into its local where the frame is: `register` (in its local, or else in the CPU state) is at `distance` from what RSP was at the entry. `fail` leaves, where the frame
   * does not lie in one piece or cannot be written.
   */
  protected findFrame(register: number, distance: number, inLocal: boolean, fail: () => void): void {
    const { w } = this;
    if (inLocal) w.localGet(this.reg[register]!);
    else {
      w.localGet(0);
      w.memory(I64_LOAD, GPR + 8 * register);
    }
    this.i64Number(this.groups.frames.low - distance);
    w.byte(0x7c);
    w.localTee(this.addressLocal);
    w.i32Const(0);
    w.memory(I64_LOAD, FRAME_LOW);
    w.byte(0x7d);
    w.i32Const(0);
    w.memory(I64_LOAD, FRAME_ROOM);
    w.byte(0x5a);
    this.unlikelyIf();
    w.localGet(0);
    w.localGet(this.addressLocal);
    this.callRuntime(RT_FRAME);
    w.byte(0x45);
    this.unlikelyIf();
    fail();
    this.endIf();
    this.endIf();
    w.localGet(this.addressLocal);
    w.byte(0xa7);
    w.i32Const(0);
    w.memory(I32_LOAD, FRAME_ADDEND);
    w.byte(0x6a);
    w.localSet(this.frame);
  }

  private beginGroups(flow: ControlFlow): void {
    this.liveGroups.length = this.freeHosts.length = 0;
    this.framed = false;
    if (!this.inline || !this.grouping) return;
    const { groups } = this;
    groups.analyse(this.code, flow, this.framing);
    this.framed = groups.frames.any;
    if (this.framed) this.frame = this.allocI32();
    for (let g = 0; g < groups.low.length; g++) {
      this.hostOf[g] = -1;
      this.leftOf[g] = groups.size[g]!;
    }
  }

  /** What a slow path does may change mappings: the other groups look up again. */
  private forgetHosts(): void {
    for (let i = 0; i < this.liveGroups.length; i++) {
      this.w.i32Const(0);
      this.w.localSet(this.hostOf[this.liveGroups[i]!]!);
    }
  }

  private groupOf(node: number): number {
    return this.inline && this.grouping ? this.groups.groupOf[node]! : -1;
  }

  /**
   * Puts on the stack whether the access at `node` must look for its own host. The first of a group looks for that of the group, from the address
   * in local `a`.
   */
  private groupMissing(g: number, node: number, a: number): void {
    const { w, groups } = this;
    if (this.hostOf[g]! >= 0) {
      w.localGet(this.hostOf[g]!);
      w.byte(0x45);
      return;
    }
    const below = groups.offset[node]! - groups.low[g]!;
    let base = a;
    if (below !== 0) {
      w.localGet(a);
      w.i64Const(-below, -1);
      w.byte(0x7c);
      w.localSet((base = this.baseLocal));
    }
    this.lookup(base, groups.span[g]!, groups.writes[g]! !== 0 ? TLB_WRITE : TLB_READ);
    this.groupBase = base;
  }
  private groupBase = 0;

  /**
   * In the cold branch of the group's first access, which goes on by itself: what follows looks for itself too, unless the group lies across two pages
   * that are neighbours in memory as well. (Both are in the TLB then, and this access changes nothing about them.)
   */
  private groupFailed(g: number, first: boolean): void {
    const { w, groups } = this;
    if (!first) return;
    // The base is used here for a reason of V8's, see slowArguments.
    w.localGet(0);
    w.localGet(this.deltaLocal);
    w.memory(0x37, FAULT_ADDR);
    w.localGet(this.groupBase);
    w.i32Const(groups.span[g]!);
    w.i32Const(groups.writes[g]! !== 0 ? TLB_WRITE : TLB_READ);
    this.callRuntime(RT_GROUP);
    w.localSet(this.hostOf[g]!);
  }

  /** In the likely branch: the host of the group on the stack. */
  private groupHost(g: number, first: boolean): void {
    const { w } = this;
    if (!first) {
      w.localGet(this.hostOf[g]!);
      return;
    }
    w.localGet(this.entryLocal);
    w.memory(I32_LOAD, TLB + TLB_ADDEND);
    w.localGet(this.groupBase);
    w.byte(0xa7);
    w.byte(0x6a);
    w.localTee(this.hostOf[g]!);
  }

  /** Opens the group at its first access; true if this is it. */
  private openGroup(g: number): boolean {
    if (this.hostOf[g]! >= 0) return false;
    this.hostOf[g] = this.freeHosts.pop() ?? this.allocI32();
    return true;
  }
  /** One access of the group is done. */
  private closeGroup(g: number, first: boolean): void {
    if (first) this.liveGroups.push(g);
    if (--this.leftOf[g]! > 0) return;
    this.liveGroups.splice(this.liveGroups.indexOf(g), 1);
    this.freeHosts.push(this.hostOf[g]!);
    // A copy of the block begins anew.
    this.hostOf[g] = -1;
    this.leftOf[g] = this.groups.size[g]!;
  }

  // Loops of streams (stream-loops.ts).

  protected readonly streamLoops: StreamLoops = new StreamLoops();
  /** What is emitted runs while every access is known to be at the distance in its stream's local. */
  protected direct = false;
  private readonly distanceOf: Map<Stream, number> = new Map();
  private readonly distances: number[] = [];
  /** Rounds left; below 0: rounds until it is worth to ask again. */
  protected rounds = 0;

  /** Asks for rounds; `limit` is a local that has the most there may be. */
  protected askRounds(limit: number): void {
    const { w } = this;
    w.localGet(limit);
    if (this.fpSlow !== 0) {
      w.i32Const(0);
      w.localGet(this.fpSlow);
      w.byte(0x45);
      w.byte(0x1b);
    }
    w.localSet(this.rounds);
    this.distanceOf.clear();
    this.streamLoops.streams.forEach((s, i) => {
      if (i === this.distances.length) this.distances.push(this.allocI32());
      this.distanceOf.set(s, this.distances[i]!);
      this.linear(s.address);
      w.i32Const(s.span);
      this.linear(s.step);
      w.i32Const(s.writes ? TLB_WRITE : TLB_READ);
      w.i32Const(s.aligned);
      this.callRuntime(RT_ROUNDS);
      w.localSet(this.distances[i]!);
      // The least of them.
      w.localTee(this.entryLocal);
      w.localGet(this.rounds);
      w.localGet(this.entryLocal);
      w.localGet(this.rounds);
      w.byte(0x48);
      w.byte(0x1b);
      w.localSet(this.rounds);
    });
  }
  private linear(v: Linear): void {
    const { w } = this;
    this.i64Number(v[16]!);
    for (let r = 0; r < 16; r++) {
      if (v[r] === 0) continue;
      w.localGet(this.reg[r]!);
      if (v[r] !== 1) {
        this.i64Number(v[r]!);
        w.byte(0x7e);
      }
      w.byte(0x7c);
    }
  }
  private directHost(node: number, address: number): void {
    const { w } = this;
    this.expr(address);
    w.byte(0xa7);
    w.localGet(this.distanceOf.get(this.streamLoops.streamOf.get(node)!)!); // every access of the loop has one
    w.byte(0x6a);
  }

  /** A local with the value of address node `n`. */
  private addressIn(n: number): number {
    const a = this.localOf(n);
    if (a >= 0) return a;
    this.expr(n);
    this.w.localSet(this.addressLocal);
    return this.addressLocal;
  }

  /** Loads, or puts the host offset for reading and writing on the stack, where `load` is false; leaves the region if it cannot be accessed. */
  protected access(node: number, load: boolean): void {
    const { w, ir } = this;
    const n = ir.a[node]!;
    const size = ir.b[node]!;
    const type = load ? ir.c[node]! : I32;
    const finish = (offset: number): void => {
      if (load) this.loadOp(size, type, ir.lo[node]! & 1, offset);
      else if (offset !== 0) {
        w.i32Const(offset);
        w.byte(0x6a);
      }
    };
    if (!this.inline) {
      this.hostByCall(n, size, load ? RT_HOST_READ : RT_HOST_WRITE);
      return finish(0);
    }
    const inFrame = this.frameOffset(node);
    if (!load) this.rmwInFrame = inFrame >= 0;
    if (inFrame >= 0) {
      w.localGet(this.frame);
      return finish(inFrame);
    }
    if (this.direct) {
      this.directHost(node, n);
      return finish(0);
    }
    const g = this.groupOf(node);
    if (g < 0) {
      const a = this.addressIn(n);
      this.lookup(a, size, load ? TLB_READ : TLB_WRITE);
      this.hint();
      w.byte2(IF, WASM_TYPE[type]!);
      this.levelUp();
      this.slowArguments(a, size);
      this.callRuntime(load ? RT_LOAD_SLOW : RT_RMW_SLOW);
      this.leaveUnlessHost();
      finish(0);
      w.byte(ELSE);
      w.localGet(this.entryLocal);
      w.memory(I32_LOAD, TLB + TLB_ADDEND);
      w.localGet(a);
      w.byte(0xa7);
      w.byte(0x6a);
      finish(0);
      w.byte(END);
      this.levelDown();
      return;
    }
    const pure = this.hostOf[g]! >= 0 && this.isPure(n);
    const a = pure ? -1 : this.addressIn(n);
    this.groupMissing(g, node, a);
    const first = this.openGroup(g);
    this.hint();
    w.byte2(IF, WASM_TYPE[type]!);
    this.levelUp();
    this.groupFailed(g, first);
    w.localGet(0);
    if (a < 0) this.expr(n);
    else w.localGet(a);
    w.i32Const(size);
    this.callRuntime(load ? RT_HOST_READ : RT_HOST_WRITE);
    this.leaveUnlessHost();
    finish(0);
    w.byte(ELSE);
    this.groupHost(g, first);
    finish(this.groups.offset[node]! - this.groups.low[g]!);
    w.byte(END);
    this.levelDown();
    this.closeGroup(g, first);
  }

  protected store(node: number): void {
    const { w, ir } = this;
    const address = ir.a[node]!;
    const value = ir.b[node]!;
    const size = ir.c[node]!;
    const type = this.typeOf(value);
    if (!this.inline) return this.storeByCall(() => this.expr(address), () => this.expr(value), size, type);
    const inFrame = this.frameOffset(node);
    if (inFrame >= 0) {
      w.localGet(this.frame);
      this.expr(value);
      return this.storeOp(size, type, inFrame);
    }
    if (this.direct) {
      this.directHost(node, address);
      this.expr(value);
      return this.storeOp(size, type, 0);
    }
    let v = this.localOf(value);
    const o = ir.op[value]!;
    const constant = o === N_CONST32 || o === N_CONST64;
    if (v < 0 && o === N_XMM) v = this.xmm[ir.a[value]!]!;
    if (v < 0 && !constant) {
      this.expr(value);
      v = this.scratch(type);
      w.localSet(v);
    }
    const put = (): void => {
      if (constant) this.expr(value);
      else w.localGet(v);
    };
    const g = this.groupOf(node);
    if (g < 0) {
      const a = this.addressIn(address);
      this.lookup(a, size, TLB_WRITE);
      this.unlikelyIf();
      w.localGet(0);
      put();
      this.storeOp(size, type, BOUNCE);
      this.slowArguments(a, size);
      this.callRuntime(RT_STORE_SLOW);
      w.byte(0x45);
      this.unlikelyIf();
      this.leave(this.dirty, this.dirtyXmm, this.insnAddress);
      this.endIf();
      this.forgetHosts();
      w.byte(ELSE);
      w.localGet(this.entryLocal);
      w.memory(I32_LOAD, TLB + TLB_ADDEND);
      w.localGet(a);
      w.byte(0xa7);
      w.byte(0x6a);
      put();
      this.storeOp(size, type, 0);
      this.endIf();
      return;
    }
    const pure = this.hostOf[g]! >= 0 && this.isPure(address);
    const a = pure ? -1 : this.addressIn(address);
    this.groupMissing(g, node, a);
    const first = this.openGroup(g);
    this.unlikelyIf();
    this.groupFailed(g, first);
    this.storeByCall(() => (a < 0 ? this.expr(address) : w.localGet(a)), put, size, type);
    this.forgetHosts();
    w.byte(ELSE);
    this.groupHost(g, first);
    put();
    this.storeOp(size, type, this.groups.offset[node]! - this.groups.low[g]!);
    this.endIf();
    this.closeGroup(g, first);
  }

  private storeByCall(address: () => void, value: () => void, size: number, type: number): void {
    const { w } = this;
    w.localGet(0);
    address();
    value();
    if (type === F32) w.byte(0xbc);
    else if (type === F64) w.byte(0xbd);
    else if (type === V128 && size < 16) {
      w.simd(size === 8 ? 0x1d : 0x1b);
      w.byte(0);
    } else if (type === I64 && size < 8) w.byte(0xa7);
    this.callRuntime(size === 1 ? RT_STORE_1 : size === 2 ? RT_STORE_2 : size === 4 ? RT_STORE_4 : size === 8 ? RT_STORE_8 : RT_STORE_16);
    w.byte(0x45);
    this.unlikelyIf();
    this.leave(this.dirty, this.dirtyXmm, this.insnAddress);
    this.endIf();
  }

  /** A local for the value of a store. */
  private scratch(type: number): number {
    return this.newTemp(1023, type);
  }

  protected rawStore(host: number, value: number, size: number): void {
    this.expr(host);
    this.expr(value);
    this.storeOp(size, this.typeOf(value), 0);
  }

  /** The read-modify-write of the current instruction never goes to the bounce buffer. */
  private rmwInFrame = false;
  /** If the read-modify-write went to the bounce buffer, writes it back. */
  protected rmwEnd(temp: number, size: number): void {
    const { w } = this;
    if (this.direct || this.rmwInFrame) return;
    w.localGet(this.tempLocal[temp]!);
    w.localGet(0);
    w.i32Const(BOUNCE);
    w.byte(0x6a);
    w.byte(0x46);
    this.unlikelyIf();
    w.localGet(0);
    w.i32Const(size);
    this.callRuntime(RT_RMW_END);
    this.endIf();
  }

  protected loadOp(size: number, type: number, signed: number, offset: number): void {
    const { w } = this;
    let op = 0;
    switch (type) {
      case I32:
        op = size === 4 ? 0x28 : size === 2 ? 0x2f - signed : 0x2d - signed;
        break;
      case I64:
        op = size === 8 ? 0x29 : size === 4 ? 0x35 - signed : size === 2 ? 0x33 - signed : 0x31 - signed;
        break;
      case F32:
        op = 0x2a;
        break;
      case F64:
        op = 0x2b;
        break;
      default:
        w.simd(size === 16 ? 0 : size === 8 ? V128_LOAD64_ZERO : V128_LOAD32_ZERO);
        w.byte(0);
        w.u32(offset);
        return;
    }
    w.memory(op, offset);
  }

  private storeOp(size: number, type: number, offset: number): void {
    const { w } = this;
    switch (type) {
      case I32:
        w.memory(size === 4 ? 0x36 : size === 2 ? 0x3b : 0x3a, offset);
        return;
      case I64:
        w.memory(size === 8 ? 0x37 : size === 4 ? 0x3e : size === 2 ? 0x3d : 0x3c, offset);
        return;
      case F32:
        w.memory(0x38, offset);
        return;
      case F64:
        w.memory(0x39, offset);
        return;
      default:
        w.simd(size === 16 ? 11 : size === 8 ? V128_STORE64_LANE : V128_STORE32_LANE);
        w.byte(0);
        w.u32(offset);
        if (size !== 16) w.byte(0);
    }
  }
}
