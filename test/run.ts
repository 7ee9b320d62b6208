/**
 * The test runner. Without words: everything. `static|unit|oracle|programs|bench [PATTERN…]`: one kind, files whose path contains a pattern.
 * Last line: N passed, N failed, N skipped. Exit status 1 if anything failed.
 */
import { root, runCommand } from './runner/command.ts';
import { runOracle } from './runner/oracle.ts';
import { runPrograms } from './runner/programs.ts';
import { Results } from './runner/results.ts';
import { runUnit } from './runner/unit.ts';

const results = new Results();

/** A tool whose exit status is one check. */
async function check(name: string, argv: readonly string[]): Promise<void> {
  const r = await runCommand(argv, root, 300, { ...process.env } as Record<string, string>);
  if (r.status === 0) results.pass(name);
  else results.fail(name, `${argv.join(' ')}: status ${r.status}\n${(r.stdout + r.stderr).slice(-6000)}`);
}

const build = (): Promise<void> => check('build', [process.execPath, 'scripts/build.ts', '--quiet']);

const kinds: Readonly<Record<string, (patterns: readonly string[]) => Promise<void>>> = {
  static: async () => {
    await check('types', ['node_modules/.bin/tsc', '--noEmit']);
    await check('lint', ['node_modules/.bin/biome', 'lint', '--error-on-warnings', 'src', 'apps', 'test', 'scripts', 'bench']);
    await check('layers', [process.execPath, 'scripts/layers.ts']);
    await check('coverage', ['sh', 'scripts/coverage', '--check']);
    await check('process-model', [process.execPath, 'scripts/process-model.ts', '--check']);
    await build();
  },
  unit: (patterns) => runUnit(patterns, results),
  oracle: (patterns) => runOracle(patterns, results),
  programs: (patterns) => runPrograms(patterns, results),
  // Single flags from a few kinds of callers; `npm run matrix` has the pairs and the others.
  matrix: async () => {
    const r = await runCommand([process.execPath, 'test/matrix/run.ts', '--singles'], root, 600, { ...process.env } as Record<string, string>);
    if (r.status === 0) results.pass(`matrix: ${r.stdout.trim().split('\n').at(-1)}`);
    else results.fail('matrix', r.stdout.slice(-6000) + r.stderr.slice(-2000));
  },
  // A sample of the benchmarks, to be read: no time is judged.
  bench: async () => {
    const r = await runCommand([process.execPath, 'bench/run.ts', '--quick'], root, 600, { ...process.env } as Record<string, string>);
    process.stdout.write(r.stdout);
    if (r.status === 0) results.pass('bench');
    else results.fail('bench', `bench/run.ts --quick: status ${r.status}\n${r.stderr.slice(-3000)}`);
  },
};

const [kind, ...patterns] = process.argv.slice(2);
if (kind === undefined) {
  for (const [name, run] of Object.entries(kinds)) {
    const before = results.summary();
    const started = process.hrtime.bigint();
    await run([]);
    const seconds = Number((process.hrtime.bigint() - started) / 1_000_000_000n);
    console.log(`${name} done in ${seconds} s (${before} -> ${results.summary()})`);
  }
} else if (kind in kinds) {
  if (kind === 'oracle' || kind === 'programs' || kind === 'matrix' || kind === 'bench') await build();
  await kinds[kind]?.(patterns);
} else {
  console.error(`usage: npm test, or test/run.ts ${Object.keys(kinds).join('|')} [PATTERN…]`);
  process.exit(2);
}
console.log(results.summary());
process.exitCode = results.failed > 0 ? 1 : 0;
