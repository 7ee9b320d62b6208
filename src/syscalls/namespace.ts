/** unshare, setns. */
import { EBADF, EINVAL } from '../abi/errno.ts';
import { NamespaceFile } from '../fs/nsfs/nsfs.ts';
import { PidfdDescription } from '../kernel/pidfd.ts';
import { type AnyNamespace, enterNamespace, enterNamespacesOf } from '../kernel/setns.ts';
import type { Task } from '../kernel/task.ts';
import { unshare } from '../kernel/unshare.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

function sysUnshare(t: Task, a: SyscallArgs): number {
  return a.hi(0) !== 0 ? EINVAL : unshare(t, a.lo(0));
}

function sysSetns(t: Task, a: SyscallArgs): number {
  const flags = a.int(1);
  const file = t.fdTable.get(a.fd(0));
  if (file === null || file.isPath) return EBADF;
  if (file instanceof NamespaceFile) return enterNamespace(t, file.namespace as AnyNamespace, flags);
  if (!(file instanceof PidfdDescription)) return EINVAL;
  return enterNamespacesOf(t, file.pid.task, flags);
}

export const rows: readonly SyscallRow[] = [
  [272, 'unshare', 'cloneflags', 'full', sysUnshare],
  [308, 'setns', 'fd,cloneflags', 'full', sysSetns],
];
