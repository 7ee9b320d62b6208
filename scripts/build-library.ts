/** Builds what `import 'vivarium'` gives: dist/index.js, one ES module, and its declarations under dist/types. Run by `npm pack` and `npm publish`. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const root = `${import.meta.dirname}/..`;
const result = await build({
  absWorkingDir: root,
  entryPoints: { index: 'src/sandbox/index.ts' },
  outdir: `${root}/dist`,
  write: false,
  bundle: true,
  format: 'esm',
  minifySyntax: true,
  minifyWhitespace: true,
  platform: 'node',
  target: 'node24',
  legalComments: 'none',
  logLevel: 'warning',
  // CommonJS parts of the bundle ask for Node's own modules so.
  banner: { js: "import { createRequire } from 'node:module'; const require = createRequire(import.meta.url);" },
});
mkdirSync(`${root}/dist`, { recursive: true });
for (const { path, text } of result.outputFiles) writeFileSync(path, text);

// The declarations of all files, of which those go out that the public ones name.
const all = mkdtempSync(join(tmpdir(), 'vivarium-types-'));
try {
  const types = spawnSync(process.execPath, [`${root}/node_modules/typescript/bin/tsc`, '-p', `${root}/tsconfig.library.json`, '--outDir', all], { encoding: 'utf8' });
  if (types.status !== 0) {
    console.error(types.stdout + types.stderr);
    process.exit(1);
  }
  rmSync(`${root}/dist/types`, { recursive: true, force: true });
  const wanted = ['sandbox/index.d.ts'];
  for (const file of wanted) {
    const text = readFileSync(join(all, file), 'utf8');
    mkdirSync(dirname(`${root}/dist/types/${file}`), { recursive: true });
    writeFileSync(`${root}/dist/types/${file}`, text.replaceAll(/(from '\..*?)\.ts'/g, "$1.js'"));
    for (const m of text.matchAll(/from '(\..*?)\.ts'/g)) {
      const next = join(dirname(file), `${m[1]}.d.ts`);
      if (!wanted.includes(next)) wanted.push(next);
    }
  }
} finally {
  rmSync(all, { recursive: true });
}
