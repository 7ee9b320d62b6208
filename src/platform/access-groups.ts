/**
 * Memory accesses of one basic block whose addresses differ by constants: one TLB lookup serves all of a group. Addresses are told apart
 * by value numbering: each is a value (of which only equality is known) plus an offset.
 */
import {
  N_CONST32, N_CONST64, N_HELPER, N_LANE, N_LOAD, N_RAW_LOAD, N_REG, N_RMW, N_SELECT, N_SHUFFLE, N_STATE, N_TMP, S_AGAIN_IF, S_BRANCH, S_CALL_INDIRECT, S_END, S_EXIT_IF, S_HELPER, S_IF,
  S_JUMP_INDIRECT, S_LET, S_LOOP, S_RAW_STORE, S_RET, S_SET_FLAGS, S_SET_REG, S_SET_STATE, S_SET_TMP, S_SET_XMM, S_STORE,
} from '../x86/ir.ts';
import { HELPERS } from '../x86/helpers.ts';
import { ARITY, SIMD_ARITY } from './node-types.ts';
import { RBP, RSP } from '../x86/cpu-layout.ts';
import type { ControlFlow } from './control-flow.ts';
import { I_BARRIER, I_LOOPS, type RegionCode } from './region-code.ts';
import { StackFrames } from './stack-frames.ts';

/** Bytes from the first to the last of a group at most: the wider, the more often it lies across two pages. */
const MAX_SPAN = 128;
const I64_ADD = 0x7c, I64_SUB = 0x7d;
/** The value whose every offset is a constant address. */
const NOTHING = 0;
/** What RSP was when the region was entered. */
const FRAME = 1;
/** What a helper that works on the CPU state leaves as it is: CPUID is the only one. */
const BARRIER_KEEPS: number = (1 << RSP) | (1 << RBP);

export class AccessGroups {
  /** Group of an access by its IR node (N_LOAD, N_RMW, S_STORE), -1 = it is on its own; and its offset within the group's value. */
  groupOf: Int32Array = new Int32Array(4096);
  offset: Float64Array = new Float64Array(4096);
  // Groups: lowest offset, span in bytes, 1 if one of them writes, number of accesses.
  readonly low: number[] = [];
  readonly span: number[] = [];
  readonly writes: number[] = [];
  readonly size: number[] = [];

  private code!: RegionCode;
  /** Values of registers and temps, and offsets within them. */
  private readonly regValue: Int32Array = new Int32Array(16);
  private readonly regOffset: Float64Array = new Float64Array(16);
  private readonly tempValue: Int32Array = new Int32Array(1024);
  private readonly tempOffset: Float64Array = new Float64Array(1024);
  private nextValue = FRAME + 1;
  /** Accesses to the region's part of the stack: they are in no group. */
  readonly frames: StackFrames = new StackFrames();
  /** Accesses are noted: registers of all blocks are known. */
  private noting = false;
  private withFrames = false;
  private insn = 0;
  private readonly known: Map<string, number> = new Map();
  private stateVersion = 0;
  /** Open group by value. */
  private readonly open: Map<number, number> = new Map();
  private depth = 0;
  /** Offset of the value that `evaluate` returned last. */
  private off = 0;

  /** `withFrames`: accesses to the stack are told apart. */
  analyse(code: RegionCode, flow: ControlFlow, withFrames: boolean): void {
    this.code = code;
    const { ir } = code;
    const { frames } = this;
    this.withFrames = withFrames;
    this.noting = false;
    frames.any = false;
    if (withFrames) {
      frames.analyse(code, flow, (b) => this.block(b), (r) => (this.regValue[r] === FRAME ? this.regOffset[r]! : Number.NaN));
      this.noting = true;
      for (let b = 0; b < code.blockCount; b++) if (code.end[b]! > code.first[b]!) this.block(b);
      frames.place(code, (n) => (ir.op[n] === S_STORE ? ir.c[n]! : ir.b[n]!));
      this.noting = false;
    }
    if (ir.count > this.groupOf.length) {
      this.groupOf = new Int32Array(ir.op.length);
      this.offset = new Float64Array(ir.op.length);
    }
    this.groupOf.fill(-1, 0, ir.count);
    this.low.length = this.span.length = this.writes.length = this.size.length = 0;
    for (let b = 0; b < code.blockCount; b++) if (code.end[b]! > code.first[b]!) this.block(b);
    for (let n = 0; n < ir.count; n++) if (this.groupOf[n]! >= 0 && this.size[this.groupOf[n]!]! < 2) this.groupOf[n] = -1;
  }

