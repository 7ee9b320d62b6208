/** What sockets of AF_INET and AF_INET6 share: addresses, ports, routes, options. Facts: Linux 6.18 net/ipv4/af_inet.c, net/ipv6/af_inet6.c. */
import { CAP_NET_BIND_SERVICE } from '../../abi/capability.ts';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EINVAL, ENETUNREACH, ENODEV, ENOTCONN, type Errno, isErr } from '../../abi/errno.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  IP_BIND_ADDRESS_NO_PORT,
  IP_FREEBIND,
  IP_LOCAL_PORT_RANGE,
  IP_MULTICAST_ALL,
  IP_MULTICAST_IF,
  IP_RECVERR,
  IP_TOS,
  IP_TRANSPARENT,
  IP_UNICAST_IF,
  IPV6_FREEBIND,
  IPV6_MULTICAST_IF,
  IPV6_RECVERR,
  IPV6_TCLASS,
  IPV6_TRANSPARENT,
  IPV6_UNICAST_IF,
  SIN6_LEN_RFC2133,
  SIZEOF_SOCKADDR_IN,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOCK_RAW,
  SOL_IP,
  SOL_IPV6,
} from '../../abi/socket.ts';
import type { Dst } from '../ip/dst.ts';
import { flowTo, RTN_BROADCAST, RTN_LOCAL, RTN_MULTICAST } from '../ip/route-table.ts';
import { addressType4, routeOutput4 } from '../ipv4/route.ts';
import { deviceOfAddress6, ownAddress6, routeOutput6 } from '../ipv6/route6.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { Socket } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { familyOf } from '../unix/unix-names.ts';
import type { QueuedError } from './error-queue.ts';
import { anyAddress, decodeEndpoint, encodeEndpoint, Endpoint, isAny, isLinkLocal, isLinkScopeMulticast, isMulticast, LOOPBACK4, LOOPBACK6 } from './inet-address.ts';
import { inetIoctl } from './inet-ioctl.ts';
import { getInetOption, OPTION_DEFAULTS, setInetOption } from './inet-options.ts';
import type { SocketMembership } from './multicast.ts';
import { dropMemberships } from './multicast.ts';
import type { PortTable } from './port-table.ts';

/** A value of /proc/sys/net/ipv4/ip_local_reserved_ports: "1-5,9". */
function reserved(list: string, port: number): boolean {
  if (list === '') return false;
  return list.split(',').some((r) => {
    const [a = '', b = a] = r.split('-');
    return port >= Number(a) && port <= Number(b);
  });
}

export abstract class InetSocket extends Socket {
  local: Endpoint;
  remote: Endpoint | null = null;
  v6only: boolean;
  /** A port was taken (inet_num); the address and the port were chosen by bind(). */
  hasPort = false;
  addressLocked = false;
  portLocked = false;
  /** Options by level * 256 + name that are not at their default. */
  readonly options: Map<number, number> = new Map();
  /** IP_OPTIONS. */
  ipOptions: Uint8Array | null = null;
  /** IP_MULTICAST_IF's address. */
  multicastAddress: Uint8Array | null = null;
  readonly memberships: SocketMembership[] = [];
  readonly errorQueue: QueuedError[] = [];
  private cachedDst: Dst | null = null;

  constructor(netNs: NetworkNamespace, uid: number, family: number, type: number, protocol: number) {
    super(netNs, family, type, protocol);
    this.local = new Endpoint(anyAddress(family), 0);
    this.v6only = family === AF_INET6 && netNs.sysctls.number('ipv6/bindv6only') !== 0;
    this.ownerUid = uid;
  }

  protected abstract get ports(): PortTable<InetSocket> | null;
  /** A TCP state number, for TCP_INFO and /proc/net. */
  abstract get stateNumber(): number;

  option(level: number, name: number): number {
    const key = level * 256 + name;
    const set = this.options.get(key);
    if (set !== undefined) return set;
    // IPv6 sockets have IP_MULTICAST_ALL off.
    if (name === IP_MULTICAST_ALL && level === SOL_IP && this.family === AF_INET6) return 0;
    return OPTION_DEFAULTS.get(key) ?? 0;
  }
  get reuseAddress(): boolean {
    return this.remembered.get(SO_REUSEADDR) === 1;
  }
  get reusePort(): boolean {
    return this.remembered.get(SO_REUSEPORT) === 1;
  }
  /** ICMP errors are kept for the error queue. */
  recvErr(v4: boolean): boolean {
    return v4 ? this.option(SOL_IP, IP_RECVERR) !== 0 : this.option(SOL_IPV6, IPV6_RECVERR) !== 0;
  }
  get transparent(): boolean {
    return this.option(SOL_IP, IP_TRANSPARENT) !== 0 || this.option(SOL_IPV6, IPV6_TRANSPARENT) !== 0;
  }

