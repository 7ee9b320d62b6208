/**
 * Loops of a few basic blocks in a row whose every access to memory moves by the same distance in each round: so many rounds as stay on pages that are known need no
 * look at the TLB. Addresses are linear in the registers: followed symbolically through one round.
 */
import {
  N_CONST64, N_HELPER, N_LANE, N_LOAD, N_RAW_LOAD, N_REG, N_RMW, N_SELECT, N_SHUFFLE, N_TMP, S_BRANCH, S_ELSE, S_END, S_EXIT_IF, S_HELPER, S_IF, S_JUMP, S_LET, S_RAW_STORE, S_RMW_END, S_SET_FLAGS,
  S_SET_REG, S_SET_STATE, S_SET_TMP, S_SET_XMM, S_STORE,
} from '../x86/ir.ts';
import { EXIT_GENERAL_PROTECTION } from '../x86/exits.ts';
import { HELPERS } from '../x86/helpers.ts';
import { I32_AND, I32_WRAP_I64, I64_ADD, I64_MUL, I64_SHL, I64_SUB } from '../x86/ir-ops.ts';
import { FP_SLOW } from '../x86/cpu-layout.ts';
import { N_CONST32 } from '../x86/ir.ts';
import { ARITY, SIMD_ARITY } from './node-types.ts';
import type { ControlFlow } from './control-flow.ts';
import type { DataFlow } from './data-flow.ts';
import { I_BARRIER, I_LOOPS, type RegionCode, T_BRANCH, T_FALL, T_JUMP_INDIRECT } from './region-code.ts';

/** Instructions of such a loop, streams and bytes that a stream reaches over, at most. */
const MAX_LOOP = 150, MAX_STREAMS = 6, MAX_REACH = 512;
/** Blocks of such a loop at most. */
const MAX_CHAIN = 8;
/** Coefficients and constants beyond these are not followed. */
const MAX_COEFFICIENT = 65536, MAX_OFFSET = 2 ** 46;

/** Sum of registers as they are when a round begins, each times a coefficient (0…15), and of a constant (16). */
export type Linear = readonly number[];

/** Accesses whose addresses differ by constants. */
export interface Stream {
  /** Address of the lowest byte, and by how much it moves in a round. */
  address: number[];
  step: Linear;
  span: number;
  writes: boolean;
  /** Offset behind the lowest byte of what must be at a multiple of 16; -1 = nothing must. */
  aligned: number;
}

export class StreamLoops {
  readonly streams: Stream[] = [];
  /** Stream of an access by its IR node; and 1 for an S_EXIT_IF that looks at an alignment that is known to be right. */
  readonly streamOf: Map<number, Stream> = new Map();
  readonly settled: Set<number> = new Set();
  /** Registers that the addresses and steps are made of. */
  regs = 0;

  private code!: RegionCode;
  private readonly regValue: (Linear | null)[] = [];
  private readonly tempValue: Map<number, Linear | null> = new Map();
  private depth = 0;
  private failed = false;

  /** Blocks of the stream loop with the header `head`, null if it is none. */
  find(code: RegionCode, flow: ControlFlow, data: DataFlow, head: number): readonly number[] | null {
    if (head === flow.dispatch || flow.isLoop[head] === 0) return null;
    const chain = chainFrom(code, flow, data, head);
    return chain !== null && this.analyse(code, chain) && (this.regs & ~data.heldIn[head]!) === 0 ? chain : null;
  }

  /** True if `blocks`, which follow one another and then begin anew, are such a loop. */
  private analyse(code: RegionCode, blocks: readonly number[]): boolean {
    this.streams.length = 0;
    this.streamOf.clear();
    this.settled.clear();
    this.regs = 0;
    this.code = code;
    this.failed = false;
    let insns = 0;
    for (const b of blocks) insns += code.end[b]! - code.first[b]!;
    if (insns > MAX_LOOP) return false;
    for (let r = 0; r < 16; r++) this.regValue[r] = unit(r);
    for (const b of blocks)
      for (let i = code.first[b]!; i < code.end[b]!; i++) {
        if (code.does[i]! & (I_LOOPS | I_BARRIER)) return false;
        this.tempValue.clear();
        this.depth = 0;
        for (let s = code.firstStmt[i]!; s < code.endStmt[i]!; s++) this.statement(code.ir.stmts[s]!);
        if (this.failed) return false;
      }
    return this.streams.length > 0 && this.streams.every((s) => this.follow(s));
  }

  /** The step of a stream; false if it is not the same in each round. */
  private follow(s: Stream): boolean {
    const step = new Array<number>(17).fill(0);
    for (let r = 0; r < 16; r++) {
      const c = s.address[r]!;
      if (c === 0) continue;
      this.regs |= 1 << r;
      const after = this.regValue[r]!;
      if (after === null) return false;
      for (let k = 0; k <= 16; k++) {
        const d = after[k]! - (k === r ? 1 : 0);
        if (d === 0) continue;
        if (k < 16 && !this.isInvariant(k)) return false;
        step[k]! += c * d;
        if (k < 16) this.regs |= 1 << k;
      }
    }
    if (!small(step)) return false;
    s.step = step;
    return true;
  }
  private isInvariant(r: number): boolean {
    const v = this.regValue[r]!;
    return v !== null && v.every((c, k) => c === (k === r ? 1 : 0));
  }

