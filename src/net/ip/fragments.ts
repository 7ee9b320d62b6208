/** Putting fragments together again. Linux net/ipv4/inet_fragment.c. */
import { Timer } from '../../base/timers.ts';
import { hexOf } from '../device/net-device.ts';
import type { NetStack } from '../net-stack.ts';
import { HEADROOM, SkBuff } from '../skb.ts';
import type { IpCounters } from './snmp.ts';

const NSEC = 1_000_000_000;
/** ipfrag_high_thresh: bytes of all fragments that wait. */
const LIMIT = 4194304;

export class FragmentKey {
  readonly text: string;
  constructor(source: Uint8Array, destination: Uint8Array, id: number, protocol: number, device: number) {
    this.text = `${hexOf(source)}${hexOf(destination)}/${id}/${protocol}/${device}`;
  }
}

interface Piece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

class Assembly extends Timer {
  readonly pieces: Piece[] = [];
  /** The fragment at offset 0. */
  first: SkBuff | null = null;
  total = -1;
  bytes = 0;
  private readonly owner: FragmentQueue;
  readonly key: string;
  readonly counters: IpCounters;
  constructor(owner: FragmentQueue, key: string, counters: IpCounters) {
    super();
    this.owner = owner;
    this.key = key;
    this.counters = counters;
  }
  override expire(): void {
    this.counters.reasmTimeout++;
    this.counters.reasmFails++;
    this.owner.drop(this);
  }
}

export class FragmentQueue {
  private readonly stack: NetStack;
  private readonly queues: Map<string, Assembly> = new Map();
  private held = 0;
  constructor(stack: NetStack) {
    this.stack = stack;
  }
  get count(): number {
    return this.queues.size;
  }
  get memory(): number {
    return this.held;
  }
  drop(a: Assembly): void {
    this.stack.timers.cancel(a);
    this.held -= a.bytes;
    this.queues.delete(a.key);
  }
  /** Adds what stands behind `skb.transport`; the whole packet once it is complete, else null. */
  add(key: FragmentKey, skb: SkBuff, offset: number, more: boolean, counters: IpCounters, seconds: number): SkBuff | null {
    counters.reasmReqds++;
    let a = this.queues.get(key.text);
    if (a === undefined) {
      if (this.held > LIMIT) return null;
      a = new Assembly(this, key.text, counters);
      this.queues.set(key.text, a);
      this.stack.timers.arm(a, this.stack.now() + seconds * NSEC);
    }
    const bytes = skb.data.slice(skb.transport, skb.end);
    if (more && bytes.length & 7) {
      this.fail(a);
      return null;
    }
    // Overlapping pieces are an attack: all is dropped (RFC 5722).
    for (const p of a.pieces)
      if (offset < p.offset + p.bytes.length && p.offset < offset + bytes.length) {
        if (p.offset === offset && p.bytes.length === bytes.length) return null;
        this.fail(a);
        return null;
      }
    if (offset + bytes.length > 65535) {
      this.fail(a);
      return null;
    }
    if (!more) a.total = offset + bytes.length;
    if (offset === 0) a.first = skb;
    a.pieces.push({ offset, bytes });
    a.bytes += bytes.length;
    this.held += bytes.length;
    if (a.total < 0 || a.bytes < a.total || a.first === null) return null;
    this.drop(a);
    counters.reasmOks++;
    const { first } = a;
    const head = first.transport - first.network;
    const whole = new SkBuff(new Uint8Array(HEADROOM + head + a.total), HEADROOM, HEADROOM + head + a.total);
    whole.data.set(first.data.subarray(first.network, first.transport), HEADROOM);
    for (const p of a.pieces) whole.data.set(p.bytes, HEADROOM + head + p.offset);
    whole.network = HEADROOM;
    whole.transport = HEADROOM + head;
    whole.dev = first.dev;
    whole.iif = first.iif;
    whole.protocol = first.protocol;
    whole.pktType = first.pktType;
    whole.mark = first.mark;
    whole.tstamp = first.tstamp;
    whole.source = first.source;
    whole.destination = first.destination;
    whole.ttl = first.ttl;
    whole.tos = first.tos;
    whole.ipProtocol = first.ipProtocol;
    whole.routeType = first.routeType;
    return whole;
  }
  private fail(a: Assembly): void {
    a.counters.reasmFails++;
    this.drop(a);
  }
}
