/**
 * Program tests: each test/programs/*.sh is run by bash in an empty folder, natively and inside; standard output and exit status must be the same.
 * Directives: `# needs: PACKAGE PACKAGE` (Debian packages), `# timeout: 60` (seconds, inside), `# prepare: CMD` (run natively, once, in a folder that both runs
 * know as $PREPARED: for what would take too long inside). Both find the Node.js of the project as $NODE.
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import type { CommandResult } from './command.ts';
import { environment, inParallel, inside, root, runCommand, withFolder } from './command.ts';
import { directive } from './directives.ts';
import type { Results } from './results.ts';

function missingPackages(names: readonly string[]): string[] {
  return names.filter((n) => spawnSync('dpkg-query', ['-W', '-f', '${Status}', n], { encoding: 'utf8' }).stdout !== 'install ok installed');
}

/** The first line that differs, from both sides. */
function firstDifference(native: string, ours: string): string {
  const a = native.split('\n');
  const b = ours.split('\n');
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    if (a[i] !== b[i]) return `line ${i + 1}: native ${JSON.stringify(a[i])}\n        inside ${JSON.stringify(b[i])}`;
  }
  return '';
}

async function runOne(script: string, results: Results): Promise<void> {
  const name = `programs/${basename(script, '.sh')}`;
  const path = `${root}/${script}`;
  const text = readFileSync(path, 'utf8');
  const missing = missingPackages(directive(text, 'needs').split(' ').filter(Boolean));
  if (missing.length > 0) {
    results.skip(name, `not installed: ${missing.join(' ')}`);
    return;
  }
  const seconds = Number(directive(text, 'timeout') || 60);
  const prepare = directive(text, 'prepare');
  await withFolder(async (prepared) => {
    if (prepare !== '') {
      const r = await runCommand(['/bin/bash', '-c', prepare], prepared, 120, { ...environment, SOURCES: `${root}/test/programs`, GOCACHE: `${prepared}/cache` });
      if (r.status !== 0) {
        results.fail(name, `prepare: status ${r.status}\n${r.stderr.slice(-1000)}`);
        return;
      }
    }
    const argv = ['/usr/bin/env', `PREPARED=${prepared}`, `NODE=${process.execPath}`, '/bin/bash', path];
    const native = await withFolder((folder) => runCommand(argv, folder, 60));
    const ours = await withFolder((folder) => runCommand(inside(argv), folder, seconds));
    judge(name, native, ours, results);
  });
}

function judge(name: string, native: CommandResult, ours: CommandResult, results: Results): void {
  if (native.status === ours.status && native.stdout === ours.stdout) {
    results.pass(name);
    return;
  }
  const status = native.status === ours.status ? '' : `status native ${native.status}, inside ${ours.status}\n`;
  results.fail(name, `${status}${firstDifference(native.stdout, ours.stdout)}\nstderr inside: ${ours.stderr.trim().slice(-1000)}`);
}

/** Runs the scripts whose path contains one of `patterns` (all without any). */
export async function runPrograms(patterns: readonly string[], results: Results): Promise<void> {
  const files = globSync('test/programs/*.sh', { cwd: root }).sort();
  const wanted = files.filter((f) => patterns.length === 0 || patterns.some((p) => f.includes(p)));
  await inParallel(wanted, 2, (f) => runOne(f, results));
}
