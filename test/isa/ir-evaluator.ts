/**
 * Evaluates IR directly, slowly and simply: tells a bug of a lifter from one of the platform's code generator. Integer nodes and helpers only.
 */
import { CC_AUX, CC_DST, CC_OP, CC_SRC, EXIT_REASON, GPR } from '../../src/x86/cpu-layout.ts';
import { CpuState } from '../../src/x86/cpu-state.ts';
import { EXIT_GENERAL_PROTECTION, EXIT_PAGE_FAULT } from '../../src/x86/exits.ts';
import { HELPERS } from '../../src/x86/helpers.ts';
import { cpuidInstruction, div128 } from '../../src/x86/helpers-integer.ts';
import * as IR from '../../src/x86/ir.ts';
import * as OPS from '../../src/x86/ir-ops.ts';
import { insn, liftInstruction } from './lift-bytes.ts';
import { CODE_BASE, DATA_BASE, DATA_SIZE } from './record.ts';

/** How an instruction ended. */
export const RAN = 0, FAULTED = 1, TRAPPED = 2;

class Fault {
  readonly reason: number;
  readonly address: bigint;
  constructor(reason: number, address: bigint) {
    this.reason = reason;
    this.address = address;
  }
}

const u64 = (v: bigint): bigint => BigInt.asUintN(64, v);
const s64 = (v: bigint): bigint => BigInt.asIntN(64, v);

const NAMES = new Map<number, string>();
for (const [name, v] of Object.entries(OPS)) if (/^I(32|64)_/.test(name)) NAMES.set(v, name);

export class IrEvaluator {
  readonly code: Uint8Array;
  /** The state block at offset 0, then the data pages. */
  readonly u8: Uint8Array = new Uint8Array(4096 + DATA_SIZE);
  readonly view: DataView = new DataView(this.u8.buffer);
  readonly i32: Int32Array = new Int32Array(this.u8.buffer);
  readonly cpu: CpuState = new CpuState(this, 0);
  readonly b: IR.IrBuilder = new IR.IrBuilder();
  exitReason = 0;
  exitDetail = 0;
  faultAddress = 0n;
  private temps: (number | bigint)[] = [];
  private next = 0n;

  constructor(code: Uint8Array) {
    this.code = code;
  }

  /** Runs the instruction at RIP. */
  step(): number {
    const rip = this.cpu.rip;
    this.b.reset();
    const length = liftInstruction(this.b, this.code, rip - CODE_BASE, rip);
    this.exitReason = 0;
    if (length === 0) {
      this.exitReason = EXIT_PAGE_FAULT;
      this.faultAddress = BigInt(rip);
      return FAULTED;
    }
    this.next = BigInt(rip + insn.length);
    this.temps = [];
    try {
      const status = this.block(0, this.b.stmtCount);
      if (status === FAULTED) return FAULTED;
      this.view.setBigUint64(128, u64(this.next), true);
      return status;
    } catch (e) {
      if (!(e instanceof Fault)) throw e;
      this.exitReason = e.reason;
      this.faultAddress = e.address;
      return FAULTED;
    }
  }

  private matching(from: number): { otherwise: number; end: number } {
    let depth = 0, otherwise = -1;
    for (let k = from + 1; ; k++) {
      const o = this.b.op[this.b.stmts[k]!]!;
      if (o === IR.S_IF || o === IR.S_LOOP) depth++;
      else if (o === IR.S_ELSE && depth === 0) otherwise = k;
      else if (o === IR.S_END) {
        if (depth === 0) return { otherwise, end: k };
        depth--;
      }
    }
  }

