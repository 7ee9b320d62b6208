/**
 * N_TTY, the input half: canonical editing, signals, flow control, and what a read may take.
 * Facts: Linux 6.18 drivers/tty/n_tty.c; man 3 termios.
 */
import { SIGINT, SIGQUIT, SIGTSTP } from '../../abi/signal.ts';
import type { IoVector } from '../../base/io-vector.ts';
import {
  ECHO,
  ECHOCTL,
  ECHOE,
  ECHOK,
  ECHOKE,
  ECHONL,
  ECHOPRT,
  EXTPROC,
  ICANON,
  ICRNL,
  IEXTEN,
  IGNCR,
  INLCR,
  ISIG,
  ISTRIP,
  IUCLC,
  IXANY,
  IXON,
  NOFLSH,
  PARMRK,
  type Termios,
  VEOF,
  VEOL,
  VEOL2,
  VERASE,
  VINTR,
  VKILL,
  VLNEXT,
  VMIN,
  VQUIT,
  VREPRINT,
  VSTART,
  VSTOP,
  VSUSP,
  VTIME,
  VWERASE,
} from '../../abi/termios.ts';
import { isControl, OutputProcessing } from './output-processing.ts';
import type { Tty } from './tty.ts';

const SIZE = 4096;
const MASK = SIZE - 1;
const NL = 10;
const CR = 13;
const TAB = 9;

function isAlnum(c: number): boolean {
  return (c >= 48 && c <= 57) || (c >= 65 && c <= 90) || (c >= 97 && c <= 122) || c >= 0xc0 || c === 0xaa || c === 0xb5 || c === 0xba;
}

/** Input state of one terminal. Positions only grow; `& MASK` gives the place in the ring. */
export class LineDiscipline {
  readonly tty: Tty;
  readonly output: OutputProcessing;
  readonly buf: Uint8Array = new Uint8Array(SIZE);
  /** 1 where a byte ends a line (newline, EOL, or EOF as a zero byte). */
  readonly lineEnd: Uint8Array = new Uint8Array(SIZE);
  readHead = 0;
  readTail = 0;
  /** End of the last complete line; equal to readTail when no line is complete. */
  canonHead = 0;
  /** The next byte is taken literally (after VLNEXT). */
  lnext = false;
  /** Inside a \…/ of ECHOPRT. */
  erasing = false;
  /** Characters that need more than being queued and echoed. */
  private readonly special: Uint8Array = new Uint8Array(256);
  private raw = false;
  private canonical = true;

  constructor(tty: Tty) {
    this.tty = tty;
    this.output = new OutputProcessing(tty);
  }

  /** Derives the character map after a change of termios; `old` is null at first. */
  termiosChanged(old: Termios | null): void {
    const { iflag, lflag, cc } = this.tty.termios;
    if (old === null || (old.lflag ^ lflag) & (ICANON | EXTPROC)) {
      this.lineEnd.fill(0);
      if ((lflag & ICANON) === 0 || this.readHead === this.readTail) {
        this.canonHead = this.readTail;
      } else {
        // What came in raw becomes one readable line.
        this.lineEnd[(this.readHead - 1) & MASK] = 1;
        this.canonHead = this.readHead;
      }
      this.erasing = false;
      this.lnext = false;
    }
    this.canonical = (lflag & ICANON) !== 0;
    const s = this.special;
    s.fill(0);
    const interesting = iflag & (ISTRIP | IUCLC | IGNCR | ICRNL | INLCR | IXON | PARMRK) || lflag & (ICANON | ISIG | ECHO);
    this.raw = !interesting;
    if (interesting) {
      if (iflag & (IGNCR | ICRNL)) s[CR] = 1;
      if (iflag & INLCR) s[NL] = 1;
      const mark = (index: number): void => {
        s[cc[index] as number] = 1;
      };
      if (lflag & ICANON) {
        for (const i of [VERASE, VKILL, VEOF, VEOL]) mark(i);
        s[NL] = 1;
        if (lflag & IEXTEN) {
          for (const i of [VWERASE, VLNEXT, VEOL2]) mark(i);
          if (lflag & ECHO) mark(VREPRINT);
        }
      }
      if (iflag & IXON) for (const i of [VSTART, VSTOP]) mark(i);
      if (lflag & ISIG) for (const i of [VINTR, VQUIT, VSUSP]) mark(i);
      s[0] = 0; // _POSIX_VDISABLE
    }
    if ((iflag & IXON) === 0 && old !== null && old.iflag & IXON && !this.tty.tcoStopped) this.tty.start();
  }

