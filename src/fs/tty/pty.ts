/** Pseudo terminals: two terminals whose lines are joined. Facts: Linux 6.18 drivers/tty/pty.c; man 7 pty. */
import { EIO } from '../../abi/errno.ts';
import { POLLIN, POLLRDNORM } from '../../abi/poll.ts';
import {
  B38400,
  CREAD,
  CS8,
  CSIZE,
  EXTPROC,
  IXON,
  PARENB,
  type Termios,
  TIOCPKT_DOSTOP,
  TIOCPKT_FLUSHWRITE,
  TIOCPKT_IOCTL,
  TIOCPKT_NOSTOP,
  VSTART,
  VSTOP,
} from '../../abi/termios.ts';
import { makedev } from '../../abi/stat.ts';
import type { Session } from '../../kernel/session.ts';
import { giveUpTerminal, hangUp } from './job-control.ts';
import { Tty } from './tty.ts';

/** Majors: Unix98 masters and slaves. Only slaves are seen, in devpts. */
export const PTY_SLAVE_MAJOR = 136;
export const PTY_MASTER_MAJOR = 128;

/** What both sides share: the line to the other side. */
abstract class PtySide extends Tty {
  readonly index: number;
  constructor(index: number) {
    super();
    this.index = index;
  }
  override disassociate(session: Session, onExit: boolean): void {
    giveUpTerminal(this, session, onExit);
  }
  /** The other side; set by makePty before anything is opened. */
  protected get other(): PtySide {
    return this.link as PtySide;
  }
  override driverWrite(buf: Uint8Array, off: number, len: number): number {
    return this.stopped ? 0 : this.other.receive(buf, off, len);
  }
  override driverWriteRoom(): number {
    return this.stopped ? 0 : this.other.inputRoom;
  }
  override driverFlush(): void {
    this.other.flushFlip();
    if (this.other.packet) {
      this.packetStatus |= TIOCPKT_FLUSHWRITE;
      this.other.readWait.wake(POLLIN | POLLRDNORM);
    }
  }
  protected override driverUnthrottle(): void {
    this.link?.wakeWriters();
  }
}

export class PtySlave extends PtySide {
  override get dev(): number {
    return makedev(PTY_SLAVE_MAJOR, this.index);
  }
  override get name(): string {
    return `pts/${this.index}`;
  }
  constructor(index: number) {
    super(index);
    this.termios.cflag = B38400 | CS8 | CREAD;
  }
  /** TIOCSPTLCK: a slave cannot be opened until it is unlocked. */
  locked = true;

  override driverTermiosChanged(old: Termios): void {
    const t = this.termios;
    if (this.other.packet) {
      const flowBefore = (old.iflag & IXON) !== 0 && old.cc[VSTOP] === 0x13 && old.cc[VSTART] === 0x11;
      const flowNow = (t.iflag & IXON) !== 0 && t.cc[VSTOP] === 0x13 && t.cc[VSTART] === 0x11;
      const external = (old.lflag | t.lflag) & EXTPROC;
      if (flowBefore !== flowNow || external) {
        if (flowBefore !== flowNow)
          this.packetStatus = (this.packetStatus & ~(TIOCPKT_DOSTOP | TIOCPKT_NOSTOP)) | (flowNow ? TIOCPKT_DOSTOP : TIOCPKT_NOSTOP);
        if (external) this.packetStatus |= TIOCPKT_IOCTL;
        this.other.readWait.wake();
      }
    }
    t.cflag = (t.cflag & ~(CSIZE | PARENB)) | CS8 | CREAD;
  }

  override opened(): number {
    if (this.otherClosed || this.locked || this.other.descriptions.size === 0) return EIO;
    this.ioError = false;
    this.other.otherClosed = false;
    return 0;
  }
  override closed(): void {
    if (this.descriptions.size > 0) return;
    this.ioError = true;
    this.packet = false;
    this.other.otherClosed = true;
    this.other.readWait.wake();
    this.other.writeWait.wake();
  }
}

export class PtyMaster extends PtySide {
  override readonly isMaster: boolean = true;
  /** Gives the index back to its devpts instance and removes the name. */
  onClose: PtyOwner | null = null;

  constructor(index: number) {
    super(index);
    this.termios.iflag = 0;
    this.termios.oflag = 0;
    this.termios.cflag = B38400 | CS8 | CREAD;
    this.termios.lflag = 0;
    this.ldisc.termiosChanged(null);
  }
  override get dev(): number {
    return makedev(PTY_MASTER_MAJOR, this.index);
  }
  override get name(): string {
    return 'ptmx';
  }
  override opened(): number {
    return 0;
  }
  override closed(): void {
    if (this.descriptions.size > 0) return;
    this.ioError = true;
    this.packet = false;
    const slave = this.other;
    slave.otherClosed = true;
    slave.readWait.wake();
    slave.writeWait.wake();
    this.onClose?.ptyClosed(this.index);
    hangUp(slave);
  }
}

/** The devpts instance that a pair was made in. */
export interface PtyOwner {
  ptyClosed(index: number): void;
}

/** A new pair; the slave is locked. */
export function makePty(index: number): { master: PtyMaster; slave: PtySlave } {
  const master = new PtyMaster(index);
  const slave = new PtySlave(index);
  master.link = slave;
  slave.link = master;
  // As Linux: the master sees a slave that was never opened as not closed, so reads wait.
  slave.ioError = true;
  return { master, slave };
}
