/** The memory controller: frames are charged to the group of the task that was the first to use them. Linux mm/memcontrol.c. */
import { SIGKILL } from '../../abi/signal.ts';
import { type FrameAccount, type FrameAccountOwner, HIGH_BATCH } from '../../memory/frame-account.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import { sendSignalToGroup } from '../signal-send.ts';
import type { ThreadGroup } from '../thread-group.ts';
import type { Cgroup } from './cgroup.ts';
import type { EventFile } from './event-file.ts';

/** Lines of memory.events, in order. */
export const MEMORY_EVENTS = ['low', 'high', 'max', 'oom', 'oom_kill', 'oom_group_kill'] as const;
export type MemoryEvent = (typeof MEMORY_EVENTS)[number];
type Counts = Record<MemoryEvent, number>;
const none = (): Counts => ({ low: 0, high: 0, max: 0, oom: 0, oom_kill: 0, oom_group_kill: 0 });

export class MemoryState implements FrameAccountOwner {
  readonly cgroup: Cgroup;
  readonly account: FrameAccount;
  private readonly memory: PhysicalMemory;
  // Frames, as written; Infinity: "max".
  min = 0;
  low = 0;
  swapMax: number = Infinity;
  swapHigh: number = Infinity;
  zswapMax: number = Infinity;
  oomGroup = false;
  readonly events: Counts = none();
  readonly localEvents: Counts = none();
  readonly eventsFile: EventFile;
  readonly localEventsFile: EventFile;

  constructor(cgroup: Cgroup, memory: PhysicalMemory, open: (owner: FrameAccountOwner) => FrameAccount) {
    this.cgroup = cgroup;
    this.memory = memory;
    this.account = open(this);
    this.eventsFile = cgroup.eventFile('memory.events');
    this.localEventsFile = cgroup.eventFile('memory.events.local');
  }

  /** Counts an event here, and in memory.events of all groups above. */
  count(event: MemoryEvent): void {
    this.localEvents[event]++;
    this.cgroup.hierarchy.raise(this.cgroup, this.localEventsFile);
    for (let c: Cgroup | null = this.cgroup; c !== null; c = c.parent) {
      if (c.memory === null) continue;
      c.memory.events[event]++;
      c.hierarchy.raise(c, c.memory.eventsFile);
    }
  }

  full(account: FrameAccount): boolean {
    this.count('max');
    this.memory.reclaimUntil(() => account.usage < account.max);
    if (account.usage < account.max) return true;
    this.killOne();
    return false;
  }
  high(account: FrameAccount): void {
    this.count('high');
    this.memory.reclaimUntil(() => account.usage <= account.highMark);
    if (account.usage > account.highMark) this.cgroup.hierarchy.beyondHigh(HIGH_BATCH);
  }

  /** Frees clean pages of files: true if `frames` could be freed. */
  reclaim(frames: number): boolean {
    const target = Math.max(0, this.account.usage - frames);
    this.memory.reclaimUntil(() => this.account.usage <= target);
    return this.account.usage <= target;
  }

  /** Nothing can be given back: kills the largest process in it or below, or the whole group that it is in (memory.oom.group). */
  killOne(): void {
    const groups = this.processes();
    // Somebody is dying already and will give memory back.
    for (const g of groups) if (g.exiting) return;
    this.count('oom');
    let victim: ThreadGroup | null = null;
    let worst = -Infinity;
    for (const g of groups) {
      if (g.oomScoreAdj === -1000 || g.leader.mm === null) continue;
      const points = g.leader.mm.rss + (g.oomScoreAdj * this.memory.total) / 1000;
      if (points > worst) {
        worst = points;
        victim = g;
      }
    }
    if (victim === null) return;
    const owner = victim.leader.cgroup;
    const whole = this.groupToKill(owner);
    const killed = whole === null ? [victim] : whole.processes().filter((g) => g.oomScoreAdj !== -1000);
    whole?.count('oom_group_kill');
    for (const g of killed) {
      const at = this.cgroup.hierarchy.memoryOf(g.leader.cgroup);
      at?.count('oom_kill');
      sendSignalToGroup(g, SIGKILL);
    }
  }
  /** The topmost group from the victim's up to this one that is to be killed as a whole. */
  private groupToKill(from: Cgroup): MemoryState | null {
    let whole: MemoryState | null = null;
    for (let c: Cgroup | null = from; c !== null; c = c.parent) {
      if (c.memory?.oomGroup) whole = c.memory;
      if (c === this.cgroup) break;
    }
    return whole;
  }
  private processes(): ThreadGroup[] {
    const groups = new Set<ThreadGroup>();
    for (const c of this.cgroup.subtree()) for (const t of c.tasks) groups.add(t.threadGroup);
    return [...groups];
  }
}
