/** Opens a terminal. Facts: Linux 6.18 drivers/tty/tty_io.c tty_open(), tty_reopen(). */
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { EBUSY, type Errno } from '../../abi/errno.ts';
import { O_NOCTTY } from '../../abi/fcntl.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import { acquireOnOpen, callerOf } from './job-control.ts';
import type { Tty } from './tty.ts';
import { TtyDescription } from './tty-description.ts';

/** A new description of `tty`, which becomes the caller's controlling terminal if the rules say so. EBUSY (TIOCEXCL), EIO. */
export function openTty(ctx: VfsContext, inode: Inode, path: Path, flags: number, tty: Tty, console: boolean): TtyDescription | Errno {
  if (tty.exclusive && !ctx.credentials.capable(CAP_SYS_ADMIN)) return EBUSY;
  const r = tty.opened();
  if (r < 0) return r as Errno;
  const file = new TtyDescription(path, flags & ~O_NOCTTY, inode, tty, console);
  if ((flags & O_NOCTTY) === 0 && !console) acquireOnOpen(callerOf(ctx), tty, file.readable);
  return file;
}
