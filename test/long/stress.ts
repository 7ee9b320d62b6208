/**
 * stress-ng's stressors one by one, natively and inside, a few seconds each with --verify: `npm run stress [-- STRESSOR…]`.
 * Prints a Markdown table (kept in docs/stress-ng.md). A stressor that succeeds natively and not inside fails the run. Natively it is only run when it
 * did not succeed inside: that is all that is asked, and the machine is spared. STRESS_SECONDS, STRESS_CLASSES (names with commas between) choose.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand, vivarium } from '../runner/command.ts';

const CLASSES = (process.env['STRESS_CLASSES'] ?? 'cpu,memory,pipe,scheduler,interrupt,filesystem,os').split(',');
/** Too hard on the machine that runs the tests, or about devices that are not there. */
const LEFT_OUT: ReadonlySet<string> = new Set(['bigheap', 'brk', 'dev', 'dev-shm', 'efivar', 'forkheavy', 'fork', 'hdd', 'klog', 'ramfs', 'resources', 'swap', 'sysbadaddr', 'sysinval', 'sysfs', 'procfs', 'zombie', 'enosys', 'rlimit', 'watchdog', 'shm', 'stack', 'module', 'netdev', 'oom-pipe', 'remap', 'smi', 'softlockup', 'cpu-online', 'physpage']);
const SECONDS = Number(process.env['STRESS_SECONDS'] ?? 3);
/** A stressor that has not ended by then, inside, counts as hung. */
const LIMIT = SECONDS * 10 + 60;

const directory = mkdtempSync(join(tmpdir(), 'stress-'));
const list = async (name: string): Promise<string[]> => {
  const r = await runCommand(['stress-ng', '--class', `${name}?`], directory, 20);
  return /stressors: (.*)/.exec(r.stdout + r.stderr)?.[1]?.trim().split(/\s+/) ?? [];
};
const chosen = process.argv.slice(2);
const stressors = chosen.length > 0 ? chosen : [...new Set((await Promise.all(CLASSES.map(list))).flat())].filter((name) => !LEFT_OUT.has(name)).sort();

/** What a run says: its status, and the first line that complains. */
const verdict = (r: { status: number | string; stdout: string; stderr: string }): string => {
  const complaint = /(?:fail|error):\s+\[\d+\]\s+(.*)/.exec(r.stdout + r.stderr)?.[1] ?? '';
  return r.status === 0 ? 'ok' : r.status === 3 || r.status === 4 ? `not supported (${r.status})` : `${r.status}${complaint ? `: ${complaint.slice(0, 100)}` : ''}`;
};
console.log('| stressor | native | inside |\n|---|---|---|');
let passed = 0;
let failed = 0;
let skipped = 0;
for (const name of stressors) {
  const argv = ['stress-ng', `--${name}`, '1', '--timeout', `${SECONDS}`, '--verify', '--temp-path', '/tmp', '--oomable'];
  const inside = verdict(await runCommand([vivarium, 'do', '--', ...argv], directory, LIMIT));
  const native = inside === 'ok' ? '' : verdict(await runCommand(argv, directory, LIMIT));
  if (native !== 'ok' && inside !== 'ok') skipped++;
  else if (inside === 'ok' || inside === native) passed++;
  else failed++;
  console.log(`| ${name} | ${native} | ${inside} |`);
}
rmSync(directory, { recursive: true, force: true });
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;
