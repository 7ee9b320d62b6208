/** Files without a name in any tree: anonymous inodes (eventfd, epoll …), pipes, sockets. */
import { ANON_INODE_FS_MAGIC, S_IFIFO } from '../abi/stat.ts';
import { EOPNOTSUPP } from '../abi/errno.ts';
import { copyAttributes } from './attributes.ts';
import type { VfsContext } from './context.ts';
import { Dentry } from './dentry.ts';
import { Inode, type SetAttributes } from './inode.ts';
import { Mount, Path } from './mount.ts';
import { SuperBlock } from './super-block.ts';
import type { Vfs } from './vfs.ts';

/** An internal file system whose files are named "pipe:[5]" or "anon_inode:[eventfd]". */
export class PseudoFileSystem extends SuperBlock {
  override readonly multigrain: boolean = false;
  private nextIno = 1;
  readonly mount: Mount;

  constructor(vfs: Vfs, typeName: string, magic: number) {
    super(vfs, typeName, magic);
    this.initRoot(new PseudoInode(this, S_IFIFO));
    this.mount = new Mount(this, this.root, 0, typeName);
  }

  allocateIno(): number {
    return this.nextIno++;
  }

  /** A place for a new file; `name` is what pathName gives: see pseudoName. */
  path(name: string, inode: Inode): Path {
    const dentry = new Dentry(this, this.root, name, inode);
    dentry.hashed = false;
    return new Path(this.mount, dentry);
  }

  override pseudoName(dentry: Dentry): string | null {
    return dentry.name;
  }
}

/** An inode that has attributes and nothing else. */
export class PseudoInode extends Inode {
  constructor(sb: PseudoFileSystem, mode: number) {
    super(sb, sb.allocateIno(), mode);
    this.touch(-1);
  }
  /** Pipes and sockets have an owner and a mode, which count for nothing once they are open (simple_setattr). */
  override setattr(_ctx: VfsContext, attrs: SetAttributes): number {
    copyAttributes(this, attrs);
    return 0;
  }
}

/** Of what has no attributes of its own: they cannot be changed (anon_inode_setattr). */
class FixedInode extends PseudoInode {
  override setattr(): number {
    return EOPNOTSUPP;
  }
}

/** The anonymous inode file system: all its descriptions share one inode, mode 0600 and no type, as in Linux. */
export class AnonymousInodes extends PseudoFileSystem {
  private readonly inode: PseudoInode;
  constructor(vfs: Vfs) {
    super(vfs, 'anon_inodefs', ANON_INODE_FS_MAGIC);
    this.inode = new FixedInode(this, 0o600);
  }
  /** A path for a description of class `name`: anonymousPath('[eventfd]') is shown as "anon_inode:[eventfd]". */
  anonymousPath(name: string): Path {
    return this.path('anon_inode:' + name, this.inode);
  }
}
