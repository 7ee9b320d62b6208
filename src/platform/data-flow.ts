/**
 * Which registers a region must load and spill where. The CPU state in memory and the locals together always hold the architectural
 * state: a register is "dirty" where its local may be newer than memory, and "live" where its local may be read or spilled later.
 */
import type { ControlFlow } from './control-flow.ts';
import { I_BARRIER, I_CONDITIONAL, I_EXITS, I_SETS_FLAGS, M_FLAGS, type RegionCode, T_BRANCH, T_CALL, T_CALL_INDIRECT, T_ENTER, T_EXIT, T_FALL, T_JUMP_INDIRECT, T_SYSCALL, T_TAIL_CALL } from './region-code.ts';
import { S_SET_FLAGS } from '../x86/ir.ts';

/** Part of the targets of indirect jumps that must use a register for it to be carried to all. */
const CARRIED_SHARE = 0.25;

/** Kind of flags at a block's start: not yet visited / differs between paths. Otherwise FLAGS_kind * 4 + log2(size). */
const KIND_NONE = -2;
export const KIND_UNKNOWN = -1;

export class DataFlow {
  /** Registers that may be dirty at a block's start. */
  dirtyIn: Int32Array = new Int32Array(512);
  dirtyInXmm: Int32Array = new Int32Array(512);
  /** Registers whose value at a block's start may be used or spilled later. */
  private liveIn: Int32Array = new Int32Array(512);
  private liveInXmm: Int32Array = new Int32Array(512);
  /** Registers whose locals hold the value at a block's start, and at its end: what the next block needs beyond that is loaded on the way to it. */
  heldIn: Int32Array = new Int32Array(512);
  heldInXmm: Int32Array = new Int32Array(512);
  heldOut: Int32Array = new Int32Array(512);
  heldOutXmm: Int32Array = new Int32Array(512);
  /** Registers that may be dirty where a region jumps indirectly. */
  jumpDirty = 0;
  jumpDirtyXmm = 0;
  /** In a region that hands over (RegionCode.handsOver): registers that stay in their locals from an indirect jump to its target; and a target reads flags. */
  carried = 0;
  carriedXmm = 0;
  handsOverFlags = false;
  /** Registers that are used on every way from a block's start. */
  private sure: Int32Array = new Int32Array(512);
  private sureXmm: Int32Array = new Int32Array(512);
  /** Static kind of the lazy flags at a block's start. */
  kindIn: Int32Array = new Int32Array(512);
  private dirtyOut: Int32Array = new Int32Array(512);
  private dirtyOutXmm: Int32Array = new Int32Array(512);
  private defs: Int32Array = new Int32Array(512);
  private defsXmm: Int32Array = new Int32Array(512);
  private exposed: Int32Array = new Int32Array(512);
  private exposedXmm: Int32Array = new Int32Array(512);
  /** What a block's instructions set; and for a loop header, what those of all its blocks set. */
  private writes: Int32Array = new Int32Array(512);
  private writesXmm: Int32Array = new Int32Array(512);
  private loopWrites: Int32Array = new Int32Array(512);
  private loopWritesXmm: Int32Array = new Int32Array(512);
  private flow!: ControlFlow;
  private exits: Uint8Array = new Uint8Array(512);
  private barrier: Uint8Array = new Uint8Array(512);
  private kindOut: Int32Array = new Int32Array(512);
  /** Flags at a block's start can be read by something that runs later; and what the block itself does: 1 reads them first, 2 replaces them first, 0 neither. */
  flagsLive: Uint8Array = new Uint8Array(512);
  private flagsEffect: Uint8Array = new Uint8Array(512);

  private size(n: number): void {
    if (n <= this.dirtyIn.length) return;
    const m = n * 2;
    const make = (): Int32Array => new Int32Array(m);
    this.dirtyIn = make();
    this.dirtyInXmm = make();
    this.liveIn = make();
    this.liveInXmm = make();
    this.heldIn = make();
    this.heldInXmm = make();
    this.heldOut = make();
    this.heldOutXmm = make();
    this.sure = make();
    this.sureXmm = make();
    this.kindIn = make();
    this.dirtyOut = make();
    this.dirtyOutXmm = make();
    this.defs = make();
    this.defsXmm = make();
    this.exposed = make();
    this.exposedXmm = make();
    this.writes = make();
    this.writesXmm = make();
    this.loopWrites = make();
    this.loopWritesXmm = make();
    this.exits = new Uint8Array(m);
    this.barrier = new Uint8Array(m);
    this.kindOut = make();
    this.flagsLive = new Uint8Array(m);
    this.flagsEffect = new Uint8Array(m);
  }

