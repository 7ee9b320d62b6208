/** /proc/PID/uid_map, gid_map, projid_map, setgroups: Linux kernel/user_namespace.c. */
import { CAP_SETFCAP, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { EACCES, EINVAL, EPERM, ESRCH, type Errno } from '../../abi/errno.ts';
import { O_ACCMODE, O_RDONLY } from '../../abi/fcntl.ts';
import type { Credentials } from '../../auth/credentials.ts';
import { EMPTY_MAP, IdMap, MAX_EXTENTS } from '../../auth/id-map.ts';
import type { IdExtent } from '../../auth/id-map.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/mount.ts';
import { file, special, type SpecialEntry } from '../pseudo/entries.ts';
import { TextFile } from '../pseudo/text-file.ts';
import type { ProcTask } from './proc-task.ts';

export type MapKind = 'uidMap' | 'gidMap' | 'projidMap';

/** A map may be written by less than a page at once. */
const PAGE_SIZE = 4096;
/** Longer maps are kept sorted (UID_GID_MAP_MAX_BASE_EXTENTS). */
const BASE_EXTENTS = 5;
/** setgroups takes fewer bytes than this. */
const SETGROUPS_SIZE = 8;

/**
 * A file about the user namespace that the task was in when it was opened, by the rights that the opener had then: passing the descriptor on gives nobody
 * more than both have.
 */
function namespaceFile(
  read: (ns: UserNamespace, opener: Credentials) => string,
  write: (ns: UserNamespace, opener: Credentials, writer: Credentials, text: string, at: number) => number,
  mayWrite: (ns: UserNamespace, opener: Credentials) => 0 | Errno,
): SpecialEntry<ProcTask> {
  return special(0o644, (subject: ProcTask, ctx: VfsContext, path: Path, flags: number): FileDescription | Errno => {
    const { task } = subject;
    if (task === null) return ESRCH;
    const ns = task.credentials.userNs;
    const opener = ctx.credentials;
    if ((flags & O_ACCMODE) !== O_RDONLY) {
      const r = mayWrite(ns, opener);
      if (r !== 0) return r;
    }
    const entry = { ...file(() => read(ns, opener)), sequential: true, write: (_s: null, c: VfsContext, text: string, _d: FileDescription, at: number) => write(ns, opener, c.credentials, text, at) };
    return new TextFile(path, flags, entry, null);
  });
}

export const idMap = (kind: MapKind): SpecialEntry<ProcTask> =>
  namespaceFile(
    (ns, opener) => mapText(ns, kind, opener.userNs),
    (ns, opener, writer, text, at) => writeMap(ns, kind, opener, writer, text, at),
    () => 0,
  );

/** The map as `reader` sees the ids outside: its own parent's when it looks at its own. */
function mapText(ns: UserNamespace, kind: MapKind, reader: UserNamespace): string {
  const seenFrom = reader === ns && ns.parent !== null ? ns.parent : reader;
  let text = '';
  for (const e of ns[kind].extents) {
    const lower = seenFrom[kind].up(e.lower);
    text += `${String(e.first).padStart(10)} ${String(lower < 0 ? 4294967295 : lower).padStart(10)} ${String(e.count).padStart(10)}\n`;
  }
  return text;
}

/** A map may be written once, in one write at the start, by who may map the ids: EPERM, EINVAL. Linux map_write(). */
function writeMap(ns: UserNamespace, kind: MapKind, opener: Credentials, writer: Credentials, text: string, at: number): number {
  const { parent } = ns;
  if (parent === null || (opener.userNs !== ns && opener.userNs !== parent)) return EPERM;
  if (at !== 0 || text.length >= PAGE_SIZE) return EINVAL;
  if (ns[kind] !== EMPTY_MAP) return EPERM;
  if (kind !== 'projidMap' && !opener.nsCapable(ns, CAP_SYS_ADMIN)) return EPERM;
  const extents = parseMap(text);
  if (extents === null) return EINVAL;
  if (!mayMap(kind, ns, parent, opener, writer, extents)) return EPERM;
  const lowered: IdExtent[] = [];
  for (const e of extents) {
    const lower = parent[kind].downRange(e.lower, e.count);
    if (lower < 0) return EPERM;
    lowered.push({ first: e.first, lower, count: e.count });
  }
  // A long map is sorted for its look-ups, and shown so.
  if (lowered.length > BASE_EXTENTS) lowered.sort((a, b) => a.first - b.first);
  ns[kind] = new IdMap(lowered);
  return 0;
}

/** White space as the kernel's ctype has it: Latin-1's no-break space is some. */
const SPACE = '[ \\t\\n\\v\\f\\r\\xa0]';
const LINE = new RegExp(`^${SPACE}*(\\d*)${SPACE}+(\\d*)${SPACE}+(\\d*)${SPACE}*$`);

/** A number as simple_strtoul() into 32 bits: none is 0, too large ones wrap. */
const word = (digits: string | undefined): number => (digits === undefined || digits === '' ? 0 : Number(BigInt(digits) & 0xffffffffn));

/** Lines "inside outside count"; null if one is wrong, two overlap, or there is none. */
function parseMap(text: string): IdExtent[] | null {
  // What follows a NUL is not looked at.
  const nul = text.indexOf('\0');
  const lines = (nul < 0 ? text : text.slice(0, nul)).split('\n');
  if (lines.length > 1 && lines[lines.length - 1] === '') lines.pop();
  if (lines.length > MAX_EXTENTS) return null;
  const extents: IdExtent[] = [];
  for (const line of lines) {
    const m = LINE.exec(line);
    if (m === null) return null;
    const [first, lower, count] = [word(m[1]), word(m[2]), word(m[3])];
    if (first === 0xffffffff || lower === 0xffffffff) return null;
    if (count === 0 || first + count > 0xffffffff || lower + count > 0xffffffff) return null;
    for (const e of extents) {
      if (first < e.first + e.count && e.first < first + count) return null;
      if (lower < e.lower + e.count && e.lower < lower + count) return null;
    }
    extents.push({ first, lower, count });
  }
  return extents;
}

/** Linux new_idmap_permitted() and verify_root_map(). */
function mayMap(kind: MapKind, ns: UserNamespace, parent: UserNamespace, opener: Credentials, writer: Credentials, extents: readonly IdExtent[]): boolean {
  if (kind === 'projidMap') return true;
  const mapsRoot = kind === 'uidMap' && extents.some((e) => e.lower === 0);
  // Linux 5.12: mapping the parent's root needs CAP_SETFCAP there, since file capabilities for that root would count here.
  if (mapsRoot && (opener.userNs === ns ? !ns.parentCouldSetfcap : !opener.nsCapable(parent, CAP_SETFCAP))) return false;
  const [only] = extents;
  if (extents.length === 1 && only !== undefined && only.count === 1 && ns.owner === opener.euid) {
    if (kind === 'uidMap' && parent.makeKuid(only.lower) === opener.euid) return true;
    if (kind === 'gidMap' && !ns.setgroupsAllowed && parent.makeKgid(only.lower) === opener.egid) return true;
  }
  const cap = kind === 'uidMap' ? CAP_SETUID : CAP_SETGID;
  return writer.nsCapable(parent, cap) && opener.nsCapable(parent, cap);
}

/** "deny" before the gid map is written forbids setgroups for good. EACCES at open without CAP_SYS_ADMIN in the namespace. */
export const setgroups: SpecialEntry<ProcTask> = namespaceFile(
  (ns) => (ns.setgroupsAllowed ? 'allow\n' : 'deny\n'),
  (ns, _opener, _writer, text, at) => {
    if (at !== 0 || text.length >= SETGROUPS_SIZE) return EINVAL;
    const m = /^(allow|deny)[ \t\n\v\f\r\xa0]*(?:\0.*)?$/s.exec(text);
    if (m === null) return EINVAL;
    if (m[1] === 'allow') return ns.setgroupsAllowed ? 0 : EPERM;
    if (ns.gidMap !== EMPTY_MAP) return EPERM;
    ns.setgroupsAllowed = false;
    return 0;
  },
  (ns, opener) => (opener.nsCapable(ns, CAP_SYS_ADMIN) ? 0 : EACCES),
);