  /** Checks length and family of an address: an endpoint, null for AF_UNSPEC, EINVAL, EAFNOSUPPORT. */
  protected parse(address: Uint8Array): Endpoint | null | Errno {
    if (address.length < 2) return EINVAL;
    const family = familyOf(address);
    if (family === AF_UNSPEC) return null;
    if (this.family === AF_INET6 && family === AF_INET) {
      if (address.length < SIZEOF_SOCKADDR_IN) return EINVAL;
      return this.v6only ? ENETUNREACH : decodeEndpoint(address, AF_INET);
    }
    if (address.length < (this.family === AF_INET ? SIZEOF_SOCKADDR_IN : SIN6_LEN_RFC2133)) return EINVAL;
    if (family !== this.family) return EAFNOSUPPORT;
    const e = decodeEndpoint(address, family);
    return this.family === AF_INET6 && this.v6only && e.ip.length === 4 ? ENETUNREACH : e;
  }

  override bind(ctx: SocketCaller, address: Uint8Array): number {
    if (address.length < (this.family === AF_INET ? SIZEOF_SOCKADDR_IN : SIN6_LEN_RFC2133)) return EINVAL;
    const family = familyOf(address);
    if (family !== this.family) {
      // AF_UNSPEC is taken for AF_INET if the address is 0.0.0.0.
      if (family !== AF_UNSPEC || this.family !== AF_INET || !isAny(address.subarray(4, 8))) return EAFNOSUPPORT;
    }
    const e = decodeEndpoint(address, this.family);
    const bad = this.checkLocal(e);
    if (bad < 0) return bad;
    const ns = this.netNs;
    if (e.port !== 0 && this.type !== SOCK_RAW && e.port < ns.sysctls.number('ipv4/ip_unprivileged_port_start') && !ctx.credentials.nsCapable(ns.userNs, CAP_NET_BIND_SERVICE))
      return EACCES;
    if (this.hasPort || this.stateNumber !== 7) return EINVAL;
    if (isLinkLocal(e.ip) && e.scope !== 0) this.boundIndex = e.scope;
    if (e.port === 0 && this.option(SOL_IP, IP_BIND_ADDRESS_NO_PORT) !== 0) {
      this.local = new Endpoint(e.ip, 0, e.scope);
    } else {
      const r = this.take(ctx, e.ip, e.port, e.scope);
      if (r < 0) return r;
    }
    if (!isAny(e.ip)) this.addressLocked = true;
    if (e.port !== 0) this.portLocked = true;
    return 0;
  }
  /** The address can be bound to: 0, EADDRNOTAVAIL, EINVAL, ENODEV. */
  protected checkLocal(e: Endpoint): number {
    const ns = this.netNs;
    if (this.family === AF_INET6 && this.v6only && e.ip.length === 4) return EINVAL;
    const free = this.option(SOL_IP, IP_FREEBIND) !== 0 || this.option(SOL_IPV6, IPV6_FREEBIND) !== 0 || this.transparent || this.nonLocalBind(e.ip.length);
    if (isAny(e.ip)) return 0;
    if (e.ip.length === 4) {
      const type = addressType4(ns, e.ip);
      return type === RTN_LOCAL || type === RTN_MULTICAST || type === RTN_BROADCAST || free ? 0 : EADDRNOTAVAIL;
    }
    if (isLinkLocal(e.ip) || isLinkScopeMulticast(e.ip)) {
      const scope = e.scope !== 0 ? e.scope : this.boundIndex;
      if (scope === 0 || (this.boundIndex !== 0 && scope !== this.boundIndex)) return EINVAL;
      const d = ns.deviceByIndex(scope);
      if (d === null) return ENODEV;
      return isMulticast(e.ip) || free || ownAddress6(ns, e.ip, d) !== null ? 0 : EADDRNOTAVAIL;
    }
    return isMulticast(e.ip) || free || deviceOfAddress6(ns, e.ip) !== null ? 0 : EADDRNOTAVAIL;
  }
  private nonLocalBind(length: number): boolean {
    return this.netNs.sysctls.number(length === 4 ? 'ipv4/ip_nonlocal_bind' : 'ipv6/ip_nonlocal_bind') !== 0;
  }

