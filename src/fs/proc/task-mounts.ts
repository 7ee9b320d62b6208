/** /proc/PID/mounts, mountinfo, mountstats. */
import { MS_LAZYTIME, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_NOSYMFOLLOW, MS_RDONLY, MS_RELATIME, MS_SYNCHRONOUS } from '../../abi/mount.ts';
import { EINVAL, ESRCH } from '../../abi/errno.ts';
import { POLLERR, POLLIN, POLLPRI, POLLRDNORM } from '../../abi/poll.ts';
import type { Task } from '../../kernel/task.ts';
import { pathName } from '../../vfs/dentry-path.ts';
import { Path } from '../../vfs/mount.ts';
import type { Mount } from '../../vfs/mount.ts';
import type { PollTable } from '../../vfs/poll.ts';
import type { FileEntry } from '../pseudo/entries.ts';
import { ofTask } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';

/** Space, tab, newline, backslash and (in a type or source) # in octal, as Linux's mangle(). */
const mangle = (text: string): string => text.replace(/[ \t\n\\#]/g, (c) => '\\' + c.charCodeAt(0).toString(8).padStart(3, '0'));

const MOUNT_OPTIONS: readonly (readonly [number, string])[] = [
  [MS_NOSUID, ',nosuid'], [MS_NODEV, ',nodev'], [MS_NOEXEC, ',noexec'], [MS_NOATIME, ',noatime'], [MS_NODIRATIME, ',nodiratime'],
  [MS_RELATIME, ',relatime'], [MS_NOSYMFOLLOW, ',nosymfollow'],
];
const SUPER_OPTIONS: readonly (readonly [number, string])[] = [[MS_SYNCHRONOUS, ',sync'], [MS_LAZYTIME, ',lazytime']];

const named = (table: readonly (readonly [number, string])[], flags: number): string =>
  table.filter(([bit]) => flags & bit).map(([, name]) => name).join('');

/** Mounts that the task's root can see, in the order of the namespace, with the place of each. */
function visible(task: Task): [Mount, string][] {
  const root = task.fsContext?.root ?? null;
  const seen: [Mount, string][] = [];
  if (root === null) return seen;
  for (const mount of task.nsproxy.mnt.mounts) {
    const at = pathName(new Path(mount, mount.root), root, false);
    if (!at.startsWith('(unreachable)')) seen.push([mount, at]);
  }
  return seen;
}

function mountsText(task: Task): string {
  let text = '';
  for (const [m, at] of visible(task)) {
    const ro = m.readOnly ? 'ro' : 'rw';
    text += `${mangle(m.source)} ${mangle(at)} ${mangle(m.sb.typeName)} ${ro}${named(SUPER_OPTIONS, m.sb.flags)}${named(MOUNT_OPTIONS, m.flags)}${m.sb.showOptions()} 0 0\n`;
  }
  return text;
}

function mountinfoText(task: Task): string {
  let text = '';
  for (const [m, at] of visible(task)) {
    const dev = `${Math.floor(m.sb.dev / 0x100000)}:${m.sb.dev % 0x100000}`;
    const root = m.root.isRoot ? '/' : rootName(m);
    const options = (m.flags & MS_RDONLY ? 'ro' : 'rw') + named(MOUNT_OPTIONS, m.flags);
    const superOptions = (m.sb.flags & MS_RDONLY ? 'ro' : 'rw') + named(SUPER_OPTIONS, m.sb.flags) + m.sb.showOptions();
    const propagation =
      (m.peerGroup !== 0 ? ` shared:${m.peerGroup}` : '') + (m.master !== null ? ` master:${m.master.peerGroup}` : '') + (m.unbindable ? ' unbindable' : '');
    text += `${m.id} ${m.parent?.id ?? m.id} ${dev} ${mangle(root)} ${mangle(at)} ${options}${propagation} - ${mangle(m.sb.typeName)} ${mangle(m.source)} ${superOptions}\n`;
  }
  return text;
}

/** Path inside the file system of a bind mount's root. Names of namespace files are their own. */
function rootName(m: Mount): string {
  const pseudo = m.sb.pseudoName(m.root);
  if (pseudo !== null) return pseudo;
  let name = '';
  for (let d = m.root; !d.isRoot; d = d.parent) name = '/' + d.name + name;
  return name + (m.root.hashed ? '' : '//deleted');
}

function mountstatsText(task: Task): string {
  let text = '';
  for (const [m, at] of visible(task)) text += `device ${mangle(m.source)} mounted on ${mangle(at)} with fstype ${mangle(m.sb.typeName)}\n`;
  return text;
}

/** Waits for the next change of the tree: POLLERR and POLLPRI, as Linux's mounts_poll. */
function pollMounts(subject: ProcTask, table: PollTable | null): number {
  const ns = subject.task?.nsproxy.mnt;
  if (ns !== undefined) table?.add(ns.changed);
  return POLLIN | POLLRDNORM | (ns === undefined ? POLLERR | POLLPRI : 0);
}

const mountFile = (make: (task: Task) => string): FileEntry<ProcTask> => ({
  kind: 'file',
  mode: 0o444,
  read: ofTask(make),
  write: null,
  // A process that has given up its mounts (a zombie) has none to show.
  mayOpen: (subject) => (subject.task === null ? ESRCH : subject.task.fsContext === null ? EINVAL : 0),
  poll: pollMounts,
});

export const mounts: FileEntry<ProcTask> = mountFile(mountsText);
export const mountinfo: FileEntry<ProcTask> = mountFile(mountinfoText);
export const mountstats: FileEntry<ProcTask> = { ...mountFile(mountstatsText), mode: 0o400 };
