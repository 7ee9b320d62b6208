/** Emits one region as a WebAssembly function body: control flow, registers, exits. Expressions are in expression-emitter.ts. */
import { CODE_CONTEXT, EXIT_REASON, FUEL, GPR, RBP, RSP } from '../x86/cpu-layout.ts';
import {
  S_AGAIN_IF, S_BRANCH, S_CALL, S_CALL_INDIRECT, S_ELSE, S_END, S_EXIT, S_EXIT_IF, S_HELPER, S_IF, S_JUMP, S_JUMP_INDIRECT, S_LET, S_LOOP, S_RAW_STORE, S_RET,
  S_RMW_END, S_SET_FLAGS, S_SET_REG, S_SET_STATE, S_SET_TMP, S_SET_XMM, S_STORE, S_SYSCALL,
} from '../x86/ir.ts';
import { BLOCK, BR_TABLE, CALL_INDIRECT, ELSE, END, I32_LOAD, I32_STORE, I64_LOAD, IF, LOOP, RETURN, RETURN_CALL_INDIRECT, UNREACHABLE, VOID_TYPE } from '../wasm/opcodes.ts';
import type { CodeWriter } from '../wasm/code-writer.ts';
import { EXIT_REENTER } from './exits.ts';
import type { ControlFlow } from './control-flow.ts';
import { type DataFlow, KIND_UNKNOWN } from './data-flow.ts';
import { STUB_JUMPS, StateEmitter } from './state-emitter.ts';
import { onlyLoopsItself } from './stream-loops.ts';
import { BLOCKS_RUN, BLOCKS_RUN_MASK, ENTRIES } from './layout.ts';
import { ELSEWHERE, I_BARRIER, I_LOOPS, I_SETS_FLAGS, M_FLAGS, type RegionCode, T_BRANCH, T_CALL, T_CALL_INDIRECT, T_ENTER, T_JUMP_INDIRECT, T_LEAVE, T_TAIL, T_TAIL_CALL } from './region-code.ts';
import { FUEL_DISPATCH, FUEL_INSTRUCTION, FUEL_LOOP, GO_ON_SLOT, RT_FRAMELESS, RT_FUEL, RT_FUEL_ENTRY, RT_STUB, RT_SYSCALL } from './runtime-functions.ts';

/** What the emitter asks of the code cache. */
export interface Linker {
  /** Table slot of the region at a guest address. */
  slotOf(address: number): number;
}

/** Rounds of a stream loop before it asks how many could go without a look at the TLB: most loops are shorter than asking. */
const FIRST_ROUNDS = 8;
/** Rounds that a stream loop within a larger one with the same head looks at the TLB after it was left. */
const LEFT_WAIT = 64;

export class RegionEmitter extends StateEmitter {
  private flow!: ControlFlow;
  private data!: DataFlow;
  private linker!: Linker;
  /** Table slot of the region itself. */
  private home = 0;
  private readonly blockLevel: Int32Array = new Int32Array(8192);
  private readonly loopLevel: Int32Array = new Int32Array(8192);
  private next = 0;
  /** Validity word: names the region where fuel runs out. */
  private word = 0;
  /** Every way on goes back to the caller: one instruction runs alone. */
  private single = false;
  /** Blocks note that they have run. */
  private marks = false;
  /** Where the map from addresses to dispatch indices is, 0 = none. */
  private jumpMap = 0;
  private jumpMapBase = 0;
  private jumpMapSpan = 0;

  /** Emits region `code` into `out` as a code-section entry without its size. `word`: linear-memory address of its validity word. */
  emit(code: RegionCode, flow: ControlFlow, data: DataFlow, linker: Linker, word: number, tier: number, home: number, jumpMap: number, jumpMapBase: number, jumpMapSpan: number): void {
    this.inline = tier === 2;
    this.begin(code, flow);
    this.flow = flow;
    this.data = data;
    this.linker = linker;
    this.stubMask.length = 0;
    this.stubMaskXmm.length = 0;
    this.stubGoesOn.length = 0;
    this.home = home;
    this.level = 0;
    this.single = tier === 0;
    this.marks = tier === 1;
    this.jumpMap = jumpMap;
    this.jumpMapBase = jumpMapBase;
    this.jumpMapSpan = jumpMapSpan;
    this.faultRip = this.allocI32();
    this.slot = this.allocI32();
    this.returned = this.allocI64();
    this.jumpTarget = this.returned;
    this.hasFuelLocal = !this.single && (flow.hasLoops || code.indirectTargets.length > 0 || this.regionLoopsInside(code));
    this.fuel = this.allocI32();
    this.rounds = this.allocI32();
    if (flow.dispatch >= 0) this.next = this.allocI32();
    this.word = word;
    this.prologue(word);
    this.tree(flow.root);
    this.w.byte(UNREACHABLE);
    this.epilogue();
  }

  private regionLoopsInside(code: RegionCode): boolean {
    for (let i = 0; i < code.insnCount; i++) if (code.does[i]! & I_LOOPS) return true;
    return false;
  }

