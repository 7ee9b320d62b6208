/** The interface between Vivarium and the machine it runs on. */
import type { Errno } from '../abi/errno.ts';
import type { ArchiveEntry } from './archive.ts';
import type { HostFiles } from './host-files.ts';
import type { HostStorage } from './storage.ts';

/** What the host calls to make progress: the kernel. */
export interface HostDriver {
  /**
   * Runs guests for a slice of some milliseconds. Returns when to be called again, in monotonic ns: 0 = at once (after the host has looked
   * at its events), Infinity = when something happens, -1 = finished.
   */
  run(): number;
  /** A signal sent to the host process that the guest is to see: SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGWINCH, SIGCONT … by Linux number. */
  hostSignal(signo: number): void;
}

/** Told when a stream that gave EAGAIN can be tried again. */
export interface HostStreamListener {
  /** More can be read, or the end was reached. */
  inputReady(): void;
  /** More can be written, or the reader is gone. */
  outputReady(): void;
}

export type HostStreamKind = 'tty' | 'pipe' | 'file' | 'null' | 'socket' | 'closed';

/** One of the standard streams, as it was given. */
export interface HostStream {
  readonly kind: HostStreamKind;
  readonly fd: number;
  /** Open for reading, for writing (both for a terminal). */
  readonly readable: boolean;
  readonly writable: boolean;
  /** A file's position can be moved. */
  readonly seekable: boolean;
  listener: HostStreamListener | null;
  /** Up to `len` bytes into `buf` at `off`: the count, 0 at the end, EAGAIN if nothing is there yet (the listener is told when to try again). */
  read(buf: Uint8Array, off: number, len: number): number | Errno;
  /** Takes up to `len` bytes: the count, EAGAIN if the reader is slow, EPIPE if it is gone. */
  write(buf: Uint8Array, off: number, len: number): number | Errno;
  /** True if read (write) would not give EAGAIN. Asking for input starts watching for it. */
  inputAvailable(): boolean;
  outputAvailable(): boolean;
  /** Where the next read or write of a file takes place, as all holders of the description see it. */
  position(): number;
  /** A file opened with O_APPEND. */
  readonly appends: boolean;
  /** What /proc/PID/fd shows for it. */
  readonly name: string;
  /** lseek on a file, seen by all holders of the description: the new position. */
  seek(offset: number, whence: number): number | Errno;
}

/** The terminal of the owner, when a standard stream is one. */
export interface HostTerminal {
  columns(): number;
  rows(): number;
  /** Raw: every key goes to the guest, whose own line discipline works on it. */
  setRaw(raw: boolean): void;
  /** Stops the host process and its group as Ctrl-Z would, with the terminal as it was; returns when it has been continued. */
  suspend(): void;
}

export interface Host {
  /** Nanoseconds of a clock that never goes back; its zero is the start of the host object. */
  monotonicNs(): number;
  /** Wall-clock time into `out`. */
  realtime(out: { sec: number; nsec: number }): void;
  /** Processor time the host process has used, ns. */
  cpuNs(): number;
  /** Fills bytes with randomness fit for keys. */
  random(buf: Uint8Array, off: number, len: number): void;
  readonly stdio: readonly [HostStream, HostStream, HostStream];
  readonly terminal: HostTerminal | null;
  /** Entries of the archive (tar, compressed or not) at a host path, in order; rejects if it cannot be read. */
  readArchive(path: string): AsyncIterable<ArchiveEntry>;
  /** null where there are no files (a browser). */
  readonly files: HostFiles | null;
  /** What is kept between runs at `place` (a folder, on hosts that have files); null if the host keeps nothing. */
  storage(place: string): HostStorage | null;
  /** Identity of the owner, for the initial credentials. */
  readonly identity: HostIdentity;
  /** How long the driver may run before it gives the thread back, ns: the host's events wait until then. */
  readonly sliceNs: number;
  /** Calls the driver until it says that it is finished, then `done` once everything written has left. */
  drive(driver: HostDriver, done: () => void): void;
  /** Something became runnable outside of driver.run() (a listener, a timer of the embedder): run soon. */
  wakeUp(): void;
  /** Processors and memory, for /proc. */
  readonly machine: { readonly cpus: number; readonly memoryBytes: number };
}

export interface HostIdentity {
  readonly uid: number;
  readonly gid: number;
  readonly groups: readonly number[];
  readonly pid: number;
  readonly umask: number;
  readonly cwd: string;
  readonly hostname: string;
}
