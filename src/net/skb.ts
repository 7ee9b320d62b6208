/** A packet on its way through the stack: bytes, where each layer's header begins, and what travels beside them. Linux struct sk_buff. */
import type { NetDevice } from './device/net-device.ts';

/** skb->pkt_type, as AF_PACKET shows it. */
export const PACKET_HOST = 0;
export const PACKET_BROADCAST = 1;
export const PACKET_MULTICAST = 2;
export const PACKET_OTHERHOST = 3;
export const PACKET_OUTGOING = 4;

/** State of the transport checksum: to be checked, known to be good, to be filled in by the device. */
export const CHECKSUM_NONE = 0;
export const CHECKSUM_UNNECESSARY = 1;
export const CHECKSUM_PARTIAL = 3;

/** Room for the headers of every layer: link 14, IPv6 40 + extension 24, TCP 60. */
export const HEADROOM = 160;

const NO_ADDRESS = new Uint8Array(0);

export class SkBuff {
  next: SkBuff | null = null;
  /** What is seen is data[start … end); before it is room for headers. */
  data: Uint8Array;
  start: number;
  end: number;
  /** Offsets of the headers in `data`; -1: not known. */
  mac = -1;
  network = -1;
  transport = -1;
  /** Device it came from or goes to. */
  dev: NetDevice | null = null;
  /** Index of the device it came in by; 0: made here. */
  iif = 0;
  /** Ethernet protocol number. */
  protocol = 0;
  pktType: number = PACKET_HOST;
  mark = 0;
  priority = 0;
  ipSummed: number = CHECKSUM_NONE;
  /** CHECKSUM_PARTIAL: sum from here to the end, stored at this offset from there. */
  csumStart = 0;
  csumOffset = 0;
  /** Payload a segment, for a packet that stands for several; 0: stands for itself. */
  gsoSize = 0;
  /** Monotonic ns when it came in; 0: not stamped. */
  tstamp = 0;
  source: Uint8Array = NO_ADDRESS;
  destination: Uint8Array = NO_ADDRESS;
  ttl = 0;
  tos = 0;
  /** Transport protocol. */
  ipProtocol = 0;
  /** The input route says: local, broadcast or multicast. */
  routeType = 0;
  /** TCP: numbers of the first byte and after the last, flags, when last sent (monotonic ns), how often. */
  seq = 0;
  endSeq = 0;
  ackSeq = 0;
  tcpFlags = 0;
  window = 0;
  sentAt = 0;
  retransmits = 0;
  sacked = false;
  lost = false;
  /** More is to follow (MSG_MORE): not to be sent while it is small. */
  more = false;
  /** TCP: timestamps option of the segment, -1: none. */
  tsval = -1;
  tsecr = 0;
  /** Index of the urgent byte in this packet's payload, -1: none. */
  urgent = -1;
  /** A sender's marks for the error queue (SCM_TSTAMP), 0: none. */
  /** May be cut although its header says not to. */
  ignoreDf = false;
  /** A copy of a multicast or broadcast packet of our own. */
  looped = false;
  txFlags = 0;
  txKey = 0;

  constructor(data: Uint8Array, start: number, end: number) {
    this.data = data;
    this.start = start;
    this.end = end;
  }
  get length(): number {
    return this.end - this.start;
  }
  /** What it counts against a receive buffer: the bytes, rounded as an allocation, and the descriptor (skb->truesize). */
  get truesize(): number {
    return truesizeOf(this.length);
  }
  /** Makes `n` bytes of room before what is seen; copies if there is not enough. */
  push(n: number): number {
    if (this.start < n) this.grow(n);
    this.start -= n;
    return this.start;
  }
  private grow(n: number): void {
    const shift = HEADROOM + n;
    const bigger = new Uint8Array(this.end + shift);
    bigger.set(this.data.subarray(0, this.end), shift);
    this.data = bigger;
    this.start += shift;
    this.end += shift;
    if (this.mac >= 0) this.mac += shift;
    if (this.network >= 0) this.network += shift;
    if (this.transport >= 0) this.transport += shift;
    this.csumStart += shift;
  }
  /** A second packet with the same bytes; `copied`: with bytes of its own. */
  clone(copied = false): SkBuff {
    const c = new SkBuff(copied ? this.data.slice() : this.data, this.start, this.end);
    c.mac = this.mac;
    c.network = this.network;
    c.transport = this.transport;
    c.dev = this.dev;
    c.iif = this.iif;
    c.protocol = this.protocol;
    c.pktType = this.pktType;
    c.mark = this.mark;
    c.priority = this.priority;
    c.ipSummed = this.ipSummed;
    c.csumStart = this.csumStart;
    c.csumOffset = this.csumOffset;
    c.gsoSize = this.gsoSize;
    c.tstamp = this.tstamp;
    c.source = this.source;
    c.destination = this.destination;
    c.ttl = this.ttl;
    c.tos = this.tos;
    c.ipProtocol = this.ipProtocol;
    return c;
  }
  u16(at: number): number {
    return (this.data[at]! << 8) | this.data[at + 1]!; // callers stay inside
  }
  setU16(at: number, v: number): void {
    this.data[at] = v >> 8;
    this.data[at + 1] = v;
  }
  u32(at: number): number {
    return ((this.data[at]! << 24) | (this.data[at + 1]! << 16) | (this.data[at + 2]! << 8) | this.data[at + 3]!) >>> 0; // callers stay inside
  }
  setU32(at: number, v: number): void {
    this.data[at] = v >>> 24;
    this.data[at + 1] = v >>> 16;
    this.data[at + 2] = v >>> 8;
    this.data[at + 3] = v;
  }
}

/** sizeof(struct sk_buff) + struct skb_shared_info and slab rounding, as measured on Linux 6.18. */
export function truesizeOf(length: number): number {
  const need = length + 320 + 64;
  if (need <= 704) return 256 + 512 + (need > 512 ? 192 : 0);
  if (need <= 32768) return 256 + (1 << (32 - Math.clz32(need - 1)));
  return 256 + 1024 + ((length + 4095) & ~4095);
}

/** An empty packet with room for `length` bytes of payload behind the headers. */
export function allocSkb(length: number): SkBuff {
  return new SkBuff(new Uint8Array(HEADROOM + length), HEADROOM, HEADROOM + length);
}

/** First in, first out. */
export class SkbQueue {
  head: SkBuff | null = null;
  tail: SkBuff | null = null;
  count = 0;
  push(skb: SkBuff): void {
    skb.next = null;
    if (this.tail === null) this.head = skb;
    else this.tail.next = skb;
    this.tail = skb;
    this.count++;
  }
  shift(): SkBuff | null {
    const skb = this.head;
    if (skb === null) return null;
    this.head = skb.next;
    if (this.head === null) this.tail = null;
    skb.next = null;
    this.count--;
    return skb;
  }
  clear(): void {
    this.head = this.tail = null;
    this.count = 0;
  }
}
