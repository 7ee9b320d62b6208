/**
 * Map of the linear memory below the frames, in bytes. Everything here is the platform's own; translated code addresses the fixed parts
 * by static offsets.
 *
 * 0        page 0: never used, so that host offset 0 can mean "fault"
 * 64 KiB   jump cache: guest RIP → table slot
 * 320 KiB  a byte for each basic block that tier 1 code has run of late; 896 KiB: and before that
 * 384 KiB  interpreter cache: guest RIP → interpreted code
 * 1 MiB    the TLB that code looks in, what of it is used; 1.25 MiB: a TLB for each address space, in size classes (tlb.ts)
 * 8 MiB    words and tables of regions: validity words, switch maps (arena)
 * 20 MiB   code that is interpreted (arena)
 * 32 MiB   CPU state blocks, 1 KiB each
 * 64 MiB   frames
 */
export const WASM_PAGE = 65536;

/** Entry: RIP i64, slot i32, unused i32. */
export const JUMP_CACHE = 0x10000;
export const JUMP_CACHE_ENTRIES = 16384;
export const JUMP_CACHE_ENTRY = 16;

/** Entry: RIP i64, linear-memory offset of the region's code i32, unused i32. */
export const INTERPRETED_CACHE = 0x60000;
export const INTERPRETED_CACHE_ENTRIES = 32768;

/** By low address bits: nonzero where a block begins that has run. Several addresses share a byte: it is a hint. */
export const BLOCKS_RUN = 0x50000;
export const BLOCKS_RAN = 0xe0000;
export const BLOCKS_RUN_MASK = 0xffff;

/**
 * The TLB that translated code looks in: a first level, for the address space that runs.
 * Entry: base address readable i64, base address writable i64, host offset minus (low half of) address i32, host offset i32, unused i64.
 */
export const TLB = 0x100000;
export const TLB_ENTRY = 32;
export const TLB_READ = 0;
export const TLB_WRITE = 8;
export const TLB_ADDEND = 16;
export const TLB_HOST = 20;
/** log2 of the entry size: (address >>> (12 - 5)) & mask is the entry's offset. */
export const TLB_INDEX_SHIFT = 7;
/** Turns (address >>> TLB_INDEX_SHIFT) into the entry's offset from TLB. */
export const TLB_MASK = 0x1ffe0;
/** Second level, of the address space that runs, i32 each: linear-memory offset, mask. */
export const SPACE_TLB = 0x120000;
export const SPACE_TLB_MASK = 0x120004;
/** Entries of TLB that were filled since it was empty: how many (TLB_USED_MOST: perhaps more, perhaps all), and their offsets, i32 each. */
export const TLB_USED = 0x120008;
export const TLB_USED_MOST = 512;
export const TLB_USED_LIST = 0x12000c;
/**
 * Memory in one piece that the stack of what runs is in, as the TLB has it for writing: `address - FRAME_LOW` below FRAME_ROOM (both i64) tells that FRAME_SPAN bytes from the
 * address on are at the distance FRAME_ADDEND (i32) in linear memory. Room 0: it is not known.
 */
export const FRAME_LOW = 0x120c00;
export const FRAME_ROOM = 0x120c08;
export const FRAME_ADDEND = 0x120c10;
export const FRAME_SPAN = 1024;
/** An empty one, of two entries. */
export const NO_SPACE_TLB = 0x121000;
/** Second levels of all address spaces. */
export const SPACE_TLBS = 0x140000;
export const SPACE_TLBS_END = 0x800000;

export const REGION_ARENA = 0x800000;
export const REGION_ARENA_END = 0x1400000;
export const INTERPRETED_ARENA = 0x1400000;
export const INTERPRETED_ARENA_END = 0x2000000;
export const CPU_AREA = 0x2000000;
export const CPU_AREA_END = 0x4000000;
export const FIRST_FRAME: number = 0x4000000 / 4096;

/** Index of the jump-cache entry of an address given by its low 32 bits; the emitter has the same formula. */
export function jumpCacheEntry(ripLo: number): number {
  return JUMP_CACHE + (((ripLo ^ (ripLo >>> 4)) & (JUMP_CACHE_ENTRIES - 1)) << 4);
}

/** The same for interpreted code. */
export function interpretedCacheEntry(ripLo: number): number {
  return INTERPRETED_CACHE + (((ripLo ^ (ripLo >>> 5)) & (INTERPRETED_CACHE_ENTRIES - 1)) << 4);
}

/** Offset from the validity word of a tier 1 region: how many entries are left until it is made again. */
export const ENTRIES = 4;