  analyse(code: RegionCode, flow: ControlFlow): void {
    const n = code.blockCount;
    this.size(n + 1);
    this.flow = flow;
    for (let b = 0; b < n; b++) this.summarise(code, flow, b);
    flow.overLoops(this.writes, this.writesXmm, this.loopWrites, this.loopWritesXmm);
    this.flags(code, flow);
    this.kinds(code, flow);
    this.dirty(code, flow);
    this.surelyUsed(code, flow);
    if (code.handsOver) this.carry(code);
    this.live(code, flow);
    this.held(code, flow);
  }

  private summarise(code: RegionCode, flow: ControlFlow, b: number): void {
    let defs = 0;
    let defsX = 0;
    let exposed = 0;
    let exposedX = 0;
    let exits = 0;
    let barrier = 0;
    let dirty = 0;
    let dirtyX = 0;
    let kind = KIND_NONE;
    let effect = 0;
    let writes = 0;
    let writesX = 0;
    const { does, uses, usesXmm } = code;
    for (let i = code.first[b]!; i < code.end[b]!; i++) {
      const d = does[i]!;
      if (effect === 0) effect = uses[i]! & M_FLAGS || d & I_BARRIER ? 1 : code.defs[i]! & M_FLAGS ? 2 : 0;
      exposed |= uses[i]! & ~defs;
      exposedX |= usesXmm[i]! & ~defsX;
      if (d & I_EXITS) exits = 1;
      defs |= code.defs[i]!;
      defsX |= code.defsXmm[i]!;
      dirty |= code.defs[i]!;
      dirtyX |= code.defsXmm[i]!;
      writes |= code.defs[i]!;
      writesX |= code.defsXmm[i]!;
      if (d & I_SETS_FLAGS) kind = d & I_CONDITIONAL ? KIND_UNKNOWN : lastKind(code, i);
      if (d & I_BARRIER && d & I_CONDITIONAL) kind = KIND_UNKNOWN;
      else if (d & I_BARRIER) {
        // Everything is spilled before and read again after it: what follows is not exposed, but what was dirty is spilled.
        barrier = 1;
        dirty = dirtyX = 0;
        defs = -1;
        defsX = -1;
        kind = KIND_UNKNOWN;
      }
    }
    const k = code.kind[b]!;
    this.flagsEffect[b] = effect !== 0 ? effect : staysInside(k) ? 0 : 1;
    // Every way out of the region spills; a loop header or a dispatch target can be interrupted at its start.
    if (!staysInside(k)) exits = 1;
    if (flow.isLoop[b] !== 0 || flow.dispatch >= 0) exits = 1;
    this.writes[b] = writes;
    this.writesXmm[b] = writesX;
    this.defs[b] = defs;
    this.defsXmm[b] = defsX;
    this.exposed[b] = exposed;
    this.exposedXmm[b] = exposedX;
    this.exits[b] = exits;
    const calls = isCall(k);
    this.barrier[b] = barrier | (calls ? 1 : 0);
    this.dirtyOut[b] = calls || k === T_EXIT ? 0 : dirty;
    this.dirtyOutXmm[b] = calls || k === T_EXIT ? 0 : dirtyX;
    this.kindOut[b] = calls ? KIND_UNKNOWN : kind;
  }

