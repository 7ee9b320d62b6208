/** /dev/tty and /dev/console. Facts: Linux 6.18 drivers/tty/tty_io.c tty_open(); man 4 tty, 4 console. */
import { ENXIO, EIO } from '../../abi/errno.ts';
import type { Errno } from '../../abi/errno.ts';
import { makedev } from '../../abi/stat.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { callerOf } from '../tty/job-control.ts';
import { Tty } from '../tty/tty.ts';
import { openTty } from '../tty/open-tty.ts';

const TTYAUX_MAJOR = 5;
export const DEV_TTY: number = makedev(TTYAUX_MAJOR, 0);
export const DEV_CONSOLE: number = makedev(TTYAUX_MAJOR, 1);

/** Registers /dev/tty, and /dev/console leading to `console` (null: the sandbox has no terminal; opening it is ENXIO). */
export function registerTtyDevices(vfs: Vfs, console: Tty | null): void {
  vfs.registerCharacterDevice(DEV_TTY, openControllingTerminal);
  vfs.registerCharacterDevice(DEV_CONSOLE, (ctx, inode, path, flags) => (console === null ? ENXIO : openTty(ctx, inode, path, flags, console, true)));
}

function openControllingTerminal(ctx: VfsContext, inode: Inode, path: Path, flags: number): FileDescription | Errno {
  const tty = callerOf(ctx).threadGroup.tty;
  if (tty === null) return ENXIO;
  return tty instanceof Tty ? openTty(ctx, inode, path, flags, tty, false) : EIO;
}
