/** memfd_secret: memory that only its mappings reach. Facts: Linux 6.18 mm/secretmem.c; man 2 memfd_secret. */
import { EINVAL } from '../../abi/errno.ts';
import { O_RDWR } from '../../abi/fcntl.ts';
import { MS_NOEXEC } from '../../abi/mount.ts';
import { S_IFREG } from '../../abi/stat.ts';
import { PageCache } from '../../memory/page-cache.ts';
import type { PhysicalMemory } from '../../memory/physical-memory.ts';
import { PseudoFileSystem, PseudoInode } from '../../vfs/anonymous.ts';
import { copyAttributes } from '../../vfs/attributes.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import { ATTR_SIZE, type SetAttributes } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { Vfs } from '../../vfs/vfs.ts';

const SECRETMEM_MAGIC = 0x5345434d;

/** Its pages: only a mapping reads or writes them, never the kernel on somebody's behalf. */
export class SecretPages extends PageCache {
  override readonly isSecret: boolean = true;
  constructor(pm: PhysicalMemory) {
    super(pm, null);
  }
  /** It has no fsync. */
  override sync(): typeof EINVAL {
    return EINVAL;
  }
}

class SecretInode extends PseudoInode {
  readonly pages: SecretPages;
  constructor(sb: PseudoFileSystem) {
    super(sb, S_IFREG | 0o600);
    this.pages = new SecretPages(sb.vfs.memory);
    this.nlink = 0;
  }
  /** The size can be set once. */
  override setattr(_ctx: VfsContext, attrs: SetAttributes): number {
    if (attrs.valid & ATTR_SIZE) {
      if (this.size !== 0) return EINVAL;
      this.size = this.pages.size = attrs.size;
    }
    copyAttributes(this, attrs);
    return 0;
  }
  override evict(): void {
    this.pages.unref();
  }
}

class SecretDescription extends FileDescription {
  private readonly pages: SecretPages;
  constructor(path: Path, inode: SecretInode) {
    super(path, O_RDWR | 0o100000, inode);
    this.pages = inode.pages;
  }
  override get seekable(): boolean {
    return false;
  }
  override mmap(_ctx: VfsContext, shared: boolean): SecretPages | typeof EINVAL {
    return shared ? this.pages : EINVAL;
  }
  override truncate(ctx: VfsContext, size: number): number {
    const inode = this.inode as SecretInode; // made with one
    if (inode.size !== 0) return EINVAL;
    inode.size = this.pages.size = size;
    inode.refresh(ctx);
    return 0;
  }
}

class SecretFileSystem extends PseudoFileSystem {
  constructor(vfs: Vfs) {
    super(vfs, 'secretmem', SECRETMEM_MAGIC);
    this.mount.flags |= MS_NOEXEC;
  }
}

/** The internal mount of each kernel. */
const fileSystems = new WeakMap<Vfs, SecretFileSystem>();

/** A new secret file of no size, open for reading and writing, shown as "/secretmem (deleted)". */
export function openSecret(vfs: Vfs): FileDescription {
  let sb = fileSystems.get(vfs);
  if (sb === undefined) fileSystems.set(vfs, (sb = new SecretFileSystem(vfs)));
  const inode = new SecretInode(sb);
  return new SecretDescription(sb.path('/secretmem (deleted)', inode), inode);
}
