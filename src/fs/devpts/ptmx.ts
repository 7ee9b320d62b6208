/** Opening a pseudo terminal master. Facts: Linux 6.18 drivers/tty/pty.c ptmx_open(), ptm_open_peer(); fs/devpts/inode.c devpts_acquire(). */
import { EIO, ENODEV, type Errno, isErr } from '../../abi/errno.ts';
import { O_ACCMODE, O_CLOEXEC, O_NOCTTY, O_NONBLOCK } from '../../abi/fcntl.ts';
import { TIOCGPTPEER } from '../../abi/termios.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import { Path } from '../../vfs/mount.ts';
import { walkPath } from '../../vfs/path-walk.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { openTty } from '../tty/open-tty.ts';
import type { PtyMaster } from '../tty/pty.ts';
import { TtyDescription } from '../tty/tty-description.ts';
import { DEV_PTMX, DevptsSuperBlock } from './devpts.ts';

/** An open master; knows its devpts mount, where the slave's name is. */
class PtmxDescription extends TtyDescription {
  private readonly devpts: Path;
  constructor(path: Path, flags: number, inode: Inode, master: PtyMaster, devpts: Path) {
    super(path, flags, inode, master);
    this.devpts = devpts;
  }
  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    return cmd === TIOCGPTPEER ? this.openPeer(ctx, arg) : super.ioctl(ctx, cmd, arg);
  }
  /** TIOCGPTPEER: a descriptor of the slave, found without its name. */
  private openPeer(ctx: VfsContext, flags: number): number {
    const master = this.tty as PtyMaster;
    const dentry = (this.devpts.dentry.sb as DevptsSuperBlock).slaveDentry(master.index);
    if (dentry === undefined || dentry.inode === null || master.link === null) return EIO;
    const place = new Path(this.devpts.mount, dentry);
    const file = openTty(ctx, dentry.inode, place, flags & (O_ACCMODE | O_NONBLOCK | O_NOCTTY), master.link, false);
    if (isErr(file)) return file;
    const fd = ctx.fdTable.install(file, ctx.openFilesLimit, (flags & O_CLOEXEC) !== 0);
    if (isErr(fd)) file.unref();
    return fd;
  }
}

/** The devpts that belongs to a ptmx node: the one it lies in, or the one mounted on `pts` beside it. ENODEV. */
function devptsOf(ctx: VfsContext, path: Path): Path | Errno {
  if (path.dentry.sb instanceof DevptsSuperBlock) return new Path(path.mount, path.dentry.sb.root);
  const beside = walkPath(ctx, new Path(path.mount, path.dentry.parent), 'pts', 0);
  if (isErr(beside)) return ENODEV;
  return beside.dentry.sb instanceof DevptsSuperBlock && beside.dentry === beside.mount.root ? beside : ENODEV;
}

/** open("/dev/ptmx"): a new pair. ENODEV without devpts, ENOSPC when the numbers are used up. */
export function openPtmx(ctx: VfsContext, inode: Inode, path: Path, flags: number): FileDescription | Errno {
  const devpts = devptsOf(ctx, path);
  if (isErr(devpts)) return devpts;
  const master = (devpts.dentry.sb as DevptsSuperBlock).newPty(ctx);
  if (isErr(master)) return master;
  return new PtmxDescription(path, flags & ~O_NOCTTY, inode, master, devpts);
}

/** Registers /dev/ptmx. */
export function registerPtmx(vfs: Vfs): void {
  vfs.registerCharacterDevice(DEV_PTMX, openPtmx);
}
