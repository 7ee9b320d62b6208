/** Writes a region's IR as interpreted code (interpreted-ops.ts), straight into linear memory. */
import { CC_AUX, CC_DST, CC_OP, CC_SRC, GPR, TEMPS, XMM } from '../x86/cpu-layout.ts';
import { CC_A, CC_AE, CC_B, CC_BE, CC_E, CC_NE, FLAGS_LOGIC, FLAGS_SUB } from '../x86/flags.ts';
import { HELPERS } from '../x86/helpers.ts';
import * as IR from '../x86/ir.ts';
import type { IrBuilder, IrType } from '../x86/ir.ts';
import { I64_EQ, I64_EQZ, I64_GE_U, I64_GT_U, I64_LE_U, I64_LT_U, I64_NE } from '../x86/ir-ops.ts';
import type { Linker } from './region-emitter.ts';
import { kindUsesAux, kindUsesDst, kindUsesSrc } from './flags-emitter.ts';
import * as O from './interpreted-ops.ts';
import { ARITY, SIMD_ARITY, nodeType } from './node-types.ts';
import { I_CONDITIONAL, I_EXITS, I_BARRIER, M_FLAGS, type RegionCode, T_TAIL } from './region-code.ts';

const { F64, I64, V128 } = IR;
const I32_WRAP_I64 = 0xa7, I32_REINTERPRET_F32 = 0xbc, I64_REINTERPRET_F64 = 0xbd, F32_REINTERPRET_I32 = 0xbe, F64_REINTERPRET_I64 = 0xbf, I64_ADD = 0x7c;
/** Values in TEMPS. */
const SLOTS = 32;
const SLOT = 16;

/** Conditions after a comparison that are one comparison of its operands, which are zero-extended to 64 bits. */
const COMPARISON: Readonly<Record<number, number>> = { [CC_E]: I64_EQ, [CC_NE]: I64_NE, [CC_B]: I64_LT_U, [CC_AE]: I64_GE_U, [CC_BE]: I64_LE_U, [CC_A]: I64_GT_U };

export class Linearizer {
  private readonly u16: Uint16Array;
  private readonly i32: Int32Array;
  private code!: RegionCode;
  private ir!: IrBuilder;
  private linker!: Linker;
  private start = 0;
  /** Where the next operation goes, and the end of the room. */
  private at = 0;
  private end = 0;
  /** Slots in use: named temps first, what is being computed above them. */
  private used = 0;
  private tooComplex = false;
  private readonly tempSlot: Int32Array = new Int32Array(1024);
  /** Places of jumps whose target block has not been written yet, and the blocks. */
  private readonly fixAt: number[] = [];
  private readonly fixBlock: number[] = [];
  private readonly blockAt: Int32Array = new Int32Array(8192);
  private readonly rows: number[] = [];
  private next = 0;
  private here = 0;
  /** Static kind of the flags (kind * 4 + log2(size)), -1 = unknown. */
  private flagsKind = -1;
  private flagsDead = false;
  /** The statement being written calls a helper that works on the state: registers are copied before. */
  private unsafe = false;
  private readonly open: { op: number; at: number }[] = [];

  constructor(memory: { readonly buffer: ArrayBufferLike }) {
    this.u16 = new Uint16Array(memory.buffer);
    this.i32 = new Int32Array(memory.buffer);
  }

