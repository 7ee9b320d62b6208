/** Translations kept between runs, as the owner of a cache folder meets them. */
import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { after } from 'node:test';
import { vivarium } from '../runner/command.ts';

const folder = mkdtempSync(join(tmpdir(), 'vivarium-translations.'));
after(() => rmSync(folder, { recursive: true, force: true }));

/** Runs a program with the cache `name`: its output, exit status, and how many regions came from the cache. */
function run(name: string, ...words: string[]): { out: string; status: number | null; stored: number; made: number } {
  const r = spawnSync(vivarium, ['do', '--stats', '--cache', join(folder, name), '--', ...words], { encoding: 'utf8', timeout: 120_000, cwd: folder });
  const stat = (key: string): number => Number(new RegExp(`${key} +(\\d+)`).exec(r.stderr)?.[1] ?? -1);
  return { out: r.stdout, status: r.status, stored: stat('regionsStored'), made: stat('regionsInterpreted') + stat('regionsTranslated') };
}
const images = (name: string): string[] => readdirSync(join(folder, name));

test('a second run takes what the first has made', () => {
  const first = run('hit', '/bin/echo', 'hello');
  assert.deepEqual([first.out, first.status, first.stored], ['hello\n', 0, 0]);
  const second = run('hit', '/bin/echo', 'hello');
  assert.deepEqual([second.out, second.status], ['hello\n', 0]);
  assert.ok(second.stored > 100, `${second.stored} regions were stored`);
  assert.ok(second.made * 10 < first.made, `${second.made} of ${first.made} were made again`);
});

test('a damaged or cut image is not used, and replaced', () => {
  run('bad', '/bin/echo', 'hello');
  const [name = ''] = images('bad');
  const path = join(folder, 'bad', name);
  const whole = readFileSync(path);
  const damaged = Buffer.from(whole);
  damaged[damaged.length >> 1]! ^= 0xff;
  writeFileSync(path, damaged);
  const after = run('bad', '/bin/echo', 'hello');
  assert.deepEqual([after.out, after.status, after.stored], ['hello\n', 0, 0]);
  assert.ok(run('bad', '/bin/echo', 'hello').stored > 100);
  truncateSync(path, whole.length - 1000);
  const cut = run('bad', '/bin/echo', 'hello');
  assert.deepEqual([cut.out, cut.stored], ['hello\n', 0]);
});

test('programs that lie at the same address, in one image', () => {
  // Each program's code is at the address of a position-independent executable: the image's slots serve them all.
  const script = 'for i in 1 2 3; do x=$(echo $i | cat); done; echo $x; seq 100 | sort -n | tail -n 1 | wc -l';
  for (let k = 0; k < 4; k++) {
    const r = spawnSync(vivarium, ['do', '--cache', join(folder, 'shared'), '--', '/bin/bash', '-c', script], { encoding: 'utf8', timeout: 60_000, killSignal: 'SIGKILL' });
    assert.equal(r.stdout, '3\n1\n', `run ${k}`);
  }
});

test('another program under the same name is itself', () => {
  const program = join(folder, 'program');
  copyFileSync('/bin/true', program);
  assert.equal(run('changed', program).status, 0);
  assert.equal(run('changed', program).status, 0);
  copyFileSync('/bin/false', program);
  assert.equal(run('changed', program).status, 1);
  assert.equal(run('changed', program).status, 1);
});

test('several that write at once leave one whole image', async () => {
  const one = (): Promise<number | null> =>
    new Promise((resolve) => {
      spawn(vivarium, ['do', '--cache', join(folder, 'many'), '--', '/bin/echo', 'x'], { stdio: 'ignore' }).on('close', resolve);
    });
  assert.deepEqual(await Promise.all([one(), one(), one(), one()]), [0, 0, 0, 0]);
  assert.equal(images('many').length, 1);
  assert.ok(run('many', '/bin/echo', 'x').stored > 100);
});

test('without a cache, or with one that cannot be written, programs run all the same', () => {
  writeFileSync(join(folder, 'file'), '');
  const none = run('file', '/bin/echo', 'x');
  assert.deepEqual([none.out, none.status, none.stored], ['x\n', 0, 0]);
  const r = spawnSync(vivarium, ['do', '--no-cache', '--', '/bin/echo', 'y'], { encoding: 'utf8', env: { PATH: '/bin', XDG_CACHE_HOME: join(folder, 'unused') } });
  assert.equal(r.stdout, 'y\n');
  assert.ok(!readdirSync(folder).includes('unused'));
});