  private prologue(word: number): void {
    const { w, code } = this;
    // Is this translation valid for the address space that runs it?
    w.i32Const(0);
    w.memory(I32_LOAD, word);
    w.localGet(0);
    w.memory(I32_LOAD, CODE_CONTEXT);
    w.byte(0x47);
    this.unlikelyIf();
    const resumes = this.resumes();
    if (resumes) {
      this.resumeIndex();
      w.byte(0x45);
      w.byte2(IF, VOID_TYPE);
      this.storeRip(code.entry);
      w.byte(END);
    } else this.storeRip(code.entry);
    w.localGet(0);
    this.depth(resumes);
    this.returnCallRuntime(RT_STUB);
    w.byte(END);
    this.level--;
    if (this.marks) this.countEntry();
    // Tier 1 charges for every entry, so that all that runs often is noticed.
    // An instruction that runs alone is paid for by who runs it: out of fuel it would go on in other code, past what is watched.
    if (!this.single && (this.hasFuelLocal || this.marks || this.mayRepeat())) {
      w.localGet(0);
      w.memory(I32_LOAD, FUEL);
      w.i32Const(1);
      w.byte(0x6b);
      w.localSet(this.fuel);
      if (!this.hasFuelLocal) this.storeFuel();
      w.localGet(this.fuel);
      w.i32Const(0);
      w.byte(0x48);
      this.unlikelyIf();
      this.storeDetail(this.word);
      if (resumes) {
        // It comes from where fuel has just been handed out.
        this.resumeIndex();
        w.byte(0x45);
        w.byte2(IF, VOID_TYPE);
        this.storeRip(code.entry);
        w.byte(END);
      } else this.storeRip(code.entry);
      w.localGet(0);
      this.depth(resumes);
      this.returnCallRuntime(RT_FUEL_ENTRY);
      w.byte(END);
      this.level--;
    }
    this.enterFrame(resumes);
    this.loadFpSlow();
    const { heldIn, heldInXmm } = this.data;
    if (!resumes) {
      this.reload(heldIn[0]!, heldInXmm[0]!);
      return;
    }
    this.resumeIndex();
    w.localTee(this.next);
    this.unlikelyIf();
    this.depth(true);
    w.localSet(1);
    let all = 0;
    let allXmm = 0;
    for (const t of this.flow.dispatchTargets) {
      all |= heldIn[t]!;
      allXmm |= heldInXmm[t]!;
    }
    this.reload(all, allXmm);
    w.byte(ELSE);
    this.reload(heldIn[0]!, heldInXmm[0]!);
    w.byte(END);
    this.level--;
  }

  /** Where the region is entered: finds its part of the stack, or goes on in code that looks up each access to it. */
  private enterFrame(resumes: boolean): void {
    if (!this.framed) return;
    const { w } = this;
    const fail = (): void => {
      this.storeFuelIfLocal();
      if (resumes) {
        this.resumeIndex();
        w.byte(0x45);
        w.byte2(IF, VOID_TYPE);
        this.storeRip(this.code.entry);
        w.byte(END);
      } else this.storeRip(this.code.entry);
      w.localGet(0);
      this.depth(resumes);
      this.returnCallRuntime(RT_FRAMELESS);
    };
    const { entered } = this.groups.frames;
    if (!resumes || entered === 0) return this.findFrame(RSP, 0, false, fail);
    // The address is that of RSP at the entry then, in both cases.
    this.resumeIndex();
    w.byte2(IF, VOID_TYPE);
    this.level++;
    this.findFrame(RSP, entered, false, fail);
    w.byte(ELSE);
    this.findFrame(RSP, 0, false, fail);
    w.byte(END);
    this.level--;
  }

  /** Behind a call or system call in block `b`, with all registers in the state: the frame may be elsewhere, and what is there may have changed. */
  private findFrameAgain(b: number, rip: number): void {
    const { w, code } = this;
    if (!this.framed) return;
    const { frames } = this.groups;
    const next = code.taken[b]!;
    const anchor = frames.anchorAt(next);
    if (anchor < 0) return;
    const distance = frames.distanceAt(next, anchor);
    const fail = (): void => {
      this.storeRip(rip);
      w.localGet(0);
      w.localGet(1);
      this.returnCallRuntime(RT_FRAMELESS);
    };
    if (anchor === RSP && (frames.knownAt(next) >>> RBP) & 1) {
      w.localGet(0);
      w.memory(I64_LOAD, GPR + 8 * RBP);
      w.localGet(0);
      w.memory(I64_LOAD, GPR + 8 * RSP);
      w.byte(0x7d);
      this.i64Number(frames.distanceAt(next, RBP) - distance);
      w.byte(0x52);
      this.unlikelyIf();
      fail();
      this.endIf();
    }
    this.findFrame(anchor, distance, false, fail);
  }

