/** Physical frames of 4 KiB in the one WebAssembly.Memory: allocation, reference counts, the limit. */
import { ENOMEM } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { FrameAccount, type FrameAccountOwner } from './frame-account.ts';
import { NoPlatform } from './platform-hooks.ts';
import type { PlatformHooks } from './platform-hooks.ts';

export const PAGE_SIZE = 4096;
export const PAGE_SHIFT = 12;
export const PAGE_MASK = 4095;

/** frameFlags: translations exist of code in this frame (set by the platform, cleared by codeWillChange). */
export const FRAME_CODE = 1;
/** frameFlags: the frame belongs to a page cache (a file or shared memory), not to one process's anonymous memory. */
export const FRAME_CACHE = 2;
/** frameFlags: newer than the file behind the page cache; must be written back. */
export const FRAME_DIRTY = 4;
/** frameFlags: the kernel's own code for processes, which is the same in each run. */
export const FRAME_KERNEL = 8;
/** frameFlags: the frame has been entered in a TLB for writing (set by the platform). */
export const FRAME_WRITTEN = 16;

/** Clean pages taken from one cache at a time. */
const RECLAIM_BATCH = 64;
/** Free frames that are looked through for some behind one another; with so many free, no new ones are taken for it. */
const RUN_SEARCH = 64, RUN_SPARE = 4096;
/** Frames that only the kernel's own accesses to guest memory may take beyond the limit. */
const RESERVE = 1024;

/**
 * All guest frames. A frame is a number f; its bytes are at offset f * 4096 of the linear memory. Memory that was never handed out is
 * never touched, so the host commits only what the guest has used.
 */
export class PhysicalMemory {
  readonly u8: Uint8Array;
  readonly i32: Int32Array;
  readonly u32: Uint32Array;
  readonly f64: Float64Array;
  readonly i64: BigInt64Array;
  readonly firstFrame: number;
  /** One past the last frame. */
  readonly endFrame: number;
  /** Bits FRAME_…, by frame. */
  readonly frameFlags: Uint8Array;
  hooks: PlatformHooks = new NoPlatform();
  /** Frames in use at most; allocation beyond it is ENOMEM. */
  limit: number;
  private readonly reserve: number;
  /** Told when the kernel itself had to go beyond the limit: something must be killed. */
  outOfMemory: (() => void) | null = null;
  /** Who is charged for frames that are allocated now; null: nobody. The kernel sets it at each switch of tasks. */
  account: FrameAccount | null = null;
  /** Accounts by id; the frames of one that is gone are its parent's. Null until there are any. */
  private accounts: (FrameAccount | null)[] | null = null;
  private owners: Uint16Array | null = null;
  private forced = false;
  /** Frames in use. */
  used = 0;
  /** Address spaces that are alive. */
  spaces = 0;
  /** Where page faults are counted: the running task's usage, set by the kernel at each switch. */
  faults: FaultCounter = { minflt: 0, majflt: 0 };
  /** Frames that page caches hold. */
  cacheFrames = 0;
  /** Most frames ever in use. */
  peak = 0;
  /** A frame of zeros, mapped read-only wherever untouched anonymous memory is read. Never freed. */
  readonly zeroFrame: number;
  /** A frame that the kernel puts bytes together in during one call, to be copied by copyWithin. Never freed. */
  readonly scratchFrame: number;
  /** What can give clean pages back when memory runs short: page caches of files, oldest first. */
  readonly reclaimable: Set<Reclaimable> = new Set();
  /** Told of every such search, in which whoever needs memory stalls. */
  whileReclaiming: <T>(search: () => T) => T = (search) => search();
  /** Frames promised to accountable mappings (Linux vm_committed_as). */
  committed = 0;
  /** References, by frame; page-table leaves count the spaces that share them. */
  readonly refs: Int32Array;
  /** Of frames that hold page-table leaves: lowest and highest used index (low > high = empty). */
  readonly leafLow: Int16Array;
  readonly leafHigh: Int16Array;
  private readonly freeList: Int32Array;
  private freeCount = 0;
  /** First frame that was never handed out: still zero. */
  private fresh: number;

