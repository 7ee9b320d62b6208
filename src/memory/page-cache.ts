/**
 * Pages of a file in frames: what read, write and mmap of one inode share. Without a backing it is the file itself (tmpfs, memfd, shared
 * anonymous memory): missing pages are holes of zeros. With one (host files), missing pages are read from it.
 */
import { EFAULT, ENOMEM, ENOSPC, ENXIO, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import type { IoVector } from '../base/io-vector.ts';
import { MemoryObject } from './memory-object.ts';
import type { MappedFile } from './memory-object.ts';
import { FRAME_CACHE, FRAME_DIRTY } from './physical-memory.ts';
import type { PhysicalMemory } from './physical-memory.ts';

/** Where pages that are not in memory come from. */
export interface PageBacking {
  /** Shared mappings and writes mark pages dirty, and writeBack hands them out. */
  readonly tracksDirty: boolean;
  /** Fills `bytes` (4096 zeros) with page number `page`; 0 or the file's errno. */
  readPage(page: number, bytes: Uint8Array): 0 | Errno;
  /** Takes the dirty pages (writeBack) and stores them; 0 or errno. Only asked for where dirty pages are tracked. */
  flushPages?(): number;
}

/** A budget of pages shared by several caches (tmpfs size=). */
export interface PageAccount {
  /** Asks for `pages` more; 0, or ENOSPC. */
  charge(pages: number): 0 | Errno;
  uncharge(pages: number): void;
}

export class PageCache extends MemoryObject {
  readonly pm: PhysicalMemory;
  override readonly isShmem: boolean;
  override readonly tracksDirty: boolean;
  /** Length of the file in bytes; pages beyond it do not exist. */
  size = 0;
  /** Frames held. */
  pages = 0;
  /** Dirty frames held (only with a backing that tracks them). */
  dirtyPages = 0;
  account: PageAccount | null = null;
  private readonly backing: PageBacking | null;
  /** Frame of each of the first pages, 0 = not here. */
  private dense: Int32Array = new Int32Array(0);
  /** Frames of pages beyond `dense`. */
  private sparse: Map<number, number> | null = null;
  private refs: number;
  /** Where reclaim goes on looking. */
  private hand = 0;

  /** `refs`: references the maker holds. */
  constructor(pm: PhysicalMemory, backing: PageBacking | null, refs = 1) {
    super();
    this.refs = refs;
    this.pm = pm;
    this.backing = backing;
    this.isShmem = backing === null;
    this.tracksDirty = backing !== null && backing.tracksDirty;
  }

  override ref(): void {
    this.refs++;
  }
  /** The last reference frees all pages. Dirty ones must have been written back. */
  override unref(): void {
    if (--this.refs === 0) this.dropPages(0, Infinity);
  }

  override cachedFrame(page: number): number {
    if (page >= this.size / 4096) return 0;
    return this.slot(page);
  }

  private slot(page: number): number {
    if (page < this.dense.length) return this.dense[page]!;
    return this.sparse === null ? 0 : (this.sparse.get(page) ?? 0);
  }

  private setSlot(page: number, frame: number): void {
    // Only where pages are close together: one page at each power of two must not make the table as long as the file.
    if (page >= this.dense.length && frame !== 0 && page < Math.max(4, this.dense.length * 2) && this.pages * 4 >= this.dense.length) this.grow();
    if (page < this.dense.length) this.dense[page] = frame;
    else if (frame !== 0) (this.sparse ??= new Map()).set(page, frame);
    else this.sparse?.delete(page);
  }

  private grow(): void {
    const wider = new Int32Array(Math.max(4, this.dense.length * 2));
    wider.set(this.dense);
    this.dense = wider;
    if (this.sparse === null) return;
    for (const [page, frame] of this.sparse)
      if (page < wider.length) {
        wider[page] = frame;
        this.sparse.delete(page);
      }
  }

  /** A new frame for `page` (which has none), filled from the backing unless it will be `overwritten`. No reference is taken. */
  private addPage(page: number, overwritten: boolean): number | Errno {
    if (this.account !== null) {
      const charged = this.account.charge(1);
      if (isErr(charged)) return charged;
    }
    const f = this.pm.allocFrame();
    if (isErr(f)) {
      this.account?.uncharge(1);
      return ENOMEM;
    }
    if (this.backing !== null && !overwritten) {
      const r = this.backing.readPage(page, this.pm.bytes(f));
      if (isErr(r)) {
        this.pm.unref(f);
        this.account?.uncharge(1);
        return r;
      }
    }
    this.pm.frameFlags[f] = FRAME_CACHE;
    this.setSlot(page, f);
    if (this.pages++ === 0 && this.backing !== null) this.pm.reclaimable.add(this);
    this.pm.cacheFrames++;
    return f;
  }

  private markDirty(f: number): void {
    if (!this.tracksDirty || this.pm.frameFlags[f]! & FRAME_DIRTY) return;
    this.pm.frameFlags[f]! |= FRAME_DIRTY;
    this.dirtyPages++;
  }

  override getFrame(page: number, write: boolean): number | Errno {
    if (page * 4096 >= this.size) return EFAULT;
    let f: number = this.slot(page);
    if (f === 0) {
      f = this.addPage(page, false);
      if (f < 0) return f as Errno;
    }
    if (write) this.markDirty(f);
    this.pm.ref(f);
    return f;
  }

  /** File to user: up to `len` bytes from `offset`, not beyond the size. The count (0 = end of file), EFAULT, or the backing's errno. */
  readInto(iov: IoVector, offset: number, len: number): number | Errno {
    if (offset >= this.size) return 0;
    if (len > this.size - offset) len = this.size - offset;
    let done = 0;
    while (done < len) {
      const at = (offset + done) % 4096;
      const page = (offset + done - at) / 4096;
      const n = Math.min(len - done, 4096 - at);
      let f: number = this.slot(page);
      if (f === 0 && this.backing !== null) {
        f = this.addPage(page, false);
        if (f < 0) return done > 0 ? done : (f as Errno);
      }
      // The copy can fault, and the fault reclaim: hold the page.
      if (f !== 0) this.pm.ref(f);
      const moved = f === 0 ? iov.putZeros(n) : iov.put(this.pm.u8, f * 4096 + at, n);
      if (f !== 0) this.pm.unref(f);
      if (isErr(moved)) return done > 0 ? done : moved;
      done += moved;
      if (moved < n) break;
    }
    return done;
  }

  /** User to file at `offset`, extending the size. The count; EFAULT, ENOSPC, ENOMEM when nothing was written. */
  writeFrom(iov: IoVector, offset: number, len: number): number | Errno {
    let done = 0;
    while (done < len) {
      const at = (offset + done) % 4096;
      const page = (offset + done - at) / 4096;
      const n = Math.min(len - done, 4096 - at);
      let f: number = this.slot(page);
      const fresh = f === 0;
      if (fresh) {
        // A page that starts at or behind the end has nothing worth reading.
        f = this.addPage(page, page * 4096 >= this.size);
        if (f < 0) return done > 0 ? done : (f as Errno);
      } else this.pm.willWrite(f);
      this.pm.ref(f);
      const moved = iov.take(this.pm.u8, f * 4096 + at, n);
      this.pm.unref(f);
      if (isErr(moved)) {
        if (fresh && this.backing === null) this.dropPages(page, page + 1);
        return done > 0 ? done : moved;
      }
      this.markDirty(f);
      done += moved;
      if (offset + done > this.size) this.size = offset + done;
      if (moved < n) break;
    }
    return done;
  }

  /** Makes the file `newSize` bytes long: pages beyond go away from every mapping, the rest of the last page becomes zeros. */
  truncate(newSize: number): void {
    const old = this.size;
    this.size = newSize;
    if (newSize >= old) return;
    const first = Math.ceil(newSize / 4096);
    this.unmapPages(first, Infinity, true);
    this.dropPages(first, Infinity);
    this.zeroPart(newSize, first * 4096);
  }

  /** Zeroes bytes from..to-1, which lie in one page that may be missing. */
  private zeroPart(from: number, to: number): void {
    if (from >= to) return;
    const page = Math.floor(from / 4096);
    let f = this.slot(page);
    if (f === 0) {
      if (this.backing === null) return;
      const added = this.addPage(page, false);
      if (isErr(added)) return;
      f = added;
    }
    this.pm.willWrite(f);
    const at = f * 4096 - page * 4096;
    this.pm.u8.fill(0, at + from, at + to);
    this.markDirty(f);
  }

  /** Makes bytes from..to-1 a hole (fallocate PUNCH_HOLE): whole pages go, the edges become zeros. */
  punchHole(from: number, to: number): void {
    to = Math.min(to, Math.ceil(this.size / 4096) * 4096);
    if (from >= to) return;
    const first = Math.ceil(from / 4096);
    const last = Math.floor(to / 4096);
    if (first > last) {
      this.zeroPart(from, to);
      return;
    }
    this.zeroPart(from, first * 4096);
    this.zeroPart(last * 4096, to);
    this.unmapPages(first, last, true);
    if (this.backing === null) this.dropPages(first, last);
    else for (let p = first; p < last; p++) this.zeroPart(p * 4096, (p + 1) * 4096);
  }

  /** Gives every page of from..to-1 a frame (fallocate); ENOSPC, ENOMEM, with nothing kept. */
  allocate(from: number, to: number): 0 | Errno {
    const last = Math.ceil(to / 4096);
    if (last - Math.floor(from / 4096) > this.pm.total) return ENOSPC;
    for (let p = Math.floor(from / 4096); p < last; p++) {
      if (this.slot(p) !== 0) continue;
      const f = this.addPage(p, false);
      if (isErr(f)) return f;
    }
    return 0;
  }

  /** First byte at or after `offset` that is in no hole; ENXIO if there is none. */
  seekData(offset: number): number | Errno {
    if (offset >= this.size) return ENXIO;
    if (this.backing !== null || this.slot(Math.floor(offset / 4096)) !== 0) return offset;
    const end = Math.ceil(this.size / 4096);
    for (let p = Math.floor(offset / 4096) + 1; p < Math.min(end, this.dense.length); p++) if (this.dense[p] !== 0) return p * 4096;
    let best = Infinity;
    if (this.sparse !== null) for (const p of this.sparse.keys()) if (p * 4096 > offset && p < best && p < end) best = p;
    return best === Infinity ? ENXIO : best * 4096;
  }

  /** First byte at or after `offset` that is in a hole (the end of the file is one); ENXIO beyond the end. */
  seekHole(offset: number): number | Errno {
    if (offset >= this.size) return ENXIO;
    if (this.backing !== null) return this.size;
    const end = Math.ceil(this.size / 4096);
    for (let p = Math.floor(offset / 4096); p < end; p++) if (this.slot(p) === 0) return Math.max(offset, p * 4096);
    return this.size;
  }

  /** The backing changed by other means: forgets clean pages and unmaps them (private copies stay). */
  invalidate(): void {
    if (this.backing === null) return;
    this.unmapPages(0, Infinity, false);
    this.eachPage((page, f) => {
      if (!(this.pm.frameFlags[f]! & FRAME_DIRTY)) this.drop(page, f);
    });
  }

  /** Hands every dirty page to `sink`, in order, cut at the size; stops at the first errno. Pages become clean and write-protected. */
  writeBack(sink: (page: number, bytes: Uint8Array) => 0 | Errno): 0 | Errno {
    if (this.dirtyPages === 0) return 0;
    this.writeProtectPages(0, Infinity);
    let result: 0 | Errno = 0;
    this.eachPage((page, f) => {
      if (result !== 0 || !(this.pm.frameFlags[f]! & FRAME_DIRTY)) return;
      const bytes = this.pm.u8.subarray(f * 4096, f * 4096 + Math.min(4096, Math.max(0, this.size - page * 4096)));
      result = sink(page, bytes);
      if (result !== 0) return;
      this.pm.frameFlags[f]! &= ~FRAME_DIRTY;
      this.dirtyPages--;
    });
    return result;
  }

  override sync(): 0 | Errno {
    if (this.dirtyPages === 0 || this.backing?.flushPages === undefined) return 0;
    const r = this.backing.flushPages();
    return isErr(r) ? r : 0;
  }

  override removePages(first: number, last: number): 0 | Errno {
    this.punchHole(first * 4096, last * 4096);
    return 0;
  }

  /** Drops clean pages that nobody maps, at most `max`; how many. Only for caches with a backing. */
  reclaim(max: number): number {
    if (this.backing === null) return 0;
    let n = 0;
    const dense = this.dense;
    for (let left = dense.length; left > 0 && n < max; left--) {
      const page = this.hand;
      this.hand = page + 1 < dense.length ? page + 1 : 0;
      n += this.tryDrop(page, dense[page]!);
    }
    if (this.sparse !== null)
      for (const [page, f] of this.sparse) {
        if (n >= max) break;
        n += this.tryDrop(page, f);
      }
    return n;
  }
  /** Drops a page that is clean and that nobody else holds; 1 if it did. */
  private tryDrop(page: number, f: number): number {
    if (f === 0 || this.pm.frameFlags[f]! & FRAME_DIRTY || this.pm.refCount(f) !== 1) return 0;
    this.drop(page, f);
    return 1;
  }

  private eachPage(visit: (page: number, f: number) => void): void {
    const dense = this.dense;
    for (let p = 0; p < dense.length; p++) if (dense[p] !== 0) visit(p, dense[p]!);
    if (this.sparse !== null) for (const [p, f] of this.sparse) visit(p, f);
  }

  private drop(page: number, f: number): void {
    this.setSlot(page, 0);
    if (--this.pages === 0) this.pm.reclaimable.delete(this);
    this.pm.cacheFrames--;
    this.account?.uncharge(1);
    if (this.pm.frameFlags[f]! & FRAME_DIRTY) {
      this.dirtyPages--;
      this.pm.frameFlags[f]! &= ~FRAME_DIRTY;
    }
    // Code found by address is the object's page, whichever frame that is: also where another holds on to the frame.
    this.pm.willWrite(f);
    // Whoever still maps the frame (a private mapping) keeps it as plain memory.
    this.pm.frameFlags[f]! &= ~FRAME_CACHE;
    this.pm.unref(f);
  }

  private dropPages(first: number, last: number): void {
    if (this.pages === 0) return;
    const dense = this.dense;
    for (let p = first; p < Math.min(last, dense.length); p++) if (dense[p] !== 0) this.drop(p, dense[p]!);
    if (this.sparse !== null) for (const [p, f] of this.sparse) if (p >= first && p < last) this.drop(p, f);
  }
}

/** Memory of a MAP_SHARED | MAP_ANONYMOUS mapping, kept by its mappings alone; maps shows it as a deleted /dev/zero, as Linux does. */
export class AnonymousShared extends PageCache implements MappedFile {
  constructor(pm: PhysicalMemory, bytes: number) {
    super(pm, null, 0);
    this.size = bytes;
  }
  mapsPath(): string {
    return '/dev/zero (deleted)';
  }
  mapsDev(): number {
    return 1;
  }
  mapsIno(): number {
    return this.id;
  }
}
