/** The IR of one region: instructions, basic blocks and what each reads and writes. Reused from region to region. */
import { FP_SLOW } from '../x86/cpu-layout.ts';
import { HELPERS } from '../x86/helpers.ts';
import {
  IrBuilder, N_COND, N_EFLAGS, N_HELPER, N_LOAD, N_REG, N_RMW, N_STATE, N_XMM, S_BRANCH, S_CALL, S_CALL_INDIRECT, S_EXIT, S_EXIT_IF, S_IF, S_JUMP, S_JUMP_INDIRECT, S_LOOP, S_RET,
  S_SET_FLAGS, S_SET_REG, S_SET_XMM, S_STORE, S_SYSCALL,
} from '../x86/ir.ts';
import type { Insn } from '../x86/insn.ts';

/** How a block ends. */
export const T_NEXT = 0; // the following instruction, in the same run
export const T_FALL = 1; // goes on at `target`
export const T_BRANCH = 2; // `target` if the condition holds, else the following instruction
export const T_CALL = 3;
export const T_CALL_INDIRECT = 4;
export const T_RET = 5;
export const T_JUMP_INDIRECT = 6;
export const T_SYSCALL = 7;
export const T_EXIT = 8;
/** A block without instructions: tail call of the region at `target`. */
export const T_TAIL = 9;
// Calls of functions that are part of the region (copies).
/** A call of one: goes on in it; an indirect call, if it leads to it. */
export const T_ENTER = 10;
/** The end of one: goes on behind the call, if that is what the return address says. */
export const T_LEAVE = 11;
/** A block without instructions: the rest of one, as a call of the region at `target`; goes on behind the call. */
export const T_TAIL_CALL = 12;
/** `blockAddress` of a T_TAIL_CALL that calls what an indirect call led to, as it is not the function that was copied. */
export const ELSEWHERE = -1;

/** What an instruction does, besides its register masks. */
export const I_EXITS = 1; // can fault or leave: the registers must be right
export const I_BARRIER = 2; // a helper works on the CPU state in memory
export const I_CONDITIONAL = 4; // sets registers only under a condition
export const I_LOOPS = 8; // loops: its own registers are set when it faults
export const I_MEMORY = 16; // uses the TLB
export const I_SETS_FLAGS = 32;

/** Bit of the lazy flags in a register mask; bits 0-15 are the general registers. */
export const M_FLAGS = 0x10000;

export const MAX_INSNS = 2048;

/** Indirect jumps from which on a region counts as an interpreter. */
const MANY_JUMPS = 4;

/** Width in bytes of the window of addresses that a region can hold, half of it on each side of its entry. */
const WINDOW = 1 << 17;

/** A called function's copy in the region of its caller. */
export interface FunctionCopy {
  readonly number: number;
  readonly entry: number;
  /** The copy that calls it, null = the region itself; and the address behind the call. */
  readonly caller: FunctionCopy | null;
  readonly returns: number;
  /** Its instructions by address. */
  readonly insns: Map<number, number>;
  readonly tails: Map<number, number>;
}

export class RegionCode {
  readonly ir: IrBuilder = new IrBuilder();
  entry = 0;

