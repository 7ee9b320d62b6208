/** Words for maps of generated files: `{ comm: file(makeComm, writeComm), fdinfo: dir({…}), exe: link(…) }`. */
import type { Errno } from '../../abi/errno.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Inode } from '../../vfs/inode.ts';
import type { Path } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import type { SuperBlock } from '../../vfs/super-block.ts';

/** Text (char codes are bytes) or bytes of a file, or why it cannot be read. */
export type Generator<S> = (subject: S, ctx: VfsContext) => string | Uint8Array | Errno;
/** Takes what was written in one write(2) at offset `at`, as text whose char codes are bytes: 0 (all of it), how many bytes, or errno. */
export type Acceptor<S> = (subject: S, ctx: VfsContext, text: string, description: FileDescription, at: number) => number;

export interface FileEntry<S> {
  readonly kind: 'file';
  readonly mode: number;
  readonly read: Generator<S> | null;
  readonly write: Acceptor<S> | null;
  /** Instead of the mode bits: may `ctx` access it so (MAY_ bits)? 0 or errno. Needs a super block with customPermission. */
  readonly access?: (subject: S, ctx: VfsContext, mask: number) => number;
  /** A check at open, on top of the mode bits: 0 or errno. */
  readonly mayOpen: ((subject: S, ctx: VfsContext, flags: number) => number) | null;
  /** Linux's seq_file: read anywhere, but written only where the position is. */
  readonly sequential?: boolean;
  /** Numbers of /proc/sys: read in one go from the start; what is written behind it is ignored (sysctl_writes_strict). */
  readonly fromStart?: boolean;
  /** Whose root owns it, if not the initial one's. */
  readonly owner?: (ctx: VfsContext) => UserNamespace;
  /** Ready mask, for files whose change can be waited for. */
  readonly poll: ((subject: S, table: PollTable | null) => number) | null;
}

/** A file with a description of its own (mem, pagemap): everything but the attributes is the opener's. */
export interface SpecialEntry<S> {
  readonly kind: 'special';
  readonly mode: number;
  readonly open: (subject: S, ctx: VfsContext, path: Path, flags: number) => FileDescription | Errno;
}

export interface DirectoryEntry<S> {
  readonly kind: 'directory';
  readonly mode: number;
  readonly entries: Entries<S>;
  readonly names: readonly string[];
  /** Position of each name. */
  readonly positions: ReadonlyMap<string, number>;
  /** Links of the directory: "." and "..", and those of its directories. */
  readonly links: number;
  /** A place to mount something on, which stays empty: covering it hides nothing (sysfs_create_mount_point). */
  readonly mountPoint: boolean;
}

export interface LinkEntry<S> {
  readonly kind: 'link';
  readonly mode: number;
  /** What readlink(2) says. */
  readonly target: (subject: S, ctx: VfsContext) => string | Errno;
  /** Where a walk goes, for links that lead to a place and not to a name; null: walks the target. */
  readonly follow: ((subject: S, ctx: VfsContext) => Path | Errno) | null;
}

/** A directory whose names come and go: its inode is made by a function. */
export interface DynamicEntry<S> {
  readonly kind: 'dynamic';
  readonly mode: number;
  readonly make: (sb: SuperBlock, ino: number, subject: S) => Inode;
}

export type Entry<S> = FileEntry<S> | SpecialEntry<S> | DirectoryEntry<S> | LinkEntry<S> | DynamicEntry<S>;
export type Entries<S> = Readonly<Record<string, Entry<S>>>;

/** A file to read (mode 0444 unless said otherwise). */
export function file<S>(read: Generator<S>, mode = 0o444, mayOpen: FileEntry<S>['mayOpen'] = null): FileEntry<S> {
  return { kind: 'file', mode, read, write: null, mayOpen, poll: null };
}
/** A file to read and write (mode 0644 unless said otherwise). */
export function writable<S>(read: Generator<S> | null, write: Acceptor<S>, mode = 0o644): FileEntry<S> {
  return { kind: 'file', mode, read, write, mayOpen: null, poll: null };
}
export function dir<S>(entries: Entries<S>, mode = 0o555): DirectoryEntry<S> {
  const names = Object.keys(entries);
  const links = 2 + Object.values(entries).filter((e) => e.kind === 'directory').length;
  return { kind: 'directory', mountPoint: false, mode, entries, names, positions: new Map(names.map((name, i) => [name, i])), links };
}
/** An empty directory to mount something on. */
export function mountPoint<S>(mode = 0o555): DirectoryEntry<S> {
  return { ...dir<S>({}, mode), mountPoint: true };
}
export function link<S>(target: LinkEntry<S>['target'], follow: LinkEntry<S>['follow'] = null): LinkEntry<S> {
  return { kind: 'link', mode: 0o777, target, follow };
}
export function dynamic<S>(make: DynamicEntry<S>['make'], mode = 0o555): DynamicEntry<S> {
  return { kind: 'dynamic', mode, make };
}
export function special<S>(mode: number, open: SpecialEntry<S>['open']): SpecialEntry<S> {
  return { kind: 'special', mode, open };
}
