/** ICMP errors about TCP segments of ours. Linux 6.18 net/ipv4/tcp_ipv4.c tcp_v4_err(). */
import { isErr } from '../../abi/errno.ts';
import { errorOf } from '../inet/udp-demux.ts';
import type { QuotedPacket } from '../ipv4/icmp.ts';
import { icmp6Error } from '../ipv6/icmp6.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { after, before, TCP_CLOSE, TCP_LISTEN, TCP_SYN_RECV, TCP_SYN_SENT } from './sequence.ts';

export function tcpError(ns: NetworkNamespace, q: QuotedPacket): void {
  const { skb, transport } = q;
  const sport = skb.u16(transport);
  const dport = skb.u16(transport + 2);
  const seq = skb.u32(transport + 4);
  const c = ns.tcp.find(q.source, sport, q.destination, dport, 0);
  if (c === null || c.kind === 'timewait') return;
  if (c.kind === 'request') {
    if (seq === c.sndIsn && !(q.type === 3 && q.code === 4)) c.kill();
    return;
  }
  const s = c;
  if (s.state === TCP_CLOSE || s.state === TCP_LISTEN) return;
  if (before(seq, s.sndUna) || after(seq, s.sndNxt)) return;
  if ((!q.v6 && q.type === 3 && q.code === 4) || (q.v6 && q.type === 2)) {
    s.forgetRoute();
    const dst = s.remote === null ? null : s.routeTo(s.remote);
    if (dst !== null && !isErr(dst)) s.mtuReduced(dst.mtu);
    return;
  }
  if (!q.v6 && q.type === 4) return;
  const [errno, fatal] = q.v6 ? icmp6Error(q.type, q.code) : errorOf(q);
  if (s.state === TCP_SYN_SENT || s.state === TCP_SYN_RECV) {
    s.fail(-errno);
    return;
  }
  if (fatal && s.recvErr(!q.v6)) {
    s.error = -errno;
    s.wakeAll();
  } else {
    s.softError = -errno;
  }
}
