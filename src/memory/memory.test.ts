/** Address spaces over a small memory: mapping, faults, fork, page caches. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EFAULT, EINVAL } from '../abi/errno.ts';
import { MAP_ANONYMOUS, MAP_FIXED, MAP_PRIVATE, MAP_SHARED, PROT_NONE, PROT_READ, PROT_WRITE } from '../abi/mman.ts';
import { BytesIoVector } from '../base/io-vector.ts';
import { AddressSpace } from './address-space.ts';
import { FAULT_ACCERR, FAULT_MAPERR } from './fault-code.ts';
import { mmap, setBrk } from './mmap.ts';
import { mprotect } from './mprotect.ts';
import { PageCache } from './page-cache.ts';
import { WRITE } from './page-table.ts';
import { PhysicalMemory } from './physical-memory.ts';

const RW = PROT_READ | PROT_WRITE;
const ANON = MAP_PRIVATE | MAP_ANONYMOUS;

function machine(frames = 4096): PhysicalMemory {
  return new PhysicalMemory({ buffer: new ArrayBuffer(frames * 4096) }, 16);
}

test('anonymous memory: zero on demand, copy-on-write after fork, all frames come back', () => {
  const pm = machine();
  const a = new AddressSpace(pm);
  const p = mmap(a, 0, 64 * 4096, RW, ANON, null, 0);
  assert.equal(p, 0x7ffff7fff000 - 64 * 4096);
  assert.equal(a.readU32(p + 4), 0);
  assert.equal(a.writeU32(p + 4, 7), 0);
  const b = a.fork();
  assert.ok(b instanceof AddressSpace);
  assert.equal(b.readU32(p + 4), 7);
  b.writeU32(p + 4, 9);
  assert.equal(a.readU32(p + 4), 7);
  a.writeU32(p + 8, 1);
  assert.equal(b.readU32(p + 8), 0);
  assert.equal(a.table.rssAnon, 1);
  b.put();
  assert.equal(a.readU32(p + 4), 7);
  assert.equal(a.munmap(p, 64 * 4096), 0);
  assert.equal(a.readU32(p), EFAULT);
  assert.equal(a.table.rssAnon, 0);
  a.put();
  assert.equal(pm.used, 0);
});

test('rights: mprotect splits and merges, faults say why', () => {
  const a = new AddressSpace(machine());
  const p = mmap(a, 0, 3 * 4096, RW, ANON, null, 0);
  a.writeU32(p + 4096, 5);
  assert.equal(mprotect(a, p + 4096, 4096, PROT_READ), 0);
  assert.equal(a.vmas.size, 3);
  assert.equal(a.fault(p + 4096, WRITE), FAULT_ACCERR);
  assert.equal(mprotect(a, p + 4096, 4096, PROT_NONE), 0);
  assert.equal(a.readU32(p + 4096), EFAULT);
  assert.equal(mprotect(a, p + 4096, 4096, RW), 0);
  assert.equal(a.vmas.size, 1);
  assert.equal(a.readU32(p + 4096), 5);
  assert.equal(a.fault(p + 3 * 4096, 0), FAULT_MAPERR);
  assert.equal(mprotect(a, p + 1, 4096, RW), EINVAL);
});

test('shared anonymous memory stays shared over fork; private file pages are copied when written', () => {
  const pm = machine();
  const a = new AddressSpace(pm);
  const s = mmap(a, 0, 8192, RW, MAP_SHARED | MAP_ANONYMOUS, null, 0);
  a.writeU32(s, 1);
  const b = a.fork() as AddressSpace;
  b.writeU32(s, 2);
  b.writeU32(s + 4096, 3);
  assert.equal(a.readU32(s), 2);
  assert.equal(a.readU32(s + 4096), 3);
  const file = new PageCache(pm, null);
  file.writeFrom(new BytesIoVector(new TextEncoder().encode('hello')), 0, 5);
  const source = { object: file, file: null, readable: true, writable: true, appendOnly: false, noExec: false, sealed: false, maxBytes: 2 ** 40 };
  const m = mmap(a, 0, 8192, RW, MAP_PRIVATE, source, 0);
  assert.equal(a.readU8(m), 104);
  a.writeU8(m, 72);
  const shared = mmap(b, 0, 4096, RW, MAP_SHARED, source, 0);
  assert.equal(b.readU8(shared), 104);
  b.writeU8(shared + 1, 69);
  const out = new Uint8Array(5);
  assert.equal(file.readInto(new BytesIoVector(out), 0, 5), 5);
  assert.equal(new TextDecoder().decode(out), 'hEllo');
  assert.equal(a.fault(m + 4096, 0) & 0xff, 7);
  file.truncate(0);
  assert.equal(b.readU8(shared), EFAULT);
  a.put();
  b.put();
  file.unref();
  assert.equal(pm.used, 0);
});

test('brk grows and shrinks one heap', () => {
  const a = new AddressSpace(machine());
  a.startBrk = a.brk = 0x555555559000;
  assert.equal(setBrk(a, 0), 0x555555559000);
  assert.equal(setBrk(a, 0x55555555a800), 0x55555555a800);
  assert.equal(setBrk(a, 0x55555557a000), 0x55555557a000);
  assert.equal(a.vmas.size, 1);
  assert.equal(a.writeU32(0x555555579ffc, 1), 0);
  assert.equal(setBrk(a, 0x55555555b000), 0x55555555b000);
  assert.equal(a.readU32(0x555555579ffc), EFAULT);
});

test('ten thousand mappings: place, unmap and reuse', () => {
  const a = new AddressSpace(machine(64));
  const at: number[] = [];
  for (let i = 0; i < 10000; i++) at.push(mmap(a, 0, 4096, i & 1 ? PROT_READ : RW, ANON, null, 0));
  assert.equal(a.vmas.size, 10000);
  for (let i = 1; i < 9999; i += 2) assert.equal(a.munmap(at[i]!, 4096), 0);
  assert.equal(a.vmas.size, 5001);
  assert.equal(mmap(a, 0, 8192, RW, ANON, null, 0), at[9999]! - 8192);
  assert.equal(mmap(a, 0, 4096, PROT_NONE, ANON, null, 0), at[1]!);
  assert.equal(mmap(a, at[3]!, 4096, PROT_NONE, ANON | MAP_FIXED, null, 0), at[3]!);
  let prev = 0;
  let n = 0;
  for (let v = a.vmas.first; v !== null; v = v.next, n++) {
    assert.ok(v.start >= prev && v.end > v.start);
    prev = v.end;
  }
  assert.equal(n, a.vmas.size);
});

// Eight million page-table leaves must not be looked at one by one: this would take seconds.
test('a range of terabytes', () => {
  const a = new AddressSpace(machine());
  const size = 2 ** 45;
  const p = mmap(a, 0, size, RW, ANON | 0x4000, null, 0);
  a.writeU32(p, 1);
  a.writeU32(p + size / 2, 2);
  const b = a.fork() as AddressSpace;
  assert.equal(mprotect(a, p, size, PROT_READ), 0);
  assert.equal(mprotect(a, p, size, RW), 0);
  assert.equal(a.readU32(p + size / 2), 2);
  assert.equal(a.munmap(p, size), 0);
  assert.equal(b.readU32(p), 1);
});

test('a file larger than memory is read through a cache that gives pages back', () => {
  const pm = machine(256);
  const cache = new PageCache(pm, {
    tracksDirty: false,
    readPage(page: number, bytes: Uint8Array): 0 {
      bytes.fill(page & 255);
      return 0;
    },
  });
  cache.size = 4096 * 2000;
  const out = new Uint8Array(4096);
  for (let round = 0; round < 2; round++)
    for (let page = 0; page < 2000; page++) {
      assert.equal(cache.readInto(new BytesIoVector(out), page * 4096, 4096), 4096);
      assert.equal(out[4095], page & 255);
    }
  const a = new AddressSpace(pm);
  const p = mmap(a, 0, 100 * 4096, RW, ANON, null, 0);
  for (let i = 0; i < 100; i++) assert.equal(a.writeU32(p + i * 4096, 1), 0);
  assert.ok(pm.used <= pm.limit);
  cache.unref();
  a.put();
  assert.equal(pm.used, 0);
});
