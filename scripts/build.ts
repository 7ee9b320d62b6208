/** Bundles the command into dist/vivarium.cjs. `--quiet`: no output unless something is wrong; `--out DIR`: another folder than dist/. */
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { build } from 'esbuild';

const root = `${import.meta.dirname}/..`;
const out = process.argv.indexOf('--out');
const dist = out < 0 ? `${root}/dist` : resolve(process.argv[out + 1] ?? 'dist');
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
}).catch(() => {
  // esbuild has said on standard error what is wrong.
  process.exit(1);
});
// Written aside and renamed, so that a command started during a build finds the old bundle or the new one, whole.
mkdirSync(dist, { recursive: true });
for (const file of result.outputFiles) {
  const aside = `${file.path}.${process.pid}`;
  writeFileSync(aside, file.contents);
  renameSync(aside, file.path);
}
if (!process.argv.includes('--quiet')) {
  console.log(`${dist}/vivarium.cjs built in ${Number((process.hrtime.bigint() - started) / 1_000_000n)} ms`);
}
