/**
 * Waiting for input without taking it: Node cannot poll a descriptor, but it can read one byte. While the guest waits, a stream with a
 * one-byte buffer reads; the byte is handed on and reading stops. So the host process never takes more than one byte that the guest did
 * not ask for, and whoever reads the same pipe or terminal afterwards finds the rest.
 */
import * as net from 'node:net';
import * as tty from 'node:tty';

export class InputWatcher {
  private readonly fd: number;
  private readonly isTty: boolean;
  private readonly bufferSize: number;
  private readonly onInput: (bytes: Buffer | null) => void;
  private stream: net.Socket | null = null;
  /** The stream is reading. */
  active = false;
  private ended = false;

  /** `onInput` gets what was read, or null at the end of input. `bufferSize` is how much may be taken at once. */
  constructor(fd: number, isTty: boolean, bufferSize: number, onInput: (bytes: Buffer | null) => void) {
    this.fd = fd;
    this.isTty = isTty;
    this.bufferSize = bufferSize;
    this.onInput = onInput;
  }

  start(): void {
    if (this.active || this.ended) return;
    this.active = true;
    if (this.stream === null) this.open();
    this.stream!.resume(); // opened just above
  }

  private open(): void {
    const buffer = Buffer.alloc(this.bufferSize);
    const onread = {
      buffer,
      callback: (n: number): boolean => {
        this.active = false;
        this.onInput(Buffer.from(buffer.subarray(0, n)));
        // Reading stops here in any case: going on at once would read again without asking whether there is more, and a terminal that
        // is shared with a shell may block then. Whoever wants more gets it from the next turn of the event loop.
        if (this.active) setImmediate(() => this.active && this.stream?.resume());
        return false;
      },
    };
    const options = { fd: this.fd, readable: true, writable: false, onread } as net.SocketConstructorOpts;
    const stream = this.isTty ? new tty.ReadStream(this.fd, { onread, readable: true } as net.SocketConstructorOpts) : new net.Socket(options);
    const end = (): void => {
      if (this.ended) return;
      this.ended = true;
      this.active = false;
      this.onInput(null);
    };
    stream.on('end', end);
    stream.on('error', end);
    stream.on('close', end);
    this.stream = stream;
  }

  stop(): void {
    if (!this.active) return;
    this.active = false;
    this.stream?.pause();
  }
}
