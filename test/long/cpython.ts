/**
 * CPython's own test suite, natively and inside, test by test: `npm run cpython [-- MODULE…]`.
 * A test whose outcome differs and that is not in cpython-known.txt (with a reason) fails the run; a listed one that agrees fails it too.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, runCommand, vivarium } from '../runner/command.ts';

/** Debian's package has no test_sqlite3. */
const MODULES = `test_os test_posix test_subprocess test_threading test_signal test_mmap test_fcntl test_select test_selectors test_epoll test_pty
  test_tempfile test_shutil test_pathlib test_io test_socket test_multiprocessing_fork test_ctypes test_float test_math test_decimal test_json test_re
  test_zlib test_hashlib`.split(/\s+/);
/** Only the parts of a module that Vivarium promises so far. */
const MATCH: Record<string, string[]> = { test_socket: ['-m', '*Unix*', '-m', '*SCM*', '-m', '*Pair*', '-m', '*Unix*'] };
const MODULE_SECONDS = Number(process.env['CPYTHON_SECONDS'] ?? 900);

const python = '/usr/bin/python3';

/** Outcome by test id, from unittest's verbose lines: "name (module.Class.name) ... ok". Docstring lines may stand between. */
function outcomes(output: string): Map<string, string> {
  const found = new Map<string, string>();
  let id = '';
  for (const line of output.split('\n')) {
    const start = /^(test\w*) \(([\w.]+)\)/.exec(line);
    if (start) id = start[2]!;
    const end = /\.\.\. (?:.* )?(ok|FAIL|ERROR|skipped|expected failure|unexpected success)\b/.exec(line) ?? (id ? /^(ok|FAIL|ERROR)$/.exec(line) : null);
    if (end && id) {
      found.set(id, end[1]!);
      id = '';
    }
  }
  return found;
}

async function run(module: string, inside: boolean): Promise<{ results: Map<string, string>; status: string; seconds: number }> {
  const directory = mkdtempSync(join(tmpdir(), 'cpython-'));
  const argv = [python, '-m', 'test', '-v', ...(MATCH[module] ?? []), module];
  const r = await runCommand(inside ? [vivarium, 'do', '--', ...argv] : argv, directory, MODULE_SECONDS);
  rmSync(directory, { recursive: true, force: true });
  return { results: outcomes(`${r.stdout}\n${r.stderr}`), status: String(r.status), seconds: r.seconds };
}

const known = new Map<string, string>();
for (const line of readFileSync(join(root, 'test/long/cpython-known.txt'), 'utf8').split('\n')) {
  const m = /^([\w.]+)\s+(.+)$/.exec(line);
  if (m && !line.startsWith('#')) known.set(m[1]!, m[2]!);
}
const wanted = process.argv.slice(2).length > 0 ? process.argv.slice(2) : MODULES;
let passed = 0;
let failed = 0;
let skipped = 0;
for (const module of wanted) {
  const native = await run(module, false);
  const inside = await run(module, true);
  const different: string[] = [];
  let same = 0;
  for (const [id, result] of native.results) {
    const got = inside.results.get(id) ?? 'did not run';
    if (got === result) {
      if (known.has(id)) different.push(`  ${id}: agrees (${result}), but is listed as known`);
      else same++;
    } else if (known.has(id)) skipped++;
    else different.push(`  ${id}: native ${result}, inside ${got}`);
  }
  if (native.results.size === 0) different.push(`  no test ran natively: ${native.status}`);
  passed += same;
  failed += different.length;
  console.log(`${different.length === 0 ? 'ok ' : 'BAD'} ${module}: ${same} of ${native.results.size} as natively; native ${native.seconds.toFixed(1)} s (${native.status}), inside ${inside.seconds.toFixed(1)} s (${inside.status})`);
  for (const line of different.slice(0, 40)) console.log(line);
  if (different.length > 40) console.log(`  … and ${different.length - 40} more`);
}
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
