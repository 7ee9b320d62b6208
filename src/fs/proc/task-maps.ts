/** /proc/PID/maps, smaps, smaps_rollup, numa_maps. */
import type { AddressSpace } from '../../memory/address-space.ts';
import { PTE_ANON, PTE_FRAME, PTE_PRESENT, PTE_SHARED, PTE_SPECIAL, PTE_WRITE } from '../../memory/page-table.ts';
import {
  VM_ACCOUNT, VM_DONTCOPY, VM_DONTDUMP, VM_DONTEXPAND, VM_EXEC, VM_GROWSDOWN, VM_HUGEPAGE, VM_IO, VM_LOCKED, VM_MAYEXEC, VM_MAYREAD, VM_MAYSHARE,
  VM_MAYWRITE, VM_MERGEABLE, VM_NOHUGEPAGE, VM_NORESERVE, VM_PFNMAP, VM_RAND_READ, VM_READ, VM_SEQ_READ, VM_SHARED, VM_UFFD_MISSING, VM_UFFD_WP, VM_WIPEONFORK, VM_WRITE,
} from '../../memory/vma.ts';
import type { Vma } from '../../memory/vma.ts';
import type { Generator } from '../pseudo/entries.ts';
import { ofMemory } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';

const address = (n: number): string => n.toString(16).padStart(8, '0');
const pair = (n: number): string => n.toString(16).padStart(2, '0');

/** Names of VM_ flags in the order of their bits, as smaps shows them. */
const VM_FLAG_NAMES: readonly (readonly [number, string])[] = [
  [VM_READ, 'rd'], [VM_WRITE, 'wr'], [VM_EXEC, 'ex'], [VM_SHARED, 'sh'], [VM_MAYREAD, 'mr'], [VM_MAYWRITE, 'mw'], [VM_MAYEXEC, 'me'],
  [VM_MAYSHARE, 'ms'], [VM_GROWSDOWN, 'gd'], [VM_UFFD_MISSING, 'um'], [VM_PFNMAP, 'pf'], [VM_UFFD_WP, 'uw'], [VM_LOCKED, 'lo'], [VM_IO, 'io'], [VM_SEQ_READ, 'sr'], [VM_RAND_READ, 'rr'],
  [VM_DONTCOPY, 'dc'], [VM_DONTEXPAND, 'de'], [VM_ACCOUNT, 'ac'], [VM_NORESERVE, 'nr'], [VM_WIPEONFORK, 'wf'], [VM_DONTDUMP, 'dd'],
  [VM_HUGEPAGE, 'hg'], [VM_NOHUGEPAGE, 'nh'], [VM_MERGEABLE, 'mg'],
];

/** What stands behind the inode column: a path, "[heap]", "[stack]", a special mapping's name, or nothing. */
export function mappingName(v: Vma): string {
  const mm = v.space;
  if (v.file !== null) return v.file.mapsPath().replaceAll('\n', '\\012');
  if (v.name !== null) return v.name;
  if (v.start <= mm.brk && v.end >= mm.startBrk && mm.brk > mm.startBrk) return '[heap]';
  if (v.start <= mm.startStack && v.end >= mm.startStack) return '[stack]';
  return '';
}

/** One line of maps, without the line's end. */
function mapsLine(v: Vma): string {
  const flags = (v.flags & VM_READ ? 'r' : '-') + (v.flags & VM_WRITE ? 'w' : '-') + (v.flags & VM_EXEC ? 'x' : '-') + (v.flags & VM_MAYSHARE ? 's' : 'p');
  const { file } = v;
  const offset = file === null ? 0 : v.pageOffset * 4096;
  const dev = file === null ? 0 : file.mapsDev();
  const where = `${address(v.start)}-${address(v.end)} ${flags} ${address(offset)} ${pair(Math.floor(dev / 0x100000))}:${pair(dev % 0x100000)} ${file === null ? 0 : file.mapsIno()} `;
  const name = mappingName(v);
  return name === '' ? where : where.padEnd(73) + name;
}

export const maps: Generator<ProcTask> = ofMemory((mm) => {
  let text = '';
  for (let v = mm.vmas.first; v !== null; v = v.next) text += mapsLine(v) + '\n';
  return text;
});

class Residency {
  rss = 0;
  pss = 0;
  anonymous = 0;
  sharedClean = 0;
  sharedDirty = 0;
  privateClean = 0;
  privateDirty = 0;
  locked = 0;

