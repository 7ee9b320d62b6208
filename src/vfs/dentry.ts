/**
 * Directory entries: the cache of names. A name is a string whose char codes are the bytes of the name (latin1 decoding),
 * so that any byte sequence survives; only the host layer turns names into the host's own form.
 */
import type { Inode } from './inode.ts';
import type { Mount } from './mount.ts';
import type { SuperBlock } from './super-block.ts';

export class Dentry {
  readonly sb: SuperBlock;
  /** The root of a file system is its own parent, as in Linux. */
  parent: Dentry;
  name: string;
  /** null: a negative entry (the name is known not to exist). */
  inode: Inode | null;
  /** Cached children by name, negative ones included. */
  children: Map<string, Dentry> | null = null;
  /** Mounts whose mount point this is, in the order they were made; null for nearly all. */
  mounts: Mount[] | null = null;
  /** False once unlinked: the entry lives on for those who hold it ("(deleted)"). */
  hashed = true;

  constructor(sb: SuperBlock, parent: Dentry | null, name: string, inode: Inode | null) {
    this.sb = sb;
    this.parent = parent ?? this;
    this.name = name;
    this.inode = inode;
  }

  get isRoot(): boolean {
    return this.parent === this;
  }

  /** The cached child of that name, or undefined if the file system has to be asked. */
  cachedChild(name: string): Dentry | undefined {
    return this.children === null ? undefined : this.children.get(name);
  }

  /** Puts a child into the cache, positive or negative, and returns it. */
  addChild(name: string, inode: Inode | null): Dentry {
    const d = new Dentry(this.sb, this, name, inode);
    (this.children ??= new Map()).set(name, d);
    return d;
  }

  /** Takes a name out of the cache (unlink, rmdir, stale entry). The dentry keeps its inode for its holders. */
  unhash(): void {
    const siblings = this.parent.children;
    if (siblings !== null && siblings.get(this.name) === this) siblings.delete(this.name);
    this.hashed = false;
  }

  /** Drops what is remembered of a name, for good, unless something is mounted there. */
  forgetChild(name: string): void {
    const d = this.cachedChild(name);
    if (d !== undefined && d.mounts === null) d.unhash();
  }

  /** Moves the entry to another name: what rename does to the cache. */
  move(newParent: Dentry, newName: string): void {
    const siblings = this.parent.children;
    if (siblings !== null && siblings.get(this.name) === this) siblings.delete(this.name);
    this.parent = newParent;
    this.name = newName;
    this.hashed = true;
    (newParent.children ??= new Map()).set(newName, this);
  }

  /** True if `this` is `other` or above it. */
  isAncestorOf(other: Dentry): boolean {
    for (let d = other; ; d = d.parent) {
      if (d === this) return true;
      if (d.parent === d) return false;
    }
  }
}
