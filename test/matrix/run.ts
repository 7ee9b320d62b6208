/**
 * The matrix of clone, clone3, unshare and setns flags against the running kernel: `npm run matrix [-- CONTEXT…] [--triples|--singles]`.
 * matrix.c runs natively and inside; every line (a case) must be the same. known-differences.txt lists cases that may differ, with a reason;
 * a listed case that agrees fails the run.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root, runCommand, vivarium } from '../runner/command.ts';

const CONTEXTS = ['root', 'user', 'userns', 'unmapped', 'chroot', 'userchroot', 'threads', 'pending', 'pendingtime', 'init'];
const CALLS = ['clone', 'clone3', 'unshare', 'setns'];
/** Those of the short form (--singles). */
const FEW_CONTEXTS = ['root', 'userns', 'threads', 'pending', 'init'];
const short = process.argv.includes('--singles');
const names = process.argv.slice(2).filter((a) => !a.startsWith('--'));
const extra = process.argv.includes('--triples') ? ['triples'] : short ? ['singles'] : [];
const SHOWN = 30;

const directory = mkdtempSync(join(tmpdir(), 'matrix-'));
const program = join(directory, 'matrix');
const built = await runCommand(['gcc', '-O1', '-static', '-pthread', '-fno-stack-protector', '-w', join(root, 'test/matrix/matrix.c'), '-o', program], directory, 60);
if (built.status !== 0) throw new Error(`cannot build matrix.c: ${built.stderr}`);

const known = new Map<string, string>();
for (const line of readFileSync(join(root, 'test/matrix/known-differences.txt'), 'utf8').split('\n')) {
  const [name = '', reason = ''] = line.split(' # ');
  if (reason && !line.startsWith('#')) known.set(name, reason);
}
const lines = (text: string): Map<string, string> => new Map(text.split('\n').filter((l) => l.includes(': ')).map((l) => [l.slice(0, l.indexOf(': ')), l.slice(l.indexOf(': ') + 2)]));

let passed = 0;
let failed = 0;
let skipped = 0;
for (const context of names.length > 0 ? names : short ? FEW_CONTEXTS : CONTEXTS) {
  for (const call of short ? ['all'] : CALLS) {
    const argv = [program, context, call, ...extra];
    const native = lines((await runCommand(argv, '/', 120)).stdout);
    const r = await runCommand([vivarium, 'do', '--', ...argv], '/', 600);
    const inside = lines(r.stdout);
    let shown = 0;
    let bad = 0;
    for (const [name, want] of native) {
      const got = inside.get(name) ?? 'did not run';
      if (got === want && !known.has(name)) passed++;
      else if (got !== want && known.has(name)) skipped++;
      else {
        bad++;
        if (shown++ < SHOWN) console.log(got === want ? `  ${name}: agrees, but is listed as known` : `  ${name}\n    native ${want}\n    inside ${got}`);
      }
    }
    if (native.size === 0) bad++;
    failed += bad;
    console.log(`${bad === 0 ? 'ok ' : 'BAD'} ${context} ${call}: ${native.size - bad} of ${native.size} as natively, ${r.seconds.toFixed(1)} s inside (${r.status})`);
  }
}
rmSync(directory, { recursive: true, force: true });
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
