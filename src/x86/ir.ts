/**
 * The intermediate representation between x86 and a platform: expression trees and statements in flat arrays.
 *
 * A node is an index into `op/a/b/c/lo/hi`. A node is used exactly once, and is evaluated where the statement that contains it stands.
 * A value that is needed twice, or later, is bound: `const t = b.let(node)` then `b.tmp(t)`. Temps live within one guest instruction.
 * Statements are appended to the instruction being built; `instruction()` opens the next one.
 *
 * Numeric operations use the numbers of the WebAssembly binary format as a published numbering (0x45…0xC4; SIMD 0xFD00 + n;
 * saturating truncation 0xFC00 + n), so that any consumer can look them up.
 */
import {
  ARITH_64, COMPARE_64, I32_ADD, I32_AND, I32_EQ, I32_EQZ, I32_EXTEND16_S, I32_EXTEND8_S, I32_NE, I32_OR, I32_SHL, I32_SHR_S, I32_SHR_U,
  I32_SUB, I32_WRAP_I64, I32_XOR, I64_ADD, I64_AND, I64_EQ, I64_EQZ, I64_EXTEND16_S, I64_EXTEND32_S, I64_EXTEND8_S, I64_EXTEND_I32_S,
  I64_EXTEND_I32_U, I64_MUL, I64_NE, I64_OR, I64_SHL, I64_SHR_S, I64_SHR_U, I64_SUB, I64_XOR,
} from './ir-ops.ts';

export const VOID = 0, I32 = 1, I64 = 2, F32 = 3, F64 = 4, V128 = 5;
export type IrType = 0 | 1 | 2 | 3 | 4 | 5;
/** Index of a node. */
export type Node = number;
/** Index of a temp. */
export type Temp = number;

// Leaf and state nodes (numbered above the numeric operations).
/** i32 constant in lo. */
export const N_CONST32 = 0x10000;
/** i64 constant in lo, hi. */
export const N_CONST64 = 0x10001;
/** f64/f32 constants are made by reinterpretation. v128 constant: lo/hi of the node and of node + 1. */
export const N_CONST128 = 0x10002;
/** Value of temp a. */
export const N_TMP = 0x10003;
/** General register a, all 64 bits (i64). */
export const N_REG = 0x10004;
/** XMM register a (v128). */
export const N_XMM = 0x10005;
/** Field of the CPU state at byte offset a, type in b: i32, i64, f64 or v128. */
export const N_STATE = 0x10006;
/** Guest load: address node a, size b (bytes: 1 2 4 8 10 16), result type c; sign bit of lo: 1 = sign-extend to the type. */
export const N_LOAD = 0x10007;
/** Load at host address node a (from N_RMW), as N_LOAD. Never faults. */
export const N_RAW_LOAD = 0x10008;
/** Host address (i32) of `b` bytes at guest address node a, checked for writing. Faults if it cannot be written. End with S_RMW_END. */
export const N_RMW = 0x10009;
/** Condition code a of the lazy flags (i32 0/1). */
export const N_COND = 0x1000a;
/** The six arithmetic flags at their EFLAGS positions (i32). */
export const N_EFLAGS = 0x1000b;
/** Carry flag (i32 0/1). Same as cond(CC_B). */
/** Call of helper a with argument nodes in the list at b..b+c of `args`; result type by the helper's row. */
export const N_HELPER = 0x1000c;
/** if a (i32) then b else c, both evaluated (WebAssembly select). */
export const N_SELECT = 0x1000d;
/** SIMD lane operations with an immediate: numeric op in lo, lane in hi, operands a (and b). */
export const N_LANE = 0x1000e;
/** i8x16.shuffle of a and b with 16 lane numbers from `shuffles[c]`. */
export const N_SHUFFLE = 0x1000f;
/** Host address of the CPU state block (i32), for N_RAW_LOAD and S_RAW_STORE of fields whose offset is computed: SCRATCH and the x87 registers only. */
export const N_CPU = 0x10010;

