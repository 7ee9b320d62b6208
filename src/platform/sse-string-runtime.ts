/** PCMPxSTRx as WebAssembly: the helper compareStrings of sse-string.ts, a vector comparison for each element of the first string. */
import { i32, i32c, i64, i64c, select, v128, v128c } from '../wasm/expressions.ts';
import type { Expr, Local } from '../wasm/expressions.ts';
import type { FunctionBuilder, ModuleBuilder } from '../wasm/module-builder.ts';
import { I32, V128 } from '../wasm/opcodes.ts';
import { SCRATCH } from '../x86/cpu-layout.ts';

// SIMD operation numbers behind the 0xfd prefix: bytes, words.
const SPLAT = [15, 16], EQ = [35, 45], LE_S = [41, 51], LE_U = [42, 52], BITMASK = [100, 132];

/** Defines compareStrings(cpu, imm | explicit << 8): IntRes2 | CF ZF SF OF << 16 … 19. */
export function buildCompareStrings(m: ModuleBuilder): void {
  m.function('compareStrings', [I32, I32], [I32], (f) => {
    f.if(i32.and(f.param(1), i32c(1)), () => body(f, 1), () => body(f, 0));
    f.unreachable();
  });
}

/** One element size: 0 = bytes, 1 = words. */
function body(f: FunctionBuilder, size: 0 | 1): void {
  const cpu = f.param(0);
  const code = f.param(1);
  const n = size ? 8 : 16;
  const everything = (1 << n) - 1;
  const one = f.let(v128.load(cpu, SCRATCH));
  const two = f.let(v128.load(cpu, SCRATCH + 16));
  const len1 = f.local(I32);
  const len2 = f.local(I32);
  const maskOf = (v: Expr): Expr => v128.op1(I32, BITMASK[size]!, v);
  const equal = (x: Expr, y: Expr): Expr => maskOf(v128.op2(V128, EQ[size]!, x, y));
  /** Length of a string that ends at its first zero, at most n. */
  const implicit = (v: Expr): Expr => i32.ctz(i32.or(equal(v, v128c(0, 0, 0, 0)), i32c(1 << n)));
  /** Magnitude of a signed length, at most n. */
  const explicit = (into: Local, offset: number): void => {
    const v = f.let(i64.load(cpu, offset));
    f.if(i64.ltS(v, i64c(0)), () => f.set(v, i64.sub(i64c(0), v)));
    f.set(into, select(i64.ltU(v, i64c(n)), i32.wrap(v), i32c(n)));
  };
  f.if(
    i32.and(code, i32c(0x100)),
    () => {
      explicit(len1, SCRATCH + 32);
      explicit(len2, SCRATCH + 40);
    },
    () => {
      f.set(len1, implicit(one));
      f.set(len2, implicit(two));
    },
  );
  const below = (l: Expr): Expr => i32.sub(i32.shl(i32c(1), l), i32c(1));
  const valid2 = f.let(below(len2));
  const r = f.local(I32);
  const k = f.local(I32);
  /** Element k of the first string in every lane. */
  const element = (at: Expr): Expr => {
    const address = i32.add(cpu, size ? i32.shl(at, i32c(1)) : at);
    return v128.op1(V128, SPLAT[size]!, size ? i32.load16U(address, SCRATCH) : i32.load8U(address, SCRATCH));
  };
  const cases: (() => void)[] = [
    () => {
      // Equal any.
      f.while(i32.ltU(k, len1), () => {
        f.set(r, i32.or(r, equal(two, element(k))));
        f.set(k, i32.add(k, i32c(1)));
      });
      f.set(r, i32.and(r, valid2));
    },
    () => {
      // Ranges: pairs of a lower and an upper bound.
      const within = (le: readonly number[]) => (): void => {
        const low = v128.op2(V128, le[size]!, element(k), two);
        const high = v128.op2(V128, le[size]!, two, element(i32.add(k, i32c(1))));
        f.set(r, i32.or(r, i32.and(maskOf(low), maskOf(high))));
      };
      f.while(i32.ltU(i32.add(k, i32c(1)), len1), () => {
        f.if(i32.and(code, i32c(2)), within(LE_S), within(LE_U));
        f.set(k, i32.add(k, i32c(2)));
      });
      f.set(r, i32.and(r, valid2));
    },
    () => {
      // Equal each: where both have ended, too.
      const valid1 = f.let(below(len1));
      f.set(r, i32.and(i32.and(equal(one, two), valid1), valid2));
      f.set(r, i32.or(r, i32.and(i32.xor(i32.or(valid1, valid2), i32c(-1)), i32c(everything))));
    },
    () => {
      // Equal ordered: the first string as a piece of the second, from each place on; what lies behind the register counts as equal.
      f.set(r, i32c(everything));
      f.while(i32.ltU(k, len1), () => {
        const hit = i32.and(equal(two, element(k)), valid2);
        f.set(r, i32.and(r, i32.or(i32.shrU(hit, k), i32.shl(i32c(everything), i32.sub(i32c(n), k)))));
        f.set(k, i32.add(k, i32c(1)));
      });
    },
  ];
  f.switch(i32.and(i32.shrU(code, i32c(2)), i32c(3)), cases, () => {});
  const polarity = f.let(i32.and(code, i32c(0x30)));
  f.if(i32.eq(polarity, i32c(0x10)), () => f.set(r, i32.xor(r, i32c(everything))));
  f.if(i32.eq(polarity, i32c(0x30)), () => f.set(r, i32.xor(r, valid2)));
  const flag = (condition: Expr, at: number): Expr => i32.shl(condition, i32c(at));
  const carry = flag(i32.ne(r, i32c(0)), 16);
  const zero = flag(i32.ltU(len2, i32c(n)), 17);
  const sign = flag(i32.ltU(len1, i32c(n)), 18);
  f.return(i32.or(i32.or(i32.or(r, carry), i32.or(zero, sign)), flag(i32.and(r, i32c(1)), 19)));
}
