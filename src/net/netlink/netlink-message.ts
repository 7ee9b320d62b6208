/** Netlink messages: header, payload, attributes, all padded to 4 bytes. Facts: Linux 6.18 include/uapi/linux/netlink.h; man 7 netlink. */
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
export const NLM_F_REQUEST = 1;
export const NLM_F_MULTI = 2;
export const NLM_F_ACK = 4;
export const NLM_F_ROOT = 0x100;
export const NLM_F_MATCH = 0x200;
export const NLM_F_DUMP: number = NLM_F_ROOT | NLM_F_MATCH;
/** struct nlmsghdr: len, type (u16), flags (u16), seq, pid. */
export const NLMSG_HDRLEN = 16;

/** Builds messages one after the other in a growing buffer. */
export class NetlinkWriter {
  private bytes: Uint8Array = new Uint8Array(1024);
  private view: DataView = new DataView(this.bytes.buffer);
  private start = 0;
  length = 0;

  private need(n: number): void {
    if (this.length + n <= this.bytes.length) return;
    const grown = new Uint8Array((this.length + n) * 2);
    grown.set(this.bytes);
    this.bytes = grown;
    this.view = new DataView(grown.buffer);
  }
  begin(type: number, flags: number, seq: number, pid: number): void {
    this.need(NLMSG_HDRLEN);
    this.start = this.length;
    this.view.setUint16(this.start + 4, type, true);
    this.view.setUint16(this.start + 6, flags, true);
    this.view.setUint32(this.start + 8, seq, true);
    this.view.setUint32(this.start + 12, pid, true);
    this.length += NLMSG_HDRLEN;
  }
  end(): void {
    this.view.setUint32(this.start, this.length - this.start, true);
  }
  u8(v: number): void {
    this.need(1);
    this.bytes[this.length++] = v;
  }
  u16(v: number): void {
    this.need(2);
    this.view.setUint16(this.length, v, true);
    this.length += 2;
  }
  u32(v: number): void {
    this.need(4);
    this.view.setUint32(this.length, v >>> 0, true);
    this.length += 4;
  }
  raw(b: Uint8Array): void {
    this.need(b.length);
    this.bytes.set(b, this.length);
    this.length += b.length;
  }
  /** Begins a nested attribute; endNest() takes what this returns. */
  nest(type: number): number {
    const at = this.length;
    this.u16(0);
    this.u16(type);
    return at;
  }
  endNest(at: number): void {
    this.view.setUint16(at, this.length - at, true);
  }
  patch16(at: number, v: number): void {
    this.view.setUint16(at, v, true);
  }
  align(): void {
    this.pad();
  }
  private pad(): void {
    this.need(3);
    while (this.length & 3) this.bytes[this.length++] = 0;
  }
  attribute(type: number, data: Uint8Array): void {
    this.u16(4 + data.length);
    this.u16(type);
    this.raw(data);
    this.pad();
  }
  attribute32(type: number, v: number): void {
    this.u16(8);
    this.u16(type);
    this.u32(v);
  }
  attribute8(type: number, v: number): void {
    this.attribute(type, Uint8Array.of(v));
  }
  attribute16(type: number, v: number): void {
    this.attribute(type, Uint8Array.of(v & 255, v >> 8));
  }
  /** 64 bits; whole numbers up to 2^53. */
  attribute64(type: number, v: number): void {
    this.u16(12);
    this.u16(type);
    this.u32(v % 4294967296);
    this.u32(Math.floor(v / 4294967296));
  }
  /** With its terminating zero. */
  attributeString(type: number, s: string): void {
    const b = new Uint8Array(s.length + 1);
    for (let i = 0; i < s.length; i++) b[i] = s.charCodeAt(i);
    this.attribute(type, b);
  }
  /** The messages so far; the writer starts anew. */
  take(): Uint8Array {
    const out = this.bytes.slice(0, this.length);
    this.length = 0;
    this.start = 0;
    return out;
  }
}

/** Calls `visit(type, data)` for each attribute between `off` and `end` of `b`. */
export function forEachAttribute(b: Uint8Array, off: number, end: number, visit: (type: number, data: Uint8Array) => void): void {
  const view = new DataView(b.buffer, b.byteOffset, b.byteLength);
  while (off + 4 <= end) {
    const len = view.getUint16(off, true);
    if (len < 4 || off + len > end) return;
    visit(view.getUint16(off + 2, true) & 0x3fff, b.subarray(off + 4, off + len));
    off += (len + 3) & ~3;
  }
}

/** Attributes by type, from `off` to the end; the last of equals counts. */
export type Attributes = Map<number, Uint8Array>;
export function attributesOf(b: Uint8Array, off: number): Attributes {
  const m: Attributes = new Map();
  forEachAttribute(b, off, b.length, (type, data) => m.set(type, data));
  return m;
}
/** A string attribute, up to its terminating zero; '' if it is not there. */
export function attributeText(data: Uint8Array | undefined): string {
  if (data === undefined) return '';
  const end = data.indexOf(0);
  return String.fromCharCode(...data.subarray(0, end < 0 ? data.length : end));
}
/** A signed 32-bit attribute (0 if it is too short). */
export function attributeInt(data: Uint8Array): number {
  return data.length < 4 ? 0 : new DataView(data.buffer, data.byteOffset).getInt32(0, true);
}

/** What is told beside an error: a message, the offset of the attribute at fault, the type of one that is missing. Linux struct netlink_ext_ack. */
export class ExtendedAck {
  message = '';
  offset = 0;
  missing = 0;
  /** The answer was a dump: it ends with NLMSG_DONE. */
  dumped = false;
  /** Sets the message; returns `errno`, for `return ext.fail(…)`. */
  fail(errno: number, message: string): number {
    this.message = message;
    return errno;
  }
}
