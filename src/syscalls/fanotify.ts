/** fanotify_init, fanotify_mark. Linux fs/notify/fanotify/fanotify_user.c. */
import { CAP_AUDIT_WRITE, CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EBADF, EEXIST, EINVAL, EISDIR, EMFILE, ENODEV, ENOENT, ENOTDIR, EOPNOTSUPP, EPERM, type Errno, isErr } from '../abi/errno.ts';
import {
  FAN_ACCESS_PERM, FAN_CLASS_CONTENT, FAN_CLASS_NOTIF, FAN_CLASS_PRE_CONTENT, FAN_CLOEXEC, FAN_ENABLE_AUDIT, FAN_EVENT_ON_CHILD, FAN_FS_ERROR, FAN_MARK_ADD,
  FAN_MARK_DONT_FOLLOW, FAN_MARK_EVICTABLE, FAN_MARK_FILESYSTEM, FAN_MARK_FLUSH, FAN_MARK_IGNORE, FAN_MARK_IGNORED_MASK, FAN_MARK_IGNORED_SURV_MODIFY, FAN_MARK_MNTNS,
  FAN_MARK_MOUNT, FAN_MARK_ONLYDIR, FAN_MARK_REMOVE, FAN_MNT_ATTACH, FAN_MNT_DETACH, FAN_NONBLOCK, FAN_ONDIR, FAN_OPEN_EXEC, FAN_OPEN_EXEC_PERM, FAN_OPEN_PERM,
  FAN_PRE_ACCESS, FAN_RENAME, FAN_REPORT_DIR_FID, FAN_REPORT_FD_ERROR, FAN_REPORT_FID, FAN_REPORT_MNT, FAN_REPORT_NAME, FAN_REPORT_PIDFD, FAN_REPORT_TARGET_FID,
  FAN_REPORT_TID, FAN_UNLIMITED_MARKS, FAN_UNLIMITED_QUEUE,
} from '../abi/fanotify.ts';
import {
  AT_FDCWD, AT_SYMLINK_NOFOLLOW, O_ACCMODE, O_APPEND, O_CLOEXEC, O_DSYNC, O_LARGEFILE, O_NOATIME, O_NONBLOCK, O_RDONLY, O_RDWR, O_SYNC, O_WRONLY,
} from '../abi/fcntl.ts';
import {
  IN_ACCESS, IN_ATTRIB, IN_CLOSE_NOWRITE, IN_CLOSE_WRITE, IN_CREATE, IN_DELETE, IN_DELETE_SELF, IN_MODIFY, IN_MOVED_FROM, IN_MOVED_TO, IN_MOVE_SELF, IN_OPEN,
} from '../vfs/notify.ts';
import { FanotifyGroup } from '../fs/anon/fanotify.ts';
import { FanotifyMarks, Mark, type MarkedObject } from '../fs/anon/fanotify-marks.ts';
import type { Task } from '../kernel/task.ts';
import type { Path } from '../vfs/mount.ts';
import { pathWalk } from '../vfs/path-walk.ts';
import { inodePermission, MAY_READ } from '../vfs/permission.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { walkAt } from './file-names.ts';
import { installFile } from './mount-config.ts';

const FID_BITS = FAN_REPORT_FID | FAN_REPORT_DIR_FID | FAN_REPORT_NAME | FAN_REPORT_TARGET_FID;
const CLASSES = FAN_CLASS_CONTENT | FAN_CLASS_PRE_CONTENT;
const USER_INIT = FAN_CLOEXEC | FAN_NONBLOCK | FID_BITS | FAN_REPORT_FD_ERROR | FAN_REPORT_MNT;
const ADMIN_INIT = CLASSES | FAN_UNLIMITED_QUEUE | FAN_UNLIMITED_MARKS | FAN_ENABLE_AUDIT | FAN_REPORT_TID | FAN_REPORT_PIDFD;
const EVENT_OPEN_FLAGS = O_ACCMODE | O_APPEND | O_NONBLOCK | O_SYNC | O_DSYNC | O_CLOEXEC | O_LARGEFILE | O_NOATIME;
const MARK_TYPES = FAN_MARK_MOUNT | FAN_MARK_FILESYSTEM;
const MARK_FLAGS =
  MARK_TYPES | FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH | FAN_MARK_DONT_FOLLOW | FAN_MARK_ONLYDIR | FAN_MARK_IGNORED_MASK | FAN_MARK_IGNORED_SURV_MODIFY |
  FAN_MARK_EVICTABLE | FAN_MARK_IGNORE;
