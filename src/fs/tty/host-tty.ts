/** The owner's terminal as a guest terminal: the host's is raw, and our own line discipline does the work. */
import { EAGAIN } from '../../abi/errno.ts';
import { makedev } from '../../abi/stat.ts';
import { IUTF8 } from '../../abi/termios.ts';
import type { HostStream, HostStreamListener } from '../../host/host.ts';
import type { Session } from '../../kernel/session.ts';
import { ByteQueue } from './byte-queue.ts';
import { giveUpTerminal, hangUp } from './job-control.ts';
import { PTY_SLAVE_MAJOR } from './pty.ts';
import { Tty } from './tty.ts';

/** Output that the host has not taken yet. */
const OUTPUT_LIMIT = 65536;
const READ_CHUNK = 4096;

export class HostTty extends Tty implements HostStreamListener {
  private readonly input: HostStream;
  private readonly outputStream: HostStream;
  private readonly pending: ByteQueue = new ByteQueue(OUTPUT_LIMIT);
  private readonly chunk = new Uint8Array(READ_CHUNK);
  private inputEnded = false;
  readonly index: number;

  /** Shown as /dev/pts/`index`, so that ttyname() works as on the host. */
  constructor(index: number, input: HostStream, output: HostStream) {
    super();
    this.index = index;
    this.input = input;
    this.outputStream = output;
    this.termios.iflag |= IUTF8;
    this.ldisc.termiosChanged(null);
    input.listener = this;
    output.listener = this;
  }

  override get dev(): number {
    return makedev(PTY_SLAVE_MAJOR, this.index);
  }
  override get name(): string {
    return `pts/${this.index}`;
  }

  override driverWrite(buf: Uint8Array, off: number, len: number): number {
    if (this.stopped) return 0;
    if (this.pending.length === 0) {
      const n = this.outputStream.write(buf, off, len);
      if (n > 0) return n + this.pending.push(buf, off + n, len - n);
      // A terminal that is gone swallows what is written, until its hangup is seen.
      if (n < 0 && n !== EAGAIN) return len;
    }
    const n = this.pending.push(buf, off, len);
    this.outputStream.outputAvailable();
    return n;
  }
  override driverWriteRoom(): number {
    return this.stopped ? 0 : this.pending.room;
  }
  override driverPending(): number {
    return this.pending.length;
  }
  override driverFlush(): void {
    this.pending.clear();
  }
  protected override driverUnthrottle(): void {
    this.inputReady();
  }

  /** Host: keys were typed, or the terminal is gone. */
  inputReady(): void {
    while (!this.inputEnded && this.inputRoom >= READ_CHUNK) {
      const n = this.input.read(this.chunk, 0, READ_CHUNK);
      if (n === EAGAIN) return;
      if (n <= 0) {
        this.inputEnded = true;
        hangUp(this);
        return;
      }
      this.receive(this.chunk, 0, n);
    }
  }
  /** Host: more output can go. */
  outputReady(): void {
    while (this.pending.length > 0) {
      const front = this.pending.front();
      const n = this.outputStream.write(front, 0, front.length);
      if (n === EAGAIN) break;
      this.pending.consume(n > 0 ? n : front.length);
    }
    this.ldisc.output.flushEcho();
    if (this.pending.room > OUTPUT_LIMIT >> 1) this.wakeWriters();
  }

  override opened(): number {
    this.inputReady();
    return 0;
  }
  override closed(): void {}
  override disassociate(session: Session, onExit: boolean): void {
    giveUpTerminal(this, session, onExit);
  }
}
