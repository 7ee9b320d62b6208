/** A bounded first-in first-out run of bytes: what waits between a driver and a line discipline. */
export class ByteQueue {
  readonly limit: number;
  private buf: Uint8Array;
  private head = 0;
  length = 0;

  /** `limit` in bytes; memory grows up to it as needed. */
  constructor(limit: number) {
    this.limit = limit;
    this.buf = new Uint8Array(Math.min(limit, 512));
  }

  get room(): number {
    return this.limit - this.length;
  }

  /** Appends as much as fits; the count. */
  push(src: Uint8Array, off: number, len: number): number {
    const n = Math.min(len, this.limit - this.length);
    if (n <= 0) return 0;
    if (this.head + this.length + n > this.buf.length) this.makeRoom(n);
    this.buf.set(src.subarray(off, off + n), this.head + this.length);
    this.length += n;
    return n;
  }

  private makeRoom(n: number): void {
    const need = this.length + n;
    if (need <= this.buf.length >> 1 || this.buf.length >= this.limit * 2) {
      this.buf.copyWithin(0, this.head, this.head + this.length);
    } else {
      const grown = new Uint8Array(Math.min(this.limit * 2, Math.max(need * 2, this.buf.length * 2)));
      grown.set(this.buf.subarray(this.head, this.head + this.length));
      this.buf = grown;
    }
    this.head = 0;
  }

  /** The bytes from the front, as one view into the queue: valid until the next change. */
  front(): Uint8Array {
    return this.buf.subarray(this.head, this.head + this.length);
  }

  /** Drops `n` bytes from the front. */
  consume(n: number): void {
    this.length -= n;
    this.head = this.length === 0 ? 0 : this.head + n;
  }

  clear(): void {
    this.head = this.length = 0;
  }
}