const PATH_EVENTS = IN_ACCESS | IN_MODIFY | IN_CLOSE_WRITE | IN_CLOSE_NOWRITE | IN_OPEN | FAN_OPEN_EXEC;
const PERMISSION = FAN_OPEN_PERM | FAN_ACCESS_PERM | FAN_OPEN_EXEC_PERM | FAN_PRE_ACCESS;
const INODE_EVENTS = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | FAN_RENAME | IN_ATTRIB | IN_MOVE_SELF | IN_DELETE_SELF;
const MOUNT_EVENTS = FAN_MNT_ATTACH | FAN_MNT_DETACH;
const EVENT_FLAGS = FAN_ONDIR | FAN_EVENT_ON_CHILD;
const KNOWN_EVENTS = PATH_EVENTS | PERMISSION | INODE_EVENTS | FAN_FS_ERROR | MOUNT_EVENTS | EVENT_FLAGS;
/** fs.fanotify.max_user_groups. */
const MAX_GROUPS = 128;

/** The kernel's one table of marks, made with the first group. */
function marksOf(t: Task): FanotifyMarks {
  const { vfs } = t.kernel;
  vfs.listeners ??= new FanotifyMarks(t.kernel);
  return vfs.listeners as FanotifyMarks;
}

function sysFanotifyInit(t: Task, a: SyscallArgs): number {
  const [flags, eventFlags] = [a.lo(0), a.lo(1)];
  const fid = flags & FID_BITS;
  const unprivileged = !t.credentials.capableInInit(CAP_SYS_ADMIN);
  if (unprivileged && (flags & ADMIN_INIT || !(flags & (FID_BITS | FAN_REPORT_MNT)))) return EPERM;
  if (flags & ~(USER_INIT | ADMIN_INIT)) return EINVAL;
  if (flags & FAN_REPORT_PIDFD && flags & FAN_REPORT_TID) return EINVAL;
  if (flags & FAN_REPORT_MNT && ((flags & CLASSES) !== FAN_CLASS_NOTIF || flags & (FID_BITS | FAN_REPORT_FD_ERROR))) return EINVAL;
  if (eventFlags & ~EVENT_OPEN_FLAGS) return EINVAL;
  const access = eventFlags & O_ACCMODE;
  if (access !== O_RDONLY && access !== O_RDWR && access !== O_WRONLY) return EINVAL;
  if (fid && (flags & CLASSES) !== FAN_CLASS_NOTIF) return EINVAL;
  if (fid & FAN_REPORT_NAME && !(fid & FAN_REPORT_DIR_FID)) return EINVAL;
  if (fid & FAN_REPORT_TARGET_FID && (!(fid & FAN_REPORT_NAME) || !(fid & FAN_REPORT_FID))) return EINVAL;
  const marks = marksOf(t);
  if (marks.groups >= MAX_GROUPS) return EMFILE;
  if ((flags & CLASSES) === CLASSES) return EINVAL;
  if (flags & FAN_ENABLE_AUDIT && !t.credentials.capableInInit(CAP_AUDIT_WRITE)) return EPERM;
  const group = new FanotifyGroup(marks, t, flags, eventFlags, flags & FAN_NONBLOCK ? O_NONBLOCK : 0, unprivileged);
  return installFile(t, group, (flags & FAN_CLOEXEC) !== 0);
}

