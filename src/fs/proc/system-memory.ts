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
    ['Inactive(file)', use.cached], ['Unevictable', 0], ['Mlocked', 0], ['SwapTotal', 0], ['SwapFree', 0], ['Zswap', 0], ['Zswapped', 0], ['Dirty', 0], ['Writeback', 0],
    ['AnonPages', use.anonymous], ['Mapped', use.cached], ['Shmem', 0], ['KReclaimable', 0], ['Slab', 0], ['SReclaimable', 0], ['SUnreclaim', 0],
    ['KernelStack', 0], ['PageTables', use.pageTables], ['SecPageTables', 0], ['NFS_Unstable', 0], ['Bounce', 0], ['WritebackTmp', 0], ['CommitLimit', Math.floor(use.total / 2)],
    ['Committed_AS', use.committed], ['VmallocTotal', 34359738367 / 4], ['VmallocUsed', 0], ['VmallocChunk', 0], ['Percpu', 0], ['AnonHugePages', 0],
    ['ShmemHugePages', 0], ['ShmemPmdMapped', 0], ['FileHugePages', 0], ['FilePmdMapped', 0], ['Balloon', 0],
  ];
  let text = '';
  for (const [name, pages] of rows) text += line(name, pages);
  for (const name of ['HugePages_Total', 'HugePages_Free', 'HugePages_Rsvd', 'HugePages_Surp']) text += `${`${name}:`.padEnd(16)}${'0'.padStart(8)}\n`;
  return `${text}Hugepagesize:       2048 kB\nHugetlb:               0 kB\nDirectMap4k:    ${String(use.total * 4).padStart(8)} kB\nDirectMap2M:           0 kB\nDirectMap1G:           0 kB\n`;
}

/** In the order of Linux 6.18; what has no counter here is 0. */
const VMSTAT_NAMES = `
  nr_free_pages nr_free_pages_blocks nr_zone_inactive_anon nr_zone_active_anon nr_zone_inactive_file nr_zone_active_file nr_zone_unevictable
  nr_zone_write_pending nr_mlock nr_zspages nr_free_cma numa_hit numa_miss numa_foreign numa_interleave numa_local numa_other nr_inactive_anon
  nr_active_anon nr_inactive_file nr_active_file nr_unevictable nr_slab_reclaimable nr_slab_unreclaimable nr_isolated_anon nr_isolated_file
  workingset_nodes workingset_refault_anon workingset_refault_file workingset_activate_anon workingset_activate_file workingset_restore_anon
  workingset_restore_file workingset_nodereclaim nr_anon_pages nr_mapped nr_file_pages nr_dirty nr_writeback nr_shmem nr_shmem_hugepages
  nr_shmem_pmdmapped nr_file_hugepages nr_file_pmdmapped nr_anon_transparent_hugepages nr_vmscan_write nr_vmscan_immediate_reclaim nr_dirtied
  nr_written nr_throttled_written nr_kernel_misc_reclaimable nr_foll_pin_acquired nr_foll_pin_released nr_kernel_stack nr_page_table_pages
  nr_sec_page_table_pages nr_iommu_pages nr_swapcached pgpromote_success pgpromote_candidate pgpromote_candidate_nrl pgdemote_kswapd pgdemote_direct
  pgdemote_khugepaged pgdemote_proactive nr_hugetlb nr_balloon_pages nr_kernel_file_pages nr_dirty_threshold nr_dirty_background_threshold
  nr_memmap_pages nr_memmap_boot_pages pgpgin pgpgout pswpin pswpout pgalloc_dma pgalloc_dma32 pgalloc_normal pgalloc_movable pgalloc_device
  allocstall_dma allocstall_dma32 allocstall_normal allocstall_movable allocstall_device pgskip_dma pgskip_dma32 pgskip_normal pgskip_movable
  pgskip_device pgfree pgactivate pgdeactivate pglazyfree pgfault pgmajfault pglazyfreed pgrefill pgreuse pgsteal_kswapd pgsteal_direct
  pgsteal_khugepaged pgsteal_proactive pgscan_kswapd pgscan_direct pgscan_khugepaged pgscan_proactive pgscan_direct_throttle pgscan_anon pgscan_file
  pgsteal_anon pgsteal_file zone_reclaim_success zone_reclaim_failed pginodesteal slabs_scanned kswapd_inodesteal kswapd_low_wmark_hit_quickly
  kswapd_high_wmark_hit_quickly pageoutrun pgrotated drop_pagecache drop_slab oom_kill numa_pte_updates numa_huge_pte_updates numa_hint_faults
  numa_hint_faults_local numa_pages_migrated pgmigrate_success pgmigrate_fail thp_migration_success thp_migration_fail thp_migration_split
  compact_migrate_scanned compact_free_scanned compact_isolated compact_stall compact_fail compact_success compact_daemon_wake
  compact_daemon_migrate_scanned compact_daemon_free_scanned htlb_buddy_alloc_success htlb_buddy_alloc_fail unevictable_pgs_culled
  unevictable_pgs_scanned unevictable_pgs_rescued unevictable_pgs_mlocked unevictable_pgs_munlocked unevictable_pgs_cleared unevictable_pgs_stranded
  thp_fault_alloc thp_fault_fallback thp_fault_fallback_charge thp_collapse_alloc thp_collapse_alloc_failed thp_file_alloc thp_file_fallback
  thp_file_fallback_charge thp_file_mapped thp_split_page thp_split_page_failed thp_deferred_split_page thp_underused_split_page thp_split_pmd
  thp_scan_exceed_none_pte thp_scan_exceed_swap_pte thp_scan_exceed_share_pte thp_split_pud thp_zero_page_alloc thp_zero_page_alloc_failed thp_swpout
  thp_swpout_fallback balloon_inflate balloon_deflate balloon_migrate swap_ra swap_ra_hit swpin_zero swpout_zero ksm_swpin_copy cow_ksm zswpin
  zswpout zswpwb direct_map_level2_splits direct_map_level3_splits direct_map_level2_collapses direct_map_level3_collapses nr_unstable`.trim();

export function makeVmstat(kernel: Kernel): string {
  const use = memoryUse(kernel);
  let minor = 0;
  let major = 0;
  for (const t of kernel.tasks) {
    minor += t.usage.minflt;
    major += t.usage.majflt;
  }
  const values: Readonly<Record<string, number>> = {
    nr_free_pages: use.free, nr_active_anon: use.anonymous, nr_zone_active_anon: use.anonymous, nr_inactive_file: use.cached,
    nr_zone_inactive_file: use.cached, nr_anon_pages: use.anonymous, nr_mapped: use.cached, nr_file_pages: use.cached, nr_page_table_pages: use.pageTables,
    pgfault: minor, pgmajfault: major,
  };
  return VMSTAT_NAMES.split(/\s+/).map((name) => `${name} ${values[name] ?? 0}\n`).join('');
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
