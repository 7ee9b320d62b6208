/** One suite for every file system that can be written: tmpfs, a host directory, an overlay of both. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync, mkdirSync, symlinkSync, linkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { EEXIST, EINVAL, EISDIR, ELOOP, ENOENT, ENOTDIR, ENOTEMPTY, EXDEV, type Errno, EROFS, EBUSY } from '../abi/errno.ts';
import {
  O_APPEND, O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY, RENAME_EXCHANGE, RENAME_NOREPLACE, RESOLVE_BENEATH, RESOLVE_IN_ROOT,
  RESOLVE_NO_SYMLINKS, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE,
} from '../abi/fcntl.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import { Credentials } from '../auth/credentials.ts';
import { UserNamespace } from '../auth/user-namespace.ts';
import { BytesIoVector } from '../base/io-vector.ts';
import { NodeFiles } from '../host/node/files.ts';
import { PhysicalMemory } from '../memory/physical-memory.ts';
import { changeAttributes } from '../vfs/attributes.ts';
import type { VfsContext } from '../vfs/context.ts';
import { pathName } from '../vfs/dentry-path.ts';
import { FdTable } from '../vfs/fd-table.ts';
import type { DirectoryEmitter, FileDescription } from '../vfs/file-description.ts';
import { FsContext } from '../vfs/fs-context.ts';
import { ATTR_MODE, ATTR_UID, SetAttributes } from '../vfs/inode.ts';
import { Mount } from '../vfs/mount.ts';
import { MountNamespace } from '../vfs/mount-namespace.ts';
import { makeDirectory, makeLink, makeSymlink, removeDirectory, renameName, unlinkName } from '../vfs/namespace-ops.ts';
import { checkOpenFlags, openPath } from '../vfs/open.ts';
import { LOOKUP_FOLLOW, pathWalk } from '../vfs/path-walk.ts';
import type { SuperBlock } from '../vfs/super-block.ts';
import { Vfs } from '../vfs/vfs.ts';
import { HostFileSystem } from './host/host-file-system.ts';
import { OverlayFs } from './overlay/overlay-fs.ts';
import { Tmpfs } from './tmpfs/tmpfs.ts';

const memory = new PhysicalMemory({ buffer: new ArrayBuffer(2048 * 4096) }, 16);
const clock = {
  sec: 0,
  nsec: 0,
  coarse(): void {},
  update(): void {
    const ms = Date.now();
    this.sec = Math.floor(ms / 1000);
    this.nsec = (ms % 1000) * 1e6;
  },
};

function contextFor(vfs: Vfs, sb: SuperBlock): VfsContext {
  const root = new MountNamespace(vfs, new Mount(sb, sb.root, 0, 'test'), UserNamespace.initial(), 1).rootPath();
  return {
    credentials: new Credentials(UserNamespace.initial()),
    fs: new FsContext(root, root, 0o022),
    fdTable: new FdTable(),
    space: null as never,
    tgid: 1,
    fileSizeLimit: Infinity,
    openFilesLimit: 1024,
    mountNamespace: null,
    syscall: { again: false, progress: 0, deadline: -1, timedOut: false, object: null },
    monotonicNs: () => 0,
    wait: () => EINVAL,
    signalPending: () => false,
    sendSignal: () => {},
  };
}

function open(ctx: VfsContext, name: string, flags: number, mode = 0o644, resolve = 0): FileDescription | Errno {
  const f = checkOpenFlags(flags, mode, false);
  return f < 0 ? (f as Errno) : openPath(ctx, null, name, f, mode, resolve);
}
function opened(ctx: VfsContext, name: string, flags: number, mode = 0o644): FileDescription {
  const f = open(ctx, name, flags, mode);
  if (typeof f === 'number') throw new Error(`open ${name}: ${f}`);
  return f;
}
function write(ctx: VfsContext, f: FileDescription, text: string, offset = -1): number {
  return f.write(ctx, new BytesIoVector(Buffer.from(text, 'latin1')), offset);
}
function read(ctx: VfsContext, f: FileDescription, len = 100, offset = -1): string {
  const b = new Uint8Array(len);
  const n = f.read(ctx, new BytesIoVector(b), offset);
  if (n < 0) throw new Error(`read: ${n}`);
  return Buffer.from(b.subarray(0, n)).toString('latin1');
}
function put(ctx: VfsContext, name: string, text: string): void {
  const f = opened(ctx, name, O_WRONLY | O_CREAT | O_TRUNC);
  assert.equal(write(ctx, f, text), text.length);
  f.unref();
}
function get(ctx: VfsContext, name: string): string {
  const f = opened(ctx, name, O_RDONLY);
  const s = read(ctx, f);
  f.unref();
  return s;
}
function list(ctx: VfsContext, name: string): string[] {
  const f = opened(ctx, name, O_RDONLY | O_DIRECTORY);
  const names: string[] = [];
  const emitter: DirectoryEmitter = { emit: (n) => names.push(n) > 0 };
  assert.equal(f.iterate(ctx, emitter), 0);
  f.unref();
  return names.filter((n) => n !== '.' && n !== '..').sort();
}
function stat(ctx: VfsContext, name: string, flags = LOOKUP_FOLLOW): ReturnType<typeof current> {
  const r = pathWalk.walk(ctx, null, name, flags, 0);
  if (r < 0) throw new Error(`stat ${name}: ${r}`);
  return current(ctx);
}
function current(ctx: VfsContext): typeof pathWalk.inode {
  pathWalk.inode.refresh(ctx);
  return pathWalk.inode;
}
function lookup(ctx: VfsContext, name: string): number {
  return pathWalk.walk(ctx, null, name, LOOKUP_FOLLOW, 0);
}

const temporary: string[] = [];
function hostDirectory(): string {
  const d = mkdtempSync(join(tmpdir(), 'vivarium-'));
  temporary.push(d);
  return d;
}
after(() => temporary.forEach((d) => rmSync(d, { recursive: true, force: true })));

function hostFs(vfs: Vfs, root: string, writable: boolean): HostFileSystem {
  const sb = HostFileSystem.open(vfs, new NodeFiles(), { root, writable, cached: !writable });
  if (typeof sb === 'number') throw new Error(`host: ${sb}`);
  return sb;
}

const kinds: Record<string, (vfs: Vfs) => SuperBlock> = {
  tmpfs: (vfs) => new Tmpfs(vfs, { mode: 0o755 }),
  'host rw': (vfs) => hostFs(vfs, hostDirectory(), true),
  'overlay on host': (vfs) =>
    new OverlayFs(vfs, {
      upper: new Tmpfs(vfs, { mode: 0o755 }).root.inode, lowers: [hostFs(vfs, hostDirectory(), false).root.inode!], redirect: true, transparent: true, shownOptions: '',
    }),
};

for (const [kind, make] of Object.entries(kinds)) {
  describe(kind, () => {
    const vfs = new Vfs(memory, clock);
    const ctx = contextFor(vfs, make(vfs));

    it('creates, writes, reads, appends, truncates', () => {
      put(ctx, '/a', 'hello');
      assert.equal(get(ctx, '/a'), 'hello');
      const f = opened(ctx, 'a', O_RDWR | O_APPEND);
      assert.equal(write(ctx, f, ' world'), 6);
      assert.equal(f.pos, 11);
      assert.equal(read(ctx, f, 5, 0), 'hello');
      assert.equal(stat(ctx, 'a').size, 11);
      assert.equal(f.truncate(ctx, 4), 0);
      assert.equal(get(ctx, '/a'), 'hell');
      f.unref();
      put(ctx, '/a', 'x');
      assert.equal(stat(ctx, '/a').size, 1);
    });
    it('refuses as Linux does', () => {
      assert.equal(open(ctx, '/a', O_CREAT | O_EXCL | O_RDWR), EEXIST);
      assert.equal(open(ctx, '/none', O_RDONLY), ENOENT);
      assert.equal(open(ctx, '/a/b', O_RDONLY), ENOTDIR);
      assert.equal(open(ctx, '/a/', O_RDONLY), ENOTDIR);
      assert.equal(open(ctx, '/new/', O_CREAT | O_RDWR), EISDIR);
      assert.equal(open(ctx, '/', O_WRONLY), EISDIR);
      assert.equal(open(ctx, '', O_RDONLY), ENOENT);
      assert.equal(makeDirectory(ctx, null, '/', 0o755), EEXIST);
      assert.equal(removeDirectory(ctx, null, '/.'), EINVAL);
      assert.equal(removeDirectory(ctx, null, '/'), EBUSY);
      assert.equal(unlinkName(ctx, null, '/none'), ENOENT);
    });
    it('makes, lists and removes directories', () => {
      assert.equal(makeDirectory(ctx, null, '/d', 0o777), 0);
      assert.equal(stat(ctx, '/d').mode, 0o040755);
      const links = stat(ctx, '/d').nlink;
      assert.equal(makeDirectory(ctx, null, '/d/e/', 0o700), 0);
      assert.ok(links === 1 || stat(ctx, '/d').nlink === links + 1);
      put(ctx, '/d/f', '1');
      assert.deepEqual(list(ctx, '/d'), ['e', 'f']);
      assert.equal(unlinkName(ctx, null, '/d'), EISDIR);
      assert.equal(removeDirectory(ctx, null, '/d'), ENOTEMPTY);
      assert.equal(removeDirectory(ctx, null, '/d/f'), ENOTDIR);
      assert.equal(unlinkName(ctx, null, '/d/f'), 0);
      assert.equal(removeDirectory(ctx, null, '/d/e'), 0);
      assert.equal(removeDirectory(ctx, null, '/d'), 0);
      assert.equal(lookup(ctx, '/d'), ENOENT);
    });
    it('keeps an unlinked open file', () => {
      const f = opened(ctx, '/u', O_RDWR | O_CREAT);
      write(ctx, f, 'kept');
      assert.equal(unlinkName(ctx, null, '/u'), 0);
      assert.equal(lookup(ctx, '/u'), ENOENT);
      assert.equal(read(ctx, f, 10, 0), 'kept');
      assert.equal(write(ctx, f, '!', 4), 1);
      assert.equal(read(ctx, f, 10, 0), 'kept!');
      assert.ok(pathName(f.path).endsWith('/u (deleted)'));
      f.unref();
    });
    it('links and symlinks', () => {
      put(ctx, '/l1', 'one');
      assert.equal(makeLink(ctx, null, '/l1', null, '/l2', 0), 0);
      assert.equal(stat(ctx, '/l1').ino, stat(ctx, '/l2').ino);
      assert.equal(stat(ctx, '/l1').nlink, 2);
      put(ctx, '/l2', 'two');
      assert.equal(get(ctx, '/l1'), 'two');
      assert.equal(unlinkName(ctx, null, '/l1'), 0);
      assert.equal(stat(ctx, '/l2').nlink, 1);
      assert.equal(makeSymlink(ctx, 'l2', null, '/s'), 0);
      assert.equal(get(ctx, '/s'), 'two');
      assert.equal(open(ctx, '/s', O_RDONLY | O_NOFOLLOW), ELOOP);
      assert.equal(open(ctx, '/s', O_RDONLY, 0, RESOLVE_NO_SYMLINKS), ELOOP);
      makeSymlink(ctx, 'loop', null, '/loop');
      assert.equal(lookup(ctx, '/loop'), ELOOP);
      makeSymlink(ctx, 'made', null, '/dangling');
      put(ctx, '/dangling', 'through');
      assert.equal(get(ctx, '/made'), 'through');
      assert.equal(open(ctx, '/dangling', O_CREAT | O_EXCL | O_WRONLY), EEXIST);
    });
    it('renames', () => {
      makeDirectory(ctx, null, '/r', 0o755);
      put(ctx, '/r/a', 'a');
      put(ctx, '/r/b', 'b');
      assert.equal(renameName(ctx, null, '/r/a', null, '/r/c', 0), 0);
      assert.equal(lookup(ctx, '/r/a'), ENOENT);
      assert.equal(get(ctx, '/r/c'), 'a');
      assert.equal(renameName(ctx, null, '/r/c', null, '/r/b', RENAME_NOREPLACE), EEXIST);
      assert.equal(renameName(ctx, null, '/r/c', null, '/r/b', 0), 0);
      assert.equal(get(ctx, '/r/b'), 'a');
      makeDirectory(ctx, null, '/r/d', 0o755);
      put(ctx, '/r/d/x', 'x');
      assert.equal(renameName(ctx, null, '/r', null, '/r/d/y', 0), EINVAL);
      assert.equal(renameName(ctx, null, '/r/d', null, '/r2', 0), 0);
      assert.equal(get(ctx, '/r2/x'), 'x');
      assert.equal(renameName(ctx, null, '/r2', null, '/r/b', 0), ENOTDIR);
      assert.equal(renameName(ctx, null, '/r/b', null, '/r2', 0), EISDIR);
      assert.deepEqual(list(ctx, '/r'), ['b']);
    });
    if (kind !== 'host rw')
      it('exchanges', () => {
        put(ctx, '/x1', '1');
        put(ctx, '/x2', '2');
        assert.equal(renameName(ctx, null, '/x1', null, '/x2', RENAME_EXCHANGE), 0);
        assert.equal(get(ctx, '/x1'), '2');
        assert.equal(get(ctx, '/x2'), '1');
      });
    it('sparse files', () => {
      const f = opened(ctx, '/sparse', O_RDWR | O_CREAT);
      write(ctx, f, 'end', 1_000_000);
      assert.equal(stat(ctx, '/sparse').size, 1_000_003);
      assert.equal(read(ctx, f, 4, 500_000), '\0\0\0\0');
      if (kind !== 'host rw') {
        assert.equal(f.seek(ctx, 0, SEEK_DATA), 999_424);
        assert.equal(f.seek(ctx, 0, SEEK_HOLE), 0);
        assert.ok(stat(ctx, '/sparse').blocks <= 16);
        assert.equal(f.fallocate(ctx, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 999_424, 4096), 0);
        assert.equal(read(ctx, f, 3, 1_000_000), '\0\0\0');
      }
      assert.equal(f.seek(ctx, 0, SEEK_END), 1_000_003);
      assert.equal(f.seek(ctx, -1, SEEK_SET), EINVAL);
      f.unref();
    });
    it('resolves beneath and in root', () => {
      makeDirectory(ctx, null, '/jail', 0o755);
      makeSymlink(ctx, '/a', null, '/jail/abs');
      makeSymlink(ctx, '../a', null, '/jail/up');
      put(ctx, '/jail/a', 'inner');
      pathWalk.walk(ctx, null, '/jail', 0, 0);
      const jail = pathWalk.path();
      assert.equal(openPath(ctx, jail, '../a', 0, 0, RESOLVE_BENEATH), EXDEV);
      assert.equal(openPath(ctx, jail, 'abs', 0, 0, RESOLVE_BENEATH), EXDEV);
      for (const name of ['abs', 'up', '/a', '../../a']) {
        const f = openPath(ctx, jail, name, 0, 0, RESOLVE_IN_ROOT);
        if (typeof f === 'number') throw new Error(`${name}: ${f}`);
        assert.equal(read(ctx, f), 'inner');
        f.unref();
      }
    });
    it('changes attributes', () => {
      put(ctx, '/attr', 'x');
      const a = new SetAttributes();
      a.valid = ATTR_MODE;
      a.mode = 0o6755;
      assert.equal(changeAttributes(ctx, stat(ctx, '/attr'), a), 0);
      assert.equal(stat(ctx, '/attr').mode & 0o7777, 0o6755);
      if (process.getuid!() !== 0) return;
      a.valid = ATTR_UID;
      a.uid = 1000 as KUid;
      a.gid = 1000 as KGid;
      assert.equal(changeAttributes(ctx, stat(ctx, '/attr'), a), 0);
      assert.equal(stat(ctx, '/attr').uid, 1000);
      // chown takes the setuid and setgid bits away.
      assert.equal(stat(ctx, '/attr').mode & 0o7777, 0o755);
    });
    it('keeps odd names', () => {
      const name = '/\xff\x01 \xe4';
      put(ctx, name, 'odd');
      assert.equal(get(ctx, name), 'odd');
      assert.ok(list(ctx, '/').includes(name.slice(1)));
      assert.equal(unlinkName(ctx, null, name), 0);
    });
    it('lists while entries are removed', () => {
      makeDirectory(ctx, null, '/many', 0o755);
      for (let i = 0; i < 200; i++) put(ctx, `/many/${i}`, '');
      const f = opened(ctx, '/many', O_RDONLY);
      let seen = 0;
      for (;;) {
        const names: string[] = [];
        f.iterate(ctx, { emit: (n) => (names.length < 7 ? (names.push(n), true) : false) });
        if (names.length === 0) break;
        for (const n of names) if (n !== '.' && n !== '..') {
          seen++;
          assert.equal(unlinkName(ctx, null, '/many/' + n), 0);
        }
        if (kind === 'host rw') break; // positions of a host listing move when it changes
      }
      f.unref();
      if (kind !== 'host rw') {
        assert.equal(seen, 200);
        assert.equal(removeDirectory(ctx, null, '/many'), 0);
      }
    });
  });
}

describe('overlay over files of the host', () => {
  const dir = hostDirectory();
  mkdirSync(join(dir, 'sub/deep'), { recursive: true });
  writeFileSync(join(dir, 'file'), 'lower');
  linkSync(join(dir, 'file'), join(dir, 'hard'));
  writeFileSync(join(dir, 'sub/one'), '1');
  writeFileSync(join(dir, 'sub/deep/two'), '2');
  symlinkSync('file', join(dir, 'link'));
  const vfs = new Vfs(memory, clock);
  const lower = hostFs(vfs, dir, false);
  const ctx = contextFor(
    vfs,
    new OverlayFs(vfs, { upper: new Tmpfs(vfs, { mode: 0o755 }).root.inode, lowers: [lower.root.inode!], redirect: true, transparent: true, shownOptions: '' }),
  );

  it('reads through, copies up on write, leaves the host alone', () => {
    assert.equal(get(ctx, '/file'), 'lower');
    assert.equal(get(ctx, '/link'), 'lower');
    const reader = opened(ctx, '/file', O_RDONLY);
    const ino = stat(ctx, '/file').ino;
    const f = opened(ctx, '/hard', O_WRONLY | O_APPEND);
    write(ctx, f, '+up');
    f.unref();
    assert.equal(get(ctx, '/file'), 'lower+up');
    assert.equal(read(ctx, reader), 'lower+up');
    assert.equal(stat(ctx, '/hard').ino, ino);
    assert.equal(stat(ctx, '/hard').nlink, 2);
    assert.equal(new NodeFiles().open(join(dir, 'file'), O_RDONLY, 0) >= 0, true);
    reader.unref();
    const lowerCtx = contextFor(vfs, lower);
    assert.equal(get(lowerCtx, '/file'), 'lower');
    assert.equal(open(lowerCtx, '/file', O_RDWR), EROFS);
  });
  it('hides what was removed', () => {
    assert.equal(unlinkName(ctx, null, '/hard'), 0);
    assert.equal(lookup(ctx, '/hard'), ENOENT);
    assert.equal(get(ctx, '/file'), 'lower+up');
    assert.equal(stat(ctx, '/file').nlink, 1);
    put(ctx, '/hard', 'new');
    assert.equal(get(ctx, '/hard'), 'new');
    assert.deepEqual(list(ctx, '/'), ['file', 'hard', 'link', 'sub']);
    assert.equal(removeDirectory(ctx, null, '/sub'), ENOTEMPTY);
    unlinkName(ctx, null, '/sub/deep/two');
    assert.equal(removeDirectory(ctx, null, '/sub/deep'), 0);
    assert.equal(makeDirectory(ctx, null, '/sub/deep', 0o755), 0);
    assert.deepEqual(list(ctx, '/sub/deep'), []);
    assert.deepEqual(list(ctx, '/sub'), ['deep', 'one']);
  });
  it('renames a lower directory', () => {
    assert.equal(renameName(ctx, null, '/sub', null, '/moved', 0), 0);
    assert.equal(lookup(ctx, '/sub'), ENOENT);
    assert.equal(get(ctx, '/moved/one'), '1');
    makeDirectory(ctx, null, '/sub', 0o755);
    assert.deepEqual(list(ctx, '/sub'), []);
    assert.deepEqual(list(ctx, '/moved'), ['deep', 'one']);
    put(ctx, '/moved/one', 'changed');
    assert.equal(get(ctx, '/moved/one'), 'changed');
  });
});
