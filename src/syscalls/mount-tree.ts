/** open_tree, open_tree_attr, move_mount, mount_setattr. Linux fs/namespace.c. */
import { E2BIG, EBADF, EFAULT, EINVAL, EPERM, type Errno, isErr } from '../abi/errno.ts';
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { AT_EMPTY_PATH, AT_NO_AUTOMOUNT, AT_RECURSIVE, AT_SYMLINK_NOFOLLOW, O_PATH } from '../abi/fcntl.ts';
import {
  MOUNT_ATTR_SIZE, MOVE_MOUNT_BENEATH, MOVE_MOUNT_F_AUTOMOUNTS, MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_F_SYMLINKS, MOVE_MOUNT_SET_GROUP, MOVE_MOUNT_T_AUTOMOUNTS,
  MOVE_MOUNT_T_EMPTY_PATH, MOVE_MOUNT_T_SYMLINKS, OPEN_TREE_CLOEXEC, OPEN_TREE_CLONE,
} from '../abi/mount.ts';
import { UserNamespace } from '../auth/user-namespace.ts';
import { NamespaceFile } from '../fs/nsfs/nsfs.ts';
import type { Task } from '../kernel/task.ts';
import { openDetachedCopy } from '../vfs/detached-tree.ts';
import { type FileDescription, PathDescription } from '../vfs/file-description.ts';
import { type AttributeChange, parseAttributes, setMountAttributes } from '../vfs/mount-attributes.ts';
import { moveMount, setGroup } from '../vfs/mount-move.ts';
import type { Path } from '../vfs/mount.ts';
import { mayMount } from '../vfs/mounting.ts';
import { pathWalk } from '../vfs/path-walk.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { walkAt } from './file-names.ts';
import { installFile } from './mount-config.ts';

const PAGE = 4096;
const OPEN_TREE_FLAGS = AT_EMPTY_PATH | AT_NO_AUTOMOUNT | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
const SETATTR_FLAGS = AT_EMPTY_PATH | AT_RECURSIVE | AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
const MOVE_FLAGS =
  MOVE_MOUNT_F_SYMLINKS | MOVE_MOUNT_F_AUTOMOUNTS | MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_SYMLINKS | MOVE_MOUNT_T_AUTOMOUNTS | MOVE_MOUNT_T_EMPTY_PATH |
  MOVE_MOUNT_SET_GROUP | MOVE_MOUNT_BENEATH;

/** Walks to (dirfd, name); the place, or errno. */
function placeAt(t: Task, dirfd: number, nameAddr: number, flags: number): Path | Errno {
  const r = walkAt(t, dirfd, nameAddr, flags & (AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW));
  return r < 0 ? (r as Errno) : pathWalk.path();
}

/** The description that open_tree gives: of the place itself, or of a copy of what is mounted there. */
function openTree(t: Task, dirfd: number, nameAddr: number, flags: number): FileDescription | Errno {
  if (flags & ~OPEN_TREE_FLAGS) return EINVAL;
  if (flags & AT_RECURSIVE && !(flags & OPEN_TREE_CLONE)) return EINVAL;
  if (flags & OPEN_TREE_CLONE && !mayMount(t, t.nsproxy.mnt)) return EPERM;
  const at = placeAt(t, dirfd, nameAddr, flags);
  if (isErr(at)) return at;
  if (!(flags & OPEN_TREE_CLONE)) return new PathDescription(at, O_PATH);
  return openDetachedCopy(t.nsproxy.mnt, at, (flags & AT_RECURSIVE) !== 0);
}

function sysOpenTree(t: Task, a: SyscallArgs): number {
  const flags = a.lo(2);
  const file = openTree(t, a.int(0), a.addr(1), flags);
  return isErr(file) ? file : installFile(t, file, (flags & OPEN_TREE_CLOEXEC) !== 0);
}

/** The user namespace behind a descriptor, for an id mapping: not the initial one, and one that the caller administers. */
function userNamespaceOf(t: Task, fd: number): UserNamespace | Errno {
  const file = t.fdTable.get(fd);
  if (file === null || file.isPath) return EBADF;
  if (!(file instanceof NamespaceFile) || !(file.namespace instanceof UserNamespace)) return EINVAL;
  const ns = file.namespace;
  if (ns.parent === null) return EPERM;
  return t.credentials.nsCapable(ns, CAP_SYS_ADMIN) ? ns : EPERM;
}