// Statements.
export const S_LET = 0x11000; // a = temp, b = node. Kept even if the temp is unused where the tree can fault
export const S_SET_REG = 0x11001; // a = register, b = i64 node
export const S_SET_XMM = 0x11002; // a = register, b = v128 node
export const S_SET_STATE = 0x11003; // a = offset, b = node, c = type
export const S_STORE = 0x11004; // a = guest address node, b = value node, c = size in bytes
export const S_RAW_STORE = 0x11005; // a = host address node, b = value node, c = size in bytes
export const S_RMW_END = 0x11006; // a = temp holding the N_RMW address, b = size
export const S_SET_FLAGS = 0x11007; // a = dst node, b = src node, c = aux node (-1 = none), lo = kind, hi = log2 size. The trees hold no loads: dead flags are dropped whole
export const S_IF = 0x11008; // a = i32 node; lo: 1 = unlikely
export const S_ELSE = 0x11009;
export const S_END = 0x1100a;
export const S_LOOP = 0x1100b; // a loop within an instruction; S_AGAIN goes back to its head. Charges fuel.
export const S_AGAIN_IF = 0x1100c; // a = i32 node, continues the innermost S_LOOP
export const S_SET_TMP = 0x1100d; // a = temp, b = node: assigns an existing temp
export const S_HELPER = 0x1100e; // helper called for its effect: b = the N_HELPER node
// Terminators: the last statement of an instruction that ends a block (S_EXIT_IF does not end it).
export const S_JUMP = 0x11010; // lo, hi = target address
export const S_BRANCH = 0x11011; // a = i32 node, lo,hi = target if true; falls through otherwise
export const S_JUMP_INDIRECT = 0x11012; // a = i64 node
export const S_CALL = 0x11013; // lo,hi = target; the lifter has already pushed the return address (the next instruction's)
export const S_CALL_INDIRECT = 0x11014; // a = i64 node (bound before the push)
export const S_RET = 0x11015; // a = i64 node (popped address; RSP already adjusted)
export const S_SYSCALL = 0x11016; // SYSCALL: RCX and R11 set by the platform's host
export const S_EXIT = 0x11017; // leave with reason lo and detail hi; RIP as c says: 0 = this instruction (fault), 1 = the next (trap)
export const S_EXIT_IF = 0x11018; // the same when a (i32 node) is true; unlikely. lo, hi, c as S_EXIT

/** A helper: a function of the runtime, called by number. Registered in helpers.ts; the platform binds implementations by name. */
export interface HelperSpec {
  readonly name: string;
  readonly params: readonly IrType[];
  readonly result: IrType;
  /** Works on the CPU state in memory (registers are spilled before and reloaded after). False: a pure function of its arguments. */
  readonly usesState: boolean;
  /** Is passed the CPU state's address first, but touches only SCRATCH, MXCSR and the x87 state: nothing is spilled around it. Implied by usesState. */
  readonly takesCpu: boolean;
  /** Can fault or exit: checked after the call by a nonzero EXIT_REASON. */
  readonly canExit: boolean;
}

/** What is known of one lifted guest instruction. */
export interface LiftedInstruction {
  address: number;
  length: number;
  /** Statement range in `stmts`. */
  first: number;
  end: number;
}

/** Builds the IR of one region. Reused: `reset()` before each region. */
export class IrBuilder {
  op: Int32Array = new Int32Array(4096);
  a: Int32Array = new Int32Array(4096);
  b: Int32Array = new Int32Array(4096);
  c: Int32Array = new Int32Array(4096);
  lo: Int32Array = new Int32Array(4096);
  hi: Int32Array = new Int32Array(4096);
  count = 0;
  /** Node ids of statements, in order. */
  stmts: Int32Array = new Int32Array(1024);
  stmtCount = 0;
  /** Repeated string instructions stop after each element, as they do for the trap flag and for data breakpoints: the region holds one instruction. */
  single = false;
  /** Type of each temp; temps restart at 0 with each instruction. */
  tempTypes: number[] = [];
  /** Node of the constant that a temp stands for, or -1: such a temp has no S_LET. */
  private tempConstants: number[] = [];
  args: number[] = [];
  shuffles: Uint8Array[] = [];

