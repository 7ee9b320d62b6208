/**
 * Descriptor tables: Linux's files_struct. The lowest free number is found through bitmaps. The descriptions are in chunks that a copy of the
 * table shares until either side changes one, so that fork costs next to nothing however much is open.
 */
import type { Errno } from '../abi/errno.ts';
import { EBADF, EINVAL, EMFILE } from '../abi/errno.ts';
import type { VfsContext } from './context.ts';
import type { FileDescription } from './file-description.ts';

const WORD_FULL = -1;
/** Descriptors of a chunk, and its logarithm. */
const CHUNK = 64, CHUNK_SHIFT = 6;

/** Descriptions of 64 numbers in a row: one reference each, however many tables share the chunk. */
class FdChunk {
  readonly files: (FileDescription | null)[];
  /** Tables that have it. */
  users = 1;
  constructor(files: (FileDescription | null)[]) {
    this.files = files;
  }
}

export class FdTable {
  private chunks: FdChunk[] = [];
  /** One past the highest descriptor ever used. */
  private end = 0;
  /** Bit i of word i/32: fd is in use. */
  private open: Int32Array = new Int32Array(2);
  /** Bit i of word i/32: close on exec. */
  private cloexec: Int32Array = new Int32Array(2);
  /** No free fd below it. */
  private nextFree = 0;
  /** Tasks that share the table (CLONE_FILES). */
  users = 1;
  /** Open descriptors. */
  count = 0;
  /** Something of this process hangs on its closes: a POSIX lock, a request to be notified of a message. */
  closesMatter = false;

  /** The description of `fd`, or null. Descriptions opened with O_PATH are returned too. */
  get(fd: number): FileDescription | null {
    return fd >= 0 && fd < this.end ? this.chunks[fd >> CHUNK_SHIFT]!.files[fd & (CHUNK - 1)]! : null;
  }

  /** One past the highest descriptor ever used: the range to look at in a listing. */
  get limit(): number {
    return this.end;
  }

  /** The chunk with number `c`, for changing: no other table has it. */
  private own(c: number): FdChunk {
    const chunk = this.chunks[c]!; // below `end`
    if (chunk.users === 1) return chunk;
    chunk.users--;
    const files = chunk.files.slice();
    for (const f of files) if (f !== null) f.ref();
    return (this.chunks[c] = new FdChunk(files));
  }

  isCloexec(fd: number): boolean {
    return (this.cloexec[fd >> 5]! & (1 << (fd & 31))) !== 0;
  }
  setCloexec(fd: number, on: boolean): void {
    if (on) this.cloexec[fd >> 5]! |= 1 << (fd & 31);
    else this.cloexec[fd >> 5]! &= ~(1 << (fd & 31));
  }

  /** The lowest free fd from `from` on, below `limit` (RLIMIT_NOFILE); EMFILE. Nothing is reserved. */
  lowestFree(from: number, limit: number): number | Errno {
    let fd = from > this.nextFree ? from : this.nextFree;
    const open = this.open;
    const words = open.length;
    let w = fd >> 5;
    if (w < words) {
      let free = ~open[w]! & (-1 << (fd & 31));
      while (free === 0) {
        if (++w >= words) break;
        free = open[w] === WORD_FULL ? 0 : ~open[w]!;
      }
      fd = w >= words ? words << 5 : (w << 5) + (31 - Math.clz32(free & -free));
    }
    return fd < limit ? fd : EMFILE;
  }

  /** Gives `file` the lowest free fd at or above `from`, taking over the caller's reference; EMFILE leaves the reference with the caller. */
  install(file: FileDescription, limit: number, cloexec: boolean, from = 0): number | Errno {
    const fd = this.lowestFree(from, limit);
    if (fd < 0) return fd;
    this.put(fd, file, cloexec);
    if (from <= this.nextFree) this.nextFree = fd + 1;
    return fd;
  }

  /** Puts `file` (with the caller's reference) at a free `fd`. */
  private put(fd: number, file: FileDescription, cloexec: boolean): void {
    const w = fd >> 5;
    if (w >= this.open.length) this.grow(w + 1);
    while (this.chunks.length << CHUNK_SHIFT <= fd) this.chunks.push(new FdChunk(new Array<FileDescription | null>(CHUNK).fill(null)));
    if (fd >= this.end) this.end = fd + 1;
    this.own(fd >> CHUNK_SHIFT).files[fd & (CHUNK - 1)] = file;
    this.open[w]! |= 1 << (fd & 31);
    this.setCloexec(fd, cloexec);
    this.count++;
  }

  /** dup2: puts `file` at exactly `fd`, taking over the reference, and returns what was there (for the caller to close), or null. */
  replace(fd: number, file: FileDescription, cloexec: boolean): FileDescription | null {
    if (this.get(fd) === null) {
      this.put(fd, file, cloexec);
      return null;
    }
    const { files } = this.own(fd >> CHUNK_SHIFT);
    const old = files[fd & (CHUNK - 1)]!; // in use
    files[fd & (CHUNK - 1)] = file;
    this.setCloexec(fd, cloexec);
    return old;
  }

