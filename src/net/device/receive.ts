/** What happens to a packet that came in by a device, and the way out of one. Linux net/core/dev.c __netif_receive_skb_core(), __dev_queue_xmit(). */
import { arpReceive } from '../ipv4/arp.ts';
import { ipReceive } from '../ipv4/ip-input.ts';
import { ip6Receive } from '../ipv6/ip6-input.ts';
import type { NetStack } from '../net-stack.ts';
import { PACKET_BROADCAST, PACKET_HOST, PACKET_MULTICAST, PACKET_OTHERHOST, PACKET_OUTGOING, type SkBuff } from '../skb.ts';
import { bridgeReceive } from './bridge-forward.ts';
import type { NetDevice } from './net-device.ts';

export const ETH_HLEN = 14;
export const ETH_P_IP = 0x0800;
export const ETH_P_ARP = 0x0806;
export const ETH_P_IPV6 = 0x86dd;
export const ETH_P_ALL = 3;
export const ETH_P_802_3 = 1;
export const ETH_P_802_2 = 4;

/** Takes the link header off: sets protocol and pktType as seen by `dev` (eth_type_trans). */
export function ethTypeTrans(skb: SkBuff, dev: NetDevice): void {
  skb.dev = dev;
  skb.mac = skb.start;
  const { data, start } = skb;
  if (data[start]! & 1) {
    let all = true;
    for (let i = 0; i < 6; i++) if (data[start + i] !== dev.broadcast[i]) all = false;
    skb.pktType = all ? PACKET_BROADCAST : PACKET_MULTICAST;
  } else {
    skb.pktType = PACKET_HOST;
    for (let i = 0; i < 6; i++)
      if (data[start + i] !== dev.mac[i]) {
        skb.pktType = PACKET_OTHERHOST;
        break;
      }
  }
  const type = skb.u16(start + 12);
  skb.protocol = type >= 0x600 ? type : ETH_P_802_2;
  skb.start += ETH_HLEN;
  skb.network = skb.start;
}

/** A packet from the queue, without its link header. */
export function receive(stack: NetStack, skb: SkBuff): void {
  const dev = skb.dev!; // set by whoever queued it
  if (!dev.up || !dev.registered) return;
  const { ns } = dev;
  skb.iif = dev.index;
  skb.network = skb.start;
  skb.transport = -1;
  if (ns.taps > 0 || ns.packetSockets.size > 0) {
    if (skb.tstamp === 0) skb.tstamp = stack.now();
    for (const s of ns.packetSockets) s.tap(skb, dev, false);
  }
  if (dev.port !== null && bridgeReceive(dev.port, skb)) return;
  switch (skb.protocol) {
    case ETH_P_IP:
      ipReceive(ns, skb, dev);
      break;
    case ETH_P_IPV6:
      ip6Receive(ns, skb, dev);
      break;
    case ETH_P_ARP:
      arpReceive(ns, skb, dev);
      break;
  }
}

/** Sends a packet that begins with its link header. */
export function devQueueXmit(skb: SkBuff, dev: NetDevice, from: object | null = null): void {
  skb.dev = dev;
  skb.mac = skb.start;
  if (!dev.up) {
    dev.stats.txDropped++;
    return;
  }
  const { ns } = dev;
  if (ns.packetSockets.size > 0) {
    skb.tstamp = ns.stack.now();
    const type = skb.pktType;
    skb.pktType = PACKET_OUTGOING;
    for (const s of ns.packetSockets) if (s !== from) s.tap(skb, dev, true);
    skb.pktType = type;
    skb.tstamp = 0;
  }
  if (dev.qdisc === 'noop') return;
  dev.transmit(skb);
}
