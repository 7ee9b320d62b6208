/** What fanotify groups listen to: marks on inodes, mounts, file systems and mount namespaces. Linux fs/notify/mark.c, fs/notify/fanotify/fanotify.c. */
import { FAN_EVENT_ON_CHILD, FAN_MARK_FILESYSTEM, FAN_MARK_MNTNS, FAN_MARK_MOUNT, FAN_MNT_ATTACH, FAN_MNT_DETACH, FAN_ONDIR, FAN_RENAME } from '../../abi/fanotify.ts';
import { IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO } from '../../vfs/notify.ts';
import { WaitQueue } from '../../base/wait-queue.ts';
import type { Kernel } from '../../kernel/kernel.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { Dentry } from '../../vfs/dentry.ts';
import type { Inode } from '../../vfs/inode.ts';
import { MountNamespace } from '../../vfs/mount-namespace.ts';
import { Mount, type Path } from '../../vfs/mount.ts';
import { countMarks, type EventListeners } from '../../vfs/notify.ts';
import { SuperBlock } from '../../vfs/super-block.ts';
import type { FanotifyGroup } from './fanotify.ts';

export type MarkedObject = Inode | Mount | SuperBlock | MountNamespace;

/** Events about an entry of a directory. */
export const ENTRY_EVENTS: number = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | FAN_RENAME;

/** One group's interest in one object. */
export class Mark {
  readonly group: FanotifyGroup;
  readonly object: MarkedObject;
  mask = 0;
  ignore = 0;
  /** The ignore mask has FAN_ONDIR and FAN_EVENT_ON_CHILD in it (FAN_MARK_IGNORE). */
  ignoreHasFlags = false;
  /** Ignoring goes on when the file changes. */
  ignoreSurvives = false;
  evictable = false;
  constructor(group: FanotifyGroup, object: MarkedObject) {
    this.group = group;
    this.object = object;
  }
}

/** Somebody waits for listeners to say whether it may go on; the calling task keeps it. */
export class PermissionRequest {
  readonly inode: Inode;
  readonly mask: number;
  readonly created: boolean;
  readonly queue: WaitQueue = new WaitQueue();
  /** Answers that are missing. */
  pending = 0;
  denied = 0;
  constructor(inode: Inode, mask: number, created: boolean) {
    this.inode = inode;
    this.mask = mask;
    this.created = created;
  }
  /** `errno`: 0 allows. */
  answer(errno: number): void {
    if (errno !== 0) this.denied = errno;
    if (--this.pending === 0) this.queue.wake();
  }
}

/** What an event is about, for the groups to make a record of. */
export interface EventSource {
  readonly mask: number;
  readonly isDirectory: boolean;
  /** The file, and the place if it was reached by one. */
  readonly dentry: Dentry;
  readonly mount: Mount | null;
  /** The directory it stands in and its name there; null: not known. */
  readonly parent: Dentry | null;
  readonly name: string;
  /** Of a rename: where it went. */
  readonly newParent: Dentry | null;
  readonly newName: string;
}

/** How an object takes part in an event. */
export type Role = 'self' | 'newParent' | 'parent' | 'mount' | 'sb';

export class FanotifyMarks implements EventListeners {
  readonly kernel: Kernel;
  private readonly byObject: Map<MarkedObject, Mark[]> = new Map();

  constructor(kernel: Kernel) {
    this.kernel = kernel;
    kernel.vfs.mountReleased = (mount) => this.forget(mount);
  }

  /** Groups there are. */
  groups = 0;
  /** FAN_MARK_MOUNT …: how an object is marked. */
  static typeOf(object: MarkedObject): number {
    if (object instanceof Mount) return FAN_MARK_MOUNT;
    if (object instanceof SuperBlock) return FAN_MARK_FILESYSTEM;
    return object instanceof MountNamespace ? FAN_MARK_MNTNS : 0;
  }
  marksOf(object: MarkedObject): readonly Mark[] {
    return this.byObject.get(object) ?? [];
  }
  find(group: FanotifyGroup, object: MarkedObject): Mark | undefined {
    return this.marksOf(object).find((m) => m.group === group);
  }
  add(mark: Mark): void {
    const list = this.byObject.get(mark.object);
    if (list === undefined) this.byObject.set(mark.object, [mark]);
    else list.push(mark);
    countMarks(1);
  }
  remove(mark: Mark): void {
    const list = this.byObject.get(mark.object);
    const i = list?.indexOf(mark) ?? -1;
    if (list === undefined || i < 0) return;
    list.splice(i, 1);
    if (list.length === 0) this.byObject.delete(mark.object);
    countMarks(-1);
  }
  /** The object is gone: its marks go. */
  private forget(object: MarkedObject): void {
    for (const mark of [...this.marksOf(object)]) mark.group.drop(mark);
  }

  /** Sends an event to every group that wants it. */
  private send(source: EventSource, roles: readonly (readonly [MarkedObject | null, Role])[]): void {
    let groups: Map<FanotifyGroup, (readonly [Mark, Role])[]> | null = null;
    for (const [object, role] of roles) {
      if (object === null) continue;
      for (const mark of this.marksOf(object)) {
        groups ??= new Map();
        const list = groups.get(mark.group);
        if (list === undefined) groups.set(mark.group, [[mark, role]]);
        else list.push([mark, role]);
      }
    }
    if (groups === null) return;
    for (const [group, marks] of groups) {
      const wanted = wantedMask(source, marks);
      if (wanted !== 0) group.event(wanted, source, new Set(marks.filter(([m]) => m.mask & source.mask).map(([, role]) => role)));
      if (source.mask & IN_MODIFY) for (const [mark] of marks) if (!mark.ignoreSurvives && mark.ignore !== 0) mark.ignore = 0;
    }
  }

