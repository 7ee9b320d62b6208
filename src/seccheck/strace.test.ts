import assert from 'node:assert/strict';
import test from 'node:test';
import type { UserMemory } from '../memory/user-memory.ts';
import { Strace } from './strace.ts';
import type { TracedArguments, TracedTask } from './trace-sink.ts';

/** Guest memory with a few bytes at 0x1000. */
function memory(bytes: Uint8Array): UserMemory {
  const copyIn = (addr: number, dst: Uint8Array, off: number, len: number): number => {
    if (addr < 0x1000 || addr >= 0x1000 + bytes.length) return -14;
    const part = bytes.subarray(addr - 0x1000, addr - 0x1000 + len);
    dst.set(part, off);
    return part.length;
  };
  return { copyIn } as unknown as UserMemory;
}

function words(...values: number[]): TracedArguments {
  return { lo: (i) => (values[i] ?? 0) | 0, hi: (i) => Math.floor((values[i] ?? 0) / 2 ** 32) | 0, addr: (i) => values[i] ?? 0, long: (i) => values[i] ?? 0 };
}

const table: Readonly<Record<number, { name: string; args: string }>> = {
  0: { name: 'read', args: 'fd,obuf,size=size' },
  1: { name: 'write', args: 'fd,buf:2,size=size' },
  2: { name: 'openat', args: 'dirfd,path,openflags,mode' },
  3: { name: 'exit_group', args: 'int' },
};

function tracer(): { sink: Strace; text: () => string } {
  let out = '';
  const sink = new Strace((nr) => table[nr] ?? { name: `syscall_${nr}`, args: '' }, (t) => {
    out += t;
  });
  return { sink, text: () => out };
}

test('a call, its strings and its errno', () => {
  const { sink, text } = tracer();
  const task: TracedTask = { tid: 1, space: memory(new TextEncoder().encode('/etc/x\0')) };
  const args = words(-100, 0x1000, 0o2000000, 0);
  sink.syscallEnter(task, 2, args);
  sink.syscallLeave(task, 2, args, -2);
  assert.equal(text(), 'openat(AT_FDCWD, "/etc/x", O_RDONLY|O_CLOEXEC) = -1 ENOENT (No such file or directory)\n');
});

test('what the call filled in is printed when it returns', () => {
  const { sink, text } = tracer();
  const task: TracedTask = { tid: 1, space: memory(new TextEncoder().encode('a\n"\u0001'.padEnd(60, 'b'))) };
  const args = words(3, 0x1000, 100);
  sink.syscallEnter(task, 0, args);
  assert.equal(text(), 'read(3');
  sink.syscallLeave(task, 0, args, 4);
  assert.equal(text(), 'read(3, "a\\n\\"\\1", 100)                 = 4\n');
});

test('calls of two tasks are taken apart', () => {
  const { sink, text } = tracer();
  const space = memory(new Uint8Array(4));
  const a: TracedTask = { tid: 1, space };
  const b: TracedTask = { tid: 2, space };
  sink.syscallEnter(a, 0, words(3, 0x1000, 1));
  sink.syscallEnter(b, 3, words(7));
  sink.exited(b, 7 << 8);
  sink.syscallLeave(a, 0, words(3, 0x1000, 1), 1);
  const lines = text().split('\n');
  assert.equal(lines[0], 'read(3 <unfinished ...>');
  assert.match(lines[1] ?? '', /^\[pid {5}2\] exit_group\(7\) += \?$/);
  assert.equal(lines[2], '[pid     2] +++ exited with 7 +++');
  assert.match(lines[3] ?? '', /^<... read resumed>, "\\0", 1\) += 1$/);
});
