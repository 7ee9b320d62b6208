/** Bundles the command into dist/vivarium.js. `--quiet`: no output unless something is wrong. */
import { rmSync } from 'node:fs';
import { build } from 'esbuild';

const root = `${import.meta.dirname}/..`;
const started = process.hrtime.bigint();
rmSync(`${root}/dist`, { recursive: true, force: true });
await build({
  absWorkingDir: root,
  entryPoints: { vivarium: 'apps/cli/main.ts' },
  outdir: 'dist',
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
if (!process.argv.includes('--quiet')) {
  console.log(`dist/vivarium.js built in ${Number((process.hrtime.bigint() - started) / 1_000_000n)} ms`);
}