  /**
   * Writes `code` at linear-memory offset `start`, of which `room` bytes are free; bytes written (a multiple of 16), 0 = it does not fit or is too
   * complex. `count`: entries and loops before it is compiled.
   */
  write(code: RegionCode, linker: Linker, start: number, room: number, count: number): number {
    this.code = code;
    this.ir = code.ir;
    this.linker = linker;
    this.start = start;
    this.at = start + O.CODE_HEADER;
    // One block more than fits is noticed before the next is written.
    this.end = start + room - 4096;
    this.tooComplex = false;
    this.fixAt.length = this.fixBlock.length = this.rows.length = 0;
    this.blockAt.fill(0, 0, code.blockCount);
    // Blocks in the order of their instructions: what falls through mostly follows.
    this.block(0);
    for (let b = 1; b < code.blockCount && !this.tooComplex; b++) if (this.blockAt[b] === 0) this.block(b);
    if (this.tooComplex) return 0;
    this.fixAt.forEach((at, i) => {
      this.i32[(at + 4) >> 2] = this.blockAt[this.fixBlock[i]!]! - at;
    });
    const { i32 } = this;
    const k = start >> 2;
    i32[k + (O.CODE_WORD >> 2)] = 0;
    i32[k + (O.CODE_COUNT >> 2)] = count;
    i32[k + (O.CODE_LENGTH >> 2)] = this.at - start - O.CODE_HEADER;
    i32[k + (O.CODE_ROWS >> 2)] = this.rows.length >> 1;
    if (this.at + 4 * this.rows.length > start + room) return 0;
    for (let i = 0; i < this.rows.length; i++) i32[(this.at >> 2) + i] = this.rows[i]!;
    return (this.at + 4 * this.rows.length - start + 15) & ~15;
  }

  private op(op: number, d: number, a = 0, b = 0): void {
    const { u16 } = this;
    const k = this.at >> 1;
    u16[k] = op;
    u16[k + 1] = d;
    u16[k + 2] = a;
    u16[k + 3] = b;
    this.at += 8;
  }
  private op32(op: number, d: number, value: number): void {
    const k = this.at >> 1;
    this.u16[k] = op;
    this.u16[k + 1] = d;
    this.i32[(this.at >> 2) + 1] = value;
    this.at += 8;
  }
  private words(lo: number, hi: number): void {
    this.i32[this.at >> 2] = lo;
    this.i32[(this.at >> 2) + 1] = hi;
    this.at += 8;
  }
  private address(a: number): void {
    this.words(a | 0, Math.floor(a / 4294967296));
  }

  private slot(): number {
    if (this.used === SLOTS) {
      this.tooComplex = true;
      return TEMPS;
    }
    return TEMPS + SLOT * this.used++;
  }

  private block(b: number): void {
    const { code } = this;
    if (this.at > this.end) {
      this.tooComplex = true;
      return;
    }
    this.blockAt[b] = this.at;
    if (code.kind[b] === T_TAIL) {
      this.tail(code.blockAddress[b]!);
      return;
    }
    this.flagsKind = -1;
    const end = code.end[b]!;
    let closed = false;
    for (let i = code.first[b]!; i < end; i++) {
      this.here = code.address[i]!;
      this.next = this.here + code.length[i]!;
      this.rows.push(this.at - this.start, this.here - code.entry);
      this.used = 0;
      this.flagsDead = i !== end - 1 && (code.does[i]! & I_CONDITIONAL) === 0 && this.flagsDieIn(i + 1, end);
      if (this.at > this.end) {
        this.tooComplex = true;
        return;
      }
      closed = false;
      for (let s = code.firstStmt[i]!; s < code.endStmt[i]!; s++) closed = this.statement(this.ir.stmts[s]!, b);
    }
    if (!closed) this.edge(b, code.taken[b]!);
  }

  private flagsDieIn(i: number, end: number): boolean {
    const { code } = this;
    for (; i < end; i++) {
      if (code.uses[i]! & M_FLAGS || code.does[i]! & (I_EXITS | I_BARRIER)) return false;
      if (code.defs[i]! & M_FLAGS) return true;
    }
    return false;
  }

  private tail(target: number): void {
    this.op32(O.O_TAIL, 0, this.linker.slotOf(target));
    this.address(target);
  }

  /** Goes on at block `to`: by falling into it where it can be written here. */
  private edge(_from: number, to: number): void {
    const at = this.blockAt[to]!;
    if (at === 0) {
      this.block(to);
      return;
    }
    this.op32(O.O_JUMP_BACK, 0, at - this.at);
    this.address(this.code.blockAddress[to]!);
    this.words(this.start - (this.at - 16), 0);
  }