  /** Takes `fd` out of the table and returns its description, whose reference is now the caller's; null if it is not open. */
  remove(fd: number): FileDescription | null {
    const file = this.get(fd);
    if (file === null) return null;
    this.own(fd >> CHUNK_SHIFT).files[fd & (CHUNK - 1)] = null;
    this.open[fd >> 5]! &= ~(1 << (fd & 31));
    this.setCloexec(fd, false);
    if (fd < this.nextFree) this.nextFree = fd;
    this.count--;
    return file;
  }

  /** close(2): EBADF, or what flush gives. */
  close(ctx: VfsContext, fd: number): number {
    const file = this.remove(fd);
    if (file === null) return EBADF;
    return closeDescription(ctx, this, file);
  }

  /** A copy for fork, unshare and close_range(CLOSE_RANGE_UNSHARE); descriptions at `from` and above are left out. */
  clone(below: number = Infinity): FdTable {
    const t = new FdTable();
    const end = Math.min(this.end, below);
    t.chunks = this.chunks.slice(0, (end + CHUNK - 1) >> CHUNK_SHIFT);
    for (const chunk of t.chunks) chunk.users++;
    t.open = this.open.slice();
    t.cloexec = this.cloexec.slice();
    t.nextFree = this.nextFree;
    t.count = this.count;
    t.closesMatter = this.closesMatter;
    t.end = Math.min(this.end, t.chunks.length << CHUNK_SHIFT);
    for (let fd = end; fd < t.end; fd++) t.remove(fd)?.unref();
    for (let fd = t.end; fd < this.end; fd++) {
      if (this.get(fd) === null) continue;
      t.open[fd >> 5]! &= ~(1 << (fd & 31));
      t.setCloexec(fd, false);
      t.count--;
    }
    t.end = end;
    if (t.nextFree > end) t.nextFree = end;
    return t;
  }

  /** execve: closes what is marked. */
  closeOnExec(ctx: VfsContext): void {
    for (let w = 0; w < this.cloexec.length; w++)
      while (this.cloexec[w] !== 0) this.close(ctx, (w << 5) + (31 - Math.clz32(this.cloexec[w]! & -this.cloexec[w]!)));
  }

  /** close_range(2) without its flags: closes first..last. */
  closeRange(ctx: VfsContext, first: number, last: number): void {
    const end = Math.min(last, this.end - 1);
    for (let fd = first; fd <= end; fd++) if (this.get(fd) !== null) this.close(ctx, fd);
  }
  /** close_range(2) with CLOSE_RANGE_CLOEXEC. */
  markRange(first: number, last: number): void {
    const end = Math.min(last, this.end - 1);
    for (let fd = first; fd <= end; fd++) if (this.get(fd) !== null) this.setCloexec(fd, true);
  }

  /** Gives one sharer's hold back; the last one closes everything. */
  release(ctx: VfsContext): void {
    if (--this.users > 0) return;
    for (let c = 0; c < this.chunks.length; c++) {
      const chunk = this.chunks[c]!; // in range
      if (chunk.users > 1 && !this.closesMatter) {
        // Other tables hold every description in it.
        chunk.users--;
        continue;
      }
      const first = c << CHUNK_SHIFT;
      for (let i = 0; i < CHUNK; i++) if (chunk.files[i] !== null) this.close(ctx, first + i);
    }
    this.chunks = [];
    this.end = this.count = 0;
  }

  /** dup2/dup3 with its checks: EBADF for a bad source or a target at or above `limit`, EINVAL for equal numbers with dup3. */
  dup2(ctx: VfsContext, from: number, to: number, limit: number, cloexec: boolean, equalIsError: boolean): number {
    if (equalIsError && from === to) return EINVAL;
    if (to < 0 || to >= limit) return EBADF;
    const file = this.get(from);
    if (file === null) return EBADF;
    if (from === to) return to;
    file.ref();
    const old = this.replace(to, file, cloexec);
    if (old !== null) closeDescription(ctx, this, old);
    return to;
  }

  private grow(words: number): void {
    let n = this.open.length;
    while (n < words) n *= 2;
    const open = new Int32Array(n);
    open.set(this.open);
    this.open = open;
    const cloexec = new Int32Array(n);
    cloexec.set(this.cloexec);
    this.cloexec = cloexec;
  }
}

/** What close(2) does to a description taken out of `table`: flush, drop the table's POSIX locks, drop the reference. */
export function closeDescription(ctx: VfsContext, table: FdTable, file: FileDescription): number {
  const result = file.flush(ctx);
  const locks = file.inode.locks;
  if (locks !== null) locks.removePosix(table);
  file.unref();
  return result;
}
