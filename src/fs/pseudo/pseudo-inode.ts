/** Inodes of generated file systems. */
import { EACCES, ENOENT, EPERM } from '../../abi/errno.ts';
import type { Errno } from '../../abi/errno.ts';
import { INVALID_KGID, INVALID_KUID, type KGid, type KUid, ROOT_KGID, ROOT_KUID } from '../../abi/ids.ts';
import { DT_DIR, DT_LNK, DT_REG, S_IFDIR, S_IFLNK, S_IFREG } from '../../abi/stat.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { DirectoryEmitter } from '../../vfs/file-description.ts';
import { ATTR_ATIME, ATTR_CTIME, ATTR_GID, ATTR_MODE, ATTR_MTIME, ATTR_UID, Inode } from '../../vfs/inode.ts';
import type { SetAttributes } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import { SuperBlock } from '../../vfs/super-block.ts';
import type { DirectoryEntry, Entries, Entry, FileEntry, LinkEntry, SpecialEntry } from './entries.ts';
import { TextFile } from './text-file.ts';

/** A file system of generated files: gives out inode numbers. */
export abstract class PseudoSuperBlock extends SuperBlock {
  override readonly stable: boolean = false;
  override readonly multigrain: boolean = false;
  override readonly cachesNegative: boolean = false;
  private nextIno = 1;
  /** The first of `count` fresh inode numbers. */
  allocateInos(count: number): number {
    const first = this.nextIno;
    this.nextIno += count;
    return first;
  }
}

/** What is particular about the things that a tree of generated files describes. */
export interface SubjectPolicy<S> {
  /** Sets uid and gid of an inode of the subject (and mode, if it changes). */
  stamp(inode: Inode, subject: S): void;
  /** What reading or writing a file says that has nothing for it; EIO if not said. */
  readonly unhandled?: Errno;
  /** False once the subject is gone: its names stop existing. */
  alive(subject: S): boolean;
  /** Instead of the mode bits: may `ctx` access the inode so (MAY_ bits)? 0, errno, or undefined: the mode bits decide. Needs a super block with customPermission. */
  permission?(inode: Inode, subject: S, ctx: VfsContext, mask: number): number | undefined;
}

/** The ids of the root of `ns`; those of the initial root where it has none. */
export function rootOf(ns: UserNamespace): [KUid, KGid] {
  const [uid, gid] = [ns.makeKuid(0), ns.makeKgid(0)];
  return [uid === INVALID_KUID ? ROOT_KUID : uid, gid === INVALID_KGID ? ROOT_KGID : gid];
}

/** For subjects that are root's and never go away. */
export const permanent: SubjectPolicy<unknown> = {
  stamp() {},
  alive: () => true,
};

export abstract class PseudoInode<S> extends Inode {
  readonly subject: S;
  protected readonly policy: SubjectPolicy<S>;
  constructor(sb: SuperBlock, ino: number, mode: number, subject: S, policy: SubjectPolicy<S>) {
    super(sb, ino, mode);
    this.subject = subject;
    this.policy = policy;
    this.touch(ATTR_ATIME | ATTR_MTIME | ATTR_CTIME);
    policy.stamp(this, subject);
  }
  override refresh(_ctx: VfsContext): number {
    this.policy.stamp(this, this.subject);
    return 0;
  }
  override revalidate(_ctx: VfsContext): boolean {
    if (!this.policy.alive(this.subject)) return false;
    this.policy.stamp(this, this.subject);
    return true;
  }
  override permission(ctx: VfsContext, mask: number): number | undefined {
    return this.policy.permission?.(this, this.subject, ctx, mask);
  }
  override setattr(_ctx: VfsContext, a: SetAttributes): number {
    if (a.valid & (ATTR_MODE | ATTR_UID | ATTR_GID)) return EPERM;
    // Truncation (opening with O_TRUNC) and times change nothing here.
    return 0;
  }
}

export class TextInode<S> extends PseudoInode<S> {
  private readonly entry: FileEntry<S>;
  constructor(sb: SuperBlock, ino: number, entry: FileEntry<S>, subject: S, policy: SubjectPolicy<S>) {
    super(sb, ino, S_IFREG | entry.mode, subject, policy);
    this.entry = entry;
  }
  override refresh(ctx: VfsContext): number {
    super.refresh(ctx);
    const owner = this.entry.owner?.(ctx);
    if (owner !== undefined) [this.uid, this.gid] = rootOf(owner);
    return 0;
  }
  override permission(ctx: VfsContext, mask: number): number | undefined {
    return this.entry.access === undefined ? super.permission(ctx, mask) : this.entry.access(this.subject, ctx, mask);
  }
  override openFile(ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    if (this.entry.mayOpen !== null) {
      const r = this.entry.mayOpen(this.subject, ctx, flags);
      if (r < 0) return r as Errno;
    }
    return new TextFile(path, flags, this.entry, this.subject, this.policy.unhandled);
  }
}

export class SpecialInode<S> extends PseudoInode<S> {
  private readonly entry: SpecialEntry<S>;
  constructor(sb: SuperBlock, ino: number, entry: SpecialEntry<S>, subject: S, policy: SubjectPolicy<S>) {
    super(sb, ino, S_IFREG | entry.mode, subject, policy);
    this.entry = entry;
  }
  override openFile(ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
    return this.entry.open(this.subject, ctx, path, flags);
  }
}

