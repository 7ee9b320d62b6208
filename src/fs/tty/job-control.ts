/** Who may use a terminal: sessions, foreground groups, SIGTTIN/SIGTTOU/SIGHUP. Facts: Linux 6.18 drivers/tty/tty_jobctrl.c, tty_io.c. */
import { EINVAL, EIO, ENOTTY, EPERM, ERESTARTSYS, ESRCH } from '../../abi/errno.ts';
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { SIG_IGN, SIGCONT, SIGHUP, SIGTTIN, SIGTTOU } from '../../abi/signal.ts';
import type { Session } from '../../kernel/session.ts';
import { sendSignalToGroup } from '../../kernel/signal-send.ts';
import type { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Tty } from './tty.ts';
import type { TtyDescription } from './tty-description.ts';

/** The task behind a VFS call: file systems stand above the kernel, and its Task is the one implementation of VfsContext. */
export function callerOf(ctx: VfsContext): Task {
  return ctx as unknown as Task;
}

/** Blocked or ignored: the process would not stop from it (Linux is_ignored). */
function isIgnored(t: Task, sig: number): boolean {
  return t.signals.blocked.has(sig) || t.actions.get(sig).handler === SIG_IGN;
}

/**
 * A background process reads (SIGTTIN) or changes (SIGTTOU) its terminal: 0 if it may go on; ERESTARTSYS after its group was signalled;
 * EIO if nobody could ever bring it to the foreground (orphaned), or it cannot be stopped from reading.
 */
export function checkForeground(t: Task, tty: Tty, sig: number): number {
  if (t.threadGroup.tty !== tty) return 0;
  const group = t.threadGroup.processGroup;
  if (group === null || tty.pgrp === null || group === tty.pgrp) return 0;
  if (isIgnored(t, sig)) return sig === SIGTTIN ? EIO : 0;
  if (group.orphaned()) return EIO;
  group.signal(sig);
  return ERESTARTSYS;
}

/** As checkForeground for a change of the terminal (tcsetattr, tcflush …). */
export function checkChange(t: Task, tty: Tty): number {
  return checkForeground(t, tty, SIGTTOU);
}

/** Makes `tty` the controlling terminal of the caller's session; the caller is its leader and has none. */
export function setControllingTerminal(t: Task, tty: Tty): void {
  const tg = t.threadGroup;
  const session = tg.session;
  tty.session = session;
  tty.pgrp = tg.processGroup;
  session.tty = tty;
  tg.tty = tty;
}

/** An open without O_NOCTTY: a session leader without a terminal gets this one, if it can read it and nobody else has it. */
export function acquireOnOpen(t: Task, tty: Tty, readable: boolean): void {
  const tg = t.threadGroup;
  if (tg.session.leader === tg && tg.tty === null && tty.session === null && readable) setControllingTerminal(t, tty);
}

/** TIOCSCTTY; `steal` (arg 1) takes it from another session, with CAP_SYS_ADMIN. 0 or EPERM. */
export function takeTerminal(t: Task, tty: Tty, file: TtyDescription, steal: number): number {
  const tg = t.threadGroup;
  if (tg.session.leader === tg && tty.session === tg.session) return 0;
  if (tg.session.leader !== tg || tg.tty !== null) return EPERM;
  if (tty.session !== null) {
    if (steal !== 1 || !t.credentials.capable(CAP_SYS_ADMIN)) return EPERM;
    clearSessionTty(tty.session, tty);
  }
  if (!file.readable && !t.credentials.capable(CAP_SYS_ADMIN)) return EPERM;
  setControllingTerminal(t, tty);
  return 0;
}

function clearSessionTty(session: Session, tty: Tty): void {
  if (session.tty === tty) session.tty = null;
  for (const group of session.groups) for (const tg of group.members) if (tg.tty === tty) tg.tty = null;
}

/** TIOCNOTTY: the caller gives its terminal up; a session leader takes it from the whole session. ENOTTY if it is not its own. */
export function dropTerminal(t: Task, tty: Tty): number {
  const tg = t.threadGroup;
  if (tg.tty !== tty) return ENOTTY;
  if (tg.session.leader === tg) giveUpTerminal(tty, tg.session, false);
  tg.tty = null;
  return 0;
}

/** The leader of `session` exits or gives the terminal up. Linux 6.18 disassociate_ctty(). */
export function giveUpTerminal(tty: Tty, session: Session, onExit: boolean): void {
  const group = tty.pgrp;
  if (group !== null) {
    group.signal(SIGHUP);
    if (!onExit) group.signal(SIGCONT);
  }
  if (tty.session === session) {
    tty.session = null;
    tty.pgrp = null;
  }
  clearSessionTty(session, tty);
}

/** The line is gone (master closed, vhangup): open descriptions are cut off; the session leader gets SIGHUP and SIGCONT and loses its terminal. */
export function hangUp(tty: Tty): void {
  tty.disconnect();
  const session = tty.session;
  if (session === null) return;
  const leader = session.leader;
  const group = tty.pgrp;
  clearSessionTty(session, tty);
  tty.session = null;
  tty.pgrp = null;
  if (leader !== null) {
    // Once the leader exits, the group that was in the foreground is told too.
    leader.ttyOldGroup = group;
    sendSignalToGroup(leader, SIGHUP, null);
    sendSignalToGroup(leader, SIGCONT, null);
  }
}

/** TIOCGPGRP: the foreground group's number as the caller sees it, 0 if there is none; ENOTTY. */
export function foregroundNumber(t: Task, tty: Tty, real: Tty): number {
  // On the slave side it must be the caller's own terminal; a master may always ask.
  if (tty === real && t.threadGroup.tty !== real) return ENOTTY;
  return real.pgrp === null ? 0 : real.pgrp.pid.nr(t.pid.ns);
}

/** TIOCGSID: the session's number; ENOTTY. */
export function sessionNumber(t: Task, tty: Tty, real: Tty): number {
  if (tty === real && t.threadGroup.tty !== real) return ENOTTY;
  if (real.session === null) return ENOTTY;
  return real.session.pid.nr(t.pid.ns);
}

/** TIOCSPGRP: 0, ENOTTY, EINVAL, ESRCH, EPERM, or what checkChange says. */
export function setForeground(t: Task, real: Tty, number: number): number {
  const check = checkChange(t, real);
  if (check === EIO) return ENOTTY;
  if (check !== 0) return check;
  const tg = t.threadGroup;
  if (tg.tty === null || tg.tty !== real || real.session !== tg.session) return ENOTTY;
  if (number < 0) return EINVAL;
  const group = t.pid.ns.find(number)?.processGroup ?? null;
  if (group === null) return ESRCH;
  if (group.session !== tg.session) return EPERM;
  real.pgrp = group;
  return 0;
}
