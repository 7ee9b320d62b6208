/** The command on a terminal: raw mode, job control inside and outside, window size, restoration. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import test from 'node:test';
import { vivarium } from '../runner/command.ts';

test('an interactive shell inside an interactive shell', () => {
  const r = spawnSync('/usr/bin/python3', [`${import.meta.dirname}/terminal.py`, vivarium], { encoding: 'utf8', timeout: 240_000 });
  const lines = r.stdout.trim().split('\n');
  assert.equal(r.stderr, '');
  assert.deepEqual(
    lines.filter((line) => !line.endsWith(': True')),
    [],
  );
  assert.equal(lines.length, 19);
});
