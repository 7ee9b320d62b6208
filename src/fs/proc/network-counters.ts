/** /proc/net: counters. Names in the order of Linux 6.18. */
import type { NetworkNamespace } from '../../net/network-namespace.ts';
import type { UdpCounters } from '../../net/ip/snmp.ts';

const TCP_EXT: string =
  'SyncookiesSent SyncookiesRecv SyncookiesFailed EmbryonicRsts PruneCalled RcvPruned OfoPruned OutOfWindowIcmps LockDroppedIcmps ArpFilter TW ' +
  'TWRecycled TWKilled PAWSActive PAWSEstab BeyondWindow TSEcrRejected PAWSOldAck PAWSTimewait DelayedACKs DelayedACKLocked DelayedACKLost ' +
  'ListenOverflows ListenDrops TCPHPHits TCPPureAcks TCPHPAcks TCPRenoRecovery TCPSackRecovery TCPSACKReneging TCPSACKReorder TCPRenoReorder ' +
  'TCPTSReorder TCPFullUndo TCPPartialUndo TCPDSACKUndo TCPLossUndo TCPLostRetransmit TCPRenoFailures TCPSackFailures TCPLossFailures ' +
  'TCPFastRetrans TCPSlowStartRetrans TCPTimeouts TCPLossProbes TCPLossProbeRecovery TCPRenoRecoveryFail TCPSackRecoveryFail TCPRcvCollapsed ' +
  'TCPBacklogCoalesce TCPDSACKOldSent TCPDSACKOfoSent TCPDSACKRecv TCPDSACKOfoRecv TCPAbortOnData TCPAbortOnClose TCPAbortOnMemory ' +
  'TCPAbortOnTimeout TCPAbortOnLinger TCPAbortFailed TCPMemoryPressures TCPMemoryPressuresChrono TCPSACKDiscard TCPDSACKIgnoredOld ' +
  'TCPDSACKIgnoredNoUndo TCPSpuriousRTOs TCPMD5NotFound TCPMD5Unexpected TCPMD5Failure TCPSackShifted TCPSackMerged TCPSackShiftFallback ' +
  'TCPBacklogDrop PFMemallocDrop TCPMinTTLDrop TCPDeferAcceptDrop IPReversePathFilter TCPTimeWaitOverflow TCPReqQFullDoCookies TCPReqQFullDrop ' +
  'TCPRetransFail TCPRcvCoalesce TCPOFOQueue TCPOFODrop TCPOFOMerge TCPChallengeACK TCPSYNChallenge TCPFastOpenActive TCPFastOpenActiveFail ' +
  'TCPFastOpenPassive TCPFastOpenPassiveFail TCPFastOpenListenOverflow TCPFastOpenCookieReqd TCPFastOpenBlackhole TCPSpuriousRtxHostQueues ' +
  'BusyPollRxPackets TCPAutoCorking TCPFromZeroWindowAdv TCPToZeroWindowAdv TCPWantZeroWindowAdv TCPSynRetrans TCPOrigDataSent ' +
  'TCPHystartTrainDetect TCPHystartTrainCwnd TCPHystartDelayDetect TCPHystartDelayCwnd TCPACKSkippedSynRecv TCPACKSkippedPAWS TCPACKSkippedSeq ' +
  'TCPACKSkippedFinWait2 TCPACKSkippedTimeWait TCPACKSkippedChallenge TCPWinProbe TCPKeepAlive TCPMTUPFail TCPMTUPSuccess TCPDelivered ' +
  'TCPDeliveredCE TCPAckCompressed TCPZeroWindowDrop TCPRcvQDrop TCPWqueueTooBig TCPFastOpenPassiveAltKey TcpTimeoutRehash TcpDuplicateDataRehash ' +
  'TCPDSACKRecvSegs TCPDSACKIgnoredDubious TCPMigrateReqSuccess TCPMigrateReqFailure TCPPLBRehash TCPAORequired TCPAOBad TCPAOKeyNotFound ' +
  'TCPAOGood TCPAODroppedIcmps';
