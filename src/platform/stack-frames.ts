/**
 * Where in the stack the accesses of a region are, as distances from what RSP was at its entry: they need no look at the TLB each, as one look tells that
 * the frame lies in memory that is in one piece (FRAME_LOW in layout.ts). What registers hold is found by access-groups.ts, block by block.
 */
import { RBP, RSP } from '../x86/cpu-layout.ts';
import { I_LOOPS, type RegionCode, T_BRANCH, T_CALL, T_CALL_INDIRECT, T_ENTER, T_FALL, T_JUMP_INDIRECT, T_LEAVE, T_SYSCALL, T_TAIL_CALL } from './region-code.ts';
import type { ControlFlow } from './control-flow.ts';
import { FRAME_SPAN } from './layout.ts';

/** Distances from RSP beyond which nothing is looked at. */
const FARTHEST = 1 << 16;
const NOT_REACHED = -1;
/** What a called function or the kernel leaves as it was, if it keeps to the rules: RBP is looked at again behind it. */
const KEPT: number = (1 << RSP) | (1 << RBP);

export class StackFrames {
  /** By block: registers that hold an address at a known distance when it is entered, NOT_REACHED before the analysis came there; and these distances. */
  private known: Int32Array = new Int32Array(256);
  private distance: Float64Array = new Float64Array(256 * 16);
  private readonly work: number[] = [];
  /** By IR node of an access: its distance; Infinity = there is none. */
  private at: Float64Array = new Float64Array(4096);
  private readonly accesses: number[] = [];
  /** Distance of the lowest byte of the frame. */
  low = 0;
  /** False: no access is in the frame. */
  any = false;

  /** Registers that are known at the entry of block `b`, and the distance of one. */
  knownAt(b: number): number {
    return Math.max(this.known[b]!, 0);
  }
  /** The register that tells where the frame is at the entry of block `b`, -1 = there is none. */
  anchorAt(b: number): number {
    const known = this.knownAt(b);
    return (known >>> RSP) & 1 ? RSP : (known >>> RBP) & 1 ? RBP : -1;
  }
  distanceAt(b: number, register: number): number {
    return this.distance[b * 16 + register]!;
  }

  /** Offset of the access at `node` from the lowest byte of the frame, -1 = it is not in it. */
  offsetOf(node: number): number {
    return this.any && this.at[node]! < Infinity ? this.at[node]! - this.low : -1;
  }

  /** `run` evaluates a block from the registers that are known at its entry; then `out` tells what each register holds (NaN: nothing known). */
  analyse(code: RegionCode, flow: ControlFlow, run: (b: number) => void, out: (register: number) => number): void {
    const n = code.blockCount;
    if (n > this.known.length) {
      this.known = new Int32Array(n * 2);
      this.distance = new Float64Array(n * 32);
    }
    if (code.ir.count > this.at.length) this.at = new Float64Array(code.ir.op.length);
    this.at.fill(Number.NaN, 0, code.ir.count);
    this.known.fill(NOT_REACHED, 0, n);
    this.accesses.length = this.work.length = 0;
    this.any = false;
    const held = new Float64Array(16);
    held[RSP] = 0;
    this.reach(0, 1 << RSP, held);
    for (let b = this.work.pop(); b !== undefined; b = this.work.pop()) {
      if (code.kind[b] === T_TAIL_CALL) {
        // What was called returns to behind the call of the function that this is the rest of.
        const entry = code.copyEntryOf(b);
        held[RSP] = this.distanceAt(entry, RSP) + 8;
        this.reach(code.taken[b]!, this.knownAt(entry) & (1 << RSP), held);
        continue;
      }
      if (code.end[b] === code.first[b] && code.kind[b] !== T_FALL) continue;
      run(b);
      let mask = 0;
      for (let r = 0; r < 16; r++) {
        const d = out(r);
        if (!(Math.abs(d) < FARTHEST)) continue;
        mask |= 1 << r;
        held[r] = d;
      }
      this.leave(code, flow, b, mask, held);
    }
    this.sameAtTargets(flow);
  }