  /** Tier 1: so many entries, and it is made again (Platform.sample). Samples find what uses up fuel, which is not always what takes time. */
  private countEntry(): void {
    const { w } = this;
    w.i32Const(0);
    w.i32Const(0);
    w.memory(I32_LOAD, this.word + ENTRIES);
    w.i32Const(1);
    w.byte(0x6b);
    w.localTee(this.fuel);
    w.memory(I32_STORE, this.word + ENTRIES);
    w.localGet(this.fuel);
    w.i32Const(0);
    w.byte(0x48);
    this.unlikelyIf();
    this.storeDetail(this.word);
    this.storeRip(this.code.entry);
    w.localGet(0);
    w.localGet(1);
    this.returnCallRuntime(RT_FUEL_ENTRY);
    w.byte(END);
    this.level--;
  }

  /** The region can be entered anew at each of its dispatch targets: the target's index is above the call depth in parameter 1. */
  private resumes(): boolean {
    return this.inline && this.flow.dispatch >= 0;
  }
  private resumeIndex(): void {
    this.w.localGet(1);
    this.w.i32Const(16);
    this.w.byte(0x76);
  }
  private depth(resumes: boolean): void {
    this.w.localGet(1);
    if (!resumes) return;
    this.w.i32Const(0xffff);
    this.w.byte(0x71);
  }

  /** True if running this region can lead to more regions without the dispatcher or a caller charging for it. */
  private mayRepeat(): boolean {
    const { code } = this;
    for (let b = 0; b < code.blockCount; b++) {
      const k = code.kind[b]!;
      if (k === T_TAIL || k === T_TAIL_CALL || k === T_CALL || k === T_CALL_INDIRECT || k === T_JUMP_INDIRECT) return true;
    }
    return false;
  }

  // Structured control flow.

  private tree(node: number): void {
    const { w, flow } = this;
    const streams = this.isStreamLoop(node);
    const loop = flow.isLoop[node] !== 0 && !(streams && onlyLoopsItself(this.code, flow, this.chain));
    if (loop) {
      w.byte2(LOOP, VOID_TYPE);
      this.loopLevel[node] = ++this.level;
    }
    // A block around the node for each merge that it dominates, so that what is inside can branch to the merge behind its end. There may be hundreds.
    const merges: number[] = [];
    for (const n of streams ? this.chain : [node]) for (let child = flow.mergeChild[n]!; child >= 0; child = flow.mergeNext[child]!) merges.push(child);
    if (streams) merges.sort((x, y) => flow.rpo[y]! - flow.rpo[x]!);
    for (const child of merges) {
      w.byte2(BLOCK, VOID_TYPE);
      this.blockLevel[child] = ++this.level;
    }
    if (node === flow.dispatch) this.dispatchNode();
    else if (streams) this.streamLoop(node);
    else this.block(node);
    for (let k = merges.length - 1; k >= 0; k--) {
      w.byte(END);
      this.level--;
      this.tree(merges[k]!); // k is in range
    }
    if (loop) {
      w.byte(END);
      this.level--;
    }
  }

  /** Blocks of the stream loop that is emitted: each goes on in the next or leaves, the last goes back to the first. */
  private chain: readonly number[] = [];

  private isStreamLoop(b: number): boolean {
    if (!this.inline || !this.grouping) return false;
    const chain = this.streamLoops.find(this.code, this.flow, this.data, b);
    if (chain === null) return false;
    this.chain = chain;
    return true;
  }

  /** The loop twice: rounds that need no look at the TLB, as many as there are, and one that looks and charges fuel. */
  private streamLoop(head: number): void {
    const { w, code, chain } = this;
    // One that is also entered from within a larger loop, time and again, goes on waiting where it was left.
    this.streamWaits = this.flow.dispatch >= 0 || !onlyLoopsItself(code, this.flow, chain);
    if (!this.streamWaits) {
      w.i32Const(-FIRST_ROUNDS);
      w.localSet(this.rounds);
    }
    // A block around it for each way out.
    for (let k = 0; k < chain.length; k++) {
      w.byte2(BLOCK, VOID_TYPE);
      this.level++;
    }
    this.streamExit = this.level;
    w.byte2(LOOP, VOID_TYPE);
    this.streamHead = ++this.level;
    w.localGet(this.rounds);
    w.byte(0x45);
    w.byte2(IF, VOID_TYPE);
    this.askRounds(this.fuel);
    // Rounds cost fuel, in advance. Without fuel the other loop asks for it.
    w.localGet(this.rounds);
    w.i32Const(0);
    w.byte(0x4a);
    w.byte2(IF, VOID_TYPE);
    w.localGet(this.fuel);
    w.localGet(this.rounds);
    w.byte(0x6b);
    w.localSet(this.fuel);
    w.byte(ELSE);
    w.localGet(this.rounds);
    w.i32Const(1);
    w.byte(0x6b);
    w.localSet(this.rounds);
    w.byte(END);
    w.byte(END);
    w.localGet(this.rounds);
    w.i32Const(0);
    w.byte(0x4a);
    w.byte2(IF, VOID_TYPE);
    this.level++;
    w.byte2(LOOP, VOID_TYPE);
    this.level++;
    this.direct = true;
    this.streamBlocks();
    this.direct = false;
    w.byte(END);
    this.level--;
    w.byte(ELSE);
    w.localGet(this.rounds);
    w.i32Const(1);
    w.byte(0x6a);
    w.localSet(this.rounds);
    w.byte(END);
    this.level--;
    this.streamBlocks();
    w.byte(END);
    this.level--;
    this.streamExit = 0;
    // What is innermost belongs to the first.
    for (let k = 0; k < chain.length; k++) {
      w.byte(END);
      this.level--;
      const b = chain[k]!;
      const next = k + 1 < chain.length ? chain[k + 1]! : head;
      if (code.kind[b] === T_BRANCH) this.edge(b, code.taken[b] === next ? code.fall[b]! : code.taken[b]!, false);
      else w.byte(UNREACHABLE);
    }
  }
  private streamBlocks(): void {
    for (let k = 0; k < this.chain.length; k++) {
      this.link = k;
      this.block(this.chain[k]!);
    }
  }
  /** Levels of the stream loop that is emitted, and of the innermost block around it (0 = there is none); place in the chain. */
  private streamHead = 0;
  private streamExit = 0;
  private streamWaits = false;
  private link = 0;

