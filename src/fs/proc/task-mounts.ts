/** /proc/PID/mounts, mountinfo, mountstats. Linux fs/proc_namespace.c. */
import { MS_DIRSYNC, MS_LAZYTIME, MS_MANDLOCK, MS_NOATIME, MS_NODEV, MS_NODIRATIME, MS_NOEXEC, MS_NOSUID, MS_NOSYMFOLLOW, MS_RDONLY, MS_RELATIME, MS_SYNCHRONOUS } from '../../abi/mount.ts';
import { EINVAL, ESRCH } from '../../abi/errno.ts';
import { POLLERR, POLLIN, POLLPRI, POLLRDNORM } from '../../abi/poll.ts';
import { devMajor, devMinor } from '../../abi/stat.ts';
import type { IoVector } from '../../base/io-vector.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { pathName } from '../../vfs/dentry-path.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import { dominatingGroup, rootName } from '../../vfs/mount-names.ts';
import type { MountNamespace } from '../../vfs/mount-namespace.ts';
import { type Mount, Path } from '../../vfs/mount.ts';
import { isReachable } from '../../vfs/mounting.ts';
import type { PollTable } from '../../vfs/poll.ts';
import { special } from '../pseudo/entries.ts';
import type { SpecialEntry } from '../pseudo/entries.ts';
import { bytesOf } from '../pseudo/text-file.ts';
import type { ProcTask } from './proc-task.ts';

/** Space, tab, newline, backslash and # in octal: types and sources (mangle). Paths keep their #. */
const mangle = (text: string): string => text.replace(/[ \t\n\\#]/g, octal);
const manglePath = (text: string): string => text.replace(/[ \t\n\\]/g, octal);
function octal(c: string): string {
  return '\\' + c.charCodeAt(0).toString(8).padStart(3, '0');
}

const MOUNT_OPTIONS: readonly (readonly [number, string])[] = [
  [MS_NOSUID, ',nosuid'], [MS_NODEV, ',nodev'], [MS_NOEXEC, ',noexec'], [MS_NOATIME, ',noatime'], [MS_NODIRATIME, ',nodiratime'],
  [MS_RELATIME, ',relatime'], [MS_NOSYMFOLLOW, ',nosymfollow'],
];
const SUPER_OPTIONS: readonly (readonly [number, string])[] = [[MS_SYNCHRONOUS, ',sync'], [MS_DIRSYNC, ',dirsync'], [MS_MANDLOCK, ',mand'], [MS_LAZYTIME, ',lazytime']];

const named = (table: readonly (readonly [number, string])[], flags: number): string =>
  table.filter(([bit]) => flags & bit).map(([, name]) => name).join('');

/** Flags of a mount as words, and ",idmapped". */
const mountWords = (m: Mount): string => named(MOUNT_OPTIONS, m.flags) + (m.idmap === null ? '' : ',idmapped');

function mountsLine(m: Mount, at: string): string {
  const ro = m.readOnly ? 'ro' : 'rw';
  return `${mangle(m.source)} ${manglePath(at)} ${mangle(m.sb.typeName)} ${ro}${named(SUPER_OPTIONS, m.sb.flags)}${mountWords(m)}${m.sb.showOptions()} 0 0\n`;
}

function mountinfoLine(m: Mount, at: string, root: Path, reader: VfsContext): string {
  const { sb } = m;
  const options = (m.flags & MS_RDONLY ? 'ro' : 'rw') + mountWords(m);
  const superOptions = (sb.flags & MS_RDONLY ? 'ro' : 'rw') + named(SUPER_OPTIONS, sb.flags) + sb.showOptions();
  let propagation = '';
  if (m.group !== null) propagation += ` shared:${m.group.id}`;
  if (m.master !== null) {
    propagation += ` master:${m.master.peerGroup}`;
    const from = dominatingGroup(m, root);
    if (from !== 0 && from !== m.master.peerGroup) propagation += ` propagate_from:${from}`;
  }
  if (m.unbindable) propagation += ' unbindable';
  const place = `${m.id} ${m.parent?.id ?? m.id} ${devMajor(sb.dev)}:${devMinor(sb.dev)} ${manglePath(rootName(m, reader))} ${manglePath(at)}`;
  return `${place} ${options}${propagation} - ${mangle(sb.typeName)} ${mangle(m.source)} ${superOptions}\n`;
}

function mountstatsLine(m: Mount, at: string): string {
  return `device ${mangle(m.source)} mounted on ${manglePath(at)} with fstype ${mangle(m.sb.typeName)}\n`;
}

/** The mounts of a namespace below a root, as they were when the file was opened: both stay the opener's. */
class MountsFile extends FileDescription {
  private readonly ns: MountNamespace;
  private readonly root: Path;
  private readonly line: (m: Mount, at: string, root: Path, reader: VfsContext) => string;
  /** The tree that the reader was last told of. */
  private seen: number;
  private text: Uint8Array | null = null;

  constructor(path: Path, flags: number, ns: MountNamespace, root: Path, line: (m: Mount, at: string, root: Path, reader: VfsContext) => string) {
    super(path, flags);
    this.ns = ns;
    this.root = root;
    this.line = line;
    this.seen = ns.generation;
    ns.get();
    root.get();
  }
  override release(): void {
    this.root.put();
    this.ns.put();
  }

  override read(ctx: VfsContext, iov: IoVector, offset: number): number {
    const at = offset < 0 ? this.pos : offset;
    if (this.text === null || at === 0) {
      let text = '';
      for (const m of this.ns.ordered()) if (isReachable(m, m.root, this.root)) text += this.line(m, pathName(new Path(m, m.root), this.root, false), this.root, ctx);
      this.text = bytesOf(text);
    }
    if (at >= this.text.length) return 0;
    const n = iov.put(this.text, at, Math.min(iov.remaining, this.text.length - at));
    if (n > 0 && offset < 0) this.pos = at + n;
    return n;
  }

  /** Readable always; a change since the last look is POLLERR and POLLPRI, once (mounts_poll). */
  override poll(table: PollTable | null): number {
    table?.add(this.ns.changed);
    if (this.seen === this.ns.generation) return POLLIN | POLLRDNORM;
    this.seen = this.ns.generation;
    return POLLIN | POLLRDNORM | POLLERR | POLLPRI;
  }
}

const mountFile = (line: (m: Mount, at: string, root: Path, reader: VfsContext) => string, mode = 0o444): SpecialEntry<ProcTask> =>
  special(mode, (subject, _ctx, path, flags) => {
    const { task } = subject;
    if (task === null) return ESRCH;
    // A process that has given up its mounts (a zombie) has none to show.
    if (task.fsContext === null) return EINVAL;
    return new MountsFile(path, flags, task.nsproxy.mnt, task.fsContext.root, line);
  });

export const mounts: SpecialEntry<ProcTask> = mountFile(mountsLine);
export const mountinfo: SpecialEntry<ProcTask> = mountFile(mountinfoLine);
export const mountstats: SpecialEntry<ProcTask> = mountFile(mountstatsLine, 0o400);
