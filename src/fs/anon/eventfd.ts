/** eventfd: a 64-bit counter. Facts: Linux 6.18 fs/eventfd.c; man 2 eventfd. */
import { EAGAIN, EINVAL } from '../../abi/errno.ts';
import { POLLERR, POLLIN, POLLOUT } from '../../abi/poll.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { AnonymousDescription } from '../../vfs/anonymous-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';

const TWO32 = 4294967296;
const MAX32 = 0xffffffff;
const bytes = new Uint8Array(8);
const words = new Uint32Array(bytes.buffer);
let nextId = 0;

export class EventfdDescription extends AnonymousDescription {
  /** The count in two unsigned halves: 2^64-1 is a value that can occur. */
  private lo: number;
  private hi = 0;
  private readonly semaphore: boolean;
  private readonly id = nextId++;
  private readonly queue: WaitQueue = new WaitQueue();

  constructor(path: Path, flags: number, initial: number, semaphore: boolean) {
    super(path, flags);
    this.lo = initial;
    this.semaphore = semaphore;
  }

  override read(ctx: VfsContext, iov: IoVector, _offset: number): number {
    if (iov.remaining < 8) return EINVAL;
    if (this.lo === 0 && this.hi === 0) return this.nonBlocking ? EAGAIN : ctx.wait(this.queue);
    if (this.semaphore) {
      words[0] = 1;
      words[1] = 0;
      if (this.lo === 0) {
        this.lo = MAX32;
        this.hi--;
      } else {
        this.lo--;
      }
    } else {
      words[0] = this.lo;
      words[1] = this.hi;
      this.lo = this.hi = 0;
    }
    this.queue.wake(POLLOUT);
    return iov.put(bytes, 0, 8);
  }

  override write(ctx: VfsContext, iov: IoVector, _offset: number): number {
    if (iov.remaining !== 8) return EINVAL;
    const r = iov.take(bytes, 0, 8);
    if (r < 0) return r;
    const addLo = words[0] as number;
    const addHi = words[1] as number;
    if (addLo === MAX32 && addHi === MAX32) return EINVAL;
    const lo = this.lo + addLo;
    const hi = this.hi + addHi + (lo > MAX32 ? 1 : 0);
    // The largest value is 2^64-2.
    if (hi > MAX32 || (hi === MAX32 && lo % TWO32 === MAX32)) {
      iov.unread(8);
      return this.nonBlocking ? EAGAIN : ctx.wait(this.queue);
    }
    this.lo = lo % TWO32;
    this.hi = hi;
    this.queue.wake(POLLIN);
    return 8;
  }

  /** The kernel adds `count` (small), without waiting: what does not fit is left at the largest value, which is an error to pollers. */
  signal(count: number): void {
    const lo = this.lo + count;
    if (lo > MAX32 && this.hi === MAX32) this.lo = MAX32;
    else {
      this.lo = lo % TWO32;
      if (lo > MAX32) this.hi++;
    }
    this.queue.wake(POLLIN);
  }

  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.queue);
    let mask = 0;
    if (this.lo !== 0 || this.hi !== 0) mask |= POLLIN;
    if (this.hi === MAX32 && this.lo === MAX32) mask |= POLLERR;
    if (this.hi < MAX32 || this.lo < MAX32 - 1) mask |= POLLOUT;
    return mask;
  }

  override fdInfo(): string {
    const count = (BigInt(this.hi) << 32n) | BigInt(this.lo);
    return `eventfd-count: ${count.toString(16).padStart(16)}\neventfd-id: ${this.id}\neventfd-semaphore: ${this.semaphore ? 1 : 0}\n`;
  }
}