const ICMP: string =
  'InMsgs InErrors InCsumErrors InDestUnreachs InTimeExcds InParmProbs InSrcQuenchs InRedirects InEchos InEchoReps InTimestamps InTimestampReps ' +
  'InAddrMasks InAddrMaskReps OutMsgs OutErrors OutRateLimitGlobal OutRateLimitHost OutDestUnreachs OutTimeExcds OutParmProbs OutSrcQuenchs ' +
  'OutRedirects OutEchos OutEchoReps OutTimestamps OutTimestampReps OutAddrMasks OutAddrMaskReps';
const SNMP6: string =
  'Ip6InReceives Ip6InHdrErrors Ip6InTooBigErrors Ip6InNoRoutes Ip6InAddrErrors Ip6InUnknownProtos Ip6InTruncatedPkts Ip6InDiscards Ip6InDelivers ' +
  'Ip6OutForwDatagrams Ip6OutRequests Ip6OutDiscards Ip6OutNoRoutes Ip6ReasmTimeout Ip6ReasmReqds Ip6ReasmOKs Ip6ReasmFails Ip6FragOKs ' +
  'Ip6FragFails Ip6FragCreates Ip6InMcastPkts Ip6OutMcastPkts Ip6InOctets Ip6OutOctets Ip6InMcastOctets Ip6OutMcastOctets Ip6InBcastOctets ' +
  'Ip6OutBcastOctets Ip6InNoECTPkts Ip6InECT1Pkts Ip6InECT0Pkts Ip6InCEPkts Ip6OutTransmits Icmp6InMsgs Icmp6InErrors Icmp6OutMsgs Icmp6OutErrors ' +
  'Icmp6InCsumErrors Icmp6OutRateLimitHost Icmp6InDestUnreachs Icmp6InPktTooBigs Icmp6InTimeExcds Icmp6InParmProblems Icmp6InEchos ' +
  'Icmp6InEchoReplies Icmp6InGroupMembQueries Icmp6InGroupMembResponses Icmp6InGroupMembReductions Icmp6InRouterSolicits ' +
  'Icmp6InRouterAdvertisements Icmp6InNeighborSolicits Icmp6InNeighborAdvertisements Icmp6InRedirects Icmp6InMLDv2Reports Icmp6OutDestUnreachs ' +
  'Icmp6OutPktTooBigs Icmp6OutTimeExcds Icmp6OutParmProblems Icmp6OutEchos Icmp6OutEchoReplies Icmp6OutGroupMembQueries Icmp6OutGroupMembResponses ' +
  'Icmp6OutGroupMembReductions Icmp6OutRouterSolicits Icmp6OutRouterAdvertisements Icmp6OutNeighborSolicits Icmp6OutNeighborAdvertisements ' +
  'Icmp6OutRedirects Icmp6OutMLDv2Reports Udp6InDatagrams Udp6NoPorts Udp6InErrors Udp6OutDatagrams Udp6RcvbufErrors Udp6SndbufErrors ' +
  'Udp6InCsumErrors Udp6IgnoredMulti Udp6MemErrors UdpLite6InDatagrams UdpLite6NoPorts UdpLite6InErrors UdpLite6OutDatagrams UdpLite6RcvbufErrors ' +
  'UdpLite6SndbufErrors UdpLite6InCsumErrors UdpLite6MemErrors';

const sum = (a: readonly number[]): number => a.reduce((x, y) => x + y, 0);

