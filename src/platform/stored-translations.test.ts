import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_BYTES, type RegionRecord, TranslationImage, sameSource, writeImage } from './stored-translations.ts';

const sum = (b: Uint8Array): number => b.reduce((h, x) => Math.imul(h ^ x, 0x01000193), 7) | 0;
const record = (entry: number, tier: number, body: number[], more: Partial<RegionRecord> = {}): RegionRecord => ({
  entry, tier, word: 0x800010, home: 5, slot: 4, pages: [Math.floor(entry / 4096)], ranges: [entry, entry + 3], source: new Uint8Array([1, 2, 3]), body: new Uint8Array(body), hints: [1, 2],
  map: 0, mapBytes: NO_BYTES, superseded: false, age: 0, ...more,
});
/** A stand-in for the module: the bodies behind one byte. */
const writeModule = (records: readonly RegionRecord[]): { bytes: Uint8Array; bodies: number[] } => {
  const bodies: number[] = [];
  const all = [0];
  for (const r of records) {
    bodies.push(all.length);
    all.push(...r.body);
  }
  return { bytes: new Uint8Array(all), bodies };
};
const SLOTS = new Map([[0x7fff00001000, 4], [0x401000, 9], [0x402000, 11]]);
const image = (records: RegionRecord[]): Uint8Array<ArrayBuffer> => writeImage(records, SLOTS, 12, 0x800100, 'key', sum, writeModule)!; // within bounds

test('an image gives back what was put in', () => {
  const map = { map: 0x800020, mapBytes: new Uint8Array([9, 0, 8, 0]) };
  const bytes = image([record(0x7fff00001000, 1, [10, 11, 12]), record(0x401000, 0, [20, 21]), record(0x401000, 2, [30], map), record(0x402000, 1, [40], { superseded: true })]);
  const read = TranslationImage.read(bytes, 'key', sum)!; // asserted next
  assert.notEqual(read, null);
  assert.deepEqual([read.nextSlot, read.arena, read.regions], [12, 0x800100, 3]);
  assert.deepEqual([read.slotOf(0x7fff00001000), read.slotOf(0x401000), read.slotOf(0x401001)], [4, 9, 0]);
  const at = read.from(0x401000);
  // The better one comes first.
  assert.deepEqual(at.map((r) => [r.tier, [...r.body]]), [[2, [30]], [0, [20, 21]]]);
  assert.deepEqual([...at[0]!.mapBytes], [9, 0, 8, 0]);
  assert.deepEqual(at[0]!.ranges, [0x401000, 0x401003]);
  const far = read.from(0x7fff00001000)[0]!; // asserted next
  assert.deepEqual([far.pages, [...far.source], far.hints, [...far.body]], [[0x7fff00001], [1, 2, 3], [1, 2], [10, 11, 12]]);
  assert.equal(read.from(0x402000).length, 0);
  const memory = new Uint8Array(0x900000);
  read.placeMaps(memory);
  assert.deepEqual([...memory.subarray(0x800020, 0x800024)], [9, 0, 8, 0]);
});

test('what is damaged, cut, or of another version is not used', () => {
  const bytes = image([record(0x401000, 1, [10, 11, 12]), record(0x402000, 0, [1, 2, 3, 4])]);
  assert.notEqual(TranslationImage.read(bytes.slice(), 'key', sum), null);
  assert.equal(TranslationImage.read(bytes.slice(), 'another key', sum), null);
  for (let i = 0; i < bytes.length; i++) {
    const bad = bytes.slice();
    bad[i]! ^= 0x10;
    assert.equal(TranslationImage.read(bad, 'key', sum), null, `byte ${i}`);
    assert.equal(TranslationImage.read(bytes.slice(0, i), 'key', sum), null, `cut at ${i}`);
  }
  const long = new Uint8Array(bytes.length + 8);
  long.set(bytes);
  assert.equal(TranslationImage.read(long, 'key', sum), null);
});

test('a region is taken only for the very bytes that it was made from', () => {
  const memory = new Uint8Array(3 * 4096);
  const r = record(0x401ffe, 1, [0], { pages: [0x401, 0x402], ranges: [0x401ffe, 0x402001] });
  memory.set([1, 2], 2 * 4096 + 0xffe);
  memory[4096] = 3;
  assert.equal(sameSource(r, [2, 1], memory), true);
  memory[4096] = 4;
  assert.equal(sameSource(r, [2, 1], memory), false);
});

test('a large image is cut down to what was used last', () => {
  const body = new Array<number>(9 << 20).fill(1);
  const bytes = writeImage([record(0x401000, 0, body), record(0x402000, 0, body, { age: 1 }), record(0x403000, 0, body)], SLOTS, 12, 0x800100, 'key', () => 0, writeModule)!; // within bounds
  const read = TranslationImage.read(bytes, 'key', () => 0)!; // just written
  assert.deepEqual([0x401000, 0x402000, 0x403000].map((a) => read.from(a).length), [1, 0, 1]);
});

test('regions that nobody uses any more are left out after some runs', () => {
  let bytes = image([record(0x401000, 1, [1]), record(0x402000, 1, [2])]);
  for (let run = 0; run < 10; run++) {
    const read = TranslationImage.read(bytes, 'key', sum)!; // it was just written
    const records = read.all();
    for (const r of records) if (r.entry === 0x402000) r.age = 0;
    bytes = image(records);
  }
  const last = TranslationImage.read(bytes, 'key', sum)!; // it was just written
  assert.deepEqual([last.from(0x401000).length, last.from(0x402000).length], [0, 1]);
});