  /** Writes a statement; true if nothing follows it. */
  private statement(s: number, b: number): boolean {
    const { ir } = this;
    const a = ir.a[s]!;
    const v = ir.b[s]!;
    const named = this.used;
    this.unsafe = false;
    switch (ir.op[s]) {
      case IR.S_LET:
        this.tempSlot[a] = this.slot();
        this.into(v, this.tempSlot[a]!);
        this.used = named + 1;
        return false;
      case IR.S_SET_TMP:
        this.into(v, this.tempSlot[a]!);
        break;
      case IR.S_SET_REG:
        this.into(v, GPR + 8 * a);
        break;
      case IR.S_SET_XMM:
        this.into(v, XMM + 16 * a);
        break;
      case IR.S_SET_STATE:
        this.into(v, a);
        break;
      case IR.S_STORE:
        this.store(a, v, ir.c[s]!);
        break;
      case IR.S_RAW_STORE: {
        this.look(v);
        const at = this.value(a);
        this.op(O.O_RAW_STORE + (31 - Math.clz32(ir.c[s]!)), at, this.value(v));
        break;
      }
      case IR.S_RMW_END:
        this.op(O.O_RMW_END, 0, this.tempSlot[a]!, v);
        break;
      case IR.S_SET_FLAGS:
        this.setFlags(s);
        break;
      case IR.S_HELPER:
        this.helper(v, this.slot());
        break;
      case IR.S_IF:
        this.op32(O.O_JUMP_UNLESS, this.value(a), 0);
        this.open.push({ op: IR.S_IF, at: this.at - 8 });
        this.flagsKind = -1;
        break;
      case IR.S_ELSE: {
        const top = this.open[this.open.length - 1]!;
        this.op32(O.O_JUMP, 0, 0);
        this.i32[(top.at + 4) >> 2] = this.at - top.at;
        top.at = this.at - 8;
        this.flagsKind = -1;
        break;
      }
      case IR.S_LOOP:
        this.open.push({ op: IR.S_LOOP, at: this.at });
        this.flagsKind = -1;
        break;
      case IR.S_AGAIN_IF: {
        let k = this.open.length - 1;
        while (this.open[k]!.op !== IR.S_LOOP) k--;
        this.op32(O.O_JUMP_UNLESS, this.value(a), 24);
        this.op32(O.O_AGAIN, 0, this.open[k]!.at - this.at);
        this.address(this.here);
        break;
      }
      case IR.S_END: {
        const top = this.open.pop()!;
        if (top.op === IR.S_IF) this.i32[(top.at + 4) >> 2] = this.at - top.at;
        this.flagsKind = -1;
        break;
      }
      case IR.S_EXIT_IF:
        this.op32(O.O_JUMP_UNLESS, this.value(a), 24);
        this.exit(s);
        break;
      default:
        this.used = named;
        this.terminator(s, b);
        return true;
    }
    this.used = named;
    return false;
  }

  private exit(s: number): void {
    const { ir } = this;
    this.op32(O.O_EXIT, ir.lo[s]!, ir.hi[s]!);
    this.address(ir.c[s] === 1 ? this.next : this.here);
  }

