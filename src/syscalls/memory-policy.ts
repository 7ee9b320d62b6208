/** NUMA memory policy on a machine with one node: what can be asked for is what there is. Linux 6.18 mm/mempolicy.c, mm/migrate.c. */
import { EFAULT, EINVAL, ENODEV, ENOENT, EOPNOTSUPP, EPERM, ESRCH, isErr } from '../abi/errno.ts';
import { PTRACE_MODE_READ, PTRACE_MODE_REALCREDS, ptraceMayAccess } from '../kernel/ptrace-access.ts';
import { setPolicy } from '../memory/madvise.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const MPOL_DEFAULT = 0, MPOL_PREFERRED = 1, MPOL_BIND = 2, MPOL_LOCAL = 4, MPOL_PREFERRED_MANY = 5, MPOL_MAX = 7;
const MPOL_MODE_FLAGS = 0xe000;
const MPOL_F_NODE = 1, MPOL_F_ADDR = 2, MPOL_F_MEMS_ALLOWED = 4;
const MPOL_MF_STRICT = 1, MPOL_MF_MOVE = 2, MPOL_MF_MOVE_ALL = 4;

/** Reads a node mask of `maxnode` bits: 1 if node 0 is in it, 0 if it is empty; EINVAL for other nodes or a size that is out of range, EFAULT. */
function readNodes(t: Task, addr: number, maxnode: number): number {
  if (maxnode === 0 || addr === 0) return 0;
  // The last bit is not part of the mask (get_nodes).
  const bits = maxnode - 1;
  if (bits > 4096 * 8) return EINVAL;
  let any = 0;
  for (let i = 0; i < bits; i += 64) {
    const lo = t.space.readU32(addr + i / 8);
    const hi = t.space.readU32(addr + i / 8 + 4);
    if (isErr(lo) || isErr(hi)) return EFAULT;
    let mask = lo;
    if (bits - i < 32) mask = lo & ((1 << (bits - i)) - 1);
    if (i === 0) {
      any = mask & 1;
      mask &= ~1;
    }
    if (mask !== 0 || (hi !== 0 && bits - i > 32)) return EINVAL;
  }
  return any;
}

function checkPolicy(t: Task, mode: number, nodes: number, maxnode: number): number {
  const kind = mode & ~MPOL_MODE_FLAGS;
  if (kind < 0 || kind >= MPOL_MAX) return EINVAL;
  const any = readNodes(t, nodes, maxnode);
  if (isErr(any)) return any;
  if (kind === MPOL_DEFAULT || kind === MPOL_LOCAL) return any ? EINVAL : 0;
  if (kind === MPOL_PREFERRED) return 0;
  return any ? 0 : EINVAL;
}

function sysSetMempolicy(t: Task, a: SyscallArgs): number {
  const r = checkPolicy(t, a.int(0), a.addr(1), a.size(2));
  if (isErr(r)) return r;
  t.memoryPolicy = a.int(0);
  return 0;
}