  private block(b: number): void {
    const { code } = this;
    this.known.clear();
    this.open.clear();
    this.nextValue = FRAME + 1;
    const known = this.withFrames ? this.frames.knownAt(b) : 0;
    for (let r = 0; r < 16; r++) {
      this.forget(r);
      if ((known >>> r) & 1) {
        this.regValue[r] = FRAME;
        this.regOffset[r] = this.frames.distanceAt(b, r);
      }
    }
    for (let i = code.first[b]!; i < code.end[b]!; i++) {
      this.insn = i;
      const apart = (code.does[i]! & (I_LOOPS | I_BARRIER)) !== 0;
      if (apart) this.open.clear();
      this.depth = apart ? 1 : 0;
      for (let s = code.firstStmt[i]!; s < code.endStmt[i]!; s++) this.statement(code.ir.stmts[s]!);
      if (!apart) continue;
      this.open.clear();
      const keeps = code.does[i]! & I_BARRIER ? BARRIER_KEEPS : ~code.defs[i]!;
      for (let r = 0; r < 16; r++) if (this.regValue[r] !== FRAME || ((keeps >>> r) & 1) === 0) this.forget(r);
      this.stateVersion++;
    }
  }

  private forget(r: number): void {
    this.regValue[r] = this.nextValue++;
    this.regOffset[r] = 0;
  }

  private statement(s: number): void {
    const { ir } = this.code;
    const a = ir.a[s]!;
    const v = ir.b[s]!;
    switch (ir.op[s]) {
      case S_LET: case S_SET_TMP: {
        const value = this.evaluate(v);
        const plain = ir.op[s] === S_LET && this.depth === 0;
        this.tempValue[a] = plain ? value : this.nextValue++;
        this.tempOffset[a] = plain ? this.off : 0;
        return;
      }
      case S_SET_REG: {
        const value = this.evaluate(v);
        if (this.depth > 0) return this.forget(a);
        this.regValue[a] = value;
        this.regOffset[a] = this.off;
        return;
      }
      case S_SET_XMM: case S_HELPER:
        this.evaluate(v);
        return;
      case S_SET_STATE:
        this.evaluate(v);
        this.stateVersion++;
        return;
      case S_STORE:
        this.evaluate(v);
        this.access(s, this.evaluate(a), ir.c[s]!, 1);
        return;
      case S_RAW_STORE:
        this.evaluate(a);
        this.evaluate(v);
        return;
      case S_SET_FLAGS:
        this.evaluate(a);
        this.evaluate(v);
        if (ir.c[s]! >= 0) this.evaluate(ir.c[s]!);
        return;
      case S_IF: case S_LOOP:
        if (ir.op[s] === S_IF) this.evaluate(a);
        this.depth++;
        return;
      case S_END:
        this.depth--;
        return;
      case S_EXIT_IF: case S_AGAIN_IF: case S_BRANCH: case S_RET: case S_JUMP_INDIRECT: case S_CALL_INDIRECT:
        this.evaluate(a);
    }
  }

  /** An access of `size` bytes at value + `off`. */
  private access(node: number, value: number, size: number, writes: number): void {
    const at = this.off;
    if (this.noting) return this.frames.note(this.code, this.insn, node, value === FRAME ? at : Number.NaN);
    if (this.depth > 0 || (this.withFrames && this.frames.offsetOf(node) >= 0)) return;
    this.offset[node] = at;
    const g = this.open.get(value);
    if (g !== undefined) {
      const low = Math.min(this.low[g]!, at);
      const high = Math.max(this.low[g]! + this.span[g]!, at + size);
      if (high - low <= MAX_SPAN) {
        this.low[g] = low;
        this.span[g] = high - low;
        this.writes[g]! |= writes;
        this.size[g]!++;
        this.groupOf[node] = g;
        return;
      }
    }
    this.groupOf[node] = this.low.length;
    this.open.set(value, this.low.length);
    this.low.push(at);
    this.span.push(size);
    this.writes.push(writes);
    this.size.push(1);
  }

