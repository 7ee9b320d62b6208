/** What a run of checks found: collected here, printed as one line each when something is wrong, and as the summary line at the end. */
import { existsSync, readFileSync } from 'node:fs';
import { root } from './command.ts';

/** `test/known-failures`: a name and why it fails, a line each, separated by ` | `. `NAME on FLAG`: where the machine's processor has that flag in /proc/cpuinfo. */
function readKnownFailures(): Map<string, string> {
  const known = new Map<string, string>();
  const file = `${root}/test/known-failures`;
  if (!existsSync(file)) return known;
  for (const line of readFileSync(file, 'utf8').split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const [name, reason] = line.split(' | ');
    if (!name || !reason) throw new Error(`test/known-failures: "${line}" is not NAME | REASON`);
    const [test, flag] = name.trim().split(' on ');
    if (flag === undefined || new RegExp(`^flags.* ${flag}( |$)`, 'm').test(readFileSync('/proc/cpuinfo', 'utf8'))) known.set(test!, reason); // split gives at least one
  }
  return known;
}

export class Results {
  passed = 0;
  failed = 0;
  skipped = 0;
  known = 0;
  private readonly knownFailures: Map<string, string> = readKnownFailures();

  pass(name: string): void {
    if (this.knownFailures.has(name)) {
      this.failed++;
      console.log(`FAIL  ${name}: it passes now: take it off test/known-failures`);
    } else this.passed++;
  }

  /** `detail` may have several lines; they are indented under the name. */
  fail(name: string, detail: string): void {
    if (this.knownFailures.has(name)) {
      this.known++;
      return;
    }
    this.failed++;
    console.log(`FAIL  ${name}: ${detail.trimEnd().replaceAll('\n', '\n        ')}`);
  }

  skip(name: string, why: string): void {
    this.skipped++;
    console.log(`SKIP  ${name}: ${why}`);
  }

  summary(): string {
    const known = this.known > 0 ? ` (and ${this.known} known failures, reasons in test/known-failures)` : '';
    return `${this.passed} passed, ${this.failed} failed, ${this.skipped} skipped${known}`;
  }
}
