/** What TCP and UDP sockets share: addresses, ports, options. Facts: Linux 6.18 net/ipv4/af_inet.c; man 7 ip, 7 ipv6. */
import { CAP_NET_BIND_SERVICE } from '../../abi/capability.ts';
import { EACCES, EADDRINUSE, EADDRNOTAVAIL, EAFNOSUPPORT, EAGAIN, EINVAL, ENETUNREACH, ENOTCONN, type Errno } from '../../abi/errno.ts';
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  IP_FREEBIND,
  SIN6_LEN_RFC2133,
  SIZEOF_SOCKADDR_IN,
  SO_REUSEADDR,
  SO_REUSEPORT,
  SOL_IP,
} from '../../abi/socket.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import { Socket } from '../socket.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { familyOf } from '../unix/unix-names.ts';
import { anyAddress, decodeEndpoint, encodeEndpoint, Endpoint, isAny, isBroadcast, isMulticast, LOOPBACK4, LOOPBACK6 } from './inet-address.ts';
import { inetIoctl } from './inet-ioctl.ts';
import { getInetOption, setInetOption } from './inet-options.ts';
import type { PortTable } from './port-table.ts';

export abstract class InetSocket extends Socket {
  local: Endpoint;
  remote: Endpoint | null = null;
  v6only = false;
  /** A port was taken (inet_num). */
  protected hasPort = false;
  /** Options by level * 256 + name. */
  readonly options: Map<number, number> = new Map();
  readonly ownerUid: number;

  constructor(ctx: SocketCaller, family: number, type: number, protocol: number, netNs: NetworkNamespace = ctx.nsproxy.net) {
    super(netNs, family, type, protocol);
    this.local = new Endpoint(anyAddress(family), 0);
    this.ownerUid = ctx.credentials.fsuid;
  }

  protected abstract get ports(): PortTable;
  /** A TCP state number, for TCP_INFO and /proc/net. */
  abstract get stateNumber(): number;
  /** Bytes queued to be read, and sent but not read by the other end. */
  abstract get queuedBytes(): number;
  abstract get unreadBytes(): number;

  get reuseAddress(): boolean {
    return this.remembered.get(SO_REUSEADDR) === 1;
  }
  get reusePort(): boolean {
    return this.remembered.get(SO_REUSEPORT) === 1;
  }
  sharesDevice(o: InetSocket): boolean {
    return this.boundDevice === '' || o.boundDevice === '' || this.boundDevice === o.boundDevice;
  }

  /** Checks length and family of an address: an endpoint, null for AF_UNSPEC, EINVAL, EAFNOSUPPORT. */
  protected parse(address: Uint8Array): Endpoint | null | Errno {
    if (address.length < 2) return EINVAL;
    const family = familyOf(address);
    if (family === AF_UNSPEC) return null;
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
    if (this.family === AF_INET6 && this.v6only && e.ip.length === 4) return EINVAL;
    if (
      !isAny(e.ip) &&
      !isMulticast(e.ip) &&
      !isBroadcast(e.ip) &&
      this.netNs.localDevice(e.ip) === null &&
      this.options.get(SOL_IP * 256 + IP_FREEBIND) !== 1
    )
      return EADDRNOTAVAIL;
    if (e.port !== 0 && e.port < this.netNs.unprivilegedPortStart && !ctx.credentials.nsCapable(this.netNs.userNs, CAP_NET_BIND_SERVICE))
      return EACCES;
    if (this.hasPort || this.stateNumber !== 7) return EINVAL;
    return this.take(ctx, e.ip, e.port) ? 0 : EADDRINUSE;
  }

  /** Takes a port (0: any free one) at `ip`. */
  protected take(ctx: SocketCaller, ip: Uint8Array, port: number): boolean {
    const now = ctx.monotonicNs();
    if (port === 0) {
      const ns = this.netNs;
      port = this.ports.ephemeral(this, ip, ns.localPortFirst, ns.localPortLast, ns.nextPortId++ * 7919 + Math.floor(now / 1000), now);
      if (port === 0) return false;
    } else if (this.ports.conflicts(this, ip, port, now)) {
      return false;
    }
    this.local = new Endpoint(ip, port);
    this.hasPort = true;
    this.ports.add(port, this);
    return true;
  }
  protected releasePort(): void {
    if (!this.hasPort) return;
    this.hasPort = false;
    this.ports.remove(this.local.port, this);
  }
  /** A port for a socket that sends or listens without bind: 0 or EAGAIN. */
  protected autobind(ctx: SocketCaller): number {
    return this.hasPort || this.take(ctx, this.local.ip, 0) ? 0 : EAGAIN;
  }

  /** The address that an unspecified destination stands for: this host. */
  protected destination(e: Endpoint): Endpoint {
    if (!isAny(e.ip)) return e;
    return new Endpoint(e.ip.length === 4 ? LOOPBACK4 : LOOPBACK6, e.port, e.scope);
  }

  override getName(peer: boolean): Uint8Array | Errno {
    if (peer) return this.remote === null ? ENOTCONN : encodeEndpoint(this.remote, this.family);
    return encodeEndpoint(this.local, this.family);
  }
  override setOption(ctx: SocketCaller, level: number, name: number, value: Uint8Array): number {
    return setInetOption(ctx, this, level, name, value);
  }
  override getOption(_ctx: SocketCaller, level: number, name: number): Uint8Array | Errno {
    return getInetOption(this, level, name);
  }
  override ioctl(ctx: SocketCaller, cmd: number, arg: number): number {
    return inetIoctl(ctx, this, cmd, arg);
  }
}
