/** Reading and writing TCP headers and their options. Linux 6.18 net/ipv4/{tcp_input,tcp_output}.c. */
import type { SkBuff } from '../skb.ts';

export const TCP_HEADER = 20;
const OPT_MSS = 2;
const OPT_WSCALE = 3;
const OPT_SACK_PERMITTED = 4;
const OPT_SACK = 5;
const OPT_TIMESTAMP = 8;

/** Options of a segment that came in; one object is reused. */
export class SegmentOptions {
  mss = 0;
  wscale = -1;
  sackPermitted = false;
  hasTimestamp = false;
  tsval = 0;
  tsecr = 0;
  /** Pairs of (start, end). */
  readonly sack: number[] = [];

  /** Reads the options between `at` and `end`. `syn`: those that stand in a SYN only are looked for. */
  read(skb: SkBuff, at: number, end: number, syn: boolean): this {
    this.mss = 0;
    this.wscale = -1;
    this.sackPermitted = false;
    this.hasTimestamp = false;
    this.tsval = this.tsecr = 0;
    if (this.sack.length > 0) this.sack.length = 0;
    const { data } = skb;
    while (at < end) {
      const kind = data[at]!; // in range, as below
      if (kind === 0) break;
      if (kind === 1) {
        at++;
        continue;
      }
      const size = at + 1 < end ? data[at + 1]! : 0;
      if (size < 2 || at + size > end) break;
      switch (kind) {
        case OPT_MSS:
          if (syn && size === 4) this.mss = skb.u16(at + 2);
          break;
        case OPT_WSCALE:
          if (syn && size === 3) this.wscale = Math.min(14, data[at + 2]!);
          break;
        case OPT_SACK_PERMITTED:
          if (syn && size === 2) this.sackPermitted = true;
          break;
        case OPT_TIMESTAMP:
          if (size === 10) {
            this.hasTimestamp = true;
            this.tsval = skb.u32(at + 2);
            this.tsecr = skb.u32(at + 6);
          }
          break;
        case OPT_SACK:
          for (let i = at + 2; i + 8 <= at + size; i += 8) this.sack.push(skb.u32(i), skb.u32(i + 4));
          break;
      }
      at += size;
    }
    return this;
  }
}

/** What a header to be written says. */
export interface HeaderFields {
  sport: number;
  dport: number;
  seq: number;
  ack: number;
  flags: number;
  window: number;
  urgent: number;
  /** Options; 0, -1 and empty leave them out. */
  mss: number;
  wscale: number;
  sackPermitted: boolean;
  tsval: number;
  tsecr: number;
  sack: readonly number[];
}

/** Bytes that the options take. */
export function optionsLength(h: HeaderFields): number {
  let n = 0;
  if (h.mss > 0) n += 4;
  if (h.tsval >= 0) n += 12;
  else if (h.sackPermitted) n += 4;
  if (h.wscale >= 0) n += 4;
  if (h.sack.length > 0) n += 4 + h.sack.length * 4;
  return n;
}
/** Puts the header before the payload; the checksum's place stays 0. */
export function pushTcpHeader(skb: SkBuff, h: HeaderFields): void {
  const length = TCP_HEADER + optionsLength(h);
  const at = skb.push(length);
  const { data } = skb;
  skb.transport = at;
  skb.setU16(at, h.sport);
  skb.setU16(at + 2, h.dport);
  skb.setU32(at + 4, h.seq);
  skb.setU32(at + 8, h.ack);
  data[at + 12] = (length >> 2) << 4;
  data[at + 13] = h.flags;
  skb.setU16(at + 14, h.window);
  skb.setU16(at + 16, 0);
  skb.setU16(at + 18, h.urgent);
  let o = at + TCP_HEADER;
  if (h.mss > 0) {
    data[o] = OPT_MSS;
    data[o + 1] = 4;
    skb.setU16(o + 2, h.mss);
    o += 4;
  }
  if (h.tsval >= 0) {
    if (h.sackPermitted) {
      data[o] = OPT_SACK_PERMITTED;
      data[o + 1] = 2;
    } else {
      data[o] = data[o + 1] = 1;
    }
    data[o + 2] = OPT_TIMESTAMP;
    data[o + 3] = 10;
    skb.setU32(o + 4, h.tsval);
    skb.setU32(o + 8, h.tsecr);
    o += 12;
  } else if (h.sackPermitted) {
    data[o] = data[o + 1] = 1;
    data[o + 2] = OPT_SACK_PERMITTED;
    data[o + 3] = 2;
    o += 4;
  }
  if (h.wscale >= 0) {
    data[o] = 1;
    data[o + 1] = OPT_WSCALE;
    data[o + 2] = 3;
    data[o + 3] = h.wscale;
    o += 4;
  }
  if (h.sack.length > 0) {
    data[o] = data[o + 1] = 1;
    data[o + 2] = OPT_SACK;
    data[o + 3] = 2 + h.sack.length * 4;
    o += 4;
    for (const n of h.sack) {
      skb.setU32(o, n);
      o += 4;
    }
  }
}
