/** Access of debuggers: through missing rights where Linux's FOLL_FORCE goes (ptrace PEEK/POKE, /proc/PID/mem). mm/gup.c check_vma_flags. */
import { EFAULT } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import type { AddressSpace } from './address-space.ts';
import { applyRights } from './mprotect.ts';
import { PTE_FRAME, PTE_GUARD, READ, WRITE } from './page-table.ts';
import { TASK_SIZE } from './user-memory.ts';
import { VM_IO, VM_MAYREAD, VM_MAYSHARE, VM_MAYWRITE, VM_PFNMAP, VM_READ, VM_WRITE } from './vma.ts';

/** Linear-memory offset of `addr` for a forced access, or 0. A forced write to private memory makes a private copy first. */
function forced(space: AddressSpace, addr: number, access: number): number {
  if (!(addr >= 0 && addr < TASK_SIZE)) return 0;
  const v = space.vmas.find(addr);
  if (v === null || v.start > addr || v.flags & (VM_IO | VM_PFNMAP)) return 0;
  if (access === WRITE) {
    if (!(v.flags & VM_WRITE) && (!(v.flags & VM_MAYWRITE) || v.flags & VM_MAYSHARE)) return 0;
  } else if (!(v.flags & VM_READ) && !(v.flags & VM_MAYREAD)) return 0;
  const rights = v.flags;
  v.flags |= access === WRITE ? VM_READ | VM_WRITE : VM_READ;
  const failed = space.fault(addr, access) !== 0;
  const pte = space.table.get(addr);
  v.flags = rights;
  const page = addr - (addr % 4096);
  applyRights(space, v, page, page + 4096);
  if (failed || (pte & PTE_FRAME) === 0 || pte & PTE_GUARD) return 0;
  if (access === WRITE) space.pm.willWrite(pte >>> 12);
  return (pte & PTE_FRAME) | (addr % 4096);
}

/** Copies `len` bytes at `addr` to dst[off…], whatever the rights. The count, EFAULT if none. */
export function peekBytes(space: AddressSpace, addr: number, dst: Uint8Array, off: number, len: number): number | Errno {
  let done = 0;
  while (done < len) {
    const at = space.isSecret(addr + done) ? 0 : space.readable(addr + done) || forced(space, addr + done, READ);
    if (at === 0) return done > 0 ? done : EFAULT;
    const n = Math.min(len - done, 4096 - (at & 4095));
    dst.set(space.pm.u8.subarray(at, at + n), off + done);
    done += n;
  }
  return done;
}

/** Copies `len` bytes of src[off…] to `addr`, also into private memory that is read-only (breakpoints). The count, EFAULT if none. */
export function pokeBytes(space: AddressSpace, addr: number, src: Uint8Array, off: number, len: number): number | Errno {
  let done = 0;
  while (done < len) {
    const at = space.isSecret(addr + done) ? 0 : space.writable(addr + done) || forced(space, addr + done, WRITE);
    if (at === 0) return done > 0 ? done : EFAULT;
    const n = Math.min(len - done, 4096 - (at & 4095));
    space.pm.u8.set(src.subarray(off + done, off + done + n), at);
    done += n;
  }
  return done;
}