  private terminator(s: number, b: number): void {
    const { ir, code } = this;
    const a = ir.a[s]!;
    switch (ir.op[s]) {
      case IR.S_JUMP:
        this.edge(b, code.taken[b]!);
        return;
      case IR.S_BRANCH: {
        const condition = this.value(a);
        const taken = code.taken[b]!;
        const fall = code.fall[b]!;
        const back = this.blockAt[taken]! !== 0;
        if (back) {
          // A loop: over the jump back if the condition does not hold.
          this.op32(O.O_JUMP_UNLESS, condition, 32);
          this.edge(b, taken);
          this.edge(b, fall);
          return;
        }
        this.fixAt.push(this.at);
        this.fixBlock.push(taken);
        this.op32(O.O_JUMP_IF, condition, 0);
        this.edge(b, fall);
        // Behind everything that follows from here, unless it has been written on the way.
        if (this.blockAt[taken] === 0) this.block(taken);
        return;
      }
      case IR.S_EXIT:
        this.exit(s);
        return;
      case IR.S_RET:
        this.op(O.O_RET, this.value(a));
        return;
      case IR.S_CALL: {
        const target = ir.hi[s]! * 4294967296 + (ir.lo[s]! >>> 0);
        this.op32(O.O_CALL, 0, this.linker.slotOf(target));
        this.address(target);
        this.address(this.next);
        this.edge(b, code.taken[b]!);
        return;
      }
      case IR.S_CALL_INDIRECT:
        this.op(O.O_CALL_INDIRECT, this.value(a));
        this.address(this.next);
        this.edge(b, code.taken[b]!);
        return;
      case IR.S_JUMP_INDIRECT:
        this.op(O.O_JUMP_INDIRECT, this.value(a));
        return;
      case IR.S_SYSCALL:
        this.op32(O.O_SYSCALL, 0, 0);
        this.address(this.next);
        this.edge(b, code.taken[b]!);
        return;
      default:
        throw new Error(`IR statement ${ir.op[s]!.toString(16)} is unknown`);
    }
  }

  // Values.

  /** Notes if evaluating `n` changes registers or state while operands wait. */
  private look(n: number): void {
    if (!this.unsafe && this.callsState(n)) this.unsafe = true;
  }
  private callsState(n: number): boolean {
    const { ir } = this;
    const o = ir.op[n]!;
    if (o < 0x100) return this.callsState(ir.a[n]!) || (ARITY[o] === 2 && this.callsState(ir.b[n]!));
    if (o >= 0xfd00 && o < 0xfe40) {
      const k = SIMD_ARITY[o - 0xfd00]!;
      return this.callsState(ir.a[n]!) || (k >= 2 && this.callsState(ir.b[n]!)) || (k === 3 && this.callsState(ir.c[n]!));
    }
    if (o >= 0xfc00 && o < 0xfc10) return this.callsState(ir.a[n]!);
    switch (o) {
      case IR.N_HELPER: {
        const h = HELPERS[ir.a[n]!]!;
        if (h.usesState || h.takesCpu) return true;
        for (let i = 0; i < ir.c[n]!; i++) if (this.callsState(ir.args[ir.b[n]! + i]!)) return true;
        return false;
      }
      case IR.N_LOAD: case IR.N_RAW_LOAD: case IR.N_RMW:
        return this.callsState(ir.a[n]!);
      case IR.N_SELECT:
        return this.callsState(ir.a[n]!) || this.callsState(ir.b[n]!) || this.callsState(ir.c[n]!);
      case IR.N_LANE: case IR.N_SHUFFLE:
        return this.callsState(ir.a[n]!) || this.callsState(ir.b[n]!);
    }
    return false;
  }

  /** Offset of the value of node `n`: where it stands, or a slot that it is computed into. */
  private value(n: number): number {
    const { ir } = this;
    if (!this.unsafe) {
      switch (ir.op[n]) {
        case IR.N_REG: return GPR + 8 * ir.a[n]!;
        case IR.N_XMM: return XMM + 16 * ir.a[n]!;
        case IR.N_STATE: return ir.a[n]!;
        case IR.N_TMP: return this.tempSlot[ir.a[n]!]!;
        // The low half, or the same bits.
        case I32_WRAP_I64: case I32_REINTERPRET_F32: case I64_REINTERPRET_F64: case F32_REINTERPRET_I32: case F64_REINTERPRET_I64: return this.value(ir.a[n]!);
      }
    } else if (ir.op[n] === IR.N_TMP) return this.tempSlot[ir.a[n]!]!;
    const d = this.slot();
    const used = this.used;
    this.into(n, d);
    this.used = used;
    return d;
  }

  private move(type: number, d: number, from: number): void {
    if (d === from) return;
    this.op(type === V128 ? O.O_MOVE16 : type === I64 || type === F64 ? O.O_MOVE8 : O.O_MOVE4, d, from);
  }