  /** The end of a block of a stream loop; the condition, if there is one, is on the stack. */
  private streamBranch(b: number, conditional: boolean): void {
    const { w, code, chain, link } = this;
    const last = link === chain.length - 1;
    if (conditional) {
      // Whether it leaves.
      if (code.taken[b] === (last ? chain[0]! : chain[link + 1]!)) w.byte(0x45);
      const out = this.level - this.streamExit + link;
      if (!this.direct) w.brIf(out);
      else {
        this.hint();
        w.byte2(IF, VOID_TYPE);
        // What was not used.
        w.localGet(this.fuel);
        w.localGet(this.rounds);
        w.byte(0x6a);
        w.localSet(this.fuel);
        w.i32Const(this.streamWaits ? -LEFT_WAIT : 0);
        w.localSet(this.rounds);
        w.br(out + 1);
        w.byte(END);
      }
    }
    if (!last) return;
    const again = this.level - this.streamHead;
    if (this.direct) {
      w.localGet(this.rounds);
      w.i32Const(1);
      w.byte(0x6b);
      w.localTee(this.rounds);
      w.brIf(0);
    }
    w.br(again);
  }

  private dispatchNode(): void {
    const { w, flow } = this;
    const targets = flow.dispatchTargets;
    const jumps = this.jumpMap !== 0 && !this.code.handsOver;
    if (jumps) {
      w.byte2(BLOCK, VOID_TYPE);
      this.level++;
    }
    w.localGet(this.next);
    w.byte(BR_TABLE);
    w.u32(targets.length);
    for (let i = 0; i < targets.length; i++) w.u32(this.level - this.blockLevel[targets[i]!]!);
    if (!jumps) {
      w.u32(this.level - this.blockLevel[targets[0]!]!);
      return;
    }
    // What no target of an indirect jump is known for leaves the region.
    w.u32(0);
    w.byte(END);
    this.level--;
    this.jumpAway(this.data.jumpDirty, this.data.jumpDirtyXmm, KIND_UNKNOWN);
  }

  /** br depth of an edge that goes to an open label, or -1. */
  private label(from: number, to: number): number {
    const { flow } = this;
    if (flow.rpo[to]! <= flow.rpo[from]!) return this.level - this.loopLevel[to]!;
    if (flow.isMerge[to] !== 0) return this.level - this.blockLevel[to]!;
    return -1;
  }

  private edge(from: number, to: number, viaDispatch: boolean): void {
    const { w, flow } = this;
    if (!viaDispatch) this.spill(this.data.settled(from, to), this.data.settledXmm(from, to));
    this.reload(this.data.missing(from, to), this.data.missingXmm(from, to));
    if (viaDispatch) {
      w.i32Const(flow.dispatchIndex(to));
      w.localSet(this.next);
      w.br(this.level - this.loopLevel[flow.dispatch]!);
      return;
    }
    const depth = this.label(from, to);
    if (depth >= 0) w.br(depth);
    else this.tree(to);
  }

  /** Both edges of a conditional branch; the condition is on the stack. */
  private branch(b: number): void {
    const { w, code, flow } = this;
    const taken = code.taken[b]!;
    const fall = code.fall[b]!;
    const via = flow.viaDispatch[b]!;
    const takenDepth = via & 1 || this.worksOnEdge(b, taken) ? -1 : this.label(b, taken);
    if (takenDepth >= 0) {
      w.brIf(takenDepth);
      this.edge(b, fall, (via & 2) !== 0);
      return;
    }
    const fallDepth = via & 2 || this.worksOnEdge(b, fall) ? -1 : this.label(b, fall);
    if (fallDepth >= 0) {
      w.byte(0x45);
      w.brIf(fallDepth);
      this.edge(b, taken, (via & 1) !== 0);
      return;
    }
    w.byte2(IF, VOID_TYPE);
    this.level++;
    this.edge(b, taken, (via & 1) !== 0);
    w.byte(ELSE);
    this.edge(b, fall, (via & 2) !== 0);
    w.byte(END);
    this.level--;
  }

