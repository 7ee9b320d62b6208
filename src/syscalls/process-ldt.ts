/** modify_ldt: the local descriptor table of a process. Linux 6.18 arch/x86/kernel/ldt.c; man 2 modify_ldt. The table is kept; nothing loads a selector from it. */
import { EFAULT, EINVAL, ENOSYS, isErr } from '../abi/errno.ts';
import type { Task } from '../kernel/task.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const LDT_ENTRIES = 8192, ENTRY_SIZE = 8;
/** Bytes of the default table, five empty entries of another time that became sixteen. */
const DEFAULT_SIZE = 128;
/** struct user_desc: entry_number, base_addr, limit, flags. Bytes. */
const SIZEOF_USER_DESC = 16;

/** Writes the table, padded with zeros, as much as `count` bytes take: how many, or EFAULT. */
function readLdt(t: Task, addr: number, count: number): number {
  const { ldt } = t.space;
  if (ldt.length === 0) return 0;
  const n = Math.min(count, LDT_ENTRIES * ENTRY_SIZE);
  const bytes = new Uint8Array(n);
  bytes.set(ldt.subarray(0, Math.min(n, ldt.length)));
  return isErr(t.space.writeBytes(addr, bytes)) ? EFAULT : n;
}

/** One entry, as fill_ldt() makes it. `old`: the form of func 1, where an empty description clears and the AVL bit does not count. */
function writeLdt(t: Task, addr: number, count: number, old: boolean): number {
  if (count !== SIZEOF_USER_DESC) return EINVAL;
  const bytes = new Uint8Array(SIZEOF_USER_DESC);
  if (isErr(t.space.readBytes(addr, bytes))) return EFAULT;
  const view = new DataView(bytes.buffer);
  const index = view.getUint32(0, true);
  const base = view.getUint32(4, true);
  const limit = view.getUint32(8, true);
  const bits = view.getUint32(12, true);
  const seg32 = bits & 1, contents = (bits >>> 1) & 3, readOnly = (bits >>> 3) & 1, inPages = (bits >>> 4) & 1, absent = (bits >>> 5) & 1, useable = (bits >>> 6) & 1;
  if (index >= LDT_ENTRIES) return EINVAL;
  if (contents === 3 && (old || absent === 0)) return EINVAL;
  const empty = readOnly === 1 && absent === 1 && contents === 0 && seg32 === 0 && inPages === 0 && useable === 0 && base === 0 && limit === 0;
  let lo = 0;
  let hi = 0;
  if (!((old && base === 0 && limit === 0) || empty)) {
    lo = ((base & 0xffff) << 16) | (limit & 0xffff);
    const type = ((readOnly ^ 1) << 1) | (contents << 2) | 1;
    hi = (base & 0xff000000) | ((base >>> 16) & 0xff) | (type << 8) | (1 << 12) | (3 << 13) | ((absent ^ 1) << 15) | (limit & 0xf0000) | ((old ? 0 : useable) << 20) | (seg32 << 22) | (inPages << 23);
  }
  const { space } = t;
  if (space.ldt.length < (index + 1) * ENTRY_SIZE) {
    const wider = new Uint8Array((index + 1) * ENTRY_SIZE);
    wider.set(space.ldt);
    space.ldt = wider;
  }
  const table = new DataView(space.ldt.buffer);
  table.setInt32(index * ENTRY_SIZE, lo, true);
  table.setInt32(index * ENTRY_SIZE + 4, hi, true);
  return 0;
}

function modifyLdt(t: Task, a: SyscallArgs): number {
  const count = a.size(2);
  switch (a.int(0)) {
    case 0:
      return readLdt(t, a.addr(1), count);
    case 1:
      return writeLdt(t, a.addr(1), count, true);
    case 2: {
      const n = Math.min(count, DEFAULT_SIZE);
      return n > 0 && isErr(t.space.writeBytes(a.addr(1), new Uint8Array(n))) ? EFAULT : n;
    }
    case 0x11:
      return writeLdt(t, a.addr(1), count, false);
    default:
      return ENOSYS;
  }
}

export const processLdtRows: readonly SyscallRow[] = [
  // The result is an unsigned int, errors too.
  [154, 'modify_ldt', 'int,addr,ulong', 'partial', (t, a) => modifyLdt(t, a) >>> 0],
];
