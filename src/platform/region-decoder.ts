/** Finds the instructions of a region: everything reachable from its entry by jumps, within limits, calls not followed. */
import type { AddressSpace } from '../memory/address-space.ts';
import type { Fetch } from '../x86/decoder.ts';
import { Insn } from '../x86/insn.ts';
import { type IrBuilder, S_CALL } from '../x86/ir.ts';
import { callThrough } from '../x86/lift-control.ts';
import { LIFT_FETCH_FAULT, liftInstruction } from '../x86/lift.ts';
import { BLOCKS_RAN, BLOCKS_RUN, BLOCKS_RUN_MASK } from './layout.ts';
import { type FunctionCopy, MAX_INSNS, type RegionCode, T_BRANCH, T_CALL, T_CALL_INDIRECT, T_FALL, T_JUMP_INDIRECT, T_NEXT, T_RET, T_SYSCALL } from './region-code.ts';

const READ = 0, EXEC = 2;

/** Bytes between an indirect jump and a target that joins its region, at most. */
const NEAR = 32768;
/** Entries taken from one jump table, and bytes looked back for its address, at most. */
const MAX_TABLE = 320, TABLE_LOOKBACK = 4096;

/** Instructions by which a region may exceed its limit to end where others would. */
const MAX_OVERRUN = 250;
/** True if straight code that is too long for one region is cut between the instructions at `last` and `next`: at the same places, wherever a region begins. */
function isCut(last: number, next: number): boolean {
  return Math.floor(next / 256) !== Math.floor(last / 256);
}

/** Instructions without a jump after which the end of a page ends the region too: a long block is cut at few places, so that the ways into it soon meet in the same regions. */
const LONG_RUN = 600;

/** Instructions of a called function that is copied into its caller's region, and of all such in one region. Functions that it calls may be copied too, but none that they call. */
const COPIED_INSNS = 40, ALL_COPIED_INSNS = 400;

/** Reads code bytes of an address space, and records which pages were read. */
export class CodeReader {
  private readonly u8: Uint8Array;
  private readonly i32: Int32Array;
  private space: AddressSpace | null = null;
  /** Linear-memory offset of the page that was read last, and its number. */
  private pageBase = 0;
  private pageNumber = -1;
  /** Pages read so far, as page numbers and frames. */
  readonly pages: number[] = [];
  readonly frames: number[] = [];
  readonly fetch: Fetch;

  constructor(u8: Uint8Array) {
    this.u8 = u8;
    this.i32 = new Int32Array(u8.buffer);
    this.fetch = (address) => this.byte(address);
  }

  start(space: AddressSpace): void {
    this.space = space;
    this.pageNumber = -1;
    this.pages.length = 0;
    this.frames.length = 0;
  }

  /** The byte at `address`, or -1. */
  byte(address: number): number {
    const page = Math.floor(address / 4096);
    if (page !== this.pageNumber && !this.enter(page)) return -1;
    return this.u8[this.pageBase + (address - page * 4096)]!;
  }

  /** Pages from number `count` on were not read after all. */
  forget(count: number): void {
    this.pages.length = this.frames.length = count;
    this.pageNumber = -1;
  }

  /** True if tier 1 has run the block at `address`, as far as is known. */
  hasRun(address: number): boolean {
    const at = (address | 0) & BLOCKS_RUN_MASK;
    return (this.u8[BLOCKS_RUN + at]! | this.u8[BLOCKS_RAN + at]!) !== 0;
  }

  /** True if `address` can be fetched from without bringing a page in. */
  present(address: number): boolean {
    const page = Math.floor(address / 4096);
    return page === this.pageNumber || this.enter(page);
  }

  /** The 32-bit word at a data address, or null where nothing can be read at the moment. Not recorded: what depends on it must check at run time. */
  word(address: number): number | null {
    if (!(address >= 0 && address < 0x7ffffffff000) || (address & 3) !== 0) return null;
    const pte = this.space!.lookup(address | 0, Math.floor(address / 4294967296), READ);
    return pte === 0 ? null : this.i32[((pte & ~0xfff) + (address & 0xfff)) >> 2]!;
  }

  private enter(page: number): boolean {
    const known = this.pages.indexOf(page);
    if (known >= 0) {
      this.pageNumber = page;
      this.pageBase = this.frames[known]! * 4096;
      return true;
    }
    const address = page * 4096;
    if (!(address >= 0 && address < 0x800000000000)) return false;
    const pte = this.space!.lookup(address | 0, Math.floor(address / 4294967296) | 0, EXEC);
    if (pte === 0) return false;
    this.pageNumber = page;
    this.pageBase = pte & ~0xfff;
    this.pages.push(page);
    this.frames.push(this.pageBase >>> 12);
    return true;
  }
}