/** Checks of fanotify_mark(2) that need no path. */
function checkMark(t: Task, group: FanotifyGroup, flags: number, mask: number): 0 | Errno {
  const type = flags & MARK_TYPES;
  if (group.initFlags & FAN_REPORT_MNT) {
    if (mask & ~MOUNT_EVENTS || type !== FAN_MARK_MNTNS) return EINVAL;
  } else if (mask & MOUNT_EVENTS || type === FAN_MARK_MNTNS) return EINVAL;
  if (type !== 0 && !t.credentials.nsCapable(group.userNs, CAP_SYS_ADMIN)) return EPERM;
  if (mask & PERMISSION && !group.answers) return EINVAL;
  if (mask & FAN_PRE_ACCESS && !(group.initFlags & FAN_CLASS_PRE_CONTENT)) return EINVAL;
  if (mask & FAN_FS_ERROR && type !== FAN_MARK_FILESYSTEM) return EINVAL;
  if (flags & FAN_MARK_EVICTABLE && type !== 0) return EINVAL;
  const { fidMode } = group;
  if (mask & ~(PATH_EVENTS | PERMISSION | MOUNT_EVENTS | EVENT_FLAGS) && (fidMode === 0 || type === FAN_MARK_MOUNT)) return EINVAL;
  if (mask & FAN_RENAME && !(fidMode & FAN_REPORT_NAME)) return EINVAL;
  if (mask & FAN_PRE_ACCESS && mask & FAN_ONDIR) return EINVAL;
  return 0;
}

/** The place that is marked; EACCES and what the walk gives. */
function markPlace(t: Task, dirfd: number, nameAddr: number, flags: number): Path | Errno {
  if (nameAddr === 0) {
    if (dirfd === AT_FDCWD) return t.fs.pwd;
    const file = t.fdTable.get(dirfd);
    if (file === null || file.isPath) return EBADF;
    if (flags & FAN_MARK_ONLYDIR && !file.inode.isDirectory) return ENOTDIR;
    return file.path;
  }
  const r = walkAt(t, dirfd, nameAddr, flags & FAN_MARK_DONT_FOLLOW ? AT_SYMLINK_NOFOLLOW : 0);
  if (r < 0) return r as Errno;
  if (flags & FAN_MARK_ONLYDIR && !pathWalk.inode.isDirectory) return ENOTDIR;
  return pathWalk.path();
}

function objectOf(place: Path, type: number): MarkedObject | Errno {
  const inode = place.dentry.inode!; // walked
  switch (type) {
    case 0:
      return inode;
    case FAN_MARK_MOUNT:
      return place.mount;
    case FAN_MARK_FILESYSTEM:
      return place.mount.sb;
    default:
      return inode.mountNamespace ?? EINVAL;
  }
}