  /** `memory`: the WebAssembly.Memory. `limit`: frames the guest may use (default: all). */
  constructor(memory: { readonly buffer: ArrayBuffer }, firstFrame: number, limit: number = Infinity) {
    const buffer = memory.buffer;
    this.u8 = new Uint8Array(buffer);
    this.i32 = new Int32Array(buffer);
    this.u32 = new Uint32Array(buffer);
    this.f64 = new Float64Array(buffer);
    this.i64 = new BigInt64Array(buffer);
    this.firstFrame = firstFrame;
    // The end of the last frame must be a positive int32 too.
    this.endFrame = Math.min(Math.floor(buffer.byteLength / PAGE_SIZE), 0x7ffff);
    this.frameFlags = new Uint8Array(this.endFrame);
    this.refs = new Int32Array(this.endFrame);
    this.leafLow = new Int16Array(this.endFrame);
    this.leafHigh = new Int16Array(this.endFrame);
    this.freeList = new Int32Array(this.endFrame);
    this.fresh = firstFrame;
    this.zeroFrame = this.fresh++;
    this.scratchFrame = this.fresh++;
    const most = this.endFrame - this.fresh;
    this.reserve = most > 64 * RESERVE ? RESERVE : 0;
    this.limit = Math.min(limit, most - this.reserve);
    this.refs[this.zeroFrame] = this.refs[this.scratchFrame] = 1;
  }

  /** Frames the guest may use. */
  get total(): number {
    return this.limit;
  }
  /** Frames left. */
  get free(): number {
    return this.limit - this.used;
  }

  /** A frame of zeros with one reference; ENOMEM at the limit. */
  allocFrame(): number | Errno {
    if (this.used >= this.limit && !this.reclaim()) return ENOMEM;
    const account = this.account;
    if (account !== null) {
      if (!account.charge(this.forced)) return ENOMEM;
      return this.owned(this.takeZeroed(), account);
    }
    return this.takeZeroed();
  }
  private owned(f: number, account: FrameAccount): number {
    this.owners![f] = account.id; // made with the first account
    return f;
  }
  private takeZeroed(): number {
    if (++this.used > this.peak) this.peak = this.used;
    if (this.freeCount > 0) {
      const f = this.freeList[--this.freeCount]!;
      this.refs[f] = 1;
      this.u8.fill(0, f << PAGE_SHIFT, (f + 1) << PAGE_SHIFT);
      return f;
    }
    const f = this.fresh++;
    this.refs[f] = 1;
    return f;
  }

  /** The next `n` frames that are allocated lie behind one another, if such are easily found. */
  prepareRun(n: number): void {
    const { freeList } = this;
    const count = this.freeCount;
    if (count === 0) return;
    const from = Math.max(0, count - RUN_SEARCH);
    const top = freeList.slice(from, count).sort();
    let length = 1;
    let at = 1;
    for (; at < top.length && length < n; at++) length = top[at] === top[at - 1]! + 1 ? length + 1 : 1;
    if (length >= n) {
      // The others first; the run is taken from its lowest frame on.
      const first = top[at - 1]! - n + 1;
      let k = from;
      for (const f of top) if (f < first || f >= first + n) freeList[k++] = f;
      for (let i = n - 1; i >= 0; i--) freeList[k++] = first + i;
    } else if (count < RUN_SPARE && this.endFrame - this.fresh > RUN_SPARE) {
      for (let i = n - 1; i >= 0; i--) freeList[this.freeCount++] = this.fresh + i;
      this.fresh += n;
    }
  }

  /** A frame with any content and one reference, for a caller that overwrites all of it; ENOMEM at the limit. */
  allocFrameDirty(): number | Errno {
    if (this.used >= this.limit && !this.reclaim()) return ENOMEM;
    const account = this.account;
    if (account !== null && !account.charge(this.forced)) return ENOMEM;
    if (++this.used > this.peak) this.peak = this.used;
    const f = this.freeCount > 0 ? this.freeList[--this.freeCount]! : this.fresh++;
    this.refs[f] = 1;
    return account === null ? f : this.owned(f, account);
  }

  /** Frees some clean pages of files; false if there are none that nobody maps. */
  private reclaim(): boolean {
    return this.whileReclaiming(() => this.reclaimSome());
  }
  private reclaimSome(): boolean {
    // Caches that were asked go to the end of the line, so that all take their turn; each is asked once.
    for (let left = this.reclaimable.size; left > 0; left--) {
      const cache = this.reclaimable.values().next().value as Reclaimable; // size > 0
      this.reclaimable.delete(cache);
      const freed = cache.reclaim(RECLAIM_BATCH);
      if (cache.pages > 0) this.reclaimable.add(cache);
      if (freed > 0) return this.used < this.limit;
    }
    return false;
  }

