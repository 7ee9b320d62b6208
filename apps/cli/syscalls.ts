/** `vivarium syscalls`: the coverage table, as Markdown. */
import { syscallCoverage } from '../../src/sandbox/coverage.ts';
import { UsageError } from './arguments.ts';

export function runSyscalls(argv: readonly string[]): number {
  if (argv.length > 0) throw new UsageError('syscalls takes no arguments');
  const rows = syscallCoverage();
  const full = rows.filter((r) => r.support === 'full').length;
  const partial = rows.filter((r) => r.support === 'partial').length;
  let text = `${full} of ${rows.length} system calls are complete, ${partial} in part; the others return ENOSYS.\n\n`;
  text += '| number | name | support | arguments |\n|---|---|---|---|\n';
  for (const r of rows) text += `| ${r.number} | ${r.name} | ${r.support} | ${r.args} |\n`;
  process.stdout.write(text);
  return 0;
}