  /** Empties the builder, before each region. */
  reset(): void {
    this.count = 0;
    this.stmtCount = 0;
    this.tempTypes.length = 0;
    this.tempConstants.length = 0;
    this.args.length = 0;
    this.shuffles.length = 0;
  }

  node(op: number, a = 0, b = 0, c = 0, lo = 0, hi = 0): Node {
    const n = this.count++;
    if (n === this.op.length) this.grow();
    this.op[n] = op;
    this.a[n] = a;
    this.b[n] = b;
    this.c[n] = c;
    this.lo[n] = lo;
    this.hi[n] = hi;
    return n;
  }

  private grow(): void {
    const size = this.op.length * 2;
    const wider = (old: Int32Array): Int32Array => {
      const w = new Int32Array(size);
      w.set(old);
      return w;
    };
    this.op = wider(this.op);
    this.a = wider(this.a);
    this.b = wider(this.b);
    this.c = wider(this.c);
    this.lo = wider(this.lo);
    this.hi = wider(this.hi);
  }

  /** Appends a statement. */
  stmt(op: number, a = 0, b = 0, c = 0, lo = 0, hi = 0): void {
    const n = this.node(op, a, b, c, lo, hi);
    if (this.stmtCount === this.stmts.length) {
      const w = new Int32Array(this.stmts.length * 2);
      w.set(this.stmts);
      this.stmts = w;
    }
    this.stmts[this.stmtCount++] = n;
  }

  /** Takes back the instruction that was built last: it began at statement `stmt` and node `node`. */
  rewind(stmt: number, node: number): void {
    this.stmtCount = stmt;
    this.count = node;
    this.instruction();
  }

  /** Starts an instruction: its temps are numbered from 0. */
  instruction(): void {
    this.tempTypes.length = 0;
    this.tempConstants.length = 0;
  }

  // Temps and constants.

  /** Binds a value of the given type to a new temp, evaluated here. A constant is only remembered. */
  let(type: IrType, value: Node): Temp {
    const t = this.tempTypes.length;
    this.tempTypes.push(type);
    const o = this.op[value]!;
    if (o === N_CONST32 || o === N_CONST64) {
      this.tempConstants.push(value);
      return t;
    }
    this.tempConstants.push(-1);
    this.stmt(S_LET, t, value, type);
    return t;
  }
  /** Binds a value to a new temp that is assigned again later (`assign`). */
  variable(type: IrType, value: Node): Temp {
    const t = this.tempTypes.length;
    this.tempTypes.push(type);
    this.tempConstants.push(-1);
    this.stmt(S_LET, t, value, type);
    return t;
  }
  tmp(t: Temp): Node {
    const k = this.tempConstants[t]!;
    if (k >= 0) return this.node(this.op[k]!, 0, 0, 0, this.lo[k], this.hi[k]);
    return this.node(N_TMP, t, this.tempTypes[t]!);
  }
  assign(t: Temp, value: Node): void {
    this.stmt(S_SET_TMP, t, value, this.tempTypes[t]!);
  }
  c32(v: number): Node {
    return this.node(N_CONST32, 0, 0, 0, v | 0);
  }
  /** 64-bit constant from its two halves. */
  c64(lo: number, hi: number): Node {
    return this.node(N_CONST64, 0, 0, 0, lo | 0, hi | 0);
  }
  /** 64-bit constant from a signed 32-bit value. */
  c64s(v: number): Node {
    return this.node(N_CONST64, 0, 0, 0, v | 0, v >> 31);
  }
  /** 64-bit constant from an address (a non-negative number below 2^53, or a negative one above -2^53). */
  addr(v: number): Node {
    return this.node(N_CONST64, 0, 0, 0, v | 0, Math.floor(v / 4294967296));
  }
  isConst(n: Node): boolean {
    const o = this.op[n]!;
    return o === N_CONST32 || o === N_CONST64;
  }
  private is32(n: Node, v: number): boolean {
    return this.op[n] === N_CONST32 && this.lo[n] === v;
  }
  private is64(n: Node, v: number): boolean {
    return this.op[n] === N_CONST64 && this.lo[n] === v && this.hi[n] === v >> 31;
  }