  /** Something is to be done on the way from block `from` to block `to`. */
  private worksOnEdge(from: number, to: number): boolean {
    const { data } = this;
    return (
      data.missing(from, to) !== 0 || data.missingXmm(from, to) !== 0 || data.settled(from, to) !== 0 || data.settledXmm(from, to) !== 0
    );
  }

  private block(b: number): void {
    const { code, flow, data } = this;
    const kind = code.kind[b]!;
    this.dirty = data.dirtyIn[b]!;
    this.dirtyXmm = data.dirtyInXmm[b]!;
    this.valid = data.heldIn[b]!;
    this.validXmm = data.heldInXmm[b]!;
    this.flagsKind = data.kindIn[b]!;
    if (this.flagsKind < 0) this.flagsKind = KIND_UNKNOWN;
    if (kind === T_TAIL) {
      this.tail(code.blockAddress[b]!);
      return;
    }
    if (kind === T_TAIL_CALL) {
      const next = code.blockAddress[code.taken[b]!]!;
      return code.blockAddress[b] === ELSEWHERE ? this.callJumpTarget(b, 0, next) : this.call(b, code.blockAddress[b]!, next);
    }
    if (!this.direct && (flow.isLoop[b] !== 0 || (flow.dispatch >= 0 && flow.dispatchIndex(b) >= 0))) this.chargeFuel(code.blockAddress[b]!, this.resumes() && flow.dispatchIndex(b) > 0 ? FUEL_DISPATCH : FUEL_LOOP, b);
    if (this.marks) this.markRun(code.blockAddress[b]!);
    if (code.isPad(b)) return this.edge(b, code.taken[b]!, (flow.viaDispatch[b]! & 1) !== 0);
    const end = code.end[b]!;
    const last = code.endStmt[end - 1]! > code.firstStmt[end - 1]! ? this.ir.op[this.ir.stmts[code.endStmt[end - 1]! - 1]!]! : 0;
    const closed = last >= S_JUMP && last <= S_EXIT;
    for (let i = code.first[b]!; i < end; i++) this.instruction(i, b);
    if (closed) return;
    if (this.streamExit !== 0) return this.streamBranch(b, false);
    this.edge(b, code.taken[b]!, (flow.viaDispatch[b]! & 1) !== 0);
  }

  private markRun(address: number): void {
    const { w } = this;
    w.i32Const(0);
    w.i32Const(1);
    w.memory(0x3a, BLOCKS_RUN + ((address | 0) & BLOCKS_RUN_MASK));
  }

  /** Takes one unit of fuel; where there is none, asks whether to go on here, or elsewhere (at the head of a loop, in a region made for it), or to leave. */
  private chargeFuel(rip: number, where: number, b: number): void {
    const { w } = this;
    w.localGet(this.fuel);
    w.i32Const(1);
    w.byte(0x6b);
    w.localTee(this.fuel);
    w.i32Const(0);
    w.byte(0x48);
    this.unlikelyIf();
    this.storeDetail(this.word);
    this.storeRip(rip);
    w.localGet(0);
    w.i32Const(where);
    this.callRuntime(RT_FUEL);
    w.localGet(0);
    w.memory(I32_LOAD, FUEL);
    w.localSet(this.fuel);
    w.byte2(IF, VOID_TYPE);
    this.level++;
    if (where === FUEL_INSTRUCTION) this.leave(this.dirty, this.dirtyXmm, rip);
    else if (where === FUEL_LOOP) this.goOn(GO_ON_SLOT, rip);
    else {
      this.spill(this.dirty, this.dirtyXmm);
      w.localGet(0);
      w.memory(I32_LOAD, EXIT_REASON);
      w.byte2(IF, VOID_TYPE);
      w.i64Const(-1, -1);
      w.byte(RETURN);
      w.byte(END);
      // Anew, as the engine may have made better code since.
      w.localGet(0);
      w.localGet(1);
      w.i32Const(this.flow.dispatchIndex(b) << 16);
      w.byte(0x72);
      w.i32Const(this.home);
      w.byte2(RETURN_CALL_INDIRECT, 0);
      w.byte(0);
    }
    w.byte(END);
    this.level--;
    this.findFrameAfterFuel(rip, where, b);
    w.byte(END);
    this.level--;
  }

  /** Others may have run. */
  private findFrameAfterFuel(rip: number, where: number, b: number): void {
    if (!this.framed) return;
    const fail = (): void => {
      this.storeReason(EXIT_REENTER, 0);
      this.leave(this.dirty, this.dirtyXmm, rip);
    };
    const { frames } = this.groups;
    const anchor = frames.anchorAt(b);
    if (where === FUEL_INSTRUCTION) fail();
    else if (anchor >= 0) this.findFrame(anchor, frames.distanceAt(b, anchor), ((this.valid | this.dirty) >>> anchor) % 2 === 1, fail);
  }

