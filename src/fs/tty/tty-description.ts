/** An open terminal. Facts: Linux 6.18 drivers/tty/tty_io.c, n_tty.c n_tty_read(), n_tty_write(), n_tty_poll(). */
import { EAGAIN, EIO, ENOTTY, ERESTARTSYS } from '../../abi/errno.ts';
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { SIGTTIN, SIGTTOU } from '../../abi/signal.ts';
import { EXTPROC, ICANON, TIOCPKT_DATA, TIOCSPGRP, TOSTOP, VMIN, VTIME } from '../../abi/termios.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { callerOf, checkForeground } from './job-control.ts';
import type { Tty } from './tty.ts';
import { ttyIoctl } from './tty-ioctl.ts';

/** Output is processed in pieces of this size, so that a signal can come between. */
const WRITE_CHUNK = 2048;
const DECISECOND = 100_000_000;
const chunk = new Uint8Array(WRITE_CHUNK);
const one = new Uint8Array(1);

export class TtyDescription extends FileDescription {
  readonly tty: Tty;
  /** The line was hung up: reads end, writes are EIO. */
  hungUp = false;
  /** /dev/console: no job control, never a controlling terminal. */
  readonly console: boolean;

  /** The caller has checked that the terminal may be opened; tty.opened() was asked. */
  constructor(path: Path, flags: number, inode: Inode, tty: Tty, console = false) {
    super(path, flags, inode);
    this.tty = tty;
    this.console = console;
    tty.descriptions.add(this);
  }

  override get seekable(): boolean {
    return false;
  }

  override release(): void {
    this.tty.descriptions.delete(this);
    if (!this.hungUp || this.tty.isMaster) this.tty.closed();
  }

  override read(ctx: VfsContext, iov: IoVector, _offset: number): number {
    const tty = this.tty;
    if (this.hungUp) return 0;
    if (tty.ioError) return EIO;
    if (!this.console) {
      const check = checkForeground(callerOf(ctx), tty, SIGTTIN);
      if (check !== 0) return check;
    }
    if (iov.remaining === 0) return 0;
    const link = tty.link;
    if (tty.packet && link !== null && link.packetStatus !== 0) {
      one[0] = link.packetStatus;
      const r = iov.put(one, 0, 1);
      if (r > 0) link.packetStatus = 0;
      return r;
    }
    const { lflag, cc } = tty.termios;
    const ldisc = tty.ldisc;
    const canonical = (lflag & ICANON) !== 0 && (lflag & EXTPROC) === 0;
    if (!canonical) {
      const wait = this.waitForMinimum(ctx, cc[VMIN] as number, (cc[VTIME] as number) * DECISECOND, iov.remaining);
      if (wait !== 0) return wait > 0 ? 0 : wait;
    } else if (!ldisc.inputAvailable(false)) {
      return this.nothingToRead(ctx, -1);
    }
    let header = 0;
    if (tty.packet) {
      one[0] = TIOCPKT_DATA;
      header = iov.put(one, 0, 1);
      if (header < 0) return header;
    }
    const n = ldisc.read(iov);
    tty.inputTaken();
    return n < 0 ? (header > 0 ? header : n) : n + header;
  }

  /** Raw mode: 0 if enough is there (or must be enough), 1 for an empty read, else an errno or BLOCKED. */
  private waitForMinimum(ctx: VfsContext, min: number, time: number, wanted: number): number {
    const have = this.tty.ldisc.queued;
    if (have >= Math.min(Math.max(min, 1), wanted)) return 0;
    const s = callerOf(ctx).syscall;
    if (min > 0) {
      // VTIME runs between bytes: only once the first has come, and anew with each.
      if (have === 0 || time === 0) {
        if (have > 0 && (this.gone() || this.nonBlocking || ctx.signalPending())) return 0;
        return this.nothingToRead(ctx, -1);
      }
      if (s.timedOut && s.progress2 === have) return 0;
      if (this.gone() || this.nonBlocking || ctx.signalPending()) return 0;
      if (s.progress2 !== have) {
        s.progress2 = have;
        s.deadline = callerOf(ctx).monotonicNs() + time;
      }
      return ctx.wait(this.tty.readWait, s.deadline);
    }
    // VMIN 0: VTIME runs from the start of the read.
    if (time === 0) {
      const r = this.endOfInput();
      return r < 0 ? r : 1;
    }
    if (s.timedOut) return 1;
    if (s.deadline < 0 || s.deadline === Infinity) s.deadline = callerOf(ctx).monotonicNs() + time;
    return this.nothingToRead(ctx, s.deadline);
  }

  private gone(): boolean {
    return this.hungUp || this.tty.otherClosed;
  }

  /** EIO once the other side is closed, 0 after a hangup or if neither. */
  private endOfInput(): number {
    return this.tty.otherClosed ? EIO : 0;
  }

  /** No input: end of file, EIO, EAGAIN, or wait (until `deadline` if it is not negative). */
  private nothingToRead(ctx: VfsContext, deadline: number): number {
    if (this.tty.otherClosed) return EIO;
    if (this.hungUp) return 0;
    if (this.nonBlocking) return EAGAIN;
    if (ctx.signalPending()) return ERESTARTSYS;
    return deadline >= 0 ? ctx.wait(this.tty.readWait, deadline) : ctx.wait(this.tty.readWait);
  }

  override write(ctx: VfsContext, iov: IoVector, _offset: number): number {
    const tty = this.tty;
    if (this.hungUp || tty.ioError) return EIO;
    if (tty.termios.lflag & TOSTOP && !this.console) {
      const check = checkForeground(callerOf(ctx), tty, SIGTTOU);
      if (check !== 0) return check;
    }
    let done = 0;
    while (iov.remaining > 0) {
      // A master counts as one who has the slave open (Linux pty_common_install()): what it writes waits there, and is echoed.
      if (tty.link !== null && !tty.isMaster && tty.link.descriptions.size === 0) return done > 0 ? done : EIO;
      const n = iov.take(chunk, 0, WRITE_CHUNK);
      if (n < 0) return done > 0 ? done : n;
      const written = tty.ldisc.output.write(chunk, 0, n);
      done += written;
      if (written < n) {
        iov.unread(n - written);
        if (this.nonBlocking) return done > 0 ? done : EAGAIN;
        if (ctx.signalPending()) return done > 0 ? done : ERESTARTSYS;
        return ctx.wait(tty.writeWait);
      }
    }
    return done;
  }

  override poll(table: PollTable | null): number {
    const tty = this.tty;
    if (this.hungUp) return POLLIN | POLLOUT | POLLERR | POLLHUP | POLLRDNORM | POLLWRNORM;
    if (table !== null) {
      table.add(tty.readWait);
      table.add(tty.writeWait);
    }
    let mask = 0;
    if (tty.ldisc.inputAvailable(true)) mask |= POLLIN | POLLRDNORM;
    if (tty.packet && tty.link !== null && tty.link.packetStatus !== 0) mask |= POLLPRI | POLLIN | POLLRDNORM;
    if (tty.otherClosed) mask |= POLLHUP;
    if (tty.driverWriteRoom() > 0) mask |= POLLOUT | POLLWRNORM;
    return mask;
  }

  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    if (this.hungUp) return cmd === TIOCSPGRP ? ENOTTY : EIO;
    return ttyIoctl(ctx, this, cmd >>> 0, arg);
  }
}
