/** Access times: Linux touch_atime() with relatime. */
import { MS_NOATIME, MS_NODIRATIME, MS_RDONLY, MS_RELATIME } from '../abi/mount.ts';
import { O_NOATIME } from '../abi/fcntl.ts';
import { ATTR_ATIME, type Inode } from './inode.ts';
import type { Mount } from './mount.ts';

/** Notes that `inode` was read through `mount`. `flags`: those of the description (O_NOATIME). */
export function touchAtime(mount: Mount, inode: Inode, flags: number): void {
  const sb = inode.sb;
  if (!sb.keepsAtime || flags & O_NOATIME || (mount.flags | sb.flags) & (MS_NOATIME | MS_RDONLY)) return;
  if (mount.flags & MS_NODIRATIME && inode.isDirectory) return;
  if (mount.flags & MS_RELATIME) {
    const clock = sb.vfs.clock;
    const stale =
      inode.atimeSec < inode.mtimeSec ||
      (inode.atimeSec === inode.mtimeSec && inode.atimeNsec <= inode.mtimeNsec) ||
      inode.atimeSec < inode.ctimeSec ||
      (inode.atimeSec === inode.ctimeSec && inode.atimeNsec <= inode.ctimeNsec);
    if (!stale && clock.sec - inode.atimeSec < 86400) return;
  }
  inode.touch(ATTR_ATIME);
}
