/** Cuts a large TCP packet into segments. Linux tcp_gso_segment(). */
import { checksum } from '../checksum.ts';
import { CHECKSUM_PARTIAL, type SkBuff, allocSkb } from '../skb.ts';
import { finishChecksum, partialChecksum } from './offload.ts';

const TCP_FIN_PSH = 0x09;
const TCP_CWR = 0x80;

/** Packets of at most `size` bytes of payload each, from the network header, with all checksums. */
export function gsoSegments(skb: SkBuff, size: number): SkBuff[] {
  const { data, network, transport } = skb;
  const tcpLength = (data[transport + 12]! >> 4) << 2; // within the packet
  const headers = transport - network + tcpLength;
  const v4 = data[network]! >> 4 === 4; // as above
  const out: SkBuff[] = [];
  const first = transport + tcpLength;
  let id = v4 ? skb.u16(network + 4) : 0;
  for (let at = first; at < skb.end || at === first; at += size) {
    const n = Math.min(size, skb.end - at);
    const s = allocSkb(headers + n);
    s.data.set(data.subarray(network, network + headers), s.start);
    s.data.set(data.subarray(at, at + n), s.start + headers);
    s.network = s.start;
    s.transport = s.start + (transport - network);
    s.source = skb.source;
    s.destination = skb.destination;
    s.protocol = skb.protocol;
    s.mark = skb.mark;
    s.priority = skb.priority;
    s.ipProtocol = skb.ipProtocol;
    s.tos = skb.tos;
    if (v4) {
      s.setU16(s.network + 2, headers + n);
      s.setU16(s.network + 4, id++);
      s.setU16(s.network + 10, 0);
      s.setU16(s.network + 10, checksum(s.data, s.network, s.transport));
    } else {
      s.setU16(s.network + 4, headers + n - 40);
    }
    s.setU32(s.transport + 4, (skb.u32(transport + 4) + (at - first)) >>> 0);
    if (at + n < skb.end) s.data[s.transport + 13]! &= ~TCP_FIN_PSH;
    if (at > first) s.data[s.transport + 13]! &= ~TCP_CWR;
    s.setU16(s.transport + 16, 0);
    partialChecksum(s, s.transport, 16, 6);
    if (skb.ipSummed !== CHECKSUM_PARTIAL) finishChecksum(s);
    out.push(s);
    if (n === 0) break;
  }
  return out;
}