  private block(first: number, end: number): number {
    const b = this.b;
    let status = RAN;
    for (let k = first; k < end; k++) {
      const s = b.stmts[k]!;
      const a = b.a[s]!, bb = b.b[s]!, c = b.c[s]!, lo = b.lo[s]!, hi = b.hi[s]!;
      const target = (): bigint => (BigInt(hi) << 32n) | BigInt(lo >>> 0);
      switch (b.op[s]) {
        case IR.S_LET:
        case IR.S_SET_TMP:
          this.temps[a] = this.eval(bb);
          break;
        case IR.S_SET_REG:
          this.view.setBigUint64(GPR + a * 8, u64(this.wide(bb)), true);
          break;
        case IR.S_SET_STATE:
          if (c === IR.I32) this.view.setInt32(a, this.int(bb), true);
          else this.view.setBigUint64(a, u64(this.wide(bb)), true);
          break;
        case IR.S_STORE: {
          const at = this.translate(this.wide(a), c);
          this.put(at, this.eval(bb), c);
          break;
        }
        case IR.S_RAW_STORE:
          this.put(this.int(a), this.eval(bb), c);
          break;
        case IR.S_RMW_END:
          break;
        case IR.S_SET_FLAGS: {
          const dst = this.wide(a), src = this.wide(bb), aux = c < 0 ? 0n : this.wide(c);
          this.view.setInt32(CC_OP, lo * 4 + hi, true);
          this.view.setBigUint64(CC_DST, u64(dst), true);
          this.view.setBigUint64(CC_SRC, u64(src), true);
          this.view.setBigUint64(CC_AUX, u64(aux), true);
          break;
        }
        case IR.S_IF: {
          const m = this.matching(k);
          const taken = this.int(a) !== 0;
          if (taken) status = this.block(k + 1, m.otherwise < 0 ? m.end : m.otherwise);
          else if (m.otherwise >= 0) status = this.block(m.otherwise + 1, m.end);
          if (status !== RAN) return status;
          k = m.end;
          break;
        }
        case IR.S_LOOP: {
          const m = this.matching(k);
          while (this.block(k + 1, m.end) === 3) {}
          k = m.end;
          break;
        }
        case IR.S_AGAIN_IF:
          if (this.int(a) !== 0) return 3;
          break;
        case IR.S_HELPER:
          this.eval(bb);
          if (this.view.getInt32(EXIT_REASON, true) !== 0) {
            this.exitReason = this.view.getInt32(EXIT_REASON, true);
            this.view.setInt32(EXIT_REASON, 0, true);
            return FAULTED;
          }
          break;
        case IR.S_JUMP:
        case IR.S_CALL:
          this.next = target();
          break;
        case IR.S_BRANCH:
          if (this.int(a) !== 0) this.next = target();
          break;
        case IR.S_JUMP_INDIRECT:
        case IR.S_CALL_INDIRECT:
        case IR.S_RET:
          this.next = this.wide(a);
          break;
        case IR.S_EXIT:
        case IR.S_EXIT_IF:
          if (b.op[s] === IR.S_EXIT_IF && this.int(a) === 0) break;
          this.exitReason = lo;
          this.exitDetail = hi;
          return c === 1 ? TRAPPED : FAULTED;
        default:
          throw new Error(`statement ${b.op[s]!.toString(16)}`);
      }
    }
    return status;
  }

  /** Offset in `u8` of a guest address. */
  private translate(address: bigint, size: number): number {
    const a = u64(address);
    const canonical = s64(a) >> 47n;
    if (canonical !== 0n && canonical !== -1n) throw new Fault(EXIT_GENERAL_PROTECTION, 0n);
    for (let k = 0n; k < BigInt(size); k++) {
      const at = u64(a + k);
      if (at < BigInt(DATA_BASE) || at >= BigInt(DATA_BASE + DATA_SIZE)) throw new Fault(EXIT_PAGE_FAULT, at);
    }
    return Number(a) - DATA_BASE + 4096;
  }
  private put(at: number, v: number | bigint, size: number): void {
    if (size === 8 ? typeof v !== 'bigint' : typeof v !== 'number') throw new Error('type of a stored value');
    let x = BigInt(v);
    for (let k = 0; k < size; k++, x >>= 8n) this.u8[at + k] = Number(x & 255n);
  }
  private get(at: number, size: number, type: number, signed: boolean): number | bigint {
    let v = 0n;
    for (let k = size - 1; k >= 0; k--) v = (v << 8n) | BigInt(this.u8[at + k]!);
    if (signed) v = BigInt.asIntN(size * 8, v);
    return type === IR.I32 ? Number(BigInt.asIntN(32, v)) : s64(v);
  }

  private int(n: number): number {
    const v = this.eval(n);
    if (typeof v !== 'number') throw new Error(`i32 expected of ${this.b.op[n]!.toString(16)}`);
    return v | 0;
  }
  private wide(n: number): bigint {
    const v = this.eval(n);
    if (typeof v !== 'bigint') throw new Error(`i64 expected of ${this.b.op[n]!.toString(16)}`);
    return s64(v);
  }

  private eval(n: number): number | bigint {
    const b = this.b;
    const a = b.a[n]!, bb = b.b[n]!, c = b.c[n]!, lo = b.lo[n]!, hi = b.hi[n]!;
    switch (b.op[n]) {
      case IR.N_CONST32:
        return lo;
      case IR.N_CONST64:
        return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
      case IR.N_TMP: {
        const v = this.temps[a];
        if (v === undefined) throw new Error(`temp ${a} is not set`);
        return v;
      }
      case IR.N_REG:
        return this.view.getBigInt64(GPR + a * 8, true);
      case IR.N_STATE:
        return bb === IR.I32 ? this.view.getInt32(a, true) : this.view.getBigInt64(a, true);
      case IR.N_LOAD:
        return this.get(this.translate(this.wide(a), bb), bb, c, lo === 1);
      case IR.N_RAW_LOAD:
        return this.get(this.int(a), bb, c, lo === 1);
      case IR.N_RMW:
        return this.translate(this.wide(a), bb);
      case IR.N_EFLAGS:
        return this.cpu.getEflags() & 0x8d5;
      case IR.N_COND: {
        const f = this.cpu.getEflags();
        const cf = f & 1, pf = (f >> 2) & 1, zf = (f >> 6) & 1, sf = (f >> 7) & 1, of = (f >> 11) & 1;
        return [of, cf, zf, cf | zf, sf, pf, sf ^ of, (sf ^ of) | zf][a >> 1]! ^ (a & 1);
      }
      case IR.N_SELECT: {
        const t = this.int(a), x = this.eval(bb), y = this.eval(c);
        return t ? x : y;
      }
      case IR.N_HELPER:
        return this.helper(a, b.args.slice(bb, bb + c).map((x) => this.eval(x)));
    }
    return this.numeric(n);
  }

