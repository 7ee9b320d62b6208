/**
 * The short form of the comparison with the processor: over a million states of all instruction forms, in about a minute.
 * Long form: `node test/isa/run.ts --rounds 1000` (see there). A failing seed is added to SEEDS.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runComparison } from './comparison.ts';
import { INTEGER_FORMS } from './forms-integer.ts';
import { MMX_FORMS } from './forms-mmx.ts';
import { RARE_FORMS } from './forms-rare.ts';
import { SEQUENCE_FORMS } from './forms-sequence.ts';
import { SSE_FORMS } from './forms-sse.ts';
import { X87_FORMS } from './forms-x87.ts';
import type { Form } from './snippets.ts';

/** Seeds that once failed, and one for today. */
const SEEDS: readonly number[] = [1];

function compare(name: string, forms: readonly Form[], snippets: number, states: number, watch: boolean, tier: 0 | 1 | 2): void {
  for (const seed of SEEDS)
    test(`${name}, seed ${seed}`, () => {
      const r = runComparison({ forms, seed, snippets, states, watch, tier });
      console.log(`${name}: ${r.states} states of ${forms.length} forms`);
      assert.equal(r.failed.size, 0, `${r.failed.size} forms differ from the processor\n${r.report}`);
    });
}

compare('integer, interpreted', INTEGER_FORMS, 4, 40, true, 0);
compare('integer', INTEGER_FORMS, 4, 60, true, 1);
compare('integer, second tier', INTEGER_FORMS, 4, 60, true, 2);
compare('SSE, fast path', SSE_FORMS, 4, 200, false, 1);
compare('SSE, fast path, second tier', SSE_FORMS, 4, 150, false, 2);
compare('SSE, interpreted', SSE_FORMS, 4, 100, false, 0);
compare('SSE, exact path', SSE_FORMS, 2, 100, true, 1);
compare('MMX', MMX_FORMS, 2, 100, true, 2);
compare('MMX, interpreted', MMX_FORMS, 2, 50, true, 0);
compare('x87, interpreted', X87_FORMS, 2, 30, true, 0);
compare('x87', X87_FORMS, 2, 60, true, 1);
compare('rare', RARE_FORMS, 1, 30, true, 1);
compare('rare, interpreted', RARE_FORMS, 1, 30, true, 0);
compare('sequences, interpreted', SEQUENCE_FORMS, 4, 30, true, 0);
compare('sequences', SEQUENCE_FORMS, 4, 30, true, 1);
compare('sequences, second tier', SEQUENCE_FORMS, 4, 30, false, 2);
