/** Where the CPU state is: registers between locals and memory, and the ways out of a region, which are shared. */
import { CC_AUX, CC_DST, CC_OP, CC_SRC, EXIT_DETAIL, EXIT_REASON, FUEL, GPR, RIP, XMM } from '../x86/cpu-layout.ts';
import { ELSE, END, I32_LOAD, I32_STORE, I64_LOAD, I64_STORE, IF, RETURN, RETURN_CALL_INDIRECT, UNREACHABLE, VOID_TYPE } from '../wasm/opcodes.ts';
import { KIND_UNKNOWN } from './data-flow.ts';
import { ExpressionEmitter } from './expression-emitter.ts';
import { kindUsesAux, kindUsesDst, kindUsesSrc } from './flags-emitter.ts';
import { JUMP_CACHE, JUMP_CACHE_ENTRIES } from './layout.ts';
import { M_FLAGS } from './region-code.ts';
import { RT_LOOKUP } from './runtime-functions.ts';

/** What a shared way out does: leave; go on in the region in slot `slot`, at `faultRip`; go on at `jumpTarget`. */
export const STUB_LEAVES = 0, STUB_GOES_ON = 1, STUB_JUMPS = 2;
/** Distinct sets of registers that have a shared way out; beyond it, sets are spilled in place. */
const MAX_STUBS = 64;

export abstract class StateEmitter extends ExpressionEmitter {
  /** Shared ways out: registers that they spill, and what they do then: STUB_… */
  protected readonly stubMask: number[] = [];
  protected readonly stubMaskXmm: number[] = [];
  protected readonly stubGoesOn: number[] = [];
  protected slot = 0;
  /** Open blocks within the body. */
  protected level = 0;
  protected hasFuelLocal = false;
  protected fuel = 0;
  protected faultRip = 0;
  protected returned = 0;
  protected jumpTarget = 0;

  /** The ways out, one behind the other, in the order their blocks end. */
  protected epilogue(): void {
    const { w, code } = this;
    const n = this.stubMask.length;
    for (let i = 0; i < n; i++) {
      w.byte(END);
      if (this.stubGoesOn[i] === STUB_JUMPS) {
        this.jumpAway(this.stubMask[i]!, this.stubMaskXmm[i]!, KIND_UNKNOWN);
        continue;
      }
      this.spill(this.stubMask[i]!, this.stubMaskXmm[i]!, KIND_UNKNOWN);
      this.storeFuelIfLocal();
      w.localGet(0);
      this.i64Number(code.entry);
      w.localGet(this.faultRip);
      w.byte(0xac);
      w.byte(0x7c);
      w.memory(I64_STORE, RIP);
      if (this.stubGoesOn[i] === STUB_GOES_ON) {
        w.localGet(0);
        w.localGet(1);
        w.localGet(this.slot);
        w.byte2(RETURN_CALL_INDIRECT, 0);
        w.byte(0);
        continue;
      }
      w.i64Const(-1, -1);
      w.byte(RETURN);
    }
    if (n === 0) return;
    w.byte(UNREACHABLE);
  }

  /** Blocks that must be opened in front of the body. */
  get stubCount(): number {
    return this.stubMask.length;
  }

  /** Goes on at the address in `jumpTarget`, in its own region. */
  protected jumpAway(mask: number, maskXmm: number, kind: number): void {
    const { w } = this;
    this.spill(mask, maskXmm, kind);
    this.storeFuelIfLocal();
    this.storeJumpTarget();
    w.localGet(0);
    w.localGet(1);
    this.slotOfJumpTarget();
    w.byte2(RETURN_CALL_INDIRECT, 0);
    w.byte(0);
  }

  /** Goes on at `rip`, in the region in table slot `slot`. */
  protected goOn(slot: number, rip: number): void {
    const { w } = this;
    const k = this.stub(this.dirty, this.dirtyXmm, STUB_GOES_ON);
    if (k < 0) {
      this.spill(this.dirty, this.dirtyXmm);
      this.storeFuelIfLocal();
      this.storeRip(rip);
      w.localGet(0);
      w.localGet(1);
      w.i32Const(slot);
      w.byte2(RETURN_CALL_INDIRECT, 0);
      w.byte(0);
      return;
    }
    w.i32Const(slot);
    w.localSet(this.slot);
    w.i32Const(rip - this.code.entry);
    w.localSet(this.faultRip);
    w.br(this.level + k);
  }

  /** Table slot for the address in `jumpTarget`, through the jump cache. */
  protected slotOfJumpTarget(): void {
    const { w } = this;
    w.localGet(this.jumpTarget);
    w.byte(0xa7);
    w.localTee(this.entryLocal);
    w.localGet(this.entryLocal);
    w.i32Const(4);
    w.byte(0x76);
    w.byte(0x73);
    w.i32Const(JUMP_CACHE_ENTRIES - 1);
    w.byte(0x71);
    w.i32Const(4);
    w.byte(0x74);
    w.localTee(this.entryLocal);
    w.memory(I64_LOAD, JUMP_CACHE);
    w.localGet(this.jumpTarget);
    w.byte(0x52);
    this.hint();
    w.byte2(IF, 0x7f);
    w.localGet(0);
    this.callRuntime(RT_LOOKUP);
    w.byte(ELSE);
    w.localGet(this.entryLocal);
    w.memory(I32_LOAD, JUMP_CACHE + 8);
    w.byte(END);
  }