  // Numeric operations. `unary` and `binary` take any operation of ir-ops.ts; the named ones fold constants.

  unary(o: number, x: Node): Node {
    return this.node(o, x);
  }
  binary(o: number, x: Node, y: Node): Node {
    return this.node(o, x, y);
  }
  /** An i32 arithmetic or bit operation in the type that operands of `size` bytes are computed in: i64 for 8, i32 below. */
  arith(o: number, size: number, x: Node, y: Node): Node {
    return this.fold(size === 8 ? o + ARITH_64 : o, x, y);
  }
  /** An i32 comparison in the type that operands of `size` bytes are computed in. */
  compare(o: number, size: number, x: Node, y: Node): Node {
    return this.node(size === 8 ? o + COMPARE_64 : o, x, y);
  }
  /** Constant of the type that operands of `size` bytes are computed in. */
  constant(size: number, v: number): Node {
    return size === 8 ? this.c64s(v) : this.c32(v);
  }

  /** A binary operation, simplified where an operand is a constant. */
  fold(o: number, x: Node, y: Node): Node {
    switch (o) {
      case I32_ADD:
        return this.add32(x, y);
      case I64_ADD:
        return this.add64(x, y);
      case I32_AND:
        if (this.op[x] === N_CONST32 && this.op[y] === N_CONST32) return this.c32(this.lo[x]! & this.lo[y]!);
        if (this.is32(y, -1)) return x;
        break;
      case I64_AND:
        if (this.op[x] === N_CONST64 && this.op[y] === N_CONST64) return this.c64(this.lo[x]! & this.lo[y]!, this.hi[x]! & this.hi[y]!);
        if (this.is64(y, -1)) return x;
        break;
      case I32_SUB: case I32_OR: case I32_XOR: case I32_SHL: case I32_SHR_S: case I32_SHR_U:
        if (this.op[y] === N_CONST32) {
          const v = this.lo[y]!;
          if (this.op[x] === N_CONST32) {
            const u = this.lo[x]!;
            return this.c32(o === I32_SUB ? u - v : o === I32_OR ? u | v : o === I32_XOR ? u ^ v : o === I32_SHL ? u << v : o === I32_SHR_S ? u >> v : u >>> v);
          }
          if (v === 0) return x;
        }
        break;
      case I64_SUB: case I64_OR: case I64_XOR: case I64_SHL: case I64_SHR_S: case I64_SHR_U:
        if (this.is64(y, 0)) return x;
        break;
      case I64_MUL:
        if (this.is64(y, 1)) return x;
        break;
    }
    return this.node(o, x, y);
  }
  add32(x: Node, y: Node): Node {
    if (this.op[y] === N_CONST32) {
      const v = this.lo[y]!;
      if (v === 0) return x;
      if (this.op[x] === N_CONST32) return this.c32(this.lo[x]! + v);
    }
    return this.node(I32_ADD, x, y);
  }
  add64(x: Node, y: Node): Node {
    if (this.op[y] === N_CONST64) {
      if (this.is64(y, 0)) return x;
      if (this.op[x] === N_CONST64) return this.sum64(x, y);
      if (this.op[x] === I64_ADD && this.op[this.b[x]!] === N_CONST64) {
        const k = this.sum64(this.b[x]!, y);
        if (this.is64(k, 0)) return this.a[x]!;
        return this.node(I64_ADD, this.a[x]!, k);
      }
    }
    return this.node(I64_ADD, x, y);
  }
  private sum64(x: Node, y: Node): Node {
    const lo = (this.lo[x]! >>> 0) + (this.lo[y]! >>> 0);
    return this.c64(lo | 0, this.hi[x]! + this.hi[y]! + (lo > 0xffffffff ? 1 : 0));
  }
  and32(x: Node, y: Node): Node {
    return this.fold(I32_AND, x, y);
  }
  and64(x: Node, y: Node): Node {
    return this.fold(I64_AND, x, y);
  }
  /** Low 32 bits of an i64. */
  wrap(x: Node): Node {
    const o = this.op[x]!;
    if (o === N_CONST64) return this.c32(this.lo[x]!);
    if (o === I64_EXTEND_I32_U || o === I64_EXTEND_I32_S) return this.a[x]!;
    return this.node(I32_WRAP_I64, x);
  }
  /** i32 to i64 with zeros above. */
  zext(x: Node): Node {
    if (this.op[x] === N_CONST32) return this.c64(this.lo[x]!, 0);
    if (this.op[x] === N_LOAD && (this.b[x]! < 4 ? this.lo[x] === 0 : true)) return this.node(N_LOAD, this.a[x]!, this.b[x]!, I64, 0);
    return this.node(I64_EXTEND_I32_U, x);
  }
  /** i32 to i64 with copies of the sign bit above. */
  sext(x: Node): Node {
    if (this.op[x] === N_CONST32) return this.c64s(this.lo[x]!);
    if (this.op[x] === N_LOAD && this.b[x] === 4) return this.node(N_LOAD, this.a[x]!, 4, I64, 1);
    return this.node(I64_EXTEND_I32_S, x);
  }
  /** A value of the computing type of `size` as i64, zero-extended: what registers and lazy flags hold. */
  widen(size: number, x: Node): Node {
    return size === 8 ? x : this.zext(x);
  }
  /** An i64 as the computing type of `size`, without masking. */
  narrow(size: number, x: Node): Node {
    return size === 8 ? x : this.wrap(x);
  }
  /** A value of the computing type of `size`, cut to `size` bytes and zero-extended. */
  truncate(size: number, x: Node): Node {
    return size >= 4 ? x : this.and32(x, this.c32(size === 2 ? 0xffff : 0xff));
  }
  /** A zero-extended value of `size` bytes in its computing type, sign-extended within that type. */
  signed(size: number, x: Node): Node {
    if (size >= 4) return x;
    if (this.op[x] === N_CONST32) return this.c32(size === 1 ? (this.lo[x]! << 24) >> 24 : (this.lo[x]! << 16) >> 16);
    return this.node(size === 1 ? I32_EXTEND8_S : I32_EXTEND16_S, x);
  }
  /** The low `size` bytes of an i64, sign-extended to 64 bits. */
  signed64(size: number, x: Node): Node {
    return size === 8 ? x : this.node(size === 1 ? I64_EXTEND8_S : size === 2 ? I64_EXTEND16_S : I64_EXTEND32_S, x);
  }
  /** 1 if the value (in the computing type of `size`) is 0. */
  isZero(size: number, x: Node): Node {
    return this.node(size === 8 ? I64_EQZ : I32_EQZ, x);
  }
  /** 1 if the value (in the computing type of `size`) is not 0. */
  isNonZero(size: number, x: Node): Node {
    return size === 8 ? this.node(I64_NE, x, this.c64s(0)) : this.node(I32_NE, x, this.c32(0));
  }
  equal(size: number, x: Node, y: Node): Node {
    return this.node(size === 8 ? I64_EQ : I32_EQ, x, y);
  }
  select(condition: Node, ifTrue: Node, ifFalse: Node): Node {
    return this.node(N_SELECT, condition, ifTrue, ifFalse);
  }