  private statement(s: number): void {
    const { ir } = this.code;
    const a = ir.a[s]!;
    const v = ir.b[s]!;
    switch (ir.op[s]) {
      case S_LET: case S_SET_TMP: {
        const value = this.evaluate(v);
        this.tempValue.set(a, ir.op[s] === S_LET && this.depth === 0 ? value : null);
        return;
      }
      case S_SET_REG: {
        const value = this.evaluate(v);
        this.regValue[a] = this.depth === 0 ? value : null;
        return;
      }
      case S_SET_STATE:
        if (a === FP_SLOW) this.failed = true;
        this.evaluate(v);
        return;
      case S_SET_XMM: case S_HELPER:
        this.evaluate(v);
        return;
      case S_STORE: {
        this.evaluate(v);
        this.access(s, this.evaluate(a), ir.c[s]!, true);
        return;
      }
      case S_RAW_STORE:
        this.evaluate(a);
        this.evaluate(v);
        return;
      case S_SET_FLAGS:
        this.evaluate(a);
        this.evaluate(v);
        if (ir.c[s]! >= 0) this.evaluate(ir.c[s]!);
        return;
      case S_IF:
        this.evaluate(a);
        this.depth++;
        return;
      case S_END:
        this.depth--;
        return;
      case S_ELSE: case S_RMW_END: case S_JUMP:
        return;
      case S_EXIT_IF:
        this.alignment(s);
        this.evaluate(a);
        return;
      case S_BRANCH:
        this.evaluate(a);
        return;
      default:
        this.failed = true;
    }
  }

  /** The statement that lets a 16-byte access fault where its address is not a multiple of 16. */
  private alignment(s: number): void {
    const { ir } = this.code;
    const and = ir.a[s]!;
    if (ir.lo[s] !== EXIT_GENERAL_PROTECTION || ir.op[and] !== I32_AND || this.depth > 0) return;
    const wrap = ir.a[and]!;
    const mask = ir.b[and]!;
    if (ir.op[wrap] !== I32_WRAP_I64 || ir.op[ir.a[wrap]!] !== N_TMP || ir.op[mask] !== N_CONST32 || ir.lo[mask] !== 15) return;
    const at = this.tempValue.get(ir.a[ir.a[wrap]!]!);
    if (at === null || at === undefined) return;
    const stream = this.streamAt(at, 16);
    if (stream === null) return;
    const offset = at[16]! - stream.address[16]!;
    if (stream.aligned >= 0 && ((stream.aligned - offset) & 15) !== 0) return;
    stream.aligned = offset & 15;
    this.settled.add(s);
  }

  private access(node: number, at: Linear | null, size: number, writes: boolean): void {
    const stream = at === null ? null : this.streamAt(at, size);
    if (stream === null) {
      this.failed = true;
      return;
    }
    stream.writes ||= writes;
    this.streamOf.set(node, stream);
  }

  /** The stream that `size` bytes at an address belong to; null if there are too many. */
  private streamAt(at: Linear, size: number): Stream | null {
    const low = at[16]!;
    for (const s of this.streams) {
      if (!at.every((c, k) => k === 16 || c === s.address[k])) continue;
      const from = Math.min(s.address[16]!, low);
      const to = Math.max(s.address[16]! + s.span, low + size);
      if (to - from > MAX_REACH) continue;
      if (s.aligned >= 0) s.aligned = (s.aligned + s.address[16]! - from) & 15;
      s.address[16] = from;
      s.span = to - from;
      return s;
    }
    if (this.streams.length === MAX_STREAMS) return null;
    const s: Stream = { address: [...at], step: at, span: size, writes: false, aligned: -1 };
    this.streams.push(s);
    return s;
  }

