/** AF_UNIX names: in the file system, abstract, or none. Facts: Linux 6.18 net/unix/af_unix.c; man 7 unix. */
import { EACCES, ECONNREFUSED, EINVAL, EPERM, EPROTOTYPE, type Errno, isErr } from '../../abi/errno.ts';
import { SCOPE_ABSTRACT_UNIX_SOCKET } from '../../abi/landlock.ts';
import { AF_UNIX, SIZEOF_SOCKADDR_UN } from '../../abi/socket.ts';
import { S_IFMT, S_IFSOCK } from '../../abi/stat.ts';
import { LOOKUP_FOLLOW, walkPath } from '../../vfs/path-walk.ts';
import { inodePermission, MAY_WRITE } from '../../vfs/permission.ts';
import type { NetworkNamespace } from '../network-namespace.ts';
import type { SocketCaller } from '../socket-caller.ts';
import { UnixSocket } from './unix-socket.ts';

/** Offset of sun_path. */
export const SUN_PATH = 2;
/** sockaddr of an unnamed socket: the family alone. */
export const UNNAMED: Uint8Array = Uint8Array.of(AF_UNIX, 0);

/** The family number in a sockaddr of at least two bytes. */
export function familyOf(address: Uint8Array): number {
  return (address[0] as number) | ((address[1] as number) << 8);
}

/** 0 or EINVAL: too short, too long, or another family. */
export function checkAddress(address: Uint8Array): number {
  return address.length <= SUN_PATH || address.length > SIZEOF_SOCKADDR_UN || familyOf(address) !== AF_UNIX ? EINVAL : 0;
}

export function isAbstract(address: Uint8Array): boolean {
  return address[SUN_PATH] === 0;
}

/** The path as a byte string: up to a zero or the end. */
export function pathOf(address: Uint8Array): string {
  let s = '';
  for (let i = SUN_PATH; i < address.length && address[i] !== 0; i++) s += String.fromCharCode(address[i] as number);
  return s;
}

/** A path name as getsockname gives it: with its zero. */
export function pathAddress(path: string): Uint8Array {
  const a = new Uint8Array(SUN_PATH + path.length + 1);
  a[0] = AF_UNIX;
  for (let i = 0; i < path.length; i++) a[SUN_PATH + i] = path.charCodeAt(i);
  return a;
}

/** Key of an abstract name; each type has names of its own. */
export function abstractKey(address: Uint8Array, type: number): string {
  let s = `${type}:`;
  for (let i = SUN_PATH; i < address.length; i++) s += String.fromCharCode(address[i] as number);
  return s;
}

/** An abstract name that nobody has, five hexadecimal digits, as bind with an empty address and autobind give. */
export function autobindName(ns: NetworkNamespace, type: number): Uint8Array {
  for (;;) {
    const n = ns.nextAutobind;
    ns.nextAutobind = (n + 1) & 0xfffff;
    const name = pathAddress(`\0${n.toString(16).padStart(5, '0')}`).subarray(0, SUN_PATH + 6);
    if (!ns.abstractNames.has(abstractKey(name, type))) return name;
  }
}

/** The socket that `address` names, for a socket of `type`; ECONNREFUSED, EPROTOTYPE, or what the walk gives. */
export function findSocket(ctx: SocketCaller, ns: NetworkNamespace, address: Uint8Array, type: number): UnixSocket | Errno {
  if (isAbstract(address)) {
    const found = ns.abstractNames.get(abstractKey(address, type)) ?? ECONNREFUSED;
    return found instanceof UnixSocket && ctx.credentials.domain?.isScoped(found.domain, SCOPE_ABSTRACT_UNIX_SOCKET) ? EPERM : found;
  }
  const path = walkPath(ctx, null, pathOf(address), LOOKUP_FOLLOW);
  if (isErr(path)) return path;
  const inode = path.dentry.inode;
  if (inode === null) return ECONNREFUSED;
  const may = inodePermission(ctx, inode, MAY_WRITE, path.mount.idmap);
  if (may < 0) return EACCES;
  if ((inode.mode & S_IFMT) !== S_IFSOCK || !(inode.special instanceof UnixSocket)) return ECONNREFUSED;
  return inode.special.type === type ? inode.special : EPROTOTYPE;
}
