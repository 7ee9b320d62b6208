/** Classic BPF programs attached to sockets. Linux 6.18 net/core/filter.c. */
import { EFAULT, EINVAL, EPERM, isErr } from '../abi/errno.ts';
import { BPF_MAXINSNS, type FilterInput, runSocketFilter, validateSocketFilter } from './bpf.ts';
import type { SkBuff } from './skb.ts';
import type { Socket } from './socket.ts';
import type { SocketCaller } from './socket-caller.ts';

const SKF_AD_PROTOCOL = 0;
const SKF_AD_PKTTYPE = 4;
const SKF_AD_IFINDEX = 8;
const SKF_AD_NLATTR = 12;
const SKF_AD_MARK = 20;
const SKF_AD_QUEUE = 24;
const SKF_AD_HATYPE = 28;
const SKF_AD_RXHASH = 32;
const SKF_AD_CPU = 36;
const SKF_AD_ALU_XOR_X = 40;
const SKF_AD_VLAN_TAG = 44;
const SKF_AD_VLAN_TAG_PRESENT = 48;
const SKF_AD_PAY_OFFSET = 52;
const SKF_AD_RANDOM = 56;

class SkbInput implements FilterInput {
  private skb!: SkBuff; // set before each run
  data: Uint8Array = new Uint8Array(0);
  start = 0;
  end = 0;
  mac = -1;
  network = -1;
  private random = 0;
  set(skb: SkBuff, start: number, random: number): this {
    this.skb = skb;
    this.data = skb.data;
    this.start = start;
    this.end = skb.end;
    this.mac = skb.mac;
    this.network = skb.network;
    this.random = random;
    return this;
  }
  ancillary(offset: number, A: number, X: number): number {
    const { skb } = this;
    switch (offset) {
      case SKF_AD_PROTOCOL:
        return skb.protocol;
      case SKF_AD_PKTTYPE:
        return skb.pktType;
      case SKF_AD_IFINDEX:
        return skb.dev === null ? Number.NaN : skb.dev.index;
      case SKF_AD_HATYPE:
        return skb.dev === null ? Number.NaN : skb.dev.type;
      case SKF_AD_MARK:
        return skb.mark | 0;
      case SKF_AD_ALU_XOR_X:
        return A ^ X;
      case SKF_AD_RANDOM:
        return this.random | 0;
      case SKF_AD_PAY_OFFSET:
        return Math.max(0, skb.transport - this.start);
      case SKF_AD_NLATTR:
      case SKF_AD_QUEUE:
      case SKF_AD_RXHASH:
      case SKF_AD_CPU:
      case SKF_AD_VLAN_TAG:
      case SKF_AD_VLAN_TAG_PRESENT:
        return 0;
    }
    return Number.NaN;
  }
}
const input = new SkbInput();

/** Bytes of the packet from `start` on that the socket keeps; -1: dropped. Data shorter than `least` (headers) is never cut off (sk_filter_trim_cap). */
export function filterSkb(s: Socket, skb: SkBuff, start: number, least: number): number {
  const length = skb.end - start;
  if (s.filter === null) return length;
  const keep = runSocketFilter(s.filter, input.set(skb, start, s.netNs.stack.random()));
  if (keep === 0) return -1;
  return Math.min(length, Math.max(keep, least));
}
/** What a program says about a packet (SO_ATTACH_REUSEPORT_CBPF). */
export function runOn(program: Int32Array, skb: SkBuff, start: number, random: number): number {
  return runSocketFilter(program, input.set(skb, start, random));
}

/** Reads a struct sock_fprog of the guest: a checked program; EINVAL, EFAULT. */
export function readProgram(ctx: SocketCaller, value: Uint8Array): Int32Array | number {
  if (value.length !== 16) return EINVAL;
  const v = new DataView(value.buffer, value.byteOffset);
  const length = v.getUint16(0, true);
  const address = v.getUint32(8, true) + v.getUint32(12, true) * 4294967296;
  if (address === 0 || length === 0 || length > BPF_MAXINSNS) return EINVAL;
  const bytes = new Uint8Array(length * 8);
  if (isErr(ctx.space.readBytes(address, bytes))) return EFAULT;
  const program = new Int32Array(bytes.buffer);
  return validateSocketFilter(program) ? program : EINVAL;
}
/** SO_ATTACH_FILTER: 0, EPERM (locked), EINVAL, EFAULT. */
export function attachFilter(ctx: SocketCaller, s: Socket, value: Uint8Array): number {
  if (value.length !== 16) return EINVAL;
  if (s.filterLocked) return EPERM;
  const p = readProgram(ctx, value);
  if (typeof p === 'number') return p;
  s.filter = p;
  return 0;
}
