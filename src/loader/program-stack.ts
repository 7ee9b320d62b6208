/** The stack of a new program: strings, auxiliary vector, pointers, bit for bit as Linux lays them out (create_elf_tables). */
import { ENOMEM, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import {
  AT_BASE, AT_CLKTCK, AT_EGID, AT_ENTRY, AT_EUID, AT_EXECFN, AT_FLAGS, AT_GID, AT_HWCAP, AT_HWCAP2, AT_MINSIGSTKSZ, AT_NULL, AT_PAGESZ,
  AT_PHDR, AT_PHENT, AT_PHNUM, AT_PLATFORM, AT_RANDOM, AT_RSEQ_ALIGN, AT_RSEQ_FEATURE_SIZE, AT_SECURE, AT_SYSINFO_EHDR, AT_UID, PHDR_SIZE,
} from '../abi/elf.ts';
import { pageAlign, pageFloor } from '../memory/address-space.ts';
import { WRITE } from '../memory/page-table.ts';
import type { AddressSpace } from '../memory/address-space.ts';
import { mapRegion } from '../memory/mmap.ts';
import { growStack } from '../memory/stack-growth.ts';
import { TASK_SIZE } from '../memory/user-memory.ts';
import { VM_ACCOUNT, VM_EXEC, VM_GROWSDOWN, VM_MAYEXEC, VM_MAYREAD, VM_MAYWRITE, VM_READ, VM_WRITE } from '../memory/vma.ts';
import type { ExecIds, ExecRequest } from './exec-request.ts';

/** Linux maps this much below what the arguments need (setup_arg_pages stack_expand). */
const STACK_EXPAND = 131072;

/**
 * Pages below the arguments that every program uses at once: brought in together, so that they lie behind one another in the platform's memory and
 * what it reads and writes across their borders is in one piece there.
 */
const FIRST_PAGES = 3;
function populate(space: AddressSpace, from: number, to: number): void {
  space.pm.prepareRun((TASK_SIZE - from) / 4096);
  for (let at = from; at < to; at += 4096) if (space.fault(at, WRITE) !== 0) return;
}

/** Addresses that the loader found out. */
export interface ProgramAddresses {
  readonly phdr: number;
  readonly phnum: number;
  /** Load address of the ELF interpreter, 0 without. */
  readonly base: number;
  readonly entry: number;
}

/** Maps the stack for strings of these lengths and copies them in; sets arg and env ranges. Returns the lowest string's address, or ENOMEM. */
export function copyStrings(space: AddressSpace, filename: string, argv: readonly string[], envp: readonly string[], executable: boolean): number | Errno {
  let total = 8 + filename.length + 1;
  for (const s of argv) total += s.length + 1;
  for (const s of envp) total += s.length + 1;
  const size = pageAlign(total);
  const vm = VM_READ | VM_WRITE | (executable ? VM_EXEC : 0) | VM_MAYREAD | VM_MAYWRITE | VM_MAYEXEC | VM_GROWSDOWN | VM_ACCOUNT;
  const bottom = TASK_SIZE - size;
  if (isErr(mapRegion(space, bottom, size, vm, bottom / 4096, null, null))) return ENOMEM;
  // The growth that setup_arg_pages makes: as much as the limit allows, but no failure when it allows none.
  const limit = Math.max(pageFloor(Math.min(space.limits.stackLimit(), TASK_SIZE)), size);
  const stack = space.vmas.find(bottom)!;
  const base = size + STACK_EXPAND > limit ? TASK_SIZE - limit : bottom - STACK_EXPAND;
  if (base < bottom) growStack(space, stack, base);
  populate(space, Math.max(base, bottom - FIRST_PAGES * 4096), bottom);

  const bytes = new Uint8Array(total);
  let at = 0;
  const put = (s: string): void => {
    for (let i = 0; i < s.length; i++) bytes[at++] = s.charCodeAt(i);
    at++;
  };
  for (const s of argv) put(s);
  const argLength = at;
  for (const s of envp) put(s);
  const envLength = at - argLength;
  put(filename);
  const p = TASK_SIZE - total;
  if (isErr(space.writeBytes(p, bytes))) return ENOMEM;
  space.argStart = p;
  space.argEnd = space.envStart = p + argLength;
  space.envEnd = p + argLength + envLength;
  return p;
}

/** Builds everything below the strings; returns the initial RSP, or ENOMEM. `strings`: what copyStrings returned. */
export function buildStack(space: AddressSpace, req: ExecRequest, argv: readonly string[], strings: number, a: ProgramAddresses, ids: ExecIds): number | Errno {
  let p = strings - (strings % 16);
  const platform = 'x86_64';
  p -= platform.length + 1;
  const platformAt = p;
  const randomAt = (p -= 16);
  const random = new Uint8Array(16 + platform.length + 1);
  req.host.random(random.subarray(0, 16));
  for (let i = 0; i < platform.length; i++) random[16 + i] = platform.charCodeAt(i);
  if (isErr(space.writeBytes(randomAt, random))) return ENOMEM;

  const aux: [number, number][] = [];
  if (space.vdso !== 0) aux.push([AT_SYSINFO_EHDR, space.vdso]);
  aux.push(
    [AT_MINSIGSTKSZ, req.minSigStackSize], [AT_HWCAP, req.hwcap], [AT_PAGESZ, 4096], [AT_CLKTCK, 100], [AT_PHDR, a.phdr], [AT_PHENT, PHDR_SIZE],
    [AT_PHNUM, a.phnum], [AT_BASE, a.base], [AT_FLAGS, 0], [AT_ENTRY, a.entry], [AT_UID, ids.uid], [AT_EUID, ids.euid], [AT_GID, ids.gid],
    [AT_EGID, ids.egid], [AT_SECURE, ids.secure ? 1 : 0], [AT_RANDOM, randomAt], [AT_HWCAP2, req.hwcap2], [AT_EXECFN, space.envEnd],
    [AT_PLATFORM, platformAt], [AT_RSEQ_FEATURE_SIZE, 28], [AT_RSEQ_ALIGN, 32], [AT_NULL, 0],
  );

  const items = argv.length + 1 + (req.envp.length + 1) + 1;
  let sp = p - aux.length * 16 - items * 8;
  sp = Math.floor(sp / 16) * 16;
  const image = new Uint8Array((items + aux.length * 2) * 8);
  const view = new DataView(image.buffer);
  let at = 0;
  const word = (v: number): void => {
    view.setUint32(at, v >>> 0, true);
    view.setUint32(at + 4, Math.floor(v / 4294967296), true);
    at += 8;
  };
  word(argv.length);
  let s = space.argStart;
  for (const arg of argv) {
    word(s);
    s += arg.length + 1;
  }
  word(0);
  for (const env of req.envp) {
    word(s);
    s += env.length + 1;
  }
  word(0);
  const auxAt = at;
  for (const [type, value] of aux) {
    word(type);
    word(value);
  }
  space.auxv = image.slice(auxAt);
  space.startStack = sp;
  return isErr(space.writeBytes(sp, image)) ? ENOMEM : sp;
}
