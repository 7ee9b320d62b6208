/** Sessions: process groups that may share a controlling terminal. */
import type { Autogroup, Autogroups } from './autogroup.ts';
import type { ControllingTerminal } from './controlling-terminal.ts';
import type { Pid } from './pid.ts';
import type { ProcessGroup } from './process-group.ts';
import type { ThreadGroup } from './thread-group.ts';

export class Session {
  readonly pid: Pid;
  /** The leader, until it exits. */
  leader: ThreadGroup | null;
  /** The leader's terminal. Each process has its own `tty` field too: it may have given it up. */
  tty: ControllingTerminal | null = null;
  readonly groups: Set<ProcessGroup> = new Set();
  /** Its processes compete for processor time as one; null: the kernel's threads do not. */
  readonly autogroup: Autogroup | null;
  private readonly autogroups: Autogroups | null;
  constructor(pid: Pid, leader: ThreadGroup | null, autogroups: Autogroups | null) {
    this.autogroups = autogroups;
    this.autogroup = autogroups?.make() ?? null;
    this.pid = pid;
    this.leader = leader;
    pid.session = this;
  }
  releaseIfUnused(): void {
    if (this.groups.size > 0) return;
    this.autogroups?.end();
    this.pid.session = null;
    this.pid.releaseIfUnused();
  }
}