  /** Value of node `n`; its offset is in `off`. Accesses within it are noted. */
  private evaluate(n: number): number {
    const { ir } = this.code;
    const o = ir.op[n]!;
    switch (o) {
      case N_REG:
        this.off = this.regOffset[ir.a[n]!]!;
        return this.regValue[ir.a[n]!]!;
      case N_TMP:
        this.off = this.tempOffset[ir.a[n]!]!;
        return this.tempValue[ir.a[n]!]!;
      case N_CONST64:
        this.off = ir.hi[n]! * 4294967296 + (ir.lo[n]! >>> 0);
        if (Number.isSafeInteger(this.off)) return NOTHING;
        this.off = 0;
        return this.nextValue++;
      case N_CONST32:
        return this.number(`c${ir.lo[n]!}`);
      case N_STATE:
        return this.number(`s${ir.a[n]!},${this.stateVersion}`);
      case N_LOAD: case N_RMW:
        this.access(n, this.evaluate(ir.a[n]!), ir.b[n]!, o === N_RMW ? 1 : 0);
        return this.fresh();
      case N_RAW_LOAD: case N_LANE:
        this.evaluate(ir.a[n]!);
        if (o === N_LANE) this.laneOperand(n);
        return this.fresh();
      case N_SELECT:
        this.evaluate(ir.b[n]!);
        this.evaluate(ir.c[n]!);
        this.evaluate(ir.a[n]!);
        return this.fresh();
      case N_SHUFFLE:
        this.evaluate(ir.a[n]!);
        this.evaluate(ir.b[n]!);
        return this.fresh();
      case N_HELPER:
        for (let i = 0; i < ir.c[n]!; i++) this.evaluate(ir.args[ir.b[n]! + i]!);
        if (HELPERS[ir.a[n]!]!.canExit) this.open.clear();
        return this.fresh();
    }
    if (o >= 0xfd00 && o < 0xfe40) {
      const k = SIMD_ARITY[o - 0xfd00]!;
      this.evaluate(ir.a[n]!);
      if (k >= 2) this.evaluate(ir.b[n]!);
      if (k === 3) this.evaluate(ir.c[n]!);
      return this.fresh();
    }
    if (o >= 0xfc00 && o < 0xfc10) {
      this.evaluate(ir.a[n]!);
      return this.fresh();
    }
    if (o >= 0x100) return this.fresh();
    const x = this.evaluate(ir.a[n]!);
    const xo = this.off;
    if (ARITY[o] !== 2) return this.number(`${o},${x}+${xo}`);
    const y = this.evaluate(ir.b[n]!);
    const yo = this.off;
    if (o === I64_ADD || o === I64_SUB) {
      const sum = o === I64_ADD ? xo + yo : xo - yo;
      if (Math.abs(sum) < 0x1000000000000) {
        if (y === NOTHING) {
          this.off = sum;
          return x;
        }
        if (x === NOTHING && o === I64_ADD) {
          this.off = sum;
          return y;
        }
        const v = this.number(`${o},${x},${y}`);
        this.off = sum;
        return v;
      }
    }
    return this.number(`${o},${x}+${xo},${y}+${yo}`);
  }

  private laneOperand(n: number): void {
    const op = this.code.ir.lo[n]! & 0xff;
    if (op === 0x17 || (op >= 0x1a && (op & 1) === 0)) this.evaluate(this.code.ir.b[n]!);
  }

  private fresh(): number {
    this.off = 0;
    return this.nextValue++;
  }

  /** The value of an expression; the same text is the same value. */
  private number(text: string): number {
    this.off = 0;
    let v = this.known.get(text);
    if (v === undefined) this.known.set(text, (v = this.nextValue++));
    return v;
  }
}
