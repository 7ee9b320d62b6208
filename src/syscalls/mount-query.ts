/** statmount, listmount: mounts by number. Linux fs/namespace.c do_statmount(), do_listmount(). */
import { CAP_SYS_ADMIN } from '../abi/capability.ts';
import { E2BIG, EBADF, EFAULT, EINVAL, ENOENT, EOVERFLOW, EPERM, type Errno, isErr } from '../abi/errno.ts';
import {
  LISTMOUNT_REVERSE, MNT_ID_REQ_SIZE_VER0, MNT_ID_REQ_SIZE_VER1, MS_DIRSYNC, MS_LAZYTIME, MS_PRIVATE, MS_RDONLY, MS_SHARED, MS_SLAVE, MS_SYNCHRONOUS,
  MS_UNBINDABLE, STATMOUNT_ALL, STATMOUNT_FS_SUBTYPE, STATMOUNT_FS_TYPE, STATMOUNT_MNT_BASIC, STATMOUNT_MNT_GIDMAP, STATMOUNT_MNT_NS_ID, STATMOUNT_MNT_OPTS,
  STATMOUNT_MNT_POINT, STATMOUNT_MNT_ROOT, STATMOUNT_MNT_UIDMAP, STATMOUNT_OPT_ARRAY, STATMOUNT_OPT_SEC_ARRAY, STATMOUNT_PROPAGATE_FROM, STATMOUNT_SB_BASIC,
  STATMOUNT_SB_SOURCE, STATMOUNT_SIZE, STATMOUNT_SUPPORTED_MASK,
} from '../abi/mount.ts';
import { devMajor, devMinor } from '../abi/stat.ts';
import type { IdMap } from '../auth/id-map.ts';
import { NamespaceFile } from '../fs/nsfs/nsfs.ts';
import { bytesOf } from '../fs/pseudo/text-file.ts';
import type { Task } from '../kernel/task.ts';
import { pathName } from '../vfs/dentry-path.ts';
import { attributesOf } from '../vfs/mount-attributes.ts';
import { MountNamespace } from '../vfs/mount-namespace.ts';
import { type Mount, Path } from '../vfs/mount.ts';
import { dominatingGroup, rootName } from '../vfs/mount-names.ts';
import { isReachable } from '../vfs/mounting.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const PAGE = 4096;
/** Numbers of mounts are above this (MNT_UNIQUE_ID_OFFSET). */
const FIRST_ID = 2 ** 31;
/** mnt_id of listmount(2): all that the caller's root shows (LSMT_ROOT), as the nearest number to 2^64-1. */
const LSMT_ROOT = 2 ** 64;
const LISTMOUNT_MAX = 1_000_000;
const STRINGS =
  STATMOUNT_MNT_ROOT | STATMOUNT_MNT_POINT | STATMOUNT_FS_TYPE | STATMOUNT_MNT_OPTS | STATMOUNT_FS_SUBTYPE | STATMOUNT_SB_SOURCE | STATMOUNT_OPT_ARRAY |
  STATMOUNT_OPT_SEC_ARRAY | STATMOUNT_MNT_UIDMAP | STATMOUNT_MNT_GIDMAP;

/** struct mnt_id_req as numbers; `param` is exact below 2^53. */
const request = { mntId: 0, param: 0, paramLow: 0, nsId: 0, nsFd: 0 };

function readRequest(t: Task, addr: number): 0 | Errno {
  const size = t.space.readU32(addr);
  if (isErr(size)) return EFAULT;
  if (size > PAGE) return E2BIG;
  if (size < MNT_ID_REQ_SIZE_VER0) return EINVAL;
  for (let i = MNT_ID_REQ_SIZE_VER1; i < size; i++) {
    const b = t.space.readU8(addr + i);
    if (isErr(b)) return EFAULT;
    if (b !== 0) return E2BIG;
  }
  const nsFd = t.space.readU32(addr + 4);
  const mntId = t.space.readU64(addr + 8);
  const param = t.space.readU64(addr + 16);
  const paramLow = t.space.readU32(addr + 16);
  const nsId = size >= MNT_ID_REQ_SIZE_VER1 ? t.space.readU64(addr + 24) : 0;
  if (isErr(nsFd) || isErr(mntId) || isErr(param) || isErr(paramLow) || isErr(nsId)) return EFAULT;
  if (nsFd !== 0 && nsId !== 0) return EINVAL;
  if (mntId <= FIRST_ID) return EINVAL;
  Object.assign(request, { mntId, param, paramLow, nsId, nsFd });
  return 0;
}

