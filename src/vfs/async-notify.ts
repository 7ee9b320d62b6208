/** O_ASYNC: a signal to the owner of an open file when it becomes readable or writable. Facts: Linux 6.18 fs/fcntl.c send_sigio(). */
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLPRI } from '../abi/poll.ts';
import { POLL_ERR, POLL_HUP, POLL_IN, POLL_OUT, POLL_PRI } from '../abi/signal.ts';
import { unqueue, type WaitQueue, Waiter, type Wakeable } from '../base/wait-queue.ts';
import type { FileDescription } from './file-description.ts';
import type { PollTable } from './poll.ts';

/** Stands on the queues that the file polls with, as long as O_ASYNC is on. */
export class AsyncNotifier implements PollTable, Wakeable {
  private readonly file: FileDescription;
  /** Descriptor it was switched on through: si_fd. */
  readonly fd: number;
  private readonly waiters: Waiter[] = [];

  constructor(file: FileDescription, fd: number) {
    this.file = file;
    this.fd = fd;
    file.poll(this);
  }
  add(queue: WaitQueue): void {
    const w = new Waiter(this);
    queue.add(w);
    this.waiters.push(w);
  }
  stop(): void {
    for (const w of this.waiters) unqueue(w);
  }
  onWake(_waiter: Waiter, events: number): boolean {
    const { owner, ownerSignal } = this.file;
    if (owner === null) return false;
    const reason =
      events & POLLPRI && events !== -1
        ? POLL_PRI
        : events & POLLIN
          ? POLL_IN
          : events & POLLOUT
            ? POLL_OUT
            : events & POLLERR
              ? POLL_ERR
              : events & POLLHUP
                ? POLL_HUP
                : 0;
    if (reason !== 0) this.file.inode.sb.vfs.sendIoSignal(owner, ownerSignal, this.fd, reason);
    return false;
  }
}
