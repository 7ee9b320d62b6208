/** Who is charged for frames: a tree of accounts with limits. The memory controller of cgroups uses it; Linux struct page_counter. */

export interface FrameAccountOwner {
  /** `account` is full: frees something, or sees to it that something will be freed. True if there is room now. */
  full(account: FrameAccount): boolean;
  /** More than `high` is used. */
  high(account: FrameAccount): void;
}

/** The most that was used since somebody began to watch. */
export interface PeakWatcher {
  peak: number;
}

/** Frames between two looks at `high`. */
export const HIGH_BATCH = 64;

export class FrameAccount {
  /** In PhysicalMemory's table; 0 is nobody. */
  readonly id: number;
  readonly parent: FrameAccount | null;
  readonly owner: FrameAccountOwner;
  /** Frames charged here and below. */
  usage = 0;
  peak = 0;
  max: number = Infinity;
  highMark: number = Infinity;
  /** Frames whose owner is this very account. */
  own = 0;
  /** Null for nearly all. */
  private watchers: PeakWatcher[] | null = null;
  private overHigh = 0;

  constructor(id: number, parent: FrameAccount | null, owner: FrameAccountOwner) {
    this.id = id;
    this.parent = parent;
    this.owner = owner;
  }

  /** One frame more, here and above; false (nothing is charged) if a limit stands against it. `forced`: limits are passed over. */
  charge(forced: boolean): boolean {
    for (let a: FrameAccount | null = this; a !== null; a = a.parent) if (a.usage >= a.max && !forced && !a.owner.full(a)) return false;
    this.own++;
    for (let a: FrameAccount | null = this; a !== null; a = a.parent) {
      if (++a.usage > a.peak) a.peak = a.usage;
      if (a.watchers !== null) for (const w of a.watchers) if (a.usage > w.peak) w.peak = a.usage;
      if (a.usage > a.highMark && ++a.overHigh >= HIGH_BATCH) {
        a.overHigh = 0;
        a.owner.high(a);
      }
    }
    return true;
  }
  watch(w: PeakWatcher): void {
    w.peak = this.usage;
    if (this.watchers === null) this.watchers = [w];
    else if (!this.watchers.includes(w)) this.watchers.push(w);
  }
  unwatch(w: PeakWatcher): void {
    const left = this.watchers?.filter((o) => o !== w) ?? [];
    this.watchers = left.length > 0 ? left : null;
  }
  uncharge(): void {
    for (let a: FrameAccount | null = this; a !== null; a = a.parent) a.usage--;
  }
}