  // Instructions, in decoding order (runs of consecutive addresses).
  insnCount = 0;
  readonly address: Float64Array = new Float64Array(MAX_INSNS);
  readonly length: Uint8Array = new Uint8Array(MAX_INSNS);
  readonly firstStmt: Int32Array = new Int32Array(MAX_INSNS + 1);
  readonly endStmt: Int32Array = new Int32Array(MAX_INSNS + 1);
  readonly uses: Int32Array = new Int32Array(MAX_INSNS);
  readonly defs: Int32Array = new Int32Array(MAX_INSNS);
  readonly usesXmm: Int32Array = new Int32Array(MAX_INSNS);
  readonly defsXmm: Int32Array = new Int32Array(MAX_INSNS);
  readonly does: Uint8Array = new Uint8Array(MAX_INSNS);
  /** T_… of an instruction that ends a block by itself, else T_NEXT; and the address it may go to; of an indirect call, where its pointer points to at the moment (0: not known). */
  readonly ends: Uint8Array = new Uint8Array(MAX_INSNS);
  readonly target: Float64Array = new Float64Array(MAX_INSNS);
  readonly leader: Uint8Array = new Uint8Array(MAX_INSNS);
  /** Copy of a called function that an instruction is part of, 0 = of none; and of a call: the copy that it enters, 0 = none. */
  readonly copyOf: Uint16Array = new Uint16Array(MAX_INSNS);
  readonly enters: Uint16Array = new Uint16Array(MAX_INSNS);
  /** Copies of called functions, from 1 on. */
  readonly copies: FunctionCopy[] = [];
  private copying: FunctionCopy | null = null;

  // Blocks: instructions first..end-1.
  blockCount = 0;
  first: Int32Array = new Int32Array(256);
  end: Int32Array = new Int32Array(256);
  kind: Uint8Array = new Uint8Array(256);
  /** Successors, -1 = none: taken / next, fall-through. */
  taken: Int32Array = new Int32Array(256);
  fall: Int32Array = new Int32Array(256);
  /** Guest address of a block: of its first instruction, or the target of a T_TAIL. */
  blockAddress: Float64Array = new Float64Array(256);
  private readonly blockOfInsn: Int32Array = new Int32Array(MAX_INSNS);
  private readonly tails: Map<number, number> = new Map();

  /** Blocks that are entered through the dispatch node: targets of indirect jumps known so far, or their pads. */
  readonly indirectTargets: number[] = [];
  /**
   * Many places jump indirectly, as in an interpreter whose every instruction ends with a jump to the next: registers go from one to the next in the
   * CPU state, but for the few that nearly all use. Each target then has a pad: an empty block in front of it that loads what it needs.
   */
  handsOver = false;
  private firstPad = 0;

  usesMemory = false;
  usesXmmAtAll = false;
  /** Looks at FP_SLOW. */
  usesFpSlow = false;
  hasBarrier = false;
  /** All registers read or written anywhere. */
  allRegs = 0;
  allXmm = 0;

  private windowBase = 0;
  private readonly window: Int32Array = new Int32Array(WINDOW);
  private generation = 0;

  start(entry: number): void {
    this.ir.reset();
    this.entry = entry;
    this.insnCount = 0;
    this.blockCount = 0;
    this.tails.clear();
    this.copies.length = 0;
    this.calledIn.clear();
    this.copying = null;
    this.indirectTargets.length = 0;
    this.handsOver = false;
    this.usesMemory = this.usesXmmAtAll = this.usesFpSlow = this.hasBarrier = false;
    this.allRegs = this.allXmm = 0;
    this.windowBase = entry - WINDOW / 2;
    if (++this.generation === 1 << 19) {
      this.window.fill(0);
      this.generation = 1;
    }
  }

  /** Number of the instruction at `address`, -1 if it is not decoded, -2 if it is too far away to be. */
  insnAt(address: number): number {
    const off = address - this.windowBase;
    if (!(off >= 0 && off < WINDOW)) return -2;
    const v = this.window[off]!;
    return v >>> 12 === this.generation ? v & 4095 : -1;
  }