  /** Counts the pages of `v` that are there. */
  add(mm: AddressSpace, v: Vma): void {
    const { pm } = mm;
    const before = this.pss;
    for (let at = v.start; at < v.end; ) {
      const leafEnd = (Math.floor(at / 4194304) + 1) * 4194304;
      const base = mm.table.leaf(Math.floor(at / 4194304));
      if (base === 0) {
        at = leafEnd;
        continue;
      }
      for (; at < v.end && at < leafEnd; at += 4096) {
        const pte = pm.i32[base + ((at / 4096) & 1023)] ?? 0;
        if (!(pte & PTE_PRESENT) || pte & PTE_SPECIAL || (pte & PTE_FRAME) === 0) continue;
        const anonymous = (pte & PTE_ANON) !== 0;
        // The page cache holds its pages too, which is no mapping.
        const sharers = Math.max(1, pm.refCount((pte & PTE_FRAME) >>> 12) - (anonymous ? 0 : 1));
        this.rss++;
        if (anonymous) this.anonymous++;
        this.pss += 1 / sharers;
        const dirty = anonymous || (pte & (PTE_SHARED | PTE_WRITE)) === (PTE_SHARED | PTE_WRITE);
        if (sharers > 1 && dirty) this.sharedDirty++;
        else if (sharers > 1) this.sharedClean++;
        else if (dirty) this.privateDirty++;
        else this.privateClean++;
      }
    }
    if (v.flags & VM_LOCKED) this.locked += this.pss - before;
  }

  text(): string {
    const line = (name: string, pages: number): string => `${`${name}:`.padEnd(16)}${String(Math.floor(pages * 4)).padStart(8)} kB\n`;
    return (
      line('Rss', this.rss) + line('Pss', this.pss) + line('Pss_Dirty', this.privateDirty) + line('Shared_Clean', this.sharedClean) +
      line('Shared_Dirty', this.sharedDirty) + line('Private_Clean', this.privateClean) + line('Private_Dirty', this.privateDirty) +
      line('Referenced', this.rss) + line('Anonymous', this.anonymous) + line('KSM', 0) + line('LazyFree', 0) + line('AnonHugePages', 0) +
      line('ShmemPmdMapped', 0) + line('FilePmdMapped', 0) + line('Shared_Hugetlb', 0) + line('Private_Hugetlb', 0) + line('Swap', 0) +
      line('SwapPss', 0) + line('Locked', this.locked)
    );
  }
}

export const smaps: Generator<ProcTask> = ofMemory((mm) => {
  let text = '';
  for (let v = mm.vmas.first; v !== null; v = v.next) {
    const pages = new Residency();
    pages.add(mm, v);
    const { flags } = v;
    const names = VM_FLAG_NAMES.filter(([bit]) => flags & bit).map(([, name]) => name);
    text += `${mapsLine(v)}\nSize:           ${String(v.pages * 4).padStart(8)} kB\nKernelPageSize:        4 kB\nMMUPageSize:           4 kB\n`;
    text += `${pages.text()}THPeligible:           0\nVmFlags: ${names.join(' ')} \n`;
  }
  return text;
});

export const smapsRollup: Generator<ProcTask> = ofMemory((mm) => {
  if (mm.vmas.first === null) return '';
  const pages = new Residency();
  for (let v: Vma | null = mm.vmas.first; v !== null; v = v.next) pages.add(mm, v);
  const range = `${address(mm.vmas.first.start)}-${address(mm.vmas.last?.end ?? 0)} ---p 00000000 00:00 0 `.padEnd(73);
  return `${range}[rollup]\n${pages.text()}`;
});

export const numaMaps: Generator<ProcTask> = ofMemory((mm) => {
  let text = '';
  for (let v = mm.vmas.first; v !== null; v = v.next) {
    const pages = new Residency();
    pages.add(mm, v);
    const name = mappingName(v);
    const kind = v.file !== null ? ` file=${name}` : name === '[heap]' ? ' heap' : name === '[stack]' ? ' stack' : '';
    const counts = pages.rss === 0 ? '' : (pages.anonymous > 0 ? ` anon=${pages.anonymous} dirty=${pages.anonymous}` : ` mapped=${pages.rss}`) + ` N0=${pages.rss} kernelpagesize_kB=4`;
    text += `${address(v.start)} default${kind}${counts}\n`;
  }
  return text;
});
