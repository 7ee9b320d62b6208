/** The host interface on Node.js. */
import { readFileSync } from 'node:fs';
import * as os from 'node:os';
import type { ArchiveEntry } from '../archive.ts';
import type { Host, HostDriver, HostIdentity, HostTerminal } from '../host.ts';
import type { HostStorage } from '../storage.ts';
import { fillRandom } from './entropy.ts';
import { NodeFiles } from './files.ts';
import { NodeStorage } from './node-storage.ts';
import { ProgramStream } from '../program-stream.ts';
import type { StandardStreams } from '../standard-streams.ts';
import { NodeStream } from './stream.ts';

/** Host signals that are passed on to the guest, and their Linux numbers. */
const FORWARDED_SIGNALS: ReadonlyArray<readonly [NodeJS.Signals, number]> = [
  ['SIGHUP', 1], ['SIGINT', 2], ['SIGQUIT', 3], ['SIGUSR1', 10], ['SIGUSR2', 12], ['SIGTERM', 15], ['SIGCONT', 18], ['SIGWINCH', 28],
];

/** Sleeps shorter than this are done without a timer, whose grain is a millisecond. */
const FINE_SLEEP_NS = 1_500_000;
/** How long a fine sleep may be while input is waited for, ns: the delay of a key press at most. */
const FINE_SLEEP_WITH_INPUT_NS = 200_000;
/** Longest time without looking at the event loop, ns. */
const EVENT_LOOP_PERIOD_NS = 10_000_000;

type Stream = NodeStream | ProgramStream;

/** Turns of a driver, ns: where others share the thread or input is waited for, and where nothing but a signal can come. */
const SLICE_NS = 8_000_000, QUIET_SLICE_NS = 40_000_000;

export class NodeHost implements Host {
  readonly stdio: readonly [Stream, Stream, Stream];
  /** The process's streams, signals and umask are the guest's. */
  private readonly ownsProcess: boolean;
  readonly terminal: HostTerminal | null;
  readonly files: NodeFiles = new NodeFiles();
  readonly identity: HostIdentity;
  readonly machine: { readonly cpus: number; readonly memoryBytes: number };
  private readonly start = performance.now();
  /** Wall clock minus performance.now(), ms. */
  private wallOffset = performance.timeOrigin;
  private readonly entropy = Buffer.alloc(4096);
  private entropyUsed = 4096;
  private driver: HostDriver | null = null;
  private done: () => void = () => {};
  private timer: NodeJS.Timeout | null = null;
  private immediate = false;
  /** When the timer's sleep is over, monotonic ns. */
  private due = 0;
  private lastTurn = 0;
  private readonly sleepCell = new Int32Array(new SharedArrayBuffer(4));

  /** `streams`: instead of the process's own, which is then left alone: its signals and umask too. */
  constructor(streams: StandardStreams | null = null) {
    this.ownsProcess = streams === null;
    this.identity = {
      uid: process.getuid?.() ?? 0,
      gid: process.getgid?.() ?? 0,
      groups: supplementaryGroups(),
      pid: process.pid,
      // What guests create on the host gets the mode that their own umask left.
      umask: this.ownsProcess ? process.umask(0) : 0o22,
      cwd: Buffer.from(process.cwd(), 'utf8').toString('latin1'),
      hostname: os.hostname(),
    };
    this.machine = { cpus: os.availableParallelism(), memoryBytes: os.totalmem() };
    if (streams === null) {
      const own: [NodeStream, NodeStream, NodeStream] = [new NodeStream(0, this), new NodeStream(1, this), new NodeStream(2, this)];
      this.stdio = own;
      this.terminal = own.some((s) => s.kind === 'tty') ? new NodeTerminal(own) : null;
    } else {
      this.stdio = [
        new ProgramStream(0, this, streams.stdin ?? 'ignore', null),
        new ProgramStream(1, this, null, streams.stdout ?? 'ignore'),
        new ProgramStream(2, this, null, streams.stderr ?? 'ignore'),
      ];
      this.terminal = null;
    }
  }

  get sliceNs(): number {
    return this.ownsProcess && !this.stdio.some((s) => s.watching || s.pendingOutput > 0) ? QUIET_SLICE_NS : SLICE_NS;
  }

  monotonicNs(): number {
    return Math.floor((performance.now() - this.start) * 1e6);
  }

  realtime(out: { sec: number; nsec: number }): void {
    let ms = performance.now() + this.wallOffset;
    const coarse = Date.now();
    if (ms - coarse > 3 || coarse - ms > 2) {
      // The host's clock was set.
      this.wallOffset += coarse - ms;
      ms = coarse;
    }
    const sec = Math.floor(ms / 1000);
    out.sec = sec;
    out.nsec = Math.floor((ms - sec * 1000) * 1e6);
  }

  cpuNs(): number {
    const u = process.cpuUsage();
    return (u.user + u.system) * 1000;
  }

