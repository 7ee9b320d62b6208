/** Standard streams that are given by a program instead of inherited from a process: bytes to read, a function that takes what is written. */
import { EAGAIN, EBADF, ESPIPE, type Errno } from '../abi/errno.ts';
import type { HostStream, HostStreamKind, HostStreamListener } from './host.ts';
import type { StandardInput, StandardOutput } from './standard-streams.ts';

/** Something to tell when a stream can be read again. */
export interface StreamOwner {
  wakeUp(): void;
}

export class ProgramStream implements HostStream {
  readonly kind: HostStreamKind;
  readonly fd: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly seekable = false;
  readonly appends = false;
  readonly name: string;
  listener: HostStreamListener | null = null;
  private readonly owner: StreamOwner;
  private readonly output: ((bytes: Uint8Array) => void) | null;
  private readonly pieces: AsyncIterator<Uint8Array> | null;
  /** What is there to be read, and how far it has been. */
  private taken: Uint8Array;
  private at = 0;
  private ended: boolean;
  /** The next piece has been asked for. */
  private waiting = false;

  constructor(fd: number, owner: StreamOwner, input: StandardInput | null, output: StandardOutput | null) {
    this.fd = fd;
    this.owner = owner;
    this.readable = input !== null;
    this.writable = output !== null;
    this.kind = input === 'ignore' || output === 'ignore' ? 'null' : 'pipe';
    this.name = this.kind === 'null' ? '/dev/null' : `pipe:[${fd}]`;
    this.output = typeof output === 'function' ? output : null;
    const whole = input === null || input === 'ignore' ? '' : input;
    this.pieces = typeof whole === 'string' || whole instanceof Uint8Array ? null : whole[Symbol.asyncIterator]();
    this.taken = typeof whole === 'string' ? new TextEncoder().encode(whole) : whole instanceof Uint8Array ? whole : new Uint8Array(0);
    this.ended = this.pieces === null;
  }

  read(buf: Uint8Array, off: number, len: number): number | Errno {
    if (!this.readable) return EBADF;
    const n = Math.min(len, this.taken.length - this.at);
    if (n > 0) {
      buf.set(this.taken.subarray(this.at, this.at + n), off);
      this.at += n;
      return n;
    }
    if (this.ended || len === 0) return 0;
    this.ask();
    return EAGAIN;
  }

  /** Asks for the next piece; a source that fails is one that has ended. */
  private ask(): void {
    if (this.waiting || this.pieces === null || this.ended) return;
    this.waiting = true;
    this.pieces.next().then(
      ({ done, value }) => this.arrived(done === true ? null : value),
      () => this.arrived(null),
    );
  }
  private arrived(piece: Uint8Array | null): void {
    this.waiting = false;
    if (piece === null) this.ended = true;
    else {
      this.taken = piece;
      this.at = 0;
      if (piece.length === 0) this.ask();
    }
    this.listener?.inputReady();
    this.owner.wakeUp();
  }

  write(buf: Uint8Array, off: number, len: number): number | Errno {
    if (!this.writable) return EBADF;
    this.output?.(buf.slice(off, off + len));
    return len;
  }

  inputAvailable(): boolean {
    if (!this.readable) return false;
    if (this.at < this.taken.length || this.ended) return true;
    this.ask();
    return false;
  }
  outputAvailable(): boolean {
    return true;
  }
  position(): number {
    return 0;
  }
  seek(_offset: number, _whence: number): number | Errno {
    return this.kind === 'null' ? 0 : ESPIPE;
  }

  /** Nothing is left behind: a function took what was written at once. */
  readonly pendingOutput = 0;
  get watching(): boolean {
    return this.waiting;
  }
  stopWatching(): void {
    this.ended = true;
    this.pieces?.return?.();
  }
}