  // State.

  /** General register r, 64 bits. */
  reg(r: number): Node {
    return this.node(N_REG, r);
  }
  setReg(r: number, value: Node): void {
    this.stmt(S_SET_REG, r, value);
  }
  xmm(r: number): Node {
    return this.node(N_XMM, r);
  }
  setXmm(r: number, value: Node): void {
    this.stmt(S_SET_XMM, r, value);
  }
  state(offset: number, type: IrType): Node {
    return this.node(N_STATE, offset, type);
  }
  setState(offset: number, value: Node, type: IrType): void {
    this.stmt(S_SET_STATE, offset, value, type);
  }
  cpu(): Node {
    return this.node(N_CPU);
  }
  /** Condition code cc of the flags as they stand (i32 0/1). */
  cond(cc: number): Node {
    return this.node(N_COND, cc);
  }
  /** The six arithmetic flags at their EFLAGS positions (i32). */
  eflags(): Node {
    return this.node(N_EFLAGS);
  }
  /** Replaces the arithmetic flags; see flags.ts for kinds. dst, src: i64 nodes; aux: i64 node or -1. */
  setFlags(kind: number, size: number, dst: Node, src: Node, aux: Node = -1): void {
    this.stmt(S_SET_FLAGS, dst, src, aux, kind, size === 8 ? 3 : size >> 1);
  }

