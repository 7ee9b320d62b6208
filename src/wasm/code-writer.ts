/** A growing byte buffer with the integer encodings of the WebAssembly binary format. No allocation per write. */
export class CodeWriter {
  u8: Uint8Array;
  /** Bytes written. */
  at = 0;

  constructor(capacity = 4096) {
    this.u8 = new Uint8Array(capacity);
  }

  reset(): void {
    this.at = 0;
  }

  /** Makes room for `n` more bytes. */
  reserve(n: number): void {
    if (this.at + n <= this.u8.length) return;
    let size = this.u8.length * 2;
    while (size < this.at + n) size *= 2;
    const wider = new Uint8Array(size);
    wider.set(this.u8.subarray(0, this.at));
    this.u8 = wider;
  }

  byte(b: number): void {
    if (this.at === this.u8.length) this.reserve(1);
    this.u8[this.at++] = b;
  }

  /** Two bytes: an opcode and a one-byte immediate below 128, or a prefixed opcode. */
  byte2(b: number, c: number): void {
    if (this.at + 2 > this.u8.length) this.reserve(2);
    this.u8[this.at++] = b;
    this.u8[this.at++] = c;
  }

  /** Unsigned LEB128 of a 32-bit value. */
  u32(v: number): void {
    if (this.at + 5 > this.u8.length) this.reserve(5);
    v >>>= 0;
    while (v > 0x7f) {
      this.u8[this.at++] = (v & 0x7f) | 0x80;
      v >>>= 7;
    }
    this.u8[this.at++] = v;
  }

  /** Signed LEB128 of a 32-bit value. */
  s32(v: number): void {
    if (this.at + 5 > this.u8.length) this.reserve(5);
    v |= 0;
    for (;;) {
      const b = v & 0x7f;
      v >>= 7;
      if ((v === 0 && (b & 0x40) === 0) || (v === -1 && (b & 0x40) !== 0)) {
        this.u8[this.at++] = b;
        return;
      }
      this.u8[this.at++] = b | 0x80;
    }
  }

  /** Signed LEB128 of a 64-bit value given as two 32-bit halves. */
  s64(lo: number, hi: number): void {
    if (this.at + 10 > this.u8.length) this.reserve(10);
    lo |= 0;
    hi |= 0;
    for (;;) {
      const b = lo & 0x7f;
      lo = (lo >>> 7) | (hi << 25);
      hi >>= 7;
      if ((lo === 0 && hi === 0 && (b & 0x40) === 0) || (lo === -1 && hi === -1 && (b & 0x40) !== 0)) {
        this.u8[this.at++] = b;
        return;
      }
      this.u8[this.at++] = b | 0x80;
    }
  }

  /** A 32-bit little-endian word, as in f32 and v128 constants. */
  word(v: number): void {
    if (this.at + 4 > this.u8.length) this.reserve(4);
    this.u8[this.at++] = v;
    this.u8[this.at++] = v >>> 8;
    this.u8[this.at++] = v >>> 16;
    this.u8[this.at++] = v >>> 24;
  }

  /** Appends bytes from..to of another buffer. */
  bytes(src: Uint8Array, from = 0, to: number = src.length): void {
    const n = to - from;
    this.reserve(n);
    if (n < 32) for (let i = from; i < to; i++) this.u8[this.at++] = src[i]!;
    else {
      this.u8.set(src.subarray(from, to), this.at);
      this.at += n;
    }
  }

  /** A name: length and UTF-8 bytes (ASCII here). */
  name(s: string): void {
    this.u32(s.length);
    for (let i = 0; i < s.length; i++) this.byte(s.charCodeAt(i));
  }

  // Opcodes with immediates.

  i32Const(v: number): void {
    this.byte(0x41);
    this.s32(v);
  }
  i64Const(lo: number, hi: number): void {
    this.byte(0x42);
    this.s64(lo, hi);
  }
  localGet(i: number): void {
    if (i < 128) this.byte2(0x20, i);
    else {
      this.byte(0x20);
      this.u32(i);
    }
  }
  localSet(i: number): void {
    if (i < 128) this.byte2(0x21, i);
    else {
      this.byte(0x21);
      this.u32(i);
    }
  }
  localTee(i: number): void {
    if (i < 128) this.byte2(0x22, i);
    else {
      this.byte(0x22);
      this.u32(i);
    }
  }
  call(fn: number): void {
    this.byte(0x10);
    this.u32(fn);
  }
  br(depth: number): void {
    this.byte(0x0c);
    this.u32(depth);
  }
  brIf(depth: number): void {
    this.byte(0x0d);
    this.u32(depth);
  }
  /** A load or store opcode with alignment hint 0 and a static offset. */
  memory(opcode: number, offset: number): void {
    this.byte2(opcode, 0);
    this.u32(offset);
  }
  /** A 0xfd-prefixed opcode. */
  simd(opcode: number): void {
    this.byte(0xfd);
    this.u32(opcode);
  }
}
