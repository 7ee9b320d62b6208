/** inotify: reads what happens to watched inodes. Facts: Linux 6.18 fs/notify/inotify/; man 7 inotify. */
import { EAGAIN, EEXIST, EINVAL, EMFILE, ENOSPC, type Errno } from '../../abi/errno.ts';
import {
  IN_ALL_EVENTS,
  IN_DELETE_SELF,
  IN_IGNORED,
  IN_ISDIR,
  IN_MASK_ADD,
  IN_MASK_CREATE,
  IN_MOVE_SELF,
  IN_ONESHOT,
  IN_Q_OVERFLOW,
  IN_UNMOUNT,
  SIZEOF_INOTIFY_EVENT,
} from '../../abi/inotify.ts';
import { POLLIN, POLLRDNORM } from '../../abi/poll.ts';
import { FIONREAD } from '../../abi/termios.ts';
import { COUNT_INOTIFY_INSTANCES, COUNT_INOTIFY_WATCHES, type UserCounts } from '../../auth/user-counts.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { AnonymousDescription } from '../../vfs/anonymous-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import { countMarks, type InodeMarks } from '../../vfs/notify.ts';
import type { PollTable } from '../../vfs/poll.ts';

/** Events that wait unread, at first (max_queued_events). */
export const MAX_QUEUED_EVENTS = 16384;
const NAME_MAX = 255;
const REPORTED: number = IN_ALL_EVENTS | IN_ISDIR | IN_UNMOUNT | IN_IGNORED | IN_Q_OVERFLOW;
const bytes = new Uint8Array(SIZEOF_INOTIFY_EVENT + NAME_MAX + 17);
const view = new DataView(bytes.buffer);

interface QueuedEvent {
  readonly wd: number;
  readonly mask: number;
  readonly cookie: number;
  readonly name: string;
}

/** One watch of one instance on one inode. */
class Watch {
  readonly owner: InotifyDescription;
  readonly wd: number;
  readonly inode: Inode;
  /** Events and IN_ONESHOT, IN_EXCL_UNLINK. */
  mask: number;
  constructor(owner: InotifyDescription, wd: number, inode: Inode, mask: number) {
    this.owner = owner;
    this.wd = wd;
    this.inode = inode;
    this.mask = mask;
  }
}

/** All watches on an inode: what the VFS reports to. */
class WatchList implements InodeMarks {
  readonly watches: Watch[] = [];
  mask = 0;

  update(): void {
    // Deletion and unmount end a watch even when they are not asked for.
    this.mask = IN_DELETE_SELF | IN_UNMOUNT;
    for (const w of this.watches) this.mask |= w.mask & IN_ALL_EVENTS;
  }

  event(mask: number, name: string, cookie: number): void {
    const ends = name === '' && mask & (IN_DELETE_SELF | IN_UNMOUNT);
    if ((mask & this.mask) === 0) return;
    for (const w of [...this.watches]) {
      if (w.mask & mask & IN_ALL_EVENTS || mask & IN_UNMOUNT) {
        // The inode's own end and move are reported without IN_ISDIR.
        w.owner.queue(w.wd, mask & (IN_DELETE_SELF | IN_MOVE_SELF) ? mask & ~IN_ISDIR : mask, cookie, name);
        if (w.mask & IN_ONESHOT) w.owner.drop(w);
      }
      if (ends) w.owner.drop(w);
    }
  }
}

export class InotifyDescription extends AnonymousDescription {
  private readonly watches: Map<number, Watch> = new Map();
  private readonly events: QueuedEvent[] = [];
  private first = 0;
  private nextWd = 1;
  private readonly waitQueue: WaitQueue = new WaitQueue();

  /** Who made it, against whose limits it and its watches count (charged by `create`). */
  private readonly counts: UserCounts;
  private readonly maxQueued: number;

  private constructor(path: Path, flags: number, counts: UserCounts, maxQueued: number) {
    super(path, flags);
    this.counts = counts;
    this.maxQueued = maxQueued;
  }
  /** EMFILE when the user has too many. */
  static create(path: Path, flags: number, counts: UserCounts, maxQueued: number): InotifyDescription | Errno {
    return counts.charge(COUNT_INOTIFY_INSTANCES) ? new InotifyDescription(path, flags, counts, maxQueued) : EMFILE;
  }

