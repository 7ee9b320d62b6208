/** What competes for processor time: Linux struct sched_entity and struct task_group. */

export const DEFAULT_WEIGHT = 100;

/** Something that competes: ran for `virtual` ns, divided by its weight. */
export class Competitor {
  virtual = 0;
  weight: number = DEFAULT_WEIGHT;
}

/** Tasks that are one competitor among the others of its parent. */
export class SchedGroup extends Competitor {
  /** The nearest group above; null: the root. */
  readonly parent: SchedGroup | null;
  readonly depth: number;
  /** Its tasks that are in no group below. */
  readonly direct: Competitor = new Competitor();
  /** The least of what its competitors have run. */
  least = 0;

  constructor(parent: SchedGroup | null) {
    super();
    this.parent = parent;
    this.depth = parent === null ? 0 : parent.depth + 1;
  }
  /** `spent` ns more. True: a quota is used up. */
  use(_spent: number, _now: number): boolean {
    return false;
  }
}