  get queued(): number {
    return this.readHead - this.readTail;
  }

  /** Bytes that FIONREAD reports: complete lines (without EOF marks) or everything. */
  get readable(): number {
    if (!this.canonical || this.tty.termios.lflag & EXTPROC) return this.queued;
    let n = this.canonHead - this.readTail;
    for (let p = this.readTail; p !== this.canonHead; p++) if (this.lineEnd[p & MASK] && this.buf[p & MASK] === 0) n--;
    return n;
  }

  /** A read has something to return; `forPoll` honours VMIN as poll does. */
  inputAvailable(forPoll: boolean): boolean {
    const { lflag, cc } = this.tty.termios;
    if (this.canonical && (lflag & EXTPROC) === 0) return this.canonHead !== this.readTail;
    const amount = forPoll && cc[VTIME] === 0 && (cc[VMIN] as number) > 0 ? (cc[VMIN] as number) : 1;
    return this.queued >= amount;
  }

  flush(): void {
    this.readHead = this.readTail = this.canonHead = 0;
    this.lnext = false;
    this.erasing = false;
    this.lineEnd.fill(0);
  }

  /** Takes input from the line; the number of bytes consumed (fewer: the buffer is full, call again after a read). */
  receive(src: Uint8Array, off: number, len: number): number {
    if (this.raw) {
      const n = Math.min(len, SIZE - 1 - this.queued);
      for (let i = 0; i < n; i++) this.buf[this.readHead++ & MASK] = src[off + i] as number;
      if (this.queued > 0) this.tty.wakeReaders();
      return n;
    }
    let i = 0;
    const parmrk = this.tty.termios.iflag & PARMRK ? 3 : 1;
    for (; i < len; i++) {
      let room = SIZE - this.queued;
      if (parmrk === 3) room = Math.ceil(room / 3);
      if (room <= 1) {
        // A line longer than the buffer: each further byte replaces the last one, so that the newline still gets in.
        if (!this.canonical || this.canonHead !== this.readTail) break;
        if (room <= 0) this.readHead--;
      }
      this.receiveByte(src[off + i] as number);
    }
    this.output.flushEcho();
    if (!this.canonical || this.tty.termios.lflag & EXTPROC) {
      if (this.queued > 0) this.tty.wakeReaders();
    }
    return i;
  }

  private receiveByte(c: number): void {
    const tty = this.tty;
    const { iflag, lflag } = tty.termios;
    const literal = this.lnext;
    this.lnext = false;
    if (iflag & ISTRIP) c &= 0x7f;
    if (iflag & IUCLC && lflag & IEXTEN && c >= 65 && c <= 90) c += 32;
    if (lflag & EXTPROC) {
      this.put(c);
      return;
    }
    const special = !literal && this.special[c] !== 0;
    if (special) {
      if (this.receiveSpecial(c)) return;
      if (c === CR && iflag & ICRNL) c = NL;
      else if (c === NL && iflag & INLCR) c = CR;
    }
    if (tty.stopped && !tty.tcoStopped && iflag & IXON && iflag & IXANY) tty.start();
    if (lflag & ECHO) {
      this.finishErasing();
      if (special && c === NL) {
        this.output.echoRaw(NL);
      } else {
        if (this.canonHead === this.readHead) this.output.canonColumn = this.output.column;
        this.output.echoChar(c);
      }
    }
    if (c === 0xff && iflag & PARMRK) this.put(c);
    this.put(c);
  }

  private put(c: number): void {
    this.buf[this.readHead++ & MASK] = c;
  }

  private finishErasing(): void {
    if (!this.erasing) return;
    this.output.echoRaw(47);
    this.erasing = false;
  }

