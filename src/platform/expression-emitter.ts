/** Emits IR expression trees, and the statements that touch the CPU state, flags and helpers. The emitters behind it add guest memory below and control flow above. */
import { I32_LOAD } from '../wasm/opcodes.ts';
import { EXIT_REASON, FP_SLOW } from '../x86/cpu-layout.ts';
import { HELPERS } from '../x86/helpers.ts';
import {
  F32, I32, I64, N_COND, N_CONST128, N_CONST32, N_CONST64, N_CPU, N_EFLAGS, N_HELPER, N_LANE, N_LOAD, N_RAW_LOAD, N_REG, N_RMW, N_SELECT, N_SHUFFLE, N_STATE,
  N_TMP, N_XMM, V128, VOID,
} from '../x86/ir.ts';
import { KIND_UNKNOWN } from './data-flow.ts';
import { FlagsEmitter, kindUsesAux, kindUsesDst, kindUsesSrc } from './flags-emitter.ts';
import { ARITY, SIMD_ARITY } from './node-types.ts';
import { M_FLAGS } from './region-code.ts';
import { RT_CONDITION, RT_EFLAGS, RT_HELPERS } from './runtime-functions.ts';
import { MemoryEmitter } from './memory-emitter.ts';

export abstract class ExpressionEmitter extends MemoryEmitter {
  private readonly flagsEmitter: FlagsEmitter = new FlagsEmitter();

  /** Puts the value of node `n` on the stack. */
  protected expr(n: number): void {
    const { w, ir } = this;
    const o = ir.op[n]!;
    if (o < 0x100) {
      this.expr(ir.a[n]!);
      if (ARITY[o] === 2) this.expr(ir.b[n]!);
      w.byte(o);
      return;
    }
    if (o >= 0xfd00 && o < 0xfe40) {
      const k = SIMD_ARITY[o - 0xfd00]!;
      this.expr(ir.a[n]!);
      if (k >= 2) this.expr(ir.b[n]!);
      if (k === 3) this.expr(ir.c[n]!);
      w.simd(o - 0xfd00);
      return;
    }
    switch (o) {
      case N_TMP:
        w.localGet(this.tempLocal[ir.a[n]!]!);
        return;
      case N_REG:
        w.localGet(this.reg[ir.a[n]!]!);
        return;
      case N_CONST32:
        w.i32Const(ir.lo[n]!);
        return;
      case N_CONST64:
        w.i64Const(ir.lo[n]!, ir.hi[n]!);
        return;
      case N_XMM:
        w.localGet(this.xmm[ir.a[n]!]!);
        return;
      case N_LOAD:
        this.access(n, true);
        return;
      case N_RAW_LOAD:
        this.expr(ir.a[n]!);
        this.loadOp(ir.b[n]!, ir.c[n]!, ir.lo[n]! & 1, 0);
        return;
      case N_RMW:
        this.access(n, false);
        return;
      case N_COND:
        this.condition(ir.a[n]!);
        return;
      case N_EFLAGS:
        this.eflags();
        return;
      case N_STATE:
        this.state(ir.a[n]!, ir.b[n]!);
        return;
      case N_CPU:
        w.localGet(0);
        return;
      case N_SELECT:
        this.expr(ir.b[n]!);
        this.expr(ir.c[n]!);
        this.expr(ir.a[n]!);
        if (this.typeOf(ir.b[n]!) === V128) {
          w.byte2(0x1c, 1);
          w.byte(0x7b);
        } else w.byte(0x1b);
        return;
      case N_CONST128:
        w.simd(12);
        w.word(ir.lo[n]!);
        w.word(ir.hi[n]!);
        w.word(ir.lo[n + 1]!);
        w.word(ir.hi[n + 1]!);
        return;
      case N_LANE: {
        const op = ir.lo[n]! & 0xff;
        this.expr(ir.a[n]!);
        // 0x17 0x1a 0x1c 0x1e 0x20 0x22: replace_lane.
        if (op === 0x17 || (op >= 0x1a && (op & 1) === 0)) this.expr(ir.b[n]!);
        w.simd(op);
        w.byte(ir.hi[n]!);
        return;
      }
      case N_SHUFFLE: {
        this.expr(ir.a[n]!);
        this.expr(ir.b[n]!);
        w.simd(13);
        const lanes = ir.shuffles[ir.c[n]!]!;
        for (let i = 0; i < 16; i++) w.byte(lanes[i]!);
        return;
      }
      case N_HELPER:
        this.helper(n, false);
        return;
    }
    if (o >= 0xfc00 && o < 0xfc10) {
      this.expr(ir.a[n]!);
      w.byte2(0xfc, o - 0xfc00);
      return;
    }
    throw new Error(`IR node ${o.toString(16)} is unknown`);
  }

  // CPU state fields.

  protected loadFpSlow(): void {
    const { w } = this;
    if (this.fpSlow === 0) return;
    w.localGet(0);
    w.memory(I32_LOAD, FP_SLOW);
    w.localSet(this.fpSlow);
  }

