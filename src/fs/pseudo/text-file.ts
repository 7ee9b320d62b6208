/** An open generated file. */
import { EFBIG, EIO, ESPIPE, type Errno, isErr } from '../../abi/errno.ts';
import { DEFAULT_POLLMASK } from '../../abi/poll.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import type { FileEntry } from './entries.ts';

/** Bytes of a string whose char codes are bytes. */
export function bytesOf(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i);
  return bytes;
}

/** Linux takes at most a page in one write to a file of proc or sys. */
const MAX_WRITE = 65536;

export class TextFile<S> extends FileDescription {
  private readonly entry: FileEntry<S>;
  private readonly subject: S;
  private text: Uint8Array | null = null;

  private readonly unhandled: Errno;

  constructor(path: Path, flags: number, entry: FileEntry<S>, subject: S, unhandled: Errno = EIO) {
    super(path, flags);
    this.entry = entry;
    this.subject = subject;
    this.unhandled = unhandled;
  }

  override read(ctx: VfsContext, iov: IoVector, offset: number): number {
    const at = offset < 0 ? this.pos : offset;
    if (at > 0 && this.entry.fromStart === true) return 0;
    if (this.text === null || at === 0) {
      if (this.entry.read === null) return this.unhandled;
      const made = this.entry.read(this.subject, ctx);
      if (isErr(made)) return made;
      this.text = typeof made === 'string' ? bytesOf(made) : (made as Uint8Array);
    }
    if (at >= this.text.length) return 0;
    const n = iov.put(this.text, at, Math.min(iov.remaining, this.text.length - at));
    if (n > 0 && offset < 0) this.pos = at + n;
    return n;
  }

  override write(ctx: VfsContext, iov: IoVector, offset: number): number {
    if (this.entry.write === null) return this.unhandled;
    if (offset >= 0 && this.entry.sequential === true) return ESPIPE;
    const length = iov.remaining;
    if (length > MAX_WRITE) return EFBIG;
    const bytes = new Uint8Array(length);
    const n = iov.take(bytes, 0, length);
    if (n < 0) return n;
    let text = '';
    for (let i = 0; i < n; i++) text += String.fromCharCode(bytes[i] as number);
    const at = offset < 0 ? this.pos : offset;
    const r = at > 0 && this.entry.fromStart === true ? n : this.entry.write(this.subject, ctx, text, this, at);
    if (r < 0) return r;
    const taken = r > 0 && r < n ? r : n;
    if (offset < 0) this.pos += taken;
    this.text = null;
    return taken;
  }

  override poll(table: PollTable | null): number {
    return this.entry.poll === null ? DEFAULT_POLLMASK : this.entry.poll(this.subject, table);
  }
}