/** Limits of one region. */
export interface RegionLimits {
  /** Instructions at most. */
  insns: number;
}

export class RegionDecoder {
  private readonly reader: CodeReader;
  private readonly insn: Insn = new Insn();
  private readonly pending: number[] = [];

  constructor(reader: CodeReader) {
    this.reader = reader;
  }

  /**
   * Fills `code` with the region at `entry`, whose first byte can be fetched. With `tables`, what an indirect jump leads to joins it; with `warm`, only
   * blocks that tier 1 has run do.
   * False: the first instruction cannot be fetched; the address that cannot is `faultAddress`.
   */
  decode(code: RegionCode, entry: number, maxInsns: number, tables: boolean, warm: boolean): boolean {
    code.start(entry);
    this.warm = warm;
    this.guessed = false;
    this.copied = 0;
    const limit = Math.min(maxInsns, MAX_INSNS - 1 - MAX_OVERRUN);
    const pending = this.pending;
    pending.length = 0;
    this.tables = tables;
    this.tableTargets.length = 0;
    pending.push(entry);
    for (let next = 0; ; ) {
      // What tables lead to comes last, when the limit has been spent on what is reached directly.
      if (pending.length === 0) {
        if (next === this.tableTargets.length) break;
        pending.push(this.tableTargets[next++]!);
      }
      const at = pending.pop()!;
      const known = code.insnAt(at);
      if (known >= 0) {
        code.markLeader(known);
        continue;
      }
      if (known === -2 || code.insnCount >= limit || !this.reader.present(at)) continue;
      const first = code.insnCount;
      if (!this.run(code, at, limit)) {
        if (at === entry) return false;
        continue;
      }
      code.markLeader(first);
    }
    code.buildBlocks();
    if (this.tableTargets.length > 0) code.enterIndirectlyAt(this.tableTargets);
    return true;
  }
  private tables = false;
  private warm = false;
  private guessed = false;
  /** Addresses that indirect jumps and returns have gone to: candidates for the targets of jumps nearby. */
  readonly seenTargets: Set<number> = new Set();

  /** Address ranges that are wanted whether they are known to run or not: start, end, start, end … */
  keep: readonly number[] = [];

  private wanted(address: number): boolean {
    if (!this.warm || this.reader.hasRun(address)) return true;
    const { keep } = this;
    for (let k = 0; k < keep.length; k += 2) if (address >= keep[k]! && address < keep[k + 1]!) return true;
    return false;
  }
  private follow(address: number): void {
    if (this.wanted(address)) this.pending.push(address);
  }
  private readonly tableTargets: number[] = [];

  /**
   * Targets of the indirect jump that was decoded last, from its jump table: the table's address is in the jump itself (JMP [table + reg * 8])
   * or in a LEA before it, and then its entries are offsets from the table. A guess: jumps check at run time.
   */
  private findTable(code: RegionCode): boolean {
    const jump = code.insnCount - 1;
    const at = code.address[jump]!;
    const { reader } = this;
    const near = (t: number): boolean => Math.abs(t - at) < NEAR;
    if (reader.byte(at) === 0xff && reader.byte(at + 1) === 0x24 && (reader.byte(at + 2) & 0xc7) === 0xc5) {
      const table = this.disp32(at + 3);
      for (let k = 0; k < MAX_TABLE; k++) {
        const lo = reader.word(table + 8 * k);
        const hi = reader.word(table + 8 * k + 4);
        if (lo === null || hi === null) return k > 1;
        const t = hi * 4294967296 + (lo >>> 0);
        if (!near(t)) return k > 1;
        this.addTarget(t);
      }
      return true;
    }
    // MOVSXD reg, [base + index * 4] a few instructions before says which register holds the table.
    let base = -1;
    for (let i = jump - 1; i >= 0 && i > jump - 6 && base < 0; i--) {
      const a = code.address[i]!;
      if ((reader.byte(a) & 0xf8) !== 0x48 || reader.byte(a + 1) !== 0x63 || (reader.byte(a + 2) & 0xc7) !== 4 || reader.byte(a + 3) >> 6 !== 2) continue;
      base = (reader.byte(a + 3) & 7) | ((reader.byte(a) & 1) << 3);
    }
    if (base < 0) return false;
    // The nearest LEA base, [RIP + table] in front of the jump, by its bytes: it may stand far before the loop.
    for (let a = at - 7; a > at - TABLE_LOOKBACK; a--) {
      if (reader.byte(a + 1) !== 0x8d || reader.byte(a + 2) !== (((base & 7) << 3) | 5) || reader.byte(a) !== (0x48 | ((base >> 3) << 2))) continue;
      const table = a + 7 + this.disp32(a + 3);
      let found = 0;
      for (let k = 0; k < MAX_TABLE; k++) {
        const offset = reader.word(table + 4 * k);
        if (offset === null || !near(table + offset)) break;
        found++;
        this.addTarget(table + offset);
      }
      if (found > 1) return true;
    }
    return false;
  }
  private addTarget(t: number): void {
    if (this.wanted(t) && !this.tableTargets.includes(t)) this.tableTargets.push(t);
  }
  /** What has been seen: nothing is known of the table. */
  private guessTargets(at: number): void {
    if (this.guessed) return;
    this.guessed = true;
    for (const t of this.seenTargets) if (t - at < NEAR && at - t < NEAR) this.addTarget(t);
  }
  private disp32(at: number): number {
    const { reader } = this;
    return reader.byte(at) | (reader.byte(at + 1) << 8) | (reader.byte(at + 2) << 16) | (reader.byte(at + 3) << 24);
  }