function udp(name: string, c: UdpCounters): string {
  const ignored = ' IgnoredMulti';
  return `${name}: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors${ignored} MemErrors\n${name}: ${c.inDatagrams} ${c.noPorts} ${c.inErrors} ${c.outDatagrams} ${c.rcvbufErrors} ${c.sndbufErrors} ${c.inCsumErrors} 0 0\n`;
}
/** ICMP message types by the end of their counters' names. */
const ICMP_TYPES: Readonly<Record<string, number>> = {
  DestUnreachs: 3, TimeExcds: 11, ParmProbs: 12, SrcQuenchs: 4, Redirects: 5, Echos: 8, EchoReps: 0, Timestamps: 13, TimestampReps: 14, AddrMasks: 17, AddrMaskReps: 18,
};
export function snmpText(net: NetworkNamespace): string {
  const s = net.snmp;
  const i = s.ip;
  let text =
    'Ip: Forwarding DefaultTTL InReceives InHdrErrors InAddrErrors ForwDatagrams InUnknownProtos InDiscards InDelivers OutRequests OutDiscards OutNoRoutes ReasmTimeout ReasmReqds ReasmOKs ReasmFails FragOKs FragFails FragCreates OutTransmits\n';
  text += `Ip: ${net.sysctls.forward4 ? 1 : 2} ${net.sysctls.number('ipv4/ip_default_ttl')} ${i.inReceives} ${i.inHdrErrors} ${i.inAddrErrors} ${i.forwDatagrams} ${i.inUnknownProtos} ${i.inDiscards} ${i.inDelivers} ${i.outRequests} ${i.outDiscards} ${i.outNoRoutes} ${i.reasmTimeout} ${i.reasmReqds} ${i.reasmOks} ${i.reasmFails} ${i.fragOks} ${i.fragFails} ${i.fragCreates} ${i.outTransmits}\n`;
  text += `Icmp: ${ICMP}\nIcmp:`;
  for (const name of ICMP.split(' ')) {
    if (name === 'InMsgs') text += ` ${sum(s.icmpIn) + s.icmpInErrors}`;
    else if (name === 'InErrors') text += ` ${s.icmpInErrors}`;
    else if (name === 'OutMsgs') text += ` ${sum(s.icmpOut)}`;
    else {
      const out = name.startsWith('Out');
      const type = ICMP_TYPES[name.slice(out ? 3 : 2)];
      text += ` ${type === undefined ? 0 : (out ? s.icmpOut : s.icmpIn)[type]}`;
    }
  }
  text += '\n';
  const types = (a: readonly number[], way: string): [string[], number[]] => {
    const names: string[] = [];
    const values: number[] = [];
    a.forEach((n, t) => {
      if (n === 0) return;
      names.push(`${way}Type${t}`);
      values.push(n);
    });
    return [names, values];
  };
  const [inNames, inValues] = types(s.icmpIn, 'In');
  const [outNames, outValues] = types(s.icmpOut, 'Out');
  if (inNames.length + outNames.length > 0) text += `IcmpMsg: ${[...inNames, ...outNames].join(' ')}\nIcmpMsg: ${[...inValues, ...outValues].join(' ')}\n`;
  const t = s.tcp;
  text += 'Tcp: RtoAlgorithm RtoMin RtoMax MaxConn ActiveOpens PassiveOpens AttemptFails EstabResets CurrEstab InSegs OutSegs RetransSegs InErrs OutRsts InCsumErrors\n';
  text += `Tcp: 1 200 120000 -1 ${t.activeOpens} ${t.passiveOpens} ${t.attemptFails} ${t.estabResets} ${t.currEstab} ${t.inSegs} ${t.outSegs} ${t.retransSegs} ${t.inErrs} ${t.outRsts} ${t.inCsumErrors}\n`;
  return text + udp('Udp', s.udp) + udp('UdpLite', s.udpLite);
}
export function netstatText(net: NetworkNamespace): string {
  const { tcp, ip } = net.snmp;
  const known: Readonly<Record<string, number>> = { ListenOverflows: tcp.listenOverflows, ListenDrops: tcp.listenDrops, DelayedACKs: tcp.delayedAcks, TW: tcp.timeWait };
  let text = `TcpExt: ${TCP_EXT}\nTcpExt: ${TCP_EXT.split(' ').map((n) => known[n] ?? 0).join(' ')}\n`;
  text += 'IpExt: InNoRoutes InTruncatedPkts InMcastPkts OutMcastPkts InBcastPkts OutBcastPkts InOctets OutOctets InMcastOctets OutMcastOctets InBcastOctets OutBcastOctets InCsumErrors InNoECTPkts InECT1Pkts InECT0Pkts InCEPkts ReasmOverlaps\n';
  text += `IpExt: ${ip.inNoRoutes} ${ip.inTruncated} ${ip.inMcast} ${ip.outMcast} ${ip.inBcast} ${ip.outBcast} ${ip.inOctets} ${ip.outOctets} ${ip.inMcastOctets} ${ip.outMcastOctets} 0 0 0 ${ip.inReceives} 0 0 0 0\n`;
  return text;
}
/** Counters of snmp6 by name; those not kept are 0. */
function value6(net: NetworkNamespace, name: string): number {
  const i = net.snmp.ip6;
  const s = net.snmp;
  switch (name) {
    case 'Ip6InReceives': return i.inReceives;
    case 'Ip6InHdrErrors': return i.inHdrErrors;
    case 'Ip6InNoRoutes': return i.inNoRoutes;
    case 'Ip6InAddrErrors': return i.inAddrErrors;
    case 'Ip6InUnknownProtos': return i.inUnknownProtos;
    case 'Ip6InTruncatedPkts': return i.inTruncated;
    case 'Ip6InDelivers': return i.inDelivers;
    case 'Ip6OutForwDatagrams': return i.forwDatagrams;
    case 'Ip6OutRequests': return i.outRequests;
    case 'Ip6OutNoRoutes': return i.outNoRoutes;
    case 'Ip6ReasmTimeout': return i.reasmTimeout;
    case 'Ip6ReasmReqds': return i.reasmReqds;
    case 'Ip6ReasmOKs': return i.reasmOks;
    case 'Ip6ReasmFails': return i.reasmFails;
    case 'Ip6FragOKs': return i.fragOks;
    case 'Ip6FragFails': return i.fragFails;
    case 'Ip6FragCreates': return i.fragCreates;
    case 'Ip6InMcastPkts': return i.inMcast;
    case 'Ip6OutMcastPkts': return i.outMcast;
    case 'Ip6InOctets': return i.inOctets;
    case 'Ip6OutOctets': return i.outOctets;
    case 'Ip6InMcastOctets': return i.inMcastOctets;
    case 'Ip6OutMcastOctets': return i.outMcastOctets;
    case 'Ip6InNoECTPkts': return i.inReceives;
    case 'Ip6OutTransmits': return i.outTransmits;
    case 'Icmp6InMsgs': return sum(s.icmp6In);
    case 'Icmp6InErrors': return s.icmp6InErrors;
    case 'Icmp6OutMsgs': return sum(s.icmp6Out);
    case 'Icmp6InEchos': return s.icmp6In[128] ?? 0;
    case 'Icmp6InEchoReplies': return s.icmp6In[129] ?? 0;
    case 'Icmp6OutEchos': return s.icmp6Out[128] ?? 0;
    case 'Icmp6OutEchoReplies': return s.icmp6Out[129] ?? 0;
    case 'Icmp6InDestUnreachs': return s.icmp6In[1] ?? 0;
    case 'Icmp6OutDestUnreachs': return s.icmp6Out[1] ?? 0;
    case 'Icmp6InPktTooBigs': return s.icmp6In[2] ?? 0;
    case 'Icmp6OutPktTooBigs': return s.icmp6Out[2] ?? 0;
    case 'Icmp6InTimeExcds': return s.icmp6In[3] ?? 0;
    case 'Icmp6OutTimeExcds': return s.icmp6Out[3] ?? 0;
    case 'Icmp6InNeighborSolicits': return s.icmp6In[135] ?? 0;
    case 'Icmp6OutNeighborSolicits': return s.icmp6Out[135] ?? 0;
    case 'Icmp6InNeighborAdvertisements': return s.icmp6In[136] ?? 0;
    case 'Icmp6OutNeighborAdvertisements': return s.icmp6Out[136] ?? 0;
    case 'Udp6InDatagrams': return s.udp6.inDatagrams;
    case 'Udp6NoPorts': return s.udp6.noPorts;
    case 'Udp6InErrors': return s.udp6.inErrors;
    case 'Udp6OutDatagrams': return s.udp6.outDatagrams;
    case 'Udp6RcvbufErrors': return s.udp6.rcvbufErrors;
    case 'UdpLite6InDatagrams': return s.udpLite6.inDatagrams;
    case 'UdpLite6OutDatagrams': return s.udpLite6.outDatagrams;
  }
  return 0;
}
export function snmp6Text(net: NetworkNamespace): string {
  let text = '';
  const line = (name: string, n: number): string => `${name.padEnd(32)}\t${n}\n`;
  for (const name of SNMP6.split(' ')) {
    text += line(name, value6(net, name));
    if (name !== 'Icmp6OutMLDv2Reports') continue;
    net.snmp.icmp6In.forEach((n, t) => {
      if (n > 0) text += line(`Icmp6InType${t}`, n);
    });
    net.snmp.icmp6Out.forEach((n, t) => {
      if (n > 0) text += line(`Icmp6OutType${t}`, n);
    });
  }
  return text;
}

