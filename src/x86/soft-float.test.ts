import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DOUBLE, RC_DOWN, RC_NEAREST, RC_UP, SINGLE, addExact, compareNumbers, divExact, lastRounding, pack, roundTo, sqrtExact, unpack } from './soft-float.ts';
import type { Exact, Format } from './soft-float.ts';

const f64 = new Float64Array(1);
const u64 = new BigUint64Array(f64.buffer);
const bitsOf = (x: number): bigint => {
  f64[0] = x;
  return u64[0]!;
};
const numberOf = (bits: bigint): number => {
  u64[0] = bits;
  return f64[0]!;
};
let seed = 12345;
function random(): number {
  seed = (Math.imul(seed, 1103515245) + 12345) | 0;
  return (seed >>> 8) / 2 ** 24;
}
/** Finite doubles of all magnitudes, denormals among them. */
function randomDouble(): number {
  const exponent = Math.floor(random() * 2046) - 1074;
  return (random() < 0.5 ? -1 : 1) * (1 + random() + random() * 2 ** -24) * 2 ** Math.min(exponent, 1023);
}
function rounded(f: Format, e: Exact, rc = RC_NEAREST): bigint {
  return e.mant === 0n ? pack(f, { kind: 0, sign: e.sign, mant: 0n, exp: 0, denormal: false }) : pack(f, roundTo(f, e.sign, e.mant, e.exp, e.sticky, rc));
}

test('sums, products, quotients and roots are those of the host', () => {
  for (let k = 0; k < 3000; k++) {
    const x = randomDouble();
    const y = k & 1 ? x * (1 + random()) * 2 ** Math.floor(random() * 8 - 4) : randomDouble();
    if (!Number.isFinite(x) || !Number.isFinite(y) || x === 0 || y === 0) continue;
    const a = unpack(DOUBLE, bitsOf(x));
    const b = unpack(DOUBLE, bitsOf(y));
    assert.equal(numberOf(rounded(DOUBLE, addExact(a, b, RC_NEAREST))), x + y, `${x} + ${y}`);
    assert.equal(numberOf(rounded(DOUBLE, { sign: a.sign ^ b.sign, mant: a.mant * b.mant, exp: a.exp + b.exp, sticky: false })), x * y, `${x} * ${y}`);
    assert.equal(numberOf(rounded(DOUBLE, divExact(a, b))), x / y, `${x} / ${y}`);
    assert.equal(numberOf(rounded(DOUBLE, sqrtExact({ ...a, sign: 0 }))), Math.sqrt(Math.abs(x)), `sqrt ${x}`);
    assert.equal(compareNumbers(a, b), x < y ? -1 : x > y ? 1 : 0);
    const single = new DataView(new ArrayBuffer(4));
    single.setUint32(0, Number(rounded(SINGLE, { sign: a.sign, mant: a.mant, exp: a.exp, sticky: false })));
    assert.equal(single.getFloat32(0), Math.fround(x), `fround ${x}`);
  }
});

test('directed rounding brackets the value and tells that it is inexact', () => {
  const third = divExact(unpack(DOUBLE, bitsOf(1)), unpack(DOUBLE, bitsOf(3)));
  const down = numberOf(rounded(DOUBLE, third, RC_DOWN));
  assert.equal(lastRounding.flags, 0x20);
  const up = numberOf(rounded(DOUBLE, third, RC_UP));
  assert.ok(down < up && bitsOf(up) - bitsOf(down) === 1n);
  const half = divExact(unpack(DOUBLE, bitsOf(1)), unpack(DOUBLE, bitsOf(2)));
  assert.equal(numberOf(rounded(DOUBLE, half, RC_UP)), 0.5);
  assert.equal(lastRounding.flags, 0);
});