  private small(n: number): boolean {
    const { ir } = this;
    const lo = ir.lo[n]!;
    const o = ir.op[n];
    return (o === IR.N_CONST32 || (o === IR.N_CONST64 && ir.hi[n] === lo >> 31)) && lo >= -32768 && lo < 32768;
  }

  /** Guest address node `n` as a value and a displacement, which `displacement` then is. */
  private addressOf(n: number): number {
    const { ir } = this;
    this.displacement = 0;
    if (ir.op[n] === I64_ADD && this.small(ir.b[n]!)) {
      const base = this.value(ir.a[n]!);
      this.displacement = ir.lo[ir.b[n]!]!;
      return base;
    }
    return this.value(n);
  }
  private displacement = 0;

  /** Computes node `n` into offset `d`. */
  private into(n: number, d: number): void {
    const { ir } = this;
    const o = ir.op[n]!;
    if (o < 0x100) {
      switch (o) {
        case I32_WRAP_I64: case I32_REINTERPRET_F32: case I64_REINTERPRET_F64: case F32_REINTERPRET_I32: case F64_REINTERPRET_I64: {
          const inner = ir.a[n]!;
          this.move(nodeType(ir, n), d, this.value(inner));
          return;
        }
      }
      if (ARITY[o] === 1) {
        this.numeric(O.numericOp(o), d, this.value(ir.a[n]!), 0);
        return;
      }
      const y = ir.b[n]!;
      if (this.small(y) && O.immediateOp(o) !== 0) {
        this.numeric(O.immediateOp(o), d, this.value(ir.a[n]!), ir.lo[y]!);
        return;
      }
      this.look(y);
      const x = this.value(ir.a[n]!);
      this.numeric(O.numericOp(o), d, x, this.value(y));
      return;
    }
    if (o >= 0xfd00 && o < 0xfe40) {
      this.simd(n, o, d);
      return;
    }
    if (o >= 0xfc00 && o < 0xfc10) {
      this.numeric(O.numericOp(o), d, this.value(ir.a[n]!), 0);
      return;
    }
    switch (o) {
      case IR.N_CONST32:
        this.op32(O.O_CONST32, d, ir.lo[n]!);
        return;
      case IR.N_CONST64:
        if (ir.hi[n] === ir.lo[n]! >> 31) this.op32(O.O_CONST64S, d, ir.lo[n]!);
        else {
          this.op(O.O_CONST64, d);
          this.words(ir.lo[n]!, ir.hi[n]!);
        }
        return;
      case IR.N_CONST128:
        this.op(O.O_CONST128, d);
        this.words(ir.lo[n]!, ir.hi[n]!);
        this.words(ir.lo[n + 1]!, ir.hi[n + 1]!);
        return;
      case IR.N_TMP:
        this.move(ir.b[n]!, d, this.tempSlot[ir.a[n]!]!);
        return;
      case IR.N_REG:
        this.move(I64, d, GPR + 8 * ir.a[n]!);
        return;
      case IR.N_XMM:
        this.move(V128, d, XMM + 16 * ir.a[n]!);
        return;
      case IR.N_STATE:
        this.move(ir.b[n]!, d, ir.a[n]!);
        return;
      case IR.N_CPU:
        this.op(O.O_CPU, d, 0);
        return;
      case IR.N_LOAD: {
        const at = this.addressOf(ir.a[n]!);
        this.op(this.load(n, O.GUEST_LOAD_FIRST), d, at, this.displacement & 0xffff);
        return;
      }
      case IR.N_RAW_LOAD:
        this.op(this.load(n, O.RAW_LOAD_FIRST), d, this.value(ir.a[n]!));
        return;
      case IR.N_RMW:
        this.op(O.O_RMW, d, this.value(ir.a[n]!), ir.b[n]!);
        return;
      case IR.N_COND:
        this.condition(ir.a[n]!, d);
        return;
      case IR.N_EFLAGS:
        this.op(O.O_EFLAGS, d);
        return;
      case IR.N_SELECT: {
        this.look(ir.a[n]!);
        this.look(ir.b[n]!);
        this.look(ir.c[n]!);
        const x = this.value(ir.b[n]!);
        const y = this.value(ir.c[n]!);
        const type = nodeType(ir, n);
        this.op(type === V128 ? O.O_SELECT16 : type === I64 || type === F64 ? O.O_SELECT8 : O.O_SELECT4, d, this.value(ir.a[n]!), x);
        this.words(y, 0);
        return;
      }
      case IR.N_LANE:
        this.lane(n, d);
        return;
      case IR.N_SHUFFLE: {
        this.look(ir.b[n]!);
        const x = this.value(ir.a[n]!);
        const y = this.value(ir.b[n]!);
        this.op(O.O_SHUFFLE, d, x, y);
        const lanes = ir.shuffles[ir.c[n]!]!;
        for (let i = 0; i < 16; i += 2) this.u16[(this.at + i) >> 1] = lanes[i]! | (lanes[i + 1]! << 8);
        this.at += 16;
        return;
      }
      case IR.N_HELPER:
        this.helper(n, d);
        return;
    }
    throw new Error(`IR node ${o.toString(16)} is unknown`);
  }

