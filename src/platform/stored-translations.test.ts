import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type ModuleWriter, writeImage } from './image-writer.ts';
import type { CodeCache } from './code-cache.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import type { PlatformStats } from './platform.ts';
import { StoredPages } from './stored-pages.ts';
import { NO_BYTES, type RegionRecord, type StoredRecord, TranslationImage } from './stored-translations.ts';

const sum = (b: Uint8Array): number => b.reduce((h, x) => Math.imul(h ^ x, 0x01000193), 7) | 0;
const record = (entry: number, tier: number, body: number[], more: Partial<RegionRecord> = {}): RegionRecord => ({
  entry, tier, word: 0x800010, home: 5, slot: 4, pages: [Math.floor(entry / 4096)], sums: [77], ranges: [entry, entry + 3], source: new Uint8Array([1, 2, 3]), body: new Uint8Array(body), hints: [1, 2],
  map: 0, mapBytes: NO_BYTES, superseded: false, age: 0, ...more,
});
/** Interpreted code that has run (validity word, entries that are left), and as it is kept. */
const CODE = [9, 0, 0, 0, 3, 0, 0, 0, 20, 21], START = [0, 0, 0, 0, 64, 0, 0, 0, 20, 21];
/** A stand-in for the module: the bodies behind one byte. */
const writeModule: ModuleWriter = (records) => {
  const bodies: number[] = [];
  const all: number[] = [0];
  for (const r of records) {
    bodies.push(all.length);
    for (const b of r.body) all.push(b);
  }
  return { bytes: new Uint8Array(all), bodies };
};
const SLOTS = new Map([[0x7fff00001000, 4], [0x401000, 9], [0x402000, 11]]);
const NUMBERS = { slots: SLOTS, nextSlot: 12, arena: 0x800100 };
const image = (records: RegionRecord[]): Uint8Array<ArrayBuffer> => writeImage(records, NUMBERS, 'key', 64, sum, writeModule)!; // within bounds
const from = (read: TranslationImage, entry: number): StoredRecord[] => read.all().filter((r) => r.entry === entry);

test('an image gives back what was put in', () => {
  const map = { map: 0x800020, mapBytes: new Uint8Array([9, 0, 8, 0]) };
  const bytes = image([record(0x7fff00001000, 1, [10, 11, 12]), record(0x401000, 0, CODE), record(0x401000, 2, [30], map), record(0x402000, 1, [40], { superseded: true })]);
  const read = TranslationImage.read(bytes, 'key', sum)!; // asserted next
  assert.notEqual(read, null);
  assert.deepEqual([read.nextSlot, read.arena, read.regions], [12, 0x800100, 3]);
  assert.deepEqual([read.slotOf(0x7fff00001000), read.slotOf(0x401000), read.slotOf(0x401001)], [4, 9, 0]);
  const at = from(read, 0x401000);
  // The better one comes first.
  assert.deepEqual(at.map((r) => [r.tier, [...r.body]]), [[2, [30]], [0, START]]);
  assert.deepEqual([...at[0]!.mapBytes], [9, 0, 8, 0]);
  assert.deepEqual(at[0]!.ranges, [0x401000, 0x401003]);
  const far = from(read, 0x7fff00001000)[0]!; // asserted next
  assert.deepEqual([far.pages, [...far.source], far.hints, [...far.body]], [[0x7fff00001], [1, 2, 3], [1, 2], [10, 11, 12]]);
  assert.equal(from(read, 0x402000).length, 0);
  const memory = new Uint8Array(0x900000);
  read.placeMaps(memory);
  assert.deepEqual([...memory.subarray(0x800020, 0x800024)], [9, 0, 8, 0]);
});

test('what is damaged, cut, or of another version is not used', () => {
  const bytes = image([record(0x401000, 1, [10, 11, 12]), record(0x402000, 0, CODE)]);
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

test('pages have the bytes that their regions were made from, and other content at the same address is another page', () => {
  const across = { pages: [0x401, 0x402], sums: [77, 78], ranges: [0x401ffe, 0x402001] };
  const read = TranslationImage.read(image([
    record(0x401002, 1, [1], { source: new Uint8Array([3, 4, 5]) }), record(0x401001, 1, [2], { source: new Uint8Array([2, 3, 4]) }), record(0x401ffe, 1, [3], across),
    record(0x401001, 1, [4], { sums: [70], source: new Uint8Array([9, 9, 9]) }),
    // The same checksum and yet other bytes.
    record(0x401003, 1, [5], { source: new Uint8Array([8, 8, 8]) }),
  ]), 'key', sum)!; // it was just written
  const pages = Array.from(read.pages, (page, k) => {
    const ranges: unknown[] = [];
    read.eachRange(k, (start, end, source, at) => ranges.push([start, [...source.subarray(at, at + end - start)]]) > 0);
    return [page, read.sums[k], ranges, read.firstRegion(k + 1) - read.firstRegion(k)];
  });
  assert.deepEqual(pages, [
    [0x401, 70, [[1, [9, 9, 9]]], 1],
    [0x401, 77, [[1, [2, 3, 4, 5]], [0xffe, [1, 2]]], 3],
    [0x402, 78, [[0, [3]]], 0],
  ]);
  const k = read.firstPage(0x401);
  assert.deepEqual([k, read.firstPage(0x402), read.regionAt(k, 0x401001), read.regionAt(k, 0x401002), read.regionAt(k + 1, 0x401001), read.regionAt(k + 1, 0x401002)], [0, 2, 0, -1, 1, 2]);
  assert.deepEqual(read.all().map((r) => [...r.source]), [[9, 9, 9], [2, 3, 4], [3, 4, 5], [1, 2, 3]]);
});

test('a large image is cut down to what was used last', () => {
  const body = new Array<number>(9 << 20).fill(1);
  const bytes = writeImage([record(0x401000, 1, body), record(0x402000, 1, body, { age: 1 }), record(0x403000, 1, body)], NUMBERS, 'key', 64, () => 0, writeModule)!; // within bounds
  const read = TranslationImage.read(bytes, 'key', () => 0)!; // just written
  assert.deepEqual([0x401000, 0x402000, 0x403000].map((a) => from(read, a).length), [1, 0, 1]);
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
  assert.deepEqual([from(last, 0x401000).length, from(last, 0x402000).length], [0, 1]);
});

test('interpreted code that was given up is not written to any more', () => {
  const pm = new PhysicalMemory({ buffer: new ArrayBuffer(64 * 4096) }, 16);
  const read = TranslationImage.read(image([record(0x401000, 0, CODE), record(0x402000, 0, CODE)]), 'key', sum)!; // it was just written
  const host = { checksum: sum, sameBytes: () => true, compileWhole: <T>(compile: () => T): T => compile() };
  const stats = { stored: 0 } as PlatformStats;
  const stored = new StoredPages(read, pm, { markCode: () => {}, fillSlot: () => {} } as unknown as CodeCache, host, 0x8000, { interpreted: 64, compiled: 64 }, stats, () => {});
  pm.u8.fill(0xff, 0, 16 * 4096);
  stored.forgetInterpreted();
  assert.equal(pm.i32[0x8000 >> 2], 0);
  pm.u8.fill(0xff, 0, 16 * 4096);
  stored.forgetInterpreted();
  assert.ok(pm.u8.subarray(0, 16 * 4096).every((b) => b === 0xff));
});
