/**
 * The output half of N_TTY: OPOST processing with its column count, and echoes.
 * Facts: Linux 6.18 drivers/tty/n_tty.c do_output_char(), process_output_block(), __process_echoes().
 */
import { ECHOCTL, IUTF8, OCRNL, OLCUC, ONLCR, ONLRET, ONOCR, OPOST, TABDLY, XTABS } from '../../abi/termios.ts';
import type { Tty } from './tty.ts';

const NL = 10;
const CR = 13;
const TAB = 9;
const BS = 8;
const SPACES: Uint8Array = new Uint8Array(8).fill(32);
const CRLF: Uint8Array = Uint8Array.of(CR, NL);
const one = new Uint8Array(1);
/** Echoes that wait for room; what comes when it is full is lost, as on a real terminal. */
const ECHO_LIMIT = 4096;

/** The C locale's iscntrl(). */
export function isControl(c: number): boolean {
  return c < 32 || c === 127;
}

/** Column state of one terminal, and the echoes that could not be written yet. */
export class OutputProcessing {
  readonly tty: Tty;
  column = 0;
  /** Column at which the current input line starts: where erasing a tab counts from. */
  canonColumn = 0;
  /** Echo bytes, already processed, that found no room. */
  readonly echo: Uint8Array = new Uint8Array(ECHO_LIMIT);
  echoLength = 0;

  constructor(tty: Tty) {
    this.tty = tty;
  }

  /** True for the second and later bytes of a UTF-8 character, which take no column. */
  isContinuation(c: number): boolean {
    return (c & 0xc0) === 0x80 && (this.tty.termios.iflag & IUTF8) !== 0;
  }

  /** Writes program output; the number of bytes of `buf` consumed (less than `len`: no room). */
  write(buf: Uint8Array, off: number, len: number): number {
    const tty = this.tty;
    this.flushEcho();
    if (this.echoLength > 0) return 0;
    if ((tty.termios.oflag & OPOST) === 0) {
      let done = 0;
      while (done < len) {
        const n = tty.driverWrite(buf, off + done, len - done);
        if (n <= 0) break;
        done += n;
      }
      return done;
    }
    const end = off + len;
    let at = off;
    while (at < end) {
      const plain = this.plainRun(buf, at, Math.min(end, at + tty.driverWriteRoom()));
      if (plain > at) {
        const n = tty.driverWrite(buf, at, plain - at);
        at += n;
        if (at < plain || at === end) break;
      }
      const room = tty.driverWriteRoom();
      if (room <= 0) break;
      if (!this.processedByte(buf[at] as number, room)) break;
      at++;
    }
    return at - off;
  }

  /** Index of the first byte from `at` that output processing would change; advances the column over the plain ones. */
  private plainRun(buf: Uint8Array, at: number, end: number): number {
    const oflag = this.tty.termios.oflag;
    for (; at < end; at++) {
      const c = buf[at] as number;
      if (c > 31 && c !== 127) {
        if (oflag & OLCUC) break;
        if (!this.isContinuation(c)) this.column++;
      } else if (c === NL) {
        if (oflag & ONLRET) this.column = 0;
        if (oflag & ONLCR) break;
        this.canonColumn = this.column;
      } else if (c === CR) {
        if (oflag & OCRNL || (oflag & ONOCR && this.column === 0)) break;
        this.canonColumn = this.column = 0;
      } else if (c === TAB) {
        break;
      } else if (c === BS && this.column > 0) {
        this.column--;
      }
    }
    return at;
  }

  /** One byte through OPOST; false if it does not fit in `room`. */
  private processedByte(c: number, room: number): boolean {
    const tty = this.tty;
    const oflag = tty.termios.oflag;
    switch (c) {
      case NL:
        if (oflag & ONLRET) this.column = 0;
        if (oflag & ONLCR) {
          if (room < 2) return false;
          this.canonColumn = this.column = 0;
          tty.driverWrite(CRLF, 0, 2);
          return true;
        }
        this.canonColumn = this.column;
        break;
      case CR:
        if (oflag & ONOCR && this.column === 0) return true;
        if (oflag & OCRNL) {
          c = NL;
          if (oflag & ONLRET) this.canonColumn = this.column = 0;
          break;
        }
        this.canonColumn = this.column = 0;
        break;
      case TAB: {
        const n = 8 - (this.column & 7);
        if ((oflag & TABDLY) === XTABS) {
          if (room < n) return false;
          this.column += n;
          tty.driverWrite(SPACES, 0, n);
          return true;
        }
        this.column += n;
        break;
      }
      case BS:
        if (this.column > 0) this.column--;
        break;
      default:
        if (!isControl(c)) {
          if (oflag & OLCUC && c >= 97 && c <= 122) c -= 32;
          if (!this.isContinuation(c)) this.column++;
        }
    }
    one[0] = c;
    tty.driverWrite(one, 0, 1);
    return true;
  }

  // ---- echoes: processed when they arise, queued as bytes when there is no room

  private put(c: number): void {
    if (this.echoLength < ECHO_LIMIT) this.echo[this.echoLength++] = c;
  }

  /** Echoes a byte as typed: control characters as ^X if ECHOCTL is on. */
  echoChar(c: number): void {
    if (c === 0xff) {
      this.put(c);
      this.column++;
    } else if (this.tty.termios.lflag & ECHOCTL && isControl(c) && c !== TAB) {
      this.put(94);
      this.put(c ^ 0x40);
      this.column += 2;
    } else {
      this.echoRaw(c);
    }
  }

  /** Echoes a byte through output processing only. */
  echoRaw(c: number): void {
    const oflag = this.tty.termios.oflag;
    if (c === 0xff) {
      this.put(c);
      this.column++;
      return;
    }
    if ((oflag & OPOST) === 0) {
      this.put(c);
      return;
    }
    switch (c) {
      case NL:
        if (oflag & ONLRET) this.column = 0;
        if (oflag & ONLCR) {
          this.canonColumn = this.column = 0;
          this.put(CR);
        } else {
          this.canonColumn = this.column;
        }
        break;
      case CR:
        if (oflag & ONOCR && this.column === 0) return;
        if (oflag & OCRNL) {
          c = NL;
          if ((oflag & ONLRET) === 0) break;
        }
        this.canonColumn = this.column = 0;
        break;
      case TAB: {
        let n = 8 - (this.column & 7);
        this.column += n;
        if ((oflag & TABDLY) === XTABS) {
          while (n-- > 0) this.put(32);
          return;
        }
        break;
      }
      case BS:
        if (this.column > 0) this.column--;
        break;
      default:
        if (!isControl(c)) {
          if (oflag & OLCUC && c >= 97 && c <= 122) c -= 32;
          if (!this.isContinuation(c)) this.column++;
        }
    }
    this.put(c);
  }

  /** Steps back over a tab: `columns` used by what stands between it and the last tab (`afterTab`) or the line's start. */
  echoEraseTab(columns: number, afterTab: boolean): void {
    let n = columns & 7;
    if (!afterTab) n += this.canonColumn;
    for (let back = 8 - (n & 7); back > 0; back--) {
      this.put(BS);
      if (this.column > 0) this.column--;
    }
  }

  /** Writes queued echoes as far as there is room. */
  flushEcho(): void {
    if (this.echoLength === 0) return;
    const tty = this.tty;
    let done = 0;
    while (done < this.echoLength) {
      const n = tty.driverWrite(this.echo, done, this.echoLength - done);
      if (n <= 0) break;
      done += n;
    }
    this.echo.copyWithin(0, done, this.echoLength);
    this.echoLength -= done;
  }

  dropEcho(): void {
    this.echoLength = 0;
  }
}
