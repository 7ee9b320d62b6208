/**
 * Runs the bundled command once and writes down which of its functions have run, as V8's code cache: `warm-up.ts BUNDLE CACHE ARGUMENTS…`. What is in CACHE already
 * stays. scripts/build.ts takes it into the start-up snapshot, so that a start compiles none of them again.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { Script } from 'node:vm';
import { HEAD, TAIL } from './bundle-function.ts';

const [bundle = '', cache = '', ...words] = process.argv.slice(2);
// No function is forgotten for not having run of late. The cache is for a V8 with the usual flags, so they are usual again when it is made.
const known = existsSync(cache) ? readFileSync(cache) : undefined;
const script = new Script(`${HEAD}${readFileSync(bundle, 'utf8')}${TAIL}`, { filename: bundle, columnOffset: -HEAD.length, ...(known === undefined ? {} : { cachedData: known }) });
setFlagsFromString('--no-flush-bytecode');
process.argv.splice(2, process.argv.length, ...words);
process.on('exit', () => {
  setFlagsFromString('--flush-bytecode');
  writeFileSync(cache, script.createCachedData());
});
script.runInThisContext()({}, createRequire(bundle), { exports: {} }, bundle, dirname(bundle));
