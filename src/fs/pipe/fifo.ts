/** Opening a FIFO by name: Linux fs/pipe.c fifo_open(). */
import { BLOCKED, ENXIO, ERESTARTSYS, type Errno } from '../../abi/errno.ts';
import { O_ACCMODE, O_NONBLOCK, O_RDONLY, O_RDWR, O_WRONLY } from '../../abi/fcntl.ts';
import { PIPEFS_MAGIC } from '../../abi/stat.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import { Pipe, PipeFile } from './pipe.ts';

/** An open that waits for the other end: the end it made already, and the number of opens of the other kind it saw then. */
class PendingOpen {
  readonly file: PipeFile;
  readonly seen: number;
  constructor(file: PipeFile, seen: number) {
    this.file = file;
    this.seen = seen;
  }
}

/**
 * Opens a FIFO. A blocking open makes its end at once, so that the other side sees it, and waits for the other end; the handler is then
 * called again and goes on with the end it made. ENXIO: O_WRONLY | O_NONBLOCK without a reader.
 */
export function openFifo(ctx: VfsContext, inode: Inode, path: Path, flags: number): FileDescription | Errno {
  const state = ctx.syscall;
  let pending = state.object instanceof PendingOpen && state.object.file.inode === inode ? state.object : null;
  if (pending === null) {
    const pipe = (inode.special ??= new Pipe()) as Pipe;
    const mode = flags & O_ACCMODE;
    // An unnamed pipe opened again through /proc/PID/fd never waits for its other end.
    if (inode.sb.magic === PIPEFS_MAGIC) return new PipeFile(path, flags, pipe);
    if (mode === O_WRONLY && flags & O_NONBLOCK && pipe.readers === 0) return ENXIO;
    const file = new PipeFile(path, flags, pipe);
    if (mode !== O_WRONLY && pipe.readers === 1) pipe.writeQueue.wake(-1, Infinity);
    if (mode !== O_RDONLY && pipe.writers === 1) pipe.readQueue.wake(-1, Infinity);
    if (mode === O_RDWR || (mode === O_RDONLY ? pipe.writers : pipe.readers) > 0) return file;
    if (flags & O_NONBLOCK) {
      // A reader that came first hears of a hang-up only after a writer was there.
      file.sawWriter = pipe.writerOpens;
      return file;
    }
    pending = new PendingOpen(file, mode === O_RDONLY ? pipe.writerOpens : pipe.readerOpens);
  }
  const { file, seen } = pending;
  const pipe = file.pipe;
  const reading = (file.flags & O_ACCMODE) === O_RDONLY;
  if ((reading ? pipe.writerOpens : pipe.readerOpens) !== seen) {
    state.object = null;
    return file;
  }
  state.object = null;
  if (ctx.signalPending()) {
    file.unref();
    return ERESTARTSYS;
  }
  const r = ctx.wait(reading ? pipe.readQueue : pipe.writeQueue);
  if (r !== BLOCKED) {
    file.unref();
    return r;
  }
  state.object = pending;
  return BLOCKED as Errno;
}
