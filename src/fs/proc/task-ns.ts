/** /proc/PID/ns: links to the task's namespaces. */
import { EACCES, ENOENT, isErr } from '../../abi/errno.ts';
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

/** `outlives`: a zombie still has it. */
function namespaceLink(kind: NamespaceKind, of: (task: Task) => Namespace | null, outlives = false): LinkEntry<ProcTask> {
  const place = (subject: ProcTask, ctx: VfsContext): Path | Errno => {
    const task = subject.task;
    if (task === null || mayRead(subject, ctx) < 0) return EACCES;
    const ns = outlives || task.exitState === 0 ? of(task) : null;
    return ns === null ? ENOENT : subject.fs.nsfs.placeOf(kind, ns);
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
  pid: namespaceLink('pid', (t) => t.pid.ns, true),
  // A PID namespace that waits for its first process cannot be entered yet.
  pid_for_children: namespaceLink('pid', (t) => (t.nsproxy.pidForChildren.childReaper === null ? null : t.nsproxy.pidForChildren)),
  user: namespaceLink('user', (t) => t.credentials.userNs, true),
  mnt: namespaceLink('mnt', (t) => t.nsproxy.mnt),
  cgroup: namespaceLink('cgroup', (t) => t.nsproxy.cgroup),
  time: namespaceLink('time', (t) => t.nsproxy.time),
  time_for_children: namespaceLink('time', (t) => t.nsproxy.timeForChildren),
};
