/** Terminal ioctls. Facts: Linux 6.18 drivers/tty/tty_io.c tty_ioctl(), tty_ioctl.c, pty.c; man 2 ioctl_tty. */
import { EBUSY, EFAULT, EINVAL, ENOTTY, EPERM, ERESTARTSYS, isErr } from '../../abi/errno.ts';
import { CAP_SYS_ADMIN, CAP_SYS_TTY_CONFIG } from '../../abi/capability.ts';
import { SIGINT, SIGQUIT, SIGTSTP } from '../../abi/signal.ts';
import * as T from '../../abi/termios.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { callerOf, checkChange, dropTerminal, foregroundNumber, hangUp, sessionNumber, setForeground, takeTerminal } from './job-control.ts';
import { PtyMaster, type PtySlave } from './pty.ts';
import type { Tty } from './tty.ts';
import type { TtyDescription } from './tty-description.ts';

const small = new Uint8Array(T.SIZEOF_TERMIOS2);
const scratch = new T.Termios();
const one = new Uint8Array(1);

/** Runs one ioctl on an open terminal; `arg` as given. 0 or errno (ENOTTY for a command terminals do not know). */
export function ttyIoctl(ctx: VfsContext, file: TtyDescription, cmd: number, arg: number): number {
  const t = callerOf(ctx);
  const tty = file.tty;
  // A master's ioctls act on its slave where they are about the line.
  const real = tty.isMaster && tty.link !== null ? tty.link : tty;
  const space = ctx.space;
  switch (cmd) {
    case T.TIOCSETD:
    case T.TIOCSBRK:
    case T.TIOCCBRK:
    case T.TCSBRK:
    case T.TCSBRKP: {
      const check = checkChange(t, tty);
      if (check !== 0) return check;
      if (cmd === T.TIOCSETD) {
        const ldisc = space.readU32(arg);
        if (isErr(ldisc)) return ldisc;
        return ldisc === T.N_TTY ? 0 : EINVAL;
      }
      return cmd === T.TCSBRK && arg === 0 ? 0 : drain(ctx, real);
    }
    case T.TIOCGETD:
      return space.writeU32(arg, T.N_TTY);

    case T.TCGETS:
      return getTermios(ctx, real, arg, T.SIZEOF_TERMIOS);
    case T.TCGETS2:
      return getTermios(ctx, real, arg, T.SIZEOF_TERMIOS2);
    case T.TCGETA:
      real.termios.encodeTermio(small);
      return space.writeBytes(arg, small, 0, T.SIZEOF_TERMIO);
    case T.TCSETS:
    case T.TCSETSW:
    case T.TCSETSF:
      return setTermios(ctx, tty, real, arg, T.SIZEOF_TERMIOS, cmd - T.TCSETS);
    case T.TCSETS2:
    case T.TCSETSW2:
    case T.TCSETSF2:
      return setTermios(ctx, tty, real, arg, T.SIZEOF_TERMIOS2, cmd - T.TCSETS2);
    case T.TCSETA:
    case T.TCSETAW:
    case T.TCSETAF:
      return setTermios(ctx, tty, real, arg, T.SIZEOF_TERMIO, cmd - T.TCSETA);

    case T.TIOCGWINSZ: {
      const w = real.winsize;
      put16(0, w.row);
      put16(2, w.col);
      put16(4, w.xpixel);
      put16(6, w.ypixel);
      return space.writeBytes(arg, small, 0, T.SIZEOF_WINSIZE);
    }
    case T.TIOCSWINSZ: {
      const r = space.readBytes(arg, small, 0, T.SIZEOF_WINSIZE);
      if (r < 0) return r;
      real.resize(get16(0), get16(2), get16(4), get16(6));
      return 0;
    }

    case T.TIOCSCTTY:
      return takeTerminal(t, real, file, arg | 0);
    case T.TIOCNOTTY:
      return dropTerminal(t, tty);
    case T.TIOCGPGRP: {
      const n = foregroundNumber(t, tty, real);
      return n < 0 ? n : space.writeU32(arg, n);
    }
    case T.TIOCSPGRP: {
      const n = space.readU32(arg);
      if (isErr(n)) return EFAULT;
      return setForeground(t, real, n | 0);
    }
    case T.TIOCGSID: {
      const n = sessionNumber(t, tty, real);
      return n < 0 ? n : space.writeU32(arg, n);
    }

    case T.FIONREAD:
      return space.writeU32(arg, tty.ldisc.readable);
    case T.TIOCOUTQ:
      return space.writeU32(arg, tty.driverPending());
    case T.TCFLSH: {
      const check = checkChange(t, tty);
      return check !== 0 ? check : flush(tty, arg);
    }
    case T.TCXONC: {
      const check = checkChange(t, tty);
      return check !== 0 ? check : flowControl(tty, arg);
    }
    case T.TIOCSTI: {
      // Injecting input needs the own terminal or the capability; dev.tty.legacy_tiocsti is on, as Debian has it.
      if (t.threadGroup.tty !== tty && !t.credentials.capable(CAP_SYS_ADMIN)) return EPERM;
      const c = space.readU8(arg);
      if (isErr(c)) return EFAULT;
      one[0] = c;
      tty.receive(one, 0, 1);
      return 0;
    }
    case T.TIOCEXCL:
      tty.exclusive = true;
      return 0;
    case T.TIOCNXCL:
      tty.exclusive = false;
      return 0;
    case T.TIOCGEXCL:
      return space.writeU32(arg, tty.exclusive ? 1 : 0);
    case T.TIOCGDEV:
      return space.writeU32(arg, real.dev);
    case T.TIOCVHANGUP:
      if (!t.credentials.capable(CAP_SYS_ADMIN)) return EPERM;
      hangUp(tty);
      return 0;
    case T.TIOCCONS:
      if (!t.credentials.capable(CAP_SYS_ADMIN)) return EPERM;
      return tty.isMaster ? EBUSY : EINVAL;
    case T.TIOCGSOFTCAR:
      return space.writeU32(arg, tty.termios.cflag & T.CLOCAL ? 1 : 0);
    case T.TIOCSSOFTCAR: {
      const v = space.readU32(arg);
      if (isErr(v)) return EFAULT;
      real.termios.cflag = v ? real.termios.cflag | T.CLOCAL : real.termios.cflag & ~T.CLOCAL;
      return 0;
    }
    case T.TIOCPKT:
      if (!tty.isMaster) return ENOTTY;
      return setPacketMode(ctx, tty, arg);
  }
  if (tty instanceof PtyMaster) return masterIoctl(ctx, tty, cmd, arg);
  if (cmd === T.TIOCLINUX && !t.credentials.capable(CAP_SYS_TTY_CONFIG)) return ENOTTY;
  return ENOTTY;
}

