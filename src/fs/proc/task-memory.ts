/** What stands in a task's memory: cmdline, environ, auxv, comm, mem, pagemap. */
import { EACCES, EINVAL, EIO, ESRCH, isErr } from '../../abi/errno.ts';
import type { Errno } from '../../abi/errno.ts';
import { SEEK_CUR, SEEK_SET } from '../../abi/fcntl.ts';
import type { IoVector } from '../../base/io-vector.ts';
import { peekBytes, pokeBytes } from '../../memory/forced-access.ts';
import type { AddressSpace } from '../../memory/address-space.ts';
import { PTE_FRAME, PTE_PRESENT } from '../../memory/page-table.ts';
import { ptraceMayAccess, PTRACE_MODE_ATTACH, PTRACE_MODE_FSCREDS, PTRACE_MODE_READ } from '../../kernel/ptrace-access.ts';
import type { VfsContext } from '../../vfs/context.ts';
import { FileDescription } from '../../vfs/file-description.ts';
import type { Path } from '../../vfs/mount.ts';
import type { Generator } from '../pseudo/entries.ts';
import { callerTask, ofMemory, ofTask } from './proc-task.ts';
import type { ProcTask } from './proc-task.ts';
import { untilNul } from './task-limits.ts';

/** Up to `limit` bytes of [start, end); what cannot be read ends it. */
function readRange(mm: AddressSpace, start: number, end: number, limit = 1 << 21): Uint8Array {
  const bytes = new Uint8Array(Math.max(0, Math.min(end - start, limit)));
  if (bytes.length === 0) return bytes;
  const n = mm.copyIn(start, bytes, 0, bytes.length);
  return n < 0 ? new Uint8Array(0) : bytes.subarray(0, n);
}

/** Linux get_mm_cmdline(): a program that overwrote the terminating zero (setproctitle) is followed into its environment. */
export const cmdline: Generator<ProcTask> = ofTask((task) => {
  const mm = task.mm;
  if (mm === null || mm.argStart === 0 || mm.argStart >= mm.argEnd) return '';
  const args = readRange(mm, mm.argStart, mm.argEnd);
  if (args.length === 0 || args[args.length - 1] === 0 || mm.envStart !== mm.argEnd) return args;
  const beyond = readRange(mm, mm.argStart, mm.envEnd);
  const zero = beyond.indexOf(0);
  return zero < 0 ? beyond : beyond.subarray(0, zero + 1);
});

export const environ: Generator<ProcTask> = ofMemory((mm) => readRange(mm, mm.envStart, mm.envEnd));

export const auxv: Generator<ProcTask> = ofMemory((mm) => mm.auxv);

export const comm: Generator<ProcTask> = ofTask((task) => `${task.comm}\n`);

/** Threads of the same process may rename each other; the name is cut to 15 bytes. */
export function setComm(subject: ProcTask, ctx: VfsContext, text: string): number {
  const task = subject.task;
  if (task === null) return ESRCH;
  if (task.threadGroup !== callerTask(ctx).threadGroup) return EINVAL;
  task.comm = untilNul(text).replace(/\n$/, '').slice(0, 15);
  return 0;
}

/** An open /proc/PID/mem: the address space as it was when opened, a hold on which keeps no process alive. */
class MemoryFile extends FileDescription {
  private readonly space: AddressSpace;
  constructor(path: Path, flags: number, space: AddressSpace) {
    super(path, flags);
    this.space = space;
  }
  private static readonly CHUNK = 65536;

  override read(_ctx: VfsContext, iov: IoVector, offset: number): number {
    let at = offset < 0 ? this.pos : offset;
    let done = 0;
    const chunk = new Uint8Array(Math.min(MemoryFile.CHUNK, iov.remaining));
    while (iov.remaining > 0 && this.space.users > 0) {
      const n = peekBytes(this.space, at, chunk, 0, Math.min(chunk.length, iov.remaining));
      if (isErr(n)) {
        if (done === 0) return EIO;
        break;
      }
      const put = iov.put(chunk, 0, n);
      if (put < 0) return done === 0 ? put : done;
      at += put;
      done += put;
    }
    if (offset < 0) this.pos = at;
    return done;
  }
  override write(_ctx: VfsContext, iov: IoVector, offset: number): number {
    let at = offset < 0 ? this.pos : offset;
    let done = 0;
    const chunk = new Uint8Array(Math.min(MemoryFile.CHUNK, iov.remaining));
    while (iov.remaining > 0 && this.space.users > 0) {
      const taken = iov.take(chunk, 0, Math.min(chunk.length, iov.remaining));
      if (taken < 0) return done === 0 ? taken : done;
      const n = pokeBytes(this.space, at, chunk, 0, taken);
      if (isErr(n)) {
        if (done === 0) return EIO;
        break;
      }
      at += n;
      done += n;
      if (n < taken) break;
    }
    if (offset < 0) this.pos = at;
    return done;
  }
  override seek(_ctx: VfsContext, offset: number, whence: number): number {
    if (whence !== SEEK_SET && whence !== SEEK_CUR) return EINVAL;
    this.pos = whence === SEEK_SET ? offset : this.pos + offset;
    return this.pos;
  }
}

/** Opens /proc/PID/mem: EACCES for who may not trace the task, ESRCH without memory. */
export function openMemory(subject: ProcTask, ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
  const task = subject.task;
  if (task === null) return ESRCH;
  if (task.mm === null) return ESRCH;
  return ptraceMayAccess(callerTask(ctx), task, PTRACE_MODE_ATTACH | PTRACE_MODE_FSCREDS) < 0 ? EACCES : new MemoryFile(path, flags, task.mm);
}

/** An open /proc/PID/pagemap: 8 bytes a page, bit 63 = present; frame numbers are not shown. */
class PagemapFile extends FileDescription {
  private readonly space: AddressSpace;
  constructor(path: Path, flags: number, space: AddressSpace) {
    super(path, flags);
    this.space = space;
  }
  override read(_ctx: VfsContext, iov: IoVector, offset: number): number {
    const at = offset < 0 ? this.pos : offset;
    if (at % 8 !== 0 || iov.remaining % 8 !== 0) return EINVAL;
    const end = 0x800000000000 / 4096;
    const count = Math.min(iov.remaining / 8, 8192, Math.max(0, end - at / 8));
    const entries = new Uint8Array(count * 8);
    for (let i = 0; i < count; i++) {
      const page = at / 8 + i;
      const base = this.space.table.leaf(Math.floor(page / 1024));
      const pte = base === 0 ? 0 : (this.space.pm.i32[base + (page & 1023)] ?? 0);
      if (pte & PTE_PRESENT && pte & PTE_FRAME) entries[i * 8 + 7] = 0x80;
    }
    const n = iov.put(entries, 0, entries.length);
    if (n > 0 && offset < 0) this.pos = at + n;
    return n;
  }
}

export function openPagemap(subject: ProcTask, ctx: VfsContext, path: Path, flags: number): FileDescription | Errno {
  const task = subject.task;
  if (task === null) return ESRCH;
  if (task.mm === null) return ESRCH;
  return ptraceMayAccess(callerTask(ctx), task, PTRACE_MODE_READ | PTRACE_MODE_FSCREDS) < 0 ? EACCES : new PagemapFile(path, flags, task.mm);
}
