/** Process groups. In Linux a list of tasks on a struct pid; here an object that knows its members and its session. */
import type { Pid } from './pid.ts';
import type { Session } from './session.ts';
import type { SignalInfo } from './signal-info.ts';
import { sendSignalToGroup } from './signal-send.ts';
import type { ThreadGroup } from './thread-group.ts';

export class ProcessGroup {
  readonly pid: Pid;
  readonly session: Session;
  readonly members: Set<ThreadGroup> = new Set();
  constructor(pid: Pid, session: Session) {
    this.pid = pid;
    this.session = session;
    pid.processGroup = this;
    session.groups.add(this);
  }
  add(tg: ThreadGroup): void {
    this.members.add(tg);
    tg.processGroup = this;
  }
  /** Takes `tg` out; an empty group ceases to be. */
  remove(tg: ThreadGroup): void {
    this.members.delete(tg);
    if (this.members.size > 0) return;
    this.pid.processGroup = null;
    this.session.groups.delete(this);
    this.session.releaseIfUnused();
    this.pid.releaseIfUnused();
  }
  /** Sends `signo` from the kernel to every process of the group (Linux kill_pgrp(…, 1)). */
  signal(signo: number, info: SignalInfo | null = null): void {
    for (const tg of [...this.members]) sendSignalToGroup(tg, signo, info);
  }
  /**
   * True if no member has a parent in another group of the same session: nobody does job control for it (Linux is_current_pgrp_orphaned,
   * will_become_orphaned_pgrp). `except` is a process that is about to exit.
   */
  orphaned(except: ThreadGroup | null = null): boolean {
    for (const tg of this.members) {
      if (tg === except || tg.dead) continue;
      const parent = tg.leader.realParent;
      // The sandbox's own init stands for the shell that started the first program.
      if (parent === null || (parent.threadGroup.isInit && !parent.internal)) continue;
      const group = parent.threadGroup.processGroup;
      if (group !== null && group !== this && group.session === this.session) return false;
    }
    return true;
  }
  /** True if a member is stopped (Linux has_stopped_jobs). */
  hasStopped(): boolean {
    for (const tg of this.members) if (tg.stopped) return true;
    return false;
  }
}