export class LinkInode<S> extends PseudoInode<S> {
  private readonly entry: LinkEntry<S>;
  constructor(sb: SuperBlock, ino: number, entry: LinkEntry<S>, subject: S, policy: SubjectPolicy<S>) {
    super(sb, ino, S_IFLNK | entry.mode, subject, policy);
    this.entry = entry;
  }
  override readlink(ctx: VfsContext): string | Errno {
    return this.entry.target(this.subject, ctx);
  }
  override followLink(ctx: VfsContext): string | Path | Errno {
    return this.entry.follow === null ? this.entry.target(this.subject, ctx) : this.entry.follow(this.subject, ctx);
  }
}

/** A directory whose names are those of a map. */
export class MapDirectory<S> extends PseudoInode<S> {
  private readonly entry: DirectoryEntry<S>;
  private readonly firstIno: number;
  override readonly alwaysEmpty: boolean;
  constructor(sb: PseudoSuperBlock, ino: number, entry: DirectoryEntry<S>, subject: S, policy: SubjectPolicy<S>) {
    super(sb, ino, S_IFDIR | entry.mode, subject, policy);
    this.entry = entry;
    this.alwaysEmpty = entry.mountPoint;
    this.firstIno = sb.allocateInos(entry.names.length);
    this.nlink = entry.links;
  }
  /** True if this is the directory that `entry` describes. */
  isDirectoryOf(entry: DirectoryEntry<S>): boolean {
    return this.entry.entries === entry.entries;
  }
  override lookup(_ctx: VfsContext, name: string): Inode | Errno {
    const at = this.entry.positions.get(name);
    if (at === undefined) return ENOENT;
    return makeInode(this.sb as PseudoSuperBlock, this.firstIno + at, this.entry.entries[name] as Entry<S>, this.subject, this.policy); // a name has its entry
  }
  override create(): Errno {
    return EACCES;
  }
  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription {
    return new MapDirectoryFile(path, flags, this.entry.names, this.entry.entries as Entries<never>, this.firstIno);
  }
}

const DT_OF_KIND: Readonly<Record<Entry<never>['kind'], number>> = { file: DT_REG, special: DT_REG, directory: DT_DIR, link: DT_LNK, dynamic: DT_DIR };

/** Emits `.` and `..` as positions 0 and 1; false if the emitter is full. */
export function emitDots(description: FileDescription, emitter: DirectoryEmitter): boolean {
  const { dentry } = description.path;
  if (description.pos === 0) {
    if (!emitter.emit('.', dentry.inode?.ino ?? 0, DT_DIR, 1)) return false;
    description.pos = 1;
  }
  if (description.pos === 1) {
    if (!emitter.emit('..', dentry.parent.inode?.ino ?? 0, DT_DIR, 2)) return false;
    description.pos = 2;
  }
  return true;
}

class MapDirectoryFile extends FileDescription {
  private readonly names: readonly string[];
  private readonly entries: Entries<never>;
  private readonly firstIno: number;
  constructor(path: Path, flags: number, names: readonly string[], entries: Entries<never>, firstIno: number) {
    super(path, flags);
    this.names = names;
    this.entries = entries;
    this.firstIno = firstIno;
  }
  override iterate(_ctx: VfsContext, emitter: DirectoryEmitter): number {
    if (!emitDots(this, emitter)) return 0;
    while (this.pos - 2 < this.names.length) {
      const i = this.pos - 2;
      const name = this.names[i] as string;
      if (!emitter.emit(name, this.firstIno + i, DT_OF_KIND[(this.entries[name] as Entry<never>).kind], this.pos + 1)) return 0;
      this.pos++;
    }
    return 0;
  }
}

/** The inode for one entry of a map. */
export function makeInode<S>(sb: PseudoSuperBlock, ino: number, entry: Entry<S>, subject: S, policy: SubjectPolicy<S>): Inode {
  switch (entry.kind) {
    case 'file':
      return new TextInode(sb, ino, entry, subject, policy);
    case 'special':
      return new SpecialInode(sb, ino, entry, subject, policy);
    case 'directory':
      return new MapDirectory(sb, ino, entry, subject, policy);
    case 'link':
      return new LinkInode(sb, ino, entry, subject, policy);
    case 'dynamic':
      return entry.make(sb, ino, subject);
  }
}

/** A directory whose names come and go; subclasses say which there are. */
export abstract class ListedDirectory<S> extends PseudoInode<S> {
  /** Names after `cookie` (2 = from the start), smallest cookie first; each cookie is above the one before. */
  abstract list(ctx: VfsContext, cookie: number): readonly ListedName[] | Errno;
  override openFile(_ctx: VfsContext, path: Path, flags: number): FileDescription {
    return new ListedDirectoryFile(path, flags, this as ListedDirectory<unknown>);
  }
}

export interface ListedName {
  readonly name: string;
  readonly ino: number;
  readonly dtype: number;
  /** Position of this entry. */
  readonly cookie: number;
}

class ListedDirectoryFile extends FileDescription {
  private readonly directory: ListedDirectory<unknown>;
  constructor(path: Path, flags: number, directory: ListedDirectory<unknown>) {
    super(path, flags);
    this.directory = directory;
  }
  override iterate(ctx: VfsContext, emitter: DirectoryEmitter): number {
    if (!emitDots(this, emitter)) return 0;
    const names = this.directory.list(ctx, this.pos);
    if (typeof names === 'number') return names;
    for (const n of names) {
      if (!emitter.emit(n.name, n.ino, n.dtype, n.cookie + 1)) return 0;
      this.pos = n.cookie + 1;
    }
    return 0;
  }
}
