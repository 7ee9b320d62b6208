/** A set of capabilities, immutable: two 32-bit words, as the kernel's kernel_cap_t. */
import { CAP_LAST_CAP } from '../abi/capability.ts';

const HI_MASK = (1 << (CAP_LAST_CAP - 31)) - 1;

export class CapSet {
  static readonly EMPTY: CapSet = new CapSet(0, 0);
  static readonly FULL: CapSet = new CapSet(-1, HI_MASK);
  /** Capabilities 0-31, and 32-40 from bit 0. */
  readonly lo: number;
  readonly hi: number;
  private constructor(lo: number, hi: number) {
    this.lo = lo;
    this.hi = hi;
  }
  /** The set with these words; unknown bits are dropped. */
  static of(lo: number, hi: number): CapSet {
    const l = lo | 0;
    const h = hi & HI_MASK;
    if (l === 0 && h === 0) return CapSet.EMPTY;
    if (l === -1 && h === HI_MASK) return CapSet.FULL;
    return new CapSet(l, h);
  }
  has(cap: number): boolean {
    return cap < 32 ? (this.lo & (1 << cap)) !== 0 : (this.hi & (1 << (cap - 32))) !== 0;
  }
  with(cap: number): CapSet {
    return cap < 32 ? CapSet.of(this.lo | (1 << cap), this.hi) : CapSet.of(this.lo, this.hi | (1 << (cap - 32)));
  }
  without(cap: number): CapSet {
    return cap < 32 ? CapSet.of(this.lo & ~(1 << cap), this.hi) : CapSet.of(this.lo, this.hi & ~(1 << (cap - 32)));
  }
  and(o: CapSet): CapSet {
    return CapSet.of(this.lo & o.lo, this.hi & o.hi);
  }
  or(o: CapSet): CapSet {
    return CapSet.of(this.lo | o.lo, this.hi | o.hi);
  }
  minus(o: CapSet): CapSet {
    return CapSet.of(this.lo & ~o.lo, this.hi & ~o.hi);
  }
  isSubsetOf(o: CapSet): boolean {
    return (this.lo & ~o.lo) === 0 && (this.hi & ~o.hi) === 0;
  }
  get empty(): boolean {
    return (this.lo | this.hi) === 0;
  }
  /** 16 hexadecimal digits, as /proc/PID/status prints it. */
  toString(): string {
    return (this.hi >>> 0).toString(16).padStart(8, '0') + (this.lo >>> 0).toString(16).padStart(8, '0');
  }
}
