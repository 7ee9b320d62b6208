/** What a file about to be executed gives: set-id bits and file capabilities, and what stands against them. Linux fs/exec.c bprm_fill_uid(), check_unsafe_exec(). */
import { type Errno, isErr } from '../abi/errno.ts';
import { MS_NOSUID } from '../abi/mount.ts';
import { S_ISGID, S_ISUID, S_IXGRP } from '../abi/stat.ts';
import { type ExecCredentials, execCredentials } from '../auth/exec-credentials.ts';
import { parseFileCapabilities, XATTR_SECURITY_CAPABILITY } from '../auth/file-capabilities.ts';
import type { FileDescription } from '../vfs/file-description.ts';
import { shownGid, shownUid } from '../vfs/mount-id-map.ts';
import type { Mount } from '../vfs/mount.ts';
import type { Task } from './task.ts';

/** True if files on `mount` may give privileges to `t`: mounted in its own mount namespace, by a user namespace that it is in (Linux mnt_may_suid). */
function mayGivePrivileges(t: Task, mount: Mount): boolean {
  if (mount.flags & MS_NOSUID || mount.ns !== t.nsproxy.mnt) return false;
  return mount.sb.userNs === null || mount.sb.userNs.contains(t.credentials.userNs);
}

/** True if a task outside the process shares its root and working directory. */
function sharesFs(t: Task): boolean {
  let own = 0;
  for (const m of t.threadGroup.threads) if (m.fsContext === t.fsContext) own++;
  return t.fs.users > own;
}

/** The credentials of `t` once it runs `file`: EPERM, EINVAL (not valid file capabilities). */
export function credentialsForExec(t: Task, file: FileDescription): ExecCredentials | Errno {
  const { inode } = file;
  const { mount } = file.path;
  const ns = t.credentials.userNs;
  const may = mayGivePrivileges(t, mount);
  let setuid = null;
  let setgid = null;
  const uid = shownUid(mount.idmap, inode.sb, inode.uid);
  const gid = shownGid(mount.idmap, inode.sb, inode.gid);
  if (may && !t.noNewPrivs && (uid as number) !== -1 && (gid as number) !== -1 && ns.fromKuid(uid) !== -1 && ns.fromKgid(gid) !== -1) {
    if (inode.mode & S_ISUID) setuid = uid;
    if ((inode.mode & (S_ISGID | S_IXGRP)) === (S_ISGID | S_IXGRP)) setgid = gid;
  }
  let caps = null;
  if (may) {
    const value = inode.getxattr(t, XATTR_SECURITY_CAPABILITY);
    if (typeof value !== 'number') {
      const parsed = parseFileCapabilities(value, ns, mount.sb.userNs ?? t.kernel.userNs);
      if (isErr(parsed)) return parsed;
      caps = parsed;
    }
  }
  return execCredentials(t.credentials, { setuid, setgid, caps, noNewPrivs: t.noNewPrivs, sharesFs: sharesFs(t), tracer: t.ptrace?.tracerCredentials ?? null });
}
