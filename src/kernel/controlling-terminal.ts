/** What the kernel asks of a controlling terminal; the tty layer (`fs/tty/`) implements it. */
import type { ProcessGroup } from './process-group.ts';
import type { Session } from './session.ts';

export interface ControllingTerminal {
  /** Device number (makedev) for /proc/PID/stat. */
  readonly dev: number;
  /** The session it controls, and that session's foreground group. */
  session: Session | null;
  pgrp: ProcessGroup | null;
  /**
   * `session` gives the terminal up, because its leader exits (`onExit`) or asks (TIOCNOTTY): clears `session` and `pgrp`, takes the
   * terminal from every process of the session, and sends SIGHUP and SIGCONT to the foreground group (Linux disassociate_ctty()).
   */
  disassociate(session: Session, onExit: boolean): void;
}
