/** Bundles the command into dist/vivarium.cjs, and takes a start-up snapshot of it. `--quiet`: no output unless something is wrong; `--out DIR`: another folder than dist/. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';
import { HEAD, TAIL } from './bundle-function.ts';
import { withoutCodeCache } from './strip-snapshot.ts';

const root = `${import.meta.dirname}/..`;
const out = process.argv.indexOf('--out');
const dist = out < 0 ? `${root}/dist` : resolve(process.argv[out + 1] ?? 'dist');
/** As long as what takes its place, so that the source map stays right. */
const PLACEHOLDER = '#'.repeat(32);
/** What the command runs before its heap is kept: what it calls then is there compiled. */
const WARM_UP: readonly (readonly string[])[] = [
  ['/bin/true'],
  ['/bin/bash', '-c', 'cd /usr; x=$(ls | head -n 3); for f in $x; do echo "$f"; done | cat >/dev/null; ( exit 3 ) || true; trap : USR1; kill -USR1 $$'],
];
const started = process.hrtime.bigint();
const result = await build({
  absWorkingDir: root,
  entryPoints: { vivarium: 'apps/cli/main.ts' },
  outdir: dist,
  write: false,
  bundle: true,
  // One CommonJS file: Node loads it faster than modules, and parts that are imported when needed are only run then.
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  minifySyntax: true,
  minifyWhitespace: true,
  platform: 'node',
  target: 'node24',
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
  // Stands for the digest of the bundle until that is known.
  define: { VIVARIUM_BUILD: JSON.stringify(PLACEHOLDER) },
}).catch(() => {
  // esbuild has said on standard error what is wrong.
  process.exit(1);
});
// Written aside and renamed, so that a command started during a build finds the old bundle or the new one, whole.
mkdirSync(dist, { recursive: true });
for (const file of result.outputFiles) {
  const aside = `${file.path}.${process.pid}`;
  const digest = createHash('sha256').update(file.text).digest('hex').slice(0, PLACEHOLDER.length);
  writeFileSync(aside, file.path.endsWith('.map') ? file.text : file.text.replaceAll(PLACEHOLDER, digest));
  renameSync(aside, file.path);
}
// The heap with the command loaded, as a start-up snapshot. Only the very Node.js that made it can use it, so its version is in the name.
const blob = `${dist}/vivarium-${process.versions.node}.blob`;
const made = makeSnapshot(`${dist}/vivarium.cjs`, `${blob}.${process.pid}`);
if (made.status === 0) {
  strip(`${blob}.${process.pid}`);
  renameSync(`${blob}.${process.pid}`, blob);
} else {
  // bin/vivarium starts without one, only slower.
  rmSync(blob, { force: true });
  console.error(`no start-up snapshot: ${made.stderr}`);
}
if (!process.argv.includes('--quiet')) {
  console.log(`${dist}/vivarium.cjs built in ${Number((process.hrtime.bigint() - started) / 1_000_000n)} ms`);
}

/** Takes the snapshot of `bundle` into the file `to`, with the functions compiled that have run in `warmUp`. */
function makeSnapshot(bundle: string, to: string): { status: number | null; stderr: string } {
  const folder = mkdtempSync(`${dist}/.snapshot-`);
  try {
    const cache = warmUp(bundle, folder);
    const load = `(cachedData) => {
      const { readFileSync } = require('node:fs');
      const script = new (require('node:vm').Script)(${JSON.stringify(HEAD)} + readFileSync(${JSON.stringify(bundle)}, 'utf8') + ${JSON.stringify(TAIL)},
        { filename: ${JSON.stringify(bundle)}, columnOffset: ${-HEAD.length}, cachedData });
      if (script.cachedDataRejected) console.error('warm-up: code cache rejected');
      script.runInThisContext()({}, require, { exports: {} }, ${JSON.stringify(bundle)}, ${JSON.stringify(dist)});
    }`;
    writeFileSync(`${folder}/load.cjs`, `(${load})(${cache === null ? '' : `require('node:fs').readFileSync(${JSON.stringify(cache)})`});`);
    const made = spawnSync(process.execPath, ['--snapshot-blob', to, '--build-snapshot', `${folder}/load.cjs`], { encoding: 'utf8' });
    if (made.stderr.includes('warm-up:')) console.error('the start-up snapshot is without compiled functions: V8 has rejected the code cache');
    return made;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Makes the snapshot smaller if what is left still works. */
function strip(file: string): void {
  const small = withoutCodeCache(readFileSync(file));
  if (small === null) return;
  const aside = `${file}.small`;
  writeFileSync(aside, small);
  const run = (blob: string): string => spawnSync(process.execPath, ['--snapshot-blob', blob, `${dist}/vivarium.cjs`, '--help'], { encoding: 'utf8' }).stdout;
  const help = run(file);
  if (help !== '' && run(aside) === help) renameSync(aside, file);
  else rmSync(aside, { force: true });
}

/** Runs programs of this machine in the bundled command, without and with translations of an earlier run; V8's code cache after that, null if there was nothing to run. */
function warmUp(bundle: string, folder: string): string | null {
  const cache = `${folder}/code-cache`;
  for (const words of WARM_UP.flatMap((program) => [program, program])) {
    if (!existsSync(words[0] ?? '')) continue;
    // V8 takes code only where the read-only part of its heap is the same: the snapshot is made from V8's own, not from Node's.
    const run = ['--no-node-snapshot', `${import.meta.dirname}/warm-up.ts`, bundle, cache, 'do', '--cache', `${folder}/translations`, '--', ...words];
    spawnSync(process.execPath, run, { stdio: 'ignore', timeout: 60_000 });
  }
  return existsSync(cache) ? cache : null;
}
