/** Loading of real and of broken executables. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { E2BIG, ELOOP, ENOENT, ENOEXEC, isErr } from '../abi/errno.ts';
import type { IoVector } from '../base/io-vector.ts';
import { DEFAULT_LIMITS } from '../memory/memory-limits.ts';
import { PageCache } from '../memory/page-cache.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import type { VfsContext } from '../vfs/context.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { ExecRequest } from './exec-request.ts';
import { readSymbols } from './elf-symbols.ts';
import { EXEC_KILLS, loadProgram } from './load-program.ts';
import { parseScript } from './script.ts';
import { Vdso } from './vdso.ts';

const ctx = null as unknown as VfsContext; // the files below never look at it

function fakeFile(pm: PhysicalMemory, size: number, read: (bytes: Uint8Array, at: number) => number): FileDescription {
  const cache = new PageCache(pm, {
    tracksDirty: false,
    readPage(page: number, bytes: Uint8Array): 0 {
      read(bytes, page * 4096);
      return 0;
    },
  });
  cache.size = size;
  const file = {
    refs: 1,
    ref(): void {
      this.refs++;
    },
    unref(): void {
      this.refs--;
    },
    read: (_c: VfsContext, iov: IoVector, offset: number): number => cache.readInto(iov, offset, iov.remaining),
    mmap: (): PageCache => cache,
    mapsPath: () => '/x',
    mapsDev: () => 0,
    mapsIno: () => 1,
  };
  return file as unknown as FileDescription;
}
function hostFile(pm: PhysicalMemory, path: string): FileDescription {
  const fd = openSync(path, 'r');
  const bytes = readFileSync(path);
  closeSync(fd);
  return fakeFile(pm, statSync(path).size, (b, at) => b.set(bytes.subarray(at, at + b.length)) as unknown as number);
}
const memoryFile = (pm: PhysicalMemory, bytes: Uint8Array): FileDescription =>
  fakeFile(pm, bytes.length, (b, at) => b.set(bytes.subarray(at, at + b.length)) as unknown as number);

const memory = new ArrayBuffer(64 << 20);
function request(pm: PhysicalMemory, file: FileDescription, more: Partial<ExecRequest> = {}): ExecRequest {
  return {
    pm, ctx, file, filename: '/x', pathInaccessible: false, argv: ['/x', 'a'], envp: ['A=1'], limits: DEFAULT_LIMITS, vdso: null, clocksShifted: false,
    hwcap: 0x178bfbff, hwcap2: 2, minSigStackSize: 0xd30,
    host: {
      openExec: (path: string) => (path.startsWith('/') ? hostFile(pm, path) : ENOENT),
      idsFor: () => ({ uid: 0, euid: 0, gid: 0, egid: 0, secure: false }),
      random: (b) => b.fill(7),
    },
    ...more,
  };
}
const fresh = (): PhysicalMemory => {
  new Uint8Array(memory).fill(0);
  return new PhysicalMemory({ buffer: memory }, 1);
};

// Prints from argc on everything up to the top of the stack, in hexadecimal, and the mappings.
const DUMP = `#include <stdio.h>
#include <string.h>
int main(int c, char **v) { unsigned char *p = (unsigned char *)(v - 1); printf("%p ", (void *)p);
  while (p < (unsigned char *)0x7ffffffff000) printf("%02x", *p++); puts(""); return 0; }`;

test('the stack of a new program is bit for bit that of Linux', () => {
  const dir = mkdtempSync(join(tmpdir(), 'loader-'));
  const c = join(dir, 'd.c');
  const exe = join(dir, 'dump');
  writeFileSync(c, DUMP);
  for (const flags of [['-static'], [], ['-static-pie']]) {
    execFileSync('gcc', [...flags, '-o', exe, c]);
    const native = execFileSync('setarch', ['-R', exe, 'one', 'zwei', ''], { env: { A: '1', LONG: 'x'.repeat(100) }, encoding: 'latin1' });
    const [sp, hex] = native.trim().split(' ') as [string, string];
    const pm = fresh();
    const vdso = new Vdso(pm);
    // setarch execs the path as it was given; the environment is what execFileSync passes.
    const r = loadProgram(request(pm, hostFile(pm, exe), { filename: exe, argv: [exe, 'one', 'zwei', ''], envp: ['A=1', `LONG=${'x'.repeat(100)}`], vdso }));
    assert.ok(typeof r === 'object');
    assert.equal(r.stackPointer.toString(16), sp.slice(2), `stack pointer ${flags}`);
    const mine = new Uint8Array(0x7ffffffff000 - r.stackPointer);
    assert.equal(r.space.copyIn(r.stackPointer, mine, 0, mine.length), mine.length);
    const theirs = Buffer.from(hex, 'hex');
    // The 16 random bytes, and for dynamic programs the addresses of what is placed by file identity, differ.
    const view = new DataView(mine.buffer);
    const nview = new DataView(theirs.buffer, theirs.byteOffset, theirs.length);
    let at = 8 * (1 + 4 + 1 + 2 + 1);
    for (; nview.getUint32(at, true) !== 0; at += 16) {
      const type = nview.getUint32(at, true);
      assert.equal(view.getUint32(at, true), type);
      const a = view.getBigUint64(at + 8, true);
      const b = nview.getBigUint64(at + 8, true);
      // AT_MINSIGSTKSZ depends on the registers of the machine's processor.
      if (type === 51) {
        view.setBigUint64(at + 8, b, true);
        continue;
      }
      if (type === 25) mine.set(theirs.subarray(Number(b) - r.stackPointer, Number(b) - r.stackPointer + 16), Number(a) - r.stackPointer);
      assert.equal(a.toString(16), b.toString(16), `auxv ${type} ${flags}`);
    }
    assert.equal(Buffer.from(mine).toString('hex'), theirs.toString('hex'));
    r.space.put();
  }
});

test('scripts', () => {
  const line = (s: string): Uint8Array => {
    const b = new Uint8Array(256);
    for (let i = 0; i < Math.min(256, s.length); i++) b[i] = s.charCodeAt(i);
    return b;
  };
  assert.deepEqual(parseScript(line('#!/bin/sh\necho')), { interpreter: '/bin/sh', argument: null });
  assert.deepEqual(parseScript(line('#! \t/bin/sh  -e x \t\n')), { interpreter: '/bin/sh', argument: '-e x' });
  assert.deepEqual(parseScript(line('#!/bin/sh')), { interpreter: '/bin/sh', argument: null });
  assert.equal(parseScript(line('#!\n')), null);
  // An empty name: EACCES in the end, as natively.
  assert.deepEqual(parseScript(line('#!   ')), { interpreter: '', argument: null });
  assert.equal(parseScript(line(`#!/${'a'.repeat(300)}`)), null);
  const pm = fresh();
  const loop = request(pm, memoryFile(pm, line('#!/self\n')));
  assert.equal(loadProgram({ ...loop, host: { ...loop.host, openExec: () => memoryFile(pm, line('#!/self\n')) } }), ELOOP);
  assert.equal(loadProgram(request(pm, memoryFile(pm, line('#!nowhere\n')))), ENOENT);
  assert.equal(loadProgram(request(pm, memoryFile(pm, new Uint8Array(0)))), ENOEXEC);
  assert.equal(loadProgram(request(pm, hostFile(pm, '/bin/true'), { argv: ['x'.repeat(7 << 20)] })), E2BIG);
});

test('broken executables end in an errno or in EXEC_KILLS, and leave no frame behind', () => {
  const pm = fresh();
  const good = new Uint8Array(readFileSync('/bin/true'));
  let seed = 12345;
  const random = (n: number): number => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return (seed >>> 8) % n;
  };
  const before = pm.used;
  for (let i = 0; i < 3000; i++) {
    let bytes = good.slice(0, random(8) === 0 ? random(good.length) : good.length);
    for (let k = 1 + random(4); k > 0; k--) {
      const at = random(2) ? random(64) : 64 + random(13 * 56);
      if (at >= bytes.length) continue;
      bytes[at] = random(3) === 0 ? [0, 0xff, 0x7f, 0x80][random(4)]! : random(256);
    }
    if (bytes.length === 0) bytes = new Uint8Array(1);
    const file = memoryFile(pm, bytes);
    const r = loadProgram(request(pm, file));
    if (typeof r === 'object') {
      assert.ok(r.entry >= 0 && r.entry < 0x7ffffffff000);
      r.space.put();
    } else assert.ok(r === EXEC_KILLS || isErr(r), String(r));
    file.mmap(ctx, false) instanceof PageCache && (file.mmap(ctx, false) as PageCache).unref();
  }
  // The interpreter's page cache stays.
  assert.ok(pm.used - before < 3000 * 60, `${pm.used - before} frames left`);
});

test('functions by file offset, as nm lists them', () => {
  const dir = mkdtempSync(join(tmpdir(), 'symbols-'));
  const exe = join(dir, 'a');
  writeFileSync(join(dir, 'a.c'), 'int one(int x) { return x + 1; }\nint two(int x) { return one(x) * 2; }\nint main(int c, char **v) { return two(c); }\n');
  execFileSync('gcc', ['-O0', '-o', exe, join(dir, 'a.c')]);
  const pm = fresh();
  const table = readSymbols(ctx, hostFile(pm, exe));
  assert.ok(table !== null);
  // A PIE's text lies at the offset that is its address.
  for (const line of execFileSync('nm', [exe], { encoding: 'latin1' }).split('\n')) {
    const [address = '', kind, name = ''] = line.split(' ');
    if (kind === 'T' && /^(one|two|main)$/.test(name)) assert.equal(table.at(Number.parseInt(address, 16) + 3), name);
  }
  assert.equal(table.at(1 << 30), null);
  const bytes = readFileSync(exe);
  for (let cut = 0; cut < bytes.length; cut += 501) readSymbols(ctx, memoryFile(pm, bytes.subarray(0, cut)));
  for (let seed = 1; seed < 200; seed++) {
    const bent = Uint8Array.from(bytes);
    for (let i = 0; i < 40; i++) bent[(seed * 7919 + i * 104729) % (i < 20 ? 64 : bent.length)] = (seed * 31 + i * 17) & 255;
    readSymbols(ctx, memoryFile(pm, bent));
  }
});
