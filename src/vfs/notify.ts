/** File change events (fsnotify): the VFS reports them, inotify listens. */
import type { Dentry } from './dentry.ts';
import type { Inode } from './inode.ts';

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

/** An event about the file of `dentry`: to its own marks and, with its name, to its parent's. */
export function notify(dentry: Dentry, mask: number): void {
  if (marked === 0) return;
  const inode = dentry.inode;
  const m = inode !== null && inode.isDirectory ? mask | IN_ISDIR : mask;
  const parent = dentry.parent.inode;
  if (dentry.parent !== dentry && parent !== null) {
    if (parent.marks !== null) parent.marks.event(m, dentry.name, 0);
    if (parent.dnotify !== null) parent.dnotify.event(mask);
  }
  if (inode !== null && inode.marks !== null) inode.marks.event(m, '', 0);
}

/** An event about the entry `name` of a directory (create, delete, move). */
export function notifyEntry(directory: Inode, mask: number, name: string, isDirectory: boolean, cookie = 0): void {
  if (marked === 0) return;
  if (directory.dnotify !== null) directory.dnotify.event(mask);
  if (directory.marks !== null) directory.marks.event(isDirectory ? mask | IN_ISDIR : mask, name, cookie);
}

/** An event about an inode alone (delete-self, move-self). */
export function notifyInode(inode: Inode, mask: number): void {
  if (marked === 0 || inode.marks === null) return;
  inode.marks.event(mask, '', 0);
}

let lastCookie = 0;
/** A number that connects IN_MOVED_FROM and IN_MOVED_TO. */
export function nextRenameCookie(): number {
  return ++lastCookie;
}
