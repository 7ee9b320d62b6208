/** /dev/net/tun. */
import { makedev } from '../../abi/stat.ts';
import { TunFile } from '../../net/device/tun.ts';
import type { SocketCaller } from '../../net/socket-caller.ts';
import type { Vfs } from '../../vfs/vfs.ts';

export const DEV_TUN: number = makedev(10, 200);

export function registerTunDevice(vfs: Vfs): void {
  vfs.registerCharacterDevice(DEV_TUN, (ctx, _inode, path, flags) => new TunFile(path, flags, ctx as SocketCaller));
}