  /**
   * Backward: can the flags at a block's start still be read? If not, they are not carried into it: a fault or an interrupt between its
   * start and the next instruction that sets flags shows older arithmetic flags in the state, which nothing that continues from there reads.
   */
  private flags(code: RegionCode, flow: ControlFlow): void {
    const { flagsLive, flagsEffect } = this;
    flagsLive.fill(0, 0, code.blockCount);
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = flow.orderCount - 1; i >= 0; i--) {
        const b = flow.order[i]!;
        if (b === flow.dispatch || flagsLive[b] !== 0) continue;
        let live = flagsEffect[b] === 1;
        if (flagsEffect[b] === 0) {
          for (let k = 0; k < 2; k++) {
            const s = this.successorOf(code, b, k);
            if (s >= 0 && flagsLive[s] !== 0) live = true;
          }
        }
        if (live) {
          flagsLive[b] = 1;
          changed = true;
        }
      }
    }
  }

  /** True if what follows block `b` may read the flags that are set at its end. */
  flagsReadAfter(code: RegionCode, b: number): boolean {
    const k = code.kind[b]!;
    if (!staysInside(k)) return true;
    const fall = code.fall[b]!;
    return this.flagsLive[code.taken[b]!] !== 0 || (fall >= 0 && this.flagsLive[fall] !== 0);
  }

  private successorOf(code: RegionCode, b: number, k: number): number {
    return k === 0 ? code.taken[b]! : code.fall[b]!;
  }

  /** Forward: the kind of flags on entry, where all paths agree. */
  private kinds(code: RegionCode, flow: ControlFlow): void {
    const { kindIn, kindOut } = this;
    const n = code.blockCount;
    kindIn.fill(KIND_NONE, 0, n);
    kindIn[0] = KIND_UNKNOWN;
    if (flow.dispatch >= 0) for (const t of flow.dispatchTargets) kindIn[t] = KIND_UNKNOWN;
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = 0; i < flow.orderCount; i++) {
        const b = flow.order[i]!;
        if (b === flow.dispatch) continue;
        const out = kindOut[b] === KIND_NONE ? kindIn[b]! : kindOut[b]!;
        if (out === KIND_NONE) continue;
        for (let k = 0; k < 2; k++) {
          const s = this.successorOf(code, b, k);
          if (s < 0) continue;
          const meet = kindIn[s] === KIND_NONE || kindIn[s] === out ? out : KIND_UNKNOWN;
          if (kindIn[s] !== meet) {
            kindIn[s] = meet;
            changed = true;
          }
        }
      }
    }
  }

  /** Forward: may-dirty. */
  private dirty(code: RegionCode, flow: ControlFlow): void {
    const { dirtyIn, dirtyInXmm, dirtyOut, dirtyOutXmm, barrier } = this;
    const n = code.blockCount;
    dirtyIn.fill(0, 0, n);
    dirtyInXmm.fill(0, 0, n);
    let viaDispatch = 0;
    let viaDispatchXmm = 0;
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = 0; i < flow.orderCount; i++) {
        const b = flow.order[i]!;
        if (b === flow.dispatch) continue;
        let out = dirtyOut[b]!;
        let outX = dirtyOutXmm[b]!;
        if (barrier[b] === 0) {
          out |= dirtyIn[b]!;
          outX |= dirtyInXmm[b]!;
        }
        for (let k = 0; k < 2; k++) {
          const s = this.successorOf(code, b, k);
          if (s < 0) continue;
          const keep = (this.flagsLive[s] !== 0 ? out : out & ~M_FLAGS) & ~this.settled(b, s);
          const keepX = outX & ~this.settledXmm(b, s);
          if ((dirtyIn[s]! | keep) !== dirtyIn[s] || (dirtyInXmm[s]! | keepX) !== dirtyInXmm[s]) {
            dirtyIn[s]! |= keep;
            dirtyInXmm[s]! |= keepX;
            changed = true;
          }
        }
        // An indirect jump can reach every dispatch target.
        if (flow.dispatch >= 0 && code.kind[b] === T_JUMP_INDIRECT && !code.handsOver && ((viaDispatch | out) !== viaDispatch || (viaDispatchXmm | outX) !== viaDispatchXmm)) {
          viaDispatch |= out;
          viaDispatchXmm |= outX;
          changed = true;
        }
      }
      if (flow.dispatch >= 0) {
        for (const t of flow.dispatchTargets) {
          if ((dirtyIn[t]! | viaDispatch) !== dirtyIn[t] || (dirtyInXmm[t]! | viaDispatchXmm) !== dirtyInXmm[t]) {
            dirtyIn[t]! |= viaDispatch;
            dirtyInXmm[t]! |= viaDispatchXmm;
            changed = true;
          }
        }
      }
    }
  }

  /**
   * Registers that go to memory on the way from the end of block `from` to block `to`: into a loop that does not set them. Else they would be kept in
   * locals throughout the loop for the ways out of it that it may never take.
   */
  settled(from: number, to: number): number {
    return this.flow.entersLoop(from, to) ? this.dirtyAtEnd(from) & ~(this.loopWrites[to]! | M_FLAGS) : 0;
  }
  settledXmm(from: number, to: number): number {
    return this.flow.entersLoop(from, to) ? this.dirtyAtEndXmm(from) & ~this.loopWritesXmm[to]! : 0;
  }

  /** Backward: live locals. What may be dirty at a way out is spilled there, so it is used there. */
  private live(code: RegionCode, flow: ControlFlow): void {
    const { liveIn, liveInXmm, defs, defsXmm, exposed, exposedXmm, exits, dirtyIn, dirtyInXmm } = this;
    const n = code.blockCount;
    liveIn.fill(0, 0, n);
    liveInXmm.fill(0, 0, n);
    let atDispatch = 0;
    let atDispatchXmm = 0;
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = flow.orderCount - 1; i >= 0; i--) {
        const b = flow.order[i]!;
        if (b === flow.dispatch) continue;
        let out = 0;
        let outX = 0;
        if (this.barrier[b] === 0 || !isCall(code.kind[b]!)) {
          for (let k = 0; k < 2; k++) {
            const s = this.successorOf(code, b, k);
            if (s >= 0) {
              out |= liveIn[s]! | this.settled(b, s);
              outX |= liveInXmm[s]! | this.settledXmm(b, s);
            }
          }
          if (flow.dispatch >= 0 && code.kind[b] === T_JUMP_INDIRECT) {
            out |= code.handsOver ? this.carried : atDispatch;
            outX |= code.handsOver ? this.carriedXmm : atDispatchXmm;
          }
        }
        let live = exposed[b]! | (out & ~defs[b]!);
        let liveX = exposedXmm[b]! | (outX & ~defsXmm[b]!);
        if (exits[b] !== 0) {
          live |= dirtyIn[b]!;
          liveX |= dirtyInXmm[b]!;
        }
        if (live !== liveIn[b] || liveX !== liveInXmm[b]) {
          liveIn[b] = live;
          liveInXmm[b] = liveX;
          changed = true;
        }
      }
      if (flow.dispatch >= 0) {
        for (const t of flow.dispatchTargets) {
          if ((atDispatch | liveIn[t]!) !== atDispatch || (atDispatchXmm | liveInXmm[t]!) !== atDispatchXmm) {
            atDispatch |= liveIn[t]!;
            atDispatchXmm |= liveInXmm[t]!;
            changed = true;
          }
        }
      }
    }
  }

  /** Backward: registers that are read on every way, whatever branches are taken. */
  private surelyUsed(code: RegionCode, flow: ControlFlow): void {
    const { sure, sureXmm, defs, defsXmm, exposed, exposedXmm } = this;
    sure.fill(-1, 0, code.blockCount);
    sureXmm.fill(-1, 0, code.blockCount);
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = flow.orderCount - 1; i >= 0; i--) {
        const b = flow.order[i]!;
        if (b === flow.dispatch) continue;
        const taken = code.taken[b]!;
        const fall = code.fall[b]!;
        let out = 0;
        let outX = 0;
        if (taken >= 0 && !isCall(code.kind[b]!)) {
          out = fall < 0 ? sure[taken]! : sure[taken]! & sure[fall]!;
          outX = fall < 0 ? sureXmm[taken]! : sureXmm[taken]! & sureXmm[fall]!;
        }
        const now = exposed[b]! | (out & ~defs[b]!);
        const nowX = exposedXmm[b]! | (outX & ~defsXmm[b]!);
        if (now !== sure[b] || nowX !== sureXmm[b]) {
          sure[b] = now;
          sureXmm[b] = nowX;
          changed = true;
        }
      }
    }
  }

  /** What nearly all targets of indirect jumps use anyway stays in its local. */
  private carry(code: RegionCode): void {
    this.carried = this.carriedXmm = 0;
    this.handsOverFlags = false;
    const { indirectTargets } = code;
    const enough = Math.ceil(indirectTargets.length * CARRIED_SHARE);
    for (let r = 0; r < 16; r++) {
      let uses = 0;
      let usesXmm = 0;
      for (const t of indirectTargets) {
        uses += (this.sure[t]! >>> r) & 1;
        usesXmm += (this.sureXmm[t]! >>> r) & 1;
      }
      if (uses >= enough) this.carried |= 1 << r;
      if (usesXmm >= enough) this.carriedXmm |= 1 << r;
    }
    for (const t of indirectTargets) if (this.flagsLive[t] !== 0) this.handsOverFlags = true;
  }

  /**
   * Forward: which registers are in their locals. A register is loaded where its use is sure, and else only where another way already has it: what rare ways
   * alone use is loaded there, and what a loop uses in front of it.
   */
  private held(code: RegionCode, flow: ControlFlow): void {
    const { heldIn, heldInXmm, heldOut, heldOutXmm, liveIn, liveInXmm, sure, sureXmm, defs, defsXmm } = this;
    this.jumpDirty = this.jumpDirtyXmm = 0;
    for (let b = 0; b < code.blockCount; b++) {
      if (code.kind[b] === T_JUMP_INDIRECT) {
        this.jumpDirty |= this.dirtyAtEnd(b);
        this.jumpDirtyXmm |= this.dirtyAtEndXmm(b);
      }
      const pad = code.isPad(b);
      heldIn[b] = pad ? this.carried : liveIn[b]! & sure[b]!;
      heldInXmm[b] = pad ? this.carriedXmm : liveInXmm[b]! & sureXmm[b]!;
    }
    let jump = 0;
    let jumpXmm = 0;
    for (let changed = true; changed; ) {
      changed = false;
      for (let i = 0; i < flow.orderCount; i++) {
        const b = flow.order[i]!;
        if (b === flow.dispatch) continue;
        const call = isCall(code.kind[b]!);
        const out = call ? 0 : (heldIn[b]! | defs[b]!) & code.allRegs;
        const outX = call ? 0 : (heldInXmm[b]! | defsXmm[b]!) & code.allXmm;
        heldOut[b] = out;
        heldOutXmm[b] = outX;
        for (let k = 0; k < 2; k++) {
          const s = this.successorOf(code, b, k);
          if (s >= 0 && this.hold(s, out, outX)) changed = true;
        }
        if (code.kind[b] === T_JUMP_INDIRECT && !code.handsOver) {
          jump |= out;
          jumpXmm |= outX;
        }
      }
      if (jump !== 0 || jumpXmm !== 0) for (const t of flow.dispatchTargets) if (this.hold(t, jump, jumpXmm)) changed = true;
    }
    // What the block behind a call needs is loaded with the return.
    for (let b = 0; b < code.blockCount; b++) {
      if (!isCall(code.kind[b]!)) continue;
      heldOut[b] = heldIn[code.taken[b]!]!;
      heldOutXmm[b] = heldInXmm[code.taken[b]!]!;
    }
  }

  /** Block `b` takes over what comes with a way to it, as far as it can use it; true if that is more than before. */
  private hold(b: number, from: number, fromXmm: number): boolean {
    const now = this.heldIn[b]! | (from & this.liveIn[b]!);
    const nowXmm = this.heldInXmm[b]! | (fromXmm & this.liveInXmm[b]!);
    if (now === this.heldIn[b] && nowXmm === this.heldInXmm[b]) return false;
    this.heldIn[b] = now;
    this.heldInXmm[b] = nowXmm;
    return true;
  }

  /** Registers that may be dirty at the end of block `b`. */
  dirtyAtEnd(b: number): number {
    return this.dirtyOut[b]! | (this.barrier[b] === 0 ? this.dirtyIn[b]! : 0);
  }
  dirtyAtEndXmm(b: number): number {
    return this.dirtyOutXmm[b]! | (this.barrier[b] === 0 ? this.dirtyInXmm[b]! : 0);
  }

  /** Registers to load on the way from the end of block `from` to block `to`. */
  missing(from: number, to: number): number {
    return this.heldIn[to]! & ~this.heldOut[from]!;
  }
  missingXmm(from: number, to: number): number {
    return this.heldInXmm[to]! & ~this.heldOutXmm[from]!;
  }
}

function isCall(kind: number): boolean {
  return kind === T_CALL || kind === T_CALL_INDIRECT || kind === T_SYSCALL || kind === T_TAIL_CALL;
}

/** True if a block of this kind ends within the region, whatever happens. */
function staysInside(kind: number): boolean {
  return kind === T_FALL || kind === T_BRANCH || kind === T_ENTER;
}

/** Kind of the last S_SET_FLAGS of an instruction. */
function lastKind(code: RegionCode, i: number): number {
  const { ir } = code;
  for (let s = code.endStmt[i]! - 1; s >= code.firstStmt[i]!; s--) {
    const n = ir.stmts[s]!;
    if (ir.op[n] === S_SET_FLAGS) return ir.lo[n]! * 4 + ir.hi[n]!;
  }
  return KIND_UNKNOWN;
}

/** True if the flags are among the registers of a mask. */
export function hasFlags(mask: number): boolean {
  return (mask & M_FLAGS) !== 0;
}
