/** Descriptor tables: Linux's files_struct. The lowest free number is found through bitmaps of 32 words of 32. */
import type { Errno } from '../abi/errno.ts';
import { EBADF, EINVAL, EMFILE } from '../abi/errno.ts';
import type { VfsContext } from './context.ts';
import type { FileDescription } from './file-description.ts';

const WORD_FULL = -1;

export class FdTable {
  private files: (FileDescription | null)[] = [];
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

  /** The description of `fd`, or null. Descriptions opened with O_PATH are returned too. */
  get(fd: number): FileDescription | null {
    return fd >= 0 && fd < this.files.length ? this.files[fd]! : null;
  }

  /** One past the highest descriptor ever used: the range to look at in a listing. */
  get limit(): number {
    return this.files.length;
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
    while (this.files.length <= fd) this.files.push(null);
    this.files[fd] = file;
    this.open[w]! |= 1 << (fd & 31);
    this.setCloexec(fd, cloexec);
    this.count++;
  }

  /** dup2: puts `file` at exactly `fd`, taking over the reference, and returns what was there (for the caller to close), or null. */
  replace(fd: number, file: FileDescription, cloexec: boolean): FileDescription | null {
    const old = this.get(fd);
    if (old === null) this.put(fd, file, cloexec);
    else {
      this.files[fd] = file;
      this.setCloexec(fd, cloexec);
    }
    return old;
  }

  /** Takes `fd` out of the table and returns its description, whose reference is now the caller's; null if it is not open. */
  remove(fd: number): FileDescription | null {
    const file = this.get(fd);
    if (file === null) return null;
    this.files[fd] = null;
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
    t.files = this.files.slice(0, Math.min(this.files.length, below));
    t.open = this.open.slice();
    t.cloexec = this.cloexec.slice();
    t.nextFree = Math.min(this.nextFree, below);
    let n = 0;
    for (let i = 0; i < t.files.length; i++) {
      const f = t.files[i]!;
      if (f !== null) {
        f.ref();
        n++;
      }
    }
    for (let fd = t.files.length; fd < this.files.length; fd++) {
      t.open[fd >> 5]! &= ~(1 << (fd & 31));
      t.cloexec[fd >> 5]! &= ~(1 << (fd & 31));
    }
    t.count = n;
    return t;
  }

  /** execve: closes what is marked. */
  closeOnExec(ctx: VfsContext): void {
    for (let w = 0; w < this.cloexec.length; w++)
      while (this.cloexec[w] !== 0) this.close(ctx, (w << 5) + (31 - Math.clz32(this.cloexec[w]! & -this.cloexec[w]!)));
  }

  /** close_range(2) without its flags: closes first..last. */
  closeRange(ctx: VfsContext, first: number, last: number): void {
    const end = Math.min(last, this.files.length - 1);
    for (let fd = first; fd <= end; fd++) if (this.files[fd] !== null) this.close(ctx, fd);
  }
  /** close_range(2) with CLOSE_RANGE_CLOEXEC. */
  markRange(first: number, last: number): void {
    const end = Math.min(last, this.files.length - 1);
    for (let fd = first; fd <= end; fd++) if (this.files[fd] !== null) this.setCloexec(fd, true);
  }

  /** Gives one sharer's hold back; the last one closes everything. */
  release(ctx: VfsContext): void {
    if (--this.users > 0) return;
    for (let fd = 0; fd < this.files.length; fd++) if (this.files[fd] !== null) this.close(ctx, fd);
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
