/** File handles: numbers that name a file of a file system for as long as it exists. Linux fs/exportfs/expfs.c. */
import { FILEID_INO64_GEN } from '../abi/fcntl.ts';
import type { Dentry } from './dentry.ts';

export interface FileHandle {
  /** FILEID_. */
  readonly type: number;
  /** 32 bits each. */
  readonly words: readonly number[];
}

/** The handle of files that cannot be opened by it: inode number and generation. */
export function inoHandle64(dentry: Dentry): FileHandle {
  const { ino } = dentry.inode!; // handles are of existing files
  return { type: FILEID_INO64_GEN, words: [ino % 4294967296, Math.floor(ino / 4294967296), 0] };
}

/** Files by inode number, of those whose handle somebody has: file systems in memory have no other way back. */
export class HandleTable {
  private readonly byIno: Map<number, Dentry> = new Map();
  private limit = 1024;

  remember(dentry: Dentry): void {
    const inode = dentry.inode!; // handles are of existing files
    if (!this.byIno.has(inode.ino) && this.byIno.size >= this.limit) this.forgetDead();
    this.byIno.set(inode.ino, dentry);
  }
  /** The file, if it is there still. */
  find(ino: number): Dentry | undefined {
    const dentry = this.byIno.get(ino);
    if (dentry === undefined || isAlive(dentry)) return dentry;
    this.byIno.delete(ino);
    return undefined;
  }
  private forgetDead(): void {
    for (const [ino, dentry] of this.byIno) if (!isAlive(dentry)) this.byIno.delete(ino);
    this.limit = Math.max(1024, this.byIno.size * 2);
  }
}

function isAlive(dentry: Dentry): boolean {
  const inode = dentry.inode;
  return inode !== null && (inode.nlink > 0 || inode.openCount > 0);
}
