/** What all host inodes share; symbolic links and special files need nothing more. */
import type { Errno } from '../../abi/errno.ts';
import { ENOENT } from '../../abi/errno.ts';
import type { KGid, KUid } from '../../abi/ids.ts';
import { S_IFMT } from '../../abi/stat.ts';
import type { HostStat } from '../../host/host-files.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { ATTR_ATIME, ATTR_GID, ATTR_MODE, ATTR_MTIME, ATTR_SIZE, ATTR_UID, Inode, type SetAttributes } from '../../vfs/inode.ts';
import type { HostDirectory } from './directory.ts';
import type { HostFileSystem } from './host-file-system.ts';

export class HostInode extends Inode {
  readonly host: HostFileSystem;
  /** Where it was last seen: the host path is made of these. */
  protected parent: HostDirectory | null;
  protected name: string;
  hostDev: number;
  /** Unlinked on the host: only an open descriptor still reaches it. */
  gone = false;
  /** When the attributes were fetched. */
  private fetched = 0;
  private target: string | null = null;

  constructor(host: HostFileSystem, s: HostStat, parent: HostDirectory | null, name: string) {
    super(host, s.ino, s.mode);
    this.host = host;
    this.parent = parent;
    this.name = name;
    this.hostDev = s.dev;
    this.dev = host.deviceFor(s.dev);
    this.fill(s);
  }

  place(parent: HostDirectory | null, name: string): void {
    this.parent = parent;
    this.name = name;
  }

  /** Absolute host path. */
  path(): string {
    return this.parent === null ? this.host.rootPath || '/' : this.parent.prefix() + this.name;
  }

  fill(s: HostStat): void {
    this.mode = s.mode;
    this.nlink = s.nlink;
    this.uid = s.uid as KUid;
    this.gid = s.gid as KGid;
    this.rdev = s.rdev;
    this.size = s.size;
    this.blocks = s.blocks;
    this.atimeSec = s.atimeSec;
    this.atimeNsec = s.atimeNsec;
    this.mtimeSec = s.mtimeSec;
    this.mtimeNsec = s.mtimeNsec;
    this.ctimeSec = s.ctimeSec;
    this.ctimeNsec = s.ctimeNsec;
    this.btimeSec = s.btimeSec;
    this.btimeNsec = s.btimeNsec;
    this.fetched = this.host.now();
  }

  /** Fetches the attributes again; ENOENT if another file has the name now. */
  protected fetch(): number {
    const host = this.host;
    const s = host.stat;
    const r = this.statNow(s);
    if (r < 0) return r;
    if (s.ino !== this.ino || s.dev !== this.hostDev || (s.mode & S_IFMT) !== (this.mode & S_IFMT)) return ENOENT;
    this.fill(s);
    return 0;
  }
  protected statNow(s: HostStat): number {
    return this.host.files.lstat(this.path(), s);
  }
  override refresh(_ctx: VfsContext): number {
    if (this.host.cached || this.gone) return 0;
    const r = this.fetch();
    return r === ENOENT ? 0 : r;
  }
  override revalidate(_ctx: VfsContext): boolean {
    if (this.host.cached || !this.host.expired(this.fetched)) return !this.gone;
    return !this.gone && this.fetch() === 0;
  }

  override readlink(ctx: VfsContext): string | Errno {
    if (!this.isSymlink) return super.readlink(ctx);
    if (this.target !== null) return this.target;
    const target = this.host.files.readlink(this.path());
    if (typeof target === 'string') this.target = target;
    return target;
  }

  override setattr(_ctx: VfsContext, attrs: SetAttributes): number {
    const host = this.host;
    let r = host.checkWritable();
    if (r < 0) return r;
    const path = this.path();
    if (attrs.valid & (ATTR_UID | ATTR_GID)) {
      r = host.files.lchown(path, attrs.valid & ATTR_UID ? attrs.uid : this.uid, attrs.valid & ATTR_GID ? attrs.gid : this.gid);
      if (r < 0) return r;
    }
    if (attrs.valid & ATTR_MODE && !this.isSymlink) {
      r = host.files.chmod(path, attrs.mode & 0o7777);
      if (r < 0) return r;
    }
    if (attrs.valid & (ATTR_ATIME | ATTR_MTIME) && (attrs.valid & ATTR_SIZE) === 0) {
      const a = attrs.valid & ATTR_ATIME;
      const m = attrs.valid & ATTR_MTIME;
      r = host.files.utimens(
        path,
        a ? attrs.atimeSec : this.atimeSec, a ? attrs.atimeNsec : this.atimeNsec,
        m ? attrs.mtimeSec : this.mtimeSec, m ? attrs.mtimeNsec : this.mtimeNsec,
      );
      if (r < 0) return r;
    }
    return this.fetch();
  }

  /** A name of it was removed on the host. */
  unlinked(): void {
    this.nlink--;
    if (this.nlink <= 0) {
      this.nlink = 0;
      this.gone = true;
      this.host.forget(this);
    }
  }
}
