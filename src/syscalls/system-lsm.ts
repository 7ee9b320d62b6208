/** The security modules: which there are, and their attributes, of which these have none. Linux 6.18 security/lsm_syscalls.c, security/security.c. */
import { E2BIG, EFAULT, EINVAL, EOPNOTSUPP, isErr } from '../abi/errno.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

/** LSM_ID_ of lockdown, capability, landlock and bpf, in the order in which they are asked. */
const MODULES: readonly number[] = [108, 100, 110, 109];
const LSM_FLAG_SINGLE = 1;
const PAGE_SIZE = 4096;
/** struct lsm_ctx without its text: id, flags, len, ctx_len. Bytes. */
const SIZEOF_LSM_CTX = 32;

/** lsm_get_self_attr(attr, ctx, size, flags): no module here has attributes, so all that can be wrong is wrong first. */
function sysLsmGetSelfAttr(t: Task, a: SyscallArgs): number {
  const ctx = a.addr(1);
  const flags = a.u32(3);
  if (a.u32(0) === 0 || a.addr(2) === 0) return EINVAL;
  if (isErr(t.space.readU32(a.addr(2)))) return EFAULT;
  if (flags === 0) return EOPNOTSUPP;
  if (flags & ~LSM_FLAG_SINGLE || ctx === 0) return EINVAL;
  // The one module that is meant is named by the first struct.
  return isErr(t.space.readBytes(ctx, new Uint8Array(SIZEOF_LSM_CTX))) ? EFAULT : t.space.readU32(ctx) === 0 ? EINVAL : EOPNOTSUPP;
}

/** lsm_set_self_attr(attr, ctx, size, flags). */
function sysLsmSetSelfAttr(t: Task, a: SyscallArgs): number {
  const size = a.u32(2);
  if (a.u32(3) !== 0 || size < SIZEOF_LSM_CTX) return EINVAL;
  if (size > PAGE_SIZE) return E2BIG;
  const bytes = new Uint8Array(size);
  if (isErr(t.space.readBytes(a.addr(1), bytes))) return EFAULT;
  const view = new DataView(bytes.buffer);
  const length = view.getUint32(16, true) + view.getUint32(20, true) * 4294967296;
  const text = view.getUint32(24, true) + view.getUint32(28, true) * 4294967296;
  return size < length || length < SIZEOF_LSM_CTX + text ? EINVAL : EOPNOTSUPP;
}

/** lsm_list_modules(ids, size, flags): the count, with the bytes needed in `size`; E2BIG when they do not fit. */
function sysLsmListModules(t: Task, a: SyscallArgs): number {
  if (a.u32(2) !== 0) return EINVAL;
  const room = t.space.readU32(a.addr(1));
  if (isErr(room)) return EFAULT;
  const need = MODULES.length * 8;
  if (isErr(t.space.writeU32(a.addr(1), need))) return EFAULT;
  if (room < need) return E2BIG;
  for (const [i, id] of MODULES.entries()) if (isErr(t.space.writeU64(a.addr(0) + i * 8, id))) return EFAULT;
  return MODULES.length;
}

export const systemLsmRows: readonly SyscallRow[] = [
  [459, 'lsm_get_self_attr', 'uint,addr,addr,uint', 'full', sysLsmGetSelfAttr],
  [460, 'lsm_set_self_attr', 'uint,addr,uint,uint', 'full', sysLsmSetSelfAttr],
  [461, 'lsm_list_modules', 'addr,addr,uint', 'full', sysLsmListModules],
];