/** The namespace that the request names: by a descriptor, which is permission enough, or by number (ENOENT for one that the caller may not look at). */
function requestedNamespace(t: Task): MountNamespace | Errno {
  const mine = t.nsproxy.mnt;
  let ns: MountNamespace = mine;
  if (request.nsId !== 0) {
    const found = mine.userNs.registry.find(request.nsId);
    if (!(found instanceof MountNamespace)) return ENOENT;
    ns = found;
  } else if (request.nsFd !== 0) {
    const file = t.fdTable.get(request.nsFd | 0);
    if (file === null || file.isPath) return EBADF;
    if (!(file instanceof NamespaceFile) || !(file.namespace instanceof MountNamespace)) return EINVAL;
    return file.namespace;
  }
  if (ns !== mine && !t.credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN)) return ENOENT;
  return ns;
}

/** What counts as the root when `t` looks at `ns`: its own, or the first mount on the bottom of another's tree. */
function requestedRoot(t: Task, ns: MountNamespace): Path | Errno {
  if (ns === t.nsproxy.mnt) return t.fs.root;
  for (const m of ns.ordered()) if (m.parent === ns.root) return new Path(m, m.root);
  return ENOENT;
}

class MountRecord {
  readonly view: DataView = new DataView(new ArrayBuffer(STATMOUNT_SIZE));
  strings = '';
  mask = 0;
  u32(at: number, v: number): void {
    this.view.setUint32(at, v, true);
  }
  u64(at: number, v: number): void {
    this.view.setUint32(at, v % 4294967296, true);
    this.view.setUint32(at + 4, Math.floor(v / 4294967296), true);
  }
  /** A string whose place goes to `at`; nothing for an empty one. */
  string(flag: number, at: number, text: string): void {
    if (text === '') return;
    this.u32(at, this.strings.length);
    this.strings += `${text}\0`;
    this.mask |= flag;
  }
}

function propagationOf(m: Mount): number {
  const flags = (m.group !== null ? MS_SHARED : 0) | (m.master !== null ? MS_SLAVE : 0) | (m.unbindable ? MS_UNBINDABLE : 0);
  return flags === 0 ? MS_PRIVATE : flags;
}

/** "first lower count" of each range that the caller can name, `lower` as it sees it. */
function idRanges(map: IdMap, callerMap: IdMap): string[] {
  const lines: string[] = [];
  for (const e of map.extents) {
    for (const c of callerMap.extents) {
      if (e.lower < c.lower || e.lower + e.count > c.lower + c.count) continue;
      lines.push(`${e.first} ${c.first + e.lower - c.lower} ${e.count}`);
      break;
    }
  }
  return lines;
}

const unescapeOctal = (text: string): string => text.replace(/\\([0-3][0-7]{2})/g, (_, octal: string) => String.fromCharCode(parseInt(octal, 8)));

function fill(r: MountRecord, t: Task, m: Mount, ns: MountNamespace, root: Path, want: number): void {
  const { sb } = m;
  if (want & STATMOUNT_SB_BASIC) {
    r.mask |= STATMOUNT_SB_BASIC;
    r.u32(16, devMajor(sb.dev));
    r.u32(20, devMinor(sb.dev));
    r.u64(24, sb.magic);
    r.u32(32, sb.flags & (MS_RDONLY | MS_SYNCHRONOUS | MS_DIRSYNC | MS_LAZYTIME));
  }
  if (want & STATMOUNT_MNT_BASIC) {
    const parent = m.parent ?? m;
    r.mask |= STATMOUNT_MNT_BASIC;
    r.u64(40, m.uniqueId);
    r.u64(48, parent.uniqueId);
    r.u32(56, m.id);
    r.u32(60, parent.id);
    r.u64(64, attributesOf(m));
    r.u64(72, propagationOf(m));
    r.u64(80, m.peerGroup);
    r.u64(88, m.master?.peerGroup ?? 0);
  }
  if (want & STATMOUNT_PROPAGATE_FROM) {
    r.mask |= STATMOUNT_PROPAGATE_FROM;
    if (m.master !== null) r.u64(96, dominatingGroup(m, t.fs.root));
  }
  if (want & STATMOUNT_FS_TYPE) r.string(STATMOUNT_FS_TYPE, 36, sb.typeName);
  if (want & STATMOUNT_MNT_ROOT) r.string(STATMOUNT_MNT_ROOT, 104, rootName(m, t));
  if (want & STATMOUNT_MNT_POINT && isReachable(m, m.root, root)) r.string(STATMOUNT_MNT_POINT, 108, pathName(new Path(m, m.root), root, false));
  const options = sb.showOptions().slice(1);
  if (want & STATMOUNT_MNT_OPTS) r.string(STATMOUNT_MNT_OPTS, 4, options);
  if (want & STATMOUNT_OPT_ARRAY && options !== '') {
    const list = options.split(',').map(unescapeOctal);
    r.u32(128, list.length);
    r.string(STATMOUNT_OPT_ARRAY, 132, list.join('\0'));
  }
  if (want & STATMOUNT_SB_SOURCE) r.string(STATMOUNT_SB_SOURCE, 124, m.source);
  if (m.idmap !== null) {
    const { userNs } = t.credentials;
    if (want & STATMOUNT_MNT_UIDMAP) {
      const lines = idRanges(m.idmap.uids, userNs.uidMap);
      r.mask |= STATMOUNT_MNT_UIDMAP;
      r.u32(152, lines.length);
      r.string(STATMOUNT_MNT_UIDMAP, 156, lines.join('\0'));
    }
    if (want & STATMOUNT_MNT_GIDMAP) {
      const lines = idRanges(m.idmap.gids, userNs.gidMap);
      r.mask |= STATMOUNT_MNT_GIDMAP;
      r.u32(160, lines.length);
      r.string(STATMOUNT_MNT_GIDMAP, 164, lines.join('\0'));
    }
  }
  if (want & STATMOUNT_MNT_NS_ID) {
    r.mask |= STATMOUNT_MNT_NS_ID;
    r.u64(112, ns.id);
  }
  if (want & STATMOUNT_SUPPORTED_MASK) {
    r.mask |= STATMOUNT_SUPPORTED_MASK;
    r.u64(144, STATMOUNT_ALL);
  }
}