  private instruction(i: number, b: number): void {
    const { code, ir } = this;
    this.insnAddress = code.address[i]!;
    this.insnNext = code.address[i]! + code.length[i]!;
    this.resetTemps();
    const does = code.does[i]!;
    if (does & I_LOOPS) {
      this.dirty |= code.defs[i]!;
      this.dirtyXmm |= code.defsXmm[i]!;
      if (does & I_SETS_FLAGS) this.flagsKind = KIND_UNKNOWN;
    }
    const end = code.endStmt[i]!;
    // Nor do ways out carry flags that nothing reads any more: it would keep their operands alive.
    if (this.dirty & M_FLAGS && this.flagsDie(i, b)) {
      this.dirty &= ~M_FLAGS;
      this.valid &= ~M_FLAGS;
    }
    this.flagsDead = (does & (I_LOOPS | I_BARRIER)) === 0 && this.flagsDie(i + 1, b);
    for (let s = code.firstStmt[i]!; s < end; s++) this.statement(ir.stmts[s]!, b);
    this.valid |= this.flagsDead ? code.defs[i]! & ~M_FLAGS : code.defs[i]!;
    this.validXmm |= code.defsXmm[i]!;
  }

  /** True if the flags that are set before instruction i of block b are overwritten before anything reads them; a fault on the way shows older ones. */
  private flagsDie(i: number, b: number): boolean {
    const { code, data } = this;
    for (const end = code.end[b]!; i < end; i++) {
      if (code.uses[i]! & M_FLAGS || code.does[i]! & I_BARRIER) return false;
      if (code.defs[i]! & M_FLAGS) return true;
    }
    return !data.flagsReadAfter(code, b);
  }

  /** For each open S_IF and S_LOOP: kind of flags and dirty registers before it (behind an S_ELSE: at the end of the other arm). */
  private readonly kindStack: number[] = [];
  private readonly dirtyStack: number[] = [];
  private readonly dirtyXmmStack: number[] = [];
  private openArm(): void {
    this.kindStack.push(this.flagsKind);
    this.dirtyStack.push(this.dirty);
    this.dirtyXmmStack.push(this.dirtyXmm);
  }
  /** Levels of the open S_LOOPs. */
  private readonly insnLoops: number[] = [];

  private statement(s: number, b: number): void {
    const { w, ir } = this;
    const a = ir.a[s]!;
    const v = ir.b[s]!;
    switch (ir.op[s]) {
      case S_LET: {
        this.expr(v);
        w.localSet(this.newTemp(a, ir.c[s]!));
        return;
      }
      case S_SET_TMP:
        this.expr(v);
        w.localSet(this.tempLocal[a]!);
        return;
      case S_SET_REG:
        this.expr(v);
        w.localSet(this.reg[a]!);
        this.dirty |= 1 << a;
        return;
      case S_SET_XMM:
        this.expr(v);
        w.localSet(this.xmm[a]!);
        this.dirtyXmm |= 1 << a;
        return;
      case S_SET_STATE:
        this.setState(a, v, ir.c[s]!);
        return;
      case S_STORE:
        this.store(s);
        return;
      case S_RAW_STORE:
        this.rawStore(a, v, ir.c[s]!);
        return;
      case S_RMW_END:
        this.rmwEnd(a, v);
        return;
      case S_SET_FLAGS:
        this.setFlags(s);
        return;
      case S_HELPER:
        this.helper(v, true);
        return;
      case S_IF:
        this.expr(a);
        if (ir.lo[s]! & 1) this.unlikelyIf();
        else {
          w.byte2(IF, VOID_TYPE);
          this.level++;
        }
        this.openArm();
        return;
      case S_ELSE: {
        w.byte(ELSE);
        const top = this.kindStack.length - 1;
        const before = this.kindStack[top]!;
        if (this.flagsKind !== before) this.kindStack[top] = KIND_UNKNOWN;
        this.flagsKind = before;
        const dirty = this.dirtyStack[top]!;
        const dirtyXmm = this.dirtyXmmStack[top]!;
        this.dirtyStack[top] = this.dirty;
        this.dirtyXmmStack[top] = this.dirtyXmm;
        this.dirty = dirty;
        this.dirtyXmm = dirtyXmm;
        return;
      }
      case S_LOOP:
        w.byte2(LOOP, VOID_TYPE);
        this.insnLoops.push(++this.level);
        this.openArm();
        return;
      case S_AGAIN_IF: {
        // Only string instructions loop: between two iterations they can be interrupted, with RIP at the instruction itself.
        this.expr(a);
        w.byte2(IF, VOID_TYPE);
        this.level++;
        if (ir.single) {
          this.storeReason(EXIT_REENTER, 0);
          this.leave(this.dirty, this.dirtyXmm, this.insnAddress);
        } else this.chargeFuel(this.insnAddress, FUEL_INSTRUCTION, b);
        w.br(this.level - this.insnLoops[this.insnLoops.length - 1]!);
        w.byte(END);
        this.level--;
        return;
      }
      case S_END: {
        w.byte(END);
        if (this.insnLoops.length > 0 && this.insnLoops[this.insnLoops.length - 1] === this.level) this.insnLoops.pop();
        this.level--;
        const before = this.kindStack.pop()!;
        if (this.flagsKind !== before) this.flagsKind = KIND_UNKNOWN;
        this.dirty |= this.dirtyStack.pop()!;
        this.dirtyXmm |= this.dirtyXmmStack.pop()!;
        return;
      }
      case S_EXIT_IF:
        if (this.direct && this.streamLoops.settled.has(s)) return;
        this.expr(a);
        this.unlikelyIf();
        this.storeReason(ir.lo[s]!, ir.hi[s]!);
        this.leave(this.dirty, this.dirtyXmm, ir.c[s] === 1 ? this.insnNext : this.insnAddress);
        w.byte(END);
        this.level--;
        return;
      default:
        this.terminator(s, b);
    }
  }