  /** What is added until `endCopy` is a copy of the function that instruction `call` calls. */
  startCopy(call: number): FunctionCopy {
    const copy: FunctionCopy = { number: this.copies.length + 1, entry: this.target[call]!, caller: this.copying, returns: this.address[call]! + this.length[call]!, insns: new Map(), tails: new Map() };
    this.copies.push(copy);
    this.copying = copy;
    this.enters[call] = copy.number;
    return copy;
  }
  /** `keep`: else it is dropped, with all that was added since instruction `call`. */
  endCopy(call: number, keep: boolean): void {
    const copy = this.copies[this.enters[call]! - 1]!; // startCopy was called for it
    this.copying = copy.caller;
    if (keep) return;
    this.copies.length = copy.number - 1;
    this.enters[call] = 0;
    this.insnCount = call + 1;
  }
  /** Number of the instruction at `address` of a copy (0: the region's own), negative if there is none. */
  private insnIn(copy: number, address: number): number {
    return copy === 0 ? this.insnAt(address) : (this.copies[copy - 1]!.insns.get(address) ?? -1);
  }

  /** Records the instruction whose IR was just appended from statement `stmt` and node `node` on. Returns T_NEXT or how it ends its block. */
  addInsn(insn: Insn, stmt: number, node: number): number {
    const i = this.insnCount++;
    const ir = this.ir;
    const address = insn.address;
    if (this.copying === null) this.window[address - this.windowBase] = (this.generation << 12) | i;
    else this.copying.insns.set(address, i);
    this.copyOf[i] = this.copying === null ? 0 : this.copying.number;
    this.enters[i] = 0;
    this.address[i] = address;
    this.length[i] = insn.next - address;
    this.firstStmt[i] = stmt;
    this.endStmt[i] = ir.stmtCount;
    this.leader[i] = 0;
    let uses = 0;
    let defs = 0;
    let usesX = 0;
    let defsX = 0;
    let does = 0;
    const { op, a } = ir;
    for (let n = node; n < ir.count; n++) {
      switch (op[n]) {
        case N_REG: uses |= 1 << a[n]!; break;
        case S_SET_REG: defs |= 1 << a[n]!; break;
        case N_XMM: usesX |= 1 << a[n]!; break;
        case S_SET_XMM: defsX |= 1 << a[n]!; break;
        case N_COND: case N_EFLAGS: uses |= M_FLAGS; break;
        case S_SET_FLAGS: defs |= M_FLAGS; does |= I_SETS_FLAGS; break;
        case N_LOAD: case S_STORE: case N_RMW: does |= I_EXITS | I_MEMORY; break;
        case S_EXIT_IF: case S_EXIT: does |= I_EXITS; break;
        case N_STATE: if (a[n] === FP_SLOW) this.usesFpSlow = true; break;
        case S_IF: does |= I_CONDITIONAL; break;
        case S_LOOP: does |= I_CONDITIONAL | I_LOOPS | I_EXITS; break;
        case N_HELPER: {
          const h = HELPERS[a[n]!]!;
          if (h.usesState) does |= I_BARRIER | I_EXITS;
          else if (h.canExit) does |= I_EXITS;
          break;
        }
      }
    }
    if (does & I_CONDITIONAL) {
      uses |= defs;
      usesX |= defsX;
    }
    if (does & I_MEMORY) this.usesMemory = true;
    if (does & I_BARRIER) this.hasBarrier = true;
    this.uses[i] = uses;
    this.defs[i] = defs;
    this.usesXmm[i] = usesX;
    this.defsXmm[i] = defsX;
    this.allRegs |= uses | defs;
    this.allXmm |= usesX | defsX;
    this.does[i] = does;
    let kind = T_NEXT;
    if (ir.stmtCount > stmt) {
      const last = ir.stmts[ir.stmtCount - 1]!;
      switch (op[last]) {
        case S_JUMP: kind = T_FALL; break;
        case S_BRANCH: kind = T_BRANCH; break;
        case S_JUMP_INDIRECT: kind = T_JUMP_INDIRECT; break;
        case S_CALL: kind = T_CALL; break;
        case S_CALL_INDIRECT: kind = T_CALL_INDIRECT; break;
        case S_RET: kind = T_RET; break;
        case S_SYSCALL: kind = T_SYSCALL; break;
        case S_EXIT: kind = T_EXIT; break;
      }
      if (kind === T_FALL || kind === T_BRANCH || kind === T_CALL) this.target[i] = ir.hi[last]! * 4294967296 + (ir.lo[last]! >>> 0);
    }
    else this.target[i] = 0;
    this.ends[i] = kind;
    return kind;
  }

