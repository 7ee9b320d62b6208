/** How a packet leaves: the result of a route lookup on output. Linux struct dst_entry, rtable, rt6_info. */
import type { NetDevice } from '../device/net-device.ts';
import type { Route } from './route-table.ts';

export class Dst {
  readonly family: number;
  /** RTN_ */
  readonly type: number;
  readonly device: NetDevice;
  /** The neighbour to send to; null: the destination itself. */
  readonly gateway: Uint8Array | null;
  /** Address to send from. */
  readonly source: Uint8Array;
  readonly destination: Uint8Array;
  readonly route: Route | null;
  readonly mtu: number;
  /** The namespace's count of route changes when this was made: another one means it is stale. */
  readonly generation: number;
  constructor(
    family: number,
    type: number,
    device: NetDevice,
    gateway: Uint8Array | null,
    source: Uint8Array,
    destination: Uint8Array,
    route: Route | null,
    mtu: number,
    generation: number,
  ) {
    this.family = family;
    this.type = type;
    this.device = device;
    this.gateway = gateway;
    this.source = source;
    this.destination = destination;
    this.route = route;
    this.mtu = mtu;
    this.generation = generation;
  }
}
