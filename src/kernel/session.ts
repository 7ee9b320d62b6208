/** Sessions: process groups that may share a controlling terminal. */
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
  constructor(pid: Pid, leader: ThreadGroup | null) {
    this.pid = pid;
    this.leader = leader;
    pid.session = this;
  }
  releaseIfUnused(): void {
    if (this.groups.size > 0) return;
    this.pid.session = null;
    this.pid.releaseIfUnused();
  }
}
