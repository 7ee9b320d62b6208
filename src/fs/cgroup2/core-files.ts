/** The files that every group has: cgroup.*, and what is counted without a controller. Linux kernel/cgroup/cgroup.c cgroup_base_files[]. */
import { PF_NO_SETAFFINITY } from '../../abi/task-flags.ts';
import { EBUSY, EINVAL, ENODEV, EOPNOTSUPP, ERANGE, ESRCH, type Errno, isErr } from '../../abi/errno.ts';
import { CAP_SYS_RESOURCE } from '../../abi/capability.ts';
import type { Cgroup } from '../../kernel/cgroup/cgroup.ts';
import { CONTROLLERS, controllerNames } from '../../kernel/cgroup/controllers.ts';
import { enableThreaded, typeOf } from '../../kernel/cgroup/domain-rules.ts';
import { freezeCgroup, killCgroup } from '../../kernel/cgroup/freezer.ts';
import { PRESSURE_CPU, PRESSURE_IO, PRESSURE_MEMORY, type PressureResource } from '../../kernel/pressure.ts';
import { parseTrigger, type PressureTrigger } from '../../kernel/pressure-trigger.ts';
import { type Task, WORK_RESCHED } from '../../kernel/task.ts';
import type { ThreadGroup } from '../../kernel/thread-group.ts';
import { changed, type CgroupFileType, type Opener, readInt, shown } from './file-type.ts';

const line = (text: string | number): string => `${text}\n`;

/** Tasks that are to freeze, thaw or die do so at once on other processors: here they go before the writer. */
function letOthersRun(t: Task): void {
  t.work |= WORK_RESCHED;
}

/** Processes whose resources belong to `c`: those in threaded groups below count for the root of the threaded subtree. */
function processesOf(c: Cgroup, reader: Task): ThreadGroup[] {
  if (c.isRoot) reader.kernel.kernelThreads.make();
  const groups = new Set<ThreadGroup>();
  for (const d of c.subtree()) {
    if (d !== c && d.domain !== c) continue;
    for (const t of d.tasks) {
      const leader = t.threadGroup.leader.cgroup;
      if (leader === c || leader.domain === c) groups.add(t.threadGroup);
    }
  }
  return [...groups];
}

/** The task that was named in a write to cgroup.procs or cgroup.threads; 0 is the writer. EINVAL, ESRCH. */
function namedTask(t: Task, text: string, wholeProcess: boolean): Task | Errno {
  const n = readInt(text);
  if (typeof n !== 'number' || n < 0) return EINVAL;
  const found = n === 0 ? t : (t.pidNs.find(n)?.task ?? null);
  if (found === null) return ESRCH;
  const task = wholeProcess ? found.threadGroup.leader : found;
  // A thread of the kernel that is bound to its processors would be caught there; kthreadd's children begin where it is (cgroup_procs_write_start).
  if (task.kernelThread & PF_NO_SETAFFINITY || task === t.kernel.kernelThreads.all[0]) return EINVAL;
  return task;
}

function move(c: Cgroup, text: string, t: Task, opener: Opener, wholeProcess: boolean): number {
  if (c.dead) return ENODEV;
  const task = namedTask(t, text, wholeProcess);
  if (isErr(task)) return task;
  const r = c.hierarchy.attachPermissions(opener.credentials, task.cgroup, c, wholeProcess, opener.namespace);
  if (r < 0) return r;
  c.hierarchy.attach(c, task, wholeProcess);
  if (c.freezing) letOthersRun(t);
  return 0;
}

function writeSubtreeControl(c: Cgroup, text: string): number {
  let enable = 0;
  let disable = 0;
  for (const word of text.trim().split(' ')) {
    if (word === '') continue;
    const named = CONTROLLERS.find((k) => k.name === word.slice(1));
    if (named === undefined) return EINVAL;
    const { bit } = named;
    if (word.startsWith('+')) {
      enable |= bit;
      disable &= ~bit;
    } else if (word.startsWith('-')) {
      disable |= bit;
      enable &= ~bit;
    } else return EINVAL;
  }
  return c.hierarchy.setSubtreeControl(c, enable, disable);
}

/** "max" or a number from 0 on. */
function readLimit(text: string): number | { errno: Errno } {
  if (text.trim() === 'max') return Infinity;
  const n = readInt(text);
  return typeof n === 'number' && n < 0 ? { errno: ERANGE } : n;
}
const limitText = (n: number): string => line(n === Infinity ? 'max' : n);