  /** Flow control, signals and canonical editing; true if the byte was consumed. */
  private receiveSpecial(c: number): boolean {
    const tty = this.tty;
    const { iflag, lflag, cc } = tty.termios;
    if (iflag & IXON) {
      if (c === cc[VSTART]) {
        tty.start();
        return true;
      }
      if (c === cc[VSTOP]) {
        tty.stop();
        return true;
      }
    }
    if (lflag & ISIG) {
      const sig = c === cc[VINTR] ? SIGINT : c === cc[VQUIT] ? SIGQUIT : c === cc[VSUSP] ? SIGTSTP : 0;
      if (sig !== 0) {
        this.signal(sig);
        if (iflag & IXON) tty.start();
        if (lflag & ECHO) this.output.echoChar(c);
        return true;
      }
    }
    if (tty.stopped && !tty.tcoStopped && iflag & IXON && iflag & IXANY) tty.start();
    if (c === CR) {
      if (iflag & IGNCR) return true;
      if (iflag & ICRNL) c = NL;
    } else if (c === NL && iflag & INLCR) {
      c = CR;
    }
    return this.canonical && this.receiveCanonical(c);
  }

  /** Signals the foreground group; unless NOFLSH, drops queued input, echoes and output. */
  signal(sig: number): void {
    const tty = this.tty;
    tty.signalForeground(sig);
    if (tty.termios.lflag & NOFLSH) return;
    this.output.dropEcho();
    tty.driverFlush();
    this.flush();
    tty.notifyFlushRead();
  }

  private receiveCanonical(c: number): boolean {
    const { iflag, lflag, cc } = this.tty.termios;
    const out = this.output;
    const extended = (lflag & IEXTEN) !== 0;
    if (c === cc[VERASE] || c === cc[VKILL] || (c === cc[VWERASE] && extended)) {
      this.erase(c);
      return true;
    }
    if (c === cc[VLNEXT] && extended) {
      this.lnext = true;
      if (lflag & ECHO) {
        this.finishErasing();
        if (lflag & ECHOCTL) {
          out.echoRaw(94);
          out.echoRaw(8);
        }
      }
      return true;
    }
    if (c === cc[VREPRINT] && lflag & ECHO && extended) {
      this.finishErasing();
      out.echoChar(c);
      out.echoRaw(NL);
      for (let p = this.canonHead; p !== this.readHead; p++) out.echoChar(this.buf[p & MASK] as number);
      return true;
    }
    if (c === NL) {
      if (lflag & (ECHO | ECHONL)) out.echoRaw(NL);
      this.endLine(NL);
      return true;
    }
    if (c === cc[VEOF]) {
      this.endLine(0);
      return true;
    }
    if (c === cc[VEOL] || (c === cc[VEOL2] && extended)) {
      if (lflag & ECHO) {
        if (this.canonHead === this.readHead) out.canonColumn = out.column;
        out.echoChar(c);
      }
      if (c === 0xff && iflag & PARMRK) this.put(c);
      this.endLine(c);
      return true;
    }
    return false;
  }

  /** Queues a delimiter (0 stands for EOF) and makes the line readable. */
  private endLine(c: number): void {
    this.lineEnd[this.readHead & MASK] = 1;
    this.put(c);
    this.canonHead = this.readHead;
    this.tty.wakeReaders();
  }

