/** /proc/meminfo, vmstat, zoneinfo, buddyinfo, swaps. */
import type { Kernel } from '../../kernel/kernel.ts';
import { FRAME_CACHE } from '../../memory/physical-memory.ts';

/** Pages by use. */
export interface MemoryUse {
  readonly total: number;
  readonly free: number;
  /** Page caches of files and shared memory. */
  readonly cached: number;
  readonly anonymous: number;
  readonly pageTables: number;
  readonly committed: number;
}

export function memoryUse(kernel: Kernel): MemoryUse {
  const pm = kernel.memory;
  let cached = 0;
  for (let f = pm.firstFrame; f < pm.endFrame; f++) if ((pm.frameFlags[f] ?? 0) & FRAME_CACHE) cached++;
  let anonymous = 0;
  let pageTables = 0;
  const seen = new Set<object>();
  for (const pid of kernel.pidNs.all()) {
    const mm = pid.threadGroup?.leader.mm ?? null;
    if (mm === null || seen.has(mm)) continue;
    seen.add(mm);
    anonymous += mm.table.rssAnon;
    pageTables += mm.table.leafCount;
  }
  return { total: pm.total, free: pm.free, cached, anonymous: Math.min(anonymous, pm.used), pageTables, committed: pm.committed };
}

export function makeMeminfo(kernel: Kernel): string {
  const use = memoryUse(kernel);
  const line = (name: string, pages: number): string => `${`${name}:`.padEnd(16)}${String(pages * 4).padStart(8)} kB\n`;
  const rows: readonly (readonly [string, number])[] = [
    ['MemTotal', use.total], ['MemFree', use.free], ['MemAvailable', Math.min(use.total, use.free + use.cached)], ['Buffers', 0], ['Cached', use.cached],
    ['SwapCached', 0], ['Active', use.anonymous], ['Inactive', use.cached], ['Active(anon)', use.anonymous], ['Inactive(anon)', 0], ['Active(file)', 0],
    ['Inactive(file)', use.cached], ['Unevictable', 0], ['Mlocked', 0], ['SwapTotal', 0], ['SwapFree', 0], ['Dirty', 0], ['Writeback', 0],
    ['AnonPages', use.anonymous], ['Mapped', use.cached], ['Shmem', 0], ['KReclaimable', 0], ['Slab', 0], ['SReclaimable', 0], ['SUnreclaim', 0],
    ['KernelStack', 0], ['PageTables', use.pageTables], ['NFS_Unstable', 0], ['Bounce', 0], ['WritebackTmp', 0], ['CommitLimit', Math.floor(use.total / 2)],
    ['Committed_AS', use.committed], ['VmallocTotal', 34359738367 / 4], ['VmallocUsed', 0], ['VmallocChunk', 0], ['Percpu', 0], ['AnonHugePages', 0],
    ['ShmemHugePages', 0], ['FileHugePages', 0],
  ];
  let text = '';
  for (const [name, pages] of rows) text += line(name, pages);
  for (const name of ['HugePages_Total', 'HugePages_Free', 'HugePages_Rsvd', 'HugePages_Surp']) text += `${`${name}:`.padEnd(16)}${'0'.padStart(8)}\n`;
  return `${text}Hugepagesize:       2048 kB\nHugetlb:               0 kB\nDirectMap4k:    ${String(use.total * 4).padStart(8)} kB\n`;
}

export function makeVmstat(kernel: Kernel): string {
  const use = memoryUse(kernel);
  let minor = 0;
  let major = 0;
  for (const t of kernel.tasks) {
    minor += t.usage.minflt;
    major += t.usage.majflt;
  }
  const rows: readonly (readonly [string, number])[] = [
    ['nr_free_pages', use.free], ['nr_inactive_anon', 0], ['nr_active_anon', use.anonymous], ['nr_inactive_file', use.cached], ['nr_active_file', 0],
    ['nr_unevictable', 0], ['nr_mlock', 0], ['nr_anon_pages', use.anonymous], ['nr_mapped', use.cached], ['nr_file_pages', use.cached], ['nr_dirty', 0],
    ['nr_writeback', 0], ['nr_shmem', 0], ['nr_page_table_pages', use.pageTables], ['pgpgin', 0], ['pgpgout', 0], ['pswpin', 0], ['pswpout', 0],
    ['pgalloc_normal', 0], ['pgfree', 0], ['pgfault', minor], ['pgmajfault', major],
  ];
  return rows.map(([name, value]) => `${name} ${value}\n`).join('');
}

export function makeZoneinfo(kernel: Kernel): string {
  const { total, free } = memoryUse(kernel);
  return (
    `Node 0, zone   Normal\n  pages free     ${free}\n        boost    0\n        min      0\n        low      0\n        high     0\n` +
    `        spanned  ${total}\n        present  ${total}\n        managed  ${total}\n        cma      0\n`
  );
}

export function makeBuddyinfo(kernel: Kernel): string {
  return `Node 0, zone   Normal ${[memoryUse(kernel).free, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0].map((n) => String(n).padStart(6)).join(' ')} \n`;
}