  private leave(code: RegionCode, flow: ControlFlow, b: number, mask: number, held: Float64Array): void {
    let known = mask;
    switch (code.kind[b]) {
      case T_CALL: case T_CALL_INDIRECT:
        // The return address that was pushed is gone then.
        held[RSP]! += 8;
        known &= KEPT;
        break;
      case T_SYSCALL:
        known &= KEPT;
        break;
      case T_JUMP_INDIRECT:
        for (const t of code.indirectTargets) this.reach(t, known & (1 << RSP), held);
        return;
      case T_FALL: case T_BRANCH: case T_ENTER: case T_LEAVE:
        break;
      default:
        return;
    }
    for (const next of [code.taken[b]!, code.fall[b]!]) {
      if (next < 0) continue;
      // It may be entered from elsewhere, where RSP alone tells where the frame is.
      this.reach(next, flow.dispatch >= 0 && flow.dispatchIndex(next) >= 0 ? known & (1 << RSP) : known, held);
    }
  }

  /** Block `b` is entered with these registers known. */
  private reach(b: number, mask: number, held: Float64Array): void {
    const before = this.known[b]!;
    // Where neither is known, it cannot be told anew where the frame is.
    let now = mask & KEPT ? mask : 0;
    if (before === NOT_REACHED) for (let r = 0; r < 16; r++) this.distance[b * 16 + r] = held[r]!;
    else {
      now &= before;
      for (let r = 0; r < 16; r++) if ((now >>> r) & 1 && this.distance[b * 16 + r] !== held[r]) now &= ~(1 << r);
      if ((now & KEPT) === 0) now = 0;
      if (now === before) return;
    }
    this.known[b] = now;
    this.work.push(b);
  }

  /** Where a region can be entered at several places, RSP must be at the same distance at all of them (`entered`). */
  private sameAtTargets(flow: ControlFlow): void {
    this.entered = 0;
    if (flow.dispatch < 0) return;
    let first = Number.NaN;
    for (const t of flow.dispatchTargets) {
      if (t === 0) continue;
      const d = (this.knownAt(t) >>> RSP) & 1 ? this.distanceAt(t, RSP) : Infinity;
      if (Number.isNaN(first)) first = d;
      else if (first !== d) first = Infinity;
    }
    this.entered = Number.isNaN(first) ? 0 : first;
  }
  /** Distance of RSP wherever the region is entered anew, behind its entry; Infinity: it is not the same everywhere. */
  entered = 0;

  /** An access at `distance` (NaN: it is not known). */
  note(code: RegionCode, insn: number, node: number, distance: number): void {
    if (this.entered === Infinity) return;
    const d = Math.abs(distance) < FARTHEST && (code.does[insn]! & I_LOOPS) === 0 ? distance : Infinity;
    const before = this.at[node]!;
    if (Number.isNaN(before)) {
      this.at[node] = d;
      if (d < Infinity) this.accesses.push(d);
    } else if (before !== d) this.at[node] = Infinity;
  }

  /** All accesses are noted: places the frame where it serves most of them. */
  place(code: RegionCode, sizeOf: (node: number) => number): void {
    const { accesses, at } = this;
    accesses.sort((x, y) => x - y);
    let most = 0;
    for (let i = 0, j = 0; i < accesses.length; i++) {
      while (accesses[i]! - accesses[j]! > FRAME_SPAN - 64) j++;
      if (i - j + 1 <= most) continue;
      most = i - j + 1;
      this.low = accesses[j]!;
    }
    this.any = most > 0;
    for (let n = 0; n < code.ir.count; n++) if (at[n]! < Infinity && !(at[n]! >= this.low && at[n]! + sizeOf(n) <= this.low + FRAME_SPAN)) at[n] = Infinity;
    for (let n = 0; n < code.ir.count; n++) if (Number.isNaN(at[n]!)) at[n] = Infinity;
  }
}