  private load(n: number, first: number): number {
    const { ir } = this;
    const k = O.loadIndex(ir.b[n]!, ir.c[n]! as IrType, (ir.lo[n]! & 1) !== 0);
    if (k < 0) this.tooComplex = true;
    return first + k;
  }

  private numeric(op: number, d: number, a: number, b: number): void {
    if (op === 0) this.tooComplex = true;
    this.op(op, d, a, b & 0xffff);
  }

  private simd(n: number, o: number, d: number): void {
    const { ir } = this;
    const k = SIMD_ARITY[o - 0xfd00]!;
    if (k >= 2) this.look(ir.b[n]!);
    if (k === 3) this.look(ir.c[n]!);
    const x = this.value(ir.a[n]!);
    const y = k >= 2 ? this.value(ir.b[n]!) : 0;
    if (k === 3) {
      // bitselect(x, y, mask) = (x and mask) or (y and not mask)
      const mask = this.value(ir.c[n]!);
      const part = this.slot();
      const rest = this.slot();
      this.numeric(O.numericOp(0xfd00 + 78), part, x, mask);
      this.numeric(O.numericOp(0xfd00 + 79), rest, y, mask);
      this.numeric(O.numericOp(0xfd00 + 80), d, part, rest);
      return;
    }
    this.numeric(O.numericOp(o), d, x, y);
  }

  private lane(n: number, d: number): void {
    const { ir } = this;
    const op = ir.lo[n]! & 0xff;
    const lane = ir.hi[n]!;
    const replaces = op === 0x17 || (op >= 0x1a && (op & 1) === 0);
    // Size of a lane: i8 0x15-0x17, i16 0x18-0x1a, i32 0x1b 0x1c, i64 0x1d 0x1e, f32 0x1f 0x20, f64 0x21 0x22.
    const size = op <= 0x17 ? 1 : op <= 0x1a ? 2 : op <= 0x1c ? 4 : op <= 0x1e ? 8 : op <= 0x20 ? 4 : 8;
    if (!replaces) {
      const from = this.value(ir.a[n]!) + lane * size;
      if (op === 0x15 || op === 0x18) this.tooComplex = true;
      this.op(size === 1 ? O.O_LANE_1U : size === 2 ? O.O_LANE_2U : size === 4 ? O.O_LANE_4 : O.O_LANE_8, d, from);
      return;
    }
    this.look(ir.b[n]!);
    const v = this.value(ir.a[n]!);
    const x = this.value(ir.b[n]!);
    // The replacement may stand in the destination.
    let from = x;
    if (x >= d && x < d + 16) {
      from = this.slot();
      this.op(O.O_MOVE8, from, x);
    }
    this.move(V128, d, v);
    this.op(size === 1 ? O.O_SET_1 : size === 2 ? O.O_SET_2 : size === 4 ? O.O_MOVE4 : O.O_MOVE8, d + lane * size, from);
  }

