/** cpu.*: Linux kernel/sched/core.c cpu_files[], kernel/cgroup/rstat.c cgroup_base_stat_cputime_show(). */
import { EINVAL, ERANGE, type Errno } from '../../abi/errno.ts';
import { NICE_WEIGHTS } from '../../abi/sched.ts';
import type { Cgroup } from '../../kernel/cgroup/cgroup.ts';
import { CPU } from '../../kernel/cgroup/controllers.ts';
import { DEFAULT_WEIGHT } from '../../kernel/cgroup/sched-group.ts';
import { changed, type CgroupFileType, parseInt0, readInt, shown } from './file-type.ts';

const MAX_WEIGHT = 10000;
/** Bounds of cpu.max, µs. */
const MIN_QUOTA = 1000, MIN_PERIOD = 1000, MAX_PERIOD = 1_000_000;
const IN_GROUP = { controller: CPU, where: 'child' } as const;
const usec = (ns: number): number => Math.floor(ns / 1000);

/** Weight of a task of nice 0; cpu.weight counts from 100 for the same. */
const NICE_0 = 1024;

function statText(c: Cgroup): string {
  const used = usec(c.hierarchy.cpuTime(c));
  let text = `usage_usec ${used}\nuser_usec ${used}\nsystem_usec 0\nnice_usec ${usec(c.hierarchy.niceTime(c))}\n`;
  const g = c.cpu;
  if (g !== null) {
    const throttled = usec(g.throttledSoFar(c.hierarchy.monotonicNs()));
    text += `nr_periods ${g.periods}\nnr_throttled ${g.throttledPeriods}\nthrottled_usec ${throttled}\nnr_bursts ${g.bursts}\nburst_usec ${usec(g.burstTime)}\n`;
  }
  return text;
}

/** The nice value that comes nearest to a weight (sched_weight → nice). */
function niceOf(weight: number): number {
  const wanted = (weight * NICE_0) / DEFAULT_WEIGHT;
  let best = 0;
  let least = Infinity;
  NICE_WEIGHTS.forEach((w, i) => {
    const delta = Math.abs(w - wanted);
    if (delta < least) {
      least = delta;
      best = i - 20;
    }
  });
  return best;
}

function writeMax(c: Cgroup, text: string): number {
  const m = /^(max|-?\d+)(?:\s+(\d+))?\s*$/.exec(text.trim());
  if (m === null || c.cpu === null) return EINVAL;
  const quota = m[1] === 'max' ? Infinity : Number(m[1]);
  const period = m[2] === undefined ? usec(c.cpu.period) : Number(m[2]);
  if (quota < MIN_QUOTA || period < MIN_PERIOD || period > MAX_PERIOD) return EINVAL;
  c.cpu.setBandwidth(quota * 1000, period * 1000, c.hierarchy.monotonicNs());
  return 0;
}

function setWeight(c: Cgroup, text: string, min: number, max: number, of: (n: number) => number): number {
  const n = readInt(text);
  if (typeof n !== 'number') return n.errno;
  if (n < min || n > max) return ERANGE;
  if (c.cpu === null || c.cpu.idle) return EINVAL;
  c.cpu.weight = of(n);
  return 0;
}

const group = (show: (g: NonNullable<Cgroup['cpu']>) => string | number) => (c: Cgroup): string | Errno => (c.cpu === null ? EINVAL : `${show(c.cpu)}\n`);

export const CPU_FILES: readonly CgroupFileType[] = [
  shown('cpu.stat', statText),
  shown('cpu.stat.local', (c) => (c.cpu === null ? '' : `throttled_usec ${usec(c.cpu.throttledSoFar(c.hierarchy.monotonicNs()))}\n`)),
  changed('cpu.weight', group((g) => (g.idle ? 0 : g.weight)), (c, text) => setWeight(c, text, 1, MAX_WEIGHT, (n) => n), IN_GROUP),
  changed('cpu.weight.nice', group((g) => niceOf(g.weight)), (c, text) => setWeight(c, text, -20, 19, (n) => Math.round((NICE_WEIGHTS[n + 20]! * DEFAULT_WEIGHT) / NICE_0)), IN_GROUP), // -20 … 19
  changed('cpu.max', group((g) => `${g.quota === Infinity ? 'max' : usec(g.quota)} ${usec(g.period)}`), writeMax, IN_GROUP),
  changed('cpu.max.burst', group((g) => usec(g.burst)), (c, text) => {
    const n = parseInt0(text);
    if (n === null || n < 0 || c.cpu === null || n * 1000 > c.cpu.quota) return EINVAL;
    c.cpu.burst = n * 1000;
    return 0;
  }, IN_GROUP),
  changed('cpu.idle', group((g) => g.idle), (c, text) => {
    const n = readInt(text);
    if (typeof n !== 'number') return n.errno;
    if (n < 0 || n > 1 || c.cpu === null) return EINVAL;
    if (n === c.cpu.idle) return 0;
    c.cpu.idle = n;
    // As light as SCHED_IDLE.
    c.cpu.weight = n === 1 ? (3 * DEFAULT_WEIGHT) / NICE_0 : DEFAULT_WEIGHT;
    return 0;
  }, IN_GROUP),
];
