/** A read-only tree with a layer in memory on top that takes the writes. */
import { OverlayFs } from '../fs/overlay/overlay-fs.ts';
import { Tmpfs } from '../fs/tmpfs/tmpfs.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Inode } from '../vfs/inode.ts';
import type { SuperBlock } from '../vfs/super-block.ts';

/** Bytes that a directory of ext4 has at least: directories made in the upper layer look like it. */
const DIRECTORY_SIZE = 4096;

/** Share of the guest's memory that files may take: a full overlay is ENOSPC, and programs still run. */
const UPPER_SHARE = 0.75;

/** The root of `lower`, a directory or a single file, under an empty upper layer. */
export function makeOverlay(kernel: Kernel, lower: SuperBlock): SuperBlock {
  const root = lower.root.inode;
  if (root === null) return lower;
  if (!root.isDirectory) return OverlayFs.ofFile(kernel.vfs, emptyDirectory(kernel), emptyDirectory(kernel), root);
  const upper = new Tmpfs(kernel.vfs, { mode: root.mode & 0o7777, uid: root.uid, gid: root.gid, maxPages: Math.floor(kernel.vfs.memory.total * UPPER_SHARE), maxInodes: 0, directorySize: DIRECTORY_SIZE });
  copyTimes(root, upper.root.inode!); // a fresh root is positive
  return new OverlayFs(kernel.vfs, { upper: upper.root.inode, lowers: [root], redirect: true, transparent: true, shownOptions: '' });
}

/** The root of a file system in memory. */
function emptyDirectory(kernel: Kernel): Inode {
  return new Tmpfs(kernel.vfs, { mode: 0o755 }).root.inode!; // a fresh root is positive
}

/** The merged root shows the times of the upper one: as if nothing had happened yet. */
function copyTimes(from: Inode, to: Inode): void {
  to.atimeSec = from.atimeSec;
  to.atimeNsec = from.atimeNsec;
  to.mtimeSec = from.mtimeSec;
  to.mtimeNsec = from.mtimeNsec;
  to.ctimeSec = from.ctimeSec;
  to.ctimeNsec = from.ctimeNsec;
  to.btimeSec = from.btimeSec;
  to.btimeNsec = from.btimeNsec;
}