  private store(address: number, v: number, size: number): void {
    this.look(v);
    const at = this.addressOf(address);
    const displacement = this.displacement;
    this.op(O.O_STORE + (31 - Math.clz32(size)), at, this.value(v), displacement & 0xffff);
  }

  private helper(n: number, d: number): void {
    const { ir } = this;
    const id = ir.a[n]!;
    const count = ir.c[n]!;
    const list = ir.b[n]!;
    for (let i = 1; i < count; i++) this.look(ir.args[list + i]!);
    if (count > 6) this.tooComplex = true;
    const places: number[] = [];
    for (let i = 0; i < count; i++) places.push(this.value(ir.args[list + i]!));
    this.op(O.HELPER_FIRST + id, d, places[0] ?? 0, places[1] ?? 0);
    if (count > 2) {
      const k = this.at >> 1;
      for (let i = 0; i < 4; i++) this.u16[k + i] = places[2 + i] ?? 0;
      this.at += 8;
    }
    if (HELPERS[id]!.usesState) this.flagsKind = -1;
  }

  // Flags.

  private condition(cc: number, d: number): void {
    const kind = this.flagsKind >> 2;
    if (this.flagsKind >= 0) {
      if (kind === FLAGS_SUB && COMPARISON[cc] !== undefined) {
        this.op(O.numericOp(COMPARISON[cc]!), d, CC_DST, CC_SRC);
        return;
      }
      if (kind === FLAGS_LOGIC && (cc === CC_E || cc === CC_BE)) {
        this.op(O.numericOp(I64_EQZ), d, CC_DST);
        return;
      }
      if (kind === FLAGS_LOGIC && (cc === CC_NE || cc === CC_A)) {
        this.op(O.immediateOp(I64_NE), d, CC_DST, 0);
        return;
      }
    }
    this.op(O.O_COND, d, cc);
  }

  private setFlags(s: number): void {
    const { ir } = this;
    const kind = ir.lo[s]!;
    const op = kind * 4 + ir.hi[s]!;
    const wanted = !this.flagsDead;
    const nodes = [ir.a[s]!, ir.b[s]!, ir.c[s]!];
    const uses = [kindUsesDst(kind), kindUsesSrc(kind), kindUsesAux(kind)];
    const places = [CC_DST, CC_SRC, CC_AUX];
    for (const n of nodes) if (n >= 0) this.look(n);
    // All are evaluated before any changes: they may read the old flags.
    const readsFlags = nodes.some((n) => n >= 0 && this.readsFlags(n));
    const from = [-1, -1, -1];
    for (let i = 0; i < 3; i++) {
      const n = nodes[i]!;
      if (n < 0) continue;
      if (!uses[i] || !wanted) {
        // Trees hold no loads; a helper may still do something.
        if (this.callsState(n)) this.value(n);
        continue;
      }
      if (readsFlags) from[i] = this.value(n);
      else this.into(n, places[i]!);
    }
    this.flagsKind = op;
    if (!wanted) return;
    if (readsFlags) for (let i = 0; i < 3; i++) if (from[i]! >= 0) this.move(I64, places[i]!, from[i]!);
    this.op(O.O_SET_CC_OP, op);
  }

  private readsFlags(n: number): boolean {
    const { ir } = this;
    const o = ir.op[n]!;
    if (o < 0x100) return this.readsFlags(ir.a[n]!) || (ARITY[o] === 2 && this.readsFlags(ir.b[n]!));
    switch (o) {
      case IR.N_COND: case IR.N_EFLAGS:
        return true;
      case IR.N_CONST32: case IR.N_CONST64: case IR.N_REG: case IR.N_TMP:
        return false;
      case IR.N_STATE:
        return ir.a[n]! >= CC_OP && ir.a[n]! < CC_AUX + 8;
      case IR.N_SELECT:
        return this.readsFlags(ir.a[n]!) || this.readsFlags(ir.b[n]!) || this.readsFlags(ir.c[n]!);
    }
    return true;
  }
}
