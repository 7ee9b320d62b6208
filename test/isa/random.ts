/** A small seeded generator (xorshift32 twice mixed), so that a failing run can be repeated. */
export class Random {
  private a: number;
  private b: number;
  constructor(seed: number) {
    this.a = (seed ^ 0x9e3779b9) | 1;
    this.b = Math.imul(seed + 1, 0x85ebca6b) | 2;
    for (let i = 0; i < 8; i++) this.u32();
  }
  /** Signed 32-bit value. */
  i32(): number {
    let x = this.a;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.a = x;
    this.b = (Math.imul(this.b, 1664525) + 1013904223) | 0;
    return Math.imul(x ^ (this.b >>> 15) ^ this.b, 0x9e3779b1) ^ (x >>> 7);
  }
  u32(): number {
    return this.i32() >>> 0;
  }
  /** Integer in 0 … n-1. */
  below(n: number): number {
    return (this.i32() >>> 1) % n;
  }
  /** True once in n. */
  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }
  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }
}
