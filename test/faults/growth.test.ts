/** Tens of thousands of namespaces, beside each other and inside each other: nothing of them is left in the kernel's counts nor in the host's heap. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { root, runCommand } from '../runner/command.ts';

const FEW = 10_000, MANY = 30_000;
/** Bytes of heap that may come with the namespaces that MANY has more: 100 each. One that is kept costs a thousand and more. */
const SLACK = (MANY - FEW) * 100;

async function heapAfter(program: string, namespaces: number): Promise<number> {
  const r = await runCommand([process.execPath, '--expose-gc', 'test/faults/heap.ts', program, String(namespaces)], root, 240);
  assert.equal(r.status, 0, `${r.stdout}\n${r.stderr}`);
  assert.ok(!r.stdout.includes('LEAK'), r.stdout);
  const made = Number(/^made (\d+)$/m.exec(r.stdout)?.[1]);
  assert.ok(made >= namespaces, r.stdout);
  return Number(/^heap (\d+)$/m.exec(r.stdout)?.[1]);
}

test('namespaces leave nothing', async () => {
  mkdirSync(`${root}/build/faults`, { recursive: true });
  const program = `${root}/build/faults/growth`;
  const built = await runCommand(['gcc', '-O1', '-static', '-w', 'test/faults/growth.c', '-o', program], root, 60);
  assert.equal(built.status, 0, built.stderr);
  const few = await heapAfter(program, FEW);
  const many = await heapAfter(program, MANY);
  assert.ok(many - few < SLACK, `the heap held ${few} bytes after ${FEW} and ${many} after ${MANY}`);
});
