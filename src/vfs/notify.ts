/** File change events (fsnotify): the VFS reports them, inotify and fanotify listen. */
import type { VfsContext } from './context.ts';
import type { Dentry } from './dentry.ts';
import type { FileDescription } from './file-description.ts';
import type { Inode } from './inode.ts';
import type { MountNamespace } from './mount-namespace.ts';
import type { Mount, Path } from './mount.ts';

export const IN_ACCESS = 0x1;
export const IN_MODIFY = 0x2;
export const IN_ATTRIB = 0x4;
export const IN_CLOSE_WRITE = 0x8;
export const IN_CLOSE_NOWRITE = 0x10;
export const IN_OPEN = 0x20;
export const IN_MOVED_FROM = 0x40;
export const IN_MOVED_TO = 0x80;
export const IN_CREATE = 0x100;
export const IN_DELETE = 0x200;
export const IN_DELETE_SELF = 0x400;
export const IN_MOVE_SELF = 0x800;
export const IN_UNMOUNT = 0x2000;
export const IN_ISDIR = 0x40000000;

/** The marks on one inode. */
export interface InodeMarks {
  /** Union of the masks of all marks. */
  readonly mask: number;
  /** `name`: of the child the event is about, or '' for the inode itself. `cookie` connects the two halves of a rename. */
  event(mask: number, name: string, cookie: number): void;
}

let marked = 0;
/** Told by inotify when a mark is set (+1) or removed (-1): without marks, notifications cost one comparison. */
export function countMarks(delta: number): void {
  marked += delta;
}

/** What fanotify adds to the events above: the file was opened to be executed, an entry was renamed; and what its listeners are asked before it happens. */
export const FS_OPEN_EXEC = 0x1000;
export const FS_OPEN_PERM = 0x10000;
export const FS_ACCESS_PERM = 0x20000;
export const FS_OPEN_EXEC_PERM = 0x40000;
export const FS_RENAME = 0x10000000;

/** Listeners to files, mounts and whole file systems (fs/anon/fanotify), of one kernel. */
export interface EventListeners {
  /** Something happened to the file of `dentry`, reached through `mount` (null: not through any). */
  fileEvent(mask: number, dentry: Dentry, mount: Mount | null): void;
  /** The entry `name`, leading to the file of `child`, was made in, or taken from, the directory `parent`. */
  entryEvent(mask: number, parent: Dentry, name: string, child: Dentry): void;
  renameEvent(oldParent: Dentry, oldName: string, newParent: Dentry, newName: string, child: Dentry): void;
  /** The file itself: its last name is gone, it was moved. */
  inodeEvent(mask: number, inode: Inode): void;
  /** May it be done? 0, EPERM, BLOCKED until they have answered. `created`: the call has just made the file. */
  ask(ctx: VfsContext, path: Path, mask: number, created: boolean): number;
  /** The call made the file before it was asked about. */
  createdBefore(ctx: VfsContext, inode: Inode): boolean;
  /** A mount came into a namespace or left it. */
  mountEvent(ns: MountNamespace, mount: Mount, attached: boolean): void;
}

/** An event about the file of `dentry`: to its own marks and, with its name, to its parent's. */
export function notify(dentry: Dentry, mask: number, mount: Mount | null): void {
  if (marked === 0) return;
  const inode = dentry.inode;
  const m = (inode !== null && inode.isDirectory ? mask | IN_ISDIR : mask) & ~FS_OPEN_EXEC;
  const parent = dentry.parent.inode;
  if (dentry.parent !== dentry && parent !== null) {
    if (parent.marks !== null) parent.marks.event(m, dentry.name, 0);
    if (parent.dnotify !== null) parent.dnotify.event(mask);
  }
  if (inode !== null && inode.marks !== null) inode.marks.event(m, '', 0);
  dentry.sb.vfs.listeners?.fileEvent(mask, dentry, mount);
}
/** The same for what is done through an open file. */
export function notifyFile(file: FileDescription, mask: number): void {
  if (marked !== 0 && file.notifies) notify(file.path.dentry, mask, file.path.mount);
}

/** An event about the entry `name` of a directory (create, delete, move), which leads to the file of `child`. */
export function notifyEntry(parent: Dentry, mask: number, child: Dentry, cookie = 0, name: string = child.name): void {
  if (marked === 0) return;
  const directory = parent.inode!; // a directory that was walked is positive
  if (directory.dnotify !== null) directory.dnotify.event(mask);
  if (directory.marks !== null) directory.marks.event(child.inode?.isDirectory ? mask | IN_ISDIR : mask, name, cookie);
  directory.sb.vfs.listeners?.entryEvent(mask, parent, name, child);
}
export function notifyRename(oldParent: Dentry, oldName: string, newParent: Dentry, newName: string, child: Dentry): void {
  if (marked !== 0) child.sb.vfs.listeners?.renameEvent(oldParent, oldName, newParent, newName, child);
}

/** An event about the file `name` of a directory that the file system itself changed. */
export function notifyNamed(directory: Inode, mask: number, name: string): void {
  if (marked !== 0 && directory.marks !== null) directory.marks.event(mask, name, 0);
}

/** An event about an inode alone (delete-self, move-self). */
export function notifyInode(inode: Inode, mask: number): void {
  if (marked === 0) return;
  if (inode.marks !== null) inode.marks.event(mask, '', 0);
  inode.sb.vfs.listeners?.inodeEvent(mask, inode);
}

/** Asks those who want to be asked: 0, EPERM, or BLOCKED. */
export function askPermission(ctx: VfsContext, path: Path, mask: number, created: boolean, silent = false): number {
  if (marked === 0 || silent) return 0;
  return path.mount.sb.vfs.listeners?.ask(ctx, path, mask, created) ?? 0;
}
export function createdBefore(ctx: VfsContext, inode: Inode): boolean {
  return marked !== 0 && (inode.sb.vfs.listeners?.createdBefore(ctx, inode) ?? false);
}

let lastCookie = 0;
/** A number that connects IN_MOVED_FROM and IN_MOVED_TO. */
export function nextRenameCookie(): number {
  return ++lastCookie;
}
