/** A root file system in memory, made from an archive. */
import { EEXIST, ENOTDIR, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { O_WRONLY } from '../abi/fcntl.ts';
import type { KGid, KUid } from '../abi/ids.ts';
import { makedev, S_IFBLK, S_IFCHR, S_IFDIR, S_IFIFO, S_IFREG } from '../abi/stat.ts';
import { BytesIoVector } from '../base/io-vector.ts';
import { Tmpfs } from '../fs/tmpfs/tmpfs.ts';
import type { ArchiveEntry } from '../host/archive.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { ATTR_GID, ATTR_MODE, ATTR_MTIME, ATTR_UID, SetAttributes } from '../vfs/inode.ts';
import type { Inode } from '../vfs/inode.ts';
import { Mount, Path } from '../vfs/mount.ts';
import type { Dentry } from '../vfs/dentry.ts';
import { lookupChild } from '../vfs/path-walk.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { SetupError } from './setup-error.ts';

/** Takes the entries of an archive one after the other. */
export class Unpacker {
  readonly fs: Tmpfs;
  private readonly kernel: Kernel;
  private readonly mount: Mount;
  private readonly attributes: SetAttributes = new SetAttributes();

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    this.fs = new Tmpfs(kernel.vfs, { mode: 0o755, maxPages: 0, maxInodes: 0, directorySize: 4096 });
    this.mount = new Mount(this.fs, this.fs.root, 0, 'archive');
  }

  /** Makes what the entry says; what stands at its name already is replaced unless both are directories. Throws SetupError. */
  add(entry: ArchiveEntry): void {
    const parts = entry.path.split('/').filter((p) => p !== '');
    // Names that lead out of the tree are a hostile archive's.
    if (parts.includes('..')) throw new SetupError(-ENOTDIR, `the archive names ${entry.path}`);
    const name = parts.pop();
    if (name === undefined) {
      this.setAttributes(this.inodeOf(this.fs.root), entry);
      return;
    }
    const parent = this.directory(parts);
    const made = this.make(parent, name, entry);
    if (isErr(made)) throw new SetupError(-(made as Errno), `${entry.path} in the archive cannot be made`);
    parent.cachedChild(name)?.unhash();
    const dentry = parent.addChild(name, made as Inode);
    if (entry.type === 'file' && entry.data.length > 0) this.fill(dentry, entry);
    if (entry.type !== 'hardlink') this.setAttributes(made as Inode, entry);
  }

  private inodeOf(dentry: Dentry): Inode {
    if (dentry.inode === null) throw new SetupError(-ENOTDIR, `${dentry.name} in the archive is not there`);
    return dentry.inode;
  }

  /** The directory at `parts`, made where it is missing. */
  private directory(parts: readonly string[]): Dentry {
    let at = this.fs.root;
    for (const part of parts) {
      const child = lookupChild(this.kernel.init, at, part);
      if (isErr(child)) throw new SetupError(-child, `${part} in the archive cannot be looked up`);
      let next = child as Dentry;
      if (next.inode === null) {
        const made = this.inodeOf(at).mkdir(this.kernel.init, part, S_IFDIR | 0o755);
        if (isErr(made)) throw new SetupError(-made, `${part} in the archive cannot be made`);
        next.unhash();
        next = at.addChild(part, made as Inode);
      }
      if (!this.inodeOf(next).isDirectory) throw new SetupError(-ENOTDIR, `${part} in the archive is no directory`);
      at = next;
    }
    return at;
  }

  private make(parent: Dentry, name: string, entry: ArchiveEntry): Inode | Errno {
    const { init } = this.kernel;
    const dir = this.inodeOf(parent);
    const before = lookupChild(init, parent, name);
    const old = isErr(before) ? null : (before as Dentry).inode;
    if (old !== null) {
      if (old.isDirectory) return entry.type === 'directory' ? old : EEXIST;
      const r = dir.unlink(init, name, old);
      if (r < 0) return r as Errno;
    }
    switch (entry.type) {
      case 'directory':
        return dir.mkdir(init, name, S_IFDIR | entry.mode);
      case 'file':
        return dir.create(init, name, S_IFREG | entry.mode);
      case 'symlink':
        return dir.symlink(init, name, entry.target);
      case 'fifo':
        return dir.mknod(init, name, S_IFIFO | entry.mode, 0);
      case 'character-device':
        return dir.mknod(init, name, S_IFCHR | entry.mode, makedev(entry.deviceMajor, entry.deviceMinor));
      case 'block-device':
        return dir.mknod(init, name, S_IFBLK | entry.mode, makedev(entry.deviceMajor, entry.deviceMinor));
      case 'hardlink': {
        const parts = entry.target.split('/');
        const first = parts.pop() ?? '';
        const target = lookupChild(init, this.directory(parts), first);
        if (isErr(target)) return target as Errno;
        const inode = this.inodeOf(target as Dentry);
        const r = dir.link(init, inode, name);
        return r < 0 ? (r as Errno) : inode;
      }
    }
  }

  private fill(dentry: Dentry, entry: ArchiveEntry): void {
    const { init } = this.kernel;
    const file = this.inodeOf(dentry).open(init, new Path(this.mount, dentry), O_WRONLY);
    if (isErr(file)) throw new SetupError(-file, `${entry.path} in the archive cannot be written`);
    const description = file as FileDescription;
    const iov = new BytesIoVector(entry.data);
    while (iov.remaining > 0) {
      const n = description.write(init, iov, -1);
      if (n <= 0) throw new SetupError(-n, `${entry.path} in the archive does not fit into memory`);
    }
    description.unref();
  }

  private setAttributes(inode: Inode, entry: ArchiveEntry): void {
    const a = this.attributes;
    a.valid = ATTR_UID | ATTR_GID | ATTR_MTIME | (entry.type === 'symlink' ? 0 : ATTR_MODE);
    a.mode = entry.mode;
    a.uid = entry.uid as KUid;
    a.gid = entry.gid as KGid;
    a.mtimeSec = entry.mtimeSec;
    a.mtimeNsec = 0;
    inode.setattr(this.kernel.init, a);
  }
}
