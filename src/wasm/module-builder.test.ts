import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wasmEngine } from './engine.ts';
import { CodeWriter } from './code-writer.ts';
import { i32, i32c, i64, i64c, select } from './expressions.ts';
import { ModuleBuilder } from './module-builder.ts';
import { I32, I64 } from './opcodes.ts';

function instantiate(m: ModuleBuilder): Record<string, Function> {
  const memory = new wasmEngine.Memory({ initial: 1, maximum: 1 });
  const table = new wasmEngine.Table({ element: 'anyfunc' as const, initial: 1 });
  return new wasmEngine.Instance(new wasmEngine.Module(m.write(1, 1)), { env: { memory, table } }).exports as Record<string, Function>;
}

test('loops, locals, conditions and switches run', () => {
  const m = new ModuleBuilder();
  const gcd = m.function('gcd', [I64, I64], [I64], (f) => {
    const a = f.param(0);
    const b = f.param(1);
    const t = f.local(I64);
    f.while(i64.ne(b, i64c(0)), () => {
      f.set(t, i64.remU(a, b));
      f.set(a, b);
      f.set(b, t);
    });
    f.return(a);
  });
  m.function('pick', [I32], [I32], (f) => {
    const r = f.local(I32);
    f.switch(f.param(0), [() => f.set(r, i32c(10)), () => f.set(r, i32c(20)), () => f.return(i32c(33))], () => f.set(r, i32c(-1)));
    f.return(i32.add(r, i32.wrap(gcd.call(i64c(12), i64c(18)))));
  });
  m.function('min', [I32, I32], [I32], (f) => f.return(select(i32.ltS(f.param(0), f.param(1)), f.param(0), f.param(1))));
  const e = instantiate(m);
  assert.equal(e['gcd']!(48n, 36n), 12n);
  assert.deepEqual([0, 1, 2, 3, 99].map((i) => e['pick']!(i)), [16, 26, 33, 5, 5]);
  assert.equal(e['min']!(-3, 2), -3);
});

test('signed LEB128 of 64-bit halves', () => {
  for (const v of [0n, 1n, -1n, 63n, 64n, -64n, -65n, 0x7fffffffn, -0x80000000n, 0x123456789abcdefn, -0x123456789abcdefn, (1n << 63n) - 1n, -(1n << 63n)]) {
    const w = new CodeWriter(4);
    w.s64(Number(BigInt.asIntN(32, v)), Number(BigInt.asIntN(32, v >> 32n)));
    let back = 0n;
    let shift = 0n;
    for (let i = 0; i < w.at; i++) {
      back |= BigInt(w.u8[i]! & 0x7f) << shift;
      shift += 7n;
    }
    assert.equal(BigInt.asIntN(Number(shift), back), v);
  }
});
