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

// Statements.
export const S_LET = 0x11000; // a = temp, b = node
export const S_SET_REG = 0x11001; // a = register, b = i64 node
export const S_SET_XMM = 0x11002; // a = register, b = v128 node
export const S_SET_STATE = 0x11003; // a = offset, b = node, c = type
export const S_STORE = 0x11004; // a = guest address node, b = value node, c = size in bytes
export const S_RAW_STORE = 0x11005; // a = host address node, b = value node, c = size in bytes
export const S_RMW_END = 0x11006; // a = temp holding the N_RMW address, b = size
export const S_SET_FLAGS = 0x11007; // a = dst node, b = src node, c = aux node (-1 = none), lo = kind, hi = log2 size
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
export const S_EXIT_IF = 0x11018; // the same when a (i32 node) is true; unlikely

/** A helper: a function of the runtime, called by number. Registered in helpers.ts; the platform binds implementations by name. */
export interface HelperSpec {
  readonly name: string;
  readonly params: readonly IrType[];
  readonly result: IrType;
  /** Works on the CPU state in memory (registers are spilled before and reloaded after). False: a pure function of its arguments. */
  readonly usesState: boolean;
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
  /** Type of each temp; temps restart at 0 with each instruction. */
  tempTypes: number[] = [];
  args: number[] = [];
  shuffles: Uint8Array[] = [];

  reset(): void {
    this.count = 0;
    this.stmtCount = 0;
    this.tempTypes.length = 0;
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

  /** Binds a value of the given type to a new temp, evaluated here. */
  let(type: IrType, value: Node): Temp {
    const t = this.tempTypes.length;
    this.tempTypes.push(type);
    this.stmt(S_LET, t, value, type);
    return t;
  }
  tmp(t: Temp): Node {
    return this.node(N_TMP, t, this.tempTypes[t]!);
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
}
