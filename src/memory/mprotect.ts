/** mprotect(2). Linux 6.18 mm/mprotect.c do_mprotect_pkey. */
import { EACCES, EINVAL, ENOMEM, EPERM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { PROT_EXEC, PROT_GROWSDOWN, PROT_GROWSUP, PROT_READ, PROT_SEM, PROT_WRITE } from '../abi/mman.ts';
import { MAX_MAP_COUNT, WIDE, isDataMapping, pageAlign } from './address-space.ts';
import type { AddressSpace } from './address-space.ts';
import { readBits } from './fault.ts';
import { protFlags } from './mmap.ts';
import { PTE_EXEC, PTE_FRAME, PTE_PRESENT, PTE_WRITE } from './page-table.ts';
import { TASK_SIZE } from './user-memory.ts';
import { VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_NORESERVE, VM_READ, VM_SEALED, VM_SHARED, VM_WRITE } from './vma.ts';
import type { Vma } from './vma.ts';

/** Sets the rights of [addr, addr + len). EINVAL, ENOMEM (a hole, or limits), EACCES; what lies before the failing mapping is changed, as on Linux. */
export function mprotect(space: AddressSpace, addr: number, len: number, prot: number): 0 | Errno {
  const grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
  prot &= ~(PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) return EINVAL;
  if (addr % 4096 !== 0) return EINVAL;
  if (len === 0) return 0;
  if (len < 0 || addr < 0) return ENOMEM;
  let start = addr;
  const end = addr + pageAlign(len);
  if (end <= start || end > TASK_SIZE + 4096) return ENOMEM;
  if (prot & ~(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_SEM)) return EINVAL;
  const first = space.vmas.find(start);
  if (first === null) return ENOMEM;
  if (grows & PROT_GROWSDOWN) {
    if (first.start >= end) return ENOMEM;
    start = first.start;
    if (!(first.flags & VM_GROWSDOWN)) return EINVAL;
  } else {
    if (first.start > start) return ENOMEM;
    if (grows & PROT_GROWSUP) return EINVAL;
  }
  const want = protFlags(prot);
  let at = start;
  for (let v: Vma | null = first; ; ) {
    if (v === null || v.start > at) return ENOMEM;
    const flags: number = (v.flags & ~(VM_READ | VM_WRITE | VM_EXEC)) | want;
    if (want & ~(v.flags >> 4) & (VM_READ | VM_WRITE | VM_EXEC)) return EACCES;
    if (space.denyWriteExec !== 0 && flags & VM_EXEC && (flags & VM_WRITE || !(v.flags & VM_EXEC))) return EACCES;
    if (v.flags & VM_SEALED) return EPERM;
    const stop: number = Math.min(end, v.end);
    const changed = changeFlags(space, v, at, stop, flags);
    if (isErr(changed)) return changed;
    at = stop;
    if (at >= end) return 0;
    v = space.vmas.find(at);
  }
}

/** Gives [start, stop) of `v` new rights: splits, accounts, changes PTEs, merges (mprotect_fixup). ENOMEM. */
function changeFlags(space: AddressSpace, v: Vma, start: number, stop: number, flags: number): 0 | Errno {
  const old = v.flags;
  if (old === flags) return 0;
  const pages = (stop - start) / 4096;
  if (flags & VM_WRITE && !(old & VM_WRITE)) {
    if (isDataMapping(flags) && !isDataMapping(old) && !space.mayExpand(flags, pages) && (space.dataVm + pages) * 4096 > space.limits.dataLimit()) return ENOMEM;
    if (!(old & (VM_ACCOUNT | VM_WRITE | VM_SHARED | VM_NORESERVE))) {
      if (isErr(space.commit(pages))) return ENOMEM;
      flags |= VM_ACCOUNT;
    }
  } else if (flags & VM_ACCOUNT && v.object === null && v.anonVma === 0 && !(flags & VM_WRITE) && old & VM_WRITE) {
    // Linux uncharges private memory that was never written when it becomes read-only.
    space.pm.committed -= pages;
    flags &= ~VM_ACCOUNT;
  }
  if (v.start < start) {
    if (space.vmas.size >= MAX_MAP_COUNT) return ENOMEM;
    v = space.split(v, start);
  }
  if (v.end > stop) {
    if (space.vmas.size >= MAX_MAP_COUNT) return ENOMEM;
    space.split(v, stop);
  }
  space.account(old, -pages);
  space.account(flags, pages);
  v.flags = flags;
  if (flags & VM_EXEC && !(old & VM_EXEC)) space.codeAdded();
  else if (old & VM_EXEC && !(flags & VM_EXEC)) space.codeGone();
  applyRights(space, v, start, stop);
  space.merge(v);
  return 0;
}

/** Brings the PTEs of [start, stop), part of `v`, in line with its flags. Write permission that is gained comes by faults. */
export function applyRights(space: AddressSpace, v: Vma, start: number, stop: number): void {
  const i32 = space.pm.i32;
  const table = space.table;
  const rights = readBits(v);
  const keep = v.flags & VM_WRITE ? ~(PTE_PRESENT | PTE_EXEC) : ~(PTE_PRESENT | PTE_EXEC | PTE_WRITE);
  let taken = 0;
  for (let a = start; a < stop; ) {
    const li = Math.floor(a / 4194304);
    const leafEnd = Math.min(stop, (li + 1) * 4194304);
    let base: number = table.leaf(li);
    if (base === 0 && stop - a > WIDE) {
      a = Math.max(leafEnd, table.nextLeaf(li) * 4194304);
      continue;
    }
    if (base !== 0) {
      const from = (a / 4096) & 1023;
      const to = from + (leafEnd - a) / 4096;
      let own = false;
      for (let i = from; i < to; i++) {
        const pte = i32[base + i]!;
        if ((pte & PTE_FRAME) === 0) continue;
        const now = (pte & keep) | rights;
        if (now === pte) continue;
        if (!own) {
          base = table.ownLeaf(li);
          // Linux would kill here too: no page table, no way on. The mapping already has its new rights; drop the pages instead.
          if (base < 0) {
            table.zap(a, leafEnd);
            taken++;
            break;
          }
          own = true;
        }
        const cur = i32[base + i]!;
        const next = (cur & keep) | rights;
        if (cur & ~next & (PTE_PRESENT | PTE_WRITE | PTE_EXEC)) taken++;
        if (cur & ~next & PTE_EXEC) table.execGone = true;
        i32[base + i] = next;
      }
    }
    a = leafEnd;
  }
  space.flush(start, stop, taken);
}