  /** inotify_add_watch: the watch descriptor; EEXIST (IN_MASK_CREATE), ENOSPC. */
  addWatch(inode: Inode, mask: number): number | Errno {
    const list = inode.marks instanceof WatchList ? inode.marks : new WatchList();
    const old = list.watches.find((w) => w.owner === this);
    const kept = mask & (IN_ALL_EVENTS | IN_UNMOUNT | 0x04000000 | IN_ONESHOT);
    if (old !== undefined) {
      if (mask & IN_MASK_CREATE) return EEXIST;
      old.mask = mask & IN_MASK_ADD ? old.mask | kept : kept;
      list.update();
      return old.wd;
    }
    if (!this.counts.charge(COUNT_INOTIFY_WATCHES)) return ENOSPC;
    const w = new Watch(this, this.nextWd++, inode, kept);
    this.watches.set(w.wd, w);
    list.watches.push(w);
    list.update();
    inode.marks = list;
    countMarks(1);
    return w.wd;
  }

  /** inotify_rm_watch: 0 or EINVAL. */
  removeWatch(wd: number): number {
    const w = this.watches.get(wd);
    if (w === undefined) return EINVAL;
    this.drop(w);
    return 0;
  }

  /** Ends a watch; its reader sees IN_IGNORED. */
  drop(w: Watch): void {
    if (!this.watches.delete(w.wd)) return;
    this.detach(w);
    this.queue(w.wd, IN_IGNORED, 0, '');
  }
  private detach(w: Watch): void {
    const list = w.inode.marks as WatchList;
    list.watches.splice(list.watches.indexOf(w), 1);
    list.update();
    if (list.watches.length === 0) w.inode.marks = null;
    countMarks(-1);
    this.counts.uncharge(COUNT_INOTIFY_WATCHES);
  }

  /** Queues an event; one equal to the last still unread is dropped. */
  queue(wd: number, mask: number, cookie: number, name: string): void {
    mask &= REPORTED;
    const n = this.events.length - this.first;
    const last = n > 0 ? (this.events[this.events.length - 1] as QueuedEvent) : null;
    if (last !== null && last.mask === mask && last.wd === wd && last.name === name && (mask & IN_IGNORED) === 0) return;
    if (n >= this.maxQueued) {
      if (last !== null && last.mask === IN_Q_OVERFLOW) return;
      this.events.push({ wd: -1, mask: IN_Q_OVERFLOW, cookie: 0, name: '' });
    } else {
      this.events.push({ wd, mask, cookie, name });
    }
    this.waitQueue.wake(POLLIN | POLLRDNORM);
  }

  override read(ctx: VfsContext, iov: IoVector, _offset: number): number {
    let done = 0;
    while (this.first < this.events.length) {
      const e = this.events[this.first] as QueuedEvent;
      const size = SIZEOF_INOTIFY_EVENT + nameRoom(e.name);
      if (size > iov.remaining) {
        if (done === 0) return EINVAL;
        break;
      }
      view.setInt32(0, e.wd, true);
      view.setUint32(4, e.mask >>> 0, true);
      view.setUint32(8, e.cookie, true);
      view.setUint32(12, size - SIZEOF_INOTIFY_EVENT, true);
      bytes.fill(0, SIZEOF_INOTIFY_EVENT, size);
      for (let i = 0; i < e.name.length; i++) bytes[SIZEOF_INOTIFY_EVENT + i] = e.name.charCodeAt(i);
      const r = iov.put(bytes, 0, size);
      if (r < 0) return done > 0 ? done : r;
      this.first++;
      done += size;
    }
    if (this.first === this.events.length) {
      this.events.length = this.first = 0;
    } else if (this.first > 1024) {
      this.events.splice(0, this.first);
      this.first = 0;
    }
    if (done > 0) return done;
    return this.nonBlocking ? EAGAIN : ctx.wait(this.waitQueue);
  }

  override poll(table: PollTable | null): number {
    if (table !== null) table.add(this.waitQueue);
    return this.events.length > this.first ? POLLIN | POLLRDNORM : 0;
  }

  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    if (cmd !== FIONREAD) return super.ioctl(ctx, cmd, arg);
    let n = 0;
    for (let i = this.first; i < this.events.length; i++) n += SIZEOF_INOTIFY_EVENT + nameRoom((this.events[i] as QueuedEvent).name);
    return ctx.space.writeU32(arg, n);
  }

  override release(): void {
    for (const w of this.watches.values()) this.detach(w);
    this.watches.clear();
    this.counts.uncharge(COUNT_INOTIFY_INSTANCES);
  }

  override fdInfo(): string {
    let s = '';
    for (const w of [...this.watches.values()].reverse())
      s += `inotify wd:${w.wd.toString(16)} ino:${w.inode.ino.toString(16)} sdev:${w.inode.sb.dev.toString(16)} mask:${(w.mask >>> 0).toString(16)} ignored_mask:0 \n`;
    return s;
  }
}

/** Bytes that a name takes in the stream: with its zero, rounded up to 16. */
function nameRoom(name: string): number {
  return name === '' ? 0 : (name.length + 16) & ~15;
}
