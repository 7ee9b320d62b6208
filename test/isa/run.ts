/** The long form: node test/isa/run.ts [--forms REGEX] [--seed N] [--snippets N] [--states N] [--show N] [--rounds N] [--fast] [--tier 2]. Exit 1 on a difference. */
import { parseArgs } from 'node:util';
import { runComparison } from './comparison.ts';
import { ALL_FORMS } from './forms.ts';

const { values } = parseArgs({
  options: {
    forms: { type: 'string', default: '.' }, seed: { type: 'string', default: '1' }, snippets: { type: 'string', default: '4' }, states: { type: 'string', default: '64' },
    show: { type: 'string', default: '1' }, rounds: { type: 'string', default: '1' }, fast: { type: 'boolean', default: false }, tier: { type: 'string', default: '1' },
  },
});
const pattern = new RegExp(values.forms);
const forms = ALL_FORMS.filter(([template]) => pattern.test(template));
let bad = 0;
for (let round = 0; round < Number(values.rounds); round++) {
  const seed = Number(values.seed) + round * 1000;
  const r = runComparison({ forms, seed, snippets: Number(values.snippets), states: Number(values.states), show: Number(values.show), watch: !values.fast, tier: values.tier === '2' ? 2 : 1 });
  if (r.report) console.log(r.report);
  console.log(`seed ${seed}: ${r.states} states of ${forms.length} forms, ${r.failed.size} forms differ`);
  for (const [form, n] of r.failed) console.log(`  ${n}\t${form}`);
  bad += r.failed.size;
}
process.exitCode = bad ? 1 : 0;
