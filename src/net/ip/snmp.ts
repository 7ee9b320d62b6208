/** Counters of /proc/net/snmp and netstat. */
export class IpCounters {
  inReceives = 0;
  inHdrErrors = 0;
  inAddrErrors = 0;
  forwDatagrams = 0;
  inUnknownProtos = 0;
  inDiscards = 0;
  inDelivers = 0;
  outRequests = 0;
  outDiscards = 0;
  outNoRoutes = 0;
  reasmTimeout = 0;
  reasmReqds = 0;
  reasmOks = 0;
  reasmFails = 0;
  fragOks = 0;
  fragFails = 0;
  fragCreates = 0;
  outTransmits = 0;
  inNoRoutes = 0;
  inTruncated = 0;
  inMcast = 0;
  outMcast = 0;
  inBcast = 0;
  outBcast = 0;
  inOctets = 0;
  outOctets = 0;
  inMcastOctets = 0;
  outMcastOctets = 0;
}
export class UdpCounters {
  inDatagrams = 0;
  noPorts = 0;
  inErrors = 0;
  outDatagrams = 0;
  rcvbufErrors = 0;
  sndbufErrors = 0;
  inCsumErrors = 0;
}
export class TcpCounters {
  activeOpens = 0;
  passiveOpens = 0;
  attemptFails = 0;
  estabResets = 0;
  currEstab = 0;
  inSegs = 0;
  outSegs = 0;
  retransSegs = 0;
  inErrs = 0;
  outRsts = 0;
  inCsumErrors = 0;
  listenOverflows = 0;
  listenDrops = 0;
  delayedAcks = 0;
  timeWait = 0;
}
export class Counters {
  readonly ip: IpCounters = new IpCounters();
  readonly ip6: IpCounters = new IpCounters();
  readonly udp: UdpCounters = new UdpCounters();
  readonly udp6: UdpCounters = new UdpCounters();
  readonly udpLite: UdpCounters = new UdpCounters();
  readonly udpLite6: UdpCounters = new UdpCounters();
  readonly tcp: TcpCounters = new TcpCounters();
  /** ICMP messages by type, in and out, and the sums. */
  readonly icmpIn: number[] = new Array<number>(256).fill(0);
  readonly icmpOut: number[] = new Array<number>(256).fill(0);
  readonly icmp6In: number[] = new Array<number>(256).fill(0);
  readonly icmp6Out: number[] = new Array<number>(256).fill(0);
  icmpInErrors = 0;
  icmp6InErrors = 0;
}
