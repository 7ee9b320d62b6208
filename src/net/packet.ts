/** A queued piece of data with what travels beside it: Linux's sk_buff. Small ones are pooled, so that a ping-pong allocates nothing. */
import type { KGid, KUid } from '../abi/ids.ts';
import { INVALID_KGID, INVALID_KUID } from '../abi/ids.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import type { PeerPid } from './socket-caller.ts';

/** Data up to this size lies in the packet's own buffer. */
const SMALL = 512;
const POOL_MAX = 64;

export class Packet {
  next: Packet | null = null;
  data: Uint8Array;
  private readonly small: Uint8Array = new Uint8Array(SMALL);
  /** Bytes still to be read are data[start … end). */
  start = 0;
  end = 0;
  /** What it counts against the sender's buffer (skb->truesize). */
  charge = 0;
  /** Whose buffer that is. */
  owner: ChargedSender | null = null;
  /** Descriptors on the way (SCM_RIGHTS); each holds a reference. */
  files: FileDescription[] | null = null;
  /** Sender, if somebody asked for credentials. */
  pid: PeerPid | null = null;
  uid: KUid = INVALID_KUID;
  gid: KGid = INVALID_KGID;
  /** Sender's address in sockaddr form; null: unnamed. */
  from: Uint8Array | null = null;
  /** Urgent byte. */
  oob = false;
  /** Family's own (destination address, interface …). */
  extra: object | null = null;

  constructor() {
    this.data = this.small;
  }
  get length(): number {
    return this.end - this.start;
  }
  /** Makes room for `len` bytes. */
  reserve(len: number): void {
    this.data = len <= SMALL ? this.small : new Uint8Array(len);
    this.start = 0;
    this.end = len;
  }
}

/** Who is told when a charged packet is consumed: the sending socket. */
export interface ChargedSender {
  uncharge(bytes: number): void;
}

let pool: Packet | null = null;
let pooled = 0;

/** A packet with room for `len` bytes; charge and ancillary data are to be set. */
export function allocPacket(len: number): Packet {
  let p = pool;
  if (p === null) {
    p = new Packet();
  } else {
    pool = p.next;
    pooled--;
    p.next = null;
  }
  p.reserve(len);
  return p;
}

/** Gives a packet back: uncharges its sender and drops descriptors that nobody received. */
export function freePacket(p: Packet): void {
  const owner = p.owner;
  p.owner = null;
  if (p.files !== null) {
    const files = p.files;
    p.files = null;
    for (const f of files) f.unref();
  }
  p.pid = null;
  p.uid = INVALID_KUID;
  p.gid = INVALID_KGID;
  p.from = null;
  p.extra = null;
  p.oob = false;
  if (pooled < POOL_MAX) {
    p.next = pool;
    pool = p;
    pooled++;
  }
  if (owner !== null) owner.uncharge(p.charge);
}

/** First in, first out. */
export class PacketQueue {
  head: Packet | null = null;
  private tail: Packet | null = null;
  count = 0;
  /** Sum of the lengths. */
  bytes = 0;

  push(p: Packet): void {
    p.next = null;
    if (this.tail === null) this.head = p;
    else this.tail.next = p;
    this.tail = p;
    this.count++;
    this.bytes += p.end - p.start;
  }
  /** Takes the first packet off; the caller owns it. */
  shift(): Packet | null {
    const p = this.head;
    if (p === null) return null;
    this.head = p.next;
    if (this.head === null) this.tail = null;
    p.next = null;
    this.count--;
    this.bytes -= p.end - p.start;
    return p;
  }
  /** Takes `p` out, wherever it is. */
  remove(p: Packet): void {
    let prev: Packet | null = null;
    for (let q = this.head; q !== null; prev = q, q = q.next) {
      if (q !== p) continue;
      if (prev === null) this.head = q.next;
      else prev.next = q.next;
      if (this.tail === q) this.tail = prev;
      q.next = null;
      this.count--;
      this.bytes -= q.end - q.start;
      return;
    }
  }
  /** Notes that `n` bytes of a queued packet were read. */
  consumed(p: Packet, n: number): void {
    p.start += n;
    this.bytes -= n;
  }
}

/** sizeof(struct sk_buff) and of its shared info as allocations see them. Measured on Linux 6.18, x86-64, with SIOCOUTQ. */
const SKB_OVERHEAD = 256;
const SHARED_INFO = 320;
const PAGE = 4096;
/** Largest linear part: SKB_MAX_HEAD(0), SKB_MAX_ALLOC. */
const MAX_HEAD = PAGE - SHARED_INFO;
const MAX_ALLOC = 4 * PAGE - SHARED_INFO;
const STREAM_FRAGS = 32768;
const MAX_FRAGS = 17 * PAGE;

function linearCharge(n: number): number {
  const need = n + SHARED_INFO;
  return SKB_OVERHEAD + (need <= 512 ? 512 : 1 << (32 - Math.clz32(need - 1)));
}
const pageAlign = (n: number): number => (n + PAGE - 1) & ~(PAGE - 1);

/** Largest piece of a stream write that becomes one packet, with a send buffer of `sndbuf`. */
export function streamChunk(sndbuf: number): number {
  return Math.max(1, Math.min((sndbuf >> 1) - 64, MAX_HEAD + STREAM_FRAGS));
}
/** Charge of a stream packet of `n` bytes (up to streamChunk). */
export function streamCharge(n: number): number {
  if (n <= MAX_HEAD) return linearCharge(n);
  const frags = Math.min(n, pageAlign(n - MAX_HEAD));
  return linearCharge(n - frags) + pageAlign(frags);
}
/** Charge of a datagram of `n` bytes. */
export function datagramCharge(n: number): number {
  if (n <= MAX_ALLOC) return linearCharge(n);
  const frags = pageAlign(Math.min(n - MAX_ALLOC, MAX_FRAGS));
  return linearCharge(n - frags) + frags;
}
