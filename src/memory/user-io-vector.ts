/** A read or write buffer in guest memory, in one or more pieces (struct iovec). Reusable: `reset`, then `add`. */
import { EFAULT } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import type { IoVector } from '../base/io-vector.ts';
import type { UserMemory } from './user-memory.ts';

export class UserIoVector implements IoVector {
  space: UserMemory;
  remaining = 0;
  private addrs: number[] = [];
  private lens: number[] = [];
  private count = 0;
  /** Current piece and position in it. */
  private piece = 0;
  private pos = 0;

  constructor(space: UserMemory) {
    this.space = space;
  }

  /** Empties it, for buffers of `space`. */
  reset(space: UserMemory): this {
    this.space = space;
    this.remaining = this.count = this.piece = this.pos = 0;
    return this;
  }
  add(addr: number, len: number): this {
    this.addrs[this.count] = addr;
    this.lens[this.count++] = len;
    this.remaining += len;
    return this;
  }
  /** Cuts the end off so that `remaining` is at most `max`. */
  limit(max: number): this {
    while (this.remaining > max) {
      const last = this.count - 1;
      const cut = Math.min(this.remaining - max, this.lens[last]!);
      this.lens[last]! -= cut;
      this.remaining -= cut;
      if (this.lens[last] === 0) this.count--;
    }
    return this;
  }

  private advance(n: number): void {
    this.remaining -= n;
    this.pos += n;
    while (this.piece < this.count && this.pos >= this.lens[this.piece]!) {
      this.pos -= this.lens[this.piece]!;
      this.piece++;
    }
  }

  put(src: Uint8Array, off: number, len: number): number | Errno {
    let done = 0;
    while (done < len && this.remaining > 0) {
      const want = Math.min(len - done, this.lens[this.piece]! - this.pos);
      const n = want === 0 ? 0 : this.space.copyOut(this.addrs[this.piece]! + this.pos, src, off + done, want);
      if (n < 0) return done > 0 ? done : EFAULT;
      this.advance(n);
      done += n;
      if (n < want) break;
    }
    return done;
  }

  take(dst: Uint8Array, off: number, len: number): number | Errno {
    let done = 0;
    while (done < len && this.remaining > 0) {
      const want = Math.min(len - done, this.lens[this.piece]! - this.pos);
      const n = want === 0 ? 0 : this.space.copyIn(this.addrs[this.piece]! + this.pos, dst, off + done, want);
      if (n < 0) return done > 0 ? done : EFAULT;
      this.advance(n);
      done += n;
      if (n < want) break;
    }
    return done;
  }

  putZeros(len: number): number | Errno {
    let done = 0;
    while (done < len && this.remaining > 0) {
      const want = Math.min(len - done, this.lens[this.piece]! - this.pos);
      const n = want === 0 ? 0 : this.space.clear(this.addrs[this.piece]! + this.pos, want);
      if (n < 0) return done > 0 ? done : EFAULT;
      this.advance(n);
      done += n;
      if (n < want) break;
    }
    return done;
  }

  unread(n: number): void {
    this.remaining += n;
    while (n > this.pos) {
      n -= this.pos;
      this.pos = this.lens[--this.piece]!;
    }
    this.pos -= n;
  }
}
