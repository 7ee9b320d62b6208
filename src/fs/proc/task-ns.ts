/** /proc/PID/ns: links to the task's namespaces. */
import { EACCES, ESRCH, isErr } from '../../abi/errno.ts';
import type { Errno } from '../../abi/errno.ts';
import type { Task } from '../../kernel/task.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { pathName } from '../../vfs/dentry-path.ts';
import type { Path } from '../../vfs/mount.ts';
import type { Namespace, NamespaceKind } from '../nsfs/nsfs.ts';
import { link } from '../pseudo/entries.ts';
import type { Entries, LinkEntry } from '../pseudo/entries.ts';
import { mayRead } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';

function namespaceLink(kind: NamespaceKind, of: (task: Task) => Namespace): LinkEntry<ProcTask> {
  const place = (subject: ProcTask, ctx: VfsContext): Path | Errno => {
    const task = subject.task;
    if (task === null || task.exitState !== 0) return ESRCH;
    return mayRead(subject, ctx) < 0 ? EACCES : subject.fs.nsfs.placeOf(kind, of(task));
  };
  return link((subject, ctx) => {
    const path = place(subject, ctx);
    return isErr(path) ? path : pathName(path, null, false);
  }, place);
}

export const namespaceLinks: Entries<ProcTask> = {
  net: namespaceLink('net', (t) => t.nsproxy.net),
  uts: namespaceLink('uts', (t) => t.nsproxy.uts),
  ipc: namespaceLink('ipc', (t) => t.nsproxy.ipc),
  pid: namespaceLink('pid', (t) => t.pid.ns),
  pid_for_children: namespaceLink('pid', (t) => t.nsproxy.pidForChildren),
  user: namespaceLink('user', (t) => t.credentials.userNs),
  mnt: namespaceLink('mnt', (t) => t.nsproxy.mnt),
  cgroup: namespaceLink('cgroup', (t) => t.nsproxy.cgroup),
  time: namespaceLink('time', (t) => t.nsproxy.time),
  time_for_children: namespaceLink('time', (t) => t.nsproxy.timeForChildren),
};
