/**
 * Terminals: termios bits, ioctl numbers, struct layouts.
 * Source: Linux 6.18 include/uapi/asm-generic/{termbits,termios,ioctls}.h, include/uapi/linux/tty.h.
 */

// c_cc indices
export const VINTR = 0;
export const VQUIT = 1;
export const VERASE = 2;
export const VKILL = 3;
export const VEOF = 4;
export const VTIME = 5;
export const VMIN = 6;
export const VSWTC = 7;
export const VSTART = 8;
export const VSTOP = 9;
export const VSUSP = 10;
export const VEOL = 11;
export const VREPRINT = 12;
export const VDISCARD = 13;
export const VWERASE = 14;
export const VLNEXT = 15;
export const VEOL2 = 16;

// c_iflag
export const IGNBRK = 0o1;
export const BRKINT = 0o2;
export const IGNPAR = 0o4;
export const PARMRK = 0o10;
export const INPCK = 0o20;
export const ISTRIP = 0o40;
export const INLCR = 0o100;
export const IGNCR = 0o200;
export const ICRNL = 0o400;
export const IUCLC = 0o1000;
export const IXON = 0o2000;
export const IXANY = 0o4000;
export const IXOFF = 0o10000;
export const IMAXBEL = 0o20000;
export const IUTF8 = 0o40000;

// c_oflag
export const OPOST = 0o1;
export const OLCUC = 0o2;
export const ONLCR = 0o4;
export const OCRNL = 0o10;
export const ONOCR = 0o20;
export const ONLRET = 0o40;
export const OFILL = 0o100;
export const OFDEL = 0o200;
export const TABDLY = 0o14000;
export const XTABS = 0o14000;

// c_cflag
export const CBAUD = 0o10017;
export const CSIZE = 0o60;
export const CS8 = 0o60;
export const CSTOPB = 0o100;
export const CREAD = 0o200;
export const PARENB = 0o400;
export const PARODD = 0o1000;
export const HUPCL = 0o2000;
export const CLOCAL = 0o4000;
export const B0 = 0;
export const B9600 = 0o15;
export const B38400 = 0o17;

// c_lflag
export const ISIG = 0o1;
export const ICANON = 0o2;
export const XCASE = 0o4;
export const ECHO = 0o10;
export const ECHOE = 0o20;
export const ECHOK = 0o40;
export const ECHONL = 0o100;
export const NOFLSH = 0o200;
export const TOSTOP = 0o400;
export const ECHOCTL = 0o1000;
export const ECHOPRT = 0o2000;
export const ECHOKE = 0o4000;
export const FLUSHO = 0o10000;
export const PENDIN = 0o40000;
export const IEXTEN = 0o100000;
export const EXTPROC = 0o200000;

// ioctls
export const TCGETS = 0x5401;
export const TCSETS = 0x5402;
export const TCSETSW = 0x5403;
export const TCSETSF = 0x5404;
export const TCGETA = 0x5405;
export const TCSETA = 0x5406;
export const TCSETAW = 0x5407;
export const TCSETAF = 0x5408;
export const TCSBRK = 0x5409;
export const TCXONC = 0x540a;
export const TCFLSH = 0x540b;
export const TIOCEXCL = 0x540c;
export const TIOCNXCL = 0x540d;
export const TIOCSCTTY = 0x540e;
export const TIOCGPGRP = 0x540f;
export const TIOCSPGRP = 0x5410;
export const TIOCOUTQ = 0x5411;
export const TIOCSTI = 0x5412;
export const TIOCGWINSZ = 0x5413;
export const TIOCSWINSZ = 0x5414;
export const TIOCMGET = 0x5415;
export const TIOCGSOFTCAR = 0x5419;
export const TIOCSSOFTCAR = 0x541a;
export const FIONREAD = 0x541b;
export const TIOCINQ = 0x541b;
export const TIOCLINUX = 0x541c;
export const TIOCCONS = 0x541d;
export const TIOCPKT = 0x5420;
export const FIONBIO = 0x5421;
export const TIOCNOTTY = 0x5422;
export const TIOCSETD = 0x5423;
export const TIOCGETD = 0x5424;
export const TCSBRKP = 0x5425;
export const TIOCSBRK = 0x5427;
export const TIOCCBRK = 0x5428;
export const TIOCGSID = 0x5429;
export const TCGETS2 = 0x802c542a;
export const TCSETS2 = 0x402c542b;
export const TCSETSW2 = 0x402c542c;
export const TCSETSF2 = 0x402c542d;
export const TIOCGPTN = 0x80045430;
export const TIOCSPTLCK = 0x40045431;
export const TIOCGDEV = 0x80045432;
export const TIOCSIG = 0x40045436;
export const TIOCVHANGUP = 0x5437;
export const TIOCGPKT = 0x80045438;
export const TIOCGPTLCK = 0x80045439;
export const TIOCGEXCL = 0x80045440;
export const TIOCGPTPEER = 0x5441;
export const FIONCLEX = 0x5450;
export const FIOCLEX = 0x5451;
export const FIOASYNC = 0x5452;
export const FIOQSIZE = 0x5460;

export const TCIFLUSH = 0;
export const TCOFLUSH = 1;
export const TCIOFLUSH = 2;
export const TCOOFF = 0;
export const TCOON = 1;
export const TCIOFF = 2;
export const TCION = 3;

export const TIOCPKT_DATA = 0;
export const TIOCPKT_FLUSHREAD = 1;
export const TIOCPKT_FLUSHWRITE = 2;
export const TIOCPKT_STOP = 4;
export const TIOCPKT_START = 8;
export const TIOCPKT_NOSTOP = 16;
export const TIOCPKT_DOSTOP = 32;
export const TIOCPKT_IOCTL = 64;

