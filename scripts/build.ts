/** Bundles the command into dist/vivarium.cjs, and takes a start-up snapshot of it. `--quiet`: no output unless something is wrong; `--out DIR`: another folder than dist/. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';

const root = `${import.meta.dirname}/..`;
const out = process.argv.indexOf('--out');
const dist = out < 0 ? `${root}/dist` : resolve(process.argv[out + 1] ?? 'dist');
/** As long as what takes its place, so that the source map stays right. */
const PLACEHOLDER = '#'.repeat(32);
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
const made = spawnSync(process.execPath, ['--snapshot-blob', `${blob}.${process.pid}`, '--build-snapshot', `${dist}/vivarium.cjs`], { encoding: 'utf8' });
if (made.status === 0) renameSync(`${blob}.${process.pid}`, blob);
else {
  // bin/vivarium starts without one, only slower.
  rmSync(blob, { force: true });
  console.error(`no start-up snapshot: ${made.stderr}`);
}
if (!process.argv.includes('--quiet')) {
  console.log(`${dist}/vivarium.cjs built in ${Number((process.hrtime.bigint() - started) / 1_000_000n)} ms`);
}