function count(net: NetworkNamespace, family: number, type: number, protocol: number): number {
  let n = 0;
  for (const s of net.sockets) if (s.family === family && s.type === type && (protocol === 0 || s.protocol === protocol)) n++;
  return n;
}
function inUse(list: Iterable<{ readonly family: number }>, family: number): number {
  let n = 0;
  for (const s of list) if (s.family === family) n++;
  return n;
}
function tcpInUse(net: NetworkNamespace, family: number): number {
  let n = 0;
  for (const list of net.tcp.listeners.values()) n += inUse(list, family);
  for (const c of net.tcp.all()) if (c.kind === 'socket' && c.family === family) n++;
  return n;
}
export function sockstatText(net: NetworkNamespace): string {
  const alloc = count(net, 2, 1, 6) + count(net, 10, 1, 6) + net.tcp.orphans;
  return (
    `sockets: used ${net.sockets.size}\nTCP: inuse ${tcpInUse(net, 2)} orphan ${net.tcp.orphans} tw ${net.tcp.timeWaits} alloc ${alloc} mem 0\n` +
    `UDP: inuse ${inUse(net.udpPorts.all(), 2)} mem 0\nUDPLITE: inuse ${inUse(net.udpLitePorts.all(), 2)}\nRAW: inuse ${inUse(net.raw, 2)}\nFRAG: inuse ${net.fragments.count} memory ${net.fragments.memory}\n`
  );
}
export function sockstat6Text(net: NetworkNamespace): string {
  return `TCP6: inuse ${tcpInUse(net, 10)}\nUDP6: inuse ${inUse(net.udpPorts.all(), 10)}\nUDPLITE6: inuse ${inUse(net.udpLitePorts.all(), 10)}\nRAW6: inuse ${inUse(net.raw, 10)}\nFRAG6: inuse 0 memory 0\n`;
}
/** softnet_stat: a line for each processor. */
export function countersText(net: NetworkNamespace): string {
  const zero = '00000000';
  let text = '';
  for (let cpu = 0; cpu < net.stack.cpus; cpu++) text += `${new Array<string>(12).fill(zero).join(' ')} ${cpu.toString(16).padStart(8, '0')} ${zero} ${zero}\n`;
  return text;
}
