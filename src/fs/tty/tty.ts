/** A terminal: Linux's struct tty_struct. Subclasses are its drivers: the two sides of a pseudo terminal, the host's terminal. */
import { POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { SIGWINCH } from '../../abi/signal.ts';
import { standardTermios, type Termios, TIOCPKT_FLUSHREAD, TIOCPKT_START, TIOCPKT_STOP } from '../../abi/termios.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { ControllingTerminal } from '../../kernel/controlling-terminal.ts';
import type { ProcessGroup } from '../../kernel/process-group.ts';
import type { Session } from '../../kernel/session.ts';
import { ByteQueue } from './byte-queue.ts';
import { LineDiscipline } from './line-discipline.ts';
import type { TtyDescription } from './tty-description.ts';

/** Input that the line discipline has no room for waits here: with its 4095 bytes, 20 KiB as measured on Linux 6.18. */
const FLIP_LIMIT = 16384;
/** Queued input below which writers at the other side are let on. */
const UNTHROTTLE_BELOW = 2048;

export class WindowSize {
  row = 0;
  col = 0;
  xpixel = 0;
  ypixel = 0;
}

export abstract class Tty implements ControllingTerminal {
  readonly termios: Termios = standardTermios();
  readonly winsize: WindowSize = new WindowSize();
  readonly ldisc: LineDiscipline;
  readonly readWait: WaitQueue = new WaitQueue();
  readonly writeWait: WaitQueue = new WaitQueue();
  session: Session | null = null;
  /** The foreground process group. */
  pgrp: ProcessGroup | null = null;
  /** The other side of a pseudo terminal. */
  link: Tty | null = null;
  readonly isMaster: boolean = false;
  /** Output is held back: VSTOP was typed, or (tcoStopped) TCXONC asked for it. */
  stopped = false;
  tcoStopped = false;
  /** Packet mode of a master, and the status bits that its next read reports (kept on the slave). */
  packet = false;
  packetStatus = 0;
  /** TIOCEXCL. */
  exclusive = false;
  /** The other side of a pseudo terminal has no open description. */
  otherClosed = false;
  ioError = false;
  readonly descriptions: Set<TtyDescription> = new Set();
  private readonly flip: ByteQueue = new ByteQueue(FLIP_LIMIT);

  constructor() {
    this.ldisc = new LineDiscipline(this);
    this.ldisc.termiosChanged(null);
  }

  /** Device number (makedev). */
  abstract readonly dev: number;
  /** Name below /dev: "pts/3", "console", "ptmx". */
  abstract readonly name: string;
  /** Sends processed output to the line; the number of bytes taken, 0 if there is no room or output is stopped. */
  abstract driverWrite(buf: Uint8Array, off: number, len: number): number;
  /** Bytes that driverWrite would take now. */
  abstract driverWriteRoom(): number;
  /** Drops output that the line has not taken yet. */
  abstract driverFlush(): void;
  /** Room for input has come free. */
  protected driverUnthrottle(): void {}
  /** Bytes accepted but not yet sent (TIOCOUTQ). */
  driverPending(): number {
    return 0;
  }
  /** New termios are in force; a driver corrects what it cannot do. */
  driverTermiosChanged(_old: Termios): void {}

  /** Input from the line: into the line discipline as far as there is room, the rest into the flip buffer. The number of bytes taken. */
  receive(buf: Uint8Array, off: number, len: number): number {
    let taken = 0;
    if (this.flip.length === 0) taken = this.ldisc.receive(buf, off, len);
    if (taken < len) taken += this.flip.push(buf, off + taken, len - taken);
    return taken;
  }

  /** Room that receive() would find, at least. */
  get inputRoom(): number {
    return this.flip.room;
  }

  /** A read took input: moves more out of the flip buffer and lets writers on. */
  inputTaken(): void {
    if (this.flip.length > 0) {
      const front = this.flip.front();
      this.flip.consume(this.ldisc.receive(front, 0, front.length));
    }
    if (this.flip.length < UNTHROTTLE_BELOW) this.driverUnthrottle();
  }

  /** Drops what the line discipline has not seen. */
  flushFlip(): void {
    this.flip.clear();
    this.driverUnthrottle();
  }

  wakeReaders(): void {
    this.readWait.wake(POLLIN | POLLRDNORM);
  }
  wakeWriters(): void {
    this.writeWait.wake(POLLOUT | POLLWRNORM);
  }

  /** VSTOP or TCOOFF: holds output back. */
  stop(): void {
    if (this.stopped) return;
    this.stopped = true;
    this.reportFlow(TIOCPKT_STOP, TIOCPKT_START);
  }
  /** VSTART or TCOON: lets output on, queued echoes first. */
  start(): void {
    if (!this.stopped || this.tcoStopped) return;
    this.stopped = false;
    this.reportFlow(TIOCPKT_START, TIOCPKT_STOP);
    this.ldisc.output.flushEcho();
    this.wakeWriters();
  }
  private reportFlow(set: number, clear: number): void {
    if (this.link === null || !this.link.packet) return;
    this.packetStatus = (this.packetStatus & ~clear) | set;
    this.link.readWait.wake(POLLIN);
  }

  /** Tells a master in packet mode that input was dropped. */
  notifyFlushRead(): void {
    if (this.link === null || !this.link.packet) return;
    this.packetStatus |= TIOCPKT_FLUSHREAD;
    this.link.readWait.wake(POLLIN | POLLRDNORM | POLLPRI);
  }

  setTermios(t: Termios): void {
    const old = this.termios.clone();
    this.termios.copyFrom(t);
    this.driverTermiosChanged(old);
    this.ldisc.termiosChanged(old);
    this.readWait.wake();
    this.writeWait.wake();
  }

  /** TIOCSWINSZ or the host's window: SIGWINCH to the foreground group if it changed. */
  resize(row: number, col: number, xpixel: number, ypixel: number): void {
    const w = this.winsize;
    if (w.row === row && w.col === col && w.xpixel === xpixel && w.ypixel === ypixel) return;
    w.row = row;
    w.col = col;
    w.xpixel = xpixel;
    w.ypixel = ypixel;
    this.signalForeground(SIGWINCH);
  }

  signalForeground(sig: number): void {
    this.pgrp?.signal(sig);
  }

  /** Cuts every open description off (vhangup, master closed). The session's members are told by hangUp() in job-control.ts. */
  disconnect(): void {
    for (const d of this.descriptions) d.hungUp = true;
    this.readWait.wake();
    this.writeWait.wake();
    this.ldisc.flush();
    this.ldisc.output.dropEcho();
    this.flip.clear();
    this.stopped = this.tcoStopped = false;
  }

  abstract disassociate(session: Session, onExit: boolean): void;
  /** A description was opened (after the checks); EIO if the line is gone. */
  abstract opened(): number;
  /** The description is closed for good. */
  abstract closed(): void;
}
