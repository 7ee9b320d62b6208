/** A file of a cgroup whose change can be waited for. Linux cgroup_file_notify(), kernfs_notify(). */
import { POLLERR, POLLPRI } from '../../abi/poll.ts';
import { WaitQueue } from '../../base/wait-queue.ts';

export class EventFile {
  /** Name in the cgroup's directory. */
  readonly name: string;
  /** Changes so far: a reader remembers the number it has seen. */
  count = 0;
  readonly queue: WaitQueue = new WaitQueue();
  constructor(name: string) {
    this.name = name;
  }
  raise(): void {
    this.count++;
    this.queue.wake(POLLERR | POLLPRI);
  }
}
