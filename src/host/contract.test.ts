/** What every host must do; Node's is the first to be held to it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { EEXIST, EISDIR, ELOOP, ENOENT, ENOTDIR, ENOTEMPTY, ENAMETOOLONG } from '../abi/errno.ts';
import { O_CREAT, O_EXCL, O_RDONLY, O_RDWR, O_WRONLY } from '../abi/fcntl.ts';
import { DT_DIR, DT_LNK, DT_REG, S_IFDIR, S_IFLNK, S_IFMT, S_IFREG } from '../abi/stat.ts';
import type { Host, HostDriver } from './host.ts';
import { HostStat } from './host-files.ts';
import { NodeHost } from './node/node-host.ts';

/** Runs a driver to its end. */
function drive(host: Host, driver: HostDriver): Promise<void> {
  return new Promise((done) => host.drive(driver, done));
}

function hostContract(name: string, make: () => Host, folder: string | null): void {
  describe(name, () => {
    const host = make();
    it('has clocks that go forward', () => {
      let last = host.monotonicNs();
      for (let i = 0; i < 1000; i++) {
        const now = host.monotonicNs();
        assert.ok(now >= last && Number.isInteger(now));
        last = now;
      }
      const t = { sec: 0, nsec: 0 };
      host.realtime(t);
      assert.ok(Math.abs(t.sec + t.nsec / 1e9 - Date.now() / 1000) < 0.1);
      assert.ok(t.nsec >= 0 && t.nsec < 1e9 && Number.isInteger(t.nsec));
    });
    it('has entropy', () => {
      const a = new Uint8Array(5000);
      const b = new Uint8Array(5000);
      host.random(a, 0, 5000);
      host.random(b, 0, 16);
      assert.notDeepEqual(a.subarray(0, 16), b.subarray(0, 16));
      assert.deepEqual(b.subarray(16), new Uint8Array(4984));
    });
    it('sleeps until the deadline, finely, and ends', async () => {
      const steps = [200_000, 5_000_000, 0, 50_000];
      let due = 0;
      let runs = 0;
      await drive(host, {
        run: () => {
          // A host may call too early: the same answer sends it back to sleep.
          const now = host.monotonicNs();
          if (now < due) return due;
          const step = steps[runs++];
          if (step === undefined) return -1;
          due = now + step;
          return step === 0 ? 0 : due;
        },
        hostSignal: () => {},
      });
      assert.equal(runs, steps.length + 1);
    });
    it('is woken from an endless sleep', async () => {
      let runs = 0;
      const end = drive(host, { run: () => (runs++ === 0 ? Infinity : -1), hostSignal: () => {} });
      setTimeout(() => host.wakeUp(), 5);
      await end;
      assert.equal(runs, 2);
    });
    const files = host.files;
    if (files === null || folder === null) return;
    it('returns errno for files', () => {
      const at = (n: string): string => join(folder, n);
      const s = new HostStat();
      const buf = new Uint8Array(64);
      assert.equal(files.open(at('none'), O_RDONLY, 0), ENOENT);
      assert.equal(files.lstat(at('none'), s), ENOENT);
      const fd = files.open(at('f'), O_RDWR | O_CREAT | O_EXCL, 0o640);
      assert.ok(fd >= 0);
      assert.equal(files.open(at('f'), O_RDWR | O_CREAT | O_EXCL, 0o640), EEXIST);
      buf.set([1, 2, 3], 10);
      assert.equal(files.pwrite(fd, buf, 10, 3, 5), 3);
      assert.equal(files.pread(fd, buf, 0, 64, 4), 4);
      assert.deepEqual([...buf.subarray(0, 4)], [0, 1, 2, 3]);
      assert.equal(files.pread(fd, buf, 0, 64, 100), 0);
      assert.equal(files.fstat(fd, s), 0);
      assert.equal(s.size, 8);
      assert.equal(s.mode, S_IFREG | 0o640);
      assert.equal(files.ftruncate(fd, 3), 0);
      assert.equal(files.fsync(fd, true), 0);
      files.close(fd);
      assert.ok(files.pread(fd, buf, 0, 1, 0) < 0);
      assert.equal(files.symlink('f', at('s')), 0);
      assert.equal(files.open(at('s'), O_RDONLY, 0), ELOOP);
      assert.equal(files.readlink(at('s')), 'f');
      assert.equal(files.lstat(at('s'), s), 0);
      assert.equal(s.mode & S_IFMT, S_IFLNK);
      assert.equal(files.mkdir(at('d'), 0o777), 0);
      assert.equal(files.lstat(at('d'), s), 0);
      assert.equal(s.mode, S_IFDIR | 0o777);
      assert.equal(files.open(at('d'), O_WRONLY, 0), EISDIR);
      assert.equal(files.link(at('f'), at('d/g')), 0);
      assert.equal(files.rmdir(at('d')), ENOTEMPTY);
      assert.equal(files.rename(at('d/g'), at('d/h')), 0);
      assert.equal(files.lstat(at('f/x'), s) === ENOTDIR || files.lstat(at('f/x'), s) === ENOENT, true);
      assert.equal(files.lstat(`/${'n'.repeat(5000)}`, s), ENAMETOOLONG);
      assert.equal(files.utimens(at('f'), 10, 500_000_000, 20, 0), 0);
      files.lstat(at('f'), s);
      assert.deepEqual([s.atimeSec, s.atimeNsec, s.mtimeSec, s.nlink], [10, 500_000_000, 20, 2]);
      assert.equal(files.chmod(at('f'), 0o600), 0);
      const odd = at('\xff\x80');
      files.close(files.open(odd, O_WRONLY | O_CREAT, 0o600));
      const types: number[] = [];
      const names = files.readdir(folder, types);
      if (typeof names === 'number') throw new Error(`readdir: ${names}`);
      const seen = names.map((n, i) => `${n} ${types[i]}`).sort();
      assert.deepEqual(seen, [`d ${DT_DIR}`, `f ${DT_REG}`, `s ${DT_LNK}`, `\xff\x80 ${DT_REG}`]);
      for (const n of ['d/h', 'f', 's', '\xff\x80']) assert.equal(files.unlink(at(n)), 0);
      assert.equal(files.unlink(at('f')), ENOENT);
      assert.equal(files.rmdir(at('d')), 0);
      assert.equal(typeof files.statfs(folder), 'object');
      assert.equal(files.realpath(`${folder}/.`), folder);
    });
  });
}

const folder = mkdtempSync(join(tmpdir(), 'vivarium-host-'));
after(() => rmSync(folder, { recursive: true, force: true }));
hostContract('node', () => new NodeHost(), folder);
