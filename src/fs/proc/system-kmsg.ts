/** /proc/kmsg: the kernel's log, which is empty: a reader waits. Linux fs/proc/kmsg.c. */
import { CAP_SYSLOG } from '../../abi/capability.ts';
import { EAGAIN, EPERM, type Errno } from '../../abi/errno.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { special, type SpecialEntry } from '../pseudo/entries.ts';
import type { ProcSuperBlock } from './proc-fs.ts';

/** Woken by the next message, of which there is none. */
const messages: WaitQueue = new WaitQueue();

class LogFile extends FileDescription {
  override read(ctx: VfsContext, _iov: IoVector, _offset: number): number {
    return this.nonBlocking ? EAGAIN : ctx.wait(messages);
  }
  override poll(table: PollTable | null): number {
    table?.add(messages);
    return 0;
  }
}

/** Opened by who has CAP_SYSLOG; EPERM. */
export const kmsg: SpecialEntry<ProcSuperBlock> = special(0o400, (_fs, ctx, path: Path, flags): FileDescription | Errno =>
  ctx.credentials.capableInInit(CAP_SYSLOG) ? new LogFile(path, flags) : EPERM,
);