  /** The address that could not be fetched, after `decode` returned false. */
  get faultAddress(): number {
    return this.insn.faultAddress;
  }

  /** Decodes consecutive instructions from `at`; false if not even one could be. */
  private run(code: RegionCode, at: number, limit: number): boolean {
    const { ir } = code;
    const { insn, pending } = this;
    const begin = code.insnCount;
    for (;;) {
      const stmt = ir.stmtCount;
      const node = ir.count;
      const status = liftInstruction(this.reader.fetch, at, ir, insn);
      if (status === LIFT_FETCH_FAULT) {
        if (code.insnCount === begin) return false;
        code.endRun();
        return true;
      }
      const through = this.warm ? this.skipLinkage(ir, stmt, node) : 0;
      const kind = code.addInsn(insn, stmt, node);
      const i = code.insnCount - 1;
      if (through !== 0) code.target[i] = this.pointer(through);
      const next = insn.next;
      switch (kind) {
        case T_NEXT:
          break;
        case T_FALL:
          pending.push(code.target[i]!);
          return true;
        case T_BRANCH:
          // Backward targets first: loops stay together.
          this.follow(code.target[i]!);
          this.follow(next);
          return true;
        case T_CALL: case T_CALL_INDIRECT:
          if (this.isPadding(next)) return true;
          this.follow(next);
          if (this.warm) this.copyCalled(code, i);
          return true;
        case T_SYSCALL:
          this.follow(next);
          return true;
        case T_JUMP_INDIRECT:
          if (this.tables && !this.findTable(code) && this.warm) this.guessTargets(insn.address);
          return true;
        default:
          return true;
      }
      at = next;
      const known = code.insnAt(at);
      if (known !== -1 || (code.insnCount >= limit && (limit === 1 || code.insnCount >= limit + MAX_OVERRUN || isCut(insn.address, at))) || (code.insnCount - begin >= LONG_RUN && Math.floor(at / 4096) !== Math.floor(insn.address / 4096))) {
        if (known >= 0) code.markLeader(known);
        code.endRun();
        return true;
      }
    }
  }

  /** Makes the function that instruction `call` calls part of the region, if what has run of it is small. */
  private copyCalled(code: RegionCode, call: number): void {
    const { reader, ir } = { reader: this.reader, ir: code.ir };
    const target = code.target[call]!;
    // A call of what is behind it only asks where it is.
    const ranges = target === code.address[call]! + code.length[call]! ? null : this.hotRanges(target);
    if (ranges === null || this.copied >= ALL_COPIED_INSNS || code.insnCount + COPIED_INSNS + 1 >= MAX_INSNS || !reader.present(target)) return;
    const stmt = ir.stmtCount;
    const node = ir.count;
    const pages = reader.pages.length;
    const { copied } = this;
    const copy = code.startCopy(call);
    const good = this.decodeCopy(code, copy, ranges);
    code.endCopy(call, good);
    if (good) {
      this.copied += copy.insns.size;
      return;
    }
    this.copied = copied;
    ir.rewind(stmt, node);
    reader.forget(pages);
  }

