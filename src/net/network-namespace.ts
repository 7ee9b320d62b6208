/** A network namespace: everything that is not shared between two of them. */
import { ENODEV } from '../abi/errno.ts';
import { Namespace } from '../auth/namespace.ts';
import type { Socket } from './socket.ts';
import type { UnixSocket } from './unix/unix-socket.ts';

export class NetworkNamespace extends Namespace {
  readonly kind = 'net';
  /** Abstract AF_UNIX names: `type:name` to socket. */
  readonly abstractNames: Map<string, UnixSocket> = new Map();
  /** net.core.somaxconn, net.unix.max_dgram_qlen. */
  somaxconn = 4096;
  maxDgramQueue = 10;
  nextAutobind = 1;

  /** SO_BINDTODEVICE: 0 or ENODEV. */
  setBoundDevice(s: Socket, name: string): number {
    if (name !== '' && name !== 'lo') return ENODEV;
    s.boundDevice = name;
    return 0;
  }
}
