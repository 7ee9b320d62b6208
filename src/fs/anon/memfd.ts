/** memfd: unnamed files of a tmpfs that is mounted nowhere. Facts: Linux 6.18 mm/memfd.c; man 2 memfd_create. */
import { MFD_ALLOW_SEALING, MFD_NOEXEC_SEAL } from '../../abi/anon-fd.ts';
import { type Errno, isErr } from '../../abi/errno.ts';
import { F_SEAL_EXEC, F_SEAL_SEAL, O_RDWR } from '../../abi/fcntl.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { Dentry } from '../../vfs/dentry.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import { Mount, Path } from '../../vfs/mount.ts';
import type { PagedInode } from '../../vfs/regular-file.ts';
import type { Vfs } from '../../vfs/vfs.ts';
import { Tmpfs } from '../tmpfs/tmpfs.ts';

/** Its files are shown by their own name, from whatever root one looks. */
class MemoryFiles extends Tmpfs {
  override pseudoName(dentry: Dentry): string | null {
    return `/${dentry.name} (deleted)`;
  }
}

/** The internal mount of each kernel (Linux's shm_mnt). */
const mounts = new WeakMap<Vfs, Mount>();

function internalMount(vfs: Vfs): Mount {
  let mount = mounts.get(vfs);
  if (mount === undefined) {
    const sb = new MemoryFiles(vfs, { mode: 0o1777 });
    mount = new Mount(sb, sb.root, 0, 'tmpfs');
    mounts.set(vfs, mount);
  }
  return mount;
}

/** A new memory file, open for reading and writing; `flags`: MFD_. Named "/memfd:NAME (deleted)". */
export function openMemfd(ctx: VfsContext, vfs: Vfs, name: string, flags: number): FileDescription | Errno {
  const mount = internalMount(vfs);
  const root = mount.root.inode as Inode; // a mount's root is positive
  const inode = root.tmpfile(ctx, flags & MFD_NOEXEC_SEAL ? 0o666 : 0o777);
  if (isErr(inode)) return inode;
  const file = inode as PagedInode;
  if (flags & MFD_NOEXEC_SEAL) file.seals = F_SEAL_EXEC;
  else file.seals = flags & MFD_ALLOW_SEALING ? 0 : F_SEAL_SEAL;
  const dentry = new Dentry(mount.sb, mount.root, `memfd:${name}`, inode);
  dentry.hashed = false;
  return inode.openFile(ctx, new Path(mount, dentry), O_RDWR);
}