/** What only the master side knows. TIOCGPTPEER is devpts's, which can name the slave. */
function masterIoctl(ctx: VfsContext, master: PtyMaster, cmd: number, arg: number): number {
  const slave = master.link as PtySlave;
  switch (cmd) {
    case T.TIOCGPTN:
      return ctx.space.writeU32(arg, master.index);
    case T.TIOCSPTLCK: {
      const v = ctx.space.readU32(arg);
      if (isErr(v)) return EFAULT;
      slave.locked = v !== 0;
      return 0;
    }
    case T.TIOCGPTLCK:
      return ctx.space.writeU32(arg, slave.locked ? 1 : 0);
    case T.TIOCGPKT:
      return ctx.space.writeU32(arg, master.packet ? 1 : 0);
    case T.TIOCSIG:
      if (arg !== SIGINT && arg !== SIGQUIT && arg !== SIGTSTP) return EINVAL;
      slave.signalForeground(arg);
      return 0;
  }
  return ENOTTY;
}

function get16(off: number): number {
  return (small[off] as number) | ((small[off + 1] as number) << 8);
}
function put16(off: number, v: number): void {
  small[off] = v;
  small[off + 1] = v >> 8;
}

function getTermios(ctx: VfsContext, real: Tty, arg: number, size: number): number {
  real.termios.encode(small);
  return ctx.space.writeBytes(arg, small, 0, size);
}

/** `when`: 0 at once, 1 after output has drained, 2 and drop input. */
function setTermios(ctx: VfsContext, tty: Tty, real: Tty, arg: number, size: number, when: number): number {
  const check = checkChange(callerOf(ctx), real);
  if (check !== 0) return check;
  const r = ctx.space.readBytes(arg, small, 0, size);
  if (r < 0) return r;
  if (when > 0) {
    if (when === 2) real.ldisc.flush(), real.inputTaken(), real.notifyFlushRead();
    const wait = drain(ctx, real);
    if (wait !== 0) return wait;
  }
  scratch.copyFrom(real.termios);
  if (size === T.SIZEOF_TERMIO) scratch.decodeTermio(small);
  else scratch.decode(small.subarray(0, size));
  void tty;
  real.setTermios(scratch);
  return 0;
}

/** Waits until the line has taken all output. */
function drain(ctx: VfsContext, real: Tty): number {
  if (real.driverPending() === 0) return 0;
  if (ctx.signalPending()) return ERESTARTSYS;
  return ctx.wait(real.writeWait);
}

function flush(tty: Tty, which: number): number {
  if (which === T.TCIFLUSH || which === T.TCIOFLUSH) {
    tty.flushFlip();
    tty.ldisc.flush();
    tty.inputTaken();
    tty.notifyFlushRead();
  } else if (which !== T.TCOFLUSH) {
    return EINVAL;
  }
  if (which !== T.TCIFLUSH) {
    tty.ldisc.output.dropEcho();
    tty.driverFlush();
  }
  return 0;
}

function flowControl(tty: Tty, action: number): number {
  switch (action) {
    case T.TCOOFF:
      tty.tcoStopped = true;
      tty.stop();
      return 0;
    case T.TCOON:
      if (tty.tcoStopped) {
        tty.tcoStopped = false;
        tty.start();
      }
      return 0;
    case T.TCIOFF:
    case T.TCION: {
      const c = tty.termios.cc[action === T.TCIOFF ? T.VSTOP : T.VSTART] as number;
      if (c === 0) return 0;
      one[0] = c;
      const held = tty.stopped;
      tty.stopped = false;
      tty.driverWrite(one, 0, 1);
      tty.stopped = held;
      return 0;
    }
  }
  return EINVAL;
}

function setPacketMode(ctx: VfsContext, tty: Tty, arg: number): number {
  const v = ctx.space.readU32(arg);
  if (isErr(v)) return EFAULT;
  if (v !== 0 && !tty.packet && tty.link !== null) tty.link.packetStatus = 0;
  tty.packet = v !== 0;
  return 0;
}
