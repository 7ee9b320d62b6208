/** pids.*, cpuset.*, io.*: Linux kernel/cgroup/pids.c, cpuset.c; block/blk-cgroup.c, blk-throttle.c. */
import { EINVAL, ENODEV, ERANGE, type Errno } from '../../abi/errno.ts';
import type { Cgroup } from '../../kernel/cgroup/cgroup.ts';
import { CPUSET, IO, PIDS } from '../../kernel/cgroup/controllers.ts';
import { allCpus, applyCpuset, effectiveCpus, formatList, parseList } from '../../kernel/cgroup/cpuset.ts';
import type { Task } from '../../kernel/task.ts';
import { changed, type CgroupFileType, parseInt0, shown } from './file-type.ts';

/** Numbers that pids.max can hold (PID_MAX_LIMIT + 1). */
const PIDS_MAX = 4194305;
const pidsOf = (show: (p: NonNullable<Cgroup['pids']>) => string | number) => (c: Cgroup): string | Errno => (c.pids === null ? EINVAL : `${show(c.pids)}\n`);
const IN_PIDS = { controller: PIDS, where: 'child' } as const;

export const PIDS_FILES: readonly CgroupFileType[] = [
  changed('pids.max', pidsOf((p) => (p.max === Infinity ? 'max' : p.max)), (c, text) => {
    if (c.pids === null) return EINVAL;
    if (text.trim() === 'max') {
      c.pids.max = Infinity;
      return 0;
    }
    const n = parseInt0(text);
    if (n === null || n < 0 || n >= PIDS_MAX) return EINVAL;
    c.pids.max = n;
    return 0;
  }, IN_PIDS),
  shown('pids.current', pidsOf((p) => p.current), IN_PIDS),
  shown('pids.peak', pidsOf((p) => p.peak), IN_PIDS),
  shown('pids.events', pidsOf((p) => `max ${p.events}`), { ...IN_PIDS, waits: true }),
  shown('pids.events.local', pidsOf((p) => `max ${p.localEvents}`), { ...IN_PIDS, waits: true }),
];

const IN_CPUSET = { controller: CPUSET, where: 'child' } as const;

function cpuList(name: string, get: (s: NonNullable<Cgroup['cpuset']>) => number, set: (s: NonNullable<Cgroup['cpuset']>, mask: number) => void, limit: (t: Task) => number): CgroupFileType {
  return changed(name, (c) => (c.cpuset === null ? EINVAL : `${formatList(get(c.cpuset))}\n`), (c, text, t) => {
    // Beyond what the machine could have it is no list; beyond what it has, nothing remains.
    const mask = parseList(text, 31);
    if (mask === null || c.cpuset === null) return EINVAL;
    if (mask & ~((1 << limit(t)) - 1)) return EINVAL;
    set(c.cpuset, mask);
    for (const d of c.subtree()) for (const m of d.tasks) applyCpuset(m);
    return 0;
  }, IN_CPUSET);
}

export const CPUSET_FILES: readonly CgroupFileType[] = [
  cpuList('cpuset.cpus', (s) => s.cpus, (s, v) => { s.cpus = v; }, (t) => t.kernel.cpus),
  shown('cpuset.cpus.effective', (c, t) => `${formatList(effectiveCpus(c, allCpus(t)))}\n`, { controller: CPUSET }),
  cpuList('cpuset.cpus.exclusive', (s) => s.exclusive, (s, v) => { s.exclusive = v; }, (t) => t.kernel.cpus),
  shown('cpuset.cpus.exclusive.effective', (c) => (c.cpuset === null ? EINVAL : `${formatList(c.cpuset.exclusive)}\n`), IN_CPUSET),
  shown('cpuset.cpus.isolated', () => '\n', { controller: CPUSET, where: 'root' }),
  changed('cpuset.cpus.partition', (c) => (c.cpuset === null ? EINVAL : `${c.cpuset.partition}\n`), (c, text) => {
    const wanted = text.trim();
    if (c.cpuset === null || !['member', 'root', 'isolated'].includes(wanted)) return EINVAL;
    // The one set of processors cannot be divided so that the parent keeps some for its own tasks.
    c.cpuset.partition = wanted === 'member' ? wanted : `${wanted} invalid (Parent unable to distribute cpu downstream)`;
    return 0;
  }, { ...IN_CPUSET, waits: true }),
  cpuList('cpuset.mems', (s) => s.mems, (s, v) => { s.mems = v; }, () => 1),
  shown('cpuset.mems.effective', () => '0\n', { controller: CPUSET }),
];

/** There are no block devices: nothing is limited, and none can be named. */
function writeDevice(text: string): number {
  return /^\d+:\d+\s/.test(text.trim()) ? ENODEV : EINVAL;
}
export const IO_FILES: readonly CgroupFileType[] = [
  shown('io.stat', () => '', { controller: IO }),
  changed('io.max', () => '', (_c, text) => writeDevice(text), { controller: IO, where: 'child' }),
  changed('io.weight', () => 'default 100\n', (_c, text) => {
    const m = /^(?:default\s+)?(\d+)$/.exec(text.trim());
    if (m === null) return writeDevice(text);
    return Number(m[1]) >= 1 && Number(m[1]) <= 10000 ? 0 : ERANGE;
  }, { controller: IO, where: 'child' }),
];
