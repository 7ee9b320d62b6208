/** Every step of clone, unshare, setns and execve fails once: nothing of the steps before may be left. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { root, runCommand } from '../runner/command.ts';

test('a step that fails undoes those before it', async () => {
  mkdirSync(`${root}/build/faults`, { recursive: true });
  const program = `${root}/build/faults/faults`;
  const built = await runCommand(['gcc', '-O1', '-static', '-pthread', '-fno-stack-protector', '-w', 'test/faults/faults.c', '-o', program], root, 60);
  assert.equal(built.status, 0, built.stderr);
  const r = await runCommand([process.execPath, 'test/faults/inside.ts', program], root, 240);
  const lines = r.stdout.split('\n').filter((l) => l !== '');
  assert.deepEqual(lines.filter((l) => /^(LEAK|WRONG)/.test(l)), []);
  assert.equal(lines.at(-1), 'end', r.stderr);
  const steps = new Map(lines.filter((l) => / steps$/.test(l)).map((l) => [l.slice(0, l.lastIndexOf(':')), Number.parseInt(l.slice(l.lastIndexOf(':') + 1), 10)]));
  // Fewer steps would mean that a call was refused before it did anything.
  for (const [name, n] of steps) assert.ok(n >= 1, `${name}: no step failed`);
  for (const name of ['fork', 'clone all', 'clone all in a user namespace', 'unshare all, shared', 'setns all']) assert.ok((steps.get(name) ?? 0) > 2, `${name}: ${steps.get(name)} steps`);
});
