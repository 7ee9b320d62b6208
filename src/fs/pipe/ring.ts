/** Bytes of a pipe: a ring that grows up to the pipe's capacity, in steps of powers of two. */
import type { IoVector } from '../../base/io-vector.ts';

const FIRST_SIZE = 4096;

export class Ring {
  private buf: Uint8Array = new Uint8Array(FIRST_SIZE);
  private head = 0;
  /** Bytes in it. */
  length = 0;

  private grow(need: number): void {
    let n = this.buf.length;
    while (n < need) n *= 2;
    const bigger = new Uint8Array(n);
    const first = Math.min(this.length, this.buf.length - this.head);
    bigger.set(this.buf.subarray(this.head, this.head + first), 0);
    bigger.set(this.buf.subarray(0, this.length - first), first);
    this.buf = bigger;
    this.head = 0;
  }

  /** Takes up to `len` bytes out of `iov`: the count, EFAULT if none could be read. Room was checked. */
  fill(iov: IoVector, len: number): number {
    if (this.length + len > this.buf.length) this.grow(this.length + len);
    const size = this.buf.length;
    let done = 0;
    while (done < len) {
      const tail = (this.head + this.length) & (size - 1);
      const want = Math.min(len - done, size - tail);
      const n = iov.take(this.buf, tail, want);
      if (n < 0) return done > 0 ? done : n;
      this.length += n;
      done += n;
      if (n < want) break;
    }
    return done;
  }

  /** Gives up to `len` bytes to `iov`: the count, EFAULT if none could be written. `keep`: they stay (tee). */
  drain(iov: IoVector, len: number, keep: boolean = false): number {
    const size = this.buf.length;
    const want = Math.min(len, this.length);
    let done = 0;
    let head = this.head;
    while (done < want) {
      const part = Math.min(want - done, size - head);
      const n = iov.put(this.buf, head, part);
      if (n < 0) {
        if (done === 0) return n;
        break;
      }
      head = (head + n) & (size - 1);
      done += n;
      if (n < part) break;
    }
    if (!keep) this.consume(done);
    return done;
  }

  /** Forgets the first `n` bytes. */
  consume(n: number): void {
    this.length -= n;
    if (this.length === 0) {
      this.head = 0;
      // A large buffer is not kept by an idle pipe.
      if (this.buf.length > 65536) this.buf = new Uint8Array(FIRST_SIZE);
    } else this.head = (this.head + n) & (this.buf.length - 1);
  }
}