  /** Takes a port (0: any free one) at `ip`: 0 or EADDRINUSE. */
  protected take(_ctx: SocketCaller | null, ip: Uint8Array, port: number, scope = 0): number {
    const { ports } = this;
    if (ports === null) {
      this.local = new Endpoint(ip, 0, scope);
      return 0;
    }
    const ns = this.netNs;
    if (port === 0) {
      let first = ns.sysctls.nth('ipv4/ip_local_port_range', 0);
      let last = ns.sysctls.nth('ipv4/ip_local_port_range', 1);
      const own = this.option(SOL_IP, IP_LOCAL_PORT_RANGE);
      if (own !== 0) {
        const lo = own & 0xffff;
        const hi = own >>> 16;
        if (lo !== 0 && lo >= first) first = lo;
        if (hi !== 0 && hi <= last) last = hi;
      }
      const list = ns.sysctls.text('ipv4/ip_local_reserved_ports');
      port = ports.ephemeral(this, ip, first, last, ns.stack.random(), (p) => reserved(list, p));
      if (port === 0) return EADDRINUSE;
    } else if (ports.conflicts(this, ip, port)) {
      return EADDRINUSE;
    }
    this.local = new Endpoint(ip, port, scope);
    this.hasPort = true;
    ports.add(port, this);
    return 0;
  }
  releasePort(): void {
    if (!this.hasPort) return;
    this.hasPort = false;
    this.ports?.remove(this.local.port, this);
  }
  /** A port for a socket that sends or listens without bind: 0 or EAGAIN. */
  protected autobind(ctx: SocketCaller): number {
    return this.hasPort || this.ports === null || this.take(ctx, this.local.ip, 0, this.local.scope) === 0 ? 0 : EAGAIN;
  }

  /** The address that an unspecified destination stands for: this host. */
  protected destination(e: Endpoint): Endpoint {
    if (!isAny(e.ip)) return e;
    return new Endpoint(e.ip.length === 4 ? LOOPBACK4 : LOOPBACK6, e.port, e.scope);
  }

  /** The way to `to`. `oif`: a device that was asked for (0: the socket's own choice); `source`: an address (null: the bound one). */
  routeTo(to: Endpoint, oif = 0, source: Uint8Array | null = null, tos = -1): Dst | Errno {
    const ns = this.netNs;
    const v4 = to.ip.length === 4;
    let out = oif !== 0 ? oif : this.boundIndex;
    if (isMulticast(to.ip)) {
      if (out === 0) out = this.option(v4 ? SOL_IP : SOL_IPV6, v4 ? IP_MULTICAST_IF : IPV6_MULTICAST_IF);
      if (v4 && source === null && isAny(this.local.ip) && this.multicastAddress !== null) source = this.multicastAddress;
    } else if (out === 0) {
      out = this.option(v4 ? SOL_IP : SOL_IPV6, v4 ? IP_UNICAST_IF : IPV6_UNICAST_IF);
    }
    if (!v4 && (isLinkLocal(to.ip) || isLinkScopeMulticast(to.ip))) {
      if (to.scope !== 0) out = to.scope;
      if (out === 0 && this.local.scope !== 0) out = this.local.scope;
    }
    let from = source ?? this.local.ip;
    if (from.length !== to.ip.length || isMulticast(from)) from = new Uint8Array(to.ip.length);
    const c = this.cachedDst;
    if (
      c !== null && c.generation === ns.routeGeneration && source === null && oif === 0 && this.remote === to && tos < 0
    )
      return c;
    const flow = flowTo(to.ip);
    flow.source = isAny(from) ? null : from;
    flow.oif = out;
    flow.mark = this.mark;
    flow.tos = tos >= 0 ? tos : v4 ? this.option(SOL_IP, IP_TOS) : Math.max(0, this.option(SOL_IPV6, IPV6_TCLASS));
    flow.uid = this.ownerUid;
    flow.protocol = this.protocol;
    flow.sport = this.local.port;
    flow.dport = to.port;
    const dst = v4 ? routeOutput4(ns, flow, this.transparent || this.option(SOL_IP, IP_FREEBIND) !== 0) : routeOutput6(ns, flow);
    if (!isErr(dst) && this.remote === to && source === null && oif === 0) this.cachedDst = dst;
    return dst;
  }
  /** Forgets what was known of the way. */
  forgetRoute(): void {
    this.cachedDst = null;
  }

  override getName(peer: boolean): Uint8Array | Errno {
    if (peer) return this.remote === null || this.remote.port === 0 ? ENOTCONN : encodeEndpoint(this.remote, this.family, true);
    return encodeEndpoint(this.local, this.family, this.remote !== null);
  }
  override setOption(ctx: SocketCaller, level: number, name: number, value: Uint8Array): number {
    return setInetOption(ctx, this, level, name, value);
  }
  override getOption(ctx: SocketCaller, level: number, name: number, value: Uint8Array): Uint8Array | Errno {
    return getInetOption(ctx, this, level, name, value);
  }
  override ioctl(ctx: SocketCaller, cmd: number, arg: number): number {
    return inetIoctl(ctx, this, cmd, arg);
  }
  /** struct scm_timestamping: a software stamp, and none of hardware. */
  stampTriple(at: number): Uint8Array {
    const b = new Uint8Array(48);
    b.set(this.stampSpec(at));
    return b;
  }
  /** struct timespec of the wall time at monotonic `at`. */
  stampSpec(at: number): Uint8Array {
    const { clock } = this.netNs.stack;
    clock.wallAt(at);
    const b = new Uint8Array(16);
    const v = new DataView(b.buffer);
    v.setUint32(0, clock.sec, true);
    v.setUint32(8, clock.nsec, true);
    return b;
  }
  protected leaveGroups(): void {
    dropMemberships(this);
  }
}
