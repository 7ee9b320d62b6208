/** The package as somebody who installs it meets it: packed, installed into an empty project, imported, type-checked, its command run. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { root } from '../runner/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'vivarium-package.'));
after(() => rmSync(folder, { recursive: true, force: true }));

function sh(command: string): { status: number | null; out: string } {
  const r = spawnSync('/bin/sh', ['-c', command], { cwd: folder, encoding: 'utf8', timeout: 180_000, env: { ...process.env, ROOT: root, NODE: process.execPath } });
  return { status: r.status, out: r.stdout + r.stderr };
}

const PROGRAM = `
import { createSandbox, run, SetupError, type RunResult } from 'vivarium';
const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);
async function* slowly(): AsyncGenerator<Uint8Array> {
  for (const word of ['one ', 'two']) {
    await new Promise((resolve) => setTimeout(resolve, 50));
    yield new TextEncoder().encode(word);
  }
}
// Two machines in one process, at the same time.
const both: RunResult[] = await Promise.all([
  run(['sh', '-c', 'read x; echo "got $x, $1"; echo err >&2; exit 3', 'sh', 'grün'], { stdin: 'hello\\n' }),
  run(['sh', '-c', 'cat; uname -n'], { stdin: slowly(), hostname: 'second' }),
]);
for (const { status, stdout, stderr } of both) console.log(JSON.stringify(status), JSON.stringify(text(stdout)), JSON.stringify(text(stderr)));
let seen = '';
const sandbox = await createSandbox({ env: ['PATH=/usr/bin:/bin'], stdio: { stdout: (bytes) => { seen += text(bytes); if (seen === 'on\\n') sandbox.kill(); } } });
console.log(JSON.stringify(await sandbox.run(['sh', '-c', 'echo on; while :; do :; done'])), seen.trim());
try {
  await run(['true'], { mounts: [{ host: '/no/such', guest: '/x' }] });
} catch (error) {
  console.log(error instanceof SetupError, (error as Error).message);
}
console.log(process.umask() !== 0, process.listenerCount('SIGINT'));
`;

test('npm pack, npm install, import, types, command', () => {
  const packed = sh('npm pack --silent --pack-destination . "$ROOT" && mkdir app && cd app && printf \'{"name":"app","type":"module","private":true}\' > package.json && npm install --offline --silent --no-audit --no-fund ../vivarium-*.tgz');
  assert.equal(packed.status, 0, packed.out);
  writeFileSync(join(folder, 'app/main.ts'), PROGRAM);
  const types = sh('cd app && "$NODE" "$ROOT/node_modules/typescript/bin/tsc" --noEmit --strict --target es2022 --module nodenext --types node --typeRoots "$ROOT/node_modules/@types" main.ts');
  assert.equal(types.out, '');
  const ran = sh('cd app && "$NODE" main.ts');
  assert.deepEqual(ran.out.trim().split('\n'), [
    '{"kind":"exited","code":3} "got hello, grün\\n" "err\\n"',
    '{"kind":"exited","code":0} "one twosecond\\n" ""',
    '{"kind":"signaled","signal":9,"coreDumped":false} on',
    'true /no/such: cannot be opened on the host',
    'true 0',
  ]);
  const command = sh('cd app && PATH=$(dirname "$NODE"):$PATH node_modules/.bin/vivarium do -- /bin/echo installed');
  assert.equal(command.out, 'installed\n');
});
