/** Memory that the kernel and a program share by mapping it: the rings of AIO and io_uring. The kernel reaches it by offset, whatever the program does with its mappings. */
import { ENOMEM, type Errno, isErr } from '../abi/errno.ts';
import type { MappedFile } from '../memory/memory-object.ts';
import { PageCache } from '../memory/page-cache.ts';
import type { PhysicalMemory } from '../memory/physical-memory.ts';

export class SharedRing extends PageCache implements MappedFile {
  private readonly path: string;
  /** Frame of each page; held by the cache as long as somebody holds the ring. */
  private readonly frames: Int32Array;

  private constructor(pm: PhysicalMemory, path: string, pages: number) {
    super(pm, null);
    this.path = path;
    this.size = pages * 4096;
    this.frames = new Int32Array(pages);
  }

  /** A ring of `bytes`, in whole pages of zeros, with one reference for the caller; shown in maps as `path`. ENOMEM. */
  static make(pm: PhysicalMemory, path: string, bytes: number): SharedRing | Errno {
    const pages = Math.ceil(bytes / 4096);
    if (pages > pm.free) return ENOMEM;
    const ring = new SharedRing(pm, path, pages);
    for (let p = 0; p < pages; p++) {
      const f = ring.getFrame(p, true);
      if (isErr(f)) {
        ring.unref();
        return ENOMEM;
      }
      ring.frames[p] = f;
      pm.unref(f); // the cache has a reference of its own
    }
    return ring;
  }

  /** Linear-memory offset of byte `at`, good to the end of its page. */
  offset(at: number): number {
    return this.frames[at >>> 12]! * 4096 + (at & 4095); // callers stay within the size
  }
  /** An aligned 32-bit word, unsigned. */
  u32(at: number): number {
    return this.pm.u32[this.offset(at) >>> 2]!; // linear memory
  }
  setU32(at: number, value: number): void {
    this.pm.u32[this.offset(at) >>> 2] = value;
  }
  /** An aligned 64-bit word given as two halves. */
  setWords(at: number, lo: number, hi: number): void {
    const i = this.offset(at) >>> 2;
    this.pm.u32[i] = lo;
    this.pm.u32[i + 1] = hi;
  }
  /** An aligned 64-bit word given as a number, signed or unsigned. */
  setU64(at: number, value: number): void {
    this.setWords(at, value % 4294967296, Math.floor(value / 4294967296));
  }

  mapsPath(): string {
    return this.path;
  }
  mapsDev(): number {
    return 0x0b;
  }
  mapsIno(): number {
    return this.id;
  }
}
