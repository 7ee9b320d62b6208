/** Sets of signals 1…64 as two 32-bit words: Linux sigset_t. */

/** Mutable; the tasks' sets are embedded and changed in place. */
export class SignalSet {
  /** Signals 1-32 (bit 0 = signal 1) and 33-64. */
  lo: number;
  hi: number;
  constructor(lo = 0, hi = 0) {
    this.lo = lo;
    this.hi = hi;
  }
  has(sig: number): boolean {
    return sig <= 32 ? (this.lo & (1 << (sig - 1))) !== 0 : (this.hi & (1 << (sig - 33))) !== 0;
  }
  add(sig: number): void {
    if (sig <= 32) this.lo |= 1 << (sig - 1);
    else this.hi |= 1 << (sig - 33);
  }
  delete(sig: number): void {
    if (sig <= 32) this.lo &= ~(1 << (sig - 1));
    else this.hi &= ~(1 << (sig - 33));
  }
  set(lo: number, hi: number): void {
    this.lo = lo;
    this.hi = hi;
  }
  copyFrom(o: SignalSet): void {
    this.lo = o.lo;
    this.hi = o.hi;
  }
  get empty(): boolean {
    return (this.lo | this.hi) === 0;
  }
}

/** Word of the set that holds only `sig`, for masks built at load time; signals 1-32 only. */
export const sigbit = (sig: number): number => 1 << (sig - 1);

/** Lowest signal in (lo, hi), or 0. */
export function firstSignal(lo: number, hi: number): number {
  if (lo !== 0) return 32 - Math.clz32(lo & -lo);
  if (hi !== 0) return 64 - Math.clz32(hi & -hi);
  return 0;
}