function sysMbind(t: Task, a: SyscallArgs): number {
  const start = a.addr(0);
  if (a.u32(5) & ~(MPOL_MF_STRICT | MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) return EINVAL;
  const r = checkPolicy(t, a.int(2), a.addr(3), a.size(4));
  if (isErr(r)) return r;
  if (start % 4096 !== 0) return EINVAL;
  const end = start + Math.ceil(a.size(1) / 4096) * 4096;
  if (end === start) return 0;
  if (!t.space.covered(start, end)) return EFAULT;
  return setPolicy(t.space, start, end, (a.int(2) & ~MPOL_MODE_FLAGS) === MPOL_DEFAULT ? -1 : a.int(2));
}

/** set_mempolicy_home_node(start, len, node, flags): the node that a mapping's bound policy prefers. */
function sysSetMempolicyHomeNode(t: Task, a: SyscallArgs): number {
  const start = a.addr(0);
  if (start % 4096 !== 0 || a.lo(3) !== 0 || a.hi(3) !== 0 || a.size(2) !== 0) return EINVAL;
  const end = start + Math.ceil(a.size(1) / 4096) * 4096;
  if (end >= 2 ** 64) return EINVAL;
  if (end === start) return 0;
  let r: number = ENOENT;
  for (let v = t.space.vmas.intersecting(start, end); v !== null && v.start < end; v = v.next) {
    if (v.policy === -1) continue;
    const mode = v.policy & ~MPOL_MODE_FLAGS;
    if (mode !== MPOL_BIND && mode !== MPOL_PREFERRED_MANY) return EOPNOTSUPP;
    r = 0;
  }
  return r;
}

function sysGetMempolicy(t: Task, a: SyscallArgs): number {
  const flags = a.lo(4);
  const maxnode = a.size(2);
  if (flags & ~(MPOL_F_NODE | MPOL_F_ADDR | MPOL_F_MEMS_ALLOWED)) return EINVAL;
  if (a.addr(1) !== 0 && maxnode < 1) return EINVAL;
  let mode = t.memoryPolicy;
  const kind = mode & ~MPOL_MODE_FLAGS;
  let nodes = kind === MPOL_DEFAULT || kind === MPOL_LOCAL ? 0 : 1;
  if (flags & MPOL_F_MEMS_ALLOWED) {
    if (flags & (MPOL_F_NODE | MPOL_F_ADDR)) return EINVAL;
    mode = 0;
    nodes = 1;
  } else if (flags & MPOL_F_ADDR) {
    const v = t.space.vmas.find(a.addr(3));
    if (v === null || v.start > a.addr(3)) return EFAULT;
    if (v.policy !== -1) mode = v.policy;
    const kind = mode & ~MPOL_MODE_FLAGS;
    nodes = kind === MPOL_DEFAULT || kind === MPOL_LOCAL ? 0 : 1;
    if (flags & MPOL_F_NODE) mode = 0;
  } else if (a.addr(3) !== 0) return EINVAL;
  else if (flags & MPOL_F_NODE) return EINVAL;
  if (a.addr(0) !== 0 && isErr(t.space.writeU32(a.addr(0), mode))) return EFAULT;
  if (a.addr(1) !== 0) {
    const bytes = Math.ceil((Math.min(maxnode, 32768) - 1) / 64) * 8;
    if (isErr(t.space.clear(a.addr(1), bytes)) || (bytes > 0 && isErr(t.space.writeU32(a.addr(1), nodes)))) return EFAULT;
  }
  return 0;
}

function target(t: Task, pid: number): Task | number {
  if (pid === 0) return t;
  const found = t.pid.ns.find(pid)?.task ?? null;
  if (found === null) return ESRCH;
  return ptraceMayAccess(t, found, PTRACE_MODE_READ | PTRACE_MODE_REALCREDS) < 0 ? EPERM : found;
}

function sysMigratePages(t: Task, a: SyscallArgs): number {
  const from = readNodes(t, a.addr(2), a.size(1));
  if (isErr(from)) return from;
  const to = readNodes(t, a.addr(3), a.size(1));
  if (isErr(to)) return to;
  const who = target(t, a.int(0));
  if (typeof who === 'number') return who;
  return to === 0 || who.mm === null ? EINVAL : 0;
}

function sysMovePages(t: Task, a: SyscallArgs): number {
  const flags = a.int(5);
  if (flags & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) return EINVAL;
  const who = target(t, a.int(0));
  if (typeof who === 'number') return who;
  if (who.mm === null) return EINVAL;
  const count = a.size(1);
  for (let i = 0; i < count; i++) {
    const page = t.space.readU64(a.addr(2) + i * 8);
    if (isErr(page)) return EFAULT;
    let status = 0;
    if (a.addr(3) !== 0) {
      const node = t.space.readU32(a.addr(3) + i * 4);
      if (isErr(node)) return EFAULT;
      if (node !== 0) return ENODEV;
    }
    const v = who.mm.vmas.find(page);
    if (v === null || v.start > page) status = EFAULT;
    else if (who.mm.table.get(page) === 0) status = ENOENT;
    if (isErr(t.space.writeU32(a.addr(4) + i * 4, status))) return EFAULT;
  }
  return 0;
}

export const rows: readonly SyscallRow[] = [
  [237, 'mbind', 'addr,size,mpolmode,addr,ulong,mpolmove', 'full', sysMbind],
  [238, 'set_mempolicy', 'mpolmode,addr,ulong', 'full', sysSetMempolicy],
  [239, 'get_mempolicy', 'addr,addr,ulong,addr,mpolget', 'full', sysGetMempolicy],
  [450, 'set_mempolicy_home_node', 'addr,ulong,ulong,ulong', 'full', sysSetMempolicyHomeNode],
  [256, 'migrate_pages', 'pid,ulong,addr,addr', 'full', sysMigratePages],
  [279, 'move_pages', 'pid,ulong,addr,addr,addr,int', 'full', sysMovePages],
];
