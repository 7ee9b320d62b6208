/** A folder of files, one a key: of this user only, bounded in size, written aside and renamed. */
import { closeSync, constants, existsSync, fstatSync, futimesSync, mkdirSync, openSync, readSync, readdirSync, renameSync, statSync, unlinkSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { crc32 } from 'node:zlib';
import type { HostStorage } from '../storage.ts';
import { fillRandom } from './entropy.ts';

/** Bytes of all files together: beyond it the least recently used go. */
const MAX_TOTAL = 512 << 20;
const MAX_FILE = 256 << 20;
/** V8's flag for compiling functions when they are first called. */
const LAZY = '--wasm-lazy-compilation';
/** Age in ms from which a file that was written aside has been left behind by a process that died. */
const STALE = 3600_000;

/** mkdir -p, for this user only. Node's own never returns where nothing can be made (/proc). */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST') return;
    if (code !== 'ENOENT' || dirname(path) === path || existsSync(dirname(path))) throw error;
    makeFolder(dirname(path));
    mkdirSync(path, { mode: 0o700 });
  }
}

/** A file name for a key. Keys that meet in one name would only take turns in it: what is read is checked against the key. */
function nameOf(key: string): string {
  const bytes = Buffer.from(key, 'utf8');
  const words = [0x9e3779b9, 0x85ebca6b, 0xc2b2ae35].map((seed) => {
    let h = seed;
    for (const byte of bytes) {
      h = Math.imul(h ^ byte, 0x01000193 + (seed & 0xfffe));
      h ^= h >>> 15;
    }
    return h >>> 0;
  });
  return words.map((w) => w.toString(16).padStart(8, '0')).join('');
}

/** Twelve hexadecimal digits that no other process makes now. */
function asideName(): string {
  const bytes = Buffer.alloc(6);
  fillRandom(bytes);
  return bytes.toString('hex');
}

export class NodeStorage implements HostStorage {
  private readonly folder: string;
  private readonly limit: number;

  constructor(folder: string, limit: number = MAX_TOTAL) {
    this.folder = folder;
    this.limit = limit;
  }

  private path(key: string): string {
    return join(this.folder, `${nameOf(key)}.image`);
  }

  read(key: string): Uint8Array<ArrayBuffer> | null {
    let fd: number;
    try {
      fd = openSync(this.path(key), constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    } catch {
      return null;
    }
    try {
      const info = fstatSync(fd);
      // Nothing that others could have written.
      if (!info.isFile() || info.size > MAX_FILE || (process.geteuid !== undefined && (info.uid !== process.geteuid() || (info.mode & 0o022) !== 0))) return null;
      const bytes = new Uint8Array(info.size);
      let at = 0;
      while (at < bytes.length) {
        const n = readSync(fd, bytes, at, bytes.length - at, at);
        if (n === 0) return null;
        at += n;
      }
      try {
        // The time of the last use.
        futimesSync(fd, info.atimeMs / 1000, Date.now() / 1000);
      } catch {
        // A folder that cannot be written.
      }
      return bytes;
    } catch {
      return null;
    } finally {
      closeSync(fd);
    }
  }

  write(key: string, bytes: Uint8Array): boolean {
    if (bytes.length > Math.min(MAX_FILE, this.limit)) return false;
    const path = this.path(key);
    const aside = `${path}.${asideName()}`;
    try {
      makeFolder(this.folder);
      const fd = openSync(aside, 'wx', 0o600);
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      } finally {
        closeSync(fd);
      }
      renameSync(aside, path);
    } catch {
      this.unlink(aside);
      return false;
    }
    this.trim();
    return true;
  }

  remove(key: string): void {
    this.unlink(this.path(key));
  }

  checksum(bytes: Uint8Array): number {
    return crc32(bytes) | 0;
  }

  sameBytes(a: Uint8Array, i: number, b: Uint8Array, k: number, length: number): boolean {
    return Buffer.prototype.compare.call(a, b, k, k + length, i, i + length) === 0;
  }

  compileWhole<T>(compile: () => T): T {
    // Given in bin/vivarium.
    const lazy = process.execArgv.includes(LAZY);
    if (lazy) setFlagsFromString(LAZY.replace('--', '--no-'));
    try {
      return compile();
    } finally {
      if (lazy) setFlagsFromString(LAZY);
    }
  }

  private unlink(path: string): void {
    try {
      unlinkSync(path);
    } catch {
      // Another process has, or nobody may.
    }
  }

  /** Removes what was used longest ago until the rest is within the limit. */
  private trim(): void {
    const files: { path: string; size: number; used: number }[] = [];
    let total = 0;
    try {
      for (const name of readdirSync(this.folder)) {
        const path = join(this.folder, name);
        if (/\.image(\.[0-9a-f]{12})?$/.test(name) === false) continue;
        const info = statSync(path, { throwIfNoEntry: false });
        if (info === undefined) continue;
        if (!name.endsWith('.image')) {
          if (Date.now() - info.mtimeMs > STALE) this.unlink(path);
          continue;
        }
        files.push({ path, size: info.size, used: info.mtimeMs });
        total += info.size;
      }
    } catch {
      return;
    }
    files.sort((a, b) => a.used - b.used);
    for (const file of files) {
      if (total <= this.limit) break;
      this.unlink(file.path);
      total -= file.size;
    }
  }
}
