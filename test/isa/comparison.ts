/** The comparison itself: snippets and states from a seed, run natively and inside. */
import { differences, describe } from './compare.ts';
import { Inside, setWatchFlags, watchFlags } from './inside.ts';
import { NativeRunner } from './native.ts';
import { Random } from './random.ts';
import { RECORD } from './record.ts';
import { makeSnippets } from './snippets.ts';
import type { Form } from './snippets.ts';
import { makeState } from './states.ts';

export interface ComparisonOptions {
  readonly forms: readonly Form[];
  readonly seed: number;
  /** Snippets of each form, states of each snippet. */
  readonly snippets: number;
  readonly states: number;
  /** Differences shown of each form. */
  readonly show?: number;
  /** Every SSE exception flag is watched (the exact path); false tests the fast path. */
  readonly watch?: boolean;
  /** Translation tier, 1 unless given. */
  readonly tier?: 0 | 1 | 2;
}
export interface ComparisonResult {
  readonly states: number;
  /** Forms that differ, with the number of states. */
  readonly failed: Map<string, number>;
  readonly report: string;
}

/** States a native run takes at once. */
const BATCH = 16384;

export function runComparison(o: ComparisonOptions): ComparisonResult {
  setWatchFlags(o.watch ?? true);
  const { snippets, code } = makeSnippets(o.forms, o.snippets, o.seed);
  const native = new NativeRunner(code);
  const inside = new Inside(code, o.tier ?? 1);
  const rnd = new Random(o.seed + 1);
  const failed = new Map<string, number>();
  const lines: string[] = [];
  let total = 0;
  try {
    const perBatch = Math.max(1, Math.floor(BATCH / o.states));
    for (let first = 0; first < snippets.length; first += perBatch) {
      const some = snippets.slice(first, first + perBatch);
      const records = new Uint8Array(some.length * o.states * RECORD);
      some.forEach((s, k) => {
        for (let j = 0; j < o.states; j++) makeState(records, (k * o.states + j) * RECORD, s, first + k, rnd);
      });
      const expected = native.run(records);
      const got = records.slice();
      inside.clear();
      for (let k = 0; k < some.length * o.states; k++) {
        const at = k * RECORD;
        const snippet = some[Math.floor(k / o.states)]!;
        inside.run(got, at);
        total++;
        const before = records.subarray(at, at + RECORD);
        const d = differences(snippet, before, expected.subarray(at, at + RECORD), got.subarray(at, at + RECORD), watchFlags);
        if (d.length === 0) continue;
        const form = snippet.form[0];
        const n = failed.get(form) ?? 0;
        failed.set(form, n + 1);
        if (n < (o.show ?? 1)) lines.push(`${snippet.text}    [${form}]`, ...d.map((x) => `    ${x}`), `    before: ${describe(snippet, before)}`);
      }
    }
  } finally {
    native.close();
  }
  return { states: total, failed, report: lines.join('\n') };
}