  /** Value of node `n`, null = not known to be linear. Accesses within it are noted. */
  private evaluate(n: number): Linear | null {
    const { ir } = this.code;
    const o = ir.op[n]!;
    switch (o) {
      case N_REG:
        return this.regValue[ir.a[n]!]!;
      case N_TMP:
        return this.tempValue.get(ir.a[n]!) ?? null;
      case N_CONST64:
        return constant(ir.hi[n]! * 4294967296 + (ir.lo[n]! >>> 0));
      case N_LOAD: case N_RMW:
        this.access(n, this.evaluate(ir.a[n]!), ir.b[n]!, o === N_RMW);
        return null;
      case N_RAW_LOAD:
        this.evaluate(ir.a[n]!);
        return null;
      case N_LANE: {
        this.evaluate(ir.a[n]!);
        const op = ir.lo[n]! & 0xff;
        if (op === 0x17 || (op >= 0x1a && (op & 1) === 0)) this.evaluate(ir.b[n]!);
        return null;
      }
      case N_SELECT:
        this.evaluate(ir.b[n]!);
        this.evaluate(ir.c[n]!);
        this.evaluate(ir.a[n]!);
        return null;
      case N_SHUFFLE:
        this.evaluate(ir.a[n]!);
        this.evaluate(ir.b[n]!);
        return null;
      case N_HELPER:
        for (let i = 0; i < ir.c[n]!; i++) this.evaluate(ir.args[ir.b[n]! + i]!);
        if (HELPERS[ir.a[n]!]!.usesState) this.failed = true;
        return null;
    }
    if (o >= 0xfd00 && o < 0xfe40) {
      const k = SIMD_ARITY[o - 0xfd00]!;
      this.evaluate(ir.a[n]!);
      if (k >= 2) this.evaluate(ir.b[n]!);
      if (k === 3) this.evaluate(ir.c[n]!);
      return null;
    }
    if (o >= 0xfc00 && o < 0xfc10) {
      this.evaluate(ir.a[n]!);
      return null;
    }
    if (o >= 0x100) return null;
    const x = this.evaluate(ir.a[n]!);
    if (ARITY[o] !== 2) return null;
    const y = this.evaluate(ir.b[n]!);
    if (x === null || y === null) return null;
    if (o === I64_ADD) return sum(x, y, 1);
    if (o === I64_SUB) return sum(x, y, -1);
    if ((o !== I64_SHL && o !== I64_MUL) || y.some((c, k) => k < 16 && c !== 0)) return null;
    const by = y[16]!;
    if (o === I64_MUL) return scale(x, by);
    return by >= 0 && by < 17 ? scale(x, 2 ** by) : null;
  }
}

function unit(r: number): Linear {
  const v = new Array<number>(17).fill(0);
  v[r] = 1;
  return v;
}
function constant(value: number): Linear | null {
  const v = new Array<number>(17).fill(0);
  v[16] = value;
  return small(v) ? v : null;
}
function sum(x: Linear, y: Linear, sign: number): Linear | null {
  const v = x.map((c, k) => c + sign * y[k]!);
  return small(v) ? v : null;
}
function scale(x: Linear, by: number): Linear | null {
  const v = x.map((c) => c * by);
  return small(v) ? v : null;
}
function small(v: Linear): boolean {
  return v.every((c, k) => Math.abs(c) <= (k === 16 ? MAX_OFFSET : MAX_COEFFICIENT));
}

/** Blocks in a row from `head` back to it, each of which goes on in the next or leaves; null if it is not such a loop. */
function chainFrom(code: RegionCode, flow: ControlFlow, data: DataFlow, head: number): number[] | null {
  const chain = [head];
  for (let b = head; ; ) {
    const taken = code.taken[b]!;
    const fall = code.fall[b]!;
    if ((code.kind[b] !== T_BRANCH && code.kind[b] !== T_FALL) || code.isPad(b) || flow.viaDispatch[b] !== 0) return null;
    let next = -1;
    if (taken === head || fall === head) next = head;
    else {
      // What follows has no other way in; of two such the one that leads back is wanted.
      for (const s of [fall, taken]) if (s >= 0 && isLink(code, flow, b, s) && (next < 0 || code.taken[s] === head || code.fall[s] === head)) next = s;
      if (next < 0 || chain.length === MAX_CHAIN) return null;
    }
    if (taken === fall) return null;
    // A way out to a switch is the usual way.
    if ((taken >= 0 && code.kind[taken] === T_JUMP_INDIRECT) || (fall >= 0 && code.kind[fall] === T_JUMP_INDIRECT)) return null;
    if (data.settled(b, next) !== 0 || data.settledXmm(b, next) !== 0 || data.missing(b, next) !== 0 || data.missingXmm(b, next) !== 0) return null;
    if (next === head) return chain;
    chain.push(next);
    b = next;
  }
}

function isLink(code: RegionCode, flow: ControlFlow, from: number, b: number): boolean {
  if (flow.isLoop[b] !== 0 || flow.isMerge[b] !== 0 || flow.rpo[b]! <= flow.rpo[from]!) return false;
  return code.end[b]! > code.first[b]! && (flow.dispatch < 0 || flow.dispatchIndex(b) < 0);
}

/** True if no other block leads back to the head of the stream loop `chain`. */
export function onlyLoopsItself(code: RegionCode, flow: ControlFlow, chain: readonly number[]): boolean {
  const head = chain[0]!; // it has one at least
  const last = chain[chain.length - 1]!;
  for (let n = 0; n < code.blockCount; n++) if (n !== last && (code.taken[n] === head || code.fall[n] === head) && flow.rpo[n]! > flow.rpo[head]!) return false;
  return true;
}
