/** Brings neighbouring pages together in the platform's linear memory, so that what lies across their border is in one piece there. The guest sees nothing of it. */
import { isErr } from '../abi/errno.ts';
import type { AddressSpace } from './address-space.ts';
import { LEAF_PAGES, PTE_ANON, PTE_EXEC, PTE_FRAME, PTE_LAZYFREE, PTE_PRESENT, PTE_SPECIAL, PTE_WRITE } from './page-table.ts';
import { FRAME_CODE } from './physical-memory.ts';

/** Pages that are moved at once at most, and frames that must be left then. */
const MOST_PAGES = 64, SPARE_FRAMES = 1024;

const MOVABLE: number = PTE_ANON | PTE_WRITE | PTE_PRESENT;
/** The frame of the page at `addr` if nothing but this page table refers to it, else 0. */
function ownFrame(space: AddressSpace, addr: number): number {
  const { pm, table } = space;
  const base = table.leaf(Math.floor(addr / (LEAF_PAGES * 4096)));
  if (base === 0 || pm.refs[(base * 4) / 4096] !== 1) return 0;
  const pte = pm.i32[base + ((addr / 4096) % LEAF_PAGES)]!;
  if ((pte & (MOVABLE | PTE_EXEC | PTE_SPECIAL | PTE_LAZYFREE)) !== MOVABLE) return 0;
  const frame = pte >>> 12;
  return pm.refs[frame] === 1 && (pm.frameFlags[frame]! & FRAME_CODE) === 0 ? frame : 0;
}

/** Moves the pages at `addr` and behind it, with what lies in one piece with them already, to where all are in one piece. False: they stay where they are. */
export function gatherPages(space: AddressSpace, addr: number): boolean {
  const { pm, table } = space;
  let first = addr;
  let last = addr + 4096;
  let low = ownFrame(space, first);
  let high = ownFrame(space, last);
  if (low === 0 || high === 0) return false;
  for (; ownFrame(space, first - 4096) === low - 1; low--) first -= 4096;
  for (; ownFrame(space, last + 4096) === high + 1; high++) last += 4096;
  const pages = (last - first) / 4096 + 1;
  if (pages > MOST_PAGES || pm.free < SPARE_FRAMES) return false;
  pm.prepareRun(pages);
  const frames: number[] = [];
  while (frames.length < pages) {
    const f = pm.allocFrameDirty();
    if (isErr(f)) break;
    frames.push(f);
  }
  if (frames.length < pages || frames.some((f, i) => f !== frames[0]! + i)) {
    for (const f of frames) pm.unref(f);
    return false;
  }
  for (let k = 0; k < pages; k++) {
    const at = first + k * 4096;
    const place = table.leaf(Math.floor(at / (LEAF_PAGES * 4096))) + ((at / 4096) % LEAF_PAGES);
    const pte = pm.i32[place]!;
    pm.copy(frames[k]!, pte >>> 12);
    pm.i32[place] = (frames[k]! << 12) | (pte & ~PTE_FRAME);
    pm.unref(pte >>> 12);
    pm.hooks.invalidatePage(space, at / 4096);
  }
  return true;
}
