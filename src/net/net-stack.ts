/** What all network namespaces of a kernel share: clock, timers, the queue of packets that came in. Linux net/core/dev.c's softnet_data. */
import { Timer, type TimerHeap } from '../base/timers.ts';
import { receive } from './device/receive.ts';
import type { NetworkNamespace } from './network-namespace.ts';
import { type SkBuff, SkbQueue } from './skb.ts';

export interface NetClock {
  monotonicNs(): number;
  /** Sets `sec` and `nsec` to the wall time at monotonic `ns`. */
  wallAt(ns: number): void;
  readonly sec: number;
  readonly nsec: number;
}
export interface Entropy {
  /** Fills `b` with random bytes. */
  fill(b: Uint8Array): void;
}

/** Packets handled in one go; the rest waits for the next turn, so that a storm does not hold everybody up (ksoftirqd). */
const BUDGET = 4000;
const NEXT_TURN_NS = 200_000;

class NextTurn extends Timer {
  private readonly stack: NetStack;
  constructor(stack: NetStack) {
    super();
    this.stack = stack;
  }
  override expire(): void {
    this.stack.run();
  }
}

export class NetStack {
  readonly clock: NetClock;
  readonly timers: TimerHeap;
  private readonly entropy: Entropy;
  readonly namespaces: Set<NetworkNamespace> = new Set();
  /** The first namespace: devices that cannot be deleted return to it. */
  initial: NetworkNamespace | null = null;
  private readonly backlog: SkbQueue = new SkbQueue();
  private held = 0;
  private running = false;
  private readonly nextTurn: NextTurn = new NextTurn(this);
  private readonly word: Uint8Array = new Uint8Array(4);
  /** SO_NETNS_COOKIE of the next namespace; number of the next socket cookie. */
  nextNetnsCookie = 1;
  /** SEQNUM of the last uevent. */
  ueventSequence = 0;
  /** Processors, as devices have queues for. */
  readonly cpus: number;

  constructor(clock: NetClock, timers: TimerHeap, entropy: Entropy, cpus: number) {
    this.cpus = cpus;
    this.clock = clock;
    this.timers = timers;
    this.entropy = entropy;
  }
  now(): number {
    return this.clock.monotonicNs();
  }
  /** A value of /proc/sys/net that is the whole machine's. */
  machineSysctl(name: string): number {
    return this.initial === null ? 0 : this.initial.sysctls.number(name);
  }
  /** A random unsigned 32-bit number. */
  random(): number {
    this.entropy.fill(this.word);
    return new DataView(this.word.buffer).getUint32(0, true);
  }
  randomBytes(n: number): Uint8Array {
    const b = new Uint8Array(n);
    this.entropy.fill(b);
    return b;
  }

  /** A packet arrived at `skb.dev`. It is looked at now, or when whoever holds the stack lets go (a locked socket's backlog). */
  netifRx(skb: SkBuff): void {
    this.backlog.push(skb);
    if (this.held === 0) this.run();
  }
  /** Until release(), packets wait: a socket is in the middle of something. */
  hold(): void {
    this.held++;
  }
  release(): void {
    if (--this.held === 0 && this.backlog.head !== null) this.run();
  }
  run(): void {
    if (this.running) return;
    this.running = true;
    for (let n = 0; ; n++) {
      const skb = n < BUDGET ? this.backlog.shift() : null;
      if (skb === null) break;
      receive(this, skb);
    }
    this.running = false;
    if (this.backlog.head !== null && !this.nextTurn.armed) this.timers.arm(this.nextTurn, this.now() + NEXT_TURN_NS);
  }
}
