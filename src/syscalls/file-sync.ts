/** fsync and its relatives, fadvise, readahead, cachestat. */
import { EBADF, EFAULT, EINVAL, EOPNOTSUPP, ESPIPE, isErr } from '../abi/errno.ts';
import { S_IFDIR, S_IFIFO, S_IFLNK, S_IFMT, S_IFREG } from '../abi/stat.ts';
import type { Task } from '../kernel/task.ts';
import { PageCache } from '../memory/page-cache.ts';
import type { SuperBlock } from '../vfs/super-block.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';
import { getFile } from './file-names.ts';

function sysFsync(t: Task, a: SyscallArgs): number {
  const file = getFile(t, a.fd(0));
  return typeof file === 'number' ? file : file.fsync(t, false);
}
function sysFdatasync(t: Task, a: SyscallArgs): number {
  const file = getFile(t, a.fd(0));
  return typeof file === 'number' ? file : file.fsync(t, true);
}
function sysSync(t: Task): number {
  const seen = new Set<SuperBlock>();
  for (const m of t.fs.root.mount.ns?.mounts ?? []) {
    if (seen.has(m.sb)) continue;
    seen.add(m.sb);
    m.sb.sync(t);
  }
  return 0;
}
function sysSyncfs(t: Task, a: SyscallArgs): number {
  const file = getFile(t, a.fd(0));
  return typeof file === 'number' ? file : file.inode.sb.sync(t);
}
function sysSyncFileRange(t: Task, a: SyscallArgs): number {
  const offset = a.long(1);
  const length = a.long(2);
  if (a.u32(3) & ~7) return EINVAL;
  if (offset < 0 || length < 0) return EINVAL;
  const file = getFile(t, a.fd(0));
  if (typeof file === 'number') return file;
  const type = file.inode.mode & S_IFMT;
  if (type !== S_IFREG && type !== S_IFDIR && type !== S_IFLNK) return ESPIPE;
  return type === S_IFREG ? file.fsync(t, true) : 0;
}

/** Advice of posix_fadvise: all of it is accepted, none is needed here. */
const POSIX_FADV_NOREUSE = 5;
function sysFadvise(t: Task, a: SyscallArgs): number {
  const file = getFile(t, a.fd(0));
  if (typeof file === 'number') return file;
  if ((file.inode.mode & S_IFMT) === S_IFIFO) return ESPIPE;
  if (a.long(2) < 0) return EINVAL;
  const advice = a.int(3);
  return advice < 0 || advice > POSIX_FADV_NOREUSE ? EINVAL : 0;
}
function sysReadahead(t: Task, a: SyscallArgs): number {
  const file = getFile(t, a.fd(0));
  if (typeof file === 'number') return file;
  if (!file.readable) return EBADF;
  return file.inode.isRegular ? 0 : EINVAL;
}

/** struct cachestat: nr_cache, nr_dirty, nr_writeback, nr_evicted, nr_recently_evicted; all u64. */
function sysCachestat(t: Task, a: SyscallArgs): number {
  const file = getFile(t, a.fd(0));
  if (typeof file === 'number') return file;
  const offset = t.space.readU64(a.addr(1));
  const length = t.space.readU64(a.addr(1) + 8);
  if (isErr(offset) || isErr(length)) return EFAULT;
  if (a.u32(3) !== 0) return EINVAL;
  const cache = file.inode.mapping;
  if (!(cache instanceof PageCache)) return EOPNOTSUPP;
  let cached = 0;
  const first = Math.floor(offset / 4096);
  const last = length === 0 ? Math.ceil(cache.size / 4096) : Math.min(Math.ceil((offset + length) / 4096), Math.ceil(cache.size / 4096));
  for (let p = first; p < last; p++) if (cache.cachedFrame(p) !== 0) cached++;
  const out = a.addr(2);
  const dirty = cache.isShmem ? cached : Math.min(cached, cache.dirtyPages);
  const values = [cached, dirty, 0, 0, 0];
  for (let i = 0; i < 5; i++) if (isErr(t.space.writeU64(out + i * 8, values[i]!))) return EFAULT;
  return 0;
}

export const rows: readonly SyscallRow[] = [
  [74, 'fsync', 'fd', 'full', sysFsync],
  [75, 'fdatasync', 'fd', 'full', sysFdatasync],
  [162, 'sync', '', 'full', sysSync],
  [187, 'readahead', 'fd,long,size', 'full', sysReadahead],
  [221, 'fadvise64', 'fd,long,long,fadvise', 'full', sysFadvise],
  [277, 'sync_file_range', 'fd,long,long,uint', 'full', sysSyncFileRange],
  [306, 'syncfs', 'fd', 'full', sysSyncfs],
  [451, 'cachestat', 'fd,addr,addr,uint', 'full', sysCachestat],
];