  /** Lets allocations take from the reserve until `endReserve`; the owner is told that memory has run out. False: there is no reserve. */
  beginReserve(): boolean {
    if (this.reserve === 0 || this.outOfMemory === null) return false;
    this.outOfMemory();
    this.limit += this.reserve;
    this.forced = true;
    return true;
  }
  endReserve(): void {
    this.limit -= this.reserve;
    this.forced = false;
  }

  /** A new account below `parent`; ENOMEM when there are as many as can be told apart. */
  openAccount(parent: FrameAccount | null, owner: FrameAccountOwner): FrameAccount | Errno {
    this.owners ??= new Uint16Array(this.endFrame);
    const accounts = (this.accounts ??= [null]);
    let id = 1;
    while (id < accounts.length && accounts[id] !== undefined && accounts[id] !== null) id++;
    if (id > 0xffff) return ENOMEM;
    const account = new FrameAccount(id, parent, owner);
    accounts[id] = account;
    return account;
  }
  /** The account ends; what it still owns is its parent's from now on. */
  closeAccount(account: FrameAccount): void {
    const owners = this.owners!; // there is an account
    const heir = account.parent;
    if (account.own > 0)
      for (let f = this.firstFrame; f < this.fresh; f++) {
        if (owners[f] !== account.id) continue;
        owners[f] = heir?.id ?? 0;
        if (heir !== null) heir.own++;
      }
    this.accounts![account.id] = null; // as above
    if (this.account === account) this.account = heir;
  }
  /** Frames that `account` itself owns: anonymous ones, and those of page caches. */
  ownedFrames(account: FrameAccount): { anonymous: number; cache: number } {
    const owners = this.owners!; // there is an account
    let anonymous = 0;
    let cache = 0;
    for (let f = this.firstFrame; f < this.fresh; f++) {
      if (owners[f] !== account.id) continue;
      if (this.frameFlags[f]! & FRAME_CACHE) cache++;
      else anonymous++;
    }
    return { anonymous, cache };
  }
  /** Gives back clean pages of files until `enough` says so, or there are no more. */
  reclaimUntil(enough: () => boolean): void {
    this.whileReclaiming(() => this.reclaimAll(enough));
  }
  private reclaimAll(enough: () => boolean): void {
    for (let left = this.reclaimable.size; left > 0 && !enough(); left--) {
      const cache = this.reclaimable.values().next().value as Reclaimable; // size > 0
      this.reclaimable.delete(cache);
      while (!enough() && cache.reclaim(RECLAIM_BATCH) > 0);
      if (cache.pages > 0) this.reclaimable.add(cache);
    }
  }

  ref(f: number): void {
    this.refs[f]!++;
  }

  /** Drops one reference; the last one frees the frame. */
  unref(f: number): void {
    if (--this.refs[f]! !== 0) return;
    if (this.frameFlags[f] !== 0) {
      if (this.frameFlags[f]! & FRAME_CODE) this.hooks.codeWillChange(f);
      this.frameFlags[f] = 0;
    }
    if (this.owners !== null && this.owners[f] !== 0) this.disown(f, this.owners[f]!);
    this.freeList[this.freeCount++] = f;
    this.used--;
  }
  private disown(f: number, id: number): void {
    this.owners![f] = 0; // the caller looked
    const account = this.accounts?.[id] ?? null;
    if (account === null) return;
    account.own--;
    account.uncharge();
  }

  refCount(f: number): number {
    return this.refs[f]!;
  }

  /** Must come before the kernel changes bytes of `f`: drops translations of code in it. */
  willWrite(f: number): void {
    if (this.frameFlags[f]! & FRAME_CODE) this.hooks.codeWillChange(f);
  }

  zero(f: number): void {
    this.willWrite(f);
    this.u8.fill(0, f << PAGE_SHIFT, (f + 1) << PAGE_SHIFT);
  }

  /** Copies all of frame `src` to frame `dst`. */
  copy(dst: number, src: number): void {
    this.u8.copyWithin(dst << PAGE_SHIFT, src << PAGE_SHIFT, (src + 1) << PAGE_SHIFT);
  }

  /** The bytes of `f` (a new view; not for hot paths). */
  bytes(f: number): Uint8Array {
    return this.u8.subarray(f << PAGE_SHIFT, (f + 1) << PAGE_SHIFT);
  }
}

/** Page faults that were resolved, without and with reading from a file (getrusage). */
export interface FaultCounter {
  minflt: number;
  majflt: number;
}

/** A holder of frames that can be read again from elsewhere. */
export interface Reclaimable {
  /** Frames held. */
  readonly pages: number;
  /** Frees at most `max` frames that nobody else uses; how many. */
  reclaim(max: number): number;
}