  /** VERASE, VWERASE and VKILL. */
  private erase(c: number): void {
    const { lflag, cc } = this.tty.termios;
    const out = this.output;
    if (this.readHead === this.canonHead) return;
    const byWord = c !== cc[VERASE] && c === cc[VWERASE];
    const single = c === cc[VERASE];
    if (!single && !byWord) {
      if ((lflag & ECHO) === 0) {
        this.readHead = this.canonHead;
        return;
      }
      if ((lflag & ECHOK) === 0 || (lflag & ECHOKE) === 0 || (lflag & ECHOE) === 0) {
        this.readHead = this.canonHead;
        this.finishErasing();
        out.echoChar(cc[VKILL] as number);
        if (lflag & ECHOK) out.echoRaw(NL);
        return;
      }
    }
    let seenWord = false;
    while (this.readHead !== this.canonHead) {
      let head = this.readHead;
      do {
        head--;
        c = this.buf[head & MASK] as number;
      } while (out.isContinuation(c) && head !== this.canonHead);
      if (out.isContinuation(c)) break; // never half a character
      if (byWord) {
        if (isAlnum(c) || c === 95) seenWord = true;
        else if (seenWord) break;
      }
      const bytes = this.readHead - head;
      this.readHead = head;
      if (lflag & ECHO) this.echoErased(c, head, bytes, single);
      if (single) break;
    }
    if (this.readHead === this.canonHead && lflag & ECHO) this.finishErasing();
  }

  private echoErased(c: number, head: number, bytes: number, single: boolean): void {
    const { lflag, cc } = this.tty.termios;
    const out = this.output;
    if (lflag & ECHOPRT) {
      if (!this.erasing) {
        out.echoRaw(92);
        this.erasing = true;
      }
      out.echoChar(c);
      for (let i = 1; i < bytes; i++) {
        out.echoRaw(this.buf[(head + i) & MASK] as number);
        if (out.column > 0) out.column--;
      }
    } else if (single && (lflag & ECHOE) === 0) {
      out.echoChar(cc[VERASE] as number);
    } else if (c === TAB) {
      let columns = 0;
      let afterTab = false;
      for (let p = this.readHead; p !== this.canonHead; ) {
        p--;
        const b = this.buf[p & MASK] as number;
        if (b === TAB) {
          afterTab = true;
          break;
        }
        if (isControl(b)) {
          if (lflag & ECHOCTL) columns += 2;
        } else if (!out.isContinuation(b)) {
          columns++;
        }
      }
      out.echoEraseTab(columns, afterTab);
    } else {
      const cells = isControl(c) ? (lflag & ECHOCTL ? 2 : 0) : 1;
      for (let i = 0; i < cells; i++) {
        out.echoRaw(8);
        out.echoRaw(32);
        out.echoRaw(8);
      }
    }
  }

  /**
   * Moves what a read may take now: one line in canonical mode, else everything queued.
   * Returns the count; 0 is an end of file (VEOF on an empty line). The caller checked inputAvailable(). EFAULT if nothing could be moved.
   */
  read(iov: IoVector): number {
    if (this.canonical && (this.tty.termios.lflag & EXTPROC) === 0) return this.readLine(iov);
    let done = 0;
    while (this.queued > 0 && iov.remaining > 0) {
      const at = this.readTail & MASK;
      const n = Math.min(this.queued, SIZE - at, iov.remaining);
      const moved = iov.put(this.buf, at, n);
      if (moved < 0) return done > 0 ? done : moved;
      this.readTail += moved;
      done += moved;
      if (moved < n) break;
    }
    return done;
  }

  private readLine(iov: IoVector): number {
    let done = 0;
    while (this.readTail !== this.canonHead) {
      if (iov.remaining === 0) {
        // A full buffer swallows an EOF mark that follows at once: it would read as an end of file of its own.
        const at = this.readTail & MASK;
        if (this.lineEnd[at] && this.buf[at] === 0) {
          this.lineEnd[at] = 0;
          this.readTail++;
        }
        return done;
      }
      const at = this.readTail & MASK;
      const limit = Math.min(this.canonHead - this.readTail, SIZE - at, iov.remaining);
      let n = 0;
      while (n < limit && this.lineEnd[at + n] === 0) n++;
      const found = n < limit;
      const takesDelimiter = found && this.buf[at + n] !== 0;
      const want = takesDelimiter ? n + 1 : n;
      if (want > 0) {
        const moved = iov.put(this.buf, at, want);
        if (moved < 0) return done > 0 ? done : moved;
        done += moved;
        if (moved < want) {
          this.readTail += moved;
          return done;
        }
      }
      this.readTail += found ? n + 1 : n;
      if (found) {
        this.lineEnd[at + n] = 0;
        return done;
      }
    }
    return done;
  }
}