  /** Decodes what has run of a called function; false if that is too much, or not of the kind that can be copied. */
  private decodeCopy(code: RegionCode, copy: FunctionCopy, ranges: readonly number[]): boolean {
    const { insn, reader } = this;
    const { ir } = code;
    const todo = [copy.entry];
    const wanted = (address: number): boolean => {
      for (let k = 0; k < ranges.length; k += 2) if (address >= ranges[k]! && address < ranges[k + 1]!) return true;
      return ranges.length === 0 && reader.hasRun(address);
    };
    let returns = false;
    for (let start = todo.pop(); start !== undefined; start = todo.pop()) {
      const first = code.insnCount;
      for (let at = start; ; at = insn.next) {
        const known = copy.insns.get(at);
        if (known !== undefined) {
          code.markLeader(known);
          if (code.insnCount > first) code.endRun();
          break;
        }
        if (copy.insns.size >= COPIED_INSNS || code.insnCount + 1 >= MAX_INSNS || !reader.present(at)) return false;
        const stmt = ir.stmtCount;
        const node = ir.count;
        if (liftInstruction(reader.fetch, at, ir, insn) === LIFT_FETCH_FAULT) return false;
        const through = this.skipLinkage(ir, stmt, node);
        const kind = code.addInsn(insn, stmt, node);
        const i = code.insnCount - 1;
        if (through !== 0) code.target[i] = this.pointer(through);
        if (i === first) code.markLeader(i);
        const follow = (address: number): boolean => {
          // A loop is better off in a region of its own.
          if (address <= insn.address) return false;
          if (wanted(address)) todo.push(address);
          return true;
        };
        if (kind === T_NEXT) continue;
        if (kind === T_RET) returns = true;
        else if (kind === T_FALL) {
          if (!follow(code.target[i]!)) return false;
        } else if (kind === T_BRANCH) {
          if (!follow(code.target[i]!) || !follow(insn.next)) return false;
        } else if (kind === T_CALL || kind === T_CALL_INDIRECT) {
          if (!this.isPadding(insn.next)) {
            todo.push(insn.next);
            if (copy.caller === null) this.copyCalled(code, i);
          }
        } else return false;
        break;
      }
    }
    return returns;
  }
  /** Instructions of copies so far. */
  private copied = 0;
  /** What is known to run of the function at an address: null = nothing, empty = what `hasRun` says, else address ranges: start, end, start, end … */
  hotRanges: (entry: number) => readonly number[] | null = () => null;

  /**
   * Makes the instruction that was lifted last, if it is a call, one through the pointer that its target jumps through, if that is all the target does: [ENDBR64] [BND] JMP [RIP + n].
   * The pointer's address, else 0.
   */
  private skipLinkage(ir: IrBuilder, stmt: number, node: number): number {
    const { reader, insn } = this;
    if (ir.op[ir.stmts[ir.stmtCount - 1]!] !== S_CALL) return 0;
    let at = insn.target;
    if (!reader.present(at)) return 0;
    if (reader.byte(at) === 0xf3 && reader.byte(at + 1) === 0x0f && reader.byte(at + 2) === 0x1e && reader.byte(at + 3) === 0xfa) at += 4;
    if (reader.byte(at) === 0xf2) at++;
    if (reader.byte(at) !== 0xff || reader.byte(at + 1) !== 0x25) return 0;
    ir.rewind(stmt, node);
    const pointer = at + 6 + this.disp32(at + 2);
    callThrough(ir, insn, pointer);
    return pointer;
  }
  /** What is in the pointer at a data address at the moment, 0 = it cannot be read. */
  private pointer(address: number): number {
    const lo = this.reader.word(address);
    const hi = this.reader.word(address + 4);
    return lo === null || hi === null ? 0 : hi * 4294967296 + (lo >>> 0);
  }

  /** True if the code at `address` looks like the padding or the start of another function: the call before it does not return. */
  private isPadding(address: number): boolean {
    const b = this.reader.byte(address);
    switch (b) {
      case 0x0f: {
        const c = this.reader.byte(address + 1);
        return c === 0x1f || c === 0x0b;
      }
      case 0x66: {
        const c = this.reader.byte(address + 1);
        return c === 0x90 || c === 0x0f || c === 0x2e || c === 0x66;
      }
      case 0xf3:
        return this.reader.byte(address + 1) === 0x0f && this.reader.byte(address + 2) === 0x1e && this.reader.byte(address + 3) === 0xfa;
      case 0x90: case 0xcc: case 0xf4: case -1:
        return true;
    }
    return false;
  }
}
