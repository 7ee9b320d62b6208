/** Bundles the command into dist/vivarium.js. `--quiet`: no output unless something is wrong. */
import { mkdirSync, readdirSync, renameSync, statSync, unlinkSync, writeFileSync } from 'node:fs';
import { build } from 'esbuild';

const root = `${import.meta.dirname}/..`;
const dist = `${root}/dist`;
const started = process.hrtime.bigint();
const result = await build({
  absWorkingDir: root,
  entryPoints: { vivarium: 'apps/cli/main.ts' },
  outdir: 'dist',
  write: false,
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node24',
  sourcemap: true,
  sourcesContent: false,
  legalComments: 'none',
  logLevel: 'warning',
});
// Written aside and renamed, so that a command started during a build finds the old bundle or the new one, whole.
mkdirSync(dist, { recursive: true });
for (const file of result.outputFiles) {
  const aside = `${file.path}.${process.pid}`;
  writeFileSync(aside, file.contents);
  renameSync(aside, file.path);
}
// Chunks of earlier builds may still be loaded by a running command for a while.
const hourAgo = Date.now() - 3_600_000;
for (const name of readdirSync(dist)) {
  if (statSync(`${dist}/${name}`).mtimeMs < hourAgo) unlinkSync(`${dist}/${name}`);
}
if (!process.argv.includes('--quiet')) {
  console.log(`dist/vivarium.js built in ${Number((process.hrtime.bigint() - started) / 1_000_000n)} ms`);
}