  private helper(id: number, args: (number | bigint)[]): number | bigint {
    const x = args[0] as bigint, y = args[1] as bigint;
    switch (HELPERS[id]!.name) {
      case 'mul_high_u':
        return s64((u64(x) * u64(y)) >> 64n);
      case 'mul_high_s':
        return s64((s64(x) * s64(y)) >> 64n);
      case 'div128':
        return div128(x, y, args[2] as bigint);
      case 'cpuid':
        cpuidInstruction(this.i32, 0);
        return 0;
      case 'bulk_movs':
      case 'bulk_stos':
        return 0n;
      case 'rdtsc':
        return 0n;
    }
    throw new Error(`helper ${HELPERS[id]!.name}`);
  }

  private numeric(n: number): number | bigint {
    const b = this.b;
    const name = NAMES.get(b.op[n]!);
    if (name === undefined) throw new Error(`node ${b.op[n]!.toString(16)}`);
    switch (name) {
      case 'I32_WRAP_I64':
        return Number(BigInt.asIntN(32, this.wide(b.a[n]!)));
      case 'I64_EXTEND_I32_U':
        return BigInt(this.int(b.a[n]!) >>> 0);
      case 'I64_EXTEND_I32_S':
        return BigInt(this.int(b.a[n]!));
    }
    const bits = name.startsWith('I64') ? 64 : 32;
    const operand = (k: number): bigint => (bits === 64 ? this.wide(k) : BigInt(this.int(k)));
    const x = operand(b.a[n]!);
    const ux = BigInt.asUintN(bits, x);
    const done = (v: bigint): number | bigint => (bits === 64 ? s64(v) : Number(BigInt.asIntN(32, v)));
    const what = name.slice(4);
    switch (what) {
      case 'EQZ':
        return x === 0n ? 1 : 0;
      case 'CLZ':
        return done(BigInt(bits - ux.toString(2).length + (ux === 0n ? 1 : 0)));
      case 'CTZ':
        return done(ux === 0n ? BigInt(bits) : BigInt(ux.toString(2).length - 1 - ux.toString(2).lastIndexOf('1')));
      case 'POPCNT':
        return done(BigInt(ux.toString(2).replaceAll('0', '').length));
      case 'EXTEND8_S':
        return done(BigInt.asIntN(8, x));
      case 'EXTEND16_S':
        return done(BigInt.asIntN(16, x));
      case 'EXTEND32_S':
        return done(BigInt.asIntN(32, x));
    }
    const y = operand(b.b[n]!);
    const uy = BigInt.asUintN(bits, y);
    const count = y & BigInt(bits - 1);
    switch (what) {
      case 'EQ': return x === y ? 1 : 0;
      case 'NE': return x !== y ? 1 : 0;
      case 'LT_S': return x < y ? 1 : 0;
      case 'LT_U': return ux < uy ? 1 : 0;
      case 'GT_S': return x > y ? 1 : 0;
      case 'GT_U': return ux > uy ? 1 : 0;
      case 'LE_S': return x <= y ? 1 : 0;
      case 'LE_U': return ux <= uy ? 1 : 0;
      case 'GE_S': return x >= y ? 1 : 0;
      case 'GE_U': return ux >= uy ? 1 : 0;
      case 'ADD': return done(x + y);
      case 'SUB': return done(x - y);
      case 'MUL': return done(x * y);
      case 'DIV_S':
        if (y === 0n || (y === -1n && ux === 1n << BigInt(bits - 1))) throw new Error('WebAssembly would trap');
        return done(x / y);
      case 'DIV_U': return done(ux / uy);
      case 'REM_S': return done(x % y);
      case 'REM_U': return done(ux % uy);
      case 'AND': return done(x & y);
      case 'OR': return done(x | y);
      case 'XOR': return done(x ^ y);
      case 'SHL': return done(x << count);
      case 'SHR_S': return done(x >> count);
      case 'SHR_U': return done(ux >> count);
      case 'ROTL': return done((ux << count) | (ux >> (BigInt(bits) - count)));
      case 'ROTR': return done((ux >> count) | (ux << (BigInt(bits) - count)));
    }
    throw new Error(name);
  }
}