  random(buf: Uint8Array, off: number, len: number): void {
    if (len > 256) {
      const bytes = new Uint8Array(len);
      for (let i = 0; i < len; i += 65536) fillRandom(bytes.subarray(i, Math.min(i + 65536, len)));
      buf.set(bytes, off);
      return;
    }
    for (let i = 0; i < len; i++) {
      if (this.entropyUsed === 4096) {
        fillRandom(this.entropy);
        this.entropyUsed = 0;
      }
      buf[off + i] = this.entropy[this.entropyUsed]!;
      this.entropy[this.entropyUsed++] = 0;
    }
  }

  async *readArchive(path: string): AsyncGenerator<ArchiveEntry> {
    yield* (await import('./tar-archive.ts')).readTar(path);
  }

  storage(place: string): HostStorage {
    return new NodeStorage(place);
  }

  drive(driver: HostDriver, done: () => void): void {
    this.driver = driver;
    this.done = done;
    for (const [name, signo] of this.ownsProcess ? FORWARDED_SIGNALS : [])
      process.on(name, () => {
        driver.hostSignal(signo);
        this.wakeUp();
      });
    this.step();
  }

  /** Runs the driver until it wants to sleep or the event loop is due. */
  private readonly step = (): void => {
    this.immediate = false;
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    this.lastTurn = performance.now();
    const driver = this.driver;
    if (driver === null) return;
    for (;;) {
      const until = driver.run();
      if (until < 0) {
        this.finish();
        break;
      }
      if (until === 0) {
        this.soon();
        break;
      }
      const left = until - this.monotonicNs();
      if (left >= FINE_SLEEP_NS) {
        // Timers come up to a millisecond late or early: wake before, and sleep the rest finely.
        const ms = left === Infinity ? 0x7fffffff : Math.min(0x7fffffff, Math.max(1, Math.floor(left / 1e6 - 1)));
        this.due = until;
        this.timer = setTimeout(this.onTimer, ms);
        break;
      }
      if (this.immediate) break;
      const watching = this.stdio.some((s) => s.watching || s.pendingOutput > 0);
      if (left > 0) Atomics.wait(this.sleepCell, 0, 0, (watching ? Math.min(left, FINE_SLEEP_WITH_INPUT_NS) : left) / 1e6);
      if (watching || (performance.now() - this.lastTurn) * 1e6 > EVENT_LOOP_PERIOD_NS) {
        this.soon();
        break;
      }
    }
  };

  /** A timer came, by design a little early: the rest is slept finely, unless that would delay input. */
  private readonly onTimer = (): void => {
    const left = this.due - this.monotonicNs();
    if (left > 0 && left < 2 * FINE_SLEEP_NS && !this.stdio.some((s) => s.watching || s.pendingOutput > 0)) Atomics.wait(this.sleepCell, 0, 0, left / 1e6);
    this.step();
  };

  private soon(): void {
    if (this.immediate) return;
    this.immediate = true;
    setImmediate(this.step);
  }

  wakeUp(): void {
    if (this.driver === null) return;
    if (this.timer !== null) {
      clearTimeout(this.timer);
      this.timer = null;
    }
    this.soon();
  }

  private finish(): void {
    this.driver = null;
    for (const s of this.stdio) s.stopWatching();
    const flush = (): void => {
      if (this.stdio.some((s) => s.pendingOutput > 0)) setTimeout(flush, 1);
      else {
        this.terminal?.setRaw(false);
        this.done();
      }
    };
    flush();
  }
}

class NodeTerminal implements HostTerminal {
  private readonly stdio: readonly NodeStream[];
  private raw = false;
  constructor(stdio: readonly NodeStream[]) {
    this.stdio = stdio;
  }
  private size(): [number, number] {
    for (const stream of [process.stdout, process.stderr]) if (stream.isTTY) return stream.getWindowSize();
    return [80, 24];
  }
  columns(): number {
    return this.size()[0];
  }
  rows(): number {
    return this.size()[1];
  }
  setRaw(raw: boolean): void {
    if (raw === this.raw || this.stdio[0]!.kind !== 'tty') return;
    this.raw = raw;
    if (!process.stdin.isTTY) return;
    process.stdin.setRawMode(raw);
    // Node's raw mode leaves the host's newline translation on: the guest's line discipline has done that already. Leaving raw mode restores all.
    // Loaded here, not at each start.
    if (raw) process.getBuiltinModule('node:child_process').spawnSync('stty', ['-opost'], { stdio: ['inherit', 'ignore', 'ignore'] });
  }
  suspend(): void {
    this.setRaw(false);
    try {
      // Process 0: everybody in our group, as the terminal would.
      process.kill(0, 'SIGTSTP');
    } catch {
      // Stopping is not allowed here: go on at once.
    }
    this.setRaw(true);
  }
}


/** Supplementary groups. Node's getgroups() adds the effective group, which the process may not have in its list: Linux's own account comes first. */
function supplementaryGroups(): number[] {
  try {
    const line = /^Groups:(.*)$/m.exec(readFileSync('/proc/self/status', 'latin1'));
    if (line) return line[1]!.trim() === '' ? [] : line[1]!.trim().split(/\s+/).map(Number); // group 1 took part in the match
  } catch {
    // Not a Linux host.
  }
  return process.getgroups?.() ?? [];
}