function sysFanotifyMark(t: Task, a: SyscallArgs): number {
  const flags = a.lo(1);
  let mask = a.lo(2);
  if (a.hi(2) !== 0) return EINVAL;
  if (flags & ~MARK_FLAGS) return EINVAL;
  const command = flags & (FAN_MARK_ADD | FAN_MARK_REMOVE | FAN_MARK_FLUSH);
  if (command === FAN_MARK_ADD || command === FAN_MARK_REMOVE) {
    if (mask === 0) return EINVAL;
  } else if (command !== FAN_MARK_FLUSH || flags & ~(MARK_TYPES | FAN_MARK_FLUSH)) return EINVAL;
  if (mask & ~KNOWN_EVENTS) return EINVAL;
  const ignore = flags & (FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK);
  if (ignore === (FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK)) return EINVAL;
  if (ignore === FAN_MARK_IGNORED_MASK) mask &= ~EVENT_FLAGS;
  const group = t.fdTable.get(a.int(0));
  if (group === null || group.isPath) return EBADF;
  if (!(group instanceof FanotifyGroup)) return EINVAL;
  const checked = checkMark(t, group, flags, mask);
  if (checked < 0) return checked;
  const type = flags & MARK_TYPES;
  const marks = marksOf(t);
  if (command === FAN_MARK_FLUSH) {
    for (const m of [...group.marks]) if (typeOf(m.object) === type) group.drop(m);
    return 0;
  }
  const place = markPlace(t, a.int(3), a.addr(4), flags);
  if (isErr(place)) return place;
  const may = inodePermission(t, place.dentry.inode!, MAY_READ, place.mount.idmap); // walked
  if (may < 0) return may;
  const isDirectory = place.dentry.inode!.isDirectory; // walked
  if (command === FAN_MARK_ADD && !isDirectory && type === 0 && mask & (IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | FAN_RENAME)) {
    if (group.fidMode & FAN_REPORT_TARGET_FID || flags & FAN_MARK_IGNORE || mask & FAN_RENAME) return ENOTDIR;
  }
  if (group.fidMode !== 0) {
    const { sb } = place.mount;
    if (sb.dev === 0) return ENODEV;
    if (type !== 0 && sb.exports === 'none') return EOPNOTSUPP;
  }
  const object = objectOf(place, type);
  if (isErr(object)) return object;
  return command === FAN_MARK_ADD ? addMark(marks, group, object, flags, mask, isDirectory) : removeMark(marks, group, object, flags, mask);
}

const typeOf = (object: MarkedObject): number => FanotifyMarks.typeOf(object);

function addMark(marks: FanotifyMarks, group: FanotifyGroup, object: MarkedObject, flags: number, mask: number, isDirectory: boolean): number {
  const type = flags & MARK_TYPES;
  const ignores = (flags & (FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK)) !== 0;
  if (flags & FAN_MARK_IGNORE && !(flags & FAN_MARK_IGNORED_SURV_MODIFY)) {
    // With the newer flag it must be said for directories, mounts and file systems that a change does not end it.
    if (type !== 0) return EINVAL;
    if (isDirectory) return EISDIR;
  }
  if (type !== 0 || !isDirectory) mask &= ~FAN_EVENT_ON_CHILD;
  let mark = marks.find(group, object);
  if (mark === undefined) {
    mark = new Mark(group, object);
    mark.evictable = (flags & FAN_MARK_EVICTABLE) !== 0;
    group.marks.add(mark);
    marks.add(mark);
  } else {
    if (flags & FAN_MARK_EVICTABLE && !mark.evictable) return EEXIST;
    if (!(flags & FAN_MARK_EVICTABLE)) mark.evictable = false;
    if (flags & FAN_MARK_IGNORED_MASK && mark.ignoreHasFlags && mark.ignore !== 0) return EEXIST;
    if (flags & FAN_MARK_IGNORE && mark.ignoreSurvives && !(flags & FAN_MARK_IGNORED_SURV_MODIFY) && mark.ignore !== 0) return EEXIST;
  }
  if (!ignores) {
    mark.mask |= mask;
    return 0;
  }
  mark.ignore |= mask;
  if (flags & FAN_MARK_IGNORE) mark.ignoreHasFlags = true;
  if (flags & FAN_MARK_IGNORED_SURV_MODIFY) mark.ignoreSurvives = true;
  return 0;
}

function removeMark(marks: FanotifyMarks, group: FanotifyGroup, object: MarkedObject, flags: number, mask: number): number {
  const mark = marks.find(group, object);
  if (mark === undefined) return ENOENT;
  if (flags & (FAN_MARK_IGNORE | FAN_MARK_IGNORED_MASK)) mark.ignore &= ~mask;
  else mark.mask &= ~mask;
  if (((mark.mask | mark.ignore) & ~EVENT_FLAGS) === 0) group.drop(mark);
  return 0;
}

export const rows: readonly SyscallRow[] = [
  [300, 'fanotify_init', 'hex,openflags=fd', 'full', sysFanotifyInit],
  [301, 'fanotify_mark', 'fd,hex,hex,dirfd,path', 'full', sysFanotifyMark],
];