function sysStatmount(t: Task, a: SyscallArgs): number {
  if (a.lo(3) !== 0) return EINVAL;
  const read = readRequest(t, a.addr(0));
  if (read < 0) return read;
  const ns = requestedNamespace(t);
  if (isErr(ns)) return ns;
  const [buffer, size] = [a.addr(1), a.size(2)];
  const want = request.paramLow;
  if (want & STRINGS && size === STATMOUNT_SIZE) return EOVERFLOW;
  const m = ns.find(request.mntId);
  if (m === undefined) return ENOENT;
  const root = requestedRoot(t, ns);
  if (isErr(root)) return root;
  if (!isReachable(m, m.root, root) && !t.credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN)) return EPERM;
  const r = new MountRecord();
  // Place 0 is the empty string of what is not given.
  if (want & STRINGS) r.strings = '\0';
  fill(r, t, m, ns, root, want);
  if (r.strings.length > 1 && STATMOUNT_SIZE + r.strings.length > size) return EOVERFLOW;
  const copied = Math.min(size, STATMOUNT_SIZE);
  r.u32(0, copied + r.strings.length);
  r.u64(8, r.mask);
  if (r.strings !== '' && isErr(t.space.writeBytes(buffer + STATMOUNT_SIZE, bytesOf(r.strings)))) return EFAULT;
  return isErr(t.space.writeBytes(buffer, new Uint8Array(r.view.buffer), 0, copied)) ? EFAULT : 0;
}

function sysListmount(t: Task, a: SyscallArgs): number {
  const flags = a.lo(3);
  if (flags & ~LISTMOUNT_REVERSE) return EINVAL;
  const [ids, count] = [a.addr(1), a.size(2)];
  if (count > LISTMOUNT_MAX) return EOVERFLOW;
  const read = readRequest(t, a.addr(0));
  if (read < 0) return read;
  const { mntId } = request;
  // The one behind the last there can be is the first.
  const last = request.param >= 2 ** 64 ? 0 : request.param;
  if (last !== 0 && last <= FIRST_ID) return EINVAL;
  const ns = requestedNamespace(t);
  if (isErr(ns)) return ns;
  const root = requestedRoot(t, ns);
  if (isErr(root)) return root;
  let from = root;
  if (mntId < LSMT_ROOT) {
    const m = ns.find(mntId);
    if (m === undefined) return ENOENT;
    from = new Path(m, m.root);
  }
  if (!isReachable(from.mount, from.dentry, root) && !t.credentials.nsCapable(ns.userNs, CAP_SYS_ADMIN)) return EPERM;
  const reverse = (flags & LISTMOUNT_REVERSE) !== 0;
  const all = reverse ? ns.ordered().reverse() : ns.ordered();
  let n = 0;
  for (const m of all) {
    if (n === count) break;
    if (last !== 0 && (reverse ? m.uniqueId >= last : m.uniqueId <= last)) continue;
    if (m.uniqueId === mntId || !isReachable(m, m.root, from)) continue;
    if (isErr(t.space.writeU64(ids + n * 8, m.uniqueId))) return EFAULT;
    n++;
  }
  return n;
}

export const rows: readonly SyscallRow[] = [
  [457, 'statmount', 'addr,addr,size,hex', 'full', sysStatmount],
  [458, 'listmount', 'addr,addr,size,hex=long', 'full', sysListmount],
];