  // Memory. Addresses of the guest are i64 nodes; host addresses i32.

  load(address: Node, size: number, type: IrType, signExtend = false): Node {
    return this.node(N_LOAD, address, size, type, signExtend ? 1 : 0);
  }
  /** Zero-extended load in the computing type of `size`. */
  loadInt(address: Node, size: number): Node {
    return this.node(N_LOAD, address, size, size === 8 ? I64 : I32);
  }
  store(address: Node, value: Node, size: number): void {
    this.stmt(S_STORE, address, value, size);
  }
  /** Checks `size` bytes at a guest address for writing and binds the host address. */
  rmw(address: Node, size: number): Temp {
    return this.variable(I32, this.node(N_RMW, address, size));
  }
  rawLoad(host: Node, size: number, type: IrType, signExtend = false): Node {
    return this.node(N_RAW_LOAD, host, size, type, signExtend ? 1 : 0);
  }
  rawStore(host: Node, value: Node, size: number): void {
    this.stmt(S_RAW_STORE, host, value, size);
  }
  rmwEnd(host: Temp, size: number): void {
    this.stmt(S_RMW_END, host, size);
  }

  // Helpers.

  helper(id: number, ...nodes: Node[]): Node {
    const at = this.args.length;
    for (let i = 0; i < nodes.length; i++) this.args.push(nodes[i]!);
    return this.node(N_HELPER, id, at, nodes.length);
  }
  callHelper(id: number, ...nodes: Node[]): void {
    this.stmt(S_HELPER, 0, this.helper(id, ...nodes));
  }

  // Control within an instruction.

  if(condition: Node, unlikely = false): void {
    this.stmt(S_IF, condition, 0, 0, unlikely ? 1 : 0);
  }
  else(): void {
    this.stmt(S_ELSE);
  }
  end(): void {
    this.stmt(S_END);
  }
  loop(): void {
    this.stmt(S_LOOP);
  }
  /** Goes back to the head of the innermost loop; the loop's `end()` follows. */
  againIf(condition: Node): void {
    this.stmt(S_AGAIN_IF, condition);
  }

  // Leaving the instruction.

  jump(target: number): void {
    this.stmt(S_JUMP, 0, 0, 0, target | 0, Math.floor(target / 4294967296));
  }
  branch(condition: Node, target: number): void {
    this.stmt(S_BRANCH, condition, 0, 0, target | 0, Math.floor(target / 4294967296));
  }
  jumpIndirect(target: Node): void {
    this.stmt(S_JUMP_INDIRECT, target);
  }
  call(target: number): void {
    this.stmt(S_CALL, 0, 0, 0, target | 0, Math.floor(target / 4294967296));
  }
  callIndirect(target: Node): void {
    this.stmt(S_CALL_INDIRECT, target);
  }
  ret(target: Node): void {
    this.stmt(S_RET, target);
  }
  /** A fault: RIP stays at this instruction. */
  fault(reason: number, detail = 0): void {
    this.stmt(S_EXIT, 0, 0, 0, reason, detail);
  }
  faultIf(condition: Node, reason: number, detail = 0): void {
    this.stmt(S_EXIT_IF, condition, 0, 0, reason, detail);
  }
  /** A trap: RIP goes to the next instruction. */
  trap(reason: number, detail = 0): void {
    this.stmt(S_EXIT, 0, 0, 1, reason, detail);
  }
  trapIf(condition: Node, reason: number, detail = 0): void {
    this.stmt(S_EXIT_IF, condition, 0, 1, reason, detail);
  }
}
