/** The pids controller: how many tasks there may be. Linux kernel/cgroup/pids.c. */
import type { Cgroup } from './cgroup.ts';
import type { EventFile } from './event-file.ts';

export class PidsState {
  /** Infinity: "max". */
  max: number = Infinity;
  current = 0;
  peak = 0;
  /** Forks refused because of this limit, or one below; and because of this one alone. */
  events = 0;
  localEvents = 0;
  readonly eventsFile: EventFile;
  readonly localEventsFile: EventFile;
  constructor(cgroup: Cgroup) {
    this.eventsFile = cgroup.eventFile('pids.events');
    this.localEventsFile = cgroup.eventFile('pids.events.local');
  }
}

/** Counts `n` tasks more (or fewer) in `cgroup` and all above. */
export function chargePids(cgroup: Cgroup, n: number): void {
  for (let c: Cgroup | null = cgroup; c !== null; c = c.parent) {
    const p = c.pids;
    if (p === null) continue;
    p.current += n;
    if (p.current > p.peak) p.peak = p.current;
  }
}

/** Counts one task more if every limit allows it. */
export function tryChargePids(cgroup: Cgroup): boolean {
  for (let c: Cgroup | null = cgroup; c !== null; c = c.parent) {
    const p = c.pids;
    if (p === null || p.current + 1 <= p.max) continue;
    refused(c, p);
    return false;
  }
  chargePids(cgroup, 1);
  return true;
}

function refused(at: Cgroup, over: PidsState): void {
  over.localEvents++;
  over.localEventsFile.raise();
  at.hierarchy.changed(at, over.localEventsFile);
  for (let c: Cgroup | null = at; c !== null; c = c.parent) {
    const p = c.pids;
    if (p === null) continue;
    p.events++;
    p.eventsFile.raise();
    at.hierarchy.changed(c, p.eventsFile);
  }
}
