/** Automatic groups: the processes of a session compete for processor time as one. Linux kernel/sched/autogroup.c. */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EAGAIN, EINVAL, EPERM } from '../abi/errno.ts';
import { NICE_WEIGHTS } from '../abi/sched.ts';
import { DEFAULT_WEIGHT, SchedGroup } from './cgroup/sched-group.ts';

/** Weight of nice 0. */
const NICE_0 = 1024;
/** The unprivileged may change some group's nice value once in this time, ns. */
const CHANGE_INTERVAL = 100_000_000;

export class Autogroup extends SchedGroup {
  readonly id: number;
  nice = 0;
  constructor(id: number) {
    super(null);
    this.id = id;
  }
  setNice(nice: number): void {
    this.nice = nice;
    this.weight = (NICE_WEIGHTS[nice + 20]! * DEFAULT_WEIGHT) / NICE_0; // -20 … 19
  }
}

/** All groups of one kernel. */
export class Autogroups {
  /** Two sessions or more compete: who runs next depends on what theirs have run. */
  compete = false;
  private on = true;
  private live = 0;
  private lastId = 0;
  private nextChange = 0;

  make(): Autogroup {
    this.live++;
    this.refresh();
    return new Autogroup(++this.lastId);
  }
  /** The last process of the session is gone. */
  end(): void {
    this.live--;
    this.refresh();
  }
  /** sched_autogroup_enabled. */
  get enabled(): boolean {
    return this.on;
  }
  set enabled(on: boolean) {
    this.on = on;
    this.refresh();
  }
  private refresh(): void {
    this.compete = this.on && this.live > 1;
  }

  /** Writing a nice value for `group` (null: none, the root's cannot be changed) at `now`: 0, EINVAL, EPERM, EAGAIN. Linux proc_sched_autogroup_set_nice(). */
  setNice(group: Autogroup | null, nice: number, now: number, may: { nice(n: number): boolean; capable(cap: number): boolean }): number {
    if (!(nice >= -20 && nice <= 19)) return EINVAL;
    if (nice < 0 && !may.nice(nice)) return EPERM;
    if (!may.capable(CAP_SYS_ADMIN) && now < this.nextChange) return EAGAIN;
    this.nextChange = now + CHANGE_INTERVAL;
    if (group === null) return EINVAL;
    group.setNice(nice);
    return 0;
  }
}