export const N_TTY = 0;

/** Number of control characters in the kernel's termios. */
export const NCCS = 19;
/** Kernel `struct termios`: four 32-bit flag words, c_line at 16, c_cc from 17. */
export const SIZEOF_TERMIOS = 36;
/** `struct termios2` adds c_ispeed at 36 and c_ospeed at 40. */
export const SIZEOF_TERMIOS2 = 44;
/** `struct termio`: four 16-bit flag words, c_line at 8, c_cc[8] from 9. */
export const SIZEOF_TERMIO = 18;
/** `struct winsize`: ws_row, ws_col, ws_xpixel, ws_ypixel, 16 bits each. */
export const SIZEOF_WINSIZE = 8;

/** Baud rates by the low bits of CBAUD; index 16 and up are B57600 …  (CBAUDEX set). */
const BAUD_LOW: readonly number[] = [0, 50, 75, 110, 134, 150, 200, 300, 600, 1200, 1800, 2400, 4800, 9600, 19200, 38400];
const BAUD_HIGH: readonly number[] = [
  0, 57600, 115200, 230400, 460800, 500000, 576000, 921600, 1000000, 1152000, 1500000, 2000000, 2500000, 3000000, 3500000, 4000000,
];
const CBAUDEX = 0o10000;
export const BOTHER = 0o10000;

/** Bits a second that the CBAUD field of `cflag` stands for; -1 for BOTHER. */
export function baudOf(cflag: number): number {
  const code = cflag & 0o17;
  if ((cflag & CBAUDEX) === 0) return BAUD_LOW[code] as number;
  return code === 0 ? -1 : (BAUD_HIGH[code] as number);
}

/** Kernel `struct ktermios`. */
export class Termios {
  iflag = 0;
  oflag = 0;
  cflag = 0;
  lflag = 0;
  line = 0;
  readonly cc: Uint8Array = new Uint8Array(NCCS);
  ispeed = 38400;
  ospeed = 38400;

  copyFrom(t: Termios): void {
    this.iflag = t.iflag;
    this.oflag = t.oflag;
    this.cflag = t.cflag;
    this.lflag = t.lflag;
    this.line = t.line;
    this.cc.set(t.cc);
    this.ispeed = t.ispeed;
    this.ospeed = t.ospeed;
  }

  clone(): Termios {
    const t = new Termios();
    t.copyFrom(this);
    return t;
  }

  /** `struct termios` (36 bytes) or, if `buf` has room for it, `struct termios2` (44). */
  encode(buf: Uint8Array): void {
    const v = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
    v.setUint32(0, this.iflag, true);
    v.setUint32(4, this.oflag, true);
    v.setUint32(8, this.cflag, true);
    v.setUint32(12, this.lflag, true);
    buf[16] = this.line;
    buf.set(this.cc, 17);
    if (buf.length >= SIZEOF_TERMIOS2) {
      v.setUint32(36, this.ispeed, true);
      v.setUint32(40, this.ospeed, true);
    }
  }

  decode(buf: Uint8Array): void {
    const v = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
    this.iflag = v.getUint32(0, true);
    this.oflag = v.getUint32(4, true);
    this.cflag = v.getUint32(8, true);
    this.lflag = v.getUint32(12, true);
    this.line = buf[16] as number;
    this.cc.set(buf.subarray(17, 17 + NCCS));
    if (buf.length >= SIZEOF_TERMIOS2) {
      this.ispeed = v.getUint32(36, true);
      this.ospeed = v.getUint32(40, true);
    } else {
      const baud = baudOf(this.cflag);
      if (baud >= 0) {
        this.ospeed = baud;
        const ibits = (this.cflag >>> 16) & CBAUD;
        this.ispeed = ibits === 0 ? baud : Math.max(0, baudOf(ibits));
      }
    }
  }

  /** The old `struct termio` (System V): only the low 16 bits of each flag word and 8 control characters. */
  encodeTermio(buf: Uint8Array): void {
    const v = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
    v.setUint16(0, this.iflag & 0xffff, true);
    v.setUint16(2, this.oflag & 0xffff, true);
    v.setUint16(4, this.cflag & 0xffff, true);
    v.setUint16(6, this.lflag & 0xffff, true);
    buf[8] = this.line;
    buf.set(this.cc.subarray(0, 8), 9);
  }

  decodeTermio(buf: Uint8Array): void {
    const v = new DataView(buf.buffer, buf.byteOffset, buf.byteLength);
    this.iflag = ((this.iflag & 0xffff0000) | v.getUint16(0, true)) >>> 0;
    this.oflag = ((this.oflag & 0xffff0000) | v.getUint16(2, true)) >>> 0;
    this.cflag = ((this.cflag & 0xffff0000) | v.getUint16(4, true)) >>> 0;
    this.lflag = ((this.lflag & 0xffff0000) | v.getUint16(6, true)) >>> 0;
    this.line = buf[8] as number;
    this.cc.set(buf.subarray(9, 17));
  }
}

/** What a fresh terminal starts with. Linux 6.18 drivers/tty/tty_io.c tty_std_termios, INIT_C_CC. */
export function standardTermios(): Termios {
  const t = new Termios();
  t.iflag = ICRNL | IXON;
  t.oflag = OPOST | ONLCR;
  t.cflag = B38400 | CS8 | CREAD | HUPCL;
  t.lflag = ISIG | ICANON | ECHO | ECHOE | ECHOK | ECHOCTL | ECHOKE | IEXTEN;
  t.cc.set([3, 28, 127, 21, 4, 0, 1, 0, 17, 19, 26, 0, 18, 15, 23, 22, 0]);
  return t;
}