function statText(c: Cgroup): string {
  let text = `nr_descendants ${c.descendants}\n`;
  const counts = CONTROLLERS.map(({ bit, name }) => {
    let n = 0;
    for (const d of c.subtree()) if (d.isRoot || d.controllers & bit) n++;
    return [name, n] as const;
  });
  for (const [name, n] of counts) text += `nr_subsys_${name} ${n}\n`;
  text += 'nr_dying_descendants 0\n';
  for (const [name] of counts) text += `nr_dying_subsys_${name} 0\n`;
  return text;
}

function onOff(text: string): boolean | { errno: Errno } {
  const n = readInt(text);
  if (typeof n !== 'number') return n;
  return n === 0 || n === 1 ? n === 1 : { errno: ERANGE };
}

/** Linux cgroup_pressure_write(). */
function pressureFile(name: string, resource: PressureResource): CgroupFileType {
  return changed(name, (c) => c.pressure.show(resource, c.hierarchy.monotonicNs()), (c, text, _t, open) => {
    if (c.dead) return ENODEV;
    if (open.trigger !== null) return EBUSY;
    const trigger = parseTrigger(text, resource, open.opener.credentials.capable(CAP_SYS_RESOURCE), () => c.hierarchy.raise(c, c.eventFile(name)));
    if (isErr(trigger)) return trigger;
    open.trigger = trigger as PressureTrigger; // no errno
    c.pressure.addTrigger(open.trigger, c.hierarchy.monotonicNs());
    return 0;
  }, { triggers: true });
}

const EVENTS: CgroupFileType = shown('cgroup.events', (c) => `populated ${Number(c.populated)}\nfrozen ${Number(c.frozen)}\n`, { where: 'child', waits: true });

export const CORE_FILES: readonly CgroupFileType[] = [
  changed('cgroup.type', (c) => line(typeOf(c)), (c, text) => (text.trim() !== 'threaded' ? EINVAL : c.dead ? ENODEV : enableThreaded(c)), { where: 'child' }),
  changed(
    'cgroup.procs',
    (c, t) => (c.threaded ? EOPNOTSUPP : processesOf(c, t).map((g) => line(g.pid.nr(t.pidNs))).join('')),
    (c, text, t, open) => move(c, text, t, open.opener, true),
    { delegatable: true },
  ),
  changed(
    'cgroup.threads',
    (c, t) => {
      if (c.isRoot) t.kernel.kernelThreads.make();
      return [...c.tasks].map((m) => line(m.pid.nr(t.pidNs))).join('');
    },
    (c, text, t, open) => move(c, text, t, open.opener, false),
    { delegatable: true },
  ),
  shown('cgroup.controllers', (c) => line(controllerNames(c.controllers))),
  changed('cgroup.subtree_control', (c) => line(controllerNames(c.subtreeControl)), writeSubtreeControl, { delegatable: true }),
  EVENTS,
  changed('cgroup.max.descendants', (c) => limitText(c.maxDescendants), (c, text) => {
    const n = readLimit(text);
    if (typeof n !== 'number') return n.errno;
    c.maxDescendants = n;
    return 0;
  }),
  changed('cgroup.max.depth', (c) => limitText(c.maxDepth), (c, text) => {
    const n = readLimit(text);
    if (typeof n !== 'number') return n.errno;
    c.maxDepth = n;
    return 0;
  }),
  shown('cgroup.stat', statText),
  shown('cgroup.stat.local', (c) => `frozen_usec ${Math.floor((c.frozenTime + (c.frozen ? c.hierarchy.monotonicNs() - c.frozenSince : 0)) / 1000)}\n`, { where: 'child' }),
  changed('cgroup.freeze', (c) => line(Number(c.freeze)), (c, text, t) => {
    const on = onOff(text);
    if (typeof on !== 'boolean') return on.errno;
    freezeCgroup(c, on);
    letOthersRun(t);
    return 0;
  }, { where: 'child' }),
  changed('cgroup.kill', null, (c, text, t) => {
    const n = readInt(text);
    if (typeof n !== 'number') return n.errno;
    if (n !== 1) return ERANGE;
    if (c.threaded) return EOPNOTSUPP;
    killCgroup(c);
    letOthersRun(t);
    return 0;
  }, { where: 'child' }),
  changed('cgroup.pressure', (c) => line(Number(c.pressure.enabled)), (c, text) => {
    const on = onOff(text);
    if (typeof on !== 'boolean') return on.errno;
    c.pressure.accrue(c.hierarchy.monotonicNs());
    c.pressure.enabled = on;
    return 0;
  }),
  pressureFile('io.pressure', PRESSURE_IO),
  pressureFile('memory.pressure', PRESSURE_MEMORY),
  pressureFile('cpu.pressure', PRESSURE_CPU),
];
