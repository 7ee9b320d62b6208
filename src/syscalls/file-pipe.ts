/** pipe, pipe2. */
import { EFAULT, EINVAL, isErr } from '../abi/errno.ts';
import { O_CLOEXEC, O_DIRECT, O_NONBLOCK } from '../abi/fcntl.ts';
import { PipeFs } from '../fs/pipe/pipe.ts';
import type { Task } from '../kernel/task.ts';
import type { Vfs } from '../vfs/vfs.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const instances = new WeakMap<Vfs, PipeFs>();
/** The pipefs of a kernel. */
export function pipeFs(vfs: Vfs): PipeFs {
  let fs = instances.get(vfs);
  if (fs === undefined) instances.set(vfs, (fs = new PipeFs(vfs)));
  return fs;
}

function pipe(t: Task, addr: number, flags: number): number {
  // O_NOTIFICATION_PIPE (O_EXCL) needs watch queues, which are not configured.
  if (flags & ~(O_CLOEXEC | O_NONBLOCK | O_DIRECT)) return EINVAL;
  const [reader, writer] = pipeFs(t.kernel.vfs).create(t, flags);
  const cloexec = (flags & O_CLOEXEC) !== 0;
  const rfd = t.fdTable.install(reader, t.openFilesLimit, cloexec);
  if (isErr(rfd)) {
    reader.unref();
    writer.unref();
    return rfd;
  }
  const wfd = t.fdTable.install(writer, t.openFilesLimit, cloexec);
  if (isErr(wfd)) {
    t.fdTable.close(t, rfd);
    writer.unref();
    return wfd;
  }
  if (isErr(t.space.writeU32(addr, rfd)) || isErr(t.space.writeU32(addr + 4, wfd))) {
    t.fdTable.close(t, rfd);
    t.fdTable.close(t, wfd);
    return EFAULT;
  }
  return 0;
}
function sysPipe(t: Task, a: SyscallArgs): number {
  return pipe(t, a.addr(0), 0);
}
function sysPipe2(t: Task, a: SyscallArgs): number {
  return pipe(t, a.addr(0), a.int(1));
}

export const rows: readonly SyscallRow[] = [
  [22, 'pipe', 'out:fds', 'full', sysPipe],
  [293, 'pipe2', 'out:fds,openflags', 'full', sysPipe2],
];
