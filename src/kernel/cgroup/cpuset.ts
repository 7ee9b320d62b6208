/** The cpuset controller: which processors and memory nodes. Linux kernel/cgroup/cpuset.c. */
import type { Task } from '../task.ts';
import type { Cgroup } from './cgroup.ts';

/** Sets of small numbers, as bits. */
export class CpusetState {
  /** As written; 0: whatever the parent has. */
  cpus = 0;
  exclusive = 0;
  mems = 0;
  partition = 'member';
}

/** "0-2,5". */
export function formatList(mask: number): string {
  const parts: string[] = [];
  for (let i = 0; i < 31; i++) {
    if (!(mask & (1 << i))) continue;
    let j = i;
    while (j + 1 < 31 && mask & (1 << (j + 1))) j++;
    parts.push(i === j ? String(i) : `${i}-${j}`);
    i = j;
  }
  return parts.join(',');
}

/** The bits of such a list; null if it is none, or names what is above `limit` bits. */
export function parseList(text: string, limit: number): number | null {
  let mask = 0;
  const trimmed = text.trim();
  if (trimmed === '') return 0;
  for (const part of trimmed.split(',')) {
    const m = /^\s*(\d+)(?:-(\d+))?\s*$/.exec(part);
    if (m === null) return null;
    const from = Number(m[1]);
    const to = m[2] === undefined ? from : Number(m[2]);
    if (to < from || to >= limit) return null;
    for (let i = from; i <= to; i++) mask |= 1 << i;
  }
  return mask;
}

/** What tasks of `c` may use: its own set as far as the parent has it; all of the parent's if nothing is left. `all`: what there is. */
export function effectiveCpus(c: Cgroup, all: number): number {
  if (c.parent === null) return all;
  const above = effectiveCpus(c.parent, all);
  const own = c.cpuset?.cpus ?? 0;
  return (own & above) !== 0 ? own & above : above;
}

/** Bits of all processors. */
export function allCpus(t: Task): number {
  return t.kernel.cpus >= 31 ? 0x7fffffff : (1 << t.kernel.cpus) - 1;
}
/** The task runs where its group and (as far as that leaves anything) its own wish allow. */
export function applyCpuset(t: Task): void {
  const allowed = effectiveCpus(t.cgroup, allCpus(t));
  const { sched } = t;
  const wished = sched.wishedAffinity & allowed;
  sched.affinity = wished !== 0 ? wished : allowed;
  if (((sched.affinity >>> sched.cpu) & 1) === 0) t.kernel.placeOnCpu(t);
}
