/** fsopen, fsconfig, fsmount, fspick: making and changing file system instances step by step. Linux fs/fsopen.c, fs/namespace.c. */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { EBADF, EBUSY, EFAULT, EINVAL, ENAMETOOLONG, ENODEV, ENOENT, EOPNOTSUPP, EPERM, type Errno, isErr } from '../abi/errno.ts';
import { AT_FDCWD } from '../abi/fcntl.ts';
import {
  FSCONFIG_CMD_CREATE, FSCONFIG_CMD_CREATE_EXCL, FSCONFIG_CMD_RECONFIGURE, FSCONFIG_SET_BINARY, FSCONFIG_SET_FD, FSCONFIG_SET_FLAG, FSCONFIG_SET_PATH,
  FSCONFIG_SET_PATH_EMPTY, FSCONFIG_SET_STRING, FSMOUNT_CLOEXEC, FSOPEN_CLOEXEC, FSPICK_CLOEXEC, FSPICK_EMPTY_PATH, FSPICK_NO_AUTOMOUNT, FSPICK_SYMLINK_NOFOLLOW,
} from '../abi/mount.ts';
import { MountConfigFile } from '../fs/anon/fscontext.ts';
import type { Task } from '../kernel/task.ts';
import { detachedTree } from '../vfs/detached-tree.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { flagParameter, MountConfig, MountLog, type MountParameter, stringParameter } from '../vfs/mount-config.ts';
import { fsmountFlags } from '../vfs/mount-attributes.ts';
import { Mount } from '../vfs/mount.ts';
import { makeSuper, mayMount, mountCapable, reconfigureSuper, tooRevealing } from '../vfs/mounting.ts';
import { LOOKUP_EMPTY, LOOKUP_FOLLOW, walkPath } from '../vfs/path-walk.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { dirBase, readPath, readString } from './file-names.ts';

const PAGE = 4096;
const KEY_MAX = 256;
const BINARY_MAX = 1024 * 1024;

/** A string of the guest; EINVAL when it is longer than `max` with its zero (strndup_user). */
function userString(t: Task, addr: number, max: number): string | Errno {
  const s = readString(t.space, addr, max);
  return s === ENAMETOOLONG ? EINVAL : s;
}

/** A descriptor for `file`, which is let go when there is none left. */
export function installFile(t: Task, file: FileDescription, closeOnExec: boolean): number {
  const fd = t.fdTable.install(file, t.openFilesLimit, closeOnExec);
  if (fd < 0) file.unref();
  return fd;
}

function sysFsopen(t: Task, a: SyscallArgs): number {
  if (!mayMount(t, t.nsproxy.mnt)) return EPERM;
  const flags = a.lo(1);
  if (flags & ~FSOPEN_CLOEXEC) return EINVAL;
  const name = userString(t, a.addr(0), PAGE);
  if (isErr(name)) return name;
  const { vfs } = t.kernel;
  const type = vfs.fileSystems.get(name);
  if (type === undefined) return ENODEV;
  const config = new MountConfig(t, type, null, new MountLog(), false);
  return installFile(t, new MountConfigFile(vfs, config), (flags & FSOPEN_CLOEXEC) !== 0);
}

function sysFspick(t: Task, a: SyscallArgs): number {
  if (!mayMount(t, t.nsproxy.mnt)) return EPERM;
  const flags = a.lo(2);
  if (flags & ~(FSPICK_CLOEXEC | FSPICK_SYMLINK_NOFOLLOW | FSPICK_NO_AUTOMOUNT | FSPICK_EMPTY_PATH)) return EINVAL;
  const name = readPath(t, a.addr(1));
  if (isErr(name)) return name;
  const base = dirBase(t, a.int(0), name);
  if (isErr(base)) return base;
  const at = walkPath(t, base, name, (flags & FSPICK_SYMLINK_NOFOLLOW ? 0 : LOOKUP_FOLLOW) | (flags & FSPICK_EMPTY_PATH ? LOOKUP_EMPTY : 0));
  if (isErr(at)) return at;
  if (!at.isMountRoot) return EINVAL;
  const { vfs } = t.kernel;
  const { sb } = at.mount;
  const type = vfs.fileSystems.get(sb.typeName) ?? { name: sb.typeName, requiresDevice: false, userNamespaceMount: false, parameters: {}, mount: () => ENODEV };
  const config = new MountConfig(t, type, sb, new MountLog(), false);
  return installFile(t, new MountConfigFile(vfs, config), (flags & FSPICK_CLOEXEC) !== 0);
}

/** True if command, key, value and number go together; EOPNOTSUPP for commands that do not exist. */
function checkCommand(command: number, key: number, value: number, aux: number): number {
  let good: boolean;
  switch (command) {
    case FSCONFIG_SET_FLAG:
      good = key !== 0 && value === 0 && aux === 0;
      break;
    case FSCONFIG_SET_STRING:
      good = key !== 0 && value !== 0 && aux === 0;
      break;
    case FSCONFIG_SET_BINARY:
      good = key !== 0 && value !== 0 && aux > 0 && aux <= BINARY_MAX;
      break;
    case FSCONFIG_SET_PATH:
    case FSCONFIG_SET_PATH_EMPTY:
      good = key !== 0 && value !== 0 && (aux === AT_FDCWD || aux >= 0);
      break;
    case FSCONFIG_SET_FD:
      good = key !== 0 && value === 0 && aux >= 0;
      break;
    case FSCONFIG_CMD_CREATE:
    case FSCONFIG_CMD_CREATE_EXCL:
    case FSCONFIG_CMD_RECONFIGURE:
      good = key === 0 && value === 0 && aux === 0;
      break;
    default:
      return EOPNOTSUPP;
  }
  return good ? 0 : EINVAL;
}

