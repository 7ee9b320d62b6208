/** tmpfs inodes other than directories, and what they all share. */
import type { Errno } from '../../abi/errno.ts';
import { EOPNOTSUPP } from '../../abi/errno.ts';
import { S_IFREG } from '../../abi/stat.ts';
import { PageCache } from '../../memory/page-cache.ts';
import { copyAttributes } from '../../vfs/attributes.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import { ATTR_CTIME, ATTR_SIZE, Inode, type SetAttributes } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import { PagedInode, RegularFile } from '../../vfs/regular-file.ts';
import { XATTR_SECURITY_CAPABILITY } from '../../auth/file-capabilities.ts';
import { XattrStore } from '../../vfs/xattr-store.ts';
import type { Tmpfs } from './tmpfs.ts';

/** Anything with extended attributes in memory. */
interface WithXattrs {
  xattrs: XattrStore | null;
}

/** True for the classes of attribute that tmpfs keeps: user (6.6 on), trusted and security. */
function keptXattr(name: string): boolean {
  return name.startsWith('user.') || name.startsWith('trusted.') || name.startsWith('security.');
}

export function tmpfsGetxattr(node: WithXattrs, name: string): Uint8Array | Errno {
  if (!keptXattr(name)) return EOPNOTSUPP;
  return (node.xattrs ??= new XattrStore()).get(name);
}
export function tmpfsSetxattr(node: WithXattrs & Inode, name: string, value: Uint8Array, flags: number): number {
  if (!keptXattr(name)) return EOPNOTSUPP;
  const r = (node.xattrs ??= new XattrStore()).set(name, value, flags);
  if (r === 0) node.touch(ATTR_CTIME);
  return r;
}
export function tmpfsRemovexattr(node: WithXattrs & Inode, name: string): number {
  if (!keptXattr(name)) return EOPNOTSUPP;
  const r = (node.xattrs ??= new XattrStore()).remove(name);
  if (r === 0) node.touch(ATTR_CTIME);
  return r;
}

export class TmpfsRegular extends PagedInode {
  xattrs: XattrStore | null = null;
  constructor(sb: Tmpfs, mode: number) {
    super(sb, sb.allocateIno(), S_IFREG | mode);
    this.cache = new PageCache(sb.vfs.memory, null);
    this.cache.account = sb;
    this.touchNew();
  }
  private touchNew(): void {
    this.touch(-1);
    this.btimeSec = this.ctimeSec;
    this.btimeNsec = this.ctimeNsec;
  }
  override refresh(): number {
    // A mapping may have added pages.
    this.blocks = this.cache.pages * 8;
    return 0;
  }
  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    return new RegularFile(path, flags, this);
  }
  override get keepsFlags(): boolean {
    return true;
  }
  override setattr(ctx: VfsContext, attrs: SetAttributes): number {
    if (attrs.valid & ATTR_SIZE) {
      const r = this.resize(ctx, attrs.size);
      if (r < 0) return r;
    }
    copyAttributes(this, attrs);
    return 0;
  }
  override evict(): void {
    this.cache.unref();
    (this.sb as Tmpfs).releaseInode();
  }
  override getxattr(_ctx: VfsContext, name: string): Uint8Array | Errno {
    return tmpfsGetxattr(this, name);
  }
  override setxattr(_ctx: VfsContext, name: string, value: Uint8Array, flags: number): number {
    return tmpfsSetxattr(this, name, value, flags);
  }
  override removexattr(_ctx: VfsContext, name: string): number {
    return tmpfsRemovexattr(this, name);
  }
  override dropFileCapabilities(): void {
    this.xattrs?.remove(XATTR_SECURITY_CAPABILITY);
  }
  override listxattr(): string[] | Errno {
    return this.xattrs === null ? [] : this.xattrs.names();
  }
}

/** Symbolic links, FIFOs, sockets and devices. */
export class TmpfsSpecial extends Inode {
  xattrs: XattrStore | null = null;
  private readonly target: string;
  constructor(sb: Tmpfs, mode: number, rdev: number, target: string) {
    super(sb, sb.allocateIno(), mode);
    this.rdev = rdev;
    this.target = target;
    this.size = target.length;
    this.touch(-1);
    this.btimeSec = this.ctimeSec;
    this.btimeNsec = this.ctimeNsec;
    // Long targets take a page.
    if (target.length >= 128) this.blocks = 8;
  }
  override readlink(ctx: VfsContext): string | Errno {
    return this.isSymlink ? this.target : super.readlink(ctx);
  }
  override setattr(_ctx: VfsContext, attrs: SetAttributes): number {
    copyAttributes(this, attrs);
    return 0;
  }
  override evict(): void {
    (this.sb as Tmpfs).releaseInode();
  }
  override getxattr(_ctx: VfsContext, name: string): Uint8Array | Errno {
    return tmpfsGetxattr(this, name);
  }
  override setxattr(_ctx: VfsContext, name: string, value: Uint8Array, flags: number): number {
    return tmpfsSetxattr(this, name, value, flags);
  }
  override removexattr(_ctx: VfsContext, name: string): number {
    return tmpfsRemovexattr(this, name);
  }
  override listxattr(): string[] | Errno {
    return this.xattrs === null ? [] : this.xattrs.names();
  }
}
