/** timerfd: a timer whose expirations are read. Facts: Linux 6.18 fs/timerfd.c; man 2 timerfd_create. */
import { TFD_IOC_SET_TICKS, TFD_TIMER_ABSTIME, TFD_TIMER_CANCEL_ON_SET } from '../../abi/anon-fd.ts';
import { EAGAIN, ECANCELED, EFAULT, EINVAL, isErr } from '../../abi/errno.ts';
import { POLLIN } from '../../abi/poll.ts';
import { CLOCK_REALTIME, CLOCK_REALTIME_ALARM } from '../../abi/time.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { ClockWatcher } from '../../kernel/clock.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import { Timer } from '../../base/timers.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { AnonymousDescription } from '../../vfs/anonymous-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';

const bytes = new Uint8Array(8);
const view = new DataView(bytes.buffer);
const NSEC_PER_SEC = 1_000_000_000;

class TimerfdTimer extends Timer {
  readonly file: TimerfdDescription;
  constructor(file: TimerfdDescription) {
    super();
    this.file = file;
  }
  override expire(): void {
    this.file.expire();
  }
}

export class TimerfdDescription extends AnonymousDescription implements ClockWatcher {
  private readonly kernel: Kernel;
  readonly clockId: number;
  private readonly timer: TimerfdTimer;
  private readonly queue: WaitQueue = new WaitQueue();
  /** Expirations since the last read. An interval is counted up when somebody looks, so that a short one costs nothing. */
  private ticks = 0;
  /** The timer has gone off and was not started again yet. */
  private expired = false;
  /** ns; 0: one shot. */
  interval = 0;
  /** Absolute time the timer was set to or last forwarded to, monotonic ns. */
  private due = 0;
  private settimeFlags = 0;
  /** An absolute wall-clock setting: where it stands, in wall ns, so that it moves when the clock is set. */
  private wallSec = -1;
  private wallNsec = 0;
  private mayCancel = false;
  private canceled = false;

  constructor(path: Path, flags: number, kernel: Kernel, clockId: number) {
    super(path, flags);
    this.kernel = kernel;
    this.clockId = clockId;
    this.timer = new TimerfdTimer(this);
  }

  private get wallClock(): boolean {
    return this.clockId === CLOCK_REALTIME || this.clockId === CLOCK_REALTIME_ALARM;
  }

  expire(): void {
    this.expired = true;
    this.ticks++;
    this.queue.wake(POLLIN);
  }

  /** Starts a repeating timer again after it went off: counts what it missed. */
  private forward(): void {
    if (!this.expired || this.interval === 0) return;
    this.expired = false;
    const now = this.kernel.clock.monotonicNs();
    const missed = Math.floor((now - this.due) / this.interval) + 1;
    this.due += missed * this.interval;
    this.ticks += missed - 1;
    this.kernel.timers.arm(this.timer, this.due);
  }

  /** ns until the next expiration, 0 if disarmed. */
  remaining(): number {
    this.forward();
    if (!this.timer.armed) return 0;
    return Math.max(1, this.due - this.kernel.clock.monotonicNs());
  }

  /** timerfd_settime. `sec`/`nsec` 0: disarm. 0 or ECANCELED. */
  set(flags: number, sec: number, nsec: number, interval: number): number {
    const clock = this.kernel.clock;
    this.settimeFlags = flags;
    const wasCanceled = this.mayCancel && this.canceled;
    this.mayCancel = this.wallClock && (flags & TFD_TIMER_ABSTIME) !== 0 && (flags & TFD_TIMER_CANCEL_ON_SET) !== 0;
    this.canceled = false;
    this.kernel.timers.cancel(this.timer);
    this.expired = false;
    this.ticks = 0;
    this.interval = interval;
    this.wallSec = -1;
    const armed = sec !== 0 || nsec !== 0;
    if (armed) {
      if ((flags & TFD_TIMER_ABSTIME) === 0) {
        this.due = clock.monotonicNs() + sec * NSEC_PER_SEC + nsec;
      } else if (this.wallClock) {
        this.wallSec = sec;
        this.wallNsec = nsec;
        this.due = clock.monotonicOfWall(sec, nsec);
      } else {
        this.due = sec * NSEC_PER_SEC + nsec;
      }
      this.kernel.timers.arm(this.timer, this.due);
    }
    if (this.mayCancel || this.wallSec >= 0) clock.watchers.add(this);
    else clock.watchers.delete(this);
    return wasCanceled ? ECANCELED : 0;
  }

  /** ClockWatcher. */
  wallClockSet(): void {
    if (this.wallSec >= 0 && this.timer.armed) {
      this.due = this.kernel.clock.monotonicOfWall(this.wallSec, this.wallNsec);
      this.kernel.timers.arm(this.timer, this.due);
    }
    if (this.mayCancel) {
      this.canceled = true;
      this.ticks++;
      this.queue.wake(POLLIN);
    }
  }

  override read(ctx: VfsContext, iov: IoVector, _offset: number): number {
    if (iov.remaining < 8) return EINVAL;
    if (this.ticks === 0) return this.nonBlocking ? EAGAIN : ctx.wait(this.queue);
    if (this.mayCancel && this.canceled) {
      this.canceled = false;
      this.ticks = 0;
      this.expired = false;
      return ECANCELED;
    }
    this.forward();
    this.expired = false;
    view.setUint32(0, this.ticks >>> 0, true);
    view.setUint32(4, Math.floor(this.ticks / 4294967296), true);
    this.ticks = 0;
    return iov.put(bytes, 0, 8);
  }

  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.queue);
    return this.ticks > 0 ? POLLIN : 0;
  }

  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    if (cmd !== TFD_IOC_SET_TICKS) return super.ioctl(ctx, cmd, arg);
    const n = ctx.space.readU64(arg);
    if (isErr(n)) return EFAULT;
    if (n === 0) return EINVAL;
    if (this.mayCancel && this.canceled) return ECANCELED;
    this.ticks = n;
    this.queue.wake(POLLIN);
    return 0;
  }

  override release(): void {
    this.kernel.timers.cancel(this.timer);
    this.kernel.clock.watchers.delete(this);
  }

  override fdInfo(): string {
    const time = (ns: number): string => `(${Math.floor(ns / NSEC_PER_SEC)}, ${ns % NSEC_PER_SEC})`;
    return `clockid: ${this.clockId}\nticks: ${this.ticks}\nsettime flags: 0${this.settimeFlags.toString(8)}\nit_value: ${time(this.remaining())}\nit_interval: ${time(this.interval)}\n`;
  }
}