  fileEvent(mask: number, dentry: Dentry, mount: Mount | null): void {
    if (this.byObject.size === 0 || dentry.inode === null) return;
    const parent = dentry.parent === dentry ? null : dentry.parent;
    const source: EventSource = { mask, isDirectory: dentry.inode.isDirectory, dentry, mount, parent, name: dentry.name, newParent: null, newName: '' };
    this.send(source, [[dentry.inode, 'self'], [parent?.inode ?? null, 'parent'], [mount, 'mount'], [dentry.sb, 'sb']]);
  }
  entryEvent(mask: number, parent: Dentry, name: string, child: Dentry): void {
    if (this.byObject.size === 0) return;
    const source: EventSource = { mask, isDirectory: child.inode?.isDirectory ?? false, dentry: child, mount: null, parent, name, newParent: null, newName: '' };
    this.send(source, [[parent.inode, 'self'], [parent.sb, 'sb']]);
  }
  renameEvent(oldParent: Dentry, oldName: string, newParent: Dentry, newName: string, child: Dentry): void {
    if (this.byObject.size === 0) return;
    const source: EventSource = { mask: FAN_RENAME, isDirectory: child.inode?.isDirectory ?? false, dentry: child, mount: null, parent: oldParent, name: oldName, newParent, newName };
    const roles: (readonly [MarkedObject | null, Role])[] = [[oldParent.inode, 'self'], [oldParent.sb, 'sb']];
    roles.push([newParent.inode, 'newParent']);
    this.send(source, roles);
  }
  inodeEvent(mask: number, inode: Inode): void {
    if (this.byObject.size === 0) return;
    // A file without a name: only its handle is told.
    const dentry = new Dentry(inode.sb, null, '', inode);
    const source: EventSource = { mask, isDirectory: inode.isDirectory, dentry, mount: null, parent: null, name: '', newParent: null, newName: '' };
    this.send(source, [[inode, 'self'], [inode.sb, 'sb']]);
    if (mask & IN_DELETE_SELF) this.forget(inode);
  }
  mountEvent(ns: MountNamespace, mount: Mount, attached: boolean): void {
    for (const mark of this.marksOf(ns)) {
      const mask = attached ? FAN_MNT_ATTACH : FAN_MNT_DETACH;
      if (mark.mask & mask) mark.group.mountEvent(mask, mount.uniqueId);
    }
  }

  /** Asks each group that has a permission mark; the listeners' own files are not asked about. */
  ask(ctx: VfsContext, path: Path, mask: number, created: boolean): number {
    const request = ctx.syscall.object;
    if (request instanceof PermissionRequest && request.inode === path.dentry.inode && request.mask === mask) {
      if (request.pending > 0) return ctx.wait(request.queue);
      ctx.syscall.object = null;
      return request.denied === 0 ? 0 : -request.denied;
    }
    const inode = path.dentry.inode;
    if (this.byObject.size === 0 || inode === null || (!inode.isRegular && !inode.isDirectory)) return 0;
    const { dentry, mount } = path;
    const parent = dentry.parent === dentry ? null : dentry.parent;
    const source: EventSource = { mask, isDirectory: inode.isDirectory, dentry, mount, parent, name: dentry.name, newParent: null, newName: '' };
    const fresh = new PermissionRequest(inode, mask, created);
    const asked = new Map<FanotifyGroup, (readonly [Mark, Role])[]>();
    for (const [object, role] of [[inode, 'self'], [parent?.inode ?? null, 'parent'], [mount, 'mount'], [dentry.sb, 'sb']] as const) {
      if (object === null) continue;
      for (const mark of this.marksOf(object)) asked.set(mark.group, [...(asked.get(mark.group) ?? []), [mark, role]]);
    }
    for (const [group, marks] of asked) {
      const wanted = wantedMask(source, marks);
      if (wanted !== 0) group.askPermission(wanted, source, fresh);
    }
    if (fresh.pending === 0) return 0;
    ctx.syscall.object = fresh;
    return ctx.wait(fresh.queue);
  }
  createdBefore(ctx: VfsContext, inode: Inode): boolean {
    const request = ctx.syscall.object;
    return request instanceof PermissionRequest && request.created && request.inode === inode;
  }
}

/** The part of an event that a group's marks ask for. Linux fanotify_group_event_mask(). */
function wantedMask(source: EventSource, marks: readonly (readonly [Mark, Role])[]): number {
  let wanted = 0;
  let ignored = 0;
  for (const [mark, role] of marks) {
    if (mark.ignore !== 0) {
      const flags = mark.ignoreHasFlags ? mark.ignore : FAN_ONDIR | (mark.mask & FAN_EVENT_ON_CHILD ? FAN_EVENT_ON_CHILD : 0);
      if ((!source.isDirectory || flags & FAN_ONDIR) && (role !== 'parent' || flags & FAN_EVENT_ON_CHILD)) ignored |= mark.ignore;
    }
    if (source.isDirectory && !(mark.mask & FAN_ONDIR)) continue;
    if (role === 'parent' && !(mark.mask & FAN_EVENT_ON_CHILD)) continue;
    wanted |= mark.mask;
  }
  return source.mask & wanted & ~ignored;
}