  private terminator(s: number, b: number): void {
    const { w, ir, code, flow } = this;
    const a = ir.a[s]!;
    switch (ir.op[s]) {
      case S_JUMP:
        if (this.streamExit !== 0) return this.streamBranch(b, false);
        this.edge(b, code.taken[b]!, (flow.viaDispatch[b]! & 1) !== 0);
        return;
      case S_BRANCH:
        this.expr(a);
        if (this.streamExit !== 0) this.streamBranch(b, true);
        else this.branch(b);
        return;
      case S_EXIT:
        this.storeReason(ir.lo[s]!, ir.hi[s]!);
        this.leave(this.dirty, this.dirtyXmm, ir.c[s] === 1 ? this.insnNext : this.insnAddress);
        return;
      case S_RET:
        this.expr(a);
        w.localSet(this.returned);
        if (code.kind[b] === T_LEAVE) return this.leaveCopy(b);
        this.spill(this.dirty, this.dirtyXmm);
        this.storeFuelIfLocal();
        w.localGet(this.returned);
        w.byte(RETURN);
        return;
      case S_CALL: {
        if (code.kind[b] === T_ENTER) return this.edge(b, code.taken[b]!, (flow.viaDispatch[b]! & 1) !== 0);
        return this.call(b, ir.hi[s]! * 4294967296 + (ir.lo[s]! >>> 0), this.insnNext);
      }
      case S_CALL_INDIRECT:
        this.expr(a);
        w.localSet(this.jumpTarget);
        if (code.kind[b] !== T_ENTER) return this.callJumpTarget(b, code.target[code.end[b]! - 1]!, this.insnNext);
        w.localGet(this.jumpTarget);
        this.i64Number(code.target[code.end[b]! - 1]!);
        w.byte(0x51);
        return this.branch(b);
      case S_JUMP_INDIRECT:
        this.expr(a);
        w.localSet(this.jumpTarget);
        if (this.jumpMap !== 0) return this.jumpThroughMap(b);
        if (!this.single) return this.jumpAway(this.dirty, this.dirtyXmm, this.flagsKind);
        this.spill(this.dirty, this.dirtyXmm);
        return this.returnJumpTarget();
      case S_SYSCALL:
        this.spill(this.dirty, this.dirtyXmm);
        this.storeFuelIfLocal();
        this.storeRip(this.insnNext);
        w.localGet(0);
        this.callRuntime(RT_SYSCALL);
        this.unlikelyIf();
        w.i64Const(-1, -1);
        w.byte(RETURN);
        w.byte(END);
        this.level--;
        this.findFrameAgain(b, this.insnNext);
        this.reloadAt(code.taken[b]!);
        this.edge(b, code.taken[b]!, (flow.viaDispatch[b]! & 1) !== 0);
        return;
      default:
        throw new Error(`IR statement ${ir.op[s]!.toString(16)} is unknown`);
    }
  }

  /** Calls the region at `target`, with the return address `next` on the guest's stack. */
  private call(b: number, target: number, next: number): void {
    const { w } = this;
    this.spill(this.dirty, this.dirtyXmm);
    this.storeFuelIfLocal();
    if (this.single) return this.returnTo(target);
    this.storeRip(target);
    w.localGet(1);
    w.byte(0x45);
    this.unlikelyIf();
    this.i64Number(target);
    w.byte(RETURN);
    w.byte(END);
    this.level--;
    w.localGet(0);
    w.localGet(1);
    w.i32Const(1);
    w.byte(0x6b);
    w.i32Const(this.linker.slotOf(target));
    w.byte2(CALL_INDIRECT, 0);
    w.byte(0);
    this.afterCall(b, next);
  }

  /** Calls what is at the address in `jumpTarget`: most likely `likely` (0: not known). */
  private callJumpTarget(b: number, likely: number, next: number): void {
    const { w } = this;
    this.spill(this.dirty, this.dirtyXmm);
    this.storeFuelIfLocal();
    if (this.single) return this.returnJumpTarget();
    this.storeJumpTarget();
    w.localGet(1);
    w.byte(0x45);
    this.unlikelyIf();
    w.localGet(this.jumpTarget);
    w.byte(RETURN);
    w.byte(END);
    this.level--;
    w.localGet(0);
    w.localGet(1);
    w.i32Const(1);
    w.byte(0x6b);
    if (likely === 0) this.slotOfJumpTarget();
    else {
      w.localGet(this.jumpTarget);
      this.i64Number(likely);
      w.byte(0x52);
      this.hint();
      w.byte2(IF, 0x7f);
      this.slotOfJumpTarget();
      w.byte(ELSE);
      w.i32Const(this.linker.slotOf(likely));
      w.byte(END);
    }
    w.byte2(CALL_INDIRECT, 0);
    w.byte(0);
    this.afterCall(b, next);
  }