  protected override spill(mask: number, maskXmm: number, kind: number = this.flagsKind): void {
    const { w } = this;
    for (let m = mask & 0xffff; m !== 0; m &= m - 1) {
      const r = 31 - Math.clz32(m & -m);
      w.localGet(0);
      w.localGet(this.reg[r]!);
      w.memory(I64_STORE, GPR + 8 * r);
    }
    if (mask & M_FLAGS) this.spillFlags(kind);
    for (let m = maskXmm & 0xffff; m !== 0; m &= m - 1) {
      const r = 31 - Math.clz32(m & -m);
      w.localGet(0);
      w.localGet(this.xmm[r]!);
      w.simd(11);
      w.byte(0);
      w.u32(XMM + 16 * r);
    }
  }

  /** Flags to memory; of a known kind only what it consists of. */
  protected spillFlags(kind: number): void {
    const { w } = this;
    w.localGet(0);
    if (kind >= 0) w.i32Const(kind);
    else w.localGet(this.ccOp);
    w.memory(I32_STORE, CC_OP);
    const k = kind >> 2;
    if (kind < 0 || kindUsesDst(k)) {
      w.localGet(0);
      w.localGet(this.flags.dst);
      w.memory(I64_STORE, CC_DST);
    }
    if (kind < 0 || kindUsesSrc(k)) {
      w.localGet(0);
      w.localGet(this.flags.src);
      w.memory(I64_STORE, CC_SRC);
    }
    if (kind < 0 || kindUsesAux(k)) {
      w.localGet(0);
      w.localGet(this.flags.aux);
      w.memory(I64_STORE, CC_AUX);
    }
  }

  protected override reload(mask: number, maskXmm: number): void {
    const { w } = this;
    for (let m = mask & 0xffff; m !== 0; m &= m - 1) {
      const r = 31 - Math.clz32(m & -m);
      w.localGet(0);
      w.memory(I64_LOAD, GPR + 8 * r);
      w.localSet(this.reg[r]!);
    }
    if (mask & M_FLAGS) {
      w.localGet(0);
      w.memory(I32_LOAD, CC_OP);
      w.localSet(this.ccOp);
      w.localGet(0);
      w.memory(I64_LOAD, CC_DST);
      w.localSet(this.flags.dst);
      w.localGet(0);
      w.memory(I64_LOAD, CC_SRC);
      w.localSet(this.flags.src);
      w.localGet(0);
      w.memory(I64_LOAD, CC_AUX);
      w.localSet(this.flags.aux);
    }
    for (let m = maskXmm & 0xffff; m !== 0; m &= m - 1) {
      const r = 31 - Math.clz32(m & -m);
      w.localGet(0);
      w.simd(0);
      w.byte(0);
      w.u32(XMM + 16 * r);
      w.localSet(this.xmm[r]!);
    }
  }

  protected storeFuel(): void {
    const { w } = this;
    w.localGet(0);
    w.localGet(this.fuel);
    w.memory(I32_STORE, FUEL);
  }

  protected storeFuelIfLocal(): void {
    if (this.hasFuelLocal) this.storeFuel();
  }

  protected storeRip(rip: number): void {
    this.w.localGet(0);
    this.i64Number(rip);
    this.w.memory(I64_STORE, RIP);
  }

  protected storeJumpTarget(): void {
    const { w } = this;
    w.localGet(0);
    w.localGet(this.jumpTarget);
    w.memory(I64_STORE, RIP);
  }

  protected storeDetail(detail: number): void {
    this.w.localGet(0);
    this.w.i32Const(detail);
    this.w.memory(I32_STORE, EXIT_DETAIL);
  }

  protected storeReason(reason: number, detail: number): void {
    const { w } = this;
    w.localGet(0);
    w.i32Const(reason);
    w.memory(I32_STORE, EXIT_REASON);
    this.storeDetail(detail);
  }

  /** Leaves the region with RIP at `rip`, spilling the registers of the masks. */
  protected override leave(mask: number, maskXmm: number, rip: number): void {
    const { w } = this;
    const k = this.stub(mask, maskXmm, STUB_LEAVES);
    if (k < 0) {
      this.spill(mask, maskXmm);
      this.storeFuelIfLocal();
      this.storeRip(rip);
      w.i64Const(-1, -1);
      w.byte(RETURN);
      return;
    }
    w.i32Const(rip - this.code.entry);
    w.localSet(this.faultRip);
    w.br(this.level + k);
  }

  /** A shared way out that spills the registers of the masks, and perhaps others whose locals are right; -1 = there are too many. */
  protected stub(mask: number, maskXmm: number, goesOn: number): number {
    const { stubMask, stubMaskXmm, stubGoesOn } = this;
    const not = ~(this.valid | mask);
    const notXmm = ~(this.validXmm | maskXmm);
    let best = -1;
    let cost = 99;
    for (let k = 0; k < stubMask.length; k++) {
      const m = stubMask[k]!;
      const x = stubMaskXmm[k]!;
      if (stubGoesOn[k] !== goesOn || (mask & ~m) !== 0 || (maskXmm & ~x) !== 0 || (m & not) !== 0 || (x & notXmm) !== 0) continue;
      const more = bits(m ^ mask) + bits(x ^ maskXmm);
      if (more < cost) {
        cost = more;
        best = k;
      }
    }
    if (best >= 0) return best;
    if (stubMask.length === MAX_STUBS) return -1;
    stubMask.push(mask);
    stubMaskXmm.push(maskXmm);
    stubGoesOn.push(goesOn);
    return stubMask.length - 1;
  }

  protected override unlikelyIf(): void {
    this.hint();
    this.w.byte2(IF, VOID_TYPE);
    this.level++;
  }

  protected override endIf(): void {
    this.w.byte(END);
    this.level--;
  }

  protected override levelUp(): void {
    this.level++;
  }

  protected override levelDown(): void {
    this.level--;
  }
}

function bits(v: number): number {
  let n = 0;
  for (; v !== 0; v &= v - 1) n++;
  return n;
}
