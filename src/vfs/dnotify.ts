/** Directory notification by signal: fcntl(F_NOTIFY). Facts: Linux 6.18 fs/notify/dnotify/dnotify.c. */
import { POLL_MSG } from '../abi/signal.ts';
import type { FileDescription } from './file-description.ts';
import type { Inode } from './inode.ts';
import { countMarks, IN_ACCESS, IN_ATTRIB, IN_CREATE, IN_DELETE, IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO } from './notify.ts';

export const DN_ACCESS = 0x1;
export const DN_MODIFY = 0x2;
export const DN_CREATE = 0x4;
export const DN_DELETE = 0x8;
export const DN_RENAME = 0x10;
export const DN_ATTRIB = 0x20;
export const DN_MULTISHOT = 0x80000000;

/** DN_ bits that an inotify event stands for. */
function toDnotify(event: number): number {
  let m = 0;
  if (event & IN_ACCESS) m |= DN_ACCESS;
  if (event & IN_MODIFY) m |= DN_MODIFY;
  if (event & (IN_CREATE | IN_MOVED_TO)) m |= DN_CREATE;
  if (event & (IN_DELETE | IN_MOVED_FROM)) m |= DN_DELETE;
  if (event & IN_MOVED_FROM) m |= DN_RENAME;
  if (event & IN_ATTRIB) m |= DN_ATTRIB;
  return m;
}

interface Watch {
  readonly file: FileDescription;
  readonly fd: number;
  mask: number;
}

/** The watches on one directory. */
export class DirectoryWatches {
  private watches: Watch[] = [];

  /** Adds `mask` to the watch of `file`. */
  add(file: FileDescription, fd: number, mask: number): void {
    const there = this.watches.find((w) => w.file === file);
    if (there !== undefined) there.mask |= mask;
    else {
      this.watches.push({ file, fd, mask });
      countMarks(1);
    }
  }
  remove(file: FileDescription): void {
    const before = this.watches.length;
    this.watches = this.watches.filter((w) => w.file !== file);
    countMarks(this.watches.length - before);
  }
  /** Something happened to an entry: signals those who asked; a watch without DN_MULTISHOT is used up. */
  event(event: number): void {
    const what = toDnotify(event);
    for (const w of [...this.watches]) {
      if ((w.mask & what) === 0) continue;
      if (w.file.owner !== null) w.file.inode.sb.vfs.sendIoSignal(w.file.owner, w.file.ownerSignal, w.fd, POLL_MSG);
      if (w.mask >= 0) this.remove(w.file);
    }
  }
}

/** F_NOTIFY on an open directory: `mask` 0 (or DN_MULTISHOT alone) takes the watch away. */
export function watchDirectory(file: FileDescription, fd: number, mask: number): void {
  const inode: Inode = file.inode;
  if ((mask & ~DN_MULTISHOT) === 0) inode.dnotify?.remove(file);
  else (inode.dnotify ??= new DirectoryWatches()).add(file, fd, mask);
}
