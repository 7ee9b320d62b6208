/** A network namespace: everything that is not shared between two of them. */
import { ENODEV } from '../abi/errno.ts';
import type { UserNamespace } from '../auth/user-namespace.ts';
import type { Socket } from './socket.ts';
import type { UnixSocket } from './unix/unix-socket.ts';

export class NetworkNamespace {
  readonly userNs: UserNamespace;
  /** Inode number of /proc/PID/ns/net. */
  readonly inum: number;
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

  constructor(userNs: UserNamespace, inum: number) {
    this.userNs = userNs;
    this.inum = inum;
  }
}