  /** A called function that is part of the region ends; the address that it returns to is in its local. */
  private leaveCopy(b: number): void {
    const { w, code, flow } = this;
    w.localGet(this.returned);
    this.i64Number(code.blockAddress[code.taken[b]!]!);
    w.byte(0x52);
    this.unlikelyIf();
    this.spill(this.dirty, this.dirtyXmm);
    this.storeFuelIfLocal();
    w.localGet(this.returned);
    w.byte(RETURN);
    w.byte(END);
    this.level--;
    this.edge(b, code.taken[b]!, (flow.viaDispatch[b]! & 1) !== 0);
  }

  /** The RIP that a call came back with is on the stack: goes on if it is `next`, the one behind the call, else returns it. */
  private afterCall(b: number, next: number): void {
    const { w, code, flow } = this;
    w.localTee(this.returned);
    this.i64Number(next);
    w.byte(0x52);
    this.unlikelyIf();
    w.localGet(this.returned);
    w.byte(RETURN);
    w.byte(END);
    this.level--;
    this.findFrameAgain(b, next);
    this.reloadAt(code.taken[b]!);
    this.edge(b, code.taken[b]!, (flow.viaDispatch[b]! & 1) !== 0);
  }

  private reloadAt(successor: number): void {
    this.reload(this.data.heldIn[successor]!, this.data.heldInXmm[successor]!);
    this.loadFpSlow();
    if (this.hasFuelLocal) {
      this.w.localGet(0);
      this.w.memory(I32_LOAD, FUEL);
      this.w.localSet(this.fuel);
    }
  }

  private tail(target: number): void {
    if (!this.single) return this.goOn(this.linker.slotOf(target), target);
    this.spill(this.dirty, this.dirtyXmm);
    this.storeFuelIfLocal();
    this.returnTo(target);
  }

  private returnTo(target: number): void {
    this.i64Number(target);
    this.w.byte(RETURN);
  }
  private returnJumpTarget(): void {
    this.w.localGet(this.jumpTarget);
    this.w.byte(RETURN);
  }

  /** Jumps to the dispatch node: within the region if the target is one that is known. */
  private jumpThroughMap(b: number): void {
    const { w, flow, data } = this;
    w.localGet(this.jumpTarget);
    this.i64Number(this.jumpMapBase);
    w.byte(0x7d);
    w.localTee(this.deltaLocal);
    w.i64Const(this.jumpMapSpan, 0);
    w.byte(0x54);
    w.byte2(IF, 0x7f);
    w.localGet(this.deltaLocal);
    w.byte(0xa7);
    w.i32Const(1);
    w.byte(0x74);
    w.memory(0x2f, this.jumpMap);
    w.byte(ELSE);
    w.i32Const(0);
    w.byte(END);
    if (this.code.handsOver) return this.handOver(b);
    w.i32Const(1);
    w.byte(0x6b);
    w.localSet(this.next);
    let held = data.jumpDirty & ~data.heldOut[b]!;
    let heldXmm = data.jumpDirtyXmm & ~data.heldOutXmm[b]!;
    for (const t of flow.dispatchTargets) {
      held |= data.missing(b, t);
      heldXmm |= data.missingXmm(b, t);
    }
    this.reload(held, heldXmm);
    w.br(this.level - this.loopLevel[flow.dispatch]!);
  }

  /** Behind an indirect jump, with the target's index + 1 on the stack, 0 = it is not one that is known: registers go to the CPU state, the carried ones stay. */
  private handOver(b: number): void {
    const { w, data } = this;
    w.localTee(this.next);
    w.byte(0x45);
    const k = this.stub(this.dirty, this.dirtyXmm, STUB_JUMPS);
    if (k >= 0) {
      this.hint();
      w.brIf(this.level + k);
    } else {
      this.unlikelyIf();
      this.jumpAway(this.dirty, this.dirtyXmm, this.flagsKind);
      w.byte(END);
      this.level--;
    }
    this.spill(this.dirty & (data.handsOverFlags ? -1 : ~M_FLAGS), this.dirtyXmm);
    w.localGet(this.next);
    w.i32Const(1);
    w.byte(0x6b);
    w.localSet(this.next);
    this.reload(data.carried & ~data.heldOut[b]!, data.carriedXmm & ~data.heldOutXmm[b]!);
    w.br(this.level - this.loopLevel[this.flow.dispatch]!);
  }

}

/** Writes a body's local declarations: runs of equal types. */
export function writeLocals(out: CodeWriter, types: readonly number[]): void {
  let runs = 0;
  for (let i = 0; i < types.length; i++) if (i === 0 || types[i] !== types[i - 1]) runs++;
  out.u32(runs);
  for (let i = 0; i < types.length; ) {
    let j = i + 1;
    while (j < types.length && types[j] === types[i]) j++;
    out.u32(j - i);
    out.byte(types[i]!);
    i = j;
  }
}
