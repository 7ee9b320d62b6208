import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { NodeStorage } from './node-storage.ts';

const base = mkdtempSync(join(tmpdir(), 'vivarium-storage.'));
after(() => rmSync(base, { recursive: true, force: true }));
const bytes = (n: number, v: number): Uint8Array<ArrayBuffer> => new Uint8Array(n).fill(v);
const files = (folder: string): string[] => readdirSync(folder);

test('what is written is read, under its key only, by this user only', () => {
  const folder = join(base, 'a/b');
  const s = new NodeStorage(folder);
  assert.equal(s.read('k'), null);
  assert.equal(s.write('k', bytes(1000, 7)), true);
  assert.deepEqual(s.read('k'), bytes(1000, 7));
  assert.equal(s.read('K'), null);
  assert.equal(s.write('k', bytes(10, 8)), true);
  assert.deepEqual(s.read('k'), bytes(10, 8));
  assert.equal(statSync(folder).mode & 0o777, 0o700);
  assert.deepEqual(files(folder).map((f) => statSync(join(folder, f)).mode & 0o777), [0o600]);
  s.remove('k');
  assert.equal(s.read('k'), null);
  s.remove('k');
});

test('files that others could have written, and links, are not read', () => {
  const folder = join(base, 'c');
  const s = new NodeStorage(folder);
  s.write('k', bytes(10, 1));
  const path = join(folder, files(folder)[0] ?? '');
  chmodSync(path, 0o622);
  assert.equal(s.read('k'), null);
  rmSync(path);
  writeFileSync(join(base, 'elsewhere'), 'x', { mode: 0o600 });
  symlinkSync(join(base, 'elsewhere'), path);
  assert.equal(s.read('k'), null);
});

test('the least recently used go when it is full; what dead writers left goes too', () => {
  const folder = join(base, 'd');
  const s = new NodeStorage(folder, 3000);
  assert.equal(s.write('large', bytes(4000, 1)), false);
  s.write('one', bytes(1000, 1));
  const [one = ''] = files(folder);
  s.write('two', bytes(1000, 2));
  for (const f of files(folder)) utimesSync(join(folder, f), 1000, f === one ? 1000 : 2000);
  // Reading is using.
  assert.notEqual(s.read('one'), null);
  const left = join(folder, `${one}.0123456789ab`);
  writeFileSync(left, 'x');
  utimesSync(left, 1000, 1000);
  s.write('three', bytes(1000, 3));
  s.write('four', bytes(1000, 4));
  assert.equal(s.read('two'), null);
  assert.deepEqual(['one', 'three', 'four'].map((k) => s.read(k)?.[0]), [1, 3, 4]);
  assert.equal(files(folder).length, 3);
});

test('a place that is none costs nothing but the storage', () => {
  writeFileSync(join(base, 'file'), '');
  const s = new NodeStorage(join(base, 'file/sub'));
  assert.equal(s.read('k'), null);
  assert.equal(s.write('k', bytes(10, 1)), false);
  s.remove('k');
  const proc = new NodeStorage('/proc/vivarium');
  assert.equal(proc.write('k', bytes(10, 1)), false);
});
