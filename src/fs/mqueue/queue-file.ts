/** An open message queue. Linux ipc/mqueue.c mqueue_read_file(), mqueue_poll_file(), mqueue_flush_file(). */
import { POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from '../../abi/poll.ts';
import { SIGEV_SIGNAL } from '../../abi/signal.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import { ATTR_ATIME, ATTR_CTIME } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { bytesOf } from '../pseudo/text-file.ts';
import type { PosixQueue } from './message-queue.ts';

export class QueueFile extends FileDescription {
  readonly queue: PosixQueue;
  constructor(path: Path, flags: number, queue: PosixQueue) {
    super(path, flags, queue);
    this.queue = queue;
  }

  /** The queue's state as text. */
  override read(ctx: VfsContext, iov: IoVector, offset: number): number {
    const q = this.queue;
    const n = q.notification;
    const signo = n !== null && n.notify === SIGEV_SIGNAL ? n.signo : 0;
    const owner = n === null ? 0 : n.owner.nr((ctx as Task).pidNs);
    const text = `QSIZE:${String(q.bytes).padEnd(10)} NOTIFY:${String(n?.notify ?? 0).padEnd(5)} SIGNO:${String(signo).padEnd(5)} NOTIFY_PID:${String(owner).padEnd(6)}\n`;
    const at = offset < 0 ? this.pos : offset;
    if (at >= text.length) return 0;
    const done = iov.put(bytesOf(text), at, Math.min(iov.remaining, text.length - at));
    if (done <= 0) return done;
    if (offset < 0) this.pos = at + done;
    q.touch(ATTR_ATIME | ATTR_CTIME);
    return done;
  }

  override poll(table: PollTable | null): number {
    const q = this.queue;
    if (table !== null) table.add(q.pollers);
    let mask = 0;
    if (q.count > 0) mask |= POLLIN | POLLRDNORM;
    if (!q.full) mask |= POLLOUT | POLLWRNORM;
    return mask;
  }

  /** st_size is only a number. */
  override truncate(_ctx: VfsContext, size: number): number {
    this.queue.size = size;
    return 0;
  }

  /** Any close by the process that is to be notified ends that. */
  override flush(ctx: VfsContext): number {
    const n = this.queue.notification;
    if (n !== null && ctx instanceof Task && n.owner === ctx.threadGroup.pid) this.queue.removeNotification();
    return 0;
  }
}
