/** Reading of ELF headers. Nothing in the file is believed. Checks of Linux 6.18 fs/binfmt_elf.c. */
import { EIO, isErr } from '../abi/errno.ts';
import type { Errno } from '../abi/errno.ts';
import { EHDR_SIZE, EM_X86_64, ET_DYN, ET_EXEC, PHDR_SIZE, PT_LOAD } from '../abi/elf.ts';
import { BytesIoVector } from '../base/io-vector.ts';
import type { VfsContext } from '../vfs/context.ts';
import type { FileDescription } from '../vfs/file-description.ts';

export interface ElfHeader {
  readonly type: number;
  readonly machine: number;
  /** Addresses and offsets ≥ 2^53 come out rounded: far outside anything that is accepted. */
  readonly entry: number;
  readonly phoff: number;
  readonly phentsize: number;
  readonly phnum: number;
}

export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  readonly offset: number;
  readonly vaddr: number;
  readonly filesz: number;
  readonly memsz: number;
  readonly align: number;
}

/** Reads exactly `length` bytes at `offset`; EIO when the file is shorter, or the file's errno (elf_read). */
export function readExactly(ctx: VfsContext, file: FileDescription, offset: number, length: number): Uint8Array | Errno {
  const bytes = new Uint8Array(length);
  const iov = new BytesIoVector(bytes);
  while (iov.remaining > 0) {
    const n = file.read(ctx, iov, offset + length - iov.remaining);
    if (isErr(n)) return n;
    if (n === 0) return EIO;
  }
  return bytes;
}

/** The header in the first bytes of a file, or null if it is no ELF file. Only the magic decides, as in Linux. */
export function parseElfHeader(bytes: Uint8Array): ElfHeader | null {
  if (bytes.length < EHDR_SIZE || bytes[0] !== 0x7f || bytes[1] !== 0x45 || bytes[2] !== 0x4c || bytes[3] !== 0x46) return null;
  const v = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return {
    type: v.getUint16(16, true),
    machine: v.getUint16(18, true),
    entry: u64(v, 24),
    phoff: u64(v, 32),
    phentsize: v.getUint16(54, true),
    phnum: v.getUint16(56, true),
  };
}

/** An executable or a shared object for this processor. */
export function isLoadable(h: ElfHeader): boolean {
  return (h.type === ET_EXEC || h.type === ET_DYN) && h.machine === EM_X86_64;
}

/** The program headers, or null: wrong entry size, none, more than 64 KiB, or unreadable (load_elf_phdrs). */
export function readProgramHeaders(ctx: VfsContext, file: FileDescription, h: ElfHeader): ProgramHeader[] | null {
  const size = h.phnum * PHDR_SIZE;
  if (h.phentsize !== PHDR_SIZE || size === 0 || size > 65536 || h.phoff > Number.MAX_SAFE_INTEGER - size) return null;
  const bytes = readExactly(ctx, file, h.phoff, size);
  if (isErr(bytes)) return null;
  const v = new DataView(bytes.buffer);
  const list: ProgramHeader[] = [];
  for (let at = 0; at < size; at += PHDR_SIZE)
    list.push({
      type: v.getUint32(at, true),
      flags: v.getUint32(at + 4, true),
      offset: u64(v, at + 8),
      vaddr: u64(v, at + 16),
      filesz: u64(v, at + 32),
      memsz: u64(v, at + 40),
      align: u64(v, at + 48),
    });
  return list;
}

/** Bytes from the first PT_LOAD's page to the last one's end; 0 if there is none. */
export function totalMappingSize(headers: readonly ProgramHeader[]): number {
  let low = Infinity;
  let high = 0;
  for (const p of headers)
    if (p.type === PT_LOAD) {
      low = Math.min(low, Math.floor(p.vaddr / 4096) * 4096);
      high = Math.max(high, p.vaddr + p.memsz);
    }
  return low === Infinity ? 0 : high - low;
}

/** The largest alignment of the PT_LOADs that is a power of two and at least a page; 0 if none. */
export function maximumAlignment(headers: readonly ProgramHeader[]): number {
  let most = 0;
  for (const p of headers) {
    if (p.type !== PT_LOAD || p.align < 4096 || !Number.isInteger(Math.log2(p.align))) continue;
    most = Math.max(most, p.align);
  }
  return most;
}

function u64(v: DataView, at: number): number {
  return v.getUint32(at + 4, true) * 4294967296 + v.getUint32(at, true);
}
