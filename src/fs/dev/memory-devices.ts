/** /dev/null, zero, full, random, urandom. Facts: Linux 6.18 drivers/char/mem.c, random.c; man 4 null, 4 random, 4 full. */
import { EFAULT, EINVAL, ENODEV, ENOSPC, EPERM, type Errno, isErr } from '../../abi/errno.ts';
import { SEEK_CUR, SEEK_END, SEEK_SET } from '../../abi/fcntl.ts';
import { CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { makedev } from '../../abi/stat.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { Host } from '../../host/host.ts';
import type { MemoryObject } from '../../memory/memory-object.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { Vfs } from '../../vfs/vfs.ts';

const MEM_MAJOR = 1;
export const DEV_NULL: number = makedev(MEM_MAJOR, 3);
export const DEV_ZERO: number = makedev(MEM_MAJOR, 5);
export const DEV_FULL: number = makedev(MEM_MAJOR, 7);
export const DEV_RANDOM: number = makedev(MEM_MAJOR, 8);
export const DEV_URANDOM: number = makedev(MEM_MAJOR, 9);

const RNDGETENTCNT = 0x80045200;
const RNDADDTOENTCNT = 0x40045201;
const RNDADDENTROPY = 0x40085203;
const RNDZAPENTCNT = 0x5204;
const RNDCLEARPOOL = 0x5206;
const RNDRESEEDCRNG = 0x5207;
/** Bits of entropy once the pool is ready (POOL_READY_BITS). */
const POOL_BITS = 256;
const RANDOM_CHUNK = 4096;

/** Reads end at once, writes vanish. */
export class NullDescription extends FileDescription {
  override read(_ctx: VfsContext, _iov: IoVector, _offset: number): number {
    return 0;
  }
  override write(_ctx: VfsContext, iov: IoVector, _offset: number): number {
    return iov.remaining;
  }
  /** Every position is 0. */
  override seek(): number {
    this.pos = 0;
    return 0;
  }
}

/** Reads give zeros; private mappings are anonymous memory. */
export class ZeroDescription extends NullDescription {
  override read(_ctx: VfsContext, iov: IoVector, _offset: number): number {
    return iov.putZeros(iov.remaining);
  }
  /** null: anonymous memory, shared if the mapping is. */
  override mmap(_ctx: VfsContext, _shared: boolean): MemoryObject | null | Errno {
    return null;
  }
}

/** As zero, but writes find no space. */
export class FullDescription extends NullDescription {
  override read(_ctx: VfsContext, iov: IoVector, _offset: number): number {
    return iov.putZeros(iov.remaining);
  }
  override write(_ctx: VfsContext, iov: IoVector, _offset: number): number {
    return iov.remaining === 0 ? 0 : ENOSPC;
  }
  override mmap(): Errno {
    return ENODEV;
  }
}

export class RandomDescription extends FileDescription {
  private readonly host: Host;
  constructor(path: Path, flags: number, inode: Inode, host: Host) {
    super(path, flags, inode);
    this.host = host;
  }
  override read(ctx: VfsContext, iov: IoVector, _offset: number): number {
    let done = 0;
    while (iov.remaining > 0) {
      const n = Math.min(iov.remaining, RANDOM_CHUNK);
      this.host.random(chunk, 0, n);
      const moved = iov.put(chunk, 0, n);
      if (moved < 0) return done > 0 ? done : moved;
      done += moved;
      if (moved < n) break;
      // Linux looks for signals at each page, so that a read of gigabytes can be stopped.
      if (ctx.signalPending()) break;
    }
    return done;
  }
  /** What is written is mixed in; the host's generator needs no help. */
  override write(_ctx: VfsContext, iov: IoVector, _offset: number): number {
    let done = 0;
    while (iov.remaining > 0) {
      const n = iov.take(chunk, 0, RANDOM_CHUNK);
      if (n < 0) return done > 0 ? done : n;
      done += n;
    }
    return done;
  }
  override seek(_ctx: VfsContext, _offset: number, whence: number): number {
    return whence === SEEK_SET || whence === SEEK_CUR || whence === SEEK_END ? this.pos : EINVAL;
  }
  override ioctl(ctx: VfsContext, cmd: number, arg: number): number {
    switch (cmd >>> 0) {
      case RNDGETENTCNT:
        return ctx.space.writeU32(arg, POOL_BITS);
      case RNDADDTOENTCNT:
      case RNDADDENTROPY: {
        if (!ctx.credentials.capable(CAP_SYS_ADMIN)) return EPERM;
        const count = ctx.space.readU32(arg);
        return isErr(count) ? EFAULT : (count | 0) < 0 ? EINVAL : 0;
      }
      case RNDZAPENTCNT:
      case RNDCLEARPOOL:
      case RNDRESEEDCRNG:
        return ctx.credentials.capable(CAP_SYS_ADMIN) ? 0 : EPERM;
    }
    return EINVAL;
  }
}
const chunk = new Uint8Array(RANDOM_CHUNK);

/** Registers the drivers of major 1. */
export function registerMemoryDevices(vfs: Vfs, host: Host): void {
  vfs.registerCharacterDevice(DEV_NULL, (_ctx, inode, path, flags) => new NullDescription(path, flags, inode));
  vfs.registerCharacterDevice(DEV_ZERO, (_ctx, inode, path, flags) => new ZeroDescription(path, flags, inode));
  vfs.registerCharacterDevice(DEV_FULL, (_ctx, inode, path, flags) => new FullDescription(path, flags, inode));
  vfs.registerCharacterDevice(DEV_RANDOM, (_ctx, inode, path, flags) => new RandomDescription(path, flags, inode, host));
  vfs.registerCharacterDevice(DEV_URANDOM, (_ctx, inode, path, flags) => new RandomDescription(path, flags, inode, host));
}