  /** Ends the current run: its last instruction goes on at the address behind it, which is somewhere else in the arrays or not decoded. */
  endRun(): void {
    const i = this.insnCount - 1;
    if (this.ends[i] === T_NEXT) {
      this.ends[i] = T_FALL;
      this.target[i] = this.address[i]! + this.length[i]!;
    }
  }

  /** A block for a target that is not part of the region, or of a copy. */
  private tailBlock(address: number, copy = 0): number {
    const tails = copy === 0 ? this.tails : this.copies[copy - 1]!.tails;
    let b = tails.get(address);
    if (b === undefined) {
      b = this.addBlock();
      this.first[b] = this.end[b] = 0;
      this.kind[b] = copy === 0 ? T_TAIL : T_TAIL_CALL;
      this.taken[b] = this.fall[b] = -1;
      this.blockAddress[b] = address;
      tails.set(address, b);
      if (copy !== 0) {
        this.taken[b] = this.behindCall(copy);
        this.calledIn.set(b, copy);
      }
    }
    return b;
  }
  /** The block behind the call of a copy. */
  private behindCall(number: number): number {
    const { caller, returns } = this.copies[number - 1]!; // there is such a copy
    return this.blockAt(returns, caller?.number);
  }
  /** Copy that a T_TAIL_CALL is the rest of. */
  private readonly calledIn: Map<number, number> = new Map();
  /** The first block of the copy that T_TAIL_CALL `b` is the rest of. */
  copyEntryOf(b: number): number {
    const copy = this.copies[this.calledIn.get(b)! - 1]!; // it is one
    return this.blockAt(copy.entry, copy.number);
  }

  /** Addresses outside of the region that it goes on at. */
  tailTargets(): Iterable<number> {
    return this.tails.keys();
  }

  private addBlock(): number {
    const b = this.blockCount++;
    if (b === this.first.length) {
      const wider = (old: Int32Array): Int32Array => {
        const w = new Int32Array(old.length * 2);
        w.set(old);
        return w;
      };
      this.first = wider(this.first);
      this.end = wider(this.end);
      this.taken = wider(this.taken);
      this.fall = wider(this.fall);
      const kinds = new Uint8Array(this.kind.length * 2);
      kinds.set(this.kind);
      this.kind = kinds;
      const addresses = new Float64Array(this.blockAddress.length * 2);
      addresses.set(this.blockAddress);
      this.blockAddress = addresses;
    }
    return b;
  }

  /** Makes the targets of indirect jumps known; blocks are built. */
  enterIndirectlyAt(addresses: readonly number[]): void {
    let jumps = 0;
    for (let b = 0; b < this.blockCount; b++) if (this.kind[b] === T_JUMP_INDIRECT) jumps++;
    this.handsOver = jumps >= MANY_JUMPS;
    this.firstPad = this.blockCount;
    for (const t of addresses) {
      if (this.insnAt(t) < 0) continue;
      const b = this.blockAt(t);
      if (!this.handsOver) {
        if (!this.indirectTargets.includes(b)) this.indirectTargets.push(b);
      } else if (!this.indirectTargets.some((pad) => this.taken[pad] === b)) this.indirectTargets.push(this.pad(b));
    }
  }

  private pad(target: number): number {
    const b = this.addBlock();
    this.first[b] = this.end[b] = 0;
    this.kind[b] = T_FALL;
    this.taken[b] = target;
    this.fall[b] = -1;
    this.blockAddress[b] = this.blockAddress[target]!;
    return b;
  }

  isPad(b: number): boolean {
    return this.handsOver && b >= this.firstPad && this.first[b] === this.end[b];
  }

