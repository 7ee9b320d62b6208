/** A standard stream under Node: synchronous reads and writes that never block, and events for when to try again. */
import * as fs from 'node:fs';
import * as net from 'node:net';
import * as tty from 'node:tty';
import { EAGAIN, EBADF, EIO, EPIPE, ESPIPE, type Errno } from '../../abi/errno.ts';
import { O_ACCMODE, O_APPEND, O_NOCTTY, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from '../../abi/fcntl.ts';
import type { HostStream, HostStreamKind, HostStreamListener } from '../host.ts';
import { errnoOf } from './errors.ts';
import { InputWatcher } from './input-watcher.ts';
import { seekDescriptor } from './lseek.ts';

/** What the stream needs of the host object: to be run again after an event. */
export interface StreamOwner {
  wakeUp(): void;
}

/** How `fd` was opened, from /proc where there is one: O_ACCMODE bits, or -1. */
function accessMode(fd: number): number {
  try {
    const flags = /flags:\s+([0-7]+)/.exec(fs.readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'));
    return flags === null ? -1 : parseInt(flags[1]!, 8) & O_ACCMODE; // the group always takes part
  } catch {
    return -1;
  }
}

function kindOf(fd: number): HostStreamKind {
  try {
    const s = fs.fstatSync(fd);
    if (s.isFIFO()) return 'pipe';
    if (s.isSocket()) return 'socket';
    if (tty.isatty(fd)) return 'tty';
    if (s.isCharacterDevice() && s.rdev === 0x103) return 'null';
    return 'file';
  } catch {
    return 'closed';
  }
}

/** The same pipe or terminal as `fd` under a description of our own that does not block, so that the shared one keeps its flags; or -1. */
function reopenNonBlocking(fd: number, mode: number): number {
  try {
    return fs.openSync(`/proc/self/fd/${fd}`, mode | O_NONBLOCK | O_NOCTTY);
  } catch {
    return -1;
  }
}

/** Bytes a socket takes before a write to it waits: Linux's default. */
const SEND_BUFFER = 212_992;

export class NodeStream implements HostStream {
  readonly kind: HostStreamKind;
  readonly fd: number;
  readonly readable: boolean;
  readonly writable: boolean;
  readonly seekable: boolean;
  listener: HostStreamListener | null = null;
  private readonly owner: StreamOwner;
  /** For reading and writing without blocking; `fd` itself for files. */
  private readonly readFd: number;
  private readonly writeFd: number;
  private watcher: InputWatcher | null = null;
  /** Bytes the watcher took, to be given out first. */
  private taken: Buffer | null = null;
  private atEnd = false;
  private output: net.Socket | null = null;
  /** Bytes handed to the output stream that have not left yet. */
  pendingOutput = 0;
  private broken = false;

  constructor(fd: number, owner: StreamOwner) {
    this.fd = fd;
    this.owner = owner;
    this.kind = kindOf(fd);
    const mode = this.kind === 'closed' ? -1 : accessMode(fd);
    this.readable = this.kind !== 'closed' && (mode === -1 ? fd === 0 || this.kind === 'tty' : mode === O_RDONLY || mode === O_RDWR);
    this.writable = this.kind !== 'closed' && (mode === -1 ? fd !== 0 || this.kind === 'tty' : mode === O_WRONLY || mode === O_RDWR);
    this.seekable = this.kind === 'file' || this.kind === 'null';
    const blocks = this.kind === 'pipe' || this.kind === 'tty';
    this.readFd = !this.readable ? -1 : blocks ? reopenNonBlocking(fd, O_RDONLY) : this.kind === 'socket' ? -1 : fd;
    this.writeFd = !this.writable ? -1 : this.kind === 'pipe' ? reopenNonBlocking(fd, O_WRONLY) : this.kind === 'socket' ? -1 : fd;
  }

  private get events(): boolean {
    return this.kind === 'pipe' || this.kind === 'tty' || this.kind === 'socket';
  }

  read(buf: Uint8Array, off: number, len: number): number | Errno {
    if (!this.readable) return EBADF;
    if (len === 0) return 0;
    if (this.taken !== null) {
      const n = Math.min(len, this.taken.length);
      buf.set(this.taken.subarray(0, n), off);
      this.taken = n === this.taken.length ? null : this.taken.subarray(n);
      if (n === len || this.readFd < 0) return n;
      // The watcher took the first byte only: the rest of what is there belongs to the same read.
      const more = this.readNow(buf, off + n, len - n);
      return more > 0 ? n + more : n;
    }
    if (this.atEnd) return 0;
    if (this.readFd >= 0) {
      const n = this.readNow(buf, off, len);
      if (n !== EAGAIN) return n;
    }
    this.watch();
    return this.taken !== null ? this.read(buf, off, len) : this.atEnd ? 0 : EAGAIN;
  }

  private readNow(buf: Uint8Array, off: number, len: number): number | Errno {
    try {
      return fs.readSync(this.readFd, buf, off, len, null);
    } catch (e) {
      const errno = errnoOf(e);
      // A terminal whose other end is gone.
      return errno === EIO && this.kind === 'tty' ? 0 : errno;
    }
  }

  private watch(): void {
    this.watcher ??= new InputWatcher(this.fd, this.kind === 'tty', this.readFd >= 0 ? 1 : 65536, (bytes) => {
      if (bytes === null) this.atEnd = true;
      else this.taken = this.taken === null ? bytes : Buffer.concat([this.taken, bytes]);
      this.listener?.inputReady();
      this.owner.wakeUp();
    });
    this.watcher.start();
  }

  /** True while a byte is being waited for. */
  get watching(): boolean {
    return this.watcher !== null && this.watcher.active;
  }
  stopWatching(): void {
    this.watcher?.stop();
  }

  write(buf: Uint8Array, off: number, len: number): number | Errno {
    if (!this.writable) return EBADF;
    if (len === 0) return 0;
    if (this.broken) return EPIPE;
    if (!this.outputAvailable()) return EAGAIN;
    if (this.writeFd >= 0) {
      try {
        return fs.writeSync(this.writeFd, buf, off, len, null);
      } catch (e) {
        const errno = errnoOf(e);
        if (errno !== EAGAIN) return errno;
      }
    }
    return this.writeLater(buf, off, len);
  }

  /** Hands a piece to the event loop: the next write is EAGAIN until it has left; to a socket, until there is room in what would be its send buffer. */
  private writeLater(buf: Uint8Array, off: number, len: number): number {
    if (this.output === null) {
      this.output = this.kind === 'tty' ? new tty.WriteStream(this.fd) : new net.Socket({ fd: this.fd, readable: false, writable: true });
      this.output.on('error', () => {
        this.broken = true;
        this.pendingOutput = 0;
        this.listener?.outputReady();
        this.owner.wakeUp();
      });
    }
    const n = Math.min(len, 65536);
    this.pendingOutput += n;
    this.output.write(Buffer.from(buf.subarray(off, off + n)), () => {
      this.pendingOutput -= n;
      this.listener?.outputReady();
      this.owner.wakeUp();
    });
    return n;
  }

  inputAvailable(): boolean {
    if (!this.readable) return false;
    if (!this.events || this.atEnd || this.taken !== null) return true;
    this.watch();
    return this.taken !== null || this.atEnd;
  }
  outputAvailable(): boolean {
    return this.kind === 'socket' ? this.pendingOutput < SEND_BUFFER : this.pendingOutput === 0;
  }

  seek(offset: number, whence: number): number | Errno {
    if (this.kind === 'null') return 0;
    return this.seekable ? seekDescriptor(this.fd, offset, whence) : ESPIPE;
  }

  position(): number {
    return Number(this.info('pos', '0'));
  }
  get appends(): boolean {
    return (parseInt(this.info('flags', '0'), 8) & O_APPEND) !== 0;
  }
  get name(): string {
    try {
      return fs.readlinkSync(`/proc/self/fd/${this.fd}`, { encoding: 'latin1' });
    } catch {
      return `/dev/fd/${this.fd}`;
    }
  }
  /** A line of /proc/self/fdinfo, or `otherwise` on hosts without it. */
  private info(key: string, otherwise: string): string {
    try {
      const line = new RegExp(`^${key}:\\s+(\\S+)`, 'm').exec(fs.readFileSync(`/proc/self/fdinfo/${this.fd}`, 'latin1'));
      return line?.[1] ?? otherwise;
    } catch {
      return otherwise;
    }
  }
}
