/** /proc/PID/uid_map, gid_map, projid_map, setgroups: Linux kernel/user_namespace.c. */
import { CAP_SETFCAP, CAP_SETGID, CAP_SETUID, CAP_SYS_ADMIN } from '../../abi/capability.ts';
import { EINVAL, EPERM, ESRCH } from '../../abi/errno.ts';
import { EMPTY_MAP, IdMap, MAX_EXTENTS } from '../../auth/id-map.ts';
import type { IdExtent } from '../../auth/id-map.ts';
import type { UserNamespace } from '../../auth/user-namespace.ts';
import type { VfsContext } from '../../vfs/context.ts';
import type { Task } from '../../kernel/task.ts';
import type { Acceptor, Generator } from '../pseudo/entries.ts';
import { callerTask, ofTask } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';

export type MapKind = 'uidMap' | 'gidMap' | 'projidMap';

/** The map as the reader's namespace sees the ids outside: its own parent's when it looks at its own. */
export const readMap = (kind: MapKind): Generator<ProcTask> =>
  ofTask((task, _subject, ctx) => {
    const ns = task.credentials.userNs;
    const reader = callerTask(ctx).credentials.userNs;
    const seenFrom = reader === ns && ns.parent !== null ? ns.parent : reader;
    let text = '';
    for (const e of ns[kind].extents) {
      const lower = seenFrom[kind].up(e.lower);
      const shown = lower < 0 ? 4294967295 : lower;
      text += `${String(e.first).padStart(10)} ${String(shown).padStart(10)} ${String(e.count).padStart(10)}\n`;
    }
    return text;
  });

/** A map may be written once, in one write at the start, by who may map the ids: EPERM, EINVAL. */
export const writeMap =
  (kind: MapKind): Acceptor<ProcTask> =>
  (subject: ProcTask, ctx: VfsContext, text: string): number => {
    const task = subject.task;
    if (task === null) return ESRCH;
    const ns = task.credentials.userNs;
    const writer = callerTask(ctx);
    const parent = ns.parent;
    if (parent === null || ns[kind] !== EMPTY_MAP) return EPERM;
    if (writer.credentials.userNs !== ns && writer.credentials.userNs !== parent) return EPERM;
    if (!writer.credentials.nsCapable(ns, CAP_SYS_ADMIN)) return EPERM;
    const extents = parseMap(text);
    if (extents === null) return EINVAL;
    if (!mayMap(kind, ns, parent, writer, extents)) return EPERM;
    const lowered: IdExtent[] = [];
    for (const e of extents) {
      const lower = parent[kind].downRange(e.lower, e.count);
      if (lower < 0) return EPERM;
      lowered.push({ first: e.first, lower, count: e.count });
    }
    ns[kind] = new IdMap(lowered);
    return 0;
  };

/** Lines "inside outside count"; null if one is wrong or two overlap. */
function parseMap(text: string): IdExtent[] | null {
  if (text.length >= 4096) return null;
  const lines = text.replace(/\n$/, '').split('\n');
  if (lines.length > MAX_EXTENTS) return null;
  const extents: IdExtent[] = [];
  for (const line of lines) {
    const m = /^\s*(\d+)\s+(\d+)\s+(\d+)\s*$/.exec(line);
    if (m === null) return null;
    const [first, lower, count] = [Number(m[1]), Number(m[2]), Number(m[3])];
    if (count === 0 || first + count > 0xffffffff || lower + count > 0xffffffff) return null;
    for (const e of extents) {
      if (first < e.first + e.count && e.first < first + count) return null;
      if (lower < e.lower + e.count && e.lower < lower + count) return null;
    }
    extents.push({ first, lower, count });
  }
  return extents;
}

/** Linux new_idmap_permitted(). */
function mayMap(kind: MapKind, ns: UserNamespace, parent: UserNamespace, writer: Task, extents: readonly IdExtent[]): boolean {
  const c = writer.credentials;
  if (kind === 'projidMap') return true;
  const mapsRoot = kind === 'uidMap' && extents.some((e) => e.lower === 0);
  // Linux 5.12: mapping the parent's root needs CAP_SETFCAP there.
  if (mapsRoot && (c.userNs === ns ? !ns.parentCouldSetfcap : !c.nsCapable(parent, CAP_SETFCAP))) return false;
  const [only] = extents;
  if (extents.length === 1 && only !== undefined && only.count === 1 && ns.owner === c.euid) {
    if (kind === 'uidMap' && parent.makeKuid(only.lower) === c.euid) return true;
    if (kind === 'gidMap' && parent.makeKgid(only.lower) === c.egid && (!ns.setgroupsAllowed || c.nsCapable(parent, CAP_SETGID))) return true;
  }
  const cap = kind === 'uidMap' ? CAP_SETUID : CAP_SETGID;
  return c.nsCapable(parent, cap);
}

export const readSetgroups: Generator<ProcTask> = ofTask((task) => (task.credentials.userNs.setgroupsAllowed ? 'allow\n' : 'deny\n'));

/** "deny" before the gid map is written forbids setgroups for good. */
export function writeSetgroups(subject: ProcTask, ctx: VfsContext, text: string): number {
  const task = subject.task;
  if (task === null) return ESRCH;
  const ns = task.credentials.userNs;
  if (!callerTask(ctx).credentials.nsCapable(ns, CAP_SYS_ADMIN)) return EPERM;
  const word = text.trim();
  if (word === 'allow') return ns.setgroupsAllowed ? 0 : EPERM;
  if (word !== 'deny') return EINVAL;
  if (ns.gidMap !== EMPTY_MAP) return EPERM;
  ns.setgroupsAllowed = false;
  return 0;
}
