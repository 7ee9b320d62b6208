/** What stands in /dev of a sandbox. */
import { type Errno, isErr } from '../../abi/errno.ts';

import { S_IFCHR, S_IFDIR } from '../../abi/stat.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Inode } from '../../vfs/inode.ts';
import { DEV_PTMX } from '../devpts/devpts.ts';
import { DEV_TUN } from './tun-device.ts';
import { DEV_FULL, DEV_NULL, DEV_RANDOM, DEV_URANDOM, DEV_ZERO } from './memory-devices.ts';
import { DEV_CONSOLE, DEV_TTY } from './tty-devices.ts';

const NODES: readonly (readonly [name: string, mode: number, dev: number])[] = [
  ['null', 0o666, DEV_NULL],
  ['zero', 0o666, DEV_ZERO],
  ['full', 0o666, DEV_FULL],
  ['random', 0o666, DEV_RANDOM],
  ['urandom', 0o666, DEV_URANDOM],
  ['tty', 0o666, DEV_TTY],
  ['console', 0o600, DEV_CONSOLE],
  ['ptmx', 0o666, DEV_PTMX],
];

const LINKS: readonly (readonly [name: string, target: string])[] = [
  ['fd', '/proc/self/fd'],
  ['stdin', '/proc/self/fd/0'],
  ['stdout', '/proc/self/fd/1'],
  ['stderr', '/proc/self/fd/2'],
  ['core', '/proc/kcore'],
];

/** Fills the root of a fresh tmpfs; `pts`, `shm` and `mqueue` are directories to mount on. 0 or errno. */
export function makeDeviceNodes(ctx: VfsContext, root: Inode): number | Errno {
  for (const [name, mode, dev] of NODES) {
    const r = root.mknod(ctx, name, S_IFCHR | mode, dev);
    if (isErr(r)) return r;
  }
  for (const [name, target] of LINKS) {
    const r = root.symlink(ctx, name, target);
    if (isErr(r)) return r;
  }
  const net = root.mkdir(ctx, 'net', S_IFDIR | 0o755);
  if (isErr(net)) return net;
  const directory = root.lookup(ctx, 'net');
  if (isErr(directory)) return directory;
  const tun = directory.mknod(ctx, 'tun', S_IFCHR | 0o666, DEV_TUN);
  if (isErr(tun)) return tun;
  for (const name of ['pts', 'shm', 'mqueue']) {
    const r = root.mkdir(ctx, name, S_IFDIR | 0o755);
    if (isErr(r)) return r;
  }
  return 0;
}
