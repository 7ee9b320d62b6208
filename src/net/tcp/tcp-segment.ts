/** Segments that no full socket sends: resets, acknowledgements of TIME_WAIT, SYN-ACKs. Linux tcp_v4_send_reset(), tcp_v4_send_ack(), tcp_make_synack(). */
import { isErr } from '../../abi/errno.ts';
import type { Dst } from '../ip/dst.ts';
import { partialChecksum } from '../ip/offload.ts';
import { flowTo } from '../ip/route-table.ts';
import { ipLocalOut, pushIpHeader } from '../ipv4/ip-output.ts';
import { routeOutput4 } from '../ipv4/route.ts';
import { ip6LocalOut, pushIp6Header } from '../ipv6/ip6-output.ts';
import { routeOutput6 } from '../ipv6/route6.ts';
import { isLinkLocal } from '../inet/inet-address.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { allocSkb, type SkBuff } from '../skb.ts';
import { ACK, FIN, plus, RST, SYN } from './sequence.ts';
import { type HeaderFields, pushTcpHeader } from './tcp-header.ts';

export function header(sport: number, dport: number, seq: number, ack: number, flags: number, window: number): HeaderFields {
  return { sport, dport, seq, ack, flags, window, urgent: 0, mss: 0, wscale: -1, sackPermitted: false, tsval: -1, tsecr: 0, sack: [] };
}
/** Sends a segment (payload in `skb`) from `source` to `destination` by the route found for it, or by `dst`. */
export function sendSegment(ns: NetworkNamespace, skb: SkBuff, source: Uint8Array, destination: Uint8Array, h: HeaderFields, oif: number, mark: number, tos: number, dst: Dst | null): void {
  if (dst === null) {
    const flow = flowTo(destination);
    flow.source = source;
    flow.oif = isLinkLocal(destination) ? oif : 0;
    flow.mark = mark;
    const found = source.length === 4 ? routeOutput4(ns, flow, true) : routeOutput6(ns, flow);
    if (isErr(found)) return;
    dst = found;
  }
  pushTcpHeader(skb, h);
  skb.source = source;
  skb.destination = destination;
  skb.mark = mark;
  partialChecksum(skb, skb.transport, 16, 6);
  ns.snmp.tcp.outSegs++;
  if (source.length === 4) {
    pushIpHeader(skb, source, destination, { tos, ttl: ns.sysctls.number('ipv4/ip_default_ttl'), protocol: 6, df: true, id: 0, options: null });
    ipLocalOut(ns, skb, dst);
  } else {
    pushIp6Header(skb, source, destination, 6, dst.device.conf6['hop_limit'] ?? 64, tos, 0);
    ip6LocalOut(ns, skb, dst);
  }
}

/** Answers a segment with a reset, unless it is one. */
export function sendReset(ns: NetworkNamespace, to: SkBuff): void {
  const at = to.transport;
  const flags = to.data[at + 13]!; // header was checked
  if (flags & RST) return;
  const length = to.end - at - ((to.data[at + 12]! >> 4) << 2) + (flags & SYN ? 1 : 0) + (flags & FIN ? 1 : 0); // as above
  const h =
    flags & ACK
      ? header(to.u16(at + 2), to.u16(at), to.u32(at + 8), 0, RST, 0)
      : header(to.u16(at + 2), to.u16(at), 0, plus(to.u32(at + 4), length), RST | ACK, 0);
  ns.snmp.tcp.outRsts++;
  sendSegment(ns, allocSkb(0), to.destination, to.source, h, to.iif, ns.sysctls.number('ipv4/fwmark_reflect') ? to.mark : 0, 0, null);
}