/** Reads a struct mount_attr: null if it asks for nothing. E2BIG, EINVAL, EPERM, EFAULT. */
function readAttributes(t: Task, addr: number, size: number, recursive: boolean, replaceIdmap: boolean): AttributeChange | null | Errno {
  if (size > PAGE) return E2BIG;
  if (size < MOUNT_ATTR_SIZE) return EINVAL;
  if (!mayMount(t, t.nsproxy.mnt)) return EPERM;
  const words: number[] = [];
  for (let i = 0; i < 8; i++) {
    const w = t.space.readU32(addr + i * 4);
    if (isErr(w)) return EFAULT;
    words.push(w);
  }
  for (let i = MOUNT_ATTR_SIZE; i < size; i++) {
    const b = t.space.readU8(addr + i);
    if (isErr(b)) return EFAULT;
    if (b !== 0) return E2BIG;
  }
  const [set, setHigh, clear, clearHigh, propagation, propagationHigh, userNs, userNsHigh] = words as [number, number, number, number, number, number, number, number];
  if ((set | setHigh | clear | clearHigh | propagation | propagationHigh) === 0) return null;
  if ((setHigh | clearHigh | propagationHigh) !== 0) return EINVAL;
  return parseAttributes(set, clear, propagation, userNsHigh !== 0 ? Infinity : userNs, recursive, replaceIdmap, (fd) => userNamespaceOf(t, fd));
}

function sysOpenTreeAttr(t: Task, a: SyscallArgs): number {
  const flags = a.lo(2);
  const [attributes, size] = [a.addr(3), a.size(4)];
  if (attributes === 0 && size !== 0) return EINVAL;
  const file = openTree(t, a.int(0), a.addr(1), flags);
  if (isErr(file)) return file;
  if (attributes !== 0) {
    const change = readAttributes(t, attributes, size, (flags & AT_RECURSIVE) !== 0, (flags & OPEN_TREE_CLONE) !== 0);
    const r = change === null ? 0 : isErr(change) ? change : setMountAttributes(t, t.nsproxy.mnt, file.path, change);
    if (r < 0) {
      file.unref();
      return r;
    }
  }
  return installFile(t, file, (flags & OPEN_TREE_CLOEXEC) !== 0);
}

function sysMountSetattr(t: Task, a: SyscallArgs): number {
  const flags = a.lo(2);
  if (flags & ~SETATTR_FLAGS) return EINVAL;
  const change = readAttributes(t, a.addr(3), a.size(4), (flags & AT_RECURSIVE) !== 0, false);
  if (change === null) return 0;
  if (isErr(change)) return change;
  const at = placeAt(t, a.int(0), a.addr(1), flags);
  return isErr(at) ? at : setMountAttributes(t, t.nsproxy.mnt, at, change);
}

function sysMoveMount(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.mnt;
  if (!mayMount(t, ns)) return EPERM;
  const flags = a.lo(4);
  if (flags & ~MOVE_FLAGS) return EINVAL;
  if ((flags & (MOVE_MOUNT_BENEATH | MOVE_MOUNT_SET_GROUP)) === (MOVE_MOUNT_BENEATH | MOVE_MOUNT_SET_GROUP)) return EINVAL;
  const walk = (empty: number, links: number): number => (flags & empty ? AT_EMPTY_PATH : 0) | (flags & links ? 0 : AT_SYMLINK_NOFOLLOW);
  const to = placeAt(t, a.int(2), a.addr(3), walk(MOVE_MOUNT_T_EMPTY_PATH, MOVE_MOUNT_T_SYMLINKS));
  if (isErr(to)) return to;
  const from = placeAt(t, a.int(0), a.addr(1), walk(MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_F_SYMLINKS));
  if (isErr(from)) return from;
  if (flags & MOVE_MOUNT_SET_GROUP) return setGroup(t, from, to);
  return moveMount(t, ns, from, to, (flags & MOVE_MOUNT_BENEATH) !== 0);
}

export const rows: readonly SyscallRow[] = [
  [428, 'open_tree', 'dirfd,path,hex=fd', 'full', sysOpenTree],
  [429, 'move_mount', 'dirfd,path,dirfd,path,hex', 'full', sysMoveMount],
  [442, 'mount_setattr', 'dirfd,path,hex,addr,size', 'full', sysMountSetattr],
  [467, 'open_tree_attr', 'dirfd,path,hex,addr,size=fd', 'full', sysOpenTreeAttr],
];
