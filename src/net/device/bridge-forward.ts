/** How a bridge moves frames between its ports. Linux net/bridge/{br_input,br_forward,br_device}.c. */
import { CHECKSUM_PARTIAL, PACKET_HOST, PACKET_OTHERHOST, type SkBuff } from '../skb.ts';
import { BR_STATE_FORWARDING, type BridgeDevice, type BridgePort } from './bridge.ts';
import { IFF_PROMISC } from './net-device.ts';
import { devQueueXmit, ETH_HLEN, ethTypeTrans } from './receive.ts';

/** IFLA_BRPORT_ numbers that decide something. */
export const IFLA_BRPORT_MODE = 4;
export const IFLA_BRPORT_LEARNING = 8;
export const IFLA_BRPORT_UNICAST_FLOOD = 9;
export const IFLA_BRPORT_MCAST_FLOOD = 27;
export const IFLA_BRPORT_BCAST_FLOOD = 30;
export const IFLA_BRPORT_ISOLATED = 33;

/** A frame came in by a port (link header taken off). True: it is done with. */
export function bridgeReceive(port: BridgePort, skb: SkBuff): boolean {
  const { bridge } = port;
  const { data, mac } = skb;
  if (!bridge.up || port.state !== BR_STATE_FORWARDING) return true;
  const source = data.slice(mac + 6, mac + 12);
  if (source[0]! & 1) return true; // six bytes
  const destination = data.slice(mac, mac + 6);
  // 01:80:c2:00:00:0X is for the bridge alone (spanning tree).
  if (destination[0] === 1 && destination[1] === 0x80 && destination[2] === 0xc2 && destination[3] === 0 && destination[4] === 0 && destination[5]! < 16)
    return true;
  if (port.option(IFLA_BRPORT_LEARNING, 1)) bridge.learn(source, port);
  skb.start -= ETH_HLEN;
  let local = (bridge.flags & IFF_PROMISC) !== 0;
  if (destination[0]! & 1) {
    bridge.stats.multicast++;
    local = true;
    flood(bridge, skb, port, destination);
  } else {
    const e = bridge.lookup(destination);
    if (e?.local) {
      deliverUp(bridge, skb);
      return true;
    }
    if (e === null) flood(bridge, skb, port, destination);
    else if (e.port !== null) {
      e.used = bridge.ns.stack.now();
      forward(e.port, local ? skb.clone(true) : skb, port);
    }
  }
  if (local) deliverUp(bridge, skb);
  return true;
}

/** To the host, as having come in by the bridge. */
function deliverUp(bridge: BridgeDevice, skb: SkBuff): void {
  bridge.stats.rxPackets++;
  bridge.stats.rxBytes += skb.length - ETH_HLEN;
  ethTypeTrans(skb, bridge);
  if (skb.pktType === PACKET_OTHERHOST && bridge.lookup(skb.data.subarray(skb.mac, skb.mac + 6))?.local) skb.pktType = PACKET_HOST;
  bridge.ns.stack.netifRx(skb);
}

function mayPass(from: BridgePort | null, to: BridgePort): boolean {
  if (to.state !== BR_STATE_FORWARDING) return false;
  if (from === to && !to.option(IFLA_BRPORT_MODE, 0)) return false;
  return !(from !== null && from.option(IFLA_BRPORT_ISOLATED, 0) && to.option(IFLA_BRPORT_ISOLATED, 0));
}
function forward(to: BridgePort, skb: SkBuff, from: BridgePort | null): void {
  if (!mayPass(from, to)) return;
  // Larger than the port takes: dropped, as bridges do not fragment.
  if (skb.gsoSize === 0 && skb.length > to.device.mtu + ETH_HLEN + 4) return;
  if (skb.ipSummed === CHECKSUM_PARTIAL) skb.network = skb.start + ETH_HLEN;
  devQueueXmit(skb, to.device);
}
function flood(bridge: BridgeDevice, skb: SkBuff, from: BridgePort | null, destination: Uint8Array): void {
  const broadcast = destination.every((b) => b === 255);
  const option = broadcast ? IFLA_BRPORT_BCAST_FLOOD : destination[0]! & 1 ? IFLA_BRPORT_MCAST_FLOOD : IFLA_BRPORT_UNICAST_FLOOD;
  for (const p of bridge.ports) if (mayPass(from, p) && p.option(option, 1)) forward(p, skb.clone(true), from);
}

/** The host sends through the bridge. */
export function bridgeTransmit(bridge: BridgeDevice, skb: SkBuff): void {
  bridge.stats.txPackets++;
  bridge.stats.txBytes += skb.length - ETH_HLEN;
  const destination = skb.data.slice(skb.start, skb.start + 6);
  if (destination[0]! & 1) {
    flood(bridge, skb, null, destination);
    return;
  }
  const e = bridge.lookup(destination);
  if (e?.local) return;
  if (e?.port) forward(e.port, skb, null);
  else flood(bridge, skb, null, destination);
}
