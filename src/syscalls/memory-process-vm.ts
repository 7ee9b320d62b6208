/** process_vm_readv, process_vm_writev, process_madvise: one process works on another's memory. Linux 6.18 mm/process_vm_access.c. */
import { EFAULT, EINVAL, EPERM, ESRCH, isErr } from '../abi/errno.ts';
import { MADV_COLD, MADV_COLLAPSE, MADV_PAGEOUT, MADV_WILLNEED } from '../abi/mman.ts';
import { CAP_SYS_NICE } from '../abi/capability.ts';
import { PTRACE_MODE_ATTACH, PTRACE_MODE_READ, PTRACE_MODE_REALCREDS, ptraceMayAccess } from '../kernel/ptrace-access.ts';
import { pidOfFd } from '../kernel/pidfd.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import type { Task } from '../kernel/task.ts';
import { madvise } from '../memory/madvise.ts';
import type { SyscallArgs, SyscallRow } from './args.ts';

const UIO_MAXIOV = 1024;

/** A list of pieces read from a struct iovec array. */
interface Pieces {
  addr: number[];
  len: number[];
  total: number;
}

function readPieces(t: Task, iov: number, count: number): Pieces | number {
  if (count > UIO_MAXIOV) return EINVAL;
  const p: Pieces = { addr: [], len: [], total: 0 };
  for (let i = 0; i < count; i++) {
    const addr = t.space.readU64(iov + i * 16);
    const len = t.space.readU64(iov + i * 16 + 8);
    if (isErr(addr) || isErr(len)) return EFAULT;
    if (len >= 2 ** 63) return EINVAL;
    p.addr.push(addr);
    p.len.push(len);
    p.total += len;
  }
  return p;
}

/** A page of [addr, addr + len) is memfd_secret memory, which nobody reads for another. Linux differs: nothing of the piece is moved, not even what is before it. */
function secretIn(mm: AddressSpace, addr: number, len: number): boolean {
  for (let at = addr - (addr % 4096); at < addr + len; at += 4096) if (mm.isSecret(at)) return true;
  return false;
}

function processVm(t: Task, a: SyscallArgs, write: boolean): number {
  const pid = a.int(0);
  if (a.lo(5) !== 0 || a.hi(5) !== 0) return EINVAL;
  const local = readPieces(t, a.addr(1), a.size(2));
  if (typeof local === 'number') return local;
  if (local.total === 0) return 0;
  const remote = readPieces(t, a.addr(3), a.size(4));
  if (typeof remote === 'number') return remote;
  const other = t.pid.ns.find(pid)?.task ?? null;
  if (other === null) return ESRCH;
  if (ptraceMayAccess(t, other, PTRACE_MODE_ATTACH | PTRACE_MODE_REALCREDS) < 0) return EPERM;
  if (other.mm === null) return ESRCH;
  const buffer = new Uint8Array(65536);
  let done = 0;
  let li = 0;
  let lpos = 0;
  for (let ri = 0; ri < remote.addr.length && li < local.addr.length; ri++) {
    for (let rpos = 0; rpos < remote.len[ri]! && li < local.addr.length; ) {
      const n = Math.min(remote.len[ri]! - rpos, local.len[li]! - lpos, buffer.length);
      if (n > 0) {
        const from = write ? t.space : other.mm;
        const to = write ? other.mm : t.space;
        const mine = local.addr[li]! + lpos;
        const its = remote.addr[ri]! + rpos;
        if (other.mm.hasSecrets && secretIn(other.mm, its, n)) return done > 0 ? done : EFAULT;
        const got = from.copyIn(write ? mine : its, buffer, 0, n);
        if (isErr(got)) return done > 0 ? done : EFAULT;
        const put = to.copyOut(write ? its : mine, buffer, 0, got);
        if (isErr(put)) return done > 0 ? done : EFAULT;
        done += put;
        rpos += put;
        lpos += put;
        if (put < n) return done;
      }
      if (lpos >= local.len[li]!) {
        li++;
        lpos = 0;
      }
    }
  }
  return done;
}

function sysProcessVmReadv(t: Task, a: SyscallArgs): number {
  return processVm(t, a, false);
}

function sysProcessVmWritev(t: Task, a: SyscallArgs): number {
  return processVm(t, a, true);
}

function sysProcessMadvise(t: Task, a: SyscallArgs): number {
  if (a.u32(4) !== 0) return EINVAL;
  const pieces = readPieces(t, a.addr(1), a.size(2));
  if (typeof pieces === 'number') return pieces;
  const pid = pidOfFd(t, a.fd(0));
  if (isErr(pid)) return pid;
  const other = pid.task;
  if (other === null) return ESRCH;
  if (ptraceMayAccess(t, other, PTRACE_MODE_READ | PTRACE_MODE_REALCREDS) < 0) return EPERM;
  if (other.mm === null) return ESRCH;
  const advice = a.int(3);
  if (other.mm !== t.mm) {
    if (advice !== MADV_COLD && advice !== MADV_PAGEOUT && advice !== MADV_WILLNEED && advice !== MADV_COLLAPSE) return EINVAL;
    if (!t.credentials.capableInInit(CAP_SYS_NICE)) return EPERM;
  }
  let done = 0;
  for (let i = 0; i < pieces.addr.length; i++) {
    const r = madvise(other.mm, pieces.addr[i]!, pieces.len[i]!, advice);
    if (isErr(r)) return done > 0 ? done : r;
    done += pieces.len[i]!;
  }
  return done;
}

/** process_mrelease: a dying process gives its memory back when it next runs, so there is nothing to hurry. */
function sysProcessMrelease(t: Task, a: SyscallArgs): number {
  if (a.u32(1) !== 0) return EINVAL;
  const pid = pidOfFd(t, a.fd(0));
  if (isErr(pid)) return pid;
  const other = pid.task;
  if (other === null || other.mm === null) return ESRCH;
  return other.threadGroup.exiting ? 0 : EINVAL;
}

export const rows: readonly SyscallRow[] = [
  [310, 'process_vm_readv', 'pid,addr,ulong,addr,ulong,ulong', 'full', sysProcessVmReadv],
  [311, 'process_vm_writev', 'pid,addr,ulong,addr,ulong,ulong', 'full', sysProcessVmWritev],
  [448, 'process_mrelease', 'fd,uint', 'full', sysProcessMrelease],
  [440, 'process_madvise', 'fd,addr,ulong,madvise,uint', 'full', sysProcessMadvise],
];
