/** The descriptor of fsopen(2) and fspick(2): a configuration, and the messages about it to be read. Linux fs/fsopen.c. */
import { EMSGSIZE, ENODATA, ESPIPE, isErr } from '../../abi/errno.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { AnonymousDescription } from '../../vfs/anonymous-description.ts';
import type { MountConfig } from '../../vfs/mount-config.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { bytesOf } from '../pseudo/text-file.ts';

export class MountConfigFile extends AnonymousDescription {
  readonly config: MountConfig;

  constructor(vfs: Vfs, config: MountConfig) {
    super(vfs.anonymous.anonymousPath('[fscontext]'), O_RDWR);
    this.config = config;
    // An instance lives while it is configured, mounted or not.
    this.hold();
  }

  /** The instance that the configuration has come to is held. */
  hold(): void {
    if (this.held === null && this.config.sb !== null) {
      this.held = this.config.sb;
      this.held.mountCount++;
    }
  }
  private held: MountConfig['sb'] = null;

  override seek(): number {
    return ESPIPE;
  }

  /** One message, which is then gone; EMSGSIZE leaves it. */
  override read(_ctx: VfsContext, iov: IoVector, _offset: number): number {
    const message = this.config.log?.first();
    if (message === undefined) return ENODATA;
    if (message.length > iov.remaining) return EMSGSIZE;
    this.config.log?.take();
    const n = iov.put(bytesOf(message), 0, message.length);
    return isErr(n) ? n : message.length;
  }

  override release(): void {
    for (const p of this.config.parameters) p.file?.unref();
    if (this.held !== null && --this.held.mountCount === 0) this.held.kill();
  }
}