function readParameter(t: Task, command: number, key: string, value: number, aux: number): MountParameter | Errno {
  switch (command) {
    case FSCONFIG_SET_FLAG:
      return flagParameter(key);
    case FSCONFIG_SET_STRING: {
      const text = userString(t, value, KEY_MAX);
      return isErr(text) ? text : stringParameter(key, text);
    }
    case FSCONFIG_SET_BINARY: {
      const bytes = new Uint8Array(aux);
      if (isErr(t.space.readBytes(value, bytes))) return EFAULT;
      return { key, kind: 'binary', text: String.fromCharCode(...bytes), file: null };
    }
    case FSCONFIG_SET_FD: {
      const file = t.fdTable.get(aux);
      if (file === null || file.isPath) return EBADF;
      return { key, kind: 'file', text: '', file };
    }
    default: {
      const name = readPath(t, value);
      if (isErr(name)) return name;
      if (name === '' && command === FSCONFIG_SET_PATH) return ENOENT;
      return { key, kind: 'path', text: name, file: null };
    }
  }
}

function create(t: Task, file: MountConfigFile, exclusive: boolean): number {
  const { config } = file;
  if (config.phase !== 'create') return EBUSY;
  if (!mountCapable(t, config)) return EPERM;
  config.phase = 'creating';
  config.exclusive = exclusive;
  const sb = makeSuper(t, config);
  if (isErr(sb)) {
    config.phase = 'failed';
    return sb;
  }
  config.sb = sb;
  file.hold();
  config.phase = 'awaiting mount';
  return 0;
}

function reconfigure(t: Task, config: MountConfig): number {
  if (config.phase !== 'reconfigure') return EBUSY;
  config.phase = 'reconfiguring';
  const sb = config.sb!; // there in this phase
  const owner = sb.userNs ?? t.credentials.userNs.registry.initialUserNs;
  const r = t.credentials.nsCapable(owner, CAP_SYS_ADMIN) ? reconfigureSuper(t, sb, config, config.superFlags, config.superMask) : EPERM;
  if (r < 0) config.phase = 'failed';
  else config.reset();
  return r;
}

function sysFsconfig(t: Task, a: SyscallArgs): number {
  const fd = a.int(0);
  if (fd < 0) return EINVAL;
  const command = a.lo(1);
  const [key, value, aux] = [a.addr(2), a.addr(3), a.int(4)];
  const good = checkCommand(command, key, value, aux);
  if (good < 0) return good;
  const file = t.fdTable.get(fd);
  if (file === null || file.isPath) return EBADF;
  if (!(file instanceof MountConfigFile)) return EINVAL;
  const { config } = file;
  const simple = command === FSCONFIG_SET_FLAG || command === FSCONFIG_SET_STRING || command >= FSCONFIG_CMD_CREATE;
  if (config.type.parameters === undefined && !simple) return EOPNOTSUPP;
  let parameter: MountParameter | null = null;
  if (key !== 0) {
    const name = userString(t, key, KEY_MAX);
    if (isErr(name)) return name;
    const read = readParameter(t, command, name, value, aux);
    if (isErr(read)) return read;
    parameter = read;
  }
  // A context that was mounted or changed is one for changing, from now on.
  if (config.phase === 'awaiting reconfigure') config.phase = 'reconfigure';
  if (parameter === null) {
    if (command === FSCONFIG_CMD_RECONFIGURE) return reconfigure(t, config);
    return create(t, file, command === FSCONFIG_CMD_CREATE_EXCL);
  }
  if (config.phase !== 'create' && config.phase !== 'reconfigure') return EBUSY;
  const r = config.parse(t, parameter);
  if (r === 0 && config.parameters.includes(parameter)) parameter.file?.ref();
  return r;
}

function sysFsmount(t: Task, a: SyscallArgs): number {
  const ns = t.nsproxy.mnt;
  if (!mayMount(t, ns)) return EPERM;
  const flags = a.lo(1);
  if (flags & ~FSMOUNT_CLOEXEC) return EINVAL;
  const mountFlags = fsmountFlags(a.lo(2));
  if (mountFlags < 0) return mountFlags;
  const file = t.fdTable.get(a.int(0));
  if (file === null || file.isPath) return EBADF;
  if (!(file instanceof MountConfigFile)) return EINVAL;
  const { config } = file;
  const { sb } = config;
  if (sb === null) return EINVAL;
  const locks = { flags: mountFlags, lockedFlags: 0, atimeLocked: false };
  if (tooRevealing(ns, sb, locks)) return config.refuseBare('VFS: Mount too revealing', EPERM);
  if (config.phase !== 'awaiting mount') return EBUSY;
  const mount = new Mount(sb, sb.rootFor(t), mountFlags, config.source ?? 'none');
  mount.lockedFlags = locks.lockedFlags;
  mount.atimeLocked = locks.atimeLocked;
  config.reset();
  return installFile(t, detachedTree(ns, mount, 0), (flags & FSMOUNT_CLOEXEC) !== 0);
}


export const rows: readonly SyscallRow[] = [
  [430, 'fsopen', 'str,hex=fd', 'full', sysFsopen],
  [431, 'fsconfig', 'fd,fsconfigcmd,str,addr,int', 'full', sysFsconfig],
  [432, 'fsmount', 'fd,hex,hex=fd', 'full', sysFsmount],
  [433, 'fspick', 'dirfd,path,hex=fd', 'full', sysFspick],
];