  private state(offset: number, type: number): void {
    const { w } = this;
    if (offset === FP_SLOW && this.fpSlow !== 0) {
      // Rounds without a look at the TLB have none at MXCSR either: where it asks for more there are no such rounds.
      if (this.direct) w.i32Const(0);
      else w.localGet(this.fpSlow);
      return;
    }
    w.localGet(0);
    if (type === V128) {
      w.simd(0);
      w.byte(0);
      w.u32(offset);
    } else w.memory(type === I32 ? 0x28 : type === I64 ? 0x29 : type === F32 ? 0x2a : 0x2b, offset);
  }

  protected setState(offset: number, value: number, type: number): void {
    const { w } = this;
    w.localGet(0);
    this.expr(value);
    if (type === V128) {
      w.simd(11);
      w.byte(0);
      w.u32(offset);
    } else w.memory(type === I32 ? 0x36 : type === I64 ? 0x37 : type === F32 ? 0x38 : 0x39, offset);
    if (offset === FP_SLOW) this.loadFpSlow();
  }

  // Flags.

  private condition(cc: number): void {
    const { w } = this;
    if (this.flagsKind >= 0) {
      this.flagsEmitter.condition(w, this.flags, this.flagsKind, cc);
      return;
    }
    w.i32Const(cc);
    w.localGet(this.ccOp);
    w.localGet(this.flags.dst);
    w.localGet(this.flags.src);
    w.localGet(this.flags.aux);
    this.callRuntime(RT_CONDITION);
  }

  private eflags(): void {
    const { w } = this;
    if (this.flagsKind >= 0) {
      this.flagsEmitter.eflags(w, this.flags, this.flagsKind);
      return;
    }
    w.localGet(this.ccOp);
    w.localGet(this.flags.dst);
    w.localGet(this.flags.src);
    w.localGet(this.flags.aux);
    this.callRuntime(RT_EFLAGS);
  }

  /** True if evaluating the tree can be left out: it neither accesses guest memory nor calls. */
  protected isPure(n: number): boolean {
    const { ir } = this;
    const o = ir.op[n]!;
    if (o < 0x100) return this.isPure(ir.a[n]!) && (ARITY[o] === 1 || this.isPure(ir.b[n]!));
    switch (o) {
      case N_TMP: case N_REG: case N_CONST32: case N_CONST64: case N_COND: case N_EFLAGS: case N_STATE:
        return true;
      case N_SELECT:
        return this.isPure(ir.a[n]!) && this.isPure(ir.b[n]!) && this.isPure(ir.c[n]!);
      case N_HELPER: {
        // The upper half of a product, that only dead flags ask for.
        const h = HELPERS[ir.a[n]!]!;
        if (h.usesState || h.takesCpu || h.canExit) return false;
        for (let i = 0; i < ir.c[n]!; i++) if (!this.isPure(ir.args[ir.b[n]! + i]!)) return false;
        return true;
      }
    }
    return false;
  }

  protected setFlags(s: number): void {
    const { w, ir } = this;
    const kind = ir.lo[s]!;
    const dst = ir.a[s]!;
    const src = ir.b[s]!;
    const aux = ir.c[s]!;
    const hasDst = kindUsesDst(kind) && !this.flagsDead;
    const hasSrc = kindUsesSrc(kind) && !this.flagsDead;
    const hasAux = kindUsesAux(kind) && !this.flagsDead;
    // All three are evaluated before any local changes: aux may read the old flags.
    this.flagOperand(dst, hasDst);
    this.flagOperand(src, hasSrc);
    if (aux >= 0) this.flagOperand(aux, hasAux);
    if (hasAux) w.localSet(this.flags.aux);
    if (hasSrc) w.localSet(this.flags.src);
    if (hasDst) w.localSet(this.flags.dst);
    if (this.flagsDead) return;
    this.flagsKind = kind * 4 + ir.hi[s]!;
    this.dirty |= M_FLAGS;
    w.i32Const(this.flagsKind);
    w.localSet(this.ccOp);
  }

  private flagOperand(n: number, wanted: boolean): void {
    if (!wanted && this.isPure(n)) return;
    this.expr(n);
    if (!wanted) this.w.byte(0x1a);
  }

  // Helpers.

  /** Calls a helper; its result stays on the stack, or is dropped. */
  protected helper(n: number, drop: boolean): void {
    const { w, ir } = this;
    const id = ir.a[n]!;
    const spec = HELPERS[id]!;
    if (spec.usesState) this.spill(this.dirty, this.dirtyXmm);
    if (spec.takesCpu) w.localGet(0);
    const at = ir.b[n]!;
    const count = ir.c[n]!;
    for (let i = 0; i < count; i++) this.expr(ir.args[at + i]!);
    this.callRuntime(RT_HELPERS + id);
    if (drop && spec.result !== VOID) w.byte(0x1a);
    const { valid, validXmm } = this;
    if (spec.usesState) {
      this.valid = this.validXmm = 0;
      this.dirty = 0;
      this.dirtyXmm = 0;
      this.flagsKind = KIND_UNKNOWN;
    }
    if (spec.canExit) {
      w.localGet(0);
      w.memory(I32_LOAD, EXIT_REASON);
      this.unlikelyIf();
      this.leave(this.dirty, this.dirtyXmm, this.insnAddress);
      this.endIf();
    }
    if (spec.usesState) {
      this.reload(this.code.allRegs, this.code.allXmm);
      this.loadFpSlow();
    }
    this.valid = valid;
    this.validXmm = validXmm;
  }
}
