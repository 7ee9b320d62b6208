/** /sys/devices/system: processors and the memory node. */
import type { Kernel } from '../../kernel/kernel.ts';
import { cpuid } from '../../x86/cpuid.ts';
import { cpuListText, cpuMaskText } from '../proc/system-cpu.ts';
import { dir, file, link } from '../pseudo/entries.ts';
import type { Entries, Entry } from '../pseudo/entries.ts';

const constant = (text: string | number): Entry<Kernel> => file(() => `${text}\n`);

/** One cache of a processor, from CPUID leaf 4; null behind the last. */
function cacheEntries(index: number, allMask: number, ownMask: number): Entries<Kernel> | null {
  const [eax = 0, ebx = 0, ecx = 0] = cpuid(4, index);
  const type = eax & 31;
  if (type === 0) return null;
  const level = (eax >>> 5) & 7;
  const line = (ebx & 0xfff) + 1;
  const partitions = ((ebx >>> 12) & 0x3ff) + 1;
  const ways = (ebx >>> 22) + 1;
  const sets = ecx + 1;
  const mask = level >= 3 ? allMask : ownMask;
  return {
    coherency_line_size: constant(line),
    id: constant(0),
    level: constant(level),
    number_of_sets: constant(sets),
    physical_line_partition: constant(partitions),
    shared_cpu_list: constant(cpuListText(mask)),
    shared_cpu_map: constant(cpuMaskText(mask)),
    size: constant(`${(ways * partitions * line * sets) / 1024}K`),
    type: constant(type === 1 ? 'Data' : type === 2 ? 'Instruction' : 'Unified'),
    ways_of_associativity: constant(ways),
  };
}

function processorEntries(cpu: number, allMask: number): Entries<Kernel> {
  const own = 1 << cpu;
  const caches: Record<string, Entry<Kernel>> = {};
  for (let i = 0; ; i++) {
    const cache = cacheEntries(i, allMask, own);
    if (cache === null) break;
    caches[`index${i}`] = dir(cache);
  }
  return {
    cache: dir(caches),
    crash_notes_size: constant(400),
    node0: link(() => '../../node/node0'),
    ...(cpu === 0 ? {} : { online: constant(1) }),
    topology: dir({
      cluster_cpus: constant(cpuMaskText(own)),
      cluster_cpus_list: constant(cpuListText(own)),
      cluster_id: constant(65535),
      core_cpus: constant(cpuMaskText(own)),
      core_cpus_list: constant(cpuListText(own)),
      core_id: constant(cpu),
      core_siblings: constant(cpuMaskText(allMask)),
      core_siblings_list: constant(cpuListText(allMask)),
      die_cpus: constant(cpuMaskText(allMask)),
      die_cpus_list: constant(cpuListText(allMask)),
      die_id: constant(0),
      package_cpus: constant(cpuMaskText(allMask)),
      package_cpus_list: constant(cpuListText(allMask)),
      physical_package_id: constant(0),
      thread_siblings: constant(cpuMaskText(own)),
      thread_siblings_list: constant(cpuListText(own)),
    }),
  };
}

const VULNERABILITIES: readonly string[] = [
  'gather_data_sampling', 'itlb_multihit', 'l1tf', 'mds', 'meltdown', 'mmio_stale_data', 'retbleed', 'spec_rstack_overflow', 'spec_store_bypass',
  'spectre_v1', 'spectre_v2', 'srbds', 'tsx_async_abort',
];

function nodeMeminfo(kernel: Kernel): string {
  const { total, free, used } = kernel.memory;
  const line = (name: string, pages: number): string => `Node 0 ${`${name}:`.padEnd(15)}${String(pages * 4).padStart(8)} kB\n`;
  return line('MemTotal', total) + line('MemFree', free) + line('MemUsed', used);
}

/** The tree for a machine with `cpus` processors. */
export function systemEntries(cpus: number): Entries<Kernel> {
  const all = cpus >= 32 ? -1 : (1 << cpus) - 1;
  const list = cpuListText(all);
  const processors: Record<string, Entry<Kernel>> = {};
  const nodeLinks: Record<string, Entry<Kernel>> = {};
  for (let i = 0; i < cpus; i++) {
    processors[`cpu${i}`] = dir(processorEntries(i, all));
    nodeLinks[`cpu${i}`] = link(() => `../../cpu/cpu${i}`);
  }
  const vulnerabilities: Record<string, Entry<Kernel>> = {};
  for (const name of VULNERABILITIES) vulnerabilities[name] = constant('Not affected');
  return {
    cpu: dir({
      ...processors,
      isolated: file(() => '\n'),
      kernel_max: constant(31),
      offline: file(() => '\n'),
      online: constant(list),
      possible: constant(list),
      present: constant(list),
      smt: dir({ active: constant(0), control: constant('notsupported') }),
      vulnerabilities: dir(vulnerabilities),
    }),
    node: dir({
      has_cpu: constant(0),
      has_memory: constant(0),
      has_normal_memory: constant(0),
      node0: dir({
        ...nodeLinks,
        cpulist: constant(list),
        cpumap: constant(cpuMaskText(all)),
        distance: constant(10),
        meminfo: file(nodeMeminfo),
        numastat: file(() => 'numa_hit 0\nnuma_miss 0\nnuma_foreign 0\ninterleave_hit 0\nlocal_node 0\nother_node 0\n'),
      }),
      online: constant(0),
      possible: constant(0),
    }),
  };
}