  /** Another block with the same instructions and successors. */
  copyBlock(b: number): number {
    const copy = this.addBlock();
    this.first[copy] = this.first[b]!;
    this.end[copy] = this.end[b]!;
    this.kind[copy] = this.kind[b]!;
    this.taken[copy] = this.taken[b]!;
    this.fall[copy] = this.fall[b]!;
    this.blockAddress[copy] = this.blockAddress[b]!;
    const called = this.calledIn.get(b);
    if (called !== undefined) this.calledIn.set(copy, called);
    return copy;
  }

  /** The block that starts at `address` of a copy (0: the region's own), or a tail block. */
  blockAt(address: number, copy = 0): number {
    // An instruction that runs alone does not go on, not even in itself.
    const i = this.ir.single ? -1 : this.insnIn(copy, address);
    return i >= 0 ? this.blockOfInsn[i]! : this.tailBlock(address, copy);
  }

  /** Marks a decoded instruction as the start of a block. */
  markLeader(i: number): void {
    this.leader[i] = 1;
  }

  private lead(address: number, copy: number): void {
    const i = this.insnIn(copy, address);
    if (i >= 0) this.leader[i] = 1;
  }

  /** Cuts the instructions into blocks and links them. Block 0 is the entry. */
  buildBlocks(): void {
    const n = this.insnCount;
    // Whatever is gone to starts a block, also where the decoder came upon it on another way.
    for (let i = 0; i < n; i++) {
      const kind = this.ends[i]!;
      const copy = this.copyOf[i]!;
      if (kind === T_FALL || kind === T_BRANCH) this.lead(this.target[i]!, copy);
      if (kind === T_BRANCH || kind === T_CALL || kind === T_CALL_INDIRECT || kind === T_SYSCALL) this.lead(this.address[i]! + this.length[i]!, copy);
      if (this.enters[i] !== 0) this.lead(this.target[i]!, this.enters[i]!);
    }
    for (let i = 0; i < n; ) {
      const b = this.addBlock();
      this.first[b] = i;
      this.blockAddress[b] = this.address[i]!;
      this.blockOfInsn[i] = b;
      while (this.ends[i] === T_NEXT && i + 1 < n && this.leader[i + 1] === 0) i++;
      this.end[b] = ++i;
    }
    const own = this.blockCount;
    for (let b = 0; b < own; b++) {
      const last = this.end[b]! - 1;
      const kind = this.ends[last]!;
      const next = this.address[last]! + this.length[last]!;
      const copy = this.copyOf[last]!;
      this.taken[b] = this.fall[b] = -1;
      switch (kind) {
        case T_NEXT:
          this.kind[b] = T_FALL;
          this.taken[b] = this.blockAt(next, copy);
          break;
        case T_FALL:
          this.kind[b] = T_FALL;
          this.taken[b] = this.blockAt(this.target[last]!, copy);
          break;
        case T_BRANCH: {
          this.kind[b] = T_BRANCH;
          const taken = this.blockAt(this.target[last]!, copy);
          const fall = this.blockAt(next, copy);
          this.taken[b] = taken;
          this.fall[b] = fall;
          break;
        }
        case T_CALL: case T_CALL_INDIRECT: case T_SYSCALL:
          if (this.enters[last] !== 0) {
            this.kind[b] = T_ENTER;
            this.taken[b] = this.blockAt(this.target[last]!, this.enters[last]!);
            if (kind === T_CALL_INDIRECT) this.fall[b] = this.tailBlock(ELSEWHERE, this.enters[last]!);
          } else {
            this.kind[b] = kind;
            this.taken[b] = this.blockAt(next, copy);
          }
          break;
        case T_RET:
          this.kind[b] = copy === 0 ? T_RET : T_LEAVE;
          if (copy !== 0) this.taken[b] = this.behindCall(copy);
          break;
        default:
          this.kind[b] = kind;
      }
    }
  }
}
