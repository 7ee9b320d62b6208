/** Time as the guest sees it. Monotonic time is the host's, from the start of the sandbox; wall time is that plus an offset that the guest may set. */
import { NSEC_PER_SEC } from '../abi/time.ts';
import type { Host } from '../host/host.ts';
import type { WallClock } from '../vfs/context.ts';

/** Someone who must know that the wall clock jumped (timerfd with TFD_TIMER_CANCEL_ON_SET, absolute CLOCK_REALTIME timers). */
export interface ClockWatcher {
  wallClockSet(): void;
}

export class KernelClock implements WallClock {
  private readonly host: Host;
  /** Monotonic ns at the last look. */
  private lastNs = 0;
  /** Wall time at monotonic 0. */
  bootSec: number;
  bootNsec: number;
  /** WallClock: as of the last update(). */
  sec = 0;
  nsec = 0;
  /** CLOCK_TAI - CLOCK_REALTIME, seconds; adjtimex sets it. */
  taiOffset = 0;
  /** struct timezone, as settimeofday left it. */
  minutesWest = 0;
  dstTime = 0;
  readonly watchers: Set<ClockWatcher> = new Set();

  constructor(host: Host) {
    this.host = host;
    const now = { sec: 0, nsec: 0 };
    host.realtime(now);
    const ns = host.monotonicNs();
    const s = Math.floor(ns / NSEC_PER_SEC);
    this.bootSec = now.sec - s;
    this.bootNsec = now.nsec - Math.floor(ns - s * NSEC_PER_SEC);
    if (this.bootNsec < 0) {
      this.bootNsec += NSEC_PER_SEC;
      this.bootSec--;
    }
    this.update();
  }
  /** CLOCK_MONOTONIC and CLOCK_BOOTTIME, ns. */
  monotonicNs(): number {
    return (this.lastNs = this.host.monotonicNs());
  }
  update(): void {
    this.wallAt(this.monotonicNs());
  }
  /** The run loop looks at the clock every millisecond or two. */
  coarse(): void {
    this.wallAt(this.lastNs);
  }
  /** Sets `sec` and `nsec` to the wall time at monotonic `ns`. */
  wallAt(ns: number): void {
    const s = Math.floor(ns / NSEC_PER_SEC);
    let nsec = this.bootNsec + Math.floor(ns - s * NSEC_PER_SEC);
    let sec = this.bootSec + s;
    if (nsec >= NSEC_PER_SEC) {
      nsec -= NSEC_PER_SEC;
      sec++;
    }
    this.sec = sec;
    this.nsec = nsec;
  }
  /** Monotonic ns of an absolute wall time. */
  monotonicOfWall(sec: number, nsec: number): number {
    return (sec - this.bootSec) * NSEC_PER_SEC + (nsec - this.bootNsec);
  }
  /** Seconds since the epoch at boot: btime of /proc/stat. */
  get bootTime(): number {
    return this.bootSec;
  }
  /** clock_settime(CLOCK_REALTIME). */
  setWall(sec: number, nsec: number): void {
    const ns = this.host.monotonicNs();
    const s = Math.floor(ns / NSEC_PER_SEC);
    this.bootSec = sec - s;
    this.bootNsec = nsec - Math.floor(ns - s * NSEC_PER_SEC);
    if (this.bootNsec < 0) {
      this.bootNsec += NSEC_PER_SEC;
      this.bootSec--;
    }
    for (const w of this.watchers) w.wallClockSet();
  }
}
