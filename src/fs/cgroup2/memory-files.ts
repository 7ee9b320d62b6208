/** memory.*: Linux mm/memcontrol.c memory_files[], swap_files[]. Frames are shown in bytes. */
import { EAGAIN, EINVAL, type Errno } from '../../abi/errno.ts';
import type { Cgroup } from '../../kernel/cgroup/cgroup.ts';
import { MEMORY } from '../../kernel/cgroup/controllers.ts';
import { MEMORY_EVENTS, type MemoryState } from '../../kernel/cgroup/memory.ts';
import { changed, type CgroupFileType, readInt, shown } from './file-type.ts';

const PAGE = 4096;
const IN_GROUP = { controller: MEMORY, where: 'child' } as const;
const of = (show: (m: MemoryState) => string | number) => (c: Cgroup): string | Errno => (c.memory === null ? EINVAL : `${show(c.memory)}\n`);

/** Frames of "64M", "max" (Infinity); null: neither. Linux page_counter_memparse(). */
function parseSize(text: string, max = 'max'): number | null {
  const word = text.trim();
  if (word === max) return Infinity;
  const m = /^(0x[0-9a-f]+|\d+)([kmgtpe]?)$/i.exec(word);
  if (m === null) return null;
  const bytes = Number(m[1]) * (m[2] === '' ? 1 : 1024 ** ('kmgtpe'.indexOf(m[2]!.toLowerCase()) + 1)); // the group takes part
  return Math.floor(bytes / PAGE);
}
const sizeText = (frames: number): string => (frames === Infinity ? 'max' : String(frames * PAGE));

function size(name: string, get: (m: MemoryState) => number, set: (m: MemoryState, frames: number) => void): CgroupFileType {
  return changed(name, of((m) => sizeText(get(m))), (c, text) => {
    const frames = parseSize(text);
    if (frames === null || c.memory === null) return EINVAL;
    set(c.memory, frames);
    return 0;
  }, IN_GROUP);
}

/** A new limit: what can be given back is; if that is not enough, processes are killed. */
function setMax(m: MemoryState, frames: number): void {
  const { account } = m;
  account.max = frames;
  if (account.usage <= frames) return;
  m.reclaim(account.usage - frames);
  if (account.usage > frames) m.killOne();
}

const events = (counts: MemoryState['events']): string => MEMORY_EVENTS.map((e) => `${e} ${counts[e]}`).join('\n');

/** What the group and those below own. */
function statText(c: Cgroup): string {
  let anonymous = 0;
  let file = 0;
  for (const d of c.subtree()) {
    if (d.memory === null) continue;
    const owned = c.hierarchy.memory.ownedFrames(d.memory.account);
    anonymous += owned.anonymous;
    file += owned.cache;
  }
  if (c.isRoot) {
    const m = c.hierarchy.memory;
    file = m.cacheFrames;
    anonymous = m.used - file;
  }
  const lines: readonly (readonly [string, number])[] = [
    ['anon', anonymous * PAGE], ['file', file * PAGE], ['kernel', 0], ['kernel_stack', 0], ['pagetables', 0], ['sec_pagetables', 0], ['percpu', 0], ['sock', 0],
    ['vmalloc', 0], ['shmem', 0], ['zswap', 0], ['zswapped', 0], ['file_mapped', 0], ['file_dirty', 0], ['file_writeback', 0], ['swapcached', 0], ['anon_thp', 0],
    ['file_thp', 0], ['shmem_thp', 0], ['inactive_anon', 0], ['active_anon', anonymous * PAGE], ['inactive_file', file * PAGE], ['active_file', 0], ['unevictable', 0],
    ['slab_reclaimable', 0], ['slab_unreclaimable', 0], ['slab', 0], ['workingset_refault_anon', 0], ['workingset_refault_file', 0], ['workingset_activate_anon', 0],
    ['workingset_activate_file', 0], ['workingset_restore_anon', 0], ['workingset_restore_file', 0], ['workingset_nodereclaim', 0], ['pgscan', 0], ['pgsteal', 0],
    ['pgfault', 0], ['pgmajfault', 0],
  ];
  return lines.map(([name, value]) => `${name} ${value}\n`).join('');
}

export const MEMORY_FILES: readonly CgroupFileType[] = [
  shown('memory.current', of((m) => m.account.usage * PAGE), IN_GROUP),
  changed('memory.peak', (c, _t, open) => (c.memory === null ? EINVAL : `${(open.watcher?.peak ?? c.memory.account.peak) * PAGE}\n`), (c, _text, _t, open) => {
    // Starts anew for this descriptor only.
    c.memory?.account.watch((open.watcher ??= { peak: 0 }));
    return 0;
  }, IN_GROUP),
  size('memory.min', (m) => m.min, (m, v) => { m.min = v; }),
  size('memory.low', (m) => m.low, (m, v) => { m.low = v; }),
  size('memory.high', (m) => m.account.highMark, (m, v) => {
    m.account.highMark = v;
    if (m.account.usage > v) m.reclaim(m.account.usage - v);
  }),
  size('memory.max', (m) => m.account.max, setMax),
  shown('memory.events', of((m) => events(m.events)), { ...IN_GROUP, waits: true }),
  shown('memory.events.local', of((m) => events(m.localEvents)), { ...IN_GROUP, waits: true }),
  shown('memory.stat', statText, { controller: MEMORY }),
  shown('memory.numa_stat', (c) => statText(c).split('\n').filter((l) => l !== '').map((l) => l.replace(/ (\d+)$/, ' N0=$1\n')).join(''), { controller: MEMORY }),
  changed('memory.oom.group', of((m) => Number(m.oomGroup)), (c, text) => {
    const n = readInt(text);
    if (typeof n !== 'number') return n.errno;
    if ((n !== 0 && n !== 1) || c.memory === null) return EINVAL;
    c.memory.oomGroup = n === 1;
    return 0;
  }, { ...IN_GROUP, delegatable: true }),
  changed('memory.reclaim', null, (c, text) => {
    const frames = parseSize(text.trim().split(/\s+/)[0] ?? '', '');
    if (frames === null) return EINVAL;
    return c.memory === null || c.memory.reclaim(frames) ? 0 : EAGAIN;
  }, { controller: MEMORY, delegatable: true }),
  shown('memory.swap.current', () => '0\n', IN_GROUP),
  shown('memory.swap.peak', () => '0\n', IN_GROUP),
  size('memory.swap.high', (m) => m.swapHigh, (m, v) => { m.swapHigh = v; }),
  size('memory.swap.max', (m) => m.swapMax, (m, v) => { m.swapMax = v; }),
  shown('memory.swap.events', () => 'high 0\nmax 0\nfail 0\n', { ...IN_GROUP, waits: true }),
];
