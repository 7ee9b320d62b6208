/** What a socket operation needs to know about its caller. */
import type { VfsContext } from '../vfs/context.ts';
import type { NetworkNamespace } from './network-namespace.ts';

/** Identity of a process for SO_PEERCRED and SCM_CREDENTIALS; numbers are made where a reader's PID namespace is known. */
export interface PeerPid {
  nr(ns: never): number;
}

export interface SocketCaller extends VfsContext {
  readonly threadGroup: { readonly pid: PeerPid };
  readonly nsproxy: { readonly net: NetworkNamespace };
  monotonicNs(): number;
}
