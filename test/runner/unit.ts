/** Unit tests: node:test files beside the sources and in test/. Every leaf test counts. */
import { globSync } from 'node:fs';
import { run } from 'node:test';
import { join } from 'node:path';
import { root } from './command.ts';
import type { Results } from './results.ts';

/** Runs the test files whose path contains one of `patterns` (all without any). */
export async function runUnit(patterns: readonly string[], results: Results): Promise<void> {
  const files = globSync('{src,apps,test}/**/*.test.ts', { cwd: root }).sort();
  const wanted = files.filter((f) => patterns.length === 0 || patterns.some((p) => f.includes(p)));
  if (wanted.length === 0) return;
  const stream = run({ files: wanted.map((f) => join(root, f)), concurrency: 2, timeout: 300_000 });
  for await (const event of stream) {
    if (event.type !== 'test:pass' && event.type !== 'test:fail') continue;
    const { data } = event;
    if (data.details.type === 'suite') continue;
    // The file itself is reported as a test around its tests.
    const isFile = data.name === data.file || wanted.includes(data.name) || data.name.endsWith('.test.ts');
    const name = `${data.file?.replace(`${root}/`, '') ?? ''}/${data.name}`;
    if (event.type === 'test:fail') {
      const { error } = event.data.details;
      if (error.failureType === 'subtestsFailed') continue;
      const cause: unknown = error.cause;
      results.fail(name, cause instanceof Error ? (cause.stack ?? cause.message) : String(cause ?? error.message));
    } else if (data.skip) results.skip(name, typeof data.skip === 'string' ? data.skip : 'skipped by the test');
    else if (!isFile) results.pass(name);
  }
}
