/** Buffers that file operations read into and write from, without knowing whose memory they are. */
import type { Errno } from '../abi/errno.ts';

/** A run of bytes, consumed front to back. */
export interface IoVector {
  /** Bytes not yet moved. */
  readonly remaining: number;
  /** Copies up to `len` bytes of `src` from `off` into the buffer (file to user); the count, or EFAULT if nothing could be moved. */
  put(src: Uint8Array, off: number, len: number): number | Errno;
  /** Copies up to `len` bytes out of the buffer to `dst` at `off` (user to file); the count, or EFAULT if nothing could be moved. */
  take(dst: Uint8Array, off: number, len: number): number | Errno;
  /** Fills up to `len` bytes with zeros; the count or EFAULT. */
  putZeros(len: number): number | Errno;
  /** Moves the position back by `n` bytes that were moved but not consumed. */
  unread(n: number): void;
}

/** An IoVector over a Uint8Array, for the kernel's own transfers. */
export class BytesIoVector implements IoVector {
  readonly bytes: Uint8Array;
  pos: number;
  end: number;
  constructor(bytes: Uint8Array, off = 0, len: number = bytes.length - off) {
    this.bytes = bytes;
    this.pos = off;
    this.end = off + len;
  }
  get remaining(): number {
    return this.end - this.pos;
  }
  put(src: Uint8Array, off: number, len: number): number {
    const n = Math.min(len, this.end - this.pos);
    this.bytes.set(src.subarray(off, off + n), this.pos);
    this.pos += n;
    return n;
  }
  take(dst: Uint8Array, off: number, len: number): number {
    const n = Math.min(len, this.end - this.pos);
    dst.set(this.bytes.subarray(this.pos, this.pos + n), off);
    this.pos += n;
    return n;
  }
  putZeros(len: number): number {
    const n = Math.min(len, this.end - this.pos);
    this.bytes.fill(0, this.pos, this.pos + n);
    this.pos += n;
    return n;
  }
  unread(n: number): void {
    this.pos -= n;
  }
}
